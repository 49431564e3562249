//! One kernel, one other node `P`, and a script for whatever P may do. It notes what the kernel wants.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use super::super::table::{IncomingStep, Outgoing, Role, RowState};
use super::super::*;
use crate::cookie::Cookie;
use crate::creation::Creation;
use crate::entropy::Entropy;
use crate::flags::Flags;
use crate::handshake::{
    Acceptor, AcceptorConfig, AcceptorStep, Greeting, Initiator, InitiatorConfig, InitiatorStep,
    Own, Stage, Welcome,
};
use crate::liveness::Traffic;
use crate::name::{NodeName, PeerName};
use crate::wire::epmd::{Alive2Resp, Entry, Extra, Name, Port2Resp, PortInfo};
use crate::wire::framing::Framing;

pub(super) fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

fn cookie(text: &str) -> Cookie {
    Cookie::new(text).unwrap()
}

const ENTROPY: Entropy = Entropy::new([7; 16]);

/// P's end of its own attempt: with the cookie, and without.
#[derive(Clone)]
pub(super) struct Theirs {
    pub(super) stream: StreamId,
    pub(super) knowing: Option<InitiatorStep>,
    guessing: Option<InitiatorStep>,
}

#[derive(Clone)]
pub(super) struct Bench {
    pub(super) kernel: NetKernel,
    pub(super) now: Instant,
    pub(super) peer: NodeName,
    /// The stream that our registration, lookup or attempt used last, and what was written there.
    pub(super) ours: Option<StreamId>,
    written: Vec<u8>,
    pub(super) theirs: Option<Theirs>,
    pub(super) link: Option<StreamId>,
    /// What the kernel emitted, in short words.
    pub(super) said: Vec<String>,
    answered: Option<RequestId>,
    /// The tick has asked for the counters of the link.
    ticked: bool,
}

impl Bench {
    pub(super) fn new(peer: &str, auto_connect: DistAutoConnect) -> Self {
        // So short that a link dies by it before an attempt does by its timer.
        let mut config = Config::new(cookie("C"), NetTicktime::new(4, 4).unwrap());
        config.auto_connect = auto_connect;
        let mut kernel = NetKernel::new(config);
        kernel.monitor_nodes(Minter::default().mint(), true, MonitorOptions::ALL);
        Self {
            kernel,
            now: Instant::from_millis(1),
            peer: name(peer),
            ours: None,
            written: Vec::new(),
            theirs: None,
            link: None,
            said: Vec::new(),
            answered: None,
            ticked: false,
        }
    }

    pub(super) fn started(peer: &str, auto_connect: DistAutoConnect) -> Self {
        let mut bench = Self::new(peer, auto_connect);
        bench.start(StartOptions::new(name("m@h")));
        bench.tell(Input::Listening { port: 9 });
        bench.epmd_registers(0);
        bench
    }

    pub(super) fn call(&mut self, call: impl FnOnce(&mut NetKernel, Instant, NodeName)) {
        call(&mut self.kernel, self.now, self.peer.clone());
        self.note();
    }

    /// A call that is answered, now or later.
    pub(super) fn ask(
        &mut self,
        call: impl FnOnce(&mut NetKernel, Instant, NodeName) -> RequestId,
    ) {
        let request = call(&mut self.kernel, self.now, self.peer.clone());
        self.note();
        if self.answered != Some(request) {
            self.said.push("waits".into());
        }
    }

    /// Notes an answer that came at once; `None` is `ignored`.
    pub(super) fn tell_word(&mut self, call: &str, answer: Option<String>) {
        self.said.push(format!("{call}: {}", answer.unwrap_or_else(|| "ignored".into())));
        self.note();
    }

    pub(super) fn start(&mut self, options: StartOptions) {
        self.ask(|kernel, now, _| kernel.start(now, options, ENTROPY));
    }

    pub(super) fn connect(&mut self) {
        self.ask(|kernel, now, peer| kernel.connect_node(now, peer));
    }

    pub(super) fn tell(&mut self, input: Input) {
        self.kernel.handle(self.now, input);
        self.note();
    }

    /// Nothing is heard of P until a tick finds that.
    pub(super) fn fall_silent(&mut self) {
        for _ in 0..5 {
            self.now = self.now + Duration::from_secs(1);
            self.tell(Input::Timeout);
            if core::mem::take(&mut self.ticked) {
                let (stream, traffic) = (self.link.unwrap(), Some(Traffic::default()));
                self.tell(Input::Sampled { stream, purpose: SamplePurpose::Tick, traffic });
            }
        }
    }

    fn receive(&mut self, stream: StreamId, bytes: impl Into<Bytes>) {
        self.tell(Input::Received { stream, bytes: bytes.into() });
    }

    /// EPMD answers our registration.
    pub(super) fn epmd_registers(&mut self, result: u8) {
        let stream = self.ours.unwrap();
        self.tell(Input::Opened { stream, entropy: ENTROPY });
        let mut out = Vec::new();
        Alive2Resp::New { result, creation: 5 }.emit(&mut out);
        self.receive(stream, out);
    }

    /// EPMD knows P, and P takes the connection.
    pub(super) fn reach(&mut self) {
        let stream = self.ours.unwrap();
        self.tell(Input::Opened { stream, entropy: ENTROPY });
        let mut out = Vec::new();
        let info = PortInfo { port: 9, node_type: 77, protocol: 0, highest: 6, lowest: 6 };
        let name = Name::new(self.peer.name().as_bytes()).unwrap();
        Port2Resp::Found(Entry { info, name, extra: Extra::new(&[]).unwrap() }).emit(&mut out);
        self.receive(stream, out);
        self.written.clear();
        let stream = self.ours.unwrap();
        self.tell(Input::Opened { stream, entropy: ENTROPY });
    }

    /// P answers our attempt with this status, and no more.
    pub(super) fn status(&mut self, text: &str) {
        let mut out = Vec::new();
        let packet = [b"s", text.as_bytes()].concat();
        Framing::Short.put(&mut out, |out| out.extend_from_slice(&packet)).unwrap();
        self.receive(self.ours.unwrap(), out);
    }

    /// P goes through with our attempt.
    pub(super) fn own_handshake(&mut self) {
        let config = AcceptorConfig {
            name: PeerName::new(self.peer.as_str().as_bytes().to_vec()),
            creation: Creation(9),
            flags: Flags::SERVED,
            mandatory: Flags::MANDATORY_26,
            allowed: AllowList::default(),
            setup_time: SETUP_TIME_DEFAULT,
            framing: Framing::Short,
        };
        let stream = self.ours.unwrap();
        let acceptor = Acceptor::new(self.now, config, ENTROPY);
        let mut out = Vec::new();
        let written = core::mem::take(&mut self.written);
        let Ok(AcceptorStep::Admit(admission)) = acceptor.receive(self.now, &written, &mut out)
        else {
            panic!("we said our name");
        };
        let (greeting, peer) = if admission.wants_name() {
            (Greeting::Named(Creation(8)), name("given@h"))
        } else {
            (Greeting::Ok, admission.name().to_node_name().unwrap())
        };
        let welcome = Welcome { greeting, peer, cookie: cookie("C") };
        let Ok(AcceptorStep::Wait(acceptor)) = admission.accept(self.now, welcome, &mut out) else {
            panic!("P waits for our reply");
        };
        self.receive(stream, core::mem::take(&mut out));
        let written = core::mem::take(&mut self.written);
        let step = acceptor.receive(self.now, &written, &mut out);
        let Ok(AcceptorStep::Authenticated(confirmation)) = step else {
            panic!("we know the cookie")
        };
        let _ = confirmation.confirm(&mut out);
        self.receive(stream, out);
    }

    /// P connects.
    pub(super) fn accept(&mut self) {
        let stream = self.kernel.stream_ids.mint();
        let initiator = |key: &str, out: &mut Vec<u8>| {
            let config = InitiatorConfig {
                own: Own::Named {
                    name: PeerName::new(self.peer.as_str().as_bytes().to_vec()),
                    creation: Creation(9),
                },
                peer: self.kernel.node(),
                cookie: cookie(key),
                flags: Flags::SERVED,
                mandatory: Flags::MANDATORY_26,
                setup_time: SETUP_TIME_DEFAULT,
                framing: Framing::Short,
            };
            Some(InitiatorStep::Wait(Initiator::new(config, ENTROPY, Instant::MAX, out)))
        };
        let mut out = Vec::new();
        let knowing = initiator("C", &mut out);
        let guessing = initiator("WRONG", &mut Vec::new());
        let known = self.theirs.replace(Theirs { stream, knowing, guessing });
        self.tell(Input::Accepted { stream, entropy: ENTROPY, local: true });
        self.receive(stream, out);
        // The script follows an attempt that has its place; another one only asks.
        let refused = matches!(self.kernel.streams.get(&stream), Some(Role::Ending) | None);
        if refused && known.is_some() {
            self.theirs = known;
        }
    }

    /// P says whether its new connection shall replace the link.
    pub(super) fn alive(&mut self, replace: bool) {
        let Theirs { stream, knowing, guessing } = self.theirs.take().unwrap();
        let mut out = Vec::new();
        let answer = |step, out: &mut Vec<u8>| match step {
            Some(InitiatorStep::Alive(remark)) if replace => remark.replace(self.now, out).ok(),
            Some(InitiatorStep::Alive(remark)) => {
                let _ = remark.keep(out);
                None
            }
            _ => panic!("P was asked"),
        };
        let knowing = answer(knowing, &mut out);
        let guessing = answer(guessing, &mut Vec::new());
        self.theirs = Some(Theirs { stream, knowing, guessing });
        self.receive(stream, out);
    }

    /// P answers our challenge.
    pub(super) fn digest(&mut self, knows: bool) {
        let theirs = self.theirs.as_ref().unwrap();
        let step = if knows { &theirs.knowing } else { &theirs.guessing };
        let Some(InitiatorStep::Wait(machine)) = step.clone() else {
            panic!("P has our challenge")
        };
        let (stream, mut out) = (theirs.stream, Vec::new());
        let written = core::mem::take(&mut self.written);
        let _ = machine.receive(self.now, &written, &mut out);
        self.receive(stream, out);
    }

    /// Takes what the kernel wants, and lets P's machines see the statuses that they get.
    fn note(&mut self) {
        while let Some(output) = self.kernel.poll() {
            let word = self.word(&output);
            self.said.extend(word);
        }
    }

    fn word(&mut self, output: &Output) -> Option<String> {
        Some(match output {
            Output::Listen => "listen".into(),
            Output::Unlisten => "unlisten".into(),
            Output::Open { stream, target } => {
                self.ours = Some(*stream);
                match target.purpose {
                    Purpose::Epmd | Purpose::Registration => "ask EPMD".into(),
                    Purpose::Peer(_) => "dial".into(),
                }
            }
            Output::Transmit { stream, bytes } => return self.transmitted(*stream, bytes),
            Output::Attempting { .. } => "attempting".into(),
            Output::Alive { name, .. } => format!("alive as {name}"),
            Output::NotAlive => "no name".into(),
            Output::Event { event, .. } => {
                let own = event.connection_id() == Some(ConnectionId::Undefined);
                let whose = if own { "own " } else { "" };
                match event.nodedown_reason() {
                    None => format!("{whose}nodeup"),
                    Some(reason) => format!("{whose}nodedown {reason}"),
                }
            }
            Output::Promote { stream, .. } => {
                self.link = Some(*stream);
                "promote".into()
            }
            Output::Close { stream, .. } if self.link == Some(*stream) => "close link".into(),
            Output::Close { .. } => "close stream".into(),
            Output::Disconnected { was_up: true, .. } => "link gone".into(),
            Output::Disconnected { was_up: false, .. } => "attempt gone".into(),
            Output::Answer { request, answer } => {
                self.answered = Some(*request);
                answer_word(answer)
            }
            Output::Sample { purpose: SamplePurpose::NodeInfo(_), .. } => "sample".into(),
            Output::SetOpts { endpoint: Endpoint::Listener, .. } => {
                "set options of listener".into()
            }
            Output::SetOpts { .. } => "set options".into(),
            Output::GetOpts { .. } => "get options".into(),
            Output::Sample { purpose: SamplePurpose::Tick, .. } => {
                self.ticked = true;
                return None;
            }
            Output::Read { .. }
            | Output::Tick { .. }
            | Output::Sample { .. }
            | Output::Diagnostic(_) => return None,
        })
    }

    fn transmitted(&mut self, stream: StreamId, bytes: &Bytes) -> Option<String> {
        let Some(theirs) = self.theirs.as_mut().filter(|theirs| theirs.stream == stream) else {
            self.written.extend_from_slice(bytes);
            return None;
        };
        let Some(status) = bytes.get(2..).and_then(|packet| packet.strip_prefix(b"s")) else {
            self.written = bytes.to_vec();
            return None;
        };
        let status = &status[..usize::from(bytes[1]) - 1];
        for step in [&mut theirs.knowing, &mut theirs.guessing] {
            let Some(InitiatorStep::Wait(machine)) = step.take() else { continue };
            // The challenge is kept until P answers it.
            let end = 2 + usize::from(bytes[1]);
            *step = machine.receive(self.now, &bytes[..end], &mut Vec::new()).ok();
            self.written = bytes[end..].to_vec();
        }
        Some(format!("`{}`", String::from_utf8_lossy(status)))
    }

    /// What there is with P.
    pub(super) fn row(&self) -> &'static str {
        let step = |stream: &StreamId| match self.kernel.streams.get(stream) {
            Some(Role::Outgoing { step: Outgoing::Handshake(initiator), .. }) => {
                if initiator.stage() == Stage::OtherAttempt { "nok" } else { "handshake" }
            }
            Some(Role::Outgoing { .. }) => "dial",
            Some(Role::Incoming { step: IncomingStep::Handshake(acceptor), .. }) => {
                if acceptor.stage() == Stage::Alive { "alive" } else { "reply" }
            }
            Some(Role::Incoming { step: IncomingStep::Parked(_), .. }) => "parked",
            Some(Role::Incoming { step: IncomingStep::Confirmed(_), .. }) => "proved",
            other => panic!("no attempt: {other:?}"),
        };
        let Some(row) = self.kernel.table.get(&self.peer) else { return "absent" };
        match &row.state {
            RowState::Barred => "barred",
            RowState::Pending { stream } => match step(stream) {
                "dial" => "ours, dialling",
                "nok" => "ours, after nok",
                "handshake" => "ours, in handshake",
                "alive" => "theirs, asked",
                _ => "theirs, in handshake",
            },
            RowState::Up { successor: None, .. } => "up",
            RowState::Up { successor: Some(stream), .. } => match step(stream) {
                "alive" => "up, successor asked",
                _ => "up, successor in handshake",
            },
            RowState::Closing { successor: None, .. } => "closing",
            RowState::Closing { successor: Some(stream), .. } => match step(stream) {
                "alive" => "closing, successor asked",
                "parked" => "closing, successor parked",
                "proved" => "closing, successor proved",
                _ => "closing, successor in handshake",
            },
        }
    }

    /// What the node is.
    pub(super) fn life(&self) -> &'static str {
        use super::super::life::Life;
        match &self.kernel.life {
            Life::NotAlive => "not alive",
            Life::Listening(_) => "starting, listening",
            Life::Registering(..) => "starting, registering",
            Life::Alive(alive) if alive.namer.is_some() => "alive, name given",
            Life::Alive(_) => "alive",
            Life::Nameless(_) if self.kernel.table.is_empty() => "nameless",
            Life::Nameless(_) => "nameless, attempting",
            Life::Restarting(_) => "restarting",
            Life::Stopping(_) => "stopping",
        }
    }
}

fn answer_word(answer: &Answer) -> String {
    let error = |error: &ConnectError| {
        if *error == ConnectError::NotAlive {
            "ignored".into()
        } else {
            format!("false ({})", variant(error))
        }
    };
    match answer {
        Answer::Started(Ok(name)) => format!("start: {name}"),
        Answer::Started(Err(error)) => format!("start: {}", variant(error)),
        Answer::Stopped(Ok(())) => "stop: ok".into(),
        Answer::Stopped(Err(StopError::NotFound)) => "stop: not_found".into(),
        Answer::Stopped(Err(StopError::NotAllowed)) => "stop: not_allowed".into(),
        Answer::Connected(Ok(())) => "connect: true".into(),
        Answer::Connected(Err(why)) => format!("connect: {}", error(why)),
        Answer::AutoConnect(Ok(found)) => format!("auto_connect: {found:?}").to_lowercase(),
        Answer::AutoConnect(Err(why)) => format!("auto_connect: {}", error(why)),
        Answer::Disconnected(Ok(was)) => format!("disconnect: {was}"),
        Answer::Disconnected(Err(NotAlive)) => "disconnect: ignored".into(),
        Answer::Names(_) => "names".into(),
        Answer::NodeInfo(Ok(info)) => format!("node_info: {}", info.state),
        Answer::NodeInfo(Err(BadNode)) => "node_info: bad_node".into(),
        Answer::NodesInfo(_) => "nodes_info".into(),
        Answer::MonitorNode { .. } => "monitor_node".into(),
        Answer::Applied(_) => "applied".into(),
        Answer::GetOpts(Ok(_)) => "getopts: ok".into(),
        Answer::GetOpts(Err(error)) => {
            format!("getopts: {}", variant(error)).replace("NotAlive", "ignored").to_lowercase()
        }
        Answer::SetOpts(Ok(())) => "setopts: ok".into(),
        Answer::SetOpts(Err(error)) => {
            format!("setopts: {}", variant(error)).replace("NotAlive", "ignored").to_lowercase()
        }
        Answer::Reply(reply) => format!("request: {}", variant(reply)).to_lowercase(),
    }
}

/// The name of the variant.
fn variant(error: &impl core::fmt::Debug) -> String {
    format!("{error:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// A way to a state.
pub(super) type Build = Box<dyn Fn(&str, DistAutoConnect) -> Bench>;
