//! Notices to people: written in the commit that causes them, shown on their reader's page, taken out of the house by whoever can
//! (S0-41, S0-46, S0-94): the ways of `message`, or the secretariat, which takes the list along and says what was sent.

use crate::{Actor, At, Ctx, Error, Work, event, privacy::access, registration, roster::Filter, sheet};
use domain::{
    EventId, Notice, NoticeId, Order, Permission, Refusal, Ticket, Time, Waiter,
    notice::{About, NoticeState, Purpose, check_send, check_text},
    refuse,
};
use store::catalogue::{NOTICE_BY_CAUSE, NOTICE_BY_EVENT, NOTICE_BY_SUBJECT, NOTICES, notice_subject};
use store::{Order as Sort, Read};

/// Whom a notice is for, and about what.
pub(crate) struct To<'a> {
    about: About,
    name: &'a str,
    phone: Option<&'a str>,
}

impl<'a> To<'a> {
    /// The buyer of an order.
    pub(crate) fn buyer(order: &'a Order) -> Self {
        let about = About::Order(order.event, order.id);
        Self { about, name: &order.buyer.name, phone: order.buyer.phone.as_deref() }
    }

    /// The holder of a ticket.
    pub(crate) fn holder(ticket: &'a Ticket) -> Self {
        let about = About::Ticket(ticket.event, ticket.id);
        Self { about, name: &ticket.name, phone: ticket.phone.as_deref() }
    }

    /// Somebody who waits.
    pub(crate) fn waiter(waiter: &'a Waiter) -> Self {
        let about = About::Waiter(waiter.event, waiter.id);
        Self { about, name: &waiter.name, phone: Some(&waiter.phone) }
    }
}

/// What is said beside whom it is said to.
pub(crate) struct Words {
    /// The occasion.
    pub purpose: Purpose,
    /// What makes this cause different from others of the occasion and the same subject.
    pub cause: String,
    /// Values for the words.
    pub values: Vec<(&'static str, String)>,
    /// What the secretariat wrote.
    pub text: String,
    /// When it is of no use any more.
    pub useful_until: Option<Time>,
}

/// Keeps a notice in the running transaction; the same cause makes one, however often it comes.
pub(crate) fn say(work: &mut Work<'_, '_>, to: &To<'_>, words: Words) -> Result<(), Error> {
    let (kind, number) = notice_subject(to.about);
    let once = format!("{}/{kind}/{number}/{}", words.purpose.code(), words.cause);
    let notice = Notice {
        id: NoticeId(0),
        purpose: words.purpose,
        about: to.about,
        name: to.name.to_owned(),
        phone: to.phone.map(str::to_owned),
        text: words.text,
        values: words.values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        once,
        state: NoticeState::Waiting,
        created_at: work.now,
        useful_until: words.useful_until,
    };
    keep(work, notice).map(drop)
}

/// Keeps a notice that was made ready elsewhere; true when its cause made none before. The caller writes the audit line.
pub(crate) fn keep(work: &mut Work<'_, '_>, draft: Notice) -> Result<bool, Error> {
    if work.read().find_key::<Notice, _>(&NOTICE_BY_CAUSE, &draft.once)?.is_some() {
        return Ok(false);
    }
    let id = NoticeId(work.next_id::<Notice>()?);
    work.insert(&Notice { id, ..draft })?;
    Ok(true)
}

/// Tells the holder of a ticket its attend code, once for each cause (S0-46); true when there is a phone to tell it to.
fn attend_code(work: &mut Work<'_, '_>, ticket: &Ticket, cause: String) -> Result<bool, Error> {
    if ticket.phone.is_none() || !ticket.state.holds_place() {
        return Ok(false);
    }
    let at = event::load(work.read(), ticket.event)?;
    let words = Words {
        purpose: Purpose::AttendCode,
        cause,
        values: vec![
            ("event", at.name.clone()),
            ("time", at.time.from.0.to_string()),
            ("attend", ticket.attend.clone()),
        ],
        text: String::new(),
        useful_until: Some(at.time.to),
    };
    say(work, &To::holder(ticket), words)?;
    Ok(true)
}

/// Tells it to somebody whom an import added, where the association wants that.
pub(crate) fn attend_code_imported(work: &mut Work<'_, '_>, ticket: &Ticket) -> Result<(), Error> {
    if crate::message::setting(work.read())?.attend_after_import {
        attend_code(work, ticket, String::new())?;
    }
    Ok(())
}

/// Tells everybody who holds a place their attend code, those who were told it already excepted; answers how many have a phone.
pub async fn attend_codes(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    let ids: Vec<(EventId, domain::TicketId)> = ctx.read(&permit, |view| {
        Ok(view.scan_keys::<Ticket>(&event, None, Sort::Ascending).collect::<Result<Vec<_>, _>>()?)
    })?;
    let mut told = 0;
    for chunk in ids.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        told += ctx
            .write(&permit, move |work| {
                let mut told = 0;
                for key in &chunk {
                    let Some(ticket) = work.read().get::<Ticket>(key)? else { continue };
                    told += usize::from(attend_code(work, &ticket, String::new())?);
                }
                work.audit("notice.attend_codes", format!("event/{event}"), "", &format!("{told} people"))?;
                Ok(told)
            })
            .await?;
    }
    Ok(told)
}

/// Tells one person the attend code, also where it was told before (S0-47).
pub async fn attend_code_by_hand(ctx: &Ctx, actor: &Actor, event: EventId, id: domain::TicketId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    ctx.write(&permit, move |work| {
        crate::archive::check_open(work.read(), event)?;
        let ticket = registration::load(work.read(), event, id)?;
        let cause = format!("by hand {}", work.now.0);
        if !attend_code(work, &ticket, cause)? {
            return Err(refuse!(
                Conflict,
                "notice.nobody",
                "There is nobody to tell: the registration has no phone number, or does not stand."
            )
            .into());
        }
        work.audit("notice.attend_code", format!("event/{event}/ticket/{id}"), "", "by hand")
    })
    .await
}

/// The notices about one thing, newest first: what its reader's page shows.
pub(crate) fn about(view: &impl Read, about: About) -> Result<Vec<Notice>, Error> {
    let keys = view.scan_index(&NOTICE_BY_SUBJECT, &notice_subject(about), None, Sort::Descending);
    let mut notices = Vec::new();
    for key in keys.take(20) {
        notices.extend(view.get::<Notice>(&key?)?);
    }
    Ok(notices)
}

/// Rows of one page of the log.
pub const PAGE: usize = 50;

/// The log of an event's notices, newest first: a page, and how many wait, were sent and were dropped.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId, page: usize) -> Result<(Vec<Notice>, [i64; 3]), Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    ctx.read(&permit, |view| {
        let count = |state| view.count(&NOTICES, &(event, state));
        let counts = [count(0)?, count(1)?, count(2)?];
        let keys = view.scan_index(&NOTICE_BY_EVENT, &event, None, Sort::Descending);
        let mut rows = Vec::new();
        for key in keys.skip(page.saturating_mul(PAGE)).take(PAGE) {
            rows.extend(view.get::<Notice>(&key?)?);
        }
        Ok((rows, counts))
    })
}

/// People of one transaction: a long list does not keep others waiting.
const CHUNK: usize = 500;

/// Most people who are written to at once without a look at what it comes to.
const WRITE_MAX: usize = 100;

/// Writes to everybody that a filter finds among those who hold a place; answers to how many. The same text is written to nobody twice.
pub async fn write(ctx: &Ctx, actor: &Actor, event: EventId, filter: &Filter, text: &str) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    let text = check_text(text)?;
    let (found_by, found_in, found_for) = (ctx.clone(), permit.clone(), filter.clone());
    let ids = crate::aside(move || registration::selected(&found_by, &found_in, event, &found_for)).await?;
    if ids.len() > WRITE_MAX {
        return Err(refuse!(
            Conflict,
            "notice.many",
            "These are {found} people. Write to more than {max} under “Messages to many”, where you see first what it comes to.",
            found = ids.len(),
            max = WRITE_MAX
        )
        .into());
    }
    if ids.is_empty() {
        return Err(refuse!(
            Invalid,
            "notice.people",
            "The filter finds {found} people. Choose 1 to {max}.",
            found = ids.len(),
            max = WRITE_MAX
        )
        .into());
    }
    let cause = data_encoding::HEXLOWER.encode(crate::token::sha256(text.as_bytes()).split_at(8).0);
    let mut written = 0;
    for chunk in ids.chunks(CHUNK) {
        let (chunk, text, cause) = (chunk.to_vec(), text.clone(), cause.clone());
        written += ctx
            .write(&permit, move |work| {
                let at = event::load(work.read(), event)?;
                let ends = at.time.to;
                let mut written = 0;
                for id in &chunk {
                    let ticket = registration::load(work.read(), event, *id)?;
                    if !ticket.state.holds_place() {
                        continue;
                    }
                    let words = Words {
                        purpose: Purpose::Message,
                        cause: cause.clone(),
                        values: vec![("event", at.name.clone())],
                        text: text.clone(),
                        useful_until: (work.now < ends).then_some(ends),
                    };
                    say(work, &To::holder(&ticket), words)?;
                    written += 1;
                }
                work.audit("notice.write", format!("event/{event}"), "", &format!("{written} people: {text}"))?;
                Ok(written)
            })
            .await?;
    }
    Ok(written)
}

/// Says that a notice was sent by hand, or that it is not to be sent.
pub async fn settle(ctx: &Ctx, actor: &Actor, event: EventId, id: NoticeId, sent: bool) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut notice = work.read().get::<Notice>(&id)?.ok_or_else(|| Refusal::missing("notice"))?;
        if notice.about.event() != Some(event) {
            return Err(Refusal::missing("notice").into());
        }
        // What comes too late can still be dropped.
        check_send(&notice, if sent { work.now } else { Time(i64::MIN) })?;
        let before = notice.state.code();
        let hand = "hand".to_owned();
        notice.state = if sent { NoticeState::Sent(hand, work.now) } else { NoticeState::Dropped(hand, work.now) };
        crate::message::withdraw(work, id)?;
        work.put(&notice)?;
        work.audit("notice.settle", format!("event/{event}/notice/{id}"), before, notice.state.code())
    })
    .await
}

/// Whether a way is being tried for a notice: then it is not for a person to send.
fn is_under_way(view: &impl Read, id: NoticeId) -> Result<bool, Error> {
    Ok(view.get::<domain::Dispatch>(&id)?.is_some_and(|dispatch| dispatch.is_open()))
}

/// Says that all notices with a phone that wait, up to the named one, were sent by hand; answers how many.
pub async fn settle_waiting(ctx: &Ctx, actor: &Actor, event: EventId, newest: NoticeId) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    let mut ids = Vec::new();
    ctx.read(&permit, |view| {
        for key in view.scan_index(&NOTICE_BY_EVENT, &event, None, Sort::Ascending) {
            let Some(notice) = view.get::<Notice>(&key?)? else { continue };
            let waits = notice.state == NoticeState::Waiting && notice.phone.is_some();
            if notice.id <= newest && waits {
                ids.push(notice.id);
            }
        }
        Ok(())
    })?;
    for chunk in ids.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        ctx.write(&permit, move |work| {
            for id in &chunk {
                let Some(mut notice) = work.read().get::<Notice>(id)? else { continue };
                if check_send(&notice, work.now).is_ok() && !is_under_way(work.read(), *id)? {
                    notice.state = NoticeState::Sent("hand".into(), work.now);
                    work.put(&notice)?;
                }
            }
            work.audit("notice.settle", format!("event/{event}"), "", &format!("{} sent", chunk.len()))
        })
        .await?;
    }
    Ok(ids.len())
}

/// The notices that wait as a file for whoever sends them: name, phone in full, occasion and text. Needs the right to see phones.
pub async fn waiting_file(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    format: sheet::Format,
    write: impl Fn(&Notice) -> [String; 4] + Send + 'static,
    heads: [String; 4],
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    ctx.permit(actor, Permission::PersonSensitive, At::Event(event))?;
    let own = ctx.clone();
    let (bytes, seen) = crate::aside(move || {
        let (table, seen) = own.read(&permit, |view| {
            let (mut table, mut phones) = (vec![heads.to_vec()], Vec::new());
            for key in view.scan_index(&NOTICE_BY_EVENT, &event, None, Sort::Ascending) {
                let Some(notice) = view.get::<Notice>(&key?)? else { continue };
                if check_send(&notice, own.now()).is_ok() && notice.phone.is_some() && !is_under_way(view, notice.id)? {
                    table.push(write(&notice).to_vec());
                    phones.extend(notice.phone);
                }
            }
            let seen = access::persons_by(view, phones.iter().map(String::as_str))?;
            Ok((table, seen))
        })?;
        Ok((sheet::write(format, &table)?, seen))
    })
    .await?;
    access::note_now(ctx, actor, "notice.export", Some(event), seen, &[domain::privacy::Seen::Phone]).await?;
    Ok(bytes)
}
