//! The same command lines for `erl`, for `StartFlags`, and for nodes of ours: they mean the same.
//!
//! Each node has an EPMD of its own, and one peer that it connects to. What it says about itself is a list of facts, one a line; what we
//! make of its command line is the same list.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]
#![expect(
    clippy::unwrap_in_result,
    reason = "the errors are the nodes', a panic the test machine's"
)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;
use std::{env, fs, thread};

use core::net::Ipv4Addr;
use core::time::Duration;
use netkernel_blocking::core::Family;
use netkernel_blocking::core::epmd_server::Config;
use netkernel_blocking::core::net_kernel::{DistAutoConnect, NodeEvent, OwnName, TicktimeState};
use netkernel_blocking::core::start_flags::{CookieSetting, NodeSettings, StartFlags, ThisHost};
use netkernel_blocking::{NodeConfig, NodeKind, NodeKinds};
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, GIVE_UP, NO_CRASH_DUMP, Release, TempDir, free_port};
use netkernel_tests::our_epmd::OurEpmd;
use netkernel_tests::ours::{COOKIE, Ours, eventually, node_name};
use netkernel_tests::ports::wait_free;
use netkernel_tests::runtime::{Node, Runtime};

const PEER: &str = "peer@127.0.0.1";

/// A node that is not to start, and what both say then.
type Refused = Option<&'static str>;

/// `LONG` is a good name and the cookie of the peer. `PORT` is a free port, `TAKEN` one that somebody has. Flags of different kinds, each with
/// facts of its own, share a line: names and cookies, times, links, the listener.
const TABLE: &[(&str, Refused)] = &[
    ("LONG", None),
    ("", None),
    // Names, with times and listeners.
    ("-name a@127.0.0.1 b -setcookie secret", None),
    (
        "-sname a@localhost -setcookie secret -kernel net_ticktime 0 net_tickintensity 1 net_setuptime 0 \
         inet_dist_listen_min PORT inet_dist_use_interface {127,0,0,1}",
        None,
    ),
    (
        "-sname a@localhost -name b@127.0.0.1 -setcookie secret -kernel net_ticktime 17 net_tickintensity 5000 \
         net_setuptime 500 inet_dist_listen_min PORT inet_dist_listen_max foo",
        None,
    ),
    (
        "-name a@127.0.0.1 -name b@127.0.0.1 -setcookie secret -kernel net_ticktime 8.5 net_tickintensity x \
         net_setuptime 2.5 inet_dist_listen_max PORT inet_dist_use_interface loopback",
        None,
    ),
    (
        "-name undefined@127.0.0.1 -setcookie secret -kernel net_ticktime foo net_tickintensity 7 net_setuptime foo",
        None,
    ),
    ("-sname a@127.0.0.1", Some("Can't set short node name!")),
    ("-name a.b@127.0.0.1", Some("Invalid node name!")),
    ("-name @127.0.0.1", Some("Invalid node name!")),
    ("-name a@b@127.0.0.1", Some("nvalid node name")),
    ("-name nonode@nohost", Some("nvalid node name")),
    // Cookies that are not the peer's, with times.
    ("-name a@127.0.0.1 -kernel net_ticktime 8 net_ticktime 9 net_setuptime 119.9999", None),
    (
        "-name a@127.0.0.1 -nocookie -kernel net_ticktime 8 net_setuptime 3 -kernel net_ticktime 9",
        None,
    ),
    (
        "-name a@127.0.0.1 -setcookie secret -setcookie two -kernel net_setuptime 99999999999999999999",
        None,
    ),
    ("-name a@127.0.0.1 -nocookie -setcookie one -setcookie two -kernel net_ticktime foo", None),
    (
        "-name a@127.0.0.1 -nocookie -setcookie a@127.0.0.1 one -setcookie a@127.0.0.1 two \
         -kernel net_tickintensity 7",
        None,
    ),
    ("LONG -kernel net_ticktime foo(", Some("bad_environment_value")),
    // Cookies that are, with links.
    ("LONG -setcookie z@h zzz -hidden", None),
    ("LONG -setcookie z@h zzz -setcookie z@h yyy -hidden foo -hidden", None),
    (
        "-name a@127.0.0.1 -setcookie other -setcookie peer@127.0.0.1 secret -kernel dist_auto_connect once",
        None,
    ),
    (
        "-name a@127.0.0.1 -setcookie other -setcookie a@127.0.0.1 secret -kernel dist_auto_connect foo",
        None,
    ),
    ("LONG -dist_listen false -kernel dist_auto_connect false", None),
    ("LONG -dist_listen foo -dist_listen false", None),
    ("LONG -kernel dist_auto_connect never", None),
    ("LONG -kernel connect_all foo", Some("invalid_parameter_value,connect_all,foo")),
    // The listener.
    ("LONG -kernel inet_dist_listen_min TAKEN", Some("")),
    ("LONG -kernel inet_dist_listen_min PORT inet_dist_listen_max 1", Some("")),
    ("LONG -kernel inet_dist_listen_min 70000", Some("badarg")),
    ("LONG -kernel inet_dist_use_interface foo", Some("badarg")),
    ("LONG -kernel inet_dist_use_interface {0,0,0,0,0,0,0,1}", Some("badarg")),
    ("LONG -kernel inet_dist_listen_options [{tos,8}] inet_dist_connect_options [{tos,8}]", None),
    ("LONG -kernel inet_dist_listen_options [{foo,1}]", Some("")),
    // OTP 25 looks at the packet that a link which it begins is to have.
    (
        "LONG -kernel inet_dist_listen_options [{backlog,3},{packet,foo},{active,foo}] \
         inet_dist_connect_options [{packet,IDLE},{reuseaddr,false},{buffer,4096}]",
        None,
    ),
    ("LONG -kernel inet_dist_listen_options [{backlog,foo}]", Some("")),
    ("LONG -kernel inet_dist_listen_options [{buffer,foo}]", Some("")),
    ("LONG -proto_dist foo_tcp", Some("not supported")),
    // EPMD. The variable counts; this port is nobody's. OTP 25 does not know the parameter.
    ("LONG -erl_epmd_port PORT", None),
    ("LONG -kernel erl_epmd_node_listen_port PORT", None),
    (
        "LONG -epmd_port PORT -start_epmd true -kernel net_ticktime 8 net_tickintensity -- x -kernel net_ticktime",
        None,
    ),
    ("LONG -no_epmd", Some("Missing -proto_dist option")),
    ("LONG -proto_dist inet_tcp -no_epmd", Some("")),
    ("LONG -proto_dist inet_tcp -no_epmd foo", None),
    ("LONG -start_epmd foo", Some("Expected boolean argument")),
];

/// What a node says once it is up, each fact in a line.
const REPORT: &str = r#"
Fact = fun(Name, Value) -> io:format("fact ~s ~0tp~n", [Name, Value]) end,
State = net_kernel:get_state(),
[Fact(atom_to_list(Key), Value) || {Key, Value} <- maps:to_list(State)],
Fact("ticktime", net_kernel:get_net_ticktime()),
is_map_key(name, State) andalso begin
    Kernel = sys:get_state(net_kernel),
    Fact("intensity", element(4, element(4, Kernel))),
    Fact("setup", element(5, Kernel)),
    Fact("cookie", erlang:get_cookie()),
    Fact("cookie_of_z", erlang:get_cookie('z@h')),
    Sockets = [Port || Port <- erlang:ports(), erlang:port_info(Port, name) =:= {name, "tcp_inet"}],
    Fact("listens", [element(2, inet:sockname(Port)) || Port <- Sockets, element(1, inet:peername(Port)) =:= error])
end,
map_get(started, State) =:= static andalso map_get(name_type, State) =:= static andalso begin
    Peer = 'peer@127.0.0.1',
    Fact("ping", net_adm:ping(Peer)),
    erlang:disconnect_node(Peer),
    Gone = fun Gone() ->
        case ets:lookup(sys_dist, Peer) of
            [Row] when element(1, Row) =:= connection -> timer:sleep(5), Gone();
            _ -> gone
        end
    end,
    Gone(),
    Fact("again", net_adm:ping(Peer))
end,
halt(0).
"#;

type Facts = BTreeMap<String, String>;

each_release! {
    //= docs/spec/flags.md#flags-arguments
    //= type=test
    //= docs/spec/flags.md#flags-settings
    //= type=test
    //= docs/spec/flags.md#flags-parameters
    //= type=test
    //= docs/spec/flags.md#flags-name-which
    //= type=test
    //= docs/spec/flags.md#flags-name-rules
    //= type=test
    //= docs/spec/flags.md#flags-setcookie
    //= type=test
    //= docs/spec/flags.md#flags-net-ticktime
    //= type=test
    //= docs/spec/flags.md#flags-net-setuptime
    //= type=test
    //= docs/spec/flags.md#flags-hidden
    //= type=test
    //= docs/spec/flags.md#flags-auto-connect
    //= type=test
    //= docs/spec/flags.md#flags-interface
    //= type=test
    //= docs/spec/flags.md#flags-listen-ports
    //= type=test
    //= docs/spec/flags.md#flags-dist-options
    //= type=test
    //= docs/spec/flags.md#flags-node-listen-port
    //= type=test
    //= docs/spec/flags.md#flags-start-epmd
    //= type=test
    #[test]
    fn flags_mean_what_they_mean_to_erlang(release: Release) {
        let rows = Mutex::new(TABLE.iter());
        let differences = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| loop {
                    let Some(&(line, refused)) = rows.lock().unwrap().next() else { return };
                    let found = compare(release, line, refused);
                    differences.lock().unwrap().extend(found);
                });
            }
        });
        let differences = differences.into_inner().unwrap();
        assert!(differences.is_empty(), "{release}:\n{}", differences.join("\n"));
    }
}

/// How a node of Erlang's and nodes of ours differ that are started with this line.
fn compare(release: Release, line: &str, refused: Refused) -> Vec<String> {
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = free_port();
    let filled = line
        .replace("LONG", "-name a@127.0.0.1 -setcookie secret")
        .replace("IDLE", if release == Release::Otp25 { "raw" } else { "foo" })
        .replace("PORT", &port.to_string())
        .replace("TAKEN", &taken.local_addr().unwrap().port().to_string());
    let filled = if line.contains("-start_epmd") { filled } else { filled + " -start_epmd false" };
    let known = match release {
        Release::Otp25 => filled.replace("erl_epmd_node_listen_port", "unknown"),
        Release::Otp27 | Release::Newest => filled.clone(),
    };
    let read = read(&known);
    // A node without a cookie would ask this user's files for one, and one without a name has nothing to tell.
    let told = |name: &str| read.as_ref().ok().and_then(|facts| facts.get(name)).cloned();
    let starts = match told("cookie") {
        Some(cookie) => cookie != "file" && told("name_type").is_some_and(|kind| kind == "static"),
        None => read.is_err(),
    };
    let start = |runtime: Runtime| (runtime.name(), runtime.with(|| started(&known)));
    let runtimes = if starts { &Runtime::ALL[..] } else { &[] };
    // Of those that want the same port, there is one at a time.
    let (theirs, started) = if line.contains("PORT") {
        let theirs = erlangs(release, &filled);
        let next = |runtime: &Runtime| {
            wait_free(port);
            start(*runtime)
        };
        (theirs, runtimes.iter().map(next).collect())
    } else {
        side_by_side(|| erlangs(release, &filled), runtimes, start)
    };
    let ours = [vec![("flags", read)], started].concat();
    drop(taken);
    let mut differences = Vec::new();
    for (who, ours) in ours {
        let difference = match (&theirs, &ours, refused) {
            (Ok(theirs), Ok(ours), None) => differs(theirs, ours),
            (Err(theirs), Err(ours), Some(word)) => {
                let both = theirs.contains(word) && ours.contains(word);
                (!both).then(|| format!("{theirs}\n--\n{ours}"))
            }
            // The flags alone do not tell whether a port can be had.
            (Err(_), Ok(_), Some("")) if who == "flags" => None,
            _ => Some(format!("{theirs:?}\n--\n{ours:?}")),
        };
        differences.extend(difference.map(|text| format!("{line}: {who}: {text}")));
    }
    differences
}

/// What each of these nodes comes to, all at once.
fn side_by_side<T: Send, O: Send>(
    theirs: impl FnOnce() -> T + Send,
    runtimes: &[Runtime],
    ours: impl Fn(Runtime) -> O + Sync,
) -> (T, Vec<O>) {
    thread::scope(|scope| {
        let ours = &ours;
        let started: Vec<_> =
            runtimes.iter().map(|runtime| scope.spawn(move || ours(*runtime))).collect();
        let theirs = theirs();
        (theirs, started.into_iter().map(|node| node.join().unwrap()).collect())
    })
}

/// What both lists tell must be the same. What ours does not tell, it cannot know.
fn differs(theirs: &Facts, ours: &Facts) -> Option<String> {
    let same = ours.iter().all(|(name, value)| match theirs.get(name) {
        Some(told) if name == "listens" => listens_as(told, value),
        Some(told) => told == value,
        None => false,
    });
    (!same || ours.is_empty()).then(|| format!("{theirs:?}\n--\n{ours:?}"))
}

/// `[{{127,0,0,1},40001}]` as `{127,0,0,1} 40000 40002`; port 0 is any.
fn listens_as(told: &str, ours: &str) -> bool {
    let Some((address, port)) =
        told.strip_prefix("[{").and_then(|told| told.strip_suffix("}]")?.rsplit_once(','))
    else {
        return told == ours;
    };
    let parts: Vec<_> = ours.split(' ').collect();
    let [wanted, first, last] = parts[..] else { return false };
    let number = |text: &str| text.parse::<u16>().unwrap();
    let fits = (number(first)..=number(last)).contains(&number(port)) || first == "0";
    fits && (wanted == address || wanted == "_")
}

/// The facts of a real node, or its output if it does not start.
fn erlangs(release: Release, line: &str) -> Result<Facts, String> {
    let (epmd, home) = (Epmd::start(release), TempDir::new());
    let peer = Ours::start("peer", Ours::config(epmd.port()));
    let mut command = Command::new(release.program("erl"));
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home.path()).env("ERL_EPMD_PORT", epmd.port().to_string());
    command.envs(NO_CRASH_DUMP).current_dir(home.path());
    command.arg("-noinput").args(line.split_whitespace()).args(["-eval", REPORT]);
    let output = fs::File::create(home.path().join("output")).unwrap();
    command.stdin(Stdio::null()).stderr(output.try_clone().unwrap()).stdout(output);
    let ended_well = wait(command.spawn().unwrap(), line);
    let output = fs::read(home.path().join("output")).unwrap();
    let output = String::from_utf8_lossy(&output);
    if !ended_well {
        return Err(output.into_owned());
    }
    let told = output.lines().filter_map(|line| line.strip_prefix("fact ")?.split_once(' '));
    let mut facts: Facts = told.map(|(name, value)| (name.into(), value.into())).collect();
    let file = fs::read_to_string(home.path().join(".erlang.cookie"));
    if let Ok(file) = file {
        assert_eq!(
            facts.get("cookie").map(|cookie| cookie.trim_matches('\'')),
            Some(&*file),
            "{line}"
        );
        facts.insert("cookie".into(), "file".into());
        facts.remove("cookie_of_z");
    }
    facts.extend(seen_by(&peer, facts.get("ping")));
    Ok(facts)
}

/// Whether it has ended with success.
fn wait(mut node: Child, line: &str) -> bool {
    let begin = Instant::now();
    loop {
        if let Some(status) = node.try_wait().unwrap() {
            return status.success();
        }
        if begin.elapsed() > GIVE_UP {
            node.kill().unwrap();
            node.wait().unwrap();
            panic!("erl runs on: {line}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Of which type a node's link was to the peer, if it had one.
fn seen_by(peer: &Ours, ping: Option<&String>) -> Option<(String, String)> {
    if ping.is_none_or(|ping| ping != "pong") {
        return None;
    }
    let event = peer.next_event();
    assert!(matches!(event, NodeEvent::NodeUp { .. }), "{event}");
    Some(("link".into(), event.node_type().unwrap().to_string()))
}

fn facts<const N: usize>(facts: [(&str, String); N]) -> Facts {
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What the flags alone say.
fn read(line: &str) -> Result<Facts, String> {
    let host = ThisHost { hostname: "localhost", domain: None };
    let flags = StartFlags::parse(line.split_whitespace()).with_env("ERL_EPMD_PORT", "4369");
    let settings = flags.settings(&host).map_err(|error| error.to_string())?;
    let Some((name, domain)) = &settings.name else {
        return Ok(facts([("started", "no".into()), ("ticktime", "ignored".into())]));
    };
    let mut facts = facts([
        ("started", "static".into()),
        ("name_domain", format!("{domain:?}").to_lowercase()),
        ("ticktime", settings.net_ticktime.seconds().to_string()),
        ("intensity", settings.net_ticktime.intensity().to_string()),
        ("setup", settings.setup_time.as_millis().to_string()),
        ("listens", listener(&settings)),
    ]);
    let own = match &settings.cookie {
        CookieSetting::Given(cookie) => {
            let of =
                |node: &str| settings.peer_cookies.iter().find(|(peer, _)| peer.as_str() == node);
            let of_z = of("z@h").map_or(cookie, |(_, cookie)| cookie);
            facts.insert("cookie_of_z".into(), of_z.expose().to_string());
            let of_peer = of(PEER).map_or(cookie, |(_, cookie)| cookie);
            facts.insert("cookie".into(), cookie.expose().to_string());
            of_peer.expose().to_string()
        }
        CookieSetting::File => {
            facts.insert("cookie".into(), "file".into());
            String::new()
        }
    };
    let OwnName::Static(name) = name else {
        facts.extend(self::facts([("name", "undefined".into()), ("name_type", "dynamic".into())]));
        return Ok(facts);
    };
    facts.extend(self::facts([("name", name.to_string()), ("name_type", "static".into())]));
    // With a port for all nodes, the peer is looked for at that one.
    let there = name.host() == "127.0.0.1" && settings.node_listen_port.is_none();
    let reaches = own == COOKIE && there;
    let answer = |pong: bool| if pong { "pong" } else { "pang" }.to_owned();
    let first = reaches && settings.auto_connect != DistAutoConnect::Never;
    facts.insert("ping".into(), answer(first));
    facts.insert("again".into(), answer(first && settings.auto_connect != DistAutoConnect::Once));
    if first {
        let hidden =
            settings.start_options().is_some_and(|options| options.hidden || !options.listen);
        facts.insert("link".into(), if hidden { "hidden" } else { "visible" }.into());
    }
    Ok(facts)
}

fn listener(settings: &NodeSettings) -> String {
    if !settings.start_options().is_some_and(|options| options.listen) {
        return "[]".into();
    }
    let address = match settings.interface.unwrap_or_else(|| Family::Inet.unspecified()) {
        address if address.is_loopback() => "{127,0,0,1}",
        _ => "{0,0,0,0}",
    };
    let (first, last) = match settings.node_listen_port {
        Some(port) => (port, port),
        None => (*settings.listen_ports.start(), *settings.listen_ports.end()),
    };
    format!("{address} {first} {last}")
}

/// The facts of a node of ours, or why it does not start.
fn started(line: &str) -> Result<Facts, String> {
    let epmd = OurEpmd::start(Runtime::Blocking, Config::default());
    let peer = Ours::start("peer", Ours::config(epmd.port()));
    let own = format!("-epmd_port {} {}", epmd.port(), line);
    let made = NodeConfig::from_flags(StartFlags::parse(own.split_whitespace()));
    let (config, options) = made.map_err(|error| error.to_string())?;
    let node = Node::new(config).unwrap();
    node.start(options.unwrap()).map_err(|error| error.to_string())?;
    let state = node.get_state().unwrap();
    let ping =
        |limit| if node.ping(&node_name(PEER), Some(limit)).is_ok() { "pong" } else { "pang" };
    let text =
        |cookie: Option<netkernel_blocking::core::Cookie>| cookie.unwrap().expose().to_string();
    let port = node.identity().unwrap().port;
    let mut facts = facts([
        ("started", "static".into()),
        ("name", state.name.unwrap().to_string()),
        ("name_domain", format!("{:?}", state.name_domain).to_lowercase()),
        ("name_type", format!("{:?}", state.name_type).to_lowercase()),
        (
            "ticktime",
            match node.get_net_ticktime() {
                Some(TicktimeState::Steady(seconds)) => seconds.to_string(),
                other => format!("{other:?}"),
            },
        ),
        ("cookie", text(node.get_cookie(None))),
        ("cookie_of_z", text(node.get_cookie(Some(&node_name("z@h"))))),
        // Any port is as good as theirs, unless there is only one.
        (
            "listens",
            match port {
                None => "[]".into(),
                Some(port) if line.contains(&port.to_string()) => format!("_ {port} {port}"),
                Some(_) => "_ 0 0".into(),
            },
        ),
        ("ping", ping(GIVE_UP).into()),
    ]);
    facts.extend(seen_by(&peer, facts.get("ping")));
    node.disconnect_node(&node_name(PEER));
    let up =
        || node.nodes(NodeKinds::CONNECTED).iter().any(|info| info.node_type != NodeKind::This);
    eventually("the link is down", || !up());
    facts.insert("again".into(), ping(GIVE_UP).into());
    Ok(facts)
}
