//! `net_adm:localhost/0` on hosts with a domain and without one: a real node and ours, both with the host name of a namespace that the
//! test makes, and with files of its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::fs;
use std::process::Command;

use netkernel_tests::each_release_and_runtime;
use netkernel_tests::otp::{NO_CRASH_DUMP, Release, TempDir};
use netkernel_tests::runtime::Runtime;

/// A host: its own name, its line in the hosts file, and its file for the resolver.
const HOSTS: [[&str; 3]; 5] = [
    ["box.example.test", "", ""],
    ["box", "", "domain dns.test\n"],
    ["box", "127.0.1.1 box.other.test box", ""],
    ["box", "127.0.1.1 box.other.test box", "search s.test\ndomain dns.test\n"],
    ["box.example.test", "127.0.1.1 box.other.test box.example.test", "domain dns.test\n"],
];

/// Becomes the command behind the first two words, on a host of the first and with the files in the directory that is the second. What
/// it has changed goes with it.
const ENTER: &str = r#"
    echo "$1" > /proc/sys/kernel/hostname &&
    mount --bind "$2/hosts" /etc/hosts &&
    mount --bind "$2/nsswitch.conf" /etc/nsswitch.conf || exit 1
    shift 2
    exec "$@"
"#;

/// What the command prints there.
fn printed(host: &str, files: &TempDir, home: &TempDir, command: &[&str]) -> String {
    let mut enter = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        enter.args(["--user", "--map-root-user"]);
    }
    enter.args(["--uts", "--mount", "sh", "-c", ENTER, "enter", host]).arg(files.path());
    enter.args(command).current_dir(home.path());
    enter.envs(NO_CRASH_DUMP).env("HOME", home.path()).env("ERL_INET_ETC_DIR", files.path());
    let output = enter.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn theirs(release: Release, kind: &str) -> Vec<String> {
    let erl = release.program("erl").display().to_string();
    let mut command = vec![erl, "-noinput".into(), "-start_epmd".into(), "false".into()];
    // Who does not listen needs no EPMD.
    let name = match kind {
        "long" => "-dist_listen false -setcookie C -name a@127.0.0.1",
        "short" => "-dist_listen false -setcookie C -sname a@localhost",
        _ => "",
    };
    command.extend(name.split_whitespace().map(str::to_owned));
    let tell = "io:format(\"~0tp~n\", [net_adm:localhost()]), halt().";
    command.extend(["-eval", tell].map(str::to_owned));
    command
}

each_release_and_runtime! {
    //= docs/spec/net_adm.md#adm-localhost
    //= type=test
    #[test]
    fn the_domain_of_a_host_is_that_which_erlang_finds(release: Release) {
        for [host, line, resolver] in HOSTS {
            let (files, home) = (TempDir::new(), TempDir::new());
            let write = |name: &str, text: &str| fs::write(files.path().join(name), text).unwrap();
            write("hosts", &format!("127.0.0.1 localhost\n{line}\n"));
            write("nsswitch.conf", "hosts: files\n");
            write("resolv.conf", resolver);
            // Each is two processes: not all of all.
            let kinds: &[&str] = if line.is_empty() { &["long", "short"] } else { &["long", "asleep"] };
            for &kind in kinds {
                let command = theirs(release, kind);
                let command: Vec<&str> = command.iter().map(String::as_str).collect();
                let theirs = printed(host, &files, &home, &command);
                let ours = [env!("CARGO_BIN_EXE_localhost"), Runtime::current().name(), kind];
                let ours = printed(host, &files, &home, &ours);
                assert_eq!(ours, theirs, "{kind} on {host}, {line:?}, {resolver:?}");
                assert!(theirs.starts_with("\"box"), "{theirs}");
            }
        }
    }
}
