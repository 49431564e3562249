//! Of which incarnations the pids, ports and references are that somebody writes: their text does not say. Another node tells by the pid of a
//! process that is spawned there.

use core::cell::RefCell;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use async_io::Timer;
use futures_lite::future;
use netkernel_smol::core::term::{Atom, Pid};
use netkernel_smol::core::{Creation, NodeName};
use netkernel_smol::{Mailbox, Mfa};

/// How long a node may take to tell.
const LIMIT: Duration = Duration::from_secs(10);

/// What is known of nodes, and which ones were asked for and are not known.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    known: BTreeMap<Atom, Creation>,
    unknown: RefCell<BTreeSet<Atom>>,
}

impl Ids {
    /// With the node of a process of ours.
    pub(crate) fn of(own: Option<Pid>) -> Self {
        let known = own.into_iter().map(|own| (own.node, own.creation)).collect();
        Self { known, unknown: RefCell::default() }
    }

    /// None if it is not known: no process has a pid like that.
    pub(crate) fn creation_of(&self, node: &Atom) -> Creation {
        self.known.get(node).copied().unwrap_or_else(|| {
            self.unknown.borrow_mut().insert(node.clone());
            Creation::NONE
        })
    }

    /// Whether all that was asked for is known.
    pub(crate) fn are_known(&self) -> bool {
        self.unknown.borrow().is_empty()
    }

    /// Asks the nodes that are not known. Those that do not tell stay so.
    pub(crate) async fn learn(&mut self, own: &Mailbox) {
        for node in self.unknown.take() {
            let late = async {
                Timer::after(LIMIT).await;
                None
            };
            if let Some(creation) = future::or(ask(own, &node), late).await {
                self.known.insert(node, creation);
            }
        }
    }
}

/// By a function that every node of Erlang has. Without it there is a pid as well.
async fn ask(own: &Mailbox, node: &Atom) -> Option<Creation> {
    let (node, word) = (NodeName::new(node).ok()?, |text| Atom::new(text).ok());
    let mfa = Mfa::new(word("erlang")?, word("is_alive")?, &[]).ok()?;
    Some(own.spawn(&node, mfa).await.ok()?.creation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_asked_for_once() {
        let [a, b] = ["a@h", "b@h"].map(|node| Atom::new(node).unwrap());
        let own = Pid { node: a.clone(), id: 1, serial: 0, creation: Creation(7) };
        let ids = Ids::of(Some(own));
        assert_eq!(ids.creation_of(&a), Creation(7));
        assert!(ids.are_known());
        assert_eq!([&b, &b].map(|node| ids.creation_of(node)), [Creation::NONE; 2]);
        assert!(!ids.are_known());
        assert_eq!(ids.unknown.take(), [b].into());
    }
}
