//! People's data: requests, one person with what is kept of them, exporting and erasing; and who saw numbers in full.

use crate::{
    Hall,
    answer::{Answer, again, download, page, see, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{
    By, Permission, PersonId, Refusal,
    privacy::{Seen, dossier::Dossier, retention::Sort},
    query::QUERY_MAX,
};
use maud::Markup;
use service::{Actor, At, Error, privacy};
use views::{
    Lang, Text, Tone,
    admin::{access as logs, privacy as pages},
    format::Format,
};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/privacy", get(list))
        .route("/privacy/retention", get(retention).post(keep))
        .route("/privacy/notice", get(notice).post(publish))
        .route("/privacy/{person}/consent", post(agree))
        .route("/privacy/{person}/consent/withdraw", post(withdraw))
        .route("/privacy/{person}", get(show))
        .route("/privacy/{person}/export", post(export))
        .route("/privacy/{person}/decline", post(decline))
        .route("/privacy/{person}/erase", post(erase))
        .route("/access", get(access))
}

fn base(person: PersonId) -> String {
    format!("/admin/privacy/{person}")
}

fn full(hall: &Hall, actor: &Actor) -> bool {
    hall.ctx.permit(actor, Permission::PersonSensitive, At::Space).is_ok()
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let asked = privacy::requests(&hall.ctx, &actor)?;
    let asked: Vec<_> = asked.into_iter().map(|asked| (asked.erasure, asked.person)).collect();
    let q = query.get("q");
    let draw = |refusal: Option<&Refusal>| {
        let of = pages::List {
            asked: &asked,
            now: hall.ctx.now(),
            q,
            refusal,
            merges: actor.holds_everywhere(Permission::RegistrationManage),
            access: actor.holds_everywhere(Permission::AccessView),
        };
        pages::list(&visit.admin_shell(&actor), &of)
    };
    if q.trim().is_empty() {
        return page(draw(None));
    }
    match privacy::find(&hall.ctx, &actor, q) {
        Ok(person) => see(&base(person)),
        Err(error) => again(error, |refusal| Ok(draw(Some(refusal)))),
    }
}

async fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: PersonId,
    (reason, refusal): (&str, Option<&Refusal>),
) -> Result<Markup, Error> {
    let known = privacy::get(&hall.ctx, actor, id).await?;
    let full = full(hall, actor);
    if full && (known.person.phone.is_some() || !known.identities.is_empty()) {
        privacy::access::note(&hall.ctx, actor, "person.page", None, [id], &[Seen::Phone]);
    }
    let kept = privacy::table::reasons();
    let of = pages::Page {
        person: &known.person,
        identities: &known.identities,
        held: &known.held,
        tickets: &known.tickets,
        consents: &known.consents,
        notice: known.notice,
        erasure: known.erasure.as_ref(),
        hindrances: &known.hindrances,
        kept: &kept,
        beside: privacy::table::BESIDE,
        full,
        access: actor.holds_everywhere(Permission::AccessView),
        reason,
        refusal,
    };
    Ok(pages::show(&visit.admin_shell(actor), &of))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, PersonId(id), ("", None)).await?)
}

/// A form of the person's page that comes back with what was wrong.
async fn back(hall: &Hall, visit: &Visit, actor: &Actor, id: PersonId, (reason, error): (&str, Error)) -> Answer {
    let Error::Refused(refusal) = &error else { return Err(error.into()) };
    let markup = draw(hall, visit, actor, id, (reason, Some(refusal))).await?;
    again(error, |_| Ok(markup))
}

/// The export with its page in the language that the person reads.
pub(crate) async fn packed(hall: &Hall, visit: &Visit, of: Dossier) -> Answer {
    let lang = Lang::parse(&of.lang).unwrap_or_default();
    let format = Format { text: Text(lang), zone: visit.format.zone.clone() };
    let markup = views::privacy::dossier(&format, &of);
    let name = format!("{}-{}.zip", format.text.t("Personal data"), of.at.zoned(&format.zone).strftime("%Y%m%d"));
    download(&name, "application/zip", privacy::pack(&hall.ctx, of, markup.into_string()).await?)
}

async fn export(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let of = privacy::export(&hall.ctx, &actor, PersonId(id)).await?;
    packed(&hall, &visit, of).await
}

async fn decline(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (id, reason) = (PersonId(id), fields.get("reason"));
    match privacy::decline(&hall.ctx, &actor, id, reason).await {
        Ok(()) => tell(&base(id), Tone::Good, visit.text().t("Declined. The person reads the reason on their phone.")),
        Err(error) => back(&hall, &visit, &actor, id, (reason, error)).await,
    }
}

async fn erase(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = PersonId(id);
    if let Err(error) = privacy::erase(&hall.ctx, &actor, id, fields.get("confirm")).await {
        return back(&hall, &visit, &actor, id, ("", error)).await;
    }
    // The work goes on when the page is closed; when the box stops in the middle, the clock takes it up.
    let (ctx, space) = (hall.ctx.clone(), actor.space);
    tokio::spawn(async move {
        if let Err(error) = privacy::erase_now(&ctx, space, id).await {
            tracing::error!(%error, person = id.0, "erasing stopped");
        }
    });
    tell(&base(id), Tone::Info, visit.text().t("The data is being erased. This goes on if you close the page."))
}

async fn access(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let q: String = query.get("q").chars().take(QUERY_MAX).collect();
    let person = query.number("person")?.map(PersonId);
    let of = privacy::access::page(&hall.ctx, &actor, query.number("before")?, &q, person).await?;
    let text = visit.text();
    let who = |by: By| {
        text.t(match by {
            By::Visitor => "Visitor",
            By::Box => "The box",
            By::Account(_) | By::Device(_) | By::Client(_) | By::Person(_) => "Unknown",
        })
    };
    let mut lines = Vec::with_capacity(of.lines.len());
    for privacy::access::Shown { line, who: name, names, event } in &of.lines {
        lines.push(logs::Line { line, who: name.as_deref().unwrap_or_else(|| who(line.by)), names, event });
    }
    let opens = actor.holds_everywhere(Permission::PersonPrivacy);
    page(logs::log(&visit.admin_shell(&actor), &logs::Page { lines: &lines, next: of.next, q: &q, person, opens }))
}

async fn notice(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let versions = privacy::consent::versions(&hall.ctx, &actor).await?;
    let text = versions.first().map_or("", |(notice, _)| notice.text.as_str());
    let of = pages::Words { text, versions: &versions, refusal: None };
    page(pages::words(&visit.admin_shell(&actor), &of))
}

async fn publish(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let text = fields.get("text");
    match privacy::consent::publish(&hall.ctx, &actor, text).await {
        Ok(()) => tell("/admin/privacy/notice", Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let versions = privacy::consent::versions(&hall.ctx, &actor).await?;
            again(error, |refusal| {
                let of = pages::Words { text, versions: &versions, refusal: Some(refusal) };
                Ok(pages::words(&visit.admin_shell(&actor), &of))
            })
        }
    }
}

async fn agree(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = PersonId(id);
    told(&visit, &base(id), privacy::consent::agree_on_paper(&hall.ctx, &actor, id).await)
}

async fn withdraw(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = PersonId(id);
    told(&visit, &base(id), privacy::consent::withdraw_for(&hall.ctx, &actor, id).await)
}

fn keeping(
    visit: &Visit,
    actor: &Actor,
    (days, revision): (&[(Sort, String)], u32),
    counted: &[(Sort, usize)],
    refusal: Option<&Refusal>,
) -> Markup {
    let most = privacy::retention::COUNT_MAX;
    pages::retention(&visit.admin_shell(actor), &pages::Keeping { days, counted, most, revision, refusal })
}

async fn retention(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let kept = privacy::retention::settings(&hall.ctx, &actor)?;
    let days = |sort: &Sort| (*sort, kept.of(*sort).map_or(String::new(), |days| days.to_string()));
    let days: Vec<_> = Sort::ALL.iter().map(days).collect();
    page(keeping(&visit, &actor, (&days, kept.revision), &[], None))
}

async fn keep(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let typed: Vec<(Sort, String)> = Sort::ALL.iter().map(|sort| (*sort, fields.get(sort.code()).to_owned())).collect();
    let revision = fields.needed("revision")?;
    let wrong = |error| again(error, |refusal| Ok(keeping(&visit, &actor, (&typed, revision), &[], Some(refusal))));
    if fields.get("act") == "look" {
        return match privacy::retention::look(&hall.ctx, &actor, &typed).await {
            Ok(counted) => page(keeping(&visit, &actor, (&typed, revision), &counted, None)),
            Err(error) => wrong(error),
        };
    }
    match privacy::retention::save(&hall.ctx, &actor, revision, &typed).await {
        Ok(()) => tell("/admin/privacy/retention", Tone::Good, visit.text().t("Saved.")),
        Err(error) => wrong(error),
    }
}
