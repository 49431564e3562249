//! The file of the cookie: `erl` and `netkernel node` find the same in the same home directory, or refuse it.
#![expect(clippy::unwrap_used, reason = "scenarios are functions that the macro makes tests of")]

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use netkernel_tests::command::{self, Netkernel};
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, Release, TempDir};

const FILE: &str = ".erlang.cookie";

/// Content and mode of files, and whether they are taken.
const FILES: [(&[u8], u32, bool); 16] = [
    (b"SECRET", 0o400, true),
    (b"SECRET\n", 0o600, true),
    (b"SECRET\r\n \n", 0o700, true),
    (b"two words \n", 0o400, true),
    (b" blank", 0o400, true),
    (b"it's", 0o400, true),
    (b"SECRET", 0o644, false),
    (b"SECRET", 0o440, false),
    (b"SECRET", 0o401, false),
    (b"", 0o400, false),
    (b"\n", 0o400, false),
    (b" \n", 0o400, true),
    (b"tab\t", 0o400, false),
    (b"\xE9", 0o400, false),
    (b"two\nlines", 0o400, false),
    (b"\nSECRET", 0o400, false),
];

/// The cookie of a real node with this home directory, if it starts.
fn theirs(release: Release, epmd: &Epmd, home: &TempDir) -> Option<String> {
    let tell = "io:format(\"cookie ~0tp~n\", [erlang:get_cookie()]), halt(0).";
    let output = Command::new(release.program("erl"))
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("ERL_EPMD_PORT", epmd.port().to_string())
        .env("ERL_CRASH_DUMP_SECONDS", "0")
        .args(["-noinput", "-start_epmd", "false", "-name", "b@127.0.0.1", "-eval", tell])
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .expect("erl runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let cookie = told.lines().find_map(|line| line.strip_prefix("cookie ").map(str::to_owned));
    assert_eq!(cookie.is_some(), output.status.success(), "{told}");
    cookie
}

/// The cookie of ours.
fn ours(epmd: &Epmd, home: &TempDir, is_taken: bool) -> Option<String> {
    let port = epmd.port().to_string();
    let arguments = ["node", "rust@127.0.0.1", "--epmd", "external", "--epmd-port", &port];
    if !is_taken {
        let output = command::run(home.path(), &arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(FILE), "the file is named: {told}");
        return output.status.success().then(|| "a cookie".to_owned());
    }
    let mut node = Netkernel::start(home.path(), &arguments);
    node.wait_line("its own nodeup", |line| line.starts_with("{nodeup,"));
    node.say("get_cookie().");
    let cookie = node.wait_line("the cookie", |_| true);
    node.say("stop");
    assert!(node.wait_end().0.success());
    Some(cookie)
}

each_release! {
    //= docs/spec/kernel.md#kernel-cookie-file
    //= type=test
    #[test]
    fn files_are_taken_and_refused_as_by_erlang(release: Release) {
        let epmd = Epmd::start(release);
        for (content, mode, is_taken) in FILES {
            let (home, text) = (TempDir::new(), String::from_utf8_lossy(content));
            let path = home.path().join(FILE);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let cookie = theirs(release, &epmd, &home);
            assert_eq!(cookie.is_some(), is_taken, "{text:?} {mode:o}: {cookie:?}");
            assert_eq!(ours(&epmd, &home, is_taken), cookie, "{text:?} {mode:o}");
        }
        let home = TempDir::new();
        fs::create_dir(home.path().join(FILE)).unwrap();
        fs::set_permissions(home.path().join(FILE), Permissions::from_mode(0o700)).unwrap();
        assert_eq!((theirs(release, &epmd, &home), ours(&epmd, &home, false)), (None, None));
    }

    //= docs/spec/kernel.md#kernel-cookie-file
    //= type=test
    #[test]
    fn a_file_that_one_makes_the_other_reads(release: Release) {
        let epmd = Epmd::start(release);
        let (by_ours, by_theirs) = (TempDir::new(), TempDir::new());
        let made = ours(&epmd, &by_ours, true);
        assert_eq!(theirs(release, &epmd, &by_ours), made);
        let made = theirs(release, &epmd, &by_theirs);
        assert_eq!(ours(&epmd, &by_theirs, true), made);
        for home in [by_ours, by_theirs] {
            let made = fs::metadata(home.path().join(FILE)).unwrap();
            assert_eq!((made.permissions().mode() & 0o7777, made.len()), (0o400, 20));
        }
    }
}
