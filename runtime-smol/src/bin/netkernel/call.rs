//! `netkernel call`.

use core::time::Duration;

use futures_lite::future;
use netkernel_smol::core::NodeName;
use netkernel_smol::core::calls::erpc::{ErpcFailure, Exception};
use netkernel_smol::core::calls::gen_server::CallFailure;
use netkernel_smol::core::net_kernel::mfa::Mfa;
use netkernel_smol::core::term::{Atom, Term};
use netkernel_smol::{
    CallError, CallRequest, ErpcError, ErpcRequest, Mailbox, Node, Output, RpcError,
};
use serde_json::{Value, json};

use crate::args::CallArgs;
use crate::failure::{Failure, ServerCall};
use crate::ids::Ids;
use crate::read::{Destination, atom, destination, pointed, term};
use crate::report::{Line, Report};
use crate::temporary::{self, Limit};
use crate::term_json;
use crate::{Failed, because};

pub(crate) async fn run(args: &CallArgs, report: &Report) -> Result<(), Failed> {
    let mut ids = Ids::of(None);
    let mut wanted = Wanted::of(args, &ids).map_err(Failed::Usage)?;
    let limit = Limit::new(wanted.limit());
    let node = temporary::start_connected(args.config()?, &args.node, &limit, report).await?;
    let own = node.mailbox();
    if !ids.are_known() {
        if limit.within(ids.learn(&own)).await.is_none() {
            let _ = node.stop().await;
            return Err(wanted.failed(&wanted.timeout(), args, report));
        }
        wanted = Wanted::of(args, &ids).map_err(Failed::Usage)?;
    }
    let user = group_leader(&node)?;
    let mut broken = Ok(());
    let output = async {
        let print = |output| {
            let Output::Text { text, .. } = output else { return };
            if broken.is_ok() {
                broken = report.piece(&text, Some(&output_line(&text)));
            }
        };
        user.serve_output(print).await;
        future::pending().await
    };
    let called = future::or(wanted.made_by(&own, &args.node), output);
    let result = limit.within(called).await.unwrap_or_else(|| Err(wanted.timeout()));
    let _ = node.stop().await;
    broken?;
    match result {
        Ok(value) => Ok(report.print(&value_line(&value, wanted.event(&args.node)))?),
        Err(failure) => Err(wanted.failed(&failure, args, report)),
    }
}

/// The process to which those print that are started from here.
pub(crate) fn group_leader(node: &Node) -> Result<Mailbox, Failed> {
    let mailbox = node.mailbox();
    mailbox.register(atom("user").map_err(because)?).map_err(because)?;
    Ok(mailbox)
}

/// What one has printed, which may be any piece of a text.
pub(crate) fn output_line(text: &str) -> Line {
    Line::new(text, json!({"event": "output", "text": text}))
}

/// A result, in both forms.
pub(crate) fn value_line(value: &Term, mut event: Value) -> Line {
    event["result"] = value.to_string().into();
    event["value"] = term_json::json(value);
    Line::new(value, event)
}

/// In which form the result of a function comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// What `erpc:call/5` gives or raises.
    Erpc,
    /// What `rpc:call/5` returns, be it a `{badrpc,Reason}`.
    Rpc,
}

/// What to call on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Function {
        module: Atom,
        function: Atom,
        arguments: Vec<Term>,
        limit: Option<Duration>,
        style: Style,
    },
    Server(ServerCall),
}

impl Wanted {
    fn of(args: &CallArgs, ids: &Ids) -> Result<Self, String> {
        let words: Vec<&str> = args.call.iter().map(String::as_str).collect();
        if let Some(server) = &args.server {
            let [request] = *words else {
                return Err("one REQUEST is wanted with --server".into());
            };
            let server = match destination(server, &args.node, ids)? {
                Destination::Process(server) => server,
                Destination::Alias(_) => return Err(format!("{server}: no server")),
            };
            let request = term("REQUEST", request, ids)?;
            return Ok(Self::Server(ServerCall { server, request, timeout: args.timeout }));
        }
        Self::function(&words, args.timeout.and_then(|timeout| timeout.0), ids)
    }

    /// `MODULE FUNCTION [ARGS]`, `MODULE:FUNCTION [ARGS]`, or `MODULE:FUNCTION(ARG,...)`.
    pub(crate) fn function(
        words: &[&str],
        limit: Option<Duration>,
        ids: &Ids,
    ) -> Result<Self, String> {
        let (module, function, arguments) = match *words {
            [call] if call.contains('(') => {
                let text = call.trim().strip_suffix('.').unwrap_or(call);
                let read = Mfa::parse_with_ids(text, &|node| ids.creation_of(node));
                let call = read.map_err(|error| pointed("CALL", text, error))?;
                (atom(&call.module)?, atom(&call.function)?, call.arguments)
            }
            [name] => {
                let (module, function) = module_and_function(name)?;
                (module, function, Vec::new())
            }
            [name, given] if has_function(name) => {
                let (module, function) = module_and_function(name)?;
                (module, function, arguments(given, ids)?)
            }
            [module, function] => (atom(module)?, atom(function)?, Vec::new()),
            [module, function, given] => (atom(module)?, atom(function)?, arguments(given, ids)?),
            _ => return Err("MODULE, FUNCTION and ARGS are wanted".into()),
        };
        Ok(Self::Function { module, function, arguments, limit, style: Style::Erpc })
    }

    /// How long it may take.
    const fn limit(&self) -> Option<Duration> {
        match self {
            Self::Function { limit, .. } => *limit,
            Self::Server(call) => call.limit(),
        }
    }

    /// That it has taken longer.
    fn timeout(&self) -> Failure {
        match self {
            Self::Function { .. } => {
                Failure::of_erpc(Exception::Failed(ErpcFailure::Timeout).into())
            }
            Self::Server(call) => Failure::of_server(CallFailure::Timeout.into(), call),
        }
    }

    /// Tells why there is no result.
    fn failed(&self, failure: &Failure, args: &CallArgs, report: &Report) -> Failed {
        let mut event = self.event(&args.node);
        if let Some(hint) = self.hint(failure) {
            report.hint(&hint);
            event["hint"] = hint.into();
        }
        report.fail(&failure.line(event));
        Failed::With(failure.code)
    }

    /// What somebody may have meant who calls a function that is not there.
    fn hint(&self, failure: &Failure) -> Option<String> {
        let Self::Function { module, function, arguments, .. } = self else { return None };
        if !failure.is_undef(module, function, arguments.len()) {
            return None;
        }
        let mut hint = format!("there is no {module}:{function}/{}", arguments.len());
        let name = module.as_str();
        if name.starts_with(char::is_uppercase) && !name.starts_with("Elixir.") {
            hint.push_str(&format!("; Elixir's {name} is Elixir.{name}"));
        }
        if !arguments.is_empty() {
            hint.push_str("; ARGS is a list of the arguments, so that a list as the only one has two pairs of brackets");
        }
        Some(hint)
    }

    /// Makes the call in the name of a process.
    pub(crate) async fn made_by(&self, own: &Mailbox, peer: &NodeName) -> Result<Term, Failure> {
        self.asked_by(own, peer).await.result(own).await
    }

    /// Sends the request in the name of a process, which then waits for the result.
    pub(crate) async fn asked_by(&self, own: &Mailbox, peer: &NodeName) -> Asked {
        match self {
            Self::Function { module, function, arguments, limit, style } => {
                let request = own.erpc_send_request(peer, module, function, arguments).await;
                Asked::Function(request, *limit, *style)
            }
            Self::Server(call) => {
                let request = own.send_request(call.server.clone(), &call.request).await;
                Asked::Server(request, call.clone())
            }
        }
    }

    /// What stands in the object of any outcome.
    pub(crate) fn event(&self, peer: &NodeName) -> Value {
        let (key, what) = match self {
            Self::Function { module, function, arguments, .. } => {
                ("function", format!("{module}:{function}/{}", arguments.len()))
            }
            Self::Server(call) => ("server", Destination::from(call.server.clone()).to_string()),
        };
        json!({"event": "call", "node": peer.as_str(), key: what})
    }
}

/// A request that was sent, or why not.
#[derive(Debug)]
pub(crate) enum Asked {
    Function(Result<ErpcRequest, ErpcError>, Option<Duration>, Style),
    Server(Result<CallRequest, CallError>, ServerCall),
}

impl Asked {
    /// Waits for the result, in the name of who has asked.
    pub(crate) async fn result(self, own: &Mailbox) -> Result<Term, Failure> {
        match self {
            Self::Function(request, limit, style) => {
                let result = match request {
                    Ok(request) => own.erpc_receive_response(request, limit).await,
                    Err(error) => Err(error),
                };
                match style {
                    Style::Erpc => result.map_err(Failure::of_erpc),
                    Style::Rpc => match RpcError::of(result) {
                        Ok(value) => Ok(value),
                        Err(RpcError::Bad(bad)) => Ok(bad.to_term()),
                        Err(RpcError::Send(error)) => Err(error.into()),
                        Err(other) => Err(Failure::other(&other)),
                    },
                }
            }
            Self::Server(request, call) => {
                let result = match request {
                    Ok(request) => own.receive_response(request, call.limit()).await,
                    Err(error) => Err(error),
                };
                result.map_err(|error| Failure::of_server(error, &call))
            }
        }
    }
}

/// Whether a word is `MODULE:FUNCTION`: of a module in quotes, what is behind them counts.
fn has_function(word: &str) -> bool {
    module_and_function(word).is_ok()
}

fn module_and_function(word: &str) -> Result<(Atom, Atom), String> {
    let split = if word.starts_with('\'') {
        word.split_once("':").map(|(module, function)| (&module[1..], function))
    } else {
        word.split_once(':')
    };
    let (module, function) =
        split.ok_or_else(|| format!("{word}: MODULE FUNCTION or MODULE:FUNCTION is wanted"))?;
    Ok((atom(module)?, atom(function)?))
}

fn arguments(text: &str, ids: &Ids) -> Result<Vec<Term>, String> {
    let list = term("ARGS", text, ids)?;
    let list = list.as_list().map(<[Term]>::to_vec);
    list.ok_or_else(|| format!("ARGS: a list is wanted, such as [1,a], and not {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(words: &[&str]) -> Result<String, String> {
        match Wanted::function(words, None, &Ids::default())? {
            Wanted::Function { module, function, arguments, .. } => {
                Ok(format!("{module}:{function}({})", Term::list(arguments)))
            }
            Wanted::Server(_) => panic!("{words:?}"),
        }
    }

    #[test]
    fn functions_are_named_in_three_ways() {
        for (words, call) in [
            (&["lists", "reverse", "[[1,2]]"][..], "lists:reverse([[1,2]])"),
            (&["lists:reverse", "[[1,2]]"], "lists:reverse([[1,2]])"),
            (&["lists:reverse([1,2])."], "lists:reverse([[1,2]])"),
            (&["erlang", "node"], "erlang:node([])"),
            (&["erlang:node"], "erlang:node([])"),
            (&["node()"], "erlang:node([])"),
            (&["Elixir.String", "upcase", "[<<\"a\">>]"], "'Elixir.String':upcase([<<\"a\">>])"),
            (&["'Elixir.String':'upcase'", "[]"], "'Elixir.String':upcase([])"),
            (&["'Elixir.String':upcase(<<\"a\">>)"], "'Elixir.String':upcase([<<\"a\">>])"),
            (&["a", "b", "[<'b@127.0.0.1'.95.0>]"], "a:b([<'b@127.0.0.1'.95.0>])"),
        ] {
            assert_eq!(function(words).as_deref(), Ok(call), "{words:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (words, told) in [
            (&["m", "f", "[1,X]"][..], "ARGS: at byte 3: not a term\n  [1,X]\n     ^"),
            (&["m", "f", "1"], "ARGS: a list is wanted, such as [1,a], and not 1"),
            (&["m", "f", "[1|2]"], "ARGS: a list is wanted, such as [1,a], and not [1|2]"),
            (&["m:f(a, X)"], "CALL: at byte 7: not a term\n  m:f(a, X)\n         ^"),
            (&["m"], "m: MODULE FUNCTION or MODULE:FUNCTION is wanted"),
            (&[], "MODULE, FUNCTION and ARGS are wanted"),
        ] {
            assert_eq!(function(words), Err(told.into()), "{words:?}");
        }
    }
}
