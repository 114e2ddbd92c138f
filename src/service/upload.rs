//! Files that people upload with a registration: kept at once, named by a signed text until the registration is, so that a form that
//! comes back has not lost them.

use crate::{Actor, At, Ctx, Error, privacy::access, registration};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use domain::{
    EventId, Permission, Refusal, Ticket, TicketId,
    field::{AnswerValue, FILE_MAX, Upload},
    problem,
    time::DAY,
};
use std::collections::BTreeSet;
use store::{Order, Read};

/// Beginnings of the files that are taken, with the MIME type they are given out as: PDF, pictures, and what is a zip inside (docx, xlsx, pptx).
const KINDS: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"PK\x03\x04", "application/zip"),
];

/// Keeps an upload for a question; answers the signed text that stands for it.
pub async fn keep(ctx: &Ctx, field: u16, name: &str, bytes: Vec<u8>) -> Result<String, Error> {
    let at = format!("answer-{field}");
    if bytes.len() > FILE_MAX {
        let size = FILE_MAX >> 20;
        return Err(Refusal::invalid(vec![problem!(at, "A file may have at most {size} MB.", size = size)]).into());
    }
    if mime(&bytes).is_none() {
        let problem = problem!(at, "Take a PDF, a JPEG or PNG picture, or a Word, Excel or PowerPoint file.");
        return Err(Refusal::invalid(vec![problem]).into());
    }
    let size = bytes.len();
    let files = ctx.files.clone();
    let now = ctx.now();
    let stored = tokio::task::spawn_blocking(move || files.put_unnamed(&bytes, now));
    let file = stored.await.map_err(|error| Error::internal("keeping a file", error))??;
    let name: String = domain::text::line(name).chars().filter(|c| !matches!(c, '/' | '\\')).take(80).collect();
    let name = BASE64URL_NOPAD.encode(name.as_bytes());
    Ok(ctx.sealer.sign(&format!("upload.{field}.{}.{size}.{name}", HEXLOWER.encode(&file))))
}

/// What a signed text stands for; refused when the box did not sign it for this question.
pub(crate) fn taken(ctx: &Ctx, field: u16, text: &str) -> Result<Upload, Error> {
    let read = || {
        let mut parts = ctx.sealer.signed(text)?.split('.');
        let right = parts.next()? == "upload" && parts.next()?.parse() == Ok(field);
        let file = HEXLOWER.decode(parts.next()?.as_bytes()).ok()?.try_into().ok()?;
        let size = parts.next()?.parse().ok()?;
        let name = String::from_utf8(BASE64URL_NOPAD.decode(parts.next()?.as_bytes()).ok()?).ok()?;
        right.then_some(Upload { file, name, size })
    };
    let lost = || Refusal::invalid(vec![problem!(format!("answer-{field}"), "Choose the file once more.")]);
    Ok(read().ok_or_else(lost)?)
}

/// The name of the file that a signed text stands for, for a form that comes back.
pub fn name(ctx: &Ctx, field: u16, text: &str) -> Option<String> {
    taken(ctx, field, text).ok().map(|upload| upload.name)
}

/// How long an upload waits for its registration.
const UNUSED_AFTER: i64 = DAY;

/// Removes uploads that no registration names a day after they came; answers how many. Called by the clock.
pub async fn sweep(ctx: &Ctx) -> Result<usize, Error> {
    let old = ctx.files.unnamed_before(ctx.now().plus(-UNUSED_AFTER));
    if old.is_empty() {
        return Ok(0);
    }
    let ctx = ctx.clone();
    crate::aside(move || {
        let named = named(&ctx, &old.iter().copied().collect())?;
        let mut removed = 0;
        for file in old {
            if !named.contains(&file) {
                ctx.files.remove(&file)?;
                removed += 1;
            }
            ctx.files.settle(&file);
        }
        Ok(removed)
    })
    .await
}

/// Which of the files some registration of any space names.
fn named(ctx: &Ctx, files: &BTreeSet<[u8; 32]>) -> Result<BTreeSet<[u8; 32]>, Error> {
    let view = ctx.store().view();
    let mut found = BTreeSet::new();
    for space in ctx.spaces()? {
        for kept in view.space(space).scan::<Ticket>(&(), None, Order::Ascending) {
            for answer in kept?.1.answers {
                if let AnswerValue::File(upload) = answer.value
                    && files.contains(&upload.file)
                {
                    found.insert(upload.file);
                }
            }
        }
    }
    Ok(found)
}

fn mime(bytes: &[u8]) -> Option<&'static str> {
    KINDS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, mime)| *mime)
}

/// The uploaded answer of a registration, for those who see personal data in full: bytes, name and MIME type.
pub fn answer(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: TicketId,
    field: u16,
) -> Result<(Vec<u8>, String, &'static str), Error> {
    ctx.permit(actor, Permission::PersonSensitive, At::Event(event))?;
    let ticket = registration::get(ctx, actor, event, id)?;
    let found = ticket.answers.into_iter().find(|answer| answer.field == field).map(|answer| answer.value);
    let Some(AnswerValue::File(upload)) = found else { return Err(Refusal::missing("file").into()) };
    let bytes = ctx.files.get(&upload.file)?;
    access::note(ctx, actor, "registration.file", Some(event), [ticket.person], &[domain::privacy::Seen::File]);
    let mime = mime(&bytes).unwrap_or("application/octet-stream");
    Ok((bytes, upload.name, mime))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::test::Hall;
    use crate::test::{founded, named as person, opened};
    use domain::field::{Field, FieldKind};

    #[tokio::test]
    async fn an_upload_that_no_registration_names_goes_after_a_day() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (event, kind) = opened(&hall, &admin).await;
        let question = Field { id: 900, label: "名片".into(), kind: FieldKind::File, ..Field::default() };
        let at = crate::event::get(ctx, &admin, event).unwrap().event;
        crate::event::save_fields(ctx, &admin, event, at.revision, vec![question]).await.unwrap();
        let used = keep(ctx, 1, "a.pdf", b"%PDF-1.7 used".to_vec()).await.unwrap();
        let loose = keep(ctx, 1, "b.pdf", b"%PDF-1.7 loose".to_vec()).await.unwrap();
        let input = domain::ticket::TicketInput { answers: vec![(1, used.clone())], ..person("张三", "") };
        let ticket = registration::add(ctx, &admin, event, kind, "", &input).await.unwrap();
        hall.advance(DAY - 1);
        assert_eq!(sweep(ctx).await.unwrap(), 0, "not before its time");
        hall.advance(2);
        assert_eq!(sweep(ctx).await.unwrap(), 1);
        assert_eq!(sweep(ctx).await.unwrap(), 0, "once");
        assert_eq!(answer(ctx, &admin, event, ticket.id, 1).unwrap().0, b"%PDF-1.7 used");
        assert!(ctx.files.get(&taken(ctx, 1, &loose).unwrap().file).is_err());
    }

    #[tokio::test]
    async fn an_upload_is_of_a_known_kind_and_size_and_stands_for_itself_only() {
        let hall = Hall::fresh();
        let kept = keep(&hall.ctx, 3, "名片/../a.pdf", b"%PDF-1.7 x".to_vec()).await.unwrap();
        let upload = taken(&hall.ctx, 3, &kept).unwrap();
        assert_eq!((upload.name.as_str(), upload.size), ("名片..a.pdf", 10));
        assert_eq!(hall.ctx.files.get(&upload.file).unwrap(), b"%PDF-1.7 x");
        assert!(taken(&hall.ctx, 4, &kept).is_err(), "of another question");
        assert!(taken(&hall.ctx, 3, &kept.replace("upload.3", "upload.4")).is_err(), "not signed");
        for bytes in [b"<svg onload=x>".to_vec(), b"MZ".to_vec(), Vec::new()] {
            assert_eq!(keep(&hall.ctx, 3, "x", bytes).await.unwrap_err().code(), Some("input.invalid"));
        }
        let large = [b"%PDF-".to_vec(), vec![0; FILE_MAX]].concat();
        assert_eq!(keep(&hall.ctx, 3, "x", large).await.unwrap_err().code(), Some("input.invalid"));
    }
}
