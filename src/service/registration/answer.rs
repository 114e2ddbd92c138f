//! Answers to an event's questions: how they are kept and shown, and the limits of choices.

use crate::{
    Actor, Ctx, Error, event,
    seal::{Kind, Spot},
    token, upload,
};
use domain::{
    Event, EventId, Refusal, Ticket,
    field::{Answer, AnswerValue, Field, FieldKind, Sealed},
    id_card,
};
use std::collections::BTreeMap;
use store::Read;
use store::catalogue::CHOSEN;

/// Answers as they are kept: sensitive ones encrypted, bound to the ticket's link.
pub(crate) fn keep_answers(
    ctx: &Ctx,
    fields: &[Field],
    link: &[u8; 16],
    answers: &[(u16, String)],
) -> Result<Vec<Answer>, Error> {
    let mut kept = Vec::with_capacity(answers.len());
    for (id, text) in answers {
        let kind = fields.iter().find(|field| field.id == *id).map_or(FieldKind::Text, |field| field.kind);
        let value = if kind.is_sensitive() {
            let cipher = ctx.sealer.seal(ctx.random.as_ref(), &seal_context(link, *id), text)?;
            AnswerValue::Sealed(Sealed { cipher, hint: id_card::masked(text) })
        } else if kind.chooses() {
            AnswerValue::Chosen(text.split('\n').map(str::to_owned).collect())
        } else if kind == FieldKind::File {
            AnswerValue::File(upload::taken(ctx, *id, text)?)
        } else if let Some(region) = domain::region::read(text).filter(|_| kind == FieldKind::Region) {
            AnswerValue::Region(region.code, region.name())
        } else {
            AnswerValue::Plain(text.clone())
        };
        kept.push(Answer { field: *id, value });
    }
    Ok(kept)
}

/// What an answer of a ticket is sealed for.
pub(crate) fn seal_context(link: &[u8; 16], field: u16) -> Spot {
    Spot::of(Kind::Answer, format!("ticket/{}/{field}", token::link(link)))
}

/// An answer as somebody may see it: in the clear with permission, its hint without.
pub fn show_answer(ctx: &Ctx, ticket: &Ticket, answer: &Answer, clear: bool) -> Result<String, Error> {
    match &answer.value {
        AnswerValue::Sealed(sealed) if !clear => Ok(sealed.hint.clone()),
        _ => open_answer(&ctx.sealer, ticket, answer),
    }
}

/// An answer in the clear, for what the box does with it.
pub(crate) fn open_answer(sealer: &crate::seal::Sealer, ticket: &Ticket, answer: &Answer) -> Result<String, Error> {
    match &answer.value {
        AnswerValue::Plain(text) | AnswerValue::Region(_, text) => Ok(text.clone()),
        AnswerValue::Chosen(chosen) => Ok(chosen.join("、")),
        AnswerValue::File(upload) => Ok(upload.name.clone()),
        AnswerValue::Sealed(sealed) => sealer.open(&seal_context(&ticket.link, answer.field), &sealed.cipher),
    }
}

/// Refuses choices that as many people have as can; what the ticket had before is its own.
pub(crate) fn check_choices(
    view: &impl Read,
    event: EventId,
    before: &[Answer],
    after: &[Answer],
) -> Result<(), Error> {
    let chosen = |answers: &[Answer]| -> Vec<(u16, String)> {
        let of = |answer: &Answer| match &answer.value {
            AnswerValue::Chosen(chosen) => chosen.iter().map(|choice| (answer.field, choice.clone())).collect(),
            AnswerValue::Plain(_) | AnswerValue::Sealed(_) | AnswerValue::File(_) | AnswerValue::Region(..) => {
                Vec::new()
            }
        };
        answers.iter().flat_map(of).collect()
    };
    let (had, wanted) = (chosen(before), chosen(after));
    if wanted.is_empty() {
        return Ok(());
    }
    let form = event::load(view, event)?;
    let mut problems = Vec::new();
    for (id, choice) in wanted.iter().filter(|one| !had.contains(one)) {
        let Some(field) = form.fields.iter().find(|field| field.id == *id) else { continue };
        let Some(limit) = field.limit(choice) else { continue };
        if view.count(&CHOSEN, &(event, *id, choice.clone()))? >= i64::from(limit) {
            problems.push(domain::problem!(
                field.input_name(),
                "“{choice}” cannot be chosen any more: as many people have it as can.",
                choice = choice
            ));
        }
    }
    Ok(Refusal::unless_clean(problems)?)
}

/// How many can still have each limited choice of an event's questions.
pub fn choices_left(ctx: &Ctx, actor: &Actor, form: &Event) -> Result<BTreeMap<(u16, String), i64>, Error> {
    ctx.read(&ctx.public(actor), |view| {
        let mut left = BTreeMap::new();
        for field in form.fields.iter().filter(|field| field.kind.chooses()) {
            for choice in &field.choices {
                let Some(limit) = field.limit(choice) else { continue };
                let taken = view.count(&CHOSEN, &(form.id, field.id, choice.clone()))?;
                left.insert((field.id, choice.clone()), (i64::from(limit) - taken).max(0));
            }
        }
        Ok(left)
    })
}
