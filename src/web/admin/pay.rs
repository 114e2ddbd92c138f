//! WeChat Pay for the secretariat: the account, what somebody must look at, the daily bills; and payments and refunds of one order.

use crate::{
    Hall,
    answer::{Answer, again, download, page, tell, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{EventId, Order, OrderId, Refusal, Ticket, TicketId, pay::AccountInput};
use maud::Markup;
use service::{Actor, Error, pay, sheet::Format};
use views::{Tone, admin::pay as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/pay", get(show).post(fetch))
        .route("/pay/account", get(account).post(save))
        .route("/pay/account/test", post(test))
        .route("/pay/bill/{day}", get(bill))
        .route("/pay/bill/{day}/export.xlsx", get(export_xlsx))
        .route("/pay/bill/{day}/export.csv", get(export_csv))
        .route("/event/{event}/order/{order}/wechat/{act}", post(act))
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, day: &str, refusal: Option<&Refusal>) -> Result<Markup, Error> {
    let attention = pay::attention(&hall.ctx, actor)?;
    let bills = pay::bills(&hall.ctx, actor)?;
    let shown = pages::Overview { strange: &attention.strange, refunds: &attention.refunds, bills: &bills, day };
    Ok(pages::overview(&visit.admin_shell(actor), &shown, refusal))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let yesterday = hall.ctx.now().plus(-domain::time::DAY);
    let day = domain::pay::day_name(domain::pay::day_of(yesterday));
    page(draw(&hall, &visit, &actor, &day, None)?)
}

async fn fetch(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let day = fields.get("day").to_owned();
    match pay::compare_again(&hall.ctx, &actor, &day).await {
        Ok(bill) => {
            tell(&format!("/admin/pay/bill/{}", bill.day), Tone::Good, visit.text().t("The bill was compared."))
        }
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &day, Some(refusal))),
    }
}

async fn bill(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(day): Path<String>) -> Answer {
    let bill = pay::bill(&hall.ctx, &actor, &day)?;
    page(pages::bill(&visit.admin_shell(&actor), &bill))
}

fn export(hall: &Hall, visit: &Visit, actor: &Actor, day: &str, format: Format) -> Answer {
    let text = visit.text();
    let bytes = pay::export(&hall.ctx, actor, day, format, |english| text.t(english).to_owned())?;
    download(&format!("{} {day}.{}", text.t("Reconciliation"), format.ending()), format.mime(), bytes)
}

async fn export_xlsx(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(day): Path<String>) -> Answer {
    export(&hall, &visit, &actor, &day, Format::Xlsx)
}

async fn export_csv(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(day): Path<String>) -> Answer {
    export(&hall, &visit, &actor, &day, Format::Csv)
}

/// What the form of the account holds: as typed, or as kept.
fn form(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    typed: Option<&AccountInput>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let state = pay::account(&hall.ctx, actor)?;
    let (kept, certificates) = state.map_or((None, Vec::new()), |state| (Some(state.account), state.certificates));
    let shown = match (typed, &kept) {
        (Some(typed), _) => typed.clone(),
        (None, Some(kept)) => pages::input_of(kept),
        (None, None) => AccountInput { public: visit.base.clone(), ..AccountInput::default() },
    };
    let page = pages::Account { kept: kept.as_ref(), certificates: &certificates, typed: &shown, now: hall.ctx.now() };
    Ok(pages::account(&visit.admin_shell(actor), &page, refusal))
}

async fn account(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(form(&hall, &visit, &actor, None, None)?)
}

async fn save(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let text = |name| fields.get(name).to_owned();
    let input = AccountInput {
        appid: text("appid"),
        other: text("other"),
        mchid: text("mchid"),
        serial: text("serial"),
        key: text("key"),
        secret: text("secret"),
        public_id: text("public_id"),
        public_key: text("public_key"),
        address: text("address"),
        public: text("public"),
    };
    match pay::save(&hall.ctx, &actor, &input).await {
        Ok(()) => tell("/admin/pay/account", Tone::Good, visit.text().t("Saved. Now test the connection.")),
        Err(error) => {
            // Keys are not sent back to the browser.
            let typed = AccountInput { key: String::new(), secret: String::new(), ..input };
            again(error, |refusal| form(&hall, &visit, &actor, Some(&typed), Some(refusal)))
        }
    }
}

async fn test(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    match pay::check(&hall.ctx, &actor).await {
        Ok(trouble) if trouble.is_empty() => {
            tell("/admin/pay/account", Tone::Good, visit.text().t("WeChat knows us, and we know WeChat."))
        }
        Ok(_) => {
            tell("/admin/pay/account", Tone::Bad, visit.text().t("The test did not succeed. The reason stands below."))
        }
        Err(error) => told(&visit, "/admin/pay/account", Err(error)),
    }
}

/// The part of an order's page that is about WeChat.
pub fn of_order(hall: &Hall, visit: &Visit, actor: &Actor, order: &Order, tickets: &[Ticket]) -> Result<Markup, Error> {
    let of = pay::of_order(&hall.ctx, actor, order.event, order.id)?;
    let shown = pages::OfOrder { order, tickets, attempts: &of.attempts, refunds: &of.refunds, most: of.most };
    Ok(pages::of_order(&visit.admin_shell(actor), &shown))
}

async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, act)): Path<(u64, u64, String)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), OrderId(id));
    let number = fields.get("number");
    let done = match act.as_str() {
        "refund" => {
            let tickets: Vec<TicketId> = fields.all("ticket").filter_map(|id| id.parse().ok()).collect();
            let input = pay::RefundInput { amount: fields.get("amount").into(), reason: fields.get("reason").into() };
            let revision = fields.needed("revision")?;
            pay::want(&hall.ctx, &actor, event, id, revision, &tickets, &input).await.map(drop)
        }
        "accept" => pay::accept(&hall.ctx, &actor, event, id, number).await,
        "again" => pay::refund_again(&hall.ctx, &actor, event, id, number).await,
        _ => return Err(crate::answer::missing().await),
    };
    told(&visit, &format!("/admin/event/{event}/order/{id}"), done)
}
