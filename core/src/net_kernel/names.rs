//! Asking an EPMD for the names that it knows.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::table::Role;
use super::{Address, Answer, NetKernel, Purpose, Target, TimerName};
use crate::epmd::{NAMES_TIMEOUT, Names, NamesError};
use crate::ids::{RequestId, StreamId};
use crate::net_adm::Host;
use crate::time::Instant;

impl NetKernel {
    /// Asks the EPMD of `host` for the names that it knows (`net_adm:names/1`). Works in every state of the node.
    pub fn names(&mut self, now: Instant, host: &Host) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        let target = Target {
            address: Address::Port { host: host.to_string(), port: self.config.epmd_port },
            family: host.family(),
            purpose: Purpose::Epmd,
        };
        let stream = self.open_to(target, Role::Names { request, names: None });
        self.timers.set(TimerName::Setup(stream), self.clock + NAMES_TIMEOUT);
        request
    }

    pub(super) fn names_received(
        &mut self,
        stream: StreamId,
        request: RequestId,
        names: Option<Names>,
        bytes: &[u8],
    ) {
        let Some(names) = names else {
            // Nothing can have been received before the stream was open.
            self.streams.insert(stream, Role::Names { request, names: None });
            return;
        };
        match names.receive(bytes) {
            Ok(names) => {
                self.streams.insert(stream, Role::Names { request, names: Some(names) });
                self.read(stream);
            }
            Err(error) => {
                self.timers.clear(TimerName::Setup(stream));
                self.answer_names(request, Err(error));
                self.end(stream, false);
            }
        }
    }

    pub(super) fn answer_names(
        &mut self,
        request: RequestId,
        names: Result<Vec<(String, u16)>, NamesError>,
    ) {
        self.answer(request, Answer::Names(names));
    }
}
