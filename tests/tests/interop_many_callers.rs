//! Ten thousand processes of Erlang that call a server and functions of ours at the same time, with time-outs among them, and more calls than there may be: each
//! has its own outcome, and nothing is left of any on either side.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use core::time::Duration;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::{Atom, Term};
use netkernel_blocking::shared::{Awaited, Reply, reply};
use netkernel_blocking::{CallReaction, Client, Function, Outcome, Reaction, Usage};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release};
use netkernel_tests::ours::{Ours, eventually, next_message};
use netkernel_tests::runtime::{Node, Runtime};

const RUST: &str = "rust@127.0.0.1";
/// Of so many calls one after the other the last has a limit, and the others wait until all calls have come.
const GROUP: u32 = 11;
/// So many calls of a server: 10,000 wait until the last has come, and 1,000 are limited.
const CALLS: u32 = 1000 * GROUP;

/// Callers. Of what they call, `held` answers when all calls have come, `never` when it is told to forget them, `later` after a time, and `at_once`.
/// Who has his outcome waits until the late answers have come, and is then asked what he has got.
const CROWD: &str = "
-module(crowd).
-export([call/3, rest/0, left/0]).
call(Way, N, Calls) ->
    Own = self(),
    Callers = [spawn(fun() -> caller(Own, Way, N, I) end) || I <- lists:seq(0, Calls - 1)],
    persistent_term:put(crowd, Callers),
    Outcomes = [receive {crowd, Outcome} -> Outcome end || _ <- Callers],
    lists:sort(maps:to_list(lists:foldl(fun(O, M) -> maps:update_with(O, fun(X) -> X + 1 end, 1, M) end, #{}, Outcomes))).
caller(Own, Way, N, I) ->
    Kind = kind(I), Limit = limit(Kind, I), Begin = erlang:monotonic_time(millisecond),
    Outcome = outcome(Way, N, {Kind, I * 11 rem 100, I}, Limit),
    Time = erlang:monotonic_time(millisecond) - Begin,
    Own ! {crowd, case Outcome of
        {reply, I} -> {Kind, reply};
        timeout when is_integer(Limit), Time >= Limit -> {Kind, timeout};
        Other -> {Kind, I, Limit, Time, Other}
    end},
    receive {rest, To} -> To ! {rest, process_info(self(), [monitors, monitored_by, links, messages])} end.
outcome(server, N, Request, Limit) ->
    try {reply, gen_server:call({many, N}, Request, Limit)} catch exit:{timeout, _} -> timeout; C:E -> {C, E} end;
outcome(function, N, Request, Limit) ->
    try {reply, erpc:call(N, many, call, [Request], Limit)} catch error:{erpc, timeout} -> timeout; C:E -> {C, E} end.
kind(I) when I rem 11 =/= 10 -> held;
kind(I) -> case I div 11 rem 5 of 0 -> at_once; J when J < 3 -> never; _ -> later end.
limit(held, I) when I rem 2 =:= 0 -> infinity;
limit(Kind, _) when Kind =:= held; Kind =:= at_once -> 600000;
limit(_, I) -> 1 + I * 7 rem 100.
rest() -> lists:usort([begin Caller ! {rest, self()}, receive {rest, Rest} -> Rest end end || Caller <- persistent_term:get(crowd)]).
left() -> {length(processes()), length(ets:all()), length(erlang:ports())}.
";

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

/// A function that gives its argument when the gate has been opened, and whoever calls it more often than there is room for.
const HOLDS: &str = "
-module(holds).
-export([start/0, hold/1, refused/2]).
start() -> register(gate, spawn(fun() -> receive open -> ok end end)).
hold(X) -> M = monitor(process, gate), receive {'DOWN', M, _, _, _} -> X end.
refused(N, Calls) ->
    Ask = fun(More) -> [{X, erpc:send_request(N, holds, hold, [X])} || X <- lists:seq(1, More)] end,
    Tries = [
        fun() -> erpc:cast(N, holds, hold, [x]) end,
        fun() -> erpc:call(N, holds, hold, [x]) end,
        fun() -> erpc:call(N, holds, hold, [x], 600000) end,
        fun() -> erpc:receive_response(erpc:send_request(N, holds, hold, [x])) end,
        fun() -> erpc:multicall([N, N], holds, hold, [x]) end,
        fun() -> rpc:call(N, holds, hold, [x]) end,
        fun() -> rpc:multicall([N, N], holds, hold, [x]) end
    ],
    Many = Ask(Calls),
    % Room that a process of the node itself has left meanwhile is taken again before each. The answer to the last tells that all others have come.
    {More, Refused} = lists:unzip([{Ask(20), tried(Try)} || Try <- Tries]),
    Seen = [{X, R, tried(fun() -> erpc:wait_response(R, 0) end)} || {X, R} <- lists:append([Many | More])],
    Held = [{X, R} || {X, R, no_response} <- Seen],
    {gate, N} ! open,
    Results = [{X, erpc:receive_response(R, 600000)} || {X, R} <- Held],
    {length(Held), {Refused, lists:usort([It || {_, _, It} <- Seen, It =/= no_response]),
        [It || {X, Y} = It <- Results, X =/= Y], process_info(self(), [monitors, messages])}}.
tried(Try) -> try Try() catch C:E -> {C, E} end.
";

/// What the callers have, when so many calls are over: of each kind how many had a reply and how many a time-out.
fn judge(outcomes: &str, calls: u32) {
    let limited = calls / GROUP;
    let mut replied_later = 0;
    for outcome in Vec::try_from(term(outcomes)).unwrap() {
        let Some([kind, count]) = outcome.as_tuple() else { panic!("{outcome}") };
        let expected = match &*kind.to_string() {
            "{held,reply}" => calls - limited,
            "{at_once,reply}" => limited / 5,
            "{never,timeout}" => limited / 5 * 2,
            // Of those either is right.
            "{later,reply}" | "{later,timeout}" => {
                replied_later += count.as_i64().unwrap();
                continue;
            }
            other => panic!("{other} in {outcomes}"),
        };
        assert_eq!(count.as_i64(), Some(expected.into()), "{kind} in {outcomes}");
    }
    assert_eq!(replied_later, i64::from(limited / 5 * 2), "{outcomes}");
}

/// What has been called, and waits.
struct Waiting<T> {
    missing: u32,
    held: Vec<T>,
    never: Vec<T>,
    later: Sender<(Instant, T)>,
}

impl<T> Waiting<T> {
    fn new(missing: u32, later: Sender<(Instant, T)>) -> Self {
        Self { missing, held: Vec::new(), never: Vec::new(), later }
    }

    /// Takes a call `{Kind,Time,X}`, and tells which are to be answered.
    fn call(&mut self, request: &Term, it: T) -> Vec<T> {
        let [kind, time, _] = request.as_tuple().unwrap() else { panic!("{request}") };
        let mut answered = Vec::new();
        match kind.as_atom().unwrap().as_str() {
            "at_once" => answered.push(it),
            "held" => self.held.push(it),
            "never" => self.never.push(it),
            _ => {
                let time = Duration::from_millis(time.as_i64().unwrap().try_into().unwrap());
                self.later.send((Instant::now() + time, it)).unwrap();
            }
        }
        self.missing = self.missing.saturating_sub(1);
        if self.missing == 0 {
            answered.extend(self.held.drain(..).rev());
        }
        answered
    }
}

/// Answers what comes, each when it is due, until nothing can come any more.
fn answer_later<T>(asked: &Receiver<(Instant, T)>, mut answer: impl FnMut(T)) {
    let mut waiting: Vec<(Instant, T)> = Vec::new();
    loop {
        let now = Instant::now();
        waiting.extract_if(.., |(due, _)| *due <= now).for_each(|(_, it)| answer(it));
        let next = waiting.iter().map(|(due, _)| *due - now).min();
        match asked.recv_timeout(next.unwrap_or(GIVE_UP)) {
            Ok(one) => waiting.push(one),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The server of ours.
struct Many(Waiting<(Client, Term)>);

impl Many {
    fn call(&mut self, request: &Term, client: Client) -> Vec<(Client, Term)> {
        let it = request.as_tuple().unwrap()[2].clone();
        self.0.call(request, (client, it))
    }
}

macro_rules! serves {
    ($runtime:ident, [$($async:tt)?], [$($wait:tt)*]) => {
        impl $runtime::GenServer for Many {
            $($async)? fn handle_call(
                &mut self,
                own: &$runtime::Mailbox,
                request: Term,
                client: Client,
            ) -> CallReaction {
                for (client, reply) in self.call(&request, client) {
                    own.reply(&client, &reply)$($wait)*.unwrap();
                }
                CallReaction::NoReply
            }

            $($async)? fn handle_cast(&mut self, own: &$runtime::Mailbox, request: Term) -> Reaction {
                for (client, reply) in self.0.never.drain(..) {
                    own.reply(&client, &reply)$($wait)*.unwrap();
                }
                if request == term("stop") { Reaction::Stop(term("normal")) } else { Reaction::Continue }
            }
        }
    };
}

serves!(netkernel_blocking, [], []);
serves!(netkernel_smol, [async], [.await]);

/// Calls of our function that wait.
type Calls = Arc<Mutex<Waiting<Reply<()>>>>;

/// What the call gives, and what it waits for.
fn called(calls: &Calls, request: &Term) -> (Outcome, Awaited<()>) {
    let (go, wait) = reply();
    for one in calls.lock().unwrap().call(request, go) {
        one.send(());
    }
    (Outcome::Return(request.as_tuple().unwrap()[2].clone()), wait)
}

/// Serves the function `many:call/1`: in the blocking runtime a thread waits in each call, in the other a task.
fn serve_function(node: &Node, calls: &Calls) {
    let (function, calls) =
        (Function { module: atom("many"), function: atom("call"), arity: 1 }, Arc::clone(calls));
    let is_new = match node {
        Node::Blocking(node) => node.serve_rpc(function, move |it| {
            let (outcome, wait) = called(&calls, &it[0]);
            assert_eq!(wait.block(), Some(()));
            outcome
        }),
        Node::Smol(node) => node.serve_rpc(function, move |it| {
            let (outcome, wait) = called(&calls, &it[0]);
            async move {
                assert_eq!(wait.wait().await, Some(()));
                outcome
            }
        }),
    };
    assert!(is_new);
}

/// A node of Erlang, one of ours with room for so many processes that others start, and what there is on ours before the other one asks what it serves.
fn nodes(release: Release, spawned: u32) -> (Epmd, Erl, Ours, Usage) {
    let epmd = Epmd::start(release);
    let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
    erl.load("crowd", CROWD);
    let mut config = Ours::config(epmd.port());
    config.process_limits.spawned_per_peer = spawned.try_into().unwrap();
    config.process_limits.spawned = config.process_limits.spawned_per_peer;
    let rust = Ours::start("rust", config);
    let here = rust.usage();
    rust.connect(erl.name());
    rust.expect_up(erl.name(), NodeType::Visible);
    (epmd, erl, rust, here)
}

/// What there is on the other node, with what its `global` starts for ours.
fn there(erl: &Erl) -> String {
    eventually("it has the link, too", || erl.eval("nodes()").contains(RUST));
    erl.eval("sys:get_state(global_name_server), ok");
    erl.eval("crowd:left()")
}

/// That each caller has got nothing but its outcome, and that both nodes have what they had before.
fn nothing_is_left(erl: &Erl, rust: &Ours, here: &Usage, there: &str) {
    let nothing = "[[{monitors,[]},{monitored_by,[]},{links,[]},{messages,[]}]]";
    assert_eq!(erl.eval("crowd:rest()"), nothing);
    eventually("all is as before here", || rust.usage() == *here);
    eventually("all is as before there", || erl.eval("crowd:left()") == there);
}

each_release_and_runtime! {
    //= docs/spec/calls.md#call-reply-to
    //= type=test
    #[test]
    fn calls_of_our_server(release: Release) {
        let (_epmd, erl, rust, here) = nodes(release, 1);
        let there = there(&erl);
        let (later, asked) = channel();
        rust.node.start_server(Some(&atom("many")), Many(Waiting::new(CALLS, later))).unwrap();
        let own = rust.node.mailbox();
        let replies = thread::spawn(move || {
            answer_later(&asked, |(client, it)| own.reply(&client, &it).unwrap());
        });

        judge(&erl.eval(&format!("crowd:call(server, '{RUST}', {CALLS})")), CALLS);
        // Who has given up is answered now, and before this one.
        let last = erl.eval(&format!(
            "gen_server:cast({{many, '{RUST}'}}, forget), gen_server:call({{many, '{RUST}'}}, {{at_once, 0, last}})"
        ));
        assert_eq!(last, "last");
        eventually("nobody monitors the server", || rust.usage().watches == here.watches);
        erl.eval(&format!("gen_server:cast({{many, '{RUST}'}}, stop)"));
        replies.join().unwrap();
        nothing_is_left(&erl, &rust, &here, &there);
    }

    /// Tasks, or so many threads as a system has without asking.
    //= docs/spec/calls.md#erpc-outcome
    //= type=test
    #[test]
    fn calls_of_our_function(release: Release) {
        let calls = match Runtime::current() {
            Runtime::Blocking => CALLS / 10,
            Runtime::Smol => CALLS,
        };
        let (_epmd, erl, rust, here) = nodes(release, calls);
        let (later, asked) = channel();
        let waiting = Arc::new(Mutex::new(Waiting::new(0, later)));
        serve_function(&rust.node, &waiting);
        thread::spawn(move || answer_later(&asked, |it| it.send(())));
        let first = format!("erpc:call('{RUST}', many, call, [{{at_once, 0, first}}])");
        assert_eq!(erl.eval(&first), "first");
        eventually("that call is over", || rust.usage().watches == 0);
        waiting.lock().unwrap().missing = calls;
        let there = there(&erl);

        judge(&erl.eval(&format!("crowd:call(function, '{RUST}', {calls})")), calls);
        for it in waiting.lock().unwrap().never.drain(..) {
            it.send(());
        }
        eventually("all calls are over", || rust.usage().processes == here.processes);
        assert_eq!(erl.eval(&first), "first");
        nothing_is_left(&erl, &rust, &here, &there);
    }
    /// A node of Erlang with room for no more processes refuses in the same words.
    //= docs/spec/process.md#process-spawn-limits
    //= type=test
    #[test]
    fn more_calls_of_a_function_than_there_may_be(release: Release) {
        const ROOM: u32 = 50;
        let (epmd, erl, rust, here) = nodes(release, ROOM);
        erl.load("holds", HOLDS);
        let mut small = ErlOptions::new(release, &epmd, "small");
        small.args.extend(["+P", "1024"].map(str::to_owned));
        let small = Erl::start(&small);
        small.load("holds", HOLDS);
        assert_eq!(small.eval("holds:start()"), "true");
        let refused = |node: &str| -> [Term; 2] {
            let seen = term(&erl.eval(&format!("holds:refused('{node}', 2000)")));
            seen.as_tuple().unwrap().to_vec().try_into().unwrap()
        };
        let [held, theirs] = refused(small.name());
        assert!((100..1024).contains(&held.as_i64().unwrap()), "{held}: {theirs}");

        let opened = Arc::new((Mutex::new(false), Condvar::new()));
        let gate = Arc::clone(&opened);
        let hold = Function { module: atom("holds"), function: atom("hold"), arity: 1 };
        rust.node.serve_rpc(hold, move |mut it| {
            drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open).unwrap());
            Outcome::Return(it.remove(0))
        });
        let mailbox = rust.mailbox("gate");
        let gate = thread::spawn(move || {
            assert_eq!(next_message(&mailbox), b"\x83w\x04open");
            *opened.0.lock().unwrap() = true;
            opened.1.notify_all();
        });
        let [held, ours] = refused(RUST);
        assert_eq!((held, ours), (ROOM.into(), theirs));
        gate.join().unwrap();
        // There is room again.
        for node in [small.name(), RUST] {
            let again = format!("erpc:call('{node}', holds, hold, [again])");
            eventually("there is room", || erl.eval(&format!("catch {again}")) == "again");
        }
        eventually("all is as before here", || rust.usage() == here);
    }
}
