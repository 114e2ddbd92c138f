//! A stand-in of a mail server: enough of SMTP (RFC 5321) with login (RFC 4954, PLAIN) to take mail, verify its signature, and refuse the way
//! servers refuse.

use super::dkim;
use data_encoding::BASE64;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Most bytes of a mail.
const MAIL_MAX: usize = 1 << 20;
/// Most mails that are kept.
const KEPT_MAX: usize = 1_000;

/// A mail that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Where undeliverable mail goes back to.
    pub back: String,
    /// Whom it is for.
    pub to: Vec<String>,
    /// The message.
    pub message: Vec<u8>,
    /// Whether its signature is right; the error says what is wrong.
    pub signature: Result<(), String>,
}

impl Taken {
    /// The text of the body, decoded; and the decoded subject, as a reader sees them.
    pub fn text(&self) -> String {
        let whole = String::from_utf8_lossy(&self.message).into_owned();
        let (head, body) = whole.split_once("\r\n\r\n").unwrap_or((&whole, ""));
        if head.to_ascii_lowercase().contains("content-transfer-encoding: base64") {
            let packed: String = body.split_whitespace().collect();
            return BASE64
                .decode(packed.as_bytes())
                .map_or_else(|_| body.to_owned(), |b| String::from_utf8_lossy(&b).into_owned());
        }
        if head.to_ascii_lowercase().contains("content-transfer-encoding: quoted-printable") {
            return unquoted(body);
        }
        body.to_owned()
    }

    /// A header as it came, unfolded.
    pub fn header(&self, name: &str) -> String {
        let whole = String::from_utf8_lossy(&self.message).into_owned();
        let head = whole
            .split_once("\r\n\r\n")
            .map_or(whole.as_str(), |(head, _)| head)
            .replace("\r\n ", " ")
            .replace("\r\n\t", " ");
        let start = format!("{}:", name.to_ascii_lowercase());
        let line = head.split("\r\n").find(|line| line.to_ascii_lowercase().starts_with(&start));
        line.and_then(|line| line.split_once(':')).map_or(String::new(), |(_, value)| value.trim().to_owned())
    }
}

fn unquoted(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut out = Vec::new();
    let mut bytes = joined.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let pair: Vec<u8> = bytes.by_ref().take(2).collect();
        let hex = std::str::from_utf8(&pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.extend(hex);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[derive(Default)]
struct State {
    taken: Vec<Taken>,
    /// Answers to the next recipients, in the place of "250".
    answers: Vec<String>,
    cut: bool,
}

/// A running mail server; ends when it is dropped.
pub struct MailServer {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the server lets in and how it verifies.
#[derive(Clone, Default)]
pub struct Rules {
    /// Login and password; none: nobody logs in.
    pub login: Option<(String, String)>,
    /// Public key (PKCS#1) that signatures are verified with.
    pub key: Option<Vec<u8>>,
}

impl MailServer {
    /// Starts one on a free port of the box's own address.
    pub async fn start(rules: Rules) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let state: Arc<Mutex<State>> = Arc::default();
        let kept = state.clone();
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (rules, kept) = (rules.clone(), kept.clone());
                open.spawn(async move {
                    if let Err(error) = talk(stream, &rules, &kept).await {
                        tracing::debug!(%error, "the stand-in of a mail server lost a connection");
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, state, task })
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was taken so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.with(|state| state.taken.clone())
    }

    /// The next recipient is answered this way, such as `550 5.1.1 no such user`.
    pub fn answer(&self, line: &str) {
        self.with(|state| state.answers.push(line.to_owned()));
    }

    /// The next mail is taken, and the connection cut before the answer.
    pub fn cut(&self) {
        self.with(|state| state.cut = true);
    }
}

async fn talk(stream: TcpStream, rules: &Rules, state: &Mutex<State>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    write.write_all(b"220 standin ESMTP\r\n").await?;
    let (mut known, mut back, mut to) = (rules.login.is_none(), String::new(), Vec::new());
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).await? == 0 || line.len() > 4_000 {
            return Ok(());
        }
        let upper = line.trim_end().to_ascii_uppercase();
        let answer = if upper.starts_with("EHLO") || upper.starts_with("HELO") {
            "250-standin\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned()
        } else if let Some(coded) = line.trim_end().strip_prefix("AUTH PLAIN ") {
            known = logged_in(coded, rules);
            if known { "235 2.7.0 welcome" } else { "535 5.7.8 wrong login" }.to_owned()
        } else if upper.starts_with("MAIL FROM:") {
            back = inside(&line);
            to.clear();
            if known { "250 2.1.0 ok" } else { "530 5.7.0 log in first" }.to_owned()
        } else if upper.starts_with("RCPT TO:") {
            let asked = state.lock().unwrap_or_else(PoisonError::into_inner).answers.pop();
            asked.unwrap_or_else(|| {
                to.push(inside(&line));
                "250 2.1.5 ok".to_owned()
            })
        } else if upper == "DATA" && !to.is_empty() {
            write.write_all(b"354 go on\r\n").await?;
            let Some(message) = message(&mut lines).await? else { return Ok(()) };
            let signature = rules.key.as_ref().map_or(Err("no key".to_owned()), |key| dkim::verify(&message, key));
            let taken = Taken { back: back.clone(), to: std::mem::take(&mut to), message, signature };
            if keep(state, taken) {
                return Ok(());
            }
            "250 2.0.0 taken".to_owned()
        } else if upper == "QUIT" {
            write.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else if upper == "NOOP" || upper == "RSET" {
            "250 ok".to_owned()
        } else {
            "500 5.5.2 what?".to_owned()
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// Keeps a mail; true when the connection is to be cut.
fn keep(state: &Mutex<State>, taken: Taken) -> bool {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if state.taken.len() < KEPT_MAX {
        state.taken.push(taken);
    }
    std::mem::take(&mut state.cut)
}

fn logged_in(coded: &str, rules: &Rules) -> bool {
    let plain = BASE64.decode(coded.as_bytes()).unwrap_or_default();
    let plain = String::from_utf8_lossy(&plain).into_owned();
    let mut parts = plain.split('\0').skip(1);
    let given = (parts.next().unwrap_or("").to_owned(), parts.next().unwrap_or("").to_owned());
    rules.login.as_ref() == Some(&given)
}

fn inside(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(String::new(), |(inside, _)| inside.to_owned())
}

/// The lines up to the lonely point, with doubled points undone.
async fn message(lines: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await? == 0 || message.len() > MAIL_MAX {
            return Ok(None);
        }
        if line == b".\r\n" {
            return Ok(Some(message));
        }
        message.extend_from_slice(if line.starts_with(b"..") { line.get(1..).unwrap_or_default() } else { &line });
    }
}
