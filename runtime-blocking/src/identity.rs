//! Who a node is.

use netkernel_core::{Creation, NodeName};

/// Who a node is while it is alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Its name.
    pub name: NodeName,
    /// Which incarnation of that name it is.
    pub creation: Creation,
    /// The TCP port that it listens on, if it does.
    pub port: Option<u16>,
}
