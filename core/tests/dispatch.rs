//! Processes whose messages are handled by processes of their own.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod cluster;

use bytes::Bytes;
use cluster::{Cluster, Got, atom, reason};
use netkernel_core::process::{Function, NoProcess};
use netkernel_core::wire::control::Control;

fn handler() -> Function {
    Function { module: atom("m"), function: atom("f"), arity: 1 }
}

/// Sends `7` to a name of node 1, and to the pid that has it.
fn send(cluster: &mut Cluster, to: netkernel_core::term::Pid) {
    let from = cluster.spawn(0);
    let from = cluster.pid(0, from);
    let message = Bytes::from_static(b"\x83a\x07");
    let by_name = Control::RegSend {
        from: from.clone(),
        to: atom("service"),
        message: message.clone(),
        token: None,
    };
    cluster.inject(0, 1, by_name);
    cluster.inject(0, 1, Control::Send { from: Some(from), to, message, token: None });
    cluster.settle();
}

//= docs/spec/process.md#process-dispatch
//= type=test
#[test]
fn each_message_starts_a_process() {
    let mut cluster = Cluster::new(2);
    cluster.connect(0, 1);
    let service = cluster.spawn(1);
    let pid = cluster.pid(1, service);
    cluster.processes(1).register(atom("service"), service).unwrap();
    // A process like any other, at first.
    send(&mut cluster, pid.clone());
    let seven = || Got::Message(Bytes::from_static(b"\x83a\x07"));
    assert_eq!(cluster.take_got(1), [(service, seven()), (service, seven())]);

    cluster.processes(1).dispatch(service, handler()).unwrap();
    // Nobody serves the function: the message is dropped, and the process stays.
    send(&mut cluster, pid.clone());
    assert!(!cluster.take_got(1).iter().any(|(to, _)| *to == service));

    cluster.processes(1).serve_function(handler());
    send(&mut cluster, pid.clone());
    let got = cluster.take_got(1);
    let [(one, Got::Start(first)), (two, Got::Start(second))] = &got[..] else { panic!("{got:?}") };
    assert_eq!((first, second), (&handler(), &handler()));
    assert!(one != two && *one != service && *two != service);

    // So does one of its own node.
    cluster.hand_over(1, service, Bytes::from_static(b"\x83a\x07"));
    let got = cluster.take_got(1);
    let [(third, Got::Start(of))] = &got[..] else { panic!("{got:?}") };
    assert!(*of == handler() && *third != service);

    // No exit signal ends it. It can be monitored, and ended here, as any other.
    let watcher = cluster.spawn(0);
    for why in ["kill", "bye"] {
        cluster.exit(0, watcher, &pid, why);
    }
    let other = cluster.spawn(0);
    cluster.link(0, other, &pid);
    cluster.settle();
    cluster.terminate(0, other, "crash");
    cluster.settle();
    assert!(cluster.take_got(1).is_empty() && cluster.links(1, service).is_empty());
    cluster.hand_over(1, service, Bytes::from_static(b"\x83a\x07"));
    assert_eq!(cluster.take_got(1).len(), 1);
    let monitor = cluster.monitor(0, watcher, pid.clone().into(), None);
    cluster.settle();
    cluster.terminate(1, service, "bye");
    cluster.settle();
    let down = (watcher, Got::Down(monitor, pid.into(), reason("bye")));
    assert_eq!(cluster.take_got(0), [down]);
    assert_eq!(cluster.processes(1).dispatch(service, handler()), Err(NoProcess));
}
