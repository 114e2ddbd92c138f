//! Documents: list, upload as a stream, download, reading again, removing.

use crate::{
    Hall,
    answer::{Answer, again, disposition, page, tell, told},
    audience::{Staff, Visit},
    fields::Query,
};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use bytes::Bytes;
use domain::{DepartmentId, DocumentId, EventId, Permission, Refusal, document::UPLOADS_MAX, refuse};
use futures_util::stream::try_unfold;
use maud::Markup;
use service::{
    Actor, Error,
    document::{self, Row, Shelf},
    search::saved,
};
use std::path::PathBuf;
use tokio::io::AsyncReadExt;
use views::{Tone, admin::document as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        // Files are counted while they come and written as they come; none is held in memory.
        .route("/document", get(list).post(upload).layer(DefaultBodyLimit::disable()))
        .route("/document/{id}", get(show))
        .route("/document/{id}/file", get(file))
        .route("/document/{id}/retry", post(retry))
        .route("/document/{id}/remove", post(remove))
}

fn shown(row: &Row) -> pages::Shown<'_> {
    pages::Shown {
        document: &row.document,
        shelf: row.event.as_deref().or(row.department.as_deref()),
        owner: &row.owner,
        mine: row.mine,
    }
}

/// A shelf as it stands in the form.
fn value(shelf: Shelf) -> String {
    match (shelf.event, shelf.department) {
        (Some(event), _) => format!("e{event}"),
        (None, Some(department)) => format!("d{department}"),
        (None, None) => String::new(),
    }
}

fn read_shelf(text: &str) -> Result<Shelf, Refusal> {
    let wrong = || Refusal::invalid(vec![domain::problem!("shelf", "Choose one of the given answers.")]);
    match text.split_at_checked(1) {
        None => Ok(Shelf::default()),
        Some(("e", id)) => Ok(Shelf { event: Some(id.parse().map(EventId).map_err(|_| wrong())?), department: None }),
        Some(("d", id)) => {
            Ok(Shelf { event: None, department: Some(id.parse().map(DepartmentId).map_err(|_| wrong())?) })
        }
        Some(_) => Err(wrong()),
    }
}

async fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (q, number): (&str, usize),
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let (ctx, who, asked) = (hall.ctx.clone(), actor.clone(), q.to_owned());
    let (rows, found) = service::aside(move || document::list(&ctx, &who, &asked, number)).await?;
    let rows: Vec<pages::Shown<'_>> = rows.iter().map(shown).collect();
    let text = visit.text();
    let shelves: Vec<(String, String)> = document::shelves(&hall.ctx, actor)?
        .into_iter()
        .map(|(shelf, name)| (value(shelf), name.unwrap_or_else(|| text.t("The association").to_owned())))
        .collect();
    let kept = saved::list(&hall.ctx, actor, "/admin/document")?;
    let of = pages::List {
        rows: &rows,
        found,
        page: number,
        size: document::PAGE,
        q,
        shelves: &shelves,
        refusal,
        saved: &kept,
    };
    Ok(pages::list(&visit.admin_shell(actor), &of))
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let number = query.page(100_000)?;
    match draw(&hall, &visit, &actor, (query.get("q"), number), None).await {
        Ok(drawn) => page(drawn),
        Err(Error::Refused(refusal)) if refusal.kind == domain::Kind::Invalid => {
            page(draw(&hall, &visit, &actor, ("", 0), Some(&refusal)).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn upload(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, form: Multipart) -> Answer {
    // Nobody without the right anywhere may make the box write anything.
    hall.ctx.permit_somewhere(&actor, Permission::DocumentManage)?;
    match take(&hall, &actor, form).await {
        Ok(count) => {
            let said = visit.text().f("{count} documents were uploaded.", &[("count", &count.to_string())]);
            tell("/admin/document", Tone::Good, &said)
        }
        Err(error @ Error::Refused(_)) => {
            let drawn = match &error {
                Error::Refused(refusal) => draw(&hall, &visit, &actor, ("", 0), Some(refusal)).await?,
                _ => Markup::default(),
            };
            again(error, |_| Ok(drawn))
        }
        Err(error) => Err(error.into()),
    }
}

fn broken_off() -> Error {
    refuse!(Invalid, "form.unreadable", "The form could not be read. Send it again.").into()
}

/// Takes the files of a form one after another; those before a refused one stay.
async fn take(hall: &Hall, actor: &Actor, mut form: Multipart) -> Result<usize, Error> {
    let (mut shelf, mut count) = (Shelf::default(), 0usize);
    while let Some(mut part) = form.next_field().await.map_err(|_| broken_off())? {
        let Some(name) = part.file_name().map(str::to_owned) else {
            if part.name() == Some("shelf") {
                let mut text = Vec::new();
                while let Some(piece) = part.chunk().await.map_err(|_| broken_off())? {
                    text.extend_from_slice(&piece);
                    if text.len() > 64 {
                        return Err(broken_off());
                    }
                }
                shelf = read_shelf(&String::from_utf8_lossy(&text))?;
            }
            continue;
        };
        // A form without a chosen file sends one without name and bytes.
        if name.is_empty() {
            continue;
        }
        if count >= UPLOADS_MAX {
            return Err(refuse!(
                Invalid,
                "document.too_many",
                "At most {max} files at a time. The first of them were taken.",
                max = UPLOADS_MAX
            )
            .into());
        }
        let mut intake = document::begin(&hall.ctx, actor, shelf, &name)?;
        while let Some(piece) = part.chunk().await.map_err(|_| broken_off())? {
            intake.write(&piece)?;
        }
        document::keep(&hall.ctx, intake).await?;
        count += 1;
    }
    if count == 0 {
        return Err(Refusal::invalid(vec![domain::problem!("file", "Choose a file.")]).into());
    }
    Ok(count)
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let (ctx, who) = (hall.ctx.clone(), actor.clone());
    let (row, text) = service::aside(move || document::get(&ctx, &who, DocumentId(id))).await?;
    page(pages::one(&visit.admin_shell(&actor), &shown(&row), &text))
}

/// Bytes that are read of a file at a time.
const PIECE: usize = 64 << 10;

async fn file(State(hall): State<Hall>, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let (document, path) = document::file(&hall.ctx, &actor, DocumentId(id))?;
    let stream = try_unfold(None::<tokio::fs::File>, move |open| next_piece(open, path.clone()));
    let head = [
        (header::CONTENT_TYPE, header::HeaderValue::from_static("application/octet-stream")),
        (header::CACHE_CONTROL, header::HeaderValue::from_static("no-store")),
        (header::CONTENT_LENGTH, header::HeaderValue::from(document.bytes)),
        (header::CONTENT_DISPOSITION, disposition(&document.name)?),
    ];
    Ok((head, Body::from_stream(stream)).into_response())
}

async fn next_piece(
    open: Option<tokio::fs::File>,
    path: PathBuf,
) -> std::io::Result<Option<(Bytes, Option<tokio::fs::File>)>> {
    let mut file = match open {
        Some(file) => file,
        None => tokio::fs::File::open(path).await?,
    };
    let mut piece = vec![0; PIECE];
    let read = file.read(&mut piece).await?;
    piece.truncate(read);
    Ok((read > 0).then_some((Bytes::from(piece), Some(file))))
}

async fn retry(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, "/admin/document", document::retry(&hall.ctx, &actor, DocumentId(id)).await)
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, "/admin/document", document::remove(&hall.ctx, &actor, DocumentId(id)).await)
}
