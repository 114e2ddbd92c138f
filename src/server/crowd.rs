//! Who is connected: how many there may be, how many from one address, and an end for those that keep a place without using it. A connection notes what
//! it waits for in passing; a look at all of them every second does the rest, so a request costs no timer.

use hyper::{
    body::{Body, Frame, SizeHint},
    rt::{Read, ReadBufCursor, Write},
};
use std::collections::HashMap;
use std::io::IoSlice;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;

/// Most connections of one listener, if the system allows so many files.
const MOST: usize = 16_384;
/// Files that are kept for everything else.
const FILES: u64 = 256;
/// What share of the places one address may have: a network behind one address goes on, one computer cannot take all.
const SHARE: usize = 4;
/// Seconds that a client may take to send the head of a request, from its first byte on.
const HEAD: u32 = 20;
/// Seconds that a connection may wait between requests.
const IDLE: u32 = 60;
/// Seconds that a client may go without taking anything of what is sent to it.
const STUCK: u32 = 60;
/// How often all connections are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// When all places are taken, this share of those who only wait lose theirs at once.
const EVICT: usize = 16;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first byte of a request.
    Idle,
    /// The rest of its head.
    Head,
    /// The hall.
    Work,
}

/// One connection as it was noted.
#[derive(Debug, Default)]
pub struct Guest {
    /// Phase in the upper half, the second since which in the lower.
    phase: AtomicU64,
    /// Requests that are being answered.
    active: AtomicU32,
    /// The second since which nothing was taken of what is sent; 0 for none.
    stuck: AtomicU32,
}

/// Seconds since the start, as of the last look.
static SECOND: AtomicU32 = AtomicU32::new(1);

fn second() -> u32 {
    SECOND.load(Ordering::Relaxed)
}

impl Guest {
    fn set(&self, phase: Phase) {
        let number = match phase {
            Phase::Idle => 0u64,
            Phase::Head => 1,
            Phase::Work => 2,
        };
        self.phase.store(number << 32 | u64::from(second()), Ordering::Relaxed);
    }

    fn phase(&self) -> (Phase, u32) {
        let kept = self.phase.load(Ordering::Relaxed);
        let phase = match kept >> 32 {
            0 => Phase::Idle,
            1 => Phase::Head,
            _ => Phase::Work,
        };
        (phase, u32::try_from(kept & u64::from(u32::MAX)).unwrap_or(u32::MAX))
    }

    /// A request's head came.
    pub fn asked(&self) {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.set(Phase::Work);
    }

    /// An answer is on its way in whole.
    pub fn answered(&self) {
        if self.active.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.set(Phase::Idle);
        }
    }

    fn read(&self) {
        if self.phase().0 == Phase::Idle {
            self.set(Phase::Head);
        }
    }

    fn wrote(&self, took: bool) {
        if took {
            if self.stuck.load(Ordering::Relaxed) != 0 {
                self.stuck.store(0, Ordering::Relaxed);
            }
        } else if self.stuck.load(Ordering::Relaxed) == 0 {
            self.stuck.store(second(), Ordering::Relaxed);
        }
    }

    /// Whether it kept its place for too long.
    fn is_over(&self, now: u32) -> bool {
        let (phase, since) = self.phase();
        let waited = now.saturating_sub(since);
        let late = match phase {
            Phase::Idle => waited > IDLE,
            Phase::Head => waited > HEAD,
            Phase::Work => false,
        };
        let stuck = self.stuck.load(Ordering::Relaxed);
        late || (stuck != 0 && now.saturating_sub(stuck) > STUCK)
    }
}

struct Place {
    address: IpAddr,
    guest: Arc<Guest>,
    /// None until its task runs.
    task: Option<AbortHandle>,
}

#[derive(Default)]
struct Places {
    taken: HashMap<u64, Place>,
    addresses: HashMap<IpAddr, usize>,
    next: u64,
}

impl Places {
    fn leave(&mut self, number: u64) -> Option<Place> {
        let place = self.taken.remove(&number)?;
        if let Some(count) = self.addresses.get_mut(&place.address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&place.address);
            }
        }
        Some(place)
    }

    /// Ends those who have waited longest for a request, of one address or of all; answers how many.
    fn evict(&mut self, of: Option<IpAddr>) -> usize {
        let idle = |place: &Place| place.guest.phase().0 == Phase::Idle && of.is_none_or(|of| of == place.address);
        let mut waiting: Vec<(u32, u64)> = self
            .taken
            .iter()
            .filter(|(_, place)| place.task.is_some() && idle(place))
            .map(|(number, place)| (place.guest.phase().1, *number))
            .collect();
        let count = waiting.len().div_ceil(EVICT);
        if count < waiting.len() {
            waiting.select_nth_unstable(count);
        }
        for (_, number) in waiting.iter().take(count) {
            if let Some(Place { task: Some(task), .. }) = self.leave(*number) {
                task.abort();
            }
        }
        count
    }
}

/// All connections of a listener.
pub struct Crowd {
    places: Mutex<Places>,
    most: usize,
}

/// A connection's place, given back when it ends.
pub struct Seat {
    crowd: Arc<Crowd>,
    number: u64,
    /// What the connection notes.
    pub guest: Arc<Guest>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.places().leave(self.number);
    }
}

/// How many connections the system lets a listener have: as many files as this process may open, less those for everything else.
fn room() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "no more files are allowed");
        }
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(FILES)).unwrap_or(MOST).clamp(64, MOST)
}

impl Crowd {
    /// A listener's crowd, and whoever looks at it for as long as it is there.
    pub fn new() -> Arc<Self> {
        let crowd = Arc::new(Self::of(room()));
        let (looked, begun) = (Arc::downgrade(&crowd), Instant::now());
        tokio::spawn(async move {
            let mut every = tokio::time::interval(LOOK);
            loop {
                every.tick().await;
                let Some(crowd) = looked.upgrade() else { return };
                let now = u32::try_from(begun.elapsed().as_secs()).unwrap_or(u32::MAX - 1) + 1;
                // Several listeners look; none turns the time back.
                SECOND.fetch_max(now, Ordering::Relaxed);
                crowd.look(second());
            }
        });
        crowd
    }

    fn of(most: usize) -> Self {
        Self { places: Mutex::default(), most }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection. When all are taken, those who only wait lose theirs; none when everybody works. `free`: the address stands for many,
    /// as that of a server in front does.
    pub fn enter(self: &Arc<Self>, address: IpAddr, free: bool) -> Option<Seat> {
        let mut places = self.places();
        if places.taken.len() >= self.most && places.evict(None) == 0 {
            return None;
        }
        let count = places.addresses.get(&address).copied().unwrap_or(0);
        if !free && count >= self.most / SHARE && places.evict(Some(address)) == 0 {
            return None;
        }
        *places.addresses.entry(address).or_default() += 1;
        let guest = Arc::new(Guest::default());
        guest.set(Phase::Idle);
        let number = places.next;
        places.next += 1;
        places.taken.insert(number, Place { address, guest: guest.clone(), task: None });
        drop(places);
        Some(Seat { crowd: self.clone(), number, guest })
    }

    /// Notes the task of a place, so that it can be ended.
    pub fn seated(&self, number: u64, task: AbortHandle) {
        // Gone already: it was short.
        if let Some(place) = self.places().taken.get_mut(&number) {
            place.task = Some(task);
        }
    }

    fn look(&self, now: u32) {
        let mut places = self.places();
        let over: Vec<u64> =
            places.taken.iter().filter(|(_, place)| place.guest.is_over(now)).map(|(number, _)| *number).collect();
        for number in over {
            // One whose task is not known yet is ended at the next look.
            if places.taken.get(&number).is_some_and(|place| place.task.is_some())
                && let Some(Place { task: Some(task), .. }) = places.leave(number)
            {
                task.abort();
            }
        }
    }
}

impl Seat {
    /// The number of the place.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// A stream that notes what its client does.
pub struct Noted<S> {
    stream: S,
    guest: Arc<Guest>,
}

impl<S> Noted<S> {
    /// Notes what comes over `stream`.
    pub fn new(stream: S, guest: Arc<Guest>) -> Self {
        Self { stream, guest }
    }
}

impl<S: Read + Unpin> Read for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        self.guest.read();
        Poll::Ready(read)
    }
}

impl<S: Write + Unpin> Write for Noted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.guest.wrote(wrote.is_ready());
        wrote
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.guest.wrote(wrote.is_ready());
        wrote
    }
}

/// The body of an answer whose length nobody knows; its end, or its connection's, is noted.
pub struct Streamed<B> {
    body: B,
    guest: Arc<Guest>,
}

impl<B> Streamed<B> {
    /// Notes when `body` ends.
    pub fn new(body: B, guest: Arc<Guest>) -> Self {
        Self { body, guest }
    }
}

impl<B> Drop for Streamed<B> {
    fn drop(&mut self) {
        self.guest.answered();
    }
}

impl<B: Body + Unpin> Body for Streamed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
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

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn waiting() -> AbortHandle {
        tokio::spawn(std::future::pending::<()>()).abort_handle()
    }

    #[tokio::test]
    async fn who_only_waits_makes_room_and_who_works_does_not() {
        let crowd = Arc::new(Crowd::of(8));
        let mut seats: Vec<Seat> = (0..8).map(|n| crowd.enter(address(n), false).unwrap()).collect();
        for seat in &seats {
            crowd.seated(seat.number(), waiting());
            seat.guest.asked();
        }
        assert!(crowd.enter(address(9), false).is_none(), "everybody works");
        seats[3].guest.answered();
        let ninth = crowd.enter(address(9), false).unwrap();
        assert!(!crowd.places().taken.contains_key(&seats[3].number()), "who only waited lost its place");
        assert_eq!(crowd.places().taken.len(), 8);
        seats.clear();
        drop(ninth);
        assert!(crowd.places().taken.is_empty() && crowd.places().addresses.is_empty());
    }

    #[tokio::test]
    async fn one_address_cannot_take_all_places_but_a_server_in_front_may() {
        let crowd = Arc::new(Crowd::of(8));
        let own: Vec<Seat> = (0..2).map(|_| crowd.enter(address(1), false).unwrap()).collect();
        own.iter().for_each(|seat| seat.guest.asked());
        assert!(crowd.enter(address(1), false).is_none(), "a quarter and no more");
        let others: Vec<Seat> = (0..6).map(|_| crowd.enter(address(2), true).unwrap()).collect();
        assert_eq!(crowd.places().addresses.get(&address(2)), Some(&6));
        drop((own, others));
    }

    #[test]
    fn a_place_is_kept_for_so_long() {
        type Acts = fn(&Guest);
        let cases: [(&str, Acts, u32, bool); 8] = [
            ("waits for a request", |_| {}, IDLE, false),
            ("waits too long for one", |_| {}, IDLE + 1, true),
            ("sends its head slowly", Guest::read, HEAD + 1, true),
            ("is still in time with its head", Guest::read, HEAD, false),
            ("waits for the hall", Guest::asked, 100_000, false),
            (
                "was answered",
                |guest| {
                    guest.asked();
                    guest.answered();
                },
                IDLE + 1,
                true,
            ),
            (
                "takes nothing",
                |guest| {
                    guest.asked();
                    guest.wrote(false);
                },
                STUCK + 1,
                true,
            ),
            (
                "took something again",
                |guest| {
                    guest.asked();
                    guest.wrote(false);
                    guest.wrote(true);
                },
                100_000,
                false,
            ),
        ];
        for (name, act, seconds, over) in cases {
            let guest = Guest::default();
            guest.set(Phase::Idle);
            act(&guest);
            assert_eq!(guest.is_over(second() + seconds), over, "{name}");
        }
    }

    #[test]
    fn two_requests_of_one_connection_are_both_waited_for() {
        let guest = Guest::default();
        guest.asked();
        guest.asked();
        guest.answered();
        assert_eq!(guest.phase().0, Phase::Work);
        guest.answered();
        assert_eq!(guest.phase().0, Phase::Idle);
    }

    #[test]
    fn a_stream_works_until_it_ends() {
        let guest = Arc::new(Guest::default());
        guest.asked();
        let body = Streamed::new(http_body_util::Empty::<hyper::body::Bytes>::new(), guest.clone());
        assert_eq!(guest.phase().0, Phase::Work);
        drop(body);
        assert_eq!(guest.phase().0, Phase::Idle);
    }

    #[tokio::test]
    async fn a_look_ends_who_is_over() {
        let crowd = Arc::new(Crowd::of(8));
        let (late, good) = (crowd.enter(address(1), false).unwrap(), crowd.enter(address(1), false).unwrap());
        let task = tokio::spawn(std::future::pending::<()>());
        crowd.seated(late.number(), task.abort_handle());
        good.guest.asked();
        crowd.look(second() + IDLE + 1);
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(crowd.places().taken.len(), 1);
    }
}
