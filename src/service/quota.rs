//! What is left of an event's ticket types, shared quotas included; and the verbs for shared quotas and add-ons.

use crate::{Actor, At, Ctx, Error, Work, payment, ticket_type};
use domain::{
    AddOn, AddOnId, EventId, Permission, Quota, QuotaId, Refusal, TicketTypeId,
    quota::{ADDONS_MAX, AddOnInput, QUOTAS_MAX, QuotaInput, check_addon, check_quota},
    refuse,
    ticket_type::Stock,
};
use std::collections::BTreeMap;
use store::Read;
use store::catalogue::{ADDONS_TAKEN, OFFERED, TICKETS_OF_TYPE, WAITERS};

/// The places of an event's types as they are counted at one instant.
pub(crate) struct Stocks {
    taken: BTreeMap<TicketTypeId, i64>,
    waiting: BTreeMap<TicketTypeId, i64>,
    quotas: Vec<Quota>,
    payable: bool,
}

impl Stocks {
    /// Counts the places of all types of the event.
    pub(crate) fn read(view: &impl Read, event: EventId) -> Result<Self, Error> {
        let (mut taken, mut waiting) = (BTreeMap::new(), BTreeMap::new());
        for kept in view.counts(&TICKETS_OF_TYPE, &event) {
            let ((_, kind), count) = kept?;
            *taken.entry(kind).or_default() += count;
        }
        for kept in view.counts(&OFFERED, &event) {
            let ((_, kind), count) = kept?;
            *taken.entry(kind).or_default() += count;
        }
        for kept in view.counts(&WAITERS, &event) {
            let ((_, kind), count) = kept?;
            waiting.insert(kind, count);
        }
        Ok(Self { taken, waiting, quotas: of_event(view, event)?, payable: payment::is_payable(view)? })
    }

    /// What is left of one type.
    pub(crate) fn of(&self, kind: TicketTypeId) -> Stock {
        let shares = self.quotas.iter().filter(|quota| quota.kinds.contains(&kind));
        Stock {
            taken: self.count(kind),
            shared: shares.map(|quota| self.left_of(quota)).min(),
            waiting: self.waiting.get(&kind).copied().unwrap_or(0),
            payable: self.payable,
        }
    }

    /// What a shared quota leaves; below zero where it was made smaller than what is out.
    fn left_of(&self, quota: &Quota) -> i64 {
        i64::from(quota.size) - quota.kinds.iter().map(|kind| self.count(*kind)).sum::<i64>()
    }

    fn count(&self, kind: TicketTypeId) -> i64 {
        self.taken.get(&kind).copied().unwrap_or(0)
    }

    /// Counts places as taken that are about to be, or as given back where `places` is negative.
    pub(crate) fn reserve(&mut self, kind: TicketTypeId, places: i64) {
        *self.taken.entry(kind).or_default() += places;
    }
}

/// The shared quotas of an event.
pub(crate) fn of_event(view: &impl Read, event: EventId) -> Result<Vec<Quota>, Error> {
    view.scan::<Quota>(&event, None, store::Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// The add-ons of an event with how many are out.
pub(crate) fn addons_of(view: &impl Read, event: EventId) -> Result<Vec<(AddOn, i64)>, Error> {
    let mut rows = Vec::new();
    for kept in view.scan::<AddOn>(&event, None, store::Order::Ascending) {
        let (_, addon) = kept?;
        let taken = view.count(&ADDONS_TAKEN, &(event, addon.id))?;
        rows.push((addon, taken));
    }
    Ok(rows)
}

/// The shared quotas with what each has left.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<(Quota, i64)>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| {
        let stocks = Stocks::read(view, event)?;
        Ok(stocks.quotas.iter().map(|quota| (quota.clone(), stocks.left_of(quota))).collect())
    })
}

fn known(view: &impl Read, event: EventId) -> Result<Vec<TicketTypeId>, Error> {
    Ok(ticket_type::of_event(view, event)?.into_iter().map(|kind| kind.id).collect())
}

fn summary(quota: &Quota) -> String {
    let kinds: Vec<String> = quota.kinds.iter().map(TicketTypeId::to_string).collect();
    format!("{} | {} | types {}", quota.name, quota.size, kinds.join(", "))
}

/// Adds a shared quota (`id` none) or changes one. It may be made smaller than what is taken: then nothing is left.
pub async fn save(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: Option<QuotaId>,
    input: &QuotaInput,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let input = input.clone();
    ctx.write(&permit, move |work| {
        let (name, size, kinds) = check_quota(&input, &known(work.read(), event)?)?;
        let all = of_event(work.read(), event)?;
        let before = all.iter().find(|quota| Some(quota.id) == id);
        if id.is_some() && before.is_none() {
            return Err(Refusal::missing("shared quota").into());
        }
        if id.is_none() && all.len() >= QUOTAS_MAX {
            return Err(refuse!(
                Conflict,
                "quota.too_many",
                "An event can have at most {max} shared quotas.",
                max = QUOTAS_MAX
            )
            .into());
        }
        let id = id.map_or_else(|| work.next_id::<Quota>().map(QuotaId), Ok)?;
        let quota = Quota { id, event, name, size, kinds };
        work.put(&quota)?;
        let was = before.map_or(String::new(), summary);
        work.audit("quota.save", format!("event/{event}/quota/{id}"), &was, &summary(&quota))
    })
    .await
}

/// Removes a shared quota; the types go on by their own numbers.
pub async fn remove(ctx: &Ctx, actor: &Actor, event: EventId, id: QuotaId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let quota = work.read().get::<Quota>(&(event, id))?.ok_or_else(|| Refusal::missing("shared quota"))?;
        work.remove::<Quota>(&(event, id))?;
        work.audit("quota.remove", format!("event/{event}/quota/{id}"), &summary(&quota), "")
    })
    .await
}

/// The add-ons with how many are out, for the secretariat.
pub fn addons(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<(AddOn, i64)>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| addons_of(view, event))
}

/// The add-ons that visitors can still take.
pub fn public_addons(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<AddOn>, Error> {
    ctx.read(&ctx.public(actor), |view| {
        let rows = addons_of(view, event)?.into_iter();
        let left = |(addon, taken): (AddOn, i64)| {
            let there = addon.enabled && addon.quota.is_none_or(|quota| taken < i64::from(quota));
            there.then_some(addon)
        };
        Ok(rows.filter_map(left).collect())
    })
}

fn addon_summary(addon: &AddOn) -> String {
    let state = if addon.enabled { "enabled" } else { "disabled" };
    format!("{} | ¥{} | {:?} | {state}", addon.name, addon.price.to_yuan(), addon.quota)
}

/// Adds an add-on (`id` none) or changes one.
pub async fn save_addon(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: Option<AddOnId>,
    input: &AddOnInput,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let input = input.clone();
    ctx.write(&permit, move |work| {
        let all = addons_of(work.read(), event)?;
        let before = all.iter().find(|(addon, _)| Some(addon.id) == id);
        if id.is_some() && before.is_none() {
            return Err(Refusal::missing("add-on").into());
        }
        if id.is_none() && all.len() >= ADDONS_MAX {
            return Err(refuse!(
                Conflict,
                "addon.too_many",
                "An event can have at most {max} add-ons.",
                max = ADDONS_MAX
            )
            .into());
        }
        let id = id.map_or_else(|| work.next_id::<AddOn>().map(AddOnId), Ok)?;
        let taken = before.map_or(0, |(_, taken)| *taken);
        let addon = check_addon(&input, (id, event), &known(work.read(), event)?, taken)?;
        work.put(&addon)?;
        let was = before.map_or(String::new(), |(addon, _)| addon_summary(addon));
        work.audit("addon.save", format!("event/{event}/addon/{id}"), &was, &addon_summary(&addon))
    })
    .await
}

/// Shows an add-on to visitors or hides it.
pub async fn enable_addon(ctx: &Ctx, actor: &Actor, event: EventId, id: AddOnId, enabled: bool) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let before = work.read().get::<AddOn>(&(event, id))?.ok_or_else(|| Refusal::missing("add-on"))?;
        let after = AddOn { enabled, ..before.clone() };
        work.put(&after)?;
        work.audit("addon.save", format!("event/{event}/addon/{id}"), &addon_summary(&before), &addon_summary(&after))
    })
    .await
}

/// Removes an add-on that nobody has.
pub async fn remove_addon(ctx: &Ctx, actor: &Actor, event: EventId, id: AddOnId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let addon = work.read().get::<AddOn>(&(event, id))?.ok_or_else(|| Refusal::missing("add-on"))?;
        if work.read().count(&ADDONS_TAKEN, &(event, id))? > 0 {
            return Err(refuse!(Conflict, "addon.in_use", "Somebody has ordered this. Disable it instead.").into());
        }
        work.remove::<AddOn>(&(event, id))?;
        work.audit("addon.remove", format!("event/{event}/addon/{id}"), &addon_summary(&addon), "")
    })
    .await
}

/// Copies shared quotas and add-ons to another event, with the new numbers of the types.
pub(crate) fn copy(
    work: &mut Work<'_, '_>,
    from: EventId,
    to: EventId,
    kinds: &BTreeMap<TicketTypeId, TicketTypeId>,
) -> Result<(), Error> {
    let renamed = |old: Vec<TicketTypeId>| old.iter().filter_map(|kind| kinds.get(kind).copied()).collect();
    for quota in of_event(work.read(), from)? {
        let id = QuotaId(work.next_id::<Quota>()?);
        work.insert(&Quota { id, event: to, kinds: renamed(quota.kinds), name: quota.name, size: quota.size })?;
    }
    for (addon, _) in addons_of(work.read(), from)? {
        let id = AddOnId(work.next_id::<AddOn>()?);
        work.insert(&AddOn { id, event: to, kinds: renamed(addon.kinds.clone()), ..addon })?;
    }
    Ok(())
}
