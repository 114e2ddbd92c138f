//! One scan, from the question to the answer that is on disk; and the scans of terminals that were alone for a while.

use super::{
    Holder,
    book::{Around, Books, Told, Wanted},
    presence::nonce_hash,
};
use crate::{Actor, At, Ctx, Error, Permit, Work, space::name_of};
use domain::{
    By, DeviceId, EventId, GateId, ListId, Permission, Refusal, Scan, ScanId, SpaceId, Ticket, Time,
    checkin::{
        ANSWERS_MAX, Attempt, CODE_MAX, Decision, Direction, Door, DoorAnswers, Line, Moment, More, NONCE_MAX, Pass,
        Reason, Request, Shown, Standing, Test, Verdict, decide, scan_time,
    },
    code,
    field::Field,
    problem,
};
use jiff::tz::TimeZone;
use std::sync::Arc;
use store::{Read, SpaceReader};

/// Who stands at the door, as the terminal shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonCard {
    /// Name, company, seat, number and note, and what the door needs to know.
    pub holder: Arc<Holder>,
    /// Name of the group.
    pub group: Arc<str>,
    /// Name of the ticket type.
    pub kind: Arc<str>,
}

/// The entry that stood before this scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// When.
    pub at: Time,
    /// Where or by whom; empty when unknown.
    pub by: String,
}

/// Figures of a list, exact at the instant of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Places taken at the event.
    pub registered: i64,
    /// People who came in at least once.
    pub admitted: i64,
    /// People inside now.
    pub inside: i64,
    /// Scans refused.
    pub refused: i64,
}

/// What the door is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The scan's record.
    pub scan: ScanId,
    /// The list.
    pub list: ListId,
    /// Entry or exit.
    pub direction: Direction,
    /// Admitted, refused or incomplete.
    pub verdict: Verdict,
    /// The nearest condition that failed, for [`Reason::Rule`].
    pub failed: Option<Test>,
    /// What the box would have refused it for, though the terminal had admitted.
    pub conflict: Option<Reason>,
    /// When the scan counts.
    pub at: Time,
    /// The person, when the code is known in this event.
    pub person: Option<PersonCard>,
    /// The entry that stood before.
    pub previous: Option<Before>,
    /// Questions to ask before the person may come in.
    pub questions: Vec<Field>,
    /// Counts after this scan.
    pub counts: Counts,
}

/// A scan that a terminal decided alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What was asked, with the time of the scan.
    pub request: Request,
    /// What the terminal said.
    pub verdict: Verdict,
}

/// Most scans of one upload.
pub const UPLOAD_MAX: usize = 500;
/// Scans that are recorded in one transaction.
const UPLOAD_CHUNK: usize = 50;

fn check_request(request: &Request) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    if request.nonce.is_empty() || request.nonce.len() > NONCE_MAX || request.nonce.chars().any(char::is_control) {
        problems.push(problem!(
            "nonce",
            "Give a nonce of 1 to {max} characters, a new one for each scan.",
            max = NONCE_MAX
        ));
    }
    if let Shown::Code(code) = &request.shown
        && code.chars().count() > CODE_MAX * 4
    {
        problems.push(problem!("code", "At most {max} characters.", max = CODE_MAX * 4));
    }
    if request.answers.len() > ANSWERS_MAX {
        problems.push(problem!("answers", "At most {max} answers.", max = ANSWERS_MAX));
    }
    Refusal::unless_clean(problems)
}

/// A scan with everything about it that is known before the transaction.
struct Asked {
    request: Request,
    wanted: Wanted,
    list: ListId,
    direction: Direction,
    gate: Option<GateId>,
    zone: TimeZone,
    /// What the terminal said, when it decided alone.
    said: Option<Verdict>,
}

impl Asked {
    fn of(ctx: &Ctx, actor: &Actor, request: Request, said: Option<Verdict>) -> Result<Self, Error> {
        check_request(&request)?;
        let post = actor.post();
        let wanted = match &request.shown {
            Shown::Code(code) => Wanted::Code(code::read(code)),
            Shown::Ticket(ticket) => Wanted::Ticket(*ticket),
        };
        Ok(Self {
            wanted,
            list: request.list.unwrap_or(post.list),
            direction: request.direction.unwrap_or(post.direction),
            gate: post.gate,
            zone: ctx.zone(actor.space)?,
            said,
            request,
        })
    }
}

/// What is said of a scan.
struct Judgement {
    /// The list it is recorded at.
    list: ListId,
    /// Whose ticket it is, of whatever event.
    holder: Option<Arc<Holder>>,
    /// When the scan counts.
    at: Time,
    verdict: Verdict,
    more: Option<Box<More>>,
    /// Answers that are new.
    answers: Option<DoorAnswers>,
}

impl Judgement {
    /// Nobody passes, whatever the ticket is; the event's main list has the record. What a terminal had admitted alone is a conflict.
    fn shut(asked: &Asked, reason: Reason, now: Time) -> Self {
        let at = scan_time(asked.request.scanned_at, now);
        let conflict = (asked.said == Some(Verdict::Admitted)).then_some(reason);
        let more = asked.said.map(|_| Box::new(More { conflict, offline: true, ..More::default() }));
        Self { list: ListId::MAIN, holder: None, at, verdict: Verdict::Refused(reason), more, answers: None }
    }
}

/// One scan: may this ticket pass here now? If yes, the entry is on disk before this returns; if no, the failed scan is.
pub async fn redeem(ctx: &Ctx, actor: &Actor, event: EventId, request: Request) -> Result<Answer, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    if request.force {
        ctx.permit(actor, Permission::CheckinMark, At::Event(event))?;
    }
    one(ctx, &permit, actor, event, request).await
}

/// One scan of somebody who was let through to it.
pub(super) async fn one(
    ctx: &Ctx,
    permit: &Permit,
    actor: &Actor,
    event: EventId,
    request: Request,
) -> Result<Answer, Error> {
    let asked = Asked::of(ctx, actor, request, None)?;
    let early = ctx.memory.early((permit.space, event), &asked.wanted);
    let answer = ctx.write(permit, move |work| decided(work, event, &asked, early.as_ref()));
    let answer = answer.await??;
    crate::meter::scan(answer.verdict);
    Ok(answer)
}

/// Keeps the failed scans of a device that was shut out, and says so; answers come in the same order.
pub async fn refuse_revoked(
    ctx: &Ctx,
    space: SpaceId,
    device: DeviceId,
    event: EventId,
    requests: Vec<Request>,
) -> Result<Vec<Result<Answer, Refusal>>, Error> {
    let permit = Permit { space, by: By::Device(device), account: None, reads: false };
    let (visitor, list) = (Actor::visitor(space), Some(ListId::MAIN));
    let asked = each(requests, |request| Asked::of(ctx, &visitor, Request { list, ..request }, None))?;
    recorded_in_turn(ctx, &permit, asked, move |work, asked| {
        recorded(work, event, asked, |_, _, _, now| Ok(Judgement::shut(asked, Reason::DeviceRevoked, now))).map(Ok)
    })
    .await
}

/// Keeps, in its own event's log, the failed scan of a device that named another event.
pub async fn refuse_foreign(ctx: &Ctx, actor: &Actor, event: EventId, request: Request) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let asked = Asked::of(ctx, actor, Request { list: Some(ListId::MAIN), force: false, ..request }, None)?;
    let kept = ctx.write(&permit, move |work| {
        recorded(work, event, &asked, |_, _, _, now| Ok(Judgement::shut(&asked, Reason::WrongEvent, now)))
    });
    kept.await.map(drop)
}

/// Records scans that a terminal decided alone, in their order: what it admitted stays admitted, and is flagged where the box would
/// have refused it. Answers come in the same order; a scan that cannot be taken as it is gets a refusal and holds nobody up.
pub async fn upload(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    scans: Vec<Upload>,
) -> Result<Vec<Result<Answer, Refusal>>, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let asked = each(scans, |scan| Asked::of(ctx, actor, scan.request, Some(scan.verdict)))?;
    recorded_in_turn(ctx, &permit, asked, move |work, asked| decided(work, event, asked, None)).await
}

/// What is asked of each, or why it cannot be taken.
fn each<S>(scans: Vec<S>, asked: impl Fn(S) -> Result<Asked, Error>) -> Result<Vec<Result<Asked, Refusal>>, Error> {
    if scans.len() > UPLOAD_MAX {
        let problem = problem!("scans", "At most {max} scans at a time.", max = UPLOAD_MAX);
        return Err(Refusal::invalid(vec![problem]).into());
    }
    scans.into_iter().map(|scan| taken(asked(scan))).collect()
}

/// A refusal holds nobody else up; anything else does.
fn taken<T>(said: Result<T, Error>) -> Result<Result<T, Refusal>, Error> {
    match said {
        Ok(said) => Ok(Ok(said)),
        Err(Error::Refused(refusal)) => Ok(Err(refusal)),
        Err(other) => Err(other),
    }
}

/// Records scans in their order, a few in each transaction. Refusals come before anything is written.
async fn recorded_in_turn<R>(
    ctx: &Ctx,
    permit: &Permit,
    mut asked: Vec<Result<Asked, Refusal>>,
    record: R,
) -> Result<Vec<Result<Answer, Refusal>>, Error>
where
    R: Fn(&mut Work<'_, '_>, &Asked) -> Result<Result<Answer, Refusal>, Error> + Clone + Send + Sync + 'static,
{
    let mut answers = Vec::new();
    while !asked.is_empty() {
        let behind = asked.split_off(asked.len().min(UPLOAD_CHUNK));
        let (chunk, record) = (std::mem::replace(&mut asked, behind), record.clone());
        let some = ctx.write(permit, move |work| {
            let mut answers = Vec::new();
            for asked in &chunk {
                answers.push(match asked {
                    Ok(asked) => taken(record(work, asked))?.flatten(),
                    Err(refusal) => Err(refusal.clone()),
                });
            }
            Ok(answers)
        });
        answers.extend(some.await?);
    }
    Ok(answers)
}

/// Decides and records. A list that the event does not have is refused, and the attempt is on record at its main one.
fn decided(
    work: &mut Work<'_, '_>,
    event: EventId,
    asked: &Asked,
    early: Option<&super::book::Early>,
) -> Result<Result<Answer, Refusal>, Error> {
    let answer = recorded(work, event, asked, |view, books, around, now| match around.door(asked.list) {
        Ok(door) => judge((view, books), event, asked, &door, early, now),
        Err(_) => Ok(Judgement::shut(asked, Reason::WrongList, now)),
    })?;
    if answer.list != asked.list && answer.verdict == Verdict::Refused(Reason::WrongList) {
        let (view, books) = work.books()?;
        let around = books.around(&view, event)?;
        return Ok(around.door(asked.list).map(|_| answer));
    }
    Ok(Ok(answer))
}

fn judge(
    (view, books): (&SpaceReader<'_>, &Books),
    event: EventId,
    asked: &Asked,
    door: &Door,
    early: Option<&super::book::Early>,
    now: Time,
) -> Result<Judgement, Error> {
    let (place, request) = ((view.space_id(), event), &asked.request);
    let holder = books.holder(view, event, &asked.wanted, early)?;
    let at = scan_time(request.scanned_at, now);
    let here = holder.as_ref().filter(|holder| holder.pass.event == event);
    let standing = match here {
        Some(holder) => books.standing(place, asked.list, holder.pass.ticket)?,
        None => Standing::default(),
    };
    let (mut answered, mut new) = (Vec::new(), None);
    if let Some(holder) = here.filter(|_| !door.list.questions.is_empty()) {
        let key = (event, asked.list, holder.pass.ticket);
        let fresh = check_answers(&request.answers, &door.list.questions, asked.said.is_some())?;
        let mut kept = view.get::<DoorAnswers>(&key)?.map(|kept| kept.answers).unwrap_or_default();
        let before = kept.clone();
        kept.retain(|(id, _)| !fresh.iter().any(|(new, _)| new == id));
        kept.extend(fresh);
        answered.extend(kept.iter().map(|(id, _)| *id));
        new = (kept != before).then_some(DoorAnswers { event, list: asked.list, ticket: key.2, answers: kept });
    }
    let inside = match door.list.capacity {
        Some(_) => books.inside(place, asked.list, &Moment::new(at, &asked.zone), door.list.exit_hour)?,
        None => 0,
    };
    let attempt =
        Attempt { direction: asked.direction, at, gate: asked.gate, answered: &answered, inside, force: request.force };
    let decision = decide(holder.as_ref().map(|holder| &holder.pass), &standing, door, &attempt, &asked.zone);
    let (verdict, more) = match asked.said {
        None => by_box(decision, request.force),
        Some(said) => alone(said, &decision, here.is_some()),
    };
    let answers = new.filter(|_| verdict == Verdict::Admitted);
    Ok(Judgement { list: asked.list, holder, at, verdict, more, answers })
}

fn by_box(decision: Decision, forced: bool) -> (Verdict, Option<Box<More>>) {
    let Decision { verdict, failed, open } = decision;
    let forced = forced && verdict == Verdict::Admitted;
    let more = More { failed, open, forced, ..More::default() };
    (verdict, (more != More::default()).then(|| Box::new(more)))
}

/// What stands of a scan that a terminal decided alone: nobody can be admitted without a ticket of the event, everything else is a
/// fact, with what the box would have said beside it.
fn alone(said: Verdict, decision: &Decision, is_here: bool) -> (Verdict, Option<Box<More>>) {
    let conflict = decision.verdict.reason().filter(|_| said == Verdict::Admitted);
    let verdict = match conflict {
        Some(reason) if !is_here => Verdict::Refused(reason),
        _ => said,
    };
    let failed = decision.failed.clone().filter(|_| conflict == Some(Reason::Rule));
    (verdict, Some(Box::new(More { failed, conflict, offline: true, ..More::default() })))
}

/// The answers in their stored form. `keep` leaves out what is wrong instead of refusing it: a terminal that was alone cannot ask again.
fn check_answers(typed: &[(u16, String)], questions: &[Field], keep: bool) -> Result<Vec<(u16, String)>, Refusal> {
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    for question in questions {
        let Some((_, typed)) = typed.iter().find(|(id, _)| *id == question.id) else { continue };
        let mut wrong = Vec::new();
        let answer = question.check(typed, &mut wrong);
        if wrong.is_empty() && !answer.is_empty() {
            out.push((question.id, answer));
        }
        problems.extend(wrong);
    }
    if !keep {
        Refusal::unless_clean(problems)?;
    }
    Ok(out)
}

/// Records what `judge` says of a scan, unless its nonce was answered before; answers what was recorded.
fn recorded<J>(work: &mut Work<'_, '_>, event: EventId, asked: &Asked, judge: J) -> Result<Answer, Error>
where
    J: Fn(&SpaceReader<'_>, &Books, &Around, Time) -> Result<Judgement, Error>,
{
    let (by, now) = (work.permit.by, work.now);
    let mut nonce = asked.request.nonce.clone();
    let mut hash = nonce_hash(by, &nonce);
    let (view, books) = work.books()?;
    let around = books.around(&view, event)?;
    let mut known = books.repeated(&view, event, (by, &nonce, hash))?;
    if asked.said == Some(Verdict::Admitted) && known.as_ref().is_some_and(|scan| scan.verdict != Verdict::Admitted) {
        // The box had refused, but its answer did not arrive, and the terminal let the person in alone: both happened.
        nonce.push('~');
        hash = nonce_hash(by, &nonce);
        known = books.repeated(&view, event, (by, &nonce, hash))?;
    }
    if let Some(scan) = known {
        let holder = match scan.ticket_here() {
            Some(key) => {
                view.get::<Ticket>(&key)?.map(|ticket| Holder::read(&view, &ticket).map(Arc::new)).transpose()?
            }
            None => None,
        };
        return answer(&view, books, event, Told::of(&scan), holder, &around, &asked.zone, now);
    }
    let Judgement { list, holder, at, verdict, more, answers } = judge(&view, books, &around, now)?;
    if let Some(answers) = answers {
        work.put(&answers)?;
        let subject = format!("event/{event}/list/{}/ticket/{}", answers.list, answers.ticket);
        work.audit("checkin.answers", subject, "", &format!("{} answers", answers.answers.len()))?;
    }
    let pass = holder.as_ref().map(|holder| holder.pass);
    let told = record(work, (event, list), pass, (asked, nonce, hash), at, verdict, more)?;
    let (view, books) = work.books()?;
    let here = holder.filter(|holder| holder.pass.event == event);
    answer(&view, books, event, told, here, &around, &asked.zone, now)
}

fn record(
    work: &mut Work<'_, '_>,
    (event, list): (EventId, ListId),
    pass: Option<Pass>,
    (asked, nonce, hash): (&Asked, String, u64),
    at: Time,
    verdict: Verdict,
    more: Option<Box<More>>,
) -> Result<Told, Error> {
    let here = pass.filter(|pass| pass.event == event);
    let code = match &asked.request.shown {
        Shown::Code(code) => code.chars().filter(|c| !c.is_control()).take(CODE_MAX).collect(),
        Shown::Ticket(ticket) => format!("#{ticket}"),
    };
    let scan = Scan {
        id: ScanId::default(),
        event,
        list,
        ticket: pass.map(|pass| (pass.event, pass.ticket)),
        kind: here.map(|pass| pass.kind),
        group: here.and_then(|pass| pass.group),
        code,
        direction: asked.direction,
        way: asked.request.way,
        by: work.permit.by,
        gate: asked.gate,
        scanned_at: at,
        received_at: work.now,
        nonce,
        verdict,
        previous: None,
        entry: None,
        admitted: 0,
        more,
    };
    let (view, books) = work.books()?;
    books.write((view.space_id(), event), scan, hash)
}

/// The secretariat's own entry for a ticket, whatever the rules say.
pub(super) fn enter(work: &mut Work<'_, '_>, pass: Pass, number: String, nonce: String) -> Result<(), Error> {
    let hash = nonce_hash(work.permit.by, &nonce);
    let request = Request { shown: Shown::Code(number), way: domain::checkin::Way::Mark, ..Request::default() };
    let asked = Asked {
        wanted: Wanted::Ticket(pass.ticket),
        list: ListId::MAIN,
        direction: Direction::Entry,
        gate: None,
        zone: TimeZone::UTC,
        said: None,
        request,
    };
    let now = work.now;
    record(work, (pass.event, asked.list), Some(pass), (&asked, nonce, hash), now, Verdict::Admitted, None)?;
    Ok(())
}

/// The answer to a recorded scan: the same whenever it is asked for, but for the counts.
#[expect(clippy::too_many_arguments, reason = "everything that an answer is put together from, in one place")]
fn answer(
    view: &SpaceReader<'_>,
    books: &Books,
    event: EventId,
    told: Told,
    holder: Option<Arc<Holder>>,
    around: &Around,
    zone: &TimeZone,
    now: Time,
) -> Result<Answer, Error> {
    let person = holder.map(|holder| PersonCard {
        kind: around.kind(holder.pass.kind),
        group: around.group(holder.pass.group),
        holder,
    });
    let more = told.more.map(|more| *more).unwrap_or_default();
    let seen = told.verdict == Verdict::Refused(Reason::AlreadyIn) || more.conflict == Some(Reason::AlreadyIn);
    let previous = match told.entry.filter(|_| seen) {
        Some(entry) => before(view, books, event, entry)?,
        None => None,
    };
    let door = around.door(told.list);
    let asked = door.as_ref().map(|door| door.list.questions.as_slice()).unwrap_or_default();
    let questions = asked.iter().filter(|question| more.open.contains(&question.id)).cloned().collect();
    let place = (view.space_id(), event);
    let tally = books.tally(place, told.list)?;
    let exit_hour = door.as_ref().ok().and_then(|door| door.list.exit_hour);
    let inside = books.inside(place, told.list, &Moment::new(now, zone), exit_hour)?;
    let counts = Counts { registered: around.registered, admitted: tally.admitted, inside, refused: tally.refused };
    Ok(Answer {
        scan: told.scan,
        list: told.list,
        direction: told.direction,
        verdict: told.verdict,
        failed: more.failed,
        conflict: more.conflict,
        at: told.at,
        person,
        previous,
        questions,
        counts,
    })
}

fn before(view: &impl Read, books: &Books, event: EventId, scan: ScanId) -> Result<Option<Before>, Error> {
    let Some(Line::Scan(scan)) = books.line(view, event, scan)? else { return Ok(None) };
    let by = name_of(view, scan.by)?.unwrap_or_default();
    Ok(Some(Before { at: scan.scanned_at, by }))
}
