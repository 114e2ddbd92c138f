//! Phone numbers, stored normalised (E.164). A number without a country code is Chinese.

/// Reads a phone number as people type it and returns it in E.164 (`+8613812345678`). Full-width digits, blanks,
/// hyphens, dots and brackets are taken; mobile numbers and landlines with area code are Chinese unless a `+` or `00` begins it.
pub fn normalise(text: &str) -> Option<String> {
    let mut digits = String::with_capacity(16);
    let mut international = false;
    for c in text.trim().chars().map(crate::text::half_width) {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() && !international => international = true,
            ' ' | '-' | '.' | '(' | ')' | '\u{a0}' => {}
            _ => return None,
        }
        if digits.len() > 20 {
            return None;
        }
    }
    if !international && let Some(rest) = digits.strip_prefix("00") {
        international = true;
        digits = rest.to_owned();
    }
    if international {
        if let Some(rest) = digits.strip_prefix("86") {
            // Behind the country code a landline has no 0: so it is stored, and so it is read again.
            return chinese(rest).or_else(|| landline(rest));
        }
        let sound = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        return sound.then(|| format!("+{digits}"));
    }
    if digits.len() == 13
        && let Some(rest) = digits.strip_prefix("86")
    {
        return chinese(rest);
    }
    chinese(&digits)
}

fn chinese(digits: &str) -> Option<String> {
    let mobile = digits.len() == 11 && digits.starts_with('1') && digits.as_bytes().get(1).is_some_and(|b| *b >= b'3');
    if mobile {
        return Some(format!("+86{digits}"));
    }
    landline(digits.strip_prefix('0')?)
}

/// A landline from its area code on, without the 0.
fn landline(area: &str) -> Option<String> {
    ((9..=11).contains(&area.len()) && !area.starts_with('0')).then(|| format!("+86{area}"))
}

/// The number as a Chinese reader expects it: without `+86` for a mobile, with the leading 0 for a landline.
pub fn local(e164: &str) -> String {
    match e164.strip_prefix("+86") {
        Some(rest) if rest.len() == 11 && rest.starts_with('1') => rest.to_owned(),
        Some(rest) => format!("0{rest}"),
        None => e164.to_owned(),
    }
}

/// The number with its middle hidden: `138****1234`.
pub fn masked(e164: &str) -> String {
    let local = local(e164);
    let chars: Vec<char> = local.chars().collect();
    let (head, tail) = if chars.len() >= 11 { (3, 4) } else { (2, 2) };
    if chars.len() <= head + tail {
        return "****".to_owned();
    }
    let first: String = chars.iter().take(head).collect();
    let last: String = chars.iter().skip(chars.len() - tail).collect();
    format!("{first}****{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_stored_in_one_form() {
        let cases = [
            ("13812345678", Some("+8613812345678")),
            (" 138 1234 5678 ", Some("+8613812345678")),
            ("138-1234-5678", Some("+8613812345678")),
            ("+86 138 1234 5678", Some("+8613812345678")),
            ("008613812345678", Some("+8613812345678")),
            ("8613812345678", Some("+8613812345678")),
            ("１３８１２３４５６７８", Some("+8613812345678")),
            ("010-62345678", Some("+861062345678")),
            ("(0755) 8234 5678", Some("+8675582345678")),
            ("+86 10 6234 5678", Some("+861062345678")),
            ("0086 (0755) 8234 5678", Some("+8675582345678")),
            ("+86 1062 345", None),
            ("+86 062345678", None),
            ("+1 212 555 0100", Some("+12125550100")),
            ("12812345678", None),
            ("1381234567", None),
            ("138123456789", None),
            ("+0123456789", None),
            ("62345678", None),
            ("abc", None),
            ("", None),
            ("=13812345678", None),
        ];
        for (typed, stored) in cases {
            assert_eq!(normalise(typed).as_deref(), stored, "{typed}");
            assert!(stored.is_none_or(|stored| normalise(stored).as_deref() == Some(stored)), "{typed} is read again");
        }
    }

    #[test]
    fn phones_are_masked_in_the_middle() {
        assert_eq!(masked("+8613812345678"), "138****5678");
        assert_eq!(masked("+861062345678"), "010****5678");
        assert_eq!(local("+861062345678"), "01062345678");
    }
}
