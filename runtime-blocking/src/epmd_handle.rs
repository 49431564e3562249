//! How an EPMD service is ended.

use core::fmt;
use std::sync::Arc;

/// Ends an [`EpmdServer`](crate::EpmdServer) that runs elsewhere.
#[derive(Clone)]
pub struct EpmdHandle(Arc<dyn Fn() + Send + Sync>);

impl EpmdHandle {
    /// A handle that calls `stop`.
    #[doc(hidden)]
    pub fn new(stop: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(stop))
    }

    /// Has the service end, and with it all registrations. The port is free at once where the operating system lets it,
    /// as Linux does, and else soon. Does nothing if the service has ended.
    pub fn stop(&self) {
        (self.0)();
    }
}

impl fmt::Debug for EpmdHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpmdHandle")
    }
}
