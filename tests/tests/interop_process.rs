//! The `netkernel` command as a process, with real nodes.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use netkernel_tests::command::{Netkernel, run};
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal, TempDir};

const RUST: &str = "rust@127.0.0.1";

/// A world with an Erlang node, and a home for the command.
struct World {
    epmd: Epmd,
    erl: Erl,
    home: TempDir,
}

impl World {
    fn new(release: Release, change: impl FnOnce(&mut ErlOptions)) -> Self {
        let epmd = Epmd::start(release);
        let mut options = ErlOptions::new(release, &epmd, "b");
        change(&mut options);
        let erl = Erl::start(&options);
        Self { epmd, erl, home: TempDir::new() }
    }

    /// `netkernel ARGUMENTS... --epmd-port P --cookie secret`.
    fn start(&self, arguments: &[&str]) -> Netkernel {
        let port = self.epmd.port().to_string();
        let world = ["--epmd-port", &port, "--cookie", "secret"];
        Netkernel::start(self.home.path(), &[arguments, &world].concat())
    }

    /// A node that has joined, as both sides see it.
    fn join(&self, more: &[&str]) -> Netkernel {
        let command = self.start(&[&["node", RUST, "--connect", self.erl.name()], more].concat());
        self.erl.wait_event(GIVE_UP, |event| event.starts_with("{nodeup,'rust@127.0.0.1',"));
        command.wait_line("the link", |line| line.contains("nodeup"));
        assert!(self.erl.ping(RUST));
        command
    }
}

each_release! {
    #[test]
    fn a_node_joins_obeys_and_ends(release: Release) {
        let world = World::new(release, |_| {});
        let mut node = world.start(&["node", RUST, "--connect", world.erl.name()]);
        node.wait_line("its start", |line| line.starts_with("started 'rust@127.0.0.1', creation "));
        node.wait_line("its own nodeup", |line| line.starts_with("{nodeup,'rust@127.0.0.1',#{connection_id => undefined,"));
        let up = node.wait_line("the link", |line| line.starts_with('{'));
        assert!(up.starts_with("{nodeup,'b@127.0.0.1',#{connection_id => "), "{up}");
        assert!(up.ends_with(",node_type => visible}}"), "{up}");
        node.wait_line("the answer", |line| line == "connected to 'b@127.0.0.1'");
        world.erl.wait_event(GIVE_UP, |event| event.starts_with("{nodeup,'rust@127.0.0.1',"));
        assert!(world.erl.ping(RUST));

        for (command, answer) in [
            ("nodes", "['b@127.0.0.1']"),
            ("nodes this visible", "['b@127.0.0.1','rust@127.0.0.1']"),
            ("ticktime", "60"),
            ("ticktime 60", "unchanged"),
            ("monitor off", "ok"),
            ("monitor node_type=all nodedown_reason", "ok"),
            ("ping b@127.0.0.1", "pong"),
            ("ping 'b@127.0.0.1'", "pong"),
            ("ping nobody@127.0.0.1", "pang: asking the host's EPMD: no node of that name is registered"),
            ("connect b@127.0.0.1", "connected to 'b@127.0.0.1'"),
            ("disconnect nobody@127.0.0.1", "no link with 'nobody@127.0.0.1'"),
            ("disconnect b@127.0.0.1", "{nodedown,'b@127.0.0.1',#{node_type => visible,nodedown_reason => disconnect}}"),
        ] {
            node.say(command);
            node.wait_line(command, |line| line == answer);
        }
        // Erlang's node may be back already: it has things to say to visible ones.
        world.erl.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,'rust@127.0.0.1',"));
        node.say("help");
        node.wait_line("help", |line| line.starts_with("connect NODE "));
        node.say("state");
        node.wait_line("state", |line| line.starts_with("alive as 'rust@127.0.0.1', creation "));
        node.say("");
        node.say("frobnicate");
        node.wait_line("an error", |line| line.starts_with("error: unknown command"));

        // The end of the input is not the end.
        node.end_input();
        assert!(world.erl.ping(RUST));
        node.signal(Signal::Terminate);
        let (status, lines) = node.wait_end();
        assert_eq!(status.code(), Some(0), "{lines:?}");
        assert_eq!(lines.last().unwrap(), "stopped");
        assert!(lines.iter().any(|line| line.ends_with("nodedown_reason => net_kernel_terminated}}")));
        let down = world.erl.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,'rust@127.0.0.1',"));
        assert!(down.contains("connection_closed"), "{down}");
    }

    #[test]
    fn programs_read_json(release: Release) {
        let world = World::new(release, |_| {});
        let mut node = world.start(&["node", RUST, "--json", "--hidden", "--connect", world.erl.name()]);
        for part in [
            "\"event\":\"started\"",
            "\"connection_id\":null",
            "\"connection_id\":1",
            "\"event\":\"connect\"",
        ] {
            let line = node.wait_line(part, |line| line.contains(part));
            assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
            let own = part.contains("started") || part.contains("null");
            let node = if own { RUST } else { world.erl.name() };
            assert!(line.contains(&format!("\"node\":\"{node}\"")), "{line}");
        }
        world.erl.wait_event(GIVE_UP, |event| event.starts_with("{nodeup,'rust@127.0.0.1',"));
        assert_eq!(world.erl.eval("nodes(hidden)"), "['rust@127.0.0.1']");
        node.say("nodes");
        node.wait_line("nodes", |line| line.contains("\"event\":\"nodes\"") && line.contains("\"node_type\":\"hidden\""));
        node.say("ping nobody@127.0.0.1");
        node.wait_line("pang", |line| line.contains("\"result\":\"pang\"") && line.contains("\"step\":\"epmd\""));
        node.signal(Signal::Interrupt);
        let (status, lines) = node.wait_end();
        assert_eq!(status.code(), Some(0), "{lines:?}");
        assert!(lines.last().unwrap().contains("\"event\":\"stopped\""));

        // `stop` does the same as a signal.
        let mut node = world.join(&[]);
        node.say("stop");
        assert_eq!(node.wait_end().0.code(), Some(0));
    }

    #[test]
    fn a_killed_command_is_connection_closed_for_erlang(release: Release) {
        let world = World::new(release, |_| {});
        let mut node = world.join(&[]);
        node.signal(Signal::Kill);
        let down = world.erl.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,"));
        assert!(down.contains("nodedown_reason => connection_closed"), "{down}");
        assert!(!node.wait_end().0.success());
        assert!(!world.erl.ping(RUST));
    }

    #[test]
    fn a_frozen_command_is_net_tick_timeout_for_erlang(release: Release) {
        let world = World::new(release, |options| options.ticktime = Some(8));
        let node = world.join(&["--ticktime", "8"]);
        let stop = Instant::now();
        node.signal(Signal::Stop);
        let down = world.erl.wait_event(GIVE_UP, |event| event.starts_with("{nodedown,"));
        assert!(down.contains("nodedown_reason => net_tick_timeout"), "{down}");
        assert!(stop.elapsed() >= Duration::from_secs(6), "{:?}", stop.elapsed());
        // It finds out when it goes on.
        node.signal(Signal::Continue);
        node.wait_line("the end", |line| line.starts_with("{nodedown,'b@127.0.0.1',"));
    }

    #[test]
    fn pings_and_names_are_for_scripts(release: Release) {
        let world = World::new(release, |_| {});
        let port = world.epmd.port().to_string();
        let home = world.home.path();
        let run = |arguments: &[&str]| {
            let output = run(home, &[arguments, &["--epmd-port", &port]].concat());
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (output.status.code(), text(&output.stdout), text(&output.stderr))
        };
        let b = world.erl.name();
        let (code, told, _) = run(&["ping", b, "--cookie", "secret"]);
        assert_eq!((code, told.as_str()), (Some(0), "pong\n"));
        let (code, told, _) = run(&["ping", b, "--cookie", "wrong"]);
        assert!(code == Some(1) && told.contains("wrong cookie, most likely"), "{code:?} {told}");
        let (code, told, _) = run(&["--json", "ping", "nobody@127.0.0.1", "--cookie", "secret"]);
        assert!(code == Some(1) && told.contains("\"step\":\"epmd\""), "{code:?} {told}");

        let (code, told, _) = run(&["names"]);
        let expected = format!("epmd: up and running on port {port} with data:\n{}", world.epmd.names());
        assert_eq!((code, told), (Some(0), expected));

        // The cookie is where `erl` has it, and as private.
        let file = home.join(".erlang.cookie");
        fs::write(&file, "secret\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(run(&["ping", b]).0, Some(0));
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let (code, told, complaint) = run(&["ping", b]);
        assert_eq!((code, told.as_str()), (Some(1), ""));
        assert!(complaint.contains(".erlang.cookie"), "{complaint}");

        for usage in [
            &["ping"][..],
            &["ping", "nohost"],
            &["frobnicate"],
            &["node", RUST, "--tickintensity", "3"],
        ] {
            let (code, told, complaint) = run(usage);
            assert!(code == Some(2) && told.is_empty() && !complaint.is_empty(), "{usage:?}");
        }
        // Without EPMD, and if it is not to serve it itself, it says so.
        drop(world.epmd);
        let (code, _, complaint) = run(&["node", RUST, "--cookie", "secret", "--epmd", "external"]);
        assert!(code == Some(1) && complaint.contains("EPMD"), "{complaint}");
        let (code, _, complaint) = run(&["names"]);
        assert!(code == Some(1) && complaint.contains("EPMD"), "{complaint}");
    }
}
