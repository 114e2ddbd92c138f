//! The one door for what is heard of payments and refunds: from notifications, from answers, from questions asked again. Sent twice, late or in
//! the wrong order, it counts once.

use super::{account, client, off};
use crate::{Ctx, Error, Work, order};
use domain::{
    Attempt, Money, PayRefund, Refusal, SpaceId, Time,
    order::EntryDetails,
    pay::{AttemptState, Heard, Received, RefundReport, RefundState, RefundStep, Report},
    payment::Method,
    refuse,
};
use gateway::pay::{
    Merchant, RefundFacts, Signed, Trade, Unproven,
    notice::{Told, Unread, read},
    time,
};
use store::Read;
use store::catalogue::{ATTEMPT_BY_NUMBER, REFUND_BY_NUMBER};

pub(super) fn subject(attempt: &Attempt) -> String {
    format!("event/{}/order/{}/pay/{}", attempt.event, attempt.order, attempt.number)
}

pub(super) fn words(attempt: &Attempt) -> String {
    let received = attempt.received.as_ref().map_or(String::new(), |received| {
        format!(", received {} {} by {}", Money::cny(received.fen).to_yuan(), received.currency, received.transaction)
    });
    format!("{} {}{received}", attempt.state.code(), attempt.amount.to_yuan())
}

fn details(amount: Money, reference: &str, note: &str) -> EntryDetails {
    EntryDetails { amount, method: Method::Wechat, reference: reference.to_owned(), note: note.to_owned() }
}

/// Puts money of an attempt onto its order.
pub(super) fn credit(work: &mut Work<'_, '_>, attempt: &Attempt, amount: Money) -> Result<(), Error> {
    let transaction = attempt.received.as_ref().map_or("", |received| received.transaction.as_str());
    order::receive(work, attempt.event, attempt.order, &details(amount, transaction, &attempt.number))?;
    crate::wechat::delivery::put(work, attempt)
}

/// Takes in what was heard of a payment, in one commit with what it means for the order.
pub(super) async fn hear(ctx: &Ctx, space: SpaceId, number: &str, report: Report) -> Result<Heard, Error> {
    let asked = number.to_owned();
    let heard = ctx
        .write(&ctx.own(space), move |work| {
            let kept = work.read().find::<Attempt, _>(&ATTEMPT_BY_NUMBER, &asked)?;
            let mut attempt = kept.ok_or_else(|| Refusal::missing("payment"))?;
            let before = words(&attempt);
            let heard = attempt.hear(&report, work.now);
            if heard == Heard::Nothing {
                return Ok(heard);
            }
            work.put(&attempt)?;
            work.audit("pay.hear", subject(&attempt), &before, &words(&attempt))?;
            if let Heard::Credit(amount) = &heard {
                credit(work, &attempt, *amount)?;
            }
            Ok(heard)
        })
        .await?;
    if heard == Heard::Strange {
        tracing::warn!(number, "something else was paid than what was asked for");
    }
    let over = !matches!(heard, Heard::Changed);
    if over {
        ctx.pay.settled(space, number);
    }
    Ok(heard)
}

/// What WeChat's account of a payment means; none: nothing yet.
pub(super) fn report(trade: &Trade) -> Option<Report> {
    match trade.trade_state.as_str() {
        "SUCCESS" | "REFUND" => {
            let amount = trade.amount.as_ref()?;
            Some(Report::Paid(Received {
                fen: amount.total,
                currency: amount.currency.chars().take(8).collect(),
                transaction: trade.transaction_id.as_deref()?.chars().take(64).collect(),
                at: trade.success_time.as_deref().and_then(time).unwrap_or(Time(0)),
            }))
        }
        "CLOSED" | "REVOKED" | "PAYERROR" => Some(Report::Closed),
        _ => None,
    }
}

/// What WeChat's account of a refund means.
pub(super) fn refund_report(facts: &RefundFacts) -> RefundReport {
    let step = match facts.status.as_str() {
        "SUCCESS" => RefundStep::Succeed,
        "CLOSED" => RefundStep::Close,
        "ABNORMAL" => RefundStep::Fail,
        _ => RefundStep::Process,
    };
    let at = facts.create_time.as_deref().or(facts.success_time.as_deref()).and_then(time);
    RefundReport {
        refund: facts.refund_id.clone(),
        fen: facts.amount.as_ref().map(|amount| amount.refund),
        account: facts.user_received_account.clone(),
        at,
        ..RefundReport::of(step)
    }
}

/// Takes in what was heard of a refund; the money goes off the order in the commit in which it arrives.
pub(super) async fn hear_refund(
    ctx: &Ctx,
    space: SpaceId,
    number: &str,
    report: RefundReport,
) -> Result<RefundState, Error> {
    let asked = number.to_owned();
    let state = ctx
        .write(&ctx.own(space), move |work| {
            let kept = work.read().find::<PayRefund, _>(&REFUND_BY_NUMBER, &asked)?;
            let mut refund = kept.ok_or_else(|| Refusal::missing("refund"))?;
            let before = refund.state;
            if !refund.hear(&report, work.now) {
                return Ok(refund.state);
            }
            work.put(&refund)?;
            let place = format!("event/{}/order/{}/refund/{}", refund.event, refund.order, refund.number);
            let after = format!("{} {}", refund.state.code(), refund.trouble);
            work.audit("pay.refund_hear", place, before.code(), after.trim())?;
            if refund.state == RefundState::Done {
                let back = details(refund.amount, &refund.refund, &refund.number);
                order::returned(work, refund.event, refund.order, &back)?;
            }
            Ok(refund.state)
        })
        .await?;
    if !state.is_pending() {
        ctx.pay.settled(space, number);
    }
    Ok(state)
}

/// Why a notification is not taken; WeChat sends it again later.
#[derive(Debug)]
pub enum NotTaken {
    /// It is not proven to come from WeChat.
    Unproven(Unproven),
    /// It cannot be read, or is for somebody else.
    Unread(Unread),
    /// Something of ours.
    Failed(Error),
}

impl From<Error> for NotTaken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Takes a notification as it came: proven over its raw bytes, opened, and kept before it is answered.
pub async fn notified<'a>(
    ctx: &Ctx,
    space: SpaceId,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &'a [u8],
) -> Result<(), NotTaken> {
    let signed = &Signed::of(header, body).map_err(NotTaken::Unproven)?;
    let now = ctx.now().0.div_euclid(1_000);
    let mut speaker = client(ctx, space)?.ok_or_else(|| Error::from(off()))?;
    let mut proven = speaker.prove(signed, now);
    if matches!(proven, Err(Unproven::Serial(_))) && account::refresh_for_stranger(ctx, space).await? {
        speaker = client(ctx, space)?.ok_or_else(|| Error::from(off()))?;
        proven = speaker.prove(signed, now);
    }
    proven.map_err(NotTaken::Unproven)?;
    let told = read(speaker.merchant(), signed.body).map_err(NotTaken::Unread)?;
    take(ctx, space, speaker.merchant(), told).await
}

async fn take(ctx: &Ctx, space: SpaceId, merchant: &Merchant, told: Told) -> Result<(), NotTaken> {
    match told {
        Told::Trade(trade) => {
            let of = ctx
                .read(&ctx.own(space), |view| Ok(view.find::<Attempt, _>(&ATTEMPT_BY_NUMBER, &trade.out_trade_no)?))?;
            // The account may have been changed since the payment was asked for; it must still be that one's, in that app.
            if of.is_some_and(|of| of.account != (trade.appid.clone(), merchant.mchid.clone())) {
                return Err(NotTaken::Unread(Unread::Stranger));
            }
            if let Some(report) = report(&trade) {
                hear(ctx, space, &trade.out_trade_no, report).await?;
            }
        }
        Told::Refund(facts) => {
            hear_refund(ctx, space, &facts.out_refund_no, refund_report(&facts)).await?;
        }
        Told::Other(event) => tracing::info!(event, "WeChat told something that is no matter of ours"),
    }
    Ok(())
}

/// Whether an attempt is past changing, for whoever asks about it.
pub(super) fn check_strange(attempt: &Attempt) -> Result<(), Refusal> {
    if attempt.state == AttemptState::Strange {
        return Ok(());
    }
    Err(refuse!(Conflict, "pay.nothing_strange", "There is nothing to decide about this payment any more."))
}
