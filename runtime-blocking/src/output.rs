//! What other nodes write to processes of this one.

use std::time::Instant as Moment;

use bytes::Bytes;
use netkernel_core::NodeName;
use netkernel_core::calls::io::Apply;
use netkernel_core::process::ProcessEvent;
use netkernel_core::term::Pid;

use crate::item::Item;
use crate::mailbox::Mailbox;
use crate::shared::{ErpcRequest, Leader, Output, Writers};

impl Mailbox {
    /// Is a group leader until this process ends: answers what others ask a group leader for (`io:format/1,2`, `io:put_chars/1` and their kin), and gives what
    /// they write to `output`, in the order in which it comes from each node. Who reads is told that there is no input (`eof`). Other messages and items are dropped.
    ///
    /// While it runs it keeps the node from stopping by itself.
    ///
    /// Who writes waits for it. Erlang's `io:format` asks the group leader to call `io_lib:format/2`: this process has the asking node call that, and what comes from that node
    /// meanwhile, and from no other, waits behind it: up to 8 MiB, then who writes is told an error. After 5 seconds the asking one is told an error, and at once if there is no link with its node or that has too much to read already. No link is made, and nobody waits for
    /// a node to read its answers.
    ///
    /// A process that is registered as `user` is the group leader of all processes of this node that have no other. One that is registered as `logger_proxy` gets what the
    /// loggers of other nodes send to this one: how processes ended there that this node had spawned.
    pub fn serve_output(self, mut output: impl FnMut(Output)) {
        let mut writers = Writers::new(self.handle.term_limits);
        loop {
            match self.queue.receive_blocking(writers.deadline()) {
                Some(Item::Process(ProcessEvent::Ended { .. })) => return,
                Some(item) => writers.take(item, &self, &mut output),
                None => {}
            }
            writers.go_on(Moment::now(), &self, &mut output);
        }
    }
}

impl Leader for Mailbox {
    fn ask(&self, node: &NodeName, apply: &Apply) -> Option<ErpcRequest> {
        if !self.handle.table.is_free(node.as_atom()) {
            return None;
        }
        let Apply { module, function, arguments } = apply;
        self.erpc_send_noconnect(node, module, function, arguments).ok()
    }

    fn void(&self, request: &ErpcRequest) -> Option<Item> {
        Self::void(self, request.reference())
    }

    fn reply(&self, to: &Pid, reply: Bytes) {
        self.handle.table.answer(self.id, to, reply);
    }
}
