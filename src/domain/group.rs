//! Rules for the groups of an event (S0-36): names, and what stands in the way of taking one away.

use crate::{Group, GroupId, Refusal, problem, refuse, text::Form};

/// Longest name of a group in characters.
pub const GROUP_NAME_MAX: usize = 40;

/// Checks a name among the event's groups; `id` is the one that is renamed.
pub fn check_group(all: &[Group], id: Option<GroupId>, name: &str) -> Result<String, Refusal> {
    let mut form = Form::default();
    let name = form.required("group", name, GROUP_NAME_MAX);
    if all.iter().any(|other| Some(other.id) != id && other.name == name) {
        form.wrong(problem!("group", "There is already a group of this name."));
    }
    form.done(name)
}

/// Whether the members of one group may go over to another, or to none.
pub fn check_dissolve(from: GroupId, into: Option<GroupId>, all: &[Group], named_by_rule: bool) -> Result<(), Refusal> {
    let there = |id| all.iter().any(|group| group.id == id);
    if !there(from) || into.is_some_and(|into| !there(into)) {
        return Err(Refusal::missing("group"));
    }
    if into == Some(from) {
        return Err(refuse!(Conflict, "group.same", "Choose another group to merge into."));
    }
    if named_by_rule {
        return Err(refuse!(
            Conflict,
            "group.in_rule",
            "A rule of a check-in list names this group. Change the rule first."
        ));
    }
    Ok(())
}

/// How many of a group are registered and came; for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// The group.
    pub group: Group,
    /// Standing registrations.
    pub registered: i64,
    /// Checked in at the main list.
    pub admitted: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventId;

    fn all() -> Vec<Group> {
        let group = |id, name: &str| Group { id: GroupId(id), event: EventId(1), name: name.into() };
        vec![group(1, "嘉宾"), group(2, "工作人员")]
    }

    #[test]
    fn a_group_has_a_name_of_its_own() {
        let cases = [
            (None, " 志愿者 ", Some("志愿者")),
            (None, "嘉宾", None),
            (Some(GroupId(1)), "嘉宾", Some("嘉宾")),
            (Some(GroupId(2)), "嘉宾", None),
            (None, "", None),
            (None, "长".repeat(41).leak(), None),
        ];
        for (id, typed, kept) in cases {
            assert_eq!(check_group(&all(), id, typed).ok().as_deref(), kept, "{typed}");
        }
    }

    #[test]
    fn a_group_goes_over_to_another_unless_a_rule_names_it() {
        let cases = [
            (1, None, false, None),
            (1, Some(2), false, None),
            (1, Some(1), false, Some("group.same")),
            (1, Some(2), true, Some("group.in_rule")),
            (1, Some(9), false, Some("record.missing")),
            (9, None, false, Some("record.missing")),
        ];
        for (from, into, ruled, refused) in cases {
            let said = check_dissolve(GroupId(from), into.map(GroupId), &all(), ruled);
            assert_eq!(said.err().map(|refusal| refusal.code), refused, "{from} into {into:?}");
        }
    }
}
