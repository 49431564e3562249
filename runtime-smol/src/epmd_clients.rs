//! The clients of an EPMD.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use netkernel_blocking::shared::{Carrier as _, Clients, Listener, Origin, Socket, Stream, Wish};
use netkernel_core::StreamId;
use netkernel_core::net_kernel::Input;

use crate::stream::Tasks;

/// All streams, each served by a task of its own, which reports to the inbox.
#[derive(Debug)]
pub(crate) struct Streams {
    tasks: Tasks,
    listeners: Vec<Listener>,
    streams: BTreeMap<StreamId, Arc<Stream>>,
}

impl Streams {
    pub(crate) const fn new(tasks: Tasks, listeners: Vec<Listener>) -> Self {
        Self { tasks, listeners, streams: BTreeMap::new() }
    }

    /// Serves the socket of a client; `false` if there is no task for it.
    pub(crate) fn insert(&mut self, id: StreamId, socket: Socket) -> bool {
        let origin = Origin::Accepted(Arc::new(socket));
        let stream = Arc::new(Stream::new(id, &origin, self.tasks.surroundings.limits));
        let served = self.tasks.run(Arc::clone(&stream), origin).is_ok();
        if served {
            self.streams.insert(id, stream);
        }
        served
    }

    /// Whether the machine is to hear of this. With the report of its end a stream is gone.
    pub(crate) fn admits(&mut self, input: &Input) -> bool {
        if let Input::Closed { stream, .. } = input {
            return self.streams.remove(stream).is_some();
        }
        true
    }
}

impl Clients for Streams {
    fn read(&mut self, stream: StreamId) {
        if let Some(stream) = self.streams.get(&stream) {
            stream.wish(Wish::Read);
        }
    }

    fn transmit(&mut self, stream: StreamId, bytes: Bytes) {
        if let Some(stream) = self.streams.get(&stream) {
            stream.outgoing.with(|writer| writer.push_raw(bytes));
        }
    }

    fn close(&mut self, stream: StreamId) {
        if let Some(stream) = self.streams.get(&stream) {
            stream.close(false);
        }
    }

    fn unlisten(&mut self) {
        self.listeners.clear();
    }

    /// Tasks report to the inbox.
    fn next_input(&mut self) -> Option<Input> {
        None
    }

    fn is_idle(&self) -> bool {
        self.streams.is_empty()
    }
}
