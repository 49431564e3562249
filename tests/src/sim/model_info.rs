//! What the model of a node knows of its connection table: `node_info/1`, `node_info/2` and `nodes_info/0`.

use std::collections::BTreeMap;

use netkernel_core::net_kernel::{Answer, BadNode, ConnectionInfo, ConnectionState, InfoKey};
use netkernel_core::term::Term;
use netkernel_core::{LinkId, NodeName, NodeType, RequestId};

use super::model::Model;

/// A call that asks about the table.
#[derive(Clone, Debug)]
pub(super) struct Inquiry {
    about: About,
    rows: BTreeMap<NodeName, Known>,
}

#[derive(Clone, Copy, Debug)]
enum About {
    One,
    Key(Option<InfoKey>),
    All,
}

/// What was known of a node when it was asked about.
#[derive(Clone, Debug)]
struct Known {
    /// That of the row, as it was then.
    state: ConnectionState,
    node_type: Option<NodeType>,
    link: Option<LinkId>,
    /// A newer connection may be there.
    replaced: bool,
    /// The row may as well be none.
    unsure: bool,
    /// Bytes received and frames sent, once they were read for this call.
    counted: Option<(u64, u64)>,
}

impl Known {
    fn candidates(&self, node: &NodeName) -> Vec<ConnectionInfo> {
        let zero = |state, node_type| ConnectionInfo {
            node: node.clone(),
            state,
            node_type,
            received: 0,
            sent: 0,
        };
        match self.state {
            ConnectionState::Up => {
                let up = self.counted.map(|(received, sent)| ConnectionInfo {
                    received,
                    sent,
                    ..zero(ConnectionState::Up, self.node_type)
                });
                let replaced =
                    self.replaced.then(|| zero(ConnectionState::UpPending, self.node_type));
                up.into_iter().chain(replaced).collect()
            }
            // Who began it, and for whom, is not known.
            ConnectionState::Pending => {
                let types = [None, Some(NodeType::Visible), self.node_type];
                types.map(|node_type| zero(ConnectionState::Pending, node_type)).into()
            }
            state @ (ConnectionState::UpPending
            | ConnectionState::Closing
            | ConnectionState::Barred) => vec![zero(state, self.node_type)],
        }
    }
}

impl Model {
    /// `nodes_info/0`.
    pub(super) fn asked_of_all(&mut self, request: RequestId) {
        let rows = self.known_rows().collect();
        self.inquiries.insert(request, Inquiry { about: About::All, rows });
    }

    /// `node_info/1`.
    pub(super) fn asked_of_one(&mut self, request: RequestId, node: &str) {
        self.ask(request, About::One, node);
    }

    /// `node_info/2`.
    pub(super) fn asked_for_key(&mut self, request: RequestId, node: &str, key: Option<InfoKey>) {
        self.ask(request, About::Key(key), node);
    }

    fn ask(&mut self, request: RequestId, about: About, node: &str) {
        let rows = self.known_rows().filter(|(name, _)| name.as_str() == node).collect();
        self.inquiries.insert(request, Inquiry { about, rows });
    }

    fn known_rows(&self) -> impl Iterator<Item = (NodeName, Known)> {
        let known = |state, node_type, link| {
            let replaced = self.may_replace();
            Known { state, node_type, link, replaced, unsure: false, counted: None }
        };
        let rows = self.rows().map(move |(node, link, up, closing)| {
            let known = match (up, closing) {
                (None, _) => {
                    let hidden = self.has_hidden_wish(node).then_some(NodeType::Hidden);
                    known(ConnectionState::Pending, hidden, None)
                }
                (up, false) => known(ConnectionState::Up, up, Some(link)),
                (up, true) => known(ConnectionState::Closing, up, None),
            };
            (node.clone(), known)
        });
        // Of names that a node has given, it forgets those that nobody has any more.
        let unsure = self.manner().among_dynamic;
        let barred = self.barred().map(move |node| {
            let barred = known(ConnectionState::Barred, None, None);
            (node.clone(), Known { unsure, ..barred })
        });
        rows.chain(barred)
    }

    /// The counters of a link were read.
    pub fn sampled(&mut self, link: LinkId, received: u64, sent: u64) {
        let rows = self.inquiries.values_mut().flat_map(|inquiry| inquiry.rows.values_mut());
        for known in rows.filter(|known| known.link == Some(link)) {
            known.counted.get_or_insert((received, sent));
        }
    }

    /// Judges the answer to a call about the table; `None` if it is none.
    pub(super) fn informed(&mut self, request: RequestId, answer: &Answer) -> Option<bool> {
        let Inquiry { about, rows } = self.inquiries.remove(&request)?;
        // It has ended before its counters were read.
        let is_gone = |known: &Known| {
            known.unsure || known.link.is_some_and(|link| self.rows().all(|(_, of, ..)| of != link))
        };
        let one = rows.iter().next();
        Some(match (about, answer) {
            (About::One, Answer::NodeInfo(Ok(info))) => {
                one.is_some_and(|(node, known)| known.candidates(node).contains(info))
            }
            (About::One, Answer::NodeInfo(Err(BadNode))) => {
                one.is_none_or(|(_, known)| is_gone(known))
            }
            (About::Key(_), Answer::Applied(Ok(term))) if *term == read("{error,bad_node}") => {
                one.is_none_or(|(_, known)| is_gone(known))
            }
            (About::Key(key), Answer::Applied(Ok(term))) => one.is_some_and(|(node, known)| {
                let candidates = known.candidates(node);
                candidates.iter().any(|info| *term == told(info, key))
            }),
            (About::All, Answer::NodesInfo(infos)) => {
                let sorted = infos.is_sorted_by(|one, other| one.node < other.node);
                let true_of = |info: &ConnectionInfo| {
                    rows.get(&info.node)
                        .is_some_and(|known| known.candidates(&info.node).contains(info))
                };
                let told = |node: &NodeName| infos.iter().any(|info| info.node == *node);
                let left_out = rows.iter().filter(|(node, _)| !told(node));
                sorted
                    && infos.iter().all(true_of)
                    && left_out.into_iter().all(|(_, it)| is_gone(it))
            }
            _ => false,
        })
    }
}

/// What `node_info/2` says of it.
fn told(info: &ConnectionInfo, key: Option<InfoKey>) -> Term {
    let value = match key {
        None => return read("{error,invalid_key}"),
        Some(InfoKey::State) => info.state.to_string(),
        Some(InfoKey::Type) => match info.node_type {
            None => "undefined".to_owned(),
            Some(NodeType::Visible) => "normal".to_owned(),
            Some(NodeType::Hidden) => "hidden".to_owned(),
        },
        Some(InfoKey::In) => info.received.to_string(),
        Some(InfoKey::Out) => info.sent.to_string(),
    };
    read(&format!("{{ok,{value}}}"))
}

fn read(text: &str) -> Term {
    text.parse().unwrap_or(Term::NIL)
}
