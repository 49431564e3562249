//! `netkernel world` and `netkernel hosts`.

use netkernel_smol::core::net_adm::{Answer, WorldError};
use netkernel_smol::core::term::Term;
use netkernel_smol::{HostDirs, Node, Verbosity};
use serde_json::{Value, json};

use crate::apply::raised;
use crate::args::WorldArgs;
use crate::pings::Pings;
use crate::report::{Line, Report};
use crate::{Failed, because, temporary};

/// What `net_adm:host_file/0` returns.
pub(crate) async fn hosts(report: &Report) -> Result<(), Failed> {
    let hosts = Node::host_file(&HostDirs::of_process()).await;
    let json = match &hosts {
        Ok(hosts) => json!({"event": "hosts", "hosts": hosts.iter().map(text).collect::<Vec<_>>()}),
        Err(error) => json!({"event": "hosts", "error": error.to_string()}),
    };
    let failed = hosts.is_err();
    // What is no host file is returned, not raised.
    let told = Answer::HostFile(hosts).to_result().unwrap_or(Term::NIL);
    report.print(&Line::new(told, json))?;
    if failed { Err(Failed::Told) } else { Ok(()) }
}

/// What `net_adm:world/1` prints and returns, asked by a node that nobody sees.
pub(crate) async fn run(args: &WorldArgs, report: &Report) -> Result<(), Failed> {
    let result = match Node::host_file(&HostDirs::of_process()).await {
        Err(error) => Err(WorldError::HostFile(error)),
        Ok(hosts) => {
            let node = temporary::start(args.config()?, host(&hosts, args.shortnames)).await?;
            let result = walk(&node, Term::list(hosts), args.verbose, report).await?;
            node.stop().await.map_err(because)?;
            result
        }
    };
    match Answer::World(result).to_result() {
        Ok(nodes) => {
            let json = nodes.as_list().unwrap_or_default().iter().map(text).collect::<Vec<_>>();
            report.print(&Line::new(nodes, json!({"event": "world", "nodes": json})))?;
            Ok(())
        }
        Err(exception) => {
            let told = exception.to_term().to_string();
            let json = json!({"event": "world", "exception": told});
            report.print(&Line::new(raised(&exception), json))?;
            Err(Failed::Told)
        }
    }
}

type Walked = Result<Vec<netkernel_smol::core::NodeName>, WorldError>;

async fn walk(node: &Node, hosts: Term, verbose: bool, report: &Report) -> Result<Walked, Failed> {
    let (mut pings, mut output) = (Pings::default(), Ok(()));
    let mut tell = |piece: &str| {
        let line = pings.add(piece);
        if output.is_ok() {
            output = report.piece(piece, line.as_ref());
        }
    };
    let verbosity = if verbose { Verbosity::Verbose(&mut tell) } else { Verbosity::Silent };
    let result = node.world_list(&hosts, verbosity).await;
    output?;
    Ok(result)
}

/// A host whose nodes have names of the kind that we need: they have long ones if there is a dot.
fn host(hosts: &[Term], shortnames: bool) -> &str {
    let names = hosts.iter().filter_map(Term::as_atom).map(|host| host.as_str());
    let mut long = names.filter(|host| !shortnames && host.contains('.'));
    long.next().unwrap_or("localhost")
}

fn text(term: &Term) -> Value {
    term.as_atom().map_or_else(|| term.to_string(), |atom| atom.as_str().into()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_a_dot_has_long_names_unless_short_ones_are_asked_for() {
        let hosts = ["\"a.b\"", "a", "'b.c'", "'d.e'"].map(|host| host.parse().unwrap());
        assert_eq!(host(&hosts, false), "b.c");
        assert_eq!(host(&hosts, true), "localhost");
        assert_eq!(host(&hosts[..2], false), "localhost");
    }
}
