//! Evaluates public tensors: inputs, outputs and constants of the model.

use super::PublicPart;
use crate::cells::Cells;
use crate::field::{eq_table, F};
use num_traits::Zero;
use zkml_ir::plan::{Constant, Plan, Source, Space};
use zkml_ir::tensor::IntTensor;

/// Values of a plan's public tensors, by tensor. One-hot matrices are left out: they are evaluated from their indices,
/// and may be far larger than the plan that holds those.
pub struct PublicValues {
    cells: Vec<Option<Cells>>,
}

impl PublicValues {
    /// `inputs` and `outputs` by the model's indices; a private input is `None`. Shapes and ranges were checked.
    pub fn new(plan: &Plan, inputs: &[Option<IntTensor>], outputs: &[IntTensor]) -> Self {
        let cells = plan
            .tensors
            .iter()
            .map(|t| match &t.source {
                Source::PublicInput(i) => inputs[*i].as_ref().map(|v| Cells::from_tensor(&t.axes, v)),
                Source::PublicOutput(i) => Some(Cells::from_tensor(&t.axes, &outputs[*i])),
                Source::Constant(Constant::OneHot { .. }) => None,
                Source::Constant(c) => Some(Cells::from_row_major(&t.axes, &dense(c, &t.axes))),
                Source::Weight(_) | Source::PrivateInput(_) | Source::Trace => None,
            })
            .collect();
        Self { cells }
    }

    /// With every cell of one-hot matrices, which the prover folds like any other operand.
    #[cfg(feature = "prover")]
    pub fn with_one_hots(mut self, plan: &Plan) -> Self {
        for (cells, t) in self.cells.iter_mut().zip(&plan.tensors) {
            if let Source::Constant(c @ Constant::OneHot { .. }) = &t.source {
                *cells = Some(Cells::from_row_major(&t.axes, &dense(c, &t.axes)));
            }
        }
        self
    }

    pub fn get(&self, tensor: usize) -> Option<&Cells> {
        self.cells[tensor].as_ref()
    }

    /// `sum over slabs of weight * slab~(point)`, in time linear in the tensor's size.
    pub fn eval(&self, plan: &Plan, part: &PublicPart) -> F {
        let decl = &plan.tensors[part.tensor];
        let split = part.point.len() / 2;
        let (high, low) = (eq_table(&part.point[..split]), eq_table(&part.point[split..]));
        let low_bits = part.point.len() - split;
        let slab_bits = part.point.len();
        if let Source::Constant(Constant::OneHot { columns, index }) = &decl.source {
            // One cell a row: evaluate those alone. The rows may span several axes (a reshape selects with all axes of both
            // shapes), so a cell is placed by its row-major index.
            let (slabs, offsets) = (decl.axes.slab_strides(), decl.axes.bit_offsets());
            let strides = decl.axes.shape().strides();
            let place = |at: usize| {
                let axes = decl.axes.axes().iter().zip(&strides).zip(slabs.iter().zip(&offsets));
                axes.fold((0, 0), |(slab, low), ((a, stride), (s, offset))| {
                    let i = at / stride % a.extent();
                    (slab + *s as usize * (i >> a.bits), low + ((i & ((1 << a.bits) - 1)) << offset))
                })
            };
            debug_assert_eq!(index.len() * columns, decl.axes.len());
            return index.iter().enumerate().fold(F::zero(), |sum, (row, &column)| {
                let (slab, at) = place(row * columns + column as usize);
                sum + part.weights[slab] * high[at >> low_bits] * low[at & ((1 << low_bits) - 1)]
            });
        }
        let cells = self.cells[part.tensor].as_ref().expect("public tensors have values");
        let mut sum = F::zero();
        for (slab, w) in part.weights.iter().enumerate().filter(|(_, w)| !w.is_zero()) {
            let base = slab << slab_bits;
            let mut slab_sum = F::zero();
            for (h, e) in high.iter().enumerate() {
                let start = base + (h << low_bits);
                let inner = low
                    .iter()
                    .enumerate()
                    .map(|(l, e)| (cells.get(start + l), e))
                    .filter(|(v, _)| *v != 0)
                    .fold(F::zero(), |s, (v, e)| s + *e * embed_base(v));
                slab_sum += inner * *e;
            }
            sum += slab_sum * *w;
        }
        sum
    }
}

fn embed_base(v: i32) -> stwo::core::fields::m31::BaseField {
    stwo::core::fields::m31::BaseField::from_u32_unchecked((v as i64).rem_euclid(zkml_ir::elem::P) as u32)
}

/// Row-major values of a constant.
fn dense(c: &Constant, axes: &Space) -> Vec<i32> {
    match c {
        Constant::CausalMask => {
            let (rows, columns) = (axes.axes()[0].extent(), axes.axes()[1].extent());
            (0..rows * columns).map(|k| (k % columns <= k / columns) as i32).collect()
        }
        Constant::Dense(v) => v.clone(),
        Constant::OneHot { columns, index } => {
            let mut v = vec![0; index.len() * columns];
            index.iter().enumerate().for_each(|(row, &c)| v[row * columns + c as usize] = 1);
            v
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkml_ir::elem::Interval;
    use zkml_ir::plan::{BoundBy, TensorDecl};

    /// A plan of a few bytes may name a matrix that no memory holds.
    #[test]
    fn one_hots_are_evaluated_from_their_indices() {
        let columns = 1 << 38;
        let one_hot = TensorDecl {
            name: "gather".into(),
            source: Source::Constant(Constant::OneHot { columns, index: vec![5] }),
            axes: Space::of(&[1, columns]),
            range: Interval::new(0, 1),
            bound: BoundBy::Public,
        };
        let plan = Plan { tensors: vec![one_hot], ..Plan::default() };
        assert!(PublicValues::new(&plan, &[], &[]).get(0).is_none());
    }
}
