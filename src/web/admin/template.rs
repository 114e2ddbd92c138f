//! Templates of messages, and every message to one person.

use crate::{
    Hall,
    answer::{Answer, again, page, tell},
    audience::{Staff, Visit},
    fields::{Fields, Query},
    trail::trail,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use domain::{
    EventId, MessageTemplate, Permission, PersonId, Refusal, TicketId,
    message::template::{LANGS, TemplateInput, field},
};
use maud::Markup;
use service::{
    Actor, At, Error,
    message::{
        person::{self, Whose},
        template::{self, Preview},
    },
    privacy::access,
};
use views::{Tone, admin::template as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/message/template", get(index).post(save_defaults))
        .route("/message/template/{occasion}", get(show).post(save))
        .route("/message/person/{person}", get(of_person))
        .route("/event/{event}/registration/{ticket}/message", get(of_holder))
}

fn draw_index(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    fields: &Fields,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let kept = template::all(&hall.ctx, actor)?;
    let occasions: Vec<_> =
        template::occasions().into_iter().map(|(code, label)| (code, label, template::ways_of(code))).collect();
    let of = pages::Index {
        occasions: &occasions,
        kept: &kept.templates,
        defaults: &kept.defaults,
        back: (refusal, ["lang", "sms_price"].map(|name| fields.get(name))),
    };
    Ok(pages::index(&visit.admin_shell(actor), &of))
}

async fn index(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw_index(&hall, &visit, &actor, &Fields::default(), None)?)
}

async fn save_defaults(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    match template::save_defaults(&hall.ctx, &actor, fields.get("lang"), fields.get("sms_price")).await {
        Ok(()) => tell("/admin/message/template", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw_index(&hall, &visit, &actor, &fields, Some(refusal))),
    }
}

/// What a page of templates shows beside what is kept.
#[derive(Default)]
struct Typed<'a> {
    fields: Option<&'a Fields>,
    previews: Vec<Preview>,
    refusal: Option<&'a Refusal>,
}

fn wrong<'a>(fields: &'a Fields, refusal: &'a Refusal) -> Typed<'a> {
    Typed { fields: Some(fields), refusal: Some(refusal), ..Typed::default() }
}

fn input(occasion: &str, fields: &Fields) -> Vec<TemplateInput> {
    let one = |way: &'static str, lang: &'static str| {
        let get = |part: &str| fields.get(&field(way, lang, part)).to_owned();
        TemplateInput {
            way: way.to_owned(),
            lang: lang.to_owned(),
            id: get("id"),
            subject: get("subject"),
            text: get("text"),
            values: get("values"),
        }
    };
    template::ways_of(occasion).into_iter().flat_map(|way| LANGS.iter().map(move |lang| one(way, lang))).collect()
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, occasion: &str, typed: &Typed<'_>) -> Result<Markup, Error> {
    let kept = template::all(&hall.ctx, actor)?;
    let known = template::occasions().into_iter().find(|(code, _)| *code == occasion);
    let (code, label) = known.ok_or_else(|| Refusal::missing("page"))?;
    let shown: Vec<MessageTemplate> = match typed.fields {
        None => kept.templates.into_iter().filter(|template| template.occasion == code).collect(),
        Some(fields) => input(code, fields)
            .into_iter()
            .map(|one| MessageTemplate {
                occasion: code.to_owned(),
                way: one.way,
                lang: one.lang,
                id: one.id,
                subject: one.subject,
                text: one.text,
                values: Vec::new(),
            })
            .collect(),
    };
    let previews: Vec<pages::Preview> = typed
        .previews
        .iter()
        .map(|one| pages::Preview {
            way: one.way.clone(),
            lang: one.lang.clone(),
            subject: one.subject.clone(),
            text: one.text.clone(),
            fields: one.fields.clone(),
            length: one.length,
            wrong: one.wrong,
        })
        .collect();
    let of = pages::Page {
        occasion: (code, label),
        ways: &template::ways_of(code),
        shown: &shown,
        values: &|name: &str| typed.fields.map(|fields| fields.get(name).to_owned()),
        previews: &previews,
        refusal: typed.refusal,
    };
    Ok(pages::show(&visit.admin_shell(actor), &of))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(occasion): Path<String>) -> Answer {
    page(draw(&hall, &visit, &actor, &occasion, &Typed::default())?)
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(occasion): Path<String>,
    fields: Fields,
) -> Answer {
    let input = input(&occasion, &fields);
    if fields.get("act") == "preview" {
        return match template::preview(&hall.ctx, &actor, &occasion, &input) {
            Ok(previews) => {
                let typed = Typed { fields: Some(&fields), previews, refusal: None };
                page(draw(&hall, &visit, &actor, &occasion, &typed)?)
            }
            Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &occasion, &wrong(&fields, refusal))),
        };
    }
    match template::save(&hall.ctx, &actor, &occasion, &input).await {
        Ok(()) => tell(&format!("/admin/message/template/{occasion}"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &occasion, &wrong(&fields, refusal))),
    }
}

/// Where a page goes on: kind and number of a row.
fn before(query: &Fields) -> Option<(u8, u64)> {
    let (kind, number) = query.get("before").split_once('-')?;
    Some((kind.parse().ok()?, number.parse().ok()?))
}

fn draw_log(hall: &Hall, visit: &Visit, actor: &Actor, whose: Whose, query: &Fields, path: &str) -> Answer {
    let found = person::log(&hall.ctx, actor, whose, before(query))?;
    let shell = visit.admin_shell(actor);
    let rows: Vec<_> = found.rows.iter().map(|row| trail(&shell, row, true)).collect();
    let (place, back) = match whose {
        Whose::Holder(event, ticket) => {
            let href = format!("/admin/event/{event}/registration/{ticket}");
            (At::Event(event), Some((shell.text().t("Back"), href)))
        }
        Whose::Person(_) => (At::Space, None),
    };
    let full = hall.ctx.permit(actor, Permission::PersonSensitive, place).is_ok();
    let phone = found.phone.as_deref().map_or(String::new(), |number| views::format::phone(number, full));
    if full {
        access::note_phones(&hall.ctx, actor, "message.log", None, found.phone.as_deref())?;
    }
    let of = pages::Log {
        name: &found.name,
        phone: &phone,
        rows: &rows,
        older: found.next.map(|(kind, number)| format!("{path}?before={kind}-{number}")),
        back,
    };
    page(pages::log(&shell, &of))
}

async fn of_holder(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, ticket)): Path<(u64, u64)>,
    Query(query): Query,
) -> Answer {
    let path = format!("/admin/event/{event}/registration/{ticket}/message");
    draw_log(&hall, &visit, &actor, Whose::Holder(EventId(event), TicketId(ticket)), &query, &path)
}

async fn of_person(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(person): Path<u64>,
    Query(query): Query,
) -> Answer {
    let path = format!("/admin/message/person/{person}");
    draw_log(&hall, &visit, &actor, Whose::Person(PersonId(person)), &query, &path)
}
