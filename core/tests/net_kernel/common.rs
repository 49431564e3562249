//! What several files ask of a world.

use core::time::Duration;

use netkernel_core::net_kernel::{
    Answer, AutoConnect, Config, ConnectError, DistAutoConnect, NodeKinds, StartOptions,
};
use netkernel_core::{LinkId, NodeName, RequestId};

use crate::world::{World, cookie, name, ticktime};

pub(crate) const SETUP: Duration = Duration::from_secs(7);
pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const CONNECTED: Option<Answer> = Some(Answer::Connected(Ok(())));

pub(crate) fn failed(error: ConnectError) -> Option<Answer> {
    Some(Answer::Connected(Err(error)))
}

/// Two visible nodes with a link between them.
pub(crate) fn pair() -> (World, usize, usize) {
    let mut world = World::default();
    let (a, b) = (world.start("a@127.0.0.1"), world.start("b@127.0.0.1"));
    assert_eq!(world.connect(a, "b@127.0.0.1"), CONNECTED);
    (world, a, b)
}

pub(crate) fn config() -> Config {
    Config::new(cookie("C"), ticktime(60))
}

pub(crate) fn once() -> Config {
    let mut config = config();
    config.auto_connect = DistAutoConnect::Once;
    config
}

pub(crate) fn answer(world: &World, id: usize, request: RequestId) -> Option<Answer> {
    world.nodes[id].host.answers.get(&request).cloned()
}

pub(crate) fn hidden_connect(world: &mut World, from: usize, to: &str) -> Option<Answer> {
    let request = world.nodes[from].kernel.hidden_connect_node(world.now, name(to));
    world.settle();
    answer(world, from, request)
}

/// A wish of a sender that saw `seen`; settles.
pub(crate) fn auto(
    world: &mut World,
    from: usize,
    to: &str,
    seen: Option<LinkId>,
) -> Result<AutoConnect, ConnectError> {
    let request = world.nodes[from].kernel.auto_connect(world.now, &name(to), seen);
    world.settle();
    match answer(world, from, request) {
        Some(Answer::AutoConnect(result)) => result,
        other => panic!("answered at once, but {other:?}"),
    }
}

/// The nodes of these kinds, as `name type`.
pub(crate) fn kinds(world: &World, id: usize, kinds: NodeKinds) -> Vec<String> {
    let nodes = world.nodes[id].kernel.nodes(kinds);
    nodes.map(|info| format!("{} {}", info.node.as_str(), info.node_type)).collect()
}

pub(crate) fn link_of(world: &World, id: usize, node: &str) -> Option<LinkId> {
    let mut nodes = world.nodes[id].kernel.nodes(NodeKinds::CONNECTED);
    nodes.find(|info| info.node == name(node)).and_then(|info| info.link)
}

/// The lines of the log after the first `from`.
pub(crate) fn log_after(world: &World, id: usize, from: usize) -> Vec<&str> {
    world.nodes[id].host.log[from..].iter().map(String::as_str).collect()
}

pub(crate) fn start_nameless(world: &mut World) -> usize {
    let id = world.add(config());
    let answer = world.start_again(id, StartOptions::nameless("vm".into()));
    assert_eq!(answer, Some(Answer::Started(Ok(NodeName::nonode()))));
    id
}
