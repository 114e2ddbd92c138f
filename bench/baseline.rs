//! What the hall is compared with: a check-in server as most people would write it, axum over SQLite with its safest settings (WAL,
//! `synchronous=FULL`), once with a transaction for each request and once with a writer that commits many of them together.

use crate::{Done, say};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use clap::Args;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Which server.
#[derive(Args)]
pub struct Plan {
    /// The filled database.
    file: PathBuf,
    /// Commit many requests together.
    #[arg(long)]
    group: bool,
}

/// Fills a database with tickets.
pub fn fill(file: &Path, numbers: &[String]) -> Done<()> {
    let mut base = open(file)?;
    base.execute_batch(
        "CREATE TABLE ticket (number TEXT PRIMARY KEY, name TEXT, kind TEXT, seat TEXT, entered_at INTEGER) WITHOUT ROWID;
         CREATE TABLE scan (id INTEGER PRIMARY KEY, nonce TEXT UNIQUE, number TEXT, at INTEGER, verdict TEXT);
         CREATE TABLE total (admitted INTEGER, refused INTEGER);
         INSERT INTO total VALUES (0, 0);",
    )?;
    let all = base.transaction()?;
    {
        let mut insert = all.prepare("INSERT INTO ticket VALUES (?1, ?2, '普通票', ?3, NULL)")?;
        for (at, number) in numbers.iter().enumerate() {
            insert.execute(params![number, format!("参会人{at}"), format!("{}桌", at % 100)])?;
        }
    }
    all.commit()?;
    Ok(())
}

fn open(file: &Path) -> Done<Connection> {
    let base = Connection::open(file)?;
    base.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;")?;
    Ok(base)
}

#[derive(Deserialize)]
struct Scan {
    code: String,
    nonce: String,
}

#[derive(Serialize)]
struct Person {
    name: String,
    kind: String,
    seat: String,
}

#[derive(Serialize)]
struct Said {
    verdict: &'static str,
    reason: Option<&'static str>,
    person: Option<Person>,
    admitted: i64,
    refused: i64,
}

/// One scan within a transaction: looked up by nonce, by number, recorded, counted.
fn redeem(base: &Connection, scan: &Scan) -> rusqlite::Result<Said> {
    let known: Option<String> = base
        .prepare_cached("SELECT verdict FROM scan WHERE nonce = ?1")?
        .query_row([&scan.nonce], |row| row.get(0))
        .optional()?;
    let ticket = base
        .prepare_cached("SELECT name, kind, seat, entered_at FROM ticket WHERE number = ?1")?
        .query_row([&scan.code], |row| {
            let person = Person { name: row.get(0)?, kind: row.get(1)?, seat: row.get(2)? };
            Ok((person, row.get::<_, Option<i64>>(3)?))
        })
        .optional()?;
    let (verdict, reason) = match (&known, &ticket) {
        (Some(verdict), _) if verdict == "admitted" => ("admitted", None),
        (Some(_), _) | (None, Some((_, Some(_)))) => ("refused", Some("already_in")),
        (None, None) => ("refused", Some("unknown")),
        (None, Some((_, None))) => ("admitted", None),
    };
    if known.is_none() {
        base.prepare_cached("INSERT INTO scan (nonce, number, at, verdict) VALUES (?1, ?2, unixepoch(), ?3)")?
            .execute(params![scan.nonce, scan.code, verdict])?;
        if verdict == "admitted" {
            base.prepare_cached("UPDATE ticket SET entered_at = unixepoch() WHERE number = ?1")?
                .execute([&scan.code])?;
            base.prepare_cached("UPDATE total SET admitted = admitted + 1")?.execute([])?;
        } else {
            base.prepare_cached("UPDATE total SET refused = refused + 1")?.execute([])?;
        }
    }
    let (admitted, refused) = base
        .prepare_cached("SELECT admitted, refused FROM total")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Said { verdict, reason, person: ticket.map(|(person, _)| person), admitted, refused })
}

type Waiting = (Scan, oneshot::Sender<Option<Said>>);

/// Most requests of one commit.
const TOGETHER: usize = 1_000;

/// Commits whatever waits together.
fn write(base: &mut Connection, asked: &Receiver<Waiting>) -> rusqlite::Result<()> {
    while let Ok(first) = asked.recv() {
        let mut waiting = vec![first];
        waiting.extend(asked.try_iter().take(TOGETHER - 1));
        let group = base.transaction()?;
        let said: Vec<Said> = waiting.iter().map(|(scan, _)| redeem(&group, scan)).collect::<Result<_, _>>()?;
        group.commit()?;
        for ((_, answer), said) in waiting.into_iter().zip(said) {
            // Whoever went away needs no answer.
            drop(answer.send(Some(said)));
        }
    }
    Ok(())
}

#[derive(Clone)]
enum Way {
    Each(Arc<Mutex<Connection>>),
    Group(Sender<Waiting>),
}

async fn answer(State(way): State<Way>, Json(scan): Json<Scan>) -> Result<Json<Said>, StatusCode> {
    let said = match way {
        Way::Each(base) => tokio::task::spawn_blocking(move || {
            let mut base = base.lock().unwrap_or_else(PoisonError::into_inner);
            let change = base.transaction().ok()?;
            let said = redeem(&change, &scan).ok()?;
            change.commit().ok()?;
            Some(said)
        })
        .await
        .ok()
        .flatten(),
        Way::Group(ask) => {
            let (tell, told) = oneshot::channel();
            ask.send((scan, tell)).ok();
            told.await.ok().flatten()
        }
    };
    said.map(Json).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Serves until it is killed; says where it listens.
pub async fn serve(plan: &Plan) -> Done<()> {
    let mut base = open(&plan.file)?;
    let way = if plan.group {
        let (ask, asked) = channel();
        std::thread::spawn(move || write(&mut base, &asked));
        Way::Group(ask)
    } else {
        Way::Each(Arc::new(Mutex::new(base)))
    };
    let router = Router::new()
        .route("/api/v1/checkin/redeem", post(answer))
        .route("/login", axum::routing::get(|| async { "ready" }))
        .with_state(way);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(format!("listening on http://{}", listener.local_addr()?));
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), router).await?;
    Ok(())
}
