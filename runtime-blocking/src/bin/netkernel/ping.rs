//! `netkernel ping`.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::net::UdpSocket;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use netkernel_blocking::core::NodeName;
use netkernel_blocking::{Node, PingError, StartOptions};
use serde_json::json;

use crate::Failed;
use crate::args::PingArgs;
use crate::reason;
use crate::report::{Line, Report};

/// How long a node that took the connection may take to answer.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &PingArgs, report: &Report) -> Result<(), Failed> {
    let because = |error: &dyn core::fmt::Display| Failed::Because(error.to_string());
    let node = Node::new(args.config()?).map_err(|error| because(&error))?;
    let name = own_name(&args.node).map_err(|error| because(&error))?;
    node.start(StartOptions { hidden: true, listen: false, ..StartOptions::new(name) })
        .map_err(|error| because(&error))?;
    let result = node.ping(&args.node, ANSWER_LIMIT);
    report.print(&line(&args.node, &result))?;
    node.stop();
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

/// A name that no other node has, on this machine as `node` would see it.
fn own_name(node: &NodeName) -> Result<NodeName, netkernel_blocking::core::NameError> {
    let host = own_address(node.host()).unwrap_or(Ipv4Addr::LOCALHOST);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    NodeName::new(&format!("netkernel-ping-{}-{nanos:x}@{host}", process::id()))
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
    fn a_loopback_node_is_pinged_from_loopback() {
        for host in ["127.0.0.1", "localhost"] {
            let name = own_name(&NodeName::new(&format!("b@{host}")).unwrap()).unwrap();
            assert_eq!(name.host(), "127.0.0.1");
            assert!(name.check_own().is_ok());
        }
    }
}
