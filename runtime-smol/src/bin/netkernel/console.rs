//! Commands on standard input.

use netkernel_smol::core::NodeName;
use netkernel_smol::core::net_kernel::mfa::Mfa;
use netkernel_smol::core::term::{Atom, Term};
use netkernel_smol::{Address, MonitorOptions, NodeKinds, OptionName, OptsError, SocketOption};

use crate::remote::Remote;
use crate::remote_words::Reader;

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// What takes the time that this node takes.
    Call(NodeName, Call),
    Nodes(NodeKinds),
    /// What the connection table has on a node.
    Info(NodeName),
    /// Socket options of a link, or what is wrong with their names.
    GetOpts(NodeName, Result<Vec<OptionName>, OptsError>),
    /// Socket options for a link, or for new ones; or what is wrong with them.
    SetOpts(Option<NodeName>, Result<Vec<SocketOption>, OptsError>),
    /// Entries for the allow list.
    Allow(Vec<String>),
    /// Where a node is; `None`: EPMD knows.
    Peer(NodeName, Option<Address>),
    State,
    Ticktime,
    SetTicktime {
        seconds: u32,
        transition_seconds: u32,
    },
    /// One more subscription.
    Monitor(MonitorOptions),
    /// Ends the subscriptions with these options, or all.
    MonitorOff(Option<MonitorOptions>),
    /// A call in Erlang's own form.
    Apply(Mfa),
    /// A message, a call or a process.
    Remote(Written),
    Stop,
    Help,
}

/// A command with terms, as far as it can be read without asking other nodes.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) remote: Remote,
    pub(crate) line: String,
    /// Who knows what is to be asked.
    pub(crate) reader: Reader,
}

impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        self.remote == other.remote
    }
}

impl Eq for Written {}

/// A command that waits for another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Connect,
    /// With a hidden link.
    HiddenConnect,
    Disconnect,
    Ping,
}

/// What `help` prints.
pub(crate) const HELP: &str = "\
connect NODE               connect, or find the link that is there
hconnect NODE              connect with a hidden link
disconnect NODE            end the link
ping NODE                  connect, and ask whether the node answers
nodes [WHICH...]           those that are visible, hidden, connected (the default), this, known
info NODE                  what the connection table has on it
getopts NODE NAME...       socket options of the link
setopts NODE NAME=VALUE... set them; NODE may be new, for all links to come
allow NODE...              from now on only these: full names, hosts, or name@ for any host
peer NODE ADDRESS          where it is: host:port, or the path of a Unix socket; epmd, if that is to be asked again
state                      what this node is
ticktime                   what net_ticktime is
ticktime S [TRANSITION]    change it, over a transition of 60 or so many seconds
monitor [OPTION...]        one more subscription to node events
monitor off [OPTION...]    end the subscriptions with these options, or all
send TO TERM               a message, as TO ! TERM does; TO is NAME@NODE, {NAME,NODE}, a NAME here, or a pid or alias as it is printed
call NODE M F [ARGS]       what M:F(ARGS...) returns there, as erpc:call/4; also M:F [ARGS], and M:F(ARG,...)
call TO REQUEST            what a gen_server replies, as gen_server:call/2; TO has a NODE
cast TO REQUEST            a request that has no reply
spawn [link] [monitor] NODE M F [ARGS]   a process there: prints its pid
receive [S]                the first message that has come, or comes within S seconds
flush                      all messages that have come
self                       the pid of the console
stop                       end this node
help                       print this
MODULE:FUNCTION(TERM,...). a call of net_kernel, net_adm or, without a module, erlang, answered as Erlang prints it; of erpc and rpc (call, cast),
                           gen_server (call, cast), spawn, spawn_link, spawn_monitor, send, self and flush

A connect, hconnect, disconnect or ping waits only for those that came before it for the same node; all else, for none.
So do calls in Erlang's form; of net_adm and of starts and stops, each waits for those before it. Calls of functions and servers begin in
their order, and wait beside each other. Messages are printed when they come, and wait for receive and flush.";

/// As Erlang's, when it is not told.
const TRANSITION_SECONDS: u32 = 60;

/// Reads one line; `Ok(None)` if it is blank.
///
/// # Errors
/// What to tell the user.
pub(crate) fn parse(line: &str, reader: Reader) -> Result<Option<Command>, String> {
    let remote = if let Some(remote) = reader.send(line)? {
        Some(remote)
    } else if let Some(text) = call(line) {
        // As Erlang's shell ends.
        if text == "q()" {
            return Ok(Some(Command::Stop));
        }
        let call = reader.mfa(text)?;
        match reader.form(&call)? {
            Some(remote) => Some(remote),
            None => return Ok(Some(Command::Apply(call))),
        }
    } else {
        reader.words(line)?
    };
    if let Some(remote) = remote {
        return Ok(Some(Command::Remote(Written { remote, line: line.into(), reader })));
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let command = match words.as_slice() {
        [] => return Ok(None),
        ["connect", node] => Command::Call(name(node)?, Call::Connect),
        ["disconnect", node] => Command::Call(name(node)?, Call::Disconnect),
        ["ping", node] => Command::Call(name(node)?, Call::Ping),
        ["info", node] => Command::Info(name(node)?),
        ["hconnect", node] => Command::Call(name(node)?, Call::HiddenConnect),
        ["nodes"] => Command::Nodes(NodeKinds::CONNECTED),
        ["nodes", first, words @ ..] => {
            let mut kinds = kind(first)?;
            for word in words {
                kinds = kinds | kind(word)?;
            }
            Command::Nodes(kinds)
        }
        ["getopts", node, names @ ..] => Command::GetOpts(
            name(node)?,
            names.iter().map(|name| OptionName::named(name)).collect(),
        ),
        ["setopts", node, words @ ..] => {
            let node = if *node == "new" { None } else { Some(name(node)?) };
            Command::SetOpts(node, socket_options(words)?)
        }
        ["allow", node, nodes @ ..] => Command::Allow(
            [&[*node], nodes].concat().into_iter().map(bare).map(Into::into).collect(),
        ),
        ["peer", node, "epmd"] => Command::Peer(name(node)?, None),
        ["peer", node, address] => {
            let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
            Command::Peer(name(node)?, Some(address))
        }
        ["peer", ..] => return Err("a node and its address are wanted".into()),
        ["state"] => Command::State,
        ["ticktime"] => Command::Ticktime,
        ["ticktime", seconds] => Command::SetTicktime {
            seconds: number(seconds)?,
            transition_seconds: TRANSITION_SECONDS,
        },
        ["ticktime", seconds, transition] => Command::SetTicktime {
            seconds: number(seconds)?,
            transition_seconds: number(transition)?,
        },
        ["monitor", "off"] => Command::MonitorOff(None),
        ["monitor", "off", words @ ..] => Command::MonitorOff(Some(options(words)?)),
        ["monitor", words @ ..] => Command::Monitor(options(words)?),
        ["stop"] => Command::Stop,
        ["help"] => Command::Help,
        ["connect" | "hconnect" | "disconnect" | "ping" | "info" | "getopts" | "setopts", ..] => {
            return Err("one node is wanted".into());
        }
        ["allow"] => return Err("nodes are wanted".into()),
        ["state" | "stop" | "help", ..] => return Err("no argument is wanted".into()),
        ["ticktime", ..] => return Err("at most two numbers are wanted".into()),
        [word, ..] => return Err(format!("unknown command {word:?}; there is help")),
    };
    Ok(Some(command))
}

/// What is in Erlang's form, without its dot: before the first parenthesis no command has only one word.
fn call(line: &str) -> Option<&str> {
    let text = line.trim();
    let (function, _) = text.split_once('(')?;
    let one_word = !function.contains(char::is_whitespace);
    one_word.then(|| text.strip_suffix('.').unwrap_or(text))
}

fn name(text: &str) -> Result<NodeName, String> {
    NodeName::new(bare(text)).map_err(|error| format!("{text}: {error}"))
}

/// Erlang prints node names as quoted atoms, and people copy them.
fn bare(text: &str) -> &str {
    text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text)
}

fn kind(text: &str) -> Result<NodeKinds, String> {
    Ok(match text {
        "visible" => NodeKinds::VISIBLE,
        "hidden" => NodeKinds::HIDDEN,
        "connected" => NodeKinds::CONNECTED,
        "this" => NodeKinds::THIS,
        "known" => NodeKinds::KNOWN,
        _ => return Err(format!("{text}: visible, hidden, connected, this or known is wanted")),
    })
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text}: a number of seconds is wanted"))
}

/// Options of `monitor_nodes/2`: `KEY=VALUE` is `KEY => VALUE`, and `KEY` is `KEY => true`. With `list` among them they are
/// `{KEY,VALUE}` and `KEY` in a list. What is wrong is told in Erlang's words.
fn options(words: &[&str]) -> Result<MonitorOptions, String> {
    let pairs = words.iter().filter(|word| **word != "list").map(|word| {
        let (key, value) = word.split_once('=').map_or((*word, None), |(k, v)| (k, Some(v)));
        Ok((atom(key)?, value.map(atom).transpose()?))
    });
    let pairs: Vec<(Term, Option<Term>)> = pairs.collect::<Result<_, String>>()?;
    let options = if words.contains(&"list") {
        Term::list(pairs.into_iter().map(|(key, value)| match value {
            Some(value) => Term::tuple([key, value]),
            None => key,
        }))
    } else {
        Term::map(pairs.into_iter().map(|(key, value)| (key, value.unwrap_or_else(|| true.into()))))
    };
    MonitorOptions::from_term(&options).map_err(|error| error.to_string())
}

/// Options of `setopts/2`: `NAME=VALUE` is `{NAME,VALUE}`. What is wrong with them is told after what the call finds.
fn socket_options(words: &[&str]) -> Result<Result<Vec<SocketOption>, OptsError>, String> {
    let options = words.iter().map(|word| {
        let Some((name, value)) = word.split_once('=') else { return atom(word) };
        let value: Term = value.parse().map_err(|error| format!("{value}: {error}"))?;
        Ok(Term::tuple([atom(name)?, value]))
    });
    Ok(SocketOption::check(&options.collect::<Result<Vec<_>, String>>()?))
}

fn atom(text: &str) -> Result<Term, String> {
    Atom::new(text).map(Term::Atom).map_err(|_| format!("{text}: too long for an atom"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkernel_smol::core::net_kernel::subscriptions::NodeTypes;

    fn parse(line: &str) -> Result<Option<Command>, String> {
        super::parse(line, Reader::new(None))
    }

    #[test]
    fn commands_are_understood() {
        let b = NodeName::new("b@127.0.0.1").unwrap();
        let set =
            |seconds, transition_seconds| Command::SetTicktime { seconds, transition_seconds };
        for (line, command) in [
            ("connect b@127.0.0.1", Some(Command::Call(b.clone(), Call::Connect))),
            ("  disconnect   'b@127.0.0.1'\r\n", Some(Command::Call(b.clone(), Call::Disconnect))),
            ("ping b@127.0.0.1", Some(Command::Call(b.clone(), Call::Ping))),
            ("info b@127.0.0.1", Some(Command::Info(b.clone()))),
            ("hconnect b@127.0.0.1", Some(Command::Call(b, Call::HiddenConnect))),
            ("peer c@h epmd", Some(Command::Peer("c@h".parse().unwrap(), None))),
            (
                "peer c@h /run/c",
                Some(Command::Peer("c@h".parse().unwrap(), Some("/run/c".parse().unwrap()))),
            ),
            ("nodes", Some(Command::Nodes(NodeKinds::CONNECTED))),
            ("nodes this hidden", Some(Command::Nodes(NodeKinds::THIS | NodeKinds::HIDDEN))),
            (
                "allow 'b@127.0.0.1' c@",
                Some(Command::Allow(vec!["b@127.0.0.1".into(), "c@".into()])),
            ),
            ("state", Some(Command::State)),
            ("ticktime", Some(Command::Ticktime)),
            ("ticktime 20", Some(set(20, 60))),
            ("ticktime 20 0", Some(set(20, 0))),
            ("stop\n", Some(Command::Stop)),
            (" q(). ", Some(Command::Stop)),
            ("help", Some(Command::Help)),
            (" \n", None),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn calls_have_erlangs_form() {
        for line in ["nodes(hidden).", " nodes( hidden )\r\n", "erlang:nodes(hidden)."] {
            let Ok(Some(Command::Apply(call))) = parse(line) else { panic!("{line}") };
            assert_eq!((call.module.as_str(), call.function.as_str()), ("erlang", "nodes"));
            assert_eq!(call.arguments, ["hidden".parse().unwrap()], "{line}");
        }
        for line in ["nodes(X).", "nodes(", "nodes(a) b", "nodes(a).."] {
            assert!(parse(line).is_err_and(|error| error.starts_with("at byte ")), "{line}");
        }
    }

    #[test]
    fn options_of_monitor_are_erlangs() {
        let hidden = MonitorOptions::LIST.node_types(NodeTypes::Hidden);
        for (line, command) in [
            ("monitor", Command::Monitor(MonitorOptions::MAP)),
            ("monitor list", Command::Monitor(MonitorOptions::LIST)),
            (
                "monitor node_type=all nodedown_reason connection_id",
                Command::Monitor(MonitorOptions::ALL),
            ),
            ("monitor connection_id=false", Command::Monitor(MonitorOptions::MAP)),
            ("monitor node_type=hidden list", Command::Monitor(hidden)),
            ("monitor off", Command::MonitorOff(None)),
            ("monitor off list node_type=hidden", Command::MonitorOff(Some(hidden))),
        ] {
            assert_eq!(parse(line), Ok(Some(command)), "{line}");
        }
        for (line, error) in [
            ("monitor x", "{error,{unknown_options,#{x => true}}}"),
            ("monitor list x", "{error,{unknown_options,[x]}}"),
            ("monitor off list node_type=x", "{error,{bad_option_value,{node_type,x}}}"),
            ("monitor node_type", "{error,{bad_option_value,#{node_type => true}}}"),
        ] {
            assert_eq!(parse(line), Err(error.into()), "{line}");
        }
    }

    #[test]
    fn socket_options_are_erlangs() {
        let b = || NodeName::new("b@127.0.0.1").unwrap();
        let (nodelay, invalid) = (SocketOption::Nodelay(true), OptsError::Invalid);
        let names = [OptionName::Nodelay, OptionName::Tos];
        for (line, command) in [
            ("getopts b@127.0.0.1", Command::GetOpts(b(), Ok(Vec::new()))),
            ("getopts b@127.0.0.1 nodelay tos", Command::GetOpts(b(), Ok(names.into()))),
            ("getopts b@127.0.0.1 nodelay foo", Command::GetOpts(b(), Err(invalid.clone()))),
            ("setopts b@127.0.0.1 nodelay=true", Command::SetOpts(Some(b()), Ok([nodelay].into()))),
            (
                "setopts new linger={true,5} tos=8",
                Command::SetOpts(
                    None,
                    Ok([SocketOption::Linger(Some(5)), SocketOption::Tos(8)].into()),
                ),
            ),
            ("setopts new", Command::SetOpts(None, Ok(Vec::new()))),
            ("setopts new nodelay", Command::SetOpts(None, Err(invalid.clone()))),
            ("setopts new nodelay=1", Command::SetOpts(None, Err(invalid))),
        ] {
            assert_eq!(parse(line), Ok(Some(command)), "{line}");
        }
        let Ok(Some(Command::SetOpts(None, Err(bad)))) = parse("setopts new packet=2 active=once")
        else {
            panic!("these are the carrier's")
        };
        assert_eq!(bad.to_string(), "{error,{badopts,[{packet,2},{active,once}]}}");
    }

    #[test]
    fn messages_and_calls_are_read_with_their_line() {
        for line in [
            "flush",
            " receive 1",
            "self().",
            "a ! b.",
            "send a \"f(x)\"",
            "erpc:call(a@b,m,f,[]).",
        ] {
            let Ok(Some(Command::Remote(written))) = parse(line) else { panic!("{line}") };
            assert_eq!(written.line, line);
        }
        assert!(matches!(parse("spawn(m, f, [])."), Ok(Some(Command::Apply(_)))));
    }

    #[test]
    fn what_is_not_a_command_is_told() {
        for line in [
            "frobnicate",
            "connect",
            "connect b",
            "hconnect",
            "info",
            "getopts",
            "setopts",
            "setopts b x=1",
            "nodes all",
            "allow",
            "peer",
            "peer c@h",
            "peer c@h h:0",
            "peer c@h h:1 h:2",
            "connect a@b c@d",
            "stop now",
            "Stop",
            "ticktime x",
            "ticktime -1",
            "ticktime 1 2 3",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
