//! Bodies that are not held in memory: parts of files on the way out, answers of any length on the way in.

use super::{Done, Reply, Trouble, broken};
use bytes::{Bytes, BytesMut};
use hyper::body::{Frame, SizeHint};
use std::io::SeekFrom;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt, ReadBuf};

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;

/// A part of a file.
#[derive(Debug, Clone)]
pub struct Slice {
    /// The file.
    pub path: PathBuf,
    /// Where the part begins.
    pub from: u64,
    /// Its bytes.
    pub length: u64,
}

/// What a call sends.
#[derive(Clone)]
pub(super) enum Body {
    Whole(Bytes),
    Slice(Slice),
}

impl Body {
    /// Bytes, for logs.
    pub fn len(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Slice(slice) => slice.length,
        }
    }

    /// Anew for each attempt; with the count of bytes that were handed on.
    pub async fn open(&self) -> Result<(reqwest::Body, Arc<AtomicU64>), Trouble> {
        let moved = Arc::new(AtomicU64::new(0));
        let body = match self {
            Self::Whole(bytes) => bytes.clone().into(),
            Self::Slice(slice) => {
                let read = |error: std::io::Error| Trouble::new(Done::Not, format!("what is to be sent: {error}"));
                let mut file = File::open(&slice.path).await.map_err(read)?;
                file.seek(SeekFrom::Start(slice.from)).await.map_err(read)?;
                reqwest::Body::wrap(Sent { file, left: slice.length, moved: moved.clone() })
            }
        };
        Ok((body, moved))
    }
}

/// A part of a file while it is sent.
struct Sent {
    file: File,
    left: u64,
    moved: Arc<AtomicU64>,
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        let mut space = BytesMut::zeroed(size);
        let mut buffer = ReadBuf::new(&mut space);
        if let Err(error) = ready!(Pin::new(&mut self.file).poll_read(cx, &mut buffer)) {
            return Poll::Ready(Some(Err(error)));
        }
        let count = buffer.filled().len();
        if count == 0 {
            return Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())));
        }
        space.truncate(count);
        self.left -= count as u64;
        self.moved.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(space.freeze()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Waits as long as something moves.
pub(super) async fn moving<T>(
    work: impl Future<Output = Result<T, Trouble>>,
    moved: &AtomicU64,
    stall: Duration,
) -> Result<T, Trouble> {
    let mut work = pin!(work);
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        if let Ok(done) = tokio::time::timeout(stall, work.as_mut()).await {
            return done;
        }
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            return Err(Trouble::new(Done::Unknown, "nothing moves any more"));
        }
        before = now;
    }
}

/// An answer that is read piece by piece.
pub struct Flow {
    /// Status and headers; the body is empty.
    pub head: Reply,
    answer: reqwest::Response,
    stall: Duration,
}

impl Flow {
    pub(super) fn new(head: Reply, answer: reqwest::Response, stall: Duration) -> Self {
        Self { head, answer, stall }
    }

    /// The next piece; none at the end. An answer that breaks off is an error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Trouble> {
        match tokio::time::timeout(self.stall, self.answer.chunk()).await {
            Ok(chunk) => chunk.map_err(broken),
            Err(_) => Err(Trouble::new(Done::Unknown, "nothing moves any more")),
        }
    }
}
