//! Who somebody is that comes from WeChat: an openid of an app, perhaps the same person in other apps, and the association's person once it is
//! proven. Sessions are not made here.

use super::{mini, official, refused};
use crate::{Ctx, Error, Work, token};
use domain::{
    Person, PersonId, Refusal, SpaceId, Ticket, TicketState, WechatCredit, WechatLink, WechatLinkId, phone::normalise,
    refuse, time::DAY, wechat::AppKind,
};
use store::catalogue::{TICKET_BY_LINK, TICKET_BY_PHONE, WECHAT_BY_OPENID, WECHAT_BY_PERSON, WECHAT_BY_UNIONID};
use store::{Order, Read};

/// Somebody who came from WeChat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The link.
    pub link: WechatLinkId,
    /// From which kind of app.
    pub kind: AppKind,
    /// The person in that app.
    pub openid: String,
    /// The person in all apps of one Open Platform account, where WeChat says it.
    pub unionid: Option<String>,
    /// The association's person, once it is proven.
    pub person: Option<PersonId>,
}

impl From<WechatLink> for Linked {
    fn from(link: WechatLink) -> Self {
        Self { link: link.id, kind: link.kind, openid: link.openid, unionid: link.unionid, person: link.person }
    }
}

/// Logs in with a code of `wx.login`: once, within five minutes.
pub async fn login(ctx: &Ctx, space: SpaceId, code: &str) -> Result<Linked, Error> {
    let mini = mini(ctx, space)?;
    let session = mini.session(code).await.map_err(|fault| refused(&fault))?;
    let came =
        Came { kind: AppKind::Mini, app: mini.app().id.clone(), openid: session.openid, unionid: session.unionid };
    note(ctx, space, came).await
}

/// Logs in with the code that WeChat's log-in page came back with.
pub async fn page_login(ctx: &Ctx, space: SpaceId, code: &str) -> Result<Linked, Error> {
    let official = official(ctx, space)?;
    let visitor = official.visitor(code).await.map_err(|fault| refused(&fault))?;
    // A page that only previews shows a person whom WeChat made up.
    let visitor = visitor.ok_or_else(|| {
        Error::from(refuse!(Conflict, "wechat.preview", "This is a preview. Open the page in full, then log in."))
    })?;
    let app = official.app().id.clone();
    let came = Came { kind: AppKind::Official, app, openid: visitor.openid, unionid: visitor.unionid };
    note(ctx, space, came).await
}

/// Who came, as WeChat says.
#[derive(Clone)]
pub(super) struct Came {
    pub(super) kind: AppKind,
    pub(super) app: String,
    pub(super) openid: String,
    pub(super) unionid: Option<String>,
}

async fn note(ctx: &Ctx, space: SpaceId, came: Came) -> Result<Linked, Error> {
    let permit = ctx.public(&crate::Actor::visitor(space));
    // Most who come were here today: then nothing is written.
    let kept = ctx.read(&permit, |view| {
        Ok(view.find::<WechatLink, _>(&WECHAT_BY_OPENID, &(came.app.clone(), came.openid.clone()))?)
    })?;
    if let Some(link) = kept {
        let fresh = ctx.now().since(link.seen_at) < DAY && (came.unionid.is_none() || link.unionid == came.unionid);
        if fresh {
            return Ok(link.into());
        }
    }
    ctx.write(&permit, move |work| note_in(work, &came).map(Linked::from)).await
}

/// The link of somebody who came, new or brought up to date.
pub(super) fn note_in(work: &mut Work<'_, '_>, came: &Came) -> Result<WechatLink, Error> {
    let found = work.read().find::<WechatLink, _>(&WECHAT_BY_OPENID, &(came.app.clone(), came.openid.clone()))?;
    let before = found.as_ref().map_or(String::new(), said);
    let mut link = match found {
        Some(link) => link,
        None => WechatLink {
            id: WechatLinkId(work.next_id::<WechatLink>()?),
            app: came.app.clone(),
            kind: came.kind,
            openid: came.openid.clone(),
            unionid: None,
            person: None,
            follows: false,
            created_at: work.now,
            seen_at: work.now,
        },
    };
    link.seen_at = work.now;
    if came.unionid.is_some() {
        link.unionid.clone_from(&came.unionid);
    }
    if link.person.is_none() {
        link.person = same_person(work.read(), &link)?;
    }
    work.put(&link)?;
    work.audit("wechat.login", subject(&link), &before, &said(&link))?;
    Ok(link)
}

fn subject(link: &WechatLink) -> String {
    format!("wechat/{}/{}", link.kind.code(), link.id)
}

fn said(link: &WechatLink) -> String {
    link.person.map_or_else(|| "nobody".to_owned(), |person| format!("person/{person}"))
}

/// Whom the same unionid belongs to in another app.
fn same_person(view: &impl Read, link: &WechatLink) -> Result<Option<PersonId>, Error> {
    let Some(unionid) = &link.unionid else { return Ok(None) };
    for key in view.scan_index(&WECHAT_BY_UNIONID, unionid, None, Order::Ascending) {
        let other = view.get::<WechatLink>(&key?)?;
        if let Some(person) = other.and_then(|other| other.person) {
            return Ok(Some(person));
        }
    }
    Ok(None)
}

/// A link by its number.
pub fn linked(ctx: &Ctx, space: SpaceId, link: WechatLinkId) -> Result<Option<Linked>, Error> {
    ctx.read(&ctx.own(space), |view| Ok(view.get::<WechatLink>(&link)?.map(Linked::from)))
}

/// The phone number behind a code of the phone button, in E.164; each success is charged by WeChat. Whoever asks says with which link they
/// logged in: a number is given for its own person alone.
pub async fn phone(ctx: &Ctx, space: SpaceId, link: WechatLinkId, code: &str) -> Result<String, Error> {
    let link = linked(ctx, space, link)?.filter(|link| link.kind == AppKind::Mini);
    let link = link.ok_or_else(|| Error::from(refuse!(Unknown, "session.none", "Please log in.")))?;
    // Each answer costs the association money: whoever fails again and again waits.
    let keys = [format!("wechat phone {}", link.openid)];
    ctx.limiter.check(&keys, ctx.now())?;
    let answer = mini(ctx, space)?.phone(code, Some(&link.openid)).await;
    let phone = answer.map_err(|fault| {
        ctx.limiter.fail(&keys, ctx.now());
        refused(&fault)
    })?;
    let typed = format!("+{}{}", phone.country_code.trim_start_matches('+'), phone.pure_phone_number);
    normalise(&typed).ok_or_else(|| Error::Internal("WeChat gave a number that is none".into()))
}

/// Says whose link it is; every app of the same unionid follows.
pub async fn bind(ctx: &Ctx, space: SpaceId, link: WechatLinkId, person: PersonId) -> Result<(), Error> {
    let permit = ctx.public(&crate::Actor::visitor(space));
    ctx.write(&permit, move |work| bind_in(work, link, person)).await
}

/// As [`bind`], in a running transaction.
pub(crate) fn bind_in(work: &mut Work<'_, '_>, link: WechatLinkId, person: PersonId) -> Result<(), Error> {
    let link = work.read().get::<WechatLink>(&link)?.ok_or_else(|| Refusal::missing("link"))?;
    if work.read().get::<Person>(&person)?.is_none() {
        return Err(Refusal::missing("person").into());
    }
    let mut all = vec![link.clone()];
    if let Some(unionid) = &link.unionid {
        let keys: Vec<_> =
            work.read().scan_index(&WECHAT_BY_UNIONID, unionid, None, Order::Ascending).collect::<Result<_, _>>()?;
        for key in keys.into_iter().filter(|key| *key != link.id) {
            all.extend(work.read().get::<WechatLink>(&key)?);
        }
    }
    for mut link in all.into_iter().filter(|link| link.person != Some(person)) {
        let before = said(&link);
        link.person = Some(person);
        work.put(&link)?;
        work.audit("wechat.bind", subject(&link), &before, &said(&link))?;
    }
    Ok(())
}

/// Says that a link is the person's of a ticket, which its holder just proved by phone and attend code.
pub async fn bind_ticket(ctx: &Ctx, space: SpaceId, link: WechatLinkId, ticket: &str) -> Result<(), Error> {
    let bytes = token::read_link(ticket).ok_or_else(|| Refusal::missing("ticket"))?;
    let permit = ctx.public(&crate::Actor::visitor(space));
    ctx.write(&permit, move |work| {
        let ticket =
            work.read().find::<Ticket, _>(&TICKET_BY_LINK, &bytes)?.ok_or_else(|| Refusal::missing("ticket"))?;
        bind_in(work, link, ticket.person)
    })
    .await
}

/// Most tickets of a person that are listed.
const TICKETS_MAX: usize = 50;

/// The tickets of whoever a link belongs to, the newest event first: links and names.
pub fn tickets(ctx: &Ctx, space: SpaceId, link: WechatLinkId) -> Result<Vec<(String, Ticket)>, Error> {
    ctx.read(&ctx.own(space), |view| {
        let person = view.get::<WechatLink>(&link)?.and_then(|link| link.person);
        let person = match person {
            Some(person) => view.get::<Person>(&person)?,
            None => None,
        };
        let Some(phone) = person.and_then(|person| person.phone) else { return Ok(Vec::new()) };
        let mut tickets = Vec::new();
        for key in view.scan_unique(&TICKET_BY_PHONE, &phone, None, Order::Descending).take(TICKETS_MAX) {
            let ticket = view.get::<Ticket>(&key?)?.filter(|ticket| ticket.state == TicketState::Active);
            tickets.extend(ticket.map(|ticket| (token::link(&ticket.link), ticket)));
        }
        Ok(tickets)
    })
}

/// The links of a person at an app, newest first.
pub(crate) fn links_of(view: &impl Read, person: PersonId, app: &str) -> Result<Vec<WechatLink>, Error> {
    let mut links = Vec::new();
    for key in view.scan_index(&WECHAT_BY_PERSON, &person, None, Order::Descending) {
        links.extend(view.get::<WechatLink>(&key?)?.filter(|link| link.app == app));
    }
    Ok(links)
}

/// Removes how a person is reached through WeChat; the caller writes the audit line.
pub(crate) fn forget_person(work: &mut Work<'_, '_>, person: PersonId) -> Result<(), Error> {
    let links: Vec<WechatLinkId> =
        work.read().scan_index(&WECHAT_BY_PERSON, &person, None, Order::Ascending).collect::<Result<_, _>>()?;
    for link in links {
        let credits: Vec<_> =
            work.read().scan_keys::<WechatCredit>(&link, None, Order::Ascending).collect::<Result<_, _>>()?;
        for credit in credits {
            work.remove::<WechatCredit>(&credit)?;
        }
        work.remove::<WechatLink>(&link)?;
    }
    Ok(())
}
