//! The EPMD that a node serves itself.

use core::net::IpAddr;
use std::time::Instant as Moment;

use netkernel_core::Creation;

use super::epmd_listeners::unix_time;
use super::{Carrier, EpmdListeners};
use crate::epmd_config::EpmdConfig;
use crate::epmd_handle::EpmdHandle;

/// The service of one node. It may end by itself, and then another one may be begun.
#[derive(Debug)]
pub(crate) struct EmbeddedEpmd {
    /// Of the latest service.
    handle: Option<EpmdHandle>,
    /// The host's clock at a moment. From then on time only grows, whatever is done to that clock, so that creations do.
    began: (u32, Moment),
    /// The creation that the node got last: no later one is lower.
    creation: Creation,
}

impl EmbeddedEpmd {
    pub(crate) fn new() -> Self {
        Self { handle: None, began: (unix_time(), Moment::now()), creation: Creation::NONE }
    }

    /// Begins a service on these addresses and those of loopback, or on all that the host has if there are none; if the port
    /// can be had: if not, there is likely an EPMD.
    pub(crate) fn serve(&mut self, carrier: &impl Carrier, addresses: Vec<IpAddr>, port: u16) {
        let mut config = EpmdConfig::new();
        config.addresses = addresses;
        config.port = port;
        config.server.unix_time = self.least_time();
        let served =
            EpmdListeners::bind(&config).and_then(|listeners| carrier.serve_epmd(listeners));
        match served {
            Ok(handle) => {
                tracing::info!(target: "netkernel::epmd", port, "this node serves EPMD");
                self.handle = Some(handle);
            }
            Err(error) => {
                tracing::debug!(target: "netkernel::epmd", port, %error, "not serving EPMD")
            }
        }
    }

    /// The node has this creation.
    pub(crate) const fn saw(&mut self, creation: Creation) {
        self.creation = creation;
    }

    /// Ends the service, if there is one.
    pub(crate) fn stop(&self) {
        if let Some(handle) = &self.handle {
            handle.stop();
        }
    }

    fn least_time(&self) -> u32 {
        let (time, moment) = self.began;
        let since = u32::try_from(moment.elapsed().as_secs()).unwrap_or(u32::MAX);
        time.saturating_add(since).max(self.creation.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn creations_follow_the_clock_and_what_the_node_had() {
        let mut epmd = EmbeddedEpmd::new();
        assert!(epmd.least_time() >= epmd.began.0);
        // The host's clock was set back by an hour since.
        epmd.began = (unix_time() + 3600, Moment::now() - Duration::from_secs(10));
        assert!(epmd.least_time() >= unix_time() + 3600);
        epmd.saw(Creation(u32::MAX - 1));
        assert_eq!(epmd.least_time(), u32::MAX - 1);
    }
}
