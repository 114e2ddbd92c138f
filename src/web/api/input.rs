//! How requests of the API are read: JSON bodies, numbers in paths, cursors. What cannot be read is refused in the API's own shape.

use crate::{Hall, answer::Failure, fields::Query};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{header, request::Parts},
};
use data_encoding::BASE64URL_NOPAD;
use domain::{Refusal, problem, refuse};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

/// A JSON body. Other kinds of bodies are refused: a form of another site could send those.
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Hall> for Sent<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, hall: &Hall) -> Result<Self, Failure> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(refuse!(Invalid, "json.kind", "Send JSON, and say so: content-type application/json.").into());
        }
        let body = Bytes::from_request(request, hall)
            .await
            .map_err(|_| refuse!(Invalid, "form.too_large", "What was sent is too large."))?;
        super::checkin::read(&body).map(Self)
    }
}

/// Parts of the path. What is no number where one belongs is an address that does not exist.
pub struct Named<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Hall> for Named<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, hall: &Hall) -> Result<Self, Failure> {
        let read = Path::<T>::from_request_parts(parts, hall).await;
        let missing = || refuse!(Missing, "page.missing", "There is no page at this address.");
        Ok(Self(read.map_err(|_| missing())?.0))
    }
}

/// A part of a list, and where the next part begins.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it as `cursor` for the next part; none at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// Which part of a list is wanted.
pub struct Cut {
    after: Option<(i64, u64)>,
    limit: usize,
}

/// Rows of a part when none is said, and the most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

impl FromRequestParts<Hall> for Cut {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, hall: &Hall) -> Result<Self, Failure> {
        let query = Query::from_request_parts(parts, hall).await?;
        let wrong = |field: &str| Refusal::invalid(vec![problem!(field, "Choose one of the given answers.")]);
        let limit = query.0.exact::<usize>("limit")?.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(wrong("limit").into());
        }
        let after = match query.0.get("cursor") {
            "" => None,
            cursor => Some(read_cursor(cursor).ok_or_else(|| wrong("cursor"))?),
        };
        Ok(Self { after, limit })
    }
}

fn cursor((sort, id): (i64, u64)) -> String {
    BASE64URL_NOPAD.encode(format!("{sort}.{id}").as_bytes())
}

fn read_cursor(text: &str) -> Option<(i64, u64)> {
    let plain = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
    let (sort, id) = plain.split_once('.')?;
    Some((sort.parse().ok()?, id.parse().ok()?))
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Small keys in front.
    Up,
    /// Large keys in front.
    Down,
}

impl Cut {
    /// Cuts the part out of a sorted list. Rows that come or go meanwhile make no other row be left out or shown twice.
    pub fn of<R, T>(
        &self,
        rows: Vec<R>,
        run: Run,
        key: impl Fn(&R) -> (i64, u64),
        shown: impl FnMut(&R) -> T,
    ) -> Page<T> {
        let beyond = |row: &&R| match (self.after, run) {
            (None, _) => true,
            (Some(after), Run::Up) => key(row) > after,
            (Some(after), Run::Down) => key(row) < after,
        };
        let mut left = rows.iter().filter(beyond).peekable();
        let part: Vec<&R> = left.by_ref().take(self.limit).collect();
        let next = left.peek().and_then(|_| part.last()).map(|last| cursor(key(last)));
        Page { items: part.into_iter().map(shown).collect(), next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_whatever_comes_and_goes() {
        let mut rows: Vec<(i64, u64)> = (0..10).map(|n| (n / 3, n as u64)).rev().collect();
        let cut = |after: Option<&str>| Cut { after: after.map(|text| read_cursor(text).unwrap()), limit: 4 };
        let first = cut(None).of(rows.clone(), Run::Down, |row| *row, |row| row.1);
        assert_eq!(first.items, [9, 8, 7, 6]);
        rows.retain(|row| row.1 != 6 && row.1 != 5);
        rows.insert(0, (9, 11));
        let second = cut(first.next.as_deref()).of(rows.clone(), Run::Down, |row| *row, |row| row.1);
        assert_eq!(second.items, [4, 3, 2, 1]);
        let last = cut(second.next.as_deref()).of(rows.clone(), Run::Down, |row| *row, |row| row.1);
        assert_eq!((last.items, last.next), (vec![0], None));
        rows.reverse();
        let up = cut(None).of(rows, Run::Up, |row| *row, |row| row.1);
        assert_eq!(up.items, [0, 1, 2, 3]);
        assert_eq!(read_cursor("bm9uc2Vuc2U"), None);
    }
}
