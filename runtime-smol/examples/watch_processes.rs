//! Watches processes of another node: a monitor, a link, and processes that it starts there.
//!
//! In `erl -name b@127.0.0.1 -setcookie secret`:
//!
//! ```erlang
//! register(worker, spawn(fun() -> receive Reason -> exit(Reason) end end)).
//! ```
//!
//! Then start this, and send the worker why it is to end: `worker ! tired.`
//!
//! ```sh
//! cargo run -p netkernel-smol --example async_watch_processes -- rust@127.0.0.1 secret b@127.0.0.1
//! ```
//!
//! In `iex --name b@127.0.0.1 --cookie secret`:
//!
//! ```elixir
//! Process.register(spawn(fn -> receive do reason -> exit(reason) end end), :worker)
//! send(:worker, :tired)
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example is for")]

use core::error::Error;
use std::env;

use futures_lite::future;
use netkernel_smol::core::term::{Limits, Term};
use netkernel_smol::core::{Cookie, NodeName, atom};
use netkernel_smol::{Item, Mfa, Node, NodeConfig, ProcessEvent, StartOptions, Target};

fn main() -> Result<(), Box<dyn Error>> {
    future::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, cookie, peer] = arguments.as_slice() else {
        return Err("arguments: NAME@HOST COOKIE PEER@HOST".into());
    };
    let peer: NodeName = peer.parse()?;
    let mut config = NodeConfig::new(Cookie::new(cookie)?);
    config.apply_env()?;
    let node = Node::new(config)?;
    node.start(StartOptions::new(name.parse()?)).await?;
    let own = node.mailbox();
    // Exit signals are to be items. Without this the first one ends the process.
    own.trap_exit(true)?;

    own.monitor_node(&peer, true).await?;
    // If nobody has that name, the reason is noproc; if there is no link, noconnection.
    own.monitor(Target::Name(atom!("worker"), peer.clone())).await?;

    let sleep = Mfa::new(atom!("timer"), atom!("sleep"), &[100_i64.into()])?;
    let (pid, _) = own.spawn_monitor(&peer, sleep).await?;
    println!("started {pid}, and monitor it");
    let exit = Mfa::new(atom!("erlang"), atom!("exit"), &["{shutdown,done}".parse()?])?;
    let pid = own.spawn_link(&peer, exit).await?;
    println!("started {pid}, with a link");

    loop {
        // Anything else is a message, which nobody here waits for.
        let Item::Process(event) = own.recv().await else { continue };
        match event {
            ProcessEvent::Down { object, reason, .. } => {
                println!("DOWN {object}: {}", shown(&reason));
            }
            ProcessEvent::Exit { from, reason } => println!("EXIT {from}: {}", shown(&reason)),
            ProcessEvent::NodeDown(node) => {
                println!("nodedown {node}");
                break;
            }
            // Of `kill` no process is told but by its end.
            ProcessEvent::Ended { reason } => return Err(shown(&reason).into()),
            // Only `spawn_request` has one.
            ProcessEvent::SpawnReply { .. } => {}
        }
    }
    node.stop().await?;
    Ok(())
}

/// Reasons come as bytes. Who wants to know decodes them, up to a size.
fn shown(reason: &[u8]) -> String {
    let reason = Term::decode(reason, &Limits::default());
    reason.map_or_else(|error| format!("no reason that is taken: {error}"), |it| it.to_string())
}
