//! Steps, and their text: `a1 exit b1 {bye,1}` is `{exit,b1,{bye,1}}`, called by `a1`.

use core::fmt;

use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::{AliasOption, MonitorAlias};

use super::spawns::Spawn;

/// What a process, a reference or a node is called in a script: an atom that stands for it wherever it stands.
pub(crate) type Name = Atom;

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    Link(Name),
    Unlink(Name),
    /// Tells with whom there are links.
    Links,
    /// What it gives is called so from then on.
    Monitor(Dest, Name, Option<MonitorAlias>),
    Demonitor(Name),
    Exit(Name, Term),
    /// `exit/1`.
    End(Term),
    TrapExit(bool),
    /// As [`Self::Monitor`].
    Alias(Name, AliasOption),
    Unalias(Name),
    Send(Dest, Term),
    Register(Atom),
    Unregister(Atom),
    MonitorNode(Name, bool),
    Disconnect(Name),
    Spawn(Spawn),
    /// `spawn_request_abandon/1`.
    Abandon(Name),
}

/// To whom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Dest {
    /// A process, or a reference.
    Name(Name),
    /// `{Name,Node}`.
    Registered(Atom, Name),
}

/// A call and who makes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) by: Name,
    pub(crate) op: Op,
    /// The call as a term.
    pub(crate) term: Term,
    /// Its words.
    text: String,
}

impl Step {
    /// Reads a line: words with blanks between them, and none inside.
    pub(crate) fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace().map(term);
        let by = name(&words.next().unwrap());
        let words: Vec<_> = words.collect();
        let op = op(&words).unwrap_or_else(|| panic!("not a step: {line}"));
        Self { by, op, term: Term::Tuple(words), text: line.trim().to_owned() }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn op(words: &[Term]) -> Option<Op> {
    let (called, arguments) = words.split_first()?;
    Some(match (&**called.as_atom()?, arguments) {
        ("link", [to]) => Op::Link(name(to)),
        ("unlink", [from]) => Op::Unlink(name(from)),
        ("links", []) => Op::Links,
        ("monitor", [of, called]) => Op::Monitor(dest(of), name(called), None),
        ("monitor", [of, called, alias]) => {
            let alias = match &*name(alias) {
                "explicit_unalias" => MonitorAlias::ExplicitUnalias,
                "demonitor" => MonitorAlias::Demonitor,
                "reply_demonitor" => MonitorAlias::ReplyDemonitor,
                _ => return None,
            };
            Op::Monitor(dest(of), name(called), Some(alias))
        }
        ("demonitor", [monitor]) => Op::Demonitor(name(monitor)),
        ("exit", [to, reason]) => Op::Exit(name(to), reason.clone()),
        ("terminate", [reason]) => Op::End(reason.clone()),
        ("trap_exit", [on]) => Op::TrapExit(flag(on)),
        ("alias", [called, option]) => {
            let option = match &*name(option) {
                "explicit_unalias" => AliasOption::ExplicitUnalias,
                "reply" => AliasOption::Reply,
                _ => return None,
            };
            Op::Alias(name(called), option)
        }
        ("unalias", [alias]) => Op::Unalias(name(alias)),
        ("send", [to, message]) => Op::Send(dest(to), message.clone()),
        ("register", [called]) => Op::Register(name(called)),
        ("unregister", [called]) => Op::Unregister(name(called)),
        ("monitor_node", [node, on]) => Op::MonitorNode(name(node), flag(on)),
        ("disconnect", [node]) => Op::Disconnect(name(node)),
        ("abandon", [request]) => Op::Abandon(name(request)),
        _ => Op::Spawn(Spawn::of(called.as_atom()?, arguments)?),
    })
}

fn dest(term: &Term) -> Dest {
    match term.as_tuple() {
        Some([called, node]) => Dest::Registered(name(called), name(node)),
        _ => Dest::Name(name(term)),
    }
}

fn term(text: &str) -> Term {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

pub(super) fn name(term: &Term) -> Name {
    term.as_atom().unwrap_or_else(|| panic!("{term} is no name")).clone()
}

fn flag(term: &Term) -> bool {
    bool::try_from(term).unwrap()
}
