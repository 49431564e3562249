//! The functions that other nodes can start processes with.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

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

impl NewProcess {
    /// The arguments of the call, or why the process ends instead.
    ///
    /// # Errors
    /// The reason, without version byte.
    pub fn arguments(&self) -> Result<Vec<Term>, Bytes> {
        self.mfa.arguments(&Limits::default()).map_err(|_| TOO_LARGE)
    }
}

/// Has a thread or a task run a process; `false` if that cannot be. It must not block. What it runs keeps the [`Slot`] to its end.
pub type Starter = Arc<dyn Fn(NewProcess, Slot) -> bool + Send + Sync>;

/// How each function is run.
#[derive(Default)]
pub(super) struct Functions {
    starters: Mutex<BTreeMap<Function, Starter>>,
    running: Arc<AtomicUsize>,
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
        f.debug_set().entries(lock(&self.starters).keys()).finish()
    }
}

impl Functions {
    /// Whoever runs these must not hold a node any more: that is gone.
    pub(super) fn clear(&self) {
        let functions = core::mem::take(&mut *lock(&self.starters));
        drop(functions);
    }
}

impl Table {
    /// Has processes that are spawned with this function started so; `false` if another way was there, which is no more.
    pub fn serve_function(&self, function: Function, starter: Starter) -> bool {
        // The way first: the processes hand out what they know.
        let before = lock(&self.functions.starters).insert(function.clone(), starter);
        lock(&self.state).processes.serve_function(function);
        before.is_none()
    }

    /// Starts no more processes with this function; `false` if it was not served.
    pub fn unserve_function(&self, function: &Function) -> bool {
        lock(&self.state).processes.unserve_function(function);
        let before = lock(&self.functions.starters).remove(function);
        before.is_some()
    }

    /// Has new processes run. No lock may be held.
    pub(super) fn start(&self, started: Vec<NewProcess>) {
        for process in started {
            let id = process.id;
            let Functions { starters, running } = &self.functions;
            let starter = lock(starters).get(process.mfa.function()).map(Arc::clone);
            let slot = Slot::take(running, self.limits.spawned);
            if !starter.zip(slot).is_some_and(|(starter, slot)| starter(process, slot)) {
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
