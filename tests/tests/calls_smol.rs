//! Servers of `netkernel-smol`: what only tasks can do.

use std::sync::mpsc::{Receiver, Sender, channel};

use futures_lite::future::{block_on, poll_once};
use netkernel_blocking::core::atom;
use netkernel_blocking::core::calls::gen_server::CallFailure;
use netkernel_blocking::core::term::Term;
use netkernel_blocking::{CallError, CallReaction, Client, Reaction, Target};
use netkernel_tests::GIVE_UP;
use netkernel_tests::ours::{Ours, eventually, node_name};
use netkernel_tests::runtime::{Node, Runtime};
use netkernel_tests::script::Directory;

fn server() -> (Directory, Ours) {
    let directory = Directory::start();
    let server = Ours::start("server", Ours::config(directory.port()));
    (directory, server)
}

/// Whoever gives up the start of a server is rid of it, wherever it is.
//= docs/spec/calls.md#call-start-given-up
//= type=test
#[test]
fn a_server_whose_start_is_given_up_ends() {
    /// Tells that `init` runs, and when it is dropped.
    struct Slow {
        tell: Sender<&'static str>,
        /// `init` ends when this does; without it, it hangs.
        go: Option<Receiver<()>>,
    }
    impl Drop for Slow {
        fn drop(&mut self) {
            let _ = self.tell.send("dropped");
        }
    }
    impl netkernel_smol::GenServer for Slow {
        async fn init(&mut self, _: &netkernel_smol::Mailbox) -> Result<(), Term> {
            self.tell.send("init").unwrap();
            match &self.go {
                Some(go) => drop(go.recv_timeout(GIVE_UP)),
                None => core::future::pending().await,
            }
            Ok(())
        }

        async fn handle_continue(&mut self, _: &netkernel_smol::Mailbox) -> Reaction {
            let _ = self.tell.send("started");
            Reaction::Continue
        }

        async fn handle_call(
            &mut self,
            _: &netkernel_smol::Mailbox,
            request: Term,
            _: Client,
        ) -> CallReaction {
            CallReaction::Reply(request)
        }
    }
    Runtime::Smol.with(|| {
        let (_directory, server) = server();
        let Node::Smol(node) = &server.node else { panic!("it is one of smol") };
        let before = node.usage();
        for hangs in [true, false] {
            let ((tell, told), (goes, go)) = (channel(), channel());
            let (name, slow) = (atom!("slow"), Slow { tell, go: (!hangs).then_some(go) });
            let mut starting = Box::pin(node.start_server(Some(&name), slow));
            assert!(block_on(poll_once(&mut starting)).is_none());
            assert_eq!(told.recv_timeout(GIVE_UP).unwrap(), "init");
            if !hangs {
                goes.send(()).unwrap();
                assert_eq!(told.recv_timeout(GIVE_UP).unwrap(), "started");
            }
            drop(starting);
            assert_eq!(told.recv_timeout(GIVE_UP).unwrap(), "dropped");
            assert_eq!(node.whereis("slow"), None);
            eventually("it has ended", || node.usage() == before);
        }
    });
}

#[test]
fn a_server_that_always_has_messages_lets_others_run() {
    /// Casts to itself for ever.
    struct Busy;
    impl netkernel_smol::GenServer for Busy {
        async fn handle_call(
            &mut self,
            own: &netkernel_smol::Mailbox,
            request: Term,
            _: Client,
        ) -> CallReaction {
            own.cast(own.pid().unwrap(), &Term::from(1)).await.unwrap();
            CallReaction::Reply(request)
        }

        async fn handle_cast(&mut self, own: &netkernel_smol::Mailbox, request: Term) -> Reaction {
            own.cast(own.pid().unwrap(), &request).await.unwrap();
            Reaction::Continue
        }
    }
    Runtime::Smol.with(|| {
        let (_directory, server) = server();
        let Node::Smol(node) = &server.node else { panic!("it is one of smol") };
        let busy = block_on(node.start_server(None, Busy)).unwrap();
        let own = server.node.mailbox();
        assert_eq!(own.call(busy, &Term::from(1), Some(GIVE_UP)), Ok(Term::from(1)));
        // The node answers still.
        assert!(server.node.get_state().is_some());
        let unknown =
            own.call(Target::Name(atom!("nobody"), node_name(server.name())), &Term::from(1), None);
        assert_eq!(unknown, Err(CallError::Failed(CallFailure::NoProcess)));
    });
}
