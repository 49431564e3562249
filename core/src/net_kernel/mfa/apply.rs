//! Carries calls out.

use super::{Call, Exception, NodeKeys};
use crate::entropy::Entropy;
use crate::ids::{MailboxId, RequestId};
use crate::name::{NameError, NodeName};
use crate::net_kernel::life::Life;
use crate::net_kernel::{
    Answer, ConnectError, NetKernel, NodeInfo, NotAlive, OptsError, StartError,
};
use crate::term::{Atom, Term};
use crate::time::Instant;

impl NetKernel {
    /// Carries out a call of the process with this mailbox. Its answer is that of the typed function, or [`Answer::Applied`];
    /// [`Answer::to_result`] makes one of all. Calls of `net_adm` need more than this machine and are `undef` here: whoever has sockets
    /// and files carries them out by [`net_adm::Call::begin`](crate::net_adm::Call::begin).
    pub fn apply(
        &mut self,
        now: Instant,
        caller: MailboxId,
        call: Call,
        entropy: Entropy,
    ) -> RequestId {
        let answer = match call {
            Call::Start(Ok(options)) => return self.start(now, options, entropy),
            Call::Start(Err(error)) => Answer::Started(Err(self.no_start(error))),
            Call::Stop => return self.stop(now),
            Call::Connect(node, wish) => match NodeName::new(&node) {
                Ok(node) => return self.connect(now, node, wish),
                Err(error) => Answer::Connected(Err(self.no_connect(error))),
            },
            Call::Disconnect(node) => match node.map(|node| NodeName::new(&node)) {
                Some(Ok(node)) => return self.disconnect_node(now, &node),
                // There is no link with something that is no node.
                Some(Err(_)) | None => {
                    Answer::Disconnected(if self.is_alive() { Ok(false) } else { Err(NotAlive) })
                }
            },
            Call::GetOpts(node, names) => match (self.opts_node(&node), names) {
                (Ok(node), Ok(names)) => return self.getopts(now, &node, names),
                (Err(error), _) | (_, Err(error)) => Answer::GetOpts(Err(error)),
            },
            Call::SetOpts(node, options) if node.as_str() == "new" => match options {
                Ok(options) => return self.setopts_new(now, options),
                Err(_) if !self.is_alive() => Answer::SetOpts(Err(OptsError::NotAlive)),
                Err(error) => Answer::SetOpts(Err(error)),
            },
            Call::SetOpts(node, options) => match (self.opts_node(&node), options) {
                (Ok(node), Ok(options)) => return self.setopts(now, &node, options),
                (Err(error), _) | (_, Err(error)) => Answer::SetOpts(Err(error)),
            },
            Call::SetNetTicktime { seconds, transition_seconds } => {
                let change = self.set_net_ticktime(now, seconds, transition_seconds);
                let change = change.map_err(|_| Exception::function_clause());
                Answer::Applied(
                    change.map(|change| change.map_or_else(ignored, |change| change.to_term())),
                )
            }
            Call::MonitorNode(call) => self.may_monitor(&call),
            Call::MonitorNodes(Ok((flag, options))) => {
                self.monitor_nodes(caller, flag, options);
                at_once(Term::literal("ok"))
            }
            Call::MonitorNodes(Err(error)) => at_once(error.to_term()),
            Call::Allow(nodes) => at_once(self.allow_atoms(nodes.as_deref())),
            Call::NodeInfo(_) | Call::NodeInfoKey(..) | Call::NodesInfo if !self.is_alive() => {
                Answer::Applied(Err(Exception::badarg()))
            }
            Call::NodeInfo(node) => return self.node_info_of(now, node.as_ref()),
            Call::NodeInfoKey(node, key) => return self.node_info_key(now, node.as_ref(), key),
            Call::NodesInfo => return self.nodes_info(now),
            Call::SetCookie(node, cookie) if self.is_alive() => {
                match node {
                    Some(node) => self.set_cookie_of(node, cookie),
                    None => self.set_own_cookie(cookie),
                }
                at_once(true)
            }
            Call::SetCookie(..) => {
                Answer::Applied(Err(Exception::error("distribution_not_started")))
            }
            Call::GetState => at_once(self.state_term()),
            Call::IsAlive => at_once(self.is_alive()),
            Call::Node => at_once(self.node().as_atom().clone()),
            Call::NodeOf(node) => at_once(node),
            Call::Nodes(kinds, keys) => {
                at_once(Term::list(self.nodes(kinds).map(|info| info.to_term(keys))))
            }
            Call::Allowed => at_once(self.allowed_term()),
            Call::GetNetTicktime => {
                at_once(self.get_net_ticktime().map_or_else(ignored, |state| state.to_term()))
            }
            Call::GetCookie(node) => at_once(self.cookie_atom(node.as_ref())),
            Call::NetAdm(_) => Answer::Applied(Err(Exception::undef())),
        };
        self.set_clock(now);
        let request = self.request_ids.mint();
        self.answer(request, answer);
        request
    }

    fn state_term(&self) -> Term {
        self.get_state().map_or_else(
            || Term::map([(Term::literal("started"), Term::literal("no"))]),
            |state| state.to_term(),
        )
    }

    fn allowed_term(&self) -> Term {
        if !self.is_alive() {
            return ignored();
        }
        let entry = |entry| Atom::new(entry).map(Term::from).ok();
        let entries = Term::list(self.allowed().filter_map(entry));
        Term::tuple([Term::literal("ok"), entries])
    }

    //= docs/spec/kernel.md#kernel-cookies
    fn cookie_atom(&self, node: Option<&Atom>) -> Atom {
        match node {
            _ if !self.is_alive() => Atom::literal("nocookie"),
            None => self.own_cookie().expose(),
            Some(node) => self.cookie_of(node).expose(),
        }
    }

    fn no_start(&self, error: NameError) -> StartError {
        if self.life == Life::NotAlive {
            StartError::Name(error)
        } else {
            StartError::AlreadyStarted
        }
    }

    fn no_connect(&self, error: NameError) -> ConnectError {
        if self.is_alive() { ConnectError::Name(error) } else { ConnectError::NotAlive }
    }

    /// The node of a link that is up.
    fn opts_node(&self, node: &Atom) -> Result<NodeName, OptsError> {
        let none = if self.is_alive() { OptsError::NoConnection } else { OptsError::NotAlive };
        let node = NodeName::new(node).map_err(|_| none)?;
        self.stream_of_link(&node).map(|_| node)
    }

    //= docs/spec/kernel.md#kernel-allow-arguments
    fn allow_atoms(&mut self, nodes: Option<&[Atom]>) -> Term {
        if !self.is_alive() {
            return ignored();
        }
        let Some(nodes) = nodes else { return Term::literal("error") };
        let entries: alloc::vec::Vec<&str> = nodes.iter().map(Atom::as_str).collect();
        match self.allow(&entries) {
            Ok(()) => Term::literal("ok"),
            Err(NotAlive) => ignored(),
        }
    }
}

fn at_once(term: impl Into<Term>) -> Answer {
    Answer::Applied(Ok(term.into()))
}

/// What a node that is not alive answers.
#[must_use]
pub fn ignored() -> Term {
    Term::literal("ignored")
}

impl NodeInfo {
    /// The node's name, or `{Node,Info}` with these keys.
    #[must_use]
    pub fn to_term(&self, keys: Option<NodeKeys>) -> Term {
        let name = Term::from(self.node.as_atom().clone());
        let Some(keys) = keys else { return name };
        let id = || {
            let id = self.connection_id();
            id.map_or_else(|| Term::literal("undefined"), |id| Term::from(i64::from(id)))
        };
        let id = keys.connection_id.then(|| (Term::literal("connection_id"), id()));
        let node_type = Term::literal(self.node_type.as_str());
        let node_type = keys.node_type.then(|| (Term::literal("node_type"), node_type));
        Term::tuple([name, Term::map(id.into_iter().chain(node_type))])
    }
}
