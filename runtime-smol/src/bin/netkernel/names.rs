//! `netkernel names`.

use serde_json::json;

use crate::Failed;
use crate::args::NamesArgs;
use crate::report::{Line, Report};
use netkernel_smol::Node;

pub(crate) async fn run(args: &NamesArgs, report: &Report) -> Result<(), Failed> {
    let config = args.config()?;
    let epmd_port = config.kernel.epmd_port;
    let node = Node::new(config).map_err(|error| Failed::Because(error.to_string()))?;
    let names = node
        .names(&args.host)
        .await
        .map_err(|error| Failed::Because(format!("{}: {error}", args.host)))?;
    report.print(&Line::new(
        format_args!("epmd: up and running on port {epmd_port} with data:"),
        json!({"event": "epmd", "host": args.host, "port": epmd_port}),
    ))?;
    for (name, port) in names {
        report.print(&Line::new(
            format_args!("name {name} at port {port}"),
            json!({"event": "name", "name": name, "port": port}),
        ))?;
    }
    Ok(())
}
