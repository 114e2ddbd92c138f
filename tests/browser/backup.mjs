// The page of backups in a real browser: a disk, then another computer with a wrong and a right password. Arguments: base URL, set-up code, folder of
// a disk, address of another computer, password there. With a further argument, a folder, it takes pictures on its way.

import { browse, check, lookAt, founded, submit } from "./hall.mjs";

const save = "main form[action$=\"/admin/backup\"] button[type=submit], main form[action$=\"/admin/backup\"] button.primary";
const [base, setupCode, disk, away, password, pictures] = process.argv.slice(2);

await browse(async (browser) => {
  const page = await founded(browser, base, setupCode);
  const text = () => page.$eval("main", (main) => main.textContent);
  await page.goto(`${base}/admin/backup`);
  await lookAt(page, pictures, "backup-empty");
  await submit(page, { folder: disk }, save);
  check((await text()).includes(disk), "a folder is kept");
  await submit(page, { folder: away, user: "box", secret: "wrong" }, save);
  check((await text()).includes("另一台电脑拒绝了本机"), `a wrong password is told: ${await text()}`);
  check((await page.$eval("[name=folder]", (field) => field.value)) === away, "the other fields stay");
  check((await page.$eval("[name=secret]", (field) => field.value)) === "", "a password is never shown");
  await lookAt(page, pictures, "backup-refused");
  await submit(page, { folder: away, user: "box", secret: password }, save);
  check((await text()).includes(away), "another computer is kept");
  check((await text()).includes("已设置；留空则保持不变"), "that a password is set is shown, and no more");
  check(!(await page.content()).includes(password), "a password is never shown");
  await lookAt(page, pictures, "backup-away");
  await page.goto(`${base}/admin/backup/sheet`);
  check((await text().catch(() => page.$eval("body", (body) => body.textContent))).includes("--secret-file"), "the sheet says how to come back");
});
