//! Graphs with seeded weights and inputs, set up to prove, and a prover that does not follow the rules.

pub mod case;
pub mod channel;
pub mod cheat;
pub mod fixture;
pub mod forge;
pub mod graph;

pub use fixture::Fixture;

/// What a proof or a prover is refused with: matched exactly, shown if another.
macro_rules! assert_refused {
    ($result:expr, $($expected:tt)+) => {{
        let result = $result;
        assert!(matches!(result, Err($($expected)+)), "{:?}", result.err());
    }};
}
pub(crate) use assert_refused;
