//! Proofs that a domain is the association's: small text files at the root, which WeChat and WeCom look for before they let pages log people in.

use crate::{Actor, At, Ctx, Error};
use domain::{
    Permission, Refusal, SpaceId, Time, WechatKept, refuse,
    wechat::{KeptValue, check_proof},
};
use store::{Order, Read};

/// Most proofs.
const PROOFS_MAX: usize = 20;
const PREFIX: &str = "proof/";

fn all(view: &impl Read) -> Result<Vec<(String, String)>, Error> {
    let mut all = Vec::new();
    let from = PREFIX.to_owned();
    for key in view.scan_keys::<WechatKept>(&(), Some(&from), Order::Ascending) {
        let slot = key?;
        let Some(name) = slot.strip_prefix(PREFIX) else { break };
        if let Some(WechatKept { value: KeptValue::Text(text), .. }) = view.get::<WechatKept>(&slot)? {
            all.push((name.to_owned(), text));
        }
    }
    Ok(all)
}

/// All proofs: name and text.
pub fn proofs(ctx: &Ctx, actor: &Actor) -> Result<Vec<(String, String)>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, all)
}

/// The text of a proof, for whoever asks at the root.
pub fn proof(ctx: &Ctx, space: SpaceId, name: &str) -> Result<Option<String>, Error> {
    if name.len() > 80 || !name.ends_with(".txt") {
        return Ok(None);
    }
    let kept = ctx.read(&ctx.own(space), |view| Ok(view.get::<WechatKept>(&format!("{PREFIX}{name}"))?))?;
    Ok(kept.and_then(|kept| match kept.value {
        KeptValue::Text(text) => Some(text),
        KeptValue::Secret(_) | KeptValue::File(_) => None,
    }))
}

/// Keeps a proof.
pub async fn put_proof(ctx: &Ctx, actor: &Actor, name: &str, text: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let (name, text) = check_proof(name, text)?;
    ctx.write(&permit, move |work| {
        let slot = format!("{PREFIX}{name}");
        let before = all(work.read())?;
        if before.len() >= PROOFS_MAX && !before.iter().any(|(kept, _)| *kept == name) {
            return Err(refuse!(Conflict, "wechat.proofs", "At most {max} files.", max = PROOFS_MAX).into());
        }
        work.put(&WechatKept { slot: slot.clone(), value: KeptValue::Text(text.clone()), ends: Time(i64::MAX) })?;
        work.audit("wechat.proof", &slot, "", &text)
    })
    .await
}

/// Removes a proof.
pub async fn remove_proof(ctx: &Ctx, actor: &Actor, name: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let slot = format!("{PREFIX}{name}");
    ctx.write(&permit, move |work| {
        if work.read().get::<WechatKept>(&slot)?.is_none() {
            return Err(Refusal::missing("file").into());
        }
        work.remove::<WechatKept>(&slot)?;
        work.audit("wechat.proof", &slot, "kept", "")
    })
    .await
}
