//! Wireshark's dissectors, which others have written, know what we say: simulated, and in sessions with real nodes.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::BufWriter;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use netkernel_blocking::core::net_kernel::NodeDownReason;
use netkernel_blocking::core::term::Atom;
use netkernel_blocking::core::wire::epmd::EPMD_PORT;
use netkernel_blocking::core::{Challenge, NodeType};
use netkernel_tests::each_release;
use netkernel_tests::otp::{Epmd, Erl, ErlOptions, GIVE_UP, Release, TempDir};
use netkernel_tests::ours::{
    COOKIE, Ours, cookie, eventually, next_message, node_name, pid_expression,
};
use netkernel_tests::recorder::Recorder;
use netkernel_tests::seen::{saw_down, saw_up};
use netkernel_tests::sim::choice::Prng;
use netkernel_tests::sim::oracles;
use netkernel_tests::sim::plan::{HOUR, Plan, Topology};
use netkernel_tests::sim::run::{Audience, Report, run};
use netkernel_tests::sim::trace::Tracing;
use netkernel_tests::sim::wiretap::Wiretap;
use netkernel_tests::tshark::{Dissection, Packet};

/// Runs this plan, with its capture.
fn simulate(plan: Plan, choice: &mut Prng, file: &Path) -> Report {
    let wiretap = Wiretap::new(BufWriter::new(File::create(file).unwrap()));
    let capture = wiretap.capture();
    let mut oracles = oracles::all();
    oracles.insert(0, Box::new(wiretap));
    let report = run(plan, choice, Audience { oracles, tracing: Tracing::OFF, sink: &mut |_| {} });
    assert_eq!(report.violation, None);
    capture.borrow_mut().as_mut().unwrap().flush().unwrap();
    report
}

/// How often there is each, without what stands behind the first word of a handshake.
fn counted(packets: &[Packet]) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for packet in packets {
        let word = packet.info.split(' ').next().unwrap();
        let what = match word {
            "SEND_STATUS" | "EPMD_ALIVE2_REQ" => &packet.info,
            _ => word,
        };
        *counts.entry(what).or_default() += 1;
    }
    counts
}

#[test]
fn a_tshark_that_somebody_has_put_there_is_kept() {
    let dir = TempDir::new();
    let program = dir.path().join("bin/tshark");
    fs::create_dir(dir.path().join("bin")).unwrap();
    fs::write(&program, "#!/bin/sh\necho 'TShark (Wireshark) 9.8.7 (of mine).'\n").unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tshark/install");
    let output = Command::new(script).env("NETKERNEL_TSHARK_DIR", dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim_end(), format!("9.8.7 {}", program.display()), "{output:?}");
    assert!(program.exists());
}

#[test]
fn each_packet_of_a_calm_simulation_is_what_it_was() {
    let dir = TempDir::new();
    let file = dir.path().join("calm.pcap");
    let plan = Plan { safety_ns: HOUR, ..Plan::calm(5, Topology::Mesh) };
    let report = simulate(plan, &mut Prng::new(1), &file);
    let dissection = Dissection::new(&file, EPMD_PORT);
    let packets = dissection.packets();
    let names: BTreeMap<_, _> =
        ["n0", "n1", "n2", "n3", "n4"].map(|name| (format!("EPMD_ALIVE2_REQ {name}"), 1)).into();
    let mut wanted: BTreeMap<&str, u64> =
        names.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    for word in [
        "EPMD_PORT2_REQ",
        "EPMD_PORT2_RESP",
        "SEND_NAME",
        "SEND_STATUS ok",
        "SEND_CHALLENGE",
        "SEND_CHALLENGE_REPLY",
        "SEND_CHALLENGE_ACK",
    ] {
        wanted.insert(word, 10);
    }
    // Found without being told of the ports.
    wanted.insert("KEEP_ALIVE", report.counts.ticks);
    let mut counts = counted(&packets);
    // A gap that may be closed: the answer to ALIVE2_REQ.
    counts.retain(|what, count| !(what.starts_with("EPMD_ALIVE2_X") && *count == 5));
    assert_eq!(counts, wanted);

    let answers = "tcp.srcport == 4369 && tcp.payload[0] == 76 && tcp.len == 6";
    assert_eq!(dissection.fields(answers, &["frame.number"]).len(), 5);
}

#[test]
fn nothing_in_violent_simulations_is_malformed() {
    let dir = TempDir::new();
    let file = dir.path().join("swarm.pcap");
    let mut all = BTreeMap::<String, u64>::new();
    let mut runs = 0;
    for seed in 0.. {
        let mut choice = Prng::new(seed);
        let plan = Plan::draw(&mut choice);
        // What hostile peers say is malformed. With many letters the capture has a hundred megabytes.
        if plan.hostile_every_ns > 0 || (1..1_000_000_000).contains(&plan.letter_every_ns) {
            continue;
        }
        simulate(plan, &mut choice, &file);
        let dissection = Dissection::new(&file, EPMD_PORT).with_nodes("39999-60000");
        for (what, count) in counted(&dissection.packets()) {
            *all.entry(what.to_owned()).or_default() += count;
        }
        runs += 1;
        if runs == 6 {
            break;
        }
    }
    for what in [
        "EPMD_NAMES_REQ",
        "SEND_STATUS ok_simultaneous",
        "SEND_STATUS nok",
        "SEND_STATUS not_allowed",
        "SEND_CHALLENGE_ACK",
        "SEND",
        "REG_SEND",
        "SEND_SENDER",
        "LINK",
        "PAYLOAD_EXIT",
        "PAYLOAD_EXIT2",
        "MONITOR_P",
        "DEMONITOR_P",
        "PAYLOAD_MONITOR_P_EXIT",
        "SPAWN_REQUEST",
        "SPAWN_REPLY",
        "KEEP_ALIVE",
        "UNLINK_ID",
        "UNLINK_ID_ACK",
    ] {
        assert!(all.contains_key(what), "{what} is not in {all:?}");
    }
}

each_release! {
    #[test]
    fn nothing_in_a_session_with_erlang_is_malformed(release: Release) {
        let dir = TempDir::new();
        let file = dir.path().join("session.pcap");
        let epmd = Epmd::start(release);
        let recorder = Recorder::start(epmd.port(), &file);
        let options = ErlOptions {
            ticktime: Some(4),
            intensity: Some(4),
            ..ErlOptions::at(release, recorder.port(), "b").without_auto_connect()
        };
        let erl = Erl::start(&options);
        let rust = Ours::start("rust", Ours::ticking(recorder.port(), 4, 4));
        let b = node_name(erl.name());
        rust.connect(erl.name());
        rust.expect_up(erl.name(), NodeType::Visible);
        saw_up(&erl, &rust, NodeType::Visible);
        assert!(erl.ping(rust.name()));

        let shop = rust.mailbox("shop");
        let pid = pid_expression(&shop.pid().unwrap());
        let talk = format!(
            "P = {pid}, {{shop, 'rust@127.0.0.1'}} ! by_name, P ! by_pid, P ! binary:copy(<<7>>, 300000),
             R = monitor(process, P), demonitor(R), link(P), unlink(P), P ! {{self(), done}}, ok"
        );
        assert_eq!(erl.eval(&talk), "ok");
        for _ in 0..4 {
            let _ = next_message(&shop);
        }
        shop.send_to_name(&Atom::new("witness").unwrap(), &b, vec![131, 97, 7]).unwrap();
        erl.wait_event(GIVE_UP, |event| event == "7");
        eventually("both tick", || recorder.ticks() > 4);
        assert_eq!(rust.node.disconnect_node(&b), Some(true));
        rust.expect_down(erl.name(), NodeDownReason::Disconnect);
        saw_down(&erl, &rust, "connection_closed");

        assert_eq!(erl.eval("net_kernel:connect_node('rust@127.0.0.1')"), "true");
        rust.expect_up(erl.name(), NodeType::Visible);
        assert!(erl.ping(rust.name()));
        drop(erl);
        rust.expect_down(b.as_str(), NodeDownReason::ConnectionClosed);
        drop(rust);
        recorder.flush();

        // Named, so that nothing depends on what Wireshark makes of the ports of clients.
        let nodes = recorder.ports().into_iter().filter(|&port| port != recorder.port());
        let dissection = nodes.fold(Dissection::new(&file, recorder.port()), |dissection, port| {
            dissection.with_nodes(&port.to_string())
        });
        let packets = dissection.packets();
        let counts = counted(&packets);
        for what in [
            "EPMD_ALIVE2_REQ b",
            "EPMD_ALIVE2_REQ rust",
            "EPMD_PORT2_REQ",
            "EPMD_PORT2_RESP",
            "SEND_NAME",
            "SEND_STATUS ok",
            "SEND_CHALLENGE",
            "SEND_CHALLENGE_REPLY",
            "SEND_CHALLENGE_ACK",
            "REG_SEND",
            "SEND_SENDER",
            "MONITOR_P",
            "DEMONITOR_P",
            "LINK",
            "KEEP_ALIVE",
            "UNLINK_ID",
            "UNLINK_ID_ACK",
        ] {
            assert!(counts.contains_key(what), "{what} is not in {packets:?}");
        }
        let said = |info: &str| packets.iter().any(|packet| packet.info == info);
        for who in ["rust@127.0.0.1", "b@127.0.0.1"] {
            assert!(said(&format!("SEND_NAME {who}")) && said(&format!("SEND_CHALLENGE {who}")));
        }

        // Each digest is that of the challenge of the other side, as Wireshark reads both.
        let fields = ["tcp.stream", "erldp.challenge", "erldp.digest"];
        let mut challenges = BTreeMap::<String, u32>::new();
        let mut proofs = 0;
        for [stream, challenge, digest] in dissection.fields("erldp.tag", &fields) {
            if !digest.is_empty() {
                let asked = Challenge(challenges[&stream]);
                let right = cookie(COOKIE).digest(asked).0;
                let right: String = right.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(digest.replace(':', ""), right);
                proofs += 1;
            }
            if !challenge.is_empty() {
                let number = challenge.strip_prefix("0x").map_or_else(
                    || challenge.parse(),
                    |digits| u32::from_str_radix(digits, 16),
                );
                challenges.insert(stream, number.unwrap());
            }
        }
        assert_eq!(proofs, 4, "two links, and both sides prove themselves");
        // The large message came in fragments, which Wireshark puts together.
        let fragments = dissection.fields("erldp.fragment_id", &["erldp.fragment_id"]);
        assert!(fragments.len() > 1, "{fragments:?}");
    }
}
