// A draw on somebody's own phone: follows where it stands, taps with the phone's own chance, and shows prizes at once.

const root = document.querySelector("[data-draw]");
const said = document.querySelector("[data-said]");
const texts = JSON.parse(root.dataset.texts);
const at = root.dataset.at;

async function refresh() {
  const answer = await fetch(at, { cache: "no-store" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (fresh) part.replaceChildren(...document.importNode(fresh, true).childNodes);
  }
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

let version = Number(root.dataset.version);
const source = new EventSource(`${at}/live`);
source.onmessage = (message) => {
  const state = JSON.parse(message.data);
  if (said.textContent === texts.lost) said.textContent = "";
  if (state.version === version) return;
  version = state.version;
  // A thousand phones that ask for their page in the same moment would hold each other up.
  const pause = state.phase === "rolling" ? 0 : Math.random() * 700;
  setTimeout(() => refresh().catch(() => {}), pause);
};
source.onerror = () => (said.textContent = texts.lost);
