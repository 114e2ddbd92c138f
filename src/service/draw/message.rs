//! The bullet-message wall and the pictures that people give of themselves: sent by people who are there, looked at before they are shown
//! where the draw says so.

use super::{act, check, claim::came, draw_in, own, public_view, subject};
use crate::{Actor, Ctx, Error, picture};
use domain::{
    Draw, DrawId, EntrantId, EventId, MessageId, Refusal, SpaceId, TicketId,
    draw::{Face, MESSAGE_MAX, MESSAGES_MAX, Message, Moderation, Who},
    problem, refuse,
    text::Form,
    time::SECOND,
};
use store::catalogue::MESSAGE_BY_STATE;
use store::{Order, Read};

/// Least time between two messages of one person.
const PAUSE: i64 = 4 * SECOND;

/// The one of a phone's holders who is there: checked in, or joined.
fn present(
    ctx: &Ctx,
    view: &store::SpaceView,
    draw: &Draw,
    links: &[&str],
    kept: Option<&str>,
) -> Result<own::Known, Error> {
    let known = own::known_in(ctx, view, draw, links, kept)?;
    if known.is_empty() {
        return Err(own::stranger().into());
    }
    for of in known {
        if came(ctx, view.space_id(), draw.event, of.who)? {
            return Ok(of);
        }
    }
    Err(refuse!(Denied, "draw.not_here", "Only people who are checked in write on the wall.").into())
}

/// Sends a message to the wall.
pub async fn say(
    ctx: &Ctx,
    space: SpaceId,
    id: DrawId,
    links: &[&str],
    kept: Option<&str>,
    typed: &str,
) -> Result<Moderation, Error> {
    let mut form = Form::default();
    let text = form.required("message", typed, MESSAGE_MAX);
    form.done(())?;
    let permit = ctx.public(&Actor::visitor(space));
    let (draw, who) = ctx.read(&permit, |view| {
        let (draw, _) = public_view(view, id)?;
        if !draw.messages {
            return Err(refuse!(Conflict, "draw.no_messages", "This draw has no message wall.").into());
        }
        let who = present(ctx, view, &draw, links, kept)?;
        Ok((draw, who))
    })?;
    if !ctx.draws.may_say((space, id), who.who, false, ctx.now(), PAUSE) {
        return Err(refuse!(Slow, "draw.too_fast", "One message at a time. Wait a few seconds.").into());
    }
    let state = ctx
        .write(&permit, move |work| {
            crate::archive::check_open(work.read(), draw.event)?;
            let writer = check::writer(work.read(), &draw, who.who)?;
            let looked_at = draw.moderated || writer.is_some();
            let state = if looked_at { Moderation::Waiting } else { Moderation::Shown };
            let number = work.next_id::<Message>()?;
            let newest = work.read().scan_keys::<Message>(&id, None, Order::Ascending).next().transpose()?;
            if newest.is_some_and(|(_, first)| number - first.0 >= MESSAGES_MAX) {
                return Err(refuse!(Conflict, "draw.wall_full", "The wall has taken all the messages it can.").into());
            }
            let message = Message {
                id: MessageId(number),
                draw: id,
                who: who.who,
                name: who.name.clone(),
                text: text.clone(),
                state,
                at: work.now,
            };
            work.insert(&message)?;
            if let Some(link) = writer {
                check::put(work, &draw, &message, link.id)?;
            }
            work.audit("draw.message", format!("{}/message/{number}", subject(&draw)), "", &message.text)?;
            Ok(state)
        })
        .await?;
    act::stir(ctx);
    Ok(state)
}

/// Most messages that one page shows.
const SHOWN_MAX: usize = 200;

/// Messages of one state, newest first, for whoever runs the draw.
pub fn messages(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    state: Moderation,
) -> Result<Vec<Message>, Error> {
    let permit = act::may_run(ctx, actor, event)?;
    ctx.read(&permit, |view| {
        draw_in(view, event, id)?;
        let keys = view.scan_index(&MESSAGE_BY_STATE, &(id, state as u8), None, Order::Descending).take(SHOWN_MAX);
        let mut out = Vec::new();
        for key in keys {
            out.extend(view.get::<Message>(&key?)?);
        }
        Ok(out)
    })
}

async fn set(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    ids: &[MessageId],
    state: Moderation,
) -> Result<(), Error> {
    let permit = act::may_run(ctx, actor, event)?;
    let ids: Vec<MessageId> = ids.iter().copied().take(SHOWN_MAX).collect();
    ctx.write(&permit, move |work| {
        let draw = draw_in(work.read(), event, id)?;
        for message in &ids {
            let kept = work.read().get::<Message>(&(id, *message))?.ok_or_else(|| Refusal::missing("message"))?;
            work.put(&Message { state, ..kept })?;
        }
        let all = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        work.audit("draw.moderate", subject(&draw), &all, &format!("{state:?}"))
    })
    .await?;
    act::stir(ctx);
    Ok(())
}

/// Puts messages on the wall.
pub async fn show(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, messages: &[MessageId]) -> Result<(), Error> {
    set(ctx, actor, event, id, messages, Moderation::Shown).await
}

/// Takes messages off the wall, or keeps them from it.
pub async fn hide(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, messages: &[MessageId]) -> Result<(), Error> {
    set(ctx, actor, event, id, messages, Moderation::Hidden).await
}

/// Takes the picture that somebody gives of themselves; one who gives another one waits again.
pub async fn set_face(
    ctx: &Ctx,
    space: SpaceId,
    id: DrawId,
    links: &[&str],
    kept: Option<&str>,
    bytes: Vec<u8>,
) -> Result<Moderation, Error> {
    let permit = ctx.public(&Actor::visitor(space));
    let (draw, who) = ctx.read(&permit, |view| {
        let (draw, _) = public_view(view, id)?;
        if !draw.photos {
            return Err(refuse!(Conflict, "draw.no_photos", "This draw shows no pictures of people.").into());
        }
        let who = own::known_in(ctx, view, &draw, links, kept)?.into_iter().next().ok_or_else(own::stranger)?;
        Ok((draw, who))
    })?;
    if !ctx.draws.may_say((space, id), who.who, true, ctx.now(), PAUSE) {
        return Err(refuse!(Slow, "draw.too_fast", "One message at a time. Wait a few seconds.").into());
    }
    let file = picture::keep_small(ctx, bytes).await?;
    let state = ctx.write(&permit, move |work| {
        crate::archive::check_open(work.read(), draw.event)?;
        // A mini-program's rules ask for a look at every picture: WeChat's, where the giver came through it, else a person's.
        let looked_at = draw.moderated || crate::wechat::has_mini(work.read())?;
        let state = if looked_at { Moderation::Waiting } else { Moderation::Shown };
        let face = Face { draw: id, who: who.who, name: who.name.clone(), file, state, at: work.now };
        work.put(&face)?;
        if let Some(link) = check::writer(work.read(), &draw, who.who)? {
            super::face::put(work, &draw, &face, link.id)?;
        }
        let place = format!("{}/face/{}", subject(&draw), who.lucky);
        work.audit("draw.face", place, "", &domain::draw::method::hex(&file))?;
        Ok(state)
    });
    let state = state.await?;
    act::stir(ctx);
    Ok(state)
}

/// Pictures that people gave of themselves: those that wait, or those that were looked at.
pub fn faces(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<Vec<Face>, Error> {
    let permit = act::may_run(ctx, actor, event)?;
    ctx.read(&permit, |view| {
        draw_in(view, event, id)?;
        let mut out = Vec::new();
        for kept in view.scan::<Face>(&id, None, Order::Ascending).take(2_000) {
            out.push(kept?.1);
        }
        out.sort_by_key(|face| (face.state != Moderation::Waiting, std::cmp::Reverse(face.at)));
        out.truncate(SHOWN_MAX);
        Ok(out)
    })
}

/// Lets a picture be shown, or keeps it from being shown.
pub async fn approve_face(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    who: Who,
    shown: bool,
) -> Result<(), Error> {
    let permit = act::may_run(ctx, actor, event)?;
    ctx.write(&permit, move |work| {
        let draw = draw_in(work.read(), event, id)?;
        let kept = work.read().get::<Face>(&key(id, who))?.ok_or_else(|| Refusal::missing("picture"))?;
        let state = if shown { Moderation::Shown } else { Moderation::Hidden };
        work.audit("draw.moderate", format!("{}/face", subject(&draw)), &kept.name, &format!("{state:?}"))?;
        work.put(&Face { state, ..kept })
    })
    .await?;
    act::stir(ctx);
    Ok(())
}

pub(super) fn key(id: DrawId, who: Who) -> (DrawId, bool, u64) {
    match who {
        Who::Ticket(ticket) => (id, false, ticket.0),
        Who::Extra(entrant) => (id, true, entrant.0),
    }
}

/// Who a name such as `t12` or `e3` stands for.
pub fn who_of(text: &str) -> Result<Who, Error> {
    let wrong = || Refusal::invalid(vec![problem!("who", "Choose one of the given answers.")]);
    let (kind, id) = text.split_at_checked(1).ok_or_else(wrong)?;
    let id: u64 = id.parse().map_err(|_| wrong())?;
    match kind {
        "t" => Ok(Who::Ticket(TicketId(id))),
        "e" => Ok(Who::Extra(EntrantId(id))),
        _ => Err(wrong().into()),
    }
}

/// The bytes of a picture as JPEG: for everybody when it is shown, else for whoever runs the draw.
pub fn face_file(ctx: &Ctx, actor: &Actor, space: SpaceId, id: DrawId, who: Who) -> Result<Vec<u8>, Error> {
    let (draw, face) = ctx.read(&ctx.own(space), |view| {
        let (draw, _) = public_view(view, id)?;
        let face = view.get::<Face>(&key(id, who))?.ok_or_else(|| Refusal::missing("picture"))?;
        Ok((draw, face))
    })?;
    let open = face.state == Moderation::Shown && draw.photos;
    if !open && act::may_run(ctx, actor, draw.event).is_err() {
        return Err(Refusal::missing("picture").into());
    }
    ctx.files.get(&face.file)
}
