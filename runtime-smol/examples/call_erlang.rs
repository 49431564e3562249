//! Calls functions and servers of a node of Erlang or Elixir.
//!
//! ```sh
//! erl -name b@127.0.0.1 -setcookie secret         # or: iex --name b@127.0.0.1 --cookie secret
//! cargo run -p netkernel-smol --example async_call_erlang -- rust@127.0.0.1 secret b@127.0.0.1
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example is for")]

use core::error::Error;
use core::time::Duration;
use std::env;

use futures_lite::future;
use netkernel_smol::core::calls::erpc::Exception;
use netkernel_smol::core::calls::gen_server::CallFailure;
use netkernel_smol::core::term::{Atom, Term};
use netkernel_smol::core::{Cookie, NodeName, atom};
use netkernel_smol::{CallError, ErpcError, Node, NodeConfig, StartOptions, Target};

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
    // A call connects by itself, but this tells why it cannot.
    node.connect_node(peer.clone()).await?;
    // A mailbox is a process of this node. Processes call.
    let own = node.mailbox();
    let limit = Some(Duration::from_secs(60));

    // In Erlang: erpc:call('b@127.0.0.1', lists, reverse, [[1,2,3]], 60000).
    for (module, function, arguments) in [
        ("lists", "reverse", "[[1,2,3]]"),
        // String.upcase("hello"): a module of Elixir has a longer name, and a string is a binary.
        ("Elixir.String", "upcase", "[<<\"hello\">>]"),
        ("erlang", "binary_to_atom", "[not_a_binary]"),
        ("erlang", "exit", "[tired]"),
        ("erlang", "throw", "[ball]"),
    ] {
        let (module, function) = (Atom::new(module)?, Atom::new(function)?);
        let arguments = Vec::try_from(arguments.parse::<Term>()?)?;
        let result = own.erpc_call(&peer, &module, &function, &arguments, limit).await;
        println!("{module}:{function} {}", told(result));
    }
    let (short, infinity) = (Some(Duration::from_millis(100)), [atom!("infinity").into()]);
    let result = own.erpc_call(&peer, &atom!("timer"), &atom!("sleep"), &infinity, short).await;
    println!("timer:sleep {}", told(result));

    // In Erlang: gen_server:call({kernel_sup, 'b@127.0.0.1'}, count_children, 60000). A supervisor is a server, too.
    for server in ["kernel_sup", "nobody"] {
        let server = Target::Name(Atom::new(server)?, peer.clone());
        match own.call(server.clone(), &atom!("count_children").into(), limit).await {
            Ok(reply) => println!("{server} replies {reply}"),
            Err(CallError::Failed(CallFailure::NoProcess)) => println!("{server} is not there"),
            Err(error) => println!("{server} does not reply: {error}"),
        }
    }
    node.stop().await?;
    Ok(())
}

fn told(result: Result<Term, ErpcError>) -> String {
    match result {
        Ok(value) => format!("returns {value}"),
        Err(ErpcError::Raised(Exception::Throw(value))) => format!("throws {value}"),
        Err(ErpcError::Raised(Exception::Exit(reason))) => format!("exits: {reason}"),
        // What comes with the reason is the stack.
        Err(ErpcError::Raised(Exception::Error(error))) => format!("fails: {}", error.0),
        // No link, no answer in time, the end of the process by a signal.
        Err(error) => format!("gives nothing: {error}"),
    }
}
