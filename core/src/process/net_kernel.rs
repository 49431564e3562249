//! The service `net_kernel`: it answers the question whether this node is there, which is what a ping is, and hands what else
//! it is asked to the kernel, if the node serves that.

use alloc::vec::Vec;
use bytes::Bytes;

use super::Origin;
use super::old_spawn::OldSpawn;
use super::reason::NOPROC;
use crate::flags::Flags;
use crate::link::Frame;
use crate::name::NodeName;
use crate::net_kernel::Reply;
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

/// What a process of another node asks of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// A call, to be handed to [`NetKernel::request`](crate::net_kernel::NetKernel::request) with the [node](Caller::node) of its
    /// caller.
    Call {
        /// What is asked: one term without version byte.
        body: Bytes,
        /// Who is to be answered.
        caller: Caller,
    },
    /// A cast, to be handed to [`NetKernel::cast`](crate::net_kernel::NetKernel::cast).
    Cast {
        /// What is asked: one term without version byte.
        body: Bytes,
    },
}

/// Whoever waits for the answer to a call in the manner of `gen`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The process that is asked.
    own: Pid,
    from: Pid,
    /// One term, to be given back with the reply: a reference, or a list of one and what else `gen` puts there.
    tag: Bytes,
    /// What was agreed on for the link.
    flags: Flags,
}

impl Caller {
    /// The node of the process that asks.
    #[must_use]
    pub const fn node(&self) -> &Atom {
        &self.from.node
    }

    /// Who asks.
    pub(super) const fn pid(&self) -> &Pid {
        &self.from
    }

    /// The frame that answers the call, to be queued on the link that it came from; `None` if there is nothing to say.
    #[must_use]
    pub fn answer(&self, reply: &Reply) -> Option<Frame> {
        let signal = self.signal(reply)?;
        if !self.flags.contains(signal.needed_flags()) {
            return None;
        }
        Frame::new(&signal, self.flags)
    }

    /// Where a reply goes, so that it is dropped if nobody waits any more.
    fn alias(&self) -> Option<Reference> {
        let alias = alias_in(&self.tag).filter(|alias| *alias.node() == self.from.node);
        alias.filter(|_| self.flags.contains(Flags::ALIAS))
    }

    fn signal(&self, reply: &Reply) -> Option<Control> {
        match reply {
            Reply::Term(term) => {
                let mut out = Vec::with_capacity(64 + self.tag.len());
                write::version(&mut out);
                write::tuple(&mut out, 2);
                out.extend_from_slice(&self.tag);
                write::term(&mut out, term).ok()?;
                let message = out.into();
                //= docs/spec/channel.md#ch-is-auth
                Some(match self.alias() {
                    Some(to) => {
                        let from = Some(self.own.clone());
                        Control::AliasSend { from, to, message, token: None }
                    }
                    None => {
                        Control::Send { from: None, to: self.from.clone(), message, token: None }
                    }
                })
            }
            Reply::Never => None,
            //= docs/spec/channel.md#ch-gen-call-unserved
            Reply::Nobody => {
                let reference = reference_in(&self.tag)?;
                let from = Monitored::Name(Atom::literal(NAME));
                let (to, reason) = (self.from.clone(), NOPROC.term());
                Some(Control::MonitorPExit { from, to, reference, reason })
            }
        }
    }
}

/// Bytes of a message that is looked at.
const MESSAGE_MAX_BYTES: usize = 64 << 10;

/// What becomes of a message for the service.
pub(super) enum Taken {
    /// It is answered by this frame.
    Answered(Frame),
    /// It is for the kernel.
    Asked(Request),
    /// It has a message in it, for the process with this name.
    PassedOn(Atom, Bytes),
    /// It asks for a process.
    Spawns(OldSpawn, Caller),
    /// It is none that leads to anything.
    Ignored,
}

/// Takes a message for the service (`net_kernel:handle_call/3`). The question of a ping is answered by `yes`. Unless the
/// kernel is to `serve` others, the caller of anything else is told that nobody is there to answer it, by its monitor, so
/// that it does not wait in vain.
///
/// A message of another form is none of the peer's faults: anybody may send anything to a process.
//= docs/spec/channel.md#ch-is-auth
pub(super) fn take(origin: &Origin, own: Pid, message: &Bytes, serve: bool) -> Taken {
    //= docs/spec/requests.md#request-limits
    let short = message.len() <= MESSAGE_MAX_BYTES;
    match parse(origin, own, message) {
        Ok(Some(Message::Request(request))) => decide(request, short, serve),
        //= docs/spec/requests.md#request-system
        Ok(Some(Message::System(caller))) => {
            caller.answer(&Reply::Nobody).map_or(Taken::Ignored, Taken::Answered)
        }
        //= docs/spec/requests.md#request-registered-send
        Ok(Some(Message::RegisteredSend(to, body))) if short && to.as_str() != NAME => {
            let mut message = Vec::with_capacity(body.len() + 1);
            write::version(&mut message);
            message.extend_from_slice(&body);
            Taken::PassedOn(to, message.into())
        }
        Ok(Some(Message::RegisteredSend(..)) | None) | Err(_) => Taken::Ignored,
    }
}

/// What a message has in it.
enum Message {
    Request(Request),
    /// A call of `sys`.
    System(Caller),
    /// A message for another process, without version byte.
    RegisteredSend(Atom, Bytes),
}

/// Of a request that is not `short` no more is given back than the reference, for its tag may be as long as it is.
fn decide(request: Request, short: bool, serve: bool) -> Taken {
    if let (Request::Call { body, caller }, true) = (&request, short) {
        if let Some(spawn) = OldSpawn::parse(body) {
            return Taken::Spawns(spawn, caller.clone());
        }
    }
    let (caller, reply) = match &request {
        Request::Call { body, caller } if short && is_ping(body) => {
            (caller, Reply::Term(Atom::literal("yes").into()))
        }
        Request::Call { .. } | Request::Cast { .. } if short && serve => {
            return Taken::Asked(request);
        }
        //= docs/spec/requests.md#request-switch
        Request::Call { caller, .. } => (caller, Reply::Nobody),
        Request::Cast { .. } => return Taken::Ignored,
    };
    caller.answer(&reply).map_or(Taken::Ignored, Taken::Answered)
}

fn parse(origin: &Origin, own: Pid, message: &Bytes) -> Result<Option<Message>, TermError> {
    let mut reader = Reader::new(message);
    reader.version()?;
    let arity = reader.tuple()?;
    if arity == 4 {
        return registered_send(message, reader);
    }
    let label = reader.atom()?;
    match (&*label, arity) {
        ("$gen_call" | "system", 3) => {
            if reader.tuple()? != 2 {
                return Ok(None);
            }
            let (from, tag) = (reader.pid()?, message.slice_ref(reader.raw()?));
            let body = message.slice_ref(reader.raw()?);
            // The answer goes back on the link of the request, so it can reach that node only.
            //= docs/spec/channel.md#ch-is-auth-elsewhere
            if from.node != *origin.node.as_atom() {
                return Ok(None);
            }
            let caller = Caller { own, from, tag, flags: origin.flags };
            Ok(Some(match &*label {
                "system" => Message::System(caller),
                _ => Message::Request(Request::Call { body, caller }),
            }))
        }
        ("$gen_cast", 2) => {
            let body = message.slice_ref(reader.raw()?);
            Ok(Some(Message::Request(Request::Cast { body })))
        }
        _ => Ok(None),
    }
}

/// `{From,registered_send,Name,Message}`, of which the tuple is read.
fn registered_send(message: &Bytes, mut reader: Reader<'_>) -> Result<Option<Message>, TermError> {
    reader.raw()?;
    if &*reader.atom()? != "registered_send" {
        return Ok(None);
    }
    let to = Atom::new(&reader.atom()?).ok();
    let body = message.slice_ref(reader.raw()?);
    Ok(to.map(|to| Message::RegisteredSend(to, body)))
}

fn is_ping(body: &[u8]) -> bool {
    let mut reader = Reader::new(body);
    matches!(reader.tuple(), Ok(2)) && reader.atom().is_ok_and(|what| &*what == "is_auth")
}

/// The reference of the caller's monitor: `Ref`, or that of an alias.
fn reference_in(tag: &[u8]) -> Option<Reference> {
    Reader::new(tag).reference().ok().or_else(|| alias_in(tag))
}

/// The alias of a tag that is `[alias|Ref]` or `[[alias|Ref]|_]`.
fn alias_in(tag: &[u8]) -> Option<Reference> {
    let mut reader = Reader::new(tag);
    reader.list().ok()?;
    if !reader.at_atom() {
        reader.list().ok()?;
    }
    let marked = &*reader.atom().ok()? == "alias";
    reader.reference().ok().filter(|_| marked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creation::Creation;
    use crate::term::Term;
    use alloc::string::ToString as _;

    const REF: &str = "#Ref<0.3.2.1>";

    fn origin() -> Origin {
        let node = NodeName::new("a@h").unwrap();
        Origin { node, creation: Creation(7), flags: Flags::SERVED.without(Flags::DIST_HEADER) }
    }

    fn pid(node: &str) -> Pid {
        Pid { node: Atom::new(node).unwrap(), id: 1, serial: 0, creation: Creation(7) }
    }

    fn reference() -> Reference {
        Reference::new(Atom::new("a@h").unwrap(), Creation(7), &[1, 2, 3]).unwrap()
    }

    /// `{'$gen_call',{From,[alias|Ref]},Request}`.
    fn call(from: &str, request: &str) -> Bytes {
        let mut out = Vec::new();
        write::version(&mut out);
        write::tuple(&mut out, 3);
        write::literal(&mut out, "$gen_call");
        write::tuple(&mut out, 2);
        write::pid(&mut out, &pid(from));
        write::list(&mut out, 1);
        write::literal(&mut out, "alias");
        write::reference(&mut out, &reference());
        write::term(&mut out, &request.parse().unwrap()).unwrap();
        out.into()
    }

    fn encoded(term: &str) -> Bytes {
        let mut out = Vec::new();
        term.parse::<Term>().unwrap().encode(&mut out).unwrap();
        out.into()
    }

    fn asked(message: &Bytes) -> Option<Request> {
        match take(&origin(), pid("b@h"), message, true) {
            Taken::Asked(request) => Some(request),
            Taken::Answered(_) | Taken::PassedOn(..) | Taken::Spawns(..) | Taken::Ignored => None,
        }
    }

    /// What the frame of an answer says, as Erlang's terms one after another.
    fn said(frame: &[u8]) -> Vec<Term> {
        let mut reader = Reader::new(&frame[5..]);
        let mut terms = Vec::new();
        while !reader.is_empty() {
            reader.version().unwrap();
            terms.push(reader.term(&crate::term::Limits::default()).unwrap());
        }
        terms
    }

    //= docs/spec/requests.md#request-switch
    //= type=test
    #[test]
    fn requests_are_for_the_kernel_if_the_node_serves_them_and_noproc_if_not() {
        let message = call("a@h", "{connect,normal,b@h}");
        let Some(Request::Call { body, caller }) = asked(&message) else { panic!("it is served") };
        assert_eq!([&[131][..], &body].concat(), encoded("{connect,normal,b@h}"));
        let frame = caller.answer(&Reply::Term(true.into())).unwrap();
        let [_, answer] = &said(&frame.to_bytes())[..] else { panic!("a SEND has a message") };
        let [tag, reply] = answer.as_tuple().unwrap() else { panic!("{answer}") };
        assert!(tag.to_string().starts_with("[alias|#Ref<"), "{tag}, such as {REF}");
        assert_eq!(reply, &true.into());
        assert_eq!(caller.answer(&Reply::Never), None);

        let Taken::Answered(refused) = take(&origin(), pid("b@h"), &message, false) else {
            panic!("noproc")
        };
        assert_eq!(Some(&refused), caller.answer(&Reply::Nobody).as_ref());
        assert_eq!(said(&refused.to_bytes())[1].to_string(), "noproc");
        let cast = encoded("{'$gen_cast',{async_disconnect,b@h}}");
        assert!(matches!(take(&origin(), pid("b@h"), &cast, false), Taken::Ignored));
        let body = encoded("{async_disconnect,b@h}").slice(1..);
        assert_eq!(asked(&cast), Some(Request::Cast { body }));

        // A ping is answered in any case.
        for serve in [false, true] {
            let ping = take(&origin(), pid("b@h"), &call("a@h", "{is_auth,a@h}"), serve);
            assert!(matches!(ping, Taken::Answered(_)));
        }
    }

    //= docs/spec/channel.md#ch-is-auth-elsewhere
    //= type=test
    //= docs/spec/requests.md#request-casts
    //= type=test
    #[test]
    fn other_messages_lead_to_nothing() {
        for message in [
            call("b@h", "{connect,normal,b@h}"),
            call("b@h", "{is_auth,b@h}"),
            encoded("foo"),
            encoded("{'$gen_call',foo,bar}"),
            encoded("{'$gen_call',{foo,bar},baz}"),
            encoded("{'$gen_cast'}"),
            encoded("{'$gen_cast',foo,bar}"),
            encoded("{'$gen_foo',foo}"),
            encoded("{foo,registered_send,net_kernel,baz}"),
            encoded("{foo,registered_send,5,baz}"),
            encoded("{foo,registered_send,bar,baz,x}"),
            encoded("{foo,registered_sent,bar,baz}"),
            encoded("{foo,badcookie,bar,baz}"),
            encoded("{system,foo,get_state}"),
            Bytes::new(),
            Bytes::from_static(b"\x83h"),
        ] {
            assert!(
                matches!(take(&origin(), pid("b@h"), &message, true), Taken::Ignored),
                "{message:?}"
            );
        }
    }

    //= docs/spec/requests.md#request-registered-send
    //= type=test
    #[test]
    fn messages_for_others_are_passed_on() {
        let message = |body: &str| encoded(&alloc::format!("{{foo,registered_send,bar,{body}}}"));
        for serve in [false, true] {
            let taken = take(&origin(), pid("b@h"), &message("{baz,[1]}"), serve);
            let Taken::PassedOn(to, passed_on) = taken else { panic!("it is passed on") };
            assert_eq!((to.as_str(), passed_on), ("bar", encoded("{baz,[1]}")));
        }
        let long = message(&alloc::format!("{:?}", "x".repeat(66_000)));
        assert!(matches!(take(&origin(), pid("b@h"), &long, true), Taken::Ignored));
    }

    //= docs/spec/requests.md#request-system
    //= type=test
    #[test]
    fn nobody_answers_calls_of_sys() {
        let mut out = call("a@h", "get_state").to_vec();
        // The same with another label.
        let label = encoded("'$gen_call'").slice(1..);
        assert_eq!(out[3..3 + label.len()], label);
        out.splice(3..3 + label.len(), encoded("system").slice(1..));
        let out = out.into();
        for serve in [false, true] {
            let Taken::Answered(frame) = take(&origin(), pid("b@h"), &out, serve) else {
                panic!("an answer")
            };
            assert_eq!(said(&frame.to_bytes())[1].to_string(), "noproc");
        }
    }

    //= docs/spec/requests.md#request-limits
    //= type=test
    #[test]
    fn a_message_that_is_too_long_is_not_for_the_kernel() {
        let list = |len| call("a@h", &alloc::format!("{{allow,{:?}}}", "x".repeat(len)));
        assert!(asked(&list(40_000)).is_some());
        let long = list(66_000);
        assert!(long.len() > MESSAGE_MAX_BYTES);
        let Taken::Answered(refused) = take(&origin(), pid("b@h"), &long, true) else {
            panic!("noproc")
        };
        assert_eq!(said(&refused.to_bytes())[1].to_string(), "noproc");
    }

    //= docs/spec/requests.md#request-limits
    //= type=test
    #[test]
    fn a_long_tag_is_not_given_back() {
        let ping = |len: usize| {
            let mut out = Vec::new();
            write::version(&mut out);
            write::tuple(&mut out, 3);
            write::literal(&mut out, "$gen_call");
            write::tuple(&mut out, 2);
            write::pid(&mut out, &pid("a@h"));
            // [[alias|Ref]|Binary]
            write::list(&mut out, 1);
            write::list(&mut out, 1);
            write::literal(&mut out, "alias");
            write::reference(&mut out, &reference());
            out.push(109);
            out.extend((len as u32).to_be_bytes());
            out.resize(out.len() + len, 7);
            out.extend_from_slice(&encoded("{is_auth,a}")[1..]);
            let Taken::Answered(frame) = take(&origin(), pid("b@h"), &out.into(), true) else {
                panic!("an answer")
            };
            frame.to_bytes()
        };
        let answer = said(&ping(50_000));
        assert!(answer[1].to_string().ends_with(",yes}"));
        let refused = ping(9 << 20);
        assert!(refused.len() < 256, "{}", refused.len());
        assert_eq!(said(&refused)[1].to_string(), "noproc");
    }
}
