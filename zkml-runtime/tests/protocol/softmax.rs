//! A prover that changes cells of a softmax, everything after them made to fit.

use crate::common::forge::{no_identity, no_row, Forged};
use crate::common::{graph, Fixture};
use zkml_ir::tables::Table;

const KEYS: usize = 5;
const LIMB: u32 = 13;

/// e at every distance.
pub fn exponentials(f: &Fixture) -> Vec<i32> {
    let tables = &f.plan().tables;
    tables
        .iter()
        .find_map(|t| if let Table::Exp(t) = t { Some(t.exponentials()) } else { None })
        .expect("rows")
}

/// Sets limb cells `name0`, `name1`.
fn set_limbs(w: &mut Forged, name: &str, row: usize, v: i64) {
    w.cells(&format!("{name}0"))[row] = (v & 0xffff) as i32;
    w.cells(&format!("{name}1"))[row] = (v >> 16) as i32;
}

/// The row's cells after its exponentials, for a sum and a reciprocal off by so much. Every equation holds.
fn divide(w: &mut Forged, row: usize, sum_off_by: i64, quotient_off_by: i64) {
    let e: Vec<i64> = w.cells("softmax1/e")[row * KEYS..][..KEYS].iter().map(|&e| e as i64).collect();
    let s = e.iter().sum::<i64>() + sum_off_by;
    let quotient = (1 << 29) / s + quotient_off_by;
    let t = (1 << 29) - s * quotient;
    w.cells("softmax1/s0")[row] = (s & ((1 << LIMB) - 1)) as i32;
    w.cells("softmax1/s1")[row] = (s >> LIMB) as i32;
    set_limbs(w, "softmax1/w", row, quotient);
    set_limbs(w, "softmax1/c", row, (1 << 16) - (s >> LIMB) * quotient);
    w.cells("softmax1/t0")[row] = (t & ((1 << LIMB) - 1)) as i32;
    w.cells("softmax1/t1")[row] = (t >> LIMB) as i32;
    w.cells("softmax1/u1")[row] = ((s - 1 - t) >> LIMB) as i32;
    for (j, e) in e.iter().enumerate() {
        let v = e * quotient + (1 << 14);
        w.cells("softmax1/p")[row * KEYS + j] = (v >> 15) as i32;
        w.cells("softmax1/r")[row * KEYS + j] = (v & ((1 << 15) - 1)) as i32;
    }
    show(w);
}

fn show(w: &mut Forged) {
    let p = w.cells("softmax1/p").clone();
    w.show(0, p);
}

/// Another maximum for a row, and what follows from it; `allowed` says which scores it is over.
fn set_max(w: &mut Forged, row: usize, max: i32, allowed: impl Fn(usize) -> bool) {
    let x = w.statement.inputs[0].as_ref().expect("public").to_vec();
    let table = exponentials(w.f);
    w.cells("softmax1/max")[row] = max;
    for j in (0..KEYS).filter(|&j| allowed(j)) {
        let distance = max - x[row * KEYS + j];
        w.cells("softmax1/e")[row * KEYS + j] = table[distance.max(0) as usize];
        w.cells("softmax1/z")[row * KEYS + j] = (distance == 0) as i32;
    }
    divide(w, row, 0, 0);
}

fn max(w: &mut Forged, row: usize) -> i32 {
    w.cells("softmax1/max")[row]
}

/// The helpers above, told nothing false, change nothing: what the forgeries below are refused for is the lie in them.
#[test]
fn an_unchanged_row_is_accepted() {
    let f = Fixture::quick(graph::softmax());
    let run = f.forge(1, |w| {
        for row in 0..6 {
            let honest = max(w, row);
            set_max(w, row, honest, |_| true);
        }
    });
    f.verdict(&run).expect("an honest run");
}

#[test]
fn a_row_maximum_is_the_maximum() {
    no_row(
        &Fixture::quick(graph::softmax()),
        &[
            ("one too large", |w| {
                let m = max(w, 1);
                set_max(w, 1, m + 1, |_| true);
            }),
            ("one too large, said to be attained", |w| {
                let m = max(w, 1);
                set_max(w, 1, m + 1, |_| true);
                let x = w.statement.inputs[0].as_ref().expect("public").to_vec();
                let at = (0..KEYS).find(|j| x[KEYS + j] == m).expect("attained");
                w.cells("softmax1/z")[KEYS + at] = 1;
            }),
            ("one too small", |w| {
                let m = max(w, 1);
                set_max(w, 1, m - 1, |_| true);
            }),
            ("of its type", |w| set_max(w, 1, 127, |_| true)),
        ],
    );
}

#[test]
fn exponentials_are_the_table_s() {
    no_row(
        &Fixture::quick(graph::softmax()),
        &[
            ("one raised", |w| {
                w.add("softmax1/e", 7, 1);
                divide(w, 1, 0, 0);
            }),
            ("constant", |w| {
                w.cells("softmax1/e").fill(1 << 13);
                (0..6).for_each(|row| divide(w, row, 0, 0));
            }),
            ("attained twice", |w| {
                let z = w.cells("softmax1/z");
                let at = (0..KEYS).find(|j| z[KEYS + j] == 0).expect("smaller than the maximum");
                z[KEYS + at] = 1;
            }),
        ],
    );
}

#[test]
fn a_reciprocal_is_the_quotient() {
    no_row(
        &Fixture::quick(graph::softmax()),
        &[
            ("one too large", |w| divide(w, 2, 0, 1)),
            ("one too small", |w| divide(w, 2, 0, -1)),
            ("zero", |w| {
                let s = w.cells("softmax1/s0")[2] + (w.cells("softmax1/s1")[2] << LIMB);
                divide(w, 2, 0, -i64::from((1 << 29) / s));
            }),
            ("a carry into the low digit", |w| {
                w.add("softmax1/s0", 2, 1 << LIMB);
                w.add("softmax1/s1", 2, -1);
            }),
            ("a carry into the low limb", |w| {
                w.add("softmax1/t0", 2, 1 << LIMB);
                w.add("softmax1/t1", 2, -1);
            }),
            ("a remainder moved into the probability", |w| {
                w.add("softmax1/p", 11, 1);
                w.add("softmax1/r", 11, -(1 << 15));
                show(w);
            }),
        ],
    );
}

#[test]
fn cells_inside_their_tables_are_held_by_the_identities() {
    no_identity(
        &Fixture::quick(graph::softmax()),
        &[
            ("another sum, divided as it should be", |w| divide(w, 2, 1, 0)),
            ("another reciprocal alone", |w| w.add("softmax1/w0", 2, -1)),
            ("another high digit's product", |w| w.add("softmax1/c0", 2, -1)),
            ("constant probabilities", |w| {
                w.cells("softmax1/p").fill((1 << 14) / KEYS as i32);
                show(w);
            }),
        ],
    );
}

#[test]
fn a_later_score_does_not_leak_in() {
    let f = Fixture::quick(graph::softmax_causal());
    no_row(
        &f,
        &[
            ("the next score counts", |w| {
                // Row 1 of the first square: scores 2, 3 and 4 are masked.
                let x = w.statement.inputs[0].as_ref().expect("public").to_vec();
                let distance = (max(w, 1) - x[KEYS + 2]).max(0) as usize;
                w.cells("softmax1/e")[KEYS + 2] = exponentials(w.f)[distance];
                divide(w, 1, 0, 0);
            }),
            ("the least that it can count", |w| {
                w.cells("softmax1/e")[KEYS + 2] = 1;
                divide(w, 1, 0, 0);
            }),
            ("no mask at all", |w| {
                let x = w.statement.inputs[0].as_ref().expect("public").to_vec();
                for row in 0..10 {
                    let m = *x[row * KEYS..][..KEYS].iter().max().expect("scores");
                    set_max(w, row, m, |_| true);
                }
            }),
            ("a masked score is the maximum", |w| {
                let x = w.statement.inputs[0].as_ref().expect("public").to_vec();
                let row = |r: usize| &x[r * KEYS..][..KEYS];
                let larger = |r: usize| row(r)[r % 5 + 1..].iter().max() > row(r)[..=r % 5].iter().max();
                let r = (0..10).find(|&r| larger(r)).expect("a larger masked score");
                let m = *row(r).iter().max().expect("scores");
                set_max(w, r, m, |j| j <= r % 5);
                let at = (0..KEYS).find(|&j| row(r)[j] == m).expect("attained");
                w.cells("softmax1/z")[r * KEYS + at] = 1;
            }),
            ("an allowed score is masked", |w| {
                w.cells("softmax1/e")[2 * KEYS] = 0;
                divide(w, 2, 0, 0);
            }),
        ],
    );
}
