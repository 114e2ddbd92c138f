//! Certificates for their holders and for whoever checks one.

use crate::{
    Hall,
    admin::design::saying,
    answer::{Answer, again, page, see},
    audience::Visit,
    fields::Query,
};
use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
    routing::get,
};
use domain::{
    CertificateId, Refusal,
    certificate::{grouped, read_number},
};
use service::{
    Error, certificate, portrait,
    poster::Form,
    render::{self, Card, Fonts, Href},
};
use views::{layout, phone::certificate as pages};

/// Routes for visitors.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/certificate", get(ask))
        .route("/certificate/{number}", get(check))
        .route("/ticket/{link}/certificate/{certificate}/picture.png", get(png))
        .route("/ticket/{link}/certificate/{certificate}/picture.svg", get(svg))
        .route("/ticket/{link}/certificate/{certificate}/print", get(print))
}

async fn ask(visit: Visit, Query(query): Query) -> Answer {
    match (query.get("number"), read_number(query.get("number"))) {
        ("", _) => page(pages::ask(&visit.shell(), "", None)),
        (_, Some(number)) => see(&format!("/certificate/{}", grouped(&number))),
        (typed, None) => {
            let wrong = domain::problem!(
                "number",
                "The number has {count} letters and digits.",
                count = domain::certificate::NUMBER_LEN
            );
            let error: Error = Refusal::invalid(vec![wrong]).into();
            let typed: String = typed.chars().take(60).collect();
            again(error, |refusal| Ok(pages::ask(&visit.shell(), &typed, Some(refusal))))
        }
    }
}

async fn check(State(hall): State<Hall>, visit: Visit, Path(number): Path<String>) -> Answer {
    let of = certificate::check(&hall.ctx, visit.space, &number)?;
    let shown = pages::Checked {
        certificate: &of.certificate,
        event: &of.event,
        name: &of.name,
        replaced_by: of.replaced_by.as_deref(),
    };
    page(pages::show(&visit.shell(), &shown))
}

async fn picture(hall: &Hall, visit: &Visit, link: &str, id: u64, form: Form) -> Result<Vec<u8>, Error> {
    certificate::picture(&hall.ctx, visit.space, link, CertificateId(id), &saying(visit), form).await
}

fn drawn(mime: &'static str, bytes: Vec<u8>) -> Answer {
    Ok(([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, "private, no-cache")], bytes).into_response())
}

async fn png(State(hall): State<Hall>, visit: Visit, Path((link, id)): Path<(String, u64)>) -> Answer {
    drawn("image/png", picture(&hall, &visit, &link, id, Form::Png).await?)
}

async fn svg(State(hall): State<Hall>, visit: Visit, Path((link, id)): Path<(String, u64)>) -> Answer {
    drawn("image/svg+xml; charset=utf-8", picture(&hall, &visit, &link, id, Form::Svg).await?)
}

/// The certificate as a page for the holder's printer.
async fn print(State(hall): State<Hall>, visit: Visit, Path((link, id)): Path<(String, u64)>) -> Answer {
    let (design, values) = certificate::card(&hall.ctx, visit.space, &link, CertificateId(id), &saying(&visit))?;
    let portrait = portrait::of_link(&hall.ctx, visit.space, &link)?.is_some();
    let links = |href: Href| match href {
        Href::Picture(id) => Some(format!("/picture/{id}")),
        Href::Portrait => portrait.then(|| format!("/ticket/{link}/portrait")),
    };
    let drawn = render::card(Fonts::system(), &design, &Card { values: &values, links: &links });
    let (shell, size) = (visit.shell(), (design.width, design.height));
    page(layout::paper(&shell, &design.name, size, &maud::html! {}, &[drawn]))
}
