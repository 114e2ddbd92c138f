//! Registrations as a file.

use super::{sees_all, selected, show_answer};
use crate::{
    Actor, At, Ctx, Error, Permit, checkin, event,
    privacy::access,
    roster::Filter,
    sheet::{self, Draft, Written},
    ticket_type,
};
use domain::{
    CheckinList, Event, EventId, Group, Permission, PersonId, Ticket, TicketId, TicketState, TicketType, Time,
    checkin::Entry,
    field::{Answer, AnswerValue, FieldKind},
    phone,
    privacy::Seen,
    region,
};
use jiff::tz::TimeZone;
use store::Read;

/// Rows that are read at one instant. More would keep what is committed meanwhile in memory, and a door waiting for it.
const PART: usize = 1_000;

/// What is the same for all rows.
struct Frame<S> {
    event: Event,
    kinds: Vec<TicketType>,
    groups: Vec<Group>,
    lists: Vec<CheckinList>,
    /// Phones and identity cards in full.
    full: bool,
    zone: TimeZone,
    say: S,
}

/// The registrations that a filter finds as a file. Phones and identity cards are in it in full only for those who may see them. Each row is as it was while
/// the file was made.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    filter: &Filter,
    format: sheet::Format,
    zone: TimeZone,
    say: impl Fn(&str) -> String + Send + 'static,
) -> Result<Written, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationExport, At::Event(event))?;
    let full = sees_all(ctx, actor, event);
    let (own, may, filter) = (ctx.clone(), permit.clone(), filter.seen_by(ctx, actor, event));
    let (ids, presence, mut frame, mut draft) = crate::aside(move || {
        let frame = own.read(&may, |view| Frame::read(view, event, full, zone, say))?;
        let mut draft = Draft::new(format);
        draft.push(&[frame.heads()])?;
        let presence = checkin::presence(&own, may.space, event)?;
        Ok((selected(&own, &may, event, &filter)?, presence, frame, draft))
    })
    .await?;
    let mut seen = Vec::new();
    for part in ids.chunks(PART) {
        // Looked up here and not aside: there, a thread that steps back could hold what doors wait for.
        let entries = presence.look(|presence| part.iter().map(|id| presence.at_main(*id).first()).collect::<Vec<_>>());
        let part: Vec<_> = part.iter().copied().zip(entries?).collect();
        let (own, may) = (ctx.clone(), permit.clone());
        let (back, people) = crate::aside(move || {
            let (rows, people) = frame.rows(&own, &may, &part)?;
            draft.push(&rows)?;
            Ok(((frame, draft), people))
        })
        .await?;
        (frame, draft) = back;
        seen.extend(people);
    }
    let written = crate::aside(move || draft.finish()).await?;
    if !seen.is_empty() {
        let fields = [Seen::Phone, Seen::IdCard];
        access::note_now(ctx, actor, "registration.export", Some(event), seen, &fields).await?;
    }
    Ok(written)
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

impl<S: Fn(&str) -> String> Frame<S> {
    fn read(view: &impl Read, event: EventId, full: bool, zone: TimeZone, say: S) -> Result<Self, Error> {
        Ok(Self {
            event: event::load(view, event)?,
            kinds: ticket_type::of_event(view, event)?,
            groups: event::groups_of(view, event)?,
            lists: checkin::lists_in(view, event)?,
            full,
            zone,
            say,
        })
    }

    fn heads(&self) -> Vec<String> {
        let say = |text: &&str| (self.say)(text);
        let mut heads: Vec<String> = domain::import::COLUMNS.iter().map(|(_, head)| say(head)).collect();
        for field in &self.event.fields {
            heads.push(field.label.clone());
            if field.kind == FieldKind::Region {
                heads.extend(["Province", "Region code"].iter().map(|part| format!("{}：{}", field.label, say(part))));
            }
        }
        let asked = self.lists.iter().flat_map(|list| list.questions.iter().map(move |question| (list, question)));
        heads.extend(asked.map(|(list, question)| format!("{} {}", list.name, question.label).trim().to_owned()));
        heads.extend(["Attend code", "State", "Checked in at", "Registered at"].iter().map(say));
        heads
    }

    /// The rows of tickets with their first entries, at one instant, and whose sensitive fields are in them in full. A ticket that is gone by now has no row.
    fn rows(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        part: &[(TicketId, Option<Entry>)],
    ) -> Result<(Vec<Vec<String>>, Vec<PersonId>), Error> {
        let (mut rows, mut people) = (Vec::with_capacity(part.len()), Vec::new());
        ctx.read(permit, |view| {
            for (id, entry) in part {
                let Some(ticket) = view.get::<Ticket>(&(self.event.id, *id))? else { continue };
                if self.full && !access::seen_of(&ticket).is_empty() {
                    people.push(ticket.person);
                }
                rows.push(self.row(ctx, view, &ticket, *entry)?);
            }
            Ok(())
        })?;
        Ok((rows, people))
    }

    fn row(&self, ctx: &Ctx, view: &impl Read, ticket: &Ticket, entry: Option<Entry>) -> Result<Vec<String>, Error> {
        let shown = if self.full { phone::local } else { phone::masked };
        let kind = self.kinds.iter().find(|kind| kind.id == ticket.kind);
        let group = self.groups.iter().find(|group| Some(group.id) == ticket.group);
        let state = match (ticket.state, entry) {
            (TicketState::Active, Some(_)) => "Checked in",
            (state, _) => state.label(),
        };
        let mut row = vec![
            ticket.name.clone(),
            ticket.phone.as_deref().map_or(String::new(), shown),
            ticket.company.clone(),
            kind.map_or(String::new(), |kind| kind.name.clone()),
            group.map_or(String::new(), |group| group.name.clone()),
            ticket.seat.clone(),
            ticket.note.clone(),
            ticket.door_note.clone(),
            ticket.number.clone(),
        ];
        for field in &self.event.fields {
            let kept = ticket.answers.iter().find(|answer| answer.field == field.id);
            row.push(kept.map_or(Ok(String::new()), |answer| show_answer(ctx, ticket, answer, self.full))?);
            if field.kind == FieldKind::Region {
                row.extend(region_cells(kept));
            }
        }
        let answered = checkin::answers_in(view, self.event.id, &self.lists, ticket.id)?;
        row.extend(answered.into_iter().map(|answered| answered.answer));
        let local = |at: Time| at.to_cell(&self.zone);
        row.extend([
            ticket.attend.clone(),
            (self.say)(state),
            entry.map_or(String::new(), |entry| local(entry.at)),
            local(ticket.created_at),
        ]);
        Ok(row)
    }
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
        let (zone, format) = (TimeZone::UTC, sheet::Format::Csv);
        let file = export(ctx, &admin, event, &filter, format, zone, |text| text.to_owned()).await.unwrap();
        let file = String::from_utf8(file.whole()).unwrap();
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
