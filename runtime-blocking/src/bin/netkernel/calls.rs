//! Calls that wait for other nodes: one after the other for each node, so that they come to what they say, and beside each
//! other for different nodes, so that one that does not answer delays nobody else.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::{io, thread};

use netkernel_blocking::Node;
use netkernel_blocking::core::NodeName;

use crate::console::Call;
use crate::node::Event;
use crate::obey::{call, error_line};
use crate::report::Line;

/// A thread for each node that somebody has called for.
pub(crate) struct Calls {
    node: Node,
    results: Sender<Event>,
    queues: BTreeMap<NodeName, Sender<Call>>,
}

impl Calls {
    pub(crate) const fn new(node: Node, results: Sender<Event>) -> Self {
        Self { node, results, queues: BTreeMap::new() }
    }

    /// Makes a call after all others for this node. Its result comes as an event; what is returned says why it will not.
    pub(crate) fn make(&mut self, peer: NodeName, call: Call) -> Option<Line> {
        let queue = match self.queues.get(&peer) {
            Some(queue) => queue,
            None => match self.begin(peer.clone()) {
                Ok(queue) => self.queues.entry(peer).or_insert(queue),
                Err(error) => return Some(error_line(&error.to_string())),
            },
        };
        // A thread that has ended could tell its results to nobody.
        let _ = queue.send(call);
        None
    }

    fn begin(&self, peer: NodeName) -> io::Result<Sender<Call>> {
        let (node, results) = (self.node.clone(), self.results.clone());
        let (calls, queue) = channel();
        let work = move || {
            for next in queue {
                if results.send(Event::Done(call(&node, &peer, next))).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().spawn(work)?;
        Ok(calls)
    }
}
