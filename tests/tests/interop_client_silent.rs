//! Our calls beside Erlang's while the link is only being set up: a node of Erlang in our place calls the same node, which takes the connection and says nothing.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use netkernel_blocking::core::calls::gen_server::CallFailure;
use netkernel_blocking::core::calls::rpc::{self, BadRpc};
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::core::wire::epmd::{
    Entry, Extra, NODE_TYPE_NORMAL, Name, PortInfo, Request,
};
use netkernel_blocking::{CallError, ErpcError, RpcError, Target};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Mailbox;

const SILENT: &str = "silent@127.0.0.1";
/// In milliseconds.
const LIMIT: u64 = 200;
/// In seconds: no attempt is given up meanwhile. Erlang allows for 120.
const SETUP_TIME: u64 = 110;

const KINDS: [&str; 10] = [
    "call",
    "receive_response",
    "wait_response",
    "multi_call",
    "erpc_call",
    "erpc_receive_response",
    "erpc_wait_response",
    "erpc_multicall",
    "rpc_call",
    "rpc_multicall",
];

/// Erlang in our place. What each call is told, and how many messages and monitors are left.
const CLIENT: &str = "
-module(client).
-export([told/3]).
told(Kind, N, Limit) -> {try ask(Kind, N, Limit) catch exit:{Reason, {gen_server, call, _}} -> {exit, Reason}; C:E -> {C, E} end, left()}.
left() -> [{_, Messages}, {_, Monitors}] = process_info(self(), [message_queue_len, monitors]), {Messages, length(Monitors)}.
ask(call, N, Limit) -> gen_server:call({srv, N}, x, Limit);
ask(receive_response, N, Limit) -> gen_server:receive_response(gen_server:send_request({srv, N}, x), Limit);
ask(wait_response, N, Limit) ->
    R = gen_server:send_request({srv, N}, x),
    {gen_server:wait_response(R, Limit), gen_server:receive_response(R, 0)};
ask(multi_call, N, Limit) -> gen_server:multi_call([N, N], srv, x, Limit);
ask(erpc_call, N, Limit) -> erpc:call(N, m, f, [], Limit);
ask(erpc_receive_response, N, Limit) -> erpc:receive_response(erpc:send_request(N, m, f, []), Limit);
ask(erpc_wait_response, N, Limit) ->
    R = erpc:send_request(N, m, f, []),
    {erpc:wait_response(R, Limit), try erpc:receive_response(R, 0) catch C:E -> {C, E} end};
ask(erpc_multicall, N, Limit) -> erpc:multicall([N, N], m, f, [], Limit);
ask(rpc_call, N, Limit) -> rpc:call(N, m, f, [], Limit);
ask(rpc_multicall, N, Limit) -> rpc:multicall([N, N], m, f, [], Limit).
";

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn response(result: Result<Term, CallError>) -> String {
    let Err(CallError::Failed(CallFailure::Timeout)) = result else { panic!("{result:?}") };
    "timeout".to_owned()
}

fn raised(result: Result<Term, ErpcError>) -> String {
    let Err(ErpcError::Raised(exception)) = result else { panic!("{result:?}") };
    exception.to_term().to_string()
}

/// Our `client:ask/3`.
fn ask(own: &Mailbox, kind: &str) -> String {
    let (node, limit) = (node_name(SILENT), Some(Duration::from_millis(LIMIT)));
    let (server, x) = (Target::Name(atom("srv"), node.clone()), Term::from(atom("x")));
    let (m, f) = (atom("m"), atom("f"));
    let both = [node.clone(), node.clone()];
    let asked = || own.send_request(server.clone(), &x).unwrap();
    let erpc_asked = || own.erpc_send_request(&node, &m, &f, &[]).unwrap();
    match kind {
        "call" => match own.call(server.clone(), &x, limit) {
            Err(CallError::Failed(failure)) => format!("{{exit,{}}}", failure.to_reason()),
            other => panic!("{other:?}"),
        },
        "receive_response" => response(own.receive_response(asked(), limit)),
        "wait_response" => {
            let asked = asked();
            assert_eq!(own.wait_response(&asked, limit), None);
            let late = response(own.receive_response(asked, Some(Duration::ZERO)));
            format!("{{timeout,{late}}}")
        }
        "multi_call" => {
            let called = own.multi_call(&both, &atom("srv"), &x, limit).unwrap();
            assert_eq!(called.replies, []);
            let bad = called.bad_nodes.iter().map(|node| Term::from(node.as_atom().clone()));
            format!("{{[],{}}}", Term::list(bad))
        }
        "erpc_call" => raised(own.erpc_call(&node, &m, &f, &[], limit)),
        "erpc_receive_response" => raised(own.erpc_receive_response(erpc_asked(), limit)),
        "erpc_wait_response" => {
            let asked = erpc_asked();
            assert_eq!(own.erpc_wait_response(&asked, limit), None);
            let late = own.erpc_receive_response(asked, Some(Duration::ZERO));
            format!("{{no_response,{}}}", raised(late))
        }
        "erpc_multicall" => {
            let all = own.erpc_multicall(&both, &m, &f, &[], limit);
            format!("[{}]", all.into_iter().map(raised).collect::<Vec<_>>().join(","))
        }
        "rpc_call" => match own.rpc_call(&node, &m, &f, &[], limit) {
            Err(RpcError::Bad(bad)) => bad.to_term().to_string(),
            other => panic!("{other:?}"),
        },
        "rpc_multicall" => {
            let all = own.erpc_multicall(&both, &m, &f, &[], limit);
            let bad = all.into_iter().map(|result| {
                let bad = rpc::result(ErpcError::raised(result).unwrap());
                assert_eq!(bad, Err(BadRpc::Timeout));
                Term::from(node.as_atom().clone())
            });
            format!("{{[],{}}}", Term::list(bad))
        }
        _ => panic!("{kind}"),
    }
}

/// A node that is registered, takes connections, and says nothing.
struct Silent {
    listener: TcpListener,
    _registration: TcpStream,
}

impl Silent {
    fn start(epmd: &Epmd) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let info =
            PortInfo { port, node_type: NODE_TYPE_NORMAL, protocol: 0, highest: 6, lowest: 5 };
        let name = Name::new(b"silent").unwrap();
        let entry = Entry { info, name, extra: Extra::default() };
        let mut registration = TcpStream::connect(("127.0.0.1", epmd.port())).unwrap();
        registration.set_read_timeout(Some(GIVE_UP)).unwrap();
        registration.write_all(&Request::Alive2(entry).to_bytes()).unwrap();
        let mut answer = [0; 2];
        registration.read_exact(&mut answer).unwrap();
        assert_eq!(answer[1], 0, "registered");
        Self { listener, _registration: registration }
    }

    /// Who has connected, by what he says first.
    fn next_caller(&self) -> String {
        let mut caller = self.listener.accept().unwrap().0;
        caller.set_read_timeout(Some(GIVE_UP)).unwrap();
        let mut packet = [0; 2];
        caller.read_exact(&mut packet).unwrap();
        let mut packet = vec![0; u16::from_be_bytes(packet).into()];
        caller.read_exact(&mut packet).unwrap();
        let name = String::from_utf8_lossy(&packet).into_owned();
        name.split_once("@")
            .unwrap()
            .0
            .rsplit(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap()
            .to_owned()
    }
}

each_release_and_runtime! {
    //= docs/spec/calls.md#call-failures
    //= type=test
    //= docs/spec/calls.md#erpc-result
    //= type=test
    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn a_limit_runs_out_while_the_link_is_being_set_up(release: Release) {
        let epmd = Epmd::start(release);
        let silent = Silent::start(&epmd);
        let args = ["-kernel", "net_setuptime", &SETUP_TIME.to_string()].map(str::to_owned);
        let client = Erl::start(&ErlOptions { args: args.into(), ..ErlOptions::new(release, &epmd, "client") });
        client.load("client", CLIENT);
        let mut config = Ours::config(epmd.port());
        config.kernel.setup_time = Duration::from_secs(SETUP_TIME);
        let rust = Ours::start("rust", config);
        let (before, own) = (rust.node.usage(), rust.node.mailbox());
        // Both at the same time, for speed.
        let (ours, theirs) = thread::scope(|scope| {
            let ours = scope.spawn(|| KINDS.map(|kind| {
                let told = ask(&own, kind);
                format!("{{{told},{{{},{}}}}}", own.message_queue_len(), rust.node.usage().monitors)
            }));
            let theirs = KINDS.map(|kind| client.eval(&format!("client:told({kind}, '{SILENT}', {LIMIT})")));
            (ours.join().unwrap(), theirs)
        });
        for (kind, (ours, theirs)) in KINDS.into_iter().zip(ours.into_iter().zip(theirs)) {
            assert_eq!(ours, theirs, "{kind}");
        }
        // All of that was one attempt of each, which goes on.
        let mut callers = [(); 2].map(|()| silent.next_caller());
        callers.sort();
        assert_eq!(callers, ["client", "rust"]);
        silent.listener.set_nonblocking(true).unwrap();
        assert!(silent.listener.accept().is_err(), "there are no others");
        drop(own);
        eventually("nothing is left", || {
            let left = rust.node.usage();
            (left.processes, left.aliases, left.monitors, left.spawns)
                == (before.processes, before.aliases, before.monitors, before.spawns)
        });
    }
}
