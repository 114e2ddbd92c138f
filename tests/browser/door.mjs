// At the door in a real browser: rules as sentences, questions, guns of all kinds, finding people, helpers, checking in alone, and a
// terminal that goes on while the box is away. Arguments: base URL, set-up code; the box is stopped and started on request by lines
// on standard output and input.

import { createInterface } from "node:readline";
import { sound } from "../../assets/door.js";
import { browse, open, submit, press, gun, until, accessible, check, lookAt, founded, makeEvent } from "./hall.mjs";

const [base, setupCode] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks whoever runs this to do something to the box, and waits until it is done. */
async function box(what) {
  console.log(what);
  const { value } = await answers.next();
  check(value === "done", `the box did not ${what}`);
}

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

async function look(page, path) {
  if (path) await page.goto(base + path);
  await lookAt(page);
}

/** An association with an event that is open, and people by name; answers the page and the event's address. */
async function opened(browser) {
  const page = await founded(browser, base, setupCode);
  const event = await makeEvent(page, base, "年会");
  return { page, event };
}

/** Adds somebody and answers the ticket's number. */
async function person(page, event, name, more = {}) {
  await page.goto(`${base}${event}/registration/new`);
  await submit(page, { name, ...more });
  await page.waitForSelector(".code");
  return page.$eval(".code", (found) => found.textContent.replaceAll(" ", ""));
}

async function rulesAsSentences(page, event) {
  await page.goto(`${base}${event}/checkin`);
  await submit(page, { gate: "东门" }, "form[action$='/gate'] button");
  await page.goto(`${base}${event}/list`);
  await page.waitForSelector(".sentence button");
  await page.$eval(".sentence button", (button) => button.click());
  await page.select(".rule li select", "gate");
  await page.$eval(".rule li .ticks input", (box) => box.click());
  await submit(page, { name: "东门专用", try_code: "1" }, "button[formaction$='/try']");
  await until(page, "[data-trial]", (said) => said.includes("无效门票"), "an unknown ticket is told by the box to try rules");
  check((await page.$eval("textarea[name=rules]", (field) => field.value)).includes('"gate":["is",[1]]'), "the sentence stands as JSON");
  await look(page);
  return page;
}

async function tryAndSave(page, event, number) {
  await submit(page, { name: "东门专用", try_code: number }, "button[formaction$='/try']");
  const at = await page.$eval("[name=try_at]", (field) => field.value);
  await until(page, "[data-trial]", (said) => said.includes("不允许从此处进入") && said.includes("入口是东门"), `the box says which rule failed at ${at}`);
  await submit(page, { name: "东门专用", try_code: number, try_gate: "1" }, "button[formaction$='/try']");
  await until(page, "[data-trial]", (said) => said.includes("放行"), "at the right gate the door opens");
  await submit(page, { name: "东门专用" }, "main .submit button.primary");
  const shown = await page.$eval("main", (found) => found.textContent);
  check(shown.includes("东门专用") && shown.includes("入口是东门"), "the list stands with its rules in words");
  await look(page);
}

async function paired(browser, page, event, values) {
  await page.goto(`${base}${event}/device`);
  await page.$eval("details", (details) => (details.open = true));
  await submit(page, values, "form[action$='/device'] button.primary");
  const link = await page.$eval(".panel p code", (found) => found.textContent);
  const terminal = await open(browser, link.replace(/^http:\/\/[^/]+/, base));
  await submit(terminal, {});
  return terminal;
}

const ready = (terminal) => terminal.waitForSelector("[data-terminal][data-ready][data-known]");
const said = (terminal, word, what) => until(terminal, ".verdict .word", (text) => text.includes(word), what);

/** Keys as a gun sends them that is set to another layout: the place on the board is right, the character is not. */
async function foreignGun(page, digits) {
  await page.evaluate((all) => {
    const odd = "à&é\"'(-è_ç";
    let at = performance.now();
    for (const digit of all) {
      const key = new KeyboardEvent("keydown", { key: odd[Number(digit)], code: `Digit${digit}`, bubbles: true, cancelable: true });
      document.dispatchEvent(key);
      at += 1;
    }
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true, cancelable: true }));
  }, digits);
}

async function gunsOfAllKinds(terminal, numbers) {
  const [tab, wide, foreign, dialog, pasted] = numbers;
  await gun(terminal, tab.number, { ms: 2, end: "Tab" });
  await until(terminal, ".who", (text) => text === tab.name, "a gun that ends with Tab");
  const full = [...wide.number].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join("");
  await terminal.$eval("#code", (field, typed) => {
    field.value = typed;
    field.dispatchEvent(new InputEvent("input", { inputType: "insertFromComposition", bubbles: true }));
  }, full);
  await until(terminal, ".who", (text) => text === wide.name, "full-width digits of an input method");
  await foreignGun(terminal, foreign.number);
  await until(terminal, ".who", (text) => text === foreign.name, "another keyboard layout");
  await terminal.$eval("[data-search-open]", (button) => button.click());
  await terminal.type("#find", "王");
  await pause(120);
  await gun(terminal, dialog.number, { ms: 2 });
  await until(terminal, ".who", (text) => text === dialog.name, "a gun while somebody searches");
  check((await terminal.$eval("#find", (field) => field.value)) === "王", "what was typed by hand stays");
  await gun(terminal, pasted.number, { ms: 70 });
  await until(terminal, ".who", (text) => text === pasted.name, "a slow gun while somebody searches");
  check((await terminal.$eval("#find", (field) => field.value)) === "王", "and what was typed by hand stays");
  await terminal.$eval("[data-undo]", (button) => button.click());
  await said(terminal, "已撤销", "taken back for the next way");
  await terminal.$eval("[data-search-close]", (button) => button.click());
  await terminal.$eval("#code", (field, typed) => {
    field.value = `${typed.slice(0, 4)}-${typed.slice(4)}`;
    field.form.requestSubmit();
  }, pasted.number);
  await until(terminal, ".who", (text) => text === pasted.name, "a number typed with a hyphen");
}

/** Two tickets side by side are two scans, however often they come by turns; and a line feed is a line end. */
async function byTurns(terminal, one, other) {
  await pause(2600);
  await gun(terminal, one.number, { ms: 0 });
  await until(terminal, ".who", (text) => text === one.name, "the first of two tickets");
  const begun = Date.now();
  for (const key of other.number) await terminal.keyboard.press(key);
  await terminal.keyboard.down("Control");
  await terminal.keyboard.press("KeyJ");
  await terminal.keyboard.up("Control");
  await until(terminal, ".who", (text) => text === other.name, "a gun that ends with a line feed");
  await gun(terminal, one.number, { ms: 0 });
  await pause(300);
  check(Date.now() - begun < 2400, "the machine is too slow to hold two tickets by turns");
  check((await terminal.$eval(".who", (found) => found.textContent)) === other.name, "the first one is no new scan");
  await pause(2600);
  await gun(terminal, one.number, { ms: 0 });
  await until(terminal, ".who", (text) => text === one.name, "and is one again when its time is over");
}

/** A code with a wrong check digit is refused at once, and on record a moment later. */
async function misread(terminal, page, event, someone) {
  const bent = someone.number.slice(0, 11) + ((Number(someone.number[11]) + 1) % 10);
  await gun(terminal, bent, { ms: 1 });
  await said(terminal, "读码有误", "a wrong digit is seen by the page itself");
  await pause(500);
  await terminal.waitForFunction(() => document.querySelector("[data-terminal]").dataset.waits === "0", { polling: 50 });
  await page.goto(`${base}${event}/scan?show=refused`);
  await until(page, "table", (text) => text.includes(bent), "it stands among the failed scans");
}

/** A terminal whose clock is an hour slow scans at the box's time. */
async function wrongClock(browser, page, event, someone) {
  const slow = await paired(browser, page, event, { name: "慢钟" });
  await slow.evaluateOnNewDocument(() => {
    const real = Date.now;
    Date.now = () => real() - 3_600_000;
  });
  await slow.reload();
  await ready(slow);
  const skew = await slow.evaluate(() => Number(localStorage.getItem("hall.skew")));
  check(Math.abs(skew - 3_600_000) < 5_000, `the clock is put right by ${skew} ms`);
  const [answer] = await Promise.all([
    slow.waitForResponse((one) => one.url().endsWith("/redeem")),
    gun(slow, someone.number, { ms: 1 }),
  ]);
  const told = await answer.json();
  check(told.verdict === "admitted" && Math.abs(told.now - told.at) < 5_000, `it was scanned at ${told.at}, now it is ${told.now}`);
}

/** The code of a ticket before a camera; the browser has no reader of its own here, so the box reads the frames. */
async function seen(browser, page, event, someone) {
  const large = page.viewport();
  await page.setViewport({ ...large, deviceScaleFactor: 3 });
  await page.goto(`${base}${event}/registration/print`);
  await page.bringToFront();
  const code = await page.evaluateHandle((name) => [...document.querySelectorAll("strong")].find((found) => found.textContent === name).parentElement.querySelector("svg"), someone.name);
  const picture = await code.asElement().screenshot({ type: "png", encoding: "base64" });
  await page.setViewport(large);
  const phone = await paired(browser, page, event, { name: "手机" });
  await phone.setBypassCSP(true);
  await phone.evaluateOnNewDocument((base64) => {
    navigator.mediaDevices.getUserMedia = async () => {
      const shown = Object.assign(new Image(), { src: `data:image/png;base64,${base64}` });
      await shown.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
      const pen = canvas.getContext("2d");
      setInterval(() => {
        pen.fillStyle = "#fff";
        pen.fillRect(0, 0, 640, 480);
        pen.drawImage(shown, (640 - shown.width) / 2, (480 - shown.height) / 2);
      }, 50);
      return canvas.captureStream(20);
    };
  }, picture);
  await phone.reload();
  await ready(phone);
  await phone.bringToFront();
  await phone.$eval("[data-camera-open]", (button) => button.click());
  await until(phone, ".who", (text) => text === someone.name, "the camera sees the ticket");
  await said(phone, "签到成功", "and its holder comes in");
  await pause(3500);
  await said(phone, "签到成功", "a code that is held before the camera is one scan for five seconds");
  await said(phone, "已签到", "and asked about again afterwards");
  await phone.$eval("[data-camera-open]", (button) => button.click());
  check(await phone.$eval("[data-video]", (video) => video.hidden && video.srcObject === null), "the camera is put away");
}

/** A terminal that is shut out while it is alone lets nobody in any more when it is back, and what it did is on record. */
async function shutOut(page, event, terminal, someone) {
  await terminal.bringToFront();
  await terminal.setOfflineMode(true);
  await gun(terminal, someone.number, { ms: 1 });
  await said(terminal, "签到成功", "alone, it knows nothing of it yet");
  await page.goto(`${base}${event}/device`);
  const row = await page.$$eval("tbody tr", (rows) => 1 + rows.findIndex((row) => row.textContent.includes("侧门")));
  await press(page, `tbody tr:nth-child(${row}) form[action$='/revoke'] button`);
  await terminal.setOfflineMode(false);
  await until(terminal, "body", (text) => text.includes("停用"), "it is told at the first contact");
  await page.goto(`${base}${event}/scan?show=refused`);
  await until(page, "table", (text) => text.includes(someone.number) && text.includes("本终端已停用"), "its scan is on record");
  const door = await page.evaluate(async (of) => (await fetch(`/api/v1/checkin/search?event=${of.event}&q=${encodeURIComponent(of.name)}`)).json(), { event: event.split("/").pop(), name: someone.name });
  check(door.length === 1 && door[0].admitted === false, "and nobody came in by it");
}

/** A browser offers to install the page: it has a manifest, an icon and a worker, and they are right. */
async function installable(terminal) {
  const session = await terminal.createCDPSession();
  const { errors, data } = await session.send("Page.getAppManifest");
  check(errors.length === 0, `the manifest is right: ${JSON.stringify(errors)}`);
  const { name, display, start_url: start } = JSON.parse(data);
  check(name.endsWith("签到") && display === "fullscreen" && start === "/terminal", data);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  // The tests' browser keeps nothing of its profile, which it calls private.
  const wrong = installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito");
  check(wrong.length === 0, `it can be installed: ${JSON.stringify(wrong)}`);
  await session.detach();
}

/** What is scanned while the page is loading, before any of its programs run, is scanned when they do. */
async function early(terminal, someone, another) {
  let go;
  const loaded = new Promise((resolve) => (go = resolve));
  const hold = async (request) => {
    if (/\/(terminal|door|alone)[^/]*\.js/.test(request.url())) await loaded;
    await request.continue();
  };
  await terminal.setBypassServiceWorker(true);
  await terminal.setCacheEnabled(false);
  await terminal.setRequestInterception(true);
  terminal.on("request", hold);
  const going = terminal.reload();
  await terminal.waitForSelector("[data-terminal]:not([data-ready]) form.scan input");
  await terminal.focus("form.scan input");
  await terminal.keyboard.type(someone.number);
  await terminal.keyboard.press("Enter");
  const typed = await terminal.$eval("form.scan input", (field) => field.value);
  check(typed === someone.number, `the line end sends nothing yet: ${typed} of ${someone.number}`);
  go();
  await going;
  await until(terminal, ".who", (text) => text === someone.name, "the scan was not lost");
  terminal.off("request", hold);
  await terminal.setRequestInterception(false);
  await terminal.setBypassServiceWorker(false);
  await terminal.setCacheEnabled(true);
  await terminal.reload();
  await ready(terminal);
  await gun(terminal, another.number, { ms: 1 });
  await until(terminal, ".who", (text) => text === another.name, "and the page is as it was");
}

/** Waits until a row of the tables of figures, which nobody loads anew, reads so. */
async function row(screen, name, figures, what) {
  const rows = () => screen.$$eval("[data-live-html] tbody tr", (all) => all.map((one) => [...one.cells].map((cell) => cell.textContent)));
  const deadline = Date.now() + 10_000;
  while (!(await rows()).some((cells) => String(cells) === String([name, ...figures]))) {
    check(Date.now() < deadline, `${what}: ${JSON.stringify(await rows())}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function undo(terminal, screen, name) {
  await until(screen, "[data-live=admitted]", (text) => text === "5", "the figures follow the door");
  // 17 are registered: 29 of a hundred came in. The page was opened before anybody did, so the rows are new.
  await row(screen, "免费门票", [17, 5, "29 %", 5, 0], "the figures of types follow");
  await row(screen, "东门", [5, 0, 5, 0], "those of gates too");
  await row(screen, "大门", [5, 0, 0], "and those of terminals");
  await screen.$eval("[data-live-html] details", (shown) => (shown.open = true));
  await terminal.$eval("[data-undo]", (button) => button.click());
  await said(terminal, "已撤销", "the last check-in is taken back");
  await until(screen, "[data-live=admitted]", (text) => text === "4", "counts follow at once");
  await row(screen, "东门", [4, 0, 4, 0], "the gate's too");
  check(await screen.$eval("[data-live-html] details", (shown) => shown.open), "what was opened stays open");
  await terminal.$eval("[data-search-open]", (button) => button.click());
  await terminal.type("#find", name.slice(0, 2));
  await terminal.waitForSelector("[data-found] button");
  await accessible(terminal);
  await terminal.$eval("[data-found] button", (button) => button.click());
  await until(terminal, ".who", (text) => text === name, "somebody picked from the list comes in");
}

async function askedAtTheDoor(page, event, terminal, someone) {
  await page.goto(`${base}${event}/list/0`);
  await submit(page, { "field-0-label": "衣服尺码", "field-0-kind": "choice", "field-0-choices": "M\nL" }, "main .submit button.primary");
  await gun(terminal, someone.number, { ms: 1 });
  await said(terminal, "请先回答问题", "the door asks first");
  await accessible(terminal);
  await terminal.select("[data-ask] select", "L");
  await terminal.$eval("[data-ask] button", (button) => button.click());
  await said(terminal, "签到成功", "who answered comes in");
  await page.goto(`${base}${event}/list/0`);
  await submit(page, { "field-1-label": "" }, "main .submit button.primary");
}

async function helper(browser, page, event, someone) {
  await page.goto(`${base}${event}/device`);
  await submit(page, { sort: "helper_phone", name: "周帮手", phone: "13900000009" }, "form[action$='/device'] button.primary");
  await until(page, ".notice", (text) => text.includes("未报名"), "a helper must be registered");
  await look(page);
  await submit(page, { sort: "helper_phone", name: "周帮手", phone: someone.phone }, "form[action$='/device'] button.primary");
  const phone = await open(browser, `${base}/ticket/find`, { width: 390, height: 844 });
  await submit(phone, { phone: someone.phone, attend: someone.attend });
  await press(phone, "form[action='/helper'] button");
  await phone.waitForSelector("[data-terminal]");
  await accessible(phone);
  await phone.goto(`${base}/terminal/${event.split("/").pop()}/people?show=waiting`);
  await accessible(phone);
  const waiting = await phone.$$eval(".people li", (all) => all.length);
  await press(phone, ".people form button");
  await until(phone, ".notice", (text) => text.includes("已签到"), "a helper checks somebody in from the list");
  check((await phone.$$eval(".people li", (all) => all.length)) === waiting - 1, "who came in waits no more");
  check(!(await phone.content()).includes(someone.phone), "a helper sees no phone number in full");
  await page.goto(`${base}${event}/device`);
  await until(page, "table", (text) => text.includes("已授权"), "the helper is authorised");
  await look(page);
  const row = await page.$$eval("tbody tr", (rows) => 1 + rows.findIndex((row) => row.textContent.includes("周帮手")));
  await press(page, `tbody tr:nth-child(${row}) form[action$='/revoke'] button`);
  await phone.reload();
  check((await phone.content()).includes("停用"), "a helper who was removed sees nothing any more");
}

/** What a QR code on a page says, as a phone's camera and the box read it. */
async function decoded(page, selector) {
  // A page behind another draws nothing.
  await page.bringToFront();
  const shown = await page.$(selector);
  const picture = await shown.screenshot({ type: "jpeg", quality: 90, encoding: "base64" });
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const answer = await fetch("/api/v1/checkin/decode", { method: "POST", headers: { "content-type": "image/jpeg" }, body: bytes });
    return (await answer.json()).codes[0];
  }, picture);
}

async function checkInAlone(browser, page, event, someone) {
  await page.goto(`${base}${event}/list/0`);
  await submit(page, { own: "printed", multi: "after_exit" }, "main .submit button.primary");
  await look(page, `${event}/list/0/code`);
  const address = await decoded(page, "[data-code-screen] svg");
  check(address?.startsWith(`${base}/in?code=`), `the screen's code is an address: ${address}`);
  const phone = await open(browser, address, { width: 390, height: 844 });
  await accessible(phone);
  await submit(phone, { phone: someone.phone, attend: "11111111" }, "main form .submit button");
  await until(phone, ".notice", (text) => text.includes("没有找到"), "a wrong attend code opens nothing");
  await accessible(phone);
  await submit(phone, { phone: someone.phone, attend: someone.attend }, "main form .submit button");
  await until(phone, ".notice", (text) => text.includes("已签到"), "who is in already is told so");
  await accessible(phone);
  await page.goto(`${base}${event}/list/0/code?show=print`);
  await accessible(page);
  const out = await page.$$eval(".poster", (all) => all.length);
  check(out === 2, "a code to sign in and one to sign out");
  const leave = await decoded(page, ".poster:last-of-type svg");
  await phone.goto(leave);
  await until(phone, "main", (text) => text.includes(someone.name), "the phone remembers its ticket");
  await accessible(phone);
  await submit(phone, {}, "main form button.primary");
  await until(phone, ".notice", (text) => text.includes("签退成功"), "signed out by the printed code");
  await phone.goto(address);
  await submit(phone, {}, "main form button.primary");
  await until(phone, ".notice", (text) => text.includes("签到成功"), "and in again by the screen's");
}

async function boxAway(terminal, other, numbers) {
  await ready(terminal);
  await ready(other);
  await box("stop");
  const [first, second, twice, canceled] = numbers;
  await gun(terminal, first.number, { ms: 1 });
  await said(terminal, "签到成功", "a terminal that is alone admits");
  check((await terminal.$eval(".verdict", (found) => found.dataset.alone)) === "1", "it says that it decided alone");
  await until(terminal, "[data-network]", (text) => text.includes("已断网"), "a person sees that the box is away");
  await accessible(terminal);
  await pause(2600);
  await gun(terminal, first.number, { ms: 1 });
  await said(terminal, "已签到", "the second scan is refused by what the terminal knows itself");
  const nobody = [...Array(10).keys()].map((digit) => `90000000000${digit}`).find(sound);
  await gun(terminal, nobody, { ms: 1 });
  await said(terminal, "无效门票", "an unknown ticket is refused");
  await gun(terminal, canceled.number, { ms: 1 });
  await said(terminal, "已取消", "a canceled ticket is refused");
  await gun(terminal, twice.number, { ms: 1 });
  await said(terminal, "签到成功", "the first terminal admits a ticket");
  await gun(other, twice.number, { ms: 1 });
  await said(other, "签到成功", "the second terminal, alone too, admits it as well");
  await terminal.reload();
  await terminal.waitForSelector("[data-terminal][data-ready]");
  await until(terminal, "[data-waiting]", (text) => text === "5", "what waits is there after a reload");
  await gun(terminal, second.number, { ms: 1 });
  await said(terminal, "签到成功", "after a reload without a box it goes on");
  await box("start");
  for (const door of [terminal, other]) await door.waitForFunction(() => document.querySelector("[data-terminal]").dataset.waits === "0", { timeout: 20_000, polling: 100 });
  await until(terminal, "[data-network]", (text) => text.includes("已连接"), "coming back needs nobody");
}

await browse(async (browser) => {
  const { page, event } = await opened(browser);
  const names = ["王一凡", "李二白", "赵三多", "钱四喜", "孙五福", "周六合", "吴七巧", "郑八方", "冯九天", "陈十全", "褚百川", "卫千里", "蒋十三", "沈十四", "韩十五", "杨十六", "朱十七"];
  const people = [];
  for (const [at, name] of names.entries()) people.push({ name, number: await person(page, event, name, at === 5 ? { phone: "13812345678", door_note: "坐轮椅" } : {}) });
  const helped = people[5];
  helped.phone = "13812345678";
  helped.attend = await attendOf(page, event, helped);
  await rulesAsSentences(page, event);
  await tryAndSave(page, event, people[0].number);
  const terminal = await paired(browser, page, event, { name: "大门", gate: "1", names: true });
  const other = await paired(browser, page, event, { name: "侧门" });
  await ready(terminal);
  await look(terminal);
  await installable(terminal);
  const screen = await page.browserContext().newPage();
  await screen.goto(`${base}${event}/list/0/figures`);
  await gunsOfAllKinds(terminal, people.slice(0, 5));
  await undo(terminal, screen, people[4].name);
  await gun(terminal, helped.number, { ms: 1 });
  await until(terminal, "[data-part=note]", (text) => text === "坐轮椅", "the note for the door is shown");
  await accessible(terminal);
  await askedAtTheDoor(page, event, terminal, people[6]);
  await helper(browser, page, event, helped);
  const watch = await page.browserContext().newPage();
  await watch.goto(`${base}/terminal/${event.split("/").pop()}/watch/1`);
  await look(watch);
  await page.goto(`${base}${event}/registration?q=${encodeURIComponent(people[11].name)}`);
  await press(page, "tbody td a");
  await press(page, "form[action$='/cancel'] button");
  for (const door of [terminal, other]) {
    await door.reload();
    await ready(door);
  }
  await boxAway(terminal, other, [people[8], people[9], people[10], people[11]]);
  await byTurns(terminal, people[0], people[1]);
  await misread(terminal, page, event, people[0]);
  await early(terminal, people[15], people[16]);
  await page.goto(`${base}${event}/conflict`);
  await until(page, "table", (text) => text.includes(people[10].name) && text.includes("请勿重复"), "the ticket that came in twice is flagged");
  check((await page.$$("tbody tr")).length === 1, "and nothing else");
  await look(page);
  await press(page, "form[action$='/settle'] button");
  check((await page.$("form[action$='/settle']")) === null, "a conflict is settled once");
  for (const path of ["/scan", "/scan?show=refused", "/list/0/figures", "/checkin", "/device", "/list/0"]) await look(page, event + path);
  await page.goto(`${base}${event}/scan`);
  await press(page, "form[action$='/annul'] button");
  await until(page, "table", (text) => text.includes("签到已撤销"), "the secretariat takes a check-in back");
  await checkInAlone(browser, page, event, helped);
  await wrongClock(browser, page, event, people[12]);
  await seen(browser, page, event, people[13]);
  await shutOut(page, event, other, people[14]);
});
console.log("walked");
// An open input would keep this process alive.
process.stdin.destroy();

/** The attend code that stands on the page of a registration. */
async function attendOf(page, event, someone) {
  await page.goto(`${base}${event}/registration?q=${encodeURIComponent(someone.name)}`);
  await press(page, "tbody td a");
  return page.$$eval(".code", ([, attend]) => attend.textContent.replaceAll(" ", ""));
}
