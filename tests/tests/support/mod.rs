//! What the tests share: an EPMD of a few lines, nodes on it, a relay that can be cut, and a peer that misbehaves.
#![allow(dead_code, unreachable_pub, reason = "each test binary has its own copy, and uses a part")]
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "this is test code")]

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant as Moment;

use netkernel_blocking::core::handshake::{Initiator, InitiatorConfig, InitiatorStep, Own};
use netkernel_blocking::core::net_kernel::{NodeDownReason, NodeEvent};
use netkernel_blocking::core::wire::framing::Framing;
use netkernel_blocking::core::{Cookie, Creation, Entropy, Flags, Instant, NodeName};
use netkernel_blocking::{Identity, Item, MonitorOptions, NodeConfig, StartOptions};
use netkernel_tests::runtime::{Mailbox, Node};

/// After so long a test fails instead of waiting. Nothing is expected to take that long.
pub const GIVE_UP: Duration = Duration::from_secs(60);

pub const COOKIE: &str = "SECRETCOOKIE";

pub fn cookie(text: &str) -> Cookie {
    Cookie::new(text).unwrap()
}

pub fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

/// EPMD's names, with their ports.
type Names = Arc<Mutex<BTreeMap<String, u16>>>;

/// Registers and tells names, and no more.
pub struct Epmd {
    pub port: u16,
    names: Names,
}

impl Epmd {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let names = Names::default();
        let shared = Arc::clone(&names);
        let creations = Arc::new(AtomicU32::new(100));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (names, creations) = (Arc::clone(&shared), Arc::clone(&creations));
                thread::spawn(move || converse(stream, &names, &creations, port));
            }
        });
        Self { port, names }
    }

    /// Sends whoever asks for `name` to another port; returns the true one.
    pub fn redirect(&self, name: &str, port: u16) -> u16 {
        self.names.lock().unwrap().insert(name.into(), port).unwrap()
    }

    /// Pretends that a node is registered.
    pub fn pretend(&self, name: &str, port: u16) {
        self.names.lock().unwrap().insert(name.into(), port);
    }

    /// Pretends that there is `silent@127.0.0.1`, which takes connections and never answers.
    pub fn pretend_silent(&self) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        self.pretend("silent", listener.local_addr().unwrap().port());
        listener
    }

    pub fn config(&self) -> NodeConfig {
        let mut config = NodeConfig::new(cookie(COOKIE));
        config.kernel.epmd_port = self.port;
        config
    }

    /// A started node, and a mailbox that monitors nodes and diagnostics.
    pub fn node(&self, node: &str) -> (Node, Mailbox) {
        self.node_with(node, self.config())
    }

    pub fn node_with(&self, node: &str, config: NodeConfig) -> (Node, Mailbox) {
        let (node, mailbox, _) = self.identified(node, config);
        (node, mailbox)
    }

    pub fn identified(&self, node: &str, config: NodeConfig) -> (Node, Mailbox, Identity) {
        let own = Node::new(config).unwrap();
        let mailbox = own.mailbox();
        mailbox.monitor_nodes(true, MonitorOptions::ALL);
        mailbox.monitor_diagnostics(true);
        let identity = own.start(visible(node)).unwrap();
        expect_up(&mailbox, node);
        (own, mailbox, identity)
    }
}

pub fn visible(node: &str) -> StartOptions {
    StartOptions::new(name(node))
}

fn converse(
    mut stream: TcpStream,
    names: &Names,
    creations: &AtomicU32,
    epmd_port: u16,
) -> io::Result<()> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut body)?;
    match body[0] {
        b'x' => {
            let port = u16::from_be_bytes([body[1], body[2]]);
            let length = usize::from(u16::from_be_bytes([body[9], body[10]]));
            let name = String::from_utf8(body[11..11 + length].to_vec()).unwrap();
            let taken = names.lock().unwrap().contains_key(&name);
            let creation = if taken { 99 } else { creations.fetch_add(1, Ordering::Relaxed) };
            let mut answer = vec![b'v', u8::from(taken)];
            answer.extend(creation.to_be_bytes());
            if taken {
                return stream.write_all(&answer);
            }
            names.lock().unwrap().insert(name.clone(), port);
            stream.write_all(&answer)?;
            let end = stream.read(&mut [0]).map(drop);
            names.lock().unwrap().remove(&name);
            end
        }
        b'z' => {
            let name = String::from_utf8(body[1..].to_vec()).unwrap();
            let Some(port) = names.lock().unwrap().get(&name).copied() else {
                return stream.write_all(&[b'w', 1]);
            };
            let mut answer = vec![b'w', 0];
            answer.extend(port.to_be_bytes());
            answer.extend([77, 0, 0, 6, 0, 6]);
            answer.extend((name.len() as u16).to_be_bytes());
            answer.extend(name.as_bytes());
            answer.extend([0, 0]);
            stream.write_all(&answer)
        }
        b'n' => {
            stream.write_all(&u32::from(epmd_port).to_be_bytes())?;
            for (name, port) in names.lock().unwrap().iter() {
                stream.write_all(format!("name {name} at port {port}\n").as_bytes())?;
            }
            Ok(())
        }
        other => panic!("EPMD was asked {other}"),
    }
}

/// The next node event; diagnostics and messages before it are skipped.
pub fn next_event(mailbox: &Mailbox) -> NodeEvent {
    loop {
        match mailbox.recv_timeout(GIVE_UP) {
            Some(Item::Event(event)) => return event,
            Some(_) => {}
            None => panic!("no node event"),
        }
    }
}

pub fn expect_up(mailbox: &Mailbox, node: &str) {
    let event = next_event(mailbox);
    let as_expected = matches!(&event, NodeEvent::NodeUp { node: up, .. } if *up == name(node));
    assert!(as_expected, "expected nodeup of {node}, got {event}");
}

pub fn expect_down(mailbox: &Mailbox, node: &str, reason: NodeDownReason) {
    let event = next_event(mailbox);
    let as_expected = *event.node() == name(node) && event.nodedown_reason() == Some(&reason);
    assert!(as_expected, "expected nodedown of {node} by {reason}, got {event}");
}

/// The next message; other items before it are skipped.
pub fn next_message(mailbox: &Mailbox) -> Vec<u8> {
    loop {
        match mailbox.recv_timeout(GIVE_UP) {
            Some(Item::Message(message)) => return message.to_vec(),
            Some(_) => {}
            None => panic!("no message"),
        }
    }
}

/// A binary as a complete external term.
pub fn term(bytes: &[u8]) -> Vec<u8> {
    let mut term = vec![131, 109];
    term.extend((bytes.len() as u32).to_be_bytes());
    term.extend(bytes);
    term
}

/// Waits until something holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Moment::now();
    while !holds() {
        assert!(start.elapsed() < GIVE_UP, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads until the other side ends the connection, one way or another.
pub fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(GIVE_UP)).unwrap();
    let mut read = Vec::new();
    match stream.read_to_end(&mut read) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    read
}

/// Stands between two nodes, and can cut or stall what passes.
pub struct Relay {
    pub port: u16,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    stalled: Arc<AtomicBool>,
}

impl Relay {
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let stalled = Arc::new(AtomicBool::new(false));
        let (kept, stall) = (Arc::clone(&streams), Arc::clone(&stalled));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = TcpStream::connect(("127.0.0.1", target)).unwrap();
                for (mut from, mut to) in [
                    (near.try_clone().unwrap(), far.try_clone().unwrap()),
                    (far.try_clone().unwrap(), near.try_clone().unwrap()),
                ] {
                    let stall = Arc::clone(&stall);
                    thread::spawn(move || forward(&mut from, &mut to, &stall));
                }
                kept.lock().unwrap().extend([near, far]);
            }
        });
        Self { port, streams, stalled }
    }

    /// Ends both connections in good order.
    pub fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// From now on bytes are taken and not handed on.
    pub fn stall(&self) {
        self.stalled.store(true, Ordering::Release);
    }
}

fn forward(from: &mut TcpStream, to: &mut TcpStream, stall: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if !stall.load(Ordering::Acquire) && to.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
}

/// Speaks the handshake as a node of this name, and leaves the channel to the test.
pub fn join(port: u16, own: &str) -> TcpStream {
    join_with(port, own, COOKIE).unwrap()
}

/// As [`join`]; the error is what the node has sent before it ended the connection.
pub fn join_with(port: u16, own: &str, secret: &str) -> Result<TcpStream, String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(GIVE_UP)).unwrap();
    let config = InitiatorConfig {
        own: Own::Named { name: name(own).to_peer_name().unwrap(), creation: Creation(7) },
        peer: name("a@127.0.0.1"),
        cookie: cookie(secret),
        flags: Flags::SERVED.without(Flags::DIST_HEADER) | Flags::PUBLISHED,
        mandatory: Flags::MANDATORY_26,
        setup_time: GIVE_UP,
        framing: Framing::Short,
    };
    let mut out = Vec::new();
    let mut side = Initiator::new(config, Entropy::new([1; 16]), Instant::MAX, &mut out);
    loop {
        stream.write_all(&out).unwrap();
        out.clear();
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => {}
            end => return Err(format!("{end:?} at {:?}", side.stage())),
        }
        match side.receive(Instant::ORIGIN, &byte, &mut out) {
            Ok(InitiatorStep::Wait(next)) => side = next,
            Ok(InitiatorStep::Done(_)) => return Ok(stream),
            other => return Err(format!("{other:?}")),
        }
    }
}
