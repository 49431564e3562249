//! Any value of the types that are handed to core: for fuzzers (feature `arbitrary`), and for property tests (feature `proptest`).
//!
//! Types that may hold what their fields may derive both traits. One that keeps a promise is made of parts that keep none, by
//! `made_of`; its strategy may be another one, that draws less of what is odd.

/// Makes a type out of any value of `$parts`. It takes all of them, so that no input of a fuzzer is lost.
macro_rules! made_of {
    ($type:ty, $parts:ty, $make:expr) => {
        made_of!($type, $parts, $make; {
            use proptest::strategy::Strategy as _;
            let make: fn($parts) -> $type = $make;
            proptest::arbitrary::any::<$parts>().prop_map(make)
        });
    };
    ($type:ty, $parts:ty, $make:expr; $strategy:expr) => {
        #[cfg(feature = "arbitrary")]
        #[allow(clippy::unwrap_used, reason = "what is made here fits")]
        impl<'a> arbitrary::Arbitrary<'a> for $type {
            fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
                let make: fn($parts) -> $type = $make;
                Ok(make(u.arbitrary()?))
            }

            fn size_hint(depth: usize) -> (usize, Option<usize>) {
                <$parts as arbitrary::Arbitrary<'a>>::size_hint(depth)
            }
        }

        #[cfg(any(test, feature = "proptest"))]
        #[allow(clippy::unwrap_used, reason = "what is made here fits")]
        impl proptest::arbitrary::Arbitrary for $type {
            type Parameters = ();
            type Strategy = proptest::strategy::BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                proptest::strategy::Strategy::boxed($strategy)
            }
        }
    };
}

#[cfg(feature = "arbitrary")]
pub(crate) use fuzzers::bytes;
#[cfg(any(test, feature = "proptest"))]
pub(crate) use strategies::{any_bytes, few};

/// At most three.
#[cfg(any(test, feature = "arbitrary", feature = "proptest"))]
#[derive(Clone, Debug)]
pub(crate) struct Few<T>(pub(crate) alloc::vec::Vec<T>);

/// Bytes of which nothing is asked, a few hundred at most where they are drawn by a strategy.
#[cfg(any(test, feature = "arbitrary", feature = "proptest"))]
#[derive(Clone, Debug)]
pub(crate) struct Raw(pub(crate) alloc::vec::Vec<u8>);

#[cfg(any(test, feature = "arbitrary", feature = "proptest"))]
const FEW: usize = 3;

#[cfg(feature = "arbitrary")]
mod fuzzers {
    use alloc::vec::Vec;
    use arbitrary::{Arbitrary, Result, Unstructured, size_hint};
    use bytes::Bytes;

    use super::{FEW, Few, Raw};

    impl<'a, T: Arbitrary<'a>> Arbitrary<'a> for Few<T> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            let count = u.int_in_range(0..=FEW)?;
            (0..count).map(|_| u.arbitrary()).collect::<Result<_>>().map(Self)
        }

        fn size_hint(depth: usize) -> (usize, Option<usize>) {
            let most = size_hint::try_recursion_guard(depth, |depth| {
                let (_, one) = T::try_size_hint(depth)?;
                Ok((1, one.and_then(|one| one.checked_mul(FEW)?.checked_add(1))))
            });
            most.unwrap_or((1, None))
        }
    }

    impl<'a> Arbitrary<'a> for Raw {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Self(u.arbitrary()?))
        }

        fn size_hint(depth: usize) -> (usize, Option<usize>) {
            Vec::<u8>::size_hint(depth)
        }
    }

    /// For fields, whose type is another crate's.
    pub(crate) fn bytes(u: &mut Unstructured<'_>) -> Result<Bytes> {
        Ok(Vec::arbitrary(u)?.into())
    }
}

#[cfg(any(test, feature = "proptest"))]
mod strategies {
    use alloc::vec::Vec;
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{FEW, Few, Raw};

    impl<T: Arbitrary + 'static> Arbitrary for Few<T> {
        type Parameters = ();
        type Strategy = BoxedStrategy<Self>;

        fn arbitrary_with((): ()) -> Self::Strategy {
            few().prop_map(Self).boxed()
        }
    }

    impl Arbitrary for Raw {
        type Parameters = ();
        type Strategy = BoxedStrategy<Self>;

        fn arbitrary_with((): ()) -> Self::Strategy {
            vec(any::<u8>(), 0..300).prop_map(Self).boxed()
        }
    }

    /// For fields.
    pub(crate) fn few<T: Arbitrary>() -> impl Strategy<Value = Vec<T>> {
        vec(any::<T>(), 0..=FEW)
    }

    /// For fields, whose type is another crate's.
    pub(crate) fn any_bytes() -> impl Strategy<Value = Bytes> {
        any::<Raw>().prop_map(|Raw(bytes)| bytes.into())
    }
}
