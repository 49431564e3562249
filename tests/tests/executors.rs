//! The smol runtime on executors that are not its own.
#![allow(clippy::unwrap_used, reason = "this is test code")]

mod support;

use core::time::Duration;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use async_executor::Executor;
use futures_lite::future::{self, block_on};
use netkernel_blocking::core::net_kernel::{ConnectError, NodeDownReason};
use netkernel_blocking::core::term::Atom;
use netkernel_blocking::shared::reply;
use netkernel_smol::{MonitorOptions, SendError, Task};
use netkernel_tests::runtime::{Mailbox, Node, Runtime};
use support::*;
use tokio::runtime::Builder;

const A: &str = "a@127.0.0.1";
const B: &str = "b@127.0.0.1";

/// A node whose tasks are handed to `spawn`, started, and its mailbox.
fn node(
    epmd: &Epmd,
    own: &str,
    spawn: impl Fn(Task) + Send + Sync + 'static,
) -> (netkernel_smol::Node, Mailbox) {
    let node = netkernel_smol::Node::new_on(epmd.config(), spawn);
    let mailbox = Mailbox::Smol(node.mailbox());
    mailbox.monitor_nodes(true, MonitorOptions::ALL);
    block_on(node.start(visible(own))).unwrap();
    expect_up(&mailbox, own);
    (node, mailbox)
}

/// Links come, carry messages in order, and go.
fn links_work(spawn: impl Fn(Task) + Clone + Send + Sync + 'static) {
    let epmd = Epmd::start();
    let (a, a_box) = node(&epmd, A, spawn.clone());
    let (b, b_box) = node(&epmd, B, spawn);
    for _ in 0..5 {
        block_on(a.connect_node(name(B))).unwrap();
        expect_up(&a_box, B);
        expect_up(&b_box, A);
        block_on(b.ping(&name(A), GIVE_UP)).unwrap();
        let to = b_box.pid().unwrap();
        for number in 0..500_u32 {
            a_box.send(&to, term(&number.to_be_bytes())).unwrap();
        }
        for number in 0..500_u32 {
            assert_eq!(next_message(&b_box), term(&number.to_be_bytes()));
        }
        assert_eq!(block_on(b.disconnect_node(&name(A))), Some(true));
        expect_down(&a_box, B, NodeDownReason::ConnectionClosed);
        expect_down(&b_box, A, NodeDownReason::Disconnect);
    }
    drop((a, a_box));
    eventually("the name is free", || block_on(b.names("127.0.0.1")).unwrap().len() == 1);
}

#[test]
fn a_node_runs_on_tokio() {
    for threads in [1, 3] {
        let runtime = match threads {
            1 => Builder::new_current_thread().build(),
            _ => Builder::new_multi_thread().worker_threads(threads).build(),
        };
        let runtime = runtime.unwrap();
        let tokio = runtime.handle().clone();
        thread::spawn(move || runtime.block_on(future::pending::<()>()));
        links_work(move |task| drop(tokio.spawn(task)));
    }
}

#[test]
fn a_node_runs_on_many_threads_of_one_executor() {
    let executor = Arc::new(Executor::new());
    for _ in 0..3 {
        let executor = Arc::clone(&executor);
        thread::spawn(move || block_on(executor.run(future::pending::<()>())));
    }
    links_work(move |task| executor.spawn(task).detach());
}

/// Nothing of the node hangs when its executor is gone: callers are told.
#[test]
fn the_end_of_the_executor_is_the_end_of_the_node() {
    let epmd = Epmd::start();
    let executor = Arc::new(Executor::new());
    let (stop, stopped) = reply();
    let runs = Arc::clone(&executor);
    let thread = thread::spawn(move || block_on(runs.run(stopped.wait())));
    let weak = Arc::downgrade(&executor);
    let (a, a_box) = node(&epmd, A, move |task| weak.upgrade().unwrap().spawn(task).detach());
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    epmd.pretend("silent", peer.local_addr().unwrap().port());
    let (_b, b_box) = epmd.node(B);
    block_on(a.connect_node(name(B))).unwrap();
    expect_up(&b_box, A);
    // One waits for room on a link that will not come up, the other for the answer of a peer that says nothing.
    let (caller, to) = (a.clone(), Atom::new("x").unwrap());
    let calls = thread::spawn(move || block_on(caller.connect_node(name("silent@127.0.0.1"))));
    let _silent = peer.accept().unwrap();
    let sends = thread::spawn(move || {
        loop {
            let sent = a_box.send_to_name(&to, &name("silent@127.0.0.1"), term(&[0; 100_000]));
            if let Err(error) = sent {
                return error;
            }
        }
    });
    thread::sleep(Duration::from_millis(100));

    stop.send(());
    thread.join().unwrap();
    drop(executor);
    expect_down(&b_box, A, NodeDownReason::ConnectionClosed);
    assert_eq!(calls.join().unwrap(), Err(ConnectError::NotAlive));
    assert_eq!(sends.join().unwrap(), SendError::NotAlive);
    assert_eq!(block_on(a.connect_node(name(B))), Err(ConnectError::NotAlive));
    assert!(block_on(a.identity()).is_none());
}

/// What has been asked happens, whether or not somebody waits for the answer; and nothing is left of the waiting.
#[test]
fn futures_may_be_dropped() {
    let epmd = Epmd::start();
    Runtime::Smol.test(|| {
        let ((a, _a_box), (_b, b_box)) = (epmd.node(A), epmd.node(B));
        let Node::Smol(a) = a else { unreachable!("it was asked for") };
        for _ in 0..100 {
            block_on(future::poll_once(a.connect_node(name(B))));
            block_on(future::poll_once(a.ping(&name(B), GIVE_UP)));
            block_on(future::poll_once(a.names("127.0.0.1")));
        }
        expect_up(&b_box, A);
        block_on(a.ping(&name(B), GIVE_UP)).unwrap();
    });
}
