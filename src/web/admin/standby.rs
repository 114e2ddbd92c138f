//! The stand-by box: its page, a pairing code, removing it.

use crate::{
    Hall,
    answer::{Answer, page, told},
    audience::{Staff, Visit},
};
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use maud::Markup;
use service::{Actor, Error, standby};
use views::admin::standby as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/standby", get(show)).route("/standby/code", post(code)).route("/standby/remove", post(remove))
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, code: Option<&str>) -> Result<Markup, Error> {
    let of = standby::page(&hall.ctx, actor)?;
    let shown = pages::Page {
        standby: &of.standby,
        lag: of.lag,
        groups: (of.link.held, of.link.newest),
        epoch: of.epoch,
        found: of.found,
        code,
        loose: of.loose.as_deref(),
        now: hall.ctx.now(),
    };
    Ok(pages::page(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, None)?)
}

/// The code is in this answer alone: only its hash is kept.
async fn code(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    match standby::code(&hall.ctx, &actor).await {
        Ok(code) => page(draw(&hall, &visit, &actor, Some(&code))?),
        Err(error) => told(&visit, "/admin/standby", Err(error)),
    }
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    told(&visit, "/admin/standby", standby::remove(&hall.ctx, &actor).await)
}
