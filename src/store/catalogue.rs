//! The one catalogue of tables, indexes and counters. Numbers are never used again; dropped ones stay in [`DROPPED`].

use crate::{Counter, Plain, Unique, tables};
use domain::{
    Account, AccountId, CheckinList, Department, DepartmentId, Device, DeviceId, Event, EventId, Gate, GateId, Grant,
    GrantId, Group, GroupId, Import, ImportId, ListId, Person, PersonId, Picture, PictureId, ScanId, Session, Space,
    SpaceId, Ticket, TicketId, TicketState, TicketType, TicketTypeId,
    checkin::{DoorAnswers, Line, ScanBlock},
    import::RefusedRow,
};
use std::collections::BTreeMap;

/// Numbers that once belonged to tables, with their names.
pub const DROPPED: &[(u16, &str)] = &[];

/// A person by phone in E.164.
pub const PERSON_BY_PHONE: Unique<Person, String> = Unique::new(1, "person_by_phone");
/// An account by its login.
pub const ACCOUNT_BY_LOGIN: Unique<Account, String> = Unique::new(2, "account_by_login");
/// The grants of an account.
pub const GRANT_BY_ACCOUNT: Plain<Grant, AccountId> = Plain::new(3);
/// The sessions of an account.
pub const SESSION_BY_ACCOUNT: Plain<Session, AccountId> = Plain::new(4);
/// A device by the hash of its token.
pub const DEVICE_BY_TOKEN: Unique<Device, [u8; 32]> = Unique::new(5, "device_by_token");
/// A device by the hash of its pairing code.
pub const DEVICE_BY_CODE: Unique<Device, [u8; 32]> = Unique::new(6, "device_by_code");
/// The devices of an event.
pub const DEVICE_BY_EVENT: Plain<Device, EventId> = Plain::new(7);
/// Events by their start in milliseconds.
pub const EVENT_BY_START: Plain<Event, i64> = Plain::new(8);
/// A ticket by its number.
pub const TICKET_BY_NUMBER: Unique<Ticket, String> = Unique::new(9, "ticket_by_number");
/// A ticket by its link.
pub const TICKET_BY_LINK: Unique<Ticket, [u8; 16]> = Unique::new(10, "ticket_by_link");
/// A standing ticket by phone and event: one phone has one place.
pub const TICKET_BY_PHONE: Unique<Ticket, (String, EventId)> = Unique::new(11, "ticket_by_phone");
/// A ticket by its attend code within its event.
pub const TICKET_BY_ATTEND: Unique<Ticket, (EventId, String)> = Unique::new(12, "ticket_by_attend");
/// The imports of an event.
pub const IMPORT_BY_EVENT: Plain<Import, EventId> = Plain::new(13);

/// Events of a category.
pub const EVENT_BY_CATEGORY: Plain<domain::EventCategory, domain::CategoryId> = Plain::new(113);
/// Events of a series.
pub const EVENT_BY_SERIES: Plain<domain::EventSeries, domain::SeriesId> = Plain::new(114);

/// Tickets of an event by [`TicketState`].
pub const TICKETS: Counter<(EventId, u8)> = Counter::new(1);
/// Standing tickets of a type: what the quota is held against.
pub const TICKETS_OF_TYPE: Counter<(EventId, TicketTypeId)> = Counter::new(2);
/// Standing tickets of a group.
pub const TICKETS_OF_GROUP: Counter<(EventId, GroupId)> = Counter::new(3);
/// People checked in at a list.
pub const ENTERED: Counter<(EventId, ListId)> = Counter::new(4);
/// People checked in at a list by ticket type.
pub const ENTERED_OF_TYPE: Counter<(EventId, ListId, TicketTypeId)> = Counter::new(5);
/// People checked in at a list by group.
pub const ENTERED_OF_GROUP: Counter<(EventId, ListId, GroupId)> = Counter::new(6);
/// Registrations by the hour since the epoch.
pub const REGISTERED_AT: Counter<(EventId, i64)> = Counter::new(7);
/// First entries at a list by the minute since the epoch.
pub const ARRIVALS: Counter<(EventId, ListId, i64)> = Counter::new(8);
/// Refused scans at a list by the position of their reason in `Reason::ALL`.
pub const REFUSALS: Counter<(EventId, ListId, u8)> = Counter::new(9);
/// Refused scans at a list, whatever the reason.
pub const REFUSED: Counter<(EventId, ListId)> = Counter::new(11);
/// Tickets of a type, canceled ones included.
pub const TICKETS_EVER_OF_TYPE: Counter<(EventId, TicketTypeId)> = Counter::new(10);

/// How many chose a talk.
pub const TALK_TAKEN: Counter<(EventId, domain::TalkId)> = Counter::new(111);

fn derive_choice(choice: &domain::TalkChoice, out: &mut crate::Derived) {
    for talk in &choice.talks {
        out.count(&TALK_TAKEN, &(choice.event, *talk), 1);
    }
}

fn derive_ticket(ticket: &Ticket, out: &mut crate::Derived) {
    let (event, kind) = (ticket.event, ticket.kind);
    out.unique(&TICKET_BY_NUMBER, &ticket.number);
    out.unique(&TICKET_BY_LINK, &ticket.link);
    out.unique(&TICKET_BY_ATTEND, &(event, ticket.attend.clone()));
    out.count(&TICKETS, &(event, ticket.state as u8), 1);
    out.count(&TICKETS_EVER_OF_TYPE, &(event, kind), 1);
    out.count(&REGISTERED_AT, &(event, ticket.created_at.hour()), 1);
    if ticket.state == TicketState::Active {
        out.count(&TICKETS_OF_TYPE, &(event, kind), 1);
        if let Some(phone) = &ticket.phone {
            out.unique(&TICKET_BY_PHONE, &(phone.clone(), event));
        }
        if let Some(group) = ticket.group {
            out.count(&TICKETS_OF_GROUP, &(event, group), 1);
        }
    }
}

/// What the lines of one block add to the counts of a list.
#[derive(Default)]
struct Sums {
    entered: i64,
    refused: i64,
    kinds: BTreeMap<TicketTypeId, i64>,
    groups: BTreeMap<GroupId, i64>,
    minutes: BTreeMap<i64, i64>,
    reasons: BTreeMap<u8, i64>,
}

impl Sums {
    fn admitted(&mut self, change: i8, kind: Option<TicketTypeId>, group: Option<GroupId>, minute: i64) {
        let change = i64::from(change);
        if change == 0 {
            return;
        }
        self.entered += change;
        *self.minutes.entry(minute).or_default() += change;
        self.moved(change, kind, group);
    }

    fn moved(&mut self, change: i64, kind: Option<TicketTypeId>, group: Option<GroupId>) {
        if let Some(kind) = kind {
            *self.kinds.entry(kind).or_default() += change;
        }
        if let Some(group) = group {
            *self.groups.entry(group).or_default() += change;
        }
    }

    fn add(&mut self, line: &Line) {
        match line {
            Line::Scan(scan) => {
                self.admitted(scan.admitted, scan.kind, scan.group, scan.scanned_at.minute());
                if let Some(reason) = scan.verdict.reason() {
                    self.refused += 1;
                    *self.reasons.entry(reason as u8).or_default() += 1;
                }
            }
            Line::Annul(annul) => {
                self.admitted(annul.admitted, Some(annul.kind), annul.group, annul.minute);
            }
            Line::Move(moved) => {
                self.moved(-1, Some(moved.from.0), moved.from.1);
                self.moved(1, Some(moved.to.0), moved.to.1);
            }
            Line::Settle(_) => {}
        }
    }

    fn derive(&self, event: EventId, list: ListId, out: &mut crate::Derived) {
        out.count(&ENTERED, &(event, list), self.entered);
        out.count(&REFUSED, &(event, list), self.refused);
        for (kind, sum) in &self.kinds {
            out.count(&ENTERED_OF_TYPE, &(event, list, *kind), *sum);
        }
        for (group, sum) in &self.groups {
            out.count(&ENTERED_OF_GROUP, &(event, list, *group), *sum);
        }
        for (minute, sum) in &self.minutes {
            out.count(&ARRIVALS, &(event, list, *minute), *sum);
        }
        for (reason, sum) in &self.reasons {
            out.count(&REFUSALS, &(event, list, *reason), *sum);
        }
    }
}

fn derive_scans(block: &ScanBlock, out: &mut crate::Derived) {
    let mut lists: BTreeMap<ListId, Sums> = BTreeMap::new();
    for line in &block.lines {
        lists.entry(line.list()).or_default().add(line);
    }
    for (list, sums) in &lists {
        sums.derive(block.event, *list, out);
    }
}

fn derive_device(device: &Device, out: &mut crate::Derived) {
    out.plain(&DEVICE_BY_EVENT, &device.event);
    if let Some(token) = &device.token {
        out.unique(&DEVICE_BY_TOKEN, token);
    }
    if let Some(pairing) = &device.pairing {
        out.unique(&DEVICE_BY_CODE, &pairing.code);
    }
}

fn derive_person(person: &Person, out: &mut crate::Derived) {
    if let Some(phone) = &person.phone {
        out.unique(&PERSON_BY_PHONE, phone);
    }
}

tables! {
    1 "space" v 1 Space { key SpaceId = |r| r.id; derive |_r, _out| (); }
    2 "person" v 1 Person { key PersonId = |r| r.id; derive |r, out| derive_person(r, out); }
    3 "account" v 1 Account { key AccountId = |r| r.id; derive |r, out| out.unique(&ACCOUNT_BY_LOGIN, &r.login); }
    4 "grant" v 1 Grant { key GrantId = |r| r.id; derive |r, out| out.plain(&GRANT_BY_ACCOUNT, &r.account); }
    5 "session" v 1 Session { key [u8; 32] = |r| r.token; derive |r, out| out.plain(&SESSION_BY_ACCOUNT, &r.account); }
    6 "department" v 1 Department { key DepartmentId = |r| r.id; derive |_r, _out| (); }
    7 "device" v 1 Device { key DeviceId = |r| r.id; derive |r, out| derive_device(r, out); }
    8 "event" v 1 Event { key EventId = |r| r.id; derive |r, out| out.plain(&EVENT_BY_START, &r.time.from.0); }
    9 "ticket_type" v 1 TicketType { key (EventId, TicketTypeId) = |r| (r.event, r.id); derive |_r, _out| (); }
    10 "group" v 1 Group { key (EventId, GroupId) = |r| (r.event, r.id); derive |_r, _out| (); }
    11 "ticket" v 1 Ticket { key (EventId, TicketId) = |r| (r.event, r.id); derive |r, out| derive_ticket(r, out); }
    12 "scan_block" v 1 ScanBlock { key (EventId, ScanId) = |r| (r.event, r.first); derive |r, out| derive_scans(r, out); }
    13 "import" v 1 Import { key ImportId = |r| r.id; derive |r, out| out.plain(&IMPORT_BY_EVENT, &r.event); }
    14 "picture" v 1 Picture { key PictureId = |r| r.id; derive |_r, _out| (); }
    15 "refused_row" v 1 RefusedRow { key (ImportId, u32) = |r| (r.import, r.row); derive |_r, _out| (); }
    16 "checkin_list" v 1 CheckinList { key (EventId, ListId) = |r| (r.event, r.id); derive |_r, _out| (); }
    17 "gate" v 1 Gate { key (EventId, GateId) = |r| (r.event, r.id); derive |_r, _out| (); }
    18 "door_answers" v 1 DoorAnswers { key (EventId, ListId, TicketId) = |r| (r.event, r.list, r.ticket); derive |_r, _out| (); }
    60 "brand" v 1 domain::Brand { key () = |_r| (); derive |_r, _out| (); }
    61 "category" v 1 domain::Category { key domain::CategoryId = |r| r.id; derive |_r, _out| (); }
    62 "event_category" v 1 domain::EventCategory { key EventId = |r| r.event; derive |r, out| out.plain(&EVENT_BY_CATEGORY, &r.category); }
    66 "home_part" v 1 domain::HomePart { key domain::PartId = |r| r.id; derive |_r, _out| (); }
    67 "feedback_form" v 1 domain::FeedbackForm { key EventId = |r| r.event; derive |_r, _out| (); }
    68 "feedback_given" v 1 domain::FeedbackGiven { key (EventId, TicketId) = |r| (r.event, r.ticket); derive |_r, _out| (); }
    69 "feedback_answer" v 1 domain::FeedbackAnswer { key (EventId, u64) = |r| (r.event, r.id); derive |_r, _out| (); }
    70 "series" v 1 domain::Series { key domain::SeriesId = |r| r.id; derive |_r, _out| (); }
    71 "event_series" v 1 domain::EventSeries { key EventId = |r| r.event; derive |r, out| out.plain(&EVENT_BY_SERIES, &r.series); }
    72 "talk" v 1 domain::Talk { key (EventId, domain::TalkId) = |r| (r.event, r.id); derive |_r, _out| (); }
    73 "talk_choice" v 1 domain::TalkChoice { key (EventId, TicketId) = |r| (r.event, r.ticket); derive |r, out| derive_choice(r, out); }
    74 "event_archive" v 1 domain::EventArchive { key EventId = |r| r.event; derive |_r, _out| (); }
    64 "seat_plan" v 1 domain::SeatPlan { key EventId = |r| r.event; derive |_r, _out| (); }
    65 "seating" v 1 domain::Seating { key EventId = |r| r.event; derive |_r, _out| (); }
    63 "event_view" v 1 domain::EventView { key EventId = |r| r.event; derive |_r, _out| (); }
}

/// The name of whatever has this number in keys.
pub fn name_of(id: u16) -> String {
    let table = all().into_iter().find(|erased| erased.table.id == id);
    table.map_or_else(|| format!("#{id}"), |erased| erased.table.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_used_twice() {
        let mut ids: Vec<u16> = all().iter().map(|erased| erased.table.id).collect();
        ids.extend(DROPPED.iter().map(|(id, _)| *id));
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
        let mut indexes = [
            PERSON_BY_PHONE.id,
            ACCOUNT_BY_LOGIN.id,
            GRANT_BY_ACCOUNT.id,
            SESSION_BY_ACCOUNT.id,
            DEVICE_BY_TOKEN.id,
            DEVICE_BY_CODE.id,
            DEVICE_BY_EVENT.id,
            EVENT_BY_START.id,
            TICKET_BY_NUMBER.id,
            TICKET_BY_LINK.id,
            TICKET_BY_PHONE.id,
            TICKET_BY_ATTEND.id,
            IMPORT_BY_EVENT.id,
            EVENT_BY_CATEGORY.id,
            EVENT_BY_SERIES.id,
        ];
        indexes.sort_unstable();
        assert!(indexes.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
