//! What people choose about messages, leaving what goes to many, and the reports that providers of text messages post.

use crate::{
    Hall,
    answer::{Answer, again, page, tell},
    audience::Visit,
    fields::Fields,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::{Refusal, message::ChoiceInput};
use maud::Markup;
use service::{
    Error,
    message::{choice, sms},
};
use views::{Tone, phone::message as pages};

/// Routes for visitors and providers.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/ticket/{link}/message", get(show).post(save))
        .route("/message/leave/{code}", get(leave_form).post(leave))
        .route("/callback/sms/{key}", post(report))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    link: &str,
    typed: Option<&Fields>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let mut kept = choice::get(&hall.ctx, visit.space, link)?;
    if let Some(fields) = typed {
        fields.get("mail").clone_into(&mut kept.choice.mail);
    }
    let shell = visit.shell();
    let log: Vec<_> = kept.log.iter().map(|row| crate::trail::trail(&shell, row, false)).collect();
    let of = pages::Page {
        link,
        name: &kept.name,
        choice: &kept.choice,
        ways: &kept.ways,
        given: kept.given.as_deref(),
        phone: kept.phone.as_deref(),
        lang: &kept.lang,
        log: &log,
        days: service::message::person::OWN_DAYS,
    };
    Ok(pages::choices(&shell, &of, refusal))
}

async fn show(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    page(draw(&hall, &visit, &link, None, None)?)
}

async fn save(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>, fields: Fields) -> Answer {
    let input = ChoiceInput {
        wanted: fields.all("way").map(str::to_owned).collect(),
        shown: fields.all("shown").map(str::to_owned).collect(),
        first: fields.get("first").to_owned(),
        reminder: fields.ticked("reminder"),
        news: fields.ticked("news"),
        mail: fields.get("mail").to_owned(),
        lang: fields.get("lang").to_owned(),
    };
    match choice::save(&hall.ctx, visit.space, &link, &input).await {
        Ok(()) => tell(&format!("/ticket/{link}/message"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &link, Some(&fields), Some(refusal))),
    }
}

async fn leave_form(State(hall): State<Hall>, visit: Visit, Path(code): Path<String>) -> Answer {
    choice::leaver(&hall.ctx, &code)?;
    page(pages::leave(&visit.shell(), &code, false))
}

/// By the button, or by a mail program's own (RFC 8058), which posts without a page.
async fn leave(State(hall): State<Hall>, visit: Visit, Path(code): Path<String>) -> Answer {
    choice::leave(&hall.ctx, &code).await?;
    page(pages::leave(&visit.shell(), &code, true))
}

/// Both providers look at a field of their own in the answer.
async fn report(State(hall): State<Hall>, visit: Visit, Path(key): Path<String>, body: Bytes) -> Answer {
    sms::report(&hall.ctx, visit.space, &key, &body).await?;
    let body = r#"{"code":0,"msg":"OK","result":0,"errmsg":"OK"}"#;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
