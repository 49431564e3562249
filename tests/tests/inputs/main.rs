//! `Arbitrary`, both of the crate arbitrary and of the crate proptest, for every public type that is handed to core.
//!
//! Which these are is read from the sources: no list can forget one. Nor can that of the machines in `machines`.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(clippy::wildcard_enum_match_arm, reason = "most of Rust hands nothing over")]

mod draw;
mod scan;

use std::collections::BTreeSet;
use std::path::Path;

use draw::{borrowed, owned};
use scan::{At, Sources};

/// Looks at some values of each type, and gives its path.
macro_rules! each {
    ($look:ident: $($path:path),* $(,)?) => {
        vec![$({
            $look::<$path>(stringify!($path));
            stringify!($path)
        }),*]
    };
}

mod machines;

/// Those that own what they have.
fn look_at_owned() -> Vec<&'static str> {
    use netkernel_core as core;

    each![owned:
        core::Challenge,
        core::Cookie,
        core::Creation,
        core::Digest,
        core::Entropy,
        core::Family,
        core::Flags,
        core::Instant,
        core::LinkId,
        core::MailboxId,
        core::NameError,
        core::NodeName,
        core::NodeType,
        core::PeerName,
        core::PingId,
        core::RequestId,
        core::StreamId,
        core::calls::erpc::ErpcFailure,
        core::calls::erpc::Exception,
        core::epmd::NamesError,
        core::epmd_server::Config,
        core::handshake::AcceptorConfig,
        core::handshake::AllowList,
        core::handshake::Greeting,
        core::handshake::InitiatorConfig,
        core::handshake::NokCause,
        core::handshake::Own,
        core::handshake::Refusal,
        core::handshake::Welcome,
        core::link::Batch,
        core::link::Frame,
        core::link::Limits,
        core::link::Origin,
        core::liveness::Traffic,
        core::net_adm::Answer,
        core::net_adm::Call,
        core::net_adm::Host,
        core::net_adm::HostFileError,
        core::net_adm::Posix,
        core::net_adm::SyntaxError,
        core::net_adm::WorldError,
        core::net_kernel::Address,
        core::net_kernel::Config,
        core::net_kernel::DistAutoConnect,
        core::net_kernel::InfoKey,
        core::net_kernel::Input,
        core::net_kernel::NameDomain,
        core::net_kernel::NodeDownReason,
        core::net_kernel::NodeKinds,
        core::net_kernel::OptionName,
        core::net_kernel::OptsError,
        core::net_kernel::OwnName,
        core::net_kernel::Reply,
        core::net_kernel::SamplePurpose,
        core::net_kernel::SocketOption,
        core::net_kernel::StartOptions,
        core::net_kernel::Started,
        core::net_kernel::mfa::Call,
        core::net_kernel::mfa::MonitorNode,
        core::net_kernel::mfa::NodeKeys,
        core::net_kernel::subscriptions::ConnectionId,
        core::net_kernel::subscriptions::MonitorNodesError,
        core::net_kernel::subscriptions::MonitorOptions,
        core::net_kernel::subscriptions::NodeChange,
        core::net_kernel::subscriptions::NodeTypes,
        core::process::AliasOption,
        core::process::Function,
        core::process::Limits,
        core::process::Mfa,
        core::process::MonitorAlias,
        core::process::Reach,
        core::process::ReplyOptions,
        core::process::ReplyWhen,
        core::process::SpawnMonitor,
        core::process::SpawnOptions,
        core::process::Spawning,
        core::process::Target,
        core::stream::CloseCause,
        core::stream::OpenError,
        core::stream::Promotion,
        core::stream::Violation,
        core::term::Atom,
        core::term::BitString,
        core::term::Export,
        core::term::Float,
        core::term::Fun,
        core::term::Integer,
        core::term::Limits,
        core::term::List,
        core::term::Map,
        core::term::Pid,
        core::term::Port,
        core::term::Record,
        core::term::Reference,
        core::term::Term,
        core::term::TermError,
        core::ticker::NetTicktime,
        core::wire::control::Content,
        core::wire::control::Control,
        core::wire::control::Monitored,
        core::wire::control::Receiver,
        core::wire::control::SpawnFlags,
        core::wire::control::SpawnRequest,
        core::wire::control::Spawned,
        core::wire::control::Token,
        core::wire::dist_header::Place,
        core::wire::epmd::Alive2Resp,
        core::wire::epmd::KillResp,
        core::wire::epmd::PortInfo,
        core::wire::epmd::StopResp,
        core::wire::framing::Framing,
        core::wire::handshake::ChallengeAck,
        core::wire::handshake::ChallengeMessage,
        core::wire::handshake::ChallengeReply,
        core::wire::handshake::Complement,
        core::wire::handshake::SendName,
        core::wire::handshake::Status,
    ]
}

/// Those that borrow from bytes or text; a strategy could not give them what they borrow from.
fn look_at_borrowed() -> Vec<&'static str> {
    use netkernel_core as core;

    each![borrowed:
        core::start_flags::ThisHost<'_>,
        core::term::TermRef<'_>,
        core::wire::epmd::DumpRecord<'_>,
        core::wire::epmd::Entry<'_>,
        core::wire::epmd::Extra<'_>,
        core::wire::epmd::Listing<'_>,
        core::wire::epmd::Name<'_>,
        core::wire::epmd::NameLine<'_>,
        core::wire::epmd::Port2Resp<'_>,
        core::wire::epmd::Request<'_>,
    ]
}

fn of_core() -> Sources {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    Sources::read(&top.join("core/src"))
}

#[test]
fn every_type_that_is_handed_to_core_can_be_drawn() {
    let listed: Vec<&str> = [look_at_owned(), look_at_borrowed()].concat();
    let sources = of_core();
    let listed: BTreeSet<At> = listed.iter().map(|path| sources.find(path)).collect();
    assert_eq!(sources.inputs(), listed);
}

#[test]
fn whatever_a_function_takes_is_found() {
    let sources = Sources::of(
        "pub mod a { mod b; pub use b::{Given, Inner as Renamed}; use super::Own; \
         pub fn f(_: &Given, _: &mut Machine, _: Option<Vec<Renamed>>) -> Answer {} \
         pub struct Machine; pub struct Answer; pub struct Message; struct Hidden; \
         impl Message { pub fn emit(&self) {} fn private(_: Answer) {} } \
         impl Machine { pub fn g(&mut self, _: Own) {} } \
         pub trait Host { fn carry_out(&mut self, _: Answer) -> Option<Done>; } pub enum Done {} }
         pub struct Own { pub open: [Part; 2], closed: Other } pub enum Part { P(Seen) } \
         pub struct Other; pub struct Seen; id! { /// Of what, else.
         Number, \"#\" } pub fn h(_: Number) {}",
        "pub struct Given; pub struct Inner;",
    );
    let found: Vec<String> = sources.inputs().iter().map(|at| at.join("::")).collect();
    assert_eq!(
        found,
        ["Number", "Own", "Part", "Seen", "a::Done", "a::Message", "a::b::Given", "a::b::Inner"]
    );
}
