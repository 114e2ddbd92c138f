//! Webhooks: addresses of other programs that are told what happened here. What is told is which thing changed and how, never whose it is: the
//! other program asks for that with its own permission.

use crate::{Refusal, Time, WebhookId, problem, text::Form, time::DAY};
use rkyv::{Archive, Deserialize, Serialize};

/// An address that is told.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Number.
    pub id: WebhookId,
    /// Name for the secretariat.
    pub name: String,
    /// The address.
    pub url: String,
    /// The secret that what is told is signed with, sealed.
    pub secret: Vec<u8>,
    /// What is told: codes of [`KINDS`].
    pub kinds: Vec<String>,
    /// Whether it is told, or since when and why not.
    pub state: HookState,
    /// Since when deliveries came too late, one after the other.
    pub failing_since: Option<Time>,
    /// When it was made.
    pub created_at: Time,
}

/// Whether a webhook is told.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookState {
    /// It is.
    On,
    /// The secretariat switched it off.
    Off(Time),
    /// It failed for so long that the box switched it off.
    Failed(Time),
}

impl HookState {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::On => "On",
            Self::Off(_) => "Off",
            Self::Failed(_) => "Switched off: it failed too long",
        }
    }
}

/// What can be told: the action as the audit log names it, and English source text.
pub const KINDS: &[&str] = &[
    "registration.create",
    "registration.edit",
    "registration.cancel",
    "registration.restore",
    "registration.transfer",
    "registration.order",
    "registration.refund",
    "order.place",
    "order.approve",
    "order.refuse",
    "order.pay",
    "order.settle",
    "order.refund",
    "order.cancel",
    "order.expire",
    "event.publish",
    "event.withdraw",
    "import.finish",
    "certificate.replace",
    "feedback.answer",
    "checkin.enter",
    "checkin.exit",
    "checkin.undo",
];

/// Those of [`KINDS`] that no verb names: they are read out of the scan log a moment later.
pub const DOOR_KINDS: &[&str] = &["checkin.enter", "checkin.exit", "checkin.undo"];

/// Up to where the scan log was told: the number of a line of the space's audit chain, which vouches for each block of the log.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckinCursor {
    /// The line.
    pub line: u64,
}

/// What a kind is called.
pub struct HookKind;

impl HookKind {
    /// English source text of a kind.
    pub fn label(kind: &str) -> &str {
        match kind {
            "registration.create" => "A registration was added",
            "registration.edit" => "A registration was changed",
            "registration.cancel" => "A registration was canceled",
            "registration.restore" => "A registration stands again",
            "registration.transfer" => "A ticket was passed on",
            "registration.order" => "A registration followed its order",
            "registration.refund" => "A ticket was given back",
            "order.place" => "An order was placed",
            "order.approve" => "An order was approved",
            "order.refuse" => "An order was not approved",
            "order.pay" => "A payment was recorded",
            "order.settle" => "An order is complete",
            "order.refund" => "A refund was recorded",
            "order.cancel" => "An order was canceled",
            "order.expire" => "An order expired",
            "event.publish" => "An event was published",
            "event.withdraw" => "An event was withdrawn",
            "import.finish" => "An import is complete",
            "certificate.replace" => "A certificate was issued anew",
            "feedback.answer" => "Somebody gave feedback",
            "checkin.enter" => "Somebody checked in",
            "checkin.exit" => "Somebody checked out",
            "checkin.undo" => "A check-in was taken back",
            other => other,
        }
    }
}

/// Most webhooks of a space.
pub const WEBHOOKS_MAX: usize = 20;
/// How long one delivery is tried.
pub const USEFUL_MILLIS: i64 = DAY;
/// After deliveries came too late for so long, a webhook is switched off.
pub const FAILING_MAX: i64 = 3 * DAY;

/// What a form of a webhook holds.
#[derive(Debug, Clone, Default)]
pub struct WebhookInput {
    /// Name.
    pub name: String,
    /// Address.
    pub url: String,
    /// What is told.
    pub kinds: Vec<String>,
}

/// Checks the form; whether the address may be called is found out when it is. `private`: addresses without TLS are allowed.
pub fn check_webhook(input: &WebhookInput, private: bool) -> Result<WebhookInput, Refusal> {
    let mut form = Form::default();
    let name = form.required("name", &input.name, 60);
    let url = form.required("url", &input.url, 400);
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://").filter(|_| private));
    let host = rest.map_or("", |rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let plain =
        url.chars().all(|c| c.is_ascii_graphic()) && !host.is_empty() && !host.contains('@') && !url.contains('#');
    if !url.is_empty() && !plain {
        form.wrong(problem!("url", "Give an address that begins with https:// and holds no password."));
    }
    let kinds: Vec<String> = KINDS
        .iter()
        .filter(|kind| input.kinds.iter().any(|chosen| chosen == *kind))
        .map(|kind| (*kind).to_owned())
        .collect();
    if kinds.is_empty() {
        form.wrong(problem!("kinds", "Choose at least one."));
    }
    form.done(WebhookInput { name, url, kinds })
}

impl Webhook {
    /// Whether it is told of an action.
    pub fn wants(&self, action: &str) -> bool {
        self.state == HookState::On && self.kinds.iter().any(|kind| kind == action)
    }

    /// What it becomes when a delivery that was caused at `caused` came to its end at `now`.
    pub fn ended(&self, arrived: bool, caused: Time, now: Time) -> Self {
        if arrived {
            return Self { failing_since: None, ..self.clone() };
        }
        let since = self.failing_since.unwrap_or(caused);
        let over = now.since(since) >= FAILING_MAX && self.state == HookState::On;
        let state = if over { HookState::Failed(now) } else { self.state };
        Self { failing_since: Some(since), state, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook() -> Webhook {
        Webhook {
            id: WebhookId(1),
            name: "x".into(),
            url: "https://example.org/".into(),
            secret: Vec::new(),
            kinds: vec!["order.place".into()],
            state: HookState::On,
            failing_since: None,
            created_at: Time(0),
        }
    }

    #[test]
    fn a_hook_that_fails_for_days_is_switched_off_and_one_success_forgives() {
        let first = hook().ended(false, Time(0), Time(DAY));
        assert_eq!((first.state, first.failing_since), (HookState::On, Some(Time(0))));
        let later = first.ended(false, Time(DAY), Time(2 * DAY));
        assert_eq!(later.state, HookState::On);
        assert_eq!(later.ended(false, Time(2 * DAY), Time(3 * DAY)).state, HookState::Failed(Time(3 * DAY)));
        let well = later.ended(true, Time(2 * DAY), Time(3 * DAY));
        assert_eq!((well.state, well.failing_since), (HookState::On, None));
        assert!(hook().wants("order.place") && !hook().wants("order.pay"));
        assert!(!Webhook { state: HookState::Off(Time(0)), ..hook() }.wants("order.place"));
    }

    #[test]
    fn addresses_are_public_looking_and_something_is_chosen() {
        let input = |url: &str| WebhookInput {
            name: "x".into(),
            url: url.into(),
            kinds: vec!["order.place".into(), "nonsense".into()],
        };
        assert_eq!(check_webhook(&input("https://example.org/a?b=c"), false).unwrap().kinds, ["order.place"]);
        for url in [
            "",
            "http://example.org",
            "https://",
            "https://a:b@example.org",
            "ftp://x",
            "https://例.org",
            "https://x/#a",
        ] {
            assert!(check_webhook(&input(url), false).is_err(), "{url}");
        }
        assert!(check_webhook(&input("http://127.0.0.1:9/"), true).is_ok());
        assert!(check_webhook(&WebhookInput { kinds: Vec::new(), ..input("https://example.org") }, false).is_err());
        for kind in KINDS {
            assert_ne!(HookKind::label(kind), *kind);
        }
        assert!(DOOR_KINDS.iter().all(|kind| KINDS.contains(kind)));
    }
}
