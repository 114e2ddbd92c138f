//! The feedback form of an event: results, questions, the file of answers.

use crate::{
    Hall,
    answer::{Answer, again, download, missing, page, tell},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use domain::{
    EventId, Permission,
    feedback::{FeedbackInput, FeedbackQuestion, QUESTIONS_MAX},
    field::{Field, FieldKind},
};
use service::{At, event, feedback, sheet::Format};
use views::{Tone, admin::feedback as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/feedback", get(results))
        .route("/event/{event}/feedback/form", get(form).post(save))
        .route("/event/{event}/feedback/{file}", get(file))
}

async fn results(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = EventId(id);
    let of = feedback::results(&hall.ctx, &actor, id).await?;
    let may = |permission| hall.ctx.permit(&actor, permission, At::Event(id)).is_ok();
    let shown = pages::Results {
        event: &of.event,
        form: &of.form,
        count: of.count,
        outcomes: &of.outcomes,
        names: &of.names,
        open: of.form.is_open(hall.ctx.now()),
        may_manage: may(Permission::EventManage),
        may_export: may(Permission::RegistrationExport),
    };
    page(pages::results(&visit.admin_shell(&actor), &shown))
}

/// The kept questions and two empty ones below; numbers of empty ones lie above those ever given.
fn with_empty(questions: &[FeedbackQuestion], next: u16) -> Vec<FeedbackQuestion> {
    let mut all = questions.to_vec();
    let highest = all.iter().map(|question| question.field.id).max().unwrap_or(0).max(next.saturating_add(999));
    for at in 1..=2u16 {
        if all.len() < QUESTIONS_MAX {
            let field = Field {
                id: highest.saturating_add(at),
                label: String::new(),
                kind: FieldKind::Number,
                required: false,
                help: String::new(),
                choices: Vec::new(),
                ..Field::default()
            };
            all.push(FeedbackQuestion { field, rating: true });
        }
    }
    all
}

async fn form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let kept = feedback::form(&hall.ctx, &actor, EventId(id))?;
    let event = event::get(&hall.ctx, &actor, EventId(id))?.event;
    let opens = kept.opens.map_or(String::new(), |opens| opens.to_local(&visit.format.zone));
    let input = FeedbackInput {
        opens,
        anonymous: kept.anonymous,
        intro: kept.intro.clone(),
        questions: with_empty(&kept.questions, kept.next),
    };
    page(pages::form(&visit.admin_shell(&actor), &event, kept.revision, &input, None))
}

fn input(fields: &Fields) -> FeedbackInput {
    let question = |field: Field| {
        let rating = fields.get(&format!("field-{}-kind", field.id)) == "rating";
        FeedbackQuestion { field, rating }
    };
    FeedbackInput {
        opens: fields.get("opens").to_owned(),
        anonymous: fields.ticked("anonymous"),
        intro: fields.get("intro").to_owned(),
        questions: super::event::typed_questions(fields).into_iter().map(question).collect(),
    }
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (id, input) = (EventId(id), input(&fields));
    let revision = fields.number("revision")?.unwrap_or(0);
    match feedback::save(&hall.ctx, &actor, id, revision, &input).await {
        Ok(()) => tell(&format!("/admin/event/{id}/feedback/form"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let event = event::get(&hall.ctx, &actor, id)?.event;
            let next = feedback::form(&hall.ctx, &actor, id).map_or(1, |kept| kept.next);
            let typed = FeedbackInput { questions: with_empty(&input.questions, next), ..input };
            again(error, |refusal| Ok(pages::form(&visit.admin_shell(&actor), &event, revision, &typed, Some(refusal))))
        }
    }
}

async fn file(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, name)): Path<(u64, String)>,
) -> Answer {
    let Some(format) = name.strip_prefix("answers.").and_then(Format::parse) else { return Err(missing().await) };
    let text = visit.text();
    let say = move |english: &str| text.t(english).to_owned();
    let bytes = feedback::export(&hall.ctx, &actor, EventId(id), format, say).await?;
    let event = event::get(&hall.ctx, &actor, EventId(id))?.event;
    download(&format!("{} {}.{}", event.name, text.t("Feedback"), format.ending()), format.mime(), bytes)
}
