// Proves the harness before anything else is believed of it, on pages of its own, one right and some wrong in known ways; then looks at
// a hall's first page. node tests/browser/smoke.mjs URL; without URL only the harness is proved.

import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { browse, open, axe, accessible, gun, until, check } from "./hall.mjs";

const [url, only] = process.argv.slice(2);

function page(body) {
  return `<!doctype html><html lang="en"><head><title>Sample</title><meta name="viewport" content="width=device-width"></head><body><main><h1>Sample</h1>${body}</main></body></html>`;
}

const PAGES = {
  "/right": page(`<p><label>Code <input id="code" autofocus></label></p><p id="seen">-</p><script src="/scan.js"></script>`),
  "/nameless": page(`<p><input id="code"></p>`),
  "/wide": page(`<svg width="3000" height="10" aria-hidden="true"></svg>`),
  "/throws": page(`<script src="/throw.js"></script>`),
  "/inline": page(`<script>document.title = "ran"</script>`),
  "/scan.js": `const code = document.querySelector("#code"); code.addEventListener("keydown", (event) => { if (event.key === "Enter") document.querySelector("#seen").textContent = code.value; });`,
  "/throw.js": `throw new Error("on purpose");`,
};

/** Wrong pages and what a scenario says of them. */
const WRONG = {
  "/nameless": /axe on .*label/s,
  "/wide": /too wide/,
  "/throws": /script error .*on purpose/,
  "/inline": /CSP on/,
  "/gone": /answered 404/,
};

function serve() {
  const server = createServer((asked, answer) => {
    const found = PAGES[asked.url];
    const kind = asked.url.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8";
    answer.writeHead(found ? 200 : 404, { "content-type": kind, "content-security-policy": "default-src 'self'" });
    answer.end(found ?? page(""));
  });
  return new Promise((resume) => server.listen(0, "127.0.0.1", () => resume(server)));
}

/** Looks at one page as every scenario does. */
async function look(browser, at) {
  const opened = await open(browser, at, { width: 390, height: 844 });
  await accessible(opened);
  return opened;
}

/** Looks from a process of its own, since a failure ends it; what it said, or nothing. */
function failure(at) {
  return new Promise((resume) => execFile(process.execPath, [process.argv[1], at, "only"], (error, _, said) => resume(error ? said : "")));
}

async function prove(browser) {
  const server = await serve();
  const base = `http://127.0.0.1:${server.address().port}`;
  const right = await look(browser, `${base}/right`);
  check((await axe(right)).length === 0, "axe finds nothing on a page that is right");
  await gun(right, "123456789012");
  await until(right, "#seen", (text) => text === "123456789012", "every key of a gun arrives");
  for (const [path, expected] of Object.entries(WRONG)) {
    const said = await failure(base + path);
    check(expected.test(said), `${path} should fail with ${expected}, but: ${said || "it passed"}`);
  }
  server.closeAllConnections();
  server.close();
}

await browse(async (browser) => {
  if (only === undefined) await prove(browser);
  if (url !== undefined) await look(browser, only === undefined ? `${url}/` : url);
});
