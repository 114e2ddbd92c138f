//! Taking personal data out of the space of a deleted merchant: each of its events is archived, and whatever else the space holds of people is
//! removed. Figures stay. It goes in small transactions, goes on where it stopped, and may be done twice.

use super::{all, load, may, said, settings, subject};
use crate::{Actor, Ctx, Error, Permit, Work, archive};
use domain::{
    Event, FeedbackForm, MerchantId, MerchantPurge, Person, Series, SpaceId, Voucher,
    archive::{bare_event, freeze_person, freeze_voucher},
    merchant::{MerchantState, bare_merchant, check_purge, is_purge_due},
};
use store::{Key, Order, Read, Record, SpaceView};

/// Records that change in one transaction.
const STEP: usize = 200;

/// How far the purge of a merchant is; none: nobody began one.
pub fn purge_of(ctx: &Ctx, actor: &Actor, id: MerchantId) -> Result<Option<MerchantPurge>, Error> {
    let permit = may(ctx, actor)?;
    ctx.read(&permit, |view| Ok(view.get::<MerchantPurge>(&id)?))
}

/// Begins to remove the personal data of a deleted merchant by hand; its name was typed. The work itself is [`purge`].
pub async fn begin_purge(ctx: &Ctx, actor: &Actor, id: MerchantId, typed: &str) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let typed = typed.to_owned();
    ctx.write(&permit, move |work| {
        let merchant = load(work.read(), id)?;
        check_purge(&typed, &merchant, work.read().get::<MerchantPurge>(&id)?.as_ref())?;
        work.put(&MerchantPurge { merchant: id, begun: work.now, done: None })?;
        work.audit("merchant.purge", subject(id), &said(&merchant), "by hand")
    })
    .await
}

/// Purges every deleted merchant whose time has come, and goes on with those that were begun; answers how many. Called by the clock.
pub async fn purge_due(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if space != SpaceId::ASSOCIATION {
        return Ok(0);
    }
    let (own, now) = (ctx.own(space), ctx.now());
    let due = ctx.read(&own, |view| {
        let (setting, mut due) = (settings::kept(view)?, Vec::new());
        for merchant in all(view)?.into_iter().filter(|merchant| merchant.state == MerchantState::Closed) {
            if is_purge_due(&merchant, &setting, view.get::<MerchantPurge>(&merchant.id)?.as_ref(), now) {
                due.push(merchant.id);
            }
        }
        Ok(due)
    })?;
    for id in &due {
        ctx.write(&own, {
            let id = *id;
            move |work| {
                let merchant = load(work.read(), id)?;
                if merchant.state != MerchantState::Closed || work.read().get::<MerchantPurge>(&id)?.is_some() {
                    return Ok(());
                }
                work.put(&MerchantPurge { merchant: id, begun: work.now, done: None })?;
                work.audit("merchant.purge", subject(id), &said(&merchant), "by the set time")
            }
        })
        .await?;
        purge(ctx, *id).await?;
    }
    Ok(due.len())
}

/// Does the work for one merchant whose purge was begun, from wherever it stands, to its end.
pub async fn purge(ctx: &Ctx, id: MerchantId) -> Result<(), Error> {
    let platform = ctx.own(SpaceId::ASSOCIATION);
    let (merchant, begun) = ctx.read(&platform, |view| Ok((load(view, id)?, view.get::<MerchantPurge>(&id)?)))?;
    if merchant.state != MerchantState::Closed || begun.is_none_or(|purge| purge.done.is_some()) {
        return Ok(());
    }
    if let Some(space) = merchant.space.filter(|space| *space != SpaceId::ASSOCIATION) {
        empty(ctx, space).await?;
    }
    ctx.write(&platform, move |work| {
        let Some(purge) = work.read().get::<MerchantPurge>(&id)?.filter(|purge| purge.done.is_none()) else {
            return Ok(());
        };
        work.put(&bare_merchant(&load(work.read(), id)?))?;
        work.put(&MerchantPurge { done: Some(work.now), ..purge })?;
        work.audit("merchant.purged", subject(id), "", "")
    })
    .await?;
    if let Some(space) = merchant.space {
        ctx.space_changed(space);
    }
    Ok(())
}

/// Takes everything personal out of a space.
async fn empty(ctx: &Ctx, space: SpaceId) -> Result<(), Error> {
    let own = ctx.own(space);
    let events = keys::<Event>(ctx, &own).await?;
    for id in events {
        archive::begin_now(ctx, space, id).await?;
        archive::run(ctx, space, id).await?;
    }
    archive::remove_files(ctx, move |(of, _)| of == space).await?;
    rule::<Person>(ctx, &own, freeze_person).await?;
    rule::<Event>(ctx, &own, bare_event).await?;
    rule::<Series>(ctx, &own, |of| Series { intro: String::new(), ..of.clone() }).await?;
    rule::<FeedbackForm>(ctx, &own, |of| FeedbackForm { intro: String::new(), ..of.clone() }).await?;
    rule::<Voucher>(ctx, &own, freeze_voucher).await?;
    for table in GONE {
        table.empty(ctx, &own).await?;
    }
    Ok(())
}

/// Changes every record of a table by a rule.
async fn rule<R: Record + PartialEq>(ctx: &Ctx, permit: &Permit, rule: fn(&R) -> R) -> Result<(), Error>
where
    R::Key: Clone + Send + Sync + 'static,
{
    let said = |changed: usize| format!("{changed} changed");
    let line = ("space.purge", R::TABLE.name.to_owned());
    crate::archive::change_all(ctx, permit, &keys::<R>(ctx, permit).await?, rule, line, said).await
}

/// Reads a space aside.
async fn looked<T: Send + 'static>(
    ctx: &Ctx,
    permit: &Permit,
    f: impl FnOnce(&SpaceView) -> Result<T, store::Error> + Send + 'static,
) -> Result<T, Error> {
    let (ctx, permit) = (ctx.clone(), permit.clone());
    crate::aside(move || ctx.read(&permit, |view| Ok(f(view)?))).await
}

/// The keys of a table.
async fn keys<R: Record>(ctx: &Ctx, permit: &Permit) -> Result<Vec<R::Key>, Error>
where
    R::Key: Send + 'static,
{
    looked(ctx, permit, |view| view.scan_keys::<R>(&(), None, Order::Ascending).collect()).await
}

/// A table of which nothing stays, whatever its records are: one machine empties them all.
#[derive(Clone, Copy)]
struct Gone {
    name: &'static str,
    keys: fn(&SpaceView) -> Result<Vec<Vec<u8>>, store::Error>,
    remove: fn(&mut Work<'_, '_>, &[u8]) -> Result<(), Error>,
}

impl Gone {
    const fn of<R: Record>() -> Self {
        Self { name: R::TABLE.name, keys: key_bytes::<R>, remove: remove::<R> }
    }

    /// Removes every record of the table.
    async fn empty(self, ctx: &Ctx, permit: &Permit) -> Result<(), Error> {
        for step in looked(ctx, permit, self.keys).await?.chunks(STEP) {
            let step = step.to_vec();
            ctx.write(permit, move |work| {
                for key in &step {
                    (self.remove)(work, key)?;
                }
                work.audit("space.purge", self.name, &format!("{} removed", step.len()), "")
            })
            .await?;
        }
        Ok(())
    }
}

fn key_bytes<R: Record>(view: &SpaceView) -> Result<Vec<Vec<u8>>, store::Error> {
    view.scan_keys::<R>(&(), None, Order::Ascending).map(|key| key.map(|key| key.bytes())).collect()
}

fn remove<R: Record>(work: &mut Work<'_, '_>, mut key: &[u8]) -> Result<(), Error> {
    let of = R::Key::decode(&mut key).ok_or_else(|| Error::Internal("a key that does not read".into()))?;
    work.remove::<R>(&of)
}

macro_rules! gone {
    ($($record:path),* $(,)?) => {
        /// Tables of which nothing stays.
        const GONE: &[Gone] = &[$(Gone::of::<$record>()),*];
    };
}

gone! {
    domain::Session, domain::SecondStep, domain::KnownBrowser, domain::LoginLine, domain::PasswordLink, domain::Passkey,
    domain::Grant, domain::Account, domain::Device, domain::DevicePrint,
    domain::identity::PersonSession, domain::identity::LoginCode, domain::identity::Identity, domain::identity::PersonTicket,
    domain::identity::PersonOrder, domain::identity::PersonMerge, domain::identity::PersonMoved, domain::Once,
    domain::Document, domain::SavedSearch, domain::import::RefusedRow, domain::Import, domain::checkin::DoorAnswers,
    domain::Waiter, domain::Member, domain::Notice, domain::Reminder, domain::Dispatch, domain::MessageChoice,
    domain::MessageTemplate, domain::MessageDefaults, domain::MessageTrail, domain::PersonLang, domain::Blast, domain::BlastPart,
    domain::message::DispatchCursor, domain::SmsLine, domain::SmsSetting, domain::MailSetting, domain::MessageSetting,
    domain::Outgoing, domain::Webhook, domain::webhook::CheckinCursor,
    domain::WechatApp, domain::WechatKept, domain::WechatLink, domain::WechatCredit, domain::WechatPush,
    domain::PayAccount, domain::PayCertificate, domain::PayBill, domain::PaymentSetting,
    domain::draw::Message, domain::draw::Face, domain::draw::FaceCheck, domain::draw::Entrant, domain::draw::Line, domain::draw::DrawSecret,
    domain::draw::Running, domain::draw::Win, domain::draw::Round, domain::draw::Draw,
    domain::Portrait, domain::Certificate, domain::PrintRun, domain::Design, domain::EventShare, domain::Picture, domain::Sound,
    domain::Talk, domain::TalkChoice, domain::FeedbackGiven, domain::HomePart, domain::Brand,
    domain::SeatPlan, domain::Seating, domain::privacy::consent::Consent,
    domain::second::SecondRule, domain::ApiClient, domain::ClientUse,
    domain::FirstPassword, domain::eyes::Eyes,
}

#[cfg(test)]
mod tests;
