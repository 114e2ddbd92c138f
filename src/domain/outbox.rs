//! What leaves the box: one entry for each thing that is to be said to the outside, how far it got, and when it is tried again. An entry is
//! written in the commit of its cause; what became of it is decided here and nowhere else.

use crate::{
    EventId, OutgoingId, Refusal, Time, refuse,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use rkyv::{Archive, Deserialize, Serialize};

/// One thing that is to leave the box.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Number.
    pub id: OutgoingId,
    /// Which carrier takes it: `sms`, `mail`, `webhook`, …
    pub kind: String,
    /// Whom it is for, masked as lists show it.
    pub target: String,
    /// What it is about, as audit lines name things: `event/3/notice/9`.
    pub subject: String,
    /// The event it belongs to; goes with the event's archive.
    pub event: Option<EventId>,
    /// What the carrier needs, in a form of its own.
    pub payload: Vec<u8>,
    /// The payload is forgotten as soon as nothing more can become of the entry: it holds a code or the like.
    pub secret: bool,
    /// The same cause makes one entry: unique in the space.
    pub once: String,
    /// How far it got.
    pub state: OutState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was caused.
    pub created_at: Time,
    /// When it is tried next.
    pub due_at: Time,
    /// When it is of no use any more.
    pub expires_at: Time,
    /// When it came to its end.
    pub settled_at: Option<Time>,
    /// What the last attempt said.
    pub said: String,
    /// The other side's number of it.
    pub reference: String,
}

/// How far an entry got.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutState {
    /// It waits to be tried, for the first time or again.
    Waiting,
    /// It is being tried. Found by a box that starts, it may have happened.
    Trying,
    /// The other side took it.
    Sent,
    /// The other side said no.
    Refused,
    /// It was of no use any more before it could be sent.
    Expired,
    /// It may have been sent; sending it again might do it twice, so a person decides.
    Unsure,
    /// Somebody decided that it is not to be sent.
    Dropped,
}

impl OutState {
    /// Every state.
    pub const ALL: &[Self] =
        &[Self::Waiting, Self::Trying, Self::Sent, Self::Refused, Self::Expired, Self::Unsure, Self::Dropped];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Trying => "trying",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Unsure => "unsure",
            Self::Dropped => "dropped",
        }
    }

    /// The state of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.code() == code)
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waits to be sent",
            Self::Trying => "Being sent",
            Self::Sent => "Sent",
            Self::Refused => "Refused",
            Self::Expired => "Came too late",
            Self::Unsure => "Perhaps sent",
            Self::Dropped => "Dropped",
        }
    }

    /// Nothing more becomes of it by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Trying)
    }
}

/// What carries an entry: English source text of its name.
pub struct OutKind;

impl OutKind {
    /// English source text of a kind; the kind itself where none is known.
    pub fn label(kind: &str) -> &str {
        match kind {
            "sms" => "Text message",
            "mail" => "E-mail messages",
            "webhook" => "Webhook",
            "wechat.subscribe" => "Mini-program message",
            "wechat.template" => "Official account message",
            "wecom.message" => "WeCom message",
            "wechat.delivery" => "Delivery told to WeChat",
            "wechat.check" => "Check of a message",
            "pay.refund" => "Refund through WeChat Pay",
            "pay.close" => "Payment order closed",
            other => other,
        }
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took it; with its number of it, perhaps empty.
    Done(String),
    /// Certainly nothing happened. Tried again, not before so many milliseconds where the other side asks for a wait.
    Not {
        /// What was wrong.
        why: String,
        /// Milliseconds to wait at least.
        after: Option<i64>,
    },
    /// It may have happened.
    Unknown(String),
    /// The other side said no, and will say so again.
    Refused(String),
}

/// What a person may do with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutAct {
    /// Send it again, from the beginning.
    Again,
    /// Do not send it.
    Drop,
}

/// The pause before the second attempt; twice as long before each further one.
const PAUSE: i64 = 5 * SECOND;
/// The longest pause.
const PAUSE_MAX: i64 = 15 * MINUTE;
/// How long an entry that is sent again by hand is of use at least.
const AGAIN_MILLIS: i64 = HOUR;
/// How long entries are kept after their end.
pub const KEPT_MILLIS: i64 = 30 * DAY;
/// Longest remark of an attempt in characters.
const SAID_MAX: usize = 300;

/// The pause after so many attempts: it doubles up to a quarter of an hour; `chance` makes it up to a fifth longer, so that what failed together
/// does not come together again.
pub fn pause(attempts: u32, chance: u64) -> i64 {
    let whole = PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(PAUSE_MAX);
    let fifth = u64::try_from(whole / 5).unwrap_or(0).max(1);
    whole + i64::try_from(chance % fifth).unwrap_or(0)
}

impl Outgoing {
    /// Whether it is to be tried at `now`.
    pub fn is_due(&self, now: Time) -> bool {
        self.state == OutState::Waiting && self.due_at <= now
    }

    /// Begins an attempt: what the entry becomes before anything is said to the outside.
    pub fn begin(&self, now: Time) -> Option<Self> {
        if !self.is_due(now) {
            return None;
        }
        if now >= self.expires_at {
            let said = if self.said.is_empty() { "too late for a first attempt".to_owned() } else { self.said.clone() };
            return Some(Self { said, ..self.clone() }.ended(OutState::Expired, now));
        }
        Some(Self { state: OutState::Trying, attempts: self.attempts.saturating_add(1), ..self.clone() })
    }

    /// What the entry becomes by what came of its attempt. `idempotent`: handing it over twice does it once.
    pub fn settle(&self, outcome: &Outcome, idempotent: bool, now: Time, chance: u64) -> Option<Self> {
        if self.state != OutState::Trying {
            return None;
        }
        let noted = |text: &str| Self { said: text.chars().take(SAID_MAX).collect(), ..self.clone() };
        Some(match outcome {
            Outcome::Done(reference) => {
                Self { reference: reference.chars().take(SAID_MAX).collect(), ..noted("") }.ended(OutState::Sent, now)
            }
            Outcome::Refused(why) => noted(why).ended(OutState::Refused, now),
            Outcome::Unknown(why) if !idempotent => noted(why).ended(OutState::Unsure, now),
            Outcome::Unknown(why) => noted(why).later(None, now, chance),
            Outcome::Not { why, after } => noted(why).later(*after, now, chance),
        })
    }

    fn later(self, after: Option<i64>, now: Time, chance: u64) -> Self {
        let due_at = now.plus(pause(self.attempts, chance).max(after.unwrap_or(0)));
        if due_at >= self.expires_at {
            return self.ended(OutState::Expired, now);
        }
        Self { state: OutState::Waiting, due_at, ..self }
    }

    fn ended(self, state: OutState, now: Time) -> Self {
        // What may be sent again by hand needs what is to be said.
        let forget = self.secret || matches!(state, OutState::Dropped);
        let payload = if forget { Vec::new() } else { self.payload };
        Self { state, payload, settled_at: Some(now), ..self }
    }

    /// What the entry becomes when a person acts on it.
    pub fn act(&self, act: OutAct, now: Time) -> Result<Self, Refusal> {
        let trying = || refuse!(Conflict, "outbox.trying", "This is being sent at the moment. Look again in a minute.");
        match (act, self.state) {
            (_, OutState::Trying) => Err(trying()),
            (OutAct::Drop, OutState::Waiting | OutState::Unsure | OutState::Refused | OutState::Expired) => {
                Ok(self.clone().ended(OutState::Dropped, now))
            }
            (OutAct::Drop, _) => Err(refuse!(Conflict, "outbox.settled", "This was sent or dropped already.")),
            (OutAct::Again, _) if self.payload.is_empty() => {
                Err(refuse!(Conflict, "outbox.forgotten", "What was to be said is not kept any more. Cause it anew."))
            }
            (OutAct::Again, _) => Ok(Self {
                state: OutState::Waiting,
                due_at: now,
                expires_at: self.expires_at.max(now.plus(AGAIN_MILLIS)),
                settled_at: None,
                attempts: 0,
                ..self.clone()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: OutState) -> Outgoing {
        Outgoing {
            id: OutgoingId(1),
            kind: "sms".into(),
            target: "138****0001".into(),
            subject: "x".into(),
            event: None,
            payload: vec![1],
            secret: false,
            once: "x".into(),
            state,
            attempts: 1,
            created_at: Time(0),
            due_at: Time(0),
            expires_at: Time(HOUR),
            settled_at: None,
            said: String::new(),
            reference: String::new(),
        }
    }

    #[test]
    fn what_came_of_an_attempt_decides_the_state() {
        let not = |after| Outcome::Not { why: "busy".into(), after };
        let cases = [
            (Outcome::Done("7".into()), false, OutState::Sent),
            (Outcome::Refused("no".into()), true, OutState::Refused),
            (Outcome::Unknown("lost".into()), false, OutState::Unsure),
            (Outcome::Unknown("lost".into()), true, OutState::Waiting),
            (not(None), false, OutState::Waiting),
            (not(Some(2 * HOUR)), true, OutState::Expired),
        ];
        for (outcome, idempotent, state) in cases {
            let settled = entry(OutState::Trying).settle(&outcome, idempotent, Time(10), 3).unwrap();
            assert_eq!(settled.state, state, "{outcome:?}");
            assert_eq!(settled.settled_at.is_some(), state.is_final());
        }
        for state in OutState::ALL.iter().filter(|state| **state != OutState::Trying) {
            assert!(entry(*state).settle(&Outcome::Done(String::new()), true, Time(0), 0).is_none(), "{state:?}");
        }
    }

    #[test]
    fn an_attempt_begins_only_where_one_is_due_and_of_use() {
        for state in OutState::ALL {
            assert_eq!(entry(*state).begin(Time(0)).is_some(), *state == OutState::Waiting, "{state:?}");
        }
        assert!(Outgoing { due_at: Time(5), ..entry(OutState::Waiting) }.begin(Time(4)).is_none());
        let late = entry(OutState::Waiting).begin(Time(HOUR)).unwrap();
        assert_eq!((late.state, late.attempts), (OutState::Expired, 1), "not tried any more");
        let begun = entry(OutState::Waiting).begin(Time(HOUR - 1)).unwrap();
        assert_eq!((begun.state, begun.attempts), (OutState::Trying, 2));
    }

    #[test]
    fn a_person_may_send_again_and_drop_but_not_what_is_under_way() {
        use OutState::*;
        let cases = [
            (Waiting, None, None),
            (Trying, Some("outbox.trying"), Some("outbox.trying")),
            (Sent, None, Some("outbox.settled")),
            (Refused, None, None),
            (Expired, None, None),
            (Unsure, None, None),
            (Dropped, None, Some("outbox.settled")),
        ];
        for (state, again, drop) in cases {
            let code = |act| entry(state).act(act, Time(9)).err().map(|refusal| refusal.code);
            assert_eq!((code(OutAct::Again), code(OutAct::Drop)), (again, drop), "{state:?}");
        }
        let again = entry(Expired).act(OutAct::Again, Time(2 * HOUR)).unwrap();
        assert_eq!((again.state, again.attempts, again.expires_at), (Waiting, 0, Time(3 * HOUR)));
    }

    #[test]
    fn a_secret_is_forgotten_at_the_end_and_cannot_be_sent_again() {
        let secret = Outgoing { secret: true, ..entry(OutState::Trying) };
        let kept = secret.settle(&Outcome::Unknown("lost".into()), true, Time(0), 0).unwrap();
        assert_eq!(kept.payload, [1], "it is tried again");
        let sent = secret.settle(&Outcome::Done(String::new()), true, Time(0), 0).unwrap();
        assert!(sent.payload.is_empty());
        assert_eq!(sent.act(OutAct::Again, Time(0)).unwrap_err().code, "outbox.forgotten");
    }

    #[test]
    fn pauses_grow_to_a_quarter_of_an_hour_and_an_hour_of_failures_is_few_attempts() {
        let pauses: Vec<i64> = (1..=12).map(|attempts| pause(attempts, 0)).collect();
        assert_eq!(pauses[..4], [5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND]);
        assert_eq!(pauses[11], PAUSE_MAX);
        assert!((0..1_000).all(|chance| (PAUSE..=PAUSE * 6 / 5).contains(&pause(1, chance))));
        assert_eq!(pause(u32::MAX, 0), PAUSE_MAX);
    }
}
