//! Floods of strangers against the EPMD service of both runtimes, over sockets. That of the command is flooded in
//! `runtime-smol/tests/epmd_cli.rs`, and with real nodes in `interop_cluster.rs`.
#![cfg(target_os = "linux")] // which tells what another process uses
#![allow(clippy::unwrap_used, reason = "this is test code")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use netkernel_tests::each_runtime;
use netkernel_tests::flood::{Target, besiege, raise_descriptors, until_end};
use netkernel_tests::ours::eventually;
use netkernel_tests::runtime::Runtime;

/// Clients may be silent for an hour.
const PATIENT: u32 = 3600;

/// A service in a process of its own, which ends with this one.
struct Service {
    child: Child,
    target: Target,
}

impl Service {
    fn start(packet_timeout_seconds: u32) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_epmd_service"))
            .args([Runtime::current().name(), &packet_timeout_seconds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let target = Target { port: port.trim().parse().unwrap(), pid: child.id() };
        Self { child, target }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

each_runtime! {
    //= docs/spec/epmd.md#epmd-server-service
    //= type=test
    #[test]
    fn thousands_who_never_finish_keep_nobody_out() {
        raise_descriptors();
        besiege(Service::start(PATIENT).target);
    }

    //= docs/spec/epmd.md#epmd-server-timeout
    //= type=test
    #[test]
    fn a_crowd_that_says_nothing_more_is_closed() {
        raise_descriptors();
        let service = Service::start(1);
        let daemon = service.target;
        let held = daemon.register("held");
        let before = daemon.descriptors();
        let mut crowd: Vec<TcpStream> = (0..1_000).map(|_| TcpStream::connect(("127.0.0.1", daemon.port)).unwrap()).collect();
        for socket in &mut crowd {
            assert_eq!(until_end(socket), b"");
        }
        eventually("nothing is left of it", || daemon.descriptors() <= before);
        daemon.assert_serves("next");
        drop(held);
    }
}
