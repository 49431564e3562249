//! Calls in Erlang's own form, answered as Erlang prints them.

use netkernel_smol::core::net_kernel::mfa::{self, Exception, Mfa};
use netkernel_smol::core::term::Term;
use serde_json::json;

use crate::net_adm;
use crate::obey::Session;
use crate::report::Line;

impl Session {
    pub(crate) async fn apply(&self, call: &Mfa) -> Line {
        let result = match call.module.as_str() {
            "net_adm" => net_adm::apply(&self.node, call, &self.results).await,
            _ => self.kernel(call).await.map_err(|exception| exception.to_term()),
        };
        let Mfa { module, function, arguments } = call;
        let function = format!("{module}:{function}/{}", arguments.len());
        let mut json = json!({"event": "call", "function": function});
        match result {
            Ok(term) => {
                json["result"] = term.to_string().into();
                Line::new(term, json)
            }
            Err(exception) => {
                json["exception"] = exception.to_string().into();
                Line::new(raised(&exception), json)
            }
        }
    }

    async fn kernel(&self, call: &Mfa) -> Result<Term, Exception> {
        let Mfa { module, function, arguments } = call;
        // Only a start asks for the host, and the resolver may take its time.
        let start = (module.as_str(), function.as_str()) == ("net_kernel", "start");
        let host = if start { self.node.localhost().await } else { String::new() };
        let call = mfa::Call::of(module, function, arguments, &host)?;
        if let mfa::Call::MonitorNodes(Ok((on, options))) = call {
            self.monitors(on, options);
        }
        self.mailbox.apply(call).await
    }
}

/// What Erlang prints of an exception, given by its class and reason, without the stack.
pub(crate) fn raised(exception: &Term) -> String {
    match exception.as_tuple() {
        Some([class, reason]) => format!("** exception {class}: {reason}"),
        _ => format!("** exception {exception}"),
    }
}
