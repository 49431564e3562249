//! The host: an event loop that embeds the core. It has only what is public in `netkernel_core`, and what its operating system is here:
//! `System`.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use netkernel_core::driver::{Host, Machine as _, pump, turn};
use netkernel_core::link::{Busy, Frame, Limits, LinkReader, LinkWriter, Violation};
use netkernel_core::net_kernel::*;
use netkernel_core::process::{Deliver, ProcessEvent, Processes, Reach};
use netkernel_core::{Cookie, Creation, Flags, LinkId, MailboxId, NodeName, PingId, RequestId};
use netkernel_core::{StreamId, liveness::Traffic, term::Atom, wire::control::Control};
use netkernel_tests::sim::guest::{Duty, Guest, Happening, Read, Socket, System};

use super::mistakes::{Mistake, Trust};

/// The process: a kernel, and a loop around it.
#[derive(Debug)]
pub(crate) struct Loop {
    kernel: NetKernel,
    node: Node,
}

/// All that the kernel does not own.
#[derive(Debug)]
struct Node {
    name: NodeName,
    cookie: Cookie,
    /// The name of the one process, which gets all messages and sends those of applications; and the process.
    mailbox: Atom,
    witness: Option<MailboxId>,
    streams: BTreeMap<StreamId, Stream>,
    processes: Processes,
    /// What happened at once, while the kernel was being served.
    inputs: VecDeque<Input>,
    start_again: bool,
    mistake: Mistake,
}

/// One connection, from `Open` or `Accepted` to `Closed`.
#[derive(Debug)]
struct Stream {
    socket: Socket,
    dialling: bool,
    /// The kernel wants one read, or the link is up.
    reads: bool,
    link: Option<LinkReader>,
    /// The other side of the link, and what both have agreed on.
    peer: Option<(NodeName, Flags)>,
    writer: LinkWriter,
    /// Messages for which there was no room yet.
    waiting: VecDeque<Frame>,
    mistake: Mistake,
    received: u64,
    /// Somebody has connected to a `trusting` host.
    trust: Option<Trust>,
}

impl Loop {
    pub(crate) fn new(duty: Duty, mistake: Mistake) -> Self {
        let mut config = Config::new(duty.cookie.clone(), duty.net_ticktime);
        config.setup_time = duty.setup_time;
        let (streams, inputs) = (BTreeMap::new(), VecDeque::new());
        let node = Node {
            name: duty.name,
            cookie: duty.cookie,
            mailbox: duty.mailbox,
            witness: None,
            streams,
            processes: Processes::new(),
            inputs,
            start_again: false,
            mistake,
        };
        Self { kernel: NetKernel::new(config), node }
    }

    fn start(&mut self, system: &mut System<'_, '_>) {
        let options = StartOptions::new(self.node.name.clone());
        self.kernel.start(system.now(), options, system.entropy());
    }
}

impl Guest for Loop {
    fn happen(&mut self, what: Happening, system: &mut System<'_, '_>) {
        let now = system.now();
        match what {
            Happening::Started => {
                let witness = self.node.processes.spawn_mailbox();
                self.node.witness = Some(witness);
                let name = self.node.mailbox.clone();
                self.node.processes.register(name, witness).expect("nobody else has it");
                self.kernel.monitor_nodes(witness, true, MonitorOptions::ALL);
                self.start(system);
            }
            // A name that EPMD did not give is asked for again.
            Happening::Woken if core::mem::take(&mut self.node.start_again) => self.start(system),
            // What is due `turn` finds out itself.
            Happening::Woken => {}
            Happening::Connected(socket) => {
                if let Some(stream) = self.node.stream_of(socket) {
                    self.node.streams.entry(stream).and_modify(|it| it.dialling = false);
                    let entropy = system.entropy();
                    self.kernel.handle(now, Input::Opened { stream, entropy });
                }
            }
            Happening::Failed(socket, error) => {
                if let Some(stream) = self.node.stream_of(socket) {
                    self.node.report(Input::OpenFailed { stream, error });
                }
            }
            Happening::Accepted(socket) => {
                let stream = self.kernel.mint_stream();
                let mut accepted = Stream::new(socket, false, self.node.mistake);
                if self.node.mistake == Mistake::Trusting {
                    accepted.trust = Some(Trust::new(self.node.cookie.clone()));
                }
                self.node.streams.insert(stream, accepted);
                let (entropy, local) = (system.entropy(), system.is_local(socket));
                self.kernel.handle(now, Input::Accepted { stream, entropy, local });
            }
            Happening::Readable(socket) => {
                if let Some(stream) = self.node.stream_of(socket) {
                    self.node.receive(stream, system);
                }
            }
            Happening::Writable(socket) => {
                if let Some(stream) = self.node.stream_of(socket) {
                    self.node.streams.entry(stream).and_modify(|stream| stream.write(system));
                }
            }
            Happening::Send { to, message } => self.node.send(&to, message, system),
            Happening::Connect(node) => drop(self.kernel.connect_node(now, node)),
            Happening::Disconnect(node) => drop(self.kernel.disconnect_node(now, &node)),
        }
        loop {
            let wake = turn(&mut self.kernel, now, &mut Carrier { node: &mut self.node, system });
            if let Some(input) = self.node.inputs.pop_front() {
                self.kernel.handle(now, input);
            } else if wake.is_none_or(|wake| wake > now) {
                let again = self.node.start_again.then(|| now + core::time::Duration::from_secs(1));
                return system.wake_at(wake.into_iter().chain(again).min());
            }
        }
    }
}

impl Node {
    fn stream_of(&self, socket: Socket) -> Option<StreamId> {
        self.streams.iter().find(|(_, stream)| stream.socket == socket).map(|(id, _)| *id)
    }

    /// Keeps an input for the kernel. What ends a stream ends it here, too.
    fn report(&mut self, input: Input) {
        if let Input::Closed { stream, .. } | Input::OpenFailed { stream, .. } = &input {
            self.streams.remove(stream);
        }
        self.inputs.push_back(input);
    }

    /// What is sent to a node that there is no link with is lost.
    fn send(&mut self, to: &NodeName, message: Bytes, system: &mut System<'_, '_>) {
        let Some(from) = self.witness.and_then(|witness| self.processes.pid(witness)) else {
            return;
        };
        let mut links = self.streams.values_mut().filter_map(|stream| {
            let (node, flags) = stream.peer.clone()?;
            (node == *to).then_some((stream, flags))
        });
        if let Some((stream, flags)) = links.next() {
            let signal = Control::RegSend { from, to: self.mailbox.clone(), message, token: None };
            stream.waiting.extend(Frame::new(&signal, flags));
            stream.write(system);
        }
    }

    /// Reads what there is, as long as somebody wants it.
    fn receive(&mut self, id: StreamId, system: &mut System<'_, '_>) {
        while let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.reads) {
            let cause = match system.read(stream.socket, 16 * 1024) {
                Read::Nothing => return,
                Read::Eof => CloseCause::Eof,
                Read::Reset => CloseCause::Reset,
                Read::Data(bytes) => match stream.take(id, bytes, &mut self.processes, system) {
                    None => {
                        stream.write(system);
                        continue;
                    }
                    Some(Input::Closed { cause, .. }) => cause,
                    Some(input) => {
                        self.inputs.push_back(input);
                        continue;
                    }
                },
            };
            system.close(stream.socket, false);
            self.report(Input::Closed { stream: id, cause });
        }
    }
}

impl Stream {
    fn new(socket: Socket, dialling: bool, mistake: Mistake) -> Self {
        // So little that much has to wait.
        let mut limits = Limits::default();
        limits.high_mark_bytes = 100;
        Self {
            socket,
            dialling,
            reads: false,
            link: None,
            peer: None,
            writer: LinkWriter::new(limits),
            waiting: VecDeque::new(),
            mistake,
            received: 0,
            trust: None,
        }
    }

    /// Bytes of a set-up are for the kernel. Those of a link are the data plane's: signals in, answers out.
    fn take(
        &mut self,
        stream: StreamId,
        bytes: Bytes,
        to: &mut Processes,
        system: &mut System<'_, '_>,
    ) -> Option<Input> {
        self.received += bytes.len() as u64;
        let Some(reader) = &mut self.link else {
            let bytes = match &mut self.trust {
                Some(trust) => Some(trust.heard(&bytes)).filter(|packets| !packets.is_empty())?,
                None => bytes,
            };
            self.reads = false;
            return Some(Input::Received { stream, bytes });
        };
        let hears = self.mistake != Mistake::Deaf;
        let application = hears.then_some((self.socket, system));
        let mut delivery = Delivery { writer: &mut self.writer, application };
        let violation = pump(reader, &bytes, to, &mut delivery).err()?;
        Some(Input::Closed { stream, cause: CloseCause::Violation(violation) })
    }

    /// As much as there is room for; `Writable` goes on with the rest.
    fn write(&mut self, system: &mut System<'_, '_>) {
        loop {
            self.fill();
            let Some(chunk) = self.writer.chunks(1).last().cloned() else { return };
            match system.write(self.socket, &chunk) {
                0 => return,
                written => _ = self.writer.advance(written),
            }
        }
    }

    /// Messages that wait, as many as there is room for.
    fn fill(&mut self) {
        let hasty = self.mistake == Mistake::Hasty;
        let next = if hasty { VecDeque::pop_back } else { VecDeque::pop_front };
        while let Some(frame) = next(&mut self.waiting) {
            if let Err(Busy(frame)) = self.writer.push(frame) {
                if hasty {
                    self.waiting.push_back(frame);
                } else if self.mistake != Mistake::Lossy {
                    self.waiting.push_front(frame);
                }
                return;
            }
        }
    }
}

/// Carries out what the kernel wants.
struct Carrier<'n, 's, 'a, 'c> {
    node: &'n mut Node,
    system: &'s mut System<'a, 'c>,
}

impl Carrier<'_, '_, '_, '_> {
    fn with(&mut self, stream: StreamId, work: impl FnOnce(&mut Stream, &mut System<'_, '_>)) {
        if let Some(stream) = self.node.streams.get_mut(&stream) {
            work(stream, self.system);
        }
    }
}

impl Host for Carrier<'_, '_, '_, '_> {
    fn listen(&mut self) {
        let port = self.system.listen();
        self.node.report(Input::Listening { port });
    }
    fn unlisten(&mut self) {
        self.system.unlisten();
    }
    fn open(&mut self, stream: StreamId, target: Target) {
        let dialled = match &target.address {
            Address::Port { host, port } => self.system.dial(host, *port),
            Address::Local(_) => Err(OpenError::Unreachable),
        };
        match dialled {
            Ok(socket) => {
                drop(self.node.streams.insert(stream, Stream::new(socket, true, self.node.mistake)))
            }
            Err(error) => self.node.report(Input::OpenFailed { stream, error }),
        }
    }
    fn read(&mut self, stream: StreamId) {
        self.with(stream, |stream, _| stream.reads = true);
        self.node.receive(stream, self.system);
    }
    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        self.with(stream, |stream, system| {
            stream.trust.iter_mut().for_each(|trust| trust.said(&bytes));
            stream.writer.push_raw(bytes);
            stream.write(system);
        });
    }
    fn tick(&mut self, stream: StreamId) {
        if self.node.mistake != Mistake::Mute {
            self.with(stream, |stream, system| {
                stream.writer.tick();
                stream.write(system);
            });
        }
    }
    fn promote(&mut self, id: StreamId, promotion: Promotion) {
        let Some(stream) = self.node.streams.get_mut(&id) else { return };
        self.system.up(promotion.node.clone(), stream.socket);
        stream.link = Some(LinkReader::new(&promotion, Limits::default()));
        stream.peer = Some((promotion.node, promotion.flags));
        stream.reads = true;
        // What came behind the handshake may be whole frames.
        match stream.take(id, Bytes::new(), &mut self.node.processes, self.system) {
            Some(input) => {
                self.system.close(stream.socket, true);
                self.node.report(input);
            }
            None => {
                stream.write(self.system);
                self.node.receive(id, self.system);
            }
        }
    }
    fn sample(&mut self, stream: StreamId) -> Option<Traffic> {
        let &Stream { received, ref writer, .. } = self.node.streams.get(&stream)?;
        let (sent, queued) = (writer.sent(), writer.queued());
        Some(Traffic { received, sent, queued, ..Traffic::default() })
    }
    fn close(&mut self, id: StreamId, abort: bool) {
        let Some(mut stream) = self.node.streams.remove(&id) else { return };
        // Of a dial that is given up nothing more is reported.
        if stream.dialling {
            return self.system.close(stream.socket, abort);
        }
        // What is queued in a set-up is short: what finds no room is not worth waiting for.
        if !abort {
            stream.write(self.system);
        }
        if self.node.mistake != Mistake::Leaky || stream.link.is_none() {
            self.system.close(stream.socket, abort);
        }
        self.node.report(Input::Closed { stream: id, cause: CloseCause::Local });
    }
    fn alive(&mut self, name: NodeName, creation: Creation) {
        self.node.processes.alive(name.clone(), creation);
        self.system.named(name, creation);
    }
    fn not_alive(&mut self) {
        self.node.processes.not_alive();
    }
    fn event(&mut self, _: MailboxId, event: NodeEvent) {
        // A node is told of itself, too. What is up is said when there is a stream for it.
        if let NodeEvent::NodeDown { .. } = &event
            && *event.node() != self.node.name
        {
            let reason = event.nodedown_reason().map(ToString::to_string);
            self.system.down(event.node().clone(), reason.unwrap_or_default());
        }
    }
    fn answer(&mut self, _: RequestId, answer: Answer) {
        self.node.start_again |= matches!(answer, Answer::Started(Err(_)));
    }
    fn attempting(&mut self, _: NodeName, _: LinkId) {}
    fn disconnected(&mut self, node: NodeName, _: LinkId, _: bool) {
        let mut nowhere = LinkWriter::new(Limits::default());
        let mut delivery = Delivery { writer: &mut nowhere, application: None };
        self.node.processes.connection_down(&node, &mut delivery);
    }
    fn diagnostic(&mut self, _: Diagnostic) {}
}

/// There is one process: what comes to it by a connection the application is told. Answers go where the question came from.
struct Delivery<'d, 'a, 'c> {
    writer: &'d mut LinkWriter,
    application: Option<(Socket, &'d mut System<'a, 'c>)>,
}

impl Deliver for Delivery<'_, '_, '_> {
    fn message(&mut self, _: MailboxId, message: Bytes) {
        if let Some((socket, system)) = &mut self.application {
            system.received(*socket, &message);
        }
    }
    fn event(&mut self, _: MailboxId, _: ProcessEvent) {}
    fn signal(&mut self, _: &Atom, _: Control) -> Reach {
        Reach::NoConnection
    }
    fn is_reached(&mut self, _: &NodeName) -> bool {
        false
    }
    fn answer(&mut self, frame: Frame) -> Result<(), Violation> {
        self.writer.push_forced(frame)
    }
    fn pong(&mut self, _: PingId, _: bool) {}
}
