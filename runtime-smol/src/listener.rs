//! The listener: one task that accepts, and hands sockets to the owner.

use std::net::TcpListener;
use std::sync::Arc;

use async_io::{Async, Timer};
use netkernel_blocking::shared::{Accepted, EXHAUSTED_PAUSE, Inbox, Port};

/// Accepts until the port is closed.
///
/// The inbox is bounded: when the owner is behind, this task waits and further connections stay in the operating system's
/// bounded backlog.
pub(crate) async fn accept_loop(port: &Port, socket: &Async<Arc<TcpListener>>, inbox: &Inbox) {
    loop {
        match port.accept() {
            Accepted::Tell(message) => {
                if !inbox.send(message).await {
                    return;
                }
            }
            Accepted::Blocked => drop(socket.readable().await),
            Accepted::Left => {}
            Accepted::Exhausted => drop(Timer::after(EXHAUSTED_PAUSE).await),
            Accepted::Lost(message) => {
                inbox.send(message).await;
                return;
            }
            Accepted::Closed => return,
        }
    }
}
