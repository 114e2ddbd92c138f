//! Pictures of ticket holders, for posters, badges and the door: uploaded by the holder or the secretariat, made square and small, shown to nobody
//! but the holder, the secretariat, whoever the holder gives the poster to, and the door that the ticket is shown to.

use crate::{Actor, At, Ctx, Error, Permit, design, picture, registration};
use domain::{
    EventId, Permission, Portrait, Refusal, SpaceId, Ticket, TicketId, picture::UPLOAD_MAX, print::PORTRAIT_SIDE,
    problem, refuse,
};
use image::{DynamicImage, imageops::FilterType};
use store::{Read, catalogue::TICKET_BY_NUMBER};
use tokio::sync::Semaphore;

/// Pictures that are read at a time: a large one takes a hundred megabytes for a moment.
static READING: Semaphore = Semaphore::const_new(2);

fn square(picture: &DynamicImage) -> DynamicImage {
    let side = picture.width().min(picture.height()).max(1);
    let (x, y) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    picture.crop_imm(x, y, side, side).resize_exact(PORTRAIT_SIDE, PORTRAIT_SIDE, FilterType::Triangle)
}

async fn keep(ctx: &Ctx, permit: &Permit, ticket: &Ticket, bytes: Vec<u8>) -> Result<(), Error> {
    if bytes.len() > UPLOAD_MAX {
        let size = UPLOAD_MAX >> 20;
        return Err(
            Refusal::invalid(vec![problem!("picture", "A picture may have at most {size} MB.", size = size)]).into()
        );
    }
    let Ok(reading) = READING.try_acquire() else {
        return Err(refuse!(Slow, "picture.busy", "The box is looking at another picture. Try again.").into());
    };
    let files = ctx.files.clone();
    let stored = tokio::task::spawn_blocking(move || {
        let small = square(&picture::decode(&bytes)?);
        files.put(&picture::encode(&small)?)
    });
    let file = stored.await.map_err(|error| Error::internal("reading a picture", error))??;
    drop(reading);
    let (event, id) = (ticket.event, ticket.id);
    ctx.write(permit, move |work| {
        crate::archive::check_open(work.read(), event)?;
        let ticket = registration::load(work.read(), event, id)?;
        work.put(&Portrait { event, ticket: id, file, at: work.now })?;
        work.audit("portrait.upload", registration::subject(&ticket), "", "")
    })
    .await
}

/// Takes the picture of the ticket behind a link; whoever has the link holds the ticket. Many in a row are slowed down.
pub async fn upload(ctx: &Ctx, space: SpaceId, link: &str, bytes: Vec<u8>) -> Result<(), Error> {
    let ticket = registration::by_link(ctx, space, link)?.ticket;
    let keys = [format!("portrait {space} {}", ticket.id)];
    ctx.limiter.check(&keys, ctx.now())?;
    ctx.limiter.fail(&keys, ctx.now());
    keep(ctx, &ctx.public(&Actor::visitor(space)), &ticket, bytes).await
}

/// Takes the picture of a registration.
pub async fn upload_for(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId, bytes: Vec<u8>) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let ticket = ctx.read(&permit, |view| registration::load(view, event, id))?;
    keep(ctx, &permit, &ticket, bytes).await
}

async fn forget(ctx: &Ctx, permit: &Permit, ticket: &Ticket) -> Result<(), Error> {
    let (event, id) = (ticket.event, ticket.id);
    ctx.write(permit, move |work| {
        work.remove::<Portrait>(&(event, id))?;
        work.audit("portrait.remove", format!("event/{event}/ticket/{id}"), "", "")
    })
    .await
}

/// Takes the picture of the ticket behind a link away.
pub async fn remove(ctx: &Ctx, space: SpaceId, link: &str) -> Result<(), Error> {
    let ticket = registration::by_link(ctx, space, link)?.ticket;
    forget(ctx, &ctx.public(&Actor::visitor(space)), &ticket).await
}

/// Takes the picture of a registration away.
pub async fn remove_for(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let ticket = ctx.read(&permit, |view| registration::load(view, event, id))?;
    forget(ctx, &permit, &ticket).await
}

/// The picture of the ticket behind a link as JPEG, when there is one.
pub fn of_link(ctx: &Ctx, space: SpaceId, link: &str) -> Result<Option<Vec<u8>>, Error> {
    let ticket = registration::by_link(ctx, space, link)?.ticket;
    ctx.read(&ctx.own(space), |view| design::portrait(ctx, view, ticket.event, ticket.id))
}

/// The picture of a registration as JPEG, when there is one.
pub fn of_ticket(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId) -> Result<Option<Vec<u8>>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.read(&permit, |view| design::portrait(ctx, view, event, id))
}

/// The picture of whoever holds the ticket of that number, for the door that it was shown to: nobody guesses a number, so nobody looks through pictures.
pub fn at_door(ctx: &Ctx, actor: &Actor, event: EventId, number: &str) -> Result<Option<Vec<u8>>, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    ctx.read(&permit, |view| {
        let ticket = view.find::<Ticket, _>(&TICKET_BY_NUMBER, &number.to_owned())?;
        let here = ticket.filter(|ticket| ticket.event == event);
        here.map_or(Ok(None), |ticket| design::portrait(ctx, view, event, ticket.id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{test, token};
    use std::io::Cursor;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut out, image::ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[tokio::test]
    async fn a_portrait_is_square_and_small_and_what_is_no_picture_is_refused() {
        let (hall, admin) = test::founded().await;
        let (event, kind) = test::opened(&hall, &admin).await;
        let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &test::named("张三", "")).await.unwrap();
        let (space, link) = (admin.space, token::link(&ticket.link));
        assert_eq!(of_link(&hall.ctx, space, &link).unwrap(), None);
        upload(&hall.ctx, space, &link, png(900, 300)).await.unwrap();
        let kept = of_ticket(&hall.ctx, &admin, event, ticket.id).unwrap().unwrap();
        let kept = image::load_from_memory(&kept).unwrap();
        assert_eq!((kept.width(), kept.height()), (PORTRAIT_SIDE, PORTRAIT_SIDE));
        for bad in [
            b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>".to_vec(),
            png(10_000, 7_000),
            vec![0; UPLOAD_MAX + 1],
        ] {
            assert!(upload(&hall.ctx, space, &link, bad).await.is_err());
        }
        assert!(of_link(&hall.ctx, space, &link).unwrap().is_some(), "what was refused took nothing away");
        let stranger = token::link(&[9; 16]);
        assert_eq!(upload(&hall.ctx, space, &stranger, png(9, 9)).await.unwrap_err().code(), Some("record.missing"));
        for _ in 0..3 {
            drop(upload(&hall.ctx, space, &link, png(9, 9)).await);
        }
        let slowed = upload(&hall.ctx, space, &link, png(9, 9)).await.unwrap_err();
        assert_eq!(slowed.code(), Some("attempt.too_many"), "a disk is not filled by one link");
        remove(&hall.ctx, space, &link).await.unwrap();
        assert_eq!(of_ticket(&hall.ctx, &admin, event, ticket.id).unwrap(), None);
    }
}
