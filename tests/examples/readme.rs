//! The program of the README.
#![allow(clippy::print_stdout, reason = "this is what the example is for")]

use netkernel_blocking::core::{atom, term::Term};
use netkernel_blocking::{
    CallReaction, Client, GenServer, Mailbox, Node, NodeConfig, StartOptions,
};

struct Counter(i64);

impl GenServer for Counter {
    fn handle_call(&mut self, _: &Mailbox, _request: Term, _: Client) -> CallReaction {
        self.0 += 1;
        CallReaction::Reply(self.0.into())
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let node = Node::new(NodeConfig::from_env()?)?; // reads ~/.erlang.cookie, as erl does
    node.start(StartOptions::new("rust@127.0.0.1".parse()?))?;

    // gen_server:call({counter, 'rust@127.0.0.1'}, next), GenServer.call({:counter, :"rust@127.0.0.1"}, :next)
    node.start_server(Some(&atom!("counter")), Counter(0))?;

    // At a node that began as `erl -name b@127.0.0.1` or `iex --name b@127.0.0.1`: string:uppercase(<<"hello">>).
    let (peer, module, function) = ("b@127.0.0.1".parse()?, atom!("string"), atom!("uppercase"));
    let shouted = node.mailbox().erpc_call(&peer, &module, &function, &["hello".into()], None)?;
    println!("{shouted}");
    loop {
        std::thread::park(); // the server runs by itself
    }
}
