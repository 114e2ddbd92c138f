//! The reverse tunnel: the page, its settings, the host key, a new key of the box.

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use domain::{Refusal, tunnel::TunnelInput};
use maud::Markup;
use service::{Actor, Error, tunnel};
use views::{Tone, admin::tunnel as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/tunnel", get(show).post(save))
        .route("/tunnel/accept", post(accept))
        .route("/tunnel/key", post(key))
        .route("/tunnel/retry", post(retry))
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, typed: Option<(&TunnelInput, &Refusal)>) -> Result<Markup, Error> {
    let of = tunnel::page(&hall.ctx, actor)?;
    let kept = tunnel::input_of(of.plan.as_ref());
    let shown = pages::Page {
        plan: of.plan.as_ref(),
        input: typed.map_or(&kept, |(input, _)| input),
        refusal: typed.map(|(_, refusal)| refusal),
        line: of.line.as_deref(),
        standing: &of.standing,
        bytes: [of.traffic.read, of.traffic.written],
        connections: [of.traffic.open as u64, of.traffic.connections],
    };
    Ok(pages::page(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, None)?)
}

async fn save(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let text = |name: &str| fields.get(name).to_owned();
    let input = TunnelInput {
        on: fields.ticked("on"),
        host: text("host"),
        port: text("port"),
        user: text("user"),
        bind: text("bind"),
        bind_port: text("bind_port"),
        base: text("base"),
        staff: fields.ticked("staff"),
        proxied: fields.ticked("proxied"),
        revision: fields.needed("revision").map_err(Error::from)?,
    };
    match tunnel::save(&hall.ctx, &actor, &input).await {
        Ok(()) => tell("/admin/tunnel", Tone::Good, visit.text().t("Saved.")),
        Err(Error::Refused(refusal)) => {
            again(Error::Refused(refusal.clone()), |_| draw(&hall, &visit, &actor, Some((&input, &refusal))))
        }
        Err(error) => Err(error.into()),
    }
}

async fn accept(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let revision = fields.needed("revision").map_err(Error::from)?;
    told(&visit, "/admin/tunnel", tunnel::accept(&hall.ctx, &actor, fields.get("fingerprint"), revision).await)
}

async fn key(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let revision = fields.needed("revision").map_err(Error::from)?;
    told(&visit, "/admin/tunnel", tunnel::renew_key(&hall.ctx, &actor, revision).await)
}

async fn retry(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    told(&visit, "/admin/tunnel", tunnel::retry(&hall.ctx, &actor))
}
