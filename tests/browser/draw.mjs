// A draw in a real browser: set up by the secretariat, run from a phone and by keys on the big screen, watched and tapped on a visitor's phone,
// with the power cut in between. Arguments: base URL, set-up code; the box is stopped and started on request by lines on standard output
// and input.

import { createInterface } from "node:readline";
import { browse, open, submit, press, until, accessible, theme, check, lookAt, founded, makeEvent } from "./hall.mjs";

const [base, setupCode] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks whoever runs this to do something to the box, and waits until it is done. */
async function box(what) {
  console.log(what);
  const { value } = await answers.next();
  check(value === "done", `the box did not ${what}`);
}

async function look(page, path) {
  if (path) await page.goto(base + path);
  await lookAt(page);
}

/** An association with an event that is open, and people with phones; answers the page and the event's address. */
async function opened(browser) {
  const page = await founded(browser, base, setupCode);
  const event = await makeEvent(page, base, "年会");
  for (let n = 0; n < 4; n += 1) {
    await page.goto(`${base}${event}/registration/new`);
    await submit(page, { name: `来宾${"甲乙丙丁"[n]}`, phone: `1380000000${n}`, seat: `${n + 1}桌1` });
  }
  return { page, event };
}

async function setUpDraw(page, event) {
  await look(page, `${event}/draw`);
  await look(page, `${event}/draw/new`);
  await submit(page, { name: "", wins: "0" }, "main .submit button.primary").catch(() => {});
  await page.$eval("[name=name]", (field) => field.removeAttribute("required"));
  await submit(page, { wins: "0" }, "main .submit button.primary");
  check((await page.$("#e-name")) !== null && (await page.$("#e-wins")) !== null, "everything that is wrong is named at its field");
  await look(page);
  await submit(page, { name: "晚宴抽奖", wins: "1", registered: true, joined: true, strangers: true, messages: true, photos: true }, "main .submit button.primary");
  const draw = new URL(page.url()).pathname;
  await look(page, `${draw}/round`);
  await submit(page, { prize: "音箱", level: "二等奖", quantity: "2", per_turn: "1" }, "main .submit button.primary");
  await page.goto(`${base}${draw}/round`);
  await submit(page, { prize: "花雕", mode: "table", quantity: "1", per_turn: "1", first_table: "1", last_table: "9" }, "main .submit button.primary");
  for (const part of ["", "/edit", "/round/1", "/win", "/claim", "/entrant", "/message", "/commitment", "/code", "/remote"]) await look(page, draw + part);
  return draw;
}

/** Another page of the same browser that is logged in. */
async function beside(page, path, size) {
  const other = await page.browserContext().newPage();
  await other.setViewport(size);
  await theme(other);
  await other.goto(base + path);
  return other;
}

/** A visitor's phone that holds a ticket. */
async function visitor(browser, page, event) {
  await page.goto(`${base}${event}/registration/1`);
  const attend = await page.$$eval(".code", (all) => all.map((one) => one.textContent.replaceAll(" ", "")).find((text) => /^\d{8}$/.test(text)));
  const phone = await open(browser, `${base}/ticket/find`, { width: 390, height: 844 });
  await submit(phone, { phone: "13800000000", attend });
  check((await phone.$eval(".ticket", (card) => card.textContent)).includes("幸运号码"), "the ticket shows the lucky number");
  await accessible(phone);
  await press(phone, "a[href^='/draw/']");
  await accessible(phone);
  return phone;
}

/** Waits until the screen shows a phase; by the clock, since a tab in the background draws nothing. */
const phase = (screen, wanted) => screen.waitForFunction((of) => document.querySelector("[data-stage]").dataset.phase === of, { timeout: 15_000, polling: 50 }, wanted);

/** Presses a button of the remote by its act. */
async function remotely(remote, act) {
  await remote.bringToFront();
  await remote.waitForFunction((of) => document.querySelector(`form[data-act] input[value="${of}"]`), { timeout: 15_000, polling: 50 }, act);
  await remote.$eval(`form[data-act]:has(input[value="${act}"]) button`, (button) => button.click());
}

async function tapAndStop(screen, remote, phone) {
  await remotely(remote, "open");
  await phase(screen, "ready");
  await screen.bringToFront();
  await accessible(screen);
  await remotely(remote, "start");
  await phase(screen, "rolling");
  await accessible(remote);
  await phone.bringToFront();
  await phone.waitForSelector("[data-tap]:not([hidden]) button", { visible: true });
  await accessible(phone);
  await phone.$eval("[data-tap] button", (button) => button.click());
  await until(phone, "[data-said]", (text) => text.includes("点击已计入"), "the tap is taken");
  await screen.bringToFront();
  await until(screen, ".tap-line", (text) => text.startsWith("1 "), "the screen counts the tap");
  await accessible(screen);
  await remotely(remote, "stop");
  await phase(screen, "shown");
  await until(phone, "[data-part=winners]", (text) => text.includes("音箱"), "the phone knows the winner at once");
  await phone.bringToFront();
  await accessible(phone);
}

/** The power is cut while names roll: the screen finds back by itself, and the turn goes on where it was. */
async function powerCut(screen, remote) {
  await remotely(remote, "start");
  await phase(screen, "rolling");
  const list = await screen.$eval("[data-body] code", (found) => found.textContent);
  await box("stop");
  await box("start");
  await screen.bringToFront();
  await screen.reload();
  await phase(screen, "rolling");
  check((await screen.$eval("[data-body] code", (found) => found.textContent)) === list, "the same list waits after the power came back");
  await screen.keyboard.type("47");
  await until(screen, ".tap-line", (text) => text.includes("47"), "the number that was called is seen by all");
  await screen.keyboard.press("Space");
  await phase(screen, "shown");
  await accessible(screen);
}

async function secondScreen(browser, page, screen, draw) {
  const shown = () => [document.querySelector("[data-body]").textContent, document.querySelector("[data-head]").textContent].join("|");
  const before = await screen.evaluate(shown);
  await screen.reload();
  check((await screen.evaluate(shown)) === before, "after a reload the screen shows exactly what it showed");
  await page.goto(base + draw);
  const href = await page.$eval("a[href^='/screen/']", (link) => link.getAttribute("href"));
  const second = await open(browser, base + href, { width: 3840, height: 2160 });
  check((await second.evaluate(shown)) === before, "a second screen that joins shows the same");
  await second.keyboard.press("w");
  await accessible(second);
  check((await second.$eval("[data-stage]", (root) => root.dataset.phase)) === "shown", "where nobody is logged in, keys do nothing");
  return before;
}

async function absentWinner(screen, remote) {
  await remote.bringToFront();
  await remote.waitForSelector("form[action$='/void']");
  await remote.$eval("details:has(form[action$='/void'])", (details) => (details.open = true));
  await accessible(remote);
  await remote.$eval("form[action$='/void'] button", (button) => button.click());
  await screen.bringToFront();
  await until(screen, ".card.void", (text) => text.includes("已作废") && text.includes("不在现场"), "the screen shows that the prize was taken back, and why");
  await remotely(remote, "redraw");
  await phase(screen, "rolling");
  await screen.bringToFront();
  await screen.keyboard.type("9");
  await screen.keyboard.press("Space");
  await phase(screen, "shown");
  const cards = await screen.$$eval(".winners .card", (all) => all.map((card) => card.className));
  check(cards.length === 1 && !cards[0].includes("void"), `only that prize was drawn again: ${cards}`);
}

async function handOut(page, screen, draw) {
  const lucky = await screen.$eval(".winners .lucky", (found) => found.textContent);
  await page.goto(`${base}${draw}/claim`);
  await submit(page, { q: lucky }, "main form[method=get] button");
  await look(page);
  await press(page, "form[action*='/win/'][action$='/claim'] button");
  await until(page, "main", (text) => text.includes("已发奖"), "the prize is handed out");
  await page.goto(`${base}${draw}/win?show=out`);
  check((await page.$eval("main", (found) => found.textContent)).includes("林秘书"), "the log says by whom");
  await look(page);
}

async function messageOnTheWall(page, phone, screen, event, draw) {
  await page.goto(`${base}${event}/registration/1`);
  await press(page, "form[action$='/mark'] button");
  await phone.bringToFront();
  await phone.reload();
  await submit(phone, { message: "恭喜各位！" }, "form[action$='/message'] button");
  await accessible(phone);
  await screen.bringToFront();
  check(!(await screen.$eval("[data-danmu]", (lane) => lane.textContent)).includes("恭喜"), "it waits for a look");
  await look(page, `${draw}/message`);
  await press(page, "button[formaction$='/message/show']");
  await screen.bringToFront();
  await until(screen, "[data-danmu]", (text) => text.includes("恭喜各位！"), "approved, it is on the screen");
}

async function joinWithoutTicket(browser, page, draw) {
  await page.goto(`${base}${draw}/code`);
  await accessible(page);
  await page.goto(`${base}${draw}/entrant`);
  const link = await page.$eval("main p code", (found) => found.textContent);
  const stranger = await open(browser, link.replace(/^http:\/\/[^/]+/, base), { width: 390, height: 844 });
  await accessible(stranger);
  await submit(stranger, { name: "路人戊", phone: "12" }, "details form button.primary");
  check((await stranger.$("#e-phone")) !== null && (await stranger.$eval("[name=name]", (field) => field.value)) === "路人戊", "a wrong phone is named, and what was typed is kept");
  await accessible(stranger);
  await submit(stranger, { phone: "13900000009" }, "details form button.primary");
  await until(stranger, ".lucky", (text) => text.includes("路人戊") && /\d{8}/.test(text) && text.includes("已参与"), "whoever joins has a lucky number and takes part");
  await accessible(stranger);
  await look(page, `${draw}/entrant`);
  check((await page.$eval("main", (found) => found.textContent)).includes("路人戊"), "and stands on the draw's own list");
  const forged = await (await browser.createBrowserContext()).newPage();
  const answer = await forged.goto(`${base}/draw/join?code=draw.1.1.0.WRONG`);
  check(answer.status() === 403, "a forged code opens nothing");
}

async function everybodyChecks(phone, screen, draw) {
  const head = await screen.$eval("[data-head]", (found) => found.textContent);
  await phone.bringToFront();
  await phone.goto(`${base}/draw/${draw.split("/").pop()}/verify`);
  await until(phone, ".notice", (text) => text.includes("全部相符"), "the record fits");
  await accessible(phone);
  const file = await phone.evaluate(async (at) => (await fetch(at)).json(), `/draw/${draw.split("/").pop()}/record.json`);
  check(file.head === head && file.lines.length >= 8, "the record is the one that the screen shows");
  check(!JSON.stringify(file).includes("来宾甲"), "nobody's name stands in it in full");
}

await browse(async (browser) => {
  const { page, event } = await opened(browser);
  const draw = await setUpDraw(page, event);
  const screen = await beside(page, `/screen/draw/${draw.split("/").pop()}`, { width: 1920, height: 1080 });
  await accessible(screen);
  const remote = await beside(page, `${draw}/remote`, { width: 390, height: 844 });
  const phone = await visitor(browser, page, event);
  await tapAndStop(screen, remote, phone);
  await powerCut(screen, remote);
  await secondScreen(browser, page, screen, draw);
  await remote.bringToFront();
  await remote.reload();
  await absentWinner(screen, remote);
  await handOut(page, screen, draw);
  await messageOnTheWall(page, phone, screen, event, draw);
  await joinWithoutTicket(browser, page, draw);
  await screen.bringToFront();
  await screen.keyboard.press("w");
  await phase(screen, "wall");
  await accessible(screen);
  await everybodyChecks(phone, screen, draw);
  console.log("walked");
});
process.exit(0);
