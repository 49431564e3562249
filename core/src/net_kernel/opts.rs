//! Socket options of links (`net_kernel:getopts/2`, `setopts/2`): finds the stream; the sockets are the host's.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::table::RowState;
use super::{Answer, Endpoint, NetKernel, OptionName, OptsError, Output, SocketOption};
use crate::ids::{RequestId, StreamId};
use crate::name::NodeName;
use crate::time::Instant;

/// The options that new links get.
pub(super) type NewLinks = BTreeMap<OptionName, SocketOption>;

/// Calls that the host has to answer.
pub(super) type OptsCalls = BTreeMap<RequestId, OptsCall>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum OptsCall {
    Get,
    Set,
    /// With what new links get if the listener takes it.
    SetNew(Vec<SocketOption>),
}

impl NetKernel {
    //= docs/spec/kernel.md#kernel-getopts
    /// Asks for options of the link with `node` (`net_kernel:getopts/2`). Answers [`Answer::GetOpts`], in the order of the
    /// names; an option that the operating system does not know is left out.
    pub fn getopts(&mut self, now: Instant, node: &NodeName, names: Vec<OptionName>) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        match self.stream_of_link(node) {
            Ok(stream) => {
                self.opts_calls.insert(request, OptsCall::Get);
                self.outputs.push_back(Output::GetOpts { stream, names, request });
            }
            Err(error) => self.answer(request, Answer::GetOpts(Err(error))),
        }
        request
    }

    //= docs/spec/kernel.md#kernel-setopts
    /// Sets options of the link with `node` (`net_kernel:setopts/2`). Answers [`Answer::SetOpts`]. Of an option that comes twice
    /// the first counts.
    ///
    /// Options of an Erlang caller are read by [`SocketOption::check`]. Erlang tells its errors after those of this call; a call
    /// without options sets nothing, and gives these.
    pub fn setopts(
        &mut self,
        now: Instant,
        node: &NodeName,
        options: Vec<SocketOption>,
    ) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        match self.stream_of_link(node) {
            Ok(stream) => {
                let options = first_of_each(options);
                self.set_options(Endpoint::Stream(stream), options, request, OptsCall::Set);
            }
            Err(error) => self.answer(request, Answer::SetOpts(Err(error))),
        }
        request
    }

    //= docs/spec/kernel.md#kernel-setopts-new
    /// Sets options of the listener and of every link that comes up from now on, also after a [`stop`](Self::stop)
    /// (`net_kernel:setopts(new, Options)`). Answers [`Answer::SetOpts`]. A link that is up keeps what it has; if the listener
    /// refuses an option, nothing changes.
    pub fn setopts_new(&mut self, now: Instant, options: Vec<SocketOption>) -> RequestId {
        self.set_clock(now);
        let request = self.request_ids.mint();
        let options = first_of_each(options);
        if !self.is_alive() {
            self.answer(request, Answer::SetOpts(Err(OptsError::NotAlive)));
        } else if self.life.registered().is_some() {
            let call = OptsCall::SetNew(options.clone());
            self.set_options(Endpoint::Listener, options, request, call);
        } else {
            self.merge_new(options);
            self.answer(request, Answer::SetOpts(Ok(())));
        }
        request
    }

    fn set_options(
        &mut self,
        endpoint: Endpoint,
        options: Vec<SocketOption>,
        request: RequestId,
        call: OptsCall,
    ) {
        self.opts_calls.insert(request, call);
        let request = Some(request);
        self.outputs.push_back(Output::SetOpts { endpoint, options, request });
    }

    /// The host has tried to set options.
    pub(super) fn opts_set(&mut self, request: RequestId, result: Result<(), OptsError>) {
        match self.opts_calls.remove(&request) {
            Some(OptsCall::SetNew(options)) if result.is_ok() => self.merge_new(options),
            Some(OptsCall::Set | OptsCall::SetNew(_)) => {}
            Some(call @ OptsCall::Get) => {
                self.opts_calls.insert(request, call);
                return;
            }
            None => return,
        }
        self.answer(request, Answer::SetOpts(result));
    }

    /// The host has tried to read options.
    pub(super) fn opts_got(
        &mut self,
        request: RequestId,
        result: Result<Vec<SocketOption>, OptsError>,
    ) {
        if self.opts_calls.get(&request) == Some(&OptsCall::Get) {
            self.opts_calls.remove(&request);
            self.answer(request, Answer::GetOpts(result));
        }
    }

    /// Gives what is new what was set for new ones. Nobody waits for what comes of it.
    pub(super) fn give_new_options(&mut self, endpoint: Endpoint) {
        if !self.new_links.is_empty() {
            let options = self.new_links.values().copied().collect();
            self.outputs.push_back(Output::SetOpts { endpoint, options, request: None });
        }
    }

    fn merge_new(&mut self, options: Vec<SocketOption>) {
        self.new_links.extend(options.into_iter().map(|option| (option.name(), option)));
    }

    //= docs/spec/kernel.md#kernel-opts-noconnection
    fn stream_of_link(&self, node: &NodeName) -> Result<StreamId, OptsError> {
        if !self.is_alive() {
            return Err(OptsError::NotAlive);
        }
        match self.table.get(node).map(|row| &row.state) {
            Some(RowState::Up { up, successor: None }) => Ok(up.stream),
            Some(
                RowState::Up { successor: Some(_), .. }
                | RowState::Pending { .. }
                | RowState::Closing { .. }
                | RowState::Barred,
            )
            | None => Err(OptsError::NoConnection),
        }
    }
}

/// Erlang's driver is handed a list of options from its end.
fn first_of_each(options: Vec<SocketOption>) -> Vec<SocketOption> {
    let mut seen = BTreeSet::new();
    options.into_iter().filter(|option| seen.insert(option.name())).collect()
}
