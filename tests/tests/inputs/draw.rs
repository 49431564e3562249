//! Looks at values of one type.

use core::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};
use proptest::arbitrary::any;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

/// Values out of bytes, and of a strategy, whose simplest ones can be read at a glance.
pub(crate) fn owned<T>(path: &str)
where
    T: for<'a> Arbitrary<'a> + proptest::arbitrary::Arbitrary + Debug,
{
    for number in 0..INPUTS {
        out_of::<T>(path, &input(number));
    }
    let mut runner = TestRunner::deterministic();
    for _ in 0..10 {
        let mut tree = any::<T>().new_tree(&mut runner).unwrap();
        let mut steps = 0;
        while tree.simplify() {
            steps += 1;
            assert!(steps < 100_000, "{path} has no simplest value");
        }
        let simplest = format!("{:?}", tree.current());
        assert!(simplest.len() < GLANCE, "{path}: {simplest} is not simple");
    }
}

/// Values out of bytes.
pub(crate) fn borrowed<T: Arbitrary<'static>>(path: &str) {
    for number in 0..INPUTS {
        out_of::<T>(path, input(number).leak());
    }
}

/// Characters of the largest configuration that holds nothing.
const GLANCE: usize = 600;
const INPUTS: u64 = 100;
const INPUT_BYTES: usize = 4096;

/// Bytes that look random; every third time few of them, and every fourth time small ones.
fn input(number: u64) -> Vec<u8> {
    let mut state = number;
    let bytes = core::iter::from_fn(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let byte = (state >> 56) as u8;
        Some(if number % 4 == 3 { byte % 4 } else { byte })
    });
    bytes.take(if number % 3 == 2 { number as usize } else { INPUT_BYTES }).collect()
}

/// There is a value in any bytes, and it takes no more of them than it says. How many it takes at least is not asked: for text the crate
/// itself says more than it takes.
fn out_of<'a, T: Arbitrary<'a>>(path: &str, input: &'a [u8]) {
    let mut source = Unstructured::new(input);
    let value = T::arbitrary(&mut source);
    assert!(value.is_ok(), "{path}: {:?} of {} bytes", value.err(), input.len());
    let (_, most) = T::size_hint(0);
    let taken = input.len() - source.len();
    assert!(taken <= most.unwrap_or(usize::MAX), "{path} took {taken} bytes, at most {most:?}");
}
