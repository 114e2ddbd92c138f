//! Ways to pay as the association set them up (S0-74, S0-75).

use crate::{Actor, At, Ctx, Error, merchant};
use domain::{
    PaymentSetting, Permission,
    payment::{Method, check_setting},
};
use store::Read;

/// All ways with their settings.
pub(crate) fn settings_in(view: &impl Read) -> Result<Vec<PaymentSetting>, Error> {
    let kept = |method: &Method| {
        Ok(view.get::<PaymentSetting>(&(*method as u8))?.unwrap_or_else(|| PaymentSetting::off(*method)))
    };
    Method::ALL.iter().map(kept).collect()
}

/// Whether buyers have any way to pay.
pub(crate) fn is_payable(view: &impl Read) -> Result<bool, Error> {
    Ok(merchant::may_charge(view)? && settings_in(view)?.iter().any(|setting| setting.enabled))
}

/// All ways, for the settings page.
pub fn settings(ctx: &Ctx, actor: &Actor) -> Result<Vec<PaymentSetting>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, settings_in)
}

/// The ways that buyers can choose.
pub fn offered(ctx: &Ctx, actor: &Actor) -> Result<Vec<PaymentSetting>, Error> {
    ctx.read(&ctx.public(actor), |view| {
        let mut all = settings_in(view)?;
        all.retain(|setting| setting.enabled);
        Ok(all)
    })
}

/// Saves the settings of all ways; the first that is wrong is refused and none is kept.
pub async fn save(ctx: &Ctx, actor: &Actor, typed: &[(Method, bool, String)]) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let checked = typed.iter().map(|(method, enabled, text)| check_setting(*method, *enabled, text));
    let checked: Vec<PaymentSetting> = checked.collect::<Result<_, _>>()?;
    ctx.write(&permit, move |work| {
        if checked.iter().any(|setting| setting.enabled && setting.method == Method::Wechat) {
            crate::pay::check_ready(work.read())?;
        }
        let on = |all: &[PaymentSetting]| {
            let on = all.iter().filter(|setting| setting.enabled).map(|setting| setting.method.code());
            on.collect::<Vec<_>>().join(", ")
        };
        let before = on(&settings_in(work.read())?);
        merchant::check_charging(work.read(), checked.iter().any(|setting| setting.enabled))?;
        for setting in &checked {
            work.put(setting)?;
        }
        work.audit("payment.settings", "space", &before, &on(&checked))
    })
    .await
}
