//! A prover that changes cells of a quantisation, everything else made to fit.
//!
//! What leaves a table is found by the lookups, what stays in the tables by the rescale's identity.

use crate::common::forge::{no_identity, no_row, Forged};
use crate::common::{assert_refused, graph, Fixture};
use zkml_runtime::protocol::VerifyError;

/// Sets the shown and the committed result of the I8 quantisation of [`graph::targets`].
fn set_result(w: &mut Forged, at: usize, v: i32) {
    w.cells("quantize3/y")[at] = v;
    let y = w.cells("quantize3/y").clone();
    w.show(0, y);
}

fn position(values: &[i32], f: impl Fn(i32) -> bool) -> usize {
    values.iter().position(|&v| f(v)).expect("the inputs are chosen to have one")
}

#[test]
fn a_remainder_is_in_its_range() {
    no_row(
        &Fixture::quick(graph::targets()),
        &[
            ("negative", |w| {
                w.add("quantize3/q", 0, 1);
                w.add("quantize3/r", 0, -256);
            }),
            ("2^s or more", |w| {
                w.add("quantize3/q", 0, -1);
                w.add("quantize3/r", 0, 256);
            }),
            ("beside a wide window", |w| {
                w.add("quantize6/l", 0, 1);
                w.add("quantize6/r", 0, -2);
            }),
            ("beside a window without clamp", |w| {
                w.add("quantize7/q", 0, 1);
                w.add("quantize7/r", 0, -32);
            }),
        ],
    );
}

/// `2^s (q + 2^(31-s)) + (r - 1) = 2^s q + r` modulo p: the identity alone would let a second quotient pass.
#[test]
fn a_quotient_that_wraps_leaves_its_window() {
    no_row(
        &Fixture::quick(graph::targets()),
        &[
            ("s = 8", |w| {
                let at = position(w.cells("quantize3/r"), |r| r > 0);
                w.add("quantize3/q", at, 1 << 23);
                w.add("quantize3/r", at, -1);
            }),
            ("s = 5, without clamp", |w| {
                let at = position(w.cells("quantize7/r"), |r| r > 0);
                w.add("quantize7/q", at, 1 << 26);
                w.add("quantize7/r", at, -1);
            }),
        ],
    );
}

#[test]
fn a_result_is_that_of_the_clamp() {
    no_row(
        &Fixture::quick(graph::targets()),
        &[
            ("a constant", |w| {
                let n = w.cells("quantize3/y").len();
                (0..n).for_each(|at| set_result(w, at, 0));
            }),
            ("not quite saturated", |w| {
                let at = position(w.cells("quantize3/y"), |y| y == 127);
                set_result(w, at, 126);
            }),
            ("saturated without need", |w| {
                let at = position(w.cells("quantize3/y"), |y| y > 0 && y < 127);
                set_result(w, at, 127);
            }),
            ("beyond the element type", |w| {
                let at = position(w.cells("quantize3/y"), |y| y == 127);
                w.add("quantize3/y", at, 1);
            }),
            ("an unsigned one below zero", |w| {
                let at = position(w.cells("quantize4/y"), |y| y == 0);
                w.add("quantize4/y", at, -1);
            }),
        ],
    );
}

#[test]
fn the_limbs_of_a_wide_quotient_follow_from_it() {
    no_row(
        &Fixture::quick(graph::targets()),
        &[
            ("high limb raised, low limb negative", |w| {
                w.add("quantize5/h", 0, 1);
                w.add("quantize5/l", 0, -16);
            }),
            ("another side of the clamp", |w| {
                let at = position(w.cells("quantize5/t"), |t| t == 1);
                w.cells("quantize5/t")[at] = 2;
            }),
            ("no side of the clamp", |w| w.cells("quantize5/t")[0] = 3),
            ("another block", |w| w.add("quantize5/base", 0, 16)),
            ("another place in the block", |w| w.add("quantize5/low", 0, 1)),
            ("a high limb outside its window", |w| w.cells("quantize5/h")[0] = 1 << 15),
        ],
    );
}

#[test]
fn the_limbs_of_a_remainder_are_in_their_ranges() {
    no_row(
        &Fixture::quick(graph::deep()),
        &[
            ("a carry", |w| {
                w.add("quantize_int83/r0", 0, 1 << 11);
                w.add("quantize_int83/r1", 0, -1);
            }),
            ("a borrow", |w| {
                w.add("quantize_int83/r0", 0, -(1 << 11));
                w.add("quantize_int83/r1", 0, 1);
            }),
            ("quotient raised", |w| {
                w.add("quantize_int83/q", 0, 1);
                w.add("quantize_int83/r1", 0, -4);
            }),
        ],
    );
}

#[test]
fn cells_inside_their_tables_are_held_by_the_identity() {
    no_identity(
        &Fixture::quick(graph::targets()),
        &[
            ("another quotient with its own result", |w| {
                let at = position(w.cells("quantize3/y"), |y| (0..127).contains(&y));
                w.add("quantize3/q", at, 1);
                let y = w.cells("quantize3/y")[at];
                set_result(w, at, y + 1);
            }),
            ("another remainder", |w| {
                let at = position(w.cells("quantize3/r"), |r| r < 255);
                w.add("quantize3/r", at, 1);
            }),
            ("another quotient without clamp", |w| {
                w.add("quantize7/q", 0, 1);
                let q = w.cells("quantize7/q").clone();
                w.show(4, q);
            }),
            ("another low limb with its own result", |w| {
                let (t, l) = (w.cells("quantize5/t").clone(), w.cells("quantize5/l").clone());
                let at = (0..t.len()).find(|&i| t[i] == 1 && l[i] < 15).expect("one inside");
                w.add("quantize5/l", at, 1);
                w.add("quantize5/low", at, 1);
                let mut shown = w.statement.outputs[2].to_vec();
                shown[at] += 1;
                w.show(2, shown);
            }),
        ],
    );
    no_identity(
        &Fixture::quick(graph::deep()),
        &[
            ("another low limb", |w| {
                let at = position(w.cells("quantize_int83/r0"), |r| r < 2047);
                w.add("quantize_int83/r0", at, 1);
            }),
            ("another high limb", |w| {
                let at = position(w.cells("quantize_int83/r1"), |r| r < 3);
                w.add("quantize_int83/r1", at, 1);
            }),
        ],
    );
}

#[test]
fn the_result_of_a_fused_activation_is_the_table_s() {
    let f = Fixture::quick(graph::activations());
    let relu = Fixture::quick(graph::mlp());
    no_row(&f, &[("gelu", |w| w.cells("gelu4/y").fill(0)), ("exp", |w| w.add("exp8/y", 3, 1))]);
    no_row(&relu, &[("relu", |w| w.cells("relu7/y").fill(0)), ("one cell", |w| w.add("relu7/y", 5, 1))]);
    no_identity(
        &relu,
        &[("another quotient with its own result", |w| {
            let at = position(w.cells("quantize_int86/q"), |q| q < -1);
            w.add("quantize_int86/q", at, 1);
        })],
    );
}

/// A table of the prover's own, in which its cells are.
#[test]
fn tables_are_not_the_prover_s() {
    use crate::common::cheat::{prove, Deviation};
    use zkml_runtime::field::BaseField;

    let f = Fixture::quick(graph::mlp());
    let relu = f.plan().tables.len() - 1;
    assert_eq!(f.plan().tables[relu].name(), "relu");
    let (statement, witness) = f.forge(1, |w| w.cells("relu7/y").fill(0));
    let tables = |t: &mut [Vec<Vec<BaseField>>]| {
        t.last_mut().expect("tables")[1].fill(BaseField::from(0));
    };
    let proof = prove(&f, &statement, &witness, Deviation { tables, ..Deviation::default() });
    assert_refused!(f.verify(&statement, &proof), VerifyError::TableDenominator);
}
