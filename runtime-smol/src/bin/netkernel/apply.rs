//! Calls in Erlang's own form, answered as Erlang prints them.

use netkernel_smol::core::net_kernel::mfa::{self, Exception, Mfa};
use netkernel_smol::core::term::Term;
use serde_json::json;

use crate::node::Event;
use crate::obey::Session;
use crate::pings::Pings;
use crate::report::Line;

impl Session {
    pub(crate) async fn apply(&self, call: &Mfa) -> Line {
        let result = self.result(call).await;
        let Mfa { module, function, arguments } = call;
        let function = format!("{module}:{function}/{}", arguments.len());
        let mut json = json!({"event": "call", "function": function});
        match result {
            Ok(term) => {
                json["result"] = term.to_string().into();
                Line::new(term, json)
            }
            Err(exception) => {
                json["exception"] = exception.to_term().to_string().into();
                Line::new(raised(&exception), json)
            }
        }
    }

    async fn result(&self, call: &Mfa) -> Result<Term, Exception> {
        let Mfa { module, function, arguments } = call;
        // Only a start asks for the host, and the resolver may take its time.
        let start = (module.as_str(), function.as_str()) == ("net_kernel", "start");
        let host = if start { self.node.localhost().await } else { String::new() };
        let call = mfa::Call::of(module, function, arguments, &host)?;
        if let mfa::Call::MonitorNodes(Ok((on, options))) = call {
            self.monitors(on, options);
        }
        let (mut pings, results) = (Pings::default(), self.results.clone());
        let mut print = |piece: &str| {
            if let Some(line) = pings.add(piece) {
                let _ = results.try_send(Event::Done(line));
            }
        };
        self.mailbox.apply_printing(call, &mut print).await
    }
}

/// What Erlang prints of an exception, without the stack.
pub(crate) fn raised(exception: &Exception) -> String {
    format!("** {exception}")
}
