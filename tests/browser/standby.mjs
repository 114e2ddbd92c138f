// The stand-by box in a real browser: the leading box's page with a follower, the follower's own page, and removing it. Arguments: base URL of the leader,
// the administrator's password, base URL of the follower. With a fourth argument, a folder, it takes pictures on its way.

import { browse, press, check, lookAt, open, submit } from "./hall.mjs";

const [leader, password, follower, pictures] = process.argv.slice(2);

await browse(async (browser) => {
  const page = await open(browser, `${leader}/login`);
  await submit(page, { login: "admin", password });
  await page.goto(`${leader}/admin/standby`);
  const text = () => page.$eval("main", (main) => main.textContent);
  check((await text()).includes("备机跟随正常"), "the follower is seen to follow");
  await lookAt(page, pictures, "standby-paired");
  // A box that does not lead answers that it is not available, with a page.
  const other = await (await browser.createBrowserContext()).newPage();
  const answer = await other.goto(`${follower}/event/1`);
  check(answer.status() === 503, `whatever is asked for: ${answer.status()}`);
  check((await other.$eval("h1", (head) => head.textContent)).includes("这是备机"), "it says what it is");
  await lookAt(other, pictures, "standby-follower");
  await page.click("details.confirm summary");
  await press(page, "form[action$='/standby/remove'] button");
  check((await text()).includes("尚无备机"), "it is removed");
  await press(page, "form[action$='/standby/code'] button");
  check((await text()).includes("15 分钟内有效"), "a code is shown once");
  await lookAt(page, pictures, "standby-code");
});
