//! A node that is called, in a process that can be killed: `callee RUNTIME EPMD-PORT NAME`. Its server `waits` answers `pid` by its own, and nothing else;
//! the function `waits:wait/1` does not return. Of each such call it tells the process that the call names: `arrived`.
//!
//! At a line on its standard input the node stops, and a line on its standard output says so. The process ends with its standard input.
#![expect(clippy::unwrap_used, reason = "whoever starts it sees why it ended")]
#![expect(clippy::print_stdout, reason = "whoever starts it waits for that line")]

use std::sync::Mutex;
use std::{env, io, thread};

use netkernel_blocking::core::term::{Atom, Pid, Term};
use netkernel_blocking::{CallReaction, Client, Function};
use netkernel_tests::ours::Ours;
use netkernel_tests::runtime::Runtime;

fn arrived() -> Vec<u8> {
    let mut message = Vec::new();
    let arrived = Term::from(Atom::new("arrived").unwrap());
    arrived.encode(&mut message).unwrap();
    message
}

struct Waits;

impl Waits {
    /// The reply, or who is to be told.
    fn call(request: &Term, own: Option<Pid>) -> Result<Term, Pid> {
        match request.as_tuple() {
            Some([_, Term::Pid(to)]) => Err(to.clone()),
            _ => Ok(Term::Pid(own.unwrap())),
        }
    }
}

macro_rules! serves {
    ($runtime:ident, [$($async:tt)?], [$($wait:tt)*]) => {
        impl $runtime::GenServer for Waits {
            $($async)? fn handle_call(
                &mut self,
                own: &$runtime::Mailbox,
                request: Term,
                _: Client,
            ) -> CallReaction {
                match Self::call(&request, own.pid()) {
                    Ok(reply) => CallReaction::Reply(reply),
                    Err(to) => {
                        own.send(&to, arrived())$($wait)*.unwrap();
                        CallReaction::NoReply
                    }
                }
            }
        }
    };
}

serves!(netkernel_blocking, [], []);
serves!(netkernel_smol, [async], [.await]);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runtime, epmd, name] = &arguments[..] else { panic!("{arguments:?}") };
    let runtime = Runtime::ALL.into_iter().find(|it| it.name() == runtime).unwrap();
    runtime.test(|| {
        let ours = Ours::start(name, Ours::config(epmd.parse().unwrap()));
        let (waits, wait) = (Atom::new("waits").unwrap(), Atom::new("wait").unwrap());
        let teller = Mutex::new(ours.node.mailbox());
        let function = Function { module: waits.clone(), function: wait, arity: 1 };
        ours.node.serve_rpc(function, move |arguments| {
            let [Term::Pid(to)] = &arguments[..] else { panic!("{arguments:?}") };
            teller.lock().unwrap().send(to, arrived()).unwrap();
            loop {
                thread::park();
            }
        });
        ours.node.start_server(Some(&waits), Waits).unwrap();
        let mut line = String::new();
        if io::stdin().read_line(&mut line).unwrap() > 0 {
            ours.node.stop().unwrap();
            println!("stopped");
            io::stdin().read_line(&mut line).unwrap();
        }
    });
}
