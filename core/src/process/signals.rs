//! What a signal from another node means here.

use bytes::Bytes;

use super::net_kernel::{self, Taken};
use super::reason::NOPROC;
use super::{Deliver, Processes};
use crate::link::{Batch, Frame, Origin};
use crate::stream::Violation;
use crate::term::{Atom, Pid};
use crate::wire::control::{Content, Control, Monitored, Receiver};

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
    /// # Errors
    /// What ends the link: a signal that names processes of nodes that it must not, one too many of what is bounded, or what
    /// [`Deliver::answer`] reports.
    pub fn handle(
        &mut self,
        origin: &Origin,
        signal: Control,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        if let Some(own) = &self.own {
            own.check(&signal)?;
        }
        //= docs/spec/channel.md#ch-payload-unread
        if signal.lacks_payload() && self.is_taken(&signal) {
            return Err(Violation::Term);
        }
        match signal {
            Control::Send { to, message, .. } => {
                return self.message(origin, Receiver::Pid(to), message, deliver);
            }
            Control::RegSend { to, message, .. } => {
                return self.message(origin, Receiver::Name(to), message, deliver);
            }
            Control::AliasSend { to, message, .. } => {
                self.send_to_alias(&to, message, deliver);
            }
            Control::Altact { to, content: Content::Message(message), .. } => {
                return self.message(origin, to, message, deliver);
            }
            Control::Altact {
                from,
                to: Receiver::Alias(to),
                content: Content::Exit(reason),
                ..
            } => self.exit_by_alias(from, &to, &reason, deliver),
            Control::Altact {
                from, to: Receiver::Pid(to), content: Content::Exit(reason), ..
            }
            | Control::Exit2 { from, to, reason, .. } => {
                self.exit_signal(from, &to, &reason, deliver);
            }
            //= docs/spec/channel.md#ch-ignored
            Control::Altact { content: Content::Exit(_), .. } => {}
            Control::Link { from, to } => return self.link_received(origin, from, to, deliver),
            Control::LinkNoPid { from, to } => {
                let noproc = Control::ExitNoPid { from: to, to: from, reason: NOPROC.term() };
                return answer(origin, &noproc, deliver);
            }
            // It was refused above.
            Control::ExitNoPid { .. } => {}
            Control::UnlinkId { id, from, to } => {
                return self.unlink_received(origin, id, (from, to), deliver);
            }
            Control::UnlinkIdAck { id, from, to } => self.unlink_acknowledged(id, &from, &to),
            Control::Exit { from, to, reason, .. } => {
                self.exit_received(origin, (from, &to), &reason, deliver);
            }
            Control::GroupLeader { leader, to } => self.set_group_leader(&to, leader),
            //= docs/spec/channel.md#ch-monitor-net-kernel
            Control::MonitorP { to: Monitored::Name(name), .. } if &*name == net_kernel::NAME => {}
            Control::MonitorP { from, to, reference } => {
                return self.monitor_received(origin, from, to, reference, deliver);
            }
            Control::DemonitorP { from, reference, .. } => {
                self.demonitor_received(origin, &from, reference);
            }
            Control::MonitorPExit { to, reference, reason, .. } => {
                if !self.monitor_exit_received(origin, &to, &reference, &reason, deliver) {
                    self.ping_refused(origin, &reference, deliver);
                }
            }
            Control::SpawnRequest(spawn) => return self.spawn_received(origin, *spawn, deliver),
            Control::SpawnReply { request, to, flags, result, .. } => {
                return self.spawn_reply_received(origin, request, (to, flags), result, deliver);
            }
        }
        Ok(())
    }

    /// Whether there is anybody who looks at the payload of a signal. What a process is to be spawned with, it looks at itself.
    fn is_taken(&self, signal: &Control) -> bool {
        let by = |to: &Pid| {
            let number = self.own.as_ref().and_then(|own| own.number(to));
            number == Some(self.pinger) || self.mailbox(to).is_some()
        };
        let named = |name: &Atom| &**name == net_kernel::NAME || self.whereis(name).is_some();
        match signal {
            Control::Send { to, .. }
            | Control::Exit2 { to, .. }
            | Control::MonitorPExit { to, .. } => by(to),
            Control::Exit { from, to, .. } => self.is_linked(to, from),
            Control::RegSend { to, .. } => named(to),
            Control::AliasSend { to, .. } => self.alias_of(to).is_some(),
            Control::Altact { to, .. } => match to {
                Receiver::Pid(to) => by(to),
                Receiver::Name(name) => named(name),
                Receiver::Alias(alias) => self.alias_of(alias).is_some(),
            },
            Control::SpawnRequest(_)
            | Control::Link { .. }
            | Control::LinkNoPid { .. }
            | Control::ExitNoPid { .. }
            | Control::UnlinkId { .. }
            | Control::UnlinkIdAck { .. }
            | Control::GroupLeader { .. }
            | Control::MonitorP { .. }
            | Control::DemonitorP { .. }
            | Control::SpawnReply { .. } => false,
        }
    }

    fn message(
        &mut self,
        origin: &Origin,
        to: Receiver,
        message: Bytes,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        match to {
            Receiver::Pid(to) => self.send(origin, &to, message, deliver),
            Receiver::Name(to) => self.reg_send(origin, &to, message, deliver),
            Receiver::Alias(to) => {
                self.send_to_alias(&to, message, deliver);
                Ok(())
            }
        }
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
            Some(mailbox) => self.hand_over(mailbox, message, deliver),
            None => {}
        }
        Ok(())
    }

    fn reg_send(
        &mut self,
        origin: &Origin,
        to: &Atom,
        message: Bytes,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        if &**to == net_kernel::NAME {
            let own = self.identity().pid(self.pinger);
            match net_kernel::take(origin, own, &message, self.serves_requests) {
                Taken::Answered(frame) => return deliver.answer(frame),
                Taken::Asked(request) => deliver.request(request),
                Taken::PassedOn(to, message) => self.deliver(&to, message, deliver),
                Taken::Spawns(spawn, caller) => {
                    return self.old_spawn_received(origin, spawn, &caller, deliver);
                }
                Taken::Ignored => {}
            }
        } else {
            self.deliver(to, message, deliver);
        }
        Ok(())
    }

    fn deliver(&mut self, to: &Atom, message: Bytes, deliver: &mut impl Deliver) {
        if let Some(mailbox) = self.whereis(to) {
            self.hand_over(mailbox, message, deliver);
        }
    }
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
