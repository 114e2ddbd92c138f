// A real browser for tests: Debian's Chromium through puppeteer-core, axe-core for accessibility, and a simulated scanner gun.
// Both packages are installed by tests/run outside the repository; their folder is in HUIGUAN_TEST_TOOLS.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const tools = process.env.HUIGUAN_TEST_TOOLS ?? "/var/tmp/huiguan-test-tools";
const require = createRequire(join(tools, "package.json"));
const puppeteer = require("puppeteer-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** How long a page may take for anything, in milliseconds: a loaded machine is no mistake of the page. */
const PATIENCE = 120_000;

/** Starts Chromium, with more arguments where they are needed, gives it to `use`, and closes it whatever happens. */
export async function browse(use, more = []) {
  const profile = mkdtempSync(join(tmpdir(), "hall-browser-"));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    userDataDir: profile,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...more],
  });
  browser.on("targetcreated", async (target) => {
    // A page that is closed again at once is none any more.
    const page = target.type() === "page" ? await target.page().catch(() => null) : null;
    page?.setDefaultTimeout(PATIENCE);
  });
  // Also when `fail` ends the process; Puppeteer's own hook has ended the browser by then.
  process.once("exit", () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

/** A page in a browser context of its own (own cookies); what its scripts throw ends the test. */
export async function open(browser, url, { width = 1440, height = 900, dark = false } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.setViewport({ width, height });
  await theme(page, dark);
  page.on("pageerror", (error) => fail(`script error on ${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy/.test(message.text())) fail(`CSP on ${page.url()}: ${message.text()}`);
  });
  const answer = await page.goto(url);
  if (!answer.ok() && answer.status() !== 304) fail(`${url} answered ${answer.status()}`);
  return page;
}

/** Light or dark, without transitions: half-way colours are nobody's. */
export async function theme(page, dark = false) {
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
}

/** Ends the process with a message. */
export function fail(message) {
  console.error(`FAILED: ${message}`);
  process.exit(1);
}

export function check(holds, message) {
  if (!holds) fail(message);
}

/** What axe-core finds wrong, a line each. Its source is evaluated: the page's policy stays in force and forbids foreign script tags. */
export async function axe(page) {
  return page.evaluate(async (source) => {
    if (!window.axe) (0, eval)(source);
    const found = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
    return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | ")}`);
  }, axeSource);
}

/** Ends the test when axe-core finds a violation or the page is wider than its window. */
export async function accessible(page) {
  const name = `${page.url()} at ${page.viewport().width}px`;
  // Bars that stick cover what lies below them once a page is scrolled, which is no fault of what they cover.
  await page.evaluate(() => scrollTo(0, 0));
  const result = await axe(page);
  check(result.length === 0, `axe on ${name}:\n  ${result.join("\n  ")}`);
  const spill = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  check(spill <= 1, `${name} is ${spill}px too wide`);
  const rows = await page.$$eval(".side", ([side]) => (side && innerWidth < 700 ? Math.round(side.offsetHeight / 44) : 0));
  check(rows <= 1, `the navigation of ${name} is ${rows} rows high`);
}

/** Fills a form by field name and sends it. */
export async function submit(page, values, button = "main form button.primary, main form button:not([type=button])") {
  for (const [name, value] of Object.entries(values)) {
    const at = `main [name="${name}"]`;
    const kind = await page.$eval(at, (field) => (field.tagName === "SELECT" ? "select" : field.type));
    if (kind === "select") await page.select(at, value);
    else if (kind === "file") await (await page.$(at)).uploadFile(value);
    else if (kind === "checkbox" || kind === "radio") await page.$eval(`${at}${value === true ? "" : `[value="${value}"]`}`, (field) => (field.checked = true));
    else await page.$eval(at, (field, typed) => { field.value = typed; field.dispatchEvent(new Event("input", { bubbles: true })); }, value);
  }
  await Promise.all([page.waitForNavigation(), page.$eval(button, (found) => found.click())]);
}

/** Presses something that leads to another page, and waits for it. */
export async function press(page, selector) {
  await Promise.all([page.waitForNavigation(), page.$eval(selector, (found) => found.click())]);
}

/** A keyboard-wedge scanner gun: a key every `ms`, ended as guns are set up. */
export async function gun(page, code, { ms = 1, end = "Enter" } = {}) {
  for (const key of code) {
    await page.keyboard.press(key);
    if (ms > 0) await new Promise((resume) => setTimeout(resume, ms));
  }
  if (end) await page.keyboard.press(end);
}

/** Waits until the text of an element fits. */
export async function until(page, selector, fits, what) {
  const deadline = Date.now() + 10_000;
  let last = "";
  while (Date.now() < deadline) {
    last = await page.$eval(selector, (found) => found.textContent.trim()).catch(() => "(not there)");
    if (fits(last)) return last;
    await new Promise((resume) => setTimeout(resume, 20));
  }
  fail(`${what}: ${selector} says “${last}”`);
}

/** Time at the association, so many minutes from now, as a form takes it. */
export function local(minutes) {
  return new Date(Date.now() + minutes * 60_000 + 8 * 3600_000).toISOString().slice(0, 16);
}

const SIZES = [["desktop", 1440, 900, false], ["phone", 390, 844, false], ["dark", 1440, 900, true]];

/** Looks at a page at every size, in both themes; keeps its pictures in `folder` when one is given. */
export async function lookAt(page, folder, name) {
  const before = page.viewport();
  for (const [face, width, height, dark] of SIZES) {
    await page.setViewport({ width, height });
    await theme(page, dark);
    await accessible(page);
    if (!folder) continue;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}-${face}.png`), fullPage: true });
  }
  await page.setViewport(before);
  await theme(page, false);
}

/** Founds the association; answers the page of its administrator. */
export async function founded(browser, base, code, name = "青松协会") {
  const page = await open(browser, `${base}/setup`);
  await submit(page, { code, name, admin_name: "林秘书", login: "admin", password: "correct horse battery staple" });
  return page;
}

/** An open event, its times in minutes from now; answers its address below `/admin`. */
export async function makeEvent(page, base, name, { starts = -60, ends = 540, ...more } = {}) {
  // Taken once: check-in may not end after the event, not by the minute that passes in between either.
  const [from, to] = [local(starts), local(ends)];
  await page.goto(`${base}/admin/event/new`);
  await submit(page, { name, starts: from, ends: to, ...more });
  const path = new URL(page.url()).pathname;
  await page.goto(`${base}${path}/checkin`);
  await submit(page, { checkin_from: from, checkin_to: to }, "form[action$='/checkin'] button");
  const kept = await page.$$eval("main [name^=checkin_]", (fields) => fields.map((field) => field.value).join(" – "));
  check(kept === `${from} – ${to}`, `check-in times are kept: ${kept} instead of ${from} – ${to} on ${page.url()}`);
  await page.goto(`${base}${path}`);
  await press(page, "form[action$='/publish'] button");
  return path;
}

/** A small picture as a file that is gone with the process. */
export async function picture(page) {
  const data = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [64, 64];
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#1e6b3c";
    pen.arc(32, 32, 30, 0, 7);
    pen.fill();
    return canvas.toDataURL("image/png").split(",")[1];
  });
  const folder = mkdtempSync(join(tmpdir(), "hall-picture-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "picture.png");
  writeFileSync(path, Buffer.from(data, "base64"));
  return path;
}
