//! What the model of a node answers to processes of other nodes that ask `net_kernel`.

use netkernel_core::net_kernel::{
    Answer, ConnectError, DistAutoConnect, OptionName, OptsError, Reply, SocketOption,
};
use netkernel_core::term::Term;
use netkernel_core::{NodeName, RequestId};

use super::model::Model;

impl Model {
    /// A request. What its caller is told is compared, not how it came to be.
    pub(super) fn asked(&mut self, now: u64, late: u64, request: RequestId, body: &Term) {
        let Some([name, arguments @ ..]) = body.as_tuple() else {
            let told = self.asked_about_itself(now, body);
            return self.owe_replies(request, told);
        };
        let told = match (&*name.to_string(), arguments) {
            ("connect", [wish, node]) => match node_name(node) {
                Some(node) => return self.connect(request, &node, wish.to_string() == "hidden"),
                None => vec![reply("false")],
            },
            ("passive_cnct", [node]) => match node_name(node) {
                Some(node) => return self.connect_automatically(request, &node),
                None => vec![reply("false")],
            },
            ("disconnect", [node]) => match node_name(node) {
                Some(node) => return self.disconnect(request, &node),
                None => vec![reply("false")],
            },
            ("allow", [nodes]) => vec![self.asked_to_allow(nodes)],
            ("is_auth", [_]) => vec![reply("yes")],
            ("verbose", [level]) => {
                vec![Reply::Term(core::mem::replace(&mut self.verbosity, level.clone()))]
            }
            ("new_ticktime", [ticktime, transition]) => {
                self.asked_for_ticktime(now, late, ticktime, transition)
            }
            ("setopts", [node, options]) => self.asked_to_set(request, node, options),
            ("getopts", [node, names]) => self.asked_for_options(node, names),
            _ => vec![Reply::Never],
        };
        self.owe_replies(request, told);
    }

    /// A message that nobody is answered.
    pub(super) fn cast(&mut self, body: &Term) {
        if let Some([name, node]) = body.as_tuple()
            && name.to_string() == "async_disconnect"
            && let Some(link) = node_name(node).and_then(|node| self.link(node.as_str()))
        {
            self.closing(link);
        }
    }

    fn owe_replies(&mut self, request: RequestId, replies: Vec<Reply>) {
        self.owe(request, replies.into_iter().map(Answer::Reply).collect());
    }

    fn asked_about_itself(&self, now: u64, what: &Term) -> Vec<Reply> {
        match &*what.to_string() {
            "allowed" => {
                let allowed: Vec<String> = self.allowed().map(|it| format!("'{it}'")).collect();
                vec![reply(&format!("{{ok,[{}]}}", allowed.join(",")))]
            }
            "longnames" => {
                let is_long = self.is_alive() && self.manner().host.contains('.');
                vec![reply(if is_long { "true" } else { "false" })]
            }
            "nodename" => vec![Reply::Term(self.name_now().as_atom().clone().into())],
            "ticktime" => self.ticktimes(now),
            "get_state" if self.is_alive() => vec![Reply::Term(self.state())],
            "get_state" => vec![Reply::Nobody],
            _ => vec![Reply::Never],
        }
    }

    /// What `ticktime` may be; nothing if that is not known.
    fn ticktimes(&self, now: u64) -> Vec<Reply> {
        let Some(paces) = self.paces(now) else { return vec![Reply::Nobody] };
        let told = paces.into_iter().map(|(ms, changing)| {
            if changing {
                reply(&format!("{{ongoing_change_to,{ms}}}"))
            } else {
                reply(&ms.to_string())
            }
        });
        told.collect()
    }

    fn asked_for_ticktime(
        &mut self,
        now: u64,
        late: u64,
        ticktime: &Term,
        transition: &Term,
    ) -> Vec<Reply> {
        let Some(paces) = self.paces(now) else { return vec![Reply::Nobody] };
        let seconds = |ms: &Term| ms.as_i64().map(|ms| ms.max(0).unsigned_abs().div_ceil(1000));
        let asked = seconds(ticktime).zip(seconds(transition));
        let asked = asked.map(|(seconds, period)| (seconds.max(1) as u32, period as u32));
        match paces[..] {
            [(_, true)] => return self.ticktimes(now),
            [(ms, false)] if ticktime.as_i64() == Some(ms as i64) => {
                return vec![reply("unchanged")];
            }
            _ => {}
        }
        let is_sure = paces.len() == 1;
        let Some(asked) = asked else {
            return if is_sure { vec![Reply::Nobody] } else { Vec::new() };
        };
        self.change_ticktime(now, late, asked);
        if !is_sure {
            self.forget_pace();
            return Vec::new();
        }
        let changes = self.paces(now).is_some_and(|after| after != paces);
        vec![reply(if changes { "change_initiated" } else { "unchanged" })]
    }

    fn asked_to_allow(&mut self, nodes: &Term) -> Reply {
        let names = nodes.as_list().and_then(|nodes| {
            nodes.iter().map(|node| Some(node.as_atom()?.as_str().to_owned())).collect()
        });
        let Some(names): Option<Vec<String>> = names else { return reply("error") };
        if !self.is_alive() {
            return Reply::Nobody;
        }
        self.allow(names.iter().map(String::as_str));
        reply("ok")
    }

    /// Waits for no attempt that `dist_auto_connect` forbids.
    pub(super) fn connect_automatically(&mut self, request: RequestId, node: &NodeName) {
        let refusal = match self.manner().auto_connect {
            DistAutoConnect::Never => Some(ConnectError::NotAutomatic),
            DistAutoConnect::Once => Some(ConnectError::Barred),
            _ => None,
        };
        let row = self.rows().find(|(name, ..)| *name == node);
        let row = row.map(|(.., closing)| closing);
        let is_barred = self.barred().any(|barred| barred == node);
        let own = self.name_now() == *node;
        let (refused, is_sure) = match (row, &refusal) {
            _ if !self.is_alive() => (false, true),
            // A newer connection, or a caller, goes on when it has ended.
            (Some(true), Some(_)) => (!self.is_awaited(node), !self.may_replace()),
            (None, Some(ConnectError::Barred)) => (is_barred, !self.manner().among_dynamic),
            (None, Some(_)) => (!own, true),
            (Some(_), _) | (None, None) => (false, true),
        };
        match refusal.filter(|_| refused) {
            Some(error) if is_sure => self.owe(request, vec![Answer::Connected(Err(error))]),
            Some(error) => {
                self.connect(request, node, false);
                self.perhaps_refused.insert(request);
                self.may_also(request, Answer::Connected(Err(error)));
            }
            None => self.connect(request, node, false),
        }
    }

    fn asked_to_set(&mut self, request: RequestId, node: &Term, options: &Term) -> Vec<Reply> {
        let is_new = node.to_string() == "new";
        let name = node.as_atom().map_or("", |name| name.as_str());
        if !is_new && self.link(name).is_none() {
            return vec![no_connection()];
        }
        let Some(options) = options.as_list() else {
            let nobody = Reply::Nobody;
            return if is_new { vec![nobody] } else { self.of_link(name, nobody) };
        };
        let options = SocketOption::check(options);
        if let (true, Err(error)) = (is_new, &options) {
            return vec![Reply::Term(error.to_term())];
        }
        self.setopts(request, name, &options).into_iter().map(told_remotely).collect()
    }

    fn asked_for_options(&self, node: &Term, names: &Term) -> Vec<Reply> {
        let name = node.as_atom().map_or("", |name| name.as_str());
        if self.link(name).is_none() {
            return vec![no_connection()];
        }
        let Some(names) = names.as_list() else { return self.of_link(name, Reply::Nobody) };
        let named =
            |name: &Term| OptionName::named(name.as_atom().map_or("", |name| name.as_str()));
        let names: Result<Vec<OptionName>, OptsError> = names.iter().map(named).collect();
        self.getopts(name, &names).into_iter().map(told_remotely).collect()
    }

    /// This, if there is a link that goes on.
    fn of_link(&self, node: &str, told: Reply) -> Vec<Reply> {
        match self.link(node) {
            Some(_) if self.may_replace() => vec![told, no_connection()],
            Some(_) => vec![told],
            None => vec![no_connection()],
        }
    }
}

fn no_connection() -> Reply {
    reply("{error,noconnection}")
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only answers about options come here")]
fn told_remotely(answer: Answer) -> Reply {
    match answer {
        Answer::SetOpts(Ok(())) => reply("ok"),
        Answer::GetOpts(Ok(options)) => {
            let options: Vec<String> = options.iter().map(ToString::to_string).collect();
            reply(&format!("{{ok,[{}]}}", options.join(",")))
        }
        Answer::SetOpts(Err(error)) | Answer::GetOpts(Err(error)) => Reply::Term(error.to_term()),
        _ => Reply::Never,
    }
}

fn node_name(term: &Term) -> Option<NodeName> {
    NodeName::new(term.as_atom()?.as_str()).ok()
}

fn reply(text: &str) -> Reply {
    Reply::Term(text.parse().unwrap_or(Term::NIL))
}
