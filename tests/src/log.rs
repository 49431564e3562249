//! What a node has said so far, and waiting for more.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Filled by the threads that read from the node, read by the test.
#[derive(Debug, Default)]
pub(crate) struct Log {
    said: Mutex<Said>,
    more: Condvar,
}

/// What was said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Lines on standard output and standard error.
    pub(crate) output: Vec<String>,
    /// Terms that came to the witness.
    pub(crate) events: Vec<String>,
    /// How many of them the test has waited for or passed over.
    pub(crate) passed: usize,
    /// Answers that nobody has fetched yet.
    pub(crate) replies: BTreeMap<u64, Result<String, String>>,
    /// The process id in the witness's first packet.
    pub(crate) ready: Option<u32>,
    /// The witness's connection has ended.
    pub(crate) ended: bool,
}

impl Log {
    /// Adds something and wakes who waits.
    pub(crate) fn add(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.lock());
        self.more.notify_all();
    }

    /// The lock; a test that panicked with it has left nothing half done.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` finds what it is after.
    ///
    /// # Errors
    /// The time is over, or the node has ended: all that was said, as a text that begins with `what`.
    pub(crate) fn wait<T>(
        &self,
        what: &str,
        give_up: Duration,
        mut look: impl FnMut(&mut Said) -> Option<T>,
    ) -> Result<T, String> {
        let begin = Instant::now();
        let mut said = self.lock();
        loop {
            if let Some(found) = look(&mut said) {
                return Ok(found);
            }
            let left = give_up.saturating_sub(begin.elapsed());
            if said.ended || left.is_zero() {
                let why = if said.ended { "the node has ended" } else { "gave up" };
                return Err(format!("{what}: {why} after {:.1?}\n{said}", begin.elapsed()));
            }
            said = self.more.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl core::fmt::Display for Said {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "  events:")?;
        for (at, event) in self.events.iter().enumerate() {
            let passed = if at < self.passed { " (passed)" } else { "" };
            write!(f, "\n    {event}{passed}")?;
        }
        write!(f, "\n  output:")?;
        self.output.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}
