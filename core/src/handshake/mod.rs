//! The distribution handshake, as two machines that exchange bytes.
//!
//! [`Initiator`] is the side that dialled, [`Acceptor`] the side that listens. Both are fed with whatever the stream brings,
//! in whatever pieces, and append what is to be written to a buffer of the caller. They consume themselves: each step
//! gives the machine back, or a question that must be answered, or the end.
//!
//! Nothing here knows the connection table. Where the kernel has to decide, a step carries a value with the answers as
//! methods: [`Admission`] (may this peer connect now?), [`Confirmation`] (the peer is who it says; is its old link gone?) and
//! [`Remark`] (the peer still has a link with us; do we want a new one?).

mod acceptor;
mod allow_list;
mod failure;
mod initiator;
mod packets;

pub use acceptor::{
    Acceptor, AcceptorConfig, AcceptorStep, Admission, Confirmation, Greeting, NokCause, Refusal,
    Welcome,
};
pub use allow_list::AllowList;
pub use failure::{Failure, Stage};
pub use initiator::{Initiator, InitiatorConfig, InitiatorStep, Remark};

use bytes::Bytes;

use crate::creation::Creation;
use crate::flags::{Flags, NodeType};
use crate::name::{NodeName, PeerName};

/// How this node introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Own {
    /// Under its name.
    Named {
        /// The name, in the form of the wire.
        name: PeerName,
        /// This incarnation of it.
        creation: Creation,
    },
    /// As a node that asks its peer for a name (`NAME_ME`): only by its host.
    Nameless {
        /// The host.
        host: PeerName,
    },
}

/// What a handshake that succeeded agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Established {
    /// The peer.
    pub node: NodeName,
    /// Its creation.
    pub creation: Creation,
    /// The flags of both sides, intersected.
    pub flags: Flags,
    /// Visible if both sides wished it.
    pub node_type: NodeType,
    /// The name and creation that the peer gave us, if we asked for them.
    pub given: Option<(NodeName, Creation)>,
    //= docs/spec/handshake.md#hs-residue
    /// What arrived behind the last packet: the first bytes of the channel.
    pub residue: Bytes,
}
