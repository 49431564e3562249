//! What processes of other nodes ask of the kernel.

use netkernel_core::RequestId;
use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::{
    Answer, DistAutoConnect, Output, Reply, StartOptions, TicktimeState,
};
use netkernel_core::term::{Atom, Term};

use crate::common::{CONNECTED, config, once, pair};
use crate::world::{World, name};

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
const C: &str = "c@127.0.0.1";

fn body(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    text.parse::<Term>().unwrap().encode(&mut bytes).unwrap();
    bytes.split_off(1)
}

/// A request of a process of that node.
fn request_of(world: &mut World, id: usize, peer: &str, request: &str) -> RequestId {
    world.nodes[id].kernel.request(world.now, &Atom::new(peer).unwrap(), &body(request))
}

/// What the caller is told, once everything has settled: the term, `noproc`, or nothing.
fn ask(world: &mut World, id: usize, request: &str) -> String {
    let request = request_of(world, id, B, request);
    world.settle();
    match world.nodes[id].host.answers.get(&request).map(Answer::to_reply) {
        Some(Reply::Term(term)) => term.to_string(),
        Some(Reply::Nobody) => "noproc".into(),
        Some(Reply::Never) | None => String::new(),
    }
}

//= docs/spec/requests.md#request-answers
//= type=test
#[test]
fn requests_are_answered_by_erlangs_terms() {
    let (mut world, a, _) = pair();
    for (request, told) in [
        ("{is_auth,x}", "yes"),
        ("{connect,normal,'a@127.0.0.1'}", "true"),
        ("{connect,hidden,'b@127.0.0.1'}", "true"),
        ("{connect,foo,'c@127.0.0.1'}", "false"),
        ("{connect,normal,nohost}", "false"),
        ("{connect,normal,5}", "false"),
        ("{passive_cnct,'a@127.0.0.1'}", "true"),
        ("{passive_cnct,'c@127.0.0.1'}", "false"),
        ("{passive_cnct,5}", "false"),
        ("{getopts,'b@127.0.0.1',[]}", "{ok,[]}"),
        ("{setopts,'b@127.0.0.1',[{linger,{true,5}},{tos,8}]}", "ok"),
        ("{getopts,'b@127.0.0.1',[tos,linger]}", "{ok,[{tos,8},{linger,{true,5}}]}"),
        ("{getopts,'b@127.0.0.1',[foo]}", "{error,einval}"),
        ("{getopts,'b@127.0.0.1',[5]}", "{error,einval}"),
        ("{getopts,'c@127.0.0.1',[foo]}", "{error,noconnection}"),
        ("{getopts,new,[tos]}", "{error,noconnection}"),
        ("{setopts,'c@127.0.0.1',foo}", "{error,noconnection}"),
        ("{setopts,new,[{tos,8}]}", "ok"),
        ("{setopts,new,[{packet,2}]}", "{error,{badopts,[{packet,2}]}}"),
        ("{disconnect,'a@127.0.0.1'}", "false"),
        ("{disconnect,'b@127.0.0.1'}", "true"),
        ("{disconnect,'b@127.0.0.1'}", "false"),
        ("{disconnect,5}", "false"),
        ("{passive_cnct,'b@127.0.0.1'}", "true"),
        ("longnames", "true"),
        ("nodename", "'a@127.0.0.1'"),
        ("{verbose,[a]}", "0"),
        ("{verbose,0}", "[a]"),
        ("ticktime", "60000"),
        (
            "get_state",
            "#{name => 'a@127.0.0.1',name_domain => longnames,name_type => static,started => dynamic}",
        ),
        ("allowed", "{ok,[]}"),
        ("{allow,foo}", "error"),
        ("{allow,[foo,5]}", "error"),
        ("{allow,[foo|bar]}", "error"),
        ("{allow,[zz,'a@127.0.0.1',zz]}", "ok"),
        ("allowed", "{ok,[zz,'a@127.0.0.1']}"),
        ("{connect,normal,'c@127.0.0.1'}", "false"),
        ("foo", ""),
        ("5", ""),
        ("{}", ""),
        ("[]", ""),
        ("{foo,bar}", ""),
        ("{\"allowed\"}", ""),
        ("{connect,normal}", ""),
        ("{apply,erlang,node,[]}", ""),
    ] {
        assert_eq!(ask(&mut world, a, request), told, "{request}");
    }
}

//= docs/spec/requests.md#request-answers
//= type=test
#[test]
fn automatic_links_are_begun_as_far_as_they_may() {
    let mut world = World::default();
    world.start(B);
    let a = world.start_with(A, once(), false);
    assert_eq!(ask(&mut world, a, "{passive_cnct,'b@127.0.0.1'}"), "true");
    world.disconnect(a, B);
    assert_eq!(ask(&mut world, a, "{passive_cnct,'b@127.0.0.1'}"), "false", "it is barred");
    assert_eq!(ask(&mut world, a, "{connect,normal,'b@127.0.0.1'}"), "true");

    let mut never = config();
    never.auto_connect = DistAutoConnect::Never;
    let c = world.start_with(C, never, false);
    assert_eq!(ask(&mut world, c, "{passive_cnct,'b@127.0.0.1'}"), "false");
    assert_eq!(ask(&mut world, c, "{passive_cnct,'c@127.0.0.1'}"), "true");
    assert_eq!(world.connect(c, B), CONNECTED);
    assert_eq!(ask(&mut world, c, "{passive_cnct,'b@127.0.0.1'}"), "true");
}

//= docs/spec/requests.md#request-ticktime
//= type=test
#[test]
fn ticktimes_are_asked_for_and_told_in_milliseconds() {
    let (mut world, a, _) = pair();
    for (request, told) in [
        ("{new_ticktime,60000,foo}", "unchanged"),
        ("{new_ticktime,59001,0}", "unchanged"),
        ("{new_ticktime,70001,100001}", "change_initiated"),
        ("ticktime", "{ongoing_change_to,71000}"),
        ("{new_ticktime,foo,0}", "{ongoing_change_to,71000}"),
    ] {
        assert_eq!(ask(&mut world, a, request), told, "{request}");
    }
    let (mut world, a, _) = pair();
    assert_eq!(ask(&mut world, a, "{new_ticktime,-1,-1}"), "change_initiated");
    let least = world.nodes[a].kernel.get_net_ticktime();
    assert!(matches!(least, Some(TicktimeState::Steady(1) | TicktimeState::OngoingChangeTo(1))));
}

//= docs/spec/requests.md#request-malformed
//= type=test
#[test]
fn what_an_erlang_node_does_not_survive_changes_nothing() {
    let (mut world, a, _) = pair();
    let before = world.nodes[a].kernel.clone();
    for request in [
        "{new_ticktime,foo,0}",
        "{new_ticktime,80000,foo}",
        "{new_ticktime,99999999999999999999,0}",
        "{setopts,new,foo}",
        "{setopts,'b@127.0.0.1',foo}",
        "{getopts,'b@127.0.0.1',[tos|foo]}",
        "{spawn,erlang,node,[],leader}",
        "{spawn_link,erlang,node,[],leader}",
        "{spawn_opt,erlang,node,[],[],link,leader}",
    ] {
        assert_eq!(ask(&mut world, a, request), "noproc", "{request}");
    }
    for body in [&b""[..], b"\x83", b"h", b"\xff", b"m\xff\xff\xff\xff"] {
        let request = world.nodes[a].kernel.request(world.now, &Atom::new(B).unwrap(), body);
        world.settle();
        let told = world.nodes[a].host.answers[&request].to_reply();
        assert_eq!(told, Reply::Nobody, "{body:?}");
        world.nodes[a].kernel.cast(world.now, body);
    }
    let kernel = &world.nodes[a].kernel;
    assert_eq!(kernel.get_net_ticktime(), before.get_net_ticktime());
    assert_eq!(kernel.next_timer(), before.next_timer());
    assert_eq!(world.nodes_of(a), [B]);
}

//= docs/spec/requests.md#request-casts
//= type=test
#[test]
fn a_cast_ends_a_link_and_no_other_leads_to_anything() {
    let (mut world, a, b) = pair();
    for cast in [
        "foo",
        "{foo,'b@127.0.0.1'}",
        "{async_disconnect,'a@127.0.0.1'}",
        "{async_disconnect,'c@127.0.0.1'}",
        "{async_disconnect,5}",
        "{async_disconnect,'b@127.0.0.1',x}",
    ] {
        world.nodes[a].kernel.cast(world.now, &body(cast));
        world.settle();
        assert_eq!(world.nodes_of(a), [B], "{cast}");
    }
    world.nodes[a].kernel.cast(world.now, &body("{async_disconnect,'b@127.0.0.1'}"));
    world.settle();
    assert!(world.nodes_of(a).is_empty() && world.nodes_of(b).is_empty());
}

//= docs/spec/requests.md#request-waiting
//= type=test
#[test]
fn a_request_that_waits_delays_no_other() {
    let mut world = World::default();
    let a = world.start(A);
    world.script_listens(C);
    assert_eq!(
        ask(&mut world, a, "{connect,normal,'c@127.0.0.1'}"),
        "",
        "the other side says nothing"
    );
    assert_eq!(ask(&mut world, a, "nodename"), "'a@127.0.0.1'");
    assert_eq!(ask(&mut world, a, "{disconnect,'c@127.0.0.1'}"), "false");
}

//= docs/spec/requests.md#request-limits
//= type=test
#[test]
fn of_a_node_with_many_waiting_callers_only_those_who_need_not_wait_are_heard() {
    const WAITING: usize = 1024;
    let (mut world, a, _) = pair();
    world.script_listens(C);
    let wait = "{connect,normal,'c@127.0.0.1'}";
    let asked: Vec<_> = (0..WAITING).map(|_| request_of(&mut world, a, B, wait)).collect();
    let before = world.nodes[a].kernel.clone();
    world.settle();
    for (request, told, waits) in [
        ("{connect,normal,'a@127.0.0.1'}", "true", false),
        ("{connect,normal,'b@127.0.0.1'}", "true", false),
        ("{connect,normal,'c@127.0.0.1'}", "noproc", true),
        ("{connect,normal,'d@127.0.0.1'}", "noproc", true),
        ("{connect,normal,c@short}", "false", false),
        ("{connect,normal,5}", "false", false),
        ("{passive_cnct,'b@127.0.0.1'}", "true", false),
        ("{passive_cnct,'c@127.0.0.1'}", "noproc", true),
        ("{disconnect,'a@127.0.0.1'}", "false", false),
        ("{disconnect,'c@127.0.0.1'}", "false", false),
        ("{disconnect,'b@127.0.0.1'}", "noproc", true),
        ("nodename", "'a@127.0.0.1'", false),
        ("{getopts,'b@127.0.0.1',[]}", "{ok,[]}", false),
    ] {
        assert_eq!(ask(&mut world, a, request), told, "{request}");
        // A caller of a node with no others waits, if there is no answer yet.
        let mut kernel = before.clone();
        let id = kernel.request(world.now, &Atom::new(C).unwrap(), &body(request));
        let answered = core::iter::from_fn(|| kernel.poll())
            .any(|output| matches!(output, Output::Answer { request, .. } if request == id));
        if !request.contains("getopts") {
            assert_eq!(!answered, waits, "{request}");
        }
    }
    assert_eq!(world.nodes_of(a), [B], "what was refused was not done");
    let other = request_of(&mut world, a, C, wait);

    // Once they are answered, there is room for as many.
    world.hang_up(0);
    world.settle();
    let answers = &world.nodes[a].host.answers;
    assert!(asked.iter().chain([&other]).all(|request| answers.contains_key(request)));
    assert_eq!(ask(&mut world, a, "{connect,normal,'d@127.0.0.1'}"), "false");
    assert_eq!(ask(&mut world, a, "{disconnect,'b@127.0.0.1'}"), "true");
}

//= docs/spec/requests.md#request-casts
//= type=test
#[test]
fn nobody_is_told_of_a_cast() {
    let (mut world, a, _) = pair();
    let before = world.nodes[a].host.answers.len();
    for _ in 0..3 {
        world.nodes[a].kernel.cast(world.now, &body("{async_disconnect,'b@127.0.0.1'}"));
    }
    world.settle();
    assert!(world.nodes_of(a).is_empty());
    assert_eq!(world.nodes[a].host.answers.len(), before, "no request was kept for them");
}

//= docs/spec/requests.md#request-limits
//= type=test
#[test]
fn the_allow_list_grows_to_a_limit() {
    let (mut world, a, _) = pair();
    let many = |from: usize, to: usize| {
        let names: Vec<_> = (from..to).map(|i| format!("n{i}")).collect();
        format!("{{allow,[{}]}}", names.join(","))
    };
    assert_eq!(ask(&mut world, a, &many(0, 4097)), "error");
    assert_eq!(ask(&mut world, a, &many(0, 2000)), "ok");
    assert_eq!(ask(&mut world, a, &many(2000, 4095)), "ok");
    assert_eq!(ask(&mut world, a, &many(5000, 5002)), "error");
    assert_eq!(ask(&mut world, a, &many(5000, 5001)), "ok");
    assert_eq!(world.nodes[a].kernel.allowed().count(), 4096);
}

//= docs/spec/requests.md#request-limits
//= type=test
#[test]
fn who_asks_a_node_that_stops_is_answered_and_forgotten() {
    let (mut world, a, _) = pair();
    let now = world.now;
    world.nodes[a].kernel.halt(now);
    let asked = "{disconnect,'b@127.0.0.1'}";
    // More than may wait: each of them needs no place.
    for _ in 0..1025 {
        let request = request_of(&mut world, a, B, asked);
        let kernel = &mut world.nodes[a].kernel;
        let answered = core::iter::from_fn(|| kernel.poll())
            .find_map(|output| {
                let Output::Answer { request: of, answer } = output else { return None };
                (of == request).then_some(answer)
            })
            .expect("nobody waits for a node that is not alive");
        assert_ne!(answered, Answer::Reply(Reply::Nobody));
    }
}

//= docs/spec/requests.md#request-answers
//= type=test
#[test]
fn the_level_of_verbose_goes_with_the_node() {
    let (mut world, a, _) = pair();
    assert_eq!(ask(&mut world, a, "{verbose,2}"), "0");
    assert_eq!(ask(&mut world, a, "{verbose,3}"), "2");
    world.stop(a);
    world.start_again(a, StartOptions::new(name("a@127.0.0.1")));
    assert_eq!(ask(&mut world, a, "{verbose,1}"), "0");
}
