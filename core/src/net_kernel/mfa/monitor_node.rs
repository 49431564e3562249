//! `erlang:monitor_node/2` and `/3`.

use super::Exception;
use crate::name::NodeName;
use crate::net_kernel::{Answer, NetKernel};
use crate::term::{Atom, Term};

/// A call of `erlang:monitor_node/2` or `/3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct MonitorNode {
    /// The node.
    pub node: Atom,
    /// Once more or once less; `None` is something that is no boolean.
    pub flag: Option<bool>,
    /// The option `allow_passive_connect`.
    pub allow_passive_connect: bool,
}

impl MonitorNode {
    /// The call with these arguments; without options, they are `[]`.
    ///
    /// # Errors
    /// `badarg`.
    //= docs/spec/mfa.md#mfa-monitor-node
    pub(super) fn of(node: &Term, flag: &Term, options: &Term) -> Result<Self, Exception> {
        let options = options.as_list().ok_or_else(Exception::badarg)?;
        let allowed = Term::literal("allow_passive_connect");
        if options.iter().any(|option| *option != allowed) {
            return Err(Exception::badarg());
        }
        Ok(Self {
            node: node.as_atom().cloned().ok_or_else(Exception::badarg)?,
            flag: flag.as_atom().and_then(|flag| flag.parse().ok()),
            allow_passive_connect: !options.is_empty(),
        })
    }
}

impl NetKernel {
    /// [`Answer::MonitorNode`] where a process is concerned; else what the call returns or raises.
    //= docs/spec/mfa.md#mfa-monitor-node
    pub(super) fn may_monitor(&self, call: &MonitorNode) -> Answer {
        let is_own = call.node == *self.node().as_atom();
        if !is_own && !self.is_alive() {
            return Answer::Applied(Err(Exception::notalive()));
        }
        match (call.flag, NodeName::new(&call.node)) {
            (Some(flag), Ok(node)) if !is_own => Answer::MonitorNode {
                node,
                flag,
                allow_passive_connect: call.allow_passive_connect,
            },
            (Some(_), Ok(_)) | (Some(false), Err(_)) => Answer::Applied(Ok(true.into())),
            (Some(true), Err(_)) | (None, _) => Answer::Applied(Err(Exception::badarg())),
        }
    }
}
