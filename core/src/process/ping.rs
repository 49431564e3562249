//! Pings of other nodes (`net_adm:ping/1`).

use alloc::collections::BTreeMap;

use super::signals::answer;
use super::{Deliver, Origin, Processes, net_kernel};
use crate::ids::PingId;
use crate::name::NodeName;
use crate::stream::Violation;
use crate::term::{Atom, Reader, Reference, TermError, write};
use crate::wire::control::{Control, Monitored};

/// The pings that wait for their result, each with the node that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pings {
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
        let ping = self.references.mint::<PingId>();
        let (from, reference) = (own.pid(self.pinger), own.reference(ping.get()));
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

    /// Forgets a ping: its result is not told, and its monitor ends.
    //= docs/spec/channel.md#ch-ping
    pub fn cancel_ping(&mut self, ping: PingId, deliver: &mut impl Deliver) {
        let Some(node) = self.pings.waiting.remove(&ping) else { return };
        let Some(own) = &self.own else { return };
        let (from, reference) = (own.pid(self.pinger), own.reference(ping.get()));
        let to = Monitored::Name(Atom::literal(net_kernel::NAME));
        let _ = deliver.signal(node.as_atom(), Control::DemonitorP { from, to, reference });
    }

    /// Nobody will answer what was asked of that node.
    //= docs/spec/channel.md#ch-ping-down
    pub(super) fn pings_down(&mut self, node: &NodeName, deliver: &mut impl Deliver) {
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
    use crate::term::Term;
    use alloc::vec::Vec;

    //= docs/spec/channel.md#ch-ping
    //= type=test
    #[test]
    fn a_pair_of_a_reference_and_yes_is_the_answer_of_a_node_that_is_there() {
        let reference = Reference::new(Atom::literal("a@h"), Creation(7), &[1, 2, 3]).unwrap();
        let read = |terms: &[Term]| {
            let mut out = Vec::new();
            Term::Tuple(terms.into()).encode(&mut out).unwrap();
            parse(&out)
        };
        for (answer, yes) in [("yes", true), ("no", false), ("5", false), ("[yes]", false)] {
            let pair = [reference.clone().into(), answer.parse().unwrap()];
            assert_eq!(read(&pair), Ok(Some((reference.clone(), yes))), "{answer}");
        }
        assert_eq!(read(&[reference.into()]), Ok(None));
        assert!(read(&[Term::literal("a"), Term::literal("yes")]).is_err());
    }
}
