//! Reads the commands of `remote`: in words, and in Erlang's own form.

use netkernel_smol::Target;
use netkernel_smol::core::NodeName;
use netkernel_smol::core::net_kernel::mfa::Mfa;
use netkernel_smol::core::term::{Atom, Pid, Term};

use crate::call::{Style, Wanted};
use crate::failure::{ServerCall, Timeout};
use crate::ids::Ids;
use crate::read::{Destination, atom, term};
use crate::remote::{Function, Relation, Remote};

/// Reads for a node.
#[derive(Debug)]
pub(crate) struct Reader {
    own: NodeName,
    pub(crate) ids: Ids,
}

type Read<T> = Result<T, String>;

impl Reader {
    /// For a console that has this process, if its node is alive.
    pub(crate) fn new(own: Option<Pid>) -> Self {
        let name = own.as_ref().and_then(|own| NodeName::new(&own.node).ok());
        Self { own: name.unwrap_or_else(NodeName::nonode), ids: Ids::of(own) }
    }

    /// A command in words; `None` of another one.
    pub(crate) fn words(&self, line: &str) -> Read<Option<Remote>> {
        let (word, rest) = split(line);
        Ok(Some(match word {
            "send" => {
                let (to, message) = self.addressed(rest)?;
                Remote::Send(to, message, atom_term("ok"))
            }
            "cast" => {
                let (to, request) = self.addressed(rest)?;
                Remote::Send(to, cast(request), atom_term("ok"))
            }
            "call" => self.call(rest)?,
            "spawn" => self.spawn(rest)?,
            "receive" if rest.is_empty() => Remote::Receive(Timeout(None)),
            "receive" => Remote::Receive(Timeout::parse(rest)?),
            "flush" if rest.is_empty() => Remote::Flush,
            "self" if rest.is_empty() => Remote::Own,
            "flush" | "self" => return Err("no argument is wanted".into()),
            _ => return Ok(None),
        }))
    }

    /// `Destination ! Message`; `None` of a line without an operator.
    pub(crate) fn send(&self, line: &str) -> Read<Option<Remote>> {
        let Some(at) = operator(line) else { return Ok(None) };
        let (to, message) = (line[..at].trim(), line[at + 1..].trim());
        let message = self.term("message", message.strip_suffix('.').unwrap_or(message))?;
        let to = self.destination_of(&self.term("receiver", to)?)?;
        Ok(Some(Remote::Send(to, message.clone(), message)))
    }

    /// A call in Erlang's own form.
    pub(crate) fn mfa(&self, text: &str) -> Read<Mfa> {
        Mfa::parse_with_ids(text, &|node| self.ids.creation_of(node))
            .map_err(|error| error.to_string())
    }

    /// What a call in Erlang's own form means; `None` if it is none of these.
    pub(crate) fn form(&self, call: &Mfa) -> Read<Option<Remote>> {
        let bad =
            || format!("{}:{}/{}: bad argument", call.module, call.function, call.arguments.len());
        let name = (call.module.as_str(), call.function.as_str());
        let spawn = |function: &[Term; 4], link, monitor| {
            let (node, function) = function_of(function).ok_or_else(bad)?;
            Ok(Remote::Spawn(node, function, Relation { link, monitor }))
        };
        let call_of = |style, function: &[Term; 4], limit: Option<&Term>| {
            let (node, function) = function_of(function).ok_or_else(bad)?;
            let limit = match limit {
                Some(limit) => Timeout::of_term(limit).ok_or_else(bad)?.0,
                None => None,
            };
            Ok(Remote::Call(node, function.call(limit, style)))
        };
        let cast_of = |function: &[Term; 4], answer| {
            let (node, function) = function_of(function).ok_or_else(bad)?;
            Ok(Remote::Cast(node, function, answer))
        };
        let read: Read<Remote> = match (name, call.arguments.as_slice()) {
            (("erlang" | "c", "flush"), []) => Ok(Remote::Flush),
            (("erlang", "self"), []) => Ok(Remote::Own),
            (("erlang", "send"), [to, message]) => {
                self.destination_of(to).map(|to| Remote::Send(to, message.clone(), message.clone()))
            }
            (("erlang", "spawn"), [n, m, f, a]) => spawn(&four(n, m, f, a), false, false),
            (("erlang", "spawn_link"), [n, m, f, a]) => spawn(&four(n, m, f, a), true, false),
            (("erlang", "spawn_monitor"), [n, m, f, a]) => spawn(&four(n, m, f, a), false, true),
            (("erpc", "call"), [n, m, f, a]) => call_of(Style::Erpc, &four(n, m, f, a), None),
            (("erpc", "call"), [n, m, f, a, t]) => call_of(Style::Erpc, &four(n, m, f, a), Some(t)),
            (("rpc", "call"), [n, m, f, a]) => call_of(Style::Rpc, &four(n, m, f, a), None),
            (("rpc", "call"), [n, m, f, a, t]) => call_of(Style::Rpc, &four(n, m, f, a), Some(t)),
            (("erpc", "cast"), [n, m, f, a]) => cast_of(&four(n, m, f, a), atom_term("ok")),
            (("rpc", "cast"), [n, m, f, a]) => cast_of(&four(n, m, f, a), true.into()),
            (("gen_server", "call"), [to, request]) => self.server_call(to, request, None),
            (("gen_server", "call"), [to, request, limit]) => {
                let limit = Timeout::of_term(limit).ok_or_else(bad)?;
                self.server_call(to, request, Some(limit))
            }
            (("gen_server", "cast"), [to, request]) => self
                .destination_of(to)
                .map(|to| Remote::Send(to, cast(request.clone()), atom_term("ok"))),
            _ => return Ok(None),
        };
        read.map(Some)
    }

    /// A receiver and a term behind it.
    fn addressed(&self, text: &str) -> Read<(Destination, Term)> {
        let (to, message) = split(text);
        if to.is_empty() || message.is_empty() {
            return Err("a receiver and a term are wanted".into());
        }
        Ok((self.destination(to)?, self.term("TERM", message)?))
    }

    /// `NODE MODULE FUNCTION [ARGS]` and the like, or a server and a request.
    fn call(&self, text: &str) -> Read<Remote> {
        let (to, rest) = split(text);
        if to.starts_with(['{', '<', '#']) || to.matches('@').count() > 1 {
            let (to, request) = self.addressed(text)?;
            return self.server_request(to, &request, None);
        }
        if to.is_empty() {
            return Err("a node and a function are wanted, or a server and a request".into());
        }
        let node = node(to)?;
        Ok(Remote::Call(node, self.function(rest)?.call(None, Style::Erpc)))
    }

    fn spawn(&self, text: &str) -> Read<Remote> {
        let (mut relation, mut rest) = (Relation::default(), text);
        loop {
            let (word, behind) = split(rest);
            match word {
                "link" => relation.link = true,
                "monitor" => relation.monitor = true,
                "" => return Err("a node and a function are wanted".into()),
                _ => return Ok(Remote::Spawn(node(word)?, self.function(behind)?, relation)),
            }
            rest = behind;
        }
    }

    /// What stands behind a node: with a parenthesis right behind the first word it is one call.
    fn function(&self, text: &str) -> Read<Function> {
        let (first, rest) = split(text);
        let (second, third) = split(rest);
        let words = if first.contains('(') {
            vec![text]
        } else if first.trim_start_matches('\'').contains(':') {
            vec![first, rest]
        } else {
            vec![first, second, third]
        };
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        match Wanted::function(&words, None, &self.ids)? {
            Wanted::Function { module, function, arguments, .. } => {
                Ok(Function { module, function, arguments })
            }
            Wanted::Server(_) => Err("a function is wanted".into()),
        }
    }

    fn server_call(&self, to: &Term, request: &Term, timeout: Option<Timeout>) -> Read<Remote> {
        self.server_request(self.destination_of(to)?, request, timeout)
    }

    fn server_request(
        &self,
        to: Destination,
        request: &Term,
        timeout: Option<Timeout>,
    ) -> Read<Remote> {
        let told = to.to_string();
        let node = NodeName::new(to.node()).map_err(|error| format!("{told}: {error}"))?;
        let Destination::Process(server) = to else { return Err(format!("{told}: no server")) };
        let call = ServerCall { server, request: request.clone(), timeout };
        Ok(Remote::Call(node, Wanted::Server(call)))
    }

    /// `NAME@NODE`, `NAME` of this node, or a term: `{Name,Node}`, a pid, an alias.
    fn destination(&self, text: &str) -> Read<Destination> {
        if text.starts_with(['{', '<', '#', '\'']) {
            return self.destination_of(&self.term("receiver", text)?);
        }
        let (name, on) = text.split_once('@').unwrap_or((text, ""));
        let on = if on.is_empty() { self.own.clone() } else { node(on)? };
        Ok(Destination::Process(Target::Name(atom(name)?, on)))
    }

    fn destination_of(&self, term: &Term) -> Read<Destination> {
        Destination::of_term(term, &self.own)
            .ok_or_else(|| format!("{term}: a name, {{Name,Node}}, a pid or an alias is wanted"))
    }

    fn term(&self, what: &str, text: &str) -> Read<Term> {
        term(what, text, &self.ids)
    }
}

/// The first word, and what stands behind it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

/// Where `!` stands, outside of quotes.
fn operator(line: &str) -> Option<usize> {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, char) in line.char_indices() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        match (quote, char) {
            (None, '$') | (Some(_), '\\') => is_escaped = true,
            (None, '\'' | '"') => quote = Some(char),
            (Some(open), _) if open == char => quote = None,
            (None, '!') => return Some(at),
            _ => {}
        }
    }
    None
}

fn node(text: &str) -> Read<NodeName> {
    NodeName::new(atom(text)?.as_str()).map_err(|error| format!("{text}: {error}"))
}

fn cast(request: Term) -> Term {
    Term::tuple([atom_term("$gen_cast"), request])
}

fn atom_term(text: &str) -> Term {
    Atom::new(text).map_or(Term::NIL, Term::from)
}

fn four(n: &Term, m: &Term, f: &Term, a: &Term) -> [Term; 4] {
    [n, m, f, a].map(Clone::clone)
}

/// Node, module, function and arguments; `None` of other terms.
fn function_of([node, module, function, arguments]: &[Term; 4]) -> Option<(NodeName, Function)> {
    let (module, function) = (module.as_atom()?.clone(), function.as_atom()?.clone());
    let arguments = arguments.as_list()?.to_vec();
    Some((NodeName::new(node.as_atom()?).ok()?, Function { module, function, arguments }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use netkernel_smol::core::Creation;

    const B: &str = "b@127.0.0.1";

    fn reader() -> Reader {
        let node = Atom::new("a@127.0.0.1").unwrap();
        Reader::new(Some(Pid { node, id: 1, serial: 0, creation: Creation(7) }))
    }

    fn term(text: &str) -> Term {
        text.parse().unwrap()
    }

    fn b() -> NodeName {
        NodeName::new(B).unwrap()
    }

    fn to(name: &str, node: &str) -> Destination {
        Destination::Process(Target::Name(Atom::new(name).unwrap(), NodeName::new(node).unwrap()))
    }

    fn words(line: &str) -> Read<Option<Remote>> {
        reader().words(line)
    }

    fn function(arguments: &str) -> Function {
        let [module, function] = ["m", "f"].map(|name| Atom::new(name).unwrap());
        Function { module, function, arguments: term(arguments).as_list().unwrap().to_vec() }
    }

    fn call(limit: Option<Duration>, style: Style) -> Remote {
        Remote::Call(b(), function("[1,{2, 3}]").call(limit, style))
    }

    fn server_call(timeout: Option<Timeout>) -> Remote {
        let Destination::Process(server) = to("shop", B) else { panic!("a name") };
        Remote::Call(
            b(),
            Wanted::Server(ServerCall { server, request: term("{price,1}"), timeout }),
        )
    }

    fn spawned(link: bool, monitor: bool) -> Remote {
        Remote::Spawn(b(), function("[1,{2, 3}]"), Relation { link, monitor })
    }

    #[test]
    fn commands_in_words_are_understood() {
        let sent = |to, message: &str| Remote::Send(to, term(message), term("ok"));
        for (line, command) in [
            ("send shop@b@127.0.0.1 {order, 3}", sent(to("shop", B), "{order,3}")),
            ("  send   shop   \"two words\" ", sent(to("shop", "a@127.0.0.1"), "\"two words\"")),
            ("send {shop,'b@127.0.0.1'} a", sent(to("shop", B), "a")),
            ("cast shop@b@127.0.0.1 a", sent(to("shop", B), "{'$gen_cast',a}")),
            ("call b@127.0.0.1 m f [1, {2, 3}]", call(None, Style::Erpc)),
            ("call 'b@127.0.0.1' m:f [1, {2, 3}]", call(None, Style::Erpc)),
            ("call b@127.0.0.1 m:f(1, {2, 3})", call(None, Style::Erpc)),
            ("call shop@b@127.0.0.1 {price, 1}", server_call(None)),
            ("call {shop,'b@127.0.0.1'} {price, 1}", server_call(None)),
            ("spawn b@127.0.0.1 m f [1, {2, 3}]", spawned(false, false)),
            ("spawn link b@127.0.0.1 m f [1, {2, 3}]", spawned(true, false)),
            ("spawn monitor link b@127.0.0.1 m:f [1, {2, 3}]", spawned(true, true)),
            ("receive", Remote::Receive(Timeout(None))),
            ("receive 1.5", Remote::Receive(Timeout(Some(Duration::from_millis(1500))))),
            ("flush", Remote::Flush),
            ("self", Remote::Own),
        ] {
            assert_eq!(words(line), Ok(Some(command)), "{line}");
        }
        for other in ["", "nodes", "selfish", "sender"] {
            assert_eq!(words(other), Ok(None), "{other}");
        }
        for wrong in [
            "send shop",
            "send shop@nohost a",
            "send shop {",
            "send {a,b,c} 1",
            "call",
            "call b@127.0.0.1",
            "call b@127.0.0.1 m f {1}",
            "call {shop,'b@127.0.0.1'}",
            "call #Ref<b@h.1.2.3> a",
            "spawn m f",
            "spawn link",
            "receive x",
            "flush all",
            "self 1",
        ] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pids_are_those_that_are_printed() {
        let Ok(Some(Remote::Send(Destination::Process(Target::Pid(pid)), ..))) =
            words("send <'a@127.0.0.1'.5.0> x")
        else {
            panic!("to a pid")
        };
        assert_eq!((pid.id, pid.creation), (5, Creation(7)));
        let reader = reader();
        reader.words("send <'a@127.0.0.1'.5.0> x").unwrap();
        assert!(reader.ids.are_known());
        reader.send("<'b@127.0.0.1'.5.0> ! x").unwrap();
        assert!(!reader.ids.are_known(), "that node is to be asked");
    }

    #[test]
    fn messages_have_erlangs_operator() {
        let sent = |to, message: &str| Remote::Send(to, term(message), term(message));
        for (line, command) in [
            ("{shop,'b@127.0.0.1'} ! {a, \"!\"}.", sent(to("shop", B), "{a,\"!\"}")),
            ("shop!$!", sent(to("shop", "a@127.0.0.1"), "$!")),
            ("'it!' ! 1.5.", sent(to("it!", "a@127.0.0.1"), "1.5")),
        ] {
            assert_eq!(reader().send(line), Ok(Some(command)), "{line}");
        }
        for other in ["nodes", "send shop@b@127.0.0.1 \"!\"", "x:f('!', $!)", "'!"] {
            assert_eq!(reader().send(other), Ok(None), "{other}");
        }
        assert!(reader().send("1 ! a").is_err() && reader().send("a ! X").is_err());
    }

    #[test]
    fn calls_have_erlangs_form() {
        let form = |text: &str| reader().form(&reader().mfa(text).unwrap());
        let minute = Some(Duration::from_secs(60));
        let cast_of = |answer| Remote::Cast(b(), function("[1,{2, 3}]"), answer);
        for (text, command) in [
            ("flush()", Remote::Flush),
            ("self()", Remote::Own),
            ("send(shop, a)", Remote::Send(to("shop", "a@127.0.0.1"), term("a"), term("a"))),
            ("spawn('b@127.0.0.1', m, f, [1,{2,3}])", spawned(false, false)),
            ("spawn_link('b@127.0.0.1', m, f, [1,{2,3}])", spawned(true, false)),
            ("erlang:spawn_monitor('b@127.0.0.1', m, f, [1,{2,3}])", spawned(false, true)),
            ("erpc:call('b@127.0.0.1', m, f, [1,{2,3}])", call(None, Style::Erpc)),
            ("erpc:call('b@127.0.0.1', m, f, [1,{2,3}], 60000)", call(minute, Style::Erpc)),
            ("rpc:call('b@127.0.0.1', m, f, [1,{2,3}], infinity)", call(None, Style::Rpc)),
            ("erpc:cast('b@127.0.0.1', m, f, [1,{2,3}])", cast_of(term("ok"))),
            ("rpc:cast('b@127.0.0.1', m, f, [1,{2,3}])", cast_of(term("true"))),
            ("gen_server:call({shop,'b@127.0.0.1'}, {price,1})", server_call(None)),
            (
                "gen_server:call({shop,'b@127.0.0.1'}, {price,1}, 60000)",
                server_call(Some(Timeout(minute))),
            ),
            (
                "gen_server:cast({shop,'b@127.0.0.1'}, a)",
                Remote::Send(to("shop", B), term("{'$gen_cast',a}"), term("ok")),
            ),
        ] {
            assert_eq!(form(text), Ok(Some(command)), "{text}");
        }
        for other in ["nodes()", "erpc:call(a)", "spawn(m, f, [])", "net_kernel:stop()"] {
            assert_eq!(form(other), Ok(None), "{other}");
        }
        for wrong in [
            "erpc:call(b, m, f, [])",
            "erpc:call('b@127.0.0.1', m, f, a)",
            "rpc:call('b@127.0.0.1', m, f, [], -1)",
            "spawn('b@127.0.0.1', 1, f, [])",
            "gen_server:call(1, a)",
            "gen_server:call(a, a, b)",
        ] {
            assert!(form(wrong).is_err(), "{wrong}");
        }
    }
}
