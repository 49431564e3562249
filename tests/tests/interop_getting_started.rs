//! `docs/getting-started.md`, done as it says.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use netkernel_blocking::core::{Cookie, atom};
use netkernel_blocking::{NodeConfig, StartOptions, Target};
use netkernel_tests::command::Netkernel;
use netkernel_tests::otp::{Elixir, Epmd, Erl, ErlOptions, Release, free_port};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::Node;
use netkernel_tests::{each_release, each_release_and_runtime};

const PAGE: &str = include_str!("../../docs/getting-started.md");
const PROGRAM: &str = include_str!("../../runtime-blocking/examples/getting_started.rs");

/// The blocks of that language on the page.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    let parts = PAGE.split(&*begin).skip(1);
    parts.map(|part| part.split_once("```").unwrap().0).collect()
}

#[test]
fn the_program_of_the_page_is_the_example() {
    let (_, program) = PROGRAM.split_once("for\")]\n\n").unwrap();
    assert_eq!(blocks("rust,no_run"), [program]);
    assert!(!program.contains("clippy"));
}

/// Code and the value that is told behind it, of the lines of a block.
fn calls(language: &str, remark: &str) -> Vec<(&'static str, &'static str)> {
    let lines: Vec<_> = blocks(language).into_iter().flat_map(str::lines).collect();
    assert!(!lines.is_empty());
    lines.into_iter().map(|line| line.split_once(remark).unwrap()).collect()
}

each_release! {
    #[test]
    fn calls_go_both_ways(release: Release) {
        for example in ["getting_started", "async_getting_started"] {
            let epmd = Epmd::start(release);
            let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
            let rust = Netkernel::example(example, epmd.port(), &[]);
            rust.wait_line("the sum", |line| line == "lists:sum([1,2,3]) is 6");
            assert!(blocks("text").contains(&"lists:sum([1,2,3]) is 6\n"));
            for (code, value) in calls("erlang", "% ") {
                let shown = erl.eval(code.trim().strip_suffix('.').unwrap());
                assert_eq!(shown, value, "{code}");
            }
            drop((erl, rust));
            // The same with Elixir in place of Erlang.
            let elixir = Elixir::start(release, &epmd, "b");
            let rust = Netkernel::example(example, epmd.port(), &[]);
            rust.wait_line("the sum", |line| line == "lists:sum([1,2,3]) is 6");
            for (code, value) in calls("elixir", "# ") {
                assert_eq!(elixir.eval(code), value, "{code}");
            }
        }
    }
}

each_release_and_runtime! {
    /// What the page says that goes wrong is what this node says.
    #[test]
    fn what_goes_wrong_is_told(release: Release) {
        let told = |error: &dyn core::fmt::Display| {
            let error = format!("`{error}`");
            assert!(PAGE.contains(&error), "the page has no {error}");
        };
        let epmd = Epmd::start(release);
        let _erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let peer = || node_name("b@127.0.0.1");
        let mut config = NodeConfig::new(Cookie::new("wrong").unwrap());
        config.kernel.epmd_port = epmd.port();
        let start = |config, name: &str| {
            let node = Node::new(config).unwrap();
            let started = node.start(StartOptions::new(node_name(name)));
            (node, started)
        };
        // Other names, for EPMD hears only soon that a node is gone.
        let (node, _) = start(config, "rust1@127.0.0.1");
        told(&node.connect_node(peer()).unwrap_err());
        node.stop().unwrap();
        let (node, _) = start(Ours::config(epmd.port()), "rust2@localhost");
        told(&node.connect_node(peer()).unwrap_err());
        node.stop().unwrap();
        let (node, _) = start(Ours::config(epmd.port()), "rust@127.0.0.1");
        let nobody = node_name("nobody@127.0.0.1");
        told(&node.connect_node(nobody.clone()).unwrap_err());
        // Calls know less of it.
        let erpc = node.mailbox().erpc_call(&nobody, &atom!("lists"), &atom!("sum"), &[], None);
        let server = node.mailbox().call(Target::Name(atom!("shop"), nobody), &atom!("x").into(), None);
        for (error, begin) in [
            (erpc.unwrap_err().to_string(), "noconnection"),
            (server.unwrap_err().to_string(), "there is no link with"),
        ] {
            assert!(error.contains(begin) && PAGE.contains(&format!("`{begin}`")), "{error}");
        }
        // Packets that get nowhere, and a node that speaks TLS: it answers what it does not understand by an alert, and is gone.
        for (alert, begin) in [
            (None, "set-up timeout"),
            (Some([0x15, 3, 3, 0, 2, 2, 40]), "the peer closed the connection while we waited for"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let there = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let Some(alert) = alert else { return Some(stream) };
                let _ = (stream.read(&mut [0; 16]), stream.write_all(&alert));
                None
            });
            let mut config = Ours::config(epmd.port());
            config.kernel.setup_time = Duration::from_secs(2);
            let (node, _) = start(config, &format!("to-{}@127.0.0.1", address.port()));
            node.set_address(peer(), Some(address.to_string().parse().unwrap()));
            let error = node.connect_node(peer()).unwrap_err().to_string();
            assert!(error.starts_with(begin) && PAGE.contains(begin), "{error}");
            drop(there.join().unwrap());
        }
        let (_, taken) = start(Ours::config(epmd.port()), "b@127.0.0.1");
        // As `main` shows it, too.
        told(&format!("Error: {:?}", taken.as_ref().unwrap_err()));
        told(&taken.unwrap_err());
        let (_, no_epmd) = start(Ours::config(free_port()), "rust@127.0.0.1");
        told(&format!("Error: {:?}", no_epmd.as_ref().unwrap_err()));
        told(&no_epmd.unwrap_err());
    }
}
