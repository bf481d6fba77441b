//! The sumcheck of one product of matrices, on one thread. Nearly all of it is folding the weights over their output axis:
//! elements are cells of the weights, not multiply-adds, of which there are 32 times as many.

use criterion::{Criterion, Throughput};
use std::time::Duration;
use zkml_bench::seeded::Stream;
use zkml_ir::elem::Interval;
use zkml_ir::plan::{
    Axis, BoundBy, Constraint, Factor, LinExpr, Plan, Product, Source, Space, TensorDecl, View,
};
use zkml_runtime::cells::Cells;
use zkml_runtime::einsum::prove;
use zkml_runtime::transcript::Transcript;

const M: usize = 32;
const K: usize = 768;
const N: usize = 3072;

pub fn bench(c: &mut Criterion) {
    let pool = super::target::one_thread();
    let mut group = c.benchmark_group("einsum");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements((K * N) as u64));
    group.bench_function(format!("fold/{M}x{K}x{N}"), |bench| {
        let plan = plan();
        // The values of the result do not matter to the argument of the product's side.
        let cells: Vec<Cells> = [1, 2].map(|seed| cells(&plan.tensors[seed as usize - 1].axes, seed)).into();
        pool.install(|| bench.iter(|| prove(&mut Transcript::default(), &plan, |t| &cells[t])));
    });
    group.finish();
}

fn cells(axes: &Space, seed: u64) -> Cells {
    let mut s = Stream::new(seed);
    let values: Vec<i32> = (0..axes.len()).map(|_| s.below(255) as i32 - 127).collect();
    Cells::from_row_major(axes, &values)
}

/// `sum_k x[i, k] w[k, j]` over all i and j. Its linear side would be a result; the prover reads only products.
fn plan() -> Plan {
    let tensor = |name: &str, dims: [usize; 2]| TensorDecl {
        name: name.into(),
        source: Source::Trace,
        axes: Space::of(&dims),
        range: Interval::new(-128, 127),
        bound: BoundBy::Public,
    };
    let tensors = vec![tensor("x", [M, K]), tensor("w", [K, N])];
    let view = |t: usize| View::identity(t, &tensors[t].axes);
    let factor = |axes: &[usize], view| Factor { axes: axes.to_vec(), expr: LinExpr::view(view) };
    let product = Product {
        coef: 1,
        contracted: vec![Axis::new(K)],
        a: factor(&[0, 2], view(0)),
        b: factor(&[1, 2], view(1).transpose(&[1, 0])),
        proven: None,
    };
    let constraint = Constraint {
        name: "product".into(),
        space: Space::of(&[M, N]),
        linear: LinExpr::default(),
        products: vec![product],
    };
    Plan { tensors, constraints: vec![constraint], ..Plan::default() }
}
