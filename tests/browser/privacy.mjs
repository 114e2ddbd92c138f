// People's data: asking on the phone, the list of requests, one person's page, erasing, and the log of who saw numbers.
// node tests/browser/privacy.mjs {"base":…,"session":…,"own":…,"person":…,"pictures":…}

import { browse, open, submit, until, check, lookAt } from "./hall.mjs";

const { base, session, own, person, pictures } = JSON.parse(process.argv[2]);

async function logged(browser, name, value) {
  const page = await open(browser, `${base}/ticket/find`);
  await page.setCookie({ name, value, url: base });
  return page;
}

async function onThePhone(browser) {
  const page = await logged(browser, "hall_person", own);
  await page.goto(`${base}/my/data`);
  await lookAt(page, pictures, "my-data");
  await submit(page, { confirm: "欧阳锋" }, "form[action='/my/data/erase'] button");
  check((await page.content()).includes("您已请求删除数据"), "the request is told back");
  await lookAt(page, pictures, "my-data-asked");
}

async function atTheSecretariat(browser) {
  const page = await logged(browser, "hall_session", session);
  await page.goto(`${base}/admin/privacy`);
  check((await page.content()).includes("欧阳锋"), "the request is on the list");
  await lookAt(page, pictures, "requests");
  await page.goto(`${base}/admin/privacy/${person}`);
  await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
  await lookAt(page, pictures, "person");
  await submit(page, { confirm: "欧阳锋" }, "form[action$='/erase'] button");
  const deadline = Date.now() + 60_000;
  while (!(await page.content()).includes("已于")) {
    check(Date.now() < deadline, "erasing comes to its end");
    await page.goto(`${base}/admin/privacy/${person}`);
  }
  await until(page, "h1", (text) => text === "欧**", "of the name the initials stay");
  await lookAt(page, pictures, "person-erased");
  await page.goto(`${base}/admin/privacy/notice`);
  await submit(page, { text: "我们保存姓名和手机号，会议结束三年后删除。" }, "form[action='/admin/privacy/notice'] button");
  await lookAt(page, pictures, "notice");
  const form = await open(browser, `${base}/event/1/register`);
  await form.$eval("details", (one) => (one.open = true));
  await lookAt(form, pictures, "register");
  await page.goto(`${base}/admin/privacy/retention`);
  await submit(page, { login: "180", event: "1095" }, "form[action$='/retention'] button[value=look]");
  check((await page.content()).includes("现在会删除"), "a look says how much would go");
  await lookAt(page, pictures, "retention");
  await page.goto(`${base}/admin/access`);
  await lookAt(page, pictures, "access");
}

await browse(async (browser) => {
  await onThePhone(browser);
  await atTheSecretariat(browser);
});
