//! Mail: carried by the association's own mail server account, signed where a key is set up; what goes to many has a way out.

use super::{Channel, OFF, Prepared, Reading, Ready, template};
use crate::{
    Ctx, Error, Work,
    outbox::{Carrier, Carrying},
    seal::{Kind, Spot},
};
use domain::{
    MailSetting, Outgoing, SpaceId, Time,
    outbox::Outcome,
    time::{DAY, HOUR, MINUTE},
};
use gateway::mail::{Account, Mail};
use serde::{Deserialize, Serialize};
use store::catalogue::OUT_SENT;
use store::{Read, SpaceView};

/// The way.
pub const WAY: &str = "mail";
/// The context that the password is sealed for.
pub(crate) const SEALED_PASSWORD: Spot = Spot::only(Kind::MailPassword, "mail/password");
/// The context that the key of the signature is sealed for.
pub(crate) const SEALED_KEY: Spot = Spot::only(Kind::MailKey, "mail/dkim");

/// What an entry holds.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    to: String,
    name: String,
    subject: String,
    text: String,
    leave: Option<String>,
}

/// Carries mail, and is the way to readers by it.
pub struct Mails;

/// The settings.
pub(crate) fn setting(view: &impl Read) -> Result<MailSetting, Error> {
    Ok(view.get::<MailSetting>(&())?.unwrap_or_else(MailSetting::off))
}

/// The account that the settings describe.
pub(super) fn account(ctx: &Ctx, setting: &MailSetting) -> Result<Account, Error> {
    let open = |spot: &Spot, sealed: &[u8]| match sealed {
        [] => Ok(String::new()),
        sealed => ctx.sealer.open(spot, sealed),
    };
    let key = open(&SEALED_KEY, &setting.dkim_key)?;
    let dkim = setting.dkim.clone().filter(|_| !key.is_empty());
    Ok(Account {
        host: setting.host.clone(),
        port: setting.port,
        security: setting.security,
        user: setting.user.clone(),
        password: open(&SEALED_PASSWORD, &setting.password)?,
        from: (setting.from.clone(), setting.from_name.clone()),
        reply_to: setting.reply_to.clone(),
        bounce: setting.bounce.clone(),
        dkim: dkim.map(|(domain, selector)| (domain, selector, key)),
    })
}

/// A mail address as lists show it: `l***@example.com`.
pub(crate) fn masked(address: &str) -> String {
    match address.split_once('@') {
        Some((user, host)) => format!("{}***@{host}", user.chars().next().unwrap_or('*')),
        None => "***".to_owned(),
    }
}

impl Channel for Mails {
    fn way(&self) -> &'static str {
        WAY
    }

    fn prepare(&self, work: &Work<'_, '_>, of: &Reading<'_>) -> Result<Ready, Error> {
        ready(work.read(), of)
    }

    fn estimate(&self, view: &SpaceView, of: &Reading<'_>) -> Result<Ready, Error> {
        ready(view, of)
    }
}

/// A mail to the reader; the occasion may have a subject and a text for mail alone.
fn ready(view: &impl Read, of: &Reading<'_>) -> Result<Ready, Error> {
    if !setting(view)?.enabled {
        return Ok(Ready::No(OFF));
    }
    let Some(mail) = of.mail else { return Ok(Ready::No("No e-mail address is known.")) };
    let own = template::exact(view, of.notice.purpose.code(), WAY, of.lang)?.unwrap_or_default();
    let pick =
        |own: &str, usual: &str| if own.is_empty() { usual.to_owned() } else { domain::notice::fill(own, of.values) };
    let text = pick(&own.text, of.words);
    if text.is_empty() {
        return Ok(Ready::No("There are no words for this occasion."));
    }
    let subject = match of.notice.value("subject") {
        Some(written) if !written.is_empty() => written.to_owned(),
        _ => pick(&own.subject, of.subject),
    };
    let payload = Payload {
        to: mail.to_owned(),
        name: of.notice.name.clone(),
        subject,
        text,
        leave: of.leave.map(str::to_owned),
    };
    let payload = serde_json::to_vec(&payload).map_err(|error| Error::internal("writing a mail", error))?;
    Ok(Ready::Yes(Prepared { target: masked(mail), payload }))
}

/// Puts a code to log in with into the outbox, in the running transaction; its words are the caller's.
pub fn put_code(
    work: &mut Work<'_, '_>,
    mail: &str,
    (subject, text): (&str, &str),
    minutes: u32,
    once: &str,
) -> Result<(), Error> {
    if !setting(work.read())?.enabled {
        return Err(
            domain::refuse!(Conflict, "mail.off", "No mail can be sent at the moment. Choose another way.").into()
        );
    }
    let payload = Payload {
        to: mail.to_owned(),
        name: String::new(),
        subject: subject.to_owned(),
        text: text.to_owned(),
        leave: None,
    };
    let payload = serde_json::to_vec(&payload).map_err(|error| Error::internal("writing a mail", error))?;
    let letter = crate::outbox::Letter {
        kind: WAY,
        target: masked(mail),
        subject: "login code".into(),
        event: None,
        payload,
        secret: true,
        once: format!("mail code/{once}"),
        due_at: work.now,
        expires_at: work.now.plus(i64::from(minutes) * MINUTE),
    };
    if let Some(entry) = crate::outbox::put(work, letter)? {
        let key = (domain::identity::IdentityKind::Email as u8, mail.to_owned());
        let known = work.read().get::<domain::Identity>(&key)?.map(|identity| identity.person);
        super::person::note_code(work, entry, known, WAY)?;
    }
    Ok(())
}

impl Carrier for Mails {
    fn kind(&self) -> &'static str {
        WAY
    }

    /// A mail server does not look for a Message-ID that it knows.
    fn idempotent(&self) -> bool {
        false
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move {
            carry(ctx, space, entry)
                .await
                .unwrap_or_else(|error| crate::outbox::unprepared("a mail could not be prepared", &error))
        })
    }

    /// One conversation at a time is what small accounts allow.
    fn at_once(&self) -> usize {
        2
    }
}

async fn carry(ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Error> {
    let payload: Payload =
        serde_json::from_slice(&entry.payload).map_err(|error| Error::internal("reading a mail", error))?;
    let now = ctx.now();
    let today = now.0.div_euclid(DAY);
    let (setting, sent) =
        ctx.read(&ctx.own(space), |view| Ok((setting(view)?, view.count(&OUT_SENT, &(WAY.to_owned(), today))?)))?;
    if !setting.enabled {
        return Ok(Outcome::Not { why: "mail is switched off".into(), after: Some(HOUR) });
    }
    if sent >= i64::from(setting.per_day) {
        let after = Some(Time((today + 1) * DAY).since(now));
        return Ok(Outcome::Not { why: "the limit of the day is reached".into(), after });
    }
    let text = match &payload.leave {
        Some(leave) => format!("{}\n\n--\n{leave}\n", payload.text),
        None => format!("{}\n", payload.text),
    };
    let mail = Mail {
        to: (payload.to, payload.name),
        subject: payload.subject,
        text,
        ours: format!("{space}.{}.{}", entry.id, entry.created_at.0),
        leave: payload.leave,
    };
    Ok(match account(ctx, &setting)?.send(&mail, now).await {
        Ok(id) => Outcome::Done(id),
        Err(trouble) => trouble.into(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_are_masked() {
        assert_eq!(super::masked("li.si@example.com"), "l***@example.com");
        assert_eq!(super::masked("nothing"), "***");
    }
}
