//! How often a client may ask: a bucket of tokens per client, in memory and bounded. What is forgotten on a restart is a delay, never a
//! right. The clock is the context's, which is why no ready-made limiter fits.

use domain::{Refusal, Time, refuse, time::MINUTE};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

/// A rate: so many at once, so many a minute in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// A minute; 0 for as many as come.
    pub minute: u32,
}

/// Tokens are counted in units of which one request takes so many, so that no fraction is lost.
const UNIT: i64 = MINUTE;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    units: i64,
    at: Time,
}

/// Buckets by client, in parts so that requests do not wait for each other.
#[derive(Debug)]
pub struct Rates {
    parts: Vec<Mutex<HashMap<u64, Bucket>>>,
    hasher: RandomState,
}

const PARTS: usize = 16;
/// The most clients of one part; beyond, full buckets are dropped, and then all.
const CLIENTS_MAX: usize = 8_000;

impl Default for Rates {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Rates {
    /// Takes one token of the client's bucket; refuses when there is none, with how many seconds until there is.
    pub fn take(&self, client: &impl Hash, rate: Rate, now: Time) -> Result<(), (Refusal, i64)> {
        if rate.minute == 0 {
            return Ok(());
        }
        let key = self.hasher.hash_one(client);
        let part = usize::try_from(key % PARTS as u64).unwrap_or(0);
        let Some(part) = self.parts.get(part) else { return Ok(()) };
        let full = i64::from(rate.burst.max(1)) * UNIT;
        let mut buckets = part.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CLIENTS_MAX && !buckets.contains_key(&key) {
            // A bucket that was not used for a minute is as good as full for all rates in use.
            buckets.retain(|_, bucket| now.since(bucket.at) < MINUTE);
            if buckets.len() >= CLIENTS_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { units: full, at: now });
        let grown = now.since(bucket.at).clamp(0, 60 * MINUTE).saturating_mul(i64::from(rate.minute));
        *bucket = Bucket { units: bucket.units.saturating_add(grown).min(full), at: bucket.at.max(now) };
        if bucket.units >= UNIT {
            bucket.units -= UNIT;
            return Ok(());
        }
        let minute = i64::from(rate.minute.max(1));
        let millis = (UNIT - bucket.units + minute - 1) / minute;
        let seconds = (millis + 999) / 1_000;
        let refusal =
            refuse!(Slow, "rate.exceeded", "Too many requests. Try again in {seconds} seconds.", seconds = seconds);
        Err((refusal, seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate() {
        let rates = Rates::default();
        let rate = Rate { burst: 3, minute: 60 };
        let take = |client: &str, at: i64| rates.take(&client, rate, Time(at)).map_err(|(_, seconds)| seconds);
        for _ in 0..3 {
            take("a", 0).unwrap();
        }
        assert_eq!(take("a", 0), Err(1));
        assert_eq!(take("b", 0), Ok(()), "another client has a bucket of its own");
        assert_eq!(take("a", 999), Err(1));
        assert_eq!(take("a", 1_000), Ok(()));
        assert_eq!(take("a", 1_000), Err(1));
        assert_eq!(take("a", 500), Err(1), "a clock that goes back gives nothing");
        assert!((0..3).all(|_| take("a", 60_000).is_ok()) && take("a", 60_000).is_err(), "and no more than a burst");
        assert!((0..1_000).all(|_| rates.take(&"c", Rate { burst: 0, minute: 0 }, Time(0)).is_ok()));
    }

    #[test]
    fn clients_are_bounded() {
        let rates = Rates::default();
        for client in 0..400_000u64 {
            drop(rates.take(&client, Rate { burst: 1, minute: 1 }, Time(0)));
        }
        assert!(rates.parts.iter().all(|part| part.lock().unwrap().len() <= CLIENTS_MAX));
    }
}
