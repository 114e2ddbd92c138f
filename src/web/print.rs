//! Printing at a terminal, and the size of paper as a style sheet.

use crate::{
    Hall,
    admin::design::saying,
    answer::Answer,
    audience::{Scanner, Visit, shut_out},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::{
    EventId, Refusal, TicketId,
    design::{SIDE_MAX, SIDE_MIN, sheet::mm},
};
use service::{
    design, print,
    render::{self, Card, Fonts, Href},
};

/// Routes of terminals, and of whatever prints.
pub fn routes() -> Router<Hall> {
    Router::new().route("/page.css", get(page_css)).route("/terminal/{event}/badge", post(badge))
}

/// The badge of somebody whom the terminal let in, as a drawing with its pictures in it; logged as printed.
async fn badge(
    State(hall): State<Hall>,
    visit: Visit,
    scanner: Scanner,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    let actor = match scanner {
        Scanner::Device(actor) | Scanner::Staff(actor) => actor,
        Scanner::Revoked(..) => return Err(shut_out().into()),
    };
    let (event, ticket) = (EventId(event), TicketId(fields.needed("ticket")?));
    let (design, card) =
        print::at_door(&hall.ctx, &actor, event, ticket, fields.ticked("again"), &saying(&visit)).await?;
    let data = design::embedded(&hall.ctx, actor.space, &design, Some(ticket))?;
    let links = |href: Href| data.get(&href).cloned();
    let drawn = render::sheet(Fonts::system(), &design, &[Card { values: &card.values, links: &links }], 0);
    let head = [(header::CONTENT_TYPE, "image/svg+xml; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, drawn).into_response())
}

/// The size of paper, which the policy against inline style keeps out of pages.
async fn page_css(Query(query): Query) -> Answer {
    let side = |name: &str| -> Result<i32, Refusal> {
        let side: i32 = query.needed(name)?;
        let fits = (SIDE_MIN..=SIDE_MAX).contains(&side);
        if fits { Ok(side) } else { Err(Refusal::missing("page")) }
    };
    let (width, height) = (mm(side("w")?), mm(side("h")?));
    let css = format!(
        "@page {{ size: {width}mm {height}mm; margin: 0; }}\n@media print {{ html, body {{ margin: 0; padding: 0; }} .page > svg, .print-only > svg {{ width: {width}mm; height: {height}mm; display: block; }} }}\n"
    );
    let head = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((head, css).into_response())
}
