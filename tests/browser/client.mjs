// API clients: made, used by HTTP, renewed and revoked on their pages, with what those look like empty, full and refused.
// node tests/browser/client.mjs URL CODE [PICTURES]

import { browse, submit, press, check, until, lookAt, founded, makeEvent } from "./hall.mjs";

const [base, code, pictures] = process.argv.slice(2);

/** The day so many days from now at the association. */
const day = (days) => new Date(Date.now() + days * 86_400_000 + 8 * 3600_000).toISOString().slice(0, 10);

/** Status and body of a request with that secret. */
async function ask(secret, path) {
  const answer = await fetch(base + path, { headers: { authorization: `Bearer ${secret}` } });
  return [answer.status, await answer.json()];
}

const MAKE = "form[action='/admin/client'] button";

/** Makes a client; answers its secret. */
async function make(page, name, scopes, more = {}) {
  await page.goto(`${base}/admin/client`);
  for (const scope of scopes) await page.$eval(`[name=scopes][value="${scope}"]`, (box) => (box.checked = true));
  await submit(page, { name, purpose: "签到数据同步，李工负责", ...more }, MAKE);
  return page.$eval("code.secret", (found) => found.textContent);
}

await browse(async (browser) => {
  const page = await founded(browser, base, code);
  const event = (await makeEvent(page, base, "年度会员大会")).split("/").pop();
  const totals = `/api/v1/helper/totals?event=${event}`;

  await page.goto(`${base}/admin`);
  await press(page, ".side a[href='/admin/client']");
  await lookAt(page, pictures, "client-none");
  await submit(page, { name: "大屏统计", purpose: "展厅大屏", until: day(600), networks: "10.0.0.300" }, MAKE);
  check((await page.$("#e-scopes")) && (await page.$("#e-until")) && (await page.$("#e-networks")), "each field says what is wrong");
  check((await page.$eval("[name=name]", (field) => field.value)) === "大屏统计", "what was typed stays");
  await lookAt(page, pictures, "client-error");

  const secret = await make(page, "大屏统计", ["event.view"], { networks: "127.0.0.1, ::1" });
  check(/^hgc_[A-Z2-9]+_[A-Z2-9]{32}$/.test(secret), `a secret shows what it is: ${secret.slice(0, 4)}`);
  await lookAt(page, pictures, "client-made");
  await page.goto(`${base}/admin/client`);
  check(!(await page.content()).includes(secret), "it is not shown again");
  check((await ask(secret, totals))[0] === 200, "the program asks");
  check((await ask(secret, `/api/v1/helper/people?event=${event}`))[1].code === "client.scope", "and no farther than its scopes");

  const soon = await make(page, "短期对账", ["registration.view", "order.review"], { until: day(5) });
  check((await ask(soon, `/api/v1/helper/people?event=${event}`))[0] === 200, "the other one asks too");
  await make(page, "东门闸机", ["checkin.scan", "checkin.mark"]);
  await page.goto(`${base}/admin/client`);
  await until(page, "tbody", (text) => text.includes("天后到期"), "the end is near");
  await lookAt(page, pictures, "client-many");

  await press(page, "tbody tr:last-child a[href^='/admin/client/']");
  await lookAt(page, pictures, "client-one");
  await submit(page, { until: day(90), overlap: "3" }, "form[action$='/renew'] button");
  const renewed = await page.$eval("code.secret", (found) => found.textContent);
  check(renewed !== secret && (await ask(renewed, totals))[0] === 200, "the new secret works");
  check((await ask(secret, totals))[0] === 200, "the old one goes on for three days");
  await lookAt(page, pictures, "client-renewed");

  await page.goto(`${base}/admin/client`);
  await press(page, "form[action='/admin/client/1/revoke'] button");
  await until(page, "tbody", (text) => text.includes("已撤销"), "it is revoked");
  for (const one of [secret, renewed]) check((await ask(one, totals))[1].code === "client.revoked", "both secrets are shut out");
  await lookAt(page, pictures, "client-revoked");
});
console.log("walked");
