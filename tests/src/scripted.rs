//! A server of ours that does what it is told, as the `gen_server` in `tests/otp/scripted.erl` does: the same requests lead to the same outcomes.

use core::time::Duration;

use netkernel_blocking::core::calls::gen_server::CallFailure;
use netkernel_blocking::core::term::{Atom, Limits, List, Pid, Term};
use netkernel_blocking::{
    CallError, CallReaction, Client, Function, Info, Item, Outcome, ProcessEvent, Reaction,
    StartServerError, Target,
};

use crate::ours::{Ours, node_name};
use crate::runtime::Node;

fn atom(text: &str) -> Atom {
    Atom::new(text).expect("an atom")
}

fn term(text: &str) -> Term {
    atom(text).into()
}

fn list(term: &Term) -> Vec<Term> {
    Vec::try_from(term.clone()).expect("a list")
}

/// The atom, or that which a tuple begins with, and the rest of the tuple.
fn label(term: &Term) -> (&str, &[Term]) {
    let (first, rest) = match term.as_tuple() {
        Some([first, rest @ ..]) => (first, rest),
        _ => (term, &[][..]),
    };
    (first.as_atom().map_or("", Atom::as_str), rest)
}

/// The steps and the result that somebody asks for.
fn task(term: &Term) -> Option<(Vec<Term>, Term)> {
    match term.as_tuple() {
        Some([steps @ Term::List(_), result]) => Some((list(steps), result.clone())),
        _ => None,
    }
}

/// What is left to be done, or for how long the next message is waited for.
enum Next {
    Task(Vec<Term>, Term),
    Timeout(Duration),
    Nothing,
}

impl Next {
    fn of(next: Option<&Term>) -> Self {
        let Some(next) = next else { return Self::Nothing };
        match (label(next), next.as_i64()) {
            (_, Some(ms)) => Self::Timeout(Duration::from_millis(ms.try_into().expect("a time"))),
            (("continue", [left]), _) => {
                let (steps, result) = task(left).expect("a task");
                Self::Task(steps, result)
            }
            // `hibernate` and `infinity`.
            _ => Self::Nothing,
        }
    }
}

/// A server, with whom it tells what happens.
#[derive(Debug)]
pub struct Scripted {
    to: Pid,
    parent: Option<Pid>,
    first: Vec<Term>,
    result: Term,
    kept: Vec<(Term, Client)>,
    at_end: Vec<Term>,
}

impl Scripted {
    /// Of `{To,Steps,Result}`, as Erlang's `init/1` has it.
    fn new(how: &Term) -> Self {
        let Some([Term::Pid(to), steps, result]) = how.as_tuple() else { panic!("{how}") };
        let (first, result) = (list(steps), result.clone());
        Self { to: to.clone(), parent: None, first, result, kept: Vec::new(), at_end: Vec::new() }
    }

    /// What `init` is to give.
    fn refusal(&self) -> Result<(), Term> {
        match label(&self.result) {
            ("ok", _) => Ok(()),
            ("stop", [reason]) => Err(reason.clone()),
            // Whoever starts it knows more, and nobody else does.
            _ => Err(term("normal")),
        }
    }

    fn next(&self) -> Next {
        Next::of(label(&self.result).1.first())
    }

    fn keep(&mut self, key: &Term, client: &Client) {
        self.kept.push((key.clone(), client.clone()));
    }

    fn kept(&self, key: &Term) -> &Client {
        &self.kept.iter().find(|(it, _)| it == key).expect("it was kept").1
    }

    /// What anything but calls, casts and tasks leads to.
    fn heard(&self, info: Info) -> Heard {
        let message = match info {
            Info::Message(message) => message,
            Info::Item(Item::Process(ProcessEvent::Exit { from, reason })) => {
                let reason = Term::decode(&reason, &Limits::default()).expect("a term");
                if self.parent.as_ref() == Some(&from) {
                    return Heard::ParentEnded(reason);
                }
                Term::tuple([term("EXIT"), from.into(), reason])
            }
            Info::Item(item) => panic!("{item:?}"),
        };
        Heard::Tell(Term::tuple([term("info"), message]))
    }
}

enum Heard {
    Tell(Term),
    ParentEnded(Term),
}

fn is_go(item: &Item) -> bool {
    matches!(item, Item::Message(message) if message[..] == *b"\x83w\x02go")
}

fn encoded(term: &Term) -> Vec<u8> {
    let mut bytes = Vec::new();
    term.encode(&mut bytes).expect("a short term");
    bytes
}

/// The reaction that a result without a task to come is, of which the client may have its reply already.
fn reaction(result: &Term, is_answered: bool) -> CallReaction {
    let (reply, next) = match label(result) {
        ("noreply", rest) => (None, rest.first()),
        ("reply", [reply, rest @ ..]) => {
            (Some(reply.clone()).filter(|_| !is_answered), rest.first())
        }
        ("stop", [reason, rest @ ..]) => {
            return CallReaction::Stop { reason: reason.clone(), reply: rest.first().cloned() };
        }
        _ => panic!("{result}"),
    };
    match (Next::of(next), reply) {
        (Next::Timeout(after), reply) => CallReaction::Timeout { reply, after },
        (_, Some(reply)) => CallReaction::Reply(reply),
        (_, None) => CallReaction::NoReply,
    }
}

macro_rules! scripted {
    ($runtime:ident, $module:ident, [$($async:tt)?], [$($wait:tt)*]) => {
        mod $module {
            use super::*;

            $($async)? fn run(
                server: &mut Scripted,
                own: &$runtime::Mailbox,
                steps: &[Term],
                client: Option<&Client>,
            ) {
                for step in steps {
                    match label(step) {
                        ("tell", [it]) => _ = own.send(&server.to, encoded(it))$($wait)*,
                        ("reply", [it]) => _ = own.reply(client.expect("a call"), it)$($wait)*,
                        ("keep", [key]) => server.keep(key, client.expect("a call")),
                        ("answer", [key, it]) => _ = own.reply(server.kept(key), it)$($wait)*,
                        ("at_end", [steps]) => server.at_end = list(steps),
                        ("trap", [on]) => _ = own.trap_exit(*on == term("true")),
                        ("wait", []) => _ = own.recv_match(is_go)$($wait)*,
                        _ => panic!("{step}"), // `crash`, too
                    }
                }
            }

            /// Does what it is told. What is left to be done after a reply is done after the reply.
            $($async)? fn carry_out(
                server: &mut Scripted,
                own: &$runtime::Mailbox,
                (mut steps, mut result): (Vec<Term>, Term),
                client: Option<&Client>,
            ) -> CallReaction {
                let mut is_answered = false;
                run(server, own, &steps, client)$($wait)*;
                loop {
                    let (replies, parts) = label(&result);
                    let Next::Task(left, then) = Next::of(parts.last()) else {
                        return reaction(&result, is_answered);
                    };
                    if let ("reply", Some(client)) = (replies, client) {
                        _ = own.reply(client, &parts[0])$($wait)*;
                        is_answered = true;
                    }
                    (steps, result) = (left, then);
                    run(server, own, &steps, None)$($wait)*;
                }
            }

            impl $runtime::GenServer for Scripted {
                $($async)? fn init(&mut self, own: &$runtime::Mailbox) -> Result<(), Term> {
                    let steps = core::mem::take(&mut self.first);
                    run(self, own, &steps, None)$($wait)*;
                    self.refusal()
                }

                $($async)? fn handle_continue(&mut self, own: &$runtime::Mailbox) -> Reaction {
                    match self.next() {
                        Next::Task(steps, result) => {
                            carry_out(self, own, (steps, result), None)$($wait)*.split().1
                        }
                        Next::Timeout(after) => Reaction::Timeout(after),
                        Next::Nothing => Reaction::Continue,
                    }
                }

                $($async)? fn handle_call(
                    &mut self,
                    own: &$runtime::Mailbox,
                    request: Term,
                    client: Client,
                ) -> CallReaction {
                    let task = task(&request).expect("a task");
                    carry_out(self, own, task, Some(&client))$($wait)*
                }

                $($async)? fn handle_cast(
                    &mut self,
                    own: &$runtime::Mailbox,
                    request: Term,
                ) -> Reaction {
                    let task = task(&request).expect("a task");
                    carry_out(self, own, task, None)$($wait)*.split().1
                }

                $($async)? fn handle_info(
                    &mut self,
                    own: &$runtime::Mailbox,
                    info: Info,
                ) -> Reaction {
                    if let Info::Message(message) = &info
                        && let Some(task) = task(message)
                    {
                        return carry_out(self, own, task, None)$($wait)*.split().1;
                    }
                    match self.heard(info) {
                        Heard::Tell(told) => {
                            _ = own.send(&self.to, encoded(&told))$($wait)*;
                            Reaction::Continue
                        }
                        Heard::ParentEnded(reason) => Reaction::Stop(reason),
                    }
                }

                $($async)? fn terminate(&mut self, own: &$runtime::Mailbox, reason: &Term) {
                    let told = Term::tuple([term("terminate"), reason.clone()]);
                    _ = own.send(&self.to, encoded(&told))$($wait)*;
                    let steps = self.at_end.clone();
                    run(self, own, &steps, None)$($wait)*;
                }
            }
        }
    };
}

scripted!(netkernel_blocking, blocking, [], []);
scripted!(netkernel_smol, smol, [async], [.await]);

/// What `scripted:start/1` returns.
fn start(node: &Node, how: &Term) -> Term {
    let error = |reason| Term::tuple([term("error"), reason]);
    let server = Scripted::new(how);
    let result = server.result.clone();
    match node.start_server(Some(&atom("scripted")), server) {
        Ok(pid) => Term::tuple([term("ok"), pid.into()]),
        Err(StartServerError::Name(_)) => {
            let pid = node.whereis("scripted").map_or_else(|| term("gone"), Term::from);
            error(Term::tuple([term("already_started"), pid]))
        }
        Err(StartServerError::Init(reason)) if label(&result).0 == "stop" => error(reason),
        Err(StartServerError::Init(_)) => result,
        Err(StartServerError::Died) => error(term("died")),
        Err(other) => panic!("{other}"),
    }
}

/// Serves `scripted:start/1`, `scripted:enter/1` and `gen_server:call/2` of servers that have a name, to other nodes.
///
/// # Panics
/// If one of them is served already.
pub fn serve(ours: &Ours) {
    let function = |module, function, arity| Function {
        module: atom(module),
        function: atom(function),
        arity,
    };
    let node = ours.node.clone();
    assert!(ours.node.serve_rpc(function("scripted", "start", 1), move |arguments| {
        Outcome::Return(start(&node, &arguments[0]))
    }));
    let node = ours.node.clone();
    assert!(ours.node.serve_rpc(function("gen_server", "call", 2), move |arguments| {
        let [server, request] = &arguments[..] else { panic!("{arguments:?}") };
        let (name, parts) = label(server);
        let at = parts[0].as_atom().expect("a node").as_str();
        match node.mailbox().call(Target::Name(atom(name), node_name(at)), request, None) {
            Ok(reply) => Outcome::Return(reply),
            Err(CallError::Failed(failure)) => Outcome::Exit(exit(&failure, arguments.clone())),
            Err(other) => panic!("{other}"),
        }
    }));
    let enter = function("scripted", "enter", 1);
    assert!(ours.node.serve_function(enter, |own, arguments| {
        let Some([Term::Pid(to), Term::Pid(parent), trap]) = arguments[0].as_tuple() else {
            panic!("{arguments:?}")
        };
        own.register(atom("scripted")).expect("a free name");
        own.trap_exit(*trap == term("true")).expect("it is there");
        let how = Term::tuple([to.clone().into(), Term::NIL, term("ok")]);
        let parent = Some(parent.clone());
        own.serve(&mut Scripted { parent, ..Scripted::new(&how) });
    }));
}

fn exit(failure: &CallFailure, arguments: Vec<Term>) -> Term {
    let arguments = List::from(arguments);
    let call = Term::tuple([term("gen_server"), term("call"), arguments.into()]);
    Term::tuple([failure.to_reason(), call])
}
