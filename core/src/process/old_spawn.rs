//! Processes that nodes of old and C nodes spawn here: by a request to `net_kernel`.

use alloc::vec::Vec;
use bytes::Bytes;

use super::crash::{self, SPAWN_FUNC};
use super::signals::answer;
use super::spawn_options::Asked;
use super::{Caller, Deliver, Origin, Processes};
use crate::ids::MailboxId;
use crate::net_kernel::Reply;
use crate::stream::Violation;
use crate::term::{Pid, Reader, Term, write};
use crate::wire::control::Control;

/// `{spawn,Module,Function,Arguments,GroupLeader}`, `{spawn_link,...}`, or
/// `{spawn_opt,Module,Function,Arguments,Options,link|no_link,GroupLeader}`. Each part is any term, without version byte.
#[derive(Clone, Debug)]
pub(super) struct OldSpawn {
    module: Bytes,
    function: Bytes,
    arguments: Bytes,
    options: Option<Bytes>,
    link: bool,
    leader: Bytes,
}

impl OldSpawn {
    /// `None` if it is another request.
    pub(super) fn parse(body: &Bytes) -> Option<Self> {
        let mut reader = Reader::new(body);
        let arity = reader.tuple().ok()?;
        let what = reader.atom().ok()?;
        let mut next = || Some(body.slice_ref(reader.raw().ok()?));
        let [module, function, arguments] = [next()?, next()?, next()?];
        let (options, link) = match (&*what, arity) {
            ("spawn", 5) => (None, false),
            ("spawn_link", 5) => (None, true),
            ("spawn_opt", 7) => {
                let (options, link) = (next()?, next()?);
                (Some(options), Reader::new(&link).atom().is_ok_and(|atom| &*atom == "link"))
            }
            _ => return None,
        };
        Some(Self { module, function, arguments, options, link, leader: next()? })
    }
}

impl Processes {
    /// What an old node asks of `net_kernel`. The new process links first, then it answers.
    //= docs/spec/requests.md#request-spawn
    pub(super) fn old_spawn_received(
        &mut self,
        origin: &Origin,
        spawn: OldSpawn,
        caller: &Caller,
        deliver: &mut impl Deliver,
    ) -> Result<(), Violation> {
        let asked = Asked { link: spawn.link, monitor: false };
        let taken = spawn.options.as_deref().is_none_or(|options| Asked::parse(options).is_some());
        if !taken || !self.has_room_for_spawned(origin, asked) {
            let reason = Term::literal(if taken { "system_limit" } else { "badarg" });
            let exit = Term::tuple([Term::literal("EXIT"), Term::tuple([reason, Term::NIL])]);
            return reply(caller, exit, deliver);
        }
        let by = caller.pid();
        let (child, pid) = self.spawn_counted(origin, by.clone());
        let mut answered = Ok(());
        if spawn.link {
            self.add_link(child, by, true);
            let link = Control::Link { from: pid.clone(), to: by.clone() };
            answered = answer(origin, &link, deliver);
        }
        let answered = answered.and_then(|()| reply(caller, pid.clone().into(), deliver));
        self.begin_old(child, &pid, spawn, deliver);
        answered
    }

    /// What `net_kernel:spawn_func/6` does then, in the new process.
    fn begin_old(
        &mut self,
        child: MailboxId,
        pid: &Pid,
        spawn: OldSpawn,
        deliver: &mut impl Deliver,
    ) {
        let OldSpawn { module, function, arguments, leader, .. } = spawn;
        let Ok(leader_pid) = Reader::new(&leader).pid() else {
            let mut own = Vec::new();
            write::pid(&mut own, pid);
            let reason = crash::badarg("group_leader", &[&leader, &own], SPAWN_FUNC);
            return self.terminate(child, &reason, deliver);
        };
        let _ = self.give_group_leader(child, leader_pid);
        let [Ok(to_module), Ok(to_function)] =
            [&module, &function].map(|name| Reader::new(name).atom())
        else {
            let reason = crash::badarg("apply", &[&module, &function, &arguments], SPAWN_FUNC);
            return self.terminate(child, &reason, deliver);
        };
        self.begin(child, (to_module, to_function), arguments, SPAWN_FUNC, deliver);
    }
}

fn reply(caller: &Caller, term: Term, deliver: &mut impl Deliver) -> Result<(), Violation> {
    caller.answer(&Reply::Term(term)).map_or(Ok(()), |frame| deliver.answer(frame))
}
