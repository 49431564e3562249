//! The EPMD service of both runtimes, over sockets.

#![allow(clippy::unwrap_used, reason = "this is test code")]

use core::time::Duration;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use netkernel_blocking::core::epmd_server::{Config, StopCause};
use netkernel_blocking::core::wire::epmd::{Entry, Extra, Name, PortInfo, Request};
use netkernel_tests::our_epmd::OurEpmd;
use netkernel_tests::runtime::Runtime;
use netkernel_tests::{GIVE_UP, each_runtime};

fn start(config: Config) -> OurEpmd {
    OurEpmd::start(Runtime::current(), config)
}

fn dial(epmd: &OurEpmd) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", epmd.port())).unwrap();
    socket.set_read_timeout(Some(GIVE_UP)).unwrap();
    socket
}

fn ask(epmd: &OurEpmd, request: &[u8]) -> Vec<u8> {
    let mut socket = dial(epmd);
    socket.write_all(request).unwrap();
    until_end(&mut socket)
}

/// Everything up to the end, which is a reset if something was left unread.
fn until_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    if let Err(error) = socket.read_to_end(&mut said) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it neither speaks nor closes");
    }
    said
}

fn alive2(name: &str, port: u16) -> Vec<u8> {
    let info = PortInfo { port, node_type: 77, protocol: 0, highest: 6, lowest: 5 };
    let name = Name::new(name.as_bytes()).unwrap();
    Request::Alive2(Entry { info, name, extra: Extra::default() }).to_bytes().to_vec()
}

/// Registers a name: the connection that holds it, and the creation.
fn register(epmd: &OurEpmd, name: &str) -> (TcpStream, u32) {
    let mut socket = dial(epmd);
    socket.write_all(&alive2(name, 4001)).unwrap();
    let mut answer = [0; 6];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(answer[..2], *b"v\0", "{name}");
    (socket, u32::from_be_bytes(answer[2..].try_into().unwrap()))
}

fn names(epmd: &OurEpmd) -> usize {
    let text = ask(epmd, b"\0\x01n");
    assert_eq!(text[..4], u32::from(epmd.port()).to_be_bytes());
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn wait_for_names(epmd: &OurEpmd, count: usize) {
    let begin = std::time::Instant::now();
    while names(epmd) != count {
        assert!(begin.elapsed() < GIVE_UP, "{} names and not {count}", names(epmd));
        thread::sleep(Duration::from_millis(5));
    }
}

each_runtime! {
    //= docs/spec/epmd.md#epmd-server-service
    //= type=test
    //= docs/spec/epmd.md#epmd-server-creation
    //= type=test
    #[test]
    fn names_are_held_until_their_connections_end() {
        let epmd = start(Config { unix_time: 4_000_000_000, ..Config::default() });
        let (a, first) = register(&epmd, "a");
        let (_b, other) = register(&epmd, "b");
        assert!(first > 4_000_000_000 && other > 4_000_000_000, "no lower than it was told");
        assert_eq!(ask(&epmd, b"\0\x02za")[..4], [b'w', 0, 0x0F, 0xA1]);
        wait_for_names(&epmd, 2);
        drop(a);
        wait_for_names(&epmd, 1);
        assert_eq!(ask(&epmd, b"\0\x02za"), b"w\x01");
        assert_eq!(register(&epmd, "a").1, first + 1);
    }

    //= docs/spec/epmd.md#epmd-server-creation
    //= type=test
    #[test]
    fn creations_begin_at_the_clock_of_the_host() {
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let (_a, creation) = register(&start(Config::default()), "a");
        assert!(u64::from(creation) > clock.as_secs());
    }

    //= docs/spec/epmd.md#epmd-server-kill
    //= type=test
    //= docs/spec/epmd.md#epmd-server-service
    //= type=test
    #[test]
    fn a_kill_ends_the_service_and_not_the_process() {
        let epmd = start(Config::default());
        let (a, _) = register(&epmd, "a");
        assert_eq!(ask(&epmd, b"\0\x01k"), b"NO");
        drop(a);
        wait_for_names(&epmd, 0);
        let port = epmd.port();
        let mut silent = dial(&epmd);
        assert_eq!(ask(&epmd, b"\0\x01k"), b"OK");
        assert_eq!(until_end(&mut silent), b"", "connections end with it");
        assert_eq!(epmd.wait_end(), StopCause::Killed);
        drop(OurEpmd::start_at(Runtime::current(), port, &Config::default()));
    }

    //= docs/spec/epmd.md#epmd-server-service
    //= type=test
    #[test]
    fn a_stop_frees_the_port_and_ends_registrations() {
        let epmd = start(Config::default());
        let (mut a, _) = register(&epmd, "a");
        let (port, handle) = (epmd.port(), epmd.handle().clone());
        handle.stop();
        // At once, on Linux: the next one need not wait for the last.
        #[cfg(target_os = "linux")]
        drop(OurEpmd::try_start(Runtime::current(), port, Config::default()).unwrap());
        assert_eq!(epmd.wait_end(), StopCause::Asked);
        assert_eq!(until_end(&mut a), b"");
        handle.stop();
        let epmd = OurEpmd::start_at(Runtime::current(), port, &Config::default());
        register(&epmd, "a");
    }

    //= docs/spec/epmd.md#epmd-server-connections
    //= type=test
    #[test]
    fn surplus_connections_are_closed_and_room_comes_back() {
        let epmd = start(Config { connections: 3, ..Config::default() });
        let held: Vec<_> = ["a", "b", "c"].map(|name| register(&epmd, name)).into();
        assert_eq!(until_end(&mut dial(&epmd)), b"");
        drop(held);
        let begin = std::time::Instant::now();
        while ask(&epmd, b"\0\x01n").is_empty() {
            assert!(begin.elapsed() < GIVE_UP, "no room");
            thread::sleep(Duration::from_millis(5));
        }
    }

    //= docs/spec/epmd.md#epmd-server-timeout
    //= type=test
    #[test]
    fn half_open_and_slow_clients_hold_nobody_up() {
        let config = Config { packet_timeout: Duration::from_secs(3), ..Config::default() };
        let epmd = start(config);
        let (_a, _) = register(&epmd, "a");
        let begin = std::time::Instant::now();
        let mut silent: Vec<_> = (0..200).map(|_| dial(&epmd)).collect();
        for socket in silent.iter_mut().step_by(2) {
            socket.write_all(b"\0").unwrap();
        }
        let mut slow = dial(&epmd);
        for byte in alive2("slow", 4002) {
            assert_eq!(names(&epmd), 1);
            slow.write_all(&[byte]).unwrap();
        }
        let mut answer = [0; 2];
        slow.read_exact(&mut answer).unwrap();
        assert_eq!(answer, *b"v\0");
        for socket in &mut silent {
            assert_eq!(until_end(socket), b"");
        }
        assert!(begin.elapsed() >= Duration::from_secs(3));
        wait_for_names(&epmd, 2);
    }

    #[test]
    fn a_client_that_does_not_read_its_answer_is_closed_and_holds_nobody_up() {
        let epmd = start(Config::default());
        let long = "n".repeat(200);
        let _held: Vec<_> =
            (0..300).map(|number| register(&epmd, &format!("{long}{number}"))).collect();
        let deaf: Vec<_> = (0..50)
            .map(|_| {
                let mut socket = dial(&epmd);
                socket2::SockRef::from(&socket).set_recv_buffer_size(1).unwrap();
                socket.write_all(b"\0\x01n").unwrap();
                socket
            })
            .collect();
        assert_eq!(names(&epmd), 300);
        drop(deaf);
        assert_eq!(names(&epmd), 300);
    }

    #[test]
    fn garbage_and_resets_leave_nothing_behind() {
        let epmd = start(Config::default());
        for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0", b"\xFF\xFF\xFF\xFF", b"\0\x01?"] {
            assert_eq!(ask(&epmd, garbage), b"");
        }
        for half in [Shutdown::Read, Shutdown::Write, Shutdown::Both] {
            dial(&epmd).shutdown(half).unwrap();
        }
        let reset = dial(&epmd);
        socket2::SockRef::from(&reset).set_linger(Some(Duration::ZERO)).unwrap();
        drop(reset);
        assert_eq!(names(&epmd), 0);
        assert_eq!(ask(&epmd, b"\0\x01k"), b"OK", "it still serves");
        assert_eq!(epmd.wait_end(), StopCause::Killed);
    }

    //= docs/spec/epmd.md#epmd-server-service
    //= type=test
    #[test]
    fn a_port_that_is_taken_is_an_error() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = OurEpmd::try_start(Runtime::current(), port, Config::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    }

    //= docs/spec/epmd.md#epmd-server-names
    //= type=test
    #[test]
    fn hundreds_of_nodes_register_at_once() {
        let epmd = start(Config::default());
        let held = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|thread| {
                    let epmd = &epmd;
                    scope.spawn(move || {
                        let name = |number| format!("n{thread}x{number}");
                        (0..100).map(|number| register(epmd, &name(number))).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(names(&epmd), 800);
        drop(held);
        wait_for_names(&epmd, 0);
    }
}
