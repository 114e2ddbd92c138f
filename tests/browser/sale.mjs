// The sale of an event in a real browser: designing the form, prices, codes, several people in one order, payment and refund, review,
// the waiting list, messages. node tests/browser/sale.mjs URL CODE FILE.pdf [FOLDER for pictures]

import { browse, open, submit, press, until, accessible, check, lookAt, makeEvent } from "./hall.mjs";

const [base, code, file, folder] = process.argv.slice(2);
const PASSWORD = "correct horse battery staple";

/** Looks at a page, and keeps its pictures when a folder is given. */
const look = (page, name) => lookAt(page, folder, name);

const event = (page) => makeEvent(page, base, "供应链峰会", { starts: 600, ends: 900 });

/** Questions of the kinds that a form has, one that waits for another, and their order changed by keys. */
async function design(page, at) {
  const add = async (label, kind, more = {}) => {
    await page.goto(`${base}${at}/question`);
    const name = await page.$$eval("[name$='-label']", (all) => all.find((one) => !one.value).name);
    const part = name.slice(0, -"-label".length);
    const rest = Object.fromEntries(Object.entries(more).map(([key, value]) => [`${part}-${key}`, value]));
    await submit(page, { [name]: label, [`${part}-kind`]: kind, ...rest }, "form[data-sort] button.primary");
  };
  await add("到场方式", "choice", { choices: "自驾\n高铁 | 1", required: true });
  await add("论坛", "many", { choices: "制造\n物流\n金融" });
  const first = await page.$eval("[name=field]", (field) => field.value);
  await add("车牌号", "text", { shown: first, answers: "自驾", required: true });
  await add("名片", "file");
  await add("同意名单公开", "consent", { required: true });
  await page.goto(`${base}${at}/question`);
  await look(page, "questions");
  const labels = () => page.$$eval("[data-sort-item] [name$='-label']", (all) => all.map((one) => one.value).filter(Boolean));
  await page.focus("[data-sort-item]:nth-of-type(2) [data-handle]");
  await page.keyboard.press("ArrowDown");
  check(String(await labels()) === "到场方式,车牌号,论坛,名片,同意名单公开", `a key moves a question: ${await labels()}`);
  await press(page, "form[data-sort] button.primary");
  check(String(await labels()) === "到场方式,车牌号,论坛,名片,同意名单公开", "the order is kept");
}

async function sale(page, at) {
  await page.goto(`${base}/admin/payment`);
  await submit(page, { "bank_transfer-enabled": true });
  check((await page.$("#e-bank_transfer-instructions")) !== null, "a transfer without an account is not offered");
  await submit(page, { "bank_transfer-enabled": true, "bank_transfer-instructions": "户名：某某协会\n中国银行 6222 0000 0000", "cash-enabled": true });
  await look(page, "payment");
  await page.goto(`${base}${at}/ticket_type/1`);
  await submit(page, { name: "标准票", price: "300", quota: "3", "step-1-price": "200", "step-1-first": "1" });
  await page.goto(`${base}${at}/ticket_type/1`);
  await look(page, "type");
  await page.goto(`${base}${at}/sale`);
  await submit(page, { hold: "30", most: "3", offer: "60", waiting: true, transfer: true, donation: true });
  await submit(page, { quota_name: "大厅", quota_size: "2", quota_kinds: "1" }, "form[action$='/quota'] button");
  await page.goto(`${base}${at}/sale`);
  await submit(page, { addon_name: "欢迎晚宴", addon_price: "88" }, "form[action$='/addon'] button");
  await look(page, "sale");
  await page.goto(`${base}${at}/voucher`);
  await look(page, "voucher-empty");
  await submit(page, { code: "SPRING", effect: "percent", value: "10", uses: "1" });
  await page.goto(`${base}${at}/voucher`);
  await look(page, "voucher");
}

async function order(browser, at) {
  const phone = await open(browser, `${base}${at.replace("/admin", "")}`, { width: 390, height: 844 });
  await look(phone, "invitation");
  await press(phone, "a[href$='/register']");
  const shown = (selector) => phone.$eval(selector, (found) => found.offsetParent !== null);
  check(!(await shown("[data-waits]")), "a question that waits is not shown");
  await phone.select("[name=answer-1]", "自驾");
  check(await shown("[data-waits]"), "it is shown after its answer");
  const fill = { name: "张三", phone: "13800000001", "answer-3": "浙A12345", "answer-4": file, "answer-5": true, "answer-2": "物流" };
  await submit(phone, fill, "button[value=more]");
  check((await phone.$eval("main form", (form) => form.textContent)).includes("已上传：名片.pdf"), "the file is kept when the form comes back");
  await submit(phone, { "more-1-name": "李四", "more-1-answer-1": "高铁", "more-1-answer-5": true, addon: true, code: "spring", donation: "10" }, "button[value=show]");
  await until(phone, ".bill", (text) => text.includes("578.00"), "the price is shown before the order is sent");
  await look(phone, "register");
  await submit(phone, {}, "form[action$='/register'] .submit button");
  check((await phone.$eval("main form", (form) => form.textContent)).includes("请选择") && (await phone.$eval("[name=name]", (field) => field.value)) === "张三", "a way to pay must be chosen, and nothing is lost");
  await accessible(phone);
  await submit(phone, { method: "bank_transfer" }, "form[action$='/register'] .submit button");
  await until(phone, ".amount", (text) => text.includes("578.00"), "the order says what is to be paid");
  await look(phone, "order");
  return phone;
}

async function money(page, phone, at) {
  await page.goto(`${base}${at}/order`);
  await look(page, "orders");
  await press(page, "tbody a");
  await look(page, "order-due");
  await submit(page, { reference: "T-1" }, "form[action$='/pay'] button.primary");
  await until(page, "h2 .badge", (text) => text === "已完成", "the money completes the order");
  await submit(page, { refund_amount: "180", ticket: "2" }, "form[action$='/refund'] button.danger");
  await look(page, "order-refunded");
  await phone.reload();
  await look(phone, "order-paid");
  const [link] = await phone.$$eval("a[href^='/ticket/']", (all) => all.map((one) => one.getAttribute("href")));
  const receipt = await phone.$eval("a[href$='/receipt']", (found) => found.href);
  await phone.goto(receipt);
  await look(phone, "receipt");
  await phone.goto(base + link);
  await look(phone, "ticket");
  await page.goto(`${base}${at}/registration/1`);
  check((await page.$("a[href*='/answer/'][download]")) !== null, "the uploaded file lies at the registration");
  await look(page, "registration");
}

async function waiting(browser, page, at) {
  const invitation = at.replace("/admin", "");
  const buyer = await open(browser, `${base}${invitation}/register`, { width: 390, height: 844 });
  await submit(buyer, { name: "王五", phone: "13800000003", "answer-1": "高铁", "answer-5": true, method: "cash" }, "form[action$='/register'] .submit button");
  await buyer.waitForSelector(".amount");
  const waiter = await open(browser, `${base}${invitation}`, { width: 390, height: 844 });
  await press(waiter, "a[href*='/wait/']");
  await look(waiter, "wait-form");
  await submit(waiter, { name: "赵六", phone: "13800000004" });
  await look(waiter, "wait");
  await press(buyer, ".confirm form button");
  await waiter.bringToFront();
  for (let tries = 0; tries < 100 && !(await waiter.$("a.primary")); tries += 1) await waiter.reload();
  await look(waiter, "wait-offered");
  await press(waiter, "a.primary");
  check((await waiter.$eval("[name=name]", (field) => field.value)) === "赵六", "who waited need not type again");
  await submit(waiter, { "answer-1": "高铁", "answer-5": true, method: "cash" }, "form[action$='/register'] .submit button");
  await waiter.waitForSelector(".amount");
  await page.goto(`${base}${at}/waiting`);
  await look(page, "waiting-list");
}

async function messages(page, at) {
  await page.goto(`${base}${at}/notice`);
  await submit(page, { text: "请提前半小时到场。" }, "form[action$='/notice'] button.primary");
  await submit(page, { hours: "1", side: "before" }, "form[action$='/reminder'] button");
  await page.goto(`${base}${at}/notice`);
  const log = await page.$eval("table", (found) => found.textContent);
  check(log.includes("请提前半小时到场") && log.includes("请为“供应链峰会”付款"), "the log names what was said");
  await look(page, "notices");
}

await browse(async (browser) => {
  const page = await open(browser, `${base}/setup`);
  await submit(page, { code, name: "测试协会", admin_name: "管理员", login: "admin", password: PASSWORD });
  const at = await event(page);
  await design(page, at);
  await sale(page, at);
  const phone = await order(browser, at);
  await money(page, phone, at);
  await waiting(browser, page, at);
  await messages(page, at);
});
console.log("walked");
