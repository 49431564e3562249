//! Calls with values of Rust between nodes of ours.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

#[path = "support/shop.rs"]
mod shop;

use std::collections::BTreeMap;

use netkernel_blocking::core::calls::values::from_arguments;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::{CallError, ErpcError, Function, Outcome, RpcError, Target, ValueError};
use netkernel_tests::each_runtime;
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::script::Directory;
use shop::{Item, Question, Shop};

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

each_runtime! {
    //= docs/spec/calls.md#values-call
    //= type=test
    //= docs/spec/calls.md#values-server
    //= type=test
    #[test]
    fn requests_and_replies_are_values() {
        let directory = Directory::start();
        let rust = Ours::start("rust", Ours::config(directory.port()));
        rust.node.start_server(Some(&atom("shop")), Shop::default()).unwrap();
        let shop = || Target::Name(atom("shop"), node_name(rust.name()));
        let own = rust.node.mailbox();
        let apple = Item { name: "apple".to_owned(), price: 3 };
        own.cast_as(shop(), &apple).unwrap();
        let price = |name: &str| Question::Price(name.to_owned());
        assert_eq!(own.call_as(shop(), &price("apple"), None), Ok(Some(apple.clone())));
        assert_eq!(own.call_as(shop(), &price("pear"), None), Ok(None::<Item>));
        let all = BTreeMap::from([("apple".to_owned(), 3_u8)]);
        assert_eq!(own.call_as(shop(), &Question::List, None), Ok(all));
        let later = Question::Later("apple".to_owned());
        assert_eq!(own.call_as(shop(), &later, None), Ok(apple));

        // What does not fit, on either side, is told by whose fault it is.
        let reply = own.call_as::<u8>(shop(), &price("pear"), None);
        assert!(matches!(&reply, Err(ValueError::Reply { reply, .. }) if *reply == Term::from(atom("undefined"))), "{reply:?}");
        let request = own.call_as::<u8>(shop(), &f32::NAN, None);
        assert!(matches!(request, Err(ValueError::Request(_))), "{request:?}");
        assert!(matches!(own.cast_as(shop(), &f32::NAN), Err(ValueError::Request(_))));
        let told = |reply: Result<(String, (String, String)), _>| {
            let (error, (what, _)): (String, (String, String)) = reply.map_err(|e: ValueError<CallError>| e.to_string()).unwrap();
            format!("{error},{what}")
        };
        assert_eq!(told(own.call_as(shop(), "nonsense", None)), "error,badarg");
        assert_eq!(told(own.call_as(shop(), &Question::Bad, None)), "error,badterm");
        let nobody = Target::Name(atom("nobody"), node_name(rust.name()));
        let nobody = own.call_as::<u8>(nobody, &1, None);
        assert!(matches!(nobody, Err(ValueError::Call(CallError::Failed(_)))), "{nobody:?}");
    }

    //= docs/spec/calls.md#values-arguments
    //= type=test
    #[test]
    fn arguments_and_results_are_values() {
        let directory = Directory::start();
        let rust = Ours::start("rust", Ours::config(directory.port()));
        let (m, f, node) = (atom("m"), atom("repeat"), node_name(rust.name()));
        let repeat = Function { module: m.clone(), function: f.clone(), arity: 2 };
        rust.node.serve_rpc(repeat, |arguments| match from_arguments::<(String, usize)>(arguments) {
            Ok((text, times)) => Outcome::return_as(&text.repeat(times)),
            Err(_) => Outcome::badarg(),
        });
        let own = rust.node.mailbox();
        let aaa = "aaa".to_owned();
        assert_eq!(own.erpc_call_as(&node, &m, &f, &("a", 3), None), Ok(aaa.clone()));
        assert_eq!(own.rpc_call_as(&node, &m, &f, &("a", 3), None), Ok(aaa));
        let badarg = own.erpc_call_as::<String>(&node, &m, &f, &("a", "b"), None);
        assert!(matches!(badarg, Err(ValueError::Call(ErpcError::Raised(_)))), "{badarg:?}");
        let badarg = own.rpc_call_as::<String>(&node, &m, &f, &("a", "b"), None);
        assert!(matches!(badarg, Err(ValueError::Call(RpcError::Bad(_)))), "{badarg:?}");
        let other = own.erpc_call_as::<u8>(&node, &m, &f, &("a", 3), None);
        assert!(matches!(other, Err(ValueError::Reply { .. })), "{other:?}");
        let none = own.erpc_call_as::<u8>(&node, &m, &f, &1, None);
        assert!(matches!(none, Err(ValueError::Request(_))), "{none:?}");
        assert!(matches!(own.erpc_cast_as(&node, &m, &f, &1), Err(ValueError::Request(_))));
        own.erpc_cast_as(&node, &m, &f, &("a", 1)).unwrap();
        eventually("the calls are over", || rust.node.usage().spawns == 0);
        assert_eq!(own.message_queue_len(), 0);
    }
}
