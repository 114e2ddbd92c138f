//! How people who are no staff prove who they are (S1-10, S1-11): proved phones, e-mail addresses and WeChat ids of a person, the
//! sessions of their devices, the codes that are sent to them, and what each of them was shown.

use crate::{
    EventId, OrderId, PersonId, Refusal, TicketId, Time, WechatLinkId, problem, refuse,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use rkyv::{Archive, Deserialize, Serialize};

/// What proves a person.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKind {
    /// A phone number in E.164.
    Phone,
    /// An e-mail address in lower case.
    Email,
    /// The openid of the mini-program.
    Mini,
    /// The openid of the official account.
    Official,
    /// The unionid, the same in all applications of the association.
    Union,
}

impl IdentityKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Phone, Self::Email, Self::Mini, Self::Official, Self::Union];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Mini => "mini",
            Self::Official => "official",
            Self::Union => "union",
        }
    }
}

/// Something that proves a person: whoever shows it is that person.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What it is.
    pub kind: IdentityKind,
    /// The number, address or id; one person has it.
    pub value: String,
    /// Whom it proves.
    pub person: PersonId,
    /// When it was proved last.
    pub proved_at: Time,
}

/// A logged-in device of a person. The token itself is never kept, only its SHA-256.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PersonSession {
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// Whose session it is.
    pub person: PersonId,
    /// The device as it called itself, shortened.
    pub device: String,
    /// Address it came from.
    pub address: String,
    /// When it began.
    pub created_at: Time,
    /// When it was used last, to the day.
    pub seen_at: Time,
    /// When it ends if it is not used before.
    pub expires_at: Time,
}

/// How long a session lasts without being used.
pub const IDLE_MILLIS: i64 = 60 * DAY;
/// How long it lasts however much it is used.
pub const SESSION_MAX_MILLIS: i64 = 365 * DAY;
/// Most sessions of one person; the one unused for longest goes when one more begins.
pub const SESSIONS_MAX: usize = 20;
/// Longest name of a device, in characters.
pub const DEVICE_MAX: usize = 80;

impl PersonSession {
    /// The number by which its person speaks of it. It tells nothing about the token.
    pub fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(&self.token) {
            *to = *from;
        }
        // Numbers that JavaScript reads without rounding.
        u64::from_be_bytes(bytes) >> 11
    }

    /// Whether it stands.
    pub fn stands(&self, now: Time) -> bool {
        now < self.expires_at
    }

    /// The session after it was used, when that is worth keeping: once a day.
    pub fn used(&self, now: Time) -> Option<Self> {
        (now.since(self.seen_at) >= DAY && self.stands(now)).then(|| Self {
            seen_at: now,
            expires_at: expiry(self.created_at, now),
            ..self.clone()
        })
    }
}

/// When a session ends that is used now.
pub fn expiry(created: Time, now: Time) -> Time {
    now.plus(IDLE_MILLIS).min(created.plus(SESSION_MAX_MILLIS))
}

/// The code that was sent to a phone or e-mail address last, and when codes went there.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct LoginCode {
    /// Where it was sent: a phone or an e-mail address.
    pub kind: IdentityKind,
    /// The number or address.
    pub value: String,
    /// Keyed hash of the code; empty when it was used.
    pub tag: String,
    /// When the code is worth nothing any more.
    pub expires_at: Time,
    /// Wrong tries so far.
    pub tries: u8,
    /// When codes were sent there within the last day.
    pub sent: Vec<Time>,
}

/// How long a code may be used.
pub const CODE_MILLIS: i64 = 5 * MINUTE;
/// Digits of a code.
pub const CODE_DIGITS: usize = 6;
/// How many wrong tries a code stands.
pub const TRIES_MAX: u8 = 5;
/// How long to wait before another code may be asked for.
const PAUSE_MILLIS: i64 = MINUTE;
/// Most codes to one number or address in an hour, and in a day.
const HOURLY_MAX: usize = 5;
const DAILY_MAX: usize = 10;

/// A code of six digits.
pub fn login_code(random: u64) -> String {
    format!("{:06}", random % 1_000_000)
}

/// Whether another code may be sent where these were sent.
pub fn check_sending(sent: &[Time], now: Time) -> Result<(), Refusal> {
    let within = |millis: i64| sent.iter().filter(move |at| now.since(**at) < millis);
    if let Some(last) = within(PAUSE_MILLIS).max() {
        let seconds = (PAUSE_MILLIS - now.since(*last) + SECOND - 1) / SECOND;
        return Err(refuse!(
            Slow,
            "code.wait",
            "A code was just sent. Ask for another one in {seconds} seconds.",
            seconds = seconds
        ));
    }
    if within(HOUR).count() >= HOURLY_MAX || within(DAY).count() >= DAILY_MAX {
        return Err(refuse!(Slow, "code.too_many", "Too many codes were sent there. Try again later."));
    }
    Ok(())
}

impl LoginCode {
    /// After one more code was sent.
    pub fn sent_again(before: Option<Self>, kind: IdentityKind, value: &str, tag: String, now: Time) -> Self {
        let mut sent = before.map(|code| code.sent).unwrap_or_default();
        sent.retain(|at| now.since(*at) < DAY);
        sent.push(now);
        Self { kind, value: value.to_owned(), tag, expires_at: now.plus(CODE_MILLIS), tries: 0, sent }
    }

    /// After a code was shown: whether it is the right one, and what stands then. A right code is used up.
    pub fn shown(&self, right: bool, now: Time) -> (bool, Self) {
        let open = !self.tag.is_empty() && now < self.expires_at && self.tries < TRIES_MAX;
        let accepted = open && right;
        let tag = if accepted { String::new() } else { self.tag.clone() };
        (accepted, Self { tag, tries: self.tries.saturating_add(u8::from(open && !right)), ..self.clone() })
    }

    /// When the record is of no use any more: the daily limit must not be forgotten earlier.
    pub fn until(&self) -> Time {
        self.sent.iter().max().copied().unwrap_or(self.expires_at).plus(DAY)
    }
}

/// The refusal of a wrong, used or old code; always the same, so that nothing can be told from it.
pub fn wrong_code() -> Refusal {
    Refusal::invalid(vec![problem!("code", "This code is not right, or too old. Ask for a new one.")])
}

/// A ticket that a logged-in person ordered or collected, with the link it had then: when it is passed on, the link changes.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PersonTicket {
    /// Who.
    pub person: PersonId,
    /// The event.
    pub event: EventId,
    /// The ticket.
    pub ticket: TicketId,
    /// Its link then.
    pub link: [u8; 16],
}

/// An order that a logged-in person placed.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PersonOrder {
    /// Who.
    pub person: PersonId,
    /// The event.
    pub event: EventId,
    /// The order.
    pub order: OrderId,
}

/// A person who turned out to be another one: what was moved, so that it can be told apart again.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PersonMerge {
    /// The record that is not used any more.
    pub from: PersonId,
    /// The record that stands for both.
    pub into: PersonId,
    /// When.
    pub at: Time,
    /// Which proofs were moved.
    pub moved: Vec<(IdentityKind, String)>,
}

/// What else moved when two records became one. As long as it is kept, they can be two again.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PersonMoved {
    /// The record that is not used any more.
    pub from: PersonId,
    /// When they became one.
    pub at: Time,
    /// WeChat's links.
    pub links: Vec<WechatLinkId>,
    /// Tickets that were ordered or collected while logged in.
    pub tickets: Vec<(EventId, TicketId)>,
    /// Orders that were placed while logged in.
    pub orders: Vec<(EventId, OrderId)>,
    /// What was chosen about messages moved too: the other record had chosen nothing.
    pub choice: bool,
    /// Kinds and numbers of the messages in the log.
    pub trails: Vec<(u8, u64)>,
}

/// For how long two records that became one can be told apart again.
pub const UNDO_MILLIS: i64 = 90 * DAY;

impl PersonMoved {
    /// Until when it can be undone, and is kept.
    pub fn until(&self) -> Time {
        self.at.plus(UNDO_MILLIS)
    }
}

/// Whether a merge can be undone now. `later`: the record that stands for both became another one since.
pub fn check_undo(moved: Option<&PersonMoved>, later: bool, now: Time) -> Result<(), Refusal> {
    if moved.is_none_or(|moved| now >= moved.until()) {
        return Err(refuse!(
            Conflict,
            "merge.too_late",
            "It is too long ago: what belonged to whom is not known any more."
        ));
    }
    if later {
        return Err(refuse!(
            Conflict,
            "merge.later_first",
            "The record that stands for both became another one since. Undo that first."
        ));
    }
    Ok(())
}

/// What happens when a logged-in person proves one thing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joining {
    /// It is theirs already.
    Known,
    /// Nobody had it: it is theirs from now on.
    New,
    /// Somebody else had it, and both are the same: one record becomes the other.
    Merge {
        /// The one that is not used any more.
        from: PersonId,
        /// The one that stands for both.
        into: PersonId,
    },
}

/// What the parts of a person say about joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holds {
    /// There is a phone number.
    pub phone: bool,
    /// There is a proved e-mail address.
    pub email: bool,
    /// There is an openid of the mini-program.
    pub mini: bool,
    /// There is an openid of the official account.
    pub official: bool,
}

/// Decides what a new proof makes of the person who shows it. Two records are one person unless both have a proof of the same kind: then
/// they may be two, and only the secretariat can tell. The record with the phone number stands for both: registrations name it.
pub fn join(own: (PersonId, Holds), other: Option<(PersonId, Holds)>) -> Result<Joining, Refusal> {
    let Some((person, theirs)) = other else { return Ok(Joining::New) };
    if person == own.0 {
        return Ok(Joining::Known);
    }
    let mine = own.1;
    let twice = mine.phone && theirs.phone
        || mine.email && theirs.email
        || mine.mini && theirs.mini
        || mine.official && theirs.official;
    if twice {
        return Err(refuse!(
            Conflict,
            "identity.two_people",
            "This belongs to another person of the association. Log in with it instead, or ask the secretariat."
        ));
    }
    let own_stands = mine.phone && !theirs.phone;
    let (from, into) = if own_stands { (person, own.0) } else { (own.0, person) };
    Ok(Joining::Merge { from, into })
}

/// Longest e-mail address (RFC 5321: 254 characters in a path).
pub const EMAIL_MAX: usize = 254;

/// Reads an e-mail address as people type it; in lower case. What a mail server takes is for it to say.
pub fn email(text: &str) -> Option<String> {
    let text: String = text.trim().chars().map(crate::text::half_width).collect::<String>().to_lowercase();
    let (local, host) = text.split_once('@')?;
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '\'' | '%' | '&' | '=' | '/');
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let sound = (1..=64).contains(&local.len())
        && local.chars().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && host.contains('.')
        && host.split('.').all(label)
        && text.len() <= EMAIL_MAX;
    sound.then_some(text)
}

/// An address of which only its owner sees all: `z***@example.com`.
pub fn masked_email(email: &str) -> String {
    let (local, host) = email.split_once('@').unwrap_or((email, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sent_seldom_and_never_many() {
        let minutes = |list: &[i64]| list.iter().map(|at| Time(at * MINUTE)).collect::<Vec<_>>();
        let cases: [(&[i64], i64, Option<&str>); 7] = [
            (&[], 0, None),
            (&[0], 0, Some("code.wait")),
            (&[0], 1, None),
            (&[0, 2, 4, 6, 8], 10, Some("code.too_many")),
            (&[0, 2, 4, 6, 8], 60, None),
            (&[0, 100, 200, 300, 400, 500, 600, 700, 800, 900], 1_000, Some("code.too_many")),
            (&[0, 100, 200, 300, 400, 500, 600, 700, 800, 900], 1_440, None),
        ];
        for (sent, now, refused) in cases {
            let answer = check_sending(&minutes(sent), Time(now * MINUTE)).err().map(|refusal| refusal.code);
            assert_eq!(answer, refused, "{sent:?} at {now}");
        }
    }

    #[test]
    fn a_code_works_once_within_five_minutes_and_five_tries() {
        let fresh = LoginCode::sent_again(None, IdentityKind::Phone, "+8613812345678", "x".into(), Time(0));
        let (right, used) = fresh.shown(true, Time(CODE_MILLIS - 1));
        assert!(right && !used.shown(true, Time(1)).0, "used up");
        assert!(!fresh.shown(true, Time(CODE_MILLIS)).0, "too old");
        let mut tried = fresh.clone();
        for _ in 0..TRIES_MAX {
            let (right, after) = tried.shown(false, Time(1));
            assert!(!right);
            tried = after;
        }
        assert!(!tried.shown(true, Time(1)).0, "after five wrong tries the right one is worth nothing");
        assert_eq!(tried.shown(false, Time(1)).1.tries, TRIES_MAX, "and tries are not counted on");
    }

    #[test]
    fn sessions_slide_once_a_day_and_end_after_a_year() {
        let session = PersonSession {
            token: [1; 32],
            person: PersonId(1),
            device: String::new(),
            address: String::new(),
            created_at: Time(0),
            seen_at: Time(0),
            expires_at: expiry(Time(0), Time(0)),
        };
        assert_eq!(session.used(Time(DAY - 1)), None);
        let used = session.used(Time(DAY)).unwrap();
        assert_eq!(used.expires_at, Time(DAY + IDLE_MILLIS));
        assert_eq!(session.used(Time(IDLE_MILLIS)), None, "it is over");
        let late = PersonSession { seen_at: Time(360 * DAY), expires_at: Time(365 * DAY), ..session };
        assert_eq!(late.used(Time(364 * DAY)).unwrap().expires_at, Time(365 * DAY));
        assert!(late.number() < 1 << 53);
    }

    #[test]
    fn two_records_are_one_person_unless_both_have_the_same_proof() {
        let (me, other) = (PersonId(1), PersonId(2));
        let phone = Holds { phone: true, ..Holds::default() };
        let mini = Holds { mini: true, ..Holds::default() };
        let both = Holds { phone: true, mini: true, ..Holds::default() };
        assert_eq!(join((me, mini), None), Ok(Joining::New));
        assert_eq!(join((me, mini), Some((me, mini))), Ok(Joining::Known));
        let becomes = |from, into| Ok(Joining::Merge { from, into });
        assert_eq!(join((me, mini), Some((other, phone))), becomes(me, other));
        assert_eq!(join((me, phone), Some((other, mini))), becomes(other, me), "the phone's record stands");
        let email = Holds { email: true, ..Holds::default() };
        assert_eq!(join((me, mini), Some((other, email))), becomes(me, other));
        assert_eq!(join((me, phone), Some((other, phone))).unwrap_err().code, "identity.two_people");
        assert_eq!(join((me, mini), Some((other, both))).unwrap_err().code, "identity.two_people");
    }

    #[test]
    fn a_merge_is_undone_in_its_time_and_the_latest_first() {
        let moved = PersonMoved {
            from: PersonId(1),
            at: Time(0),
            links: Vec::new(),
            tickets: Vec::new(),
            orders: Vec::new(),
            choice: false,
            trails: Vec::new(),
        };
        let code = |moved, later, now| check_undo(moved, later, Time(now)).err().map(|refusal| refusal.code);
        assert_eq!(code(Some(&moved), false, UNDO_MILLIS - 1), None);
        assert_eq!(code(Some(&moved), false, UNDO_MILLIS), Some("merge.too_late"));
        assert_eq!(code(None, false, 0), Some("merge.too_late"));
        assert_eq!(code(Some(&moved), true, 0), Some("merge.later_first"));
    }

    #[test]
    fn addresses_are_kept_in_one_form() {
        let cases = [
            (" Zhang.San@Example.COM ", Some("zhang.san@example.com")),
            ("a@b.cn", Some("a@b.cn")),
            ("ａ＠b.cn", Some("a@b.cn")),
            ("a@b", None),
            ("@b.cn", None),
            ("a..b@c.cn", None),
            ("a@-b.cn", None),
            ("a@b.cn\r\nBcc: x@y.cn", None),
            ("a b@c.cn", None),
            ("", None),
        ];
        for (typed, kept) in cases {
            assert_eq!(email(typed).as_deref(), kept, "{typed:?}");
        }
        assert_eq!(masked_email("zhang@example.com"), "z***@example.com");
    }
}
