//! The examples of other event loops are nodes that real ones can work with.

use netkernel_tests::command::Netkernel;
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};

each_release! {
    /// It dials one node, is dialled by another, answers, takes a message, and takes its leave.
    #[test]
    fn a_poll_loop_joins_a_cluster(release: Release) {
        let epmd = Epmd::start(release);
        let options = |name| ErlOptions::new(release, &epmd, name).without_auto_connect();
        let (first, second) = (Erl::start(&options("first")), Erl::start(&options("second")));
        let arguments = ["poll@127.0.0.1", "secret", first.name()];
        let mut node = Netkernel::example("poll", epmd.port(), &arguments);
        let is_up = |name: &str| {
            let event = format!("{{nodeup,'{name}',");
            node.wait_line("nodeup", |line| line.starts_with(&event));
        };
        is_up(first.name());
        assert_eq!(second.eval("net_kernel:connect_node('poll@127.0.0.1')"), "true");
        is_up(second.name());
        for erl in [&first, &second] {
            assert!(erl.ping("poll@127.0.0.1"));
            assert_eq!(erl.eval("{poll, 'poll@127.0.0.1'} ! {hello, [1]}"), "{hello,[1]}");
            node.wait_line("the message", |line| line == r#"message b"\x83h\x02w\x05hellok\0\x01\x01""#);
        }
        assert_eq!(first.eval("erlang:disconnect_node('poll@127.0.0.1')"), "true");
        node.wait_line("nodedown", |line| line.starts_with(&format!("{{nodedown,'{}',", first.name())));
        node.end_input();
        let (status, _) = node.wait_end();
        assert!(status.success(), "{status}");
        second.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,'poll@127.0.0.1',"));
    }

    /// It dials one node, is dialled by another, and answers both. It would stay for a minute, so it is killed.
    #[test]
    fn a_tokio_program_joins_a_cluster(release: Release) {
        let epmd = Epmd::start(release);
        let options = |name| ErlOptions::new(release, &epmd, name).without_auto_connect();
        let (first, second) = (Erl::start(&options("first")), Erl::start(&options("second")));
        let arguments = ["tokio@127.0.0.1", "secret", first.name()];
        let node = Netkernel::example("tokio", epmd.port(), &arguments);
        let told = |what: &str, name: &str| {
            let event = format!("{{{what},'{name}',");
            node.wait_line(what, |line| line.starts_with(&event));
        };
        told("nodeup", first.name());
        assert_eq!(second.eval("net_kernel:connect_node('tokio@127.0.0.1')"), "true");
        told("nodeup", second.name());
        for erl in [&first, &second] {
            assert!(erl.ping("tokio@127.0.0.1"));
        }
        assert_eq!(first.eval("erlang:disconnect_node('tokio@127.0.0.1')"), "true");
        told("nodedown", first.name());
        drop(node);
        second.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,'tokio@127.0.0.1',"));
    }
}

#[test]
fn the_poll_loop_has_less_than_250_lines_of_code() {
    let lines = include_str!("../examples/poll.rs").lines().map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    assert!(code < 250, "{code}");
}
