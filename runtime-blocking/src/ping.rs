//! Pings of other nodes.

use core::fmt;
use core::time::Duration;
use std::time::Instant as Moment;

use netkernel_core::NodeName;
use netkernel_core::net_kernel::{Answer, ConnectError};

use crate::shared::{Call, Handle, Outcome};

/// Why a ping was not answered: Erlang's `pang`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PingError {
    /// There is no link, and none could be made, or `dist_auto_connect` does not let one be made.
    Connect(ConnectError),
    /// The link ended before the question was sent.
    LinkLost,
    /// The node refused to answer, or the link ended before it did.
    Refused,
    /// No link, or no answer, in the time that was given.
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
    handle: &Handle,
    node: &NodeName,
    limit: Option<Duration>,
) -> Result<(), PingError> {
    let table = &handle.table;
    if table.is_own(node) {
        return Ok(());
    }
    // A limit beyond what the clock can tell is none.
    let end = limit.and_then(|limit| Moment::now().checked_add(limit));
    let call = Call::ConnectAutomatically(node.clone());
    match handle.call_until(call, end).ok_or(PingError::NoAnswer)? {
        Some(Answer::Connected(result)) => result.map_err(PingError::Connect)?,
        Some(_) | None => return Err(PingError::Connect(ConnectError::NotAlive)),
    }
    // Ourselves, while we wait for a name.
    if *node == NodeName::nonode() {
        return Ok(());
    }
    let not_alive = PingError::Connect(ConnectError::NotAlive);
    let (ping, signals, result) = table.ping(node).ok_or(not_alive)?;
    for signal in signals {
        if !matches!(table.send_blocking(None, node, signal, end), Outcome::Sent) {
            table.cancel_ping(ping);
            let late = end.is_some_and(|end| end <= Moment::now());
            return Err(if late { PingError::NoAnswer } else { PingError::LinkLost });
        }
    }
    match result.block_until(end) {
        Some(Some(true)) => Ok(()),
        Some(Some(false) | None) => Err(PingError::Refused),
        None => {
            table.cancel_ping(ping);
            Err(PingError::NoAnswer)
        }
    }
}
