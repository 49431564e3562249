//! The flags that say how a node is reached, and by whom it is ruled.

use netkernel_smol::NodeConfig;

#[derive(Debug, clap::Args)]
pub(crate) struct ReachArgs {
    /// Obey processes of other nodes that ask net_kernel to connect and disconnect, or to change ticktime, allow list and socket
    /// options, as Erlang nodes do
    #[arg(long)]
    serve_requests: bool,
}

impl ReachArgs {
    pub(crate) const fn apply(&self, config: &mut NodeConfig) {
        config.remote_requests = self.serve_requests;
    }
}
