//! What hosts do for their kernels: dial, move bytes, and close.

use netkernel_core::StreamId;
use netkernel_core::driver::{Machine as _, turn};
use netkernel_core::net_kernel::{Address, CloseCause, Input, OpenError, Target};

use super::host::Todo;
use super::node::Watched;
use super::{EPMD_PORT, Far, Script, Side, Slow, World};

impl World {
    /// One turn of one node, and one read for each of its streams.
    pub fn step(&mut self, id: usize) -> bool {
        let mut busy = self.serve(id);
        for stream in self.streams(id) {
            busy |= self.exchange(id, stream);
        }
        busy
    }

    /// All streams of a node.
    pub fn streams(&self, id: usize) -> Vec<StreamId> {
        self.nodes[id].host.sides.keys().copied().collect()
    }

    /// One turn of a node, and what its host has to do after it.
    pub fn serve(&mut self, id: usize) -> bool {
        let node = &mut self.nodes[id];
        node.host.now = self.now;
        let mut watched = Watched { kernel: &mut node.kernel, seen: &mut node.seen };
        let mut busy = turn(&mut watched, self.now, &mut node.host) == Some(self.now);
        while let Some(todo) = self.nodes[id].host.todo.pop_front() {
            busy = true;
            self.carry_out(id, todo);
        }
        busy
    }

    /// One write and one read of a stream.
    pub fn exchange(&mut self, id: usize, stream: StreamId) -> bool {
        let written = self.write(id, stream);
        self.read(id, stream) || written
    }

    /// Moves what the window lets pass to the other node.
    fn write(&mut self, id: usize, stream: StreamId) -> bool {
        let window = self.window;
        let Some(side) = self.nodes[id].host.sides.get_mut(&stream) else { return false };
        let Far::Node(other, far) = side.far else { return false };
        let bytes: Vec<u8> = side.outbox.drain(..window.min(side.outbox.len())).collect();
        let closes = side.leaving && side.outbox.is_empty();
        // What is written to a lost stream goes nowhere.
        let far = self.nodes[other].host.sides.get_mut(&far).filter(|side| !side.eof);
        if let Some(side) = far {
            side.inbox.extend_from_slice(&bytes);
        }
        if closes {
            self.close(id, stream);
        }
        !bytes.is_empty() || closes
    }

    fn carry_out(&mut self, id: usize, todo: Todo) {
        match todo {
            Todo::Listen => {
                let port = self.next_port;
                self.next_port += 1;
                self.nodes[id].host.port = Some(port);
                self.tell(id, Input::Listening { port });
            }
            Todo::Open(stream, target) => self.open(id, stream, &target),
            Todo::Send(stream, bytes) => {
                let Some(side) = self.nodes[id].host.sides.get_mut(&stream) else { return };
                match side.far {
                    Far::Node(..) => {
                        side.outbox.extend_from_slice(&bytes);
                        self.write(id, stream);
                    }
                    Far::Script(script) => self.scripts[script].received.extend_from_slice(&bytes),
                    Far::Epmd => self.epmd_answers(id, stream, &bytes),
                    Far::Nobody => {}
                }
            }
            Todo::Close { stream, abort } => match self.nodes[id].host.sides.get_mut(&stream) {
                Some(side) if !abort && !side.outbox.is_empty() => side.leaving = true,
                _ => self.close(id, stream),
            },
        }
    }

    fn open(&mut self, id: usize, stream: StreamId, target: &Target) {
        let refused = Input::OpenFailed { stream, error: OpenError::Refused };
        let Address::Port { host, port } = &target.address else {
            return self.tell(id, refused);
        };
        let far = if host == "nowhere.example" {
            self.tell(id, Input::OpenFailed { stream, error: OpenError::Resolve });
            return;
        } else if self.black_holes.contains(port) {
            Far::Nobody
        } else if *port == EPMD_PORT {
            if self.epmd_down {
                self.tell(id, refused);
                return;
            }
            Far::Epmd
        } else if let Some(other) = self.nodes.iter().position(|node| node.host.port == Some(*port))
        {
            Far::Node(other, self.arrive(other, Far::Node(id, stream)))
        } else if self.epmd.values().any(|known| known == port) {
            self.scripts.push(Script { to: Some((id, stream)), ..Script::default() });
            Far::Script(self.scripts.len() - 1)
        } else {
            self.tell(id, refused);
            return;
        };
        self.nodes[id].host.sides.insert(stream, Side { dialled: true, ..Side::new(far) });
        let entropy = self.entropy(id);
        if far != Far::Nobody {
            self.tell_late(id, far, Input::Opened { stream, entropy });
        }
    }

    pub(super) fn arrive(&mut self, id: usize, far: Far) -> StreamId {
        let entropy = self.entropy(id);
        let node = &mut self.nodes[id];
        let stream = node.kernel.mint_stream();
        node.host.sides.insert(stream, Side::new(far));
        self.tell_late(id, far, Input::Accepted { stream, entropy, local: true });
        stream
    }

    fn read(&mut self, id: usize, stream: StreamId) -> bool {
        let segment = self.segment;
        let host = &mut self.nodes[id].host;
        let Some(side) = host.sides.get_mut(&stream) else { return false };
        if side.paused || !(side.reading || side.reader.is_some()) {
            return false;
        }
        if side.inbox.is_empty() {
            if side.eof && !side.closing {
                host.sides.remove(&stream);
                self.tell(id, Input::Closed { stream, cause: CloseCause::Eof });
            }
            return side_gone(self, id, stream);
        }
        let bytes: Vec<u8> = side.inbox.drain(..segment.min(side.inbox.len())).collect();
        side.received += bytes.len() as u64;
        if side.reader.is_some() {
            let closing = side.closing;
            if let (Err(violation), false) = (host.pump(stream, &bytes), closing) {
                self.close_far(id, stream);
                self.nodes[id].host.sides.remove(&stream);
                self.tell(id, Input::Closed { stream, cause: CloseCause::Violation(violation) });
            }
        } else {
            side.reading = false;
            self.tell(id, Input::Received { stream, bytes: bytes.into() });
        }
        true
    }

    /// A late node hears one of the things that it has not heard of yet.
    pub fn hear_late(&mut self, id: usize, at: usize) {
        let input = self.nodes[id].late.remove(at);
        if let Input::Closed { stream, .. } = &input {
            self.nodes[id].host.sides.remove(stream);
        }
        self.tell(id, input);
    }

    /// Nothing is late any more, from now on.
    pub fn hurry(&mut self) {
        self.slow = Slow::Nothing;
        for id in 0..self.nodes.len() {
            while !self.nodes[id].late.is_empty() {
                self.hear_late(id, 0);
            }
        }
    }

    fn close(&mut self, id: usize, stream: StreamId) {
        self.close_far(id, stream);
        let Some(side) = self.nodes[id].host.sides.get_mut(&stream) else { return };
        if self.slow != Slow::Nothing && side.reader.is_some() {
            // What has been read is still handled, until the end is told.
            side.closing = true;
            let far = side.far;
            self.tell_late(id, far, Input::Closed { stream, cause: CloseCause::Local });
            return;
        }
        let Some(side) = self.nodes[id].host.sides.remove(&stream) else { return };
        let late = &mut self.nodes[id].late;
        let all = late.len();
        late.retain(
            |input| !matches!(input, Input::Opened { stream: opened, .. } if *opened == stream),
        );
        let cancelled = side.far == Far::Nobody || late.len() < all;
        if !cancelled {
            self.tell_late(id, side.far, Input::Closed { stream, cause: CloseCause::Local });
        }
    }

    /// The streams between nodes that can still carry something, each twice: as either node knows it.
    pub fn carriers(&self) -> impl Iterator<Item = (usize, StreamId)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.flat_map(|(id, node)| {
            let sides = node.host.sides.iter();
            let carriers = sides.filter(|(_, side)| {
                matches!(side.far, Far::Node(..)) && !side.eof && !side.closing
            });
            carriers.map(move |(stream, _)| (id, *stream))
        })
    }

    /// A stream breaks: what this node has not read or written yet is lost. The other side reads what came before.
    pub fn lose(&mut self, id: usize, stream: StreamId) {
        self.close_far(id, stream);
        let Some(side) = self.nodes[id].host.sides.get_mut(&stream) else { return };
        side.eof = true;
        side.inbox.clear();
        side.outbox.clear();
    }

    pub(super) fn close_far(&mut self, id: usize, stream: StreamId) {
        let Some(side) = self.nodes[id].host.sides.get(&stream) else { return };
        match side.far {
            Far::Node(other, far) => {
                if let Some(side) = self.nodes[other].host.sides.get_mut(&far) {
                    side.eof = true;
                }
            }
            Far::Script(script) => self.scripts[script].closed = true,
            Far::Epmd => {
                if let Some(name) = self.holders.remove(&(id, stream)) {
                    self.epmd.remove(&name);
                }
            }
            Far::Nobody => {}
        }
    }
}

fn side_gone(world: &World, id: usize, stream: StreamId) -> bool {
    !world.nodes[id].host.sides.contains_key(&stream)
}
