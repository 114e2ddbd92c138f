// The rules of a check-in list as sentences: conditions and brackets that are chosen, not written. What is built stands as JSON in the
// form's text field, which is all that is sent; without this module the field itself is there.

const root = document.querySelector("[data-rules]");
const names = JSON.parse(root.dataset.names);
const text = JSON.parse(root.dataset.texts);
const field = root.querySelector("textarea");

const KINDS = ["kind", "group", "gate", "time", "clock", "weekday", "entries", "entries_today", "entries_since", "since_last"];
const SETS = ["kind", "group", "gate"];

/** The beginning of a new condition of that kind. */
function fresh(kind) {
  if (SETS.includes(kind)) return { [kind]: ["is", []] };
  return {
    time: { time: ["after", Date.now()] }, clock: { clock: { from: 540, to: 720 } }, weekday: { weekday: [1, 2, 3, 4, 5] },
    entries: { entries: ["at_most", 1] }, entries_today: { entries_today: ["at_most", 0] },
    entries_since: { entries_since: [Date.now(), "at_most", 0] }, since_last: { since_last: ["at_least", 30] },
  }[kind];
}

function read() {
  try {
    return field.value.trim() ? JSON.parse(field.value) : null;
  } catch {
    return undefined;
  }
}
let rule = read();

function made(name, attributes = {}, children = []) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && key !== "list") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const choice = (label, value, pairs, change) =>
  made("select", { ariaLabel: label, onchange: (event) => change(event.target.value) }, pairs.map(([id, name]) => made("option", { value: id, textContent: name, selected: id === value })));
const number = (label, value, change) => made("input", { type: "number", min: 0, max: 100000, value, ariaLabel: label, className: "short", oninput: (event) => change(Number(event.target.value)) });
const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

/** An instant as an input of local time takes it, and back, in the association's zone. */
function toLocal(at) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", { timeZone: names.zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).formatToParts(at).map((part) => [part.type, part.value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}
function fromLocal(typed) {
  // The zone's distance from UTC at that time, found by asking what the zone shows at the time taken as UTC; twice, for days of change.
  const as = Date.parse(`${typed}Z`);
  let at = as;
  for (let turn = 0; turn < 2; turn += 1) at = as - (Date.parse(`${toLocal(at)}Z`) - at + (at % 60000));
  return at;
}
const instant = (label, at, change) => made("input", { type: "datetime-local", value: toLocal(at), ariaLabel: label, onchange: (event) => event.target.value && change(fromLocal(event.target.value)) });
const hour = (label, minute, change) => made("input", { type: "time", value: clock(minute % 1440), ariaLabel: label, onchange: (event) => {
  const [hours, minutes] = event.target.value.split(":").map(Number);
  if (Number.isFinite(hours)) change(hours * 60 + minutes);
} });

/** Boxes to tick for a set of values. */
function boxes(pairs, chosen, change) {
  if (pairs.length === 0) return made("span", { className: "dim", textContent: text.missing });
  const tick = ([id, name]) => made("label", { className: "tick" }, [
    made("input", { type: "checkbox", checked: chosen.includes(id), onchange: (event) => change(event.target.checked ? [...chosen, id] : chosen.filter((other) => other !== id)) }),
    made("span", { textContent: name }),
  ]);
  return made("span", { className: "ticks" }, pairs.map(tick));
}

const sides = [["at_most", text.at_most], ["at_least", text.at_least]];

/** The words and inputs of one condition; `set` takes its new value. */
function parts(kind, value, set) {
  const label = text[kind];
  if (SETS.includes(kind)) {
    return [choice(label, value[0], [["is", text.is], ["not", text.not]], (how) => set([how, value[1]])), boxes(names[kind], value[1], (ids) => set([value[0], ids]))];
  }
  switch (kind) {
    case "time":
      return [choice(label, value[0], [["before", text.before], ["after", text.after]], (side) => set([side, value[1]])), instant(label, value[1], (at) => set([value[0], at]))];
    case "clock":
      return [text.from, hour(text.from, value.from, (from) => set({ ...value, from })), text.to, hour(text.to, value.to, (to) => set({ ...value, to: to === 0 ? 1440 : to }))];
    case "weekday":
      return [text.is, boxes(names.weekday, value, set)];
    case "entries_since":
      return [instant(label, value[0], (at) => set([at, value[1], value[2]])), choice(label, value[1], sides, (how) => set([value[0], how, value[2]])), number(label, value[2], (n) => set([value[0], value[1], n], false))];
    default:
      return [choice(label, value[0], sides, (how) => set([how, value[1]])), number(label, value[1], (n) => set([value[0], n], false))];
  }
}

/** One line of the sentence. `put` replaces it; `drop` removes it. */
function line(part, put, drop) {
  const remove = made("button", { type: "button", className: "quiet", textContent: text.remove, onclick: drop });
  if (part.all || part.any) return made("li", { className: "bracket" }, [bracket(part, put), remove]);
  const [kind, value] = Object.entries(part.is)[0];
  const set = (next, redraw = true) => put({ is: { [kind]: next } }, redraw);
  const kinds = choice(text.condition, kind, KINDS.map((name) => [name, text[name]]), (name) => put({ is: fresh(name) }));
  return made("li", {}, [kinds, ...parts(kind, value, set), remove]);
}

/** A bracket: all or any of its lines. */
function bracket(part, put) {
  const how = part.all ? "all" : "any";
  const inner = part[how];
  const change = (at, next, redraw) => put({ [how]: inner.map((kept, n) => (n === at ? next : kept)) }, redraw);
  const lines = inner.map((kept, at) => line(kept, (next, redraw) => change(at, next, redraw), () => put({ [how]: inner.filter((_, n) => n !== at) })));
  const add = (next) => put({ [how]: [...inner, next] });
  return made("div", { className: "rule" }, [
    choice(text.lead, how, [["all", text.all], ["any", text.any]], (next) => put({ [next]: inner })),
    made("ul", {}, lines),
    made("div", { className: "row" }, [
      made("button", { type: "button", textContent: text.condition, onclick: () => add({ is: fresh("clock") }) }),
      made("button", { type: "button", textContent: text.bracket, onclick: () => add({ any: [{ is: fresh("weekday") }] }) }),
    ]),
  ]);
}

const shown = made("div", { className: "sentence" });
function keep(next, redraw = true) {
  rule = next && (next.all ?? next.any)?.length === 0 ? null : next;
  field.value = rule ? JSON.stringify(rule) : "";
  if (redraw) draw();
}
function draw() {
  // The line that was being changed keeps the focus.
  const inputs = () => [...shown.querySelectorAll("select, input, button")];
  const at = inputs().indexOf(document.activeElement);
  if (!rule) {
    shown.replaceChildren(made("p", { className: "dim", textContent: text.none }), made("button", { type: "button", textContent: text.begin, onclick: () => keep({ all: [{ is: fresh("clock") }] }) }));
  } else {
    const whole = rule.all || rule.any ? rule : { all: [rule] };
    shown.replaceChildren(made("p", { textContent: text.lead }), bracket(whole, keep));
  }
  if (at >= 0) inputs()[Math.min(at, inputs().length - 1)]?.focus();
}

// What cannot be read stays as it is typed, for its writer to mend.
if (rule !== undefined) {
  for (const element of root.children) element.hidden = true;
  root.append(shown);
  draw();
}
