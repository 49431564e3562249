//! What processes of other nodes ask of `net_kernel` (`net_kernel:handle_call/3`), and what they are told.
//!
//! The channel brings the request, and takes the answer back: see [`process`](crate::process).

use alloc::vec::Vec;

use super::query::{NameDomain, NetState};
use super::table::RowState;
use super::{
    Answer, NetKernel, NodeDownReason, OptionName, OptsError, SocketOption, TicktimeChange,
};
use crate::ids::RequestId;
use crate::name::NodeName;
use crate::term::{Atom, Limits, Reader, Term};
use crate::time::Instant;

/// Entries that the allow list may have for a request to lengthen it.
const ALLOWED_MAX: usize = 4096;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Reply {
    /// The caller is told this term.
    Term(Term),
    /// The caller is told nothing, as by Erlang.
    Never,
    /// The caller is told that there is no process to answer.
    Nobody,
}

impl Reply {
    fn of(term: impl Into<Term>) -> Self {
        Self::Term(term.into())
    }

    fn word(text: &'static str) -> Self {
        Self::Term(Term::literal(text))
    }
}

impl NetKernel {
    //= docs/spec/requests.md#request-answers
    /// Carries out a request that a process of the node `peer` sent to `net_kernel`: one term without version byte. What its
    /// caller is told is [`Answer::to_reply`] of the answer to the request that is returned.
    ///
    /// Whoever may call this can reconfigure the node.
    pub fn request(&mut self, now: Instant, peer: &Atom, body: &[u8]) -> RequestId {
        self.set_clock(now);
        match read(body).map_or(Err(Reply::Nobody), |term| self.carry_out_for(now, peer, &term)) {
            Ok(request) => request,
            Err(reply) => {
                let request = self.request_ids.mint();
                self.answer(request, Answer::Reply(reply));
                request
            }
        }
    }

    //= docs/spec/requests.md#request-limits
    /// A caller who would have to wait is refused while too many of its node do.
    fn carry_out_for(
        &mut self,
        now: Instant,
        peer: &Atom,
        request: &Term,
    ) -> Result<RequestId, Reply> {
        if !self.request_waits(request) {
            return self.carry_out(now, request);
        }
        if !self.remote_callers.has_room(peer) {
            return Err(Reply::Nobody);
        }
        let request = self.carry_out(now, request)?;
        self.remote_callers.insert(request, peer.clone());
        Ok(request)
    }

    /// Whether the answer would have to wait, for a link or for the end of one.
    fn request_waits(&self, request: &Term) -> bool {
        let Some([name, arguments @ ..]) = request.as_tuple() else { return false };
        let Some(name) = name.as_atom() else { return false };
        match (name.as_str(), arguments) {
            ("connect", [_, node]) => node_name(node).is_some_and(|node| self.connect_waits(&node)),
            ("passive_cnct", [node]) => node_name(node).is_some_and(|node| {
                self.refuses_to_wait(&node).is_none() && self.connect_waits(&node)
            }),
            ("disconnect", [node]) => node_name(node).is_some_and(|node| {
                let row = self.table.get(&node).map(|row| &row.state);
                self.is_alive()
                    && matches!(row, Some(RowState::Up { .. } | RowState::Closing { .. }))
            }),
            _ => false,
        }
    }

    //= docs/spec/requests.md#request-casts
    /// Carries out a cast to `net_kernel`: one term without version byte. Nobody is told anything.
    pub fn cast(&mut self, now: Instant, body: &[u8]) {
        self.set_clock(now);
        let term = read(body);
        let Some([name, node]) = term.as_ref().and_then(Term::as_tuple) else { return };
        if let Some(node) = node_name(node).filter(|_| is(name, "async_disconnect")) {
            // Not `disconnect_node`: nobody waits for its answer.
            self.close_link(&node, NodeDownReason::Disconnect);
        }
    }

    /// The call that answers the request, or the reply to it.
    fn carry_out(&mut self, now: Instant, request: &Term) -> Result<RequestId, Reply> {
        if let Some(name) = request.as_atom() {
            return Err(self.tell_of_itself(name));
        }
        let Some([name, arguments @ ..]) = request.as_tuple() else { return Err(Reply::Never) };
        let Some(name) = name.as_atom() else { return Err(Reply::Never) };
        match (name.as_str(), arguments) {
            ("connect", [wish, node]) => self.asked_to_connect(now, wish, node),
            ("passive_cnct", [node]) => match node_name(node) {
                Some(node) => Ok(self.connect_automatically(now, node)),
                None => Err(Reply::of(false)),
            },
            ("disconnect", [node]) => match node_name(node) {
                Some(node) => Ok(self.disconnect_node(now, &node)),
                None => Err(Reply::of(false)),
            },
            ("allow", [nodes]) => Err(self.asked_to_allow(nodes)),
            ("is_auth", [_]) => Err(Reply::word("yes")),
            ("verbose", [level]) => {
                Err(Reply::Term(core::mem::replace(&mut self.verbosity, level.clone())))
            }
            ("new_ticktime", [ticktime, transition]) => {
                Err(self.asked_for_ticktime(now, ticktime, transition))
            }
            ("setopts", [node, options]) => self.asked_to_set(now, node, options),
            ("getopts", [node, names]) => self.asked_for_options(now, node, names),
            // The process layer takes them before they come here.
            ("spawn" | "spawn_link", [_, _, _, _]) | ("spawn_opt", [_, _, _, _, _, _]) => {
                Err(Reply::Nobody)
            }
            _ => Err(Reply::Never),
        }
    }

    fn tell_of_itself(&self, what: &Atom) -> Reply {
        match what.as_str() {
            "allowed" => {
                let entries = self.allowed.entries().filter_map(|entry| Atom::new(entry).ok());
                let entries = Term::list(entries.map(Term::from));
                Reply::Term(Term::tuple([Term::literal("ok"), entries]))
            }
            "longnames" => {
                let domain = self.life.manner().map(|manner| manner.name_domain);
                Reply::of(domain == Some(NameDomain::Longnames))
            }
            "nodename" => Reply::of(self.node().as_atom().clone()),
            "ticktime" => match self.ticktime() {
                Some((ticktime_ms, false)) => Reply::of(ticktime_ms),
                Some((ticktime_ms, true)) => ongoing(ticktime_ms),
                None => Reply::Nobody,
            },
            "get_state" => self
                .get_state()
                .map_or(Reply::Nobody, |state| Reply::Term(NetState::to_term(&state))),
            _ => Reply::Never,
        }
    }

    fn asked_to_connect(
        &mut self,
        now: Instant,
        wish: &Term,
        node: &Term,
    ) -> Result<RequestId, Reply> {
        let node = node_name(node).ok_or_else(|| Reply::of(false))?;
        Ok(if is(wish, "hidden") {
            self.hidden_connect_node(now, node)
        } else {
            self.connect_node(now, node)
        })
    }

    fn asked_to_allow(&mut self, nodes: &Term) -> Reply {
        let error = Reply::word("error");
        let Some(nodes) = nodes.as_list() else { return error };
        let names: Option<Vec<&str>> =
            nodes.iter().map(|node| node.as_atom().map(Atom::as_str)).collect();
        let Some(names) = names else { return error };
        //= docs/spec/requests.md#request-limits
        if self.allowed.entries().count() + names.len() > ALLOWED_MAX {
            return error;
        }
        if self.allow(&names).is_ok() { Reply::word("ok") } else { Reply::Nobody }
    }

    //= docs/spec/requests.md#request-ticktime
    /// In milliseconds, which Erlang's own functions make of whole seconds.
    fn asked_for_ticktime(&mut self, now: Instant, ticktime: &Term, transition: &Term) -> Reply {
        let Some((current_ms, changing)) = self.ticktime() else { return Reply::Nobody };
        if changing {
            return ongoing(current_ms);
        }
        if ticktime.as_i64().and_then(|ms| u64::try_from(ms).ok()) == Some(current_ms) {
            return Reply::word("unchanged");
        }
        let (Some(seconds), Some(transition_seconds)) = (seconds(ticktime), seconds(transition))
        else {
            return Reply::Nobody;
        };
        match self.set_net_ticktime(now, seconds.max(1), transition_seconds) {
            Ok(Some(TicktimeChange::ChangeInitiated)) => Reply::word("change_initiated"),
            Ok(Some(TicktimeChange::Unchanged)) => Reply::word("unchanged"),
            Ok(Some(TicktimeChange::OngoingChangeTo(_)) | None) | Err(_) => Reply::Nobody,
        }
    }

    /// The ticktime in milliseconds, and whether a change to it is going on.
    fn ticktime(&self) -> Option<(u64, bool)> {
        self.life.ticker().map(|ticker| (ticker.ticktime().ticktime_ms(), ticker.is_changing()))
    }

    fn asked_to_set(
        &mut self,
        now: Instant,
        node: &Term,
        options: &Term,
    ) -> Result<RequestId, Reply> {
        let new = is(node, "new");
        let node = node_name(node);
        if !new && node.as_ref().is_none_or(|node| self.stream_of_link(node).is_err()) {
            return Err(Answer::SetOpts(Err(OptsError::NoConnection)).to_reply());
        }
        let options = options.as_list().ok_or(Reply::Nobody)?;
        let options =
            SocketOption::check(options).map_err(|error| Answer::SetOpts(Err(error)).to_reply())?;
        match node {
            Some(node) => Ok(self.setopts(now, &node, options)),
            None => Ok(self.setopts_new(now, options)),
        }
    }

    fn asked_for_options(
        &mut self,
        now: Instant,
        node: &Term,
        names: &Term,
    ) -> Result<RequestId, Reply> {
        let refused = |error| Answer::GetOpts(Err(error)).to_reply();
        let node = node_name(node).filter(|node| self.stream_of_link(node).is_ok());
        let node = node.ok_or_else(|| refused(OptsError::NoConnection))?;
        let names = names.as_list().ok_or(Reply::Nobody)?;
        let names: Option<Vec<OptionName>> =
            names.iter().map(|name| OptionName::named(name.as_atom()?.as_str()).ok()).collect();
        Ok(self.getopts(now, &node, names.ok_or_else(|| refused(OptsError::Invalid))?))
    }
}

impl Answer {
    /// What the caller of a [`request`](NetKernel::request) is told.
    #[must_use]
    pub fn to_reply(&self) -> Reply {
        match self {
            Self::Reply(reply) => reply.clone(),
            Self::Connected(result) => Reply::of(result.is_ok()),
            Self::Disconnected(result) => Reply::of(matches!(result, Ok(true))),
            Self::SetOpts(Ok(())) => Reply::word("ok"),
            Self::GetOpts(Ok(options)) => {
                let options = Term::list(options.iter().map(|option| option.to_term()));
                Reply::Term(Term::tuple([Term::literal("ok"), options]))
            }
            Self::SetOpts(Err(error)) | Self::GetOpts(Err(error)) => Reply::Term(error.to_term()),
            Self::Started(_)
            | Self::Stopped(_)
            | Self::AutoConnect(_)
            | Self::Names(_)
            | Self::NodeInfo(_)
            | Self::MonitorNode { .. }
            | Self::NodesInfo(_)
            | Self::Applied(_) => Reply::Never,
        }
    }
}

fn ongoing(ticktime_ms: u64) -> Reply {
    Reply::Term(Term::tuple([Term::literal("ongoing_change_to"), ticktime_ms.into()]))
}

/// `None` for what is no term, or too much of it.
fn read(body: &[u8]) -> Option<Term> {
    Reader::new(body).term(&Limits::default()).ok()
}

fn is(term: &Term, text: &str) -> bool {
    term.as_atom().is_some_and(|atom| atom.as_str() == text)
}

/// `None` for what cannot be a node: nothing is linked with that, and nothing can be.
fn node_name(term: &Term) -> Option<NodeName> {
    NodeName::new(term.as_atom()?.as_str()).ok()
}

/// Milliseconds, rounded up to whole seconds; what is less than nothing is nothing.
fn seconds(ms: &Term) -> Option<u32> {
    let ms = u64::try_from(ms.as_i64()?).unwrap_or(0);
    u32::try_from(ms.div_ceil(1000)).ok()
}
