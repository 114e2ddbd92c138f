// The designer of posters, badges and certificates: elements are dragged, sized at their corner, and moved by arrow keys; every change goes
// through the form's fields, which work without this, and the box draws the preview from them.

const stage = document.querySelector("[data-designer]");
const form = document.querySelector("#design");
const picture = stage.querySelector("img");
const handles = new Map();
const FIELD = { x: "x", y: "y", w: "w", h: "h" };
const WAIT_MS = 150; // So long the fields must rest before the preview is drawn anew.

const field = (id, part) => form.elements[`e${id}-${part}`];
const value = (id, part) => Number.parseFloat(field(id, part).value) || 0;
const tenth = (number) => Math.round(number * 10) / 10;
const card = () => ({ w: Number.parseFloat(form.elements.width.value) || 1, h: Number.parseFloat(form.elements.height.value) || 1 });

/** Puts a length into its field, within the card. */
function put(id, part, number) {
  const size = card();
  const most = part === "x" || part === "w" ? size.w : size.h;
  const kept = part === "w" || part === "h" ? Math.max(0.1, Math.min(number, 2 * most)) : Math.max(-most + 1, Math.min(number, most - 1));
  field(id, part).value = String(tenth(kept));
}

/** Lays a handle over its element. */
function lay(id) {
  const handle = handles.get(id);
  const size = card();
  const share = (part, of) => `${(value(id, part) / of) * 100}%`;
  handle.style.left = share("x", size.w);
  handle.style.top = share("y", size.h);
  handle.style.width = share("w", size.w);
  handle.style.height = `max(10px, ${share("h", size.h)})`;
}

let resting;
let drawn = 0;
let shown = 0;
/** Has the preview drawn once the fields rest; an answer that comes late is not shown over a later one. */
function refresh() {
  clearTimeout(resting);
  resting = setTimeout(async () => {
    drawn += 1;
    const turn = drawn;
    const typed = new FormData(form);
    for (const [name, kept] of [...typed.entries()]) if (kept instanceof File) typed.delete(name);
    try {
      const answer = await fetch(stage.dataset.preview, { method: "POST", body: new URLSearchParams(typed) });
      if (!answer.ok || turn < shown) return;
      shown = turn;
      const before = picture.src;
      picture.src = URL.createObjectURL(await answer.blob());
      if (before.startsWith("blob:")) URL.revokeObjectURL(before);
      stage.dataset.drawn = String(turn);
    } catch {
      // The next change tries again.
    }
  }, WAIT_MS);
}

function choose(id) {
  for (const [other, handle] of handles) handle.setAttribute("aria-pressed", String(other === id));
  for (const element of form.querySelectorAll("[data-element]")) element.classList.toggle("current", element.dataset.element === id);
}

function open(id) {
  const element = form.querySelector(`[data-element="${id}"]`);
  for (const other of form.querySelectorAll("[data-element][open]")) if (other !== element) other.open = false;
  element.open = true;
}

/** Drags an element, or its corner, with mouse, pen or finger. */
function drag(id, handle) {
  handle.addEventListener("pointerdown", (down) => {
    if (down.button !== 0) return;
    down.preventDefault();
    handle.focus({ preventScroll: true });
    choose(id);
    handle.setPointerCapture(down.pointerId);
    const sizing = down.target !== handle;
    const from = Object.fromEntries(Object.keys(FIELD).map((part) => [part, value(id, part)]));
    const scale = card().w / picture.getBoundingClientRect().width;
    let moved = false;
    const move = (now) => {
      const [right, lower] = [(now.clientX - down.clientX) * scale, (now.clientY - down.clientY) * scale];
      if (Math.hypot(now.clientX - down.clientX, now.clientY - down.clientY) < 3 && !moved) return;
      moved = true;
      put(id, sizing ? "w" : "x", (sizing ? from.w : from.x) + right);
      put(id, sizing ? "h" : "y", (sizing ? from.h : from.y) + lower);
      lay(id);
      refresh();
    };
    const up = () => {
      handle.removeEventListener("pointermove", move);
      if (!moved) open(id);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", up, { once: true });
    handle.addEventListener("pointercancel", up, { once: true });
  });
}

const ARROWS = { ArrowLeft: ["x", "w", -1], ArrowRight: ["x", "w", 1], ArrowUp: ["y", "h", -1], ArrowDown: ["y", "h", 1] };
function keys(id, handle) {
  handle.addEventListener("keydown", (key) => {
    if (key.key === "Enter") return key.preventDefault(), open(id), field(id, "kind").focus();
    const arrow = ARROWS[key.key];
    if (!arrow || key.altKey || key.metaKey) return;
    key.preventDefault();
    const part = key.ctrlKey ? arrow[1] : arrow[0];
    put(id, part, value(id, part) + arrow[2] * (key.shiftKey ? 0.1 : 1));
    lay(id);
    refresh();
  });
}

for (const element of form.querySelectorAll("[data-element]")) {
  const id = element.dataset.element;
  const handle = Object.assign(document.createElement("button"), { type: "button", className: "handle" });
  handle.dataset.handle = id;
  handle.setAttribute("aria-label", stage.dataset.handle.replace("{what}", element.dataset.title));
  handle.setAttribute("aria-pressed", "false");
  handle.append(document.createElement("i"));
  handles.set(id, handle);
  stage.append(handle);
  lay(id);
  drag(id, handle);
  keys(id, handle);
  handle.addEventListener("focus", () => choose(id));
  element.addEventListener("focusin", () => choose(id));
}
form.addEventListener("input", () => {
  for (const id of handles.keys()) lay(id);
  refresh();
});
// What was changed and not saved is not lost by a slip.
let changed = false;
form.addEventListener("input", () => (changed = true));
stage.addEventListener("keydown", () => (changed = true));
stage.addEventListener("pointerup", () => (changed = true));
form.addEventListener("submit", () => (changed = false));
window.addEventListener("beforeunload", (leaving) => changed && leaving.preventDefault());
stage.dataset.ready = "1";
