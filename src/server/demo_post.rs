//! The demonstration's post office: stand-ins of a provider of text messages and of a mail server on the box's own address, and a page on which
//! everything that they took can be read. So that notices can be tried without any account.

use crate::command::say;
use domain::message::{LOGIN_CODE, MailInput, SettingInput, SmsInput, template::TemplateInput};
use domain::notice::Purpose;
use gateway::{
    mail::standin::{MailServer, Rules},
    sms::standin::{APP, KEY_ID, Providers, SECRET, SIGN},
    standin::{Answered, Standin, escaped},
};
use service::{
    Actor, Clock, Ctx, Error,
    message::{setting, template},
};
use std::sync::Arc;

/// What runs as long as the demonstration does.
pub struct Post {
    _sms: Standin,
    _page: Standin,
    _mail: Arc<MailServer>,
}

/// What fills the template of an occasion.
fn values(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Message | Purpose::Change => "1=name, 2=text",
        Purpose::AttendCode => "1=name, 2=event, 3=time, 4=attend",
        Purpose::OrderToPay => "1=event, 2=amount, 3=number, 4=until",
        Purpose::OrderRefunded => "1=event, 2=amount",
        Purpose::InvoiceIssued => "1=event, 2=amount, 3=number",
        Purpose::InvoiceRefused | Purpose::InvoiceVoided => "1=event, 2=reason",
        Purpose::PrizeWon => "1=name, 2=event, 3=prize",
        Purpose::PlaceOffered => "1=event, 2=until",
        Purpose::Reminder | Purpose::OrderCompleted => "1=name, 2=event, 3=time",
        Purpose::NewLogin | Purpose::WrongCodes => "1=login, 2=agent, 3=address, 4=time",
        Purpose::BackupTrouble | Purpose::BackupWell => "1=name, 2=time",
        Purpose::ClientEnding => "1=client, 2=time",
        _ => "1=name, 2=event",
    }
}

/// What the demonstration's provider approved: the values one behind the other, as its page shows them.
fn approved(values: &str) -> String {
    let names = values.split(',').filter_map(|pair| pair.split('=').next());
    names.map(|name| format!("{{{}}}", name.trim())).collect::<Vec<_>>().join("，")
}

/// The page: what was taken, newest first.
fn page(providers: &Providers, mail: &MailServer) -> Answered {
    let mut rows = String::new();
    for sms in providers.taken().iter().rev().take(200) {
        let text = format!("【{SIGN}】{}", sms.values.join("，"));
        rows.push_str(&format!("<tr><td>短信</td><td>{}</td><td>{}</td></tr>", escaped(&sms.phone), escaped(&text)));
    }
    for one in mail.taken().iter().rev().take(200) {
        rows.push_str(&format!(
            "<tr><td>邮件</td><td>{}</td><td><pre>{}</pre></td></tr>",
            escaped(&one.to.join(", ")),
            escaped(&one.text())
        ));
    }
    let body = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>演示邮局</title><h1>演示邮局</h1><p>会馆发出的短信和邮件都到这里，刷新可看到新的。</p><table border=\"1\"><tr><th>方式</th><th>收件人</th><th>内容</th></tr>{rows}</table></html>"
    );
    Answered::status(200, body).header("content-type", "text/html; charset=utf-8")
}

/// Starts the stand-ins and sets the ways up for them; their addresses are others at each start.
pub async fn open(ctx: &Ctx, actor: &Actor) -> Result<Post, Error> {
    let failed = |error: std::io::Error| Error::internal("starting the demonstration's post office", error);
    let clock: Arc<dyn Clock> = ctx.clock.clone();
    let providers = Providers::new(Arc::new(move || clock.now()));
    let sms = providers.start().await.map_err(failed)?;
    let mail = Arc::new(MailServer::start(Rules::default()).await.map_err(failed)?);
    let (shown, server) = (providers.clone(), mail.clone());
    let page = Standin::start(move |_| page(&shown, &server)).await.map_err(failed)?;
    let input = SmsInput {
        enabled: true,
        provider: "tencent".into(),
        base: sms.base.clone(),
        key_id: KEY_ID.into(),
        secret: SECRET.into(),
        app: APP.into(),
        sign: SIGN.into(),
        per_number: "50".into(),
        per_day: "5000".into(),
    };
    setting::save_sms(ctx, actor, &input).await?;
    let codes = Purpose::ALL.iter().map(|purpose| (purpose.code(), values(*purpose)));
    for ((code, values), id) in codes.chain(std::iter::once((LOGIN_CODE, "1=code, 2=minutes"))).zip(100..) {
        let input = TemplateInput { text: approved(values), ..TemplateInput::known("sms", &id.to_string(), values) };
        template::save(ctx, actor, code, &[input]).await?;
    }
    template::save_defaults(ctx, actor, "zh-CN", "0.045").await?;
    let input = MailInput {
        enabled: true,
        host: "127.0.0.1".into(),
        port: mail.address.port().to_string(),
        security: "none".into(),
        from: "office@example.org".into(),
        from_name: "江南工商联合会".into(),
        per_day: "2000".into(),
        ..MailInput::default()
    };
    setting::save_mail(ctx, actor, &input).await?;
    // At night, too, whoever tries it wants to see something.
    setting::save(ctx, actor, &SettingInput { attend_after_import: true, ..SettingInput::default() }).await?;
    say(format!("  post office     {}/      (every text message and mail that the hall sends)", page.base));
    Ok(Post { _sms: sms, _page: page, _mail: mail })
}
