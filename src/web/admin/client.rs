//! API clients: the list, making one, renewing, revoking. A secret is in the one answer that makes it and nowhere else.

use crate::{
    Hall,
    answer::{Answer, again, page, told},
    api::client::offered,
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{ClientId, Permission, Refusal, Time, client::ClientInput};
use maud::Markup;
use service::{
    Actor, Error,
    client::{self, Behind},
};
use views::admin::client as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/client", get(show).post(create))
        .route("/client/{client}", get(one))
        .route("/client/{client}/renew", post(renew))
        .route("/client/{client}/revoke", post(revoke))
}

/// What the form holds.
#[derive(Default)]
struct Typed {
    input: ClientInput,
    day: String,
}

fn rows(hall: &Hall, actor: &Actor) -> Result<Vec<pages::Client>, Error> {
    let all = client::list(&hall.ctx, actor)?.into_iter().map(|of| pages::Client {
        client: of.client,
        state: of.state,
        used: of.used,
        owner: of.owner,
        trouble: match of.behind {
            Behind::Stands => None,
            Behind::Shut => Some(pages::Trouble::Shut),
            Behind::Lacks => Some(pages::Trouble::Lacks),
        },
    });
    Ok(all.collect())
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    typed: &Typed,
    refusal: Option<&Refusal>,
    new: Option<(&str, &str)>,
) -> Result<Markup, Error> {
    let scopes: Vec<Permission> = offered();
    let shown = pages::Page {
        clients: &rows(hall, actor)?,
        scopes: &scopes,
        held: &scopes.iter().copied().filter(|scope| actor.holds(*scope)).collect::<Vec<_>>(),
        typed: &typed.input,
        day: &typed.day,
        base: &visit.base,
        now: hall.ctx.now(),
        refusal,
        new,
    };
    Ok(pages::list(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, &Typed::default(), None, None)?)
}

async fn create(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let day = fields.get("until").to_owned();
    let input = ClientInput {
        name: fields.get("name").to_owned(),
        purpose: fields.get("purpose").to_owned(),
        scopes: fields.all("scopes").map(str::to_owned).collect(),
        networks: fields.get("networks").to_owned(),
        until: Time::end_of_day(&day, &visit.format.zone),
    };
    match client::create(&hall.ctx, &actor, &input, &offered()).await {
        Ok((_, secret)) => {
            page(draw(&hall, &visit, &actor, &Typed::default(), None, Some((input.name.trim(), &secret)))?)
        }
        Err(error) => {
            let typed = Typed { input, day };
            again(error, |refusal| draw(&hall, &visit, &actor, &typed, Some(refusal), None))
        }
    }
}

fn draw_one(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: ClientId,
    (day, days, refusal): (&str, &str, Option<&Refusal>),
) -> Result<Markup, Error> {
    let of = rows(hall, actor)?.into_iter().find(|of| of.client.id == id);
    let of = of.ok_or_else(|| Refusal::missing("API client"))?;
    let mine = actor.account() == Some(of.client.account);
    let shown = pages::One { of: &of, day, days, now: hall.ctx.now(), mine, refusal };
    Ok(pages::one(&visit.admin_shell(actor), &shown))
}

async fn one(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw_one(&hall, &visit, &actor, ClientId(id), ("", "7", None))?)
}

async fn renew(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (day, days) = (fields.get("until"), fields.get("overlap"));
    let until = Time::end_of_day(day, &visit.format.zone);
    let overlap = fields.number::<i64>("overlap").map(Option::unwrap_or_default);
    let renewed = match overlap {
        Ok(overlap) => client::renew(&hall.ctx, &actor, ClientId(id), until, overlap).await,
        Err(refusal) => Err(refusal.into()),
    };
    match renewed {
        Ok((client, secret)) => {
            page(draw(&hall, &visit, &actor, &Typed::default(), None, Some((&client.name, &secret)))?)
        }
        Err(error) => again(error, |refusal| draw_one(&hall, &visit, &actor, ClientId(id), (day, days, Some(refusal)))),
    }
}

async fn revoke(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, "/admin/client", client::revoke(&hall.ctx, &actor, ClientId(id)).await)
}
