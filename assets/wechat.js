// Inside WeChat: its browser gives every page a bridge to its scanner, its place and its share cards, once a signature of the association's
// official account shows that the page is its own. Nothing is loaded from outside; the bridge is spoken to directly.

const NAMES = ["scanQRCode", "geoLocation", "updateAppMessageShareData", "updateTimelineShareData"];
const PATIENCE_MS = 8000;
// What the addresses of this page's space begin with.
const space = /^\/m\/\d+/.exec(location.pathname)?.[0] ?? "";
let signed = null;

/** WeChat's bridge, as soon as it is there. */
function bridge() {
  if (globalThis.WeixinJSBridge) return Promise.resolve(globalThis.WeixinJSBridge);
  return new Promise((resolve, reject) => {
    document.addEventListener("WeixinJSBridgeReady", () => resolve(globalThis.WeixinJSBridge), { once: true });
    setTimeout(() => reject(new Error("no bridge")), PATIENCE_MS);
  });
}

/** The address as WeChat signs it: what stands in front of the fragment. On an iPhone it is that of the page's first opening, and so it is here. */
const address = location.href.split("#")[0];

async function configuration() {
  const asked = await fetch(`${space}/wechat/js?url=${encodeURIComponent(address)}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!asked.ok) throw new Error(String(asked.status));
  return asked.json();
}

/** Asks the bridge for something; answers what it says, or throws its refusal. */
async function ask(name, what, config) {
  const to = await bridge();
  const proof = {
    appId: config.appId, verifyAppId: config.appId, verifySignType: "sha1", verifyTimestamp: String(config.timestamp),
    verifyNonceStr: config.nonceStr, verifySignature: config.signature,
  };
  return new Promise((resolve, reject) => {
    to.invoke(name, { ...what, ...proof }, (answer) => {
      const said = answer?.errMsg ?? answer?.err_msg ?? "";
      if (said.endsWith(":ok")) resolve(answer);
      else reject(new Error(said || "refused"));
    });
  });
}

/** Shows WeChat the signature, once; what is asked of the bridge afterwards is allowed. */
export function ready() {
  signed ??= (async () => {
    const config = await configuration();
    await ask("preVerifyJSAPI", { verifyJsApiList: NAMES }, config);
    return config;
  })();
  return signed;
}

/** Opens WeChat's scanner and answers the code that it read; bar codes come with their kind in front, an iPhone wraps them. */
export async function scan() {
  const answer = await ask("scanQRCode", { needResult: 1, scanType: ["qrCode", "barCode"] }, await ready());
  return code(answer.resultStr ?? "");
}

/** What was scanned, out of what the bridge says. */
export function code(said) {
  if (said.startsWith("{")) {
    try {
      const wrapped = JSON.parse(said);
      if (typeof wrapped.scan_code?.scan_result === "string") return code(wrapped.scan_code.scan_result);
    } catch {
      // It only looks like it.
    }
  }
  return /^[A-Z0-9]+_[A-Z0-9]+,/.test(said) ? said.slice(said.indexOf(",") + 1) : said;
}

/** Where the phone is, as satellites have it: latitude and longitude. */
export async function place() {
  const answer = await ask("geoLocation", { type: "wgs84" }, await ready());
  return [Number(answer.latitude), Number(answer.longitude)];
}

/** Gives the page's share card to WeChat: what its head says. */
async function share() {
  const head = (name) => document.querySelector(`meta[property="og:${name}"]`)?.content ?? "";
  if (!head("title")) return;
  const config = await ready();
  const card = { title: head("title"), desc: head("description"), link: head("url") || address, imgUrl: head("image") };
  await ask("updateAppMessageShareData", card, config);
  await ask("updateTimelineShareData", { title: card.title, link: card.link, imgUrl: card.imgUrl }, config);
  document.documentElement.dataset.wechat = "shared";
}

share().catch((why) => {
  // A page without a share card of its own is shared as any other.
  document.documentElement.dataset.wechat = "plain";
  console.info("wechat:", why.message);
});
