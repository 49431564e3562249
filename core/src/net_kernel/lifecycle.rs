//! How this node gets a name, gives it up, or loses it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::given_names::GivenNames;
use super::life::{Alive, Life, Manner, Nameless, Namer, Starting, Stopping};
use super::registration::Registered;
use super::subscriptions::NodeChange;
use super::table::{Callers, Role, RowState};
use super::{
    Answer, ConnectError, ConnectionId, NetKernel, NetTicktime, NodeDownReason, NotAlive, Output,
    OwnName, StartError, StartOptions, Started, StopError, TimerName,
};
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::flags::NodeType;
use crate::handshake::AllowList;
use crate::ids::{RequestId, StreamId};
use crate::name::{NodeName, PeerName};
use crate::term::Term;
use crate::ticker::Ticker;
use crate::time::Instant;

impl NetKernel {
    //= docs/spec/kernel.md#kernel-start
    /// Makes this node alive (`net_kernel:start/2`), and answers [`Answer::Started`] with the name. A node that listens opens
    /// the listener and registers with EPMD first; the creation of one that does not comes out of `entropy`. One without a
    /// name of its own is alive at once, as `nonode@nohost`, and gets its name with its first link.
    pub fn start(&mut self, now: Instant, options: StartOptions, entropy: Entropy) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        if self.life != Life::NotAlive {
            self.answer(request, Answer::Started(Err(StartError::AlreadyStarted)));
            return request;
        }
        let wire_name = options.name.check().map_err(StartError::Name);
        let checked = wire_name.and_then(|wire_name| {
            Manner::of(&options, self.config.net_ticktime).map(|manner| (wire_name, manner))
        });
        let (wire_name, manner) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                self.answer(request, Answer::Started(Err(error)));
                return request;
            }
        };
        //= docs/spec/kernel.md#kernel-allow-start
        let allowed = AllowList::new(&options.allow);
        match options.name {
            OwnName::Dynamic { host } => {
                let ticker = self.begin_to_tick(manner.ticktime);
                self.allowed = allowed;
                self.life = Life::Nameless(Nameless {
                    host,
                    wire_host: wire_name,
                    manner,
                    deferred: VecDeque::new(),
                    ticker,
                    lost: None,
                });
                self.answer(request, Answer::Started(Ok(NodeName::nonode())));
            }
            OwnName::Static(name) => {
                let random_creation = Creation(entropy.creation()).usable();
                let starting =
                    Starting { request, name, wire_name, manner, allowed, random_creation };
                if manner.listens {
                    self.life = Life::Listening(starting);
                    self.outputs.push_back(Output::Listen);
                } else {
                    self.become_alive(starting, random_creation, None);
                }
            }
        }
        request
    }

    //= docs/spec/kernel.md#kernel-stop
    /// Ends every link and gives the name up (`net_kernel:stop/0`). Answers [`Answer::Stopped`] after the last link is down.
    /// A node that was started [statically](Started::Static) goes on.
    pub fn stop(&mut self, now: Instant) -> RequestId {
        if self.life.started() == Some(Started::Static) {
            self.set_clock(now);
            let request = self.request_ids.mint();
            self.answer(request, Answer::Stopped(Err(StopError::NotAllowed)));
            return request;
        }
        self.halt(now)
    }

    /// As [`stop`](Self::stop), however the node was started: for a host that ends (`init:stop/0`).
    pub fn halt(&mut self, now: Instant) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        //= docs/spec/nodedown.md#nodedown-net-kernel-terminated
        self.shut_down(NodeDownReason::NetKernelTerminated);
        if let Life::Stopping(stopping) = &mut self.life {
            stopping.requests.push(request);
        } else {
            self.answer(request, Answer::Stopped(Err(StopError::NotFound)));
        }
        self.go_on_without_rows();
        request
    }

    /// Appends entries to the allow list (`net_kernel:allow/1`): full names, hosts, or `name@` for any host. Links and
    /// handshakes that are there stay. The list goes with [`stop`](Self::stop).
    ///
    /// # Errors
    /// [`NotAlive`].
    pub fn allow(&mut self, nodes: &[&str]) -> Result<(), NotAlive> {
        if !self.is_alive() {
            return Err(NotAlive);
        }
        self.allowed.extend(nodes);
        Ok(())
    }

    pub(super) fn become_alive(
        &mut self,
        starting: Starting,
        creation: Creation,
        registered: Option<Registered>,
    ) {
        let Starting { request, name, wire_name, manner, allowed, random_creation: _ } = starting;
        self.allowed = allowed;
        self.cookies.take_name(&name);
        let ticker = self.begin_to_tick(manner.ticktime);
        self.take_name(Alive {
            name: name.clone(),
            wire_name,
            creation,
            manner,
            registered,
            namer: None,
            ticker,
        });
        self.answer(request, Answer::Started(Ok(name)));
        self.take_early();
    }

    //= docs/spec/kernel.md#kernel-dynamic-name
    /// The first link of a nameless node has brought a name, and comes up next. Whom to dial after that, and for whom.
    pub(super) fn be_named(
        &mut self,
        name: NodeName,
        creation: Creation,
        namer: NodeName,
    ) -> VecDeque<(NodeName, Callers)> {
        let Life::Nameless(nameless) = &self.life else { return VecDeque::new() };
        let Nameless { wire_host, manner, deferred, ticker, .. } = nameless.clone();
        let wire_name =
            PeerName::new([name.name().as_bytes(), b"@", wire_host.as_bytes()].concat());
        let creation = creation.usable();
        let namer = Some(Namer { node: namer, wire_host });
        self.take_name(Alive {
            name,
            wire_name,
            creation,
            manner,
            registered: None,
            namer,
            ticker,
        });
        deferred
    }

    /// From here on the node has a name.
    fn take_name(&mut self, alive: Alive) {
        let (name, creation) = (alive.name.clone(), alive.creation);
        self.life = Life::Alive(alive);
        self.outputs.push_back(Output::Alive { name: name.clone(), creation });
        //= docs/spec/monitor.md#monitor-own-node
        self.tell(&NodeChange::NodeUp {
            node: name,
            node_type: NodeType::Visible,
            connection_id: ConnectionId::Undefined,
        });
    }

    //= docs/spec/monitor.md#monitor-own-node
    /// The other half of `take_name`: nothing for a node that never got one.
    fn give_name_up(&mut self, name: Option<(NodeName, NodeDownReason)>) {
        let Some((node, reason)) = name else { return };
        self.outputs.push_back(Output::NotAlive);
        self.tell(&NodeChange::NodeDown {
            node,
            node_type: NodeType::Visible,
            connection_id: ConnectionId::Undefined,
            reason,
        });
    }

    //= docs/spec/ticktime.md#ticktime-while-alive
    /// The ticker of a node that is alive from now on, with or without a name.
    fn begin_to_tick(&mut self, ticktime: NetTicktime) -> Ticker {
        let ticker = Ticker::new(self.clock, ticktime);
        self.timers.set(TimerName::Tick, ticker.deadline());
        ticker
    }

    //= docs/spec/kernel.md#kernel-dynamic-lost
    /// The link with `node` has ended: if that node gave us our name, everything that the name brought ends, too.
    pub(super) fn lose_name_of(&mut self, node: &NodeName) {
        let Life::Alive(Alive { name, manner, namer: Some(namer), .. }) = &self.life else {
            return;
        };
        if namer.node != *node {
            return;
        }
        let (name, wire_host, manner) = (name.clone(), namer.wire_host.clone(), *manner);
        self.verbosity = Term::from(0_i64);
        //= docs/spec/ticktime.md#ticktime-while-alive
        let ticker = self.begin_to_tick(manner.ticktime);
        self.life = Life::Restarting(Nameless {
            host: name.host().into(),
            wire_host,
            manner,
            deferred: VecDeque::new(),
            ticker,
            lost: Some(name),
        });
        self.empty_table(NodeDownReason::NetKernelTerminated);
    }

    //= docs/spec/kernel.md#kernel-listener-lost
    /// One that is told when there is none any more was that of a life before.
    pub(super) fn listener_lost(&mut self) {
        if self.life.is_starting() || self.life.is_open() {
            self.shut_down(NodeDownReason::NoNetwork);
        }
    }

    /// Ends everything that the name brought, with this reason for the links.
    pub(super) fn shut_down(&mut self, reason: NodeDownReason) {
        let life = core::mem::replace(&mut self.life, Life::Stopping(Stopping::default()));
        let registered = match life {
            Life::NotAlive | Life::Stopping(_) => {
                self.life = life;
                return;
            }
            Life::Listening(starting) => {
                self.answer(starting.request, Answer::Started(Err(StartError::ended_by(&reason))));
                self.outputs.push_back(Output::Unlisten);
                None
            }
            Life::Registering(starting, registered) => {
                self.answer(starting.request, Answer::Started(Err(StartError::ended_by(&reason))));
                self.outputs.push_back(Output::Unlisten);
                Some(registered)
            }
            Life::Alive(alive) => {
                let name = Some((alive.name, reason.clone()));
                self.life = Life::Stopping(Stopping { requests: Vec::new(), name });
                if alive.manner.listens {
                    self.outputs.push_back(Output::Unlisten);
                }
                alive.registered
            }
            Life::Nameless(nameless) | Life::Restarting(nameless) => {
                let name = nameless.lost.map(|name| (name, reason.clone()));
                self.life = Life::Stopping(Stopping { requests: Vec::new(), name });
                for (_, callers) in nameless.deferred {
                    self.answer_connected(callers, &Err(ConnectError::Cancelled));
                }
                None
            }
        };
        self.timers.clear(TimerName::Tick);
        self.timers.clear(TimerName::Registration);
        if let Some(registered) = registered {
            self.end_registration(registered.stream);
        }
        self.allowed = AllowList::default();
        self.verbosity = Term::from(0_i64);
        self.empty_table(reason);
    }

    /// Gives up whatever is being set up, from both sides, and ends every link. The last rows go when their streams have ended.
    fn empty_table(&mut self, reason: NodeDownReason) {
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        for stream in streams {
            match self.streams.remove(&stream) {
                Some(Role::Outgoing { node, step: _ }) => {
                    self.end(stream, true);
                    self.outgoing_failed(stream, &node, &ConnectError::Cancelled);
                }
                Some(Role::Incoming { who, step: _ }) => {
                    self.end(stream, true);
                    self.incoming_failed(stream, who, &ConnectError::Cancelled);
                }
                Some(Role::Early { .. }) => self.end(stream, true),
                Some(role) => {
                    self.streams.insert(stream, role);
                }
                None => {}
            }
        }
        self.table.retain(|_, row| row.state != RowState::Barred);
        let up: Vec<NodeName> = self.table.keys().cloned().collect();
        for node in up {
            self.close_link(&node, reason.clone());
        }
    }

    /// To be called when rows or streams may have gone. A node that gives its name up waits for the last row; so does a
    /// nameless one before it dials the next node. One that stops also waits for the streams that it has closed: while EPMD
    /// sees our registration, nobody can start under the same name.
    pub(super) fn go_on_without_rows(&mut self) {
        // After every input: the streams are looked through only when no row is left.
        let ending = || self.streams.values().any(|role| *role == Role::Ending);
        if !self.table.is_empty() || matches!(self.life, Life::Stopping(_)) && ending() {
            return;
        }
        match core::mem::replace(&mut self.life, Life::NotAlive) {
            Life::Stopping(Stopping { requests, name }) => {
                self.given_names = GivenNames::default();
                self.give_name_up(name);
                for request in requests {
                    self.answer(request, Answer::Stopped(Ok(())));
                }
            }
            Life::Restarting(mut nameless) => {
                let name = nameless.lost.take();
                self.give_name_up(name.map(|name| (name, NodeDownReason::NetKernelTerminated)));
                self.life = Life::Nameless(nameless);
                self.dial_deferred();
            }
            life @ Life::Nameless(_) => {
                self.life = life;
                self.dial_deferred();
            }
            life @ (Life::NotAlive
            | Life::Listening(_)
            | Life::Registering(..)
            | Life::Alive(_)) => {
                self.life = life;
            }
        }
    }

    /// Dials the nodes that are waited for, one after the other, until one attempt is under way.
    fn dial_deferred(&mut self) {
        while self.table.is_empty() {
            let Some((node, callers)) = self.next_deferred() else { return };
            self.try_attempt(&node, callers);
        }
    }

    fn next_deferred(&mut self) -> Option<(NodeName, Callers)> {
        let Life::Nameless(nameless) = &mut self.life else { return None };
        nameless.deferred.pop_front()
    }
}
