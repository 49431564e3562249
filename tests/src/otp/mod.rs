//! Real Erlang nodes for the interop tests: releases, a private EPMD, and nodes that report and obey.
//!
//! Everything blocks, every wait gives up with a message that shows the node's output so far, and every process is
//! ended by its id when its value is dropped. Nothing that reads or judges the protocol may live here.

mod alone;
mod beam;
mod elixir;
mod epmd;
mod erl;

pub use crate::GIVE_UP;
pub use crate::ports::free_port;
pub use alone::alone;
pub use elixir::Elixir;
pub use epmd::{Epmd, names};
pub use erl::{Erl, ErlOptions};

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs, process, thread};

use crate::runtime::Runtime;

/// An installed release of Erlang/OTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// OTP 25.
    Otp25,
    /// OTP 27.
    Otp27,
    /// OTP 29, or the nearest newer one that is packaged.
    Newest,
}

/// For the environment of an Erlang node.
pub const NO_CRASH_DUMP: [(&str, &str); 1] = [("ERL_CRASH_DUMP_BYTES", "0")];

impl Release {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::Otp25, Self::Otp27, Self::Newest];

    /// Runs a scenario with this release and nodes of that runtime.
    pub fn test(self, runtime: Runtime, scenario: impl FnOnce(Self)) {
        runtime.test(|| scenario(self));
    }

    /// The path of a program, such as `erl` or `elixir`.
    ///
    /// # Panics
    /// If the release is not installed: a test that needs it fails, it does not skip itself.
    #[must_use]
    pub fn program(self, name: &str) -> PathBuf {
        let home = install_dir().join(self.to_string());
        assert!(
            home.join(".stamp").exists() && home.join(".elixir").exists(),
            "{self} with its Elixir is not in {}: tests/run, or tests/otp/install, puts it there",
            home.display()
        );
        home.join("bin").join(name)
    }

    /// `erl`, which leaves no crash dump behind.
    ///
    /// # Panics
    /// As [`Self::program`].
    #[must_use]
    pub fn erl(self) -> Command {
        let mut erl = Command::new(self.program("erl"));
        erl.envs(NO_CRASH_DUMP);
        erl
    }
}

/// The name of its folder.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Otp25 => "otp25",
            Self::Otp27 => "otp27",
            Self::Newest => "otp29",
        })
    }
}

/// Where `tests/otp/install` puts the releases.
fn install_dir() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("NETKERNEL_OTP_DIR").unwrap_or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        cache.expect("HOME or NETKERNEL_OTP_DIR is set").join("netkernel/otp")
    })
}

/// Makes three tests, one for each release, of every function `fn name(release: Release) { .. }` with `#[test]`.
#[macro_export]
macro_rules! each_release {
    ($($(#[$attribute:meta])+ fn $name:ident($release:ident: $kind:ty) $body:block)+) => {$(
        mod $name {
            use super::*;

            fn scenario($release: $kind) $body

            $crate::each_release_on!(Blocking);
        }
    )+};
}

/// As [`each_release!`], but six tests: with nodes of ours in either runtime.
#[macro_export]
macro_rules! each_release_and_runtime {
    ($($(#[$attribute:meta])+ fn $name:ident($release:ident: $kind:ty) $body:block)+) => {$(
        mod $name {
            use super::*;

            fn scenario($release: $kind) $body

            mod blocking {
                use super::scenario;
                $crate::each_release_on!(Blocking);
            }

            mod smol {
                use super::scenario;
                $crate::each_release_on!(Smol);
            }
        }
    )+};
}

/// Makes three tests of the function `scenario`, one for each release.
#[macro_export]
#[doc(hidden)]
macro_rules! each_release_on {
    ($runtime:ident) => {
        #[test]
        fn otp25() {
            $crate::otp::Release::Otp25.test($crate::runtime::Runtime::$runtime, scenario);
        }

        #[test]
        fn otp27() {
            $crate::otp::Release::Otp27.test($crate::runtime::Runtime::$runtime, scenario);
        }

        #[test]
        fn newest() {
            $crate::otp::Release::Newest.test($crate::runtime::Runtime::$runtime, scenario);
        }
    };
}

/// What [`signal`] sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGCONT: a stopped process goes on.
    Continue,
    /// SIGINT.
    Interrupt,
    /// SIGKILL.
    Kill,
    /// SIGSTOP: the process freezes, its sockets stay open.
    Stop,
    /// SIGTERM.
    Terminate,
}

/// Sends a signal to the process `pid`.
///
/// # Panics
/// If there is no such process.
pub fn signal(pid: u32, signal: Signal) {
    let name = match signal {
        Signal::Continue => "CONT",
        Signal::Interrupt => "INT",
        Signal::Kill => "KILL",
        Signal::Stop => "STOP",
        Signal::Terminate => "TERM",
    };
    let kill = format!("kill -s {name} {pid}"); // the shell's own: std has none, and not every system a program
    let status = Command::new("sh").args(["-c", &kill]).status();
    assert!(status.is_ok_and(|status| status.success()), "{kill} failed");
    // On a busy machine its threads may run for a moment still.
    let begin = Instant::now();
    while signal == Signal::Stop && !is_stopped(pid) {
        assert!(begin.elapsed() < GIVE_UP, "{pid} runs on");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether no thread of a process runs. The state stands behind the name, which is in parentheses.
fn is_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("its threads");
    threads.map(|thread| fs::read_to_string(thread.expect("a thread").path().join("stat"))).all(
        // One that ends meanwhile does not run.
        |stat| {
            stat.map_or(true, |stat| stat.rsplit_once(") ").is_some_and(|it| it.1.starts_with('T')))
        },
    )
}

/// A new empty directory, removed on drop.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes one.
    ///
    /// # Panics
    /// If the system cannot.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each one is another directory")]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("netkernel-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        _ = fs::remove_dir_all(&path); // of a test that was killed, and whose process id is ours now
        fs::create_dir(&path).expect("a temporary directory");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}
