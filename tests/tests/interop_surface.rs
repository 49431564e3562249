//! The same calls, as Erlang's expressions, on a real node and on ours: the same terms are returned and raised.
//!
//! Both play the same script in the same cluster. A call that is answered otherwise stands with both answers in the table of
//! `docs/surface.md`, and nowhere else.
#![expect(clippy::wildcard_enum_match_arm, reason = "of all terms, few hold what is a node's own")]
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use netkernel_blocking::core::net_adm::HOST_FILE;
use netkernel_blocking::core::net_kernel::mfa::{Call, Exception};
use netkernel_blocking::core::term::Term;
use netkernel_blocking::{HostDirs, Item, ProcessEvent, StartOptions, Started};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, TempDir};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::{Mailbox, Node};
use netkernel_tests::scripts::{ALL, ALWAYS, HOST_FILES, LINKED, LIVES, ME, NET_ADM, NO_TEXTS};

/// The result of a call: what is returned, or `{exception,Class,Reason}`.
type Played = Vec<(String, Term)>;

fn play_ours(script: &[&str], me: &str, process: &Mailbox) -> Played {
    let play = |call: &&str| {
        let text = call.replace(ME, &format!("'{me}'"));
        let called =
            Call::parse(&text, &this_host()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let result = called.and_then(|call| process.apply(call));
        let exception = |Exception { class, reason }| {
            Term::tuple([word("exception"), word(class.as_str()), reason])
        };
        let term = result.unwrap_or_else(exception);
        ((*call).to_owned(), normal(call, term, me))
    };
    script.iter().map(play).collect()
}

fn play_theirs(script: &[&str], erl: &Erl) -> Played {
    let play = |call: &&str| {
        let text = call.replace(ME, &format!("'{}'", erl.name()));
        ((*call).to_owned(), normal(call, read(&erl.eval(&guarded(&text))), erl.name()))
    };
    script.iter().map(play).collect()
}

/// Plays on a system that began without distribution.
fn play_alone(script: &[&str], home: &TempDir, release: Release, epmd: &Epmd) -> Played {
    // A function each: one of hundreds of calls takes the compiler minutes.
    let mut text = String::from("-module(play).\n-export([all/0]).\n");
    for (at, call) in script.iter().enumerate() {
        let call = guarded(&call.replace(ME, "nonode@nohost"));
        text += &format!("step{at}() -> io:format(\"~0tp~n\", [{call}]).\n");
    }
    let steps: Vec<String> = (0..script.len()).map(|at| format!("step{at}()")).collect();
    text += &format!("all() -> {}.\n", steps.join(", "));
    fs::write(home.path().join("play.erl"), text).unwrap();
    let run = "{ok, play, Code} = compile:file(\"play.erl\", [binary]), \
               {module, play} = code:load_binary(play, \"play\", Code), \
               io:setopts([{encoding, unicode}]), play:all(), halt().";
    let mut command = release.erl();
    command.args(["-noinput", "-start_epmd", "false", "-kernel", "logger_level", "none"]);
    command.args(["-eval", run]).current_dir(home.path());
    command.env("HOME", home.path()).env("ERL_EPMD_PORT", epmd.port().to_string());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), script.len(), "{text}");
    let played = script.iter().zip(text.lines());
    played
        .map(|(call, line)| ((*call).to_owned(), normal(call, read(line), "nonode@nohost")))
        .collect()
}

/// What calls of the connection table begin with.
const TABLE: &str = "net_kernel:node";

/// Of what Erlang's table tells, what ours tells, too; an address alone is `address`.
const OF_TABLE: &str = "\
    {ok, [{owner, _}, State, {address, _} | Rest]} -> {ok, [State | Rest]}; \
    {ok, [{_, [{owner, _} | _]} | _] = All} -> \
        {ok, [{Node, [State | Rest]} || {Node, [{owner, _}, State, {address, _} | Rest]} <- All]}; \
    {ok, Address} when element(1, Address) =:= net_address -> {ok, address};";

/// An expression whose value is what the call returns, or `{exception,Class,Reason}`. Pids, which no text says, are `pid`.
fn guarded(call: &str) -> String {
    let table = if call.starts_with(TABLE) { OF_TABLE } else { "" };
    format!(
        "(fun() -> try {call} of \
             {{ok, Pid}} when is_pid(Pid) -> {{ok, pid}}; \
             {{error, {{already_started, _}}}} -> {{error, already_started}}; \
             {{error, {{{{already_started, _}}, _}}}} -> {{error, already_started}}; \
             {{error, {{{{shutdown, _}}, _}}}} -> {{error, nodistribution}}; \
             {table} Value -> Value \
         catch Class:Reason -> {{exception, Class, Reason}} end end)()"
    )
}

fn read(text: &str) -> Term {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn word(text: &str) -> Term {
    read(text)
}

/// Without what is a node's own: its name is `me`, lists of nodes are sorted, numbers of connections are `id`. Of a start that
/// succeeds, whatever is told is `pid`.
fn normal(call: &str, term: Term, me: &str) -> Term {
    if call.starts_with("net_adm:") {
        // What it tells is of all nodes, and the same for all.
        return term;
    }
    if call.starts_with(TABLE) {
        return of_table(term, call.contains("nodes"));
    }
    let term = match term {
        Term::Atom(atom) if atom.as_str() == me => word("me"),
        Term::Tuple(elements) => {
            Term::Tuple(elements.into_iter().map(|element| normal("", element, me)).collect())
        }
        Term::Map(pairs) => Term::map(pairs.into_iter().map(|(key, value)| {
            let is_id = key == word("connection_id") && value.as_i64().is_some();
            let value = if is_id { word("id") } else { normal("", value, me) };
            (key, value)
        })),
        Term::List(list) if call.starts_with("nodes") => {
            let mut nodes: Vec<Term> =
                list.elements().iter().map(|node| normal("", node.clone(), me)).collect();
            nodes.sort();
            Term::list(nodes)
        }
        term => term,
    };
    match term.as_tuple() {
        Some([ok, Term::Atom(_)]) if *ok == word("ok") && call.starts_with("net_kernel:start") => {
            read("{ok,pid}")
        }
        _ => term,
    }
}

/// Counts of what has passed are `n`: Erlang counts packets where we count bytes.
fn of_table(term: Term, sorted: bool) -> Term {
    let all = |terms: &[Term]| -> Vec<Term> {
        terms.iter().map(|term| of_table(term.clone(), sorted)).collect()
    };
    match term {
        Term::Tuple(elements) => Term::Tuple(all(&elements)),
        Term::List(list) => {
            let mut elements = all(list.elements());
            if sorted {
                elements.sort();
            }
            Term::list(elements)
        }
        term if term.as_i64().is_some_and(|count| count > 0) => word("n"),
        term => term,
    }
}

/// The rows of `docs/surface.md` about calls: the call, Erlang's answer and ours.
fn deviations() -> Vec<[String; 3]> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(top.join("docs/surface.md")).unwrap();
    let (_, section) = text.split_once("## Calls that are answered otherwise").unwrap();
    let rows = section.lines().take_while(|line| !line.starts_with("## "));
    let cells = rows.filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    cells
        .map(|row| {
            let mut cells = row.split(" | ").map(|cell| cell.trim_matches('`').to_owned());
            [(); 3].map(|()| cells.next().unwrap())
        })
        .collect()
}

fn compare(ours: &Played, theirs: &Played) {
    let deviations = deviations();
    let mut differences = Vec::new();
    assert_eq!(ours.len(), theirs.len());
    let mut connected = Vec::new();
    for ((call, ours), (_, theirs)) in ours.iter().zip(theirs) {
        if call == "nodes(connected)" {
            connected = theirs.as_list().unwrap().to_vec();
        }
        if call.contains("known") {
            check_known(call, ours, &connected);
        }
        let theirs = if call.contains("known") { only_known(theirs, ours) } else { theirs.clone() };
        let expected = deviations.iter().find(|[deviating, ..]| deviating == call);
        let (wanted_theirs, wanted_ours) = match expected {
            Some([_, theirs, ours]) => (read(theirs), read(ours)),
            None => (theirs.clone(), theirs.clone()),
        };
        if theirs != wanted_theirs || *ours != wanted_ours {
            differences.push(format!("{call}: Erlang {theirs}, ours {ours}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Of the nodes that are known, at least this one and those that are connected are told.
fn check_known(call: &str, ours: &Term, connected: &[Term]) {
    let Some(told) = ours.as_list() else { return };
    let told = told.iter().map(|node| node.as_tuple().map_or(node, |pair| &pair[0]));
    let told: Vec<&Term> = told.collect();
    for node in [word("me")].iter().chain(connected) {
        assert!(told.contains(&node), "{call}: {node} is not in {ours}");
    }
}

#[test]
#[should_panic(expected = "me is not in []")]
fn an_empty_answer_is_not_what_is_known() {
    let played = |known: &str| -> Played {
        let answers = [("nodes(connected)", "[b]"), ("nodes(known)", known)];
        answers.map(|(call, answer)| (call.to_owned(), read(answer))).into()
    };
    compare(&played("[b,me]"), &played("[b,c,me]"));
    compare(&played("[]"), &played("[]"));
}

/// Erlang knows more nodes, for it forgets none to which something refers.
fn only_known(theirs: &Term, ours: &Term) -> Term {
    match (theirs.as_list(), ours.as_list()) {
        (Some(theirs), Some(ours)) => {
            Term::list(theirs.iter().filter(|node| ours.contains(node)).cloned())
        }
        _ => theirs.clone(),
    }
}

fn id_of(info: &Term) -> i64 {
    let Term::Map(pairs) = info else { panic!("{info}") };
    pairs.get(&word("connection_id")).unwrap().as_i64().unwrap()
}

/// Calls each of which is told of by one message, since there is no link.
const MONITORS_OF_NODES: [&str; 3] = [
    "erlang:monitor_node(nonode@nohost,true)",
    "erlang:monitor_node('x@127.0.0.1',true)",
    "erlang:monitor_node('x@127.0.0.1',true,[allow_passive_connect])",
];

/// Makes those calls on both, by one process, and compares what it is told.
fn compare_nodedowns(node: &Node, erl: &Erl) {
    let theirs = erl.eval(&format!(
        "[true, true, true] = [{}], [receive {{nodedown, Node}} -> Node end || _ <- [1, 2, 3]]",
        MONITORS_OF_NODES.join(", ")
    ));
    let process = node.mailbox();
    let result = word("true");
    for (_, term) in play_ours(&MONITORS_OF_NODES, "", &process) {
        assert_eq!(term, result);
    }
    let told = MONITORS_OF_NODES.map(|call| match process.recv_timeout(GIVE_UP) {
        Some(Item::Process(ProcessEvent::NodeDown(node))) => Term::from(node.as_atom().clone()),
        item => panic!("{call}: {item:?}"),
    });
    let mut theirs = read(&theirs).as_list().unwrap().to_vec();
    theirs.sort();
    let mut told = told.to_vec();
    told.sort();
    assert_eq!(told, theirs);
    assert_eq!(process.try_recv(), None);
}

fn this_host() -> String {
    rustix::system::uname().nodename().to_str().unwrap().to_owned()
}

#[test]
fn every_deviating_call_is_played() {
    let played: BTreeSet<&str> = ALL.concat().into_iter().collect();
    for [call, theirs, ours] in deviations() {
        assert!(played.contains(call.as_str()), "{call}");
        assert_ne!(theirs, ours, "{call} deviates not at all");
    }
}

each_release_and_runtime! {
    //= docs/spec/mfa.md#mfa-bad-arguments
    //= type=test
    //= docs/spec/mfa.md#mfa-answers
    //= type=test
    //= docs/spec/kernel.md#kernel-ignored
    //= type=test
    //= docs/spec/kernel.md#kernel-start
    //= type=test
    //= docs/spec/kernel.md#kernel-start-list
    //= type=test
    //= docs/spec/kernel.md#kernel-start-options
    //= type=test
    //= docs/spec/kernel.md#kernel-start-host
    //= type=test
    //= docs/spec/kernel.md#kernel-start-domain
    //= type=test
    //= docs/spec/kernel.md#kernel-stop
    //= type=test
    //= docs/spec/ticktime.md#ticktime-arguments
    //= type=test
    #[test]
    fn nodes_start_and_stop_as_erlangs_do(release: Release) {
        let epmd = Epmd::start(release);
        let script = [ALWAYS, LIVES, ALWAYS].concat();
        let theirs = play_alone(&script, &TempDir::new(), release, &epmd);
        let node = Node::new(Ours::config(epmd.port())).unwrap();
        let ours = play_ours(&script, "nonode@nohost", &node.mailbox());
        compare(&ours, &theirs);
    }

    //= docs/spec/mfa.md#mfa-bad-arguments
    //= type=test
    //= docs/spec/mfa.md#mfa-monitor-node
    //= type=test
    //= docs/spec/mfa.md#mfa-answers
    //= type=test
    //= docs/spec/kernel.md#kernel-nodes
    //= type=test
    //= docs/spec/kernel.md#kernel-state
    //= type=test
    //= docs/spec/kernel.md#kernel-cookies
    //= type=test
    //= docs/spec/kernel.md#kernel-allow-arguments
    //= type=test
    //= docs/spec/kernel.md#kernel-stop
    //= type=test
    //= docs/spec/ticktime.md#ticktime-ongoing
    //= type=test
    #[test]
    fn a_node_in_a_cluster_answers_as_erlangs_does(release: Release) {
        let epmd = Epmd::start(release);
        let start = |name: &str, hidden| {
            let options = ErlOptions { hidden, ..ErlOptions::new(release, &epmd, name) };
            Erl::start(&options.without_auto_connect())
        };
        let (a, b, hidden) = (start("a", false), start("b", false), start("hidden", true));
        let node = Node::new(Ours::config(epmd.port())).unwrap();
        let name = node_name("rust@127.0.0.1");
        node.start(StartOptions { started: Started::Static, ..StartOptions::new(name.clone()) }).unwrap();
        let process = node.mailbox();

        let both = |script: &[&str]| {
            let theirs = play_theirs(script, &a);
            compare(&play_ours(script, name.as_str(), &process), &theirs);
        };
        both(ALWAYS);
        compare_nodedowns(&node, &a);
        both(&["net_kernel:connect_node('b@127.0.0.1')", "net_kernel:connect_node('hidden@127.0.0.1')"]);
        eventually("both are linked everywhere", || {
            b.eval("length(nodes())") == "2" && hidden.eval("length(nodes(hidden))") == "2"
        });
        both(ALWAYS);
        both(LINKED);
        both(ALWAYS);
    }

    //= docs/spec/mfa.md#mfa-bad-arguments
    //= type=test
    //= docs/spec/mfa.md#mfa-answers
    //= type=test
    //= docs/spec/net_adm.md#adm-dns-hostname
    //= type=test
    //= docs/spec/net_adm.md#adm-names-host
    //= type=test
    //= docs/spec/net_adm.md#adm-world-hosts
    //= type=test
    //= docs/spec/net_adm.md#adm-world-exits
    //= type=test
    #[test]
    fn hosts_and_their_nodes_are_told_as_by_erlangs(release: Release) {
        let (epmd, home) = (Epmd::start(release), TempDir::new());
        let config = || {
            let mut config = Ours::config(epmd.port());
            config.host_dirs = HostDirs(vec![home.path().into()]);
            config
        };
        let files = [None, Some("'127.0.0.1'.\nlocalhost.\n"), Some("'127.0.0.1'.\n\"127.0.0.1\".\n"), Some("a.\nb c.\n")];
        let write = |file: Option<&str>| {
            if let Some(file) = file {
                fs::write(home.path().join(HOST_FILE), file).unwrap();
            }
        };
        write(files[1]);
        let script = [NET_ADM, HOST_FILES].concat();
        let theirs = play_alone(&script, &home, release, &epmd);
        let asleep = Node::new(config()).unwrap();
        compare(&play_ours(&script, "nonode@nohost", &asleep.mailbox()), &theirs);
        fs::remove_file(home.path().join(HOST_FILE)).unwrap();

        let start = |name: &str| Erl::start(&ErlOptions::new(release, &epmd, name));
        let (a, _b) = (start("a"), start("b"));
        a.eval(&format!("file:set_cwd({:?})", home.path().display().to_string()));
        // What it logs comes in between.
        a.eval("logger:set_primary_config(level, none)");
        let rust = Ours::start("rust", config());
        let process = rust.node.mailbox();
        let both = |script: &[&str]| {
            compare(&play_ours(script, rust.name(), &process), &play_theirs(script, &a));
        };
        for file in files {
            write(file);
            both(HOST_FILES);
        }
        both(&[NET_ADM, NO_TEXTS].concat());
    }

    //= docs/spec/monitor.md#monitor-connection-id
    //= type=test
    #[test]
    fn a_connection_has_one_id_in_nodes_and_in_its_events(release: Release) {
        const TIMES: usize = 3;
        let epmd = Epmd::start(release);
        let start = |name: &str| Erl::start(&ErlOptions::new(release, &epmd, name).without_auto_connect());
        let (a, _b) = (start("a"), start("b"));
        let theirs = read(&a.eval(&format!(
            "ok = net_kernel:monitor_nodes(true, #{{connection_id => true}}), \
             [begin \
                  true = net_kernel:connect_node('b@127.0.0.1'), \
                  [{{_, #{{connection_id := Listed}}}}] = nodes(connected, #{{connection_id => true}}), \
                  true = erlang:disconnect_node('b@127.0.0.1'), \
                  receive {{nodeup, 'b@127.0.0.1', #{{connection_id := Up}}}} -> ok end, \
                  receive {{nodedown, 'b@127.0.0.1', #{{connection_id := Down}}}} -> ok end, \
                  [Listed, Up, Down] \
              end || _ <- lists:seq(1, {TIMES})]"
        )));

        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let process = rust.node.mailbox();
        let call = |text: &str| {
            process.apply(Call::parse(text, "h").unwrap().unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"))
        };
        assert_eq!(call("net_kernel:monitor_nodes(true,#{connection_id => true})"), word("ok"));
        let event = |kind: &str| {
            let Some(Item::Event(event)) = process.recv_timeout(GIVE_UP) else { panic!("no {kind}") };
            let event = read(&event.to_string());
            let [told, node, info] = event.as_tuple().unwrap() else { panic!("{event}") };
            assert_eq!((told, node), (&word(kind), &word("'b@127.0.0.1'")));
            id_of(info)
        };
        let ours = (0..TIMES).map(|_| {
            assert_eq!(call("net_kernel:connect_node('b@127.0.0.1')"), word("true"));
            let listed = call("nodes(connected,#{connection_id => true})");
            let [node] = listed.as_list().unwrap() else { panic!("{listed}") };
            let listed = id_of(&node.as_tuple().unwrap()[1]);
            assert_eq!(call("disconnect_node('b@127.0.0.1')"), word("true"));
            Term::list([listed, event("nodeup"), event("nodedown")].map(Term::from))
        });
        let ours = Term::list(ours);
        for told in [&theirs, &ours] {
            let told: Vec<i64> = told.as_list().unwrap().iter().map(|ids| {
                let ids: Vec<i64> = ids.as_list().unwrap().iter().filter_map(Term::as_i64).collect();
                assert_eq!(ids, [ids[0]; 3], "one id for one connection: {told}");
                ids[0]
            }).collect();
            let distinct: BTreeSet<i64> = told.iter().copied().collect();
            assert_eq!(distinct.len(), TIMES, "and another for the next: {told:?}");
        }
    }
}
