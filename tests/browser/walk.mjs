// From an empty folder to people admitted at the door, as its users do it: set-up, event, import, registering on a phone, a
// scanner gun at a paired terminal, counts on a second screen. node tests/browser/walk.mjs URL CODE LIST.csv

import { browse, open, submit, press, gun, until, accessible, check, fail, lookAt, local } from "./hall.mjs";

const [base, code, list] = process.argv.slice(2);
const PASSWORD = "correct horse battery staple";

async function look(page, path) {
  if (path) await page.goto(base + path);
  await lookAt(page);
}

async function setUp(browser) {
  const page = await open(browser, `${base}/`);
  check(page.url().endsWith("/setup"), "an empty hall leads to its set-up");
  await look(page);
  await submit(page, { code: "WRONGONE", name: "测试协会", admin_name: "管理员", login: "admin", password: PASSWORD });
  check((await page.$eval("[name=name]", (field) => field.value)) === "测试协会", "what was typed is kept");
  check((await page.$("#e-code")) !== null, "the wrong code is named at its field");
  await accessible(page);
  await submit(page, { code, name: "测试协会", admin_name: "管理员", login: "admin", password: PASSWORD });
  check(page.url() === `${base}/admin/start/language`, `set-up leads to the first step, not to ${page.url()}`);
  await look(page);
  return page;
}

async function makeEvent(page) {
  await page.goto(`${base}/admin/event/new`);
  await look(page);
  await submit(page, { name: "年度大会", starts: local(30), ends: local(20) });
  check((await page.$eval("[name=name]", (field) => field.value)) === "年度大会", "what was typed is kept");
  await submit(page, { name: "年度大会", starts: local(-30), ends: local(300), city: "杭州市", address: "之江路 1 号", intro: "**欢迎**参加" });
  const event = new URL(page.url()).pathname;
  await press(page, "form[action$='/publish'] button");
  await until(page, ".notice", (text) => text.includes("签到时间"), "an event without check-in time is not published");
  await page.goto(`${base}${event}/checkin`);
  await look(page);
  await submit(page, { checkin_from: local(-60), checkin_to: local(290) }, "form[action$='/checkin'] button");
  await page.goto(`${base}${event}/question`);
  await submit(page, { "field-1001-label": "用餐", "field-1001-kind": "choice", "field-1001-choices": "普通\n素食" }, "form[action$='/question'] button.primary").catch(async () => {
    const name = await page.$eval("[name$='-label']", (field) => field.name);
    const at = name.slice(0, -"-label".length);
    await submit(page, { [name]: "用餐", [`${at}-kind`]: "choice", [`${at}-choices`]: "普通\n素食" }, "form[action$='/question'] button.primary");
  });
  await look(page);
  await page.goto(`${base}${event}`);
  await press(page, "form[action$='/publish'] button");
  await until(page, "h1 .badge", (text) => text === "已发布", "the event is published");
  await look(page);
  for (const part of ["/edit", "/ticket_type", "/ticket_type/1", "/registration", "/registration/new", "/scan"]) await look(page, event + part);
  return event;
}

async function importList(page, event) {
  await page.goto(`${base}${event}/import`);
  await look(page);
  await submit(page, { file: list });
  await look(page);
  const figures = async () => page.$$eval(".stat dd", (all) => all.map((one) => Number(one.textContent)));
  check(String(await figures()) === "3,0,0,2", `the preview counts rows: ${await figures()}`);
  await press(page, "form[action$='/begin'] button");
  await page.waitForFunction(() => document.querySelector("a[href$='refused.xlsx']"), { timeout: 10_000 });
  check(String(await figures()) === "3,0,0,2", `the import did what its preview said: ${await figures()}`);
  await look(page);
  await look(page, `${event}/registration`);
  await look(page, `${event}/registration?q=zzz`);
  await until(page, ".empty", (text) => text.includes("没有符合条件的人"), "a search without a hit is told from an empty event");
}

async function registerOnPhone(browser, event) {
  const phone = await open(browser, `${base}/`, { width: 390, height: 844 });
  await accessible(phone);
  await press(phone, ".event-card");
  await accessible(phone);
  await press(phone, "a[href$='/register']");
  await accessible(phone);
  await submit(phone, { name: "欧阳锋", phone: "123" });
  check((await phone.$("#e-phone")) !== null, "a wrong phone is named at its field");
  await accessible(phone);
  await submit(phone, { name: "欧阳锋", phone: "139 0000 0001" });
  await phone.waitForSelector(".ticket .qr");
  await accessible(phone);
  const number = await phone.$eval(".ticket .code", (found) => found.textContent.replaceAll(" ", ""));
  const attend = await phone.$eval(".ticket .facts dd:last-of-type", (found) => found.textContent.replaceAll(" ", ""));
  check(/^\d{12}$/.test(number) && /^\d{8}$/.test(attend), `the ticket shows number and attend code: ${number} ${attend}`);
  const finder = await open(browser, `${base}/ticket/find`, { width: 390, height: 844 });
  await accessible(finder);
  await submit(finder, { phone: "13900000001", attend: "12345678" });
  await until(finder, ".notice", (text) => text.includes("没有找到"), "a wrong attend code finds nothing");
  await submit(finder, { phone: "13900000001", attend });
  check((await finder.$eval(".ticket .code", (found) => found.textContent.replaceAll(" ", ""))) === number, "phone and attend code find the ticket");
  check(event.length > 0, "there is an event");
  return number;
}

async function pairTerminal(browser, page, event) {
  await page.goto(`${base}${event}/device`);
  await look(page);
  await submit(page, { name: "大门" }, "form[action$='/device'] button");
  await look(page);
  const link = await page.$eval(".panel code", (found) => found.textContent);
  const terminal = await open(browser, link.replace(/^http:\/\/[^/]+/, base));
  await accessible(terminal);
  await submit(terminal, {});
  check(terminal.url() === `${base}/terminal`, `pairing leads to the door, not to ${terminal.url()}`);
  await look(terminal);
  const second = await open(browser, link.replace(/^http:\/\/[^/]+/, base));
  await submit(second, {});
  await until(second, ".notice", (text) => text.includes("配对码无效"), "a pairing code works once");
  return terminal;
}

async function scan(terminal, screen, number) {
  const admitted = () => screen.$eval("[data-live=admitted]", (found) => Number(found.textContent));
  check((await admitted()) === 0, "nobody is checked in at first");
  await gun(terminal, number);
  await terminal.waitForSelector(".verdict[data-tone=good]");
  await until(terminal, ".verdict .who", (text) => text === "欧阳锋", "the terminal shows the name");
  await until(screen, "[data-live=admitted]", (text) => text === "1", "the second screen counts up");
  await accessible(terminal);
  await new Promise((resume) => setTimeout(resume, 2600));
  await gun(terminal, number, { end: null });
  await terminal.waitForSelector(".verdict[data-tone=warn]");
  await until(terminal, "[data-part=before]", (text) => text.includes("大门"), "the second scan names the first");
  await accessible(terminal);
  const bent = number.slice(0, 11) + ((Number(number[11]) + 1) % 10);
  await gun(terminal, bent);
  await until(terminal, ".verdict .word", (text) => text.includes("读码有误"), "a misread code is refused at once");
  await accessible(terminal);
  check((await admitted()) === 1, "one person is checked in once");
}

async function twoCodes(terminal, page, event, screen) {
  await page.goto(`${base}${event}/registration?show=absent`);
  const links = await page.$$eval("tbody td a", (all) => all.map((one) => one.getAttribute("href")));
  const numbers = [];
  for (const link of links.slice(0, 2)) {
    await page.goto(base + link);
    numbers.push(await page.$eval(".code", (found) => found.textContent.replaceAll(" ", "")));
  }
  await gun(terminal, numbers.join(""), { ms: 1, end: null });
  await until(screen, "[data-live=admitted]", (text) => text === "3", "two codes in one burst are two people");
  await page.goto(`${base}${links[0].replace(/^/, "")}`);
  await look(page);
}

async function revoke(terminal, page, event, number) {
  await page.goto(`${base}${event}/device`);
  await press(page, "form[action$='/revoke'] button");
  await new Promise((resume) => setTimeout(resume, 2600));
  await gun(terminal, number);
  await terminal.waitForFunction(() => document.body.textContent.includes("本终端已停用"), { timeout: 10_000 });
  await accessible(terminal);
  await page.goto(`${base}${event}/scan?show=refused`);
  const log = await page.$eval("table", (found) => found.textContent);
  check(log.includes("本终端已停用"), "the failed-scan log names the shut-out terminal");
}

await browse(async (browser) => {
  const page = await setUp(browser);
  const event = await makeEvent(page);
  await importList(page, event);
  const number = await registerOnPhone(browser, event);
  const terminal = await pairTerminal(browser, page, event);
  const context = page.browserContext();
  const screen = await context.newPage();
  await screen.goto(`${base}${event}`);
  await scan(terminal, screen, number);
  await twoCodes(terminal, page, event, screen);
  await revoke(terminal, page, event, number);
  await page.goto(`${base}/admin/space`);
  await submit(page, { department: "会员部" }, "form[action='/admin/department'] button");
  await submit(page, { department: "活动部" }, "form[action='/admin/department'] button");
  check((await page.$$("[name^='department-']")).length === 2, "departments are kept");
  for (const path of ["/admin", "/admin/event", "/admin/account", "/admin/account/new", "/admin/account/1", "/admin/space", "/admin/audit", "/admin/session"]) await look(page, path);
  await page.goto(`${base}/admin/event/999`);
  await accessible(page);
  if (!(await page.content()).includes("不存在")) fail("a missing event says so");
  await page.goto(`${base}/admin`);
  await press(page, "form[action='/language'] button");
  check((await page.$eval("html", (root) => root.lang)) === "en", "the language is changed");
  await press(page, "form[action='/logout'] button");
  await page.goto(`${base}/admin`);
  check(page.url().includes("/login"), "after log-out the admin pages ask for the log-in");
  await look(page);
});
console.log("walked");
