//! Ticks: what the ticker asks for, on every link; and how `net_ticktime` is changed.

use alloc::collections::BTreeSet;

use super::table::{Role, RowState};
use super::{
    Diagnostic, NetKernel, NodeDownReason, Output, SamplePurpose, TicktimeChange, TicktimeError,
    TicktimeState, TimerName,
};
use crate::ids::StreamId;
use crate::liveness::{Beat, Traffic};
use crate::name::NodeName;
use crate::ticker::Ticker;
use crate::time::Instant;

impl NetKernel {
    //= docs/spec/ticktime.md#ticktime-while-alive
    /// Changes `net_ticktime` to `seconds` (`net_kernel:set_net_ticktime/2`), over a transition of at least
    /// `transition_seconds` (60, if Erlang is not told). Every node of a cluster must begin the change within the
    /// transition of the first, or links are taken for dead.
    ///
    /// The new value holds until this node is stopped: the next start begins with [`Config::net_ticktime`](super::Config).
    /// `None` is `ignored`: this node is not alive.
    ///
    /// # Errors
    /// [`TicktimeError::Ticktime`] for zero `seconds`; Erlang has no clause for it, and so asks for it before anything else.
    pub fn set_net_ticktime(
        &mut self,
        now: Instant,
        seconds: u32,
        transition_seconds: u32,
    ) -> Result<Option<TicktimeChange>, TicktimeError> {
        self.set_clock(now);
        if seconds == 0 {
            return Err(TicktimeError::Ticktime);
        }
        let Some(ticker) = self.life.ticker_mut() else { return Ok(None) };
        let change = ticker.set(self.clock, seconds, transition_seconds)?;
        //= docs/spec/ticktime.md#ticktime-no-period
        self.ring();
        Ok(Some(change))
    }

    /// `net_ticktime` in seconds, or to what it is being changed (`net_kernel:get_net_ticktime/0`). `None` is `ignored`: this
    /// node is not alive.
    #[must_use]
    pub fn get_net_ticktime(&self) -> Option<TicktimeState> {
        self.life.ticker().map(Ticker::get)
    }

    /// Does what is due. Links are sampled, and decided upon in [`NetKernel::sampled`].
    pub(super) fn ring(&mut self) {
        let Some(ticker) = self.life.ticker_mut() else { return };
        let ring = ticker.ring(self.clock);
        self.timers.set(TimerName::Tick, ticker.deadline());
        if ring.tick {
            self.sample_links(SamplePurpose::Tick);
        }
        if ring.aux_tick {
            self.sample_links(SamplePurpose::AuxTick);
        }
    }

    //= docs/spec/tick.md#tick-unserved
    //= docs/spec/ticktime.md#ticktime-new-links
    fn sample_links(&mut self, purpose: SamplePurpose) {
        let waiting: BTreeSet<_> =
            self.outputs.iter().filter_map(|output| sample_for(purpose, output)).collect();
        let up = self.table.values().filter_map(|row| row.up().map(|up| up.stream));
        let streams = up.filter(|stream| !waiting.contains(stream));
        self.outputs.extend(streams.map(|stream| Output::Sample { stream, purpose }));
    }

    pub(super) fn sampled(
        &mut self,
        stream: StreamId,
        purpose: SamplePurpose,
        traffic: Option<Traffic>,
    ) {
        let Some(Role::Link { node }) = self.streams.get(&stream) else { return };
        let node = node.clone();
        match purpose {
            SamplePurpose::Tick => self.tick(stream, node, traffic),
            SamplePurpose::AuxTick => self.aux_tick(stream, &node, traffic),
            SamplePurpose::NodeInfo(request) => self.informed(request, stream, &node, traffic),
        }
    }

    //= docs/spec/tick.md#tick-timeout
    fn tick(&mut self, stream: StreamId, node: NodeName, traffic: Option<Traffic>) {
        let Some(RowState::Up { up, .. }) = self.table.get_mut(&node).map(|row| &mut row.state)
        else {
            return;
        };
        match traffic.map(|traffic| up.liveness.tick(traffic)) {
            //= docs/spec/tick.md#tick-no-counters
            //= docs/spec/nodedown.md#nodedown-send-net-tick-failed
            None => self.close_link(&node, NodeDownReason::SendNetTickFailed),
            //= docs/spec/nodedown.md#nodedown-net-tick-timeout
            Some(Beat::Dead) => self.close_link(&node, NodeDownReason::NetTickTimeout),
            Some(Beat::Alive { tick, missed }) => {
                if tick {
                    self.outputs.push_back(Output::Tick { stream });
                }
                //= docs/spec/tick.md#tick-missed
                if missed > 0 {
                    let intensity = self.intensity();
                    self.diagnose(Diagnostic::TickMissed { node, missed, intensity });
                }
            }
        }
    }

    /// That of the ticker: a start may have its own.
    pub(super) fn intensity(&self) -> u16 {
        self.life.ticker().map_or(self.config.net_ticktime, Ticker::ticktime).intensity()
    }

    fn aux_tick(&mut self, stream: StreamId, node: &NodeName, traffic: Option<Traffic>) {
        let Some(up) = self.table.get(node).and_then(|row| row.up()) else { return };
        //= docs/spec/ticktime.md#ticktime-aux-tick-no-counters
        if traffic.is_some_and(|traffic| up.liveness.aux_tick(traffic)) {
            self.outputs.push_back(Output::Tick { stream });
        }
    }
}

/// The stream that this output has sampled for this purpose.
fn sample_for(purpose: SamplePurpose, output: &Output) -> Option<StreamId> {
    let Output::Sample { stream, purpose: other } = output else { return None };
    (*other == purpose).then_some(*stream)
}
