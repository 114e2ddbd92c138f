//! What a password must be: long, and not one of those that are tried first. There is no list of stolen passwords on the box; instead a password is
//! taken apart into what such lists are made of (common words, names, rows of keys, dates, repeats), and what is left must be worth enough guesses.
//! The idea is that of zxcvbn (Wheeler, USENIX Security 2016). NIST SP 800-63B asks for length and against what is common, not for classes of characters.

use crate::{Problem, problem};

/// Fewest characters of a password.
pub const PASSWORD_MIN: usize = 10;
/// Most characters of a password; longer input is refused before it is hashed.
pub const PASSWORD_MAX: usize = 128;

/// Why a password is easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Made of words that everybody tries first.
    Common,
    /// Made of the names around it.
    Own,
    /// A row of keys, letters or digits.
    Row,
    /// Made of years and dates.
    Date,
    /// The same again and again.
    Repeat,
    /// Digits and little else.
    Digits,
}

impl Weakness {
    fn problem(self) -> Problem {
        match self {
            Self::Common => problem!(
                "password",
                "This password is made of words that are tried first, whatever digits and signs stand around them. Take a short sentence."
            ),
            Self::Own => problem!(
                "password",
                "This password is little more than a name that everybody knows here: yours, your login's, the association's. Take a short sentence."
            ),
            Self::Row => problem!(
                "password",
                "This password is a row of neighbouring keys, letters or digits. Take a short sentence."
            ),
            Self::Date => problem!("password", "This password is little more than a date. Take a short sentence."),
            Self::Repeat => {
                problem!("password", "This password repeats the same again and again. Take a short sentence.")
            }
            Self::Digits => problem!("password", "Digits alone are guessed quickly. Take a short sentence."),
        }
    }
}

/// Checks a new password; `own`: login, names and how they are spoken, which must not be most of it.
pub fn check_password(password: &str, own: &[&str], problems: &mut Vec<Problem>) {
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        problems.push(problem!("password", "At least {min} characters; a short sentence is good.", min = PASSWORD_MIN));
    } else if length > PASSWORD_MAX {
        problems.push(problem!("password", "At most {max} characters.", max = PASSWORD_MAX));
    } else if let Some(weakness) = weakness(password, own) {
        problems.push(weakness.problem());
    }
}

/// Fewest guesses that a password must be worth, as a power of ten in hundredths.
const ENOUGH: u32 = 700;
/// What one character is worth that belongs to nothing known.
const FREE: u32 = 100;
/// What a Chinese or other character beyond the keyboard is worth.
const FREE_WIDE: u32 = 250;
/// What a single digit is worth.
const FREE_DIGIT: u32 = 60;
/// What a sign is worth between or behind words: few people take anything but these.
const SIGN: u32 = 70;
/// What a word of the list is worth.
const WORD: u32 = 220;
/// What a name of the place is worth.
const NAME: u32 = 100;
/// What a row of keys is worth.
const ROW: u32 = 170;
/// What a year is worth.
const YEAR: u32 = 180;
/// What a whole date is worth.
const DATE: u32 = 300;
/// What saying the same again is worth.
const AGAIN: u32 = 60;
/// What letters in place of signs and digits, or capitals, add to a word.
const DISGUISE: u32 = 40;

/// Why a password is easy to guess; none when it is not.
pub fn weakness(password: &str, own: &[&str]) -> Option<Weakness> {
    let typed: Vec<char> = password.chars().map(crate::text::half_width).collect();
    let own: Vec<Vec<char>> = own.iter().flat_map(|name| names(name)).collect();
    let (worth, why) = guesses(&typed, &own);
    (worth < ENOUGH).then_some(why)
}

/// A name as a whole and its parts, in lower case; parts of fewer than three letters are nobody's.
fn names(name: &str) -> Vec<Vec<char>> {
    let lower: Vec<char> = name.chars().map(crate::text::half_width).flat_map(char::to_lowercase).collect();
    let whole: Vec<char> = lower.iter().copied().filter(|c| c.is_alphanumeric()).collect();
    let mut parts: Vec<Vec<char>> =
        lower.split(|c| !c.is_alphanumeric()).filter(|part| part.len() >= 3).map(<[char]>::to_vec).collect();
    if whole.len() >= 2 {
        parts.push(whole);
    }
    parts
}

/// One way to read the beginning of a password.
#[derive(Clone, Copy)]
struct Read {
    worth: u32,
    /// How many characters each weakness explains.
    why: [u16; 6],
}

const ALL: [Weakness; 6] =
    [Weakness::Common, Weakness::Own, Weakness::Row, Weakness::Date, Weakness::Repeat, Weakness::Digits];

impl Read {
    fn and(mut self, worth: u32, length: usize, why: Option<Weakness>) -> Self {
        self.worth = self.worth.saturating_add(worth);
        if let Some(kept) = why.and_then(|why| self.why.get_mut(why as usize)) {
            *kept = kept.saturating_add(u16::try_from(length).unwrap_or(u16::MAX));
        }
        self
    }

    fn most(&self) -> Weakness {
        let most = ALL.iter().zip(self.why).rev().max_by_key(|(_, count)| *count);
        most.map_or(Weakness::Common, |(why, _)| *why)
    }
}

/// The fewest guesses that any reading of the password takes, and what explains most of that reading.
fn guesses(typed: &[char], own: &[Vec<char>]) -> (u32, Weakness) {
    // The same part again and again is worth little more than the part.
    for length in 1..=typed.len() / 2 {
        let part = typed.get(..length).unwrap_or_default();
        let whole = typed.len() / length * length;
        let same = typed.iter().zip(part.iter().cycle()).take(whole).all(|(a, b)| a == b);
        let rest = typed.len() - whole;
        if same && rest < length.max(2) {
            let (worth, why) = guesses(part, own);
            let all = worth.saturating_add(AGAIN).saturating_add(FREE * u32::try_from(rest).unwrap_or(u32::MAX));
            // A part that is strong by itself was not made by repeating.
            return (all, if part.len() < 4 || why == Weakness::Digits { Weakness::Repeat } else { why });
        }
    }
    let lower: Vec<char> = typed.iter().flat_map(|c| c.to_lowercase().next()).collect();
    let bare: Vec<char> = lower.iter().copied().map(bare).collect();
    let mut best: Vec<Read> = vec![Read { worth: 0, why: [0; 6] }];
    for end in 1..=typed.len() {
        let mut found: Option<Read> = None;
        let mut offer = |read: Read| {
            if found.is_none_or(|kept| read.worth < kept.worth) {
                found = Some(read);
            }
        };
        for start in end.saturating_sub(PIECE_MAX)..end {
            let Some(before) = best.get(start).copied() else { continue };
            let piece = |of: &'_ [char]| of.get(start..end).unwrap_or_default().to_vec();
            if let Some((worth, why)) = piece_worth(&piece(typed), &piece(&lower), &piece(&bare), own) {
                offer(before.and(worth, end - start, why));
            }
        }
        match found {
            Some(read) => best.push(read),
            None => break,
        }
    }
    best.last().map_or((0, Weakness::Common), |read| (read.worth, read.most()))
}

/// Longest piece that is looked at.
const PIECE_MAX: usize = 40;

/// The letter that a digit or sign stands for.
fn bare(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        c => c,
    }
}

/// What a piece is worth as one thing; none when it is nothing known.
fn piece_worth(typed: &[char], lower: &[char], bare: &[char], own: &[Vec<char>]) -> Option<(u32, Option<Weakness>)> {
    if let [c] = lower {
        return Some(match c {
            c if c.is_ascii_digit() => (FREE_DIGIT, Some(Weakness::Digits)),
            c if c.is_ascii_alphabetic() => (FREE, None),
            c if c.is_ascii() => (SIGN, None),
            _ => (FREE_WIDE, None),
        });
    }
    let disguised = if typed == lower && bare == lower { 0 } else { DISGUISE };
    if lower.len() >= 2 && own.iter().any(|name| name == lower || name == bare) {
        return Some((NAME + disguised, Some(Weakness::Own)));
    }
    let (plain, letters): (String, String) = (lower.iter().collect(), bare.iter().collect());
    if lower.len() >= 3 && (is_word(&plain) || is_word(&letters)) {
        return Some((WORD + disguised, Some(Weakness::Common)));
    }
    if lower.len() >= 3 && (is_run(lower) || is_same(lower)) {
        let why = if is_same(lower) { Weakness::Repeat } else { Weakness::Row };
        return Some((ROW, Some(why)));
    }
    if lower.len() >= 4 && is_walk(lower) {
        return Some((ROW + disguised, Some(Weakness::Row)));
    }
    if plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return date(&plain).map(|worth| (worth, Some(Weakness::Date)));
    }
    None
}

fn is_word(text: &str) -> bool {
    WORDS.binary_search(&text).is_ok()
}

fn is_same(piece: &[char]) -> bool {
    piece.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// `abcd`, `4321`, `2468`: equal steps of one or two.
fn is_run(piece: &[char]) -> bool {
    let step = |pair: &[char]| match pair {
        [a, b] if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric() => {
            i64::from(u32::from(*b)) - i64::from(u32::from(*a))
        }
        _ => 0,
    };
    let Some(first) = piece.windows(2).next().map(step) else { return false };
    let in_order = (1..=2).contains(&first.abs()) && piece.windows(2).all(|pair| step(pair) == first);
    // From nine it goes on with nought.
    in_order || "12345678901234567890".contains(&piece.iter().collect::<String>())
}

/// Rows of a keyboard; columns go down them.
const KEYS: [&str; 4] = ["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"];

/// What is typed with a shifted number row.
const SHIFTED: &str = "!@#$%^&*()_+";

fn key(c: char) -> Option<(i64, i64)> {
    let c = SHIFTED.chars().position(|shifted| shifted == c).and_then(|at| KEYS[0].chars().nth(at)).unwrap_or(c);
    KEYS.iter().enumerate().find_map(|(row, keys)| {
        let column = keys.chars().position(|key| key == c)?;
        Some((i64::try_from(row).ok()?, i64::try_from(column).ok()?))
    })
}

/// Neighbouring keys one behind the other: `asdf`, `1qaz`; columns may follow each other from the top (`1qaz2wsx`).
fn is_walk(piece: &[char]) -> bool {
    let keys: Vec<_> = piece.iter().map(|c| key(*c)).collect();
    keys.windows(2).all(|pair| match pair {
        [Some((row, column)), Some((to, next))] => {
            let (down, aside) = (to - row, next - column);
            let near = down.abs() <= 1 && aside.abs() <= 1 && (down, aside) != (0, 0);
            let top = (down == -3 || down == -2) && (0..=1).contains(&aside.abs());
            near || top
        }
        _ => false,
    })
}

/// What digits are worth as a year or a date: `1988`, `2026`, `19880214`, `880214`, `0214`.
fn date(digits: &str) -> Option<u32> {
    let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let day = |month: Option<u32>, day: Option<u32>| {
        month.is_some_and(|month| (1..=12).contains(&month)) && day.is_some_and(|day| (1..=31).contains(&day))
    };
    let year = |year: Option<u32>| year.is_some_and(|year| (1930..=2039).contains(&year));
    match digits.len() {
        4 if year(number(0, 4)) => Some(YEAR),
        4 if day(number(0, 2), number(2, 4)) => Some(YEAR + 20),
        6 if day(number(2, 4), number(4, 6)) || year(number(0, 4)) && day(number(4, 5), number(5, 6)) => Some(DATE),
        8 if year(number(0, 4)) && day(number(4, 6), number(6, 8)) => Some(DATE),
        8 if year(number(4, 8)) && (day(number(0, 2), number(2, 4)) || day(number(2, 4), number(0, 2))) => Some(DATE),
        _ => None,
    }
}

/// Words that lists of stolen passwords are full of, and their like in pinyin; in order.
const WORDS: &[&str] = &[
    "520",
    "521",
    "abc",
    "access",
    "account",
    "admin",
    "administrator",
    "aini",
    "alipay",
    "andy",
    "angel",
    "apple",
    "asd",
    "asdf",
    "asia",
    "association",
    "baby",
    "baidu",
    "baobao",
    "baobei",
    "baseball",
    "beijing",
    "bmw",
    "boss",
    "caiwu",
    "ceshi",
    "chaojibang",
    "chen",
    "china",
    "chinese",
    "ciao",
    "club",
    "computer",
    "daniel",
    "default",
    "demo",
    "dragon",
    "easy",
    "fangfang",
    "football",
    "friend",
    "fuck",
    "gaoxing",
    "geren",
    "google",
    "guanli",
    "guanliyuan",
    "guest",
    "hao",
    "haohao",
    "happy",
    "hello",
    "hongkong",
    "houtai",
    "hua",
    "huang",
    "huawei",
    "huiguan",
    "huiyuan",
    "iloveyou",
    "internet",
    "jack",
    "jesus",
    "jiaoyu",
    "jie",
    "jordan",
    "kaixin",
    "key",
    "king",
    "laogong",
    "laopo",
    "letmein",
    "lin",
    "liu",
    "live",
    "login",
    "love",
    "lovely",
    "lucky",
    "mama",
    "manager",
    "mary",
    "master",
    "michael",
    "mima",
    "miss",
    "money",
    "monkey",
    "mypass",
    "mypassword",
    "nicole",
    "nihao",
    "office",
    "pass",
    "passwd",
    "password",
    "passwort",
    "princess",
    "public",
    "pwd",
    "qaz",
    "qwe",
    "qwer",
    "qwert",
    "qwerty",
    "qwertz",
    "root",
    "secret",
    "secure",
    "security",
    "server",
    "shadow",
    "shanghai",
    "shanghui",
    "shenzhen",
    "shouji",
    "sorry",
    "star",
    "starwars",
    "summer",
    "sun",
    "sunshine",
    "super",
    "superman",
    "system",
    "taobao",
    "tencent",
    "test",
    "tester",
    "tiger",
    "trustno",
    "user",
    "wang",
    "wangluo",
    "weixin",
    "welcome",
    "winter",
    "woaini",
    "wode",
    "women",
    "word",
    "work",
    "woshi",
    "www",
    "xiaoming",
    "xiehui",
    "xingfu",
    "xitong",
    "yang",
    "yonghu",
    "zaq",
    "zhang",
    "zhao",
    "zhongguo",
    "zhou",
    "zxc",
];

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &[&str] = &["secretary", "li.si", "李四", "li si", "江南工商联合会", "jiang nan gong shang lian he hui"];

    #[test]
    fn the_list_is_in_order() {
        let mut sorted = WORDS.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(WORDS, sorted);
    }

    #[test]
    fn easy_passwords_are_refused_and_the_reason_is_told() {
        use Weakness::{Common, Date, Digits, Own, Repeat, Row};
        let cases = [
            ("correct horse battery", None),
            ("今天的晚宴在哪里举行", None),
            ("kX9#mQ2$vL", None),
            ("gr8-teapots-sing", None),
            ("李四爱在周末爬山看日出", None),
            ("Password2026!", Some(Common)),
            ("P@ssw0rd123", Some(Common)),
            ("p4$$w0rd!!!", Some(Common)),
            ("adminadmin", Some(Common)),
            ("huiguan2026", Some(Common)),
            ("woaini5201314", Some(Common)),
            ("guanliyuan1", Some(Common)),
            ("iloveyou521", Some(Common)),
            ("Welcome2025", Some(Common)),
            ("secretary1!", Some(Own)),
            ("Secretary2026", Some(Own)),
            ("s3cr3tary99", Some(Own)),
            ("江南工商联合会2026", Some(Own)),
            ("jiangnangongshanglianhehui", Some(Own)),
            ("1234567890", Some(Row)),
            ("abcdefghijkl", Some(Row)),
            ("qwertyuiop", Some(Row)),
            ("1qaz2wsx3edc", Some(Row)),
            ("qwerty123456", Some(Common)),
            ("0987654321", Some(Row)),
            ("aaaaaaaaaaaa", Some(Repeat)),
            ("ababababab", Some(Repeat)),
            ("1212121212", Some(Repeat)),
            ("1988021419880214", Some(Date)),
            ("19880214.1990", Some(Date)),
            ("13905827416", Some(Digits)),
        ];
        for (password, why) in cases {
            assert_eq!(
                weakness(password, OWN),
                why,
                "{password}: {:?}",
                guesses(&password.chars().collect::<Vec<_>>(), &[])
            );
        }
    }

    #[test]
    fn length_is_asked_for_and_bounded() {
        for (password, problems) in
            [("short", 1), (&*"长".repeat(129), 1), (&*"一二三四五六七八九十甲乙".repeat(3), 0), ("", 1)]
        {
            let mut found = Vec::new();
            check_password(password, OWN, &mut found);
            assert_eq!(found.len(), problems, "{password}");
        }
    }

    #[test]
    fn the_longest_and_strangest_input_is_read_in_no_time() {
        let own: Vec<String> = (0..10).map(|n| format!("name{n}")).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        for password in ["a1!".repeat(42), "Ⅻ".repeat(128), "ß".repeat(128), "İ".repeat(120)] {
            let mut found = Vec::new();
            check_password(&password, &own, &mut found);
            assert!(found.len() <= 1, "{password}");
        }
    }
}
