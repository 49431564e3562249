//! Peers that a test plays itself, byte by byte.

use netkernel_core::StreamId;

use super::{Far, World, name};

/// A peer that the test plays itself.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Script {
    pub received: Vec<u8>,
    pub closed: bool,
    pub(super) to: Option<(usize, StreamId)>,
}

impl World {
    /// A peer of the test's own connects to a node.
    pub fn script(&mut self, to: usize) -> usize {
        let script = self.scripts.len();
        let stream = self.arrive(to, Far::Script(script));
        self.scripts.push(Script { to: Some((to, stream)), ..Script::default() });
        self.settle();
        script
    }

    /// Listens as a peer of the test's own, under this name.
    pub fn script_listens(&mut self, node: &str) -> u16 {
        let port = self.next_port;
        self.next_port += 1;
        self.epmd.insert(name(node).name().to_owned(), port);
        port
    }

    pub fn say(&mut self, script: usize, bytes: &[u8]) {
        if let Some((node, stream)) = self.scripts[script].to
            && let Some(side) = self.nodes[node].host.sides.get_mut(&stream)
        {
            side.inbox.extend_from_slice(bytes);
        }
        self.settle();
    }

    pub fn hang_up(&mut self, script: usize) {
        if let Some((node, stream)) = self.scripts[script].to
            && let Some(side) = self.nodes[node].host.sides.get_mut(&stream)
        {
            side.eof = true;
        }
        self.settle();
    }

    /// Bytes that the script has got and not looked at.
    pub fn heard(&mut self, script: usize) -> Vec<u8> {
        core::mem::take(&mut self.scripts[script].received)
    }
}
