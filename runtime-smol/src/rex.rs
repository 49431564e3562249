//! The process `rex`, which callers from before `erpc` and from C ask.

use netkernel_blocking::{ErpcError, SendError, shared};
use netkernel_core::calls::rpc::{self, Rex};
use netkernel_core::term::{Pid, Term};

use crate::mailbox::Mailbox;
use crate::node::Node;

impl Node {
    /// Has this node have a `rex`.
    pub(crate) fn serve_rex(&self) {
        let message = rpc::rex();
        self.handle.table.dispatch(message.module.clone(), &message);
        self.serve_function(message, |own: Mailbox, mut arguments| async move {
            if let Some(message) = arguments.pop() {
                // Who is gone needs no answer.
                let _ = own.take_for_rex(Rex::of(message)).await;
            }
        });
    }
}

impl Mailbox {
    async fn take_for_rex(&self, message: Rex) -> Result<(), SendError> {
        let node = self.handle.table.own_node();
        let own = node.as_atom().clone();
        match message {
            Rex::Call(client, call) => {
                let result = match call {
                    Ok((module, function, arguments)) => {
                        let called =
                            self.erpc_call(&node, &module, &function, &arguments, None).await;
                        ErpcError::raised(called)?
                    }
                    Err(outcome) => outcome.into_result(),
                };
                self.reply(&client, &rpc::reply(result)).await
            }
            Rex::Cast(Ok((module, function, arguments))) => {
                self.erpc_cast(&node, &module, &function, &arguments).await
            }
            // Erlang's process of the cast ends by badarg.
            Rex::Cast(Err(_)) => Ok(()),
            Rex::Features(from) => {
                // Erlang asks whenever a node comes up: no link is made to answer.
                let features = shared::external(&rpc::features(own))?;
                self.handle.table.answer(self.id, &from, features);
                Ok(())
            }
            Rex::Broadcast(from, name, message) => {
                let to = self.handle.table.whereis_here(name.as_str());
                if let Some(to) = &to {
                    // A mailbox without room drops it, and the name is there all the same.
                    let _ = self.tell(to, &message).await;
                }
                self.tell(&from, &rpc::was_sent(own, name, to.is_some())).await
            }
            Rex::Send(from, name, message) => match self.handle.table.whereis_here(name.as_str()) {
                Some(to) => self.tell(&to, &Term::tuple([from.into(), message])).await,
                None => self.tell(&from, &rpc::was_sent(own, name, false)).await,
            },
            Rex::Nothing => Ok(()),
        }
    }

    async fn tell(&self, to: &Pid, message: &Term) -> Result<(), SendError> {
        self.send(to, shared::external(message)?).await
    }
}
