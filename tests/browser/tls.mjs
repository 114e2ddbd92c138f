// HTTP/2 by TLS as a browser speaks it: agreed on, the box's links begin with the address that was asked for, and a form goes through.
// node tests/browser/tls.mjs URL ROOT

import http2 from "node:http2";
import { readFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";

const [base, root] = process.argv.slice(2);
const ca = new X509Certificate(readFileSync(root)).toString();
const session = http2.connect(base, { ca });

function ask(headers, body = "") {
  return new Promise((done, failed) => {
    const stream = session.request(headers, { endStream: !body });
    let status = 0;
    let text = "";
    stream.setEncoding("utf8");
    stream.on("response", (answer) => { status = answer[":status"]; });
    stream.on("data", (part) => { text += part; });
    stream.on("end", () => done({ status, text }));
    stream.on("error", failed);
    if (body) stream.end(body);
  });
}

function check(fine, what) {
  if (!fine) {
    console.error(`FAILED: ${what}`);
    process.exit(1);
  }
}

const page = await ask({ ":path": "/root" });
check(session.alpnProtocol === "h2", `HTTP/2 is agreed on, not ${session.alpnProtocol}`);
check(page.status === 200 && page.text.includes(`${base}/root`), `links begin with ${base}`);
const form = { ":path": "/login", ":method": "POST", "content-type": "application/x-www-form-urlencoded" };
const wrong = await ask({ ...form, origin: base, "sec-fetch-site": "same-origin" }, "login=admin&password=wrong");
const isForm = (answer) => answer.status === 403 && answer.text.includes('name="password"');
check(isForm(wrong), `a wrong password brings the form back, not ${wrong.status} ${wrong.text}`);
const foreign = await ask({ ...form, origin: "https://evil.example", "sec-fetch-site": "cross-site" }, "login=admin&password=wrong");
check(foreign.status === 403 && !isForm(foreign), `another site's form is refused with ${foreign.status}`);
const byOrigin = await ask({ ...form, origin: base }, "login=admin&password=wrong");
check(isForm(byOrigin), `the same origin is known without fetch metadata, not refused with ${byOrigin.status}`);
session.close();
