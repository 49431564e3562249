//! Threads and descriptors come back when links and nodes end. Alone in its process, since it counts them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::fs;
use std::net::TcpStream;

use netkernel_blocking::core::net_kernel::NodeDownReason;
use netkernel_tests::runtime::Runtime;
use support::*;

/// Threads of nodes: those have names that begin with the name of the crate.
fn threads() -> usize {
    fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("netkernel"))
        .count()
}

fn sockets() -> usize {
    fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Threads of a node without links, and of both ends of a link.
const fn threads_of(runtime: Runtime) -> (usize, usize) {
    match runtime {
        // The owner, the listener, and the two threads of the registration; a reader and a writer at each end.
        Runtime::Blocking => (4, 4),
        Runtime::Smol => (1, 0),
    }
}

#[test]
fn nothing_is_left_of_what_has_ended() {
    for runtime in [Runtime::Blocking, Runtime::Smol] {
        runtime.test(|| nodes_and_links_come_and_go(threads_of(runtime)));
    }
}

fn nodes_and_links_come_and_go((of_node, of_link): (usize, usize)) {
    let epmd = Epmd::start();
    let (b, b_box, identity) = epmd.identified("b@127.0.0.1", epmd.config());
    eventually("the threads of a node without links", || threads() == of_node);
    let at_rest = sockets();
    {
        let (a, a_box) = epmd.node("a@127.0.0.1");
        for _ in 0..20 {
            a.connect_node(name("b@127.0.0.1")).unwrap();
            expect_up(&a_box, "b@127.0.0.1");
            expect_up(&b_box, "a@127.0.0.1");
            eventually("those of the link", || threads() == 2 * of_node + of_link);
            a.disconnect_node(&name("b@127.0.0.1")).unwrap();
            expect_down(&a_box, "b@127.0.0.1", NodeDownReason::Disconnect);
            expect_down(&b_box, "a@127.0.0.1", NodeDownReason::ConnectionClosed);
        }
        for _ in 0..20 {
            drop(TcpStream::connect(("127.0.0.1", identity.port.unwrap())).unwrap());
            assert!(a.connect_node(name("nobody@127.0.0.1")).is_err());
        }
    }
    eventually("only b's threads are left", || threads() == of_node);
    eventually("only b's sockets are left", || sockets() == at_rest);
    drop((b, b_box));
    eventually("no thread is left", || threads() == 0);
}
