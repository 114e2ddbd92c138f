//! Pictures that people of the mini-program give of themselves are shown to WeChat before anybody sees them: an entry of the outbox asks, WeChat fetches the
//! picture by an address that is good for a while, and its verdict comes as a push. What it cannot look at waits for a person.

use super::{act, message::key};
use crate::{
    Ctx, Error, Work,
    outbox::{self, Carrier, Carrying, Letter},
    wechat,
};
use domain::{
    Draw, DrawId, EntrantId, Outgoing, Refusal, SpaceId, TicketId, Time, WechatLink, WechatLinkId,
    draw::{Face, FaceCheck, Moderation, Who},
    outbox::{OutState, Outcome},
    time::{DAY, HOUR, MINUTE},
};
use serde::{Deserialize, Serialize};
use store::{Order, Read};

/// Kind of entry.
pub const LOOK: &str = "wechat.picture";
/// How long it is asked for: then a person looks.
const USEFUL: i64 = 10 * MINUTE;
/// How long WeChat may fetch a picture: its verdict comes within half an hour.
const FETCHED: i64 = HOUR;
/// How long a look is remembered.
const KEPT: i64 = DAY;
/// Most looks that are forgotten at a time.
const STEP: usize = 500;

/// What an entry holds.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    draw: u64,
    extra: bool,
    id: u64,
    link: u64,
    file: [u8; 32],
}

impl Payload {
    fn who(&self) -> Who {
        if self.extra { Who::Extra(EntrantId(self.id)) } else { Who::Ticket(TicketId(self.id)) }
    }
}

/// As a picture's address names somebody.
fn name(who: Who) -> String {
    match who {
        Who::Ticket(ticket) => format!("t{ticket}"),
        Who::Extra(entrant) => format!("e{entrant}"),
    }
}

/// Asks WeChat about a picture; the caller writes the audit line.
pub(super) fn put(work: &mut Work<'_, '_>, draw: &Draw, face: &Face, link: WechatLinkId) -> Result<(), Error> {
    let (_, extra, id) = key(draw.id, face.who);
    let payload = Payload { draw: draw.id.0, extra, id, link: link.0, file: face.file };
    let letter = Letter {
        kind: LOOK,
        target: format!("wechat/{link}"),
        subject: format!("event/{}/draw/{}/face/{}", draw.event, draw.id, name(face.who)),
        event: Some(draw.event),
        payload: wechat::packed(&payload)?,
        secret: false,
        once: format!("face/{}/{}/{}", draw.id, name(face.who), work.now.0),
        due_at: work.now,
        expires_at: work.now.plus(USEFUL),
    };
    outbox::put(work, letter).map(drop)
}

/// What is signed in the address of a picture.
fn pass_text(space: SpaceId, draw: DrawId, who: Who, until: Time) -> String {
    format!("look-{space}-{draw}-{}-{}", name(who), until.0)
}

/// A picture for whoever has the address that WeChat was given, as long as it is good; also while nobody else sees the picture.
pub fn shown_to_wechat(ctx: &Ctx, space: SpaceId, draw: DrawId, who: Who, pass: &str) -> Result<Vec<u8>, Error> {
    let missing = || Refusal::missing("picture");
    let text = ctx.sealer.signed(pass).ok_or_else(missing)?;
    let until: i64 = text.rsplit('-').next().and_then(|until| until.parse().ok()).ok_or_else(missing)?;
    if text != pass_text(space, draw, who, Time(until)) || ctx.now().0 >= until {
        return Err(missing().into());
    }
    let face = ctx.read(&ctx.own(space), |view| Ok(view.get::<Face>(&key(draw, who))?))?;
    ctx.files.get(&face.ok_or_else(missing)?.file)
}

pub(super) struct Looks;

async fn ask(ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Error> {
    let of: Payload =
        serde_json::from_slice(&entry.payload).map_err(|error| Error::internal("reading a look", error))?;
    let (draw, who) = (DrawId(of.draw), of.who());
    let (link, face) = ctx.read(&ctx.own(space), |view| {
        Ok((view.get::<WechatLink>(&WechatLinkId(of.link))?, view.get::<Face>(&key(draw, who))?))
    })?;
    let Some(link) = link else { return Ok(Outcome::Refused("nobody is linked any more".into())) };
    if face.is_none_or(|face| face.file != of.file) {
        return Ok(Outcome::Refused("the picture was replaced".into()));
    }
    let Some(base) = crate::message::base(ctx) else {
        return Ok(Outcome::Refused("the box has no public address that WeChat could fetch the picture from".into()));
    };
    let root = if space == SpaceId::ASSOCIATION { String::new() } else { format!("/m/{space}") };
    let pass = ctx.sealer.sign(&pass_text(space, draw, who, ctx.now().plus(FETCHED)));
    let url = format!("{base}{root}/draw/{draw}/face/{}?look={pass}", name(who));
    wechat::check_picture(ctx, space, &link.into(), &url).await
}

impl Carrier for Looks {
    fn kind(&self) -> &'static str {
        LOOK
    }

    /// Asking twice changes nothing.
    fn idempotent(&self) -> bool {
        true
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move {
            ask(ctx, space, entry)
                .await
                .unwrap_or_else(|error| outbox::unprepared("a picture could not be checked", &error))
        })
    }

    /// Notes under which number the verdict comes; it may have come already.
    fn settled(&self, work: &mut Work<'_, '_>, entry: &Outgoing) -> Result<(), Error> {
        let Ok(of) = serde_json::from_slice::<Payload>(&entry.payload) else { return Ok(()) };
        if entry.state != OutState::Sent {
            return Ok(());
        }
        let trace = entry.reference.clone();
        let face = (DrawId(of.draw), of.who(), of.file);
        match work.read().get::<FaceCheck>(&trace)? {
            Some(check) if !check.suggest.is_empty() => {
                work.remove::<FaceCheck>(&trace)?;
                apply(work, face, &check.suggest)
            }
            _ => work.put(&FaceCheck { trace, of: Some(face), suggest: String::new(), at: work.now }),
        }
    }

    fn kept(&self, ctx: &Ctx, _entry: &Outgoing) {
        stir(ctx);
    }
}

/// Takes a verdict in; the caller writes the audit line. Where the number is not known yet, the verdict waits for it.
pub(crate) fn judged(work: &mut Work<'_, '_>, trace: &str, suggest: &str) -> Result<(), Error> {
    let trace: String = trace.chars().take(128).collect();
    match work.read().get::<FaceCheck>(&trace)?.and_then(|check| check.of) {
        Some(face) => {
            work.remove::<FaceCheck>(&trace)?;
            apply(work, face, suggest)
        }
        None => {
            let suggest = suggest.chars().take(16).collect();
            work.put(&FaceCheck { trace, of: None, suggest, at: work.now })
        }
    }
}

/// What is clean is shown where nobody else looks first, what is not is hidden, and the rest waits for a person. What a person decided meanwhile stays,
/// and so does a picture that came instead.
fn apply(work: &mut Work<'_, '_>, (draw, who, file): (DrawId, Who, [u8; 32]), suggest: &str) -> Result<(), Error> {
    let Some(face) = work.read().get::<Face>(&key(draw, who))? else { return Ok(()) };
    let Some(draw) = work.read().get::<Draw>(&draw)? else { return Ok(()) };
    let state = match suggest {
        "pass" if !draw.moderated => Moderation::Shown,
        "risky" => Moderation::Hidden,
        _ => return Ok(()),
    };
    if face.state == Moderation::Waiting && face.file == file {
        work.put(&Face { state, ..face })?;
    }
    Ok(())
}

/// Screens and phones look anew.
pub(crate) fn stir(ctx: &Ctx) {
    act::stir(ctx);
}

/// Looks that nothing comes of any more.
pub(crate) fn old(view: &impl Read, now: Time) -> Result<Vec<String>, Error> {
    let mut old = Vec::new();
    for kept in view.scan::<FaceCheck>(&(), None, Order::Ascending) {
        let (trace, check) = kept?;
        if now.since(check.at) >= KEPT && old.len() < STEP {
            old.push(trace);
        }
    }
    Ok(old)
}
