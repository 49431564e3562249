//! A kernel, and what its host knows.

use netkernel_core::driver::Machine;
use netkernel_core::net_kernel::{Input, NetKernel, NodeInfo, NodeKinds, Output};
use netkernel_core::{Instant, StreamId};

use super::TestHost;

/// A kernel, and what its host knows.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Node {
    pub kernel: NetKernel,
    pub host: TestHost,
    /// Each event in the order in which it came out, and `nodes()` at that moment.
    pub seen: Vec<(String, Vec<NodeInfo>)>,
    /// Does nothing and hears nothing, as a stopped process.
    pub frozen: bool,
    /// What has happened to its streams and it has not heard of yet. Only in a world that is [slow](super::Slow).
    pub late: Vec<Input>,
    pub(super) entropy: u8,
}

/// A kernel whose events are looked at on their way out.
pub(super) struct Watched<'a> {
    pub(super) kernel: &'a mut NetKernel,
    pub(super) seen: &'a mut Vec<(String, Vec<NodeInfo>)>,
}

impl Machine for Watched<'_> {
    fn handle(&mut self, now: Instant, input: Input) {
        self.kernel.handle(now, input);
    }

    fn poll(&mut self) -> Option<Output> {
        let output = self.kernel.poll();
        if let Some(Output::Event { event, .. }) = &output {
            let nodes = self.kernel.nodes(NodeKinds::CONNECTED).collect();
            self.seen.push((event.to_string(), nodes));
        }
        output
    }

    fn deadline(&self) -> Option<Instant> {
        self.kernel.deadline()
    }

    fn mint_stream(&mut self) -> StreamId {
        self.kernel.mint_stream()
    }
}

pub(super) fn names_of(kernel: &NetKernel) -> Vec<String> {
    kernel.nodes(NodeKinds::CONNECTED).map(|info| info.node.as_str().to_owned()).collect()
}
