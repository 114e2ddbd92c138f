//! The leading side: who asks and what is answered, and the stream to the follower. The leader never waits for the follower: groups are answered when
//! they are on its own disk. A follower that is slow or dead costs a few MiB of memory and, when it was away too long, a snapshot.

use super::{
    Link, Peer, Standing, fence, kept, record, standing,
    standing::{outgoing, parcel},
    wire::{
        Ack, Answer, Beat, HELLO_PATIENCE, Hello, Message, NAMES, PIECE_BYTES, Stream, VERSION, asked, hex, receive,
        send,
    },
};
use crate::{Ctx, Error, file::Told, token};
use domain::{
    SpaceId, refuse,
    standby::{Heard, Role, Standby, hear},
};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::time::Duration;
use store::Batch;
use subtle::ConstantTimeEq;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{broadcast, mpsc};

/// How often the leader says how it stands when nothing else is said.
const BEAT: Duration = Duration::from_secs(1);
/// Files that may be wanted at once.
const WANTED_MAX: usize = 64;
/// A follower that says nothing for so long is cut off: it acknowledges each beat.
const SILENCE: Duration = Duration::from_secs(30);

/// Text that a program at the other end knows.
type Refused = &'static str;

/// Attends to a stream that another box opened, to its end.
pub async fn attend(ctx: &Ctx, mut stream: Box<dyn Stream>, from: SocketAddr) {
    let hello = match tokio::time::timeout(HELLO_PATIENCE, asked(&mut stream)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(error)) => return tracing::warn!(%from, %error, "another box could not be understood"),
        Err(_) => return tracing::debug!(%from, "another box said nothing"),
    };
    let keys = [format!("standby {}", from.ip())];
    let attended = match ctx.limiter.check(&keys, ctx.now()) {
        Ok(()) => answer(ctx, &mut stream, hello, from).await,
        Err(_) => refuse_with(ctx, &mut stream, "attempt.too_many").await,
    };
    match attended {
        Ok(None) => {}
        Ok(Some(refused)) => {
            tracing::warn!(%from, refused, "another box was refused");
            // A box that was removed goes on asking, and is told so each time; nobody guesses a secret.
            if refused == "standby.bad_code" {
                ctx.limiter.fail(&keys, ctx.now());
            }
        }
        Err(error) => tracing::info!(%from, %error, "the stream to another box ended"),
    }
}

fn said(ctx: &Ctx) -> Answer {
    let of = standing(ctx);
    Answer {
        version: VERSION,
        role: of.role,
        epoch: of.epoch,
        history: of.history,
        last: ctx.store().view().sequence(),
        fork: of.fork,
        ..Answer::default()
    }
}

async fn refuse_with(ctx: &Ctx, stream: &mut Box<dyn Stream>, why: Refused) -> Result<Option<Refused>, Error> {
    let answer = Answer { refused: Some(why.to_owned()), ..said(ctx) };
    say(stream, &Message::Answer(Box::new(answer))).await?;
    Ok(Some(why))
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), message: &Message) -> Result<(), Error> {
    send(stream, message).await.map_err(|error| Error::internal("telling another box", error))
}

/// Whether a secret is the paired box's.
fn knows(ctx: &Ctx, secret: &str) -> Result<Option<Standby>, Error> {
    let hash = token::hash(secret);
    Ok(Some(record(ctx)?).filter(|of| of.secret.is_some_and(|known| bool::from(known.ct_eq(&hash)))))
}

/// Text that proves that two boxes have one key.
pub(super) const PROVEN: &str = "standby stand";

async fn answer(
    ctx: &Ctx,
    stream: &mut Box<dyn Stream>,
    hello: Hello,
    from: SocketAddr,
) -> Result<Option<Refused>, Error> {
    match hello {
        Hello::Pair { code, port } => pair(ctx, stream, &code, SocketAddr::new(from.ip().to_canonical(), port)).await,
        Hello::Stop { secret, epoch } => match knows(ctx, &secret)? {
            None => refuse_with(ctx, stream, "standby.unpaired").await,
            Some(of) => stop(ctx, stream, epoch, &of).await,
        },
        Hello::Stand { proof, epoch } => {
            if ctx.sealer.signed(&proof) != Some(PROVEN) {
                return refuse_with(ctx, stream, "standby.unpaired").await;
            }
            learn(ctx, epoch, None).await?;
            say(stream, &Message::Answer(Box::new(said(ctx)))).await?;
            Ok(None)
        }
        Hello::Follow { secret, epoch, history, last, digest, port } => {
            let Some(of) = knows(ctx, &secret)? else {
                return refuse_with(ctx, stream, "standby.unpaired").await;
            };
            // Whoever asks to follow and knows of a later epoch speaks for the box that began it.
            learn(ctx, epoch, None).await?;
            let own = standing(ctx);
            if !own.role.hands_out() || epoch > own.epoch || (own.role == Role::Fenced && history != own.history) {
                return refuse_with(ctx, stream, "standby.idle").await;
            }
            note_address(ctx, &of, SocketAddr::new(from.ip().to_canonical(), port)).await;
            let start = Start { fits: fits(ctx, &own, &history, last, digest).await?, last };
            Box::pin(lead(ctx, stream, start)).await.map(|()| None)
        }
    }
}

/// Stops writing where a later epoch began.
async fn learn(ctx: &Ctx, epoch: u64, peer: Option<Peer>) -> Result<(), Error> {
    let own = standing(ctx);
    match hear(own.stand(), epoch) {
        Heard::Fence(epoch) => fence(ctx, epoch, peer).await.map(drop),
        // A follower hears of epochs from its leader alone.
        Heard::Same | Heard::Stale | Heard::Learn(_) => Ok(()),
    }
}

async fn stop(ctx: &Ctx, stream: &mut Box<dyn Stream>, epoch: u64, of: &Standby) -> Result<Option<Refused>, Error> {
    let own = standing(ctx);
    let asked_before = own.role == Role::Fenced && own.epoch == epoch;
    if own.role == Role::Follower || (epoch <= own.epoch && !asked_before) {
        return refuse_with(ctx, stream, "standby.ahead").await;
    }
    let pin = ctx.standby.face.get().map(|face| hex(&face.pin)).unwrap_or_default();
    let peer = Peer { address: of.address.clone(), pin, secret: String::new(), stopped: false };
    fence(ctx, epoch, Some(peer)).await?;
    say(stream, &Message::Answer(Box::new(said(ctx)))).await?;
    Ok(None)
}

async fn pair(ctx: &Ctx, stream: &mut Box<dyn Stream>, code: &str, at: SocketAddr) -> Result<Option<Refused>, Error> {
    let place = ctx.standby.place()?.clone();
    if standing(ctx).role != Role::Leader {
        return refuse_with(ctx, stream, "standby.idle").await;
    }
    let (hash, secret) = (token::hash(code), token::new(ctx.random.as_ref()));
    let known = token::hash(&secret);
    let own = ctx.own(SpaceId::ASSOCIATION);
    let paired = ctx.write(&own, move |work| {
        let before = kept(work.read())?;
        if before.secret.is_some() || !before.takes(&hash, work.now) {
            return Err(refuse!(
                Denied,
                "standby.bad_code",
                "This pairing code is not valid, or no longer. Make a new one on the page “Stand-by box” of the leading box."
            )
            .into());
        }
        let address = at.to_string();
        work.put(&Standby { secret: Some(known), address: address.clone(), paired_at: Some(work.now), ..Standby::default() })?;
        work.audit("standby.pair", "standby", "", &address)
    });
    match paired.await {
        Err(error) if error.code() == Some("standby.bad_code") => {
            return refuse_with(ctx, stream, "standby.bad_code").await;
        }
        paired => paired?,
    }
    let own = standing(ctx);
    if own.history.is_empty() {
        ctx.standby.stand(Standing { history: token::new(ctx.random.as_ref()), ..own })?;
    }
    ctx.standby.link(|link| *link = Link::default());
    let parcel = parcel(&place.data, secret, &place.keys)?;
    let answer = Answer { parcel: Some(parcel), ..said(ctx) };
    say(stream, &Message::Answer(Box::new(answer))).await?;
    tracing::info!(%at, "a box was paired that follows this one");
    Ok(None)
}

/// Keeps where the follower is found, when it moved. What cannot be kept is kept the next time.
async fn note_address(ctx: &Ctx, of: &Standby, at: SocketAddr) {
    let address = at.to_string();
    if of.address == address || standing(ctx).role != Role::Leader {
        return;
    }
    let own = ctx.own(SpaceId::ASSOCIATION);
    let noted = ctx.write(&own, move |work| {
        let before = kept(work.read())?;
        work.put(&Standby { address: address.clone(), ..before.clone() })?;
        work.audit("standby.address", "standby", &before.address, &address)
    });
    if let Err(error) = noted.await {
        tracing::warn!(%error, "where the follower is found was not kept");
    }
}

/// Where a follower begins.
struct Start {
    /// What it holds is the beginning of what is here.
    fits: bool,
    last: u64,
}

/// Whether a follower's newest group is one of ours.
async fn fits(ctx: &Ctx, own: &Standing, history: &str, last: u64, digest: Option<String>) -> Result<bool, Error> {
    if history != own.history || last > ctx.store().view().sequence() {
        return Ok(false);
    }
    let Some(digest) = digest else { return Ok(true) };
    let store = ctx.store().clone();
    let found = tokio::task::spawn_blocking(move || store.frame(last)).await;
    let found = found.map_err(|error| Error::internal("reading the journal", error))?;
    // What the journal does not hold any more is not handed out either.
    Ok(found.is_none_or(|frame| hex(&frame.digest()) == digest))
}

/// Sends everything that the follower lacks, for as long as it listens.
async fn lead(ctx: &Ctx, stream: &mut Box<dyn Stream>, start: Start) -> Result<(), Error> {
    let number = {
        let mut state = ctx.standby.state();
        state.stream += 1;
        state.link = Link {
            connected: true,
            held: start.last,
            heard: Some(ctx.now()),
            whole: state.link.whole,
            ..Link::default()
        };
        state.stream
    };
    say(stream, &Message::Answer(Box::new(said(ctx)))).await?;
    tracing::info!(from = start.last, fits = start.fits, "a follower came");
    let (from, mut to) = tokio::io::split(stream);
    let (wants, wanted) = mpsc::channel(WANTED_MAX);
    let mut out =
        Out { ctx, files: ctx.files.heard(), wanted, sending: VecDeque::new(), open: None, after: start.last, number };
    let ended = tokio::select! {
        ended = listen(ctx, from, &wants, number) => ended,
        ended = out.run(&mut to, &start) => ended,
    };
    let mut state = ctx.standby.state();
    if state.stream == number {
        state.link.connected = false;
    }
    ended
}

/// Hears what the follower holds and wants.
async fn listen(
    ctx: &Ctx,
    mut from: impl AsyncRead + Unpin,
    wants: &mpsc::Sender<[u8; 32]>,
    number: u64,
) -> Result<(), Error> {
    loop {
        let heard = tokio::time::timeout(SILENCE, receive(&mut from)).await;
        let heard = heard.map_err(|error| Error::internal("the follower says nothing", error))?;
        match heard.map_err(|error| Error::internal("hearing the follower", error))? {
            Message::Ack(Ack { last, files }) => {
                let (now, own) = (ctx.now(), ctx.store().view().sequence());
                let mut state = ctx.standby.state();
                if state.stream != number {
                    return Ok(());
                }
                let link = &mut state.link;
                (link.held, link.files, link.heard) = (last, files, Some(now));
                if last >= own && files == 0 {
                    link.whole = Some(now);
                }
            }
            Message::Want(names) => {
                for name in names {
                    let more = wants.try_send(name);
                    more.map_err(|error| Error::internal("the follower wants too much at once", error))?;
                }
            }
            _ => return Err(Error::Internal("the follower said something that it does not say".into())),
        }
    }
}

/// The stream towards the follower.
struct Out<'a> {
    ctx: &'a Ctx,
    files: broadcast::Receiver<Told>,
    wanted: mpsc::Receiver<[u8; 32]>,
    /// Wanted files that are next.
    sending: VecDeque<[u8; 32]>,
    /// The wanted file that is being sent: groups go between its pieces.
    open: Option<([u8; 32], File)>,
    /// The newest group that was sent.
    after: u64,
    number: u64,
}

impl Out<'_> {
    async fn run(&mut self, to: &mut (impl AsyncWrite + Unpin), start: &Start) -> Result<(), Error> {
        let frames = self.ctx.store().frames().ok_or_else(|| Error::Internal("there is no journal".into()))?;
        let frames = std::sync::Arc::new(frames);
        let mut committed = self.ctx.store().committed();
        if !start.fits {
            // Nothing is thrown away of a history that is not this one's.
            self.snapshot(to, start.last > 0).await?;
        }
        self.names(to).await?;
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if self.ctx.standby.state().stream != self.number {
                return Ok(());
            }
            committed.mark_unchanged();
            let (store, kept, after) = (self.ctx.store().clone(), frames.clone(), self.after);
            let batch = tokio::task::spawn_blocking(move || store.behind(&kept, after)).await;
            // Files before the groups that name them: what those name was told before they were committed.
            self.news(to).await?;
            match batch.map_err(|error| Error::internal("reading the journal", error))? {
                Batch::Frames(groups) => {
                    for group in groups {
                        self.after = group.sequence;
                        say(to, &Message::Group(group.bytes)).await?;
                    }
                    continue;
                }
                Batch::Gone => {
                    self.snapshot(to, false).await?;
                    self.names(to).await?;
                    continue;
                }
                Batch::UpToDate => {}
            }
            if self.piece(to).await? {
                continue;
            }
            tokio::select! {
                changed = committed.changed() => changed.map_err(|error| Error::internal("the store is closed", error))?,
                told = self.files.recv() => self.told(to, told).await?,
                wanted = self.wanted.recv() => self.sending.extend(wanted),
                _ = beats.tick() => {
                    let last = self.ctx.store().view().sequence();
                    say(to, &Message::Beat(Beat { last })).await?;
                }
            }
        }
    }

    /// Everything that became of files meanwhile.
    async fn news(&mut self, to: &mut (impl AsyncWrite + Unpin)) -> Result<(), Error> {
        loop {
            let told = match self.files.try_recv() {
                Ok(told) => Ok(told),
                Err(broadcast::error::TryRecvError::Lagged(missed)) => Err(broadcast::error::RecvError::Lagged(missed)),
                Err(_) => return Ok(()),
            };
            self.told(to, told).await?;
        }
    }

    async fn told(
        &mut self,
        to: &mut (impl AsyncWrite + Unpin),
        told: Result<Told, broadcast::error::RecvError>,
    ) -> Result<(), Error> {
        match told {
            Ok(Told::Kept(hash)) => {
                let mut open = self.file(to, hash).await?;
                while let Some(file) = open {
                    open = next_piece(to, hash, file).await?;
                }
                Ok(())
            }
            Ok(Told::Removed(hash)) => say(to, &Message::Gone(hash)).await,
            // More happened than is remembered: the follower looks at all of it.
            Err(_) => self.names(to).await,
        }
    }

    /// Opens a file for the follower, or tells that it is gone.
    async fn file(&self, to: &mut (impl AsyncWrite + Unpin), hash: [u8; 32]) -> Result<Option<File>, Error> {
        match File::open(self.ctx.files.path_of(&hash)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                say(to, &Message::Gone(hash)).await?;
                Ok(None)
            }
            Err(error) => Err(Error::internal("reading a file", error)),
        }
    }

    /// One piece of a wanted file; false when nothing is wanted.
    async fn piece(&mut self, to: &mut (impl AsyncWrite + Unpin)) -> Result<bool, Error> {
        while let Ok(wanted) = self.wanted.try_recv() {
            self.sending.push_back(wanted);
        }
        if self.open.is_none() {
            let Some(hash) = self.sending.pop_front() else { return Ok(false) };
            self.open = self.file(to, hash).await?.map(|file| (hash, file));
        }
        if let Some((hash, file)) = self.open.take() {
            self.open = next_piece(to, hash, file).await?.map(|file| (hash, file));
        }
        Ok(true)
    }

    /// The names of all files, so that the follower sees what it lacks and what it may remove.
    async fn names(&self, to: &mut (impl AsyncWrite + Unpin)) -> Result<(), Error> {
        let files = self.ctx.files.clone();
        let all = crate::aside(move || files.all()).await?;
        let mut parts = all.chunks(NAMES).peekable();
        if parts.peek().is_none() {
            return say(to, &Message::Names(Vec::new(), false)).await;
        }
        while let Some(part) = parts.next() {
            say(to, &Message::Names(part.to_vec(), parts.peek().is_some())).await?;
        }
        Ok(())
    }

    /// Everything at once; what comes behind it goes on by groups.
    async fn snapshot(&mut self, to: &mut (impl AsyncWrite + Unpin), other: bool) -> Result<(), Error> {
        let path = outgoing(&self.ctx.standby.place()?.data);
        let (store, at) = (self.ctx.store().clone(), path.clone());
        // Beats go on while it is written, or the follower would take the leader for gone.
        let mut writing = tokio::task::spawn_blocking(move || {
            if let Some(folder) = at.parent() {
                std::fs::create_dir_all(folder).map_err(|error| Error::internal("writing a snapshot", error))?;
            }
            Ok::<_, Error>((store.snapshot(&at)?, File::open(&at)))
        });
        let (made, file) = loop {
            tokio::select! {
                made = &mut writing => break made.map_err(|error| Error::internal("writing a snapshot", error))??,
                () = tokio::time::sleep(BEAT) => {
                    say(to, &Message::Beat(Beat { last: self.ctx.store().view().sequence() })).await?;
                }
            }
        };
        let mut file = file.map_err(|error| Error::internal("reading a snapshot", error))?;
        // It stays readable for whom it is open, and goes when that one is done.
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(%error, "a snapshot for the follower stays");
        }
        tracing::info!(sequence = made.sequence, bytes = made.bytes, "the follower gets everything at once");
        say(to, &Message::Snapshot(other)).await?;
        loop {
            let piece = read_piece(&mut file).map_err(|error| Error::internal("reading a snapshot", error))?;
            let ends = piece.is_empty();
            say(to, &Message::Part(piece)).await?;
            if ends {
                break;
            }
        }
        self.after = made.sequence;
        Ok(())
    }
}

fn read_piece(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// Sends the next piece of a file; the file while there is more of it.
async fn next_piece(to: &mut (impl AsyncWrite + Unpin), hash: [u8; 32], mut file: File) -> Result<Option<File>, Error> {
    let piece = read_piece(&mut file).map_err(|error| Error::internal("reading a file", error))?;
    let last = piece.len() < PIECE_BYTES;
    say(to, &Message::Piece(hash, last, piece)).await?;
    Ok((!last).then_some(file))
}
