// The stand-by box in a real browser: the leading box's page with a follower, the page of a box that does not lead, and removing the follower. Arguments:
// base URL of the leader (or - for none), the administrator's password, base URL of the box that does not lead. With a fourth argument, a folder, it takes
// pictures on its way.

import { browse, press, check, lookAt, open, submit } from "./hall.mjs";

const [leader, password, idle, pictures] = process.argv.slice(2);

/** A box that does not lead answers that it is not available, with a page that says why. */
async function pageOfABoxThatDoesNotLead(browser, title, name) {
  const page = await (await browser.createBrowserContext()).newPage();
  const answer = await page.goto(`${idle}/event/1`);
  check(answer.status() === 503, `whatever is asked for: ${answer.status()}`);
  check((await page.$eval("h1", (head) => head.textContent)).includes(title), "it says what it is");
  await lookAt(page, pictures, name);
}

/** Following, removing, a new code. */
async function followedAndRemoved(browser) {
  const page = await open(browser, `${leader}/login`);
  await submit(page, { login: "admin", password });
  await page.goto(`${leader}/admin/standby`);
  const text = () => page.$eval("main", (main) => main.textContent);
  check((await text()).includes("备机跟随正常"), "the follower is seen to follow");
  await lookAt(page, pictures, "standby-paired");
  await pageOfABoxThatDoesNotLead(browser, "这是备机", "standby-follower");
  await page.click("details.confirm summary");
  await press(page, "form[action$='/standby/remove'] button");
  check((await text()).includes("尚无备机"), "it is removed");
  await press(page, "form[action$='/standby/code'] button");
  check((await text()).includes("15 分钟内有效"), "a code is shown once");
  await lookAt(page, pictures, "standby-code");
}

await browse(async (browser) => {
  if (leader === "-") await pageOfABoxThatDoesNotLead(browser, "另一台主机已接管本机", "standby-fenced");
  else await followedAndRemoved(browser);
});
