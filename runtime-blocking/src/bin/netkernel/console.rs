//! Commands on standard input.

use netkernel_blocking::core::NodeName;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Connect(NodeName),
    Disconnect(NodeName),
    Ping(NodeName),
    Nodes,
    State,
    Stop,
    Help,
}

/// What `help` prints.
pub(crate) const HELP: &str =
    "commands: connect NODE, disconnect NODE, ping NODE, nodes, state, stop, help";

/// Reads one line; `Ok(None)` if it is blank.
///
/// # Errors
/// What to tell the user.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, String> {
    let mut words = line.split_whitespace();
    let Some(word) = words.next() else { return Ok(None) };
    let argument = words.next();
    if words.next().is_some() {
        return Err(format!("too many words; {HELP}"));
    }
    let command = match (word, argument) {
        ("connect", Some(node)) => Command::Connect(name(node)?),
        ("disconnect", Some(node)) => Command::Disconnect(name(node)?),
        ("ping", Some(node)) => Command::Ping(name(node)?),
        ("nodes", None) => Command::Nodes,
        ("state", None) => Command::State,
        ("stop", None) => Command::Stop,
        ("help", None) => Command::Help,
        ("connect" | "disconnect" | "ping", None) => return Err(format!("{word}: which node?")),
        ("nodes" | "state" | "stop" | "help", Some(_)) => {
            return Err(format!("{word} takes no argument"));
        }
        _ => return Err(format!("unknown command {word:?}; {HELP}")),
    };
    Ok(Some(command))
}

fn name(text: &str) -> Result<NodeName, String> {
    // Erlang prints node names as quoted atoms, and people copy them.
    let bare = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
    NodeName::new(bare).map_err(|error| format!("{text}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood() {
        let b = NodeName::new("b@127.0.0.1").unwrap();
        for (line, command) in [
            ("connect b@127.0.0.1", Some(Command::Connect(b.clone()))),
            ("  disconnect   'b@127.0.0.1'\r\n", Some(Command::Disconnect(b.clone()))),
            ("ping b@127.0.0.1", Some(Command::Ping(b))),
            ("nodes", Some(Command::Nodes)),
            ("state", Some(Command::State)),
            ("stop\n", Some(Command::Stop)),
            ("help", Some(Command::Help)),
            (" \n", None),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_not_a_command_is_told() {
        for line in ["frobnicate", "connect", "connect b", "connect a@b c@d", "stop now", "Stop"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
