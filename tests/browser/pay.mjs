// Paying through WeChat in a real browser, in the demonstration: a ticket with a price, the code, the page of the stand-in, the ticket; and the
// pages of the secretariat. node tests/browser/pay.mjs URL PASSWORD [FOLDER for pictures]

import { mkdirSync } from "node:fs";
import { browse, open, submit, press, until, accessible, check, theme } from "./hall.mjs";

const [base, password, folder] = process.argv.slice(2);
const SIZES = [["desktop", 1440, 900, false], ["phone", 390, 844, false], ["dark", 1440, 900, true]];

/** Looks at a page at every size, in both themes; keeps pictures when a folder is given. */
async function look(page, name) {
  const before = page.viewport();
  for (const [face, width, height, dark] of SIZES) {
    await page.setViewport({ width, height });
    await theme(page, dark);
    await accessible(page);
    if (folder) {
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: `${folder}/${name}-${face}.png`, fullPage: true });
    }
  }
  await page.setViewport(before);
  await theme(page, false);
}

/** The address of the event that has a ticket with a price. */
async function priced(page) {
  const paths = await page.$$eval("a[href^='/event/']", (all) => [...new Set(all.map((one) => one.getAttribute("href").split("?")[0]))]);
  for (const path of paths.filter((path) => /^\/event\/\d+$/.test(path))) {
    await page.goto(base + path);
    if (await page.evaluate(() => document.body.textContent.includes("68.00"))) return path;
  }
  check(false, `no event costs anything: ${paths}`);
}

/** Registers, is shown the code, pays on the page of the stand-in, and sees the ticket: nobody reloads the page of the order. */
async function buyAndPay(browser) {
  const phone = await open(browser, base, { width: 390, height: 844 });
  const path = await priced(phone);
  await phone.goto(`${base}${path}/register`);
  const kind = await phone.$$eval("[name=kind]", (all) => all.find((one) => one.closest("label").textContent.includes("68.00")).value);
  await submit(phone, { name: "张三", phone: "13800000001", kind, "answer-1": "普通", method: "wechat" }, "form[action$='/register'] .submit button");
  await until(phone, ".amount", (text) => text.includes("68.00"), "the order says what is to be paid");
  await look(phone, "order-to-pay");
  await press(phone, "form[action$='/pay'] button");
  await phone.waitForSelector("#pay .qr");
  await look(phone, "order-code");
  await press(phone, "form[action$='/paid'] button");
  check((await phone.$eval(".notice", (found) => found.textContent)).includes("微信尚未确认付款"), "pressing does not make it paid");
  const scanned = await phone.$eval("#pay a", (found) => found.href);
  check(!scanned.startsWith(`${base}/`), "the code leads to WeChat, not to the box");
  const wallet = await open(browser, scanned, { width: 390, height: 844 });
  check((await wallet.$eval(".sum", (found) => found.textContent)) === "¥68.00", "the stand-in shows the amount");
  await accessible(wallet);
  await press(wallet, "button");
  check((await wallet.$eval("h1", (found) => found.textContent)) === "支付成功", "it was paid");
  await phone.bringToFront();
  await until(phone, ".heading .badge", (text) => text === "已完成", "the page of the order follows by itself");
  await look(phone, "order-paid");
  await press(phone, "a[href^='/ticket/']");
  await phone.waitForSelector(".code");
  await look(phone, "ticket");
  return path;
}

/** The secretariat: the account, the order with its refund, reconciliation. */
async function secretariat(browser, path) {
  const page = await open(browser, `${base}/login`);
  await submit(page, { login: "admin", password });
  await page.goto(`${base}/admin/payment`);
  await look(page, "payment");
  await page.goto(`${base}/admin/pay/account`);
  check((await page.$eval(".facts", (found) => found.textContent)).includes("已连接"), "the account was tested");
  await look(page, "account");
  await press(page, "form[action$='/test'] button");
  await submit(page, { mchid: "x y" }, "form[action='/admin/pay/account'] .submit button");
  check((await page.$("#e-mchid")) !== null, "what is wrong stands at its field");
  await accessible(page);
  await page.goto(`${base}/admin${path}/order`);
  await press(page, "tbody a");
  await look(page, "order-admin");
  await submit(page, { amount: "68", ticket: true, reason: "不能出席" }, "form[action$='/wechat/refund'] button");
  for (let tries = 0; tries < 200 && !(await page.evaluate(() => document.body.textContent.includes("支付用户零钱"))); tries += 1) await page.reload();
  check((await page.$eval("h2 .badge", (found) => found.textContent)) === "已退款", "the order was refunded");
  await look(page, "order-refunded");
  await page.goto(`${base}/admin/pay`);
  await look(page, "reconciliation");
  await submit(page, { day: "2026-01-01" }, "form[action='/admin/pay'] button");
  await look(page, "bill");
  check((await page.$eval("main", (found) => found.textContent)).includes("没有差异"), "a day without trade agrees");
}

await browse(async (browser) => {
  const path = await buyAndPay(browser);
  await secretariat(browser, path);
});
console.log("walked");
