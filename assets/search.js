// The search box on top of every page of the secretariat: finds while somebody types. Without it the box is a plain form.

const form = document.querySelector("form[data-search]");
if (form) attach(form);

function attach(form) {
  const box = form.querySelector("input[type=search]");
  const list = form.querySelector("[role=listbox]");
  const status = form.querySelector("[role=status]");
  let asking = null;
  let again = false;
  let chosen = -1;

  const options = () => [...list.querySelectorAll("[role=option][data-href]")];

  function close() {
    asking?.abort();
    again = false;
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    chosen = -1;
  }

  function choose(at) {
    const all = options();
    chosen = all.length ? (at + all.length) % all.length : -1;
    all.forEach((option, n) => option.setAttribute("aria-selected", String(n === chosen)));
    if (chosen < 0) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  }

  // Each key is asked for at once; while an answer is on its way only the newest waits, so a slow network is asked as often as it answers.
  async function ask() {
    const typed = box.value.trim();
    if (!typed) return close();
    if (asking) {
      again = true;
      return;
    }
    const mine = (asking = new AbortController());
    again = false;
    try {
      const answer = await fetch(`${form.dataset.search}?q=${encodeURIComponent(typed)}`, { signal: mine.signal, headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return close();
      show(await answer.text());
    } catch (error) {
      if (error.name !== "AbortError") close();
    } finally {
      if (asking === mine) asking = null;
    }
    if (again && !asking && document.activeElement === box) ask();
  }

  function show(html) {
    if (document.activeElement !== box) return;
    const kept = options()[chosen]?.dataset.href;
    list.innerHTML = html;
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    // A late answer leaves the choice where somebody put it, as long as it is still among what was found.
    chosen = kept ? options().findIndex((option) => option.dataset.href === kept) : -1;
    if (chosen < 0) box.removeAttribute("aria-activedescendant");
    else choose(chosen);
    const found = options().filter((option) => option.id !== "suggestion-all").length;
    status.textContent = form.dataset.found.replace("{count}", String(found));
  }

  // While an input method composes, what stands in the box is letters of no word yet.
  box.addEventListener("input", (event) => {
    if (!event.isComposing) ask();
  });
  box.addEventListener("compositionend", ask);
  box.addEventListener("focus", () => box.value.trim() && ask());
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) return void ask();
      choose(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && !list.hidden && chosen >= 0) {
      event.preventDefault();
      location.assign(options()[chosen].dataset.href);
    } else if (event.key === "Escape") close();
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[data-href]");
    if (option) location.assign(option.dataset.href);
  });
  box.addEventListener("blur", close);
}
