// Inside WeChat: a phone logs in through the official account, finds its tickets, shares an event's card and scans at the door; and the settings
// as the secretariat sees them. WeChat's bridge is played by the page; it checks the signature as WeChat does.
// node tests/browser/wechat.mjs URL PASSWORD APP EVENT ATTEND

import { createHash } from "node:crypto";
import { browse, open, accessible, press, submit, theme, until, check } from "./hall.mjs";

const [base, password, app, event, attend] = process.argv.slice(2);
const INSIDE = "Mozilla/5.0 (Linux; Android 14; Phone) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 MicroMessenger/8.0.50";
const sha1 = (text) => createHash("sha1").update(text).digest("hex");

/** The stand-in's ticket of this hour. */
const ticket = (at) => sha1(`ticket/${app}/${Math.floor(at / 7200)}`);

/** A phone inside WeChat whose bridge obeys only pages with a good signature. */
async function phone(browser, path, scanned) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setUserAgent(INSIDE);
  await page.setViewport({ width: 390, height: 844 });
  await theme(page);
  const asked = [];
  await page.exposeFunction("obey", (name, what, url) => {
    const at = Number(what.verifyTimestamp);
    // A ticket that was fetched before the hour's end is still good.
    const signed = [at, at - 7200].some((time) => what.verifySignature === sha1(`jsapi_ticket=${ticket(time)}&noncestr=${what.verifyNonceStr}&timestamp=${at}&url=${url}`));
    asked.push({ name, signed, what });
    if (!signed || what.verifyAppId !== app) return { errMsg: `${name}:fail invalid signature` };
    return name === "scanQRCode" ? { errMsg: `${name}:ok`, resultStr: scanned } : { errMsg: `${name}:ok` };
  });
  await page.evaluateOnNewDocument(() => {
    globalThis.WeixinJSBridge = {
      invoke: (name, what, answer) => obey(name, what, location.href.split("#")[0]).then(answer),
    };
  });
  await page.goto(`${base}${path}`);
  return { page, asked };
}

/** The log-in page of the stand-in: who says yes. */
async function consent(page, person) {
  await page.waitForFunction(() => document.title.includes("微信登录"));
  const links = await page.$$eval("a", (all) => all.map((link) => link.textContent));
  await Promise.all([page.waitForNavigation(), page.evaluate((at) => document.querySelectorAll("a")[at].click(), links.indexOf(person))]);
}

async function logInAndFind(browser) {
  const { page } = await phone(browser, "/ticket/find", "");
  await accessible(page);
  await press(page, 'a[href^="/wechat/login"]');
  await consent(page, "甲");
  check(page.url() === `${base}/wechat/mine`, `came back to ${page.url()}`);
  await until(page, "h1", (text) => text === "已登录", "nobody knows whose tickets");
  await accessible(page);
  await theme(page, true);
  await accessible(page);
  await press(page, 'main a[href="/ticket/find"]');
  await submit(page, { phone: "13800000001", attend });
  check(page.url().includes("/ticket/"), `found at ${page.url()}`);
  // From now on any phone of this person needs WeChat alone.
  const other = await phone(browser, "/wechat/login", "");
  await consent(other.page, "甲");
  check(other.page.url() === `${base}/my`, `the second phone is at ${other.page.url()}`);
  await until(other.page, "main", (text) => text.includes("年会"), "the ticket is there");
  await accessible(other.page);
}

async function shareCard(browser) {
  const { page, asked } = await phone(browser, `/event/${event}?from=wechat#intro`, "");
  await page.waitForFunction(() => document.documentElement.dataset.wechat === "shared");
  const names = asked.map((one) => one.name);
  check(names.join() === "preVerifyJSAPI,updateAppMessageShareData,updateTimelineShareData", names.join());
  check(asked.every((one) => one.signed), "every call is signed for the page's own address");
  const card = asked[1].what;
  check(card.title === "年会" && card.link === `${base}/event/${event}` && card.imgUrl.startsWith(base), JSON.stringify(card));
  await accessible(page);
}

async function scanAtTheDoor(browser) {
  const { page } = await phone(browser, "/login", "CODE_128,12345");
  await submit(page, { login: "admin", password });
  await page.goto(`${base}/terminal/${event}`);
  await page.waitForSelector("[data-wechat-scan]:not([hidden])");
  await page.$eval("[data-wechat-scan]", (button) => button.click());
  await until(page, ".verdict", (text) => text.length > 0 && !text.includes("CODE"), "the scanned code is asked about");
  await accessible(page);
  const parsed = await page.evaluate(async () => {
    const { code } = await import(document.querySelector("[data-wechat]").dataset.wechat);
    return [code("CODE_128,123"), code('{"scan_code":{"scan_result":"77"}}'), code("https://a.cn/?x=1,2"), code("{odd"), code("12345678")];
  });
  check(parsed.join("|") === "123|77|https://a.cn/?x=1,2|{odd|12345678", parsed.join("|"));
  // Outside WeChat there is no such button, and no script of it.
  const plain = await open(browser, `${base}/event/${event}`);
  check((await plain.$('script[src*="wechat"]')) === null, "no script outside WeChat");
}

async function settings(browser) {
  for (const [width, dark] of [[1440, false], [1440, true], [390, false]]) {
    const page = await open(browser, `${base}/login`, { width, dark });
    await submit(page, { login: "admin", password });
    await page.goto(`${base}/admin/wechat`);
    await accessible(page);
    if (width !== 1440 || dark) continue;
    await press(page, 'form[action="/admin/wechat/official/test"] button');
    await until(page, "main", (text) => text.includes("测试成功"), "the test says that it works");
    await submit(page, { "mini-app": "gh_wrong" }, 'form[action="/admin/wechat/mini"] button.primary');
    await until(page, "#e-mini-app", (text) => text.includes("wx"), "what is wrong stands at its field");
    check((await page.$eval('[name="mini-app"]', (field) => field.value)) === "gh_wrong", "what was typed stays");
    await accessible(page);
  }
}

await browse(async (browser) => {
  await logInAndFind(browser);
  await shareCard(browser);
  await scanAtTheDoor(browser);
  await settings(browser);
});
