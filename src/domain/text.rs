//! Strings from people: width, trimming, limits, and the checks every form shares.

use crate::{Problem, problem};

/// The half-width twin of a full-width form (digits, letters, signs, the ideographic blank); other characters as they are.
pub fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Trims, drops control characters and joins runs of blanks: one line of text as it is stored.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(512));
    for word in text.split(|c: char| c.is_whitespace() || c.is_control() || is_unseen(c)) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Several lines of text as they are stored: line ends made `\n`, other control characters dropped, ends trimmed.
pub fn block(text: &str) -> String {
    let clean: String = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || !(c.is_control() || is_unseen(*c)))
        .collect();
    clean.trim().to_owned()
}

/// Direction overrides and zero-width characters, which make one text look like another.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Reads a form: each taken field is cleaned and checked, and what is wrong is collected instead of thrown.
#[derive(Debug, Default)]
pub struct Form {
    /// What was wrong so far, in the order of the fields.
    pub problems: Vec<Problem>,
}

impl Form {
    /// Notes a problem.
    pub fn wrong(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// A line that must be there, of at most `max` characters.
    pub fn required(&mut self, field: &str, text: &str, max: usize) -> String {
        let text = self.optional(field, text, max);
        if text.is_empty() {
            self.wrong(problem!(field, "This field is required."));
        }
        text
    }

    /// A line that may be empty, of at most `max` characters.
    pub fn optional(&mut self, field: &str, text: &str, max: usize) -> String {
        let text = line(text);
        self.at_most(field, &text, max);
        text
    }

    /// Several lines that may be empty, of at most `max` characters.
    pub fn block(&mut self, field: &str, text: &str, max: usize) -> String {
        let text = block(text);
        self.at_most(field, &text, max);
        text
    }

    pub(crate) fn at_most(&mut self, field: &str, text: &str, max: usize) {
        let length = text.chars().count();
        if length > max {
            self.wrong(problem!(field, "At most {max} characters; this has {length}.", max = max, length = length));
        }
    }

    /// The value when nothing was wrong, the refusal of the form otherwise.
    pub fn done<T>(self, value: T) -> Result<T, crate::Refusal> {
        crate::Refusal::unless_clean(self.problems)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_what_nobody_sees() {
        let cases = [("  张 三\t\n", "张 三"), ("a\u{0}b", "a b"), ("王\u{202e}五", "王 五"), ("　李　四　", "李 四")];
        for (typed, stored) in cases {
            assert_eq!(line(typed), stored);
        }
        assert_eq!(block("a\r\nb\u{7}\r\n\r\n"), "a\nb");
    }

    #[test]
    fn a_form_collects_every_problem() {
        let mut form = Form::default();
        form.required("name", "  ", 5);
        form.optional("note", "123456", 5);
        let refusal = form.done(()).unwrap_err();
        let fields: Vec<_> = refusal.problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["name", "note"]);
    }
}
