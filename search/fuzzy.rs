//! Words that are one edit away (a letter more, less, another or two exchanged): the bit-parallel automaton of Wu and Manber (1992) for one error.

use crate::steps::Steps;
use tantivy_fst::Automaton;

/// Longest word in bytes.
const LENGTH_MAX: usize = 40;

/// Takes keys of one class of terms whose rest is within one edit of the word.
pub struct OneEdit {
    class: u8,
    word: Vec<u8>,
    masks: Box<[u64; 256]>,
    steps: Steps,
}

/// Where in the word one may be, without and with the edit used up.
#[derive(Debug, Clone, Copy)]
pub struct State {
    begun: bool,
    dead: bool,
    plain: u64,
    edited: u64,
    /// `plain` before the last letter, and that letter: two exchanged letters are one edit.
    before: u64,
    last: u8,
}

impl OneEdit {
    /// For a word of plain letters; none when it is too short to tell an edit from another word, or too long.
    pub fn new(class: u8, word: &str, steps: &Steps) -> Option<Self> {
        if !(4..=LENGTH_MAX).contains(&word.len()) || !word.is_ascii() {
            return None;
        }
        let mut masks = Box::new([0u64; 256]);
        for (at, byte) in word.bytes().enumerate() {
            if let Some(mask) = masks.get_mut(usize::from(byte)) {
                *mask |= 1 << at;
            }
        }
        Some(Self { class, word: word.as_bytes().to_vec(), masks, steps: steps.clone() })
    }

    fn mask(&self, byte: u8) -> u64 {
        self.masks.get(usize::from(byte)).copied().unwrap_or(0)
    }
}

impl Automaton for OneEdit {
    type State = State;

    fn start(&self) -> State {
        State { begun: false, dead: false, plain: 1, edited: 0b11, before: 0, last: 0 }
    }

    fn is_match(&self, state: &State) -> bool {
        state.begun && !state.dead && (state.plain | state.edited) >> self.word.len() & 1 == 1
    }

    fn can_match(&self, state: &State) -> bool {
        !state.dead && (state.plain | state.edited) != 0
    }

    fn accept(&self, state: &State, byte: u8) -> State {
        if !state.begun {
            return State { begun: true, dead: byte != self.class, ..*state };
        }
        // Without steps nothing more is looked at.
        if !self.steps.take(1) {
            return State { dead: true, ..*state };
        }
        let mask = self.mask(byte);
        let plain = (state.plain & mask) << 1;
        // The letter is right, another, one too many, or one was left out; or it belongs in front of the last one.
        let edited = ((state.edited & mask) << 1) | (state.plain << 1) | state.plain | (plain << 1);
        let exchanged = (state.before & mask & (self.mask(state.last) >> 1)) << 2;
        State { begun: true, dead: false, plain, edited: edited | exchanged, before: state.plain, last: byte }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn takes(word: &str, other: &str) -> bool {
        let automaton = OneEdit::new(b'w', word, &Steps::new(1_000)).unwrap();
        let start = automaton.accept(&automaton.start(), b'w');
        let end = other.bytes().fold(start, |state, byte| automaton.accept(&state, byte));
        automaton.is_match(&end)
    }

    /// Damerau's distance of at most one, by the book.
    fn near(a: &[u8], b: &[u8]) -> bool {
        if a == b {
            return true;
        }
        let without = |of: &[u8], at: usize| [&of[..at], &of[at + 1..]].concat();
        let shorter = (0..a.len()).any(|at| without(a, at) == b);
        let longer = (0..b.len()).any(|at| without(b, at) == a);
        let same = a.len() == b.len();
        let other = same && a.iter().zip(b).filter(|(x, y)| x != y).count() == 1;
        let exchanged = same
            && (0..a.len().saturating_sub(1)).any(|at| {
                let mut turned = a.to_vec();
                turned.swap(at, at + 1);
                turned == b
            });
        shorter || longer || other || exchanged
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4_000, ..ProptestConfig::default() })]
        #[test]
        fn one_edit_is_taken_and_two_are_not(word in "[abc]{4,7}", other in "[abc]{0,8}") {
            prop_assert_eq!(takes(&word, &other), near(word.as_bytes(), other.as_bytes()), "{} {}", word, other);
        }
    }

    #[test]
    fn only_its_own_class_of_terms_is_taken() {
        let automaton = OneEdit::new(b'w', "smith", &Steps::new(9)).unwrap();
        assert!(!automaton.can_match(&automaton.accept(&automaton.start(), b'x')));
        assert!(
            OneEdit::new(b'w', "li", &Steps::new(9)).is_none()
                && OneEdit::new(b'w', "司马司马", &Steps::new(9)).is_none()
        );
    }
}
