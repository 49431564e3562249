//! Calls of `net_adm` as Erlang makes them.

use async_channel::Sender;
use netkernel_smol::core::NodeName;
use netkernel_smol::core::net_adm::{Host, HostFileError, WorldError};
use netkernel_smol::core::net_kernel::mfa::{Exception, Mfa};
use netkernel_smol::core::term::{Atom, Term};
use netkernel_smol::{HostDirs, Node, Verbosity};
use serde_json::json;

use crate::node::Event;
use crate::report::Line;

/// What the call returns, or class and reason of what it raises. What a verbose call prints comes as events.
pub(crate) async fn apply(node: &Node, call: &Mfa, results: &Sender<Event>) -> Result<Term, Term> {
    let directories = HostDirs::of_process();
    let mut pings = Pings::default();
    let mut tell = |piece: &str| {
        if let Some(line) = pings.add(piece) {
            let _ = results.try_send(Event::Done(line));
        }
    };
    match (call.function.as_str(), call.arguments.as_slice()) {
        ("dns_hostname", [host]) => dns_hostname(host).await,
        ("host_file", []) => Ok(host_file(Node::host_file(&directories).await)),
        ("localhost", []) => Ok(Term::string(&node.localhost().await)),
        ("names", []) => Ok(names(node, Some((&node.localhost().await).into())).await),
        ("names", [host]) => {
            let host = Host::of_term(host).map_err(|_| function_clause())?;
            Ok(names(node, host).await)
        }
        ("ping", [peer]) => ping(node, peer).await,
        ("world", []) => nodes(node.world(&directories, Verbosity::Silent).await),
        ("world", [term]) => nodes(node.world(&directories, verbosity(term, &mut tell)).await),
        ("world_list", [hosts]) => nodes(node.world_list(hosts, Verbosity::Silent).await),
        ("world_list", [hosts, term]) => {
            nodes(node.world_list(hosts, verbosity(term, &mut tell)).await)
        }
        _ => Err(Exception::undef().to_term()),
    }
}

/// What `net_adm:host_file/0` returns.
pub(crate) fn host_file(hosts: Result<Vec<Term>, HostFileError>) -> Term {
    hosts.map_or_else(|error| pair("error", error.to_term()), Term::list)
}

/// What `net_adm:world/0` returns or raises.
pub(crate) fn nodes(found: Result<Vec<NodeName>, WorldError>) -> Result<Term, Term> {
    let list = |nodes: Vec<NodeName>| {
        Term::list(nodes.into_iter().map(|node| node.as_atom().clone().into()))
    };
    found.map(list).map_err(|error| error.to_term())
}

/// What a verbose walk tells in pieces, as lines.
#[derive(Debug, Default)]
pub(crate) struct Pings(String);

impl Pings {
    /// The line that this piece ends.
    pub(crate) fn add(&mut self, piece: &str) -> Option<Line> {
        self.0.push_str(piece);
        let line = self.0.strip_suffix('\n')?;
        let (node, result) = line.strip_prefix("Pinging ")?.rsplit_once(" -> ")?;
        let atom = node.parse::<Term>().ok();
        let node = atom.as_ref().and_then(Term::as_atom).map_or(node, |atom| atom.as_str());
        let line = Line::new(line, json!({"event": "ping", "node": node, "result": result}));
        self.0.clear();
        Some(line)
    }
}

/// Whatever is not `verbose` is silent to Erlang.
fn verbosity<'a>(term: &Term, tell: &'a mut (dyn FnMut(&str) + Send)) -> Verbosity<'a> {
    match term.as_atom() {
        Some(atom) if atom.as_str() == "verbose" => Verbosity::Verbose(tell),
        _ => Verbosity::Silent,
    }
}

async fn dns_hostname(term: &Term) -> Result<Term, Term> {
    let named = match Host::of_term(term) {
        Ok(Some(Host::Name(host))) => Node::dns_hostname(&host).await.ok(),
        Ok(_) | Err(_) => None,
    };
    Ok(match named {
        Some(name) => pair("ok", Term::string(&name)),
        None => pair("error", term.clone()),
    })
}

/// `None` is a host that no resolver finds.
async fn names(node: &Node, host: Option<Host>) -> Term {
    let Some(host) = host else { return pair("error", atom("nxdomain")) };
    match node.names(host).await {
        Ok(names) => {
            let name = |(name, port): (String, u16)| {
                Term::tuple([Term::string(&name), i64::from(port).into()])
            };
            pair("ok", Term::list(names.into_iter().map(name)))
        }
        Err(error) => pair("error", atom(error.reason())),
    }
}

async fn ping(node: &Node, term: &Term) -> Result<Term, Term> {
    let name = term.as_atom().ok_or_else(function_clause)?;
    let pong = match NodeName::new(name) {
        Ok(peer) => node.ping(&peer, None).await.is_ok(),
        Err(_) => false,
    };
    Ok(atom(if pong { "pong" } else { "pang" }))
}

fn pair(first: &'static str, second: Term) -> Term {
    Term::tuple([atom(first), second])
}

fn atom(text: &'static str) -> Term {
    Atom::new(text).map_or(Term::NIL, Term::Atom)
}

fn function_clause() -> Term {
    Exception::function_clause().to_term()
}
