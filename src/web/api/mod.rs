//! The API for mini-programs, devices and integrations. Errors have one shape: code, message, field errors, request number. A route and its
//! description are one declaration.

pub mod checkin;
pub mod client;
pub mod door;
mod draw;
mod event;
pub mod guard;
mod helper;
mod holder;
mod home;
pub mod hot;
mod input;
mod invoice;
mod me;
mod order;
mod page;
pub mod pay;
pub mod session;
mod ticket;

use crate::{Hall, audience::Visit};
use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::once::{KEY_MAX, KEY_MIN};
use serde::Serialize;
use serde_json::Value;
use service::Error;
use std::sync::{Arc, OnceLock};
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        ContentBuilder, Object, ObjectBuilder, Ref, Required, ResponseBuilder, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

/// The description of the API but for its routes, which describe themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Huiguan",
        description = "What a mini-program, a device or another program can ask of the hall. Times are UTC milliseconds, amounts whole fen. Every error has a stable code and one shape. Tokens go into `Authorization: Bearer …`. A POST that carries an `Idempotency-Key` (8 to 128 signs, a new one for each request) is done once, however often it is sent within a day. Lists go on where `next` says. Answers to GET have an ETag: sent back as `If-None-Match`, what did not change is answered with 304 and no body."
    ),
    paths(checkin::redeem),
    components(schemas(Fault)),
    modifiers(&Common),
    tags(
        (name = "home", description = "What visitors see"),
        (name = "event", description = "Events and waiting lists"),
        (name = "order", description = "Registering"),
        (name = "ticket", description = "Tickets by their link"),
        (name = "draw", description = "Draws"),
        (name = "session", description = "Logging in"),
        (name = "me", description = "What is one's own"),
        (name = "helper", description = "For helpers at the door"),
        (name = "checkin", description = "At the door"),
        (name = "offline", description = "For terminals that go on alone"),
        (name = "device", description = "The life of a device's token"),
    )
)]
struct Description;

/// What is the same for every route: the refusals that any may answer, and the ways to show who asks.
struct Common;

/// Refusals that any route may answer.
const REFUSALS: &[(&str, &str)] = &[
    ("401", "Nobody is logged in, or the token is not known."),
    ("403", "Not allowed."),
    ("404", "There is no such thing."),
    ("409", "The state of things does not allow it, or the idempotency key came with another request."),
    ("422", "What was sent cannot be taken as it is; the fields say why."),
    ("429", "Too many requests; `Retry-After` says how many seconds to wait."),
    ("503", "The box cannot take it just now."),
];

impl Modify for Common {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = openapi.components.as_mut() {
            let bearer = || SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
            components.add_security_scheme("session", bearer());
            components.add_security_scheme("device", bearer());
            let staff = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(crate::audience::SESSION)));
            components.add_security_scheme("staff", staff);
            components.add_security_scheme(client::SCHEME, client::scheme(&openapi.paths));
        }
        for (path, item) in &mut openapi.paths.paths {
            name_operations(path, item);
        }
        for operation in openapi.paths.paths.values_mut().flat_map(operations) {
            for (status, text) in REFUSALS {
                let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Fault"))).build();
                let refusal = ResponseBuilder::new().description(*text).content("application/json", content).build();
                operation.responses.responses.entry((*status).to_owned()).or_insert_with(|| refusal.into());
            }
        }
    }
}

/// `getEventsByEvent` for GET of `/api/v1/events/{event}`: no two have the same.
fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_owned();
    for part in path.trim_start_matches("/api/v1").split(['/', '-']).filter(|part| !part.is_empty()) {
        let (by, name) = match part.strip_prefix('{') {
            Some(name) => ("By", name.trim_end_matches('}')),
            None => ("", part),
        };
        id.push_str(by);
        let mut letters = name.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}

/// A header that a route may be sent.
fn header(name: &str, words: &str, shape: Object) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(words))
        .schema(Some(shape))
        .build()
}

/// Gives every operation its name, and the headers and answers that all of its method have.
fn name_operations(path: &str, item: &mut utoipa::openapi::PathItem) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let all = [("get", &mut item.get), ("post", &mut item.post), ("put", &mut item.put), ("delete", &mut item.delete)];
    for (method, operation) in all {
        let Some(operation) = operation else { continue };
        operation.operation_id = Some(operation_id(method, path));
        let headers = operation.parameters.get_or_insert_with(Vec::new);
        if method == "post" && path != checkin::REDEEM {
            let words = "A new one for each request: with it, the request is done once however often it is sent. It belongs to the token that comes \
                along. Without a token it must be random and have at least 16 characters: then whoever knows it has it.";

            let shape = text().min_length(Some(KEY_MIN)).max_length(Some(KEY_MAX)).pattern(Some("^[!-~]+$"));
            headers.push(header("Idempotency-Key", words, shape.build()).into());
        }
        if method == "get" {
            headers.push(header("If-None-Match", "The ETag of the answer that the client has.", text().build()).into());
            let words = "It is as the client has it.";
            let known = ResponseBuilder::new().description(words).build();
            operation.responses.responses.insert("304".to_owned(), known.into());
        }
    }
}

fn operations(item: &mut utoipa::openapi::PathItem) -> impl Iterator<Item = &mut utoipa::openapi::path::Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten()
}

/// The routes with their description.
fn described() -> (Router<Hall>, utoipa::openapi::OpenApi) {
    let uploads = DefaultBodyLimit::max(crate::phone::REGISTRATION_MAX);
    let pictures = DefaultBodyLimit::max(domain::picture::UPLOAD_MAX + crate::BODY_MAX);
    let faces = DefaultBodyLimit::max(service::picture::FACE_MAX + crate::BODY_MAX);
    let (router, mut description) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(door::routes())
        .routes(routes!(home::parts))
        .routes(routes!(event::list))
        .routes(routes!(event::show))
        .routes(routes!(event::of_series))
        .routes(routes!(event::wait))
        .routes(routes!(event::waiter, event::leave))
        .routes(routes!(order::quote))
        .routes(routes!(order::place))
        .routes(routes!(order::show))
        .routes(routes!(order::cancel))
        .routes(routes!(order::keep).layer(uploads))
        .routes(routes!(pay::start))
        .routes(routes!(pay::look))
        .routes(routes!(invoice::receipt))
        .routes(routes!(invoice::list, invoice::ask))
        .routes(routes!(ticket::collect))
        .routes(routes!(ticket::show))
        .routes(routes!(ticket::transfer))
        .routes(routes!(ticket::talks, ticket::choose))
        .routes(routes!(ticket::form, ticket::give))
        .routes(routes!(ticket::help))
        .routes(routes!(holder::look, holder::pass))
        .routes(routes!(holder::messages, holder::choose_messages))
        .routes(routes!(holder::set_portrait, holder::drop_portrait).layer(pictures))
        .routes(routes!(holder::certificates))
        .routes(routes!(holder::check))
        .routes(routes!(draw::look, draw::join))
        .routes(routes!(draw::show))
        .routes(routes!(draw::tap))
        .routes(routes!(draw::say))
        .routes(routes!(draw::set_face).layer(faces))
        .routes(routes!(draw::verify))
        .routes(routes!(session::send))
        .routes(routes!(session::begin, session::list))
        .routes(routes!(session::wechat))
        .routes(routes!(session::end))
        .routes(routes!(session::revoke))
        .routes(routes!(me::show, me::save))
        .routes(routes!(me::attach))
        .routes(routes!(me::tickets))
        .routes(routes!(me::orders))
        .routes(routes!(me::prizes))
        .routes(routes!(me::notices))
        .routes(routes!(helper::totals))
        .routes(routes!(helper::reviews))
        .routes(routes!(helper::decide))
        .routes(routes!(helper::people))
        .split_for_parts();
    Common.modify(&mut description);
    (router, description)
}

/// Where the description lies.
const DESCRIBED: &str = "/api/v1/openapi.json";

/// The routes of the API without what surrounds them.
pub fn plain() -> Router<Hall> {
    described().0.route(DESCRIBED, get(describe))
}

/// The page on which people read what the API can do; a page like all others.
pub fn reading() -> Router<Hall> {
    Router::new().route("/api", get(page::show))
}

/// All routes of the API but for the scan's lane, and the pages that describe it.
pub fn routes(hall: &Hall) -> Router<Hall> {
    described()
        .0
        .route(DESCRIBED, get(describe))
        // A scan has its own lane and never comes here: this is for whoever asks for it in another way.
        .route(checkin::REDEEM, post(crate::answer::wrong_method))
        .method_not_allowed_fallback(crate::answer::wrong_method)
        .layer(middleware::from_fn_with_state(hall.clone(), guard::surround))
}

/// The description, made once.
fn description() -> Arc<Value> {
    static MADE: OnceLock<Arc<Value>> = OnceLock::new();
    MADE.get_or_init(|| Arc::new(serde_json::to_value(described().1).unwrap_or_default())).clone()
}

async fn describe() -> Json<Value> {
    Json(description().as_ref().clone())
}

/// What is wrong with one field.
#[derive(Serialize, ToSchema)]
struct FieldFault {
    field: String,
    /// In the asker's language.
    message: String,
}

/// An error.
#[derive(Serialize, ToSchema)]
struct Fault {
    /// Stable.
    code: &'static str,
    /// In the asker's language.
    message: String,
    /// What is wrong with which field.
    fields: Vec<FieldFault>,
    /// Number of the request, for the log.
    request: String,
}

/// An error as a part of an answer.
fn fault(visit: &Visit, error: &Error) -> Value {
    let text = visit.text();
    let fault = match error {
        Error::Internal(_) | Error::Unloaded(_) => Fault {
            code: "internal",
            message: text.t("Something went wrong").to_owned(),
            fields: Vec::new(),
            request: visit.request.clone(),
        },
        Error::Refused(refusal) => Fault {
            code: refusal.code,
            message: text.refusal(refusal),
            fields: refusal
                .problems
                .iter()
                .map(|problem| FieldFault {
                    field: problem.field.clone(),
                    message: text.args(problem.text, &problem.args),
                })
                .collect(),
            request: visit.request.clone(),
        },
    };
    serde_json::to_value(fault).unwrap_or_default()
}

/// A failure as JSON.
pub fn failure(visit: &Visit, error: &Error, status: StatusCode) -> Response {
    (status, Json(fault(visit, error))).into_response()
}
