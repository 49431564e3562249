//! Links: how they come up and go down; and attempts that do not get so far.

use alloc::vec::Vec;

use super::opts::Begun;
use super::subscriptions::NodeChange;
use super::table::{Callers, Role, Row, RowState, Up};
use super::{
    Answer, CloseCause, ConnectError, ConnectionId, DistAutoConnect, NetKernel, NodeDownReason,
    NotAlive, Output, Promotion, TimerName,
};
use crate::creation::Creation;
use crate::flags::NodeType;
use crate::handshake::Established;
use crate::ids::{RequestId, StreamId};
use crate::liveness::Liveness;
use crate::name::NodeName;
use crate::time::Instant;

impl NetKernel {
    /// Ends the link with `node` (`erlang:disconnect_node/1`). Answers [`Answer::Disconnected`] once it is down.
    pub fn disconnect_node(&mut self, now: Instant, node: &NodeName) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        if !self.is_alive() {
            self.answer(request, Answer::Disconnected(Err(NotAlive)));
            return request;
        }
        //= docs/spec/nodedown.md#nodedown-disconnect
        self.close_link(node, NodeDownReason::Disconnect);
        match self.table.get_mut(node).map(|row| &mut row.state) {
            Some(RowState::Closing { disconnecting, .. }) => disconnecting.push(request),
            Some(RowState::Pending { .. } | RowState::Up { .. } | RowState::Barred) | None => {
                self.answer(request, Answer::Disconnected(Ok(false)));
            }
        }
        request
    }

    /// A new row, with an attempt on `stream`.
    pub(super) fn attempt(&mut self, node: &NodeName, stream: StreamId, callers: Callers) {
        let link = self.link_ids.mint();
        self.table.insert(node.clone(), Row { link, state: RowState::Pending { stream }, callers });
        self.outputs.push_back(Output::Attempting { node: node.clone(), link });
    }

    /// The handshake on `stream` is over, and its row pending.
    pub(super) fn come_up(&mut self, stream: StreamId, begun: Begun, established: Established) {
        self.timers.clear(TimerName::Setup(stream));
        let Established { node, creation, flags, node_type, given, residue } = established;
        let deferred = given
            .map(|(name, creation)| self.be_named(name, creation, node.clone()))
            .unwrap_or_default();
        let liveness = Liveness::new(node_type == NodeType::Hidden, self.intensity());
        let Some(row) = self.table.get_mut(&node) else {
            debug_assert!(false, "an attempt has a row");
            self.end(stream, true);
            return;
        };
        row.state =
            RowState::Up { up: Up { stream, node_type, creation, liveness }, successor: None };
        let link = row.link;
        let callers = core::mem::take(&mut row.callers);
        self.streams.insert(stream, Role::Link { node: node.clone() });
        let connection_id = ConnectionId::Link(link);
        self.tell(&NodeChange::NodeUp { node: node.clone(), node_type, connection_id });
        self.give_link_options(stream, begun);
        let promotion = Promotion { link, node, creation, flags, node_type, residue };
        self.outputs.push_back(Output::Promote { stream, promotion });
        self.answer_connected(callers, &Ok(()));
        for (node, callers) in deferred {
            self.try_attempt(&node, callers);
        }
    }

    /// The attempt on `stream` has failed: its row goes, or the link that it was to replace stays.
    pub(super) fn attempt_failed(
        &mut self,
        node: &NodeName,
        stream: StreamId,
        error: &ConnectError,
    ) {
        let Some(row) = self.table.get_mut(node) else { return };
        if row.successor() == Some(stream) {
            row.set_successor(None);
            if row.up().is_some() {
                let callers = core::mem::take(&mut row.callers);
                self.answer_connected(callers, &Ok(()));
            }
        } else if row.state == (RowState::Pending { stream }) {
            let (link, callers) = (row.link, core::mem::take(&mut row.callers));
            self.table.remove(node);
            self.past_links.note(node, link);
            self.take_back(node, None);
            self.outputs.push_back(Output::Disconnected {
                node: node.clone(),
                link,
                was_up: false,
            });
            self.answer_connected(callers, &Err(error.clone()));
        }
    }

    /// Ends a link from this side. The row keeps the reason until the stream has ended; a row without a link is left alone.
    pub(super) fn close_link(&mut self, node: &NodeName, reason: NodeDownReason) {
        let Some(row) = self.table.get_mut(node) else { return };
        if let RowState::Up { up, successor } = row.state.clone() {
            let stream = up.stream;
            row.state = RowState::Closing { up, reason, successor, disconnecting: Vec::new() };
            self.outputs.push_back(Output::Close { stream, abort: true });
        }
    }

    /// The stream of a link has ended.
    pub(super) fn link_closed(&mut self, node: &NodeName, cause: CloseCause) {
        let Some(Row { link, state, callers }) = self.table.remove(node) else { return };
        let (up, reason, successor, disconnecting) = match state {
            RowState::Up { up, successor } => (up, cause.into(), successor, Vec::new()),
            //= docs/spec/nodedown.md#nodedown-first-reason
            RowState::Closing { up, reason, successor, disconnecting } => {
                (up, reason, successor, disconnecting)
            }
            state @ (RowState::Pending { .. } | RowState::Barred) => {
                debug_assert!(false, "only a link has a link's stream");
                self.table.insert(node.clone(), Row { link, state, callers });
                return;
            }
        };
        self.past_links.note(node, link);
        self.outputs.push_back(Output::Disconnected { node: node.clone(), link, was_up: true });
        self.tell(&NodeChange::NodeDown {
            node: node.clone(),
            node_type: up.node_type,
            connection_id: ConnectionId::Link(link),
            reason,
        });
        for request in disconnecting {
            self.answer(request, Answer::Disconnected(Ok(true)));
        }
        self.uninformed(up.stream);
        self.lose_name_of(node);
        //= docs/spec/kernel.md#kernel-barred
        if self.config.auto_connect == DistAutoConnect::Once && self.life.alive().is_some() {
            let barred = Row { link, state: RowState::Barred, callers: Callers::default() };
            self.table.insert(node.clone(), barred);
        }
        self.take_back(node, Some(up.creation));
        match successor {
            Some(stream) => self.succeed(node, stream, callers),
            None => self.dial_anew(node, callers),
        }
    }

    /// Those who waited for the end of a link get an attempt.
    pub(super) fn dial_anew(&mut self, node: &NodeName, callers: Callers) {
        if !callers.requests.is_empty() {
            self.try_attempt(node, callers);
        }
    }

    /// A name that we gave may be given again. One that never will be leaves no barred row.
    fn take_back(&mut self, node: &NodeName, used: Option<Creation>) {
        let Some(forgotten) = self.given_names.give_back(node, used) else { return };
        if self.table.get(&forgotten).is_some_and(|row| row.state == RowState::Barred) {
            self.table.remove(&forgotten);
        }
    }

    pub(super) fn answer_connected(&mut self, callers: Callers, result: &Result<(), ConnectError>) {
        for request in callers.requests {
            self.answer(request, Answer::Connected(result.clone()));
        }
    }
}
