//! Calls with values of Rust, of either runtime: the runtimes' own methods.

use core::time::Duration;

use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::term::Atom;
use netkernel_blocking::{CallError, Client, ErpcError, RpcError, SendError, Target, ValueError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Mailbox, either};

#[expect(missing_docs, clippy::missing_errors_doc, reason = "each is the runtimes' own method")]
impl Mailbox {
    pub fn call_as<R: DeserializeOwned>(
        &self,
        server: impl Into<Target>,
        request: &(impl Serialize + ?Sized),
        limit: Option<Duration>,
    ) -> Result<R, ValueError<CallError>> {
        either!(self.call_as(server, request, limit).await)
    }

    pub fn cast_as(
        &self,
        server: impl Into<Target>,
        request: &(impl Serialize + ?Sized),
    ) -> Result<(), ValueError<SendError>> {
        either!(self.cast_as(server, request).await)
    }

    pub fn reply_as(
        &self,
        client: &Client,
        reply: &(impl Serialize + ?Sized),
    ) -> Result<(), ValueError<SendError>> {
        either!(self.reply_as(client, reply).await)
    }

    pub fn erpc_call_as<R: DeserializeOwned>(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &(impl Serialize + ?Sized),
        limit: Option<Duration>,
    ) -> Result<R, ValueError<ErpcError>> {
        either!(self.erpc_call_as(node, module, function, arguments, limit).await)
    }

    pub fn erpc_cast_as(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<(), ValueError<SendError>> {
        either!(self.erpc_cast_as(node, module, function, arguments).await)
    }

    pub fn rpc_call_as<R: DeserializeOwned>(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &(impl Serialize + ?Sized),
        limit: Option<Duration>,
    ) -> Result<R, ValueError<RpcError>> {
        either!(self.rpc_call_as(node, module, function, arguments, limit).await)
    }
}
