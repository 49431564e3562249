//! A world: machines, and what happens to them, one event after the other.

use core::time::Duration;
use std::collections::BTreeSet;

use netkernel_core::NodeName;
use netkernel_core::net_kernel::{NodeKinds, OpenError};

use super::actor::{Actor, Role, cookie};
use super::call::Call;
use super::choice::{Choice, Topic};
use super::clock::Clock;
use super::crew::Book;
use super::guest::{Duty, Happening, Maker, Seat, Socket};
use super::hostile::Hostiles;
use super::net::{End, Owner, Piece};
use super::observe::{Fact, FaultKind, Kinds};
use super::office::mailbox;
use super::plan::{Plan, SECOND};
use super::shared::{Event, Shared};
use super::{ActorId, HostId};

/// Everything there is.
#[derive(Debug)]
pub struct World<'c> {
    /// Nodes first, then the EPMD of each host.
    pub actors: Vec<Actor>,
    /// What they share.
    pub shared: Shared<'c>,
    pub(super) hostiles: Hostiles,
    /// Cookies that operators have set wrong: on which node, for whom.
    pub(super) wrong_cookies: BTreeSet<(usize, NodeName)>,
    /// Nodes whose own cookie operators have set wrong.
    pub(super) wrong_own_cookies: BTreeSet<usize>,
    pub(super) book: Book,
}

impl<'c> World<'c> {
    /// A world of which nothing has happened yet.
    pub fn new(plan: Plan, choice: &'c mut dyn Choice) -> Self {
        Self::with_guests(Vec::new(), plan, choice)
    }

    /// A world whose last nodes are these guests.
    pub fn with_guests(guests: Vec<Maker>, plan: Plan, choice: &'c mut dyn Choice) -> Self {
        let mut shared = Shared::new(plan, choice);
        let (nodes, hosts) = (shared.plan.nodes, shared.plan.hosts);
        let mut actors = Vec::with_capacity(nodes + hosts);
        for number in 0..nodes + hosts {
            let host = HostId(if number < nodes { number % hosts } else { number - nodes });
            let clock = clock(&mut shared);
            let role = if number < nodes { node(number, host, &mut shared) } else { Role::Epmd };
            actors.push(Actor::new(ActorId(number), host, role, clock));
        }
        let mut world = Self {
            actors,
            shared,
            hostiles: Hostiles::default(),
            wrong_cookies: BTreeSet::new(),
            wrong_own_cookies: BTreeSet::new(),
            book: Book::default(),
        };
        let first = nodes.saturating_sub(guests.len());
        for (actor, maker) in world.actors[first..nodes].iter_mut().zip(guests) {
            actor.seat = seat(actor, maker, &world.shared.plan).map(Box::new);
        }
        world.begin();
        world
    }

    fn begin(&mut self) {
        let (nodes, hosts) = (self.shared.plan.nodes, self.shared.plan.hosts);
        for epmd in nodes..nodes + hosts {
            self.shared.at(0, Event::Boot(ActorId(epmd)));
        }
        for node in 0..nodes {
            // After the EPMDs, and not all at once, so that ticks are spread.
            let spread = u64::from(self.shared.plan.ticktime) * SECOND / 4;
            let late = self.shared.choice.range(Topic::Schedule, 0, spread);
            self.shared.at(SECOND + late, Event::Boot(ActorId(node)));
        }
        self.plan_next(self.shared.plan.call_every_ns, Topic::Operator, Event::Operate);
        self.plan_next(self.shared.plan.fault_every_ns, Topic::Fault, Event::Strike);
        self.plan_next(self.shared.plan.letter_every_ns, Topic::Traffic, Event::Send(ActorId(0)));
        self.plan_next(self.shared.plan.hostile_every_ns, Topic::Hostile, Event::Hostile(0));
        self.plan_next(self.shared.plan.act_every_ns, Topic::Process, Event::Act);
    }

    /// The next event of a series, in twice the mean time at most; none if it never comes. The most harmless wait is one without
    /// end, so that a series is over where its tape is.
    pub(super) fn plan_next(&mut self, every: u64, topic: Topic, event: Event) {
        if every > 0 && !self.shared.peace {
            let wait = self.shared.choice.draw(topic, 2 * every);
            if wait > 0 {
                self.shared.at(self.shared.now + wait, event);
            }
        }
    }

    /// One event; `false` if there is none before `until`.
    pub(super) fn step(&mut self, until: u64) -> bool {
        let Some((time, event)) = self.shared.queue.pop(until) else { return false };
        self.shared.now = time;
        self.shared.counts.events += 1;
        self.happen(event);
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Serve(id) | Event::Wake(id) | Event::Retry(id) => {
                let actor = &mut self.actors[id.0];
                if !actor.defer(event) {
                    let now = self.shared.now;
                    match (event, &mut actor.process) {
                        (Event::Serve(_), _) => actor.serve(&mut self.shared),
                        (Event::Wake(_), _) => actor.wake(now, &mut self.shared),
                        (_, Some(process)) => process.body.retry(&mut self.shared),
                        (_, None) => {}
                    }
                }
            }
            Event::Boot(id) => self.actors[id.0].boot(&mut self.shared),
            Event::Ticktime { node, seconds, transition_seconds } => {
                self.set_ticktime(node, seconds, transition_seconds);
            }
            Event::StartAgain(id) => self.call(id.0, Call::Start),
            Event::Resume(id) => self.actors[id.0].resume(&mut self.shared),
            Event::Arrive(end) => self.arrive(end),
            Event::Read(end)
            | Event::Write(end)
            | Event::DialTimeout(end)
            | Event::FlushLimit(end)
            | Event::Finish(end)
            | Event::Unpause(end) => self.stream_step(end, event),
            Event::Send(_) => self.send_letter(),
            Event::Act => self.act(),
            Event::Operate => self.operate(),
            Event::Strike => self.strike(),
            Event::Hostile(number) => self.hostile(number),
            Event::HostUp(host) => self.host_up(host),
        }
    }

    fn stream_step(&mut self, end: End, event: Event) {
        let (id, stream) = match self.shared.net.owner(end) {
            Owner::Actor(id, Some(stream)) => (id, stream),
            Owner::Guest(id) => return self.guest_step(id, end, event),
            Owner::Actor(_, None) | Owner::Hostile(_) | Owner::Nobody => return,
        };
        let actor = &mut self.actors[id.0];
        if actor.defer(event) {
            return;
        }
        let Some(process) = &mut actor.process else { return };
        let (body, shared) = (&mut process.body, &mut self.shared);
        match event {
            Event::Read(_) => body.read_step(stream, shared),
            Event::Write(_) => body.write_step(stream, shared),
            Event::Finish(_) => body.finish_step(stream, shared),
            Event::DialTimeout(_) => process.dial_failed(stream, OpenError::TimedOut, shared),
            Event::FlushLimit(_) => body.flush_limit(stream, shared),
            Event::Unpause(_) => body.unpause(stream, shared),
            Event::Serve(_)
            | Event::Wake(_)
            | Event::Resume(_)
            | Event::Boot(_)
            | Event::StartAgain(_)
            | Event::Ticktime { .. }
            | Event::Retry(_)
            | Event::Send(_)
            | Event::Act
            | Event::Arrive(_)
            | Event::Operate
            | Event::Strike
            | Event::Hostile(_)
            | Event::HostUp(_) => {}
        }
    }

    /// What happens to a socket of a guest.
    fn guest_step(&mut self, id: ActorId, end: End, event: Event) {
        let actor = &mut self.actors[id.0];
        if actor.defer(event) {
            return;
        }
        let who = (id, actor.life);
        let Some(seat) = &mut actor.seat else { return };
        if let Event::Write(_) = event {
            seat.tell(id, Happening::Writable(Socket(end)), &mut self.shared);
        } else if let Event::DialTimeout(_) = event {
            seat.dial_failed(who, end, OpenError::TimedOut, &mut self.shared);
        }
    }

    /// Something has come to a socket of a guest.
    pub(super) fn guest_hears(&mut self, id: ActorId, end: End, piece: &Piece) {
        let actor = &mut self.actors[id.0];
        let who = (id, actor.life);
        if let Some(seat) = &mut actor.seat {
            seat.arrived(who, end, piece, &mut self.shared);
        }
    }

    /// Looks for what has come to an end.
    fn arrive(&mut self, end: End) {
        let now = self.shared.now;
        while let Some(piece) = self.shared.net.arrive(end, now) {
            if !self.shared.net.has_vanished(end) {
                self.shared.note_wire(end, |route| Fact::Came { route, piece: piece.clone() });
            }
            if piece == Piece::Syn {
                self.syn(end);
            } else if self.shared.net.has_vanished(end) {
                // A host that knows nothing of a connection says so.
                let host = self.shared.net.host(end);
                let up = host.is_some_and(|host| self.shared.hosts[host.0].up);
                if up && matches!(piece, Piece::Data(_) | Piece::SynAck) {
                    self.shared.send(end, Piece::Rst);
                }
            } else {
                match self.shared.net.owner(end) {
                    Owner::Actor(id, Some(stream)) => {
                        let actor = &mut self.actors[id.0];
                        let prompt = self.shared.is_prompt() && actor.paused_until.is_none();
                        if let Some(process) = &mut actor.process {
                            process.arrived(stream, &piece, prompt, &mut self.shared);
                        }
                    }
                    Owner::Guest(id) => self.guest_hears(id, end, &piece),
                    Owner::Hostile(number) => self.hostile_hears(number, end, &piece),
                    Owner::Actor(_, None) | Owner::Nobody => {}
                }
            }
        }
        if let Some(until) = self.shared.net.stalled(end, now) {
            self.shared.at(until, Event::Arrive(end));
        }
    }

    /// A dial comes to a host.
    fn syn(&mut self, end: End) {
        let shared = &mut self.shared;
        let Some(host) = shared.net.host(end).filter(|host| shared.hosts[host.0].up) else {
            return;
        };
        let port = shared.net.port(end);
        let listener = shared.hosts[host.0].listeners.get(&port).copied();
        if let Some(id) = listener
            && let Actor { life, seat: Some(seat), .. } = &mut self.actors[id.0]
        {
            return seat.accept((id, *life), end, shared);
        }
        match listener.and_then(|id| Some((id, self.actors[id.0].process.as_mut()?))) {
            Some((id, process)) => {
                shared.net.set_owner(end, Owner::Actor(id, None));
                shared.send(end, Piece::SynAck);
                process.body.tell(super::body::Message::Accepted(end), shared);
            }
            None => {
                shared.send(end, Piece::Rst);
                if shared.net.owner(end.other()) == Owner::Nobody {
                    shared.net.release(end);
                }
            }
        }
    }

    /// A host comes back, with its EPMD and its nodes.
    fn host_up(&mut self, host: HostId) {
        self.shared.hosts[host.0].up = true;
        let until = self.shared.now;
        self.shared.note_world(Kinds::LIFE, || Fact::Fault {
            what: FaultKind::HostUp,
            host: Some(host),
            until,
        });
        for actor in &self.actors {
            if actor.host == host {
                self.shared.at(self.shared.now, Event::Boot(actor.id));
            }
        }
    }
}

/// What can be asked of a world.
impl World<'_> {
    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Actor] {
        &self.actors[..self.shared.plan.nodes]
    }

    /// What the node is called now: a dynamic name is known only while there is one.
    #[must_use]
    pub fn name_of(&self, node: usize) -> Option<NodeName> {
        let actor = &self.actors[node];
        match &actor.role {
            Role::Node { name, dynamic: false, .. } => Some(name.clone()),
            Role::Node { .. } => {
                let (name, _) = actor.process.as_ref()?.body.identity.clone()?;
                (name != NodeName::nonode()).then_some(name)
            }
            Role::Epmd => None,
        }
    }

    /// Whether `one` has a link with `other`, as its `nodes()` tells it.
    #[must_use]
    pub fn has_link(&self, one: usize, other: usize) -> bool {
        let Some(name) = self.name_of(other) else { return false };
        if let Some(seat) = &self.actors[one].seat {
            return seat.is_up(&name);
        }
        let Some(kernel) = self.actors[one].kernel() else { return false };
        kernel.nodes(NodeKinds::CONNECTED).any(|info| info.node == name)
    }

    /// Whether both have a link with each other.
    #[must_use]
    pub fn are_linked(&self, one: usize, other: usize) -> bool {
        self.has_link(one, other) && self.has_link(other, one)
    }

    /// A short name for traces: that of the node, or `epmd@` and the host.
    #[must_use]
    pub fn label(&self, id: ActorId) -> String {
        let actor = &self.actors[id.0];
        actor.name().map_or_else(|| format!("epmd@h{}", actor.host.0), ToString::to_string)
    }
}

fn clock(shared: &mut Shared<'_>) -> Clock {
    let most = u64::from(shared.plan.skew_ppm);
    if most == 0 {
        return Clock::new(0, 0);
    }
    // Zero is the clock of the world.
    let drawn = shared.choice.range(Topic::Clock, 0, 2 * most);
    let skew =
        if drawn.is_multiple_of(2) { (drawn / 2) as i32 } else { -(drawn.div_ceil(2) as i32) };
    let origin = shared.choice.draw(Topic::Clock, 1000 * SECOND);
    Clock::new(origin, skew)
}

fn node(number: usize, host: HostId, shared: &mut Shared<'_>) -> Role {
    let text = format!("n{number}@h{}", host.0);
    let name = NodeName::new(&text).unwrap_or_else(|_| unreachable!("well-formed"));
    let hidden = shared.choice.chance(Topic::Plan, shared.plan.hidden_permille);
    let dynamic = number + shared.plan.dynamic >= shared.plan.nodes;
    Role::Node { name, hidden, dynamic }
}

/// Where a guest sits: at the place of a node.
fn seat(actor: &Actor, maker: Maker, plan: &Plan) -> Option<Seat> {
    let duty = Duty {
        name: actor.name()?.clone(),
        mailbox: mailbox(),
        cookie: cookie(true),
        net_ticktime: plan.net_ticktime(),
        setup_time: Duration::from_nanos(plan.setup_ns),
    };
    Some(Seat::new(maker, duty))
}
