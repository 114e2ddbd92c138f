//! WeChat and WeCom as the association set them up: apps with their secrets sealed, people by openid, consents to messages, and what was pushed.
//! How the protocols speak is for `gateway` to know.

use crate::{PersonId, Refusal, Time, WechatLinkId, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// A kind of app; the association has at most one of each.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AppKind {
    /// Mini-program.
    Mini,
    /// Official account.
    Official,
    /// An app of the association's own WeCom.
    Corp,
}

impl AppKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Mini, Self::Official, Self::Corp];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Mini => "mini",
            Self::Official => "official",
            Self::Corp => "wecom",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mini => "Mini-program",
            Self::Official => "Official account",
            Self::Corp => "WeCom app",
        }
    }

    /// The kind of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

/// An app as its console names it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct WechatApp {
    /// Which kind.
    pub kind: AppKind,
    /// It is used.
    pub enabled: bool,
    /// App id, or corp id of WeCom.
    pub app: String,
    /// WeCom: the app's number; 0 elsewhere.
    pub agent: i64,
    /// Secret, sealed; empty: none.
    pub secret: Vec<u8>,
    /// Token of what is pushed, sealed; empty: none.
    pub push_token: Vec<u8>,
    /// Encoding key of what is pushed, sealed; empty: none.
    pub push_key: Vec<u8>,
    /// Where it is asked instead of the real address; empty: the real one.
    pub base: String,
    /// How the last test went: when, and what was wrong; empty: nothing.
    pub tested: Option<(Time, String)>,
}

impl WechatApp {
    /// An app that nobody set up.
    pub fn none(kind: AppKind) -> Self {
        Self {
            kind,
            enabled: false,
            app: String::new(),
            agent: 0,
            secret: Vec::new(),
            push_token: Vec::new(),
            push_key: Vec::new(),
            base: String::new(),
            tested: None,
        }
    }

    /// How far it is set up.
    pub fn standing(&self) -> AppStanding {
        match &self.tested {
            _ if self.app.is_empty() || self.secret.is_empty() => AppStanding::Missing,
            _ if !self.enabled => AppStanding::Off,
            None => AppStanding::Untested,
            Some((_, why)) if why.is_empty() => AppStanding::Works,
            Some(_) => AppStanding::Fails,
        }
    }
}

/// How far an app is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppStanding {
    /// Id or secret is missing.
    Missing,
    /// It is set up, but not used.
    Off,
    /// Nobody tried it since it was changed.
    Untested,
    /// The last test went well.
    Works,
    /// The last test failed.
    Fails,
}

impl AppStanding {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Missing => "Not set up",
            Self::Off => "Switched off",
            Self::Untested => "Not tested yet",
            Self::Works => "Works",
            Self::Fails => "Does not work",
        }
    }
}

/// What the settings page takes. Secrets that are left empty stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppInput {
    /// It is used.
    pub enabled: bool,
    /// App id or corp id.
    pub app: String,
    /// The WeCom app's number.
    pub agent: String,
    /// Secret.
    pub secret: String,
    /// Token of what is pushed.
    pub push_token: String,
    /// Encoding key of what is pushed.
    pub push_key: String,
    /// Where it is asked instead of the real address.
    pub base: String,
}

/// A checked form; secrets in the open, to be sealed by the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedApp {
    /// It is used.
    pub enabled: bool,
    /// App id or corp id.
    pub app: String,
    /// The WeCom app's number.
    pub agent: i64,
    /// Secret; none: as it is.
    pub secret: Option<String>,
    /// Token; none: as it is.
    pub push_token: Option<String>,
    /// Encoding key; none: as it is.
    pub push_key: Option<String>,
    /// Where it is asked.
    pub base: String,
}

/// Whether a text is an address that may be asked: TLS, or this very box.
fn is_base(text: &str) -> bool {
    let host = |rest: &str| {
        let host = rest.split([':', '/']).next().unwrap_or("").to_owned();
        (host.clone(), !host.is_empty() && rest.len() <= 200 && rest.bytes().all(|b| b.is_ascii_graphic() && b != b'@'))
    };
    match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => host(rest).1,
        (None, Some(rest)) => host(rest).1 && matches!(host(rest).0.as_str(), "127.0.0.1" | "localhost"),
        (None, None) => false,
    }
}

/// Checks an app's form; `kept` is what is there.
pub fn check_app(kept: &WechatApp, input: &AppInput) -> Result<CheckedApp, Refusal> {
    let mut form = Form::default();
    let code = kept.kind.code();
    let field = |name: &str| format!("{code}-{name}");
    let app = form.optional(&field("app"), &input.app, 64);
    let id = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let sound = app.starts_with('w') && app.len() >= 4 && app.bytes().all(id);
    if !app.is_empty() && !sound {
        form.wrong(problem!(
            field("app"),
            "This is no id of an app. It begins with wx or ww; copy it from the console."
        ));
    }
    let secret = one(&mut form, &field("secret"), &input.secret, 128, |text| text.len() >= 8);
    let push_token = one(&mut form, &field("push_token"), &input.push_token, 32, |text| {
        text.len() >= 3 && text.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let push_key = one(&mut form, &field("push_key"), &input.push_key, 43, |text| {
        text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let agent = match (kept.kind, input.agent.trim().parse::<i64>()) {
        (AppKind::Corp, Ok(agent)) if (1..=i64::from(u32::MAX)).contains(&agent) => agent,
        (AppKind::Corp, _) if input.enabled => {
            form.wrong(problem!(field("agent"), "Give the app's AgentId, a whole number."));
            0
        }
        _ => 0,
    };
    let base = form.optional(&field("base"), &input.base, 200).trim_end_matches('/').to_owned();
    if !base.is_empty() && !is_base(&base) {
        form.wrong(problem!(field("base"), "Give an address that begins with https://, or leave it empty."));
    }
    if input.enabled && app.is_empty() {
        form.wrong(problem!(field("app"), "This field is required."));
    }
    if input.enabled && secret.is_none() && kept.secret.is_empty() {
        form.wrong(problem!(field("secret"), "This field is required."));
    }
    form.done(CheckedApp { enabled: input.enabled, app, agent, secret, push_token, push_key, base })
}

/// A secret that was typed; none when the field was left empty.
fn one(form: &mut Form, field: &str, typed: &str, max: usize, fits: impl Fn(&str) -> bool) -> Option<String> {
    let text = form.optional(field, typed, max);
    if text.is_empty() {
        return None;
    }
    let sound = text.bytes().all(|b| b.is_ascii_graphic()) && fits(&text);
    if !sound && text.chars().count() <= max {
        form.wrong(problem!(field, "This is not as the console shows it. Copy it whole, without blanks."));
    }
    Some(text)
}

/// Something that is kept for WeChat: fetched once and good for a while.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct WechatKept {
    /// What it is, such as `token/wx1/0/…` or `proof/MP_verify_x.txt`.
    pub slot: String,
    /// It.
    pub value: KeptValue,
    /// Until when it is good.
    pub ends: Time,
}

/// What is kept.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum KeptValue {
    /// A token or ticket, sealed.
    Secret(Vec<u8>),
    /// A picture on disk.
    File([u8; 32]),
    /// A text that anybody may read: proof that a domain is ours.
    Text(String),
}

/// A person as WeChat knows them in one app.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct WechatLink {
    /// Number.
    pub id: WechatLinkId,
    /// App id.
    pub app: String,
    /// Kind of the app.
    pub kind: AppKind,
    /// The person in this app.
    pub openid: String,
    /// The person in all apps of one Open Platform account.
    pub unionid: Option<String>,
    /// Who that is, once they proved it.
    pub person: Option<PersonId>,
    /// They follow the official account.
    pub follows: bool,
    /// When they came first.
    pub created_at: Time,
    /// When they came last, to the day.
    pub seen_at: Time,
}

/// How many messages of a template may still be sent to somebody.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct WechatCredit {
    /// Who.
    pub link: WechatLinkId,
    /// Template.
    pub template: String,
    /// How many.
    pub left: u32,
    /// When that changed.
    pub changed_at: Time,
}

/// Most messages that are counted for one template and person.
pub const CREDIT_MAX: u32 = 100;
/// Longest id of a template.
pub const TEMPLATE_ID_MAX: usize = 64;

/// What changes how many messages may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// One more.
    Given,
    /// Not this time; what was given before stays.
    NotNow,
    /// None any more.
    Withdrawn,
    /// One was used.
    Used,
}

/// How many are left after that.
pub fn credit_after(left: u32, consent: Consent) -> u32 {
    match consent {
        Consent::Given => left.saturating_add(1).min(CREDIT_MAX),
        Consent::NotNow => left,
        Consent::Withdrawn => 0,
        Consent::Used => left.saturating_sub(1),
    }
}

/// A push that was taken.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct WechatPush {
    /// What its repetitions have in common, hashed.
    pub once: [u8; 32],
    /// Which app it was for.
    pub kind: AppKind,
    /// Kind of message or event.
    pub name: String,
    /// Who sent it.
    pub from: String,
    /// The message as JSON; cut when it is long.
    pub body: String,
    /// When it came.
    pub at: Time,
}

/// Longest kept body of a push in characters.
pub const PUSH_BODY_MAX: usize = 4_000;
/// How long pushes are kept: as long as somebody may want to see that they came.
pub const PUSH_KEPT_MILLIS: i64 = 7 * crate::time::DAY;

/// Longest proof of a domain in characters.
pub const PROOF_MAX: usize = 512;

/// Checks a proof that a domain is ours: the name of a file at the root, and its text.
pub fn check_proof(name: &str, text: &str) -> Result<(String, String), Refusal> {
    let mut form = Form::default();
    let name = form.required("proof_name", name, 80);
    let sign = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let stem = name.strip_suffix(".txt").unwrap_or("");
    if !name.is_empty() && (stem.is_empty() || !stem.bytes().all(sign)) {
        form.wrong(problem!("proof_name", "The file's name ends with .txt, such as MP_verify_abc.txt."));
    }
    let text = form.required("proof_text", text, PROOF_MAX);
    form.done((name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(app: &str, secret: &str) -> AppInput {
        AppInput { enabled: true, app: app.into(), secret: secret.into(), ..AppInput::default() }
    }

    #[test]
    fn an_app_is_taken_as_its_console_names_it() {
        let key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
        let sound = AppInput {
            push_token: "QDG6eK".into(),
            push_key: key.into(),
            ..input(" wx5823bf96d3bd56c7 ", "0123456789abcdef")
        };
        let none = WechatApp::none(AppKind::Mini);
        let checked = check_app(&none, &sound).unwrap();
        assert_eq!((checked.app.as_str(), checked.agent), ("wx5823bf96d3bd56c7", 0));
        let fields = |kind: AppKind, input: &AppInput| -> Vec<String> {
            let refused = check_app(&WechatApp::none(kind), input).err();
            refused.map(|refusal| refusal.problems.into_iter().map(|p| p.field).collect()).unwrap_or_default()
        };
        assert_eq!(fields(AppKind::Mini, &input("", "")), ["mini-app", "mini-secret"]);
        assert_eq!(fields(AppKind::Mini, &input("gh_123", "0123456789")), ["mini-app"]);
        assert_eq!(fields(AppKind::Corp, &input("ww1234567890", "0123456789")), ["wecom-agent"]);
        let wrong = AppInput {
            push_token: "a b".into(),
            push_key: key[1..].into(),
            base: "http://example.org".into(),
            secret: "short".into(),
            ..sound.clone()
        };
        assert_eq!(
            fields(AppKind::Official, &wrong),
            ["official-secret", "official-push_token", "official-push_key", "official-base"]
        );
        assert!(fields(AppKind::Mini, &AppInput::default()).is_empty(), "switched off and empty is sound");
        let kept = WechatApp { secret: vec![1], ..none };
        assert!(check_app(&kept, &input("wx5823bf96d3bd56c7", "")).unwrap().secret.is_none(), "the kept secret stays");
    }

    #[test]
    fn only_encrypted_addresses_and_the_box_itself_are_asked() {
        for (base, sound) in [
            ("https://api2.weixin.qq.com", true),
            ("http://127.0.0.1:4000", true),
            ("http://localhost:4000/x", true),
            ("http://192.168.1.5", false),
            ("http://127.0.0.1.evil.cn", false),
            ("https://a@b", false),
            ("https://", false),
            ("ftp://a", false),
        ] {
            assert_eq!(is_base(base), sound, "{base}");
        }
    }

    #[test]
    fn an_app_stands_as_it_was_set_up_and_tested() {
        let mut app = WechatApp::none(AppKind::Mini);
        assert_eq!(app.standing(), AppStanding::Missing);
        (app.app, app.secret) = ("wx1".into(), vec![1]);
        assert_eq!(app.standing(), AppStanding::Off);
        app.enabled = true;
        assert_eq!(app.standing(), AppStanding::Untested);
        app.tested = Some((Time(1), String::new()));
        assert_eq!(app.standing(), AppStanding::Works);
        app.tested = Some((Time(1), "40125".into()));
        assert_eq!(app.standing(), AppStanding::Fails);
        for kind in AppKind::ALL {
            assert_eq!(AppKind::parse(kind.code()), Some(*kind));
        }
    }

    #[test]
    fn each_consent_is_one_message_until_it_is_taken_back() {
        let after = |all: &[Consent]| all.iter().fold(0, |left, consent| credit_after(left, *consent));
        use Consent::{Given, NotNow, Used, Withdrawn};
        for (all, left) in [
            (&[][..], 0),
            (&[Given, Given, Used][..], 1),
            (&[Given, NotNow][..], 1),
            (&[Given, Given, Withdrawn, Given][..], 1),
            (&[Used][..], 0),
            (&[Given; 150][..], CREDIT_MAX),
        ] {
            assert_eq!(after(all), left, "{all:?}");
        }
    }

    #[test]
    fn a_proof_is_a_small_text_file_at_the_root() {
        for (name, text, sound) in [
            ("MP_verify_Abc123.txt", "Abc123", true),
            ("abc.txt", "", false),
            (".txt", "x", false),
            ("../x.txt", "x", false),
            ("a.html", "x", false),
            ("a.txt", &"x".repeat(600), false),
        ] {
            assert_eq!(check_proof(name, text).is_ok(), sound, "{name}");
        }
    }
}
