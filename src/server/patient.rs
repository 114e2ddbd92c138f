//! A request's body as long as it keeps coming: who stops sending, or sends drop by drop, is not waited for. Costs no timer where the body is there.

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// The longest pause.
const PAUSE: Duration = Duration::from_secs(30);
/// Bytes a second that a body must come by on average, once the first pause is over. The slowest phone line sends a hundred times as many.
const PACE: f64 = 200.0;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The body.
pub struct Patient<B = Incoming> {
    body: B,
    /// Set while it is waited for.
    pause: Option<Pin<Box<Sleep>>>,
    /// Since when it was waited for first.
    since: Option<Instant>,
    bytes: usize,
}

impl<B> Patient<B> {
    /// Waits for `body`.
    pub fn new(body: B) -> Self {
        Self { body, pause: None, since: None, bytes: 0 }
    }
}

/// Whether so many bytes in that time are fewer than somebody sends who means to.
fn is_slow(bytes: usize, took: Duration) -> bool {
    took > PAUSE && (bytes as f64) < took.as_secs_f64() * PACE
}

impl<B: Body<Data = Bytes, Error: Into<Failed>> + Unpin> Body for Patient<B> {
    type Data = Bytes;
    type Error = Failed;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failed>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.pause = None;
                self.bytes += frame.data_ref().map_or(0, Bytes::len);
                if self.since.is_some_and(|since| is_slow(self.bytes, since.elapsed())) {
                    return Poll::Ready(Some(Err("the body comes too slowly".into())));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(ended) => Poll::Ready(ended.map(|last| last.map_err(Into::into))),
            Poll::Pending => {
                if self.since.is_none() {
                    self.since = Some(Instant::now());
                }
                let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(PAUSE)));
                match pause.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err("the body does not come".into()))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full, StreamBody};

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_not_waited_for() {
        let whole = Patient::new(Full::new(Bytes::from_static(b"all"))).collect().await.unwrap();
        assert_eq!(whole.to_bytes(), "all");
        let first =
            futures_util::stream::once(async { Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"a"))) });
        let stops = futures_util::StreamExt::chain(first, futures_util::stream::pending());
        let error = Patient::new(StreamBody::new(Box::pin(stops))).collect().await.unwrap_err();
        assert_eq!(error.to_string(), "the body does not come");
    }

    #[test]
    fn drops_are_too_slow_and_a_bad_line_is_not() {
        for (bytes, seconds, slow) in [(1, 29, false), (100, 31, true), (40_000, 120, false), (1_000, 120, true)] {
            assert_eq!(is_slow(bytes, Duration::from_secs(seconds)), slow, "{bytes} bytes in {seconds} s");
        }
    }
}
