//! From the words of a query to what is looked up: for each word the ways in which it may be meant, and how well each fits.

use crate::{
    entry::{of, places},
    index::PARTS,
    normal::{Class, Run, bare, class, folded, runs},
    pinyin::{self, Unit},
    words::cut,
};
use domain::query::{Query, Within, Word};
use std::collections::{BTreeSet, HashSet};

/// Something to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// A term.
    Term(String),
    /// Terms that begin with this.
    Prefix(String),
    /// Words of running text, or digits, that begin with this.
    PlacedPrefix(String),
    /// Terms of a class within one edit of a word.
    Near(char, String),
    /// Whatever all of them find.
    All(Vec<Node>),
    /// Whatever any of them finds.
    Any(Vec<Node>),
    /// Words of running text side by side.
    Phrase(Vec<String>),
}

/// A way in which a word may be meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    /// How well it fits.
    pub score: f32,
    /// Only where the asker may see what is masked for others.
    pub guarded: bool,
    /// What is looked up.
    pub node: Node,
}

/// A word that must be found, or must not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Want {
    /// In which ways.
    pub ways: Vec<Way>,
    /// It must not be found.
    pub without: bool,
}

/// From here on a way is so good that it is looked up first while somebody types.
pub(crate) const STRONG: f32 = 28.0;

/// Makes the keyed hash of what is kept secret, such as the end of an identity card.
pub type Secret<'a> = dyn Fn(&str) -> String + 'a;

/// What is looked up for a query, as far as it fits at least so well. Words that must not be there are looked up in all ways.
pub(crate) fn plan(query: &Query, secret: &Secret<'_>, least: f32) -> Vec<Want> {
    let mut wants: Vec<Want> =
        words(query).map(|word| want(word, secret, if word.without { 0.0 } else { least })).collect();
    // What says least is looked at last.
    wants.sort_by_key(|want| want.without);
    wants
}

/// The words but for the country code in front of a number that is typed with blanks, each once.
fn words(query: &Query) -> impl Iterator<Item = &Word> {
    let several = query.words.len() > 1;
    let all = query.words.iter().enumerate();
    let first = all.filter(|(at, word)| !query.words.iter().take(*at).any(|before| before == *word));
    first.map(|(_, word)| word).filter(move |word| !(several && matches!(word.text.as_str(), "+86" | "0086")))
}

/// The same with one letter wrong; nothing when no word is one to be mistyped.
pub(crate) fn plan_near(query: &Query, secret: &Secret<'_>) -> Option<Vec<Want>> {
    let mut any = false;
    let wants = words(query)
        .map(|word| {
            let mut want = want(word, secret, 0.0);
            let text = folded(&word.text);
            let free = !word.quoted
                && !word.without
                && matches!(word.within, Within::Anything | Within::Name | Within::Company);
            if free && text.len() >= 4 && text.iter().all(char::is_ascii_alphabetic) {
                any = true;
                let text: String = text.into_iter().collect();
                let near = |score, kind| Way { score, guarded: false, node: Node::Near(kind, text.clone()) };
                want.ways.extend([near(6.0, of::WORD), near(5.0, of::SPOKEN)]);
            }
            want
        })
        .collect();
    any.then_some(wants)
}

/// Ways being gathered; those that fit less well than wanted are not even made.
struct Ways {
    all: Vec<Way>,
    least: f32,
}

impl Ways {
    fn open(&mut self, score: f32, node: impl FnOnce() -> Node) {
        self.put(score, false, node);
    }

    fn guarded(&mut self, score: f32, node: impl FnOnce() -> Node) {
        self.put(score, true, node);
    }

    fn put(&mut self, score: f32, guarded: bool, node: impl FnOnce() -> Node) {
        if score >= self.least {
            self.all.push(Way { score, guarded, node: node() });
        }
    }
}

fn term(kind: char, text: &str) -> Node {
    Node::Term(format!("{kind}{text}"))
}

/// Pairs of characters side by side, each once: what is typed again and again finds no less for it.
fn grams(kind: char, text: &[char]) -> Node {
    let join = |part: &[char]| term(kind, &part.iter().collect::<String>());
    if text.len() < 3 {
        return join(text);
    }
    let (mut seen, mut all) = (HashSet::new(), Vec::new());
    for part in text.windows(2) {
        if seen.insert(part) {
            all.push(join(part));
        }
    }
    Node::All(all)
}

fn want(word: &Word, secret: &Secret<'_>, least: f32) -> Want {
    let text = folded(&word.text);
    let mut ways = Ways { all: Vec::with_capacity(8), least };
    match word.within {
        Within::Name => name(&text, word.quoted, &mut ways),
        Within::Phone => phone(&digits(&text).unwrap_or_default(), &mut ways),
        Within::Company => company(&text, &mut ways),
        Within::Group => group(&text, &mut ways),
        Within::Anything | Within::Event | Within::Type | Within::Region => {
            if let Some(digits) = digits(&text) {
                phone(&digits, &mut ways);
                numbers(&digits, secret, &mut ways);
            } else if text.len() == 4 && text.iter().all(char::is_ascii_alphanumeric) {
                numbers(&text.iter().collect::<String>(), secret, &mut ways);
            }
            name(&text, word.quoted, &mut ways);
            // Latin words and numbers of companies are the same terms as those of names.
            if text.iter().any(|c| class(*c) == Class::Wide) {
                company(&text, &mut ways);
            }
            prose(&text, &mut ways);
        }
    }
    Want { ways: ways.all, without: word.without }
}

/// The digits of what is digits with blanks and signs as numbers are written with; none for anything else.
fn digits(text: &[char]) -> Option<String> {
    let mut out = String::new();
    for c in text {
        match c {
            '0'..='9' => out.push(*c),
            ' ' | '-' | '+' | '(' | ')' | '*' => {}
            _ => return None,
        }
    }
    (!out.is_empty()).then_some(out)
}

fn phone(digits: &str, ways: &mut Ways) {
    let bare =
        digits.strip_prefix("0086").or(digits.strip_prefix("86").filter(|rest| rest.len() == 11)).unwrap_or(digits);
    let chars: Vec<char> = bare.chars().collect();
    let tail: String = chars.get(chars.len().saturating_sub(4)..).unwrap_or_default().iter().collect();
    match chars.len() {
        0..=2 => {}
        3 => {
            ways.open(30.0, || term(of::TAIL, bare));
            ways.guarded(29.0, || term(of::LAST, bare));
            ways.guarded(15.0, || Node::PlacedPrefix(format!("{}{bare}", of::DIGITS)));
        }
        4 => {
            ways.open(30.0, || term(of::TAIL, bare));
            ways.guarded(15.0, || Node::Phrase(vec![format!("{}{bare}", of::DIGITS)]));
        }
        5..=20 => {
            let part = |part: &[char]| std::iter::once(of::DIGITS).chain(part.iter().copied()).collect::<String>();
            let whole = || Node::Phrase(chars.windows(4).map(part).collect());
            ways.guarded(31.0, || Node::All(vec![term(of::TAIL, &tail), whole()]));
            ways.guarded(15.0, whole);
        }
        _ => {}
    }
}

fn numbers(text: &str, secret: &Secret<'_>, ways: &mut Ways) {
    if text.len() >= 4 {
        ways.open(60.0, || term(of::NUMBER, text));
    }
    if (6..20).contains(&text.len()) {
        ways.open(20.0, || Node::Prefix(format!("{}{text}", of::NUMBER)));
    }
    // The end of an identity card: three digits and a digit or x.
    let end = text.len() == 4 && text.bytes().take(3).all(|b| b.is_ascii_digit());
    if end && text.ends_with(|c: char| c.is_ascii_digit() || c == 'x') {
        ways.guarded(35.0, || term(of::SECRET, &secret(text)));
    }
}

fn name(text: &[char], quoted: bool, ways: &mut Ways) {
    let whole = bare(text);
    if whole.is_empty() {
        return;
    }
    ways.open(100.0, || term(of::NAME, &whole));
    let runs = runs(text, true);
    match runs.as_slice() {
        [] => {}
        [run] if run.class == Class::Latin => latin(run, quoted, ways),
        [run] => {
            let head = run.text.get(..run.text.len().min(2)).unwrap_or_default();
            ways.open(40.0, || {
                let begins = term(of::BEGINS, &head.iter().collect::<String>());
                if run.text.len() > 2 { Node::All(vec![begins, grams(of::GRAM, &run.text)]) } else { begins }
            });
            ways.open(25.0, || grams(of::GRAM, &run.text));
        }
        runs => several(runs, quoted, ways),
    }
    if ways.least <= 5.0
        && let Some(words) = cut_of(text, quoted)
    {
        let either = |word: &Vec<char>| Node::Any(vec![grams(of::GRAM, word), grams(of::PAIR, word)]);
        ways.open(5.0, || Node::All(words.iter().map(either).collect()));
    }
}

/// Words of a stretch that is more than one word, for finding them in any order.
fn cut_of(text: &[char], quoted: bool) -> Option<Vec<Vec<char>>> {
    let runs = runs(text, true);
    let [run] = runs.as_slice() else { return None };
    if quoted || run.class != Class::Wide || run.text.len() < 4 {
        return None;
    }
    let words: BTreeSet<String> = cut(&run.text.iter().collect::<String>())?.into_iter().collect();
    Some(words.iter().map(|word| word.chars().collect::<Vec<_>>()).filter(|word| word.len() > 1).collect())
}

/// A word in several scripts, such as 张sf or A座: mixed pinyin, or all of the parts.
fn several(runs: &[Run], quoted: bool, ways: &mut Ways) {
    let part = |run: &Run| match run.class {
        Class::Latin => {
            let text: String = run.text.iter().collect();
            Node::Any(vec![term(of::WORD, &text), Node::Prefix(format!("{}{text}", of::WORD))])
        }
        _ => grams(of::GRAM, &run.text),
    };
    ways.open(20.0, || Node::All(runs.iter().map(part).collect()));
    if !quoted && runs.iter().map(|run| run.text.len()).sum::<usize>() <= 24 {
        let mut mixed: Vec<Vec<Unit>> = vec![Vec::new()];
        for run in runs {
            let ends = match run.class {
                Class::Latin => pinyin::split(&run.text.iter().collect::<String>()),
                _ => vec![run.text.iter().map(|c| Unit::Char(*c)).collect()],
            };
            mixed =
                mixed.iter().flat_map(|head| ends.iter().map(|end| [head.as_slice(), end].concat())).take(12).collect();
        }
        for units in mixed.iter().filter(|units| !units.is_empty()) {
            ways.open(32.0, || spoken_first(units));
            ways.open(26.0, || spoken(units));
        }
    }
}

fn latin(run: &Run, quoted: bool, ways: &mut Ways) {
    let text: String = run.text.iter().collect();
    ways.open(50.0, || term(of::WORD, &text));
    if quoted {
        return;
    }
    if text.len() > 1 {
        ways.open(20.0, || Node::Prefix(format!("{}{text}", of::WORD)));
    }
    let split = pinyin::split(&text.replace('ü', "v"));
    if split.is_empty() {
        return;
    }
    ways.open(60.0, || term(of::SPOKEN, &text));
    if text.len() > 1 {
        ways.open(45.0, || term(of::ALL_INITIALS, &text));
    }
    for units in split {
        let heads = units.iter().filter(|unit| matches!(unit, Unit::Head(_))).count();
        let fits = (30.0 - 4.0 * heads as f32).max(9.0);
        ways.open(fits + FROM_THE_START, || spoken_first(&units));
        ways.open(fits, || spoken(&units));
    }
}

/// How much better a name fits that begins with what was typed.
const FROM_THE_START: f32 = 6.0;

/// Names that begin with these.
fn spoken_first(units: &[Unit]) -> Node {
    let begins = match units.first() {
        Some(Unit::Char(c)) => term(of::BEGINS, &c.to_string()),
        Some(Unit::Syllable(syllable)) => term(of::FIRST, syllable),
        Some(Unit::Head(head)) if head.len() > 1 => {
            Node::Any(pinyin::beginning(head).map(|syllable| term(of::FIRST, syllable)).collect())
        }
        Some(Unit::Head(head)) => term(of::INITIAL, head),
        None => return Node::Any(Vec::new()),
    };
    Node::All(vec![begins, spoken(units)])
}

/// Names in which these stand side by side.
fn spoken(units: &[Unit]) -> Node {
    let initials: Vec<Vec<char>> = units.iter().map(initials).collect();
    let mut nodes = Vec::new();
    for unit in units {
        match unit {
            Unit::Char(c) => nodes.push(term(of::GRAM, &c.to_string())),
            Unit::Syllable(syllable) => nodes.push(term(of::SYLLABLE, syllable)),
            Unit::Head(head) if head.len() > 1 => {
                nodes.push(Node::Any(pinyin::beginning(head).map(|s| term(of::SYLLABLE, s)).collect()));
            }
            Unit::Head(head) if units.len() == 1 => nodes.push(term(of::INITIAL, head)),
            Unit::Head(_) => {}
        }
    }
    for pair in initials.windows(2) {
        let [first, second] = pair else { continue };
        let both = first.iter().flat_map(|a| second.iter().map(move |b| term(of::INITIALS, &format!("{a}{b}"))));
        nodes.push(Node::Any(both.collect()));
    }
    Node::All(nodes)
}

fn initials(unit: &Unit) -> Vec<char> {
    match unit {
        Unit::Syllable(text) | Unit::Head(text) => text.chars().next().into_iter().collect(),
        Unit::Char(c) => {
            let mut all: Vec<char> =
                pinyin::readings(&[*c]).into_iter().flatten().filter_map(|spoken| spoken.chars().next()).collect();
            all.sort_unstable();
            all.dedup();
            all
        }
    }
}

fn company(text: &[char], ways: &mut Ways) {
    let whole = bare(text);
    if whole.is_empty() {
        return;
    }
    ways.open(70.0, || term(of::COMPANY, &whole));
    let runs = runs(text, true);
    let part = |run: &Run| match run.class {
        Class::Latin => {
            let text: String = run.text.iter().collect();
            Node::Any(vec![term(of::WORD, &text), Node::Prefix(format!("{}{text}", of::WORD))])
        }
        _ => grams(of::PAIR, &run.text),
    };
    if let [run] = runs.as_slice()
        && run.class == Class::Wide
        && run.text.len() > 1
    {
        ways.open(14.0, || term(of::TERM, &whole));
    }
    if runs.len() > 1 || runs.iter().any(|run| run.class == Class::Wide) {
        ways.open(10.0, || Node::All(runs.iter().map(part).collect()));
    } else {
        for run in &runs {
            ways.open(12.0, || part(run));
        }
    }
}

fn group(text: &[char], ways: &mut Ways) {
    let nodes: Vec<Node> = runs(text, true).iter().map(|run| grams(of::GROUP, &run.text)).collect();
    if !nodes.is_empty() {
        ways.open(10.0, || Node::All(nodes));
    }
}

fn prose(text: &[char], ways: &mut Ways) {
    if ways.least > 4.0 {
        return;
    }
    let whole: String = text.iter().collect();
    let words: Vec<String> = places(&whole).split(PARTS).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let single = text.iter().filter(|c| class(**c) != Class::Other).count() < 2;
    if words.is_empty() || single {
        return;
    }
    ways.open(4.0, || term(of::PROSE, &bare(text)));
    ways.open(3.0, || Node::Phrase(words));
    if let Some(words) = cut_of(text, false) {
        let phrase = |word: &Vec<char>| {
            let word: String = word.iter().collect();
            Node::Phrase(places(&word).split(PARTS).map(str::to_owned).collect())
        };
        ways.open(1.0, || Node::All(words.iter().map(phrase).collect()));
    }
}
