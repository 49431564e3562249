//! Carries out what a machine wants. Nothing here takes time: what does is an event.

use core::cell::Cell;
use std::collections::btree_map::Entry;

use bytes::Bytes;
use netkernel_core::driver::Host;
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{
    Address, Answer, Diagnostic, Endpoint, Input, NodeEvent, OpenError, OptionName, OptsError,
    Promotion, SocketOption, Target,
};
use netkernel_core::{Creation, Flags, LinkId, MailboxId, NodeName, RequestId, StreamId};

use super::body::Body;
use super::call::Call;
use super::net::{Owner, Piece};
use super::observe::{Fact, Kinds};
use super::office::Waited;
use super::shared::{Event, Shared};
use super::stream::{Stream, Wish, Writing};

/// The hand that the kernel's outputs are put into.
#[derive(Debug)]
pub(super) struct Carrier<'a, 'c> {
    pub(super) body: &'a mut Body,
    pub(super) shared: &'a mut Shared<'c>,
    /// The port to listen on; `None` is any.
    pub(super) port: Option<u16>,
    /// The link that `nodes()` has with the node of the event that is coming out.
    pub(super) listed: &'a Cell<Option<LinkId>>,
}

impl Carrier<'_, '_> {
    fn note(&mut self, kind: Kinds, fact: impl FnOnce() -> Fact) {
        self.shared.note(self.body.who(), kind, fact);
    }
}

impl Host for Carrier<'_, '_> {
    fn listen(&mut self) {
        self.body.outputs += 1;
        let host = &mut self.shared.hosts[self.body.host.0];
        let port = self.port.unwrap_or_else(|| host.free_port());
        self.body.inputs.push_back(match host.listeners.entry(port) {
            Entry::Occupied(_) => Input::ListenFailed { error: OpenError::AddressInUse },
            Entry::Vacant(free) => {
                free.insert(self.body.id);
                self.body.port = Some(port);
                Input::Listening { port }
            }
        });
    }

    fn unlisten(&mut self) {
        self.body.outputs += 1;
        if let Some(port) = self.body.port.take() {
            self.shared.hosts[self.body.host.0].listeners.remove(&port);
        }
        // The machine wants no answer any more, if it has not had one.
        self.body
            .inputs
            .retain(|input| !matches!(input, Input::Listening { .. } | Input::ListenFailed { .. }));
    }

    fn open(&mut self, stream: StreamId, target: Target) {
        self.body.outputs += 1;
        let Target { address, family: _, purpose } = target;
        let port = if let Address::Port { port, .. } = address { port } else { 0 };
        let to = if let Address::Port { host, .. } = &address {
            self.shared.resolve(self.body.host, host)
        } else {
            None
        };
        let Some(to) = to else {
            let error = OpenError::Resolve;
            self.note(Kinds::STREAMS, || Fact::Opening { stream, purpose, conn: 0 });
            self.note(Kinds::STREAMS, || Fact::OpenFailed { stream, error });
            self.body.inputs.push_back(Input::OpenFailed { stream, error });
            return;
        };
        let owner = Owner::Actor(self.body.id, Some(stream));
        let end = self.shared.dial(owner, self.body.host, to, port);
        let conn = self.shared.net.serial(end);
        self.note(Kinds::STREAMS, || Fact::Opening { stream, purpose, conn });
        self.shared.at(self.shared.now + self.shared.plan.dial_limit_ns, Event::DialTimeout(end));
        self.body.insert(Stream::new(stream, end, true, self.shared));
    }

    fn read(&mut self, stream: StreamId) {
        self.body.outputs += 1;
        if let Some(stream) = self.body.stream(stream) {
            stream.wish = Wish::Read;
            stream.wake_reader(self.shared);
        }
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        self.body.outputs += 1;
        if let Some(stream) = self.body.stream(stream) {
            stream.writer.push_raw(bytes);
            stream.wake_writer(self.shared);
        }
    }

    fn setopts(&mut self, endpoint: Endpoint, options: &[SocketOption]) -> Result<(), OptsError> {
        self.body.outputs += 1;
        self.body.sockets.set(endpoint, options)
    }

    fn getopts(
        &mut self,
        stream: StreamId,
        names: &[OptionName],
    ) -> Result<Vec<SocketOption>, OptsError> {
        self.body.outputs += 1;
        Ok(self.body.sockets.get(stream, names))
    }

    fn attempting(&mut self, node: NodeName, link: LinkId) {
        self.body.outputs += 1;
        self.note(Kinds::LINKS, || Fact::Attempting { node: node.clone(), link });
        self.body.office.attempting(node, link, self.shared.plan.limits());
        self.retry();
    }

    fn alive(&mut self, name: NodeName, creation: Creation) {
        self.body.outputs += 1;
        self.note(Kinds::CALLS, || Fact::Alive { name: name.clone(), creation });
        self.body.office.alive(&name, creation);
        self.body.identity = Some((name, creation));
    }

    fn not_alive(&mut self) {
        self.body.outputs += 1;
        self.note(Kinds::CALLS, || Fact::NotAlive);
        self.body.office.processes.not_alive();
        self.body.identity = None;
    }

    fn event(&mut self, to: MailboxId, event: NodeEvent) {
        self.body.outputs += 1;
        if to == self.body.office.witness {
            match event {
                NodeEvent::NodeUp { .. } => self.shared.counts.ups += 1,
                NodeEvent::NodeDown { .. } => self.shared.counts.downs += 1,
            }
        }
        let listed = self.listed.get();
        self.note(Kinds::LINKS, || Fact::Told { to, event, listed });
    }

    fn promote(&mut self, stream: StreamId, mut promotion: Promotion) {
        self.body.outputs += 1;
        let who = self.body.who();
        let Body { streams, office, .. } = &mut *self.body;
        let slot = streams.get_mut(stream.get() as usize).and_then(Option::as_deref_mut);
        let Some(promoted) = slot else { return };
        let conn = self.shared.net.serial(promoted.end);
        // As if one of both had not offered it in the handshake.
        let owners = [promoted.end, promoted.end.other()].map(|end| self.shared.net.owner(end));
        let spawnless = self.shared.plan.spawnless;
        if owners.iter().any(|it| matches!(it, Owner::Actor(id, _) if id.0 < spawnless)) {
            promotion.flags = promotion.flags.without(Flags::SPAWN);
        }
        self.shared.note(who, Kinds::LINKS, || Fact::Promoted {
            stream,
            conn,
            promotion: promotion.clone(),
        });
        let link = promotion.link;
        for waited in office.promoted(&promotion, promoted) {
            match waited {
                Waited::Letter(letter) => {
                    self.shared.note(who, Kinds::LETTERS, || Fact::Queued { link, conn, letter });
                }
                Waited::Signal(signal) => self
                    .shared
                    .note(who, Kinds::PROCESSES, || Fact::Signalled { link, conn, signal }),
            }
        }
        promoted.wake_writer(self.shared);
        promoted.promote(&promotion, self.shared);
        self.body.connected(&promotion.node, promotion.flags, self.shared);
        self.retry();
    }

    fn tick(&mut self, stream: StreamId) {
        self.body.outputs += 1;
        self.shared.counts.ticks += 1;
        if let Some(ticked) = self.body.stream(stream) {
            ticked.writer.tick();
            if self.shared.is_prompt() {
                self.body.write_step(stream, self.shared);
            } else {
                ticked.wake_writer(self.shared);
            }
        }
        self.note(Kinds::TICKS, || Fact::Ticked { stream });
    }

    fn sample(&mut self, stream: StreamId) -> Option<Traffic> {
        let now = self.shared.now;
        let sampled = self.body.stream(stream).filter(|it| !it.uncounted)?;
        sampled.look = Some((now, sampled.heard));
        let traffic = sampled.traffic();
        self.note(Kinds::TICKS, || Fact::Sampled { stream, traffic });
        Some(traffic)
    }

    fn close(&mut self, stream: StreamId, abort: bool) {
        self.body.outputs += 1;
        let Some(closed) = self.body.stream(stream) else { return };
        let (opening, dialling) = (closed.opening, closed.dialling);
        let (end, link) = (closed.end, closed.link.clone());
        if let Some((node, link)) = link {
            self.body.office.closing(&node, link);
        }
        if opening {
            // Its thread ends by itself, some time, and nobody waits for that: what is opened too late is closed.
            self.body.streams[stream.get() as usize] = None;
            if !dialling {
                self.shared.send(end, Piece::Fin);
            }
            self.shared.net.release(end);
            self.note(Kinds::STREAMS, || Fact::Cancelled { stream });
        } else {
            self.note(Kinds::STREAMS, || Fact::Closing { stream, abort });
            if let Some(closed) = self.body.stream(stream)
                && !(closed.cause.is_some() && closed.writing == Writing::Ended)
            {
                closed.close(abort, self.shared);
            }
        }
        self.retry();
    }

    fn disconnected(&mut self, node: NodeName, link: LinkId, was_up: bool) {
        self.body.outputs += 1;
        self.body.disconnected(&node, link, self.shared);
        self.note(Kinds::LINKS, || Fact::Disconnected { node, link, was_up });
        self.retry();
    }

    fn answer(&mut self, request: RequestId, answer: Answer) {
        self.body.outputs += 1;
        if let Some(Call::AutoConnect(node, _)) = self.body.calls.remove(&request) {
            self.body.office.wish_answered(&node);
            self.retry();
        }
        self.body.answers_inquiry(request, &answer, self.shared);
        self.note(Kinds::CALLS, || Fact::Answered { request, answer });
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.body.outputs += 1;
        self.note(Kinds::CALLS, || Fact::Diagnosed(diagnostic));
    }
}

impl Carrier<'_, '_> {
    /// Applications that wait may have something to go on with.
    fn retry(&mut self) {
        if self.body.office.has_waiting() {
            self.shared.soon(Event::Retry(self.body.id));
        }
    }
}
