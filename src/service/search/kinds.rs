//! The kinds of today: people, registrations, events, documents, help pages, staff accounts.

use super::kind::{CHUNK, Card, Kind, Making, Showing};
use crate::{Error, actor::event_facts, document, event, registration};
use domain::{
    Account, AccountId, Document, DocumentId, Event, EventId, Group, Permission, Person, PersonId, Ticket, TicketId,
    TicketState, document::Reading, field::AnswerValue, help, permission::Place,
};
use search::{Entry, Key, Phone};
use store::{Order, Read, Record, SpaceView, Touched};

/// A record of the space by its number alone.
fn key(kind: &dyn Kind, space: u64, id: u64) -> Key {
    Key { space, kind: kind.number(), id, event: 0 }
}

/// Keys of a table whose keys are numbers.
fn numbered<R: Record>(
    kind: &dyn Kind,
    view: &SpaceView,
    from: Option<&Key>,
    of: impl Fn(u64) -> R::Key,
    id: impl Fn(R::Key) -> u64,
) -> Result<Vec<Key>, Error> {
    let from = from.map(|key| of(key.id));
    let space = view.space_id().0;
    let keys = view.scan_keys::<R>(&(), from.as_ref(), Order::Ascending).take(CHUNK);
    keys.map(|found| Ok(key(kind, space, id(found?)))).collect()
}

/// People, whatever they are to the association. Whoever may see single events only finds their registrations.
pub struct Persons;

impl Kind for Persons {
    fn number(&self) -> u8 {
        1
    }
    fn name(&self) -> &'static str {
        "person"
    }
    fn names(&self) -> &'static [&'static str] {
        &["people", "人", "人员", "联系人"]
    }
    fn label(&self) -> &'static str {
        "Persons"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::RegistrationView)
    }
    fn touched(&self, change: &Touched<'_>) -> Option<Key> {
        change.of::<Person>().map(|(space, id)| key(self, space.0, id.0))
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        numbered::<Person>(self, view, from, PersonId, |id| id.0)
    }
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error> {
        let Some(person) = making.view.get::<Person>(&PersonId(key.id))? else { return Ok(Vec::new()) };
        Ok(vec![Entry {
            at: person.created_at.0,
            company: person.company,
            phone: person.phone.as_deref().map(Phone::of),
            ..Entry::new(*key, &person.name)
        }])
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let Some(person) = showing.view.get::<Person>(&PersonId(key.id))? else { return Ok(None) };
        let phone = person.phone.as_deref().map(|phone| showing.phone(phone, &Place::SPACE));
        // Where the person is registered: by name, and by the part of the number that everybody sees.
        let tail: String = phone.iter().flat_map(|phone| phone.chars().rev().take(4)).collect();
        let tail: String = tail.chars().rev().collect();
        let tail = if tail.len() == 4 && !tail.contains('*') { format!(" phone:{tail}") } else { String::new() };
        let name = person.name.replace(['"', '“', '”'], " ");
        let href = super::address(&format!("\"{name}\"{tail}"), "registration");
        Ok(Some(Card {
            place: Place::SPACE,
            title: person.name,
            facts: phone.into_iter().chain([person.company]).filter(|fact| !fact.is_empty()).collect(),
            at: Some(person.created_at),
            href,
            ..Card::default()
        }))
    }
}

/// Registrations, each at its event.
pub struct Registrations;

impl Registrations {
    fn key(&self, space: u64, event: EventId, id: TicketId) -> Key {
        Key { space, kind: self.number(), id: id.0, event: event.0 }
    }
}

impl Kind for Registrations {
    fn number(&self) -> u8 {
        2
    }
    fn name(&self) -> &'static str {
        "registration"
    }
    fn names(&self) -> &'static [&'static str] {
        &["ticket", "报名", "门票", "参会者"]
    }
    fn label(&self) -> &'static str {
        "Registrations"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::RegistrationView)
    }
    fn is_of_event(&self) -> bool {
        true
    }
    fn touched(&self, change: &Touched<'_>) -> Option<Key> {
        change.of::<Ticket>().map(|(space, (event, id))| self.key(space.0, event, id))
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        let from = from.map(|key| (EventId(key.event), TicketId(key.id)));
        let space = view.space_id().0;
        let keys = view.scan_keys::<Ticket>(&(), from.as_ref(), Order::Ascending).take(CHUNK);
        keys.map(|key| key.map(|(event, id)| self.key(space, event, id)).map_err(Error::from)).collect()
    }
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error> {
        let view = making.view;
        let event = EventId(key.event);
        let Some(ticket) = view.get::<Ticket>(&(event, TicketId(key.id)))? else { return Ok(Vec::new()) };
        let group = ticket.group.map(|group| view.get::<Group>(&(event, group))).transpose()?.flatten();
        let mut secrets = Vec::new();
        let mut words = ticket.seat.clone();
        for answer in &ticket.answers {
            match &answer.value {
                // Opened to take its end; only the keyed hash of that is kept.
                AnswerValue::Sealed(_) => {
                    let whole = registration::open_answer(making.sealer, &ticket, answer)?;
                    secrets.extend(super::end_of(&whole).map(|end| making.sealer.tag(&end)));
                }
                AnswerValue::Plain(text) | AnswerValue::Region(_, text) => words.extend([" ", text]),
                AnswerValue::Chosen(chosen) => chosen.iter().for_each(|choice| words.extend([" ", choice])),
                AnswerValue::File(upload) => words.extend([" ", &upload.name]),
            }
        }
        Ok(vec![Entry {
            at: ticket.created_at.0,
            company: ticket.company,
            group: group.map_or_else(String::new, |group| group.name),
            phone: ticket.phone.as_deref().map(Phone::of),
            numbers: vec![ticket.number],
            secrets,
            words,
            text: ticket.note,
            ..Entry::new(*key, &ticket.name)
        }])
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let (view, event) = (showing.view, EventId(key.event));
        let Some(ticket) = view.get::<Ticket>(&(event, TicketId(key.id)))? else { return Ok(None) };
        let Some(facts) = event_facts(view, event)? else { return Ok(None) };
        let of = view.peek::<Event, _>(&event, |event| event.name.as_str().to_owned())?;
        let group = ticket.group.map(|group| view.get::<Group>(&(event, group))).transpose()?.flatten();
        let phone = ticket.phone.as_deref().map(|phone| showing.phone(phone, &facts.place));
        let said = [phone.unwrap_or_default(), ticket.company, of.unwrap_or_default()];
        let said = said.into_iter().chain(group.map(|group| group.name)).chain([ticket.seat]);
        Ok(Some(Card {
            place: facts.place,
            title: ticket.name,
            facts: said.filter(|fact| !fact.is_empty()).collect(),
            at: Some(ticket.created_at),
            note: (ticket.state != TicketState::Active).then_some(ticket.state.label()),
            href: format!("/admin/event/{event}/registration/{}", ticket.id),
            ..Card::default()
        }))
    }
}

/// Events.
pub struct Events;

impl Kind for Events {
    fn number(&self) -> u8 {
        3
    }
    fn name(&self) -> &'static str {
        "event"
    }
    fn names(&self) -> &'static [&'static str] {
        &["会议", "活动"]
    }
    fn label(&self) -> &'static str {
        "Events"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::EventView)
    }
    fn is_of_event(&self) -> bool {
        true
    }
    fn touched(&self, change: &Touched<'_>) -> Option<Key> {
        change.of::<Event>().map(|(space, id)| Key { event: id.0, ..key(self, space.0, id.0) })
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        let mut keys = numbered::<Event>(self, view, from, EventId, |id| id.0)?;
        keys.iter_mut().for_each(|key| key.event = key.id);
        Ok(keys)
    }
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error> {
        let Some(event) = making.view.get::<Event>(&EventId(key.id))? else { return Ok(Vec::new()) };
        Ok(vec![Entry {
            at: event.time.from.0,
            words: event.venue.line(),
            text: event.words(),
            ..Entry::new(*key, &event.name)
        }])
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let Some(event) = showing.view.get::<Event>(&EventId(key.id))? else { return Ok(None) };
        Ok(Some(Card {
            place: event::place(&event),
            facts: Some(event.venue.line()).filter(|line| !line.is_empty()).into_iter().collect(),
            piece: super::piece(&event.words(), showing.query),
            at: Some(event.time.from),
            note: Some(event.state.label()),
            href: format!("/admin/event/{}", event.id),
            title: event.name,
            ..Card::default()
        }))
    }
}

/// Documents, page by page.
pub struct Documents;

impl Kind for Documents {
    fn number(&self) -> u8 {
        4
    }
    fn name(&self) -> &'static str {
        "document"
    }
    fn names(&self) -> &'static [&'static str] {
        &["文档", "文件", "合同"]
    }
    fn label(&self) -> &'static str {
        "Documents"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::DocumentView)
    }
    fn touched(&self, change: &Touched<'_>) -> Option<Key> {
        change.of::<Document>().map(|(space, id)| key(self, space.0, id.0))
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        numbered::<Document>(self, view, from, DocumentId, |id| id.0)
    }
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error> {
        let Some(of) = making.view.get::<Document>(&DocumentId(key.id))? else { return Ok(Vec::new()) };
        let whole = Entry {
            event: of.event.map_or(0, |event| event.0),
            department: of.department.map_or(0, |department| department.0),
            owner: of.owner.0,
            at: of.created_at.0,
            ..Entry::new(*key, &of.name)
        };
        let Reading::Read(file, _) = &of.reading else { return Ok(vec![whole]) };
        let pages = document::pages(making.files, file)?;
        let numbered = pages.into_iter().zip(1..);
        let entries: Vec<Entry> = numbered.map(|(text, page)| Entry { text, page, ..whole.clone() }).collect();
        Ok(if entries.is_empty() { vec![whole] } else { entries })
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let Some(of) = showing.view.get::<Document>(&DocumentId(key.id))? else { return Ok(None) };
        let place = document::place(showing.view, &of)?;
        // The text is not touched for somebody who may not see it.
        if !showing.actor.covers(Permission::DocumentView, &place) {
            return Ok(None);
        }
        let (mut piece, mut page) = (String::new(), 0);
        if let Reading::Read(file, pages) = &of.reading {
            let at = usize::try_from(showing.page.max(1) - 1).unwrap_or(0);
            piece = document::pages(showing.files, file)?
                .get(at)
                .map_or_else(String::new, |text| super::piece(text, showing.query));
            page = if *pages > 1 { showing.page.max(1) } else { 0 };
        }
        Ok(Some(Card {
            place,
            piece,
            page,
            at: Some(of.created_at),
            note: matches!(of.reading, Reading::Failed(..)).then_some("Its text could not be read"),
            href: format!("/admin/document/{}", of.id),
            title: of.name,
            ..Card::default()
        }))
    }
}

/// Help pages.
pub struct HelpPages;

impl Kind for HelpPages {
    fn number(&self) -> u8 {
        5
    }
    fn name(&self) -> &'static str {
        "help"
    }
    fn names(&self) -> &'static [&'static str] {
        &["帮助", "说明"]
    }
    fn label(&self) -> &'static str {
        "Help pages"
    }
    fn permission(&self) -> Option<Permission> {
        None
    }
    fn is_fixed(&self) -> bool {
        true
    }
    fn touched(&self, _: &Touched<'_>) -> Option<Key> {
        None
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        let behind = help::PAGES.iter().filter(|page| from.is_none_or(|from| page.id > from.id));
        Ok(behind.map(|page| key(self, view.space_id().0, page.id)).collect())
    }
    fn entries(&self, _: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error> {
        let page = help::PAGES.iter().find(|page| page.id == key.id);
        let entry = |page: &help::Page| Entry { text: page.body().to_owned(), ..Entry::new(*key, page.title()) };
        Ok(page.map(entry).into_iter().collect())
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let page = help::PAGES.iter().find(|page| page.id == key.id);
        Ok(page.map(|page| Card {
            title: page.title().to_owned(),
            piece: super::piece(&page.body().replace(['*', '`', '#'], ""), showing.query),
            href: format!("/admin/help/{}", page.name),
            ..Card::default()
        }))
    }
}

/// Staff accounts.
pub struct Accounts;

impl Kind for Accounts {
    fn number(&self) -> u8 {
        6
    }
    fn name(&self) -> &'static str {
        "account"
    }
    fn names(&self) -> &'static [&'static str] {
        &["账号", "员工"]
    }
    fn label(&self) -> &'static str {
        "Accounts"
    }
    fn permission(&self) -> Option<Permission> {
        Some(Permission::AccountManage)
    }
    fn touched(&self, change: &Touched<'_>) -> Option<Key> {
        change.of::<Account>().map(|(space, id)| key(self, space.0, id.0))
    }
    fn keys(&self, view: &SpaceView, from: Option<&Key>) -> Result<Vec<Key>, Error> {
        numbered::<Account>(self, view, from, AccountId, |id| id.0)
    }
    fn entries(&self, making: &Making<'_>, key: &Key) -> Result<Vec<Entry>, Error> {
        let Some(account) = making.view.get::<Account>(&AccountId(key.id))? else { return Ok(Vec::new()) };
        Ok(vec![Entry { at: account.created_at.0, words: account.login, ..Entry::new(*key, &account.name) }])
    }
    fn card(&self, showing: &Showing<'_>, key: &Key) -> Result<Option<Card>, Error> {
        let Some(account) = showing.view.get::<Account>(&AccountId(key.id))? else { return Ok(None) };
        Ok(Some(Card {
            title: account.name,
            facts: vec![account.login],
            at: Some(account.created_at),
            note: account.disabled.then_some("Disabled"),
            href: format!("/admin/account/{}", account.id),
            ..Card::default()
        }))
    }
}
