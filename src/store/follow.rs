//! State in memory that lives with the writer: transactions read and change it together with the records, and it learns how each
//! of them and each group ended. So a hot verb can decide without reading the engine, and write once per group.

use crate::{Error, Record, SpaceId, Tx, layer::Changes, read::decode_value, read::place_of};
use std::any::Any;

/// What follows the writer. All calls come from the writer's thread, in the order in which things happen.
pub trait Follower: Any + Send {
    /// A transaction ended: what it changed here since the one before stays, or is taken back.
    fn settle(&mut self, keep: bool);
    /// The group's last transaction: writes what the group's transactions left here. An error fails the whole group.
    fn close(&mut self, tx: &mut Tx<'_>) -> Result<(), Error>;
    /// The group ended: durable and seen by views, with everything that changed; or none of it happened.
    fn end(&mut self, committed: Option<&Committed<'_>>);
}

/// Follows nothing.
impl Follower for () {
    fn settle(&mut self, _: bool) {}
    fn close(&mut self, _: &mut Tx<'_>) -> Result<(), Error> {
        Ok(())
    }
    fn end(&mut self, _: Option<&Committed<'_>>) {}
}

/// The changes of a committed group.
pub struct Committed<'a> {
    pub(crate) changes: &'a Changes,
    /// Sequence number of the group.
    pub(crate) sequence: u64,
    /// Whether any transaction changed records by itself, beside what the follower wrote for it.
    pub(crate) records: bool,
}

/// The place of something that was put or removed.
#[derive(Debug, Clone, Copy)]
pub struct Touched<'a> {
    pub(crate) key: &'a [u8],
}

impl Touched<'_> {
    /// The space and the key, when it is a record of that table.
    pub fn of<R: Record>(&self) -> Option<(SpaceId, R::Key)> {
        place_of::<R>(self.key)
    }
}

/// A record that was put or removed: its space, its key and what it is now.
pub type Change<R> = (SpaceId, <R as Record>::Key, Option<R>);

impl Committed<'_> {
    /// Whether any transaction changed records by itself, beside what the follower wrote for it.
    pub fn has_records(&self) -> bool {
        self.records
    }

    /// Sequence number of the group.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Everything that was put or removed, of whatever table.
    pub fn touched(&self) -> impl Iterator<Item = Touched<'_>> {
        self.changes.keys().map(|key| Touched { key })
    }

    /// What became of a table's records.
    pub fn of<R: Record>(&self) -> impl Iterator<Item = Result<Change<R>, Error>> {
        self.changes.iter().filter_map(|(key, value)| {
            let (space, of) = place_of::<R>(key)?;
            let record = value.as_ref().map(|value| decode_value::<R>(key, value)).transpose();
            Some(record.map(|record| (space, of, record)))
        })
    }
}
