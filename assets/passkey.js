// Making and showing passkeys (WebAuthn): the page brings the options, the browser asks, and its answer goes back in an ordinary form.

const form = document.querySelector("[data-passkey]");

/** Bytes of what the box wrote in base64url. */
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

/** Bytes in base64url. */
function text(buffer) {
  const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Options as the browser takes them: what is bytes is text in JSON. */
function read(options) {
  const known = options.publicKey;
  known.challenge = bytes(known.challenge);
  if (known.user) known.user.id = bytes(known.user.id);
  for (const one of [...(known.excludeCredentials ?? []), ...(known.allowCredentials ?? [])]) one.id = bytes(one.id);
  return options;
}

/** The browser's answer as the box reads it. */
function written(key) {
  const { response } = key;
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    parts.attestationObject = text(response.attestationObject);
    parts.transports = response.getTransports?.() ?? [];
  } else {
    parts.authenticatorData = text(response.authenticatorData);
    parts.signature = text(response.signature);
    parts.userHandle = response.userHandle ? text(response.userHandle) : null;
  }
  return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response: parts, extensions: {} });
}

/** Shows one of the lines and hides the others. */
function say(name) {
  for (const part of ["wait", "failed", "impossible"]) form.querySelector(`[data-${part}]`).hidden = part !== name;
}

async function ask() {
  if (!globalThis.PublicKeyCredential || !isSecureContext || location.origin !== form.dataset.origin) {
    form.querySelector("button").hidden = true;
    return say("impossible");
  }
  say("wait");
  const options = read(JSON.parse(form.dataset.passkey));
  try {
    const key = await ("makes" in form.dataset ? navigator.credentials.create(options) : navigator.credentials.get(options));
    form.elements.answer.value = written(key);
    form.submit();
  } catch {
    say("failed");
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
if (form) ask();
