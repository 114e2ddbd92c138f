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
    /// Whether any transaction changed records by itself, beside what the follower wrote for it.
    pub(crate) records: bool,
}

/// A record that was put or removed: its space, its key and what it is now.
pub type Change<R> = (SpaceId, <R as Record>::Key, Option<R>);

impl Committed<'_> {
    /// Whether any transaction changed records by itself, beside what the follower wrote for it.
    pub fn has_records(&self) -> bool {
        self.records
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
