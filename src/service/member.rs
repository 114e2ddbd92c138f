//! Members and what tickets cost them: the list of members by phone, what ticket types are for them, and the one place that is asked whether
//! somebody is one.

use crate::{
    Actor, At, Ctx, Error, Work,
    privacy::access,
    row::{self, Row},
};
use domain::{
    EventId, Member, MemberOffer, Permission, Refusal, TicketTypeId, Time,
    member::{LINES_MAX, MEMBERS_MAX, check_lines, is_member},
    phone, refuse,
};
use std::collections::BTreeMap;
use store::catalogue::MEMBERS;
use store::{Order, Read};

/// Whether whoever has this phone is a member now. Prices, tickets for members and whatever else comes ask here and nowhere else; another
/// register of members, once there is one, is asked in [`registered`].
pub(crate) fn holds(view: &impl Read, phone: Option<&str>, now: Time) -> Result<bool, Error> {
    let Some(phone) = phone else { return Ok(false) };
    Ok(is_member(registered(view, phone)?.as_ref(), now))
}

/// What the association knows of a phone's owner as its member.
fn registered(view: &impl Read, phone: &str) -> Result<Option<Member>, Error> {
    Ok(view.get::<Member>(&phone.to_owned())?)
}

/// What the types of an event are for members.
pub(crate) fn offers_of(view: &impl Read, event: EventId) -> Result<BTreeMap<TicketTypeId, MemberOffer>, Error> {
    let all = view.scan::<MemberOffer>(&event, None, Order::Ascending);
    all.map(|kept| Ok(kept?.1))
        .map(|offer: Result<MemberOffer, Error>| offer.map(|offer| (offer.kind, offer)))
        .collect()
}

/// Keeps what a type is for members; none: the same as for everybody.
pub(crate) fn put_offer(
    work: &mut Work<'_, '_>,
    event: EventId,
    kind: TicketTypeId,
    offer: Option<(Option<domain::Money>, bool)>,
) -> Result<(), Error> {
    let before = work.read().get::<MemberOffer>(&(event, kind))?;
    let after = offer.map(|(price, only)| MemberOffer { event, kind, price, only });
    if before == after {
        return Ok(());
    }
    match &after {
        Some(offer) => work.put(offer)?,
        None => work.remove::<MemberOffer>(&(event, kind))?,
    }
    work.audit("ticket_type.member", format!("event/{event}/ticket_type/{kind}"), &said(&before), &said(&after))
}

fn said(offer: &Option<MemberOffer>) -> String {
    let Some(offer) = offer else { return String::new() };
    let price = offer.price.map_or("the same price".to_owned(), |price| format!("¥{}", price.to_yuan()));
    format!("members: {price}{}", if offer.only { ", nobody else" } else { "" })
}

/// A copied event is the same for members.
pub(crate) fn copy(
    work: &mut Work<'_, '_>,
    from: EventId,
    to: EventId,
    kinds: &BTreeMap<TicketTypeId, TicketTypeId>,
) -> Result<(), Error> {
    for (kind, offer) in offers_of(work.read(), from)? {
        let Some(new) = kinds.get(&kind) else { continue };
        work.put(&MemberOffer { event: to, kind: *new, ..offer })?;
    }
    Ok(())
}

/// Members of one page.
pub const PAGE: usize = 50;

/// A page of the list.
#[derive(Debug, Clone)]
pub struct Found {
    /// The members of the page.
    pub members: Vec<Member>,
    /// How many were found.
    pub found: usize,
    /// How many there are.
    pub all: i64,
    /// Now, to tell whose membership is over.
    pub now: Time,
    /// Phones may be shown in full.
    pub full: bool,
}

/// The members that a query finds by name or phone, by phone.
pub async fn list(ctx: &Ctx, actor: &Actor, text: &str, page: usize) -> Result<Found, Error> {
    let permit = ctx.permit(actor, Permission::MemberManage, At::Space)?;
    let full = ctx.permit(actor, Permission::PersonSensitive, At::Space).is_ok();
    let (own, who, query) = (ctx.clone(), actor.clone(), row::read(ctx, permit.space, text)?);
    crate::aside(move || {
        own.read(&permit, |view| {
            let mut out =
                Found { members: Vec::new(), found: 0, all: view.count(&MEMBERS, &())?, now: own.now(), full };
            for kept in view.scan::<Member>(&(), None, Order::Ascending) {
                let (_, member) = kept?;
                let phone = Some(member.phone.as_str());
                if !(Row { name: &member.name, phone, unmasked: full, ..Row::default() }).fits(&query) {
                    continue;
                }
                if (page.saturating_mul(PAGE)..page.saturating_add(1).saturating_mul(PAGE)).contains(&out.found) {
                    out.members.push(member);
                }
                out.found += 1;
            }
            if full {
                let phones = out.members.iter().map(|member| member.phone.as_str());
                access::note_phones(&own, &who, "member.list", None, phones)?;
            }
            Ok(out)
        })
    })
    .await
}

/// Members of one transaction.
const STEP: usize = 500;

/// Puts members on the list, out of lines; who is on it already gets the new name and day. Answers how many lines were taken.
pub async fn put(ctx: &Ctx, actor: &Actor, typed: &str) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::MemberManage, At::Space)?;
    let members = check_lines(typed, &ctx.zone(permit.space)?, ctx.now())?;
    for step in members.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(&permit, move |work| {
            let there = usize::try_from(work.read().count(&MEMBERS, &())?).unwrap_or(usize::MAX);
            if there + step.len() > MEMBERS_MAX {
                return Err(refuse!(
                    Conflict,
                    "member.too_many",
                    "The list can hold at most {max} members.",
                    max = MEMBERS_MAX
                )
                .into());
            }
            for member in &step {
                work.put(member)?;
            }
            let first = step.first().map_or(String::new(), |member| phone::masked(&member.phone));
            work.audit("member.put", "member".to_owned(), "", &format!("{} members from {first}", step.len()))
        })
        .await?;
    }
    Ok(members.len())
}

/// Takes members off the list.
pub async fn remove(ctx: &Ctx, actor: &Actor, phones: &[String]) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::MemberManage, At::Space)?;
    if phones.len() > LINES_MAX {
        return Err(Refusal::missing("member").into());
    }
    let phones = phones.to_vec();
    ctx.write(&permit, move |work| {
        let mut gone = Vec::new();
        for number in &phones {
            if work.read().get::<Member>(number)?.is_some() {
                work.remove::<Member>(number)?;
                gone.push(phone::masked(number));
            }
        }
        if gone.is_empty() {
            return Err(Refusal::missing("member").into());
        }
        let shown: Vec<String> = gone.iter().take(20).cloned().collect();
        work.audit("member.remove", "member".to_owned(), &format!("{}: {}", gone.len(), shown.join(", ")), "")
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event,
        order::{self, OrderInput, PersonInput},
        payment, registration,
        test::{founded, named, opened},
        ticket_type, voucher, waiting,
    };
    use domain::{order::OrderState, ticket_type::TicketTypeInput, voucher::VoucherInput};

    fn priced(price: &str, member: &str, only: bool) -> TicketTypeInput {
        TicketTypeInput {
            name: format!("票 {price} {member} {only}"),
            price: price.into(),
            enabled: true,
            member_price: member.into(),
            members_only: only,
            ..TicketTypeInput::default()
        }
    }

    async fn cash(ctx: &Ctx, admin: &Actor) {
        payment::save(ctx, admin, &[(domain::payment::Method::Cash, true, String::new())]).await.unwrap();
    }

    fn one(kind: TicketTypeId, name: &str, phone: &str, code: &str) -> OrderInput {
        let person = PersonInput { kind, addons: Vec::new(), ticket: named(name, phone) };
        OrderInput { people: vec![person], code: code.into(), ..OrderInput::default() }
    }

    #[tokio::test]
    async fn a_member_pays_the_member_price_and_takes_what_is_for_members() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (at, _) = opened(&hall, &admin).await;
        cash(ctx, &admin).await;
        let kind = ticket_type::save(ctx, &admin, at, None, &priced("100", "80", false)).await.unwrap();
        let closed = ticket_type::save(ctx, &admin, at, None, &priced("0", "", true)).await.unwrap();
        let later = ctx.now().plus(40 * domain::time::DAY).to_local(&ctx.zone(admin.space).unwrap());
        let day = later.split('T').next().unwrap();
        let lines = format!("13800000001 张三\n13800000002 李四 {day}\n13800000003 王五 2020-01-31");
        assert_eq!(put(ctx, &admin, &lines).await.unwrap(), 3);
        let visitor = Actor::visitor(admin.space);
        let total = async |kind, phone: &str, code: &str| {
            order::place(ctx, &visitor, at, &one(kind, "某", phone, code)).await.map(|order| order.sums().total)
        };
        assert_eq!(
            order::quote(ctx, &visitor, at, &one(kind, "张三", "138 0000 0001", "")).unwrap().total().fen,
            8_000
        );
        assert_eq!(total(kind, "13800000001", "").await.unwrap(), 8_000);
        assert_eq!(total(kind, "13800000003", "").await.unwrap(), 10_000, "the membership is over");
        assert_eq!(total(kind, "13900000009", "").await.unwrap(), 10_000);
        let refused = total(closed, "13900000010", "").await.unwrap_err();
        assert_eq!(refused.code(), Some("ticket.members_only"));
        assert_eq!(total(closed, "13800000002", "").await.unwrap(), 0);
        // A code and the membership are not added up, and a code that takes off less is not used.
        let code = |code: &str, effect: &str, value: &str| VoucherInput {
            code: code.into(),
            effect: effect.into(),
            value: value.into(),
            ..VoucherInput::default()
        };
        voucher::make(ctx, &admin, at, &code("HALF50", "percent", "50")).await.unwrap();
        voucher::make(ctx, &admin, at, &code("TENTH1", "percent", "10")).await.unwrap();
        put(ctx, &admin, "13800000004\n13800000005").await.unwrap();
        assert_eq!(total(kind, "13800000004", "HALF50").await.unwrap(), 5_000);
        let placed = order::place(ctx, &visitor, at, &one(kind, "某", "13800000005", "TENTH1")).await.unwrap();
        assert_eq!((placed.sums().total, placed.lines[0].is_for_member(), placed.voucher), (8_000, true, None));
        assert_eq!(placed.state, OrderState::PendingPayment);
        hall.advance(60 * domain::time::DAY);
        let found = list(ctx, &admin, "李四", 0).await.unwrap();
        assert_eq!((found.found, found.all), (1, 5));
        assert!(!is_member(found.members.first(), found.now));
        assert!(ctx.store().verify().is_sound());
    }

    #[tokio::test]
    async fn what_is_for_members_is_not_waited_for_nor_passed_on_by_others_and_is_copied() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (at, _) = opened(&hall, &admin).await;
        let input = TicketTypeInput { quota: "1".into(), ..priced("0", "", true) };
        let kind = ticket_type::save(ctx, &admin, at, None, &input).await.unwrap();
        put(ctx, &admin, "13800000001\n13800000002").await.unwrap();
        let sale = domain::sale::SaleInput {
            hold: "30".into(),
            most: "5".into(),
            offer: "60".into(),
            waiting: true,
            transfer: true,
            ..Default::default()
        };
        order::save_sale(ctx, &admin, at, &sale).await.unwrap();
        let visitor = Actor::visitor(admin.space);
        let placed = order::place(ctx, &visitor, at, &one(kind, "张三", "13800000001", "")).await.unwrap();
        let join = async |phone: &str| waiting::join(ctx, &visitor, at, kind, "某", phone).await;
        assert_eq!(join("13900000009").await.unwrap_err().code(), Some("ticket.members_only"));
        join("13800000002").await.unwrap();
        let (ticket, _) = placed.tickets().next().unwrap();
        let ticket = registration::get(ctx, &admin, at, ticket).unwrap();
        let link = crate::token::link(&ticket.link);
        let pass = async |phone: &str| order::transfer(ctx, &visitor, &link, &named("某", phone)).await;
        assert_eq!(pass("13900000008").await.unwrap_err().code(), Some("ticket.members_only"));
        put(ctx, &admin, "13900000008").await.unwrap();
        pass("13900000008").await.unwrap();
        let copied = event::copy(ctx, &admin, at, "明年").await.unwrap();
        let rows = ticket_type::list(ctx, &admin, copied).unwrap();
        assert!(rows.iter().any(|row| row.members_only), "{rows:?}");
        remove(ctx, &admin, &["+8613800000002".to_owned()]).await.unwrap();
        assert_eq!(list(ctx, &admin, "", 0).await.unwrap().found, 2);
        let denied = put(ctx, &visitor, "13800000002").await.unwrap_err();
        assert_eq!(denied.code(), Some("session.none"));
    }
}
