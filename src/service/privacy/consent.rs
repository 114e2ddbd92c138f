//! The versions of the privacy notice, and who agreed to which of them.

use super::{erase::subject, may};
use crate::{Actor, Ctx, Error, Work, token};
use data_encoding::HEXLOWER;
use domain::{
    Person, PersonId, Refusal, SpaceId,
    privacy::consent::{Consent, ConsentWay, PrivacyNotice, check_agreed, check_notice},
};
use store::{Order, Read};

/// Versions of the page.
const VERSIONS_SHOWN: usize = 50;

/// The newest version, whether it says something or not.
fn newest(view: &impl Read) -> Result<Option<PrivacyNotice>, Error> {
    let newest = view.scan::<PrivacyNotice>(&(), None, Order::Descending).next();
    Ok(newest.transpose()?.map(|(_, notice)| notice))
}

/// The version that holds; none: nothing is asked.
pub(crate) fn holding(view: &impl Read) -> Result<Option<PrivacyNotice>, Error> {
    Ok(newest(view)?.filter(|notice| !notice.text.is_empty()))
}

/// The notice that whoever registers agrees to; none: nothing is asked.
pub fn current(ctx: &Ctx, space: SpaceId) -> Result<Option<PrivacyNotice>, Error> {
    ctx.read(&ctx.own(space), holding)
}

/// A version by its number, for everybody: whoever agreed to it can read it again.
pub fn version(ctx: &Ctx, space: SpaceId, version: u32) -> Result<PrivacyNotice, Error> {
    let found = ctx.read(&ctx.own(space), |view| Ok(view.get::<PrivacyNotice>(&version)?))?;
    Ok(found.ok_or_else(|| Refusal::missing("privacy notice"))?)
}

/// The versions for the secretariat, the newest in front, with how many agreed to each and did not take it back.
pub async fn versions(ctx: &Ctx, actor: &Actor) -> Result<Vec<(PrivacyNotice, usize)>, Error> {
    let (permit, own) = (may(ctx, actor)?, ctx.clone());
    crate::aside(move || {
        own.read(&permit, |view| {
            let mut counts = std::collections::BTreeMap::<u32, usize>::new();
            for kept in view.scan::<Consent>(&(), None, Order::Ascending) {
                let (_, consent) = kept?;
                *counts.entry(consent.version).or_default() += usize::from(consent.withdrawn.is_none());
            }
            let mut all = Vec::new();
            for kept in view.scan::<PrivacyNotice>(&(), None, Order::Descending).take(VERSIONS_SHOWN) {
                let (version, notice) = kept?;
                all.push((notice, counts.get(&version).copied().unwrap_or(0)));
            }
            Ok(all)
        })
    })
    .await
}

/// Puts a new version of the notice in effect.
pub async fn publish(ctx: &Ctx, actor: &Actor, typed: &str) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let before = ctx.read(&permit, newest)?.map_or(String::new(), |notice| notice.text);
    let text = check_notice(typed, &before)?;
    let by = permit.by;
    ctx.write(&permit, move |work| {
        let version = newest(work.read())?.map_or(1, |notice| notice.version + 1);
        let hash = token::sha256(text.as_bytes());
        work.insert(&PrivacyNotice { version, text: text.clone(), hash, at: work.now, by })?;
        work.audit("privacy.notice", format!("privacy_notice/{version}"), "", &HEXLOWER.encode(&hash))
    })
    .await
}

/// Refuses unless whoever registers agreed to the version that holds.
pub(crate) fn check(view: &impl Read, agreed: Option<u32>) -> Result<(), Error> {
    Ok(check_agreed(holding(view)?.map(|notice| notice.version), agreed)?)
}

/// Takes down that somebody agreed to the version that holds, in the running transaction; the caller writes the audit line.
pub(crate) fn agree(work: &mut Work<'_, '_>, person: PersonId, way: ConsentWay) -> Result<(), Error> {
    let Some(notice) = holding(work.read())? else { return Ok(()) };
    let standing = work.read().get::<Consent>(&(person, notice.version))?;
    if standing.is_some_and(|kept| kept.withdrawn.is_none()) {
        return Ok(());
    }
    let (at, by) = (work.now, work.permit.by);
    work.put(&Consent { person, version: notice.version, hash: notice.hash, at, way, by, withdrawn: None })
}

/// Takes down that somebody agreed on paper.
pub async fn agree_on_paper(ctx: &Ctx, actor: &Actor, person: PersonId) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    ctx.write(&permit, move |work| {
        work.read().get::<Person>(&person)?.ok_or_else(|| Refusal::missing("person"))?;
        let notice = holding(work.read())?.ok_or_else(|| Refusal::missing("privacy notice"))?;
        agree(work, person, ConsentWay::Paper)?;
        work.audit("consent.give", subject(person), "", &format!("version {}", notice.version))
    })
    .await
}

/// Takes back every consent of somebody: by the secretariat on their word.
pub async fn withdraw_for(ctx: &Ctx, actor: &Actor, person: PersonId) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    withdraw_by(ctx, &permit, person).await
}

/// Takes back every consent of the logged-in person.
pub async fn withdraw(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let person = actor.person().ok_or_else(crate::identity::nobody)?;
    withdraw_by(ctx, &ctx.public(actor), person).await
}

async fn withdraw_by(ctx: &Ctx, permit: &crate::Permit, person: PersonId) -> Result<(), Error> {
    ctx.write(permit, move |work| {
        let standing: Vec<Consent> =
            of_person(work.read(), person)?.into_iter().filter(|kept| kept.withdrawn.is_none()).collect();
        if standing.is_empty() {
            return Err(Refusal::missing("consent").into());
        }
        let versions: Vec<String> = standing.iter().map(|kept| kept.version.to_string()).collect();
        for kept in standing {
            work.put(&Consent { withdrawn: Some(work.now), ..kept })?;
        }
        work.audit("consent.withdraw", subject(person), &versions.join(", "), "")
    })
    .await
}

/// What somebody agreed to, the oldest version in front.
pub(crate) fn of_person(view: &impl Read, person: PersonId) -> Result<Vec<Consent>, Error> {
    view.scan::<Consent>(&person, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// What the logged-in person agreed to.
pub fn own(ctx: &Ctx, actor: &Actor) -> Result<Vec<Consent>, Error> {
    let person = actor.person().ok_or_else(crate::identity::nobody)?;
    ctx.read(&ctx.public(actor), |view| of_person(view, person))
}
