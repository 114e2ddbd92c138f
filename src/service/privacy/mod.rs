//! What people may ask about their data: all of it in a file, and to be erased; by themselves on the phone, or through the secretariat. What
//! is told of them stands in `tell`, what becomes of each table in `table`, the erasing in `erase`, who saw numbers in full in `access`.

pub mod access;
pub mod consent;
mod erase;
pub mod retention;
pub mod table;
mod tell;
mod trace;

pub use erase::erase_due;

use crate::{Actor, At, Ctx, Error, Permit, actor::Who};
use data_encoding::HEXLOWER;
use domain::{
    By, Erasure, Event, Permission, Person, PersonId, PersonSession, Refusal, SpaceId, Time,
    field::AnswerValue,
    identity::Identity,
    privacy::{
        ErasureState, FILES_MAX, Hindrance, Seen, check_ask, check_fresh, check_open, check_reason, check_typed,
        consent::Consent,
        dossier::{Dossier, json},
        erased, hindered,
    },
    refuse,
};
use erase::{hindrances, subject};
use std::io::{Cursor, Write};
use store::catalogue::{ERASURE_OPEN, PERSON_BY_PHONE};
use store::{Order, Read, SpaceTx};
use tell::Telling;
use trace::Traces;
use zip::{ZipWriter, write::SimpleFileOptions};

fn may(ctx: &Ctx, actor: &Actor) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::PersonPrivacy, At::Space)
}

/// Files that the person left.
fn files_of(of: &Traces) -> Vec<[u8; 32]> {
    let mut files = Vec::new();
    for ticket in &of.tickets {
        files.extend(ticket.answers.iter().filter_map(|answer| match &answer.value {
            AnswerValue::File(upload) => Some(upload.file),
            AnswerValue::Plain(_) | AnswerValue::Sealed(_) | AnswerValue::Chosen(_) | AnswerValue::Region(..) => None,
        }));
    }
    files.extend(of.portraits.iter().map(|of| of.file));
    files.extend(of.faces.iter().map(|of| of.file));
    files.extend(of.orders.iter().flat_map(|order| order.entries.iter().filter_map(|entry| entry.slip)));
    files
}

/// A person as the secretariat looks at their data.
#[derive(Debug, Clone)]
pub struct Known {
    /// The person.
    pub person: Person,
    /// What proves them.
    pub identities: Vec<Identity>,
    /// How many records there are of what: English source text and number, of those that there are.
    pub held: Vec<(&'static str, usize)>,
    /// What they are registered for: event, ticket.
    pub tickets: Vec<(Event, domain::Ticket)>,
    /// What they agreed to.
    pub consents: Vec<Consent>,
    /// The version of the privacy notice that holds.
    pub notice: Option<u32>,
    /// The request to erase them, if there is one.
    pub erasure: Option<Erasure>,
    /// What stands in the way of erasing them.
    pub hindrances: Vec<Hindrance>,
}

/// What is known of a person.
pub async fn get(ctx: &Ctx, actor: &Actor, id: PersonId) -> Result<Known, Error> {
    let permit = may(ctx, actor)?;
    let own = ctx.clone();
    crate::aside(move || {
        own.read(&permit, |view| {
            let of = Traces::find(view, id)?;
            let telling = Telling { ctx: &own, view, of: &of };
            let held = telling.sections()?.into_iter().map(|section| (section.label, section.rows.len()));
            let held = held.filter(|(_, rows)| *rows > 0).collect();
            let tickets = of
                .tickets
                .iter()
                .filter_map(|ticket| of.events.get(&ticket.event).map(|event| (event.clone(), ticket.clone())));
            let mut tickets: Vec<_> = tickets.collect();
            tickets.sort_by_key(|(event, ticket)| std::cmp::Reverse((event.time.from, ticket.id)));
            Ok(Known {
                person: of.person()?.clone(),
                identities: of.identities.clone(),
                held,
                tickets,
                consents: consent::of_person(view, id)?,
                notice: consent::holding(view)?.map(|notice| notice.version),
                erasure: view.get::<Erasure>(&id)?,
                hindrances: hindrances(&of, own.now()),
            })
        })
    })
    .await
}

/// The person whom a phone number, proved or not, or a proved mail address leads to.
pub fn find(ctx: &Ctx, actor: &Actor, typed: &str) -> Result<PersonId, Error> {
    let permit = may(ctx, actor)?;
    let missing =
        || Refusal::invalid(vec![domain::problem!("q", "Nobody is known by this phone number or e-mail address.")]);
    ctx.read(&permit, |view| {
        let proved = |kind: domain::identity::IdentityKind, value: &str| {
            Ok::<_, Error>(view.get::<Identity>(&(kind as u8, value.to_owned()))?.map(|kept| kept.person))
        };
        let found = match domain::phone::normalise(typed) {
            Some(phone) => match proved(domain::identity::IdentityKind::Phone, &phone)? {
                Some(person) => Some(person),
                None => view.find_key::<Person, _>(&PERSON_BY_PHONE, &phone)?,
            },
            None => match domain::identity::email(typed) {
                Some(mail) => proved(domain::identity::IdentityKind::Email, &mail)?,
                None => None,
            },
        };
        Ok(found.ok_or_else(missing)?)
    })
}

/// A request with the person's name.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request.
    pub erasure: Erasure,
    /// The person, as long as there is one.
    pub person: Option<Person>,
}

/// Most requests of the list.
const LIST_MAX: usize = 200;

/// Requests that wait, the oldest in front.
pub fn requests(ctx: &Ctx, actor: &Actor) -> Result<Vec<Asked>, Error> {
    let permit = may(ctx, actor)?;
    ctx.read(&permit, |view| {
        let mut asked = Vec::new();
        for key in view.scan_index(&ERASURE_OPEN, &(), None, Order::Ascending).take(LIST_MAX) {
            let key = key?;
            if let Some(erasure) = view.get::<Erasure>(&key)? {
                asked.push(Asked { erasure, person: view.get::<Person>(&key)? });
            }
        }
        Ok(asked)
    })
}

/// Everything that is kept of somebody. Who is shown it must be noted by the caller.
fn dossier(ctx: &Ctx, permit: &Permit, id: PersonId) -> Result<Dossier, Error> {
    ctx.read(permit, |view| {
        let of = Traces::find(view, id)?;
        let telling = Telling { ctx, view, of: &of };
        let (space, zone, lang) = telling.around()?;
        Ok(Dossier {
            space,
            zone,
            person: id.0,
            name: of.person()?.name.clone(),
            lang,
            at: ctx.now(),
            sections: telling.sections()?,
            files: telling.files(),
        })
    })
}

async fn told(ctx: &Ctx, actor: &Actor, permit: &Permit, id: PersonId) -> Result<Dossier, Error> {
    let (own, reading) = (ctx.clone(), permit.clone());
    let told = crate::aside(move || dossier(&own, &reading, id)).await?;
    access::note_now(ctx, actor, "person.export", None, vec![id], &[Seen::Everything]).await?;
    ctx.write(permit, move |work| work.audit("privacy.export", subject(id), "", "")).await?;
    Ok(told)
}

/// Everything that is kept of a person, for the secretariat to hand to them.
pub async fn export(ctx: &Ctx, actor: &Actor, id: PersonId) -> Result<Dossier, Error> {
    let permit = may(ctx, actor)?;
    ctx.permit(actor, Permission::PersonSensitive, At::Space)?;
    told(ctx, actor, &permit, id).await
}

/// The logged-in person, whose log-in is fresh.
fn fresh(ctx: &Ctx, actor: &Actor) -> Result<PersonId, Error> {
    let Who::Person { person, session } = actor.who else { return Err(crate::identity::nobody().into()) };
    let kept = ctx.read(&ctx.public(actor), |view| Ok(view.get::<PersonSession>(&session)?))?;
    let kept = kept.ok_or_else(crate::identity::nobody)?;
    check_fresh(kept.created_at, ctx.now())?;
    Ok(person)
}

/// Everything that is kept of the logged-in person.
pub async fn export_own(ctx: &Ctx, actor: &Actor) -> Result<Dossier, Error> {
    let person = fresh(ctx, actor)?;
    let keys = [format!("export {} {person}", actor.space)];
    // Each takes a walk over everything.
    ctx.limiter.check(&keys, ctx.now())?;
    ctx.limiter.fail(&keys, ctx.now());
    told(ctx, actor, &ctx.public(actor), person).await
}

/// Packs the export: the file for programs, the page for people, the person's files.
pub async fn pack(ctx: &Ctx, of: Dossier, page: String) -> Result<Vec<u8>, Error> {
    let ctx = ctx.clone();
    crate::aside(move || packed(&ctx, &of, &page)).await
}

fn packed(ctx: &Ctx, of: &Dossier, page: &str) -> Result<Vec<u8>, Error> {
    let failed = |error: zip::result::ZipError| Error::internal("packing an export", error);
    let written = |error: std::io::Error| Error::internal("packing an export", error);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("data.json", options).map_err(failed)?;
    let text = serde_json::to_vec_pretty(&json(of)).map_err(|error| Error::internal("an export", error))?;
    zip.write_all(&text).map_err(written)?;
    zip.start_file("index.html", options).map_err(failed)?;
    zip.write_all(page.as_bytes()).map_err(written)?;
    let mut bytes = 0;
    for file in &of.files {
        let Ok(content) = ctx.files.get(&file.file) else {
            tracing::warn!(file = HEXLOWER.encode(&file.file), "a file of an export is not on disk");
            continue;
        };
        bytes += content.len() as u64;
        if bytes > FILES_MAX {
            return Err(refuse!(
                Conflict,
                "privacy.too_large",
                "This person's files have more than {size} MB. Download them one by one.",
                size = FILES_MAX >> 20
            )
            .into());
        }
        zip.start_file(&file.name, options).map_err(failed)?;
        zip.write_all(&content).map_err(written)?;
    }
    Ok(zip.finish().map_err(failed)?.into_inner())
}

/// The logged-in person with their request, if they made one.
pub fn own(ctx: &Ctx, actor: &Actor) -> Result<(Person, Option<Erasure>), Error> {
    let person = actor.person().ok_or_else(crate::identity::nobody)?;
    ctx.read(&ctx.public(actor), |view| {
        let known = view.get::<Person>(&person)?.ok_or_else(|| Refusal::missing("person"))?;
        Ok((known, view.get::<Erasure>(&person)?))
    })
}

/// The logged-in person asks to be erased; the name was typed.
pub async fn ask(ctx: &Ctx, actor: &Actor, typed: &str) -> Result<(), Error> {
    let person = fresh(ctx, actor)?;
    let typed = typed.to_owned();
    ctx.write(&ctx.public(actor), move |work| {
        let kept = work.read().get::<Erasure>(&person)?;
        check_ask(kept.as_ref())?;
        let known = work.read().get::<Person>(&person)?.ok_or_else(|| Refusal::missing("person"))?;
        check_typed(&typed, &known.name)?;
        work.put(&new(&known, By::Person(person), ErasureState::Asked, work.now))?;
        work.audit("privacy.ask", subject(person), "", "")
    })
    .await
}

fn new(person: &Person, by: By, state: ErasureState, now: Time) -> Erasure {
    Erasure {
        person: person.id,
        created_at: person.created_at,
        asked_at: now,
        by,
        state,
        changed_at: now,
        files: Vec::new(),
    }
}

/// The logged-in person thinks better of it.
pub async fn withdraw(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let person = actor.person().ok_or_else(crate::identity::nobody)?;
    answer(ctx, &ctx.public(actor), person, ErasureState::Withdrawn).await
}

/// The secretariat says no, with a reason that the person reads.
pub async fn decline(ctx: &Ctx, actor: &Actor, person: PersonId, reason: &str) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let reason = check_reason(reason)?;
    answer(ctx, &permit, person, ErasureState::Declined(reason)).await
}

async fn answer(ctx: &Ctx, permit: &Permit, person: PersonId, state: ErasureState) -> Result<(), Error> {
    ctx.write(permit, move |work| {
        let kept = work.read().get::<Erasure>(&person)?;
        check_open(kept.as_ref())?;
        let Some(kept) = kept else { return Err(Refusal::missing("request").into()) };
        let (before, after) = (kept.state.code(), state.code());
        work.put(&Erasure { state: state.clone(), changed_at: work.now, ..kept })?;
        work.audit(&format!("privacy.{after}"), subject(person), before, after)
    })
    .await
}

/// Begins to erase somebody, whether they asked for it or not; the name was typed, and nothing stands in the way. There is no way back. The
/// work itself is done by [`erase_now`], or by the clock.
pub async fn erase(ctx: &Ctx, actor: &Actor, id: PersonId, typed: &str) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let (own, reading) = (ctx.clone(), permit.clone());
    let found =
        crate::aside(move || own.read(&reading, |view| Ok(hindrances(&Traces::find(view, id)?, own.now())))).await?;
    if !found.is_empty() {
        return Err(hindered().into());
    }
    let (typed, by) = (typed.to_owned(), permit.by);
    ctx.write(&permit, move |work| {
        let person = work.read().get::<Person>(&id)?.ok_or_else(|| Refusal::missing("person"))?;
        let kept = work.read().get::<Erasure>(&id)?;
        if kept.as_ref().is_some_and(Erasure::is_under_way) {
            return Err(erased().into());
        }
        check_typed(&typed, &person.name)?;
        let kept = kept.filter(Erasure::is_open).unwrap_or_else(|| new(&person, by, ErasureState::Asked, work.now));
        work.put(&Erasure { state: ErasureState::Begun, changed_at: work.now, ..kept })?;
        work.audit("privacy.erase", subject(id), "", "")
    })
    .await
}

/// Erases somebody whose erasure was begun.
pub async fn erase_now(ctx: &Ctx, space: SpaceId, person: PersonId) -> Result<(), Error> {
    erase::run(ctx, space, person).await
}

/// Whoever was erased, as a text of numbers for the backups: space, person, when their record was made.
pub(crate) fn erased_list(ctx: &Ctx) -> Result<String, Error> {
    let mut list = String::new();
    let view = ctx.store().view();
    for space in ctx.spaces()? {
        for kept in view.space(space).scan::<Erasure>(&(), None, Order::Ascending) {
            let (_, kept) = kept?;
            if kept.is_under_way() {
                list.push_str(&format!("{space} {} {}\n", kept.person, kept.created_at.0));
            }
        }
    }
    Ok(list)
}

/// Marks everybody of a list as being erased again who is there anew, as after a restore; answers how many. The clock does the work.
pub fn erase_again(store: &store::Store, list: &str, now: Time) -> Result<usize, Error> {
    let number = |word: Option<&str>| word.and_then(|word| word.parse::<u64>().ok());
    let mut marked = 0;
    for line in list.lines() {
        let mut words = line.split(' ');
        let (Some(space), Some(person)) = (number(words.next()), number(words.next())) else { continue };
        let Some(created) = words.next().and_then(|word| word.parse::<i64>().ok()) else { continue };
        let of = (PersonId(person), Time(created));
        let again = store.write_blocking(move |tx| mark_again(&mut tx.space(SpaceId(space)), of, now))?;
        marked += usize::from(again);
    }
    Ok(marked)
}

fn mark_again(space: &mut SpaceTx<'_>, (id, created): (PersonId, Time), now: Time) -> Result<bool, Error> {
    let person = space.get::<Person>(&id)?.filter(|person| person.created_at == created);
    let Some(person) = person else { return Ok(false) };
    if space.get::<Erasure>(&id)?.is_some_and(|kept| kept.is_under_way()) {
        return Ok(false);
    }
    space.put(&new(&person, By::Box, ErasureState::Begun, now))?;
    let line = domain::AuditLine {
        at: now,
        by: By::Box,
        action: "privacy.erase".into(),
        subject: subject(id),
        before: String::new(),
        after: "again after a restore".into(),
    };
    space.audit(crate::audit::encode(&line)?)?;
    Ok(true)
}

#[cfg(test)]
mod test;
