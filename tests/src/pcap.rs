//! Captures as tcpdump writes them, of bytes that were never in a packet: TCP segments with numbers that fit together.
//!
//! Segments begin and end where messages of EPMD, of a handshake and of a link do: Wireshark knows the first two only so, and tells
//! no more than one of the last ([`Messages`]).

use core::net::{Ipv4Addr, SocketAddrV4};
use std::io::{self, Write};

use etherparse::{PacketBuilder, TcpHeader};

use crate::messages::Messages;

/// Bytes that a segment carries at most, as on an Ethernet.
const SEGMENT_MAX: usize = 1460;

/// A file that grows with every packet; nothing is remembered.
#[derive(Debug)]
pub struct Capture<W> {
    out: W,
    packet: Vec<u8>,
}

impl<W: Write> Capture<W> {
    /// Begins a file of Ethernet frames whose times are in nanoseconds.
    ///
    /// # Errors
    /// Those of the file.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&0xA1B2_3C4D_u32.to_le_bytes())?;
        out.write_all(&[2, 0, 4, 0])?; // version 2.4
        out.write_all(&[0; 8])?; // no time zone
        out.write_all(&0x0004_0000_u32.to_le_bytes())?; // no packet is cut off
        out.write_all(&1_u32.to_le_bytes())?;
        Ok(Self { out, packet: Vec::new() })
    }

    /// Writes what may still be in a buffer.
    ///
    /// # Errors
    /// Those of the file.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn write(
        &mut self,
        at: u64,
        [from, to]: [SocketAddrV4; 2],
        header: TcpHeader,
        payload: &[u8],
    ) -> io::Result<()> {
        self.packet.clear();
        PacketBuilder::ethernet2(mac(*from.ip()), mac(*to.ip()))
            .ipv4(from.ip().octets(), to.ip().octets(), 64)
            .tcp_header(header)
            .write(&mut self.packet, payload)
            .map_err(io::Error::other)?;
        let length = (self.packet.len() as u32).to_le_bytes();
        self.out.write_all(&((at / 1_000_000_000) as u32).to_le_bytes())?;
        self.out.write_all(&((at % 1_000_000_000) as u32).to_le_bytes())?;
        self.out.write_all(&length)?;
        self.out.write_all(&length)?;
        self.out.write_all(&self.packet)
    }
}

/// A card that somebody has made up, and that is always the same for an address.
const fn mac(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [2, 0, a, b, c, d]
}

/// What one side sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// The dial.
    Syn,
    /// Its answer.
    SynAck,
    /// Bytes.
    Data(&'a [u8]),
    /// No byte will follow.
    Fin,
    /// The connection is no more, or there never was one.
    Rst,
}

impl Segment<'_> {
    /// By how much it moves the sequence.
    const fn length(self) -> u32 {
        match self {
            Self::Syn | Self::SynAck | Self::Fin => 1,
            Self::Data(bytes) => bytes.len() as u32,
            Self::Rst => 0,
        }
    }
}

/// One connection: side 0 has dialled, side 1 was dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    ends: [SocketAddrV4; 2],
    /// The number with which each side begins.
    first: [u32; 2],
    /// That of the byte that each side sends next.
    next: [u32; 2],
    /// That of the byte that each side wants next.
    wanted: [u32; 2],
    /// What each side has said last that it wants next.
    told: [u32; 2],
    messages: [Messages; 2],
}

impl Flow {
    /// Connection `number` of the capture, which both first sequence numbers come of. If it is not to an EPMD, it is one of nodes.
    #[must_use]
    pub const fn new(number: u64, ends: [SocketAddrV4; 2], to_epmd: bool) -> Self {
        let one = (number as u32).wrapping_mul(0x9E37_79B9);
        let first = [one, !one];
        let messages = if to_epmd {
            [Messages::of_epmd_client(), Messages::of_epmd()]
        } else {
            [Messages::of_node(), Messages::of_node()]
        };
        Self { ends, first, next: first, wanted: first, told: first, messages }
    }

    /// A side sends this.
    ///
    /// # Errors
    /// Those of the file.
    pub fn sent<W: Write>(
        &mut self,
        side: usize,
        segment: Segment<'_>,
        at: u64,
        capture: &mut Capture<W>,
    ) -> io::Result<()> {
        if let Segment::Data(bytes) = segment {
            self.messages[side].push(bytes);
            while let Some(whole) = self.messages[side].next() {
                self.data(side, &whole, at, capture)?;
            }
            return Ok(());
        }
        let rest = self.messages[side].rest();
        self.data(side, &rest, at, capture)?;
        let header = TcpHeader {
            syn: matches!(segment, Segment::Syn | Segment::SynAck),
            fin: segment == Segment::Fin,
            rst: segment == Segment::Rst,
            ..self.header(side, segment != Segment::Syn)
        };
        self.next[side] = self.next[side].wrapping_add(segment.length());
        capture.write(at, self.way(side), header, &[])
    }

    fn data<W: Write>(
        &mut self,
        side: usize,
        bytes: &[u8],
        at: u64,
        capture: &mut Capture<W>,
    ) -> io::Result<()> {
        for bytes in bytes.chunks(SEGMENT_MAX) {
            let header = TcpHeader { psh: true, ..self.header(side, true) };
            self.next[side] = self.next[side].wrapping_add(bytes.len() as u32);
            capture.write(at, self.way(side), header, bytes)?;
        }
        Ok(())
    }

    /// What the other side sent has come to this one, which says so.
    ///
    /// # Errors
    /// Those of the file.
    pub fn came<W: Write>(
        &mut self,
        side: usize,
        segment: Segment<'_>,
        at: u64,
        capture: &mut Capture<W>,
    ) -> io::Result<()> {
        if matches!(segment, Segment::Syn | Segment::SynAck) {
            self.wanted[side] = self.first[1 - side].wrapping_add(1);
        } else {
            self.wanted[side] = self.wanted[side].wrapping_add(segment.length());
        }
        match segment {
            // Answered by SynAck, and by nothing.
            Segment::Syn | Segment::Rst => Ok(()),
            Segment::SynAck | Segment::Data(_) | Segment::Fin => {
                let told = self.told[side];
                let header = self.header(side, true);
                if header.acknowledgment_number == told {
                    return Ok(());
                }
                capture.write(at, self.way(side), header, &[])
            }
        }
    }

    /// From whom to whom.
    const fn way(&self, side: usize) -> [SocketAddrV4; 2] {
        [self.ends[side], self.ends[1 - side]]
    }

    fn header(&mut self, side: usize, ack: bool) -> TcpHeader {
        let [from, to] = self.way(side);
        let header = TcpHeader::new(from.port(), to.port(), self.next[side], u16::MAX);
        // What has come may still be held back for the rest of its message.
        let (wanted, next) = (self.wanted[side], self.next[1 - side]);
        let seen = if (next.wrapping_sub(wanted) as i32) < 0 { next } else { wanted };
        let acknowledgment_number = if ack { seen } else { 0 };
        if ack {
            self.told[side] = seen;
        }
        TcpHeader { ack, acknowledgment_number, ..header }
    }
}

#[cfg(test)]
mod tests {
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};

    use super::*;

    /// The packets of a capture: when, and what.
    fn packets(mut file: &[u8]) -> Vec<(u64, SlicedPacket<'_>)> {
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        assert_eq!((word(&file[..4]), word(&file[20..24])), (0xA1B2_3C4D, 1));
        file = &file[24..];
        let mut packets = Vec::new();
        while !file.is_empty() {
            let (seconds, nanos) = (word(&file[..4]), word(&file[4..8]));
            let length = word(&file[8..12]) as usize;
            assert_eq!(word(&file[12..16]) as usize, length);
            let (packet, rest) = file[16..].split_at(length);
            let at = u64::from(seconds) * 1_000_000_000 + u64::from(nanos);
            packets.push((at, SlicedPacket::from_ethernet(packet).unwrap()));
            file = rest;
        }
        packets
    }

    #[test]
    fn numbers_fit_together_and_checksums_are_right() {
        let mut capture = Capture::new(Vec::new()).unwrap();
        let end = |host, port| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, host), port);
        // Its numbers begin anew on the way.
        let mut flow = Flow::new(u64::from(u32::MAX), [end(1, 10_007), end(2, 4369)], true);
        flow.first = [u32::MAX - 2, 70];
        (flow.next, flow.wanted, flow.told) = (flow.first, flow.first, flow.first);
        let long = [7; 3000];
        let talk = [
            (0, Segment::Syn),
            (1, Segment::SynAck),
            (0, Segment::Data(&[0])),
            (0, Segment::Data(&[1, b'n'])),
            (1, Segment::Data(&long)),
            (0, Segment::Fin),
            (1, Segment::Fin),
        ];
        for (at, (side, segment)) in (5_000_000_001..).step_by(2).zip(talk) {
            flow.sent(side, segment, at, &mut capture).unwrap();
            flow.came(1 - side, segment, at + 1, &mut capture).unwrap();
        }
        flow.sent(0, Segment::Rst, 6_000_000_000, &mut capture).unwrap();
        let mut seen = Vec::new();
        for (at, packet) in packets(&capture.out) {
            let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) =
                (&packet.net, &packet.transport)
            else {
                panic!("{packet:?}");
            };
            let header = ip.header().to_header();
            assert_eq!(header.calc_header_checksum(), header.header_checksum);
            let sum = tcp.to_header().calc_checksum_ipv4(&header, tcp.payload()).unwrap();
            assert_eq!(sum, tcp.checksum());
            let flags = [(tcp.syn(), 'S'), (tcp.fin(), 'F'), (tcp.rst(), 'R'), (tcp.ack(), '.')];
            let flags: String =
                flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).collect();
            let from = header.source[3];
            assert_eq!(
                (tcp.source_port(), tcp.destination_port()),
                match from {
                    1 => (10_007, 4369),
                    _ => (4369, 10_007),
                }
            );
            let numbers = (tcp.sequence_number(), tcp.acknowledgment_number());
            seen.push((at - 5_000_000_000, from, flags, numbers, tcp.payload().len()));
        }
        let m = u32::MAX;
        let wanted = [
            (1, 1, "S", (m - 2, 0), 0),
            (3, 2, "S.", (70, m - 1), 0),
            (4, 1, ".", (m - 1, 71), 0),
            // The first byte waits for its message.
            (7, 1, ".", (m - 1, 71), 3),
            (8, 2, ".", (71, 1), 0),
            // What EPMD says goes on to the end.
            (11, 1, "F.", (1, 71), 0),
            (12, 2, ".", (71, 2), 0),
            (13, 2, ".", (71, 2), 1460),
            (13, 2, ".", (1531, 2), 1460),
            (13, 2, ".", (2991, 2), 80),
            (13, 2, "F.", (3071, 2), 0),
            (14, 1, ".", (2, 3072), 0),
            (1_000_000_000, 1, "R.", (2, 3072), 0),
        ];
        let wanted = wanted.map(|(at, from, flags, numbers, length)| {
            (at, from, flags.to_owned(), numbers, length)
        });
        assert_eq!(seen, wanted);
    }
}
