//! `getopts` and `setopts`, and what the connection table tells: the same calls on a real node and on ours.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use netkernel_blocking::core::NodeType;
use netkernel_blocking::core::term::Term;
use netkernel_blocking::{ConnectionInfo, OptionName, OptsError, SocketOption};
use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, Signal};
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Node;

const B: &str = "b@127.0.0.1";

/// Names and values of options; a name without a value stands alone.
type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A call, as a test writes it down.
#[derive(Clone, Copy, Debug)]
enum Call<'a> {
    Get(&'a str, &'a [&'a str]),
    /// The node may be `new`.
    Set(&'a str, Pairs<'a>),
}

impl Call<'_> {
    fn erlang(self) -> String {
        match self {
            Self::Get(node, names) => {
                format!("net_kernel:getopts('{node}', [{}])", names.join(","))
            }
            Self::Set(node, pairs) => {
                let pairs = pairs.iter().map(|(name, value)| match *value {
                    "" => (*name).into(),
                    value => format!("{{{name},{value}}}"),
                });
                let pairs = pairs.collect::<Vec<_>>().join(",");
                format!("net_kernel:setopts('{node}', [{pairs}])")
            }
        }
    }

    /// In Erlang's words.
    fn ours(self, node: &Node) -> String {
        match self {
            Self::Get(peer, names) => {
                let get = |names| node.getopts(&node_name(peer), names);
                let names: Result<_, OptsError> =
                    names.iter().map(|name| OptionName::named(name)).collect();
                let result = match names {
                    Ok(names) => get(names),
                    Err(error) => get(Vec::new()).and(Err(error)),
                };
                result.map_or_else(
                    |error| error.to_string(),
                    |options| {
                        let options: Vec<_> = options.iter().map(ToString::to_string).collect();
                        format!("{{ok,[{}]}}", options.join(","))
                    },
                )
            }
            Self::Set(peer, pairs) => {
                let set = |options| match peer {
                    "new" => node.setopts_new(options),
                    peer => node.setopts(&node_name(peer), options),
                };
                let pairs: Vec<_> = pairs.iter().map(|(name, value)| option(name, value)).collect();
                let result = match SocketOption::check(&pairs) {
                    Ok(options) => set(options),
                    Err(error) => set(Vec::new()).and(Err(error)),
                };
                result.map_or_else(|error| error.to_string(), |()| "ok".into())
            }
        }
    }
}

fn option(name: &str, value: &str) -> Term {
    let text = if value.is_empty() { name.into() } else { format!("{{{name},{value}}}") };
    text.parse().unwrap()
}

const ALL: &[&str] = &["nodelay", "keepalive", "linger", "priority", "tos"];

/// Calls about a node without a link.
fn about_a_stranger(node: &str) -> Vec<Call<'_>> {
    vec![
        Call::Get(node, &["nodelay"]),
        Call::Get(node, &["foo"]),
        Call::Get(node, &[]),
        Call::Set(node, &[("nodelay", "true")]),
        Call::Set(node, &[("active", "true")]),
        Call::Set(node, &[("foo", "1")]),
        Call::Set(node, &[]),
    ]
}

/// Calls about a link that is up.
const ABOUT_A_LINK: &[Call<'_>] = &[
    Call::Get(B, ALL),
    Call::Get(B, &[]),
    Call::Get(B, &["tos", "nodelay", "tos"]),
    Call::Get(B, &["foo"]),
    Call::Get(B, &["nodelay", "foo"]),
    Call::Set(B, &[]),
    Call::Set(B, &[("nodelay", "false"), ("keepalive", "true")]),
    Call::Get(B, ALL),
    Call::Set(B, &[("nodelay", "true"), ("foo", "1")]),
    Call::Set(B, &[("nodelay", "foo")]),
    Call::Set(B, &[("nodelay", "1")]),
    Call::Set(B, &[("nodelay", "")]),
    Call::Set(B, &[("sndbuf", "foo")]),
    Call::Set(B, &[("linger", "5")]),
    Call::Set(B, &[("active", "true")]),
    Call::Set(B, &[("nodelay", "true"), ("packet", "2"), ("foo", "1"), ("deliver", "term")]),
    Call::Get(B, ALL),
    Call::Set(B, &[("priority", "3")]),
    Call::Set(B, &[("tos", "16")]),
    Call::Get(B, &["priority", "tos"]),
    Call::Set(B, &[("tos", "8"), ("priority", "2"), ("linger", "{true,5}")]),
    Call::Get(B, ALL),
    Call::Set(B, &[("linger", "{true,2}"), ("sndbuf", "30000"), ("recbuf", "40000")]),
    Call::Get(B, &["sndbuf", "recbuf", "linger"]),
    Call::Set(B, &[("sndbuf", "1"), ("recbuf", "0")]),
    Call::Get(B, &["sndbuf", "recbuf"]),
    Call::Set(B, &[("tos", "16"), ("nodelay", "true"), ("tos", "24"), ("nodelay", "false")]),
    Call::Get(B, &["tos", "nodelay"]),
    Call::Set(B, &[("tos", "300")]),
    Call::Get(B, &["tos"]),
];

/// Calls about links to come, and about the one that is there.
const ABOUT_NEW_LINKS: &[Call<'_>] = &[
    Call::Set("new", &[]),
    Call::Set("new", &[("nodelay", "false"), ("tos", "8")]),
    Call::Set("new", &[("keepalive", "true"), ("tos", "24")]),
    Call::Set("new", &[("sndbuf", "30000"), ("recbuf", "40000"), ("linger", "{true,1}")]),
    Call::Set("new", &[("keepalive", "false"), ("foo", "1")]),
    Call::Set("new", &[("keepalive", "foo")]),
    Call::Set("new", &[("keepalive", "")]),
    Call::Set("new", &[("keepalive", "false"), ("active", "true")]),
    Call::Get(B, ALL),
];

const OF_A_NEW_LINK: Call<'_> =
    Call::Get(B, &["nodelay", "keepalive", "linger", "priority", "tos", "sndbuf", "recbuf"]);

/// A node without auto-connect.
fn quiet(release: Release, epmd: &Epmd, name: &str) -> Erl {
    Erl::start(&ErlOptions::new(release, epmd, name).without_auto_connect())
}

fn connect(erl: &Erl, node: &str) {
    assert_eq!(erl.eval(&format!("net_kernel:connect_node('{node}')")), "true");
}

fn disconnect(erl: &Erl, node: &str) {
    assert_eq!(erl.eval(&format!("erlang:disconnect_node('{node}')")), "true");
}

fn compare(calls: &[Call<'_>], theirs: impl Fn(&str) -> String, ours: &Node) {
    for call in calls {
        let text = call.erlang();
        assert_eq!(call.ours(ours), theirs(&text), "{text}");
    }
}

/// What a connection table tells of a node, without address and owner; numbers that are not zero are `n`. Erlang counts
/// packets where we count bytes.
fn our_info(
    ConnectionInfo { node: _, state, node_type, received, sent }: &ConnectionInfo,
) -> String {
    let node_type = match node_type {
        Some(NodeType::Visible) => "normal",
        Some(NodeType::Hidden) => "hidden",
        None => "undefined",
    };
    let count = |count: &u64| if *count == 0 { "0" } else { "n" };
    let (received, sent) = (count(received), count(sent));
    format!("[{{state,{state}}},{{type,{node_type}}},{{in,{received}}},{{out,{sent}}}]")
}

/// Makes the same of Erlang's list.
const THEIR_INFO: &str = "Info = fun(List) -> \
    [owner, state, address, type, in, out] = [Key || {Key, _} <- List], \
    [case Pair of {_, N} when is_integer(N), N > 0 -> setelement(2, Pair, n); _ -> Pair end \
     || {Key, _} = Pair <- List, Key =/= owner, Key =/= address] end, ";

fn our_node_info(ours: &Ours, node: &str) -> String {
    ours.node
        .node_info(&node_name(node))
        .map_or_else(|_| "{error,bad_node}".into(), |info| format!("{{ok,{}}}", our_info(&info)))
}

fn their_node_info(erl: &Erl, node: &str) -> String {
    erl.eval(&format!(
        "{THEIR_INFO} case net_kernel:node_info('{node}') of {{ok, List}} -> {{ok, Info(List)}}; Error -> Error end"
    ))
}

each_release_and_runtime! {
    //= docs/spec/kernel.md#kernel-ignored
    //= type=test
    //= docs/spec/kernel.md#kernel-opts-noconnection
    //= type=test
    //= docs/spec/kernel.md#kernel-opts-invalid
    //= type=test
    //= docs/spec/kernel.md#kernel-opts-badopts
    //= type=test
    //= docs/spec/kernel.md#kernel-getopts
    //= type=test
    //= docs/spec/kernel.md#kernel-setopts
    //= type=test
    //= docs/spec/kernel.md#kernel-setopts-new
    //= type=test
    #[test]
    fn socket_options_are_set_and_told_as_by_erlang(release: Release) {
        let not_alive = |text: &str| {
            let show = format!("io:format(\"~0tp\", [{text}]), halt().");
            let arguments = ["-noinput", "-start_epmd", "false", "-eval", &show];
            let erl = release.erl().args(arguments).output().unwrap();
            String::from_utf8(erl.stdout).unwrap()
        };
        let epmd = Epmd::start(release);
        let node = Node::new(Ours::config(epmd.port())).unwrap();
        let calls = [Call::Get(B, &["foo"]), Call::Set(B, &[("active", "true")]), Call::Set("new", &[("foo", "1")])];
        compare(&calls, not_alive, &node);

        let (b, erl) = (quiet(release, &epmd, "b"), quiet(release, &epmd, "a"));
        let rust = Ours::start("rust", Ours::config(epmd.port()));
        let theirs = |text: &str| erl.eval(text);
        compare(&about_a_stranger(B), theirs, &rust.node);
        for (node, erls) in [(rust.name(), false), (erl.name(), true)] {
            // Each asks about itself.
            for call in about_a_stranger(node) {
                let text = call.erlang();
                let told = if erls { erl.eval(&text) } else { call.ours(&rust.node) };
                assert_eq!(told, "{error,noconnection}", "{text}");
            }
        }
        connect(&erl, B);
        rust.connect(B);
        compare(ABOUT_A_LINK, theirs, &rust.node);
        compare(ABOUT_NEW_LINKS, theirs, &rust.node);

        // Of each kind: one that they begin, and one that B begins.
        let ends = || {
            disconnect(&erl, B);
            assert_eq!(rust.node.disconnect_node(&node_name(B)), Some(true));
            compare(&about_a_stranger(B), theirs, &rust.node);
            eventually("B has seen both go", || b.eval("nodes()") == "[]");
        };
        ends();
        connect(&erl, B);
        rust.connect(B);
        compare(&[OF_A_NEW_LINK], theirs, &rust.node);
        ends();
        connect(&b, erl.name());
        connect(&b, rust.name());
        eventually("it is up on both sides", || erl.eval("nodes()") == format!("['{B}']") && rust.nodes().len() == 1);
        compare(&[OF_A_NEW_LINK], theirs, &rust.node);
        let told = OF_A_NEW_LINK.ours(&rust.node);
        let set = "[{nodelay,false},{keepalive,true},{linger,{true,1}},{priority,0},{tos,24}";
        assert!(told.contains(set), "{told}");
    }

    //= docs/spec/kernel.md#kernel-dist-options
    //= type=test
    #[test]
    fn options_of_the_configuration_are_those_of_links_as_with_erlang(release: Release) {
        let epmd = Epmd::start(release);
        let b = quiet(release, &epmd, "b");
        let (listening, dialling): (Pairs<'_>, Pairs<'_>) = (
            &[("nodelay", "false"), ("keepalive", "true"), ("tos", "8"), ("tos", "16"), ("linger", "{true,3}"), ("sndbuf", "30000")],
            &[("nodelay", "false"), ("tos", "16"), ("tos", "8"), ("linger", "{true,4}"), ("recbuf", "40000"), ("priority", "2")],
        );
        let erlang = |pairs: Pairs<'_>| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{{{name},{value}}}")).collect();
            format!("[{}]", pairs.join(","))
        };
        let ours = |pairs: Pairs<'_>| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| option(name, value)).collect();
            SocketOption::check(&pairs).unwrap()
        };
        let mut options = ErlOptions::new(release, &epmd, "a").without_auto_connect();
        for (parameter, pairs) in [("inet_dist_listen_options", listening), ("inet_dist_connect_options", dialling)] {
            options.args.extend(["-kernel".into(), parameter.into(), erlang(pairs)]);
        }
        let erl = Erl::start(&options);
        let mut config = Ours::config(epmd.port());
        (config.kernel.listen_options, config.kernel.connect_options) = (ours(listening), ours(dialling));
        let rust = Ours::start("rust", config);

        let names: &[&str] = &["nodelay", "keepalive", "linger", "priority", "tos"];
        let check = |buffer: &[&str], expected: &str| {
            let names = [names, buffer].concat();
            compare(&[Call::Get(B, &names)], |text| erl.eval(text), &rust.node);
            let told = Call::Get(B, &names).ours(&rust.node);
            assert!(told.starts_with(&format!("{{ok,[{expected}")), "{told}");
        };
        let ends = || {
            disconnect(&erl, B);
            assert_eq!(rust.node.disconnect_node(&node_name(B)), Some(true));
            eventually("B has seen both go", || b.eval("nodes()") == "[]");
        };
        let dialled = || {
            connect(&erl, B);
            rust.connect(B);
        };
        let accepted = || {
            connect(&b, erl.name());
            connect(&b, rust.name());
            eventually("it is up on both sides", || erl.eval("nodes()") == format!("['{B}']") && rust.nodes().len() == 1);
        };
        dialled();
        check(&["recbuf"], "{nodelay,true},{keepalive,false},{linger,{true,4}},{priority,2},{tos,8}");
        ends();
        accepted();
        check(&["sndbuf"], "{nodelay,true},{keepalive,true},{linger,{true,3}},{priority,0},{tos,16}");
        compare(&[Call::Set("new", &[("nodelay", "false"), ("tos", "24")])], |text| erl.eval(text), &rust.node);
        ends();
        dialled();
        check(&["recbuf"], "{nodelay,false},{keepalive,false},{linger,{true,4}},{priority,2},{tos,24}");
        ends();
        accepted();
        check(&["sndbuf"], "{nodelay,false},{keepalive,true},{linger,{true,3}},{priority,0},{tos,24}");
    }

    //= docs/spec/nodedown.md#nodedown-node-info
    //= type=test
    //= docs/spec/nodedown.md#nodedown-nodes-info
    //= type=test
    #[test]
    fn the_table_tells_of_nodes_as_erlangs_does(release: Release) {
        let epmd = Epmd::start(release);
        // An attempt is to last until it was looked at.
        let mut options = ErlOptions::new(release, &epmd, "a").without_auto_connect();
        options.args.extend(["-kernel", "net_setuptime", "60"].map(str::to_owned));
        let patient = Erl::start(&options);
        let (b, erl, frozen) =
            (quiet(release, &epmd, "b"), patient, quiet(release, &epmd, "frozen"));
        let hidden = Erl::start(&ErlOptions { hidden: true, ..ErlOptions::new(release, &epmd, "hidden") });
        let mut config = Ours::config(epmd.port());
        config.kernel.setup_time = GIVE_UP;
        let rust = Ours::start("rust", config);
        let same = |node: &str, expected: &str| {
            assert_eq!(our_node_info(&rust, node), expected, "{node}");
            assert_eq!(their_node_info(&erl, node), expected, "{node}");
        };
        same(B, "{error,bad_node}");
        assert_eq!(our_node_info(&rust, rust.name()), "{error,bad_node}");
        assert_eq!(their_node_info(&erl, erl.name()), "{error,bad_node}");

        for node in [&b, &hidden] {
            connect(&erl, node.name());
            rust.connect(node.name());
        }
        same(B, "{ok,[{state,up},{type,normal},{in,n},{out,n}]}");
        same(hidden.name(), "{ok,[{state,up},{type,hidden},{in,n},{out,n}]}");
        let key = |node: &str, key: &str| erl.eval(&format!("net_kernel:node_info('{node}', {key})"));
        let info = rust.node.node_info(&node_name(B)).unwrap();
        assert_eq!(key(B, "state"), format!("{{ok,{}}}", info.state));
        assert_eq!((key(B, "type"), info.node_type), ("{ok,normal}".into(), Some(NodeType::Visible)));
        assert_eq!(key("c@127.0.0.1", "state"), "{error,bad_node}");

        // An attempt: the node's operating system answers, and the node does not.
        frozen.signal(Signal::Stop);
        erl.eval(&format!("spawn(net_kernel, connect_node, ['{}']), ok", frozen.name()));
        let (node, to) = (rust.node.clone(), node_name(frozen.name()));
        let attempt = std::thread::spawn(move || node.connect_node(to));
        // Until OTP 29 has chosen a carrier, its state is another one.
        eventually("both attempt", || {
            [their_node_info(&erl, frozen.name()), our_node_info(&rust, frozen.name())]
                .iter()
                .all(|info| info.starts_with("{ok,[{state,pending}"))
        });
        same(frozen.name(), "{ok,[{state,pending},{type,normal},{in,0},{out,0}]}");

        let ours = rust.node.nodes_info();
        let ours: Vec<_> =
            ours.iter().map(|info| format!("{{'{}',{}}}", info.node.as_str(), our_info(info))).collect();
        let theirs = erl.eval(&format!(
            "{THEIR_INFO} {{ok, All}} = net_kernel:nodes_info(), \
             lists:sort([{{Node, Info(List)}} || {{Node, List}} <- All])"
        ));
        assert_eq!(format!("[{}]", ours.join(",")), theirs);

        frozen.signal(Signal::Kill);
        assert!(attempt.join().unwrap().is_err());
        eventually("both gave up", || {
            their_node_info(&erl, frozen.name()) == "{error,bad_node}"
                && our_node_info(&rust, frozen.name()) == "{error,bad_node}"
        });
        disconnect(&erl, B);
        assert_eq!(rust.node.disconnect_node(&node_name(B)), Some(true));
        same(B, "{error,bad_node}");
    }
}
