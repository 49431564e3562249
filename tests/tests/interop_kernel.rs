//! The connection table with real nodes: allow lists, automatic connects, hidden links, given names, and many links in a row.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::handshake::Failure;
use netkernel_blocking::core::net_kernel::{
    ConnectError, Diagnostic, NameDomain, NameType, NodeDownReason, NodeEvent,
};
use netkernel_blocking::core::term::Atom;
use netkernel_blocking::{
    DistAutoConnect, Item, MonitorOptions, NetState, NodeKind, NodeKinds, StartOptions, Started,
};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::{Mailbox, Node};
use netkernel_tests::seen::{saw_down, saw_up};

const RUST: &str = "rust@127.0.0.1";

/// A visible node that makes no links by itself.
fn quiet(release: Release, epmd: &Epmd, name: &str) -> Erl {
    Erl::start(&ErlOptions::new(release, epmd, name).without_auto_connect())
}

/// Whether a real node could connect to ours.
fn connects(erl: &Erl, ours: &Ours) -> bool {
    erl.eval(&format!("net_kernel:connect_node('{}')", ours.name())) == "true"
}

/// That a real node cannot connect, and that we know why.
fn expect_refusal(erl: &Erl, ours: &Ours) {
    assert!(!connects(erl, ours));
    let refused = ours.wait_diagnostic(|told| matches!(told, Diagnostic::AcceptFailed { .. }));
    let not_allowed = ConnectError::Handshake(Failure::PeerNotAllowed);
    assert!(
        matches!(&refused, Diagnostic::AcceptFailed { error, .. } if *error == not_allowed),
        "{refused:?}"
    );
}

/// That a real node can connect.
fn expect_entry(erl: &Erl, ours: &Ours) {
    assert!(connects(erl, ours));
    ours.expect_up(erl.name(), NodeType::Visible);
    saw_up(erl, ours, NodeType::Visible);
}

/// Sends an atom to the witness of a node.
fn tell(mailbox: &Mailbox, erl: &Erl, atom: &str) {
    let mut term = vec![131, 119, u8::try_from(atom.len()).unwrap()];
    term.extend_from_slice(atom.as_bytes());
    mailbox.send_to_name(&Atom::new("witness").unwrap(), &node_name(erl.name()), term).unwrap();
}

/// That the witness has got this atom after all that came before.
fn expect_told(erl: &Erl, atom: &str) {
    let next = erl.wait_event(GIVE_UP, |event| !event.starts_with('{'));
    assert_eq!(next, atom);
}

/// The next node event of a mailbox.
fn next_event(mailbox: &Mailbox) -> NodeEvent {
    match mailbox.recv_timeout(GIVE_UP) {
        Some(Item::Event(event)) => event,
        other => panic!("no node event but {other:?}"),
    }
}

each_release_and_runtime! {
    //= docs/spec/kernel.md#kernel-allow-incoming
    //= type=test
    //= docs/spec/kernel.md#kernel-allow-outgoing
    //= type=test
    #[test]
    fn our_allow_list_has_names_hosts_and_names_of_any_host(release: Release) {
        let epmd = Epmd::start(release);
        let (b, c) = (quiet(release, &epmd, "b"), quiet(release, &epmd, "c"));
        let ours = |name, allowed| {
            let ours = Ours::start(name, Ours::config(epmd.port()));
            ours.node.allow(&[allowed]).unwrap();
            ours
        };

        let by_name = ours("full", "c@127.0.0.1");
        expect_refusal(&b, &by_name);
        expect_entry(&c, &by_name);
        assert_eq!(by_name.node.connect_node(node_name(b.name())), Err(ConnectError::NotAllowed));

        let by_part = ours("part", "b@");
        expect_entry(&b, &by_part);
        expect_refusal(&c, &by_part);

        let by_other_host = ours("other", "127.0.0.2");
        expect_refusal(&b, &by_other_host);
        by_other_host.node.allow(&["127.0.0.1"]).unwrap();
        expect_entry(&b, &by_other_host);
        expect_entry(&c, &by_other_host);
        for our in [&by_name, &by_part, &by_other_host] {
            our.expect_silence(Duration::ZERO);
        }
    }

    //= docs/spec/handshake.md#hs-status
    //= type=test
    #[test]
    fn an_allow_list_of_erlang_refuses_us(release: Release) {
        let epmd = Epmd::start(release);
        let b = quiet(release, &epmd, "b");
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        assert_eq!(b.eval("net_kernel:allow(['c@127.0.0.1'])"), "ok");
        let not_allowed = ConnectError::Handshake(Failure::NotAllowed);
        assert_eq!(rust.node.connect_node(node_name(b.name())), Err(not_allowed));
        let failed = rust.wait_diagnostic(|told| matches!(told, Diagnostic::ConnectFailed { .. }));
        assert!(failed.to_string().contains("not_allowed"), "{failed}");
        assert!(!connects(&b, &rust), "nor does it dial us");

        // A host lets us in. It is not enough to be dialled, as on our own list.
        assert_eq!(b.eval("net_kernel:allow(['127.0.0.1'])"), "ok");
        assert!(!connects(&b, &rust));
        rust.connect(b.name());
        rust.expect_up(b.name(), NodeType::Visible);
        saw_up(&b, &rust, NodeType::Visible);
        rust.expect_silence(Duration::ZERO);
        let mut allowed = b.eval("{ok, Allowed} = net_kernel:allowed(), lists:sort(Allowed)");
        allowed.retain(|c| c != '\'');
        assert_eq!(allowed, "[127.0.0.1,c@127.0.0.1]", "calls add to the list");
    }

    //= docs/spec/kernel.md#kernel-barred
    //= type=test
    //= docs/spec/kernel.md#kernel-auto-connect
    //= type=test
    #[test]
    fn automatic_connects_are_those_that_were_configured(release: Release) {
        let epmd = Epmd::start(release);
        let b = quiet(release, &epmd, "b");
        let ours = |name, when| {
            let mut config = Ours::config(epmd.port());
            config.kernel.auto_connect = when;
            let ours = Ours::start(name, config);
            let mailbox = ours.node.mailbox();
            (ours, mailbox)
        };
        let (b_name, known) = (node_name(b.name()), (b.name().to_owned(), NodeKind::Known));
        let known_to = |our: &Ours| {
            let nodes = our.node.nodes(NodeKinds::KNOWN).into_iter();
            nodes.map(|info| (info.node.as_str().to_owned(), info.node_type)).collect::<Vec<_>>()
        };

        let (once, mailbox) = ours("once", DistAutoConnect::Once);
        tell(&mailbox, &b, "first");
        once.expect_up(b.name(), NodeType::Visible);
        saw_up(&b, &once, NodeType::Visible);
        expect_told(&b, "first");
        let cut = || {
            assert_eq!(b.eval(&format!("erlang:disconnect_node('{}')", once.name())), "true");
            once.expect_down(b.name(), NodeDownReason::ConnectionClosed);
            saw_down(&b, &once, "disconnect");
            assert!(known_to(&once).contains(&known), "the row is barred");
            tell(&mailbox, &b, "lost");
            once.expect_silence(Duration::from_millis(500));
            assert!(once.nodes().is_empty());
        };
        cut();
        once.connect(b.name());
        once.expect_up(b.name(), NodeType::Visible);
        saw_up(&b, &once, NodeType::Visible);
        tell(&mailbox, &b, "second");
        expect_told(&b, "second");
        cut();
        expect_entry(&b, &once);
        tell(&mailbox, &b, "third");
        expect_told(&b, "third");

        let (never, mailbox) = ours("never", DistAutoConnect::Never);
        tell(&mailbox, &b, "lost");
        never.expect_silence(Duration::from_millis(500));
        assert_eq!(known_to(&never), [(never.name().to_owned(), NodeKind::This)]);
        never.connect(b.name());
        never.expect_up(b.name(), NodeType::Visible);
        saw_up(&b, &never, NodeType::Visible);
        tell(&mailbox, &b, "fourth");
        expect_told(&b, "fourth");
        assert_eq!(never.node.disconnect_node(&b_name), Some(true));
        never.expect_down(b.name(), NodeDownReason::Disconnect);
        assert!(!known_to(&never).contains(&known), "no row is left");
    }

    //= docs/spec/kernel.md#kernel-hidden-connect
    //= type=test
    #[test]
    fn a_hidden_connect_of_ours_is_hidden_on_both_sides(release: Release) {
        let epmd = Epmd::start(release);
        let b = quiet(release, &epmd, "b");
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let b_name = node_name(b.name());
        rust.node.hidden_connect_node(b_name.clone()).unwrap();
        rust.expect_up(b.name(), NodeType::Hidden);
        saw_up(&b, &rust, NodeType::Hidden);
        // Another call, from either side, finds the link and leaves it what it is.
        rust.connect(b.name());
        assert!(connects(&b, &rust));
        assert_eq!(rust.nodes(), [(b.name().to_owned(), NodeKind::Hidden)]);
        assert_eq!(b.eval("{nodes(), nodes(hidden)}"), format!("{{[],['{RUST}']}}"));
        assert_eq!(rust.node.disconnect_node(&b_name), Some(true));
        rust.expect_down(b.name(), NodeDownReason::Disconnect);
        saw_down(&b, &rust, "connection_closed");
        // It was the call that was hidden, not the node.
        rust.connect(b.name());
        rust.node.hidden_connect_node(b_name).unwrap();
        rust.expect_up(b.name(), NodeType::Visible);
        saw_up(&b, &rust, NodeType::Visible);
    }

    //= docs/spec/kernel.md#kernel-state
    //= type=test
    #[test]
    fn the_state_of_a_node_is_the_same_term(release: Release) {
        let epmd = Epmd::start(release);
        let erl = quiet(release, &epmd, "b");
        let state = |options: Option<StartOptions>| {
            let node = Node::new(Ours::config(epmd.port())).unwrap();
            options.map(|options| node.start(options).unwrap());
            let state = node.get_state();
            state.map_or_else(|| "#{started => no}".to_owned(), |state| state.to_term().to_string())
        };
        let mut options = StartOptions::new(node_name(RUST));
        options.started = Started::Static;
        let with_its_system = state(Some(options)).replace(RUST, erl.name());
        assert_eq!(erl.eval(&format!("net_kernel:get_state() =:= {with_its_system}")), "true");

        // Of virtual machines that begin without a node.
        for (start, options) in [
            ("ok", None),
            (
                "net_kernel:start('rust@127.0.0.1', #{name_domain => longnames})",
                Some(StartOptions::new(node_name(RUST))),
            ),
            (
                "net_kernel:start(undefined, #{name_domain => shortnames})",
                Some(StartOptions::nameless("localhost".into())),
            ),
        ] {
            let tell = format!(
                "{start}, io:format(\"~0tp~n\", [net_kernel:get_state()]), halt(0)."
            );
            let output = release.erl()
                .env("ERL_EPMD_PORT", epmd.port().to_string())
                .args(["-noinput", "-start_epmd", "false", "-setcookie", "secret", "-eval", &tell])
                .output()
                .unwrap();
            let theirs = String::from_utf8(output.stdout).unwrap();
            let ours = state(options);
            assert_eq!(erl.eval(&format!("{} =:= {ours}", theirs.trim())), "true", "{theirs} {ours}");
        }
    }

    //= docs/spec/kernel.md#kernel-dynamic-name
    //= type=test
    //= docs/spec/kernel.md#kernel-dynamic-lost
    //= type=test
    //= docs/spec/kernel.md#kernel-state
    //= type=test
    //= docs/spec/handshake.md#hs-dynamic-initiator
    //= type=test
    #[test]
    fn erlang_gives_us_a_name_and_gives_it_back(release: Release) {
        let epmd = Epmd::start(release);
        let b = quiet(release, &epmd, "b");
        let node = Node::new(Ours::config(epmd.port())).unwrap();
        let events = node.mailbox();
        events.monitor_nodes(true, MonitorOptions::ALL);
        node.start(StartOptions::nameless("127.0.0.1".into())).unwrap();
        let state = |name| NetState {
            started: Started::Dynamic,
            name,
            name_type: NameType::Dynamic,
            name_domain: NameDomain::Longnames,
        };
        let seen = |tag: &str, name: &str| {
            let event = b.wait_event(GIVE_UP, |event| event.contains(name));
            assert!(event.starts_with(&format!("{{{tag},'{name}',")), "{event}");
            assert!(event.contains("node_type => hidden"), "{event}");
        };
        let named = || {
            assert_eq!((node.get_state(), node.identity()), (Some(state(None)), None));
            node.connect_node(node_name(b.name())).unwrap();
            let own = node.identity().unwrap();
            assert!(own.name.as_str().ends_with("@127.0.0.1") && own.port.is_none(), "{own:?}");
            assert_eq!(node.get_state(), Some(state(Some(own.name.clone()))));
            assert_eq!(*next_event(&events).node(), own.name, "first our name, then the link");
            let up = next_event(&events);
            assert_eq!((up.node().as_str(), up.node_type()), (b.name(), Some(NodeType::Hidden)));
            seen("nodeup", own.name.as_str());
            assert!(b.ping(own.name.as_str()));
            assert_eq!(b.eval("nodes(hidden)"), format!("[{}]", own.name));
            node.ping(&node_name(b.name()), GIVE_UP).unwrap();
            (own.name, own.creation.0)
        };
        let nameless = |name: &str| {
            let downs = [next_event(&events), next_event(&events)];
            assert_eq!(downs.each_ref().map(|down| down.node().as_str()), [b.name(), name]);
            let stopped = Some(&NodeDownReason::NetKernelTerminated);
            assert_eq!(downs[1].nodedown_reason(), stopped);
            seen("nodedown", name);
        };

        let (name, creation) = named();
        assert_eq!(b.eval(&format!("erlang:disconnect_node({name})")), "true");
        nameless(name.as_str());
        assert_eq!(named(), (name.clone(), creation + 1));
        assert_eq!(node.disconnect_node(&node_name(b.name())), Some(true));
        nameless(name.as_str());
        assert_eq!(named(), (name, creation + 2));
    }

    //= docs/spec/kernel.md#kernel-one-link
    //= type=test
    //= docs/spec/monitor.md#monitor-no-overlap
    //= type=test
    //= docs/spec/monitor.md#monitor-nodes-agree
    //= type=test
    #[test]
    fn every_event_of_many_links_comes_in_order(release: Release) {
        let epmd = Epmd::start(release);
        let b = quiet(release, &epmd, "b");
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        for _ in 0..200 {
            rust.connect(b.name());
            rust.expect_up(b.name(), NodeType::Visible);
            assert_eq!(rust.nodes(), [(b.name().to_owned(), NodeKind::Visible)]);
            saw_up(&b, &rust, NodeType::Visible);
            assert_eq!(rust.node.disconnect_node(&node_name(b.name())), Some(true));
            rust.expect_down(b.name(), NodeDownReason::Disconnect);
            assert_eq!(rust.nodes(), []);
            saw_down(&b, &rust, "connection_closed");
        }
        for _ in 0..50 {
            expect_entry(&b, &rust);
            assert_eq!(b.eval(&format!("erlang:disconnect_node('{RUST}')")), "true");
            rust.expect_down(b.name(), NodeDownReason::ConnectionClosed);
            assert_eq!(rust.nodes(), []);
            saw_down(&b, &rust, "disconnect");
        }
        rust.expect_silence(Duration::ZERO);
        let tags: Vec<_> = b.events().iter().map(|it| it.starts_with("{nodeup,")).collect();
        assert_eq!(tags, [true, false].repeat(250), "up and down in turn, and nothing else");
    }
}
