//! What every verb is given: the store, clock, chance, keys and files; and the two ways at records, both through a [`Permit`].

use crate::{
    Error, Permit,
    checkin::{Books, Memory},
    file::Files,
    limit::Limiter,
    seal::Sealer,
};
use domain::{AuditLine, EventId, SpaceId, Time, audit::shorten};
use gateway::{Egress, Tools};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use store::{Read, Record, SpaceReader, SpaceTx, SpaceView, Store};

/// Tells the time; set by tests.
pub trait Clock: Send + Sync {
    /// The instant now.
    fn now(&self) -> Time;
}

/// Gives random bytes fit for secrets; set by tests.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, to: &mut [u8]);

    /// A random number.
    fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// Everything a verb needs beside its actor and its input. Cheap to clone.
#[derive(Clone)]
pub struct Ctx(Arc<Parts>);

impl Deref for Ctx {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What a [`Ctx`] holds.
#[derive(Clone)]
pub struct Parts {
    store: Store,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// The key for sensitive fields.
    pub sealer: Arc<Sealer>,
    /// Files beside the database.
    pub files: Files,
    /// Failed attempts.
    pub limiter: Arc<Limiter>,
    /// How often clients asked.
    pub rates: Arc<crate::rate::Rates>,
    /// Log-ins that wait for their second step.
    pub(crate) steps: Arc<crate::account::second::Steps>,
    /// When sessions of staff were used.
    pub(crate) seen: Arc<crate::account::Seen>,
    /// Passkeys that are being made or shown.
    pub(crate) ceremonies: Arc<crate::account::passkey::Ceremonies>,
    /// Drawn at the start: versions of what is kept in memory mean nothing to another run.
    pub(crate) boot: u64,
    /// What is kept in memory of events that are in use.
    pub(crate) memory: Memory,
    /// Draws that are watched, and taps that wait for their turn's end.
    pub(crate) draws: Arc<crate::draw::Live>,
    /// The search index and whoever keeps it.
    pub(crate) search: Arc<crate::search::Keeper>,
    /// Whoever reads the texts of documents.
    pub(crate) reader: Arc<crate::document::Reader>,
    /// Logged-in people whose tokens were looked up.
    pub(crate) sessions: Arc<crate::identity::Remembered>,
    /// Terminals whose tokens were looked up.
    pub(crate) devices: Arc<crate::device::Remembered>,
    /// What API clients did since it was kept.
    pub(crate) clients: Arc<crate::client::Uses>,
    /// Pictures that were drawn lately.
    pub(crate) drawn: Arc<crate::render::Cache>,
    /// Visits that were not kept yet.
    pub(crate) visits: Arc<crate::promotion::Tally>,
    /// Whoever speaks to WeChat Pay.
    pub(crate) pay: Arc<crate::pay::Desk>,
    pub(crate) turns: Arc<crate::once::Turns>,
    /// Spaces with their zones, as every page needs them; each is forgotten when it changes.
    known: Arc<Mutex<HashMap<SpaceId, Arc<Known>>>>,
    /// Who carries what leaves the box.
    pub(crate) outbox: Arc<crate::outbox::Desk>,
    /// The ways to reach people.
    pub(crate) ways: Arc<RwLock<crate::message::Ways>>,
    /// The way out, once it was needed.
    egress: Arc<OnceLock<Egress>>,
    /// Who fetches which of WeChat's tokens at the moment.
    pub(crate) wechat: Arc<crate::wechat::Desk>,
    /// Who makes backups.
    pub(crate) backup: crate::backup::Shared,
    /// Which of two boxes this one is.
    pub(crate) standby: Arc<crate::standby::Desk>,
    /// Who saw sensitive fields, and is not on disk yet.
    pub(crate) accesses: Arc<crate::privacy::access::Tally>,
    /// Who looks how the box is.
    pub(crate) health: Arc<crate::health::Desk>,
    /// How the tunnel stands.
    pub(crate) tunnel: Arc<crate::tunnel::Desk>,
    /// How far sealing anew is.
    pub(crate) keys: Arc<crate::key::Desk>,
}

impl Ctx {
    /// Puts the parts together. One context per store: its memory follows the store's writer.
    pub fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>, sealer: Sealer, files: Files) -> Self {
        let memory = Memory::default();
        if let Err(error) = store.follow(Box::new(Books::new(memory.clone()))) {
            tracing::error!(%error, "the store is closed");
        }
        Self(Arc::new(Parts {
            pay: Arc::default(),
            turns: Arc::default(),
            boot: random.number(),
            store,
            clock,
            random,
            sealer: Arc::new(sealer),
            files,
            limiter: Arc::default(),
            steps: Arc::default(),
            seen: Arc::default(),
            ceremonies: Arc::default(),
            rates: Arc::default(),
            search: Arc::new(crate::search::Keeper::new(memory.changes.clone())),
            reader: Arc::default(),
            memory,
            draws: Arc::default(),
            devices: Arc::default(),
            clients: Arc::default(),
            sessions: Arc::default(),
            drawn: Arc::default(),
            visits: Arc::default(),
            known: Arc::default(),
            outbox: Arc::default(),
            ways: Arc::default(),
            egress: Arc::default(),
            wechat: Arc::default(),
            backup: Arc::default(),
            standby: Arc::default(),
            accesses: Arc::default(),
            health: Arc::default(),
            tunnel: Arc::default(),
            keys: Arc::default(),
        }))
    }

    /// The same hall by another clock.
    pub fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Parts { clock, ..self.0.as_ref().clone() }))
    }

    /// The same hall with other keys.
    #[cfg(test)]
    pub(crate) fn with_sealer(&self, sealer: Sealer) -> Self {
        Self(Arc::new(Parts { sealer: Arc::new(sealer), ..self.0.as_ref().clone() }))
    }

    /// The instant now.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Opens the way out; `private`: addresses that people name may lead into the box's own network. Without it, the first call opens the way
    /// to the public internet alone.
    pub fn open_egress(&self, private: bool) -> Result<(), Error> {
        let (clock, random) = (self.clock.clone(), self.random.clone());
        let tools = Tools { now: Arc::new(move || clock.now()), chance: Arc::new(move || random.number()) };
        let egress = Egress::new(tools, private).map_err(|error| Error::internal("opening the way out", error))?;
        // Whoever came first opened it.
        drop(self.egress.set(egress));
        Ok(())
    }

    /// The way out of the box.
    pub fn egress(&self) -> Result<&Egress, Error> {
        if self.egress.get().is_none() {
            self.open_egress(false)?;
        }
        self.egress.get().ok_or_else(|| Error::Internal("there is no way out".into()))
    }

    /// The store, for the box's own work: set-up, boot, backup, verification. Verbs go through [`Self::read`] and [`Self::write`].
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Reads the permit's space at one instant.
    pub fn read<T>(&self, permit: &Permit, f: impl FnOnce(&SpaceView) -> Result<T, Error>) -> Result<T, Error> {
        f(&self.store.view().space(permit.space))
    }

    /// Runs `f` as one transaction in the permit's space and answers when it is on disk. The closure may be run again, so it must
    /// be deterministic; what it changed must have an audit line.
    pub async fn write<T, F>(&self, permit: &Permit, f: F) -> Result<T, Error>
    where
        F: Fn(&mut Work<'_, '_>) -> Result<T, Error> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let answer = Arc::new(Mutex::new(None));
        let to = answer.clone();
        let act = move |work: &mut Work<'_, '_>| {
            let said = f(work)?;
            *to.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
            Ok(())
        };
        self.transact(permit, Arc::new(act)).await?;
        let said = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        said.ok_or_else(|| Error::Internal("a transaction came to no answer".into()))
    }

    /// What every [`Self::write`] does, whatever its verb: compiled once, and not for each of hundreds.
    async fn transact(&self, permit: &Permit, act: Arc<Act>) -> Result<(), Error> {
        if permit.reads {
            return Err(domain::eyes::read_only().into());
        }
        let (space, now, whole) = (permit.space, self.now(), Arc::new((permit.clone(), crate::once::mark(), act)));
        for _ in 0..LOADS_MAX {
            let again = whole.clone();
            let answer = self.store.write(move |tx| {
                let (permit, mark, act) = again.as_ref();
                let mut work = Work::new(tx.space(space), permit, now);
                if let Some(mark) = mark {
                    mark.keep(&mut work)?;
                }
                act(&mut work)?;
                work.finish()
            });
            match answer.await {
                Err(Error::Unloaded(event)) => self.load(space, event).await?,
                answer => {
                    if let (Ok(()), Some(mark)) = (&answer, &whole.1) {
                        mark.committed();
                    }
                    return answer;
                }
            }
        }
        Err(Error::Internal("an event was dropped from memory again and again".into()))
    }

    /// Brings what verbs need of an event into memory.
    async fn load(&self, space: SpaceId, event: EventId) -> Result<(), Error> {
        let (memory, store) = (self.memory.clone(), self.store.clone());
        let loading = tokio::task::spawn_blocking(move || memory.load((space, event), || store.view().space(space)));
        loading.await.map_err(|error| Error::internal("loading an event", error))?
    }
}

/// What a verb does in its transaction.
type Act = dyn Fn(&mut Work<'_, '_>) -> Result<(), Error> + Send + Sync;

/// How often a verb is asked again because an event was not in memory.
const LOADS_MAX: usize = 8;

/// A transaction in one space on behalf of a permit's holder.
pub struct Work<'a, 'tx> {
    tx: SpaceTx<'tx>,
    /// On whose behalf.
    pub permit: &'a Permit,
    /// When the verb was called.
    pub now: Time,
    writes: usize,
    lines: usize,
}

impl<'a, 'tx> Work<'a, 'tx> {
    /// Work in a space.
    pub fn new(tx: SpaceTx<'tx>, permit: &'a Permit, now: Time) -> Self {
        Self { tx, permit, now, writes: 0, lines: 0 }
    }

    /// Reading, own changes included.
    pub fn read(&self) -> &impl Read {
        &self.tx
    }

    /// The next number of a table.
    pub fn next_id<R: Record>(&mut self) -> Result<u64, Error> {
        Ok(self.tx.next_id::<R>()?)
    }

    /// Keeps a new record.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<(), Error> {
        self.writes += 1;
        Ok(self.tx.insert(record)?)
    }

    /// Keeps a record, new or changed.
    pub fn put<R: Record>(&mut self, record: &R) -> Result<(), Error> {
        self.writes += 1;
        Ok(self.tx.put(record)?)
    }

    /// Keeps a record that stands for nothing but this transaction, whose audit lines are its own.
    pub(crate) fn put_beside<R: Record>(&mut self, record: &R) -> Result<(), Error> {
        Ok(self.tx.put(record)?)
    }

    /// Removes a record.
    pub fn remove<R: Record>(&mut self, key: &R::Key) -> Result<(), Error> {
        self.writes += 1;
        self.tx.remove::<R>(key)?;
        Ok(())
    }

    /// The scan log being written, and reading meanwhile. Each of its blocks gets an audit line that vouches for its lines.
    pub(crate) fn books(&mut self) -> Result<(SpaceReader<'_>, &mut Books), Error> {
        self.tx.follower().ok_or_else(|| Error::Internal("the store is not followed by the scan log".into()))
    }

    /// Writes the audit line of what was done.
    pub fn audit(
        &mut self,
        action: &str,
        subject: impl std::fmt::Display,
        before: &str,
        after: &str,
    ) -> Result<(), Error> {
        self.lines += 1;
        let line = AuditLine {
            at: self.now,
            by: self.permit.by,
            action: action.to_owned(),
            subject: subject.to_string(),
            before: shorten(before),
            after: shorten(after),
        };
        self.tx.audit(crate::audit::encode(&line)?)?;
        crate::webhook::note(self, action, &line.subject)
    }

    fn finish(self) -> Result<(), Error> {
        if self.writes > 0 && self.lines == 0 {
            return Err(Error::Internal("a write without an audit line".into()));
        }
        Ok(())
    }
}

/// A space with its zone.
#[derive(Debug)]
pub struct Known {
    /// The space.
    pub space: domain::Space,
    /// Its zone.
    pub zone: jiff::tz::TimeZone,
    /// How the application calls itself.
    pub brand: domain::Brand,
    /// What the platform grants, where the space is a merchant's.
    pub terms: Option<domain::merchant::Terms>,
}

impl Known {
    /// Whether people may log in and pages are open.
    pub fn is_open(&self) -> bool {
        self.terms.is_none_or(|terms| terms.open)
    }

    /// Whether tickets may have a price.
    pub fn may_charge(&self) -> bool {
        self.terms.is_none_or(|terms| terms.charging)
    }
}

/// Most spaces that are kept in memory; beyond, all are read anew.
const KNOWN_MAX: usize = 10_000;

impl Ctx {
    /// The association, when it has been set up.
    pub fn association(&self) -> Result<Option<Arc<Known>>, Error> {
        self.known(SpaceId::ASSOCIATION)
    }

    /// A space, when there is one of this number; read once, until it changes.
    pub fn known(&self, space: SpaceId) -> Result<Option<Arc<Known>>, Error> {
        let mut kept = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&space) {
            return Ok(Some(known.clone()));
        }
        let view = self.store.view();
        let Some(found) = view.space(SpaceId::BOX).get::<domain::Space>(&space)? else { return Ok(None) };
        let zone = domain::time::zone(&found.zone);
        let zone = zone.ok_or_else(|| Error::Internal(format!("unknown zone {}", found.zone)))?;
        let brand = view.space(space).get::<domain::Brand>(&())?.unwrap_or_default();
        let terms = view.space(space).get::<domain::merchant::Terms>(&())?;
        let known = Arc::new(Known { space: found, zone, brand, terms });
        if kept.len() >= KNOWN_MAX {
            kept.clear();
        }
        kept.insert(space, known.clone());
        Ok(Some(known))
    }

    /// Every space of the box, the association first. What the box does by itself goes over all of them.
    pub fn spaces(&self) -> Result<Vec<SpaceId>, Error> {
        let view = self.store.view().space(SpaceId::BOX);
        Ok(view.scan_keys::<domain::Space>(&(), None, store::Order::Ascending).collect::<Result<_, _>>()?)
    }

    /// Whether there is a space of this number and it is open. What cannot be read is not open.
    pub fn is_open(&self, space: SpaceId) -> bool {
        space == SpaceId::ASSOCIATION || self.known(space).ok().flatten().is_some_and(|known| known.is_open())
    }

    /// Every space that is open.
    pub fn open_spaces(&self) -> Result<Vec<SpaceId>, Error> {
        Ok(self.spaces()?.into_iter().filter(|space| self.is_open(*space)).collect())
    }

    /// The zone of a space, whose days and hours rules speak of.
    pub(crate) fn zone(&self, space: SpaceId) -> Result<jiff::tz::TimeZone, Error> {
        match self.known(space)? {
            Some(known) => Ok(known.zone.clone()),
            None => Err(domain::Refusal::missing("association").into()),
        }
    }

    /// Forgets a space after a change.
    pub(crate) fn space_changed(&self, space: SpaceId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&space);
    }
}

#[cfg(test)]
#[allow(missing_docs)]
pub mod test {
    //! A hall over the memory engine with a clock and dice that tests set.

    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A clock that stands until it is moved.
    #[derive(Default)]
    pub struct Hands(pub AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> Time {
            Time(self.0.load(Ordering::SeqCst))
        }
    }

    /// A seeded splitmix64 stream.
    pub struct Dice(Mutex<u64>);

    impl Dice {
        pub fn new(seed: u64) -> Self {
            Self(Mutex::new(seed))
        }
    }

    impl Random for Dice {
        fn fill(&self, to: &mut [u8]) {
            let mut state = self.0.lock().unwrap();
            for chunk in to.chunks_mut(8) {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                let bytes = (z ^ (z >> 31)).to_le_bytes();
                chunk.copy_from_slice(&bytes[..chunk.len()]);
            }
        }
    }

    /// A hall, its clock, and the folder of its files.
    pub struct Hall {
        pub ctx: Ctx,
        pub hands: Arc<Hands>,
        folder: tempfile::TempDir,
    }

    impl Hall {
        pub fn fresh() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let hands = Arc::new(Hands(AtomicI64::new(1_795_570_200_000)));
            let ctx = Ctx::new(
                Store::memory(),
                hands.clone(),
                Arc::new(Dice::new(7)),
                Sealer::new(&[9; 32]).unwrap(),
                Files::open(folder.path()).unwrap(),
            );
            Self { ctx, hands, folder }
        }

        /// As after a start of the program: the same store, and nothing in memory.
        pub fn again(&self) -> Ctx {
            let (sealer, files) = (Sealer::new(&[9; 32]).unwrap(), Files::open(self.folder.path()).unwrap());
            Ctx::new(self.ctx.store().clone(), self.hands.clone(), Arc::new(Dice::new(8)), sealer, files)
        }

        pub fn advance(&self, millis: i64) {
            self.hands.0.fetch_add(millis, Ordering::SeqCst);
        }
    }
}
