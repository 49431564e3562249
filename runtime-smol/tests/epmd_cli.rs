//! `netkernel epmd` as a user or a script sees it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "this is test code")]

use core::time::Duration;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Instant as Moment;

#[cfg(target_os = "linux")]
use netkernel_tests::flood;
use netkernel_tests::ports::free_port;

const GIVE_UP: Duration = Duration::from_secs(60);

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_netkernel"))
}

fn command(port: u16, flags: &str) -> Command {
    let mut command = Command::new(program());
    command
        .arg("epmd")
        .args(flags.split_whitespace())
        .env("ERL_EPMD_PORT", port.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env_remove("ERL_EPMD_RELAXED_COMMAND_CHECK")
        .stdin(Stdio::null());
    command
}

fn run(port: u16, flags: &str) -> (Option<i32>, String, String) {
    said(&command(port, flags).output().unwrap())
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A daemon that runs in the foreground.
struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    fn start(flags: &str) -> Self {
        let port = free_port();
        let child = command(port, flags).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("the daemon runs", || is_served(port));
        Self { child, port }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_served(port: u16) -> bool {
    run(port, "-started").0 == Some(0)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Moment::now();
    while !done() {
        assert!(begin.elapsed() < GIVE_UP, "not so: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn register(port: u16, name: u8) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = [b"\0\x0Ex\x0F\xA1M\0\0\x06\0\x05\0\x01", &[name][..], b"\0\0"].concat();
    socket.write_all(&request).unwrap();
    let mut answer = [0; 6];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(answer[1], 0);
    socket
}

struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("netkernel-epmd-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn names_are_printed_and_kill_ends_a_daemon_without_nodes() {
    let mut daemon = Daemon::start("");
    let node = register(daemon.port, b'a');
    let port = daemon.port;
    let up = format!("epmd: up and running on port {port} with data:\n");
    assert_eq!(run(port, "-names"), (Some(0), up.clone() + "name a at port 4001\n", String::new()));
    let (code, dump, _) = run(port, "-dump");
    assert_eq!(code, Some(0));
    assert!(dump.contains("active name     <a> at port 4001, fd = "), "{dump}");
    let refused = "Killing not allowed - living nodes in database.\n";
    assert_eq!(run(port, "-kill"), (Some(1), refused.into(), String::new()));
    let nothing = "epmd: local epmd responded with <>\n";
    assert_eq!(run(port, "-stop a"), (Some(1), nothing.into(), String::new()));
    drop(node);
    wait_until("no names", || run(port, "-names").1 == up);
    assert_eq!(run(port, "-kill"), (Some(0), "Killed\n".into(), String::new()));
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    let nobody = "epmd: Cannot connect to local epmd\n";
    for question in ["-names", "-dump", "-kill", "-stop a"] {
        assert_eq!(run(port, question), (Some(1), String::new(), nobody.into()), "{question}");
    }
    assert_eq!(run(port, "-started"), (Some(1), String::new(), String::new()));
}

#[test]
fn a_relaxed_daemon_stops_nodes_and_is_killed_with_them() {
    let mut daemon = Daemon::start("-relaxed_command_check");
    let mut a = register(daemon.port, b'a');
    let _b = register(daemon.port, b'b');
    assert_eq!(run(daemon.port, "-stop a"), (Some(0), "STOPPED\n".into(), String::new()));
    assert_eq!(a.read(&mut [0]).unwrap(), 0);
    assert_eq!(run(daemon.port, "-stop a"), (Some(0), "NOEXIST\n".into(), String::new()));
    let long = format!("-stop {}", "a".repeat(1001));
    assert_eq!(run(daemon.port, &long).1, "epmd: Name too long!");
    assert_eq!(run(daemon.port, "-kill").1, "Killed\n");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_port_that_is_taken_is_fine_and_other_trouble_is_not() {
    let daemon = Daemon::start("");
    assert_eq!(run(daemon.port, ""), (Some(0), String::new(), String::new()));
    assert_eq!(run(daemon.port, "-daemon"), (Some(0), String::new(), String::new()));
    let (code, out, error) = run(free_port(), "-address 1.2.3");
    assert_eq!((code, out), (Some(1), String::new()));
    assert_eq!(error, "epmd: cannot parse IP address \"1.2.3\"\n");
    for flags in ["-address 192.0.2.1", "-daemon -address 192.0.2.1"] {
        let (code, out, error) = run(free_port(), flags);
        assert_eq!((code, out), (Some(1), String::new()), "{flags}");
        assert!(error.starts_with("epmd: failed to listen on port"), "{flags}: {error}");
    }
    assert_eq!(run(free_port(), "-systemd").2, "epmd: systemd provides no sockets\n");
    for wrong in ["-port", "-foo", "names", "--help"] {
        let (code, out, error) = run(daemon.port, wrong);
        assert_eq!((code, out), (Some(1), String::new()), "{wrong}");
        assert!(error.starts_with("usage: epmd"), "{wrong}: {error}");
    }
}

#[test]
fn a_daemon_answers_when_its_caller_is_back_and_keeps_nothing_of_it() {
    let port = free_port();
    // The output would not end as long as the daemon has a hand on it.
    assert_eq!(
        run(port, "-daemon -relaxed_command_check"),
        (Some(0), String::new(), String::new())
    );
    let _a = register(port, b'a');
    assert!(run(port, "-names").1.ends_with("name a at port 4001\n"));
    assert_eq!(run(port, "-kill").1, "Killed\n");
}

#[test]
fn by_the_name_of_epmd_it_is_epmd() {
    let folder = TempDir::new("link");
    let epmd = folder.0.join("epmd");
    symlink(program(), &epmd).unwrap();
    let port = free_port().to_string();
    let run = |flag: &str| {
        let mut command = Command::new(&epmd);
        command.args(["-port", &port, "-address", "127.0.0.1", flag]).stdin(Stdio::null());
        said(&command.output().unwrap())
    };
    assert_eq!(run("-daemon"), (Some(0), String::new(), String::new()));
    assert_eq!(run("-started").0, Some(0));
    assert_eq!(run("-kill").1, "Killed\n");
}

#[test]
fn diagnostics_are_on_standard_error() {
    for (flags, more) in [("-d", false), ("-d -debug", true)] {
        let mut daemon = Daemon::start(flags);
        drop(register(daemon.port, b'a'));
        wait_until("killed", || run(daemon.port, "-kill").1 == "Killed\n");
        let mut error = String::new();
        daemon.child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
        for line in ["a is registered at port 4001", "a is not registered any more", "killed"] {
            assert!(error.contains(line), "{line} in {error}");
        }
        assert_eq!(error.contains("accepted"), more, "{error}");
    }
}

/// In thousands, for as long as they like.
//= docs/spec/epmd.md#epmd-server-service
//= type=test
#[cfg(target_os = "linux")]
#[test]
fn a_flood_of_strangers_keeps_nobody_out() {
    flood::raise_descriptors();
    let daemon = Daemon::start("-packet_timeout 3600");
    flood::besiege(flood::Target { port: daemon.port, pid: daemon.child.id() });
}

/// More strangers than it can have descriptors: those who are registered stay, and there is room again when the others were
/// silent for too long.
//= docs/spec/epmd.md#epmd-server-connections
//= type=test
#[cfg(target_os = "linux")]
#[test]
fn a_flood_beyond_the_limit_of_descriptors_ends_with_the_patience_for_it() {
    flood::raise_descriptors();
    let port = free_port();
    let limited = "ulimit -n 128 && exec \"$0\" epmd -packet_timeout 1";
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(program()).stdin(Stdio::null());
    command.env("ERL_EPMD_PORT", port.to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
    let mut daemon = Daemon { child: command.spawn().unwrap(), port };
    wait_until("the daemon runs", || is_served(port));
    let target = flood::Target { port, pid: daemon.child.id() };
    let _held = target.register("held");
    let before = target.descriptors();
    let mut crowd: Vec<_> =
        (0..1_000).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    for socket in &mut crowd {
        socket.set_read_timeout(Some(GIVE_UP)).unwrap();
        assert_eq!(flood::until_end(socket), b"");
    }
    wait_until("there is room", || target.descriptors() <= before);
    target.assert_serves("next");
    assert!(daemon.child.try_wait().unwrap().is_none());
}

#[test]
fn sockets_of_systemd_are_served_and_it_is_told() {
    let folder = TempDir::new("systemd");
    let path = folder.0.join("notify");
    let notified = UnixDatagram::bind(&path).unwrap();
    notified.set_read_timeout(Some(GIVE_UP)).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // The shell does what systemd does, and becomes the daemon, which is the process that the sockets are for.
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" epmd -systemd 3<&0 </dev/null";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(program())
        .env("NOTIFY_SOCKET", &path)
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)))
        .spawn()
        .unwrap();
    let mut daemon = Daemon { child, port };
    let mut told = [0; 64];
    let length = notified.recv(&mut told).unwrap();
    assert_eq!(&told[..length], b"READY=1\n");
    assert_eq!(run(port, "-started").0, Some(0));
    assert_eq!(run(port, "-kill").1, "Killed\n");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}
