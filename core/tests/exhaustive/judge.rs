//! What must hold when two or three kernels have come to rest, whatever the order was.

use std::collections::BTreeMap;

use netkernel_core::driver::Machine as _;
use netkernel_core::net_kernel::{Answer, AutoConnect};

use crate::kernels::{Op, State};
use crate::world::{Far, World};

/// What the log of a node says of another node at some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Attempt,
    /// Its nodeup is out, and the stream is not promoted yet.
    Announced,
    Up,
    /// The table has it no more, and the nodedown is due.
    Gone,
}

/// Looks at every node that is not frozen.
pub(crate) fn judge(end: &State) -> Result<(), String> {
    for id in 0..end.world.nodes.len() {
        if end.world.nodes[id].frozen {
            continue;
        }
        let rows = read_log(end, id).map_err(|wrong| format!("node {id}: {wrong}"))?;
        let up: Vec<&str> = rows.keys().map(|name| &**name).collect();
        let nodes = end.world.nodes_of(id);
        if up != nodes || rows.values().any(|row| *row != Row::Up) {
            return Err(format!("node {id} has told {rows:?} of {nodes:?}"));
        }
        streams(&end.world, id)?;
    }
    for &(id, op, request) in &end.asked {
        if !end.world.nodes[id].host.answers.contains_key(&request) {
            return Err(format!("node {id} never answers {op:?}"));
        }
    }
    Ok(())
}

/// Each link has two ends that know of it, and no other stream is left.
fn streams(world: &World, id: usize) -> Result<(), String> {
    let host = &world.nodes[id].host;
    let links = world.link_streams(id);
    for stream in &links {
        let Far::Node(other, far) = host.sides[stream].far else { continue };
        if !world.nodes[other].frozen && !world.link_streams(other).contains(&far) {
            return Err(format!("node {id} has a link that node {other} does not have"));
        }
    }
    let registration = usize::from(host.port.is_some());
    let linked = world.nodes_of(id).len();
    if links.len() != linked || host.sides.len() != linked + registration {
        return Err(format!("node {id} has streams left over: {:?}", host.sides));
    }
    Ok(())
}

/// Follows the log of a node from its beginning: each line must fit to those before it.
fn read_log(end: &State, id: usize) -> Result<BTreeMap<String, Row>, String> {
    let host = &end.world.nodes[id].host;
    let mut rows = BTreeMap::new();
    for (at, line) in host.log.iter().enumerate() {
        // Given names begin with a digit, and are quoted.
        let unquoted = line.replace('\'', "");
        let words: Vec<&str> = unquoted.split(' ').collect();
        let row = words.get(1).and_then(|node| rows.get(*node).copied());
        let next = match (words[0], row, words.get(2).copied()) {
            ("attempting", None, _) => Some(Row::Attempt),
            ("nodeup", Some(Row::Attempt), _) => Some(Row::Announced),
            ("promote", Some(Row::Announced), _) => Some(Row::Up),
            ("disconnected", Some(Row::Attempt), Some("attempt")) => None,
            ("disconnected", Some(Row::Up), Some("link")) => Some(Row::Gone),
            ("nodedown", Some(Row::Gone), _) => None,
            ("not", ..) if rows.is_empty() => continue,
            // The first attempt of a node without a name may bring one.
            ("alive", ..) if rows.values().all(|row| *row == Row::Attempt) => continue,
            ("answer", ..) => {
                answer(end, id, at, &rows)?;
                continue;
            }
            _ => return Err(format!("{line} after {:?}", &host.log[..at])),
        };
        match next {
            Some(next) => _ = rows.insert(words[1].to_owned(), next),
            None => _ = rows.remove(words[1]),
        }
    }
    Ok(rows)
}

/// The answer at this place of the log says what is true there.
fn answer(end: &State, id: usize, at: usize, rows: &BTreeMap<String, Row>) -> Result<(), String> {
    let host = &end.world.nodes[id].host;
    // What was asked before the race began is not in the list.
    let Some((_, op, request)) = end
        .asked
        .iter()
        .find(|(who, _, request)| *who == id && host.answered.get(request) == Some(&at))
    else {
        return Ok(());
    };
    let row = |node: &str| rows.get(node).copied();
    let right = match (op, &host.answers[request]) {
        (Op::Connect(to) | Op::HiddenConnect(to), Answer::Connected(Ok(()))) => {
            row(to) == Some(Row::Up)
        }
        // Refused while there is something: only if the node was not alive.
        (Op::Connect(to) | Op::HiddenConnect(to), Answer::Connected(Err(_))) => {
            row(to) != Some(Row::Up) || !alive_at(end, id, at)
        }
        (Op::AutoConnect(to), Answer::AutoConnect(found)) => match found {
            Ok(AutoConnect::Begun) => row(to) == Some(Row::Attempt),
            Ok(AutoConnect::Deferred) => false,
            Ok(AutoConnect::Present) => row(to).is_some(),
            Ok(AutoConnect::Stale) => true,
            Err(_) => row(to).is_none(),
        },
        (Op::Disconnect(to), Answer::Disconnected(Ok(true))) => row(to).is_none(),
        (Op::Disconnect(_), Answer::Disconnected(_)) | (Op::Start(_), Answer::Started(_)) => true,
        (Op::Stop, Answer::Stopped(_)) => rows.is_empty(),
        _ => false,
    };
    if right {
        Ok(())
    } else {
        Err(format!("{:?} to {op:?} while {rows:?}", host.answers[request]))
    }
}

fn alive_at(end: &State, id: usize, at: usize) -> bool {
    // A node that stops is alive for nobody, though its links still end.
    let stopped = end.asked.iter().any(|(who, op, _)| (*who, *op) == (id, Op::Stop));
    !stopped && at > 0
}

/// Then every node stops, and nothing is left of it.
pub(crate) fn judge_the_stop(mut world: World) {
    for id in 0..world.nodes.len() {
        if world.nodes[id].frozen {
            continue;
        }
        world.stop(id);
        let node = &world.nodes[id];
        assert!(node.host.sides.is_empty(), "left over: {:?}", node.host.sides);
        assert_eq!(node.kernel.deadline(), None);
        let ups = node.host.log.iter().filter(|line| line.starts_with("nodeup")).count();
        let downs = node.host.log.iter().filter(|line| line.starts_with("nodedown")).count();
        assert_eq!(ups, downs);
    }
}
