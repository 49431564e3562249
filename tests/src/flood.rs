//! Crowds of strangers at the door of an EPMD in a process of its own: those who never finish, those who only look whether
//! anybody is there, and those who talk nonsense.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use core::time::Duration;
use netkernel_core::wire::epmd::{Entry, Extra, Name, PortInfo, Request};
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::SockRef;

use crate::GIVE_UP;
use crate::ours::eventually;

/// Strangers who have dialled and do not finish, at a time.
pub const HALF_OPEN: usize = 4_000;
/// Those of whom only the end is of interest.
const PASSING: usize = 1_500;
/// Descriptors of a process besides those of the strangers.
const OTHERS: usize = 100;
/// Three times what a daemon takes for a stranger, of whom every fifth has sent a kilobyte.
const STRANGER_MAX: usize = 8 * 1024;
/// What memory may grow by for no stranger in particular.
const SLACK: usize = 8 << 20;

/// An EPMD, and the process that serves it.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "they are what they are called")]
pub struct Target {
    pub port: u16,
    pub pid: u32,
}

/// Lets this process, and those that it starts from now on, have as many open files as a flood needs.
///
/// # Panics
/// If the system does not allow so many: a flood that is none shows nothing.
pub fn raise_descriptors() {
    let needed = (HALF_OPEN + 2 * OTHERS) as u64;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|files| files < needed) {
        limit.current = Some(needed);
        setrlimit(Resource::Nofile, limit).unwrap_or_else(|error| {
            panic!("{needed} open files are needed, and `ulimit -Hn` allows {limit:?}: {error}")
        });
    }
}

/// Floods a daemon whose clients may be silent for as long as they like, twice, while it goes on to serve.
///
/// # Panics
/// If it does not, or takes more memory than it may, or keeps what it has taken.
pub fn besiege(daemon: Target) {
    let _held = daemon.register("held");
    let before = daemon.resident();
    assert!((1 << 18..1 << 28).contains(&before), "that is no daemon: {before} bytes");
    let mut during = Vec::new();
    for _ in 0..2 {
        let crowd = daemon.half_open(HALF_OPEN);
        eventually("all were let in", || daemon.descriptors() >= HALF_OPEN);
        daemon.assert_serves("among_the_crowd");
        during.push(daemon.resident());
        daemon.scan();
        daemon.babble();
        daemon.assert_serves("still");
        drop(crowd);
        eventually("all are forgotten", || daemon.descriptors() < OTHERS);
        daemon.assert_serves("afterwards");
    }
    let most = before + HALF_OPEN * STRANGER_MAX + SLACK;
    assert!(during[0] > before, "it costs something: {before}, {during:?}");
    assert!(during.iter().all(|bytes| *bytes < most), "{before}, {during:?}");
    assert!(during[1] < during[0] + SLACK, "nothing is left of the first: {before}, {during:?}");
}

impl Target {
    fn dial(self) -> TcpStream {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        socket.set_read_timeout(Some(GIVE_UP)).expect("a timeout");
        socket
    }

    /// Registers a name. It is held as long as the connection.
    ///
    /// # Panics
    /// If it is not registered.
    #[must_use]
    pub fn register(self, name: &str) -> TcpStream {
        let mut socket = self.dial();
        socket.write_all(&registration(name)).expect("sent");
        let mut answer = [0; 6];
        socket.read_exact(&mut answer).unwrap_or_else(|error| panic!("no answer: {name}: {error}"));
        assert_eq!(answer[..2], *b"v\0", "{name}");
        socket
    }

    /// Everything that it answers to a request before it closes the connection.
    ///
    /// # Panics
    /// If it neither answers nor closes.
    #[must_use]
    pub fn ask(self, request: &[u8]) -> Vec<u8> {
        let mut socket = self.dial();
        // A daemon that has heard enough closes, whatever is still to come.
        let _ = socket.write_all(request);
        until_end(&mut socket)
    }

    /// That a node can register, is found, is listed besides `held`, and goes.
    ///
    /// # Panics
    /// If not.
    pub fn assert_serves(self, name: &str) {
        let names = || String::from_utf8(self.ask(b"\0\x01n").split_off(4)).expect("text");
        let socket = self.register(name);
        let listed = names();
        assert!(listed.contains("name held at port"), "{listed}");
        assert!(listed.contains(&format!("name {name} at port")), "{listed}");
        let name = Name::new(name.as_bytes()).expect("a name");
        assert_eq!(self.ask(&Request::PortPlease2 { name }.to_bytes())[..2], *b"w\0");
        drop(socket);
        eventually("the name is free", || !names().contains(&format!("name {} at", name.as_str())));
    }

    /// So many strangers who begin a request, each in its way, and finish none. Some go on byte by byte, and while they come
    /// others are served.
    ///
    /// # Panics
    /// If one is turned away.
    #[must_use]
    pub fn half_open(self, count: usize) -> Vec<TcpStream> {
        let whole = registration("slow");
        let long = [&[0x0B, 0xF1, b'x'][..], &[0; 1000]].concat();
        let mut crowd: Vec<TcpStream> = Vec::new();
        for at in 0..count {
            let mut socket = self.dial();
            let begun = [&b""[..], b"\0", &long, &whole[..whole.len() - 1], &whole[..1]][at % 5];
            socket.write_all(begun).expect("it takes that");
            crowd.push(socket);
            if at % (count / 8) == 0 {
                self.assert_serves(&format!("n{at}"));
                let step = at / (count / 8) + 1;
                for slow in crowd.iter_mut().skip(4).step_by(5).take(count / 100) {
                    slow.write_all(&whole[step..=step]).expect("it waits for more");
                }
            }
        }
        crowd
    }

    /// Strangers who only look whether there is a daemon: with a FIN, and with a RST.
    pub fn scan(self) {
        for at in 0..PASSING {
            let socket = self.dial();
            if at % 2 == 0 {
                SockRef::from(&socket).set_linger(Some(Duration::ZERO)).expect("an option");
            }
        }
    }

    /// Strangers who talk nonsense.
    ///
    /// # Panics
    /// If one is answered.
    pub fn babble(self) {
        for at in 0..PASSING {
            // Never a request that anybody knows: the first byte of such a long one is not 0, and all others are the same.
            let byte = (at % 255) as u8 + 1;
            let said = self.ask(&[byte; 4096]);
            assert!(said.is_empty(), "{byte}: {said:?}");
        }
    }

    /// Its resident memory in bytes.
    #[must_use]
    pub fn resident(self) -> usize {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
        kilobytes.expect("its memory") * 1024
    }

    /// How many descriptors it has open.
    #[must_use]
    pub fn descriptors(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid)).expect("its descriptors").count()
    }

    fn proc(self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid)).expect("it runs")
    }
}

fn registration(name: &str) -> Vec<u8> {
    let info = PortInfo { port: 4001, node_type: 77, protocol: 0, highest: 6, lowest: 5 };
    let name = Name::new(name.as_bytes()).expect("a name");
    Request::Alive2(Entry { info, name, extra: Extra::default() }).to_bytes().to_vec()
}

/// Reads to the end, which is a reset if something was left unread.
///
/// # Panics
/// If there is no end.
pub fn until_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    if let Err(error) = socket.read_to_end(&mut said) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it neither speaks nor closes");
    }
    said
}
