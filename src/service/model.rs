//! What is kept in memory of an event: built from a view when somebody asks, brought up to date by every commit, dropped when
//! much newer ones need the room. Derived data: nothing in it is true that the store does not say.

use crate::Error;
use domain::{EventId, SpaceId};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use store::SpaceView;

/// An event in its space.
pub(crate) type Place = (SpaceId, EventId);

/// A number that is random already, such as part of a hash, as a hash table wants it: different in its high and in its low bits.
pub(crate) fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A place that is kept in four bytes, as an index.
pub(crate) fn wide(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Something that is kept of an event.
pub(crate) trait Model: Sized + Send + Sync + 'static {
    /// What a commit may change in it.
    type Change: Clone + Send + Sync;
    /// Builds it from everything in the view.
    fn build(view: &SpaceView, event: EventId) -> Result<Self, Error>;
    /// Takes a committed change in. Changes come in the order of their commits; the first of them may be in the view already that
    /// it was built from.
    fn apply(&mut self, change: Self::Change);
    /// How many rows it has, which says what memory it takes.
    fn weight(&self) -> usize;
}

/// While one is being built, the changes that come meanwhile are kept for it.
enum State<M: Model> {
    Building(Vec<M::Change>),
    Ready(M),
}

struct Slot<M: Model> {
    state: RwLock<State<M>>,
    /// Held by the one who builds.
    building: Mutex<()>,
    used: AtomicU64,
}

/// A model that was ready when it was asked for. One that was dropped since is not brought up to date any more.
pub(crate) struct Held<M: Model>(Arc<Slot<M>>);

impl<M: Model> Held<M> {
    /// Looks at it for a short time: commits wait as long.
    pub(crate) fn look<T>(&self, f: impl FnOnce(&M) -> T) -> Result<T, Error> {
        match &*self.0.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Ready(model) => Ok(f(model)),
            State::Building(_) => Err(Error::Internal("a model was taken away while it was read".into())),
        }
    }
}

/// The models of all events that are in use.
pub(crate) struct Models<M: Model> {
    slots: RwLock<FxHashMap<Place, Arc<Slot<M>>>>,
    uses: AtomicU64,
    /// Rows that are kept at the most, but for a single model that has more.
    most: usize,
}

impl<M: Model> Models<M> {
    pub(crate) fn new(most: usize) -> Self {
        Self { slots: RwLock::default(), uses: AtomicU64::new(0), most }
    }

    /// Looks at a model that is ready; none when it has to be loaded first.
    pub(crate) fn with<T>(&self, place: Place, f: impl FnOnce(&M) -> T) -> Option<T> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(&place)?;
        match &*slot.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Building(_) => None,
            State::Ready(model) => Some(f(model)),
        }
    }

    /// Takes the changes of one commit in. Called by the writer alone, in the order of the commits.
    pub(crate) fn note(&self, place: Place, changes: impl IntoIterator<Item = M::Change>) {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slots.get(&place) else { return };
        // A place that changes is in use, whoever asks for it.
        slot.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        match &mut *slot.state.write().unwrap_or_else(PoisonError::into_inner) {
            State::Building(waiting) => waiting.extend(changes),
            State::Ready(model) => changes.into_iter().for_each(|change| model.apply(change)),
        }
    }

    /// True when somebody uses the place, so that its changes are worth reading.
    pub(crate) fn has(&self, place: Place) -> bool {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).contains_key(&place)
    }

    /// Forgets a place: what is known of it cannot be trusted any more.
    pub(crate) fn forget(&self, place: Place) {
        self.slots.write().unwrap_or_else(PoisonError::into_inner).remove(&place);
    }

    fn slot(&self, place: Place) -> Arc<Slot<M>> {
        // The writer looks here for every scan: whoever only looks must not keep it out.
        if let Some(slot) = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return slot.clone();
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            Arc::new(Slot {
                state: RwLock::new(State::Building(Vec::new())),
                building: Mutex::new(()),
                used: AtomicU64::new(0),
            })
        };
        slots.entry(place).or_insert_with(fresh).clone()
    }

    /// Makes the model ready; blocks the thread while it is being built.
    pub(crate) fn load(&self, place: Place, view: impl FnOnce() -> SpaceView) -> Result<Held<M>, Error> {
        let slot = self.slot(place);
        slot.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let building = slot.building.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = matches!(&*slot.state.read().unwrap_or_else(PoisonError::into_inner), State::Ready(_));
        if !ready {
            // The view is taken after the slot is known to the writer: what is committed later is noted.
            let built = M::build(&view(), place.1);
            let mut model = built.inspect_err(|_| self.forget(place))?;
            let mut state = slot.state.write().unwrap_or_else(PoisonError::into_inner);
            if let State::Building(waiting) = &mut *state {
                std::mem::take(waiting).into_iter().for_each(|change| model.apply(change));
            }
            *state = State::Ready(model);
            drop(state);
            self.make_room(place);
        }
        drop(building);
        Ok(Held(slot))
    }

    /// Drops those that were not asked for longest, but the newest.
    fn make_room(&self, newest: Place) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let weight = |slot: &Slot<M>| match &*slot.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Building(_) => 0,
            State::Ready(model) => model.weight() + 1,
        };
        let mut total: usize = slots.values().map(|slot| weight(slot)).sum();
        while total > self.most {
            let oldest = slots.iter().filter(|(place, _)| **place != newest);
            let Some((place, freed)) = oldest
                .min_by_key(|(_, slot)| slot.used.load(Ordering::Relaxed))
                .map(|(place, slot)| (*place, weight(slot)))
            else {
                return;
            };
            slots.remove(&place);
            total = total.saturating_sub(freed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Store;

    /// Counts how often it was built, and sums its changes.
    struct Sum(u64);

    impl Model for Sum {
        type Change = u64;
        fn build(_: &SpaceView, event: EventId) -> Result<Self, Error> {
            if event.0 == 9 { Err(Error::Internal("no such event".into())) } else { Ok(Self(event.0 * 100)) }
        }
        fn apply(&mut self, change: u64) {
            self.0 += change;
        }
        fn weight(&self) -> usize {
            10
        }
    }

    #[test]
    fn models_are_built_once_follow_changes_and_make_room_for_newer_ones() {
        let store = Store::memory();
        let models: Models<Sum> = Models::new(25);
        let at = |event| (SpaceId(1), EventId(event));
        let load = |event| models.load(at(event), || store.view().space(SpaceId(1)))?.look(|sum| sum.0);
        models.note(at(1), [5]);
        assert!(models.with(at(1), |sum| sum.0).is_none(), "nobody asked for it yet");
        assert_eq!(load(1).unwrap(), 100);
        models.note(at(1), [5, 6]);
        assert_eq!(models.with(at(1), |sum| sum.0), Some(111));
        assert_eq!(load(2).unwrap(), 200);
        assert_eq!(load(1).unwrap(), 111, "built once");
        assert_eq!(load(3).unwrap(), 300);
        assert!(models.has(at(1)) && !models.has(at(2)) && models.has(at(3)), "the one unused for longest goes");
        assert!(load(9).is_err() && !models.has(at(9)), "a failure is not kept");
        models.forget(at(1));
        assert_eq!(load(1).unwrap(), 100, "forgotten, it is built anew");
    }

    #[test]
    fn what_is_committed_while_it_is_built_is_not_missed() {
        let store = Store::memory();
        let models: Models<Sum> = Models::new(1_000);
        let place = (SpaceId(1), EventId(1));
        let view = || {
            models.note(place, [7]);
            store.view().space(SpaceId(1))
        };
        assert_eq!(models.load(place, view).unwrap().look(|sum| sum.0).unwrap(), 107);
    }
}
