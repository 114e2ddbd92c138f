//! What a subscribe message's keywords may hold, checked before it is sent: WeChat refuses the whole message for one of them (47003).
//! Source: developers.weixin.qq.com 发送订阅消息, the table of parameter types.

/// The type of a keyword, told by its name such as `thing1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// At most 20 characters.
    Thing,
    /// At most 32 digits, a point among them.
    Number,
    /// At most 32 Latin letters.
    Letter,
    /// At most 5 signs.
    Symbol,
    /// At most 32 digits, letters or signs.
    CharacterString,
    /// Hours and minutes, with a date or not, one or a range.
    Time,
    /// A date, with hours and minutes or not, one or a range.
    Date,
    /// A currency sign, at most 10 digits, 元.
    Amount,
    /// At most 17 digits and signs.
    PhoneNumber,
    /// At most 8, of which the first and the last may be Chinese.
    CarNumber,
    /// At most 10 Chinese characters, or 20 letters and signs.
    Name,
    /// At most 5 Chinese characters.
    Phrase,
    /// One of the template's own values.
    Enum,
}

/// Why a value is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The keyword's name has no known type.
    Unknown,
    /// Nothing is there.
    Empty,
    /// Line ends or other control characters.
    Control,
    /// Longer than so many characters.
    Long(usize),
    /// Not of the type's form.
    Form,
}

impl Keyword {
    /// The type of a keyword's name: letters, then a number.
    pub fn of(name: &str) -> Option<Self> {
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbered = kind.len() < name.len();
        let found = match kind {
            "thing" => Self::Thing,
            "number" => Self::Number,
            "letter" => Self::Letter,
            "symbol" => Self::Symbol,
            "character_string" => Self::CharacterString,
            "time" => Self::Time,
            "date" => Self::Date,
            "amount" => Self::Amount,
            "phone_number" => Self::PhoneNumber,
            "car_number" => Self::CarNumber,
            "name" => Self::Name,
            "phrase" => Self::Phrase,
            "enum" => Self::Enum,
            _ => return None,
        };
        numbered.then_some(found)
    }

    /// Most characters of a value.
    pub fn longest(self) -> usize {
        match self {
            Self::Thing | Self::Name | Self::Enum => 20,
            Self::Number | Self::Letter | Self::CharacterString => 32,
            Self::Symbol | Self::Phrase => 5,
            Self::Time | Self::Date => 64,
            Self::Amount => 14,
            Self::PhoneNumber => 17,
            Self::CarNumber => 8,
        }
    }

    /// Whether the value can be sent.
    pub fn check(self, value: &str) -> Result<(), Fault> {
        if value.is_empty() {
            return Err(Fault::Empty);
        }
        if value.chars().any(char::is_control) {
            return Err(Fault::Control);
        }
        let length = value.chars().count();
        if length > self.longest() {
            return Err(Fault::Long(self.longest()));
        }
        let plain = |c: char| c.is_ascii_graphic();
        let fits = match self {
            Self::Thing | Self::Enum => true,
            Self::Number => is_number(value),
            Self::Letter => value.chars().all(|c| c.is_ascii_alphabetic()),
            Self::Symbol => value.chars().all(|c| !c.is_alphanumeric() && !c.is_whitespace()),
            Self::CharacterString => value.chars().all(|c| plain(c) || c == ' '),
            Self::Time => range(value, |one| is_moment(one, true)),
            Self::Date => range(value, |one| is_moment(one, false)),
            Self::Amount => is_amount(value),
            Self::PhoneNumber => {
                value.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '*' | ','))
            }
            Self::CarNumber => is_car(value),
            Self::Name => is_name(value),
            Self::Phrase => value.chars().all(is_chinese),
        };
        if fits { Ok(()) } else { Err(Fault::Form) }
    }

    /// The value made to fit where that loses nothing but length: controls become blanks, what is too long is cut with an ellipsis. Types with a
    /// form of their own are left as they are.
    pub fn fitted(self, value: &str) -> String {
        let clean: String = value
            .split(|c: char| c.is_control() || c.is_whitespace())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let longest = if self == Self::Name && !clean.is_ascii() { NAME_CHINESE } else { self.longest() };
        match self {
            Self::Thing => shortened(&clean, longest),
            Self::Name => clean.chars().take(longest).collect(),
            Self::CharacterString => {
                clean.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(longest).collect()
            }
            Self::Phrase => clean.chars().filter(|c| is_chinese(*c)).take(longest).collect(),
            _ => clean,
        }
    }
}

/// Most characters of a Chinese name.
const NAME_CHINESE: usize = 10;

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '〇' | '·')
}

fn is_number(value: &str) -> bool {
    let (whole, part) = value.split_once('.').map_or((value, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && part.is_none_or(digits)
}

fn is_amount(value: &str) -> bool {
    let value = value.strip_suffix('元').unwrap_or(value);
    let value = value.strip_prefix(|c: char| matches!(c, '¥' | '￥' | '$' | '€' | '£')).unwrap_or(value);
    is_number(value) && value.bytes().filter(u8::is_ascii_digit).count() <= 10
}

fn is_car(value: &str) -> bool {
    let last = value.chars().count().saturating_sub(1);
    value.chars().enumerate().all(|(at, c)| c.is_ascii_alphanumeric() || (at == 0 || at == last) && is_chinese(c))
}

fn is_name(value: &str) -> bool {
    if value.chars().any(is_chinese) {
        let longest = value.chars().count() <= NAME_CHINESE;
        return longest
            && value.chars().all(|c| is_chinese(c) || c.is_ascii_alphabetic() || matches!(c, ' ' | '.' | '•'));
    }
    value.chars().all(|c| !c.is_numeric() && (c.is_ascii_graphic() || c == ' ' || c.is_alphabetic()))
}

fn range(value: &str, one: impl Fn(&str) -> bool) -> bool {
    match value.split_once('~') {
        Some((from, to)) => one(from.trim()) && one(to.trim()),
        None => one(value),
    }
}

/// A date in one of the three spellings and the rest behind it.
fn date(text: &str) -> Option<&str> {
    let number = |text: &str, width: std::ops::RangeInclusive<usize>| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        width
            .contains(&digits)
            .then(|| text.split_at(digits))
            .map(|(number, rest)| (number.parse::<u32>().unwrap_or(0), rest.to_owned()))
    };
    let (_, rest) = number(text, 4..=4)?;
    let (first, second, last) = match rest.chars().next()? {
        '年' => ('年', '月', Some('日')),
        sign @ ('-' | '/' | '.') => (sign, sign, None),
        _ => return None,
    };
    let (month, rest) = number(rest.strip_prefix(first)?, 1..=2)?;
    let (day, rest) = number(rest.strip_prefix(second)?, 1..=2)?;
    let rest = match last {
        Some(last) => rest.strip_prefix(last)?,
        None => &rest,
    };
    let sound = (1..=12).contains(&month) && (1..=31).contains(&day);
    sound.then(|| &text[text.len() - rest.len()..])
}

fn is_clock(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let sound = |part: &str, end: u32| (1..=2).contains(&part.len()) && part.parse::<u32>().is_ok_and(|n| n < end);
    match parts.as_slice() {
        [hour, minute] => sound(hour, 24) && sound(minute, 60),
        [hour, minute, second] => sound(hour, 24) && sound(minute, 60) && sound(second, 60),
        _ => false,
    }
}

/// A clock time with or without a date in front, or a date with or without a clock time behind.
fn is_moment(text: &str, clock_alone: bool) -> bool {
    match date(text) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(' ').is_some_and(is_clock),
        None => clock_alone && is_clock(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_tells_its_type_by_its_name() {
        for (name, kind) in [
            ("thing1", Some(Keyword::Thing)),
            ("character_string12", Some(Keyword::CharacterString)),
            ("phone_number3", Some(Keyword::PhoneNumber)),
            ("date2", Some(Keyword::Date)),
            ("thing", None),
            ("stuff1", None),
            ("1", None),
            ("", None),
        ] {
            assert_eq!(Keyword::of(name), kind, "{name}");
        }
    }

    #[test]
    fn values_are_what_the_documented_table_takes() {
        let long = "长".repeat(21);
        let cases: &[(&str, &str, Result<(), Fault>)] = &[
            ("thing1", "年度会员大会", Ok(())),
            ("thing1", &long, Err(Fault::Long(20))),
            ("thing1", &long[..60], Ok(())),
            ("thing1", "a\nb", Err(Fault::Control)),
            ("thing1", "", Err(Fault::Empty)),
            ("number1", "12.50", Ok(())),
            ("number1", "12元", Err(Fault::Form)),
            ("number1", ".5", Err(Fault::Form)),
            ("letter1", "abcXYZ", Ok(())),
            ("letter1", "abc1", Err(Fault::Form)),
            ("symbol1", "+-*/", Ok(())),
            ("symbol1", "+a", Err(Fault::Form)),
            ("character_string1", "A-10 #3", Ok(())),
            ("character_string1", "座位3", Err(Fault::Form)),
            ("time1", "15:01", Ok(())),
            ("time1", "2025年1月2日 15:01", Ok(())),
            ("time1", "2025-01-02 15:01~2025-01-02 18:00", Ok(())),
            ("time1", "25:00", Err(Fault::Form)),
            ("time1", "三点", Err(Fault::Form)),
            ("date1", "2025年1月2日", Ok(())),
            ("date1", "2025/1/2 09:30", Ok(())),
            ("date1", "2025.01.02", Ok(())),
            ("date1", "2025-13-02", Err(Fault::Form)),
            ("date1", "15:01", Err(Fault::Form)),
            ("date1", "2025-1/2", Err(Fault::Form)),
            ("amount1", "￥1234.50", Ok(())),
            ("amount1", "1234.50元", Ok(())),
            ("amount1", "12345678901", Err(Fault::Form)),
            ("amount1", "免费", Err(Fault::Form)),
            ("phone_number1", "+86-571-88886666", Ok(())),
            ("phone_number1", "138****1234", Ok(())),
            ("phone_number1", "电话", Err(Fault::Form)),
            ("car_number1", "浙A12345", Ok(())),
            ("car_number1", "浙A1234挂", Ok(())),
            ("car_number1", "浙江A1234", Err(Fault::Form)),
            ("name1", "欧阳锋", Ok(())),
            ("name1", "John Smith", Ok(())),
            ("name1", "一二三四五六七八九十一", Err(Fault::Form)),
            ("name1", "王3", Err(Fault::Form)),
            ("phrase1", "已通过", Ok(())),
            ("phrase1", "通过ok", Err(Fault::Form)),
            ("phrase1", "等待主办方审核", Err(Fault::Long(5))),
        ];
        for (name, value, expected) in cases {
            assert_eq!(Keyword::of(name).unwrap().check(value), *expected, "{name} {value}");
        }
    }

    #[test]
    fn what_was_made_to_fit_is_taken() {
        for (kind, value, fitted) in [
            (Keyword::Thing, "第一行\n第二行", "第一行 第二行"),
            (Keyword::Thing, "一二三四五六七八九十一二三四五六七八九十一", "一二三四五六七八九十一二三四五六七八九…"),
            (Keyword::CharacterString, "座位 A-3", "A-3"),
            (Keyword::Phrase, "已经 通过了ok", "已经通过了"),
            (Keyword::Name, "一二三四五六七八九十一", "一二三四五六七八九十"),
            (Keyword::Amount, "¥1,234.50", "¥1,234.50"),
        ] {
            let made = kind.fitted(value);
            assert_eq!(made.trim(), fitted);
            if kind != Keyword::Amount {
                kind.check(made.trim()).unwrap();
            }
        }
    }
}
