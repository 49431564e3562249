//! Pings of other nodes.

use core::time::Duration;

use async_io::Timer;
use futures_lite::future;
use netkernel_blocking::PingError;
use netkernel_blocking::shared::{Outcome, Table};
use netkernel_core::net_kernel::ConnectError;
use netkernel_core::{NodeName, PingId};

use crate::node::Node;

pub(crate) async fn ping(
    own: &Node,
    table: &Table,
    node: &NodeName,
    limit: Option<Duration>,
) -> Result<(), PingError> {
    if table.is_own(node) {
        return Ok(());
    }
    own.connect_node(node.clone()).await.map_err(PingError::Connect)?;
    // Ourselves, while we wait for a name.
    if *node == NodeName::nonode() {
        return Ok(());
    }
    let not_alive = PingError::Connect(ConnectError::NotAlive);
    let (ping, signals, result) = table.ping(node).ok_or(not_alive)?;
    let _pending = Pending { table, ping };
    for signal in signals {
        if !matches!(table.send(node, signal).await, Outcome::Sent) {
            return Err(PingError::LinkLost);
        }
    }
    let answer = async { result.wait().await.filter(|&alive| alive).ok_or(PingError::Refused) };
    let late = async {
        match limit {
            Some(limit) => Timer::after(limit).await,
            None => future::pending().await,
        };
        Err(PingError::NoAnswer)
    };
    future::or(answer, late).await.map(drop)
}

/// A ping whose result is waited for: not any more when this is dropped, be it with the future that waits.
struct Pending<'a> {
    table: &'a Table,
    ping: PingId,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.table.cancel_ping(self.ping);
    }
}
