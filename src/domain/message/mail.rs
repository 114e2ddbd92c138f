//! Mail: the account with a mail server, and what it is signed with.

use crate::{Refusal, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

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
        form.wrong(problem!("mail_per_day", "Give a whole number up to {max}.", max = 1_000_000));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_switched_on_only_when_it_can_work() {
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
