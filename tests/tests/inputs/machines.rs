//! Every machine of core can be cloned, compared, hashed and printed: what explores it, or puts it back to where it was, needs that.

use core::fmt::Debug;
use core::hash::Hash;
use std::collections::BTreeSet;

use crate::of_core;
use crate::scan::{At, Sources};

fn machine<T: Clone + Eq + Hash + Debug>(_path: &str) {}

/// Those that change, or of which something else is made, with what waits for an answer in the middle of one and those values that are
/// changed in place. Their parts are of these, too: the connection table and its rows of `NetKernel`, lanes of `LinkWriter`, links, monitors,
/// aliases and pending spawns of `Processes`.
fn machines() -> Vec<&'static str> {
    use netkernel_core as core;

    each![machine:
        core::Cookies,
        core::calls::erpc::Execution,
        core::calls::erpc::Outcome,
        core::calls::gen_server::CallFailure,
        core::calls::gen_server::Client,
        core::calls::io::Request,
        core::epmd::Lookup,
        core::epmd::Names,
        core::epmd::Registration,
        core::epmd_server::Server,
        core::handshake::Acceptor,
        core::handshake::Admission,
        core::handshake::AllowList,
        core::handshake::Confirmation,
        core::handshake::Initiator,
        core::handshake::Remark,
        core::link::LinkReader,
        core::link::LinkWriter,
        core::link::Peer,
        core::liveness::Liveness,
        core::net_adm::Answer,
        core::net_adm::Call,
        core::net_adm::Inquiry,
        core::net_adm::World,
        core::net_kernel::NetKernel,
        core::net_kernel::subscriptions::NodeChange,
        core::net_kernel::subscriptions::Subscriptions,
        core::process::Processes,
        core::start_flags::StartFlags,
        core::term::List,
        core::term::Map,
        core::term::Record,
        core::ticker::Ticker,
        core::ticker::Transition,
        core::wire::control::Head,
        core::wire::dist_header::AtomCache,
        core::wire::framing::FrameBuffer,
    ]
}

#[test]
fn every_machine_can_be_cloned_compared_hashed_and_printed() {
    let sources = of_core();
    let listed: BTreeSet<At> = machines().iter().map(|path| sources.find(path)).collect();
    let found = sources.machines();
    let unlisted: Vec<_> = found.difference(&listed).map(|at| at.join("::")).collect();
    assert_eq!(unlisted, [] as [String; 0]);
    // Functions of calls, and a plan of ticks: nothing changes in these.
    let others: Vec<_> = listed.difference(&found).map(|at| at.join("::")).collect();
    assert_eq!(
        others,
        ["calls::erpc::Execution", "calls::gen_server::Client", "ticker::transition::Transition"]
    );
}

#[test]
fn what_changes_or_is_taken_away_is_found() {
    let sources = Sources::of(
        "pub struct Changed; impl Changed { pub fn f(&mut self) {} } \
         pub enum Taken {} impl Taken { pub fn f(self) {} } \
         pub struct Seen; impl Seen { pub fn f(&self) {} fn g(&mut self) {} pub fn h(_: &mut Self) {} } \
         #[derive(Clone, Copy)] pub struct Copied; impl Copied { pub fn f(self) {} } \
         pub struct Cursor<'a>(&'a str); impl Cursor<'_> { pub fn f(&mut self) {} } \
         struct Hidden; impl Hidden { pub fn f(&mut self) {} }",
        "",
    );
    let found: Vec<String> = sources.machines().iter().map(|at| at.join("::")).collect();
    assert_eq!(found, ["Changed", "Taken"]);
}
