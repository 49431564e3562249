//! Links, and how the two sides of one agree on its end.
//!
//! Each side has its own view of a link. Who unlinks has no link from then on, but remembers the id of its UNLINK_ID until that
//! is acknowledged: until then the other side may believe in the link, and what it sends because of that is void.

use alloc::vec::Vec;
use core::num::NonZeroU64;

use super::addressed::Place;
use super::exits::Pending;
use super::reason::{NOCONNECTION, NOPROC, Reason};
use super::relations::Link;
use super::signals::answer;
use super::{Deliver, NoProcess, Origin, Processes, Reach};
use crate::ids::MailboxId;
use crate::stream::Violation;
use crate::term::Pid;
use crate::wire::control::Control;

/// What local processes do.
impl Processes {
    /// Links a process with another one (`erlang:link/1`). Nothing happens if they are linked. If the other one is not there, or
    /// cannot be reached, an exit signal comes from it: `noproc` or `noconnection`.
    ///
    /// # Errors
    /// [`NoProcess`].
    //= docs/spec/process.md#process-link
    pub fn link(
        &mut self,
        by: MailboxId,
        to: &Pid,
        deliver: &mut impl Deliver,
    ) -> Result<(), NoProcess> {
        self.process(by)?;
        let own = self.identity();
        match (own.place(to), self.mailbox(to)) {
            (Place::Elsewhere, _) => self.link_elsewhere(by, to, deliver),
            (_, Some(other)) => self.link_here(by, other),
            (_, None) => self.deliver_exits(Pending::link_exit(by, to.clone(), NOPROC), deliver),
        }
        Ok(())
    }

    /// Ends the link of a process with another one, if there is one (`erlang:unlink/1`): its end brings no exit signal from now
    /// on.
    ///
    /// # Errors
    /// [`NoProcess`].
    //= docs/spec/process.md#process-unlink
    pub fn unlink(
        &mut self,
        by: MailboxId,
        from: &Pid,
        deliver: &mut impl Deliver,
    ) -> Result<(), NoProcess> {
        self.process(by)?;
        if let Some(other) = self.mailbox(from) {
            self.unlink_here(by, other);
            return Ok(());
        }
        let id = self.next_unlink_id();
        let Some(process) = self.table.get_mut(&by) else { return Ok(()) };
        match process.links.get_mut(from) {
            Some(link @ Link { unlink: None, .. }) => link.unlink = Some(id),
            Some(_) | None => return Ok(()),
        }
        let unlink = Control::UnlinkId { id, from: self.identity().pid(by), to: from.clone() };
        // What is not sent, as to a process of an earlier incarnation, nobody acknowledges.
        if deliver.signal(&from.node, unlink) != Reach::Sent {
            self.remove_link_if(by, from, |link| link.unlink == Some(id));
        }
        Ok(())
    }

    /// The processes that a process is linked with, in the order of their pids; those of this node behind the others
    /// (`process_info(Pid, links)`).
    #[must_use]
    pub fn links(&self, of: MailboxId) -> Vec<Pid> {
        let Some(process) = self.table.get(&of) else { return Vec::new() };
        let active = process.links.iter().filter(|(_, link)| link.unlink.is_none());
        let own = self.identity();
        let here = process.local_links.iter().map(|&other| own.pid(other));
        active.map(|(pid, _)| pid.clone()).chain(here).collect()
    }

    /// Whether a process of this node is linked with one of another.
    pub(super) fn is_linked(&self, own: &Pid, other: &Pid) -> bool {
        let process = self.mailbox(own).and_then(|mailbox| self.table.get(&mailbox));
        let link = process.and_then(|process| process.links.get(other));
        link.is_some_and(|link| link.unlink.is_none())
    }

    fn link_elsewhere(&mut self, by: MailboxId, to: &Pid, deliver: &mut impl Deliver) {
        let from = self.identity().pid(by);
        let Some(process) = self.table.get(&by) else { return };
        if process.links.get(to).is_some_and(|link| link.unlink.is_none()) {
            return;
        }
        match self.send_to(&to.node, Control::Link { from, to: to.clone() }, deliver) {
            Reach::Sent | Reach::NotAgreed => self.add_link(by, to, false),
            Reach::NoConnection => {
                self.deliver_exits(Pending::link_exit(by, to.clone(), NOCONNECTION), deliver);
            }
        }
    }

    pub(super) fn link_here(&mut self, by: MailboxId, other: MailboxId) {
        for (one, two) in [(by, other), (other, by)] {
            if let Some(process) = self.table.get_mut(&one).filter(|_| one != two) {
                process.local_links.insert(two);
            }
        }
    }

    fn unlink_here(&mut self, by: MailboxId, other: MailboxId) {
        for (one, two) in [(by, other), (other, by)] {
            if let Some(process) = self.table.get_mut(&one) {
                process.local_links.remove(&two);
            }
        }
    }
}

/// What peers do.
impl Processes {
    /// LINK.
    //= docs/spec/process.md#process-link-received
    //= docs/spec/process.md#process-link-noproc
    pub(super) fn link_received(
        &mut self,
        origin: &Origin,
        from: Pid,
        to: Pid,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        let Some(mailbox) = self.mailbox(&to) else {
            let noproc = Control::Exit { from: to, to: from, reason: NOPROC.term(), token: None };
            return answer(origin, &noproc, deliver);
        };
        // One that crossed our UNLINK_ID is void: the other side removes its link when that arrives.
        if self.table.get(&mailbox).is_some_and(|process| process.links.contains_key(&from)) {
            return Ok(());
        }
        let relations = self.nodes.get(origin.node.as_atom());
        //= docs/spec/process.md#process-limits
        if relations.is_some_and(|it| it.links_by_peer >= self.limits.links_per_peer) {
            return Err(Violation::TooManyLinks);
        }
        self.add_link(mailbox, &from, true);
        Ok(())
    }

    /// UNLINK_ID. The acknowledgement goes out before anything else to that process.
    //= docs/spec/process.md#process-unlink-received
    pub(super) fn unlink_received(
        &mut self,
        origin: &Origin,
        id: NonZeroU64,
        (from, to): (Pid, Pid),
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        if let Some(mailbox) = self.mailbox(&to) {
            self.remove_link_if(mailbox, &from, |link| link.unlink.is_none());
        }
        answer(origin, &Control::UnlinkIdAck { id: id.get(), from: to, to: from }, deliver)
    }

    /// UNLINK_ID_ACK.
    //= docs/spec/process.md#process-unlink-ack
    pub(super) fn unlink_acknowledged(&mut self, id: u64, from: &Pid, to: &Pid) {
        if let Some(mailbox) = self.mailbox(to) {
            let is_it = |link: &Link| link.unlink.is_some_and(|unlink| unlink.get() == id);
            self.remove_link_if(mailbox, from, is_it);
        }
    }

    /// EXIT: void unless there is a link. It may come from one who lives and links anew, so an unlink goes on.
    //= docs/spec/process.md#process-exit-received
    pub(super) fn exit_received(
        &mut self,
        origin: &Origin,
        (from, to): (Pid, &Pid),
        reason: &[u8],
        deliver: &mut impl Deliver,
    ) {
        let Some(mailbox) = self.mailbox(to) else { return };
        let mut active = false;
        self.remove_link_if(mailbox, &from, |link| {
            active = link.unlink.is_none();
            // To a process of an earlier incarnation no unlink was sent, which so nobody acknowledges.
            active || from.creation != origin.creation
        });
        if active {
            self.deliver_exits(Pending::link_exit(mailbox, from, Reason::new(reason)), deliver);
        }
    }
}

/// The rows.
impl Processes {
    /// Makes a link, or makes it active again.
    pub(super) fn add_link(&mut self, of: MailboxId, with: &Pid, by_peer: bool) {
        let Some(process) = self.table.get_mut(&of) else { return };
        if let Some(link) = process.links.get_mut(with) {
            link.unlink = None;
            return;
        }
        process.links.insert(with.clone(), Link { by_peer, unlink: None });
        let relations = self.nodes.entry(with.node.clone()).or_default();
        relations.links.insert((of, with.clone()));
        relations.links_by_peer += usize::from(by_peer);
    }

    fn remove_link_if(
        &mut self,
        of: MailboxId,
        with: &Pid,
        condition: impl FnOnce(&Link) -> bool,
    ) -> bool {
        let Some(process) = self.table.get_mut(&of) else { return false };
        if !process.links.get(with).is_some_and(condition) {
            return false;
        }
        if let Some(link) = process.links.remove(with) {
            self.forget_link(of, with, &link);
        }
        true
    }

    /// Takes a link that its process does not have any more out of what is known of the other node.
    pub(super) fn forget_link(&mut self, of: MailboxId, with: &Pid, link: &Link) {
        let Some(relations) = self.nodes.get_mut(&with.node) else { return };
        if relations.links.remove(&(of, with.clone())) {
            relations.links_by_peer -= usize::from(link.by_peer);
        }
        self.tidy(&with.node);
    }
}

#[cfg(test)]
mod matrix;
