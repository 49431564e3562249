//! Nodes that serve EPMD themselves, and what their EPMD tells.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use netkernel_blocking::core::NodeName;
use netkernel_blocking::{EpmdMode, StartOptions};

use crate::GIVE_UP;
use crate::ours::{Ours, eventually, node_name};
use crate::runtime::Node;

/// `NAME@127.0.0.1`.
#[must_use]
pub fn name(name: &str) -> NodeName {
    node_name(&format!("{name}@127.0.0.1"))
}

/// A node that is not alive yet, with EPMD at this port.
///
/// # Panics
/// If there are no threads for it.
#[must_use]
pub fn node(epmd: EpmdMode, port: u16) -> Node {
    let mut config = Ours::config(port);
    config.epmd = epmd;
    Node::new(config).expect("threads")
}

/// Starts it.
///
/// # Panics
/// If it does not start.
pub fn start(node: &Node, called: &str) {
    node.start(StartOptions::new(name(called))).unwrap_or_else(|error| panic!("{called}: {error}"));
}

/// The names that the EPMD at this port knows, first come first; `None` if there is none.
#[must_use]
pub fn names(port: u16) -> Option<Vec<String>> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).ok()?;
    socket.set_read_timeout(Some(GIVE_UP)).ok()?;
    socket.write_all(b"\0\x01n").ok()?;
    let mut text = Vec::new();
    socket.read_to_end(&mut text).ok()?;
    let text = String::from_utf8(text.get(4..)?.to_vec()).ok()?;
    text.lines().rev().map(|line| line.split(' ').nth(1).map(Into::into)).collect()
}

/// Waits until these names are known, in whichever order they have come.
///
/// # Panics
/// If they never are.
pub fn wait_for_names(port: u16, wanted: &[&str]) {
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    eventually(&format!("names {wanted:?}"), || {
        names(port).is_some_and(|mut names| {
            names.sort_unstable();
            names == wanted
        })
    });
}
