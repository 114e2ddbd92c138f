//! Giving money back through WeChat (S0-74): wanted by the secretariat, sent under one number however often, off the order's money when it
//! arrived. The named tickets are taken back at once: nobody comes in on a ticket whose money is on its way back.

use super::{
    ask,
    attempt::of_order,
    hear::{hear_refund, refund_report},
    off,
};
use crate::{Actor, At, Ctx, Error, order};
use domain::{
    Attempt, EventId, Money, Order, OrderId, PayRefund, PayRefundId, Permission, Refusal, SpaceId, TicketId,
    order::{REASON_MAX, check_flow},
    pay::{AttemptState, RefundReport, RefundState, RefundStep, refund_next, refund_number},
    problem, refuse,
    text::Form,
};
use gateway::pay::{NewRefund, Why};
use store::catalogue::{REFUND_BY_NUMBER, REFUND_BY_ORDER};
use store::{Order as Sort, Read};

/// Most refunds of one order; WeChat takes 50 of one payment.
const REFUNDS_MAX: usize = 50;

pub(super) fn refunds_of(view: &impl Read, event: EventId, id: OrderId) -> Result<Vec<PayRefund>, Error> {
    let keys = view.scan_index(&REFUND_BY_ORDER, &(event, id), None, Sort::Ascending);
    let mut all = Vec::new();
    for key in keys.take(REFUNDS_MAX) {
        all.extend(view.get::<PayRefund>(&key?)?);
    }
    Ok(all)
}

fn on_the_way(refunds: &[PayRefund]) -> i64 {
    refunds.iter().filter(|refund| refund.state.is_pending()).map(|refund| refund.amount.fen).sum()
}

/// Whether so much can still be given back: what is on its way through WeChat is not there any more.
pub(crate) fn check_free(view: &impl Read, order: &Order, amount: Money) -> Result<(), Error> {
    let going = on_the_way(&refunds_of(view, order.event, order.id)?);
    if amount.fen > order.sums().balance() - going {
        return Err(refuse!(
            Conflict,
            "pay.on_the_way",
            "{amount} yuan are on their way back through WeChat already.",
            amount = Money::cny(going).to_yuan()
        )
        .into());
    }
    Ok(())
}

/// What the form takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefundInput {
    /// Amount in yuan.
    pub amount: String,
    /// What the buyer reads.
    pub reason: String,
}

/// What is left of a payment to be given back.
pub(super) fn left(attempt: &Attempt, refunds: &[PayRefund]) -> i64 {
    let paid = attempt.received.as_ref().filter(|_| attempt.state == AttemptState::Paid).map_or(0, |paid| paid.fen);
    let gone = refunds.iter().filter(|refund| refund.attempt == attempt.id);
    let gone = gone.filter(|refund| refund.state.is_pending() || refund.state == RefundState::Done);
    paid - gone.map(|refund| refund.amount.fen).sum::<i64>()
}

/// Wants money back to the buyer, and takes the named tickets back. It is sent at once, and by the clock when that fails.
pub async fn want(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: OrderId,
    revision: u32,
    tickets: &[TicketId],
    input: &RefundInput,
) -> Result<PayRefund, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let mut form = Form::default();
    let amount = Money::from_yuan(&input.amount).filter(|amount| amount.fen > 0);
    if amount.is_none() {
        form.wrong(problem!("amount", "Give an amount in yuan above zero, such as 99.50."));
    }
    let reason = form.optional("reason", &input.reason, 80.min(REASON_MAX));
    form.done(())?;
    let (amount, tickets, random) = (amount.unwrap_or_default(), tickets.to_vec(), ctx.random.number());
    let refund = ctx
        .write(&permit, move |work| {
            let order = order::withdraw(work, event, id, revision, &tickets)?;
            check_flow(&order, domain::order::Flow::Out, amount)?;
            check_free(work.read(), &order, amount)?;
            let refunds = refunds_of(work.read(), event, id)?;
            if refunds.len() >= REFUNDS_MAX {
                return Err(refuse!(
                    Conflict,
                    "pay.too_many_refunds",
                    "An order can have at most {max} refunds through WeChat.",
                    max = REFUNDS_MAX
                )
                .into());
            }
            let attempts = of_order(work.read(), event, id)?;
            let most = attempts.iter().map(|attempt| left(attempt, &refunds)).max().unwrap_or(0);
            let attempt = attempts.iter().find(|attempt| left(attempt, &refunds) >= amount.fen).ok_or_else(|| {
                refuse!(
                    Conflict,
                    "pay.refund_too_much",
                    "At most {most} yuan can be given back at once through WeChat.",
                    most = Money::cny(most).to_yuan()
                )
            })?;
            let total = attempt.received.as_ref().map_or(0, |received| received.fen);
            let refund = PayRefund {
                id: PayRefundId(work.next_id::<PayRefund>()?),
                event,
                order: id,
                attempt: attempt.id,
                number: refund_number(&order.number, random),
                payment: (attempt.number.clone(), total),
                amount,
                reason: reason.clone(),
                state: RefundState::Wanted,
                refund: String::new(),
                account: String::new(),
                trouble: String::new(),
                by: work.permit.by,
                created_at: work.now,
                changed_at: work.now,
                taken_at: None,
                done_at: None,
            };
            work.insert(&refund)?;
            let place = format!("event/{event}/order/{id}/refund/{}", refund.number);
            work.audit("pay.refund", place, "", &format!("¥{} {reason}", amount.to_yuan()))?;
            Ok(refund)
        })
        .await?;
    send(ctx, permit.space, &refund).await?;
    Ok(refund)
}

/// Sends a wanted refund, or asks how one stands that was sent. The same number gives money back once.
pub(super) async fn send(ctx: &Ctx, space: SpaceId, refund: &PayRefund) -> Result<(), Error> {
    let answer = match refund.state {
        RefundState::Wanted => {
            ask(ctx, space, |client| async move {
                let (payment, number) = (refund.payment.0.as_str(), refund.number.as_str());
                let (fen, total) = (refund.amount.fen, refund.payment.1);
                client.refund(&NewRefund { payment, number, reason: &refund.reason, fen, total }).await
            })
            .await?
        }
        RefundState::Processing | RefundState::Abnormal => {
            ask(ctx, space, |client| async move { client.refund_query(&refund.number).await }).await?
        }
        RefundState::Done | RefundState::Closed | RefundState::Refused => return Ok(()),
    };
    match answer {
        Ok(facts) if facts.out_refund_no == refund.number => {
            hear_refund(ctx, space, &refund.number, refund_report(&facts)).await?;
        }
        Ok(_) => tracing::error!(number = refund.number, "WeChat answered about another refund"),
        Err(why @ Why::Refused(..)) if refund.state == RefundState::Wanted => {
            let report = RefundReport { trouble: why.to_string(), ..RefundReport::of(RefundStep::Refuse) };
            hear_refund(ctx, space, &refund.number, report).await?;
        }
        Err(why) => tracing::warn!(number = refund.number, %why, "a refund waits"),
    }
    Ok(())
}

/// The secretariat wants a refused refund once more, under its old number.
pub async fn again(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId, number: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    if super::client(ctx, permit.space)?.is_none() {
        return Err(off().into());
    }
    let number = number.to_owned();
    let refund = ctx
        .write(&permit, move |work| {
            let found = work.read().find::<PayRefund, _>(&REFUND_BY_NUMBER, &number)?;
            let found = found.filter(|refund| (refund.event, refund.order) == (event, id));
            let mut refund = found.ok_or_else(|| Refusal::missing("refund"))?;
            let order = order::load(work.read(), event, id)?;
            let state = refund_next(refund.state, RefundStep::Again).ok_or_else(|| {
                refuse!(
                    Conflict,
                    "pay.refund_state",
                    "This refund is not to be sent again. Look at where it stands now."
                )
            })?;
            check_free(work.read(), &order, refund.amount)?;
            let before = refund.state;
            (refund.state, refund.changed_at) = (state, work.now);
            work.put(&refund)?;
            let place = format!("event/{event}/order/{id}/refund/{}", refund.number);
            work.audit("pay.refund_again", place, before.code(), refund.state.code())?;
            Ok(refund)
        })
        .await?;
    send(ctx, permit.space, &refund).await
}
