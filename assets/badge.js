// Prints a badge for somebody whom the terminal let in: the box draws it, this page prints it, one after the other. With the browser's
// --kiosk-printing nobody is asked, and the page never loses the focus.

// What the addresses of this page's space begin with.
const space = /^\/m\/\d+/.exec(location.pathname)?.[0] ?? "";
const paper = document.querySelector("[data-paper]");
const PATIENCE = 10_000;
let line = Promise.resolve();

/** Printing hides the field for codes for a moment, which takes the focus from it. */
function focused() {
  const code = document.querySelector("#code");
  if (code.autofocus && document.activeElement === document.body) code.focus({ preventScroll: true });
}
window.addEventListener("afterprint", focused);

async function one(event, ticket, again) {
  const answer = await fetch(`${space}/terminal/${event}/badge`, {
    method: "POST",
    body: new URLSearchParams({ ticket, again: again ? "1" : "" }),
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const drawn = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
  paper.replaceChildren(document.importNode(drawn, true));
  await Promise.all([...paper.querySelectorAll("image")].map((image) => image.decode?.().catch(() => {})));
  window.print();
  focused();
}

/** Prints the badge of a ticket behind those that wait. */
export function print(event, ticket, again = false) {
  const turn = line.then(() => one(event, ticket, again));
  line = turn.catch(() => {});
  return turn;
}
