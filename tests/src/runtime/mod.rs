//! Both runtimes behind one interface, which is that of the blocking one: what is tested with one, is tested with the other.

mod mailbox;
mod node;
#[cfg(feature = "serde")]
mod values;

use core::cell::Cell;

/// Which runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// `netkernel-blocking`.
    Blocking,
    /// `netkernel-smol`, each node on a thread of its own.
    Smol,
}

thread_local! {
    static CURRENT: Cell<Runtime> = const { Cell::new(Runtime::Blocking) };
}

impl Runtime {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Blocking, Self::Smol];

    /// Runs a test whose nodes are made by this runtime, as far as they are made by its own thread.
    pub fn test(self, test: impl FnOnce()) {
        self.with(test);
    }

    /// What is made in here, by this thread, is made by this runtime. For clusters of both.
    pub fn with<T>(self, make: impl FnOnce() -> T) -> T {
        let before = CURRENT.replace(self);
        let made = make();
        CURRENT.set(before);
        made
    }

    /// What the package is called, without the name of the project.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Smol => "smol",
        }
    }

    /// The runtime of the test that runs on this thread.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.get()
    }
}

/// Makes two tests, one for each runtime, of every function `fn name() { .. }` with `#[test]`.
#[macro_export]
macro_rules! each_runtime {
    ($($(#[$attribute:meta])+ fn $name:ident() $body:block)+) => {$(
        mod $name {
            use super::*;

            fn scenario() $body

            #[test]
            fn blocking() {
                $crate::runtime::Runtime::Blocking.test(scenario);
            }

            #[test]
            fn smol() {
                $crate::runtime::Runtime::Smol.test(scenario);
            }
        }
    )+};
}

/// A node of either runtime.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are the names of the runtimes")]
pub enum Node {
    Blocking(netkernel_blocking::Node),
    Smol(netkernel_smol::Node),
}

/// A mailbox of either runtime.
#[derive(Debug)]
#[expect(missing_docs, reason = "they are the names of the runtimes")]
pub enum Mailbox {
    Blocking(netkernel_blocking::Mailbox),
    Smol(netkernel_smol::Mailbox),
}

/// Calls the method of either runtime. What is only a future in one is waited for.
macro_rules! either {
    ($self:ident.$method:ident($($argument:expr),*).await) => {
        match $self {
            Self::Blocking(it) => it.$method($($argument),*),
            Self::Smol(it) => futures_lite::future::block_on(it.$method($($argument),*)),
        }
    };
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self {
            Self::Blocking(it) => it.$method($($argument),*),
            Self::Smol(it) => it.$method($($argument),*),
        }
    };
}

use either;
