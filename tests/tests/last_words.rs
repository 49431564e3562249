//! What was sent before a node stops arrives, and a stop does not wait for who does not read.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::task::{Context, Waker};
use core::time::Duration;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::net_kernel::{NodeDownReason, StartOptions, Started, StopError, mfa};
use netkernel_blocking::core::term::Pid;
use netkernel_blocking::{Bound, Overflow};
use netkernel_tests::each_runtime;
use netkernel_tests::ours::{Ours, eventually, next_message, node_name};
use netkernel_tests::runtime::{Mailbox, Node, Runtime};
use netkernel_tests::script::Directory;

/// So many are fewer bytes than may wait without holding up who sends.
const MESSAGES: u8 = 200;
/// Longer than what the operating system takes for a node that does not read.
const LARGE: u32 = 64 << 20;

/// A message: a binary of 4 KiB.
fn message(number: u8) -> Vec<u8> {
    [&[131, 109, 0, 0, 16, 0][..], &[number; 4096]].concat()
}

fn large() -> Vec<u8> {
    [&[131, 109][..], &LARGE.to_be_bytes(), &vec![0; LARGE as usize]].concat()
}

/// Links `client` with a node of that name and port.
fn link(client: &Ours, name: &str, port: u16) {
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    client.node.set_address(node_name(name), Some(address));
    client.connect(name);
    client.expect_up(name, NodeType::Visible);
}

/// A node that is linked with `client`.
fn linked(directory: &Directory, client: &Ours, name: &str) -> Ours {
    let node = Ours::start(name, Ours::config(directory.port()));
    link(client, node.name(), node.port());
    // A nodeup comes just before the link can be used: what is sent then waits still, and a stop does not wait for that.
    let (from, to) = (node.node.mailbox(), client.node.mailbox());
    from.send(&to.pid().unwrap(), message(0)).unwrap();
    assert_eq!(next_message(&to), message(0));
    node.expect_up(client.name(), NodeType::Visible);
    node
}

/// A node that is linked with `client`, and has something large to write to it, which `client` does not read before `own` is emptied.
fn unheard(directory: &Directory, client: &Ours, own: &Mailbox) -> Ours {
    own.set_bound(Some(Bound { messages: 1, bytes: usize::MAX, overflow: Overflow::Pause }));
    let (node, to) = (linked(directory, client, "node"), own.pid().unwrap());
    let mailbox = node.node.mailbox();
    mailbox.send(&to, message(0)).unwrap();
    eventually("a message", || own.message_queue_len() > 0);
    mailbox.send(&to, large()).unwrap();
    node
}

fn send_all(from: &Mailbox, to: &Pid) {
    for number in 0..MESSAGES {
        from.send(to, message(number)).unwrap();
    }
}

fn expect_all(own: &Mailbox) {
    for number in 0..MESSAGES {
        assert_eq!(next_message(own), message(number));
    }
}

/// Whether a node has stopped so soon that all was written. On a busy machine a stop may take the second that it has, and is tried again then.
fn stopped_in_time(stop: impl FnOnce()) -> bool {
    let begin = Instant::now();
    stop();
    begin.elapsed() < Duration::from_secs(1)
}

/// Has so many rounds be in time, of ten times as many.
fn rounds(wanted: usize, mut is_in_time: impl FnMut(usize) -> bool) {
    let in_time = (0..10 * wanted).filter(|round| is_in_time(*round)).take(wanted);
    assert_eq!(in_time.count(), wanted);
}

each_runtime! {
    //= docs/spec/kernel.md#kernel-stop-written
    //= type=test
    #[test]
    fn what_was_sent_before_a_stop_arrives() {
        let directory = Directory::start();
        let client = Ours::start("client", Ours::config(directory.port()));
        rounds(20, |round| {
            let own = client.node.mailbox();
            let node = linked(&directory, &client, &format!("node{round}"));
            // Another one goes on sending, so that the link is never idle.
            let (chatter, other) = (node.node.mailbox(), client.node.mailbox());
            let to = other.pid().unwrap();
            let chat = thread::spawn(move || {
                while chatter.pid().is_some() {
                    let _ = chatter.send(&to, message(0));
                }
            });
            let mailbox = node.node.mailbox();
            send_all(&mailbox, &own.pid().unwrap());
            let in_time = stopped_in_time(|| match round % 3 {
                0 => node.node.stop().unwrap(),
                1 => node.node.halt(),
                _ => assert_eq!(mailbox.apply(mfa::Call::Stop).unwrap().to_string(), "ok"),
            });
            if in_time {
                expect_all(&own);
            }
            client.expect_down(node.name(), NodeDownReason::ConnectionClosed);
            chat.join().unwrap();
            in_time
        });
    }

    //= docs/spec/kernel.md#kernel-stop-written
    //= type=test
    #[test]
    fn a_stop_waits_a_second_for_who_does_not_read() {
        let directory = Directory::start();
        let client = Ours::start("client", Ours::config(directory.port()));
        let own = client.node.mailbox();
        let node = unheard(&directory, &client, &own);
        // Others wait to send, and as long as there is a link.
        let (sender, to) = (node.node.mailbox(), own.pid().unwrap());
        let sending = thread::spawn(move || {
            while sender.pid().is_some() {
                let _ = sender.send(&to, large());
            }
        });
        let begin = Instant::now();
        node.node.stop().unwrap();
        assert!(begin.elapsed() >= Duration::from_secs(1), "it has waited");
        sending.join().unwrap();
    }

    //= docs/spec/kernel.md#kernel-stop-written
    //= type=test
    #[test]
    fn of_two_stops_at_once_both_have_written() {
        let directory = Directory::start();
        let client = Ours::start("client", Ours::config(directory.port()));
        rounds(10, |round| {
            let node = linked(&directory, &client, &format!("node{round}"));
            let both = [(); 2].map(|()| (node.node.mailbox(), client.node.mailbox()));
            let sent = Barrier::new(2);
            let stop = |from: &Mailbox, to: &Mailbox| {
                send_all(from, &to.pid().unwrap());
                sent.wait();
                // One of them may find that the other's is done.
                stopped_in_time(|| {
                    assert!(matches!(node.node.stop(), Ok(()) | Err(StopError::NotFound)));
                })
            };
            let in_time = thread::scope(|scope| {
                let stops = both.each_ref().map(|(from, to)| scope.spawn(move || stop(from, to)));
                stops.map(|it| it.join().unwrap()) == [true; 2]
            });
            if in_time {
                both.iter().for_each(|(_, own)| expect_all(own));
            }
            client.expect_down(node.name(), NodeDownReason::ConnectionClosed);
            in_time
        });
    }

    //= docs/spec/kernel.md#kernel-stop-written
    //= type=test
    //= docs/spec/kernel.md#kernel-stop
    //= type=test
    #[test]
    fn a_stop_that_is_refused_ends_no_link() {
        let directory = Directory::start();
        let client = Ours::start("client", Ours::config(directory.port()));
        let own = client.node.mailbox();
        let node = Node::new(Ours::config(directory.port())).unwrap();
        assert_eq!(node.stop(), Err(StopError::NotFound));
        let name = "node@127.0.0.1";
        let options = StartOptions::new(node_name(name));
        let identity = node.start(StartOptions { started: Started::Static, ..options }).unwrap();
        link(&client, name, identity.port.unwrap());
        let (mailbox, to) = (node.mailbox(), own.pid().unwrap());
        for _ in 0..3 {
            send_all(&mailbox, &to);
            assert_eq!(node.stop(), Err(StopError::NotAllowed));
            expect_all(&own);
        }
        node.halt();
        client.expect_down(name, NodeDownReason::ConnectionClosed);
    }
}

//= docs/spec/kernel.md#kernel-stop-written
//= type=test
#[test]
fn a_stop_whose_future_is_dropped_while_it_waits_stops_nothing() {
    Runtime::Smol.test(|| {
        let directory = Directory::start();
        let client = Ours::start("client", Ours::config(directory.port()));
        let own = client.node.mailbox();
        let node = unheard(&directory, &client, &own);
        let Node::Smol(stopped) = &node.node else { panic!("of smol") };
        let mut stop = Box::pin(stopped.stop());
        let mut context = Context::from_waker(Waker::noop());
        assert!(stop.as_mut().poll(&mut context).is_pending());
        drop(stop);
        assert_eq!(next_message(&own), message(0));
        assert_eq!(next_message(&own).len(), large().len());
        node.node.mailbox().send(&own.pid().unwrap(), message(1)).unwrap();
        assert_eq!(next_message(&own), message(1));
        assert_eq!(node.node.stop(), Ok(()));
    });
}
