//! A node on one thread and one `poll(2)` loop: all that an embedder of the core has to write.
//!
//!     cargo run -p netkernel-tests --example poll -- me@127.0.0.1 COOKIE [PEER...]
//!
//! It registers with EPMD (at `ERL_EPMD_PORT`, or 4369), connects to the peers, answers pings, and prints node events and
//! what is sent to its registered name `poll`, until its standard input ends. `docs/embedding.md` walks through it.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "it is an example")]

use core::{error::Error, mem, net::SocketAddr};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::{env, os::fd::AsFd as _, sync::LazyLock};

use bytes::Bytes;
use netkernel_core::driver::{Host, Machine as _, pump, turn};
use netkernel_core::link::{Frame, Limits, LinkReader, LinkWriter, Violation};
use netkernel_core::net_kernel::*;
use netkernel_core::process::{Deliver, ProcessEvent, Processes, Reach};
use netkernel_core::{Cookie, Creation, Entropy, Instant, LinkId, MailboxId, NodeName};
use netkernel_core::{PingId, RequestId, StreamId, epmd_server::is_local, liveness::Traffic};
use netkernel_core::{term::Atom, wire::control::Control};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockRef, Socket, Type};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (name, cookie) = args.next().zip(args.next()).ok_or("arguments: NAME COOKIE [PEER...]")?;
    let mut peers = args.map(|peer| NodeName::new(&peer)).collect::<Result<Vec<_>, _>>()?;
    let mut config = Config::new(Cookie::new(&cookie)?, Default::default());
    config.epmd_port = env::var("ERL_EPMD_PORT").map_or(Ok(4369), |port| port.parse())?;
    let (mut kernel, mut host) = (NetKernel::new(config), PollHost::default());
    let mailbox = host.processes.spawn_mailbox();
    host.processes.register(Atom::new("poll")?, mailbox)?;
    kernel.monitor_nodes(mailbox, true, MonitorOptions::ALL);
    kernel.start(now(), StartOptions::new(NodeName::new(&name)?), entropy());
    while !host.over {
        let wake = turn(&mut kernel, now(), &mut host);
        let peer = if host.started { peers.pop() } else { None };
        if let Some(peer) = peer {
            kernel.connect_node(now(), peer);
        } else if let Some(input) = host.inputs.pop_front() {
            kernel.handle(now(), input);
        } else {
            host.wait(&mut kernel, wake)?;
        }
    }
    Ok(())
}

fn now() -> Instant {
    static BEGIN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    Instant::ORIGIN + BEGIN.elapsed()
}

fn entropy() -> Entropy {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    Entropy::new(bytes)
}

/// All that the kernel does not own.
#[derive(Default)]
struct PollHost {
    listener: Option<TcpListener>,
    streams: BTreeMap<StreamId, Stream>,
    processes: Processes,
    /// What happened at once, while the kernel was being served.
    inputs: VecDeque<Input>,
    started: bool,
    over: bool,
}

/// One socket, from `Open` or `Accepted` to `Closed`.
struct Stream {
    socket: TcpStream,
    dialling: bool,
    /// The kernel wants one read, or the link is up.
    reads: bool,
    link: Option<LinkReader>,
    writer: LinkWriter,
    received: u64,
}

impl PollHost {
    /// Sleeps until something can be done, and does it.
    fn wait(&mut self, kernel: &mut NetKernel, wake: Option<Instant>) -> io::Result<()> {
        let timeout = wake.map(|wake| Timespec::try_from(wake.saturating_since(now())));
        let stdin = io::stdin();
        let mut fds = vec![PollFd::new(&stdin, PollFlags::IN)];
        fds.extend(self.streams.values().map(Stream::poll_fd));
        fds.extend(self.listener.iter().map(|listener| PollFd::new(listener, PollFlags::IN)));
        poll(&mut fds, timeout.and_then(Result::ok).as_ref())?;
        let ready: Vec<_> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] && io::stdin().read(&mut [0; 512])? == 0 {
            kernel.halt(now());
        }
        let ready = self.streams.iter_mut().zip(&ready[1..]).filter(|(_, on)| **on);
        let served = ready.filter_map(|((id, stream), _)| stream.serve(*id, &mut self.processes));
        served.collect::<Vec<_>>().into_iter().for_each(|input| self.report(input));
        // It does not block.
        if let Some(Ok((socket, peer))) = self.listener.as_ref().map(TcpListener::accept) {
            let stream = kernel.mint_stream();
            let local = socket.local_addr().is_ok_and(|own| is_local(peer.ip(), own.ip()));
            self.streams.insert(stream, Stream::new(socket, false)?);
            self.report(Input::Accepted { stream, entropy: entropy(), local });
        }
        Ok(())
    }

    /// Keeps an input for the kernel. What ends a stream ends it here, too.
    fn report(&mut self, input: Input) {
        if let Input::Closed { stream, .. } | Input::OpenFailed { stream, .. } = &input {
            self.streams.remove(stream);
        }
        self.inputs.push_back(input);
    }

    /// How it went is known when the socket becomes writable. To resolve a name may block, so others use a thread for it.
    fn dial(&mut self, id: StreamId, target: &Target) -> io::Result<()> {
        let Address::Port { host, port } = &target.address else {
            return Err(ErrorKind::Unsupported.into());
        };
        let mut addresses = (host.as_str(), *port).to_socket_addrs()?;
        let address = addresses.find(SocketAddr::is_ipv4).ok_or(ErrorKind::NotFound)?;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        let stream = Stream::new(socket.into(), true)?;
        let _ = SockRef::from(&stream.socket).connect(&address.into());
        self.streams.insert(id, stream);
        Ok(())
    }
}

impl Stream {
    fn new(socket: TcpStream, dialling: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let writer = LinkWriter::new(Limits::default());
        Ok(Self { socket, dialling, reads: false, link: None, writer, received: 0 })
    }

    fn poll_fd(&self) -> PollFd<'_> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.reads);
        flags.set(PollFlags::OUT, self.dialling || !self.writer.is_empty());
        PollFd::from_borrowed_fd(self.socket.as_fd(), flags)
    }

    /// Does what can be done now, and says what the kernel must know of it.
    fn serve(&mut self, stream: StreamId, processes: &mut Processes) -> Option<Input> {
        if mem::take(&mut self.dialling) {
            return Some(match self.socket.take_error().transpose() {
                None => Input::Opened { stream, entropy: entropy() },
                Some(Ok(e) | Err(e)) => Input::OpenFailed { stream, error: open_error(&e) },
            });
        }
        let mut buffer = [0; 16 * 1024];
        let room = if self.reads { &mut buffer[..] } else { &mut [] };
        match self.write().and_then(|()| self.socket.read(room)) {
            Ok(0) if self.reads => Some(Input::Closed { stream, cause: CloseCause::Eof }),
            Ok(0) => None,
            Ok(n) => self.take(stream, &buffer[..n], processes),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(_) => Some(Input::Closed { stream, cause: CloseCause::Reset }),
        }
    }

    /// Bytes of a set-up are for the kernel. Those of a link are the data plane's: signals in, answers out.
    fn take(&mut self, stream: StreamId, bytes: &[u8], processes: &mut Processes) -> Option<Input> {
        self.received += bytes.len() as u64;
        let Some(reader) = &mut self.link else {
            self.reads = false;
            return Some(Input::Received { stream, bytes: Bytes::copy_from_slice(bytes) });
        };
        let violation = pump(reader, bytes, processes, &mut Delivery(&mut self.writer)).err()?;
        Some(Input::Closed { stream, cause: CloseCause::Violation(violation) })
    }

    fn write(&mut self) -> io::Result<()> {
        loop {
            let Some(chunk) = self.writer.chunks(1).last().cloned() else { return Ok(()) };
            match self.socket.write(&chunk) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                n => _ = self.writer.advance(n?),
            }
        }
    }
}

fn open_error(error: &io::Error) -> OpenError {
    OpenError::Other(error.raw_os_error().unwrap_or(0))
}

struct Delivery<'a>(&'a mut LinkWriter);

impl Deliver for Delivery<'_> {
    fn message(&mut self, _: MailboxId, message: Bytes) {
        println!("message {message:?}");
    }
    fn event(&mut self, _: MailboxId, event: ProcessEvent) {
        println!("{event:?}");
    }
    // No process of this node has to do with one elsewhere.
    fn signal(&mut self, _: &Atom, _: Control) -> Reach {
        Reach::NoConnection
    }
    fn is_reached(&mut self, _: &NodeName) -> bool {
        false
    }
    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.0.push_forced(frame)
    }
    fn pong(&mut self, _: PingId, _: bool) {}
}

impl Host for PollHost {
    fn listen(&mut self) {
        let listening = TcpListener::bind("127.0.0.1:0").and_then(|listener| {
            listener.set_nonblocking(true)?;
            self.listener.insert(listener).local_addr()
        });
        self.report(match listening {
            Ok(address) => Input::Listening { port: address.port() },
            Err(error) => Input::ListenFailed { error: open_error(&error) },
        });
    }
    fn unlisten(&mut self) {
        self.listener = None;
    }
    fn open(&mut self, stream: StreamId, target: Target) {
        if let Err(error) = self.dial(stream, &target) {
            self.report(Input::OpenFailed { stream, error: open_error(&error) });
        }
    }
    fn read(&mut self, stream: StreamId) {
        self.streams.entry(stream).and_modify(|stream| stream.reads = true);
    }
    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        self.streams.entry(stream).and_modify(|stream| stream.writer.push_raw(bytes));
    }
    fn tick(&mut self, stream: StreamId) {
        self.streams.entry(stream).and_modify(|stream| stream.writer.tick());
    }
    fn promote(&mut self, id: StreamId, promotion: Promotion) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.link = Some(LinkReader::new(&promotion, Limits::default()));
        stream.reads = true;
        // What came behind the handshake may be whole frames.
        let input = stream.take(id, &[], &mut self.processes);
        input.into_iter().for_each(|input| self.report(input));
    }
    fn sample(&mut self, stream: StreamId) -> Option<Traffic> {
        let &Stream { received, ref writer, .. } = self.streams.get(&stream)?;
        let (sent, queued) = (writer.sent(), writer.queued());
        Some(Traffic { received, sent, queued, ..Traffic::default() })
    }
    fn close(&mut self, id: StreamId, abort: bool) {
        let Some(mut stream) = self.streams.remove(&id).filter(|s| !s.dialling) else { return };
        // What is queued in a set-up is short, and the socket takes it at once.
        if !abort {
            let _ = stream.write();
        }
        self.report(Input::Closed { stream: id, cause: CloseCause::Local });
    }
    fn alive(&mut self, name: NodeName, creation: Creation) {
        self.processes.alive(name, creation);
        self.started = true;
    }
    fn not_alive(&mut self) {
        self.processes.not_alive();
    }
    fn event(&mut self, _: MailboxId, event: NodeEvent) {
        println!("{event}");
    }
    fn answer(&mut self, _: RequestId, answer: Answer) {
        println!("{answer:?}");
        self.over |= matches!(answer, Answer::Started(Err(_)) | Answer::Stopped(_));
    }
    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        println!("{diagnostic}");
    }
    // Nobody here sends, so nobody has to know that a link is about to be.
    fn attempting(&mut self, _: NodeName, _: LinkId) {}
    fn disconnected(&mut self, node: NodeName, _: LinkId, _: bool) {
        let mut nowhere = LinkWriter::new(Limits::default());
        self.processes.connection_down(&node, &mut Delivery(&mut nowhere));
    }
}
