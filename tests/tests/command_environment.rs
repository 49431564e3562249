//! Nodes of the command with variables of EPMD in their environment.

use std::net::TcpStream;

use netkernel_tests::command::Netkernel;
use netkernel_tests::otp::TempDir;
use netkernel_tests::ports::free_port;
use netkernel_tests::serving::{names, wait_for_names};

/// With options of the command, with flags of `erl`, and with the port as an option, which leaves the address to the environment.
//= docs/spec/flags.md#flags-epmd-port
//= type=test
//= docs/spec/flags.md#flags-epmd-address
//= type=test
#[test]
fn the_environment_says_where_epmd_is_and_where_it_is_served() {
    let own = ["node", "rust@127.0.0.1", "--cookie", "secret", "--epmd", "embedded"];
    let of_erl = ["node", "--", "-name", "rust@127.0.0.1", "-setcookie", "secret"];
    for (arguments, has_port) in [(&own[..], false), (&of_erl[..], false), (&own[..], true)] {
        let (home, port) = (TempDir::new(), free_port());
        let number = port.to_string();
        let with_port = [arguments, &["--epmd-port", &number]].concat();
        let arguments = if has_port { &with_port } else { arguments };
        // One that nobody serves, where the option says another.
        let variable = if has_port { "1" } else { &number };
        let variables = [("ERL_EPMD_PORT", variable), ("ERL_EPMD_ADDRESS", "127.0.0.2")];
        let start = |arguments: &[&str]| {
            let node = Netkernel::start_in(home.path(), &variables, arguments);
            node.wait_line("its own nodeup", |line| line.starts_with("{nodeup,"));
            node
        };
        let _rust = start(arguments);
        assert_eq!(names(port).unwrap(), ["rust"]);
        let serves = |address: &str| TcpStream::connect((address, port)).is_ok();
        assert_eq!(
            ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(serves),
            [true, true, false],
            "loopback, what is named, and no other address of this host"
        );
        // Another one registers there, and finds the first by it.
        let asks = ["node", "b@127.0.0.1", "--cookie", "secret", "--epmd", "external"];
        let b =
            start(&[&asks[..], &["--epmd-port", &number, "--connect", "rust@127.0.0.1"]].concat());
        b.wait_line("the link", |line| line.starts_with("{nodeup,'rust@127.0.0.1',"));
        wait_for_names(port, &["b", "rust"]);
    }
}
