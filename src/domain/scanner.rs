//! What scanners send, put together into codes: keys of those that type like a keyboard, characters of serial ones.

/// Longest code in bytes; what is longer is noise.
pub const CODE_MAX: usize = 200;
/// Fewest characters of a code that ends without a line end.
pub const CODE_MIN: usize = 6;

/// What a scanner sent of a code so far.
#[derive(Debug, Default)]
pub struct Typed {
    text: String,
    shift: bool,
}

/// Characters of the keys of a US keyboard, plain and with shift, by their number in Linux's `input-event-codes.h`. Scanners that type
/// are keyboards of this layout unless somebody configured another; digits are in the same places on all of them.
const KEYS: &[(u16, &str, &str)] = &[
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (55, "*", "*"),
    (57, " ", " "),
    (71, "789-456+1230.", "789-456+1230."),
    (98, "/", "/"),
];
const TAB: u16 = 15;
const ENTER: u16 = 28;
const KEYPAD_ENTER: u16 = 96;
const SHIFTS: [u16; 2] = [42, 54];

impl Typed {
    /// A key that went down (1), was repeated (2) or went up (0); the code, when the key ends one.
    pub fn key(&mut self, key: u16, value: i32) -> Option<String> {
        if SHIFTS.contains(&key) {
            self.shift = value != 0;
            return None;
        }
        if value != 1 {
            return None;
        }
        if matches!(key, TAB | ENTER | KEYPAD_ENTER) {
            return self.char('\n');
        }
        let (first, plain, shifted) = KEYS.iter().rev().find(|(first, ..)| *first <= key)?;
        let row = if self.shift { shifted } else { plain };
        let char = row.chars().nth(usize::from(key - first))?;
        self.char(char)
    }

    /// One character; the code, when it ends one.
    pub fn char(&mut self, char: char) -> Option<String> {
        if matches!(char, '\r' | '\n' | '\t') {
            return self.ended(1);
        }
        if !char.is_control() && self.text.len() < CODE_MAX {
            self.text.push(char);
        }
        None
    }

    /// What stands there, when it has at least so many characters; what is shorter waits for the rest.
    pub fn ended(&mut self, least: usize) -> Option<String> {
        (self.text.trim().len() >= least).then(|| std::mem::take(&mut self.text).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[(u16, i32)]) -> Vec<String> {
        let mut typed = Typed::default();
        keys.iter().filter_map(|(key, value)| typed.key(*key, *value)).collect()
    }

    #[test]
    fn keys_become_characters_and_line_ends_codes() {
        let press = |keys: &[u16]| keys.iter().flat_map(|key| [(*key, 1), (*key, 0)]).collect::<Vec<_>>();
        assert_eq!(typed(&press(&[2, 3, 11, ENTER])), ["120"]);
        assert_eq!(typed(&press(&[79, 82, 75, TAB, 10, KEYPAD_ENTER])), ["104", "9"], "the keypad, and two codes");
        let shifted = [(42, 1), (35, 1), (35, 0), (42, 0), (20, 1), (20, 2), (53, 1), (28, 1)];
        assert_eq!(typed(&shifted), ["Ht/"], "shift counts while it is down, repeats do not");
        assert_eq!(typed(&press(&[ENTER, 1, 200, 2, ENTER])), ["1"], "an empty line and unknown keys are nothing");
    }

    #[test]
    fn noise_has_an_end_and_a_code_without_a_line_end_is_whole_after_a_pause() {
        let mut typed = Typed::default();
        (0..1_000).for_each(|_| assert!(typed.char('7').is_none()));
        assert_eq!(typed.ended(CODE_MIN).unwrap().len(), CODE_MAX);
        "12345".chars().for_each(|char| drop(typed.char(char)));
        assert!(typed.ended(CODE_MIN).is_none(), "the rest is still to come");
        typed.char('6');
        assert_eq!(typed.ended(CODE_MIN).as_deref(), Some("123456"));
    }
}
