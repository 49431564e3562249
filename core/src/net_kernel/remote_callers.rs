//! Processes of other nodes that wait for the answer to a request.

use alloc::collections::BTreeMap;

use crate::ids::RequestId;
use crate::term::Atom;

/// Callers of one node that may wait at a time, over all links with it.
const WAITING_MAX: usize = 1024;

/// Who waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct RemoteCallers {
    /// The node of each.
    waiting: BTreeMap<RequestId, Atom>,
    /// How many wait, of each node of which any does.
    by_node: BTreeMap<Atom, usize>,
}

impl RemoteCallers {
    /// Whether one more process of this node may wait.
    pub(super) fn has_room(&self, node: &Atom) -> bool {
        self.by_node.get(node).is_none_or(|waiting| *waiting < WAITING_MAX)
    }

    pub(super) fn insert(&mut self, request: RequestId, node: Atom) {
        *self.by_node.entry(node.clone()).or_default() += 1;
        self.waiting.insert(request, node);
    }

    /// The request is answered, whoever made it.
    pub(super) fn answered(&mut self, request: RequestId) {
        let Some(node) = self.waiting.remove(&request) else { return };
        if let Some(count) = self.by_node.get_mut(&node) {
            *count -= 1;
            if *count == 0 {
                self.by_node.remove(&node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Minter;

    //= docs/spec/requests.md#request-limits
    //= type=test
    #[test]
    fn a_node_has_so_many_callers_and_no_trace_is_left_of_them() {
        let (mut callers, mut minter) = (RemoteCallers::default(), Minter::default());
        let [a, b] = ["a@h", "b@h"].map(|name| Atom::new(name).unwrap());
        let requests: alloc::vec::Vec<_> = (0..WAITING_MAX).map(|_| minter.mint()).collect();
        for request in &requests {
            assert!(callers.has_room(&a));
            callers.insert(*request, a.clone());
        }
        assert!(!callers.has_room(&a) && callers.has_room(&b));
        callers.answered(minter.mint());
        assert!(!callers.has_room(&a), "that was somebody else's");
        callers.answered(requests[0]);
        callers.insert(requests[0], a.clone());
        assert!(!callers.has_room(&a), "the others wait on");
        for request in requests {
            callers.answered(request);
            callers.answered(request);
            assert!(callers.has_room(&a));
        }
        assert_eq!(callers, RemoteCallers::default());
    }
}
