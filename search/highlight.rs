//! Which parts of a text are what was looked for, and the piece of a long text around them. Only what is shown is looked at: a mark
//! says nothing about what is masked.

use crate::{
    normal::{Class, bare, class, folded, runs},
    pinyin::{self, Unit},
    words::cut,
};
use domain::query::{Query, Within};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is what was looked for.
    pub hit: bool,
}

/// What is marked in texts.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// Characters side by side.
    plain: Vec<Vec<char>>,
    /// Characters as they are spoken, for names.
    spoken: Vec<Vec<Unit>>,
}

impl Marks {
    /// What a query looks for.
    pub fn of(query: &Query) -> Self {
        let mut marks = Self::default();
        let shown = |within| !matches!(within, Within::Event | Within::Type);
        for word in query.words.iter().filter(|word| !word.without && shown(word.within)) {
            let text = folded(&word.text);
            let runs = runs(&text, true);
            marks.plain.push(bare(&text).chars().collect());
            if runs.len() > 1 {
                marks.plain.extend(runs.iter().map(|run| run.text.clone()));
            }
            if word.quoted {
                continue;
            }
            for run in &runs {
                let text: String = run.text.iter().collect();
                match run.class {
                    Class::Latin if runs.len() == 1 => marks.spoken.extend(pinyin::split(&text)),
                    Class::Wide if run.text.len() > 3 => {
                        let words =
                            cut(&text).unwrap_or_default().into_iter().map(|word| word.chars().collect::<Vec<_>>());
                        marks.plain.extend(words.filter(|word: &Vec<char>| word.len() > 1));
                    }
                    _ => {}
                }
            }
            if runs.len() > 1 && runs.len() < 5 {
                marks.spoken.extend(mixed(&runs));
            }
        }
        marks
    }

    /// A name with its marks: letters mark the characters that they stand for.
    pub fn name(&self, text: &str) -> Vec<Piece> {
        self.mark(text, true)
    }

    /// Any other text with its marks.
    pub fn text(&self, text: &str) -> Vec<Piece> {
        self.mark(text, false)
    }

    fn mark(&self, text: &str, is_name: bool) -> Vec<Piece> {
        let hits = self.hits(&folded(text), is_name);
        let mut out: Vec<Piece> = Vec::new();
        for (c, hit) in text.chars().zip(hits) {
            match out.last_mut() {
                Some(piece) if piece.hit == hit => piece.text.push(c),
                _ => out.push(Piece { text: c.into(), hit }),
            }
        }
        out
    }

    fn hits(&self, text: &[char], is_name: bool) -> Vec<bool> {
        let mut hits = vec![false; text.len()];
        // Places of the characters that count.
        let places: Vec<usize> =
            text.iter().enumerate().filter(|(_, c)| class(**c) != Class::Other).map(|(at, _)| at).collect();
        let at = |place: usize| places.get(place).and_then(|at| text.get(*at)).copied();
        for word in self.plain.iter().filter(|word| !word.is_empty()) {
            let latin = word.iter().all(|c| c.is_ascii_alphabetic());
            for from in 0..places.len().saturating_sub(word.len() - 1) {
                let inside = latin && from > 0 && at(from - 1).is_some_and(|c| c.is_ascii_alphabetic());
                let apart = from > 0 && places.get(from) != places.get(from - 1).map(|before| before + 1).as_ref();
                if (!inside || apart) && word.iter().enumerate().all(|(n, c)| at(from + n) == Some(*c)) {
                    set(&mut hits, places.get(from..from + word.len()));
                }
            }
        }
        if is_name {
            self.spoken_hits(text, &places, &mut hits);
        }
        hits
    }

    fn spoken_hits(&self, text: &[char], places: &[usize], hits: &mut [bool]) {
        if self.spoken.is_empty() || places.len() > 60 {
            return;
        }
        let wide: Vec<char> = places.iter().filter_map(|at| text.get(*at)).copied().collect();
        let readings = pinyin::readings(&wide);
        let fits = |unit: &Unit, place: usize| match unit {
            Unit::Char(c) => wide.get(place) == Some(c),
            Unit::Syllable(syllable) => readings.get(place).is_some_and(|all| all.contains(syllable)),
            Unit::Head(head) => readings.get(place).is_some_and(|all| all.iter().any(|known| known.starts_with(head))),
        };
        for units in &self.spoken {
            for from in 0..(wide.len() + 1).saturating_sub(units.len()) {
                if units.iter().enumerate().all(|(n, unit)| fits(unit, from + n)) {
                    set(hits, places.get(from..from + units.len()));
                    return;
                }
            }
        }
    }
}

fn mixed(runs: &[crate::normal::Run]) -> Vec<Vec<Unit>> {
    let mut out: Vec<Vec<Unit>> = vec![Vec::new()];
    for run in runs {
        let ends = match run.class {
            Class::Latin => pinyin::split(&run.text.iter().collect::<String>()),
            _ => vec![run.text.iter().map(|c| Unit::Char(*c)).collect()],
        };
        out = out.iter().flat_map(|head| ends.iter().map(|end| [head.as_slice(), end].concat())).take(12).collect();
    }
    out
}

fn set(hits: &mut [bool], places: Option<&[usize]>) {
    for place in places.unwrap_or_default() {
        if let Some(hit) = hits.get_mut(*place) {
            *hit = true;
        }
    }
}

/// The piece of a long text around its first mark, of about `width` characters; the beginning when nothing is marked.
pub fn snippet(text: &str, marks: &Marks, width: usize) -> Vec<Piece> {
    let chars: Vec<char> = text.chars().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect();
    let chars: Vec<char> = squeezed(&chars);
    let hits = marks.hits(&folded(&chars.iter().collect::<String>()), false);
    let first = hits.iter().position(|hit| *hit).unwrap_or(0);
    let from = first.saturating_sub(width / 4);
    let to = (from + width).min(chars.len());
    let mut shown: String = chars.get(from..to).unwrap_or_default().iter().collect();
    if from > 0 {
        shown.insert(0, '…');
    }
    if to < chars.len() {
        shown.push('…');
    }
    marks.text(&shown)
}

fn squeezed(chars: &[char]) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(chars.len());
    for c in chars {
        if *c != ' ' || out.last().is_some_and(|last| *last != ' ') {
            out.push(*c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::query::parse;

    fn marks(typed: &str) -> Marks {
        Marks::of(&parse(typed, &jiff_utc()).unwrap())
    }

    fn jiff_utc() -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }

    fn shown(pieces: Vec<Piece>) -> String {
        pieces.into_iter().map(|piece| if piece.hit { format!("[{}]", piece.text) } else { piece.text }).collect()
    }

    #[test]
    fn what_was_looked_for_is_marked() {
        let cases = [
            ("阳锋", "欧阳锋", "欧[阳锋]"),
            ("歐陽", "欧阳锋", "[欧阳]锋"),
            ("zsf", "张三丰", "[张三丰]"),
            ("张sf", "张三丰", "[张三丰]"),
            ("ouyang", "欧阳锋", "[欧阳]锋"),
            ("拉买", "阿卜杜拉·买买提", "阿卜杜[拉]·[买]买提"),
            ("smi", "John Smith", "John [Smi]th"),
            ("ohn", "John Smith", "John Smith"),
            ("-张三", "张三", "张三"),
            ("5678", "138****5678", "138****[5678]"),
            ("2222", "138****5678", "138****5678"),
        ];
        for (typed, name, expected) in cases {
            assert_eq!(shown(marks(typed).name(name)), expected, "{typed} in {name}");
        }
        assert_eq!(shown(marks("zsf").text("张三丰")), "张三丰", "only names are spoken");
    }

    #[test]
    fn a_snippet_lies_around_the_first_mark() {
        let long = format!("{}违约金\n\n  百分之五{}", "前".repeat(500), "后".repeat(500));
        let shown = shown(snippet(&long, &marks("违约金"), 40));
        assert!(shown.starts_with('…') && shown.contains("[违约金] 百分之五后") && shown.ends_with('…'), "{shown}");
        assert!(shown.chars().count() < 50);
        assert_eq!(super::tests::shown(snippet("短文", &marks("无"), 40)), "短文");
    }
}
