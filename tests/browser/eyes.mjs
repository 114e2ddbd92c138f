// Seeing the pages as another account and as somebody with chosen permissions: the banner, what is refused, the one press that ends it.
// node tests/browser/eyes.mjs URL CODE [PICTURES]

import { browse, submit, press, check, until, lookAt, founded, makeEvent } from "./hall.mjs";

const [base, code, pictures] = process.argv.slice(2);

await browse(async (browser) => {
  const page = await founded(browser, base, code);
  const event = await makeEvent(page, base, "年度会员大会");
  await page.goto(`${base}/admin/account/new`);
  await submit(page, { name: "李干事", login: "clerk", password: "given pony lantern bucket" });
  for (const permission of ["event.view", "registration.view"]) {
    await submit(page, { permission, scope: "space" }, "form[action$='/grant'] button");
  }
  await lookAt(page, pictures, "eyes-account");

  await press(page, "form[action$='/eyes'] button");
  await until(page, ".eyes", (text) => text.includes("李干事"), "the banner says whose eyes these are");
  check((await page.$(".side a[href='/admin/account']")) === null, "the navigation is theirs");
  for (const [path, name] of [["/admin/event", "eyes-events"], [`${event}/registration`, "eyes-registrations"], ["/", "eyes-home"]]) {
    await page.goto(base + path);
    check((await page.$(".eyes")) !== null, `the banner is at ${path}`);
    await lookAt(page, pictures, name);
  }
  const refused = await page.goto(`${base}/admin/audit`);
  check(refused.status() === 403 && (await page.$(".eyes")) !== null, "what they may not is refused, under the banner");
  await lookAt(page, pictures, "eyes-refused");
  await page.goto(`${base}/admin`);
  await press(page, "form[action='/language'] button");
  await until(page, "main", (text) => text.includes("不能修改"), "nothing is changed meanwhile");
  await page.goto(`${base}/admin`);
  await press(page, ".eyes button");
  check(/\/admin\/account\/2$/.test(page.url()) && (await page.$(".eyes")) === null, `one press ends it: ${page.url()}`);

  await page.goto(`${base}/admin/account`);
  await page.$eval("details:has([action='/admin/account/eyes'])", (found) => (found.open = true));
  await press(page, "form[action='/admin/account/eyes'] button");
  check((await page.$("#e-permissions")) !== null, "without a permission there is nothing to see");
  await lookAt(page, pictures, "eyes-role");
  await page.$eval("[name=permissions][value='event.view']", (box) => (box.checked = true));
  await press(page, "form[action='/admin/account/eyes'] button");
  await until(page, ".eyes", (text) => text.includes("所选权限"), "somebody with that permission");
  await press(page, ".eyes button");
  check(page.url() === `${base}/admin/account`, "and back again");
});
console.log("walked");
