//! Calls of `net_adm`, carried out as a runtime does it: by its kernel, its processes, and what its host says.

use std::collections::BTreeMap;

use netkernel_core::net_adm::{
    self as adm, HostFileError, Inquiry, Posix, Question, Step, SystemQuestion,
};
use netkernel_core::net_kernel::{Answer, NameDomain, NetKernel};
use netkernel_core::process::{Deliver as _, Reach};
use netkernel_core::term::Term;
use netkernel_core::{Instant, NodeName, PingId, RequestId};

use super::HostId;
use super::body::{Body, Message};
use super::call::Call;
use super::observe::{Fact, Kinds};
use super::shared::Shared;

/// A call that goes on, by its number.
#[derive(Debug)]
pub struct Going {
    number: u64,
    inquiry: Inquiry,
    /// The node that is being pinged.
    node: Option<NodeName>,
}

/// Those of one process.
#[derive(Debug, Default)]
pub struct Inquiries {
    last: u64,
    /// What the kernel is to answer.
    asked: BTreeMap<RequestId, Going>,
    pings: BTreeMap<PingId, Going>,
}

/// What an inquiry has waited for.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few at a time")]
pub enum Heard {
    /// The kernel has answered.
    Answer(Going, Answer),
    /// The node that was pinged has answered, or never will.
    Pong(PingId, bool),
}

/// The kernel, and what is around it.
pub(super) struct Inquirer<'a, 'c> {
    pub(super) kernel: &'a mut NetKernel,
    pub(super) body: &'a mut Body,
    pub(super) now: Instant,
    pub(super) shared: &'a mut Shared<'c>,
}

impl Inquirer<'_, '_> {
    pub(super) fn begin(&mut self, call: adm::Call) {
        self.body.inquiries.last += 1;
        let number = self.body.inquiries.last;
        let fact = || Fact::Inquired { number, call: call.clone() };
        self.shared.note(self.body.who(), Kinds::CALLS, fact);
        let state = self.kernel.get_state();
        let longnames = state.map(|state| state.name_domain == NameDomain::Longnames);
        let step = call.begin(longnames, &mut |_| ());
        self.go_on(number, step);
    }

    pub(super) fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Answer(going, Answer::Names(names)) => {
                self.tell(going, adm::Answer::Names(names));
            }
            Heard::Answer(going, Answer::Connected(Ok(()))) => self.ping(going),
            Heard::Answer(going, _) => self.pinged(going, false),
            Heard::Pong(ping, alive) => {
                if let Some(going) = self.body.inquiries.pings.remove(&ping) {
                    self.pinged(going, alive);
                }
            }
        }
    }

    fn go_on(&mut self, number: u64, mut step: Step) {
        loop {
            let (question, inquiry) = match step {
                Step::Ask(question, inquiry) => (question, inquiry),
                Step::Done(answer) => {
                    let fact = || Fact::Concluded { number, answer };
                    return self.shared.note(self.body.who(), Kinds::CALLS, fact);
                }
            };
            let answer = match question {
                Question::System(question) => system(self.body.host, &question, self.shared),
                Question::Names(host) => {
                    let request = self.kernel.names(self.now, &host);
                    self.made(request, Call::Names(host.to_string()));
                    let going = Going { number, inquiry, node: None };
                    self.body.inquiries.asked.insert(request, going);
                    return;
                }
                Question::Ping(node) if self.is_own(&node) => adm::Answer::Pinged(true),
                Question::Ping(node) => {
                    let request = self.kernel.connect_automatically(self.now, node.clone());
                    self.made(request, Call::ConnectAutomatically(node.clone()));
                    let going = Going { number, inquiry, node: Some(node) };
                    self.body.inquiries.asked.insert(request, going);
                    return;
                }
            };
            step = inquiry.told(answer, &mut |_| ());
        }
    }

    fn tell(&mut self, going: Going, answer: adm::Answer) {
        let step = going.inquiry.told(answer, &mut |_| ());
        self.go_on(going.number, step);
    }

    /// There is a link.
    fn ping(&mut self, going: Going) {
        let Some(node) = going.node.clone() else { return };
        if node == NodeName::nonode() {
            return self.pinged(going, true);
        }
        let begun = self.body.with_processes(None, self.shared, |processes, deliver| {
            let (ping, signals) = processes.ping(&node)?;
            let sent = signals
                .map(|signal| deliver.signal(node.as_atom(), signal))
                .iter()
                .all(|reach| *reach == Reach::Sent);
            if !sent {
                processes.cancel_ping(ping, deliver);
            }
            sent.then_some(ping)
        });
        match begun {
            Some(ping) => drop(self.body.inquiries.pings.insert(ping, going)),
            None => self.pinged(going, false),
        }
    }

    /// Who does not answer loses the link.
    fn pinged(&mut self, going: Going, pong: bool) {
        if let Some(node) = going.node.clone().filter(|_| !pong) {
            let request = self.kernel.disconnect_node(self.now, &node);
            self.made(request, Call::Disconnect(node));
        }
        self.tell(going, adm::Answer::Pinged(pong));
    }

    fn made(&mut self, request: RequestId, call: Call) {
        let fact = || Fact::Called { request: Some(request), call };
        self.shared.note(self.body.who(), Kinds::CALLS, fact);
    }

    fn is_own(&self, node: &NodeName) -> bool {
        self.body.identity.as_ref().is_some_and(|(own, _)| own == node)
    }
}

impl Body {
    /// Whether an inquiry waits for this answer: then it hears of it.
    pub(super) fn answers_inquiry(
        &mut self,
        request: RequestId,
        answer: &Answer,
        shared: &mut Shared<'_>,
    ) {
        if let Some(going) = self.inquiries.asked.remove(&request) {
            self.tell(Message::Heard(Heard::Answer(going, answer.clone())), shared);
        }
    }
}

/// What a host says of itself and of others.
pub(super) fn system(host: HostId, question: &SystemQuestion, shared: &Shared<'_>) -> adm::Answer {
    match question {
        SystemQuestion::DnsHostname(name) => {
            let found = shared.resolve(host, name);
            adm::Answer::DnsHostname(match found {
                Some(found) => Ok(format!("h{}", found.0)),
                None => Err(Term::string(name)),
            })
        }
        SystemQuestion::HostFile => adm::Answer::HostFile(host_file(host, shared.hosts.len())),
        SystemQuestion::Localhost => adm::Answer::Localhost(format!("h{}", host.0)),
    }
}

/// All hosts, and one that is nowhere. One in three has no such file.
pub fn host_file(host: HostId, hosts: usize) -> Result<Vec<Term>, HostFileError> {
    if host.0 % 3 == 2 {
        return Err(HostFileError::Posix(Posix::Enoent));
    }
    let names = (0..hosts).map(|number| format!("h{number}")).chain(["nowhere".to_owned()]);
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}
