//! The functions that other nodes can start processes with.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use netkernel_core::MailboxId;
use netkernel_core::process::{Function, Mfa};
use netkernel_core::term::{Limits, Term};

use super::{Queue, Table, lock};

/// The reason of a process whose arguments are larger than terms may be.
const TOO_LARGE: Bytes = Bytes::from_static(b"w\x1dargument_list_decode_failure");

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

/// Has a thread or a task run a process; `false` if that cannot be. It must not block.
pub type Starter = Arc<dyn Fn(NewProcess) -> bool + Send + Sync>;

/// How each function is run.
#[derive(Default)]
pub(super) struct Functions(Mutex<BTreeMap<Function, Starter>>);

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.0).keys()).finish()
    }
}

impl Functions {
    /// Whoever runs these must not hold a node any more: that is gone.
    pub(super) fn clear(&self) {
        let functions = core::mem::take(&mut *lock(&self.0));
        drop(functions);
    }
}

impl Table {
    /// Has processes that are spawned with this function started so; `false` if another way was there, which is no more.
    pub fn serve_function(&self, function: Function, starter: Starter) -> bool {
        // The way first: the processes hand out what they know.
        let before = lock(&self.functions.0).insert(function.clone(), starter);
        lock(&self.state).processes.serve_function(function);
        before.is_none()
    }

    /// Starts no more processes with this function; `false` if it was not served.
    pub fn unserve_function(&self, function: &Function) -> bool {
        lock(&self.state).processes.unserve_function(function);
        let before = lock(&self.functions.0).remove(function);
        before.is_some()
    }

    /// Has new processes run. No lock may be held.
    pub(super) fn start(&self, started: Vec<NewProcess>) {
        for process in started {
            let id = process.id;
            let starter = lock(&self.functions.0).get(process.mfa.function()).map(Arc::clone);
            if !starter.is_some_and(|starter| starter(process)) {
                lock(&self.state).mailboxes.remove(&id);
                self.act(|processes, deliver| processes.not_started(id, deliver));
            }
        }
    }
}
