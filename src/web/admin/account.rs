//! Accounts and grants.

use crate::{
    Hall,
    answer::{Answer, again, page, see, tell, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{AccountId, DepartmentId, EventId, GrantId, Permission, Refusal, Scope, eyes::EyesOf};
use maud::Markup;
use service::{
    Actor, Error,
    account::{self, eyes, second},
    event, space,
};
use views::{Tone, admin::account as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/account", get(list))
        .route("/account/second", post(must))
        .route("/account/eyes", post(see_as_role))
        .route("/account/eyes/end", post(end_seeing))
        .route("/account/{account}/eyes", post(see_as))
        .route("/account/new", get(new_form).post(create))
        .route("/account/{account}", get(show))
        .route("/account/{account}/grant", post(grant))
        .route("/account/{account}/grant/{grant}/revoke", post(revoke))
        .route("/account/{account}/password", post(password))
        .route("/account/{account}/disable", post(disable))
        .route("/account/{account}/enable", post(enable))
        .route("/account/{account}/second/off", post(take_second_off))
        .route("/account/{account}/session/end", post(end_sessions))
}

fn draw_list(hall: &Hall, visit: &Visit, actor: &Actor, refusal: Option<&Refusal>) -> Result<Markup, Error> {
    let all = account::list(&hall.ctx, actor)?;
    let rows: Vec<_> = all.into_iter().map(|view| (view.account, view.grants.len(), view.second)).collect();
    let held: Vec<Permission> = held_everywhere(actor);
    let eyes = may_see(actor).then_some(pages::Refused { held: &held, refusal });
    Ok(pages::list(&visit.admin_shell(actor), &rows, account::rule::get(&hall.ctx, actor)?, eyes.as_ref()))
}

fn held_everywhere(actor: &Actor) -> Vec<Permission> {
    Permission::ALL.iter().copied().filter(|permission| actor.holds_everywhere(*permission)).collect()
}

/// Whether somebody may see as others; nobody does so through eyes that are not their own.
fn may_see(actor: &Actor) -> bool {
    actor.seer().is_none() && actor.holds_everywhere(Permission::AccountSee)
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw_list(&hall, &visit, &actor, None)?)
}

async fn see_as(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    match eyes::begin(&hall.ctx, &actor, EyesOf::Account(AccountId(id))).await {
        Ok(()) => see("/admin"),
        Err(error) => told(&visit, &format!("/admin/account/{id}"), Err(error)),
    }
}

async fn see_as_role(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let chosen = Permission::ALL.iter().copied().filter(|one| fields.all("permissions").any(|code| code == one.code()));
    match eyes::begin(&hall.ctx, &actor, EyesOf::Role(chosen.collect())).await {
        Ok(()) => see("/admin"),
        Err(error) => again(error, |refusal| draw_list(&hall, &visit, &actor, Some(refusal))),
    }
}

async fn end_seeing(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let to = match eyes::end(&hall.ctx, &actor).await? {
        Some(account) => format!("/admin/account/{account}"),
        None => "/admin/account".to_owned(),
    };
    tell(&to, Tone::Good, visit.text().t("You see with your own eyes again."))
}

async fn must(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    told(&visit, "/admin/account", account::rule::save(&hall.ctx, &actor, fields.get("must")).await)
}

async fn new_form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    hall.ctx.permit(&actor, Permission::AccountManage, service::At::Space)?;
    page(pages::create(&visit.admin_shell(&actor), "", "", None))
}

async fn create(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let (name, login) = (fields.get("name"), fields.get("login"));
    match account::create(&hall.ctx, &actor, name, login, fields.get("password")).await {
        Ok(id) => tell(
            &format!("/admin/account/{id}"),
            Tone::Good,
            visit.text().t("The account is there. Now give it permissions."),
        ),
        Err(error) => again(error, |refusal| Ok(pages::create(&visit.admin_shell(&actor), name, login, Some(refusal)))),
    }
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, id: AccountId, refusal: Option<&Refusal>) -> Result<Markup, Error> {
    let view = account::get(&hall.ctx, actor, id)?;
    let departments = space::departments(&hall.ctx, actor)?;
    let events = if actor.holds(Permission::EventView) {
        event::list(&hall.ctx, actor, &event::EventFilter::default())?.0.into_iter().map(|row| row.event).collect()
    } else {
        Vec::new()
    };
    let shown = pages::Page {
        account: &view.account,
        grants: &view.grants,
        departments: &departments,
        events: &events,
        refusal,
        own: actor.account() == Some(id),
        sessions: &view.sessions,
        second: view.second,
        sight: match may_see(actor) {
            false => pages::Sight::Closed,
            true if eyes::is_below(&hall.ctx, actor, id)? => pages::Sight::Open,
            true => pages::Sight::Above,
        },
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, AccountId(id), None)?)
}

fn scope(text: &str) -> Result<Scope, Refusal> {
    let numbered = |rest: &str| rest.parse::<u64>().ok();
    let read = match text.split_at_checked(1) {
        _ if text == "space" => Some(Scope::Space),
        _ if text == "own" => Some(Scope::Own),
        Some(("d", rest)) => numbered(rest).map(|id| Scope::Department(DepartmentId(id))),
        Some(("e", rest)) => numbered(rest).map(|id| Scope::Event(EventId(id))),
        _ => None,
    };
    read.ok_or_else(|| Refusal::missing("scope"))
}

async fn grant(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let permission = Permission::parse(fields.get("permission")).ok_or_else(|| Refusal::missing("permission"))?;
    let given = account::grant(&hall.ctx, &actor, AccountId(id), permission, scope(fields.get("scope"))?).await;
    told(&visit, &format!("/admin/account/{id}"), given)
}

async fn revoke(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, grant)): Path<(u64, u64)>,
) -> Answer {
    told(&visit, &format!("/admin/account/{id}"), account::revoke(&hall.ctx, &actor, GrantId(grant)).await)
}

async fn password(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    match account::reset_password(&hall.ctx, &actor, AccountId(id), fields.get("password")).await {
        Ok(()) => tell(&format!("/admin/account/{id}"), Tone::Good, visit.text().t("Done.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, AccountId(id), Some(refusal))),
    }
}

async fn disable(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, &format!("/admin/account/{id}"), account::set_disabled(&hall.ctx, &actor, AccountId(id), true).await)
}

async fn enable(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, &format!("/admin/account/{id}"), account::set_disabled(&hall.ctx, &actor, AccountId(id), false).await)
}

async fn take_second_off(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, &format!("/admin/account/{id}"), second::take_off(&hall.ctx, &actor, AccountId(id)).await)
}

async fn end_sessions(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, &format!("/admin/account/{id}"), account::end_sessions(&hall.ctx, &actor, AccountId(id)).await)
}
