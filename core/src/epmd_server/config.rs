//! What can be configured of an EPMD.

use core::time::Duration;

/// The options of a [`Server`](super::Server), with the names that the command line of OTP's daemon has for them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub struct Config {
    /// The host's clock at [`Instant::ORIGIN`](crate::Instant::ORIGIN), in seconds since 1970: where creations begin, so
    /// that those of a restarted daemon go on behind those of the last one.
    pub unix_time: u32,
    /// Connections at a time, registrations included. A host with fewer descriptors gives a smaller number.
    pub connections: usize,
    /// How long a client may be silent in the middle of its request: `-packet_timeout`.
    pub packet_timeout: Duration,
    /// How long to wait after each accept, to play a busy daemon: `-delay_accept`.
    pub delay_accept: Duration,
    /// How long to wait before each write, to play a busy daemon: `-delay_write`.
    pub delay_write: Duration,
    /// Whether clients may stop nodes, and kill the daemon while there are any: `-relaxed_command_check`.
    pub relaxed_command_check: bool,
    /// Above so many names of nodes that are gone, a new name takes the place of the oldest: 5 for `-debug`.
    pub remembered: usize,
}

impl Default for Config {
    /// What OTP's daemon does without options, where `select` allows 1024 connections; and the epoch for a clock.
    fn default() -> Self {
        Self {
            unix_time: 0,
            connections: 1024,
            packet_timeout: Duration::from_secs(60),
            delay_accept: Duration::ZERO,
            delay_write: Duration::ZERO,
            relaxed_command_check: false,
            remembered: 1000,
        }
    }
}
