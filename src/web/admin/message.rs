//! Settings of messages, trials, and the log of text messages.

use crate::{
    Hall,
    answer::{Answer, again, page, tell},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{
    EventId, OutgoingId, Permission, Refusal,
    message::{MailInput, SettingInput, SmsInput},
};
use maud::Markup;
use service::{
    Actor, At, Error,
    message::{
        setting::{self, Trial},
        sms,
    },
    privacy::access,
};
use views::{Tone, admin::message as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/message", get(show).post(save))
        .route("/message/sms", get(log).post(save_sms))
        .route("/message/sms/try", post(try_sms))
        .route("/message/sms/balance", post(try_balance))
        .route("/message/mail", post(save_mail))
        .route("/message/mail/try", post(try_mail))
        .route("/event/{event}/notice/sms", get(event_log))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    fields: &Fields,
    back: [Option<&Refusal>; 3],
) -> Result<Markup, Error> {
    let kept = setting::get(&hall.ctx, actor)?;
    let typed = |name: &str| Some(fields.get(name).to_owned());
    let of = pages::Page {
        general: &kept.general,
        sms: &kept.sms,
        mail: &kept.mail,
        record: kept.record.as_ref(),
        ways: &kept.ways,
        texts: &kept.texts,
        base: &visit.base,
        back,
        typed: &typed,
    };
    Ok(pages::settings(&visit.admin_shell(actor), &of))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, &Fields::default(), [None; 3])?)
}

async fn save(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let get = |name: &str| fields.get(name).to_owned();
    let input = SettingInput {
        order: ["order-1", "order-2", "order-3"].map(get).to_vec(),
        quiet_from: get("quiet_from"),
        quiet_to: get("quiet_to"),
        attend_after_import: fields.ticked("attend_after_import"),
    };
    match setting::save(&hall.ctx, &actor, &input).await {
        Ok(()) => tell("/admin/message", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &fields, [Some(refusal), None, None])),
    }
}

async fn save_sms(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let get = |name: &str| fields.get(name).to_owned();
    let input = SmsInput {
        enabled: fields.ticked("enabled"),
        provider: get("provider"),
        base: get("base"),
        key_id: get("key_id"),
        secret: get("secret"),
        app: get("app"),
        sign: get("sign"),
        per_number: get("per_number"),
        per_day: get("per_day"),
    };
    match setting::save_sms(&hall.ctx, &actor, &input).await {
        Ok(()) => tell("/admin/message", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &fields, [None, Some(refusal), None])),
    }
}

async fn save_mail(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let get = |name: &str| fields.get(name).to_owned();
    let input = MailInput {
        enabled: fields.ticked("enabled"),
        host: get("host"),
        port: get("port"),
        security: get("security"),
        user: get("user"),
        password: get("password"),
        from: get("from"),
        from_name: get("from_name"),
        reply_to: get("reply_to"),
        bounce: get("bounce"),
        dkim_domain: get("dkim_domain"),
        dkim_selector: get("dkim_selector"),
        dkim_key: get("dkim_key"),
        per_day: get("mail_per_day"),
    };
    match setting::save_mail(&hall.ctx, &actor, &input).await {
        Ok(()) => tell("/admin/message", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &fields, [None, None, Some(refusal)])),
    }
}

/// Goes back to the settings with what a trial found.
fn found(visit: &Visit, trial: Result<Trial, Error>) -> Answer {
    let text = visit.text();
    match trial {
        Ok(Trial::Works(said)) if said.is_empty() => tell("/admin/message", Tone::Good, text.t("It works.")),
        Ok(Trial::Works(said)) => tell("/admin/message", Tone::Good, &text.f("It works: {said}", &[("said", &said)])),
        Ok(Trial::Fails(why)) => {
            tell("/admin/message", Tone::Bad, &text.f("It does not work: {why}", &[("why", &why)]))
        }
        Err(error) => crate::answer::told(visit, "/admin/message", Err(error)),
    }
}

async fn try_sms(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    found(&visit, setting::try_sms(&hall.ctx, &actor, fields.get("to"), fields.get("occasion")).await)
}

async fn try_balance(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    found(&visit, setting::try_balance(&hall.ctx, &actor).await)
}

async fn try_mail(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    found(&visit, setting::try_mail(&hall.ctx, &actor).await)
}

fn draw_log(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: Option<EventId>,
    before: Option<OutgoingId>,
    path: &str,
) -> Answer {
    let found = sms::log(&hall.ctx, actor, event, before)?;
    let at = event.map_or(At::Space, At::Event);
    let full = hall.ctx.permit(actor, Permission::PersonSensitive, at).is_ok();
    if full {
        let phones = found.lines.iter().map(|line| line.phone.as_str());
        access::note_phones(&hall.ctx, actor, "sms.log", event, phones)?;
    }
    let of = pages::SmsLog { lines: &found.lines, next: found.next, today: found.today, full, path };
    page(pages::log(&visit.admin_shell(actor), &of))
}

async fn log(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    draw_log(&hall, &visit, &actor, None, query.number("before")?.map(OutgoingId), "/admin/message/sms")
}

async fn event_log(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(event): Path<u64>,
    Query(query): Query,
) -> Answer {
    let path = format!("/admin/event/{event}/notice/sms");
    draw_log(&hall, &visit, &actor, Some(EventId(event)), query.number("before")?.map(OutgoingId), &path)
}
