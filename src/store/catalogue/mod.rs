//! The one catalogue of tables, indexes and counters. Numbers are never used again; dropped ones stay in [`DROPPED`].

mod derive;

use crate::{Counter, Plain, Unique, tables};
use derive::*;
use domain::{
    Account, AccountId, AddOn, AddOnId, Certificate, CertificateId, CheckinList, Department, DepartmentId, Design,
    DesignId, Device, DeviceId, DevicePrint, Document, DocumentId, DrawId, EntrantId, Event, EventId, EventPlace,
    EventShare, Gate, GateId, Grant, GrantId, Group, GroupId, Import, ImportId, Invoice, InvoiceId, ListId, Member,
    MemberOffer, Merchant, MessageId, Notice, NoticeId, Order, OrderId, PaymentSetting, Person, PersonId, Picture,
    PictureId, Portrait, PrintId, PrintRun, Quota, QuotaId, Reminder, ReminderId, RoundId, Sale, SavedSearch, ScanId,
    SearchId, Session, Sound, SoundId, Source, SourceId, SourceVisits, Space, SpaceId, Ticket, TicketId, TicketSource,
    TicketType, TicketTypeId, Voucher, VoucherId, Waiter, WaiterId,
    checkin::{DoorAnswers, Line, ScanBlock},
    draw::{self, Draw, Round, Who},
    field::AnswerValue,
    identity::{Identity, LoginCode, PersonMerge, PersonMoved, PersonOrder, PersonSession, PersonTicket},
    import::RefusedRow,
    notice::NoticeState,
    order::{Flow, Item, OrderState},
    waiting::WaitState,
};

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
/// The passkeys of an account.
pub const PASSKEY_BY_ACCOUNT: Plain<domain::Passkey, AccountId> = Plain::new(530);
/// The links to a new password of an account.
pub const LINK_BY_ACCOUNT: Plain<domain::PasswordLink, AccountId> = Plain::new(531);
/// An API client by the hash of a secret of its.
pub const CLIENT_BY_SECRET: Unique<domain::ApiClient, [u8; 32]> = Unique::new(567, "client_by_secret");
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
/// The ticket that holds a place, by phone and event: one phone has one place.
pub const TICKET_BY_PHONE: Unique<Ticket, (String, EventId)> = Unique::new(11, "ticket_by_phone");
/// A ticket by its attend code within its event.
pub const TICKET_BY_ATTEND: Unique<Ticket, (EventId, String)> = Unique::new(12, "ticket_by_attend");
/// The imports of an event.
pub const IMPORT_BY_EVENT: Plain<Import, EventId> = Plain::new(13);
/// A certificate by its number.
pub const CERTIFICATE_BY_NUMBER: Unique<Certificate, String> = Unique::new(93, "certificate_by_number");
/// The certificates of a ticket.
pub const CERTIFICATE_BY_TICKET: Plain<Certificate, (EventId, TicketId)> = Plain::new(94);
/// The printings that a ticket was among.
pub const PRINT_BY_TICKET: Plain<PrintRun, (EventId, TicketId)> = Plain::new(95);

/// An order by its link.
pub const ORDER_BY_LINK: Unique<Order, [u8; 16]> = Unique::new(14, "order_by_link");
/// An order by its number.
pub const ORDER_BY_NUMBER: Unique<Order, String> = Unique::new(15, "order_by_number");
/// Unpaid orders by the end of their hold in milliseconds.
pub const ORDER_BY_HOLD: Plain<Order, i64> = Plain::new(16);
/// A code within its event.
pub const VOUCHER_BY_CODE: Unique<Voucher, (EventId, String)> = Unique::new(17, "voucher_by_code");
/// A waiter by the link of the waiter's page.
pub const WAITER_BY_LINK: Unique<Waiter, [u8; 16]> = Unique::new(18, "waiter_by_link");
/// Who waits for a type or has an offer, by phone: one phone waits once.
pub const WAITER_BY_PHONE: Unique<Waiter, (EventId, TicketTypeId, String)> = Unique::new(19, "waiter_by_phone");
/// Who waits for a type without an offer, who came first in front.
pub const WAITING: Plain<Waiter, (EventId, TicketTypeId)> = Plain::new(20);
/// Offers by their end in milliseconds.
pub const OFFER_BY_END: Plain<Waiter, i64> = Plain::new(21);
/// A notice by its cause.
pub const NOTICE_BY_CAUSE: Unique<Notice, String> = Unique::new(22, "notice_by_cause");
/// The notices of an event.
pub const NOTICE_BY_EVENT: Plain<Notice, EventId> = Plain::new(23);
/// The notices of an order, a ticket or a wait: kind of thing and its number.
pub const NOTICE_BY_SUBJECT: Plain<Notice, (u8, u64)> = Plain::new(24);

/// Reminders that are not written yet.
pub const REMINDER_WAITING: Plain<Reminder, EventId> = Plain::new(25);

/// Events of a category.
pub const EVENT_BY_CATEGORY: Plain<domain::EventCategory, domain::CategoryId> = Plain::new(113);
/// Events of a series.
pub const EVENT_BY_SERIES: Plain<domain::EventSeries, domain::SeriesId> = Plain::new(114);
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

/// An attempt to pay by our number of it.
pub const ATTEMPT_BY_NUMBER: Unique<domain::Attempt, String> = Unique::new(264, "attempt_by_number");
/// The attempts to pay an order.
pub const ATTEMPT_BY_ORDER: Plain<domain::Attempt, (EventId, OrderId)> = Plain::new(265);
/// Attempts that WeChat may still have something to say about, and those that somebody must look at: 0 and 1.
pub const ATTEMPT_OPEN: Plain<domain::Attempt, u8> = Plain::new(266);
/// Paid attempts by the day in China.
pub const ATTEMPT_BY_DAY: Plain<domain::Attempt, i64> = Plain::new(267);
/// A refund through WeChat by our number of it.
pub const REFUND_BY_NUMBER: Unique<domain::PayRefund, String> = Unique::new(268, "refund_by_number");
/// The refunds of an order through WeChat.
pub const REFUND_BY_ORDER: Plain<domain::PayRefund, (EventId, OrderId)> = Plain::new(269);
/// Refunds that WeChat may still have something to say about, and those that somebody must look at: 0 and 1.
pub const REFUND_OPEN: Plain<domain::PayRefund, u8> = Plain::new(270);
/// Refunds by the day in China on which WeChat took them.
pub const REFUND_BY_DAY: Plain<domain::PayRefund, i64> = Plain::new(271);

/// Tickets of an event by [`domain::TicketState`].
/// What proves a person.
pub const IDENTITY_BY_PERSON: Plain<Identity, PersonId> = Plain::new(315);
/// The sessions of a person.
pub const PERSON_SESSION_BY_PERSON: Plain<PersonSession, PersonId> = Plain::new(316);
/// Sessions of people by their end in milliseconds.
pub const PERSON_SESSION_BY_END: Plain<PersonSession, i64> = Plain::new(317);
/// Codes by when they can be forgotten, in milliseconds.
pub const LOGIN_CODE_BY_END: Plain<LoginCode, i64> = Plain::new(318);
/// Merges of two persons that can be undone, by when they were.
pub const MOVED_BY_TIME: Plain<PersonMoved, i64> = Plain::new(320);
/// Requests that were done by when they can be forgotten, in milliseconds.
pub const ONCE_BY_END: Plain<domain::Once, i64> = Plain::new(319);

/// What leaves the box by its cause.
pub const OUT_ONCE: Unique<domain::Outgoing, String> = Unique::new(164, "outgoing_once");
/// What waits to leave the box: carrier and when it is due in milliseconds.
pub const OUT_DUE: Plain<domain::Outgoing, (String, i64)> = Plain::new(165);
/// What leaves the box by state.
pub const OUT_BY_STATE: Plain<domain::Outgoing, u8> = Plain::new(166);
/// What came to its end, by when in milliseconds.
pub const OUT_SETTLED: Plain<domain::Outgoing, i64> = Plain::new(167);
/// What leaves the box about an event.
pub const OUT_BY_EVENT: Plain<domain::Outgoing, EventId> = Plain::new(168);
/// What leaves the box, by state.
pub const OUTGOING: Counter<u8> = Counter::new(164);

/// Text messages by the provider's number.
pub const SMS_BY_REFERENCE: Plain<domain::SmsLine, String> = Plain::new(169);
/// Text messages that are to be asked after, by when in milliseconds.
pub const SMS_TO_ASK: Plain<domain::SmsLine, i64> = Plain::new(170);
/// Text messages about an event.
pub const SMS_BY_EVENT: Plain<domain::SmsLine, EventId> = Plain::new(171);
/// What was sent, or perhaps sent, by carrier and day (UTC).
pub const OUT_SENT: Counter<(String, i64)> = Counter::new(165);
/// Text messages of a local day.
pub const SMS_OF_DAY: Counter<i64> = Counter::new(166);
/// Text messages of a local day to one number.
pub const SMS_OF_NUMBER: Counter<(i64, String)> = Counter::new(167);

/// What was said to a person.
pub const TRAIL_BY_PERSON: Plain<domain::MessageTrail, PersonId> = Plain::new(340);
/// What was said to people about an event.
pub const TRAIL_BY_EVENT: Plain<domain::MessageTrail, EventId> = Plain::new(341);
/// A message to many by what its form holds.
pub const BLAST_BY_ONCE: Unique<domain::Blast, String> = Unique::new(342, "blast_by_once");
/// Messages to many that are being written.
pub const BLAST_RUNNING: Plain<domain::Blast, ()> = Plain::new(343);
/// The notices of a message to many.
pub const NOTICE_BY_BLAST: Plain<Notice, domain::BlastId> = Plain::new(344);
/// Notices of a message to many by their state, as [`NOTICES`] has them.
pub const NOTICES_OF_BLAST: Counter<(domain::BlastId, u8)> = Counter::new(344);

/// A person of WeChat by app and openid.
pub const WECHAT_BY_OPENID: Unique<domain::WechatLink, (String, String)> = Unique::new(214, "wechat_by_openid");
/// The same person in all apps.
pub const WECHAT_BY_UNIONID: Plain<domain::WechatLink, String> = Plain::new(215);
/// How a person is reached through WeChat.
pub const WECHAT_BY_PERSON: Plain<domain::WechatLink, PersonId> = Plain::new(216);
/// Pushes by when they came, in milliseconds.
pub const WECHAT_PUSHED: Plain<domain::WechatPush, i64> = Plain::new(217);

/// Documents by whether their text waits to be read.
pub const DOCUMENT_BY_WAITING: Plain<Document, bool> = Plain::new(73);
/// The searches that an account keeps.
pub const SEARCH_BY_ACCOUNT: Plain<SavedSearch, AccountId> = Plain::new(74);

/// The invoices of an order.
pub const INVOICE_BY_ORDER: Plain<Invoice, (EventId, OrderId)> = Plain::new(514);
/// Members on the list.
pub const MEMBERS: Counter<()> = Counter::new(513);
/// Invoices of an event by the code of their state.
pub const INVOICES: Counter<(EventId, String)> = Counter::new(514);

/// Tickets of an event by [`TicketState`].
pub const TICKETS: Counter<(EventId, u8)> = Counter::new(1);
/// Tickets of a type that hold a place: what the quota is held against.
pub const TICKETS_OF_TYPE: Counter<(EventId, TicketTypeId)> = Counter::new(2);
/// Tickets of a group that hold a place.
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
/// Certificates of an event, whatever became of them.
pub const CERTIFICATES: Counter<EventId> = Counter::new(91);
/// Registrations by where they came from, by the text of the origin.
pub const TICKETS_FROM: Counter<(EventId, String)> = Counter::new(92);
/// Phones that followed a link, by the text of the origin.
pub const VISITS_FROM: Counter<(EventId, String)> = Counter::new(93);

/// People who hold a place and have a choice: event, question, choice.
pub const CHOSEN: Counter<(EventId, u16, String)> = Counter::new(21);
/// Orders of an event by their state.
pub const ORDERS: Counter<(EventId, u8)> = Counter::new(12);
/// Fen that came in and did not go back, by way of paying.
pub const INCOME: Counter<(EventId, u8)> = Counter::new(13);
/// Fen that are to be given back.
pub const OWED: Counter<EventId> = Counter::new(14);
/// Fen that are still to be paid.
pub const DUE: Counter<EventId> = Counter::new(15);
/// Tickets that a code was used for.
pub const CODE_USES: Counter<(EventId, VoucherId)> = Counter::new(16);
/// Add-ons that are out.
pub const ADDONS_TAKEN: Counter<(EventId, AddOnId)> = Counter::new(17);
/// Places of a type that are held for people who waited.
pub const OFFERED: Counter<(EventId, TicketTypeId)> = Counter::new(18);
/// People who wait for a type without an offer.
pub const WAITERS: Counter<(EventId, TicketTypeId)> = Counter::new(19);
/// Notices of an event by their state: 0 waiting, 1 sent, 2 dropped.
pub const NOTICES: Counter<(EventId, u8)> = Counter::new(20);

/// Kind and number of what a notice is about, as [`NOTICE_BY_SUBJECT`] has it.
pub fn notice_subject(about: domain::notice::About) -> (u8, u64) {
    match about {
        domain::notice::About::Order(_, order) => (0, order.0),
        domain::notice::About::Ticket(_, ticket) => (1, ticket.0),
        domain::notice::About::Waiter(_, waiter) => (2, waiter.0),
        domain::notice::About::Person(person) => (3, person.0),
    }
}

/// How many chose a talk.
pub const TALK_TAKEN: Counter<(EventId, domain::TalkId)> = Counter::new(111);

/// People of a draw who have no ticket or joined by its code: those without a ticket, and those with one.
pub const ENTRANTS: Counter<(DrawId, bool)> = Counter::new(51);

/// Requests to erase somebody that are not settled, by when they were made, in milliseconds.
pub const ERASURE_OPEN: Plain<domain::Erasure, i64> = Plain::new(565);
/// Who saw sensitive fields of a person, where they were few at once.
pub const ACCESS_BY_PERSON: Plain<domain::AccessLine, PersonId> = Plain::new(566);
/// Who saw sensitive fields of many at once.
pub const ACCESS_OF_MANY: Plain<domain::AccessLine, ()> = Plain::new(568);

/// A merchant in effect or frozen by the login of its first account.
pub const MERCHANT_BY_LOGIN: Unique<Merchant, String> = Unique::new(411, "merchant_by_login");
/// A merchant or an application by its link.
pub const MERCHANT_BY_LINK: Unique<Merchant, [u8; 16]> = Unique::new(412, "merchant_by_link");
/// Merchants by state.
pub const MERCHANTS: Counter<u8> = Counter::new(413);

tables! {
    1 "space" v 1 Space { key SpaceId = |r| r.id; derive |_r, _out| (); }
    2 "person" v 1 Person { key PersonId = |r| r.id; derive |r, out| derive_person(r, out); }
    3 "account" v 1 Account { key AccountId = |r| r.id; derive |r, out| out.unique(&ACCOUNT_BY_LOGIN, &r.login); }
    4 "grant" v 1 Grant { key GrantId = |r| r.id; derive |r, out| out.plain(&GRANT_BY_ACCOUNT, &r.account); }
    5 "session" v 2 Session { key [u8; 32] = |r| r.token; derive |r, out| out.plain(&SESSION_BY_ACCOUNT, &r.account); migrate |version, bytes| older_session(version, bytes); }
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
    19 "order" v 1 Order { key (EventId, OrderId) = |r| (r.event, r.id); derive |r, out| derive_order(r, out); }
    20 "sale" v 1 Sale { key EventId = |r| r.event; derive |_r, _out| (); }
    21 "payment" v 1 PaymentSetting { key u8 = |r| r.method as u8; derive |_r, _out| (); }
    22 "voucher" v 1 Voucher { key (EventId, VoucherId) = |r| (r.event, r.id); derive |r, out| out.unique(&VOUCHER_BY_CODE, &(r.event, r.code.clone())); }
    23 "quota" v 1 Quota { key (EventId, QuotaId) = |r| (r.event, r.id); derive |_r, _out| (); }
    24 "addon" v 1 AddOn { key (EventId, AddOnId) = |r| (r.event, r.id); derive |_r, _out| (); }
    25 "waiter" v 1 Waiter { key (EventId, WaiterId) = |r| (r.event, r.id); derive |r, out| derive_waiter(r, out); }
    27 "reminder" v 1 Reminder { key (EventId, ReminderId) = |r| (r.event, r.id); derive |r, out| derive_reminder(r, out); }
    26 "notice" v 1 Notice { key NoticeId = |r| r.id; derive |r, out| derive_notice(r, out); }
    60 "brand" v 1 domain::Brand { key () = |_r| (); derive |_r, _out| (); }
    61 "category" v 1 domain::Category { key domain::CategoryId = |r| r.id; derive |_r, _out| (); }
    62 "event_category" v 1 domain::EventCategory { key EventId = |r| r.event; derive |r, out| out.plain(&EVENT_BY_CATEGORY, &r.category); }
    66 "home_part" v 2 domain::HomePart { key domain::PartId = |r| r.id; derive |_r, _out| (); migrate |version, bytes| older_home_part(version, bytes); }
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
    50 "event_place" v 1 EventPlace { key EventId = |r| r.event; derive |_r, _out| (); }
    51 "event_share" v 1 EventShare { key EventId = |r| r.event; derive |_r, _out| (); }
    52 "design" v 1 Design { key (EventId, DesignId) = |r| (r.event, r.id); derive |_r, _out| (); }
    53 "source" v 1 Source { key (EventId, SourceId) = |r| (r.event, r.id); derive |_r, _out| (); }
    54 "ticket_source" v 1 TicketSource { key (EventId, TicketId) = |r| (r.event, r.ticket); derive |r, out| out.count(&TICKETS_FROM, &(r.event, r.origin.to_string()), 1); }
    55 "device_print" v 1 DevicePrint { key DeviceId = |r| r.device; derive |_r, _out| (); }
    56 "source_visits" v 1 SourceVisits { key (EventId, String, i64) = |r| (r.event, r.origin.to_string(), r.day); derive |r, out| derive_visits(r, out); }
    57 "print_run" v 1 PrintRun { key (EventId, PrintId) = |r| (r.event, r.id); derive |r, out| derive_print(r, out); }
    58 "certificate" v 1 Certificate { key (EventId, CertificateId) = |r| (r.event, r.id); derive |r, out| derive_certificate(r, out); }
    59 "portrait" v 1 Portrait { key (EventId, TicketId) = |r| (r.event, r.ticket); derive |_r, _out| (); }
    40 "document" v 1 Document { key DocumentId = |r| r.id; derive |r, out| derive_document(r, out); }
    81 "sms_setting" v 1 domain::SmsSetting { key () = |_r| (); derive |_r, _out| (); }
    82 "mail_setting" v 1 domain::MailSetting { key () = |_r| (); derive |_r, _out| (); }
    83 "message_setting" v 1 domain::MessageSetting { key () = |_r| (); derive |_r, _out| (); }
    84 "dispatch_cursor" v 1 domain::message::DispatchCursor { key () = |_r| (); derive |_r, _out| (); }
    85 "dispatch" v 1 domain::Dispatch { key NoticeId = |r| r.notice; derive |_r, _out| (); }
    86 "message_choice" v 1 domain::MessageChoice { key PersonId = |r| r.person; derive |_r, _out| (); }
    87 "sms_line" v 1 domain::SmsLine { key domain::OutgoingId = |r| r.id; derive |r, out| derive_sms(r, out); }
    89 "message_template" v 1 domain::MessageTemplate { key (String, String, String) = |r| (r.occasion.clone(), r.way.clone(), r.lang.clone()); derive |_r, _out| (); }
    130 "person_lang" v 1 domain::PersonLang { key PersonId = |r| r.person; derive |_r, _out| (); }
    131 "message_defaults" v 1 domain::MessageDefaults { key () = |_r| (); derive |_r, _out| (); }
    132 "message_trail" v 1 domain::MessageTrail { key (u8, u64) = |r| r.of.key(); derive |r, out| derive_trail(r, out); }
    133 "blast" v 1 domain::Blast { key domain::BlastId = |r| r.id; derive |r, out| derive_blast(r, out); }
    134 "blast_part" v 1 domain::BlastPart { key (domain::BlastId, u32) = |r| (r.blast, r.part); derive |_r, _out| (); }
    88 "webhook" v 1 domain::Webhook { key domain::WebhookId = |r| r.id; derive |_r, _out| (); }
    95 "pay_attempt" v 1 domain::Attempt { key domain::AttemptId = |r| r.id; derive |r, out| derive_attempt(r, out); }
    96 "pay_refund" v 1 domain::PayRefund { key domain::PayRefundId = |r| r.id; derive |r, out| derive_pay_refund(r, out); }
    97 "pay_bill" v 1 domain::PayBill { key String = |r| r.day.clone(); derive |_r, _out| (); }
    98 "pay_account" v 2 domain::PayAccount { key () = |_r| (); derive |_r, _out| (); migrate |version, bytes| older_pay_account(version, bytes); }
    99 "pay_certificate" v 1 domain::PayCertificate { key String = |r| r.serial.clone(); derive |_r, _out| (); }
    120 "member_offer" v 1 MemberOffer { key (EventId, TicketTypeId) = |r| (r.event, r.kind); derive |_r, _out| (); }
    121 "member" v 1 Member { key String = |r| r.phone.clone(); derive |_r, out| out.count(&MEMBERS, &(), 1); }
    122 "invoice" v 1 Invoice { key (EventId, InvoiceId) = |r| (r.event, r.id); derive |r, out| derive_invoice(r, out); }
    123 "checkin_cursor" v 1 domain::webhook::CheckinCursor { key () = |_r| (); derive |_r, _out| (); }
    80 "outgoing" v 1 domain::Outgoing { key domain::OutgoingId = |r| r.id; derive |r, out| derive_outgoing(r, out); }
    90 "wechat_app" v 1 domain::WechatApp { key u8 = |r| r.kind as u8; derive |_r, _out| (); }
    91 "wechat_kept" v 1 domain::WechatKept { key String = |r| r.slot.clone(); derive |_r, _out| (); }
    92 "wechat_link" v 1 domain::WechatLink { key domain::WechatLinkId = |r| r.id; derive |r, out| derive_wechat_link(r, out); }
    93 "wechat_credit" v 1 domain::WechatCredit { key (domain::WechatLinkId, String) = |r| (r.link, r.template.clone()); derive |_r, _out| (); }
    94 "wechat_push" v 1 domain::WechatPush { key [u8; 32] = |r| r.once; derive |r, out| out.plain(&WECHAT_PUSHED, &r.at.0); }
    110 "merchant" v 1 Merchant { key domain::MerchantId = |r| r.id; derive |r, out| derive_merchant(r, out); }
    111 "merchant_terms" v 1 domain::merchant::Terms { key () = |_r| (); derive |_r, _out| (); }
    112 "merchant_setting" v 2 domain::MerchantSetting { key () = |_r| (); derive |_r, _out| (); migrate |version, bytes| older_merchant_setting(version, bytes); }
    124 "merchant_purge" v 1 domain::MerchantPurge { key domain::MerchantId = |r| r.merchant; derive |_r, _out| (); }
    41 "saved_search" v 1 SavedSearch { key SearchId = |r| r.id; derive |r, out| out.plain(&SEARCH_BY_ACCOUNT, &r.account); }
    100 "identity" v 1 Identity { key (u8, String) = |r| (r.kind as u8, r.value.clone()); derive |r, out| out.plain(&IDENTITY_BY_PERSON, &r.person); }
    101 "person_session" v 1 PersonSession { key [u8; 32] = |r| r.token; derive |r, out| derive_person_session(r, out); }
    102 "login_code" v 1 LoginCode { key (u8, String) = |r| (r.kind as u8, r.value.clone()); derive |r, out| out.plain(&LOGIN_CODE_BY_END, &r.until().0); }
    103 "once" v 1 domain::Once { key [u8; 32] = |r| r.key; derive |r, out| out.plain(&ONCE_BY_END, &r.until.0); }
    104 "person_ticket" v 1 PersonTicket { key (PersonId, EventId, TicketId) = |r| (r.person, r.event, r.ticket); derive |_r, _out| (); }
    105 "person_order" v 1 PersonOrder { key (PersonId, EventId, OrderId) = |r| (r.person, r.event, r.order); derive |_r, _out| (); }
    106 "person_merge" v 1 PersonMerge { key PersonId = |r| r.from; derive |_r, _out| (); }
    108 "face_check" v 1 domain::draw::FaceCheck { key String = |r| r.trace.clone(); derive |_r, _out| (); }
    107 "person_moved" v 1 PersonMoved { key PersonId = |r| r.from; derive |r, out| out.plain(&MOVED_BY_TIME, &r.at.0); }
    140 "backup_plan" v 1 domain::BackupPlan { key () = |_r| (); derive |_r, _out| (); }
    141 "backup_run" v 1 domain::BackupRun { key domain::BackupRunId = |r| r.id; derive |_r, _out| (); }
    142 "second_step" v 1 domain::SecondStep { key AccountId = |r| r.account; derive |_r, _out| (); }
    143 "known_browser" v 1 domain::KnownBrowser { key (AccountId, [u8; 32]) = |r| (r.account, r.token); derive |_r, _out| (); }
    144 "login_line" v 1 domain::LoginLine { key (AccountId, domain::LoginId) = |r| (r.account, r.id); derive |_r, _out| (); }
    145 "password_link" v 1 domain::PasswordLink { key [u8; 32] = |r| r.token; derive |r, out| out.plain(&LINK_BY_ACCOUNT, &r.account); }
    146 "passkey" v 1 domain::Passkey { key [u8; 32] = |r| r.key; derive |r, out| out.plain(&PASSKEY_BY_ACCOUNT, &r.account); }
    154 "backup_access" v 1 domain::BackupAccess { key () = |_r| (); derive |_r, _out| (); }
    155 "backup_alert" v 1 domain::BackupAlert { key () = |_r| (); derive |_r, _out| (); }
    156 "audit_anchor" v 1 domain::AuditAnchor { key i64 = |r| r.at.0; derive |_r, _out| (); }
    157 "standby" v 1 domain::standby::Standby { key () = |_r| (); derive |_r, _out| (); }
    160 "erasure" v 1 domain::Erasure { key PersonId = |r| r.person; derive |r, out| derive_erasure(r, out); }
    161 "access_line" v 2 domain::AccessLine { key domain::AccessId = |r| r.id; derive |r, out| derive_access(r, out); migrate |version, bytes| older_access(version, bytes); }
    162 "retention" v 1 domain::privacy::retention::Retention { key () = |_r| (); derive |_r, _out| (); }
    163 "privacy_notice" v 1 domain::privacy::consent::PrivacyNotice { key u32 = |r| r.version; derive |_r, _out| (); }
    164 "consent" v 1 domain::privacy::consent::Consent { key (PersonId, u32) = |r| (r.person, r.version); derive |_r, _out| (); }
    165 "second_rule" v 1 domain::second::SecondRule { key () = |_r| (); derive |_r, _out| (); }
    166 "api_client" v 1 domain::ApiClient { key domain::ClientId = |r| r.id; derive |r, out| derive_client(r, out); }
    167 "client_use" v 1 domain::ClientUse { key domain::ClientId = |r| r.client; derive |_r, _out| (); }
    168 "eyes" v 1 domain::eyes::Eyes { key [u8; 32] = |r| r.session; derive |_r, _out| (); }
    169 "first_password" v 1 domain::FirstPassword { key AccountId = |r| r.account; derive |_r, _out| (); }
    150 "checklist" v 1 domain::health::Checklist { key () = |_r| (); derive |_r, _out| (); }
    153 "start" v 1 domain::Start { key () = |_r| (); derive |_r, _out| (); }
    152 "key_turn" v 1 domain::KeyTurn { key () = |_r| (); derive |_r, _out| (); }
    151 "tunnel_plan" v 1 domain::TunnelPlan { key () = |_r| (); derive |_r, _out| (); }
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
            ORDER_BY_LINK.id,
            ORDER_BY_NUMBER.id,
            ORDER_BY_HOLD.id,
            VOUCHER_BY_CODE.id,
            WAITER_BY_LINK.id,
            WAITER_BY_PHONE.id,
            WAITING.id,
            OFFER_BY_END.id,
            NOTICE_BY_CAUSE.id,
            NOTICE_BY_EVENT.id,
            NOTICE_BY_SUBJECT.id,
            REMINDER_WAITING.id,
            EVENT_BY_CATEGORY.id,
            EVENT_BY_SERIES.id,
            DRAW_BY_EVENT.id,
            WIN_BY_TICKET.id,
            ENTRANT_BY_TOKEN.id,
            ENTRANT_BY_PHONE.id,
            ENTRANT_BY_TICKET.id,
            MESSAGE_BY_STATE.id,
            CERTIFICATE_BY_NUMBER.id,
            CERTIFICATE_BY_TICKET.id,
            PRINT_BY_TICKET.id,
            DOCUMENT_BY_WAITING.id,
            SEARCH_BY_ACCOUNT.id,
            ATTEMPT_BY_NUMBER.id,
            ATTEMPT_BY_ORDER.id,
            ATTEMPT_OPEN.id,
            ATTEMPT_BY_DAY.id,
            REFUND_BY_NUMBER.id,
            REFUND_BY_ORDER.id,
            REFUND_OPEN.id,
            REFUND_BY_DAY.id,
            INVOICE_BY_ORDER.id,
            IDENTITY_BY_PERSON.id,
            PERSON_SESSION_BY_PERSON.id,
            PERSON_SESSION_BY_END.id,
            LOGIN_CODE_BY_END.id,
            MOVED_BY_TIME.id,
            ONCE_BY_END.id,
            OUT_ONCE.id,
            OUT_DUE.id,
            OUT_BY_STATE.id,
            OUT_SETTLED.id,
            OUT_BY_EVENT.id,
            SMS_BY_REFERENCE.id,
            SMS_TO_ASK.id,
            SMS_BY_EVENT.id,
            TRAIL_BY_PERSON.id,
            TRAIL_BY_EVENT.id,
            BLAST_BY_ONCE.id,
            BLAST_RUNNING.id,
            NOTICE_BY_BLAST.id,
            WECHAT_BY_OPENID.id,
            WECHAT_BY_UNIONID.id,
            WECHAT_BY_PERSON.id,
            WECHAT_PUSHED.id,
            MERCHANT_BY_LOGIN.id,
            MERCHANT_BY_LINK.id,
            PASSKEY_BY_ACCOUNT.id,
            LINK_BY_ACCOUNT.id,
            ERASURE_OPEN.id,
            ACCESS_BY_PERSON.id,
            ACCESS_OF_MANY.id,
        ];
        indexes.sort_unstable();
        assert!(indexes.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
