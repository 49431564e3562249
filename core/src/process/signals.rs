//! What a signal from another node means here.

use bytes::Bytes;

use super::Processes;
use super::net_kernel::{self, Request, Taken};
use crate::ids::{MailboxId, PingId};
use crate::link::{Batch, Frame, Origin};
use crate::stream::Violation;
use crate::term::{Atom, Pid};
use crate::wire::control::{
    Content, Control, Monitored, Receiver, SpawnFlags, SpawnRequest, Spawned,
};

/// Carries out what signals lead to. None of it may block.
pub trait Deliver {
    /// Put a message into the mailbox of a process. It is a complete external term, version byte included, and was not
    /// decoded.
    fn message(&mut self, to: MailboxId, message: Bytes);

    /// Force-push this frame on the writer of the link that is being handled.
    ///
    /// # Errors
    /// What [`LinkWriter::push_forced`](crate::link::LinkWriter::push_forced) says; it ends the link.
    fn answer(&mut self, frame: Frame) -> Result<(), Violation>;

    /// A ping has its result: whether the other node answered it. Exactly once for each that was not cancelled.
    fn pong(&mut self, ping: PingId, alive: bool);

    /// Hand this to the kernel, behind what came before it on this link. Never, unless
    /// [`Processes::serve_requests`] allows it.
    fn request(&mut self, request: Request);
}

/// The atom `noproc`, the reason for everything that is asked of a process that is not there.
pub(super) const NOPROC: Bytes = Bytes::from_static(b"\x77\x06noproc");

impl Processes {
    /// Handles the signals of a batch, in order.
    ///
    /// # Errors
    /// What ends the link: the violation that stands at the end of the batch, or what [`Deliver::answer`] reports.
    pub fn apply(&mut self, batch: Batch, deliver: &mut impl Deliver) -> Result<(), Violation> {
        for signal in batch.signals {
            self.handle(&batch.origin, signal, deliver)?;
        }
        batch.violation.map_or(Ok(()), Err)
    }

    /// Handles one signal that came from `origin`.
    ///
    /// Links and monitors are not kept yet, so those of others are answered at once by `noproc`: an Erlang process that
    /// waits for an answer must get one.
    ///
    /// # Errors
    /// What ends the link: a signal that names processes of nodes that it must not, or what [`Deliver::answer`] reports.
    pub fn handle(
        &mut self,
        origin: &Origin,
        signal: Control,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        if let Some(own) = &self.own {
            own.check(&signal)?;
        }
        let reply = match signal {
            Control::Send { to, message, .. }
            | Control::Altact {
                to: Receiver::Pid(to), content: Content::Message(message), ..
            } => return self.send(origin, &to, message, deliver),
            Control::RegSend { to, message, .. }
            | Control::Altact {
                to: Receiver::Name(to), content: Content::Message(message), ..
            } => return self.reg_send(origin, &to, message, deliver),
            Control::MonitorPExit { reference, .. } => {
                self.ping_refused(origin, &reference, deliver);
                None
            }
            //= docs/spec/channel.md#ch-monitor-net-kernel
            Control::MonitorP { to: Monitored::Name(name), .. } if &*name == net_kernel::NAME => {
                None
            }
            //= docs/spec/channel.md#ch-monitor-noproc
            Control::MonitorP { from, to, reference } => {
                Some(Control::MonitorPExit { from: to, to: from, reference, reason: NOPROC })
            }
            //= docs/spec/channel.md#ch-link-noproc
            Control::Link { from, to } => {
                Some(Control::Exit { from: to, to: from, reason: NOPROC, token: None })
            }
            //= docs/spec/channel.md#ch-unlink-ack
            Control::UnlinkId { id, from, to } => {
                Some(Control::UnlinkIdAck { id: id.get(), from: to, to: from })
            }
            Control::SpawnRequest(spawn) => Some(not_supported(*spawn)),
            //= docs/spec/channel.md#ch-ignored
            Control::Exit { .. }
            | Control::UnlinkIdAck { .. }
            | Control::GroupLeader { .. }
            | Control::Exit2 { .. }
            | Control::DemonitorP { .. }
            | Control::SpawnReply { .. }
            | Control::AliasSend { .. }
            | Control::Altact { .. } => None,
        };
        reply.map_or(Ok(()), |reply| answer(origin, &reply, deliver))
    }

    //= docs/spec/channel.md#ch-send
    //= docs/spec/channel.md#ch-send-dropped
    fn send(
        &mut self,
        origin: &Origin,
        to: &Pid,
        message: Bytes,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        match self.own.as_ref().and_then(|own| own.number(to)) {
            Some(pinger) if pinger == self.pinger => {
                self.ping_answered(origin, &message, deliver)?
            }
            Some(mailbox) if self.has(mailbox) => deliver.message(mailbox, message),
            Some(_) | None => {}
        }
        Ok(())
    }

    fn reg_send(
        &self,
        origin: &Origin,
        to: &Atom,
        message: Bytes,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        if &**to == net_kernel::NAME {
            match net_kernel::take(origin, &message, self.serves_requests) {
                Taken::Answered(frame) => return deliver.answer(frame),
                Taken::Asked(request) => deliver.request(request),
                Taken::Ignored => {}
            }
            return Ok(());
        }
        if let Some(mailbox) = self.whereis(to) {
            deliver.message(mailbox, message);
        }
        Ok(())
    }
}

/// There is nothing to spawn here.
//= docs/spec/channel.md#ch-spawn-unserved
fn not_supported(spawn: SpawnRequest) -> Control {
    let result = Spawned::Error(Atom::literal("notsup"));
    let (request, to, token) = (spawn.request, spawn.from, spawn.token);
    Control::SpawnReply { request, to, flags: SpawnFlags::NONE, result, token }
}

/// Sends a signal back on the link that is being handled, if its peer agreed to such signals.
pub(super) fn answer(
    origin: &Origin,
    signal: &Control,
    deliver: &mut impl Deliver,
) -> Result<(), Violation> {
    if !origin.flags.contains(signal.needed_flags()) {
        return Ok(());
    }
    // No answer is longer than what it answers, give or take an atom, so none is too long for a frame.
    Frame::new(signal, origin.flags).map_or(Ok(()), |frame| deliver.answer(frame))
}
