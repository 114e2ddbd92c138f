// The platform and a merchant side by side in one browser: settings, applying, review, an event from its making to its archive as merchant,
// visitor and helper, and freezing. node tests/browser/merchant.mjs URL CODE

import { browse, open, submit, press, gun, until, accessible, check, theme } from "./hall.mjs";

const [base, code] = process.argv.slice(2);
const PASSWORD = "correct horse battery staple";
const SIZES = [{ width: 1440, height: 900 }, { width: 390, height: 844 }, { width: 1440, height: 900, dark: true }];

/** Looks at a page at every size, in both themes. */
async function look(page, path) {
  await page.bringToFront();
  if (path) await page.goto(path.startsWith("http") ? path : base + path);
  for (const { width, height, dark } of SIZES) {
    await page.setViewport({ width, height });
    await theme(page, dark);
    await accessible(page);
  }
  await page.setViewport(SIZES[0]);
}

/** A local time some minutes from now, as datetime-local inputs take it, in the association's zone. */
function local(minutes) {
  return new Date(Date.now() + minutes * 60_000 + 8 * 3600_000).toISOString().slice(0, 16);
}

async function platformSettings(page) {
  await page.goto(`${base}/setup`);
  await submit(page, { code, name: "测试协会", admin_name: "管理员", login: "admin", password: PASSWORD });
  await look(page, "/admin/merchant");
  await look(page, "/admin/merchant/setting");
  await submit(page, { open: true, agreement: "" });
  check((await page.$("#e-agreement")) !== null, "registration needs an agreement");
  await submit(page, { open: true, auto_public: true, title: "商户之家", agreement: "# 规则\n\n请遵守。" });
  await look(page);
  await look(page, "/admin/merchant");
  await page.$eval("[data-copy]", (button) => button.click());
  await until(page, "[data-copy]", (text) => text.includes("已复制"), "the address is copied");
}

async function applying(browser) {
  const page = await open(browser, `${base}/merchant`);
  await look(page);
  await press(page, "a[href='/merchant/register']");
  await look(page);
  await submit(page, { name: "青松文化", contact: "李经理", phone: "139 0000 0002", login: "qingsong", password: PASSWORD });
  check((await page.$("#e-agreed")) !== null, "without consent nothing is sent");
  check((await page.$eval("[name=name]", (field) => field.value)) === "青松文化", "what was typed is kept");
  await accessible(page);
  await submit(page, { password: PASSWORD, agreed: true });
  await look(page);
  await until(page, ".facts", (text) => text.includes("待审核"), "the application waits");
  return page;
}

/** The secretary approves; the same browser then logs in as the merchant in another tab. */
async function sideBySide(platform, applicant) {
  await platform.goto(`${base}/admin/merchant?state=applied`);
  await press(platform, "tbody a");
  await look(platform);
  await press(platform, "form[action$='/approve'] button");
  await until(platform, "h1", (text) => text.includes("青松"), "the merchant is there");
  await look(platform);
  await applicant.reload();
  await until(applicant, ".facts", (text) => text.includes("生效中"), "the applicant sees it");
  const merchant = await platform.browserContext().newPage();
  await merchant.goto(`${base}/merchant`);
  await submit(merchant, { login: "qingsong", password: PASSWORD });
  check(merchant.url() === `${base}/m/2/admin`, `the merchant lands in its space, not at ${merchant.url()}`);
  for (const [page, at] of [[platform, "/admin"], [merchant, "/m/2/admin"], [platform, "/admin/event"], [merchant, "/m/2/admin/event"]]) {
    await page.goto(base + at);
    check(page.url() === base + at, `${at} stays logged in, not ${page.url()}`);
  }
  await look(merchant);
  return merchant;
}

async function eventOfMerchant(page, platform) {
  await page.bringToFront();
  await page.goto(`${base}/m/2/admin/event/new`);
  await submit(page, { name: "商户年会", starts: local(-30), ends: local(300) });
  const event = new URL(page.url()).pathname;
  check(/^\/m\/2\/admin\/event\/\d+$/.test(event), `an event of the merchant lies in its space: ${event}`);
  await page.goto(`${base}${event}/checkin`);
  await submit(page, { checkin_from: local(-60), checkin_to: local(290) }, "form[action$='/checkin'] button");
  await page.goto(`${base}${event}`);
  await press(page, "form[action$='/publish'] button");
  await until(page, "h1 .badge", (text) => text === "已发布", "the event is published");
  await look(page);
  await look(page, `${event}/ticket_type/1`);
  check((await page.$("[name=price]")) === null, "a merchant's ticket has no price");
  await platform.goto(`${base}/admin/event`);
  check(!(await platform.content()).includes("商户年会"), "the platform's list has the platform's events alone");
  return event;
}

async function visitorOf(browser) {
  const phone = await open(browser, `${base}/`, { width: 390, height: 844 });
  await accessible(phone);
  await press(phone, "a[href^='/m/2/event/']");
  await accessible(phone);
  await press(phone, "a[href$='/register']");
  await submit(phone, { name: "欧阳锋", phone: "139 0000 0001" });
  await phone.waitForSelector(".ticket .qr");
  await accessible(phone);
  check(phone.url().startsWith(`${base}/m/2/ticket/`), `the ticket lies in the merchant's space: ${phone.url()}`);
  await press(phone, "a[href='/m/2/my']");
  check((await phone.content()).includes("商户年会"), "the phone knows its ticket");
  await phone.goto(`${base}/my`);
  check(!(await phone.content()).includes("商户年会"), "and not among the platform's");
  await phone.goto(`${base}/m/2/my`);
  await press(phone, ".event-row");
  return phone.$eval(".ticket .code", (found) => found.textContent.replaceAll(" ", ""));
}

async function helperAtTheDoor(browser, page, event, number) {
  await page.bringToFront();
  await page.goto(`${base}${event}/device`);
  await submit(page, { name: "大门" }, "form[action$='/device'] button");
  const link = await page.$eval(".panel code", (found) => found.textContent);
  const door = await open(browser, link.replace(/^http:\/\/[^/]+/, base));
  await submit(door, {});
  check(door.url() === `${base}/m/2/terminal`, `pairing leads to the merchant's door, not to ${door.url()}`);
  await look(door);
  await page.goto(base + event);
  await door.bringToFront();
  await gun(door, number);
  await door.waitForSelector(".verdict[data-tone=good]");
  await until(door, ".verdict .who", (text) => text === "欧阳锋", "the terminal shows the name");
  await page.bringToFront();
  await until(page, "[data-live=admitted]", (text) => text === "1", "the merchant's page counts up");
  return door;
}

/** The event is moved into the past and archived by hand; of its people initials stay. */
async function archive(page, event) {
  await page.bringToFront();
  await page.goto(`${base}${event}/checkin`);
  await submit(page, { checkin_from: local(-9), checkin_to: local(-3) }, "form[action$='/checkin'] button");
  await page.goto(`${base}${event}/edit`);
  await submit(page, { starts: local(-9), ends: local(-2) }, "form.form .submit button.primary");
  await look(page, `${event}/archive`);
  await submit(page, { confirm: "商户年会" }, "form[action$='/begin'] button");
  const deadline = Date.now() + 10_000;
  while (!(await page.$eval("main", (found) => found.textContent)).includes("已于")) {
    check(Date.now() < deadline, "the archiving ends");
    await page.goto(`${base}${event}/archive`);
  }
  await page.goto(`${base}${event}/registration`);
  const list = await page.$eval("tbody", (found) => found.textContent);
  check(list.includes("欧*") && !list.includes("欧阳锋"), `of the names initials stay: ${list}`);
}

async function freeze(platform, merchant, door) {
  await platform.bringToFront();
  await platform.goto(`${base}/admin/merchant/1`);
  await submit(platform, { reason: "欠费" }, "form[action$='/freeze'] button");
  await until(platform, "h1, .heading", (text) => text.length > 0, "the page comes back");
  await look(platform);
  const shut = await merchant.goto(`${base}/m/2/admin`);
  check(shut.status() === 403, `a frozen merchant's pages are shut: ${shut.status()}`);
  await accessible(merchant);
  check((await door.goto(`${base}/m/2/terminal`)).status() === 403, "so is its door");
  await platform.goto(`${base}/admin`);
  check(platform.url() === `${base}/admin`, "the platform goes on");
  await press(platform, "a[href='/admin/merchant']");
  await press(platform, "tbody a");
  await press(platform, "form[action$='/restore'] button");
  await merchant.goto(`${base}/m/2/admin`);
  check(merchant.url().includes("/m/2/login"), "it has to log in again");
  await look(merchant);
  await submit(merchant, { login: "qingsong", password: PASSWORD });
  check(merchant.url().startsWith(`${base}/m/2/admin`), "and is in again");
}

await browse(async (browser) => {
  const platform = await open(browser, `${base}/`);
  await platformSettings(platform);
  const applicant = await applying(browser);
  const merchant = await sideBySide(platform, applicant);
  const event = await eventOfMerchant(merchant, platform);
  const number = await visitorOf(browser);
  const door = await helperAtTheDoor(browser, merchant, event, number);
  await archive(merchant, event);
  await freeze(platform, merchant, door);
});
