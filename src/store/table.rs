//! What a table is: its record, key, version, and the index entries and counts derived from each record.

use crate::{Error, Key};
use std::marker::PhantomData;

/// Number and name of a table. Numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Number, 1 to 999.
    pub id: u16,
    /// Name for messages.
    pub name: &'static str,
}

/// A unique index: at most one record per entry.
pub struct Unique<R, K> {
    pub(crate) id: u16,
    pub(crate) name: &'static str,
    of: PhantomData<fn() -> (R, K)>,
}

/// An index in which many records may share an entry.
pub struct Plain<R, K> {
    pub(crate) id: u16,
    of: PhantomData<fn() -> (R, K)>,
}

/// Sums over records, by a key.
pub struct Counter<K> {
    pub(crate) id: u16,
    of: PhantomData<fn() -> K>,
}

impl<R, K> Unique<R, K> {
    /// Declares the index; `id` 1 to 999 among indexes and counters.
    pub const fn new(id: u16, name: &'static str) -> Self {
        Self { id: INDEX_BASE + id, name, of: PhantomData }
    }
}

impl<R, K> Plain<R, K> {
    /// Declares the index; `id` 1 to 999 among indexes and counters.
    pub const fn new(id: u16) -> Self {
        Self { id: INDEX_BASE + id, of: PhantomData }
    }
}

impl<K> Counter<K> {
    /// Declares the counter; `id` 1 to 999 among indexes and counters.
    pub const fn new(id: u16) -> Self {
        Self { id: COUNTER_BASE + id, of: PhantomData }
    }
}

/// First number of indexes in keys.
pub const INDEX_BASE: u16 = 1_000;
/// First number of counters in keys.
pub const COUNTER_BASE: u16 = 2_000;
/// The next free number of each table.
pub const SEQUENCE: u16 = 3_000;
/// Blocks of the audit chain.
pub const AUDIT: u16 = 3_001;
/// Head of the audit chain.
pub const AUDIT_HEAD: u16 = 3_002;

/// Something a table keeps.
pub trait Record: Sized + 'static {
    /// The table.
    const TABLE: Table;
    /// Version of the bytes written now.
    const VERSION: u16;
    /// The primary key.
    type Key: Key;
    /// The form that is read in place.
    type Archived;

    /// The record's key.
    fn key(&self) -> Self::Key;
    /// The bytes.
    fn encode(&self) -> Result<Vec<u8>, String>;
    /// Reads bytes of the present version in place.
    fn access(bytes: &[u8]) -> Result<&Self::Archived, String>;
    /// Reads bytes of any released version.
    fn decode(version: u16, bytes: &[u8]) -> Result<Self, String>;
    /// Says which index entries and counts follow from the record.
    fn derive(&self, out: &mut Derived);
}

/// One derived key with what belongs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Unique(&'static str),
    Plain,
    Count(i64),
}

/// Index entries and counts that follow from one record.
#[derive(Debug, Default)]
pub struct Derived {
    primary: Vec<u8>,
    /// Keys below the space, with what they are.
    pub(crate) entries: Vec<(Vec<u8>, Entry)>,
}

impl Derived {
    pub(crate) fn of<R: Record>(record: &R) -> Self {
        let mut out = Self { primary: record.key().bytes(), entries: Vec::new() };
        record.derive(&mut out);
        out
    }

    pub(crate) fn primary(&self) -> &[u8] {
        &self.primary
    }

    /// The record is found by `key`, alone.
    pub fn unique<R, K: Key>(&mut self, index: &Unique<R, K>, key: &K) {
        let mut at = index.id.bytes();
        key.encode(&mut at);
        self.entries.push((at, Entry::Unique(index.name)));
    }

    /// The record is found by `key`, among others.
    pub fn plain<R, K: Key>(&mut self, index: &Plain<R, K>, key: &K) {
        let mut at = index.id.bytes();
        key.encode(&mut at);
        at.extend_from_slice(&self.primary);
        self.entries.push((at, Entry::Plain));
    }

    /// The record adds `amount` to the count at `key`.
    pub fn count<K: Key>(&mut self, counter: &Counter<K>, key: &K, amount: i64) {
        let mut at = counter.id.bytes();
        key.encode(&mut at);
        self.entries.push((at, Entry::Count(amount)));
    }
}

/// A table without its types, for walking over everything.
pub struct Erased {
    /// Number and name.
    pub table: Table,
    /// The version in which records are written.
    pub version: u16,
    /// Decodes a value and derives its entries; the error says what is wrong.
    pub(crate) derive: fn(version: u16, bytes: &[u8]) -> Result<Derived, String>,
}

pub(crate) fn erased<R: Record>() -> Erased {
    Erased {
        table: R::TABLE,
        version: R::VERSION,
        derive: |version, bytes| R::decode(version, bytes).map(|record| Derived::of(&record)),
    }
}

/// Declares the tables of the catalogue: number, name, version, record, key, and what is derived.
#[macro_export]
macro_rules! tables {
    ($($id:literal $name:literal v $version:literal $record:path { key $key:ty = |$r:ident| $of:expr; derive |$d:ident, $out:ident| $derive:expr; $(migrate |$v:ident, $bytes:ident| $migrate:expr;)? })*) => {
        $(impl $crate::Record for $record {
            const TABLE: $crate::Table = $crate::Table { id: $id, name: $name };
            const VERSION: u16 = $version;
            type Key = $key;
            type Archived = rkyv::Archived<$record>;

            fn key(&self) -> Self::Key {
                let $r = self;
                $of
            }
            fn encode(&self) -> Result<Vec<u8>, String> {
                rkyv::to_bytes::<rkyv::rancor::Error>(self).map(|bytes| bytes.into_vec()).map_err(|error| error.to_string())
            }
            fn access(bytes: &[u8]) -> Result<&Self::Archived, String> {
                rkyv::access::<rkyv::Archived<$record>, rkyv::rancor::Error>(bytes).map_err(|error| error.to_string())
            }
            fn decode(version: u16, bytes: &[u8]) -> Result<Self, String> {
                $(if version != $version {
                    let ($v, $bytes) = (version, bytes);
                    return $migrate;
                })?
                if version != $version {
                    return Err(format!("unknown version {version}"));
                }
                rkyv::from_bytes::<$record, rkyv::rancor::Error>(bytes).map_err(|error| error.to_string())
            }
            fn derive(&self, $out: &mut $crate::Derived) {
                let $d = self;
                $derive
            }
        })*

        /// Every table, for walking over everything.
        pub fn all() -> Vec<$crate::table::Erased> {
            vec![$($crate::table::erased::<$record>()),*]
        }
    };
}

/// What is wrong with the value of a key. The key is made readable only when something is.
pub(crate) fn value_error(key: &[u8]) -> impl FnOnce(String) -> Error + '_ {
    move |why| Error::Value { key: crate::envelope::readable(key), why }
}
