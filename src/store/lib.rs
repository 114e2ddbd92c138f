//! How records are kept: engines, typed tables, indexes, transactions, group commit, recovery, snapshots, verification.
//! The only room that names sled. What the records mean is said in `domain`.
//!
//! A commit is one frame in a synced journal; it is answered when the frame is on disk and readers see it. The engine
//! (sled) is a view of the journal that a thread of its own brings up to date behind the answers, never ahead of a reader:
//! committed changes stand in memory until the engine has them and no older view could notice.

mod applier;
mod block;
pub mod catalogue;
mod checkpoint;
mod desk;
mod direct;
mod disk;
mod engine;
mod envelope;
mod error;
mod follow;
mod handle;
mod journal;
mod key;
mod layer;
mod open;
mod queue;
mod read;
mod sled_engine;
mod snapshot;
mod table;
mod tail;
mod tx;
mod verify;
mod writer;
mod written;

#[cfg(test)]
mod test;

pub use applier::step_back;
pub use domain::SpaceId;
pub use error::Error;
pub use follow::{Change, Committed, Follower, Touched};
pub use handle::{Stats, Store, look_at_group, look_at_part, look_at_segment};
pub use key::Key;
pub use open::{Opened, Options};
pub use read::{Found, Order, Read, SpaceView, View};
pub use snapshot::{Snapshot, restore};
pub use table::{Counter, Derived, Plain, Record, Table, Unique};
pub use tail::{Batch, Frame, Frames};
pub use tx::{SpaceReader, SpaceTx, Tx};
pub use verify::{Problem, Report};
