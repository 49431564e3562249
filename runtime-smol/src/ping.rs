//! Pings of other nodes.

use core::time::Duration;

use async_io::Timer;
use futures_lite::future;
use netkernel_blocking::PingError;
use netkernel_blocking::shared::{Call, Handle, Outcome, Table};
use netkernel_core::net_kernel::{Answer, ConnectError};
use netkernel_core::{NodeName, PingId};

pub(crate) async fn ping(
    handle: &Handle,
    node: &NodeName,
    limit: Option<Duration>,
) -> Result<(), PingError> {
    let late = async {
        match limit {
            Some(limit) => Timer::after(limit).await,
            None => future::pending().await,
        };
        Err(PingError::NoAnswer)
    };
    future::or(ask(handle, node), late).await
}

/// Without a limit.
async fn ask(handle: &Handle, node: &NodeName) -> Result<(), PingError> {
    let table = &handle.table;
    if table.is_own(node) {
        return Ok(());
    }
    match handle.call(Call::ConnectAutomatically(node.clone())).await {
        Some(Answer::Connected(result)) => result.map_err(PingError::Connect)?,
        Some(_) | None => return Err(PingError::Connect(ConnectError::NotAlive)),
    }
    // Ourselves, while we wait for a name.
    if *node == NodeName::nonode() {
        return Ok(());
    }
    let not_alive = PingError::Connect(ConnectError::NotAlive);
    let (ping, signals, result) = table.ping(node).ok_or(not_alive)?;
    let _pending = Pending { table, ping };
    for signal in signals {
        if !matches!(table.send(None, node, signal).await, Outcome::Sent) {
            return Err(PingError::LinkLost);
        }
    }
    result.wait().await.filter(|&alive| alive).map(drop).ok_or(PingError::Refused)
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
