//! What the tests of netkernel share.

#[cfg(feature = "otp")]
pub mod command;
pub mod demo;
#[cfg(target_os = "linux")]
pub mod flood;
pub mod forged;
pub mod fuzzing;
pub mod live;
#[cfg(feature = "otp")]
mod log;
pub mod messages;
#[cfg(feature = "otp")]
pub mod otp;
pub mod our_epmd;
pub mod ours;
pub mod pcap;
pub mod ports;
#[cfg(feature = "otp")]
pub mod recorder;
pub mod runtime;
pub mod script;
#[cfg(feature = "otp")]
pub mod scripted;
pub mod scripts;
#[cfg(feature = "otp")]
pub mod seen;
pub mod serving;
pub mod sim;
pub mod spacetime;
pub mod spec;
pub mod told;
pub mod traffic;
#[cfg(feature = "otp")]
pub mod tshark;

use core::time::Duration;

/// After how long a wait for something that should take no time gives up. Generous: machines stall.
pub const GIVE_UP: Duration = Duration::from_secs(120);

#[cfg(doctest)]
#[doc = include_str!("../../docs/simulation.md")]
mod simulation {}
