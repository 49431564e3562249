//! What other nodes write to processes of this one.

use core::time::Duration;
use std::sync::Arc;

use futures_lite::future;
use netkernel_blocking::{Item, Output};
use netkernel_core::calls::io::{Apply, Message, Request, Step};
use netkernel_core::process::ProcessEvent;
use netkernel_core::{NodeName, term::Term};

use crate::mailbox::Mailbox;

/// How long the asking node may take to make a text.
const TEXT_LIMIT: Duration = Duration::from_secs(5);

impl Mailbox {
    /// Is a group leader until this process ends: answers what others ask a group leader for (`io:format/1,2`, `io:put_chars/1` and their kin), and gives what
    /// they write to `output`, in the order in which it comes. Who reads is told that there is no input (`eof`). Other messages and items are dropped.
    ///
    /// While it runs it keeps the node from stopping by itself.
    ///
    /// Who writes waits for it. Erlang's `io:format` asks the group leader to call `io_lib:format/2`: this process has the asking node call that, and takes no other request
    /// meanwhile; after 5 seconds the asking one is told an error, and at once if there is no link with its node or that has too much to read already. No link is made, and nobody waits for
    /// a node to read its answers.
    ///
    /// A process that is registered as `user` is the group leader of all processes of this node that have no other. One that is registered as `logger_proxy` gets what the
    /// loggers of other nodes send to this one: how processes ended there that this node had spawned.
    pub async fn serve_output(self, mut output: impl FnMut(Output)) {
        // Which the items of this one do not stand in the way of.
        let caller = Self::new(Arc::clone(&self.handle), self.spawner.clone());
        loop {
            let item = self.recv().await;
            if let Item::Process(ProcessEvent::Ended { .. }) = item {
                return;
            }
            let Item::Message(message) = item else { continue };
            match Message::parse(&message, &self.handle.term_limits) {
                Ok(Message::Request(request)) => {
                    self.carry_out(request, &caller, &mut output).await
                }
                Ok(Message::Log(log)) => output(Output::Log(log)),
                Ok(Message::Other(_)) | Err(_) => {}
            }
            // Whoever writes without end leaves others of this thread their turn.
            future::yield_now().await;
        }
    }

    async fn carry_out(
        &self,
        mut request: Request,
        caller: &Self,
        output: &mut impl FnMut(Output),
    ) {
        let from = request.from().clone();
        loop {
            let text = match request.step() {
                Step::Write(text) => Some(text),
                Step::Apply(apply) => {
                    let value = caller.apply_there(&from.node, &apply).await;
                    value.and_then(|value| request.applied(&value))
                }
                Step::Reply(reply) => {
                    self.handle.table.answer(self.id, &from, reply);
                    return;
                }
            };
            if let Some(text) = text {
                output(Output::Text { from: from.clone(), text });
            }
        }
    }

    async fn apply_there(&self, node: &str, apply: &Apply) -> Option<Term> {
        let node = NodeName::new(node).ok()?;
        if !self.handle.table.is_free(node.as_atom()) {
            return None;
        }
        let Apply { module, function, arguments } = apply;
        let request = self.erpc_send_noconnect(&node, module, function, arguments).ok()?;
        self.erpc_receive_response(request, Some(TEXT_LIMIT)).await.ok()
    }
}
