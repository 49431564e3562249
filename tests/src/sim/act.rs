//! What processes of applications do.

use core::fmt;

use bytes::Bytes;
use netkernel_core::NodeName;
use netkernel_core::process::{
    AliasOption, Mfa, MonitorAlias, ReplyOptions, ReplyWhen, SpawnMonitor, SpawnOptions, Spawning,
    Target,
};
use netkernel_core::term::{Atom, Pid, Reference, Term};

use super::letter::Letter;

/// Something that a process does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// It begins.
    Begin,
    /// `erlang:register/2`.
    Register(Atom),
    /// `erlang:link/1`.
    Link(Pid),
    /// `erlang:unlink/1`.
    Unlink(Pid),
    /// `erlang:monitor/3`.
    Monitor(Target, Option<MonitorAlias>),
    /// `erlang:demonitor/1`.
    Demonitor(Reference),
    /// `erlang:send/2` of a letter, with so many bytes more than it needs.
    Send(Receiver, Letter, usize),
    /// `erlang:exit/2`.
    Exit(Pid, Reason),
    /// `erlang:exit/1`.
    Terminate(Reason),
    /// `process_flag(trap_exit, Flag)`.
    Trap(bool),
    /// `erlang:alias/1`.
    Alias(AliasOption),
    /// `erlang:unalias/1`.
    Unalias(Reference),
    /// `erlang:monitor_node/2`.
    MonitorNode(NodeName, bool),
    /// `erlang:spawn_request/5`.
    Spawn(NodeName, Wanted),
    /// `erlang:spawn_request_abandon/1`.
    Abandon(Reference),
}

/// The function that each node serves: its module and its name. It takes one argument.
pub const SERVED: (&str, &str) = ("sim", "run");

/// One that none has.
const UNSERVED: (&str, &str) = ("sim", "none");

/// What a process wants another node to spawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The function is one that is served.
    pub served: bool,
    /// The new process is to be linked.
    pub link: bool,
    /// It is to be monitored, with an alias or without.
    pub monitor: Option<Option<MonitorAlias>>,
    /// Which answers are told.
    pub when: ReplyWhen,
    /// There is an option that nobody takes.
    pub bad_option: bool,
    /// The argument.
    pub letter: Letter,
}

impl Wanted {
    /// The call.
    #[must_use]
    pub fn mfa(&self) -> Option<Mfa> {
        let (module, function) = if self.served { SERVED } else { UNSERVED };
        let (module, function) = (Atom::new(module).ok()?, Atom::new(function).ok()?);
        let letter = self.letter.to_term(0);
        // Behind version, tag and length of a binary.
        Mfa::new(module, function, &[Term::from(letter.get(6..)?)]).ok()
    }

    pub(super) fn spawning(&self) -> Option<Spawning> {
        let bad_option = Atom::new("bogus").ok().filter(|_| self.bad_option);
        let options = SpawnOptions {
            link: self.link,
            monitor: self.monitor.map(|alias| SpawnMonitor { alias, tag: None }),
            process: bad_option.into_iter().map(Term::from).collect(),
        };
        let reply = ReplyOptions { when: self.when, tag: None };
        Spawning::new(self.mfa()?, &options, &reply).ok()
    }
}

/// Who is to get a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    /// A process.
    Pid(Pid),
    /// Whoever has this name there.
    Name(Atom, NodeName),
    /// Whoever has this alias.
    Alias(Reference),
}

/// Why a process is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// As it should.
    Normal,
    /// At once.
    Kill,
    /// For a reason that is known again wherever it comes.
    Letter(Letter),
}

impl Reason {
    /// The term, without version byte.
    #[must_use]
    pub fn to_term(self) -> Bytes {
        match self {
            Self::Normal => Bytes::from_static(b"\x77\x06normal"),
            Self::Kill => Bytes::from_static(b"\x77\x04kill"),
            Self::Letter(letter) => letter.to_term(0).slice(1..),
        }
    }
}

impl Act {
    /// The node that has to be reached for this, if it is another one.
    #[must_use]
    pub fn node(&self) -> Option<&Atom> {
        match self {
            Self::Link(pid) | Self::Exit(pid, _) | Self::Send(Receiver::Pid(pid), ..) => {
                Some(&pid.node)
            }
            Self::Monitor(target, _) => Some(target.node()),
            Self::Send(Receiver::Name(_, node), ..)
            | Self::MonitorNode(node, true)
            | Self::Spawn(node, _) => Some(node.as_atom()),
            Self::Send(Receiver::Alias(alias), ..) => Some(alias.node()),
            Self::Begin
            | Self::Register(_)
            | Self::Unlink(_)
            | Self::Demonitor(_)
            | Self::Terminate(_)
            | Self::Trap(_)
            | Self::Alias(_)
            | Self::Unalias(_)
            | Self::Abandon(_)
            | Self::MonitorNode(_, false) => None,
        }
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => write!(f, "{pid}"),
            Self::Name(name, node) => write!(f, "{{{name},{node}}}"),
            Self::Alias(alias) => write!(f, "{alias}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Kill => f.write_str("kill"),
            Self::Letter(letter) => write!(f, "letter {}", letter.number),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => f.write_str("begins"),
            Self::Register(name) => write!(f, "register {name}"),
            Self::Link(pid) => write!(f, "link {pid}"),
            Self::Unlink(pid) => write!(f, "unlink {pid}"),
            Self::Monitor(target, None) => write!(f, "monitor {target}"),
            Self::Monitor(target, Some(alias)) => write!(f, "monitor {target} alias {alias:?}"),
            Self::Demonitor(reference) => write!(f, "demonitor {reference}"),
            Self::Send(to, letter, _) => write!(f, "send {to} letter {}", letter.number),
            Self::Exit(pid, reason) => write!(f, "exit {pid} {reason}"),
            Self::Terminate(reason) => write!(f, "exit {reason}"),
            Self::Trap(on) => write!(f, "trap_exit {on}"),
            Self::Alias(option) => write!(f, "alias {option:?}"),
            Self::Unalias(alias) => write!(f, "unalias {alias}"),
            Self::MonitorNode(node, on) => write!(f, "monitor_node {node} {on}"),
            Self::Spawn(node, wanted) => write!(f, "spawn_request {node} {wanted:?}"),
            Self::Abandon(request) => write!(f, "spawn_request_abandon {request}"),
        }
    }
}
