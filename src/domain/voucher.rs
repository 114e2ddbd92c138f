//! Codes that take something off the price or open tickets that are not for everybody: discounts, invitations, in bulk.

use crate::{EventId, Money, Refusal, TicketTypeId, Time, VoucherId, Window, event, problem, refuse, text, text::Form};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// A code of an event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// Number.
    pub id: VoucherId,
    /// The event.
    pub event: EventId,
    /// What people type, in capitals; unique in the event.
    pub code: String,
    /// What it takes off the price of each ticket it is used for.
    pub effect: Effect,
    /// It opens ticket types that are offered to holders of a code only.
    pub unlocks: bool,
    /// The types it is for; empty: all.
    pub kinds: Vec<TicketTypeId>,
    /// For how many tickets it can be used; none: any number.
    pub uses: Option<u32>,
    /// When; none: as long as the event takes registrations.
    pub window: Option<Window>,
    /// For whom it was made.
    pub note: String,
    /// It can be used.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Time,
}

/// What a code takes off.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: an invitation.
    Nothing,
    /// So many per cent, 1 to 100.
    Percent(u8),
    /// An amount, the price at the most.
    Amount(Money),
}

impl Effect {
    /// What it takes off a price; fractions of a fen stay with the association.
    pub fn off(self, price: Money) -> Money {
        match self {
            Self::Nothing => Money::cny(0),
            Self::Percent(percent) => Money::cny(price.fen * i64::from(percent.min(100)) / 100),
            Self::Amount(amount) => Money::cny(amount.fen.min(price.fen)),
        }
    }
}

/// Shortest and longest code.
pub const CODE_LENGTH: (usize, usize) = (4, 20);
/// Most codes made at once.
pub const BULK_MAX: usize = 1_000;
/// Most codes of one event.
pub const VOUCHERS_MAX: usize = 20_000;

/// A typed code as it is kept: capitals in half width, without blanks and hyphens.
pub fn normal(typed: &str) -> String {
    let plain = typed.chars().map(text::half_width).filter(|c| !c.is_whitespace() && *c != '-');
    plain.flat_map(char::to_uppercase).take(64).collect()
}

/// A code out of a random value: eight letters and digits that look like no others.
pub fn random_code(random: u64) -> String {
    const SIGNS: &[u8] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
    let count = SIGNS.len() as u64;
    let sign = |n: u64| SIGNS.get((n % count) as usize).map_or('2', |byte| char::from(*byte));
    let digits = std::iter::successors(Some(random), |rest| Some(rest / count));
    digits.take(8).map(sign).collect()
}

/// What the form of a code takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VoucherInput {
    /// The code; empty: made up.
    pub code: String,
    /// How many codes; empty: one. Several are always made up.
    pub count: String,
    /// `nothing`, `percent` or `amount`.
    pub effect: String,
    /// Per cent or yuan.
    pub value: String,
    /// It opens locked types.
    pub unlocks: bool,
    /// Numbers of the types.
    pub kinds: Vec<u64>,
    /// For how many tickets; empty: any number.
    pub uses: String,
    /// Beginning as local text, empty together with `to`.
    pub from: String,
    /// End.
    pub to: String,
    /// For whom.
    pub note: String,
}

/// The checked parts of a [`VoucherInput`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherDetails {
    /// The code, unless it is made up.
    pub code: Option<String>,
    /// How many.
    pub count: usize,
    /// What it takes off.
    pub effect: Effect,
    /// It opens locked types.
    pub unlocks: bool,
    /// The types it is for.
    pub kinds: Vec<TicketTypeId>,
    /// For how many tickets.
    pub uses: Option<u32>,
    /// When.
    pub window: Option<Window>,
    /// For whom.
    pub note: String,
}

/// Checks the form of a code; `known` are the event's ticket types.
pub fn check_voucher(input: &VoucherInput, known: &[TicketTypeId], zone: &TimeZone) -> Result<VoucherDetails, Refusal> {
    let mut form = Form::default();
    let code = normal(&input.code);
    let (least, most) = CODE_LENGTH;
    let sound = (least..=most).contains(&code.chars().count()) && code.chars().all(char::is_alphanumeric);
    if !code.is_empty() && !sound {
        form.wrong(problem!("code", "A code has {least} to {most} letters and digits.", least = least, most = most));
    }
    let count = match input.count.trim() {
        "" => Some(1),
        typed => typed.parse().ok().filter(|count| (1..=BULK_MAX).contains(count)),
    };
    if count.is_none() {
        form.wrong(problem!("count", "Give a whole number from 1 to {max}.", max = BULK_MAX));
    }
    if count.is_some_and(|count| count > 1) && !code.is_empty() {
        form.wrong(problem!("code", "Several codes at once are made up: leave this empty."));
    }
    let effect = effect(&mut form, &input.effect, &input.value);
    if effect == Some(Effect::Nothing) && !input.unlocks {
        form.wrong(problem!("effect", "A code must take something off, or open tickets that are not for everybody."));
    }
    let kinds: Vec<TicketTypeId> = known.iter().copied().filter(|kind| input.kinds.contains(&kind.0)).collect();
    let uses = match input.uses.trim() {
        "" => None,
        typed => {
            let uses = typed.parse().ok().filter(|uses| (1..=1_000_000).contains(uses));
            if uses.is_none() {
                form.wrong(problem!("uses", "Give a whole number above zero, or leave it empty."));
            }
            uses
        }
    };
    let window = match (input.from.trim(), input.to.trim()) {
        ("", "") => None,
        (from, to) => event::window(&mut form, ("from", from), ("to", to), zone),
    };
    let note = form.optional("note", &input.note, 100);
    let code = (!code.is_empty()).then_some(code);
    form.done(VoucherDetails {
        code,
        count: count.unwrap_or(1),
        effect: effect.unwrap_or(Effect::Nothing),
        unlocks: input.unlocks,
        kinds,
        uses,
        window,
        note,
    })
}

fn effect(form: &mut Form, name: &str, value: &str) -> Option<Effect> {
    let read = match name {
        "nothing" => Some(Effect::Nothing),
        "percent" => value.trim().parse().ok().filter(|percent| (1..=100).contains(percent)).map(Effect::Percent),
        "amount" => Money::from_yuan(value).filter(|amount| amount.fen > 0).map(Effect::Amount),
        _ => {
            form.wrong(problem!("effect", "Choose one of the given answers."));
            return None;
        }
    };
    if read.is_none() {
        form.wrong(problem!("value", "Give 1 to 100 per cent, or an amount in yuan above zero."));
    }
    read
}

/// How many more tickets a code can be used for at `now`, when it was used for `used`; `None` for any number.
pub fn check_use(voucher: &Voucher, used: i64, now: Time) -> Result<Option<i64>, Refusal> {
    if !voucher.enabled || voucher.window.is_some_and(|window| window.place(now) != crate::time::Place::Inside) {
        return Err(refuse!(Conflict, "voucher.not_valid", "This code cannot be used now."));
    }
    match voucher.uses {
        Some(uses) if used >= i64::from(uses) => {
            Err(refuse!(Conflict, "voucher.used_up", "This code has been used already."))
        }
        Some(uses) => Ok(Some(i64::from(uses) - used)),
        None => Ok(None),
    }
}

impl Voucher {
    /// Whether it is for tickets of this type.
    pub fn is_for(&self, kind: TicketTypeId) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voucher() -> Voucher {
        Voucher {
            id: VoucherId(1),
            event: EventId(1),
            code: "SPRING".into(),
            effect: Effect::Percent(20),
            unlocks: false,
            kinds: vec![TicketTypeId(2)],
            uses: Some(3),
            window: Some(Window { from: Time(100), to: Time(200) }),
            note: String::new(),
            enabled: true,
            created_at: Time(0),
        }
    }

    #[test]
    fn a_code_takes_off_at_most_the_price() {
        let cases = [
            (Effect::Nothing, 1_000, 0),
            (Effect::Percent(20), 1_005, 201),
            (Effect::Percent(100), 999, 999),
            (Effect::Amount(Money::cny(300)), 1_000, 300),
            (Effect::Amount(Money::cny(300)), 200, 200),
            (Effect::Amount(Money::cny(300)), 0, 0),
        ];
        for (effect, price, off) in cases {
            assert_eq!(effect.off(Money::cny(price)).fen, off, "{effect:?} of {price}");
        }
    }

    #[test]
    fn a_code_holds_in_its_time_for_so_many_tickets() {
        let off = Voucher { enabled: false, ..voucher() };
        let endless = Voucher { uses: None, window: None, ..voucher() };
        let cases = [
            (&voucher(), 0, 150, Ok(Some(3))),
            (&voucher(), 2, 150, Ok(Some(1))),
            (&voucher(), 3, 150, Err("voucher.used_up")),
            (&voucher(), 0, 99, Err("voucher.not_valid")),
            (&voucher(), 0, 200, Err("voucher.not_valid")),
            (&off, 0, 150, Err("voucher.not_valid")),
            (&endless, 99, 5_000, Ok(None)),
        ];
        for (voucher, used, now, expected) in cases {
            assert_eq!(check_use(voucher, used, Time(now)).map_err(|refusal| refusal.code), expected);
        }
        assert!(voucher().is_for(TicketTypeId(2)) && !voucher().is_for(TicketTypeId(3)));
    }

    #[test]
    fn codes_are_read_as_people_type_them_and_made_without_look_alikes() {
        for (typed, kept) in [(" spring-26 ", "SPRING26"), ("ｓｐｒｉｎｇ", "SPRING"), ("", "")] {
            assert_eq!(normal(typed), kept);
        }
        let codes: std::collections::BTreeSet<String> =
            (0..500u64).map(|n| random_code(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
        assert_eq!(codes.len(), 500);
        assert!(codes.iter().all(|code| code.len() == 8 && !code.contains(['0', 'O', '1', 'I', 'L'])));
    }

    #[test]
    fn the_form_says_what_is_wrong() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let input = |code: &str, count: &str, effect: &str, value: &str, uses: &str| VoucherInput {
            code: code.into(),
            count: count.into(),
            effect: effect.into(),
            value: value.into(),
            uses: uses.into(),
            ..VoucherInput::default()
        };
        let cases = [
            (input("SPRING", "", "percent", "20", ""), vec![]),
            (input("", "100", "amount", "50", "1"), vec![]),
            (input("AB", "", "percent", "101", "0"), vec!["code", "value", "uses"]),
            (input("SPRING", "2", "nothing", "", ""), vec!["code", "effect"]),
            (input("", "1001", "magic", "", ""), vec!["count", "effect"]),
        ];
        for (input, wrong) in cases {
            let got = check_voucher(&input, &[TicketTypeId(1)], &zone);
            let fields: Vec<String> =
                got.err().map_or(Vec::new(), |refusal| refusal.problems.into_iter().map(|p| p.field).collect());
            assert_eq!(fields, wrong);
        }
    }
}
