//! Evaluates public tensors: inputs, outputs and constants of the model.

use super::PublicPart;
use crate::cells::Cells;
use crate::field::{eq_table, F};
use num_traits::{One, Zero};
use std::cmp::Ordering;
use zkml_ir::plan::{Axis, Constant, Plan, Source, Space, TensorDecl};
use zkml_ir::tensor::IntTensor;

/// Values of a plan's public tensors, by tensor.
pub struct PublicValues {
    cells: Vec<Option<Cells>>,
    /// Of a public input as one-hot rows: the column of each row.
    columns: Vec<Option<Vec<u32>>>,
}

impl PublicValues {
    /// What [`PublicValues::eval`] reads. `inputs` and `outputs` by the model's indices; a private input is `None`. Shapes
    /// and ranges were checked.
    pub fn new(plan: &Plan, inputs: &[Option<IntTensor>], outputs: &[IntTensor]) -> Self {
        Self::with(plan, inputs, outputs, |_, c| match c {
            Constant::Dense(v) => Some(v.clone()),
            // In closed form.
            Constant::CausalMask | Constant::Band { .. } | Constant::OneHot { .. } => None,
        })
    }

    /// Every cell of every public tensor: a prover folds constants like any other operand.
    #[cfg(feature = "prover")]
    pub fn cells(plan: &Plan, inputs: &[Option<IntTensor>], outputs: &[IntTensor]) -> Self {
        let mut this = Self::with(plan, inputs, outputs, |t, c| Some(dense(c, &t.axes)));
        for ((t, cells), columns) in plan.tensors.iter().zip(&mut this.cells).zip(&this.columns) {
            if let Some(index) = columns {
                let columns = last_extent(&t.axes);
                let rows = dense(&Constant::OneHot { columns, index: index.clone() }, &t.axes);
                *cells = Some(Cells::from_row_major(&t.axes, &rows));
            }
        }
        this
    }

    /// Cells of the model's constants, by tensor: those of every statement.
    #[cfg(feature = "prover")]
    pub fn constants(plan: &Plan) -> Vec<Option<Cells>> {
        let cells = |t: &TensorDecl| match &t.source {
            Source::Constant(c) => Some(Cells::from_row_major(&t.axes, &dense(c, &t.axes))),
            _ => None,
        };
        plan.tensors.iter().map(cells).collect()
    }

    /// The column at which each row is 1, row-major, of a public input as one-hot rows.
    pub fn ones(&self, tensor: usize) -> Option<&[u32]> {
        self.columns[tensor].as_deref()
    }

    fn with(
        plan: &Plan,
        inputs: &[Option<IntTensor>],
        outputs: &[IntTensor],
        constant: impl Fn(&TensorDecl, &Constant) -> Option<Vec<i32>>,
    ) -> Self {
        let cells = plan
            .tensors
            .iter()
            .map(|t| match &t.source {
                Source::PublicInput(i) => inputs[*i].as_ref().map(|v| Cells::from_tensor(&t.axes, v)),
                Source::PublicOutput(i) => Some(Cells::from_tensor(&t.axes, &outputs[*i])),
                Source::Constant(c) => constant(t, c).map(|v| Cells::from_row_major(&t.axes, &v)),
                Source::Weight(_) | Source::PrivateInput(_) | Source::Trace | Source::OneHotOf(_) => None,
            })
            .collect();
        // The statement was checked: every cell names a column.
        let columns = plan
            .tensors
            .iter()
            .map(|t| match &t.source {
                Source::OneHotOf(i) => {
                    inputs[*i].as_ref().map(|v| (0..v.len()).map(|k| v.get(k) as u32).collect())
                }
                _ => None,
            })
            .collect();
        Self { cells, columns }
    }

    pub fn get(&self, tensor: usize) -> Option<&Cells> {
        self.cells[tensor].as_ref()
    }

    /// `sum over slabs of weight * slab~(point)`: in time linear in the tensor's size, in the rows of a one-hot matrix, in
    /// the slabs of a causal mask.
    pub fn eval(&self, plan: &Plan, part: &PublicPart) -> F {
        let decl = &plan.tensors[part.tensor];
        if let Source::Constant(Constant::CausalMask) = &decl.source {
            return causal_mask(decl.axes.axes()[0], part);
        }
        if let Source::Constant(Constant::Band { window, causal }) = decl.source {
            return band(decl.axes.axes()[0], window as i64, causal, part);
        }
        let split = part.point.len() / 2;
        let (high, low) = (eq_table(&part.point[..split]), eq_table(&part.point[split..]));
        let low_bits = part.point.len() - split;
        let slab_bits = part.point.len();
        let one_hot = match (&decl.source, &self.columns[part.tensor]) {
            (Source::Constant(Constant::OneHot { columns, index }), _) => Some((*columns, index)),
            (_, Some(index)) => Some((last_extent(&decl.axes), index)),
            _ => None,
        };
        if let Some((columns, index)) = one_hot {
            // One cell a row, or none: evaluate those alone. Rows and columns may span several axes, so a cell is placed by
            // its row-major index.
            let (slabs, offsets) = (decl.axes.slab_strides(), decl.axes.bit_offsets());
            let strides = decl.axes.strides();
            let place = |at: usize| {
                let axes = decl.axes.axes().iter().zip(&strides).zip(slabs.iter().zip(&offsets));
                axes.fold((0, 0), |(slab, low), ((a, stride), (s, offset))| {
                    let i = at / stride % a.extent();
                    (slab + *s as usize * (i >> a.bits), low + ((i & ((1 << a.bits) - 1)) << offset))
                })
            };
            debug_assert_eq!(index.len() * columns, decl.axes.len());
            let ones = index.iter().enumerate().filter(|(_, &column)| (column as usize) < columns);
            return ones.fold(F::zero(), |sum, (row, &column)| {
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

fn last_extent(axes: &Space) -> usize {
    axes.axes().last().map_or(1, |a| a.extent())
}

fn embed_base(v: i32) -> stwo::core::fields::m31::BaseField {
    stwo::core::fields::m31::BaseField::from_u32_unchecked((v as i64).rem_euclid(zkml_ir::elem::P) as u32)
}

/// Cell (i, j) is 1 where j <= i. Slab (a, b) holds the odd digits of i and j: all ones for b < a, zeros for b > a, and for
/// b = a the comparison of the bits, whose extension follows them from the most significant one down.
fn causal_mask(axis: Axis, part: &PublicPart) -> F {
    let (rows, columns) = part.point.split_at(axis.bits as usize);
    let (mut less, mut equal) = (F::zero(), F::one());
    for (&i, &j) in rows.iter().zip(columns) {
        less += equal * i * (F::one() - j);
        equal *= i * j + (F::one() - i) * (F::one() - j);
    }
    let odd = axis.odd as usize;
    part.weights.iter().enumerate().fold(F::zero(), |sum, (slab, &w)| match (slab % odd).cmp(&(slab / odd)) {
        Ordering::Less => sum + w,
        Ordering::Equal => sum + w * (less + equal),
        Ordering::Greater => sum,
    })
}

/// Cell (i, j) is 1 where `-behind <= j - i <= ahead`. Slab (a, b) depends on b - a alone: for each such difference and each
/// i the j of the band are a range, whose share is a difference of prefix sums.
fn band(axis: Axis, window: i64, causal: bool, part: &PublicPart) -> F {
    let (rows, columns) = part.point.split_at(axis.bits as usize);
    let (rows, columns) = (eq_table(rows), eq_table(columns));
    let sums: Vec<F> = std::iter::once(F::zero())
        .chain(columns.iter().scan(F::zero(), |s, &c| {
            *s += c;
            Some(*s)
        }))
        .collect();
    let (odd, block) = (axis.odd as usize, 1i64 << axis.bits);
    let (behind, ahead) = (window - 1, if causal { 0 } else { window - 1 });
    let share = |slabs: i64| {
        let range = |x: i64| {
            let to = |y: i64| (y - slabs * block).clamp(0, block) as usize;
            sums[to(x + ahead + 1)] - sums[to(x - behind)]
        };
        rows.iter().enumerate().fold(F::zero(), |s, (x, &e)| s + e * range(x as i64))
    };
    let shares: Vec<F> = (1 - odd as i64..odd as i64).map(share).collect();
    part.weights
        .iter()
        .enumerate()
        .fold(F::zero(), |sum, (slab, &w)| sum + w * shares[odd - 1 + slab % odd - slab / odd])
}

/// Row-major values of a constant.
#[cfg(feature = "prover")]
fn dense(c: &Constant, axes: &Space) -> Vec<i32> {
    match c {
        Constant::CausalMask => {
            let (rows, columns) = (axes.axes()[0].extent(), axes.axes()[1].extent());
            (0..rows * columns).map(|k| (k % columns <= k / columns) as i32).collect()
        }
        Constant::Band { window, causal } => {
            let n = axes.axes()[0].extent();
            let near = |i: usize, j: usize| i.abs_diff(j) < *window as usize && (!causal || j <= i);
            (0..n * n).map(|k| near(k / n, k % n) as i32).collect()
        }
        Constant::Dense(v) => v.clone(),
        Constant::OneHot { columns, index } => {
            let mut v = vec![0; index.len() * columns];
            let ones = index.iter().enumerate().filter(|(_, &c)| (c as usize) < *columns);
            ones.for_each(|(row, &c)| v[row * columns + c as usize] = 1);
            v
        }
    }
}

#[cfg(all(test, feature = "prover"))]
mod tests {
    use super::*;
    use crate::transcript::Transcript;
    use zkml_ir::elem::Interval;
    use zkml_ir::plan::BoundBy;

    /// A public input as rows against the same rows as a constant.
    #[test]
    fn tokens_as_rows() {
        let mut t = Transcript::default();
        for (tokens, columns) in [(vec![0, 2, 5], 6), (vec![3, 3, 0, 11], 12), (vec![16], 17)] {
            let rows = Space::of(&[tokens.len()]);
            let axes = Space::of(&[tokens.len(), columns]);
            let index = tokens.iter().map(|&t| t as u32).collect();
            let dense = dense(&Constant::OneHot { columns, index }, &axes);
            let tensor = |source, axes: &Space, hi| TensorDecl {
                name: "t".into(),
                source,
                axes: axes.clone(),
                range: Interval::new(0, hi),
                bound: BoundBy::Public,
            };
            let tensors = vec![
                tensor(Source::PublicInput(0), &rows, columns as i64 - 1),
                tensor(Source::OneHotOf(0), &axes, 1),
                tensor(Source::Constant(Constant::Dense(dense)), &axes, 1),
            ];
            let plan = Plan { tensors, ..Plan::default() };
            zkml_ir::plan::check(&plan).unwrap();
            let input = IntTensor::from_checked(rows.shape(), Interval::new(0, columns as i64), tokens);
            let values = PublicValues::new(&plan, &[Some(input.clone())], &[]);
            let (point, weights) = (t.draw_many(axes.slab_bits() as usize), t.draw_many(axes.slabs()));
            let at = |tensor| {
                let part = PublicPart { tensor, point: point.clone(), weights: weights.clone() };
                values.eval(&plan, &part)
            };
            assert_eq!(at(1), at(2));
            let cells = PublicValues::cells(&plan, &[Some(input)], &[]);
            assert_eq!(cells.get(1), cells.get(2));
        }
    }

    /// Its closed form at a random point, and the sum over all cells.
    fn both_ways(t: &mut Transcript, c: Constant, axes: &Space) -> [F; 2] {
        let values = dense(&c, axes);
        let tensor = |source| TensorDecl {
            name: "c".into(),
            source,
            axes: axes.clone(),
            range: Interval::new(0, 1),
            bound: BoundBy::Public,
        };
        let tensors = vec![tensor(Source::Constant(c)), tensor(Source::Constant(Constant::Dense(values)))];
        let plan = Plan { tensors, ..Plan::default() };
        let point = t.draw_many(axes.slab_bits() as usize);
        let weights = t.draw_many(axes.slabs());
        let values = PublicValues::new(&plan, &[], &[]);
        [0, 1].map(|tensor| {
            let part = PublicPart { tensor, point: point.clone(), weights: weights.clone() };
            values.eval(&plan, &part)
        })
    }

    /// Closed forms against the sum over all cells.
    #[test]
    fn constants_in_closed_form() {
        let mut t = Transcript::default();
        for n in [1, 2, 3, 8, 12, 20, 17] {
            let axes = Space::of(&[n, n]);
            let index = (0..n as u32).map(|i| (i * i + 3) % n as u32).collect();
            let band = |window, causal| Constant::Band { window, causal };
            let bands = [band(1, true), band(3, true), band(2, false), band(7, false), band(100, true)];
            for c in bands.into_iter().chain([Constant::CausalMask, Constant::OneHot { columns: n, index }]) {
                let what = format!("{n}: {c:?}");
                let [closed, summed] = both_ways(&mut t, c, &axes);
                assert_eq!(closed, summed, "{what}");
            }
        }
    }

    /// Rows and columns of several axes; rows of zeros.
    #[test]
    fn gathers_of_windows_in_closed_form() {
        let mut t = Transcript::default();
        for (rows, columns) in [(vec![3, 5], vec![6]), (vec![3, 12], vec![13]), (vec![5, 4], vec![4, 6])] {
            let (n, width) = (rows.iter().product::<usize>(), columns.iter().product::<usize>());
            let axes = Space::of(&[rows, columns].concat());
            let mut seen = 0;
            for shift in 0..4 {
                let index: Vec<u32> = (0..n).map(|i| ((i * 3 + shift) % (width + 1)) as u32).collect();
                seen += index.iter().filter(|&&i| i as usize == width).count();
                let one_hot = Constant::OneHot { columns: width, index: index.clone() };
                let cells = dense(&one_hot, &axes);
                let of_row = |row: usize| (0..width).map(|c| cells[row * width + c]).sum::<i32>();
                assert!((0..n).all(|r| of_row(r) == ((index[r] as usize) < width) as i32));
                let [closed, summed] = both_ways(&mut t, one_hot, &axes);
                assert_eq!(closed, summed);
            }
            assert!(seen > 0, "some rows are zero");
        }
    }
}
