//! The program of the README, at work.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use netkernel_tests::command::Netkernel;
use netkernel_tests::each_release;
use netkernel_tests::otp::{Elixir, Epmd, Erl, ErlOptions, Release, TempDir};
use netkernel_tests::ours::eventually;

const PAGE: &str = include_str!("../../README.md");
const PROGRAM: &str = include_str!("../examples/readme.rs");

#[test]
fn the_program_of_the_page_is_the_example() {
    let (_, program) = PROGRAM.split_once("for\")]\n\n").expect("what clippy is told");
    assert!(PAGE.contains(&format!("```rust,no_run\n{program}```\n")));
}

each_release! {
    /// With a cookie in its home directory, as the page says.
    #[test]
    fn it_calls_and_is_called(release: Release) {
        let epmd = Epmd::start(release);
        let options = ErlOptions::new(release, &epmd, "b");
        let home = TempDir::new();
        let cookie = home.path().join(".erlang.cookie");
        fs::write(&cookie, &options.cookie).expect("a file");
        fs::set_permissions(&cookie, PermissionsExt::from_mode(0o400)).expect("its mode");
        let run = || {
            let rust = Netkernel::example_at_home(home.path(), "readme", epmd.port());
            rust.wait_line("what was called", |line| line == "<<\"HELLO\">>");
            rust
        };
        let erl = Erl::start(&options);
        let rust = run();
        for next in ["1", "2"] {
            assert_eq!(erl.eval("gen_server:call({counter, 'rust@127.0.0.1'}, next)"), next);
        }
        // The names are taken anew by the next ones.
        drop((erl, rust));
        eventually("EPMD has forgotten them", || {
            let names = epmd.names();
            !names.contains("name b ") && !names.contains("name rust ")
        });
        let elixir = Elixir::start(release, &epmd, "b");
        let _rust = run();
        assert_eq!(elixir.eval(r#"GenServer.call({:counter, :"rust@127.0.0.1"}, :next)"#), "1");
    }
}
