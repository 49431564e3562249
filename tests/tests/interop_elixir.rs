//! Calls between nodes of Elixir and ours: servers, functions, and errors as Elixir has them.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use netkernel_blocking::core::calls::erpc::Exception;
use netkernel_blocking::core::calls::gen_server::CallFailure;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::core::{NodeName, atom};
use netkernel_blocking::{
    CallError, CallReaction, Client, ErpcError, Function, Outcome, Reaction, Target,
};
use netkernel_tests::otp::{Elixir, Epmd, Release};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Mailbox;
use netkernel_tests::{GIVE_UP, each_release_and_runtime};

const LIMIT: Option<Duration> = Some(Duration::from_secs(120));

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

fn nodes(release: Release) -> (Epmd, Elixir, Ours) {
    let epmd = Epmd::start(release);
    let elixir = Elixir::start(release, &epmd, "ex");
    let rust = Ours::start("rust", Ours::config(epmd.port()));
    (epmd, elixir, rust)
}

/// A server of ours.
#[derive(Default)]
struct Shop {
    last: Option<Term>,
    waiting: Option<Client>,
    /// Told when somebody waits.
    waits: Option<Sender<()>>,
}

impl Shop {
    /// The reaction, and who else gets a reply.
    fn asked(&mut self, request: Term, client: Client) -> (CallReaction, Option<Client>) {
        let parts = request.as_tuple().unwrap_or_default();
        let label = parts.first().and_then(Term::as_atom).map_or("", Atom::as_str);
        match (label, parts.get(1..).unwrap_or_default()) {
            ("echo", [it]) => (CallReaction::Reply(it.clone()), None),
            ("wait", []) => {
                self.waiting = Some(client);
                if let Some(waits) = &self.waits {
                    waits.send(()).unwrap();
                }
                (CallReaction::NoReply, None)
            }
            ("release", []) => (CallReaction::Reply(atom!("ok").into()), self.waiting.take()),
            ("last", []) => {
                (CallReaction::Reply(self.last.take().unwrap_or_else(|| atom!("nil").into())), None)
            }
            ("stop", [reason]) => {
                (CallReaction::Stop { reason: reason.clone(), reply: None }, None)
            }
            _ => (CallReaction::NoReply, None),
        }
    }

    fn told(&mut self, request: Term) -> Reaction {
        self.last = Some(request);
        Reaction::Continue
    }
}

macro_rules! serves {
    ($runtime:ident, [$($async:tt)?], [$($wait:tt)*]) => {
        impl $runtime::GenServer for Shop {
            $($async)? fn handle_call(
                &mut self,
                own: &$runtime::Mailbox,
                request: Term,
                client: Client,
            ) -> CallReaction {
                let (reaction, released) = self.asked(request, client);
                if let Some(client) = released {
                    own.reply(&client, &atom!("released").into())$($wait)*.unwrap();
                }
                reaction
            }

            $($async)? fn handle_cast(&mut self, _: &$runtime::Mailbox, request: Term) -> Reaction {
                self.told(request)
            }
        }
    };
}

serves!(netkernel_blocking, [], []);
serves!(netkernel_smol, [async], [.await]);

/// Code with `s` for a server of ours, and its value.
const VALUES: [(&str, &str); 12] = [
    (
        "it = %{a: [1, \"two\", 3.5, nil, true, [99], {:d}]}; GenServer.call(s, {:echo, it}) == it",
        "true",
    ),
    ("GenServer.call(s, {:echo, 1..3})", "1..3"),
    ("GenServer.call(s, {:echo, ~D[2024-02-29]})", "~D[2024-02-29]"),
    ("GenServer.cast(s, {:put, \"é\"}); GenServer.call(s, {:last})", "{:put, \"é\"}"),
    (
        "r = :gen_server.send_request(s, {:wait}); {GenServer.call(s, {:release}), :gen_server.receive_response(r, 60000)}",
        "{:ok, {:reply, :released}}",
    ),
    (
        "Task.await(Task.async(fn -> GenServer.call(s, {:echo, self()}) == self() end), :infinity)",
        "true",
    ),
    (
        "GenServer.multi_call([node(), :\"rust@127.0.0.1\"], :shop, {:echo, 1})",
        "{[\"rust@127.0.0.1\": 1], [:\"ex@127.0.0.1\"]}",
    ),
    ("GenServer.abcast([:\"rust@127.0.0.1\"], :shop, 7); GenServer.call(s, {:last})", "7"),
    ("GenServer.whereis(s)", "{:shop, :\"rust@127.0.0.1\"}"),
    (
        "m = Process.monitor(s); {elem(caught.(fn -> GenServer.call(s, {:stop, %{a: 1}}) end), 0), down.(m)}",
        "{%{a: 1}, %{a: 1}}",
    ),
    ("m = Process.monitor(s); {GenServer.stop(s), down.(m)}", "{:ok, :normal}"),
    (
        "m = Process.monitor(s); {GenServer.stop(s, {:shutdown, 1}, 60000), down.(m)}",
        "{:ok, {:shutdown, 1}}",
    ),
];

/// Server, request, time-out, and why the call exits.
const EXITS: [(&str, &str, &str, &str); 6] = [
    ("shop, rust", "{:wait}", "50", ":timeout"),
    ("shop, rust", "{:stop, :normal}", "60000", ":normal"),
    ("shop, rust", "{:stop, {:shutdown, [1]}}", ":infinity", "{:shutdown, [1]}"),
    ("shop, rust", "{:stop, :noproc}", "60000", ":noproc"),
    ("nobody, rust", "{:echo, 1}", "60000", ":noproc"),
    ("shop, nobody", "{:echo, 1}", "60000", "{:nodedown, :\"nobody@127.0.0.1\"}"),
];

/// That Elixir's module has what is written in it.
fn define(elixir: &Elixir) {
    elixir.eval(
        r#"
defmodule Kiosk do
  use GenServer
  def start, do: GenServer.start(__MODULE__, %{}, name: __MODULE__)
  def init(state), do: {:ok, state}
  def handle_call({:get, key}, _, state), do: {:reply, Map.fetch(state, key), state}
  def handle_call({:later, it}, from, state) do
    spawn(fn -> GenServer.reply(from, {:late, it}) end)
    {:noreply, state}
  end
  def handle_call(:never, _, state), do: {:noreply, state}
  def handle_call(:raise, _, _), do: raise(ArgumentError, "no")
  def handle_call({:stop, reason}, _, state), do: {:stop, reason, state}
  def handle_cast({:put, key, value}, state), do: {:noreply, Map.put(state, key, value)}
  def struct(%Range{} = it), do: Enum.sum(it)
  def fail(:raise), do: raise(ArgumentError, "é")
  def fail(:key), do: Map.fetch!(%{}, :a)
  def fail(:throw), do: throw({:ball, "b"})
  def fail(:exit), do: exit({:shutdown, :tired})
end
"#,
    );
    start(elixir);
}

fn start(elixir: &Elixir) {
    eventually("the kiosk is open", || elixir.eval("match?({:ok, _}, Kiosk.start())") == "true");
}

/// What fails as Elixir would show it: the struct of its exception, without its stack.
fn exception(reason: &Term) -> String {
    match reason.as_tuple() {
        Some([exception @ Term::Map(_), Term::List(_)]) => exception.to_string(),
        _ => reason.to_string(),
    }
}

struct Caller {
    own: Mailbox,
    node: NodeName,
}

impl Caller {
    fn call(&self, request: &str, limit: Option<Duration>) -> String {
        let kiosk = Target::Name(atom!("Elixir.Kiosk"), self.node.clone());
        match self.own.call(kiosk, &term(request), limit) {
            Ok(reply) => reply.to_string(),
            Err(CallError::Failed(CallFailure::Exit(reason))) => {
                format!("exit {}", exception(&reason))
            }
            Err(error) => error.to_string(),
        }
    }

    fn erpc(&self, module: &str, function: &str, arguments: &str) -> String {
        let (module, function) = (Atom::new(module).unwrap(), Atom::new(function).unwrap());
        let arguments = Vec::try_from(term(arguments)).unwrap();
        match self.own.erpc_call(&self.node, &module, &function, &arguments, LIMIT) {
            Ok(value) => value.to_string(),
            Err(ErpcError::Raised(Exception::Error(error))) => format!("error {}", error.0),
            Err(ErpcError::Raised(Exception::Exit(reason))) => format!("exit {reason}"),
            Err(ErpcError::Raised(Exception::Throw(value))) => format!("throw {value}"),
            Err(error) => error.to_string(),
        }
    }
}

each_release_and_runtime! {
    //= docs/spec/calls.md#call-server
    //= type=test
    //= docs/spec/calls.md#call-system
    //= type=test
    #[test]
    fn elixir_calls_our_server(release: Release) {
        let (epmd, elixir, rust) = nodes(release);
        let start = || rust.node.start_server(Some(&atom!("shop")), Shop::default());
        start().unwrap();
        let server = "s = {:shop, :\"rust@127.0.0.1\"}
            down = fn m -> receive do {:DOWN, ^m, _, _, reason} -> reason end end
            caught = fn call -> try do call.() catch :exit, reason -> reason end end";
        for (code, value) in VALUES {
            assert_eq!(elixir.eval(&format!("{server}; {code}")), value, "{code}");
            if code.contains("stop") {
                eventually("the shop is open", || start().is_ok());
            }
        }
        for (server, request, limit, reason) in EXITS {
            let (name, node) = server.split_once(", ").unwrap();
            let server = format!("{{:{name}, :\"{node}@127.0.0.1\"}}");
            let exit = elixir.try_eval(&format!("GenServer.call({server}, {request}, {limit})"));
            let expected = format!("{{:exit, {{{reason}, {{GenServer, :call, [{server}, {request}, {limit}]}}}}}}");
            assert_eq!(exit, Err(expected));
            if request.contains("stop") {
                eventually("the shop is open", || start().is_ok());
            }
        }
        // A server that is killed while it is called, and one whose node ends.
        for (name, reason) in [("killed", ":killed"), ("ended", "{:nodedown, :\"ended@127.0.0.1\"}")] {
            let ours = Ours::start(name, Ours::config(epmd.port()));
            let (waits, waiting) = channel();
            let shop = Shop { waits: Some(waits), ..Shop::default() };
            let pid = ours.node.start_server(Some(&atom!("shop")), shop).unwrap();
            let ender = thread::spawn(move || {
                waiting.recv_timeout(GIVE_UP).unwrap();
                if name == "killed" {
                    ours.node.mailbox().exit(&pid, &atom!("kill").into()).unwrap();
                    return Some(ours);
                }
                ours.node.stop().unwrap();
                None
            });
            let server = format!("{{:shop, :\"{name}@127.0.0.1\"}}");
            let exit = elixir.try_eval(&format!("GenServer.call({server}, {{:wait}}, :infinity)"));
            let call = format!("{{GenServer, :call, [{server}, {{:wait}}, :infinity]}}");
            assert_eq!(exit, Err(format!("{{:exit, {{{reason}, {call}}}}}")));
            drop(ender.join().unwrap());
        }
        let stopped = elixir.try_eval("GenServer.stop({:nobody, :\"rust@127.0.0.1\"})");
        let stop = "{GenServer, :stop, [{:nobody, :\"rust@127.0.0.1\"}, :normal, :infinity]}";
        assert_eq!(stopped, Err(format!("{{:exit, {{:noproc, {stop}}}}}")));
    }

    //= docs/spec/calls.md#erpc-served
    //= type=test
    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn elixir_calls_our_functions(release: Release) {
        let (_epmd, elixir, rust) = nodes(release);
        let serve = |name, handler: fn(Vec<Term>) -> Outcome| {
            let function = Function { module: atom!("Elixir.Rust.Text"), function: name, arity: 1 };
            assert!(rust.node.serve_rpc(function, handler));
        };
        serve(atom!("upcase"), |arguments| match <&str>::try_from(&arguments[0]) {
            Ok(text) => Outcome::Return(text.to_uppercase().into()),
            Err(_) => {
                let fields = "#{'__struct__' => 'Elixir.ArgumentError','__exception__' => true,message => <<\"no text\">>}";
                Outcome::Error { reason: term(fields), stack: Term::NIL }
            }
        });
        serve(atom!("throw"), |mut arguments| Outcome::Throw(arguments.remove(0)));
        serve(atom!("exit"), |mut arguments| Outcome::Exit(arguments.remove(0)));
        let call = |module: &str, function: &str, argument: &str| {
            let call = format!("{module}.call(:\"rust@127.0.0.1\", Rust.Text, :{function}, [{argument}])");
            elixir.try_eval(&call)
        };
        let no_text = "%ArgumentError{message: \"no text\"}";
        for (function, argument, erpc, rpc) in [
            ("upcase", "\"é\"", Ok("\"É\"".to_owned()), "\"É\"".to_owned()),
            ("upcase", "1", Err(format!("{{:error, {{:exception, {no_text}, []}}}}")), format!("{{:badrpc, {{:EXIT, {{{no_text}, []}}}}}}")),
            ("throw", "{:ball, 1}", Err("{:throw, {:ball, 1}}".to_owned()), "{:ball, 1}".to_owned()),
            ("exit", "{:shutdown, 1}", Err("{:exit, {:exception, {:shutdown, 1}}}".to_owned()), "{:badrpc, {:EXIT, {:shutdown, 1}}}".to_owned()),
            (
                "nope",
                "[]",
                Err("{:error, {:exception, :undef, [{Rust.Text, :nope, [[]], []}]}}".to_owned()),
                "{:badrpc, {:EXIT, {:undef, [{Rust.Text, :nope, [[]], []}]}}}".to_owned(),
            ),
        ] {
            assert_eq!(call(":erpc", function, argument), erpc, "erpc {function}");
            assert_eq!(call(":rpc", function, argument), Ok(rpc), "rpc {function}");
        }
        // A struct that we make is an exception of Elixir like any other.
        let rescued = "try do :erpc.call(:\"rust@127.0.0.1\", Rust.Text, :upcase, [1])
             rescue e in ErlangError -> Exception.message(elem(e.original, 1)) end";
        assert_eq!(elixir.eval(rescued), "\"no text\"");
        assert_eq!(elixir.eval("Node.ping(:\"rust@127.0.0.1\")"), ":pong");
        assert_eq!(elixir.eval("Node.list()"), "[:\"rust@127.0.0.1\"]");
    }

    //= docs/spec/calls.md#call-failures
    //= type=test
    //= docs/spec/calls.md#erpc-result
    //= type=test
    #[test]
    fn we_call_elixir(release: Release) {
        let (_epmd, elixir, rust) = nodes(release);
        define(&elixir);
        let caller = Caller { own: rust.node.mailbox(), node: node_name(elixir.name()) };
        let kiosk = || Target::Name(atom!("Elixir.Kiosk"), node_name(elixir.name()));
        caller.own.cast(kiosk(), &term("{put,apple,<<\"3 €\"/utf8>>}")).unwrap();
        let no = "#{message => <<\"no\">>,'__struct__' => 'Elixir.ArgumentError','__exception__' => true}";
        for (request, limit, expected) in [
            ("{get,apple}", LIMIT, term("{ok,<<\"3 €\"/utf8>>}").to_string().as_str()),
            ("{get,pear}", LIMIT, "error"),
            ("{later,[1]}", LIMIT, "{late,[1]}"),
            ("never", Some(Duration::from_millis(20)), "no reply has come in time"),
            ("raise", LIMIT, &format!("exit {}", term(no))),
            ("{stop,{shutdown,bye}}", LIMIT, "exit {shutdown,bye}"),
            ("{stop,normal}", LIMIT, "exit normal"),
        ] {
            assert_eq!(caller.call(request, limit), expected, "{request}");
            if request == "raise" || request.contains("stop") {
                start(&elixir);
            }
        }
        let eleven = "#{'__struct__' => 'Elixir.ArgumentError','__exception__' => true,message => <<\"é\"/utf8>>}";
        for (module, function, arguments, expected) in [
            ("Elixir.String", "upcase", "[<<\"straße\"/utf8>>]", "<<\"STRASSE\">>".to_owned()),
            ("Elixir.Enum", "sum", "[[1,2,3]]", "6".to_owned()),
            ("Elixir.Kiosk", "struct", "[#{'__struct__' => 'Elixir.Range',first => 1,last => 10,step => 1}]", "55".to_owned()),
            ("Elixir.Date", "new", "[2024,2,30]", "{error,invalid_date}".to_owned()),
            ("Elixir.Kiosk", "fail", "[raise]", format!("error {}", term(eleven))),
            ("Elixir.Kiosk", "fail", "[key]", "error {badkey,a}".to_owned()), // a KeyError where it is rescued
            ("Elixir.Kiosk", "fail", "[throw]", "throw {ball,<<\"b\">>}".to_owned()),
            ("Elixir.Kiosk", "fail", "[exit]", "exit {shutdown,tired}".to_owned()),
            ("Elixir.Kiosk", "fail", "[other]", "error function_clause".to_owned()),
            ("Elixir.Nope", "fail", "[]", "error undef".to_owned()),
        ] {
            assert_eq!(caller.erpc(module, function, arguments), expected, "{module}.{function}{arguments}");
        }
        drop(elixir);
        assert_eq!(caller.call("{get,apple}", LIMIT), "there is no link with 'ex@127.0.0.1'");
        assert_eq!(caller.own.message_queue_len(), 0);
    }
}
