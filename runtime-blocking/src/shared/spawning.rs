//! Requests to spawn, and who waits for their answers.

use bytes::Bytes;
use netkernel_core::process::Spawning;
use netkernel_core::term::{Pid, Reference};
use netkernel_core::{MailboxId, NodeName};

use super::items::SpawnAnswer;
use super::processes::ended;
use super::{Queue, Table, lock};
use crate::item::{SendError, SpawnError};

/// The reason of a process that nobody wants any more, as of one whose request was abandoned.
const ABANDONED: Bytes = Bytes::from_static(b"w\x09abandoned");

impl Table {
    /// `erlang:spawn_request/5`. The way to the other node was looked for before.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn spawn_request(
        &self,
        by: MailboxId,
        node: &NodeName,
        spawning: Spawning,
    ) -> Result<Reference, SendError> {
        self.act(|processes, deliver| processes.spawn_request(by, node, spawning, deliver))
            .map_err(ended)
    }

    /// `erlang:spawn_request_abandon/1`.
    pub fn spawn_request_abandon(&self, by: MailboxId, request: &Reference) -> bool {
        lock(&self.state).processes.spawn_request_abandon(by, request)
    }
}

/// A request to spawn whose answer is for the caller, and no item of its mailbox. Who stops waiting takes it back.
#[derive(Debug)]
pub struct SpawnCall<'a> {
    table: &'a Table,
    by: MailboxId,
    queue: &'a Queue,
    link: bool,
    request: Reference,
    waits: bool,
}

impl<'a> SpawnCall<'a> {
    /// Asks. The way to the other node was looked for before.
    ///
    /// # Errors
    /// [`SendError::Ended`].
    pub fn begin(
        table: &'a Table,
        (by, queue): (MailboxId, &'a Queue),
        node: &NodeName,
        spawning: Spawning,
    ) -> Result<Self, SendError> {
        let link = spawning.links();
        let request = table.act(|processes, deliver| {
            let request = processes.make_ref(by)?;
            // Before anything can answer.
            queue.await_answer(&request);
            processes.spawn_request_as(by, node, &request, spawning, deliver)?;
            Ok(request)
        });
        let request = request.map_err(ended)?;
        Ok(Self { table, by, queue, link, request, waits: true })
    }

    /// Blocks until the answer: the pid, and the reference of the monitor if one was asked for.
    ///
    /// # Errors
    /// [`SpawnError`].
    pub fn wait_blocking(self) -> Result<(Pid, Reference), SpawnError> {
        let answer = self.queue.answer_blocking(&self.request);
        self.answered(answer)
    }

    /// Waits for the answer: the pid, and the reference of the monitor if one was asked for.
    ///
    /// # Errors
    /// [`SpawnError`].
    pub async fn wait(self) -> Result<(Pid, Reference), SpawnError> {
        let answer = self.queue.answer(&self.request).await;
        self.answered(answer)
    }

    fn answered(mut self, answer: Option<SpawnAnswer>) -> Result<(Pid, Reference), SpawnError> {
        self.waits = false;
        let pid = answer.ok_or(SendError::Ended)?.map_err(SpawnError::Failed)?;
        Ok((pid, self.request.clone()))
    }
}

impl Drop for SpawnCall<'_> {
    /// Takes back what nobody waits for: the request, or the process if that is there already.
    //= docs/spec/process.md#process-spawn-abandon
    fn drop(&mut self) {
        if !self.waits {
            return;
        }
        let Self { by, queue, request, .. } = &*self;
        self.table.act(|processes, deliver| {
            processes.spawn_request_abandon(*by, request);
            if let Some(Ok(pid)) = queue.forget_answer(request) {
                processes.demonitor(*by, request, deliver);
                processes.unalias(*by, request);
                if self.link {
                    let _ = processes.unlink(*by, &pid, deliver);
                    let _ = processes.exit(*by, &pid, ABANDONED, deliver);
                }
            }
        });
        queue.flush(request);
    }
}
