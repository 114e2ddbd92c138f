//! Paying an order through WeChat: one attempt at a time, asked for when the buyer presses, asked for again under the same number when nobody
//! knows whether it was heard.

use super::{
    account::named,
    ask,
    hear::{check_strange, credit, hear, report, subject, words},
    off, refused,
};
use crate::{Actor, At, Ctx, Error, event, identity, order, wechat};
use domain::{
    Attempt, AttemptId, EventId, Money, Order, OrderId, PayAccount, Permission, Refusal, SpaceId, Time, WechatLink,
    WechatLinkId,
    order::OrderState,
    pay::{AttemptState, Report, Way, deadline, number},
    payment::Method,
    refuse,
    wechat::AppKind,
};
use gateway::pay::{NewOrder, Why, client::PayParameters};
use store::catalogue::{ATTEMPT_BY_NUMBER, ATTEMPT_BY_ORDER};
use store::{Order as Sort, Read};

/// Most attempts of one order.
const ATTEMPTS_MAX: usize = 30;

pub(super) fn of_order(view: &impl Read, event: EventId, id: OrderId) -> Result<Vec<Attempt>, Error> {
    let keys = view.scan_index(&ATTEMPT_BY_ORDER, &(event, id), None, Sort::Ascending);
    let mut all = Vec::new();
    for key in keys.take(ATTEMPTS_MAX) {
        all.extend(view.get::<Attempt>(&key?)?);
    }
    Ok(all)
}

/// What of an order is to be paid now; refused when nothing is.
fn payable(order: &Order) -> Result<Money, Refusal> {
    let due = order.sums().due();
    if order.state != OrderState::PendingPayment || due <= 0 {
        return Err(refuse!(Conflict, "pay.nothing_due", "Nothing is to be paid for this order now."));
    }
    Ok(Money::cny(due))
}

/// Begins to pay the order behind a link: the attempt that is open already, or a new one. The buyer pays what its code says.
pub async fn start(ctx: &Ctx, actor: &Actor, link: &str) -> Result<Attempt, Error> {
    start_by(ctx, actor, link, Way::Native, None).await
}

/// As [`start`], in that way; `app` is the one whose openid pays.
async fn start_by(ctx: &Ctx, actor: &Actor, link: &str, way: Way, app: Option<&str>) -> Result<Attempt, Error> {
    let space = actor.space;
    let (known, others) = ctx.read(&ctx.public(actor), |view| {
        if !super::is_offered(view)? {
            return Err(off().into());
        }
        let order = order::find(view, link)?;
        let amount = payable(&order)?;
        let all = of_order(view, order.event, order.id)?;
        let pending = all.into_iter().filter(|attempt| attempt.state.is_pending());
        let (app, _) = named(view, app)?;
        let (good, others): (Vec<_>, Vec<_>) = pending.partition(|one| one.serves(amount, &way, &app, ctx.now()));
        Ok((good.into_iter().next_back(), others))
    })?;
    // Two that can be paid at once would be paid twice by somebody.
    for other in others {
        put_away(ctx, space, &other).await?;
    }
    let attempt = match known {
        Some(attempt) => attempt,
        None => begin(ctx, actor, link, way, app).await?,
    };
    if attempt.state == AttemptState::Open { Ok(attempt) } else { open(ctx, space, attempt).await }
}

/// Writes a new attempt down, before WeChat hears of it.
async fn begin(ctx: &Ctx, actor: &Actor, link: &str, way: Way, app: Option<&str>) -> Result<Attempt, Error> {
    let (link, app, random) = (link.to_owned(), app.map(str::to_owned), ctx.random.number());
    ctx.write(&ctx.public(actor), move |work| {
        let mut order = order::find(work.read(), &link)?;
        let amount = payable(&order)?;
        let before = of_order(work.read(), order.event, order.id)?;
        // Whoever pressed at the same time was first: one attempt for both.
        let account = named(work.read(), app.as_deref())?;
        let serves = |one: &&Attempt| one.state.is_pending() && one.serves(amount, &way, &account.0, work.now);
        if let Some(known) = before.iter().rfind(serves) {
            return Ok(known.clone());
        }
        if before.len() >= ATTEMPTS_MAX {
            return Err(refuse!(
                Conflict,
                "pay.too_many",
                "This order was tried to be paid too often. Ask the secretariat."
            )
            .into());
        }
        let number = number(&order.number, random);
        if work.read().find_key::<Attempt, _>(&ATTEMPT_BY_NUMBER, &number)?.is_some() {
            return Err(refuse!(Conflict, "pay.again", "Please press once more.").into());
        }
        let attempt = Attempt {
            id: AttemptId(work.next_id::<Attempt>()?),
            event: order.event,
            order: order.id,
            number,
            account,
            description: event::load(work.read(), order.event)?.name.chars().take(60).collect(),
            way: way.clone(),
            amount,
            until: deadline(order.hold_until, work.now),
            state: AttemptState::Asked,
            code: String::new(),
            received: None,
            trouble: String::new(),
            created_at: work.now,
            changed_at: work.now,
        };
        work.insert(&attempt)?;
        work.audit("pay.start", subject(&attempt), "", &words(&attempt))?;
        if order.method.is_none() {
            order.method = Some(Method::Wechat);
            order.revision += 1;
            work.put(&order)?;
        }
        Ok(attempt)
    })
    .await
}

fn loaded(ctx: &Ctx, space: SpaceId, number: &str) -> Result<Attempt, Error> {
    ctx.read(&ctx.own(space), |view| {
        let found = view.find::<Attempt, _>(&ATTEMPT_BY_NUMBER, &number.to_owned())?;
        Ok(found.ok_or_else(|| Refusal::missing("payment"))?)
    })
}

/// Asks WeChat for what was written down. Whatever comes of it can be asked for again under the same number.
async fn open(ctx: &Ctx, space: SpaceId, attempt: Attempt) -> Result<Attempt, Error> {
    let of = &attempt;
    let answer = ask(ctx, space, |client| async move {
        let openid = match &of.way {
            Way::Native => None,
            Way::Jsapi(openid) => Some(openid.as_str()),
        };
        let (app, number, description) = (of.account.0.as_str(), of.number.as_str(), of.description.as_str());
        client.order(&NewOrder { app, number, description, fen: of.amount.fen, until: of.until, openid }).await
    })
    .await?;
    match answer {
        Ok(code) => {
            hear(ctx, space, &attempt.number, Report::Answered(code)).await?;
            loaded(ctx, space, &attempt.number)
        }
        Err(why) if why.code() == "ORDERPAID" => {
            look(ctx, space, &attempt).await?;
            loaded(ctx, space, &attempt.number)
        }
        Err(why) => {
            let report = match (&why, why.code()) {
                (_, "ORDER_CLOSED") => Some(Report::Closed),
                (Why::Refused(..), _) => Some(Report::Refused(why.to_string())),
                _ => None,
            };
            if let Some(report) = report {
                hear(ctx, space, &attempt.number, report).await?;
            }
            tracing::warn!(number = attempt.number, %why, "a payment was not opened");
            Err(refused(&why).into())
        }
    }
}

/// What a phone inside WeChat needs, with the attempt.
#[derive(Debug, Clone)]
pub struct Inside {
    /// The attempt.
    pub attempt: Attempt,
    /// For `wx.requestPayment` or `WeixinJSBridge`.
    pub parameters: PayParameters,
}

/// As [`start`], for the phone of that openid inside WeChat, which is of that app alone (S0-75).
pub async fn inside(ctx: &Ctx, actor: &Actor, link: &str, (app, openid): (&str, &str)) -> Result<Inside, Error> {
    let plain = (1..=128).contains(&openid.len()) && openid.bytes().all(|b| b.is_ascii_graphic());
    if !plain {
        return Err(refuse!(Invalid, "pay.openid", "This is no user of WeChat.").into());
    }
    let attempt = start_by(ctx, actor, link, Way::Jsapi(openid.to_owned()), Some(app)).await?;
    let speaker = super::client(ctx, actor.space)?.ok_or_else(off)?;
    let parameters = speaker.parameters(&attempt.account.0, &attempt.code).map_err(|why| Error::from(refused(&why)))?;
    Ok(Inside { attempt, parameters })
}

/// Whether orders are paid in that app inside WeChat: only openids of such apps can pay.
fn is_paid_in(view: &impl Read, app: &str) -> Result<bool, Error> {
    let account = view.get::<PayAccount>(&())?;
    Ok(super::is_offered(view)? && account.is_some_and(|account| account.apps().any(|known| known == app)))
}

/// As [`inside`], for the logged-in person's own order, by the openid with which that kind of app knows them: what is prepared for one app
/// cannot be paid in the other.
pub async fn inside_own(ctx: &Ctx, actor: &Actor, link: &str, kind: AppKind) -> Result<Inside, Error> {
    let person = actor.person().ok_or_else(identity::nobody)?;
    let known = wechat::enabled(ctx, actor.space, kind)?.map(|app| app.app);
    let (app, openid) = ctx.read(&ctx.public(actor), |view| {
        let order = order::find(view, link)?;
        if !identity::owns(view, person, &order)? {
            return Err(refuse!(
                Denied,
                "pay.not_own",
                "This order is not one of yours. Let its buyer pay it, or scan its code."
            )
            .into());
        }
        if !super::is_offered(view)? {
            return Err(off().into());
        }
        let none = || refuse!(Conflict, "pay.no_openid", "Log in through WeChat first, or pay by scanning the code.");
        let app = known.clone().ok_or_else(none)?;
        if !is_paid_in(view, &app)? {
            return Err(none().into());
        }
        let openid = identity::openid(view, person, &app)?.ok_or_else(none)?;
        Ok((app, openid))
    })?;
    inside(ctx, actor, link, (&app, &openid)).await
}

/// Whether the official account takes the money: then whoever logs in on a page inside WeChat can pay there.
pub fn is_paid_by_official(ctx: &Ctx, space: SpaceId) -> Result<bool, Error> {
    let official = wechat::enabled(ctx, space, AppKind::Official)?;
    let Some(official) = official else { return Ok(false) };
    ctx.read(&ctx.own(space), |view| is_paid_in(view, &official.app))
}

/// Whether a phone that logged in through WeChat can pay inside it: its app is one that takes the money.
pub fn can_inside(ctx: &Ctx, space: SpaceId, phone: WechatLinkId) -> Result<bool, Error> {
    Ok(ctx.read(&ctx.own(space), |view| phone_in(view, phone))?.is_some())
}

/// The app and the openid in it with which such a phone pays.
fn phone_in(view: &impl Read, phone: WechatLinkId) -> Result<Option<(String, String)>, Error> {
    match view.get::<WechatLink>(&phone)? {
        Some(link) if is_paid_in(view, &link.app)? => Ok(Some((link.app, link.openid))),
        _ => Ok(None),
    }
}

/// As [`inside`], for a phone that logged in through WeChat and has the order's link: whoever has it may pay it.
pub async fn inside_page(ctx: &Ctx, actor: &Actor, link: &str, phone: WechatLinkId) -> Result<Inside, Error> {
    let known = ctx.read(&ctx.public(actor), |view| phone_in(view, phone))?;
    let (app, openid) = known.ok_or_else(|| {
        Error::from(refuse!(Conflict, "pay.no_openid", "Log in through WeChat first, or pay by scanning the code."))
    })?;
    inside(ctx, actor, link, (&app, &openid)).await
}

/// Asks WeChat how an attempt stands.
pub(super) async fn look(ctx: &Ctx, space: SpaceId, attempt: &Attempt) -> Result<(), Error> {
    let number = &attempt.number;
    match ask(ctx, space, |client| async move { client.query(number).await }).await? {
        Ok(trade) if trade.out_trade_no == *number => {
            if let Some(report) = report(&trade) {
                hear(ctx, space, number, report).await?;
            }
        }
        Ok(_) => tracing::error!(number, "WeChat answered about another payment"),
        // What WeChat never heard of, and can no longer be paid, is over.
        Err(why) if why.is_missing() && ctx.now() >= attempt.until => {
            hear(ctx, space, number, Report::Closed).await?;
        }
        Err(why) => tracing::debug!(number, %why, "a payment was asked about"),
    }
    Ok(())
}

/// Closes an attempt that nobody is to pay any more; paid already, it counts.
pub(super) async fn put_away(ctx: &Ctx, space: SpaceId, attempt: &Attempt) -> Result<(), Error> {
    let number = &attempt.number;
    match ask(ctx, space, |client| async move { client.close(number).await }).await? {
        Ok(()) => {
            hear(ctx, space, number, Report::Closed).await?;
        }
        Err(why) if why.code() == "ORDER_CLOSED" => {
            hear(ctx, space, number, Report::Closed).await?;
        }
        Err(why) if why.is_missing() => {
            // WeChat never heard of it. It may still be on its way there until its time is over.
            if attempt.state == AttemptState::Asked || ctx.now() >= attempt.until {
                hear(ctx, space, number, Report::Closed).await?;
            }
        }
        Err(Why::Refused(..)) => look(ctx, space, attempt).await?,
        Err(why) => tracing::debug!(number, %why, "a payment was not closed"),
    }
    Ok(())
}

/// The least time between two questions that a buyer's press asks.
const PRESS_MILLIS: i64 = 2_000;

/// The buyer says that it is paid: WeChat is asked now. Not more often than is good for anybody.
pub async fn look_now(ctx: &Ctx, actor: &Actor, link: &str) -> Result<(), Error> {
    let pending: Vec<Attempt> = ctx.read(&ctx.public(actor), |view| {
        let order = order::find(view, link)?;
        let all = of_order(view, order.event, order.id)?;
        Ok(all.into_iter().filter(|attempt| attempt.state.is_pending()).collect())
    })?;
    for attempt in pending {
        let key = format!("pressed {}", attempt.number);
        if !ctx.pay.was_done_within(actor.space, &key, PRESS_MILLIS, ctx.now()) {
            look(ctx, actor.space, &attempt).await?;
        }
    }
    Ok(())
}

/// The secretariat takes what was paid as it is, although something else was asked for.
pub async fn accept(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId, number: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let number = number.to_owned();
    ctx.write(&permit, move |work| {
        let found = work.read().find::<Attempt, _>(&ATTEMPT_BY_NUMBER, &number)?;
        let found = found.filter(|attempt| (attempt.event, attempt.order) == (event, id));
        let mut attempt = found.ok_or_else(|| Refusal::missing("payment"))?;
        check_strange(&attempt)?;
        let before = words(&attempt);
        let amount = attempt.accept(work.now).ok_or_else(|| {
            refuse!(
                Conflict,
                "pay.foreign",
                "What was paid is not in yuan. Give it back on WeChat's merchant platform."
            )
        })?;
        work.put(&attempt)?;
        work.audit("pay.accept", subject(&attempt), &before, &words(&attempt))?;
        credit(work, &attempt, amount)
    })
    .await
}

/// Whether an attempt should be closed: nothing is due any more, or another amount, or its time is over.
pub(super) fn is_over(view: &impl Read, attempt: &Attempt, now: Time) -> Result<bool, Error> {
    let order = view.get::<Order>(&(attempt.event, attempt.order))?;
    let wanted = order.is_some_and(|order| payable(&order).is_ok_and(|due| due == attempt.amount));
    Ok(!wanted || now >= attempt.until)
}
