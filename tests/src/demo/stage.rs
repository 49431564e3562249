//! The nodes of the demo, what they do, and what they must be told.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant as Moment;

use netkernel_blocking::core::net_kernel::{ConnectionId, Diagnostic, NodeEvent};
use netkernel_blocking::core::{Creation, NodeType};
use netkernel_blocking::{Identity, Item};

use super::expected::{Expected, up};
use super::failure::Failure;
use super::member::{Kind, Member, MemberId, Ring, config, full_name, short};
use super::printer::{Printer, Tone};
use super::puppet::Puppet;
use super::rules::{self, Rule};
use super::tally::Tally;
use crate::ports::try_free_port;
use crate::runtime::Node;

/// How often something is asked for that nobody tells.
const POLL: Duration = Duration::from_millis(20);
/// How many ports are tried for EPMD. Each was free a moment ago, but maybe not on IPv6.
const EPMD_TRIES: usize = 10;

/// Everything that is played with.
pub(super) struct Stage {
    printer: Printer,
    epmd_port: u16,
    members: BTreeMap<MemberId, Member>,
    next: MemberId,
    /// How many nodes were started.
    started: usize,
    ring: Sender<Ring>,
    rings: Receiver<Ring>,
    give_up: Duration,
    tally: Tally,
}

/// A node that was started, and when.
struct Begun {
    id: MemberId,
    at: Moment,
    identity: Identity,
}

impl Stage {
    /// Nobody is on it yet.
    pub(super) fn new(printer: Printer, give_up: Duration) -> Self {
        let (ring, rings) = channel();
        let (members, tally) = (BTreeMap::new(), Tally::default());
        Self { printer, epmd_port: 0, members, next: 0, started: 0, ring, rings, give_up, tally }
    }

    /// The port of the EPMD.
    pub(super) const fn epmd_port(&self) -> u16 {
        self.epmd_port
    }

    /// Begins an act.
    pub(super) fn act(&mut self, title: &str, text: &str) -> Result<(), Failure> {
        self.expect(&[])?;
        self.count();
        Ok(self.printer.act(title, text)?)
    }

    /// A paragraph.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.printer.text(text)?)
    }

    /// Tells what somebody does, or finds out, now.
    pub(super) fn tell(&mut self, who: &str, what: &str, rule: Rule) -> Result<(), Failure> {
        Ok(self.printer.event(Moment::now(), who, Tone::Plain, what, rule)?)
    }

    /// Starts the node that serves EPMD, on a free port.
    pub(super) fn start_first(
        &mut self,
        name: &'static str,
        ticktime: u32,
    ) -> Result<MemberId, Failure> {
        let mut last = None;
        for _ in 0..EPMD_TRIES {
            self.epmd_port = try_free_port()?;
            match self.begin(name, Kind::Smol, ticktime) {
                Ok(begun) => return Ok(self.introduce(&begun)?.0),
                Err(failure) => last = Some(failure),
            }
        }
        Err(last.unwrap_or_else(|| Failure::new("no port for EPMD")))
    }

    /// Starts a node, and waits until it tells of itself.
    pub(super) fn start(
        &mut self,
        name: &'static str,
        kind: Kind,
        ticktime: u32,
    ) -> Result<(MemberId, Creation), Failure> {
        let begun = self.begin(name, kind, ticktime)?;
        self.introduce(&begun)
    }

    fn begin(&mut self, name: &'static str, kind: Kind, ticktime: u32) -> Result<Begun, Failure> {
        let config = config(kind, self.epmd_port, ticktime)?;
        let id = self.next;
        self.next += 1;
        let member = Member::new(id, name, kind, config, self.ring.clone())?;
        let started = member.node.start(member.options.clone());
        let at = Moment::now();
        let identity = started.map_err(|error| failed(name, "start", error))?;
        self.members.insert(id, member);
        self.started += 1;
        Ok(Begun { id, at, identity })
    }

    fn introduce(&mut self, begun: &Begun) -> Result<(MemberId, Creation), Failure> {
        let Begun { id, at, identity } = begun;
        let name = self.member(*id)?.name;
        self.expect(&[up(*id, name, NodeType::Visible, rules::OWN_NODE)])?;
        let (port, creation) = (identity.port.unwrap_or_default(), identity.creation);
        let what = format!("started: port {port}, creation {}", creation.0);
        self.printer.event(*at, name, Tone::Plain, &what, rules::START)?;
        Ok((*id, creation))
    }

    /// Connects one node to another. Both must be told of the link, with the type of `of`.
    pub(super) fn connect(
        &mut self,
        from: MemberId,
        to: MemberId,
        of: NodeType,
        rule: Rule,
    ) -> Result<(), Failure> {
        let peer = self.member(to)?.name;
        let connected = self.node(from)?.connect_node(full_name(peer)?);
        let (at, own) = (Moment::now(), self.member(from)?.name);
        connected.map_err(|error| failed(own, &format!("connect_node({peer})"), error))?;
        let accepted = if of == NodeType::Visible { rules::ACCEPTED } else { rule };
        self.expect(&[up(from, peer, of, rule), up(to, own, of, accepted)])?;
        let what = format!("connect_node({peer}) -> true");
        Ok(self.printer.event(at, own, Tone::Plain, &what, rules::CONNECTED)?)
    }

    /// Asks whether the peer answers.
    pub(super) fn ping(&mut self, from: MemberId, peer: &str) -> Result<(), Failure> {
        let own = self.member(from)?.name;
        let pong = self.node(from)?.ping(&full_name(peer)?, self.give_up.max(POLL));
        pong.map_err(|error| failed(own, &format!("ping({peer})"), error))?;
        self.tell(own, &format!("ping({peer}) -> pong"), rules::PING)
    }

    /// Ends a link by a call.
    pub(super) fn disconnect(&mut self, from: MemberId, peer: &str) -> Result<(), Failure> {
        let own = self.member(from)?.name;
        self.count();
        match self.node(from)?.disconnect_node(&full_name(peer)?) {
            Some(true) => Ok(()),
            answer => Err(Failure::new(format!("{own}: disconnect_node({peer}) -> {answer:?}"))),
        }
    }

    /// Lets nobody run the tasks of this node.
    pub(super) fn freeze(&mut self, id: MemberId) -> Result<(), Failure> {
        self.count();
        self.puppet(id)?.freeze();
        Ok(())
    }

    /// Lets the tasks of this node run again.
    pub(super) fn thaw(&mut self, id: MemberId) -> Result<(), Failure> {
        Ok(self.puppet(id)?.thaw()?)
    }

    /// Drops everything that a node has, its sockets too, while it knows of nothing.
    pub(super) fn kill(&mut self, id: MemberId) -> Result<(), Failure> {
        self.count();
        self.freeze(id)?;
        drop(self.members.remove(&id));
        Ok(())
    }

    /// The node itself, for other calls.
    pub(super) fn node(&self, id: MemberId) -> Result<Node, Failure> {
        Ok(self.member(id)?.node.clone())
    }

    /// Waits until all of these have come, in whatever order. No other event may come.
    pub(super) fn expect(&mut self, expected: &[Expected]) -> Result<(), Failure> {
        let mut open = expected.to_vec();
        let begun = Moment::now();
        loop {
            let left = if open.is_empty() { Duration::ZERO } else { self.give_up };
            match self.next(left.saturating_sub(begun.elapsed())) {
                Some((at, id, Item::Event(event))) => self.event(&mut open, at, id, &event)?,
                Some((at, id, Item::Diagnostic(told))) => self.diagnostic(at, id, &told)?,
                // No node of the demo sends messages.
                Some((_, _, _)) => {}
                None if open.is_empty() => return Ok(()),
                None => return Err(self.missing(&open)),
            }
        }
    }

    /// Waits until something holds, while no event may come.
    pub(super) fn until(
        &mut self,
        what: &str,
        mut holds: impl FnMut() -> bool,
    ) -> Result<(), Failure> {
        let begun = Moment::now();
        while !holds() {
            if begun.elapsed() > self.give_up {
                return Err(Failure::new(format!("gave up after {:?}: {what}", self.give_up)));
            }
            thread::sleep(POLL);
            self.expect(&[])?;
        }
        Ok(())
    }

    /// The failure, and in which act it came.
    pub(super) fn blame(&self, failure: &Failure) -> Failure {
        Failure::new(format!("act {}: {failure}", self.printer.acts()))
    }

    /// Tells what there was.
    pub(super) fn summary(&mut self, limit: Duration) -> Result<(), Failure> {
        self.expect(&[])?;
        self.count();
        let took = self.printer.begun().elapsed();
        let (acts, links, bytes) = (self.printer.acts(), self.tally.links(), self.tally.bytes());
        self.printer.gap()?;
        self.text(&format!(
            "Summary: {acts} acts, {} nodes, {links} links, {bytes} bytes received, in {:.1} s (limit {} s{}).",
            self.started,
            took.as_secs_f64(),
            limit.as_secs(),
            if took > limit { "; this machine is busy" } else { "" },
        ))
    }

    fn event(
        &mut self,
        open: &mut Vec<Expected>,
        at: Moment,
        id: MemberId,
        event: &NodeEvent,
    ) -> Result<(), Failure> {
        let own = self.member(id)?.name;
        let found = open.iter().position(|expected| expected.at == id && expected.is(event));
        let Some(found) = found else {
            let wanted = self.describe(open);
            return Err(Failure::new(format!("{own} was told {event}, but expected was {wanted}")));
        };
        let expected = open.remove(found);
        let peer = event.node();
        let (tone, what) = match event {
            NodeEvent::NodeUp { .. } => {
                if short(peer) != own {
                    self.tally.up(id, peer);
                }
                let of = event.node_type().map(|of| format!(", {of}")).unwrap_or_default();
                (Tone::Good, format!("nodeup   {}{of}{}", short(peer), connection(event)))
            }
            NodeEvent::NodeDown { .. } => {
                self.tally.down(id, peer);
                let reason = event.nodedown_reason().map(ToString::to_string).unwrap_or_default();
                (Tone::Bad, format!("nodedown {}, {reason}{}", short(peer), connection(event)))
            }
        };
        Ok(self.printer.event(at, own, tone, &what, expected.rule)?)
    }

    fn diagnostic(&mut self, at: Moment, id: MemberId, told: &Diagnostic) -> Result<(), Failure> {
        let own = self.member(id)?.name;
        let Diagnostic::TickMissed { node, missed, intensity } = told else {
            return Err(Failure::new(format!("{own} warns: {told}")));
        };
        let what = format!("heard nothing from {} for {missed} of {intensity} ticks", short(node));
        Ok(self.printer.event(at, own, Tone::Plain, &what, rules::MISSED)?)
    }

    /// The next item of any node, and when it came.
    fn next(&self, limit: Duration) -> Option<(Moment, MemberId, Item)> {
        let begun = Moment::now();
        loop {
            let (id, at) = self.rings.recv_timeout(limit.saturating_sub(begun.elapsed())).ok()?;
            if let Some(item) = self.members.get(&id).and_then(|member| member.events.try_recv()) {
                return Some((at, id, item));
            }
        }
    }

    /// Reads the counters of all links, since nobody can any more when one has ended.
    fn count(&mut self) {
        for (id, member) in self.members.iter().filter(|(_, member)| !member.is_frozen()) {
            for info in member.node.nodes_info() {
                self.tally.read(*id, &info);
            }
        }
    }

    fn missing(&self, open: &[Expected]) -> Failure {
        let (after, missing) = (self.give_up, self.describe(open));
        Failure::new(format!("gave up after {after:?}, this did not come: {missing}"))
    }

    fn describe(&self, open: &[Expected]) -> String {
        let name = |id| self.members.get(&id).map_or("nobody", |member| member.name);
        let all: Vec<_> = open.iter().map(|wanted| wanted.describe(name(wanted.at))).collect();
        if all.is_empty() { "nothing".into() } else { all.join("; ") }
    }

    fn member(&self, id: MemberId) -> Result<&Member, Failure> {
        self.members.get(&id).ok_or_else(|| Failure::new("a dead node cannot play"))
    }

    fn puppet(&mut self, id: MemberId) -> Result<&mut Puppet, Failure> {
        let puppet = self.members.get_mut(&id).and_then(|member| member.puppet.as_mut());
        puppet.ok_or_else(|| Failure::new("only a puppet can be frozen"))
    }
}

fn failed(who: &str, call: &str, error: impl core::fmt::Display) -> Failure {
    Failure::new(format!("{who}: {call} failed: {error}"))
}

/// Which link, if it is one.
fn connection(event: &NodeEvent) -> String {
    match event.connection_id() {
        Some(ConnectionId::Link(link)) => format!(", connection {}", link.connection_id()),
        Some(ConnectionId::Undefined) | None => String::new(),
    }
}
