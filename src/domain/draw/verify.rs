//! Checking a published record from itself alone: the chain, every secret, every list, every pick, and that no prize was given twice.

use super::{
    Mode,
    method::{self, Hash, METHOD, Tap, hex, sha256, unhex},
    record::{Drawn, Said, say},
};
use std::collections::{BTreeMap, BTreeSet};

/// A published record as it is downloaded.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Always `huiguan-draw-1`.
    pub format: String,
    /// Hash of the newest line, as the screen shows it.
    pub head: String,
    /// The lines in their order.
    pub lines: Vec<FileLine>,
    /// Lists by their hash: entries one behind the other, 64 digits each.
    pub lists: BTreeMap<String, String>,
}

/// A line of the file.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// Hash of the line.
    pub hash: String,
    /// Its text.
    pub body: String,
}

impl File {
    /// What the format is called.
    pub const FORMAT: &str = "huiguan-draw-1";
}

/// One turn, or one assignment, as it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Number of the turn; none for an assignment.
    pub turn: Option<u32>,
    /// The prize.
    pub prize: String,
    /// Its level.
    pub level: String,
    /// Entries of the list.
    pub count: u32,
    /// Hash of the list.
    pub list: String,
    /// Public value, seed.
    pub seed: (String, String),
    /// Taps, and what was called.
    pub taps: usize,
    /// What was called from the floor.
    pub called: String,
    /// Place, text and name of each winner.
    pub winners: Vec<(u32, String, String)>,
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Name of the draw and of its event.
    pub name: (String, String),
    /// Lines.
    pub lines: usize,
    /// Hash of the newest line.
    pub head: String,
    /// The commitment.
    pub commitment: String,
    /// Turns and assignments.
    pub turns: Vec<Checked>,
    /// Prizes that were taken back: what was taken back, why, and by whom.
    pub voids: Vec<(String, String, String)>,
    /// What is wrong; empty: everything is as it must be.
    pub problems: Vec<String>,
}

impl Report {
    /// Winners that were drawn and that were assigned.
    pub fn counts(&self) -> (usize, usize) {
        let sum = |drawn: bool| {
            self.turns.iter().filter(|of| of.turn.is_some() == drawn).map(|of| of.winners.len()).sum::<usize>()
        };
        (sum(true), sum(false))
    }
}

/// A list that waits for its winners.
struct Waiting {
    turn: u32,
    round: u64,
    prize: String,
    level: String,
    mode: Option<Mode>,
    places: Vec<u32>,
    entries: Vec<Hash>,
    list: Hash,
}

struct Check<'a> {
    file: &'a File,
    report: Report,
    /// The secret that was told last; the commitment at first.
    shown: Hash,
    turn: u32,
    waiting: Option<Waiting>,
    /// Who holds each prize.
    held: BTreeMap<(u64, u32), BTreeSet<String>>,
    line: usize,
}

/// Checks everything that a published record says.
pub fn verify(file: &File) -> Report {
    let mut check = Check {
        file,
        report: Report { lines: file.lines.len(), head: file.head.clone(), ..Report::default() },
        shown: [0; 32],
        turn: 0,
        waiting: None,
        held: BTreeMap::new(),
        line: 0,
    };
    if file.format != File::FORMAT {
        check.wrong("the file is not of the format huiguan-draw-1");
    }
    let mut previous = [0; 32];
    for (at, line) in file.lines.iter().enumerate() {
        check.line = at;
        previous = check.chain(&previous, &line.hash, &line.body);
        match say(&line.body) {
            Some((seq, _, by, said)) => {
                if usize::try_from(seq) != Ok(at) {
                    check.wrong("its number is not the next one");
                }
                check.said(at, by, said);
            }
            None => check.wrong("it cannot be read"),
        }
    }
    if file.lines.is_empty() {
        check.wrong("there is no line");
    }
    if hex(&previous) != file.head {
        check.wrong("the head is not the hash of the newest line");
    }
    check.report
}

impl Check<'_> {
    fn wrong(&mut self, what: &str) {
        if self.report.problems.len() < 100 {
            self.report.problems.push(format!("line {}: {what}", self.line));
        }
    }

    fn demand(&mut self, holds: bool, what: &str) {
        if !holds {
            self.wrong(what);
        }
    }

    fn chain(&mut self, previous: &Hash, hash: &str, body: &str) -> Hash {
        let computed = method::line_hash(previous, body);
        self.demand(hex(&computed) == hash, "its hash is not that of its text behind the line before");
        computed
    }

    fn said(&mut self, at: usize, by: String, said: Said) {
        self.demand((at == 0) == matches!(said, Said::Open { .. }), "only the first line opens the record");
        match said {
            Said::Open { method, name, event, commitment, .. } => {
                self.demand(method == METHOD, "the method is unknown");
                self.report.name = (name, event);
                let read = unhex(&commitment);
                self.demand(read.is_some(), "the commitment cannot be read");
                self.shown = read.unwrap_or_default();
                self.report.commitment = commitment;
            }
            Said::Freeze { turn, round, prize, level, mode, quantity, places, count, list } => {
                self.demand(self.waiting.is_none(), "the turn before was neither drawn nor given up");
                self.demand(turn == self.turn + 1, "the turn is not the next one");
                self.turn = turn;
                let entries = self.list(&list, count);
                let mode = Mode::parse(&mode);
                self.demand(mode.is_some_and(|mode| mode != Mode::Designated), "this mode is not drawn");
                let mut seen = BTreeSet::new();
                for place in &places {
                    let fits = *place >= 1 && (quantity == 0 || *place <= quantity) && seen.insert(*place);
                    self.demand(fits, "there is no such prize, or it stands twice");
                    self.demand(self.is_free(round, *place), "a prize is drawn that somebody holds");
                }
                self.demand(!places.is_empty(), "no prize is drawn");
                let list = unhex(&list).unwrap_or_default();
                self.waiting = Some(Waiting { turn, round, prize, level, mode, places, entries, list });
            }
            Said::Draw { turn, secret, called, taps, public, seed, winners } => {
                self.drawn(turn, &secret, called, &taps, (public, seed), winners);
            }
            Said::Cancel { turn, secret, .. } => {
                self.tell(turn, &secret);
                self.waiting = None;
            }
            Said::Assign { round, prize, level, winners } => {
                self.demand(self.waiting.is_none(), "something is assigned while a list waits for its winners");
                for winner in &winners {
                    self.demand(self.is_free(round, winner.place), "a prize is assigned that somebody holds");
                    self.held.entry((round, winner.place)).or_default().insert(winner.text.clone());
                }
                let winners = winners.into_iter().map(|of| (of.place, of.text, of.name)).collect();
                self.report.turns.push(Checked {
                    turn: None,
                    prize,
                    level,
                    count: 0,
                    list: String::new(),
                    seed: Default::default(),
                    taps: 0,
                    called: String::new(),
                    winners,
                });
            }
            Said::Void { round, place, text, reason, .. } => {
                let gone = self.held.get_mut(&(round, place)).is_some_and(|holders| holders.remove(&text));
                self.demand(gone, "a prize is taken back that was not held so");
                self.report.voids.push((text, reason, by));
            }
        }
    }

    fn is_free(&self, round: u64, place: u32) -> bool {
        self.held.get(&(round, place)).is_none_or(BTreeSet::is_empty)
    }

    /// The entries of a list, which must be as many as said, ascending, and have that hash.
    fn list(&mut self, list: &str, count: u32) -> Vec<Hash> {
        let Some(text) = self.file.lists.get(list) else {
            self.wrong("its list is not in the file");
            return Vec::new();
        };
        let digits: Option<Vec<Hash>> =
            text.as_bytes().chunks(64).map(|part| std::str::from_utf8(part).ok().and_then(unhex)).collect();
        let entries = digits.unwrap_or_default();
        self.demand(u32::try_from(entries.len()) == Ok(count) && count > 0, "the list has another number of entries");
        self.demand(entries.is_sorted_by(|a, b| a < b), "the list is not in ascending order");
        self.demand(hex(&method::list_hash(&entries)) == list, "the list has another hash");
        entries
    }

    /// A turn's secret must be what the one before was the hash of.
    fn tell(&mut self, turn: u32, secret: &str) -> Hash {
        let waits = self.waiting.as_ref().is_some_and(|waiting| waiting.turn == turn);
        self.demand(waits, "no list waits for this turn");
        let read = unhex(secret).unwrap_or_default();
        self.demand(sha256(&[&read]) == self.shown, "the secret is not the one that was committed to");
        self.shown = read;
        read
    }

    fn drawn(
        &mut self,
        turn: u32,
        secret: &str,
        called: String,
        taps: &[(String, String)],
        (public, seed): (String, String),
        winners: Vec<Drawn>,
    ) {
        let secret = self.tell(turn, secret);
        let read: Option<Vec<Tap>> =
            taps.iter().map(|(number, value)| Some(Tap { number: number.clone(), value: unhex(value)? })).collect();
        self.demand(read.is_some(), "a tap cannot be read");
        let taps = read.unwrap_or_default();
        self.demand(!taps.is_empty() || !called.is_empty(), "there is no public value");
        let value = method::public_value(&called, &taps);
        self.demand(hex(&value) == public, "the public value is another one");
        let Some(waiting) = self.waiting.take() else { return };
        let computed = method::seed(&secret, &value, &waiting.list, turn);
        self.demand(hex(&computed) == seed, "the seed is another one");
        let narrow = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let picked = method::pick(&computed, narrow(waiting.entries.len()), narrow(waiting.places.len()));
        self.demand(picked.len() == winners.len(), "there are more or fewer winners than prizes drawn");
        for ((winner, index), place) in winners.iter().zip(&picked).zip(&waiting.places) {
            self.demand(winner.index == *index && winner.place == *place, "a winner is not the one that was picked");
            let at = usize::try_from(winner.index).ok().and_then(|at| waiting.entries.get(at));
            let fits = unhex(&winner.salt).is_some_and(|salt| Some(&method::entry(&salt, &winner.text)) == at);
            self.demand(fits, "a winner's salt and text are not the entry of the list");
            let mut parts = winner.text.split(',').map(str::to_owned);
            let holders: BTreeSet<String> = match waiting.mode {
                Some(Mode::TablePeople) => parts.skip(1).collect(),
                Some(Mode::Table) => parts.next().into_iter().collect(),
                _ => BTreeSet::from([winner.text.clone()]),
            };
            self.held.insert((waiting.round, winner.place), holders);
        }
        self.report.turns.push(Checked {
            turn: Some(turn),
            prize: waiting.prize,
            level: waiting.level,
            count: narrow(waiting.entries.len()),
            list: hex(&waiting.list),
            seed: (public, seed),
            taps: taps.len(),
            called,
            winners: winners.into_iter().map(|of| (of.place, of.text, of.name)).collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;
    use crate::draw::{Assigned, body};

    /// A record with a turn drawn, one of its winners taken back, the prize drawn again, a turn given up and an assignment.
    fn sample() -> File {
        let root = [3; 32];
        let salt = |n: u32| [n as u8; 16];
        let mut people: Vec<(Hash, u32)> =
            (0..40).map(|n| (method::entry(&salt(n), &(100_000 + n).to_string()), n)).collect();
        people.sort_unstable();
        let entries: Vec<Hash> = people.iter().map(|of| of.0).collect();
        let list = method::list_hash(&entries);
        let mut lines: Vec<Said> = vec![Said::Open {
            method: 1,
            draw: 1,
            name: "抽奖".into(),
            event: "年会".into(),
            commitment: hex(&method::secret(&root, 0).unwrap()),
        }];
        let freeze = |turn, places: Vec<u32>| Said::Freeze {
            turn,
            round: 1,
            prize: "手机".into(),
            level: "一等奖".into(),
            mode: "people".into(),
            quantity: 3,
            places,
            count: 40,
            list: hex(&list),
        };
        let drawn = |turn, places: Vec<u32>, called: &str| {
            let secret = method::secret(&root, turn).unwrap();
            let taps = vec![Tap { number: "100001".into(), value: [8; 8] }];
            let public = method::public_value(called, &taps);
            let seed = method::seed(&secret, &public, &list, turn);
            let winners = method::pick(&seed, 40, places.len() as u32)
                .into_iter()
                .zip(places)
                .map(|(index, place)| {
                    let n = people[index as usize].1;
                    Drawn { place, index, salt: hex(&salt(n)), text: (100_000 + n).to_string(), name: "王**".into() }
                })
                .collect();
            let taps = vec![("100001".to_owned(), hex(&[8; 8]))];
            let (public, seed) = (hex(&public), hex(&seed));
            Said::Draw { turn, secret: hex(&secret), called: called.into(), taps, public, seed, winners }
        };
        lines.push(freeze(1, vec![1, 2]));
        let first = drawn(1, vec![1, 2], "4711");
        let Said::Draw { winners, .. } = &first else { unreachable!() };
        let gone = winners[1].text.clone();
        lines.push(first.clone());
        lines.push(Said::Void { round: 1, place: 2, turn: 1, text: gone, reason: "不在场".into() });
        lines.push(freeze(2, vec![2]));
        lines.push(Said::Cancel { turn: 2, secret: hex(&method::secret(&root, 2).unwrap()), reason: "误按".into() });
        lines.push(freeze(3, vec![2]));
        lines.push(drawn(3, vec![2], ""));
        let assigned = Assigned { place: 1, text: "100007".into(), name: "李*".into() };
        lines.push(Said::Assign { round: 2, prize: "感谢奖".into(), level: String::new(), winners: vec![assigned] });
        let mut file = File {
            format: File::FORMAT.into(),
            head: String::new(),
            lines: Vec::new(),
            lists: BTreeMap::from([(hex(&list), entries.iter().map(|entry| hex(entry)).collect())]),
        };
        rehash(&mut file, lines.iter().enumerate().map(|(at, said)| body(at as u32, Time(5), "甲", said).unwrap()));
        file
    }

    /// Chains the bodies, as somebody would who forges a record.
    fn rehash(file: &mut File, bodies: impl Iterator<Item = String>) {
        let mut previous = [0; 32];
        file.lines = bodies
            .map(|body| {
                previous = method::line_hash(&previous, &body);
                FileLine { hash: hex(&previous), body }
            })
            .collect();
        file.head = hex(&previous);
    }

    #[test]
    fn a_true_record_is_sound() {
        let report = verify(&sample());
        assert_eq!(report.problems, Vec::<String>::new());
        assert_eq!((report.counts(), report.voids.len(), report.lines), ((3, 1), 1, 9));
    }

    /// Every byte of every line, and every forgery that keeps the chain whole.
    #[test]
    fn nothing_can_be_changed_unseen() {
        let file = sample();
        for line in 0..file.lines.len() {
            let mut bent = file.clone();
            bent.lines[line].body = bent.lines[line].body.replacen("\"at\":5", "\"at\":6", 1);
            assert!(!verify(&bent).problems.is_empty(), "line {line}");
            let mut short = file.clone();
            short.lines.remove(line);
            assert!(!verify(&short).problems.is_empty(), "without line {line}");
        }
        let forge = |from: &str, to: &str| {
            let mut forged = file.clone();
            let bodies: Vec<String> = file.lines.iter().map(|line| line.body.replace(from, to)).collect();
            assert!(bodies.iter().zip(&file.lines).any(|(body, line)| *body != line.body), "{from} is there");
            rehash(&mut forged, bodies.into_iter());
            verify(&forged).problems
        };
        let report = verify(&file);
        let winner = &report.turns[0].winners[0].1;
        for (what, problems) in [
            ("another winner", forge(&format!("\"text\":\"{winner}\",\"name\""), "\"text\":\"100039\",\"name\"")),
            ("another public value", forge("\"called\":\"4711\"", "\"called\":\"4712\"")),
            ("another tap", forge("0808080808080808", "0808080808080809")),
            ("an assignment over a drawn prize", forge("\"round\":2", "\"round\":1")),
            ("a drawn prize said to be assigned", forge("\"mode\":\"people\"", "\"mode\":\"designated\"")),
            ("more prizes than there are", forge("\"quantity\":3", "\"quantity\":1")),
            (
                "a void of somebody else",
                forge("\"act\":\"void\",\"round\":1,\"place\":2", "\"act\":\"void\",\"round\":1,\"place\":1"),
            ),
            ("a turn skipped", forge("\"turn\":3", "\"turn\":4")),
            ("fewer entries", forge("\"count\":40", "\"count\":39")),
        ] {
            assert!(!problems.is_empty(), "{what}");
        }
        let mut other = file.clone();
        for list in other.lists.values_mut() {
            let last = list.split_off(list.len() - 64);
            *list = format!("{last}{list}");
        }
        assert!(!verify(&other).problems.is_empty(), "another order of the list");
        let without = File { lists: BTreeMap::new(), ..file.clone() };
        assert!(!verify(&without).problems.is_empty(), "without its list");
        let other_root = File { format: "x".into(), ..file };
        assert!(!verify(&other_root).problems.is_empty());
    }
}
