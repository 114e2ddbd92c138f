//! Finding anybody and anything, the list while somebody types, kept searches, and the index.

use crate::{
    Hall,
    answer::{Answer, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::{EventId, Permission, Refusal, SearchId};
use service::{
    Actor, Error,
    search::{self, Answer as Found, Find, Marks, PAGE, Piece, Question, Sort, saved},
};
use views::{Tone, admin::search as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/search", get(show))
        .route("/search/suggest", get(suggest))
        .route("/search/saved", post(save))
        .route("/search/saved/{id}/remove", post(remove))
        .route("/search/index", get(index))
        .route("/search/index/rebuild", post(rebuild))
}

fn asked(query: &Fields) -> pages::Asked {
    let text = |name| query.get(name).trim().to_owned();
    pages::Asked { q: query.get("q").to_owned(), kind: text("kind"), event: text("event"), sort: text("sort") }
}

fn question(asked: &pages::Asked, page: usize, quick: bool) -> Question {
    Question {
        text: asked.q.clone(),
        kind: asked.kind.clone(),
        event: asked.event.parse().ok().map(EventId),
        sort: match asked.sort.as_str() {
            "newest" => Sort::Newest,
            "oldest" => Sort::Oldest,
            "name" => Sort::Name,
            _ => Sort::Relevance,
        },
        page,
        quick,
    }
}

/// Searches aside, behind the scans; a refusal comes back beside the answer, for the page to show.
async fn found(hall: &Hall, actor: &Actor, question: Question) -> Result<(Found, Option<Refusal>), Error> {
    let (ctx, actor) = (hall.ctx.clone(), actor.clone());
    match service::aside(move || search::find(&ctx, &actor, &question)).await {
        Ok(found) => Ok((found, None)),
        Err(Error::Refused(refusal)) if refusal.kind == domain::Kind::Invalid => Ok((Found::default(), Some(refusal))),
        Err(error) => Err(error),
    }
}

fn pieces(of: Vec<Piece>) -> Vec<pages::Piece> {
    of.into_iter().map(|piece| (piece.text, piece.hit)).collect()
}

fn drawn(find: Find, marks: &Marks) -> pages::Find {
    let card = find.card;
    pages::Find {
        label: find.label,
        title: pieces(marks.name(&card.title)),
        facts: card.facts.iter().map(|fact| pieces(marks.text(fact))).collect(),
        text: pieces(marks.text(&card.piece)),
        page: card.page,
        at: card.at,
        note: card.note,
        href: if card.page > 0 { format!("{}#page-{}", card.href, card.page) } else { card.href },
    }
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let asked = asked(&query);
    let number = query.page(10_000)?;
    let (found, refusal) = found(&hall, &actor, question(&asked, number, false)).await?;
    let marks = found.marks;
    let finds: Vec<pages::Find> = found.finds.into_iter().map(|find| drawn(find, &marks)).collect();
    let shown = pages::Page {
        asked: &asked,
        finds: &finds,
        count: found.count,
        page: number,
        size: PAGE,
        kinds: &found.kinds,
        events: &found.events,
        near: found.near,
        more: found.more,
        unready: found.unready,
        saved: &saved::list(&hall.ctx, &actor, "/admin/search")?,
        refusal: refusal.as_ref(),
        may_manage: actor.holds_everywhere(Permission::SearchManage),
    };
    page(pages::page(&visit.admin_shell(&actor), &shown))
}

async fn suggest(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let asked = asked(&query);
    let (found, refusal) = found(&hall, &actor, question(&asked, 0, true)).await?;
    let marks = found.marks;
    let finds: Vec<pages::Find> = found.finds.into_iter().map(|find| drawn(find, &marks)).collect();
    let piece = pages::suggestions(&visit.admin_shell(&actor), &finds, &asked.link(0), refusal.as_ref(), found.unready);
    let head = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, piece.into_string()).into_response())
}

async fn save(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let address = fields.get("address").to_owned();
    let done = saved::save(&hall.ctx, &actor, fields.get("name"), &address).await;
    let back = if domain::search::check_saved("x", &address).is_ok() { address.as_str() } else { "/admin/search" };
    told(&visit, back, done.map(|_| ()))
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let gone = saved::remove(&hall.ctx, &actor, SearchId(id)).await?;
    let back = gone.address.split('?').next().unwrap_or("/admin/search").to_owned();
    tell(&back, Tone::Good, visit.text().t("Done."))
}

async fn index(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let state = search::state(&hall.ctx, &actor)?;
    let building = state.building.map(|progress| {
        let (rate, left) = progress.rate();
        (progress.done, progress.all, rate, left)
    });
    let shown = pages::Index {
        ready: state.ready,
        entries: state.entries,
        bytes: state.bytes,
        waiting: state.waiting,
        building,
        failed: state.failed,
    };
    page(pages::index(&visit.admin_shell(&actor), &shown))
}

async fn rebuild(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    told(&visit, "/admin/search/index", search::rebuild(&hall.ctx, &actor).await)
}
