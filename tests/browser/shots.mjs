// Takes pictures of the main pages: node tests/browser/shots.mjs URL PASSWORD FOLDER. For the README and for looking at one's work.

import { mkdirSync } from "node:fs";
import { browse, open, submit, press, gun } from "./hall.mjs";

const [base, password, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

await browse(async (browser) => {
  for (const [face, size] of Object.entries({ desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 }, dark: { width: 1440, height: 900, dark: true } })) {
    const page = await open(browser, `${base}/login`, size);
    await page.screenshot({ path: `${folder}/login-${face}.png` });
    await submit(page, { login: "admin", password });
    const pages = {
      overview: "/admin", events: "/admin/event", event: "/admin/event/2", edit: "/admin/event/2/edit", types: "/admin/event/2/ticket_type", type: "/admin/event/2/ticket_type/3",
      questions: "/admin/event/2/question", list: "/admin/event/2/registration", one: "/admin/event/2/registration/501", checkin: "/admin/event/2/checkin", scans: "/admin/event/2/scan",
      import: "/admin/event/2/import", account: "/admin/account/1", settings: "/admin/space", audit: "/admin/audit", draws: "/admin/event/2/draw", draw: "/admin/event/2/draw/1", remote: "/admin/event/2/draw/1/remote", "draw-phone": "/draw/1", "draw-verify": "/draw/1/verify", "draw-screen": "/screen/draw/1", designs: "/admin/event/2/design", poster: "/admin/event/2/design/6?open=7", badge: "/admin/event/2/design/7", print: "/admin/event/2/print/7", promotion: "/admin/event/2/promotion", certificates: "/admin/event/1/certificate", sharing: "/event/2/poster", home: "/", invitation: "/event/2", register: "/event/2/register", find: "/ticket/find",
    };
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(base + path);
      await page.screenshot({ path: `${folder}/${name}-${face}.png`, fullPage: ["phone"].includes(face) && !["list", "audit"].includes(name) });
    }
    await page.goto(`${base}/admin/event/2/registration?show=absent`);
    await press(page, "tbody a");
    const number = await page.$eval(".code", (found) => found.textContent.replaceAll(" ", ""));
    await page.goto(`${base}/terminal/2`);
    await gun(page, number);
    await page.waitForSelector(".verdict[data-tone=good]");
    await page.screenshot({ path: `${folder}/terminal-good-${face}.png` });
    await new Promise((resume) => setTimeout(resume, 2600));
    await gun(page, number);
    await page.waitForSelector(".verdict[data-tone=warn]");
    await page.screenshot({ path: `${folder}/terminal-again-${face}.png` });
  }
});
