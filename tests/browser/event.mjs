// An event's own pages in a real browser: the editor of texts with pictures, questions for a province and city, members and their prices,
// invoices, income, the two levels of tabs.
// node tests/browser/event.mjs URL CODE PICTURE [FOLDER for pictures]

import { browse, open, submit, press, until, check, lookAt, founded, makeEvent } from "./hall.mjs";

const [base, code, file, folder] = process.argv.slice(2);
const SAVE = "form.form .submit button.primary";

/** A button of the editor. */
const tool = (page, name) => page.$eval(`[data-rich]:has(#f-intro) .rich-${name}`, (button) => button.click());

/** Pastes a page into the text that is being written. */
async function paste(page, html) {
  await page.evaluate((html) => {
    const data = new DataTransfer();
    data.setData("text/html", html);
    document.querySelector("#r-intro").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, html);
}

const written = (page) => page.$eval("#f-intro", (field) => field.value);

/** Headings, bold, lists, a link, a picture and a table are written by keyboard and button, and what is pasted comes in clean (S0-16). */
async function editor(page, at) {
  await page.goto(`${base}${at}/edit`);
  check(await page.$eval("#f-intro", (field) => field.hidden), "the editor stands in place of the field");
  check((await written(page)) === "", "nothing is sent as long as nothing is written");
  await page.click("#r-intro");
  await page.keyboard.type("会议议程");
  // Alt+F10 leads to the first button; one to the right is the heading.
  await page.keyboard.down("Alt");
  await page.keyboard.press("F10");
  await page.keyboard.up("Alt");
  await page.keyboard.press("ArrowRight");
  check((await page.evaluate(() => document.activeElement.dataset.name)) === "h2", "arrows lead from button to button");
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("请准时");
  await tool(page, "bold");
  await page.keyboard.type("到场");
  await tool(page, "bold");
  await page.keyboard.type("。");
  await page.keyboard.press("Enter");
  await tool(page, "ul");
  await page.keyboard.type("主旨演讲");
  await page.keyboard.press("Enter");
  await page.keyboard.type("圆桌讨论");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.down("Control");
  await page.keyboard.press("k");
  await page.keyboard.up("Control");
  await page.$eval(".rich-panel input", (input) => { input.value = "example.org/route"; });
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await paste(page, `<p style="color:red" onclick="x()">贴进来的<b>粗体</b><script>alert(1)</script><img src="https://evil.example/x.png"><a href="javascript:alert(1)">不是链接</a></p><svg><text>图</text></svg>`);
  const text = await written(page);
  check(text.startsWith("<!doctype html><h2>会议议程</h2>"), `a heading: ${text}`);
  check(text.includes("请准时<strong>到场</strong>。") && text.includes("<li>主旨演讲</li><li>圆桌讨论</li>"), `bold and a list: ${text}`);
  check(text.includes(`<a href="https://example.org/route">`), `a link: ${text}`);
  check(text.includes("贴进来的<strong>粗体</strong>") && !/style|onclick|script|evil|svg/.test(text) && text.includes("不是链接"), `clean: ${text}`);
}

async function pictureAndTable(page, at) {
  await page.keyboard.press("Enter");
  await tool(page, "picture");
  await (await page.$(".rich-panel input[type=file]")).uploadFile(file);
  await page.$eval(".rich-panel input[type=text]", (input) => { input.value = "会场照片"; });
  await page.$eval(".rich-panel button", (button) => button.click());
  await page.waitForSelector("#r-intro img[src^='/picture/'][alt='会场照片']");
  await page.keyboard.press("Enter");
  await tool(page, "table");
  await page.waitForSelector("#r-intro table");
  await page.click("#r-intro th");
  await page.keyboard.type("时间");
  await page.waitForFunction(() => !document.querySelector(".rich-row_add").parentElement.hidden);
  const rows = () => page.$$eval("#r-intro tr", (all) => all.length);
  const before = await rows();
  await tool(page, "row_add");
  await tool(page, "column_remove");
  check((await rows()) === before + 1 && (await page.$$("#r-intro th")).length === 2, "rows are added and columns go");
  await lookAt(page, folder, "editor");
  await press(page, SAVE);
  await page.goto(`${base}${at}/edit`);
  check(await page.$eval("#r-intro img", (found) => found.getAttribute("src").startsWith("/picture/")), "what was saved stands in the editor again");
  const visitor = await open(page.browser(), base + at.replace("/admin", ""), { width: 390, height: 844 });
  const prose = await visitor.$eval(".prose", (found) => found.innerHTML);
  check(prose.startsWith("<h2>会议议程</h2>") && prose.includes("<table>") && prose.includes(`alt="会场照片"`), `the invitation shows it: ${prose}`);
  await lookAt(visitor, folder, "invitation");
  await visitor.close();
}

/** The main picture fills the first screen, the invitation lies below (S0-11). */
async function mainPicture(page, at) {
  await page.goto(`${base}${at}/edit`);
  await submit(page, { main: "t2" }, SAVE);
  const visitor = await open(page.browser(), base + at.replace("/admin", ""), { width: 390, height: 844 });
  const top = (selector) => visitor.$eval(selector, (found) => Math.round(found.getBoundingClientRect().top));
  check((await top("#invitation")) > 650 && (await top(".splash")) < 100, "the main picture comes first");
  await lookAt(visitor, folder, "main-picture");
  await visitor.$eval(".splash a", (found) => found.click());
  await visitor.waitForFunction(() => document.querySelector("#invitation").getBoundingClientRect().top < 200);
  await visitor.close();
  await page.goto(`${base}${at}/edit`);
  await submit(page, { main: "" }, SAVE);
}

/** Without scripts the document stands there as Markdown: sent back as it is it stays whole, changed it is Markdown. */
async function withoutEditor(page, at) {
  await page.setJavaScriptEnabled(false);
  const prose = async () => {
    await page.goto(base + at.replace("/admin", ""));
    return page.$eval(".prose", (found) => found.innerHTML);
  };
  const before = await prose();
  await page.goto(`${base}${at}/edit`);
  const shown = await page.$eval("#f-intro", (field) => field.value);
  check(shown.startsWith("## 会议议程\n\n请准时**到场**。\n\n- 主旨演讲\n- 圆桌讨论"), `Markdown: ${shown}`);
  await press(page, SAVE);
  check((await prose()) === before, "the document is whole");
  await page.goto(`${base}${at}/edit`);
  await page.$eval("#f-intro", (field) => { field.value = "# 改为文本\n\n<script>alert(1)</script>"; });
  await press(page, SAVE);
  const after = await prose();
  check(after.includes("<h1>改为文本</h1>") && !after.includes("<script"), `Markdown works as before: ${after}`);
  await page.setJavaScriptEnabled(true);
  await page.goto(`${base}${at}/edit`);
  check((await page.$eval("#r-intro h1", (found) => found.textContent)) === "改为文本", "the editor opens Markdown");
  await press(page, SAVE);
  check((await prose()) === after, "and leaves it as it is until somebody writes");
}

/** A question for a province and city: two linked choices, one list without scripts (S0-27). */
async function region(page, at) {
  await page.goto(`${base}${at}/question`);
  const name = await page.$eval("[name$='-label']", (one) => one.name);
  await submit(page, { [name]: "所在地区", [name.replace("label", "kind")]: "region" }, "form[data-sort] button.primary");
  const register = async (scripts) => {
    const visitor = await open(page.browser(), base + at.replace("/admin", ""), { width: 390, height: 844 });
    await visitor.setJavaScriptEnabled(scripts);
    await visitor.goto(`${base}${at.replace("/admin", "")}/register`);
    return visitor;
  };
  const plain = await register(false);
  check((await plain.$$("select[data-region] option")).length === 1 + 34 + 333, "without scripts one list holds all");
  await submit(plain, { name: "钱一", phone: "13800000001", "answer-1": "330100" });
  await plain.close();
  const linked = await register(true);
  await linked.select("select[aria-label='省份']", "18");
  const cities = await linked.$$eval("select[data-region] option", (all) => all.map((one) => one.textContent));
  check(cities.length === 22 && cities[0] === "广东省" && cities[3] === "深圳市", `the cities of the province: ${cities}`);
  await lookAt(linked, folder, "region");
  await submit(linked, { name: "孙二", phone: "13800000002", "answer-1": "440300" });
  await linked.close();
  await page.goto(`${base}${at}/registration`);
  const csv = await page.evaluate(async (path) => (await fetch(path)).text(), `${at}/registration/export.csv`);
  check(csv.includes("所在地区,所在地区：省份,所在地区：行政区划代码"), `columns of its own: ${csv}`);
  check(csv.includes("浙江省 杭州市,浙江省,330100") && csv.includes("广东省 深圳市,广东省,440300"), csv);
}

/** The list of members; a ticket with a price for them, and one for them alone (member price). */
async function members(page, at) {
  await page.goto(`${base}/admin/member`);
  await submit(page, { members: "13800000011 会员甲 2035-12-31\n不是手机号" });
  check((await page.$("#e-members")) !== null && (await page.$eval("[name=members]", (field) => field.value)).includes("会员甲"), "what cannot be read is named, and nothing typed is lost");
  await lookAt(page, folder, "members-wrong");
  await submit(page, { members: "13800000011 会员甲 2035-12-31\n13800000012，会员乙，2020-01-31" });
  const rows = await page.$$eval("tbody tr", (all) => all.map((row) => row.textContent));
  check(rows.length === 2 && rows[0].includes("会员甲") && rows[1].includes("已结束"), `both are on the list, one is over: ${rows}`);
  await lookAt(page, folder, "members");
  await page.goto(`${base}/admin/payment`);
  await submit(page, { "cash-enabled": true });
  await page.goto(`${base}${at}/ticket_type/1`);
  await submit(page, { name: "标准票", price: "100", member_price: "120" });
  check((await page.$("#e-member_price")) !== null, "members do not pay more");
  await submit(page, { member_price: "80" });
  await page.goto(`${base}${at}/ticket_type/new`);
  await submit(page, { name: "会员专享", price: "0", members_only: true });
  await lookAt(page, folder, "types");
}

async function buy(page, at, person, kind) {
  const phone = await open(page.browser(), `${base}${at.replace("/admin", "")}/register`, { width: 390, height: 844 });
  if (kind) await phone.$$eval("[name=kind]", (all, kind) => { all.find((one) => one.closest("label").textContent.includes(kind)).checked = true; }, kind);
  await submit(phone, person, "form[action$='/register'] .submit button");
  return phone;
}

async function memberPrice(page, at) {
  const visitor = await open(page.browser(), base + at.replace("/admin", ""), { width: 390, height: 844 });
  const prices = await visitor.$$eval(".choice", (all) => all.map((one) => one.textContent));
  check(prices[0].includes("会员 ¥80.00") && prices[1].includes("仅限会员"), `the invitation tells both: ${prices}`);
  await lookAt(visitor, folder, "prices");
  await visitor.close();
  const stranger = await buy(page, at, { name: "外人", phone: "13900000001" }, "会员专享");
  check((await stranger.$eval("main", (found) => found.textContent)).includes("仅限会员") && (await stranger.$eval("[name=name]", (field) => field.value)) === "外人", "who is no member is told so");
  await stranger.close();
  const ended = await buy(page, at, { name: "会员乙", phone: "13800000012" }, "标准票");
  await until(ended, ".amount", (text) => text.includes("100.00"), "whose membership is over pays the price");
  await ended.close();
  const member = await buy(page, at, { name: "会员甲", phone: "13800000011" }, "标准票");
  await until(member, ".amount", (text) => text.includes("80.00"), "a member pays the price for members");
  await until(member, ".bill", (text) => text.includes("会员价") && text.includes("100.00"), "and the order says why");
  await lookAt(member, folder, "order-member");
  return member;
}

/** An invoice from the wish to its number, and the money in the figures of income. */
async function invoices(page, at, buyer) {
  await page.goto(`${base}${at}/order?q=${encodeURIComponent("会员甲")}`);
  await press(page, "tbody a");
  const order = new URL(page.url()).pathname;
  await submit(page, {}, "form[action$='/pay'] button.primary");
  await buyer.bringToFront();
  await buyer.reload();
  await press(buyer, "a[href$='/invoice']");
  await submit(buyer, { title: "青松科技有限公司", tax_number: "91350100M000100Y44", email: "a@example.com" });
  check((await buyer.$("#e-tax_number")) !== null && (await buyer.$eval("[name=title]", (field) => field.value)) === "青松科技有限公司", "a wrong tax number is named at its field");
  await lookAt(buyer, folder, "invoice-wrong");
  await submit(buyer, { tax_number: "91350100M000100Y43" });
  await until(buyer, ".badge", (text) => text === "待开", "the wish is written down");
  await lookAt(buyer, folder, "invoice-asked");
  await page.bringToFront();
  await page.goto(`${base}${at}/invoice`);
  await lookAt(page, folder, "invoices");
  await press(page, "tbody a");
  await submit(page, { number: "123" }, "form[action$='/issue'] button");
  check((await page.$("#e-number")) !== null, "a number is digits, and enough of them");
  await lookAt(page, folder, "invoice");
  await submit(page, { number: "2431 2000 0000 1234 5678" }, "form[action$='/issue'] button");
  check((await page.$eval("tbody", (found) => found.textContent)).includes("24312000000012345678"), "the list has the number");
  await page.goto(`${base}${order}/invoice`);
  await press(page, "a[href$='/print']");
  await lookAt(page, folder, "invoice-print");
  await buyer.bringToFront();
  await buyer.reload();
  await until(buyer, ".facts", (text) => text.includes("24312000000012345678"), "the buyer reads the number");
  await page.bringToFront();
  await page.goto(`${base}${order}`);
  await submit(page, { refund_amount: "30" }, "form[action$='/refund'] button.danger");
  await page.goto(`${base}${order}/invoice`);
  check((await page.$eval("main", (found) => found.textContent)).includes("¥50.00"), "money that went back since is told");
  await submit(page, { reason: "部分退款" }, "form[action$='/void'] button");
  check((await page.$("form[action$='/order/'] , form[action$='/invoice']")) !== null, "a new one can be asked for");
  await lookAt(page, folder, "invoice-void");
  await page.goto(`${base}/admin`);
  await press(page, "a[href='/admin/income']");
  const stats = await page.$$eval(".stat dd", (all) => all.slice(0, 3).map((one) => one.textContent).join());
  check(stats === "¥80.00,¥30.00,¥50.00", `income: ${stats}`);
  await lookAt(page, folder, "income");
  await page.goto(`${base}${at}/income?from=2001-01-01&to=2001-01-02`);
  await lookAt(page, folder, "income-none");
}

/** The parts of an event are reached in two steps, on a phone too. */
async function levels(page, at) {
  await page.goto(`${base}${at}`);
  const groups = await page.$$eval(".levels .tabs:first-child a", (all) => all.map((one) => one.textContent));
  check(groups.length === 6 && (await page.$$(".levels .tabs")).length === 1, `groups: ${groups}`);
  const seen = new Set();
  for (const group of await page.$$eval(".levels .tabs:first-child a", (all) => all.map((one) => one.href))) {
    await page.goto(group);
    check((await page.$$(".levels .tabs:first-child [aria-current]")).length === 1, `${group} is marked`);
    const parts = await page.$$eval(".levels .tabs + .tabs a", (all) => all.map((one) => one.href));
    for (const part of parts.length ? parts : [group]) seen.add(part);
  }
  check(seen.size === 15, `every part is there: ${[...seen]}`);
  await page.goto(`${base}${at}/registration`);
  await lookAt(page, folder, "levels");
}

await browse(async (browser) => {
  const page = await founded(browser, base, code);
  const at = await makeEvent(page, base, "供应链峰会", { starts: 600, ends: 900 });
  await editor(page, at);
  await pictureAndTable(page, at);
  await withoutEditor(page, at);
  await mainPicture(page, at);
  await region(page, at);
  await members(page, at);
  const buyer = await memberPrice(page, at);
  await invoices(page, at, buyer);
  await levels(page, at);
});
console.log("walked");
