//! What others write to a group leader, and the texts for it that their nodes make.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant as Moment;

use bytes::Bytes;
use netkernel_core::NodeName;
use netkernel_core::calls::io::{Apply, Log, Message, Request, Step};
use netkernel_core::process::ProcessEvent;
use netkernel_core::term::{Atom, Limits, Pid, Reference, Term};

use super::ErpcRequest;
use crate::item::Item;

/// How long the asking node may take to make a text.
const TEXT_LIMIT: Duration = Duration::from_secs(5);

/// How much of one node may wait for a text of it, in bytes.
const BEHIND_MAX: usize = 8 << 20;

/// What a request that waits takes besides its bytes.
const OVERHEAD: usize = 64;

/// What a group leader is given ([`Mailbox::serve_output`](crate::Mailbox::serve_output)).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Output {
    /// A process has written this.
    Text {
        /// It.
        from: Pid,
        /// What it has written.
        text: String,
    },
    /// The logger of another node has sent this.
    Log(Log),
}

/// What the process of a group leader does for it. Nothing of it waits.
pub trait Leader {
    /// Has a node make a text; `None` if that can only be asked later, or never.
    fn ask(&self, node: &NodeName, apply: &Apply) -> Option<ErpcRequest>;

    /// Takes a request back. What has come of it is told.
    fn void(&self, request: &ErpcRequest) -> Option<Item>;

    /// Sends the reply to a request.
    fn reply(&self, to: &Pid, reply: Bytes);
}

/// Who writes, and who has to wait for a text of its node: a lane for each such node.
#[derive(Debug)]
pub struct Writers {
    limits: Limits,
    lanes: BTreeMap<Atom, Lane>,
    /// The nodes that make a text.
    asked: BTreeMap<Reference, Atom>,
    /// When each of these has taken too long.
    ends: BTreeSet<(Moment, Reference)>,
}

/// A request for which its node makes a text.
#[derive(Debug)]
struct Lane {
    request: Request,
    text: ErpcRequest,
    end: Moment,
    behind: Behind,
}

/// What came from the same node since.
#[derive(Debug, Default)]
struct Behind {
    messages: VecDeque<Bytes>,
    bytes: usize,
}

impl Writers {
    /// None.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, lanes: BTreeMap::new(), asked: BTreeMap::new(), ends: BTreeSet::new() }
    }

    /// When the next of them has waited for too long.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.ends.first().map(|(end, _)| *end)
    }

    /// What the process of the group leader was sent.
    //= docs/spec/calls.md#io-lanes
    pub fn take(&mut self, item: Item, leader: &impl Leader, output: &mut impl FnMut(Output)) {
        match item {
            Item::Message(message) => self.told(message, leader, output),
            Item::Process(
                ProcessEvent::SpawnReply { request: ref text, .. }
                | ProcessEvent::Down { reference: ref text, .. },
            ) => {
                if let Some(node) = self.asked.get(text).cloned() {
                    self.answered(&node, Some(item), leader, output);
                }
            }
            Item::Process(_) | Item::Event(_) | Item::Diagnostic(_) => {}
        }
    }

    /// Gives up what takes too long.
    pub fn expire(&mut self, now: Moment, leader: &impl Leader, output: &mut impl FnMut(Output)) {
        while self.deadline().is_some_and(|end| end <= now) {
            let late = self.ends.pop_first().and_then(|(_, text)| self.asked.get(&text).cloned());
            let Some(node) = late else { continue };
            let item = self.lanes.get(&node).and_then(|lane| leader.void(&lane.text));
            self.answered(&node, item, leader, output);
        }
    }

    fn told(&mut self, message: Bytes, leader: &impl Leader, output: &mut impl FnMut(Output)) {
        match Message::parse(&message, &self.limits) {
            Ok(Message::Request(mut request)) => match self.lanes.get_mut(&request.from().node) {
                None => self.carry_out(request, Behind::default(), leader, output),
                Some(lane) if lane.behind.has_room(&message) => lane.behind.push(message),
                Some(_) => {
                    request.refuse();
                    self.carry_out(request, Behind::default(), leader, output);
                }
            },
            Ok(Message::Log(log)) => output(Output::Log(log)),
            Ok(Message::Other(_)) | Err(_) => {}
        }
    }

    /// Goes on with the request of a node that has made its text, or has not.
    fn answered(
        &mut self,
        node: &Atom,
        item: Option<Item>,
        leader: &impl Leader,
        output: &mut impl FnMut(Output),
    ) {
        let Some(Lane { mut request, text, end, behind }) = self.lanes.remove(node) else { return };
        self.asked.remove(text.reference());
        self.ends.remove(&(end, text.reference().clone()));
        let text = text.result(item).ok().and_then(|value: Term| request.applied(&value));
        if let Some(text) = text {
            output(Output::Text { from: request.from().clone(), text });
        }
        self.carry_out(request, behind, leader, output);
    }

    /// As far as it goes without a text of the node; then what is behind.
    fn carry_out(
        &mut self,
        mut request: Request,
        mut behind: Behind,
        leader: &impl Leader,
        output: &mut impl FnMut(Output),
    ) {
        loop {
            if let Some(text) = perform(&mut request, leader, output) {
                let (node, end) = (request.from().node.clone(), Moment::now() + TEXT_LIMIT);
                self.asked.insert(text.reference().clone(), node.clone());
                self.ends.insert((end, text.reference().clone()));
                self.lanes.insert(node, Lane { request, text, end, behind });
                return;
            }
            let mut messages = core::iter::from_fn(|| behind.pop());
            let next = messages.find_map(|message| match Message::parse(&message, &self.limits) {
                Ok(Message::Request(next)) => Some(next),
                Ok(Message::Log(_) | Message::Other(_)) | Err(_) => None,
            });
            let Some(next) = next else { return };
            request = next;
        }
    }
}

/// Carries a request out, up to its reply or a text that its node is to make.
fn perform(
    request: &mut Request,
    leader: &impl Leader,
    output: &mut impl FnMut(Output),
) -> Option<ErpcRequest> {
    let from = request.from().clone();
    loop {
        match request.step() {
            Step::Write(text) => output(Output::Text { from: from.clone(), text }),
            Step::Apply(apply) => {
                let node = NodeName::new(&from.node).ok();
                let text = node.and_then(|node| leader.ask(&node, &apply));
                if text.is_some() {
                    return text;
                }
            }
            Step::Reply(reply) => {
                leader.reply(&from, reply);
                return None;
            }
        }
    }
}

impl Behind {
    fn has_room(&self, message: &Bytes) -> bool {
        self.bytes.saturating_add(message.len()).saturating_add(OVERHEAD) <= BEHIND_MAX
    }

    fn push(&mut self, message: Bytes) {
        self.bytes += message.len() + OVERHEAD;
        self.messages.push_back(message);
    }

    fn pop(&mut self) -> Option<Bytes> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len() + OVERHEAD;
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::{Cell, RefCell};
    use netkernel_core::Creation;
    use netkernel_core::process::Target;

    /// Asks whoever is not to be left alone, and remembers the replies.
    #[derive(Default)]
    struct Fake {
        number: Cell<u32>,
        asked: RefCell<Vec<(String, ErpcRequest)>>,
        replies: RefCell<Vec<String>>,
    }

    fn atom(text: &str) -> Atom {
        Atom::new(text).unwrap()
    }

    fn reference(number: u32) -> Reference {
        Reference::new(atom("a@h"), Creation(1), &[number]).unwrap()
    }

    impl Leader for Fake {
        fn ask(&self, node: &NodeName, _: &Apply) -> Option<ErpcRequest> {
            if node.as_str().starts_with("nobody") {
                return None;
            }
            self.number.set(self.number.get() + 1);
            let new = || {
                let reference = reference(self.number.get());
                ErpcRequest::new(reference, atom("mark").into(), Limits::default())
            };
            self.asked.borrow_mut().push((node.to_string(), new()));
            Some(new())
        }

        fn void(&self, _: &ErpcRequest) -> Option<Item> {
            None
        }

        fn reply(&self, to: &Pid, reply: Bytes) {
            let reply = Term::decode(&reply, &Limits::default()).unwrap();
            let [_, reply_as, reply] = reply.as_tuple().unwrap() else { panic!("{reply}") };
            self.replies.borrow_mut().push(format!("{} {reply_as} {reply}", to.node.as_str()));
        }
    }

    struct Stage {
        writers: Writers,
        leader: Fake,
        texts: String,
    }

    impl Stage {
        fn new() -> Self {
            let writers = Writers::new(Limits::default());
            Self { writers, leader: Fake::default(), texts: String::new() }
        }

        fn item(&mut self, item: Item) {
            let output = &mut |output| match output {
                Output::Text { text, .. } => self.texts.push_str(&text),
                Output::Log(log) => panic!("{log:?}"),
            };
            self.writers.take(item, &self.leader, output);
        }

        fn ask(&mut self, node: &str, number: i64, request: &Term) {
            let from = Pid { node: atom(node), id: 1, serial: 0, creation: Creation(1) };
            let label = atom("io_request").into();
            let term = Term::tuple([label, from.into(), number.into(), request.clone()]);
            let mut message = Vec::new();
            term.encode(&mut message).unwrap();
            self.item(Item::Message(message.into()));
        }

        /// The text that was asked for first, of those that were not answered.
        fn answer(&mut self, node: &str, text: &str) {
            let mut asked = self.leader.asked.borrow_mut();
            let at = asked.iter().position(|(asked, _)| asked == node).unwrap();
            let (_, request) = asked.remove(at);
            drop(asked);
            let returned = [atom("mark").into(), atom("return").into(), text.into()];
            let mut reason = Vec::new();
            Term::tuple(returned).encode(&mut reason).unwrap();
            let object = Target::Name(atom("x"), node.parse().unwrap());
            let (reference, reason) = (request.reference().clone(), reason.into());
            self.item(Item::Process(ProcessEvent::Down { reference, object, reason, tag: None }));
        }

        fn expire(&mut self, now: Moment) {
            let output = &mut |output| match output {
                Output::Text { text, .. } => self.texts.push_str(&text),
                Output::Log(log) => panic!("{log:?}"),
            };
            self.writers.expire(now, &self.leader, output);
        }

        /// What was written and replied since.
        #[track_caller]
        fn expect(&mut self, texts: &str, replies: &[&str]) {
            assert_eq!(core::mem::take(&mut self.texts), texts);
            assert_eq!(*self.leader.replies.take(), *replies);
        }

        fn is_idle(&self) -> bool {
            let Writers { lanes, asked, ends, .. } = &self.writers;
            lanes.is_empty() && asked.is_empty() && ends.is_empty()
        }
    }

    fn format() -> Term {
        "{put_chars,unicode,io_lib,format,[\"a\",[]]}".parse().unwrap()
    }

    fn text(text: &str) -> Term {
        Term::tuple([atom("put_chars").into(), atom("unicode").into(), text.into()])
    }

    //= docs/spec/calls.md#io-lanes
    //= type=test
    #[test]
    fn a_node_waits_for_its_own_texts_only() {
        let mut stage = Stage::new();
        stage.ask("b@h", 1, &format());
        stage.ask("b@h", 2, &text("second"));
        stage.ask("b@h", 3, &format());
        stage.ask("c@h", 1, &format());
        stage.ask("d@h", 1, &text("d"));
        stage.ask("nobody@h", 1, &format());
        stage.expect("d", &["d@h 1 ok", "nobody@h 1 {error,format}"]);
        stage.answer("c@h", "c");
        stage.expect("c", &["c@h 1 ok"]);
        stage.answer("b@h", "first");
        stage.expect("firstsecond", &["b@h 1 ok", "b@h 2 ok"]);
        stage.answer("b@h", "third");
        stage.expect("third", &["b@h 3 ok"]);
        assert!(stage.is_idle());
    }

    //= docs/spec/calls.md#io-lanes
    //= type=test
    #[test]
    fn what_takes_too_long_fails_and_what_is_behind_goes_on() {
        let mut stage = Stage::new();
        let begin = Moment::now();
        stage.ask("b@h", 1, &format());
        stage.ask("b@h", 2, &text("second"));
        stage.ask("b@h", 3, &format());
        let end = stage.writers.deadline().unwrap();
        assert!(end >= begin + TEXT_LIMIT);
        stage.expire(end - Duration::from_millis(1));
        stage.expect("", &[]);
        stage.expire(end);
        stage.expect("second", &["b@h 1 {error,format}", "b@h 2 ok"]);
        // The answer comes too late, and is none to the next question.
        stage.answer("b@h", "first");
        stage.expect("", &[]);
        stage.answer("b@h", "third");
        stage.expect("third", &["b@h 3 ok"]);
        assert!(stage.is_idle());
    }

    //= docs/spec/calls.md#io-lanes
    //= type=test
    #[test]
    fn what_waits_is_bounded() {
        let mut stage = Stage::new();
        stage.ask("b@h", 0, &format());
        let large = text(&"x".repeat(BEHIND_MAX / 4));
        for number in 1..=4 {
            stage.ask("b@h", number, &large);
        }
        stage.expect("", &["b@h 4 {error,system_limit}"]);
        stage.ask("b@h", 5, &text("short"));
        stage.ask("c@h", 1, &text("c"));
        stage.expect("c", &["c@h 1 ok"]);
        stage.answer("b@h", "");
        let texts = format!("{}short", "x".repeat(3 * (BEHIND_MAX / 4)));
        stage.expect(&texts, &["b@h 0 ok", "b@h 1 ok", "b@h 2 ok", "b@h 3 ok", "b@h 5 ok"]);
        assert!(stage.is_idle());
    }
}
