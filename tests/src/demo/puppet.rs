//! A node of the smol runtime on an executor that we hold: it can be frozen, thawed and killed.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use async_executor::Executor;
use futures_lite::future::block_on;
use netkernel_blocking::shared::{Reply, reply};
use netkernel_smol::Task;

/// All tasks of one node, and the thread that runs them.
///
/// While it is **frozen** nobody runs them: as with a process that hangs or was sent SIGSTOP, the sockets stay open, the
/// operating system acknowledges what comes, and nobody reads or answers.
///
/// When it is dropped all tasks are, and with them the sockets. Nobody had a chance to say goodbye: as with SIGKILL.
pub(super) struct Puppet {
    executor: Arc<Executor<'static>>,
    running: Option<(Reply<()>, JoinHandle<()>)>,
}

impl Puppet {
    /// No tasks yet, and a thread for them.
    pub(super) fn new() -> io::Result<Self> {
        let mut puppet = Self { executor: Arc::new(Executor::new()), running: None };
        puppet.thaw()?;
        Ok(puppet)
    }

    /// Takes the tasks of the node. It does not keep the executor alive, which would then never be dropped.
    pub(super) fn spawner(&self) -> impl Fn(Task) + Send + Sync + 'static {
        let executor = Arc::downgrade(&self.executor);
        move |task| {
            if let Some(executor) = executor.upgrade() {
                executor.spawn(task).detach();
            }
        }
    }

    /// Lets no task run any more. Calls of the node hang from now on.
    pub(super) fn freeze(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            stop.send(());
            // A panic in there has been printed, and the node is missed.
            drop(thread.join());
        }
    }

    /// Lets the tasks run again.
    pub(super) fn thaw(&mut self) -> io::Result<()> {
        let executor = Arc::clone(&self.executor);
        let (stop, stopped) = reply();
        let run = move || _ = block_on(executor.run(stopped.wait()));
        self.running = Some((stop, thread::Builder::new().name("puppet".into()).spawn(run)?));
        Ok(())
    }

    pub(super) const fn is_frozen(&self) -> bool {
        self.running.is_none()
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.freeze();
    }
}
