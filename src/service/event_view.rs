//! Switches for what visitors see of an event beside its invitation (S0-29, S0-43).

use crate::{Actor, At, Ctx, Error, Work};
use domain::{EventId, EventView, Permission};
use store::Read;

/// The switches of an event; anybody may know them, they only hide.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<EventView, Error> {
    ctx.read(&ctx.public(actor), |view| of(view, event))
}

pub(crate) fn of(view: &impl Read, event: EventId) -> Result<EventView, Error> {
    Ok(view.get::<EventView>(&event)?.unwrap_or_else(|| EventView::of(event)))
}

/// Keeps the switches that `change` sets.
pub async fn set(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    change: impl Fn(&mut EventView) + Send + Sync + 'static,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let old = of(work.read(), event)?;
        let mut new = old.clone();
        change(&mut new);
        if new == old {
            return Ok(());
        }
        work.put(&new)?;
        work.audit("event.view", format!("event/{event}"), &format!("{old:?}"), &format!("{new:?}"))
    })
    .await
}

/// The copy of an event has the same switches.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    match work.read().get::<EventView>(&from)? {
        Some(view) => work.put(&EventView { event: to, ..view }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{founded, opened};

    #[tokio::test]
    async fn switches_are_kept_one_by_one() {
        let (hall, admin) = founded().await;
        let (event, _) = opened(&hall, &admin).await;
        set(&hall.ctx, &admin, event, |view| view.hide_left = true).await.unwrap();
        set(&hall.ctx, &admin, event, |view| view.seat_early = true).await.unwrap();
        let visitor = Actor::visitor(admin.space);
        let kept = get(&hall.ctx, &visitor, event).unwrap();
        assert!(kept.hide_left && kept.seat_early && !kept.choose_talks);
        let denied = set(&hall.ctx, &visitor, event, |view| view.hide_left = false).await.unwrap_err();
        assert_eq!(denied.code(), Some("session.none"));
    }

    #[tokio::test]
    async fn a_copy_takes_along_everything_but_the_people() {
        use crate::{category, event, feedback, registration, seat, series, talk, token};
        use domain::feedback::{FeedbackInput, FeedbackQuestion};
        use domain::field::{Field, FieldKind};
        use domain::seat::NewTables;
        use domain::talk::TalkInput;
        use domain::time::{DAY, MINUTE};
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (event, kind) = opened(&hall, &admin).await;
        let zone = ctx.zone(admin.space).unwrap();
        let local = |minutes: i64| ctx.now().plus(minutes * MINUTE).to_local(&zone);
        category::put(ctx, &admin, event, &category::Choice { id: None, new: "年会".into() }).await.unwrap();
        let monthly = series::save(ctx, &admin, None, "系列", "").await.unwrap();
        series::put(ctx, &admin, event, Some(monthly)).await.unwrap();
        set(ctx, &admin, event, |view| (view.hide_left, view.choose_talks) = (true, true)).await.unwrap();
        let tables = NewTables { count: "3".into(), seats: "8".into(), ..NewTables::default() };
        seat::add(ctx, &admin, event, &tables).await.unwrap();
        let input =
            TalkInput { title: "演讲".into(), from: local(10), to: local(60), chosen: true, ..TalkInput::default() };
        let chosen = talk::save(ctx, &admin, event, None, &input).await.unwrap();
        let field = Field {
            id: 9,
            label: "总体".into(),
            kind: FieldKind::Number,
            required: true,
            help: String::new(),
            choices: vec![],
            ..Field::default()
        };
        let questions = vec![FeedbackQuestion { field, rating: true }];
        let form = FeedbackInput { opens: local(-1), anonymous: true, intro: String::new(), questions };
        feedback::save(ctx, &admin, event, 0, &form).await.unwrap();
        let person = crate::test::named("张三", "");
        let ticket = registration::add(ctx, &admin, event, kind, "嘉宾", &person).await.unwrap();
        let (visitor, link) = (Actor::visitor(admin.space), token::link(&ticket.link));
        talk::choose(ctx, &visitor, &link, vec![chosen]).await.unwrap();
        feedback::answer(ctx, &visitor, &link, vec![(1, "5".into())]).await.unwrap();
        hall.advance(30 * DAY);
        let copied = event::copy(ctx, &admin, event, "明年").await.unwrap();
        let moved = event::get(ctx, &admin, copied).unwrap().event.time.from;
        assert_eq!(category::of_event(ctx, &admin, copied).unwrap(), category::of_event(ctx, &admin, event).unwrap());
        assert_eq!(series::of_event(ctx, &admin, copied).unwrap().unwrap().id, monthly);
        let view = get(ctx, &admin, copied).unwrap();
        assert!(view.hide_left && view.choose_talks);
        let plan = seat::page(ctx, &admin, copied).await.unwrap();
        assert_eq!((plan.plan.tables.len(), plan.people.len()), (3, 0));
        let rows = talk::list(ctx, &admin, copied).unwrap();
        assert_eq!((rows.len(), rows[0].taken), (1, 0));
        assert!(rows[0].talk.time.from >= moved, "the agenda moves with the event");
        let results = feedback::results(ctx, &admin, copied).await.unwrap();
        assert_eq!((results.form.questions.len(), results.count), (1, 0));
        assert!(!results.form.is_open(ctx.now()), "the form opens when the copy is over, not now");
        assert_eq!(event::groups(ctx, &admin, copied).unwrap().len(), 1);
        assert!(ctx.store().verify().is_sound());
    }
}
