//! The functions of `net_adm`, question by question.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Host, HostFileError, World, WorldError, WorldStep};
use crate::epmd::NamesError;
use crate::name::NodeName;
use crate::term::{Atom, Term};

/// A call of a function of `net_adm`, whose arguments have the right form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Call {
    /// `dns_hostname/1`; what is no name has none.
    DnsHostname(Term),
    /// `host_file/0`.
    HostFile,
    /// `localhost/0`.
    Localhost,
    /// `names/1`, or `names/0` without a host.
    Names(Option<Host>),
    /// `ping/1`; what is no name of a node does not answer.
    Ping(Atom),
    /// `world/0` and `world/1`.
    World {
        /// Whether the pings are told.
        verbose: bool,
    },
    /// `world_list/1` and `world_list/2`.
    WorldList {
        /// The hosts, as they were given.
        hosts: Term,
        /// As above.
        verbose: bool,
    },
}

/// What a call returns, or a question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(any(test, feature = "proptest"), derive(proptest_derive::Arbitrary))]
pub enum Answer {
    /// The official name, or what was asked for.
    DnsHostname(Result<String, Term>),
    /// The terms of the host file.
    HostFile(Result<Vec<Term>, HostFileError>),
    /// The name of this host.
    Localhost(String),
    /// The names that an EPMD knows, with their ports.
    Names(Result<Vec<(String, u16)>, NamesError>),
    /// Whether the node answered.
    Pinged(bool),
    /// The nodes that answered.
    World(Result<Vec<NodeName>, WorldError>),
}

/// What a call needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Ask the EPMD of this host: [`Answer::Names`].
    Names(Host),
    /// Ping this node: [`Answer::Pinged`].
    Ping(NodeName),
    /// Ask the operating system.
    System(SystemQuestion),
}

/// What only the operating system knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SystemQuestion {
    /// The official name of this host: [`Answer::DnsHostname`].
    DnsHostname(String),
    /// The host file: [`Answer::HostFile`].
    HostFile,
    /// The name of this host: [`Answer::Localhost`].
    Localhost,
}

/// Where a call is: it asks, or it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Step {
    /// Asks, and goes on when it is [`told`](Inquiry::told) the answer.
    Ask(Question, Inquiry),
    /// That is what the call returns.
    Done(Answer),
}

/// A call that waits for an answer.
///
/// What a verbose call prints is given to `tell`, in pieces, when Erlang prints it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inquiry(Waiting);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Waiting {
    /// For what the call returns.
    Answer,
    /// As above, but if it fails, this is given back.
    Hostname(Term),
    /// For this host's name, to ask it for names.
    OwnHost,
    /// For the hosts to walk over.
    Hosts {
        longnames: Option<bool>,
        verbose: bool,
    },
    Walk {
        world: World,
        verbose: bool,
    },
}

impl Call {
    /// Begins the call, of a node with a long name or a short one; `None` is one that is not alive.
    pub fn begin(self, longnames: Option<bool>, tell: &mut dyn FnMut(&str)) -> Step {
        let ask = |question, waiting| Step::Ask(question, Inquiry(waiting));
        let system = |question, waiting| ask(Question::System(question), waiting);
        match self {
            Self::DnsHostname(host) => match Host::of_term(&host) {
                Ok(Host::Name(name)) => {
                    system(SystemQuestion::DnsHostname(name), Waiting::Hostname(host))
                }
                Ok(Host::Address(_)) | Err(_) => Step::Done(Answer::DnsHostname(Err(host))),
            },
            Self::HostFile => system(SystemQuestion::HostFile, Waiting::Answer),
            Self::Localhost => system(SystemQuestion::Localhost, Waiting::Answer),
            Self::Names(Some(host)) => ask(Question::Names(host), Waiting::Answer),
            Self::Names(None) => system(SystemQuestion::Localhost, Waiting::OwnHost),
            Self::Ping(node) => match NodeName::new(&node) {
                Ok(node) => ask(Question::Ping(node), Waiting::Answer),
                Err(_) => Step::Done(Answer::Pinged(false)),
            },
            Self::World { verbose } => {
                system(SystemQuestion::HostFile, Waiting::Hosts { longnames, verbose })
            }
            Self::WorldList { hosts, verbose } => match World::of_term(&hosts, longnames) {
                Ok(world) => walk(world, verbose, tell),
                Err(error) => Step::Done(Answer::World(Err(error))),
            },
        }
    }
}

impl Inquiry {
    /// The answer to what was asked.
    pub fn told(self, answer: Answer, tell: &mut dyn FnMut(&str)) -> Step {
        match (self.0, answer) {
            (Waiting::Hostname(host), Answer::DnsHostname(Err(_))) => {
                Step::Done(Answer::DnsHostname(Err(host)))
            }
            (Waiting::OwnHost, Answer::Localhost(host)) => {
                Step::Ask(Question::Names(Host::Name(host)), Self(Waiting::Answer))
            }
            (Waiting::Hosts { longnames, verbose }, Answer::HostFile(hosts)) => {
                match World::of_file(hosts, longnames) {
                    Ok(world) => walk(world, verbose, tell),
                    Err(error) => Step::Done(Answer::World(Err(error))),
                }
            }
            (Waiting::Walk { mut world, verbose }, Answer::Names(names)) => {
                match world.named(names) {
                    Ok(()) => walk(world, verbose, tell),
                    Err(error) => Step::Done(Answer::World(Err(error))),
                }
            }
            (Waiting::Walk { mut world, verbose }, Answer::Pinged(pong)) => {
                world.pinged(pong, &mut |text| {
                    if verbose {
                        tell(text);
                    }
                });
                walk(world, verbose, tell)
            }
            // What was not asked for is all that there is to say.
            (_, answer) => Step::Done(answer),
        }
    }
}

/// The next step of a walk.
fn walk(mut world: World, verbose: bool, tell: &mut dyn FnMut(&str)) -> Step {
    let step = world.step(&mut |text| {
        if verbose {
            tell(text);
        }
    });
    let question = match step {
        Ok(WorldStep::Names(host)) => Question::Names(host),
        Ok(WorldStep::Ping(node)) => Question::Ping(node),
        Ok(WorldStep::Done(nodes)) => return Step::Done(Answer::World(Ok(nodes))),
        Err(error) => return Step::Done(Answer::World(Err(error))),
    };
    Step::Ask(question, Inquiry(Waiting::Walk { world, verbose }))
}
