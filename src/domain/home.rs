//! Components of the home page (S0-77): which events they show, how, and in which order they stand.

use crate::{CategoryId, EventId, PartId, Refusal, Time, problem, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// How a component shows its events.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartStyle {
    /// A big picture each.
    #[default]
    Big,
    /// A line each.
    List,
}

impl PartStyle {
    /// Every style.
    pub const ALL: &[Self] = &[Self::Big, Self::List];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Big => "big",
            Self::List => "list",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Big => "Big pictures",
            Self::List => "A list",
        }
    }

    /// The style of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|style| style.code() == code)
    }
}

/// A component of the home page.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct HomePart {
    /// Number.
    pub id: PartId,
    /// Heading, which visitors see; may be empty.
    pub title: String,
    /// How events are shown.
    pub style: PartStyle,
    /// Only events of this category; none: all.
    pub category: Option<CategoryId>,
    /// Most events, 1 to [`COUNT_MAX`].
    pub count: u8,
    /// Place on the page; lower stands first.
    pub position: u32,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

/// Most components of a home page.
pub const PARTS_MAX: usize = 20;
/// Most events of one component.
pub const COUNT_MAX: u8 = 20;
/// Longest heading in characters.
pub const TITLE_MAX: usize = 30;

/// What the form takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartInput {
    /// Heading.
    pub title: String,
    /// Code of a [`PartStyle`].
    pub style: String,
    /// Category, none for all.
    pub category: Option<CategoryId>,
    /// Number of events.
    pub count: String,
}

/// Checks the form against the component as it was; the category must be there.
pub fn check_part(input: &PartInput, old: &HomePart, known: impl Fn(CategoryId) -> bool) -> Result<HomePart, Refusal> {
    let mut form = Form::default();
    let title = form.optional("title", &input.title, TITLE_MAX);
    let style = PartStyle::parse(&input.style);
    if style.is_none() {
        form.wrong(problem!("style", "Choose one of the given answers."));
    }
    if input.category.is_some_and(|category| !known(category)) {
        form.wrong(problem!("category", "Choose one of the given answers."));
    }
    let typed: String = input.count.trim().chars().map(crate::text::half_width).collect();
    let count = typed.parse().ok().filter(|count| (1..=COUNT_MAX).contains(count));
    if count.is_none() {
        form.wrong(problem!("count", "Give a number from {from} to {to}.", from = 1, to = COUNT_MAX));
    }
    form.done(HomePart {
        title,
        style: style.unwrap_or_default(),
        category: input.category,
        count: count.unwrap_or(1),
        revision: old.revision + 1,
        ..old.clone()
    })
}

/// Whether there is room for another component.
pub fn check_room(parts: usize) -> Result<(), Refusal> {
    if parts >= PARTS_MAX {
        return Err(refuse!(
            Conflict,
            "home.too_many",
            "The home page can have at most {max} components.",
            max = PARTS_MAX
        ));
    }
    Ok(())
}

/// What the choice needs of an event that visitors see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The event.
    pub event: EventId,
    /// When it begins.
    pub from: Time,
    /// Its category.
    pub category: Option<CategoryId>,
}

/// The events of a component: the next ones of its category, at most as many as it says.
pub fn choose(part: &HomePart, events: &[Shown]) -> Vec<EventId> {
    let mut fits: Vec<&Shown> =
        events.iter().filter(|event| part.category.is_none() || event.category == part.category).collect();
    fits.sort_by_key(|event| (event.from, event.event));
    fits.into_iter().take(usize::from(part.count)).map(|event| event.event).collect()
}

/// The order after the component at `at` went up by one.
pub fn raised(mut order: Vec<PartId>, id: PartId) -> Vec<PartId> {
    if let Some(at) = order.iter().position(|other| *other == id).filter(|at| *at > 0) {
        order.swap(at, at - 1);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> HomePart {
        HomePart {
            id: PartId(1),
            title: String::new(),
            style: PartStyle::Big,
            category: None,
            count: 2,
            position: 0,
            revision: 3,
        }
    }

    #[test]
    fn a_component_shows_the_next_events_of_its_category() {
        let shown = |event, from, category: u64| Shown {
            event: EventId(event),
            from: Time(from),
            category: (category > 0).then_some(CategoryId(category)),
        };
        let events = [shown(1, 50, 1), shown(2, 10, 2), shown(3, 30, 1), shown(4, 40, 1), shown(5, 20, 0)];
        let cases: [(Option<u64>, u8, &[u64]); 5] = [
            (None, 2, &[2, 5]),
            (None, 9, &[2, 5, 3, 4, 1]),
            (Some(1), 2, &[3, 4]),
            (Some(2), 2, &[2]),
            (Some(3), 2, &[]),
        ];
        for (category, count, expected) in cases {
            let part = HomePart { category: category.map(CategoryId), count, ..part() };
            let found: Vec<u64> = choose(&part, &events).into_iter().map(|event| event.0).collect();
            assert_eq!(found, expected, "{category:?} {count}");
        }
    }

    #[test]
    fn the_form_of_a_component_is_checked_as_a_whole() {
        let known = |category: CategoryId| category.0 == 1;
        let input = PartInput {
            title: "近期会议".into(),
            style: "list".into(),
            category: Some(CategoryId(1)),
            count: "２".into(),
        };
        let checked = check_part(&input, &part(), known).unwrap();
        assert_eq!((checked.style, checked.count, checked.revision), (PartStyle::List, 2, 4));
        let wrong =
            PartInput { title: "长".repeat(31), style: "x".into(), category: Some(CategoryId(2)), count: "21".into() };
        let fields: Vec<_> =
            check_part(&wrong, &part(), known).unwrap_err().problems.into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["title", "style", "category", "count"]);
        assert!(check_room(19).is_ok() && check_room(20).is_err());
    }

    #[test]
    fn a_component_goes_up_by_one() {
        let ids = |all: &[u64]| all.iter().map(|id| PartId(*id)).collect::<Vec<_>>();
        for (id, after) in [(1, [1, 2, 3]), (2, [2, 1, 3]), (3, [1, 3, 2]), (9, [1, 2, 3])] {
            assert_eq!(raised(ids(&[1, 2, 3]), PartId(id)), ids(&after));
        }
    }
}
