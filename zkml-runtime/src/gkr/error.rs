use std::fmt;

/// One of the two fraction trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    Lookups,
    Tables,
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tree::Lookups => "lookup tree",
            Tree::Tables => "table tree",
        })
    }
}

/// Why a LogUp proof was not made or not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GkrError {
    #[error("the {0} has no leaves")]
    Empty(Tree),
    #[error("the {tree} has too many leaves: expected at most 2^30, got {got}")]
    TooManyLeaves { tree: Tree, got: u64 },
    #[error("block {block} is out of order: expected at most 2^{expected} leaves, got 2^{got}")]
    BlockOrder { block: usize, expected: u32, got: u32 },
    #[error("block {block} of the {tree} has a column of the wrong length: expected {expected}, got {got}")]
    ColumnLength { tree: Tree, block: usize, expected: u64, got: u64 },
    #[error(
        "the blocks do not fit a point of {coordinates} coordinates: expected at most 2^{coordinates} leaves"
    )]
    PointTooShort { coordinates: usize },
    #[error("the proof has the wrong length: expected {expected} elements, got {got}")]
    ProofLength { expected: usize, got: usize },
    #[error("the proof has the wrong number of layers: expected {expected}, got {got}")]
    LayerCount { expected: usize, got: usize },
    #[error("layer {layer} has the wrong number of rounds: expected {expected}, got {got}")]
    RoundCount { layer: usize, expected: usize, got: usize },
    #[error("layer {layer} has the wrong number of values for the {tree}: expected {expected}, got {got}")]
    MaskLength { layer: usize, tree: Tree, expected: usize, got: usize },
    #[error("element {index} of the proof is not a field element: expected words below 2^31 - 1")]
    NotCanonical { index: usize },
    #[error("the root of the {0} has a zero denominator")]
    ZeroDenominator(Tree),
    #[error("lookups and tables do not add up to the same fraction")]
    NonZeroSum,
    #[error("the sumcheck of layer {layer} does not end at its values")]
    LayerMismatch { layer: usize },
    #[error("a challenge is zero (one chance in 2^124)")]
    ZeroChallenge,
    #[error("the device that keeps the trees failed: {0}")]
    Device(String),
}
