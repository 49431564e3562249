//! What flags, parameters and the environment make of a node.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "this is test code")]

use core::time::Duration;

use netkernel_core::net_kernel::{
    Config, DistAutoConnect, NameDomain, NetTicktime, OwnName, SocketOption, Started,
};
use netkernel_core::start_flags::{
    CookieSetting, FlagError, NodeSettings, StartFlags, ThisHost, epmd_addresses,
};
use netkernel_core::{Cookie, Family, NodeName};

const HOST: ThisHost<'_> = ThisHost { hostname: "vm.old", domain: Some("example.test") };

fn flags(line: &str) -> StartFlags {
    StartFlags::parse(line.split_whitespace())
}

fn settings(line: &str) -> Result<NodeSettings, FlagError> {
    flags(line).settings(&HOST)
}

fn good(line: &str) -> NodeSettings {
    settings(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The name, and whether it is a long one.
fn name(line: &str, host: &ThisHost<'_>) -> Result<Option<(String, bool)>, String> {
    let settings = flags(line).settings(host).map_err(|error| error.to_string())?;
    Ok(settings.name.map(|(name, domain)| {
        let name = match name {
            OwnName::Static(name) => name.as_str().into(),
            OwnName::Dynamic { host } => format!("undefined at {host}"),
        };
        (name, domain == NameDomain::Longnames)
    }))
}

//= docs/spec/flags.md#flags-name-rules
//= type=test
//= docs/spec/flags.md#flags-name-which
//= type=test
#[test]
fn names_are_long_or_short_and_have_a_host() {
    let taken = |name: &str, long| Ok(Some((name.to_owned(), long)));
    let invalid = || Err("Invalid node name!".to_owned());
    for (line, result) in [
        ("-name a@127.0.0.1", taken("a@127.0.0.1", true)),
        ("-name a@localhost", taken("a@localhost", true)),
        ("-name a@::1", taken("a@::1", true)),
        ("-name a", taken("a@vm.example.test", true)),
        ("-name a@", taken("a@vm.example.test", true)),
        ("-sname a", taken("a@vm", false)),
        ("-sname a@", taken("a@vm", false)),
        ("-sname a@localhost", taken("a@localhost", false)),
        ("-sname a@::1", taken("a@::1", false)),
        ("-sname a@h\u{E9}", taken("a@h\u{E9}", false)),
        ("-sname a@h\u{20AC}", invalid()),
        ("-sname a@127.0.0.1", Err("Can't set short node name!".into())),
        ("-sname a@h.i", Err("Can't set short node name!".into())),
        ("-name a.b@127.0.0.1", invalid()),
        ("-name @h", invalid()),
        ("-sname \u{FC}@h", invalid()),
        ("-name a@b@c", Err("invalid node name: a@b@c".into())),
        ("-name a@h@", Err("invalid node name: a@h@".into())),
        ("-name undefined@127.0.0.1", taken("undefined at 127.0.0.1", true)),
        ("-sname undefined", taken("undefined at vm", false)),
        ("-name a@127.0.0.1 -sname b", taken("b@vm", false)),
        ("-name a@127.0.0.1 -name b@127.0.0.1", taken("a@127.0.0.1", true)),
        ("-sname b c -name a@h", taken("a@h", true)),
        ("-name a@h b", Ok(None)),
        ("-name", Ok(None)),
        ("", Ok(None)),
    ] {
        assert_eq!(name(line, &HOST), result, "{line}");
    }
    let nowhere = ThisHost { hostname: "vm", domain: None };
    for line in ["-name a", "-name a@", "-name undefined"] {
        assert_eq!(name(line, &nowhere), Err("Can't set long node name!".into()));
    }
    assert_eq!(name("-sname a", &ThisHost::default()), Err("Can't set short node name!".into()));
    let blank = StartFlags::parse(["-name", "a@h h"]).settings(&HOST);
    assert_eq!(blank, Err(FlagError::InvalidName));
    let empty = StartFlags::parse(["-sname", ""]).settings(&HOST);
    assert_eq!(empty, Err(FlagError::InvalidName));
}

//= docs/spec/flags.md#flags-setcookie
//= type=test
#[test]
fn cookies_that_are_given_twice_are_not_given() {
    let given = |text: &str| CookieSetting::Given(Cookie::new(text).unwrap());
    let of_z =
        |cookie: &str| vec![("z@h".parse::<NodeName>().unwrap(), Cookie::new(cookie).unwrap())];
    let file = || CookieSetting::File;
    for (line, own, peers) in [
        ("", file(), vec![]),
        ("-setcookie one", given("one"), vec![]),
        ("-setcookie one -setcookie two", file(), vec![]),
        ("-setcookie z@h zzz", file(), of_z("zzz")),
        ("-setcookie z@h zzz -setcookie one", given("one"), of_z("zzz")),
        ("-setcookie z@h zzz -setcookie z@h yyy", file(), vec![]),
        ("-setcookie z@h zzz -setcookie one -setcookie two", file(), of_z("zzz")),
        ("-setcookie", file(), vec![]),
        ("-setcookie one -setcookie", file(), vec![]),
        ("-setcookie -setcookie one", file(), vec![]),
        ("-setcookie one -setcookie a b c", given("one"), vec![]),
        ("-setcookie a b c", file(), vec![]),
        ("-setcookie nonsense yyy", file(), vec![]),
        ("-setcookie a@h own", given("own"), vec![]),
        ("-setcookie a@h own -setcookie one", given("own"), vec![]),
        ("-setcookie a@h own -setcookie a@h two", file(), vec![]),
        ("-nocookie", given("nocookie"), vec![]),
        ("-nocookie -setcookie one", given("one"), vec![]),
        ("-nocookie -setcookie one -setcookie two", given("nocookie"), vec![]),
    ] {
        let settings = good(&format!("-name a@h {line}"));
        assert_eq!((settings.cookie, settings.peer_cookies), (own, peers), "{line}");
    }
    assert!(matches!(settings("-setcookie \u{20AC}"), Err(FlagError::Cookie(_))));
}

//= docs/spec/flags.md#flags-net-ticktime
//= type=test
#[test]
fn ticktimes_are_repaired() {
    for (line, seconds, intensity) in [
        ("", 60, 4),
        ("net_ticktime 0", 1, 4),
        ("net_ticktime -5", 60, 4),
        ("net_ticktime foo", 60, 4),
        ("net_ticktime 8.5", 60, 4),
        ("net_ticktime 17 net_tickintensity 1", 17, 4),
        ("net_ticktime 17 net_tickintensity 5000", 17, 1000),
        ("net_tickintensity x", 60, 4),
        ("net_tickintensity 7", 60, 7),
    ] {
        let settings = good(&format!("-kernel {line}"));
        assert_eq!(settings.net_ticktime, NetTicktime::new(seconds, intensity).unwrap(), "{line}");
    }
    assert!(settings("-kernel net_ticktime 100000000000").is_err());
    let below = StartFlags::parse(["-kernel", "net_ticktime", "1 "]).settings(&HOST).unwrap();
    assert_eq!(below.net_ticktime.seconds(), 1);
}

//= docs/spec/flags.md#flags-net-setuptime
//= type=test
#[test]
fn setup_times_are_repaired() {
    for (value, milliseconds) in [
        ("3", 3000),
        ("2.5", 2500),
        ("500", 120_000),
        ("120.5", 120_000),
        ("119.9999", 120_000),
        ("1.0004", 1000),
        ("0", 7000),
        ("x", 7000),
        ("0.0", 7000),
        ("0.0001", 1),
        ("99999999999999999999", 120_000),
    ] {
        let settings = good(&format!("-kernel net_setuptime {value}"));
        assert_eq!(settings.setup_time, Duration::from_millis(milliseconds), "{value}");
    }
    assert_eq!(good("").setup_time, Duration::from_secs(7));
}

//= docs/spec/flags.md#flags-parameters
//= type=test
#[test]
fn the_last_flag_and_its_first_value_count() {
    let ticktime = |line: &str| settings(line).map(|settings| settings.net_ticktime.seconds());
    for (line, seconds) in [
        ("-kernel net_ticktime 8 -kernel net_ticktime 9", 9),
        ("-kernel net_ticktime 8 net_ticktime 9", 8),
        ("-kernel net_ticktime 8 extra", 8),
        ("-kernel net_ticktime", 60),
        ("-kernel \"net_ticktime\" 8", 60),
    ] {
        assert_eq!(ticktime(line), Ok(seconds), "{line}");
    }
    for (line, text) in [("net_ticktime foo(", "foo("), ("Net 8", "Net"), ("net_ticktime 8.", "8.")]
    {
        let error = ticktime(&format!("-kernel {line}")).unwrap_err();
        assert_eq!(error, FlagError::BadEnvironmentValue(text.into()));
        assert_eq!(error.to_string(), format!("{{bad_environment_value,\"{text}\"}}"));
    }
}

//= docs/spec/flags.md#flags-listen-ports
//= type=test
//= docs/spec/flags.md#flags-node-listen-port
//= type=test
#[test]
fn ports_to_listen_on() {
    for (line, ports) in [
        ("", 0..=0),
        ("inet_dist_listen_min 45000 inet_dist_listen_max 45005", 45000..=45005),
        ("inet_dist_listen_min 45000", 45000..=45000),
        ("inet_dist_listen_min 45000 inet_dist_listen_max foo", 45000..=45000),
        ("inet_dist_listen_max 45000", 0..=0),
        ("inet_dist_listen_min foo", 0..=0),
        ("inet_dist_listen_min 65535 inet_dist_listen_max 65536", 65535..=65535),
    ] {
        assert_eq!(good(&format!("-kernel {line}")).listen_ports, ports, "{line}");
    }
    let reversed = good("-kernel inet_dist_listen_min 45005 inet_dist_listen_max 45000");
    assert!(reversed.listen_ports.is_empty());
    let listen = |line: &str| settings(line).map(|settings| settings.node_listen_port);
    assert_eq!(
        listen("-kernel inet_dist_listen_min 70000").unwrap_err().to_string(),
        "port 70000: badarg"
    );
    assert_eq!(listen(""), Ok(None));
    assert_eq!(listen("-erl_epmd_port 45100"), Ok(Some(45100)));
    assert_eq!(listen("-kernel erl_epmd_node_listen_port 45100"), Ok(Some(45100)));
    assert_eq!(listen("-erl_epmd_port foo"), Ok(Some(0)));
    assert!(listen("-kernel erl_epmd_node_listen_port 70000").is_err());
    let invalid = listen("-kernel erl_epmd_node_listen_port foo").unwrap_err().to_string();
    assert_eq!(invalid, "{invalid_parameter_value,erl_epmd_node_listen_port,foo}");
    let both = listen("-erl_epmd_port 1 -kernel erl_epmd_node_listen_port 1").unwrap_err();
    assert!(
        both.to_string().starts_with("{invalid_configuration,\"either -erl_epmd_port or kernel")
    );
}

//= docs/spec/flags.md#flags-interface
//= type=test
//= docs/spec/flags.md#flags-proto-dist
//= type=test
#[test]
fn addresses_are_of_the_family() {
    let interface = |line: &str| settings(line).map(|settings| settings.interface);
    let address = |text: &str| Ok(Some(text.parse().unwrap()));
    let of = "-kernel inet_dist_use_interface";
    assert_eq!(interface(""), Ok(None));
    assert_eq!(interface(&format!("{of} {{127,0,0,2}}")), address("127.0.0.2"));
    assert_eq!(interface(&format!("{of} any")), address("0.0.0.0"));
    assert_eq!(interface(&format!("{of} loopback -proto_dist inet6_tcp")), address("::1"));
    assert_eq!(
        interface(&format!("{of} {{0,0,0,0,0,0,0,1}} -proto_dist inet6_tcp")),
        address("::1")
    );
    for wrong in [
        "{0,0,0,0,0,0,0,1}",
        "{127,0,0,1} -proto_dist inet6_tcp",
        "\"127.0.0.1\"",
        "foo",
        "{127,0,0,999}",
        "5",
    ] {
        let error = interface(&format!("{of} {wrong}")).unwrap_err();
        assert!(matches!(error, FlagError::Interface(_)), "{wrong}: {error}");
    }
    assert_eq!(good("-proto_dist inet6_tcp -proto_dist inet_tcp").family, Family::Inet6);
    assert_eq!(
        settings("-proto_dist foo_tcp").unwrap_err().to_string(),
        "Protocol 'foo_tcp': not supported"
    );
    assert!(settings("-proto_dist").is_err());
}

//= docs/spec/flags.md#flags-dist-options
//= type=test
#[test]
fn socket_options_of_links_to_come() {
    let made = good(
        "-kernel inet_dist_listen_options [{tos,8},{sndbuf,30000},{tos,16}] -kernel inet_dist_connect_options \
         [{linger,{true,4}}]",
    );
    let listening = [SocketOption::Tos(8), SocketOption::Sndbuf(30000), SocketOption::Tos(16)];
    let mut config = Config::new(Cookie::new("C").unwrap(), NetTicktime::default());
    made.configure(&mut config);
    assert_eq!(config.listen_options, listening);
    assert_eq!(config.connect_options, [SocketOption::Linger(Some(4))]);
    let none = good("-kernel inet_dist_listen_options []");
    assert!(none.listen_options.is_empty() && none.connect_options.is_empty());
    for name in ["inet_dist_listen_options", "inet_dist_connect_options"] {
        for wrong in [
            "foo",
            "{tos,8}",
            "[foo]",
            "[{foo,1}]",
            "[{linger,5}]",
            "[{tos,8}|x]",
            "[{tos,8,9}]",
            "[{deliver,port}]",
            "[binary]",
            "[{mode,binary}]",
            "[{header,2}]",
            "[{packet_size,100}]",
            "[packet]",
            "[{buffer,foo}]",
            "[{reuseaddr,foo}]",
            "[{ip,{127,0,0,1}}]",
            "[{backlog,foo}]",
        ] {
            let error = settings(&format!("-kernel {name} {wrong}")).unwrap_err();
            let told = format!("{{invalid_parameter_value,{name},{wrong}}}");
            assert_eq!(error.to_string(), told);
        }
    }
}

//= docs/spec/flags.md#flags-dist-options-idle
//= type=test
#[test]
fn options_that_change_nothing_are_taken() {
    let idle = "[{active,foo},{packet,raw},{packet,4},{packet,foo},{packet,[]},{reuseaddr,false},{debug,true},{delay_send,true},\
        {exit_on_close,false},{send_timeout_close,true},{show_econnreset,true},{buffer,4096},{high_watermark,8192},\
        {low_watermark,1024},{high_msgq_watermark,8192},{low_msgq_watermark,8},{send_timeout,1000},\
        {send_timeout,infinity},{tos,8}]";
    let idle: String = idle.split_whitespace().collect();
    let made =
        good(&format!("-kernel inet_dist_listen_options {idle} inet_dist_connect_options {idle}"));
    assert_eq!(made.listen_options, [SocketOption::Tos(8)]);
    assert_eq!((made.connect_options, made.backlog), (vec![SocketOption::Tos(8)], None));
}

//= docs/spec/flags.md#flags-dist-options-backlog
//= type=test
#[test]
fn the_backlog_is_that_of_the_listener() {
    for (list, backlog) in [
        ("[]", None),
        ("[{backlog,5}]", Some(5)),
        ("[{backlog,3},{tos,8},{backlog,9}]", Some(9)),
        ("[{backlog,0}]", Some(0)),
        ("[{backlog,99999999999999999999}]", Some(u32::MAX)),
    ] {
        assert_eq!(good(&format!("-kernel inet_dist_listen_options {list}")).backlog, backlog);
    }
    let below = StartFlags::parse(["-kernel", "inet_dist_listen_options", "[{backlog,-1}]"])
        .settings(&HOST);
    assert_eq!(below.unwrap().backlog, Some(u32::MAX));
    let error = settings("-kernel inet_dist_connect_options [{backlog,5}]").unwrap_err();
    let told = "{invalid_parameter_value,inet_dist_connect_options,[{backlog,5}]}";
    assert_eq!(error.to_string(), told);
}

//= docs/spec/flags.md#flags-name-rules
//= type=test
#[test]
fn this_host_counts_only_for_a_name_without_one() {
    for (line, needed) in [
        ("-sname a", true),
        ("-name a@", true),
        ("-sname undefined", true),
        ("-sname a@h", false),
        ("-name a@127.0.0.1", false),
        ("-sname a b -name c@h", false),
        ("-name a b", false),
        ("", false),
    ] {
        assert_eq!(flags(line).needs_host(), needed, "{line}");
        assert!(needed || flags(line).settings(&ThisHost::default()).is_ok(), "{line}");
    }
}

//= docs/spec/flags.md#flags-hidden
//= type=test
//= docs/spec/flags.md#flags-auto-connect
//= type=test
//= docs/spec/flags.md#flags-connect-all
//= type=test
//= docs/spec/flags.md#flags-start-epmd
//= type=test
#[test]
fn switches() {
    for (line, hidden) in [
        ("", false),
        ("-hidden", true),
        ("-hidden true", true),
        ("-hidden false", false),
        ("-hidden foo -hidden", false),
    ] {
        assert_eq!(good(line).hidden, hidden, "{line}");
    }
    for (line, listen) in [
        ("", true),
        ("-dist_listen false", false),
        ("-dist_listen true", true),
        ("-dist_listen foo", true),
        ("-dist_listen", true),
        ("-dist_listen false -dist_listen true", false),
    ] {
        assert_eq!(good(line).listen, listen, "{line}");
    }
    for (value, auto) in [
        ("never", DistAutoConnect::Never),
        ("once", DistAutoConnect::Once),
        ("false", DistAutoConnect::Always),
        ("5", DistAutoConnect::Always),
    ] {
        assert_eq!(
            good(&format!("-kernel dist_auto_connect {value}")).auto_connect,
            auto,
            "{value}"
        );
    }
    for (line, all) in [
        ("", true),
        ("-connect_all false", false),
        ("-connect_all foo", true),
        ("-connect_all", true),
        ("-kernel connect_all true -connect_all false", true),
        ("-kernel connect_all false", false),
    ] {
        assert_eq!(good(line).connect_all, all, "{line}");
    }
    let invalid = settings("-kernel connect_all foo").unwrap_err().to_string();
    assert_eq!(invalid, "{invalid_parameter_value,connect_all,foo}");
    assert!(good("").start_epmd && good("-start_epmd true").start_epmd);
    assert!(!good("-start_epmd false").start_epmd);
    assert!(!good("-start_epmd true -start_epmd false").start_epmd);
    for line in ["-no_epmd", "-no_epmd x", "-no_epmd -proto_dist inet_tcp"] {
        assert_eq!(settings(line), Err(FlagError::NoEpmd), "{line}");
    }
    for line in ["-no_epmd x -proto_dist inet_tcp", "-no_epmd -no_epmd -proto_dist inet_tcp"] {
        assert!(!good(line).start_epmd, "{line}");
    }
    assert!(good("-proto_dist inet_tcp -no_epmd x -start_epmd true").start_epmd);
    for line in ["-start_epmd foo", "-start_epmd", "-start_epmd true -start_epmd foo"] {
        assert_eq!(settings(line), Err(FlagError::StartEpmd), "{line}");
    }
}

//= docs/spec/flags.md#flags-epmd-port
//= type=test
//= docs/spec/flags.md#flags-epmd-address
//= type=test
#[test]
fn where_epmd_is() {
    let port = |flags: StartFlags| flags.settings(&HOST).map(|settings| settings.epmd_port);
    assert_eq!(port(flags("")), Ok(4369));
    assert_eq!(port(flags("-epmd_port 4370 -epmd_port 1")), Ok(4370));
    for none in ["-epmd_port", "-epmd_port -epmd_port 4370"] {
        assert_eq!(port(flags(none)), Err(FlagError::EpmdPort(String::new())), "{none}");
    }
    assert_eq!(port(flags("-epmd_port 4370").with_env("ERL_EPMD_PORT", "4371")), Ok(4371));
    for bad in ["foo", "", " 4370", "0", "70000", "-1"] {
        let error = port(flags("").with_env("ERL_EPMD_PORT", bad));
        assert_eq!(error, Err(FlagError::EpmdPort(bad.into())));
    }
    let addresses = |list: &str| epmd_addresses(list).map(|found| found.len());
    for (list, count) in [("", 0), (" , ", 0), ("127.0.0.2", 1), ("127.0.0.2,::1 10.0.0.1", 3)] {
        assert_eq!(addresses(list), Ok(count), "{list}");
    }
    assert_eq!(addresses("127.0.0.2,localhost"), Err(FlagError::EpmdAddress("localhost".into())));
    let given = flags("").with_env("ERL_EPMD_ADDRESS", "::1").settings(&HOST).unwrap();
    assert_eq!(given.epmd_addresses, Some(vec!["::1".parse().unwrap()]));
    assert_eq!(good("").epmd_addresses, None);
}

//= docs/spec/flags.md#flags-settings
//= type=test
#[test]
fn settings_are_what_a_node_is_told() {
    let settings = good(
        "-name a@127.0.0.1 -hidden -setcookie C -setcookie z@h Z -kernel net_ticktime 8 net_setuptime 3 \
         dist_auto_connect once -erl_epmd_port 5000 -epmd_port 4370 -proto_dist inet6_tcp",
    );
    let mut config = Config::new(Cookie::new("other").unwrap(), NetTicktime::default());
    settings.configure(&mut config);
    assert_eq!(config.cookie, Cookie::new("C").unwrap());
    assert_eq!(config.peer_cookies, settings.peer_cookies);
    assert_eq!((config.net_ticktime.seconds(), config.setup_time), (8, Duration::from_secs(3)));
    assert_eq!((config.auto_connect, config.family), (DistAutoConnect::Once, Family::Inet6));
    assert_eq!((config.node_listen_port, config.epmd_port), (Some(5000), 4370));
    let options = settings.start_options().unwrap();
    assert_eq!(options.name, OwnName::Static("a@127.0.0.1".parse().unwrap()));
    assert!(options.hidden && options.listen && options.started == Started::Static);
    let nameless = good("-sname undefined").start_options().unwrap();
    assert!(nameless.hidden && !nameless.listen);
    assert!(!good("-sname a -dist_listen false").start_options().unwrap().listen);
    assert_eq!(good("-hidden").start_options(), None);
}

//= docs/spec/flags.md#flags-emulator
//= type=test
#[test]
fn flags_of_the_emulator_are_refused() {
    let error = settings("-sname a +P 5000 -setcookie C +K true").unwrap_err();
    assert_eq!(error, FlagError::Emulator("+P".into()));
    assert_eq!(error.to_string(), "+P is a flag of the emulator, which there is none of");
    assert!(settings("-sname a -extra +P 5000").is_ok());
}
