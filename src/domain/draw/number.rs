//! Lucky numbers, numbers of tables out of seat texts, and masked names.

use crate::{EntrantId, EventId, TicketId};

/// Largest ticket number that gets a lucky number of six digits.
const SIX: u64 = 900_000;
/// The same for twelve digits.
const TWELVE: u64 = 900_000_000_000;

/// The lucky number of a ticket (S0-31, S0-83): looks drawn, is one ticket's alone in the space, and needs not be kept: a step through
/// all numbers of six digits by a factor that shares none with their count, shifted for each event.
pub fn lucky_number(event: EventId, ticket: TicketId) -> String {
    let (range, step, first) =
        if ticket.0 < SIX { (SIX, 556_807, 100_000) } else { (TWELVE, 618_033_988_751, 100_000_000_000) };
    let shifted = (event.0 % range) * 7_919 % range;
    let at = (u128::from(ticket.0 % range) * step + u128::from(shifted)) % u128::from(range);
    (first + at).to_string()
}

/// The lucky number of somebody without a ticket: eight digits, so that it is never a ticket's.
pub fn lucky_of_extra(entrant: EntrantId) -> String {
    const RANGE: u64 = 90_000_000;
    let at = u128::from(entrant.0 % RANGE) * 55_680_691 % u128::from(RANGE);
    (10_000_000 + at).to_string()
}

/// The table that a seat text names: its first number, when nothing but a word for a table (桌, 号, 台, table, T, A to Z) stands
/// before it. `12-5`, `12桌5号`, `第12桌`, `T12`, `Table 12` and `１２` are table 12; a row and seat of a theatre (`3排5座`) and a
/// place without a number are none. Tables of an area (`A8`) are table 8 of that area and are taken as 8.
pub fn table_of(seat: &str) -> Option<u32> {
    let plain: String =
        seat.chars().map(crate::text::half_width).filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let at = plain.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = plain.split_at_checked(at)?;
    let before = before.trim_end_matches(['#', '-', '.', ':', '：']);
    let letter = before.len() == 1 && before.bytes().all(|b| b.is_ascii_lowercase());
    let known = ["", "第", "桌", "桌号", "桌子", "台", "台号", "table", "tab", "no", "n°", "餐桌", "宴会桌", "圆桌"];
    if !letter && !known.contains(&before) {
        return None;
    }
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, behind) = rest.split_at_checked(end)?;
    if behind.starts_with(['排', '行', '列', '区', '楼', '层', '厅', '座', '号']) && !behind.starts_with("号桌")
    {
        // A seat number alone, or a part of a hall: no table.
        let lone_seat = behind.starts_with(['座', '号']);
        if !lone_seat || !before.contains('桌') {
            return None;
        }
    }
    digits.parse().ok().filter(|table| (1..=super::TABLE_MAX).contains(table))
}

/// A name with only its first character: `王**`.
pub fn masked_name(name: &str) -> String {
    let mut chars = name.chars();
    let Some(first) = chars.next() else { return String::new() };
    let rest = chars.count();
    format!("{first}{}", "*".repeat(rest.clamp(1, 2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lucky_numbers_are_each_one_persons_alone() {
        for event in [1u64, 2, 77_777, u64::MAX] {
            let mut seen = HashSet::new();
            for ticket in (0..200_000u64).chain(899_000..901_000) {
                let number = lucky_number(EventId(event), TicketId(ticket));
                assert!(matches!(number.len(), 6 | 12) && !number.starts_with('0'), "{number}");
                assert!(seen.insert(number), "ticket {ticket} of event {event}");
            }
            for entrant in 0..10_000 {
                let number = lucky_of_extra(EntrantId(entrant));
                assert_eq!(number.len(), 8);
                assert!(seen.insert(number), "entrant {entrant}");
            }
        }
    }

    #[test]
    fn a_table_is_read_out_of_a_seat() {
        let cases = [
            ("12-5", Some(12)),
            ("12", Some(12)),
            ("8桌", Some(8)),
            ("8桌3", Some(8)),
            ("第8桌", Some(8)),
            ("8号桌", Some(8)),
            ("8 桌 3 号", Some(8)),
            ("桌号8", Some(8)),
            ("T8-3", Some(8)),
            ("t8", Some(8)),
            ("Table 12 / 4", Some(12)),
            ("A8", Some(8)),
            ("１２桌", Some(12)),
            ("＃8", Some(8)),
            ("No. 8", Some(8)),
            ("3排5座", None),
            ("5号", None),
            ("2楼8桌", None),
            ("B区8桌", None),
            ("主桌", None),
            ("", None),
            ("0桌", None),
            ("99999", None),
        ];
        for (seat, table) in cases {
            assert_eq!(table_of(seat), table, "{seat}");
        }
    }

    #[test]
    fn names_keep_their_first_character() {
        for (name, masked) in [("王小明", "王**"), ("李四", "李*"), ("王", "王*"), ("Alice", "A**"), ("", "")]
        {
            assert_eq!(masked_name(name), masked);
        }
    }
}
