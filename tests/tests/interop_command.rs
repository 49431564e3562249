//! The command `netkernel node` beside real nodes: its options, and the flags of `erl` that it takes.

use std::fs;

use netkernel_blocking::core::net_adm::HOST_FILE;
use netkernel_blocking::core::term::Term;
use netkernel_tests::command::{self, Netkernel};
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, TempDir};
use netkernel_tests::ours::eventually;

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

/// What a call returns, and what it prints, as the shell of Erlang tells it.
fn of_erlang(erl: &Erl, at: usize, call: &str) -> String {
    let result = erl.eval(&format!(
        "io:format(\"begin {at}~n\"), \
         Result = try io_lib:format(\"~0tp\", [{call}]) \
             catch Class:Reason -> io_lib:format(\"** exception ~s: ~0tp\", [Class, Reason]) end, \
         io:format(\"~ts~nend {at}~n\", [Result])"
    ));
    assert_eq!(result, "ok");
    let (begin, end) = (format!("begin {at}"), format!("end {at}"));
    eventually("it is printed", || erl.output().contains(&end));
    let lines = erl.output().into_iter().skip_while(|line| *line != begin).skip(1);
    lines.take_while(|line| *line != end).map(|line| line + "\n").collect()
}

each_release! {
    //= docs/spec/net_adm.md#adm-host-file-syntax
    //= type=test
    //= docs/spec/net_adm.md#adm-world-order
    //= type=test
    //= docs/spec/net_adm.md#adm-world-unreachable
    //= type=test
    //= docs/spec/net_adm.md#adm-world-exits
    //= type=test
    #[test]
    fn the_world_and_its_hosts_are_printed_as_by_erlang(release: Release) {
        let (epmd, home) = (Epmd::start(release), TempDir::new());
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let _c = Erl::start(&ErlOptions::new(release, &epmd, "c"));
        // Who has another cookie does not answer.
        let _d = Erl::start(&ErlOptions { cookie: "other".into(), ..ErlOptions::new(release, &epmd, "d") });
        // What it logs would come in between.
        erl.eval("logger:set_primary_config(level, none)");
        erl.eval(&format!("file:set_cwd({:?})", home.path().display().to_string()));
        let port = epmd.port().to_string();
        let options = ["--cookie", "secret", "--epmd-port", &port];
        let files = [
            None,
            Some("'127.0.0.1'.\n'no.such.host.invalid'.\n"),
            Some("'no.such.host.invalid'.\n{1,2}.\n'127.0.0.1'.\n"),
            Some(""),
            Some("127.0.0.1.\n"),
        ];
        let calls = [
            ("net_adm:host_file()", vec!["hosts"]),
            ("net_adm:world()", [&["world"][..], &options].concat()),
            ("net_adm:world(verbose)", [&["world", "--verbose"][..], &options].concat()),
        ];
        let mut at = 0;
        for file in files {
            if let Some(text) = file {
                fs::write(home.path().join(HOST_FILE), text).expect("a file");
            }
            for (call, arguments) in &calls {
                at += 1;
                let theirs = of_erlang(&erl, at, call);
                let output = command::run(home.path(), arguments);
                let ours = String::from_utf8_lossy(&output.stdout);
                assert_eq!(ours, theirs, "{call} with {file:?}: {}", String::from_utf8_lossy(&output.stderr));
                let is_well = !theirs.contains("{error,") && !theirs.contains("** exception");
                assert_eq!(output.status.success(), is_well, "{theirs}");
            }
        }
    }

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
        // No UTF-8, and no end.
        rust.say(b"\xE9\r");
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
