//! The following side: pairing, and taking in what the leader sends. A group is acknowledged when it is in this box's own journal and synced; whatever does
//! not fit is refused, and fetched anew in whole.

use super::{
    Dial, Link, Peer, SEALED, Standing, standing,
    standing::incoming,
    wire::{Ack, Answer, Hello, Message, NAMES, Parcel, Stream, answered, hex, receive, send},
};
use crate::{Ctx, Error, Random, file::Draft, seal::Sealer};
use data_encoding::HEXLOWER;
use domain::{
    SpaceId, refuse,
    standby::{Code, Heard, Role, Trouble, hear, read_pin},
};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::time::Duration;
use store::Frame;
use tokio::io::{AsyncRead, AsyncWrite};

/// Files that are asked for at once.
const WANTED: usize = 32;
/// A leader that says nothing for so long is gone: it says how it stands each second.
const SILENCE: Duration = Duration::from_secs(15);
/// How long is waited before the leader is tried again: at first, and at the most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// How often a group is tried again that the disk or the engine has no room for just now.
const TRIES: u32 = 40;
/// How long is waited in between.
const PAUSE: Duration = Duration::from_millis(250);

/// Asks the leader of a code to be paired with it.
pub async fn pair(dial: &Dial, code: &Code, port: u16) -> Result<(Answer, Parcel), Error> {
    let stream = dial(code.address.clone(), code.pin).await;
    let mut stream = stream.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => Error::Internal(format!(
            "whoever answers at {} is not the box that made this code; nothing was told to it",
            code.address
        )),
        _ => Error::internal(&format!("reaching {}", code.address), error),
    })?;
    let asked = Message::Hello(Hello::Pair { code: code.once.clone(), port });
    let failed = |error| Error::internal("asking the leading box", error);
    send(&mut stream, &asked).await.map_err(failed)?;
    let mut answer = answered(&mut stream).await.map_err(failed)?;
    match (answer.refused.as_deref(), answer.parcel.take()) {
        (None, Some(parcel)) => Ok((answer, parcel)),
        (Some("standby.bad_code"), _) => Err(refuse!(
            Denied,
            "standby.bad_code",
            "This pairing code is not valid, or no longer. Make a new one on the page “Stand-by box” of the leading box."
        )
        .into()),
        (refused, _) => Err(Error::Internal(format!(
            "the box at {} does not pair: {}",
            code.address,
            refused.unwrap_or("it sent nothing to keep")
        ))),
    }
}

/// How a stream from the leader ended, where that is no trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A snapshot came in, and a store was made of it: it takes its place at the next start. Whether it is of another history.
    Snapshot,
}

fn away(error: std::io::Error) -> Trouble {
    match error.kind() {
        ErrorKind::InvalidData => Trouble::Damaged(error.to_string()),
        ErrorKind::PermissionDenied => Trouble::Stranger,
        _ => Trouble::Away(error.to_string()),
    }
}

fn unkept(error: impl std::fmt::Display) -> Trouble {
    Trouble::Unkept(error.to_string())
}

/// The other box as it is kept, and its secret.
pub(super) fn peer(ctx: &Ctx) -> Result<(Peer, String), Trouble> {
    let peer = standing(ctx).peer.ok_or(Trouble::Unpaired)?;
    if peer.secret.is_empty() {
        return Ok((peer, String::new()));
    }
    let sealed = HEXLOWER.decode(peer.secret.as_bytes()).map_err(unkept)?;
    let secret = ctx.sealer.open(&SEALED, &sealed).map_err(unkept)?;
    Ok((peer, secret))
}

/// Opens a stream to the other box, asks, and hears the answer.
pub(super) async fn asked(dial: &Dial, peer: &Peer, hello: Hello) -> Result<(Box<dyn Stream>, Answer), Trouble> {
    let pin = read_pin(&peer.pin).ok_or(Trouble::Stranger)?;
    let mut stream = dial(peer.address.clone(), pin).await.map_err(away)?;
    send(&mut stream, &Message::Hello(hello)).await.map_err(away)?;
    let answer = answered(&mut stream).await.map_err(away)?;
    Ok((stream, answer))
}

/// The standing and secret of a box that was paired just now.
pub fn paired(
    sealer: &Sealer,
    random: &dyn Random,
    code: &Code,
    answer: &Answer,
    secret: &str,
) -> Result<Standing, Error> {
    let sealed = sealer.seal(random, &SEALED, secret)?;
    Ok(Standing {
        role: Role::Follower,
        epoch: answer.epoch,
        history: answer.history.clone(),
        fork: None,
        peer: Some(Peer {
            address: code.address.clone(),
            pin: hex(&code.pin),
            secret: HEXLOWER.encode(&sealed),
            stopped: false,
        }),
    })
}

/// Follows until a snapshot came in, over and over where the leader is not reached. `port` is the one of this box's own TLS listener. The store must be
/// fenced.
pub async fn keep_following(ctx: &Ctx, dial: &Dial, port: u16) -> Ended {
    let mut pause = AGAIN.0;
    loop {
        let begun = ctx.now();
        let trouble = match follow(ctx, dial, port).await {
            Ok(ended) => return ended,
            Err(trouble) => trouble,
        };
        let known = ctx.standby.state().link.trouble.as_ref().map(|(_, known)| known.label());
        if known == Some(trouble.label()) {
            tracing::debug!(%trouble, "the leader is not followed");
        } else {
            tracing::warn!(%trouble, "the leader is not followed");
        }
        let now = ctx.now();
        ctx.standby.link(|link| {
            link.connected = false;
            link.trouble = Some((now, trouble));
        });
        pause = if now.since(begun) > 10_000 { AGAIN.0 } else { (pause * 2).min(AGAIN.1) };
        tokio::time::sleep(pause).await;
    }
}

/// Follows for as long as one stream lasts.
pub async fn follow(ctx: &Ctx, dial: &Dial, port: u16) -> Result<Ended, Trouble> {
    let (peer, secret) = peer(ctx)?;
    let (own, last) = (standing(ctx), ctx.store().view().sequence());
    let store = ctx.store().clone();
    let digest = tokio::task::spawn_blocking(move || store.frame(last).map(|frame| hex(&frame.digest())));
    let digest = digest.await.map_err(unkept)?;
    let hello = Hello::Follow { secret, epoch: own.epoch, history: own.history.clone(), last, digest, port };
    let (stream, answer) = asked(dial, &peer, hello).await?;
    match answer.refused.as_deref() {
        None => {}
        Some("standby.unpaired") => return Err(Trouble::Unpaired),
        Some("standby.idle") => return Err(Trouble::Idle),
        Some(other) => return Err(Trouble::Away(other.to_owned())),
    }
    match hear(own.stand(), answer.epoch) {
        Heard::Same => {}
        // A fenced leader knows the epoch that this box is about to begin; it does not begin by hearing of it.
        Heard::Learn(_) if answer.role == Role::Fenced => {}
        Heard::Learn(epoch) => {
            let learned = Standing { epoch, history: answer.history.clone(), ..own };
            ctx.standby.stand(learned).map_err(unkept)?;
        }
        Heard::Stale | Heard::Fence(_) => return Err(Trouble::Stale),
    }
    let now = ctx.now();
    ctx.standby.link(|link| {
        *link = Link {
            connected: true,
            newest: answer.last,
            held: last,
            heard: Some(now),
            whole: link.whole,
            ..Link::default()
        };
    });
    let (mut from, to) = tokio::io::split(stream);
    let mut taking = In { ctx, to, lacking: VecDeque::new(), asked: 0, draft: None, names: Vec::new(), snapshot: None };
    loop {
        let message = tokio::time::timeout(SILENCE, next(&mut from)).await;
        let message = message.map_err(|_| Trouble::Away("nothing was heard for a while".into()))??;
        if let Some(ended) = taking.take(message).await? {
            return Ok(ended);
        }
    }
}

async fn next(from: &mut (impl AsyncRead + Unpin)) -> Result<Message, Trouble> {
    receive(from).await.map_err(away)
}

/// What comes in.
struct In<'a, W> {
    ctx: &'a Ctx,
    to: W,
    /// Files that are there and not here.
    lacking: VecDeque<[u8; 32]>,
    /// Of those, the first so many were asked for.
    asked: usize,
    draft: Option<([u8; 32], Draft)>,
    /// Names of files as far as they came.
    names: Vec<[u8; 32]>,
    snapshot: Option<(bool, File)>,
}

impl<W: AsyncWrite + Unpin> In<'_, W> {
    async fn take(&mut self, message: Message) -> Result<Option<Ended>, Trouble> {
        match message {
            Message::Group(bytes) => {
                let frame = Frame::read(bytes).map_err(|error| Trouble::Damaged(error.to_string()))?;
                let last = self.group(frame).await?;
                let now = self.ctx.now();
                self.ctx.standby.link(|link| {
                    link.newest = link.newest.max(last);
                    link.heard = Some(now);
                });
                self.acknowledge().await?;
            }
            Message::Beat(beat) => {
                let now = self.ctx.now();
                self.ctx.standby.link(|link| (link.newest, link.heard) = (beat.last, Some(now)));
                self.acknowledge().await?;
            }
            Message::Names(names, more) => {
                self.names.extend(names);
                if !more {
                    self.compare().await?;
                }
            }
            Message::Piece(hash, last, bytes) => self.piece(hash, last, &bytes).await?,
            Message::Gone(hash) => {
                self.ctx.files.remove(&hash).map_err(unkept)?;
                self.arrived(&hash).await?;
            }
            Message::Snapshot(other) => {
                let path = incoming(&self.ctx.standby.place().map_err(unkept)?.data);
                tracing::warn!(
                    other,
                    "everything is fetched at once: the leader's journal does not go on where this box stands"
                );
                self.snapshot = Some((other, File::create(path).map_err(unkept)?));
            }
            Message::Part(bytes) => return self.part(&bytes).await,
            Message::Hello(_) | Message::Answer(_) | Message::Ack(_) | Message::Want(_) => {
                return Err(Trouble::Damaged("the leader said something that it does not say".into()));
            }
        }
        Ok(None)
    }

    /// Into the own journal. Where there is no room just now it is tried for a while, and the leader waits.
    async fn group(&mut self, frame: Frame) -> Result<u64, Trouble> {
        for _ in 0..TRIES {
            let taking = self.ctx.standby.taking.lock().await;
            if standing(self.ctx).role != Role::Follower {
                return Err(Trouble::Stale);
            }
            let (store, again) = (self.ctx.store().clone(), frame.clone());
            let received = tokio::task::spawn_blocking(move || store.receive(again)).await.map_err(unkept)?;
            match received {
                Ok(last) => return Ok(last),
                Err(store::Error::Behind { .. }) => {}
                Err(error @ (store::Error::Gap { .. } | store::Error::Frame(_))) => {
                    return Err(Trouble::Damaged(error.to_string()));
                }
                Err(error) => return Err(unkept(error)),
            }
            drop(taking);
            tokio::time::sleep(PAUSE).await;
        }
        Err(Trouble::Unkept("too much waits for the engine".into()))
    }

    async fn acknowledge(&mut self) -> Result<(), Trouble> {
        let (last, files, now) = (self.ctx.store().view().sequence(), self.lacking.len() as u64, self.ctx.now());
        self.ctx.standby.link(|link| {
            (link.held, link.files) = (last, files);
            if last >= link.newest && files == 0 {
                (link.whole, link.trouble) = (Some(now), None);
            }
        });
        send(&mut self.to, &Message::Ack(Ack { last, files })).await.map_err(away)
    }

    /// All names came: what is not there any more goes here as well, what is lacking is asked for.
    async fn compare(&mut self) -> Result<(), Trouble> {
        let there: std::collections::BTreeSet<_> = std::mem::take(&mut self.names).into_iter().collect();
        let files = self.ctx.files.clone();
        let lacking = crate::aside(move || {
            for own in files.all()? {
                if !there.contains(&own) {
                    files.remove(&own)?;
                }
            }
            Ok(there.into_iter().filter(|hash| !files.has(hash)).collect::<VecDeque<_>>())
        });
        (self.lacking, self.asked) = (lacking.await.map_err(unkept)?, 0);
        self.want().await?;
        self.acknowledge().await
    }

    async fn want(&mut self) -> Result<(), Trouble> {
        let wanted: Vec<_> =
            self.lacking.iter().skip(self.asked).take(WANTED - self.asked.min(WANTED)).copied().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        debug_assert!(wanted.len() <= NAMES);
        self.asked += wanted.len();
        send(&mut self.to, &Message::Want(wanted)).await.map_err(away)
    }

    async fn piece(&mut self, hash: [u8; 32], last: bool, bytes: &[u8]) -> Result<(), Trouble> {
        let (of, mut draft) = match self.draft.take() {
            // Groups may come in between, and a new file in front of them, but never half of one.
            Some((of, draft)) if of == hash => (of, draft),
            _ => (hash, self.ctx.files.draft(self.ctx.random.number()).map_err(unkept)?),
        };
        draft.write(bytes).map_err(unkept)?;
        if !last {
            self.draft = Some((of, draft));
            return Ok(());
        }
        let kept = draft.keep().map_err(unkept)?;
        if kept != hash {
            self.ctx.files.remove(&kept).map_err(unkept)?;
            return Err(Trouble::Damaged(format!("file {} came damaged", hex(&hash))));
        }
        self.arrived(&hash).await
    }

    /// A file is lacking no more.
    async fn arrived(&mut self, hash: &[u8; 32]) -> Result<(), Trouble> {
        if let Some(at) = self.lacking.iter().position(|lacking| lacking == hash) {
            self.lacking.remove(at);
            if at < self.asked {
                self.asked -= 1;
            }
            self.want().await?;
            self.acknowledge().await?;
        }
        Ok(())
    }

    async fn part(&mut self, bytes: &[u8]) -> Result<Option<Ended>, Trouble> {
        let Some((other, file)) = self.snapshot.as_mut() else {
            return Err(Trouble::Damaged("a piece came of a snapshot that had not begun".into()));
        };
        let (now, other) = (self.ctx.now(), *other);
        self.ctx.standby.link(|link| link.heard = Some(now));
        if !bytes.is_empty() {
            file.write_all(bytes).map_err(unkept)?;
            return Ok(None);
        }
        file.sync_all().map_err(unkept)?;
        self.snapshot = None;
        let data = self.ctx.standby.place().map_err(unkept)?.data.clone();
        let prepared = crate::aside(move || super::prepare(&data, other)).await;
        prepared.map_err(|error| Trouble::Damaged(error.to_string()))?;
        Ok(Some(Ended::Snapshot))
    }
}

/// The name of the association that a box follows, as far as it knows.
pub fn name(ctx: &Ctx) -> Option<String> {
    let found =
        ctx.read(&ctx.own(SpaceId::ASSOCIATION), |_| Ok(ctx.association()?.map(|known| known.space.name.clone())));
    found.ok().flatten()
}
