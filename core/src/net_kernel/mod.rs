//! Erlang's `net_kernel` as one machine: it has a name, knows which nodes it has links with, and how they come and go.
//!
//! # How to drive it
//!
//! * **Calls** ([`start`](NetKernel::start), [`connect_node`](NetKernel::connect_node), ...) return a [`RequestId`] at once;
//!   the result comes as [`Output::Answer`]. **Getters** answer at once.
//! * **Inputs** tell what the world did: [`Machine::handle`].
//! * **Outputs** ([`Machine::poll`]) are one ordered queue; they must be carried out in order.
//! * **Time** is a `now` in each call. [`Machine::deadline`] says when [`Input::Timeout`] is due.
//!
//! [`turn`](crate::driver::turn) does all of that for an embedder who implements [`Host`](crate::driver::Host). While a stream
//! is being set up, its reads are in lock-step: one [`Output::Read`], one [`Input::Received`]. After [`Output::Promote`] the
//! machine sees no byte of the stream any more, only its counters.
//!
//! The queue of outputs is bounded: an input adds a few for its stream, a tick one for each link, the end of the node a few
//! for each row, and a node that comes or goes one for each subscription that matches. With 10,000 subscribers that are
//! 10,000 outputs; `turn` carries them out in slices.
//!
//! What must not live here: bytes of the channel, processes, sockets, clocks.

mod address;
mod config;
mod connect;
mod given_names;
mod incoming;
mod io;
mod life;
mod lifecycle;
mod links;
#[cfg(test)]
mod matrix;
pub mod mfa;
mod names;
mod node_info;
mod nodedown;
mod opts;
mod outgoing;
mod past_links;
mod query;
mod reason;
mod registration;
mod remote_callers;
mod requests;
mod socket_options;
pub mod subscriptions;
mod table;
mod ticks;
mod timer_name;

pub use address::{Address, AddressError};
pub use config::{
    Config, DistAutoConnect, OwnName, SETUP_TIME_DEFAULT, SETUP_TIME_MAX, StartOptions, Started,
};
pub use io::{Answer, AutoConnect, Input, Machine, Output, Purpose, SamplePurpose, Target};
pub use node_info::{BadNode, ConnectionInfo, ConnectionState, InfoKey};
pub use nodedown::NodeDownReason;
pub use query::{NameDomain, NameType, NetState, NodeInfo, NodeKind, NodeKinds};
pub use reason::{ConnectError, Diagnostic, NotAlive, SetupStage, StartError, StopError};
pub use requests::Reply;
pub use socket_options::{Endpoint, OptionName, OptsError, SocketOption};
pub use subscriptions::{ConnectionId, MonitorOptions, NodeEvent};
pub use timer_name::TimerName;

pub use crate::stream::{CloseCause, OpenError, Promotion};
pub use crate::ticker::{NetTicktime, TicktimeChange, TicktimeError, TicktimeState};

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

use crate::cookie::{Cookie, Cookies};
use crate::entropy::Entropy;
use crate::epmd::{Names, NamesError};
use crate::handshake::AllowList;
use crate::ids::{MailboxId, Minter, RequestId, StreamId};
use crate::name::NodeName;
use crate::term::{Atom, Term};
use crate::time::Instant;
use crate::timers::Timers;

use given_names::GivenNames;
use life::Life;
use node_info::Inquiries;
use opts::{NewLinks, OptsCalls};
use past_links::PastLinks;
use remote_callers::RemoteCallers;
use subscriptions::{NodeChange, Subscriptions};
use table::{Role, Table};

/// The machine. See the [module](self) for how to drive it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetKernel {
    config: Config,
    cookies: Cookies,
    life: Life,
    /// Gone with the node's life.
    allowed: AllowList,
    table: Table,
    past_links: PastLinks,
    streams: BTreeMap<StreamId, Role>,
    /// Streams that the host has been told to open, and that it has not said to be open.
    opening: BTreeSet<StreamId>,
    /// Incoming streams that have not proved the cookie, oldest first.
    strangers: BTreeSet<StreamId>,
    subscriptions: Subscriptions,
    given_names: GivenNames,
    inquiries: Inquiries,
    /// Outlives the node's life.
    new_links: NewLinks,
    opts_calls: OptsCalls,
    remote_callers: RemoteCallers,
    /// What other nodes have set `net_kernel:verbose/1` to. It changes nothing.
    verbosity: Term,
    timers: Timers<TimerName>,
    /// The latest `now`.
    clock: Instant,
    outputs: VecDeque<Output>,
    stream_ids: Minter,
    link_ids: Minter,
    request_ids: Minter,
}

impl NetKernel {
    /// A kernel that is not alive.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        config.setup_time = config.effective_setup_time();
        let mut cookies = Cookies::new(config.cookie.clone());
        for (peer, cookie) in &config.peer_cookies {
            cookies.set(peer.as_atom().clone(), cookie.clone());
        }
        Self {
            cookies,
            life: Life::NotAlive,
            allowed: AllowList::default(),
            table: Table::new(),
            past_links: PastLinks::default(),
            streams: BTreeMap::new(),
            opening: BTreeSet::new(),
            strangers: BTreeSet::new(),
            subscriptions: Subscriptions::default(),
            given_names: GivenNames::default(),
            inquiries: Inquiries::default(),
            new_links: NewLinks::new(&config),
            config,
            opts_calls: OptsCalls::default(),
            remote_callers: RemoteCallers::default(),
            verbosity: Term::from(0_i64),
            timers: Timers::new(),
            clock: Instant::ORIGIN,
            outputs: VecDeque::new(),
            stream_ids: Minter::default(),
            link_ids: Minter::default(),
            request_ids: Minter::default(),
        }
    }

    /// Uses `cookie` with `peer`, from the next attempt on (`erlang:set_cookie/2`). With this node's own name it is
    /// [`set_own_cookie`](Self::set_own_cookie). Works in every state of the node, and outlives it.
    pub fn set_cookie(&mut self, peer: NodeName, cookie: Cookie) {
        self.set_cookie_of(peer.as_atom().clone(), cookie);
    }

    /// Uses `cookie` wherever a peer has none of its own, from the next attempt on (`erlang:set_cookie/1`).
    pub fn set_own_cookie(&mut self, cookie: Cookie) {
        self.cookies.set_own(cookie);
    }

    /// The cookie of this node (`erlang:get_cookie/0`, but also of a node that is not alive).
    #[must_use]
    pub const fn own_cookie(&self) -> &Cookie {
        self.cookies.own()
    }

    /// The cookie for this peer (`erlang:get_cookie/1`, but also of a node that is not alive).
    #[must_use]
    pub fn get_cookie(&self, peer: &NodeName) -> &Cookie {
        self.cookies.get(peer)
    }

    //= docs/spec/kernel.md#kernel-cookies
    fn set_cookie_of(&mut self, node: Atom, cookie: Cookie) {
        if *self.node().as_atom() == node {
            self.cookies.set_own(cookie);
        } else {
            self.cookies.set(node, cookie);
        }
    }

    fn cookie_of(&self, node: &Atom) -> &Cookie {
        self.cookies.of(node)
    }

    //= docs/spec/kernel.md#kernel-address
    /// Says where a node is, from the next attempt on: EPMD is not asked. `None`: it is asked again. Erlang has no such function;
    /// there a module takes the place of `erl_epmd`.
    pub fn set_address(&mut self, node: NodeName, address: Option<Address>) {
        match address {
            Some(address) => self.config.peers.insert(node, address),
            None => self.config.peers.remove(&node),
        };
    }

    /// Begins (`true`) or ends (`false`) the delivery of a [`NodeEvent`] for each node that comes or goes from now on, this
    /// node itself among them (`net_kernel:monitor_nodes/2`). Works in every state of the node, and outlives it.
    ///
    /// Calls with `true` count: after n of them with the same options each event comes in n copies. One call with `false`
    /// ends them all, and no event of theirs comes out after it; without any it does nothing.
    ///
    /// Options of an Erlang caller, with its errors, are read by [`MonitorOptions::check`].
    //= docs/spec/monitor.md#monitor-states
    pub fn monitor_nodes(&mut self, mailbox: MailboxId, flag: bool, options: MonitorOptions) {
        if flag {
            self.subscriptions.subscribe(mailbox, options);
        } else {
            self.subscriptions.unsubscribe(mailbox, options);
            //= docs/spec/monitor.md#monitor-false-drops
            self.drop_events(|to, key| to == mailbox && key == options);
        }
    }

    /// Ends all subscriptions of a mailbox that is gone.
    pub fn mailbox_died(&mut self, mailbox: MailboxId) {
        self.subscriptions.remove(mailbox);
        self.drop_events(|to, _| to == mailbox);
    }
}

impl Machine for NetKernel {
    fn handle(&mut self, now: Instant, input: Input) {
        self.set_clock(now);
        match input {
            Input::Timeout => self.timeouts(),
            Input::Listening { port } => self.listening(port),
            Input::ListenFailed { error } => self.listen_failed(error),
            //= docs/spec/nodedown.md#nodedown-no-network
            Input::ListenerLost => self.listener_lost(),
            Input::Opened { stream, entropy } => self.opened(stream, entropy),
            Input::OpenFailed { stream, error } => self.open_failed(stream, error),
            Input::Accepted { stream, entropy, local: _ } => self.accepted(stream, entropy),
            Input::Received { stream, bytes } => self.received(stream, &bytes),
            Input::Closed { stream, cause } => self.closed(stream, cause),
            Input::Sampled { stream, purpose, traffic } => self.sampled(stream, purpose, traffic),
            Input::OptsSet { request, result } => self.opts_set(request, result),
            Input::OptsGot { request, result } => self.opts_got(request, result),
        }
        self.go_on_without_rows();
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        self.timers.next().map(|(at, _)| at)
    }

    fn mint_stream(&mut self) -> StreamId {
        self.stream_ids.mint()
    }
}

/// Routing: from an event to the part of the kernel that it concerns.
impl NetKernel {
    /// The next deadline, and what it is for.
    #[must_use]
    pub fn next_timer(&self) -> Option<(Instant, TimerName)> {
        self.timers.next()
    }

    fn timeouts(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.clock) {
            match timer {
                TimerName::Tick => self.ring(),
                TimerName::Registration => self.registration_timeout(),
                TimerName::Setup(stream) => self.setup_timeout(stream),
            }
        }
    }

    fn opened(&mut self, stream: StreamId, entropy: Entropy) {
        self.opening.remove(&stream);
        match self.streams.remove(&stream) {
            Some(Role::Registration) => {
                self.streams.insert(stream, Role::Registration);
                self.registration(stream, |registration, now| registration.opened(now));
            }
            Some(Role::Names { request, .. }) => {
                let (names, question) = Names::ask(self.config.epmd_port);
                self.streams.insert(stream, Role::Names { request, names: Some(names) });
                self.transmit(stream, question);
                self.read(stream);
            }
            Some(Role::Outgoing { node, step }) => {
                self.outgoing_opened(stream, node, step, entropy)
            }
            Some(
                role @ (Role::Early { .. }
                | Role::Incoming { .. }
                | Role::Link { .. }
                | Role::Ending),
            ) => {
                self.streams.insert(stream, role);
            }
            // Cancelled before; the host closes what it opened too late.
            None => {}
        }
    }

    fn open_failed(&mut self, stream: StreamId, error: OpenError) {
        self.opening.remove(&stream);
        self.timers.clear(TimerName::Setup(stream));
        match self.streams.remove(&stream) {
            Some(Role::Registration) => {
                self.registration(stream, |registration, now| registration.open_failed(now, error))
            }
            Some(Role::Names { request, .. }) => {
                self.answer_names(request, Err(NamesError::Open(error)))
            }
            Some(Role::Outgoing { node, step }) => {
                self.outgoing_open_failed(stream, &node, &step, error)
            }
            Some(Role::Early { .. } | Role::Incoming { .. } | Role::Link { .. } | Role::Ending)
            | None => {}
        }
    }

    fn received(&mut self, stream: StreamId, bytes: &Bytes) {
        match self.streams.remove(&stream) {
            Some(Role::Registration) => {
                self.streams.insert(stream, Role::Registration);
                self.registration(stream, |registration, now| registration.received(now, bytes));
            }
            Some(Role::Names { request, names }) => {
                self.names_received(stream, request, names, bytes)
            }
            Some(Role::Outgoing { node, step }) => {
                self.outgoing_received(stream, node, step, bytes)
            }
            Some(Role::Incoming { who, step }) => self.incoming_received(stream, who, step, bytes),
            Some(role @ (Role::Early { .. } | Role::Link { .. } | Role::Ending)) => {
                self.streams.insert(stream, role);
            }
            None => {}
        }
    }

    fn closed(&mut self, stream: StreamId, cause: CloseCause) {
        self.opening.remove(&stream);
        match self.streams.remove(&stream) {
            Some(Role::Registration) => {
                self.registration(stream, |registration, now| registration.closed(now))
            }
            Some(Role::Names { request, names }) => {
                self.timers.clear(TimerName::Setup(stream));
                self.answer_names(request, Ok(names.map_or_else(Vec::new, Names::closed)));
            }
            Some(Role::Outgoing { node, step }) => self.outgoing_closed(stream, &node, step),
            Some(Role::Incoming { who, step }) => self.incoming_closed(stream, who, &step),
            Some(Role::Link { node }) => self.link_closed(&node, cause),
            Some(Role::Ending) => self.go_on_without_rows(),
            Some(Role::Early { .. }) | None => {}
        }
    }

    fn setup_timeout(&mut self, stream: StreamId) {
        match self.streams.remove(&stream) {
            Some(Role::Names { request, .. }) => {
                self.answer_names(request, Err(NamesError::NoReply));
                self.end(stream, true);
            }
            Some(Role::Outgoing { node, step }) => self.outgoing_timeout(stream, &node, &step),
            Some(Role::Incoming { who, step }) => self.incoming_timeout(stream, who, &step),
            Some(
                role @ (Role::Registration | Role::Early { .. } | Role::Link { .. } | Role::Ending),
            ) => {
                debug_assert!(false, "only streams that are set up have a set-up timer: {role:?}");
                self.streams.insert(stream, role);
            }
            None => {}
        }
    }
}

/// What all parts of the kernel use.
impl NetKernel {
    /// Time does not run backwards here, whatever the host's clock does.
    fn set_clock(&mut self, now: Instant) {
        self.clock = self.clock.max(now);
    }

    fn open(&mut self, host: String, port: u16, purpose: Purpose, role: Role) -> StreamId {
        let (address, family) = (Address::Port { host, port }, self.config.family);
        self.open_to(Target { address, family, purpose }, role)
    }

    fn open_to(&mut self, target: Target, role: Role) -> StreamId {
        let stream = self.stream_ids.mint();
        self.streams.insert(stream, role);
        self.opening.insert(stream);
        self.outputs.push_back(Output::Open { stream, target });
        stream
    }

    fn read(&mut self, stream: StreamId) {
        self.outputs.push_back(Output::Read { stream });
    }

    fn transmit(&mut self, stream: StreamId, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.outputs.push_back(Output::Transmit { stream, bytes });
        }
    }

    fn answer(&mut self, request: RequestId, answer: Answer) {
        self.remote_callers.answered(request);
        self.outputs.push_back(Output::Answer { request, answer });
    }

    /// Tells all who want to know that a node came or went: one output for each subscription and each copy of it.
    fn tell(&mut self, change: &NodeChange) {
        for (to, options, copies) in self.subscriptions.matching(change) {
            let event = change.clone().into_event(options);
            let output = |_| Output::Event { to, options, event: event.clone() };
            self.outputs.extend((0..copies).map(output));
        }
    }

    /// Forgets events that have not come out yet.
    fn drop_events(&mut self, dropped: impl Fn(MailboxId, MonitorOptions) -> bool) {
        self.outputs.retain(
            |output| !matches!(output, Output::Event { to, options, .. } if dropped(*to, *options)),
        );
    }

    fn diagnose(&mut self, diagnostic: Diagnostic) {
        self.outputs.push_back(Output::Diagnostic(diagnostic));
    }

    /// Closes a stream. Of one that was open, only the host's word that it has ended is awaited; of one that was still being
    /// opened, nothing.
    fn end(&mut self, stream: StreamId, abort: bool) {
        self.strangers.remove(&stream);
        self.timers.clear(TimerName::Setup(stream));
        if self.opening.remove(&stream) {
            self.streams.remove(&stream);
        } else {
            self.streams.insert(stream, Role::Ending);
        }
        self.outputs.push_back(Output::Close { stream, abort });
    }
}
