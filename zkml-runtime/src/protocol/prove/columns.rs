//! The columns of a tree, in memory.

use crate::cells::Cells;
use crate::field::BaseField;
use crate::pcs::Column;
use rayon::prelude::*;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::Column as _;
use zkml_ir::elem::P;
use zkml_ir::layout::{Layout, Placement, Tree};

/// The columns of a tree: every piece of its tensors, and for the trace of the multiplicities, at its place.
pub(super) fn columns<'a>(
    layout: &Layout,
    tree: Tree,
    cells: impl Fn(usize) -> &'a Cells,
    multiplicities: &'a [Vec<u32>],
) -> Vec<Column> {
    let tensors = layout.tensors.iter().enumerate().filter_map(|(t, p)| p.as_ref().map(|p| (t, p)));
    let tensors = tensors.filter(|(_, p)| p.tree == tree).map(|(t, p)| (p, Values::Cells(cells(t))));
    let counts = layout.multiplicities.iter().filter(|p| p.tree == tree).zip(multiplicities);
    let items: Vec<(&Placement, Values)> =
        tensors.chain(counts.map(|(p, m)| (p, Values::Counts(m)))).collect();

    let mut by_column: Vec<Vec<(usize, usize)>> = vec![vec![]; layout.columns_of(tree)];
    for (item, (p, _)) in items.iter().enumerate() {
        p.pieces.iter().enumerate().for_each(|(k, piece)| by_column[piece.column].push((item, k)));
    }
    let column = |pieces: Vec<(usize, usize)>| {
        let places = pieces.iter().map(|&(item, k)| {
            let (p, values) = &items[item];
            let len = 1usize << p.bits;
            (values, k * len, p.pieces[k].slot * len..(p.pieces[k].slot + 1) * len)
        });
        let rows = 1 << layout.log_rows;
        if places.clone().all(|(values, ..)| matches!(values, Values::Cells(Cells::I8(_)))) {
            let mut column = vec![0i8; rows];
            places.for_each(|(values, from, to)| values.copy_bytes(from, &mut column[to]));
            return Column::Bytes(column);
        }
        let mut column = BaseColumn::zeros(rows);
        let words = column.as_mut_slice();
        places.for_each(|(values, from, to)| values.copy(from, &mut words[to]));
        Column::Words(column)
    };
    by_column.into_par_iter().map(column).collect()
}

pub(super) enum Values<'a> {
    Cells(&'a Cells),
    Counts(&'a [u32]),
}

impl Values<'_> {
    /// # Panics
    /// If they are no bytes.
    fn copy_bytes(&self, from: usize, to: &mut [i8]) {
        let Self::Cells(Cells::I8(v)) = self else { unreachable!("bytes") };
        to.copy_from_slice(&v[from..from + to.len()]);
    }

    pub fn copy(&self, from: usize, to: &mut [BaseField]) {
        let range = from..from + to.len();
        match self {
            Self::Cells(Cells::I8(v)) => {
                to.iter_mut().zip(&v[range]).for_each(|(t, &x)| *t = signed(x as i32))
            }
            Self::Cells(Cells::I32(v)) => to.iter_mut().zip(&v[range]).for_each(|(t, &x)| *t = signed(x)),
            Self::Counts(v) => to.iter_mut().zip(&v[range]).for_each(|(t, &x)| *t = BaseField::from(x)),
        }
    }
}

/// A centred integer as a field element, `|v| < p`.
#[inline(always)]
fn signed(v: i32) -> BaseField {
    BaseField::from_u32_unchecked((v as u32).wrapping_add(((v >> 31) as u32) & P as u32))
}
