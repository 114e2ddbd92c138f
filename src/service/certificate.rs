//! Certificates of attendance: issued to those who came in at a list, found by anybody who has the number, taken back and issued anew.

use crate::{
    Actor, At, Ctx, Error, Permit, Work, checkin,
    design::{self, Saying},
    event,
    poster::Form,
    print::PersonCard,
    registration,
    roster::Filter,
    row::{self, Row},
};
use data_encoding::BASE32_NOPAD_VISUAL;
use domain::{
    Certificate, CertificateId, Design, DesignId, Event, EventId, Permission, Refusal, SpaceId, Ticket, TicketId,
    TicketState,
    certificate::{CertificateState, grouped, masked, read_number, replace, revoke as take_back, serial},
    design::{Purpose, Values},
    refuse,
};
use std::collections::HashSet;
use store::catalogue::{CERTIFICATE_BY_NUMBER, CERTIFICATE_BY_TICKET, CERTIFICATES};
use store::{Order, Read};

/// Certificates that are issued in one transaction.
const CHUNK: usize = 100;
/// Rows of one page of the list.
pub const PAGE: usize = 50;

fn load(view: &impl Read, event: EventId, id: CertificateId) -> Result<Certificate, Error> {
    view.get::<Certificate>(&(event, id))?.ok_or_else(|| Refusal::missing("certificate").into())
}

fn drawn_by(view: &impl Read, event: EventId, id: DesignId) -> Result<Design, Error> {
    let design = design::load(view, event, id)?;
    if design.purpose != Purpose::Certificate {
        return Err(Refusal::missing("design").into());
    }
    Ok(design)
}

/// Whether certificates were issued by a design.
pub(crate) fn is_used(view: &impl Read, event: EventId, design: DesignId) -> Result<bool, Error> {
    for kept in view.scan::<Certificate>(&event, None, Order::Ascending) {
        if kept?.1.design == design {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A random number for a certificate: 80 bits.
fn draw_number(ctx: &Ctx) -> String {
    let mut bytes = [0u8; 10];
    ctx.random.fill(&mut bytes);
    BASE32_NOPAD_VISUAL.encode(&bytes)
}

fn of_ticket(view: &impl Read, event: EventId, ticket: TicketId) -> Result<Vec<Certificate>, Error> {
    let mut found = Vec::new();
    for key in view.scan_index(&CERTIFICATE_BY_TICKET, &(event, ticket), None, Order::Descending) {
        found.extend(view.get::<Certificate>(&key?)?);
    }
    Ok(found)
}

fn subject(certificate: &Certificate) -> String {
    format!("event/{}/certificate/{}", certificate.event, certificate.id)
}

fn write(
    work: &mut Work<'_, '_>,
    ticket: &Ticket,
    design: DesignId,
    number: &str,
    year: i16,
) -> Result<Certificate, Error> {
    let place = work.read().count(&CERTIFICATES, &ticket.event)?.max(0).unsigned_abs() + 1;
    let certificate = Certificate {
        id: CertificateId(work.next_id::<Certificate>()?),
        event: ticket.event,
        ticket: ticket.id,
        design,
        number: number.to_owned(),
        serial: serial(year, ticket.event, place),
        name: ticket.name.clone(),
        issued_at: work.now,
        issued_by: work.permit.by,
        state: CertificateState::Valid,
    };
    work.insert(&certificate)?;
    work.audit(
        "certificate.issue",
        subject(&certificate),
        "",
        &format!("{} {}", certificate.serial, certificate.name),
    )?;
    Ok(certificate)
}

/// The year that serials of an event carry: the one in which it ends.
fn year(ctx: &Ctx, space: SpaceId, event: &Event) -> Result<i16, Error> {
    Ok(event.time.to.zoned(&ctx.zone(space)?).year())
}

/// Who came in at the design's list and has no certificate by it, not even one that was taken back.
fn entitled(ctx: &Ctx, permit: &Permit, event: EventId, design: &Design) -> Result<Vec<TicketId>, Error> {
    let ids = registration::selected(ctx, permit, event, &Filter::default())?;
    let list = design.rule.list;
    let presence = checkin::presence(ctx, permit.space, event)?;
    let came: Vec<TicketId> = presence.look(|presence| {
        let came = |id: &TicketId| presence.standing(list, *id).is_some_and(|standing| standing.is_admitted());
        ids.into_iter().filter(came).collect()
    })?;
    ctx.read(permit, |view| {
        let mut has = HashSet::new();
        for kept in view.scan::<Certificate>(&event, None, Order::Ascending) {
            let (_, certificate) = kept?;
            if certificate.design == design.id {
                has.insert(certificate.ticket);
            }
        }
        Ok(came.into_iter().filter(|id| !has.contains(id)).collect())
    })
}

/// Issues certificates to everybody who came in at the design's list and has none; answers how many.
pub async fn issue_all(ctx: &Ctx, actor: &Actor, event: EventId, id: DesignId) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::CertificateIssue, At::Event(event))?;
    let (design, kept) = ctx.read(&permit, |view| Ok((drawn_by(view, event, id)?, event::load(view, event)?)))?;
    let year = year(ctx, permit.space, &kept)?;
    let mut issued = 0;
    for some in entitled(ctx, &permit, event, &design)?.chunks(CHUNK) {
        let drawn: Vec<(TicketId, String)> = some.iter().map(|ticket| (*ticket, draw_number(ctx))).collect();
        issued += ctx
            .write(&permit, move |work| {
                drawn_by(work.read(), event, id)?;
                let mut count = 0;
                for (ticket, number) in &drawn {
                    let ticket = registration::load(work.read(), event, *ticket)?;
                    // Pressed twice at once, or canceled meanwhile.
                    let has = of_ticket(work.read(), event, ticket.id)?.iter().any(|kept| kept.design == id);
                    if has || ticket.state != TicketState::Active {
                        continue;
                    }
                    write(work, &ticket, id, number, year)?;
                    count += 1;
                }
                Ok(count)
            })
            .await?;
    }
    Ok(issued)
}

/// Takes a certificate back.
pub async fn revoke(ctx: &Ctx, actor: &Actor, event: EventId, id: CertificateId, reason: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::CertificateIssue, At::Event(event))?;
    let reason = reason.to_owned();
    ctx.write(&permit, move |work| {
        let mut certificate = load(work.read(), event, id)?;
        take_back(&mut certificate, &reason, work.now)?;
        work.put(&certificate)?;
        work.audit("certificate.revoke", subject(&certificate), &certificate.serial, &reason)
    })
    .await
}

/// Issues a certificate anew, with the name as it is now; the one before leads to the new one.
pub async fn reissue(ctx: &Ctx, actor: &Actor, event: EventId, id: CertificateId) -> Result<CertificateId, Error> {
    let permit = ctx.permit(actor, Permission::CertificateIssue, At::Event(event))?;
    let kept = ctx.read(&permit, |view| event::load(view, event))?;
    let (year, number) = (year(ctx, permit.space, &kept)?, draw_number(ctx));
    ctx.write(&permit, move |work| {
        let mut old = load(work.read(), event, id)?;
        let ticket = registration::load(work.read(), event, old.ticket)?;
        let new = write(work, &ticket, old.design, &number, year)?;
        let now = work.now;
        replace(&mut old, new.id, now)?;
        work.put(&old)?;
        work.audit("certificate.replace", subject(&old), &old.serial, &new.serial)?;
        Ok(new.id)
    })
    .await
}

/// A page of the event's certificates, the newest first, and how many there are. `text` is part of a name or number.
pub fn list(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    text: &str,
    page: usize,
) -> Result<(Vec<Certificate>, usize), Error> {
    let permit = ctx.permit(actor, Permission::CertificateIssue, At::Event(event))?;
    let query = row::read(ctx, permit.space, text)?;
    ctx.read(&permit, |view| {
        event::load(view, event)?;
        let (mut rows, mut found) = (Vec::new(), 0);
        for kept in view.scan::<Certificate>(&event, None, Order::Descending) {
            let (_, certificate) = kept?;
            // Its number is printed in groups and may be typed so.
            let apart = grouped(&certificate.number);
            let words = [certificate.serial.as_str(), &certificate.number, &apart];
            let row = Row { name: &certificate.name, words: &words, at: Some(certificate.issued_at), ..Row::default() };
            if !row.fits(&query) {
                continue;
            }
            if (page * PAGE..(page + 1) * PAGE).contains(&found) {
                rows.push(certificate);
            }
            found += 1;
        }
        Ok((rows, found))
    })
}

/// The event's certificate designs, with how many people wait for one by each.
pub fn waiting(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<(Design, usize)>, Error> {
    let permit = ctx.permit(actor, Permission::CertificateIssue, At::Event(event))?;
    let designs = ctx.read(&permit, |view| {
        event::load(view, event)?;
        design::of_event(view, event)
    })?;
    let designs = designs.into_iter().filter(|design| design.purpose == Purpose::Certificate);
    designs.map(|design| Ok((design.clone(), entitled(ctx, &permit, event, &design)?.len()))).collect()
}

/// What a check page says.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The certificate.
    pub certificate: Certificate,
    /// Its event.
    pub event: Event,
    /// The name as strangers may see it.
    pub name: String,
    /// The readable number of the one that replaced it.
    pub replaced_by: Option<String>,
}

/// Looks a certificate up by its number, for anybody who has it.
pub fn check(ctx: &Ctx, space: SpaceId, number: &str) -> Result<Checked, Error> {
    let missing = || {
        refuse!(
            Missing,
            "certificate.unknown",
            "No certificate has this number. Check it against the paper, character by character."
        )
    };
    let number = read_number(number).ok_or_else(missing)?;
    ctx.read(&ctx.own(space), |view| {
        let certificate = view.find::<Certificate, _>(&CERTIFICATE_BY_NUMBER, &number)?.ok_or_else(missing)?;
        let event = event::load(view, certificate.event)?;
        let hides = design::load(view, certificate.event, certificate.design).map_or(true, |design| design.rule.masked);
        let name = if hides { masked(&certificate.name) } else { certificate.name.clone() };
        let replaced_by = match certificate.state {
            CertificateState::Replaced(_, by) => Some(load(view, certificate.event, by)?.serial),
            CertificateState::Valid | CertificateState::Revoked(..) => None,
        };
        Ok(Checked { certificate, event, name, replaced_by })
    })
}

/// The valid certificates of the ticket behind a link that its page shows.
pub fn of_link(ctx: &Ctx, space: SpaceId, link: &str) -> Result<Vec<Certificate>, Error> {
    let ticket = registration::by_link(ctx, space, link)?.ticket;
    ctx.read(&ctx.own(space), |view| shown(view, &ticket))
}

fn shown(view: &impl Read, ticket: &Ticket) -> Result<Vec<Certificate>, Error> {
    let mut found = Vec::new();
    for certificate in of_ticket(view, ticket.event, ticket.id)? {
        let design = view.get::<Design>(&(ticket.event, certificate.design))?;
        if certificate.is_valid() && design.is_some_and(|design| design.rule.shown) {
            found.push(certificate);
        }
    }
    Ok(found)
}

fn values(ctx: &Ctx, view: &impl Read, certificate: &Certificate, said: &Saying) -> Result<Values, Error> {
    let event = event::load(view, certificate.event)?;
    let ticket = registration::load(view, certificate.event, certificate.ticket)?;
    let all = design::of_all(ctx, &event, said)?;
    Ok(Values {
        name: certificate.name.clone(),
        serial: certificate.serial.clone(),
        issued: (said.date)(certificate.issued_at),
        check_code: format!("{}/certificate/{}", said.base, grouped(&certificate.number)),
        ..design::of_ticket(view, &all, said, &ticket)?
    })
}

fn draw(ctx: &Ctx, view: &impl Read, certificate: &Certificate, said: &Saying, form: Form) -> Result<Vec<u8>, Error> {
    let design = drawn_by(view, certificate.event, certificate.design)?;
    let values = values(ctx, view, certificate, said)?;
    match form {
        Form::Png => design::png(ctx, view, &design, &values, Some(certificate.ticket), design::pixels(&design)),
        Form::Svg => Ok(design::svg(ctx, view, &design, &values, Some(certificate.ticket))?.into_bytes()),
    }
}

/// A valid certificate of the ticket behind a link, drawn for its holder.
pub async fn picture(
    ctx: &Ctx,
    space: SpaceId,
    link: &str,
    id: CertificateId,
    said: &Saying,
    form: Form,
) -> Result<Vec<u8>, Error> {
    let ticket = registration::by_link(ctx, space, link)?.ticket;
    let (ctx, permit, said) = (ctx.clone(), ctx.own(space), said.clone());
    crate::aside(move || {
        ctx.read(&permit, |view| {
            let found = shown(view, &ticket)?.into_iter().find(|certificate| certificate.id == id);
            draw(&ctx, view, &found.ok_or_else(|| Refusal::missing("certificate"))?, &said, form)
        })
    })
    .await
}

/// A valid certificate of the ticket behind a link: its design and what it is filled with.
pub fn card(
    ctx: &Ctx,
    space: SpaceId,
    link: &str,
    id: CertificateId,
    said: &Saying,
) -> Result<(Design, Values), Error> {
    let ticket = registration::by_link(ctx, space, link)?.ticket;
    ctx.read(&ctx.own(space), |view| {
        let found = shown(view, &ticket)?.into_iter().find(|certificate| certificate.id == id);
        let certificate = found.ok_or_else(|| Refusal::missing("certificate"))?;
        Ok((drawn_by(view, certificate.event, certificate.design)?, values(ctx, view, &certificate, said)?))
    })
}

/// A certificate, drawn for the secretariat.
pub async fn picture_for(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: CertificateId,
    said: &Saying,
    form: Form,
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::CertificateIssue, At::Event(event))?;
    let (ctx, said) = (ctx.clone(), said.clone());
    crate::aside(move || ctx.read(&permit, |view| draw(&ctx, view, &load(view, event, id)?, &said, form))).await
}

/// One certificate, for the secretariat.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId, id: CertificateId) -> Result<Certificate, Error> {
    let permit = ctx.permit(actor, Permission::CertificateIssue, At::Event(event))?;
    ctx.read(&permit, |view| load(view, event, id))
}

/// Certificates to print: the valid ones of a design, at most [`domain::print::RUN_MAX`] of them.
pub fn sheets(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DesignId,
    only: Option<CertificateId>,
    said: &Saying,
) -> Result<(Design, Vec<PersonCard>), Error> {
    let permit = ctx.permit(actor, Permission::CertificateIssue, At::Event(event))?;
    ctx.read(&permit, |view| {
        let design = drawn_by(view, event, id)?;
        let mut cards = Vec::new();
        for kept in view.scan::<Certificate>(&event, None, Order::Ascending) {
            let (_, certificate) = kept?;
            let wanted =
                certificate.design == id && certificate.is_valid() && only.is_none_or(|only| only == certificate.id);
            if wanted && cards.len() < domain::print::RUN_MAX {
                let ticket = certificate.ticket;
                let portrait = view.get::<domain::Portrait>(&(event, ticket))?.is_some();
                cards.push(PersonCard { ticket, values: values(ctx, view, &certificate, said)?, portrait });
            }
        }
        Ok((design, cards))
    })
}

/// The certificates of a registration, the newest first.
pub fn of_registration(ctx: &Ctx, actor: &Actor, event: EventId, ticket: TicketId) -> Result<Vec<Certificate>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.read(&permit, |view| of_ticket(view, event, ticket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ctx::test::Hall, test, token};
    use domain::{ListId, TicketTypeId};

    async fn design_of(hall: &Hall, admin: &Actor, event: EventId) -> DesignId {
        design::create(&hall.ctx, admin, event, "certificate", |text: &str| text.to_owned()).await.unwrap()
    }

    async fn came(hall: &Hall, admin: &Actor, event: EventId, kind: TicketTypeId, name: &str) -> Ticket {
        let ticket = registration::add(&hall.ctx, admin, event, kind, "", &test::named(name, "")).await.unwrap();
        checkin::redeem(&hall.ctx, admin, event, test::scan(&ticket.number, name)).await.unwrap();
        ticket
    }

    #[tokio::test]
    async fn those_who_came_get_one_certificate_each_however_often_it_is_pressed() {
        let (hall, admin) = test::founded().await;
        let (event, kind) = test::opened(&hall, &admin).await;
        let ticket = came(&hall, &admin, event, kind, "欧阳锋").await;
        registration::add(&hall.ctx, &admin, event, kind, "", &test::named("没来", "")).await.unwrap();
        let design = design_of(&hall, &admin, event).await;
        assert_eq!(waiting(&hall.ctx, &admin, event).unwrap()[0].1, 1);
        let (once, twice) =
            tokio::join!(issue_all(&hall.ctx, &admin, event, design), issue_all(&hall.ctx, &admin, event, design));
        assert_eq!(once.unwrap() + twice.unwrap(), 1);
        let (rows, found) = list(&hall.ctx, &admin, event, "欧阳", 0).unwrap();
        assert_eq!((found, rows[0].name.as_str(), rows[0].serial.as_str()), (1, "欧阳锋", "2026-001-0001"));
        assert_eq!(list(&hall.ctx, &admin, event, "没来", 0).unwrap().1, 0);
        let shown = check(&hall.ctx, admin.space, &grouped(&rows[0].number).to_lowercase()).unwrap();
        assert_eq!((shown.name.as_str(), shown.event.id), ("欧*锋", event), "strangers see a masked name");
        let link = token::link(&ticket.link);
        assert_eq!(of_link(&hall.ctx, admin.space, &link).unwrap().len(), 1);
        let said = design::said();
        let png = picture(&hall.ctx, admin.space, &link, rows[0].id, &said, Form::Png).await.unwrap();
        let codes = crate::picture::codes_in(&image::load_from_memory(&png).unwrap());
        assert_eq!(codes, [format!("http://box/certificate/{}", grouped(&rows[0].number))]);
        let other = came(&hall, &admin, event, kind, "张三").await;
        let stranger = picture(&hall.ctx, admin.space, &token::link(&other.link), rows[0].id, &said, Form::Svg).await;
        assert_eq!(stranger.unwrap_err().code(), Some("record.missing"), "it is the holder's alone");
        let kept = design::remove(&hall.ctx, &admin, event, design).await.unwrap_err();
        assert_eq!(kept.code(), Some("design.in_use"));
    }

    #[tokio::test]
    async fn what_was_taken_back_is_said_to_be_and_the_new_one_stands() {
        let (hall, admin) = test::founded().await;
        let (event, kind) = test::opened(&hall, &admin).await;
        let ticket = came(&hall, &admin, event, kind, "张三").await;
        let design = design_of(&hall, &admin, event).await;
        issue_all(&hall.ctx, &admin, event, design).await.unwrap();
        let first = list(&hall.ctx, &admin, event, "", 0).unwrap().0[0].clone();
        let bare = revoke(&hall.ctx, &admin, event, first.id, " ").await.unwrap_err();
        assert_eq!(bare.code(), Some("input.invalid"));
        revoke(&hall.ctx, &admin, event, first.id, "姓名有误").await.unwrap();
        assert_eq!(
            issue_all(&hall.ctx, &admin, event, design).await.unwrap(),
            0,
            "what was taken back is not given again by the lot"
        );
        let said = check(&hall.ctx, admin.space, &first.number).unwrap();
        assert!(matches!(said.certificate.state, CertificateState::Revoked(_, reason) if reason == "姓名有误"));
        assert!(of_link(&hall.ctx, admin.space, &token::link(&ticket.link)).unwrap().is_empty());
        let second = reissue(&hall.ctx, &admin, event, first.id).await.unwrap();
        let again = reissue(&hall.ctx, &admin, event, first.id).await.unwrap_err();
        assert_eq!(again.code(), Some("certificate.not_valid"), "it was replaced already");
        let said = check(&hall.ctx, admin.space, &first.number).unwrap();
        assert_eq!(said.replaced_by.as_deref(), Some("2026-001-0002"));
        let standing = of_link(&hall.ctx, admin.space, &token::link(&ticket.link)).unwrap();
        assert_eq!(standing.iter().map(|one| one.id).collect::<Vec<_>>(), [second]);
        assert_eq!(of_registration(&hall.ctx, &admin, event, ticket.id).unwrap().len(), 2);
        for unknown in ["", "ABCD", "ABCD-2345-EFGH-6789"] {
            let refused = check(&hall.ctx, admin.space, unknown).unwrap_err();
            assert_eq!(refused.code(), Some("certificate.unknown"));
        }
    }

    #[tokio::test]
    async fn a_certificate_of_another_list_is_for_those_who_came_there() {
        let (hall, admin) = test::founded().await;
        let (event, kind) = test::opened(&hall, &admin).await;
        came(&hall, &admin, event, kind, "张三").await;
        let design = design_of(&hall, &admin, event).await;
        let kept = design::get(&hall.ctx, &admin, event, design).unwrap();
        let input = domain::design::DesignInput { list: "77".into(), ..domain::design::DesignInput::of(&kept) };
        let gone = design::save(&hall.ctx, &admin, event, design, kept.revision, &input).await.unwrap_err();
        assert_eq!(gone.code(), Some("record.missing"), "the list must be there");
        let rule = domain::design::Rule { list: ListId(77), ..kept.rule };
        let elsewhere = Design { rule, ..kept };
        let permit = hall.ctx.permit(&admin, Permission::CertificateIssue, At::Event(event)).unwrap();
        assert!(entitled(&hall.ctx, &permit, event, &elsewhere).unwrap().is_empty());
    }
}
