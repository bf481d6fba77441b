use num_traits::One;

use super::GkrError;
use crate::field::{eq_index, prefix_eq_sum, F};

/// How a block enters its tree's claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockWeight<'a> {
    /// eq of the point's high coordinates with the block's place.
    pub weight: F,
    /// The last `log_len` coordinates: where the block's columns are to be evaluated.
    pub point: &'a [F],
}

/// The weights of all leaves at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafWeights<'a> {
    pub blocks: Vec<BlockWeight<'a>>,
    /// The weight of all leaves beyond the last block.
    pub tail: F,
}

/// Splits a claim at `point` into claims on blocks. With `block.log_len` coordinates `low` left to a block,
///
/// ```text
/// lookups: numerator = 1
/// tables:  numerator = - sum_blocks weight * multiplicity~(low)
/// both:    denominator = sum_blocks weight * (constant - sum_j weight_j column_j~(low)) + tail
/// ```
pub fn block_weights(
    log_lens: impl IntoIterator<Item = u32>,
    point: &[F],
) -> Result<LeafWeights<'_>, GkrError> {
    let too_short = GkrError::PointTooShort { coordinates: point.len() };
    let (mut offset, mut last) = (0u64, u32::MAX);
    let mut blocks = Vec::new();
    for (block, log_len) in log_lens.into_iter().enumerate() {
        if log_len > last {
            return Err(GkrError::BlockOrder { block, expected: last, got: log_len });
        }
        last = log_len;
        let high = point.len().checked_sub(log_len as usize).ok_or_else(|| too_short.clone())?;
        let size = 1u64.checked_shl(log_len).ok_or_else(|| too_short.clone())?;
        blocks
            .push(BlockWeight { weight: eq_index(&point[..high], offset >> log_len), point: &point[high..] });
        offset = offset.checked_add(size).ok_or_else(|| too_short.clone())?;
    }
    if point.len() < 64 && offset > 1 << point.len() {
        return Err(too_short);
    }
    Ok(LeafWeights { blocks, tail: F::one() - prefix_eq_sum(point, offset) })
}
