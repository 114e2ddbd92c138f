//! Event series: events that belong together, with a page of their own for visitors.

use crate::{EventId, Refusal, SeriesId, problem, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// A series.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Number.
    pub id: SeriesId,
    /// Title that visitors read, 1–60 characters, unique in the space.
    pub title: String,
    /// Introduction: a document or Markdown (`rich`).
    pub intro: String,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

/// The series of an event; an event without one has no such record.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct EventSeries {
    /// The event.
    pub event: EventId,
    /// Its series.
    pub series: SeriesId,
}

/// Most series of a space.
pub const SERIES_MAX: usize = 200;
/// Longest title in characters.
pub const TITLE_MAX: usize = 60;
/// Longest introduction in characters.
pub const INTRO_MAX: usize = 5_000;

/// Checks title and introduction of `old` (new when it is not among `all`).
pub fn check_series(all: &[Series], old: &Series, title: &str, intro: &str) -> Result<Series, Refusal> {
    let mut form = Form::default();
    let title = form.required("title", title, TITLE_MAX);
    let intro = crate::rich::take(&mut form, "intro", intro, INTRO_MAX);
    if all.iter().any(|other| other.id != old.id && other.title == title) {
        form.wrong(problem!("title", "There is already a series of this title."));
    }
    form.done(())?;
    if all.len() >= SERIES_MAX && !all.iter().any(|other| other.id == old.id) {
        return Err(refuse!(Conflict, "series.too_many", "There can be at most {max} series.", max = SERIES_MAX));
    }
    Ok(Series { id: old.id, title, intro, revision: old.revision + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_a_title_of_its_own() {
        let series =
            |id, title: &str| Series { id: SeriesId(id), title: title.into(), intro: String::new(), revision: 0 };
        let all = [series(1, "读书会"), series(2, "企业行")];
        let long = "长".repeat(61);
        let cases = [
            (1, "读书会", true),
            (2, "读书会", false),
            (3, "读书会", false),
            (3, " 沙龙 ", true),
            (3, "", false),
            (3, &long, false),
        ];
        for (id, title, taken) in cases {
            assert_eq!(check_series(&all, &series(id, ""), title, "").is_ok(), taken, "{id} {title}");
        }
        let full: Vec<Series> = (0..200).map(|id| series(id, &format!("{id}"))).collect();
        assert_eq!(check_series(&full, &series(900, ""), "x", "").unwrap_err().code, "series.too_many");
        assert_eq!(check_series(&full, &series(3, ""), "x", "y").unwrap().revision, 1);
    }
}
