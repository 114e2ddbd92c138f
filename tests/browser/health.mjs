// The status of the box and the checklist of the first page, in a real browser. Arguments: base URL, set-up code. With a third argument, a folder,
// it takes pictures on its way.

import { browse, press, check, lookAt, founded } from "./hall.mjs";

const [base, setupCode, pictures] = process.argv.slice(2);

await browse(async (browser) => {
  const page = await founded(browser, base, setupCode);
  await page.goto(`${base}/admin`);
  const items = () => page.$$eval(".checklist li", (all) => all.map((one) => one.querySelector("strong").textContent));
  const before = await items();
  check(before.includes("备份") && before.includes("管理员"), `what is left to be done stands on the overview: ${before}`);
  await lookAt(page, pictures, "checklist");
  await press(page, "form[action$='/status/account/dismiss'] button");
  check(!(await items()).includes("管理员"), "an item goes away");
  await page.goto(`${base}/admin/status`);
  const states = await page.$$eval("tbody tr", (all) => all.map((row) => row.children[1].textContent));
  check(states.length >= 12 && states.some((said) => said.includes("正常")), `every part has a state: ${states}`);
  await lookAt(page, pictures, "status");
  await press(page, "form[action$='/status/restore'] button");
  await page.goto(`${base}/admin`);
  check((await items()).includes("管理员"), "and comes back");
});
