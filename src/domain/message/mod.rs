//! Messages to people: which ways there are to reach somebody, what each needs to be set up, when nobody is disturbed, and which way a notice
//! takes. What is said is for `notice`; what became of a way is for `outbox`.

mod choice;
mod mail;
mod sms;
pub mod template;

pub use choice::{ChoiceInput, MessageChoice, check_choice};
pub use mail::{MailInput, MailSecurity, MailSetting, check_address, check_mail};
pub use sms::{LOGIN_CODE, SmsInput, SmsLine, SmsProvider, SmsSetting, SmsTemplate, check_sms};
pub use template::{MessageDefaults, MessageTemplate, MessageTrail, PersonLang};

use crate::{
    EventId, NoticeId, OutgoingId, PersonId, Refusal, Time,
    notice::Purpose,
    problem,
    text::Form,
    time::{DAY, HOUR, MINUTE},
};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// Values that a template may be filled with.
pub const VALUES: &[&str] = &[
    "name", "event", "time", "until", "amount", "number", "reason", "text", "attend", "code", "minutes", "prize",
    "login", "agent", "address", "client",
];
/// Most values of one template.
const VALUES_MAX: usize = 10;

/// Reads `1=name, 2=event`: a template's own names, and ours.
pub(super) fn check_values(form: &mut Form, field: &str, typed: &str) -> Vec<(String, String)> {
    let mut values = Vec::new();
    for part in typed.split([',', '，', ';', '；']).map(str::trim).filter(|part| !part.is_empty()) {
        let (theirs, ours) = part.split_once(['=', '＝']).unwrap_or((part, part));
        let (theirs, ours) = (theirs.trim(), ours.trim());
        let plain = |text: &str| {
            !text.is_empty() && text.len() <= 30 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !plain(theirs) || !VALUES.contains(&ours) || values.len() >= VALUES_MAX {
            form.wrong(problem!(
                field,
                "“{part}” is not known. Write the template's name, an equals sign and one of: {known}.",
                part = part,
                known = VALUES.join(", ")
            ));
            break;
        }
        values.push((theirs.to_owned(), ours.to_owned()));
    }
    values
}

/// How messages go out in general.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct MessageSetting {
    /// Ways in the order they are tried; those that are not named come behind.
    pub order: Vec<String>,
    /// When nobody is disturbed: minutes of the day, from and to; may go over midnight.
    pub quiet: Option<(u16, u16)>,
    /// Attend codes are sent to everybody whom an import added (S0-46).
    pub attend_after_import: bool,
    /// Own words for an occasion as the box kept them before there were [`MessageTemplate`]s: its code, language tag, words.
    pub words: Vec<(String, String, String)>,
    /// Templates of WeChat, likewise.
    pub templates: Vec<WayTemplate>,
}

/// A template of a way, for one occasion (S0-94).
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct WayTemplate {
    /// The way.
    pub way: String,
    /// The occasion by its code.
    pub occasion: String,
    /// Its id.
    pub id: String,
    /// What fills it: the template's name of the value (`thing1`), and ours.
    pub values: Vec<(String, String)>,
}

/// What a form of the general settings holds.
#[derive(Debug, Clone, Default)]
pub struct SettingInput {
    /// The way that is tried first, the second, and so on; empty ones are left out.
    pub order: Vec<String>,
    /// Quiet hours as `22:00`; both empty: none.
    pub quiet_from: String,
    /// See `quiet_from`.
    pub quiet_to: String,
    /// Attend codes after an import.
    pub attend_after_import: bool,
}

/// Reads `22:00`.
fn check_clock(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// A minute of the day as `22:00`.
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Checks the general settings; `old` has what the form does not.
pub fn check_setting(input: &SettingInput, old: &MessageSetting) -> Result<MessageSetting, Refusal> {
    let mut form = Form::default();
    let mut order: Vec<String> = Vec::new();
    for way in input.order.iter().filter(|way| WAYS.contains(&way.as_str())) {
        if !order.contains(way) {
            order.push(way.clone());
        }
    }
    let quiet = match (input.quiet_from.trim(), input.quiet_to.trim()) {
        ("", "") => None,
        (from, to) => {
            let read = check_clock(from).zip(check_clock(to));
            if read.is_none() {
                form.wrong(problem!("quiet_from", "Give both times, such as 22:00 and 08:00, or none."));
            }
            read
        }
    };
    form.done(MessageSetting { order, quiet, attend_after_import: input.attend_after_import, ..old.clone() })
}

/// The ways that a person can be reached by, in the order they are tried unless somebody chose another.
pub const WAYS: &[&str] = &["wechat.subscribe", "wechat.template", "wecom.message", "sms", "mail"];
/// Most templates of WeChat that can be enabled at once (S0-95).
pub const WECHAT_TEMPLATES_MAX: usize = 25;

impl Default for MessageSetting {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            quiet: Some((22 * 60, 8 * 60)),
            attend_after_import: false,
            words: Vec::new(),
            templates: Vec::new(),
        }
    }
}

impl MessageSetting {
    /// All ways in the order they are tried.
    pub fn ways(&self) -> Vec<&str> {
        let mut ways: Vec<&str> = self.order.iter().map(String::as_str).filter(|way| WAYS.contains(way)).collect();
        ways.extend(WAYS.iter().filter(|way| !self.order.iter().any(|known| known == *way)));
        ways
    }
}

/// What a notice is, as its reader may choose not to get it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The state of one's own registration and money: always said, by the ways that one allows.
    Own,
    /// Reminders.
    Reminder,
    /// What the secretariat writes to many.
    News,
}

impl Purpose {
    /// What kind of notice it is.
    pub fn topic(self) -> Topic {
        match self {
            Self::Reminder => Topic::Reminder,
            Self::Message => Topic::News,
            _ => Topic::Own,
        }
    }

    /// How long a notice of this occasion is of use, where its cause does not say.
    pub fn useful_millis(self) -> i64 {
        match self {
            Self::PlaceOffered | Self::OrderToPay | Self::PrizeWon => DAY,
            Self::Reminder => 6 * HOUR,
            Self::OrderReceived
            | Self::OrderCompleted
            | Self::OrderRefused
            | Self::OrderCanceled
            | Self::OrderExpired => 2 * DAY,
            Self::OrderRefunded
            | Self::Message
            | Self::AttendCode
            | Self::Change
            | Self::NewLogin
            | Self::WrongCodes
            | Self::BackupTrouble
            | Self::BackupWell => 3 * DAY,
            Self::InvoiceIssued | Self::InvoiceRefused | Self::InvoiceVoided | Self::ClientEnding => 7 * DAY,
        }
    }

    /// It cannot wait until the morning: what it says has an end, or its reader is looking at the phone right now.
    pub fn is_urgent(self) -> bool {
        matches!(
            self,
            Self::PlaceOffered
                | Self::OrderReceived
                | Self::OrderCompleted
                | Self::OrderToPay
                | Self::PrizeWon
                | Self::NewLogin
                | Self::WrongCodes
        )
    }
}

/// When a message that is written at `now` may go out: at once, or when the quiet hours end.
pub fn after_quiet(now: Time, quiet: Option<(u16, u16)>, zone: &TimeZone) -> Time {
    let Some((from, to)) = quiet.filter(|(from, to)| from != to) else { return now };
    let zoned = now.zoned(zone);
    let minute = i64::from(zoned.hour()) * 60 + i64::from(zoned.minute());
    let (from, to) = (i64::from(from), i64::from(to));
    let inside = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    if !inside {
        return now;
    }
    let wait = (to - minute).rem_euclid(24 * 60) * MINUTE;
    let into = i64::from(zoned.second()) * 1_000 + i64::from(zoned.millisecond());
    now.plus(wait - into)
}

/// How a notice goes to its reader: which ways were taken, and which are left.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The notice.
    pub notice: NoticeId,
    /// Its reader, where known.
    pub person: Option<PersonId>,
    /// The event; goes with its archive. 0: none.
    pub event: EventId,
    /// Ways that were taken, the last one perhaps still open.
    pub steps: Vec<Step>,
    /// Ways that are tried when the present one fails.
    pub rest: Vec<String>,
}

/// One way that was taken.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The way.
    pub way: String,
    /// The entry of the outbox.
    pub entry: OutgoingId,
    /// When it was taken.
    pub at: Time,
    /// How it ended: the entry's state by its code; empty while it is open.
    pub end: String,
}

impl Dispatch {
    /// Whether something is under way.
    pub fn is_open(&self) -> bool {
        self.steps.last().is_some_and(|step| step.end.is_empty())
    }
}

/// The last notice that was looked at by the dispatcher.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatchCursor {
    /// Its number.
    pub last: NoticeId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    #[test]
    fn quiet_hours_move_a_message_to_their_end_over_midnight_too() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let at = |text: &str| Time::from_local(text, &zone).unwrap();
        let night = Some((22 * 60, 8 * 60));
        let cases = [
            ("2026-11-25T21:59", night, "2026-11-25T21:59"),
            ("2026-11-25T22:00", night, "2026-11-26T08:00"),
            ("2026-11-26T03:30", night, "2026-11-26T08:00"),
            ("2026-11-26T08:00", night, "2026-11-26T08:00"),
            ("2026-11-26T12:30", Some((12 * 60, 14 * 60)), "2026-11-26T14:00"),
            ("2026-11-26T14:30", Some((12 * 60, 14 * 60)), "2026-11-26T14:30"),
            ("2026-11-26T03:30", None, "2026-11-26T03:30"),
            ("2026-11-26T03:30", Some((60, 60)), "2026-11-26T03:30"),
        ];
        for (now, quiet, then) in cases {
            assert_eq!(after_quiet(at(now), quiet, &zone), at(then), "{now} {quiet:?}");
        }
        assert_eq!(after_quiet(at("2026-11-25T22:00").plus(30 * SECOND), night, &zone), at("2026-11-26T08:00"));
    }

    #[test]
    fn quiet_hours_are_two_times_or_none_and_what_a_form_does_not_hold_stays() {
        let old = MessageSetting {
            words: vec![("reminder".into(), "zh-CN".into(), "x".into())],
            ..MessageSetting::default()
        };
        let input = |from: &str, to: &str| SettingInput {
            quiet_from: from.into(),
            quiet_to: to.into(),
            ..SettingInput::default()
        };
        let kept = check_setting(&input("22:00", "8:00"), &old).unwrap();
        assert_eq!((kept.quiet, kept.words), (Some((1320, 480)), old.words.clone()));
        for (from, to) in [("22:00", ""), ("25:00", "08:00"), ("x", "y")] {
            assert!(check_setting(&input(from, to), &old).is_err(), "{from} {to}");
        }
    }
}
