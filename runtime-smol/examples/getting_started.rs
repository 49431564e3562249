//! Calls in both directions: the program of `docs/getting-started.md`, which tells what to type in Erlang and Elixir.
#![allow(clippy::print_stdout, reason = "this is what the example is for")]

use core::error::Error;
use core::time::Duration;

use futures_lite::future;
use netkernel_smol::core::term::Term;
use netkernel_smol::core::{Cookie, NodeName, atom};
use netkernel_smol::{
    CallReaction, Client, GenServer, Item, Mailbox, Node, NodeConfig, ProcessEvent, StartOptions,
};

/// A server, and its state.
struct Counter(i64);

impl GenServer for Counter {
    async fn handle_call(&mut self, _: &Mailbox, request: Term, _: Client) -> CallReaction {
        // In Erlang: gen_server:call({counter, 'rust@127.0.0.1'}, {add, 2}).
        if let Some([_, number]) = request.as_tuple() {
            self.0 = self.0.saturating_add(number.as_i64().unwrap_or(0));
        }
        CallReaction::Reply(self.0.into())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    future::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut config = NodeConfig::new(Cookie::new("secret")?);
    // Variables such as ERL_EPMD_PORT, as for erl.
    config.apply_env()?;
    let node = Node::new(config)?;
    node.start(StartOptions::new("rust@127.0.0.1".parse()?)).await?;

    // Erlang calls Rust.
    node.start_server(Some(&atom!("counter")), Counter(0)).await?;

    // Rust calls Erlang. A call connects by itself, but only connect_node tells why it cannot.
    let peer: NodeName = "b@127.0.0.1".parse()?;
    if let Err(error) = node.connect_node(peer.clone()).await {
        return Err(format!("no link with {peer}: {error}").into());
    }
    let own = node.mailbox();
    let (module, function) = (atom!("lists"), atom!("sum"));
    let numbers = Term::list([1_i64, 2, 3].map(Term::from));
    let sum =
        own.erpc_call(&peer, &module, &function, &[numbers], Some(Duration::from_secs(60))).await?;
    println!("lists:sum([1,2,3]) is {sum}");

    // The server runs by itself. What is sent to this process is dropped, until an exit signal ends it.
    while !matches!(own.recv().await, Item::Process(ProcessEvent::Ended { .. })) {}
    Err("an exit signal has ended this process".into())
}
