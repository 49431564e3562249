//! What a runtime keeps around a machine: streams, an inbox, calls, processes. Its effects are in `host`, its threads in `stream`.

use std::collections::{BTreeMap, VecDeque};

use netkernel_core::net_kernel::Input;
use netkernel_core::{Creation, Instant, NodeName, RequestId, StreamId};

use super::call::Call;
use super::inquiry::{Heard, Inquiries};
use super::net::{End, Owner, Piece};
use super::observe::{Fact, Kinds};
use super::office::Office;
use super::options::Sockets;
use super::shared::{Event, Shared};
use super::stream::{Stream, Writing};
use super::{ActorId, HostId};

/// What the owner thread is sent.
#[derive(Debug)]
pub enum Message {
    /// Of a stream.
    Input(Input),
    /// Of the listener.
    Accepted(End),
    /// Of an application or an operator.
    Call(Call),
    /// For a call of `net_adm`.
    Heard(Heard),
}

/// The surroundings of one machine, in one incarnation.
#[derive(Debug)]
pub struct Body {
    /// Whose.
    pub id: ActorId,
    /// Where it runs.
    pub host: HostId,
    /// The incarnation.
    pub life: u32,
    /// By id; `None` are those that have ended.
    pub(super) streams: Vec<Option<Box<Stream>>>,
    /// What happened at once, while the machine was being served.
    pub(super) inputs: VecDeque<Input>,
    pub(super) inbox: VecDeque<Message>,
    /// Where it listens.
    pub port: Option<u16>,
    pub(super) identity: Option<(NodeName, Creation)>,
    /// Calls that have not been answered.
    pub calls: BTreeMap<RequestId, Call>,
    /// The options of sockets.
    pub sockets: Sockets,
    /// Calls of `net_adm` that go on.
    pub inquiries: Inquiries,
    /// Processes and what senders hold.
    pub office: Office,
    /// The clock of this turn.
    pub(super) local: Instant,
    pub(super) outputs: usize,
    pub(super) taken: usize,
    /// A `Serve` is on its way.
    pub(super) served: bool,
    /// All that the machine wanted has been carried out.
    pub settled: bool,
}

impl Body {
    pub(super) fn new(id: ActorId, host: HostId, life: u32) -> Self {
        Self {
            id,
            host,
            life,
            streams: Vec::new(),
            inputs: VecDeque::new(),
            inbox: VecDeque::new(),
            port: None,
            identity: None,
            calls: BTreeMap::new(),
            sockets: Sockets::default(),
            inquiries: Inquiries::default(),
            office: Office::new(),
            local: Instant::ORIGIN,
            outputs: 0,
            taken: 0,
            served: false,
            settled: true,
        }
    }

    pub(super) const fn who(&self) -> (ActorId, u32) {
        (self.id, self.life)
    }

    pub(super) fn stream(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.streams.get_mut(id.get() as usize)?.as_deref_mut()
    }

    /// Streams that have not been closed to the last, oldest first.
    pub fn live_streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter_map(Option::as_deref)
    }

    /// This stream, if it has not been closed to the last.
    #[must_use]
    pub fn live_stream(&self, id: StreamId) -> Option<&Stream> {
        self.streams.get(id.get() as usize)?.as_deref()
    }

    pub(super) fn insert(&mut self, stream: Stream) {
        let at = stream.id.get() as usize;
        if self.streams.len() <= at {
            self.streams.resize_with(at + 1, || None);
        }
        self.streams[at] = Some(Box::new(stream));
    }

    /// Puts something into the inbox, and wakes the owner.
    pub(super) fn tell(&mut self, message: Message, shared: &mut Shared<'_>) {
        self.inbox.push_back(message);
        self.serve(shared);
    }

    pub(super) fn serve(&mut self, shared: &mut Shared<'_>) {
        if !self.served {
            self.served = true;
            shared.soon(Event::Serve(self.id));
        }
    }

    /// Whether the machine is to hear of this: what comes of a stream that it has given up is dropped.
    pub(super) fn admits(&mut self, input: &Input, shared: &mut Shared<'_>) -> bool {
        let who = self.who();
        match input {
            Input::Opened { stream, .. } => {
                let Some(opened) = self.stream(*stream) else { return false };
                opened.opening = false;
                shared.note(who, Kinds::STREAMS, || Fact::Opened { stream: *stream });
                true
            }
            Input::Received { stream, .. } => self.stream(*stream).is_some(),
            Input::OpenFailed { stream, error } => {
                let known = self.forget(*stream);
                if known {
                    let (stream, error) = (*stream, *error);
                    shared.note(who, Kinds::STREAMS, || Fact::OpenFailed { stream, error });
                }
                known
            }
            Input::Closed { stream, cause } => {
                let known = self.forget(*stream);
                if known {
                    shared.note(who, Kinds::STREAMS, || Fact::Closed {
                        stream: *stream,
                        cause: cause.clone(),
                    });
                }
                known
            }
            Input::ListenerLost => {
                shared.note(who, Kinds::LIFE, || Fact::ListenerLost);
                true
            }
            Input::Timeout
            | Input::Listening { .. }
            | Input::ListenFailed { .. }
            | Input::Accepted { .. }
            | Input::Sampled { .. }
            | Input::OptsSet { .. }
            | Input::OptsGot { .. } => true,
        }
    }

    fn forget(&mut self, id: StreamId) -> bool {
        self.sockets.closed(id);
        self.streams.get_mut(id.get() as usize).is_some_and(|slot| slot.take().is_some())
    }

    /// The process ends, and with it all it had. If its host goes with it, nobody is told.
    pub(super) fn die(&mut self, host_dies: bool, shared: &mut Shared<'_>) {
        if let Some(port) = self.port.take() {
            shared.hosts[self.host.0].listeners.remove(&port);
        }
        let backlog = self.inbox.drain(..).filter_map(|message| match message {
            Message::Accepted(end) => Some(end),
            Message::Input(_) | Message::Call(_) | Message::Heard(_) => None,
        });
        let streams = self.streams.drain(..).flatten().map(|stream| stream.end);
        for end in backlog.chain(streams) {
            if shared.net.owner(end) == Owner::Nobody {
                continue;
            }
            if !host_dies {
                // Unread bytes make the system send a reset.
                let piece = if shared.net.unread(end) { Piece::Rst } else { Piece::Fin };
                shared.send(end, piece);
            }
            shared.net.vanish(end);
            shared.net.release(end);
        }
    }
}

/// Steps that clocks bring.
impl Body {
    pub(super) fn flush_limit(&mut self, id: StreamId, shared: &mut Shared<'_>) {
        if let Some(stream) = self.stream(id)
            && stream.writing == Writing::Flush
        {
            stream.end_writing(shared);
        }
    }

    /// The application stops to read a link, until that time.
    pub(super) fn pause_reading(&mut self, id: StreamId, until: u64, shared: &mut Shared<'_>) {
        if let Some(stream) = self.stream(id)
            && stream.link.is_some()
            && !stream.ended
        {
            (stream.paused, stream.was_paused) = (true, true);
            shared.at(until, Event::Unpause(stream.end));
        }
    }

    pub(super) fn unpause(&mut self, id: StreamId, shared: &mut Shared<'_>) {
        if let Some(stream) = self.stream(id) {
            stream.paused = false;
            stream.wake_reader(shared);
        }
    }
}
