//! Calls of a kernel, and what their answers may be.

use alloc::vec::Vec;

use super::kernel::{World, name};
use super::model::Model;
use super::source::Source;
use crate::ids::{LinkId, Mint as _};
use crate::name::NodeName;
use crate::net_kernel::{
    Answer, AutoConnect, ConnectError, DistAutoConnect, NotAlive, StopError, TicktimeChange,
    TicktimeError, TicktimeState,
};

/// What a call was, so that its answer can be judged.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    Start { nameless: bool },
    Stop,
    Halt,
    Connect(NodeName),
    AutoConnect(NodeName, Option<LinkId>),
    Disconnect,
    Names,
    GetOpts,
    SetOpts,
    NodeInfo(NodeName),
    NodesInfo,
}

/// Entries for the allow list.
const ENTRIES: [&str; 6] = ["a@h", "z@h", "b@h", "h", "b@", "elsewhere"];

impl World {
    /// The calls that the first table of operations does not have.
    pub(super) fn call(&mut self, op: u8, source: &mut Source<'_>) {
        self.allow_outputs();
        let now = self.model.now;
        match op & 7 {
            0 => self.allow(source),
            1 => self.auto_connect(source),
            2 => {
                let node = name(source);
                let request = self.kernel.hidden_connect_node(now, node.clone());
                self.called(request, Call::Connect(node));
            }
            3 => self.set_net_ticktime(source),
            4 => {
                let node = name(source);
                let request = self.kernel.node_info(now, &node);
                self.called(request, Call::NodeInfo(node));
            }
            5 => {
                let request = self.kernel.nodes_info(now);
                self.called(request, Call::NodesInfo);
            }
            6 => {
                let request = self.kernel.halt(now);
                self.called(request, Call::Halt);
            }
            _ => {
                // Also the node's own name, which the kernel does not know yet or any more.
                let node = self.model.alive.clone().unwrap_or_else(|| name(source));
                let request = self.kernel.connect_node(now, node.clone());
                self.called(request, Call::Connect(node));
            }
        }
    }

    fn allow(&mut self, source: &mut Source<'_>) {
        let entry = ENTRIES[source.below(ENTRIES.len())];
        let expected = if self.kernel.is_alive() { Ok(()) } else { Err(NotAlive) };
        assert_eq!(self.kernel.allow(&[entry]), expected);
        if expected.is_ok() && !self.model.allowed.contains(&entry) {
            self.model.allowed.push(entry);
        }
    }

    fn auto_connect(&mut self, source: &mut Source<'_>) {
        let (node, seen) = (name(source), source.below(3));
        let seen = match seen {
            0 => self.model.last_links.get(&node).copied(),
            1 => None,
            _ => Some(LinkId::from_number(u64::MAX)),
        };
        let request = self.kernel.auto_connect(self.model.now, &node, seen);
        self.called(request, Call::AutoConnect(node, seen));
    }

    fn set_net_ticktime(&mut self, source: &mut Source<'_>) {
        let (seconds, transition) = (u32::from(source.byte()), u32::from(source.byte() & 0x1F));
        let before = self.kernel.get_net_ticktime();
        let answer = self.kernel.set_net_ticktime(self.model.now, seconds, transition);
        let after = self.kernel.get_net_ticktime();
        match (before, answer) {
            (_, Err(error)) => assert_eq!((seconds, error), (0, TicktimeError::Ticktime)),
            (None, Ok(answer)) => assert_eq!((answer, after), (None, None), "not alive"),
            (Some(TicktimeState::Steady(was)), Ok(Some(TicktimeChange::Unchanged))) => {
                assert_eq!((was, after), (seconds, before));
            }
            (Some(TicktimeState::Steady(was)), Ok(Some(TicktimeChange::ChangeInitiated))) => {
                let done =
                    [TicktimeState::Steady(seconds), TicktimeState::OngoingChangeTo(seconds)];
                assert!(was != seconds && after.is_some_and(|after| done.contains(&after)));
            }
            (
                Some(TicktimeState::OngoingChangeTo(to)),
                Ok(Some(TicktimeChange::OngoingChangeTo(told))),
            ) => assert_eq!(to, told),
            // The change had come to its end, and nobody had looked yet.
            (Some(TicktimeState::OngoingChangeTo(_)), Ok(Some(_))) => {}
            (Some(before), Ok(answer)) => panic!("{answer:?} while {before:?}"),
        }
    }
}

impl Model {
    /// All outputs before the answer were carried out: this node has the rows that the kernel had when it answered.
    pub(super) fn judge(&mut self, call: Call, answer: Answer) {
        match (call, answer) {
            (Call::Connect(node), Answer::Connected(Ok(()))) => {
                let up = self.rows.get(&node).is_some_and(|row| row.up.is_some());
                assert!(up || self.is_own(&node), "connected with {node}?");
            }
            (Call::AutoConnect(node, seen), Answer::AutoConnect(result)) => {
                self.judge_wish(&node, seen, &result);
            }
            (Call::Connect(_), Answer::Connected(Err(error))) => {
                let only_for_wishes = [ConnectError::Barred, ConnectError::NotAutomatic];
                assert!(!only_for_wishes.contains(&error));
            }
            (Call::Disconnect, Answer::Disconnected(_))
            | (Call::Names, Answer::Names(_))
            | (Call::GetOpts, Answer::GetOpts(_))
            | (Call::SetOpts, Answer::SetOpts(_)) => {}
            (Call::Start { nameless: true }, Answer::Started(Ok(name))) => {
                assert_eq!((name, &self.alive), (NodeName::nonode(), &None));
                self.nameless = true;
            }
            (Call::Start { .. }, Answer::Started(result)) => {
                assert!(result.is_err() || result.ok() == self.alive);
            }
            (Call::Stop, Answer::Stopped(Err(StopError::NotAllowed))) => {}
            (Call::Stop | Call::Halt, Answer::Stopped(result)) => {
                assert!(self.rows.is_empty() && self.alive.is_none());
                assert!(matches!(result, Ok(()) | Err(StopError::NotFound)));
                self.nameless = false;
            }
            (Call::NodeInfo(node), Answer::NodeInfo(result)) => {
                assert!(result.is_err() || result.is_ok_and(|info| info.node == node));
            }
            (Call::NodesInfo, Answer::NodesInfo(infos)) => {
                let nodes: Vec<_> = infos.iter().map(|info| &info.node).collect();
                assert!(nodes.is_sorted_by(|one, next| one < next));
            }
            (call, answer) => panic!("{answer:?} to {call:?}"),
        }
    }

    fn judge_wish(
        &self,
        node: &NodeName,
        seen: Option<LinkId>,
        result: &Result<AutoConnect, ConnectError>,
    ) {
        let has_row = self.rows.contains_key(node);
        let is_late = self.last_links.get(node).copied() > seen;
        match result {
            Ok(AutoConnect::Begun) => {
                // The attempt that has begun is the last one by now.
                assert!(self.auto_connect != DistAutoConnect::Never);
                assert!(has_row, "nothing has begun");
            }
            Ok(AutoConnect::Deferred) => assert!(!has_row && self.nameless && !is_late),
            Ok(AutoConnect::Present) => assert!(!is_late && (has_row || self.is_own(node))),
            Ok(AutoConnect::Stale) => assert!(is_late),
            Err(ConnectError::Barred) => {
                assert!(!is_late && !has_row && self.auto_connect == DistAutoConnect::Once);
                assert!(self.last_links.contains_key(node));
            }
            Err(ConnectError::NotAutomatic) => {
                assert!(!has_row && self.auto_connect == DistAutoConnect::Never);
            }
            Err(ConnectError::NotAllowed | ConnectError::Name(_)) => assert!(!has_row),
            Err(ConnectError::NotAlive) => {}
            Err(error) => panic!("{error} is no answer to a wish"),
        }
    }

    fn is_own(&self, node: &NodeName) -> bool {
        self.alive.as_ref() == Some(node)
    }
}
