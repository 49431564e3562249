//! The command `netkernel node` beside real nodes: its options, and the flags of `erl` that it takes.

use netkernel_blocking::core::term::Term;
use netkernel_tests::command::Netkernel;
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, TempDir};

/// Waits until the real node is told that this link is up, and that it is of this type.
fn expect_up(erl: &Erl, node: &str, node_type: &str) {
    let (up, kind) = (format!("{{nodeup,'{node}',"), format!("node_type => {node_type}"));
    erl.wait_event(GIVE_UP, |event| event.starts_with(&up) && event.contains(&kind));
}

/// Ends the command, and waits until the real node has seen it.
fn end(mut rust: Netkernel, erl: &Erl, node: &str) {
    rust.say("stop");
    let (status, _) = rust.wait_end();
    assert!(status.success(), "{status}");
    erl.wait_event(GIVE_UP, |event| event.starts_with(&format!("{{nodedown,'{node}',")));
}

each_release! {
    //= docs/spec/flags.md#flags-settings
    //= type=test
    #[test]
    fn flags_of_erl_make_a_node_as_they_make_one_of_erlang(release: Release) {
        let (epmd, home) = (Epmd::start(release), TempDir::new());
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b").without_auto_connect());
        let port = epmd.port().to_string();
        let mut rust = Netkernel::start(home.path(), &[
            "node", "--connect", erl.name(), "--", "-name", "rust@127.0.0.1", "-setcookie", "secret", "-start_epmd", "false",
            "-epmd_port", &port, "-hidden", "-kernel", "net_ticktime", "20", "inet_dist_listen_options", "[{backlog,7}]",
        ]);
        expect_up(&erl, "rust@127.0.0.1", "hidden");
        rust.say("net_kernel:stop().");
        assert_eq!(erl.eval("net_kernel:stop()"), "{error,not_allowed}");
        rust.wait_line("the same", |line| line == "{error,not_allowed}");
        rust.say("net_kernel:get_net_ticktime().");
        rust.wait_line("as it was set", |line| line == "20");
        let state: Term = erl.eval("net_kernel:get_state()").replace("b@", "rust@").parse().expect("a term");
        rust.say("net_kernel:get_state().");
        rust.wait_line("the same", |line| line.parse().is_ok_and(|told: Term| told == state));
        assert!(erl.ping("rust@127.0.0.1"));
        end(rust, &erl, "rust@127.0.0.1");
    }

    //= docs/spec/flags.md#flags-inet6
    //= type=test
    #[test]
    fn options_make_a_node_on_ipv6_that_connects_when_it_is_told(release: Release) {
        let (epmd, home) = (Epmd::start(release), TempDir::new());
        let port = epmd.port().to_string();
        let mut options = ErlOptions::new(release, &epmd, "b").without_auto_connect();
        options.host = "::1".to_owned();
        options.args.extend(["-proto_dist", "inet6_tcp"].map(str::to_owned));
        let erl = Erl::start(&options);
        let arguments = [
            "node", "rust@::1", "--inet6", "--cookie", "secret", "--epmd", "external", "--epmd-port", &port, "--setup-time",
            "120", "--auto-connect", "never", "--connect", erl.name(),
        ];
        let mut rust = Netkernel::start(home.path(), &arguments);
        expect_up(&erl, "rust@::1", "visible");
        assert_eq!(erl.eval("erlang:disconnect_node('rust@::1')"), "true");
        // Nothing connects by itself there, as here.
        erl.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,'rust@::1',"));
        rust.wait_line("the end", |line| line.starts_with("{nodedown,'b@::1',"));
        rust.say("net_adm:ping('b@::1').");
        rust.wait_line("as with erl", |line| line == "pang");
        assert!(!erl.ping("rust@::1"));
        assert_eq!(erl.eval("net_kernel:connect_node('rust@::1')"), "true");
        expect_up(&erl, "rust@::1", "visible");
        assert!(erl.ping("rust@::1"));
        end(rust, &erl, "rust@::1");
    }
}
