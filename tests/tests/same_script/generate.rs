//! Scripts out of a seed.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{RngCore as _, SeedableRng as _};

use super::model::{Model, node};
use super::op::{Name, Step};
use super::stage::everybody;

/// Steps of a script, if there is somebody left to make them.
const STEPS: usize = 24;
const REASONS: [&str; 10] = [
    "normal",
    "normal",
    "shutdown",
    "{shutdown,[1,2.5]}",
    "kill",
    "killed",
    "noproc",
    "bye",
    "#{who=>a1,to=>{b,b1}}",
    "large",
];

/// The script with this number.
pub(crate) fn script(seed: u64) -> Vec<Step> {
    let mut draw = Draw(Pcg64::seed_from_u64(seed));
    let mut model = Model::new(everybody());
    let mut steps = Vec::new();
    for number in 0..STEPS * 4 {
        let actors: Vec<_> =
            model.alive().into_iter().filter(|name| !name.ends_with('k')).collect();
        if actors.is_empty() || steps.len() == STEPS {
            break;
        }
        let by = draw.one(&actors);
        let step = Step::parse(&draw.line(&by, number, &model));
        let mut after = model.clone();
        if after.step(&step).is_fit() {
            model = after;
            steps.push(step);
        }
    }
    steps
}

struct Draw(Pcg64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        (self.0.next_u64() % bound as u64) as usize
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One of the first ones, or one that was spawned and lives.
    fn process(&mut self, model: &Model) -> String {
        let mut all: Vec<_> = ["a1", "a2", "a3", "b1", "b2", "b3"].map(str::to_owned).into();
        let spawned = model.alive().into_iter().filter(|name| name.contains('c'));
        all.extend(spawned.map(|name| name.to_string()));
        self.one(&all)
    }

    fn dest(&mut self, model: &Model) -> String {
        let (name, node) = (self.one(&["shop", "mill"]), self.one(&["a", "b"]));
        if self.below(3) == 0 { format!("{{{name},{node}}}") } else { self.process(model) }
    }

    fn spawn(&mut self, number: usize) -> String {
        let at = self.one(&["a", "b", "b"]);
        let function = self.one(&["child", "child", "child", "nobody"]);
        let whom = format!("{at} {at}c{number} {function}");
        match self.below(6) {
            0 => format!("spawn {whom}"),
            1 => format!("spawn_link {whom}"),
            2 => format!("spawn_monitor {whom} m{number}"),
            3 => match self.options(&[]) {
                (options, true) => format!("spawn_opt {whom} [{options}] m{number}"),
                (options, false) => format!("spawn_opt {whom} [{options}]"),
            },
            _ => {
                let reply =
                    ["yes", "no", "success_only", "error_only"].map(|it| format!("{{reply,{it}}}"));
                let more = [
                    self.one(&reply),
                    self.one(&["{priority,low}", "{reply_tag,told}", "bogus"]).to_owned(),
                ];
                let more = &more[..self.below(3)];
                format!("spawn_request {whom} [{}] m{number}", self.options(more).0)
            }
        }
    }

    /// Whether there is a monitor among them.
    fn options(&mut self, more: &[String]) -> (String, bool) {
        let monitor = self.one(&[
            None,
            None,
            Some("monitor"),
            Some("{monitor,[{alias,explicit_unalias}]}"),
            Some("{monitor,[{alias,demonitor}]}"),
            Some("{monitor,[{alias,reply_demonitor}]}"),
        ]);
        let link = (self.below(2) == 0).then_some("link");
        let options = link.into_iter().chain(monitor).map(str::to_owned);
        let options: Vec<_> = options.chain(more.iter().cloned()).collect();
        (options.join(","), monitor.is_some())
    }

    /// A reference that this process has made, or any at all.
    fn reference(&mut self, model: &Model, own: Option<&Name>) -> Option<Name> {
        let all = model
            .references()
            .filter(|(name, of)| !name.starts_with('w') && own.is_none_or(|own| *of == own));
        let all: Vec<_> = all.map(|(name, _)| name.clone()).collect();
        if all.is_empty() { None } else { Some(self.one(&all)) }
    }

    fn line(&mut self, by: &Name, number: usize, model: &Model) -> String {
        let (to, on) = (self.process(model), self.below(3) > 0);
        let remote = if node(by) == "a" { "b" } else { "a" };
        let op = match self.below(120) {
            0..18 => format!("link {to}"),
            18..24 => format!("unlink {to}"),
            24..36 => format!("monitor {} m{number}", self.dest(model)),
            36..43 => {
                let alias = self.one(&["explicit_unalias", "demonitor", "reply_demonitor"]);
                format!("monitor {} m{number} {alias}", self.dest(model))
            }
            43..49 => match self.reference(model, Some(by)) {
                Some(own) => format!("demonitor {own}"),
                None => "links".to_owned(),
            },
            49..59 => format!("exit {to} {}", self.one(&REASONS)),
            59..64 => format!("terminate {}", self.one(&REASONS)),
            64..74 => format!("trap_exit {on}"),
            74..77 => format!("alias x{number} {}", self.one(&["explicit_unalias", "reply"])),
            77..79 => match self.reference(model, Some(by)) {
                Some(own) => format!("unalias {own}"),
                None => format!("register {}", self.one(&["shop", "mill"])),
            },
            79..87 => match self.reference(model, None) {
                Some(any) => format!("send {any} {{hello,{number}}}"),
                None => format!("send {to} [{number},{to}]"),
            },
            87..90 => format!("send {} large", self.dest(model)),
            90..94 => format!("register {}", self.one(&["shop", "mill"])),
            94..95 => format!("unregister {}", self.one(&["shop", "mill"])),
            95..99 => format!("monitor_node {remote} {on}"),
            99..118 => self.spawn(number),
            118 => match self.reference(model, Some(by)) {
                Some(own) => format!("abandon {own}"),
                None => "links".to_owned(),
            },
            _ => format!("disconnect {remote}"),
        };
        format!("{by} {op}")
    }
}
