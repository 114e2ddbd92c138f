//! The resident identity card number of China (GB 11643-1999): 17 digits and a check character.

/// The number in its stored form (upper-case X) when its date can be and its check character is right.
pub fn normalise(text: &str) -> Option<String> {
    let number: String =
        text.trim().chars().map(crate::text::half_width).filter(|c| *c != ' ').collect::<String>().to_uppercase();
    let (body, check) = number.split_at_checked(17)?;
    if check.len() != 1 || !body.bytes().all(|b| b.is_ascii_digit()) || body.starts_with('0') {
        return None;
    }
    let part = |range: std::ops::Range<usize>| body.get(range).and_then(|digits| digits.parse::<i16>().ok());
    let month = i8::try_from(part(10..12)?).ok()?;
    let day = i8::try_from(part(12..14)?).ok()?;
    let year = part(6..10)?;
    if !(1850..=2200).contains(&year) || jiff::civil::Date::new(year, month, day).is_err() {
        return None;
    }
    (check_character(body)? == check).then_some(number)
}

/// ISO 7064 MOD 11-2 over the 17 digits.
fn check_character(body: &str) -> Option<&'static str> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: [&str; 11] = ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"];
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    CHECKS.get(usize::try_from(sum % 11).ok()?).copied()
}

/// All but the first and the last four characters hidden.
pub fn masked(number: &str) -> String {
    let tail: String = number.chars().skip(number.chars().count().saturating_sub(4)).collect();
    format!("**************{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_character_and_the_date_are_proven() {
        let cases = [
            ("11010519491231002X", true),
            ("11010519491231002x", true),
            ("440524188001010014", true),
            ("110105194912310021", false),
            ("11010519491331002X", false),
            ("1101051949123100", false),
            ("ABCDEFGHIJKLMNOPQR", false),
            ("", false),
            ("一二三四五六七八九十一二三四五六七八", false),
        ];
        for (number, sound) in cases {
            assert_eq!(normalise(number).is_some(), sound, "{number}");
        }
        assert_eq!(masked("11010519491231002X"), "**************002X");
    }
}
