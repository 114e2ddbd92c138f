//! Taking over: the other box is asked to stop, what it alone has is fetched, and then the next epoch begins, on disk first. And what the two say to each
//! other afterwards, so that one that comes back learns that it leads no more.

use super::{
    Dial, Peer, Standing, fence,
    follow::{asked, peer},
    lead::PROVEN,
    standing,
    wire::Hello,
};
use crate::{Ctx, Error, audit};
use domain::{
    BackupPlan, SpaceId, Time,
    standby::{Heard, Other, Role, Standby, Takeover, Trouble, hear, take_over},
};
use std::path::Path;
use std::time::Duration;
use store::Read;
use tokio::time::Instant;

/// How long what the other box alone has may take to come.
const FETCH: Duration = Duration::from_secs(120);

/// What taking over did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The epoch that began.
    pub epoch: u64,
    /// The newest group.
    pub last: u64,
    /// The other box is known to have stopped writing.
    pub stopped: bool,
    /// Groups that the other box has and this one does not.
    pub missing: u64,
    /// Files that records name and that did not come.
    pub files: u64,
}

/// Why a box did not take over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It leads.
    #[error("this box leads already, in epoch {0}")]
    Leads(u64),
    /// The other box cannot be asked to stop.
    #[error(
        "the other box is not reached ({0}). If it still runs and others reach it, both would write. Switch it off or take it off the network, then say it with --force"
    )]
    Away(Trouble),
    /// The hall went on elsewhere.
    #[error("the other box knows of a later epoch: this one must not take over. Pair it anew to follow")]
    Never,
    /// What the other box alone has did not come in time.
    #[error(
        "the other box stopped writing at group {newest}, and this one has come to {last} only. Try again; with --force it takes over without the rest"
    )]
    Behind {
        /// The other's newest.
        newest: u64,
        /// The own newest.
        last: u64,
    },
    /// It could not be kept.
    #[error("{0}")]
    Failed(String),
}

/// Asks the other box to stop writing.
async fn stop(ctx: &Ctx, dial: &Dial, own: &Standing) -> Result<Other, Trouble> {
    let (peer, secret) = peer(ctx)?;
    if secret.is_empty() {
        // A box that was fenced has no secret of the other's; it can only look whether that one leads.
        let hello = Hello::Stand { proof: ctx.sealer.sign(PROVEN), epoch: own.epoch };
        let (_, answer) = asked(dial, &peer, hello).await?;
        return if answer.role == Role::Leader { Ok(Other::Ahead) } else { Ok(Other::Stopped(answer.last)) };
    }
    let (_, answer) = asked(dial, &peer, Hello::Stop { secret, epoch: own.epoch + 1 }).await?;
    match answer.refused.as_deref() {
        None => Ok(Other::Stopped(answer.last)),
        Some("standby.ahead") => Ok(Other::Ahead),
        Some("standby.unpaired") => Err(Trouble::Unpaired),
        Some(other) => Err(Trouble::Away(other.to_owned())),
    }
}

/// Takes over. Whoever follows in the background goes on with it, and brings what the other box alone has. When this is done, the box must be started anew
/// to lead.
pub async fn promote(ctx: &Ctx, dial: &Dial, force: bool) -> Result<Promoted, Why> {
    let own = standing(ctx);
    if own.role == Role::Leader {
        return Err(Why::Leads(own.epoch));
    }
    let failed = |error: Error| Why::Failed(error.to_string());
    let (other, trouble) = match stop(ctx, dial, &own).await {
        Ok(other) => (other, None),
        Err(trouble) => (Other::Away, Some(trouble)),
    };
    let (end, mut committed) = (Instant::now() + FETCH, ctx.store().committed());
    // What can be had without force is had without.
    let mut forced = false;
    loop {
        let taking = ctx.standby.taking.lock().await;
        let last = *committed.borrow_and_update();
        match take_over(own.stand(), last, other, forced) {
            Takeover::Leading => return Err(Why::Leads(own.epoch)),
            Takeover::Never => return Err(Why::Never),
            Takeover::NeedsForce if force && !forced => forced = true,
            Takeover::NeedsForce => return Err(Why::Away(trouble.unwrap_or(Trouble::Idle))),
            Takeover::Fetches(newest) => {
                drop(taking);
                let came = tokio::time::timeout_at(end, committed.changed()).await;
                match came {
                    Ok(Ok(())) => {}
                    _ if force => forced = true,
                    _ => return Err(Why::Behind { newest, last }),
                }
            }
            Takeover::Leads => {
                // Nothing is received any more from here on: a frame that came now would be of the epoch before.
                let stopped = matches!(other, Other::Stopped(_));
                let newest = if let Other::Stopped(newest) = other { newest } else { last };
                let peer = own.peer.clone().map(|peer| Peer { stopped, ..peer });
                let after = Standing { role: Role::Leader, epoch: own.epoch + 1, fork: Some(last), peer, ..own };
                let (epoch, files) = (after.epoch, super::link(ctx).files);
                ctx.standby.stand(after).map_err(failed)?;
                tracing::warn!(epoch, last, stopped, "this box takes over");
                return Ok(Promoted { epoch, last, stopped, missing: newest.saturating_sub(last), files });
            }
        }
    }
}

/// Writes down that this box took over, as its first act, and forgets the pairing by which it followed: it is the leader's. Its backups go apart from those
/// of the box before: two histories in one folder would make a backup that nobody can restore.
pub async fn begin(ctx: &Ctx) -> Result<(), Error> {
    let own = standing(ctx);
    if own.role != Role::Leader || own.fork.is_none() {
        return Ok(());
    }
    let (said, line) = (format!("epoch {}", own.epoch), crate::backup::line_of(ctx.random.as_ref()));
    ctx.write(&ctx.own(SpaceId::ASSOCIATION), move |work| {
        let before = super::kept(work.read())?;
        if before.secret.is_none() || before.paired_at.is_none() {
            return Ok(());
        }
        work.put(&Standby::default())?;
        if let Some(plan) = work.read().get::<BackupPlan>(&())? {
            work.put(&crate::backup::apart(&plan, line.clone()))?;
        }
        work.audit("standby.promote", "standby", &before.address, &said)
    })
    .await
}

/// Asks the other box how it stands, where there is one, and tells it how this one does: whichever is of the older epoch stops writing. A leader asks
/// before it serves and again and again while it does.
pub async fn ask(ctx: &Ctx, dial: &Dial) -> Result<(), Trouble> {
    let own = standing(ctx);
    if own.role != Role::Leader {
        return Ok(());
    }
    let unkept = |error: Error| Trouble::Unkept(error.to_string());
    // The one that this box took over from, and the one that follows it and may have taken over.
    let before = own.peer.clone().filter(|peer| !peer.stopped);
    let follower = super::record(ctx).map_err(unkept)?;
    let face = ctx.standby.face.get().map(|face| super::wire::hex(&face.pin));
    let follower = follower.secret.and(face).map(|pin| Peer {
        address: follower.address,
        pin,
        secret: String::new(),
        stopped: false,
    });
    let mut done = Ok(());
    for (peer, took_over_from) in before.map(|peer| (peer, true)).into_iter().chain(follower.map(|peer| (peer, false)))
    {
        let hello = Hello::Stand { proof: ctx.sealer.sign(PROVEN), epoch: own.epoch };
        let answer = match asked(dial, &peer, hello).await {
            Ok((_, answer)) => answer,
            Err(trouble) => {
                done = Err(trouble);
                continue;
            }
        };
        match hear(own.stand(), answer.epoch) {
            // A follower that learned of a later epoch from somebody else leads no more than this one does.
            Heard::Fence(epoch) => {
                fence(ctx, epoch, Some(peer)).await.map_err(unkept)?;
                return Ok(());
            }
            Heard::Same | Heard::Stale | Heard::Learn(_) => {}
        }
        if took_over_from && answer.role == Role::Fenced {
            let stopped = Peer { stopped: true, ..peer };
            ctx.standby.stand(Standing { peer: Some(stopped), ..standing(ctx) }).map_err(unkept)?;
        }
    }
    done
}

/// Writes what this box committed behind group `after` into a file that people can read: each line of the audit log, oldest first. Answers how many lines
/// there are, none where the journal does not go back so far.
pub fn unseen(store: &store::Store, after: u64, path: &Path) -> Result<Option<usize>, Error> {
    let (mut text, mut count) = (String::new(), 0);
    let told = store.lines_behind(after, |space, number, line| {
        count += 1;
        let said = match audit::decode(&line) {
            Ok(line) => format!(
                "{} space {space} line {number}: {} {} | {} | {}\n",
                line.at.to_cell(&jiff::tz::TimeZone::UTC),
                line.action,
                line.subject,
                line.before,
                line.after
            ),
            Err(error) => format!("space {space} line {number}: {error}\n"),
        };
        text.push_str(&said);
    });
    if let Err(error) = told {
        tracing::warn!(%error, "what this box alone has cannot be listed");
        return Ok(None);
    }
    crate::file::lay(path, text.as_bytes(), 0o600)
        .map_err(|error| Error::internal("listing what this box alone has", error))?;
    Ok(Some(count))
}

/// When the newest line of the association's audit log was written: how old what a follower holds is.
pub fn newest(ctx: &Ctx) -> Option<Time> {
    let found = ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| {
        let line = view.audit(None).next().transpose()?;
        line.map(|(_, line)| audit::decode(&line).map(|line| line.at)).transpose()
    });
    found.ok().flatten()
}
