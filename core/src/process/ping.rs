//! Pings of other nodes (`net_adm:ping/1`).

use alloc::collections::BTreeMap;

use super::registry::Incarnation;
use super::signals::answer;
use super::{Deliver, Origin, Processes, net_kernel};
use crate::ids::{Mint as _, Minter, PingId};
use crate::name::NodeName;
use crate::stream::Violation;
use crate::term::{Atom, Reader, Reference, TermError, write};
use crate::wire::control::{Control, Monitored};

/// Bits of the first word of a reference. Erlang takes no more.
const FIRST_WORD_BITS: u32 = 18;

/// The pings that wait for their result, each with the node that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pings {
    minter: Minter,
    waiting: BTreeMap<PingId, NodeName>,
}

impl Processes {
    /// Begins a ping of `node`, which need not be connected: the signals to send there, in this order. `None` while this
    /// node is not alive.
    ///
    /// [`Deliver::pong`] tells the result. There is no time limit, as in Erlang; the end of the link ends the ping.
    //= docs/spec/channel.md#ch-ping
    pub fn ping(&mut self, node: &NodeName) -> Option<(PingId, [Control; 2])> {
        let own = self.own.as_ref()?;
        let ping = self.pings.minter.mint();
        let (from, reference) = (own.pid(self.pinger), own.reference(ping)?);
        let message =
            net_kernel::is_auth(&from, |out| write::reference(out, &reference), &own.name);
        let to = Atom::literal(net_kernel::NAME);
        self.pings.waiting.insert(ping, node.clone());
        Some((
            ping,
            [
                Control::MonitorP {
                    from: from.clone(),
                    to: Monitored::Name(to.clone()),
                    reference,
                },
                Control::RegSend { from, to, message, token: None },
            ],
        ))
    }

    /// Forgets a ping: its result is not told.
    pub fn cancel_ping(&mut self, ping: PingId) {
        self.pings.waiting.remove(&ping);
    }

    /// [`Output::Disconnected`](crate::net_kernel::Output::Disconnected): nobody will answer what was asked of that node.
    //= docs/spec/channel.md#ch-ping-down
    pub fn connection_down(&mut self, node: &NodeName, deliver: &mut impl Deliver) {
        self.pings.waiting.retain(|&ping, asked| {
            let failed = asked == node;
            if failed {
                deliver.pong(ping, false);
            }
            !failed
        });
    }

    /// A message came to the process that pings.
    pub(super) fn ping_answered(
        &mut self,
        origin: &Origin,
        message: &[u8],
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        let Ok(Some((reference, yes))) = parse(message) else { return Ok(()) };
        let Some(ping) = self.end_ping(&origin.node, &reference) else { return Ok(()) };
        deliver.pong(ping, yes);
        let Some(own) = &self.own else { return Ok(()) };
        let to = Monitored::Name(Atom::literal(net_kernel::NAME));
        answer(origin, &Control::DemonitorP { from: own.pid(self.pinger), to, reference }, deliver)
    }

    /// A monitor told that what it watched is not there.
    pub(super) fn ping_refused(
        &mut self,
        origin: &Origin,
        reference: &Reference,
        deliver: &mut impl Deliver,
    ) {
        if let Some(ping) = self.end_ping(&origin.node, reference) {
            deliver.pong(ping, false);
        }
    }

    /// The ping with this reference, if it waits for this node.
    fn end_ping(&mut self, peer: &NodeName, reference: &Reference) -> Option<PingId> {
        let ping = self.own.as_ref()?.ping(reference)?;
        if self.pings.waiting.get(&ping)? != peer {
            return None;
        }
        self.pings.waiting.remove(&ping);
        Some(ping)
    }
}

impl Incarnation {
    fn reference(&self, ping: PingId) -> Option<Reference> {
        let number = ping.get();
        let words = [
            (number & ((1 << FIRST_WORD_BITS) - 1)) as u32,
            (number >> FIRST_WORD_BITS) as u32,
            (number >> (FIRST_WORD_BITS + 32)) as u32,
        ];
        Reference::new(self.name.as_atom().clone(), self.creation, &words)
    }

    /// The other way round; `None` for a reference that this incarnation cannot have made.
    fn ping(&self, reference: &Reference) -> Option<PingId> {
        let &[low, middle, high] = reference.words() else { return None };
        let number = u64::from(low)
            | u64::from(middle) << FIRST_WORD_BITS
            | u64::from(high) << (FIRST_WORD_BITS + 32);
        let ping = PingId::from_number(number);
        (self.reference(ping)? == *reference).then_some(ping)
    }
}

/// Takes `{Reference,Answer}` apart; `None` if the message has another form.
fn parse(message: &[u8]) -> Result<Option<(Reference, bool)>, TermError> {
    let mut reader = Reader::new(message);
    reader.version()?;
    if reader.tuple()? != 2 {
        return Ok(None);
    }
    let reference = reader.reference()?;
    Ok(Some((reference, reader.at_atom() && &*reader.atom()? == "yes")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creation::Creation;

    #[test]
    fn references_are_pings_and_no_others_are() {
        let own = Incarnation { name: NodeName::new("a@b").unwrap(), creation: Creation(7) };
        for number in [1, 0x3_FFFF, 0x4_0000, 0x1234_5678_9ABC_DEF0, u64::MAX] {
            let ping = PingId::from_number(number);
            let reference = own.reference(ping).unwrap();
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
