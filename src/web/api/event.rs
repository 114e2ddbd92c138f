//! Events as visitors see them: the list, and everything that a client needs to register for one.

use super::{
    Fault,
    input::{Cut, Named, Page, Run},
};
use crate::{Hall, answer::Failure, audience::Visit, fields::Query};
use axum::{Json, extract::State};
use domain::{
    EventId,
    field::Field,
    rich::{self, Rich},
    ticket_type::Offer,
};
use serde::Serialize;
use service::{
    Actor, event, event_view, order, payment, poster, promotion, quota, registration, series, talk, ticket_type,
    voucher, waiting,
};
use utoipa::ToSchema;

/// A kept text as Markdown, whichever way it was written.
pub(super) fn markdown(kept: &str) -> String {
    match Rich::of(kept) {
        Rich::Document(html) => rich::to_markdown(html),
        Rich::Text(text) => text.to_owned(),
    }
}

/// An event of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct EventCard {
    id: u64,
    name: String,
    /// Start in UTC milliseconds.
    starts: i64,
    /// End in UTC milliseconds.
    ends: i64,
    /// Place in one line; may be empty.
    place: String,
    /// Address of the cover picture; none for the templates drawn by the hall.
    #[schema(required)]
    cover: Option<String>,
    /// Address of the invitation.
    url: String,
}

impl EventCard {
    pub(super) fn of(base: &str, event: &domain::Event) -> Self {
        let cover = match event.cover {
            domain::event::Cover::Picture(id) => Some(format!("{base}/picture/{id}")),
            domain::event::Cover::Template(_) => None,
        };
        Self {
            id: event.id.0,
            name: event.name.clone(),
            starts: event.time.from.0,
            ends: event.time.to.0,
            place: event.venue.line(),
            cover,
            url: format!("{base}/event/{}", event.id),
        }
    }
}

/// A question of a form.
#[derive(Serialize, ToSchema)]
pub(super) struct Ask {
    id: u16,
    label: String,
    help: String,
    /// Such as `text`, `long`, `choice`, `multiple`, `number`, `date`, `phone`, `id_card`, `file` or `agreement`.
    kind: &'static str,
    required: bool,
    choices: Vec<Choice>,
    /// Asked only where an earlier question was answered so.
    #[schema(required)]
    shown: Option<ShownWhen>,
}

/// An answer that can be chosen.
#[derive(Serialize, ToSchema)]
struct Choice {
    text: String,
    /// How often it can still be chosen; none without a limit.
    #[schema(required)]
    left: Option<i64>,
}

/// When a question is asked.
#[derive(Serialize, ToSchema)]
struct ShownWhen {
    question: u16,
    answers: Vec<String>,
}

impl Ask {
    pub(super) fn of(field: &Field, left: impl Fn(u16, &str) -> Option<i64>) -> Self {
        let choice = |text: &String| Choice { text: text.clone(), left: left(field.id, text) };
        let shown = field.shown.as_ref();
        Self {
            id: field.id,
            label: field.label.clone(),
            help: field.help.clone(),
            kind: field.kind.code(),
            required: field.required,
            choices: field.choices.iter().map(choice).collect(),
            shown: shown.map(|shown| ShownWhen { question: shown.field, answers: shown.answers.clone() }),
        }
    }
}

/// A kind of ticket.
#[derive(Serialize, ToSchema)]
struct Kind {
    id: u64,
    name: String,
    note: String,
    /// In fen, now.
    price: i64,
    /// How many can still be taken; none without a limit, or when the event does not tell.
    #[schema(required)]
    left: Option<i64>,
    /// `open`, `not_yet`, `over`, `sold_out` or `no_payment`.
    offer: &'static str,
    /// Must be approved.
    review: bool,
    /// For somebody who comes along with another person.
    companion: bool,
}

fn offer(offer: Offer) -> &'static str {
    match offer {
        Offer::Open => "open",
        Offer::Disabled | Offer::Over => "over",
        Offer::NotYet => "not_yet",
        Offer::SoldOut => "sold_out",
        Offer::NoPayment => "no_payment",
    }
}

/// Something that can be taken along with a ticket.
#[derive(Serialize, ToSchema)]
struct AddOnRow {
    id: u64,
    name: String,
    note: String,
    /// In fen.
    price: i64,
    /// The ticket types it goes with; empty for all.
    ticket_types: Vec<u64>,
}

/// A way to pay.
#[derive(Serialize, ToSchema)]
struct Way {
    code: &'static str,
    /// In the asker's language.
    label: String,
}

/// How the event takes orders.
#[derive(Serialize, ToSchema)]
struct Sale {
    /// Most people of one order.
    people_max: u16,
    /// There is a waiting list for what is sold out.
    waiting: bool,
    /// Holders may pass tickets on.
    transfer: bool,
    /// Buyers may give free orders up.
    cancel: bool,
    /// A donation may be added.
    donation: bool,
    /// There are codes that can be typed.
    codes: bool,
}

/// A talk or workshop.
#[derive(Serialize, ToSchema)]
pub(super) struct TalkRow {
    id: u64,
    title: String,
    speaker: String,
    room: String,
    starts: i64,
    ends: i64,
    intro: String,
    /// People choose it.
    chosen: bool,
    /// Places left; none without a limit.
    #[schema(required)]
    left: Option<i64>,
}

impl From<talk::Row> for TalkRow {
    fn from(row: talk::Row) -> Self {
        let left = domain::talk::left(&row.talk, row.taken);
        let talk = row.talk;
        Self {
            id: talk.id.0,
            title: talk.title,
            speaker: talk.speaker,
            room: talk.room,
            starts: talk.time.from.0,
            ends: talk.time.to.0,
            intro: markdown(&talk.intro),
            chosen: talk.chosen,
            left,
        }
    }
}

/// Where the event is, as WeChat's maps count (GCJ-02).
#[derive(Serialize, ToSchema)]
struct Spot {
    latitude: f64,
    longitude: f64,
}

/// An event with all that is needed to register.
/// The privacy notice.
#[derive(Serialize, ToSchema)]
pub(super) struct NoticeBody {
    /// Goes back with the order.
    version: u32,
    /// What it says, in lines.
    text: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct EventBody {
    #[serde(flatten)]
    card: EventCard,
    /// `published` or `withdrawn`.
    state: &'static str,
    /// Introduction in Markdown.
    intro: String,
    /// The same as HTML of a few plain elements, as the `rich-text` of a mini-program takes it; none where it was written as Markdown.
    #[schema(required)]
    intro_html: Option<String>,
    /// As lines, or in Markdown where it was written with formatting.
    notice: String,
    #[schema(required)]
    spot: Option<Spot>,
    questions: Vec<Ask>,
    ticket_types: Vec<Kind>,
    addons: Vec<AddOnRow>,
    methods: Vec<Way>,
    sale: Sale,
    talks: Vec<TalkRow>,
    /// What whoever registers reads and agrees to.
    #[schema(required)]
    privacy_notice: Option<NoticeBody>,
    /// Number of the series that it belongs to.
    #[schema(required)]
    series: Option<u64>,
    /// Address of its calendar file.
    calendar: String,
    /// Address of the poster to share.
    #[schema(required)]
    poster: Option<String>,
}

/// The published events that are not over, the next one in front.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "event",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = Page<EventCard>))
)]
pub(super) async fn list(State(hall): State<Hall>, visit: Visit, cut: Cut) -> Result<Json<Page<EventCard>>, Failure> {
    let events = event::public_list(&hall.ctx, &visit.visitor())?;
    let key = |event: &domain::Event| (event.time.from.0, event.id.0);
    Ok(Json(cut.of(events, Run::Up, key, |event| EventCard::of(&visit.base, event))))
}

/// One event; a code may open more ticket types.
#[utoipa::path(
    get, path = "/api/v1/events/{event}", tag = "event",
    params(
        ("event" = u64, Path), ("code" = Option<String>, Query),
        ("from" = Option<String>, Query, description = "By which link somebody came; it counts as a visit"),
    ),
    responses((status = 200, body = EventBody), (status = 404, body = Fault))
)]
pub(super) async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Named(id): Named<u64>,
    query: Query,
) -> Result<Json<EventBody>, Failure> {
    let (ctx, actor) = (&hall.ctx, visit.visitor());
    let event = event::public_get(ctx, &actor, EventId(id))?;
    let kinds = kinds(&hall, &actor, event.id, query.0.get("code"))?;
    let left = registration::choices_left(ctx, &actor, &event)?;
    let left = |field: u16, text: &str| left.get(&(field, text.to_owned())).copied();
    let addon = |addon: domain::quota::AddOn| AddOnRow {
        id: addon.id.0,
        name: addon.name,
        note: addon.note,
        price: addon.price.fen,
        ticket_types: addon.kinds.iter().map(|kind| kind.0).collect(),
    };
    let way = |setting: domain::PaymentSetting| Way {
        code: setting.method.code(),
        label: visit.text().t(setting.method.label()).to_owned(),
    };
    let sale = order::sale(ctx, &actor, event.id)?;
    let place = service::place::public_get(ctx, &actor, event.id)?;
    let talks = talk::agenda(ctx, &actor, event.id)?;
    promotion::visit(ctx, &actor, event.id, query.0.get("from"), false)?;
    let poster = poster::is_shared(ctx, visit.space, event.id)?;
    Ok(Json(EventBody {
        series: series::of_event(ctx, &actor, event.id)?.map(|series| series.id.0),
        calendar: format!("{}/event/{}/calendar.ics", visit.base, event.id),
        poster: poster.then(|| format!("{}/event/{}/poster.png", visit.base, event.id)),
        card: EventCard::of(&visit.base, &event),
        state: event.state.code(),
        intro: markdown(&event.intro),
        intro_html: match Rich::of(&event.intro) {
            Rich::Document(html) => Some(html.to_owned()),
            Rich::Text(_) => None,
        },
        notice: markdown(&event.notice),
        spot: place.map(|place| place.gcj02()).map(|(latitude, longitude)| Spot { latitude, longitude }),
        questions: event.fields.iter().map(|field| Ask::of(field, left)).collect(),
        ticket_types: kinds,
        addons: quota::public_addons(ctx, &actor, event.id)?.into_iter().map(addon).collect(),
        methods: payment::offered(ctx, &actor)?.into_iter().map(way).collect(),
        sale: Sale {
            people_max: sale.most,
            waiting: sale.waiting,
            transfer: sale.transfer,
            cancel: sale.cancel,
            donation: sale.donation,
            codes: voucher::are_there(ctx, &actor, event.id)?,
        },
        talks: talks.into_iter().map(TalkRow::from).collect(),
        privacy_notice: service::privacy::consent::current(ctx, actor.space)?
            .map(|notice| NoticeBody { version: notice.version, text: notice.text }),
    }))
}

fn kinds(hall: &Hall, actor: &Actor, event: EventId, code: &str) -> Result<Vec<Kind>, Failure> {
    let hidden = event_view::get(&hall.ctx, actor, event)?.hide_left;
    let row = |row: ticket_type::TicketTypeRow| Kind {
        id: row.kind.id.0,
        name: row.kind.name,
        note: row.kind.note,
        price: row.price.fen,
        left: row.left.filter(|_| !hidden),
        offer: offer(row.offer),
        review: row.kind.review,
        companion: row.kind.companion,
    };
    Ok(ticket_type::public_list(&hall.ctx, actor, event, code)?.into_iter().map(row).collect())
}

/// Somebody who wants to wait.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    ticket_type: u64,
    name: String,
    phone: String,
}

/// A wait.
#[derive(Serialize, ToSchema)]
pub(super) struct WaitBody {
    /// Whoever has it is the waiter.
    link: String,
    event: EventCard,
    ticket_type: u64,
    ticket_type_name: String,
    name: String,
    /// `waiting`, `offered`, `taken`, `lapsed` or `left`.
    state: &'static str,
    /// How many came before and still wait.
    before: usize,
    /// Until when a place is held; give the link as `waiter` with the order.
    #[schema(required)]
    held_until: Option<i64>,
}

fn wait_body(hall: &Hall, visit: &Visit, link: String) -> Result<Json<WaitBody>, Failure> {
    let of = waiting::page(&hall.ctx, visit.space, &link)?;
    let held_until = match of.waiter.state {
        domain::waiting::WaitState::Offered(until) => Some(until.0),
        _ => None,
    };
    Ok(Json(WaitBody {
        link,
        event: EventCard::of(&visit.base, &of.event),
        ticket_type: of.kind.id.0,
        ticket_type_name: of.kind.name,
        name: of.waiter.name,
        state: of.waiter.state.code(),
        before: of.before,
        held_until,
    }))
}

/// Puts somebody on the list of a ticket type that is sold out. The same phone waits once.
#[utoipa::path(
    post, path = "/api/v1/events/{event}/waits", tag = "event", request_body = Wish, params(("event" = u64, Path)),
    responses((status = 200, body = WaitBody))
)]
pub(super) async fn wait(
    State(hall): State<Hall>,
    visit: Visit,
    Named(event): Named<u64>,
    super::input::Sent(wish): super::input::Sent<Wish>,
) -> Result<Json<WaitBody>, Failure> {
    let event = event::public_get(&hall.ctx, &visit.visitor(), EventId(event))?.id;
    let kind = domain::TicketTypeId(wish.ticket_type);
    let link = waiting::join(&hall.ctx, &visit.visitor(), event, kind, &wish.name, &wish.phone).await?;
    wait_body(&hall, &visit, link)
}

/// A wait by its link.
#[utoipa::path(
    get, path = "/api/v1/waits/{link}", tag = "event", params(("link" = String, Path)),
    responses((status = 200, body = WaitBody))
)]
pub(super) async fn waiter(
    State(hall): State<Hall>,
    visit: Visit,
    Named(link): Named<String>,
) -> Result<Json<WaitBody>, Failure> {
    wait_body(&hall, &visit, link)
}

/// Gives a wait up.
#[utoipa::path(
    delete, path = "/api/v1/waits/{link}", tag = "event", params(("link" = String, Path)),
    responses((status = 204, description = "Done."))
)]
pub(super) async fn leave(
    State(hall): State<Hall>,
    visit: Visit,
    Named(link): Named<String>,
) -> Result<axum::http::StatusCode, Failure> {
    waiting::leave(&hall.ctx, &visit.visitor(), &link).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// A series of events.
#[derive(Serialize, ToSchema)]
pub(super) struct SeriesBody {
    id: u64,
    title: String,
    /// Introduction in Markdown.
    intro: String,
    /// The published ones, the first in front.
    events: Vec<EventCard>,
}

/// A series with its events.
#[utoipa::path(
    get, path = "/api/v1/series/{series}", tag = "event", params(("series" = u64, Path)),
    responses((status = 200, body = SeriesBody))
)]
pub(super) async fn of_series(
    State(hall): State<Hall>,
    visit: Visit,
    Named(id): Named<u64>,
) -> Result<Json<SeriesBody>, Failure> {
    let (of, events) = series::public(&hall.ctx, &visit.visitor(), domain::SeriesId(id))?;
    let events = events.iter().map(|event| EventCard::of(&visit.base, event)).collect();
    Ok(Json(SeriesBody { id: of.id.0, title: of.title, intro: markdown(&of.intro), events }))
}
