//! One end of the traffic of `interop_traffic`, in a process that can be killed: `traffic_peer RUNTIME EPMD-PORT NAME PAIRS OTHER-NODE`.
//!
//! It ends with its standard input, so that it does not outlive its test.
#![expect(clippy::unwrap_used, reason = "whoever starts it sees why it ended")]

use std::io::Read as _;
use std::{env, io, process, thread};

use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::runtime::Runtime;
use netkernel_tests::traffic::Ends;

fn main() {
    thread::spawn(|| {
        _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(0);
    });
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runtime, epmd, name, pairs, other] = &arguments[..] else { panic!("{arguments:?}") };
    let runtime = Runtime::ALL.into_iter().find(|it| it.name() == runtime).unwrap();
    runtime.test(|| {
        let ours = Ours::start(name, Ours::config(epmd.parse().unwrap()));
        ours.connect(other);
        let ends = Ends::new(&ours.node, pairs.parse().unwrap(), None);
        let others = ends.meet(&ours.node, &node_name(other));
        ends.run(&others);
    });
}
