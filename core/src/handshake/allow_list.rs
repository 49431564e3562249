//! Which nodes may have a link with us (`net_kernel:allow/1`).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::name::{NodeName, PeerName};

/// The allow list. An empty one lets everybody in. A clone is a snapshot, and costs a counter.
///
/// An entry is a full name (`b@host`), a host (`host`), or a name on whatever host (`b@`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AllowList(Arc<Entries>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Entries {
    in_order: Vec<String>,
    sorted: BTreeSet<String>,
}

impl AllowList {
    /// A list of these entries.
    #[must_use]
    pub fn new(entries: &[String]) -> Self {
        let mut list = Self::default();
        list.extend(&entries.iter().map(String::as_str).collect::<Vec<_>>());
        list
    }

    /// Appends entries, each of them once. Clones taken before do not change.
    pub fn extend(&mut self, entries: &[&str]) {
        let list = Arc::make_mut(&mut self.0);
        for &entry in entries {
            if list.sorted.insert(entry.into()) {
                list.in_order.push(entry.into());
            }
        }
    }

    /// The entries, in the order in which they came.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.0.in_order.iter().map(String::as_str)
    }

    fn is_empty(&self) -> bool {
        self.0.in_order.is_empty()
    }

    fn contains(&self, entry: &str) -> bool {
        self.0.sorted.contains(entry)
    }

    //= docs/spec/kernel.md#kernel-allow-incoming
    /// Whether a peer may connect that says this name, or only its host (`dist_util`, `is_allowed`).
    #[must_use]
    pub fn admits(&self, peer: &PeerName) -> bool {
        let said: String = peer.as_bytes().iter().map(|&b| char::from(b)).collect();
        let (name, host) = match said.find('@') {
            Some(at) => (&said[..=at], &said[at + 1..]),
            None => (said.as_str(), said.as_str()),
        };
        self.is_empty() || [said.as_str(), host, name].iter().any(|&entry| self.contains(entry))
    }

    //= docs/spec/kernel.md#kernel-allow-outgoing
    /// Whether this node may be dialled: hosts and names without host do not count (`net_kernel`, `setup_check`).
    #[must_use]
    pub fn lets_dial(&self, node: &NodeName) -> bool {
        self.is_empty() || self.contains(node.as_str())
    }
}

made_of!(AllowList, crate::any::Few<String>, |crate::any::Few(entries)| AllowList::new(&entries));

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/kernel.md#kernel-allow-incoming
    //= type=test
    #[test]
    fn incoming_entries_match_the_whole_name_the_host_or_the_name_on_any_host() {
        let mut list = AllowList::default();
        assert!(list.admits(&PeerName::new("x@y")), "an empty list is no list");
        list.extend(&[]);
        assert!(list.admits(&PeerName::new("x@y")), "and stays none");
        list.extend(&["a@one", "two", "c@"]);
        for (peer, admitted) in [
            ("a@one", true),
            ("b@one", false),
            ("b@two", true),
            ("two", true),
            ("c@one", true),
            ("one", false),
            ("c", false),
            ("b@three", false),
        ] {
            assert_eq!(list.admits(&PeerName::new(peer)), admitted, "{peer}");
        }
        list.extend(&["caf\u{e9}"]);
        assert!(list.admits(&PeerName::new(&b"x@caf\xE9"[..])), "the wire is Latin-1");
    }

    //= docs/spec/kernel.md#kernel-allow-outgoing
    //= type=test
    #[test]
    fn outgoing_entries_match_the_whole_name_only() {
        let mut list = AllowList::default();
        let node = |text| NodeName::new(text).unwrap();
        assert!(list.lets_dial(&node("b@two")));
        list.extend(&["a@one", "two", "c@"]);
        assert!(list.lets_dial(&node("a@one")));
        assert!(!list.lets_dial(&node("b@two")) && !list.lets_dial(&node("c@one")));
    }

    #[test]
    fn a_clone_is_a_snapshot() {
        let mut list = AllowList::default();
        let before = list.clone();
        list.extend(&["a@one"]);
        assert!(before.admits(&PeerName::new("x@y")) && !list.admits(&PeerName::new("x@y")));
        assert_eq!(list.entries().collect::<Vec<_>>(), ["a@one"]);
    }
}
