//! The last links of nodes that have no row any more: a wish that was made before them came too late.

use alloc::collections::BTreeMap;

use crate::ids::LinkId;
use crate::name::NodeName;

/// Nodes that are remembered. Of one that is forgotten, a late wish counts as a fresh one: it costs an attempt that
/// nobody waits for.
const KEPT: usize = 1024;

/// The last link or attempt of each node, those that ended last if there are too many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct PastLinks {
    by_node: BTreeMap<NodeName, LinkId>,
    by_link: BTreeMap<LinkId, NodeName>,
}

impl PastLinks {
    pub(super) fn note(&mut self, node: &NodeName, link: LinkId) {
        if let Some(before) = self.by_node.insert(node.clone(), link) {
            self.by_link.remove(&before);
        }
        self.by_link.insert(link, node.clone());
        if self.by_link.len() > KEPT
            && let Some((_, oldest)) = self.by_link.pop_first()
        {
            self.by_node.remove(&oldest);
        }
    }

    pub(super) fn last(&self, node: &NodeName) -> Option<LinkId> {
        self.by_node.get(node).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Minter;

    #[test]
    fn the_last_link_of_each_node_is_kept_and_the_oldest_are_forgotten() {
        let (mut past, mut minter) = (PastLinks::default(), Minter::default());
        let node = |i: usize| NodeName::new(&alloc::format!("n{i}@host")).unwrap();
        past.note(&node(0), minter.mint());
        let last = minter.mint();
        past.note(&node(0), last);
        assert_eq!(past.last(&node(0)), Some(last));
        for i in 1..=KEPT {
            past.note(&node(i), minter.mint());
        }
        assert_eq!((past.last(&node(0)), past.by_node.len()), (None, KEPT));
        assert!(past.last(&node(1)).is_some());
    }
}
