//! Messages to many (S0-41, S1-59): who gets one, what it would cost and which ways it would take, writing it to everybody step by step, and
//! stopping it. Sent twice it is one; a box that stops goes on where it was.

use crate::{Actor, At, Ctx, Error, Permit, Work, event, message, notice, registration, roster::Filter};
use domain::{
    Blast, BlastId, BlastPart, Dispatch, Event, EventId, Member, Notice, NoticeId, Permission, Person, Refusal,
    SpaceId, Ticket, Time,
    blast::{BlastInput, BlastState, PART, Words, check_count, check_words, read_people},
    message::{
        after_quiet,
        template::{sms_parts, sms_text},
    },
    notice::{About, BLAST, NoticeState, PEOPLE_MAX, fill},
    refuse,
};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use store::catalogue::{BLAST_BY_ONCE, BLAST_RUNNING, NOTICE_BY_BLAST, NOTICES_OF_BLAST, PERSON_BY_PHONE, SMS_OF_DAY};
use store::{Order as Sort, Read, SpaceView};

/// Who gets a message.
#[derive(Debug, Clone)]
pub enum People {
    /// Those of an event whom a filter finds and who hold a place.
    Event(EventId, Box<Filter>),
    /// Those of a typed list of phone numbers whom the box knows.
    List(String),
    /// Those on the list of members whom the box knows.
    Members,
}

impl People {
    fn event(&self) -> Option<EventId> {
        match self {
            Self::Event(event, _) => Some(*event),
            Self::List(_) | Self::Members => None,
        }
    }
}

fn may(ctx: &Ctx, actor: &Actor, event: Option<EventId>) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::NoticeSend, event.map_or(At::Space, At::Event))
}

/// The people with what could not be found.
struct Found {
    people: Vec<About>,
    unknown: Vec<String>,
}

async fn find(ctx: &Ctx, permit: &Permit, people: &People) -> Result<Found, Error> {
    let (ctx, permit, people) = (ctx.clone(), permit.clone(), people.clone());
    let found = crate::aside(move || match people {
        People::Event(event, filter) => {
            let ids = registration::selected(&ctx, &permit, event, &filter)?;
            ctx.read(&permit, |view| {
                let mut people = Vec::with_capacity(ids.len());
                for id in ids {
                    let standing = view.get::<Ticket>(&(event, id))?.is_some_and(|ticket| ticket.state.holds_place());
                    people.extend(standing.then_some(About::Ticket(event, id)));
                }
                Ok(Found { people, unknown: Vec::new() })
            })
        }
        People::List(text) => {
            let (phones, mut unknown) = read_people(&text)?;
            ctx.read(&permit, |view| {
                by_phone(view, phones.into_iter(), Some(&mut unknown)).map(|people| Found { people, unknown })
            })
        }
        People::Members => ctx.read(&permit, |view| {
            let mut phones = Vec::new();
            for kept in view.scan::<Member>(&(), None, Sort::Ascending).take(PEOPLE_MAX) {
                phones.push(kept?.1.phone);
            }
            let mut unknown = Vec::new();
            let people = by_phone(view, phones.into_iter(), Some(&mut unknown))?;
            Ok(Found { people, unknown })
        }),
    })
    .await?;
    if found.people.is_empty() || found.people.len() > PEOPLE_MAX {
        return Err(refuse!(
            Invalid,
            "notice.people",
            "The filter finds {found} people. Choose 1 to {max}.",
            found = found.people.len(),
            max = PEOPLE_MAX
        )
        .into());
    }
    Ok(found)
}

fn by_phone(
    view: &SpaceView,
    phones: impl Iterator<Item = String>,
    mut unknown: Option<&mut Vec<String>>,
) -> Result<Vec<About>, Error> {
    let mut people = Vec::new();
    for phone in phones {
        match view.find_key::<Person, _>(&PERSON_BY_PHONE, &phone)? {
            Some(person) => people.push(About::Person(person)),
            None => {
                if let Some(unknown) = unknown.as_deref_mut() {
                    unknown.push(domain::phone::local(&phone));
                }
            }
        }
    }
    Ok(people)
}

/// What a message would be, before anything is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many people.
    pub people: usize,
    /// Lines of the list in which nobody was found.
    pub unknown: Vec<String>,
    /// How many of them were looked at for the figures below; fewer than all when they are very many.
    pub looked: usize,
    /// How many left what goes to many.
    pub unwanted: usize,
    /// How many would be reached first by each way.
    pub ways: Vec<(String, usize)>,
    /// How many no way reaches: they see it on their page alone. With the reason most of them have.
    pub nobody: (usize, Option<&'static str>),
    /// Parts of text messages; none where the approved text is not known.
    pub parts: Option<usize>,
    /// What they cost in ten-thousandths of a yuan; none where price or parts are not known.
    pub cost: Option<u64>,
    /// How many text messages may still be sent today, and mails.
    pub left: (i64, u32),
    /// When the first goes out: later than now in quiet hours.
    pub due: Time,
    /// What the first person would read.
    pub sample: (String, String),
}

/// Most people who are looked at for a plan.
const LOOKED_MAX: usize = 5_000;

/// Says what would come of a message.
pub async fn plan(ctx: &Ctx, actor: &Actor, people: &People, input: &BlastInput) -> Result<Plan, Error> {
    let permit = may(ctx, actor, people.event())?;
    let words = check_words(input)?;
    let found = find(ctx, &permit, people).await?;
    let ctx = ctx.clone();
    crate::aside(move || {
        let looking = ctx.clone();
        ctx.read(&permit, |view| planned(&looking, view, &found, &words))
    })
    .await
}

fn planned(ctx: &Ctx, view: &SpaceView, found: &Found, words: &Words) -> Result<Plan, Error> {
    let (zone, now) = (ctx.zone(view.space_id())?, ctx.now());
    let ways = ctx.ways.read().unwrap_or_else(PoisonError::into_inner);
    let setting = message::setting(view)?;
    let sms = message::sms::setting(view)?;
    let today = message::sms::today(now)?;
    let (mut first, mut why): (BTreeMap<String, usize>, BTreeMap<&'static str, usize>) = Default::default();
    let (mut unwanted, mut nobody, mut parts, mut sample) = (0, 0, Some(0), (String::new(), String::new()));
    let mut events: BTreeMap<EventId, Event> = BTreeMap::new();
    for about in found.people.iter().take(LOOKED_MAX) {
        let Some(notice) = notice_for(view, *about, words, BlastId(0), now, &mut events)? else { continue };
        let tools = (ways.wording(), ctx.sealer.as_ref());
        let fitted = message::fitting(view, (view.space_id(), &zone), tools, &notice)?;
        let reading = fitted.reading(&notice);
        if sample.0.is_empty() {
            sample = (notice.name.clone(), fitted.words().to_owned());
        }
        let choice = reading.person.map(|person| message::choice_of(view, person)).transpose()?;
        if choice.as_ref().is_some_and(|choice| !choice.wants(words.purpose.topic())) {
            unwanted += 1;
            continue;
        }
        let open = choice.as_ref().map_or_else(|| setting.ways(), |choice| choice.ways(&setting));
        let (mut taken, mut last) = (None, None);
        for way in open.into_iter().filter(|way| words.ways.iter().any(|one| one == way)) {
            match ways.estimate(way, view, &reading)? {
                Some(message::Ready::Yes(_)) => {
                    taken = Some(way);
                    break;
                }
                Some(message::Ready::No(reason)) => last = last.or(Some(reason)),
                None => {}
            }
        }
        match taken {
            Some(way) => {
                *first.entry(way.to_owned()).or_default() += 1;
                if way == message::sms::WAY {
                    let template = message::template::find(view, words.purpose.code(), way, reading.lang)?;
                    let text = template.filter(|template| !template.text.is_empty());
                    let count = text.map(|of| sms_parts(&sms_text(&sms.sign, &of.text, &of.values, reading.values)));
                    parts = parts.zip(count).map(|(all, one): (usize, usize)| all + one);
                }
            }
            None => {
                nobody += 1;
                if let Some(reason) = last {
                    *why.entry(reason).or_default() += 1;
                }
            }
        }
    }
    let texts = first.get(message::sms::WAY).copied().unwrap_or(0);
    let price = u64::from(message::template::defaults(view)?.sms_price);
    let parts = parts.filter(|_| texts > 0);
    let cost = parts.filter(|_| price > 0).and_then(|parts| u64::try_from(parts).ok()).map(|parts| parts * price);
    let quiet = setting.quiet.filter(|_| !words.purpose.is_urgent());
    Ok(Plan {
        people: found.people.len(),
        unknown: found.unknown.clone(),
        looked: found.people.len().min(LOOKED_MAX),
        unwanted,
        ways: first.into_iter().collect(),
        nobody: (nobody, why.into_iter().max_by_key(|(_, count)| *count).map(|(reason, _)| reason)),
        parts,
        cost,
        left: (i64::from(sms.per_day) - view.count(&SMS_OF_DAY, &today)?, message::mail::setting(view)?.per_day),
        due: after_quiet(now, quiet, &zone),
        sample,
    })
}

/// The notice that one of the people gets; none when their registration does not stand any more.
fn notice_for(
    view: &impl Read,
    about: About,
    words: &Words,
    blast: BlastId,
    now: Time,
    events: &mut BTreeMap<EventId, Event>,
) -> Result<Option<Notice>, Error> {
    let (name, phone, event) = match about {
        About::Ticket(event, id) => {
            let ticket = view.get::<Ticket>(&(event, id))?.filter(|ticket| ticket.state.holds_place());
            let Some(ticket) = ticket else { return Ok(None) };
            (ticket.name, ticket.phone, Some(event))
        }
        About::Person(person) => {
            let Some(person) = view.get::<Person>(&person)? else { return Ok(None) };
            (person.name, person.phone, None)
        }
        About::Order(..) | About::Waiter(..) => return Ok(None),
    };
    let mut values = vec![(BLAST.to_owned(), blast.to_string()), ("subject".to_owned(), words.subject.clone())];
    let mut useful_until = None;
    if let Some(id) = event {
        if let std::collections::btree_map::Entry::Vacant(free) = events.entry(id) {
            free.insert(event::load(view, id)?);
        }
        if let Some(at) = events.get(&id) {
            values.push(("event".to_owned(), at.name.clone()));
            values.push(("time".to_owned(), at.time.from.0.to_string()));
            useful_until = (now < at.time.to).then_some(at.time.to);
        }
    }
    let event_name = values.iter().find(|(name, _)| name == "event").map_or(String::new(), |(_, name)| name.clone());
    let text = fill(&words.text, &[("name".to_owned(), name.clone()), ("event".to_owned(), event_name)]);
    let (kind, number) = store::catalogue::notice_subject(about);
    Ok(Some(Notice {
        id: NoticeId(0),
        purpose: words.purpose,
        about,
        name,
        phone,
        text,
        values,
        once: format!("blast/{blast}/{kind}/{number}"),
        state: NoticeState::Waiting,
        created_at: now,
        useful_until,
    }))
}

/// Takes a message to many: from here on the clock writes it. `seen`: for how many people the sender saw that it is; `typed`: the number where
/// it must be typed.
pub async fn send(
    ctx: &Ctx,
    actor: &Actor,
    people: &People,
    input: &BlastInput,
    (seen, typed): (usize, &str),
) -> Result<BlastId, Error> {
    let permit = may(ctx, actor, people.event())?;
    let words = check_words(input)?;
    let once = input.once.trim().to_owned();
    if !(16..=64).contains(&once.len()) {
        return Err(refuse!(Invalid, "form.unreadable", "The form could not be read. Send it again.").into());
    }
    // Pressed twice: the first press counts, whatever the filter finds by now.
    if let Some(before) = ctx.read(&permit, |view| Ok(view.find_key::<Blast, _>(&BLAST_BY_ONCE, &once)?))? {
        return Ok(before);
    }
    let found = find(ctx, &permit, people).await?;
    check_count(found.people.len(), seen, typed)?;
    let event = people.event();
    let by = match &actor.who {
        crate::Who::Staff { name, .. } => name.clone(),
        crate::Who::Visitor | crate::Who::Person { .. } | crate::Who::Device { .. } | crate::Who::Client { .. } => {
            String::new()
        }
    };
    ctx.write(&permit, move |work| {
        if let Some(before) = work.read().find_key::<Blast, _>(&BLAST_BY_ONCE, &once)? {
            return Ok(before);
        }
        let id = BlastId(work.next_id::<Blast>()?);
        let mut parts = 0u32;
        for people in found.people.chunks(PART) {
            work.put(&BlastPart { blast: id, part: parts, people: people.to_vec() })?;
            parts += 1;
        }
        let blast = Blast {
            id,
            once: once.clone(),
            event,
            purpose: words.purpose,
            subject: words.subject.clone(),
            text: words.text.clone(),
            ways: words.ways.clone(),
            by: by.clone(),
            at: work.now,
            people: u32::try_from(found.people.len()).unwrap_or(u32::MAX),
            done: 0,
            parts,
            written: 0,
            left_out: 0,
            state: BlastState::Running,
            ended_at: None,
        };
        work.insert(&blast)?;
        let said = format!("{} people, {}: {}", blast.people, blast.ways.join(" "), blast.text);
        work.audit("blast.send", subject(&blast), "", &said)?;
        Ok(id)
    })
    .await
}

fn subject(blast: &Blast) -> String {
    match blast.event {
        Some(event) => format!("event/{event}/blast/{}", blast.id),
        None => format!("blast/{}", blast.id),
    }
}

/// Parts that are written in one tick.
const PARTS: usize = 10;

/// Writes the messages that are running, some parts of each; answers how many notices. Called by the clock.
pub async fn write_due(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let permit = ctx.own(space);
    let running: Vec<BlastId> = ctx.read(&permit, |view| {
        Ok(view.scan_index(&BLAST_RUNNING, &(), None, Sort::Ascending).collect::<Result<Vec<_>, _>>()?)
    })?;
    let mut written = 0;
    for id in running {
        for _ in 0..PARTS {
            match ctx.write(&permit, move |work| write_part(work, id)).await? {
                Some(count) => written += count,
                None => break,
            }
        }
    }
    Ok(written)
}

/// Writes the next part; none when there is none, or the message was stopped.
fn write_part(work: &mut Work<'_, '_>, id: BlastId) -> Result<Option<usize>, Error> {
    let Some(mut blast) = work.read().get::<Blast>(&id)?.filter(|blast| blast.state == BlastState::Running) else {
        return Ok(None);
    };
    let part = work.read().get::<BlastPart>(&(id, blast.done))?;
    let words = Words {
        purpose: blast.purpose,
        subject: blast.subject.clone(),
        text: blast.text.clone(),
        ways: blast.ways.clone(),
    };
    let mut written = 0;
    let mut events = BTreeMap::new();
    for about in part.map(|part| part.people).unwrap_or_default() {
        let now = work.now;
        let Some(draft) = notice_for(work.read(), about, &words, id, now, &mut events)? else {
            blast.left_out += 1;
            continue;
        };
        written += usize::from(notice::keep(work, draft)?);
    }
    work.remove::<BlastPart>(&(id, blast.done))?;
    blast.written = blast.written.saturating_add(u32::try_from(written).unwrap_or(u32::MAX));
    blast.done += 1;
    if blast.done >= blast.parts {
        (blast.state, blast.ended_at) = (BlastState::Done, Some(work.now));
    }
    work.put(&blast)?;
    work.audit(
        "blast.write",
        subject(&blast),
        "",
        &format!("{written} notices, part {} of {}", blast.done, blast.parts),
    )?;
    Ok(Some(written))
}

/// Notices that are taken back in one transaction.
const STEP: usize = 200;

/// Stops a message: nobody more is written to, and what waits to be sent is not sent. What is being sent at this moment goes out. Answers how
/// many were taken back.
pub async fn stop(ctx: &Ctx, actor: &Actor, id: BlastId) -> Result<usize, Error> {
    let (permit, blast) = load(ctx, actor, id)?;
    let place = subject(&blast);
    let own = place.clone();
    ctx.write(&permit, move |work| {
        let mut blast = work.read().get::<Blast>(&id)?.ok_or_else(|| Refusal::missing("message"))?;
        if blast.state == BlastState::Stopped {
            return Ok(());
        }
        let parts: Vec<(BlastId, u32)> =
            work.read().scan_keys::<BlastPart>(&id, None, Sort::Ascending).collect::<Result<_, _>>()?;
        for part in parts {
            work.remove::<BlastPart>(&part)?;
        }
        (blast.state, blast.ended_at) = (BlastState::Stopped, Some(work.now));
        work.put(&blast)?;
        work.audit("blast.stop", &own, "", &format!("{} of {} were written", blast.written, blast.people))
    })
    .await?;
    let ids: Vec<NoticeId> = ctx.read(&permit, |view| {
        Ok(view.scan_index(&NOTICE_BY_BLAST, &id, None, Sort::Ascending).collect::<Result<Vec<_>, _>>()?)
    })?;
    let mut back = 0;
    for step in ids.chunks(STEP) {
        let (step, place) = (step.to_vec(), place.clone());
        back += ctx
            .write(&permit, move |work| {
                let mut back = 0;
                for id in &step {
                    back += usize::from(take_back(work, *id)?);
                }
                work.audit("blast.stop", &place, "", &format!("{back} taken back"))?;
                Ok(back)
            })
            .await?;
    }
    Ok(back)
}

/// Takes a notice back that waits; true when it is not sent any more.
fn take_back(work: &mut Work<'_, '_>, id: NoticeId) -> Result<bool, Error> {
    let Some(notice) = work.read().get::<Notice>(&id)?.filter(|notice| notice.state == NoticeState::Waiting) else {
        return Ok(false);
    };
    message::withdraw(work, id)?;
    if let Some(dispatch) = work.read().get::<Dispatch>(&id)?.filter(Dispatch::is_open) {
        // It is on its way at this moment; it takes no other way behind it.
        work.put(&Dispatch { rest: Vec::new(), ..dispatch })?;
        return Ok(false);
    }
    work.put(&Notice { state: NoticeState::Dropped("stopped".into(), work.now), ..notice })?;
    Ok(true)
}

fn load(ctx: &Ctx, actor: &Actor, id: BlastId) -> Result<(Permit, Blast), Error> {
    let blast = ctx.read(&ctx.own(actor.space), |view| Ok(view.get::<Blast>(&id)?))?;
    // Whoever may not see it does not learn that it is there.
    let blast = blast.ok_or_else(|| Refusal::missing("message"))?;
    Ok((may(ctx, actor, blast.event)?, blast))
}

/// Rows of a page.
pub const PAGE: usize = 50;
/// Messages that the list shows.
const LISTED: usize = 100;

/// A message as the list shows it.
#[derive(Debug, Clone)]
pub struct Row {
    /// It.
    pub blast: Blast,
    /// Name of the event.
    pub event: String,
    /// How many wait, were sent and were dropped.
    pub counts: [i64; 3],
}

fn row(view: &impl Read, blast: Blast) -> Result<Row, Error> {
    let count = |state: u8| view.count(&NOTICES_OF_BLAST, &(blast.id, state));
    let counts = [count(0)?, count(1)?, count(2)?];
    let event = match blast.event {
        Some(event) => view.get::<Event>(&event)?.map_or(String::new(), |event| event.name),
        None => String::new(),
    };
    Ok(Row { blast, event, counts })
}

/// The messages that the actor may see, newest first.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Row>, Error> {
    if !actor.holds(Permission::NoticeSend) {
        may(ctx, actor, None)?;
    }
    ctx.read(&ctx.own(actor.space), |view| {
        let mut rows = Vec::new();
        for kept in view.scan::<Blast>(&(), None, Sort::Descending) {
            let (_, blast) = kept?;
            if rows.len() == LISTED {
                break;
            }
            if may(ctx, actor, blast.event).is_ok() {
                rows.push(row(view, blast)?);
            }
        }
        Ok(rows)
    })
}

/// A message with a page of its notices, newest first, and the ways that they took.
pub struct Shown {
    /// The message.
    pub row: Row,
    /// Its notices.
    pub notices: Vec<(Notice, Option<Dispatch>)>,
    /// Whether the asker sees phones in full.
    pub full: bool,
}

/// One message.
pub fn get(ctx: &Ctx, actor: &Actor, id: BlastId, page: usize) -> Result<Shown, Error> {
    let (permit, blast) = load(ctx, actor, id)?;
    let place = blast.event.map_or(At::Space, At::Event);
    let full = ctx.permit(actor, Permission::PersonSensitive, place).is_ok();
    ctx.read(&permit, |view| {
        let mut notices = Vec::new();
        let keys = view.scan_index(&NOTICE_BY_BLAST, &id, None, Sort::Ascending);
        for key in keys.skip(page.saturating_mul(PAGE)).take(PAGE) {
            let key = key?;
            if let Some(notice) = view.get::<Notice>(&key)? {
                notices.push((notice, view.get::<Dispatch>(&key)?));
            }
        }
        if full {
            let phones = notices.iter().filter_map(|(notice, _)| notice.phone.as_deref());
            crate::privacy::access::note_phones(ctx, actor, "blast.page", None, phones)?;
        }
        Ok(Shown { row: row(view, blast)?, notices, full })
    })
}

/// Removes the messages to an archived event's people.
pub(crate) async fn forget_event(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<(), Error> {
    let permit = ctx.own(space);
    let ids: Vec<BlastId> = ctx.read(&permit, |view| {
        let mut ids = Vec::new();
        for kept in view.scan::<Blast>(&(), None, Sort::Ascending) {
            let (id, blast) = kept?;
            ids.extend((blast.event == Some(event)).then_some(id));
        }
        Ok(ids)
    })?;
    for id in ids {
        ctx.write(&permit, move |work| {
            let parts: Vec<(BlastId, u32)> =
                work.read().scan_keys::<BlastPart>(&id, None, Sort::Ascending).collect::<Result<_, _>>()?;
            for part in parts {
                work.remove::<BlastPart>(&part)?;
            }
            work.remove::<Blast>(&id)?;
            work.audit("archive.freeze", format!("event/{event}/archive"), &format!("message {id}"), "")
        })
        .await?;
    }
    Ok(())
}

/// Events that the actor may write to the people of, the latest first.
pub fn events(ctx: &Ctx, actor: &Actor) -> Result<Vec<Event>, Error> {
    if !actor.holds(Permission::NoticeSend) {
        may(ctx, actor, None)?;
    }
    ctx.read(&ctx.own(actor.space), |view| {
        let mut events = Vec::new();
        for key in view.scan_index(&store::catalogue::EVENT_BY_START, &(), None, Sort::Descending).take(LISTED * 5) {
            let Some(event) = view.get::<Event>(&key?)? else { continue };
            if events.len() < LISTED && may(ctx, actor, Some(event.id)).is_ok() {
                events.push(event);
            }
        }
        Ok(events)
    })
}

/// Ticket types of such an event, to choose people by.
pub fn kinds(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<domain::TicketType>, Error> {
    ctx.read(&may(ctx, actor, Some(event))?, |view| crate::ticket_type::of_event(view, event))
}
