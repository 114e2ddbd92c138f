// Running a draw from its page or from a phone: presses without leaving the page, and the panel follows where the draw stands. Without
// this module the same forms work by going back and forth.

const root = document.querySelector("[data-live-source]");
const panel = () => document.querySelector("[data-stage]");
let loading = false;
let wanted = 0;

/** Puts the panel, and what was said, from a whole page into this one. */
function take(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.querySelector("[data-stage]");
  if (!fresh) return location.reload();
  const typed = document.querySelector("#f-called")?.value;
  panel().replaceWith(document.importNode(fresh, true));
  const field = document.querySelector("#f-called");
  if (field && typed) field.value = typed;
  document.querySelectorAll("main > .notice").forEach((old) => old.remove());
  const said = page.querySelector("main > .notice");
  if (said) document.querySelector("main").prepend(document.importNode(said, true));
}

async function refresh() {
  if (loading) return;
  loading = true;
  try {
    const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!answer.ok || answer.redirected) return location.reload();
    take(await answer.text());
  } catch {
    setTimeout(refresh, 2000);
  } finally {
    loading = false;
  }
  if (wanted > Number(panel().dataset.version)) setTimeout(refresh, 200);
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-act]");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const buttons = [...document.querySelectorAll("[data-stage] button")];
  buttons.forEach((button) => (button.disabled = true));
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: AbortSignal.timeout(15000) });
    if (!answer.ok) return location.reload();
    take(await answer.text());
  } catch {
    // Nobody knows whether it arrived: the panel tells where the draw stands.
    setTimeout(refresh, 500);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}, true);

root.addEventListener("figures", ({ detail }) => {
  wanted = detail.version;
  // A number or reason that is being typed must not be lost under the fingers.
  if (detail.version !== Number(panel().dataset.version)) refresh();
});
