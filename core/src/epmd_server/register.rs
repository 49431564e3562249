//! The names: who is registered, and who was.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::creation::Creation;
use crate::ids::StreamId;
use crate::wire::epmd::{DumpRecord, Entry, Extra, Name, NameLine, PortInfo};

/// The nodes of this host, in the order in which they came and went. Look-up, registration and its end take a few steps
/// in trees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Register {
    /// How many names may be remembered before a new one takes a place.
    limit: usize,
    by_name: BTreeMap<Arc<str>, Turn>,
    active: BTreeMap<Turn, Node>,
    old: BTreeMap<Turn, Node>,
    last_turn: Turn,
    /// The highest creation of a name that is not remembered any more.
    forgotten: Creation,
}

/// When a node was registered or unregistered, in relation to the others.
type Turn = u64;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    name: Arc<str>,
    info: PortInfo,
    extra: Box<[u8]>,
    creation: Creation,
    stream: StreamId,
}

impl Register {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            by_name: BTreeMap::new(),
            active: BTreeMap::new(),
            old: BTreeMap::new(),
            last_turn: 0,
            forgotten: Creation::NONE,
        }
    }

    /// Registers a node (`node_reg2`); `None` if the name is taken. A name that nobody remembers begins at the creation
    /// behind `time`.
    //= docs/spec/epmd.md#epmd-server-creation
    pub(super) fn register(
        &mut self,
        entry: &Entry<'_>,
        stream: StreamId,
        time: Creation,
    ) -> Option<(Arc<str>, Creation)> {
        let known = self.by_name.get_key_value(entry.name.as_str());
        let (name, before) = match known.map(|(name, turn)| (Arc::clone(name), *turn)) {
            Some((_, turn)) if self.active.contains_key(&turn) => return None,
            Some((name, turn)) => (name, self.old.remove(&turn).map(|node| node.creation)),
            None => {
                self.forget_oldest();
                (Arc::from(entry.name.as_str()), None)
            }
        };
        let creation = before.unwrap_or_else(|| time.max(self.forgotten)).next();
        let turn = self.turn();
        self.by_name.insert(Arc::clone(&name), turn);
        let extra = entry.extra.as_bytes().into();
        let node = Node { name: Arc::clone(&name), info: entry.info, extra, creation, stream };
        self.active.insert(turn, node);
        Some((name, creation))
    }

    /// Makes room for a new name, if too many are remembered.
    //= docs/spec/epmd.md#epmd-server-remembered
    fn forget_oldest(&mut self) {
        if self.old.len() <= self.limit {
            return;
        }
        if let Some((_, node)) = self.old.pop_first() {
            self.by_name.remove(&node.name);
            self.forgotten = self.forgotten.max(node.creation);
        }
    }

    /// Ends a registration (`node_unreg`). False if there is no such node.
    pub(super) fn unregister(&mut self, name: &str) -> bool {
        let node = self.by_name.get(name).and_then(|turn| self.active.remove(turn));
        let Some(node) = node else { return false };
        let turn = self.turn();
        self.by_name.insert(Arc::clone(&node.name), turn);
        self.old.insert(turn, Node { extra: Box::default(), ..node });
        true
    }

    /// The stream that holds a registration.
    pub(super) fn holder(&self, name: Name<'_>) -> Option<StreamId> {
        self.active.get(self.by_name.get(name.as_str())?).map(|node| node.stream)
    }

    /// How a registered node is reached.
    pub(super) fn find<'a>(&'a self, name: Name<'a>) -> Option<Entry<'a>> {
        let node = self.active.get(self.by_name.get(name.as_str())?)?;
        let extra = Extra::new(&node.extra).unwrap_or_default();
        Some(Entry { info: node.info, name, extra })
    }

    /// How many nodes are registered.
    pub(super) fn len(&self) -> usize {
        self.active.len()
    }

    /// How many names are remembered of nodes that are gone.
    pub(super) fn remembered(&self) -> usize {
        self.old.len()
    }

    /// A line for each registered node, last registered first.
    //= docs/spec/epmd.md#epmd-server-names
    pub(super) fn names(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for node in self.active.values().rev() {
            NameLine { name: &node.name, port: node.info.port }.emit(&mut text);
        }
        text
    }

    /// A record for each registered node, last registered first; behind them those that are gone, first gone first.
    //= docs/spec/epmd.md#epmd-server-dump
    pub(super) fn dump(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let active = self.active.values().rev().map(|node| (true, node));
        for (active, node) in active.chain(self.old.values().map(|node| (false, node))) {
            let fd = u32::try_from(node.stream.get()).unwrap_or(u32::MAX);
            DumpRecord { active, name: &node.name, port: node.info.port, fd }.emit(&mut text);
        }
        text
    }

    fn turn(&mut self) -> Turn {
        self.last_turn += 1;
        self.last_turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Minter;

    //= docs/spec/epmd.md#epmd-server-remembered
    //= type=test
    #[test]
    fn of_a_node_that_is_gone_no_more_is_remembered_than_a_dump_tells() {
        let mut register = Register::new(5);
        let info = PortInfo { port: 1, node_type: b'M', protocol: 0, highest: 6, lowest: 5 };
        let (name, extra) = (Name::new(b"a").unwrap(), Extra::new(b"extra").unwrap());
        let entry = Entry { info, name, extra };
        register.register(&entry, Minter::default().mint(), Creation(7)).unwrap();
        assert_eq!(register.find(name), Some(entry));
        assert!(register.unregister("a"));
        assert_eq!((register.find(name), register.len(), register.remembered()), (None, 0, 1));
        assert!(register.old.values().all(|node| node.extra.is_empty()));
    }
}
