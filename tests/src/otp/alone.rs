//! A system of Erlang without distribution.

use super::beam::compiled;
use super::{Release, TempDir};

/// What each of these calls gives there, as `~0tp` prints it, one after the other and each in a process of its own. They can use that module: its name and its text.
///
/// # Panics
/// If one of them raises an exception.
#[must_use]
pub fn alone(release: Release, (module, text): (&str, &str), calls: &[&str]) -> Vec<String> {
    let home = TempDir::new();
    let compiled = compiled(release, module, text).display().to_string();
    let print = |call: &&str| format!("fun() -> io:format(\"~0tp~n\", [{call}]) end");
    let prints: Vec<_> = calls.iter().map(print).collect();
    let run = format!(
        "{{module, _}} = code:load_abs({compiled:?}), \
         io:setopts([{{encoding, unicode}}]), \
         [begin {{P, M}} = spawn_monitor(Print), receive {{'DOWN', M, process, P, normal}} -> ok end end || Print <- [{}]], halt().",
        prints.join(", ")
    );
    let mut command = release.erl();
    command.args(["-noinput", "-start_epmd", "false", "-kernel", "logger_level", "none"]);
    command.args(["-eval", &run]).current_dir(home.path()).env("HOME", home.path());
    let output = command.output().expect("erl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().count(), calls.len(), "{text}");
    text.lines().map(str::to_owned).collect()
}
