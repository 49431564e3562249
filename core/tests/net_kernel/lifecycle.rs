//! The start and the stop of a node, and its registration with EPMD.

use core::time::Duration;

use bytes::Bytes;
use netkernel_core::driver::Machine as _;
use netkernel_core::epmd::{NamesError, RegisterError};
use netkernel_core::net_kernel::{
    Answer, CloseCause, Config, Diagnostic, Input, NetKernel, OpenError, Output, StartError,
    StartOptions,
};
use netkernel_core::{Creation, Entropy, Instant, NameError, NodeName, StreamId};

use crate::common::{CONNECTED, pair};
use crate::world::{World, cookie, name, ticktime};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

#[test]
fn stopping_takes_every_link_down_and_gives_the_name_back() {
    let (mut world, a, b) = pair();
    let pending = world.script(a);
    assert_eq!(world.stop(a), Some(Answer::Stopped(Ok(()))));
    assert!(world.scripts[pending].closed);
    assert!(
        world.nodes[a]
            .host
            .log
            .contains(&"nodedown 'b@127.0.0.1' net_kernel_terminated".to_owned())
    );
    assert_eq!(
        world.nodes[a].host.log.iter().rev().take(2).collect::<Vec<_>>(),
        ["answer Stopped(Ok(()))", "not alive"]
    );
    assert!(!world.epmd.contains_key("a") && world.nodes[a].host.sides.is_empty());
    assert_eq!(world.nodes[a].kernel.next_timer(), None);
    assert_eq!(world.nodes[b].host.log.last().unwrap(), "nodedown 'a@127.0.0.1' connection_closed");
    let options = StartOptions::new(name(A));
    assert_eq!(
        world.start_again(a, options),
        Some(Answer::Started(Ok(name(A)))),
        "and may start again"
    );
}

#[test]
fn a_listener_that_breaks_takes_the_node_down_with_no_network() {
    let (mut world, a, _) = pair();
    world.tell(a, Input::ListenerLost);
    world.settle();
    assert!(world.nodes[a].host.log.contains(&"nodedown 'b@127.0.0.1' no_network".to_owned()));
    assert_eq!(world.nodes[a].kernel.node(), NodeName::nonode());
}

//= docs/spec/kernel.md#kernel-listener-lost
//= type=test
#[test]
fn a_listener_that_breaks_while_the_node_starts_fails_the_start_and_ends_no_name() {
    let mut world = World::default();
    let a = world.add(Config::new(cookie("C"), ticktime(60)));
    for registering in [false, true] {
        let entropy = world.entropy(a);
        let now = world.now;
        let request = world.nodes[a].kernel.start(now, StartOptions::new(name(A)), entropy);
        if registering {
            world.tell(a, Input::Listening { port: 9 });
        }
        world.tell(a, Input::ListenerLost);
        world.settle();
        let answer = &world.nodes[a].host.answers[&request];
        assert_eq!(*answer, Answer::Started(Err(StartError::ListenerLost)));
    }
    // Nor does a stop end a name that there never was.
    let (now, entropy) = (world.now, world.entropy(a));
    let kernel = &mut world.nodes[a].kernel;
    let started = kernel.start(now, StartOptions::new(name(A)), entropy);
    assert_eq!(world.stop(a), Some(Answer::Stopped(Ok(()))));
    let answer = &world.nodes[a].host.answers[&started];
    assert_eq!(*answer, Answer::Started(Err(StartError::Stopped)));
    world.start_again(a, StartOptions::nameless("127.0.0.1".into()));
    world.stop(a);
    assert!(!world.nodes[a].host.log.iter().any(|line| line == "not alive"));
}

#[test]
fn a_start_that_fails_says_why() {
    let mut world = World::default();
    world.start(A);
    let options = |text: &str| StartOptions::new(name(text));
    let again = world.start_again(0, options(B));
    assert_eq!(again, Some(Answer::Started(Err(StartError::AlreadyStarted))));
    let b = world.add(Config::new(cookie("C"), ticktime(60)));
    assert_eq!(
        world.start_again(b, options("a@127.0.0.1")),
        Some(Answer::Started(Err(StartError::Register(RegisterError::DuplicateName))))
    );
    let illegal = NodeName::new("a@b c").unwrap();
    let options_illegal = StartOptions::new(illegal);
    assert_eq!(
        world.start_again(b, options_illegal),
        Some(Answer::Started(Err(StartError::Name(NameError::IllegalHost))))
    );
    let nobody = world.start_again(b, StartOptions::new(NodeName::nonode()));
    assert_eq!(nobody, Some(Answer::Started(Err(StartError::Name(NameError::Nonode)))));
    world.epmd_down = true;
    let refused = StartError::Register(RegisterError::Open(OpenError::Refused));
    assert_eq!(world.start_again(b, options(B)), Some(Answer::Started(Err(refused))));
    let request = world.nodes[b].kernel.start(world.now, options(B), Entropy::new([1; 16]));
    world.tell(b, Input::ListenFailed { error: OpenError::AddressInUse });
    world.settle();
    let answer = &world.nodes[b].host.answers[&request];
    assert_eq!(*answer, Answer::Started(Err(StartError::Listen(OpenError::AddressInUse))));
    assert!(world.nodes[b].host.sides.is_empty());
}

#[test]
fn a_node_that_does_not_listen_needs_no_epmd_is_hidden_and_takes_its_creation_from_entropy() {
    let mut world = World::default();
    let b = world.start(B);
    let a = world.add(Config::new(cookie("C"), ticktime(60)));
    let mut options = StartOptions::new(name(A));
    options.listen = false;
    assert_eq!(world.start_again(a, options), Some(Answer::Started(Ok(name(A)))));
    assert!(world.nodes[a].host.sides.is_empty() && world.nodes[a].host.port.is_none());
    assert_eq!(world.nodes[a].kernel.creation().unwrap(), Creation(0x0101_0101));
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(world.nodes[b].host.log.iter().filter(|line| line.ends_with("hidden")).count(), 1);
}

//= docs/spec/epmd.md#epmd-retry
//= type=test
#[test]
fn a_lost_registration_is_tried_again_every_two_seconds_and_the_creation_stays() {
    let (mut world, a, _) = pair();
    let creation = world.nodes[a].kernel.creation().unwrap();
    world.kill_epmd();
    world.pass(Duration::from_secs(5));
    let lost = |world: &World| {
        let told = world.nodes[a].host.diagnostics.iter();
        told.filter(|diagnostic| matches!(diagnostic, Diagnostic::RegistrationLost(_))).count()
    };
    assert_eq!(lost(&world), 3, "at once, after 2 s and after 4 s");
    world.epmd_down = false;
    world.pass(Duration::from_secs(1));
    assert_eq!(world.nodes[a].host.diagnostics.last(), Some(&Diagnostic::RegistrationRenewed));
    assert!(world.epmd.contains_key("a"));
    assert_eq!(world.nodes[a].kernel.creation().unwrap(), creation);
    assert_eq!(world.nodes_of(a), [B], "links do not care");
}

#[test]
fn names_are_asked_in_every_state_and_every_end_has_an_answer() {
    let mut world = World::default();
    world.start(A);
    let b = world.add(Config::new(cookie("C"), ticktime(60)));
    let ask = |world: &mut World, host: &str| {
        let request = world.nodes[b].kernel.names(world.now, &host.into());
        world.settle();
        world.nodes[b].host.answers.remove(&request)
    };
    let port = world.nodes[0].host.port.unwrap();
    assert_eq!(ask(&mut world, "127.0.0.1"), Some(Answer::Names(Ok(vec![("a".to_owned(), port)]))));
    let unresolved = NamesError::Open(OpenError::Resolve);
    assert_eq!(ask(&mut world, "nowhere.example"), Some(Answer::Names(Err(unresolved))));
    world.epmd_down = true;
    let refused = NamesError::Open(OpenError::Refused);
    assert_eq!(ask(&mut world, "127.0.0.1"), Some(Answer::Names(Err(refused))));
}

/// A node that is being started, three connections that it has accepted meanwhile, of which one has ended again, and the outputs from the answer
/// of EPMD on.
fn early(answer_of_epmd: &'static [u8]) -> ([StreamId; 3], Vec<Output>) {
    let mut config = Config::new(cookie("C"), ticktime(60));
    config.strangers_max = 2;
    let mut kernel = NetKernel::new(config);
    let (now, entropy) = (Instant::ORIGIN, Entropy::new([1; 16]));
    let drain = |kernel: &mut NetKernel| core::iter::from_fn(|| kernel.poll()).collect::<Vec<_>>();
    kernel.start(now, StartOptions::new(name(A)), entropy);
    let streams = [(); 3].map(|()| kernel.mint_stream());
    let accepted = |stream| Input::Accepted { stream, entropy, local: true };
    kernel.handle(now, accepted(streams[0]));
    kernel.handle(now, Input::Closed { stream: streams[0], cause: CloseCause::Reset });
    kernel.handle(now, accepted(streams[1]));
    kernel.handle(now, Input::Listening { port: 9 });
    kernel.handle(now, accepted(streams[2]));
    let outputs = drain(&mut kernel);
    let [Output::Listen, Output::Open { stream: epmd, .. }] = outputs[..] else {
        panic!("nobody is read or closed yet: {outputs:?}")
    };
    let more = kernel.mint_stream();
    kernel.handle(now, accepted(more));
    assert_eq!(drain(&mut kernel), [Output::Close { stream: more, abort: true }], "too many");
    kernel.handle(now, Input::Opened { stream: epmd, entropy });
    kernel.handle(now, Input::Received { stream: epmd, bytes: Bytes::from_static(answer_of_epmd) });
    (streams, drain(&mut kernel))
}

//= docs/spec/kernel.md#kernel-early
//= type=test
#[test]
fn connections_that_come_while_the_node_starts_wait_until_it_is_alive() {
    let about = |outputs: &[Output], of: StreamId| -> Vec<String> {
        let is_of = |output: &&Output| {
            let (Output::Read { stream } | Output::Close { stream, .. }) = output else {
                return false;
            };
            *stream == of
        };
        outputs.iter().filter(is_of).map(|output| format!("{output:?}")).collect()
    };
    let (streams, outputs) = early(b"\x76\0\0\0\0\x07");
    let alive = outputs.iter().position(|output| matches!(output, Output::Alive { .. })).unwrap();
    assert_eq!(about(&outputs, streams[0]), Vec::<String>::new(), "it has gone");
    for stream in [streams[1], streams[2]] {
        assert_eq!(about(&outputs[..alive], stream), Vec::<String>::new());
        assert_eq!(about(&outputs[alive..], stream), [format!("Read {{ stream: {stream:?} }}")]);
    }
    // If nothing comes of the start, nothing comes of them.
    let (streams, outputs) = early(b"\x76\x01\0\0\0\0");
    for stream in [streams[1], streams[2]] {
        let close = Output::Close { stream, abort: true };
        assert_eq!(about(&outputs, stream), [format!("{close:?}")]);
    }
}

//= docs/spec/kernel.md#kernel-listener-lost
//= type=test
#[test]
fn a_listener_of_a_former_life_ends_no_node_that_has_none() {
    let mut world = World::default();
    let a = world.start(A);
    world.stop(a);
    world.tell(a, Input::ListenerLost);
    let mut options = StartOptions::new(name(A));
    options.listen = false;
    assert_eq!(world.start_again(a, options), Some(Answer::Started(Ok(name(A)))));
    world.tell(a, Input::ListenerLost);
    world.settle();
    assert_eq!(world.nodes[a].kernel.node(), name(A));
}
