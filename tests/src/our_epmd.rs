//! Our EPMD on a loopback port, behind the smallest host that can be: one thread that asks its sockets in turn.

use core::net::Ipv4Addr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant as Clock;

use netkernel_blocking::core::driver::{Host, Machine as _, turn};
use netkernel_blocking::core::epmd_server::{Config, Server, State, is_local};
use netkernel_blocking::core::liveness::Traffic;
use netkernel_blocking::core::net_kernel::{
    Answer, CloseCause, Diagnostic, Endpoint, Input, NodeEvent, OptionName, OptsError, Promotion,
    SocketOption, Target,
};
use netkernel_blocking::core::{
    Creation, Entropy, Instant, LinkId, MailboxId, NodeName, RequestId, StreamId,
};

/// A served port. The service ends when this is dropped, if it was not killed before.
#[derive(Debug)]
pub struct OurEpmd {
    port: u16,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OurEpmd {
    /// Serves a free port.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn start(config: Config) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let port = listener.local_addr().expect("its address").port();
        let leave = Arc::new(AtomicBool::new(false));
        let left = Arc::clone(&leave);
        let thread = thread::spawn(move || serve(Server::new(config), listener, port, &left));
        Self { port, leave, thread: Some(thread) }
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for OurEpmd {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; the test sees that nobody answers.
            drop(thread.join());
        }
    }
}

fn serve(mut server: Server, listener: TcpListener, port: u16, leave: &AtomicBool) {
    let began = Clock::now();
    let now = || Instant::ORIGIN + began.elapsed();
    let mut sockets = Sockets { listener: Some(listener), ..Sockets::default() };
    server.handle(now(), Input::Listening { port });
    while !leave.load(Ordering::Relaxed) && !matches!(server.state(), State::Stopped(_)) {
        while let Some((socket, local)) = sockets.accept() {
            let stream = server.mint_stream();
            sockets.open.insert(stream, socket);
            let entropy = Entropy::new([0; 16]);
            server.handle(now(), Input::Accepted { stream, entropy, local });
            turn(&mut server, now(), &mut sockets);
        }
        for input in sockets.inputs() {
            server.handle(now(), input);
        }
        while turn(&mut server, now(), &mut sockets).is_some_and(|due| due <= now()) {}
        thread::sleep(Duration::from_millis(1));
    }
}

#[derive(Default)]
struct Sockets {
    listener: Option<TcpListener>,
    open: BTreeMap<StreamId, TcpStream>,
    reading: BTreeSet<StreamId>,
    closed: Vec<StreamId>,
}

impl Sockets {
    /// The next client, and whether it is on this host.
    fn accept(&self) -> Option<(TcpStream, bool)> {
        let (socket, peer) = self.listener.as_ref()?.accept().ok()?;
        let local = socket.local_addr().is_ok_and(|own| is_local(peer.ip(), own.ip()));
        Some((socket, local))
    }

    /// What has arrived on the sockets that are read, and which have ended.
    fn inputs(&mut self) -> Vec<Input> {
        let closed = core::mem::take(&mut self.closed).into_iter();
        let mut inputs: Vec<_> =
            closed.map(|stream| Input::Closed { stream, cause: CloseCause::Local }).collect();
        for stream in self.reading.clone() {
            let Some(socket) = self.open.get_mut(&stream) else { continue };
            // As the daemon: at most what fits into its buffer for a request.
            let mut buffer = [0; 3059];
            drop(socket.set_nonblocking(true));
            let read = socket.read(&mut buffer);
            drop(socket.set_nonblocking(false));
            let input = match read {
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Ok(0) => Input::Closed { stream, cause: CloseCause::Eof },
                Ok(length) => Input::Received { stream, bytes: buffer[..length].to_vec().into() },
                Err(_) => Input::Closed { stream, cause: CloseCause::Reset },
            };
            self.reading.remove(&stream);
            if matches!(input, Input::Closed { .. }) {
                self.open.remove(&stream);
            }
            inputs.push(input);
        }
        inputs
    }
}

impl Host for Sockets {
    fn unlisten(&mut self) {
        self.listener = None;
    }

    fn read(&mut self, stream: StreamId) {
        self.reading.insert(stream);
    }

    fn transmit(&mut self, stream: StreamId, bytes: bytes::Bytes) {
        if let Some(socket) = self.open.get_mut(&stream) {
            // A client that does not take its answer is seen to be gone by the next read.
            drop(socket.write_all(&bytes));
        }
    }

    fn close(&mut self, stream: StreamId, _: bool) {
        if self.open.remove(&stream).is_some() {
            self.reading.remove(&stream);
            self.closed.push(stream);
        }
    }

    fn listen(&mut self) {}
    fn open(&mut self, _: StreamId, _: Target) {}
    fn attempting(&mut self, _: NodeName, _: LinkId) {}
    fn alive(&mut self, _: NodeName, _: Creation) {}
    fn not_alive(&mut self) {}
    fn event(&mut self, _: MailboxId, _: NodeEvent) {}
    fn promote(&mut self, _: StreamId, _: Promotion) {}
    fn tick(&mut self, _: StreamId) {}
    fn sample(&mut self, _: StreamId) -> Option<Traffic> {
        None
    }
    fn setopts(&mut self, _: Endpoint, _: &[SocketOption]) -> Result<(), OptsError> {
        Err(OptsError::NotSupported)
    }
    fn getopts(&mut self, _: StreamId, _: &[OptionName]) -> Result<Vec<SocketOption>, OptsError> {
        Err(OptsError::NotSupported)
    }
    fn disconnected(&mut self, _: NodeName, _: LinkId, _: bool) {}
    fn answer(&mut self, _: RequestId, _: Answer) {}
    fn diagnostic(&mut self, _: Diagnostic) {}
}
