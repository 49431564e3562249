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

    fn process(&mut self) -> &'static str {
        self.one(&["a1", "a2", "a3", "b1", "b2", "b3"])
    }

    fn dest(&mut self) -> String {
        let (name, node) = (self.one(&["shop", "mill"]), self.one(&["a", "b"]));
        if self.below(3) == 0 { format!("{{{name},{node}}}") } else { self.process().to_owned() }
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
        let (to, on) = (self.process(), self.below(3) > 0);
        let remote = if node(by) == "a" { "b" } else { "a" };
        let op = match self.below(100) {
            0..18 => format!("link {to}"),
            18..24 => format!("unlink {to}"),
            24..36 => format!("monitor {} m{number}", self.dest()),
            36..43 => {
                let alias = self.one(&["explicit_unalias", "demonitor", "reply_demonitor"]);
                format!("monitor {} m{number} {alias}", self.dest())
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
            87..90 => format!("send {} large", self.dest()),
            90..94 => format!("register {}", self.one(&["shop", "mill"])),
            94..95 => format!("unregister {}", self.one(&["shop", "mill"])),
            95..99 => format!("monitor_node {remote} {on}"),
            _ => format!("disconnect {remote}"),
        };
        format!("{by} {op}")
    }
}
