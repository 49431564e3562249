//! The target for the whole kernel: a list of operations, decoded from the input, of a host that keeps its contract.

use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use super::calls::Call;
use super::far::{Far, Mood};
use super::model::{Listener, Model, Stream, StreamState};
use super::source::Source;
use crate::cookie::Cookie;
use crate::driver::{Machine as _, turn};
use crate::entropy::Entropy;
use crate::ids::{MailboxId, Mint as _, RequestId, StreamId};
use crate::name::NodeName;
use crate::net_kernel::{
    CloseCause, Config, DistAutoConnect, Input, MonitorOptions, NetKernel, NetTicktime, OpenError,
    SamplePurpose, SocketOption, StartOptions, Started,
};

/// The peers; `m@h` is the kernel itself, and the last is of the other domain.
const NODES: [&str; 5] = ["a@h", "z@h", "b@h", "m@h", "long@h.org"];

/// Any calls, events in any order that a host may cause, and time; in the end the node is stopped.
///
/// Beyond what the kernel asserts of itself, `Model` checks every output.
pub fn net_kernel(input: &[u8]) {
    let mut source = Source::new(input);
    let mut world = World::new(&mut source);
    while !source.is_empty() {
        let op = source.byte();
        if op & 0x40 == 0 {
            world.operate(op & 0x1F, &mut source);
        } else {
            world.call(op & 0x1F, &mut source);
        }
        world.model.observe(&world.kernel);
        // Without the turn, the next operation finds outputs that wait.
        if op & 0x80 == 0 {
            world.turn();
        }
    }
    world.stop();
}

pub(super) struct World {
    pub(super) kernel: NetKernel,
    pub(super) model: Model,
    /// Of all operations since the last turn.
    outputs_max: usize,
    entropy: u8,
}

impl World {
    fn new(source: &mut Source<'_>) -> Self {
        let ticktime = NetTicktime::new(8, 4).unwrap();
        let mut config = Config::new(Cookie::new("C").unwrap(), ticktime);
        let bits = source.byte();
        config.strangers_max = usize::from(bits & 3);
        config.auto_connect = match bits >> 2 & 3 {
            1 => DistAutoConnect::Never,
            2 => DistAutoConnect::Once,
            _ => DistAutoConnect::Always,
        };
        let mut kernel = NetKernel::new(config.clone());
        let subscriber = MailboxId::from_number(1);
        kernel.monitor_nodes(subscriber, true, MonitorOptions::ALL);
        let model = Model::new(subscriber, config.auto_connect);
        Self { kernel, model, outputs_max: 0, entropy: 0 }
    }

    /// Events, and the calls that an input needs most. The numbers stay what they are: the corpus is made of them.
    fn operate(&mut self, op: u8, source: &mut Source<'_>) {
        self.allow_outputs();
        match op {
            0..=3 => self.settle(),
            4 | 5 => self.deliver(source),
            6 => self.deliver_other_bytes(source),
            7 => self.opened(source),
            8 => self.closed(source),
            9 => self.stale(source),
            10..=12 => self.accept(source),
            13..=15 => {
                let node = name(source);
                let request = self.kernel.connect_node(self.model.now, node.clone());
                self.called(request, Call::Connect(node));
            }
            16 | 17 => {
                let request = self.kernel.disconnect_node(self.model.now, &name(source));
                self.called(request, Call::Disconnect);
            }
            18 | 19 => self.start(source),
            20 => {
                let request = self.kernel.stop(self.model.now);
                self.called(request, Call::Stop);
            }
            21..=23 => self.pass(source),
            24 => self.listener(source),
            25 => {
                let request = self.kernel.names(self.model.now, &"h".into());
                self.called(request, Call::Names);
            }
            26 => {
                let cookie = if source.flag() { "C" } else { "OTHER" };
                self.kernel.set_cookie(name(source), Cookie::new(cookie).unwrap());
            }
            27 | 28 => {
                let other = MailboxId::from_number(2);
                self.kernel.mailbox_died(other);
                self.kernel.monitor_nodes(other, op == 27, MonitorOptions::MAP);
            }
            29 => {
                let request = self.kernel.getopts(self.model.now, &name(source), Vec::new());
                self.called(request, Call::GetOpts);
            }
            30 => {
                let (now, options) = (self.model.now, [SocketOption::Nodelay(true)].into());
                let request = if source.flag() {
                    self.kernel.setopts_new(now, options)
                } else {
                    self.kernel.setopts(now, &name(source), options)
                };
                self.called(request, Call::SetOpts);
            }
            _ => self.model.mood = Mood(source.byte()),
        }
    }

    /// What one input may lead to: a few outputs for each stream, each caller and each subscriber.
    pub(super) fn allow_outputs(&mut self) {
        let streams = self.model.streams_that(|stream| stream.state != StreamState::Ended).len();
        self.outputs_max += 8 * (2 + streams + self.model.calls.len());
    }

    fn input(&mut self, input: Input) {
        self.allow_outputs();
        self.kernel.handle(self.model.now, input);
    }

    pub(super) fn called(&mut self, request: RequestId, call: Call) {
        assert!(self.model.calls.insert(request, call).is_none(), "{request:?} was used before");
    }

    /// Carries out all that the kernel wants.
    fn turn(&mut self) {
        // Timers that are due, and answers to samples.
        self.allow_outputs();
        let mut turns = 0;
        let deadline = loop {
            let deadline = turn(&mut self.kernel, self.model.now, &mut self.model);
            if deadline != Some(self.model.now) {
                break deadline;
            }
            turns += 1;
            assert!(turns < 1000, "the kernel never comes to rest");
        };
        assert!(deadline.is_none_or(|at| at > self.model.now), "a deadline has passed");
        let (outputs, max) = (self.model.outputs, self.outputs_max);
        assert!(outputs <= max, "{outputs} outputs where at most {max} are due");
        (self.model.outputs, self.outputs_max) = (0, 0);
        self.model.check_at_rest(&self.kernel);
    }

    /// All answers that are due, and those to the answers, as if the network were fast.
    fn settle(&mut self) {
        for _ in 0..16 {
            self.turn();
            if self.model.listener == Listener::Asked {
                self.model.listener = Listener::Open;
                self.input(Input::Listening { port: 4000 });
            }
            for stream in self.model.streams_that(|stream| stream.state == StreamState::Opening) {
                self.open(stream, true);
            }
            for stream in
                self.model.streams_that(|stream| stream.reading && !stream.inbox.is_empty())
            {
                self.receive(stream, usize::MAX);
            }
            for stream in self.model.streams_that(Stream::is_at_end) {
                self.close(stream, CloseCause::Eof);
            }
            for stream in self.model.streams_that(|stream| stream.state == StreamState::Closing) {
                self.close(stream, CloseCause::Local);
            }
        }
    }

    fn deliver(&mut self, source: &mut Source<'_>) {
        let ready = self.model.streams_that(|stream| stream.reading && !stream.inbox.is_empty());
        if let Some(stream) = source.pick(&ready) {
            let length = source.byte();
            self.receive(stream, if length == 0 { usize::MAX } else { length.into() });
        }
    }

    fn receive(&mut self, id: StreamId, length: usize) {
        let Some(stream) = self.model.streams.get_mut(&id) else { return };
        stream.reading = false;
        let bytes: Bytes = stream.inbox.drain(..length.min(stream.inbox.len())).collect();
        self.input(Input::Received { stream: id, bytes });
    }

    fn deliver_other_bytes(&mut self, source: &mut Source<'_>) {
        let ready = self.model.streams_that(|stream| stream.reading);
        let (stream, bytes) = (source.pick(&ready), source.data());
        if let Some(stream) = stream.and_then(|id| self.model.streams.get_mut(&id)) {
            stream.inbox.splice(..0, bytes.iter().copied());
        }
        if let Some(stream) = stream.filter(|_| !bytes.is_empty()) {
            self.receive(stream, bytes.len());
        }
    }

    fn opened(&mut self, source: &mut Source<'_>) {
        let opening = self.model.streams_that(|stream| stream.state == StreamState::Opening);
        let (stream, opens) = (source.pick(&opening), !source.flag());
        if let Some(stream) = stream {
            self.open(stream, opens);
        }
    }

    fn open(&mut self, id: StreamId, opens: bool) {
        let Some(stream) = self.model.streams.get_mut(&id) else { return };
        if opens {
            stream.state = StreamState::Open;
            let entropy = self.entropy();
            self.input(Input::Opened { stream: id, entropy });
        } else {
            stream.state = StreamState::Ended;
            self.input(Input::OpenFailed { stream: id, error: OpenError::Refused });
        }
    }

    fn closed(&mut self, source: &mut Source<'_>) {
        let open = self.model.streams_that(|stream| {
            matches!(stream.state, StreamState::Open | StreamState::Closing)
        });
        if let Some(stream) = source.pick(&open) {
            self.close(stream, CloseCause::Eof);
        }
    }

    fn close(&mut self, id: StreamId, cause: CloseCause) {
        let Some(stream) = self.model.streams.get_mut(&id) else { return };
        (stream.state, stream.reading) = (StreamState::Ended, false);
        self.input(Input::Closed { stream: id, cause });
    }

    /// Late events of a stream that has ended change nothing.
    fn stale(&mut self, source: &mut Source<'_>) {
        let mut ended = self.model.streams_that(|stream| stream.state == StreamState::Ended);
        ended.push(StreamId::from_number(u64::MAX - 1));
        let Some(stream) = source.pick(&ended) else { return };
        // Of an event that nobody knows, only the time counts.
        let mut before = self.kernel.clone();
        let (unknown, cause) = (StreamId::from_number(u64::MAX), CloseCause::Reset);
        before.handle(self.model.now, Input::Closed { stream: unknown, cause });
        let entropy = self.entropy();
        self.input(match source.below(5) {
            0 => Input::Opened { stream, entropy },
            1 => Input::OpenFailed { stream, error: OpenError::TimedOut },
            2 => Input::Received { stream, bytes: Bytes::copy_from_slice(source.data()) },
            3 => Input::Closed { stream, cause: CloseCause::Reset },
            _ => Input::Sampled { stream, purpose: SamplePurpose::Tick, traffic: None },
        });
        assert_eq!(self.kernel, before, "a late event of {stream:?}");
    }

    /// Somebody connects. A host may tell it late, when the listener has been closed.
    fn accept(&mut self, source: &mut Source<'_>) {
        let (mut first, mood) = (Vec::new(), self.model.mood);
        let us = self.model.alive.clone().unwrap_or_else(|| NodeName::new("m@h").unwrap());
        let caller = source.below(NODES.len() + 1);
        let far = Far::initiator(NODES.get(caller).copied(), us, mood, &mut first);
        let (stream, entropy) = (self.kernel.mint_stream(), self.entropy());
        self.model.add_stream(stream, StreamState::Open, far).inbox = first;
        self.input(Input::Accepted { stream, entropy, local: true });
    }

    fn start(&mut self, source: &mut Source<'_>) {
        let bits = source.byte();
        let name = if bits & 4 == 0 { "m@h" } else { "n@h" };
        let options = StartOptions {
            hidden: bits & 1 != 0,
            listen: bits & 2 == 0,
            started: if bits & 16 == 0 { Started::Dynamic } else { Started::Static },
            ..StartOptions::new(NodeName::new(name).unwrap())
        };
        let nameless = bits & 8 != 0;
        let options = if nameless { StartOptions::nameless("h".into()) } else { options };
        let entropy = self.entropy();
        let request = self.kernel.start(self.model.now, options, entropy);
        self.called(request, Call::Start { nameless });
    }

    fn listener(&mut self, source: &mut Source<'_>) {
        match (self.model.listener, source.flag()) {
            (Listener::Asked, true) => {
                self.model.listener = Listener::None;
                self.input(Input::ListenFailed { error: OpenError::AddressInUse });
            }
            (Listener::Asked, false) => {
                self.model.listener = Listener::Open;
                self.input(Input::Listening { port: 4000 });
            }
            (Listener::Open, true) => self.input(Input::ListenerLost),
            (Listener::Open | Listener::None, _) => {}
        }
    }

    /// Time goes by: up to the next deadline, or some of it, or too much.
    fn pass(&mut self, source: &mut Source<'_>) {
        let span = u64::from(source.byte());
        self.model.now = match (span, self.kernel.deadline()) {
            (0, Some(deadline)) => self.model.now.max(deadline),
            (0, None) => self.model.now,
            (255, _) => self.model.now + Duration::from_secs(3600),
            (span, _) => self.model.now + Duration::from_millis(span * 50),
        };
        if source.flag() {
            self.input(Input::Timeout);
        }
    }

    /// The node is stopped, all streams end, and nothing is left.
    fn stop(&mut self) {
        self.turn();
        let request = self.kernel.halt(self.model.now);
        self.called(request, Call::Halt);
        self.allow_outputs();
        self.turn();
        // The longest that anything may take now is the time for the names of an EPMD.
        for _ in 0..2 {
            for stream in self.model.streams_that(|stream| stream.state == StreamState::Closing) {
                self.close(stream, CloseCause::Local);
                self.turn();
            }
            self.model.now = self.model.now + Duration::from_secs(11);
            self.turn();
        }
        assert_eq!(self.kernel.deadline(), None);
        let left = self.model.streams_that(|stream| stream.state != StreamState::Ended);
        for stream in &left {
            assert_eq!(
                self.model.streams[stream].state,
                StreamState::Closing,
                "{stream:?} is forgotten"
            );
        }
        for stream in left {
            self.close(stream, CloseCause::Local);
        }
        self.turn();
        self.model.check_at_the_end();
    }

    fn entropy(&mut self) -> Entropy {
        self.entropy = self.entropy.wrapping_add(1);
        Entropy::new([self.entropy; 16])
    }
}

pub(super) fn name(source: &mut Source<'_>) -> NodeName {
    NodeName::new(NODES[source.below(NODES.len())]).unwrap()
}
