//! Kernels in a small world, and all that can happen to them.

use core::time::Duration;
use std::collections::VecDeque;

use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::{Answer, Input, StartOptions};
use netkernel_core::{RequestId, StreamId};

use crate::checker::{self, Explored, Scene};
use crate::judge;
use crate::world::{Far, Side, Slow, World, name};

/// What a node is asked for, or what happens to it, at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Connect(&'static str),
    HiddenConnect(&'static str),
    /// A sender that knows of the last link there was finds none.
    AutoConnect(&'static str),
    Disconnect(&'static str),
    Stop,
    Start(&'static str),
    /// Its links to dead nodes are reset.
    Reset,
    /// Its listener breaks.
    LoseListener,
}

/// One thing that can happen next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    /// The next [`Op`] of a node.
    Op(usize),
    /// A node hears that one of its streams is open, accepted or closed.
    Late(usize, usize),
    /// A node reads what is there.
    Read(usize, StreamId),
    /// A deadline of a node has passed, and it notices.
    Ring(usize),
    /// Time passes up to the next deadline.
    Pass,
    /// A node loses one of its streams to another node, with all that was under way to it and has not left it. The other reads what came
    /// before.
    Lose(usize, StreamId),
}

/// A world, and what is still to happen.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) struct State {
    pub(crate) world: World,
    ops: Vec<VecDeque<Op>>,
    passes: u8,
    pub(crate) asked: Vec<(usize, Op, RequestId)>,
    /// An attempt has waited for the end of a link before it was answered.
    pub(crate) parked: bool,
    losses: u8,
}

impl State {
    /// A world in which these nodes are asked for these things, in this order at each node.
    pub(crate) fn new(mut world: World, ops: &[(usize, Op)]) -> Self {
        world.slow = Slow::Peers;
        let mut queues = vec![VecDeque::new(); world.nodes.len()];
        for &(id, op) in ops {
            queues[id].push_back(op);
        }
        Self { world, ops: queues, passes: 0, asked: Vec::new(), parked: false, losses: 0 }
    }

    /// Also conversations with EPMD take their time.
    pub(crate) fn slow_epmd(self) -> Self {
        self.slow(Slow::All)
    }

    /// Which streams take their time.
    pub(crate) fn slow(mut self, slow: Slow) -> Self {
        self.world.slow = slow;
        self
    }

    /// So many streams between nodes may be lost.
    pub(crate) fn losses(self, losses: u8) -> Self {
        Self { losses, ..self }
    }

    /// Time may pass so often.
    pub(crate) fn passes(self, passes: u8) -> Self {
        Self { passes, ..self }
    }

    /// The answer to the first call of this kind.
    pub(crate) fn answer(&self, id: usize, op: Op) -> &Answer {
        let (.., request) =
            self.asked.iter().find(|(who, asked, _)| (*who, *asked) == (id, op)).unwrap();
        &self.world.nodes[id].host.answers[request]
    }

    /// How often the log of a node has a line that begins so.
    pub(crate) fn count(&self, id: usize, prefix: &str) -> usize {
        self.world.nodes[id].host.log.iter().filter(|line| line.starts_with(prefix)).count()
    }

    /// As a runtime does it: what the kernel wants is carried out before it hears of anything else.
    fn work(&mut self, id: usize) {
        let world = &mut self.world;
        while world.serve(id) {}
        self.parked |= world.nodes[id].host.sides.values().any(Side::is_parked);
        if world.slow == Slow::All {
            return;
        }
        let epmd = |world: &World| {
            let sides = world.nodes[id].host.sides.iter();
            let mut sides = sides.filter(|(_, side)| side.far == Far::Epmd && side.is_readable());
            sides.next().map(|(stream, _)| *stream)
        };
        while let Some(stream) = epmd(world) {
            world.exchange(id, stream);
            while world.serve(id) {}
        }
    }

    /// Nothing is slow any more, and time passes until whatever waits has been answered.
    fn come_to_an_end(&mut self) {
        let world = &mut self.world;
        world.hurry();
        world.pass(Duration::from_secs(30));
    }
}

impl Scene for State {
    type Act = Act;

    fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        for (id, node) in self.world.nodes.iter().enumerate().filter(|(_, node)| !node.frozen) {
            if !self.ops[id].is_empty() {
                acts.push(Act::Op(id));
            }
            acts.extend((0..node.late.len()).map(|at| Act::Late(id, at)));
            let readable = node.host.sides.iter().filter(|(_, side)| side.is_readable());
            acts.extend(readable.map(|(stream, _)| Act::Read(id, *stream)));
            if node.kernel.deadline().is_some_and(|due| due <= self.world.now) {
                acts.push(Act::Ring(id));
            }
        }
        if self.passes > 0 && !acts.is_empty() {
            acts.push(Act::Pass);
        }
        if self.losses > 0 {
            acts.extend(self.world.carriers().map(|(id, stream)| Act::Lose(id, stream)));
        }
        acts
    }

    fn act(&mut self, act: Act) {
        let world = &mut self.world;
        match act {
            Act::Op(id) => {
                let op = self.ops[id].pop_front().unwrap();
                let now = world.now;
                let node = &mut world.nodes[id];
                let request = match op {
                    Op::Connect(to) => Some(node.kernel.connect_node(now, name(to))),
                    Op::HiddenConnect(to) => Some(node.kernel.hidden_connect_node(now, name(to))),
                    Op::AutoConnect(to) => {
                        let seen = node.host.links.values().max().copied();
                        Some(node.kernel.auto_connect(now, &name(to), seen))
                    }
                    Op::Disconnect(to) => Some(node.kernel.disconnect_node(now, &name(to))),
                    Op::Stop => Some(node.kernel.stop(now)),
                    Op::Start(own) => {
                        let entropy = world.entropy(id);
                        let kernel = &mut world.nodes[id].kernel;
                        Some(kernel.start(now, StartOptions::new(name(own)), entropy))
                    }
                    Op::Reset => {
                        world.reset_links(id);
                        None
                    }
                    Op::LoseListener => {
                        world.tell(id, Input::ListenerLost);
                        None
                    }
                };
                self.asked.extend(request.map(|request| (id, op, request)));
                self.work(id);
            }
            Act::Late(id, at) => {
                world.hear_late(id, at);
                self.work(id);
            }
            Act::Read(id, stream) => {
                world.exchange(id, stream);
                self.work(id);
            }
            Act::Ring(id) => self.work(id),
            Act::Lose(id, stream) => {
                self.losses -= 1;
                world.lose(id, stream);
            }
            Act::Pass => {
                self.passes -= 1;
                let nodes = world.nodes.iter().filter(|node| !node.frozen);
                let next = nodes.filter_map(|node| node.kernel.deadline()).min();
                world.now = world.now.max(next.unwrap());
            }
        }
    }

    fn tell(&self) -> String {
        let logs: Vec<_> = self.world.nodes.iter().map(|node| &node.host.log).collect();
        format!("{logs:#?}")
    }
}

/// Tries every order from `begin`, judges each end, and sorts the ends by what `tell` says of them.
pub(crate) fn explore(
    what: &str,
    begin: State,
    tell: impl Fn(&State) -> String + Send + Sync + 'static,
) -> Explored {
    checker::explore(what, begin, move |end: &State| {
        let mut end = end.clone();
        end.come_to_an_end();
        judge::judge(&end)?;
        let outcome = tell(&end);
        judge::judge_the_stop(end.world);
        Ok(outcome)
    })
}
