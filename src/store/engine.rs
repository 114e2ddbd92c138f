//! What the store asks of an engine: a sorted map that takes batches and can be synced. The memory engine serves unit tests.

use crate::{
    Error, Order,
    layer::{Change, Range},
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

/// Keys and values in order.
pub type Pairs<'a> = Box<dyn Iterator<Item = Result<(Bytes, Bytes), Error>> + 'a>;

/// A sorted map of bytes. Only one thread applies; any number read meanwhile.
pub trait Engine: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error>;
    /// A range of keys in order.
    fn range<'a>(&'a self, range: Range<'_>, order: Order) -> Pairs<'a>;
    /// Puts and deletes in the order of their keys; need not be atomic, since the journal holds them until the next sync.
    fn apply<'a>(&self, changes: &mut dyn Iterator<Item = Change<'a>>) -> Result<(), Error>;
    /// Returns when everything applied is on disk, the mark of the group that it reaches to included.
    fn sync(&self, sequence: u64) -> Result<(), Error>;
    /// The mark: a smaller one than was synced shows that the engine lost its end.
    fn synced(&self) -> Result<u64, Error>;
}

/// An engine without a disk.
#[derive(Debug, Default)]
pub struct Memory {
    map: RwLock<BTreeMap<Bytes, Bytes>>,
}

impl Engine for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.map.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn range<'a>(&'a self, (low, high): Range<'_>, order: Order) -> Pairs<'a> {
        let mut low = low.map(Bytes::copy_from_slice);
        let mut high = high.map(Bytes::copy_from_slice);
        // One step at a time, so that no lock is held while the caller works.
        Box::new(std::iter::from_fn(move || {
            let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
            let empty = match (&low, &high) {
                (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a > b,
                _ => false,
            } || matches!((&low, &high), (Bound::Excluded(a), Bound::Excluded(b)) if a == b);
            if empty {
                return None;
            }
            let mut range = map.range::<Bytes, _>((low.as_ref(), high.as_ref()));
            let (key, value) = match order {
                Order::Ascending => range.next(),
                Order::Descending => range.next_back(),
            }?;
            match order {
                Order::Ascending => low = Bound::Excluded(key.clone()),
                Order::Descending => high = Bound::Excluded(key.clone()),
            }
            Some(Ok((key.clone(), value.clone())))
        }))
    }

    fn apply<'a>(&self, changes: &mut dyn Iterator<Item = Change<'a>>) -> Result<(), Error> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in changes {
            match value {
                Some(value) => map.insert(key.clone(), value.clone()),
                None => map.remove(key),
            };
        }
        Ok(())
    }

    fn sync(&self, _: u64) -> Result<(), Error> {
        Ok(())
    }

    fn synced(&self) -> Result<u64, Error> {
        Ok(0)
    }
}
