//! One's own account: sessions, password, second step, passkeys, where notices go.

use super::setup::add;
use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{STEP, Staff, Visit, cookie, secret_cookie},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    http::HeaderMap,
    routing::{get, post},
};
use domain::{Refusal, second::STEP_MILLIS, time::SECOND};
use maud::Markup;
use service::{
    Actor, Error, Who,
    account::{self, passkey, second},
};
use views::{Tone, admin::own as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/session", get(show))
        .route("/session/elsewhere", post(elsewhere))
        .route("/session/{session}/end", post(end))
        .route("/session/password", post(password))
        .route("/session/mail", post(mail))
        .route("/session/second", post(prepare))
        .route("/session/second/on", post(switch_on))
        .route("/session/second/recovery", post(recovery))
        .route("/session/second/off", post(switch_off))
        .route("/session/passkey/new", post(make))
        .route("/session/passkey", post(keep))
        .route("/session/passkey/{passkey}/remove", post(remove))
}

/// What was typed, as the page shows it again.
#[derive(Default)]
struct Typed<'a> {
    mail: Option<&'a str>,
    key_name: &'a str,
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    typed: &Typed<'_>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let Who::Staff { session, .. } = &actor.who else { return Err(Refusal::denied().into()) };
    let state = second::state(&hall.ctx, actor)?;
    let keys = passkey::list(&hall.ctx, actor)?;
    let keys: Vec<_> = keys.into_iter().map(|key| (key.clone(), passkey::number(&key))).collect();
    let mail = account::notice_mail(&hall.ctx, actor)?;
    let shown = pages::Page {
        sessions: &account::sessions(&hall.ctx, actor)?,
        this: session,
        logins: &account::logins(&hall.ctx, actor)?,
        second: state.since,
        recovery: state.recovery,
        passkeys: &keys,
        keys_work: passkey::origin_of(&visit.base).is_some(),
        mail: typed.mail.unwrap_or(&mail),
        key_name: typed.key_name,
        refusal,
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, &Typed::default(), None)?)
}

/// Done, or the page again with what was wrong.
fn done(hall: &Hall, visit: &Visit, actor: &Actor, typed: &Typed<'_>, outcome: Result<(), Error>) -> Answer {
    match outcome {
        Ok(()) => tell("/admin/session", Tone::Good, visit.text().t("Done.")),
        Err(error) => again(error, |refusal| draw(hall, visit, actor, typed, Some(refusal))),
    }
}

async fn elsewhere(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    told(&visit, "/admin/session", account::log_out_elsewhere(&hall.ctx, &actor).await)
}

async fn end(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(number): Path<u64>) -> Answer {
    told(&visit, "/admin/session", account::end_session(&hall.ctx, &actor, number).await)
}

async fn password(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let outcome = account::change_password(&hall.ctx, &actor, fields.get("old"), fields.get("password")).await;
    done(&hall, &visit, &actor, &Typed::default(), outcome)
}

async fn mail(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let mail = fields.get("mail");
    let outcome = account::set_notice_mail(&hall.ctx, &actor, mail).await;
    done(&hall, &visit, &actor, &Typed { mail: Some(mail), ..Typed::default() }, outcome)
}

/// The key for the app is an answer to the password and has no address of its own.
fn offer(hall: &Hall, visit: &Visit, actor: &Actor, refusal: Option<&Refusal>) -> Result<Markup, Error> {
    let offer = second::offer(&hall.ctx, actor)?;
    Ok(pages::offer(&visit.admin_shell(actor), &offer.address, &offer.secret, refusal))
}

async fn prepare(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    match second::prepare(&hall.ctx, &actor, fields.get("present")).await {
        Ok(()) => page(offer(&hall, &visit, &actor, None)?),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &Typed::default(), Some(refusal))),
    }
}

async fn switch_on(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    match second::switch_on(&hall.ctx, &actor, fields.get("code")).await {
        Ok(codes) => page(pages::recovery(&visit.admin_shell(&actor), &codes)),
        Err(error) => again(error, |refusal| offer(&hall, &visit, &actor, Some(refusal))),
    }
}

async fn recovery(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    match second::renew_recovery(&hall.ctx, &actor, fields.get("renewing")).await {
        Ok(codes) => page(pages::recovery(&visit.admin_shell(&actor), &codes)),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &Typed::default(), Some(refusal))),
    }
}

async fn switch_off(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let outcome = second::switch_off(&hall.ctx, &actor, fields.get("ending"), fields.get("code")).await;
    done(&hall, &visit, &actor, &Typed::default(), outcome)
}

async fn make(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let name = fields.get("passkey");
    match passkey::prepare(&hall.ctx, &actor, (name, fields.get("own")), &visit.base).await {
        Ok(asked) => {
            let of = pages::Ask {
                options: &asked.options,
                origin: &asked.origin,
                makes: true,
                action: "/admin/session/passkey",
                back: "",
            };
            let mut response = page(pages::make(&visit.admin_shell(&actor), &of))?;
            add(&mut response, &secret_cookie(&visit, STEP, &asked.token, STEP_MILLIS / SECOND))?;
            Ok(response)
        }
        Err(error) => {
            let typed = Typed { key_name: name, ..Typed::default() };
            again(error, |refusal| draw(&hall, &visit, &actor, &typed, Some(refusal)))
        }
    }
}

async fn keep(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    let token = cookie(&headers, STEP).unwrap_or_default();
    let outcome = passkey::keep(&hall.ctx, &actor, token, fields.get("answer"), &visit.base).await;
    done(&hall, &visit, &actor, &Typed::default(), outcome)
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(wanted): Path<String>) -> Answer {
    told(&visit, "/admin/session", passkey::remove(&hall.ctx, &actor, &wanted).await)
}
