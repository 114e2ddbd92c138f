//! Slow-down after failures, by key (a login name, an address, a phone number). Kept in memory and bounded: what
//! is forgotten on a restart is a delay, never a right.

use domain::{Refusal, Time, account::wait_after, refuse, time::MINUTE};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Clone, Copy)]
struct Tries {
    failures: u32,
    last: Time,
}

/// Failures per key; forgotten after half an hour without one.
#[derive(Debug, Default)]
pub struct Limiter {
    tries: Mutex<HashMap<String, Tries>>,
}

/// How long a failure counts.
const MEMORY_MILLIS: i64 = 30 * MINUTE;
/// The most keys that are remembered; beyond, the stalest half is dropped.
const KEYS_MAX: usize = 20_000;

impl Limiter {
    /// Whether another attempt may be made under all of `keys` now.
    pub fn check(&self, keys: &[String], now: Time) -> Result<(), Refusal> {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys
            .iter()
            .filter_map(|key| tries.get(key))
            .map(|tries| wait_after(tries.failures) - now.since(tries.last))
            .max()
            .unwrap_or(0);
        if wait <= 0 {
            return Ok(());
        }
        let seconds = (wait + 999) / 1000;
        Err(refuse!(
            Slow,
            "attempt.too_many",
            "Too many failed attempts. Try again in {seconds} seconds.",
            seconds = seconds
        ))
    }

    /// Notes a failed attempt under each of `keys`.
    pub fn fail(&self, keys: &[String], now: Time) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() + keys.len() > KEYS_MAX {
            shrink(&mut tries, now);
        }
        for key in keys {
            let entry = tries.entry(key.clone()).or_insert(Tries { failures: 0, last: now });
            if now.since(entry.last) > MEMORY_MILLIS {
                entry.failures = 0;
            }
            entry.failures = entry.failures.saturating_add(1);
            entry.last = now;
        }
    }

    /// Forgets the failures of a key after a success.
    pub fn clear(&self, key: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn shrink(tries: &mut HashMap<String, Tries>, now: Time) {
    tries.retain(|_, tries| now.since(tries.last) <= MEMORY_MILLIS);
    if tries.len() < KEYS_MAX {
        return;
    }
    let mut ages: Vec<Time> = tries.values().map(|tries| tries.last).collect();
    ages.sort_unstable();
    let cut = ages.get(ages.len() / 2).copied().unwrap_or(now);
    tries.retain(|_, tries| tries.last > cut);
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::SECOND;

    #[test]
    fn failures_slow_down_only_their_own_key() {
        let limiter = Limiter::default();
        let (mine, yours) = (["mine".to_owned()], ["yours".to_owned()]);
        for _ in 0..5 {
            limiter.check(&mine, Time(0)).unwrap();
            limiter.fail(&mine, Time(0));
        }
        assert_eq!(limiter.check(&mine, Time(0)).unwrap_err().code, "attempt.too_many");
        limiter.check(&yours, Time(0)).unwrap();
        limiter.check(&mine, Time(SECOND)).unwrap();
        limiter.fail(&mine, Time(SECOND));
        assert!(limiter.check(&mine, Time(2 * SECOND)).is_err());
        limiter.clear("mine");
        limiter.check(&mine, Time(2 * SECOND)).unwrap();
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::default();
        for n in 0..50_000i64 {
            limiter.fail(&[n.to_string()], Time(n));
        }
        assert!(limiter.tries.lock().unwrap().len() <= KEYS_MAX);
    }
}
