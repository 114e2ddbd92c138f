// Inside WeChat the page of an order opens WeChat's own window to pay; and the secretariat's list of merged records. WeChat's bridge is played by the
// page: it sees what the box signed, says "not paid" first and then "paid".
// node tests/browser/mini.mjs URL ORDER PASSWORD

import { browse, open, accessible, press, submit, theme, until, check } from "./hall.mjs";

const [base, order, password] = process.argv.slice(2);
const INSIDE = "Mozilla/5.0 (Linux; Android 14; Phone) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 MicroMessenger/8.0.50";

/** A phone inside WeChat whose window answers so, one answer after the other; what was asked of it. */
async function phone(browser, answers) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setUserAgent(INSIDE);
  await page.setViewport({ width: 390, height: 844 });
  await theme(page);
  const asked = [];
  await page.exposeFunction("obey", (name, what) => {
    if (name !== "getBrandWCPayRequest") return { errMsg: `${name}:ok` };
    asked.push(what);
    return { err_msg: `get_brand_wcpay_request:${answers.shift()}` };
  });
  await page.evaluateOnNewDocument(() => {
    globalThis.WeixinJSBridge = { invoke: (name, what, answer) => obey(name, what).then(answer) };
  });
  return { page, asked };
}

async function payInside(browser) {
  const { page, asked } = await phone(browser, ["cancel", "ok"]);
  await page.goto(`${base}${order}`);
  await accessible(page);
  await press(page, '#pay a[href^="/wechat/login"]');
  await page.waitForFunction(() => document.title.includes("微信登录"));
  await Promise.all([page.waitForNavigation(), page.evaluate(() => [...document.querySelectorAll("a")].find((link) => link.textContent === "甲").click())]);
  check(page.url() === `${base}${order}`, `came back to ${page.url()}`);
  for (const dark of [false, true]) {
    await theme(page, dark);
    await accessible(page);
  }
  await page.bringToFront();
  await page.$eval("[data-wechat-pay] button", (button) => button.click());
  await until(page, "[data-unpaid]", (text) => text.includes("尚未付款"), "it was not paid, and can be tried again");
  await accessible(page);
  await Promise.all([page.waitForNavigation(), page.$eval("[data-wechat-pay] button", (button) => button.click())]);
  await until(page, "body", (text) => text.includes("微信"), "the box asks WeChat, whatever the window says");
  check(asked.length === 2 && asked[0].package === asked[1].package, "one payment, pressed twice");
  const names = ["appId", "timeStamp", "nonceStr", "package", "signType", "paySign"];
  check(names.every((name) => typeof asked[0][name] === "string" && asked[0][name]), JSON.stringify(asked[0]));
  // Without the bridge the page shows the code instead, for another phone.
  const bare = await phone(browser, []);
  await bare.page.setJavaScriptEnabled(false);
  await bare.page.setCookie(...(await page.cookies()));
  await bare.page.goto(`${base}${order}`);
  await submit(bare.page, {}, "[data-wechat-pay] button");
  check((await bare.page.$("#pay svg")) !== null, "the code stands there");
}

async function mergedRecords(browser) {
  for (const [width, dark] of [[1440, false], [1440, true], [390, false]]) {
    const page = await open(browser, `${base}/login`, { width, dark });
    await submit(page, { login: "admin", password });
    await page.goto(`${base}/admin/person`);
    await until(page, "main", (text) => text.includes("重新分开"), "two records became one");
    await accessible(page);
  }
}

await browse(async (browser) => {
  await payInside(browser);
  await mergedRecords(browser);
});
