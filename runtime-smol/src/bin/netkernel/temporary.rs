//! A node for one command: hidden, and reached by nobody.

use netkernel_smol::core::NodeName;
use netkernel_smol::{Node, NodeConfig, StartOptions};

use crate::failure::code;
use crate::obey::connected;
use crate::ping::own_name;
use crate::report::Report;
use crate::{Failed, because};

/// A node that can connect to nodes of this host.
pub(crate) async fn start(config: NodeConfig, host: &str) -> Result<Node, Failed> {
    let node = Node::new(config).map_err(because)?;
    let name = own_name(host).map_err(because)?;
    let options = StartOptions { hidden: true, listen: false, ..StartOptions::new(name) };
    node.start(options).await.map_err(because)?;
    Ok(node)
}

/// The same with a link with this node; if there is none, the user is told why.
pub(crate) async fn start_connected(
    config: NodeConfig,
    peer: &NodeName,
    report: &Report,
) -> Result<Node, Failed> {
    let node = start(config, peer.host()).await?;
    let result = node.connect_node(peer.clone()).await;
    if result.is_ok() {
        return Ok(node);
    }
    let _ = node.stop().await;
    report.fail(&connected(peer, result));
    Err(Failed::With(code::NOT_CONNECTED))
}
