//! The same bytes to Erlang's EPMD and to ours, and the answers side by side.
//!
//! What may differ is taken out: the daemon's own port, creations but for how they follow each other, and the numbers of
//! connections in a dump.

use core::time::Duration;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::epmd_server::Config;
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, GIVE_UP, Release};
use netkernel_tests::our_epmd::OurEpmd;
use netkernel_tests::runtime::Runtime;

/// A daemon, whosever it is, and what was heard of it.
struct Heard {
    port: u16,
    log: Vec<String>,
}

/// What a daemon said on a connection: bytes, and whether it closed it then.
type Said = (Vec<u8>, bool);

impl Heard {
    const fn new(port: u16) -> Self {
        Self { port, log: Vec::new() }
    }

    fn dial(&self) -> TcpStream {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).expect("a daemon listens");
        socket.set_read_timeout(Some(GIVE_UP)).expect("a timeout");
        socket.set_nodelay(true).expect("no delay");
        socket
    }

    fn note(&mut self, what: &str, said: &[u8], closed: bool) {
        let said = String::from_utf8_lossy(said);
        self.log.push(format!("{what}: {said:?}{}", if closed { ", closed" } else { "" }));
    }

    /// Writes these bytes, and notes all that is said until the daemon closes the connection.
    fn ends(&mut self, what: &str, request: &[u8]) -> Vec<u8> {
        let mut socket = self.dial();
        socket.write_all(request).expect("sent");
        let said = until_end(&mut socket);
        let said = self.plain(&said);
        self.note(what, &said, true);
        said
    }

    /// Without its port in front, and without the numbers of connections.
    fn plain(&self, said: &[u8]) -> Vec<u8> {
        let port = u32::from(self.port).to_be_bytes();
        let Some(text) = said.strip_prefix(&port) else { return said.to_vec() };
        let text = String::from_utf8_lossy(text);
        let mut out = String::from("PORT");
        for (at, part) in text.split("fd = ").enumerate() {
            let number = part.trim_start_matches(|c: char| c.is_ascii_digit() && at > 0);
            out.push_str(if at > 0 { "fd = N" } else { "" });
            out.push_str(number);
        }
        out.into_bytes()
    }

    /// Writes a registration, and notes its answer without the creation, which it gives back. The connection stays.
    fn registers(&mut self, what: &str, request: &[u8]) -> (TcpStream, u32) {
        let mut socket = self.dial();
        socket.write_all(request).expect("sent");
        let (mut answer, closed) = exactly(&mut socket, 2);
        let rest = if answer.first() == Some(&b'v') { 4 } else { 2 };
        let (creation, cut) = exactly(&mut socket, if closed { 0 } else { rest });
        let number = creation.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        answer.push(creation.len() as u8);
        if answer.get(1) == Some(&1) {
            answer.extend(creation);
        }
        // Answered later than that, so the daemon had the time to close this one.
        self.names();
        let open = peek_is_open(&socket);
        self.note(what, &answer, closed || cut || !open);
        (socket, number)
    }

    /// A registration in two writes, with a byte behind it. Each is a read of its own, if the first was read before the second came.
    fn spoken_behind(&mut self) {
        let request = alive2(b"spoken", 6, b"");
        let (begin, end) = request.split_at(request.len() / 2);
        let mut socket = self.dial();
        socket.write_all(begin).expect("sent");
        // The daemon has looked at all sockets by then.
        self.names();
        socket.write_all(&[end, b"?"].concat()).expect("sent");
        let said = until_end(&mut socket);
        self.note("a byte behind", &said[..2], true);
        self.lists(0);
    }

    fn names(&self) -> String {
        let mut socket = self.dial();
        socket.write_all(b"\0\x01n").expect("sent");
        String::from_utf8_lossy(&self.plain(&until_end(&mut socket))).into_owned()
    }

    /// Notes the names, once there are as many as this.
    fn lists(&mut self, count: usize) {
        let begin = Instant::now();
        loop {
            let names = self.names();
            if names.matches(" at port ").count() == count {
                return self.note("names", names.as_bytes(), true);
            }
            assert!(begin.elapsed() < GIVE_UP, "{count} names, and not {names:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn peek_is_open(socket: &TcpStream) -> bool {
    socket.set_nonblocking(true).expect("a socket that does not block");
    let open = socket.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    socket.set_nonblocking(false).expect("a socket that blocks");
    open
}

/// Everything up to the end, which may be a reset if something was left unread.
fn until_end(socket: &mut TcpStream) -> Vec<u8> {
    exactly(socket, usize::MAX).0
}

fn exactly(socket: &mut TcpStream, length: usize) -> Said {
    let mut said = Vec::new();
    while said.len() < length {
        let mut buffer = [0; 4096];
        let room = buffer.len().min(length - said.len());
        match socket.read(&mut buffer[..room]) {
            Ok(0) => return (said, true),
            Ok(read) => said.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (said, true),
            Err(error) => panic!("the daemon neither speaks nor closes: {error}"),
        }
    }
    (said, false)
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes(), body].concat()
}

fn alive2(name: &[u8], highest: u16, extra: &[u8]) -> Vec<u8> {
    let mut body = b"x\x0F\xA1M\0".to_vec();
    body.extend(highest.to_be_bytes());
    body.extend(5_u16.to_be_bytes());
    for field in [name, extra] {
        body.extend((field.len() as u16).to_be_bytes());
        body.extend(field);
    }
    framed(&body)
}

/// Has the same conversation with Erlang's daemon and with ours.
fn compare(release: Release, options: &[&str], config: Config, talk: fn(&mut Heard)) {
    let theirs = Epmd::start_with(release, options);
    let ours =
        [Runtime::Blocking, Runtime::Smol].map(|runtime| OurEpmd::start(runtime, config.clone()));
    let hear = |port| {
        let mut heard = Heard::new(port);
        talk(&mut heard);
        heard.log
    };
    let (expected, found) = thread::scope(|scope| {
        let expected = scope.spawn(|| hear(theirs.port()));
        let found = ours.each_ref().map(|ours| scope.spawn(|| hear(ours.port())));
        let heard = |heard: thread::ScopedJoinHandle<'_, _>| heard.join().expect("a conversation");
        (heard(expected), found.map(heard))
    });
    for found in found {
        for (theirs, ours) in expected.iter().zip(&found) {
            assert_eq!(theirs, ours, "{release}, and ours below");
        }
        assert_eq!(expected.len(), found.len());
    }
}

fn bad_requests(daemon: &mut Heard) {
    let long = [&3058_u16.to_be_bytes()[..], &[b'n'; 100]].concat();
    let longest = framed(&[&b"n"[..], &[0; 3056]].concat());
    let no_extra = framed(b"x\x0F\xA1M\0\0\x06\0\x05\0\x01a");
    let bad: [(&str, &[u8]); 19] = [
        ("length 0", b"\0\0"),
        ("length 3058", &long),
        ("length 3057", &longest),
        ("unknown", b"\0\x01?"),
        ("old alive", b"\0\x04a\x0F\xA1a"),
        ("surplus", b"\0\x01nn"),
        ("names with more", b"\0\x02nn"),
        ("dump with more", b"\0\x02dn"),
        ("look-up of nothing", b"\0\x01z"),
        ("look-up of NUL", b"\0\x02z\0"),
        ("look-up with a NUL", b"\0\x04za\0b"),
        ("look-up of two NULs", b"\0\x04za\0\0"),
        ("look-up of no UTF-8", b"\0\x02z\xFF"),
        ("look-up of a surrogate", b"\0\x04z\xED\xA0\x80"),
        ("look-up of nobody", b"\0\x02zq"),
        ("registration, empty", b"\0\x01x"),
        ("registration without a name", &alive2(b"", 6, b"")),
        ("registration with a NUL", &alive2(b"a\0b", 6, b"")),
        ("registration, cut", &no_extra),
    ];
    for (what, request) in bad {
        daemon.ends(what, request);
    }
    let short = framed(b"x\x0F\xA1M\0\0\x06\0\x05\0\x09a\0\0");
    daemon.ends("registration, name too long for it", &short);
    daemon.ends(
        "registration, extra too long for it",
        &framed(b"x\x0F\xA1M\0\0\x06\0\x05\0\x01a\0\x02a"),
    );
    daemon.ends("stop", b"\0\x02sa");
    pieces(daemon);
    daemon.lists(0);
}

fn pieces(daemon: &mut Heard) {
    let mut socket = daemon.dial();
    for byte in [&[0][..], &[1], b"n"] {
        socket.write_all(byte).expect("sent");
        thread::sleep(Duration::from_millis(20));
    }
    let said = daemon.plain(&until_end(&mut socket));
    daemon.note("names, byte by byte", &said, true);
}

fn registrations(daemon: &mut Heard) {
    let euro = "n\u{20AC}".as_bytes();
    let letters = [b'e'; 1021];
    let wide = "\u{1F600}".repeat(255);
    let (a, first) = daemon.registers("a", &alive2(b"a", 6, b""));
    let (b, _) = daemon.registers("b, old", &alive2(b"b", 5, b"xyz"));
    let (c, _) = daemon.registers("with a euro", &alive2(euro, 6, &letters[..1020]));
    let (d, _) = daemon.registers("the widest", &alive2(wide.as_bytes(), 0xFFFF, b""));
    let behind = framed(b"x\x0F\xA1M\0\0\x06\0\x05\0\x01t\0\0rest");
    let (e, _) = daemon.registers("with bytes behind", &behind);
    let refused = [
        ("taken", alive2(b"a", 6, b"")),
        ("taken, old", alive2(b"a", 0, b"")),
        ("256 letters", alive2(&letters[..256], 6, b"")),
        ("no UTF-8", alive2(b"a\xFF", 6, b"")),
        ("overlong", alive2(b"\xC0\x80", 6, b"")),
        ("extra of 1021", alive2(b"f", 6, &letters)),
    ]
    .map(|(what, request)| daemon.registers(what, &request).0);
    for name in [&b"a"[..], b"b", b"b\0", euro, b"t"] {
        daemon.ends("look-up", &framed(&[b"z", name].concat()));
    }
    daemon.lists(5);
    daemon.ends("dump", b"\0\x01d");
    drop(refused);
    daemon.ends("kill", b"\0\x01k");
    daemon.ends("stop", b"\0\x02sa");
    daemon.lists(5);
    goings(daemon, [a, b, c, d, e], first);
}

/// Nodes that go and come back.
fn goings(daemon: &mut Heard, [mut a, b, c, d, e]: [TcpStream; 5], first: u32) {
    a.write_all(b"?").expect("sent");
    let said = until_end(&mut a);
    daemon.note("a byte", &said, true);
    daemon.lists(4);
    drop(b);
    daemon.lists(3);
    daemon.ends("look-up of one that is gone", b"\0\x02za");
    daemon.ends("dump", b"\0\x01d");
    let (a, second) = daemon.registers("a again", &alive2(b"a", 6, b""));
    daemon.note("one more", second.wrapping_sub(first).to_string().as_bytes(), false);
    daemon.lists(4);
    drop(a);
    daemon.lists(3);
    let (a, third) = daemon.registers("a again, old", &alive2(b"a", 5, b""));
    let form = third == (second + 1) % 3 + 1;
    daemon.note("of three", form.to_string().as_bytes(), false);
    daemon.ends("dump", b"\0\x01d");
    drop(a);
    daemon.lists(3);
    drop(c);
    daemon.lists(2);
    drop(d);
    daemon.lists(1);
    drop(e);
    daemon.lists(0);
    daemon.ends("dump", b"\0\x01d");
    daemon.spoken_behind();
    killed(daemon);
}

fn killed(daemon: &mut Heard) {
    daemon.ends("kill", b"\0\x01k");
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", daemon.port)).is_ok() {
        assert!(begin.elapsed() < GIVE_UP, "the daemon does not end");
        thread::sleep(Duration::from_millis(5));
    }
}

fn relaxed(daemon: &mut Heard) {
    let (mut a, _) = daemon.registers("a", &alive2(b"a", 6, b""));
    let (_b, _) = daemon.registers("b", &alive2(b"b", 6, b""));
    for request in [&b"s"[..], b"sx", b"s\0", b"s\xFF", b"sab"] {
        daemon.ends("stop", &framed(request));
    }
    daemon.lists(2);
    daemon.ends("stop", b"\0\x04sa\0b");
    let said = until_end(&mut a);
    daemon.note("the stopped node", &said, true);
    daemon.ends("stop", b"\0\x02sa");
    daemon.ends("dump", b"\0\x01d");
    killed(daemon);
}

fn forgetful(daemon: &mut Heard) {
    for name in [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h", b"a", b"i"] {
        let (node, _) = daemon.registers("node", &alive2(name, 6, b""));
        daemon.ends("dump", b"\0\x01d");
        drop(node);
        daemon.lists(0);
    }
    let held = [b"p", b"q", b"r", b"s"].map(|name| daemon.registers("n", &alive2(name, 6, b"")).0);
    daemon.ends("dump", b"\0\x01d");
    for (node, left) in held.into_iter().zip([3, 2, 1, 0]) {
        drop(node);
        daemon.lists(left);
    }
    daemon.ends("dump", b"\0\x01d");
}

fn silent(daemon: &mut Heard) {
    let begin = Instant::now();
    let (held, _) = daemon.registers("a", &alive2(b"a", 6, b""));
    let (mut mute, mut slow) = (daemon.dial(), daemon.dial());
    slow.write_all(b"\0").expect("sent");
    for socket in [&mut mute, &mut slow] {
        let said = until_end(socket);
        daemon.note("silent", &said, true);
    }
    let waited = begin.elapsed() >= Duration::from_secs(1);
    daemon.note("waited", waited.to_string().as_bytes(), false);
    daemon.note("held", peek_is_open(&held).to_string().as_bytes(), false);
}

/// What our server does not follow, as `docs/spec/epmd.md` says.
fn differs(port: u16) -> Vec<bool> {
    let daemon = Heard::new(port);
    let ask = |request: &[u8]| {
        let mut socket = daemon.dial();
        socket.write_all(request).expect("sent");
        exactly(&mut socket, 2).0
    };
    let name = [b'n'; 255];
    let (mut held, _) = Heard::new(port).registers("n", &alive2(&name, 6, b""));
    let found = ask(&framed(&[&b"z"[..], &name].concat())) == b"w\0";
    let empty = ask(&framed(b"x\x0F\xA1M\0\0\x06\0\x05\0\0\0\0rest")) == b"v\0";
    held.write_all(b"?").expect("sent");
    vec![found, empty]
}

each_release! {
    //= docs/spec/epmd.md#epmd-request-surplus
    //= type=test
    //= docs/spec/epmd.md#epmd-limit-request
    //= type=test
    #[test]
    fn bad_requests_get_the_same_silence(release: Release) {
        compare(release, &[], Config::default(), bad_requests);
    }

    //= docs/spec/epmd.md#epmd-server-register
    //= type=test
    //= docs/spec/epmd.md#epmd-server-creation
    //= type=test
    //= docs/spec/epmd.md#epmd-server-held
    //= type=test
    //= docs/spec/epmd.md#epmd-server-dump
    //= type=test
    //= docs/spec/epmd.md#epmd-server-kill
    //= type=test
    #[test]
    fn nodes_come_go_and_come_back_alike(release: Release) {
        let config = Config { unix_time: 1_700_000_000, ..Config::default() };
        compare(release, &[], config, registrations);
    }

    //= docs/spec/epmd.md#epmd-server-stop
    //= type=test
    //= docs/spec/epmd.md#epmd-server-kill
    //= type=test
    #[test]
    fn a_relaxed_daemon_stops_nodes_alike(release: Release) {
        let config = Config { relaxed_command_check: true, ..Config::default() };
        compare(release, &["-relaxed_command_check"], config, relaxed);
    }

    //= docs/spec/epmd.md#epmd-server-remembered
    //= type=test
    #[test]
    fn the_same_names_are_forgotten(release: Release) {
        compare(release, &["-debug"], Config { remembered: 5, ..Config::default() }, forgetful);
    }

    //= docs/spec/epmd.md#epmd-server-timeout
    //= type=test
    #[test]
    fn silent_clients_are_closed_by_both(release: Release) {
        let packet_timeout = Duration::from_secs(1);
        let config = Config { packet_timeout, ..Config::default() };
        compare(release, &["-packet_timeout", "1"], config, silent);
    }

    //= docs/spec/epmd.md#epmd-port-please
    //= type=test
    //= docs/spec/epmd.md#epmd-alive2-request
    //= type=test
    #[test]
    fn what_is_not_followed_is_still_so(release: Release) {
        assert_eq!(differs(Epmd::start(release).port()), [false, true]);
        for runtime in [Runtime::Blocking, Runtime::Smol] {
            let ours = OurEpmd::start(runtime, Config::default());
            assert_eq!(differs(ours.port()), [true, false]);
        }
    }
}
