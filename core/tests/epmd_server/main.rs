//! The EPMD daemon: conversations in memory, one for each rule.
#![expect(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod clients;
mod daemon;
mod properties;
mod rules;
mod service;
