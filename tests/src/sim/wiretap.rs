//! What is on the wire of a run, as a capture.
#![expect(clippy::wildcard_enum_match_arm, reason = "other facts are not asked for")]

use core::cell::RefCell;
use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::rc::Rc;

use netkernel_core::wire::epmd::EPMD_PORT;

use super::HostId;
use super::net::{Piece, Route};
use super::observe::{Fact, Kinds, Oracle, Seen};
use super::world::World;
use crate::pcap::{Capture, Flow, Segment};

/// With more connections than that, those that are gone are forgotten.
const FLOWS_MIN: usize = 1024;

/// Watches a run, and writes down each packet where it is sent. It never objects.
#[derive(Debug)]
pub struct Wiretap<W> {
    capture: Rc<RefCell<io::Result<Capture<W>>>>,
    flows: BTreeMap<u64, Flow>,
    most: usize,
}

impl<W: Write> Wiretap<W> {
    /// One that writes there.
    pub fn new(out: W) -> Self {
        let capture = Rc::new(RefCell::new(Capture::new(out)));
        Self { capture, flows: BTreeMap::new(), most: FLOWS_MIN }
    }

    /// What it writes, to be finished when the run is over; or why it does not any more.
    #[must_use]
    pub fn capture(&self) -> Rc<RefCell<io::Result<Capture<W>>>> {
        Rc::clone(&self.capture)
    }

    fn write(&mut self, at: u64, fact: &Fact) -> io::Result<()> {
        let mut capture = self.capture.borrow_mut();
        let Ok(capture) = capture.as_mut() else { return Ok(()) };
        match fact {
            Fact::Left { route, piece } => {
                if *piece == Piece::Syn {
                    self.flows.insert(route.conn, flow(route));
                }
                let Some(flow) = self.flows.get_mut(&route.conn) else { return Ok(()) };
                flow.sent(route.side, segment(piece), at, capture)
            }
            Fact::Came { route, piece } => {
                let Some(flow) = self.flows.get_mut(&route.conn) else { return Ok(()) };
                flow.came(route.side, segment(piece), at, capture)
            }
            _ => Ok(()),
        }
    }
}

impl<W: Write> Oracle for Wiretap<W> {
    fn name(&self) -> &'static str {
        "wiretap"
    }

    fn wants(&self) -> Kinds {
        Kinds::WIRE
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        if let Err(error) = self.write(seen.at, &seen.fact) {
            *self.capture.borrow_mut() = Err(error);
        }
        if self.flows.len() > self.most {
            let net = &world.shared.net;
            let live: BTreeSet<u64> = net.ends().map(|end| net.serial(end)).collect();
            self.flows.retain(|conn, _| live.contains(conn));
            self.most = FLOWS_MIN.max(2 * self.flows.len());
        }
        Ok(())
    }
}

fn segment(piece: &Piece) -> Segment<'_> {
    match piece {
        Piece::Syn => Segment::Syn,
        Piece::SynAck => Segment::SynAck,
        Piece::Data(bytes) => Segment::Data(bytes),
        Piece::Fin => Segment::Fin,
        Piece::Rst => Segment::Rst,
    }
}

/// Hosts listen on ports from 39,999, but for EPMD.
fn flow(route: &Route) -> Flow {
    let from = 10_000 + (route.conn % 29_000) as u16;
    let [dialling, dialled] = route.hosts.map(address);
    let ends = [SocketAddrV4::new(dialling, from), SocketAddrV4::new(dialled, route.port)];
    Flow::new(route.conn, ends, route.port == EPMD_PORT)
}

/// That of a host in captures.
#[must_use]
pub fn address(host: HostId) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0A00_0001 + host.0 as u32)
}
