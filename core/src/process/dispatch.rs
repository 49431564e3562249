//! Processes whose messages are handled by processes of their own, each by another one.

use alloc::vec::Vec;
use bytes::Bytes;

use super::crash::DIST_SPAWN_INIT;
use super::{Deliver, Function, NoProcess, Processes};
use crate::ids::MailboxId;
use crate::term::write;

impl Processes {
    /// Has each message for this process handled by a new process, which calls this function, of one argument, with it. It has to
    /// be served ([`Self::serve_function`]). No exit signal ends such a process, and it needs nobody who empties its mailbox: nothing comes there as long as it has no alias and monitors nothing.
    ///
    /// # Errors
    /// [`NoProcess`].
    //= docs/spec/process.md#process-dispatch
    pub fn dispatch(&mut self, of: MailboxId, function: Function) -> Result<(), NoProcess> {
        let function = (function.module, function.function);
        self.table.get_mut(&of).ok_or(NoProcess)?.dispatch = Some(function);
        Ok(())
    }

    /// Hands a message over to a process of this node, whoever sent it: by [`Deliver::message`], or to a new process.
    pub fn hand_over(&mut self, to: MailboxId, message: Bytes, deliver: &mut impl Deliver) {
        let Some(process) = self.table.get(&to) else { return };
        let Some(function) = process.dispatch.clone() else {
            return deliver.message(to, message);
        };
        let mut arguments = Vec::with_capacity(message.len() + 8);
        write::list(&mut arguments, 1);
        arguments.extend_from_slice(message.get(1..).unwrap_or_default());
        write::nil(&mut arguments);
        let child = self.spawn_mailbox();
        self.begin(child, function, arguments.into(), DIST_SPAWN_INIT, deliver);
    }
}
