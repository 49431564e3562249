//! What Elixir gets of a server and of functions of ours, and of a `GenServer` and a module of Elixir in their place, in the same run: the same.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::thread;

use netkernel_blocking::core::atom;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::{CallReaction, Client, Function, Info, Outcome, Reaction};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Elixir, Epmd, Release};
use netkernel_tests::ours::{Ours, eventually};

const THERE: &str = "there@127.0.0.1";
const OURS: &str = "rust@127.0.0.1";

/// Theirs.
const SHOP: &str = r#"
defmodule Shop do
  use GenServer
  def start, do: GenServer.start(__MODULE__, nil, name: :shop)
  def init(_), do: {:ok, %{last: nil, waiting: nil}}
  def handle_call({:echo, it}, _, s), do: {:reply, it, s}
  def handle_call({:pid}, _, s), do: {:reply, self(), s}
  def handle_call({:wait}, from, s), do: {:noreply, %{s | waiting: from}}
  def handle_call({:release, it}, _, s) do
    GenServer.reply(s.waiting, it)
    {:reply, :ok, %{s | waiting: nil}}
  end
  def handle_call({:waits}, _, s), do: {:reply, s.waiting != nil, s}
  def handle_call({:last}, _, s), do: {:reply, s.last, %{s | last: nil}}
  def handle_call({:stop, reason}, _, s), do: {:stop, reason, s}
  def handle_call({:stop, reason, reply}, _, s), do: {:stop, reason, reply, s}
  def handle_cast({:stop, reason}, s), do: {:stop, reason, s}
  def handle_cast(it, s), do: {:noreply, %{s | last: {:cast, it}}}
  def handle_info(it, s), do: {:noreply, %{s | last: {:info, it}}}
end

defmodule Rust.Text do
  def upcase(text) when is_binary(text), do: String.upcase(text)
  def upcase(_), do: raise(ArgumentError, "no text")
  def throw(it), do: Kernel.throw(it)
  def exit(it), do: Kernel.exit(it)
  def error(it), do: :erlang.error(it)
  def sleep(it), do: Process.sleep(it)
end

Logger.configure(level: :emergency)
"#;

/// Ours.
#[derive(Default)]
struct Shop {
    last: Option<Term>,
    waiting: Option<Client>,
}

impl Shop {
    /// The reaction, and who else gets what reply.
    fn asked(
        &mut self,
        own: Option<Term>,
        request: &Term,
        client: Client,
    ) -> (CallReaction, Option<(Client, Term)>) {
        let parts = request.as_tuple().unwrap_or_default();
        let label = parts.first().and_then(Term::as_atom).map_or("", Atom::as_str);
        let nil = || Term::from(atom!("nil"));
        let reaction = match (label, parts.get(1..).unwrap_or_default()) {
            ("echo", [it]) => CallReaction::Reply(it.clone()),
            ("pid", []) => CallReaction::Reply(own.unwrap_or_else(nil)),
            ("wait", []) => {
                self.waiting = Some(client);
                CallReaction::NoReply
            }
            ("release", [it]) => {
                let released = self.waiting.take().map(|client| (client, it.clone()));
                return (CallReaction::Reply(atom!("ok").into()), released);
            }
            ("waits", []) => CallReaction::Reply(self.waiting.is_some().into()),
            ("last", []) => CallReaction::Reply(self.last.take().unwrap_or_else(nil)),
            ("stop", [reason]) => CallReaction::Stop { reason: reason.clone(), reply: None },
            ("stop", [reason, reply]) => {
                CallReaction::Stop { reason: reason.clone(), reply: Some(reply.clone()) }
            }
            _ => CallReaction::NoReply,
        };
        (reaction, None)
    }

    fn told(&mut self, request: Term) -> Reaction {
        match request.as_tuple() {
            Some([label, reason]) if *label == atom!("stop").into() => {
                Reaction::Stop(reason.clone())
            }
            _ => self.remember(atom!("cast"), request),
        }
    }

    fn remember(&mut self, how: Atom, what: Term) -> Reaction {
        self.last = Some(Term::tuple([how.into(), what]));
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
                let pid = own.pid().map(Term::from);
                let (reaction, released) = self.asked(pid, &request, client);
                if let Some((client, reply)) = released {
                    own.reply(&client, &reply)$($wait)*.unwrap();
                }
                reaction
            }

            $($async)? fn handle_cast(&mut self, _: &$runtime::Mailbox, request: Term) -> Reaction {
                self.told(request)
            }

            $($async)? fn handle_info(&mut self, _: &$runtime::Mailbox, info: Info) -> Reaction {
                match info {
                    Info::Message(message) => self.remember(atom!("info"), message),
                    Info::Item(_) => Reaction::Continue,
                }
            }
        }
    };
}

serves!(netkernel_blocking, [], []);
serves!(netkernel_smol, [async], [.await]);

/// What our module does.
fn serve_functions(ours: &Ours) {
    let serve = |name, handler: fn(Vec<Term>) -> Outcome| {
        let function = Function { module: atom!("Elixir.Rust.Text"), function: name, arity: 1 };
        assert!(ours.node.serve_rpc(function, handler));
    };
    serve(atom!("upcase"), |arguments| {
        match <&str>::try_from(&arguments[0]) {
        Ok(text) => Outcome::Return(text.to_uppercase().into()),
        Err(_) => Outcome::Error {
            reason: "#{'__struct__' => 'Elixir.ArgumentError','__exception__' => true,message => <<\"no text\">>}"
                .parse()
                .unwrap(),
            stack: Term::NIL,
        },
    }
    });
    serve(atom!("throw"), |mut it| Outcome::Throw(it.remove(0)));
    serve(atom!("exit"), |mut it| Outcome::Exit(it.remove(0)));
    serve(atom!("error"), |mut it| Outcome::Error { reason: it.remove(0), stack: Term::NIL });
    serve(atom!("sleep"), |it| {
        let milliseconds = it[0].as_i64().and_then(|it| u64::try_from(it).ok());
        thread::sleep(Duration::from_millis(milliseconds.unwrap_or(u64::MAX)));
        Outcome::Return(atom!("ok").into())
    });
}

/// What the code of a row may use. A stack trace is known by its first entry; what raises is told as Elixir shows it.
const TOOLS: &str = r#"
defmodule Tools do
  def run(n, code) do
    s = {:shop, n}
    tools = [
      n: n,
      s: s,
      caught: &caught/1,
      down: &down/1,
      call: fn request -> GenServer.call(s, request, 60000) end,
      erpc: fn f, a -> caught(fn -> :erpc.call(n, Rust.Text, f, a, 60000) end) end,
      rpc: fn f, a -> caught(fn -> :rpc.call(n, Rust.Text, f, a, 60000) end) end
    ]
    {value, _} = Code.eval_string(code, tools)
    value
  end

  defp caught(run) do
    {:returned, plain(run.())}
  rescue
    e in ErlangError -> {:rescued, ErlangError, plain(e.original)}
    e -> {:rescued, e, Exception.message(e)}
  catch
    :exit, {:exception, reason} -> {:exit, {:exception, reason}}
    :exit, reason -> {:exit, reason, Exception.format_exit(reason)}
    kind, it -> {kind, it}
  end

  defp down(m) do
    receive do
      {:DOWN, ^m, :process, it, reason} -> {if(is_pid(it), do: :pid, else: it), reason}
    end
  end

  defp plain({:exception, reason, trace}) when is_list(trace), do: {:exception, reason, at(reason, trace)}
  defp plain({:badrpc, {:EXIT, {reason, trace}}}) when is_list(trace), do: {:badrpc, {:EXIT, reason, at(reason, trace)}}
  defp plain(other), do: other

  defp at(:undef, [{m, f, a, _} | _]) when is_list(a), do: {m, f, a}
  defp at(_, _), do: :stack
end
"#;

/// Code, in which `n` is the node.
const ROWS: [&str; 65] = [
    // Calls.
    "call.({:echo, %{\"é\" => ~c\"é\", a: [1, \"two\", 3.5, nil, true, [99], {:d}]}})",
    "call.({:echo, {1..3, ~D[2024-02-29], ~r/x/.source, :\"a b\", <<1::3>>, 2 ** 70}})",
    "call.({:echo, &String.upcase/1})",
    "me = self(); call.({:echo, me}) == me",
    "r = make_ref(); call.({:echo, r}) == r",
    "byte_size(call.({:echo, String.duplicate(\"x\", 1_000_000)}))",
    "caught.(fn -> GenServer.call(s, {:wait}, 50) end)",
    "caught.(fn -> GenServer.call(s, {:wait}, 0) end)",
    "caught.(fn -> GenServer.call({:nobody, n}, {:echo, 1}) end)",
    "caught.(fn -> GenServer.call({:nobody, n}, {:echo, 1}, 60000) end)",
    "caught.(fn -> GenServer.call(s, {:stop, :normal}) end)",
    "caught.(fn -> GenServer.call(s, {:stop, :shutdown}, 60000) end)",
    "caught.(fn -> GenServer.call(s, {:stop, {:shutdown, [1]}}, :infinity) end)",
    "caught.(fn -> GenServer.call(s, {:stop, {:bad, \"é\"}}) end)",
    "caught.(fn -> GenServer.call(s, {:stop, :noproc}) end)",
    "caught.(fn -> GenServer.call(s, {:stop, :noconnection}) end)",
    "caught.(fn -> GenServer.call(s, {:stop, {%ArgumentError{message: \"no\"}, []}}) end)",
    "m = Process.monitor(s); {call.({:stop, {:shutdown, 1}, :bye}), down.(m)}",
    // Their kin.
    "r = :gen_server.send_request(s, {:wait}); {call.({:release, 7}), :gen_server.receive_response(r, 60000)}",
    "r = :gen_server.send_request(s, {:wait}); {:gen_server.wait_response(r, 20), call.({:release, 7}), :gen_server.wait_response(r, 60000)}",
    "r = :gen_server.send_request(s, {:stop, :tired}); {:error, {reason, who}} = :gen_server.receive_response(r, 60000); {reason, who}",
    "r = :gen_server.send_request({:nobody, n}, 1); {:error, {reason, who}} = :gen_server.receive_response(r, 60000); {reason, who}",
    "t = Task.async(fn -> GenServer.call(s, {:wait}, :infinity) end); true = Enum.find(Stream.repeatedly(fn -> call.({:waits}) end), & &1); {call.({:release, {:a}}), Task.await(t, :infinity)}",
    "GenServer.multi_call([node(), n], :shop, {:echo, 1})",
    "GenServer.multi_call([n], :shop, {:wait}, 50)",
    "GenServer.multi_call([n, :\"gone@127.0.0.1\"], :nobody, {:echo, 1}, 60000)",
    "GenServer.cast(s, {:put, \"é\"}); call.({:last})",
    "{GenServer.cast({:nobody, n}, 1), GenServer.cast({:nobody, :\"gone@127.0.0.1\"}, 1)}",
    "{GenServer.abcast([n, node()], :shop, 7), call.({:last})}",
    "{send(s, {:hello, [1]}), call.({:last})}",
    "{Process.send(s, \"hello\", [:noconnect]), call.({:last})}",
    "GenServer.whereis(s)",
    "p = call.({:pid}); {GenServer.whereis(p) == p, node(p), GenServer.call(p, {:echo, 1}), caught.(fn -> GenServer.call(p, {:wait}, 20) end) |> elem(0)}",
    // Ends.
    "m = Process.monitor(s); {GenServer.stop(s), down.(m)}",
    "m = Process.monitor(s); {GenServer.stop(s, {:shutdown, 1}, 60000), down.(m)}",
    "m = Process.monitor(s); {GenServer.stop(s, :tired), down.(m)}",
    "m = Process.monitor(call.({:pid})); {GenServer.cast(s, {:stop, {:shutdown, %{a: 1}}}), down.(m)}",
    "m = Process.monitor({:nobody, n}); down.(m)",
    "p = call.({:pid}); m = Process.monitor(p); {Process.exit(p, :kill), down.(m)}",
    "p = call.({:pid}); m = Process.monitor(p); {Process.exit(p, {:no, 1}), down.(m)}",
    "p = call.({:pid}); m = Process.monitor(p); Process.exit(p, :normal); {call.({:echo, 1}), Process.demonitor(m, [:flush, :info])}",
    "p = call.({:pid}); Process.flag(:trap_exit, true); Process.link(p); Process.exit(p, :bye); receive do {:EXIT, ^p, reason} -> reason end",
    "p = call.({:pid}); Process.exit(p, :kill); m = Process.monitor(p); down.(m) |> elem(1) |> then(&(&1 in [:killed, :noproc]))",
    "caught.(fn -> GenServer.stop({:nobody, n}) end)",
    "caught.(fn -> GenServer.stop({:nobody, n}, :normal, 60000) end)",
    // Nodes.
    "Node.ping(n)",
    "{Node.connect(n), n in Node.list()}",
    "{_, m} = :erlang.spawn_monitor(n, Rust.Nope, :nope, [1]); down.(m)",
    // Functions.
    "erpc.(:upcase, [\"é\"])",
    "erpc.(:upcase, [1])",
    "erpc.(:throw, [{:ball, 1}])",
    "erpc.(:exit, [{:shutdown, 1}])",
    "for it <- [:badarith, {:badmatch, 1}, {:badkey, :a}, :tired, {:a, \"b\"}], do: erpc.(:error, [it])",
    "{erpc.(:nope, [1]), erpc.(:upcase, []), caught.(fn -> :erpc.call(n, Rust.Nope, :nope, [[]]) end)}",
    "caught.(fn -> :erpc.call(n, Rust.Text, :sleep, [60000], 50) end)",
    "caught.(fn -> :erpc.call(n, \"Rust.Text\", :upcase, [1]) end)",
    "try do :erpc.call(n, Rust.Text, :upcase, [1]) rescue e in ErlangError -> Exception.message(elem(e.original, 1)) end",
    "try do :erpc.call(n, Rust.Nope, :nope, [1]) rescue e -> {e.__struct__, Exception.message(e) =~ \":undef\"} end",
    "for {kind, it} <- :erpc.multicall([n, n], Rust.Text, :throw, [1], 60000), do: {kind, it}",
    "r = :erpc.send_request(n, Rust.Text, :upcase, [\"a\"]); {:erpc.receive_response(r, 60000), :erpc.cast(n, Rust.Text, :upcase, [\"a\"])}",
    "for {f, a} <- [upcase: \"é\", upcase: 1, throw: {:ball, 1}, exit: {:shutdown, 1}, error: :badarith, nope: 1], do: rpc.(f, [a])",
    "caught.(fn -> :rpc.call(n, Rust.Text, :sleep, [60000], 50) end)",
    "{:rpc.multicall([n], Rust.Text, :upcase, [\"a\"], 60000), :rpc.cast(n, Rust.Text, :upcase, [\"a\"])}",
    "k = :rpc.async_call(n, Rust.Text, :upcase, [\"a\"]); :rpc.yield(k)",
    "{:rpc.block_call(n, Rust.Text, :upcase, [\"a\"], 60000), :rpc.sbcast([n], :nobody, 1), :rpc.abcast([n], :nobody, 1)}",
];

/// What is in a row that ends the servers.
const ENDS: [&str; 5] = [
    "Process.exit(p, :bye)",
    "GenServer.stop(s",
    "{:stop, ",
    "Process.exit(p, :kill)",
    "Process.exit(p, {",
];

each_release_and_runtime! {
    //= docs/spec/calls.md#call-server
    //= type=test
    //= docs/spec/calls.md#call-system
    //= type=test
    //= docs/spec/calls.md#erpc-served
    //= type=test
    //= docs/spec/calls.md#rpc-result
    //= type=test
    #[test]
    fn elixir_gets_the_same_of_us_as_of_elixir(release: Release) {
        let epmd = Epmd::start(release);
        let [elixir, there] = ["ex", "there"].map(|name| Elixir::start(release, &epmd, name));
        there.eval(SHOP);
        elixir.eval(TOOLS);
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        serve_functions(&rust);
        let open = || {
            eventually("their shop is open", || there.eval("match?({:ok, _}, Shop.start())") == "true");
            eventually("our shop is open", || {
                rust.node.start_server(Some(&atom!("shop")), Shop::default()).is_ok()
            });
        };
        open();
        let mut differ = Vec::new();
        for code in ROWS {
            let values = [THERE, OURS].map(|node| {
                let value = elixir.try_eval(&format!("Tools.run(:\"{node}\", {code:?})"));
                value.map_err(|error| format!("raised {error}")).map(|value| value.replace(node, "NODE"))
            });
            let [theirs, ours] = &values;
            if theirs.is_err() || theirs != ours {
                differ.push(format!("{code}\n  theirs {theirs:?}\n  ours   {ours:?}"));
            }
            if ENDS.iter().any(|end| code.contains(end)) {
                open();
            }
        }
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    }
}
