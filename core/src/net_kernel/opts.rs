//! Socket options of links (`net_kernel:getopts/2`, `setopts/2`): finds the stream; the sockets are the host's.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::table::RowState;
use super::{Answer, Config, Endpoint, NetKernel, OptionName, OptsError, Output, SocketOption};
use crate::ids::{RequestId, StreamId};
use crate::name::NodeName;
use crate::time::Instant;

/// The options that the listener and new links get.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewLinks {
    /// The listener, and links that others begin (`inet_dist_listen_options`).
    listen: Options,
    /// Links that we begin (`inet_dist_connect_options`).
    connect: Options,
    /// `nodelay` of every link, if that was set (`dist_nodelay`).
    nodelay: Option<SocketOption>,
}

type Options = BTreeMap<OptionName, SocketOption>;

/// Who began a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    ByUs,
    ByThem,
}

impl NewLinks {
    //= docs/spec/kernel.md#kernel-dist-options
    /// What the configuration says. Of an option that comes twice in a list the last counts.
    pub(super) fn new(config: &Config) -> Self {
        let by_name =
            |options: &[SocketOption]| options.iter().map(|&it| (it.name(), it)).collect();
        let (listen, connect) = (by_name(&config.listen_options), by_name(&config.connect_options));
        Self { listen, connect, nodelay: None }
    }

    fn merge(&mut self, options: Vec<SocketOption>) {
        for option in options {
            let name = option.name();
            self.listen.insert(name, option);
            self.connect.insert(name, option);
            if name == OptionName::Nodelay {
                self.nodelay = Some(option);
            }
        }
    }

    fn of_listener(&self) -> Vec<SocketOption> {
        self.listen.values().copied().collect()
    }

    fn of_link(&self, begun: Begun) -> Vec<SocketOption> {
        let mut options = match begun {
            Begun::ByUs => self.connect.clone(),
            Begun::ByThem => self.listen.clone(),
        };
        // The lists of the configuration have no say in this one.
        options.remove(&OptionName::Nodelay);
        options.extend(self.nodelay.map(|nodelay| (OptionName::Nodelay, nodelay)));
        options.into_values().collect()
    }
}

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
        } else if self.life.is_open() {
            let call = OptsCall::SetNew(options.clone());
            self.set_options(Endpoint::Listener, options, request, call);
        } else {
            self.new_links.merge(options);
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
            Some(OptsCall::SetNew(options)) if result.is_ok() => self.new_links.merge(options),
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

    /// Gives a new listener its options.
    pub(super) fn give_listener_options(&mut self) {
        self.give_options(Endpoint::Listener, self.new_links.of_listener());
    }

    /// Gives a link that comes up its options.
    pub(super) fn give_link_options(&mut self, stream: StreamId, begun: Begun) {
        self.give_options(Endpoint::Stream(stream), self.new_links.of_link(begun));
    }

    /// Nobody waits for what comes of it.
    fn give_options(&mut self, endpoint: Endpoint, options: Vec<SocketOption>) {
        if !options.is_empty() {
            self.outputs.push_back(Output::SetOpts { endpoint, options, request: None });
        }
    }

    //= docs/spec/kernel.md#kernel-opts-noconnection
    pub(super) fn stream_of_link(&self, node: &NodeName) -> Result<StreamId, OptsError> {
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
