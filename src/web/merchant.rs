//! The merchants' own door at the platform: their login page, registering, the agreement, and what became of an application (S0-87 … S0-93).

use crate::{
    Hall,
    admin::{
        merchant::input,
        setup::{Door, Under, add, ask_for_key, cookies, key_refused, keys_work},
    },
    answer::{Answer, again, page, see},
    audience::{STEP, Visit, secret_cookie},
    fields::Fields,
    space::{marked, root},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use domain::{Refusal, SpaceId, merchant::MerchantInput, second::STEP_MILLIS, time::SECOND};
use service::{Error, account::Entry, merchant};
use views::merchant as pages;

/// Routes for merchants and those who want to become one.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/merchant", get(login_form).post(login))
        .route("/merchant/passkey", get(passkey_form).post(passkey_shown))
        .route("/merchant/register", get(register_form).post(register))
        .route("/merchant/agreement", get(agreement))
        .route("/merchant/application/{link}", get(application))
}

fn face(hall: &Hall, visit: &Visit) -> Result<merchant::Face, Error> {
    merchant::face(&hall.ctx, &visit.visitor())
}

fn looks(face: &merchant::Face) -> pages::Face<'_> {
    pages::Face {
        title: &face.title,
        logo: face.logo.map(|logo| logo.0),
        background: face.background.map(|picture| picture.0),
        open: face.agreement.is_some(),
    }
}

async fn login_form(State(hall): State<Hall>, visit: Visit) -> Answer {
    page(pages::login(&visit.shell(), &looks(&face(&hall, &visit)?), "", keys_work(&visit), None))
}

/// The session begins in the merchant's space: its cookie is that space's alone, and the platform's own stays as it is.
async fn login(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let face = face(&hall, &visit)?;
    let login = fields.get("login");
    match merchant::log_in(&hall.ctx, &visit.visitor(), login, fields.get("password"), &visit.origin).await {
        Ok((space, Entry::Begun(begun))) => led(space, "/admin", &cookies(&visit, &begun)),
        Ok((space, Entry::Step(token))) => {
            led(space, "/login/step", &[secret_cookie(&visit, STEP, &token, STEP_MILLIS / SECOND)])
        }
        Err(error) => again(error, |refusal| {
            Ok(pages::login(&visit.shell(), &looks(&face), login, keys_work(&visit), Some(refusal)))
        }),
    }
}

/// Leads into a merchant's space with cookies of that space.
fn led(space: SpaceId, to: &str, cookies: &[String]) -> Answer {
    let mut response = see(&format!("{}{to}", root(space)))?;
    for cookie in cookies {
        add(&mut response, &marked(space, cookie))?;
    }
    Ok(response)
}

/// The merchants' door.
const DOOR: Door = Door { asks: "/merchant/passkey", password: "/merchant" };

async fn passkey_form(State(hall): State<Hall>, visit: Visit) -> Answer {
    // A space of a merchant's own has no such door.
    face(&hall, &visit)?;
    ask_for_key(&hall, &visit, DOOR, "")
}

async fn passkey_shown(State(hall): State<Hall>, visit: Visit, Under(token): Under, fields: Fields) -> Answer {
    let shown = (fields.get("answer"), visit.base.as_str());
    match merchant::by_passkey(&hall.ctx, &visit.visitor(), &token, shown, &visit.origin).await {
        Ok((space, begun)) => {
            let mut response = led(space, "/admin", &cookies(&visit, &begun))?;
            add(&mut response, &secret_cookie(&visit, STEP, "", 0))?;
            Ok(response)
        }
        Err(error) => key_refused(&visit, DOOR, "", error),
    }
}

/// The agreement, where merchants may register themselves.
fn agreed_text(face: &merchant::Face) -> Result<&str, Refusal> {
    face.agreement.as_deref().ok_or_else(|| Refusal::missing("page"))
}

async fn register_form(State(hall): State<Hall>, visit: Visit) -> Answer {
    let face = face(&hall, &visit)?;
    let agreement = agreed_text(&face)?;
    page(pages::register(&visit.shell(), &looks(&face), agreement, (&MerchantInput::default(), false), None))
}

async fn register(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let face = face(&hall, &visit)?;
    let agreement = agreed_text(&face)?;
    let (input, agreed) = (input(&fields), fields.ticked("agreed"));
    match merchant::apply(&hall.ctx, &visit.visitor(), &input, agreed, &visit.origin.address).await {
        Ok(link) => see(&format!("/merchant/application/{link}")),
        Err(error) => again(error, |refusal| {
            Ok(pages::register(&visit.shell(), &looks(&face), agreement, (&input, agreed), Some(refusal)))
        }),
    }
}

async fn agreement(State(hall): State<Hall>, visit: Visit) -> Answer {
    let face = face(&hall, &visit)?;
    page(pages::agreement(&visit.shell(), &looks(&face), agreed_text(&face)?))
}

async fn application(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let face = face(&hall, &visit)?;
    let of = merchant::application(&hall.ctx, &visit.visitor(), &link)?;
    let shown = pages::Application { name: &of.name, state: of.state, reason: &of.reason, login: of.login.as_deref() };
    page(pages::application(&visit.shell(), &looks(&face), &shown))
}
