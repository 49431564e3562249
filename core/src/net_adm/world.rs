//! Whom `net_adm:world/1` asks, one after the other.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Host, HostFileError, WorldError};
use crate::epmd::NamesError;
use crate::name::NodeName;
use crate::term::{Atom, Term};

/// A walk over hosts and their nodes.
///
/// [`step`](Self::step) says what to do; the result is told by [`named`](Self::named) or [`pinged`](Self::pinged). What a verbose call
/// prints is given to `tell`, in pieces, when Erlang prints it.
//= docs/spec/net_adm.md#adm-world-order
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    hosts: VecDeque<Term>,
    /// Whether what is behind the hosts is no end of a list.
    improper: bool,
    /// Whether this node has a long name; `None` if it is not alive.
    longnames: Option<bool>,
    /// The host whose names are asked for.
    asked: Option<Term>,
    /// Nodes of one host that were not pinged yet; `None` is a name that is too long.
    nodes: VecDeque<Option<Atom>>,
    pinging: Option<NodeName>,
    found: Vec<NodeName>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum WorldStep {
    /// Ask the EPMD of this host for names.
    Names(Host),
    /// Ping this node.
    Ping(NodeName),
    /// That is all: the nodes that answered, in the order in which they did.
    Done(Vec<NodeName>),
}

impl World {
    /// Over these hosts (`net_adm:world_list/2`), by a node with a long name or a short one; `None` is one that is not alive, which
    /// asks for names and pings nobody.
    #[must_use]
    pub fn new(hosts: impl IntoIterator<Item = Term>, longnames: Option<bool>) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            improper: false,
            longnames,
            asked: None,
            nodes: VecDeque::new(),
            pinging: None,
            found: Vec::new(),
        }
    }

    /// Over the hosts of a list that is a term.
    ///
    /// # Errors
    /// [`WorldError::FunctionClause`] if it is no list.
    pub fn of_term(hosts: &Term, longnames: Option<bool>) -> Result<Self, WorldError> {
        let Term::List(list) = hosts else { return Err(WorldError::FunctionClause) };
        let world = Self::new(list.elements().iter().cloned(), longnames);
        Ok(Self { improper: list.tail().is_some(), ..world })
    }

    /// Over the hosts of a host file (`net_adm:world/1`).
    ///
    /// # Errors
    /// [`WorldError::HostFile`].
    pub fn of_file(
        hosts: Result<Vec<Term>, HostFileError>,
        longnames: Option<bool>,
    ) -> Result<Self, WorldError> {
        hosts.map(|hosts| Self::new(hosts, longnames)).map_err(WorldError::HostFile)
    }

    /// What to do next. To be called at the begin, and after the result of each step.
    ///
    /// # Errors
    /// The exception that Erlang ends with. What was pinged before, was.
    pub fn step(&mut self, tell: &mut dyn FnMut(&str)) -> Result<WorldStep, WorldError> {
        while let Some(node) = self.nodes.pop_front() {
            let node = node.ok_or(WorldError::SystemLimit)?;
            tell(&alloc::format!("Pinging {node} -> "));
            // What is no name of a node can be registered all the same, and then nobody answers.
            match NodeName::new(node.as_str()) {
                Ok(name) => {
                    self.pinging = Some(name.clone());
                    return Ok(WorldStep::Ping(name));
                }
                Err(_) => tell("pang\n"),
            }
        }
        if let Some(term) = self.hosts.pop_front() {
            let host = Host::of_term(&term).map_err(|_| WorldError::FunctionClause)?;
            self.asked = Some(term);
            return Ok(WorldStep::Names(host));
        }
        if self.improper {
            return Err(WorldError::FunctionClause);
        }
        Ok(WorldStep::Done(core::mem::take(&mut self.found)))
    }

    //= docs/spec/net_adm.md#adm-world-unreachable
    /// The names of the host that was asked, with ports, or why there are none: then the host is passed over.
    ///
    /// # Errors
    /// [`WorldError::Badarg`] if the host has names and is no atom.
    pub fn named(
        &mut self,
        names: Result<Vec<(String, u16)>, NamesError>,
    ) -> Result<(), WorldError> {
        let (Some(term), Ok(names)) = (self.asked.take(), names) else { return Ok(()) };
        //= docs/spec/net_adm.md#adm-world-hosts
        let host = term.as_atom().ok_or(WorldError::Badarg)?;
        //= docs/spec/net_adm.md#adm-world-domain
        let host = match self.longnames {
            Some(true) => host.as_str(),
            Some(false) => host.as_str().split('.').next().unwrap_or_default(),
            None => return Ok(()),
        };
        let node = |(name, _): (String, u16)| Atom::new(&[&name, "@", host].concat()).ok();
        self.nodes = names.into_iter().map(node).collect();
        Ok(())
    }

    /// Whether the node that was pinged answered.
    pub fn pinged(&mut self, pong: bool, tell: &mut dyn FnMut(&str)) {
        let Some(node) = self.pinging.take() else { return };
        tell(if pong { "pong\n" } else { "pang\n" });
        if pong {
            self.found.push(node);
        }
    }
}
