//! A peer that goes through a handshake step by step.

use netkernel_core::handshake::{
    Established, Failure, Initiator, InitiatorConfig, InitiatorStep, Own,
};
use netkernel_core::wire::framing::Framing;
use netkernel_core::{Creation, Entropy, Flags, Instant, PeerName};

use crate::common::SETUP;
use crate::world::{World, cookie};

/// A peer of the test's own, as far as its side of a handshake goes.
pub(crate) struct ScriptedInitiator {
    pub(crate) script: usize,
    pub(crate) step: Option<InitiatorStep>,
}

impl ScriptedInitiator {
    pub(crate) fn begin(
        world: &mut World,
        to: usize,
        as_name: &str,
        own: Option<Own>,
        key: &str,
    ) -> Self {
        let config = InitiatorConfig {
            own: own.unwrap_or(Own::Named {
                name: PeerName::new(as_name.to_owned()),
                creation: Creation(9),
            }),
            peer: world.nodes[to].kernel.node(),
            cookie: cookie(key),
            flags: Flags::SERVED | Flags::PUBLISHED,
            mandatory: Flags::MANDATORY_26,
            setup_time: SETUP,
            framing: Framing::Short,
        };
        let script = world.script(to);
        let mut out = Vec::new();
        let machine = Initiator::new(config, Entropy::new([77; 16]), Instant::MAX, &mut out);
        world.say(script, &out);
        Self { script, step: Some(InitiatorStep::Wait(machine)) }
    }

    /// Takes one step with what was heard; `Err` if the handshake failed.
    pub(crate) fn go_on(&mut self, world: &mut World) -> Result<Option<Established>, Failure> {
        let heard = world.heard(self.script);
        let mut out = Vec::new();
        let step = match self.step.take() {
            Some(InitiatorStep::Wait(machine)) => machine.receive(world.now, &heard, &mut out)?,
            Some(InitiatorStep::Alive(remark)) => remark.replace(world.now, &mut out)?,
            step => panic!("nothing to go on with: {step:?}"),
        };
        world.say(self.script, &out);
        if let InitiatorStep::Done(established) = step {
            return Ok(Some(established));
        }
        self.step = Some(step);
        Ok(None)
    }
}

pub(crate) fn up_as(world: &mut World, to: usize, as_name: &str) -> ScriptedInitiator {
    let mut peer = ScriptedInitiator::begin(world, to, as_name, None, "C");
    while peer.go_on(world).unwrap().is_none() {}
    peer
}
