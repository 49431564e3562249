//! What holds however the bytes of a handshake are cut, and whatever happens to them.

use netkernel_core::handshake::Greeting;
use netkernel_core::{Challenge, Digest, Instant};
use proptest::collection::vec as many;
use proptest::prelude::*;

use crate::parties::{Answer, Outcome, cookie};
use crate::play::{FIRST_FRAMES, OURS, Pair, THEIRS};

fn pairs() -> impl Strategy<Value = Pair> {
    let alive = Answer::Greet(Greeting::Alive);
    prop_oneof![
        Just(Pair::new()),
        Just(Pair { answer: Answer::Greet(Greeting::OkSimultaneous), ..Pair::new() }),
        Just(Pair { answer: alive.clone(), ..Pair::new() }),
        Just(Pair { answer: alive, replace: false, ..Pair::new() }),
        Just(Pair { own: "h", answer: Answer::Name("given@h", 77), ..Pair::new() }),
        Just(Pair { cookies: ["SECRET", "OTHER"], ..Pair::new() }),
    ]
}

/// What packets begin with, to get further than the tag.
const PREFIXES: [&[u8]; 8] = [b"", b"N", b"n", b"snamed:", b"sok", b"c", b"r", b"a"];

/// The last bytes before the channel's, if there are as many: where the digest is.
fn digest_at_the_end(said: &[u8]) -> Option<Digest> {
    let said = said.strip_suffix(FIRST_FRAMES).unwrap_or(said);
    said.last_chunk().copied().map(Digest)
}

proptest! {
    //= docs/spec/handshake.md#hs-framing
    //= type=test
    //= docs/spec/handshake.md#hs-residue
    //= type=test
    #[test]
    fn any_segmentation_gives_the_same_result_and_every_byte_of_the_channel(
        pair in pairs(), pieces in many(1_usize..40, 1..40),
    ) {
        let whole = pair.play_in(&[usize::MAX]).channel();
        prop_assert_eq!(&pair.play_in(&[1]).channel(), &whole);
        let (played, channel) = pair.play_in(&pieces).channel();
        prop_assert_eq!((&played, &channel), (&whole.0, &whole.1));
        if played.outcomes.iter().all(Outcome::is_up) {
            prop_assert_eq!(channel, [FIRST_FRAMES; 2]);
        }
    }

    //= docs/spec/handshake.md#hs-acceptor-digest
    //= type=test
    //= docs/spec/handshake.md#hs-initiator-ack
    //= type=test
    #[test]
    fn nobody_comes_up_without_the_right_digest_whatever_bit_is_flipped(
        pair in pairs(), direction in 0..2_usize, byte in 0..100_usize, bit in 0..8,
    ) {
        let mut written = 0;
        let played = pair.play_altered(&[usize::MAX], |from, bytes| {
            if from == direction {
                let at = byte.checked_sub(written);
                if let Some(byte) = at.and_then(|at| bytes.get_mut(at)) {
                    *byte ^= 1_u8 << bit;
                }
                written += bytes.len();
            }
        });
        let secret = cookie("SECRET");
        for (side, challenge) in [(0, OURS), (1, THEIRS)] {
            if let Outcome::Up(established) = &played.outcomes[side] {
                let said = &played.said[1 - side];
                let heard = &said[..said.len() - played.later[side].len() - established.residue.len()];
                prop_assert_eq!(digest_at_the_end(heard), Some(secret.digest(Challenge(challenge))));
                prop_assert_eq!(pair.cookies, ["SECRET"; 2]);
            }
        }
    }

    //= docs/spec/handshake.md#hs-malformed
    //= type=test
    #[test]
    fn bytes_of_strangers_never_panic_and_never_bring_a_link_up(
        pair in pairs(), chunks in many(many(any::<u8>(), 0..60), 0..6), whole in any::<bool>(),
        prefix in proptest::sample::select(&PREFIXES[..]),
    ) {
        let (mut dialler, _) = pair.dialler();
        let mut listener = pair.listener();
        for chunk in chunks {
            let mut bytes = Vec::new();
            if whole {
                bytes.extend(u16::try_from(prefix.len() + chunk.len()).unwrap().to_be_bytes());
                bytes.extend(prefix);
            }
            bytes.extend(chunk);
            let _ = dialler.hears(Instant::ORIGIN, &bytes);
            let _ = listener.hears(Instant::ORIGIN, &bytes);
        }
        prop_assert!(!dialler.outcome.is_up() && !listener.outcome.is_up());
    }
}
