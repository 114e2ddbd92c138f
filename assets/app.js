// What every page gets: live figures, print buttons, choosing rows, length counters, and a guard against sending a form twice.
// Pages work without it.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const stands = new WeakMap();

/** Puts what the box sent in the place of what stands, unless it is the same, which would be read out again; what somebody had opened stays open. */
function replace(at, html) {
  if (stands.get(at) === html) return;
  stands.set(at, html);
  const open = all("details", at).map((one) => one.open);
  at.innerHTML = html;
  all("details", at).forEach((one, n) => (one.open = open[n] ?? false));
}

/** Fills every element marked with a key of the message. */
function show(figures) {
  for (const [key, value] of Object.entries(figures)) {
    for (const at of all(`[data-live-html="${CSS.escape(key)}"]`)) replace(at, value);
    for (const at of all(`[data-live="${CSS.escape(key)}"]`)) {
      if (at.tagName === "PROGRESS") at.value = Number(value);
      else at.textContent = String(value);
    }
  }
}

/** Follows an event stream; the browser reconnects by itself. */
function follow(root) {
  const source = new EventSource(root.dataset.liveSource);
  source.onmessage = (message) => {
    const figures = JSON.parse(message.data);
    show(figures);
    root.dispatchEvent(new CustomEvent("figures", { detail: figures }));
    if (figures.reload) location.reload();
  };
  source.onopen = () => root.removeAttribute("data-offline");
  source.onerror = () => root.setAttribute("data-offline", "");
}
all("[data-live-source]").forEach(follow);

for (const button of all("[data-print]")) button.addEventListener("click", () => window.print());

for (const box of all("[data-pick-all]")) {
  const rows = all("[data-pick]", box.closest("table"));
  box.addEventListener("change", () => rows.forEach((row) => (row.checked = box.checked)));
}

for (const field of all("[data-counter]")) {
  const counter = document.createElement("p");
  counter.className = "counter";
  const tell = () => {
    const length = [...field.value].length;
    counter.textContent = `${length} / ${field.maxLength}`;
    // One line says so only when it is nearly full.
    counter.hidden = field.tagName === "INPUT" && length < 0.8 * field.maxLength;
  };
  field.after(counter);
  field.addEventListener("input", tell);
  tell();
}

for (const form of all("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    // What opens beside the form leaves it to be sent.
    if (event.submitter?.formTarget === "_blank") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 5000);
  });
}
window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

for (const button of all("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(button.previousElementSibling);
    // Without encryption browsers keep the clipboard's newer way to themselves.
    await (navigator.clipboard?.writeText(button.dataset.copy) ?? Promise.reject()).catch(() => document.execCommand("copy"));
    button.lastChild.textContent = button.dataset.copied;
  });
}

document.querySelector("[data-focus]")?.focus();
document.querySelector("form[data-auto]")?.requestSubmit();

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !typing) {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});
