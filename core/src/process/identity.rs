//! Who this node is, and the identifiers that it makes: none is made twice in one incarnation.

use crate::creation::Creation;
use crate::ids::{MailboxId, Mint as _, PingId};
use crate::name::NodeName;
use crate::term::{Pid, Reference};

/// Bits of a pid's `id`; its `serial` counts on from there. So many are valid whatever was negotiated.
pub(super) const ID_BITS: u32 = 28;

/// Bits of the first word of a reference. Erlang takes no more.
const FIRST_WORD_BITS: u32 = 18;

/// What this node is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Incarnation {
    pub(super) name: NodeName,
    pub(super) creation: Creation,
}

impl Incarnation {
    /// `nonode@nohost`, which a node is that is not alive.
    pub(super) fn nonode() -> Self {
        Self { name: NodeName::nonode(), creation: Creation(0) }
    }

    /// The pid with the number of a mailbox.
    pub(super) fn pid(&self, mailbox: MailboxId) -> Pid {
        let number = mailbox.get();
        Pid {
            node: self.name.as_atom().clone(),
            id: (number & ((1 << ID_BITS) - 1)) as u32,
            serial: (number >> ID_BITS) as u32,
            creation: self.creation,
        }
    }

    /// The other way round; `None` for a pid that this incarnation cannot have made.
    pub(super) fn number(&self, pid: &Pid) -> Option<MailboxId> {
        let ours = pid.creation == self.creation && pid.node == *self.name.as_atom();
        (ours && pid.id < 1 << ID_BITS)
            .then(|| MailboxId::from_number(u64::from(pid.serial) << ID_BITS | u64::from(pid.id)))
    }

    /// The reference with this number.
    //= docs/spec/process.md#process-references
    pub(super) fn reference(&self, number: u64) -> Reference {
        let words = [
            (number & ((1 << FIRST_WORD_BITS) - 1)) as u32,
            (number >> FIRST_WORD_BITS) as u32,
            (number >> (FIRST_WORD_BITS + 32)) as u32,
        ];
        Reference::of_words(self.name.as_atom().clone(), self.creation, words)
    }

    /// The other way round; `None` for a reference that this incarnation cannot have made.
    pub(super) fn ping(&self, reference: &Reference) -> Option<PingId> {
        let &[low, middle, high] = reference.words() else { return None };
        let number = u64::from(low)
            | u64::from(middle) << FIRST_WORD_BITS
            | u64::from(high) << (FIRST_WORD_BITS + 32);
        let ping = PingId::from_number(number);
        (self.reference(number) == *reference).then_some(ping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_with_more_bits_than_ours_have_is_none_of_ours() {
        let own = Incarnation { name: NodeName::new("a@b").unwrap(), creation: Creation(7) };
        let pid = own.pid(MailboxId::from_number(1 << ID_BITS));
        assert_eq!((pid.id, pid.serial), (0, 1));
        assert_eq!(own.number(&pid), Some(MailboxId::from_number(1 << ID_BITS)));
        let same_number = Pid { id: 1 << ID_BITS, serial: 0, ..pid };
        assert_eq!(own.number(&same_number), None);
    }

    #[test]
    fn references_are_pings_and_no_others_are() {
        let own = Incarnation { name: NodeName::new("a@b").unwrap(), creation: Creation(7) };
        for number in [1, 0x3_FFFF, 0x4_0000, 0x1234_5678_9ABC_DEF0, u64::MAX] {
            let ping = PingId::from_number(number);
            let reference = own.reference(number);
            assert!(reference.words()[0] < 1 << FIRST_WORD_BITS);
            assert_eq!(own.ping(&reference), Some(ping));
        }
        let strange = |creation, words: &[u32]| {
            own.ping(
                &Reference::new(own.name.as_atom().clone(), Creation(creation), words).unwrap(),
            )
        };
        assert_eq!(strange(7, &[1, 0]), None);
        assert_eq!(strange(8, &[1, 0, 0]), None, "of another incarnation");
        assert_eq!(strange(7, &[0x4_0001, 0, 0]), None, "a word that we never send");
        assert_eq!(strange(7, &[1, 0, 0x8000_0000]), None);
        assert_eq!(strange(7, &[1, 0, 0]), Some(PingId::from_number(1)));
    }
}
