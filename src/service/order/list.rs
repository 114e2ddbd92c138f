//! Lists of orders for the secretariat and for helpers: filtered, paged, counted, as a file.

use super::load;
use crate::{
    Actor, At, Ctx, Error,
    privacy::access,
    registration,
    row::{self, Row},
    sheet,
};
use domain::{
    EventId, Money, Order, OrderId, Permission, Ticket, Time,
    order::{Item, OrderState},
    payment::Method,
    phone,
    privacy::Seen,
    query::Query,
};
use store::catalogue::{DUE, INCOME, ORDERS, OWED};
use store::{Order as Sort, Read};

/// Which orders a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A query: words are parts of the order's number or the buyer's name, or of the phone when they are digits.
    pub text: String,
    /// Only those in this state.
    pub state: Option<OrderState>,
    /// Only those from which money is to be given back.
    pub owed: bool,
}

impl Filter {
    fn takes(&self, order: &Order, query: &Query, unmasked: bool) -> bool {
        let row = Row {
            name: &order.buyer.name,
            phone: order.buyer.phone.as_deref(),
            unmasked,
            words: &[&order.number],
            kinds: &["order", "订单"],
            at: Some(order.created_at),
            ..Row::default()
        };
        row.fits(query)
            && self.state.is_none_or(|state| state == order.state)
            && (!self.owed || order.sums().owed() > 0)
    }
}

/// Rows of one page.
pub const PAGE: usize = 50;

/// An order with its tickets.
#[derive(Debug, Clone)]
pub struct OrderRow {
    /// The order.
    pub order: Order,
    /// Its tickets.
    pub tickets: Vec<Ticket>,
    /// Who recorded each entry of money, as far as it is known.
    pub by: Vec<String>,
}

/// Whether the actor may see orders: whoever reviews, manages, or sees registrations.
fn may_look(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<crate::Permit, Error> {
    let review = ctx.permit(actor, Permission::OrderReview, At::Event(event));
    review.or_else(|_| ctx.permit(actor, Permission::RegistrationView, At::Event(event)))
}

/// The orders that a filter finds, newest first: one page, and how many there are.
pub async fn list(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    filter: &Filter,
    page: usize,
) -> Result<(Vec<Order>, usize), Error> {
    let permit = may_look(ctx, actor, event)?;
    let (full, query) = (registration::sees_all(ctx, actor, event), row::read(ctx, permit.space, &filter.text)?);
    let (ctx, filter) = (ctx.clone(), filter.clone());
    crate::aside(move || {
        ctx.read(&permit, |view| {
            let (mut rows, mut found) = (Vec::new(), 0);
            for kept in view.scan::<Order>(&event, None, Sort::Descending) {
                let (_, order) = kept?;
                if !filter.takes(&order, &query, full) {
                    continue;
                }
                if (page.saturating_mul(PAGE)..page.saturating_add(1).saturating_mul(PAGE)).contains(&found) {
                    rows.push(order);
                }
                found += 1;
            }
            Ok((rows, found))
        })
    })
    .await
}

/// What an event's orders come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Orders by state.
    pub states: Vec<(OrderState, i64)>,
    /// What came in and did not go back, by way of paying.
    pub income: Vec<(Method, Money)>,
    /// What is still to be paid.
    pub due: Money,
    /// What is to be given back.
    pub owed: Money,
}

/// What an event's orders come to (S0-100).
pub fn counts(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Counts, Error> {
    let permit = may_look(ctx, actor, event)?;
    ctx.read(&permit, |view| {
        let state = |state: &OrderState| Ok((*state, view.count(&ORDERS, &(event, *state as u8))?));
        let income = |method: &Method| Ok((*method, Money::cny(view.count(&INCOME, &(event, *method as u8))?)));
        Ok(Counts {
            states: OrderState::ALL.iter().map(state).collect::<Result<_, Error>>()?,
            income: Method::ALL.iter().map(income).collect::<Result<_, Error>>()?,
            due: Money::cny(view.count(&DUE, &event)?),
            owed: Money::cny(view.count(&OWED, &event)?),
        })
    })
}

/// How many orders wait for review; 0 for those who may not review.
pub fn pending(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<i64, Error> {
    match ctx.permit(actor, Permission::OrderReview, At::Event(event)) {
        Ok(permit) => ctx.read(&permit, |view| Ok(view.count(&ORDERS, &(event, OrderState::PendingReview as u8))?)),
        Err(Error::Refused(_)) => Ok(0),
        Err(error) => Err(error),
    }
}

/// One order with its tickets.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId) -> Result<OrderRow, Error> {
    let permit = may_look(ctx, actor, event)?;
    ctx.read(&permit, |view| {
        let order = load(view, event, id)?;
        let tickets = order.tickets().map(|(id, _)| registration::load(view, event, id)).collect::<Result<_, _>>()?;
        let by = order.entries.iter().map(|entry| Ok(crate::space::name_of(view, entry.by)?.unwrap_or_default()));
        let by = by.collect::<Result<_, Error>>()?;
        Ok(OrderRow { order, tickets, by })
    })
}

/// What was said to the buyer.
pub fn notices(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId) -> Result<Vec<domain::Notice>, Error> {
    let permit = may_look(ctx, actor, event)?;
    ctx.read(&permit, |view| crate::notice::about(view, domain::notice::About::Order(event, id)))
}

/// The orders that a filter finds as a file. Phones are in it in full only for those who may see them.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    filter: &Filter,
    format: sheet::Format,
    local: impl Fn(Time) -> String + Send + 'static,
    say: impl Fn(&str) -> String + Send + 'static,
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let (full, query) = (registration::sees_all(ctx, actor, event), row::read(ctx, permit.space, &filter.text)?);
    let (own, filter) = (ctx.clone(), filter.clone());
    let (bytes, seen) = crate::aside(move || {
        let heads = [
            "Order number",
            "Name",
            "Phone",
            "State",
            "Contents",
            "Price",
            "Off for members",
            "Off by code",
            "Paid",
            "Given back",
            "Due",
            "To give back",
            "Way to pay",
            "Ordered at",
        ];
        let (mut table, mut seen) = (vec![heads.map(&say).to_vec()], Vec::new());
        own.read(&permit, |view| {
            for kept in view.scan::<Order>(&event, None, Sort::Ascending) {
                let (_, order) = kept?;
                if filter.takes(&order, &query, full) {
                    table.push(line(&order, full, &local, &say));
                    seen.extend((full && order.buyer.phone.is_some()).then_some(order.buyer.person));
                }
            }
            Ok(())
        })?;
        Ok((sheet::write(format, &table)?, seen))
    })
    .await?;
    if !seen.is_empty() {
        access::note_now(ctx, actor, "order.export", Some(event), seen, &[Seen::Phone]).await?;
    }
    Ok(bytes)
}

fn line(order: &Order, full: bool, local: &impl Fn(Time) -> String, say: &impl Fn(&str) -> String) -> Vec<String> {
    let sums = order.sums();
    let yuan = |fen| Money::cny(fen).to_yuan();
    let shown = |number: &str| if full { phone::local(number) } else { phone::masked(number) };
    let name = |line: &domain::order::Line| match line.item {
        Item::Donation => say("Donation"),
        Item::Ticket(..) | Item::AddOn(..) if line.is_for_member() => {
            format!("{} ({})", line.name, say("member price"))
        }
        Item::Ticket(..) | Item::AddOn(..) => line.name.clone(),
    };
    let off = |member: bool| {
        let lines = order.lines.iter().filter(|line| !line.returned && line.is_for_member() == member);
        lines.map(|line| line.off.fen).sum::<i64>()
    };
    let contents: Vec<String> = order.lines.iter().filter(|line| !line.returned).map(name).collect();
    vec![
        order.number.clone(),
        order.buyer.name.clone(),
        order.buyer.phone.as_deref().map_or(String::new(), shown),
        say(order.state.label()),
        contents.join(", "),
        yuan(sums.total),
        yuan(off(true)),
        yuan(off(false)),
        yuan(sums.paid),
        yuan(sums.refunded),
        yuan(sums.due()),
        yuan(sums.owed()),
        order.method.map_or(String::new(), |method| say(method.label())),
        local(order.created_at),
    ]
}
