//! The service `net_kernel`: it answers the question whether this node is there, which is what a ping is.

use alloc::vec::Vec;
use bytes::Bytes;

use crate::name::NodeName;
use crate::term::{Pid, Reader, TermError, write};
use crate::wire::control::Control;

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

/// The reply to a message for the service, if it is one that gets a reply (`net_kernel:handle_call/3`).
///
/// A message of another form is none of the peer's faults: anybody may send anything to a process.
//= docs/spec/channel.md#ch-is-auth
pub(super) fn reply(peer: &NodeName, message: &[u8]) -> Option<Control> {
    let (to, tag) = parse(message).ok()??;
    // The reply goes back on the link of the request, so it can reach that node only.
    //= docs/spec/channel.md#ch-is-auth-elsewhere
    if to.node != *peer.as_atom() {
        return None;
    }
    let mut out = Vec::with_capacity(8 + tag.len());
    write::version(&mut out);
    write::tuple(&mut out, 2);
    // The tag is the caller's to understand: a reference, or a list of one and what else `gen` puts there.
    out.extend_from_slice(tag);
    write::literal(&mut out, "yes");
    Some(Control::Send { to, message: out.into() })
}

/// Who asks, and the tag to give back; `None` if the message is not the one question.
fn parse(message: &[u8]) -> Result<Option<(Pid, &[u8])>, TermError> {
    let mut reader = Reader::new(message);
    reader.version()?;
    if reader.tuple()? != 3 || &*reader.atom()? != "$gen_call" || reader.tuple()? != 2 {
        return Ok(None);
    }
    let (from, tag) = (reader.pid()?, reader.raw()?);
    let asks = reader.tuple()? == 2 && &*reader.atom()? == "is_auth";
    Ok(asks.then_some((from, tag)))
}
