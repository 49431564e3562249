//! `netkernel epmd` in the place of Erlang's daemon: real nodes over it, and both command lines side by side.

use core::time::Duration;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::Cookie;
use netkernel_blocking::{EpmdMode, NodeConfig, StartOptions};
use netkernel_tests::each_release;
use netkernel_tests::otp::{
    Epmd, Erl, ErlOptions, GIVE_UP, NO_CRASH_DUMP, Release, TempDir, free_port,
};
use netkernel_tests::runtime::{Node, Runtime};

/// Exit code and standard output.
type Said = (Option<i32>, String);

/// What a program does with these arguments, without input.
fn said(mut command: Command, port: u16, flags: &[&str]) -> Said {
    let output = command
        .args(flags)
        .env("ERL_EPMD_PORT", port.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn ours() -> Command {
    let mut command = Command::new(netkernel_tests::command::program());
    command.arg("epmd");
    command
}

fn theirs(release: Release) -> Command {
    Command::new(release.program("epmd"))
}

/// Asks a daemon by both programs. Both must say the same, which is what comes back.
fn both(release: Release, port: u16, flags: &[&str]) -> Said {
    let (ours, theirs) = (said(ours(), port, flags), said(theirs(release), port, flags));
    assert_eq!(ours, theirs, "ours, and that of {release}: {flags:?}");
    ours
}

fn register(port: u16, name: u8) -> (TcpStream, u32) {
    use std::io::{Read as _, Write as _};
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("a daemon");
    let request = [b"\0\x0Ex\x0F\xA1M\0\0\x06\0\x05\0\x01", &[name][..], b"\0\0"].concat();
    socket.write_all(&request).expect("sent");
    let mut answer = [0; 6];
    socket.read_exact(&mut answer).expect("an answer");
    let creation = answer[2..].iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    (socket, creation)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < GIVE_UP, "not so: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The questions that change nothing, to a daemon that has two names.
fn questions(release: Release, daemon: &Epmd) {
    let port = daemon.port();
    let _held = (register(port, b'a'), register(port, b'b'));
    let (code, names) = both(release, port, &["-names"]);
    assert!(code == Some(0) && names.ends_with("name b at port 4001\nname a at port 4001\n"));
    assert_eq!(both(release, port, &["-started"]), (Some(0), String::new()));
    assert_eq!(both(release, port, &["-d", "-d", "-names"]), (code, names));
    assert_eq!(both(release, port, &["-dump"]).0, Some(0));
    assert_eq!(both(release, port, &["-stop", "a"]).0, Some(1), "not relaxed");
    assert_eq!(both(release, port, &["-stop", &"a".repeat(1001)]).0, Some(1));
    assert_eq!(both(release, port, &["-kill"]).0, Some(1), "there are nodes");
    // A second daemon on the same port has nothing to do.
    assert_eq!(both(release, port, &[]), (Some(0), String::new()));
    // Erlang's would look for the port only after it is back, and could find it free by then, and stay.
    assert_eq!(said(ours(), port, &["-daemon"]), (Some(0), String::new()));
}

each_release! {
    #[test]
    fn both_command_lines_say_the_same(release: Release) {
        for daemon in [Epmd::ours(&[]), Epmd::start(release)] {
            questions(release, &daemon);
        }
        let nobody = free_port();
        for question in [&["-names"][..], &["-started"], &["-dump"], &["-kill"], &["-stop", "a"]] {
            assert_eq!(both(release, nobody, question), (Some(1), String::new()));
        }
        for wrong in [
            &["-foo"][..], &["names"], &["-port"], &["-port", "x"], &["-port", "0"], &["-names", "-d"],
            &["-kill", "x"], &["-stop"], &["-stop", "a", "b"], &["-started", "-names"], &["-address"],
            &["-packet_timeout", "0"], &["-packet_timeout"], &["-delay_accept", "x"],
            &["-delay_write"], &["-address", "1.2.3"], &["-address", "192.0.2.1"], &["-systemd"],
        ] {
            assert_eq!(both(release, nobody, wrong), (Some(1), String::new()), "{wrong:?}");
        }
    }

    #[test]
    fn each_stops_nodes_and_kills_the_daemon_of_the_other(release: Release) {
        let relaxed = ["-relaxed_command_check"];
        let pairs: [(Epmd, &dyn Fn() -> Command); 2] = [
            (Epmd::ours(&relaxed), &|| theirs(release)),
            (Epmd::start_with(release, &relaxed), &ours),
        ];
        for (mut daemon, client) in pairs {
            let port = daemon.port();
            let _held = (register(port, b'a'), register(port, b'b'));
            let ask = |flags: &[&str]| said(client(), port, flags);
            assert_eq!(ask(&["-stop", "a"]), (Some(0), "STOPPED\n".into()));
            assert_eq!(ask(&["-stop", "a"]), (Some(0), "NOEXIST\n".into()));
            assert_eq!(ask(&["-kill"]), (Some(0), "Killed\n".into()));
            assert_eq!(daemon.wait_end(), Some(0), "the daemon itself");
        }
    }

    //= docs/spec/epmd.md#epmd-server-delays
    //= type=test
    #[test]
    fn both_play_a_busy_daemon(release: Release) {
        // The port and a line are two writes.
        for (flags, seconds) in [(["-delay_accept", "1"], 1), (["-delay_write", "1"], 2)] {
            let play = |daemon: Epmd| {
                let _held = register(daemon.port(), b'a');
                let begin = Instant::now();
                assert_eq!(daemon.names(), "name a at port 4001\n");
                assert!(begin.elapsed() >= Duration::from_secs(seconds), "{flags:?}: {:?}", begin.elapsed());
            };
            thread::scope(|scope| {
                scope.spawn(|| play(Epmd::ours(&flags)));
                scope.spawn(|| play(Epmd::start_with(release, &flags)));
            });
        }
    }

    #[test]
    fn a_variable_relaxes_both(release: Release) {
        let programs: [&dyn Fn() -> Command; 2] = [&ours, &|| theirs(release)];
        for program in programs {
            let relaxed = || {
                let mut command = program();
                command.env("ERL_EPMD_RELAXED_COMMAND_CHECK", "");
                command
            };
            let daemon = Epmd::of(&relaxed, &[]);
            let _held = register(daemon.port(), b'a');
            assert_eq!(both(release, daemon.port(), &["-stop", "b"]), (Some(0), "NOEXIST\n".into()));
            assert_eq!(said(program(), daemon.port(), &["-stop", "a"]), (Some(0), "STOPPED\n".into()));
            assert_eq!(said(program(), daemon.port(), &["-kill"]), (Some(0), "Killed\n".into()));
        }
    }

    #[test]
    fn a_real_node_finds_ours_where_ours_serve_and_stays_when_they_change(release: Release) {
        for runtime in Runtime::ALL {
            runtime.test(|| embedded(release));
        }
    }

    #[test]
    fn erl_starts_our_daemon_where_it_is_in_the_place_of_its_own(release: Release) {
        let port = free_port();
        let folder = installed(release);
        let bin = folder.path();
        let say = "{ok, [{Name, _}]} = erl_epmd:names(), io:format(\"~s\", [Name]), halt().";
        let mut erl = Command::new(bin.join("erlexec"));
        erl.env("ROOTDIR", root(release)).env("BINDIR", bin).env("EMU", "beam").env("PROGNAME", "erl");
        erl.envs(NO_CRASH_DUMP).env("HOME", bin).env("ERL_EPMD_ADDRESS", "127.0.0.1");
        let flags = ["-noinput", "-setcookie", "secret", "-sname", "first", "-eval", say];
        assert_eq!(said(erl, port, &flags), (Some(0), "first".into()));
        // It is still there, and may not have seen the end of the node yet.
        wait_until("killed", || said(ours(), port, &["-kill"]) == (Some(0), "Killed\n".into()));
    }
}

/// Two nodes of ours and a real one, and no daemon.
fn embedded(release: Release) {
    let port = free_port();
    let start = |called: &str, mode: EpmdMode| {
        let mut config = NodeConfig::new(Cookie::new("secret").expect("a cookie"));
        config.epmd = mode;
        config.kernel.epmd_port = port;
        let node = Node::new(config).expect("a node");
        let name = format!("{called}@127.0.0.1").parse().expect("a name");
        node.start(StartOptions::new(name)).expect("it starts");
        node
    };
    let names = |erl: &Erl| {
        let says =
            "{ok, Names} = erl_epmd:names(\"127.0.0.1\"), [N || {N, _} <- lists:sort(Names)]";
        erl.try_eval(says).unwrap_or_default()
    };
    let first = start("first", EpmdMode::Embedded);
    let next = start("next", EpmdMode::Auto);
    let erl = Erl::start(&ErlOptions::at(release, port, "erl"));
    assert_eq!(names(&erl), "[\"erl\",\"first\",\"next\"]");
    assert!(erl.ping("first@127.0.0.1") && erl.ping("next@127.0.0.1"));
    assert_eq!(first.stop(), Ok(()));
    wait_until("who is left is registered", || names(&erl) == "[\"erl\",\"next\"]");
    assert_eq!(erl.eval("erlang:disconnect_node('next@127.0.0.1')"), "true");
    assert!(erl.ping("next@127.0.0.1"), "it is found through itself");
    next.connect_node(erl.name().parse().expect("a name")).expect("and finds the real one");
    let other = Erl::start(&ErlOptions::at(release, port, "other"));
    assert!(other.ping(erl.name()), "real nodes find each other through ours");
}

/// The folder that the release is run from.
fn root(release: Release) -> String {
    let say = "io:format(\"~s\", [code:root_dir()]), halt().";
    said(release.erl(), 1, &["-noinput", "-boot", "start_clean", "-eval", say]).1
}

/// A folder like that of the release's programs, but with ours for `epmd`.
fn installed(release: Release) -> TempDir {
    let folder = TempDir::new();
    let root = root(release);
    let entries = fs::read_dir(&root).expect("the release's folder");
    let mut erts = entries.map(|entry| entry.expect("an entry").path());
    let is_erts = |path: &Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("erts-"))
    };
    let bin = erts.find(|path| is_erts(path)).expect("the runtime system").join("bin");
    for program in fs::read_dir(bin).expect("its programs") {
        let program = program.expect("an entry");
        let there = folder.path().join(program.file_name());
        if program.file_name() == "epmd" {
            symlink(netkernel_tests::command::program(), there).expect("a link");
        } else {
            symlink(program.path(), there).expect("a link");
        }
    }
    folder
}
