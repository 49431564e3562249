//! Whether a signal names processes of this node, and of other nodes, where it must.

use super::identity::Incarnation;
use crate::creation::Creation;
use crate::stream::Violation;
use crate::term::{Atom, Pid, Reference};
use crate::wire::control::{Control, Monitored, Spawned};

/// Where an identifier belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To this incarnation of this node.
    Here,
    /// To another incarnation of this node.
    Former,
    /// To another node.
    Elsewhere,
}

impl Incarnation {
    /// Refuses what an Erlang node refuses (`dist.c`, `erts_net_message`).
    ///
    /// # Errors
    /// [`Violation::Control`] for a signal to a process that cannot be here, or from one that can be nowhere else.
    //= docs/spec/channel.md#ch-addressed
    pub(super) fn check(&self, signal: &Control) -> Result<(), Violation> {
        let to_us = match signal {
            Control::Link { to, .. }
            | Control::Exit2 { to, .. }
            | Control::MonitorP { to: Monitored::Pid(to), .. }
            | Control::DemonitorP { to: Monitored::Pid(to), .. } => {
                self.place(to) != Place::Elsewhere
            }
            Control::Exit { to, .. }
            | Control::UnlinkId { to, .. }
            | Control::UnlinkIdAck { to, .. } => self.place(to) == Place::Here,
            Control::MonitorPExit { from, to, .. } => {
                self.is_remote(from) && self.place(to) != Place::Elsewhere
            }
            Control::SpawnRequest(spawn) => {
                self.of_reference(&spawn.request) != Place::Here
                    && self.place(&spawn.from) != Place::Here
            }
            Control::SpawnReply { request, to, result, .. } => match self.place(to) {
                Place::Here => self.answers(request, result),
                Place::Former => true,
                Place::Elsewhere => false,
            },
            // What is no pid is nobody's, and nobody's answer.
            Control::LinkNoPid { .. } => true,
            Control::ExitNoPid { .. } => false,
            // Messages and group leaders are for whom they are for.
            Control::MonitorP { to: Monitored::Name(_), .. }
            | Control::DemonitorP { to: Monitored::Name(_), .. }
            | Control::Send { .. }
            | Control::RegSend { .. }
            | Control::AliasSend { .. }
            | Control::Altact { .. }
            | Control::GroupLeader { .. } => true,
        };
        if to_us { Ok(()) } else { Err(Violation::Control) }
    }

    /// Whether a process of this incarnation may have asked for this.
    fn answers(&self, request: &Reference, result: &Spawned) -> bool {
        match (self.of_reference(request), result) {
            (Place::Here, Spawned::Pid(pid)) => self.place(pid) != Place::Here,
            (Place::Here, Spawned::Error(_)) | (Place::Former, _) => true,
            (Place::Elsewhere, _) => false,
        }
    }

    fn is_remote(&self, process: &Monitored) -> bool {
        match process {
            Monitored::Pid(pid) => self.place(pid) != Place::Here,
            Monitored::Name(_) => true,
        }
    }

    pub(super) fn place(&self, pid: &Pid) -> Place {
        self.place_of(&pid.node, pid.creation)
    }

    fn of_reference(&self, reference: &Reference) -> Place {
        self.place_of(reference.node(), reference.creation())
    }

    fn place_of(&self, node: &Atom, creation: Creation) -> Place {
        match (node == self.name.as_atom(), creation == self.creation) {
            (true, true) => Place::Here,
            (true, false) => Place::Former,
            (false, _) => Place::Elsewhere,
        }
    }
}
