//! TCP between hosts, as far as it can be felt: connections of two byte streams that lose, double, reorder and change nothing,
//! and that stall, fill, end and break in all the ways that TCP's do.

use std::collections::VecDeque;

use bytes::Bytes;
use netkernel_core::StreamId;

use super::{ActorId, HostId};

/// One end of a connection. Stale once the connection is gone from both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    slot: u32,
    /// The generation of the slot, and in the lowest bit the side.
    mark: u32,
}

impl End {
    const fn side(self) -> usize {
        (self.mark & 1) as usize
    }

    /// The end on the other side.
    #[must_use]
    pub const fn other(self) -> Self {
        Self { slot: self.slot, mark: self.mark ^ 1 }
    }

    /// Whether this side dialled.
    #[must_use]
    pub const fn dialled(self) -> bool {
        self.mark & 1 == 0
    }
}

/// Where a piece is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The number of the connection.
    pub conn: u64,
    /// The host that dialled, and the one that was dialled.
    pub hosts: [HostId; 2],
    /// The port that was dialled.
    pub port: u16,
    /// Which of both this is about.
    pub side: usize,
}

/// Who holds an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// No process: it has ended, or its host has.
    Nobody,
    /// A machine; no stream as long as the connection waits in its backlog.
    Actor(ActorId, Option<StreamId>),
    /// A guest's machine.
    Guest(ActorId),
    /// A hostile peer.
    Hostile(u32),
}

/// What travels in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The dial.
    Syn,
    /// The dial was answered.
    SynAck,
    /// Bytes.
    Data(Bytes),
    /// No byte will follow.
    Fin,
    /// The connection is no more; to a dial: nobody listens.
    Rst,
}

/// What a read brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Bytes, at least one.
    Data(Bytes),
    /// The other side sends no more.
    Eof,
    /// The connection is broken.
    Reset,
    /// Nothing for now.
    Nothing,
}

/// Bytes in one direction: written by one side, read by the other. As small as a line of a cache, because there are many.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Pipe {
    /// What was sent, and when it arrives: data that waits to be read, and behind it what is in flight.
    pieces: VecDeque<(u64, Piece)>,
    /// How many of them have arrived.
    arrived: usize,
    /// Bytes in flight or unread.
    taken: usize,
    /// When the last piece arrives.
    last: u64,
    /// Nothing arrives before this.
    stalled_until: u64,
}

impl Pipe {
    /// What has not arrived yet.
    fn flight(&self) -> impl Iterator<Item = &(u64, Piece)> {
        self.pieces.range(self.arrived..)
    }

    /// When the first of it arrives.
    fn next(&self) -> Option<u64> {
        self.pieces.get(self.arrived).map(|(at, _)| *at)
    }

    /// At most `max` bytes of the first piece that has arrived, which goes when it is empty.
    fn read_front(&mut self, max: usize) -> Bytes {
        let bytes = match self.pieces.front_mut() {
            Some((_, Piece::Data(bytes))) if bytes.len() > max => return bytes.split_to(max),
            Some((_, Piece::Data(bytes))) => core::mem::take(bytes),
            Some(_) | None => Bytes::new(),
        };
        self.arrived -= 1;
        self.pieces.pop_front();
        if self.pieces.is_empty() {
            // From its beginning again: so little of it is touched.
            self.pieces.clear();
        }
        bytes
    }
}

#[derive(Debug)]
struct Conn {
    generation: u32,
    /// Never used again, unlike the slot.
    serial: u64,
    hosts: [HostId; 2],
    owners: [Owner; 2],
    /// The side's host knows nothing of the connection any more.
    vanished: [bool; 2],
    /// The side has learned that the connection is broken.
    reset: [bool; 2],
    /// The side has learned that the other one sends no more.
    fin: [bool; 2],
    /// The side found no room to write.
    waits: [bool; 2],
    open: bool,
    port: u16,
    /// What each side has written.
    pipes: [Pipe; 2],
}

/// All connections.
#[derive(Debug)]
pub struct Net {
    conns: Vec<Conn>,
    free: Vec<u32>,
    serial: u64,
    /// Bytes that one direction holds at most.
    window: usize,
}

impl Net {
    /// No connection; each direction of one will hold `window` bytes.
    #[must_use]
    pub const fn new(window: usize) -> Self {
        Self { conns: Vec::new(), free: Vec::new(), serial: 0, window }
    }

    /// A new connection, whose dial has not been sent. The end of the dialling side.
    pub fn dial(&mut self, owner: Owner, from: HostId, to: HostId, port: u16) -> End {
        self.serial += 1;
        let mut conn = Conn {
            generation: 0,
            serial: self.serial,
            hosts: [from, to],
            owners: [owner, Owner::Nobody],
            vanished: [false; 2],
            reset: [false; 2],
            fin: [false; 2],
            waits: [false; 2],
            open: false,
            port,
            pipes: <[Pipe; 2]>::default(),
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                conn.generation = self.conns[slot as usize].generation + 1;
                self.conns[slot as usize] = conn;
                slot
            }
            None => {
                self.conns.push(conn);
                (self.conns.len() - 1) as u32
            }
        };
        End { slot, mark: self.conns[slot as usize].generation << 1 }
    }

    fn conn(&self, end: End) -> Option<&Conn> {
        self.conns.get(end.slot as usize).filter(|conn| conn.generation == end.mark >> 1)
    }

    fn conn_mut(&mut self, end: End) -> Option<&mut Conn> {
        self.conns.get_mut(end.slot as usize).filter(|conn| conn.generation == end.mark >> 1)
    }

    /// Who holds this end.
    #[must_use]
    pub fn owner(&self, end: End) -> Owner {
        self.conn(end).map_or(Owner::Nobody, |conn| conn.owners[end.side()])
    }

    /// Gives this end to somebody.
    pub fn set_owner(&mut self, end: End, owner: Owner) {
        if let Some(conn) = self.conn_mut(end) {
            conn.owners[end.side()] = owner;
            conn.open = true;
        }
    }

    /// The number of the connection: no other ever had it.
    #[must_use]
    pub fn serial(&self, end: End) -> u64 {
        self.conn(end).map_or(0, |conn| conn.serial)
    }

    /// The way of pieces that leave this end or come to it.
    #[must_use]
    pub fn route(&self, end: End) -> Option<Route> {
        let Conn { serial, hosts, port, .. } = *self.conn(end)?;
        Some(Route { conn: serial, hosts, port, side: end.side() })
    }

    /// The host of this end.
    #[must_use]
    pub fn host(&self, end: End) -> Option<HostId> {
        self.conn(end).map(|conn| conn.hosts[end.side()])
    }

    /// The port that was dialled.
    #[must_use]
    pub fn port(&self, end: End) -> u16 {
        self.conn(end).map_or(0, |conn| conn.port)
    }

    /// Whether the connection stands, as far as this side knows.
    #[must_use]
    pub fn is_open(&self, end: End) -> bool {
        self.conn(end).is_some_and(|conn| conn.open && !conn.vanished[end.side()])
    }

    /// Sends a piece from this end; it arrives `delay` from now at the earliest, and behind all that was sent before. When
    /// to look for it at the other end.
    pub fn send(&mut self, end: End, now: u64, delay: u64, piece: Piece) -> Option<u64> {
        let side = end.side();
        let conn = self.conn_mut(end)?;
        let pipe = &mut conn.pipes[side];
        if let Piece::Data(bytes) = &piece {
            pipe.taken += bytes.len();
        }
        let at = (now + delay).max(pipe.last).max(pipe.stalled_until);
        // One look finds all that is there at that moment.
        let looked_for = pipe.last == at && pipe.next().is_some();
        pipe.last = at;
        pipe.pieces.push_back((at, piece));
        (!looked_for).then_some(at)
    }

    /// Bytes that this end may write now. If none, its owner is to be woken when there is room.
    pub fn room(&mut self, end: End) -> usize {
        let (side, window) = (end.side(), self.window);
        let Some(conn) = self.conn_mut(end) else { return 0 };
        let pipe = &mut conn.pipes[side];
        let room = window.saturating_sub(pipe.taken);
        conn.waits[side] = room == 0;
        room
    }

    /// The next piece that has come to this end by now.
    pub fn arrive(&mut self, end: End, now: u64) -> Option<Piece> {
        let side = end.side();
        let conn = self.conn_mut(end)?;
        let pipe = &mut conn.pipes[1 - side];
        if pipe.stalled_until > now || pipe.next()? > now {
            return None;
        }
        let (_, piece) = pipe.pieces.get(pipe.arrived)?;
        let piece = piece.clone();
        if matches!(piece, Piece::Data(_)) && !conn.vanished[side] {
            pipe.arrived += 1;
            return Some(piece);
        }
        pipe.pieces.remove(pipe.arrived);
        match piece {
            _ if conn.vanished[side] => {}
            Piece::Fin => conn.fin[side] = true,
            Piece::Rst => conn.reset[side] = true,
            Piece::Data(_) | Piece::Syn | Piece::SynAck => {}
        }
        Some(piece)
    }

    /// Takes at most `max` bytes of what has arrived. With `true`, the writer on the other side has room again.
    pub fn read(&mut self, end: End, max: usize) -> (Read, bool) {
        let side = end.side();
        let Some(conn) = self.conn_mut(end) else { return (Read::Reset, false) };
        let pipe = &mut conn.pipes[1 - side];
        if pipe.arrived == 0 {
            let nothing = if conn.reset[side] {
                Read::Reset
            } else if conn.fin[side] {
                Read::Eof
            } else {
                Read::Nothing
            };
            return (nothing, false);
        }
        let mut bytes = pipe.read_front(max);
        if pipe.arrived > 0 && bytes.len() < max {
            let mut gathered = bytes.to_vec();
            while pipe.arrived > 0 && gathered.len() < max {
                gathered.extend_from_slice(&pipe.read_front(max - gathered.len()));
            }
            bytes = gathered.into();
        }
        pipe.taken -= bytes.len();
        (Read::Data(bytes), core::mem::take(&mut conn.waits[1 - side]))
    }

    /// Bytes that have arrived here and wait to be read.
    #[must_use]
    pub fn unread(&self, end: End) -> bool {
        self.conn(end).is_some_and(|conn| {
            let side = end.side();
            conn.pipes[1 - side].arrived > 0 || conn.fin[side] || conn.reset[side]
        })
    }

    /// Whether the connection is broken, and a write would fail.
    #[must_use]
    pub fn is_reset(&self, end: End) -> bool {
        self.conn(end).is_none_or(|conn| conn.reset[end.side()])
    }

    /// This side finds the connection broken, and its host knows nothing of it any more; the other side will learn that when
    /// it writes.
    pub fn break_at(&mut self, end: End) {
        let side = end.side();
        if let Some(conn) = self.conn_mut(end) {
            conn.reset[side] = true;
            let pipe = &mut conn.pipes[side];
            pipe.pieces.truncate(pipe.arrived);
        }
        self.vanish(end);
    }

    /// The host of this end forgets the connection, without a word to the other side.
    pub fn vanish(&mut self, end: End) {
        let side = end.side();
        if let Some(conn) = self.conn_mut(end) {
            conn.vanished[side] = true;
            let pipe = &mut conn.pipes[1 - side];
            pipe.pieces.drain(..pipe.arrived);
            pipe.arrived = 0;
        }
    }

    /// Whether this end's host knows nothing of the connection any more.
    #[must_use]
    pub fn has_vanished(&self, end: End) -> bool {
        self.conn(end).is_none_or(|conn| conn.vanished[end.side()])
    }

    /// The owner of this end is done with it. With the second, the connection is gone.
    pub fn release(&mut self, end: End) {
        let side = end.side();
        let Some(conn) = self.conn_mut(end) else { return };
        conn.owners[side] = Owner::Nobody;
        conn.vanished[side] = true;
        let other = 1 - side;
        // A dial that has not come to anybody yet still has to come to nobody.
        let travelling = conn.pipes[side].flight().any(|(_, piece)| *piece != Piece::Rst);
        if conn.owners[other] == Owner::Nobody && (conn.open || !travelling) {
            conn.vanished[other] = true;
            conn.pipes = <[Pipe; 2]>::default();
            // Whoever still has the end of this generation finds nothing.
            conn.generation += 1;
            self.free.push(end.slot);
        }
    }

    /// Nothing that this end sends arrives before `until`.
    pub fn stall(&mut self, end: End, until: u64) {
        let side = end.side();
        if let Some(conn) = self.conn_mut(end) {
            let pipe = &mut conn.pipes[side];
            pipe.stalled_until = pipe.stalled_until.max(until);
        }
    }

    /// Ends all stalls: what was held up arrives now. Ends to which something is on its way are to be looked at.
    pub fn heal(&mut self, now: u64) -> Vec<End> {
        let mut waiting = Vec::new();
        for (slot, conn) in self.conns.iter_mut().enumerate() {
            for (side, pipe) in conn.pipes.iter_mut().enumerate() {
                pipe.stalled_until = 0;
                pipe.last = pipe.last.min(now);
                for (at, _) in &mut pipe.pieces {
                    *at = now.min(*at);
                }
                if pipe.next().is_some() {
                    let mark = conn.generation << 1 | (1 - side) as u32;
                    waiting.push(End { slot: slot as u32, mark });
                }
            }
        }
        waiting
    }

    /// When to look again, if a stall holds up what is on its way to this end.
    #[must_use]
    pub fn stalled(&self, end: End, now: u64) -> Option<u64> {
        let pipe = &self.conn(end)?.pipes[1 - end.side()];
        let held = pipe.stalled_until > now && pipe.next()? <= now;
        held.then_some(pipe.stalled_until)
    }

    /// The dialling ends of all connections that somebody holds, oldest slot first.
    pub fn ends(&self) -> impl Iterator<Item = End> {
        self.conns.iter().enumerate().filter_map(|(slot, conn)| {
            let held = conn.owners.iter().any(|owner| *owner != Owner::Nobody);
            held.then_some(End { slot: slot as u32, mark: conn.generation << 1 })
        })
    }
}
