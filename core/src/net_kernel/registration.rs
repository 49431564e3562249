//! Asking the host for a listener and EPMD for the name, and holding the name.

use alloc::string::ToString as _;

use super::life::Life;
use super::table::Role;
use super::{Answer, Diagnostic, NetKernel, OpenError, Output, Purpose, StartError, TimerName};
use crate::epmd::{RegisterError, Registration, RegistrationStep};
use crate::ids::StreamId;
use crate::time::Instant;

/// Our registration, and the stream that holds it or shall hold it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Registered {
    machine: Registration,
    pub(super) stream: StreamId,
}

impl NetKernel {
    pub(super) fn listening(&mut self, port: u16) {
        let Life::Listening(starting) = &self.life else { return };
        let starting = starting.clone();
        self.give_listener_options();
        //= docs/spec/kernel.md#kernel-unregistered
        if !self.config.registers {
            let creation = starting.random_creation;
            self.become_alive(starting, creation, None);
            return;
        }
        let machine = Registration::new(&starting.name, port);
        let stream = self.open_registration();
        self.life = Life::Registering(starting, Registered { machine, stream });
    }

    pub(super) fn listen_failed(&mut self, error: OpenError) {
        if let Life::Listening(starting) = &self.life {
            let request = starting.request;
            self.life = Life::NotAlive;
            self.take_early();
            self.answer(request, Answer::Started(Err(StartError::Listen(error))));
        }
    }

    /// Lets the registration take an event of its stream, and does what it wants. The stream is still in `streams` if it is
    /// still open.
    pub(super) fn registration(
        &mut self,
        stream: StreamId,
        event: impl FnOnce(&mut Registration, Instant) -> RegistrationStep,
    ) {
        let now = self.clock;
        let Some(registered) =
            self.life.registered().filter(|registered| registered.stream == stream)
        else {
            return;
        };
        let step = event(&mut registered.machine, now);
        match registered.machine.deadline() {
            Some(at) => self.timers.set(TimerName::Registration, at),
            None => self.timers.clear(TimerName::Registration),
        }
        match step {
            RegistrationStep::Idle => {}
            RegistrationStep::Open => {
                let stream = self.open_registration();
                if let Some(registered) = self.life.registered() {
                    registered.stream = stream;
                }
            }
            RegistrationStep::Ask(request) => {
                self.transmit(stream, request);
                self.read(stream);
            }
            RegistrationStep::Read => self.read(stream),
            RegistrationStep::Registered(creation) => {
                self.read(stream);
                if let Life::Registering(starting, registered) = self.life.clone() {
                    self.become_alive(starting, creation, Some(registered));
                }
            }
            RegistrationStep::Renewed => {
                self.read(stream);
                self.diagnose(Diagnostic::RegistrationRenewed);
            }
            RegistrationStep::Failed(error) => {
                self.end_registration(stream);
                self.not_registered(error);
            }
            RegistrationStep::Lost(error) => {
                self.end_registration(stream);
                self.diagnose(Diagnostic::RegistrationLost(error));
            }
        }
    }

    //= docs/spec/flags.md#flags-node-listen-port
    /// EPMD does not have our name: the node cannot start, unless nobody is meant to look for it there.
    fn not_registered(&mut self, error: RegisterError) {
        let Life::Registering(starting, _) = &self.life else { return };
        if self.config.node_listen_port.is_some() {
            let (starting, creation) = (starting.clone(), starting.random_creation);
            self.diagnose(Diagnostic::NotRegistered(error));
            self.become_alive(starting, creation, None);
        } else {
            let request = starting.request;
            self.life = Life::NotAlive;
            self.outputs.push_back(Output::Unlisten);
            self.take_early();
            self.answer(request, Answer::Started(Err(StartError::Register(error))));
        }
    }

    pub(super) fn registration_timeout(&mut self) {
        if let Some(stream) = self.life.registered().map(|registered| registered.stream) {
            self.registration(stream, |registration, now| registration.timeout(now));
        }
    }

    fn open_registration(&mut self) -> StreamId {
        //= docs/spec/flags.md#flags-inet6
        let host = self.config.family.loopback().to_string();
        self.open(host, self.config.epmd_port, Purpose::Registration, Role::Registration)
    }

    pub(super) fn end_registration(&mut self, stream: StreamId) {
        // A registration that was lost before has been closed, and may still be ending.
        if matches!(self.streams.get(&stream), Some(Role::Registration)) {
            self.end(stream, false);
        }
    }
}
