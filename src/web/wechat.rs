//! Pages inside WeChat: logging in without a password, the signature that its scanner and share cards need, and the files by which it knows that a
//! domain is ours.

use crate::{
    Hall,
    answer::{Answer, missing, page, see},
    audience::{Member, PERSON, Visit, cookie, secret_cookie},
    fields::Query,
    own,
    phone::local_path,
    space::In,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{Refusal, WechatLinkId, identity::IDLE_MILLIS, wechat::AppKind};
use service::{
    Error, identity, token,
    wechat::{self, Linked},
};
use views::phone::wechat as pages;

/// Routes for phones that open a page inside WeChat, and for WeChat itself.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/wechat/login", get(login))
        .route("/wechat/back", get(back))
        .route("/wechat/mine", get(mine))
        .route("/wechat/js", get(js))
        .route("/{file}", get(proof).fallback(missing))
}

/// Name of the cookie of a phone that logged in through WeChat.
const LINKED: &str = "hall_wechat";
/// Name of the cookie of a log-in that is under way.
const LEAVING: &str = "hall_wechat_state";
/// How long a log-in may take, in seconds.
const LEAVING_SECONDS: i64 = 900;
/// How long a phone stays logged in, in seconds.
const LINKED_SECONDS: i64 = 90 * 24 * 3_600;

/// Whether the page is shown inside WeChat.
pub fn is_inside(visit: &Visit) -> bool {
    visit.origin.agent.contains("MicroMessenger")
}

/// Whether the page can offer to log in through WeChat.
pub fn is_offered(hall: &Hall, visit: &Visit) -> Result<bool, Error> {
    Ok(is_inside(visit) && wechat::is_set_up(&hall.ctx, visit.space, AppKind::Official)?)
}

/// Who logged in through WeChat on this phone.
pub fn link_of(hall: &Hall, visit: &Visit, headers: &HeaderMap) -> Option<WechatLinkId> {
    let signed = hall.ctx.sealer.signed(cookie(headers, LINKED)?)?;
    let (link, until) = signed.strip_prefix(&format!("wechat-{}-", visit.space))?.split_once('-')?;
    let until: i64 = until.parse().ok()?;
    (hall.ctx.now().0 < until).then(|| link.parse().ok()).flatten()
}

/// Lets WeChat know a ticket's holder from now on, where they are logged in through it, and whoever is logged in find the ticket among their own.
/// What fails here keeps nobody from the ticket.
pub async fn remember_holder(hall: &Hall, visit: &Visit, headers: &HeaderMap, ticket: &str) {
    if let Ok(Member(actor)) = Member::of(hall, visit.space, headers)
        && let Err(error) = identity::remember(&hall.ctx, &actor, ticket).await
    {
        tracing::warn!(%error, "a ticket is not among its holder's own");
    }
    let Some(link) = link_of(hall, visit, headers) else { return };
    if let Err(error) = wechat::bind_ticket(&hall.ctx, visit.space, link, ticket).await {
        tracing::warn!(%error, "a ticket's holder is not known to WeChat");
    }
}

fn put_cookie(response: &mut Response, value: &str) -> Result<(), Error> {
    let value = HeaderValue::try_from(value).map_err(|error| Error::internal("a cookie", error))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

/// Sends the phone to WeChat's log-in page, and remembers where it wanted to go.
async fn login(State(hall): State<Hall>, visit: Visit, Query(query): Query) -> Answer {
    let state = token::new(hall.ctx.random.as_ref());
    let wanted: String = local_path(query.get("back")).chars().take(500).collect();
    let wanted = if wanted == "/" { "/wechat/mine" } else { &wanted };
    let to = wechat::login_address(&hall.ctx, visit.space, &format!("{}/wechat/back", visit.base), &state)?;
    let mut response = see(&to)?;
    let kept = format!("{state}.{}", data_encoding::BASE64URL_NOPAD.encode(wanted.as_bytes()));
    put_cookie(&mut response, &secret_cookie(&visit, LEAVING, &kept, LEAVING_SECONDS))?;
    Ok(response)
}

/// Where the phone wanted to go when it left with that state; none when it did not leave from here.
fn wanted(headers: &HeaderMap, state: &str) -> Option<String> {
    let (left, to) = cookie(headers, LEAVING)?.split_once('.')?;
    // Both are random and used once; nothing is learnt from how long the comparison takes.
    if state.is_empty() || token::hash(left) != token::hash(state) {
        return None;
    }
    let to = String::from_utf8(data_encoding::BASE64URL_NOPAD.decode(to.as_bytes()).ok()?).ok()?;
    Some(local_path(&to).to_owned())
}

/// The phone comes back from WeChat's log-in page.
async fn back(State(hall): State<Hall>, visit: Visit, headers: HeaderMap, Query(query): Query) -> Answer {
    let Some(to) = wanted(&headers, query.get("state")) else {
        return Err(
            domain::refuse!(Conflict, "wechat.elsewhere", "This log-in was begun elsewhere. Begin it again.").into()
        );
    };
    let space = visit.space;
    let linked = wechat::page_login(&hall.ctx, space, query.get("code")).await?;
    let session = account(&hall, &visit, &headers, &linked).await?;
    let mut response = see(&to)?;
    if let Some(token) = session {
        put_cookie(&mut response, &secret_cookie(&visit, PERSON, &token, IDLE_MILLIS / domain::time::SECOND))?;
    }
    let until = hall.ctx.now().0.saturating_add(LINKED_SECONDS * 1_000);
    let signed = hall.ctx.sealer.sign(&format!("wechat-{space}-{}-{until}", linked.link));
    put_cookie(&mut response, &secret_cookie(&visit, LINKED, &signed, LINKED_SECONDS))?;
    put_cookie(&mut response, &secret_cookie(&visit, LEAVING, "", 0))?;
    let tickets = wechat::tickets(&hall.ctx, space, linked.link)?;
    let links: Vec<&str> = tickets.iter().map(|(link, _)| link.as_str()).collect();
    own::remember_all(&visit, &headers, &links, &mut response)?;
    Ok(response)
}

/// The session of who came back; none when the browser's own goes on, whose person is known by WeChat from now on.
async fn account(hall: &Hall, visit: &Visit, headers: &HeaderMap, linked: &Linked) -> Result<Option<String>, Error> {
    if let Ok(Member(actor)) = Member::of(hall, visit.space, headers) {
        match identity::attach_page(&hall.ctx, &actor, linked).await {
            Ok(_) => return Ok(None),
            // Somebody else's WeChat: whoever logs in through it is who it says.
            Err(error) if error.code() == Some("identity.two_people") => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(identity::log_in_page(&hall.ctx, visit.space, linked, &visit.origin).await?.0))
}

/// Lets the phone forget that it was logged in through WeChat.
pub fn forget(visit: &Visit, response: &mut Response) -> Result<(), Error> {
    put_cookie(response, &secret_cookie(visit, LINKED, "", 0))
}

/// The tickets of whoever is logged in through WeChat; before they are known, how that is done.
async fn mine(State(hall): State<Hall>, visit: Visit, headers: HeaderMap) -> Answer {
    let Some(link) = link_of(&hall, &visit, &headers) else {
        if !wechat::is_set_up(&hall.ctx, visit.space, AppKind::Official)? {
            return Err(Refusal::missing("page").into());
        }
        return see("/wechat/login");
    };
    let known = !wechat::tickets(&hall.ctx, visit.space, link)?.is_empty();
    let own = |actor: Member| identity::tickets(&hall.ctx, &actor.0).is_ok_and(|tickets| !tickets.is_empty());
    if !known && !Member::of(&hall, visit.space, &headers).is_ok_and(own) {
        return page(pages::unknown(&visit.shell()));
    }
    see("/my")
}

/// What the page's script needs of WeChat. Only addresses of this box are signed.
async fn js(State(hall): State<Hall>, visit: Visit, Query(query): Query) -> Answer {
    let url = query.get("url");
    let own = url.strip_prefix(visit.base.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    if !own || url.len() > 2_000 {
        return Err(Refusal::missing("page").into());
    }
    let config = wechat::js_config(&hall.ctx, visit.space, url).await?;
    let config = config.ok_or_else(|| Refusal::missing("page"))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(config)).into_response())
}

/// A file by which WeChat or WeCom knows that the domain is ours.
async fn proof(State(hall): State<Hall>, In(space): In, Path(file): Path<String>) -> Answer {
    match wechat::proof(&hall.ctx, space, &file)? {
        Some(text) => Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()),
        None => Err(missing().await),
    }
}
