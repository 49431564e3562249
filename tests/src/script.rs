//! A peer that does what a test writes down, byte by byte: for what no real node would do. It needs no Erlang.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use netkernel_blocking::core::term::{Atom, Pid, Reference};
use netkernel_blocking::core::wire::epmd::{
    Alive2Resp, Entry, Extra, NODE_TYPE_NORMAL, Name, Port2Resp, PortInfo, Request,
};
use netkernel_blocking::core::wire::framing::Framing;
use netkernel_blocking::core::wire::handshake::{
    ChallengeAck, ChallengeMessage, ChallengeReply, SendName, Status,
};
use netkernel_blocking::core::{Challenge, Creation, Digest, Flags, PeerName};

use crate::GIVE_UP;
use crate::ours::{COOKIE, cookie};

/// The creation of every scripted peer.
pub const CREATION: Creation = Creation(7);

/// What scripted peers offer, unless they are told otherwise: what is served, but for headers in front of messages.
pub const FLAGS: Flags =
    Flags::from_bits(Flags::SERVED.without(Flags::DIST_HEADER).bits() | Flags::PUBLISHED.bits());

/// The challenge of every scripted peer.
pub const CHALLENGE: Challenge = Challenge(0x0A0B_0C0D);

/// One connection of a scripted peer. Every read gives up after [`GIVE_UP`].
#[derive(Debug)]
pub struct Script {
    stream: TcpStream,
    name: String,
}

impl Script {
    /// Dials a node as a peer of this full name, and says nothing.
    ///
    /// # Panics
    /// If nobody listens there.
    #[must_use]
    pub fn dial(port: u16, name: &str) -> Self {
        Self::on(TcpStream::connect(("127.0.0.1", port)).expect("somebody listens"), name)
    }

    /// Takes the next connection of this listener, as a peer of this full name.
    ///
    /// # Panics
    /// If the listener is broken.
    #[must_use]
    pub fn accept(listener: &TcpListener, name: &str) -> Self {
        Self::on(listener.accept().expect("a connection").0, name)
    }

    fn on(stream: TcpStream, name: &str) -> Self {
        stream.set_read_timeout(Some(GIVE_UP)).expect("an option of every socket");
        stream.set_nodelay(true).expect("an option of every socket");
        Self { stream, name: name.to_owned() }
    }

    /// Dials a node and has a link with it.
    ///
    /// # Panics
    /// If the node does not want it.
    #[must_use]
    pub fn join(port: u16, name: &str) -> Self {
        Self::join_with(port, name, FLAGS)
    }

    /// The same with these flags.
    ///
    /// # Panics
    /// If the node does not want it.
    #[must_use]
    pub fn join_with(port: u16, name: &str, flags: Flags) -> Self {
        let mut peer = Self::dial(port, name);
        let name = PeerName::new(name.to_owned());
        let introduction = SendName::V6 { flags, creation: CREATION, name };
        peer.send(&packet(|out| introduction.emit(out)));
        assert_eq!(peer.status(), Status::Ok);
        let challenge = peer.challenge();
        peer.send(&packet(|out| reply_to(&challenge).emit(out)));
        assert_eq!(peer.packet(), ack(CHALLENGE));
        peer
    }

    /// Plays the side that was dialled, to the end of the handshake: there is a link.
    ///
    /// # Panics
    /// If the node does not want it.
    pub fn admit(&mut self) {
        assert!(!self.packet().is_empty(), "send_name");
        self.send(&packet(|out| Status::Ok.emit(out)));
        let challenge = packet(|out| self.own_challenge().emit(out));
        self.send(&challenge);
        let challenge = self.reply().challenge;
        self.send(&packet(|out| out.extend(ack(challenge))));
    }

    /// Writes bytes as they are, in one piece.
    ///
    /// # Panics
    /// If the node has closed the connection.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the node reads");
    }

    /// The same where the node may have closed the connection.
    ///
    /// # Errors
    /// It has.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes bytes in segments of one.
    ///
    /// # Panics
    /// If the node has closed the connection.
    pub fn dribble(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.send(&[*byte]);
        }
    }

    /// Ends the connection in good order.
    ///
    /// # Panics
    /// If it is gone already.
    pub fn close(&mut self) {
        self.stream.shutdown(Shutdown::Both).expect("it is open");
    }

    /// How this peer introduces itself.
    #[must_use]
    pub fn send_name(&self) -> SendName {
        SendName::V6 { flags: FLAGS, creation: CREATION, name: PeerName::new(self.name.clone()) }
    }

    /// The challenge with which this peer answers.
    #[must_use]
    pub fn own_challenge(&self) -> ChallengeMessage {
        ChallengeMessage {
            flags: FLAGS,
            challenge: CHALLENGE,
            creation: CREATION,
            name: PeerName::new(self.name.clone()),
        }
    }

    /// The next packet of the handshake, without its length.
    ///
    /// # Panics
    /// If none comes.
    pub fn packet(&mut self) -> Vec<u8> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length).expect("a packet");
        self.body(u16::from_be_bytes(length).into())
    }

    /// The next packet, which must be a status.
    ///
    /// # Panics
    /// If it is not.
    pub fn status(&mut self) -> Status {
        Status::parse(&self.packet()).expect("a status")
    }

    /// The next packet, which must be a challenge.
    ///
    /// # Panics
    /// If it is not.
    pub fn challenge(&mut self) -> ChallengeMessage {
        ChallengeMessage::parse(&self.packet()).expect("a challenge")
    }

    /// The next packet, which must be the reply to our challenge; what proves the cookie to whoever sent it.
    ///
    /// # Panics
    /// If it is not.
    pub fn reply(&mut self) -> ChallengeReply {
        let reply = ChallengeReply::parse(&self.packet()).expect("a reply");
        assert_eq!(reply.digest, digest(CHALLENGE));
        reply
    }

    /// The next frame of the channel that is no tick, without its length.
    ///
    /// # Panics
    /// If none comes.
    pub fn frame(&mut self) -> Vec<u8> {
        loop {
            let mut length = [0; 4];
            self.stream.read_exact(&mut length).expect("a frame");
            match u32::from_be_bytes(length) {
                0 => {}
                length => return self.body(length as usize),
            }
        }
    }

    /// The next frame that is no tick; `None` if the node ends the connection first.
    ///
    /// # Panics
    /// If neither happens.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut length = [0; 4];
            self.read_or_end(&mut length)?;
            match u32::from_be_bytes(length) {
                0 => {}
                length => {
                    let mut body = vec![0; length as usize];
                    self.read_or_end(&mut body)?;
                    return Some(body);
                }
            }
        }
    }

    fn read_or_end(&mut self, buffer: &mut [u8]) -> Option<()> {
        let Err(error) = self.stream.read_exact(buffer) else { return Some(()) };
        let ended = matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset);
        assert!(ended, "{error}");
        None
    }

    fn body(&mut self, length: usize) -> Vec<u8> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("as many bytes as announced");
        body
    }

    /// Reads until the node ends the connection, in whatever way.
    ///
    /// # Panics
    /// If it does not.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        if let Err(error) = self.stream.read_to_end(&mut read) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
        }
        read
    }

    /// A process of this peer.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid { node: self.atom(), id: 1, serial: 0, creation: CREATION }
    }

    /// A reference of this peer.
    ///
    /// # Panics
    /// Never: references may have one word.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference::new(self.atom(), CREATION, &[1]).expect("one word")
    }

    fn atom(&self) -> Atom {
        Atom::new(&self.name).expect("a short name")
    }
}

/// One packet of the handshake, with its length.
///
/// # Panics
/// If it is longer than a packet can be.
pub fn packet(body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    Framing::Short.put(&mut out, body).expect("a short packet");
    out
}

/// What proves the cookie to whoever sent this challenge, and asks for the same.
#[must_use]
pub fn reply_to(message: &ChallengeMessage) -> ChallengeReply {
    ChallengeReply { challenge: CHALLENGE, digest: digest(message.challenge) }
}

/// The acknowledgement, without its length.
#[must_use]
pub fn ack(challenge: Challenge) -> Vec<u8> {
    let mut out = Vec::new();
    ChallengeAck { digest: digest(challenge) }.emit(&mut out);
    out
}

fn digest(challenge: Challenge) -> Digest {
    cookie(COOKIE).digest(challenge)
}

/// An EPMD of a few lines, for the registrations and look-ups of well-behaved nodes.
#[derive(Debug)]
pub struct Directory {
    port: u16,
    names: Names,
}

type Names = Arc<Mutex<BTreeMap<String, u16>>>;

impl Directory {
    /// Starts one, for as long as the process lives.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let names = Names::default();
        let shared = Arc::clone(&names);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let names = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &names));
            }
        });
        Self { port, names }
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Opens a listener and has it found as the node of this full name.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn listen(&self, node: &str) -> TcpListener {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let name = node.split('@').next().unwrap_or(node);
        let port = listener.local_addr().expect("its number").port();
        lock(&self.names).insert(name.to_owned(), port);
        listener
    }
}

fn serve(mut stream: TcpStream, names: &Names) -> io::Result<()> {
    let mut request = vec![0; 2];
    stream.read_exact(&mut request)?;
    let length = usize::from(u16::from_be_bytes([request[0], request[1]]));
    request.resize(2 + length, 0);
    stream.read_exact(&mut request[2..])?;
    let mut answer = Vec::new();
    match Request::parse(&request) {
        Ok(Some(Request::Alive2(Entry { info, name, .. }))) => {
            lock(names).insert(name.as_str().to_owned(), info.port);
            Alive2Resp::New { result: 0, creation: 100 }.emit(&mut answer);
            stream.write_all(&answer)?;
            // Registered for as long as the connection lives.
            stream.read_to_end(&mut answer)?;
            lock(names).remove(name.as_str());
            Ok(())
        }
        Ok(Some(Request::PortPlease2 { name })) => {
            match lock(names).get(name.as_str()) {
                Some(port) => Port2Resp::Found(entry(name, *port)).emit(&mut answer),
                None => Port2Resp::NotFound.emit(&mut answer),
            }
            stream.write_all(&answer)
        }
        other => panic!("EPMD was asked {other:?}"),
    }
}

fn entry(name: Name<'_>, port: u16) -> Entry<'_> {
    let info = PortInfo { port, node_type: NODE_TYPE_NORMAL, protocol: 0, highest: 6, lowest: 5 };
    Entry { info, name, extra: Extra::default() }
}

fn lock(names: &Names) -> MutexGuard<'_, BTreeMap<String, u16>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}
