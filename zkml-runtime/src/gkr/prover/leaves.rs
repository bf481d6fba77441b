//! Leaves as linear combinations of columns, recomputed wherever they are needed.

use super::{LeafBlock, Scratch};
use crate::field::packed::{column_lanes, of_bytes, BaseAcc, ColumnLanes, PackedF, LANES, LOG_LANES};
use crate::field::{BaseField, F};

/// A sequence of `2^log_vectors` vectors: those of the blocks, then a constant.
#[derive(Clone)]
pub(super) struct Leaves<'a> {
    runs: Vec<Run<'a>>,
    /// What the blocks smaller than a vector make together.
    small: Vec<PackedF>,
    pub tail: F,
    pub log_vectors: u32,
}

/// A block of whole vectors.
#[derive(Clone)]
struct Run<'a> {
    first: usize,
    end: usize,
    constant: F,
    /// Negated weights: `constant + sum e_j x_j`.
    weights: Vec<[u64; 4]>,
    columns: Vec<&'a [ColumnLanes]>,
    /// The same of bytes.
    bytes: Vec<([u64; 4], &'a [[i8; LANES]])>,
}

impl<'a> Leaves<'a> {
    /// Blocks in descending order of size, with columns of the right length.
    pub fn new(blocks: &[LeafBlock<'a>], tail: F, log_leaves: usize) -> Self {
        let large = blocks.partition_point(|b| b.log_len >= LOG_LANES);
        let mut end = 0;
        let runs = blocks[..large].iter().map(|b| {
            let first = end;
            end += 1 << (b.log_len - LOG_LANES);
            Run {
                first,
                end,
                constant: b.constant,
                weights: b.columns.iter().map(|&(w, _)| BaseAcc::coords(-w)).collect(),
                columns: b.columns.iter().map(|(_, x)| column_lanes(x).0).collect(),
                bytes: b.bytes.iter().map(|&(w, x)| (BaseAcc::coords(-w), x.as_chunks().0)).collect(),
            }
        });
        let runs = runs.collect();
        let scalars: Vec<F> = blocks[large..].iter().flat_map(leaves_of).collect();
        let small = scalars.chunks(LANES).map(|chunk| {
            let mut lanes = [tail; LANES];
            lanes[..chunk.len()].copy_from_slice(chunk);
            PackedF::from_array(&lanes)
        });
        Self { runs, small: small.collect(), tail, log_vectors: log_leaves as u32 - LOG_LANES }
    }

    /// The same leaves with a constant added.
    pub fn plus(&self, constant: F) -> Self {
        let mut leaves = self.clone();
        leaves.tail += constant;
        leaves.runs.iter_mut().for_each(|run| run.constant += constant);
        leaves.small.iter_mut().for_each(|v| *v = *v + PackedF::splat(constant));
        leaves
    }

    /// Vectors that hold a leaf of some block.
    pub fn live(&self) -> usize {
        self.end_of_runs() + self.small.len()
    }

    fn end_of_runs(&self) -> usize {
        self.runs.last().map_or(0, |r| r.end)
    }

    /// The `count` vectors from `first` on.
    pub fn view<'s>(&self, first: usize, count: usize, scratch: &'s mut Scratch) -> &'s [PackedF] {
        if scratch.len() < count {
            scratch.resize(count, PackedF::ZERO);
        }
        let out = &mut scratch[..count];
        self.fill(first, out);
        out
    }

    pub fn fill(&self, first: usize, out: &mut [PackedF]) {
        let end = first + out.len();
        let mut next = first;
        for run in &self.runs[self.runs.partition_point(|r| r.end <= first)..] {
            if run.first >= end {
                break;
            }
            let stop = run.end.min(end);
            run.fill(next - run.first, &mut out[next - first..stop - first]);
            next = stop;
        }
        let small = next.saturating_sub(self.end_of_runs()).min(self.small.len());
        let small = &self.small[small..];
        let rest = &mut out[next - first..];
        let (with_small, tail) = rest.split_at_mut(small.len().min(rest.len()));
        with_small.copy_from_slice(&small[..with_small.len()]);
        tail.fill(PackedF::splat(self.tail));
    }
}

impl Run<'_> {
    fn fill(&self, offset: usize, out: &mut [PackedF]) {
        match (self.columns.as_slice(), self.bytes.as_slice()) {
            ([], []) => self.fill_from([], offset, out),
            (&[a], []) => self.fill_from([a], offset, out),
            (&[a, b], []) => self.fill_from([a, b], offset, out),
            (&[a, b, c], []) => self.fill_from([a, b, c], offset, out),
            ([], [(weight, bytes)]) => {
                let constant = BaseAcc::coords(self.constant);
                for (out, x) in out.iter_mut().zip(&bytes[offset..]) {
                    let mut acc = BaseAcc::new(&constant);
                    acc.mac(weight, of_bytes(x));
                    *out = acc.finish();
                }
            }
            (columns, bytes) => {
                let constant = BaseAcc::coords(self.constant);
                for (i, out) in out.iter_mut().enumerate() {
                    let mut acc = BaseAcc::new(&constant);
                    for (e, x) in self.weights.iter().zip(columns) {
                        acc.mac(e, x[offset + i].get());
                    }
                    for (e, x) in bytes {
                        acc.mac(e, of_bytes(&x[offset + i]));
                    }
                    *out = acc.finish();
                }
            }
        }
    }

    /// With the number of columns known, and up to three, weights stay in registers.
    #[inline(always)]
    fn fill_from<const K: usize>(&self, columns: [&[ColumnLanes]; K], offset: usize, out: &mut [PackedF]) {
        let columns = columns.map(|x| &x[offset..offset + out.len()]);
        let mut weights = [[0; 4]; K];
        weights.copy_from_slice(&self.weights);
        let constant = BaseAcc::coords(self.constant);
        for (i, out) in out.iter_mut().enumerate() {
            let mut acc = BaseAcc::new(&constant);
            // Not a loop: it would not be unrolled.
            if K > 0 {
                acc.mac(&weights[0], columns[0][i].get());
            }
            if K > 1 {
                acc.mac(&weights[1], columns[1][i].get());
            }
            if K > 2 {
                acc.mac(&weights[2], columns[2][i].get());
            }
            *out = acc.finish();
        }
    }
}

/// The leaves of a block one by one.
fn leaves_of<'b>(block: &'b LeafBlock<'_>) -> impl Iterator<Item = F> + 'b {
    (0..1usize << block.log_len).map(move |i| {
        let den =
            block.columns.iter().fold(block.constant, |den, &(w, x): &(F, &[BaseField])| den - w * x[i]);
        block.bytes.iter().fold(den, |den, &(w, x)| den - w * BaseField::from(x[i] as i32))
    })
}
