// The big screen of a draw: shows exactly what the record says, whatever happened before; animates only the way there. Keys are sent on;
// what they did is seen when the record says so.

import { roll } from "./sphere.js";

const root = document.querySelector("[data-stage]");
// What the addresses of this page's space begin with.
const space = /^\/m\/\d+/.exec(location.pathname)?.[0] ?? "";
const body = root.querySelector("[data-body]");
const said = root.querySelector("[data-said]");
const music = root.querySelector("[data-music]");
const texts = JSON.parse(root.dataset.texts);
const calm = root.dataset.look === "calm" || matchMedia("(prefers-reduced-motion: reduce)").matches;
root.dataset.calm = String(calm);

let state = JSON.parse(root.dataset.state);
let sphere;
let called = "";
let muted = false;

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

/** An element with a class, text or children. */
function make(tag, name, ...inside) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...inside.filter((part) => part !== null && part !== undefined && part !== ""));
  return made;
}

function picture(source, name) {
  if (!source) return null;
  const made = make("img", name);
  made.src = space + source;
  made.alt = "";
  return made;
}

const prizeTitle = (round) => [round.level, round.prize].filter(Boolean).join(" · ");
const nameOf = (win) => (win.table && !win.name ? fill(texts.table, { n: win.table }) : win.name);

function person(win) {
  const card = make("li", win.void ? "card void" : "card", picture(win.photo, "face"), make("span", "name", nameOf(win)), win.name ? make("span", "lucky", win.lucky) : null, win.phone ? make("span", "small", win.phone) : null);
  if (win.assigned) card.append(make("span", "tag", texts.assigned));
  if (win.void) card.append(make("span", "tag", `${texts.void}: ${win.void}`));
  return card;
}

/** How large the cards of so many winners are. */
function sized(list, count) {
  list.dataset.size = count <= 1 ? "one" : count <= 4 ? "few" : count <= 12 ? "some" : count <= 40 ? "many" : "crowd";
  return list;
}

function waiting() {
  const numbers = make("p", "numbers", fill(texts.here, { n: state.entered }), " · ", fill(texts.takes, { n: state.registered }));
  const wall = make("ul", "arrivals");
  for (const one of state.arrivals ?? []) wall.append(make("li", "", picture(one.photo, "face"), make("span", "name", one.name), make("span", "lucky", one.lucky)));
  const prizes = make("ul", "prizes");
  for (const round of state.rounds) prizes.append(make("li", "", make("strong", "", prizeTitle(round)), " ", make("span", "", round.quantity ? `${round.held} / ${round.quantity}` : texts.unlimited)));
  return [numbers, wall, prizes];
}

function ready() {
  const round = state.round;
  if (!round) return waiting();
  const left = round.quantity ? fill(texts.prizes, { n: round.quantity - round.held }) : texts.unlimited;
  return [picture(round.picture && `/picture/${round.picture}`, "prize-picture"), make("h2", "prize", prizeTitle(round)), make("p", "left", left), round.again ? make("p", "left", `${texts.again}: ${round.again}`) : null];
}

function rolling() {
  const round = state.round;
  const count = make("p", "left", fill(texts.drawing, { n: Math.min(state.drawing, state.count), all: state.count }));
  const list = make("p", "small", `${texts.list} `, make("code", "", state.list ?? ""));
  const tap = make("p", "tap-line", fill(texts.taps, { n: state.taps }), called ? ` · ${fill(texts.called, { n: called })}` : "");
  return [round ? make("h2", "prize", prizeTitle(round)) : null, count, tap, make("p", "left", texts.rolling), list];
}

function shown() {
  const list = sized(make("ul", "winners"), state.winners.length);
  list.append(...state.winners.map(person));
  return [state.round ? make("h2", "prize", prizeTitle(state.round)) : null, list];
}

function wall() {
  if (!state.wall.length) return [make("p", "left", texts.none)];
  return state.wall.map((round) => {
    const list = sized(make("ul", "winners"), Math.max(13, round.winners.length));
    list.append(...round.winners.map(person));
    return make("section", "wall", make("h2", "prize", prizeTitle(round), round.assigned ? make("span", "tag", texts.assigned) : null), list);
  });
}

const FACES = { waiting, ready, rolling, shown, wall };

/** Names while they roll; loaded once for each frozen list. */
let rolled = "";
async function spin() {
  const canvas = root.querySelector("canvas");
  const on = state.phase === "rolling" && !calm;
  const key = on ? state.list : "";
  if (key === rolled) return;
  rolled = key;
  sphere?.stop();
  sphere = undefined;
  // A context that was given up cannot be had again from the same canvas.
  const fresh = canvas.cloneNode(false);
  canvas.replaceWith(fresh);
  fresh.hidden = !on;
  if (!on) return;
  try {
    const answer = await fetch(root.dataset.names, { cache: "no-store" });
    const names = (await answer.json()).map(([name, lucky]) => (lucky ? `${name} ${lucky.slice(-4)}` : fill(texts.table, { n: name })));
    if (rolled !== key) return;
    const gold = getComputedStyle(root).getPropertyValue("--stage-names").trim().split(/\s+/).map(Number);
    sphere = roll(fresh, names, { wall: root.dataset.look === "grid", ink: gold });
    if (sphere) sphere.speed = 0.22;
    root.dataset.names_count = String(names.length);
  } catch {
    rolled = "";
  }
}

function play() {
  if (!music) return;
  if (state.phase === "rolling" && !muted) music.play().catch(() => {});
  else music.pause();
}

let last = "";
function draw() {
  root.dataset.phase = state.phase;
  root.dataset.version = state.version;
  root.querySelector("[data-head]").textContent = state.head;
  const face = JSON.stringify([state.phase, state.round, state.winners, state.wall, state.arrivals, state.rounds, state.taps, state.entered, state.registered, state.count, called]);
  if (face !== last) {
    const moved = last !== "" && JSON.parse(last)[0] !== state.phase;
    last = face;
    body.replaceChildren(...FACES[state.phase]().filter(Boolean));
    body.classList.toggle("reveal", moved && state.phase === "shown" && !calm);
    for (const [at, card] of [...body.querySelectorAll(".reveal .card")].entries()) card.style.animationDelay = `${Math.min(at * 160, 4000)}ms`;
  }
  if (state.wand?.taken_from) tell(fill(texts.taken, { name: state.wand.name, from: state.wand.taken_from }));
  fly();
  spin();
  play();
}

let talking;
function tell(text) {
  said.textContent = text;
  clearTimeout(talking);
  talking = setTimeout(() => (said.textContent = ""), 8000);
}

/** Messages that were not seen yet fly over the screen, or stand below it where nothing moves. */
const flown = new Set();
let begun = false;
function fly() {
  const lane = root.querySelector("[data-danmu]");
  const messages = state.messages ?? [];
  if (calm) {
    lane.replaceChildren(...messages.slice(-3).map((one) => make("p", "", `${one.name}: ${one.text}`)));
    return;
  }
  for (const one of messages) {
    if (flown.has(one.id)) continue;
    flown.add(one.id);
    // Those from before this screen opened were seen already, but for the newest few.
    if (!begun && messages.indexOf(one) < messages.length - 3) continue;
    const line = make("p", "", `${one.name}: ${one.text}`);
    line.style.top = `${(flown.size % 6) * 16}%`;
    lane.append(line);
    const from = lane.clientWidth;
    const move = line.animate([{ transform: `translateX(${from}px)` }, { transform: `translateX(-${line.clientWidth + 40}px)` }], { duration: 9000 + line.clientWidth * 6, easing: "linear" });
    move.onfinish = () => line.remove();
  }
  begun = true;
}

async function press(act, more = {}) {
  if (!root.dataset.act) return;
  try {
    const answer = await fetch(root.dataset.act, { method: "POST", body: new URLSearchParams({ act, seen: state.version, json: "1", ...more }), signal: AbortSignal.timeout(10000) });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) tell(told.said ?? String(answer.status));
    else if (act === "stop") called = "";
  } catch {
    tell(texts.lost);
  }
}

function nextRound() {
  const at = state.rounds.findIndex((round) => round.id === state.round?.id);
  const open = [...state.rounds.slice(at + 1), ...state.rounds.slice(0, at + 1)].find((round) => round.next > 0 || round.mode === "random");
  if (open) press("open", { round: open.id });
}

const KEYS = {
  " ": () => (state.phase === "rolling" ? press("stop", { called }) : ["ready", "shown"].includes(state.phase) ? press("start") : nextRound()),
  Enter: () => KEYS[" "](),
  n: nextRound,
  r: () => press("redraw"),
  w: () => press("wall"),
  h: () => press("wait"),
  m: () => { muted = !muted; play(); },
  f: full,
  "?": () => tell(texts.keys),
  Backspace: () => { called = called.slice(0, -1); draw(); },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.target.closest?.("button, input, a")) return;
  if (/^[0-9]$/.test(event.key) && state.phase === "rolling") {
    called = (called + event.key).slice(0, 20);
    event.preventDefault();
    return draw();
  }
  const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}
root.querySelector("[data-full]")?.addEventListener("click", full);

const source = new EventSource(root.dataset.live);
source.onmessage = (message) => {
  state = JSON.parse(message.data);
  if (state.phase !== "rolling") called = "";
  if (said.textContent === texts.lost) said.textContent = "";
  draw();
};
source.onerror = () => tell(texts.lost);
draw();

// For the bench: how many names, and frames drawn so far.
window.stageFrames = () => ({ frames: sphere?.frames ?? 0, names: Number(root.dataset.names_count ?? 0) });
