// A draw on somebody's own phone: follows where it stands, taps with the phone's own chance, and shows winners as they come. Only a phone that
// won, or that missed something, asks for its page again: a thousand that all did would hold up the door.

const root = document.querySelector("[data-draw]");
const said = document.querySelector("[data-said]");
const texts = JSON.parse(root.dataset.texts);
const numbers = root.dataset.numbers.split(" ").filter(Boolean);
const at = root.dataset.at;
let known = Number(root.dataset.wins);
let version = Number(root.dataset.version);
let waiting;

async function refresh() {
  waiting = undefined;
  const answer = await fetch(at, { cache: "no-store" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  known = Number(page.querySelector("[data-draw]").dataset.wins);
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (fresh) part.replaceChildren(...document.importNode(fresh, true).childNodes);
  }
}

/** Asks for the page within so many milliseconds, some phones sooner and some later. */
function soon(within) {
  waiting ??= setTimeout(() => refresh().catch(() => (waiting = undefined)), Math.random() * within);
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-tap]");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const value = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  navigator.vibrate?.(30);
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams({ value, json: "1" }), signal: AbortSignal.timeout(5000) });
    const { taken } = answer.ok ? await answer.json() : { taken: false };
    said.textContent = taken ? `${texts.taken} ${value}` : texts.enough;
  } catch {
    said.textContent = texts.lost;
  }
}, true);

function line(win, prize) {
  const item = document.createElement("li");
  const words = document.createElement("div");
  const strong = document.createElement("strong");
  strong.textContent = win.name || texts.table.replace("{n}", win.lucky);
  const small = document.createElement("span");
  small.className = "dim";
  small.textContent = ` ${win.name ? win.lucky : ""} ${prize}${win.assigned ? ` · ${texts.assigned}` : ""}`;
  words.append(strong, small);
  item.append(words);
  item.dataset.n = win.n;
  return item;
}

/** Puts new winners on top of the list; true when one of them may be this phone's holder. */
function take(state) {
  const list = document.querySelector("[data-winners]");
  const prize = [state.round?.level, state.round?.prize].filter(Boolean).join(" · ");
  let mine = false;
  for (const win of state.winners) {
    if (win.void || list.querySelector(`[data-n="${win.n}"]`)) continue;
    list.prepend(line(win, prize));
    known += 1;
    mine ||= numbers.includes(win.lucky) || (win.table !== null && !win.name);
  }
  list.hidden = list.childElementCount === 0;
  const none = document.querySelector("[data-none]");
  if (none) none.hidden = !list.hidden;
  return mine;
}

const source = new EventSource(`${at}/live`);
source.onmessage = (message) => {
  const state = JSON.parse(message.data);
  if (said.textContent === texts.lost) said.textContent = "";
  for (const form of document.querySelectorAll("[data-tap]")) form.hidden = state.phase !== "rolling";
  if (state.version === version) return;
  version = state.version;
  const mine = state.wins > known && take(state);
  if (mine) soon(300);
  else if (state.wins !== known) soon(8000);
};
source.onerror = () => (said.textContent = texts.lost);
