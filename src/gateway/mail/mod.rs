//! Mail by SMTP: one text to one address, signed for the sender's domain, with a bounce address of its own and a way out of lists.

pub mod dkim;
pub mod standin;

use crate::egress::{Done, Trouble};
use domain::{Time, message::MailSecurity};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::Envelope,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use std::fmt;
use std::time::Duration;

/// How long a mail server may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// An account with a mail server.
#[derive(Clone)]
pub struct Account {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is made safe.
    pub security: MailSecurity,
    /// Login; empty: none.
    pub user: String,
    /// Password.
    pub password: String,
    /// Sender: address and name.
    pub from: (String, String),
    /// Address for answers; empty: the sender's.
    pub reply_to: String,
    /// Address that undeliverable mail goes back to; empty: the sender's.
    pub bounce: String,
    /// Domain, selector and private key (PEM) of the signature.
    pub dkim: Option<(String, String, String)>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} as {}", self.host, self.port, self.from.0)
    }
}

/// One mail.
#[derive(Clone)]
pub struct Mail {
    /// Whom it is for: address and name.
    pub to: (String, String),
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
    /// Our own number of it, which makes its Message-ID.
    pub ours: String,
    /// Address of a page where the reader leaves the list; for what goes to many.
    pub leave: Option<String>,
}

fn wrong(what: &str, error: impl fmt::Display) -> Trouble {
    Trouble::new(Done::Refused, format!("{what}: {error}"))
}

fn mailbox(of: &(String, String)) -> Result<Mailbox, Trouble> {
    let address = of.0.parse::<Address>().map_err(|error| wrong("address", error))?;
    // Names come from people: what would end a header is taken out.
    let name: String = of.1.chars().filter(|c| !c.is_control()).take(80).collect();
    Ok(Mailbox::new((!name.is_empty()).then_some(name), address))
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

impl Account {
    fn domain(&self) -> &str {
        self.from.0.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }

    /// The message as it is sent, signed where a key is set up; and its Message-ID.
    pub fn compose(&self, mail: &Mail, now: Time) -> Result<(Vec<u8>, String), Trouble> {
        let id = format!("<{}@{}>", mail.ours, self.domain());
        let date = std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
        let mut builder = Message::builder()
            .from(mailbox(&self.from)?)
            .to(mailbox(&mail.to)?)
            .subject(mail.subject.clone())
            .message_id(Some(id.clone()))
            .date(date)
            .header(ContentType::TEXT_PLAIN)
            .raw_header(header("Auto-Submitted", "auto-generated".into()));
        if !self.reply_to.is_empty() {
            builder = builder.reply_to(mailbox(&(self.reply_to.clone(), String::new()))?);
        }
        if let Some(leave) = &mail.leave {
            builder = builder
                .raw_header(header("List-Unsubscribe", format!("<{leave}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
        }
        let message = builder.body(mail.text.clone()).map_err(|error| wrong("message", error))?;
        let mut bytes = message.formatted();
        if let Some((domain, selector, key)) = &self.dkim {
            let signer = dkim::Signer::new(domain, selector, key).map_err(|error| wrong("signature", error))?;
            let head = signer.sign(&bytes, now).map_err(|error| wrong("signature", error))?;
            bytes.splice(0..0, head.into_bytes());
        }
        Ok((bytes, id))
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, Trouble> {
        let tls = || TlsParameters::new_rustls(self.host.clone()).map_err(|error| wrong("TLS", error));
        let tls = match self.security {
            MailSecurity::Tls => Tls::Wrapper(tls()?),
            MailSecurity::StartTls => Tls::Required(tls()?),
            MailSecurity::None if matches!(self.host.as_str(), "127.0.0.1" | "localhost") => Tls::None,
            MailSecurity::None => return Err(Trouble::new(Done::Refused, "without TLS only this box itself")),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::Domain(self.domain().to_owned()))
            .timeout(Some(TIMEOUT));
        let login = (!self.user.is_empty()).then(|| Credentials::new(self.user.clone(), self.password.clone()));
        Ok(match login {
            Some(login) => builder.credentials(login).build(),
            None => builder.build(),
        })
    }

    /// Hands a mail over; answers its Message-ID.
    pub async fn send(&self, mail: &Mail, now: Time) -> Result<String, Trouble> {
        let (bytes, id) = self.compose(mail, now)?;
        let parse = |text: &str| text.parse::<Address>().map_err(|error| wrong("address", error));
        let back = if self.bounce.is_empty() { &self.from.0 } else { &self.bounce };
        let envelope = Envelope::new(Some(parse(back)?), vec![parse(&mail.to.0)?]);
        let envelope = envelope.map_err(|error| wrong("envelope", error))?;
        let transport = self.transport()?;
        // The greeting and the login first: what fails there is certainly not sent.
        let greeted =
            transport.test_connection().await.map_err(|error| Trouble { done: early(&error), ..told(&error) })?;
        if !greeted {
            return Err(Trouble::new(Done::Not, "the mail server does not answer"));
        }
        transport.send_raw(&envelope, &bytes).await.map_err(|error| told(&error))?;
        Ok(id)
    }

    /// Tries the server and the login without sending anything.
    pub async fn test(&self) -> Result<(), Trouble> {
        let answered = self.transport()?.test_connection().await.map_err(|error| told(&error))?;
        if answered { Ok(()) } else { Err(Trouble::new(Done::Not, "the mail server does not answer")) }
    }
}

/// What a failure before anything was sent means.
fn early(error: &lettre::transport::smtp::Error) -> Done {
    if error.is_permanent() { Done::Refused } else { Done::Not }
}

fn told(error: &lettre::transport::smtp::Error) -> Trouble {
    // A server's own words say what it did with the mail; a connection that broke says nothing.
    let done = match (error.is_permanent(), error.is_transient()) {
        (true, _) => Done::Refused,
        (_, true) => Done::Not,
        _ => Done::Unknown,
    };
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    Trouble::new(done, text.chars().take(300).collect::<String>())
}

#[cfg(test)]
mod tests;
