//! How much work a search may do. Every list that is opened and every entry that is passed costs steps, whatever was typed, so no query is
//! slow by what it asks; what ends for want of steps says that there is more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Steps that are left. Clones share them: a search hands them down to all it opens.
#[derive(Debug, Clone)]
pub(crate) struct Steps(Arc<AtomicU32>);

impl Steps {
    /// So many.
    pub fn new(steps: u32) -> Self {
        Self(Arc::new(AtomicU32::new(steps)))
    }

    /// Takes some; false when there are not as many left, and then none are.
    #[inline]
    pub fn take(&self, steps: u32) -> bool {
        // One search is one thread: nobody else takes between these two.
        let left = self.0.load(Ordering::Relaxed).saturating_sub(steps);
        self.0.store(left, Ordering::Relaxed);
        left > 0
    }

    /// Whether there are none left.
    #[inline]
    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_shared_and_do_not_come_back() {
        let steps = Steps::new(10);
        let other = steps.clone();
        assert!(steps.take(4) && other.take(5) && !steps.is_spent());
        assert!(!other.take(3) && steps.is_spent() && !steps.take(0));
    }
}
