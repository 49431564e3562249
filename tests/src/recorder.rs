//! Stands between nodes and their EPMD, and writes down all that they say to it and to each other, as a capture.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::pcap::{Capture, Flow, Segment};

/// An EPMD for nodes that are to be recorded. It registers each with the port of a relay, so that who looks for the node finds that.
#[derive(Debug)]
pub struct Recorder {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tape: Mutex<Tape>,
    ticks: AtomicUsize,
    stopped: AtomicBool,
}

#[derive(Debug)]
struct Tape {
    capture: Capture<BufWriter<File>>,
    flows: Vec<Flow>,
    /// On which somebody accepts.
    ports: Vec<u16>,
}

impl Recorder {
    /// Records the nodes that use its [port](Self::port) in place of this EPMD's.
    ///
    /// # Panics
    /// If there is no such file, or no port.
    #[must_use]
    pub fn start(epmd: u16, file: &Path) -> Self {
        let capture = Capture::new(BufWriter::new(File::create(file).expect("a new file")));
        let tape = Tape {
            capture: capture.expect("a file that can be written"),
            flows: Vec::new(),
            ports: Vec::new(),
        };
        let shared = Arc::new(Shared {
            tape: Mutex::new(tape),
            ticks: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let port = accept(&shared, epmd, true).expect("a port");
        Self { port, shared }
    }

    /// Where its nodes find EPMD.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where its nodes are found, and EPMD.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        self.shared.tape().ports.clone()
    }

    /// How many ticks have passed, of all connections.
    #[must_use]
    pub fn ticks(&self) -> usize {
        self.shared.ticks.load(Ordering::Relaxed)
    }

    /// Writes what was recorded so far into the file.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn flush(&self) {
        self.shared.tape().capture.flush().expect("a file that can be written");
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for port in self.ports() {
            // Whoever accepts there looks.
            _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        }
    }
}

impl Shared {
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection that was made, and that this side has now.
    fn begin(&self, client: &TcpStream, port: u16, to_epmd: bool) -> io::Result<usize> {
        let SocketAddr::V4(from) = client.peer_addr()? else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let mut tape = self.tape();
        let ends = [from, SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)];
        let number = tape.flows.len();
        tape.flows.push(Flow::new(number as u64, ends, to_epmd));
        drop(tape);
        self.passed(number, 0, Segment::Syn)?;
        self.passed(number, 1, Segment::SynAck)?;
        Ok(number)
    }

    /// A side has sent this, and the other has it.
    fn passed(&self, number: usize, side: usize, segment: Segment<'_>) -> io::Result<()> {
        let mut tape = self.tape();
        let Tape { capture, flows, .. } = &mut *tape;
        // Under the lock, so that time goes on.
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
        let flow = &mut flows[number];
        flow.sent(side, segment, at, capture)?;
        flow.came(1 - side, segment, at, capture)
    }
}

/// Passes on what comes to a new port: to that one of this host.
fn accept(shared: &Arc<Shared>, to: u16, is_epmd: bool) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    shared.tape().ports.push(port);
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            if shared.stopped.load(Ordering::Relaxed) {
                return;
            }
            let shared = Arc::clone(&shared);
            thread::spawn(move || serve(&shared, client, port, to, is_epmd));
        }
    });
    Ok(port)
}

fn serve(
    shared: &Arc<Shared>,
    mut client: TcpStream,
    port: u16,
    to: u16,
    is_epmd: bool,
) -> io::Result<()> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
    }
    let number = shared.begin(&client, port, is_epmd)?;
    if is_epmd {
        let request = request(&mut client, shared)?;
        shared.passed(number, 0, Segment::Data(&request))?;
        server.write_all(&request)?;
    }
    thread::scope(|scope| {
        scope.spawn(|| relay(shared, number, 0, &client, &server));
        relay(shared, number, 1, &server, &client);
    });
    Ok(())
}

/// The request that begins a conversation with EPMD. That of a node which registers gets the port of a new relay.
fn request(client: &mut TcpStream, shared: &Arc<Shared>) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    client.read_exact(&mut length)?;
    let mut request = vec![0; usize::from(u16::from_be_bytes(length))];
    client.read_exact(&mut request)?;
    if let [b'x', high, low, ..] = &mut request[..] {
        let port = accept(shared, u16::from_be_bytes([*high, *low]), false)?;
        [*high, *low] = port.to_be_bytes();
    }
    Ok([&length, &request[..]].concat())
}

/// One direction, until its end.
fn relay(shared: &Shared, number: usize, side: usize, mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    let end = loop {
        let bytes = match from.read(&mut buffer) {
            Ok(0) => break Segment::Fin,
            Ok(n) => &buffer[..n],
            Err(_) => break Segment::Rst,
        };
        shared.ticks.fetch_add(usize::from(bytes == [0; 4]), Ordering::Relaxed);
        if shared.passed(number, side, Segment::Data(bytes)).is_err()
            || to.write_all(bytes).is_err()
        {
            break Segment::Rst;
        }
    };
    _ = shared.passed(number, side, end);
    _ = to.shutdown(if end == Segment::Fin { Shutdown::Write } else { Shutdown::Both });
}
