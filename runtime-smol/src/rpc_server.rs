//! Functions that `erpc` and `rpc` call.

use core::future::Future;
use core::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_lite::FutureExt as _;
use netkernel_blocking::shared::{self, Done, reply};
use netkernel_core::calls::erpc::{self, Outcome};
use netkernel_core::process::Function;
use netkernel_core::term::Term;

use crate::mailbox::Mailbox;
use crate::node::Node;

impl Node {
    /// Serves a function to `erpc:call/4`, `rpc:call/4` and their kin of any node that is connected, and of this one. `false` if another handler was in its
    /// place.
    ///
    /// Each call has a task of its own, on the thread of the node unless that has another executor, so it must not block. What the handler gives is what Erlang's caller gets: a value, or an exception. A panic is an exit
    /// signal `panic` to it. How many calls run is bounded ([`Limits`](netkernel_core::process::Limits)), and the rest end by `system_limit`. A handler that
    /// holds a [`Node`] or a mailbox of this node keeps it from stopping. What is not served is `undef` to who calls it.
    pub fn serve_rpc<F: Future<Output = Outcome> + Send + 'static>(
        &self,
        function: Function,
        handler: impl Fn(Vec<Term>) -> F + Send + Sync + 'static,
    ) -> bool {
        let spawner = self.spawner.clone();
        let call = move |arguments, done: Done| {
            let called = handler(arguments);
            let run = async move { done(called.await) };
            // A panic ends the process alone, and not whoever runs the executor.
            (spawner.0)(Box::pin(async move { drop(AssertUnwindSafe(run).catch_unwind().await) }));
        };
        self.handle.rpc.serve(function, Arc::new(call))
    }

    /// Serves a function no longer: calls of it fail with `undef`. Those that run go on. `false` if it was not served.
    pub fn unserve_rpc(&self, function: &Function) -> bool {
        self.handle.rpc.unserve(function)
    }

    /// What `erpc` asks for, of any node: `erpc:execute_call/4` and `execute_cast/3`.
    pub(crate) fn serve_calls(&self) {
        for execute in erpc::served() {
            let functions = Arc::clone(&self.handle.rpc);
            self.serve_function(execute, move |own: Mailbox, arguments| {
                let functions = Arc::clone(&functions);
                async move {
                    let (end, ended) = reply();
                    functions.execute(arguments, |reason| end.send(reason));
                    // The call has a task of its own, which this one waits for: so it counts as a process that runs.
                    match ended.wait().await {
                        Some(Some(reason)) => drop(own.terminate(&reason)),
                        Some(None) => {}
                        None => own.end(&shared::PANIC),
                    }
                }
            });
        }
    }
}
