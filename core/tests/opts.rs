//! Socket options of links: which stream they concern, and what new links get.

mod world;

use netkernel_core::RequestId;
use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::{
    Answer, Config, Endpoint, Input, OptionName, OptsError, Output, SocketOption, StartOptions,
};
use world::{World, name};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
const C: &str = "c@127.0.0.1";

const CONNECTED: Option<Answer> = Some(Answer::Connected(Ok(())));
const OK: Answer = Answer::SetOpts(Ok(()));

fn pair() -> (World, usize, usize) {
    let mut world = World::default();
    let (a, b) = (world.start(A), world.start(B));
    assert_eq!(world.connect(a, B), CONNECTED);
    (world, a, b)
}

fn answer(world: &mut World, id: usize, request: RequestId) -> Answer {
    world.settle();
    world.nodes[id].host.answers[&request].clone()
}

fn getopts(world: &mut World, id: usize, node: &str, names: &[OptionName]) -> Answer {
    let request = world.nodes[id].kernel.getopts(world.now, &name(node), names.into());
    answer(world, id, request)
}

fn setopts(world: &mut World, id: usize, node: &str, options: &[SocketOption]) -> Answer {
    let request = world.nodes[id].kernel.setopts(world.now, &name(node), options.into());
    answer(world, id, request)
}

fn setopts_new(world: &mut World, id: usize, options: &[SocketOption]) -> Answer {
    let request = world.nodes[id].kernel.setopts_new(world.now, options.into());
    answer(world, id, request)
}

/// What was set of the listener, and of the link that is there.
fn given(world: &World, id: usize) -> (Vec<SocketOption>, Vec<SocketOption>) {
    let host = &world.nodes[id].host;
    let of = |wanted: Endpoint| {
        let options = host.options.iter().filter(|(socket, _)| *socket == wanted);
        options.map(|(_, option)| *option).collect()
    };
    let link = host.links.keys().next_back().map(|stream| of(Endpoint::Stream(*stream)));
    (of(Endpoint::Listener), link.unwrap_or_default())
}

//= docs/spec/kernel.md#kernel-getopts
//= type=test
//= docs/spec/kernel.md#kernel-setopts
//= type=test
#[test]
fn options_of_a_link_are_set_and_read_by_its_host() {
    let (mut world, a, b) = pair();
    let options = [SocketOption::Sndbuf(9), SocketOption::Nodelay(false), SocketOption::Sndbuf(7)];
    assert_eq!(setopts(&mut world, a, B, &options), OK);
    assert_eq!(given(&world, a), (Vec::new(), options[..2].to_vec()), "the first counts");
    assert_eq!(given(&world, b), (Vec::new(), Vec::new()));
    let names = [OptionName::Nodelay, OptionName::Tos, OptionName::Sndbuf, OptionName::Nodelay];
    let off = SocketOption::Nodelay(false);
    let got = [off, SocketOption::Sndbuf(9), off].into();
    assert_eq!(getopts(&mut world, a, B, &names), Answer::GetOpts(Ok(got)));
    assert_eq!(getopts(&mut world, a, B, &[]), Answer::GetOpts(Ok(Vec::new())));

    world.nodes[a].host.options_fail = Some(OptsError::Invalid);
    assert_eq!(setopts(&mut world, a, B, &options), Answer::SetOpts(Err(OptsError::Invalid)));
}

//= docs/spec/kernel.md#kernel-opts-noconnection
//= type=test
//= docs/spec/kernel.md#kernel-ignored
//= type=test
#[test]
fn only_a_link_that_is_up_has_options() {
    let (mut world, a, _) = pair();
    let refused = |world: &mut World, node: &str, error: OptsError| {
        let name = [OptionName::Tos];
        assert_eq!(getopts(world, a, node, &name), Answer::GetOpts(Err(error.clone())), "{node}");
        assert_eq!(setopts(world, a, node, &[]), Answer::SetOpts(Err(error)), "{node}");
    };
    refused(&mut world, C, OptsError::NoConnection);
    refused(&mut world, A, OptsError::NoConnection);
    world.script_listens(C);
    world.nodes[a].kernel.connect_node(world.now, name(C));
    world.settle();
    refused(&mut world, C, OptsError::NoConnection);
    assert_eq!(world.disconnect(a, B), Some(Answer::Disconnected(Ok(true))));
    refused(&mut world, B, OptsError::NoConnection);
    world.stop(a);
    refused(&mut world, B, OptsError::NotAlive);
    let ignored = Answer::SetOpts(Err(OptsError::NotAlive));
    assert_eq!(setopts_new(&mut world, a, &[SocketOption::Tos(8)]), ignored);
    assert_eq!(given(&world, a), (Vec::new(), Vec::new()));
}

//= docs/spec/kernel.md#kernel-setopts-new
//= type=test
#[test]
fn new_links_of_both_sides_get_what_was_set_for_them_before_they_are_up() {
    let (mut world, a, b) = pair();
    assert_eq!(setopts_new(&mut world, a, &[SocketOption::Tos(8)]), OK);
    let more = [SocketOption::Tos(16), SocketOption::Keepalive(true), SocketOption::Tos(24)];
    assert_eq!(setopts_new(&mut world, a, &more), OK);
    let all = [SocketOption::Tos(8), SocketOption::Tos(16), SocketOption::Keepalive(true)].into();
    assert_eq!(given(&world, a), (all, Vec::new()), "the link that is up keeps what it has");

    let merged = [SocketOption::Keepalive(true), SocketOption::Tos(16)];
    for (from, to) in [(a, B), (b, A)] {
        world.disconnect(a, B);
        assert_eq!(world.connect(from, to), CONNECTED);
        assert_eq!(given(&world, a).1, merged);
    }
    assert_eq!(given(&world, b), (Vec::new(), Vec::new()));

    // An attempt that is under way.
    world.disconnect(a, B);
    let now = world.now;
    world.nodes[a].kernel.connect_node(now, name(B));
    assert_eq!(setopts_new(&mut world, a, &[SocketOption::Priority(1)]), OK);
    assert_eq!(
        given(&world, a).1,
        [&merged[..1], &[SocketOption::Priority(1)], &merged[1..]].concat()
    );
}

//= docs/spec/kernel.md#kernel-setopts-new
//= type=test
#[test]
fn what_the_listener_refuses_is_not_kept() {
    let (mut world, a, _) = pair();
    world.nodes[a].host.options_fail = Some(OptsError::Invalid);
    let refused = Answer::SetOpts(Err(OptsError::Invalid));
    assert_eq!(setopts_new(&mut world, a, &[SocketOption::Tos(8)]), refused);
    world.nodes[a].host.options_fail = None;
    world.disconnect(a, B);
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(given(&world, a).1, []);
}

//= docs/spec/kernel.md#kernel-setopts-new
//= type=test
#[test]
fn a_node_without_a_listener_keeps_options_for_its_links_and_for_its_next_listener() {
    let mut world = World::default();
    world.start(B);
    let a = world.add(Config::new(world::cookie("C"), world::ticktime(60)));
    let deaf = StartOptions { listen: false, ..StartOptions::new(name(A)) };
    world.start_again(a, deaf);
    assert_eq!(setopts_new(&mut world, a, &[SocketOption::Tos(8)]), OK);
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(given(&world, a), (Vec::new(), vec![SocketOption::Tos(8)]));
    world.stop(a);
    world.start_again(a, StartOptions::new(name(A)));
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(given(&world, a), (vec![SocketOption::Tos(8)], vec![SocketOption::Tos(8)]));
}

//= docs/spec/kernel.md#kernel-dist-options
//= type=test
#[test]
fn a_configuration_has_options_for_the_listener_and_for_links_of_either_side() {
    let mut world = World::default();
    let b = world.start(B);
    let mut config = Config::new(world::cookie("C"), world::ticktime(60));
    let nodelay = SocketOption::Nodelay(false);
    config.listen_options = vec![nodelay, SocketOption::Tos(8), SocketOption::Tos(16)];
    config.connect_options = vec![SocketOption::Sndbuf(9), nodelay, SocketOption::Sndbuf(7)];
    let a = world.add(config);
    world.start_again(a, StartOptions::new(name(A)));
    assert_eq!(world.connect(a, B), CONNECTED);
    let of_listener = vec![nodelay, SocketOption::Tos(16)];
    assert_eq!(given(&world, a), (of_listener.clone(), vec![SocketOption::Sndbuf(7)]));
    world.disconnect(a, B);
    assert_eq!(world.connect(b, A), CONNECTED);
    assert_eq!(given(&world, a).1, [SocketOption::Tos(16)]);

    // Both lists, and `nodelay` of all links.
    assert_eq!(setopts_new(&mut world, a, &[nodelay, SocketOption::Tos(24)]), OK);
    world.disconnect(a, B);
    assert_eq!(world.connect(b, A), CONNECTED);
    assert_eq!(given(&world, a).1, [nodelay, SocketOption::Tos(24)]);
    world.disconnect(a, B);
    assert_eq!(world.connect(a, B), CONNECTED);
    assert_eq!(given(&world, a).1, [nodelay, SocketOption::Sndbuf(7), SocketOption::Tos(24)]);

    world.stop(a);
    world.start_again(a, StartOptions::new(name(A)));
    let both =
        [of_listener, vec![nodelay, SocketOption::Tos(24)], vec![nodelay, SocketOption::Tos(24)]];
    assert_eq!(given(&world, a).0, both.concat());
}

/// The call that waits for this output's answer.
fn wanted_by(output: Output) -> Option<RequestId> {
    if let Output::GetOpts { request, .. } = output {
        return Some(request);
    }
    let Output::SetOpts { request, .. } = output else { return None };
    request
}

/// A host may also answer by an input, later.
#[test]
fn a_call_is_answered_once_and_by_the_answer_to_its_own_output() {
    let (mut world, a, _) = pair();
    let now = world.now;
    let kernel = &mut world.nodes[a].kernel;
    let get = kernel.getopts(now, &name(B), [OptionName::Tos].into());
    let set = kernel.setopts(now, &name(B), [SocketOption::Tos(8)].into());
    let wanted: Vec<RequestId> =
        core::iter::from_fn(|| kernel.poll()).filter_map(wanted_by).collect();
    assert_eq!(wanted, [get, set]);
    kernel.handle(now, Input::OptsSet { request: get, result: Ok(()) });
    kernel.handle(now, Input::OptsGot { request: set, result: Ok(Vec::new()) });
    assert_eq!(kernel.poll(), None, "those were no answers to these");
    for _ in 0..2 {
        kernel.handle(now, Input::OptsGot { request: get, result: Ok(Vec::new()) });
        kernel.handle(now, Input::OptsSet { request: set, result: Ok(()) });
    }
    let answers: Vec<_> = core::iter::from_fn(|| kernel.poll()).collect();
    let got = Answer::GetOpts(Ok(Vec::new()));
    assert_eq!(
        answers,
        [Output::Answer { request: get, answer: got }, Output::Answer { request: set, answer: OK }]
    );
}
