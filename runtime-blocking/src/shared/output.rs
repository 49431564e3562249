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
    /// The nodes of which something waits and that make no text, in turn.
    ready: VecDeque<Atom>,
    /// The nodes that make a text.
    asked: BTreeMap<Reference, Atom>,
    /// When each of these has taken too long.
    ends: BTreeSet<(Moment, Reference)>,
}

/// A node that makes a text, or of which something waits.
#[derive(Debug, Default)]
struct Lane {
    asked: Option<Asked>,
    behind: Behind,
}

/// A request for which its node makes a text.
#[derive(Debug)]
struct Asked {
    request: Request,
    text: ErpcRequest,
    end: Moment,
}

/// What came from the same node since. It stays bytes: a term takes up to 48 times as much.
#[derive(Debug, Default)]
struct Behind {
    messages: VecDeque<Bytes>,
    bytes: usize,
}

impl Writers {
    /// None.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            lanes: BTreeMap::new(),
            ready: VecDeque::new(),
            asked: BTreeMap::new(),
            ends: BTreeSet::new(),
        }
    }

    /// When they are to [`go_on`](Self::go_on), if no item comes before: at once, if something is ready.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        if self.ready.is_empty() { self.first_end() } else { Some(Moment::now()) }
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
                    self.answered(node, Some(item), leader, output);
                }
            }
            Item::Process(_) | Item::Event(_) | Item::Diagnostic(_) => {}
        }
    }

    /// Gives up one text that takes too long, and carries out one message that has waited: no more, so that whoever calls this can do other things between.
    pub fn go_on(&mut self, now: Moment, leader: &impl Leader, output: &mut impl FnMut(Output)) {
        if self.first_end().is_some_and(|end| end <= now) {
            let late = self.ends.pop_first().and_then(|(_, text)| self.asked.get(&text).cloned());
            if let Some(node) = late {
                let asked = self.lanes.get(&node).and_then(|lane| lane.asked.as_ref());
                let item = asked.and_then(|asked| leader.void(&asked.text));
                self.answered(node, item, leader, output);
            }
        }
        if let Some(node) = self.ready.pop_front() {
            let next = self.lanes.get_mut(&node).and_then(|lane| lane.behind.pop());
            match next.map(|message| Message::parse(&message, &self.limits)) {
                Some(Ok(Message::Request(request))) => {
                    self.carry_out(node, request, leader, output);
                }
                Some(Ok(Message::Log(_) | Message::Other(_)) | Err(_)) | None => self.rest(node),
            }
        }
    }

    fn first_end(&self) -> Option<Moment> {
        self.ends.first().map(|(end, _)| *end)
    }

    fn told(&mut self, message: Bytes, leader: &impl Leader, output: &mut impl FnMut(Output)) {
        let from = Request::asker(&message);
        let lane = from.and_then(|from| self.lanes.get_mut(&from.node));
        let is_full = match lane {
            Some(lane) if lane.behind.has_room(&message) => return lane.behind.push(message),
            lane => lane.is_some(),
        };
        match Message::parse(&message, &self.limits) {
            Ok(Message::Request(mut request)) if is_full => {
                request.refuse();
                // It has no step but the reply.
                perform(&mut request, leader, output);
            }
            Ok(Message::Request(request)) => {
                self.carry_out(request.from().node.clone(), request, leader, output);
            }
            Ok(Message::Log(log)) => output(Output::Log(log)),
            Ok(Message::Other(_)) | Err(_) => {}
        }
    }

    /// Goes on with the request of a node that has made its text, or has not.
    fn answered(
        &mut self,
        node: Atom,
        item: Option<Item>,
        leader: &impl Leader,
        output: &mut impl FnMut(Output),
    ) {
        let asked = self.lanes.get_mut(&node).and_then(|lane| lane.asked.take());
        let Some(Asked { mut request, text, end }) = asked else { return };
        self.asked.remove(text.reference());
        self.ends.remove(&(end, text.reference().clone()));
        let text = text.result(item).ok().and_then(|value: Term| request.applied(&value));
        if let Some(text) = text {
            output(Output::Text { from: request.from().clone(), text });
        }
        self.carry_out(node, request, leader, output);
    }

    /// As far as it goes without a text of the node.
    fn carry_out(
        &mut self,
        node: Atom,
        mut request: Request,
        leader: &impl Leader,
        output: &mut impl FnMut(Output),
    ) {
        let Some(text) = perform(&mut request, leader, output) else { return self.rest(node) };
        let end = Moment::now() + TEXT_LIMIT;
        self.asked.insert(text.reference().clone(), node.clone());
        self.ends.insert((end, text.reference().clone()));
        self.lanes.entry(node).or_default().asked = Some(Asked { request, text, end });
    }

    /// A node makes no text: what waits of it has its turn, if anything does.
    fn rest(&mut self, node: Atom) {
        match self.lanes.get(&node) {
            Some(lane) if lane.behind.messages.is_empty() => drop(self.lanes.remove(&node)),
            Some(_) => self.ready.push_back(node),
            None => {}
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

        fn go_on(&mut self, now: Moment) {
            let output = &mut |output| match output {
                Output::Text { text, .. } => self.texts.push_str(&text),
                Output::Log(log) => panic!("{log:?}"),
            };
            self.writers.go_on(now, &self.leader, output);
        }

        /// Until there is nothing that need not wait.
        fn drain(&mut self) {
            while !self.writers.ready.is_empty() {
                self.go_on(Moment::now());
            }
        }

        /// What was written and replied since.
        #[track_caller]
        fn expect(&mut self, texts: &str, replies: &[&str]) {
            assert_eq!(core::mem::take(&mut self.texts), texts);
            assert_eq!(*self.leader.replies.take(), *replies);
        }

        fn is_idle(&self) -> bool {
            let Writers { lanes, ready, asked, ends, .. } = &self.writers;
            lanes.is_empty() && ready.is_empty() && asked.is_empty() && ends.is_empty()
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
        stage.drain();
        stage.expect("firstsecond", &["b@h 1 ok", "b@h 2 ok"]);
        stage.answer("b@h", "third");
        stage.expect("third", &["b@h 3 ok"]);
        assert!(stage.is_idle());
    }

    //= docs/spec/calls.md#io-lanes
    //= type=test
    #[test]
    fn what_has_waited_goes_on_by_one_message_at_a_time() {
        let mut stage = Stage::new();
        for node in ["b@h", "c@h"] {
            stage.ask(node, 1, &format());
            stage.ask(node, 2, &text("2"));
            stage.ask(node, 3, &text("3"));
        }
        assert!(stage.writers.deadline().unwrap() > Moment::now());
        stage.answer("b@h", "b");
        stage.answer("c@h", "c");
        stage.expect("bc", &["b@h 1 ok", "c@h 1 ok"]);
        // What comes now does not overtake what has waited, of the same node.
        stage.ask("b@h", 4, &text("4"));
        stage.ask("d@h", 1, &text("d"));
        stage.expect("d", &["d@h 1 ok"]);
        for (text, reply) in [
            ("2", "b@h 2 ok"),
            ("2", "c@h 2 ok"),
            ("3", "b@h 3 ok"),
            ("3", "c@h 3 ok"),
            ("4", "b@h 4 ok"),
        ] {
            assert!(stage.writers.deadline().unwrap() <= Moment::now());
            stage.go_on(Moment::now());
            stage.expect(text, &[reply]);
        }
        assert!(stage.is_idle());
        assert_eq!(stage.writers.deadline(), None);
    }

    //= docs/spec/calls.md#io-lanes
    //= type=test
    #[test]
    fn what_waits_and_is_no_term_holds_nothing_up() {
        let mut stage = Stage::new();
        stage.ask("b@h", 1, &format());
        let from = Pid { node: atom("b@h"), id: 1, serial: 0, creation: Creation(1) };
        let mut message = Vec::new();
        Term::tuple([atom("io_request").into(), from.into(), 2.into(), 3.into()])
            .encode(&mut message)
            .unwrap();
        // Not even for what the answer is awaited can be read.
        message.truncate(message.len() - 3);
        stage.item(Item::Message(message.into()));
        stage.ask("b@h", 3, &text("third"));
        stage.answer("b@h", "first");
        stage.drain();
        stage.expect("firstthird", &["b@h 1 ok", "b@h 3 ok"]);
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
        stage.go_on(end - Duration::from_millis(1));
        stage.expect("", &[]);
        stage.go_on(end);
        stage.drain();
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
        stage.drain();
        let texts = format!("{}short", "x".repeat(3 * (BEHIND_MAX / 4)));
        stage.expect(&texts, &["b@h 0 ok", "b@h 1 ok", "b@h 2 ok", "b@h 3 ok", "b@h 5 ok"]);
        assert!(stage.is_idle());
    }
}
