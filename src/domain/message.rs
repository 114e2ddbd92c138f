//! Messages to people: which ways there are to reach somebody, what each needs to be set up, when nobody is disturbed, and which way a notice
//! takes. What is said is for `notice`; what became of a way is for `outbox`.

use crate::{
    EventId, NoticeId, OutgoingId, PersonId, Refusal, Time,
    notice::Purpose,
    problem,
    text::Form,
    time::{DAY, HOUR, MINUTE},
};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// A provider of text messages.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsProvider {
    /// Alibaba Cloud.
    Aliyun,
    /// Tencent Cloud.
    Tencent,
}

impl SmsProvider {
    /// Every provider.
    pub const ALL: &[Self] = &[Self::Aliyun, Self::Tencent];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Aliyun => "aliyun",
            Self::Tencent => "tencent",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Aliyun => "Alibaba Cloud",
            Self::Tencent => "Tencent Cloud",
        }
    }

    /// The provider of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|provider| provider.code() == code)
    }
}

/// An approved template of a provider, for one occasion.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SmsTemplate {
    /// The occasion: a notice's purpose by its code, or [`LOGIN_CODE`].
    pub occasion: String,
    /// The provider's id.
    pub id: String,
    /// What fills it, in the template's order: the provider's name of the value, and ours.
    pub values: Vec<(String, String)>,
}

/// The occasion of a code that somebody logs in with.
pub const LOGIN_CODE: &str = "login_code";

/// How text messages are sent.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SmsSetting {
    /// They are sent.
    pub enabled: bool,
    /// By whom.
    pub provider: SmsProvider,
    /// The provider's address; empty: its usual one.
    pub base: String,
    /// Id of the key.
    pub key_id: String,
    /// The key, sealed.
    pub secret: Vec<u8>,
    /// Number of the application; Tencent's only.
    pub app: String,
    /// The approved signature.
    pub sign: String,
    /// Approved templates.
    pub templates: Vec<SmsTemplate>,
    /// Most messages to one number on one day.
    pub per_number: u32,
    /// Most messages on one day.
    pub per_day: u32,
    /// Part of the address that the provider posts its reports to.
    pub callback: String,
}

impl SmsSetting {
    /// Nothing set up.
    pub fn off() -> Self {
        Self {
            enabled: false,
            provider: SmsProvider::Aliyun,
            base: String::new(),
            key_id: String::new(),
            secret: Vec::new(),
            app: String::new(),
            sign: String::new(),
            templates: Vec::new(),
            per_number: 10,
            per_day: 5_000,
            callback: String::new(),
        }
    }

    /// The template of an occasion, when messages of it can be sent.
    pub fn template(&self, occasion: &str) -> Option<&SmsTemplate> {
        self.templates.iter().find(|template| self.enabled && template.occasion == occasion)
    }
}

/// What a form of the text messages' settings holds.
#[derive(Debug, Clone, Default)]
pub struct SmsInput {
    /// They are sent.
    pub enabled: bool,
    /// Code of the provider.
    pub provider: String,
    /// Another address.
    pub base: String,
    /// Id of the key.
    pub key_id: String,
    /// The key; empty: as it is.
    pub secret: String,
    /// Number of the application.
    pub app: String,
    /// The signature.
    pub sign: String,
    /// Most a day to one number.
    pub per_number: String,
    /// Most a day.
    pub per_day: String,
    /// Templates: occasion, id, values as `name=ours, name=ours`.
    pub templates: Vec<(String, String, String)>,
}

/// Values that a template may be filled with.
pub const VALUES: &[&str] =
    &["name", "event", "time", "until", "amount", "number", "reason", "text", "attend", "code", "minutes"];
/// Most values of one template.
const VALUES_MAX: usize = 10;

/// Reads `1=name, 2=event`: a template's own names, and ours.
fn check_values(form: &mut Form, field: &str, typed: &str) -> Vec<(String, String)> {
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

/// Checks the settings of text messages. The key is sealed by whoever keeps them; `has_secret`: one is kept already.
pub fn check_sms(input: &SmsInput, old: &SmsSetting) -> Result<SmsSetting, Refusal> {
    let mut form = Form::default();
    let provider = SmsProvider::parse(&input.provider);
    if provider.is_none() {
        form.wrong(problem!("provider", "Choose one."));
    }
    let provider = provider.unwrap_or(SmsProvider::Aliyun);
    let line = |form: &mut Form, field: &str, text: &str, max: usize| {
        if input.enabled { form.required(field, text, max) } else { form.optional(field, text, max) }
    };
    let key_id = line(&mut form, "key_id", &input.key_id, 100);
    let sign = line(&mut form, "sign", &input.sign, 30);
    let app = if provider == SmsProvider::Tencent { line(&mut form, "app", &input.app, 30) } else { String::new() };
    let base = form.optional("base", &input.base, 200);
    if !base.is_empty() && !base.starts_with("https://") && !base.starts_with("http://127.0.0.1") {
        form.wrong(problem!("base", "An address begins with https://."));
    }
    if input.enabled && input.secret.trim().is_empty() && old.secret.is_empty() {
        form.wrong(problem!("secret", "This field is required."));
    }
    let number = |form: &mut Form, field: &str, text: &str, max: u32| match text.trim().parse::<u32>() {
        Ok(number) if (1..=max).contains(&number) => number,
        _ => {
            form.wrong(problem!(field, "Give a whole number up to {max}.", max = max));
            1
        }
    };
    let per_number = number(&mut form, "per_number", &input.per_number, 1_000);
    let per_day = number(&mut form, "per_day", &input.per_day, 1_000_000);
    let mut templates = Vec::new();
    for (occasion, id, values) in &input.templates {
        let id = form.optional(&format!("template-{occasion}"), id, 40);
        let values = check_values(&mut form, &format!("values-{occasion}"), values);
        let known = occasion == LOGIN_CODE || Purpose::ALL.iter().any(|purpose| purpose.code() == occasion);
        if !id.is_empty() && known {
            templates.push(SmsTemplate { occasion: occasion.clone(), id, values });
        }
    }
    form.done(SmsSetting {
        enabled: input.enabled,
        provider,
        base,
        key_id,
        app,
        sign,
        templates,
        per_number,
        per_day,
        ..old.clone()
    })
}

/// How a connection to a mail server is made safe.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// From the first byte (port 465).
    Tls,
    /// After the greeting (port 587).
    StartTls,
    /// Not at all: only to a server on the box itself.
    None,
}

impl MailSecurity {
    /// Every way.
    pub const ALL: &[Self] = &[Self::Tls, Self::StartTls, Self::None];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Tls => "TLS from the beginning (port 465)",
            Self::StartTls => "STARTTLS (port 587)",
            Self::None => "None (only this box itself)",
        }
    }

    /// The way of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|way| way.code() == code)
    }
}

/// How mail is sent.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct MailSetting {
    /// It is sent.
    pub enabled: bool,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is made safe.
    pub security: MailSecurity,
    /// Login; empty: none.
    pub user: String,
    /// Password, sealed.
    pub password: Vec<u8>,
    /// Address that mail comes from.
    pub from: String,
    /// Name beside it.
    pub from_name: String,
    /// Address for answers; empty: the same.
    pub reply_to: String,
    /// Address that what cannot be delivered goes back to; empty: the same.
    pub bounce: String,
    /// Domain and selector that mail is signed for; empty: not signed.
    pub dkim: Option<(String, String)>,
    /// The private key of the signature (PEM), sealed.
    pub dkim_key: Vec<u8>,
    /// Most mails on one day.
    pub per_day: u32,
}

impl MailSetting {
    /// Nothing set up.
    pub fn off() -> Self {
        Self {
            enabled: false,
            host: String::new(),
            port: 465,
            security: MailSecurity::Tls,
            user: String::new(),
            password: Vec::new(),
            from: String::new(),
            from_name: String::new(),
            reply_to: String::new(),
            bounce: String::new(),
            dkim: None,
            dkim_key: Vec::new(),
            per_day: 2_000,
        }
    }
}

/// What a form of the mail settings holds.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct MailInput {
    pub enabled: bool,
    pub host: String,
    pub port: String,
    pub security: String,
    pub user: String,
    pub password: String,
    pub from: String,
    pub from_name: String,
    pub reply_to: String,
    pub bounce: String,
    pub dkim_domain: String,
    pub dkim_selector: String,
    pub dkim_key: String,
    pub per_day: String,
}

/// Whether a text is a mail address as people write them; the same rule as the registration form's.
pub fn check_address(typed: &str) -> Option<String> {
    let text: String = typed.trim().chars().map(crate::text::half_width).collect();
    let (user, host) = text.split_once('@')?;
    let word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\"\\@".contains(c))
    };
    let dotted = host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains("..");
    let local = host == "localhost";
    (word(user) && word(host) && (dotted || local) && text.len() <= 200 && text.is_ascii())
        .then(|| format!("{user}@{}", host.to_ascii_lowercase()))
}

/// Checks the settings of mail; the password and the key are sealed by whoever keeps them.
pub fn check_mail(input: &MailInput, old: &MailSetting) -> Result<MailSetting, Refusal> {
    let mut form = Form::default();
    let security = MailSecurity::parse(&input.security).unwrap_or(MailSecurity::Tls);
    let host =
        if input.enabled { form.required("host", &input.host, 200) } else { form.optional("host", &input.host, 200) };
    if security == MailSecurity::None && !host.is_empty() && host != "127.0.0.1" && host != "localhost" {
        form.wrong(problem!("security", "Without TLS only a server on this box itself can be used."));
    }
    let port = input.port.trim().parse::<u16>().ok().filter(|port| *port > 0);
    if port.is_none() {
        form.wrong(problem!("port", "Give a whole number up to {max}.", max = u16::MAX));
    }
    let mut address = |field: &'static str, text: &str, required: bool| {
        if text.trim().is_empty() && !required {
            return String::new();
        }
        check_address(text).unwrap_or_else(|| {
            form.wrong(problem!(field, "This is no e-mail address."));
            String::new()
        })
    };
    let from = address("from", &input.from, input.enabled);
    let (reply_to, bounce) = (address("reply_to", &input.reply_to, false), address("bounce", &input.bounce, false));
    let from_name = form.optional("from_name", &input.from_name, 60);
    let user = form.optional("user", &input.user, 200);
    let (domain, selector) = (
        form.optional("dkim_domain", &input.dkim_domain, 200),
        form.optional("dkim_selector", &input.dkim_selector, 60),
    );
    if domain.is_empty() != selector.is_empty() {
        form.wrong(problem!("dkim_selector", "A signature needs both a domain and a selector."));
    }
    let per_day = input.per_day.trim().parse::<u32>().ok().filter(|number| (1..=1_000_000).contains(number));
    if per_day.is_none() {
        form.wrong(problem!("per_day", "Give a whole number up to {max}.", max = 1_000_000));
    }
    let dkim = (!domain.is_empty()).then_some((domain, selector));
    form.done(MailSetting {
        enabled: input.enabled,
        host,
        port: port.unwrap_or(465),
        security,
        user,
        from,
        from_name,
        reply_to,
        bounce,
        dkim,
        per_day: per_day.unwrap_or(1),
        ..old.clone()
    })
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
    /// Own words for an occasion: its code, language tag, words.
    pub words: Vec<(String, String, String)>,
    /// Templates of ways that send nothing else, such as WeChat's.
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

/// The ways whose templates are set here.
pub const TEMPLATE_WAYS: &[&str] = &["wechat.subscribe", "wechat.template"];

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
    /// Own words: occasion and words, in the language that the hall starts in.
    pub words: Vec<(String, String)>,
    /// Templates: way, occasion, id, values as typed.
    pub templates: Vec<(String, String, String, String)>,
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

/// Checks the general settings.
pub fn check_setting(input: &SettingInput) -> Result<MessageSetting, Refusal> {
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
    let occasion = |code: &str| Purpose::ALL.iter().any(|purpose| purpose.code() == code);
    let mut words = Vec::new();
    for (code, typed) in input.words.iter().filter(|(code, _)| occasion(code)) {
        let typed = form.block(&format!("words-{code}"), typed, WORDS_MAX);
        if !typed.is_empty() {
            words.push((code.clone(), "zh-CN".to_owned(), typed));
        }
    }
    let mut templates = Vec::new();
    for (way, code, id, values) in &input.templates {
        let id = form.optional(&format!("{way}-{code}"), id, 64);
        if id.is_empty() || !TEMPLATE_WAYS.contains(&way.as_str()) || !occasion(code) {
            continue;
        }
        let values = check_values(&mut form, &format!("values-{way}-{code}"), values);
        templates.push(WayTemplate { way: way.clone(), occasion: code.clone(), id, values });
    }
    for way in TEMPLATE_WAYS {
        let count = count_ids(&templates, way);
        if count > WECHAT_TEMPLATES_MAX {
            form.wrong(problem!(
                "templates",
                "WeChat lets {max} templates be enabled at once; these are {count}.",
                max = WECHAT_TEMPLATES_MAX,
                count = count
            ));
        }
    }
    form.done(MessageSetting { order, quiet, attend_after_import: input.attend_after_import, words, templates })
}

/// How many different templates of a way are in use; one used twice counts once (S0-95).
pub fn count_ids(templates: &[WayTemplate], way: &str) -> usize {
    let ids: std::collections::BTreeSet<&str> =
        templates.iter().filter(|template| template.way == way).map(|template| template.id.as_str()).collect();
    ids.len()
}

/// The ways that a person can be reached by, in the order they are tried unless somebody chose another.
pub const WAYS: &[&str] = &["wechat.subscribe", "wechat.template", "wecom.message", "sms", "mail"];
/// Most templates of WeChat that can be enabled at once (S0-95).
pub const WECHAT_TEMPLATES_MAX: usize = 25;
/// Longest own words in characters.
pub const WORDS_MAX: usize = 500;

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

    /// The template of a way for an occasion.
    pub fn template(&self, way: &str, occasion: &str) -> Option<&WayTemplate> {
        self.templates.iter().find(|template| template.way == way && template.occasion == occasion)
    }

    /// Own words of an occasion in a language.
    pub fn words(&self, occasion: &str, lang: &str) -> Option<&str> {
        let own = self.words.iter().find(|(code, tag, _)| code == occasion && tag == lang);
        own.map(|(_, _, words)| words.as_str()).filter(|words| !words.is_empty())
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
            Self::PlaceOffered | Self::OrderToPay => DAY,
            Self::Reminder => 6 * HOUR,
            Self::OrderReceived
            | Self::OrderCompleted
            | Self::OrderRefused
            | Self::OrderCanceled
            | Self::OrderExpired => 2 * DAY,
            Self::OrderRefunded | Self::Message | Self::AttendCode => 3 * DAY,
        }
    }

    /// It cannot wait until the morning: what it says has an end, or its reader is looking at the phone right now.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::PlaceOffered | Self::OrderReceived | Self::OrderCompleted | Self::OrderToPay)
    }
}

/// What a person chose.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct MessageChoice {
    /// Whose.
    pub person: PersonId,
    /// Ways that the person does not want.
    pub off: Vec<String>,
    /// The way that is tried first; empty: as the association has it.
    pub first: String,
    /// No reminders.
    pub no_reminder: bool,
    /// Nothing that the secretariat writes to many.
    pub no_news: bool,
    /// Mail address; empty: as given with a registration.
    pub mail: String,
}

impl MessageChoice {
    /// Somebody who chose nothing.
    pub fn of(person: PersonId) -> Self {
        Self { person, off: Vec::new(), first: String::new(), no_reminder: false, no_news: false, mail: String::new() }
    }

    /// Whether the person wants notices of that kind.
    pub fn wants(&self, topic: Topic) -> bool {
        match topic {
            Topic::Own => true,
            Topic::Reminder => !self.no_reminder,
            Topic::News => !self.no_news,
        }
    }

    /// The ways that the person allows, in the order they are tried.
    pub fn ways<'a>(&'a self, of: &'a MessageSetting) -> Vec<&'a str> {
        let mut ways = of.ways();
        ways.retain(|way| !self.off.iter().any(|off| off == way));
        if let Some(at) = ways.iter().position(|way| *way == self.first) {
            let first = ways.remove(at);
            ways.insert(0, first);
        }
        ways
    }
}

/// What a form of a person's choices holds.
#[derive(Debug, Clone, Default)]
pub struct ChoiceInput {
    /// Ways that are wanted, of those in `shown`.
    pub wanted: Vec<String>,
    /// Ways that were to choose from.
    pub shown: Vec<String>,
    /// The way that is tried first.
    pub first: String,
    /// Reminders are wanted.
    pub reminder: bool,
    /// What goes to many is wanted.
    pub news: bool,
    /// Mail address.
    pub mail: String,
}

/// Checks a person's choices; whose they are is for the caller to fill in.
pub fn check_choice(input: &ChoiceInput) -> Result<MessageChoice, Refusal> {
    let mut form = Form::default();
    let mail = match input.mail.trim() {
        "" => String::new(),
        typed => check_address(typed).unwrap_or_else(|| {
            form.wrong(problem!("mail", "This is no e-mail address."));
            String::new()
        }),
    };
    let known = |way: &&String| WAYS.contains(&way.as_str());
    let off = input.shown.iter().filter(known).filter(|way| !input.wanted.contains(way)).cloned().collect();
    let first = if WAYS.contains(&input.first.as_str()) { input.first.clone() } else { String::new() };
    let person = PersonId::default();
    form.done(MessageChoice { person, off, first, no_reminder: !input.reminder, no_news: !input.news, mail })
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
    /// The event; goes with its archive.
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

/// One text message in the log (S0-41).
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SmsLine {
    /// The entry of the outbox that it was.
    pub id: OutgoingId,
    /// Number in E.164.
    pub phone: String,
    /// The occasion.
    pub occasion: String,
    /// The event, where there is one.
    pub event: Option<EventId>,
    /// The local day it was sent on: days since the epoch.
    pub day: i64,
    /// When it was sent.
    pub at: Time,
    /// The provider's number.
    pub reference: String,
    /// Whether it got there: none: not known yet; empty: it did; otherwise the network's code.
    pub failed: Option<String>,
    /// How often it was asked what became of it.
    pub asked: u32,
    /// When it is asked next.
    pub ask_at: Option<Time>,
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
    fn a_reader_decides_which_ways_and_which_first() {
        let setting = MessageSetting { order: vec!["mail".into(), "nothing".into()], ..MessageSetting::default() };
        assert_eq!(setting.ways(), ["mail", "wechat.subscribe", "wechat.template", "wecom.message", "sms"]);
        let choice = MessageChoice {
            off: vec!["mail".into()],
            first: "sms".into(),
            no_news: true,
            ..MessageChoice::of(PersonId(1))
        };
        assert_eq!(choice.ways(&setting), ["sms", "wechat.subscribe", "wechat.template", "wecom.message"]);
        let wants: Vec<bool> =
            [Topic::Own, Topic::Reminder, Topic::News].into_iter().map(|topic| choice.wants(topic)).collect();
        assert_eq!(wants, [true, true, false]);
        let input = ChoiceInput {
            wanted: vec!["sms".into()],
            shown: vec!["sms".into(), "mail".into()],
            mail: "a@b".into(),
            ..ChoiceInput::default()
        };
        assert_eq!(check_choice(&input).unwrap_err().problems[0].field, "mail");
        let kept = check_choice(&ChoiceInput { mail: " A.b＠Example.COM ".into(), ..input }).unwrap();
        assert_eq!((kept.off, kept.mail.as_str()), (vec!["mail".to_owned()], "A.b@example.com"));
    }

    #[test]
    fn settings_are_checked_and_templates_of_wechat_counted_by_their_id() {
        let templates = |ids: usize| -> Vec<(String, String, String, String)> {
            let way = "wechat.subscribe".to_owned();
            (0..ids).map(|at| (way.clone(), "reminder".into(), format!("t{at}"), "thing1=event".into())).collect()
        };
        let input = |templates| SettingInput {
            quiet_from: "22:00".into(),
            quiet_to: "8:00".into(),
            templates,
            ..SettingInput::default()
        };
        let kept = check_setting(&input(templates(25))).unwrap();
        assert_eq!((kept.quiet, count_ids(&kept.templates, "wechat.subscribe")), (Some((1320, 480)), 25));
        assert_eq!(check_setting(&input(templates(26))).unwrap_err().problems[0].field, "templates");
        let twice = [templates(25), templates(25)].concat();
        assert!(check_setting(&input(twice)).is_ok(), "the same id counts once");
        for (from, to) in [("22:00", ""), ("25:00", "08:00"), ("x", "y")] {
            let wrong = SettingInput { quiet_from: from.into(), quiet_to: to.into(), ..SettingInput::default() };
            assert!(check_setting(&wrong).is_err(), "{from} {to}");
        }
        let wrong =
            vec![("wechat.template".to_owned(), "reminder".to_owned(), "t".to_owned(), "thing1=password".to_owned())];
        assert!(check_setting(&input(wrong)).is_err(), "only known values");
    }

    #[test]
    fn text_messages_and_mail_are_switched_on_only_when_they_can_work() {
        let sms = SmsInput {
            enabled: true,
            provider: "tencent".into(),
            key_id: "k".into(),
            secret: "s".into(),
            app: "1400".into(),
            sign: "会馆".into(),
            per_number: "10".into(),
            per_day: "100".into(),
            templates: vec![
                ("reminder".into(), "110".into(), "1=name，2＝event".into()),
                (LOGIN_CODE.into(), String::new(), String::new()),
            ],
            ..SmsInput::default()
        };
        let kept = check_sms(&sms, &SmsSetting::off()).unwrap();
        assert_eq!(kept.templates.len(), 1);
        assert_eq!(kept.template("reminder").unwrap().values[1], ("2".to_owned(), "event".to_owned()));
        assert!(SmsSetting { enabled: false, ..kept.clone() }.template("reminder").is_none());
        let wrong = [
            SmsInput { secret: " ".into(), ..sms.clone() },
            SmsInput { app: String::new(), ..sms.clone() },
            SmsInput { provider: "x".into(), ..sms.clone() },
            SmsInput { base: "http://evil.example".into(), ..sms.clone() },
            SmsInput { per_day: "0".into(), ..sms.clone() },
            SmsInput { templates: vec![("reminder".into(), "1".into(), "a=b".into())], ..sms.clone() },
        ];
        for input in wrong {
            assert!(check_sms(&input, &SmsSetting::off()).is_err(), "{input:?}");
        }
        let mail = MailInput {
            enabled: true,
            host: "smtp.example.org".into(),
            port: "465".into(),
            security: "tls".into(),
            from: "office@example.org".into(),
            per_day: "100".into(),
            ..MailInput::default()
        };
        assert!(check_mail(&mail, &MailSetting::off()).is_ok());
        let wrong = [
            MailInput { from: String::new(), ..mail.clone() },
            MailInput { from: "x".into(), ..mail.clone() },
            MailInput { security: "none".into(), ..mail.clone() },
            MailInput { port: "0".into(), ..mail.clone() },
            MailInput { dkim_domain: "example.org".into(), ..mail.clone() },
            MailInput { bounce: "a b@c.d".into(), ..mail.clone() },
        ];
        for input in wrong {
            assert!(check_mail(&input, &MailSetting::off()).is_err(), "{input:?}");
        }
    }
}
