//! Names: in Erlang's EPMD, given to nodes that have none, and taken over.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use netkernel_blocking::StartOptions;
use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::epmd::RegisterError;
use netkernel_blocking::core::net_kernel::{Diagnostic, NodeDownReason, OpenError, StartError};
use netkernel_tests::command::Netkernel;
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal, TempDir};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Node;

const RUST: &str = "rust@127.0.0.1";

/// Why a node of ours cannot start.
fn start_error(name: &str, epmd: u16) -> Option<StartError> {
    let node = Node::new(Ours::config(epmd)).unwrap();
    node.start(StartOptions::new(node_name(name))).err()
}

/// A port that nobody listens on, as long as the stream lives: it is one end of it.
fn port_of_nobody() -> (TcpStream, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = stream.local_addr().unwrap().port();
    (stream, port)
}

each_release_and_runtime! {
    //= docs/spec/epmd.md#epmd-register-request
    //= type=test
    //= docs/spec/epmd.md#epmd-duplicate
    //= type=test
    //= docs/spec/epmd.md#epmd-names-order
    //= type=test
    #[test]
    fn epmd_has_each_name_once(release: Release) {
        let epmd = Epmd::start(release);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let line = format!("name rust at port {}\n", rust.port());
        assert_eq!(epmd.names(), line);
        let tool = Command::new(release.program("epmd"))
            .args(["-port", &epmd.port().to_string(), "-names"])
            .output()
            .unwrap();
        let tool = String::from_utf8(tool.stdout).unwrap();
        assert!(tool.contains(&line), "{tool}");

        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let ours: Vec<_> = rust.node.names("127.0.0.1").unwrap();
        let ours: Vec<_> =
            ours.iter().map(|(name, port)| format!("{{{name:?},{port}}}")).collect();
        let theirs = erl.eval("{ok, Names} = net_adm:names({127, 0, 0, 1}), Names");
        assert_eq!(format!("[{}]", ours.join(",")), theirs, "in the same order");

        let taken = Erl::try_start(&ErlOptions::new(release, &epmd, "rust")).unwrap_err();
        assert!(taken.contains("in use"), "{taken}");
        assert_eq!(start_error(erl.name(), epmd.port()), Some(StartError::Register(RegisterError::DuplicateName)));
        assert!(erl.ping(RUST), "nobody was harmed");

        drop(rust);
        eventually("the name is free", || !epmd.names().contains("rust"));
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "rust"));
        assert_eq!(erl.name(), RUST);
    }

    //= docs/spec/epmd.md#epmd-retry
    //= type=test
    //= docs/spec/epmd.md#epmd-keep-creation
    //= type=test
    #[test]
    fn the_name_outlives_epmd(release: Release) {
        let (_held, port) = port_of_nobody();
        let refused = StartError::Register(RegisterError::Open(OpenError::Refused));
        assert_eq!(start_error(RUST, port), Some(refused));

        let epmd = Epmd::start(release);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let before = rust.node.identity();
        assert!(erl.ping(RUST));
        let port = epmd.port();
        drop(epmd);
        rust.wait_diagnostic(|told| matches!(told, Diagnostic::RegistrationLost(_)));
        let epmd = Epmd::start_at(release, port);
        rust.wait_diagnostic(|told| matches!(told, Diagnostic::RegistrationRenewed));
        assert!(epmd.names().contains("name rust at"));
        assert_eq!(rust.node.identity(), before);
        rust.expect_up(erl.name(), NodeType::Visible);
        rust.expect_silence(Duration::ZERO);

        // Who comes now finds us.
        let late = Erl::start(&ErlOptions::new(release, &epmd, "c"));
        assert!(late.ping(RUST) && erl.ping(RUST));
    }

    #[test]
    fn a_nameless_node_gets_its_name_from_us(release: Release) {
        let epmd = Epmd::start(release);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "undefined"));
        let (connect, leave) = (
            format!("net_kernel:connect_node('{RUST}')"),
            format!("erlang:disconnect_node('{RUST}')"),
        );
        let named = || {
            assert_eq!(erl.eval(&connect), "true");
            let name = erl.eval("node()").replace('\'', "");
            assert!(name.ends_with("@127.0.0.1") && name.len() > "@127.0.0.1".len(), "{name}");
            rust.expect_up(&name, NodeType::Hidden);
            assert!(erl.ping(RUST));
            rust.node.ping(&node_name(&name), GIVE_UP).unwrap();
            (name, erl.eval("erlang:system_info(creation)").parse::<u32>().unwrap())
        };
        assert_eq!(erl.eval("node()"), "nonode@nohost");
        let (name, creation) = named();
        assert_eq!(erl.eval(&leave), "true");
        rust.expect_down(&name, NodeDownReason::ConnectionClosed);
        eventually("it has no name again", || erl.eval("node()") == "nonode@nohost");
        assert_eq!(named(), (name, creation + 1));
    }

    /// Ours is frozen while its link is up, and its name free in a new EPMD, when its next incarnation dials: Erlang says
    /// `alive`, and lets the new link take the place of the old one.
    //= docs/spec/handshake.md#hs-initiator-alive
    //= type=test
    #[test]
    fn we_replace_our_old_self_in_a_node_that_has_not_missed_it(release: Release) {
        let (epmd, home) = (Epmd::start(release), TempDir::new());
        let b = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let port = epmd.port();
        let epmd_port = port.to_string();
        let old = Netkernel::start(
            home.path(),
            &["node", RUST, "--cookie", "secret", "--connect", b.name(), "--epmd-port", &epmd_port],
        );
        let rust_came = format!("{{nodeup,'{RUST}',");
        let first = b.wait_event(GIVE_UP, |event| event.starts_with(&rust_came));
        old.wait_line("the link", |line| line.starts_with("connected to"));
        old.signal(Signal::Stop);
        drop(epmd);
        let epmd = Epmd::start_at(release, port);
        eventually("b is there again", || epmd.names().contains("name b at"));
        assert!(!epmd.names().contains("rust"), "a frozen node does not register");

        assert_eq!(b.eval("nodes()"), format!("['{RUST}']"), "it has missed nothing");
        let new = Ours::start("rust", Ours::config(port));
        new.connect(b.name());
        new.expect_up(b.name(), NodeType::Visible);
        let of_rust = |event: &str| event.contains(RUST);
        let down = b.wait_event(GIVE_UP, of_rust);
        assert!(down.starts_with(&format!("{{nodedown,'{RUST}',")), "{down}");
        assert!(down.ends_with("nodedown_reason => wait_pending}}"), "{down}");
        let second = b.wait_event(GIVE_UP, of_rust);
        assert!(second.starts_with(&rust_came) && second != first, "{second}");
        assert!(b.ping(RUST));
        new.node.ping(&node_name(b.name()), GIVE_UP).unwrap();
        assert_eq!(b.eval("nodes()"), format!("['{RUST}']"));
        new.expect_silence(Duration::ZERO);

        old.signal(Signal::Continue);
        old.wait_line("the end of the old link", |line| {
            line.starts_with("{nodedown,'b@127.0.0.1',")
        });
    }

    /// The old node is frozen, and its name free in a new EPMD, when a new node of that name connects.
    #[test]
    fn a_node_that_comes_back_replaces_its_old_self(release: Release) {
        let epmd = Epmd::start(release);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let old = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        rust.connect(old.name());
        rust.expect_up(old.name(), NodeType::Visible);
        old.signal(Signal::Stop);
        let port = epmd.port();
        drop(epmd);
        let epmd = Epmd::start_at(release, port);
        rust.wait_diagnostic(|told| matches!(told, Diagnostic::RegistrationRenewed));
        let new = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        assert_eq!(new.eval(&format!("net_kernel:connect_node('{RUST}')")), "true");
        rust.expect_down(old.name(), NodeDownReason::WaitPending);
        rust.expect_up(new.name(), NodeType::Visible);
        assert!(new.ping(RUST));
        rust.node.ping(&node_name(new.name()), GIVE_UP).unwrap();
        assert_eq!(rust.nodes().len(), 1);
        old.signal(Signal::Continue);
    }
}
