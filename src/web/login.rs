//! Logging in on the phone pages: a code by SMS or e-mail, and the sessions of one's devices (S1-11).

use crate::{
    Hall,
    answer::{Answer, again, page, see, tell, told},
    api::session::{target, words},
    audience::{Member, PERSON, Visit, secret_cookie},
    fields::Fields,
};
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    routing::{get, post},
};
use domain::identity::IDLE_MILLIS;
use service::{
    Error,
    identity::{self, ProfileInput, Target},
};
use views::{Tone, phone::login as pages};

/// Routes for people who are no staff.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/my/login", get(form).post(log_in))
        .route("/my/session", get(show))
        .route("/my/session/end", post(end))
        .route("/my/session/revoke", post(revoke))
        .route("/my/profile", post(save))
}

async fn form(visit: Visit) -> Answer {
    page(pages::ask(&visit.shell(), "", None))
}

/// Where a code goes by what was typed: an address has its sign.
fn typed(to: &str) -> Result<Target, domain::Refusal> {
    target(if to.contains(['@', '＠']) { "email" } else { "sms" }, to)
}

/// Sends a code, or takes it.
async fn log_in(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let (to, code) = (fields.get("to"), fields.get("code"));
    let sought = match typed(to) {
        Ok(sought) => sought,
        Err(refusal) => return again(refusal.into(), |refusal| Ok(pages::ask(&visit.shell(), to, Some(refusal)))),
    };
    let (ctx, address) = (&hall.ctx, &visit.origin.address);
    if !fields.ticked("sent") {
        return match identity::send_code(ctx, &visit.visitor(), &sought, &words(&visit), address).await {
            Ok(()) => page(pages::code(&visit.shell(), to, None)),
            Err(error) => again(error, |refusal| Ok(pages::ask(&visit.shell(), to, Some(refusal)))),
        };
    }
    let proof = match identity::prove(ctx, &visit.visitor(), &sought, code, address).await {
        Ok(proof) => proof,
        Err(error) => return again(error, |refusal| Ok(pages::code(&visit.shell(), to, Some(refusal)))),
    };
    let (token, _) = identity::log_in(ctx, visit.space, vec![proof], "", &visit.origin).await?;
    let mut response = see("/my")?;
    let cookie = secret_cookie(&visit, PERSON, &token, IDLE_MILLIS / domain::time::SECOND);
    let cookie = HeaderValue::try_from(cookie).map_err(|error| Error::internal("a cookie", error))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

async fn show(State(hall): State<Hall>, visit: Visit, member: Result<Member, crate::answer::Failure>) -> Answer {
    let Ok(Member(actor)) = member else { return see("/my/login") };
    let profile = identity::profile(&hall.ctx, &actor)?;
    let sessions = identity::sessions(&hall.ctx, &actor)?;
    let known = pages::Known {
        name: &profile.person.name,
        company: &profile.person.company,
        phone: profile.person.phone.as_deref().filter(|_| profile.phone_proved),
        email: profile.email.as_deref(),
    };
    page(pages::account(&visit.shell(), &known, &sessions, None))
}

async fn save(State(hall): State<Hall>, visit: Visit, Member(actor): Member, fields: Fields) -> Answer {
    let (name, company) = (fields.get("name"), fields.get("company"));
    let input = ProfileInput { name: name.to_owned(), company: company.to_owned(), language: None };
    match identity::save_profile(&hall.ctx, &actor, &input).await {
        Ok(()) => tell("/my/session", Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let sessions = identity::sessions(&hall.ctx, &actor)?;
            let profile = identity::profile(&hall.ctx, &actor)?;
            let (phone, email) = (profile.person.phone, profile.email);
            let phone = phone.as_deref().filter(|_| profile.phone_proved);
            let known = pages::Known { name, company, phone, email: email.as_deref() };
            again(error, |refusal| Ok(pages::account(&visit.shell(), &known, &sessions, Some(refusal))))
        }
    }
}

async fn end(State(hall): State<Hall>, visit: Visit, Member(actor): Member) -> Answer {
    identity::log_out(&hall.ctx, &actor).await?;
    let mut response = tell("/my", Tone::Good, visit.text().t("You are logged out."))?;
    let cookie = HeaderValue::try_from(secret_cookie(&visit, PERSON, "", 0));
    response.headers_mut().append(header::SET_COOKIE, cookie.map_err(|error| Error::internal("a cookie", error))?);
    crate::wechat::forget(&visit, &mut response)?;
    Ok(response)
}

async fn revoke(State(hall): State<Hall>, visit: Visit, Member(actor): Member, fields: Fields) -> Answer {
    let ended = identity::revoke(&hall.ctx, &actor, fields.needed("session")?).await;
    told(&visit, "/my/session", ended)
}
