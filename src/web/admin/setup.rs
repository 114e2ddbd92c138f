//! Set-up, log-in and log-out.

use crate::{
    Hall,
    answer::{Answer, again, page, see, tell},
    audience::{BROWSER, SESSION, STEP, Staff, Visit, cookie, secret_cookie},
    fields::{Fields, Query},
    phone::local_path,
};
use axum::{
    Router,
    extract::{FromRequestParts, Path, State},
    http::{HeaderValue, header, request::Parts},
    response::Response,
    routing::{get, post},
};
use domain::{
    account::SESSION_MILLIS,
    login::{BROWSER_MILLIS, LoginWay},
    second::STEP_MILLIS,
    space::SpaceInput,
    time::SECOND,
};
use service::{
    Error,
    account::{self, Entry, passkey, reset, second},
    space,
};
use std::convert::Infallible;
use views::{
    Tone,
    admin::{own::Ask, setup as pages},
    component::list::query,
};

/// Routes outside `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/setup", get(setup_form).post(setup))
        .route("/login", get(login_form).post(login))
        .route("/login/step", get(step_form).post(step))
        .route("/login/passkey", get(passkey_form).post(passkey_shown))
        .route("/login/link/{token}", get(link_form).post(link))
        .route("/logout", post(logout))
}

async fn setup_form(visit: Visit) -> Answer {
    if visit.set_up {
        return see("/login");
    }
    let typed = pages::SetupTyped { zone: "Asia/Shanghai".into(), ..pages::SetupTyped::default() };
    page(pages::setup(&visit.shell(), &typed, None))
}

async fn setup(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let input = space::SetupInput {
        code: fields.get("code").to_owned(),
        space: SpaceInput { name: fields.get("name").to_owned(), zone: fields.get("zone").to_owned() },
        name: fields.get("admin_name").to_owned(),
        login: fields.get("login").to_owned(),
        password: fields.get("password").to_owned(),
    };
    match space::set_up(&hall.ctx, &hall.setup, &input, &visit.origin.address).await {
        Ok(account) => {
            let begun = account::begin(&hall.ctx, visit.space, account, LoginWay::Password, &visit.origin).await?;
            logged_in(&visit, "/admin/start", &begun)
        }
        Err(error) => {
            let typed = pages::SetupTyped {
                code: input.code,
                name: input.space.name,
                zone: input.space.zone,
                admin_name: input.name,
                login: input.login,
            };
            again(error, |refusal| Ok(pages::setup(&visit.shell(), &typed, Some(refusal))))
        }
    }
}

/// Leads on with the cookies of a session that began.
pub(crate) fn logged_in(visit: &Visit, to: &str, begun: &account::Begun) -> Answer {
    let mut response = see(to)?;
    for cookie in cookies(visit, begun) {
        add(&mut response, &cookie)?;
    }
    add(&mut response, &secret_cookie(visit, STEP, "", 0))?;
    Ok(response)
}

/// The cookies of a session that began.
pub(crate) fn cookies(visit: &Visit, begun: &account::Begun) -> [String; 2] {
    [
        secret_cookie(visit, SESSION, &begun.session, SESSION_MILLIS / SECOND),
        secret_cookie(visit, BROWSER, &begun.browser, BROWSER_MILLIS / SECOND),
    ]
}

pub(crate) fn add(response: &mut Response, cookie: &str) -> Result<(), Error> {
    let cookie = HeaderValue::try_from(cookie).map_err(|error| Error::internal("a cookie", error))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}

/// Where somebody is led who logged in.
fn onward(back: &str) -> &str {
    if back.is_empty() { "/admin" } else { local_path(back) }
}

/// Whether passkeys work at the address that the box is reached by.
pub(crate) fn keys_work(visit: &Visit) -> bool {
    passkey::origin_of(&visit.base).is_some()
}

async fn login_form(visit: Visit, Query(query): Query) -> Answer {
    if !visit.set_up {
        return see("/setup");
    }
    page(pages::login(&visit.shell(), "", query.get("back"), keys_work(&visit), None))
}

async fn login(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let (login, back) = (fields.get("login"), fields.get("back"));
    match account::enter(&hall.ctx, visit.space, login, fields.get("password"), &visit.origin).await {
        Ok(Entry::Begun(begun)) => logged_in(&visit, onward(back), &begun),
        Ok(Entry::Step(token)) => {
            let mut response = see(&query("/login/step", &[("back", back)]))?;
            add(&mut response, &secret_cookie(&visit, STEP, &token, STEP_MILLIS / SECOND))?;
            Ok(response)
        }
        Err(error) => {
            again(error, |refusal| Ok(pages::login(&visit.shell(), login, back, keys_work(&visit), Some(refusal))))
        }
    }
}

/// What the browser holds of a log-in under way.
pub(crate) struct Under(pub String);

impl FromRequestParts<Hall> for Under {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Hall) -> Result<Self, Infallible> {
        Ok(Self(cookie(&parts.headers, STEP).unwrap_or_default().to_owned()))
    }
}

async fn step_form(State(hall): State<Hall>, visit: Visit, Under(token): Under, Query(asked): Query) -> Answer {
    if !second::waits(&hall.ctx, visit.space, &token) {
        return see(&query("/login", &[("back", asked.get("back"))]));
    }
    page(pages::step(&visit.shell(), asked.get("back"), None))
}

async fn step(State(hall): State<Hall>, visit: Visit, Under(token): Under, fields: Fields) -> Answer {
    let back = fields.get("back");
    match second::finish(&hall.ctx, visit.space, &token, fields.get("code"), &visit.origin).await {
        Ok(begun) => logged_in(&visit, onward(back), &begun),
        Err(Error::Refused(refusal)) if refusal.code == "login.step_over" => {
            tell(&query("/login", &[("back", back)]), Tone::Bad, &visit.text().refusal(&refusal))
        }
        Err(error) => again(error, |refusal| Ok(pages::step(&visit.shell(), back, Some(refusal)))),
    }
}

/// A door at which passkeys are shown: where they are asked for, and where passwords are taken.
#[derive(Clone, Copy)]
pub(crate) struct Door {
    pub asks: &'static str,
    pub password: &'static str,
}

/// The door of a space's own people.
const OWN_DOOR: Door = Door { asks: "/login/passkey", password: "/login" };

/// The page that asks the browser for a passkey at a door.
pub(crate) fn ask_for_key(hall: &Hall, visit: &Visit, door: Door, back: &str) -> Answer {
    let under = passkey::ask(&hall.ctx, visit.space, &visit.base, &visit.origin)?;
    let of = Ask { options: &under.options, origin: &under.origin, makes: false, action: door.asks, back };
    let mut response = page(pages::passkey(&visit.shell(), &of, door.password, None))?;
    add(&mut response, &secret_cookie(visit, STEP, &under.token, STEP_MILLIS / SECOND))?;
    Ok(response)
}

/// That page again, where the key that was shown was refused.
pub(crate) fn key_refused(visit: &Visit, door: Door, back: &str, error: Error) -> Answer {
    again(error, |refusal| {
        let of = Ask { options: "", origin: "", makes: false, action: door.asks, back };
        Ok(pages::passkey(&visit.shell(), &of, door.password, Some(refusal)))
    })
}

async fn passkey_form(State(hall): State<Hall>, visit: Visit, Query(asked): Query) -> Answer {
    ask_for_key(&hall, &visit, OWN_DOOR, asked.get("back"))
}

async fn passkey_shown(State(hall): State<Hall>, visit: Visit, Under(token): Under, fields: Fields) -> Answer {
    let back = fields.get("back");
    let answer = (fields.get("answer"), visit.base.as_str());
    match passkey::enter(&hall.ctx, visit.space, &token, answer, &visit.origin).await {
        Ok(begun) => logged_in(&visit, onward(back), &begun),
        Err(error) => key_refused(&visit, OWN_DOOR, back, error),
    }
}

async fn link_form(State(hall): State<Hall>, visit: Visit, Path(token): Path<String>) -> Answer {
    let account = reset::account_of(&hall.ctx, visit.space, &token)?;
    page(pages::link(&visit.shell(), &token, &account.login, None))
}

async fn link(State(hall): State<Hall>, visit: Visit, Path(token): Path<String>, fields: Fields) -> Answer {
    match reset::use_link(&hall.ctx, visit.space, &token, fields.get("password"), &visit.origin).await {
        Ok(begun) => logged_in(&visit, "/admin/session", &begun),
        Err(error) => {
            let account = reset::account_of(&hall.ctx, visit.space, &token)?;
            again(error, |refusal| Ok(pages::link(&visit.shell(), &token, &account.login, Some(refusal))))
        }
    }
}

async fn logout(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    account::log_out(&hall.ctx, &actor).await?;
    let mut response = see("/login")?;
    add(&mut response, &secret_cookie(&visit, SESSION, "", 0))?;
    Ok(response)
}
