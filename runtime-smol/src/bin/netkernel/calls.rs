//! Calls that wait for other nodes: one after the other for each node, so that they come to what they say, and beside each
//! other for different nodes, so that one that does not answer delays nobody else.

use std::collections::BTreeMap;
use std::rc::Rc;

use async_channel::{Sender, unbounded};
use async_executor::LocalExecutor;
use netkernel_smol::Node;
use netkernel_smol::core::NodeName;

use crate::console::Call;
use crate::node::Event;
use crate::obey::call;

/// A task for each node that somebody has called for.
pub(crate) struct Calls {
    node: Node,
    executor: Rc<LocalExecutor<'static>>,
    results: Sender<Event>,
    queues: BTreeMap<NodeName, Sender<Call>>,
}

impl Calls {
    pub(crate) const fn new(
        node: Node,
        executor: Rc<LocalExecutor<'static>>,
        results: Sender<Event>,
    ) -> Self {
        Self { node, executor, results, queues: BTreeMap::new() }
    }

    /// Makes a call after all others for this node. Its result comes as an event.
    pub(crate) fn make(&mut self, peer: NodeName, call: Call) {
        let Self { node, executor, results, queues } = self;
        let queue = queues.entry(peer).or_insert_with_key(|peer| {
            begin(executor, node.clone(), peer.clone(), results.clone())
        });
        // A task that has ended could tell its results to nobody.
        let _ = queue.try_send(call);
    }
}

fn begin(
    executor: &LocalExecutor<'_>,
    node: Node,
    peer: NodeName,
    results: Sender<Event>,
) -> Sender<Call> {
    let (calls, queue) = unbounded();
    let work = async move {
        while let Ok(next) = queue.recv().await {
            let result = call(&node, &peer, next).await;
            if results.try_send(Event::Done(result)).is_err() {
                return;
            }
        }
    };
    executor.spawn(work).detach();
    calls
}
