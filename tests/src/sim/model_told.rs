//! What the model of a node answers at once to calls in Erlang's form.

use netkernel_core::NodeName;
use netkernel_core::NodeType;
use netkernel_core::RequestId;
use netkernel_core::net_kernel::mfa::Call;
use netkernel_core::net_kernel::{Answer, ConnectError, NodeKinds, NotAlive, StartError, mfa};
use netkernel_core::term::{Atom, Term};

use super::model::Model;

impl Model {
    /// One of these is the answer; there is none to a call that waits for something.
    #[expect(clippy::wildcard_enum_match_arm, reason = "calls about options have several answers")]
    pub(super) fn told(&mut self, now: u64, request: RequestId, call: &Call) -> Vec<Answer> {
        match call {
            Call::GetNetTicktime => self.net_ticktimes(now),
            Call::GetOpts(node, names) => self.getopts(node, names),
            Call::SetOpts(node, options) => self.setopts(request, node, options),
            _ => self.told_at_once(request, call).into_iter().collect(),
        }
    }

    /// In whole seconds; nothing if that is not known.
    fn net_ticktimes(&self, now: u64) -> Vec<Answer> {
        let Some(paces) = self.paces(now) else { return vec![at_once(word("ignored"))] };
        let told = paces.into_iter().map(|(ms, changing)| {
            let seconds = ms / 1000;
            at_once(if changing {
                read(&format!("{{ongoing_change_to,{seconds}}}"))
            } else {
                read(&seconds.to_string())
            })
        });
        told.collect()
    }

    fn told_at_once(&mut self, request: RequestId, call: &Call) -> Option<Answer> {
        let alive = self.is_alive();
        Some(match call {
            Call::GetState => at_once(self.state()),
            Call::IsAlive => at_once(word(if alive { "true" } else { "false" })),
            Call::Node => at_once(atom(&self.name_now())),
            Call::Nodes(kinds, keys) => at_once(self.list(*kinds, *keys)),
            Call::Allowed if alive => {
                let allowed: Vec<Term> = self.allowed().map(quoted).collect();
                at_once(Term::tuple([word("ok"), Term::list(allowed)]))
            }
            Call::Allow(None) if alive => at_once(word("error")),
            Call::Allow(None) | Call::Allowed => at_once(word("ignored")),
            Call::Connect(node, _) if alive => {
                Answer::Connected(Err(ConnectError::Name(NodeName::new(node).err()?)))
            }
            Call::Connect(..) => Answer::Connected(Err(ConnectError::NotAlive)),
            Call::Disconnect(_) if alive => Answer::Disconnected(Ok(false)),
            Call::Disconnect(_) => Answer::Disconnected(Err(NotAlive)),
            Call::GetCookie(_) if !alive => at_once(word("nocookie")),
            Call::GetCookie(node) => {
                let right = node.as_ref().map_or_else(
                    || self.has_right_cookie(None),
                    |node| self.has_right_cookie(NodeName::new(node).ok().as_ref()),
                );
                at_once(word(if right { "right" } else { "wrong" }))
            }
            Call::MonitorNodes(Err(error)) => at_once(error.to_term()),
            Call::Start(Err(error)) => {
                let busy = !self.is_over()?;
                let error = StartError::Name(*error);
                Answer::Started(Err(if busy { StartError::AlreadyStarted } else { error }))
            }
            Call::NodeInfo(_) | Call::NodeInfoKey(..) | Call::NodesInfo if !alive => {
                Answer::Applied(Err(mfa::Exception::badarg()))
            }
            Call::NodeInfo(node) => {
                self.asked_of_one(request, node.as_ref().map_or("", Atom::as_str));
                return None;
            }
            Call::NodeInfoKey(node, key) => {
                self.asked_for_key(request, node.as_ref().map_or("", Atom::as_str), *key);
                return None;
            }
            Call::NodesInfo => {
                self.asked_of_all(request);
                return None;
            }
            Call::NodeOf(node) => at_once(node.clone().into()),
            Call::NetAdm(_) => Answer::Applied(Err(mfa::Exception::undef())),
            Call::Allow(Some(_))
            | Call::GetNetTicktime
            | Call::GetOpts(..)
            | Call::MonitorNode(_)
            | Call::MonitorNodes(Ok(_))
            | Call::SetCookie(..)
            | Call::SetNetTicktime { .. }
            | Call::SetOpts(..)
            | Call::Start(Ok(_))
            | Call::Stop => return None,
        })
    }

    pub(super) fn state(&self) -> Term {
        if !self.is_alive() {
            return read("#{started => no}");
        }
        let manner = self.manner();
        let is_long = manner.host.contains('.');
        Term::map([
            (word("started"), word("dynamic")),
            (word("name"), self.node().map_or_else(|| word("undefined"), atom)),
            (word("name_type"), word(if manner.dynamic { "dynamic" } else { "static" })),
            (word("name_domain"), word(if is_long { "longnames" } else { "shortnames" })),
        ])
    }

    fn list(&self, kinds: NodeKinds, keys: Option<mfa::NodeKeys>) -> Term {
        let has = |kind| kinds | kind == kinds;
        let up = self.nodes().filter_map(|(node, link, of)| {
            let (kind, text) = match of {
                NodeType::Visible => (NodeKinds::VISIBLE, "visible"),
                NodeType::Hidden => (NodeKinds::HIDDEN, "hidden"),
            };
            has(kind).then(|| (atom(node), read(&link.connection_id().to_string()), text))
        });
        let this = (atom(&self.name_now()), word("undefined"), "this");
        let this = has(NodeKinds::THIS).then_some(this);
        Term::list(up.chain(this).map(|(name, id, kind)| {
            let Some(keys) = keys else { return name };
            let id = keys.connection_id.then(|| (word("connection_id"), id));
            let kind = keys.node_type.then(|| (word("node_type"), word(kind)));
            Term::tuple([name, Term::map(id.into_iter().chain(kind))])
        }))
    }

    pub(super) fn name_now(&self) -> NodeName {
        self.node().cloned().unwrap_or_else(NodeName::nonode)
    }
}

fn at_once(term: Term) -> Answer {
    Answer::Applied(Ok(term))
}

fn atom(name: &NodeName) -> Term {
    name.as_atom().clone().into()
}

fn quoted(text: &str) -> Term {
    read(&format!("'{text}'"))
}

fn word(text: &str) -> Term {
    read(text)
}

fn read(text: &str) -> Term {
    text.parse().unwrap_or(Term::NIL)
}
