// An event from its making to its archive as everybody who has to do with it: the secretary of the platform, a merchant who applies and is
// accepted, a visitor with a phone, a helper at the door. At the end personal data are gone and figures stay.
// node tests/browser/whole.mjs URL CODE [FOLDER for pictures]

import { join } from "node:path";
import { tmpdir } from "node:os";
import { mkdtempSync, rmSync } from "node:fs";
import { browse, open, submit, press, until, check, lookAt, founded, local, picture } from "./hall.mjs";

const [base, code, folder] = process.argv.slice(2);
const PASSWORD = "correct horse battery staple";
const HOME = `${base}/m/2`;
const PHONE = { width: 390, height: 844 };
/** What the visitor leaves, and what must not be found anywhere at the end. */
const VISITOR = { name: "欧阳若曦", phone: "13912345678", company: "临江仙茶业", diet: "过敏花生米" };

const look = (page, name) => lookAt(page, folder, name);
const text = (page, selector = "main") => page.$eval(selector, (found) => found.textContent);

/** The secretary opens the house to merchants, who show their events on the home page. */
async function openToMerchants(secretary) {
  await secretary.goto(`${base}/admin/merchant/setting`);
  await submit(secretary, { open: true, auto_public: true, agreement: "# 规则\n\n请遵守。", purge_days: "0" });
  check((await secretary.$("#e-purge_days")) !== null, "data are not removed after no days");
  await submit(secretary, { purge_days: "90" });
  await look(secretary, "setting");
  await secretary.goto(`${base}/admin/home/new`);
  check((await secretary.$eval("[name=source]", (field) => field.value)) === "both", "a component shows everybody's events unless somebody says otherwise");
  await submit(secretary, { title: "近期会议", style: "list", count: "5" }, "form.form button.primary");
}

/** A merchant applies; the secretary accepts it and grants charging. */
async function becomeMerchant(browser, secretary) {
  const merchant = await open(browser, `${base}/merchant/register`);
  await submit(merchant, { name: "临安文化", contact: "李经理", phone: "139 0000 0002", login: "linan", password: PASSWORD, agreed: true });
  await until(merchant, ".facts", (said) => said.includes("待审核"), "the application waits");
  await secretary.bringToFront();
  await secretary.goto(`${base}/admin/merchant?state=applied`);
  await press(secretary, "tbody a");
  await press(secretary, "form[action$='/approve'] button");
  await submit(secretary, { charging: true }, "form[action='/admin/merchant/1'] .submit button");
  await look(secretary, "merchant");
  await merchant.bringToFront();
  await merchant.goto(`${base}/merchant`);
  await submit(merchant, { login: "linan", password: PASSWORD });
  check(merchant.url() === `${HOME}/admin`, `the merchant is in its own space: ${merchant.url()}`);
  return merchant;
}

/** The merchant's event: cover, form, a ticket with price and review and a free one, a code; then it is published. */
async function makeEvent(merchant) {
  await merchant.goto(`${HOME}/admin/payment`);
  await submit(merchant, { "bank_transfer-enabled": true, "bank_transfer-instructions": "户名：临安文化\n中国银行 6222 0000 0000" });
  await merchant.goto(`${HOME}/admin/event/new`);
  check(await merchant.$eval("#f-name + .counter", (found) => found.hidden), "a short name needs no counting");
  await merchant.$eval("#f-name", (field) => { field.value = "茶".repeat(58); field.dispatchEvent(new Event("input")); });
  check((await merchant.$eval("#f-name + .counter", (found) => !found.hidden && found.textContent)) === "58 / 60", "a long one is counted against its limit");
  await submit(merchant, { name: "春茶品鉴会", starts: local(-60), ends: local(540), city: "杭州", address: "龙井路 1 号", cover_file: await picture(merchant) }, "form.form .submit button.primary");
  const at = new URL(merchant.url()).pathname;
  await merchant.goto(`${base}${at}/question`);
  const name = await merchant.$eval("[name$='-label']", (one) => one.name);
  await submit(merchant, { [name]: "饮食禁忌", [name.replace("label", "kind")]: "text" }, "form[data-sort] button.primary");
  await merchant.goto(`${base}${at}/ticket_type/1`);
  await submit(merchant, { name: "贵宾票", price: "300", quota: "20", review: true });
  await merchant.goto(`${base}${at}/ticket_type/new`);
  await submit(merchant, { name: "旁听票", price: "0" });
  await merchant.goto(`${base}${at}/voucher`);
  await submit(merchant, { code: "CHUNCHA", effect: "percent", value: "10", uses: "5" });
  await merchant.goto(`${base}${at}/checkin`);
  await submit(merchant, { checkin_from: local(-60), checkin_to: local(500) }, "form[action$='/checkin'] button");
  await merchant.goto(`${base}${at}/feedback/form`);
  const [rated] = await merchant.$$eval("[name$='-label']", (all) => all.map((one) => one.name.replace("-label", "")));
  await submit(merchant, { opens: local(-60), [`${rated}-label`]: "总体评价", [`${rated}-required`]: true });
  await merchant.goto(`${base}${at}`);
  await press(merchant, "form[action$='/publish'] button");
  await until(merchant, "h1 .badge", (said) => said === "已发布", "the event is published");
  return at;
}

/** The visitor finds the event on the platform's home page and registers, with a code and a transfer. */
async function register(browser) {
  const phone = await open(browser, `${base}/`, PHONE);
  await until(phone, ".home-part", (said) => said.includes("春茶品鉴会") && said.includes("临安文化"), "the home page shows the merchant's event with the merchant's name");
  check(await phone.$eval(".home-part img", (found) => found.decode().then(() => found.naturalWidth > 0)), "and its cover");
  await look(phone, "home");
  await press(phone, ".home-part a[href^='/m/2/event/']");
  await press(phone, "a[href$='/register']");
  await phone.$$eval("[name=kind]", (all) => { all.find((one) => one.closest("label").textContent.includes("贵宾票")).checked = true; });
  const typed = { name: VISITOR.name, phone: VISITOR.phone, company: VISITOR.company, "answer-1": VISITOR.diet, code: "chuncha", method: "bank_transfer" };
  await submit(phone, typed, "form[action$='/register'] .submit button");
  await until(phone, ".heading .badge", (said) => said === "待审核", "the order waits for review");
  await look(phone, "order-waiting");
  return phone;
}

/** A helper's phone is bound and approves the order. */
async function review(browser, merchant, at) {
  await merchant.bringToFront();
  await merchant.goto(`${base}${at}/device`);
  await submit(merchant, { sort: "helper", name: "周帮手" }, "form[action$='/device'] button.primary");
  const link = await merchant.$eval(".panel code", (found) => found.textContent);
  const helper = await open(browser, link.replace(/^http:\/\/[^/]+/, base), PHONE);
  await submit(helper, {});
  await helper.waitForSelector("[data-terminal]");
  const number = at.split("/").pop();
  await helper.goto(`${HOME}/terminal/${number}/review`);
  check((await text(helper)).includes(VISITOR.name) && !(await text(helper)).includes(VISITOR.phone), "the helper sees who waits, and no phone number in full");
  await look(helper, "review");
  await press(helper, "form[action$='/approve'] button");
  check(!(await text(helper, "ul.people")).includes(VISITOR.name), "nothing waits any more");
  return helper;
}

/** The visitor pays by transfer; the secretary of the merchant records it with a picture of the slip. */
async function pay(merchant, phone, at) {
  await phone.bringToFront();
  await phone.reload();
  await until(phone, ".amount", (said) => said.includes("270.00"), "the code is taken off the price");
  check((await text(phone)).includes("6222 0000 0000"), "the order says where the money goes");
  await look(phone, "order-due");
  await merchant.bringToFront();
  await merchant.goto(`${base}${at}/order`);
  await press(merchant, "tbody a");
  await submit(merchant, { reference: "T-20260001", slip: await picture(merchant) }, "form[action$='/pay'] button.primary");
  await until(merchant, "h2 .badge", (said) => said === "已完成", "the money completes the order");
  check((await merchant.$("a[href*='/slip/']")) !== null, "the slip lies at the order");
  await look(merchant, "order-paid");
  await phone.bringToFront();
  await phone.reload();
  await press(phone, "a[href*='/ticket/']");
  await phone.waitForSelector(".ticket .qr");
  await look(phone, "ticket");
  return new URL(phone.url()).pathname;
}

/** The helper takes a picture of the visitor's code: once it is good, twice it is told. */
async function scan(phone, helper) {
  await phone.bringToFront();
  const shelf = mkdtempSync(join(tmpdir(), "hall-code-"));
  process.once("exit", () => rmSync(shelf, { recursive: true, force: true }));
  const shot = join(shelf, "code.png");
  await (await phone.$(".ticket .qr")).screenshot({ path: shot });
  await helper.bringToFront();
  await helper.goto(`${HOME}/terminal`);
  await helper.waitForSelector("[data-terminal][data-ready]");
  await (await helper.$("[data-picture] input")).uploadFile(shot);
  await helper.waitForSelector(".verdict[data-tone=good]");
  await until(helper, ".verdict .who", (said) => said === VISITOR.name, "the phone at the door shows who comes");
  await look(helper, "door");
  await phone.bringToFront();
  await phone.reload();
  await phone.goto(`${HOME}/my`);
  await until(phone, ".event-row", (said) => said.includes("已签到"), "the phone says that its holder is in");
  await press(phone, ".event-row");
}

/** What comes afterwards: feedback, and a certificate that anybody can check. */
async function afterwards(browser, merchant, phone, at, ticket) {
  await press(phone, "a[href$='/feedback']");
  await submit(phone, { "answer-1": "5" });
  await until(phone, "main", (said) => said.includes("感谢您的反馈"), "the answer is taken");
  await merchant.bringToFront();
  await merchant.goto(`${base}${at}/design`);
  await submit(merchant, { preset: "certificate" }, "form[action$='/design'] button.primary");
  await merchant.goto(`${base}${at}/certificate`);
  await press(merchant, "form[action$='/certificate'] button.primary");
  await until(merchant, "tbody", (said) => said.includes(VISITOR.name) && said.includes("有效"), "who came has a certificate");
  await press(merchant, "tbody a");
  const public_ = await merchant.$eval("a[href*='/certificate/'][href^='http']", (link) => link.getAttribute("href"));
  const stranger = await open(browser, public_.replace(/^http:\/\/[^/]+/, base), PHONE);
  await until(stranger, "main", (said) => said.includes("这张证书有效") && !said.includes(VISITOR.name), "anybody can check it, by a masked name");
  await phone.bringToFront();
  await phone.goto(base + ticket);
  await phone.waitForSelector("a[href$='/picture.png'] img");
  return stranger;
}

/** Numbers of the event that must be the same before and after. */
async function figures(merchant, at) {
  await merchant.goto(`${base}${at}/figures`);
  const days = await merchant.$$eval(".chart tbody tr", (rows) => rows.map((one) => one.textContent));
  await merchant.goto(`${base}${at}/income`);
  const money = await merchant.$$eval(".stat dd", (all) => all.map((one) => one.textContent));
  await merchant.goto(`${base}${at}/feedback`);
  const average = await text(merchant, ".average");
  await merchant.goto(`${base}${at}/registration?show=entered`);
  const came = (await merchant.$$("tbody tr")).length;
  return JSON.stringify({ days, money, average, came });
}

/** The event is over and archived: its name is typed, and of its people initials stay. */
async function archive(merchant, at) {
  await merchant.bringToFront();
  const before = await figures(merchant, at);
  check(before.includes("270.00") && before.includes("\"came\":1"), `there are figures: ${before}`);
  await merchant.goto(`${base}${at}/checkin`);
  await submit(merchant, { checkin_from: local(-9), checkin_to: local(-3) }, "form[action$='/checkin'] button");
  await merchant.goto(`${base}${at}/edit`);
  await submit(merchant, { starts: local(-9), ends: local(-2) }, "form.form .submit button.primary");
  await merchant.goto(`${base}${at}/archive`);
  await submit(merchant, { confirm: "春茶" }, "form[action$='/begin'] button");
  check((await merchant.$("#e-confirm")) !== null, "the name must be typed whole");
  await submit(merchant, { confirm: "春茶品鉴会" }, "form[action$='/begin'] button");
  const deadline = Date.now() + 30_000;
  while (!(await text(merchant)).includes("已于")) {
    check(Date.now() < deadline, "the archiving ends");
    await merchant.goto(`${base}${at}/archive`);
  }
  await look(merchant, "archived");
  const after = await figures(merchant, at);
  check(after === before, `figures stay:\n${before}\n${after}`);
}

/** Nothing that the visitor left is found on any page or in any file of the event. */
async function nothingPersonal(merchant, phone, stranger, at, ticket) {
  const traces = [VISITOR.name, VISITOR.phone, `${VISITOR.phone.slice(0, 3)}****`, VISITOR.company, VISITOR.diet, "T-20260001"];
  const clean = (said, where) => {
    for (const trace of traces) check(!said.includes(trace), `${where} still says ${trace}`);
  };
  for (const path of ["/registration", "/registration/1", "/order", "/order/1", "/scan", "/feedback", "/certificate", "/notice", "/device", "/import", "/print"]) {
    await merchant.goto(`${base}${at}${path}`);
    clean(await text(merchant), path);
  }
  check((await text(merchant)).length > 0 && (await merchant.goto(`${base}${at}/order/1`)).ok(), "the order is still there");
  check((await text(merchant)).includes("欧***") && (await merchant.$("a[href*='/slip/']")) === null, "its buyer is initials, and the slip is gone");
  for (const file of ["/registration/export.csv", "/order/export.csv"]) {
    const csv = await merchant.evaluate(async (path) => { const answer = await fetch(path); return answer.ok ? answer.text() : `status ${answer.status}`; }, at + file);
    check(csv.includes("欧***"), `${file} has the registration by its initials: ${csv}`);
    clean(csv, file);
  }
  await phone.bringToFront();
  await phone.goto(base + ticket);
  clean(await text(phone), "the ticket");
  await stranger.reload();
  clean(await text(stranger), "the certificate's page");
  check((await text(stranger)).includes("这张证书有效"), "the certificate can still be checked");
}

/** The secretary deletes the merchant and has its personal data removed, for good. */
async function farewell(secretary, merchant) {
  await secretary.bringToFront();
  await secretary.goto(`${base}/admin/merchant/1`);
  await submit(secretary, { typed: "临安文化" }, "form[action$='/close'] button");
  check((await text(secretary)).includes("自动清除"), "the page says when its data go by themselves");
  await submit(secretary, { purge: "临安" }, "form[action$='/purge'] button");
  check((await secretary.$("#e-purge")) !== null, "its name must be typed whole");
  await look(secretary, "purge");
  await submit(secretary, { purge: "临安文化" }, "form[action$='/purge'] button");
  const deadline = Date.now() + 30_000;
  while (!(await text(secretary)).includes("统计数据保留")) {
    check(Date.now() < deadline, "the removing ends");
    await secretary.goto(`${base}/admin/merchant/1`);
  }
  await look(secretary, "purged");
  const said = await text(secretary);
  check(!said.includes("李经理") && !said.includes("13900000002") && !said.includes("linan"), `of the contact nothing is left: ${said}`);
  check((await secretary.$("form[action$='/restore']")) === null, "and it does not come back");
  check((await merchant.goto(`${HOME}/admin`)).status() === 403, "its pages are shut");
}

await browse(async (browser) => {
  const secretary = await founded(browser, base, code);
  await openToMerchants(secretary);
  const merchant = await becomeMerchant(browser, secretary);
  const at = await makeEvent(merchant);
  const phone = await register(browser);
  const helper = await review(browser, merchant, at);
  const ticket = await pay(merchant, phone, at);
  await scan(phone, helper);
  const stranger = await afterwards(browser, merchant, phone, at, ticket);
  await archive(merchant, at);
  await nothingPersonal(merchant, phone, stranger, at, ticket);
  await farewell(secretary, merchant);
});
console.log("walked");
