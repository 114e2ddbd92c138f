//! Text messages: the provider's account, its approved templates, limits, and the lines of their log.

use crate::{EventId, OutgoingId, Refusal, Time, problem, text::Form};
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
    /// Approved templates as the box kept them before there were [`super::MessageTemplate`]s.
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
    form.done(SmsSetting {
        enabled: input.enabled,
        provider,
        base,
        key_id,
        app,
        sign,
        per_number,
        per_day,
        ..old.clone()
    })
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

    #[test]
    fn text_messages_are_switched_on_only_when_they_can_work() {
        let sms = SmsInput {
            enabled: true,
            provider: "tencent".into(),
            key_id: "k".into(),
            secret: "s".into(),
            app: "1400".into(),
            sign: "会馆".into(),
            per_number: "10".into(),
            per_day: "100".into(),
            ..SmsInput::default()
        };
        assert!(check_sms(&sms, &SmsSetting::off()).unwrap().enabled);
        let wrong = [
            SmsInput { secret: " ".into(), ..sms.clone() },
            SmsInput { app: String::new(), ..sms.clone() },
            SmsInput { provider: "x".into(), ..sms.clone() },
            SmsInput { base: "http://evil.example".into(), ..sms.clone() },
            SmsInput { per_day: "0".into(), ..sms.clone() },
        ];
        for input in wrong {
            assert!(check_sms(&input, &SmsSetting::off()).is_err(), "{input:?}");
        }
    }
}
