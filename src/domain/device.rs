//! Devices: check-in terminals paired by a one-time code shown in the admin pages. A device acts for one event and can be revoked.

use crate::{AccountId, DeviceId, EventId, Time, time::MINUTE};
use rkyv::{Archive, Deserialize, Serialize};

/// A check-in terminal with its own token; only hashes of code and token are kept.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Number.
    pub id: DeviceId,
    /// Name, for example the door it stands at.
    pub name: String,
    /// The event it admits people to.
    pub event: EventId,
    /// Who set it up.
    pub created_by: AccountId,
    /// When it was set up.
    pub created_at: Time,
    /// SHA-256 of the pairing code while it waits to be used, and when that code ends.
    pub pairing: Option<Pairing>,
    /// SHA-256 of its token once paired.
    pub token: Option<[u8; 32]>,
    /// When it was paired.
    pub paired_at: Option<Time>,
    /// When it was revoked; a revoked device stays listed and can do nothing.
    pub revoked_at: Option<Time>,
}

/// A pairing code that has not been used yet.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// SHA-256 of the code.
    pub code: [u8; 32],
    /// The code is worth nothing from here on.
    pub until: Time,
}

/// How long a pairing code is valid.
pub const PAIRING_MILLIS: i64 = 15 * MINUTE;

/// What a device is to somebody who looks at the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// A pairing code is out and can be used.
    Waiting,
    /// The pairing code ended before it was used.
    Lapsed,
    /// In use.
    Paired,
    /// Shut out.
    Revoked,
}

impl Device {
    /// The state at `now`.
    pub fn state(&self, now: Time) -> DeviceState {
        match (self.revoked_at, self.token, &self.pairing) {
            (Some(_), _, _) => DeviceState::Revoked,
            (None, Some(_), None) => DeviceState::Paired,
            (None, _, Some(pairing)) if now < pairing.until => DeviceState::Waiting,
            (None, Some(_), Some(_)) => DeviceState::Paired,
            _ => DeviceState::Lapsed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_waits_is_paired_or_is_shut_out() {
        let waiting = Device {
            id: DeviceId(1),
            name: "Door".into(),
            event: EventId(1),
            created_by: AccountId(1),
            created_at: Time(0),
            pairing: Some(Pairing { code: [0; 32], until: Time(100) }),
            token: None,
            paired_at: None,
            revoked_at: None,
        };
        assert_eq!(waiting.state(Time(99)), DeviceState::Waiting);
        assert_eq!(waiting.state(Time(100)), DeviceState::Lapsed);
        let paired = Device { pairing: None, token: Some([1; 32]), ..waiting.clone() };
        assert_eq!(paired.state(Time(1_000)), DeviceState::Paired);
        let revoked = Device { revoked_at: Some(Time(5)), ..paired };
        assert_eq!(revoked.state(Time(1_000)), DeviceState::Revoked);
    }
}
