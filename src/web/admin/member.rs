//! The list of members that prices go by.

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use domain::Refusal;
use maud::Markup;
use service::{Actor, Error, member};
use views::{Tone, admin::member as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/member", get(list).post(put)).route("/member/remove", post(remove))
}

async fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (q, number): (&str, usize),
    typed: (&str, Option<&Refusal>),
) -> Result<Markup, Error> {
    let of = member::list(&hall.ctx, actor, q, number).await?;
    let shown = pages::Page {
        members: &of.members,
        pages: (of.found, number, member::PAGE),
        all: of.all,
        q,
        saved: &service::search::saved::list(&hall.ctx, actor, "/admin/member")?,
        now: of.now,
        full: of.full,
        typed: typed.0,
        refusal: typed.1,
    };
    Ok(pages::page(&visit.admin_shell(actor), &shown))
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let q: String = query.get("q").chars().take(60).collect();
    let number = query.page(100_000)?;
    page(draw(&hall, &visit, &actor, (&q, number), ("", None)).await?)
}

async fn put(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let typed = fields.get("members");
    match member::put(&hall.ctx, &actor, typed).await {
        Ok(count) => {
            let said = visit.text().f("{count} members were put on the list.", &[("count", &count)]);
            tell("/admin/member", Tone::Good, &said)
        }
        Err(Error::Refused(refusal)) => {
            let drawn = draw(&hall, &visit, &actor, ("", 0), (typed, Some(&refusal))).await?;
            again(Error::Refused(refusal), |_| Ok(drawn))
        }
        Err(error) => Err(error.into()),
    }
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let phones: Vec<String> = fields.all("id").map(str::to_owned).collect();
    if phones.is_empty() {
        member::list(&hall.ctx, &actor, "", 0).await?;
        return tell("/admin/member", Tone::Warn, visit.text().t("Choose rows first."));
    }
    told(&visit, "/admin/member", member::remove(&hall.ctx, &actor, &phones).await)
}
