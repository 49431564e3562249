//! One initiator and one acceptor, and the pipes between them.

use std::collections::VecDeque;

use netkernel_core::handshake::{Greeting, InitiatorConfig, Stage};
use netkernel_core::wire::framing::Framing;
use netkernel_core::{Flags, Instant};

use crate::parties::{
    Answer, Dialler, Listener, OTP_VISIBLE, Outcome, cookie, dialling, listening,
};

/// The challenges of the side that dials and of the one that listens.
pub(crate) const OURS: u32 = 0xFFFF_FFFF;
pub(crate) const THEIRS: u32 = 0;
/// What each side sends on the channel as soon as it may.
pub(crate) const FIRST_FRAMES: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 2, 112, 131];

/// Everything that a handshake depends on.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) own: &'static str,
    pub(crate) answer: Answer,
    pub(crate) cookies: [&'static str; 2],
    pub(crate) flags: [Flags; 2],
    pub(crate) replace: bool,
    pub(crate) framing: Framing,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self {
            own: "a@h",
            answer: Answer::Greet(Greeting::Ok),
            cookies: ["SECRET"; 2],
            flags: [OTP_VISIBLE; 2],
            replace: true,
            framing: Framing::Short,
        }
    }

    pub(crate) fn dialler_config(&self) -> InitiatorConfig {
        InitiatorConfig {
            cookie: cookie(self.cookies[0]),
            framing: self.framing,
            ..dialling(self.own, 4, self.flags[0], "b@h")
        }
    }

    pub(crate) fn dialler(&self) -> (Dialler, Vec<u8>) {
        Dialler::new(self.dialler_config(), OURS, self.replace)
    }

    pub(crate) fn listener(&self) -> Listener {
        let mut config = listening("b@h", 6, self.flags[1]);
        config.framing = self.framing;
        Listener::new(config, THEIRS, self.answer.clone()).with_cookie(cookie(self.cookies[1]))
    }

    /// Plays it with whole writes.
    pub(crate) fn play(&self) -> [Outcome; 2] {
        self.play_in(&[usize::MAX]).outcomes
    }

    /// Plays it, with the bytes of both directions cut into pieces of these lengths, again and again.
    pub(crate) fn play_in(&self, pieces: &[usize]) -> Played {
        self.play_altered(pieces, |_, _| {})
    }

    /// Plays it; `alter` may change the bytes of either direction (0 is from the dialler) on their way.
    pub(crate) fn play_altered(
        &self,
        pieces: &[usize],
        mut alter: impl FnMut(usize, &mut Vec<u8>),
    ) -> Played {
        let (mut dialler, hello) = self.dialler();
        let mut listener = self.listener();
        let mut played = Played::default();
        let mut pipes = [Pipe::default(), Pipe::default()];
        let mut write = |pipes: &mut [Pipe; 2], from: usize, mut bytes: Vec<u8>| {
            alter(from, &mut bytes);
            pipes[from].write(&bytes);
        };
        write(&mut pipes, 0, hello);
        for piece in pieces.iter().cycle().take(10_000) {
            let Some(from) = pipes.iter().position(|pipe| !pipe.waiting.is_empty()) else { break };
            let bytes = pipes[from].read(*piece);
            let up = [dialler.outcome.is_up(), listener.outcome.is_up()];
            if up[1 - from] {
                played.later[1 - from].extend(&bytes);
                continue;
            }
            let mut said = match from {
                0 => listener.hears(Instant::ORIGIN, &bytes),
                _ => dialler.hears(Instant::ORIGIN, &bytes),
            };
            // Whoever has come up sends on at once, behind its last packet.
            if listener.outcome.is_up() != up[1] || dialler.outcome.is_up() != up[0] {
                said.extend(FIRST_FRAMES);
            }
            write(&mut pipes, 1 - from, said);
        }
        assert!(pipes.iter().all(|pipe| pipe.waiting.is_empty()), "it does not end");
        played.said = pipes.map(|pipe| pipe.written);
        played.outcomes = [dialler.outcome, listener.outcome];
        played
    }
}

/// How a handshake went. The dialler's side comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) outcomes: [Outcome; 2],
    /// Bytes written, as they arrived.
    pub(crate) said: [Vec<u8>; 2],
    /// Bytes that came after the end of the handshake, without the residue.
    pub(crate) later: [Vec<u8>; 2],
}

impl Default for Played {
    fn default() -> Self {
        let outcomes = [Outcome::Waits(Stage::Status), Outcome::Waits(Stage::Name)];
        Self { outcomes, said: Default::default(), later: Default::default() }
    }
}

impl Played {
    /// What each side has of the channel, however it came, and no residue any more.
    pub(crate) fn channel(mut self) -> (Self, [Vec<u8>; 2]) {
        let mut channel = [Vec::new(), Vec::new()];
        for (side, channel) in channel.iter_mut().enumerate() {
            if let Outcome::Up(established) = &mut self.outcomes[side] {
                channel.extend(core::mem::take(&mut established.residue));
            }
            channel.append(&mut self.later[side]);
        }
        (self, channel)
    }
}

#[derive(Default)]
struct Pipe {
    waiting: VecDeque<u8>,
    written: Vec<u8>,
}

impl Pipe {
    fn write(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
        self.written.extend(bytes);
    }

    fn read(&mut self, length: usize) -> Vec<u8> {
        self.waiting.drain(..length.min(self.waiting.len())).collect()
    }
}
