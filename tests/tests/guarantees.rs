//! The order of node events and messages in one mailbox, over loopback, with a flood of messages and a slow receiver.

#![allow(clippy::unwrap_used, reason = "this is test code")]

mod support;

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::thread;

use netkernel_blocking::core::net_kernel::{ConnectionId, NodeEvent};
use netkernel_blocking::{Item, NodeKinds};
use netkernel_tests::each_runtime;
use netkernel_tests::runtime::Node;
use support::*;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";
const LINKS: u32 = 51;

/// What the receiver got, in order.
enum Got {
    Up(ConnectionId),
    Down(ConnectionId),
    /// The round in which it was sent, and its number in the round.
    Message(u32, u32),
}

each_runtime! {
    //= docs/spec/monitor.md#monitor-nodeup-first
    //= type=test
    //= docs/spec/monitor.md#monitor-nodedown-last
    //= type=test
    //= docs/spec/monitor.md#monitor-no-overlap
    //= type=test
    #[test]
    fn events_and_messages_of_fifty_links_come_in_order_to_a_slow_receiver() {
        let epmd = Epmd::start();
        let ((a, a_box), (b, b_box)) = (epmd.node(A), epmd.node(B));
        let relay = Relay::to(epmd.redirect("b", 1));
        epmd.redirect("b", relay.port);
        let to = b_box.pid().unwrap();
        let over = AtomicBool::new(false);
        let got = thread::scope(|scope| {
            // Only this thread makes links and sends on them, so a message belongs to the link of its round.
            scope.spawn(|| {
                for number in 0..LINKS {
                    a.connect_node(name(B)).unwrap();
                    for message in 0..40_u32 {
                        let bytes = [number.to_be_bytes(), message.to_be_bytes()].concat();
                        a_box.send(&to, term(&bytes)).unwrap();
                    }
                    thread::sleep(Duration::from_millis((number % 5).into()));
                    match number % 3 {
                        0 => drop(a.disconnect_node(&name(B))),
                        1 => drop(b.disconnect_node(&name(A))),
                        _ => {}
                    }
                    // The relay does not hand an end on by itself.
                    relay.cut();
                    let gone =
                        |node: &Node| node.nodes(NodeKinds::CONNECTED).is_empty();
                    eventually("both ends are down", || gone(&a) && gone(&b));
                }
                over.store(true, Ordering::Release);
            });
            let mut got = Vec::new();
            loop {
                // What is told when it is over is told before.
                let was_over = over.load(Ordering::Acquire);
                match b_box.recv_timeout(Duration::from_millis(200)) {
                    Some(Item::Event(event)) if *event.node() == name(A) => got.push(event_of(&event)),
                    Some(Item::Message(message)) => {
                        let word =
                            |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().unwrap());
                        got.push(Got::Message(word(6), word(10)));
                        if word(10) % 16 == 0 {
                            thread::sleep(Duration::from_millis(1));
                        }
                    }
                    Some(_) => {}
                    None if was_over => return got,
                    None => {}
                }
            }
        });
        check(&got);
    }
}

fn event_of(event: &NodeEvent) -> Got {
    let link = event.connection_id().unwrap();
    if event.nodedown_reason().is_none() { Got::Up(link) } else { Got::Down(link) }
}

fn check(got: &[Got]) {
    let (mut up, mut links, mut messages) = (None, 0, 0);
    let mut next = None;
    for item in got {
        match *item {
            Got::Up(link) => {
                assert_eq!(up, None, "guarantee 5: nodedown of the old link before nodeup");
                up = Some(link);
                links += 1;
                next = Some(0);
            }
            Got::Down(link) => {
                assert_eq!(up, Some(link), "a nodedown belongs to a nodeup");
                up = None;
            }
            Got::Message(round, number) => {
                assert!(up.is_some(), "guarantees 1 and 2: messages between nodeup and nodedown");
                assert_eq!(round + 1, links, "of their own link");
                assert_eq!(next, Some(number), "in their order, from the first on");
                next = Some(number + 1);
                messages += 1;
            }
        }
    }
    assert_eq!((up, links), (None, LINKS), "each link has come and gone");
    assert!(messages > 100, "only {messages} messages came");
}
