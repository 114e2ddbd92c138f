//! What is searched of one record, and the terms it is found by. Each term begins with a letter that says what it is of.

use crate::{
    normal::{Class, Run, bare, folded, runs},
    pinyin,
    words::jieba_words,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Which record: its kind, its number, and the event that its number is within (0 where numbers alone tell records apart).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The space.
    pub space: u64,
    /// Number of the kind, as the registry gives it.
    pub kind: u8,
    /// Number of the record.
    pub id: u64,
    /// The event that is part of its key; 0 for none.
    pub event: u64,
}

impl Key {
    /// The one term by which all of the record's entries are removed.
    pub(crate) fn term(&self) -> String {
        format!("{}.{}.{}.{}", self.space, self.kind, self.event, self.id)
    }
}

/// What is searched of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which record.
    pub key: Key,
    /// The event it belongs to, for scopes; 0 for none.
    pub event: u64,
    /// The department it belongs to; 0 for none.
    pub department: u64,
    /// The account that made it; 0 for none.
    pub owner: u64,
    /// What it is sorted by and limited by dates, in milliseconds.
    pub at: i64,
    /// Name or title.
    pub name: String,
    /// Company or organisation.
    pub company: String,
    /// Group of attendees.
    pub group: String,
    /// Phone in E.164.
    pub phone: Option<Phone>,
    /// Numbers by which it is known to everybody who may see it, such as a ticket's.
    pub numbers: Vec<String>,
    /// Keyed hashes of what is found only with permission and only whole, such as the end of an identity card.
    pub secrets: Vec<String>,
    /// Further words, such as a place or a login.
    pub words: String,
    /// Running text.
    pub text: String,
    /// Page of the text, from 1; 0 when it has none.
    pub page: u32,
}

/// A phone number and how much of its end everybody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// All digits, without a country code for Chinese ones.
    pub digits: String,
    /// How many digits at the end stand in a masked number.
    pub seen: usize,
}

impl Phone {
    /// Reads a stored number.
    pub fn of(e164: &str) -> Self {
        let masked = domain::phone::masked(e164);
        let digits: String = domain::phone::local(e164).chars().filter(char::is_ascii_digit).collect();
        let seen = masked.rsplit('*').next().map_or(0, str::len);
        Self { digits, seen }
    }
}

impl Entry {
    /// An entry with nothing in it.
    pub fn new(key: Key, name: &str) -> Self {
        Self {
            key,
            event: key.event,
            department: 0,
            owner: 0,
            at: 0,
            name: name.to_owned(),
            company: String::new(),
            group: String::new(),
            phone: None,
            numbers: Vec::new(),
            secrets: Vec::new(),
            words: String::new(),
            text: String::new(),
            page: 0,
        }
    }
}

/// The kinds of terms.
pub(crate) mod of {
    /// A whole name.
    pub const NAME: char = 'e';
    /// How a name begins: one or two characters.
    pub const BEGINS: char = 'a';
    /// One or two characters side by side in a name.
    pub const GRAM: char = 'n';
    /// A syllable of a name.
    pub const SYLLABLE: char = 'y';
    /// The first syllable of a name.
    pub const FIRST: char = 'Y';
    /// Two initials side by side.
    pub const INITIALS: char = 'i';
    /// The first initial.
    pub const INITIAL: char = 'A';
    /// All initials.
    pub const ALL_INITIALS: char = 'I';
    /// A whole name in pinyin.
    pub const SPOKEN: char = 'P';
    /// A Latin word or number.
    pub const WORD: char = 'w';
    /// A whole company.
    pub const COMPANY: char = 'E';
    /// Two characters side by side in a company or in further words.
    pub const PAIR: char = 'b';
    /// A word of a company.
    pub const TERM: char = 'c';
    /// Four digits side by side in a phone number; stands in its place among the words of the text, which have no such sign.
    pub const DIGITS: char = '\u{1e}';
    /// The last three digits of a phone number.
    pub const LAST: char = 'D';
    /// The last digits of a phone number that everybody sees.
    pub const TAIL: char = 't';
    /// A number, or its last digits.
    pub const NUMBER: char = 'm';
    /// A keyed hash.
    pub const SECRET: char = 'x';
    /// One or two characters of a group's name.
    pub const GROUP: char = 'g';
    /// A word of running text.
    pub const PROSE: char = 'j';
}

/// The terms of an entry.
pub(crate) fn terms(entry: &Entry) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    name_terms(&entry.name, &mut out);
    company_terms(&entry.company, &mut out);
    word_terms(&entry.words, &mut out);
    group_terms(&entry.group, &mut out);
    if let Some(phone) = &entry.phone {
        phone_terms(phone, &mut out);
    }
    for number in &entry.numbers {
        put(&mut out, of::NUMBER, number);
        for end in [4, 6] {
            if let Some((_, end)) = number.split_at_checked(number.len().saturating_sub(end)) {
                put(&mut out, of::NUMBER, end);
            }
        }
    }
    for secret in &entry.secrets {
        put(&mut out, of::SECRET, secret);
    }
    for word in jieba_words(&folded(&entry.text)) {
        put(&mut out, of::PROSE, &word);
    }
    out
}

/// Longest term in bytes, its letter included; anything longer is no word.
const TERM_MAX: usize = 240;

fn put(out: &mut BTreeSet<String>, kind: char, text: &str) {
    if !text.is_empty() && text.len() < TERM_MAX {
        let mut term = String::with_capacity(text.len() + 1);
        term.push(kind);
        term.push_str(text);
        out.insert(term);
    }
}

fn put_chars(out: &mut BTreeSet<String>, kind: char, chars: &[char]) {
    put(out, kind, &chars.iter().collect::<String>());
}

fn name_terms(name: &str, out: &mut BTreeSet<String>) {
    let name = folded(name);
    put(out, of::NAME, &bare(&name));
    for (at, run) in runs(&name, true).iter().enumerate() {
        match run.class {
            Class::Latin => put_chars(out, of::WORD, &run.text),
            _ => wide_name(run, at == 0, out),
        }
    }
}

/// Names longer than this are titles; nobody types their initials.
const SPOKEN_MAX: usize = 12;

fn wide_name(run: &Run, first: bool, out: &mut BTreeSet<String>) {
    for gram in [1, 2] {
        run.text.windows(gram).for_each(|part| put_chars(out, of::GRAM, part));
        if let Some(head) = run.text.get(..gram).filter(|_| first) {
            put_chars(out, of::BEGINS, head);
        }
    }
    let spoken = pinyin::readings(&run.text);
    for (at, readings) in spoken.iter().enumerate() {
        for reading in readings {
            put(out, of::SYLLABLE, reading);
            let initial = reading.chars().next();
            if at == 0 && first {
                put(out, of::FIRST, reading);
                initial.iter().for_each(|c| put_chars(out, of::INITIAL, &[*c]));
            }
            for next in spoken.get(at + 1).into_iter().flatten() {
                let pair: Vec<char> = initial.into_iter().chain(next.chars().next()).collect();
                put_chars(out, of::INITIALS, &pair);
            }
        }
    }
    if run.text.len() > SPOKEN_MAX || !first {
        return;
    }
    // Both ways to read a surname, the likeliest of everything behind it.
    for head in spoken.first().into_iter().flatten() {
        let rest = spoken.iter().skip(1).filter_map(|all| all.first());
        let whole: Vec<&String> = std::iter::once(head).chain(rest).collect();
        put(out, of::SPOKEN, &whole.iter().map(|s| s.as_str()).collect::<String>());
        put(out, of::ALL_INITIALS, &whole.iter().filter_map(|s| s.chars().next()).collect::<String>());
    }
}

/// Companies whose terms are kept: a list of people names the same few again and again.
const COMPANIES_MAX: usize = 4_000;

fn company_terms(company: &str, out: &mut BTreeSet<String>) {
    static KEPT: OnceLock<Mutex<HashMap<String, Vec<String>>>> = OnceLock::new();
    if company.is_empty() {
        return;
    }
    let mut kept = KEPT.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(terms) = kept.get(company) {
        return out.extend(terms.iter().cloned());
    }
    let name = folded(company);
    let mut terms = BTreeSet::new();
    put(&mut terms, of::COMPANY, &bare(&name));
    pairs(&name, of::PAIR, &mut terms);
    for word in jieba_words(&name) {
        put(&mut terms, of::TERM, &word);
    }
    if kept.len() >= COMPANIES_MAX {
        kept.clear();
    }
    kept.insert(company.to_owned(), terms.iter().cloned().collect());
    out.extend(terms);
}

fn word_terms(words: &str, out: &mut BTreeSet<String>) {
    pairs(&folded(words), of::PAIR, out);
}

/// Pairs of wide characters, and Latin words.
fn pairs(text: &[char], kind: char, out: &mut BTreeSet<String>) {
    for run in runs(text, true) {
        match run.class {
            Class::Latin => put_chars(out, of::WORD, &run.text),
            _ if run.text.len() == 1 => put_chars(out, kind, &run.text),
            _ => run.text.windows(2).for_each(|part| put_chars(out, kind, part)),
        }
    }
}

fn group_terms(group: &str, out: &mut BTreeSet<String>) {
    for run in runs(&folded(group), true) {
        for gram in [1, 2] {
            run.text.windows(gram).for_each(|part| put_chars(out, of::GROUP, part));
        }
    }
}

fn phone_terms(phone: &Phone, out: &mut BTreeSet<String>) {
    let digits: Vec<char> = phone.digits.chars().collect();
    if let Some(last) = digits.get(digits.len().saturating_sub(3)..) {
        put_chars(out, of::LAST, last);
    }
    for length in [3, 4] {
        if length <= phone.seen
            && let Some(tail) = digits.get(digits.len().saturating_sub(length)..)
        {
            put_chars(out, of::TAIL, tail);
        }
    }
}

/// Everything that is found in its place: the digits of the phone number, then the words of the text.
pub(crate) fn placed(entry: &Entry) -> String {
    let mut out = String::new();
    if let Some(phone) = &entry.phone {
        let digits: Vec<char> = phone.digits.chars().collect();
        for part in digits.windows(4) {
            let part: Vec<char> = std::iter::once(of::DIGITS).chain(part.iter().copied()).collect();
            push_place(&mut out, &part);
        }
    }
    if !entry.text.is_empty() {
        if !out.is_empty() {
            out.push(crate::index::PARTS);
        }
        out.push_str(&places(&entry.text));
    }
    out
}

/// The words of running text in their places: pairs of wide characters, single ones that stand alone, and Latin words.
pub(crate) fn places(text: &str) -> String {
    let text = folded(text);
    let mut out = String::with_capacity(text.len() * 8);
    for run in runs(&text, false) {
        match run.class {
            Class::Latin => push_place(&mut out, &run.text),
            _ if run.text.len() == 1 => push_place(&mut out, &run.text),
            _ => run.text.windows(2).for_each(|part| push_place(&mut out, part)),
        }
    }
    out
}

fn push_place(out: &mut String, part: &[char]) {
    let before = out.len();
    if before > 0 {
        out.push(crate::index::PARTS);
    }
    out.extend(part);
    if out.len() - before > TERM_MAX {
        out.truncate(before);
    }
}
