//! The listener: one thread that accepts, and hands sockets to the owner.

use std::io;
use std::sync::Arc;
use std::thread;

use crate::shared::{Accepted, EXHAUSTED_PAUSE, Inbox, Port};

/// The stack of the accept thread, in bytes.
pub const ACCEPT_STACK: usize = 128 * 1024;

/// Accepts on `port`, in a thread, until it is closed.
///
/// The inbox is bounded: when the owner is behind, this thread waits and further connections stay in the operating
/// system's bounded backlog.
pub(crate) fn run(port: Arc<Port>, inbox: Arc<Inbox>) -> io::Result<()> {
    thread::Builder::new()
        .name("netkernel accept".into())
        .stack_size(ACCEPT_STACK)
        .spawn(move || accept_loop(&port, &inbox))?;
    Ok(())
}

fn accept_loop(port: &Port, inbox: &Inbox) {
    loop {
        match port.accept() {
            Accepted::Tell(message) => {
                if !inbox.send_blocking(message) {
                    return;
                }
            }
            Accepted::Blocked | Accepted::Left => {}
            Accepted::Exhausted => thread::sleep(EXHAUSTED_PAUSE),
            Accepted::Lost(message) => {
                inbox.send_blocking(message);
                return;
            }
            Accepted::Closed => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::{BACKLOG, INBOX_MAX, Listener, Message, listen};
    use core::net::{IpAddr, Ipv4Addr};
    use core::time::Duration;
    use netkernel_core::net_kernel::Input;
    use std::net::TcpStream;
    use std::time::Instant as Moment;

    const GIVE_UP: Duration = Duration::from_secs(20);

    fn start() -> (Listener, Arc<Inbox>) {
        let listener =
            Listener::new(listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0..=0, BACKLOG).unwrap())
                .unwrap();
        let inbox = Arc::<Inbox>::default();
        run(listener.share(), Arc::clone(&inbox)).unwrap();
        (listener, inbox)
    }

    fn dial(listener: &Listener) -> TcpStream {
        TcpStream::connect(("127.0.0.1", listener.port().unwrap())).unwrap()
    }

    fn next(inbox: &Inbox) -> Option<Message> {
        inbox.receive_blocking(Some(Moment::now() + GIVE_UP))
    }

    #[test]
    fn accepts_until_dropped_and_frees_the_port() {
        let (listener, inbox) = start();
        let port = listener.port().unwrap();
        let _client = dial(&listener);
        assert!(matches!(next(&inbox), Some(Message::Accepted(_))));

        drop(listener);
        let begin = Moment::now();
        while Arc::strong_count(&inbox) > 1 {
            assert!(begin.elapsed() < GIVE_UP, "the thread runs on");
            thread::yield_now();
        }
        assert!(inbox.receive_blocking(Some(Moment::now())).is_none(), "that is no loss");
        listen(IpAddr::V4(Ipv4Addr::LOCALHOST), port..=port, BACKLOG).unwrap();
    }

    #[test]
    fn a_listener_that_does_not_listen_any_more_is_lost() {
        let (listener, inbox) = start();
        let port = listener.share();
        port.socket().shutdown(std::net::Shutdown::Both).unwrap();
        assert!(matches!(next(&inbox), Some(Message::Input(Input::ListenerLost))));
    }

    #[test]
    fn a_full_inbox_holds_strangers_back() {
        let (listener, inbox) = start();
        for _ in 0..INBOX_MAX {
            assert!(inbox.send_blocking(Message::Leave));
        }
        let clients: Vec<_> = (0..10).map(|_| dial(&listener)).collect();
        for _ in 0..INBOX_MAX {
            assert!(matches!(next(&inbox), Some(Message::Leave)));
        }
        for _ in &clients {
            assert!(matches!(next(&inbox), Some(Message::Accepted(_))));
        }
    }
}
