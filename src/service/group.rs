//! The groups of an event: adding, renaming, merging, deleting (S0-36, S0-42). Members change over in small transactions, so that
//! no scan waits for a large group.

use crate::{Actor, At, Ctx, Error, Permit, checkin, event, registration, roster};
use domain::{
    EventId, Group, GroupId, Permission, TicketId,
    checkin::Test,
    group::{GroupRow, check_dissolve, check_group},
};
use store::Read;
use store::catalogue::{ENTERED_OF_GROUP, TICKETS_OF_GROUP};

/// Members that change over in one transaction.
const STEP: usize = 200;
/// How often members are looked for who joined meanwhile.
const ROUNDS: usize = 8;

/// The groups by name with their counts.
pub fn list(ctx: &Ctx, actor: &Actor, id: EventId) -> Result<Vec<GroupRow>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(id))?;
    ctx.read(&permit, |view| {
        let mut rows = Vec::new();
        for group in event::groups_of(view, id)? {
            let registered = view.count(&TICKETS_OF_GROUP, &(id, group.id))?;
            let admitted = view.count(&ENTERED_OF_GROUP, &(id, domain::ListId::MAIN, group.id))?;
            rows.push(GroupRow { group, registered, admitted });
        }
        rows.sort_by(|a, b| a.group.name.cmp(&b.group.name));
        Ok(rows)
    })
}

/// Adds a group; a name that is there already is refused.
pub async fn add(ctx: &Ctx, actor: &Actor, id: EventId, name: &str) -> Result<GroupId, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(id))?;
    let name = name.to_owned();
    ctx.write(&permit, move |work| {
        let name = check_group(&event::groups_of(work.read(), id)?, None, &name)?;
        event::group_named(work, id, &name)
    })
    .await
}

/// Gives a group another name.
pub async fn rename(ctx: &Ctx, actor: &Actor, id: EventId, group: GroupId, name: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(id))?;
    let name = name.to_owned();
    ctx.write(&permit, move |work| {
        let all = event::groups_of(work.read(), id)?;
        let old = all.iter().find(|kept| kept.id == group).ok_or_else(|| domain::Refusal::missing("group"))?;
        let name = check_group(&all, Some(group), &name)?;
        let before = old.name.clone();
        work.put(&Group { id: group, event: id, name: name.clone() })?;
        work.audit("group.rename", subject(id, group), &before, &name)
    })
    .await
}

fn subject(event: EventId, group: GroupId) -> String {
    format!("event/{event}/group/{group}")
}

fn check(view: &impl Read, id: EventId, from: GroupId, into: Option<GroupId>) -> Result<Group, Error> {
    let all = event::groups_of(view, id)?;
    let named = |test: &Test| matches!(test, Test::Group(_, ids) if ids.contains(&from));
    let ruled = checkin::lists_in(view, id)?.iter().any(|list| list.names(named));
    check_dissolve(from, into, &all, ruled)?;
    let group = all.into_iter().find(|group| group.id == from);
    group.ok_or_else(|| domain::Refusal::missing("group").into())
}

/// Deletes a group; its members go over to `into`, or to no group. Answers how many changed over. When it stops in the middle, those who
/// changed over have done so, the group is still there, and doing it again goes on.
pub async fn dissolve(
    ctx: &Ctx,
    actor: &Actor,
    id: EventId,
    group: GroupId,
    into: Option<GroupId>,
) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(id))?;
    ctx.read(&permit, |view| check(view, id, group, into))?;
    let mut moved = 0;
    for _ in 0..ROUNDS {
        for ids in members(ctx, &permit, id, group).await?.chunks(STEP) {
            moved += change_over(ctx, &permit, id, (group, into), ids.to_vec()).await?;
        }
        if remove_empty(ctx, &permit, id, group, into).await? {
            return Ok(moved);
        }
    }
    Err(domain::refuse!(Conflict, "group.busy", "People are still being put into this group. Try again in a moment.")
        .into())
}

async fn members(ctx: &Ctx, permit: &Permit, id: EventId, group: GroupId) -> Result<Vec<TicketId>, Error> {
    let (ctx, permit) = (ctx.clone(), permit.clone());
    let filter = roster::Filter { group: Some(group), show: roster::Show::All, ..roster::Filter::default() };
    crate::aside(move || registration::selected(&ctx, &permit, id, &filter)).await
}

async fn change_over(
    ctx: &Ctx,
    permit: &Permit,
    id: EventId,
    (from, into): (GroupId, Option<GroupId>),
    tickets: Vec<TicketId>,
) -> Result<usize, Error> {
    ctx.write(permit, move |work| {
        let mut moved = 0;
        for ticket in &tickets {
            let mut ticket = registration::load(work.read(), id, *ticket)?;
            if ticket.group != Some(from) {
                continue;
            }
            let before = registration::summary(&ticket);
            ticket.group = into;
            ticket.revision += 1;
            registration::change(work, &ticket, "registration.group", &before)?;
            moved += 1;
        }
        Ok(moved)
    })
    .await
}

/// Removes the group if nobody joined it meanwhile.
async fn remove_empty(
    ctx: &Ctx,
    permit: &Permit,
    id: EventId,
    group: GroupId,
    into: Option<GroupId>,
) -> Result<bool, Error> {
    ctx.write(permit, move |work| {
        let old = check(work.read(), id, group, into)?;
        if work.read().count(&TICKETS_OF_GROUP, &(id, group))? > 0 {
            return Ok(false);
        }
        work.remove::<Group>(&(id, group))?;
        let after = into.map_or(String::new(), |into| format!("members to group {into}"));
        work.audit("group.remove", subject(id, group), &old.name, &after)?;
        Ok(true)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{founded, named, opened};
    use domain::checkin::{ListInput, Rule};

    #[tokio::test]
    async fn groups_are_renamed_merged_and_deleted_and_their_members_follow() {
        let (hall, admin) = founded().await;
        let (event, kind) = opened(&hall, &admin).await;
        let ctx = &hall.ctx;
        let mut tickets = Vec::new();
        for n in 0..450 {
            let group = if n % 3 == 0 { "嘉宾" } else { "媒体" };
            let person = named(&format!("人{n}"), "");
            tickets.push(registration::add(ctx, &admin, event, kind, group, &person).await.unwrap().id);
        }
        checkin::mark(ctx, &admin, event, tickets[0], true).await.unwrap();
        registration::cancel(ctx, &admin, event, tickets[3]).await.unwrap();
        let counts = || -> Vec<(String, i64, i64)> {
            let rows = list(ctx, &admin, event).unwrap();
            rows.into_iter().map(|row| (row.group.name, row.registered, row.admitted)).collect()
        };
        assert_eq!(counts(), [("嘉宾".into(), 149, 1), ("媒体".into(), 300, 0)]);
        let id = |name: &str| {
            list(ctx, &admin, event).unwrap().into_iter().find(|row| row.group.name == name).unwrap().group.id
        };
        let (guests, press) = (id("嘉宾"), id("媒体"));
        assert_eq!(rename(ctx, &admin, event, press, "嘉宾").await.unwrap_err().code(), Some("input.invalid"));
        assert_eq!(add(ctx, &admin, event, "嘉宾").await.unwrap_err().code(), Some("input.invalid"));
        rename(ctx, &admin, event, guests, "贵宾").await.unwrap();
        assert_eq!(
            dissolve(ctx, &admin, event, guests, Some(press)).await.unwrap(),
            150,
            "canceled ones change over too"
        );
        assert_eq!(counts(), [("媒体".into(), 449, 1)], "who came is counted with the group that took them");
        assert_eq!(dissolve(ctx, &admin, event, press, None).await.unwrap(), 450);
        assert!(counts().is_empty());
        assert_eq!(registration::get(ctx, &admin, event, tickets[0]).unwrap().group, None);
        assert!(ctx.store().verify().is_sound());
    }

    #[tokio::test]
    async fn a_group_that_a_rule_names_stays() {
        let (hall, admin) = founded().await;
        let (event, _) = opened(&hall, &admin).await;
        let group = add(&hall.ctx, &admin, event, "嘉宾").await.unwrap();
        let rule = Rule::Is(Test::Group(domain::checkin::Among::Is, vec![group]));
        let rules = serde_json::to_string(&rule).unwrap();
        let input =
            ListInput {
                name: "贵宾厅".into(), multi: "once".into(), own: "off".into(), rules, ..ListInput::default()
            };
        checkin::save_list(&hall.ctx, &admin, event, None, &input).await.unwrap();
        let kept = dissolve(&hall.ctx, &admin, event, group, None).await.unwrap_err();
        assert_eq!(kept.code(), Some("group.in_rule"));
    }
}
