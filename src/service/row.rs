//! What a query finds in lists that are read from the store row by row: the language of the search box, over what stands in a row.

use crate::{Ctx, Error};
use domain::{
    SpaceId, Time, phone,
    query::{self, Query, Within, Word},
};
use search::{plain, spoken};

/// What a row is found by. What it does not have stays empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row<'a> {
    /// Name or title, found by its pinyin and initials too.
    pub name: &'a str,
    /// Company or organisation.
    pub company: &'a str,
    /// Phone in E.164.
    pub phone: Option<&'a str>,
    /// Whether the asker sees phone numbers in full; otherwise they are found by their end alone.
    pub unmasked: bool,
    /// Name and number of the event.
    pub event: (&'a str, u64),
    /// Numbers that it is known by, and further words, such as a place.
    pub words: &'a [&'a str],
    /// Province, city or place, for `region:`.
    pub region: &'a str,
    /// What may stand behind `type:`.
    pub kinds: &'a [&'a str],
    /// Its time, for dates.
    pub at: Option<Time>,
}

/// Reads what was typed into a list's filter; days are those of the space.
pub(crate) fn read(ctx: &Ctx, space: SpaceId, typed: &str) -> Result<Query, Error> {
    match typed.trim() {
        "" => Ok(Query::default()),
        typed => Ok(query::parse(typed, &ctx.zone(space)?)?),
    }
}

impl Row<'_> {
    /// Whether a query finds the row.
    pub fn fits(&self, query: &Query) -> bool {
        query.words.iter().all(|word| self.has(word) != word.without)
            && query.after.is_none_or(|after| self.at.is_some_and(|at| at >= after))
            && query.before.is_none_or(|before| self.at.is_some_and(|at| at < before))
    }

    fn has(&self, word: &Word) -> bool {
        let text = plain(&word.text);
        let among = |of: &str| plain(of).contains(&text);
        match word.within {
            Within::Anything => {
                self.is_named(&text, word.quoted)
                    || among(self.company)
                    || self.words.iter().any(|of| among(of))
                    || self.is_reached_at(&text)
            }
            Within::Name => self.is_named(&text, word.quoted),
            Within::Company => among(self.company),
            Within::Phone => self.is_reached_at(&text),
            Within::Event => among(self.event.0) && !self.event.0.is_empty() || text == self.event.1.to_string(),
            Within::Type => self.kinds.iter().any(|kind| plain(kind) == text),
            Within::Region => among(self.region),
            Within::Group => false,
        }
    }

    fn is_named(&self, text: &str, quoted: bool) -> bool {
        let fits = |reading: &String| {
            let initials: String = reading.split(' ').filter_map(|syllable| syllable.chars().next()).collect();
            reading.split(' ').collect::<String>().contains(text) || initials.contains(text)
        };
        let letters = !quoted && text.bytes().all(|b| b.is_ascii_lowercase());
        plain(self.name).contains(text) || letters && spoken(self.name).iter().any(fits)
    }

    fn is_reached_at(&self, text: &str) -> bool {
        let Some(number) = self.phone else { return false };
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '+')).collect();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        if self.unmasked {
            return number.contains(&digits);
        }
        // Digits behind the stars of a masked number are no secret; those under them must not be found out by trying.
        let masked = phone::masked(number);
        digits.len() > 2 && masked.rsplit('*').next().is_some_and(|seen| seen.ends_with(&digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_as_everywhere() {
        let row = Row {
            name: "欧阳锋",
            company: "白驼山医药集团",
            phone: Some("+8613812345678"),
            event: ("２０２６年会", 7),
            words: &["D20261126-000123", "西域会堂"],
            region: "新疆 西域会堂",
            kinds: &["order", "订单"],
            at: Some(Time(1_000)),
            ..Row::default()
        };
        let fits = |row: &Row<'_>, typed: &str| row.fits(&query::parse(typed, &jiff::tz::TimeZone::UTC).unwrap());
        let cases = [
            ("", true),
            ("阳锋", true),
            ("歐陽", true),
            ("ouyang", true),
            ("oyf", true),
            ("\"oyf\"", false),
            ("医药 欧阳", true),
            ("医药 -欧阳", false),
            ("-李四", true),
            ("company:医药", true),
            ("name:医药", false),
            ("５６７８", true),
            ("phone:5678", true),
            ("phone:0123", false),
            ("000123", true),
            ("会堂", true),
            ("event:2026年会", true),
            ("event:7", true),
            ("event:8", false),
            ("type:订单", true),
            ("type:person", false),
            ("region:新疆", true),
            ("region:浙江", false),
            ("group:贵宾", false),
            ("before:1970-01-02", true),
            ("after:1971-01-01", false),
        ];
        for (typed, expected) in cases {
            assert_eq!(fits(&row, typed), expected, "{typed}");
        }
        for (typed, masked, clear) in
            [("5678", true, true), ("45678", false, true), ("2345", false, true), ("78", false, true)]
        {
            assert_eq!(fits(&row, typed), masked, "{typed} masked");
            assert_eq!(fits(&Row { unmasked: true, ..row }, typed), clear, "{typed} in full");
        }
        let shan = Row { name: "单田芳", ..Row::default() };
        assert!(fits(&shan, "shantian") && fits(&shan, "stf") && fits(&shan, "dantian") && !fits(&shan, "chan"));
        assert!(!fits(&Row { at: None, ..row }, "before:1970-01-02"), "what has no time is not within any");
    }
}
