//! Setting a draw up: the draw with its commitment, its rounds, and who is named beforehand.

use super::{draw_in, keep, record_line, round_in, rounds_in, running_in, subject, wins_in};
use crate::{
    Actor, At, Ctx, Error, Permit, event,
    seal::{Kind, Spot},
    ticket_type,
};
use domain::{
    Draw, DrawId, Event, EventId, Group, Permission, PictureId, Refusal, Round, RoundId, Sound, Ticket, TicketId,
    TicketState, TicketType,
    draw::{
        DRAWS_MAX, DrawInput, DrawSecret, Entrant, Mode, Phase, ROUNDS_MAX, RoundInput, Running, Said, Who, Win,
        check_draw, check_round, method, open_places,
    },
    phone, problem, refuse,
};
use store::catalogue::{DRAW_BY_EVENT, ENTRANT_BY_PHONE, TICKET_BY_PHONE};
use store::{Order, Read};

/// What the secrets of a draw are sealed for.
pub(crate) fn context(draw: DrawId) -> Spot {
    Spot::of(Kind::Draw, format!("draw/{draw}"))
}

/// The two secrets of a draw: what the turns' secrets come from, and what the salts come from.
pub(super) fn secrets(ctx: &Ctx, view: &impl Read, draw: DrawId) -> Result<(method::Hash, method::Hash), Error> {
    let kept = view.get::<DrawSecret>(&draw)?.ok_or_else(|| Refusal::missing("draw"))?;
    let text = ctx.sealer.open(&context(draw), &kept.sealed)?;
    let read = text.split_at_checked(64).and_then(|(root, salt)| Some((method::unhex(root)?, method::unhex(salt)?)));
    read.ok_or_else(|| Error::Internal(format!("the secrets of draw {draw} cannot be read")))
}

fn check_names(view: &impl Read, draw: &Draw) -> Result<(), Error> {
    let mut problems = Vec::new();
    let kinds = ticket_type::of_event(view, draw.event)?;
    if !draw.kinds.iter().all(|id| kinds.iter().any(|kind| kind.id == *id)) {
        problems.push(problem!("kinds", "Choose one of the given answers."));
    }
    if !groups_exist(view, draw.event, &draw.groups)? {
        problems.push(problem!("groups", "Choose one of the given answers."));
    }
    if !picture_exists(view, draw.background)? {
        problems.push(problem!("background", "This picture does not exist."));
    }
    if let Some(music) = draw.music
        && view.get::<Sound>(&music)?.is_none()
    {
        problems.push(problem!("music", "This music does not exist."));
    }
    Ok(Refusal::unless_clean(problems)?)
}

fn groups_exist(view: &impl Read, event: EventId, ids: &[domain::GroupId]) -> Result<bool, Error> {
    let groups = event::groups_of(view, event)?;
    Ok(ids.iter().all(|id| groups.iter().any(|group| group.id == *id)))
}

fn picture_exists(view: &impl Read, id: Option<PictureId>) -> Result<bool, Error> {
    Ok(match id {
        Some(id) => view.get::<domain::Picture>(&id)?.is_some(),
        None => true,
    })
}

/// Makes a draw. Its secrets are drawn here, and the commitment to them is the first line of its record.
pub async fn create(ctx: &Ctx, actor: &Actor, event: EventId, input: &DrawInput) -> Result<DrawId, Error> {
    let permit = ctx.permit(actor, Permission::DrawManage, At::Event(event))?;
    let (mut root, mut salt, mut nonce) = ([0; 32], [0; 32], [0; 12]);
    ctx.random.fill(&mut root);
    ctx.random.fill(&mut salt);
    ctx.random.fill(&mut nonce);
    let commitment = method::secret(&root, 0).ok_or_else(|| Error::Internal("no commitment".into()))?;
    let (input, by, inner) = (input.clone(), super::act::name_of(actor), ctx.clone());
    ctx.write(&permit, move |work| {
        let of = event::load(work.read(), event)?;
        let draws = work.read().scan_index(&DRAW_BY_EVENT, &event, None, Order::Ascending).count();
        if draws >= DRAWS_MAX {
            return Err(
                refuse!(Conflict, "draw.too_many", "An event can have at most {max} draws.", max = DRAWS_MAX).into()
            );
        }
        let id = DrawId(work.next_id::<Draw>()?);
        let draw = check_draw(&input, &Draw::blank(id, event, work.now))?;
        check_names(work.read(), &draw)?;
        let plain = format!("{}{}", method::hex(&root), method::hex(&salt));
        // The same nonce each time the closure runs: what it writes must not depend on how often it ran.
        let sealed = inner.sealer.seal(&Fixed(nonce), &context(id), &plain)?;
        work.insert(&draw)?;
        work.insert(&DrawSecret { draw: id, sealed })?;
        let mut running = Running {
            draw: id,
            phase: Phase::Waiting,
            round: None,
            turn: 0,
            frozen: None,
            shown: 0,
            winners: (0, 0),
            lines: 0,
            head: [0; 32],
            wins: 0,
            commitment,
            wand: None,
            version: 0,
        };
        let said = Said::Open {
            method: method::METHOD,
            draw: id.0,
            name: draw.name.clone(),
            event: of.name,
            commitment: method::hex(&commitment),
        };
        work.audit("draw.create", subject(&draw), "", &draw.name)?;
        record_line(work, &draw, &mut running, &by, &said)?;
        keep(work, &mut running)?;
        Ok(id)
    })
    .await
}

/// Chance that was drawn before.
struct Fixed([u8; 12]);

impl crate::Random for Fixed {
    fn fill(&self, to: &mut [u8]) {
        to.iter_mut().zip(self.0.iter().cycle()).for_each(|(to, from)| *to = *from);
    }
}

/// Saves the form of a draw that was opened at `revision`.
pub async fn save(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    revision: u32,
    input: &DrawInput,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::DrawManage, At::Event(event))?;
    let input = input.clone();
    ctx.write(&permit, move |work| {
        let old = draw_in(work.read(), event, id)?;
        event::check_revision(old.revision, revision)?;
        let draw = check_draw(&input, &old)?;
        check_names(work.read(), &draw)?;
        work.put(&draw)?;
        work.audit("draw.save", subject(&draw), &format!("{old:?}"), &format!("{draw:?}"))
    })
    .await
}

/// Makes the codes for joining worthless.
pub async fn renew_codes(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::DrawManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut draw = draw_in(work.read(), event, id)?;
        draw.code_series += 1;
        draw.revision += 1;
        work.put(&draw)?;
        work.audit("draw.renew_codes", subject(&draw), "", &draw.code_series.to_string())
    })
    .await
}

fn new_round(id: RoundId, draw: DrawId, order: u32) -> Round {
    Round {
        id,
        draw,
        order,
        prize: String::new(),
        level: String::new(),
        picture: None,
        quantity: 1,
        per_turn: 1,
        mode: Mode::People,
        tables: (1, 1),
        groups: Vec::new(),
        designated: Vec::new(),
        revision: 0,
    }
}

/// Whether something of a round was drawn, is being drawn, or was assigned.
fn has_begun(view: &impl Read, running: &Running, round: RoundId) -> Result<bool, Error> {
    let rolling = running.frozen.is_some() && running.round == Some(round);
    Ok(rolling || wins_in(view, running.draw)?.iter().any(|win| win.round == round))
}

/// Adds a round, also while the draw is running (S0-67), or changes the one of number `id` if it is still at that revision.
pub async fn save_round(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    draw: DrawId,
    id: Option<(RoundId, u32)>,
    input: &RoundInput,
) -> Result<RoundId, Error> {
    let permit = ctx.permit(actor, Permission::DrawManage, At::Event(event))?;
    put_round(ctx, &permit, event, draw, id, input, false).await
}

/// Adds a round of prizes drawn on the spot (S0-72); whoever runs the draw may.
pub async fn random_round(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    draw: DrawId,
    prize: &str,
    quantity: &str,
) -> Result<RoundId, Error> {
    let permit = ctx.permit(actor, Permission::DrawRun, At::Event(event))?;
    let input = RoundInput {
        prize: prize.to_owned(),
        quantity: quantity.to_owned(),
        per_turn: "1".to_owned(),
        mode: Mode::Random.code().to_owned(),
        ..RoundInput::default()
    };
    put_round(ctx, &permit, event, draw, None, &input, true).await
}

async fn put_round(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    draw: DrawId,
    id: Option<(RoundId, u32)>,
    input: &RoundInput,
    together: bool,
) -> Result<RoundId, Error> {
    let input = input.clone();
    ctx.write(permit, move |work| {
        let of = draw_in(work.read(), event, draw)?;
        let mut running = running_in(work.read(), draw)?;
        let rounds = rounds_in(work.read(), draw)?;
        let (old, begun) = match id {
            Some((id, revision)) => {
                let old = round_in(work.read(), draw, id)?;
                event::check_revision(old.revision, revision)?;
                let begun = has_begun(work.read(), &running, id)?;
                (old, begun)
            }
            None => {
                if rounds.len() >= ROUNDS_MAX {
                    return Err(refuse!(
                        Conflict,
                        "draw.too_many_rounds",
                        "A draw can have at most {max} rounds.",
                        max = ROUNDS_MAX
                    )
                    .into());
                }
                let order = rounds.iter().map(|round| round.order + 1).max().unwrap_or(1);
                (new_round(RoundId(work.next_id::<Round>()?), draw, order), false)
            }
        };
        let mut round = check_round(&input, &old, begun)?;
        if together {
            // Prizes on the spot are drawn all at once, as many as there are.
            round.per_turn = round.quantity.clamp(1, domain::draw::PER_TURN_MAX);
        }
        if !groups_exist(work.read(), event, &round.groups)? {
            return Err(Refusal::invalid(vec![problem!("groups", "Choose one of the given answers.")]).into());
        }
        if !picture_exists(work.read(), round.picture)? {
            return Err(Refusal::invalid(vec![problem!("picture", "This picture does not exist.")]).into());
        }
        if round.mode == Mode::Designated && u32::try_from(round.designated.len()).unwrap_or(u32::MAX) > round.quantity
        {
            return Err(Refusal::invalid(vec![problem!(
                "quantity",
                "More winners are named than there would be prizes."
            )])
            .into());
        }
        work.put(&round)?;
        // Whoever has the round on the screen sees it change.
        keep(work, &mut running)?;
        let before = id.map_or(String::new(), |_| format!("{old:?}"));
        work.audit("draw.round", format!("{}/round/{}", subject(&of), round.id), &before, &format!("{round:?}"))?;
        Ok(round.id)
    })
    .await
}

/// Removes a round of which nothing was drawn or assigned.
pub async fn remove_round(ctx: &Ctx, actor: &Actor, event: EventId, draw: DrawId, id: RoundId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::DrawManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let of = draw_in(work.read(), event, draw)?;
        let mut running = running_in(work.read(), draw)?;
        let round = round_in(work.read(), draw, id)?;
        if has_begun(work.read(), &running, id)? {
            return Err(refuse!(
                Conflict,
                "draw.round_begun",
                "Something of this round was drawn or assigned: it stays."
            )
            .into());
        }
        if running.round == Some(id) {
            (running.round, running.phase) = (None, Phase::Waiting);
        }
        work.remove::<Round>(&(draw, id))?;
        keep(work, &mut running)?;
        work.audit("draw.round_remove", format!("{}/round/{id}", subject(&of)), &round.prize, "")
    })
    .await
}

/// Somebody of the event or of the draw's own list with that phone number.
fn by_phone(view: &impl Read, event: EventId, draw: DrawId, typed: &str) -> Result<Who, Error> {
    let phone = phone::normalise(typed).ok_or_else(|| {
        Refusal::invalid(vec![problem!(
            "phone",
            "This is not a phone number. Give 11 digits, or + and the country code."
        )])
    })?;
    if let Some((_, ticket)) = view.find_key::<Ticket, _>(&TICKET_BY_PHONE, &(phone.clone(), event))? {
        return Ok(Who::Ticket(ticket));
    }
    if let Some(entrant) = view.find::<Entrant, _>(&ENTRANT_BY_PHONE, &(draw, phone))?
        && !entrant.removed
    {
        return Ok(entrant.ticket.map_or(Who::Extra(entrant.id), Who::Ticket));
    }
    Err(Refusal::invalid(vec![problem!("phone", "Nobody at this event has this phone number.")]).into())
}

fn designating(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::DrawDesignate, At::Event(event))
}

/// Names a winner beforehand (S0-69), found by phone number. Only in rounds that are published as assigned.
pub async fn designate(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    draw: DrawId,
    id: RoundId,
    typed: &str,
) -> Result<(), Error> {
    let permit = designating(ctx, actor, event)?;
    let typed = typed.to_owned();
    ctx.write(&permit, move |work| {
        let of = draw_in(work.read(), event, draw)?;
        let mut round = round_in(work.read(), draw, id)?;
        if round.mode != Mode::Designated {
            return Err(refuse!(
                Conflict,
                "draw.not_designated",
                "This round is drawn. Winners are named only in a round that is assigned."
            )
            .into());
        }
        let who = by_phone(work.read(), event, draw, &typed)?;
        if round.designated.contains(&who) {
            return Err(Refusal::invalid(vec![problem!("phone", "This person is named already.")]).into());
        }
        if u32::try_from(round.designated.len()).unwrap_or(u32::MAX) >= round.quantity {
            return Err(
                Refusal::invalid(vec![problem!("phone", "As many winners are named as there are prizes.")]).into()
            );
        }
        round.designated.push(who);
        round.revision += 1;
        work.put(&round)?;
        work.audit("draw.designate", format!("{}/round/{id}", subject(&of)), "", &super::lucky(event, who))
    })
    .await
}

/// Takes a name back from those named beforehand, as long as it was not announced.
pub async fn undesignate(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    draw: DrawId,
    id: RoundId,
    lucky: &str,
) -> Result<(), Error> {
    let permit = designating(ctx, actor, event)?;
    let lucky = lucky.to_owned();
    ctx.write(&permit, move |work| {
        let of = draw_in(work.read(), event, draw)?;
        let mut round = round_in(work.read(), draw, id)?;
        let announced = wins_in(work.read(), draw)?;
        let gone = |who: &Who| super::lucky(event, *who) == lucky;
        if announced.iter().any(|win| win.round == id && win.void.is_none() && win.who.as_ref().is_some_and(gone)) {
            return Err(refuse!(
                Conflict,
                "draw.announced",
                "This winner was announced. Take the prize back instead, with a reason."
            )
            .into());
        }
        round.designated.retain(|who| !gone(who));
        round.revision += 1;
        work.put(&round)?;
        work.audit("draw.undesignate", format!("{}/round/{id}", subject(&of)), &lucky, "")
    })
    .await
}

/// A round as the secretariat sees it.
#[derive(Debug, Clone)]
pub struct RoundRow {
    /// The round.
    pub round: Round,
    /// Prizes that somebody holds.
    pub held: u32,
    /// Prizes the next turn is for.
    pub next: Vec<u32>,
    /// Prizes whose winners were all taken back.
    pub again: Vec<u32>,
    /// Names and lucky numbers of those named beforehand; empty for whoever may not see it.
    pub designated: Vec<(String, String)>,
}

/// Everything that the pages of a draw speak of.
#[derive(Debug, Clone)]
pub struct Page {
    /// The event.
    pub event: Event,
    /// The draw.
    pub draw: Draw,
    /// Where it stands.
    pub running: Running,
    /// Its rounds.
    pub rounds: Vec<RoundRow>,
    /// Ticket types of the event.
    pub kinds: Vec<TicketType>,
    /// Groups of the event.
    pub groups: Vec<Group>,
    /// Name of the music.
    pub music: String,
    /// Its wins.
    pub wins: Vec<Win>,
}

/// A draw for whoever sees the event or runs its draws.
pub fn page(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<Page, Error> {
    let permit = super::act::may_look(ctx, actor, event)?;
    let names = designating(ctx, actor, event).is_ok();
    ctx.read(&permit, |view| {
        let draw = draw_in(view, event, id)?;
        let wins = wins_in(view, id)?;
        let row = |round: Round| {
            let held = wins.iter().filter(|win| win.round == round.id && win.void.is_none());
            let held: std::collections::BTreeSet<u32> = held.map(|win| win.place).collect();
            let designated = if names { named(view, event, id, &round)? } else { Vec::new() };
            Ok::<_, Error>(RoundRow {
                held: u32::try_from(held.len()).unwrap_or(u32::MAX),
                next: open_places(&round, &wins, false),
                again: open_places(&round, &wins, true),
                designated,
                round,
            })
        };
        let rounds = rounds_in(view, id)?.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let music = match draw.music {
            Some(music) => view.get::<Sound>(&music)?.map_or(String::new(), |sound| sound.name),
            None => String::new(),
        };
        Ok(Page {
            event: event::load(view, event)?,
            running: running_in(view, id)?,
            rounds,
            kinds: ticket_type::of_event(view, event)?,
            groups: event::groups_of(view, event)?,
            music,
            wins,
            draw,
        })
    })
}

fn named(view: &impl Read, event: EventId, draw: DrawId, round: &Round) -> Result<Vec<(String, String)>, Error> {
    let mut out = Vec::new();
    for who in &round.designated {
        let name = match super::freeze::details(view, event, draw, *who)? {
            Some(details) => details.name,
            None => String::new(),
        };
        out.push((name, super::lucky(event, *who)));
    }
    Ok(out)
}

/// A draw that is new, for the form.
pub fn draw(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Draw, Error> {
    ctx.permit(actor, Permission::DrawManage, At::Event(event))?;
    Ok(Draw::blank(DrawId(0), event, ctx.now()))
}

/// Whether a ticket still has its place.
pub(super) fn stands(ticket: &Ticket) -> bool {
    ticket.state == TicketState::Active
}

/// The ticket of an id, when it still has its place.
pub(super) fn standing(view: &impl Read, event: EventId, id: TicketId) -> Result<Option<Ticket>, Error> {
    Ok(view.get::<Ticket>(&(event, id))?.filter(stands))
}
