//! Webhooks: the list, adding one, switching, trying, removing.

use crate::{
    Hall,
    answer::{Answer, again, page, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{Refusal, WebhookId, webhook::WebhookInput};
use maud::Markup;
use service::{
    Actor, Error,
    webhook::{self, Act},
};
use views::admin::webhook as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/webhook", get(show).post(add)).route("/webhook/{webhook}/{act}", post(act))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    typed: &WebhookInput,
    refusal: Option<&Refusal>,
    secret: Option<&str>,
) -> Result<Markup, Error> {
    let hooks = webhook::list(&hall.ctx, actor)?;
    Ok(pages::list(&visit.admin_shell(actor), &pages::Page { hooks: &hooks, typed, refusal, secret }))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, &WebhookInput::default(), None, None)?)
}

async fn add(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let input = WebhookInput {
        name: fields.get("name").to_owned(),
        url: fields.get("url").to_owned(),
        kinds: fields.all("kinds").map(str::to_owned).collect(),
    };
    match webhook::add(&hall.ctx, &actor, &input).await {
        // The secret is in this one answer and nowhere else.
        Ok(secret) => page(draw(&hall, &visit, &actor, &WebhookInput::default(), None, Some(&secret))?),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &input, Some(refusal), None)),
    }
}

async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, act)): Path<(u64, String)>,
) -> Answer {
    let act = match act.as_str() {
        "on" => Act::On,
        "off" => Act::Off,
        "ping" => Act::Ping,
        "remove" => Act::Remove,
        _ => return Err(crate::answer::missing().await),
    };
    told(&visit, "/admin/webhook", webhook::act(&hall.ctx, &actor, WebhookId(id), act).await)
}
