use crate::field::packed::PackedF;
use crate::field::pool::Buf;
use crate::field::F;

/// A fold reads items by four and the next layer's pairs by two: stored prefixes are a multiple of this.
const ALIGN: usize = 8;

/// `2^log_items` items of N vectors, of which all but a prefix equal `tail` in every lane.
///
/// Folding and adding fractions keep this form, so that the tail costs nothing: a tail item pairs with a tail item,
/// except at the boundary, where the stored prefix holds a few of them.
pub(super) struct Prefix<const N: usize> {
    data: Buf,
    pub tail: [F; N],
    pub log_items: u32,
}

/// How many items to store if `live` of them can differ from the tail.
pub(super) fn stored(live: usize, log_items: u32) -> usize {
    live.next_multiple_of(ALIGN).min(1 << log_items)
}

/// What a task keeps between chunks.
pub(super) type Scratch = Vec<PackedF>;

impl<const N: usize> Prefix<N> {
    /// Arbitrary values in the first `live` items, tails behind them.
    pub fn new(live: usize, tail: [F; N], log_items: u32) -> Self {
        let mut this = Self { data: Buf::new(N * stored(live, log_items)), tail, log_items };
        let packed = tail.map(PackedF::splat);
        this.items_mut()[live..].fill(packed);
        this
    }

    pub fn items(&self) -> &[[PackedF; N]] {
        self.data.as_chunks().0
    }

    pub fn items_mut(&mut self) -> &mut [[PackedF; N]] {
        self.data.as_chunks_mut().0
    }
}
