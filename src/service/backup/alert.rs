//! Tells those who look after backups when they fail, and when they are made again.

use super::plan_in;
use crate::{Ctx, Error, Work, account, notice};
use domain::{
    Account, BackupRun, Notice, NoticeId, Permission, SpaceId, Time,
    backup::alert::{BackupAlert, Facts, Tell, tell},
    notice::{About, NoticeState, Purpose},
};
use store::{Order, Read};

/// Looks whether somebody must be told; called by the clock.
pub(crate) async fn look(ctx: &Ctx, space: SpaceId) -> Result<(), Error> {
    if space != SpaceId::ASSOCIATION || ctx.backup.place.get().is_none() || !crate::job::is_turn(ctx, super::LOOK_EVERY)
    {
        return Ok(());
    }
    told(ctx).await
}

/// Tells what is to be told.
pub(super) async fn told(ctx: &Ctx) -> Result<(), Error> {
    let (own, state, now) = (ctx.own(SpaceId::ASSOCIATION), ctx.backup.state().clone(), ctx.now());
    let failing = state.failing.zip(state.trouble.as_ref().map(|(_, trouble)| trouble));
    let (due, good) = ctx.read(&own, |view| {
        let good = newest(view)?;
        let on = plan_in(view)?.is_some_and(|plan| plan.on);
        let facts = on.then_some(Facts { failing, good });
        Ok((tell(view.get::<BackupAlert>(&())?.as_ref(), facts, now), good))
    })?;
    let Some(due) = due else { return Ok(()) };
    ctx.write(&own, move |work| match due {
        Tell::Trouble => {
            work.put(&BackupAlert { told: work.now })?;
            let since = good.or(state.failing).unwrap_or(work.now);
            say(work, Purpose::BackupTrouble, since)?;
            work.audit("backup.alert", "backup", "", "those who look after backups were told that they fail")
        }
        Tell::Well => {
            work.remove::<BackupAlert>(&())?;
            say(work, Purpose::BackupWell, good.unwrap_or(work.now))?;
            work.audit("backup.alert", "backup", "", "those who look after backups were told that all is well again")
        }
        Tell::Forget => {
            work.remove::<BackupAlert>(&())?;
            work.audit("backup.alert", "backup", "", "backups were switched off")
        }
    })
    .await
}

/// When the newest full backup was made.
fn newest(view: &impl Read) -> Result<Option<Time>, Error> {
    for kept in view.scan::<BackupRun>(&(), None, Order::Descending) {
        let (_, run) = kept?;
        if run.trouble.is_none() {
            return Ok(Some(run.ended));
        }
    }
    Ok(None)
}

fn say(work: &mut Work<'_, '_>, purpose: Purpose, since: Time) -> Result<(), Error> {
    for Account { id, person, name, .. } in account::holding(work.read(), Permission::BackupManage)? {
        let draft = Notice {
            id: NoticeId(0),
            purpose,
            about: About::Person(person),
            name,
            phone: None,
            text: String::new(),
            values: vec![("time".to_owned(), since.0.to_string())],
            once: format!("{}/{id}/{}", purpose.code(), work.now.0),
            state: NoticeState::Waiting,
            created_at: work.now,
            useful_until: None,
        };
        notice::keep(work, draft)?;
    }
    Ok(())
}
