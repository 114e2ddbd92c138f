//! Registrations of an event: list, one person, bulk acts, export, printing.

use crate::{
    Hall,
    answer::{Answer, again, download, page, pieces, tell, told},
    audience::{Staff, Visit},
    fields::{Ending, Fields, Query},
    phone::{REGISTRATION_MAX, local_path, ticket_input, with_uploads},
    terminal::word,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{EventId, Permission, Refusal, Ticket, TicketId, TicketState, TicketType, TicketTypeId, privacy::Seen};
use service::{
    Actor, At, Error, checkin, event, notice,
    privacy::access,
    registration::{self, Bulk},
    roster::{Filter, Show, SortBy},
    search::saved,
    ticket_type, token,
};
use views::{Tone, admin::registration as pages, phone::ticket as ticket_pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let base = "/event/{event}/registration";
    let at = |tail: &str| format!("{base}{tail}");
    Router::new()
        .route(base, get(list))
        .route(&at("/new"), get(new_form).post(add).layer(DefaultBodyLimit::max(REGISTRATION_MAX)))
        .route(&at("/bulk"), post(bulk))
        .route(&at("/export.xlsx"), get(export))
        .route(&at("/export.csv"), get(export))
        .route(&at("/print"), get(print_sheet))
        .route(&at("/{ticket}"), get(show))
        .route(&at("/{ticket}/edit"), get(form).post(edit).layer(DefaultBodyLimit::max(REGISTRATION_MAX)))
        .route(&at("/{ticket}/answer/{field}"), get(upload))
        .route(&at("/{ticket}/{act}"), post(act))
        .route(&at("/{ticket}/print"), get(print))
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/registration")
}

pub(super) fn typed_filter(query: &Fields) -> pages::Filter {
    let text = |name| query.get(name).to_owned();
    pages::Filter {
        q: text("q"),
        show: text("show"),
        kind: text("kind"),
        group: text("group"),
        region: text("region"),
        sort: text("sort"),
        dir: text("dir"),
    }
}

pub(super) fn filter(typed: &pages::Filter) -> Filter {
    Filter {
        text: typed.q.chars().take(domain::query::QUERY_MAX).collect(),
        show: match typed.show.as_str() {
            "entered" => Show::Entered,
            "absent" => Show::Absent,
            "uncollected" => Show::Uncollected,
            "all" => Show::All,
            // "active" is what the list shows when nothing is chosen: whoever holds a place.
            code => {
                let state = TicketState::ALL.iter().skip(1).find(|state| state.code() == code);
                state.map_or(Show::Active, |state| Show::State(*state))
            }
        },
        kind: typed.kind.parse().ok().map(TicketTypeId),
        group: typed.group.parse().ok().map(domain::GroupId),
        region: typed.region.chars().take(30).collect::<String>().to_lowercase(),
        sort: match typed.sort.as_str() {
            "name" => SortBy::Name,
            "entered" => SortBy::Entered,
            _ => SortBy::Created,
        },
        descending: typed.dir == "desc",
        ..Filter::default()
    }
}

pub(super) fn kinds(hall: &Hall, actor: &Actor, event: EventId) -> Result<Vec<TicketType>, Error> {
    Ok(ticket_type::list(&hall.ctx, actor, event)?.into_iter().map(|row| row.kind).collect())
}

/// A page of the list, read aside.
async fn listed(
    hall: &Hall,
    actor: &Actor,
    event: EventId,
    filter: Filter,
    page: usize,
) -> Result<(Vec<(Ticket, domain::checkin::Standing)>, usize), Error> {
    let (ctx, actor) = (hall.ctx.clone(), actor.clone());
    service::aside(move || registration::list(&ctx, &actor, event, &filter, page)).await
}

async fn list(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let typed = typed_filter(&query);
    let number = query.page(1_000_000)?;
    let (rows, found) = listed(&hall, &actor, id, filter(&typed), number).await?;
    let full = registration::sees_all(&hall.ctx, &actor, id);
    if full {
        let seen = rows.iter().filter(|(ticket, _)| ticket.phone.is_some()).map(|(ticket, _)| ticket.person);
        access::note(&hall.ctx, &actor, "registration.list", Some(id), seen, &[Seen::Phone]);
    }
    let shown = pages::List {
        event: &event::get(&hall.ctx, &actor, id)?.event,
        rows: &rows,
        kinds: &kinds(&hall, &actor, id)?,
        groups: &event::groups(&hall.ctx, &actor, id)?,
        found,
        page: number,
        size: registration::PAGE,
        filter: &typed,
        full,
        may_manage: hall.may(&actor, Permission::RegistrationManage, id),
        may_export: hall.may(&actor, Permission::RegistrationExport, id),
        may_tell: hall.may(&actor, Permission::NoticeSend, id),
        saved: &saved::list(&hall.ctx, &actor, &base(id))?,
    };
    page(pages::list(&visit.admin_shell(&actor), &shown))
}

fn typed(fields: &Fields) -> pages::Typed {
    let text = |name| fields.get(name).to_owned();
    pages::Typed {
        name: text("name"),
        phone: text("phone"),
        company: text("company"),
        kind: text("kind"),
        group: text("group"),
        seat: text("seat"),
        note: text("note"),
        door_note: text("door_note"),
        answers: fields.answers(),
    }
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: EventId,
    ticket: Option<&Ticket>,
    typed: &pages::Typed,
    refusal: Option<&Refusal>,
) -> Result<maud::Markup, Error> {
    let event = event::get(&hall.ctx, actor, id)?.event;
    let (kinds, groups) = (kinds(hall, actor, id)?, event::groups(&hall.ctx, actor, id)?);
    Ok(pages::form(&visit.admin_shell(actor), &event, ticket, &kinds, &groups, typed, refusal))
}

async fn new_form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    hall.ctx.permit(&actor, Permission::RegistrationManage, At::Event(EventId(id)))?;
    page(draw(&hall, &visit, &actor, EventId(id), None, &pages::Typed::default(), None)?)
}

async fn add(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let kind = TicketTypeId(fields.needed("kind")?);
    hall.ctx.permit(&actor, Permission::RegistrationManage, At::Event(id))?;
    let added = match with_uploads(&hall, &fields).await {
        Ok(input) => registration::add(&hall.ctx, &actor, id, kind, fields.get("group"), &input).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(ticket) => tell(&format!("{}/{}", base(id), ticket.id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, id, None, &typed(&fields), Some(refusal))),
    }
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, ticket)): Path<(u64, u64)>,
) -> Answer {
    let id = EventId(id);
    let of = registration::ticket_page(&hall.ctx, &actor, id, TicketId(ticket))?;
    let full = registration::sees_all(&hall.ctx, &actor, id);
    let seen = access::seen_of(&of.ticket);
    if full && !seen.is_empty() {
        access::note(&hall.ctx, &actor, "registration.page", Some(id), [of.ticket.person], &seen);
    }
    let mut answers = Vec::new();
    for field in &of.event.fields {
        let kept = of.ticket.answers.iter().find(|answer| answer.field == field.id);
        let shown = kept.map(|answer| registration::show_answer(&hall.ctx, &of.ticket, answer, full)).transpose()?;
        let is_file = kept.is_some_and(|answer| matches!(answer.value, domain::field::AnswerValue::File(_)));
        let file = (is_file && full).then(|| format!("{}/{ticket}/answer/{}", base(id), field.id));
        answers.push((field.label.clone(), shown.unwrap_or_default(), file));
    }
    for answered in checkin::answers(&hall.ctx, &actor, id, of.ticket.id)? {
        answers.push((format!("{} {}", answered.list, answered.question).trim().to_owned(), answered.answer, None));
    }
    let doors = checkin::doors(&hall.ctx, &actor, id)?;
    let scans: Vec<_> = checkin::history(&hall.ctx, &actor, id, of.ticket.id)?
        .into_iter()
        .map(|row| {
            let (word, tone) = word(&visit, &row.scan, row.annulled.is_some());
            let at = format!(
                "{} {}",
                visit.format.date(row.scan.scanned_at),
                visit.format.clock_seconds(row.scan.scanned_at)
            );
            let list = doors.list(row.scan.list).map_or("", |list| &list.name);
            let by = row.by.unwrap_or_default();
            pages::ScanLine { at, word, tone, by: if list.is_empty() { by } else { format!("{by} · {list}") } }
        })
        .collect();
    let shown = pages::Page {
        event: &of.event,
        ticket: &of.ticket,
        standing: &of.standing,
        kind: &of.kind.name,
        group: of.group.as_deref().unwrap_or(""),
        answers: &answers,
        scans: &scans,
        url: &format!("/ticket/{}", token::link(&of.ticket.link)),
        full,
        may_manage: hall.may(&actor, Permission::RegistrationManage, id),
        may_mark: hall.may(&actor, Permission::CheckinMark, id),
        may_tell: hall.may(&actor, Permission::NoticeSend, id),
        may_privacy: actor.holds_everywhere(Permission::PersonPrivacy),
        more: super::print::on_registration(&hall, &visit, &actor, id, of.ticket.id)?,
    };
    page(pages::show(&visit.admin_shell(&actor), &shown))
}

/// The kept values of a registration as the form shows them; whoever may not see phones gets no form.
fn kept(hall: &Hall, actor: &Actor, ticket: &Ticket) -> Result<pages::Typed, Error> {
    let groups = event::groups(&hall.ctx, actor, ticket.event)?;
    let group = groups.into_iter().find(|group| Some(group.id) == ticket.group).map(|group| group.name);
    let plain = |answer: &domain::field::Answer| match &answer.value {
        domain::field::AnswerValue::Plain(text) => Some((answer.field, text.clone())),
        domain::field::AnswerValue::Chosen(chosen) => Some((answer.field, chosen.join("\n"))),
        domain::field::AnswerValue::Region(code, _) => Some((answer.field, code.to_string())),
        domain::field::AnswerValue::Sealed(_) | domain::field::AnswerValue::File(_) => None,
    };
    Ok(pages::Typed {
        name: ticket.name.clone(),
        phone: ticket.phone.as_deref().map(domain::phone::local).unwrap_or_default(),
        company: ticket.company.clone(),
        kind: ticket.kind.to_string(),
        group: group.unwrap_or_default(),
        seat: ticket.seat.clone(),
        note: ticket.note.clone(),
        door_note: ticket.door_note.clone(),
        answers: ticket.answers.iter().filter_map(plain).collect(),
    })
}

async fn form(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, ticket)): Path<(u64, u64)>,
) -> Answer {
    let id = EventId(id);
    hall.ctx.permit(&actor, Permission::RegistrationManage, At::Event(id))?;
    hall.ctx.permit(&actor, Permission::PersonSensitive, At::Event(id))?;
    let ticket = registration::get(&hall.ctx, &actor, id, TicketId(ticket))?;
    let typed = kept(&hall, &actor, &ticket)?;
    if ticket.phone.is_some() {
        access::note(&hall.ctx, &actor, "registration.page", Some(id), [ticket.person], &[Seen::Phone]);
    }
    page(draw(&hall, &visit, &actor, id, Some(&ticket), &typed, None)?)
}

/// An uploaded answer.
async fn upload(
    State(hall): State<Hall>,
    Staff(actor): Staff,
    Path((event, ticket, field)): Path<(u64, u64, u16)>,
) -> Answer {
    let (bytes, name, mime) = service::upload::answer(&hall.ctx, &actor, EventId(event), TicketId(ticket), field)?;
    download(&name, mime, bytes)
}

async fn edit(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, ticket)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (id, number) = (EventId(id), TicketId(ticket));
    hall.ctx.permit(&actor, Permission::PersonSensitive, At::Event(id))?;
    let edit = registration::Edit {
        revision: fields.needed("revision")?,
        kind: TicketTypeId(fields.needed("kind")?),
        group: fields.get("group").to_owned(),
        input: ticket_input(&fields),
    };
    hall.ctx.permit(&actor, Permission::RegistrationManage, At::Event(id))?;
    let edited = match with_uploads(&hall, &fields).await {
        Ok(input) => {
            let edit = registration::Edit { input, ..edit.clone() };
            registration::edit(&hall.ctx, &actor, id, number, &edit).await
        }
        Err(error) => Err(error),
    };
    match edited {
        Ok(_) => tell(&format!("{}/{number}", base(id)), Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let ticket = registration::get(&hall.ctx, &actor, id, number)?;
            // The form keeps the revision it was opened at, so that a second try is refused as well until the page is opened anew.
            let opened = Ticket { revision: edit.revision, ..ticket };
            again(error, |refusal| draw(&hall, &visit, &actor, id, Some(&opened), &typed(&fields), Some(refusal)))
        }
    }
}

/// What is done to one registration by the press of a button.
async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, ticket, act)): Path<(u64, u64, String)>,
) -> Answer {
    let (event, number) = (EventId(id), TicketId(ticket));
    let done = match act.as_str() {
        "cancel" => registration::cancel(&hall.ctx, &actor, event, number).await,
        "restore" => registration::restore(&hall.ctx, &actor, event, number).await,
        "block" => registration::block(&hall.ctx, &actor, event, number, true).await,
        "unblock" => registration::block(&hall.ctx, &actor, event, number, false).await,
        "mark" => checkin::mark(&hall.ctx, &actor, event, number, true).await,
        "unmark" => checkin::mark(&hall.ctx, &actor, event, number, false).await,
        "attend" => notice::attend_code_by_hand(&hall.ctx, &actor, event, number).await,
        _ => return Err(crate::answer::missing().await),
    };
    told(&visit, &format!("{}/{ticket}", base(event)), done)
}

async fn bulk(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let ids: Vec<TicketId> = fields.all("id").filter_map(|id| id.parse().ok()).collect();
    let act = match fields.get("act") {
        "cancel" => Bulk::Cancel,
        "restore" => Bulk::Restore,
        "block" => Bulk::Block,
        "unblock" => Bulk::Unblock,
        "group" => Bulk::Group(fields.get("name").to_owned()),
        "mark" => Bulk::Mark,
        "unmark" => Bulk::Unmark,
        "attend" => Bulk::Attend,
        _ => return Err(Refusal::missing("act").into()),
    };
    let back = local_path(fields.get("back"));
    if ids.is_empty() {
        return tell(back, Tone::Warn, visit.text().t("Choose rows first."));
    }
    let (done, refused) = registration::bulk(&hall.ctx, &actor, id, &ids, &act).await?;
    let tone = if refused.is_empty() { Tone::Good } else { Tone::Warn };
    tell(
        back,
        tone,
        &pages::bulk_done(&visit.shell(), done, refused.len(), refused.first().map(|(_, refusal)| refusal)),
    )
}

async fn export(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Ending(format): Ending,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let text = visit.text();
    let event = event::get(&hall.ctx, &actor, id)?.event;
    let filter = filter(&typed_filter(&query));
    let zone = visit.format.zone.clone();
    let say = move |english: &str| text.t(english).to_owned();
    let file = registration::export(&hall.ctx, &actor, id, &filter, format, zone, say).await?;
    download(&format!("{}.{}", event.name, format.ending()), format.mime(), pieces(file))
}

async fn print(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, ticket)): Path<(u64, u64)>,
) -> Answer {
    let of = registration::ticket_page(&hall.ctx, &actor, EventId(id), TicketId(ticket))?;
    let (lucky, _) = service::draw::numbers_of(&hall.ctx, actor.space, of.ticket.event, of.ticket.id)?;
    let shown = ticket_pages::TicketPage {
        lucky: lucky.as_deref(),
        draws: &[],
        ticket: &of.ticket,
        standing: &of.standing,
        event: &of.event,
        kind: &of.kind.name,
        group: of.group.as_deref(),
        seat: true,
    };
    page(pages::print(&visit.shell(), &shown))
}

/// The QR codes of a page of the list, to be cut apart.
async fn print_sheet(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let number = query.page(1_000_000)?;
    let (rows, _) = listed(&hall, &actor, id, filter(&typed_filter(&query)), number).await?;
    let event = event::get(&hall.ctx, &actor, id)?.event;
    let tickets: Vec<_> = rows.into_iter().map(|(ticket, _)| (ticket.name, ticket.number)).collect();
    page(ticket_pages::print(&visit.shell(), &event.name, &tickets))
}
