//! What surrounds an event's sale: settings, shared quotas, add-ons, codes, the waiting list; and the association's ways to pay.

use super::registration::kinds;
use crate::{
    Hall,
    answer::{Answer, again, download, page, tell, told},
    audience::{Staff, Visit},
    fields::{Ending, Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{
    AddOnId, EventId, Permission, QuotaId, Refusal, Sale, VoucherId,
    payment::Method,
    quota::{AddOnInput, QuotaInput},
    sale::SaleInput,
    voucher::VoucherInput,
};
use maud::Markup;
use service::{Actor, At, Error, event, order, payment, privacy::access, quota, registration, voucher, waiting};
use views::{Tone, admin::sale as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/sale", get(settings).post(save))
        .route("/event/{event}/quota", post(add_quota))
        .route("/event/{event}/quota/{quota}/remove", post(remove_quota))
        .route("/event/{event}/addon", post(add_addon))
        .route("/event/{event}/addon/{addon}/{act}", post(addon_act))
        .route("/event/{event}/voucher", get(vouchers).post(make_vouchers))
        .route("/event/{event}/voucher/export.xlsx", get(vouchers_file))
        .route("/event/{event}/voucher/export.csv", get(vouchers_file))
        .route("/event/{event}/voucher/{voucher}/{act}", post(voucher_act))
        .route("/event/{event}/waiting", get(waiting_list))
        .route("/payment", get(payments).post(save_payments))
}

fn shown(sale: &Sale) -> SaleInput {
    SaleInput {
        hold: sale.hold.to_string(),
        most: sale.most.to_string(),
        waiting: sale.waiting,
        offer: sale.offer.to_string(),
        transfer: sale.transfer,
        cancel: sale.cancel,
        donation: sale.donation,
    }
}

/// What was typed into the forms of the settings page.
#[derive(Default)]
struct Typed {
    sale: Option<SaleInput>,
    quota: QuotaInput,
    addon: AddOnInput,
    wrong: &'static str,
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: EventId,
    typed: &Typed,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    hall.ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    let of = pages::Settings {
        event: &event::get(&hall.ctx, actor, id)?.event,
        kinds: &kinds(hall, actor, id)?,
        sale: &typed.sale.clone().map_or_else(|| order::sale(&hall.ctx, actor, id).map(|sale| shown(&sale)), Ok)?,
        quotas: &quota::list(&hall.ctx, actor, id)?,
        addons: &quota::addons(&hall.ctx, actor, id)?,
        quota: &typed.quota,
        addon: &typed.addon,
        wrong: typed.wrong,
        payable: !payment::offered(&hall.ctx, actor)?.is_empty(),
    };
    Ok(pages::settings(&visit.admin_shell(actor), &of, refusal))
}

async fn settings(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, EventId(id), &Typed::default(), None)?)
}

/// A form of the settings page was taken, or comes back with what was wrong.
fn settled(hall: &Hall, visit: &Visit, actor: &Actor, id: EventId, typed: &Typed, done: Result<(), Error>) -> Answer {
    match done {
        Ok(()) => tell(&format!("/admin/event/{id}/sale"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(hall, visit, actor, id, typed, Some(refusal))),
    }
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let text = |name| fields.get(name).to_owned();
    let input = SaleInput {
        hold: text("hold"),
        most: text("most"),
        waiting: fields.ticked("waiting"),
        offer: text("offer"),
        transfer: fields.ticked("transfer"),
        cancel: fields.ticked("cancel"),
        donation: fields.ticked("donation"),
    };
    let done = order::save_sale(&hall.ctx, &actor, id, &input).await;
    settled(&hall, &visit, &actor, id, &Typed { sale: Some(input), wrong: "sale", ..Typed::default() }, done)
}

fn numbers(fields: &Fields, name: &str) -> Vec<u64> {
    fields.all(name).filter_map(|id| id.parse().ok()).collect()
}

async fn add_quota(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let input = QuotaInput {
        name: fields.get("quota_name").to_owned(),
        size: fields.get("quota_size").to_owned(),
        kinds: numbers(&fields, "quota_kinds"),
    };
    let done = quota::save(&hall.ctx, &actor, id, None, &input).await;
    settled(&hall, &visit, &actor, id, &Typed { quota: input, wrong: "quota", ..Typed::default() }, done)
}

async fn remove_quota(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let done = quota::remove(&hall.ctx, &actor, EventId(event), QuotaId(id)).await;
    told(&visit, &format!("/admin/event/{event}/sale"), done)
}

async fn add_addon(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let text = |name| fields.get(name).to_owned();
    let input = AddOnInput {
        name: text("addon_name"),
        price: text("addon_price"),
        quota: text("addon_quota"),
        note: text("addon_note"),
        kinds: numbers(&fields, "addon_kinds"),
        enabled: true,
    };
    let done = quota::save_addon(&hall.ctx, &actor, id, None, &input).await;
    settled(&hall, &visit, &actor, id, &Typed { addon: input, wrong: "addon", ..Typed::default() }, done)
}

async fn addon_act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, act)): Path<(u64, u64, String)>,
) -> Answer {
    let (event, id) = (EventId(event), AddOnId(id));
    let done = match act.as_str() {
        "enable" => quota::enable_addon(&hall.ctx, &actor, event, id, true).await,
        "disable" => quota::enable_addon(&hall.ctx, &actor, event, id, false).await,
        "remove" => quota::remove_addon(&hall.ctx, &actor, event, id).await,
        _ => return Err(crate::answer::missing().await),
    };
    told(&visit, &format!("/admin/event/{event}/sale"), done)
}

fn draw_vouchers(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (id, number): (EventId, usize),
    typed: &VoucherInput,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let (rows, found) = voucher::list(&hall.ctx, actor, id, number)?;
    let of = pages::Vouchers {
        event: &event::get(&hall.ctx, actor, id)?.event,
        kinds: &kinds(hall, actor, id)?,
        rows: &rows,
        pages: (found, number, voucher::PAGE),
        typed,
    };
    Ok(pages::vouchers(&visit.admin_shell(actor), &of, refusal))
}

async fn vouchers(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let number = query.page(1_000_000)?;
    page(draw_vouchers(&hall, &visit, &actor, (EventId(id), number), &VoucherInput::default(), None)?)
}

async fn make_vouchers(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let text = |name| fields.get(name).to_owned();
    let input = VoucherInput {
        code: text("code"),
        count: text("count"),
        effect: text("effect"),
        value: text("value"),
        unlocks: fields.ticked("unlocks"),
        kinds: numbers(&fields, "kinds"),
        uses: text("uses"),
        from: text("from"),
        to: text("to"),
        note: text("note"),
    };
    match voucher::make(&hall.ctx, &actor, id, &input).await {
        Ok(codes) => {
            let said = visit.text().f("{count} codes were made.", &[("count", &codes.len())]);
            tell(&format!("/admin/event/{id}/voucher"), Tone::Good, &said)
        }
        Err(error) => again(error, |refusal| draw_vouchers(&hall, &visit, &actor, (id, 0), &input, Some(refusal))),
    }
}

async fn voucher_act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, act)): Path<(u64, u64, String)>,
) -> Answer {
    let enabled = match act.as_str() {
        "enable" => true,
        "disable" => false,
        _ => return Err(crate::answer::missing().await),
    };
    let done = voucher::set_enabled(&hall.ctx, &actor, EventId(event), VoucherId(id), enabled).await;
    told(&visit, &format!("/admin/event/{event}/voucher"), done)
}

async fn vouchers_file(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Ending(format): Ending,
) -> Answer {
    let id = EventId(id);
    let text = visit.text();
    let say = move |english: &str| text.t(english).to_owned();
    let bytes = voucher::export(&hall.ctx, &actor, id, format, say).await?;
    let event = event::get(&hall.ctx, &actor, id)?.event;
    download(&format!("{} {}.{}", event.name, text.t("Codes"), format.ending()), format.mime(), bytes)
}

async fn waiting_list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = EventId(id);
    let rows = waiting::list(&hall.ctx, &actor, id)?;
    let event = event::get(&hall.ctx, &actor, id)?.event;
    let full = registration::sees_all(&hall.ctx, &actor, id);
    if full {
        let phones = rows.iter().map(|row| row.phone.as_str());
        access::note_phones(&hall.ctx, &actor, "waiting.list", Some(id), phones)?;
    }
    page(pages::waiting(&visit.admin_shell(&actor), &event, &kinds(&hall, &actor, id)?, &rows, full))
}

async fn payments(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let settings = payment::settings(&hall.ctx, &actor)?;
    page(pages::payment(&visit.admin_shell(&actor), &settings, None))
}

async fn save_payments(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let typed: Vec<(Method, bool, String)> = Method::ALL
        .iter()
        .map(|method| {
            let code = method.code();
            let text = fields.get(&format!("{code}-instructions")).to_owned();
            (*method, fields.ticked(&format!("{code}-enabled")), text)
        })
        .collect();
    match payment::save(&hall.ctx, &actor, &typed).await {
        Ok(()) => tell("/admin/payment", Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let kept = typed.into_iter().map(|(method, enabled, instructions)| domain::PaymentSetting {
                method,
                enabled,
                instructions,
            });
            let kept: Vec<_> = kept.collect();
            again(error, |refusal| Ok(pages::payment(&visit.admin_shell(&actor), &kept, Some(refusal))))
        }
    }
}
