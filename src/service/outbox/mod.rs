//! The outbox: whatever is to leave the box is written here in the commit of its cause, and carried out by whoever is registered for its kind.
//! An attempt is on disk before anything is said to the outside, and so is its answer before anything else follows from it.

mod lane;

pub use lane::{run_due, start_due, stop};

use crate::{Actor, At, Ctx, Error, Work};
use domain::{
    EventId, Outgoing, OutgoingId, Permission, Refusal, SpaceId, Time,
    outbox::{KEPT_MILLIS, OutAct, OutState, Outcome},
    time::MINUTE,
};
use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};
use store::catalogue::{OUT_BY_EVENT, OUT_BY_STATE, OUT_DUE, OUT_ONCE, OUT_SETTLED, OUTGOING};
use store::{Order as Sort, Read};

/// What comes of carrying an entry.
pub type Carrying<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// What becomes of an entry that the box itself could not make ready: nothing was said to the other side.
pub(crate) fn unprepared(what: &'static str, error: &Error) -> Outcome {
    tracing::error!(%error, "{what}");
    Outcome::Not { why: "an internal error".into(), after: Some(5 * MINUTE) }
}

/// Whoever carries the entries of one kind to the outside.
pub trait Carrier: Send + Sync + 'static {
    /// The kind, as entries name it.
    fn kind(&self) -> &'static str;

    /// Whether handing the same entry over twice does it once, because the other side knows it by a key. Where it does not, an entry that may
    /// have been sent waits for a person's decision.
    fn idempotent(&self) -> bool;

    /// Hands one entry over. Called at most once at a time for an entry; ended from outside when it takes too long.
    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a>;

    /// What else changes when an entry came to its end: in the same transaction, so it must be deterministic. The entry has its payload still.
    fn settled(&self, _work: &mut Work<'_, '_>, _entry: &Outgoing) -> Result<(), Error> {
        Ok(())
    }

    /// What follows when that transaction is kept: nothing that must not be forgotten.
    fn kept(&self, _ctx: &Ctx, _entry: &Outgoing) {}

    /// How many entries are under way at once.
    fn at_once(&self) -> usize {
        8
    }
}

/// A place in the queue of one kind in one space: whoever holds it works there alone.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// Who carries what.
#[derive(Default)]
pub(crate) struct Desk {
    carriers: RwLock<BTreeMap<&'static str, Arc<dyn Carrier>>>,
    turns: Mutex<HashMap<(SpaceId, &'static str), Turn>>,
    stopping: AtomicBool,
}

impl Desk {
    fn carrier(&self, kind: &str) -> Option<Arc<dyn Carrier>> {
        self.carriers.read().unwrap_or_else(PoisonError::into_inner).get(kind).cloned()
    }

    fn carriers(&self) -> Vec<Arc<dyn Carrier>> {
        self.carriers.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn turn(&self, space: SpaceId, kind: &'static str) -> Turn {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry((space, kind)).or_default().clone()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Registers whoever carries a kind, in place of who did before. Called at boot.
pub fn register(ctx: &Ctx, carrier: Arc<dyn Carrier>) {
    ctx.outbox.carriers.write().unwrap_or_else(PoisonError::into_inner).insert(carrier.kind(), carrier);
}

/// Something to be sent, as its cause puts it in.
pub struct Letter {
    /// Who carries it.
    pub kind: &'static str,
    /// Whom it is for, masked.
    pub target: String,
    /// What it is about.
    pub subject: String,
    /// The event it belongs to.
    pub event: Option<EventId>,
    /// What the carrier needs.
    pub payload: Vec<u8>,
    /// It is forgotten at its end.
    pub secret: bool,
    /// The same cause makes one entry.
    pub once: String,
    /// Not before.
    pub due_at: Time,
    /// When it is of no use any more.
    pub expires_at: Time,
}

/// Puts something in, in the running transaction; none when its cause put it in already.
pub fn put(work: &mut Work<'_, '_>, letter: Letter) -> Result<Option<OutgoingId>, Error> {
    if work.read().find_key::<Outgoing, _>(&OUT_ONCE, &letter.once)?.is_some() {
        return Ok(None);
    }
    let id = OutgoingId(work.next_id::<Outgoing>()?);
    work.insert(&Outgoing {
        id,
        kind: letter.kind.to_owned(),
        target: letter.target,
        subject: letter.subject,
        event: letter.event,
        payload: letter.payload,
        secret: letter.secret,
        once: letter.once,
        state: OutState::Waiting,
        attempts: 0,
        created_at: work.now,
        due_at: letter.due_at,
        expires_at: letter.expires_at,
        settled_at: None,
        said: String::new(),
        reference: String::new(),
    })?;
    Ok(Some(id))
}

/// Which entries a page shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In that state.
    pub state: Option<OutState>,
    /// Of that kind.
    pub kind: String,
    /// Older than that one.
    pub before: Option<OutgoingId>,
}

/// A page of entries, newest first.
pub struct Page {
    /// Its entries.
    pub rows: Vec<Outgoing>,
    /// Where the next page goes on.
    pub next: Option<OutgoingId>,
    /// How many there are in each state, in the order of [`OutState::ALL`].
    pub counts: Vec<i64>,
    /// The kinds that somebody carries.
    pub kinds: Vec<String>,
}

/// Entries of one page.
pub const PAGE: usize = 50;
/// Entries that are looked at for one page.
const LOOKED_AT: usize = 20_000;

/// What leaves the box.
pub fn list(ctx: &Ctx, actor: &Actor, filter: &Filter) -> Result<Page, Error> {
    let permit = ctx.permit(actor, Permission::OutboxManage, At::Space)?;
    ctx.read(&permit, |view| {
        let mut counts = Vec::new();
        for state in OutState::ALL {
            counts.push(view.count(&OUTGOING, &(*state as u8))?);
        }
        let from = filter.before;
        let keys = match filter.state {
            None => view.scan_keys::<Outgoing>(&(), from.as_ref(), Sort::Descending),
            Some(state) => {
                let from = from.map(|id| (state as u8, id));
                view.scan_index(&OUT_BY_STATE, &(state as u8), from.as_ref(), Sort::Descending)
            }
        };
        let mut rows: Vec<Outgoing> = Vec::new();
        let mut last = None;
        for key in keys.take(LOOKED_AT) {
            let id = key?;
            if rows.len() == PAGE {
                break;
            }
            last = Some(id);
            rows.extend(view.get::<Outgoing>(&id)?.filter(|row| filter.kind.is_empty() || row.kind == filter.kind));
        }
        let next = last.filter(|_| rows.len() == PAGE);
        let kinds = ctx.outbox.carriers().iter().map(|carrier| carrier.kind().to_owned()).collect();
        Ok(Page { rows, next, counts, kinds })
    })
}

/// Sends an entry again, or drops it.
pub async fn act(ctx: &Ctx, actor: &Actor, id: OutgoingId, act: OutAct) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OutboxManage, At::Space)?;
    let desk = After::of(ctx, permit.space)?;
    ctx.write(&permit, move |work| {
        let entry = work.read().get::<Outgoing>(&id)?.ok_or_else(|| Refusal::missing("entry"))?;
        let acted = entry.act(act, work.now)?;
        desk.keep(work, &entry, &acted)
    })
    .await
}

/// What follows from an entry's end needs these.
#[derive(Clone)]
struct After {
    desk: Arc<Desk>,
    ways: Arc<RwLock<crate::message::Ways>>,
    sealer: Arc<crate::seal::Sealer>,
    zone: jiff::tz::TimeZone,
}

impl After {
    fn of(ctx: &Ctx, space: SpaceId) -> Result<Self, Error> {
        let zone = ctx.known(space)?.map_or(jiff::tz::TimeZone::UTC, |known| known.zone.clone());
        Ok(Self { desk: ctx.outbox.clone(), ways: ctx.ways.clone(), sealer: ctx.sealer.clone(), zone })
    }

    /// Keeps what became of an entry, with what follows from it.
    fn keep(&self, work: &mut Work<'_, '_>, before: &Outgoing, after: &Outgoing) -> Result<(), Error> {
        work.put(after)?;
        if after.state.is_final() {
            // What is forgotten with its end is still known to what follows from it.
            let whole = Outgoing { payload: before.payload.clone(), ..after.clone() };
            if let Some(carrier) = self.desk.carrier(&after.kind) {
                carrier.settled(work, &whole)?;
            }
            crate::message::settled(work, &self.ways, &self.sealer, &self.zone, after)?;
        }
        let said = format!("{} {}", after.state.code(), after.said);
        work.audit(
            &format!("outbox.{}", after.state.code()),
            format!("outbox/{}", after.id),
            before.state.code(),
            &said,
        )
    }
}

/// Entries of one transaction.
const STEP: usize = 200;

/// Ends what nobody carries and is of no use any more, and removes what came to its end long ago; answers how many. Called by the clock.
pub async fn tidy(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (permit, now) = (ctx.own(space), ctx.now());
    let (mut over, mut old) = (Vec::new(), Vec::new());
    ctx.read(&permit, |view| {
        for entry in view.scan_entries(&OUT_SETTLED, &(), None, Sort::Ascending).take(STEP) {
            let (at, id) = entry?;
            if Time(at).plus(KEPT_MILLIS) > now {
                break;
            }
            old.push(id);
        }
        for entry in view.scan_entries(&OUT_DUE, &(), None, Sort::Ascending).take(LOOKED_AT) {
            let ((kind, _), id) = entry?;
            if over.len() == STEP {
                break;
            }
            if ctx.outbox.carrier(&kind).is_none()
                && view.get::<Outgoing>(&id)?.is_some_and(|entry| entry.expires_at <= now)
            {
                over.push(id);
            }
        }
        Ok(())
    })?;
    let count = over.len() + old.len();
    if count == 0 {
        return Ok(0);
    }
    let desk = After::of(ctx, space)?;
    ctx.write(&permit, move |work| {
        for id in &over {
            let Some(entry) = work.read().get::<Outgoing>(id)? else { continue };
            if let Some(ended) = entry.begin(work.now).filter(|ended| ended.state == OutState::Expired) {
                desk.keep(work, &entry, &ended)?;
            }
        }
        for id in &old {
            work.remove::<Outgoing>(id)?;
        }
        work.audit("outbox.tidy", "outbox", "", &format!("{} ended, {} removed", over.len(), old.len()))
    })
    .await?;
    Ok(count)
}

/// Removes what is kept about an event that is being archived; what was still to be sent is not sent any more.
pub(crate) async fn forget_event(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<(), Error> {
    let permit = ctx.own(space);
    let ids: Vec<OutgoingId> = ctx.read(&permit, |view| {
        let keys = view.scan_index(&OUT_BY_EVENT, &event, None, Sort::Ascending);
        Ok(keys.collect::<Result<Vec<_>, _>>()?)
    })?;
    for step in ids.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(&permit, move |work| {
            for id in &step {
                work.remove::<Outgoing>(id)?;
            }
            work.audit("archive.freeze", format!("event/{event}/archive"), &format!("{} outgoing", step.len()), "")
        })
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod test;
