//! What several ticket types share, and what is taken beside a ticket: shared quotas and add-ons of an event.

use crate::{AddOnId, EventId, Money, QuotaId, Refusal, TicketTypeId, problem, text::Form, ticket_type::QUOTA_MAX};
use rkyv::{Archive, Deserialize, Serialize};

/// A number of places that several ticket types share.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Number.
    pub id: QuotaId,
    /// The event.
    pub event: EventId,
    /// Name, for the secretariat.
    pub name: String,
    /// How many places.
    pub size: u32,
    /// The types that share them.
    pub kinds: Vec<TicketTypeId>,
}

/// Most shared quotas of one event.
pub const QUOTAS_MAX: usize = 50;

/// What the form of a shared quota takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaInput {
    /// Name.
    pub name: String,
    /// How many places.
    pub size: String,
    /// Numbers of the types.
    pub kinds: Vec<u64>,
}

/// Checks the form; answers name, size and types.
pub fn check_quota(input: &QuotaInput, known: &[TicketTypeId]) -> Result<(String, u32, Vec<TicketTypeId>), Refusal> {
    let mut form = Form::default();
    let name = form.required("quota_name", &input.name, 40);
    let size: Option<u32> = input.size.trim().parse().ok().filter(|size| *size <= QUOTA_MAX);
    if size.is_none() {
        form.wrong(problem!("quota_size", "Give a whole number up to {max}.", max = QUOTA_MAX));
    }
    let kinds: Vec<TicketTypeId> = known.iter().copied().filter(|kind| input.kinds.contains(&kind.0)).collect();
    if kinds.is_empty() {
        form.wrong(problem!("quota_kinds", "Choose at least one ticket type."));
    }
    form.done((name, size.unwrap_or(0), kinds))
}

/// Something that is taken beside a ticket: a dinner, a book, a parking space.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct AddOn {
    /// Number.
    pub id: AddOnId,
    /// The event.
    pub event: EventId,
    /// Name.
    pub name: String,
    /// Price.
    pub price: Money,
    /// How many there are; none: no limit.
    pub quota: Option<u32>,
    /// Points to note.
    pub note: String,
    /// The types it goes with; empty: all.
    pub kinds: Vec<TicketTypeId>,
    /// Visitors see it.
    pub enabled: bool,
}

/// Most add-ons of one event.
pub const ADDONS_MAX: usize = 30;

/// What the form of an add-on takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddOnInput {
    /// Name.
    pub name: String,
    /// Amount in yuan; empty means free.
    pub price: String,
    /// How many; empty means no limit.
    pub quota: String,
    /// Points to note.
    pub note: String,
    /// Numbers of the types.
    pub kinds: Vec<u64>,
    /// Visitors see it.
    pub enabled: bool,
}

/// Checks the form of an add-on; `id` and `event` go into what is answered, `taken` is how many are out.
pub fn check_addon(
    input: &AddOnInput,
    (id, event): (AddOnId, EventId),
    known: &[TicketTypeId],
    taken: i64,
) -> Result<AddOn, Refusal> {
    let mut form = Form::default();
    let name = form.required("addon_name", &input.name, 40);
    let price = crate::ticket_type::price(&mut form, "addon_price", &input.price);
    let quota = crate::ticket_type::quota(&mut form, "addon_quota", &input.quota, taken);
    let note = form.optional("addon_note", &input.note, 200);
    let kinds = known.iter().copied().filter(|kind| input.kinds.contains(&kind.0)).collect();
    form.done(AddOn { id, event, name, price, quota, note, kinds, enabled: input.enabled })
}

impl AddOn {
    /// Whether it can be taken with a ticket of this type when `taken` are out.
    pub fn is_offered(&self, kind: TicketTypeId, taken: i64) -> bool {
        let fits = self.kinds.is_empty() || self.kinds.contains(&kind);
        self.enabled && fits && self.quota.is_none_or(|quota| taken < i64::from(quota))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addon_goes_with_its_types_while_there_are_some() {
        let dinner = AddOn {
            id: AddOnId(1),
            event: EventId(1),
            name: "Dinner".into(),
            price: Money::cny(8_800),
            quota: Some(2),
            note: String::new(),
            kinds: vec![TicketTypeId(1)],
            enabled: true,
        };
        let off = AddOn { enabled: false, ..dinner.clone() };
        let all = AddOn { kinds: Vec::new(), quota: None, ..dinner.clone() };
        let cases = [
            (&dinner, 1, 1, true),
            (&dinner, 1, 2, false),
            (&dinner, 2, 0, false),
            (&off, 1, 0, false),
            (&all, 9, 99, true),
        ];
        for (addon, kind, taken, offered) in cases {
            assert_eq!(addon.is_offered(TicketTypeId(kind), taken), offered);
        }
    }

    #[test]
    fn forms_say_what_is_wrong() {
        let input = QuotaInput { name: "".into(), size: "-1".into(), kinds: vec![9] };
        let refusal = check_quota(&input, &[TicketTypeId(1)]).unwrap_err();
        assert_eq!(refusal.problems.len(), 3);
        let input = QuotaInput { name: "Hall".into(), size: "100".into(), kinds: vec![1, 9] };
        assert_eq!(check_quota(&input, &[TicketTypeId(1)]).unwrap(), ("Hall".into(), 100, vec![TicketTypeId(1)]));
        let input = AddOnInput { name: "Book".into(), price: "x".into(), quota: "1".into(), ..AddOnInput::default() };
        let refusal = check_addon(&input, (AddOnId(1), EventId(1)), &[], 2).unwrap_err();
        let fields: Vec<_> = refusal.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["addon_price", "addon_quota"]);
    }
}
