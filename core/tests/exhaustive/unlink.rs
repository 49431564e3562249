//! Two processes that link, unlink and end, with a queue of signals each way: the protocol of `UNLINK_ID`.

use crate::checker::{Scene, explore};
use crate::cluster::{Cluster, pair};
use bytes::Bytes;
use netkernel_core::MailboxId;
use netkernel_core::term::Pid;
use netkernel_core::wire::control::Control;

#[derive(Clone, Debug, PartialEq, Hash)]
struct Pair {
    cluster: Cluster,
    mailboxes: [MailboxId; 2],
    pids: [Pid; 2],
    /// What each is still to do, in any order.
    links: [u8; 2],
    unlinks: [u8; 2],
    ends: [bool; 2],
    /// Whether the link of the nodes may still be lost.
    loss: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Link(usize),
    Unlink(usize),
    /// The process ends.
    End(usize),
    /// The next signal of this node arrives.
    Carry(usize),
    /// The link of the nodes is lost, and there is a new one.
    Lose,
}

impl Pair {
    fn new(links: [u8; 2], unlinks: [u8; 2]) -> Self {
        let (cluster, mailboxes, pids) = pair();
        Self { cluster, mailboxes, pids, links, unlinks, ends: [false; 2], loss: false }
    }

    /// Only the first has a link: it was spawned for the second, which has abandoned the request, and the exit signal that says
    /// so is under way.
    fn abandoned(links: [u8; 2], unlinks: [u8; 2]) -> Self {
        let mut pair = Self::new(links, unlinks);
        let [to, from] = pair.pids.clone();
        pair.cluster.inject(1, 0, Control::Link { from: from.clone(), to: to.clone() });
        pair.cluster.settle();
        let reason = Bytes::from_static(b"w\x09abandoned");
        pair.cluster.inject(1, 0, Control::Exit { from, to, reason, token: None });
        pair
    }

    fn lives(&self, node: usize) -> bool {
        self.cluster.lives(node, self.mailboxes[node])
    }

    /// Whether this node's process has a link with the other's.
    fn linked(&self, node: usize) -> bool {
        !self.cluster.links(node, self.mailboxes[node]).is_empty()
    }
}

impl Scene for Pair {
    type Act = Act;

    fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        for node in [0, 1] {
            let other = 1 - node;
            if self.lives(node) {
                acts.extend((self.links[node] > 0).then_some(Act::Link(node)));
                acts.extend((self.unlinks[node] > 0).then_some(Act::Unlink(node)));
                acts.extend(self.ends[node].then_some(Act::End(node)));
            }
            acts.extend(
                (!self.cluster.waiting(node, other).is_empty()).then_some(Act::Carry(node)),
            );
        }
        acts.extend(self.loss.then_some(Act::Lose));
        acts
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Link(node) => {
                self.links[node] -= 1;
                self.cluster.link(node, self.mailboxes[node], &self.pids[1 - node]);
            }
            Act::Unlink(node) => {
                self.unlinks[node] -= 1;
                self.cluster.unlink(node, self.mailboxes[node], &self.pids[1 - node]);
                assert!(!self.linked(node), "who unlinks is not linked any more");
            }
            Act::End(node) => {
                self.ends[node] = false;
                self.cluster.terminate(node, self.mailboxes[node], "bye");
            }
            Act::Carry(node) => {
                let other = 1 - node;
                let (lived, linked) = (self.lives(other), self.linked(other));
                self.cluster.carry(node, other);
                assert!(!lived || linked || self.lives(other), "ended by nobody's exit");
            }
            Act::Lose => {
                self.loss = false;
                self.cluster.disconnect(0, 1);
                self.cluster.connect(0, 1);
            }
        }
    }

    fn tell(&self) -> String {
        format!("{:#?}", self.cluster)
    }
}

/// What must hold when no signal is under way and nobody does anything any more.
fn judge(begin: &Pair, end: &Pair) -> Result<String, String> {
    let (lives, linked) = ([0, 1].map(|node| end.lives(node)), [0, 1].map(|node| end.linked(node)));
    if linked[0] != linked[1] {
        return Err(format!("they do not agree: {linked:?}"));
    }
    if end.cluster.is_forgotten() == linked[0] {
        return Err("something is left over".to_owned());
    }
    if !end.cluster.violations.is_empty() {
        return Err(format!("{:?}", end.cluster.violations));
    }
    let (links, unlinks) = (begin.links != [0, 0], begin.unlinks != [0, 0]);
    if lives == [true, true] && links && !unlinks && !begin.loss && !linked[0] {
        return Err("the link is gone".to_owned());
    }
    Ok(format!("live {lives:?}, linked {}", linked[0]))
}

fn outcomes(what: &str, begin: Pair) -> Vec<String> {
    let before = begin.clone();
    explore(what, begin, move |end| judge(&before, end)).outcomes.into_keys().collect()
}

const NOT_LINKED: &str = "live [true, true], linked false";
const LINKED: &str = "live [true, true], linked true";

//= docs/spec/process.md#process-unlink-ack
//= type=test
//= docs/spec/process.md#process-unlink-received
//= type=test
#[test]
fn both_agree_on_a_link_whatever_crosses() {
    assert_eq!(outcomes("links of both", Pair::new([2, 2], [0, 0])), [LINKED]);
    for (links, unlinks) in [([2, 0], [2, 0]), ([2, 1], [1, 1]), ([2, 2], [2, 2])] {
        let what = format!("links {links:?}, unlinks {unlinks:?}");
        assert_eq!(outcomes(&what, Pair::new(links, unlinks)), [NOT_LINKED, LINKED]);
    }
}

//= docs/spec/process.md#process-unlink-ack
//= type=test
//= docs/spec/process.md#process-exit-received
//= type=test
#[test]
fn an_end_that_crosses_links_and_unlinks_ends_those_that_are_linked_and_leaves_nothing() {
    let begin = Pair { ends: [true, false], ..Pair::new([1, 2], [1, 2]) };
    let ends = ["live [false, false], linked false", "live [false, true], linked false"];
    assert_eq!(outcomes("the end of one", begin), ends);
    let begin = Pair { ends: [true, true], ..Pair::new([1, 1], [1, 1]) };
    assert_eq!(outcomes("the ends of both", begin), ["live [false, false], linked false"]);
}

//= docs/spec/process.md#process-unlink-ack
//= type=test
//= docs/spec/process.md#process-exit-received
//= type=test
#[test]
fn both_agree_on_a_link_whatever_crosses_the_exit_signal_of_one_who_lives() {
    let begin = Pair::abandoned([0, 2], [1, 1]);
    let ends = [
        "live [false, false], linked false",
        "live [false, true], linked false",
        NOT_LINKED,
        LINKED,
    ];
    assert_eq!(outcomes("an exit of who lives", begin), ends);
}

//= docs/spec/process.md#process-exit-received
//= type=test
#[test]
fn the_loss_of_the_link_of_their_nodes_ends_those_that_are_linked_and_leaves_nothing() {
    let begin = Pair { loss: true, ..Pair::new([2, 1], [1, 1]) };
    let ends = [
        "live [false, false], linked false",
        "live [false, true], linked false",
        "live [true, false], linked false",
        NOT_LINKED,
        LINKED,
    ];
    assert_eq!(outcomes("a loss", begin), ends);
}
