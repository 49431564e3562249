//! The two loops that every event loop, simulator and fuzzer shares: [`turn`] on the control plane, [`pump`] on the data plane.

use alloc::vec::Vec;

use crate::ids::StreamId;
use crate::link::LinkReader;
use crate::liveness::Traffic;
use crate::net_kernel::{
    Answer, Diagnostic, Endpoint, Input, NodeEvent, OptionName, OptsError, Output, SocketOption,
    Target,
};
use crate::process::{Deliver, Processes};
use crate::stream::{Promotion, Violation};
use crate::time::Instant;
use crate::{Creation, LinkId, MailboxId, NodeName, RequestId};
use bytes::Bytes;

pub use crate::net_kernel::Machine;

/// Outputs that one call of [`turn`] carries out before it returns to let other work run.
pub const SLICE: usize = 256;

/// Carries outputs out. One method for each [`Output`], of the same meaning. None may block.
#[expect(missing_docs, reason = "each method is the Output of the same name")]
pub trait Host {
    fn listen(&mut self);
    fn unlisten(&mut self);
    fn open(&mut self, stream: StreamId, target: Target);
    fn read(&mut self, stream: StreamId);
    fn transmit(&mut self, stream: StreamId, bytes: Bytes);
    fn attempting(&mut self, node: NodeName, link: LinkId);
    fn alive(&mut self, name: NodeName, creation: Creation);
    fn not_alive(&mut self);
    fn event(&mut self, to: MailboxId, event: NodeEvent);
    fn promote(&mut self, stream: StreamId, promotion: Promotion);
    fn tick(&mut self, stream: StreamId);
    fn sample(&mut self, stream: StreamId) -> Option<Traffic>;
    /// Unless the host has socket options to set, none can be.
    fn setopts(&mut self, endpoint: Endpoint, options: &[SocketOption]) -> Result<(), OptsError> {
        let _ = (endpoint, options);
        Err(OptsError::NotSupported)
    }
    /// As `setopts`.
    fn getopts(
        &mut self,
        stream: StreamId,
        names: &[OptionName],
    ) -> Result<Vec<SocketOption>, OptsError> {
        let _ = (stream, names);
        Err(OptsError::NotSupported)
    }
    fn close(&mut self, stream: StreamId, abort: bool);
    fn disconnected(&mut self, node: NodeName, link: LinkId, was_up: bool);
    fn answer(&mut self, request: RequestId, answer: Answer);
    fn diagnostic(&mut self, diagnostic: Diagnostic);
}

/// Fires what is due, carries out what the machine wants, and says when to come back.
///
/// To be called after every input, call or wake-up. `Some(now)` means that outputs are left: serve other work and come
/// back at once. `None` means that only an input can change anything.
///
/// A deadline that has passed is served before the outputs and inputs that wait, so that a flood cannot delay ticks.
pub fn turn<M: Machine, H: Host>(machine: &mut M, now: Instant, host: &mut H) -> Option<Instant> {
    if machine.deadline().is_some_and(|due| due <= now) {
        machine.handle(now, Input::Timeout);
    }
    for _ in 0..SLICE {
        let Some(output) = machine.poll() else { return machine.deadline() };
        match output {
            Output::Listen => host.listen(),
            Output::Unlisten => host.unlisten(),
            Output::Open { stream, target } => host.open(stream, target),
            Output::Read { stream } => host.read(stream),
            Output::Transmit { stream, bytes } => host.transmit(stream, bytes),
            Output::Attempting { node, link } => host.attempting(node, link),
            Output::Alive { name, creation } => host.alive(name, creation),
            Output::NotAlive => host.not_alive(),
            Output::Event { to, options: _, event } => host.event(to, event),
            Output::Promote { stream, promotion } => host.promote(stream, promotion),
            Output::Tick { stream } => host.tick(stream),
            Output::Sample { stream, purpose } => {
                let traffic = host.sample(stream);
                machine.handle(now, Input::Sampled { stream, purpose, traffic });
            }
            Output::SetOpts { endpoint, options, request } => {
                let result = host.setopts(endpoint, &options);
                if let Some(request) = request {
                    machine.handle(now, Input::OptsSet { request, result });
                }
            }
            Output::GetOpts { stream, names, request } => {
                let result = host.getopts(stream, &names);
                machine.handle(now, Input::OptsGot { request, result });
            }
            Output::Close { stream, abort } => host.close(stream, abort),
            Output::Disconnected { node, link, was_up } => host.disconnected(node, link, was_up),
            Output::Answer { request, answer } => host.answer(request, answer),
            Output::Diagnostic(diagnostic) => host.diagnostic(diagnostic),
        }
    }
    Some(now)
}

/// Decodes what one read of a link brought, and has it handled.
///
/// Who shares [`Processes`] between threads takes the two steps apart instead: [`LinkReader::decode`] before the lock is
/// taken, [`Processes::apply`] while it is held.
///
/// # Errors
/// What ends the link. All that came before it was handled.
pub fn pump(
    reader: &mut LinkReader,
    bytes: &[u8],
    processes: &mut Processes,
    deliver: &mut impl Deliver,
) -> Result<(), Violation> {
    processes.apply(reader.decode(bytes), deliver)
}
