//! Calls in Erlang's form, in each state of a node, and what they change.

use netkernel_core::NameError;
use netkernel_core::net_kernel::mfa::Call;
use netkernel_core::net_kernel::{Answer, ConnectError};
use netkernel_core::net_kernel::{NameDomain, StartError, StartOptions, TicktimeError};
use netkernel_core::term::Term;

use crate::common::{CONNECTED, answer, config, link_of, pair, start_nameless};
use crate::world::{World, cookie, name};

/// Makes a call; what comes of it at once, as a text.
fn apply(world: &mut World, id: usize, text: &str) -> String {
    let call = match Call::parse(text, "vm").unwrap() {
        Ok(call) => call,
        Err(exception) => return exception.to_string(),
    };
    let entropy = world.entropy(id);
    let caller = world.mailbox(id, &[]);
    let request = world.nodes[id].kernel.apply(world.now, caller, call, entropy);
    world.settle();
    match answer(world, id, request).unwrap().to_result().unwrap() {
        Ok(term) => term.to_string(),
        Err(exception) => exception.to_string(),
    }
}

fn ok(value: &str) -> String {
    format!("{{ok,{value}}}")
}

//= docs/spec/mfa.md#mfa-answers
//= type=test
//= docs/spec/kernel.md#kernel-ignored
//= type=test
#[test]
fn a_node_that_is_not_alive_ignores_what_erlangs_ignores() {
    let mut world = World::default();
    let a = world.add(config());
    for (call, result) in [
        ("net_kernel:get_state()", "#{started => no}"),
        ("node()", "nonode@nohost"),
        ("is_alive()", "false"),
        ("nodes(this)", "[nonode@nohost]"),
        ("net_kernel:connect_node(foo)", "ignored"),
        ("net_kernel:connect_node('b@127.0.0.1')", "ignored"),
        ("erlang:disconnect_node(1)", "ignored"),
        ("net_kernel:allow(foo)", "ignored"),
        ("net_kernel:allowed()", "ignored"),
        ("net_kernel:get_net_ticktime()", "ignored"),
        ("net_kernel:set_net_ticktime(8)", "ignored"),
        ("net_kernel:getopts(foo,[foo])", "ignored"),
        ("net_kernel:setopts(new,[{packet,2}])", "ignored"),
        ("net_kernel:monitor_nodes(true)", "ok"),
        ("get_cookie()", "nocookie"),
        ("set_cookie(abc)", "exception error: distribution_not_started"),
        ("net_kernel:stop()", "{error,not_found}"),
        ("net_kernel:start(a@b@c,#{})", "{error,nodistribution}"),
    ] {
        assert_eq!(apply(&mut world, a, call), result, "{call}");
    }
}

//= docs/spec/mfa.md#mfa-monitor-node
//= type=test
#[test]
fn a_monitor_of_a_node_is_refused_as_by_erlangs() {
    let mut world = World::default();
    let a = world.add(config());
    let (badarg, notalive) = ("exception error: badarg", "exception error: notalive");
    let asleep = [
        ("nonode@nohost,true", "true"),
        ("nonode@nohost,foo", badarg),
        ("'b@127.0.0.1',false", notalive),
        ("'b@127.0.0.1',foo", notalive),
        ("'b@127.0.0.1',foo,[foo]", badarg),
        ("foo,true,[allow_passive_connect]", notalive),
    ];
    let alive = [
        ("'a@127.0.0.1',true", "true"),
        ("'a@127.0.0.1',foo", badarg),
        ("'b@127.0.0.1',true", "true"),
        ("'b@127.0.0.1',foo,[]", badarg),
        ("foo,false", "true"),
        ("foo,true", badarg),
    ];
    for calls in [asleep, alive] {
        for (arguments, result) in calls {
            let call = format!("erlang:monitor_node({arguments})");
            assert_eq!(apply(&mut world, a, &call), result, "{call}");
        }
        world.start_again(a, StartOptions::new(name("a@127.0.0.1")));
    }
}

//= docs/spec/mfa.md#mfa-monitor-node
//= type=test
#[test]
fn a_monitor_of_another_node_is_for_the_process_layer_and_one_of_this_node_is_none() {
    let mut world = World::default();
    let a = world.start("a@vm");
    for (node, told) in [
        (
            "b@vm",
            Answer::MonitorNode { node: name("b@vm"), flag: true, allow_passive_connect: true },
        ),
        ("a@vm", Answer::Applied(Ok(true.into()))),
    ] {
        let call = format!("erlang:monitor_node({node},true,[allow_passive_connect])");
        let call = Call::parse(&call, "vm").unwrap().unwrap();
        let (entropy, caller) = (world.entropy(a), world.mailbox(a, &[]));
        let request = world.nodes[a].kernel.apply(world.now, caller, call, entropy);
        world.settle();
        assert_eq!(answer(&world, a, request), Some(told));
    }
}

//= docs/spec/kernel.md#kernel-setopts
//= type=test
//= docs/spec/kernel.md#kernel-setopts-new
//= type=test
//= docs/spec/kernel.md#kernel-opts-noconnection
//= type=test
#[test]
fn options_are_set_of_the_link_that_is_named_and_of_new_links() {
    let (mut world, a, _) = pair();
    for (call, result) in [
        ("setopts('b@127.0.0.1',[{tos,8}])", "ok"),
        ("getopts('b@127.0.0.1',[tos])", "{ok,[{tos,8}]}"),
        ("setopts(new,[{tos,16}])", "ok"),
        ("getopts('b@127.0.0.1',[tos])", "{ok,[{tos,8}]}"),
        ("setopts(new,[{packet,2}])", "{error,{badopts,[{packet,2}]}}"),
        ("setopts('b@127.0.0.1',[{foo,2}])", "{error,einval}"),
        ("setopts('c@127.0.0.1',[{foo,2}])", "{error,noconnection}"),
        ("setopts(foo,[{tos,8}])", "{error,noconnection}"),
        ("getopts(new,[tos])", "{error,noconnection}"),
    ] {
        let call = ["net_kernel:", call].concat();
        assert_eq!(apply(&mut world, a, &call), result, "{call}");
    }
    world.disconnect(a, "b@127.0.0.1");
    assert_eq!(world.connect(a, "b@127.0.0.1"), CONNECTED);
    let told = apply(&mut world, a, "net_kernel:getopts('b@127.0.0.1',[tos])");
    assert_eq!(told, "{ok,[{tos,16}]}");
}

//= docs/spec/nodedown.md#nodedown-node-info-key
//= type=test
//= docs/spec/nodedown.md#nodedown-node-info
//= type=test
//= docs/spec/nodedown.md#nodedown-nodes-info
//= type=test
#[test]
fn the_table_is_told_in_erlangs_terms() {
    let mut world = World::default();
    let asleep = world.add(config());
    let (a, _) = (world.start("a@vm"), world.start("b@vm"));
    for call in ["node_info(b@vm)", "node_info(1)", "node_info(b@vm,state)", "nodes_info()"] {
        let call = ["net_kernel:", call].concat();
        assert_eq!(apply(&mut world, asleep, &call), "exception error: badarg", "{call}");
    }
    assert_eq!(apply(&mut world, a, "net_kernel:nodes_info()"), "{ok,[]}");
    assert_eq!(world.connect(a, "b@vm"), CONNECTED);
    let told = apply(&mut world, a, "net_kernel:node_info(b@vm)");
    let begins = "{ok,[{state,up},{type,normal},{in,";
    assert!(told.starts_with(begins), "{told}");
    let told: Term = told.parse().unwrap();
    let info = told.as_tuple().unwrap()[1].clone();
    let all = apply(&mut world, a, "net_kernel:nodes_info()");
    assert_eq!(all, ok(&format!("[{{b@vm,{info}}}]")));
    let pairs = info.as_list().unwrap().iter().map(|pair| pair.as_tuple().unwrap());
    for [key, value] in pairs.map(|pair| <&[Term; 2]>::try_from(pair).unwrap()) {
        let call = format!("net_kernel:node_info(b@vm,{key})");
        assert_eq!(apply(&mut world, a, &call), ok(&value.to_string()));
    }
    for (call, result) in [
        ("node_info(b@vm,owner)", "{error,invalid_key}"),
        ("node_info(b@vm,1)", "{error,invalid_key}"),
        ("node_info(c@vm,1)", "{error,bad_node}"),
        ("node_info(c@vm)", "{error,bad_node}"),
        ("node_info(a@vm,state)", "{error,bad_node}"),
        ("node_info(\"b@vm\")", "{error,bad_node}"),
    ] {
        assert_eq!(apply(&mut world, a, &["net_kernel:", call].concat()), result, "{call}");
    }
}

//= docs/spec/kernel.md#kernel-nodes
//= type=test
#[test]
fn nodes_are_told_with_what_is_asked_of_them() {
    let (mut world, a, _) = pair();
    let link = link_of(&world, a, "b@127.0.0.1").unwrap().connection_id();
    for (keys, of_b, of_a) in [
        ("", "", ""),
        ("node_type => true", "node_type => visible", "node_type => this"),
        (
            "connection_id => true,node_type => false",
            &format!("connection_id => {link}"),
            "connection_id => undefined",
        ),
        (
            "connection_id => true,node_type => true",
            &format!("connection_id => {link},node_type => visible"),
            "connection_id => undefined,node_type => this",
        ),
    ] {
        let told = apply(&mut world, a, &format!("nodes(known,#{{{keys}}})"));
        let expected = format!("[{{'b@127.0.0.1',#{{{of_b}}}}},{{'a@127.0.0.1',#{{{of_a}}}}}]");
        assert_eq!(told, expected);
    }
}

//= docs/spec/kernel.md#kernel-allow-arguments
//= type=test
#[test]
fn what_is_wrong_with_an_allow_list_is_answered() {
    let mut world = World::default();
    let a = world.start("a@vm");
    for (call, result) in [
        ("net_kernel:allow(foo)", "error"),
        ("net_kernel:allow([\"x\"])", "error"),
        ("net_kernel:allow(['x@y',1])", "error"),
        ("net_kernel:allow(['x@y'|z])", "error"),
        ("net_kernel:allowed()", "{ok,[]}"),
        ("net_kernel:allow([])", "ok"),
        ("net_kernel:allow(['x@y',z])", "ok"),
        ("net_kernel:allowed()", "{ok,[x@y,z]}"),
        ("net_adm:ping('b@vm')", "exception error: undef"),
    ] {
        assert_eq!(apply(&mut world, a, call), result, "{call}");
    }
}

//= docs/spec/kernel.md#kernel-start-options
//= type=test
//= docs/spec/kernel.md#kernel-start-domain
//= type=test
#[test]
fn a_node_begins_with_the_options_of_its_start() {
    let mut world = World::default();
    let a = world.add(config());
    let started = apply(&mut world, a, "net_kernel:start(['a@vm',shortnames,1000])");
    assert_eq!(started, "{ok,a@vm}");
    assert_eq!(apply(&mut world, a, "net_kernel:get_net_ticktime()"), "4");
    assert_eq!(apply(&mut world, a, "net_kernel:start(b,#{})"), "{error,already_started}");
    assert_eq!(apply(&mut world, a, "net_kernel:stop()"), "ok");

    let long = "net_kernel:start('a@nodot',#{net_ticktime => 7,dist_listen => false})";
    assert_eq!(apply(&mut world, a, long), "{ok,a@nodot}");
    assert_eq!(apply(&mut world, a, "net_kernel:get_net_ticktime()"), "7");
    let state = world.nodes[a].kernel.get_state().unwrap();
    assert_eq!(state.name_domain, NameDomain::Longnames);
    let other = Some(Answer::Connected(Err(ConnectError::Name(NameError::OtherDomain))));
    assert_eq!(world.connect(a, "b@nodot"), other, "its names are long");
    assert_eq!(apply(&mut world, a, "net_kernel:stop()"), "ok");

    let fails = |error| Some(Answer::Started(Err(error)));
    let options = || StartOptions::new(name("a@127.0.0.1"));
    let short = StartOptions { name_domain: Some(NameDomain::Shortnames), ..options() };
    assert_eq!(world.start_again(a, short), fails(StartError::Name(NameError::OtherDomain)));
    let never = StartOptions { net_ticktime: Some(0), ..options() };
    assert_eq!(world.start_again(a, never), fails(StartError::Ticktime(TicktimeError::Ticktime)));
    let rare = StartOptions { net_tickintensity: Some(3), ..options() };
    assert_eq!(world.start_again(a, rare), fails(StartError::Ticktime(TicktimeError::Intensity)));
    world.start_again(a, options()).unwrap();
    assert_eq!(apply(&mut world, a, "net_kernel:get_net_ticktime()"), "60", "as configured");
}

//= docs/spec/kernel.md#kernel-cookies
//= type=test
#[test]
fn cookies_count_from_the_next_attempt_on() {
    let (mut world, a, _) = pair();
    let b = "net_kernel:connect_node('b@127.0.0.1')";
    let end = "disconnect_node('b@127.0.0.1')";
    assert_eq!(apply(&mut world, a, "get_cookie('b@127.0.0.1')"), "'C'");
    assert_eq!(apply(&mut world, a, "set_cookie(wrong)"), "true");
    assert_eq!(apply(&mut world, a, "get_cookie('b@127.0.0.1')"), "wrong");
    assert_eq!(apply(&mut world, a, "nodes()"), "['b@127.0.0.1']", "links stay");
    assert_eq!(apply(&mut world, a, end), "true");
    assert_eq!(apply(&mut world, a, b), "false");
    assert_eq!(apply(&mut world, a, "set_cookie('b@127.0.0.1','C')"), "true");
    assert_eq!(apply(&mut world, a, "get_cookie()"), "wrong");
    assert_eq!(apply(&mut world, a, b), "true");
    assert_eq!(apply(&mut world, a, "set_cookie('a@127.0.0.1',own)"), "true");
    assert_eq!(apply(&mut world, a, "get_cookie()"), "own");
}

//= docs/spec/kernel.md#kernel-cookies
//= type=test
#[test]
fn a_cookie_for_the_name_that_a_node_is_given_is_not_its_own() {
    let mut world = World::default();
    world.start("b@vm");
    let d = start_nameless(&mut world);
    assert_eq!(world.connect(d, "b@vm"), CONNECTED);
    let given = world.nodes[d].kernel.node();
    assert_eq!(world.disconnect(d, "b@vm"), Some(Answer::Disconnected(Ok(true))));
    let (own, other) = (world.nodes[d].kernel.own_cookie().clone(), cookie("OTHER"));
    world.nodes[d].kernel.set_cookie(given.clone(), other.clone());
    assert_ne!(own, other);
    assert_eq!(world.connect(d, "b@vm"), CONNECTED);
    assert_eq!(world.nodes[d].kernel.node(), given);
    // Else whoever gives names could give that of a node whose cookie is a secret to others.
    assert_eq!(*world.nodes[d].kernel.own_cookie(), own);
    assert_eq!(*world.nodes[d].kernel.get_cookie(&name("b@vm")), own);
}
