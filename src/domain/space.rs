//! Spaces and departments: the association itself and how its work is divided.

use crate::{DepartmentId, Problem, Refusal, SpaceId, Time, problem, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::BTreeSet;

/// A tenant with data of its own.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Number of the space; prefix of every key that belongs to it.
    pub id: SpaceId,
    /// Name as people see it, 1–60 characters.
    pub name: String,
    /// IANA zone such as `Asia/Shanghai`; only views and inputs use it.
    pub zone: String,
    /// When it was created.
    pub created_at: Time,
}

/// What the set-up page and the settings page take.
#[derive(Debug, Clone, Default)]
pub struct SpaceInput {
    /// Name of the association.
    pub name: String,
    /// IANA zone.
    pub zone: String,
}

/// Checks name and zone.
pub fn check_space(input: &SpaceInput) -> (String, String, Vec<Problem>) {
    let mut form = Form::default();
    let name = form.required("name", &input.name, 60);
    let zone = form.required("zone", &input.zone, 64);
    if !zone.is_empty() && crate::time::zone(&zone).is_none() {
        form.wrong(problem!("zone", "There is no time zone of this name."));
    }
    (name, zone, form.problems)
}

/// A department, in a tree.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Number.
    pub id: DepartmentId,
    /// The department above, none for a root.
    pub parent: Option<DepartmentId>,
    /// Name, 1–40 characters, unique among its siblings.
    pub name: String,
}

/// The most departments a space may have; whole trees are read at once.
pub const DEPARTMENTS_MAX: usize = 1_000;
/// The deepest tree.
pub const DEPARTMENT_DEPTH_MAX: usize = 12;

/// `root` and everything below it.
pub fn below(all: &[Department], root: DepartmentId) -> BTreeSet<DepartmentId> {
    let mut found = BTreeSet::from([root]);
    loop {
        let before = found.len();
        for department in all {
            if department.parent.is_some_and(|parent| found.contains(&parent)) {
                found.insert(department.id);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Whether `department` may be kept among `all` (which may hold an older version of it).
pub fn check_department(all: &[Department], department: &Department) -> Result<(), Refusal> {
    let taken = all
        .iter()
        .any(|other| other.id != department.id && other.parent == department.parent && other.name == department.name);
    if taken {
        return Err(Refusal::invalid(vec![problem!("name", "There is already a department of this name here.")]));
    }
    if all.len() >= DEPARTMENTS_MAX && !all.iter().any(|other| other.id == department.id) {
        return Err(refuse!(
            Conflict,
            "department.too_many",
            "There can be at most {max} departments.",
            max = DEPARTMENTS_MAX
        ));
    }
    let mut above = department.parent;
    for _ in 0..DEPARTMENT_DEPTH_MAX {
        let Some(id) = above else { return Ok(()) };
        if id == department.id {
            return Err(refuse!(Conflict, "department.circle", "A department cannot lie below itself."));
        }
        let Some(parent) = all.iter().find(|other| other.id == id) else {
            return Err(Refusal::invalid(vec![problem!("parent", "The department above does not exist.")]));
        };
        above = parent.parent;
    }
    Err(refuse!(
        Conflict,
        "department.too_deep",
        "Departments can be nested at most {max} deep.",
        max = DEPARTMENT_DEPTH_MAX
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn department(id: u64, parent: Option<u64>, name: &str) -> Department {
        Department { id: DepartmentId(id), parent: parent.map(DepartmentId), name: name.into() }
    }

    #[test]
    fn a_department_holds_all_that_is_below_it() {
        let all = [
            department(1, None, "A"),
            department(2, Some(1), "B"),
            department(3, Some(2), "C"),
            department(4, None, "D"),
        ];
        let ids: Vec<u64> = below(&all, DepartmentId(1)).into_iter().map(|id| id.0).collect();
        assert_eq!(ids, [1, 2, 3]);
    }

    #[test]
    fn the_tree_stays_a_tree() {
        let all = [department(1, None, "A"), department(2, Some(1), "B"), department(3, Some(2), "C")];
        let cases = [
            (department(9, Some(1), "X"), None),
            (department(9, Some(1), "B"), Some("input.invalid")),
            (department(9, Some(77), "X"), Some("input.invalid")),
            (department(1, Some(3), "A"), Some("department.circle")),
            (department(2, None, "B"), None),
        ];
        for (department, refused) in cases {
            let code = check_department(&all, &department).err().map(|refusal| refusal.code);
            assert_eq!(code, refused, "{department:?}");
        }
    }
}
