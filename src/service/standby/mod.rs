//! The stand-by box: a second box that follows this one group by group, and takes over when somebody says so. Which of the two may do what is decided in
//! `domain/standby`; how bytes get from one to the other is not known here. A copy of everything is as much as a backup and its key: whoever may make
//! backups may pair a box.

mod follow;
mod lead;
mod standing;
mod takeover;
pub mod wire;

pub use follow::{Ended, follow, keep_following, name, pair, paired};
pub use lead::attend;
pub use standing::{Peer, Standing, incoming, prepare, put_aside, settle, unpack};
pub use takeover::{Promoted, Why, ask, begin, newest, promote, unseen};
pub use wire::{Answer, Dial, Dialing, Parcel, Stream};

use crate::{
    Actor, At, Ctx, Error,
    seal::{Kind, Spot},
    token,
};
use domain::{
    KeyRing, Permission, Refusal, SpaceId, Time, refuse,
    standby::{CODE_MILLIS, Code, Lag, Role, Standby, Trouble},
};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use store::Read;
use tokio::sync::watch;

/// What the secret for the other box is sealed for.
pub(crate) const SEALED: Spot = Spot::only(Kind::StandbySecret, "standby/secret");

/// What belongs to the box and lies outside of its records.
#[derive(Debug, Clone)]
pub struct Place {
    /// The data folder.
    pub data: PathBuf,
    /// The keys of sealed fields.
    pub keys: KeyRing,
}

/// How another box finds this one.
#[derive(Debug, Clone)]
pub struct Face {
    /// Host and port of the TLS listener, as it stands in codes.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// SHA-256 of the certificate that is shown to other boxes.
    pub pin: [u8; 32],
}

/// How two boxes hang together just now: the same figures on either side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// A stream is open.
    pub connected: bool,
    /// The leader's newest group that is known.
    pub newest: u64,
    /// The follower's newest group, on its disk.
    pub held: u64,
    /// Files that the follower lacks.
    pub files: u64,
    /// When the other box was last heard.
    pub heard: Option<Time>,
    /// When the follower last held everything.
    pub whole: Option<Time>,
    /// Why it does not work, or did not last.
    pub trouble: Option<(Time, Trouble)>,
}

impl Link {
    /// How far the follower is behind.
    pub fn lag(&self, now: Time) -> Lag {
        let whole = self.held >= self.newest && self.files == 0 && self.heard.is_some();
        Lag {
            groups: self.newest.saturating_sub(self.held),
            files: self.files,
            behind: if whole { Some(0) } else { self.whole.map(|at| now.since(at).max(0)) },
            silent: self.heard.map(|at| now.since(at).max(0)),
        }
    }
}

/// Which of two boxes this one is, and how the other one does.
#[derive(Debug)]
pub struct Desk {
    place: OnceLock<Place>,
    face: OnceLock<Face>,
    state: Mutex<State>,
    role: watch::Sender<Role>,
    /// Held while a group of the leader is taken in, and while it is decided that no more are.
    taking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    standing: Standing,
    link: Link,
    /// Counts streams to a follower: an older one ends when a newer one begins.
    stream: u64,
}

impl Default for Desk {
    fn default() -> Self {
        let (role, _) = watch::channel(Role::Leader);
        Self {
            place: OnceLock::new(),
            face: OnceLock::new(),
            state: Mutex::default(),
            role,
            taking: tokio::sync::Mutex::default(),
        }
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> Result<&Place, Error> {
        self.place.get().ok_or_else(|| Error::Internal("this box has no place".into()))
    }

    fn standing(&self) -> Standing {
        self.state().standing.clone()
    }

    /// Keeps how the box stands, on disk first.
    fn stand(&self, standing: Standing) -> Result<(), Error> {
        standing.keep(&self.place()?.data)?;
        let role = standing.role;
        self.state().standing = standing;
        self.role.send_if_modified(|known| std::mem::replace(known, role) != role);
        Ok(())
    }

    fn link(&self, change: impl FnOnce(&mut Link)) {
        change(&mut self.state().link);
    }
}

/// Says where the box's data are and how it stands; called at boot.
pub fn register(ctx: &Ctx, place: Place) -> Result<Standing, Error> {
    let standing = Standing::read(&place.data)?;
    if ctx.standby.place.set(place).is_err() {
        tracing::debug!("the place of the stand-by was known");
    }
    ctx.standby.state().standing = standing.clone();
    ctx.standby.role.send_replace(standing.role);
    Ok(standing)
}

/// Says how other boxes find this one; without it, none can be paired.
pub fn show_face(ctx: &Ctx, face: Face) {
    if ctx.standby.face.set(face).is_err() {
        tracing::debug!("how other boxes find this one was known");
    }
}

/// How the box stands.
pub fn standing(ctx: &Ctx) -> Standing {
    ctx.standby.standing()
}

/// How the two boxes hang together.
pub fn link(ctx: &Ctx) -> Link {
    let mut link = ctx.standby.state().link.clone();
    let own = ctx.store().view().sequence();
    match standing(ctx).role {
        Role::Leader | Role::Fenced => link.newest = own,
        Role::Follower => link.held = own,
    }
    link
}

/// Wakes when the box is something else than it was: whoever serves by the old role ends.
pub async fn role_changed(ctx: &Ctx) {
    let (mut role, own) = (ctx.standby.role.subscribe(), standing(ctx).role);
    if role.wait_for(|role| *role != own).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Stops writing for good: nothing is committed any more when this begins to tell the disk of it, and the disk knows when it returns the newest group.
async fn fence(ctx: &Ctx, epoch: u64, peer: Option<Peer>) -> Result<u64, Error> {
    let store = ctx.store().clone();
    let fenced = tokio::task::spawn_blocking(move || store.fence("another box took over"));
    let last = fenced.await.map_err(|error| Error::internal("fencing", error))??;
    let before = standing(ctx);
    let peer = peer.or(before.peer);
    ctx.standby.stand(Standing { role: Role::Fenced, epoch, peer, ..standing(ctx) })?;
    tracing::warn!(epoch, last, "another box took over: this one does not write any more");
    Ok(last)
}

fn permit(ctx: &Ctx, actor: &Actor) -> Result<crate::Permit, Error> {
    if actor.space != SpaceId::ASSOCIATION {
        return Err(Refusal::denied().into());
    }
    ctx.permit(actor, Permission::BackupManage, At::Space)
}

fn kept(view: &impl Read) -> Result<Standby, Error> {
    Ok(view.get::<Standby>(&())?.unwrap_or_default())
}

fn record(ctx: &Ctx) -> Result<Standby, Error> {
    ctx.read(&ctx.own(SpaceId::ASSOCIATION), kept)
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Page {
    /// The follower, and a code that waits.
    pub standby: Standby,
    /// How it does.
    pub link: Link,
    /// How far it is behind.
    pub lag: Lag,
    /// The epoch.
    pub epoch: u64,
    /// Whether another box could find this one: it listens with TLS.
    pub found: bool,
    /// This one took over, and the box before it is not known to have stopped.
    pub loose: Option<String>,
}

/// The page.
pub fn page(ctx: &Ctx, actor: &Actor) -> Result<Page, Error> {
    let permit = permit(ctx, actor)?;
    let (standby, link, standing) = (ctx.read(&permit, kept)?, link(ctx), standing(ctx));
    Ok(Page {
        standby,
        lag: link.lag(ctx.now()),
        link,
        epoch: standing.epoch,
        found: ctx.standby.face.get().is_some(),
        loose: standing.peer.filter(|peer| !peer.stopped).map(|peer| peer.address),
    })
}

/// Makes a code by which a box may be paired; one made before is worth nothing then.
pub async fn code(ctx: &Ctx, actor: &Actor) -> Result<String, Error> {
    let permit = permit(ctx, actor)?;
    let face = ctx.standby.face.get().ok_or_else(|| {
        refuse!(
            Conflict,
            "standby.no_tls",
            "This box does not listen with TLS. Set listen_tls in its settings and start it anew; then a second box can follow it."
        )
    })?;
    let once = token::new(ctx.random.as_ref());
    let (hash, by) = (token::hash(&once), actor.account().unwrap_or_default());
    ctx.write(&permit, move |work| {
        let before = kept(work.read())?;
        if before.secret.is_some() {
            return Err(refuse!(
                Conflict,
                "standby.paired",
                "A box follows this one already. Remove it before you pair another: two that follow could both take over."
            )
            .into());
        }
        work.put(&Standby { code: Some(hash), until: work.now.plus(CODE_MILLIS), by, ..before })?;
        work.audit("standby.code", "standby", "", "a pairing code was made")
    })
    .await?;
    Ok(Code { address: face.address.clone(), once, pin: face.pin }.text())
}

/// Forgets the follower: its secret is worth nothing from here on, and its stream ends.
pub async fn remove(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let permit = permit(ctx, actor)?;
    ctx.write(&permit, |work| {
        let before = kept(work.read())?;
        if before.secret.is_none() && before.code.is_none() {
            return Err(Refusal::missing("stand-by box").into());
        }
        work.put(&Standby::default())?;
        work.audit("standby.remove", "standby", &before.address, "")
    })
    .await?;
    let mut state = ctx.standby.state();
    state.stream += 1;
    state.link = Link::default();
    Ok(())
}

/// How it stands, as the box itself asks; none where no box follows this one and it follows none.
pub(crate) fn health(ctx: &Ctx) -> Result<Option<domain::health::Standby>, Error> {
    let standing = standing(ctx);
    let paired = standing.role == Role::Follower || record(ctx)?.secret.is_some();
    Ok(Some(domain::health::Standby {
        role: standing.role,
        lag: paired.then(|| link(ctx).lag(ctx.now())),
        loose: standing.role == Role::Leader && standing.peer.is_some_and(|peer| !peer.stopped),
    })
    .filter(|_| ctx.standby.place.get().is_some()))
}

#[cfg(test)]
mod test;
