//! One cluster of all releases and both runtimes, and what it goes through together.
#![expect(clippy::unwrap_used, reason = "this is test code")]

use netkernel_blocking::NodeKind;
use netkernel_blocking::core::epmd_server::Config;
use netkernel_blocking::core::term::Atom;
use netkernel_tests::each_release;
use netkernel_tests::flood::{self, Target};
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::our_epmd::OurEpmd;
use netkernel_tests::ours::{Ours, eventually, next_message, node_name};
use netkernel_tests::runtime::{Mailbox, Runtime};

/// A node of whichever kind, with a process or mailbox `witness`.
enum Member {
    Erl(Erl),
    Ours(Ours, Mailbox),
}

impl Member {
    fn erl(release: Release, epmd: u16) -> Self {
        Self::Erl(Erl::start(&ErlOptions::at(release, epmd, &release.to_string())))
    }

    fn ours(runtime: Runtime, epmd: u16) -> Self {
        let ours = runtime.with(|| Ours::start(runtime.name(), Ours::config(epmd)));
        let witness = ours.mailbox("witness");
        Self::Ours(ours, witness)
    }

    fn name(&self) -> &str {
        match self {
            Self::Erl(erl) => erl.name(),
            Self::Ours(ours, _) => ours.name(),
        }
    }

    fn connect(&self, peer: &str) {
        match self {
            Self::Erl(erl) => {
                assert_eq!(erl.eval(&format!("net_kernel:connect_node('{peer}')")), "true");
            }
            Self::Ours(ours, _) => ours.connect(peer),
        }
    }

    /// `nodes()`, in the order of names.
    fn nodes(&self) -> Vec<String> {
        let mut nodes: Vec<_> = match self {
            Self::Erl(erl) => {
                let nodes = erl.eval("nodes()");
                let nodes = nodes.trim_matches(['[', ']']).split(',');
                nodes.map(|node| node.trim_matches('\'').to_owned()).collect()
            }
            Self::Ours(ours, _) => {
                let nodes = ours.nodes();
                assert!(nodes.iter().all(|(_, kind)| *kind == NodeKind::Visible), "{nodes:?}");
                nodes.into_iter().map(|(node, _)| node).collect()
            }
        };
        nodes.sort();
        nodes
    }

    /// The state of its link with another one, as `net_kernel:node_info/2` tells it, and whether bytes came and went.
    fn link(&self, peer: &str) -> (String, bool) {
        match self {
            Self::Erl(erl) => {
                let info = format!(
                    "{{ok, Info}} = net_kernel:node_info('{peer}'), \
                     [State, In, Out] = [proplists:get_value(K, Info) || K <- [state, in, out]], \
                     {{State, In > 0 andalso Out > 0}}"
                );
                let told = erl.eval(&info);
                let (state, carried) = told.trim_matches(['{', '}']).split_once(',').unwrap();
                (state.to_owned(), carried == "true")
            }
            Self::Ours(ours, _) => {
                let info = ours.node.node_info(&node_name(peer)).unwrap();
                (info.state.to_string(), info.received > 0 && info.sent > 0)
            }
        }
    }

    /// Sends `{hello, Own}` to the witness of another one.
    fn greet(&self, peer: &str) {
        match self {
            Self::Erl(erl) => _ = erl.eval(&format!("{{witness, '{peer}'}} ! {{hello, node()}}")),
            Self::Ours(ours, witness) => {
                let to = Atom::new("witness").unwrap();
                witness.send_to_name(&to, &node_name(peer), hello(ours.name())).unwrap();
            }
        }
    }

    /// Takes the greetings of all of these, in any order.
    fn take_greetings(&self, mut from: Vec<&str>) {
        while !from.is_empty() {
            let told = match self {
                Self::Erl(erl) => {
                    erl.wait_event(GIVE_UP, |event| event.starts_with("{hello,")).into_bytes()
                }
                Self::Ours(_, witness) => next_message(witness),
            };
            let at = from.iter().position(|name| told == self.greeting(name));
            let at = at.unwrap_or_else(|| panic!("{}: {told:?} of {from:?}", self.name()));
            from.swap_remove(at);
        }
    }

    /// The greeting of this one, as its witness tells of it.
    fn greeting(&self, from: &str) -> Vec<u8> {
        match self {
            Self::Erl(_) => format!("{{hello,'{from}'}}").into_bytes(),
            Self::Ours(..) => hello(from),
        }
    }
}

/// `{hello, Node}` as an external term, with the atoms as Erlang sends them.
fn hello(node: &str) -> Vec<u8> {
    let mut term = b"\x83h\x02w\x05hellow".to_vec();
    term.push(node.len() as u8);
    term.extend(node.as_bytes());
    term
}

/// OTP 25, 27, the newest, and ours in both runtimes: a link for each pair, which both ends tell of and can be talked over.
fn all_are_linked(epmd: u16) {
    let members = [
        Member::erl(Release::Otp25, epmd),
        Member::ours(Runtime::Blocking, epmd),
        Member::erl(Release::Otp27, epmd),
        Member::ours(Runtime::Smol, epmd),
        Member::erl(Release::Newest, epmd),
    ];
    let names = || members.iter().map(Member::name);
    for (at, member) in members.iter().enumerate() {
        for peer in names().skip(at + 1) {
            // The next release may be faster than we, by what it hears from others.
            member.connect(peer);
        }
    }
    for member in &members {
        let others = || names().filter(|name| *name != member.name());
        let mut wanted: Vec<_> = others().map(str::to_owned).collect();
        wanted.sort();
        eventually(&format!("{} has all links", member.name()), || member.nodes() == wanted);
        others().for_each(|peer| member.greet(peer));
    }
    for member in &members {
        let others = || names().filter(|name| *name != member.name());
        member.take_greetings(others().collect());
        for peer in others() {
            let told = member.link(peer);
            assert_eq!(told, ("up".into(), true), "{} of {peer}", member.name());
        }
    }
}

each_release! {
    #[test]
    fn every_pair_is_linked_over_otps_epmd(release: Release) {
        all_are_linked(Epmd::start(release).port());
    }

    /// Strangers by the thousand do not keep real nodes from their names.
    #[test]
    fn nodes_come_while_our_daemon_is_flooded(release: Release) {
        flood::raise_descriptors();
        let epmd = Epmd::ours(&["-packet_timeout", "3600"]);
        let daemon = Target { port: epmd.port(), pid: epmd.pid() };
        let _held = daemon.register("held");
        let a = Erl::start(&ErlOptions::new(release, &epmd, "a"));
        let crowd = daemon.half_open(flood::HALF_OPEN);
        daemon.scan();
        daemon.babble();
        let b = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let ours = Ours::start("rust", Ours::config(epmd.port()));
        assert!(a.ping(b.name()) && b.ping(ours.name()));
        ours.connect(a.name());
        assert!(daemon.descriptors() > flood::HALF_OPEN, "they are still there");
        drop(crowd);
        daemon.assert_serves("afterwards");
        for name in ["a", "b", "rust"] {
            assert!(epmd.names().contains(&format!("name {name} at port")), "{}", epmd.names());
        }
    }
}

#[test]
fn every_pair_is_linked_over_our_daemon() {
    all_are_linked(Epmd::ours(&[]).port());
}

#[test]
fn every_pair_is_linked_over_the_service_of_each_runtime() {
    for runtime in Runtime::ALL {
        all_are_linked(OurEpmd::start(runtime, Config::default()).port());
    }
}
