//! The clock and the chance of the running box; the only place that asks the operating system for either.

use domain::Time;
use ring::rand::{SecureRandom, SystemRandom};
use service::{Clock, Random};

/// The clock of the operating system.
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Time {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Random bytes of the operating system.
pub struct SystemChance(SystemRandom);

impl SystemChance {
    /// A source.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Random for SystemChance {
    fn fill(&self, to: &mut [u8]) {
        if self.0.fill(to).is_err() {
            // Without randomness no secret can be made; going on would be worse than stopping.
            std::process::abort();
        }
    }
}
