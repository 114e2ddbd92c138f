//! The page on which a payment of the stand-in is made by hand: what WeChat shows after scanning, as plainly as can be.

use super::book::{Order, State};
use crate::standin::escaped;
use domain::Money;

const STYLE: &str = "body{font:18px/1.6 \"PingFang SC\",\"Microsoft YaHei\",\"Noto Sans CJK SC\",system-ui,sans-serif;margin:0 auto;max-width:26rem;padding:2rem 1rem;text-align:center;color:#1f2421;background:#f4f6f4}.sum{font-size:2.6rem;margin:.4em 0;font-variant-numeric:tabular-nums}button{font:inherit;width:100%;min-height:52px;border:0;border-radius:8px;background:#0a6b3b;color:#fff}.dim{color:#59605b}";

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body><main><p class=\"dim\">微信支付替身（演示）</p><h1>{title}</h1>{body}</main></body></html>"
    )
}

/// The page of an order; none when there is no such order.
pub fn of(order: Option<&Order>) -> String {
    let Some(order) = order else { return page("没有这笔订单", "<p>二维码无效。</p>") };
    let text = |name: &str| order.asked.get(name).and_then(serde_json::Value::as_str).map(escaped).unwrap_or_default();
    let fen = order.asked.get("amount").and_then(|amount| amount.get("total")).and_then(serde_json::Value::as_i64);
    let sum = Money::cny(fen.unwrap_or(0)).to_yuan();
    let facts = format!("<p>{}</p><p class=\"sum\">¥{sum}</p>", text("description"));
    match order.state {
        State::NotPay => page(
            "确认付款",
            &format!(
                "{facts}<form method=\"post\"><button>立即支付</button></form><p class=\"dim\">不会产生真实扣款。</p>"
            ),
        ),
        State::Success => page("支付成功", &format!("{facts}<p>可以返回订单页面了。</p>")),
        State::Closed => page("订单已关闭", &format!("{facts}<p>已超过付款时间，或订单已取消。</p>")),
    }
}
