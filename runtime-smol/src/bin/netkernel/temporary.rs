//! A node for one command: hidden, and reached by nobody; and for how long the command may wait.

use core::time::Duration;
use std::time::Instant;

use async_io::Timer;
use futures_lite::future;
use netkernel_smol::core::NodeName;
use netkernel_smol::{Node, NodeConfig, StartOptions};
use serde_json::json;

use crate::failure::code;
use crate::obey::connected;
use crate::ping::own_name;
use crate::report::{Line, Report};
use crate::{Failed, because};

/// A node that can connect to nodes of this host.
pub(crate) async fn start(config: NodeConfig, host: &str) -> Result<Node, Failed> {
    let node = Node::new(config).map_err(because)?;
    // It may ask a resolver, which may take its time.
    let host = host.to_owned();
    let name = blocking::unblock(move || own_name(&host)).await.map_err(because)?;
    let options = StartOptions { hidden: true, listen: false, ..StartOptions::new(name) };
    node.start(options).await.map_err(because)?;
    Ok(node)
}

/// The same with a link with this node; if there is none in time, the user is told why.
pub(crate) async fn start_connected(
    config: NodeConfig,
    peer: &NodeName,
    limit: &Limit,
    report: &Report,
) -> Result<Node, Failed> {
    let connect = async {
        let node = start(config, peer.host()).await?;
        let result = node.connect_node(peer.clone()).await;
        Ok::<_, Failed>((node, result))
    };
    let why = match limit.within(connect).await.transpose()? {
        Some((node, Ok(()))) => return Ok(node),
        Some((node, result)) => {
            let _ = node.stop().await;
            connected(peer, result)
        }
        None => limit.no_link(peer),
    };
    report.fail(&why);
    Err(Failed::With(code::NOT_CONNECTED))
}

/// How long a command may take, from when it began.
#[derive(Debug)]
pub(crate) struct Limit {
    limit: Option<Duration>,
    /// `None`: for ever, or for longer than there are clocks.
    end: Option<Instant>,
}

impl Limit {
    /// Of a command that begins now; `None`: none.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { limit, end: limit.and_then(|limit| Instant::now().checked_add(limit)) }
    }

    /// What comes of it in time.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let late = async {
            match self.end {
                Some(end) => Timer::at(end).await,
                None => future::pending().await,
            };
            None
        };
        future::or(async { Some(work.await) }, late).await
    }

    /// That it was over before there was a link.
    fn no_link(&self, peer: &NodeName) -> Line {
        let seconds = self.limit.unwrap_or_default().as_secs_f64();
        let reason = format!("no link within {seconds} s");
        Line::new(
            format_args!("not connected to {peer}: {reason}"),
            json!({"event": "connect", "node": peer.as_str(), "result": false,
                "step": "timeout", "reason": reason}),
        )
    }
}
