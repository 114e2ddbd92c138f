//! Times in a zone, amounts, counts and codes as people read them.

use crate::text::{Lang, Text};
use domain::{Money, Time, Window};
use jiff::tz::TimeZone;

/// How values are written for one reader: language and zone.
#[derive(Debug, Clone)]
pub struct Format {
    /// Texts.
    pub text: Text,
    /// The space's zone.
    pub zone: TimeZone,
}

const WEEKDAYS_ZH: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

impl Format {
    /// Date with weekday: `2026年11月25日 周三` or `Wed 25 Nov 2026`.
    pub fn date(&self, at: Time) -> String {
        let zoned = at.zoned(&self.zone);
        match self.text.0 {
            Lang::En => zoned.strftime("%a %-d %b %Y").to_string(),
            Lang::Zh => {
                let weekday = usize::try_from(zoned.weekday().to_monday_zero_offset()).unwrap_or(0);
                let name = WEEKDAYS_ZH.get(weekday).copied().unwrap_or("");
                format!("{} {name}", zoned.strftime("%Y年%-m月%-d日"))
            }
        }
    }

    /// Hour and minute.
    pub fn clock(&self, at: Time) -> String {
        at.zoned(&self.zone).strftime("%H:%M").to_string()
    }

    /// Hour, minute and second.
    pub fn clock_seconds(&self, at: Time) -> String {
        at.zoned(&self.zone).strftime("%H:%M:%S").to_string()
    }

    /// Date with weekday and time.
    pub fn time(&self, at: Time) -> String {
        let joint = if self.text.0 == Lang::En { ", " } else { " " };
        format!("{}{joint}{}", self.date(at), self.clock(at))
    }

    /// Month, day and time, for dense lists.
    pub fn short(&self, at: Time) -> String {
        at.zoned(&self.zone).strftime("%m-%d %H:%M").to_string()
    }

    /// Both ends; the date once when both lie on one day.
    pub fn window(&self, window: &Window) -> String {
        let same = window.from.zoned(&self.zone).date() == window.to.zoned(&self.zone).date();
        let to = if same { self.clock(window.to) } else { self.time(window.to) };
        format!("{} – {to}", self.time(window.from))
    }
}

/// An amount: `¥1,234.50`.
pub fn money(amount: Money) -> String {
    let yuan = amount.to_yuan();
    let (whole, cents) = yuan.split_once('.').unwrap_or((&yuan, "00"));
    format!("¥{}.{cents}", grouped(whole))
}

/// Bytes as people read them.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// A count with thousands separators.
pub fn count(number: impl Into<i64>) -> String {
    let number: i64 = number.into();
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(&number.unsigned_abs().to_string()))
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A code in groups of four: `1234 5678 9012`.
pub fn code(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at.is_multiple_of(4) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A phone number in full or masked.
pub fn phone(e164: &str, full: bool) -> String {
    if full { domain::phone::local(e164) } else { domain::phone::masked(e164) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_expect() {
        let format = |lang| Format { text: Text(lang), zone: domain::time::zone("Asia/Shanghai").unwrap() };
        let at = Time(1_795_570_200_000);
        assert_eq!(format(Lang::Zh).time(at), "2026年11月25日 周三 09:30");
        assert_eq!(format(Lang::En).time(at), "Wed 25 Nov 2026, 09:30");
        let window = Window { from: at, to: at.plus(3_600_000) };
        assert_eq!(format(Lang::En).window(&window), "Wed 25 Nov 2026, 09:30 – 10:30");
        assert_eq!(money(Money::cny(123_450)), "¥1,234.50");
        assert_eq!(
            (count(0i64), count(1_234_567i64), count(-1_000i64)),
            ("0".into(), "1,234,567".into(), "-1,000".into())
        );
        assert_eq!(code("123456789012"), "1234 5678 9012");
    }
}
