//! The feedback form of an event: its questions, answering once a ticket, results and their file.

use crate::{Actor, At, Ctx, Error, Work, event, registration};
use domain::{
    Event, EventId, FeedbackAnswer, FeedbackForm, FeedbackGiven, Permission, SpaceId, Ticket, TicketId, TicketState,
    feedback::{FeedbackInput, Outcome, check_answers, check_feedback, check_open, outcomes},
};
use std::collections::BTreeMap;
use store::{Order, Read};

pub(crate) fn form_in(view: &impl Read, event: EventId) -> Result<FeedbackForm, Error> {
    Ok(view.get::<FeedbackForm>(&event)?.unwrap_or_else(|| FeedbackForm::of(event)))
}

/// The form for whoever designs it.
pub fn form(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<FeedbackForm, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.read(&permit, |view| form_in(view, event))
}

/// Saves the form that was opened at `revision`.
pub async fn save(ctx: &Ctx, actor: &Actor, event: EventId, revision: u32, input: &FeedbackInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let (zone, input) = (ctx.zone(permit.space)?, input.clone());
    ctx.write(&permit, move |work| {
        let old = form_in(work.read(), event)?;
        event::check_revision(old.revision, revision)?;
        let new = check_feedback(&input, &old, &zone)?;
        work.put(&new)?;
        let text = |form: &FeedbackForm| {
            let labels: Vec<&str> = form.questions.iter().map(|question| question.field.label.as_str()).collect();
            format!("opens {:?} | anonymous {} | {}", form.opens.map(|at| at.0), form.anonymous, labels.join(", "))
        };
        work.audit("feedback.form", format!("event/{event}/feedback"), &text(&old), &text(&new))
    })
    .await
}

/// The form as the holder of a ticket sees it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The ticket.
    pub ticket: Ticket,
    /// Its event.
    pub event: Event,
    /// The form.
    pub form: FeedbackForm,
    /// It was answered already.
    pub given: bool,
}

fn given(view: &impl Read, event: EventId, ticket: TicketId) -> Result<bool, Error> {
    Ok(view.get::<FeedbackGiven>(&(event, ticket))?.is_some())
}

/// The form behind a ticket's link; refused when it may not be answered now, unless it was answered already.
pub fn page(ctx: &Ctx, space: SpaceId, link: &str) -> Result<Page, Error> {
    let of = registration::by_link(ctx, space, link)?;
    ctx.read(&ctx.own(space), |view| {
        let (form, given) = (form_in(view, of.event.id)?, given(view, of.event.id, of.ticket.id)?);
        check_open(&form, of.ticket.state == TicketState::Active, false, ctx.now())?;
        Ok(Page { ticket: of.ticket, event: of.event, form, given })
    })
}

/// Whether the ticket's page leads to the form: `None` while it is not open, else whether it was answered.
pub fn offered(ctx: &Ctx, space: SpaceId, ticket: &Ticket) -> Result<Option<bool>, Error> {
    ctx.read(&ctx.own(space), |view| {
        let open = form_in(view, ticket.event)?.is_open(ctx.now()) && ticket.state == TicketState::Active;
        if open { Ok(Some(given(view, ticket.event, ticket.id)?)) } else { Ok(None) }
    })
}

/// Keeps what the holder of a ticket answered. Of an anonymous form only that it was answered is kept with the ticket; the answer carries a number
/// drawn by chance and no time.
pub async fn answer(ctx: &Ctx, actor: &Actor, link: &str, typed: Vec<(u16, String)>) -> Result<(), Error> {
    let of = registration::by_link(ctx, actor.space, link)?;
    let (event, ticket, id) = (of.event.id, of.ticket.id, ctx.random.number());
    ctx.write(&ctx.public(actor), move |work| {
        crate::archive::check_open(work.read(), event)?;
        let form = form_in(work.read(), event)?;
        let standing = registration::load(work.read(), event, ticket)?.state == TicketState::Active;
        check_open(&form, standing, given(work.read(), event, ticket)?, work.now)?;
        let answers = check_answers(&form, &typed)?;
        work.insert(&FeedbackGiven { event, ticket })?;
        work.insert(&FeedbackAnswer { event, id, ticket: (!form.anonymous).then_some(ticket), answers })?;
        work.audit("feedback.answer", format!("event/{event}/feedback"), "", "")
    })
    .await
}

/// What the answers add up to.
#[derive(Debug, Clone)]
pub struct Results {
    /// The event.
    pub event: Event,
    /// The form.
    pub form: FeedbackForm,
    /// How many answered.
    pub count: usize,
    /// Question by question.
    pub outcomes: Vec<Outcome>,
    /// Names of those who answered with their name.
    pub names: BTreeMap<TicketId, String>,
}

fn answers_in(view: &impl Read, event: EventId) -> Result<Vec<FeedbackAnswer>, Error> {
    view.scan::<FeedbackAnswer>(&event, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

fn names_in(view: &impl Read, event: EventId, answers: &[FeedbackAnswer]) -> Result<BTreeMap<TicketId, String>, Error> {
    let mut names = BTreeMap::new();
    for ticket in answers.iter().filter_map(|answer| answer.ticket) {
        if let Some(kept) = view.get::<Ticket>(&(event, ticket))? {
            names.insert(ticket, kept.name);
        }
    }
    Ok(names)
}

/// The results, read aside.
pub async fn results(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Results, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    let ctx = ctx.clone();
    crate::aside(move || {
        ctx.read(&permit, |view| {
            let (form, answers) = (form_in(view, event)?, answers_in(view, event)?);
            let outcomes = outcomes(&form, &answers);
            let names = names_in(view, event, &answers)?;
            Ok(Results { event: event::load(view, event)?, form, count: answers.len(), outcomes, names })
        })
    })
    .await
}

/// Every answer as a file, a row each.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    format: crate::sheet::Format,
    say: impl Fn(&str) -> String + Send + 'static,
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationExport, At::Event(event))?;
    let ctx = ctx.clone();
    crate::aside(move || {
        let table = ctx.read(&permit, |view| {
            let (form, answers) = (form_in(view, event)?, answers_in(view, event)?);
            let names = names_in(view, event, &answers)?;
            let mut heads = vec![say("Name")];
            heads.extend(form.questions.iter().map(|question| question.field.label.clone()));
            let mut table = vec![heads];
            for answer in &answers {
                let name = answer.ticket.and_then(|ticket| names.get(&ticket)).cloned();
                let mut row = vec![name.unwrap_or_else(|| say("Anonymous"))];
                row.extend(form.questions.iter().map(|question| {
                    let said = answer.answers.iter().find(|(id, _)| *id == question.field.id);
                    said.map_or(String::new(), |(_, said)| said.clone())
                }));
                table.push(row);
            }
            Ok(table)
        })?;
        crate::sheet::write(format, &table)
    })
    .await
}

/// The copy of an event asks the same questions, moved with it.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId, shift: i64) -> Result<(), Error> {
    match work.read().get::<FeedbackForm>(&from)? {
        Some(form) => {
            let opens = form.opens.map(|opens| opens.plus(shift));
            work.put(&FeedbackForm { event: to, opens, revision: 0, ..form })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::{Format, read};
    use crate::test::{founded, named, opened};
    use crate::token;
    use domain::feedback::FeedbackQuestion;
    use domain::field::{Field, FieldKind};
    use domain::time::HOUR;

    fn question(id: u16, label: &str, kind: Option<FieldKind>) -> FeedbackQuestion {
        let field = Field {
            id,
            label: label.into(),
            kind: kind.unwrap_or(FieldKind::Number),
            required: kind.is_none(),
            help: String::new(),
            choices: Vec::new(),
            ..Field::default()
        };
        FeedbackQuestion { field, rating: kind.is_none() }
    }

    #[tokio::test]
    async fn a_ticket_answers_once_and_an_anonymous_answer_names_nobody() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (event, kind) = opened(&hall, &admin).await;
        let visitor = Actor::visitor(admin.space);
        let mut links = Vec::new();
        for n in 0..3 {
            let person = named(&format!("人{n}"), "");
            links.push(token::link(&registration::add(ctx, &admin, event, kind, "", &person).await.unwrap().link));
        }
        let zone = ctx.zone(admin.space).unwrap();
        let opens = ctx.now().plus(HOUR).to_local(&zone);
        let questions = vec![question(900, "总体评价", None), question(901, "建议", Some(FieldKind::Text))];
        let input = FeedbackInput { opens, anonymous: true, intro: String::new(), questions };
        save(ctx, &admin, event, 0, &input).await.unwrap();
        assert_eq!(save(ctx, &admin, event, 0, &input).await.unwrap_err().code(), Some("record.changed"));
        let said = |rating: &str| vec![(1, rating.to_owned()), (2, "=很好".to_owned())];
        let early = answer(ctx, &visitor, &links[0], said("5")).await.unwrap_err();
        assert_eq!(early.code(), Some("feedback.closed"));
        hall.advance(HOUR + 60_000);
        answer(ctx, &visitor, &links[0], said("5")).await.unwrap();
        assert_eq!(answer(ctx, &visitor, &links[0], said("1")).await.unwrap_err().code(), Some("feedback.given"));
        assert!(page(ctx, admin.space, &links[0]).unwrap().given && !page(ctx, admin.space, &links[1]).unwrap().given);
        let (one, two) =
            tokio::join!(answer(ctx, &visitor, &links[1], said("2")), answer(ctx, &visitor, &links[1], said("2")));
        assert!(one.is_ok() != two.is_ok(), "twice at once is once");
        let kept = ctx.store().view().space(admin.space);
        assert!(answers_in(&kept, event).unwrap().iter().all(|answer| answer.ticket.is_none()));
        let lines = crate::audit::page(ctx, &admin, None, "").await.unwrap().lines;
        let traces: Vec<_> = lines.iter().filter(|(_, line)| line.action == "feedback.answer").collect();
        assert!(traces.iter().all(|(_, line)| !line.subject.contains("ticket")), "the log does not say who answered");
        let named_form = FeedbackInput { anonymous: false, ..input };
        let revision = form(ctx, &admin, event).unwrap().revision;
        let kept = form(ctx, &admin, event).unwrap();
        save(ctx, &admin, event, revision, &FeedbackInput { questions: kept.questions, ..named_form }).await.unwrap();
        answer(ctx, &visitor, &links[2], said("5")).await.unwrap();
        let results = results(ctx, &admin, event).await.unwrap();
        assert_eq!((results.count, results.outcomes[0].average()), (3, Some(400)));
        assert_eq!(results.names.values().collect::<Vec<_>>(), ["人2"], "who answered without a name stays without");
        let file = export(ctx, &admin, event, Format::Csv, str::to_owned).await.unwrap();
        let rows = read(&file).unwrap().rows;
        assert_eq!(rows.iter().filter(|(_, row)| row[0] == "Anonymous").count(), 2);
        assert!(String::from_utf8(file).unwrap().contains("'=很好"), "formulas are defused");
        assert!(super::results(ctx, &visitor, event).await.is_err() && ctx.store().verify().is_sound());
    }
}
