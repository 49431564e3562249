//! Calls with values of Rust, between nodes of Erlang and ours.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

#[path = "support/shop.rs"]
mod shop;

use netkernel_blocking::core::calls::values::from_arguments;
use netkernel_blocking::core::term::Atom;
use netkernel_blocking::{Function, Outcome, Target, ValueError};
use netkernel_tests::otp::{Elixir, Epmd, Erl, ErlOptions, Release};
use netkernel_tests::ours::{Ours, node_name};
use netkernel_tests::{GIVE_UP, each_release_and_runtime};
use serde::Deserialize;
use shop::{Item, Question, Shop};

const SHOP: &str = "
-module(shop).
-behaviour(gen_server).
-export([start/0, init/1, handle_call/3, handle_cast/2]).
start() -> {ok, _} = gen_server:start({local, ?MODULE}, ?MODULE, [], []), ok.
init(_) -> {ok, #{}}.
handle_call({price, Name}, _, S) ->
    {reply, case S of #{Name := Price} -> #{name => Name, price => Price}; _ -> undefined end, S};
handle_call(list, _, S) -> {reply, S, S}.
handle_cast(#{name := Name, price := Price}, S) -> {noreply, S#{Name => Price}}.
";

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

/// `cart:total(Items, Factor)` of what is in a cart, by `undefined` or `nil` for once: the sum, and the names.
fn serve_total(rust: &Ours) {
    let total = Function { module: atom("cart"), function: atom("total"), arity: 2 };
    rust.node.serve_rpc(total, |arguments| {
        match from_arguments::<(Vec<Item>, Option<u32>)>(arguments) {
            Ok((items, factor)) => {
                let sum: u32 = items.iter().map(|item| item.price).sum();
                let names: Vec<_> = items.into_iter().map(|item| item.name).collect();
                Outcome::return_as(&(sum * factor.unwrap_or(1), names.join("+")))
            }
            Err(_) => Outcome::badarg(),
        }
    });
}

/// Some of the keys of Elixir's `URI`.
#[derive(Debug, PartialEq, Deserialize)]
struct Uri {
    scheme: String,
    port: u16,
    path: Option<String>,
    query: Option<String>,
}

each_release_and_runtime! {
    //= docs/spec/calls.md#values-call
    //= type=test
    #[test]
    fn values_go_both_ways(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        erl.load("shop", SHOP);
        assert_eq!(erl.eval("shop:start()"), "ok");
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let (own, b) = (rust.node.mailbox(), node_name(erl.name()));
        let shop = || Target::Name(atom("shop"), b.clone());
        let apple = Item { name: "apple".to_owned(), price: 3 };
        own.cast_as(shop(), &apple).unwrap();
        assert_eq!(own.call_as(shop(), &Question::Price("apple".to_owned()), None), Ok(apple));
        let pear = own.call_as(shop(), &Question::Price("pear".to_owned()), None);
        assert_eq!(pear, Ok(None::<Item>));
        let (lists, list) = (atom("lists"), [3, 1, 2]);
        let sum = |function| own.erpc_call_as::<u32>(&b, &lists, &atom(function), &(list,), None);
        assert_eq!(sum("sum"), Err(ValueError::Call(own.erpc_call(&b, &lists, &atom("sum"), &["{3,1,2}".parse().unwrap()], None).unwrap_err())), "an array is a tuple");
        let sorted = own.erpc_call_as(&b, &lists, &atom("sort"), &(list.to_vec(),), None);
        assert_eq!(sorted, Ok(vec![1, 2, 3]));
        let upper = own.rpc_call_as(&b, &atom("string"), &atom("uppercase"), &("abc",), None);
        assert_eq!(upper, Ok("ABC".to_owned()));
        let nodes: Result<Vec<String>, _> = own.erpc_call_as(&b, &atom("erlang"), &atom("nodes"), &(), None);
        assert_eq!(nodes, Ok(vec![rust.name().to_owned()]));

        // The same server in Rust.
        rust.node.start_server(Some(&atom("shop")), Shop::default()).unwrap();
        let asked = |call: &str| erl.eval(&format!("S = {{shop, '{}'}}, {call}", rust.name()));
        asked("gen_server:cast(S, #{name => <<\"plum\">>, price => 7})");
        assert_eq!(asked("gen_server:call(S, {price, <<\"plum\">>}) =:= #{name => <<\"plum\">>, price => 7}"), "true");
        assert_eq!(asked("gen_server:call(S, {price, <<\"fig\">>})"), "undefined");
        assert_eq!(asked("gen_server:call(S, list)"), "#{<<\"plum\">> => 7}");
        assert_eq!(asked("element(1, element(2, gen_server:call(S, {unknown, 1})))"), "badarg");
        assert_eq!(asked("gen_server:call(S, {later, <<\"fig\">>})"), "undefined");
        assert_eq!(asked("maps:get(price, gen_server:call(S, {later, plum}))"), "7");

        // A function in Rust, and one of Erlang of which nobody wants to know the result.
        serve_total(&rust);
        let total = |function: &str| erl.eval(&format!("{function}('{}', cart, total, [[#{{name => <<\"fig\">>, price => 2}}, #{{price => 3, name => \"plum\"}}], 10])", rust.name()));
        assert_eq!([total("erpc:call"), total("rpc:call")], ["{50,<<\"fig+plum\">>}"; 2]);
        let bad = erl.eval(&format!("try erpc:call('{}', cart, total, [[], -1]) catch C:{{E, R, _}} -> {{C, E, R}} end", rust.name()));
        assert_eq!(bad, "{error,exception,badarg}");
        own.erpc_cast_as(&b, &atom("erlang"), &atom("send"), &(atom("witness"), ("seen", "apple", Some(1.5)))).unwrap();
        erl.wait_event(GIVE_UP, |event| event == "{<<\"seen\">>,<<\"apple\">>,1.5}");
    }

    //= docs/spec/calls.md#values-call
    //= type=test
    //= docs/spec/calls.md#values-server
    //= type=test
    //= docs/spec/calls.md#values-arguments
    //= type=test
    #[test]
    fn values_of_elixir_are_values(release: Release) {
        let epmd = Epmd::start(release);
        let elixir = Elixir::start(release, &epmd, "ex");
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        rust.node.start_server(Some(&atom("shop")), Shop::default()).unwrap();
        serve_total(&rust);
        let asked = |code: &str| elixir.eval(&code.replace("RUST", &format!(":\"{}\"", rust.name())));
        // A struct has one more key, which nothing of Rust has to name.
        assert_eq!(asked("defmodule Item do defstruct [:name, :price] end; GenServer.cast({:shop, RUST}, struct(Item, name: \"prune d'été\", price: 7))"), ":ok");
        assert_eq!(asked("GenServer.call({:shop, RUST}, {:price, \"prune d'été\"}) == %{name: \"prune d'été\", price: 7}"), "true");
        assert_eq!(asked("GenServer.call({:shop, RUST}, {:price, \"figue\"})"), ":undefined");
        assert_eq!(asked(":erpc.call(RUST, :cart, :total, [[%{name: \"fig\", price: 2}], nil])"), "{2, \"fig\"}");

        let (own, ex) = (rust.node.mailbox(), node_name(elixir.name()));
        let call = |module: &str, function: &str, argument: &str| {
            own.erpc_call_as::<Option<String>>(&ex, &atom(module), &atom(function), &(argument,), None)
        };
        assert_eq!(call("Elixir.String", "upcase", "été"), Ok(Some("ÉTÉ".to_owned())));
        assert_eq!(call("Elixir.String", "first", ""), Ok(None));
        assert_eq!(call("Elixir.System", "get_env", "NOBODY_SETS_THIS"), Ok(None));
        let uri = own.erpc_call_as(&ex, &atom("Elixir.URI"), &atom("parse"), &("http://h:8080/p",), None);
        let expected = Uri { scheme: "http".to_owned(), port: 8080, path: Some("/p".to_owned()), query: None };
        assert_eq!(uri, Ok(expected));
    }
}
