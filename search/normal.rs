//! Text as it is compared: half width, small letters, simplified characters. Each character becomes exactly one, so that places in
//! the result are places in the text.

use std::sync::OnceLock;

const FIRST: u32 = 0x3400;
const LAST: u32 = 0x9fff;

/// Traditional to simplified, character by character: what stands beside it must not matter, or a part would not be found in the whole.
fn simplified(c: char) -> char {
    static TABLE: OnceLock<Vec<char>> = OnceLock::new();
    let code = c as u32;
    if !(FIRST..=LAST).contains(&code) {
        return c;
    }
    let table = TABLE.get_or_init(|| {
        let convert = |code| {
            let c = char::from_u32(code).unwrap_or(' ');
            let mut text = [0; 4];
            fast2s::convert(c.encode_utf8(&mut text)).chars().next().unwrap_or(c)
        };
        (FIRST..=LAST).map(convert).collect()
    });
    table.get((code - FIRST) as usize).copied().unwrap_or(c)
}

/// One character as it is compared.
pub fn fold(c: char) -> char {
    let c = domain::text::half_width(c);
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let c = match c {
        '•' | '‧' | '・' | '∙' | '⋅' | '●' | '．' => '·',
        c => c.to_lowercase().next().unwrap_or(c),
    };
    simplified(c)
}

/// A text as it is compared, character for character.
pub fn folded(text: &str) -> Vec<char> {
    text.chars().map(fold).collect()
}

/// A text as it is compared, as text.
pub fn plain(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// What a character is, for taking text apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A Latin letter or a digit: part of a word.
    Latin,
    /// A character of a script without blanks between words, such as Chinese; other alphabets count as such too.
    Wide,
    /// Anything else.
    Other,
}

/// The class of a folded character.
pub fn class(c: char) -> Class {
    if c.is_ascii_alphanumeric() || matches!(c, '\u{c0}'..='\u{24f}') && c.is_alphabetic() {
        Class::Latin
    } else if c.is_alphanumeric() {
        Class::Wide
    } else {
        Class::Other
    }
}

/// A stretch of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its class, never [`Class::Other`].
    pub class: Class,
    /// Its characters.
    pub text: Vec<char>,
}

/// Takes folded text apart. With `joined`, dots and blanks between wide characters do not part them: 阿卜杜拉·买买提 is one name.
pub fn runs(text: &[char], joined: bool) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    let mut parted = true;
    for c in text {
        let class = class(*c);
        if class == Class::Other {
            parted |= !(joined && (*c == '·' || *c == ' ')) || out.last().is_some_and(|run| run.class == Class::Latin);
            continue;
        }
        match out.last_mut() {
            Some(run) if !parted && run.class == class => run.text.push(*c),
            _ => out.push(Run { class, text: vec![*c] }),
        }
        parted = false;
    }
    out
}

/// Everything but letters and digits left out: what "the same name" means.
pub fn bare(text: &[char]) -> String {
    text.iter().filter(|c| class(**c) != Class::Other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold_all(text: &str) -> String {
        folded(text).into_iter().collect()
    }

    #[test]
    fn scripts_and_widths_are_one() {
        assert_eq!(fold_all("歐陽鋒 ＡＢＣ１２"), "欧阳锋 abc12");
        assert_eq!(fold_all("張國榮"), fold_all("张国荣"));
        assert_eq!(fold_all("阿•买"), "阿·买");
        let text = "ǅ\u{130}歐𬱖";
        assert_eq!(folded(text).len(), text.chars().count());
        for part in ["乾", "李乾坤", "乾隆", "後", "皇后"] {
            for c in part.chars() {
                assert!(fold_all(part).contains(fold(c)), "{part}: a part folds as it does in the whole");
            }
        }
    }

    #[test]
    fn runs_keep_a_dotted_name_together() {
        let read = |text: &str, joined| {
            runs(&folded(text), joined)
                .into_iter()
                .map(|run| run.text.into_iter().collect::<String>())
                .collect::<Vec<_>>()
        };
        assert_eq!(read("阿卜杜拉·买买提", true), ["阿卜杜拉买买提"]);
        assert_eq!(read("阿卜杜拉·买买提", false), ["阿卜杜拉", "买买提"]);
        assert_eq!(read("John Smith3 张三", true), ["john", "smith3", "张三"]);
        assert_eq!(read("张sf", true), ["张", "sf"]);
        assert!(read("（）--", true).is_empty());
    }
}
