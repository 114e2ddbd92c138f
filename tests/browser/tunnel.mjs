// The page of the tunnel in a real browser: settings, the key of the box, the host key. Arguments: base URL, set-up code, port of an SSH server on
// this machine, the account there, the fingerprint of its host key. With another argument, a folder, it takes pictures on its way.

import { browse, press, check, lookAt, founded, submit } from "./hall.mjs";

const [base, setupCode, port, user, fingerprint, pictures] = process.argv.slice(2);

await browse(async (browser) => {
  const page = await founded(browser, base, setupCode);
  await page.goto(`${base}/admin/tunnel`);
  await lookAt(page, pictures, "tunnel-empty");
  const save = "form[action='/admin/tunnel'] button:not([type=button])";
  await submit(page, { host: "not a host", base: "hall.example.cn" }, save);
  check((await page.$$(".error, [aria-invalid='true']")).length >= 2, "both wrong fields are named");
  check((await page.$eval("[name='user']", (field) => field.value)) === "huiguan", "the other fields stay");
  await lookAt(page, pictures, "tunnel-wrong");
  await submit(page, { host: "127.0.0.1", port, user, base: "https://hall.example.cn" }, save);
  const text = () => page.$eval("main", (main) => main.textContent);
  for (let tries = 0; tries < 600 && !(await text()).includes(fingerprint); tries++) {
    await new Promise((done) => setTimeout(done, 200));
    await page.goto(`${base}/admin/tunnel`);
  }
  check((await text()).includes(fingerprint), "the fingerprint that the server shows is the server's");
  check((await text()).includes("restrict,port-forwarding,permitlisten"), "and the line for the server is there");
  await lookAt(page, pictures, "tunnel-host-key");
  await press(page, "form[action='/admin/tunnel/accept'] button");
  for (let tries = 0; tries < 600 && !(await text()).includes("服务器不允许本机登录"); tries++) {
    await new Promise((done) => setTimeout(done, 200));
    await page.goto(`${base}/admin/tunnel`);
  }
  check((await text()).includes("服务器不允许本机登录"), "the server does not know the box's key, which is said");
  await lookAt(page, pictures, "tunnel-refused");
});
