//! What two boxes say to each other: a kind, a length and a body, over a stream that is encrypted and whose other end is proven by whoever opened it.
//! Control messages are JSON, so that boxes of two versions understand each other or say that they do not; groups and files go as they lie on disk.

use data_encoding::HEXLOWER;
use domain::standby::Role;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A stream to another box.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

/// A stream that is being opened.
pub type Dialing = Pin<Box<dyn Future<Output = Result<Box<dyn Stream>>> + Send>>;
/// Opens a stream to host and port, whose other end shows the certificate of that SHA-256; an error of kind `PermissionDenied` where it shows another.
pub type Dial = Arc<dyn Fn(String, [u8; 32]) -> Dialing + Send + Sync>;

/// Of this the two must be the same.
pub const VERSION: u32 = 1;
/// How long a message may take to come in whole once it began, and to go out.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long the first message may take.
pub const HELLO_PATIENCE: Duration = Duration::from_secs(10);
/// Longest control message: the first comes from anybody.
const CONTROL_MAX: usize = 64 << 10;
/// Bytes of a file that go at once.
pub const PIECE_BYTES: usize = 128 << 10;
/// Longest group: what the store takes in one, with its head.
const GROUP_MAX: usize = (256 << 20) + 4096;
/// Names of files in one message.
pub const NAMES: usize = 1_024;

/// What a box asks for when it opens a stream.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub enum Hello {
    /// To be paired.
    Pair {
        /// The one-time code.
        code: String,
        /// Port of its own TLS listener.
        port: u16,
    },
    /// To follow from where it stands.
    Follow {
        /// Its secret.
        secret: String,
        /// The newest epoch it knows of.
        epoch: u64,
        /// The history that its groups are of; empty when it has none.
        history: String,
        /// Its newest group.
        last: u64,
        /// SHA-256 of that group, in hexadecimal, where its journal still holds it.
        digest: Option<String>,
        /// Port of its own TLS listener.
        port: u16,
    },
    /// That the other stops writing: this one takes over.
    Stop {
        /// Its secret.
        secret: String,
        /// The epoch that begins.
        epoch: u64,
    },
    /// How the other stands.
    Stand {
        /// Signed with the key that both boxes have.
        proof: String,
        /// The newest epoch it knows of.
        epoch: u64,
    },
}

/// What is answered first.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq, Default)]
pub struct Answer {
    /// Of whoever answers.
    pub version: u32,
    /// Stable code of why nothing follows; none: all is well.
    pub refused: Option<String>,
    /// What it is.
    pub role: Role,
    /// Its epoch.
    pub epoch: u64,
    /// Its history.
    pub history: String,
    /// Its newest group.
    pub last: u64,
    /// The last group before its epoch began, where it took over.
    pub fork: Option<u64>,
    /// For a box that was paired.
    pub parcel: Option<Parcel>,
}

/// What a box gets that is paired: with it, it can be the hall.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Parcel {
    /// The secret by which it is known from here on.
    pub secret: String,
    /// The key file of sealed fields, in hexadecimal.
    pub key: String,
    /// Files of the folder of certificates: name, content in hexadecimal.
    pub certificates: Vec<(String, String)>,
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parcel")
    }
}

/// How the leader stands, said again and again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub struct Beat {
    /// Its newest group.
    pub last: u64,
}

/// What a follower holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub struct Ack {
    /// Its newest group: on its disk.
    pub last: u64,
    /// Files that it knows to lack.
    pub files: u64,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The first one.
    Hello(Hello),
    /// The answer to it.
    Answer(Box<Answer>),
    /// A group.
    Group(bytes::Bytes),
    /// How the leader stands.
    Beat(Beat),
    /// What the follower holds.
    Ack(Ack),
    /// Names of all files that are kept; whether more come.
    Names(Vec<[u8; 32]>, bool),
    /// Names of files that are wanted.
    Want(Vec<[u8; 32]>),
    /// A piece of a file, and whether it is the last.
    Piece([u8; 32], bool, Vec<u8>),
    /// A file is not there any more.
    Gone([u8; 32]),
    /// A snapshot begins; its bytes come in pieces. Whether what the follower holds is of another history.
    Snapshot(bool),
    /// A piece of it; an empty one is its end.
    Part(Vec<u8>),
}

fn bad(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

fn json(of: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(of).map_err(|error| bad(&error.to_string()))
}

fn of_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))
}

fn names(body: &[u8]) -> Result<Vec<[u8; 32]>> {
    let (names, rest) = body.as_chunks::<32>();
    if rest.is_empty() { Ok(names.to_vec()) } else { Err(bad("half a name of a file")) }
}

impl Message {
    fn parts(&self) -> Result<(u8, Vec<u8>)> {
        Ok(match self {
            Self::Hello(hello) => (b'H', json(hello)?),
            Self::Answer(answer) => (b'A', json(answer)?),
            Self::Group(bytes) => (b'F', bytes.to_vec()),
            Self::Beat(beat) => (b'B', json(beat)?),
            Self::Ack(ack) => (b'K', json(ack)?),
            Self::Names(names, more) => (if *more { b'n' } else { b'N' }, names.concat()),
            Self::Want(names) => (b'W', names.concat()),
            Self::Piece(hash, last, bytes) => {
                (if *last { b'C' } else { b'c' }, [hash.as_slice(), bytes.as_slice()].concat())
            }
            Self::Gone(hash) => (b'G', hash.to_vec()),
            Self::Snapshot(other) => (b'S', vec![u8::from(*other)]),
            Self::Part(bytes) => (b'P', bytes.clone()),
        })
    }

    fn of(kind: u8, body: Vec<u8>) -> Result<Self> {
        Ok(match kind {
            b'H' => Self::Hello(of_json(&body)?),
            b'A' => Self::Answer(Box::new(of_json(&body)?)),
            b'F' => Self::Group(body.into()),
            b'B' => Self::Beat(of_json(&body)?),
            b'K' => Self::Ack(of_json(&body)?),
            b'n' | b'N' => Self::Names(names(&body)?, kind == b'n'),
            b'W' => Self::Want(names(&body)?),
            b'c' | b'C' => {
                let (hash, bytes) = body.split_first_chunk::<32>().ok_or_else(|| bad("half a name of a file"))?;
                Self::Piece(*hash, kind == b'C', bytes.to_vec())
            }
            b'G' => Self::Gone(body.as_slice().try_into().map_err(|_| bad("half a name of a file"))?),
            b'S' => Self::Snapshot(body.first() == Some(&1)),
            b'P' => Self::Part(body),
            _ => return Err(bad("an unknown message")),
        })
    }

    fn max(kind: u8) -> usize {
        match kind {
            b'F' => GROUP_MAX,
            b'n' | b'N' | b'W' => NAMES * 32,
            b'c' | b'C' => PIECE_BYTES + 32,
            b'P' => PIECE_BYTES,
            b'G' | b'S' => 32,
            _ => CONTROL_MAX,
        }
    }
}

/// Sends a message. Whoever does not take it in time is cut off.
pub async fn send(to: &mut (impl AsyncWrite + Unpin), message: &Message) -> Result<()> {
    let (kind, body) = message.parts()?;
    let length = u32::try_from(body.len()).map_err(|_| bad("a message is too long"))?;
    let sending = async {
        let mut head = vec![kind];
        head.extend_from_slice(&length.to_le_bytes());
        to.write_all(&head).await?;
        to.write_all(&body).await?;
        to.flush().await
    };
    tokio::time::timeout(PATIENCE, sending).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
}

/// Bytes that are set aside for a message before any of it came: a length is believed as far as what it tells of is there.
const FIRST_BYTES: usize = 256 << 10;

async fn received(from: &mut (impl AsyncRead + Unpin), is_awaited: impl Fn(u8) -> bool) -> Result<Message> {
    let kind = from.read_u8().await?;
    if !is_awaited(kind) {
        return Err(bad("another message was to come"));
    }
    let receiving = async {
        let length = from.read_u32_le().await? as usize;
        if length > Message::max(kind) {
            return Err(bad("a message is too long"));
        }
        let mut body = Vec::with_capacity(length.min(FIRST_BYTES));
        if from.take(length as u64).read_to_end(&mut body).await? < length {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        Message::of(kind, body)
    };
    tokio::time::timeout(PATIENCE, receiving).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
}

/// Receives a message. The wait for its first byte has no end: whoever must not wait for ever cuts it off.
pub async fn receive(from: &mut (impl AsyncRead + Unpin)) -> Result<Message> {
    received(from, |_| true).await
}

/// Receives the first message. It comes from anybody: what is no question is refused before its body is taken in.
pub async fn asked(from: &mut (impl AsyncRead + Unpin)) -> Result<Hello> {
    match received(from, |kind| kind == b'H').await? {
        Message::Hello(hello) => Ok(hello),
        _ => Err(bad("no question came first")),
    }
}

/// Receives the answer to a hello.
pub async fn answered(stream: &mut (impl AsyncRead + Unpin)) -> Result<Answer> {
    let receiving = received(stream, |kind| kind == b'A');
    match tokio::time::timeout(PATIENCE, receiving).await.map_err(|_| Error::from(ErrorKind::TimedOut))?? {
        Message::Answer(answer) if answer.version == VERSION => Ok(*answer),
        Message::Answer(_) => Err(bad("the other box runs another version of the program; update both")),
        _ => Err(bad("no answer came first")),
    }
}

/// A hash in hexadecimal.
pub fn hex(hash: &[u8]) -> String {
    HEXLOWER.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_come_as_they_went_and_what_is_too_long_or_unknown_is_refused() {
        let (mut near, mut far) = tokio::io::duplex(1 << 20);
        let hello =
            Hello::Follow { secret: "s".into(), epoch: 2, history: "h".into(), last: 9, digest: None, port: 8443 };
        let all = [
            Message::Hello(hello),
            Message::Answer(Box::new(Answer { version: VERSION, last: 3, ..Answer::default() })),
            Message::Group(vec![1; 5_000].into()),
            Message::Beat(Beat { last: 7 }),
            Message::Ack(Ack { last: 7, files: 1 }),
            Message::Names(vec![[1; 32], [2; 32]], true),
            Message::Names(Vec::new(), false),
            Message::Want(vec![[3; 32]]),
            Message::Piece([4; 32], false, vec![5; 10]),
            Message::Piece([4; 32], true, Vec::new()),
            Message::Gone([6; 32]),
            Message::Snapshot(true),
            Message::Part(vec![7; 100]),
        ];
        for message in &all {
            send(&mut near, message).await.unwrap();
            assert_eq!(&receive(&mut far).await.unwrap(), message);
        }
        for (kind, length) in [(b'H', CONTROL_MAX + 1), (b'F', GROUP_MAX + 1), (b'G', 33), (b'?', 0), (b'G', 3)] {
            let (mut near, mut far) = tokio::io::duplex(1 << 20);
            near.write_u8(kind).await.unwrap();
            near.write_u32_le(length as u32).await.unwrap();
            near.write_all(&[0; 64]).await.unwrap();
            assert_eq!(receive(&mut far).await.unwrap_err().kind(), ErrorKind::InvalidData, "{kind} {length}");
        }
    }

    #[tokio::test]
    async fn of_whoever_is_not_known_yet_no_more_is_taken_in_than_a_question() {
        for kind in [b'F', b'A', b'P', b'?'] {
            let (mut near, mut far) = tokio::io::duplex(1 << 20);
            near.write_u8(kind).await.unwrap();
            near.write_u32_le(GROUP_MAX as u32).await.unwrap();
            near.write_all(&[0; 1_000]).await.unwrap();
            assert_eq!(asked(&mut far).await.unwrap_err().kind(), ErrorKind::InvalidData, "{kind}");
            let mut rest = vec![0; 1_004];
            far.read_exact(&mut rest).await.unwrap();
        }
        let (mut near, mut far) = tokio::io::duplex(1 << 20);
        let hello = Hello::Stop { secret: "s".into(), epoch: 2 };
        send(&mut near, &Message::Hello(hello.clone())).await.unwrap();
        assert_eq!(asked(&mut far).await.unwrap(), hello);
        // What is cut short is no message.
        near.write_all(b"H\x09\0\0\0{}").await.unwrap();
        drop(near);
        assert_eq!(asked(&mut far).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
