//! Reconciliation: the bill of each day is fetched when WeChat has made it, compared with our records, and the differences are listed and can be
//! taken along as a file.

use super::ask;
use crate::{Actor, At, Ctx, Error, sheet};
use domain::{
    Attempt, Money, PayBill, PayRefund, Permission, Refusal, SpaceId,
    pay::{BillRow, Compared, DIFFERENCES_MAX, Moved, compare, day_end, day_name, day_of, day_of_name, is_ready},
    problem,
};
use store::catalogue::{ATTEMPT_BY_DAY, ATTEMPT_BY_NUMBER, REFUND_BY_DAY, REFUND_BY_NUMBER};
use store::{Order as Sort, Read};

/// Most days that a page shows.
const DAYS_MAX: usize = 100;
/// Most records of one day that are compared.
const RECORDS_MAX: usize = 100_000;

fn may(ctx: &Ctx, actor: &Actor) -> Result<crate::Permit, Error> {
    ctx.permit(actor, Permission::OrderManage, At::Space)
}

/// The bills that were compared, newest first.
pub fn bills(ctx: &Ctx, actor: &Actor) -> Result<Vec<PayBill>, Error> {
    ctx.read(&may(ctx, actor)?, |view| {
        let kept = view.scan::<PayBill>(&(), None, Sort::Descending).take(DAYS_MAX);
        kept.map(|kept| Ok(kept?.1)).collect()
    })
}

/// The bill of one day.
pub fn bill(ctx: &Ctx, actor: &Actor, day: &str) -> Result<PayBill, Error> {
    ctx.read(&may(ctx, actor)?, |view| {
        Ok(view.get::<PayBill>(&day.to_owned())?.ok_or_else(|| Refusal::missing("bill"))?)
    })
}

/// Everything that we know of what the rows name, and of what was done on that day.
fn known(view: &impl Read, rows: &[BillRow], day: i64) -> Result<(Vec<Attempt>, Vec<PayRefund>), Error> {
    let (mut attempts, mut refunds) = (Vec::new(), Vec::new());
    for row in rows {
        match row.moved {
            Moved::Paid => attempts.extend(view.find::<Attempt, _>(&ATTEMPT_BY_NUMBER, &row.payment)?),
            Moved::Refunded => refunds.extend(view.find::<PayRefund, _>(&REFUND_BY_NUMBER, &row.refund)?),
        }
    }
    for key in view.scan_index(&ATTEMPT_BY_DAY, &day, None, Sort::Ascending).take(RECORDS_MAX) {
        attempts.extend(view.get::<Attempt>(&key?)?);
    }
    for key in view.scan_index(&REFUND_BY_DAY, &day, None, Sort::Ascending).take(RECORDS_MAX) {
        refunds.extend(view.get::<PayRefund>(&key?)?);
    }
    Ok((attempts, refunds))
}

fn is_of(known: &(Vec<Attempt>, Vec<PayRefund>), moved: Moved, number: &str, day: i64) -> bool {
    match moved {
        Moved::Paid => known.0.iter().any(|one| {
            one.number == number && one.received.as_ref().is_some_and(|received| day_of(received.at) == day)
        }),
        Moved::Refunded => {
            known.1.iter().any(|one| one.number == number && one.taken_at.is_some_and(|at| day_of(at) == day))
        }
    }
}

/// Fetches the bill of a day, compares it and keeps what came of it.
pub(super) async fn reconcile(ctx: &Ctx, space: SpaceId, day: i64) -> Result<PayBill, Error> {
    let name = day_name(day);
    let asked = &name;
    let trade = ask(ctx, space, |client| async move { client.trade_bill(asked).await }).await?;
    let funds = ask(ctx, space, |client| async move { client.fund_bill(asked).await }).await?;
    // A day on which nothing was traded has no bill.
    let (rows, trouble) = match trade {
        Ok(bill) => (bill.rows, String::new()),
        Err(why) if why.is_missing() => (Vec::new(), String::new()),
        Err(why) => (Vec::new(), why.to_string().chars().take(200).collect()),
    };
    let permit = ctx.own(space);
    let compared = if trouble.is_empty() {
        let (reader, own) = (ctx.clone(), permit.clone());
        crate::aside(move || {
            reader.read(&own, |view| {
                let known = known(view, &rows, day)?;
                let that_day = |moved, number: &str| is_of(&known, moved, number, day);
                Ok::<_, Error>(compare(&rows, (&known.0, &known.1), that_day))
            })
        })
        .await?
    } else {
        Compared::default()
    };
    let found = u32::try_from(compared.differences.len()).unwrap_or(u32::MAX);
    let bill = PayBill {
        day: name,
        fetched_at: ctx.now(),
        paid: compared.paid,
        refunded: compared.refunded,
        funds: funds.ok().map(|funds| (funds.income, funds.outgo)),
        differences: compared.differences.into_iter().take(DIFFERENCES_MAX).collect(),
        found,
        trouble,
    };
    let kept = bill.clone();
    ctx.write(&permit, move |work| {
        let before = work.read().get::<PayBill>(&kept.day)?;
        let words = |bill: &PayBill| {
            let (paid, back) = (Money::cny(bill.paid.1).to_yuan(), Money::cny(bill.refunded.1).to_yuan());
            format!(
                "{} paid ¥{paid}, {} refunded ¥{back}, {} differences {}",
                bill.paid.0, bill.refunded.0, bill.found, bill.trouble
            )
        };
        work.put(&kept)?;
        work.audit(
            "pay.bill",
            format!("pay/bill/{}", kept.day),
            &before.as_ref().map_or(String::new(), words),
            &words(&kept),
        )
    })
    .await?;
    if bill.found > 0 {
        tracing::warn!(day = bill.day, found = bill.found, "the bill of WeChat differs from our records");
    }
    Ok(bill)
}

/// The secretariat wants a day's bill fetched and compared, for the first time or once more.
pub async fn again(ctx: &Ctx, actor: &Actor, day: &str) -> Result<PayBill, Error> {
    let permit = may(ctx, actor)?;
    let number = day_of_name(day).filter(|number| is_ready(day_end(*number), ctx.now()));
    let number = number.ok_or_else(|| {
        let problem =
            problem!("day", "Choose a day before today; WeChat makes its bill until 10 o'clock of the next morning.");
        Refusal::invalid(vec![problem])
    })?;
    reconcile(ctx, permit.space, number).await
}

/// How many days a box that was off goes back; WeChat keeps bills for three months.
const BACK_DAYS: i64 = 85;

/// The days whose bills are there to be fetched and were not, or not well, the oldest first: from the first bill that was ever compared up to
/// yesterday.
pub(super) fn wanting(ctx: &Ctx, space: SpaceId) -> Result<Vec<i64>, Error> {
    let now = ctx.now();
    let yesterday = day_of(now) - 1;
    ctx.read(&ctx.own(space), |view| {
        let first = view.scan_keys::<PayBill>(&(), None, Sort::Ascending).next().transpose()?;
        let first = first.and_then(|name| day_of_name(&name)).unwrap_or(yesterday).max(yesterday - BACK_DAYS);
        let mut days = Vec::new();
        for day in (first..=yesterday).filter(|day| is_ready(day_end(*day), now)) {
            let kept = view.get::<PayBill>(&day_name(day))?;
            if kept.is_none_or(|kept| !kept.trouble.is_empty()) {
                days.push(day);
            }
        }
        Ok(days)
    })
}

/// The differences of a day as a file.
pub fn export(
    ctx: &Ctx,
    actor: &Actor,
    day: &str,
    format: sheet::Format,
    say: impl Fn(&str) -> String,
) -> Result<Vec<u8>, Error> {
    let bill = bill(ctx, actor, day)?;
    let heads = ["Difference", "Kind", "Our number", "WeChat's number", "Amount with us", "Amount in the bill"];
    let mut table = vec![heads.map(&say).to_vec()];
    for one in &bill.differences {
        table.push(vec![
            say(one.kind.label()),
            say(one.moved.label()),
            one.number.clone(),
            one.theirs.clone(),
            Money::cny(one.fen.0).to_yuan(),
            Money::cny(one.fen.1).to_yuan(),
        ]);
    }
    sheet::write(format, &table)
}
