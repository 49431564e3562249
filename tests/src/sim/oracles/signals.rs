//! Signals of processes arrive as they were sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netkernel_core::LinkId;
use netkernel_core::wire::control::{Control, Monitored};

use crate::sim::ActorId;
use crate::sim::observe::{Fact, Kinds, Oracle, Seen};
use crate::sim::world::World;

/// What arrives on a connection from one process for another is a prefix of what the one sent the other there: nothing is lost, doubled,
/// overtaken or changed. What was sent on a link that is up on both sides at the end has arrived.
///
/// *Antecedent*: both sides are machines of this world. Names have no pids: the end of a process that was monitored by name comes from that
/// name here, and that it overtakes nothing is for `relations` to find. Who refuses to spawn is nobody.
#[derive(Debug, Default)]
pub struct Signals {
    /// By number of the connection, node that sends, and pair.
    under_way: BTreeMap<(u64, ActorId, String), VecDeque<Control>>,
    /// The connections of the links of each machine.
    conns: BTreeMap<(ActorId, LinkId), u64>,
}

impl Oracle for Signals {
    fn name(&self) -> &'static str {
        "signals"
    }

    fn wants(&self) -> Kinds {
        Kinds::PROCESSES.and(Kinds::LINKS).and(Kinds::LIFE)
    }

    fn observe(&mut self, seen: &Seen, world: &World<'_>) -> Result<(), String> {
        let Some(actor) = seen.actor else { return Ok(()) };
        match &seen.fact {
            Fact::Crashed { .. } => {
                let own =
                    |((of, _), conn): (&(ActorId, LinkId), &u64)| (*of == actor).then_some(*conn);
                let conns: BTreeSet<u64> = self.conns.iter().filter_map(own).collect();
                self.conns.retain(|(of, _), _| *of != actor);
                self.under_way.retain(|(at, by, _), _| *by == actor || !conns.contains(at));
            }
            Fact::Promoted { conn, promotion, .. } => {
                self.conns.insert((actor, promotion.link), *conn);
            }
            Fact::Disconnected { link, .. } => {
                if let Some(conn) = self.conns.remove(&(actor, *link)) {
                    // Nothing arrives here any more.
                    let sent_here = |of: &ActorId| world.nodes().len() > of.0 && *of != actor;
                    self.under_way.retain(|(at, by, _), _| *at != conn || !sent_here(by));
                }
            }
            Fact::Signalled { conn, signal, .. } => {
                let key = (*conn, actor, pair(signal));
                self.under_way.entry(key).or_default().push_back(signal.clone());
            }
            Fact::Arrived { conn, signal, .. } => return self.arrived(actor, *conn, signal),
            _ => {}
        }
        Ok(())
    }

    fn at_end(&mut self, _world: &World<'_>) -> Result<(), String> {
        for ((conn, from, pair), signals) in &self.under_way {
            let sides = self.conns.values().filter(|of| *of == conn).count();
            if let Some(next) = signals.front()
                && sides == 2
            {
                return Err(format!("{next:?} of {from:?}, {pair}, never came on conn#{conn}"));
            }
        }
        Ok(())
    }
}

impl Signals {
    fn arrived(&mut self, actor: ActorId, conn: u64, signal: &Control) -> Result<(), String> {
        let pair = pair(signal);
        let mut keys = self.under_way.keys();
        let key = keys.find(|(on, by, of)| (*on, of) == (conn, &pair) && *by != actor).cloned();
        let next = key.and_then(|key| {
            let queue = self.under_way.get_mut(&key)?;
            let next = queue.pop_front();
            if queue.is_empty() {
                self.under_way.remove(&key);
            }
            next
        });
        if next.as_ref() != Some(signal) {
            return Err(format!("{signal:?} on conn#{conn}, where {next:?} is next"));
        }
        Ok(())
    }
}

/// From whom to whom.
fn pair(signal: &Control) -> String {
    let from = match signal {
        Control::MonitorPExit { from: Monitored::Name(name), .. } => name.to_string(),
        _ => signal.sender().map(ToString::to_string).unwrap_or_default(),
    };
    let to = match signal {
        Control::Link { to, .. }
        | Control::Send { to, .. }
        | Control::Exit { to, .. }
        | Control::UnlinkId { to, .. }
        | Control::UnlinkIdAck { to, .. }
        | Control::Exit2 { to, .. }
        | Control::MonitorPExit { to, .. }
        | Control::GroupLeader { to, .. }
        | Control::ExitNoPid { to, .. }
        | Control::SpawnReply { to, .. }
        | Control::MonitorP { to: Monitored::Pid(to), .. }
        | Control::DemonitorP { to: Monitored::Pid(to), .. } => to.to_string(),
        Control::RegSend { to, .. }
        | Control::MonitorP { to: Monitored::Name(to), .. }
        | Control::DemonitorP { to: Monitored::Name(to), .. } => to.to_string(),
        Control::AliasSend { to, .. } => to.to_string(),
        Control::Altact { to, .. } => format!("{to:?}"),
        Control::LinkNoPid { to, .. } => format!("{to:02x?}"),
        Control::SpawnRequest(_) => "a new process".to_owned(),
    };
    format!("{from} -> {to}")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use netkernel_core::Creation;
    use netkernel_core::term::{Atom, Pid, Reference};
    use netkernel_core::wire::control::{SpawnFlags, Spawned};

    use super::*;
    use crate::sim::letter::Letter;
    use crate::sim::oracles::tests::{judge, link, mailbox};

    fn signal(number: u64) -> Control {
        let [from, to] = ["n0@h", "n1@h"].map(|node| {
            let node = Atom::new(node).unwrap();
            Pid { node, id: 1, serial: 0, creation: Creation(4) }
        });
        let message = Letter { from: ActorId(0), life: 1, number }.to_term(0);
        Control::Send { from: Some(from), to, message, token: None }
    }

    #[test]
    fn what_is_lost_doubled_or_overtaken_is_found() {
        let (link, conn) = (link(), 8);
        let come = |numbers: &[u64]| {
            let sent = [1, 2].map(|it| (0, Fact::Signalled { link, conn, signal: signal(it) }));
            let arrived = numbers.iter().map(|it| {
                let to = Some(mailbox());
                (1, Fact::Arrived { link, conn, to, signal: signal(*it) })
            });
            judge(&mut Signals::default(), sent.into_iter().chain(arrived).collect())
        };
        assert_eq!(come(&[1, 2]), Ok(()));
        assert!(come(&[2]).is_err() && come(&[2, 1]).is_err() && come(&[1, 1]).is_err());
        assert!(come(&[1, 2, 2]).is_err() && come(&[3]).is_err());
    }

    #[test]
    fn who_refuses_to_spawn_and_a_name_whose_process_has_ended_are_two() {
        let Control::Send { to, .. } = signal(1) else { panic!("it is one") };
        let refusal = Control::SpawnReply {
            request: Reference::new(to.node.clone(), to.creation, &[1]).unwrap(),
            to: to.clone(),
            flags: SpawnFlags::NONE,
            result: Spawned::Error(Atom::new("badopt").unwrap()),
            token: None,
        };
        let ends = [2, 3].map(|number| Control::MonitorPExit {
            from: Monitored::Name(Atom::new("a").unwrap()),
            to: to.clone(),
            reference: Reference::new(to.node.clone(), to.creation, &[number]).unwrap(),
            reason: Bytes::from_static(b"w\x06noproc"),
        });
        let [one, two] = ends;
        let (link, conn) = (link(), 8);
        let come = |order: [&Control; 3]| {
            let sent = [&one, &two, &refusal]
                .map(|signal| (0, Fact::Signalled { link, conn, signal: signal.clone() }));
            let arrived = order
                .map(|signal| (1, Fact::Arrived { link, conn, to: None, signal: signal.clone() }));
            judge(&mut Signals::default(), sent.into_iter().chain(arrived).collect())
        };
        assert_eq!(come([&refusal, &one, &two]), Ok(()));
        assert!(come([&two, &one, &refusal]).is_err());
    }

    #[test]
    fn what_has_arrived_or_cannot_any_more_is_forgotten() {
        let (link, conn) = (link(), 8);
        let sent = |by| (by, Fact::Signalled { link, conn, signal: signal(1) });
        let arrived = (1, Fact::Arrived { link, conn, to: Some(mailbox()), signal: signal(1) });
        let mut oracle = Signals::default();
        assert_eq!(judge(&mut oracle, vec![sent(0), arrived]), Ok(()));
        assert!(oracle.under_way.is_empty());
        oracle.conns.insert((ActorId(1), link), conn);
        let crashed = (1, Fact::Crashed { host: false });
        assert_eq!(judge(&mut oracle, vec![sent(0), sent(1), crashed]), Ok(()));
        let left: Vec<_> = oracle.under_way.keys().map(|(_, by, _)| *by).collect();
        assert_eq!((left, oracle.conns.len()), (vec![ActorId(1)], 0), "its own may still arrive");
    }
}
