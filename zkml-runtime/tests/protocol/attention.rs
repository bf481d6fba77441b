//! A prover that changes cells of an attention, everything after them made to fit.

use super::softmax::{exponentials, Exponentials};
use crate::common::forge::{no_identity, no_row, Forged};
use crate::common::{graph, Fixture};

const HEADS: usize = 2;
const TOKENS: usize = 5;
const WIDTH: usize = 4;
const LIMB: u32 = 11;

fn input(w: &Forged, i: usize) -> Vec<i32> {
    w.statement.inputs[i].as_ref().expect("public").to_vec()
}

/// The first cell of a row of scores.
fn at(head: usize, query: usize) -> usize {
    (head * TOKENS + query) * TOKENS
}

/// The row's sum and results from its exponentials, over the values of a head. Every equation but the one with the
/// values holds whatever they are.
fn attend(w: &mut Forged, head: usize, query: usize, values_of: usize, off_by: [i64; 2]) {
    let row = head * TOKENS + query;
    let e: Vec<i64> = w.cells("heads/e")[at(head, query)..][..TOKENS].iter().map(|&e| e as i64).collect();
    let v = input(w, 2);
    let s = e.iter().sum::<i64>() + off_by[0];
    w.cells("heads/s0")[row] = (s & 8191) as i32;
    w.cells("heads/s1")[row] = (s >> 13) as i32;
    for c in 0..WIDTH {
        let value = |j: usize| v[(j * HEADS + values_of) * WIDTH + c] as i64;
        let n: i64 = (0..TOKENS).map(|j| e[j] * value(j)).sum();
        let a = 8 * n + s;
        let o = a.div_euclid(2 * s) + off_by[1];
        let t = a - 2 * s * o;
        let cell = (head * TOKENS + query) * WIDTH + c;
        w.cells("heads/o")[cell] = o as i32;
        w.cells("heads/t0")[cell] = (t & ((1 << LIMB) - 1)) as i32;
        w.cells("heads/t1")[cell] = (t >> LIMB) as i32;
        w.cells("heads/u1")[cell] = ((2 * s - 1 - t) >> LIMB) as i32;
    }
    let o = w.cells("heads/o").clone();
    let place = |i: usize| ((i / WIDTH) % HEADS * TOKENS + i / (HEADS * WIDTH)) * WIDTH + i % WIDTH;
    w.show(0, (0..o.len()).map(|i| o[place(i)]).collect());
}

/// Another reference, and what follows from it. Masked scores keep their zeros.
fn set_reference(w: &mut Forged, head: usize, query: usize, m: i32, allowed: impl Fn(usize) -> bool) {
    let scores = w.cells("scores/y").clone();
    let table = exponentials(w.f);
    let row = head * TOKENS + query;
    w.cells("heads/reference")[row] = m;
    for j in (0..TOKENS).filter(|&j| allowed(j)) {
        let cell = at(head, query) + j;
        (w.cells("heads/e")[cell], w.cells("heads/nearer")[cell]) = table.at(m - scores[cell]);
    }
    let over = w.cells("heads/nearer")[at(head, query)..][..TOKENS].iter().sum::<i32>() - (1 << 19);
    w.cells("heads/f1")[row] = over >> 16;
    attend(w, head, query, head, [0, 0]);
}

/// The reference that is due where these scores count.
fn reference(w: &mut Forged, head: usize, query: usize, allowed: impl Fn(usize) -> bool) -> i32 {
    let scores = w.cells("scores/y")[at(head, query)..][..TOKENS].to_vec();
    let x: Vec<i32> = (0..TOKENS).filter(|&j| allowed(j)).map(|j| scores[j]).collect();
    exponentials(w.f).reference(&x)
}

/// The same over the whole row.
fn due(w: &mut Forged, head: usize, query: usize) -> i32 {
    reference(w, head, query, |_| true)
}

/// The exponential of a masked score, were it to count.
fn smuggled(table: &Exponentials, distance: i32) -> i32 {
    table.at(distance.max(0)).0.max(1)
}

#[test]
fn an_unchanged_row_is_accepted() {
    let f = Fixture::quick(graph::attention());
    let run = f.forge(1, |w| {
        for row in 0..HEADS * TOKENS {
            let (head, query) = (row / TOKENS, row % TOKENS);
            let honest = due(w, head, query);
            set_reference(w, head, query, honest, |_| true);
        }
    });
    f.verdict(&run).expect("an honest run");
}

#[test]
fn a_row_s_reference_is_the_least_that_keeps_its_sum_small() {
    no_row(
        &Fixture::quick(graph::attention()),
        &[
            ("one too large", |w| {
                let m = due(w, 1, 2);
                set_reference(w, 1, 2, m + 1, |_| true);
            }),
            ("one too small", |w| {
                let m = due(w, 1, 2);
                set_reference(w, 1, 2, m - 1, |_| true);
            }),
            ("far too large", |w| {
                let m = due(w, 1, 2);
                set_reference(w, 1, 2, m + 100, |_| true);
            }),
        ],
    );
}

#[test]
fn a_result_is_the_rounded_mean() {
    let f = Fixture::quick(graph::attention());
    no_row(
        &f,
        &[
            ("one too large", |w| attend(w, 0, 3, 0, [0, 1])),
            ("one too small", |w| attend(w, 0, 3, 0, [0, -1])),
            ("a carry into the low limb", |w| {
                w.add("heads/t0", 5, 1 << LIMB);
                w.add("heads/t1", 5, -1);
            }),
        ],
    );
    no_identity(
        &f,
        &[
            ("another sum, divided as it should be", |w| attend(w, 0, 3, 0, [1, 0])),
            ("another head's values", |w| {
                (0..TOKENS).for_each(|query| attend(w, 1, query, 0, [0, 0]));
            }),
            ("one row of another head's values", |w| attend(w, 0, 4, 1, [0, 0])),
            ("heads merged in another order", |w| {
                let mut shown = w.statement.outputs[0].to_vec();
                shown.chunks_mut(HEADS * WIDTH).for_each(|row| row.rotate_left(WIDTH));
                w.show(0, shown);
            }),
        ],
    );
}

/// `s[i][j] + d, s[j][i] - d`: it would vanish if queries and keys shared challenges (DESIGN 5.3).
#[test]
fn scores_are_the_products_of_queries_and_keys() {
    fn change(w: &mut Forged, head: usize, cells: [(usize, usize, i32); 2]) {
        for (i, j, by) in cells {
            w.add("scores/q", at(head, i) + j, by);
            w.add("scores/y", at(head, i) + j, by);
        }
        for (i, _, _) in cells {
            let m = due(w, head, i);
            set_reference(w, head, i, m, |_| true);
        }
    }
    /// A pair of scores that are not clamped, nor would be.
    fn pair(w: &mut Forged) -> (usize, usize) {
        let q = w.cells("scores/q").clone();
        let inside = |i: usize, j: usize| q[at(0, i) + j].abs() < 2000;
        let all = (0..TOKENS).flat_map(|i| (0..i).map(move |j| (i, j)));
        all.into_iter().find(|&(i, j)| inside(i, j) && inside(j, i)).expect("one")
    }
    no_identity(
        &Fixture::quick(graph::attention()),
        &[
            ("an antisymmetric error", |w| {
                let (i, j) = pair(w);
                change(w, 0, [(i, j, 3), (j, i, -3)]);
            }),
            ("a symmetric error", |w| {
                let (i, j) = pair(w);
                change(w, 0, [(i, j, 3), (j, i, 3)]);
            }),
            ("transposed", |w| {
                let (q, r, y) =
                    (w.cells("scores/q").clone(), w.cells("scores/r").clone(), w.cells("scores/y").clone());
                for (name, old) in [("scores/q", q), ("scores/r", r), ("scores/y", y)] {
                    for k in 0..TOKENS * TOKENS {
                        w.cells(name)[k] = old[k % TOKENS * TOKENS + k / TOKENS];
                    }
                }
                for i in 0..TOKENS {
                    let m = due(w, 0, i);
                    set_reference(w, 0, i, m, |_| true);
                }
            }),
        ],
    );
}

#[test]
fn a_later_token_does_not_leak_in() {
    no_row(
        &Fixture::quick(graph::attention_causal()),
        &[
            ("the next token", |w| {
                let distance = w.cells("heads/reference")[1] - w.cells("scores/y")[at(0, 1) + 2];
                w.cells("heads/e")[at(0, 1) + 2] = smuggled(&exponentials(w.f), distance);
                attend(w, 0, 1, 0, [0, 0]);
            }),
            ("every token", |w| {
                for row in 0..HEADS * TOKENS {
                    let (head, query) = (row / TOKENS, row % TOKENS);
                    let m = due(w, head, query);
                    set_reference(w, head, query, m, |_| true);
                }
            }),
        ],
    );
}

#[test]
fn a_masked_key_does_not_leak_in() {
    let f = Fixture::quick(graph::attention_masked());
    let (statement, _) = f.run(1);
    let mask = statement.inputs[3].as_ref().expect("public").to_vec();
    assert!(mask.contains(&0) && mask.contains(&1), "{mask:?}");
    no_row(
        &f,
        &[
            ("a masked key counts", |w| {
                let key = input(w, 3).iter().position(|&m| m == 0).expect("masked");
                let cell = at(1, 0) + key;
                let distance = w.cells("heads/reference")[TOKENS] - w.cells("scores/y")[cell];
                w.cells("heads/e")[cell] = smuggled(&exponentials(w.f), distance);
                attend(w, 1, 0, 1, [0, 0]);
            }),
            ("no mask at all", |w| {
                for row in 0..HEADS * TOKENS {
                    let (head, query) = (row / TOKENS, row % TOKENS);
                    let m = due(w, head, query);
                    set_reference(w, head, query, m, |_| true);
                }
            }),
            ("an allowed key counts half", |w| {
                let key = input(w, 3).iter().position(|&m| m == 1).expect("allowed");
                let row = (0..TOKENS).find(|&q| w.cells("heads/e")[at(0, q) + key] > 0).expect("it counts");
                w.cells("heads/e")[at(0, row) + key] /= 2;
                attend(w, 0, row, 0, [0, 0]);
            }),
        ],
    );
}
