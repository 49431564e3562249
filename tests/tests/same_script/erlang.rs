//! A node of Erlang that plays: `tests/otp/player.erl` inside it.

use std::collections::BTreeMap;

use netkernel_blocking::core::term::Term;
use netkernel_tests::otp::Erl;

use super::names::Names;
use super::op::{Name, Step};
use super::stage::Side;

pub(crate) struct Erlang {
    erl: Erl,
    is_cast: bool,
}

impl Erlang {
    pub(crate) fn new(erl: Erl) -> Self {
        erl.load("player", include_str!("../../otp/player.erl"));
        Self { erl, is_cast: false }
    }

    fn play(&self, function: &str, arguments: Vec<Term>) -> Term {
        self.erl.apply("player", function, arguments)
    }
}

impl Side for Erlang {
    fn node(&self) -> &str {
        self.erl.name()
    }

    fn connect(&self, other: &str) -> bool {
        self.erl.eval(&format!("net_kernel:connect_node('{other}')")) == "true"
            && self.erl.ping(other)
    }

    fn cast(&mut self, names: &[Name]) -> Vec<Term> {
        if core::mem::replace(&mut self.is_cast, true) {
            self.play("stop", vec![]);
        }
        let names = names.iter().cloned().map(Term::from);
        self.play("cast", vec![Term::list(names)]).as_list().unwrap().to_vec()
    }

    fn step(
        &mut self,
        by: &Name,
        ops: &[&Step],
        syncs: &[Name],
        names: &Names,
    ) -> Option<Vec<Term>> {
        let ops = ops.iter().map(|step| names.resolved(&step.term));
        let syncs = syncs.iter().map(|name| names.get(name).clone());
        let arguments = vec![names.get(by).clone(), Term::list(ops), Term::list(syncs)];
        self.play("step", arguments).as_list().map(<[Term]>::to_vec)
    }

    fn seen(&mut self, counts: &[(Name, usize)]) -> BTreeMap<Name, Vec<Term>> {
        let counts = counts
            .iter()
            .map(|(name, count)| Term::tuple([name.clone().into(), (*count as u64).into()]));
        let log = self.play("seen", vec![Term::list(counts)]);
        let entry = |entry: &Term| {
            let [name, items] = entry.as_tuple().unwrap() else { panic!("{entry}") };
            (name.as_atom().unwrap().clone(), items.as_list().unwrap().to_vec())
        };
        log.as_list().unwrap().iter().map(entry).collect()
    }
}
