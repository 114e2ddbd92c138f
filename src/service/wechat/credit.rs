//! How many subscribe messages somebody may still be sent: each yes is one, a no in the phone's settings ends them, and WeChat's refusal says
//! that there was none.

use super::{app_in, login::Linked};
use crate::{Ctx, Error, Work};
use domain::{
    Refusal, SpaceId, WechatCredit, WechatLink, WechatLinkId, problem,
    wechat::{AppKind, Consent, TEMPLATE_ID_MAX, credit_after},
};
use store::Read;

/// Most templates that a phone can ask for at once.
const ASKED_MAX: usize = 5;

/// How many messages of a template may be sent.
pub(crate) fn left_in(view: &impl Read, link: WechatLinkId, template: &str) -> Result<u32, Error> {
    Ok(view.get::<WechatCredit>(&(link, template.to_owned()))?.map_or(0, |credit| credit.left))
}

/// Changes how many may be sent; the caller writes the audit line.
pub(crate) fn change(
    work: &mut Work<'_, '_>,
    link: WechatLinkId,
    template: &str,
    consent: Consent,
) -> Result<u32, Error> {
    let before = left_in(work.read(), link, template)?;
    let left = credit_after(before, consent);
    if left != before {
        work.put(&WechatCredit { link, template: template.to_owned(), left, changed_at: work.now })?;
    }
    Ok(left)
}

/// Takes down what a phone says that its owner chose. Where WeChat itself tells the box (pushes are set up), that is what counts, and the phone's
/// word is not counted a second time.
pub async fn report(ctx: &Ctx, space: SpaceId, link: &Linked, choices: &[(String, bool)]) -> Result<(), Error> {
    let sound = |(template, _): &(String, bool)| {
        (1..=TEMPLATE_ID_MAX).contains(&template.len()) && template.bytes().all(|b| b.is_ascii_graphic())
    };
    if choices.is_empty() || choices.len() > ASKED_MAX || !choices.iter().all(sound) {
        return Err(Refusal::invalid(vec![problem!("choices", "Choose one of the given answers.")]).into());
    }
    let (link, choices) = (link.link, choices.to_vec());
    let permit = ctx.public(&crate::Actor::visitor(space));
    ctx.write(&permit, move |work| {
        let known = work.read().get::<WechatLink>(&link)?.filter(|link| link.kind == AppKind::Mini);
        let known = known.ok_or_else(|| Refusal::missing("link"))?;
        if !app_in(work.read(), AppKind::Mini)?.push_token.is_empty() {
            return Ok(());
        }
        take_choices(work, &known, &choices, false)
    })
    .await
}

/// Counts what somebody chose.
pub(super) fn take_choices(
    work: &mut Work<'_, '_>,
    link: &WechatLink,
    choices: &[(String, bool)],
    withdrawn: bool,
) -> Result<(), Error> {
    let mut said = Vec::new();
    for (template, yes) in choices.iter().filter(|(template, _)| template.len() <= TEMPLATE_ID_MAX) {
        let consent = match (yes, withdrawn) {
            (true, false) => Consent::Given,
            (false, false) => Consent::NotNow,
            // Switched on again in the settings gives nothing by itself.
            (true, true) => Consent::NotNow,
            (false, true) => Consent::Withdrawn,
        };
        let left = change(work, link.id, template, consent)?;
        said.push(format!("{template} {left}"));
    }
    work.audit("wechat.consent", format!("wechat/{}/{}", link.kind.code(), link.id), "", &said.join(", "))
}
