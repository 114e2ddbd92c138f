//! The one owner of access tokens and tickets: kept on disk by whoever holds the shelf, refreshed under a lock, and given up only when they
//! were refused. A second process with the same secret would fight over them; so there is none.

use super::Fault;
use crate::Tools;
use domain::{Time, time::SECOND};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// A token or ticket with its end.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What is sent.
    pub value: String,
    /// When it ends by the box's clock.
    pub ends: Time,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(until {})", self.ends.0)
    }
}

/// What a shelf answers later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where tokens are kept over restarts. The names of slots are not secret; values are.
pub trait Shelf: Send + Sync {
    /// What is kept in a slot.
    fn look(&self, slot: &str) -> Result<Option<Token>, String>;
    /// Keeps a token, on disk when it answers.
    fn keep<'a>(&'a self, slot: &'a str, token: Token) -> Later<'a, Result<(), String>>;
}

/// So long before its end a token is not used any more.
const MARGIN: i64 = 300 * SECOND;

/// Who fetches which token at the moment. One for a shelf, shared by all that use it.
#[derive(Default)]
pub struct Locks(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The owner of what lies on a shelf.
pub struct Tokens {
    shelf: Arc<dyn Shelf>,
    tools: Tools,
    locks: Arc<Locks>,
}

/// How a new token is to be got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The one that is valid now.
    Current,
    /// Another one: the valid one was refused.
    Fresh,
}

impl Tokens {
    /// The owner of what lies on a shelf; `locks` are the shelf's.
    pub fn new(shelf: Arc<dyn Shelf>, tools: Tools, locks: Arc<Locks>) -> Self {
        Self { shelf, tools, locks }
    }

    fn lock(&self, slot: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(slot.to_owned()).or_default().clone()
    }

    /// What is kept, when it can still be used and is not the one that was refused.
    fn usable(&self, slot: &str, refused: Option<&str>) -> Result<Option<String>, Fault> {
        let kept = self.shelf.look(slot).map_err(Fault::Kept)?;
        let now = (self.tools.now)();
        let kept = kept.filter(|token| token.ends.since(now) > MARGIN && refused != Some(token.value.as_str()));
        Ok(kept.map(|token| token.value))
    }

    /// The slot's token, fetched when there is none, when it ends soon, or when `refused` names the kept one. `fetch` answers value and seconds.
    pub async fn get<F, T>(&self, slot: &str, refused: Option<&str>, fetch: F) -> Result<String, Fault>
    where
        F: Fn(How) -> T,
        T: Future<Output = Result<(String, i64), Fault>>,
    {
        if let Some(value) = self.usable(slot, refused)? {
            return Ok(value);
        }
        let lock = self.lock(slot);
        let _held = lock.lock().await;
        // Whoever held the lock before may have fetched it.
        if let Some(value) = self.usable(slot, refused)? {
            return Ok(value);
        }
        let (mut value, mut seconds) = fetch(How::Current).await?;
        if refused == Some(value.as_str()) {
            (value, seconds) = fetch(How::Fresh).await?;
        }
        let token = Token { value: value.clone(), ends: (self.tools.now)().plus(seconds.clamp(0, 86_400) * SECOND) };
        self.shelf.keep(slot, token).await.map_err(Fault::Kept)?;
        Ok(value)
    }
}

/// A shelf in memory, for tests and for what is not to be kept.
#[derive(Default)]
pub struct InMemory(Mutex<HashMap<String, Token>>);

impl Shelf for InMemory {
    fn look(&self, slot: &str) -> Result<Option<Token>, String> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(slot).cloned())
    }

    fn keep<'a>(&'a self, slot: &'a str, token: Token) -> Later<'a, Result<(), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(slot.to_owned(), token);
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    fn owner() -> (Tokens, Arc<AtomicI64>) {
        let clock = Arc::new(AtomicI64::new(1_000_000));
        let hands = clock.clone();
        let tools = Tools { now: Arc::new(move || Time(hands.load(Ordering::SeqCst))), chance: Arc::new(|| 0) };
        (Tokens::new(Arc::new(InMemory::default()), tools, Arc::default()), clock)
    }

    #[tokio::test]
    async fn many_who_ask_at_once_fetch_one_token() {
        let (tokens, clock) = owner();
        let fetched = AtomicUsize::new(0);
        let fetch = |how| {
            let count = fetched.fetch_add(1, Ordering::SeqCst);
            assert_eq!(how, How::Current);
            async move {
                tokio::task::yield_now().await;
                Ok((format!("t{count}"), 7_200))
            }
        };
        let all = futures_util::future::join_all((0..20).map(|_| tokens.get("a", None, fetch))).await;
        assert!(all.iter().all(|token| token.as_ref().unwrap() == "t0"));
        clock.fetch_add((7_200 - 301) * SECOND, Ordering::SeqCst);
        assert_eq!(tokens.get("a", None, fetch).await.unwrap(), "t0");
        clock.fetch_add(2 * SECOND, Ordering::SeqCst);
        assert_eq!(tokens.get("a", None, fetch).await.unwrap(), "t1", "not in its last five minutes");
        assert_eq!(tokens.get("b", None, fetch).await.unwrap(), "t2", "a slot of its own");
    }

    #[tokio::test]
    async fn a_refused_token_is_replaced_once_however_many_were_refused() {
        let (tokens, _clock) = owner();
        let fresh = AtomicUsize::new(0);
        let fetch = |how| {
            let count =
                if how == How::Fresh { fresh.fetch_add(1, Ordering::SeqCst) + 1 } else { fresh.load(Ordering::SeqCst) };
            async move { Ok((format!("t{count}"), 7_200)) }
        };
        assert_eq!(tokens.get("a", None, fetch).await.unwrap(), "t0");
        let all = futures_util::future::join_all((0..10).map(|_| tokens.get("a", Some("t0"), fetch))).await;
        assert!(all.iter().all(|token| token.as_ref().unwrap() == "t1"));
        assert_eq!(fresh.load(Ordering::SeqCst), 1);
        let failed =
            tokens.get("c", None, |_| async { Err::<(String, i64), _>(Fault::answer(40125, "bad secret")) }).await;
        assert_eq!(failed.unwrap_err().code(), Some(40125));
    }
}
