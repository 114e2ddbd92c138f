// Posters, badges, certificates and promotion in a real browser: the designer by mouse, by keyboard and without JavaScript, a poster that
// brings a friend, a badge at the door, a certificate from the door to its check page. node tests/browser/print.mjs URL CODE FOLDER

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { browse, open, submit, press, gun, until, accessible, check, lookAt, founded, makeEvent } from "./hall.mjs";

const [base, setupCode, folder] = process.argv.slice(2);

async function look(page, path) {
  if (path) await page.goto(base + path);
  await lookAt(page);
}

async function opened(browser) {
  const page = await founded(browser, base, setupCode);
  // The designer asks before it loses what was not saved; here nobody answers.
  page.on("dialog", (dialog) => dialog.accept());
  const event = await makeEvent(page, base, "年会", { latitude: "30.245853", longitude: "120.209947", datum: "gcj02" });
  for (const name of ["欧阳若曦", "张三"]) {
    await page.goto(`${base}${event}/registration/new`);
    await submit(page, { name, company: "华兴机电", group: "嘉宾", seat: "1桌1" });
  }
  return { page, event };
}

async function design(page, event, preset) {
  await page.goto(`${base}${event}/design`);
  await submit(page, { preset }, "form[action$='/design'] button.primary");
  await page.waitForSelector("[data-designer][data-ready]");
  return new URL(page.url()).pathname;
}

const value = (page, name) => page.$eval(`[name="${name}"]`, (field) => field.value);

/** By mouse, by keyboard, by number. */
async function designByHand(page, event) {
  await look(page, `${event}/design`);
  const path = await design(page, event, "badge_sheet");
  await page.bringToFront();
  const handle = await page.$("button.handle");
  const outline = await page.$('[data-outline="3"]');
  const [before, box] = [Number(await value(page, "e3-x")), await outline.boundingBox()];
  const scale = await page.$eval("[data-designer] img", (picture) => 90 / picture.getBoundingClientRect().width);
  await page.mouse.move(box.x + 20, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 50, box.y + 30, { steps: 4 });
  await page.mouse.up();
  const dragged = Number(await value(page, "e3-x"));
  check(Math.abs(dragged - before - 30 * scale) < 0.3, `dragged 30 px: ${before} to ${dragged} mm`);
  await page.waitForSelector("[data-designer][data-drawn]");
  await handle.focus();
  for (const [key, name, change] of [["ArrowRight", "e3-x", 1], ["ArrowUp", "e3-y", -1]]) {
    const from = Number(await value(page, name));
    await page.keyboard.press(key);
    check(Math.abs(Number(await value(page, name)) - from - change) < 0.05, `${key} moves by a millimetre`);
  }
  const width = Number(await value(page, "e3-w"));
  await page.keyboard.down("Control");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.up("Control");
  check(Math.abs(Number(await value(page, "e3-w")) - width + 1) < 0.05, "with Ctrl the arrow sizes");
  await page.keyboard.press("PageDown");
  check((await page.$eval("button.handle", (found) => found.dataset.of)) === "4", "Page Down chooses the next element");
  await page.keyboard.press("PageUp");
  await page.keyboard.press("Enter");
  check(await page.$eval('[data-element="3"]', (element) => element.open), "Enter opens the fields");
  await look(page);
  const x = await value(page, "e3-x");
  await press(page, "#design button.primary");
  check((await value(page, "e3-x")) === x && (await value(page, "revision")) === "1", "what was drawn by hand is kept");
  await submit(page, { "e3-w": "nonsense" }, "#design button.primary");
  check((await page.$("#e-e3-w")) !== null && (await value(page, "e3-w")) === "nonsense", "what is wrong is named and kept");
  await look(page);
  return path;
}

/** The fields work alone. */
async function designWithoutScript(before, path) {
  const page = await before.browserContext().newPage();
  await page.setJavaScriptEnabled(false);
  await page.goto(base + path);
  check((await page.$("button.handle")) === null, "no handles without script");
  await page.$eval('[data-element="4"] summary', (summary) => summary.parentElement.setAttribute("open", ""));
  await page.$eval('[name="e4-y"]', (field) => (field.value = "34.5"));
  await Promise.all([page.waitForNavigation(), page.$eval("#design button.primary", (button) => button.click())]);
  check((await value(page, "e4-y")) === "34.5", "the fields are kept");
  const count = (await page.$$("[data-element]")).length;
  await page.select("[name=add]", "outline");
  await Promise.all([page.waitForNavigation(), page.$eval("button[value=add]", (button) => button.click())]);
  check((await page.$$("[data-element]")).length === count + 1, "an element is added");
  await page.close();
}

async function printSheets(page, event, path) {
  const id = path.split("/").at(-1);
  await look(page, `${event}/print/${id}`);
  await press(page, `form[action$='/print/${id}'][method=post] button.primary`);
  await until(page, ".page svg", (text) => text.includes("欧阳若曦") && text.includes("张三"), "both badges lie on the sheet");
  await look(page);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  const text = Buffer.from(pdf).toString("latin1");
  const size = /MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/.exec(text);
  check(size && Math.abs(Number(size[1]) - 595) < 2 && Math.abs(Number(size[2]) - 842) < 2, `printed on A4: ${size?.[0]}`);
  check((text.match(/\/Type\s*\/Page\b/g) ?? []).length === 1, "one sheet is one page");
  await look(page, `${event}/print`);
  await until(page, "tbody", (said) => said.includes("批量打印") && said.includes("林秘书"), "the log says who printed what");
}

async function badgeAtTheDoor(browser, page, event) {
  const path = await design(page, event, "badge_card");
  await page.goto(`${base}${event}/device`);
  await page.$eval("details", (details) => (details.open = true));
  await submit(page, { name: "大门" }, "form[action$='/device'] button.primary");
  const link = (await page.$eval(".panel p code", (found) => found.textContent)).replace(/^http:\/\/[^/]+/, base);
  await page.goto(`${base}${event}/design`);
  await submit(page, { design: path.split("/").at(-1) }, "form[action*='/device/'] button");
  const terminal = await open(browser, link);
  await terminal.evaluateOnNewDocument(() => {
    window.printed = 0;
    window.print = () => (window.printed += 1);
  });
  await submit(terminal, {});
  await terminal.bringToFront();
  await terminal.waitForSelector("[data-terminal][data-ready]");
  await page.goto(`${base}${event}/registration`);
  const row = await page.$$eval("tbody a", (links) => links.find((link) => link.textContent === "欧阳若曦").getAttribute("href"));
  await page.goto(base + row);
  const number = await page.$eval(".code", (found) => found.textContent.replaceAll(" ", ""));
  await terminal.bringToFront();
  await gun(terminal, number);
  await terminal.waitForFunction(() => window.printed === 1 && document.querySelector("[data-paper] svg")?.textContent.includes("欧阳若曦"), { timeout: 10_000 });
  check(await terminal.evaluate(() => document.activeElement.id === "code"), "the terminal keeps the focus");
  await terminal.emulateMediaType("print");
  const seen = await terminal.evaluate(() => [...document.querySelectorAll("[data-terminal] > *")].filter((part) => getComputedStyle(part).display !== "none").map((part) => part.className));
  check(String(seen) === "print-only", `on paper there is the badge alone: ${seen}`);
  await terminal.emulateMediaType("screen");
  await terminal.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  check(await terminal.evaluate(() => document.activeElement.id === "code"), "the field for codes gets the focus back after printing");
  await accessible(terminal);
  await terminal.click("[data-badge-again]");
  await terminal.waitForFunction(() => window.printed === 2, { timeout: 10_000 });
  await page.goto(base + row);
  await until(page, "#prints", (said) => said.includes("签到时打印") && said.includes("终端补打") && said.includes("大门"), "the registration shows both");
  await look(page);
  return row;
}

/** A picture file, drawn by the browser. */
async function picture(page) {
  const data = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#2a7";
    pen.fillRect(0, 0, 640, 480);
    return canvas.toDataURL("image/png").split(",")[1];
  });
  const file = join(folder, "portrait.png");
  writeFileSync(file, Buffer.from(data, "base64"));
  return file;
}

async function posterBringsAFriend(browser, page, event) {
  const poster = await design(page, event, "poster");
  await look(page, poster);
  await page.goto(`${base}${event}/promotion`);
  await submit(page, { posters: true }, "form[enctype] button.primary");
  await submit(page, { source: "门口海报" }, "form[action$='/source'] button");
  await look(page);
  const id = event.split("/").at(-1);
  const phone = { width: 390, height: 844 };
  const host = await open(browser, `${base}/event/${id}?from=s1`, phone);
  await look(host);
  check((await host.$$(".links a")).length === 4, "four maps");
  await press(host, "a[href$='/register']");
  await submit(host, { name: "李四", phone: "13800000004" });
  await host.waitForSelector(".ticket");
  await look(host);
  await press(host, "a[href$='/poster']");
  await host.waitForFunction(() => document.querySelector(".poster-picture").naturalWidth === 1080, { timeout: 10_000 });
  await look(host);
  await submit(host, { picture: await picture(host) }, "form[enctype] button");
  await host.waitForSelector("img.portrait");
  await look(host);
  const ticket = await host.$eval(".poster-picture", (shown) => shown.getAttribute("src").split("/poster")[0]);
  const svg = await host.evaluate(async (path) => (await fetch(path)).text(), `${ticket}/poster.svg`);
  check(svg.includes("data:image/jpeg") && svg.includes("李四"), "the poster carries the picture and the name");
  const friend = await open(browser, `${base}/event/${id}?from=m3`, phone);
  await press(friend, "a[href$='/register']");
  await submit(friend, { name: "王五", phone: "13800000005" });
  await friend.waitForSelector(".ticket");
  await page.goto(`${base}${event}/promotion`);
  const rows = await page.$$eval("tbody tr", (all) => all.map((row) => [...row.cells].slice(0, 3).map((cell) => cell.textContent.trim()).join(" ")));
  check(rows.includes("门口海报 1 1") && rows.includes("李四 1 1"), `the statistics count both: ${rows.join("; ")}`);
  await look(page);
}

async function certificate(browser, page, event, registration) {
  const path = await design(page, event, "certificate");
  await look(page, path);
  await look(page, `${event}/certificate`);
  await press(page, `form[action$='/certificate'] button.primary`);
  await until(page, "tbody", (said) => said.includes("欧阳若曦") && said.includes("有效") && !said.includes("张三"), "who came has one");
  await press(page, "tbody a");
  await look(page);
  const [one, check_] = [page.url(), await page.$eval("a[href*='/certificate/'][href^='http']", (link) => link.getAttribute("href"))];
  const stranger = await open(browser, check_.replace(/^http:\/\/[^/]+/, base), { width: 390, height: 844 });
  await until(stranger, "main", (said) => said.includes("这张证书有效") && said.includes("欧**曦") && !said.includes("欧阳若曦"), "a stranger sees that it is valid");
  await look(stranger);
  await page.goto(base + registration);
  const holder = await open(browser, base + (await page.$eval("a[href^='/ticket/']", (link) => link.getAttribute("href"))), { width: 390, height: 844 });
  await holder.waitForSelector("a[href$='/picture.png'] img");
  await look(holder);
  await press(holder, "a[href$='/print']");
  await look(holder);
  await page.goto(one);
  await submit(page, { reason: "姓名有误" }, "form[action$='/revoke'] button");
  await stranger.reload();
  await until(stranger, "main", (said) => said.includes("撤销") && said.includes("姓名有误"), "a stranger sees that it was revoked");
  await look(stranger);
  await look(page, `${event}/certificate`);
  await stranger.goto(`${base}/certificate`);
  await submit(stranger, { number: "x" });
  check((await stranger.$("#e-number")) !== null, "what can be no number is named at its field");
  await look(stranger);
}

await browse(async (browser) => {
  const { page, event } = await opened(browser);
  await look(page, `${event}/edit`);
  const badge = await designByHand(page, event);
  await designWithoutScript(page, badge);
  await printSheets(page, event, badge);
  const registration = await badgeAtTheDoor(browser, page, event);
  await page.bringToFront();
  await posterBringsAFriend(browser, page, event);
  await certificate(browser, page, event, registration);
});
console.log("walked");
