//! Two boxes of one hall: one leads and writes, the other follows. Which of them may do what, whose word counts when they meet, how far the second is
//! behind, and what a pairing code says. An epoch is a number that only grows: whoever takes over begins the next one, and whoever meets a higher one
//! than its own stops writing. Nothing here knows sockets or files.

use crate::{AccountId, Refusal, Time, refuse, time::MINUTE};
use rkyv::{Archive, Deserialize, Serialize};

/// What a box is to its hall. A box without a word of this kind leads: it is the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It writes and serves.
    #[default]
    Leader,
    /// It takes in what the leader commits, and serves a page about that alone.
    Follower,
    /// It led, and another took over: it neither writes nor serves, and hands out what it has.
    Fenced,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Leader, Self::Follower, Self::Fenced];

    /// Whether it may write anything of its own, and serve the hall's pages.
    pub fn writes(self) -> bool {
        self == Self::Leader
    }

    /// Whether it may hand out its groups to a follower.
    pub fn hands_out(self) -> bool {
        matches!(self, Self::Leader | Self::Fenced)
    }
}

/// The first epoch.
pub const FIRST_EPOCH: u64 = 1;

/// Role and epoch: what a box tells the other one of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stand {
    /// What it is.
    pub role: Role,
    /// The newest epoch that it knows of.
    pub epoch: u64,
}

/// What a box does when it hears how the other one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Nothing changes.
    Same,
    /// It stops writing for good and keeps that on disk, with this epoch.
    Fence(u64),
    /// It follows on, and keeps the new epoch.
    Learn(u64),
    /// What the other one says is of an epoch that is over: nothing is taken from it.
    Stale,
}

/// What a box does that stands so and hears of an epoch.
pub fn hear(own: Stand, epoch: u64) -> Heard {
    match (own.role, epoch.cmp(&own.epoch)) {
        (_, std::cmp::Ordering::Equal) => Heard::Same,
        (_, std::cmp::Ordering::Less) => Heard::Stale,
        (Role::Leader | Role::Fenced, std::cmp::Ordering::Greater) => Heard::Fence(epoch),
        (Role::Follower, std::cmp::Ordering::Greater) => Heard::Learn(epoch),
    }
}

/// What became of the other box when one is to take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// It does not answer, or is not known.
    Away,
    /// It refused to stop: it knows of a later epoch than the one that would begin.
    Ahead,
    /// It stopped writing; this is its newest group.
    Stopped(u64),
}

/// Whether a box takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// It begins the next epoch and leads.
    Leads,
    /// It leads already.
    Leading,
    /// The groups up to that one are fetched first: the other box has them and writes no more.
    Fetches(u64),
    /// Only a person can say that the other box is gone for good.
    NeedsForce,
    /// It must not, whatever is said: the hall went on elsewhere.
    Never,
}

/// Whether a box that holds groups up to `last` takes over. `force`: somebody said that the other box is gone, or that what it alone holds is to be left
/// behind.
pub fn take_over(own: Stand, last: u64, other: Other, force: bool) -> Takeover {
    match (own.role, other) {
        (Role::Leader, _) => Takeover::Leading,
        (_, Other::Ahead) => Takeover::Never,
        (_, Other::Stopped(newest)) if newest <= last => Takeover::Leads,
        (_, Other::Stopped(_)) if force => Takeover::Leads,
        (Role::Follower, Other::Stopped(newest)) => Takeover::Fetches(newest),
        // A box that was fenced lacks what the other one wrote since.
        (Role::Fenced, Other::Stopped(_)) => Takeover::NeedsForce,
        (_, Other::Away) if force => Takeover::Leads,
        (_, Other::Away) => Takeover::NeedsForce,
    }
}

/// How far a follower is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lag {
    /// Groups that the leader committed and the follower does not hold.
    pub groups: u64,
    /// Files that it lacks.
    pub files: u64,
    /// Milliseconds since it last held everything; none: it never did.
    pub behind: Option<i64>,
    /// Milliseconds since the two last heard of each other; none: never.
    pub silent: Option<i64>,
}

/// How a lag is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It follows.
    Follows,
    /// It is there and does not keep up, or has not got everything yet.
    Behind,
    /// It has not been heard of.
    Away,
}

/// A follower is away when it was not heard of for so long.
pub const AWAY_MILLIS: i64 = MINUTE;
/// A follower that has not held everything for so long does not keep up.
pub const BEHIND_MILLIS: i64 = MINUTE;

impl Lag {
    /// What is to be thought of it.
    pub fn judge(&self) -> Judged {
        if self.silent.is_none_or(|silent| silent > AWAY_MILLIS) {
            return Judged::Away;
        }
        if self.behind.is_none_or(|behind| behind > BEHIND_MILLIS) { Judged::Behind } else { Judged::Follows }
    }
}

/// Why a box does not follow just now, or why another was sent away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The other box is not reached; what the network said.
    Away(String),
    /// Whoever answers there is not the box that this one was paired with.
    Stranger,
    /// The other box does not know this one any more.
    Unpaired,
    /// The other box speaks of an epoch that is over.
    Stale,
    /// The other box does not lead.
    Idle,
    /// What came does not fit or is damaged.
    Damaged(String),
    /// This box cannot keep it.
    Unkept(String),
}

impl Trouble {
    /// English source text: what it means and what to do.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Away(_) => {
                "The leading box is not reached. It is tried again by itself; look at its power and the network between the two."
            }
            Self::Stranger => {
                "Whoever answers at the leading box's address is not that box. Look at the address; nothing was taken from there."
            }
            Self::Unpaired => {
                "The leading box does not know this one any more. Pair the two anew with a code from its page “Stand-by box”."
            }
            Self::Stale => {
                "The other box still speaks of a time before another one took over. Nothing was taken from it."
            }
            Self::Idle => "The other box does not lead. Look at its page to see which box does.",
            Self::Damaged(_) => {
                "What came from the leading box was damaged or did not fit. It is fetched anew by itself."
            }
            Self::Unkept(_) => "This box cannot keep what comes. Look at the room on its disk and at its health.",
        }
    }

    /// What a program said about it; may be empty.
    pub fn detail(&self) -> &str {
        match self {
            Self::Away(detail) | Self::Damaged(detail) | Self::Unkept(detail) => detail,
            Self::Stranger | Self::Unpaired | Self::Stale | Self::Idle => "",
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail() {
            "" => f.write_str(self.label()),
            detail => write!(f, "{} ({detail})", self.label()),
        }
    }
}

/// The box that follows this one, and the code by which one may begin to.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct Standby {
    /// SHA-256 of the code while it waits to be used.
    pub code: Option<[u8; 32]>,
    /// The code is worth nothing from here on.
    pub until: Time,
    /// Who asked for the code.
    pub by: AccountId,
    /// SHA-256 of the follower's secret; none: nobody follows.
    pub secret: Option<[u8; 32]>,
    /// Where the follower's own TLS listener is, as this box reaches it.
    pub address: String,
    /// When it was paired.
    pub paired_at: Option<Time>,
}

impl Standby {
    /// Whether a code may be used now.
    pub fn takes(&self, code: &[u8; 32], now: Time) -> bool {
        self.code.as_ref() == Some(code) && now < self.until
    }
}

/// How long a pairing code is good.
pub const CODE_MILLIS: i64 = 15 * MINUTE;
/// Longest address of a box.
pub const ADDRESS_MAX: usize = 200;

/// What stands in a pairing code: where the leader is, what proves that the one there is the leader, and the one-time code itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Host and port of its TLS listener.
    pub address: String,
    /// The one-time code.
    pub once: String,
    /// SHA-256 of the certificate that it shows to other boxes.
    pub pin: [u8; 32],
}

impl Code {
    /// As it is shown and typed.
    pub fn text(&self) -> String {
        let pin: String = self.pin.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}/{}/{pin}", self.address, self.once)
    }

    /// Reads a code.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let wrong = || {
            refuse!(
                Invalid,
                "standby.code",
                "This is no pairing code. Copy the whole code from the page “Stand-by box” of the leading box."
            )
        };
        let mut parts = text.trim().split('/');
        let (Some(address), Some(once), Some(pin), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let plain = once.len() == 32 && once.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_address(address) || !plain {
            return Err(wrong());
        }
        let pin = read_pin(pin).ok_or_else(wrong)?;
        Ok(Self { address: address.to_owned(), once: once.to_owned(), pin })
    }
}

/// The 32 bytes of a pin's 64 hexadecimal digits.
pub fn read_pin(text: &str) -> Option<[u8; 32]> {
    let mut pin = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in pin.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(pin)
}

/// Whether a text is host and port, as another box is reached.
pub fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]%".contains(c);
    text.len() <= ADDRESS_MAX
        && !host.is_empty()
        && host.chars().all(plain)
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand(role: Role, epoch: u64) -> Stand {
        Stand { role, epoch }
    }

    #[test]
    fn whoever_hears_of_a_higher_epoch_stops_writing_and_nobody_listens_to_a_lower_one() {
        let cases = [
            (Role::Leader, 2, 2, Heard::Same),
            (Role::Leader, 2, 3, Heard::Fence(3)),
            (Role::Leader, 2, 1, Heard::Stale),
            (Role::Fenced, 2, 3, Heard::Fence(3)),
            (Role::Fenced, 3, 3, Heard::Same),
            (Role::Fenced, 3, 2, Heard::Stale),
            (Role::Follower, 2, 2, Heard::Same),
            (Role::Follower, 2, 5, Heard::Learn(5)),
            (Role::Follower, 2, 1, Heard::Stale),
        ];
        for (role, own, epoch, expected) in cases {
            assert_eq!(hear(stand(role, own), epoch), expected, "{role:?} of {own} hears {epoch}");
        }
        assert_eq!(Role::ALL.map(Role::writes), [true, false, false]);
        assert_eq!(Role::ALL.map(Role::hands_out), [true, false, true]);
    }

    #[test]
    fn a_box_takes_over_when_the_other_stopped_and_otherwise_only_when_somebody_says_so() {
        use {Other::*, Takeover::*};
        let cases = [
            (Role::Leader, Away, true, Leading),
            (Role::Leader, Stopped(9), false, Leading),
            (Role::Follower, Stopped(5), false, Leads),
            (Role::Follower, Stopped(4), false, Leads),
            (Role::Follower, Stopped(6), false, Fetches(6)),
            (Role::Follower, Stopped(6), true, Leads),
            (Role::Follower, Away, false, NeedsForce),
            (Role::Follower, Away, true, Leads),
            (Role::Follower, Ahead, true, Never),
            (Role::Fenced, Ahead, false, Never),
            (Role::Fenced, Away, false, NeedsForce),
            (Role::Fenced, Away, true, Leads),
            (Role::Fenced, Stopped(6), false, NeedsForce),
            (Role::Fenced, Stopped(6), true, Leads),
            (Role::Fenced, Stopped(5), false, Leads),
        ];
        for (role, other, force, expected) in cases {
            assert_eq!(take_over(stand(role, 2), 5, other, force), expected, "{role:?} {other:?} {force}");
        }
    }

    /// Both boxes, the leader's word to the other included, in every order of steps: who writes after each.
    #[test]
    fn two_boxes_that_reach_each_other_never_write_both() {
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        struct World {
            boxes: [(Stand, u64); 2],
            /// A box that was told to stop answered so, and the other has not taken over yet.
            stopped: [Option<u64>; 2],
        }
        let first =
            World { boxes: [(stand(Role::Leader, 1), 0), (stand(Role::Follower, 1), 0)], stopped: [None, None] };
        let (mut seen, mut open) = (std::collections::HashSet::from([first]), vec![first]);
        while let Some(world) = open.pop() {
            let mut next = Vec::new();
            for (own, other) in [(0, 1), (1, 0)] {
                let (me, last) = world.boxes[own];
                // It writes.
                if me.role.writes() && last < 4 {
                    let mut after = world;
                    after.boxes[own].1 += 1;
                    next.push(after);
                }
                // It takes one group in.
                let (them, newest) = world.boxes[other];
                if me.role == Role::Follower && them.role.hands_out() && newest > last {
                    let mut after = world;
                    after.boxes[own].1 += 1;
                    next.push(after);
                }
                // It hears how the other stands.
                let mut after = world;
                match hear(me, them.epoch) {
                    Heard::Fence(epoch) => after.boxes[own].0 = stand(Role::Fenced, epoch),
                    Heard::Learn(epoch) => after.boxes[own].0.epoch = epoch,
                    Heard::Same | Heard::Stale => {}
                }
                next.push(after);
                // It asks the other to stop, which does so before it answers.
                if me.role != Role::Leader && me.epoch < 4 {
                    let mut after = world;
                    let wanted = me.epoch.max(them.epoch.saturating_sub(1)) + 1;
                    match hear(them, wanted) {
                        Heard::Fence(epoch) => after.boxes[other].0 = stand(Role::Fenced, epoch),
                        Heard::Same | Heard::Learn(_) | Heard::Stale => {}
                    }
                    if after.boxes[other].0.role == Role::Fenced {
                        after.stopped[own] = Some(newest);
                    }
                    next.push(after);
                }
                // It takes over, where the other stopped.
                if let Some(newest) = world.stopped[own]
                    && take_over(me, last, Other::Stopped(newest), false) == Takeover::Leads
                    && them.role == Role::Fenced
                {
                    let mut after = world;
                    after.boxes[own].0 = stand(Role::Leader, me.epoch.max(them.epoch));
                    after.stopped = [None, None];
                    next.push(after);
                }
            }
            for after in next {
                let writers = after.boxes.iter().filter(|(stand, _)| stand.role.writes()).count();
                assert!(writers <= 1, "{world:?} becomes {after:?}");
                if seen.insert(after) {
                    open.push(after);
                }
            }
        }
        let moved = seen.iter().any(|world| world.boxes[1].0 == stand(Role::Leader, 2));
        assert!(seen.len() > 50 && moved, "{} worlds", seen.len());
    }

    #[test]
    fn a_lag_is_judged_by_what_was_last_heard_and_since_when_anything_is_missing() {
        let cases = [
            (None, None, Judged::Away),
            (Some(0), None, Judged::Away),
            (Some(0), Some(AWAY_MILLIS + 1), Judged::Away),
            (None, Some(0), Judged::Behind),
            (Some(BEHIND_MILLIS + 1), Some(0), Judged::Behind),
            (Some(BEHIND_MILLIS), Some(AWAY_MILLIS), Judged::Follows),
            (Some(0), Some(0), Judged::Follows),
        ];
        for (behind, silent, expected) in cases {
            assert_eq!(Lag { groups: 3, files: 0, behind, silent }.judge(), expected, "{behind:?} {silent:?}");
        }
    }

    #[test]
    fn a_pairing_code_is_read_back_and_nothing_else_is_one() {
        let code = Code { address: "[fd00::5]:8443".into(), once: "A".repeat(32), pin: [0xa7; 32] };
        assert_eq!(Code::read(&format!(" {} \n", code.text())).unwrap(), code);
        let pin = "a7".repeat(32);
        let once = "B".repeat(32);
        for wrong in [
            String::new(),
            "box:8443".into(),
            format!("box/{once}/{pin}"),
            format!("box:0/{once}/{pin}"),
            format!("bo x:1/{once}/{pin}"),
            format!("box:1/{once}x/{pin}"),
            format!("box:1/{once}/{pin}00"),
            format!("box:1/{once}/{}", "zz".repeat(32)),
            format!("box:1/{once}/{}", "é".repeat(32)),
            format!("https://box:1/{once}/{pin}"),
            format!("{}:1/{once}/{pin}", "b".repeat(ADDRESS_MAX)),
        ] {
            assert_eq!(Code::read(&wrong).unwrap_err().code, "standby.code", "{wrong}");
        }
        let waiting = Standby { code: Some([1; 32]), until: Time(10), ..Standby::default() };
        assert!(
            waiting.takes(&[1; 32], Time(9)) && !waiting.takes(&[1; 32], Time(10)) && !waiting.takes(&[2; 32], Time(9))
        );
        assert!(!Standby::default().takes(&[0; 32], Time(-1)));
    }
}
