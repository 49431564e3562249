//! `docs/surface.md` is true: its rows name what exists, and no function of Erlang's is left out.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "of all syntax, little concerns this test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use netkernel_blocking::core::net_kernel::mfa::Mfa;
use netkernel_tests::scripts::{ALL, ME};
use netkernel_tests::spec::tests_of;
use syn::{ImplItem, Item, Type, Visibility};

/// What the manual of kernel 9.3 has of `net_kernel` and `net_adm`, and what `erlang` has about nodes.
const FUNCTIONS: [(&str, &[&str]); 3] = [
    (
        "net_kernel",
        &[
            "allow/1",
            "connect_node/1",
            "get_net_ticktime/0",
            "get_state/0",
            "getopts/2",
            "monitor_nodes/1",
            "monitor_nodes/2",
            "set_net_ticktime/1",
            "set_net_ticktime/2",
            "setopts/2",
            "start/1",
            "start/2",
            "stop/0",
        ],
    ),
    (
        "net_adm",
        &[
            "dns_hostname/1",
            "host_file/0",
            "localhost/0",
            "names/0",
            "names/1",
            "ping/1",
            "world/0",
            "world/1",
            "world_list/1",
            "world_list/2",
        ],
    ),
    (
        "erlang",
        &[
            "disconnect_node/1",
            "get_cookie/0",
            "get_cookie/1",
            "is_alive/0",
            "monitor_node/2",
            "monitor_node/3",
            "node/0",
            "node/1",
            "nodes/0",
            "nodes/1",
            "nodes/2",
            "set_cookie/1",
            "set_cookie/2",
            "spawn/2",
            "spawn/4",
            "spawn_link/2",
            "spawn_link/4",
            "spawn_monitor/2",
            "spawn_monitor/4",
            "spawn_opt/3",
            "spawn_opt/5",
            "spawn_request/2",
            "spawn_request/3",
            "spawn_request/4",
            "spawn_request/5",
            "spawn_request_abandon/1",
        ],
    ),
];

/// The flags, parameters and variables that must have a row, as their rows name them.
const SETTINGS: [&str; 26] = [
    "-name",
    "-sname",
    "-name undefined",
    "-hidden",
    "-connect_all",
    "-setcookie Cookie",
    "-setcookie Node Cookie",
    "-nocookie",
    "~/.erlang.cookie",
    "-dist_listen false",
    "-start_epmd false",
    "-no_epmd",
    "-epmd_port",
    "-erl_epmd_port, erl_epmd_node_listen_port",
    "-proto_dist inet6_tcp",
    "ERL_EPMD_PORT",
    "ERL_EPMD_ADDRESS",
    "dist_auto_connect",
    "net_setuptime",
    "net_ticktime",
    "net_tickintensity",
    "inet_dist_use_interface",
    "inet_dist_listen_min, inet_dist_listen_max",
    "inet_dist_listen_options",
    "inet_dist_connect_options",
    "a peer at an explicit address",
];

/// What cannot be compared with a real node, and why.
const INCOMPARABLE: [(&str, &str); 3] = [
    ("-connect_all", "a node of ours makes no mesh"),
    ("~/.erlang.cookie", "both read and make the same file, and which of them did cannot be told"),
    ("ERL_EPMD_ADDRESS", "it is of an EPMD that our node serves"),
];

const FILE: &str = "docs/surface.md";
const CALLS: &str = "## Calls that are answered otherwise";

/// What the rows may name.
#[derive(Debug, Default)]
struct Known {
    /// `Type`, `Type::function`, `Type::Variant`, `Type::field`, `file::function`.
    items: BTreeSet<String>,
    requirements: BTreeSet<String>,
    /// `file::function`.
    tests: BTreeSet<String>,
    /// Those of them in core.
    core_tests: BTreeSet<String>,
    /// Function and arity of each call that is made on real nodes and on ours: `net_adm:names/1`.
    compared: BTreeSet<String>,
}

#[test]
fn every_row_names_what_exists() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let problems = check(&fs::read_to_string(top.join(FILE)).unwrap(), &Known::read(top));
    assert!(problems.is_empty(), "{FILE}:\n{}", problems.join("\n"));
}

#[test]
fn every_fault_is_found() {
    let known = Known {
        items: ["A::f", "B"].map(str::to_owned).into(),
        requirements: ["a-one".to_owned()].into(),
        tests: ["t::works", "t::other", "interop_t::works"].map(str::to_owned).into(),
        core_tests: ["t::works".to_owned()].into(),
        compared: expected(),
    };
    let all: String = expected()
        .into_iter()
        .map(|function| {
            format!("| `{function}` | `A::f`, `B` | | a-one | `t::works`, `interop_t::works` | |\n")
        })
        .collect();
    assert_eq!(check(&all, &known), Vec::<String>::new());
    let row =
        "| `net_kernel:stop/0` | `A::f`, `B` | | a-one | `t::works`, `interop_t::works` | |\n";
    for (instead, problem) in [
        ("", "`net_kernel:stop/0`: has no row"),
        ("| `net_kernel:stop/0` | `A::g` | | a-one | `t::works` | |\n", "`A::g`: no such item"),
        ("| `net_kernel:stop/0` | `B` | `C` | a-one | `t::works` | |\n", "`C`: no such item"),
        ("| `net_kernel:stop/0` | | | a-one | `t::works` | |\n", "neither an item nor a deviation"),
        ("| `net_kernel:stop/0` | `B` | | a-two | `t::works` | |\n", "a-two: no such requirement"),
        ("| `net_kernel:stop/0` | `B` | | | `t::works` | |\n", "no requirement"),
        ("| `net_kernel:stop/0` | `B` | | a-one | `t::fails` | |\n", "`t::fails`: no such test"),
        ("| `net_kernel:stop/0` | `B` | | a-one | | |\n", "no test"),
        ("| `net_kernel:stop/0` | `B` | | a-one | planned | |\n", "`planned`: no such test"),
        ("| `net_kernel:stop/0` | `B` | | a-one | to do | |\n", "`to do`: no such test"),
        ("| `net_kernel:stop/0` | `B` | | a-one | `t::works` |\n", "not six cells"),
        ("| `net_kernel:stop/0` | `B` | | a-one | `t::works` | |\n", "no comparison"),
        ("| `net_kernel:stop/0` | `B` | | a-one | `interop_t::works` | |\n", "no test of core"),
        (
            "| `net_kernel:stop/0` | `B` | | a-one | `t::other`, `interop_t::works` | |\n",
            "no test of core",
        ),
        (&row.repeat(2), "two rows"),
    ] {
        assert!(all.contains(row));
        let problems = check(&all.replace(row, instead), &known);
        assert!(problems.iter().any(|found| found.contains(problem)), "{instead}: {problems:?}");
    }
    for setting in SETTINGS {
        let row =
            format!("| `{setting}` | `A::f`, `B` | | a-one | `t::works`, `interop_t::works` | |\n");
        assert!(all.contains(&row));
        let problems = check(&all.replace(&row, ""), &known);
        assert_eq!(problems, [format!("`{setting}`: has no row")]);
    }
    let mut unplayed = known;
    unplayed.compared.remove("net_kernel:stop/0");
    assert_eq!(check(&all, &unplayed), ["`net_kernel:stop/0`: no script calls it"]);
}

/// Every function and every setting that must have a row.
fn expected() -> BTreeSet<String> {
    let built = FUNCTIONS.iter().flat_map(|(module, functions)| {
        functions.iter().map(move |function| format!("{module}:{function}"))
    });
    built.chain(SETTINGS.map(str::to_owned)).collect()
}

/// What is wrong with the text of the table.
fn check(text: &str, known: &Known) -> Vec<String> {
    let mut problems = Vec::new();
    let mut rows = BTreeMap::new();
    // Behind it are calls, whose table another test reads.
    let text = text.split_once(CALLS).map_or(text, |(functions, _)| functions);
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Erlang "))
    {
        let cells: Vec<&str> = line
            .trim_matches('|')
            .split(" |")
            .map(|cell| cell.trim_start_matches('|').trim())
            .collect();
        let [name, core, runtimes, requirement, test, deviation] = cells[..] else {
            problems.push(format!("{line}: not six cells"));
            continue;
        };
        let mut row = Row { name, known, problems: &mut problems };
        row.check([core, runtimes], requirement, test, deviation);
        if rows.insert(name.replace('`', ""), ()).is_some() {
            problems.push(format!("{name}: two rows"));
        }
    }
    let missing = expected().into_iter().filter(|function| !rows.contains_key(function));
    problems.extend(missing.map(|function| format!("`{function}`: has no row")));
    problems
}

/// These take a fun. Ours have none to give, so that no script can have both sides call them; `interop_spawn` has Erlang call them.
const OF_FUNS: [&str; 6] = [
    "erlang:spawn/2",
    "erlang:spawn_link/2",
    "erlang:spawn_monitor/2",
    "erlang:spawn_opt/3",
    "erlang:spawn_request/2",
    "erlang:spawn_request/3",
];

/// What nodes of Erlang call in the scripts of `interop_same_script`: its clauses `do(_) -> Function(Arguments)`.
fn played() -> impl Iterator<Item = String> {
    let clauses = include_str!("../otp/player.erl").lines().filter(|line| line.starts_with("do({"));
    clauses.filter_map(|line| {
        let (name, arguments) = line.split_once("-> ")?.1.split_once('(')?;
        let (mut depth, mut arity) = (0, 1);
        for letter in arguments.chars() {
            match letter {
                '(' | '[' | '{' => depth += 1,
                ')' if depth == 0 => break,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => arity += 1,
                _ => {}
            }
        }
        Some(format!("erlang:{}/{arity}", name.trim_start_matches("erlang:")))
    })
}

struct Row<'a> {
    name: &'a str,
    known: &'a Known,
    problems: &'a mut Vec<String>,
}

impl Row<'_> {
    fn check(&mut self, ours: [&str; 2], requirement: &str, test: &str, deviation: &str) {
        let items: Vec<&str> = ours.into_iter().flat_map(names).collect();
        for item in &items {
            self.must(self.known.items.contains(*item), &format!("`{item}`: no such item"));
        }
        let requirements: Vec<&str> = names(requirement).collect();
        for id in &requirements {
            self.must(self.known.requirements.contains(*id), &format!("{id}: no such requirement"));
        }
        let tests: Vec<&str> = names(test).collect();
        for test in &tests {
            self.must(self.known.tests.contains(*test), &format!("`{test}`: no such test"));
        }
        self.must(!tests.is_empty(), "no test");
        let in_core = tests.iter().any(|test| self.known.core_tests.contains(*test));
        self.must(in_core || ours[0].is_empty(), "no test of core");
        let row = self.name.replace('`', "");
        let compared = tests.iter().any(|test| test.starts_with("interop_"));
        let incomparable = INCOMPARABLE.iter().any(|(name, _)| *name == row);
        self.must(compared || incomparable, "no comparison with real nodes");
        let documented = FUNCTIONS.iter().any(|(module, functions)| {
            let function = row.strip_prefix(module).and_then(|rest| rest.strip_prefix(':'));
            function.is_some_and(|function| functions.contains(&function))
        });
        let called = OF_FUNS.contains(&&*row) || self.known.compared.contains(&row);
        self.must(!documented || called, "no script calls it");
        self.must(!requirements.is_empty(), "no requirement");
        self.must(!items.is_empty() || !deviation.is_empty(), "neither an item nor a deviation");
    }

    fn must(&mut self, holds: bool, problem: &str) {
        if !holds {
            self.problems.push(format!("{}: {problem}", self.name));
        }
    }
}

/// The names in a cell.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([',', '`']).map(str::trim).filter(|name| !name.is_empty())
}

impl Known {
    fn read(top: &Path) -> Self {
        let calls = ALL.concat();
        let called = |call: &&str| {
            let Mfa { module, function, arguments } = Mfa::parse(&call.replace(ME, "a@b")).unwrap();
            format!("{module}:{function}/{}", arguments.len())
        };
        let compared = calls.iter().map(called).chain(played()).collect();
        let mut known = Self { compared, ..Self::default() };
        for folder in ["core", "runtime-blocking", "runtime-smol", "tests"] {
            known.walk(&top.join(folder), ["core", "runtime-blocking"].contains(&folder));
            if folder == "core" {
                known.core_tests = known.tests.clone();
            }
        }
        for entry in fs::read_dir(top.join("docs/spec")).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let ids = text.lines().filter_map(|line| line.strip_prefix("### "));
            known.requirements.extend(ids.map(|id| id.trim().to_owned()));
        }
        known
    }

    fn walk(&mut self, folder: &Path, has_items: bool) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    self.walk(&path, has_items);
                }
            } else if path.extension().is_some_and(|end| end == "rs") {
                let stem = path.file_stem().unwrap().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                self.tests.extend(tests_of(&text).map(|test| format!("{stem}::{test}")));
                if has_items && path.components().any(|part| part.as_os_str() == "src") {
                    for item in syn::parse_file(&text).unwrap().items {
                        self.add(stem, &item);
                    }
                }
            }
        }
    }

    fn add(&mut self, stem: &str, item: &Item) {
        match item {
            Item::Fn(item) if is_public(&item.vis) => {
                self.items.insert(format!("{stem}::{}", item.sig.ident));
            }
            Item::Struct(item) if is_public(&item.vis) => {
                self.items.insert(item.ident.to_string());
                let public = item.fields.iter().filter(|field| is_public(&field.vis));
                let names = public.filter_map(|field| field.ident.as_ref());
                self.items.extend(names.map(|name| format!("{}::{name}", item.ident)));
            }
            Item::Enum(item) if is_public(&item.vis) => {
                self.items.insert(item.ident.to_string());
                let names = item.variants.iter().map(|variant| &variant.ident);
                self.items.extend(names.map(|name| format!("{}::{name}", item.ident)));
            }
            Item::Impl(block) if block.trait_.is_none() => {
                let Type::Path(path) = &*block.self_ty else { return };
                let name = &path.path.segments.last().unwrap().ident;
                for item in &block.items {
                    let (visibility, function) = match item {
                        ImplItem::Fn(item) => (&item.vis, &item.sig.ident),
                        ImplItem::Const(item) => (&item.vis, &item.ident),
                        _ => continue,
                    };
                    if is_public(visibility) {
                        self.items.insert(format!("{name}::{function}"));
                    }
                }
            }
            _ => {}
        }
    }
}

const fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
