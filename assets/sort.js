// Putting parts of a form in order: dragged by a handle, or moved by keys. The places are numbers in the form; without this module they are typed.

for (const form of document.querySelectorAll("[data-sort]")) {
  const items = () => [...form.querySelectorAll("[data-sort-item]")];
  const number = () => items().forEach((item, at) => {
    const place = item.querySelector("[name$='-position']");
    if (place) place.value = at + 1;
  });

  /** Moves a part up or down by one and keeps the focus on its handle. */
  function move(item, by) {
    const all = items();
    const to = all[all.indexOf(item) + by];
    if (!to) return;
    if (by < 0) to.before(item);
    else to.after(item);
    number();
    item.querySelector("[data-handle]").focus();
  }

  for (const item of items()) {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "handle";
    handle.dataset.handle = "";
    handle.textContent = `⠿ ${form.dataset.sort} ↑ ↓`;
    item.prepend(handle);
    handle.addEventListener("keydown", (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      move(item, by);
    });
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      item.classList.add("dragged");
    });
    handle.addEventListener("pointermove", (event) => {
      if (!item.classList.contains("dragged")) return;
      const over = items().find((other) => {
        const box = other.getBoundingClientRect();
        return other !== item && event.clientY > box.top && event.clientY < box.bottom;
      });
      if (!over) return;
      const box = over.getBoundingClientRect();
      if (event.clientY < box.top + box.height / 2) over.before(item);
      else over.after(item);
      number();
    });
    for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, () => item.classList.remove("dragged"));
  }
}
