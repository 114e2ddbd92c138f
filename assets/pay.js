// Paying an order in a page inside WeChat: its own window opens with what the box signed. What counts is what WeChat tells the box afterwards;
// the window's word only makes the page ask.

const PATIENCE_MS = 15000;
const form = document.querySelector("[data-wechat-pay]");

/** WeChat's bridge, as soon as it is there. */
function bridge() {
  if (globalThis.WeixinJSBridge) return Promise.resolve(globalThis.WeixinJSBridge);
  return new Promise((resolve, reject) => {
    document.addEventListener("WeixinJSBridgeReady", () => resolve(globalThis.WeixinJSBridge), { once: true });
    setTimeout(() => reject(new Error("no bridge")), PATIENCE_MS);
  });
}

/** What the box signed. */
async function parameters() {
  const asked = await fetch(form.dataset.wechatPay, { method: "POST", headers: { accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!asked.ok) throw new Error(String(asked.status));
  return asked.json();
}

/** Opens the window; answers whether it says that it was paid. */
async function pay() {
  const [to, what] = await Promise.all([bridge(), parameters()]);
  return new Promise((resolve) => {
    to.invoke("getBrandWCPayRequest", what, (answer) => resolve((answer?.err_msg ?? "").endsWith(":ok")));
  });
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [button, told] = [form.querySelector("button"), form.querySelector("[data-unpaid]")];
  button.disabled = true;
  told.textContent = "";
  try {
    if (await pay()) {
      form.action = form.dataset.paid;
      form.submit();
      return;
    }
    told.textContent = told.dataset.unpaid;
  } catch (why) {
    console.info("pay:", why.message);
    // Without the window: the code, for another phone. What was refused is said there.
    form.submit();
    return;
  }
  button.disabled = false;
  delete form.dataset.sent;
});
