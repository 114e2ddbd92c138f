// One's own account: the second step with its codes, a passkey of a virtual authenticator, the log-in by both, and the page of a one-time link.
// node tests/browser/account.mjs URL CODE|- LINK|- [PICTURES]

import { createHmac } from "node:crypto";
import { browse, open, submit, press, until, accessible, check, lookAt, founded } from "./hall.mjs";

const [base, code, link, pictures] = process.argv.slice(2);
// Passkeys need a name: the box itself by its own.
const named = base.replace("127.0.0.1", "localhost");
const PASSWORD = "correct horse battery staple";

/** The code of a secret in base32, so many steps from now (RFC 6238). */
function codeOf(secret, ahead = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll("-", "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function secondStep(browser, page) {
  await page.goto(`${named}/admin/session`);
  await lookAt(page, pictures, "own");
  await submit(page, { present: "wrong wrong wrong" }, "form[action='/admin/session/second'] button");
  check((await page.$("#e-present")) !== null, "a wrong password is named at its field");
  await submit(page, { present: PASSWORD }, "form[action='/admin/session/second'] button");
  await lookAt(page, pictures, "offer");
  const secret = await page.$eval("code.key", (found) => found.textContent);
  await submit(page, { code: codeOf(secret, -1) }, "form[action$='/second/on'] button");
  const codes = await page.$$eval(".recovery code", (all) => all.map((one) => one.textContent));
  check(codes.length === 10, "ten recovery codes are shown");
  await lookAt(page, pictures, "recovery");
  await press(page, "main a.button.primary");
  await until(page, "#second .badge", (text) => text === "已开启", "the second step is on");
  await lookAt(page, pictures, "own-on");

  const other = await open(browser, `${named}/login`);
  await lookAt(other, pictures, "login");
  await submit(other, { login: "admin", password: PASSWORD });
  check(other.url().includes("/login/step"), `the password leads to the second step, not to ${other.url()}`);
  await lookAt(other, pictures, "step");
  await submit(other, { code: "12" });
  await until(other, ".notice", (text) => text.includes("验证码错误"), "a wrong code is told");
  await accessible(other);
  await submit(other, { code: codeOf(secret) });
  check(other.url() === `${named}/admin`, `the code leads in, not to ${other.url()}`);
}

/** A virtual authenticator at a page. */
async function authenticator(page) {
  const cdp = await page.createCDPSession();
  await cdp.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  return { cdp, authenticatorId };
}

async function passkeys(page) {
  const { cdp, authenticatorId } = await authenticator(page);
  await page.goto(`${named}/admin/session`);
  await page.$eval("[name=passkey]", (field) => (field.value = "办公室电脑"));
  await page.$eval("[name=own]", (field, typed) => (field.value = typed), PASSWORD);
  await page.$eval("form[action='/admin/session/passkey/new'] button", (button) => button.click());
  await until(page, "#passkeys table", (text) => text.includes("办公室电脑"), "the passkey is on the list");
  await lookAt(page, pictures, "own-passkey");
  const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
  check(credentials.length === 1 && credentials[0].isResidentCredential && credentials[0].rpId === "localhost", `the device keeps it: ${JSON.stringify(credentials)}`);

  await press(page, "form[action='/logout'] button");
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.goto(`${named}/login?back=%2Fadmin%2Fsession`);
  await press(page, "a[href^='/login/passkey']");
  await page.waitForSelector("[data-failed]:not([hidden])");
  await lookAt(page, pictures, "passkey");
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  await press(page, "form[data-passkey] button");
  await page.waitForFunction(() => location.pathname === "/admin/session", { timeout: 10_000 });
  check((await page.$eval("main", (found) => found.textContent)).includes("通行密钥"), "the passkey leads in without password and code");

  await page.$eval("form[action^='/admin/session/passkey/'][action$='/remove'] button", (button) => button.click());
  await page.waitForSelector("#passkeys:not(:has(table))");
  await press(page, "form[action='/logout'] button");
  await page.goto(`${named}/login/passkey`);
  await page.waitForSelector("main .notice");
  await until(page, ".notice", (text) => text.includes("未通过验证"), "a removed passkey lets nobody in");
  await accessible(page);
}

/** A merchant chooses its password, makes a passkey on its account's page, and comes in by it at the merchants' common door. */
async function merchants(browser, admin) {
  await admin.goto(`${named}/admin/merchant/new`);
  await submit(admin, { name: "青松文化", contact: "李经理", phone: "13900000002", login: "qingsong", password: "given pony lantern bucket" });
  const page = await open(browser, `${named}/merchant`);
  await submit(page, { login: "qingsong", password: "given pony lantern bucket" });
  check(page.url() === `${named}/m/2/admin/session`, `a given password leads to the account's page, not to ${page.url()}`);
  await until(page, ".notice", (text) => text.includes("当前密码由他人设置"), "and the page says why");
  await lookAt(page, pictures, "own-first");
  await submit(page, { old: "given pony lantern bucket", password: PASSWORD }, "form[action$='/session/password'] button");
  await page.goto(`${named}/m/2/admin`);
  check(page.url() === `${named}/m/2/admin`, "then everything is open");
  const { cdp, authenticatorId } = await authenticator(page);
  await page.goto(`${named}/m/2/admin/session`);
  await page.$eval("[name=passkey]", (field) => (field.value = "商户前台"));
  await page.$eval("[name=own]", (field, typed) => (field.value = typed), PASSWORD);
  await page.$eval("form[action$='/session/passkey/new'] button", (button) => button.click());
  await until(page, "#passkeys table", (text) => text.includes("商户前台"), "the merchant's passkey is on the list");
  await press(page, "form[action$='/logout'] button");
  for (const door of ["/merchant", "/m/2/login"]) {
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await page.goto(named + door);
    await lookAt(page, pictures, door === "/merchant" ? "merchant-door" : "merchant-login");
    await press(page, "a[href*='/passkey']");
    await page.waitForSelector("[data-failed]:not([hidden])");
    await lookAt(page, pictures, door === "/merchant" ? "merchant-passkey" : "merchant-login-passkey");
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await page.$eval("form[data-passkey] button", (button) => button.click());
    await page.waitForFunction(() => location.pathname === "/m/2/admin", { timeout: 10_000 });
    await press(page, "form[action$='/logout'] button");
  }
  await admin.goto(`${named}/admin/merchant/1`);
  await submit(admin, { reason: "欠费" }, "form[action$='/freeze'] button");
  await page.goto(`${named}/merchant/passkey`);
  await page.waitForSelector("main .notice");
  await until(page, ".notice", (text) => text.includes("未通过验证"), "a frozen merchant's passkey lets nobody in");
  await accessible(page);
}

async function atAnAddressOfDigits(browser) {
  for (const door of ["/login", "/merchant"]) {
    const page = await open(browser, base + door);
    check((await page.$("a[href*='/passkey']")) === null, `no button that cannot work at ${door}`);
  }
}

await browse(async (browser) => {
  if (link !== "-") {
    const page = await open(browser, `${named}${link}`);
    await lookAt(page, pictures, "link");
    await submit(page, { password: "Password2026!" });
    check((await page.$("#e-password")) !== null, "an easy password is named at its field");
    await accessible(page);
    await submit(page, { password: "another good long sentence" });
    check(page.url() === `${named}/admin/session`, `the new password leads in, not to ${page.url()}`);
    await lookAt(page, pictures, "own-logins");
    await page.goto(`${named}/admin/account/1`);
    await lookAt(page, pictures, "account");
    return;
  }
  const page = await founded(browser, named, code);
  await merchants(browser, page);
  await secondStep(browser, page);
  await passkeys(page);
  await atAnAddressOfDigits(browser);
});
console.log("walked");
