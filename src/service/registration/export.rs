//! Registrations as a file.

use super::{load, sees_all, selected, show_answer};
use crate::{Actor, At, Ctx, Error, checkin, event, roster::Filter, ticket_type};
use domain::{
    EventId, Permission, TicketId, TicketState,
    field::{Answer, AnswerValue, FieldKind},
    phone, region,
};
use store::Read;

/// The registrations that a filter finds as a file. Phones and identity cards are in it in full only for those who may see them.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    filter: &Filter,
    format: crate::sheet::Format,
    zone: jiff::tz::TimeZone,
    say: impl Fn(&str) -> String + Send + 'static,
) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationExport, At::Event(event))?;
    let full = sees_all(ctx, actor, event);
    let (ctx, filter) = (ctx.clone(), filter.seen_by(ctx, actor, event));
    crate::aside(move || {
        let ids = selected(&ctx, &permit, event, &filter)?;
        let table = ctx.read(&permit, |view| table(&ctx, view, event, &ids, full, &zone, &say))?;
        crate::sheet::write(format, &table)
    })
    .await
}

/// A region's province and code in columns of their own, to filter and sort by.
fn region_cells(kept: Option<&Answer>) -> [String; 2] {
    match kept.map(|answer| &answer.value) {
        Some(AnswerValue::Region(code, name)) => {
            let province = region::region(*code).map_or(name.as_str(), |region| region.province);
            [province.to_owned(), code.to_string()]
        }
        _ => Default::default(),
    }
}

fn table(
    ctx: &Ctx,
    view: &impl Read,
    event: EventId,
    ids: &[TicketId],
    full: bool,
    zone: &jiff::tz::TimeZone,
    say: &impl Fn(&str) -> String,
) -> Result<Vec<Vec<String>>, Error> {
    let presence = checkin::presence(ctx, view.space_id(), event)?;
    let form = event::load(view, event)?;
    let kinds = ticket_type::of_event(view, event)?;
    let groups = event::groups_of(view, event)?;
    let mut heads: Vec<String> = domain::import::COLUMNS.iter().map(|(_, head)| say(head)).collect();
    for field in &form.fields {
        heads.push(field.label.clone());
        if field.kind == FieldKind::Region {
            heads.extend(["Province", "Region code"].map(|part| format!("{}：{}", field.label, say(part))));
        }
    }
    let lists = checkin::lists_in(view, event)?;
    let asked = lists.iter().flat_map(|list| list.questions.iter().map(move |question| (list, question)));
    heads.extend(asked.map(|(list, question)| format!("{} {}", list.name, question.label).trim().to_owned()));
    heads.extend(["Attend code", "State", "Checked in at", "Registered at"].map(say));
    let mut out = vec![heads];
    let local = |at: domain::Time| at.to_cell(zone);
    for id in ids {
        let ticket = load(view, event, *id)?;
        let number = ticket
            .phone
            .as_deref()
            .map_or(String::new(), |number| if full { phone::local(number) } else { phone::masked(number) });
        let kind = kinds.iter().find(|kind| kind.id == ticket.kind).map_or(String::new(), |kind| kind.name.clone());
        let group = groups
            .iter()
            .find(|group| Some(group.id) == ticket.group)
            .map_or(String::new(), |group| group.name.clone());
        let entry = presence.look(|presence| presence.at_main(*id))?.first();
        let state = match (ticket.state, entry) {
            (TicketState::Active, Some(_)) => "Checked in",
            (state, _) => state.label(),
        };
        let mut row = vec![
            ticket.name.clone(),
            number,
            ticket.company.clone(),
            kind,
            group,
            ticket.seat.clone(),
            ticket.note.clone(),
            ticket.door_note.clone(),
            ticket.number.clone(),
        ];
        for field in &form.fields {
            let kept = ticket.answers.iter().find(|answer| answer.field == field.id);
            row.push(kept.map_or(Ok(String::new()), |answer| show_answer(ctx, &ticket, answer, full))?);
            if field.kind == FieldKind::Region {
                row.extend(region_cells(kept));
            }
        }
        row.extend(checkin::answers_in(view, event, &lists, *id)?.into_iter().map(|answered| answered.answer));
        row.extend([
            ticket.attend.clone(),
            say(state),
            entry.map_or(String::new(), |entry| local(entry.at)),
            local(ticket.created_at),
        ]);
        out.push(row);
    }
    Ok(out)
}
