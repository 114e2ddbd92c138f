//! Registrations as a file.

use super::{load, sees_all, selected, show_answer};
use crate::{Actor, At, Ctx, Error, checkin, event, privacy::access, roster::Filter, ticket_type};
use domain::{
    EventId, Permission, PersonId, TicketId, TicketState,
    field::{Answer, AnswerValue, FieldKind},
    phone,
    privacy::Seen,
    region,
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
    let (own, filter) = (ctx.clone(), filter.seen_by(ctx, actor, event));
    let (bytes, seen) = crate::aside(move || {
        let ids = selected(&own, &permit, event, &filter)?;
        let (table, seen) = own.read(&permit, |view| {
            let seen = if full { seen_in(view, event, &ids)? } else { Vec::new() };
            Ok((table(&own, view, event, &ids, full, &zone, &say)?, seen))
        })?;
        Ok((crate::sheet::write(format, &table)?, seen))
    })
    .await?;
    if !seen.is_empty() {
        let fields = [Seen::Phone, Seen::IdCard];
        access::note_now(ctx, actor, "registration.export", Some(event), seen, &fields).await?;
    }
    Ok(bytes)
}

/// Whose sensitive fields are in a file.
fn seen_in(view: &impl Read, event: EventId, ids: &[TicketId]) -> Result<Vec<PersonId>, Error> {
    let mut people = Vec::new();
    for id in ids {
        let ticket = load(view, event, *id)?;
        if !access::seen_of(&ticket).is_empty() {
            people.push(ticket.person);
        }
    }
    Ok(people)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{founded, named, opened};
    use domain::{field::Field, ticket::TicketInput};

    #[tokio::test]
    async fn the_answer_of_a_region_filters_the_list_and_is_a_column_of_the_file() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (event, kind) = opened(&hall, &admin).await;
        let revision = crate::event::get(ctx, &admin, event).unwrap().event.revision;
        let region = |label: &str| Field { label: label.into(), kind: FieldKind::Region, ..Field::default() };
        let fields = vec![region("所在地"), region("籍贯")];
        crate::event::save_fields(ctx, &admin, event, revision, fields).await.unwrap();
        let lives = |name: &str, answers: &[(u16, &str)]| TicketInput {
            answers: answers.iter().map(|(id, answer)| (*id, (*answer).to_owned())).collect(),
            ..named(name, "")
        };
        for (name, answers) in [
            ("张三", &[(1, "浙江 杭州"), (2, "吉林 吉林")][..]),
            ("李四", &[(1, "浙江 宁波")][..]),
            ("王五", &[(1, "上海")][..]),
            ("赵六", &[][..]),
        ] {
            crate::registration::add(ctx, &admin, event, kind, "", &lives(name, answers)).await.unwrap();
        }
        let names = |filter: Filter| -> Vec<String> {
            let found = crate::registration::list(ctx, &admin, event, &filter, 0).unwrap().0;
            found.into_iter().map(|(ticket, _)| ticket.name).collect()
        };
        let typed = |text: &str| names(Filter { text: text.into(), ..Filter::default() });
        assert_eq!(typed("地区:浙江"), ["张三", "李四"]);
        assert_eq!(typed("region:杭州"), ["张三"]);
        assert_eq!(typed("地区:吉林"), ["张三"], "whichever question asked");
        assert_eq!(typed("地区:浙江 -城市:宁波"), ["张三"]);
        assert_eq!(typed("-地区:浙江"), ["王五", "赵六"]);
        assert!(typed("杭州").is_empty(), "only where it is asked for");
        let chosen = |region: &str| names(Filter { region: region.into(), ..Filter::default() });
        assert_eq!((chosen("浙江省").len(), chosen("上海市").len(), chosen("").len()), (2, 1, 4));
        let filter = Filter { text: "地区:杭州".into(), ..Filter::default() };
        let (zone, format) = (jiff::tz::TimeZone::UTC, crate::sheet::Format::Csv);
        let file = export(ctx, &admin, event, &filter, format, zone, |text| text.to_owned()).await.unwrap();
        let file = String::from_utf8(file).unwrap();
        let mut lines = file.trim_start_matches('\u{feff}').lines();
        let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
        let row: Vec<&str> = lines.next().unwrap().split(',').collect();
        let cell = |head: &str| row[heads.iter().position(|at| *at == head).unwrap()];
        assert_eq!(
            (cell("所在地"), cell("所在地：Province"), cell("所在地：Region code")),
            ("浙江省 杭州市", "浙江省", "330100")
        );
        assert_eq!(cell("籍贯：Province"), "吉林省");
        assert_eq!(lines.count(), 0, "the file holds what the filter found");
        // A changed answer moves somebody in a list that is already in memory.
        let li = crate::registration::list(ctx, &admin, event, &Filter { text: "李四".into(), ..Filter::default() }, 0);
        let li = li.unwrap().0.remove(0).0;
        let edit = crate::registration::Edit {
            revision: li.revision,
            kind,
            group: String::new(),
            input: lives("李四", &[(1, "广东 深圳")]),
        };
        crate::registration::edit(ctx, &admin, event, li.id, &edit).await.unwrap();
        assert_eq!((typed("地区:浙江"), typed("地区:深圳")), (vec!["张三".to_owned()], vec!["李四".to_owned()]));
    }
}
