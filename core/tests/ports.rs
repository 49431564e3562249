//! Nodes on IPv6, and nodes whose port is known without an EPMD.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "this is test code")]

use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::{
    Answer, Config, Diagnostic, Input, NetKernel, NetTicktime, OpenError, Output, Purpose,
    StartError, StartOptions, Target,
};
use netkernel_core::{Cookie, Entropy, Family, Instant, NodeName, StreamId};

const NOW: Instant = Instant::ORIGIN;

fn config(set: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::new(Cookie::new("C").unwrap(), NetTicktime::default());
    set(&mut config);
    config
}

fn name(text: &str) -> NodeName {
    text.parse().unwrap()
}

fn outputs(kernel: &mut NetKernel) -> Vec<Output> {
    core::iter::from_fn(|| kernel.poll()).collect()
}

/// Where the only stream that is to be opened leads.
fn opened(outputs: &[Output]) -> (StreamId, Target) {
    let mut opens = outputs.iter().filter_map(|output| match output {
        Output::Open { stream, target } => Some((*stream, target.clone())),
        _ => None,
    });
    let first = opens.next().unwrap();
    assert!(opens.next().is_none());
    first
}

/// A kernel that wants to register a listener on that port, and with whom.
fn registering(config: Config, node: &str, port: u16) -> (NetKernel, StreamId, Target) {
    let mut kernel = NetKernel::new(config);
    kernel.start(NOW, StartOptions::new(name(node)), Entropy::new([7; 16]));
    assert_eq!(outputs(&mut kernel), [Output::Listen]);
    kernel.handle(NOW, Input::Listening { port });
    let (stream, target) = opened(&outputs(&mut kernel));
    (kernel, stream, target)
}

fn started(outputs: &[Output]) -> Option<Result<NodeName, StartError>> {
    outputs.iter().find_map(|output| match output {
        Output::Answer { answer: Answer::Started(result), .. } => Some(result.clone()),
        _ => None,
    })
}

//= docs/spec/flags.md#flags-node-listen-port
//= type=test
#[test]
fn a_known_port_needs_no_epmd() {
    let config = config(|config| config.node_listen_port = Some(5000));
    let (mut kernel, stream, target) = registering(config, "a@127.0.0.1", 5000);
    assert_eq!(target.purpose, Purpose::Registration, "it is told all the same, if it is there");
    kernel.handle(NOW, Input::OpenFailed { stream, error: OpenError::Refused });
    let told = outputs(&mut kernel);
    assert!(matches!(told[0], Output::Diagnostic(Diagnostic::NotRegistered(_))), "{told:?}");
    assert_eq!(started(&told), Some(Ok(name("a@127.0.0.1"))));
    let creation = Entropy::new([7; 16]);
    assert_eq!(kernel.creation().map(|creation| creation.0), Some(0x0707_0707), "{creation:?}");

    kernel.connect_node(NOW, name("b@127.0.0.2"));
    let (_, target) = opened(&outputs(&mut kernel));
    assert_eq!(target.address.to_string(), "127.0.0.2:5000");
    assert_eq!(target.purpose, Purpose::Peer(name("b@127.0.0.2")));

    let stream = kernel.mint_stream();
    let entropy = Entropy::new([1; 16]);
    kernel.handle(NOW, Input::Accepted { stream, entropy, local: true });
    assert_eq!(outputs(&mut kernel), [Output::Read { stream }], "it listens");
    kernel.stop(NOW);
    assert!(outputs(&mut kernel).contains(&Output::Unlisten));
}

//= docs/spec/flags.md#flags-node-listen-port
//= type=test
#[test]
fn port_0_is_none_but_needs_no_registration_either() {
    let config = config(|config| config.node_listen_port = Some(0));
    let (mut kernel, stream, _) = registering(config, "a@127.0.0.1", 4001);
    kernel.handle(NOW, Input::OpenFailed { stream, error: OpenError::Refused });
    assert_eq!(started(&outputs(&mut kernel)), Some(Ok(name("a@127.0.0.1"))));
    kernel.connect_node(NOW, name("b@127.0.0.2"));
    let (_, target) = opened(&outputs(&mut kernel));
    let at = target.address.to_string();
    assert!(at.ends_with(":4369") && target.purpose == Purpose::Epmd, "{at}");
}

//= docs/spec/flags.md#flags-inet6
//= type=test
#[test]
fn a_node_on_ipv6_uses_nothing_else() {
    let config = config(|config| config.family = Family::Inet6);
    let (mut kernel, stream, target) = registering(config, "a@::1", 4001);
    let at = target.address.to_string();
    assert!(at.starts_with("[::1]:") && target.family == Family::Inet6, "{at}");
    kernel.handle(NOW, Input::Opened { stream, entropy: Entropy::new([2; 16]) });
    kernel.handle(NOW, Input::Received { stream, bytes: vec![b'v', 0, 0, 0, 0, 9].into() });
    assert_eq!(started(&outputs(&mut kernel)), Some(Ok(name("a@::1"))));
    kernel.connect_node(NOW, name("b@::1"));
    let (_, target) = opened(&outputs(&mut kernel));
    let at = target.address.to_string();
    assert!(at.starts_with("[::1]:") && target.family == Family::Inet6, "{at}");
    assert_eq!(target.purpose, Purpose::Epmd);

    kernel.names(NOW, &"::1".into());
    assert_eq!(opened(&outputs(&mut kernel)).1.family, Family::Inet, "as Erlang looks names up");
}
