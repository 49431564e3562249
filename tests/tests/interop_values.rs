//! Calls with values of Rust, between nodes of Erlang and ours.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

#[path = "support/shop.rs"]
mod shop;

use netkernel_blocking::core::term::Atom;
use netkernel_blocking::{Target, ValueError};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release};
use netkernel_tests::ours::{Ours, node_name};
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
    }
}
