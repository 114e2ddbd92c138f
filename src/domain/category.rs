//! Categories of events (S0-5 … S0-7, S0-13): the secretariat's own shelves. Visitors never see their names.

use crate::{CategoryId, EventId, Refusal, problem, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// A category.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Number.
    pub id: CategoryId,
    /// Name, 1–30 characters, unique in the space.
    pub name: String,
}

/// The category of an event; an event without one has no such record.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct EventCategory {
    /// The event.
    pub event: EventId,
    /// Its category.
    pub category: CategoryId,
}

/// The most categories of a space.
pub const CATEGORIES_MAX: usize = 200;
/// Longest name in characters.
pub const CATEGORY_NAME_MAX: usize = 30;

/// Checks a name typed at `field`; empty is refused.
pub fn check_name(field: &'static str, name: &str) -> Result<String, Refusal> {
    let mut form = Form::default();
    let name = form.required(field, name, CATEGORY_NAME_MAX);
    form.done(name)
}

/// Whether a category may have this name among `all`; `id` is the one that is renamed.
pub fn check_category(
    all: &[Category],
    id: Option<CategoryId>,
    field: &'static str,
    name: &str,
) -> Result<(), Refusal> {
    if all.iter().any(|other| Some(other.id) != id && other.name == name) {
        return Err(Refusal::invalid(vec![problem!(field, "There is already a category of this name.")]));
    }
    if id.is_none() && all.len() >= CATEGORIES_MAX {
        return Err(refuse!(
            Conflict,
            "category.too_many",
            "There can be at most {max} categories.",
            max = CATEGORIES_MAX
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_has_a_name_of_its_own() {
        let all =
            [Category { id: CategoryId(1), name: "年会".into() }, Category { id: CategoryId(2), name: "沙龙".into() }];
        let cases = [
            (None, "培训", None),
            (None, "年会", Some("input.invalid")),
            (Some(CategoryId(1)), "年会", None),
            (Some(CategoryId(2)), "年会", Some("input.invalid")),
        ];
        for (id, name, refused) in cases {
            assert_eq!(check_category(&all, id, "name", name).err().map(|refusal| refusal.code), refused, "{name}");
        }
        let full: Vec<Category> = (0..200).map(|n| Category { id: CategoryId(n), name: format!("{n}") }).collect();
        assert_eq!(check_category(&full, None, "name", "x").unwrap_err().code, "category.too_many");
        assert!(check_category(&full, Some(CategoryId(3)), "name", "x").is_ok());
        for (typed, kept) in [("  年会 ", Some("年会")), ("", None), (&"长".repeat(31), None)] {
            assert_eq!(check_name("name", typed).ok().as_deref(), kept);
        }
    }
}
