//! Reading: consistent views of everything committed, and typed access to one space, shared by views and transactions.

use crate::{
    Counter, Error, Key, Plain, Record, SpaceId, Unique,
    engine::Engine,
    envelope,
    layer::{Layers, Map, behind, bounds},
    table::{AUDIT, AUDIT_HEAD, value_error},
};
use bytes::Bytes;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// What was committed up to one group: changes that the engine does not have yet, and the mark that keeps it from getting ahead.
pub(crate) struct Published {
    pub active: Map,
    pub frozen: Option<Arc<Map>>,
    pub sequence: u64,
    /// Held by every view of this generation; the engine gets the generation's last changes when all are gone.
    pub _generation: Arc<Generation>,
}

/// A handle whose other end learns when the last clone of it is gone.
pub(crate) type Generation = std::sync::mpsc::Sender<std::convert::Infallible>;

/// Everything committed at one instant; later commits do not show.
#[derive(Clone)]
pub struct View {
    pub(crate) published: Arc<Published>,
    pub(crate) engine: Arc<dyn Engine>,
}

impl View {
    /// One space's records at this instant.
    pub fn space(&self, id: SpaceId) -> SpaceView {
        SpaceView { view: self.clone(), id }
    }

    /// Sequence number of the newest group in this view.
    pub fn sequence(&self) -> u64 {
        self.published.sequence
    }

    pub(crate) fn layers(&self) -> Layers<'_> {
        Layers {
            fresh: [None, None],
            maps: [Some(&self.published.active), self.published.frozen.as_deref()],
            engine: self.engine.as_ref(),
            cache: None,
        }
    }
}

/// One space's records at one instant.
#[derive(Clone)]
pub struct SpaceView {
    view: View,
    id: SpaceId,
}

impl SpaceView {
    /// Where the audit chain ends: the number of the next line, and the hash over everything before.
    pub fn audit_head(&self) -> Result<Option<(u64, [u8; 32])>, Error> {
        let at = key(self.id, AUDIT_HEAD, &[]);
        let Some(value) = self.layers().get(&at)? else { return Ok(None) };
        crate::tx::read_head(&at, &value).map(|(hash, next)| Some((next, hash)))
    }

    /// Whether the audit chain, where line `next` was to come, had this hash over everything before. Whether the chain itself holds is for
    /// [`View::verify`].
    pub fn audit_reaches(&self, next: u64, hash: &[u8; 32]) -> Result<bool, Error> {
        let Some(kept) = self.walk(AUDIT, &[], Some(&next.bytes()), Order::Descending).next() else { return Ok(false) };
        let (at, value) = kept?;
        let block = crate::tx::read_block(&at, &value)?;
        let Some((first, _)) = block.lines.first() else { return Ok(false) };
        let (_, content) = crate::envelope::open(AUDIT, &at, &value)?;
        Ok(first + block.lines.len() as u64 == next && crate::tx::block_hash(*first, content) == *hash)
    }

    /// The lines of the audit chain below line `before`, newest first, with their numbers.
    pub fn audit(&self, before: Option<u64>) -> Found<'_, (u64, Vec<u8>)> {
        let from = before.map(|line| line.bytes());
        let blocks = self.walk(AUDIT, &[], from.as_deref(), Order::Descending);
        Box::new(blocks.flat_map(move |kept| {
            let lines = kept.and_then(|(key, value)| crate::tx::read_block(&key, &value).map(|block| block.lines));
            let lines: Vec<_> = match lines {
                Ok(lines) => lines.into_iter().rev().filter(|(n, _)| before.is_none_or(|b| *n < b)).map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            lines.into_iter()
        }))
    }
}

impl Read for SpaceView {
    fn space_id(&self) -> SpaceId {
        self.id
    }
    fn layers(&self) -> Layers<'_> {
        self.view.layers()
    }
}

/// The key of something in a space.
pub(crate) fn key(space: SpaceId, table: u16, rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(10 + rest.len());
    space.0.encode(&mut out);
    table.encode(&mut out);
    out.extend_from_slice(rest);
    out
}

/// Bytes of space and table in front of every key.
pub(crate) const PREFIX: usize = 10;

fn decode_key<K: Key>(key: &[u8], rest: &[u8]) -> Result<K, Error> {
    let mut rest = rest;
    let decoded = K::decode(&mut rest).filter(|_| rest.is_empty());
    decoded.ok_or_else(|| value_error(key)("the key does not decode".into()))
}

/// The space and the record's key, when the key is one of that table.
pub(crate) fn place_of<R: Record>(key: &[u8]) -> Option<(SpaceId, R::Key)> {
    let mut rest = key;
    let (space, table) = (u64::decode(&mut rest)?, u16::decode(&mut rest)?);
    if table != R::TABLE.id {
        return None;
    }
    R::Key::decode(&mut rest).filter(|_| rest.is_empty()).map(|of| (SpaceId(space), of))
}

pub(crate) fn decode_value<R: Record>(key: &[u8], value: &[u8]) -> Result<R, Error> {
    let (version, content) = envelope::open(R::TABLE.id, key, value)?;
    R::decode(version, content).map_err(value_error(key))
}

pub(crate) fn decode_count(id: u16, key: &[u8], value: &[u8]) -> Result<i64, Error> {
    let (_, content) = envelope::open(id, key, value)?;
    let number = content.try_into().map(i64::from_le_bytes);
    number.map_err(|_| value_error(key)("not a count".into()))
}

/// Looks at a kept record in place.
fn look<R: Record, T>(key: &[u8], value: &[u8], f: impl FnOnce(&R::Archived) -> T) -> Result<T, Error> {
    let (version, content) = envelope::open(R::TABLE.id, key, value)?;
    if version == R::VERSION {
        return R::access(content).map(f).map_err(value_error(key));
    }
    // An older version has no archive of the present shape: migrate, and look at that.
    let bytes = R::decode(version, content).and_then(|record| record.encode()).map_err(value_error(key))?;
    R::access(&bytes).map(f).map_err(value_error(key))
}

/// An iterator over what a space holds.
pub type Found<'a, T> = Box<dyn Iterator<Item = Result<T, Error>> + 'a>;

/// Typed reading of one space.
pub trait Read {
    /// The space.
    fn space_id(&self) -> SpaceId;
    /// The layers that are read.
    #[doc(hidden)]
    fn layers(&self) -> Layers<'_>;

    /// The record of a key.
    fn get<R: Record>(&self, of: &R::Key) -> Result<Option<R>, Error> {
        let key = key(self.space_id(), R::TABLE.id, &of.bytes());
        self.layers().get(&key)?.map(|value| decode_value(&key, &value)).transpose()
    }

    /// The SHA-256 of a kept record's bytes.
    fn digest<R: Record>(&self, of: &R::Key) -> Result<Option<[u8; 32]>, Error> {
        let key = key(self.space_id(), R::TABLE.id, &of.bytes());
        let Some(value) = self.layers().get(&key)? else { return Ok(None) };
        let (_, content) = envelope::open(R::TABLE.id, &key, &value)?;
        Ok(Some(crate::tx::sha256(content)))
    }

    /// Looks at the record of a key in place, without unpacking it.
    fn peek<R: Record, T>(&self, of: &R::Key, f: impl FnOnce(&R::Archived) -> T) -> Result<Option<T>, Error> {
        let key = key(self.space_id(), R::TABLE.id, &of.bytes());
        let Some(value) = self.layers().get(&key)? else { return Ok(None) };
        look::<R, T>(&key, &value, f).map(Some)
    }

    /// The key of the record with this entry of a unique index.
    fn find_key<R: Record, K: Key>(&self, index: &Unique<R, K>, entry: &K) -> Result<Option<R::Key>, Error> {
        let key = key(self.space_id(), index.id, &entry.bytes());
        self.layers().get(&key)?.map(|value| decode_key::<R::Key>(&key, &value)).transpose()
    }

    /// The record with this entry of a unique index.
    fn find<R: Record, K: Key>(&self, index: &Unique<R, K>, entry: &K) -> Result<Option<R>, Error> {
        let Some(of) = self.find_key(index, entry)? else { return Ok(None) };
        match self.get::<R>(&of)? {
            Some(record) => Ok(Some(record)),
            None => {
                let key = key(self.space_id(), R::TABLE.id, &of.bytes());
                Err(value_error(&key)(format!("{} points to a record that is not there", index.name)))
            }
        }
    }

    /// The records whose keys begin with `prefix`, beyond `from`, in order.
    fn scan<'s, R: Record>(&'s self, prefix: &impl Key, from: Option<&R::Key>, order: Order) -> Found<'s, (R::Key, R)> {
        let from = from.map(Key::bytes);
        Box::new(self.walk(R::TABLE.id, &prefix.bytes(), from.as_deref(), order).map(|kept| {
            let (key, value) = kept?;
            let of = decode_key(&key, key.get(PREFIX..).unwrap_or(&[]))?;
            Ok((of, decode_value(&key, &value)?))
        }))
    }

    /// Looks at the records whose keys begin with `prefix` in place, in order, until `f` breaks off. For going over many quickly.
    fn visit<R: Record>(
        &self,
        prefix: &impl Key,
        order: Order,
        mut f: impl FnMut(R::Key, &R::Archived) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        for kept in self.walk(R::TABLE.id, &prefix.bytes(), None, order) {
            let (key, value) = kept?;
            let of = decode_key(&key, key.get(PREFIX..).unwrap_or(&[]))?;
            if look::<R, _>(&key, &value, |kept| f(of, kept))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The keys alone of the records whose keys begin with `prefix`, beyond `from`, in order; the records are not looked at.
    fn scan_keys<'s, R: Record>(&'s self, prefix: &impl Key, from: Option<&R::Key>, order: Order) -> Found<'s, R::Key> {
        let from = from.map(Key::bytes);
        Box::new(self.walk(R::TABLE.id, &prefix.bytes(), from.as_deref(), order).map(|kept| {
            let (key, _) = kept?;
            decode_key(&key, key.get(PREFIX..).unwrap_or(&[]))
        }))
    }

    /// As [`Self::scan_index`], with the entries: what to go on from.
    fn scan_entries<'s, R: Record, K: Key + 's>(
        &'s self,
        index: &Plain<R, K>,
        prefix: &impl Key,
        from: Option<&(K, R::Key)>,
        order: Order,
    ) -> Found<'s, (K, R::Key)> {
        let from = from.map(Key::bytes);
        Box::new(self.walk(index.id, &prefix.bytes(), from.as_deref(), order).map(|kept| {
            let (key, _) = kept?;
            decode_key::<(K, R::Key)>(&key, key.get(PREFIX..).unwrap_or(&[]))
        }))
    }

    /// The keys of the records whose index entries begin with `prefix`, beyond `from`, in the index's order.
    fn scan_index<'s, R: Record, K: Key + 's>(
        &'s self,
        index: &Plain<R, K>,
        prefix: &impl Key,
        from: Option<&(K, R::Key)>,
        order: Order,
    ) -> Found<'s, R::Key> {
        let from = from.map(Key::bytes);
        Box::new(self.walk(index.id, &prefix.bytes(), from.as_deref(), order).map(|kept| {
            let (key, _) = kept?;
            decode_key::<(K, R::Key)>(&key, key.get(PREFIX..).unwrap_or(&[])).map(|(_, of)| of)
        }))
    }

    /// As [`Self::scan_index`], over a unique index.
    fn scan_unique<'s, R: Record, K: Key>(
        &'s self,
        index: &Unique<R, K>,
        prefix: &impl Key,
        from: Option<&K>,
        order: Order,
    ) -> Found<'s, R::Key> {
        let from = from.map(Key::bytes);
        Box::new(self.walk(index.id, &prefix.bytes(), from.as_deref(), order).map(|kept| {
            let (key, value) = kept?;
            decode_key(&key, &value)
        }))
    }

    /// The count at a key; 0 where nothing was counted.
    fn count<K: Key>(&self, counter: &Counter<K>, at: &K) -> Result<i64, Error> {
        let key = key(self.space_id(), counter.id, &at.bytes());
        self.layers().get(&key)?.map_or(Ok(0), |value| decode_count(counter.id, &key, &value))
    }

    /// All counts other than 0 whose keys begin with `prefix`.
    fn counts<'s, K: Key + 's>(&'s self, counter: &Counter<K>, prefix: &impl Key) -> Found<'s, (K, i64)> {
        let id = counter.id;
        Box::new(self.walk(id, &prefix.bytes(), None, Order::Ascending).map(move |kept| {
            let (key, value) = kept?;
            let at = decode_key(&key, key.get(PREFIX..).unwrap_or(&[]))?;
            Ok((at, decode_count(id, &key, &value)?))
        }))
    }

    /// Keys and values of a table, index or counter.
    #[doc(hidden)]
    fn walk<'s>(&'s self, table: u16, prefix: &[u8], from: Option<&[u8]>, order: Order) -> Found<'s, (Bytes, Bytes)> {
        let space = self.space_id();
        let prefix = key(space, table, prefix);
        let from = from.map(|from| key(space, table, from));
        let end = behind(&prefix);
        Box::new(self.layers().range(bounds(&prefix, end.as_deref(), from.as_deref(), order), order))
    }
}
