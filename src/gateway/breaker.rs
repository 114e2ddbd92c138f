//! The circuit breaker: a base address that failed again and again is left alone for a while, so that nobody waits for it and it is not
//! run down while it recovers.

use domain::{
    Time,
    time::{MINUTE, SECOND},
};
use std::collections::HashMap;

/// Failures in a row that open it.
const FAILURES_MAX: u32 = 5;
/// How long it stays open at first; twice as long after each probe that failed.
const OPEN_MILLIS: i64 = 5 * SECOND;
/// The longest it stays open.
const OPEN_MAX: i64 = 5 * MINUTE;
/// While one call probes, others wait so long for what it finds.
const PROBE_MILLIS: i64 = 30 * SECOND;
/// The most bases that are remembered; beyond, those without failures are forgotten.
const BASES_MAX: usize = 2_000;

/// How one base behaved.
#[derive(Debug, Clone, Copy, Default)]
struct Circuit {
    failures: u32,
    closed_until: Option<Time>,
}

/// The circuits of all bases.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    circuits: HashMap<String, Circuit>,
}

impl Breaker {
    /// Whether a call may be made now; otherwise how many milliseconds to wait. After the pause one call goes through to probe.
    pub(crate) fn admit(&mut self, base: &str, now: Time) -> Result<(), i64> {
        let Some(circuit) = self.circuits.get_mut(base) else { return Ok(()) };
        let Some(until) = circuit.closed_until else { return Ok(()) };
        // A clock that was set back must not leave it open for ever.
        if now < until && until.since(now) <= OPEN_MAX {
            return Err(until.since(now));
        }
        circuit.closed_until = Some(now.plus(PROBE_MILLIS));
        Ok(())
    }

    /// The bases that are left alone just now.
    pub(crate) fn open(&self, now: Time) -> Vec<String> {
        let is_open = |circuit: &Circuit| {
            circuit.closed_until.is_some_and(|until| now < until && until.since(now) <= OPEN_MAX)
                && circuit.failures >= FAILURES_MAX
        };
        let mut open: Vec<String> =
            self.circuits.iter().filter(|(_, circuit)| is_open(circuit)).map(|(base, _)| base.clone()).collect();
        open.sort_unstable();
        open
    }

    /// Notes how a call went.
    pub(crate) fn note(&mut self, base: &str, well: bool, now: Time) {
        if well {
            self.circuits.remove(base);
            return;
        }
        if self.circuits.len() >= BASES_MAX {
            self.circuits.retain(|_, circuit| circuit.failures >= FAILURES_MAX);
            if self.circuits.len() >= BASES_MAX {
                self.circuits.clear();
            }
        }
        let circuit = self.circuits.entry(base.to_owned()).or_default();
        circuit.failures = circuit.failures.saturating_add(1);
        let beyond = circuit.failures.saturating_sub(FAILURES_MAX);
        if circuit.failures >= FAILURES_MAX {
            circuit.closed_until = Some(now.plus(OPEN_MILLIS.saturating_mul(1 << beyond.min(10)).min(OPEN_MAX)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_that_fails_is_left_alone_probed_by_one_call_and_taken_back_when_it_answers() {
        let mut breaker = Breaker::default();
        let mut now = Time(0);
        for _ in 0..FAILURES_MAX {
            assert!(breaker.admit("a", now).is_ok());
            breaker.note("a", false, now);
        }
        assert_eq!(breaker.admit("a", now), Err(OPEN_MILLIS));
        assert_eq!(breaker.open(now), ["a"]);
        assert!(breaker.open(now.plus(OPEN_MILLIS)).is_empty(), "nothing is left alone that is tried again");
        assert!(breaker.admit("b", now).is_ok(), "another base is its own matter");
        now = now.plus(OPEN_MILLIS);
        assert!(breaker.admit("a", now).is_ok(), "one probes");
        assert_eq!(breaker.admit("a", now), Err(PROBE_MILLIS), "the others wait for it");
        breaker.note("a", false, now);
        assert_eq!(breaker.admit("a", now), Err(2 * OPEN_MILLIS), "twice as long");
        now = now.plus(2 * OPEN_MILLIS);
        assert!(breaker.admit("a", now).is_ok());
        breaker.note("a", true, now);
        assert!(breaker.admit("a", now).is_ok() && breaker.admit("a", now).is_ok(), "it answers again");
    }

    #[test]
    fn an_hour_of_failures_costs_few_calls_and_a_clock_set_back_none() {
        let mut breaker = Breaker::default();
        let mut calls = 0;
        for second in 0..3_600 {
            let now = Time(second * SECOND);
            if breaker.admit("a", now).is_ok() {
                calls += 1;
                breaker.note("a", false, now);
            }
        }
        assert!((10..=25).contains(&calls), "{calls} calls");
        assert!(breaker.admit("a", Time(-100 * MINUTE)).is_ok());
        for base in 0..10_000 {
            breaker.note(&base.to_string(), false, Time(0));
        }
        assert!(breaker.circuits.len() <= BASES_MAX);
    }
}
