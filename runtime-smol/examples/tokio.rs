//! A node inside a tokio program: its tasks run on tokio's threads, next to the program's own.
//!
//! ```sh
//! cargo run -p netkernel-smol --example tokio -- rust@127.0.0.1 secret b@127.0.0.1
//! ```
//!
//! joins the node `b` (`erl -name b@127.0.0.1 -setcookie secret`), which brings its EPMD, and tells for a minute which nodes
//! come and go.
#![allow(clippy::print_stdout, reason = "this is what the example is for")]

use core::error::Error;
use core::time::Duration;
use std::env;

use netkernel_smol::core::{Cookie, NodeName};
use netkernel_smol::{Item, MonitorOptions, Node, NodeConfig, StartOptions};
use tokio::runtime::Handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, cookie, peer] = arguments.as_slice() else {
        return Err("arguments: NAME@HOST COOKIE PEER@HOST".into());
    };
    let (name, peer): (NodeName, NodeName) = (name.parse()?, peer.parse()?);

    // All that is special: the node's tasks are handed to tokio.
    let tokio = Handle::current();
    let mut config = NodeConfig::new(Cookie::new(cookie)?);
    config.apply_env()?;
    let node = Node::new_on(config, move |task| drop(tokio.spawn(task)));

    let mailbox = node.mailbox();
    mailbox.monitor_nodes(true, MonitorOptions::ALL).await;
    node.start(StartOptions::new(name)).await?;
    node.connect_node(peer).await?;
    let end = tokio::time::sleep(Duration::from_secs(60));
    tokio::pin!(end);
    loop {
        tokio::select! {
            item = mailbox.recv() => if let Item::Event(event) = item {
                println!("{event}");
            },
            () = &mut end => break,
        }
    }
    node.stop().await?;
    Ok(())
}
