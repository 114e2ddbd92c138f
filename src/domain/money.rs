//! Money as whole fen with a currency; no floating point anywhere.

use rkyv::{Archive, Deserialize, Serialize};

/// An amount in the smallest unit of its currency (fen for CNY).
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Money {
    /// Whole fen; never negative for a price.
    pub fen: i64,
    /// Which currency the fen are of.
    pub currency: Currency,
}

/// The currencies the hall knows.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Currency {
    /// Renminbi.
    #[default]
    Cny,
}

/// The highest price of one ticket: ¥1,000,000.00.
pub const PRICE_MAX: i64 = 100_000_000;

impl Money {
    /// An amount in renminbi.
    pub fn cny(fen: i64) -> Self {
        Self { fen, currency: Currency::Cny }
    }

    /// True for nothing to pay.
    pub fn is_free(&self) -> bool {
        self.fen == 0
    }

    /// Reads an amount in yuan as people write it: `12`, `12.5`, `1,234.50`, `¥3`; `None` for anything else,
    /// for more than two decimals, for negative amounts and for amounts above [`PRICE_MAX`].
    pub fn from_yuan(text: &str) -> Option<Self> {
        let text: String = text.trim().trim_start_matches(['¥', '￥']).chars().filter(|c| *c != ',').collect();
        let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 9 || cents.len() > 2 || !digits(whole) || !digits(cents) {
            return None;
        }
        let yuan: i64 = whole.parse().ok()?;
        let cents: i64 = format!("{cents:0<2}").parse().ok()?;
        let fen = yuan.checked_mul(100)?.checked_add(cents)?;
        (fen <= PRICE_MAX).then(|| Self::cny(fen))
    }

    /// The amount in yuan as an input field takes it: `12.50`.
    pub fn to_yuan(&self) -> String {
        format!("{}.{:02}", self.fen / 100, self.fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_are_read_as_people_write_them() {
        let cases = [
            ("0", Some(0)),
            ("12", Some(1200)),
            ("12.5", Some(1250)),
            ("1,234.50", Some(123_450)),
            ("¥3", Some(300)),
            ("￥0.01", Some(1)),
            ("1.234", None),
            ("-1", None),
            ("", None),
            (".5", None),
            ("1e3", None),
            ("1000000", Some(PRICE_MAX)),
            ("1000000.01", None),
            ("99999999999999999999", None),
        ];
        for (text, fen) in cases {
            assert_eq!(Money::from_yuan(text).map(|m| m.fen), fen, "{text}");
        }
        assert_eq!(Money::cny(1205).to_yuan(), "12.05");
    }
}
