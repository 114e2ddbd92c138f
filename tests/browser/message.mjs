// Messages in a real browser: setting them up, trying them, the outbox, webhooks, and what a person chooses on the phone.
// node tests/browser/message.mjs URL CODE PROVIDER [FOLDER for pictures]

import { mkdirSync } from "node:fs";
import { browse, open, submit, press, accessible, check, theme } from "./hall.mjs";

const [base, code, provider, folder] = process.argv.slice(2);
const PASSWORD = "correct horse battery staple";
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

function local(minutes) {
  return new Date(Date.now() + minutes * 60_000 + 8 * 3600_000).toISOString().slice(0, 16);
}

const text = (page, selector = "main") => page.$eval(selector, (found) => found.textContent);

/** Asks for a page until it says something. */
async function says(page, path, words) {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    await page.goto(base + path);
    if ((await text(page)).includes(words)) return;
  }
  check(false, `${path} never says “${words}”`);
}

async function settings(page) {
  await page.goto(`${base}/admin/message`);
  await look(page, "message-empty");
  const form = "form[action='/admin/message'] button.primary";
  await submit(page, { "order-1": "sms", quiet_from: "22:00", quiet_to: "" }, form);
  check((await text(page)).includes("请同时填写起止时间"), "half a time is refused");
  await submit(page, { quiet_from: "" }, form);
  check((await text(page, "body")).includes("已保存"), "quiet hours are saved");
  const sms = { provider: "tencent", base: provider, key_id: "standin-key", secret: "standin-secret", app: "1400000000", sign: "会馆演示", per_day: "0" };
  const save = "form[action='/admin/message/sms'] button.primary";
  await page.$eval("form[action='/admin/message/sms'] [name=enabled]", (box) => (box.checked = true));
  await submit(page, sms, save);
  check((await text(page)).includes("请填写"), "a limit of nothing is refused");
  check((await page.$eval("[name=sign]", (field) => field.value)) === "会馆演示", "what was typed is kept");
  await look(page, "message-wrong");
  await page.$eval("form[action='/admin/message/sms'] [name=enabled]", (box) => (box.checked = true));
  await submit(page, { secret: "standin-secret", per_day: "1000" }, save);
  check((await text(page, "body")).includes("已保存"), "saved");
  await templates(page);
  await page.goto(`${base}/admin/message`);
  await submit(page, { to: "13900000000", occasion: "order_completed" }, "form[action='/admin/message/sms/try'] button");
  check((await text(page, "body")).includes("测试成功"), "a trial works");
  await press(page, "form[action='/admin/message/sms/balance'] button");
  check((await text(page, "body")).includes("测试成功：9999"), "the balance is told");
  await look(page, "message");
}

/** Templates by occasion and language, looked at before they are kept. */
async function templates(page) {
  await page.goto(`${base}/admin/message/template/order_completed`);
  const typed = { "words-zh-CN-text": "{name}，您已报名{event}。", "words-en-text": "Dear {name}, see you at {event}.", "sms-zh-CN-id": "110", "sms-zh-CN-values": "1=name, 2=nonsense" };
  await submit(page, typed, "button[value=preview]");
  check((await text(page)).includes("无法识别“2=nonsense”"), "unknown values are refused");
  await submit(page, { "sms-zh-CN-values": "1=name, 2=event", "sms-zh-CN-text": "{1}您好，您已报名{2}。" }, "button[value=preview]");
  const shown = await text(page);
  check(shown.includes("张三，您已报名年度会员大会。") && shown.includes("Dear Zhang San, see you at Annual meeting."), "words are previewed in both languages");
  check(shown.includes("【会馆演示】张三您好，您已报名年度会员大会。") && shown.includes("按 1 条计费"), "a text message as it will arrive");
  await look(page, "template");
  await submit(page, {}, "button[value=save]");
  check((await text(page, "body")).includes("已保存"), "templates are saved");
  await page.goto(`${base}/admin/message/template/message`);
  await submit(page, { "sms-zh-CN-id": "111", "sms-zh-CN-values": "1=text", "sms-zh-CN-text": "通知：{1}" }, "button[value=save]");
  await page.goto(`${base}/admin/message/template`);
  await submit(page, { sms_price: "0.045" }, "form[action='/admin/message/template'] button");
  check((await text(page)).includes("110"), "the ids at a glance");
  await look(page, "templates");
}

/** A message to many: looked at, sent, and in the log of its reader. */
async function many(page, at) {
  await page.goto(`${base}/admin/blast`);
  await look(page, "blast-empty");
  await page.goto(`${base}/admin/blast/new?event=${at.split("/").pop()}`);
  await look(page, "blast-new");
  await submit(page, { text: "{name}，停车场改在北门", subject: "停车提示" }, "form[action='/admin/blast/preview'] .submit button");
  const shown = await text(page);
  check(shown.includes("李四，停车场改在北门") && shown.includes("¥0.045"), "what it says and costs");
  await look(page, "blast-preview");
  await press(page, "form[action='/admin/blast'] button.primary");
  const place = new URL(page.url()).pathname;
  await says(page, place, "短信 · 已发送");
  await look(page, "blast");
  await press(page, "table a[href$='/message']");
  check((await text(page)).includes("停车场改在北门"), "the log of its reader");
  await look(page, "person-log");
  await page.goto(`${base}/admin/blast`);
  await look(page, "blasts");
}

async function webhooks(page) {
  await page.goto(`${base}/admin/webhook`);
  await look(page, "webhook-empty");
  await submit(page, { name: "会员系统", url: "http://example.org/" }, "form[action='/admin/webhook'] button.primary");
  check((await text(page)).includes("以 https:// 开头"), "only public addresses by https");
  await submit(page, { url: "https://127.0.0.1:9/hook", kinds: "order.place" }, "form[action='/admin/webhook'] button.primary");
  check((await text(page)).includes("仅显示这一次"), "the secret is shown once");
  await look(page, "webhook");
  await press(page, "form[action$='/ping'] button");
  await says(page, "/admin/outbox?kind=webhook", "已拒绝");
}

async function event(page) {
  await page.goto(`${base}/admin/event/new`);
  await submit(page, { name: "供应链峰会", starts: local(600), ends: local(900) });
  const path = new URL(page.url()).pathname;
  await page.goto(`${base}${path}/checkin`);
  await submit(page, { checkin_from: local(500), checkin_to: local(890) }, "form[action$='/checkin'] button");
  await page.goto(`${base}${path}`);
  await press(page, "form[action$='/publish'] button");
  return path;
}

await browse(async (browser) => {
  const page = await open(browser, `${base}/setup`);
  await submit(page, { code, name: "测试协会", zone: "Asia/Shanghai", admin_name: "管理员", login: "admin", password: PASSWORD });
  await settings(page);
  await webhooks(page);
  const at = await event(page);
  const phone = await open(browser, `${base}${at.replace("/admin", "")}/register`, { width: 390, height: 844 });
  await submit(phone, { name: "李四", phone: "13800000002" });
  await says(page, `${at}/notice`, "短信 · 已发送");
  await look(page, "notice");
  await many(page, at);
  await page.goto(`${base}/admin/outbox`);
  await look(page, "outbox");
  await page.goto(`${base}/admin/message/sms`);
  await look(page, "sms-log");
  if (!phone.url().includes("/ticket/")) await phone.goto(await phone.$eval("a[href^='/ticket/']:not([href='/ticket/find'])", (link) => link.href));
  const chosen = await phone.$eval("a[href$='/message']", (link) => link.href);
  await phone.goto(chosen);
  check((await text(phone)).includes("停车场改在北门"), "one's own messages of the last days");
  await look(phone, "choice");
  await submit(phone, { mail: "li@example" });
  check((await text(phone)).includes("邮箱地址不正确"), "a wrong address is refused");
  await phone.$eval("[name=news]", (box) => (box.checked = false));
  await submit(phone, { mail: "li.si@example.com", first: "sms" });
  check((await text(phone, "body")).includes("已保存"), "kept");
  check(!(await phone.$eval("[name=news]", (box) => box.checked)), "and shown");
});
