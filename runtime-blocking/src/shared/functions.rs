//! The functions that other nodes can start processes with.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use netkernel_core::MailboxId;
use netkernel_core::process::{Function, Mfa};
use netkernel_core::term::{Limits, Term};

use super::{Queue, Table, lock};

/// The reason of a process whose arguments are larger than terms may be.
const TOO_LARGE: Bytes = Bytes::from_static(b"w\x1cargument_list_decode_failure");

/// A new process that does not yet run.
#[derive(Debug)]
pub struct NewProcess {
    /// Its mailbox.
    pub id: MailboxId,
    /// What waits there.
    pub queue: Arc<Queue>,
    /// What it is to call.
    pub mfa: Mfa,
}

/// The arguments of a call, or why the process ends instead.
///
/// # Errors
/// The reason, without version byte.
pub fn arguments(mfa: &Mfa, limits: &Limits) -> Result<Vec<Term>, Bytes> {
    mfa.arguments(limits).map_err(|_| TOO_LARGE)
}

/// Has a thread or a task run a process; `false` if that cannot be. It must not block. What it runs keeps the [`Slot`] to its end.
pub type Starter = Arc<dyn Fn(NewProcess, Slot) -> bool + Send + Sync>;

/// How each function is run.
#[derive(Default)]
pub(super) struct Functions {
    starters: BTreeMap<Function, Starter>,
    running: Arc<AtomicUsize>,
    limit: usize,
}

/// A new process, and how it is run.
pub(super) struct Start {
    process: NewProcess,
    /// `None`: it cannot be.
    by: Option<(Starter, Slot)>,
}

/// One of the threads or tasks that may run processes. A process may end long before its handler is through, so these are bounded
/// by themselves.
#[derive(Debug)]
pub struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(running: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let more = |count: usize| (count < limit).then_some(count + 1);
        running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(Arc::clone(running)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.starters.keys()).finish()
    }
}

impl Functions {
    /// None yet. So many handlers may run at a time.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// How to run a new process.
    pub(super) fn start(&self, id: MailboxId, queue: Arc<Queue>, mfa: Mfa) -> Start {
        let starter = self.starters.get(mfa.function()).map(Arc::clone);
        let by = starter.zip(Slot::take(&self.running, self.limit));
        Start { process: NewProcess { id, queue, mfa }, by }
    }

    /// Serves none any more. What is given back is to be dropped without a lock: it may hold anything.
    pub(super) fn take(&mut self) -> BTreeMap<Function, Starter> {
        core::mem::take(&mut self.starters)
    }
}

impl Table {
    /// Has processes that are spawned with this function started so; `false` if another way was there, which is no more.
    pub fn serve_function(&self, function: Function, starter: Starter) -> bool {
        let mut state = lock(&self.state);
        state.processes.serve_function(function.clone());
        let before = state.functions.starters.insert(function, starter);
        drop(state);
        before.is_none()
    }

    /// Starts no more processes with this function; `false` if it was not served.
    pub fn unserve_function(&self, function: &Function) -> bool {
        let mut state = lock(&self.state);
        state.processes.unserve_function(function);
        let before = state.functions.starters.remove(function);
        drop(state);
        before.is_some()
    }

    /// Has new processes run. No lock may be held.
    pub(super) fn start(&self, started: Vec<Start>) {
        for Start { process, by } in started {
            let id = process.id;
            if !by.is_some_and(|(starter, slot)| starter(process, slot)) {
                lock(&self.state).mailboxes.remove(&id);
                self.act(|processes, deliver| processes.not_started(id, deliver));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_for_arguments_that_are_too_large_is_a_term() {
        let reason = Term::decode(&[b"\x83", &TOO_LARGE[..]].concat(), &Limits::default());
        assert_eq!(reason.unwrap().to_string(), "argument_list_decode_failure");
    }

    //= docs/spec/process.md#process-spawn-limits
    //= type=test
    #[test]
    fn so_many_handlers_run_at_a_time() {
        let running = Arc::default();
        let first = Slot::take(&running, 2).unwrap();
        let _second = Slot::take(&running, 2).unwrap();
        assert!(Slot::take(&running, 2).is_none());
        drop(first);
        assert!(Slot::take(&running, 2).is_some());
    }
}
