//! Any control message, for fuzzers and property tests: terms in it are terms, and what is no pid is none.

use alloc::boxed::Box;
use bytes::Bytes;
use core::num::NonZeroU64;

use super::{Content, Control, Monitored, Receiver, SpawnFlags, SpawnRequest, Spawned, Token};
use crate::term::{Atom, Encoded, Message, Pid, Reader, Reference};

/// What each is made of.
#[derive(Debug)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
enum Parts {
    Link(Pid, Pid),
    LinkNoPid(Pid, Encoded),
    Send(Option<Pid>, Pid, Message, Option<Token>),
    Exit(Pid, Pid, Encoded, Option<Token>),
    ExitNoPid(Encoded, Pid, Encoded),
    UnlinkId(NonZeroU64, Pid, Pid),
    UnlinkIdAck(u64, Pid, Pid),
    RegSend(Pid, Atom, Message, Option<Token>),
    GroupLeader(Pid, Pid),
    Exit2(Pid, Pid, Encoded, Option<Token>),
    MonitorP(Pid, Monitored, Reference),
    DemonitorP(Pid, Monitored, Reference),
    MonitorPExit(Monitored, Pid, Reference, Encoded),
    SpawnRequest(SpawnRequest),
    SpawnReply(Reference, Pid, SpawnFlags, Spawned, Option<Token>),
    AliasSend(Option<Pid>, Reference, Message, Option<Token>),
    Altact(Pid, Receiver, bool, Content, Option<Token>),
}

impl From<Parts> for Control {
    fn from(parts: Parts) -> Self {
        match parts {
            Parts::Link(from, to) => Self::Link { from, to },
            Parts::LinkNoPid(from, to) => Self::LinkNoPid { from, to: no_pid(to) },
            Parts::Send(from, to, Message(message), token) => {
                Self::Send { from, to, message, token }
            }
            Parts::Exit(from, to, Encoded(reason), token) => Self::Exit { from, to, reason, token },
            Parts::ExitNoPid(from, to, Encoded(reason)) => {
                Self::ExitNoPid { from: no_pid(from), to, reason }
            }
            Parts::UnlinkId(id, from, to) => Self::UnlinkId { id, from, to },
            Parts::UnlinkIdAck(id, from, to) => Self::UnlinkIdAck { id, from, to },
            Parts::RegSend(from, to, Message(message), token) => {
                Self::RegSend { from, to, message, token }
            }
            Parts::GroupLeader(leader, to) => Self::GroupLeader { leader, to },
            Parts::Exit2(from, to, Encoded(reason), token) => {
                Self::Exit2 { from, to, reason, token }
            }
            Parts::MonitorP(from, to, reference) => Self::MonitorP { from, to, reference },
            Parts::DemonitorP(from, to, reference) => Self::DemonitorP { from, to, reference },
            Parts::MonitorPExit(from, to, reference, Encoded(reason)) => {
                Self::MonitorPExit { from, to, reference, reason }
            }
            Parts::SpawnRequest(request) => Self::SpawnRequest(Box::new(request)),
            Parts::SpawnReply(request, to, flags, result, token) => {
                Self::SpawnReply { request, to, flags, result, token }
            }
            Parts::AliasSend(from, to, Message(message), token) => {
                Self::AliasSend { from, to, message, token }
            }
            Parts::Altact(from, to, priority, content, token) => {
                Self::Altact { from, to, priority, content, token }
            }
        }
    }
}

/// `[]` in place of a pid.
fn no_pid(Encoded(term): Encoded) -> Bytes {
    if Reader::new(&term).pid().is_ok() { Bytes::from_static(b"\x6A") } else { term }
}

made_of!(Control, Parts, Control::from);
made_of!(SpawnFlags, u32, |bits| SpawnFlags(bits % (1 << 27)));
made_of!(Token, Encoded, |Encoded(term)| {
    let nil = || Token::from_walked(Bytes::from_static(b"\x6A"));
    Token::new(term).unwrap_or_else(|_| nil())
});
made_of!(Content, Result<Message, Encoded>, |content| match content {
    Ok(Message(message)) => Content::Message(message),
    Err(Encoded(reason)) => Content::Exit(reason),
});
made_of!(
    SpawnRequest,
    (Reference, (Pid, Pid), (Atom, Atom), i64, (Encoded, Encoded), Option<Token>),
    |(request, (from, leader), (module, function), arity, terms, token)| {
        let (Encoded(options), Encoded(arguments)) = terms;
        // An integer of 60 bits.
        let arity = arity >> 4;
        SpawnRequest { request, from, leader, module, function, arity, options, arguments, token }
    }
);
