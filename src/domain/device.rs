//! Devices: check-in terminals, event helpers' phones and scanners attached to the box (S0-54 … S0-58). A device acts for one event and
//! can be revoked.

use crate::{AccountId, DeviceId, EventId, GateId, ListId, Problem, Time, checkin::Direction, problem, time::MINUTE};
use rkyv::{Archive, Deserialize, Serialize};

/// What a device is.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub enum Role {
    /// A terminal with a page of its own, or a program.
    #[default]
    Terminal,
    /// A helper's phone (S0-56): bound by a pairing code, or by the holder of the ticket that was registered with this phone number.
    /// Holds that phone number in E.164 (S0-57).
    Helper(Option<String>),
    /// A scanner attached to the box; it has no token.
    /// Holds where it is: `/dev/input/…` or `/dev/tty…`.
    Attached(String),
}

/// Where a device stands and what it does there.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Post {
    /// The check-in list.
    pub list: ListId,
    /// The gate.
    pub gate: Option<GateId>,
    /// Entry or exit, unless a scan says otherwise.
    pub direction: Direction,
    /// Whether it may search people by name and keep their names while it is offline.
    pub names: bool,
}

/// A terminal, helper or attached scanner; only hashes of code and token are kept.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Number.
    pub id: DeviceId,
    /// Name, for example the door it stands at.
    pub name: String,
    /// The event it admits people to.
    pub event: EventId,
    /// What it is.
    pub role: Role,
    /// Where it stands.
    pub post: Post,
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

/// Longest path of an attached scanner in characters.
pub const PORT_MAX: usize = 200;

/// What is wrong with the place of an attached scanner: it must be a device file that a scanner can be.
pub fn check_port(port: &str) -> Option<Problem> {
    let known = ["/dev/input/", "/dev/tty", "/dev/serial/", "/dev/pts/"].iter().any(|start| port.starts_with(start));
    let plain = port.len() <= PORT_MAX && !port.contains("..") && port.chars().all(|c| c.is_ascii_graphic());
    (!known || !plain)
        .then(|| problem!("port", "Give the device file of the scanner, such as /dev/input/by-id/… or /dev/ttyACM0."))
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
        if self.revoked_at.is_none() && matches!(self.role, Role::Attached(_)) {
            return DeviceState::Paired;
        }
        match (self.revoked_at, self.token, &self.pairing) {
            (Some(_), _, _) => DeviceState::Revoked,
            (None, None, None) if matches!(self.role, Role::Helper(Some(_))) => DeviceState::Waiting,
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
            role: Role::Terminal,
            post: Post::default(),
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
        let bare = Device { pairing: None, ..waiting };
        let helper = |phone: Option<&str>| Role::Helper(phone.map(str::to_owned));
        let attached = Role::Attached("/dev/ttyACM0".into());
        for (role, state) in [
            (helper(Some("+8613800000001")), DeviceState::Waiting),
            (helper(None), DeviceState::Lapsed),
            (attached, DeviceState::Paired),
        ] {
            assert_eq!(Device { role: role.clone(), ..bare.clone() }.state(Time(1_000)), state, "{role:?}");
        }
    }

    #[test]
    fn a_scanner_is_a_device_file() {
        let cases = [
            ("/dev/input/by-id/usb-Honeywell-event-kbd", true),
            ("/dev/ttyACM0", true),
            ("/dev/serial/by-id/x", true),
            ("/dev/sda", false),
            ("/dev/input/../sda", false),
            ("/etc/passwd", false),
            ("/dev/tty 1", false),
            ("", false),
        ];
        for (port, right) in cases {
            assert_eq!(check_port(port).is_none(), right, "{port}");
        }
    }
}
