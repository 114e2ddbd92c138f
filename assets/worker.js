// Keeps the terminal's pages and what they load, so that a terminal that is reloaded while the box is away opens all the same.
// The box's own answer always comes first; the kept one stands in when there is none within a few seconds.

const SHELF = "huiguan-terminal-1";
const PATIENCE = 4000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function page(request) {
  const shelf = await caches.open(SHELF);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    // A page of its own kind only: a login page or an error must not stand in for the door.
    if (answer.ok && !answer.redirected) await shelf.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await shelf.match(request);
    if (kept) return kept;
    throw error;
  }
}

async function part(request) {
  const shelf = await caches.open(SHELF);
  const kept = await shelf.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await shelf.put(request, answer.clone());
  return answer;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && /^(\/m\/\d+)?\/terminal(\/\d+)?$/.test(pathname)) event.respondWith(page(request));
  else if (pathname.startsWith("/asset/")) event.respondWith(part(request));
});
