// The first steps of a new hall in a real browser, on a phone, in both languages: bad input keeps the form, each step is left in its way, the box is
// killed in between, another browser goes on. Arguments: base URL, set-up code; the box is stopped and started on request by lines on standard output
// and input. With another argument, a folder, it takes pictures on its way.

import { createInterface } from "node:readline";
import { browse, open, submit, press, check, lookAt } from "./hall.mjs";

const [base, setupCode, pictures] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const PASSWORD = "correct horse battery staple";
const PHONE = { width: 390, height: 844 };

/** Asks whoever runs this to do something to the box, and waits until it is done. */
async function box(what) {
  console.log(what);
  const { value } = await answers.next();
  check(value === "done", `the box did not ${what}`);
}

const text = (page) => page.$eval("main", (main) => main.textContent);
const leave = (page, way) => press(page, `form[action='/admin/start/leave'] button[value='${way}']`);

/** The page is of that step. */
async function at(page, path, number, said = `第 ${number} 步，共 8 步`) {
  check(new URL(page.url()).pathname === path, `step ${number} is on ${path}, not on ${page.url()}`);
  check((await text(page)).includes(said), `the strip says “${said}” on ${page.url()}`);
}

async function look(page, name) {
  await lookAt(page, pictures, `start-${name}`);
}

await browse(async (browser) => {
  const page = await open(browser, `${base}/setup`, PHONE);
  await submit(page, { code: setupCode, name: "青松协会", admin_name: "林秘书", login: "admin", password: PASSWORD });
  await at(page, "/admin/start/language", 1);
  await look(page, "language");
  // In English; the strip speaks it at once.
  await press(page, "main form[action='/language'] button[lang='en']");
  await at(page, "/admin/start/language", 1, "Step 1 of 8");
  await look(page, "language-english");
  await leave(page, "on");
  await at(page, "/admin/start/association", 2, "Step 2 of 8");
  const save = "main form.form button.primary";
  await submit(page, { name: "青松", app_name: "x".repeat(40) }, save);
  check((await page.$("#e-app_name")) !== null, "the name that is too long is named");
  check((await page.$eval("[name=name]", (field) => field.value)) === "青松", "the other field stays");
  await look(page, "association-wrong");
  await submit(page, { name: "青松协会", app_name: "青松" }, save);
  await at(page, "/admin/start/zone", 3, "Step 3 of 8");
  check((await page.$eval(".brand", (brand) => brand.textContent)).includes("青松"), "the head has the short name");
  await submit(page, { zone: "Mars/Phobos" }, save);
  check((await page.$eval("[name=zone]", (field) => field.value)) === "Mars/Phobos", "what was typed stays");
  check((await page.$("#e-zone")) !== null, "and is named");
  await look(page, "zone-wrong");
  await submit(page, { zone: "Asia/Shanghai" }, save);
  await at(page, "/admin/session", 4, "Step 4 of 8");
  await look(page, "second");
  await leave(page, "back");
  await at(page, "/admin/start/zone", 3, "Step 3 of 8");
  await leave(page, "on");
  await leave(page, "skip");
  await at(page, "/admin/start/certificate", 5, "Step 5 of 8");
  await look(page, "certificate");

  // The power goes; on another browser of the same account it goes on there, in Chinese.
  await box("stop");
  await box("start");
  const other = await open(browser, `${base}/login`, PHONE);
  await submit(other, { login: "admin", password: PASSWORD });
  await other.goto(`${base}/admin`);
  check((await text(other)).includes("第 5 步，共 8 步"), "the overview leads back into the steps");
  await look(other, "overview-under-way");
  await press(other, "main a[href='/admin/start']");
  await at(other, "/admin/start/certificate", 5);
  await leave(other, "skip");
  await at(other, "/admin/backup", 6);
  await submit(other, { folder: "mnt" }, "form[action='/admin/backup'] button:not([type=button])");
  check((await other.$eval("[name=folder]", (field) => field.value)) === "mnt", "the folder stays as it was typed");
  await at(other, "/admin/backup", 6);
  await look(other, "backup-wrong");
  await leave(other, "skip");
  await at(other, "/admin/tunnel", 7);
  await look(other, "tunnel");
  // Whoever pressed on the older page meanwhile comes to the step that is due.
  await leave(page, "skip");
  await at(page, "/admin/tunnel", 7, "Step 7 of 8");
  await leave(other, "skip");
  await at(other, "/admin/wechat", 8);
  await look(other, "wechat");
  await leave(other, "skip");
  check(new URL(other.url()).pathname === "/admin", "the steps end on the overview");
  const left = async () => other.$$eval("[aria-labelledby='start'] li strong", (all) => all.map((one) => one.textContent));
  check((await left()).join() === "第二步验证或通行密钥,加密连接,公网隧道,微信与企业微信", `what was skipped is left: ${await left()}`);
  await look(other, "overview");
  await press(other, "[aria-labelledby='start'] li:last-child button");
  check((await left()).length === 3, "what is not needed is taken off");
  await other.goto(`${base}/admin/tunnel`);
  check((await other.$("form[action='/admin/start/leave']")) === null, "the strip is gone");
});
console.log("walked");
// An open input would keep this process alive.
process.stdin.destroy();
