//! What strangers and faulty peers can do to a node: nothing.

#![allow(clippy::unwrap_used, reason = "this is test code")]

mod support;

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Instant as Moment;

use netkernel_blocking::core::handshake::Stage;
use netkernel_blocking::core::net_kernel::{ConnectError, Diagnostic, NodeDownReason};
use netkernel_blocking::{Item, NodeKinds};
use netkernel_tests::each_runtime;
use netkernel_tests::runtime::{Mailbox, Node};
use support::*;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

/// A node, the port that it listens on, and a link of it that must outlive whatever the test does.
struct Victim {
    a: Node,
    mailbox: Mailbox,
    port: u16,
    b: Node,
    _b_box: Mailbox,
}

impl Victim {
    fn new(change: impl FnOnce(&mut netkernel_blocking::NodeConfig)) -> Self {
        let epmd = Epmd::start();
        let mut config = epmd.config();
        change(&mut config);
        let (a, mailbox, identity) = epmd.identified(A, config);
        let (b, b_box) = epmd.node(B);
        a.connect_node(name(B)).unwrap();
        expect_up(&mailbox, B);
        Self { a, mailbox, port: identity.port.unwrap(), b, _b_box: b_box }
    }

    fn dial(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }

    fn assert_unharmed(&self) {
        self.b.ping(&name(A), GIVE_UP).unwrap();
        assert_eq!(self.a.nodes(NodeKinds::CONNECTED).len(), 1);
        while let Some(item) = self.mailbox.try_recv() {
            assert!(!matches!(item, Item::Event(_)), "{item:?}");
        }
    }
}

each_runtime! {
    #[test]
    fn garbage_is_closed_without_a_word() {
        // Some of it announces more than it holds, and is closed only by the timer.
        let victim = Victim::new(|config| config.kernel.setup_time = Duration::from_secs(2));
        for garbage in [
            &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
            &[0, 0],
            &[0xFF; 70_000],
            &[0, 3, b'N', 0, 0],
            &[0, 1, b'?'],
        ] {
            let mut stream = victim.dial();
            // The node may close before all of it is written.
            let _ = stream.write_all(garbage);
            assert_eq!(read_to_end(&mut stream), b"", "{:?}", &garbage[..2]);
        }
        victim.assert_unharmed();
    }

    #[test]
    fn a_stranger_who_leaves_is_forgotten() {
        let victim = Victim::new(|_| {});
        for bytes in [&b""[..], &[0], &[0, 30, b'N']] {
            let mut stream = victim.dial();
            stream.write_all(bytes).unwrap();
        }
        let mut told = 0;
        while told < 3 {
            if let Item::Diagnostic(diagnostic) = victim.mailbox.recv_timeout(GIVE_UP).unwrap() {
                let gone = ConnectError::PeerClosed(Stage::Name);
                assert_eq!(diagnostic, Diagnostic::AcceptFailed { name: None, error: gone });
                told += 1;
            }
        }
        victim.assert_unharmed();
    }

    #[test]
    fn a_silent_stranger_is_dropped_by_the_setup_timer() {
        let setup_time = Duration::from_secs(2);
        let victim = Victim::new(|config| config.kernel.setup_time = setup_time);
        let start = Moment::now();
        let mut stream = victim.dial();
        assert_eq!(read_to_end(&mut stream), b"");
        assert!(start.elapsed() >= setup_time - Duration::from_millis(10));
        let told = loop {
            if let Item::Diagnostic(diagnostic) = victim.mailbox.recv_timeout(GIVE_UP).unwrap() {
                break diagnostic;
            }
        };
        assert!(matches!(
            told,
            Diagnostic::AcceptFailed { name: None, error: ConnectError::SetupTimeout(_) }
        ));
        victim.assert_unharmed();
    }

    #[test]
    fn half_open_connections_are_bounded_and_the_oldest_go() {
        let victim = Victim::new(|config| {
            config.kernel.strangers_max = 8;
            config.kernel.setup_time = GIVE_UP;
        });
        let mut streams: Vec<_> = (0..40).map(|_| victim.dial()).collect();
        let kept = streams.split_off(32);
        for mut stream in streams {
            assert_eq!(read_to_end(&mut stream), b"");
        }
        // The newest are still there, and a node gets in nevertheless.
        let mut newest = kept.last().unwrap();
        newest.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        assert!(
            newest
                .read(&mut [0])
                .is_err_and(|error| error.kind() != std::io::ErrorKind::ConnectionReset)
        );
        drop(join(victim.port, "c@127.0.0.1"));
        expect_up(&victim.mailbox, "c@127.0.0.1");
        expect_down(&victim.mailbox, "c@127.0.0.1", NodeDownReason::ConnectionClosed);
        victim.assert_unharmed();
    }

    #[test]
    fn a_wrong_cookie_never_becomes_a_link() {
        let victim = Victim::new(|_| {});
        let refusal = join_with(victim.port, "c@127.0.0.1", "WRONG").unwrap_err();
        assert!(refusal.contains("Ack"), "{refusal}");
        victim.assert_unharmed();
    }

    #[test]
    fn bad_frames_end_their_link_and_no_other() {
        let victim = Victim::new(|_| {});
        for (frame, reason) in [
            // The control message is no tuple.
            (&[0, 0, 0, 4, 0x70, 131, 97, 5][..], NodeDownReason::Killed),
            // A wrong version byte.
            (&[0, 0, 0, 4, 0x70, 130, 97, 5], NodeDownReason::Killed),
            // An unknown operation.
            (&[0, 0, 0, 6, 0x70, 131, 104, 1, 97, 99], NodeDownReason::Killed),
            (&[0xFF, 0xFF, 0xFF, 0xFF], NodeDownReason::Emsgsize),
        ] {
            let mut peer = join(victim.port, "c@127.0.0.1");
            expect_up(&victim.mailbox, "c@127.0.0.1");
            peer.write_all(frame).unwrap();
            read_to_end(&mut peer);
            expect_down(&victim.mailbox, "c@127.0.0.1", reason);
        }
        victim.assert_unharmed();
    }

    #[test]
    fn a_peer_that_asks_and_does_not_read_is_closed() {
        let victim = Victim::new(|config| config.limits.high_mark_bytes = 16 * 1024);
        let mut peer = join(victim.port, "c@127.0.0.1");
        expect_up(&victim.mailbox, "c@127.0.0.1");
        let question = monitor_of_nobody();
        let end = loop {
            if let Err(error) = peer.write_all(&question) {
                break error;
            }
        };
        assert!(
            [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::BrokenPipe].contains(&end.kind())
        );
        expect_down(&victim.mailbox, "c@127.0.0.1", NodeDownReason::Killed);
        victim.assert_unharmed();
    }

    #[test]
    fn a_blocked_sender_is_freed_by_the_end_of_the_link() {
        let victim = Victim::new(|_| {});
        let peer = join(victim.port, "c@127.0.0.1");
        expect_up(&victim.mailbox, "c@127.0.0.1");
        let sender = victim.a.mailbox();
        let name_of_peer = name("c@127.0.0.1");
        let to = netkernel_blocking::core::term::Atom::new("anybody").unwrap();
        let blocked = thread::spawn(move || {
            for _ in 0..64 {
                sender.send_to_name(&to, &name_of_peer, term(&vec![0; 1 << 20])).unwrap();
            }
        });
        // The peer reads nothing, so the sender gets stuck somewhere before its end; other links go on.
        victim.b.ping(&name(A), GIVE_UP).unwrap();
        assert_eq!(victim.a.disconnect_node(&name("c@127.0.0.1")), Some(true));
        drop(peer);
        blocked.join().unwrap();
    }
}

/// `{19, From, nobody, Ref}`: it is answered by a `noproc`.
fn monitor_of_nobody() -> Vec<u8> {
    let mut body = vec![0x70, 131, 104, 4, 97, 19];
    // A pid of node c, creation 7.
    body.push(88);
    atom(&mut body, "c@127.0.0.1");
    body.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7]);
    atom(&mut body, "nobody");
    body.extend([90, 0, 1]);
    atom(&mut body, "c@127.0.0.1");
    body.extend([0, 0, 0, 7, 0, 0, 0, 1]);
    let mut frame = (body.len() as u32).to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

fn atom(out: &mut Vec<u8>, text: &str) {
    out.extend([119, text.len() as u8]);
    out.extend(text.as_bytes());
}
