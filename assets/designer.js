// The designer of posters, badges and certificates: elements are dragged, sized at their corner, and moved by arrow keys; every change goes
// through the form's fields, which work without this, and the box draws the preview from them. One button lies over the chosen element, so
// that elements over one another never hide each other's controls.

const stage = document.querySelector("[data-designer]");
const form = document.querySelector("#design");
const picture = stage.querySelector("img");
const outlines = new Map(); // By element, from the back to the front.
const WAIT_MS = 150; // So long the fields must rest before the preview is drawn anew.
const PARTS = ["x", "y", "w", "h"];
let current = null;

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

const handle = Object.assign(document.createElement("button"), { type: "button", className: "handle", hidden: true });
const corner = document.createElement("i");
handle.append(corner);

/** Lays something over an element. */
function over(shown, id) {
  const size = card();
  const share = (part, of) => `${(value(id, part) / of) * 100}%`;
  shown.style.left = share("x", size.w);
  shown.style.top = share("y", size.h);
  shown.style.width = share("w", size.w);
  shown.style.height = share("h", size.h);
}

function lay() {
  for (const [id, outline] of outlines) over(outline, id);
  if (current) over(handle, current);
}

let changed = false;
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
  current = id;
  const element = form.querySelector(`[data-element="${id}"]`);
  for (const other of form.querySelectorAll("[data-element]")) other.classList.toggle("current", other === element);
  handle.hidden = false;
  handle.dataset.of = id;
  handle.setAttribute("aria-label", stage.dataset.handle.replace("{what}", element.dataset.title));
  lay();
}

function open(id) {
  const element = form.querySelector(`[data-element="${id}"]`);
  for (const other of form.querySelectorAll("[data-element][open]")) if (other !== element) other.open = false;
  element.open = true;
}

/** The elements under a point of the screen, the foremost first. */
function under(at) {
  const hit = ([, outline]) => {
    const box = outline.getBoundingClientRect();
    const slack = Math.max(0, 12 - Math.min(box.width, box.height) / 2); // Thin lines are easier to catch.
    return at.clientX >= box.left - slack && at.clientX <= box.right + slack && at.clientY >= box.top - slack && at.clientY <= box.bottom + slack;
  };
  return [...outlines].filter(hit).map(([id]) => id).reverse();
}

function changedBy(parts) {
  for (const [part, number] of Object.entries(parts)) put(current, part, number);
  changed = true;
  lay();
  refresh();
}

// Mouse, pen or finger: the chosen element is dragged if it lies under the pointer, else the foremost one; a press without a move chooses
// what lies in front, or opens the fields of what is chosen.
stage.addEventListener("pointerdown", (down) => {
  if (down.button !== 0) return;
  const found = under(down);
  const sizing = down.target === corner;
  if (!sizing && found.length === 0) return;
  down.preventDefault();
  const chosen = sizing || found.includes(current);
  if (!chosen) choose(found[0]);
  handle.focus({ preventScroll: true });
  stage.setPointerCapture(down.pointerId);
  const from = Object.fromEntries(PARTS.map((part) => [part, value(current, part)]));
  const scale = card().w / picture.getBoundingClientRect().width;
  let moved = false;
  const move = (now) => {
    const [right, lower] = [now.clientX - down.clientX, now.clientY - down.clientY];
    if (!moved && Math.hypot(right, lower) < 3) return;
    moved = true;
    const [across, along] = sizing ? ["w", "h"] : ["x", "y"];
    changedBy({ [across]: from[across] + right * scale, [along]: from[along] + lower * scale });
  };
  const up = () => {
    stage.removeEventListener("pointermove", move);
    if (moved || !chosen) return;
    if (found[0] && found[0] !== current) choose(found[0]);
    else open(current);
  };
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", up, { once: true });
  stage.addEventListener("pointercancel", up, { once: true });
});

const ARROWS = { ArrowLeft: ["x", "w", -1], ArrowRight: ["x", "w", 1], ArrowUp: ["y", "h", -1], ArrowDown: ["y", "h", 1] };
handle.addEventListener("keydown", (key) => {
  if (key.altKey || key.metaKey) return;
  if (key.key === "Enter") {
    key.preventDefault();
    open(current);
    field(current, "kind").focus();
  } else if (key.key === "PageDown" || key.key === "PageUp") {
    key.preventDefault();
    const all = [...outlines.keys()];
    const next = all.indexOf(current) + (key.key === "PageDown" ? 1 : -1);
    choose(all[(next + all.length) % all.length]);
  } else if (ARROWS[key.key]) {
    key.preventDefault();
    const [place, size, way] = ARROWS[key.key];
    const part = key.ctrlKey ? size : place;
    changedBy({ [part]: value(current, part) + way * (key.shiftKey ? 0.1 : 1) });
  }
});

for (const element of form.querySelectorAll("[data-element]")) {
  const id = element.dataset.element;
  const outline = Object.assign(document.createElement("span"), { className: "outline", ariaHidden: "true" });
  outline.dataset.outline = id;
  outlines.set(id, outline);
  stage.append(outline);
  element.addEventListener("focusin", () => choose(id));
}
stage.append(handle);
const first = form.querySelector("[data-element].current") ?? form.querySelector("[data-element]");
if (first) choose(first.dataset.element);
lay();
form.addEventListener("input", () => {
  lay();
  refresh();
});
// What was changed and not saved is not lost by a slip.
form.addEventListener("input", () => (changed = true));
form.addEventListener("submit", () => (changed = false));
window.addEventListener("beforeunload", (leaving) => changed && leaving.preventDefault());
stage.dataset.ready = "1";
