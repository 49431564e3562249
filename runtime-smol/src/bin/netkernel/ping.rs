//! `netkernel ping`.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::net::UdpSocket;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use netkernel_smol::PingError;
use netkernel_smol::core::NodeName;
use netkernel_smol::core::net_kernel::NameDomain;
use serde_json::json;

use crate::args::PingArgs;
use crate::report::{Line, Report};
use crate::{Failed, because, reason, temporary};

/// How long a ping may take: longer than an attempt to connect does, so that this says why it failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: &PingArgs, report: &Report) -> Result<(), Failed> {
    let node = temporary::start(args.config()?, args.node.host()).await?;
    let result = node.ping(&args.node, LIMIT).await;
    report.print(&line(&args.node, &result))?;
    node.stop().await.map_err(because)?;
    result.map_err(|_| Failed::Told)
}

/// What a ping came to.
pub(crate) fn line(node: &NodeName, result: &Result<(), PingError>) -> Line {
    match result {
        Ok(()) => {
            Line::new("pong", json!({"event": "ping", "node": node.as_str(), "result": "pong"}))
        }
        Err(error) => {
            let step = match error {
                PingError::Connect(error) => reason::step(error),
                PingError::LinkLost | PingError::Refused | PingError::NoAnswer | _ => "answer",
            };
            Line::new(
                format_args!("pang: {error}"),
                json!({"event": "ping", "node": node.as_str(), "result": "pang", "step": step, "reason": error.to_string()}),
            )
        }
    }
}

/// A name that no other node has, on this machine as a node of `host` would see it. Only nodes whose names are both long, or
/// both short, connect; a short host of ours serves: nobody dials a node that does not listen.
pub(crate) fn own_name(host: &str) -> Result<NodeName, netkernel_smol::core::NameError> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    let host = if NameDomain::of(host) == NameDomain::Longnames {
        own_address(host).unwrap_or(Ipv4Addr::LOCALHOST).to_string()
    } else {
        "localhost".into()
    };
    NodeName::new(&format!("netkernel-{}-{nanos:x}@{host}", process::id()))
}

/// Our address on the way to `host`. Nothing is sent: connecting a datagram socket only picks the route.
fn own_address(host: &str) -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((host, 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_name_is_of_the_kind_of_the_node_and_on_loopback_if_that_is() {
        for (host, own) in
            [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("myhost", "localhost")]
        {
            let name = own_name(host).unwrap();
            assert_eq!(name.host(), own);
            assert_eq!(NameDomain::of(name.host()), NameDomain::of(host));
            assert!(name.check_own().is_ok());
        }
    }
}
