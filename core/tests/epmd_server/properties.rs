//! The server against a naive model of it: lists that are searched from the front.

use core::time::Duration;

use netkernel_core::StreamId;
use netkernel_core::epmd_server::Config;
use proptest::collection::vec;
use proptest::prelude::*;

use super::daemon::{Daemon, alive2, framed};

const SEED: u32 = 100;
const REMEMBERED: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Register { name: u8, old_node: bool, far: bool },
    Leave(usize),
    Speak(usize),
    Stop(u8),
    LookUp(u8),
    Pass(u8),
}

fn steps() -> impl Strategy<Value = Step> {
    let name = 0..8_u8;
    prop_oneof![
        4 => (name.clone(), any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(name, old_node, far)| Step::Register { name, old_node, far }),
        2 => any::<usize>().prop_map(Step::Leave),
        1 => any::<usize>().prop_map(Step::Speak),
        1 => name.clone().prop_map(Step::Stop),
        1 => name.prop_map(Step::LookUp),
        1 => any::<u8>().prop_map(Step::Pass),
    ]
}

struct Node {
    name: String,
    creation: u32,
    stream: StreamId,
}

/// Registered, last first; gone, first first.
#[derive(Default)]
struct Model {
    active: Vec<Node>,
    old: Vec<Node>,
    forgotten: u32,
}

impl Model {
    fn has(&self, name: &str) -> bool {
        self.active.iter().any(|node| node.name == name)
    }

    fn register(&mut self, name: &str, stream: StreamId, seconds: u32) -> Option<u32> {
        if self.has(name) {
            return None;
        }
        let last = match self.old.iter().position(|node| node.name == name) {
            Some(at) => self.old.remove(at).creation,
            None => {
                if self.old.len() > REMEMBERED {
                    self.forgotten = self.forgotten.max(self.old.remove(0).creation);
                }
                self.forgotten.max(SEED + seconds)
            }
        };
        self.active.insert(0, Node { name: name.into(), creation: last + 1, stream });
        Some(last + 1)
    }

    fn end(&mut self, stream: StreamId) {
        if let Some(at) = self.active.iter().position(|node| node.stream == stream) {
            let node = self.active.remove(at);
            self.old.push(node);
        }
    }

    fn names(&self) -> String {
        self.active.iter().map(|node| format!("name {} at port 4001\n", node.name)).collect()
    }

    fn dump(&self) -> String {
        let active = self.active.iter().map(|Node { name, stream, .. }| {
            format!("active name     <{name}> at port 4001, fd = {}\n\0", stream.get())
        });
        let old = self.old.iter().map(|Node { name, stream, .. }| {
            format!("old/unused name <{name}>, port = 4001, fd = {} \n\0", stream.get())
        });
        active.chain(old).collect()
    }
}

struct Pair {
    daemon: Daemon,
    model: Model,
    /// Every stream of a registration that was answered, and is open.
    held: Vec<StreamId>,
}

impl Pair {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Register { name, old_node, far } => {
                self.register(&format!("n{name}"), old_node, far);
            }
            Step::Leave(which) => {
                if let Some(stream) = self.pick(which) {
                    self.daemon.leave(stream);
                    self.model.end(stream);
                }
            }
            Step::Speak(which) => {
                if let Some(stream) = self.pick(which) {
                    assert!(self.daemon.write(stream, b"?").1);
                    self.model.end(stream);
                }
            }
            Step::Stop(name) => {
                let name = format!("n{name}");
                let had = self.model.active.iter().find(|node| node.name == name);
                let expected = if had.is_some() { "STOPPED" } else { "NOEXISTSTOPPED" };
                if let Some(stream) = had.map(|node| node.stream) {
                    self.model.end(stream);
                    self.held.retain(|held| *held != stream);
                }
                let (answer, _) = self.daemon.ask(&framed(format!("s{name}").as_bytes()));
                assert_eq!(answer, expected.as_bytes());
            }
            Step::LookUp(name) => {
                let name = format!("n{name}");
                let (answer, _) = self.daemon.ask_from_afar(&framed(format!("z{name}").as_bytes()));
                assert_eq!(answer[1], u8::from(!self.model.has(&name)));
            }
            Step::Pass(seconds) => self.daemon.pass(Duration::from_secs(seconds.into())),
        }
    }

    fn register(&mut self, name: &str, old_node: bool, far: bool) {
        let stream = self.daemon.accept(!far);
        let (answer, closed) =
            self.daemon.write(stream, &alive2(name, if old_node { 5 } else { 6 }));
        assert_eq!(closed, far);
        if far {
            assert!(answer.is_empty());
            return;
        }
        self.held.push(stream);
        let seconds = (self.daemon.now.as_nanos() / 1_000_000_000) as u32;
        let given = self.model.register(name, stream, seconds);
        let result = u8::from(given.is_none());
        let creation = given.map_or(99, |given| if old_node { given % 3 + 1 } else { given });
        if old_node {
            assert_eq!(answer, [b'y', result, 0, creation as u8]);
        } else {
            assert_eq!(answer, [&[b'v', result][..], &creation.to_be_bytes()].concat());
        }
    }

    fn pick(&mut self, which: usize) -> Option<StreamId> {
        let at = which.checked_rem(self.held.len())?;
        Some(self.held.remove(at))
    }
}

proptest! {
    //= docs/spec/epmd.md#epmd-server-creation
    //= type=test
    //= docs/spec/epmd.md#epmd-server-remembered
    //= type=test
    //= docs/spec/epmd.md#epmd-server-dump
    //= type=test
    #[test]
    fn names_creations_and_their_order_are_those_of_the_model(
        steps in vec(steps(), 1..60),
    ) {
        let config = Config {
            unix_time: SEED,
            remembered: REMEMBERED,
            relaxed_command_check: true,
            ..Config::default()
        };
        let mut pair = Pair {
            daemon: Daemon::serving(config),
            model: Model::default(),
            held: Vec::new(),
        };
        for step in &steps {
            pair.step(step);
            prop_assert_eq!(pair.daemon.names(), pair.model.names());
            prop_assert_eq!(pair.daemon.dump(), pair.model.dump());
        }
    }

    #[test]
    fn no_bytes_in_any_pieces_break_a_server(
        pieces in vec((0..4_usize, vec(prop_oneof![Just(0), Just(1), Just(2), any::<u8>(),
            prop::sample::select(&b"xzndks"[..])], 0..40)), 0..40),
    ) {
        let mut daemon = Daemon::serving(Config { relaxed_command_check: true, ..Config::default() });
        let mut streams = [(); 4].map(|()| daemon.accept(true));
        for (at, bytes) in pieces {
            if bytes.is_empty() || daemon.write(streams[at], &bytes).1 {
                daemon.leave(streams[at]);
                streams[at] = daemon.accept(true);
            }
        }
    }
}
