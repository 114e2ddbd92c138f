//! How cards lie on paper: rows and columns with margins and gaps, all in tenths of a millimetre, and how many sheets people need.

use crate::{Problem, problem};
use rkyv::{Archive, Deserialize, Serialize};

/// Paper with places for cards.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sheet {
    /// Width of the paper.
    pub width: i32,
    /// Height of the paper.
    pub height: i32,
    /// Cards side by side.
    pub columns: u8,
    /// Cards below one another.
    pub rows: u8,
    /// Left margin.
    pub left: i32,
    /// Upper margin.
    pub top: i32,
    /// Room between columns.
    pub gap_x: i32,
    /// Room between rows.
    pub gap_y: i32,
    /// A card that stands: printed twice, the upper half upside down, with a line to fold at.
    pub fold: bool,
    /// Lines to cut along.
    pub marks: bool,
}

/// A4 upright.
pub const A4: (i32, i32) = (2_100, 2_970);
/// Most cards side by side or below one another.
pub const CELLS_MAX: u8 = 30;

impl Sheet {
    /// Paper of the card's own size with one card.
    pub const fn single(width: i32, height: i32) -> Self {
        Self { width, height, columns: 1, rows: 1, left: 0, top: 0, gap_x: 0, gap_y: 0, fold: false, marks: false }
    }

    /// How high one place is for cards of that height.
    fn cell_height(&self, height: i32) -> i32 {
        if self.fold { height * 2 } else { height }
    }

    /// The left upper corners of the places for cards of that size, row by row.
    pub fn cells(&self, (width, height): (i32, i32)) -> Vec<(i32, i32)> {
        let tall = self.cell_height(height);
        let place = |row: u8, column: u8| {
            (self.left + i32::from(column) * (width + self.gap_x), self.top + i32::from(row) * (tall + self.gap_y))
        };
        (0..self.rows).flat_map(|row| (0..self.columns).map(move |column| place(row, column))).collect()
    }

    /// How many cards one sheet holds.
    pub fn holds(&self) -> usize {
        usize::from(self.columns.max(1)) * usize::from(self.rows.max(1))
    }

    /// What is wrong with it for cards of that size.
    pub fn problems(&self, (width, height): (i32, i32)) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut side = |field: &str, places: u8, card: i32, margin: i32, gap: i32, paper: i32| {
            if !(1..=CELLS_MAX).contains(&places) {
                problems.push(problem!(field, "Give a whole number from 1 to {max}.", max = CELLS_MAX));
                return;
            }
            let needed = margin + i32::from(places) * card + (i32::from(places) - 1) * gap;
            if needed > paper {
                problems.push(problem!(
                    field,
                    "These cards need {needed} mm; the paper has {paper} mm.",
                    needed = mm(needed),
                    paper = mm(paper)
                ));
            }
        };
        side("columns", self.columns, width, self.left, self.gap_x, self.width);
        side("rows", self.rows, self.cell_height(height), self.top, self.gap_y, self.height);
        problems
    }
}

/// Tenths of a millimetre as people write them: `90`, `12.5`.
pub fn mm(tenths: i32) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

/// Reads millimetres, or points, with at most one digit behind the point, as tenths.
pub fn tenths(text: &str) -> Option<i32> {
    let text: String = text.trim().chars().map(crate::text::half_width).collect();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain =
        |part: &str, max: usize| (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole, 5) || !plain(rest, 1) {
        return None;
    }
    let value = whole.parse::<i32>().ok()? * 10 + rest.parse::<i32>().ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a4(columns: u8, rows: u8) -> Sheet {
        Sheet {
            width: A4.0,
            height: A4.1,
            columns,
            rows,
            left: 150,
            top: 100,
            gap_x: 0,
            gap_y: 20,
            fold: false,
            marks: true,
        }
    }

    #[test]
    fn cards_lie_row_by_row_and_none_over_another_or_over_the_edge() {
        let card = (900, 540);
        let sheet = a4(2, 5);
        assert!(sheet.problems(card).is_empty());
        let cells = sheet.cells(card);
        assert_eq!((cells.len(), sheet.holds()), (10, 10));
        assert_eq!(cells[..3], [(150, 100), (1_050, 100), (150, 660)]);
        for (at, (x, y)) in cells.iter().enumerate() {
            assert!(x + card.0 <= sheet.width && y + card.1 <= sheet.height);
            for (other_x, other_y) in &cells[at + 1..] {
                assert!((x - other_x).abs() >= card.0 || (y - other_y).abs() >= card.1);
            }
        }
    }

    #[test]
    fn what_does_not_fit_on_the_paper_is_named_by_its_field() {
        let tent = Sheet { fold: true, ..a4(1, 2) };
        let cases = [
            (a4(2, 5), (900, 540), vec![]),
            (a4(3, 5), (900, 540), vec!["columns"]),
            (a4(2, 6), (900, 540), vec!["rows"]),
            (a4(0, 31), (900, 540), vec!["columns", "rows"]),
            (tent, (1_800, 700), vec![]),
            (tent, (1_800, 800), vec!["rows"]),
            (Sheet::single(1_000, 1_500), (1_000, 1_500), vec![]),
        ];
        for (sheet, card, wrong) in cases {
            let found: Vec<_> = sheet.problems(card).into_iter().map(|problem| problem.field).collect();
            assert_eq!(found, wrong, "{sheet:?} {card:?}");
        }
    }

    #[test]
    fn millimetres_are_read_as_people_write_them() {
        let cases = [
            ("90", Some(900)),
            (" 12.5 ", Some(125)),
            ("-3", Some(-30)),
            ("１０．５", Some(105)),
            ("0.05", None),
            ("", None),
            ("1e3", None),
            ("--1", None),
            ("999999", None),
        ];
        for (text, read) in cases {
            assert_eq!(tenths(text), read, "{text}");
        }
        for value in [0, 5, 125, -30, 2_970] {
            assert_eq!(tenths(&mm(value)), Some(value));
        }
    }
}
