//! Peers that mean harm: they connect to whatever listens, and say what nobody should.

use netkernel_core::wire::epmd::EPMD_PORT;

use super::HostId;
use super::choice::{Topic, pick};
use super::net::{End, Owner, Piece, Read};
use super::plan::{MILLI, SECOND};
use super::shared::Event;
use super::world::World;

/// All of them, by number.
#[derive(Debug, Default)]
pub(super) struct Hostiles(Vec<Hostile>);

#[derive(Debug)]
struct Hostile {
    end: End,
    manner: Manner,
    /// Answers given.
    spoke: u32,
}

/// What a hostile peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Connects and is silent.
    Silent,
    /// Random bytes, again and again.
    Garbage,
    /// A length that is not true.
    LyingLength,
    /// Half a name, and no more.
    HalfName,
    /// A whole name, and then a wrong digest.
    WrongCookie,
    /// A whole name, and then it goes.
    NameAndGo,
    /// Registers the name of this node with its EPMD, under a port of its own choice. Not drawn: it is a fault.
    Squat { node: usize, port: u16 },
}

const MANNERS: [Manner; 6] = [
    Manner::Silent,
    Manner::Garbage,
    Manner::LyingLength,
    Manner::HalfName,
    Manner::WrongCookie,
    Manner::NameAndGo,
];

impl World<'_> {
    /// Number 0: one or many connect anew. Any other: this one leaves.
    pub(super) fn hostile(&mut self, number: u32) {
        if number > 0 {
            return self.hostile_leaves(number);
        }
        let many = if self.shared.choice.chance(Topic::Hostile, 100) { 20 } else { 1 };
        for _ in 0..many {
            self.hostile_connects();
        }
        self.plan_next(self.shared.plan.hostile_every_ns, Topic::Hostile, Event::Hostile(0));
    }

    fn hostile_connects(&mut self) {
        let hosts = self.shared.hosts.len() as u64;
        let from = HostId(self.shared.choice.draw(Topic::Hostile, hosts) as usize);
        let to = HostId(self.shared.choice.draw(Topic::Hostile, hosts) as usize);
        let ports: Vec<u16> = self.shared.hosts[to.0].listeners.keys().copied().collect();
        if ports.is_empty() {
            return;
        }
        self.shared.counts.hostiles += 1;
        let port = pick(self.shared.choice, Topic::Hostile, &ports);
        let manner = pick(self.shared.choice, Topic::Hostile, &MANNERS);
        let number = self.hostiles.0.len() as u32 + 1;
        let end = self.shared.dial(Owner::Hostile(number), from, to, port);
        self.hostiles.0.push(Hostile { end, manner, spoke: 0 });
        let stay = self.shared.choice.range(Topic::Hostile, MILLI, 30 * SECOND);
        self.shared.at(self.shared.now + stay, Event::Hostile(number));
    }

    /// Somebody registers the name of a node with its EPMD, and stays until then: under a port where nobody is, or another node.
    pub(super) fn squat(&mut self, node: usize, host: HostId, until: u64) {
        let ports: Vec<u16> = self.shared.hosts[host.0].listeners.keys().copied().collect();
        let other = self.shared.choice.chance(Topic::Hostile, 500) && !ports.is_empty();
        let port = if other { pick(self.shared.choice, Topic::Hostile, &ports) } else { 39_999 };
        let number = self.hostiles.0.len() as u32 + 1;
        let end = self.shared.dial(Owner::Hostile(number), host, host, EPMD_PORT);
        self.hostiles.0.push(Hostile { end, manner: Manner::Squat { node, port }, spoke: 0 });
        let stay = self.shared.choice.range(Topic::Hostile, MILLI, 5 * SECOND);
        self.shared.at(until + stay, Event::Hostile(number));
    }

    /// All names are free again.
    pub(super) fn squatters_leave(&mut self) {
        for number in 1..=self.hostiles.0.len() {
            if matches!(self.hostiles.0[number - 1].manner, Manner::Squat { .. }) {
                self.hostile_leaves(number as u32);
            }
        }
    }

    /// `ALIVE2_REQ`.
    fn squatter_words(&self, node: usize, port: u16) -> Vec<u8> {
        let name = self.actors[node].name().map_or("", |name| name.name());
        let mut body = vec![120];
        body.extend_from_slice(&port.to_be_bytes());
        body.extend_from_slice(&[77, 0, 0, 6, 0, 5]);
        body.extend_from_slice(&(name.len() as u16).to_be_bytes());
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(&[0, 0]);
        let mut packet = (body.len() as u16).to_be_bytes().to_vec();
        packet.append(&mut body);
        packet
    }

    fn hostile_leaves(&mut self, number: u32) {
        let Some(hostile) = self.hostiles.0.get(number as usize - 1) else { return };
        let end = hostile.end;
        if self.shared.net.owner(end) != Owner::Hostile(number) {
            return;
        }
        let rude = self.shared.choice.chance(Topic::Hostile, 500);
        let piece = if rude { Piece::Rst } else { Piece::Fin };
        self.shared.send(end, piece);
        self.shared.net.vanish(end);
        self.shared.net.release(end);
    }

    pub(super) fn hostile_hears(&mut self, number: u32, end: End, piece: &Piece) {
        let Some(hostile) = self.hostiles.0.get_mut(number as usize - 1) else { return };
        match piece {
            Piece::Syn => {}
            Piece::Rst => self.shared.net.release(end),
            Piece::Fin => {
                // A half-closed connection is answered by closing, or not at all.
                if self.shared.choice.chance(Topic::Hostile, 500) {
                    self.hostile_leaves(number);
                }
            }
            Piece::SynAck | Piece::Data(_) => {
                while matches!(self.shared.net.read(end, 4096).0, Read::Data(_)) {}
                hostile.spoke += 1;
                let (manner, spoke) = (hostile.manner, hostile.spoke);
                let bytes = self.hostile_words(manner, spoke);
                if manner == Manner::NameAndGo && spoke > 1 {
                    return self.hostile_leaves(number);
                }
                if !bytes.is_empty() && spoke < 10 {
                    self.shared.send(end, Piece::Data(bytes.into()));
                }
            }
        }
    }

    fn hostile_words(&mut self, manner: Manner, spoke: u32) -> Vec<u8> {
        match (manner, spoke) {
            (Manner::Silent, _) => Vec::new(),
            (Manner::Garbage, _) => {
                let length = self.shared.choice.range(Topic::Hostile, 1, 40);
                (0..length).map(|_| self.shared.choice.draw(Topic::Hostile, 256) as u8).collect()
            }
            (Manner::LyingLength, 1) => vec![0xFF, 0xFF, b'N', 0, 0],
            (Manner::HalfName, 1) => self.hostile_name()[..12].to_vec(),
            (Manner::WrongCookie | Manner::NameAndGo, 1) => self.hostile_name(),
            (Manner::WrongCookie, 3) => {
                let mut reply = vec![0, 21, b'r', 1, 2, 3, 4];
                reply.resize(23, 7);
                reply
            }
            (Manner::Squat { node, port }, 1) => self.squatter_words(node, port),
            (Manner::Squat { .. } | Manner::LyingLength | Manner::HalfName, _)
            | (Manner::WrongCookie | Manner::NameAndGo, _) => Vec::new(),
        }
    }

    /// `send_name` of version 6, under the name of a node of the cluster or of nobody.
    fn hostile_name(&mut self) -> Vec<u8> {
        let nodes = self.shared.plan.nodes as u64;
        let drawn = self.shared.choice.range(Topic::Hostile, 0, nodes) as usize;
        let name = self.actors.get(drawn).and_then(|actor| actor.name());
        let name = name.map_or("stranger@h0", |name| name.as_str()).to_owned();
        // All flags that OTP demands and offers.
        let flags: u64 = 0x0000_000D_07DF_7FBD;
        let mut body = vec![b'N'];
        body.extend_from_slice(&flags.to_be_bytes());
        body.extend_from_slice(&[0, 0, 0, 9]);
        body.extend_from_slice(&(name.len() as u16).to_be_bytes());
        body.extend_from_slice(name.as_bytes());
        let mut packet = (body.len() as u16).to_be_bytes().to_vec();
        packet.append(&mut body);
        packet
    }
}
