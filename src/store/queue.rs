//! What waits for the writer: transactions with the place where their answer goes, and the applier's orders.

use crate::{Error, Frame, Tx, follow::Follower, layer::Map};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use tokio::sync::oneshot;

/// A queued transaction.
pub(crate) trait Job: Send {
    /// Runs it; true when its changes are to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Hands the answer out: the closure's own when the group was committed, the error otherwise.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// Where an answer goes; called once.
type Reply<T, E> = Box<dyn FnOnce(Result<T, E>) + Send>;

pub(crate) struct Closure<T, E, F> {
    f: F,
    result: Option<Result<T, E>>,
    reply: Reply<T, E>,
}

impl<T, E, F> Closure<T, E, F> {
    pub fn new(f: F, reply: Reply<T, E>) -> Self {
        Self { f, result: None, reply }
    }
}

impl<T, E, F> Job for Closure<T, E, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let ran = catch_unwind(AssertUnwindSafe(|| (self.f)(tx)));
        let result = ran.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(Error::Panic(text).into())
        });
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let answer = match (committed, self.result) {
            (Err(error), None | Some(Ok(_))) => Err(error.into()),
            (_, Some(result)) => result,
            (Ok(()), None) => Err(Error::Closed.into()),
        };
        (self.reply)(answer);
    }
}

/// Sends an answer to a waiting task; one that went away wants none.
pub(crate) fn to_task<T: Send + 'static, E: Send + 'static>(to: oneshot::Sender<Result<T, E>>) -> Reply<T, E> {
    Box::new(move |answer| drop(to.send(answer)))
}

/// Where somebody waits for a checkpoint, or for a probe.
pub(crate) type Waiting = SyncSender<Result<(), Error>>;

/// Where somebody waits for the number of the newest group.
pub(crate) type Numbered = SyncSender<Result<u64, Error>>;

/// What the applier takes over from the writer.
pub(crate) struct Order {
    /// The changes that the engine gets next.
    pub changes: Arc<Map>,
    /// Sequence of the newest group in them.
    pub sequence: u64,
    /// Ends when the last view is gone that must not see all of these changes.
    pub unseen: Receiver<Infallible>,
    /// Who waits for the checkpoint behind them.
    pub waiting: Vec<Waiting>,
}

/// What the writer does next.
pub(crate) enum Message {
    /// A transaction.
    Job(Box<dyn Job>),
    /// Whoever follows from here on.
    Follow(Box<dyn Follower>),
    /// Take no transactions from here on, for this reason; answer the newest group.
    Fence(String, Numbered),
    /// Commit a group that another store committed, as it is.
    Receive(Frame, Numbered),
    /// The engine has what was handed over.
    Applied,
    /// The applier takes more.
    Ready,
    /// Apply everything, and make a checkpoint.
    Checkpoint(Waiting),
    /// Tell whether a group would get onto the disk.
    Probe(Waiting),
    /// How a checkpoint went.
    Answer(Vec<Waiting>, Result<(), Error>),
    /// The engine failed: refuse writes.
    Failed(Error),
    /// Journal segments up to this sequence are not needed any more.
    Forget(u64),
    /// End.
    Stop,
}
