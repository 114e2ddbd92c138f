//! Text messages (S0-41, S0-46): carried by the provider that is set up, within limits of each number and day, with a log of what became of them.

use super::{Channel, NO_TEMPLATE, OFF, Prepared, Reading, Ready, day, template, value};
use crate::{
    Actor, At, Ctx, Error, Work,
    outbox::{self, Carrier, Carrying, Letter},
    seal::{Kind, Spot},
    token,
};
use domain::{
    EventId, Outgoing, OutgoingId, Permission, Refusal, SmsLine, SmsSetting, SpaceId, Time,
    message::{LOGIN_CODE, SmsProvider},
    outbox::{OutState, Outcome},
    phone, refuse,
    time::{DAY, HOUR, MINUTE},
};
use gateway::sms::{Account, Delivery, Sms, Stamp, aliyun, tencent};
use serde::{Deserialize, Serialize};
use store::catalogue::{PERSON_BY_PHONE, SMS_BY_EVENT, SMS_BY_REFERENCE, SMS_OF_DAY, SMS_OF_NUMBER, SMS_TO_ASK};
use store::{Order as Sort, Read, SpaceView};
use subtle::ConstantTimeEq;

/// The way.
pub const WAY: &str = "sms";
/// The context that the key is sealed for.
pub(crate) const SEALED: Spot = Spot::only(Kind::Sms, "sms/secret");

/// What an entry holds.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    phone: String,
    occasion: String,
    values: Vec<(String, String)>,
    /// Language tag; empty in entries of earlier versions: Chinese.
    #[serde(default)]
    lang: String,
}

/// Carries text messages, and is the way to readers by them.
pub struct Texts;

/// The settings.
pub(crate) fn setting(view: &impl Read) -> Result<SmsSetting, Error> {
    Ok(view.get::<SmsSetting>(&())?.unwrap_or_else(SmsSetting::off))
}

/// The account that the settings describe.
pub(super) fn account(ctx: &Ctx, setting: &SmsSetting) -> Result<Account, Error> {
    let usual = match setting.provider {
        SmsProvider::Aliyun => aliyun::BASE,
        SmsProvider::Tencent => tencent::BASE,
    };
    Ok(Account {
        provider: setting.provider,
        base: if setting.base.is_empty() { usual.to_owned() } else { setting.base.clone() },
        key_id: setting.key_id.clone(),
        secret: ctx.sealer.open(&SEALED, &setting.secret)?,
        app: setting.app.clone(),
        sign: setting.sign.clone(),
    })
}

pub(super) fn stamp(ctx: &Ctx) -> Stamp {
    Stamp { now: ctx.now(), nonce: token::new(ctx.random.as_ref()) }
}

impl Channel for Texts {
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

fn ready(view: &impl Read, of: &Reading<'_>) -> Result<Ready, Error> {
    let occasion = of.notice.purpose.code();
    if !setting(view)?.enabled {
        return Ok(Ready::No(OFF));
    }
    let Some(phone) = &of.notice.phone else { return Ok(Ready::No("No phone number is known.")) };
    if template::find(view, occasion, WAY, of.lang)?.is_none() {
        return Ok(Ready::No(NO_TEMPLATE));
    }
    prepared(phone, (occasion, of.lang), of.values).map(Ready::Yes)
}

/// The template of an occasion, when messages of it can be sent.
pub(super) fn template_of(
    view: &impl Read,
    occasion: &str,
    lang: &str,
) -> Result<Option<domain::MessageTemplate>, Error> {
    if setting(view)?.enabled { template::find(view, occasion, WAY, lang) } else { Ok(None) }
}

fn prepared(phone: &str, (occasion, lang): (&str, &str), values: &[(String, String)]) -> Result<Prepared, Error> {
    let payload = Payload {
        phone: phone.to_owned(),
        occasion: occasion.to_owned(),
        values: values.to_vec(),
        lang: lang.to_owned(),
    };
    let payload = serde_json::to_vec(&payload).map_err(|error| Error::internal("writing a message", error))?;
    Ok(Prepared { target: phone::masked(phone), payload })
}

/// Puts a code to log in with into the outbox, in the running transaction. `once` makes it one message; it is of use for `minutes`. Refused when
/// no text messages can be sent.
pub fn put_code(work: &mut Work<'_, '_>, phone: &str, code: &str, minutes: u32, once: &str) -> Result<(), Error> {
    if !can_send_code(work.read())? {
        return Err(
            refuse!(Conflict, "sms.off", "No text messages can be sent at the moment. Choose another way.").into()
        );
    }
    let values = [("code".to_owned(), code.to_owned()), ("minutes".to_owned(), minutes.to_string())];
    let known = work.read().find_key::<domain::Person, _>(&PERSON_BY_PHONE, &phone.to_owned())?;
    let lang = template::lang_of(work.read(), known)?;
    let prepared = prepared(phone, (LOGIN_CODE, &lang), &values)?;
    let letter = Letter {
        kind: WAY,
        target: prepared.target,
        subject: "login code".into(),
        event: None,
        payload: prepared.payload,
        secret: true,
        once: format!("code/{once}"),
        due_at: work.now,
        expires_at: work.now.plus(i64::from(minutes) * MINUTE),
    };
    if let Some(entry) = outbox::put(work, letter)? {
        super::person::note_code(work, entry, known, WAY)?;
    }
    Ok(())
}

/// Whether codes to log in with can be sent.
pub fn can_send_code(view: &impl Read) -> Result<bool, Error> {
    Ok(template_of(view, LOGIN_CODE, "zh-CN")?.is_some())
}

/// What keeps a message from being sent now: the limits of its number and of the day.
fn limit(
    view: &impl Read,
    setting: &SmsSetting,
    phone: &str,
    now: Time,
    zone: &jiff::tz::TimeZone,
) -> Result<Option<Outcome>, Error> {
    let today = day(now, zone);
    if view.count(&SMS_OF_NUMBER, &(today, phone.to_owned()))? >= i64::from(setting.per_number) {
        return Ok(Some(Outcome::Refused("the limit of this number for today is reached".into())));
    }
    if view.count(&SMS_OF_DAY, &today)? >= i64::from(setting.per_day) {
        let offset = i64::from(now.zoned(zone).offset().seconds()) * domain::time::SECOND;
        let tomorrow = Time((today + 1) * DAY - offset);
        let why = "the limit of the day is reached".to_owned();
        return Ok(Some(Outcome::Not { why, after: Some(tomorrow.since(now)) }));
    }
    Ok(None)
}

impl Carrier for Texts {
    fn kind(&self) -> &'static str {
        WAY
    }

    /// Neither provider knows a message by a key of ours.
    fn idempotent(&self) -> bool {
        false
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move {
            carry(ctx, space, entry)
                .await
                .unwrap_or_else(|error| crate::outbox::unprepared("a text message could not be prepared", &error))
        })
    }

    /// What was sent, and what was perhaps, is in the log and counts against the limits.
    fn settled(&self, work: &mut Work<'_, '_>, entry: &Outgoing) -> Result<(), Error> {
        if !matches!(entry.state, OutState::Sent | OutState::Unsure) {
            return Ok(());
        }
        let Ok(payload) = serde_json::from_slice::<Payload>(&entry.payload) else { return Ok(()) };
        let zone = zone()?;
        work.put(&SmsLine {
            id: entry.id,
            phone: payload.phone,
            occasion: payload.occasion,
            event: entry.event,
            day: day(work.now, &zone),
            at: work.now,
            reference: entry.reference.clone(),
            failed: None,
            asked: 0,
            ask_at: (!entry.reference.is_empty()).then(|| work.now.plus(MINUTE)),
        })
    }

    fn at_once(&self) -> usize {
        4
    }
}

/// The day by which limits count.
pub(crate) fn today(now: Time) -> Result<i64, Error> {
    Ok(day(now, &zone()?))
}

/// Limits follow the provider's day, which is China's.
fn zone() -> Result<jiff::tz::TimeZone, Error> {
    domain::time::zone("Asia/Shanghai").ok_or_else(|| Error::Internal("no zone".into()))
}

async fn carry(ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Error> {
    let payload: Payload =
        serde_json::from_slice(&entry.payload).map_err(|error| Error::internal("reading a message", error))?;
    let now = ctx.now();
    let (setting, limited, template) = ctx.read(&ctx.own(space), |view| {
        let setting = setting(view)?;
        let limited = limit(view, &setting, &payload.phone, now, &zone()?)?;
        let lang = if payload.lang.is_empty() { "zh-CN" } else { &payload.lang };
        Ok((setting, limited, template_of(view, &payload.occasion, lang)?))
    })?;
    if let Some(outcome) = limited {
        return Ok(outcome);
    }
    let Some(template) = template else {
        return Ok(Outcome::Refused("there is no template for this occasion".into()));
    };
    let values = template.values.iter();
    let sms = Sms {
        phone: payload.phone.clone(),
        template: template.id.clone(),
        values: values.map(|(theirs, ours)| (theirs.clone(), value(&payload.values, ours).to_owned())).collect(),
        ours: format!("{space}-{}", entry.id),
    };
    let account = account(ctx, &setting)?;
    Ok(match account.send(ctx.egress()?, &sms, &stamp(ctx)).await {
        Ok(reference) => Outcome::Done(reference),
        Err(trouble) => trouble.into(),
    })
}

/// When the provider is asked what became of a message, after so many times.
fn ask_after(asked: u32) -> Option<i64> {
    match asked {
        0 => Some(MINUTE),
        1 => Some(10 * MINUTE),
        2 => Some(HOUR),
        3 => Some(12 * HOUR),
        _ => None,
    }
}

/// Messages that are asked for in one go.
const ASKED_AT_ONCE: usize = 20;

/// Asks what became of messages that were sent a while ago, in the background. Called by the clock.
pub fn start_asking(ctx: &Ctx, space: SpaceId) {
    let Ok(held) = ctx.outbox.turn(space, "sms.report").try_lock_owned() else { return };
    let ctx = ctx.clone();
    tokio::spawn(async move {
        if let Err(error) = ask(&ctx, space).await {
            tracing::warn!(%error, "reports of text messages");
        }
        drop(held);
    });
}

/// Asks what became of messages; answers how many are known now.
pub async fn ask(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (permit, now) = (ctx.own(space), ctx.now());
    let (setting, open) = ctx.read(&permit, |view| {
        let mut open = Vec::new();
        for entry in view.scan_entries(&SMS_TO_ASK, &(), None, Sort::Ascending).take(ASKED_AT_ONCE) {
            let (at, id) = entry?;
            if at > now.0 {
                break;
            }
            open.extend(view.get::<SmsLine>(&id)?);
        }
        Ok((setting(view)?, open))
    })?;
    if open.is_empty() || !setting.enabled {
        return Ok(0);
    }
    let account = account(ctx, &setting)?;
    let mut known = 0;
    for line in open {
        let asked = account.ask(ctx.egress()?, &line.phone, &line.reference, line.at, &stamp(ctx)).await;
        let delivery = asked.unwrap_or_else(|trouble| {
            tracing::warn!(why = %trouble, "asking about a text message");
            Delivery::Pending
        });
        known += usize::from(delivery != Delivery::Pending);
        note(ctx, space, vec![(line.id, delivery)]).await?;
    }
    Ok(known)
}

/// Keeps what became of messages.
async fn note(ctx: &Ctx, space: SpaceId, reports: Vec<(OutgoingId, Delivery)>) -> Result<(), Error> {
    ctx.write(&ctx.own(space), move |work| {
        for (id, delivery) in &reports {
            let Some(mut line) = work.read().get::<SmsLine>(id)? else { continue };
            match delivery {
                Delivery::Delivered => line.failed = Some(String::new()),
                Delivery::Failed(code) => line.failed = Some(code.chars().take(80).collect()),
                Delivery::Pending => line.asked = line.asked.saturating_add(1),
            }
            let next = ask_after(line.asked).filter(|_| line.failed.is_none());
            line.ask_at = next.map(|after| work.now.plus(after));
            work.put(&line)?;
        }
        work.audit("sms.report", "sms", "", &format!("{} reports", reports.len()))
    })
    .await
}

/// Takes the reports that a provider posts. `key` is the secret part of the address; both providers sign nothing.
pub async fn report(ctx: &Ctx, space: SpaceId, key: &str, body: &[u8]) -> Result<(), Error> {
    let wrong = || Refusal::missing("page");
    let mut known = Vec::new();
    let reports = gateway::sms::reports(body);
    ctx.read(&ctx.own(space), |view| {
        let setting = setting(view)?;
        let right = bool::from(setting.callback.as_bytes().ct_eq(key.as_bytes()));
        if setting.callback.is_empty() || !right {
            return Err(wrong().into());
        }
        let unread = || refuse!(Invalid, "sms.report", "This is no report of text messages.");
        for report in reports.ok_or_else(unread)? {
            for id in view.scan_index(&SMS_BY_REFERENCE, &report.reference, None, Sort::Descending).take(10) {
                let id = id?;
                // One reference may be of a batch: the number decides.
                if view.get::<SmsLine>(&id)?.is_some_and(|line| line.phone == report.phone && line.failed.is_none()) {
                    known.push((id, report.delivery.clone()));
                }
            }
        }
        Ok(())
    })?;
    if known.is_empty() { Ok(()) } else { note(ctx, space, known).await }
}

/// A page of the log.
pub struct Log {
    /// Its lines, newest first.
    pub lines: Vec<SmsLine>,
    /// Where the next page goes on.
    pub next: Option<OutgoingId>,
    /// Sent today, and the limit.
    pub today: (i64, u32),
}

/// Lines of one page.
pub const PAGE: usize = 50;

/// The log of text messages, of an event or of all.
pub fn log(ctx: &Ctx, actor: &Actor, event: Option<EventId>, before: Option<OutgoingId>) -> Result<Log, Error> {
    let permit = match event {
        Some(event) => ctx.permit(actor, Permission::NoticeSend, At::Event(event))?,
        None => ctx.permit(actor, Permission::OutboxManage, At::Space)?,
    };
    let now = ctx.now();
    ctx.read(&permit, |view| {
        let keys = match event {
            Some(event) => {
                let from = before.map(|id| (event, id));
                view.scan_index(&SMS_BY_EVENT, &event, from.as_ref(), Sort::Descending)
            }
            None => view.scan_keys::<SmsLine>(&(), before.as_ref(), Sort::Descending),
        };
        let mut lines = Vec::new();
        for key in keys.take(PAGE) {
            lines.extend(view.get::<SmsLine>(&key?)?);
        }
        let next = lines.last().map(|line| line.id).filter(|_| lines.len() == PAGE);
        let today = (view.count(&SMS_OF_DAY, &day(now, &zone()?))?, setting(view)?.per_day);
        Ok(Log { lines, next, today })
    })
}

/// How long lines are kept: what a number was sent is nobody's business for ever.
const KEPT_MILLIS: i64 = 180 * DAY;

/// Removes lines that are old; answers how many. Called by the clock.
pub async fn tidy(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (permit, now) = (ctx.own(space), ctx.now());
    let mut old: Vec<OutgoingId> = Vec::new();
    ctx.read(&permit, |view| {
        for kept in view.scan::<SmsLine>(&(), None, Sort::Ascending).take(200) {
            let (id, line) = kept?;
            if line.at.plus(KEPT_MILLIS) > now {
                break;
            }
            old.push(id);
        }
        Ok(())
    })?;
    let count = old.len();
    if count > 0 {
        ctx.write(&permit, move |work| {
            for id in &old {
                work.remove::<SmsLine>(id)?;
            }
            work.audit("sms.tidy", "sms", "", &format!("{count} removed"))
        })
        .await?;
    }
    Ok(count)
}

/// Removes an event's lines when it is archived.
pub(super) async fn forget_event(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<(), Error> {
    let permit = ctx.own(space);
    let ids: Vec<OutgoingId> = ctx.read(&permit, |view| {
        let keys = view.scan_index(&SMS_BY_EVENT, &event, None, Sort::Ascending);
        Ok(keys.collect::<Result<Vec<_>, _>>()?)
    })?;
    for step in ids.chunks(200) {
        let step = step.to_vec();
        ctx.write(&permit, move |work| {
            for id in &step {
                work.remove::<SmsLine>(id)?;
            }
            work.audit("archive.freeze", format!("event/{event}/archive"), &format!("{} text messages", step.len()), "")
        })
        .await?;
    }
    Ok(())
}
