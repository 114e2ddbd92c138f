//! Components of the home page (S0-77): which events they show, how, and in which order they stand.

use crate::{CategoryId, EventId, PartId, Refusal, SpaceId, Time, problem, refuse, text::Form};
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

/// Whose events a component shows. A merchant's own home page has no others than its own.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartSource {
    /// The platform's own, and those of merchants where the platform makes them public (S0-86: then all visitors see them).
    #[default]
    Both,
    /// The platform's own.
    Own,
    /// Those of merchants.
    Merchants,
}

impl PartSource {
    /// Every source.
    pub const ALL: &[Self] = &[Self::Both, Self::Own, Self::Merchants];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Own => "own",
            Self::Merchants => "merchants",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Both => "Own and merchants' events",
            Self::Own => "Own events only",
            Self::Merchants => "Merchants' events only",
        }
    }

    /// The source of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|source| source.code() == code)
    }

    /// Whether it shows the events of `space`, when the component stands on the home page of `home`.
    pub fn takes(self, space: SpaceId, home: SpaceId) -> bool {
        match self {
            Self::Both => true,
            // A merchant's page has nothing but its own.
            Self::Own => space == home,
            Self::Merchants => space != home || home != SpaceId::ASSOCIATION,
        }
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
    /// Whose events.
    pub source: PartSource,
    /// Only events of this category; none: all.
    pub category: Option<CategoryId>,
    /// Most events, 1 to [`COUNT_MAX`].
    pub count: u8,
    /// Place on the page; lower stands first.
    pub position: u32,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

/// A component as it was kept before merchants' events had a place in it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct HomePartV1 {
    /// Number.
    pub id: PartId,
    /// Heading.
    pub title: String,
    /// How events are shown.
    pub style: PartStyle,
    /// Only events of this category.
    pub category: Option<CategoryId>,
    /// Most events.
    pub count: u8,
    /// Place on the page.
    pub position: u32,
    /// Raised by each change.
    pub revision: u32,
}

impl From<HomePartV1> for HomePart {
    fn from(old: HomePartV1) -> Self {
        let HomePartV1 { id, title, style, category, count, position, revision } = old;
        Self { id, title, style, source: PartSource::default(), category, count, position, revision }
    }
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
    /// Code of a [`PartSource`]; empty where there is nothing to choose.
    pub source: String,
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
    let source = match input.source.as_str() {
        "" => Some(old.source),
        code => PartSource::parse(code),
    };
    if source.is_none() {
        form.wrong(problem!("source", "Choose one of the given answers."));
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
        source: source.unwrap_or_default(),
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
    /// Where it is.
    pub space: SpaceId,
    /// The event.
    pub event: EventId,
    /// When it begins.
    pub from: Time,
    /// Its category; that of a merchant's event is the one of the same name here.
    pub category: Option<CategoryId>,
}

/// The events of a component on the home page of `home`: the next ones of its source and category, at most as many as it says.
pub fn choose(part: &HomePart, home: SpaceId, events: &[Shown]) -> Vec<(SpaceId, EventId)> {
    let fits = |event: &&Shown| {
        part.source.takes(event.space, home) && (part.category.is_none() || event.category == part.category)
    };
    let mut fits: Vec<&Shown> = events.iter().filter(fits).collect();
    fits.sort_by_key(|event| (event.from, event.space, event.event));
    fits.into_iter().take(usize::from(part.count)).map(|event| (event.space, event.event)).collect()
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
            source: PartSource::Both,
            category: None,
            count: 2,
            position: 0,
            revision: 3,
        }
    }

    #[test]
    fn a_component_shows_the_next_events_of_its_category() {
        let shown = |event, from, category: u64| Shown {
            space: SpaceId::ASSOCIATION,
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
            let found: Vec<u64> =
                choose(&part, SpaceId::ASSOCIATION, &events).into_iter().map(|(_, event)| event.0).collect();
            assert_eq!(found, expected, "{category:?} {count}");
        }
    }

    #[test]
    fn a_source_says_whose_events_a_component_shows() {
        let (here, merchant) = (SpaceId::ASSOCIATION, SpaceId(2));
        let shown = |space, event, from| Shown { space, event: EventId(event), from: Time(from), category: None };
        let events = [shown(merchant, 1, 10), shown(here, 1, 20), shown(SpaceId(3), 1, 30)];
        let cases: [(PartSource, SpaceId, &[u64]); 5] = [
            (PartSource::Both, here, &[2, 1, 3]),
            (PartSource::Own, here, &[1]),
            (PartSource::Merchants, here, &[2, 3]),
            (PartSource::Own, merchant, &[2]),
            (PartSource::Merchants, merchant, &[2, 1, 3]),
        ];
        for (source, home, expected) in cases {
            let part = HomePart { source, count: 9, ..part() };
            let found: Vec<u64> = choose(&part, home, &events).into_iter().map(|(space, _)| space.0).collect();
            assert_eq!(found, expected, "{source:?} at {home}");
            assert_eq!(PartSource::parse(source.code()), Some(source));
        }
        let kept = HomePartV1 {
            id: PartId(7),
            title: "近期".into(),
            style: PartStyle::List,
            category: Some(CategoryId(2)),
            count: 4,
            position: 1,
            revision: 6,
        };
        let now = HomePart::from(kept);
        assert_eq!((now.source, now.id, now.count, now.revision), (PartSource::Both, PartId(7), 4, 6));
    }

    #[test]
    fn the_form_of_a_component_is_checked_as_a_whole() {
        let known = |category: CategoryId| category.0 == 1;
        let input = PartInput {
            title: "近期会议".into(),
            style: "list".into(),
            source: "own".into(),
            category: Some(CategoryId(1)),
            count: "２".into(),
        };
        let checked = check_part(&input, &part(), known).unwrap();
        assert_eq!(
            (checked.style, checked.source, checked.count, checked.revision),
            (PartStyle::List, PartSource::Own, 2, 4)
        );
        let unasked = check_part(&PartInput { source: String::new(), ..input }, &checked, known).unwrap();
        assert_eq!(unasked.source, PartSource::Own, "where nothing is chosen it stays");
        let wrong = PartInput {
            title: "长".repeat(31),
            style: "x".into(),
            source: "y".into(),
            category: Some(CategoryId(2)),
            count: "21".into(),
        };
        let fields: Vec<_> =
            check_part(&wrong, &part(), known).unwrap_err().problems.into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["title", "style", "source", "category", "count"]);
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
