//! Mini-program codes: drawn once by WeChat, then kept as files, since they hold for ever and drawing them is rationed.

use super::{mini, refused};
use crate::{Ctx, Error};
use domain::{Refusal, SpaceId, Time, WechatKept, problem, wechat::KeptValue};
use gateway::wechat::{
    Fault,
    mini::{Build, Code},
};
use store::Read;

/// Width of the codes in pixels: fit for print at 3 cm.
const WIDTH: u32 = 860;

/// The picture of a code that opens `page` with `scene`; PNG or JPEG.
pub async fn draw(ctx: &Ctx, space: SpaceId, page: &str, scene: &str) -> Result<Vec<u8>, Error> {
    let mini = mini(ctx, space)?;
    let code = Code { scene: scene.to_owned(), page: page.to_owned(), build: Build::Release, width: WIDTH };
    code.check().map_err(|fault| match fault {
        Fault::Input { field, .. } => {
            Refusal::invalid(vec![problem!(field, "No mini-program code can hold this.")]).into()
        }
        fault => refused(&fault),
    })?;
    let slot = format!("code/{}/{page}/{scene}", mini.app().id);
    let permit = ctx.own(space);
    let kept = ctx.read(&permit, |view| Ok(view.get::<WechatKept>(&slot)?))?;
    if let Some(WechatKept { value: KeptValue::File(file), .. }) = kept {
        match ctx.files.get(&file) {
            Ok(bytes) => return Ok(bytes),
            Err(error) => tracing::warn!(slot, %error, "a code is drawn again"),
        }
    }
    let drawn = mini.code(&code).await.map_err(|fault| refused(&fault))?;
    let (files, bytes) = (ctx.files.clone(), drawn.clone());
    let stored = tokio::task::spawn_blocking(move || files.put(&bytes));
    let file = stored.await.map_err(|error| Error::internal("keeping a code", error))??;
    ctx.write(&permit, move |work| {
        let kept = WechatKept { slot: slot.clone(), value: KeptValue::File(file), ends: Time(i64::MAX) };
        work.put(&kept)?;
        work.audit("wechat.code", &slot, "", "drawn")
    })
    .await?;
    Ok(drawn.to_vec())
}
