//! Functions that other nodes call.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use netkernel_core::calls::erpc::{self, Execution, Outcome};
use netkernel_core::calls::rpc::Apply;
use netkernel_core::process::Function;
use netkernel_core::term::Term;

use super::lock;

/// Is told what a call gives. Dropped instead, it tells that the call's process has ended.
pub type Done = Box<dyn FnOnce(Outcome) + Send>;

/// Makes a call, in this thread or in a task.
pub type RpcHandler = Arc<dyn Fn(Vec<Term>, Done) + Send + Sync>;

/// The functions that `erpc` and `rpc` can call.
#[derive(Default)]
pub struct RpcFunctions {
    handlers: Mutex<BTreeMap<Function, RpcHandler>>,
}

impl fmt::Debug for RpcFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.handlers).keys()).finish()
    }
}

impl RpcFunctions {
    /// Has a function called so; `false` if another way was there, which is no more.
    pub fn serve(&self, function: Function, handler: RpcHandler) -> bool {
        let before = lock(&self.handlers).insert(function, handler);
        before.is_none()
    }

    /// Calls a function no more; `false` if it was not served.
    pub fn unserve(&self, function: &Function) -> bool {
        let before = lock(&self.handlers).remove(function);
        before.is_some()
    }

    /// Makes the call that a process was spawned for. `end` is told why the process ends; `None` is `normal`.
    pub fn execute(&self, arguments: Vec<Term>, end: impl FnOnce(Option<Term>) + Send + 'static) {
        let Execution { result, call } = Execution::parse(arguments);
        let done = move |outcome: Outcome| match result {
            Some(result) => end(Some(outcome.into_reason(result))),
            None => end(outcome.into_cast_reason()),
        };
        let (handler, arguments) = match self.resolve(call) {
            Ok(found) => found,
            Err(outcome) => return done(outcome),
        };
        handler(arguments, Box::new(done));
    }

    fn resolve(&self, call: Apply) -> Result<(RpcHandler, Vec<Term>), Outcome> {
        let handlers = lock(&self.handlers);
        let (function, arguments) = erpc::resolve(call, |it| handlers.contains_key(it))?;
        Ok((Arc::clone(&handlers[&function]), arguments))
    }
}
