//! Which space a request is for, decided in one place: what lies below `/m/<number>` is that merchant's, everything else the association's. The
//! prefix and the marks of cookies are taken off on the way in and put on again on the way out, so nothing in between knows them.

use crate::{
    Hall,
    answer::{Failure, missing},
};
use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri, header, request::Parts},
    middleware::Next,
    response::Response,
};
use domain::SpaceId;
use http_body_util::BodyExt;
use std::convert::Infallible;

/// The space of a request, put in by [`enter`]. A request that did not come through it is in the box's own space, which holds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct In(pub SpaceId);

impl In {
    /// As it was noted in a request.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().copied().unwrap_or(Self(SpaceId::BOX))
    }
}

impl FromRequestParts<Hall> for In {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Hall) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// What every address of a space begins with: nothing for the association, `/m/3` for a merchant.
pub fn root(space: SpaceId) -> String {
    if space.0 <= SpaceId::ASSOCIATION.0 { String::new() } else { format!("/m/{space}") }
}

/// The merchant that a path names, and the path within its space.
fn split(path: &str) -> Option<(SpaceId, &str)> {
    let rest = path.strip_prefix("/m/")?;
    let (number, within) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let id: u64 = number.parse().ok()?;
    // One address for one space: no leading zeros, no signs, and not the association by another way.
    let canonical = id > SpaceId::ASSOCIATION.0 && id.to_string() == number;
    canonical.then_some((SpaceId(id), if within.is_empty() { "/" } else { within }))
}

/// Finds out which space a request is for, notes it in the request, and makes the request one within that space.
pub async fn enter<B>(hall: &Hall, request: &mut Request<B>) -> Result<SpaceId, Failure> {
    let Some((space, within)) = split(request.uri().path()) else {
        request.extensions_mut().insert(In(SpaceId::ASSOCIATION));
        return Ok(SpaceId::ASSOCIATION);
    };
    let within = match request.uri().query() {
        Some(query) => format!("{within}?{query}"),
        None => within.to_owned(),
    };
    // Until the space turns out to be there, the answer is the association's.
    request.extensions_mut().insert(In(SpaceId::ASSOCIATION));
    let Some(known) = hall.ctx.known(space)? else { return Err(missing().await) };
    let Ok(uri) = within.parse::<Uri>() else { return Err(missing().await) };
    *request.uri_mut() = uri;
    if !known.is_open() {
        return Err(service::merchant::closed_pages().into());
    }
    own_cookies(request.headers_mut(), space);
    request.extensions_mut().insert(In(space));
    Ok(space)
}

/// What names of a merchant's cookies end with.
fn mark(space: SpaceId) -> String {
    format!("_m{space}")
}

/// Cookies that are not of one space: the language is the person's, and what accounts know a browser by is the browser's.
const SHARED: &[&str] = &[crate::audience::LANGUAGE, crate::audience::BROWSER];

/// Leaves only the space's own cookies, by their plain names, and what all spaces share.
fn own_cookies(headers: &mut HeaderMap, space: SpaceId) {
    let mark = mark(space);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let (mut own, mut shared) = (Vec::new(), Vec::new());
    for pair in lines.flat_map(|line| line.split(';')).map(str::trim) {
        let Some((name, value)) = pair.split_once('=') else { continue };
        match name.strip_suffix(&mark) {
            Some(name) => own.push(format!("{name}={value}")),
            None if SHARED.contains(&name) => shared.push(pair.to_owned()),
            None => {}
        }
    }
    own.append(&mut shared);
    let line = HeaderValue::try_from(own.join("; "));
    headers.remove(header::COOKIE);
    if let Ok(line) = line {
        headers.insert(header::COOKIE, line);
    }
}

/// A `Set-Cookie` value of a space: its name is marked, and it is sent only to the space's own addresses.
pub fn marked(space: SpaceId, cookie: &str) -> String {
    let (root, mark) = (root(space), mark(space));
    match cookie.split_once('=') {
        Some((name, rest)) if !root.is_empty() && name != crate::audience::BROWSER => {
            format!("{name}{mark}={}", rest.replacen("; Path=/", &format!("; Path={root}"), 1))
        }
        _ => cookie.to_owned(),
    }
}

/// Makes an answer from within a space one for the world: where it sends the browser, and its cookies.
pub fn leave(space: SpaceId, response: &mut Response) {
    let root = root(space);
    if root.is_empty() {
        return;
    }
    let headers = response.headers_mut();
    for name in [header::LOCATION, HeaderName::from_static("service-worker-allowed")] {
        let within = headers.get(&name).and_then(|value| value.to_str().ok()).filter(|to| is_within(to));
        let Some(within) = within.map(|to| format!("{root}{to}")) else { continue };
        if let Ok(value) = HeaderValue::try_from(within) {
            headers.insert(name, value);
        }
    }
    let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let cookie = cookie.to_str().ok().and_then(|text| HeaderValue::try_from(marked(space, text)).ok());
        if let Some(cookie) = cookie {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

/// Whether an address is one of the space: neither of another host nor a file that all spaces share.
fn is_within(to: &str) -> bool {
    to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/asset/")
}

/// Attributes of pages whose value is an address.
const LINKS: &[&str] = &[
    "href",
    "src",
    "action",
    "formaction",
    "data-href",
    "data-live-source",
    "data-search",
    "data-preview",
    "data-at",
    "data-live",
    "data-act",
    "data-names",
];

/// A page with the addresses in its tags made those of the space. Text is left alone whatever it says.
pub fn page(space: SpaceId, html: String) -> String {
    let root = root(space);
    if root.is_empty() {
        return html;
    }
    let mut out = String::with_capacity(html.len() + html.len() / 16);
    let (mut rest, mut in_tag) = (html.as_str(), false);
    while let Some(at) = rest.find("=\"/") {
        let (before, after) = rest.split_at(at + 2);
        if let Some(bracket) = before.rfind(['<', '>']) {
            in_tag = before.get(bracket..).is_some_and(|part| part.starts_with('<'));
        }
        let name = before.strip_suffix("=\"").unwrap_or(before);
        let name = name.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or("");
        out.push_str(before);
        if in_tag && LINKS.contains(&name) && is_within(after.split('"').next().unwrap_or("")) {
            out.push_str(&root);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether an answer is a page.
pub fn is_page(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// The layer that makes the addresses in pages those of the space; it lies within the one that compresses.
pub async fn pages(request: Request, next: Next) -> Response {
    let In(space) = In::of(request.extensions());
    let response = next.run(request).await;
    if root(space).is_empty() || !is_page(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    match body.collect().await.map(|body| String::from_utf8(body.to_bytes().to_vec())) {
        Ok(Ok(html)) => Response::from_parts(parts, Body::from(page(space, html))),
        // Pages are strings that we made ourselves.
        _ => Response::from_parts(parts, Body::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_one_space() {
        let cases = [
            ("/m/2", Some((2, "/"))),
            ("/m/2/", Some((2, "/"))),
            ("/m/31/admin/event/4", Some((31, "/admin/event/4"))),
            ("/m/2/m/3/admin", Some((2, "/m/3/admin"))),
            ("/m/1/admin", None),
            ("/m/0/admin", None),
            ("/m/02/admin", None),
            ("/m/+2/admin", None),
            ("/m/2x/admin", None),
            ("/m/", None),
            ("/my", None),
            ("/admin", None),
        ];
        for (path, found) in cases {
            assert_eq!(split(path), found.map(|(id, within)| (SpaceId(id), within)), "{path}");
        }
        assert_eq!((root(SpaceId::ASSOCIATION), root(SpaceId(7))), (String::new(), "/m/7".to_owned()));
    }

    #[test]
    fn a_space_gets_its_own_cookies_alone() {
        let mut headers = HeaderMap::new();
        headers
            .append(header::COOKIE, HeaderValue::from_static("hall_session=a; hall_session_m2=b; hall_session_m22=c"));
        headers.append(header::COOKIE, HeaderValue::from_static("hall_language=en; hall_flash_m2=x=y; other=1"));
        own_cookies(&mut headers, SpaceId(2));
        let line = headers.get(header::COOKIE).unwrap().to_str().unwrap();
        assert_eq!(line, "hall_session=b; hall_flash=x=y; hall_language=en");
        assert_eq!(marked(SpaceId(2), "a=b; Path=/; Max-Age=1"), "a_m2=b; Path=/m/2; Max-Age=1");
        assert_eq!(marked(SpaceId::ASSOCIATION, "a=b; Path=/"), "a=b; Path=/");
        assert_eq!(marked(SpaceId(2), "hall_browser=x; Path=/"), "hall_browser=x; Path=/", "it is of all spaces");
    }

    #[test]
    fn addresses_of_a_page_become_those_of_its_space_and_text_stays() {
        let page = |html: &str| page(SpaceId(2), html.to_owned());
        let cases = [
            ("<a href=\"/admin\">", "<a href=\"/m/2/admin\">"),
            ("<a class=\"x\" href=\"/\">", "<a class=\"x\" href=\"/m/2/\">"),
            ("<svg><use xlink:href=\"/a\"></svg>", "<svg><use xlink:href=\"/m/2/a\"></svg>"),
            (
                "<p data-live-source=\"/admin/live\" class=\"/x\">",
                "<p data-live-source=\"/m/2/admin/live\" class=\"/x\">",
            ),
            ("<script src=\"/asset/app.js\">", "<script src=\"/asset/app.js\">"),
            ("<a href=\"//else.where/\">", "<a href=\"//else.where/\">"),
            ("<a href=\"https://a/b\">", "<a href=\"https://a/b\">"),
            ("<input name=\"back\" value=\"/admin\">", "<input name=\"back\" value=\"/admin\">"),
            ("<p>href=\"/admin\"</p>", "<p>href=\"/admin\"</p>"),
            ("<p>&lt;a href=&quot;/admin&quot;</p>", "<p>&lt;a href=&quot;/admin&quot;</p>"),
            ("", ""),
        ];
        for (html, expected) in cases {
            assert_eq!(page(html), expected);
        }
        assert_eq!(super::page(SpaceId::ASSOCIATION, "<a href=\"/admin\">".into()), "<a href=\"/admin\">");
    }

    #[test]
    fn an_answer_sends_the_browser_within_its_space() {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/login?back=%2Fadmin"));
        response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static("a=1; Path=/"));
        response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static("b=2; Path=/"));
        leave(SpaceId(3), &mut response);
        assert_eq!(response.headers()[header::LOCATION], "/m/3/login?back=%2Fadmin");
        let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["a_m3=1; Path=/m/3", "b_m3=2; Path=/m/3"]);
    }
}
