//! The other ends of a kernel's streams: an EPMD and nodes that answer well, unless their mood says otherwise.

use alloc::vec::Vec;
use core::time::Duration;

use crate::cookie::Cookie;
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::flags::Flags;
use crate::handshake::{
    Acceptor, AcceptorConfig, AcceptorStep, AllowList, Failure, Greeting, Initiator,
    InitiatorConfig, InitiatorStep, NokCause, Own, Refusal, Welcome,
};
use crate::name::{NodeName, PeerName};
use crate::time::Instant;
use crate::wire::epmd::{
    Alive2Resp, EPMD_PORT, Entry, Extra, Listing, Port2Resp, PortInfo, Request,
};
use crate::wire::framing::Framing;

/// How far ends behave: a byte of the input, bit by bit.
#[derive(Clone, Copy, Default)]
pub(super) struct Mood(pub(super) u8);

impl Mood {
    /// The lowest three bits choose the answer of an EPMD or an acceptor.
    const fn answer(self) -> u8 {
        self.0 & 7
    }

    const fn declines(self) -> bool {
        self.0 & 0x08 != 0
    }

    const fn wrong_cookie(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// Something arrives on links.
    pub(super) const fn talks(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// Counters cannot be read.
    pub(super) const fn no_counters(self) -> bool {
        self.0 & 0x40 != 0
    }
}

pub(super) enum Far {
    Epmd,
    Acceptor(Acceptor),
    Initiator(Initiator),
    /// Has nothing more to say, and closes the stream unless there is a link.
    Mute,
}

const SETUP_TIME: Duration = Duration::from_secs(7);
/// Whatever is random at the far ends need not be.
const ENTROPY: Entropy = Entropy::new([9; 16]);

fn cookie(mood: Mood) -> Cookie {
    Cookie::new(if mood.wrong_cookie() { "OTHER" } else { "C" }).unwrap()
}

impl Far {
    /// A node that was dialled.
    pub(super) fn acceptor(node: &NodeName, now: Instant) -> Self {
        let config = AcceptorConfig {
            name: node.to_peer_name().unwrap(),
            creation: Creation(5),
            flags: Flags::SERVED | Flags::PUBLISHED,
            mandatory: Flags::MANDATORY_26,
            allowed: AllowList::default(),
            setup_time: SETUP_TIME,
            framing: Framing::Short,
        };
        Self::Acceptor(Acceptor::new(now, config, ENTROPY))
    }

    /// A node that dials `peer`: under this name, or if there is none, asking for one. Writes its first message.
    pub(super) fn initiator(
        name: Option<&str>,
        peer: NodeName,
        mood: Mood,
        out: &mut Vec<u8>,
    ) -> Self {
        let own = match name {
            Some(name) => {
                Own::Named { name: PeerName::new(name.as_bytes().to_vec()), creation: Creation(6) }
            }
            None => Own::Nameless { host: PeerName::new("h") },
        };
        let config = InitiatorConfig {
            own,
            peer,
            cookie: cookie(mood),
            flags: Flags::SERVED,
            mandatory: Flags::MANDATORY_26,
            setup_time: SETUP_TIME,
            framing: Framing::Short,
        };
        Self::Initiator(Initiator::new(config, ENTROPY, Instant::MAX, out))
    }

    /// Takes what the kernel wrote and appends the answer.
    pub(super) fn hear(self, bytes: &[u8], mood: Mood, out: &mut Vec<u8>) -> Self {
        match self {
            Self::Epmd => answer_request(bytes, mood, out),
            Self::Acceptor(acceptor) => {
                let step = acceptor.receive(Instant::ORIGIN, bytes, out);
                accept(step, mood, out)
            }
            Self::Initiator(initiator) => {
                let step = initiator.receive(Instant::ORIGIN, bytes, out);
                initiate(step, mood, out)
            }
            Self::Mute => Self::Mute,
        }
    }
}

/// An EPMD holds a registration, and closes the stream of everything else.
fn answer_request(bytes: &[u8], mood: Mood, out: &mut Vec<u8>) -> Far {
    match Request::parse(bytes).unwrap().unwrap() {
        Request::Alive2(_) => {
            let result = mood.answer() / 7;
            Alive2Resp::New { result, creation: bytes.len() as u32 }.emit(out);
            return Far::Epmd;
        }
        Request::PortPlease2 { .. } if mood.answer() == 7 => Port2Resp::NotFound.emit(out),
        Request::PortPlease2 { name } => {
            let info = PortInfo { port: 4001, node_type: 77, protocol: 0, highest: 6, lowest: 5 };
            Port2Resp::Found(Entry { info, name, extra: Extra::default() }).emit(out);
        }
        Request::Names => {
            let epmd_port = u32::from(EPMD_PORT) + u32::from(mood.answer() / 7);
            Listing { epmd_port, text: b"name a at port 4001\n" }.emit(out);
        }
        request @ (Request::Dump | Request::Kill | Request::Stop { .. }) => {
            panic!("a node never asks {request:?}")
        }
    }
    Far::Mute
}

fn accept(step: Result<AcceptorStep, Failure>, mood: Mood, out: &mut Vec<u8>) -> Far {
    match step {
        Ok(AcceptorStep::Wait(acceptor)) => Far::Acceptor(acceptor),
        Ok(AcceptorStep::Admit(admission)) => {
            let greeting = match mood.answer() {
                4 => Greeting::OkSimultaneous,
                5 => Greeting::Alive,
                6 => {
                    let _ = admission.refuse(Refusal::Nok(NokCause::OurAttempt), out);
                    return Far::Mute;
                }
                7 => {
                    let _ = Framing::Short.put(out, |out| out.extend_from_slice(b"snot_allowed"));
                    return Far::Mute;
                }
                _ => Greeting::Ok,
            };
            let (peer, greeting) = if admission.wants_name() {
                (given_name(mood), Greeting::Named(Creation(7)))
            } else {
                (admission.name().to_node_name().unwrap(), greeting)
            };
            let welcome = Welcome { greeting, peer, cookie: cookie(mood) };
            let step = admission.accept(Instant::ORIGIN, welcome, out);
            accept(step, mood, out)
        }
        Ok(AcceptorStep::Authenticated(confirmation)) => {
            let _ = confirmation.confirm(out);
            Far::Mute
        }
        Ok(AcceptorStep::Refused { .. }) | Err(_) => Far::Mute,
    }
}

/// A name for a kernel that has none: a good one, one of another node, or one of another host.
fn given_name(mood: Mood) -> NodeName {
    let name = match (mood.declines(), mood.talks()) {
        (false, _) => "g1@h",
        (true, false) => "a@h",
        (true, true) => "g1@elsewhere",
    };
    NodeName::new(name).unwrap()
}

fn initiate(step: Result<InitiatorStep, Failure>, mood: Mood, out: &mut Vec<u8>) -> Far {
    match step {
        Ok(InitiatorStep::Wait(initiator)) => Far::Initiator(initiator),
        Ok(InitiatorStep::Alive(remark)) if mood.declines() => {
            let _ = remark.keep(out);
            Far::Mute
        }
        Ok(InitiatorStep::Alive(remark)) => {
            let step = remark.replace(Instant::ORIGIN, out);
            initiate(step, mood, out)
        }
        Ok(InitiatorStep::Nok(_) | InitiatorStep::Done(_)) | Err(_) => Far::Mute,
    }
}
