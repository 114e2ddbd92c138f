//! The settings of messages: in general, of text messages, of mail; each with a way to try them. Keys and passwords are sealed and never shown.

use super::{mail, sms};
use crate::{Actor, At, Ctx, Error, token};
use domain::{
    MailSetting, MessageSetting, Permission, SmsSetting,
    message::{MailInput, SettingInput, SmsInput, check_mail, check_setting, check_sms},
    phone, problem, refuse,
};
use gateway::sms::Sms;

/// All settings.
pub struct Settings {
    /// In general.
    pub general: MessageSetting,
    /// Text messages, without the key.
    pub sms: SmsSetting,
    /// Mail, without the password and the key.
    pub mail: MailSetting,
    /// Where the public key of mail's signature belongs: name and value; and what is wrong with the key.
    pub record: Option<Result<(String, String), String>>,
    /// The ways that are registered.
    pub ways: Vec<&'static str>,
    /// Occasions that text messages are sent on.
    pub texts: Vec<&'static str>,
    /// Language, and what a text message costs.
    pub defaults: domain::MessageDefaults,
}

/// The settings, for their page.
pub fn get(ctx: &Ctx, actor: &Actor) -> Result<Settings, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let (general, sms, mail) =
        ctx.read(&permit, |view| Ok((super::setting(view)?, sms::setting(view)?, mail::setting(view)?)))?;
    let (texts, defaults) = ctx.read(&permit, |view| {
        let mut texts = Vec::new();
        for (occasion, _) in super::template::occasions() {
            if sms::template_of(view, occasion, "zh-CN")?.is_some() {
                texts.push(occasion);
            }
        }
        Ok((texts, super::template::defaults(view)?))
    })?;
    let account = mail::account(ctx, &mail)?;
    let record = account.dkim.map(|(domain, selector, key)| {
        gateway::mail::dkim::Signer::new(&domain, &selector, &key).map(|signer| signer.record())
    });
    let ways = super::ways(ctx);
    Ok(Settings { general, sms, mail, record, ways, texts, defaults })
}

/// Saves the general settings.
pub async fn save(ctx: &Ctx, actor: &Actor, input: &SettingInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let input = input.clone();
    check_setting(&input, &MessageSetting::default())?;
    ctx.write(&permit, move |work| {
        let text =
            |of: &MessageSetting| format!("{} | {:?} | {}", of.order.join(","), of.quiet, of.attend_after_import);
        let old = super::setting(work.read())?;
        let checked = check_setting(&input, &old)?;
        work.put(&checked)?;
        work.audit("message.settings", "message", &text(&old), &text(&checked))
    })
    .await
}

/// Saves the settings of text messages; an empty key stays as it is.
pub async fn save_sms(ctx: &Ctx, actor: &Actor, input: &SmsInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let old = ctx.read(&permit, sms::setting)?;
    let mut checked = check_sms(input, &old)?;
    if !input.secret.trim().is_empty() {
        checked.secret = ctx.sealer.seal(ctx.random.as_ref(), &sms::SEALED, input.secret.trim())?;
    }
    if checked.callback.is_empty() {
        checked.callback = token::new(ctx.random.as_ref());
    }
    ctx.write(&permit, move |work| {
        let text = |of: &SmsSetting| format!("{} {} {}", of.enabled, of.provider.code(), of.key_id);
        let before = text(&sms::setting(work.read())?);
        work.put(&checked)?;
        work.audit("message.settings", "message/sms", &before, &text(&checked))
    })
    .await
}

/// Saves the settings of mail; an empty password and an empty key stay as they are.
pub async fn save_mail(ctx: &Ctx, actor: &Actor, input: &MailInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let old = ctx.read(&permit, mail::setting)?;
    let mut checked = check_mail(input, &old)?;
    if !input.password.is_empty() {
        checked.password = ctx.sealer.seal(ctx.random.as_ref(), &mail::SEALED_PASSWORD, &input.password)?;
    }
    if !input.dkim_key.trim().is_empty() {
        let (domain, selector) = (&input.dkim_domain, &input.dkim_selector);
        if gateway::mail::dkim::Signer::new(domain, selector, &input.dkim_key).is_err() {
            let wrong = problem!("dkim_key", "This is no private RSA key in PEM with 2048 bits or more.");
            return Err(domain::Refusal::invalid(vec![wrong]).into());
        }
        checked.dkim_key = ctx.sealer.seal(ctx.random.as_ref(), &mail::SEALED_KEY, input.dkim_key.trim())?;
    }
    if checked.dkim.is_none() {
        checked.dkim_key.clear();
    }
    ctx.write(&permit, move |work| {
        let text = |of: &MailSetting| format!("{} {}:{} {}", of.enabled, of.host, of.port, of.from);
        let before = text(&mail::setting(work.read())?);
        work.put(&checked)?;
        work.audit("message.settings", "message/mail", &before, &text(&checked))
    })
    .await
}

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// It works; with the other side's number, or what is left of the packages.
    Works(String),
    /// It does not, and what was said.
    Fails(String),
}

/// Sends a text message of one occasion to a number, past the outbox, so that the answer is seen at once. It counts and is logged like any other audit line.
pub async fn try_sms(ctx: &Ctx, actor: &Actor, to: &str, occasion: &str) -> Result<Trial, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let wrong = || domain::Refusal::invalid(vec![problem!("to", "This is no phone number.")]);
    let phone = phone::normalise(to).ok_or_else(wrong)?;
    let (setting, template) = ctx.read(&permit, |view| {
        let lang = super::template::defaults(view)?.lang;
        Ok((sms::setting(view)?, sms::template_of(view, occasion, &lang)?))
    })?;
    let none =
        || refuse!(Conflict, "sms.no_template", "There is no template for this occasion, or text messages are off.");
    let template = template.ok_or_else(none)?;
    let sample = super::template::sample(&template.lang, &ctx.zone(permit.space)?, ctx.now());
    let value = |ours: &str| super::value(&sample, ours).to_owned();
    let message = Sms {
        phone: phone.clone(),
        template: template.id.clone(),
        values: template.values.iter().map(|(theirs, ours)| (theirs.clone(), value(ours))).collect(),
        ours: "trial".into(),
    };
    let answer = sms::account(ctx, &setting)?.send(ctx.egress()?, &message, &sms::stamp(ctx)).await;
    let trial = match answer {
        Ok(reference) => Trial::Works(reference),
        Err(trouble) => Trial::Fails(trouble.why),
    };
    noted(ctx, &permit, "message/sms", &domain::phone::masked(&phone), &trial).await?;
    Ok(trial)
}

/// Asks the provider of text messages what is left of the packages, which tries address, key and clock without sending anything.
pub async fn try_balance(ctx: &Ctx, actor: &Actor) -> Result<Trial, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let setting = ctx.read(&permit, sms::setting)?;
    if !setting.enabled {
        return Err(refuse!(
            Conflict,
            "sms.no_template",
            "There is no template for this occasion, or text messages are off."
        )
        .into());
    }
    Ok(match sms::account(ctx, &setting)?.left(ctx.egress()?, &sms::stamp(ctx)).await {
        Ok(left) => Trial::Works(left.map_or_else(String::new, |left| left.to_string())),
        Err(trouble) => Trial::Fails(trouble.why),
    })
}

/// Tries the mail server: connection, encryption and login, without sending anything.
pub async fn try_mail(ctx: &Ctx, actor: &Actor) -> Result<Trial, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let setting = ctx.read(&permit, mail::setting)?;
    if !setting.enabled {
        return Err(refuse!(Conflict, "mail.off", "No mail can be sent at the moment. Choose another way.").into());
    }
    Ok(match mail::account(ctx, &setting)?.test().await {
        Ok(()) => Trial::Works(String::new()),
        Err(trouble) => Trial::Fails(trouble.why),
    })
}

async fn noted(ctx: &Ctx, permit: &crate::Permit, subject: &'static str, to: &str, trial: &Trial) -> Result<(), Error> {
    let said = match trial {
        Trial::Works(reference) => format!("{to}: works {reference}"),
        Trial::Fails(why) => format!("{to}: {why}"),
    };
    ctx.write(permit, move |work| work.audit("message.try", subject, "", &said)).await
}
