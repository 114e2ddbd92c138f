//! Set-up, log-in and log-out.

use crate::{
    Hall,
    answer::{Answer, again, page, see},
    audience::{SESSION, Staff, Visit, secret_cookie},
    fields::{Fields, Query},
    phone::local_path,
};
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
    routing::{get, post},
};
use domain::{account::SESSION_MILLIS, space::SpaceInput};
use service::{Error, account, space};
use views::admin::setup as pages;

/// Routes outside `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/setup", get(setup_form).post(setup))
        .route("/login", get(login_form).post(login))
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
            let token = account::begin_session(&hall.ctx, visit.space, account, &visit.origin).await?;
            logged_in(&visit, "/admin", &token)
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

fn logged_in(visit: &Visit, to: &str, token: &str) -> Answer {
    let response = see(to)?;
    with_cookie(response, &secret_cookie(visit, SESSION, token, SESSION_MILLIS / 1000))
}

fn with_cookie(mut response: Response, cookie: &str) -> Answer {
    let cookie = HeaderValue::try_from(cookie).map_err(|error| Error::internal("a cookie", error))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

async fn login_form(visit: Visit, Query(query): Query) -> Answer {
    if !visit.set_up {
        return see("/setup");
    }
    page(pages::login(&visit.shell(), "", query.get("back"), None))
}

async fn login(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let (login, back) = (fields.get("login"), fields.get("back"));
    match account::log_in(&hall.ctx, visit.space, login, fields.get("password"), &visit.origin).await {
        Ok(token) => logged_in(&visit, if back.is_empty() { "/admin" } else { local_path(back) }, &token),
        Err(error) => again(error, |refusal| Ok(pages::login(&visit.shell(), login, back, Some(refusal)))),
    }
}

async fn logout(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    account::log_out(&hall.ctx, &actor).await?;
    with_cookie(see("/login")?, &secret_cookie(&visit, SESSION, "", 0))
}
