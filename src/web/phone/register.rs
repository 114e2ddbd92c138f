//! Registering: one form that grows with the people, shows the price, and becomes an order.

use super::{choices, ticket_input, with_uploads};
use crate::{
    Hall,
    answer::{Answer, Failure, again, page, see},
    audience::{Member, Visit},
    fields::{Fields, Query},
};
use axum::{
    extract::{Path, State},
    http::HeaderMap,
};
use domain::{AddOnId, EventId, Order, Refusal, TicketTypeId, order::OrderState, privacy::consent::ConsentWay};
use maud::Markup;
use service::{
    Error, event, identity,
    order::{self, OrderInput, PersonInput},
    payment, privacy, quota, registration, token, upload, voucher, waiting,
};
use views::phone::register as pages;

/// The form, empty but for what the address brings along: a code, or the link of a waiter's page.
pub async fn form(State(hall): State<Hall>, visit: Visit, Path(event): Path<u64>, Query(query): Query) -> Answer {
    let mut first = pages::Person::default();
    let waiter = query.get("waiter");
    if !waiter.is_empty() {
        let of = waiting::page(&hall.ctx, visit.space, waiter)?;
        first.kind = of.kind.id.to_string();
        first.name = of.waiter.name;
        first.phone = domain::phone::local(&of.waiter.phone);
    }
    let typed = pages::Typed {
        people: vec![first],
        once: token::new(hall.ctx.random.as_ref()),
        code: query.get("code").chars().take(40).collect(),
        waiter: waiter.chars().take(64).collect(),
        ..pages::Typed::default()
    };
    page(draw(&hall, &visit, EventId(event), &typed, None, None)?)
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    event: EventId,
    typed: &pages::Typed,
    lines: Option<&[domain::order::Line]>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let visitor = visit.visitor();
    let event = event::public_get(&hall.ctx, &visitor, event)?;
    let notice = privacy::consent::current(&hall.ctx, visit.space)?;
    let shown = pages::Register {
        event: &event,
        choices: &choices(hall, visit, event.id, &typed.code)?,
        addons: &quota::public_addons(&hall.ctx, &visitor, event.id)?,
        sale: &order::sale(&hall.ctx, &visitor, event.id)?,
        codes: voucher::are_there(&hall.ctx, &visitor, event.id)?,
        methods: &payment::offered(&hall.ctx, &visitor)?,
        left: &registration::choices_left(&hall.ctx, &visitor, &event)?,
        privacy: notice.as_ref(),
        typed,
        lines,
    };
    Ok(pages::register(&visit.shell(), &shown, refusal))
}

/// The fields of person `at`: the first one's have no prefix.
fn person(fields: &Fields, at: usize) -> (String, Fields) {
    let prefix = if at == 0 { String::new() } else { format!("more-{at}-") };
    let own = fields.below(&prefix);
    (prefix, own)
}

/// Most people that a form is read for; the event's own limit is for the verb to say.
const PEOPLE_MAX: usize = domain::order::PEOPLE_MAX;

/// What was typed, and what was wrong with a file that came along; files are kept at once, so that the form can come back without them.
async fn read(hall: &Hall, fields: &Fields) -> Result<(pages::Typed, Option<Refusal>), Error> {
    let count = fields.get("people").parse().unwrap_or(1usize).clamp(1, PEOPLE_MAX);
    let (mut people, mut problems) = (Vec::new(), Vec::new());
    for at in 0..count {
        let (prefix, own) = person(fields, at);
        let input = match with_uploads(hall, &own).await {
            Ok(input) => input,
            Err(Error::Refused(refusal)) => {
                let named = |problem: domain::Problem| domain::Problem {
                    field: format!("{prefix}{}", problem.field),
                    ..problem
                };
                problems.extend(refusal.problems.into_iter().map(named));
                ticket_input(&own)
            }
            Err(error) => return Err(error),
        };
        let upload = |(id, text): &(u16, String)| Some((*id, upload::name(&hall.ctx, *id, text)?));
        people.push(pages::Person {
            kind: own.get("kind").to_owned(),
            name: input.name,
            phone: input.phone,
            company: input.company,
            uploads: input.answers.iter().filter_map(upload).collect(),
            answers: input.answers,
            addons: own.all("addon").filter_map(|id| id.parse().ok()).collect(),
        });
    }
    match fields.get("act") {
        "more" if people.len() < PEOPLE_MAX => {
            let kind = people.first().map(|first| first.kind.clone()).unwrap_or_default();
            people.push(pages::Person { kind, ..pages::Person::default() });
        }
        act => {
            let dropped = act.strip_prefix("drop-").and_then(|at| at.parse::<usize>().ok());
            if let Some(at) = dropped.filter(|at| (1..people.len()).contains(at)) {
                people.remove(at);
            }
        }
    }
    let text = |name: &str| fields.get(name).to_owned();
    let typed = pages::Typed {
        people,
        code: text("code"),
        donation: text("donation"),
        method: text("method"),
        once: text("once"),
        waiter: text("waiter"),
        agreed: text("privacy_notice"),
    };
    let wrong = (!problems.is_empty()).then(|| Refusal::invalid(problems));
    Ok((typed, wrong))
}

fn input(typed: &pages::Typed) -> Result<OrderInput, Refusal> {
    let person = |(at, person): (usize, &pages::Person)| {
        let field = if at == 0 { "kind".to_owned() } else { format!("more-{at}-kind") };
        let missing = || Refusal::invalid(vec![domain::problem!(field, "This field is required.")]);
        Ok::<_, Refusal>(PersonInput {
            kind: TicketTypeId(person.kind.parse().map_err(|_| missing())?),
            addons: person.addons.iter().map(|id| AddOnId(*id)).collect(),
            ticket: domain::ticket::TicketInput {
                name: person.name.clone(),
                phone: person.phone.clone(),
                company: person.company.clone(),
                answers: person.answers.clone(),
                ..domain::ticket::TicketInput::default()
            },
        })
    };
    Ok(OrderInput {
        once: typed.once.clone(),
        people: typed.people.iter().enumerate().map(person).collect::<Result<_, _>>()?,
        code: typed.code.clone(),
        donation: typed.donation.clone(),
        method: typed.method.clone(),
        waiter: typed.waiter.clone(),
        lang: String::new(),
        agreed: typed.agreed.parse().ok().map(|version| (version, ConsentWay::Form)),
    })
}

/// The form with the language that the visitor chose; none when they chose none.
fn spoken(input: OrderInput, headers: &HeaderMap) -> OrderInput {
    let chosen = crate::audience::cookie(headers, crate::audience::LANGUAGE).and_then(views::Lang::parse);
    OrderInput { lang: chosen.map_or(String::new(), |lang| lang.tag().to_owned()), ..input }
}

/// Takes the places; or draws the form anew with another person, one less, or the price.
pub async fn register(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    let event = EventId(event);
    let (typed, wrong) = read(&hall, &fields).await?;
    let act = fields.get("act");
    let checked = wrong.map_or_else(|| input(&typed), Err);
    let outcome = match (act, checked) {
        ("", Ok(input)) => match order::place(&hall.ctx, &visit.visitor(), event, &spoken(input, &headers)).await {
            Ok(order) => {
                // Every ticket came by the way that the buyer came.
                for (ticket, _) in order.tickets() {
                    crate::poster::credit(&hall, &visit, &headers, event, ticket).await;
                }
                remember(&hall, &visit, &headers, &order).await;
                return landed(&hall, &visit, &order);
            }
            Err(error) => Err(error),
        },
        ("show", Ok(input)) => order::quote(&hall.ctx, &visit.visitor(), event, &input).map(Some),
        (_, Err(refusal))
            if act.is_empty() || refusal.problems.iter().any(|problem| problem.field.contains("answer-")) =>
        {
            Err(refusal.into())
        }
        _ => Ok(None),
    };
    match outcome {
        Ok(quote) => {
            let lines = quote.as_ref().map(|quote| quote.lines.as_slice());
            page(draw(&hall, &visit, event, &typed, lines, None)?)
        }
        Err(error) => again(error, |refusal| draw(&hall, &visit, event, &typed, None, Some(refusal))),
    }
}

/// Lets whoever is logged in find the order among their own. It stands whatever becomes of that.
async fn remember(hall: &Hall, visit: &Visit, headers: &HeaderMap, order: &Order) {
    let Ok(Member(actor)) = Member::of(hall, visit.space, headers) else { return };
    if let Err(error) = identity::remember_order(&hall.ctx, &actor, &token::link(&order.link)).await {
        tracing::warn!(%error, "an order is not among its buyer's own");
    }
}

/// Where an order lands: one ticket that is valid at once on its page, everything else on the order's.
fn landed(hall: &Hall, visit: &Visit, order: &Order) -> Answer {
    let link = token::link(&order.link);
    if order.state == OrderState::Paid && order.tickets().count() == 1 && order.sums().total == 0 {
        let of = order::by_link(&hall.ctx, visit.space, &link).map_err(Failure::from)?;
        if let Some(ticket) = of.tickets.first() {
            return see(&format!("/ticket/{}?fresh=1", token::link(&ticket.link)));
        }
    }
    see(&format!("/order/{link}?fresh=1"))
}
