// The check-in terminal: takes what a scanner gun types, asks the box, shows the verdict large, and keeps what could not be
// sent yet until the box answers. Nothing that was scanned is lost by a slow network: codes queue up and go in order.

const root = document.querySelector("[data-terminal]");
const text = JSON.parse(root.dataset.texts);
const input = root.querySelector("[name=code]");
const form = root.querySelector("form");
const verdict = root.querySelector(".verdict");
const waiting = root.querySelector("[data-waiting]");
const network = root.querySelector("[data-network]");
const recent = root.querySelector(".recent");
const QUIET_MS = 60; // A gun's characters come within a few milliseconds; a pause this long after a whole code ends it.
const SAME_MS = 2500; // The same code again within this time on one device is one scan.
const DIGITS = 12;

const DAMM = ["0317598642", "7092154863", "4206871359", "1750983426", "6123045978", "3674209581", "5869720134", "8945362017", "9438617205", "2581436790"];
const sound = (digits) => [...digits].reduce((state, digit) => DAMM[state][digit], 0) == 0;

/** Half-width digits of what was typed, whatever layout or input method made them. */
const half = (typed) => typed.replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/\u3000/g, " ");

/** The codes in a burst: line ends part them, and so does length when two came without one. */
function codes(burst) {
  return half(burst).split(/[\r\n\t]+/).flatMap((part) => {
    const plain = part.trim();
    const digits = plain.replace(/[ -]/g, "");
    if (!/^\d+$/.test(digits)) return plain ? [plain.slice(0, 200)] : [];
    if (digits.length > DIGITS && digits.length % DIGITS === 0) return digits.match(new RegExp(`.{${DIGITS}}`, "g"));
    return [digits];
  });
}

// What waits to be sent survives a reload and a closed lid.
const STORE = `hall.queue.${root.dataset.event}`;
const queue = JSON.parse(localStorage.getItem(STORE) ?? "[]");
let busy = false;
let last = { code: "", at: 0 };

function nonce() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function take(burst, way) {
  for (const code of codes(burst)) {
    const now = Date.now();
    if (code === last.code && now - last.at < SAME_MS) continue;
    last = { code, at: now };
    if (/^\d+$/.test(code) && code.length === DIGITS && !sound(code)) {
      show({ verdict: "refused", reason: "misread" });
      continue;
    }
    queue.push({ event: Number(root.dataset.event), code, way, direction: "entry", nonce: nonce(), scanned_at: now });
  }
  tell();
  send();
}

function tell() {
  localStorage.setItem(STORE, JSON.stringify(queue));
  waiting.textContent = String(queue.length);
  waiting.parentElement.hidden = queue.length === 0;
}

async function send() {
  if (busy) return;
  busy = true;
  while (queue.length > 0) {
    const [scan] = queue;
    try {
      const answer = await fetch("/api/v1/checkin/redeem", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(scan),
        signal: AbortSignal.timeout(8000),
      });
      if (answer.status === 401) return location.reload();
      if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
      const body = await answer.json();
      queue.shift();
      online(true);
      if (body.verdict) show(body);
      else show({ verdict: "refused", reason: "error", message: body.message });
    } catch {
      online(false);
      await new Promise((resume) => setTimeout(resume, 1500));
    }
    tell();
    if (verdict.dataset.reason === "device_revoked") setTimeout(() => location.reload(), 1500);
  }
  busy = false;
}

function online(is) {
  network.dataset.state = is ? "on" : "off";
  network.textContent = is ? text.online : text.offline;
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
  } catch {
    // A device without sound still shows the verdict.
  }
}

function put(part, value) {
  const at = verdict.querySelector(`[data-part=${part}]`);
  at.textContent = value ?? "";
  at.hidden = !value;
}

function show(answer) {
  const tone = answer.verdict === "admitted" ? "good" : answer.reason === "already_in" ? "warn" : "bad";
  verdict.dataset.tone = tone;
  verdict.dataset.verdict = answer.verdict;
  verdict.dataset.reason = answer.reason ?? "";
  for (const icon of verdict.querySelectorAll("[data-icon]")) icon.hidden = icon.dataset.icon !== tone;
  put("word", answer.verdict === "admitted" ? text.admitted : (text[answer.reason] ?? answer.message ?? answer.reason));
  const person = answer.person ?? {};
  put("who", person.name);
  put("more", [person.kind, person.group, person.seat && `${text.seat} ${person.seat}`, person.company].filter(Boolean).join(" · "));
  put("before", answer.previous && `${text.before} ${answer.previous.at_text} ${answer.previous.by}`);
  if (answer.counts) {
    for (const [key, value] of Object.entries(answer.counts)) {
      for (const at of document.querySelectorAll(`[data-live="${key}"]`)) at.textContent = value.toLocaleString("en");
    }
  }
  const line = document.createElement("li");
  line.className = `badge tone-${tone}`;
  line.textContent = `${person.name ?? "—"} · ${verdict.querySelector("[data-part=word]").textContent}`;
  recent.prepend(line);
  while (recent.children.length > 8) recent.lastChild.remove();
  beep(tone);
}

// The input never loses a key: whatever is typed anywhere on the page goes into it.
let pause;
function flush(way) {
  clearTimeout(pause);
  const burst = input.value;
  input.value = "";
  if (burst.trim()) take(burst, way);
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  flush("gun");
});
input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "Tab") {
    event.preventDefault();
    if (!event.isComposing) flush("gun");
  }
});
input.addEventListener("input", (event) => {
  clearTimeout(pause);
  if (event.isComposing) return;
  const digits = half(input.value).replace(/[^0-9]/g, "");
  if (digits.length >= DIGITS && digits.length % DIGITS === 0) pause = setTimeout(() => flush("gun"), QUIET_MS);
});
document.addEventListener("keydown", (event) => {
  if (document.activeElement !== input && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    input.value += event.key;
    input.focus();
    input.dispatchEvent(new InputEvent("input"));
  }
});
const refocus = () => input.focus({ preventScroll: true });
document.addEventListener("click", (event) => {
  if (!event.target.closest("a,button,input")) refocus();
});
window.addEventListener("focus", refocus);
window.addEventListener("online", send);
refocus();
online(true);
tell();
send();
