//! A run as a space-time diagram.
#![expect(clippy::wildcard_enum_match_arm, reason = "many facts are not drawn")]

use core::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use netkernel_core::net_kernel::{NodeDownReason, NodeEvent, Purpose};
use netkernel_core::wire::control::Control;
use netkernel_core::{Creation, NodeName, StreamId};

use super::ActorId;
use super::guest::Deed;
use super::letter::Letter;
use super::observe::{Fact, Kinds, Oracle, Seen, Violation};
use super::trace::time;
use super::world::World;
use crate::spacetime::{Chart, Life, Link, Tone, What};

/// Watches a run, and draws what it has seen. It never objects.
#[derive(Debug, Default)]
pub struct Painter {
    sketch: Rc<RefCell<Sketch>>,
}

/// What a [`Painter`] has seen.
#[derive(Debug, Default)]
pub struct Sketch {
    chart: Option<Chart>,
    /// The columns of names. A name that was given may pass on.
    names: BTreeMap<NodeName, usize>,
    /// Nodes that have a name.
    alive: BTreeSet<usize>,
    /// Connections that were dialled: by whom, and when.
    dialled: BTreeMap<u64, (usize, u64)>,
    /// The connection of a stream.
    conns: BTreeMap<(usize, StreamId), u64>,
    /// Connections that one side has closed: which, and when.
    closed: BTreeMap<u64, (usize, u64)>,
    /// Letters that are under way: by which connection, if there was one.
    letters: BTreeMap<(Option<u64>, ActorId, u32, u64), u64>,
    signals: BTreeMap<(u64, usize), VecDeque<(u64, Control)>>,
}

impl Painter {
    /// What it sees, to be drawn when the run is over.
    #[must_use]
    pub fn sketch(&self) -> Rc<RefCell<Sketch>> {
        Rc::clone(&self.sketch)
    }
}

impl Oracle for Painter {
    fn name(&self) -> &'static str {
        "painter"
    }

    fn wants(&self) -> Kinds {
        let links = Kinds::LIFE.and(Kinds::CALLS).and(Kinds::STREAMS).and(Kinds::LINKS);
        links.and(Kinds::LETTERS).and(Kinds::PROCESSES)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        self.sketch.borrow_mut().observe(seen, world);
        Ok(())
    }
}

impl Sketch {
    /// The diagram, with what went wrong.
    #[must_use]
    pub fn chart(&mut self, title: String, violation: Option<&Violation>) -> Chart {
        let mut chart = self.chart.take().unwrap_or_default();
        chart.set_title(title);
        if let Some(violation) = violation {
            chart.fail(violation.at, violation.to_string());
        }
        chart
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) {
        if self.chart.is_none() {
            self.begin(world);
        }
        let nodes = world.nodes().len();
        let actor = seen.actor.map(|actor| actor.0).filter(|actor| *actor < nodes);
        match (actor, &seen.fact) {
            (None, Fact::Fault { what, host, until }) => {
                let host = host.map_or_else(String::new, |host| format!(" of h{}", host.0));
                let text = format!("{what:?}{host} until {}", time(*until));
                self.add(seen.at, What::Note(None, Tone::Fault, text));
            }
            (None, Fact::Liveness) => {
                self.add(seen.at, What::Note(None, Tone::Fault, "faults have stopped".into()));
            }
            (Some(node), fact) => self.of_node(seen, node, fact, world),
            (None, _) => {}
        }
    }

    fn begin(&mut self, world: &World<'_>) {
        let nodes = 0..world.nodes().len();
        self.names = nodes.clone().filter_map(|node| Some((world.name_of(node)?, node))).collect();
        let column =
            |node| world.name_of(node).map_or_else(|| format!("n{node}"), |n| n.to_string());
        self.chart = Some(Chart::new(String::new(), nodes.map(column).collect()));
    }

    fn add(&mut self, at: u64, what: What) {
        if let Some(chart) = &mut self.chart {
            chart.add(at, what);
        }
    }

    fn note(&mut self, at: u64, node: usize, tone: Tone, text: impl Into<String>) {
        self.add(at, What::Note(Some(node), tone, text.into()));
    }

    fn of_node(&mut self, seen: &Seen, node: usize, fact: &Fact, world: &World<'_>) {
        let at = seen.at;
        match fact {
            Fact::Alive { name, creation } => self.alive(at, node, name, *creation),
            Fact::NotAlive => {
                self.alive.remove(&node);
                self.add(at, What::Life(node, Life::Absent));
                self.note(at, node, Tone::Bad, "not alive");
            }
            Fact::Crashed { .. } => {
                self.alive.remove(&node);
                self.add(at, What::Life(node, Life::Absent));
                for other in 0..world.nodes().len() {
                    self.add(at, What::Link(node, other, None));
                }
                self.note(at, node, Tone::Fault, "crashes");
            }
            Fact::Paused { until } => {
                self.add(at, What::Life(node, Life::Paused));
                self.note(at, node, Tone::Fault, format!("stands still until {}", time(*until)));
            }
            Fact::Resumed => {
                let life = if self.alive.contains(&node) { Life::Alive } else { Life::Absent };
                self.add(at, What::Life(node, life));
                self.note(at, node, Tone::Fault, "goes on");
            }
            Fact::ListenerLost => self.note(at, node, Tone::Fault, "its listener breaks"),
            Fact::Called { call, .. } => {
                self.note(at, node, Tone::Chatter, call.to_string());
            }
            Fact::Attempting { node: other, .. } => self.link(at, node, other, Some(Link::Attempt)),
            Fact::Promoted { promotion, .. } => {
                self.link(at, node, &promotion.node, Some(Link::Up));
            }
            Fact::Disconnected { node: other, .. } => self.link(at, node, other, None),
            Fact::Told { event, .. } => self.told(at, node, event),
            Fact::Opening { .. }
            | Fact::Accepted { .. }
            | Fact::Closing { .. }
            | Fact::Closed { .. } => {
                self.stream(at, node, fact);
            }
            Fact::Queued { conn, letter, .. } => self.queued(at, Some(*conn), letter),
            Fact::Delivered { conn, letter: Some(letter), .. } => {
                self.delivered(at, node, *conn, letter);
            }
            Fact::Signalled { conn, signal, .. } => {
                let queue = self.signals.entry((*conn, node)).or_default();
                queue.push_back((at, signal.clone()));
            }
            Fact::Arrived { conn, signal, .. } => self.arrived(at, node, *conn, signal),
            Fact::Guest(deed) => self.guest(at, node, deed),
            _ => {}
        }
    }

    fn alive(&mut self, at: u64, node: usize, name: &NodeName, creation: Creation) {
        self.names.insert(name.clone(), node);
        self.alive.insert(node);
        self.add(at, What::Life(node, Life::Alive));
        self.note(at, node, Tone::Good, format!("alive: {name}, creation {}", creation.0));
    }

    fn link(&mut self, at: u64, node: usize, other: &NodeName, link: Option<Link>) {
        if let Some(other) = self.names.get(other).copied() {
            self.add(at, What::Link(node, other, link));
        }
    }

    /// Every subscriber is told; one note is enough, that with a reason if there is one.
    fn told(&mut self, at: u64, node: usize, event: &NodeEvent) {
        let other = event.node().to_string();
        let (tone, text) = match event {
            NodeEvent::NodeUp { .. } => (Tone::Good, format!("nodeup {other}")),
            NodeEvent::NodeDown { .. } => (Tone::Bad, format!("nodedown {other}")),
        };
        let reason = event.nodedown_reason().map(NodeDownReason::to_string);
        let full = reason.map_or_else(|| text.clone(), |reason| format!("{text}: {reason}"));
        let chart = self.chart.iter_mut();
        let mut notes = chart.flat_map(|chart| chart.note_at(at, node));
        match notes.find(|note| note.starts_with(&text)) {
            Some(note) if note.len() < full.len() => *note = full,
            Some(_) => {}
            None => {
                drop(notes);
                self.note(at, node, tone, full);
            }
        }
    }

    /// Connections between nodes: how they are dialled, and how their end arrives.
    fn stream(&mut self, at: u64, node: usize, fact: &Fact) {
        match fact {
            Fact::Opening { stream, purpose: Purpose::Peer(_), conn } => {
                self.dialled.insert(*conn, (node, at));
                self.conns.insert((node, *stream), *conn);
            }
            Fact::Accepted { stream, conn } => {
                self.conns.insert((node, *stream), *conn);
                self.accepted(at, node, *conn);
            }
            Fact::Closing { stream, .. } => {
                if let Some(conn) = self.conns.get(&(node, *stream)) {
                    self.closed.entry(*conn).or_insert((node, at));
                }
            }
            Fact::Closed { stream, .. } => {
                if let Some(conn) = self.conns.remove(&(node, *stream)) {
                    _ = self.ended(at, node, conn);
                }
            }
            _ => {}
        }
    }

    fn accepted(&mut self, at: u64, node: usize, conn: u64) {
        if let Some((from, since)) = self.dialled.remove(&conn) {
            self.message(at, from, node, since, Tone::Attempt, "connect".into());
        }
    }

    /// If the other side has closed it, that has arrived.
    fn ended(&mut self, at: u64, node: usize, conn: u64) -> bool {
        let other = self.closed.get(&conn).copied().filter(|(of, _)| *of != node);
        if let Some((from, since)) = other {
            self.closed.remove(&conn);
            self.message(at, from, node, since, Tone::Attempt, "close".into());
        }
        other.is_some()
    }

    /// A guest is drawn as far as it tells. Of the end of a connection it hears when it closes it, too.
    fn guest(&mut self, at: u64, node: usize, deed: &Deed) {
        match deed {
            Deed::Named { name, creation } => self.alive(at, node, name, *creation),
            Deed::Dialled { conn } => _ = self.dialled.insert(*conn, (node, at)),
            Deed::Accepted { conn } => self.accepted(at, node, *conn),
            // What nobody has accepted was a conversation with an EPMD, or has failed.
            Deed::Closed { conn } if self.dialled.remove(conn).is_some() => {}
            Deed::Closed { conn } if self.ended(at, node, *conn) => {}
            Deed::Closed { conn } => _ = self.closed.insert(*conn, (node, at)),
            Deed::Up { node: other, .. } => {
                self.link(at, node, other, Some(Link::Up));
                self.note(at, node, Tone::Good, format!("nodeup {other}"));
            }
            Deed::Down { node: other, reason } => {
                self.link(at, node, other, None);
                self.note(at, node, Tone::Bad, format!("nodedown {other}: {reason}"));
            }
            Deed::Asked { conn, letter, .. } => self.queued(at, *conn, letter),
            Deed::Received { conn, letter: Some(letter) } => {
                self.delivered(at, node, *conn, letter);
            }
            Deed::Received { letter: None, .. } => {
                self.note(at, node, Tone::Bad, "a letter in pieces");
            }
            Deed::Read { .. } | Deed::Wrote { .. } => {}
        }
    }

    fn queued(&mut self, at: u64, conn: Option<u64>, letter: &Letter) {
        self.letters.insert((conn, letter.from, letter.life, letter.number), at);
    }

    /// A guest may have been told to send it when it had no link yet.
    fn delivered(&mut self, at: u64, node: usize, conn: u64, letter: &Letter) {
        let mut take = |conn| self.letters.remove(&(conn, letter.from, letter.life, letter.number));
        if let Some(since) = take(Some(conn)).or_else(|| take(None)) {
            let label = format!("letter {}", letter.number);
            self.message(at, letter.from.0, node, since, Tone::Chatter, label);
        }
    }

    fn arrived(&mut self, at: u64, node: usize, conn: u64, signal: &Control) {
        let others = self.signals.iter_mut().filter(|((of, from), _)| *of == conn && *from != node);
        for ((_, from), queue) in others {
            let Some(place) = queue.iter().position(|(_, sent)| sent == signal) else { continue };
            let (from, (since, _)) =
                (*from, queue.drain(..=place).next_back().unwrap_or_else(|| (at, signal.clone())));
            let label = format!("{signal:?}");
            let label = label.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
            self.message(at, from, node, since, Tone::Chatter, label);
            return;
        }
    }

    fn message(&mut self, at: u64, from: usize, to: usize, since: u64, tone: Tone, label: String) {
        if from != to {
            self.add(at, What::Message { from, to, since, tone, label });
        }
    }
}
