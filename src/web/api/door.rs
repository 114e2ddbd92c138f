//! `/api/v1/checkin` beside the scans: taking back, finding people, lists and counts, what terminals take along and bring back, and
//! the life of a device's token.

use super::{
    Fault,
    checkin::{Outcome, Question, Scan, outcome, read},
};
use crate::{
    Hall,
    admin::design::drawing,
    answer::Failure,
    audience::{Scanner, Visit, shut_out},
    fields::Query,
};
use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use domain::{
    EventId, ListId, ScanId, SpaceId,
    checkin::{Reason, Rule, Test, Verdict},
    problem,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{
    Actor, Error, Who,
    checkin::{self, Counts, Doors, Upload, Which},
    device,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

/// Most bytes of an upload: 500 scans with answers.
const UPLOAD_BYTES: usize = 4 << 20;
/// Most bytes of a picture that is to be decoded.
const PICTURE_BYTES: usize = 2 << 20;

/// Routes below `/api/v1/checkin`.
pub fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(lists))
        .routes(routes!(search))
        .routes(routes!(annul))
        .routes(routes!(snapshot))
        .routes(routes!(changes))
        .routes(routes!(upload).layer(DefaultBodyLimit::max(UPLOAD_BYTES)))
        .routes(routes!(portrait))
        .routes(routes!(decode).layer(DefaultBodyLimit::max(PICTURE_BYTES)))
        .routes(routes!(initialise))
        .routes(routes!(roll))
        .routes(routes!(revoke))
}

/// Who asks, and for which event.
pub(super) struct Asker {
    pub actor: Arc<Actor>,
    pub event: EventId,
}

impl Asker {
    /// A terminal has its own event; a member of staff names one.
    pub(super) fn of(scanner: Scanner, named: Option<u64>) -> Result<Self, Failure> {
        match scanner {
            Scanner::Revoked(..) => Err(shut_out().into()),
            Scanner::Device(actor) => {
                let Who::Device { event, .. } = actor.who else { return Err(domain::Refusal::denied().into()) };
                match named {
                    Some(named) if named != event.0 => Err(domain::Refusal::denied().into()),
                    Some(_) | None => Ok(Self { actor, event }),
                }
            }
            Scanner::Staff(actor) => {
                let missing = || domain::Refusal::invalid(vec![problem!("event", "This field is required.")]);
                Ok(Self { actor, event: EventId(named.ok_or_else(missing)?) })
            }
        }
    }

    fn asked(scanner: Scanner, query: &Query) -> Result<(Self, ListId), Failure> {
        let asker = Self::of(scanner, query.0.exact("event")?)?;
        let list = query.0.exact("list")?.map_or(asker.actor.post().list, ListId);
        Ok((asker, list))
    }
}

/// The names that rules speak of.
pub(super) struct Names {
    doors: Doors,
    format: views::format::Format,
}

impl Names {
    pub(super) fn of(hall: &Hall, headers: &HeaderMap, actor: &Actor, event: EventId) -> Result<Self, Failure> {
        Ok(Self {
            doors: checkin::doors(&hall.ctx, actor, event)?,
            format: Visit::format_of(hall, actor.space, headers),
        })
    }

    fn names(&self) -> views::rule::Names<'_> {
        crate::admin::list::names(&self.doors, &self.format)
    }

    /// One condition in words.
    pub(super) fn test(&self, test: &Test) -> String {
        self.names().test(test)
    }
}

/// Counts of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Figures {
    /// Places taken at the event.
    registered: i64,
    /// People who came in at least once.
    admitted: i64,
    /// People inside now.
    inside: i64,
    /// Scans refused.
    refused: i64,
}

impl From<Counts> for Figures {
    fn from(counts: Counts) -> Self {
        Self {
            registered: counts.registered,
            admitted: counts.admitted,
            inside: counts.inside,
            refused: counts.refused,
        }
    }
}

/// Counts of the main list or another one, with the box's clock.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    #[serde(flatten)]
    counts: Figures,
    /// The box's clock, in milliseconds since 1970.
    now: i64,
}

/// Counts of the terminal's list, or of the one that is named.
#[utoipa::path(
    get, path = "/api/v1/checkin/status", tag = "checkin",
    params(("event" = Option<u64>, Query), ("list" = Option<u64>, Query)),
    responses((status = 200, body = Status), (status = 401, body = Fault), (status = 403, body = Fault)),
    security(("device" = []), ("staff" = []), ("client" = ["event.view"]), ("client" = ["checkin.scan"]))
)]
pub(super) async fn status(State(hall): State<Hall>, scanner: Scanner, query: Query) -> Result<Json<Status>, Failure> {
    let (asker, list) = Asker::asked(scanner, &query)?;
    let counts = checkin::counts_of(&hall.ctx, &asker.actor, asker.event, list)?;
    Ok(Json(Status { counts: counts.into(), now: hall.ctx.now().0 }))
}

/// A check-in list of the event.
#[derive(Serialize, ToSchema)]
pub(super) struct ListRow {
    id: u64,
    /// Empty for the main list that nobody named.
    name: String,
    /// `once`, `once_per_day`, `after_exit` or `unlimited`.
    multi: &'static str,
    /// Ticket types that it takes; none: all.
    kinds: Vec<u64>,
    capacity: Option<u32>,
    exit_hour: Option<u8>,
    /// The rules.
    #[schema(value_type = Option<Object>)]
    rules: Option<Rule>,
    /// The rules in words.
    words: String,
    counts: Figures,
}

/// The event's check-in lists with their counts.
#[utoipa::path(
    get, path = "/api/v1/checkin/lists", tag = "checkin", params(("event" = Option<u64>, Query)),
    responses((status = 200, body = Vec<ListRow>), (status = 401, body = Fault), (status = 403, body = Fault)),
    security(("device" = []), ("staff" = []), ("client" = ["event.view"]), ("client" = ["checkin.scan"]))
)]
pub(super) async fn lists(
    State(hall): State<Hall>,
    headers: HeaderMap,
    scanner: Scanner,
    query: Query,
) -> Result<Json<Vec<ListRow>>, Failure> {
    let (asker, _) = Asker::asked(scanner, &query)?;
    let names = Names::of(&hall, &headers, &asker.actor, asker.event)?;
    let mut rows = Vec::new();
    for list in &names.doors.lists {
        rows.push(ListRow {
            id: list.id.0,
            name: list.name.clone(),
            multi: list.multi.code(),
            kinds: list.kinds.iter().map(|kind| kind.0).collect(),
            capacity: list.capacity,
            exit_hour: list.exit_hour,
            words: list.rules.as_ref().map_or(String::new(), |rule| names.names().rule(rule)),
            rules: list.rules.clone(),
            counts: checkin::counts_of(&hall.ctx, &asker.actor, asker.event, list.id)?.into(),
        });
    }
    Ok(Json(rows))
}

/// A person found.
#[derive(Serialize, ToSchema)]
pub(super) struct FoundRow {
    /// Number of the ticket, for `redeem`.
    ticket: u64,
    name: String,
    company: String,
    group: String,
    seat: String,
    kind: String,
    /// With its middle left out.
    phone: String,
    note: String,
    /// Came in at this list at least once.
    admitted: bool,
}

/// People by part of their name, pinyin, company, seat, phone or number: at most 20.
#[utoipa::path(
    get, path = "/api/v1/checkin/search", tag = "checkin",
    params(("q" = String, Query, description = "At least two characters"), ("event" = Option<u64>, Query), ("list" = Option<u64>, Query)),
    responses(
        (status = 200, body = Vec<FoundRow>), (status = 401, body = Fault), (status = 403, body = Fault),
        (status = 422, description = "Too few characters.", body = Fault),
    ),
    security(("device" = []), ("staff" = []), ("client" = ["registration.view"]))
)]
pub(super) async fn search(
    State(hall): State<Hall>,
    scanner: Scanner,
    query: Query,
) -> Result<Json<Vec<FoundRow>>, Failure> {
    let (asker, list) = Asker::asked(scanner, &query)?;
    let (ctx, text) = (hall.ctx.clone(), query.0.get("q").to_owned());
    let found = service::aside(move || checkin::search(&ctx, &asker.actor, asker.event, list, &text)).await?;
    let row = |found: checkin::Found| FoundRow {
        ticket: found.ticket.0,
        name: found.holder.name,
        company: found.holder.company,
        group: found.group,
        seat: found.holder.seat,
        kind: found.kind,
        phone: found.phone,
        note: found.holder.door_note,
        admitted: found.standing.is_admitted(),
    };
    Ok(Json(found.into_iter().map(row).collect()))
}

/// Which scan is taken back. Give `nonce` or `scan`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Annul {
    /// Nonce of an own scan of the last 15 minutes.
    #[serde(default)]
    nonce: Option<String>,
    /// Number of any scan; needs the permission to mark people.
    #[serde(default)]
    scan: Option<u64>,
    #[serde(default)]
    event: Option<u64>,
}

/// Takes an admitted scan back; counts follow at once. Twice is once.
#[utoipa::path(
    post, path = "/api/v1/checkin/annul", tag = "checkin", request_body = Annul,
    responses(
        (status = 200, description = "The counts of its list.", body = Figures), (status = 401, body = Fault),
        (status = 403, description = "Too late for a terminal.", body = Fault),
        (status = 404, description = "No such scan.", body = Fault),
        (status = 409, description = "That scan let nobody in.", body = Fault), (status = 422, body = Fault),
    ),
    security(("device" = []), ("staff" = []), ("client" = ["checkin.scan"]), ("client" = ["checkin.mark"]))
)]
pub(super) async fn annul(State(hall): State<Hall>, scanner: Scanner, body: Bytes) -> Result<Json<Figures>, Failure> {
    let annul: Annul = read(&body)?;
    let asker = Asker::of(scanner, annul.event)?;
    let which = match (annul.nonce, annul.scan) {
        (Some(nonce), None) => Which::Nonce(nonce),
        (None, Some(scan)) => Which::Scan(ScanId(scan)),
        (Some(_), Some(_)) | (None, None) => {
            return Err(domain::Refusal::invalid(vec![problem!("nonce", "Give either a nonce or a scan.")]).into());
        }
    };
    Ok(Json(checkin::annul(&hall.ctx, &asker.actor, asker.event, which).await?.into()))
}

/// Everything that a terminal needs to go on alone, as `assets/door.js` reads it. Codes are salted hashes.
#[utoipa::path(
    get, path = "/api/v1/checkin/snapshot", tag = "offline", params(("event" = Option<u64>, Query), ("list" = Option<u64>, Query)),
    responses((status = 200, description = "Settings, rules and tickets of the list.", body = Object), (status = 401, body = Fault), (status = 403, body = Fault)),
    security(("device" = []), ("staff" = []), ("client" = ["checkin.scan"]))
)]
pub(super) async fn snapshot(
    State(hall): State<Hall>,
    headers: HeaderMap,
    scanner: Scanner,
    query: Query,
) -> Result<Response, Failure> {
    let (asker, list) = Asker::asked(scanner, &query)?;
    let (ctx, actor, event) = (hall.ctx.clone(), asker.actor.clone(), asker.event);
    let taken = service::aside(move || checkin::snapshot(&ctx, &actor, event, list)).await?;
    let names = Names::of(&hall, &headers, &asker.actor, event)?;
    let tests = taken.door.list.rules.as_ref().map(Rule::tests).unwrap_or_default();
    let words: BTreeMap<String, String> =
        tests.into_iter().filter_map(|test| Some((serde_json::to_string(test).ok()?, names.test(test)))).collect();
    let post = asker.actor.post();
    let rows: Vec<Value> = taken.tickets.iter().map(row).collect();
    let door = door(&taken.door);
    Ok(Json(json!({
        "now": taken.now.0, "zone": taken.zone, "salt": taken.salt, "line": taken.line, "version": taken.version,
        "event": event.0, "door": door, "words": words, "gate": post.gate, "inside": taken.inside,
        "kinds": taken.kinds, "groups": taken.groups, "tickets": rows,
    }))
    .into_response())
}

/// A door as `assets/door.js` decides by it.
pub fn door(door: &domain::checkin::Door) -> Value {
    let list = &door.list;
    let questions: Vec<Question<'_>> = list.questions.iter().map(Question::from).collect();
    json!({
        "event": door.event, "withdrawn": door.withdrawn,
        "entries": door.entries.map(|window| [window.from.0, window.to.0]),
        "list": list.id, "kinds": list.kinds, "multi": list.multi, "exit_hour": list.exit_hour,
        "capacity": list.capacity, "collected": list.collected, "rules": list.rules, "questions": questions,
    })
}

/// A ticket as `assets/door.js` reads it: short, for there are many.
fn row(taken: &checkin::Taken) -> Value {
    let mut row = json!({ "t": taken.ticket, "c": taken.codes, "k": taken.kind });
    let Some(fields) = row.as_object_mut() else { return row };
    let mut put = |name: &str, value: Value, is: bool| {
        if is {
            fields.insert(name.to_owned(), value);
        }
    };
    put("g", json!(taken.group), taken.group.is_some());
    put("x", json!(taken.barred), taken.barred.is_some());
    put("o", json!(true), taken.collected);
    put("w", json!(taken.words), taken.words.is_some());
    put("i", json!(taken.entries), !taken.entries.is_empty());
    put("u", json!(taken.exit), taken.exit.is_some());
    put("a", json!(taken.answered), !taken.answered.is_empty());
    row
}

/// Where the tickets stand that were scanned after line `after`; another version means that all must be taken anew.
#[utoipa::path(
    get, path = "/api/v1/checkin/changes", tag = "offline",
    params(("after" = u64, Query), ("event" = Option<u64>, Query), ("list" = Option<u64>, Query)),
    responses((status = 200, body = Object), (status = 401, body = Fault), (status = 403, body = Fault), (status = 422, body = Fault)),
    security(("device" = []), ("staff" = []), ("client" = ["checkin.scan"]))
)]
pub(super) async fn changes(State(hall): State<Hall>, scanner: Scanner, query: Query) -> Result<Response, Failure> {
    let (asker, list) = Asker::asked(scanner, &query)?;
    let missing = || domain::Refusal::invalid(vec![problem!("after", "This field is required.")]);
    let after = query.0.exact("after")?.ok_or_else(missing)?;
    let changes = checkin::changes(&hall.ctx, &asker.actor, asker.event, list, after)?;
    let turned: Vec<Value> =
        changes.tickets.iter().map(|turned| json!([turned.ticket, turned.entries, turned.exit])).collect();
    Ok(Json(json!({
        "now": changes.now.0, "line": changes.line, "version": changes.version, "inside": changes.inside, "tickets": turned,
    }))
    .into_response())
}

/// What a terminal said while it was alone.
#[derive(Deserialize)]
struct Said {
    /// `admitted` or `refused`.
    verdict: String,
    /// Why it was refused.
    #[serde(default)]
    reason: Option<Reason>,
}

/// Scans of a terminal that was alone, in their order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    /// At most 500, failed ones too: each as for `redeem`, with `verdict` (`admitted` or `refused`) and, when refused, `reason`.
    #[schema(value_type = Vec<Object>)]
    scans: Vec<Value>,
    #[serde(default)]
    event: Option<u64>,
}

/// One scan of a batch.
fn alone(mut value: Value) -> Result<Upload, Failure> {
    let said: Said = read(value.to_string().as_bytes())?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("verdict");
        fields.remove("reason");
    }
    let scan: Scan = read(value.to_string().as_bytes())?;
    let verdict = match (said.verdict.as_str(), said.reason) {
        ("admitted", None) => Verdict::Admitted,
        ("refused", Some(reason)) => Verdict::Refused(reason),
        _ => {
            let problem = problem!("verdict", "Give admitted, or refused with its reason.");
            return Err(domain::Refusal::invalid(vec![problem]).into());
        }
    };
    // What happened is a fact: nobody asks for force here.
    let request = domain::checkin::Request { force: false, ..scan.request()? };
    Ok(Upload { request, verdict })
}

/// Records scans that a terminal decided alone: what it admitted stays admitted, and is flagged where the box would have refused it.
/// Each gets the answer of `redeem` or an error of its own, in the same order.
#[utoipa::path(
    post, path = "/api/v1/checkin/upload", tag = "offline", request_body = Batch,
    responses(
        (status = 200, description = "One answer or error for each scan.", body = Object),
        (status = 403, description = "The device was shut out, and each scan is recorded as refused: answers as in 200; or it is not allowed.", body = Object),
        (status = 401, body = Fault), (status = 422, body = Fault),
    ),
    security(("device" = []), ("staff" = []), ("client" = ["checkin.scan"]))
)]
pub(super) async fn upload(
    State(hall): State<Hall>,
    headers: HeaderMap,
    visit: Visit,
    scanner: Scanner,
    body: Bytes,
) -> Result<Response, Failure> {
    let batch: Batch = read(&body)?;
    let read: Vec<Result<Upload, Failure>> = batch.scans.into_iter().map(alone).collect();
    let good: Vec<Upload> = read.iter().filter_map(|scan| scan.as_ref().ok().cloned()).collect();
    let (status, asker, answers) = match scanner {
        // It was shut out while it was alone: nobody comes in by it, and what it did is not lost.
        Scanner::Revoked(device, event) => {
            let scans = good.into_iter().map(|scan| scan.request).collect();
            let refused = checkin::refuse_revoked(&hall.ctx, visit.space, device, event, scans).await?;
            (StatusCode::FORBIDDEN, None, refused)
        }
        scanner => {
            let asker = Asker::of(scanner, batch.event)?;
            let answers = checkin::upload(&hall.ctx, &asker.actor, asker.event, good).await?;
            (StatusCode::OK, Some(asker), answers)
        }
    };
    let asked = asker.as_ref().map(|asker| (asker.actor.as_ref(), asker.event));
    let (mut answers, mut out) = (answers.into_iter(), Vec::new());
    for scan in &read {
        let fault = |failure: &Failure| super::fault(&visit, failure.error());
        out.push(match scan {
            Err(failure) => fault(failure),
            Ok(_) => match answers.next() {
                Some(Ok(answer)) => {
                    let said: Outcome<'_> = outcome(&hall, (visit.space, &headers), asked, &answer)?;
                    serde_json::to_value(&said).map_err(|error| Error::internal("writing an answer", error))?
                }
                Some(Err(refusal)) => fault(&refusal.into()),
                None => return Err(Error::Internal("an upload has fewer answers than scans".into()).into()),
            },
        });
    }
    Ok((status, Json(json!({ "answers": out, "now": hall.ctx.now().0 }))).into_response())
}

/// Reads a QR code out of a picture that a camera took, for browsers that cannot. Nothing is kept.
#[utoipa::path(
    post, path = "/api/v1/checkin/decode", tag = "checkin", request_body(content = Vec<u8>, content_type = "image/jpeg"),
    responses((status = 200, description = "The codes that were found, maybe none.", body = Object), (status = 401, body = Fault), (status = 422, body = Fault)),
    security(("device" = []), ("staff" = []), ("client" = ["checkin.scan"]))
)]
pub(super) async fn decode(scanner: Scanner, body: Bytes) -> Result<Response, Failure> {
    if let Scanner::Revoked(..) = scanner {
        return Err(shut_out().into());
    }
    let codes = service::picture::codes(body).await?;
    Ok(Json(json!({ "codes": codes })).into_response())
}

/// The picture of a ticket's holder, for the door that the ticket was shown to.
#[utoipa::path(
    get, path = "/api/v1/checkin/portrait", tag = "checkin",
    params(("number" = String, Query, description = "The ticket number"), ("event" = Option<u64>, Query)),
    responses(
        (status = 200, description = "A square picture.", content_type = "image/jpeg", body = Vec<u8>),
        (status = 401, body = Fault), (status = 403, body = Fault),
        (status = 404, description = "No such ticket, or no picture of its holder.", body = Fault), (status = 422, body = Fault),
    ),
    security(("device" = []), ("staff" = []), ("client" = ["checkin.scan"]))
)]
pub(super) async fn portrait(State(hall): State<Hall>, scanner: Scanner, query: Query) -> Result<Response, Failure> {
    let (asker, _) = Asker::asked(scanner, &query)?;
    let picture = service::portrait::at_door(&hall.ctx, &asker.actor, asker.event, query.0.get("number"))?;
    drawing("image/jpeg", picture.ok_or_else(|| domain::Refusal::missing("picture"))?)
}

/// A pairing code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Initialise {
    /// As the terminals page shows it; it works once, within 15 minutes.
    code: String,
}

/// A device's token.
#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    /// Send it as `Authorization: Bearer …`. It is shown once.
    token: String,
    /// The event the device admits people to.
    event: u64,
    /// The check-in list it stands at.
    list: u64,
    /// Its gate.
    gate: Option<u64>,
    /// `entry` or `exit`.
    direction: &'static str,
    /// Its name.
    name: String,
}

pub(super) fn token(hall: &Hall, space: SpaceId, token: String) -> Result<Json<Token>, Failure> {
    let known = device::actor(&hall.ctx, space, &token)?;
    let device::Known::Device(actor) = known else { return Err(shut_out().into()) };
    let Who::Device { event, name, post, .. } = &actor.who else { return Err(domain::Refusal::denied().into()) };
    Ok(Json(Token {
        token,
        event: event.0,
        list: post.list.0,
        gate: post.gate.map(|gate| gate.0),
        direction: post.direction.code(),
        name: name.clone(),
    }))
}

/// Trades a pairing code for a token.
#[utoipa::path(
    post, path = "/api/v1/checkin/device/initialise", tag = "device", request_body = Initialise,
    responses(
        (status = 200, body = Token), (status = 403, description = "The code is not valid, or no longer.", body = Fault),
        (status = 422, body = Fault), (status = 429, description = "Too many attempts.", body = Fault),
    )
)]
pub(super) async fn initialise(State(hall): State<Hall>, visit: Visit, body: Bytes) -> Result<Json<Token>, Failure> {
    let asked: Initialise = read(&body)?;
    let new = device::pair(&hall.ctx, visit.space, &asked.code, &visit.origin.address).await?;
    token(&hall, visit.space, new)
}

fn device_of(scanner: Scanner) -> Result<Arc<Actor>, Failure> {
    match scanner {
        Scanner::Device(actor) => Ok(actor),
        Scanner::Revoked(..) => Err(shut_out().into()),
        Scanner::Staff(_) => Err(domain::Refusal::denied().into()),
    }
}

/// Gives the device a new token; the old one is worth nothing from then on.
#[utoipa::path(
    post, path = "/api/v1/checkin/device/roll", tag = "device",
    responses((status = 200, body = Token), (status = 401, body = Fault), (status = 403, body = Fault)),
    security(("device" = []))
)]
pub(super) async fn roll(State(hall): State<Hall>, scanner: Scanner) -> Result<Json<Token>, Failure> {
    let actor = device_of(scanner)?;
    let new = device::roll(&hall.ctx, &actor).await?;
    token(&hall, actor.space, new)
}

/// The device shuts itself out, for good.
#[utoipa::path(
    post, path = "/api/v1/checkin/device/revoke", tag = "device",
    responses((status = 204, description = "Done."), (status = 401, body = Fault), (status = 403, body = Fault)),
    security(("device" = []))
)]
pub(super) async fn revoke(State(hall): State<Hall>, scanner: Scanner) -> Result<Response, Failure> {
    device::leave(&hall.ctx, device_of(scanner)?.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
