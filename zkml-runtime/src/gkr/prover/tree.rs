//! The layers of a fraction tree.

use num_traits::{One, Zero};
use rayon::prelude::*;

use super::leaves::Leaves;
use super::prefix::{Prefix, Scratch};
use super::source::ahead;
use crate::field::packed::{dot2, PackedF};
use crate::field::F;

/// Items of the upper layer that are worked on at once.
const CHUNK: usize = 1 << 4;
/// Chunks that are worth a task of their own.
const MIN_CHUNKS: usize = 16;

/// Fractions `[num, den]`.
pub(super) enum Layer<'a> {
    /// Pairs of these leaves, added where they are read: half of the tree's memory, for a product each time.
    Pairs(&'a Leaves<'a>),
    /// At least two vectors; neighbouring vectors are added.
    Packed(Prefix<2>),
    /// At most sixteen fractions; the halves are added.
    Scalar(Vec<[F; 2]>),
}

/// The layers above lookup leaves `1 / d`, the lowest first: `1 / d0 + 1 / d1 = (d0 + d1) / (d0 d1)`.
pub(super) fn above_lookups<'a>(leaves: &'a Leaves<'a>) -> Vec<Layer<'a>> {
    let log = leaves.log_vectors - 1;
    let (pairs, live) = (LeafPairs { leaves }, leaves.live().div_ceil(2).next_multiple_of(2));
    if log == 0 {
        let fractions = unpack(&pairs.view(0, 1, &mut Scratch::new())[0]);
        return up_to_root(vec![Layer::Scalar(fractions)]);
    }
    let tail = pairs.tail();
    let mut upper = Prefix::new(live / 2, add_scalars(tail, tail), log - 1);
    upper.items_mut()[..live / 2].par_chunks_mut(CHUNK).enumerate().with_min_len(MIN_CHUNKS).for_each_init(
        Scratch::new,
        |scratch, (k, upper)| {
            let lower = pairs.view(2 * CHUNK * k, 2 * upper.len(), scratch);
            add_pairs(lower.as_chunks().0, upper);
        },
    );
    up_to_root(vec![Layer::Pairs(leaves), packed(upper)])
}

/// The fractions that pairs of lookup leaves add up to, computed when they are read.
#[derive(Clone, Copy)]
pub(super) struct LeafPairs<'a> {
    pub leaves: &'a Leaves<'a>,
}

impl LeafPairs<'_> {
    /// `[num, den]` beyond the last block.
    pub fn tail(&self) -> [F; 2] {
        let d = self.leaves.tail;
        [d + d, d * d]
    }

    /// The `count` fractions from `first` on.
    pub fn view<'s>(&self, first: usize, count: usize, scratch: &'s mut Scratch) -> &'s [[PackedF; 2]] {
        if scratch.len() < 4 * count {
            scratch.resize(4 * count, PackedF::ZERO);
        }
        let (out, d) = scratch[..4 * count].split_at_mut(2 * count);
        self.leaves.fill(2 * first, d);
        let (out, _) = out.as_chunks_mut();
        for (out, [d0, d1]) in out.iter_mut().zip(d.as_chunks().0) {
            *out = [*d0 + *d1, d0.times(d1)];
        }
        out
    }
}

/// Table leaves `-multiplicity / d`, where both are linear in columns, and the layers above them.
pub(super) fn above_tables(numerators: &Leaves<'_>, denominators: &Leaves<'_>) -> Vec<Layer<'static>> {
    let (live, log) = (denominators.live(), denominators.log_vectors);
    let mut layers = Vec::new();
    push_two(&mut layers, live, [F::zero(), F::one()], log, |scratch, first, out| {
        let count = out.len();
        for (out, n) in out.iter_mut().zip(numerators.view(first, count, scratch)) {
            out[0] = *n;
        }
        for (out, d) in out.iter_mut().zip(denominators.view(first, count, scratch)) {
            out[1] = *d;
        }
    });
    up_to_root(layers)
}

fn up_to_root<'a>(mut layers: Vec<Layer<'a>>) -> Vec<Layer<'a>> {
    loop {
        let grown = match layers.pop() {
            Some(Layer::Packed(p)) => {
                let pairs = p.items().as_chunks::<2>().0;
                let mut grown = Vec::new();
                push_two(
                    &mut grown,
                    pairs.len(),
                    add_scalars(p.tail, p.tail),
                    p.log_items - 1,
                    |_, first, out| {
                        add_pairs(&pairs[first..], out);
                    },
                );
                layers.push(Layer::Packed(p));
                grown
            }
            Some(Layer::Scalar(v)) if v.len() > 1 => {
                let (low, high) = v.split_at(v.len() / 2);
                let sums = low.iter().zip(high).map(|(&a, &b)| add_scalars(a, b)).collect();
                layers.push(Layer::Scalar(v));
                vec![Layer::Scalar(sums)]
            }
            last => {
                layers.extend(last);
                return layers;
            }
        };
        layers.extend(grown);
    }
}

/// Appends a layer, and the one above it if that is one of vectors too, while the lower one's chunk is in the cache:
/// memory is what limits this pass. `fill(scratch, first, items)` computes the layer's items from index `first` on.
fn push_two(
    layers: &mut Vec<Layer<'_>>,
    live: usize,
    tail: [F; 2],
    log_items: u32,
    fill: impl Fn(&mut Scratch, usize, &mut [[PackedF; 2]]) + Sync,
) {
    if log_items == 0 {
        let mut item = [[PackedF::ZERO; 2]];
        fill(&mut Scratch::new(), 0, &mut item);
        layers.push(Layer::Scalar(unpack(&item[0])));
        return;
    }
    let live = live.next_multiple_of(2);
    let mut lower = Prefix::new(live, tail, log_items);
    let mut upper = Prefix::new(live / 2, add_scalars(tail, tail), log_items - 1);
    lower.items_mut()[..live]
        .par_chunks_mut(2 * CHUNK)
        .zip(upper.items_mut()[..live / 2].par_chunks_mut(CHUNK))
        .enumerate()
        .with_min_len(MIN_CHUNKS)
        .for_each_init(Scratch::new, |scratch, (k, (lower, upper))| {
            fill(scratch, 2 * CHUNK * k, lower);
            add_pairs(lower.as_chunks().0, upper);
        });
    layers.push(Layer::Packed(lower));
    layers.push(packed(upper));
}

fn packed<'a>(layer: Prefix<2>) -> Layer<'a> {
    match layer.log_items {
        0 => Layer::Scalar(unpack(&layer.items()[0])),
        _ => Layer::Packed(layer),
    }
}

/// `(n0 d1 + n1 d0) / (d0 d1)`
fn add_pairs(pairs: &[[[PackedF; 2]; 2]], out: &mut [[PackedF; 2]]) {
    for (out, pair) in out.iter_mut().zip(pairs) {
        ahead(pair);
        let [[n0, d0], [n1, d1]] = pair;
        out[0] = dot2(n0, d1, n1, d0);
        out[1] = d0.times(d1);
    }
}

/// `n0 / d0 + n1 / d1`
fn add_scalars([n0, d0]: [F; 2], [n1, d1]: [F; 2]) -> [F; 2] {
    [n0 * d1 + n1 * d0, d0 * d1]
}

/// N vectors as sixteen rows of N scalars.
pub(super) fn unpack<const N: usize>(item: &[PackedF; N]) -> Vec<[F; N]> {
    let columns = item.map(|v| v.to_array());
    (0..columns[0].len()).map(|k| columns.map(|c| c[k])).collect()
}
