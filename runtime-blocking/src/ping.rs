//! Pings of other nodes.

use core::fmt;
use core::time::Duration;
use std::time::Instant as Moment;

use netkernel_core::NodeName;
use netkernel_core::net_kernel::ConnectError;

use crate::node::Node;
use crate::shared::{Outcome, Table};

/// Why a ping was not answered: Erlang's `pang`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PingError {
    /// There is no link, and none could be made.
    Connect(ConnectError),
    /// The link ended before the answer came.
    LinkLost,
    /// The node refused to answer, or the link ended before it did.
    Refused,
    /// No answer in the time that was given.
    NoAnswer,
}

impl fmt::Display for PingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::LinkLost => f.write_str("the link ended"),
            Self::Refused => f.write_str("the node refused to answer, or the link ended"),
            Self::NoAnswer => f.write_str("no answer in time"),
        }
    }
}

impl core::error::Error for PingError {}

pub(crate) fn ping(
    own: &Node,
    table: &Table,
    node: &NodeName,
    limit: Option<Duration>,
) -> Result<(), PingError> {
    if table.is_own(node) {
        return Ok(());
    }
    own.connect_node(node.clone()).map_err(PingError::Connect)?;
    // Ourselves, while we wait for a name.
    if *node == NodeName::nonode() {
        return Ok(());
    }
    let not_alive = PingError::Connect(ConnectError::NotAlive);
    let (ping, signals, result) = table.ping(node).ok_or(not_alive)?;
    for signal in signals {
        if !matches!(table.send_blocking(node, signal), Outcome::Sent) {
            table.cancel_ping(ping);
            return Err(PingError::LinkLost);
        }
    }
    // A limit beyond what the clock can tell is none.
    let answer = match limit.and_then(|limit| Moment::now().checked_add(limit)) {
        Some(end) => result.block_until(end),
        None => Some(result.block()),
    };
    match answer {
        Some(Some(true)) => Ok(()),
        Some(Some(false) | None) => Err(PingError::Refused),
        None => {
            table.cancel_ping(ping);
            Err(PingError::NoAnswer)
        }
    }
}
