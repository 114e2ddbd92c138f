//! What people write on the wall is shown to WeChat first, where the association has a mini-program and the writer came through it: nothing is
//! seen before that. An entry of the outbox, so that a box that stops asks on. Where WeChat cannot say, a person looks.

use super::act;
use crate::{
    Ctx, Error, Work,
    outbox::{self, Carrier, Carrying, Letter},
    wechat::{self, Verdict},
};
use domain::{
    Draw, DrawId, MessageId, Outgoing, PersonId, SpaceId, Ticket, WechatLink, WechatLinkId,
    draw::{Entrant, Message, Moderation, Who},
    outbox::{OutState, Outcome},
    time::MINUTE,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::Read;
use store::catalogue::PERSON_BY_PHONE;

/// Kind of entry.
pub const CHECK: &str = "wechat.check";
/// How long it is asked: then a person looks.
const USEFUL: i64 = 10 * MINUTE;

/// What an entry holds.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    draw: u64,
    message: u64,
    link: u64,
    /// Name and text: both are shown.
    text: String,
}

/// Lets the outbox carry it. Called at boot.
pub fn register(ctx: &Ctx) {
    outbox::register(ctx, Arc::new(Checks));
    outbox::register(ctx, Arc::new(super::face::Looks));
}

/// How the writer is known to the mini-program; none where nobody can be asked.
pub(super) fn writer(view: &impl Read, draw: &Draw, who: Who) -> Result<Option<WechatLink>, Error> {
    let person: Option<PersonId> = match who {
        Who::Ticket(ticket) => view.get::<Ticket>(&(draw.event, ticket))?.map(|ticket| ticket.person),
        Who::Extra(entrant) => match view.get::<Entrant>(&(draw.id, entrant))?.and_then(|entrant| entrant.phone) {
            Some(phone) => view.find_key::<domain::Person, _>(&PERSON_BY_PHONE, &phone)?,
            None => None,
        },
    };
    match person {
        Some(person) => wechat::mini_link(view, person),
        None => Ok(None),
    }
}

/// How whoever has that phone number is known to the mini-program.
pub(super) fn by_phone(view: &impl Read, phone: Option<&str>) -> Result<Option<WechatLink>, Error> {
    let Some(phone) = phone else { return Ok(None) };
    match view.find_key::<domain::Person, _>(&PERSON_BY_PHONE, &phone.to_owned())? {
        Some(person) => wechat::mini_link(view, person),
        None => Ok(None),
    }
}

/// Asks WeChat about a message; the caller writes the audit line.
pub(super) fn put(work: &mut Work<'_, '_>, draw: &Draw, message: &Message, link: WechatLinkId) -> Result<(), Error> {
    let payload = Payload {
        draw: draw.id.0,
        message: message.id.0,
        link: link.0,
        text: format!("{}：{}", message.name, message.text),
    };
    let letter = Letter {
        kind: CHECK,
        target: format!("wechat/{link}"),
        subject: format!("event/{}/draw/{}/message/{}", draw.event, draw.id, message.id),
        event: Some(draw.event),
        payload: wechat::packed(&payload)?,
        secret: false,
        once: format!("check/{}/{}", draw.id, message.id),
        due_at: work.now,
        expires_at: work.now.plus(USEFUL),
    };
    outbox::put(work, letter).map(drop)
}

struct Checks;

/// The word for a verdict, as the entry keeps it.
fn word(verdict: Option<Verdict>) -> String {
    match verdict {
        Some(Verdict::Pass) => "pass".into(),
        Some(Verdict::Review(label)) => format!("review {label}"),
        Some(Verdict::Risky(label)) => format!("risky {label}"),
        None => "not checked".into(),
    }
}

async fn ask(ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Error> {
    let of: Payload =
        serde_json::from_slice(&entry.payload).map_err(|error| Error::internal("reading a check", error))?;
    let link = ctx.read(&ctx.own(space), |view| Ok(view.get::<WechatLink>(&WechatLinkId(of.link))?))?;
    let Some(link) = link else { return Ok(Outcome::Refused("nobody is linked any more".into())) };
    Ok(match wechat::check_text(ctx, space, &link.into(), &of.text).await {
        Ok(verdict) => Outcome::Done(word(verdict)),
        Err(error) => Outcome::Refused(error.to_string()),
    })
}

impl Carrier for Checks {
    fn kind(&self) -> &'static str {
        CHECK
    }

    /// Asking twice changes nothing.
    fn idempotent(&self) -> bool {
        true
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move {
            ask(ctx, space, entry)
                .await
                .unwrap_or_else(|error| outbox::unprepared("a message could not be checked", &error))
        })
    }

    /// What is clean is shown where nobody else looks first, what is not is hidden, and the rest waits for a person. What a person decided
    /// meanwhile stays.
    fn settled(&self, work: &mut Work<'_, '_>, entry: &Outgoing) -> Result<(), Error> {
        let Ok(of) = serde_json::from_slice::<Payload>(&entry.payload) else { return Ok(()) };
        let (id, number) = (DrawId(of.draw), MessageId(of.message));
        let Some(message) = work.read().get::<Message>(&(id, number))? else { return Ok(()) };
        let Some(draw) = work.read().get::<Draw>(&id)? else { return Ok(()) };
        let verdict = if entry.state == OutState::Sent { entry.reference.as_str() } else { "" };
        let state = match verdict.split(' ').next() {
            Some("pass") if !draw.moderated => Moderation::Shown,
            Some("risky") => Moderation::Hidden,
            _ => return Ok(()),
        };
        if message.state == Moderation::Waiting {
            work.put(&Message { state, ..message })?;
        }
        Ok(())
    }

    fn kept(&self, ctx: &Ctx, _entry: &Outgoing) {
        act::stir(ctx);
    }
}
