//! What people type to find something: words, "quoted words", -without, and fields such as `phone:`, `group:`, `event:`, `type:` and dates.
//! One language for the search box and for the filter bar of every list. What is no field is a word; nothing typed is an error but its length.

use crate::{Refusal, Time, refuse, text::half_width};
use jiff::{ToSpan, civil::Date, tz::TimeZone};

/// Longest query in characters.
pub const QUERY_MAX: usize = 200;
/// Most words of a query.
pub const WORDS_MAX: usize = 12;

/// Where a word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Within {
    /// Wherever it may be.
    Anything,
    /// The name or title.
    Name,
    /// The phone number.
    Phone,
    /// The company or organisation.
    Company,
    /// The group of attendees.
    Group,
    /// The province or city that was given as an answer.
    Region,
    /// The name or number of the event.
    Event,
    /// What it is: a person, a registration, a document …; in a list of registrations also the ticket type.
    Type,
}

/// One word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What is looked for, trimmed, not empty.
    pub text: String,
    /// Where.
    pub within: Within,
    /// Exactly these characters side by side.
    pub quoted: bool,
    /// Whatever has it is left out.
    pub without: bool,
}

/// A query as it was understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Its words, all of which must hold.
    pub words: Vec<Word>,
    /// Not before this instant.
    pub after: Option<Time>,
    /// Before this instant.
    pub before: Option<Time>,
}

impl Query {
    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.after.is_none() && self.before.is_none()
    }
}

/// Names of fields as people type them, in English and Chinese.
const FIELDS: &[(&str, Within)] = &[
    ("name", Within::Name),
    ("姓名", Within::Name),
    ("名称", Within::Name),
    ("phone", Within::Phone),
    ("电话", Within::Phone),
    ("手机", Within::Phone),
    ("company", Within::Company),
    ("单位", Within::Company),
    ("公司", Within::Company),
    ("group", Within::Group),
    ("分组", Within::Group),
    ("region", Within::Region),
    ("地区", Within::Region),
    ("省份", Within::Region),
    ("城市", Within::Region),
    ("event", Within::Event),
    ("会议", Within::Event),
    ("type", Within::Type),
    ("类型", Within::Type),
];

/// Which end of the time a date limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    After,
    Before,
    On,
}

const DATES: &[(&str, Ends)] = &[
    ("after", Ends::After),
    ("since", Ends::After),
    ("晚于", Ends::After),
    ("before", Ends::Before),
    ("until", Ends::Before),
    ("早于", Ends::Before),
    ("date", Ends::On),
    ("日期", Ends::On),
];

/// Reads a query. Days are those of `zone`. Refused is only what is too long.
pub fn parse(typed: &str, zone: &TimeZone) -> Result<Query, Refusal> {
    let mut query = Query::default();
    if typed.chars().take(QUERY_MAX + 1).count() > QUERY_MAX {
        return Err(refuse!(
            Invalid,
            "search.too_long",
            "A search may have at most {max} characters. Leave something out.",
            max = QUERY_MAX
        ));
    }
    for piece in pieces(typed) {
        if let Some(dates) = piece.dates(zone) {
            query.after = latest(query.after, dates.0);
            query.before = earliest(query.before, dates.1);
        } else if let Some(word) = piece.word() {
            query.words.push(word);
        }
    }
    if query.words.len() > WORDS_MAX {
        return Err(refuse!(
            Invalid,
            "search.too_many_words",
            "A search may have at most {max} words. Leave something out.",
            max = WORDS_MAX
        ));
    }
    Ok(query)
}

fn latest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    a.max(b)
}

fn earliest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// One piece between blanks: what stands before the colon, if anything does, and what behind.
#[derive(Debug, Default)]
struct Piece {
    without: bool,
    field: Option<String>,
    text: String,
    quoted: bool,
}

impl Piece {
    fn dates(&self, zone: &TimeZone) -> Option<(Option<Time>, Option<Time>)> {
        let field = self.field.as_deref()?;
        let (_, ends) = DATES.iter().find(|(name, _)| *name == field)?;
        if let (Ends::On, Some((from, to))) = (ends, self.text.split_once("..")) {
            return Some((days(from, zone).map(|d| d.0), days(to, zone).map(|d| d.1)));
        }
        let (from, to) = days(&self.text, zone)?;
        Some(match ends {
            Ends::After => (Some(from), None),
            Ends::Before => (None, Some(from)),
            Ends::On => (Some(from), Some(to)),
        })
    }

    /// A field that is none, such as `http:`, is part of the word.
    fn word(self) -> Option<Word> {
        let within = self.field.as_deref().and_then(|field| FIELDS.iter().find(|(name, _)| *name == field));
        let (within, text) = match (within, self.field) {
            (Some((_, within)), _) => (*within, self.text),
            (None, Some(field)) => (Within::Anything, format!("{field}:{}", self.text)),
            (None, None) => (Within::Anything, self.text),
        };
        let text = text.trim().to_owned();
        let says = text.chars().any(char::is_alphanumeric);
        says.then_some(Word { text, within, quoted: self.quoted, without: self.without })
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '「' | '」' | '＂')
}

/// Splits at blanks outside of quotes. An open quote ends with the query.
fn pieces(typed: &str) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut piece = Piece::default();
    let (mut inside, mut begun) = (false, false);
    let mut end = |piece: &mut Piece, begun: &mut bool| {
        if std::mem::take(begun) {
            out.push(std::mem::take(piece));
        }
    };
    for c in typed.chars() {
        let plain = half_width(c);
        if is_quote(c) {
            if inside || begun && !piece.text.is_empty() {
                end(&mut piece, &mut begun);
            }
            inside = !inside;
            piece.quoted |= inside;
            begun |= inside;
            continue;
        }
        let blank = plain.is_whitespace() || plain.is_control();
        if blank && !inside {
            end(&mut piece, &mut begun);
        } else if blank {
            piece.text.push(' ');
        } else if plain == '-' && !begun && !inside {
            (piece.without, begun) = (true, true);
        } else if plain == ':' && !inside && piece.field.is_none() && !piece.text.is_empty() {
            piece.field = Some(std::mem::take(&mut piece.text).to_lowercase());
        } else {
            piece.text.push(plain);
            begun = true;
        }
    }
    end(&mut piece, &mut begun);
    out
}

/// First instant of a year, month or day, and the first instant behind it.
fn days(text: &str, zone: &TimeZone) -> Option<(Time, Time)> {
    let plain: String = text.chars().map(|c| if matches!(c, '/' | '.' | '年' | '月') { '-' } else { c }).collect();
    let plain = plain.trim_end_matches(['日', '号', '-']);
    let parts: Vec<i16> = plain.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let small = |part: &i16| i8::try_from(*part).ok();
    let (from, to) = match parts.as_slice() {
        [year] => {
            let from = Date::new(*year, 1, 1).ok()?;
            (from, from.checked_add(1.years()).ok()?)
        }
        [year, month] => {
            let from = Date::new(*year, small(month)?, 1).ok()?;
            (from, from.checked_add(1.months()).ok()?)
        }
        [year, month, day] => {
            let from = Date::new(*year, small(month)?, small(day)?).ok()?;
            (from, from.checked_add(1.days()).ok()?)
        }
        _ => return None,
    };
    if !(1970..=2999).contains(&from.year()) {
        return None;
    }
    let begins = |day: Date| Some(Time(day.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()));
    Some((begins(from)?, begins(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Vec<(String, Within, bool, bool)>;

    fn read(typed: &str) -> Read {
        let query = parse(typed, &TimeZone::UTC).unwrap();
        query.words.into_iter().map(|w| (w.text, w.within, w.quoted, w.without)).collect()
    }

    #[test]
    fn a_query_reads_as_it_is_typed() {
        let plain = |text: &str| (text.to_owned(), Within::Anything, false, false);
        let cases: &[(&str, Read)] = &[
            ("张三", vec![plain("张三")]),
            ("  张三　李四 ", vec![plain("张三"), plain("李四")]),
            ("ｚｓ", vec![plain("zs")]),
            ("\"张 三\"", vec![("张 三".into(), Within::Anything, true, false)]),
            ("“欧阳”锋", vec![("欧阳".into(), Within::Anything, true, false), plain("锋")]),
            ("-李四", vec![("李四".into(), Within::Anything, false, true)]),
            ("-group:\"贵 宾\"", vec![("贵 宾".into(), Within::Group, true, true)]),
            ("phone:5678", vec![("5678".into(), Within::Phone, false, false)]),
            ("电话：5678", vec![("5678".into(), Within::Phone, false, false)]),
            ("地区：浙江", vec![("浙江".into(), Within::Region, false, false)]),
            ("-region:\"浙江省 杭州市\"", vec![("浙江省 杭州市".into(), Within::Region, true, true)]),
            ("EVENT:年会", vec![("年会".into(), Within::Event, false, false)]),
            ("http://a", vec![plain("http://a")]),
            ("a-b", vec![plain("a-b")]),
            ("- -- \" : :: ()", vec![]),
            ("\"open", vec![("open".into(), Within::Anything, true, false)]),
            ("", vec![]),
        ];
        for (typed, expected) in cases {
            assert_eq!(&read(typed), expected, "{typed}");
        }
    }

    #[test]
    fn dates_limit_the_time_in_the_zone_of_the_space() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let at = |text: &str| Time::from_local(&format!("{text}T00:00"), &zone);
        let cases = [
            ("after:2026-11-25", at("2026-11-25"), None),
            ("before:2026/11/25", None, at("2026-11-25")),
            ("date:2026-02", at("2026-02-01"), at("2026-03-01")),
            ("日期：2026年", at("2026-01-01"), at("2027-01-01")),
            ("date:2026-01-05..2026-01-07", at("2026-01-05"), at("2026-01-08")),
            ("after:2026-01-01 after:2026-02-01", at("2026-02-01"), None),
        ];
        for (typed, after, before) in cases {
            let query = parse(typed, &zone).unwrap();
            assert_eq!((query.after, query.before), (after, before), "{typed}");
            assert!(query.words.is_empty(), "{typed}");
        }
        assert_eq!(parse("date:2026-13-45", &zone).unwrap().words.len(), 1, "what is no date is a word");
    }

    #[test]
    fn what_is_too_long_is_refused_with_its_reason() {
        assert_eq!(parse(&"长".repeat(201), &TimeZone::UTC).unwrap_err().code, "search.too_long");
        assert_eq!(parse(&"a ".repeat(13), &TimeZone::UTC).unwrap_err().code, "search.too_many_words");
        assert!(parse(&"a ".repeat(12), &TimeZone::UTC).is_ok());
    }
}
