// @wecom/crypto as an independent peer: opens what we sealed, and seals for us to open. Speaks JSON over standard input and output.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const tools = process.env.HUIGUAN_TEST_TOOLS ?? "/var/tmp/huiguan-test-tools";
const { decrypt, encrypt, getSignature, getJsApiSignature } = createRequire(join(tools, "package.json"))("@wecom/crypto");

const asked = JSON.parse(readFileSync(0, "utf8"));
const opened = asked.sealed.map((one) => {
  if (getSignature(asked.token, one.timestamp, one.nonce, one.encrypt) !== one.signature) throw new Error("the signature does not fit");
  const { message, id } = decrypt(asked.key, one.encrypt);
  if (id !== asked.id) throw new Error(`for ${id}`);
  return message;
});
const sealed = asked.messages.map((message, number) => {
  const [sent, nonce] = [encrypt(asked.key, message, asked.id), `peer${number}`];
  return { encrypt: sent, signature: getSignature(asked.token, asked.timestamp, nonce, sent), timestamp: asked.timestamp, nonce };
});
const { noncestr, timestamp, url, ticket } = asked.page;
const page = getJsApiSignature({ nonceStr: noncestr, timestamp, url, ticket }).signature;
process.stdout.write(JSON.stringify({ opened, sealed, page }));
