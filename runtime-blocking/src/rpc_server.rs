//! Functions that `erpc` and `rpc` call.

use std::sync::Arc;

use netkernel_core::calls::erpc::{self, Outcome};
use netkernel_core::process::Function;
use netkernel_core::term::Term;

use crate::mailbox::Mailbox;
use crate::node::Node;

impl Node {
    /// Serves a function to `erpc:call/4`, `rpc:call/4` and their kin of any node that is connected, and of this one. `false` if another handler was in its
    /// place.
    ///
    /// Each call has a thread of its own. What the handler gives is what Erlang's caller gets: a value, or an exception. A panic is an exit
    /// signal `panic` to it. How many calls run is bounded ([`Limits`](netkernel_core::process::Limits)), and the rest end by `system_limit`. A handler that
    /// holds a [`Node`] or a mailbox of this node keeps it from stopping. What is not served is `undef` to who calls it.
    pub fn serve_rpc(
        &self,
        function: Function,
        handler: impl Fn(Vec<Term>) -> Outcome + Send + Sync + 'static,
    ) -> bool {
        self.handle.rpc.serve(function, Arc::new(move |arguments, done| done(handler(arguments))))
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
                functions.execute(arguments, move |reason| {
                    if let Some(reason) = reason {
                        let _ = own.terminate(&reason);
                    }
                });
            });
        }
    }
}
