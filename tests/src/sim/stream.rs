//! A stream as a runtime has it: a reader and a writer, each of which does one step at a time.
//!
//! The steps are those of the threads of `runtime-blocking`: read once while the stream is being set up; decode, then apply
//! once it is a link; write once. The order of the steps of different threads is the schedule's choice.

use netkernel_core::link::{Batch, LinkReader, LinkWriter};
use netkernel_core::liveness::Traffic;
use netkernel_core::net_kernel::{CloseCause, Input, Promotion};
use netkernel_core::{LinkId, NodeName, StreamId};

use super::body::{Body, Message};
use super::choice::Topic;
use super::net::{End, Piece, Read};
use super::observe::{Fact, Kinds};
use super::shared::{Event, Shared};

/// Bytes that one read of a link takes at most.
const READ_MAX: usize = 64 * 1024;
/// Bytes that one read takes at most while a stream is being set up.
const SETUP_READ_MAX: usize = 2 * 1024;
/// Bytes, and chunks, that one write takes at most.
const WRITE_MAX: usize = 256 * 1024;
const CHUNKS_MAX: usize = 64;

/// What the reader is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    /// Read once.
    Read,
    /// Read freely: the link is up.
    Link,
}

/// How the writer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Open,
    /// Write what is queued, and end.
    Flush,
    Ended,
}

/// One stream of one machine.
///
/// Thousands of idle ones do nothing but tick, which costs what fetching them into the cache costs. So what a tick needs comes
/// first, and in this order: the writer's counters beside the reader's, and the reader behind them.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Stream {
    /// Its id.
    pub id: StreamId,
    /// Its end of the connection.
    pub end: End,
    pub(super) received: u64,
    /// When the reader read last.
    pub heard: u64,
    /// Dialled, and the machine has not heard yet how that ended.
    pub(super) opening: bool,
    /// Dialled, and the dial was not answered yet.
    pub(super) dialling: bool,
    pub(super) wish: Wish,
    pub(super) writing: Writing,
    /// The counters cannot be read any more.
    pub(super) uncounted: bool,
    /// The application has stopped to read.
    pub paused: bool,
    /// It has stopped to, at some time, or has waited until the peer reads.
    pub was_paused: bool,
    /// Our side has closed it.
    pub(super) ended: bool,
    pub(super) read_due: bool,
    pub(super) write_due: bool,
    /// Decoded and not applied.
    pub(super) batch: Option<Box<Batch>>,
    /// Why the reader has ended.
    pub(super) cause: Option<Box<CloseCause>>,
    pub(super) writer: LinkWriter,
    /// When the counters were read last, and what `heard` was then.
    pub look: Option<(u64, u64)>,
    pub(super) reader: Option<LinkReader>,
    /// The link, once it is up.
    pub link: Option<(NodeName, LinkId)>,
}

impl Stream {
    pub(super) fn new(id: StreamId, end: End, opening: bool, shared: &Shared<'_>) -> Self {
        Self {
            id,
            end,
            opening,
            dialling: opening,
            wish: Wish::Nothing,
            reader: None,
            batch: None,
            writer: LinkWriter::new(shared.plan.limits()),
            writing: Writing::Open,
            received: 0,
            uncounted: false,
            heard: shared.now,
            look: None,
            link: None,
            paused: false,
            was_paused: false,
            ended: false,
            cause: None,
            read_due: false,
            write_due: false,
        }
    }

    /// The counters, since the opening.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        Traffic {
            received: self.received,
            sent: self.writer.sent(),
            queued: self.writer.queued(),
            paused: self.paused,
            awaited: if self.writer.may_read() { None } else { Some(self.writer.written()) },
        }
    }

    /// Whether it is a link that goes on.
    pub(super) fn is_link(&self) -> bool {
        self.wish == Wish::Link && !self.ended && self.batch.is_none()
    }

    /// Lets the reader do a step.
    pub(super) fn wake_reader(&mut self, shared: &mut Shared<'_>) {
        if !self.read_due && self.cause.is_none() {
            self.read_due = true;
            shared.soon(Event::Read(self.end));
        }
    }

    /// Lets the writer do a step.
    pub(super) fn wake_writer(&mut self, shared: &mut Shared<'_>) {
        if !self.write_due && self.writing != Writing::Ended {
            self.write_due = true;
            shared.soon(Event::Write(self.end));
        }
    }

    pub(super) fn promote(&mut self, promotion: &Promotion, shared: &mut Shared<'_>) {
        let mut reader = LinkReader::new(promotion, shared.plan.limits());
        // What came behind the handshake is in the reader already, and may be whole frames.
        self.batch = Some(reader.decode(&[]).into());
        self.reader = Some(reader);
        self.link = Some((promotion.node.clone(), promotion.link));
        self.wish = Wish::Link;
        self.wake_reader(shared);
    }

    /// Our side ends the stream: at once, or after what is queued was written.
    pub(super) fn close(&mut self, abort: bool, shared: &mut Shared<'_>) {
        self.ended = true;
        if abort {
            self.writer.discard();
            self.writing = Writing::Ended;
            shared.send(self.end, Piece::Rst);
            shared.net.vanish(self.end);
        } else if self.writing == Writing::Open {
            self.writing = Writing::Flush;
            self.wake_writer(shared);
            shared.at(shared.now + shared.plan.flush_limit_ns, Event::FlushLimit(self.end));
        } else if self.writing == Writing::Ended {
            // The writer found it broken before the reader did, and has told nobody.
            shared.send(self.end, Piece::Fin);
            shared.net.vanish(self.end);
        }
        self.paused = false;
        self.wake_reader(shared);
    }

    /// The reader ends, and with it the writer, unless that has to flush.
    fn end_reading(&mut self, cause: CloseCause, shared: &mut Shared<'_>) {
        if self.cause.is_some() {
            return;
        }
        if !self.ended {
            self.writer.discard();
            self.writing = Writing::Ended;
            let broken = matches!(cause, CloseCause::Violation(_));
            shared.send(self.end, if broken { Piece::Rst } else { Piece::Fin });
            shared.net.vanish(self.end);
        }
        self.cause = Some(cause.into());
        self.finish(shared);
    }

    /// The writer ends.
    pub(super) fn end_writing(&mut self, shared: &mut Shared<'_>) {
        self.writer.discard();
        self.writing = Writing::Ended;
        if self.ended {
            shared.send(self.end, Piece::Fin);
            shared.net.vanish(self.end);
        }
        self.finish(shared);
    }

    fn finish(&self, shared: &mut Shared<'_>) {
        if self.cause.is_some() && self.writing == Writing::Ended {
            shared.soon(Event::Finish(self.end));
        }
    }

    /// One write: what the other side has room for, at most. The bytes that went, and whether senders are to be woken.
    fn write(&mut self, shared: &mut Shared<'_>) -> (usize, bool) {
        let room = shared.net.room(self.end);
        let queued = self.writer.queued() as usize;
        let most = room.min(queued).min(WRITE_MAX);
        if most == 0 {
            return (0, false);
        }
        let n = shared.portion(most);
        let mut chunks = self.writer.chunks(CHUNKS_MAX);
        let bytes = match chunks.next() {
            Some(first) if first.len() >= n => first.slice(..n),
            Some(first) => {
                let mut gathered = first.to_vec();
                for chunk in chunks.by_ref() {
                    let part = chunk.len().min(n - gathered.len());
                    gathered.extend_from_slice(&chunk[..part]);
                }
                gathered.into()
            }
            None => return (0, false),
        };
        drop(chunks);
        let n = bytes.len();
        let room = self.writer.advance(n);
        shared.send(self.end, Piece::Data(bytes));
        (n, room)
    }
}

/// The steps.
impl Body {
    pub(super) fn read_step(&mut self, id: StreamId, shared: &mut Shared<'_>) {
        let who = self.who();
        let Some(stream) = self.stream(id) else { return };
        stream.read_due = false;
        if stream.cause.is_some() {
            return;
        }
        if let Some(batch) = stream.batch.take() {
            return self.apply(id, *batch, shared);
        }
        if stream.ended {
            return stream.end_reading(CloseCause::Local, shared);
        }
        let max = match stream.wish {
            Wish::Nothing => return,
            Wish::Link if stream.paused => return,
            Wish::Link if !stream.writer.may_read() => {
                stream.was_paused = true;
                return;
            }
            Wish::Read => shared.portion(SETUP_READ_MAX),
            Wish::Link => shared.portion(READ_MAX),
        };
        let (read, made_room) = shared.net.read(stream.end, max);
        let bytes = match read {
            Read::Data(bytes) => bytes,
            Read::Nothing => return,
            Read::Eof => return stream.end_reading(CloseCause::Eof, shared),
            Read::Reset => return stream.end_reading(CloseCause::Reset, shared),
        };
        if made_room {
            // The acknowledgement, without its time.
            shared.soon(Event::Write(stream.end.other()));
        }
        stream.received += bytes.len() as u64;
        stream.heard = shared.now;
        shared.note(who, Kinds::BYTES, || Fact::Read { stream: id, bytes: bytes.len() });
        if let Some(reader) = &mut stream.reader {
            let batch = reader.decode(&bytes);
            // Between decoding and the table's lock anything may happen.
            if shared.plan.step_max_ns > 0 && shared.choice.chance(Topic::Schedule, 200) {
                stream.batch = Some(batch.into());
                stream.wake_reader(shared);
            } else {
                self.apply(id, batch, shared);
            }
        } else {
            stream.wish = Wish::Nothing;
            self.tell(Message::Input(Input::Received { stream: id, bytes }), shared);
        }
    }

    fn apply(&mut self, id: StreamId, batch: Batch, shared: &mut Shared<'_>) {
        let who = self.who();
        let Some(stream) = self.stream(id) else { return };
        // What was not yet handled when our side closed the link is dropped.
        if stream.ended {
            return stream.end_reading(CloseCause::Local, shared);
        }
        let result = if batch.signals.is_empty() {
            batch.violation.map_or(Ok(()), Err)
        } else {
            self.note_arrived(id, &batch, shared);
            let origin = batch.origin.clone();
            self.with_processes(Some((id, &origin)), shared, |processes, deliver| {
                processes.apply(batch, deliver)
            })
        };
        let Some(stream) = self.stream(id) else { return };
        if let Err(violation) = result {
            if let Some((_, link)) = stream.link {
                shared.note(who, Kinds::LETTERS, || Fact::Refused { link, violation });
            }
            return stream.end_reading(CloseCause::Violation(violation), shared);
        }
        if shared.net.unread(stream.end) {
            stream.wake_reader(shared);
        }
    }

    /// Signals of processes, before any of them has done anything.
    fn note_arrived(&self, id: StreamId, batch: &Batch, shared: &mut Shared<'_>) {
        if !shared.notes.wants(Kinds::PROCESSES) {
            return;
        }
        let who = self.who();
        let Some(stream) = self.live_stream(id) else { return };
        let Some((_, link)) = stream.link.clone() else { return };
        let conn = shared.net.serial(stream.end);
        for signal in batch.signals.iter().filter(|signal| !self.office.is_letter(signal)) {
            let to = self.office.meant(signal);
            let signal = signal.clone();
            shared.note(who, Kinds::PROCESSES, || Fact::Arrived { link, conn, to, signal });
        }
    }

    pub(super) fn write_step(&mut self, id: StreamId, shared: &mut Shared<'_>) {
        let (who, actor) = (self.who(), self.id);
        let Some(stream) = self.stream(id) else { return };
        stream.write_due = false;
        if stream.writing == Writing::Ended {
            return;
        }
        if shared.net.is_reset(stream.end) {
            stream.end_writing(shared);
            stream.wake_reader(shared);
            return;
        }
        if !stream.writer.is_empty() {
            let waits = !stream.writer.may_read();
            let (n, room) = stream.write(shared);
            shared.counts.bytes += n as u64;
            if n > 0 {
                shared.note(who, Kinds::BYTES, || Fact::Wrote { stream: id, bytes: n });
            }
            if room {
                shared.soon(Event::Retry(actor));
            }
            if waits && stream.writer.may_read() {
                stream.wake_reader(shared);
            }
            if n > 0 && !stream.writer.is_empty() {
                return stream.wake_writer(shared);
            }
        }
        if stream.writer.is_empty() && stream.writing == Writing::Flush {
            stream.end_writing(shared);
        }
    }

    /// Both halves have ended: the machine is told.
    pub(super) fn finish_step(&mut self, id: StreamId, shared: &mut Shared<'_>) {
        let who = self.who();
        let Some(stream) = self.stream(id) else { return };
        let Some(cause) = stream.cause.as_deref().cloned() else { return };
        shared.net.release(stream.end);
        shared.note(who, Kinds::STREAMS, || Fact::Released { stream: id });
        self.tell(Message::Input(Input::Closed { stream: id, cause }), shared);
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::choice::{Replay, Tapes};
    use crate::sim::plan::{Plan, SECOND, Topology};
    use crate::sim::world::World;

    fn pass(world: &mut World<'_>, span: u64) {
        let until = world.shared.now + span;
        while world.step(until) {}
        world.shared.now = until;
    }

    #[test]
    fn the_other_side_hears_of_a_close_although_the_writer_found_the_stream_broken() {
        let mut choice = Replay::new(Tapes::default());
        let mut world = World::new(Plan::calm(2, Topology::Mesh), &mut choice);
        pass(&mut world, 20 * SECOND);
        world.wish_for_links();
        pass(&mut world, SECOND);
        assert!(world.are_linked(0, 1));
        let World { actors, shared, .. } = &mut world;
        let body = &mut actors[0].process.as_mut().unwrap().body;
        let link = body.live_streams().find(|stream| stream.link.is_some());
        let (id, end) = link.map(|stream| (stream.id, stream.end)).unwrap();
        shared.net.break_at(end);
        body.write_step(id, shared);
        body.stream(id).unwrap().close(false, shared);
        pass(&mut world, SECOND);
        assert!(!world.has_link(1, 0));
    }
}
