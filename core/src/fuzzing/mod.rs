//! The bodies of the fuzz targets: each takes any bytes, and panics if the code under test breaks a promise.
//!
//! `fuzz/` makes programs of them; the test below runs every file of the committed corpora through them. See
//! `docs/fuzzing.md`. Private to this project: nothing here is stable.
#![allow(clippy::unwrap_used, reason = "what cannot be unwrapped here is a finding")]
#![allow(clippy::missing_panics_doc, reason = "to panic is how a target reports")]

mod cache;
mod calls;
mod channel;
mod epmd;
mod epmd_server;
mod far;
mod handshake;
mod headers;
mod hosts;
mod kernel;
mod lanes;
mod model;
mod served;
mod source;
mod wire;
mod writer;

pub use cache::SendingCache;
pub use channel::channel;
pub use epmd::{epmd_client, epmd_request, epmd_response};
pub use epmd_server::epmd_server;
pub use handshake::{handshake_acceptor, handshake_initiator};
pub use headers::{fragments, header};
pub use hosts::host_file;
pub use kernel::net_kernel;
pub use lanes::lanes;
pub use served::calls;
pub use wire::{control, framing, handshake_messages, term};
pub use writer::link_writer;

/// The name that a target has in `fuzz/fuzz_targets` and `fuzz/corpus`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 18] = [
    ("calls", calls),
    ("channel", channel),
    ("control", control),
    ("epmd_client", epmd_client),
    ("epmd_request", epmd_request),
    ("epmd_response", epmd_response),
    ("epmd_server", epmd_server),
    ("fragments", fragments),
    ("framing", framing),
    ("handshake_acceptor", handshake_acceptor),
    ("handshake_initiator", handshake_initiator),
    ("handshake_messages", handshake_messages),
    ("header", header),
    ("host_file", host_file),
    ("lanes", lanes),
    ("link_writer", link_writer),
    ("net_kernel", net_kernel),
    ("term", term),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::{eprintln, fs};

    #[test]
    fn every_target_holds_on_the_empty_input() {
        for (_, target) in TARGETS {
            target(&[]);
        }
    }

    #[test]
    fn every_target_holds_on_its_corpus() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        for (name, target) in TARGETS {
            let folder = corpus.join(name);
            let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
            let mut files: std::vec::Vec<_> = files.map(|file| file.unwrap().path()).collect();
            files.sort();
            assert!(!files.is_empty(), "{folder:?} is empty");
            for file in files {
                eprintln!("{}", file.display()); // shown if it panics
                target(&fs::read(&file).unwrap());
            }
        }
    }

    /// Other programs run targets of other packages, whose tests look after them.
    #[test]
    fn every_target_has_a_program_and_there_are_no_other_programs_of_this_package() {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
        let mut names: std::vec::Vec<_> = fs::read_dir(programs)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|file| fs::read_to_string(file).unwrap().contains("netkernel_core::fuzzing"))
            .map(|file| std::string::String::from(file.file_stem().unwrap().to_str().unwrap()))
            .collect();
        names.sort();
        assert_eq!(names, TARGETS.map(|(name, _)| name));
    }
}
