//! The flags that say how a node is reached, and by whom it is ruled.

use std::path::PathBuf;

use netkernel_smol::NodeConfig;
use netkernel_smol::core::NodeName;
use netkernel_smol::core::net_kernel::Address;

#[derive(Debug, clap::Args)]
pub(crate) struct ReachArgs {
    /// Where a node is, so that no EPMD is asked for it: host:port, or the path of a Unix socket, which has a / in it; may be
    /// given several times
    #[arg(long, value_name = "NODE=ADDRESS", value_parser = peer)]
    peer: Vec<(NodeName, Address)>,
    /// The path of a Unix socket to listen on, instead of a port. EPMD then does not know the node; peers are told by --peer
    #[arg(long, value_name = "PATH", conflicts_with_all = ["bind", "listen_min", "listen_max"])]
    listen: Option<PathBuf>,
    /// Obey processes of other nodes that ask net_kernel to connect and disconnect, or to change ticktime, allow list and socket
    /// options, as Erlang nodes do
    #[arg(long)]
    serve_requests: bool,
}

impl ReachArgs {
    pub(crate) fn apply(&self, config: &mut NodeConfig) {
        config.kernel.peers.extend(self.peer.iter().cloned());
        config.listen_path.clone_from(&self.listen);
        config.remote_requests = self.serve_requests;
    }
}

fn peer(text: &str) -> Result<(NodeName, Address), String> {
    let (node, address) = text.split_once('=').ok_or("NODE=ADDRESS is wanted")?;
    let node = node.parse().map_err(|error| format!("{node}: {error}"))?;
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok((node, address))
}
