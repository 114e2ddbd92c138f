//! Certificates of an event: issuing, the list, taking back, printing.

use super::{
    design::{drawing, saying},
    print::sheets,
};
use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{Certificate, CertificateId, DesignId, EventId, Permission, Refusal, certificate::grouped};
use service::{Actor, At, Error, certificate, event, poster::Form, print::PersonCard};
use views::{Tone, admin::certificate as pages, admin::print as print_pages, layout};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let base = "/event/{event}/certificate";
    let at = |tail: &str| format!("{base}/{{certificate}}{tail}");
    Router::new()
        .route(base, get(list).post(issue))
        .route("/event/{event}/certificate/sheets/{design}", get(printed))
        .route(&at(""), get(show))
        .route(&at("/revoke"), post(revoke))
        .route(&at("/reissue"), post(reissue))
        .route(&at("/picture.png"), get(png))
        .route(&at("/picture.svg"), get(svg))
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/certificate")
}

async fn list(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let number = query.page(1_000_000)?;
    let (ctx, who, q) = (hall.ctx.clone(), actor.clone(), query.get("q").chars().take(60).collect::<String>());
    let text = q.clone();
    let read = move || Ok((certificate::waiting(&ctx, &who, id)?, certificate::list(&ctx, &who, id, &text, number)?));
    let (designs, (rows, found)) = service::aside(read).await?;
    let shown = pages::List {
        event: &event::get(&hall.ctx, &actor, id)?.event,
        designs: &designs,
        rows: &rows,
        found,
        page: number,
        size: certificate::PAGE,
        q: &q,
        saved: &service::search::saved::list(&hall.ctx, &actor, &base(id))?,
    };
    page(pages::list(&visit.admin_shell(&actor), &shown))
}

async fn issue(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    match certificate::issue_all(&hall.ctx, &actor, id, DesignId(fields.needed("design")?)).await {
        Ok(count) => {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let words = visit.text().f("{count} certificates were issued.", &[("count", &views::format::count(count))]);
            tell(&base(id), Tone::Good, &words)
        }
        Err(error) => told(&visit, &base(id), Err(error)),
    }
}

fn one(hall: &Hall, actor: &Actor, event: EventId, id: CertificateId) -> Result<Certificate, Error> {
    certificate::get(&hall.ctx, actor, event, id)
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    certificate: &Certificate,
    reason: &str,
    refusal: Option<&Refusal>,
) -> Result<maud::Markup, Error> {
    let url = format!("{}/certificate/{}", visit.base, grouped(&certificate.number));
    let event = event::get(&hall.ctx, actor, certificate.event)?.event;
    let shown = pages::Page { event: &event, certificate, url: &url, reason, refusal };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let certificate = one(&hall, &actor, EventId(event), CertificateId(id))?;
    page(draw(&hall, &visit, &actor, &certificate, "", None)?)
}

async fn revoke(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), CertificateId(id));
    let reason = fields.get("reason");
    match certificate::revoke(&hall.ctx, &actor, event, id, reason).await {
        Ok(()) => told(&visit, &format!("{}/{id}", base(event)), Ok(())),
        Err(error) => {
            let certificate = one(&hall, &actor, event, id)?;
            again(error, |refusal| draw(&hall, &visit, &actor, &certificate, reason, Some(refusal)))
        }
    }
}

async fn reissue(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let event = EventId(event);
    match certificate::reissue(&hall.ctx, &actor, event, CertificateId(id)).await {
        Ok(new) => tell(&format!("{}/{new}", base(event)), Tone::Good, visit.text().t("This is the new certificate.")),
        Err(error) => told(&visit, &format!("{}/{id}", base(event)), Err(error)),
    }
}

async fn picture(hall: &Hall, visit: &Visit, actor: &Actor, event: u64, id: u64, form: Form) -> Result<Vec<u8>, Error> {
    certificate::picture_for(&hall.ctx, actor, EventId(event), CertificateId(id), &saying(visit), form).await
}

async fn png(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    drawing("image/png", picture(&hall, &visit, &actor, event, id, Form::Png).await?)
}

async fn svg(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    drawing("image/svg+xml; charset=utf-8", picture(&hall, &visit, &actor, event, id, Form::Svg).await?)
}

/// The valid certificates of a design as pages for the printer, or one of them.
async fn printed(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(query): Query,
) -> Answer {
    let only = query.number("only")?.map(CertificateId);
    let (ctx, who, said) = (hall.ctx.clone(), actor.clone(), saying(&visit));
    let read = move || certificate::sheets(&ctx, &who, EventId(event), DesignId(id), only, &said);
    let (design, cards) = service::aside(read).await?;
    let seen = hall.ctx.permit(&actor, Permission::RegistrationView, At::Event(EventId(event))).is_ok();
    let portraits = seen && service::design::shows_portrait(&design);
    let cards: Vec<PersonCard> =
        cards.into_iter().map(|card| PersonCard { portrait: card.portrait && portraits, ..card }).collect();
    let shell = visit.shell();
    let tools = print_pages::tools(&shell, &base(EventId(event)), None, cards.len());
    page(layout::paper(&shell, &design.name, (design.width, design.height), &tools, &sheets(&design, &cards)))
}
