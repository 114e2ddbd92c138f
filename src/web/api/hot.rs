//! Answers that many ask for again and again, given without the router while nothing was committed: what is public for whoever has no cookies, what is
//! one's own for each session. Beside the store, only the clock decides what such an answer says, so none is kept for more than a moment.

use super::guard;
use crate::{
    Hall,
    audience::{Peer, bearer, client_lang, cookie},
    space::In,
};
use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use domain::{SpaceId, Time};
use http_body_util::BodyExt;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Paths whose answers are kept. They read, and answer the same to the same asker as long as nothing is committed.
const PATHS: &[&str] =
    &["/api/v1/me", "/api/v1/me/tickets", "/api/v1/me/orders", "/api/v1/me/prizes", "/api/v1/events"];
/// Paths below which the same holds of one thing more.
const BELOW: &[&str] = &["/api/v1/events/", "/api/v1/tickets/", "/api/v1/orders/"];
/// For how long an answer is kept, in milliseconds: events end and sales open by the clock.
const KEPT_MILLIS: i64 = 1_000;
/// So long after a commit nothing is kept: what follows the store's writer in memory may be a moment behind what readers see.
const SETTLED_MILLIS: i64 = 20;
/// Most bytes of one answer, and of all that are kept.
const ANSWER_MAX: usize = 64 << 10;
const BYTES_MAX: usize = 8 << 20;
/// About what an entry takes beside its answer.
const ENTRY_BYTES: usize = 512;

/// Whose answer to what it is.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Asked {
    space: SpaceId,
    /// Hash of the token; none for a visitor.
    who: Option<[u8; 32]>,
    /// Path with query.
    path: String,
    /// What addresses in the answer begin with.
    host: Vec<u8>,
    secure: bool,
    lang: Option<&'static str>,
}

struct Answer {
    at: Time,
    body: Bytes,
    tag: HeaderValue,
}

#[derive(Default)]
struct Shelf {
    /// The commit up to which everything was taken in.
    commit: u64,
    /// When it was seen first.
    since: Time,
    bytes: usize,
    answers: HashMap<Asked, Arc<Answer>>,
}

/// The answers that are kept. Cheap to clone.
#[derive(Clone)]
pub struct Kept {
    shelf: Arc<RwLock<Shelf>>,
    commits: tokio::sync::watch::Receiver<u64>,
}

/// Where an answer that is being made may be kept.
pub struct Place {
    asked: Asked,
    commit: u64,
}

impl Kept {
    /// An empty shelf that follows the hall's store.
    pub fn new(hall: &Hall) -> Self {
        Self { shelf: Arc::default(), commits: hall.ctx.store().committed() }
    }

    /// The newest commit. What was kept before it is dropped.
    fn commit(&self, now: Time) -> u64 {
        let commit = *self.commits.borrow();
        let seen = self.shelf.read().unwrap_or_else(PoisonError::into_inner).commit;
        if seen != commit {
            let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
            if shelf.commit < commit {
                *shelf = Shelf { commit, since: now, ..Shelf::default() };
            }
        }
        commit
    }

    fn get(&self, asked: &Asked, commit: u64, now: Time) -> Option<Arc<Answer>> {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let answer = shelf.answers.get(asked).filter(|_| shelf.commit == commit)?;
        (0..KEPT_MILLIS).contains(&now.since(answer.at)).then(|| answer.clone())
    }

    /// Keeps an answer that was begun at the place's commit, if nothing was committed since and everything had settled then.
    pub async fn keep(&self, hall: &Hall, place: Place, response: Response) -> Response {
        let now = hall.ctx.now();
        let tag = response.headers().get(header::ETAG).cloned();
        let size = axum::body::HttpBody::size_hint(response.body()).exact().unwrap_or(u64::MAX);
        let (StatusCode::OK, Some(tag), true) = (response.status(), tag, size <= ANSWER_MAX as u64) else {
            return response;
        };
        if response.headers().contains_key(header::SET_COOKIE) {
            return response;
        }
        let (parts, body) = response.into_parts();
        // It lies in memory already: reading it cannot fail.
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        let settled = now.since(shelf.since) >= SETTLED_MILLIS && shelf.since <= now;
        if settled && shelf.commit == place.commit && *self.commits.borrow() == place.commit {
            let bytes = body.len() + place.asked.path.len() + ENTRY_BYTES;
            if shelf.bytes + bytes > BYTES_MAX {
                shelf.answers.clear();
                shelf.bytes = 0;
            }
            shelf.bytes += bytes;
            shelf.answers.insert(place.asked, Arc::new(Answer { at: now, body: body.clone(), tag }));
        }
        Response::from_parts(parts, Body::from(body))
    }
}

/// Whether the answer to a path may be kept.
fn is_hot(path: &str) -> bool {
    let one = |start: &str| path.strip_prefix(start).is_some_and(|rest| !rest.is_empty() && !rest.contains('/'));
    PATHS.contains(&path) || BELOW.iter().any(|start| one(start))
}

/// What is asked for, where its answer may be kept: a GET that shows neither a cookie of a log-in nor another site.
fn asked(parts: &Parts, peer: Option<&Peer>) -> Option<Asked> {
    let known = parts.method == Method::GET && is_hot(parts.uri.path());
    // A visit that came by a link is counted, and cookies may say who somebody is.
    let counted = parts.uri.query().is_some_and(|query| query.contains("from="));
    let named = [crate::audience::PERSON, crate::audience::SESSION, crate::audience::DEVICE];
    if !known || counted || named.iter().any(|name| cookie(&parts.headers, name).is_some()) {
        return None;
    }
    if parts.extensions.get::<guard::Foreign>().is_some() || parts.headers.contains_key(header::ORIGIN) {
        return None;
    }
    Some(Asked {
        space: In::of(&parts.extensions).0,
        who: bearer(&parts.headers).map(service::token::hash),
        path: parts.uri.path_and_query().map_or_else(String::new, |path| path.as_str().to_owned()),
        host: parts.headers.get(header::HOST).map_or_else(Vec::new, |host| host.as_bytes().to_vec()),
        secure: peer.is_some_and(|peer| peer.secure),
        lang: client_lang(&parts.headers).map(views::Lang::tag),
    })
}

/// What became of a request that came by.
pub enum Looked {
    /// It is answered.
    Done(Box<Response>),
    /// It goes its way; its answer may be kept there.
    Goes(Box<Request>, Option<Place>),
}

/// Looks whether the answer to a request is kept. Rates count as for any other, and a session that is over is nobody's.
pub fn look(hall: &Hall, kept: &Kept, request: Request) -> Looked {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().copied();
    let is_empty = axum::body::HttpBody::size_hint(&body).exact() == Some(0);
    let Some(asked) = asked(&parts, peer.as_ref()).filter(|_| is_empty) else {
        return Looked::Goes(Box::new(Request::from_parts(parts, body)), None);
    };
    let now = hall.ctx.now();
    let commit = kept.commit(now);
    let Some(answer) = kept.get(&asked, commit, now) else {
        return Looked::Goes(Box::new(Request::from_parts(parts, body)), Some(Place { asked, commit }));
    };
    let client = match asked.who {
        // A token that is nobody's is refused on the usual way.
        Some(hash) if !service::identity::stands(&hall.ctx, asked.space, &hash).unwrap_or(false) => {
            return Looked::Goes(Box::new(Request::from_parts(parts, body)), None);
        }
        Some(hash) => Some(("person", hash)),
        None => None,
    };
    if !hall.ctx.is_open(asked.space) {
        return Looked::Goes(Box::new(Request::from_parts(parts, body)), None);
    }
    if guard::take(hall, client, peer).is_err() {
        // The usual way says so, in the asker's language.
        return Looked::Goes(Box::new(Request::from_parts(parts, body)), None);
    }
    let is_known = guard::knows(parts.headers.get(header::IF_NONE_MATCH), answer.tag.as_bytes());
    let mut response = if is_known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(answer.body.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, answer.tag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Looked::Done(Box::new(response))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_is_kept() {
        let cases = [
            ("/api/v1/me", true),
            ("/api/v1/me/tickets", true),
            ("/api/v1/events", true),
            ("/api/v1/events/7", true),
            ("/api/v1/tickets/ABC", true),
            ("/api/v1/events/", false),
            ("/api/v1/events/7/quote", false),
            ("/api/v1/sessions", false),
            ("/api/v1/checkin/status", false),
        ];
        for (path, kept) in cases {
            assert_eq!(is_hot(path), kept, "{path}");
        }
    }
}
