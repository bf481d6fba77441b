//! Expressions and columns from cells on the card.

use crate::{same, words, Test};
use libtest_mimic::Failed;
use zkml_cuda::cells::{columns, materialise, DeviceCells};
use zkml_cuda::Device;
use zkml_ir::elem::Interval;
use zkml_ir::layout::{Layout, Tree};
use zkml_ir::plan::{Axis, BoundBy, LinExpr, Plan, Source, Space, TensorDecl, Term, View};
use zkml_ir::tables::{Span, Table};
use zkml_runtime::cells::{self, Cells};

pub const TESTS: &[(&str, Test)] =
    &[("cells::expressions", expressions), ("cells::columns", columns_of_a_tree)];

const P: i64 = (1 << 31) - 1;

fn tensor(seed: u32, space: &Space) -> Cells {
    let values: Vec<i32> = words(seed, space.len()).iter().map(|&w| (w % 255) as i32 - 127).collect();
    match seed % 2 {
        0 => Cells::from_row_major(space, &values),
        _ => match Cells::from_row_major(space, &values) {
            Cells::I32(v) => Cells::I8(v.into_iter().map(|v| v as i8).collect()),
            bytes => bytes,
        },
    }
}

/// Views of all kinds: identity, transposed, broadcast along an axis of odd and even digits, summed, with constants.
fn expressions(device: &Device) -> Result<(), Failed> {
    for [m, k, n] in [[2, 4, 8], [6, 12, 10], [3, 96, 7], [24, 40, 1], [64, 48, 5]] {
        let spaces = [Space::of(&[m, k]), Space::of(&[k, m]), Space::of(&[k]), Space::of(&[k, n, m])];
        let host: Vec<Cells> = spaces.iter().enumerate().map(|(t, s)| tensor(t as u32 + 4, s)).collect();
        let cells: Vec<DeviceCells> =
            host.iter().map(|c| DeviceCells::upload(device, c)).collect::<Result<_, _>>()?;
        let view = |t: usize| View::identity(t, &spaces[t]);
        let summed = Term {
            coef: -3,
            view: view(3).rearrange(&[Some(2), Some(0), Some(1)]),
            summed: vec![Axis::new(n)],
        };
        let repeated =
            Term { coef: 2, view: view(0).rearrange(&[Some(0), Some(1), None]), summed: vec![Axis::new(6)] };
        let terms = [
            vec![],
            vec![Term::new(1, view(0))],
            vec![Term::new(1, view(0)), Term::new(-7, view(1).transpose(&[1, 0]))],
            vec![Term::new(1, view(2).rearrange(&[None, Some(0)])), summed.clone()],
            vec![summed, repeated, Term::new(1 << 20, view(0))],
        ];
        for (constant, terms) in [0, 5, -9, 1 << 30, -1].into_iter().zip(terms) {
            let expr = LinExpr { terms, constant };
            let expected = cells::materialise(&expr, &spaces[0], |t| &spaces[t], |t| &host[t]);
            let expected: Vec<u32> = expected.iter().map(|v| v.rem_euclid(P) as u32).collect();
            let got = materialise(device, &expr, &spaces[0], |t| &spaces[t], |t| &cells[t])?;
            same(&format!("{m} x {k}, {constant}"), &expected, &device.download(&got)?)?;
        }
    }
    Ok(())
}

fn columns_of_a_tree(device: &Device) -> Result<(), Failed> {
    let mut plan = Plan::default();
    let dims: [&[usize]; 6] = [&[96, 64], &[3, 5], &[1 << 12], &[7, 48], &[2], &[12, 16, 16]];
    for (t, dims) in dims.iter().enumerate() {
        plan.tensors.push(TensorDecl {
            name: format!("t{t}"),
            source: if t % 3 == 0 { Source::Weight(t / 3) } else { Source::Trace },
            axes: Space::of(dims),
            range: Interval::new(-128, 127),
            bound: BoundBy::Public,
        });
    }
    plan.tables.push(Table::Span(Span { lo: -128, hi: 127 }));
    let layout = Layout::new(&plan);
    let counts = words(9, 1 << 8);
    let host: Vec<Cells> =
        plan.tensors.iter().enumerate().map(|(t, decl)| tensor(t as u32, &decl.axes)).collect();
    let cells: Vec<DeviceCells> =
        host.iter().map(|c| DeviceCells::upload(device, c)).collect::<Result<_, _>>()?;
    for tree in [Tree::Weights, Tree::Trace] {
        let mut expected = vec![0u32; layout.columns_of(tree) << layout.log_rows];
        for (placement, values) in layout.tensors.iter().zip(&host) {
            let Some(p) = placement.as_ref().filter(|p| p.tree == tree) else { continue };
            for (k, piece) in p.pieces.iter().enumerate() {
                for i in 0..1usize << p.bits {
                    let to = (piece.column << layout.log_rows) + (piece.slot << p.bits) + i;
                    expected[to] = i64::from(values.get((k << p.bits) + i)).rem_euclid(P) as u32;
                }
            }
        }
        for p in layout.multiplicities.iter().filter(|p| p.tree == tree) {
            for (k, piece) in p.pieces.iter().enumerate() {
                let to = (piece.column << layout.log_rows) + (piece.slot << p.bits);
                expected[to..to + (1 << p.bits)].copy_from_slice(&counts[k << p.bits..(k + 1) << p.bits]);
            }
        }
        let multiplicities = [device.upload("m", &counts)?];
        let got = columns(device, &layout, tree, |t| &cells[t], &multiplicities)?;
        same(&format!("{tree:?}"), &expected, &device.download(&got)?)?;
    }
    Ok(())
}
