// Finding people and papers in a browser: the box that `/` leads to, finds while typing, keys, facets, kept searches, uploading a document and
// finding a word of its second page, the index, and the same without scripts. node tests/browser/search.mjs URL CODE CONTRACT BROKEN [FOLDER]

import { browse, open, submit, press, accessible, check, until } from "./hall.mjs";

const [base, code, contract, broken, shots] = process.argv.slice(2);
const PASSWORD = "correct horse battery staple";
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

/** Looks at a page in both sizes and in the dark, and takes pictures when a folder is named. */
async function looked(page, name) {
  for (const [face, size] of Object.entries(SIZES)) {
    await page.setViewport(size);
    await accessible(page);
    if (shots) await page.screenshot({ path: `${shots}/${name}-${face}.png`, fullPage: face === "phone" });
  }
  await page.setViewport(SIZES.desktop);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }, { name: "prefers-reduced-motion", value: "reduce" }]);
  await accessible(page);
  if (shots) await page.screenshot({ path: `${shots}/${name}-dark.png` });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
}

async function prepare(page) {
  await submit(page, { code, name: "测试协会", admin_name: "管理员", login: "admin", password: PASSWORD });
  await page.goto(`${base}/admin/event/new`);
  await submit(page, { name: "年度大会", starts: "2026-01-01T09:00", ends: "2030-01-01T18:00" });
  const event = page.url().match(/event\/(\d+)/)[1];
  const people = [["欧阳锋", "13800005678", "白驼山医药集团"], ["张三丰", "13912345678", "武当文化传播"], ["单田芳", "", "鞍山曲艺团"], ["阿卜杜拉·买买提", "13700001111", ""]];
  for (const [name, phone, company] of people) {
    await page.goto(`${base}/admin/event/${event}/registration/new`);
    await submit(page, { name, phone, company });
  }
  return event;
}

/** Types until the list under the box says what is expected. The index may still be on its way, so it is typed again, but only after the
 * answer had its time: typing at once again would call the question back. */
async function suggests(page, typed, expected, what) {
  const deadline = Date.now() + 120_000;
  let seen = "";
  while (Date.now() < deadline) {
    await page.$eval(".search input", (box) => { box.value = ""; box.focus(); });
    await page.type(".search input", typed);
    const answered = (text) => document.querySelector("#suggestions:not([hidden])")?.textContent.includes(text);
    if (await page.waitForFunction(answered, { timeout: 1500 }, expected).catch(() => null)) return;
    seen = await page.$eval("#suggestions", (list) => list.textContent);
  }
  check(false, `${what}: typed ${typed}, saw ${seen}`);
}

async function typing(page) {
  await page.goto(`${base}/admin`);
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement.closest(".search") !== null), "/ leads to the search box");
  for (const [typed, expected] of [["阳锋", "欧阳锋"], ["zsf", "张三丰"], ["张sf", "张三丰"], ["shantf", "单田芳"], ["5678", "欧阳锋"], ["拉买", "阿卜杜拉·买买提"], ["歐陽", "欧阳锋"]]) {
    await suggests(page, typed, expected, "finds while typing");
  }
  // What was asked with the first character alone may still stand there for a moment.
  await until(page, "#suggestions mark", (marked) => marked === "欧阳", "what was typed is marked");
  await looked(page, "typing");
  await page.bringToFront();
  await suggests(page, "zsf", "张三丰", "before the keys");
  await page.keyboard.press("ArrowDown");
  const chosen = await page.$eval(".search input", (box) => box.getAttribute("aria-activedescendant"));
  check(chosen === "suggestion-0", `the first is chosen, not ${chosen}`);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  check(/registration|search/.test(page.url()), `Enter opens it: ${page.url()}`);
  await page.goto(`${base}/admin`);
  await page.keyboard.press("/");
  await suggests(page, "没有这个人", "没有符合条件", "nothing is said to be nothing");
  await page.keyboard.press("Escape");
  check(await page.$eval("#suggestions", (list) => list.hidden), "Escape closes the list");
}

async function finds(page, event) {
  await page.goto(`${base}/admin/search?q=${encodeURIComponent("5678")}`);
  await until(page, ".finds", (text) => text.includes("欧阳锋") && text.includes("张三丰"), "both are found");
  await looked(page, "finds");
  await press(page, ".facets a[href*='kind=registration']");
  check((await page.$$(".finds li")).length === 2, "only registrations");
  await page.$eval(".saved summary", (summary) => summary.click());
  await page.type("#f-saved-name", "尾号5678");
  await Promise.all([page.waitForNavigation(), page.$eval(".saved details button:not(.quiet)", (button) => button.click())]);
  await until(page, ".saved ul", (text) => text.includes("尾号5678"), "the search is kept");
  await looked(page, "kept");
  await press(page, ".saved ul button");
  check((await page.$(".saved ul")) === null, "and gone again");
  await page.goto(`${base}/admin/search?q=${encodeURIComponent('"欧阳" -张')}&sort=name`);
  check((await page.$$(".finds li")).length > 0, "quotes and minus are understood");
  await page.goto(`${base}/admin/event/${event}/registration?q=${encodeURIComponent("phone:5678 -单位:武当")}`);
  await until(page, "tbody", (text) => text.includes("欧阳锋") && !text.includes("张三丰"), "the list understands the same");
}

async function documents(page) {
  await page.goto(`${base}/admin/document`);
  await looked(page, "documents-empty");
  for (const file of [contract, broken]) {
    const field = await page.$("#f-file");
    await field.uploadFile(file);
    await Promise.all([page.waitForNavigation(), page.$eval("main form.panel button.primary", (button) => button.click())]);
  }
  const deadline = Date.now() + 60_000;
  let seen = "";
  while (Date.now() < deadline && !(seen.includes("已读取，2 页") && seen.includes("无法读取"))) {
    await page.goto(`${base}/admin/document`);
    seen = await page.$eval("tbody", (body) => body.textContent);
  }
  check(seen.includes("已读取，2 页") && seen.includes("无法读取"), `a good file is read, a bad one is marked: ${seen}`);
  await looked(page, "documents");
  await press(page, "tbody form[action$='/retry'] button");
  await page.goto(`${base}/admin/search?q=${encodeURIComponent("百分之五")}`);
  await until(page, ".finds", (text) => text.includes("采购合同") && text.includes("第 2 页"), "a word of the second page is found there");
  await looked(page, "document-find");
  await press(page, ".finds a");
  check(page.url().endsWith("#page-2"), `it opens at its page: ${page.url()}`);
  await looked(page, "document");
  await page.goto(`${base}/admin/document?q=${encodeURIComponent("采购")}`);
  check((await page.$$("tbody tr")).length === 1, "the list of documents is searched too");
}

/** The same as a plain form. */
async function withoutScripts(page) {
  await page.setJavaScriptEnabled(false);
  await page.goto(`${base}/admin`);
  await page.type(".search input", "ouyang");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const text = await page.$eval(".finds", (list) => list.textContent);
  check(text.includes("欧阳锋"), "the box works without scripts");
  await page.setJavaScriptEnabled(true);
}

async function findAnything(browser) {
  const page = await open(browser, `${base}/setup`);
  const event = await prepare(page);
  await typing(page);
  await finds(page, event);
  await documents(page);
  await withoutScripts(page);
  for (const [name, path] of Object.entries({ index: "/admin/search/index", help: "/admin/help", "help-search": "/admin/help/search", idle: "/admin/search" })) {
    await page.goto(base + path);
    await looked(page, name);
  }
  await page.goto(`${base}/admin/search/index`);
  await press(page, "main form[action$='/rebuild'] button");
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && (await page.$("main form[action$='/rebuild']")) === null) await page.reload();
  await page.goto(`${base}/admin/search?q=oyf`);
  await until(page, ".finds", (text) => text.includes("欧阳锋"), "after a new index the same is found");
}

await browse(findAnything);
