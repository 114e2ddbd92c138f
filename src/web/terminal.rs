//! Check-in terminals: pairing and the door; helpers' lists of people; screens of gates.

use crate::{
    Hall,
    answer::{Answer, Failure, again, page, see, tell, told},
    audience::{DEVICE, Scanner, Visit, secret_cookie},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    EventId, GateId, ListId, Scan, TicketId,
    checkin::{Direction, Door, MultiEntry, Reason, Request, Shown, Verdict, Way},
    order::OrderState,
};
use service::{
    Actor, Error, Who, checkin, device, order, print,
    registration::{self, PAGE},
    roster::{Filter, Show},
};
use std::sync::Arc;
use views::{Tone, admin::device::list_name, component::list::query, terminal as pages};

/// Routes of terminals.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/terminal", get(own))
        .route("/terminal/pair", get(pair_form).post(pair))
        .route("/terminal/worker.js", get(worker))
        .route("/terminal/manifest.webmanifest", get(manifest))
        .route("/terminal/{event}", get(door))
        .route("/terminal/{event}/people", get(people))
        .route("/terminal/{event}/pick", post(pick))
        .route("/terminal/{event}/review", get(review))
        .route("/terminal/{event}/review/{order}/{act}", post(decide))
        .route("/terminal/{event}/watch/{gate}", get(watch))
        .route("/helper", post(bind))
}

async fn pair_form(visit: Visit, Query(query): Query) -> Answer {
    page(pages::pair(&visit.shell(), query.get("code"), query.ticked("auto"), None))
}

const TEN_YEARS: i64 = 10 * 365 * 24 * 3600;

fn with_token(visit: &Visit, token: &str) -> Answer {
    let mut response = see("/terminal")?;
    let cookie = HeaderValue::try_from(secret_cookie(visit, DEVICE, token, TEN_YEARS))
        .map_err(|error| Error::internal("a cookie", error))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Pairing takes a press of the button: a link that is only looked at must not spend the code.
async fn pair(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let code = fields.get("code");
    match device::pair(&hall.ctx, visit.space, code, &visit.origin.address).await {
        Ok(token) => with_token(&visit, &token),
        Err(error) => again(error, |refusal| Ok(pages::pair(&visit.shell(), code, false, Some(refusal)))),
    }
}

/// Makes this phone the helper's whose number stands on the ticket (S0-57).
async fn bind(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let token = device::bind(&hall.ctx, visit.space, fields.get("link")).await?;
    with_token(&visit, &token)
}

async fn own(State(hall): State<Hall>, visit: Visit, scanner: Result<Scanner, Failure>, Query(query): Query) -> Answer {
    match scanner {
        Ok(Scanner::Device(actor)) => match &actor.who {
            Who::Device { event, .. } => at(&hall, &visit, &actor, *event, &query),
            Who::Staff { .. } | Who::Client { .. } | Who::Person { .. } | Who::Visitor => see("/terminal/pair"),
        },
        Ok(Scanner::Revoked(..)) => page(pages::revoked(&visit.shell())),
        Ok(Scanner::Staff(_)) | Err(_) => see("/terminal/pair"),
    }
}

async fn door(
    State(hall): State<Hall>,
    visit: Visit,
    scanner: Scanner,
    Path(event): Path<u64>,
    Query(query): Query,
) -> Answer {
    match scanner {
        Scanner::Device(actor) | Scanner::Staff(actor) => at(&hall, &visit, &actor, EventId(event), &query),
        Scanner::Revoked(..) => page(pages::revoked(&visit.shell())),
    }
}

/// Name of whoever scans.
fn name(actor: &Actor) -> &str {
    match &actor.who {
        Who::Device { name, .. } | Who::Staff { name, .. } => name,
        Who::Visitor | Who::Client { .. } | Who::Person { .. } => "",
    }
}

fn counts(counts: checkin::Counts) -> pages::Counts {
    let checkin::Counts { registered, admitted, inside, refused } = counts;
    pages::Counts { registered, admitted, inside, refused }
}

/// The door. Staff and helpers choose list and direction; a terminal stands where it was sent.
fn at(hall: &Hall, visit: &Visit, actor: &Actor, event: EventId, query: &Fields) -> Answer {
    let (post, helper) = (actor.post(), matches!(&actor.who, Who::Device { helper: true, .. }));
    let chooses = helper || matches!(actor.who, Who::Staff { .. });
    let list = query.number("list")?.filter(|_| chooses).map_or(post.list, ListId);
    let direction = match query.get("direction") {
        "exit" if chooses => Direction::Exit,
        "entry" if chooses => Direction::Entry,
        _ => post.direction,
    };
    let of = checkin::door(&hall.ctx, actor, event, list)?;
    let recent = of.recent.iter().map(|row| {
        let (word, tone) = word(visit, &row.scan, row.annulled.is_some());
        (row.name.clone().unwrap_or_else(|| row.scan.code.clone()), word, tone)
    });
    let shell = visit.shell();
    let names = of.doors.lists.iter().map(|list| (list.id.0, list_name(&shell, list)));
    let row = &of.doors.event;
    let entries = Door::of(row.id, row.state, row.checkin, row.time.to, of.list.clone()).entries;
    let shown = pages::Door {
        event: &row.name,
        id: event.0,
        device: name(actor),
        list: (list.0, &list_name(&shell, &of.list)),
        gate: post.gate.map_or("", |gate| of.doors.gate(gate)),
        direction,
        window: entries.map(|window| visit.format.window(&window)),
        counts: counts(of.counts),
        comes_back: of.list.multi != MultiEntry::Once || of.list.capacity.is_some(),
        recent: recent.collect(),
        may_search: post.names || !matches!(actor.who, Who::Device { .. }),
        helper,
        lists: if chooses { names.collect() } else { Vec::new() },
        badge: print::device_design(&hall.ctx, actor, event)?.map(|design| (design.sheet.width, design.sheet.height)),
        wechat: crate::wechat::is_offered(hall, visit)?,
    };
    page(pages::door(&shell, &shown))
}

/// What a scan's record says, in the reader's language.
pub fn word(visit: &Visit, scan: &Scan, annulled: bool) -> (String, Tone) {
    let text = visit.text();
    let (label, tone) = match (scan.verdict, scan.direction) {
        (Verdict::Admitted, Direction::Entry) if annulled => ("Check-in taken back", Tone::Warn),
        (Verdict::Admitted, Direction::Exit) if annulled => ("Exit taken back", Tone::Warn),
        (Verdict::Admitted, Direction::Entry) => ("Checked in", Tone::Good),
        (Verdict::Admitted, Direction::Exit) => ("Went out", Tone::Good),
        (Verdict::Incomplete, _) => ("Questions open", Tone::Warn),
        (Verdict::Refused(Reason::AlreadyIn), _) => (Reason::AlreadyIn.label(), Tone::Warn),
        (Verdict::Refused(reason), _) => (reason.label(), Tone::Bad),
    };
    (text.t(label).to_owned(), tone)
}

/// A helper, or somebody of the secretariat.
fn either(scanner: Scanner) -> Result<Arc<Actor>, Failure> {
    match scanner {
        Scanner::Device(actor) | Scanner::Staff(actor) => Ok(actor),
        Scanner::Revoked(..) => Err(crate::audience::shut_out().into()),
    }
}

async fn people(
    State(hall): State<Hall>,
    visit: Visit,
    scanner: Scanner,
    Path(event): Path<u64>,
    Query(query): Query,
) -> Answer {
    let (actor, event) = (either(scanner)?, EventId(event));
    let show = match query.get("show") {
        "entered" => Show::Entered,
        "waiting" => Show::Absent,
        _ => Show::Active,
    };
    let number = query.number("page")?.unwrap_or(0);
    let filter = Filter { text: query.get("q").chars().take(100).collect(), show, ..Filter::default() };
    let (ctx, asks, sought) = (hall.ctx.clone(), actor.clone(), filter.clone());
    let read = move || registration::list(&ctx, &asks, event, &sought, number);
    let (rows, found) = service::aside(read).await?;
    let doors = checkin::doors(&hall.ctx, &actor, event)?;
    let row = |(ticket, standing): (domain::Ticket, domain::checkin::Standing)| {
        let parts = [doors.kind(ticket.kind), doors.group(ticket.group), &ticket.company, &ticket.seat];
        let more: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let more = more.join(" · ");
        pages::PersonRow {
            ticket: ticket.id.0,
            name: ticket.name,
            more,
            phone: ticket.phone.as_deref().map_or(String::new(), domain::phone::masked),
            entered: standing.first().map(|entry| visit.format.short(entry.at)),
            barred: ticket.state.bars().map(|_| ticket.state),
        }
    };
    let counted = checkin::counts(&hall.ctx, &actor, event)?;
    let pending = order::pending(&hall.ctx, &actor, event)?;
    let shown = pages::People {
        pending,
        event: &doors.event.name,
        id: event.0,
        counts: counts(counted),
        text: &filter.text,
        show: match show {
            Show::Entered => "entered",
            Show::Absent => "waiting",
            _ => "registered",
        },
        rows: rows.into_iter().map(row).collect(),
        pages: (number, PAGE, found),
        nonce: &service::token::new(hall.ctx.random.as_ref()),
    };
    page(pages::people(&visit.shell(), &shown))
}

/// Checks a person in who was picked from the list.
async fn pick(
    State(hall): State<Hall>,
    visit: Visit,
    scanner: Scanner,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    let actor = either(scanner)?;
    let request = Request {
        shown: Shown::Ticket(TicketId(fields.needed("ticket")?)),
        way: Way::Picked,
        nonce: fields.get("nonce").to_owned(),
        ..Request::default()
    };
    let answer = checkin::redeem(&hall.ctx, &actor, EventId(event), request).await?;
    let back = query(&format!("/terminal/{event}/people"), &[("q", fields.get("q")), ("show", fields.get("show"))]);
    let text = visit.text();
    let name = answer.person.as_ref().map_or("", |person| &person.holder.name);
    match answer.verdict {
        Verdict::Admitted => tell(&back, Tone::Good, &format!("{name}: {}", text.t("Checked in"))),
        Verdict::Incomplete => tell(
            &back,
            Tone::Warn,
            &format!("{name}: {}", text.t("There are questions to ask: scan or find this person on the scan page.")),
        ),
        Verdict::Refused(reason) => {
            let tone = if reason == Reason::AlreadyIn { Tone::Warn } else { Tone::Bad };
            tell(&back, tone, &format!("{name}: {}", text.t(reason.label())))
        }
    }
}

/// What a gate's screen shows of the newest scan there.
pub fn seen(hall: &Hall, visit: &Visit, actor: &Actor, event: EventId, gate: GateId) -> Result<pages::Seen, Failure> {
    let Some(row) = checkin::newest_at(&hall.ctx, actor, event, gate)? else {
        return Ok(pages::Seen { word: visit.text().t("Ready").to_owned(), ..pages::Seen::default() });
    };
    let (word, tone) = word(visit, &row.scan, row.annulled.is_some());
    Ok(pages::Seen {
        scan: row.scan.id.0,
        word,
        tone: Some(tone),
        name: row.name.unwrap_or_else(|| row.scan.code.clone()),
    })
}

async fn watch(
    State(hall): State<Hall>,
    visit: Visit,
    scanner: Scanner,
    Path((event, gate)): Path<(u64, u64)>,
) -> Answer {
    let (actor, id) = (either(scanner)?, EventId(event));
    let doors = checkin::doors(&hall.ctx, &actor, id)?;
    let seen = seen(&hall, &visit, &actor, id, GateId(gate))?;
    let live = format!("/terminal/{event}/watch/{gate}/live");
    page(pages::watch(&visit.shell(), &doors.event.name, doors.gate(GateId(gate)), &live, &seen))
}

/// The worker that keeps the terminal's page for when the box cannot be reached. It must lie where the pages lie that it keeps.
async fn worker() -> Answer {
    let file = views::asset::asset("worker.js").ok_or_else(|| domain::Refusal::missing("page"))?;
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.mime)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::HeaderName::from_static("service-worker-allowed"), HeaderValue::from_static("/terminal")),
    ];
    Ok((head, file.bytes.into_owned()).into_response())
}

/// What makes the terminal's page one that can be installed.
async fn manifest(visit: Visit) -> Response {
    let name = format!("{} · {}", visit.space_name, visit.text().t("Check-in"));
    let start = format!("{}/terminal", crate::space::root(visit.space));
    let body = serde_json::json!({
        "name": name, "short_name": visit.text().t("Check-in"), "start_url": start, "scope": start, "display": "fullscreen",
        "background_color": "#fbf8f4", "theme_color": "#a83a26",
        "icons": [{ "src": views::asset::url("logo.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any" }],
    });
    ([(header::CONTENT_TYPE, "application/manifest+json")], body.to_string()).into_response()
}

/// What waits for review, for a helper's phone (S0-62).
async fn review(State(hall): State<Hall>, visit: Visit, scanner: Scanner, Path(event): Path<u64>) -> Answer {
    let (actor, event) = (either(scanner)?, EventId(event));
    let filter = order::Filter { state: Some(OrderState::PendingReview), ..order::Filter::default() };
    let (orders, found) = order::list(&hall.ctx, &actor, event, &filter, 0).await?;
    let doors = checkin::doors(&hall.ctx, &actor, event)?;
    page(pages::review(&visit.shell(), (&doors.event.name, event.0), &orders, found))
}

async fn decide(
    State(hall): State<Hall>,
    visit: Visit,
    scanner: Scanner,
    Path((event, id, act)): Path<(u64, u64, String)>,
    fields: Fields,
) -> Answer {
    let actor = either(scanner)?;
    let decision = match act.as_str() {
        "approve" => order::Decision::Approve,
        "refuse" => order::Decision::Refuse(fields.get("reason").to_owned()),
        _ => return Err(crate::answer::missing().await),
    };
    let done = order::decide(&hall.ctx, &actor, EventId(event), domain::OrderId(id), &decision).await;
    told(&visit, &format!("/terminal/{event}/review"), done.map(drop))
}
