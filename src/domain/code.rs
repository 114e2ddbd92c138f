//! Codes that people type or scan: ticket numbers, attend codes and pairing codes. Digits only, since a scanner gun types
//! digits correctly whatever input method is on; unguessable; with a check digit where a typing error must be seen at once.

/// Digits of a ticket number, the check digit included.
pub const NUMBER_DIGITS: usize = 12;
/// Digits of an attend code.
pub const ATTEND_DIGITS: usize = 8;

/// The table of the totally anti-symmetric quasigroup of order 10 of H. M. Damm ("Total anti-symmetrische Quasigruppen",
/// 2004): its check digit finds every wrong digit and every swap of neighbours.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The Damm state after `digits`; 0 for a number whose last digit is its right check digit. Non-digits are no state.
fn damm(digits: &str) -> Option<u8> {
    digits.bytes().try_fold(0u8, |state, byte| {
        let digit = byte.checked_sub(b'0').filter(|d| *d < 10)?;
        DAMM.get(usize::from(state))?.get(usize::from(digit)).copied()
    })
}

/// A ticket number from a random value: eleven digits and the check digit. Never begins with 0, which a spreadsheet would drop.
pub fn ticket_number(random: u64) -> String {
    let body = (10_000_000_000 + random % 90_000_000_000).to_string();
    let check = damm(&body).unwrap_or(0);
    format!("{body}{check}")
}

/// An attend code from a random value: eight digits, never beginning with 0.
pub fn attend_code(random: u64) -> String {
    (10_000_000 + random % 90_000_000).to_string()
}

/// What a scanned or typed code turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// A ticket number with the right check digit.
    Number(String),
    /// Eight digits: an attend code.
    Attend(String),
    /// Twelve digits with a wrong check digit: mistyped or misread.
    Misread,
    /// Nothing that a ticket carries.
    Other,
}

/// Reads what a gun, a camera or a person entered: full-width digits, blanks, hyphens and line ends are taken, and a
/// link that ends in `/t/<number>` or `#<number>` yields its number.
pub fn read(text: &str) -> Scanned {
    let tail = text.trim().rsplit(['/', '#', '=']).next().unwrap_or("");
    let digits: String =
        tail.chars().map(crate::text::half_width).filter(|c| !matches!(c, ' ' | '-' | '\r' | '\n' | '\t')).collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Scanned::Other;
    }
    match digits.len() {
        NUMBER_DIGITS if damm(&digits) == Some(0) => Scanned::Number(digits),
        NUMBER_DIGITS => Scanned::Misread,
        ATTEND_DIGITS => Scanned::Attend(digits),
        _ => Scanned::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_damms() {
        // The worked example of the literature: 572 has check digit 4.
        assert_eq!(damm("572"), Some(4));
        assert_eq!(damm("5724"), Some(0));
    }

    #[test]
    fn every_wrong_digit_and_every_swap_of_neighbours_is_seen() {
        for seed in 0..200u64 {
            let number = ticket_number(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert_eq!(read(&number), Scanned::Number(number.clone()));
            let bytes = number.as_bytes();
            for at in 0..bytes.len() {
                for digit in b'0'..=b'9' {
                    let mut wrong = bytes.to_vec();
                    wrong[at] = digit;
                    let wrong = String::from_utf8(wrong).unwrap();
                    assert_eq!(read(&wrong) == Scanned::Misread, wrong != number);
                }
                if at > 0 && bytes[at] != bytes[at - 1] {
                    let mut swapped = bytes.to_vec();
                    swapped.swap(at, at - 1);
                    assert_eq!(read(&String::from_utf8(swapped).unwrap()), Scanned::Misread);
                }
            }
        }
    }

    #[test]
    fn codes_are_read_as_guns_and_people_enter_them() {
        let number = ticket_number(42);
        let spaced = format!("{} {} {}", &number[..4], &number[4..8], &number[8..]);
        let wide: String = number.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
        for text in [spaced, wide, format!("{number}\r\n"), format!("http://box/t/{number}"), format!("{number}\t")] {
            assert_eq!(read(&text), Scanned::Number(number.clone()), "{text}");
        }
        assert_eq!(read("12345678"), Scanned::Attend("12345678".into()));
        for text in ["", "abc", "1234567", "12345678901234567890", "十二"] {
            assert_eq!(read(text), Scanned::Other, "{text}");
        }
    }
}
