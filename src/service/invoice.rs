//! Invoices (发票) of orders: buyers ask for them, the secretariat records the number that the tax office's system gave, or why there is none.

use crate::{
    Actor, At, Ctx, Error, Permit, Work, event as events,
    notice::{self, To, Words},
    order,
    privacy::access,
    sheet, token,
};
use domain::{
    By, EventId, Invoice, InvoiceId, Money, Order, OrderId, Permission, Refusal, Time,
    invoice::{Act, InvoiceInput, InvoiceState, Issued, NOTE_MAX, check_invoice, check_number, check_request, next},
    notice::Purpose,
    phone,
    privacy::Seen,
    text::Form,
};
use store::catalogue::{INVOICE_BY_ORDER, INVOICES, ORDER_BY_LINK};
use store::{Order as Sort, Read};

fn of_order(view: &impl Read, event: EventId, order: OrderId) -> Result<Vec<Invoice>, Error> {
    let keys = view.scan_index(&INVOICE_BY_ORDER, &(event, order), None, Sort::Descending);
    let mut all = Vec::new();
    for key in keys.take(domain::invoice::INVOICES_MAX) {
        all.extend(view.get::<Invoice>(&key?)?);
    }
    Ok(all)
}

fn load(view: &impl Read, event: EventId, id: InvoiceId) -> Result<Invoice, Error> {
    view.get::<Invoice>(&(event, id))?.ok_or_else(|| Refusal::missing("invoice").into())
}

fn subject(invoice: &Invoice) -> String {
    format!("event/{}/order/{}/invoice/{}", invoice.event, invoice.order, invoice.id)
}

fn summary(invoice: &Invoice) -> String {
    let issued =
        invoice.state.issued().map_or(String::new(), |of| format!(" | {} ¥{}", of.number, of.amount.to_yuan()));
    format!("{} | {} | {}{issued}", invoice.details.title, invoice.details.tax_number, invoice.state.code())
}

/// An order with its invoices, the newest first.
#[derive(Debug, Clone)]
pub struct OrderInvoices {
    /// The order.
    pub order: Order,
    /// Its invoices.
    pub invoices: Vec<Invoice>,
}

impl OrderInvoices {
    /// The one that is open or stands.
    pub fn current(&self) -> Option<&Invoice> {
        self.invoices.iter().find(|invoice| !matches!(invoice.state, InvoiceState::Void(..)))
    }

    /// Whether one can be asked for now.
    pub fn may_ask(&self) -> bool {
        check_request(balance(&self.order), &self.invoices).is_ok()
    }
}

fn balance(order: &Order) -> Money {
    Money::cny(order.sums().balance())
}

fn order_behind(view: &impl Read, link: &str) -> Result<Order, Error> {
    let missing = || Refusal::missing("order");
    let link = token::read_link(link).ok_or_else(missing)?;
    Ok(view.find::<Order, _>(&ORDER_BY_LINK, &link)?.ok_or_else(missing)?)
}

/// The invoices of the order behind a link, for its buyer.
pub fn own(ctx: &Ctx, actor: &Actor, link: &str) -> Result<OrderInvoices, Error> {
    ctx.read(&ctx.public(actor), |view| {
        let order = order_behind(view, link)?;
        Ok(OrderInvoices { invoices: of_order(view, order.event, order.id)?, order })
    })
}

/// The invoices of an order, for the secretariat.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId, order: OrderId) -> Result<OrderInvoices, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    ctx.read(&permit, |view| {
        Ok(OrderInvoices { order: order::load(view, event, order)?, invoices: of_order(view, event, order)? })
    })
}

/// A buyer asks for an invoice, or changes what was asked for as long as it is not made.
pub async fn ask_own(ctx: &Ctx, actor: &Actor, link: &str, input: &InvoiceInput) -> Result<(), Error> {
    let of = own(ctx, actor, link)?;
    ask_by(ctx, &ctx.public(actor), of.order.event, of.order.id, input).await
}

/// The secretariat writes a wish down for a buyer, or corrects one.
pub async fn ask(ctx: &Ctx, actor: &Actor, event: EventId, order: OrderId, input: &InvoiceInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    ask_by(ctx, &permit, event, order, input).await
}

async fn ask_by(ctx: &Ctx, permit: &Permit, event: EventId, order: OrderId, input: &InvoiceInput) -> Result<(), Error> {
    let details = check_invoice(input)?;
    ctx.write(permit, move |work| {
        crate::archive::check_open(work.read(), event)?;
        let order = order::load(work.read(), event, order)?;
        let others = of_order(work.read(), event, order.id)?;
        if let Some(open) = others.iter().find(|other| other.state == InvoiceState::Requested) {
            let changed = Invoice { details: details.clone(), ..open.clone() };
            return step(work, open, changed, Act::Change, "invoice.change");
        }
        check_request(balance(&order), &others)?;
        let invoice = Invoice {
            id: InvoiceId(work.next_id::<Invoice>()?),
            event,
            order: order.id,
            details: details.clone(),
            state: InvoiceState::Requested,
            created_at: work.now,
            changed_at: work.now,
            revision: 0,
        };
        work.insert(&invoice)?;
        work.audit("invoice.ask", subject(&invoice), "", &summary(&invoice))
    })
    .await
}

/// Brings an invoice into its next state.
fn step(
    work: &mut Work<'_, '_>,
    before: &Invoice,
    after: Invoice,
    act: Act,
    action: &'static str,
) -> Result<(), Error> {
    let state = next(&before.state, act)?;
    let after = Invoice { state, changed_at: work.now, revision: before.revision + 1, ..after };
    work.put(&after)?;
    work.audit(action, subject(&after), &summary(before), &summary(&after))
}

/// Tells the buyer what became of the wish, in the commit that says so. Of an archived event nobody is told any more.
fn tell(work: &mut Work<'_, '_>, order: &Order, before: &Invoice, act: &Act) -> Result<(), Error> {
    if crate::archive::check_open(work.read(), before.event).is_err() {
        return Ok(());
    }
    let (purpose, issued, reason) = match (act, before.state.issued()) {
        (Act::Change, _) => return Ok(()),
        (Act::Issue(issued), _) => (Purpose::InvoiceIssued, Some(issued), ""),
        (Act::Void(reason), None) => (Purpose::InvoiceRefused, None, reason.as_str()),
        (Act::Void(reason), Some(issued)) => (Purpose::InvoiceVoided, Some(issued), reason.as_str()),
    };
    let mut values = vec![
        ("event", events::load(work.read(), before.event)?.name),
        ("order", order.number.clone()),
        ("reason", reason.to_owned()),
    ];
    if let Some(issued) = issued {
        values.extend([("number", issued.number.clone()), ("amount", issued.amount.to_yuan())]);
    }
    let cause = format!("{}/{}", before.id, before.revision);
    notice::say(work, &To::buyer(order), Words { purpose, cause, values, text: String::new(), useful_until: None })
}

/// Where the newest invoice of an order is to be sent, if its buyer said so.
pub(crate) fn mail(view: &impl Read, event: EventId, order: OrderId) -> Result<Option<String>, Error> {
    let newest = of_order(view, event, order)?.into_iter().next();
    Ok(newest.map(|invoice| invoice.details.email).filter(|mail| !mail.is_empty()))
}

fn opened(work: &Work<'_, '_>, event: EventId, id: InvoiceId, revision: u32) -> Result<Invoice, Error> {
    let invoice = load(work.read(), event, id)?;
    if invoice.revision == revision { Ok(invoice) } else { Err(crate::event::stale()) }
}

/// Records that an invoice was made, over what is in the order now.
pub async fn issue(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: InvoiceId,
    revision: u32,
    number: &str,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let number = check_number(number)?;
    ctx.write(&permit, move |work| {
        let invoice = opened(work, event, id, revision)?;
        let order = order::load(work.read(), event, invoice.order)?;
        let by = match work.permit.by {
            By::Account(account) => Some(account),
            By::Box | By::Device(_) | By::Client(_) | By::Visitor | By::Person(_) => None,
        };
        let issued = Issued { number: number.clone(), amount: balance(&order), at: work.now, by };
        let act = Act::Issue(issued);
        step(work, &invoice, invoice.clone(), act.clone(), "invoice.issue")?;
        tell(work, &order, &invoice, &act)
    })
    .await
}

/// Takes an invoice back, or says why none is made.
pub async fn void(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: InvoiceId,
    revision: u32,
    reason: &str,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let mut form = Form::default();
    let reason = form.required("reason", reason, NOTE_MAX);
    form.done(())?;
    ctx.write(&permit, move |work| {
        let invoice = opened(work, event, id, revision)?;
        let order = order::load(work.read(), event, invoice.order)?;
        let act = Act::Void(reason.clone());
        step(work, &invoice, invoice.clone(), act.clone(), "invoice.void")?;
        tell(work, &order, &invoice, &act)
    })
    .await
}

/// An invoice with the order that it is over.
#[derive(Debug, Clone)]
pub struct InvoiceRow {
    /// The invoice.
    pub invoice: Invoice,
    /// Its order.
    pub order: Order,
}

impl InvoiceRow {
    /// What was made and what is in the order are not the same any more: money came or went since.
    pub fn differs(&self) -> bool {
        matches!(&self.invoice.state, InvoiceState::Issued(of) if of.amount != balance(&self.order))
    }
}

/// Rows of one page.
pub const PAGE: usize = 50;

fn rows(view: &impl Read, event: EventId, state: &str, sort: Sort) -> Result<Vec<InvoiceRow>, Error> {
    let mut rows = Vec::new();
    for kept in view.scan::<Invoice>(&event, None, sort) {
        let (_, invoice) = kept?;
        if state.is_empty() || invoice.state.code() == state {
            rows.push(InvoiceRow { order: order::load(view, event, invoice.order)?, invoice });
        }
    }
    Ok(rows)
}

/// The invoices of an event, the newest first; `state` is a code, or empty for all. Answers one page and how many there are.
pub async fn list(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    state: &str,
    page: usize,
) -> Result<(Vec<InvoiceRow>, usize), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let (own, state) = (ctx.clone(), state.to_owned());
    crate::aside(move || {
        own.read(&permit, |view| {
            let all = rows(view, event, &state, Sort::Descending)?;
            let found = all.len();
            Ok((all.into_iter().skip(page.saturating_mul(PAGE)).take(PAGE).collect(), found))
        })
    })
    .await
}

/// How many invoices wait to be made.
pub fn waiting(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<i64, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    ctx.read(&permit, |view| Ok(view.count(&INVOICES, &(event, "requested".to_owned()))?))
}

/// One invoice, for its print page.
pub fn one(ctx: &Ctx, actor: &Actor, event: EventId, id: InvoiceId) -> Result<InvoiceRow, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    ctx.read(&permit, |view| {
        let invoice = load(view, event, id)?;
        Ok(InvoiceRow { order: order::load(view, event, invoice.order)?, invoice })
    })
}

/// The invoices of an event as a file for the accountant.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    state: &str,
    format: sheet::Format,
    local: impl Fn(Time) -> String + Send + 'static,
    say: impl Fn(&str) -> String + Send + 'static,
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let full = crate::registration::sees_all(ctx, actor, event);
    let (own, state) = (ctx.clone(), state.to_owned());
    let (bytes, seen) = crate::aside(move || {
        let heads = [
            "Invoice title",
            "Tax number",
            "Amount",
            "State",
            "Invoice number",
            "Issued at",
            "Order number",
            "In the order",
            "Name",
            "Phone",
            "E-mail",
            "Note",
            "Reason",
            "Asked for at",
        ];
        let (mut table, mut seen) = (vec![heads.map(&say).to_vec()], Vec::new());
        own.read(&permit, |view| {
            for row in rows(view, event, &state, Sort::Ascending)? {
                table.push(cells(&row, full, &local, &say));
                seen.extend((full && row.order.buyer.phone.is_some()).then_some(row.order.buyer.person));
            }
            Ok(())
        })?;
        Ok((sheet::write(format, &table)?, seen))
    })
    .await?;
    if !seen.is_empty() {
        access::note_now(ctx, actor, "invoice.export", Some(event), seen, &[Seen::Phone]).await?;
    }
    Ok(bytes)
}

fn cells(row: &InvoiceRow, full: bool, local: &impl Fn(Time) -> String, say: &impl Fn(&str) -> String) -> Vec<String> {
    let (invoice, order) = (&row.invoice, &row.order);
    let issued = invoice.state.issued();
    let shown = |number: &str| if full { phone::local(number) } else { phone::masked(number) };
    let reason = match &invoice.state {
        InvoiceState::Void(_, reason) => reason.clone(),
        InvoiceState::Requested | InvoiceState::Issued(_) => String::new(),
    };
    vec![
        invoice.details.title.clone(),
        invoice.details.tax_number.clone(),
        issued.map_or_else(|| balance(order), |of| of.amount).to_yuan(),
        say(invoice.state.label()),
        issued.map_or(String::new(), |of| of.number.clone()),
        issued.map_or(String::new(), |of| local(of.at)),
        order.number.clone(),
        balance(order).to_yuan(),
        order.buyer.name.clone(),
        order.buyer.phone.as_deref().map_or(String::new(), shown),
        invoice.details.email.clone(),
        invoice.details.note.clone(),
        reason,
        local(invoice.created_at),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        order::{OrderInput, PersonInput},
        payment,
        test::{founded, named, opened},
        ticket_type,
    };
    use domain::{order::EntryInput, ticket_type::TicketTypeInput};

    fn wish(title: &str) -> InvoiceInput {
        InvoiceInput { title: title.into(), tax_number: "91350100M000100Y43".into(), ..InvoiceInput::default() }
    }

    #[tokio::test]
    async fn an_invoice_is_asked_for_once_made_over_what_is_there_and_voided_with_a_reason() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (at, _) = opened(&hall, &admin).await;
        payment::save(ctx, &admin, &[(domain::payment::Method::Cash, true, String::new())]).await.unwrap();
        let kind =
            TicketTypeInput { name: "票".into(), price: "100".into(), enabled: true, ..TicketTypeInput::default() };
        let kind = ticket_type::save(ctx, &admin, at, None, &kind).await.unwrap();
        let person = PersonInput { kind, addons: Vec::new(), ticket: named("张三", "13800000001") };
        let visitor = Actor::visitor(admin.space);
        let placed = order::place(ctx, &visitor, at, &OrderInput { people: vec![person], ..OrderInput::default() })
            .await
            .unwrap();
        let link = token::link(&placed.link);
        let unpaid = ask_own(ctx, &visitor, &link, &wish("青松")).await.unwrap_err();
        assert_eq!(unpaid.code(), Some("invoice.nothing"));
        let paid = EntryInput { amount: "100".into(), method: "cash".into(), ..EntryInput::default() };
        let paid = order::pay(ctx, &admin, at, placed.id, placed.revision, &paid, None).await.unwrap();
        ask_own(ctx, &visitor, &link, &wish("青松")).await.unwrap();
        ask_own(ctx, &visitor, &link, &wish("青松科技")).await.unwrap();
        let of = own(ctx, &visitor, &link).unwrap();
        assert_eq!((of.invoices.len(), of.invoices[0].details.title.as_str()), (1, "青松科技"));
        assert_eq!(waiting(ctx, &admin, at).unwrap(), 1);
        let (id, revision) = (of.invoices[0].id, of.invoices[0].revision);
        let stale = issue(ctx, &admin, at, id, revision - 1, "24312000000012345678").await.unwrap_err();
        assert_eq!(stale.code(), Some("record.changed"));
        issue(ctx, &admin, at, id, revision, "2431 2000 0000 1234 5678").await.unwrap();
        let made = one(ctx, &admin, at, id).unwrap();
        assert_eq!(made.invoice.state.issued().unwrap().amount, Money::cny(10_000));
        assert!(!made.differs() && waiting(ctx, &admin, at).unwrap() == 0);
        assert_eq!(ask_own(ctx, &visitor, &link, &wish("x")).await.unwrap_err().code(), Some("invoice.there"));
        let back = EntryInput { amount: "30".into(), method: "cash".into(), ..EntryInput::default() };
        order::refund(ctx, &admin, at, placed.id, paid.revision, &[], &back).await.unwrap();
        assert!(one(ctx, &admin, at, id).unwrap().differs(), "money went back after the invoice was made");
        let nameless = void(ctx, &admin, at, id, revision + 1, " ").await.unwrap_err();
        assert_eq!(nameless.code(), Some("input.invalid"));
        void(ctx, &admin, at, id, revision + 1, "部分退款").await.unwrap();
        ask(ctx, &admin, at, placed.id, &wish("青松科技")).await.unwrap();
        let (all, found) = list(ctx, &admin, at, "", 0).await.unwrap();
        assert_eq!((found, all[0].invoice.state.code(), all[1].invoice.state.code()), (2, "requested", "void"));
        let (say, local) = (|text: &str| text.to_owned(), |at: Time| at.0.to_string());
        let file = export(ctx, &admin, at, "", sheet::Format::Csv, local, say).await.unwrap();
        let file = String::from_utf8(file).unwrap();
        assert!(file.contains("24312000000012345678") && file.contains("部分退款") && file.contains("70.00"), "{file}");
        for denied in
            [list(ctx, &visitor, at, "", 0).await.err(), issue(ctx, &visitor, at, id, 0, "12345678").await.err()]
        {
            assert_eq!(denied.and_then(|error| error.code()), Some("session.none"));
        }
        assert!(own(ctx, &visitor, "nonsense").is_err());
        assert!(ctx.store().verify().is_sound());
    }

    #[tokio::test]
    async fn a_buyer_is_told_what_became_of_the_invoice_at_the_address_given_for_it() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (at, kind) = opened(&hall, &admin).await;
        let bought = order::test::order_one(&hall, at, kind, "张三", "13812345678").await.unwrap();
        let cash = EntryInput { amount: "100".into(), method: "cash".into(), ..EntryInput::default() };
        order::pay(ctx, &admin, at, bought.id, bought.revision, &cash, None).await.unwrap();
        let asked = InvoiceInput { email: "kuaiji@example.com".into(), ..wish("青松科技") };
        let newest = || get(ctx, &admin, at, bought.id).unwrap().invoices.remove(0);
        let said = || order::notices(ctx, &admin, at, bought.id).unwrap();
        let value = |notice: &domain::Notice, name: &str| {
            notice.values.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.clone())
        };
        ask(ctx, &admin, at, bought.id, &asked).await.unwrap();
        let before = said().len();
        void(ctx, &admin, at, newest().id, newest().revision, "税号不符").await.unwrap();
        let told = said().remove(0);
        assert_eq!((told.purpose, value(&told, "reason").as_deref()), (Purpose::InvoiceRefused, Some("税号不符")));
        ask(ctx, &admin, at, bought.id, &asked).await.unwrap();
        issue(ctx, &admin, at, newest().id, newest().revision, "24312000000012345678").await.unwrap();
        let told = said().remove(0);
        assert_eq!(
            (told.purpose, value(&told, "number").as_deref(), value(&told, "amount").as_deref()),
            (Purpose::InvoiceIssued, Some("24312000000012345678"), Some("100.00"))
        );
        assert_eq!(told.phone.as_deref(), Some("+8613812345678"));
        let (_, mail) = ctx.read(&ctx.own(admin.space), |view| crate::message::reader(view, &told)).unwrap();
        assert_eq!(mail.as_deref(), Some("kuaiji@example.com"), "where the invoice goes");
        void(ctx, &admin, at, newest().id, newest().revision, "部分退款").await.unwrap();
        assert_eq!(said()[0].purpose, Purpose::InvoiceVoided);
        assert_eq!(said().len(), before + 3, "a wish that is only written down is no news");
        let stale = issue(ctx, &admin, at, newest().id, 0, "24312000000012345678").await;
        assert!(stale.is_err() && said().len() == before + 3, "what was refused is not told");
    }
}
