//! Income over all events and of one (S0-100): added up from the payments and refunds that orders hold.

use crate::{Actor, At, Ctx, Error, event, sheet};
use domain::{
    Event, EventId, Money, Order, Permission, Time,
    income::{Flows, Takings},
    order::Flow,
    overview::Range,
    payment::Method,
};
use jiff::tz::TimeZone;
use store::catalogue::{DUE, EVENT_BY_START, INCOME, OWED};
use store::{Order as Sort, Read};

/// The money of one event.
#[derive(Debug, Clone)]
pub struct EventIncome {
    /// The event.
    pub event: Event,
    /// What came in and went back in the chosen time.
    pub takings: Takings,
    /// Fen still to be paid, now.
    pub due: i64,
    /// Fen to be given back, now.
    pub owed: i64,
}

/// The money of the events that somebody may see it of.
#[derive(Debug, Clone, Default)]
pub struct Income {
    /// Events with money, or with some that is due or owed, latest start first.
    pub rows: Vec<EventIncome>,
    /// All of them together.
    pub whole: Takings,
}

impl Income {
    /// Fen still to be paid.
    pub fn due(&self) -> i64 {
        self.rows.iter().map(|row| row.due).sum()
    }

    /// Fen to be given back.
    pub fn owed(&self) -> i64 {
        self.rows.iter().map(|row| row.owed).sum()
    }
}

/// What the tickets of all events brought so far, of those that the actor manages orders of; none for whoever manages none.
pub fn total(ctx: &Ctx, actor: &Actor) -> Result<Option<Money>, Error> {
    if !actor.holds(Permission::OrderManage) {
        return Ok(None);
    }
    let permit = ctx.permit_somewhere(actor, Permission::OrderManage)?;
    ctx.read(&permit, |view| {
        let mut fen = 0;
        for key in view.scan_index(&EVENT_BY_START, &(), None, Sort::Descending) {
            let event = event::load(view, key?)?;
            if !actor.covers(Permission::OrderManage, &event::place(&event)) {
                continue;
            }
            for count in view.counts(&INCOME, &event.id) {
                fen += count?.1;
            }
        }
        Ok(Some(Money::cny(fen)))
    })
}

/// The money recorded in the range over the events that the actor manages orders of; of one event only when it is named. Read aside.
pub async fn income(ctx: &Ctx, actor: &Actor, only: Option<EventId>, range: Range) -> Result<Income, Error> {
    let permit = match only {
        Some(event) => ctx.permit(actor, Permission::OrderManage, At::Event(event))?,
        None => ctx.permit_somewhere(actor, Permission::OrderManage)?,
    };
    let (zone, ctx, actor) = (ctx.zone(permit.space)?, ctx.clone(), actor.clone());
    crate::aside(move || {
        ctx.read(&permit, |view| {
            let mut out = Income::default();
            for key in view.scan_index(&EVENT_BY_START, &(), None, Sort::Descending) {
                let id: EventId = key?;
                if only.is_some_and(|only| only != id) {
                    continue;
                }
                let event = event::load(view, id)?;
                if !actor.covers(Permission::OrderManage, &event::place(&event)) {
                    continue;
                }
                let row = of_event(view, event, &range, &zone)?;
                out.whole.add(&row.takings);
                let empty = row.takings.total == Flows::default() && row.due == 0 && row.owed == 0;
                if only.is_some() || !empty {
                    out.rows.push(row);
                }
            }
            Ok(out)
        })
    })
    .await
}

fn of_event(view: &impl Read, event: Event, range: &Range, zone: &TimeZone) -> Result<EventIncome, Error> {
    let mut takings = Takings::default();
    for kept in view.scan::<Order>(&event.id, None, Sort::Ascending) {
        for entry in &kept?.1.entries {
            takings.enter(entry, range, zone);
        }
    }
    Ok(EventIncome { takings, due: view.count(&DUE, &event.id)?, owed: view.count(&OWED, &event.id)?, event })
}

/// What a file of income holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// A row for each event, and the sums.
    Events,
    /// A row for each day.
    Days,
}

fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{}", Money::cny(fen.abs()).to_yuan())
}

/// The sums as a file.
pub fn export(
    of: &Income,
    listed: Listed,
    format: sheet::Format,
    zone: &TimeZone,
    say: impl Fn(&str) -> String,
) -> Result<Vec<u8>, Error> {
    let money = |flows: Flows| [yuan(flows.received), yuan(flows.refunded), yuan(flows.net())];
    let flows = ["Came in", "Given back", "Income"].map(&say);
    let mut table = Vec::new();
    match listed {
        Listed::Events => {
            let mut heads = vec![say("Event"), say("Begins")];
            heads.extend(flows);
            heads.extend(Method::ALL.iter().map(|method| say(method.label())));
            heads.extend(["Still due", "To give back"].map(&say));
            table.push(heads);
            let cells = |name: String, begins: String, takings: &Takings, due: i64, owed: i64| {
                let mut row = vec![name, begins];
                row.extend(money(takings.total));
                row.extend(Method::ALL.iter().map(|method| yuan(takings.by(*method).net())));
                row.extend([yuan(due), yuan(owed)]);
                row
            };
            for row in &of.rows {
                let begins = row.event.time.from.to_cell(zone);
                table.push(cells(row.event.name.clone(), begins, &row.takings, row.due, row.owed));
            }
            table.push(cells(say("Total"), String::new(), &of.whole, of.due(), of.owed()));
        }
        Listed::Days => {
            table.push(std::iter::once(say("Day")).chain(flows).collect());
            for (day, flows) in &of.whole.days {
                table.push(std::iter::once(day.to_string()).chain(money(*flows)).collect());
            }
        }
    }
    sheet::write(format, &table)
}

/// Every payment and refund of the range as a file, oldest first within each order, for the accountant.
pub async fn entries(
    ctx: &Ctx,
    actor: &Actor,
    only: Option<EventId>,
    range: Range,
    format: sheet::Format,
    say: impl Fn(&str) -> String + Send + 'static,
) -> Result<Vec<u8>, Error> {
    let permit = match only {
        Some(event) => ctx.permit(actor, Permission::OrderManage, At::Event(event))?,
        None => ctx.permit_somewhere(actor, Permission::OrderManage)?,
    };
    let (zone, ctx, actor) = (ctx.zone(permit.space)?, ctx.clone(), actor.clone());
    crate::aside(move || {
        let heads = [
            "Recorded at",
            "Event",
            "Order number",
            "Name",
            "Kind",
            "Way to pay",
            "Amount",
            "Number of the slip",
            "Note",
        ];
        let mut table = vec![heads.map(&say).to_vec()];
        ctx.read(&permit, |view| {
            for key in view.scan_index(&EVENT_BY_START, &(), None, Sort::Ascending) {
                let id: EventId = key?;
                let event = event::load(view, id)?;
                let mine = actor.covers(Permission::OrderManage, &event::place(&event));
                if !mine || only.is_some_and(|only| only != id) {
                    continue;
                }
                for kept in view.scan::<Order>(&id, None, Sort::Ascending) {
                    lines(&mut table, &event, &kept?.1, &range, &zone, &say);
                }
            }
            Ok(())
        })?;
        sheet::write(format, &table)
    })
    .await
}

fn lines(
    table: &mut Vec<Vec<String>>,
    event: &Event,
    order: &Order,
    range: &Range,
    zone: &TimeZone,
    say: &impl Fn(&str) -> String,
) {
    let cell = |at: Time| at.to_cell(zone);
    for entry in order.entries.iter().filter(|entry| range.holds(entry.at)) {
        let (kind, sign) = if entry.flow == Flow::In { ("Came in", 1) } else { ("Given back", -1) };
        table.push(vec![
            cell(entry.at),
            event.name.clone(),
            order.number.clone(),
            order.buyer.name.clone(),
            say(kind),
            say(entry.method.label()),
            yuan(sign * entry.amount.fen),
            entry.reference.clone(),
            entry.note.clone(),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        order::{self, test::order_one},
        sheet::{Format, read},
        test::{founded, opened},
    };
    use domain::{order::EntryInput, time::DAY};

    #[tokio::test]
    async fn income_adds_up_over_events_ways_of_paying_and_days() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let money = |amount: &str, method: &str| EntryInput {
            amount: amount.into(),
            method: method.into(),
            ..EntryInput::default()
        };
        let (mine, kind) = opened(&hall, &admin).await;
        let (other, kind_of_other) = opened(&hall, &admin).await;
        opened(&hall, &admin).await;
        let first = order_one(&hall, mine, kind, "甲", "13800000001").await.unwrap();
        let second = order_one(&hall, other, kind_of_other, "乙", "13800000002").await.unwrap();
        let paid = order::pay(ctx, &admin, mine, first.id, first.revision, &money("100", "cash"), None).await.unwrap();
        hall.advance(DAY);
        let back = order::refund(ctx, &admin, mine, first.id, paid.revision, &[], &money("30", "bank_transfer")).await;
        back.unwrap();
        order::pay(ctx, &admin, other, second.id, second.revision, &money("50", "cash"), None).await.unwrap();
        let all = income(ctx, &admin, None, Range::default()).await.unwrap();
        assert_eq!((all.rows.len(), all.whole.total.received, all.whole.total.refunded), (2, 15_000, 3_000));
        assert_eq!((all.whole.by(Method::Cash).net(), all.whole.by(Method::BankTransfer).net()), (15_000, -3_000));
        let days: Vec<i64> = all.whole.days.values().map(|flows| flows.net()).collect();
        assert_eq!(days, [10_000, 2_000]);
        assert_eq!(total(ctx, &admin).unwrap(), Some(Money::cny(12_000)), "as the counters have it");
        let zone = ctx.zone(admin.space).unwrap();
        let today = ctx.now().zoned(&zone).date().to_string();
        let range = Range::read(&today, &today, &zone).unwrap();
        let late = income(ctx, &admin, Some(mine), range).await.unwrap();
        assert_eq!((late.rows.len(), late.whole.total.net()), (1, -3_000));
        let file = read(&export(&all, Listed::Events, Format::Xlsx, &zone, str::to_owned).unwrap()).unwrap();
        let last = &file.rows.last().unwrap().1;
        assert_eq!((last[0].as_str(), &last[2..5]), ("Total", &["150.00", "30.00", "120.00"].map(str::to_owned)[..]));
        let file = read(&export(&all, Listed::Days, Format::Csv, &zone, str::to_owned).unwrap()).unwrap();
        assert_eq!(file.rows.len(), 2);
        let file = entries(ctx, &admin, None, Range::default(), Format::Csv, str::to_owned).await.unwrap();
        assert_eq!(read(&file).unwrap().rows.len(), 3);
        // Who manages the orders of one event sees its money and no other.
        let held = domain::permission::Held { permission: Permission::OrderManage, scope: domain::Scope::Event(other) };
        let keeper = Actor { held: vec![held], ..admin.clone() };
        assert_eq!(total(ctx, &keeper).unwrap(), Some(Money::cny(5_000)));
        assert_eq!(income(ctx, &keeper, None, Range::default()).await.unwrap().whole.total.net(), 5_000);
        assert!(income(ctx, &keeper, Some(mine), Range::default()).await.is_err());
        let held = domain::permission::Held { permission: Permission::EventView, scope: domain::Scope::Space };
        let viewer = Actor { held: vec![held], ..admin.clone() };
        assert_eq!(total(ctx, &viewer).unwrap(), None);
        assert!(income(ctx, &viewer, None, Range::default()).await.is_err());
        assert!(entries(ctx, &viewer, None, Range::default(), Format::Csv, str::to_owned).await.is_err());
    }
}
