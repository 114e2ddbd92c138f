// A gate's screen: shows how good the newest verdict is, with its icon; words and names are filled in by app.js.

const root = document.querySelector("[data-watch]");
const verdict = root.querySelector(".verdict");

function tone(of) {
  verdict.dataset.tone = of;
  for (const icon of verdict.querySelectorAll("[data-icon]")) icon.hidden = icon.dataset.icon !== of;
}

let last;
root.addEventListener("figures", ({ detail }) => {
  tone(detail.tone);
  if (last !== undefined && detail.scan !== last) {
    // The same verdict twice is still something new to see.
    verdict.classList.remove("fresh");
    void verdict.offsetWidth;
    verdict.classList.add("fresh");
  }
  last = detail.scan;
});
tone(verdict.dataset.tone);
