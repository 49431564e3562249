//! What Wireshark says of a capture.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, str};

/// Operations that Wireshark 4.0 does not know, with their names. `docs/testing.md` tells what else.
const UNKNOWN_OPERATIONS: [(u8, &str); 5] = [
    (33, "ALIAS_SEND"),
    (34, "ALIAS_SEND_TT"),
    (35, "UNLINK_ID"),
    (36, "UNLINK_ID_ACK"),
    (37, "ALTACT_SIG_SEND"),
];

/// A packet that a dissector of Erlang's protocols knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// `EPMD` or `ErlDP`.
    pub protocol: String,
    /// What it is. Operations have their names, also where Wireshark does not know them.
    pub info: String,
}

/// A capture that is dissected.
#[derive(Debug)]
pub struct Dissection<'a> {
    file: &'a Path,
    epmd: u16,
    nodes: Vec<String>,
}

impl<'a> Dissection<'a> {
    /// Of this file, in which that is the port of EPMD.
    #[must_use]
    pub const fn new(file: &'a Path, epmd: u16) -> Self {
        Self { file, epmd, nodes: Vec::new() }
    }

    /// These are ports of nodes, whether or not somebody has looked for them.
    #[must_use]
    pub fn with_nodes(mut self, ports: &str) -> Self {
        self.nodes.push(format!("tcp.port=={ports},erldp"));
        self
    }

    /// All packets of Erlang's protocols.
    ///
    /// # Panics
    /// If anything in the capture is malformed, is known to no dissector for another reason than the known ones, or does not fit together.
    #[must_use]
    pub fn packets(&self) -> Vec<Packet> {
        let broken = "_ws.malformed || _ws.expert.group == \"Malformed\" || _ws.expert.severity == \"Error\" \
                      || tcp.checksum.status == \"Bad\" || ip.checksum.status == \"Bad\" || tcp.analysis.lost_segment \
                      || tcp.analysis.ack_lost_segment || tcp.analysis.retransmission || tcp.analysis.out_of_order \
                      || tcp.analysis.duplicate_ack || tcp.analysis.spurious_retransmission";
        let broken = self.fields(broken, &["frame.number", "_ws.col.Protocol", "_ws.col.Info"]);
        assert_eq!(broken, [[""; 3]; 0], "{}", self.file.display());
        let rows = self.fields("epmd || erldp", &["_ws.col.Protocol", "_ws.col.Info"]);
        let packet = |[protocol, mut info]: [String; 2]| {
            for (number, name) in UNKNOWN_OPERATIONS {
                info = info.replace(&format!("unknown ControlMessage operation ({number})"), name);
            }
            assert!(!info.contains("unknown"), "{protocol} {info}");
            Packet { protocol, info }
        };
        rows.into_iter().map(packet).collect()
    }

    /// These fields of each packet that the filter takes.
    ///
    /// # Panics
    /// If tshark is missing, or does not take the file.
    #[must_use]
    pub fn fields<const N: usize>(&self, filter: &str, fields: &[&str; N]) -> Vec<[String; N]> {
        let mut tshark = Command::new(program());
        tshark.env("HOME", env::temp_dir()).arg("-n").arg("-r").arg(self.file);
        tshark.args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]);
        tshark.args(["-d", &format!("tcp.port=={},epmd", self.epmd)]);
        tshark.args(self.nodes.iter().flat_map(|node| ["-d", node]));
        tshark.args(["-Y", filter, "-T", "fields", "-E", "separator=/t"]);
        tshark.args(fields.iter().flat_map(|field| ["-e", field]));
        let output = tshark.output().expect("tshark runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{tshark:?}: {errors}");
        let text = str::from_utf8(&output.stdout).expect("tshark prints UTF-8");
        let row = |line: &str| {
            let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
            columns.try_into().unwrap_or_else(|columns| panic!("{columns:?} are not {fields:?}"))
        };
        text.lines().map(row).collect()
    }
}

/// Where `tests/tshark/install` puts it.
fn program() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("NETKERNEL_TSHARK_DIR").unwrap_or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        cache.expect("HOME or NETKERNEL_TSHARK_DIR is set").join("netkernel/tshark")
    });
    let program = home.join("bin/tshark");
    assert!(
        program.exists(),
        "tshark is not in {}: tests/run, or tests/tshark/install, puts it there",
        home.display()
    );
    program
}
