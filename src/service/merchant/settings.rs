//! What the platform decides for all merchants: switches, agreement, and how their login page looks (S0-86 … S0-90).

use super::may;
use crate::{Actor, Ctx, Error, event, picture as pictures};
use domain::{
    MerchantSetting, PictureId, Refusal, SpaceId,
    merchant::{SettingInput, check_setting},
};
use store::Read;

pub(super) fn kept(view: &impl Read) -> Result<MerchantSetting, Error> {
    Ok(view.get::<MerchantSetting>(&())?.unwrap_or_default())
}

/// The settings, for their page.
pub fn setting(ctx: &Ctx, actor: &Actor) -> Result<MerchantSetting, Error> {
    let permit = may(ctx, actor)?;
    ctx.read(&permit, kept)
}

/// What is done with a picture when the form is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    /// It stays.
    Keep,
    /// There is none any more.
    Remove,
    /// This file becomes it.
    Put(Vec<u8>),
}

impl Picture {
    async fn taken(self, ctx: &Ctx, actor: &Actor, field: &str) -> Result<Change, Error> {
        Ok(match self {
            Self::Keep => Change::Keep,
            Self::Remove => Change::Set(None),
            Self::Put(bytes) => {
                let taken = pictures::upload(ctx, actor, bytes).await;
                Change::Set(Some(taken.map_err(|error| error.at_field(field))?))
            }
        })
    }
}

/// A change of a picture, its file kept already.
#[derive(Debug, Clone, Copy)]
enum Change {
    Keep,
    Set(Option<PictureId>),
}

impl Change {
    fn of(self, before: Option<PictureId>) -> Option<PictureId> {
        match self {
            Self::Keep => before,
            Self::Set(picture) => picture,
        }
    }
}

/// Saves the settings.
pub async fn save_setting(
    ctx: &Ctx,
    actor: &Actor,
    revision: u32,
    input: &SettingInput,
    logo: Picture,
    background: Picture,
) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    check_setting(input, &MerchantSetting::default())?;
    let (logo, background) = (logo.taken(ctx, actor, "logo").await?, background.taken(ctx, actor, "background").await?);
    let input = input.clone();
    ctx.write(&permit, move |work| {
        let before = kept(work.read())?;
        event::check_revision(before.revision, revision)?;
        let mut after = check_setting(&input, &before)?;
        (after.logo, after.background) = (logo.of(before.logo), background.of(before.background));
        work.put(&after)?;
        let said = |of: &MerchantSetting| {
            format!("public {} | open {} | {} | {:?} {:?}", of.auto_public, of.open, of.title, of.logo, of.background)
        };
        work.audit("merchant.setting", "merchant", &said(&before), &said(&after))
    })
    .await
}

/// How the merchants' login page looks, for anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// Title; empty: the application's name.
    pub title: String,
    /// Logo.
    pub logo: Option<PictureId>,
    /// Picture behind the page.
    pub background: Option<PictureId>,
    /// The agreement, where merchants may register themselves.
    pub agreement: Option<String>,
}

/// How the merchants' login page looks. There is none within a merchant's space.
pub fn face(ctx: &Ctx, actor: &Actor) -> Result<Face, Error> {
    if actor.space != SpaceId::ASSOCIATION || ctx.association()?.is_none() {
        return Err(Refusal::missing("page").into());
    }
    let kept = ctx.read(&ctx.public(actor), kept)?;
    let agreement = Some(kept.agreement).filter(|_| kept.open);
    Ok(Face { title: kept.title, logo: kept.logo, background: kept.background, agreement })
}
