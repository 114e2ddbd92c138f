//! The one catalogue of tables, indexes and counters. Numbers are never used again; dropped ones stay in [`DROPPED`].

use crate::{Counter, Plain, Unique, tables};
use domain::{
    Account, AccountId, CheckinList, Department, DepartmentId, Device, DeviceId, DrawId, EntrantId, Event, EventId,
    Gate, GateId, Grant, GrantId, Group, GroupId, Import, ImportId, ListId, MessageId, Person, PersonId, Picture,
    PictureId, RoundId, ScanId, Session, Sound, SoundId, Space, SpaceId, Ticket, TicketId, TicketState, TicketType,
    TicketTypeId,
    checkin::{DoorAnswers, Line, ScanBlock},
    draw::{self, Draw, Round, Who},
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

/// The draws of an event.
pub const DRAW_BY_EVENT: Plain<Draw, EventId> = Plain::new(53);
/// The wins of a ticket's holder.
pub const WIN_BY_TICKET: Plain<draw::Win, TicketId> = Plain::new(54);
/// Who joined a draw without a ticket, by the hash of what the phone keeps.
pub const ENTRANT_BY_TOKEN: Unique<draw::Entrant, [u8; 32]> = Unique::new(56, "entrant_by_token");
/// Who takes part in a draw by phone: one phone is one person.
pub const ENTRANT_BY_PHONE: Unique<draw::Entrant, (DrawId, String)> = Unique::new(57, "entrant_by_phone");
/// Who joined a draw by ticket.
pub const ENTRANT_BY_TICKET: Unique<draw::Entrant, (DrawId, TicketId)> = Unique::new(58, "entrant_by_ticket");
/// The messages of a draw by [`draw::Moderation`].
pub const MESSAGE_BY_STATE: Plain<draw::Message, (DrawId, u8)> = Plain::new(59);

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

/// People of a draw who have no ticket or joined by its code: those without a ticket, and those with one.
pub const ENTRANTS: Counter<(DrawId, bool)> = Counter::new(51);

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

fn derive_win(win: &draw::Win, out: &mut crate::Derived) {
    if let Some(Who::Ticket(ticket)) = win.who {
        out.plain(&WIN_BY_TICKET, &ticket);
    }
}

fn derive_entrant(entrant: &draw::Entrant, out: &mut crate::Derived) {
    if let Some(token) = &entrant.token {
        out.unique(&ENTRANT_BY_TOKEN, token);
    }
    if let Some(phone) = &entrant.phone {
        out.unique(&ENTRANT_BY_PHONE, &(entrant.draw, phone.clone()));
    }
    if let Some(ticket) = entrant.ticket {
        out.unique(&ENTRANT_BY_TICKET, &(entrant.draw, ticket));
    }
    if !entrant.removed {
        out.count(&ENTRANTS, &(entrant.draw, entrant.ticket.is_some()), 1);
    }
}

/// The key of a picture that somebody gave of themselves.
fn face_key(face: &draw::Face) -> (DrawId, bool, u64) {
    match face.who {
        Who::Ticket(ticket) => (face.draw, false, ticket.0),
        Who::Extra(entrant) => (face.draw, true, entrant.0),
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
    30 "draw" v 1 Draw { key DrawId = |r| r.id; derive |r, out| out.plain(&DRAW_BY_EVENT, &r.event); }
    31 "draw_round" v 1 Round { key (DrawId, RoundId) = |r| (r.draw, r.id); derive |_r, _out| (); }
    32 "draw_line" v 1 draw::Line { key (DrawId, u32) = |r| (r.draw, r.seq); derive |_r, _out| (); }
    33 "draw_win" v 1 draw::Win { key (DrawId, u32) = |r| (r.draw, r.number); derive |r, out| derive_win(r, out); }
    34 "draw_entrant" v 1 draw::Entrant { key (DrawId, EntrantId) = |r| (r.draw, r.id); derive |r, out| derive_entrant(r, out); }
    35 "draw_message" v 1 draw::Message { key (DrawId, MessageId) = |r| (r.draw, r.id); derive |r, out| out.plain(&MESSAGE_BY_STATE, &(r.draw, r.state as u8)); }
    36 "draw_secret" v 1 draw::DrawSecret { key DrawId = |r| r.draw; derive |_r, _out| (); }
    37 "draw_face" v 1 draw::Face { key (DrawId, bool, u64) = |r| face_key(r); derive |_r, _out| (); }
    38 "sound" v 1 Sound { key SoundId = |r| r.id; derive |_r, _out| (); }
    39 "draw_running" v 1 draw::Running { key DrawId = |r| r.draw; derive |_r, _out| (); }
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
            DRAW_BY_EVENT.id,
            WIN_BY_TICKET.id,
            ENTRANT_BY_TOKEN.id,
            ENTRANT_BY_PHONE.id,
            ENTRANT_BY_TICKET.id,
            MESSAGE_BY_STATE.id,
        ];
        indexes.sort_unstable();
        assert!(indexes.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
