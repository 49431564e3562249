//! What the pages tell to type in a shell and in the console of a node: all of it is typed, here or where this says.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use netkernel_tests::command::{self, Netkernel};
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, Release, TempDir};
use netkernel_tests::ours::eventually;

const README: &str = include_str!("../../README.md");
const START: &str = include_str!("../../docs/getting-started.md");
const COMMAND: &str = include_str!("../../docs/command.md");
const CALLS: &str = include_str!("../../docs/calls.md");

/// What modules of calls export for OTP itself.
const OWN: &str = "gen_server:behaviour_info/1 code_change/3 format_log/1,2 format_status/2 handle_call/3 init_it/6 module_info/0,1
    system_code_change/4 system_continue/3 system_get_state/1 system_replace_state/2 system_terminate/4 wake_hib/5,6
    erpc:call_result/4 execute_call/3,4 execute_cast/3 is_arg_error/4 module_info/0,1 trim_stack/4
    rpc:code_change/3 handle_call/3 handle_cast/2 handle_info/2 init/1 module_info/0,1 proxy_user_flush/0 start/0 start_link/0 stop/0 terminate/2";

/// What is typed elsewhere, or has to be there before anything else is: and where.
const ELSEWHERE: [(&str, &str); 9] = [
    ("cargo demo", "the test `demo`"),
    ("erl -name b@127.0.0.1 -setcookie secret", "each test with a node of Erlang starts one so"),
    ("iex --name b@127.0.0.1 --cookie secret", "and each with one of Elixir so"),
    ("tests/run", "runs this"),
    ("cargo netkernel epmd -daemon", "`epmd_cli` and `interop_daemon`, which end it again"),
    ("cargo new hello", MAKE),
    ("cd hello", MAKE),
    ("cargo add --path ../netkernel/runtime-blocking", MAKE),
    (
        "cargo netkernel node rust@127.0.0.1 --connect b@127.0.0.1 --cookie secret",
        "`the_node_of_the_readme`",
    ),
];

const MAKE: &str = "`the_project_of_the_page`";

/// The lines of the blocks of a language, without remarks.
fn lines<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    let blocks = page.split(&*begin).skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let lines: Vec<_> = blocks.flat_map(str::lines).filter(|line| !line.is_empty()).collect();
    assert!(!lines.is_empty());
    lines
}

/// All lines for a shell, with the page's own marks.
fn shell_lines() -> Vec<&'static str> {
    let mut all = [lines(README, "sh"), lines(START, "sh")].concat();
    let indented = COMMAND.lines().filter_map(|line| line.strip_prefix("    "));
    all.extend(indented.filter(|line| line.starts_with("netkernel ")));
    let in_text = START.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    all.extend(in_text.filter(|code| code.starts_with("cargo netkernel call ")));
    all
}

/// What a shell makes of a line.
fn words(line: &str) -> Vec<String> {
    let output =
        Command::new("sh").args(["-c", &format!("printf '%s\\n' {line}")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The functions of a text such as `rpc:call/4,5`, `cast/4`: each with its module and one arity.
fn functions<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut module = "";
    let mut all = BTreeSet::new();
    for name in names {
        let (of, name) = name.rsplit_once(':').unwrap_or((module, name));
        module = of;
        if let Some((name, arities)) = name.split_once('/') {
            all.extend(arities.split(',').map(|arity| format!("{module}:{name}/{arity}")));
        }
    }
    all
}

/// A node of Erlang with a shop, and a home with the cookie and the host file.
struct Stage {
    epmd: Epmd,
    erl: Erl,
    home: TempDir,
}

impl Stage {
    fn new(release: Release) -> Self {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        erl.eval("logger:set_primary_config(level, none)");
        erl.load("shop", SHOP);
        erl.eval("shop:start()");
        let home = TempDir::new();
        let cookie = home.path().join(".erlang.cookie");
        fs::write(&cookie, "secret").unwrap();
        fs::set_permissions(&cookie, Permissions::from_mode(0o400)).unwrap();
        fs::write(home.path().join(".hosts.erlang"), "'127.0.0.1'.\n").unwrap();
        Self { epmd, erl, home }
    }

    fn run(&self, arguments: &[String]) -> Output {
        let mut command = Command::new(command::program());
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("ERL_EPMD_PORT", self.epmd.port().to_string());
        command.args(arguments).current_dir(self.home.path()).stdin(Stdio::null()).output().unwrap()
    }

    fn console(&self, arguments: &[&str]) -> Netkernel {
        let port = self.epmd.port().to_string();
        let console = Netkernel::start_in(self.home.path(), &[("ERL_EPMD_PORT", &port)], arguments);
        console.wait_line("the link", |line| line == "connected to 'b@127.0.0.1'");
        console
    }
}

const SHOP: &str = "
-module(shop).
-behaviour(gen_server).
-export([start/0, init/1, handle_call/3, handle_cast/2]).
start() -> {ok, _} = gen_server:start({local, shop}, ?MODULE, [], []), ok.
init([]) -> {ok, []}.
handle_call({price, apple}, _, S) -> {reply, 3, S}.
handle_cast(_, S) -> {noreply, S}.
";

/// What is printed, and that the command has done what it was told.
fn expected(line: &str, output: &str) -> bool {
    let known =
        |to: &str| format!("ok: 'b@127.0.0.1' has it; whether {to} reads it cannot be known\n");
    match line.trim_end_matches(" --cookie secret") {
        line if line.starts_with("call b@127.0.0.1 --server") => output == "3\n",
        line if line.starts_with("call b@127.0.0.1 ") => output == "[3,2,1]\n",
        "send b@127.0.0.1 shop '{order,3}'" => output == known("shop"),
        line if line.starts_with("send b@127.0.0.1 \"<'b@127.0.0.1'.") => {
            output.starts_with("ok: ")
        }
        "ping b@127.0.0.1" => output == "pong\n",
        "names" => {
            output.starts_with("epmd: up and running on port ")
                && output.contains("name b at port ")
        }
        "world --verbose" => output.ends_with("Pinging 'b@127.0.0.1' -> pong\n['b@127.0.0.1']\n"),
        "ticktime 60 20 --svg change.svg" => output.contains("20"),
        _ => panic!("{line} is on a page, and nobody knows what it prints"),
    }
}

/// The commands in a table of a page, in code marks; those with dots in them stand for others.
fn console_lines() -> Vec<String> {
    let (_, table) = COMMAND.split_once("| Words | Erlang |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let codes = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let codes: Vec<_> = codes.filter(|code| !code.contains("...")).map(str::to_owned).collect();
    assert!(codes.len() >= 18, "{codes:?}");
    codes
}

each_release! {
    #[test]
    fn each_line_for_a_shell_is_typed(release: Release) {
        let stage = Stage::new(release);
        let is_elsewhere = |line: &str| ELSEWHERE.iter().any(|(elsewhere, _)| *elsewhere == line);
        let (elsewhere, typed): (Vec<_>, Vec<_>) = shell_lines().into_iter().partition(|line| is_elsewhere(line));
        for (line, place) in ELSEWHERE {
            assert!(elsewhere.contains(&line), "no page has {line} any more, of which this says: {place}");
        }
        assert!(typed.len() >= 12, "{typed:?}");
        let pid = stage.run(&words("call b@127.0.0.1 erlang:whereis '[witness]'")).stdout;
        let pid = String::from_utf8(pid).unwrap();
        for line in typed {
            let line = line.strip_prefix("cargo ").unwrap_or(line);
            let line = line.strip_prefix("netkernel ").unwrap_or_else(|| panic!("what is {line}?"));
            // One that is there.
            let line = line.replace("<'b@127.0.0.1'.95.0>", pid.trim_end());
            let output = stage.run(&words(&line));
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && expected(&line, &printed), "{line}: {output:?}");
        }
        assert!(fs::read_to_string(stage.home.path().join("change.svg")).unwrap().contains("<svg"));
    }

    #[test]
    fn each_line_for_the_console_is_typed(release: Release) {
        let stage = Stage::new(release);
        let mut console = stage.console(&["node", "a@127.0.0.1", "--epmd", "external", "--connect", "b@127.0.0.1"]);
        let (end, lines): (Vec<_>, Vec<_>) =
            console_lines().into_iter().partition(|line| ["stop", "q()."].contains(&&**line));
        assert_eq!(end.len(), 2);
        for line in &lines {
            // Some wait for a message.
            if line == "receive" {
                stage.erl.eval("{netkernel, 'a@127.0.0.1'} ! {hello,1}");
            }
            console.say(line);
        }
        let wanted = ["message: {hello,1}", "[1,2,3]", "3", "{order,3}"];
        eventually("all answers", || {
            let printed = console.lines();
            let has = |line: &&str| printed.iter().any(|it| it == line);
            printed.iter().any(|line| line.starts_with("error: ")) || wanted.iter().all(has)
        });
        console.say("q().");
        let (status, printed) = console.wait_end();
        assert!(status.success(), "{status}");
        let wrong: Vec<_> = printed.iter().filter(|line| line.starts_with("error: ")).collect();
        assert!(wrong.is_empty(), "{wrong:?} of {lines:?}");
    }

    #[test]
    fn the_node_of_the_readme(release: Release) {
        let stage = Stage::new(release);
        let (line, _) = ELSEWHERE[8];
        let line = words(line.strip_prefix("cargo netkernel ").unwrap());
        let mut node = stage.console(&line.iter().map(String::as_str).collect::<Vec<_>>());
        for (said, answer) in [
            ("nodes(hidden).", "[]"),
            ("ticktime 20", "change_initiated"),
            ("net_kernel:set_net_ticktime(20).", "{ongoing_change_to,20}"),
        ] {
            assert!(README.contains(&format!("`{said}`")), "{said}");
            node.say(said);
            node.wait_line(answer, |line| line == answer);
        }
        node.say("help");
        node.wait_line("the help", |line| line.starts_with("ticktime S "));
        for code in ["net_adm:ping('rust@127.0.0.1')", "q()"] {
            assert!(README.contains(&format!("`{code}.`")), "{code}");
        }
        assert_eq!(stage.erl.eval("net_adm:ping('rust@127.0.0.1')"), "pong");
        stage.erl.eval("init:stop()");
        node.wait_line("its end", |line| line.starts_with("{nodedown,'b@127.0.0.1',"));
        node.say("stop");
        assert!(node.wait_end().0.success());
    }
}

each_release! {
    /// A new function of a release to come is missed here.
    #[test]
    fn the_page_of_calls_names_each_function_of_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let erl = Erl::start(&ErlOptions::new(release, &epmd, "b"));
        let exported = erl.eval(
            "lists:append(lists:join(\" \", [lists:concat([M, \":\", F, \"/\", A]) || M <- [gen_server, erpc, rpc], {F, A} <- M:module_info(exports)]))",
        );
        let exported = functions(exported.trim_matches('"').split(' '));
        let rows = CALLS.split_once("## Erlang's functions and ours").unwrap().1.lines();
        let names = rows.flat_map(|row| row.split(" | ").next().unwrap().split('`').skip(1).step_by(2));
        let named = functions(names);
        let own = functions(OWN.split_whitespace());
        assert!(exported.len() > 100, "{exported:?}");
        assert!(named.is_disjoint(&own), "{named:?}");
        let missing: Vec<_> =
            exported.iter().filter(|it| !named.contains(*it) && !own.contains(*it)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let more: Vec<_> = named.iter().filter(|it| !it.starts_with("net_adm:") && !exported.contains(*it)).collect();
        assert!(more.is_empty(), "{more:?}");
    }
}

/// What the page of calls names of ours is there, as far as a name tells.
#[test]
fn what_the_page_of_calls_names_is_there() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime-blocking/src");
    let mut text = String::new();
    for entry in
        fs::read_dir(&sources).unwrap().chain(fs::read_dir(sources.join("shared")).unwrap())
    {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    let named = CALLS.split('`').skip(1).step_by(2);
    let named: BTreeSet<_> = named
        .filter_map(|it| {
            ["Mailbox::", "Node::", "CallRequest::", "ErpcRequest::"]
                .iter()
                .find_map(|of| it.strip_prefix(of))
        })
        .collect();
    assert!(named.len() > 20);
    for name in named {
        let forms = ["(", "<"].map(|open| format!("fn {name}{open}"));
        assert!(forms.iter().any(|form| text.contains(form)), "{name}");
    }
}

/// Without looking for packages anywhere but here.
#[test]
fn the_project_of_the_page() {
    let place = TempDir::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    symlink(root, place.path().join("netkernel")).unwrap();
    let begin = lines(START, "sh").into_iter().take_while(|line| line.starts_with("c"));
    let script: Vec<_> = begin.collect();
    assert_eq!(
        script,
        ELSEWHERE
            .iter()
            .filter(|(_, place)| *place == MAKE)
            .map(|(line, _)| *line)
            .collect::<Vec<_>>()
    );
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let script = script.join("\n").replace("cargo ", &format!("{cargo:?} "));
    let output = Command::new("sh")
        .args(["-ec", &script])
        .current_dir(place.path())
        .env("CARGO_NET_OFFLINE", "true")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let manifest = fs::read_to_string(place.path().join("hello/Cargo.toml")).unwrap();
    for line in lines(START, "toml") {
        assert!(manifest.lines().any(|it| it == line), "{line}: {manifest}");
    }
    assert!(place.path().join("hello/src/main.rs").exists());
}
