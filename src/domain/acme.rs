//! Certificates for public names: when one is fetched anew, and how long the box waits after an authority said no.

use crate::{
    Time,
    time::{HOUR, MINUTE},
};

/// The pause before the second try. Authorities count what fails by the hour.
pub const PAUSE: i64 = 15 * MINUTE;
/// The longest pause.
pub const PAUSE_MAX: i64 = 12 * HOUR;
/// The shortest pause after an authority said that it was asked too often.
pub const PAUSE_LIMITED: i64 = 6 * HOUR;

/// When a certificate is fetched anew: when two thirds of its life are over.
pub fn renews_at(begins: Time, ends: Time) -> Time {
    begins.plus(ends.since(begins).max(0) / 3 * 2)
}

/// How long to wait after so many failures in a row: it doubles up to half a day. `chance` makes it up to a quarter longer.
pub fn pause(failures: u32, limited: bool, chance: u64) -> i64 {
    let doublings = failures.saturating_sub(1).min(20);
    let pause = PAUSE.saturating_mul(1_i64 << doublings).min(PAUSE_MAX);
    let pause = if limited { pause.max(PAUSE_LIMITED) } else { pause };
    let quarter = u64::try_from(pause / 4).unwrap_or(0);
    pause + i64::try_from(chance % (quarter + 1)).unwrap_or(0)
}

/// Whether a certificate for a name serves who asks for another: the same, or one label below a name that begins with `*.`.
pub fn covers(name: &str, asked: &str) -> bool {
    if name.eq_ignore_ascii_case(asked) {
        return true;
    }
    let below = name.strip_prefix("*.").zip(asked.split_once('.'));
    below.is_some_and(|(parent, (label, rest))| !label.is_empty() && parent.eq_ignore_ascii_case(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY;

    #[test]
    fn a_certificate_is_renewed_when_two_thirds_of_its_life_are_over() {
        assert_eq!(renews_at(Time(0), Time(90 * DAY)), Time(60 * DAY));
        assert_eq!(renews_at(Time(DAY), Time(7 * DAY)), Time(5 * DAY));
        assert_eq!(renews_at(Time(DAY), Time(0)), Time(DAY), "one that ends before it begins is due");
    }

    #[test]
    fn pauses_double_up_to_half_a_day_and_a_limit_is_kept() {
        for (failures, limited, minutes) in [
            (0, false, 15),
            (1, false, 15),
            (2, false, 30),
            (4, false, 120),
            (9, false, 720),
            (u32::MAX, true, 720),
            (1, true, 360),
        ] {
            let least = minutes * MINUTE;
            assert_eq!(pause(failures, limited, 0), least);
            assert!((0..500).all(|chance| (least..=least + least / 4).contains(&pause(
                failures,
                limited,
                chance * 7_919
            ))));
        }
    }

    #[test]
    fn a_certificate_is_shown_to_those_who_ask_for_its_names() {
        for (name, asked, expected) in [
            ("hall.example.cn", "hall.example.cn", true),
            ("hall.example.cn", "HALL.example.cn", true),
            ("*.example.cn", "hall.example.cn", true),
            ("*.example.cn", "example.cn", false),
            ("*.example.cn", "a.hall.example.cn", false),
            ("*.example.cn", ".example.cn", false),
            ("hall.example.cn", "huiguan.local", false),
        ] {
            assert_eq!(covers(name, asked), expected, "{name} {asked}");
        }
    }
}
