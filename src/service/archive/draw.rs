//! What the archive takes out of draws: who took part and who won keep initials, messages and pictures go, and with them a record that was
//! published with full names.

use super::{STEP, subject};
use crate::{Ctx, Error, Permit};
use domain::{
    DrawId, EventId,
    archive::{freeze_entrant, freeze_win},
    draw::{Draw, Entrant, Face, Line, Masking, Message, Win},
};
use store::catalogue::DRAW_BY_EVENT;
use store::{Order, Read, Record};

/// Freezes the draws of an event.
pub(super) async fn draws(ctx: &Ctx, permit: &Permit, event: EventId) -> Result<(), Error> {
    let ids = ctx.read(permit, |view| {
        let keys = view.scan_index(&DRAW_BY_EVENT, &event, None, Order::Ascending);
        Ok(keys.collect::<Result<Vec<DrawId>, store::Error>>()?)
    })?;
    for id in ids {
        frozen::<Entrant>(ctx, permit, (event, id), freeze_entrant).await?;
        frozen::<Win>(ctx, permit, (event, id), freeze_win).await?;
        gone::<Message>(ctx, permit, (event, id)).await?;
        gone::<Face>(ctx, permit, (event, id)).await?;
        let full =
            ctx.read(permit, |view| Ok(view.get::<Draw>(&id)?.is_some_and(|draw| draw.masking == Masking::Full)))?;
        if full {
            gone::<Line>(ctx, permit, (event, id)).await?;
        }
    }
    Ok(())
}

fn keys<R: Record>(ctx: &Ctx, permit: &Permit, id: DrawId) -> Result<Vec<R::Key>, Error> {
    ctx.read(permit, |view| {
        Ok(view.scan_keys::<R>(&id, None, Order::Ascending).collect::<Result<Vec<_>, store::Error>>()?)
    })
}

/// Changes every record of a table that belongs to the draw by a rule.
async fn frozen<R: Record + PartialEq>(
    ctx: &Ctx,
    permit: &Permit,
    (event, id): (EventId, DrawId),
    rule: fn(&R) -> R,
) -> Result<(), Error>
where
    R::Key: Clone + Send + Sync + 'static,
{
    let said = move |changed: usize| format!("{changed} of {} of draw {id}", R::TABLE.name);
    super::change_all(ctx, permit, &keys::<R>(ctx, permit, id)?, rule, ("archive.freeze", subject(event)), said).await
}

/// Removes every record of a table that belongs to the draw.
async fn gone<R: Record>(ctx: &Ctx, permit: &Permit, (event, id): (EventId, DrawId)) -> Result<(), Error>
where
    R::Key: Clone + Send + Sync + 'static,
{
    for step in keys::<R>(ctx, permit, id)?.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(permit, move |work| {
            for key in &step {
                work.remove::<R>(key)?;
            }
            let what = format!("{} of {} of draw {id}", step.len(), R::TABLE.name);
            work.audit("archive.freeze", subject(event), &what, "")
        })
        .await?;
    }
    Ok(())
}
