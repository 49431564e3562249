//! Real nodes and ours register with our EPMD, whoever serves it: the command, and the service of both runtimes.

use std::time::UNIX_EPOCH;

use netkernel_blocking::EpmdMode;
use netkernel_blocking::core::epmd_server::Config;
use netkernel_tests::command::Netkernel;
use netkernel_tests::otp::{self, Epmd, Erl, ErlOptions, Release, Signal, TempDir, free_port};
use netkernel_tests::our_epmd::OurEpmd;
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::Runtime;
use netkernel_tests::{GIVE_UP, each_release, each_release_and_runtime};

/// Our EPMD.
enum Daemon {
    Command(Epmd),
    Service(OurEpmd),
}

impl Daemon {
    fn command() -> Self {
        Self::Command(Epmd::ours(&[]))
    }

    /// That of the runtime of this test.
    fn service() -> Self {
        Self::Service(OurEpmd::start(Runtime::current(), Config::default()))
    }

    fn port(&self) -> u16 {
        match self {
            Self::Command(epmd) => epmd.port(),
            Self::Service(epmd) => epmd.port(),
        }
    }

    fn has(&self, name: &str) -> bool {
        let names = otp::names(self.port()).expect("it answers");
        names.contains(&format!("name {name} at port"))
    }

    /// It ends, and begins anew in a later second than this: it remembers nothing of itself, and begins with the second.
    fn anew(self, after: u32) -> Self {
        let port = self.port();
        let was_command = matches!(self, Self::Command(_));
        drop(self);
        let clock = || UNIX_EPOCH.elapsed().expect("a clock").as_secs();
        eventually("a later second", || clock() > after.into());
        if was_command {
            Self::Command(Epmd::ours_at(port))
        } else {
            let service = OurEpmd::start_at(Runtime::current(), port, &Config::default());
            Self::Service(service)
        }
    }
}

fn erl(release: Release, daemon: &Daemon, name: &str) -> Erl {
    Erl::start(&ErlOptions::at(release, daemon.port(), name))
}

/// A node of each runtime.
fn ours(daemon: &Daemon) -> [Ours; 2] {
    let config = || Ours::config(daemon.port());
    Runtime::ALL.map(|runtime| runtime.with(|| Ours::start(runtime.name(), config())))
}

fn find_each_other(daemon: &Daemon, release: Release) {
    let (a, b, ours) = (erl(release, daemon, "a"), erl(release, daemon, "b"), ours(daemon));
    let names = a.eval(
        "{ok, Names} = erl_epmd:names(\"127.0.0.1\"), [list_to_atom(N) || {N, _} <- lists:sort(Names)]",
    );
    assert_eq!(names, "[a,b,blocking,smol]");
    let port = a.eval("{port, Port, 6} = erl_epmd:port_please(\"b\", \"127.0.0.1\"), Port");
    for node in &ours {
        let names = node.node.names("127.0.0.1").expect("it answers");
        assert!(names.contains(&("b".into(), port.parse().expect("a number"))), "{names:?}");
        let told = a.eval(&format!(
            "[Name | _] = string:split(\"{}\", \"@\"), {{port, Port, 6}} = erl_epmd:port_please(Name, \"127.0.0.1\"), Port",
            node.name()
        ));
        assert_eq!(told, node.port().to_string());
    }
    assert_eq!(a.eval("erl_epmd:port_please(\"nobody\", \"127.0.0.1\")"), "noport");
    assert!(a.ping(b.name()) && b.ping(a.name()));
    for node in &ours {
        assert!(a.ping(node.name()));
        node.connect(b.name());
    }
    ours[0].connect(ours[1].name());
    drop(b);
    eventually("b is gone", || !daemon.has("b"));
    drop(ours);
    eventually("ours are gone", || !daemon.has("blocking") && !daemon.has("smol"));
    assert!(daemon.has("a"));
}

fn register_again(daemon: Daemon, release: Release) {
    let creation =
        |erl: &Erl| erl.eval("erlang:system_info(creation)").parse::<u32>().expect("a number");
    let ours = ours(&daemon);
    let (a, b) = (erl(release, &daemon, "a"), erl(release, &daemon, "b"));
    let (of_b, of_ours) = (creation(&b), ours.each_ref().map(|ours| ours.node.identity()));
    let first = creation(&a);
    drop(a);
    eventually("a is gone", || !daemon.has("a"));
    let a = erl(release, &daemon, "a");
    let second = creation(&a);
    assert!(second > first, "{second} after {first}");
    drop(a);

    let daemon = daemon.anew(second);
    let a = erl(release, &daemon, "a");
    assert!(creation(&a) > second, "{} after {second}", creation(&a));
    for name in ["b", "blocking", "smol"] {
        eventually("they are back", || daemon.has(name));
    }
    let now = (creation(&b), ours.each_ref().map(|ours| ours.node.identity()));
    assert_eq!(now, (of_b, of_ours), "whoever stays keeps its creation");
    assert!(a.ping(b.name()));
    for node in &ours {
        assert!(a.ping(node.name()));
        node.node.ping(&node_name(b.name()), GIVE_UP).expect("it is found");
    }
}

each_release! {
    /// The process that serves EPMD is gone without a word. Of those who may serve one does, and all are there again.
    //= docs/spec/epmd.md#epmd-retry
    //= type=test
    #[test]
    fn the_others_go_on_when_the_node_that_serves_is_killed(release: Release) {
        let (port, home) = (free_port(), TempDir::new());
        let number = port.to_string();
        let node = ["node", "holder@127.0.0.1", "--cookie", "secret", "--epmd", "embedded", "--epmd-port", &number];
        let holder = Netkernel::start(home.path(), &node);
        let has = |name: &str| otp::names(port).is_ok_and(|names| names.contains(&format!("name {name} at")));
        eventually("it serves itself", || has("holder"));
        let ours = Runtime::ALL.map(|runtime| {
            let mut config = Ours::config(port);
            config.epmd = EpmdMode::Auto;
            runtime.with(|| Ours::start(runtime.name(), config))
        });
        let client = Ours::start("client", Ours::config(port));
        let erl = Erl::start(&ErlOptions::at(release, port, "erl"));
        assert!(erl.ping("holder@127.0.0.1"));
        holder.signal(Signal::Kill);
        let left = ["blocking", "smol", "client", "erl"];
        eventually("all are back", || left.iter().all(|name| has(name)));
        assert!(!has("holder"));
        for node in ours.iter().chain([&client]) {
            assert!(erl.ping(node.name()));
        }
        assert!(!erl.ping("holder@127.0.0.1"));
    }

    #[test]
    fn nodes_find_each_other_through_our_daemon(release: Release) {
        find_each_other(&Daemon::command(), release);
    }

    //= docs/spec/epmd.md#epmd-server-creation
    //= type=test
    //= docs/spec/epmd.md#epmd-retry
    //= type=test
    #[test]
    fn nodes_register_again_with_our_next_daemon_and_creations_grow(release: Release) {
        register_again(Daemon::command(), release);
    }
}

each_release_and_runtime! {
    #[test]
    fn nodes_find_each_other_through_our_service(release: Release) {
        find_each_other(&Daemon::service(), release);
    }

    //= docs/spec/epmd.md#epmd-server-creation
    //= type=test
    //= docs/spec/epmd.md#epmd-retry
    //= type=test
    #[test]
    fn nodes_register_again_with_our_next_service_and_creations_grow(release: Release) {
        register_again(Daemon::service(), release);
    }
}
