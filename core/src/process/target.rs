//! What can be monitored.

use core::fmt;

use crate::name::NodeName;
use crate::term::{Atom, Pid};
use crate::wire::control::Monitored;

/// A process, as who monitors it names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Target {
    /// By its pid.
    Pid(Pid),
    /// By the name that it is, or is not, registered under on this node: `{Name,Node}`.
    Name(Atom, NodeName),
}

impl Target {
    /// The node that it is on.
    #[must_use]
    pub const fn node(&self) -> &Atom {
        match self {
            Self::Pid(pid) => &pid.node,
            Self::Name(_, node) => node.as_atom(),
        }
    }

    /// As the signals of monitors name it.
    pub(super) fn monitored(&self) -> Monitored {
        match self {
            Self::Pid(pid) => Monitored::Pid(pid.clone()),
            Self::Name(name, _) => Monitored::Name(name.clone()),
        }
    }
}

/// As Erlang writes it in a `DOWN` message: a pid, or `{Name,Node}`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => pid.fmt(f),
            Self::Name(name, node) => write!(f, "{{{name},{}}}", node.as_atom()),
        }
    }
}

impl From<Pid> for Target {
    fn from(pid: Pid) -> Self {
        Self::Pid(pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creation::Creation;
    use alloc::string::ToString as _;

    #[test]
    fn a_target_is_printed_as_erlang_has_it() {
        let pid = Pid { node: Atom::literal("b@h"), id: 1, serial: 0, creation: Creation(7) };
        assert_eq!(Target::from(pid.clone()).to_string(), pid.to_string());
        let named = Target::Name(Atom::literal("Foo"), NodeName::new("b@127.0.0.1").unwrap());
        assert_eq!(named.to_string(), "{'Foo','b@127.0.0.1'}");
    }
}
