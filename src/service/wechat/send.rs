//! Messages through WeChat and WeCom: what carries their entries of the outbox, and what follows from how it went.

use super::{credit, mini, official, wecom};
use crate::{
    Actor, At, Ctx, Error, Work,
    outbox::{self, Carrier, Carrying, Letter},
};
use domain::{
    EventId, Outgoing, Permission, Problem, Refusal, SpaceId, Time, WechatLink, WechatLinkId,
    corp::{CorpInput, CorpMessage, check_corp},
    outbox::{OutState, Outcome},
    problem,
    time::{HOUR, MINUTE},
    wechat::Consent,
};
use gateway::wechat::{
    Act, Fault,
    crypt::sha1,
    mini::{Build, Subscribe},
    official::TemplateMessage,
    wecom::{Media, MediaFault, Message, To},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::Arc;
use store::Read;

/// Kind of entry: subscribe message of the mini-program.
pub const SUBSCRIBE: &str = "wechat.subscribe";
/// Kind of entry: template message of the official account.
pub const TEMPLATE: &str = "wechat.template";
/// Kind of entry: message to WeCom members.
pub const WECOM: &str = "wecom.message";

/// Lets the outbox carry what goes through WeChat.
pub(super) fn register(ctx: &Ctx) {
    outbox::register(ctx, Arc::new(SubscribeCarrier));
    outbox::register(ctx, Arc::new(TemplateCarrier));
    outbox::register(ctx, Arc::new(WecomCarrier));
}

/// A message to one person by a template: what both kinds of WeChat messages need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToOne {
    /// To whom.
    pub link: u64,
    /// Template.
    pub template: String,
    /// Page of the mini-program, or address; empty: none.
    pub opens: String,
    /// Keyword and value.
    pub data: Vec<(String, String)>,
    /// Its reader reads English.
    #[serde(default)]
    pub english: bool,
}

/// A message to members of WeCom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToMembers {
    /// Members.
    pub users: Vec<String>,
    /// Text; in entries of earlier versions, which knew nothing else.
    #[serde(default)]
    pub text: String,
    /// What is sent.
    #[serde(default)]
    pub message: Option<CorpMessage>,
    /// The file that is handed over before: WeCom's id of it stands in the message then.
    #[serde(default)]
    pub file: Option<Attached>,
}

/// A file that comes along with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attached {
    /// Hash by which the box keeps it.
    pub file: [u8; 32],
    /// As its sender named it.
    pub name: String,
}

/// The kind of file that a message takes; none: it takes none.
fn media_of(message: &CorpMessage) -> Option<Media> {
    match message {
        CorpMessage::Image { .. } => Some(Media::Image),
        CorpMessage::Voice { .. } => Some(Media::Voice),
        CorpMessage::File { .. } => Some(Media::File),
        CorpMessage::Text { .. }
        | CorpMessage::Markdown { .. }
        | CorpMessage::Card { .. }
        | CorpMessage::Mini { .. } => None,
    }
}

/// As the protocol has it.
fn spelled(of: CorpMessage) -> Message {
    match of {
        CorpMessage::Text { text } => Message::Text(text),
        CorpMessage::Markdown { text } => Message::Markdown(text),
        CorpMessage::Card { title, text, url } => Message::Card { title, description: text, url },
        CorpMessage::Image { media } => Message::Media("image", media),
        CorpMessage::Voice { media } => Message::Media("voice", media),
        CorpMessage::File { media } => Message::Media("file", media),
        CorpMessage::Mini { app, page, title, items } => Message::Mini { app, page, title, items },
    }
}

pub(crate) fn packed(payload: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(payload).map_err(|error| Error::internal("packing a message", error))
}

pub(super) fn unpacked<T: DeserializeOwned>(entry: &Outgoing) -> Result<T, Outcome> {
    serde_json::from_slice(&entry.payload).map_err(|error| Outcome::Refused(format!("not readable: {error}")))
}

/// What a failure means for an entry. Wrong settings are no reason to wait: another way may reach the person, and the entry can be sent again.
pub(super) fn outcome(fault: &Fault) -> Outcome {
    let why = fault.to_string();
    match fault.act() {
        Act::Again(millis) => Outcome::Not { why, after: Some(millis) },
        Act::Renew => Outcome::Not { why, after: Some(MINUTE) },
        Act::Tomorrow => Outcome::Not { why, after: Some(6 * HOUR) },
        Act::Unsure => Outcome::Unknown(why),
        Act::NewCode | Act::Settings | Act::Unreachable | Act::Never => Outcome::Refused(why),
    }
}

/// A client that is not set up, or not any more.
pub(super) fn unset(error: &Error) -> Outcome {
    Outcome::Refused(error.to_string())
}

fn openid(ctx: &Ctx, space: SpaceId, link: u64) -> Result<String, Outcome> {
    let kept = ctx.read(&ctx.own(space), |view| Ok(view.get::<WechatLink>(&WechatLinkId(link))?));
    match kept {
        Ok(Some(link)) => Ok(link.openid),
        Ok(None) => Err(Outcome::Refused("nobody is linked any more".into())),
        Err(error) => Err(Outcome::Not { why: error.to_string(), after: None }),
    }
}

/// Carries subscribe messages. WeChat knows no key of them: handing one over twice sends two.
struct SubscribeCarrier;

impl SubscribeCarrier {
    async fn send(ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Outcome> {
        let of: ToOne = unpacked(entry)?;
        let message = Subscribe {
            to: openid(ctx, space, of.link)?,
            template: of.template,
            page: of.opens,
            data: of.data,
            build: Build::Release,
            english: of.english,
        };
        let mini = mini(ctx, space).map_err(|error| unset(&error))?;
        mini.send_subscribe(&message).await.map_err(|fault| outcome(&fault))?;
        Ok(Outcome::Done(String::new()))
    }
}

impl Carrier for SubscribeCarrier {
    fn kind(&self) -> &'static str {
        SUBSCRIBE
    }

    fn idempotent(&self) -> bool {
        false
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move { Self::send(ctx, space, entry).await.unwrap_or_else(|outcome| outcome) })
    }

    fn settled(&self, work: &mut Work<'_, '_>, entry: &Outgoing) -> Result<(), Error> {
        let Ok(of) = unpacked::<ToOne>(entry) else { return Ok(()) };
        let consent = match entry.state {
            // Whether or not it arrived, one may be gone; counted as used, nobody is promised what is not there.
            OutState::Sent | OutState::Unsure => Consent::Used,
            OutState::Refused if entry.said.starts_with("43101") => Consent::Withdrawn,
            _ => return Ok(()),
        };
        credit::change(work, WechatLinkId(of.link), &of.template, consent).map(drop)
    }
}

/// Carries template messages of the official account; a key makes repetitions one message.
struct TemplateCarrier;

impl TemplateCarrier {
    async fn send(ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Outcome> {
        let of: ToOne = unpacked(entry)?;
        let message = TemplateMessage {
            to: openid(ctx, space, of.link)?,
            template: of.template,
            url: of.opens,
            mini: None,
            data: of.data,
            once: sha1(&entry.once).chars().take(32).collect(),
        };
        let official = official(ctx, space).map_err(|error| unset(&error))?;
        official.send_template(&message).await.map(Outcome::Done).map_err(|fault| outcome(&fault))
    }
}

impl Carrier for TemplateCarrier {
    fn kind(&self) -> &'static str {
        TEMPLATE
    }

    fn idempotent(&self) -> bool {
        true
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move { Self::send(ctx, space, entry).await.unwrap_or_else(|outcome| outcome) })
    }
}

/// Carries messages to WeCom members. WeCom drops the same content to the same people within half an hour; later repetitions could be two.
struct WecomCarrier;

impl WecomCarrier {
    async fn send(ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Outcome> {
        let of: ToMembers = unpacked(entry)?;
        let wecom = wecom(ctx, space).map_err(|error| unset(&error))?;
        let to = To { users: of.users, ..To::default() };
        let kind = of.message.as_ref().and_then(media_of);
        let message = match (of.file, kind) {
            (Some(file), Some(kind)) => {
                let kept = ctx.files.clone();
                let bytes = tokio::task::spawn_blocking(move || kept.get(&file.file)).await;
                let bytes = bytes.map_err(|error| Error::internal("reading a file", error)).flatten();
                let bytes = bytes.map_err(|error| unset(&error))?;
                let id = wecom.upload(kind, &file.name, &bytes).await.map_err(|fault| outcome(&fault))?;
                Message::Media(kind.code(), id)
            }
            _ => of.message.map_or(Message::Text(of.text), spelled),
        };
        let sent = wecom.send(&to, &message).await.map_err(|fault| outcome(&fault))?;
        Ok(Outcome::Done(sent.msgid))
    }
}

impl Carrier for WecomCarrier {
    fn kind(&self) -> &'static str {
        WECOM
    }

    fn idempotent(&self) -> bool {
        true
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move { Self::send(ctx, space, entry).await.unwrap_or_else(|outcome| outcome) })
    }
}

/// What an entry is about and until when it is of use.
pub(crate) struct Cause {
    /// As audit lines name things.
    pub subject: String,
    /// The event.
    pub event: Option<EventId>,
    /// The same cause makes one entry.
    pub once: String,
    /// When it is of no use any more.
    pub expires_at: Time,
}

fn letter(kind: &'static str, target: String, payload: Vec<u8>, cause: Cause, now: Time) -> Letter {
    Letter {
        kind,
        target,
        subject: cause.subject,
        event: cause.event,
        payload,
        secret: false,
        once: cause.once,
        due_at: now,
        expires_at: cause.expires_at,
    }
}

/// What is wrong with a file that comes along, if anything.
fn wrong_file(kind: Option<Media>, bytes: &[u8]) -> Option<Problem> {
    let Some(kind) = kind else {
        return Some(problem!("upload", "A message of this kind takes no file."));
    };
    match kind.check(bytes) {
        Ok(()) => None,
        Err(MediaFault::Large(size)) => {
            Some(problem!("upload", "A file of this kind may have at most {size} MB.", size = size))
        }
        Err(MediaFault::Empty) => Some(problem!("upload", "The file is empty.")),
        Err(MediaFault::Other) => {
            Some(problem!("upload", "This is no file of that kind: pictures are JPEG or PNG, recordings are AMR."))
        }
    }
}

/// Sends a message to members of WeCom by their ids, separated by blanks or commas; how it went shows in the outbox. A file that comes along, by
/// name and content, is handed over by the outbox too.
pub async fn to_members(
    ctx: &Ctx,
    actor: &Actor,
    users: &str,
    input: &CorpInput,
    file: Option<(String, Vec<u8>)>,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let users: Vec<String> = users
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | '|'))
        .filter(|user| !user.is_empty())
        .map(str::to_owned)
        .collect();
    let mut problems = Vec::new();
    let sign = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'@' | b'.');
    if users.is_empty() || users.len() > 1_000 || users.iter().any(|user| user.len() > 64 || !user.bytes().all(sign)) {
        problems.push(problem!("members", "Give the ids of members, such as zhangsan."));
    }
    let message = check_corp(&CorpInput { attached: file.is_some(), ..input.clone() });
    if let (Ok(message), Some((_, bytes))) = (&message, &file) {
        problems.extend(wrong_file(media_of(message), bytes));
    }
    if let Err(refusal) = &message {
        problems.extend(refusal.problems.clone());
    }
    Refusal::unless_clean(problems)?;
    let message = message?;
    wecom(ctx, permit.space)?;
    let file = match file {
        Some((name, bytes)) => {
            // Nothing names it but the entry, which is of no use after an hour: the clock removes it after a day.
            let (kept, now) = (ctx.files.clone(), ctx.now());
            let stored = tokio::task::spawn_blocking(move || kept.put_unnamed(&bytes, now)).await;
            let file = stored.map_err(|error| Error::internal("keeping a file", error))??;
            Some(Attached { file, name: domain::text::line(&name).chars().take(80).collect() })
        }
        None => None,
    };
    let nonce = crate::token::new(ctx.random.as_ref());
    ctx.write(&permit, move |work| {
        let (users_named, text, message_sent) = (users.clone(), String::new(), Some(message.clone()));
        let payload = packed(&ToMembers { users: users_named, text, message: message_sent, file: file.clone() })?;
        let cause = Cause {
            subject: "wechat/wecom".into(),
            event: None,
            once: format!("wecom/{nonce}"),
            expires_at: work.now.plus(HOUR),
        };
        let now = work.now;
        outbox::put(work, letter(WECOM, users.join(" "), payload, cause, now))?;
        work.audit("wechat.message", "wechat/wecom", "", &format!("{}: {message:?}", users.join(" ")))
    })
    .await
}

/// Puts a message to one person into the outbox; `kind` is [`SUBSCRIBE`] or [`TEMPLATE`].
#[cfg(test)]
pub(crate) fn put(
    work: &mut Work<'_, '_>,
    kind: &'static str,
    to: &ToOne,
    cause: Cause,
) -> Result<Option<domain::OutgoingId>, Error> {
    let now = work.now;
    let target = format!("wechat/{}", to.link);
    outbox::put(work, letter(kind, target, packed(to)?, cause, now))
}
