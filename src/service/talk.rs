//! Talks and workshops of an event: the agenda, choosing, the door of each, who chose what.

use crate::{Actor, At, Ctx, Error, Work, checkin, event, event_view, privacy::access, registration};
use domain::{
    CheckinList, Event, EventId, ListId, Permission, Refusal, SpaceId, Talk, TalkChoice, TalkId, Ticket, TicketId,
    TicketState, Time,
    checkin::{ListInput, NAME_MAX},
    privacy::Seen,
    problem, refuse,
    talk::{TALKS_MAX, TalkInput, check_choice, check_talk},
};
use std::collections::BTreeMap;
use store::catalogue::TALK_TAKEN;
use store::{Order, Read};

/// A talk with how many chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The talk.
    pub talk: Talk,
    /// How many chose it.
    pub taken: i64,
}

fn all(view: &impl Read, event: EventId) -> Result<Vec<Talk>, Error> {
    let kept = view.scan::<Talk>(&event, None, Order::Ascending);
    let mut talks = kept.map(|kept| Ok(kept?.1)).collect::<Result<Vec<Talk>, Error>>()?;
    talks.sort_by_key(|talk| (talk.time.from, talk.room.clone(), talk.id));
    Ok(talks)
}

fn load(view: &impl Read, event: EventId, id: TalkId) -> Result<Talk, Error> {
    view.get::<Talk>(&(event, id))?.ok_or_else(|| Refusal::missing("talk").into())
}

fn rows(view: &impl Read, event: EventId) -> Result<Vec<Row>, Error> {
    let row = |talk: Talk| Ok(Row { taken: view.count(&TALK_TAKEN, &(event, talk.id))?, talk });
    all(view, event)?.into_iter().map(row).collect()
}

/// The agenda for the secretariat.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Row>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| rows(view, event))
}

/// The agenda for anybody; a draft has none.
pub fn agenda(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Row>, Error> {
    event::public_get(ctx, actor, event)?;
    ctx.read(&ctx.public(actor), |view| rows(view, event))
}

/// One talk for its form, with the check-in lists that it can be linked to.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId, id: TalkId) -> Result<Row, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| {
        let taken = view.count(&TALK_TAKEN, &(event, id))?;
        Ok(Row { talk: load(view, event, id)?, taken })
    })
}

fn subject(event: EventId, id: TalkId) -> String {
    format!("event/{event}/talk/{id}")
}

/// Makes a talk, or changes the one of number `id` if it is still at that revision.
pub async fn save(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: Option<(TalkId, u32)>,
    input: &TalkInput,
) -> Result<TalkId, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let (zone, input) = (ctx.zone(permit.space)?, input.clone());
    ctx.write(&permit, move |work| {
        let old = match id {
            Some((id, revision)) => {
                let old = load(work.read(), event, id)?;
                event::check_revision(old.revision, revision)?;
                old
            }
            None => {
                if all(work.read(), event)?.len() >= TALKS_MAX {
                    return Err(refuse!(
                        Conflict,
                        "talk.too_many",
                        "An event can have at most {max} talks.",
                        max = TALKS_MAX
                    )
                    .into());
                }
                Talk::fresh(event, TalkId(work.next_id::<Talk>()?))
            }
        };
        let taken = work.read().count(&TALK_TAKEN, &(event, old.id))?;
        let window = event::load(work.read(), event)?.time;
        let new = check_talk(&input, &old, &window, taken, &zone)?;
        if let Some(list) = new.list.filter(|list| *list != ListId::MAIN)
            && work.read().get::<CheckinList>(&(event, list))?.is_none()
        {
            return Err(Refusal::invalid(vec![problem!("list", "Choose one of the given answers.")]).into());
        }
        work.put(&new)?;
        let before = if id.is_some() { format!("{old:?}") } else { String::new() };
        work.audit("talk.save", subject(event, new.id), &before, &format!("{new:?}"))?;
        Ok(new.id)
    })
    .await
}

/// Removes a talk that nobody chose. Its check-in list stays.
pub async fn remove(ctx: &Ctx, actor: &Actor, event: EventId, id: TalkId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let old = load(work.read(), event, id)?;
        let taken = work.read().count(&TALK_TAKEN, &(event, id))?;
        if taken > 0 {
            return Err(
                refuse!(Conflict, "talk.chosen", "{taken} people chose this talk: it stays.", taken = taken).into()
            );
        }
        work.remove::<Talk>(&(event, id))?;
        work.audit("talk.remove", subject(event, id), &old.title, "")
    })
    .await
}

/// Makes a check-in list for the door of a talk: its name, time and capacity.
pub async fn make_list(ctx: &Ctx, actor: &Actor, event: EventId, id: TalkId) -> Result<ListId, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let zone = ctx.zone(permit.space)?;
    let talk = ctx.read(&permit, |view| load(view, event, id))?;
    let input = ListInput {
        name: talk.title.chars().take(NAME_MAX).collect(),
        from: talk.time.from.to_local(&zone),
        to: talk.time.to.to_local(&zone),
        multi: "once".into(),
        own: "off".into(),
        capacity: talk.capacity.map_or(String::new(), |most| most.to_string()),
        ..ListInput::default()
    };
    let list = checkin::save_list(ctx, actor, event, None, &input).await?;
    ctx.write(&permit, move |work| {
        let old = load(work.read(), event, id)?;
        let new = Talk { list: Some(list), revision: old.revision + 1, ..old };
        work.put(&new)?;
        work.audit("talk.list", subject(event, id), "", &format!("list/{list}"))
    })
    .await?;
    Ok(list)
}

fn choice_in(view: &impl Read, event: EventId, ticket: TicketId) -> Result<Vec<TalkId>, Error> {
    Ok(view.get::<TalkChoice>(&(event, ticket))?.map(|choice| choice.talks).unwrap_or_default())
}

/// The agenda as the holder of a ticket sees it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The ticket.
    pub ticket: Ticket,
    /// Its event.
    pub event: Event,
    /// The agenda.
    pub rows: Vec<Row>,
    /// What the holder chose.
    pub chosen: Vec<TalkId>,
    /// Whether people choose at all.
    pub open: bool,
}

/// The agenda behind a ticket's link.
pub fn page(ctx: &Ctx, space: SpaceId, link: &str) -> Result<Page, Error> {
    let of = registration::by_link(ctx, space, link)?;
    ctx.read(&ctx.own(space), |view| {
        let rows = rows(view, of.event.id)?;
        let open = event_view::of(view, of.event.id)?.choose_talks && rows.iter().any(|row| row.talk.chosen);
        let chosen = choice_in(view, of.event.id, of.ticket.id)?;
        Ok(Page { ticket: of.ticket, event: of.event, rows, chosen, open })
    })
}

/// Keeps what the holder of a ticket chose: places are never given twice, and no two talks at one time.
pub async fn choose(ctx: &Ctx, actor: &Actor, link: &str, wanted: Vec<TalkId>) -> Result<(), Error> {
    let of = registration::by_link(ctx, actor.space, link)?;
    let (event, ticket) = (of.event.id, of.ticket.id);
    let wanted: Vec<TalkId> = wanted.into_iter().take(TALKS_MAX).collect();
    ctx.write(&ctx.public(actor), move |work| {
        crate::archive::check_open(work.read(), event)?;
        if !event_view::of(work.read(), event)?.choose_talks {
            return Err(refuse!(Conflict, "talk.closed", "Talks cannot be chosen at the moment.").into());
        }
        if registration::load(work.read(), event, ticket)?.state != TicketState::Active {
            return Err(refuse!(Conflict, "ticket.canceled", "This registration is canceled.").into());
        }
        let talks = all(work.read(), event)?;
        let mut taken: BTreeMap<TalkId, i64> = BTreeMap::new();
        for talk in &talks {
            taken.insert(talk.id, work.read().count(&TALK_TAKEN, &(event, talk.id))?);
        }
        let before = choice_in(work.read(), event, ticket)?;
        let taken = |id: TalkId| taken.get(&id).copied().unwrap_or(0);
        let chosen = check_choice(&talks, &wanted, &before, work.now, taken)?;
        if chosen == before {
            return Ok(());
        }
        keep(work, event, ticket, &before, chosen)
    })
    .await
}

fn keep(
    work: &mut Work<'_, '_>,
    event: EventId,
    ticket: TicketId,
    before: &[TalkId],
    chosen: Vec<TalkId>,
) -> Result<(), Error> {
    let text = |talks: &[TalkId]| talks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let after = text(&chosen);
    if chosen.is_empty() {
        work.remove::<TalkChoice>(&(event, ticket))?;
    } else {
        work.put(&TalkChoice { event, ticket, talks: chosen })?;
    }
    work.audit("talk.choose", format!("event/{event}/ticket/{ticket}"), &text(before), &after)
}

/// The places of a canceled ticket are free again.
pub(crate) fn release(work: &mut Work<'_, '_>, event: EventId, ticket: TicketId) -> Result<(), Error> {
    let before = choice_in(work.read(), event, ticket)?;
    if before.is_empty() {
        return Ok(());
    }
    keep(work, event, ticket, &before, Vec::new())
}

/// Somebody who chose a talk.
#[derive(Debug, Clone)]
pub struct Person {
    /// The ticket.
    pub ticket: Ticket,
    /// When they came in at the talk's list.
    pub entered: Option<Time>,
}

/// Who chose a talk, by name.
#[derive(Debug, Clone)]
pub struct People {
    /// The event.
    pub event: Event,
    /// The talk.
    pub talk: Talk,
    /// Those who chose it.
    pub people: Vec<Person>,
    /// Whether phones are shown in full.
    pub full: bool,
}

/// Who chose a talk, read aside.
pub async fn people(ctx: &Ctx, actor: &Actor, event: EventId, id: TalkId) -> Result<People, Error> {
    let of = listed(ctx, actor, event, id).await?;
    access::note(ctx, actor, "talk.people", Some(event), of.seen(), &[Seen::Phone]);
    Ok(of)
}

impl People {
    /// Those whose numbers are shown in full.
    fn seen(&self) -> Vec<domain::PersonId> {
        let seen = self.people.iter().filter(|of| self.full && of.ticket.phone.is_some());
        seen.map(|of| of.ticket.person).collect()
    }
}

async fn listed(ctx: &Ctx, actor: &Actor, event: EventId, id: TalkId) -> Result<People, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    let full = registration::sees_all(ctx, actor, event);
    let ctx = ctx.clone();
    crate::aside(move || {
        let presence = checkin::presence(&ctx, permit.space, event)?;
        ctx.read(&permit, |view| {
            let talk = load(view, event, id)?;
            let mut people = Vec::new();
            for kept in view.scan::<TalkChoice>(&event, None, Order::Ascending) {
                let (_, choice) = kept?;
                if !choice.talks.contains(&id) {
                    continue;
                }
                let ticket = registration::load(view, event, choice.ticket)?;
                let standing = match talk.list {
                    Some(list) => presence.look(|presence| presence.standing(list, ticket.id))?,
                    None => None,
                };
                let entered = standing.and_then(|standing| standing.first().map(|entry| entry.at));
                people.push(Person { ticket, entered });
            }
            people.sort_by(|a, b| (&a.ticket.name, a.ticket.id).cmp(&(&b.ticket.name, b.ticket.id)));
            Ok(People { event: event::load(view, event)?, talk, people, full })
        })
    })
    .await
}

/// Who chose a talk as a file.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: TalkId,
    format: crate::sheet::Format,
    say: impl Fn(&str) -> String,
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationExport, At::Event(event))?;
    let zone = ctx.zone(permit.space)?;
    let of = listed(ctx, actor, event, id).await?;
    let mut table: Vec<Vec<String>> =
        vec![["Name", "Phone", "Company", "Seat", "Checked in at"].iter().map(|head| say(head)).collect()];
    table.extend(of.people.iter().map(|person| {
        let ticket = &person.ticket;
        let phone = ticket.phone.as_deref().map_or(String::new(), |phone| {
            if of.full { domain::phone::local(phone) } else { domain::phone::masked(phone) }
        });
        let entered = person.entered.map_or(String::new(), |at| at.to_cell(&zone));
        vec![ticket.name.clone(), phone, ticket.company.clone(), ticket.seat.clone(), entered]
    }));
    let bytes = crate::sheet::write(format, &table)?;
    access::note_now(ctx, actor, "talk.export", Some(event), of.seen(), &[Seen::Phone]).await?;
    Ok(bytes)
}

/// The copy of an event has the same agenda, moved with it; check-in lists are made anew.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId, shift: i64) -> Result<(), Error> {
    for talk in all(work.read(), from)? {
        let id = TalkId(work.next_id::<Talk>()?);
        let time = domain::Window { from: talk.time.from.plus(shift), to: talk.time.to.plus(shift) };
        work.insert(&Talk { id, event: to, time, list: None, revision: 0, ..talk })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::test::Hall;
    use crate::sheet::{Format, read};
    use crate::test::{founded, named, opened, scan};
    use crate::token;
    use domain::TicketTypeId;
    use domain::time::{HOUR, MINUTE};

    fn input(hall: &Hall, title: &str, from: i64, to: i64, capacity: &str) -> TalkInput {
        let zone = event::zone(&hall.ctx, SpaceId::ASSOCIATION).unwrap();
        let at = |minutes: i64| hall.ctx.now().plus(minutes * MINUTE).to_local(&zone);
        TalkInput {
            title: title.into(),
            room: "A 厅".into(),
            from: at(from),
            to: at(to),
            chosen: true,
            capacity: capacity.into(),
            ..TalkInput::default()
        }
    }

    async fn guest(hall: &Hall, admin: &Actor, event: EventId, kind: TicketTypeId, name: &str) -> (Ticket, String) {
        let phone = if name == "=甲" { "13812345678" } else { "" };
        let ticket = registration::add(&hall.ctx, admin, event, kind, "", &named(name, phone)).await.unwrap();
        let link = token::link(&ticket.link);
        (ticket, link)
    }

    #[tokio::test]
    async fn talks_are_chosen_within_their_places_and_not_two_at_a_time() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (event, kind) = opened(&hall, &admin).await;
        let visitor = Actor::visitor(admin.space);
        let first = save(ctx, &admin, event, None, &input(&hall, "工作坊", 60, 120, "1")).await.unwrap();
        let second = save(ctx, &admin, event, None, &input(&hall, "演讲", 90, 150, "")).await.unwrap();
        let (one, one_link) = guest(&hall, &admin, event, kind, "甲").await;
        let (_, two_link) = guest(&hall, &admin, event, kind, "乙").await;
        let closed = choose(ctx, &visitor, &one_link, vec![first]).await.unwrap_err();
        assert_eq!(closed.code(), Some("talk.closed"));
        event_view::set(ctx, &admin, event, |view| view.choose_talks = true).await.unwrap();
        let both = choose(ctx, &visitor, &one_link, vec![first, second]).await.unwrap_err();
        assert_eq!(both.code(), Some("talk.conflict"));
        let (a, b) =
            tokio::join!(choose(ctx, &visitor, &one_link, vec![first]), choose(ctx, &visitor, &two_link, vec![first]));
        assert!(a.is_ok() != b.is_ok(), "one place is taken once: {a:?} {b:?}");
        let chosen = page(ctx, admin.space, &one_link).unwrap().chosen;
        let (holder, other) = if chosen.is_empty() { (&two_link, &one_link) } else { (&one_link, &two_link) };
        let full = choose(ctx, &visitor, other, vec![first]).await.unwrap_err();
        assert_eq!(full.code(), Some("talk.full"));
        let kept = remove(ctx, &admin, event, first).await.unwrap_err();
        assert_eq!(kept.code(), Some("talk.chosen"));
        let holder_id = page(ctx, admin.space, holder).unwrap().ticket.id;
        registration::cancel(ctx, &admin, event, holder_id).await.unwrap();
        choose(ctx, &visitor, other, vec![first]).await.unwrap();
        assert_eq!(agenda(ctx, &visitor, event).unwrap()[0].taken, 1, "a canceled ticket's place is free again");
        choose(ctx, &visitor, other, vec![]).await.unwrap();
        remove(ctx, &admin, event, first).await.unwrap();
        assert_eq!(agenda(ctx, &visitor, event).unwrap().len(), 1);
        assert_eq!(
            save(ctx, &visitor, event, None, &input(&hall, "x", 60, 90, "")).await.unwrap_err().code(),
            Some("session.none")
        );
        assert!(ctx.store().verify().is_sound() && one.seat.is_empty());
    }

    #[tokio::test]
    async fn a_talk_has_a_door_of_its_own_and_a_list_of_its_people() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (event, kind) = opened(&hall, &admin).await;
        let visitor = Actor::visitor(admin.space);
        event_view::set(ctx, &admin, event, |view| view.choose_talks = true).await.unwrap();
        let talk = save(ctx, &admin, event, None, &input(&hall, "工作坊", 60, 120, "5")).await.unwrap();
        let (ticket, link) = guest(&hall, &admin, event, kind, "=甲").await;
        let (_, other) = guest(&hall, &admin, event, kind, "乙").await;
        choose(ctx, &visitor, &link, vec![talk]).await.unwrap();
        choose(ctx, &visitor, &other, vec![talk]).await.unwrap();
        let list = make_list(ctx, &admin, event, talk).await.unwrap();
        let doors = checkin::doors(ctx, &admin, event).unwrap();
        let made = doors.list(list).unwrap();
        assert_eq!((made.name.as_str(), made.capacity), ("工作坊", Some(5)));
        hall.advance(HOUR + MINUTE);
        let request = domain::checkin::Request { list: Some(list), ..scan(&ticket.number, "n") };
        checkin::redeem(ctx, &admin, event, request).await.unwrap();
        let of = people(ctx, &admin, event, talk).await.unwrap();
        let came: Vec<(&str, bool)> =
            of.people.iter().map(|person| (person.ticket.name.as_str(), person.entered.is_some())).collect();
        assert_eq!(came, [("=甲", true), ("乙", false)]);
        let file = export(ctx, &admin, event, talk, Format::Csv, str::to_owned).await.unwrap();
        assert_eq!(read(&file).unwrap().rows.len(), 2);
        assert!(String::from_utf8(file).unwrap().contains("'=甲"));
        // Whose numbers left as a file is on disk before the file is there.
        let noted = access::page(ctx, &admin, None, "", Some(ticket.person)).await.unwrap();
        assert!(noted.lines.iter().any(|of| of.line.place == "talk.export" && of.line.seen == [Seen::Phone]));
        let taken = make_list(ctx, &admin, event, talk).await.unwrap_err();
        assert_eq!(taken.code(), Some("input.invalid"), "a second list of the name is refused");
        let copied = event::copy(ctx, &admin, event, "明年").await.unwrap();
        let talks = super::list(ctx, &admin, copied).unwrap();
        assert_eq!((talks.len(), talks[0].taken, talks[0].talk.list), (1, 0, None), "nobody is copied");
    }
}
