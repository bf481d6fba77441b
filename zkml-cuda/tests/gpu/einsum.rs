//! The batched sumcheck over products on the card: the proof that the CPU makes.

use crate::bench::{Bench, Row};
use crate::{words, Test};
use libtest_mimic::Failed;
use zkml_cuda::einsum::DeviceProducts;
use zkml_cuda::{Device, DeviceCells};
use zkml_ir::elem::Interval;
use zkml_ir::plan::{
    Axis, BoundBy, Constraint, Factor, LinExpr, Plan, Product, Source, Space, TensorDecl, Term, View,
};
use zkml_runtime::cells::Cells;
use zkml_runtime::einsum::{prove, prove_products, EinsumError, OutputPools, Shape};
use zkml_runtime::transcript::Transcript;

pub const TESTS: &[(&str, Test)] = &[
    ("einsum::matrices", matrices),
    ("einsum::batches", batches),
    ("einsum::products_of_many_sizes", many_sizes),
    ("einsum::no_products", no_products),
    ("einsum::expressions", expressions),
    ("einsum::bytes", bytes),
];

/// A plan under way.
#[derive(Default)]
struct Sample {
    plan: Plan,
    cells: Vec<Cells>,
}

impl Sample {
    fn tensor(&mut self, dims: &[usize]) -> usize {
        let t = self.plan.tensors.len();
        let axes = Space::of(dims);
        let len: usize = dims.iter().product();
        let values: Vec<i32> = words(t as u32 + 1, len).iter().map(|&w| (w % 255) as i32 - 127).collect();
        self.cells.push(Cells::from_row_major(&axes, &values));
        self.plan.tensors.push(TensorDecl {
            name: format!("t{t}"),
            source: Source::Trace,
            axes,
            range: Interval::new(-128, 127),
            bound: BoundBy::Public,
        });
        t
    }

    fn view(&self, t: usize) -> View {
        View::identity(t, &self.plan.tensors[t].axes)
    }

    fn constraint(&mut self, space: &[usize], products: Vec<Product>) {
        self.plan.constraints.push(Constraint {
            name: format!("c{}", self.plan.constraints.len()),
            space: Space::of(space),
            linear: LinExpr::default(),
            products,
        });
    }

    /// `sum_k x[b, i, k] w[k, j]` over b, i, j; without b where it is 0.
    fn matmul(&mut self, b: usize, m: usize, k: usize, n: usize) {
        let factor = |axes: &[usize], view| Factor { axes: axes.to_vec(), expr: LinExpr::view(view) };
        let product = |a, b| Product { coef: 3, contracted: vec![Axis::new(k)], a, b, proven: None };
        match b {
            0 => {
                let (x, w) = (self.tensor(&[m, k]), self.tensor(&[k, n]));
                let (a, b) =
                    (factor(&[0, 2], self.view(x)), factor(&[1, 2], self.view(w).transpose(&[1, 0])));
                self.constraint(&[m, n], vec![product(a, b)]);
            }
            _ => {
                // Both have the batch: attention's products.
                let (x, w) = (self.tensor(&[b, m, k]), self.tensor(&[b, k, n]));
                let (l, r) = (
                    factor(&[0, 1, 3], self.view(x)),
                    factor(&[0, 2, 3], self.view(w).transpose(&[0, 2, 1])),
                );
                self.constraint(&[b, m, n], vec![product(l, r)]);
            }
        }
    }

    /// `x[i] y[i] + 2 x[i] x[i]`, nothing contracted.
    fn elementwise(&mut self, n: usize) {
        let (x, y) = (self.tensor(&[n]), self.tensor(&[n]));
        let factor = |view| Factor { axes: vec![0], expr: LinExpr::view(view) };
        let product = |coef, a, b| Product { coef, contracted: vec![], a, b, proven: None };
        let products = vec![
            product(1, factor(self.view(x)), factor(self.view(y))),
            product(2, factor(self.view(x)), factor(self.view(x))),
        ];
        self.constraint(&[n], products);
    }

    fn upload(&self, device: &Device) -> Result<Vec<DeviceCells>, Failed> {
        self.cells.iter().map(|c| Ok(DeviceCells::upload(device, c)?)).collect()
    }

    fn check(&self, device: &Device) -> Result<(), Failed> {
        let cells = |t: usize| &self.cells[t];
        let (expected, point) = prove(&mut Transcript::default(), &self.plan, cells);
        let on_device = self.upload(device)?;
        let (got, at) = prove_products(&mut Transcript::default(), &self.plan, |shape, pools, scales| {
            DeviceProducts::fold(device, &self.plan, shape, pools, scales, |t| &on_device[t])
                .map_err(|e| EinsumError::Device(e.to_string()))
        })?;
        if got.sum != expected.sum {
            return Err("another sum".into());
        }
        if let Some(round) = expected.rounds.iter().zip(&got.rounds).position(|(e, g)| e != g) {
            return Err(format!("round {round} of {}", expected.rounds.len()).into());
        }
        match got == expected && at == point {
            true => Ok(()),
            false => Err("other operands".into()),
        }
    }
}

fn matrices(device: &Device) -> Result<(), Failed> {
    for (m, k, n) in [(1, 1, 1), (2, 3, 5), (16, 64, 32), (7, 96, 12), (64, 768, 64)] {
        let mut sample = Sample::default();
        sample.matmul(0, m, k, n);
        sample.check(device)?;
    }
    Ok(())
}

fn batches(device: &Device) -> Result<(), Failed> {
    for (b, m, k, n) in [(1, 2, 2, 2), (2, 3, 4, 5), (12, 16, 64, 16), (3, 7, 1, 9)] {
        let mut sample = Sample::default();
        sample.matmul(b, m, k, n);
        sample.check(device)?;
    }
    for n in [1, 2, 6, 100, 3 << 12] {
        let mut sample = Sample::default();
        sample.elementwise(n);
        sample.check(device)?;
    }
    Ok(())
}

fn many_sizes(device: &Device) -> Result<(), Failed> {
    let mut sample = Sample::default();
    for (b, m, k, n) in [(0, 4, 256, 8), (12, 16, 8, 16), (0, 1, 2, 1), (0, 64, 768, 128), (5, 1, 1, 1)] {
        sample.matmul(b, m, k, n);
    }
    for n in [1, 48, 5000, 1 << 15] {
        sample.elementwise(n);
    }
    sample.check(device)
}

fn no_products(device: &Device) -> Result<(), Failed> {
    let mut sample = Sample::default();
    sample.tensor(&[4]);
    sample.constraint(&[4], vec![]);
    sample.check(device)
}

/// Factors of several terms: transposed, broadcast, summed, with constants; axes with odd digits.
fn expressions(device: &Device) -> Result<(), Failed> {
    for (m, k, n) in [(2, 4, 8), (6, 12, 10), (3, 96, 20), (24, 5, 7)] {
        let mut sample = Sample::default();
        let (x, y, w) = (sample.tensor(&[m, k]), sample.tensor(&[k, m]), sample.tensor(&[k, n]));
        let (row, wide) = (sample.tensor(&[k]), sample.tensor(&[k, 6]));
        let term = |coef, view| Term::new(coef, view);
        let a = LinExpr {
            terms: vec![
                term(2, sample.view(x)),
                term(-1, sample.view(y).transpose(&[1, 0])),
                term(5, sample.view(row).rearrange(&[None, Some(0)])),
                Term {
                    coef: 3,
                    view: sample.view(wide).rearrange(&[None, Some(0), Some(1)]),
                    summed: vec![Axis::new(6)],
                },
            ],
            constant: -7,
        };
        let b = LinExpr { terms: vec![term(1, sample.view(w).transpose(&[1, 0]))], constant: 11 };
        let factor = |axes: &[usize], expr| Factor { axes: axes.to_vec(), expr };
        let product = Product {
            coef: -2,
            contracted: vec![Axis::new(k)],
            a: factor(&[0, 2], a.clone()),
            b: factor(&[1, 2], b),
            proven: None,
        };
        // Both factors over all axes: nothing is folded.
        let square = Product {
            coef: 1,
            contracted: vec![],
            a: factor(&[0, 1], a.clone()),
            b: factor(&[0, 1], a),
            proven: None,
        };
        sample.constraint(&[m, n], vec![product]);
        sample.constraint(&[m, k], vec![square]);
        sample.check(device)?;
    }
    Ok(())
}

/// Cells as they are stored for weights.
fn bytes(device: &Device) -> Result<(), Failed> {
    let mut sample = Sample::default();
    sample.matmul(0, 3, 96, 40);
    sample.matmul(0, 2, 64, 3 << 10);
    for cells in &mut sample.cells {
        *cells = Cells::I8(cells.to_i32().iter().map(|&v| v as i8).collect());
    }
    sample.check(device)
}

/// Weights a second: those of a layer of GPT-2 small, folded over their outputs; of twelve; of its embedding.
pub const BENCHES: &[(&str, Bench)] = &[
    ("fold 768 x 3072", |d| bench(d, 1, 768, 3072)),
    ("fold 12 x 768 x 3072", |d| bench(d, 12, 768, 3072)),
    ("fold 12 x 3072 x 768", |d| bench(d, 12, 3072, 768)),
    ("fold 768 x 50304", |d| bench(d, 1, 768, 50304)),
];

fn bench(device: &Device, layers: usize, k: usize, n: usize) -> Result<Row, Failed> {
    let mut sample = Sample::default();
    (0..layers).for_each(|_| sample.matmul(0, 2, k, n));
    for cells in &mut sample.cells {
        *cells = Cells::I8(cells.to_i32().iter().map(|&v| v as i8).collect());
    }
    let on_device = sample.upload(device)?;
    let shape = Shape::new(&sample.plan);
    let mut t = Transcript::default();
    let (pools, scales) = (OutputPools::draw(&mut t, &sample.plan), t.draw_many(layers));
    Row::measure(device, (layers * k * n) as f64, "weights", || {
        DeviceProducts::fold(device, &sample.plan, &shape, &pools, &scales, |t| &on_device[t])?;
        Ok(())
    })
}
