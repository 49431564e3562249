//! Erlang's `net_adm`: which nodes there are.

use core::time::Duration;

use netkernel_core::NodeName;
use netkernel_core::epmd::NamesError;
use netkernel_core::net_adm::{self as adm, Host, HostFileError, Question, Step, WorldError};
use netkernel_core::net_kernel::Answer;
use netkernel_core::term::Term;

use crate::host_dirs::HostDirs;
use crate::node::Node;
use crate::ping::{self, PingError};
use crate::shared::{Call, net_adm};
use crate::verbosity::Verbosity;

impl Node {
    //= docs/spec/net_adm.md#adm-ping
    /// Connects to a node if there is no link and `dist_auto_connect` allows it
    /// ([`Config::auto_connect`](netkernel_core::net_kernel::Config::auto_connect)), and asks whether it answers (`net_adm:ping/1`). A limit
    /// counts from the call, so also for the attempt to connect, which goes on after it. Without one it waits as long as attempt and
    /// link last, as Erlang does. If there is no answer, the link is ended.
    ///
    /// # Errors
    /// [`PingError`]: Erlang's `pang`, and why.
    pub fn ping(
        &self,
        node: &NodeName,
        limit: impl Into<Option<Duration>>,
    ) -> Result<(), PingError> {
        let result = ping::ping(&self.handle, node, limit.into());
        if result.is_err() {
            let _ = self.disconnect_node(node);
        }
        result
    }

    /// The names that the EPMD of a host knows, with their ports (`net_adm:names/1`; `names/0` asks [`Self::localhost`]). Works while
    /// this node is not alive. A text is a name, whose IPv4 addresses are asked; an address is asked itself.
    ///
    /// # Errors
    /// [`NamesError`] says why they are not known; its [`reason`](NamesError::reason) is Erlang's.
    pub fn names(&self, host: impl Into<Host>) -> Result<Vec<(String, u16)>, NamesError> {
        match self.handle.call_blocking(Call::Names(host.into())) {
            Some(Answer::Names(result)) => result,
            Some(_) | None => Err(NamesError::NoReply),
        }
    }

    /// All nodes that answer a ping, on all hosts of the host file in these directories (`net_adm:world/1`), this one among them. One
    /// that is not alive finds none.
    ///
    /// # Errors
    /// The exception that Erlang ends with, which it also does if there is no host file.
    pub fn world(
        &self,
        directories: &HostDirs,
        verbosity: Verbosity<'_>,
    ) -> Result<Vec<NodeName>, WorldError> {
        self.walk(adm::Call::World { verbose: true }, directories, verbosity)
    }

    /// As [`Self::world`], on the hosts of this list of atoms (`net_adm:world_list/2`).
    ///
    /// # Errors
    /// The exception that Erlang ends with.
    pub fn world_list(
        &self,
        hosts: &Term,
        verbosity: Verbosity<'_>,
    ) -> Result<Vec<NodeName>, WorldError> {
        let call = adm::Call::WorldList { hosts: hosts.clone(), verbose: true };
        self.walk(call, &HostDirs::default(), verbosity)
    }

    fn walk(
        &self,
        call: adm::Call,
        directories: &HostDirs,
        verbosity: Verbosity<'_>,
    ) -> Result<Vec<NodeName>, WorldError> {
        let answer = self.inquire(call, directories, verbosity);
        if let adm::Answer::World(nodes) = answer { nodes } else { Ok(Vec::new()) }
    }

    /// Carries out a call of any function of `net_adm`.
    pub(crate) fn inquire(
        &self,
        call: adm::Call,
        directories: &HostDirs,
        mut verbosity: Verbosity<'_>,
    ) -> adm::Answer {
        let longnames = self.longnames();
        let mut step = call.begin(longnames, &mut |text| verbosity.tell(text));
        loop {
            let (question, inquiry) = match step {
                Step::Ask(question, inquiry) => (question, inquiry),
                Step::Done(answer) => return answer,
            };
            let answer = match question {
                Question::Names(host) => adm::Answer::Names(self.names(host)),
                Question::Ping(node) => adm::Answer::Pinged(self.ping(&node, None).is_ok()),
                Question::System(question) => {
                    net_adm::answer(question, directories, longnames.unwrap_or(false))
                }
            };
            step = inquiry.told(answer, &mut |text| verbosity.tell(text));
        }
    }

    fn longnames(&self) -> Option<bool> {
        net_adm::longnames(self.get_state().as_ref())
    }

    /// The name of this host, with its domain if that is known (`net_adm:localhost/0`). Only a node with a long name looks into
    /// `resolv.conf` for it.
    #[must_use]
    pub fn localhost(&self) -> String {
        net_adm::localhost(self.longnames().unwrap_or(false))
    }

    /// The hosts of the host file in these directories, or whatever terms it has (`net_adm:host_file/0`).
    ///
    /// # Errors
    /// [`HostFileError`]: Erlang's `{error,Reason}`.
    pub fn host_file(directories: &HostDirs) -> Result<Vec<Term>, HostFileError> {
        net_adm::host_file(directories)
    }

    //= docs/spec/net_adm.md#adm-dns-hostname
    /// The official name of a host (`net_adm:dns_hostname/1`).
    ///
    /// # Errors
    /// The host, if it has no IPv4 address.
    pub fn dns_hostname(host: &str) -> Result<String, String> {
        net_adm::dns_hostname(host)
    }
}
