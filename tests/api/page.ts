// A page of a mini-program, from logging in to the door. It is compiled by the types of the description, and is an example for whoever writes one.
import { Hall, Refused } from "./client";

const hall = new Hall("https://hall.example.org");

/** A key for a request that is to be done once. */
const key = (what: string): string => `${what}-${Date.now()}-${Math.random().toString(36).slice(2)}`;

const code = (): Promise<string> =>
  new Promise((resolve, reject) => wx.login({ success: (result) => resolve(result.code), fail: (why) => reject(new Error(why.errMsg)) }));

/** Logs in by `wx.login`; `phone_code` is what the phone button gave, if it was pressed. */
export async function logIn(phone_code = ""): Promise<string> {
  const session = await hall.call("post", "/api/v1/sessions/wechat", { body: { code: await code(), phone_code, device: "mini-program" } });
  hall.token = session.token;
  const me = await hall.call("get", "/api/v1/me");
  return me.phone_proved ? me.name : "";
}

/** All events, part by part. */
export async function events(): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const part = await hall.call("get", "/api/v1/events", { query: { cursor, limit: 50 } });
    names.push(...part.items.map((event) => `${event.name} ${new Date(event.starts).toISOString()} ${event.cover ?? ""}`));
    cursor = part.next ?? undefined;
  } while (cursor);
  return names;
}

/** Registers somebody for the first ticket type that is open; sent again with the same key it stays one order. */
export async function register(event: number, name: string, phone: string, once = key("order")): Promise<string> {
  const shown = await hall.call("get", "/api/v1/events/{event}", { path: { event } });
  const kind = shown.ticket_types.find((one) => one.offer === "open" && !one.companion);
  if (!kind) return "";
  const body = { people: [{ ticket_type: kind.id, name, phone }] };
  const quote = await hall.call("post", "/api/v1/events/{event}/quote", { path: { event }, body });
  const order = await hall.call("post", "/api/v1/events/{event}/orders", { path: { event }, body, key: once });
  return quote.total === order.total ? order.link : "";
}

/** Pays inside the mini-program; what counts is what the box hears from WeChat. */
export async function pay(link: string): Promise<boolean> {
  const payment = await hall.call("post", "/api/v1/orders/{link}/pay", { path: { link }, body: { way: "wechat" }, key: key("pay") });
  const what = payment.wechat;
  if (!what) return false;
  const { timeStamp, nonceStr, signType, paySign } = what;
  await new Promise<void>((resolve, reject) =>
    wx.requestPayment({ timeStamp, nonceStr, package: what.package, signType, paySign, success: resolve, fail: (why) => reject(new Error(why.errMsg)) }),
  );
  const order = await hall.call("post", "/api/v1/orders/{link}/paid", { path: { link } });
  return order.state === "paid" && order.due === 0;
}

/** The number that the door scans, of the next ticket. */
export async function ticket(): Promise<string | undefined> {
  const own = await hall.call("get", "/api/v1/me/tickets", { query: { limit: 1 } });
  const link = own.items[0]?.link;
  if (link === undefined) return undefined;
  const shown = await hall.call("get", "/api/v1/tickets/{link}", { path: { link } });
  return shown.checked_in === null ? shown.number : undefined;
}

/** A helper at the door: the ticket's holder becomes one, and scans. */
export async function help(link: string): Promise<string> {
  const door = new Hall("https://hall.example.org");
  const device = await hall.call("post", "/api/v1/tickets/{link}/helper", { path: { link } });
  door.token = device.token;
  const scanned = await new Promise<string>((resolve, reject) =>
    wx.scanCode({ success: (result) => resolve(result.result), fail: (why) => reject(new Error(why.errMsg)) }),
  );
  try {
    const said = await door.call("post", "/api/v1/checkin/redeem", { body: { code: scanned, nonce: key("scan") } });
    const totals = await door.call("get", "/api/v1/helper/totals");
    return `${said.verdict} ${said.person?.name ?? ""} ${totals.admitted}`;
  } catch (error) {
    if (error instanceof Refused) return `${error.fault.code} ${error.fault.fields.map((field) => field.message).join()}`;
    throw error;
  }
}
