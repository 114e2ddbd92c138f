// The code on a screen at the entrance: fetches the next one when the present one ends, and says so when there is none.

const root = document.querySelector("[data-code-screen]");
const warning = document.querySelector(".notice");
warning.hidden = true;

async function next() {
  const address = new URL(location.href);
  address.searchParams.set("part", "code");
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(5000), cache: "no-store" });
    if (answer.status === 401 || answer.status === 403 || answer.redirected) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const { svg, left } = await answer.json();
    const picture = new DOMParser().parseFromString(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '), "image/svg+xml").documentElement;
    root.replaceChildren(document.importNode(picture, true));
    warning.hidden = true;
    setTimeout(next, Math.max(500, left));
  } catch {
    warning.hidden = false;
    setTimeout(next, 2000);
  }
}
setTimeout(next, Math.max(500, Number(root.dataset.left)));
