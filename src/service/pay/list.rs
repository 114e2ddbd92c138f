//! What the secretariat and a buyer see of payments through WeChat, and what the archive takes out of them.

use super::{account, attempt, is_offered, refund};
use crate::{Actor, At, Ctx, Error, Permit, order};
use domain::{Attempt, EventId, Order, OrderId, PayRefund, Permission, order::OrderState, pay::Way};
use store::catalogue::{ATTEMPT_OPEN, REFUND_OPEN};
use store::{Order as Sort, Read};

/// What the page of an order shows of payments through WeChat.
#[derive(Debug, Clone, Default)]
pub struct OfOrder {
    /// Attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Refunds, oldest first.
    pub refunds: Vec<PayRefund>,
    /// The most fen that can be given back at once.
    pub most: i64,
}

/// The attempts and refunds of an order.
pub fn of_order(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId) -> Result<OfOrder, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    ctx.read(&permit, |view| {
        let (attempts, refunds) = (attempt::of_order(view, event, id)?, refund::refunds_of(view, event, id)?);
        let most = attempts.iter().map(|attempt| refund::left(attempt, &refunds)).max().unwrap_or(0);
        Ok(OfOrder { attempts, refunds, most })
    })
}

/// What a buyer sees: whether WeChat can be used for this order now, and the attempt that is open, if there is one.
pub fn own(ctx: &Ctx, actor: &Actor, link: &str) -> Result<(bool, Option<Attempt>), Error> {
    ctx.read(&ctx.public(actor), |view| {
        let order: Order = order::find(view, link)?;
        let due = order.state == OrderState::PendingPayment && order.sums().due() > 0;
        if !due || !is_offered(view)? {
            return Ok((false, None));
        }
        let amount = domain::Money::cny(order.sums().due());
        let all = attempt::of_order(view, order.event, order.id)?;
        let (app, _) = account::named(view, None)?;
        let serves = |one: &Attempt| one.serves(amount, &Way::Native, &app, ctx.now());
        let open = all.into_iter().rfind(|one| !one.code.is_empty() && serves(one));
        Ok((true, open))
    })
}

/// What somebody must look at.
#[derive(Debug, Clone, Default)]
pub struct Attention {
    /// Something else was paid than what was asked for.
    pub strange: Vec<Attempt>,
    /// Refunds that WeChat refused or that did not arrive.
    pub refunds: Vec<PayRefund>,
}

/// Most rows of each kind that the page shows.
const ROWS_MAX: usize = 200;

/// Everything that somebody must look at, over all events.
pub fn attention(ctx: &Ctx, actor: &Actor) -> Result<Attention, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Space)?;
    ctx.read(&permit, |view| {
        let mut out = Attention::default();
        for key in view.scan_index(&ATTEMPT_OPEN, &1u8, None, Sort::Descending).take(ROWS_MAX) {
            out.strange.extend(view.get::<Attempt>(&key?)?);
        }
        for key in view.scan_index(&REFUND_OPEN, &1u8, None, Sort::Descending).take(ROWS_MAX) {
            out.refunds.extend(view.get::<PayRefund>(&key?)?);
        }
        Ok(out)
    })
}

/// Takes what says who paid out of an order's attempts and refunds; how much and when stays.
pub(crate) async fn freeze(ctx: &Ctx, permit: &Permit, event: EventId, orders: &[OrderId]) -> Result<(), Error> {
    let orders = orders.to_vec();
    ctx.write(permit, move |work| {
        let mut changed = 0;
        for id in &orders {
            for mut attempt in attempt::of_order(work.read(), event, *id)? {
                if matches!(&attempt.way, Way::Jsapi(openid) if !openid.is_empty()) {
                    attempt.way = Way::Jsapi(String::new());
                    work.put(&attempt)?;
                    changed += 1;
                }
            }
            for mut refund in refund::refunds_of(work.read(), event, *id)? {
                if !refund.account.is_empty() || !refund.reason.is_empty() {
                    (refund.account, refund.reason) = (String::new(), String::new());
                    work.put(&refund)?;
                    changed += 1;
                }
            }
        }
        if changed > 0 {
            work.audit("archive.freeze", format!("event/{event}/archive"), &format!("{changed} payments"), "")?;
        }
        Ok(())
    })
    .await
}
