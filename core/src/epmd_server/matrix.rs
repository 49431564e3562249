//! Every event in every phase of a connection.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::diagram::{Matrix, compare_with_docs};
use crate::entropy::Entropy;
use crate::stream::CloseCause;

const ALIVE2: &[u8] = b"\0\x0Ex\x0F\xA1M\0\0\x06\0\x05\0\x01a\0\0";
const SECOND: Duration = Duration::from_secs(1);

/// A server and the one connection that the matrix is about.
#[derive(Clone)]
struct Bench {
    server: Server,
    stream: StreamId,
}

impl Bench {
    fn new(delay: Duration) -> Self {
        let config = Config {
            delay_accept: delay,
            delay_write: delay,
            relaxed_command_check: true,
            ..Config::default()
        };
        let mut server = Server::new(config);
        let stream = server.mint_stream();
        let mut bench = Self { server, stream };
        bench.tell(Input::Listening { port: 4369 });
        bench.tell(Input::Accepted { stream, entropy: Entropy::new([0; 16]), local: true });
        bench
    }

    fn tell(&mut self, input: Input) {
        self.server.handle(self.server.clock, input);
    }

    fn receive(&mut self, bytes: &'static [u8]) {
        self.tell(Input::Received { stream: self.stream, bytes: Bytes::from_static(bytes) });
    }

    fn pass(&mut self, span: Duration) {
        self.server.handle(self.server.clock + span, Input::Timeout);
    }

    /// Another client says this, without a delay.
    fn another(&mut self, bytes: &'static [u8]) {
        let delays = (self.server.config.delay_accept, self.server.config.delay_write);
        self.server.config.delay_accept = Duration::ZERO;
        self.server.config.delay_write = Duration::ZERO;
        let own = self.stream;
        self.stream = self.server.mint_stream();
        let stream = self.stream;
        self.tell(Input::Accepted { stream, entropy: Entropy::new([0; 16]), local: true });
        self.receive(bytes);
        self.tell(Input::Closed { stream, cause: CloseCause::Local });
        self.stream = own;
        (self.server.config.delay_accept, self.server.config.delay_write) = delays;
    }

    fn phase(&self) -> &'static str {
        let Some(connection) = self.server.connections.get(&self.stream) else { return "gone" };
        match (&connection.phase, &connection.name) {
            (Phase::Delayed, _) => "delayed",
            (Phase::Reading { .. }, _) => "reading",
            (Phase::Answering { .. }, _) => "answering",
            (Phase::Held, Some(_)) => "held",
            (Phase::Held, None) => "refused",
            (Phase::Ending, _) => "ending",
        }
    }

    /// What is wanted of the connection.
    fn outputs(&mut self) -> String {
        let mut said = Vec::new();
        while let Some(output) = self.server.poll() {
            let (of, what) = if let Output::Read { stream } = output {
                (stream, "read")
            } else if let Output::Transmit { stream, .. } = output {
                (stream, "write")
            } else if let Output::Close { stream, .. } = output {
                (stream, "close")
            } else if output == Output::Unlisten {
                (self.stream, "unlisten")
            } else {
                continue;
            };
            if of == self.stream {
                said.push(what);
            }
        }
        said.join(", ")
    }
}

/// Each phase, as it is reached.
fn phases() -> Vec<(&'static str, Bench)> {
    let reading = Bench::new(Duration::ZERO);
    let mut answering = Bench::new(SECOND);
    answering.pass(SECOND);
    answering.receive(ALIVE2);
    let mut held = reading.clone();
    held.receive(ALIVE2);
    let mut refused = reading.clone();
    refused.another(ALIVE2);
    refused.receive(b"\0\x0Ex\x0F\xA1M\0\0\x06\0\x05\0\x01\xFF\0\0");
    let mut ending = reading.clone();
    ending.receive(b"\0\x01n");
    alloc::vec![
        ("delayed", Bench::new(SECOND)),
        ("reading", reading),
        ("answering", answering),
        ("held", held),
        ("refused", refused),
        ("ending", ending),
    ]
}

type Event = fn(&mut Bench);

const EVENTS: [(&str, Event); 9] = [
    ("part of a request", |bench| bench.receive(b"\0")),
    ("look-up", |bench| bench.receive(b"\0\x02za")),
    ("registration", |bench| bench.receive(ALIVE2)),
    ("garbage", |bench| bench.receive(b"\0\0")),
    ("closed", |bench| {
        bench.tell(Input::Closed { stream: bench.stream, cause: CloseCause::Eof });
    }),
    ("early timeout", |bench| bench.pass(SECOND / 2)),
    ("timeout", |bench| bench.pass(61 * SECOND)),
    ("its name is stopped", |bench| bench.another(b"\0\x02sa")),
    ("killed", |bench| bench.another(b"\0\x01k")),
];

//= docs/spec/epmd.md#epmd-server-held
//= type=test
//= docs/spec/epmd.md#epmd-server-one-request
//= type=test
#[test]
fn every_event_in_every_phase() {
    let mut matrix = Matrix::new(phases().iter().map(|(phase, _)| *phase));
    for (phase, bench) in phases() {
        assert_eq!(phase, bench.phase(), "the way to the phase leads there");
        for (event, happens) in EVENTS {
            let mut after = bench.clone();
            after.outputs();
            happens(&mut after);
            let said = after.outputs();
            matrix.add(phase, event, after.phase(), &said);
        }
    }
    compare_with_docs("epmd", &matrix.written());
}
