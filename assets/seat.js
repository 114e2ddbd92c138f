// The table plan: tables are dragged or moved by arrow keys, and their numbers in the form below follow; people are dragged onto tables.
// Everything here ends in the page's own forms, which work without it.

const plan = document.querySelector("[data-plan]");
const form = document.querySelector("[data-plan-form]");
const seating = document.querySelector("[data-seating]");
const [WIDTH, HEIGHT] = [1200, 800];
const within = (value, most) => Math.max(0, Math.min(most, Math.round(value)));

/** The two number fields of a table. */
const fields = (id) => ["x", "y"].map((part) => form?.elements[`table-${id}-${part}`]);

/** A point of the screen in the plan's own units. */
function point(event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(plan.getScreenCTM().inverse());
  return [at.x, at.y];
}

function place(table, x, y) {
  table.setAttribute("transform", `translate(${x} ${y})`);
}

function move(table, x, y) {
  const [left, top] = fields(table.dataset.table);
  [left.value, top.value] = [within(x, WIDTH), within(y, HEIGHT)];
  place(table, left.value, top.value);
  form.querySelector("[data-unsaved]").hidden = false;
}

function dragTable(table) {
  let grip = null;
  table.addEventListener("pointerdown", (event) => {
    const [left, top] = fields(table.dataset.table);
    const [x, y] = point(event);
    grip = [x - Number(left.value), y - Number(top.value)];
    table.setPointerCapture(event.pointerId);
    table.focus();
    event.preventDefault();
  });
  table.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [x, y] = point(event);
    move(table, x - grip[0], y - grip[1]);
  });
  for (const end of ["pointerup", "pointercancel"]) table.addEventListener(end, () => (grip = null));
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function moveByKeys(table) {
  table.setAttribute("tabindex", "0");
  // A button is called by what it shows.
  table.setAttribute("role", "button");
  table.removeAttribute("aria-label");
  table.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    const far = event.shiftKey ? 50 : 10;
    const [left, top] = fields(table.dataset.table);
    move(table, Number(left.value) + step[0] * far, Number(top.value) + step[1] * far);
  });
}

function followFields(table) {
  for (const field of fields(table.dataset.table)) {
    field.addEventListener("input", () => {
      const [left, top] = fields(table.dataset.table);
      place(table, within(Number(left.value), WIDTH), within(Number(top.value), HEIGHT));
    });
  }
}

if (plan && form) {
  for (const table of plan.querySelectorAll("[data-table]")) {
    if (!fields(table.dataset.table).every(Boolean)) continue;
    dragTable(table);
    moveByKeys(table);
    followFields(table);
  }
}

/** The table of the plan, or of the lists below it, at a point of the screen. */
const tableAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-table]");

function seat(person, table) {
  const box = person.querySelector("input[name=id]");
  if (!box.checked) {
    for (const other of seating.querySelectorAll("input[name=id]:checked")) other.checked = false;
    box.checked = true;
  }
  seating.elements.table.value = table.dataset.table;
  seating.elements.place.value = "";
  seating.requestSubmit();
}

function dragPerson(person) {
  const grip = person.querySelector(".grip");
  if (!grip) return;
  let ghost = null;
  let over = null;
  const at = (event) => {
    ghost.style.transform = `translate(${event.clientX + 8}px, ${event.clientY + 8}px)`;
    over?.classList.remove("target");
    over = tableAt(event);
    over?.classList.add("target");
  };
  grip.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    ghost = document.createElement("div");
    ghost.className = "ghost";
    const ticked = person.querySelector("input[name=id]").checked ? seating.querySelectorAll("input[name=id]:checked").length : 1;
    ghost.textContent = person.querySelector("label span").textContent + (ticked > 1 ? ` +${ticked - 1}` : "");
    document.body.append(ghost);
    at(event);
  });
  grip.addEventListener("pointermove", (event) => ghost && at(event));
  const end = (event) => {
    if (!ghost) return;
    ghost.remove();
    ghost = null;
    over?.classList.remove("target");
    if (event.type === "pointerup" && over) seat(person, over);
    over = null;
  };
  grip.addEventListener("pointerup", end);
  grip.addEventListener("pointercancel", end);
}

if (plan && seating) for (const person of seating.querySelectorAll("[data-person]")) dragPerson(person);
