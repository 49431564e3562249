//! The listener: one thread that accepts, and hands sockets to the owner.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;

use netkernel_core::net_kernel::Input;
use socket2::SockRef;

use crate::owner::Message;

/// The stack of the accept thread, in bytes.
pub const ACCEPT_STACK: usize = 128 * 1024;

/// How long to wait when the process or the system is out of descriptors or memory: trying again at once would only
/// burn time.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// An open listener. Dropping it closes the port.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Arc<TcpListener>,
    closing: Arc<AtomicBool>,
    port: u16,
}

impl Listener {
    /// Accepts on `socket`, in a thread, until this value is dropped.
    ///
    /// The inbox is bounded: when the owner is behind, this thread waits and further connections stay in the operating
    /// system's bounded backlog.
    pub(crate) fn run(socket: TcpListener, inbox: SyncSender<Message>) -> io::Result<Self> {
        let port = socket.local_addr()?.port();
        let socket = Arc::new(socket);
        let closing = Arc::new(AtomicBool::new(false));
        let listener = Self { socket: Arc::clone(&socket), closing: Arc::clone(&closing), port };
        thread::Builder::new()
            .name("netkernel accept".into())
            .stack_size(ACCEPT_STACK)
            .spawn(move || accept_loop(&socket, &closing, &inbox))?;
        Ok(listener)
    }

    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&*self.socket)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        // This wakes the thread where the operating system knows shutdown of listeners, and else a connection does.
        if SockRef::from(&*self.socket).shutdown(std::net::Shutdown::Both).is_err() {
            let own = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            let _ = TcpStream::connect_timeout(&own, Duration::from_millis(10));
        }
    }
}

fn accept_loop(socket: &TcpListener, closing: &AtomicBool, inbox: &SyncSender<Message>) {
    let mut exhausted = false;
    loop {
        let accepted = socket.accept();
        if closing.load(Ordering::Acquire) {
            return;
        }
        match accepted {
            Ok((stream, _)) => {
                exhausted = false;
                if inbox.send(Message::Accepted(stream)).is_err() {
                    return;
                }
            }
            // The stranger left before we came to it; nothing is wrong with the listener.
            Err(error) if is_strangers_fault(&error) => {}
            // The socket does not listen any more.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                tracing::error!(%error, "the listener is lost");
                let _ = inbox.send(Message::Input(Input::ListenerLost));
                return;
            }
            // Out of descriptors or memory, which may be strangers' doing: that must not end the links that are up.
            Err(error) => {
                if !exhausted {
                    tracing::warn!(%error, "no connections can be accepted for now");
                }
                exhausted = true;
                thread::sleep(EXHAUSTED_PAUSE);
            }
        }
    }
}

fn is_strangers_fault(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    [Kind::ConnectionAborted, Kind::ConnectionReset, Kind::Interrupted].contains(&error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket;
    use std::sync::mpsc;

    const GIVE_UP: Duration = Duration::from_secs(20);

    #[test]
    fn accepts_until_dropped_and_frees_the_port() {
        let (inbox, messages) = mpsc::sync_channel(1);
        let socket = socket::listen(Ipv4Addr::LOCALHOST, 0..=0).unwrap();
        let listener = Listener::run(socket, inbox).unwrap();
        let port = listener.port();
        let _client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert!(matches!(messages.recv_timeout(GIVE_UP), Ok(Message::Accepted(_))));

        drop(listener);
        assert!(
            matches!(messages.recv_timeout(GIVE_UP), Err(mpsc::RecvTimeoutError::Disconnected)),
            "the thread has ended, and did not call that a loss"
        );
        socket::listen(Ipv4Addr::LOCALHOST, port..=port).unwrap();
    }

    #[test]
    fn a_listener_that_does_not_listen_any_more_is_lost() {
        let (inbox, messages) = mpsc::sync_channel(1);
        let socket = socket::listen(Ipv4Addr::LOCALHOST, 0..=0).unwrap();
        let listener = Listener::run(socket, inbox).unwrap();
        SockRef::from(&*listener.socket).shutdown(std::net::Shutdown::Both).unwrap();
        assert!(matches!(messages.recv_timeout(GIVE_UP), Ok(Message::Input(Input::ListenerLost))));
    }

    #[test]
    fn a_full_inbox_holds_strangers_back() {
        let (inbox, messages) = mpsc::sync_channel(1);
        let socket = socket::listen(Ipv4Addr::LOCALHOST, 0..=0).unwrap();
        let listener = Listener::run(socket, inbox).unwrap();
        let clients: Vec<_> =
            (0..10).map(|_| TcpStream::connect(("127.0.0.1", listener.port())).unwrap()).collect();
        for _ in &clients {
            assert!(matches!(messages.recv_timeout(GIVE_UP), Ok(Message::Accepted(_))));
        }
    }
}
