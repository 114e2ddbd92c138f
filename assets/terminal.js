// The check-in terminal: takes what a scanner gun, a camera or a person enters, asks the box, shows the verdict large. When the box
// cannot be reached it decides by what it took along (door.js), keeps its scans (alone.js) and tells them when the box is back.

const root = document.querySelector("[data-terminal]");
const text = JSON.parse(root.dataset.texts);
const { decide, codes, digitsOf, hashed, sound, half, DIGITS } = await import(root.dataset.door);
const { Store, Tickets } = await import(root.dataset.store);
const badge = root.dataset.badge ? await import(root.dataset.badge) : null;
// What the addresses of this page's space begin with.
const space = /^\/m\/\d+/.exec(location.pathname)?.[0] ?? "";
const at = (selector) => root.querySelector(selector);
const input = at("[name=code]");
const verdict = at(".verdict");
const waiting = at("[data-waiting]");
const network = at("[data-network]");
const recent = at(".recent");
const undo = at("[data-undo]");
const again = at("[data-badge-again]");
const ask = at("[data-ask]");
const face = at("[data-face]");
const event = Number(root.dataset.event);
const list = Number(root.dataset.list);
const direction = root.dataset.direction;

const GAP_MS = 50; // Characters of a gun come closer together than this.
const QUIET_MS = 60; // A pause this long after a whole code ends a burst without a line end.
const SAME_MS = { gun: 2500, typed: 2500, camera: 5000 }; // The same code again within this time on one device is one scan.
const PATIENCE = 5000; // So long the box may take before the terminal decides alone.
const LOOK_MS = 2500; // How often an absent box is looked for.
const FRESH_MS = 10_000; // How often what was taken along is brought up to date.
const BATCH = 100;

// The box's clock less this one's, in milliseconds; of the answers so far the quickest knows best.
const clock = { skew: Number(localStorage.getItem("hall.skew") ?? 0), trip: Infinity };
const now = () => Math.round(Date.now() + clock.skew);
function heard(boxNow, sent) {
  const trip = Date.now() - sent;
  if (!Number.isFinite(boxNow) || trip > clock.trip * 1.5) return;
  clock.skew = boxNow - (sent + trip / 2);
  clock.trip = trip;
  localStorage.setItem("hall.skew", String(Math.round(clock.skew)));
}

const nonce = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Asks the box. Throws when it cannot be reached or is in trouble; a refusal is an answer. */
async function box(path, body) {
  const sent = Date.now();
  const answer = await fetch(`${space}/api/v1/checkin/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE),
    cache: "no-store",
  });
  if (answer.status === 401) return location.reload(), new Promise(() => {});
  if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
  const told = answer.status === 204 ? {} : await answer.json();
  heard(told.now, sent);
  return told;
}

// What is known when the box is away.
let store = null;
let tickets = null;
let away = false;
let local = Number.MAX_SAFE_INTEGER / 2; // Numbers of scans that only this terminal knows: later than any of the box.

function connection() {
  network.dataset.state = away ? "off" : "on";
  network.className = `badge tone-${away ? "warn" : "good"}`;
  network.textContent = away ? (tickets ? text.offline : text.blind) : text.online;
}

async function tell() {
  const items = store ? await store.waiting() : [];
  waiting.textContent = String(items.length);
  waiting.parentElement.hidden = items.length === 0;
  root.dataset.waits = String(items.length);
}

/** Where a ticket stands once a scan counts, and where it stood. */
function pass(row, { direction: way, scanned_at: when, nonce: of }) {
  row.back = { of, ...row.standing };
  local += 1;
  if (way === "exit") row.standing.exit = [when, local];
  else row.standing.entries = [...row.standing.entries, [when, local]];
  [row.i, row.u] = [row.standing.entries, row.standing.exit];
  tickets.snapshot.inside += way === "exit" ? -1 : 1;
}

/** A ticket stands as if a scan had not been made. */
function unpass(row, scan) {
  const { back } = row;
  if (back?.of === scan.nonce) {
    row.standing = { entries: back.entries, exit: back.exit };
    tickets.snapshot.inside += scan.direction === "exit" ? 1 : -1;
    delete row.back;
  } else if (scan.direction === "exit") row.standing.exit = null;
  else row.standing.entries = row.standing.entries.filter(([when]) => when !== scan.scanned_at);
  [row.i, row.u] = [row.standing.entries, row.standing.exit];
}

function find(scan) {
  if (scan.ticket !== undefined) return tickets.byTicket.get(scan.ticket) ?? null;
  const digits = digitsOf(scan.code);
  return digits ? (tickets.byCode.get(hashed(tickets.snapshot.salt, digits)) ?? null) : null;
}

/** Decides alone and keeps the scan. */
async function alone(scan) {
  if (!tickets) {
    await store.wait({ scan });
    await tell();
    return show({ verdict: "kept" });
  }
  const { snapshot } = tickets;
  const row = find(scan);
  const answered = [...(row?.a ?? []), ...(scan.answers ?? []).filter(([, typed]) => typed.trim()).map(([id]) => id)];
  const known = row && { event: snapshot.event, kind: row.k, group: row.g ?? null, barred: row.x ?? null, collected: Boolean(row.o) };
  const attempt = { direction: scan.direction, at: scan.scanned_at, gate: snapshot.gate, answered, inside: snapshot.inside, force: false };
  const standing = row?.standing ?? { entries: [], exit: null };
  const said = decide(known, standing, snapshot.door, attempt, snapshot.zone);
  const before = standing.entries.at(-1);
  if (said.verdict === "incomplete") {
    return show({ ...said, alone: true, questions: snapshot.door.questions, person: person(row) }, scan);
  }
  await store.wait({ scan, verdict: said.verdict, reason: said.reason ?? null });
  if (said.verdict === "admitted") {
    row.a = answered;
    pass(row, scan);
    await store.keep(snapshot);
  }
  await tell();
  const rule = said.failed && { words: snapshot.words[JSON.stringify(said.failed)] ?? "" };
  const previous = said.reason === "already_in" && before ? { at_text: clockText(before[0]), by: "" } : null;
  return show({ ...said, alone: true, rule, previous, direction: scan.direction, person: person(row) }, scan);
}

const clockText = (when) => new Date(when - clock.skew).toLocaleTimeString("en-GB");
function person(row) {
  if (!row) return null;
  const { kinds, groups } = tickets.snapshot;
  const [name, seat, note] = row.w ?? ["", "", ""];
  return { name, seat, note, company: "", kind: kinds[row.k] ?? "", group: row.g === undefined ? "" : (groups[row.g] ?? "") };
}

// Scans are answered one after the other, in the order in which they came.
let line = Promise.resolve();
function take(burst, way) {
  for (const code of codes(burst)) one({ code }, way);
}

const seen = new Map(); // When each code was a scan: two tickets in front of one camera come by turns.
function one(shown, way, answers = []) {
  const when = Date.now();
  const same = shown.code ?? `#${shown.ticket}`;
  if (answers.length === 0 && when - (seen.get(same) ?? 0) < (SAME_MS[way] ?? 0)) return;
  for (const [code, at] of seen) if (when - at > SAME_MS.camera) seen.delete(code);
  seen.set(same, when);
  const scan = { ...shown, event, list, direction, way, nonce: nonce(), scanned_at: now(), ...(answers.length > 0 && { answers }) };
  if (shown.code && /^\d+$/.test(shown.code) && shown.code.length === DIGITS && !sound(shown.code)) {
    show({ verdict: "refused", reason: "misread" });
    return failed(scan);
  }
  line = line.then(() => send(scan)).catch((error) => show({ verdict: "refused", reason: "error", message: String(error) }));
}

/** What this page refuses by itself is on record all the same, without anybody waiting for it. */
async function failed(scan) {
  if (!store) return;
  await store.wait({ scan, verdict: "refused", reason: "unknown" });
  await tell();
  if (!away) await told().catch(gone);
}

async function send(scan) {
  if (!away) {
    try {
      const told = await box("redeem", scan);
      if (told.verdict) return show(told, scan);
      return show({ verdict: "refused", reason: "error", message: told.message });
    } catch {
      gone();
    }
  }
  await alone(scan);
}

function gone() {
  if (away) return;
  away = true;
  clock.trip = Infinity;
  connection();
  setTimeout(look, LOOK_MS);
}

/** Looks for the box; when it is there, tells it what waits, in order. */
async function look() {
  try {
    const status = await box(`status?event=${event}`);
    await told();
    // Shut out while it was alone: the box keeps what waited, and the page says so.
    if (status.code === "device.revoked") return location.reload();
    away = false;
    connection();
    await refresh();
  } catch {
    away = true;
    connection();
    setTimeout(look, LOOK_MS);
  }
}

/** Tells the box what waits. What it does not take is told the person and is not tried for ever. */
async function told() {
  for (;;) {
    const items = await store.waiting();
    if (items.length === 0) break;
    const first = items[0];
    if (first.annul) {
      await box("annul", { nonce: first.annul, event });
      await store.done([first.key]);
    } else if (!first.verdict) {
      const answer = await box("redeem", first.scan);
      await store.done([first.key]);
      if (answer.verdict) note(answer);
    } else {
      const facts = items.slice(0, BATCH);
      const end = facts.findIndex((item) => !item.verdict);
      const batch = end < 0 ? facts : facts.slice(0, end);
      const scans = batch.map(({ scan, verdict, reason }) => ({ ...scan, verdict, ...(reason && { reason }) }));
      const answer = await box("upload", { event, scans });
      // The box is there and takes nothing from here: what waits stays, and a person sees why.
      if (!answer.answers) return note(answer);
      answer.answers.filter((said) => said.conflict || said.code || said.reason === "device_revoked").forEach(note);
      await store.done(batch.map((item) => item.key));
    }
    await tell();
  }
}

/** A line among the last scans for what came of a scan that waited. */
function note(answer) {
  const tone = answer.verdict === "admitted" && !answer.conflict ? "good" : "warn";
  const word = answer.conflict ? text[answer.conflict] : answer.verdict === "admitted" ? text.admitted : (text[answer.reason] ?? answer.message);
  mark(tone, `${answer.person?.name ?? "—"} · ${word}`);
}

/** Takes along what is needed to go on alone, or what changed since. */
async function refresh() {
  if (away || !store) return;
  try {
    const query = `event=${event}&list=${list}`;
    const have = tickets?.snapshot;
    const changes = have && (await box(`changes?after=${have.line}&${query}`));
    if (!changes || changes.version !== have.version) {
      const snapshot = await box(`snapshot?${query}`);
      if (!snapshot.tickets) return;
      tickets = new Tickets(snapshot);
      await store.keep(snapshot);
    } else if (changes.line !== have.line) {
      tickets.turn(changes.tickets);
      Object.assign(have, { line: changes.line, inside: changes.inside });
      await store.keep(have);
    }
    root.dataset.known = String(tickets.snapshot.line);
  } catch {
    gone();
  }
}

let sounds;
/** A high short tone for admitted, a low double one for refused, a middle one for "again". */
function beep(tone) {
  try {
    sounds ??= new AudioContext();
    const plan = { good: [[880, 0, 0.12]], warn: [[520, 0, 0.12], [520, 0.18, 0.12]], bad: [[220, 0, 0.25], [180, 0.3, 0.3]] }[tone];
    for (const [pitch, from, length] of plan) {
      const voice = sounds.createOscillator();
      const volume = sounds.createGain();
      voice.frequency.value = pitch;
      volume.gain.value = 0.2;
      voice.connect(volume).connect(sounds.destination);
      voice.start(sounds.currentTime + from);
      voice.stop(sounds.currentTime + from + length);
    }
    navigator.vibrate?.(tone === "good" ? 80 : [150, 80, 150]);
  } catch {
    // A device without sound still shows the verdict.
  }
}

function put(part, value) {
  const shown = at(`[data-part=${part}]`);
  shown.textContent = value ?? "";
  shown.hidden = !value;
}

/** Whom the ticket's picture shows, once it is here. */
function portrait(who) {
  face.hidden = true;
  face.removeAttribute("src");
  face.alt = who.name ?? "";
  if (who.photo) face.src = `${space}/api/v1/checkin/portrait?event=${event}&number=${who.number}`;
}
face.addEventListener("load", () => (face.hidden = false));

function mark(tone, words) {
  const shown = document.createElement("li");
  shown.className = `badge tone-${tone}`;
  shown.textContent = words;
  recent.prepend(shown);
  while (recent.children.length > 8) recent.lastChild.remove();
}

function word(answer) {
  if (answer.verdict === "admitted") return answer.direction === "exit" ? text.left : text.admitted;
  if (answer.verdict === "incomplete" || answer.verdict === "kept") return text[answer.verdict];
  return text[answer.reason] ?? answer.message ?? answer.reason;
}

let latest = null; // The scan that may be taken back.
function show(answer, scan) {
  const middling = answer.reason === "already_in" || answer.verdict === "incomplete" || answer.verdict === "kept";
  const tone = answer.verdict === "admitted" ? "good" : middling ? "warn" : "bad";
  Object.assign(verdict.dataset, { tone, verdict: answer.verdict, reason: answer.reason ?? "", alone: answer.alone ? "1" : "" });
  for (const icon of verdict.querySelectorAll("[data-icon]")) icon.hidden = icon.dataset.icon !== tone;
  put("word", word(answer));
  const who = answer.person ?? {};
  put("who", who.name);
  put("more", answer.rule?.words ? text.must.replace("{rule}", answer.rule.words) : [who.kind, who.group, who.seat && `${text.seat} ${who.seat}`, who.company].filter(Boolean).join(" · "));
  put("note", who.note);
  portrait(who);
  put("before", answer.previous && `${text.before} ${answer.previous.at_text} ${answer.previous.by}`);
  put("alone", answer.alone && text.alone);
  for (const [key, value] of Object.entries(answer.counts ?? {})) {
    for (const figure of document.querySelectorAll(`[data-live="${key}"]`)) figure.textContent = value.toLocaleString("en");
  }
  mark(tone, `${who.name || "—"} · ${at("[data-part=word]").textContent}`);
  latest = answer.verdict === "admitted" && scan ? scan : null;
  undo.hidden = !latest;
  if (badge) paper(answer);
  questions(answer.verdict === "incomplete" ? answer.questions : [], scan);
  if (answer.reason === "device_revoked") setTimeout(() => location.reload(), 1500);
  beep(tone);
}

/** Prints the badge of whoever was let in, and offers to do so again for them and for those who were in before. */
let holder = null;
function paper(answer) {
  const came = answer.verdict === "admitted" && answer.direction !== "exit";
  holder = came || answer.reason === "already_in" ? (answer.person?.ticket ?? null) : null;
  again.hidden = holder === null;
  if (came && (holder === null || answer.alone)) mark("warn", text.unprinted);
  else if (came) badge.print(event, holder).catch(() => mark("warn", text.unprinted));
}
again?.addEventListener("click", () => {
  again.blur(); // So that a gun's line end presses nothing.
  badge.print(event, holder, true).catch(() => mark("warn", text.unprinted));
});

/** The questions that must be answered before somebody comes in. */
function questions(asked, scan) {
  ask.hidden = asked.length === 0;
  const fields = ask.querySelector("[data-fields]");
  fields.replaceChildren(...asked.map((question) => {
    const id = `ask-${question.id}`;
    const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: question.label });
    const kinds = { number: "text", date: "date", phone: "tel", text: "text" };
    const field = document.createElement(question.kind === "choice" ? "select" : "input");
    Object.assign(field, { id, required: question.required });
    field.dataset.question = question.id;
    if (question.kind === "choice") field.append(...["", ...question.choices].map((choice) => new Option(choice, choice)));
    else Object.assign(field, { type: kinds[question.kind], maxLength: 200, inputMode: question.kind === "number" ? "decimal" : "" });
    const box = Object.assign(document.createElement("div"), { className: "field" });
    box.append(label, field);
    return box;
  }));
  ask.onsubmit = (sent) => {
    sent.preventDefault();
    const answers = [...fields.querySelectorAll("[data-question]")].map((field) => [Number(field.dataset.question), field.value]);
    ask.hidden = true;
    const { code, ticket } = scan;
    one(code === undefined ? { ticket } : { code }, scan.way, answers);
  };
  if (asked.length > 0) fields.querySelector("select, input").focus();
}

undo.addEventListener("click", () => {
  const scan = latest;
  latest = null;
  undo.hidden = true;
  if (!scan) return;
  line = line.then(async () => {
    let word = text.undone;
    try {
      if (away) throw new Error("away");
      const told = await box("annul", { nonce: scan.nonce, event });
      if (told.code) word = told.message;
    } catch {
      gone();
      await store.wait({ annul: scan.nonce });
      const row = tickets && find(scan);
      if (row) unpass(row, scan);
      if (tickets) await store.keep(tickets.snapshot);
      await tell();
    }
    seen.clear();
    Object.assign(verdict.dataset, { tone: "warn", verdict: "undone", reason: "" });
    for (const icon of verdict.querySelectorAll("[data-icon]")) icon.hidden = icon.dataset.icon !== "warn";
    put("word", word);
    mark("warn", word);
  });
});

// A gun types wherever the focus is, faster than anybody; the key's place on the board counts where an input method or another layout
// makes something else of it.
const burst = { text: "", at: 0, pause: 0, field: null, before: "" };
const keyOf = (key) => {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(key.code);
  if (digit && !key.shiftKey && !/^[0-9０-９]$/.test(key.key)) return digit[1];
  return key.key.length === 1 ? key.key : "";
};
/** One ticket number or several, and nothing else. */
const isWhole = (typed) => {
  const digits = half(typed).replace(/[ -]/g, "");
  return digits.length > 0 && digits.length % DIGITS === 0 && /^\d+$/.test(digits);
};
function ended() {
  clearTimeout(burst.pause);
  // A burst that began before this page was ready stands whole in the field only.
  const whole = half(input.value).replace(/[^0-9]/g, "");
  const early = !burst.field && whole.length > burst.text.length && whole.length % DIGITS === 0 && whole.endsWith(burst.text);
  const typed = early ? whole : burst.text;
  burst.text = "";
  if (burst.field) burst.field.value = burst.before;
  input.value = "";
  take(typed, "gun");
}
document.addEventListener("keydown", (key) => {
  const quick = key.timeStamp - burst.at < GAP_MS;
  // A gun that ends with a line feed sends it as Ctrl+J, which opens something in most browsers.
  const feed = quick && key.ctrlKey && key.code === "KeyJ";
  if (feed) key.preventDefault();
  else if (key.ctrlKey || key.metaKey || key.altKey) return;
  if (key.key === "Enter" || key.key === "Tab" || feed) {
    const field = document.activeElement;
    const slow = field !== input && field?.tagName === "INPUT" ? new RegExp(`\\d{${DIGITS}}$`).exec(half(field.value)) : null;
    if (quick && burst.text.length >= 6) {
      key.preventDefault();
      key.stopPropagation();
      ended();
    } else if (slow && sound(slow[0])) {
      // A gun that sends slowly typed into another field: a whole ticket number with a line end is nothing that anybody looks for.
      key.preventDefault();
      field.value = field.value.slice(0, -DIGITS);
      burst.text = "";
      take(slow[0], "gun");
    } else if (field === input && (key.key === "Enter" || isWhole(input.value))) {
      key.preventDefault();
      if (!key.isComposing) flush("typed");
    }
    return;
  }
  const char = keyOf(key);
  if (!char) return;
  clearTimeout(burst.pause);
  if (!quick) {
    const field = document.activeElement;
    const other = field !== input && /^(INPUT|TEXTAREA)$/.test(field?.tagName ?? "");
    Object.assign(burst, { text: "", field: other ? field : null, before: other ? field.value : "" });
    if (!other && field !== input && !/^(SELECT|BUTTON|A)$/.test(field?.tagName ?? "")) {
      // Nothing has the focus: what is typed by hand belongs into the field for codes.
      key.preventDefault();
      input.value += char;
      input.focus();
    }
  } else if (document.activeElement !== input && !burst.field) key.preventDefault();
  burst.text += char;
  burst.at = key.timeStamp;
  const digits = half(burst.text).replace(/[^0-9]/g, "");
  if (digits.length >= DIGITS && digits.length % DIGITS === 0 && digits.length === half(burst.text).trim().length) burst.pause = setTimeout(ended, QUIET_MS);
}, true);

function flush(way) {
  const typed = input.value;
  input.value = "";
  burst.text = "";
  clearTimeout(burst.pause);
  if (typed.trim()) take(typed, way);
}
at("form.scan").addEventListener("submit", (sent) => {
  sent.preventDefault();
  flush("typed");
});
// What is pasted, put in by an input method at once, or sent too slowly to be told from a person is whole when its digits are.
let settled;
input.addEventListener("input", (typed) => {
  clearTimeout(settled);
  if (!typed.isComposing && isWhole(input.value)) settled = setTimeout(() => flush("gun"), QUIET_MS + GAP_MS);
});

// Finding people by name.
const found = at("[data-found]");
const panel = at("[data-search]");
const find_ = at("#find");
let asked = 0;
function results(people) {
  found.replaceChildren(...people.map((who) => {
    const button = document.createElement("button");
    button.type = "button";
    const more = [who.kind, who.group, who.seat, who.company, who.phone, who.admitted && text.came].filter(Boolean).join(" · ");
    button.append(Object.assign(document.createElement("strong"), { textContent: who.name }), Object.assign(document.createElement("span"), { className: "dim", textContent: more }));
    button.addEventListener("click", () => {
      panel.hidden = true;
      one({ ticket: who.ticket }, "picked");
    });
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  if (people.length === 0) found.append(Object.assign(document.createElement("li"), { className: "dim", textContent: text.nobody }));
}
function kept(typed) {
  if (!tickets) return [];
  const fits = tickets.snapshot.tickets.filter((row) => !row.x && row.w?.some((words) => words.includes(typed)));
  return fits.slice(0, 20).map((row) => ({ ...person(row), ticket: row.t, admitted: row.standing.entries.length > 0 }));
}
find_?.addEventListener("input", async () => {
  const typed = find_.value.trim();
  asked += 1;
  const turn = asked;
  if ([...typed].length < 2) return found.replaceChildren();
  try {
    if (away) throw new Error("away");
    const people = await box(`search?event=${event}&list=${list}&q=${encodeURIComponent(typed)}`);
    if (turn === asked) results(Array.isArray(people) ? people : []);
  } catch {
    if (turn === asked) results(kept(typed));
  }
});
at("[data-search-open]")?.addEventListener("click", () => {
  panel.hidden = false;
  find_.value = "";
  found.replaceChildren();
  find_.focus();
});
at("[data-search-close]")?.addEventListener("click", () => {
  panel.hidden = true;
  input.focus();
});

// The camera, and a picture where this page gets no camera.
const video = at("[data-video]");
const open = at("[data-camera-open]");
const picture = at("[data-picture]");
let close = null;
open.addEventListener("click", async () => {
  if (close) {
    close();
    close = null;
    video.hidden = true;
    return;
  }
  const camera = await import(root.dataset.camera);
  try {
    video.hidden = false;
    close = await camera.watch(video, (code) => take(code, "camera"));
  } catch {
    video.hidden = true;
    open.hidden = true;
    picture.hidden = false;
    put("more", text.no_camera);
  }
});
picture.querySelector("input").addEventListener("change", async (chosen) => {
  const [file] = chosen.target.files;
  chosen.target.value = "";
  if (!file) return;
  const camera = await import(root.dataset.camera);
  const read = await camera.inPicture(file).catch(() => []);
  if (read.length === 0) show({ verdict: "refused", reason: "not_found" });
  read.forEach((code) => take(code, "camera"));
});

// Inside WeChat its own scanner is the better one.
const wechat = at("[data-wechat-scan]");
if (wechat) {
  import(root.dataset.wechat).then(async (scanner) => {
    wechat.addEventListener("click", async () => {
      const code = await scanner.scan().catch(() => "");
      if (code) take(code, "camera");
    });
    await scanner.ready();
    wechat.hidden = false;
  }).catch(() => {}); // The camera is there all the same.
}

const refocus = () => input.focus({ preventScroll: true });
if (input.autofocus) {
  document.addEventListener("click", (clicked) => {
    if (!clicked.target.closest("a, button, input, select, label, summary, form.ask")) refocus();
  });
  window.addEventListener("focus", () => document.activeElement === document.body && refocus());
  refocus();
}
window.addEventListener("online", () => away && look());

try {
  store = await Store.open(event, list);
  const snapshot = await store.snapshot();
  if (snapshot) tickets = new Tickets(snapshot);
  navigator.storage?.persist?.().catch(() => {});
} catch {
  // A browser that keeps nothing can still scan while the box answers.
}
if ("serviceWorker" in navigator) navigator.serviceWorker.register(`${space}/terminal/worker.js`, { scope: `${space}/terminal` }).catch(() => {});
connection();
await tell();
root.dataset.ready = "1";
// What was scanned while the page was loading. A burst that is still going on ends by itself.
if (!burst.text) flush("gun");
await look();
setInterval(refresh, FRESH_MS);
