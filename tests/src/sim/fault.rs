//! What goes wrong, and that it ends.

use netkernel_core::net_kernel::Input;

use super::body::Message;
use super::choice::{Topic, pick};
use super::net::{End, Owner, Piece};
use super::observe::{Fact, FaultKind, Kinds};
use super::plan::{FaultClass, SECOND};
use super::shared::Event;
use super::world::World;
use super::{ActorId, HostId};

impl World<'_> {
    /// A fault comes, and the next is planned.
    pub(super) fn strike(&mut self) {
        if self.shared.peace || self.shared.plan.faults.is_empty() {
            return;
        }
        self.shared.counts.faults += 1;
        let faults = self.shared.plan.faults.clone();
        let class = pick(self.shared.choice, Topic::Fault, &faults);
        let longest = self.shared.plan.fault_max_ns;
        let until = self.shared.now + 1 + self.shared.choice.range(Topic::Fault, 0, longest);
        match class {
            FaultClass::Reset => self.reset(),
            FaultClass::Stall => self.stall(until),
            FaultClass::Partition => self.partition(until),
            FaultClass::Crash => {
                let nodes = 0..self.shared.plan.nodes;
                self.crash(nodes, until);
            }
            FaultClass::EpmdCrash => {
                let epmds = self.shared.plan.nodes..self.actors.len();
                self.crash(epmds, until);
            }
            FaultClass::HostCrash => self.host_crash(until),
            FaultClass::Pause => {
                let all = self.actors.len();
                let id = self.draw_below(all);
                self.actors[id].pause(until, &mut self.shared);
            }
            FaultClass::SlowReader => self.slow_reader(until),
            FaultClass::Unresolved => {
                let host = self.draw_below(self.shared.hosts.len());
                self.note_fault(FaultKind::Unresolved, Some(HostId(host)), until);
                self.shared.hosts[host].unresolved_until = until;
            }
            FaultClass::ListenerLost => self.lose_listener(until),
            FaultClass::Uncounted => self.lose_counters(),
            FaultClass::NameTaken => self.take_name(until),
        }
        self.plan_next(self.shared.plan.fault_every_ns, Topic::Fault, Event::Strike);
    }

    /// All faults end, and no other comes: what is down comes back, what is held up goes on.
    pub(super) fn heal(&mut self) {
        self.shared.peace = true;
        // What is left of the network is its latency.
        (self.shared.plan.jitter_ns, self.shared.plan.step_max_ns) = (0, 0);
        self.shared.note_world(Kinds::LIFE, || Fact::Liveness);
        self.shared.cuts.clear();
        for end in self.shared.net.heal(self.shared.now) {
            self.shared.at(self.shared.now, Event::Arrive(end));
        }
        for host in 0..self.shared.hosts.len() {
            self.shared.hosts[host].up = true;
            self.shared.hosts[host].unresolved_until = 0;
        }
        self.squatters_leave();
        for actor in &mut self.actors {
            actor.resume(&mut self.shared);
        }
        // EPMDs first.
        for id in (0..self.actors.len()).rev() {
            self.shared.at(self.shared.now, Event::Boot(ActorId(id)));
            let Some(process) = &mut self.actors[id].process else { continue };
            let paused: Vec<_> = process.body.live_streams().map(|stream| stream.id).collect();
            for stream in paused {
                process.body.unpause(stream, &mut self.shared);
            }
        }
    }

    fn draw_below(&mut self, bound: usize) -> usize {
        self.shared.choice.draw(Topic::Fault, bound as u64) as usize
    }

    fn any_end(&mut self) -> Option<End> {
        let ends: Vec<End> = self.shared.net.ends().collect();
        if ends.is_empty() {
            return None;
        }
        let end = ends[self.draw_below(ends.len())];
        Some(if self.shared.choice.chance(Topic::Fault, 500) { end.other() } else { end })
    }

    fn note_fault(&mut self, what: FaultKind, host: Option<HostId>, until: u64) {
        self.shared.note_world(Kinds::LIFE, || Fact::Fault { what, host, until });
    }

    fn reset(&mut self) {
        let Some(end) = self.any_end().filter(|end| self.shared.net.is_open(*end)) else { return };
        let until = self.shared.now;
        self.note_fault(FaultKind::Reset, self.shared.net.host(end), until);
        let both = self.shared.choice.chance(Topic::Fault, 500);
        for end in [Some(end), both.then_some(end.other())].into_iter().flatten() {
            self.shared.net.break_at(end);
            if let Owner::Guest(id) = self.shared.net.owner(end) {
                self.guest_hears(id, end, &Piece::Rst);
            }
            if let Owner::Actor(id, Some(stream)) = self.shared.net.owner(end)
                && let Some(process) = &mut self.actors[id.0].process
            {
                process.arrived(stream, &Piece::Rst, false, &mut self.shared);
            }
        }
    }

    fn stall(&mut self, until: u64) {
        let Some(end) = self.any_end() else { return };
        self.note_fault(FaultKind::Stall, self.shared.net.host(end), until);
        self.shared.net.stall(end, until);
    }

    fn partition(&mut self, until: u64) {
        let hosts = self.shared.hosts.len();
        let (one, two) = (self.draw_below(hosts), self.draw_below(hosts));
        if one == two {
            return;
        }
        let (one, two) = (HostId(one), HostId(two));
        self.note_fault(FaultKind::Partition, Some(one), until);
        self.shared.cuts.retain(|(.., until)| *until > self.shared.now);
        self.shared.cuts.push((one, two, until));
        let ends: Vec<End> = self.shared.net.ends().collect();
        for end in ends {
            let between = (self.shared.net.host(end), self.shared.net.host(end.other()));
            if between == (Some(one), Some(two)) || between == (Some(two), Some(one)) {
                self.shared.net.stall(end, until);
                self.shared.net.stall(end.other(), until);
            }
        }
    }

    fn crash(&mut self, of: core::ops::Range<usize>, until: u64) {
        let id = of.start + self.draw_below(of.len());
        if self.shared.hosts[self.actors[id].host.0].up {
            self.actors[id].crash(false, &mut self.shared);
            self.shared.at(until, Event::Boot(ActorId(id)));
        }
    }

    fn host_crash(&mut self, until: u64) {
        let hosts = self.shared.hosts.len();
        let host = HostId(self.draw_below(hosts));
        if !self.shared.hosts[host.0].up {
            return;
        }
        self.note_fault(FaultKind::HostDown, Some(host), until);
        for actor in &mut self.actors {
            if actor.host == host {
                actor.crash(true, &mut self.shared);
            }
        }
        self.shared.hosts[host.0].up = false;
        self.shared.at(until, Event::HostUp(host));
    }

    /// The node ends, as it has no network, and is started again later.
    fn lose_listener(&mut self, until: u64) {
        let node = self.draw_below(self.shared.plan.nodes);
        let Some(process) = &mut self.actors[node].process else { return };
        let Some(port) = process.body.port.take() else { return };
        self.shared.hosts[process.body.host.0].listeners.remove(&port);
        process.body.tell(Message::Input(Input::ListenerLost), &mut self.shared);
        self.shared.at(until, Event::StartAgain(ActorId(node)));
    }

    fn lose_counters(&mut self) {
        let Some(end) = self.any_end() else { return };
        if let Owner::Actor(id, Some(stream)) = self.shared.net.owner(end)
            && let Some(process) = &mut self.actors[id.0].process
            && let Some(stream) = process.body.stream(stream).filter(|it| it.link.is_some())
        {
            stream.uncounted = true;
        }
    }

    /// A node ends, and before it is back somebody else has registered its name.
    fn take_name(&mut self, until: u64) {
        let node = self.draw_below(self.shared.plan.nodes);
        let host = self.actors[node].host;
        if !self.shared.hosts[host.0].up {
            return;
        }
        self.actors[node].crash(false, &mut self.shared);
        self.note_fault(FaultKind::NameTaken, Some(host), until);
        self.squat(node, host, until);
        self.shared.at(until, Event::Boot(ActorId(node)));
        let later = until + self.shared.choice.range(Topic::Fault, 0, 3 * SECOND);
        self.shared.at(later, Event::StartAgain(ActorId(node)));
    }

    fn slow_reader(&mut self, until: u64) {
        let Some(end) = self.any_end() else { return };
        if let Owner::Actor(id, Some(stream)) = self.shared.net.owner(end)
            && let Some(process) = &mut self.actors[id.0].process
        {
            process.body.pause_reading(stream, until, &mut self.shared);
        }
    }
}
