//! What the stand-in remembers and by which rules it changes: orders, refunds, bills. As the documents have it, errors included.

use super::key;
use crate::pay::{time, time_text};
use domain::{Money, Time, time::SECOND};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An error as WeChat answers it: HTTP status, code, words.
pub type Wrong = (u16, &'static str, &'static str);

/// Where an order stands at the stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can be paid.
    NotPay,
    /// It was paid.
    Success,
    /// It cannot be paid any more.
    Closed,
}

/// An order at the stand-in.
#[derive(Debug, Clone)]
pub struct Order {
    /// The request that made it.
    pub asked: Value,
    /// The last part of what the QR code holds, or the number of the prepared payment.
    pub code: String,
    /// How it is paid.
    pub kind: &'static str,
    /// Where it stands.
    pub state: State,
    /// What was paid, in fen and in which currency.
    pub paid: (i64, String),
    /// WeChat's number.
    pub transaction: String,
    /// When it was paid.
    pub at: Time,
    /// Until when it can be paid.
    pub until: Time,
}

/// A refund at the stand-in.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Our number of the payment.
    pub payment: String,
    /// WeChat's number.
    pub refund: String,
    /// Fen that go back.
    pub fen: i64,
    /// `PROCESSING`, `SUCCESS`, `CLOSED`, `ABNORMAL`.
    pub status: &'static str,
    /// When it was taken.
    pub at: Time,
}

/// Everything that was asked of the stand-in.
#[derive(Debug, Default)]
pub struct Book {
    /// Orders by our number.
    pub orders: BTreeMap<String, Order>,
    /// Refunds by our number.
    pub refunds: BTreeMap<String, Refund>,
    /// Apps that are bound to the merchant's number, beside [`key::APPID`].
    pub apps: Vec<String>,
    /// Of which app an openid is; none: nobody's. Where nothing tells, every openid is taken.
    pub openids: Option<Openids>,
    count: u64,
}

/// Answers the app of an openid.
pub type AppOf = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Tells of which app an openid is.
#[derive(Clone)]
pub struct Openids(pub AppOf);

impl std::fmt::Debug for Openids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Openids")
    }
}

const PARAM: &str = "PARAM_ERROR";

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or("")
}

fn fen(body: &Value, name: &str) -> i64 {
    body.get("amount").and_then(|amount| amount.get(name)).and_then(Value::as_i64).unwrap_or(0)
}

fn is_number(number: &str, most: usize) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-|*@".contains(&b);
    (6..=most).contains(&number.len()) && number.bytes().all(plain)
}

/// A notification's address: encrypted, without a query; the stand-in takes the box itself without encryption.
fn is_notify(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|base| url.starts_with(base));
    url.len() <= 256 && !url.contains('?') && (local || url.starts_with("https://"))
}

impl Book {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// `POST /v3/pay/transactions/native` and `…/jsapi`; answers the order's code.
    pub fn order(&mut self, kind: &'static str, body: &Value, now: Time) -> Result<String, Wrong> {
        let number = text(body, "out_trade_no").to_owned();
        let until = time(text(body, "time_expire"));
        let sound = is_number(&number, 32)
            && (1..=127).contains(&text(body, "description").chars().count())
            && fen(body, "total") >= 1
            // Left out, it is CNY.
            && body.get("amount").is_some_and(|amount| matches!(text(amount, "currency"), "" | "CNY"))
            && is_notify(text(body, "notify_url"))
            && until.is_none_or(|until| until > now);
        if !sound {
            return Err((400, PARAM, "参数错误"));
        }
        let app = text(body, "appid");
        let bound = app == key::APPID || self.apps.iter().any(|known| known == app);
        if !bound || text(body, "mchid") != key::MCHID {
            return Err((400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配"));
        }
        if kind == "JSAPI" {
            let openid = body.get("payer").map_or("", |payer| text(payer, "openid"));
            if openid.is_empty() {
                return Err((400, PARAM, "缺少openid"));
            }
            // An openid is good in its own app alone.
            if self.openids.as_ref().is_some_and(|known| (known.0)(openid).as_deref() != Some(app)) {
                return Err((400, PARAM, "appid和openid不匹配"));
            }
        }
        let known = self.find(&number, now).cloned();
        match known {
            Some(known) if known.state == State::Success => return Err((400, "ORDERPAID", "该订单已支付")),
            Some(known) if known.state == State::Closed => return Err((400, "ORDER_CLOSED", "订单已关闭")),
            Some(known) if known.asked != *body || known.kind != kind => {
                return Err((400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致"));
            }
            Some(known) => return Ok(known.code),
            None => {}
        }
        let code = format!("wx{:014}{:06}", now.0.div_euclid(SECOND), self.next());
        let order = Order {
            asked: body.clone(),
            code: code.clone(),
            kind,
            state: State::NotPay,
            paid: (0, String::new()),
            transaction: String::new(),
            at: now,
            until: until.unwrap_or(now.plus(2 * domain::time::HOUR)),
        };
        self.orders.insert(number, order);
        Ok(code)
    }

    /// An order as it stands now: what was not paid in time is closed.
    pub fn find(&mut self, number: &str, now: Time) -> Option<&mut Order> {
        let order = self.orders.get_mut(number)?;
        if order.state == State::NotPay && now >= order.until {
            order.state = State::Closed;
        }
        Some(order)
    }

    /// The number of the order with that code.
    pub fn of_code(&self, code: &str) -> Option<String> {
        self.orders.iter().find(|(_, order)| order.code == code).map(|(number, _)| number.clone())
    }

    /// Somebody pays; another amount than the asked one only where a test wants it.
    pub fn pay(&mut self, number: &str, paid: Option<(i64, &str)>, now: Time) -> Result<(), Wrong> {
        let transaction = format!("42000{:023}", self.next());
        let order = self.find(number, now).ok_or((404, "ORDER_NOT_EXIST", "订单不存在"))?;
        match order.state {
            State::Success => Err((400, "ORDERPAID", "该订单已支付")),
            State::Closed => Err((400, "ORDER_CLOSED", "订单已关闭")),
            State::NotPay => {
                let asked = (fen(&order.asked, "total"), "CNY");
                let (fen, currency) = paid.unwrap_or(asked);
                (order.state, order.at, order.transaction) = (State::Success, now, transaction);
                order.paid = (fen, currency.to_owned());
                Ok(())
            }
        }
    }

    /// `GET /v3/pay/transactions/out-trade-no/…`, which is also what a notification holds.
    pub fn trade(&mut self, number: &str, now: Time) -> Result<Value, Wrong> {
        let refunded = self.refunds.values().any(|refund| refund.payment == number);
        let order = self.find(number, now).ok_or((404, "ORDER_NOT_EXIST", "订单不存在"))?;
        let mut out = json!({
            "appid": text(&order.asked, "appid"), "mchid": key::MCHID, "out_trade_no": number, "trade_type": order.kind, "bank_type": "OTHERS",
            "trade_state": match order.state { State::NotPay => "NOTPAY", State::Success if refunded => "REFUND", State::Success => "SUCCESS", State::Closed => "CLOSED" },
            "trade_state_desc": "", "amount": { "total": fen(&order.asked, "total"), "currency": "CNY" },
        });
        if let (State::Success, Some(out)) = (order.state, out.as_object_mut()) {
            let (fen, currency) = &order.paid;
            out.insert("transaction_id".into(), order.transaction.clone().into());
            out.insert("success_time".into(), time_text(order.at).into());
            let payer = order.asked.get("payer").cloned();
            out.insert("payer".into(), payer.unwrap_or_else(|| json!({ "openid": "oStandIn" })));
            let amount = json!({ "total": fen, "payer_total": fen, "currency": currency, "payer_currency": currency });
            out.insert("amount".into(), amount);
        }
        Ok(out)
    }

    /// `POST …/close`.
    pub fn close(&mut self, number: &str, now: Time) -> Result<(), Wrong> {
        let order = self.find(number, now).ok_or((404, "ORDER_NOT_EXIST", "订单不存在"))?;
        if order.state == State::Success {
            return Err((400, "ORDERPAID", "该订单已支付"));
        }
        order.state = State::Closed;
        Ok(())
    }

    /// `POST /v3/refund/domestic/refunds`.
    pub fn refund(&mut self, body: &Value, now: Time) -> Result<Value, Wrong> {
        let (payment, number) = (text(body, "out_trade_no").to_owned(), text(body, "out_refund_no").to_owned());
        let wanted = fen(body, "refund");
        if !is_number(&number, 64) || wanted < 1 || text(body, "reason").chars().count() > 80 {
            return Err((400, PARAM, "参数错误"));
        }
        let order = self.find(&payment, now).ok_or((404, "RESOURCE_NOT_EXISTS", "订单不存在"))?.clone();
        if order.state != State::Success {
            return Err((400, "INVALID_REQUEST", "订单未支付，不可退款"));
        }
        if let Some(known) = self.refunds.get(&number) {
            if known.payment != payment || known.fen != wanted {
                return Err((400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致"));
            }
            return self.refund_of(&number);
        }
        let back: i64 = self
            .refunds
            .values()
            .filter(|one| one.payment == payment && one.status != "CLOSED")
            .map(|one| one.fen)
            .sum();
        if fen(body, "total") != order.paid.0 || back + wanted > order.paid.0 {
            return Err((400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致"));
        }
        let refund = format!("50300{:023}", self.next());
        self.refunds.insert(number.clone(), Refund { payment, refund, fen: wanted, status: "PROCESSING", at: now });
        self.refund_of(&number)
    }

    /// `GET /v3/refund/domestic/refunds/…`.
    pub fn refund_of(&self, number: &str) -> Result<Value, Wrong> {
        let missing = (404, "RESOURCE_NOT_EXISTS", "退款单不存在");
        let refund = self.refunds.get(number).ok_or(missing)?;
        let order = self.orders.get(&refund.payment).ok_or(missing)?;
        let mut out = json!({
            "refund_id": refund.refund, "out_refund_no": number, "transaction_id": order.transaction, "out_trade_no": refund.payment,
            "channel": "ORIGINAL", "user_received_account": "支付用户零钱", "create_time": time_text(refund.at), "status": refund.status,
            "amount": { "total": order.paid.0, "refund": refund.fen, "payer_total": order.paid.0, "payer_refund": refund.fen, "currency": "CNY" },
        });
        if let ("SUCCESS", Some(out)) = (refund.status, out.as_object_mut()) {
            out.insert("success_time".into(), time_text(refund.at).into());
        }
        Ok(out)
    }

    /// The trade bill of a day in China, as a file.
    pub fn trade_bill(&self, day: &str) -> Option<String> {
        let mut out = String::from(
            "\u{feff}交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n",
        );
        let yuan = |fen: i64| Money::cny(fen).to_yuan();
        let (mut count, mut paid, mut back) = (0, 0, 0);
        for (number, order) in &self.orders {
            if order.state != State::Success || !time_text(order.at).starts_with(day) {
                continue;
            }
            let (at, total) = (time_text(order.at).replace('T', " "), yuan(order.paid.0));
            out.push_str(&format!("`{at},`{},`{},`0,`,`{},`{number},`oStandIn,`{},`SUCCESS,`OTHERS,`CNY,`{total},`0.00,`0,`0,`0.00,`0.00,`,`,`x,`,`0.00000,`0.00%,`{total},`0.00,`\r\n",
                key::APPID,
                key::MCHID,
                order.transaction,
                order.kind));
            (count, paid) = (count + 1, paid + order.paid.0);
        }
        for (number, refund) in &self.refunds {
            let Some(order) = self.orders.get(&refund.payment).filter(|_| time_text(refund.at).starts_with(day)) else {
                continue;
            };
            let (at, fen) = (time_text(refund.at).replace('T', " "), yuan(refund.fen));
            out.push_str(&format!("`{at},`{},`{},`0,`,`{},`{},`oStandIn,`{},`REFUND,`OTHERS,`CNY,`0.00,`0.00,`{},`{number},`{fen},`0.00,`ORIGINAL,`{},`x,`,`0.00000,`0.00%,`0.00,`{fen},`\r\n",
                key::APPID,
                key::MCHID,
                order.transaction,
                refund.payment,
                order.kind,
                refund.refund,
                refund.status));
            (count, back) = (count + 1, back + refund.fen);
        }
        let (paid, back) = (yuan(paid), yuan(back));
        out.push_str(&format!("总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`{count},`{paid},`{back},`0.00,`0.00000,`{paid},`{back}\r\n"));
        (count > 0).then_some(out)
    }

    /// The fund bill of a day in China, as a file.
    pub fn fund_bill(&self, day: &str) -> Option<String> {
        let mut out = String::from(
            "\u{feff}记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号\r\n",
        );
        let yuan = |fen: i64| Money::cny(fen).to_yuan();
        let mut count = 0;
        let paid = self.orders.iter().filter(|(_, order)| order.state == State::Success);
        let paid = paid.map(|(number, order)| (order.at, number, "交易", "收入", order.paid.0));
        let back = self.refunds.iter().map(|(number, refund)| (refund.at, number, "退款", "支出", refund.fen));
        for (at, number, kind, flow, fen) in paid.chain(back).filter(|(at, ..)| time_text(*at).starts_with(day)) {
            let at = time_text(at).replace('T', " ");
            out.push_str(&format!(
                "`{at},`{number},`{number},`{kind},`{kind},`{flow},`{},`0.00,`system,`,`{number}\r\n",
                yuan(fen)
            ));
            count += 1;
        }
        out.push_str(&format!("资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`{count},`0,`0.00,`0,`0.00\r\n"));
        (count > 0).then_some(out)
    }
}
