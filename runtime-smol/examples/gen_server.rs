//! A server that processes of Erlang and Elixir call: a store of values by key.
//!
//! ```sh
//! cargo run -p netkernel-smol --example async_gen_server -- rust@127.0.0.1 secret
//! ```
//!
//! In `erl -name b@127.0.0.1 -setcookie secret`:
//!
//! ```erlang
//! S = {store, 'rust@127.0.0.1'}.
//! gen_server:call(S, {put, apple, 3}).                                % ok
//! gen_server:call(S, {get, apple}).                                   % {ok,3}
//! gen_server:call(S, {get, pear}).                                    % error
//! spawn(fun() -> io:format("~p~n", [gen_server:call(S, {wait, pear})]) end).
//! gen_server:cast(S, {put, pear, 4}).                                 % and the process above prints 4
//! ```
//!
//! In `iex --name c@127.0.0.1 --cookie secret`:
//!
//! ```elixir
//! store = {:store, :"rust@127.0.0.1"}
//! GenServer.call(store, {:get, :apple})                               # {:ok, 3}
//! GenServer.stop(store)                                               # :ok, and an empty one begins
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example is for")]

use core::error::Error;
use core::mem;
use std::env;

use futures_lite::future;
use netkernel_smol::core::term::{Atom, Map, Term};
use netkernel_smol::core::{Cookie, atom};
use netkernel_smol::{
    CallReaction, Client, EpmdMode, GenServer, Item, Mailbox, Node, NodeConfig, ProcessEvent,
    Reaction, StartOptions,
};

/// The state: what was put, and who waits for what.
#[derive(Debug, Default)]
struct Store {
    values: Map,
    waiting: Vec<(Term, Client)>,
}

impl Store {
    async fn put(&mut self, own: &Mailbox, key: &Term, value: &Term) {
        let waiting = mem::take(&mut self.waiting).into_iter();
        let (found, waiting): (Vec<_>, _) = waiting.partition(|(wanted, _)| wanted == key);
        self.waiting = waiting;
        for (_, client) in found {
            // The reply that was deferred. It fails if this process has been ended, which shows soon enough.
            let _ = own.reply(&client, value).await;
        }
        self.values.insert(key.clone(), value.clone());
    }
}

impl GenServer for Store {
    async fn handle_call(&mut self, own: &Mailbox, request: Term, client: Client) -> CallReaction {
        println!("call {request}");
        CallReaction::Reply(match parts(&request) {
            ("put", [key, value]) => {
                self.put(own, key, value).await;
                atom!("ok").into()
            }
            ("get", [key]) => match self.values.get(key) {
                Some(value) => Term::tuple([atom!("ok").into(), value.clone()]),
                None => atom!("error").into(),
            },
            ("wait", [key]) => match self.values.get(key) {
                Some(value) => value.clone(),
                None => {
                    // Others are served meanwhile.
                    self.waiting.push((key.clone(), client));
                    return CallReaction::NoReply;
                }
            },
            // A server of Erlang would end here.
            _ => Term::tuple([atom!("error").into(), atom!("bad_request").into()]),
        })
    }

    async fn handle_cast(&mut self, own: &Mailbox, request: Term) -> Reaction {
        println!("cast {request}");
        if let ("put", [key, value]) = parts(&request) {
            self.put(own, key, value).await;
        }
        Reaction::Continue
    }

    async fn terminate(&mut self, _: &Mailbox, reason: &Term) {
        println!("stopped: {reason}");
    }
}

/// `{put,apple,3}` is `put` and two more.
fn parts(request: &Term) -> (&str, &[Term]) {
    match request.as_tuple() {
        Some([label, rest @ ..]) => (label.as_atom().map_or("", Atom::as_str), rest),
        _ => ("", &[]),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    future::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, cookie] = arguments.as_slice() else {
        return Err("arguments: NAME@HOST COOKIE".into());
    };
    let mut config = NodeConfig::new(Cookie::new(cookie)?);
    config.apply_env()?;
    // Serves EPMD if nobody does: this node may be the first one.
    config.epmd = EpmdMode::Auto;
    let node = Node::new(config)?;
    node.start(StartOptions::new(name.parse()?)).await?;

    // A server runs by itself. When it ends, another one begins, as under a supervisor.
    let own = node.mailbox();
    loop {
        let store = node.start_server(Some(&atom!("store")), Store::default()).await?;
        own.monitor(store).await?;
        println!("store is at {name}");
        loop {
            let Item::Process(event) = own.recv().await else { continue };
            if matches!(event, ProcessEvent::Down { .. }) {
                break;
            }
            if matches!(event, ProcessEvent::Ended { .. }) {
                return Err("an exit signal has ended the process that watches the server".into());
            }
        }
    }
}
