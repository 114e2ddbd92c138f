//! API clients at the guard: who shows a secret, and what the description opens to it. A client gets as far as the operation's description names one of its
//! scopes; there is no other list of what clients may do.

use crate::{
    Hall,
    answer::Failure,
    audience::{Peer, bearer},
    space::In,
};
use axum::http::{HeaderMap, Method, request::Parts};
use domain::{Permission, refuse};
use serde_json::Value;
use service::{
    Actor,
    client::{self, Entered},
    token,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};
use utoipa::openapi::{
    Paths,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

/// Name of the security scheme of clients.
pub const SCHEME: &str = "client";

/// The security scheme, with the scopes that the operations ask for.
pub fn scheme(paths: &Paths) -> SecurityScheme {
    let described = serde_json::to_value(paths).unwrap_or_default();
    let scopes: Vec<String> =
        scopes_in(&described).into_iter().map(|scope| format!("- `{}`: {}", scope.code(), scope.label())).collect();
    let words = format!(
        "The secret of an API client, made under “API clients”. It begins with `{}`. An operation is open to a client that was given one of the scopes \
        it names, at the events where the account behind the client has that permission; an operation without a security scheme is open to all. \
        Expired, revoked and unknown secrets are answered with 401 (`client.expired`, `client.revoked`, `client.unknown`), a missing scope and \
        another address with 403 (`client.scope`, `client.address`).\n\nScopes:\n{}",
        token::CLIENT,
        scopes.join("\n")
    );
    let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(token::CLIENT);
    SecurityScheme::Http(http.description(Some(words)).build())
}

/// The scopes of one operation, any of which opens it; none: it names no clients.
fn scopes_of(operation: &Value) -> Vec<Permission> {
    let ways = operation["security"].as_array().into_iter().flatten();
    let named = ways.filter_map(|way| way[SCHEME].as_array()).flatten().filter_map(Value::as_str);
    named.filter_map(Permission::parse).collect()
}

fn operations(paths: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let each = paths.as_object().into_iter().flatten();
    each.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// The part of the description that has the operations.
fn paths(described: &Value) -> &Value {
    described.get("paths").unwrap_or(&Value::Null)
}

fn scopes_in(paths: &Value) -> BTreeSet<Permission> {
    operations(paths).flat_map(|(_, _, operation)| scopes_of(operation)).collect()
}

/// The scopes that there are: the permissions that the API asks of clients anywhere.
pub fn offered() -> Vec<Permission> {
    scopes_in(paths(&super::description())).into_iter().collect()
}

/// What an operation is to clients.
enum Opened {
    /// Anybody may, and so may they.
    Everybody,
    /// Whoever was given one of these.
    Scopes(Vec<Permission>),
    /// It is for people or terminals alone.
    Closed,
}

/// What each operation is to clients, by path and method.
fn opened() -> &'static HashMap<String, HashMap<Method, Opened>> {
    static MADE: OnceLock<HashMap<String, HashMap<Method, Opened>>> = OnceLock::new();
    MADE.get_or_init(|| {
        let described = super::description();
        let of = |operation: &Value| {
            let scopes = scopes_of(operation);
            if !scopes.is_empty() {
                Opened::Scopes(scopes)
            } else if operation["security"].as_array().is_none_or(Vec::is_empty) {
                Opened::Everybody
            } else {
                Opened::Closed
            }
        };
        let mut all: HashMap<String, HashMap<Method, Opened>> = HashMap::new();
        for (method, path, operation) in operations(paths(&described)) {
            if let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) {
                all.entry(path.to_owned()).or_default().insert(method, of(operation));
            }
        }
        all
    })
}

/// What the operation of a request is to clients; none: it is not described. What may be read may be asked about.
fn operation(method: &Method, route: &str) -> Option<&'static Opened> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    opened().get(route)?.get(method)
}

/// Whether a request shows what looks like a client's secret.
pub fn is_shown(headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|token| token.starts_with(token::CLIENT))
}

fn address(parts: &Parts) -> String {
    parts.extensions.get::<Peer>().map_or_else(String::new, |peer| peer.address.ip().to_canonical().to_string())
}

/// The client whose secret a request shows.
pub fn enter(hall: &Hall, parts: &Parts) -> Result<Entered, Failure> {
    let secret = bearer(&parts.headers).unwrap_or_default();
    Ok(client::enter(&hall.ctx, In::of(&parts.extensions).0, secret, &address(parts))?)
}

/// Whether an operation is open to everybody, as far as its description says; what has none is no operation.
pub fn is_everybodys(method: &Method, route: Option<&str>) -> bool {
    let Some(route) = route else { return true };
    matches!(operation(method, route), None | Some(Opened::Everybody))
}

/// Opens an operation to a client, or refuses it. At what is everybody's it is nobody in particular.
pub fn open(hall: &Hall, parts: &Parts, known: Entered, route: Option<&str>) -> Result<Arc<Actor>, Failure> {
    let nobody = |known: &Entered| Arc::new(Actor { held: Vec::new(), ..known.actor.as_ref().clone() });
    // Where there is no such route, there is nothing to open.
    let Some(route) = route else { return Ok(nobody(&known)) };
    let refusal = match operation(&parts.method, route) {
        Some(Opened::Scopes(asked)) if asked.iter().any(|scope| known.scopes.contains(scope)) => {
            return Ok(known.actor);
        }
        Some(Opened::Scopes(asked)) => {
            let scopes: Vec<&str> = asked.iter().map(|scope| scope.code()).collect();
            refuse!(
                Denied,
                "client.scope",
                "This API client lacks the scope for this: {scope}. Make one that has it.",
                scope = scopes.join(" / ")
            )
        }
        Some(Opened::Everybody) => return Ok(nobody(&known)),
        None if route == super::DESCRIBED => return Ok(nobody(&known)),
        Some(Opened::Closed) | None => {
            refuse!(Denied, "client.closed", "This is for people and terminals, and closed to API clients.")
        }
    };
    client::refused(&hall.ctx, known.actor.space, known.client, refusal.code, &address(parts));
    Err(refusal.into())
}

/// As [`enter`] and [`open`], where there is a client's secret at all.
pub fn admit(hall: &Hall, parts: &Parts, route: Option<&str>) -> Result<Option<Arc<Actor>>, Failure> {
    if !is_shown(&parts.headers) {
        return Ok(None);
    }
    let known = enter(hall, parts)?;
    open(hall, parts, known, route).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_says_to_whom_it_is_open_and_names_scopes_that_there_are() {
        let described = super::super::description();
        let known = ["session", "device", "staff", SCHEME];
        for (method, path, operation) in operations(&described["paths"]) {
            for way in operation["security"].as_array().into_iter().flatten() {
                for (scheme, scopes) in way.as_object().unwrap() {
                    assert!(known.contains(&scheme.as_str()), "{method} {path}: {scheme}");
                    let scopes = scopes.as_array().unwrap();
                    assert_eq!(scopes.is_empty(), scheme != SCHEME, "{method} {path}: clients name one scope");
                    let read = scopes.iter().all(|scope| Permission::parse(scope.as_str().unwrap()).is_some());
                    assert!(read && scopes.len() < 2, "{method} {path}: {scopes:?}");
                }
            }
        }
        let offered: Vec<&str> = offered().into_iter().map(Permission::code).collect();
        assert_eq!(offered, ["event.view", "registration.view", "checkin.scan", "checkin.mark", "order.review"]);
        let words = described["components"]["securitySchemes"][SCHEME]["description"].as_str().unwrap();
        assert!(offered.iter().all(|scope| words.contains(scope)), "{words}");
    }
}
