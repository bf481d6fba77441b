//! A prover that changes cells of a softmax, everything after them made to fit.

use crate::common::forge::{no_identity, no_row, Forged};
use crate::common::{graph, Fixture};
use zkml_ir::tables::Table;

const KEYS: usize = 5;
const LIMB: u32 = 13;
/// b
const SUM_BITS: u32 = 16;

/// The columns of the model's table of exponentials.
pub struct Exponentials {
    columns: Vec<Vec<i32>>,
    grain: i32,
}

pub fn exponentials(f: &Fixture) -> Exponentials {
    let tables = &f.plan().tables;
    let of = |t: &Table| match t {
        Table::Exp(t) => Some(Exponentials { columns: t.columns(), grain: 1 << t.log_grain }),
        _ => None,
    };
    tables.iter().find_map(of).expect("rows")
}

impl Exponentials {
    /// (e, f) at a distance; below zero, where the table has no row, those of zero.
    pub fn at(&self, distance: i32) -> (i32, i32) {
        let row = distance.max(0) as usize;
        (self.columns[1][row], self.columns[2][row])
    }

    /// The least reference for which the exponentials of these scores add up to less than 2^b.
    pub fn reference(&self, x: &[i32]) -> i32 {
        let top = self.columns[2][0] as i64;
        let sum = |m: i32| x.iter().map(|x| self.at(m - self.grain * x).0 as i64).sum::<i64>();
        let max = self.grain * x.iter().max().expect("scores");
        (max..).find(|&m| sum(m) < top).expect("one")
    }
}

/// Sets limb cells `name0`, `name1`.
fn set_limbs(w: &mut Forged, name: &str, row: usize, v: i64) {
    w.cells(&format!("{name}0"))[row] = (v & 0xffff) as i32;
    w.cells(&format!("{name}1"))[row] = (v >> 16) as i32;
}

/// log2 of the numerator of a reciprocal.
const N: u32 = 29;

/// The row's cells after its exponentials, for a sum and a reciprocal off by so much. Every equation holds.
fn divide(w: &mut Forged, row: usize, sum_off_by: i64, quotient_off_by: i64) {
    let e: Vec<i64> = w.cells("softmax1/e")[row * KEYS..][..KEYS].iter().map(|&e| e as i64).collect();
    let s = e.iter().sum::<i64>() + sum_off_by;
    let quotient = (1 << N) / s + quotient_off_by;
    let t = (1 << N) - s * quotient;
    w.cells("softmax1/s0")[row] = (s & ((1 << LIMB) - 1)) as i32;
    w.cells("softmax1/s1")[row] = (s >> LIMB) as i32;
    set_limbs(w, "softmax1/w", row, quotient);
    set_limbs(w, "softmax1/c", row, (1 << (N - LIMB)) - (s >> LIMB) * quotient);
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

/// Another reference for a row, and what follows from it; `allowed` says which scores it is over.
fn set_reference(w: &mut Forged, row: usize, m: i32, allowed: impl Fn(usize) -> bool) {
    let x = scores(w, row);
    let table = exponentials(w.f);
    w.cells("softmax1/reference")[row] = m;
    for j in (0..KEYS).filter(|&j| allowed(j)) {
        let (e, nearer) = table.at(m - table.grain * x[j]);
        w.cells("softmax1/e")[row * KEYS + j] = e;
        w.cells("softmax1/nearer")[row * KEYS + j] = nearer;
    }
    carry(w, row);
    divide(w, row, 0, 0);
}

/// The high limb of what the nearer exponentials exceed 2^b by.
fn carry(w: &mut Forged, row: usize) {
    let over = w.cells("softmax1/nearer")[row * KEYS..][..KEYS].iter().sum::<i32>() - (1 << SUM_BITS);
    w.cells("softmax1/f1")[row] = over >> 16;
}

fn scores(w: &Forged, row: usize) -> Vec<i32> {
    w.statement.inputs[0].as_ref().expect("public").to_vec()[row * KEYS..][..KEYS].to_vec()
}

fn reference(w: &mut Forged, row: usize) -> i32 {
    w.cells("softmax1/reference")[row]
}

/// The helpers above, told nothing false, change nothing: what the forgeries below are refused for is the lie in them.
#[test]
fn an_unchanged_row_is_accepted() {
    let f = Fixture::quick(graph::softmax());
    let run = f.forge(1, |w| {
        for row in 0..6 {
            let honest = exponentials(w.f).reference(&scores(w, row));
            assert_eq!(honest, reference(w, row));
            set_reference(w, row, honest, |_| true);
        }
    });
    f.verdict(&run).expect("an honest run");
}

#[test]
fn a_row_s_reference_is_the_least_that_keeps_its_sum_small() {
    no_row(
        &Fixture::quick(graph::softmax()),
        &[
            ("one too large", |w| {
                let m = reference(w, 1);
                set_reference(w, 1, m + 1, |_| true);
            }),
            ("one too large, said to be the least", |w| {
                let m = reference(w, 1);
                set_reference(w, 1, m + 1, |_| true);
                w.add("softmax1/nearer", KEYS, 1 << 16);
                carry(w, 1);
            }),
            ("one too small", |w| {
                let m = reference(w, 1);
                set_reference(w, 1, m - 1, |_| true);
            }),
            ("the maximum", |w| {
                // All scores but these are far below: the reference is above the two.
                let m = 16 * scores(w, 0).iter().max().expect("scores");
                assert!(m < reference(w, 0));
                set_reference(w, 0, m, |_| true);
            }),
            ("below the maximum", |w| {
                let m = 16 * scores(w, 1).iter().max().expect("scores");
                set_reference(w, 1, m - 1, |_| true);
            }),
            ("the largest", |w| set_reference(w, 1, -16 * 128 + 8191, |_| true)),
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
                w.cells("softmax1/e").fill((1 << SUM_BITS) / KEYS as i32);
                (0..6).for_each(|row| divide(w, row, 0, 0));
            }),
            ("another one nearer", |w| {
                w.add("softmax1/nearer", 8, 1);
                carry(w, 1);
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
                divide(w, 2, 0, -i64::from((1 << N) / s));
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
                let (m, x, table) = (reference(w, 1), scores(w, 1), exponentials(w.f));
                (w.cells("softmax1/e")[KEYS + 2], _) = table.at(m - table.grain * x[2]);
                divide(w, 1, 0, 0);
            }),
            ("the least that it can count", |w| {
                w.cells("softmax1/e")[KEYS + 2] = 1;
                divide(w, 1, 0, 0);
            }),
            ("no mask at all", |w| {
                for row in 0..10 {
                    let m = exponentials(w.f).reference(&scores(w, row));
                    set_reference(w, row, m, |_| true);
                }
            }),
            ("a masked score counts for the reference", |w| {
                let larger = |w: &Forged, r: usize| {
                    let x = scores(w, r);
                    x[r % 5 + 1..].iter().max() > x[..=r % 5].iter().max()
                };
                let r = (0..10).find(|&r| larger(w, r)).expect("a larger masked score");
                let m = exponentials(w.f).reference(&scores(w, r));
                set_reference(w, r, m, |j| j <= r % 5);
            }),
            ("an allowed score is masked", |w| {
                w.cells("softmax1/e")[2 * KEYS] = 0;
                divide(w, 2, 0, 0);
            }),
        ],
    );
}
