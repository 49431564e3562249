//! Steps that spawn: `a1 spawn_opt b bc1 child [link,monitor] m1` has a process `bc1` spawned on node `b`.

use netkernel_blocking::MonitorAlias;
use netkernel_blocking::core::process::{Mfa, ReplyOptions, ReplyWhen, SpawnMonitor, SpawnOptions};
use netkernel_blocking::core::term::Term;

use super::names::atom;
use super::op::{Name, name};

/// How a process is spawned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spawn {
    pub(crate) form: Form,
    pub(crate) node: Name,
    /// What the new process is called from then on.
    pub(crate) child: Name,
    /// It plays, and is no process that ends at once because its function is not there.
    pub(crate) plays: bool,
    pub(crate) options: SpawnOptions,
    pub(crate) reply: ReplyOptions,
    /// What the monitor, or the request, is called from then on.
    pub(crate) reference: Option<Name>,
}

/// By which function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// `spawn/4`.
    Spawn,
    /// `spawn_link/4`.
    Link,
    /// `spawn_monitor/4`.
    Monitor,
    /// `spawn_opt/5`.
    Opt,
    /// `spawn_request/5`, or `spawn_request/4` where there are no options.
    Request,
}

impl Spawn {
    pub(super) fn of(called: &str, words: &[Term]) -> Option<Self> {
        let [node, child, function, words @ ..] = words else { return None };
        let plays = match &*name(function) {
            "child" => true,
            "nobody" => false,
            _ => return None,
        };
        let mut spawn = Self {
            form: Form::Spawn,
            node: name(node),
            child: name(child),
            plays,
            options: SpawnOptions::default(),
            reply: ReplyOptions::default(),
            reference: None,
        };
        spawn.form = match (called, words) {
            ("spawn", []) => Form::Spawn,
            ("spawn_link", []) => {
                spawn.options.link = true;
                Form::Link
            }
            ("spawn_monitor", [monitor]) => {
                spawn.options.monitor = Some(SpawnMonitor::default());
                spawn.reference = Some(name(monitor));
                Form::Monitor
            }
            ("spawn_opt", [options, monitor @ ..]) => {
                spawn.add(options)?;
                spawn.reference = monitor.first().map(name);
                (spawn.reference.is_some() == spawn.monitors()).then_some(Form::Opt)?
            }
            ("spawn_request", [request]) => {
                spawn.reference = Some(name(request));
                Form::Request
            }
            ("spawn_request", [options, request]) => {
                spawn.add(options)?;
                spawn.reference = Some(name(request));
                Form::Request
            }
            _ => return None,
        };
        Some(spawn)
    }

    fn add(&mut self, options: &Term) -> Option<()> {
        for option in options.as_list()? {
            let of = option.as_tuple().and_then(|it| Some((it.first()?.as_atom()?, it.get(1)?)));
            match (option.as_atom().map(|it| &**it), of.map(|(name, value)| (&**name, value))) {
                (Some("link"), _) => self.options.link = true,
                (Some("monitor"), _) => self.options.monitor = Some(SpawnMonitor::default()),
                (_, Some(("monitor", value))) => {
                    let alias = value.as_list()?.first().map(|it| alias(it).unwrap());
                    self.options.monitor = Some(SpawnMonitor { alias, tag: None });
                }
                (_, Some(("reply", when))) => self.reply.when = reply_when(when)?,
                (_, Some(("reply_tag", tag))) => self.reply.tag = Some(tag.clone()),
                _ => self.options.process.push(option.clone()),
            }
        }
        Some(())
    }

    pub(crate) fn is_request(&self) -> bool {
        self.form == Form::Request
    }

    pub(crate) fn monitors(&self) -> bool {
        self.options.monitor.is_some()
    }

    /// Whether there is an option that no node takes.
    pub(crate) fn is_bad(&self) -> bool {
        self.options.process.contains(&atom("bogus").into())
    }

    /// Whether the answer comes as a message.
    pub(crate) fn tells(&self, success: bool) -> bool {
        let tells = match self.reply.when {
            ReplyWhen::Yes => true,
            ReplyWhen::No => false,
            ReplyWhen::SuccessOnly => success,
            ReplyWhen::ErrorOnly => !success,
        };
        tells && self.is_request()
    }

    /// What the new process calls.
    pub(crate) fn mfa(&self) -> Mfa {
        let (module, function) = if self.plays { ("player", "child") } else { ("nomod", "nobody") };
        Mfa::new(atom(module), atom(function), &[self.child.clone().into()]).unwrap()
    }
}

/// `{alias,Option}`.
fn alias(option: &Term) -> Option<MonitorAlias> {
    let [_, option] = option.as_tuple()? else { return None };
    match &**option.as_atom()? {
        "explicit_unalias" => Some(MonitorAlias::ExplicitUnalias),
        "demonitor" => Some(MonitorAlias::Demonitor),
        "reply_demonitor" => Some(MonitorAlias::ReplyDemonitor),
        _ => None,
    }
}

fn reply_when(term: &Term) -> Option<ReplyWhen> {
    match &**term.as_atom()? {
        "yes" => Some(ReplyWhen::Yes),
        "no" => Some(ReplyWhen::No),
        "success_only" => Some(ReplyWhen::SuccessOnly),
        "error_only" => Some(ReplyWhen::ErrorOnly),
        _ => None,
    }
}
