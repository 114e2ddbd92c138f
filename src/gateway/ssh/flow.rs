//! One forwarded connection as a stream of bytes. What comes is taken from the session at once, whether anybody reads it or not: the session serves
//! all connections in turn, and one that nobody reads would hold up the others. Whoever sends much more than is read is cut.

use bytes::{Buf, Bytes};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

/// Most bytes of one connection that wait to be read.
const UNREAD_MAX: usize = 4 << 20;
/// Most bytes of all connections together that wait to be read.
const UNREAD_ALL_MAX: usize = 48 << 20;
/// Most connections at a time.
const OPEN_MAX: usize = 512;

/// What is forwarded, counted since the box started.
#[derive(Debug, Default)]
pub struct Traffic {
    read: AtomicU64,
    written: AtomicU64,
    all: AtomicU64,
    open: AtomicUsize,
}

/// What was counted at an instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficFigures {
    /// Bytes that came.
    pub read: u64,
    /// Bytes that went.
    pub written: u64,
    /// Connections so far.
    pub connections: u64,
    /// Connections that are open.
    pub open: usize,
}

impl Traffic {
    /// What was counted so far.
    pub fn figures(&self) -> TrafficFigures {
        TrafficFigures {
            read: self.read.load(Relaxed),
            written: self.written.load(Relaxed),
            connections: self.all.load(Relaxed),
            open: self.open.load(Relaxed),
        }
    }

    /// Counts a connection for as long as what is given lives; none when there are too many.
    pub(super) fn open(self: &Arc<Self>) -> Option<Opened> {
        let open = self.open.fetch_update(Relaxed, Relaxed, |open| (open < OPEN_MAX).then_some(open + 1));
        open.ok()?;
        self.all.fetch_add(1, Relaxed);
        Some(Opened(self.clone()))
    }
}

/// A connection that is counted.
pub(super) struct Opened(Arc<Traffic>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

/// What waits to be read on all connections of a session.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicUsize);

/// Bytes that wait, taken off the budget as long as they do.
struct Waiting {
    bytes: Bytes,
    taken: usize,
    mine: Arc<AtomicUsize>,
    all: Arc<Budget>,
}

impl Waiting {
    /// None when too much waits already.
    fn new(bytes: Bytes, mine: &Arc<AtomicUsize>, all: &Arc<Budget>) -> Option<Self> {
        let taken = bytes.len();
        let waiting = Self { bytes, taken, mine: mine.clone(), all: all.clone() };
        let fits = mine.fetch_add(taken, Relaxed) + taken <= UNREAD_MAX;
        let fit_all = all.0.fetch_add(taken, Relaxed) + taken <= UNREAD_ALL_MAX;
        (fits && fit_all).then_some(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.mine.fetch_sub(self.taken, Relaxed);
        self.all.0.fetch_sub(self.taken, Relaxed);
    }
}

/// The bytes of a forwarded connection, both ways.
pub struct Flow {
    waiting: mpsc::UnboundedReceiver<Waiting>,
    reading: Option<Waiting>,
    writer: Pin<Box<dyn AsyncWrite + Send>>,
    opened: Opened,
}

impl Flow {
    pub(super) fn new(channel: Channel<Msg>, opened: Opened, budget: Arc<Budget>) -> Self {
        let (reader, writer) = channel.split();
        let (sender, waiting) = mpsc::unbounded_channel();
        let writing = Box::pin(writer.make_writer());
        tokio::spawn(pump(reader, writer, sender, budget));
        Self { waiting, reading: None, writer: writing, opened }
    }
}

/// Takes what comes until either side ends.
async fn pump(
    mut reader: ChannelReadHalf,
    writer: ChannelWriteHalf<Msg>,
    mut sender: mpsc::UnboundedSender<Waiting>,
    budget: Arc<Budget>,
) {
    let mine = Arc::default();
    loop {
        let said = tokio::select! {
            said = reader.wait() => said,
            () = sender.closed() => break,
        };
        match said {
            Some(ChannelMsg::Data { data }) => {
                let Some(waiting) = Waiting::new(data, &mine, &budget) else {
                    tracing::warn!("a connection through the tunnel was cut: it sends more than is read");
                    break;
                };
                if sender.send(waiting).is_err() {
                    break;
                }
            }
            // Nothing more will come, but what is asked for may still be on its way out.
            Some(ChannelMsg::Eof) => sender = ended(sender),
            Some(ChannelMsg::Close) | None => break,
            Some(_) => {}
        }
    }
    if let Err(error) = writer.close().await {
        tracing::debug!(%error, "the session ended before its channel");
    }
}

/// Tells the reader that nothing more comes, and stays open to learn when it is gone.
fn ended(sender: mpsc::UnboundedSender<Waiting>) -> mpsc::UnboundedSender<Waiting> {
    let empty = Waiting { bytes: Bytes::new(), taken: 0, mine: Arc::default(), all: Arc::default() };
    // An error says that the reader is gone, which the loop learns by itself.
    drop(sender.send(empty));
    sender
}

impl AsyncRead for Flow {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut waiting = match this.reading.take() {
            Some(waiting) => waiting,
            None => match ready!(this.waiting.poll_recv(cx)) {
                Some(waiting) => waiting,
                None => return Poll::Ready(Ok(())),
            },
        };
        if waiting.bytes.is_empty() {
            // The end stays the end.
            this.reading = Some(waiting);
            return Poll::Ready(Ok(()));
        }
        let count = waiting.bytes.len().min(buffer.remaining());
        buffer.put_slice(&waiting.bytes.split_to(count));
        this.opened.0.read.fetch_add(count as u64, Relaxed);
        if waiting.bytes.has_remaining() {
            this.reading = Some(waiting);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flow {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(self.writer.as_mut().poll_write(cx, bytes))?;
        self.opened.0.written.fetch_add(count as u64, Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.as_mut().poll_shutdown(cx)
    }
}
