//! Whole arguments over plans made by hand, their claims evaluated naively.

use super::{claims, prove, verify, EinsumError, EinsumProof};
use crate::cells::Cells;
use crate::claims::{embed, Functional, PieceGroup};
use crate::field::{eq_table, F};
use crate::transcript::Transcript;
use num_traits::{One, Zero};
use zkml_ir::elem::Interval;
use zkml_ir::layout::{Layout, Piece};
use zkml_ir::plan::{
    Axis, BoundBy, Constraint, Factor, LinExpr, Plan, Product, Source, Space, TensorDecl, View,
};

/// A plan with the values of its tensors, row-major.
#[derive(Default)]
struct Case {
    plan: Plan,
    values: Vec<Vec<i32>>,
    seed: u64,
}

impl Case {
    fn tensor(&mut self, dims: &[usize], values: Vec<i32>) -> usize {
        self.plan.tensors.push(TensorDecl {
            name: format!("t{}", self.values.len()),
            source: Source::Trace,
            axes: Space::of(dims),
            range: Interval::new(-(1 << 20), 1 << 20),
            bound: BoundBy::Exact { constraint: 0 },
        });
        self.values.push(values);
        self.values.len() - 1
    }

    fn random(&mut self, dims: &[usize]) -> usize {
        let n = dims.iter().product();
        let values = (0..n)
            .map(|_| {
                self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (self.seed >> 56) as i8 as i32
            })
            .collect();
        self.tensor(dims, values)
    }

    fn view(&self, t: usize) -> View {
        View::identity(t, &self.plan.tensors[t].axes)
    }

    fn product(&mut self, dims: &[usize], out: usize, p: Product) {
        let linear = LinExpr::view(self.view(out)).scaled(-1);
        let name = "c".into();
        self.plan.constraints.push(Constraint { name, space: Space::of(dims), linear, products: vec![p] });
    }

    fn cells(&self) -> Vec<Cells> {
        self.plan.tensors.iter().zip(&self.values).map(|(t, v)| Cells::from_row_major(&t.axes, v)).collect()
    }
}

fn factor(axes: &[usize], view: View) -> Factor {
    Factor { axes: axes.to_vec(), expr: LinExpr::view(view) }
}

fn product(contracted: &[usize], a: Factor, b: Factor) -> Product {
    let contracted = contracted.iter().map(|&d| Axis::new(d)).collect();
    Product { coef: 1, contracted, a, b, proven: None }
}

/// A batched matmul with head-like batch axis, a matmul, a row-broadcast product of a centred operand, sums of squares.
fn case() -> Case {
    let mut c = Case::default();
    let (h, m, k, n) = (3, 10, 12, 7);
    let (a, b) = (c.random(&[h, m, k]), c.random(&[h, n, k]));
    let at = |v: &[i32], i: usize| v[i];
    let mut out = vec![];
    for (x, i, j) in (0..h * m * n).map(|t| (t / (m * n), t / n % m, t % n)) {
        out.push(
            (0..k)
                .map(|l| at(&c.values[a], (x * m + i) * k + l) * at(&c.values[b], (x * n + j) * k + l))
                .sum(),
        );
    }
    let o = c.tensor(&[h, m, n], out);
    let (fa, fb) = (factor(&[0, 1, 3], c.view(a)), factor(&[0, 2, 3], c.view(b)));
    c.product(&[h, m, n], o, product(&[k], fa, fb));

    let (a, b) = (c.random(&[16, 24]), c.random(&[24, 32]));
    let out = (0..16 * 32)
        .map(|t| (0..24).map(|l| c.values[a][t / 32 * 24 + l] * c.values[b][l * 32 + t % 32]).sum());
    let out = out.collect();
    let o = c.tensor(&[16, 32], out);
    let (fa, fb) = (factor(&[0, 2], c.view(a)), factor(&[1, 2], c.view(b).transpose(&[1, 0])));
    c.product(&[16, 32], o, product(&[24], fa, fb));

    // (x - mean) * g, mean and g by row.
    let (x, mu, g) = (c.random(&[6, 40]), c.random(&[6]), c.random(&[6]));
    let out = (0..240).map(|t| (c.values[x][t] - c.values[mu][t / 40] + 3) * c.values[g][t / 40]).collect();
    let o = c.tensor(&[6, 40], out);
    let centred = LinExpr::view(c.view(x))
        .plus(LinExpr::view(c.view(mu).rearrange(&[Some(0), None])).scaled(-1))
        .plus_constant(3);
    let (fa, fb) = (Factor { axes: vec![0, 1], expr: centred.clone() }, factor(&[0], c.view(g)));
    c.product(&[6, 40], o, product(&[], fa, fb));

    // Sums of squares by blocks of 8.
    let out = (0..30)
        .map(|t| (0..8).map(|l| c.values[x][t * 8 + l] - c.values[mu][t / 5] + 3).map(|v| v * v).sum())
        .collect();
    let o = c.tensor(&[6, 5], out);
    let split = c.view(x).reshape(&Space::of(&[6, 40]), &Space::of(&[6, 5, 8])).unwrap();
    let centred = LinExpr::view(split)
        .plus(LinExpr::view(c.view(mu).rearrange(&[Some(0), None, None])).scaled(-1))
        .plus_constant(3);
    let f = Factor { axes: vec![0, 1, 2], expr: centred };
    c.product(&[6, 5], o, product(&[8], f.clone(), f));
    c
}

/// The committed part of a functional, evaluated cell by cell.
fn eval_groups(groups: &[PieceGroup], layout: &Layout, cells: &[Cells]) -> F {
    let mut sum = F::zero();
    for g in groups {
        let eq = eq_table(&g.point);
        for p in &g.pieces {
            let at = Piece { column: p.column, slot: p.slot };
            let found = layout.tensors.iter().enumerate().find_map(|(t, place)| {
                let place = place.as_ref().filter(|x| x.bits as usize == g.point.len())?;
                Some((t, place.pieces.iter().position(|q| *q == at)?))
            });
            let (t, k) = found.expect("a claim is on a tensor's piece");
            let value = eq.iter().enumerate().map(|(i, e)| *e * embed(cells[t].get(k * eq.len() + i) as i64));
            sum += p.weight * value.fold(F::zero(), |s, v| s + v);
        }
    }
    sum
}

/// Runs prover and verifier; says whether the verifier's linear claims hold of the cells.
fn run(c: &Case, cells: &[Cells], change: impl Fn(&mut EinsumProof)) -> Result<bool, EinsumError> {
    let layout = Layout::new(&c.plan);
    let mut t = Transcript::default();
    let (honest, at) = prove(&mut t, &c.plan, |t| &cells[t]);
    let mut proof = honest.clone();
    change(&mut proof);
    let mut v = Transcript::default();
    let point = verify(&mut v, &c.plan, &proof)?;
    if proof == honest {
        assert_eq!(point, at);
        assert_eq!(t.draw(), v.draw(), "both sides end in one transcript");
    }
    let mut f = Functional::new(&c.plan, &layout);
    let eta = F::from_u32_unchecked(3, 1, 4, 1);
    let mut powers = std::iter::successors(Some(F::one()), |p| Some(*p * eta));
    let value = claims(&mut f, &mut powers, &c.plan, &proof, &point);
    let (constant, groups, public) = f.finish();
    assert!(public.is_empty());
    Ok(constant + eval_groups(&groups, &layout, cells) == value)
}

#[test]
fn honest_products_hold() {
    let c = case();
    assert_eq!(run(&c, &c.cells(), |_| ()), Ok(true));
}

#[test]
fn one_wrong_cell_anywhere_is_seen() {
    let c = case();
    for tensor in 0..c.values.len() {
        for cell in [0, c.values[tensor].len() - 1] {
            let mut wrong = Case { plan: c.plan.clone(), values: c.values.clone(), seed: 0 };
            wrong.values[tensor][cell] += 1;
            // The rounds are consistent with the wrong operands; the linear claims are not.
            assert_eq!(run(&wrong, &wrong.cells(), |_| ()), Ok(false), "tensor {tensor}, cell {cell}");
        }
    }
}

#[test]
fn an_antisymmetric_error_is_seen() {
    // Scores s = q k^T with s[0][1] + 1 and s[1][0] - 1: invisible if both axes shared coordinates.
    let mut c = Case::default();
    let (q, k) = (c.random(&[8, 4]), c.random(&[8, 4]));
    let dot =
        |c: &Case, i: usize, j: usize| (0..4).map(|l| c.values[q][i * 4 + l] * c.values[k][j * 4 + l]).sum();
    let mut s: Vec<i32> = (0..64).map(|t| dot(&c, t / 8, t % 8)).collect();
    s[1] += 1;
    s[8] -= 1;
    let o = c.tensor(&[8, 8], s);
    let (fa, fb) = (factor(&[0, 2], c.view(q)), factor(&[1, 2], c.view(k)));
    c.product(&[8, 8], o, product(&[4], fa, fb));
    assert_eq!(run(&c, &c.cells(), |_| ()), Ok(false));
}

#[test]
fn changed_messages_are_refused() {
    let c = case();
    let cells = c.cells();
    let shape = super::Shape::new(&c.plan);
    let (rounds, n) = (shape.rounds, shape.instances.len());
    let run = |f: &dyn Fn(&mut EinsumProof)| run(&c, &cells, f);
    for round in 0..rounds {
        for i in 0..3 {
            assert_eq!(run(&|p| p.rounds[round][i] += F::one()), Err(EinsumError::FinalClaim));
        }
    }
    for i in 0..n {
        assert_eq!(run(&|p| p.operands[i][0] += F::one()), Err(EinsumError::FinalClaim));
        // The swapped product is right, the claims are not, but for a square.
        let square = shape.instances[i].product.a == shape.instances[i].product.b;
        assert_eq!(run(&|p| p.operands[i].swap(0, 1)), Ok(square));
    }
    assert_eq!(run(&|p| p.sum += F::one()), Err(EinsumError::FinalClaim));
    let expected = rounds;
    assert_eq!(
        run(&|p| p.rounds.truncate(rounds - 1)),
        Err(EinsumError::Rounds { expected, got: rounds - 1 })
    );
    assert_eq!(
        run(&|p| p.rounds.push([F::zero(); 3])),
        Err(EinsumError::Rounds { expected, got: rounds + 1 })
    );
    assert_eq!(run(&|p| p.operands.truncate(1)), Err(EinsumError::Operands { expected: n, got: 1 }));
}
