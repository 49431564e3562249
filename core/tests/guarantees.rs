//! What `monitor_nodes` promises about the order of node events, messages and `nodes()`, on one mailbox and on every schedule.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod world;

use core::time::Duration;
use std::collections::BTreeMap;

use bytes::Bytes;
use netkernel_core::net_kernel::{
    Answer, Config, ConnectionId, MonitorOptions, NodeEvent, NodeInfo,
};
use netkernel_core::{LinkId, MailboxId, NodeName, StreamId};
use proptest::collection::vec as many;
use proptest::prelude::*;
use proptest::sample::Index;
use world::{Far, Mail, Slow, World, cookie, name, ticktime};

const NAMES: [&str; 2] = ["a@127.0.0.1", "b@127.0.0.1"];

/// What a schedule does next. The first number is one of two nodes.
#[derive(Clone, Debug)]
enum Move {
    /// The node works for a while.
    Run(usize, u8),
    /// The node hears that one of its streams is open, accepted or closed.
    Hear(usize, Index),
    Connect(usize),
    Disconnect(usize),
    /// Sends so many messages on every link that the node has, also on one that the other end does not have yet.
    Send(usize, u8),
    /// The applications of the node stop to read a link, or go on.
    Pause(usize, Index),
    Resume(usize),
    /// A stream of the node breaks without a word of either kernel.
    Break(usize, Index),
    /// The node dies unheard, and starts anew under its name.
    Restart(usize),
    /// Time passes; nobody works meanwhile.
    Freeze(u16),
}

fn moves() -> impl Strategy<Value = Move> {
    let node = || 0..2_usize;
    prop_oneof![
        12 => (node(), 1..60_u8).prop_map(|(node, steps)| Move::Run(node, steps)),
        12 => (node(), any::<Index>()).prop_map(|(node, late)| Move::Hear(node, late)),
        4 => node().prop_map(Move::Connect),
        3 => node().prop_map(Move::Disconnect),
        6 => (node(), 1..8_u8).prop_map(|(node, messages)| Move::Send(node, messages)),
        2 => (node(), any::<Index>()).prop_map(|(node, link)| Move::Pause(node, link)),
        2 => node().prop_map(Move::Resume),
        1 => (node(), any::<Index>()).prop_map(|(node, stream)| Move::Break(node, stream)),
        1 => node().prop_map(Move::Restart),
        1 => (1..2500_u16).prop_map(Move::Freeze),
    ]
}

/// Two nodes, one mailbox of each that gets all events and all messages, and what was sent.
struct Play {
    world: World,
    /// The nodes that have the names now, and the mailboxes of theirs.
    live: [(usize, MailboxId); 2],
    /// All nodes there ever were.
    all: Vec<(usize, MailboxId)>,
    /// By number of the message: the stream of the receiver that was to bring it.
    sent: Vec<(usize, StreamId)>,
}

impl Play {
    fn begin(segment: usize, window: usize, slow: Slow) -> Self {
        let mut world = World::default();
        (world.segment, world.window) = (segment, window);
        let live = NAMES.map(|node| start(&mut world, node));
        world.slow = slow;
        Self { world, live, all: live.into(), sent: Vec::new() }
    }

    fn play(&mut self, next: &Move) {
        let now = self.world.now;
        match *next {
            Move::Run(who, steps) => {
                for _ in 0..steps {
                    self.step(who);
                }
            }
            Move::Hear(who, late) => {
                let id = self.live[who].0;
                let all = self.world.nodes[id].late.len();
                if all > 0 {
                    self.world.hear_late(id, late.index(all));
                    self.step(who);
                }
            }
            Move::Connect(who) => {
                let id = self.live[who].0;
                self.world.nodes[id].kernel.connect_node(now, name(NAMES[1 - who]));
                self.step(who);
            }
            Move::Disconnect(who) => {
                let id = self.live[who].0;
                self.world.nodes[id].kernel.disconnect_node(now, &name(NAMES[1 - who]));
                self.step(who);
            }
            Move::Send(who, messages) => (0..messages).for_each(|_| self.send(who)),
            Move::Pause(who, link) => {
                let id = self.live[who].0;
                let streams = self.world.link_streams(id);
                if !streams.is_empty() {
                    self.pause(id, *link.get(&streams), true);
                }
            }
            Move::Resume(who) => {
                let id = self.live[who].0;
                for stream in self.world.link_streams(id) {
                    self.pause(id, stream, false);
                }
            }
            Move::Break(who, stream) => {
                let id = self.live[who].0;
                let streams = self.world.streams(id);
                if !streams.is_empty() {
                    let sides = &mut self.world.nodes[id].host.sides;
                    sides.get_mut(stream.get(&streams)).unwrap().eof = true;
                }
            }
            Move::Restart(who) => {
                let old = self.live[who].0;
                self.world.nodes[old].frozen = true;
                self.world.nodes[old].host.port = None;
                self.world.epmd.remove(name(NAMES[who]).name());
                self.live[who] = start(&mut self.world, NAMES[who]);
                self.all.push(self.live[who]);
            }
            Move::Freeze(ms) => self.world.now = now + Duration::from_millis(ms.into()),
        }
    }

    /// As a runtime does it: what the kernel wants is carried out before it hears of anything else.
    fn step(&mut self, who: usize) {
        let id = self.live[who].0;
        while self.world.serve(id) {}
        for stream in self.world.streams(id) {
            self.world.exchange(id, stream);
            while self.world.serve(id) {}
        }
    }

    fn pause(&mut self, id: usize, stream: StreamId, paused: bool) {
        self.world.nodes[id].host.sides.get_mut(&stream).unwrap().paused = paused;
    }

    fn send(&mut self, who: usize) {
        let from = self.live[who].0;
        for stream in self.world.link_streams(from) {
            let Far::Node(to, far) = self.world.nodes[from].host.sides[&stream].far else {
                continue;
            };
            let mailbox = self.all.iter().find(|(id, _)| *id == to).unwrap().1;
            let number = (self.sent.len() as u32).to_be_bytes();
            self.sent.push((to, far));
            let message = Bytes::from([&[131, 98][..], &number].concat());
            self.world.send_on(from, stream, to, mailbox, message);
        }
    }

    /// Whatever was held up goes on; then there is a link, it carries messages both ways, and ends.
    fn come_to_an_end(&mut self) {
        self.world.hurry();
        for who in 0..2 {
            self.play(&Move::Resume(who));
        }
        self.world.settle();
        self.world.pass(Duration::from_secs(10));
        let connected = self.world.connect(self.live[0].0, NAMES[1]);
        assert_eq!(connected, Some(Answer::Connected(Ok(()))));
        let before = self.messages();
        for who in 0..2 {
            self.send(who);
        }
        self.world.settle();
        assert_eq!(self.messages(), before + 2, "the last messages arrive");
        self.world.disconnect(self.live[1].0, NAMES[0]);
    }

    fn messages(&self) -> usize {
        let mail = self.all.iter().flat_map(|&(id, _)| &self.world.nodes[id].host.mail);
        mail.filter(|(_, item)| matches!(item, Mail::Message(_))).count()
    }

    /// Looks at the mailbox of every node.
    fn check(&self) {
        for &(id, mailbox) in &self.all {
            let node = &self.world.nodes[id];
            // `nodes()` was noted for each event of each mailbox, as it came out.
            let mut noted = node.seen.iter();
            let mut links = Links::default();
            for (to, item) in &node.host.mail {
                let nodes = match item {
                    Mail::Event(_) => &noted.next().unwrap().1[..],
                    Mail::Message(_) => &[],
                };
                match item {
                    _ if *to != mailbox => {}
                    Mail::Event(event) => links.event(event, nodes),
                    Mail::Message(term) => {
                        let number = u32::from_be_bytes(term[2..].try_into().unwrap());
                        let (receiver, stream) = self.sent[number as usize];
                        assert_eq!(receiver, id);
                        links.message(node.host.links[&stream]);
                    }
                }
            }
            assert!(node.frozen || links.up.is_empty(), "the last link has its nodedown");
        }
    }
}

fn start(world: &mut World, node: &str) -> (usize, MailboxId) {
    let id = world.start_with(node, Config::new(cookie("C"), ticktime(4)), false);
    (id, world.mailbox(id, &[MonitorOptions::ALL]))
}

/// What a mailbox has been told of links so far.
#[derive(Default)]
struct Links {
    up: BTreeMap<NodeName, LinkId>,
    down: Vec<LinkId>,
}

impl Links {
    fn event(&mut self, event: &NodeEvent, nodes: &[NodeInfo]) {
        let Some(ConnectionId::Link(link)) = event.connection_id() else { return };
        let node = event.node().clone();
        // After a nodedown there may already be the next link, whose nodeup is on its way.
        let listed = nodes.iter().any(|info| info.node == node && info.link == Some(link));
        if event.nodedown_reason().is_none() {
            assert!(listed, "guarantee 3: nodes() has the node at its nodeup: {event}");
            let old = self.up.insert(node, link);
            assert_eq!(old, None, "guarantee 5: nodedown of the old link before nodeup: {event}");
        } else {
            assert!(!listed, "guarantee 4: nodes() has the node no more at its nodedown: {event}");
            assert_eq!(self.up.remove(&node), Some(link), "a nodedown belongs to a nodeup");
            self.down.push(link);
        }
    }

    fn message(&self, link: LinkId) {
        assert!(!self.down.contains(&link), "guarantee 2: no message after its link's nodedown");
        assert!(
            self.up.values().any(|up| *up == link),
            "guarantee 1: no message before its link's nodeup"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    //= docs/spec/monitor.md#monitor-nodeup-first
    //= type=test
    //= docs/spec/monitor.md#monitor-nodedown-last
    //= type=test
    //= docs/spec/monitor.md#monitor-nodes-agree
    //= type=test
    //= docs/spec/monitor.md#monitor-no-overlap
    //= type=test
    #[test]
    fn the_five_guarantees_hold_on_every_schedule(
        schedule in many(moves(), 10..120),
        segment in prop_oneof![Just(1), Just(7), Just(usize::MAX)],
        window in prop_oneof![Just(1), Just(7), Just(usize::MAX)],
        slow in prop_oneof![Just(Slow::Nothing), Just(Slow::Peers)],
    ) {
        let mut play = Play::begin(segment, window, slow);
        for next in &schedule {
            play.play(next);
        }
        play.come_to_an_end();
        play.check();
    }
}
