//! From module, function and arguments to a call.

use alloc::vec::Vec;

use super::{Call, Exception, Mfa, MonitorNode, NodeKeys, net_adm, start};
use crate::cookie::Cookie;
use crate::flags::NodeType;
use crate::name::NodeName;
use crate::net_kernel::{InfoKey, MonitorOptions, NodeKinds, OptionName, OptsError, SocketOption};
use crate::term::{Atom, ParseError, Term};

/// The transition of `net_kernel:set_net_ticktime/1`.
const TRANSITION_SECONDS: u32 = 60;

impl Call {
    //= docs/spec/mfa.md#mfa-bad-arguments
    /// The call of `module:function(arguments...)`. `host` is the name of this machine, with its domain, if it has one, for `start` with a
    /// name that has no host.
    ///
    /// # Errors
    /// What Erlang's function raises for such arguments; `undef` for a function that is not here.
    pub fn of(
        module: &str,
        function: &str,
        arguments: &[Term],
        host: &str,
    ) -> Result<Self, Exception> {
        match module {
            "net_kernel" => Self::of_net_kernel(function, arguments, host),
            "erlang" => Self::of_erlang(function, arguments),
            "net_adm" => net_adm::read(function, arguments).map(Self::NetAdm),
            _ => Err(Exception::undef()),
        }
    }

    /// The call that a text is, as [`Mfa::parse`] reads it.
    ///
    /// # Errors
    /// Where the text is no call; and then, as of [`of`](Self::of), what the call raises.
    pub fn parse(text: &str, host: &str) -> Result<Result<Self, Exception>, ParseError> {
        let Mfa { module, function, arguments } = Mfa::parse(text)?;
        Ok(Self::of(&module, &function, &arguments, host))
    }

    fn of_net_kernel(function: &str, arguments: &[Term], host: &str) -> Result<Self, Exception> {
        Ok(match (function, arguments) {
            ("allow", [nodes]) => Self::Allow(atoms(nodes)),
            ("allowed", []) => Self::Allowed,
            ("connect_node", [node]) => Self::Connect(clause(node.as_atom())?, NodeType::Visible),
            ("hidden_connect_node", [node]) => {
                Self::Connect(clause(node.as_atom())?, NodeType::Hidden)
            }
            ("get_net_ticktime", []) => Self::GetNetTicktime,
            ("get_state", []) => Self::GetState,
            ("getopts", [node, names]) => Self::GetOpts(clause(node.as_atom())?, opt_names(names)?),
            ("monitor_nodes", [flag]) => {
                Self::MonitorNodes(MonitorOptions::check(flag, &Term::NIL))
            }
            ("monitor_nodes", [flag, options]) => {
                Self::MonitorNodes(MonitorOptions::check(flag, options))
            }
            ("node_info", [node]) => Self::NodeInfo(node.as_atom().cloned()),
            ("node_info", [node, key]) => {
                let key = key.as_atom().and_then(|key| InfoKey::named(key));
                Self::NodeInfoKey(node.as_atom().cloned(), key)
            }
            ("nodes_info", []) => Self::NodesInfo,
            ("set_net_ticktime", [seconds]) => ticktime(seconds, Some(TRANSITION_SECONDS))?,
            ("set_net_ticktime", [seconds, transition]) => ticktime(seconds, number(transition))?,
            ("setopts", [node, options]) => {
                Self::SetOpts(clause(node.as_atom())?, socket_options(options)?)
            }
            ("start", [list]) => Self::Start(start::of_list(list, host)?),
            ("start", [name, options]) => Self::Start(start::of_map(name, options, host)?),
            ("stop", []) => Self::Stop,
            _ => return Err(Exception::undef()),
        })
    }

    fn of_erlang(function: &str, arguments: &[Term]) -> Result<Self, Exception> {
        let badarg = Exception::badarg;
        let atom = |term: &Term| term.as_atom().cloned().ok_or_else(badarg);
        Ok(match (function, arguments) {
            ("disconnect_node", [node]) => Self::Disconnect(node.as_atom().cloned()),
            ("get_cookie", []) => Self::GetCookie(None),
            ("get_cookie", [node]) => Self::GetCookie(Some(atom(node)?)),
            ("monitor_node", [node, flag]) => {
                Self::MonitorNode(MonitorNode::of(node, flag, &Term::NIL)?)
            }
            ("monitor_node", [node, flag, options]) => {
                Self::MonitorNode(MonitorNode::of(node, flag, options)?)
            }
            ("is_alive", []) => Self::IsAlive,
            ("node", []) => Self::Node,
            ("node", [Term::Pid(pid)]) => Self::NodeOf(pid.node.clone()),
            ("node", [Term::Port(port)]) => Self::NodeOf(port.node.clone()),
            ("node", [Term::Reference(reference)]) => Self::NodeOf(reference.node().clone()),
            ("node", [_]) => return Err(badarg()),
            ("nodes", []) => Self::Nodes(NodeKinds::VISIBLE, None),
            ("nodes", [kinds]) => Self::Nodes(NodeKinds::of_term(kinds).ok_or_else(badarg)?, None),
            ("nodes", [kinds, keys]) => {
                let kinds = NodeKinds::of_term(kinds).ok_or_else(badarg)?;
                Self::Nodes(kinds, Some(NodeKeys::of_term(keys).ok_or_else(badarg)?))
            }
            ("set_cookie", [text]) => Self::SetCookie(None, cookie(text)?),
            ("set_cookie", [node, text]) => {
                let node = atom(node)?;
                let cookie = cookie(text)?;
                if node == *NodeName::nonode().as_atom() {
                    return Err(badarg());
                }
                Self::SetCookie(Some(node), cookie)
            }
            _ => return Err(Exception::undef()),
        })
    }
}

impl NodeKeys {
    /// The argument of `nodes/2`; `None` if it is none.
    #[must_use]
    pub fn of_term(term: &Term) -> Option<Self> {
        let Term::Map(pairs) = term else { return None };
        let mut keys = Self::default();
        for (key, value) in pairs {
            let key = match key.as_atom()?.as_str() {
                "connection_id" => &mut keys.connection_id,
                "node_type" => &mut keys.node_type,
                _ => return None,
            };
            *key = value.as_atom()?.parse().ok()?;
        }
        Some(keys)
    }
}

/// What a guard has let through.
pub(super) fn clause(atom: Option<&Atom>) -> Result<Atom, Exception> {
    atom.cloned().ok_or_else(Exception::function_clause)
}

fn atoms(term: &Term) -> Option<Vec<Atom>> {
    term.as_list()?.iter().map(|element| element.as_atom().cloned()).collect()
}

fn number(term: &Term) -> Option<u32> {
    term.as_i64()?.try_into().ok()
}

//= docs/spec/ticktime.md#ticktime-arguments
fn ticktime(seconds: &Term, transition_seconds: Option<u32>) -> Result<Call, Exception> {
    match (number(seconds), transition_seconds) {
        (Some(seconds @ 1..), Some(transition_seconds)) => {
            Ok(Call::SetNetTicktime { seconds, transition_seconds })
        }
        _ => Err(Exception::function_clause()),
    }
}

fn opt_names(names: &Term) -> Result<Result<Vec<OptionName>, OptsError>, Exception> {
    let names = list(names)?;
    let named = |name: &Term| OptionName::named(name.as_atom().ok_or(OptsError::Invalid)?);
    Ok(names.and_then(|names| names.iter().map(named).collect()))
}

fn socket_options(options: &Term) -> Result<Result<Vec<SocketOption>, OptsError>, Exception> {
    Ok(list(options)?.and_then(SocketOption::check))
}

/// Erlang's guard lets improper lists through, and then fails somewhere.
fn list(term: &Term) -> Result<Result<&[Term], OptsError>, Exception> {
    if let Term::List(_) = term {
        return Ok(term.as_list().ok_or(OptsError::Invalid));
    }
    Err(Exception::function_clause())
}

fn cookie(term: &Term) -> Result<Cookie, Exception> {
    let text = term.as_atom().ok_or_else(Exception::badarg)?;
    Cookie::new(text).map_err(|_| Exception::badarg())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString as _;

    fn call(text: &str) -> Result<Call, Exception> {
        Call::parse(text, "box.example").unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    //= docs/spec/mfa.md#mfa-bad-arguments
    //= type=test
    //= docs/spec/ticktime.md#ticktime-arguments
    //= type=test
    //= docs/spec/mfa.md#mfa-monitor-node
    //= type=test
    #[test]
    fn bad_arguments_raise_what_erlangs_functions_raise() {
        for (reason, calls) in [
            (
                "badarg",
                &[
                    "node(foo)",
                    "node(1)",
                    "erlang:monitor_node(\"a\",true)",
                    "erlang:monitor_node(1,foo)",
                    "erlang:monitor_node(a@b,true,foo)",
                    "erlang:monitor_node(a@b,foo,[foo])",
                    "erlang:monitor_node(a@b,false,[foo])",
                    "erlang:monitor_node(a@b,true,[allow_passive_connect|foo])",
                    "erlang:monitor_node(a@b,true,[allow_passive_connect,1])",
                    "nodes(foo)",
                    "nodes([foo])",
                    "nodes([this|known])",
                    "nodes(#{})",
                    "nodes(this,[])",
                    "nodes(this,#{foo => true})",
                    "nodes(this,#{node_type => foo})",
                    "nodes(this,#{connection_id => 1})",
                    "get_cookie(1)",
                    "set_cookie(\"abc\")",
                    "set_cookie(a,1)",
                    "set_cookie(1,a)",
                    "set_cookie(nonode@nohost,a)",
                ][..],
            ),
            (
                "function_clause",
                &[
                    "net_kernel:connect_node(\"x\")",
                    "net_kernel:hidden_connect_node(1)",
                    "net_kernel:set_net_ticktime(0)",
                    "net_kernel:set_net_ticktime(foo)",
                    "net_kernel:set_net_ticktime(60,-1)",
                    "net_kernel:set_net_ticktime(60,1.5)",
                    "net_kernel:set_net_ticktime(4294967296)",
                    "net_kernel:getopts(1,[])",
                    "net_kernel:getopts(foo,foo)",
                    "net_kernel:setopts(\"x\",[])",
                    "net_kernel:setopts(new,foo)",
                ],
            ),
            ("undef", &["foo()", "net_kernel:foo()", "foo:bar()", "node(1,2)", "is_alive(1)"]),
        ] {
            for text in calls {
                let error = call(text).map_err(|error| error.reason.to_string());
                assert_eq!(error, Err(reason.into()), "{text}");
            }
        }
    }

    //= docs/spec/mfa.md#mfa-bad-arguments
    //= type=test
    #[test]
    fn identifiers_tell_their_node() {
        let (node, creation) = (Atom::literal("b@127.0.0.1"), crate::creation::Creation(7));
        let pid = crate::term::Pid { node: node.clone(), id: 1, serial: 0, creation };
        let port = crate::term::Port { node: node.clone(), id: 1, creation };
        let reference = crate::term::Reference::new(node.clone(), creation, &[1]).unwrap();
        for term in [pid.into(), port.into(), Term::from(reference)] {
            let called = Call::of("erlang", "node", core::slice::from_ref(&term), "h");
            assert_eq!(called, Ok(Call::NodeOf(node.clone())), "{term}");
        }
    }

    #[test]
    fn what_is_wrong_and_answered_is_no_exception() {
        assert_eq!(call("net_kernel:allow([a|b])"), Ok(Call::Allow(None)));
        let monitor = |flag, allow_passive_connect| {
            let node = Atom::literal("foo");
            Ok(Call::MonitorNode(MonitorNode { node, flag, allow_passive_connect }))
        };
        assert_eq!(call("erlang:monitor_node(foo,bar)"), monitor(None, false));
        assert_eq!(call("erlang:monitor_node(foo,true,[])"), monitor(Some(true), false));
        let passive = "[allow_passive_connect,allow_passive_connect]";
        let text = format!("erlang:monitor_node(foo,false,{passive})");
        assert_eq!(call(&text), monitor(Some(false), true));
        assert_eq!(call("erlang:disconnect_node(1)"), Ok(Call::Disconnect(None)));
        let Ok(Call::SetOpts(_, Err(OptsError::Invalid))) = call("net_kernel:setopts(new,[a|b])")
        else {
            panic!("an improper list is a bad one");
        };
        assert!(matches!(call("net_kernel:monitor_nodes(1,2)"), Ok(Call::MonitorNodes(Err(_)))));
        let nothing = Call::NodeInfoKey(None, None);
        assert_eq!(call("net_kernel:node_info(1,owner)"), Ok(nothing));
        let defaults = Call::SetNetTicktime { seconds: 8, transition_seconds: 60 };
        assert_eq!(call("net_kernel:set_net_ticktime(8)"), Ok(defaults));
    }
}
