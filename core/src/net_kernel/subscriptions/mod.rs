//! Who wants to know which nodes come and go (`net_kernel:monitor_nodes/1,2`).
//!
//! [`MonitorOptions`] is what was asked for, [`NodeChange`] what happened, and [`NodeEvent`] what one subscriber gets of
//! it. [`Subscriptions`] knows no node, link or clock: it can be used without a kernel.
//!
//! What must not live here: queues, and the decision that a node is up or down.

mod error;
mod event;
mod options;

pub use error::MonitorNodesError;
pub use event::{ConnectionId, NodeChange, NodeEvent, NodeEventInfo};
pub use options::{MonitorOptions, NodeTypes};

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::ids::MailboxId;

/// All subscriptions of one node. They do not depend on whether it is alive.
///
/// Of each process it keeps at most 32 keys, one for each [`MonitorOptions`] there can be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subscriptions {
    /// The keys of each process, in the order in which it made them, and how often it asked.
    of: BTreeMap<MailboxId, Vec<(MonitorOptions, u64)>>,
}

impl Subscriptions {
    //= docs/spec/monitor.md#monitor-count
    /// `monitor_nodes(true, Options)`: one more copy of each event for these options.
    pub fn subscribe(&mut self, mailbox: MailboxId, options: MonitorOptions) {
        let keys = self.of.entry(mailbox).or_default();
        match keys.iter_mut().find(|(key, _)| *key == options) {
            Some((_, copies)) => *copies += 1,
            None => keys.push((options, 1)),
        }
    }

    //= docs/spec/monitor.md#monitor-false
    /// `monitor_nodes(false, Options)`: no copy any more for these options, however often they were asked for. Does nothing
    /// if they never were.
    pub fn unsubscribe(&mut self, mailbox: MailboxId, options: MonitorOptions) {
        let Some(keys) = self.of.get_mut(&mailbox) else { return };
        keys.retain(|(key, _)| *key != options);
        if keys.is_empty() {
            self.of.remove(&mailbox);
        }
    }

    //= docs/spec/monitor.md#monitor-death
    /// The process has ended.
    pub fn remove(&mut self, mailbox: MailboxId) {
        self.of.remove(&mailbox);
    }

    //= docs/spec/monitor.md#monitor-order
    /// Who gets an event of this change, for which options, and in how many copies: processes in the order of their ids,
    /// the options of one process in the order in which it first asked for them.
    pub fn matching(
        &self,
        change: &NodeChange,
    ) -> impl Iterator<Item = (MailboxId, MonitorOptions, u64)> {
        let node_type = change.node_type();
        self.of
            .iter()
            .flat_map(|(&mailbox, keys)| {
                keys.iter().map(move |&(key, copies)| (mailbox, key, copies))
            })
            .filter(move |(_, options, _)| options.wants(node_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeType;
    use crate::ids::Minter;
    use crate::name::NodeName;
    use proptest::collection::vec as many;
    use proptest::prelude::*;

    fn up(node_type: NodeType) -> NodeChange {
        let node = NodeName::new("b@127.0.0.1").unwrap();
        NodeChange::NodeUp { node, node_type, connection_id: ConnectionId::Undefined }
    }

    fn mailboxes<const N: usize>() -> [MailboxId; N] {
        let mut minter = Minter::default();
        core::array::from_fn(|_| minter.mint())
    }

    /// What is delivered, copy by copy.
    fn delivered(
        subscriptions: &Subscriptions,
        change: &NodeChange,
    ) -> Vec<(MailboxId, MonitorOptions)> {
        let copies = |(mailbox, options, copies)| (0..copies).map(move |_| (mailbox, options));
        subscriptions.matching(change).flat_map(copies).collect()
    }

    //= docs/spec/monitor.md#monitor-count
    //= type=test
    //= docs/spec/monitor.md#monitor-false
    //= type=test
    #[test]
    fn each_true_counts_and_one_false_takes_them_all() {
        let [process] = mailboxes();
        let (list, map) = (MonitorOptions::LIST, MonitorOptions::MAP);
        let mut subscriptions = Subscriptions::default();
        subscriptions.unsubscribe(process, list);
        for options in [list, map, list] {
            subscriptions.subscribe(process, options);
        }
        let change = up(NodeType::Visible);
        assert_eq!(delivered(&subscriptions, &change), [list, list, map].map(|key| (process, key)));
        subscriptions.unsubscribe(process, list);
        assert_eq!(delivered(&subscriptions, &change), [(process, map)]);
        subscriptions.unsubscribe(process, map);
        assert_eq!(subscriptions, Subscriptions::default(), "nothing is left of it");
    }

    //= docs/spec/monitor.md#monitor-types
    //= type=test
    #[test]
    fn events_go_to_those_who_asked_for_their_type() {
        let processes = mailboxes::<4>();
        let list = MonitorOptions::LIST;
        let all = [
            list,
            list.node_types(NodeTypes::Visible),
            list.node_types(NodeTypes::Hidden),
            list.node_types(NodeTypes::All),
        ];
        let mut subscriptions = Subscriptions::default();
        for (process, options) in processes.into_iter().zip(all) {
            subscriptions.subscribe(process, options);
        }
        let who = |node_type| {
            let delivered = delivered(&subscriptions, &up(node_type));
            delivered.into_iter().map(|(process, _)| process).collect::<Vec<_>>()
        };
        let [plain, visible, hidden, both] = processes;
        assert_eq!(who(NodeType::Visible), [plain, visible, both]);
        assert_eq!(who(NodeType::Hidden), [hidden, both]);
    }

    //= docs/spec/monitor.md#monitor-order
    //= type=test
    #[test]
    fn processes_are_served_by_id_and_options_by_age() {
        let [first, second] = mailboxes();
        let (list, map) = (MonitorOptions::LIST, MonitorOptions::MAP);
        let mut subscriptions = Subscriptions::default();
        for (process, options) in [(second, map), (second, list), (first, list), (second, map)] {
            subscriptions.subscribe(process, options);
        }
        let expected = [(first, list), (second, map), (second, map), (second, list)];
        assert_eq!(delivered(&subscriptions, &up(NodeType::Visible)), expected);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Subscribe(usize, MonitorOptions),
        Unsubscribe(usize, MonitorOptions),
        Remove(usize),
        Event(NodeType),
    }

    const PROCESSES: usize = 3;

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..PROCESSES, any::<MonitorOptions>()).prop_map(|(process, key)| Step::Subscribe(process, key)),
            2 => (0..PROCESSES, any::<MonitorOptions>()).prop_map(|(process, key)| Step::Unsubscribe(process, key)),
            1 => (0..PROCESSES).prop_map(Step::Remove),
            2 => any::<NodeType>().prop_map(Step::Event),
        ]
    }

    /// Every call so far from the beginning: which are still in force, and which of these match.
    fn replay(
        processes: [MailboxId; PROCESSES],
        calls: &[Step],
        node_type: NodeType,
    ) -> Vec<(MailboxId, MonitorOptions)> {
        let mut in_force: Vec<(usize, MonitorOptions)> = Vec::new();
        for call in calls {
            match *call {
                Step::Subscribe(process, key) => in_force.push((process, key)),
                Step::Unsubscribe(process, key) => in_force.retain(|call| *call != (process, key)),
                Step::Remove(process) => in_force.retain(|call| call.0 != process),
                Step::Event(_) => {}
            }
        }
        let first = |call| in_force.iter().position(|other| *other == call);
        let mut served = in_force.clone();
        served.sort_by_key(|call| (call.0, first(*call)));
        served.retain(|(_, key)| match node_type {
            NodeType::Hidden => key.hidden,
            NodeType::Visible => key.visible || !key.hidden,
        });
        served.into_iter().map(|(process, key)| (processes[process], key)).collect()
    }

    proptest! {
        //= docs/spec/monitor.md#monitor-count
        //= type=test
        //= docs/spec/monitor.md#monitor-false
        //= type=test
        //= docs/spec/monitor.md#monitor-death
        //= type=test
        //= docs/spec/monitor.md#monitor-order
        //= type=test
        #[test]
        fn subscriptions_agree_with_a_naive_model(steps in many(step(), 1..80)) {
            let processes = mailboxes();
            let mut subscriptions = Subscriptions::default();
            for (done, step) in steps.iter().enumerate() {
                match *step {
                    Step::Subscribe(process, key) => subscriptions.subscribe(processes[process], key),
                    Step::Unsubscribe(process, key) => subscriptions.unsubscribe(processes[process], key),
                    Step::Remove(process) => subscriptions.remove(processes[process]),
                    Step::Event(node_type) => prop_assert_eq!(
                        delivered(&subscriptions, &up(node_type)),
                        replay(processes, &steps[..done], node_type)
                    ),
                }
            }
        }
    }
}
