//! What calls of ours have told, as Erlang's functions tell it.

use netkernel_blocking::ErpcError;
use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::calls::rpc::{self, BadRpc};
use netkernel_blocking::core::term::Term;

/// `{Label,Value}`, or what `erpc:call/5` raises.
///
/// # Panics
/// If nothing was asked.
#[must_use]
pub fn raised(result: Result<Term, ErpcError>, label: &str) -> String {
    match result {
        Ok(value) => format!("{{{label},{value}}}"),
        Err(ErpcError::Raised(exception)) => exception.to_term().to_string(),
        Err(other) => panic!("{other}"),
    }
}

/// What `rpc:multicall/5` gives: `{Values,BadNodes}`.
///
/// # Panics
/// If nothing was asked.
#[must_use]
pub fn rpc_multicall(nodes: &[NodeName], all: Vec<Result<Term, ErpcError>>) -> Term {
    let (mut values, mut bad_nodes) = (Vec::new(), Vec::new());
    for (node, result) in nodes.iter().zip(all) {
        match rpc::result(ErpcError::raised(result).expect("it was asked")) {
            Ok(value) => values.push(value),
            Err(BadRpc::NodeDown | BadRpc::Timeout) => {
                bad_nodes.push(node.as_atom().clone().into());
            }
            Err(bad) => values.push(bad.to_term()),
        }
    }
    Term::tuple([Term::list(values), Term::list(bad_nodes)])
}
