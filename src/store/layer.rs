//! Reading through layers: changes in memory, newest first, over the engine. A deletion in a higher layer hides what lies below.

use crate::{Error, Order, engine::Engine};
use bytes::Bytes;
use imbl::OrdMap;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::iter::Peekable;
use std::ops::Bound;

/// Changes of one transaction or group by key; `None` is a deletion.
pub type Changes = BTreeMap<Bytes, Option<Bytes>>;
/// Changes that were committed, as readers share them.
pub type Map = OrdMap<Bytes, Option<Bytes>>;
/// What the writer read from the engine before. Only the writer changes anything, so it knows when to forget an entry.
pub type Cache = RefCell<HashMap<Bytes, Option<Bytes>>>;
/// The most entries of a [`Cache`].
const CACHE_MAX: usize = 16_384;
/// A range of keys.
pub type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Layers of changes, newest first, over the engine.
#[derive(Clone)]
pub struct Layers<'a> {
    /// A transaction's own changes, and those before it in its group.
    pub(crate) fresh: [Option<&'a Changes>; 2],
    /// Committed changes, and those that the engine is just getting.
    pub(crate) maps: [Option<&'a Map>; 2],
    pub(crate) engine: &'a dyn Engine,
    /// What was read from the engine before; the writer's own.
    pub(crate) cache: Option<&'a Cache>,
}

/// One of [`Changes`].
pub type Change<'a> = (&'a Bytes, &'a Option<Bytes>);
type Ahead<'a> = Peekable<Box<dyn Iterator<Item = Change<'a>> + 'a>>;
type Kept<'a> = Peekable<Box<dyn Iterator<Item = Result<(Bytes, Bytes), Error>> + 'a>>;

impl<'a> Layers<'a> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        for map in self.fresh.iter().flatten() {
            if let Some(change) = map.get(key) {
                return Ok(change.clone());
            }
        }
        for map in self.maps.iter().flatten() {
            if let Some(change) = map.get(key) {
                return Ok(change.clone());
            }
        }
        let Some(cache) = self.cache else { return self.engine.get(key) };
        if let Some(kept) = cache.borrow().get(key) {
            return Ok(kept.clone());
        }
        let kept = self.engine.get(key)?;
        let mut cache = cache.borrow_mut();
        if cache.len() >= CACHE_MAX {
            cache.clear();
        }
        cache.insert(Bytes::copy_from_slice(key), kept.clone());
        Ok(kept)
    }

    /// Keys and values of a range, in order.
    pub(crate) fn range(&self, range: Range<'_>, order: Order) -> Merge<'a> {
        let empty = match range {
            (Bound::Included(a), Bound::Included(b)) => a > b,
            (Bound::Included(a), Bound::Excluded(b)) => a >= b,
            (Bound::Excluded(a), Bound::Excluded(b) | Bound::Included(b)) => a >= b,
            _ => false,
        };
        let mut lists: Vec<Ahead<'a>> = Vec::with_capacity(4);
        if !empty {
            lists.extend(
                self.fresh
                    .iter()
                    .flatten()
                    .filter(|map| !map.is_empty())
                    .map(|map| backed(map.range::<[u8], _>(range), order)),
            );
            lists.extend(
                self.maps
                    .iter()
                    .flatten()
                    .filter(|map| !map.is_empty())
                    .map(|map| backed(map.range::<_, [u8]>(range), order)),
            );
        }
        let kept: Box<dyn Iterator<Item = _> + 'a> =
            if empty { Box::new(std::iter::empty()) } else { self.engine.range(range, order) };
        Merge { lists, kept: kept.peekable(), order }
    }
}

fn backed<'a>(changes: impl DoubleEndedIterator<Item = Change<'a>> + 'a, order: Order) -> Ahead<'a> {
    let changes: Box<dyn Iterator<Item = Change<'a>> + 'a> = match order {
        Order::Ascending => Box::new(changes),
        Order::Descending => Box::new(changes.rev()),
    };
    changes.peekable()
}

/// The merged contents of the layers.
pub(crate) struct Merge<'a> {
    lists: Vec<Ahead<'a>>,
    kept: Kept<'a>,
    order: Order,
}

impl Merge<'_> {
    /// The key that comes next in any layer.
    fn next_key(&mut self) -> Option<Bytes> {
        let mut next: Option<&Bytes> = None;
        let first = |a: &Bytes, b: &Bytes| match self.order {
            Order::Ascending => a < b,
            Order::Descending => a > b,
        };
        for list in &mut self.lists {
            if let Some((key, _)) = list.peek()
                && next.is_none_or(|best| first(key, best))
            {
                next = Some(key);
            }
        }
        if let Some(Ok((key, _))) = self.kept.peek()
            && next.is_none_or(|best| first(key, best))
        {
            next = Some(key);
        }
        next.cloned()
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<(Bytes, Bytes), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if matches!(self.kept.peek(), Some(Err(_))) {
                return self.kept.next();
            }
            let key = self.next_key()?;
            let mut change: Option<Option<Bytes>> = None;
            for list in &mut self.lists {
                if let Some((_, value)) = list.next_if(|(at, _)| **at == key) {
                    change = change.or_else(|| Some(value.clone()));
                }
            }
            let below = self.kept.next_if(|kept| kept.as_ref().is_ok_and(|(at, _)| *at == key));
            match (change, below) {
                (Some(Some(value)), _) => return Some(Ok((key, value))),
                (Some(None), _) => {}
                (None, Some(kept)) => return Some(kept),
                (None, None) => return None,
            }
        }
    }
}

/// The first key behind all that begin with `prefix`; none when there is no such key.
pub(crate) fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 255 {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// The range of all keys with `prefix` on the far side of `from`; never any without it.
pub(crate) fn bounds<'a>(
    prefix: &'a [u8],
    behind: Option<&'a [u8]>,
    from: Option<&'a [u8]>,
    order: Order,
) -> Range<'a> {
    let low = match (from, order) {
        (Some(from), Order::Ascending) if from >= prefix => Bound::Excluded(from),
        _ => Bound::Included(prefix),
    };
    let high = match (from, order) {
        (Some(from), Order::Descending) if behind.is_none_or(|behind| from < behind) => Bound::Excluded(from),
        _ => behind.map_or(Bound::Unbounded, Bound::Excluded),
    };
    (low, high)
}
