//! Erlang's `net_adm`: which nodes there are.

use core::time::Duration;

use blocking::unblock;
use netkernel_blocking::shared::{Call, net_adm};
use netkernel_blocking::{HostDirs, PingError, Verbosity};
use netkernel_core::NodeName;
use netkernel_core::epmd::NamesError;
use netkernel_core::net_adm::{self as adm, Host, HostFileError, Question, Step, WorldError};
use netkernel_core::net_kernel::Answer;
use netkernel_core::term::Term;

use crate::node::Node;
use crate::ping;

impl Node {
    //= docs/spec/net_adm.md#adm-ping
    /// Connects to a node if there is no link and `dist_auto_connect` allows it
    /// ([`Config::auto_connect`](netkernel_core::net_kernel::Config::auto_connect)), and asks whether it answers (`net_adm:ping/1`). A limit
    /// counts from the call, so also for the attempt to connect, which goes on after it. Without one it waits as long as attempt and
    /// link last, as Erlang does. If there is no answer, the link is ended.
    ///
    /// # Errors
    /// [`PingError`]: Erlang's `pang`, and why.
    pub async fn ping(
        &self,
        node: &NodeName,
        limit: impl Into<Option<Duration>>,
    ) -> Result<(), PingError> {
        let result = ping::ping(&self.handle, node, limit.into()).await;
        if result.is_err() {
            let _ = self.disconnect_node(node).await;
        }
        result
    }

    /// The names that the EPMD of a host knows, with their ports (`net_adm:names/1`; `names/0` asks [`Self::localhost`]). Works while
    /// this node is not alive. A text is a name, whose IPv4 addresses are asked; an address is asked itself.
    ///
    /// # Errors
    /// [`NamesError`] says why they are not known; its [`reason`](NamesError::reason) is Erlang's.
    pub async fn names(&self, host: impl Into<Host>) -> Result<Vec<(String, u16)>, NamesError> {
        match self.handle.call(Call::Names(host.into())).await {
            Some(Answer::Names(result)) => result,
            Some(_) | None => Err(NamesError::NoReply),
        }
    }

    /// All nodes that answer a ping, on all hosts of the host file in these directories (`net_adm:world/1`), this one among them. One
    /// that is not alive finds none.
    ///
    /// # Errors
    /// The exception that Erlang ends with, which it also does if there is no host file.
    pub async fn world(
        &self,
        directories: &HostDirs,
        verbosity: Verbosity<'_>,
    ) -> Result<Vec<NodeName>, WorldError> {
        self.walk(adm::Call::World { verbose: true }, directories, verbosity).await
    }

    /// As [`Self::world`], on the hosts of this list of atoms (`net_adm:world_list/2`).
    ///
    /// # Errors
    /// The exception that Erlang ends with.
    pub async fn world_list(
        &self,
        hosts: &Term,
        verbosity: Verbosity<'_>,
    ) -> Result<Vec<NodeName>, WorldError> {
        let call = adm::Call::WorldList { hosts: hosts.clone(), verbose: true };
        self.walk(call, &HostDirs::default(), verbosity).await
    }

    async fn walk(
        &self,
        call: adm::Call,
        directories: &HostDirs,
        verbosity: Verbosity<'_>,
    ) -> Result<Vec<NodeName>, WorldError> {
        let answer = self.inquire(call, directories, verbosity).await;
        if let adm::Answer::World(nodes) = answer { nodes } else { Ok(Vec::new()) }
    }

    /// Carries out a call of any function of `net_adm`.
    pub(crate) async fn inquire(
        &self,
        call: adm::Call,
        directories: &HostDirs,
        mut verbosity: Verbosity<'_>,
    ) -> adm::Answer {
        let longnames = self.longnames().await;
        let mut step = call.begin(longnames, &mut |text| verbosity.tell(text));
        loop {
            let (question, inquiry) = match step {
                Step::Ask(question, inquiry) => (question, inquiry),
                Step::Done(answer) => return answer,
            };
            let answer = match question {
                Question::Names(host) => adm::Answer::Names(self.names(host).await),
                Question::Ping(node) => adm::Answer::Pinged(self.ping(&node, None).await.is_ok()),
                Question::System(question) => {
                    let (directories, longnames) =
                        (directories.clone(), longnames.unwrap_or(false));
                    unblock(move || net_adm::answer(question, &directories, longnames)).await
                }
            };
            step = inquiry.told(answer, &mut |text| verbosity.tell(text));
        }
    }

    async fn longnames(&self) -> Option<bool> {
        net_adm::longnames(self.get_state().await.as_ref())
    }

    /// The name of this host, with its domain if that is known (`net_adm:localhost/0`). Only a node with a long name looks into
    /// `resolv.conf` for it.
    #[must_use]
    pub async fn localhost(&self) -> String {
        let longnames = self.longnames().await.unwrap_or(false);
        unblock(move || net_adm::localhost(longnames)).await
    }

    /// The hosts of the host file in these directories, or whatever terms it has (`net_adm:host_file/0`).
    ///
    /// # Errors
    /// [`HostFileError`]: Erlang's `{error,Reason}`.
    pub async fn host_file(directories: &HostDirs) -> Result<Vec<Term>, HostFileError> {
        let directories = directories.clone();
        unblock(move || net_adm::host_file(&directories)).await
    }

    //= docs/spec/net_adm.md#adm-dns-hostname
    /// The official name of a host (`net_adm:dns_hostname/1`).
    ///
    /// # Errors
    /// The host, if it has no IPv4 address.
    pub async fn dns_hostname(host: &str) -> Result<String, String> {
        let host = host.to_owned();
        unblock(move || net_adm::dns_hostname(&host)).await
    }
}
