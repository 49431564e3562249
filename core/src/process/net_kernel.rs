//! The service `net_kernel`: it answers the question whether this node is there, which is what a ping is, and no other.

use alloc::vec::Vec;
use bytes::Bytes;

use super::signals::NOPROC;
use crate::name::NodeName;
use crate::term::{Atom, Pid, Reader, Reference, TermError, write};
use crate::wire::control::{Control, Monitored};

/// The name that the service is registered under.
pub(super) const NAME: &str = "net_kernel";

/// Makes the request of a ping: `{'$gen_call',{From,Tag},{is_auth,Own}}`. `tag` is one term without version byte.
pub(super) fn is_auth(from: &Pid, tag: impl FnOnce(&mut Vec<u8>), own: &NodeName) -> Bytes {
    let mut out = Vec::with_capacity(256);
    write::version(&mut out);
    write::tuple(&mut out, 3);
    write::literal(&mut out, "$gen_call");
    write::tuple(&mut out, 2);
    write::pid(&mut out, from);
    tag(&mut out);
    write::tuple(&mut out, 2);
    write::literal(&mut out, "is_auth");
    write::atom(&mut out, own.as_atom());
    out.into()
}

/// The answer to a message for the service, if it is one that gets an answer (`net_kernel:handle_call/3`): `yes` to the
/// question of a ping. The caller of anything else is told that nobody is there to answer it, by its monitor, so that it does
/// not wait in vain.
///
/// A message of another form is none of the peer's faults: anybody may send anything to a process.
//= docs/spec/channel.md#ch-is-auth
//= docs/spec/channel.md#ch-gen-call-unserved
pub(super) fn answer(peer: &NodeName, message: &[u8]) -> Option<Control> {
    let call = Call::parse(message).ok()??;
    // The answer goes back on the link of the request, so it can reach that node only.
    //= docs/spec/channel.md#ch-is-auth-elsewhere
    if call.from.node != *peer.as_atom() {
        return None;
    }
    if !call.is_auth {
        let reference = reference_in(call.tag)?;
        let from = Monitored::Name(Atom::literal(NAME));
        return Some(Control::MonitorPExit { from, to: call.from, reference, reason: NOPROC });
    }
    let mut out = Vec::with_capacity(8 + call.tag.len());
    write::version(&mut out);
    write::tuple(&mut out, 2);
    // The tag is the caller's to understand: a reference, or a list of one and what else `gen` puts there.
    out.extend_from_slice(call.tag);
    write::literal(&mut out, "yes");
    Some(Control::Send { to: call.from, message: out.into() })
}

/// A call in the manner of `gen`.
struct Call<'a> {
    from: Pid,
    /// One term, to be given back with the reply.
    tag: &'a [u8],
    is_auth: bool,
}

impl<'a> Call<'a> {
    fn parse(message: &'a [u8]) -> Result<Option<Self>, TermError> {
        let mut reader = Reader::new(message);
        reader.version()?;
        if reader.tuple()? != 3 || &*reader.atom()? != "$gen_call" || reader.tuple()? != 2 {
            return Ok(None);
        }
        let (from, tag) = (reader.pid()?, reader.raw()?);
        let is_auth =
            matches!(reader.tuple(), Ok(2)) && reader.atom().is_ok_and(|what| &*what == "is_auth");
        Ok(Some(Self { from, tag, is_auth }))
    }
}

/// The reference of the caller's monitor: `Ref`, `[alias|Ref]` or `[[alias|Ref]|_]`.
fn reference_in(tag: &[u8]) -> Option<Reference> {
    let mut reader = Reader::new(tag);
    for _ in 0..2 {
        if let Ok(reference) = reader.clone().reference() {
            return Some(reference);
        }
        reader.list().ok()?;
        if reader.at_atom() {
            reader.atom().ok()?;
        }
    }
    reader.reference().ok()
}
