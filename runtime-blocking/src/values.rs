//! Calls with values of Rust, by the conventions of `core::term::serde`.

use core::time::Duration;

use netkernel_core::NodeName;
use netkernel_core::calls::gen_server::Client;
use netkernel_core::calls::values::to_arguments;
use netkernel_core::process::Target;
use netkernel_core::term::Atom;
use netkernel_core::term::serde::to_term;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call_error::{CallError, ErpcError, RpcError};
use crate::item::SendError;
use crate::mailbox::Mailbox;
use crate::shared::{ValueError, given_value};

impl Mailbox {
    /// As [`Self::call`], with values of Rust both ways.
    ///
    /// # Errors
    /// [`ValueError`].
    //= docs/spec/calls.md#values-call
    pub fn call_as<R: DeserializeOwned>(
        &self,
        server: impl Into<Target>,
        request: &(impl Serialize + ?Sized),
        limit: Option<Duration>,
    ) -> Result<R, ValueError<CallError>> {
        let request = to_term(request).map_err(ValueError::Request)?;
        given_value(self.call(server, &request, limit))
    }

    /// As [`Self::cast`], with a value of Rust.
    ///
    /// # Errors
    /// [`ValueError::Request`], [`ValueError::Call`].
    pub fn cast_as(
        &self,
        server: impl Into<Target>,
        request: &(impl Serialize + ?Sized),
    ) -> Result<(), ValueError<SendError>> {
        let request = to_term(request).map_err(ValueError::Request)?;
        self.cast(server, &request).map_err(ValueError::Call)
    }

    /// As [`Self::reply`], with a value of Rust.
    ///
    /// # Errors
    /// [`ValueError::Request`], [`ValueError::Call`].
    pub fn reply_as(
        &self,
        client: &Client,
        reply: &(impl Serialize + ?Sized),
    ) -> Result<(), ValueError<SendError>> {
        let reply = to_term(reply).map_err(ValueError::Request)?;
        self.reply(client, &reply).map_err(ValueError::Call)
    }

    /// As [`Self::erpc_call`], with values of Rust both ways. `arguments` is a tuple such as `(1, "a")`, a sequence, or `()`.
    ///
    /// # Errors
    /// [`ValueError`].
    pub fn erpc_call_as<R: DeserializeOwned>(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &(impl Serialize + ?Sized),
        limit: Option<Duration>,
    ) -> Result<R, ValueError<ErpcError>> {
        let arguments = to_arguments(arguments).map_err(ValueError::Request)?;
        given_value(self.erpc_call(node, module, function, &arguments, limit))
    }

    /// As [`Self::erpc_cast`], with arguments as in [`Self::erpc_call_as`].
    ///
    /// # Errors
    /// [`ValueError::Request`], [`ValueError::Call`].
    pub fn erpc_cast_as(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<(), ValueError<SendError>> {
        let arguments = to_arguments(arguments).map_err(ValueError::Request)?;
        self.erpc_cast(node, module, function, &arguments).map_err(ValueError::Call)
    }

    /// As [`Self::rpc_call`], with values of Rust both ways, as in [`Self::erpc_call_as`].
    ///
    /// # Errors
    /// [`ValueError`].
    pub fn rpc_call_as<R: DeserializeOwned>(
        &self,
        node: &NodeName,
        module: &Atom,
        function: &Atom,
        arguments: &(impl Serialize + ?Sized),
        limit: Option<Duration>,
    ) -> Result<R, ValueError<RpcError>> {
        let arguments = to_arguments(arguments).map_err(ValueError::Request)?;
        given_value(self.rpc_call(node, module, function, &arguments, limit))
    }
}
