//! Wishes for a link, explicit and automatic: what they find, and when an attempt begins.

use super::life::Life;
use super::table::{Callers, Outgoing, Role, Row, RowState};
use super::{
    Answer, AutoConnect, ConnectError, Diagnostic, DistAutoConnect, NetKernel, Purpose, TimerName,
};
use crate::epmd::LOOKUP_TIMEOUT;
use crate::flags::NodeType;
use crate::ids::{LinkId, RequestId, StreamId};
use crate::name::{NameError, NodeName};
use crate::time::Instant;

impl NetKernel {
    /// Sees to a link with `node` (`net_kernel:connect_node/1`), and answers [`Answer::Connected`]: at once if there is one,
    /// else with the result of the attempt that is under way or begins now.
    pub fn connect_node(&mut self, now: Instant, node: NodeName) -> RequestId {
        self.connect(now, node, NodeType::Visible)
    }

    //= docs/spec/kernel.md#kernel-hidden-connect
    /// As [`connect_node`](Self::connect_node), but an attempt that begins now asks for a hidden link
    /// (`net_kernel:hidden_connect_node/1`). A link or an attempt that is there stays what it is.
    pub fn hidden_connect_node(&mut self, now: Instant, node: NodeName) -> RequestId {
        self.connect(now, node, NodeType::Hidden)
    }

    //= docs/spec/kernel.md#kernel-auto-wait
    /// As [`connect_node`](Self::connect_node), but only where `dist_auto_connect` lets attempts begin by themselves: for who wants
    /// to send something and to know why it cannot be sent, such as `net_adm:ping/1`.
    pub fn connect_automatically(&mut self, now: Instant, node: NodeName) -> RequestId {
        match self.refuses_to_wait(&node) {
            Some(error) => {
                self.set_clock(now);
                let request = self.request_ids.mint();
                self.answer(request, Answer::Connected(Err(error)));
                request
            }
            None => self.connect_node(now, node),
        }
    }

    /// Why who waits for a link with this node would wait for an attempt that may not begin by itself. A link that is about to end
    /// leaves none behind, unless the other side has begun one, or a call waits for one.
    pub(super) fn refuses_to_wait(&self, node: &NodeName) -> Option<ConnectError> {
        match self.table.get(node) {
            Some(Row { state: RowState::Closing { successor: None, .. }, callers, .. })
                if callers.requests.is_empty() && self.is_alive() =>
            {
                match self.config.auto_connect {
                    DistAutoConnect::Never => Some(ConnectError::NotAutomatic),
                    DistAutoConnect::Once => Some(ConnectError::Barred),
                    _ => None,
                }
            }
            _ => self.refuses_automatic_link(node),
        }
    }

    /// Why no attempt with this node may begin by itself, if it is that which a wish for a link would need.
    pub(super) fn refuses_automatic_link(&self, node: &NodeName) -> Option<ConnectError> {
        if !self.is_alive() {
            return None;
        }
        match self.table.get(node).map(|row| &row.state) {
            Some(RowState::Barred) => Some(ConnectError::Barred),
            Some(RowState::Pending { .. } | RowState::Up { .. } | RowState::Closing { .. }) => None,
            None => {
                let never = self.config.auto_connect == DistAutoConnect::Never;
                (never && self.node() != *node).then_some(ConnectError::NotAutomatic)
            }
        }
    }

    pub(super) fn connect(&mut self, now: Instant, node: NodeName, wish: NodeType) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        let callers = Callers::of(wish, request);
        if !self.is_alive() {
            self.answer_connected(callers, &Err(ConnectError::NotAlive));
            return request;
        }
        match self.table.get_mut(&node) {
            None | Some(Row { state: RowState::Barred, .. }) => self.try_attempt(&node, callers),
            Some(Row { state: RowState::Up { successor: None, .. }, .. }) => {
                self.answer_connected(callers, &Ok(()));
            }
            Some(row) => row.callers.join(callers),
        }
        request
    }

    /// Whether a wish for a link with this node would not be answered at once.
    pub(super) fn connect_waits(&self, node: &NodeName) -> bool {
        if !self.is_alive() {
            return false;
        }
        match self.table.get(node).map(|row| &row.state) {
            None | Some(RowState::Barred) => self.node() != *node && self.check_dial(node).is_ok(),
            Some(RowState::Up { successor, .. }) => successor.is_some(),
            Some(RowState::Pending { .. } | RowState::Closing { .. }) => true,
        }
    }

    //= docs/spec/kernel.md#kernel-auto-connect
    /// A sender found no link with `node`. `seen` is the last link or attempt with it that the sender knew of: if there has
    /// been another since, the wish came too late, and is ignored. Answers [`Answer::AutoConnect`] at once; what becomes of
    /// the attempt is told by the outputs that every attempt has.
    pub fn auto_connect(
        &mut self,
        now: Instant,
        node: &NodeName,
        seen: Option<LinkId>,
    ) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        let result = self.automatic_attempt(node, seen);
        self.answer(request, Answer::AutoConnect(result));
        request
    }

    fn automatic_attempt(
        &mut self,
        node: &NodeName,
        seen: Option<LinkId>,
    ) -> Result<AutoConnect, ConnectError> {
        if !self.is_alive() {
            return Err(ConnectError::NotAlive);
        }
        let row = self.table.get(node);
        let latest = row.map(|row| row.link).or_else(|| self.past_links.last(node));
        if latest > seen {
            return Ok(AutoConnect::Stale);
        }
        let present = row.is_some() || self.node() == *node;
        if let Some(error) = self.refuses_automatic_link(node) {
            return Err(error);
        }
        if present {
            return Ok(AutoConnect::Present);
        }
        self.check_dial(node)?;
        let callers = Callers { wish: Some(NodeType::Visible), ..Callers::default() };
        Ok(if self.begin_attempt(node, callers) {
            AutoConnect::Begun
        } else {
            AutoConnect::Deferred
        })
    }

    /// Begins an attempt, or tells the callers why none can begin. With ourselves we are connected: that may also be the name
    /// that we were given while they waited.
    pub(super) fn try_attempt(&mut self, node: &NodeName, callers: Callers) {
        if self.node() == *node {
            self.answer_connected(callers, &Ok(()));
            return;
        }
        match self.check_dial(node) {
            Ok(()) => {
                self.begin_attempt(node, callers);
            }
            Err(error) => {
                self.diagnose(Diagnostic::ConnectFailed {
                    node: node.clone(),
                    error: error.clone(),
                });
                self.answer_connected(callers, &Err(error));
            }
        }
    }

    //= docs/spec/handshake.md#hs-initiator-domain
    /// Nodes with long names do not dial short ones, and the other way round.
    fn check_dial(&self, node: &NodeName) -> Result<(), ConnectError> {
        let own = self.life.manner().ok_or(ConnectError::Cancelled)?;
        if !own.name_domain.dials(node.host()) {
            return Err(ConnectError::Name(NameError::OtherDomain));
        }
        if !self.allowed.lets_dial(node) {
            return Err(ConnectError::NotAllowed);
        }
        Ok(())
    }

    //= docs/spec/handshake.md#hs-initiator-timer
    /// Asks the EPMD of the node's host, unless it is known where the node is; a node without a name puts all but one attempt off,
    /// and says `false`.
    fn begin_attempt(&mut self, node: &NodeName, callers: Callers) -> bool {
        //= docs/spec/kernel.md#kernel-dynamic-wait
        let busy = !self.table.is_empty() || matches!(self.life, Life::Restarting(_));
        match &mut self.life {
            Life::Nameless(nameless) | Life::Restarting(nameless) if busy => {
                nameless.defer(node, callers);
                return false;
            }
            Life::NotAlive
            | Life::Listening(_)
            | Life::Registering(..)
            | Life::Nameless(_)
            | Life::Restarting(_)
            | Life::Alive(_)
            | Life::Stopping(_) => {}
        }
        let stream = match self.config.address_of(node) {
            Some((address, family)) => self.dial(node, address, family),
            None => self.look_up(node),
        };
        self.attempt(node, stream, callers);
        true
    }

    /// Dials the EPMD of the node's host.
    fn look_up(&mut self, node: &NodeName) -> StreamId {
        let role = Role::Outgoing { node: node.clone(), step: Outgoing::DialEpmd };
        let stream = self.open(node.host().into(), self.config.epmd_port, Purpose::Epmd, role);
        //= docs/spec/epmd.md#epmd-lookup-timeout
        let limit = self.config.setup_time.min(LOOKUP_TIMEOUT);
        self.timers.set(TimerName::Setup(stream), self.clock + limit);
        stream
    }
}
