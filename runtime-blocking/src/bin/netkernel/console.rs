//! Commands on standard input.

use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::{MonitorOptions, NodeKinds};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Connect(NodeName),
    /// With a hidden link.
    HiddenConnect(NodeName),
    Disconnect(NodeName),
    Ping(NodeName),
    Nodes(NodeKinds),
    /// What the connection table has on a node.
    Info(NodeName),
    /// Entries for the allow list.
    Allow(Vec<String>),
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
    Stop,
    Help,
}

/// What `help` prints.
pub(crate) const HELP: &str = "\
connect NODE               connect, or find the link that is there
hconnect NODE              connect with a hidden link
disconnect NODE            end the link
ping NODE                  connect, and ask whether the node answers
nodes [WHICH...]           those that are visible, hidden, connected (the default), this, known
info NODE                  what the connection table has on it
allow NODE...              from now on only these: full names, hosts, or name@ for any host
state                      what this node is
ticktime                   what net_ticktime is
ticktime S [TRANSITION]    change it, over a transition of 60 or so many seconds
monitor [OPTION...]        one more subscription to node events
monitor off [OPTION...]    end the subscriptions with these options, or all
stop                       end this node
help                       print this";

/// As Erlang's, when it is not told.
const TRANSITION_SECONDS: u32 = 60;

/// Reads one line; `Ok(None)` if it is blank.
///
/// # Errors
/// What to tell the user.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let command = match words.as_slice() {
        [] => return Ok(None),
        ["connect", node] => Command::Connect(name(node)?),
        ["disconnect", node] => Command::Disconnect(name(node)?),
        ["ping", node] => Command::Ping(name(node)?),
        ["info", node] => Command::Info(name(node)?),
        ["hconnect", node] => Command::HiddenConnect(name(node)?),
        ["nodes"] => Command::Nodes(NodeKinds::CONNECTED),
        ["nodes", first, words @ ..] => {
            let mut kinds = kind(first)?;
            for word in words {
                kinds = kinds | kind(word)?;
            }
            Command::Nodes(kinds)
        }
        ["allow", node, nodes @ ..] => Command::Allow(
            [&[*node], nodes].concat().into_iter().map(bare).map(Into::into).collect(),
        ),
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
        ["connect" | "hconnect" | "disconnect" | "ping" | "info", ..] => {
            return Err("one node is wanted".into());
        }
        ["allow"] => return Err("nodes are wanted".into()),
        ["state" | "stop" | "help", ..] => return Err("no argument is wanted".into()),
        ["ticktime", ..] => return Err("at most two numbers are wanted".into()),
        [word, ..] => return Err(format!("unknown command {word:?}; there is help")),
    };
    Ok(Some(command))
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

fn atom(text: &str) -> Result<Term, String> {
    Atom::new(text).map(Term::Atom).map_err(|_| format!("{text}: too long for an atom"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkernel_blocking::core::net_kernel::subscriptions::NodeTypes;

    #[test]
    fn commands_are_understood() {
        let b = NodeName::new("b@127.0.0.1").unwrap();
        let set =
            |seconds, transition_seconds| Command::SetTicktime { seconds, transition_seconds };
        for (line, command) in [
            ("connect b@127.0.0.1", Some(Command::Connect(b.clone()))),
            ("  disconnect   'b@127.0.0.1'\r\n", Some(Command::Disconnect(b.clone()))),
            ("ping b@127.0.0.1", Some(Command::Ping(b.clone()))),
            ("info b@127.0.0.1", Some(Command::Info(b.clone()))),
            ("hconnect b@127.0.0.1", Some(Command::HiddenConnect(b))),
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
            ("help", Some(Command::Help)),
            (" \n", None),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
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
    fn what_is_not_a_command_is_told() {
        for line in [
            "frobnicate",
            "connect",
            "connect b",
            "hconnect",
            "info",
            "nodes all",
            "allow",
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
