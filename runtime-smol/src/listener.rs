//! The listener: one task that accepts, and hands sockets to the owner.

use std::sync::Arc;

use async_io::{Async, Timer};
use netkernel_blocking::shared::{Accepted, EXHAUSTED_PAUSE, Inbox, Port, Socket};

/// Accepts until the port is closed.
///
/// The inbox is bounded: when the owner is behind, this task waits and further connections stay in the operating system's
/// bounded backlog.
pub(crate) async fn accept_loop(port: &Port, socket: &Async<Arc<Socket>>, inbox: &Inbox) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use async_io::block_on;
    use core::net::{IpAddr, Ipv4Addr};
    use futures_lite::future;
    use netkernel_blocking::shared::{BACKLOG, Listener, Message, listen};
    use netkernel_core::net_kernel::Input;
    use std::net::{Shutdown, TcpStream};

    /// A listener, its socket for tasks, and an inbox.
    fn start() -> (Listener, Async<Arc<Socket>>, Inbox) {
        let listener =
            Listener::new(listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0..=0, BACKLOG).unwrap())
                .unwrap();
        let socket = Async::new(Arc::clone(listener.share().socket())).unwrap();
        (listener, socket, Inbox::default())
    }

    #[test]
    fn accepts_until_dropped_and_frees_the_port() {
        let (listener, socket, inbox) = start();
        let (number, port) = (listener.port().unwrap(), listener.share());
        let _client = TcpStream::connect(("127.0.0.1", number)).unwrap();
        block_on(future::zip(accept_loop(&port, &socket, &inbox), async {
            assert!(matches!(inbox.receive().await, Message::Accepted(_)));
            drop(listener);
        }));
        let none = block_on(future::poll_once(inbox.receive()));
        assert!(none.is_none(), "that is no loss");
        drop((port, socket));
        listen(IpAddr::V4(Ipv4Addr::LOCALHOST), number..=number, BACKLOG).unwrap();
    }

    #[test]
    fn a_listener_that_does_not_listen_any_more_is_lost() {
        let (listener, socket, inbox) = start();
        let port = listener.share();
        block_on(future::zip(accept_loop(&port, &socket, &inbox), async {
            future::yield_now().await;
            listener.socket().shutdown(Shutdown::Both).unwrap();
        }));
        let lost = block_on(inbox.receive());
        assert!(matches!(lost, Message::Input(Input::ListenerLost)));
    }
}
