//! Many pairs of processes, one of each on another node, which send each other numbered messages at once, and check what comes.
//!
//! A message is `{Number,Binary}`: of each sender they are numbered from 1, and the binary is the pair and the number, over and over. Every
//! third is sent to the pid, to the name and to an alias of its receiver, and every 400th has 100,000 bytes. `tests/otp/traffic.erl` does the same.

use core::iter::zip;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use netkernel_blocking::core::NodeName;
use netkernel_blocking::core::process::AliasOption;
use netkernel_blocking::core::term::{Atom, Limits, Pid, Reader, Reference, Term, write};
use netkernel_blocking::{Item, ProcessEvent};

use crate::GIVE_UP;
use crate::runtime::{Mailbox, Node};

/// The name of all processes, but for their number.
const NAME: &str = "pair";

/// The ends of all pairs on one node.
#[derive(Debug)]
pub struct Ends {
    mailboxes: Vec<Mailbox>,
    aliases: Vec<Reference>,
    count: Option<u32>,
    begun: AtomicUsize,
    received: AtomicU64,
}

/// How others reach one end.
#[derive(Clone, Debug)]
pub struct Address {
    pid: Pid,
    alias: Reference,
}

/// What came to one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// So many messages: all of them, if the number was bounded, or the first ones.
    pub messages: u32,
    /// What ended the traffic: `exit`, `down`, `nodedown`.
    pub losses: Vec<String>,
}

impl Ends {
    /// New ends of so many pairs, for `count` messages each way, or for traffic that ends with the other node.
    ///
    /// # Panics
    /// If the node is not alive, or has such ends already.
    #[must_use]
    pub fn new(node: &Node, pairs: u8, count: Option<u32>) -> Self {
        let mailboxes: Vec<_> = (0..pairs).map(|_| node.mailbox()).collect();
        for (number, mailbox) in mailboxes.iter().enumerate() {
            mailbox.register(name(number)).expect("a free name");
        }
        let alias = |it: &Mailbox| it.alias(AliasOption::ExplicitUnalias).expect("it lives");
        let aliases = mailboxes.iter().map(alias).collect();
        Self { mailboxes, aliases, count, begun: AtomicUsize::new(0), received: AtomicU64::new(0) }
    }

    /// How they are reached.
    ///
    /// # Panics
    /// If the node is not alive.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let address = |(mailbox, alias): (&Mailbox, &Reference)| Address {
            pid: mailbox.pid().expect("the node is alive"),
            alias: alias.clone(),
        };
        zip(&self.mailboxes, &self.aliases).map(address).collect()
    }

    /// Meets the ends at a node of Erlang that has called `traffic:start/0`.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn meet(&self, node: &Node, other: &NodeName) -> Vec<Address> {
        let desk = node.mailbox();
        let own =
            self.addresses().into_iter().map(|it| Term::tuple([it.pid.into(), it.alias.into()]));
        let count =
            self.count.map_or_else(|| atom("endless").into(), |count| i64::from(count).into());
        let from = desk.pid().expect("the node is alive").into();
        let hello = Term::Tuple(vec![
            atom("hello").into(),
            from,
            count,
            atom(NAME).into(),
            Term::list(own),
        ]);
        desk.send_to_name(&atom("traffic"), other, encoded(&hello)).expect("a link");
        let Some(Item::Message(answer)) = desk.recv_timeout(GIVE_UP) else { panic!("no answer") };
        let answer = Term::decode(&answer, &Limits::default()).expect("a term");
        let address = |end: &Term| match end.as_tuple() {
            Some([Term::Pid(pid), Term::Reference(alias)]) => {
                Address { pid: pid.clone(), alias: Reference::clone(alias) }
            }
            _ => panic!("{end}"),
        };
        answer.as_list().expect("a list").iter().map(address).collect()
    }

    /// Runs the traffic with these other ends, each pair by a thread: what came to each.
    ///
    /// # Panics
    /// If something came that was not expected.
    pub fn run(&self, others: &[Address]) -> Vec<Seen> {
        assert_eq!(others.len(), self.mailboxes.len());
        thread::scope(|scope| {
            let each = zip(&self.mailboxes, others).enumerate();
            let start = |(number, (mailbox, other))| {
                scope.spawn(move || End { number, mailbox, other, of: self }.run())
            };
            let threads: Vec<_> = each.map(start).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("the traffic goes well"))
                .collect()
        })
    }

    /// How many messages have come; 0 as long as not all ends have begun.
    #[must_use]
    pub fn progress(&self) -> u64 {
        let all = self.begun.load(Ordering::Relaxed) == self.mailboxes.len();
        if all { self.received.load(Ordering::Relaxed) } else { 0 }
    }

    /// Ends endless traffic whose other node is gone.
    ///
    /// # Panics
    /// If an end is gone.
    pub fn finish(&self, by: &Mailbox) {
        for mailbox in &self.mailboxes {
            let to = mailbox.pid().expect("it lives");
            by.send(&to, encoded(&atom("finish").into())).expect("it is of this node");
        }
    }
}

/// One end that runs.
struct End<'a> {
    number: usize,
    mailbox: &'a Mailbox,
    other: &'a Address,
    of: &'a Ends,
}

impl End<'_> {
    fn run(&self) -> Seen {
        let node = NodeName::new(&self.other.pid.node).expect("a node");
        if self.of.count.is_none() {
            self.mailbox.trap_exit(true).expect("it lives");
            self.mailbox.link(&self.other.pid).expect("it lives");
            self.mailbox.monitor(self.other.pid.clone()).expect("it lives");
            self.mailbox.monitor_node(&node, true).expect("it lives");
        }
        self.of.begun.fetch_add(1, Ordering::Relaxed);
        let mut seen = Seen { messages: 0, losses: Vec::new() };
        let mut sent = 0;
        loop {
            let is_all_sent = self.of.count == Some(sent) || !seen.losses.is_empty();
            if !is_all_sent {
                sent += 1;
                self.send(sent, &node);
            } else if self.of.count == Some(seen.messages) || !self.take(&mut seen, self.next()) {
                return seen;
            }
            while let Some(item) = self.mailbox.try_recv() {
                if !self.take(&mut seen, item) {
                    return seen;
                }
            }
        }
    }

    fn next(&self) -> Item {
        self.mailbox.recv_timeout(GIVE_UP).expect("the other end goes on")
    }

    fn send(&self, seq: u32, node: &NodeName) {
        let Address { pid, alias } = self.other;
        let message = message(self.number, seq);
        let sent = match seq % 3 {
            0 => self.mailbox.send(pid, message),
            1 => self.mailbox.send_to_name(&name(self.number), node, message),
            _ => self.mailbox.send_to_alias(alias, message),
        };
        sent.expect("it lives");
    }

    /// `false`: this was the last.
    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else may come")]
    fn take(&self, seen: &mut Seen, item: Item) -> bool {
        let loss = match item {
            Item::Message(message) if message == encoded(&atom("finish").into()) => return false,
            Item::Message(bytes) => {
                assert_eq!(seen.losses, [""; 0], "after the end");
                seen.messages += 1;
                if bytes != message(self.number, seen.messages) {
                    panic!(
                        "pair {}: {:?} is not message {}",
                        self.number,
                        number(&bytes),
                        seen.messages
                    );
                }
                self.of.received.fetch_add(1, Ordering::Relaxed);
                return true;
            }
            Item::Process(ProcessEvent::Exit { from, reason }) => {
                assert_eq!((&from, &reason[..]), (&self.other.pid, &noconnection()[..]));
                "exit"
            }
            Item::Process(ProcessEvent::Down { reason, .. }) => {
                assert_eq!(reason, noconnection());
                "down"
            }
            Item::Process(ProcessEvent::NodeDown(node)) => {
                assert_eq!(node.as_atom(), &self.other.pid.node);
                "nodedown"
            }
            other => panic!("pair {}: {other:?}", self.number),
        };
        seen.losses.push(loss.to_owned());
        true
    }
}

/// As Erlang encodes it.
fn message(pair: usize, seq: u32) -> Vec<u8> {
    let copies = if seq.is_multiple_of(400) { 25_000 } else { (seq % 400 % 13) as usize };
    let [_, high, middle, low] = seq.to_be_bytes();
    let payload = [pair as u8, high, middle, low].repeat(copies);
    let mut out = Vec::with_capacity(payload.len() + 16);
    write::version(&mut out);
    write::tuple(&mut out, 2);
    write::integer(&mut out, seq.into());
    write::term(&mut out, &Term::Binary(payload.into())).expect("short");
    out
}

fn number(message: &[u8]) -> Option<i64> {
    let mut reader = Reader::new(message);
    reader.version().ok()?;
    reader.tuple().ok()?;
    reader.integer().ok()
}

fn noconnection() -> Vec<u8> {
    encoded(&atom("noconnection").into())
}

fn name(number: usize) -> Atom {
    atom(&format!("{NAME}{number}"))
}

fn atom(text: &str) -> Atom {
    Atom::new(text).expect("short")
}

fn encoded(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    term.encode(&mut out).expect("short");
    out
}
