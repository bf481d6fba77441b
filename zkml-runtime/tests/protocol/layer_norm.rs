//! A prover that changes cells of a layer norm, everything after them made to fit.

use crate::common::forge::{no_identity, no_row, Forged};
use crate::common::{graph, Fixture};
use zkml_ir::tables::{Rsqrt, Table};

fn table(f: &Fixture) -> Rsqrt {
    let tables = &f.plan().tables;
    tables.iter().find_map(|t| if let Table::Rsqrt(t) = t { Some(*t) } else { None }).expect("a layer norm")
}

/// The row's normalised entries from its cells mu, tau and g, whatever these are.
fn normalise(w: &mut Forged, row: usize) {
    let x = w.statement.inputs[0].as_ref().expect("public").to_vec();
    let table = table(w.f);
    let d = table.len as usize;
    // Three bits of the mean, sixteen of gain and seven of result: 2^3 (x - mean) 2^20 down to 2^7.
    let (f, s) = (3, 16);
    let [mu, tau, g] = ["mu", "tau", "g"].map(|name| w.cells(&format!("layer_norm1/{name}"))[row] as i64);
    let mean = (mu << f) + tau - (1 << (f - 1));
    for (j, &x) in x[row * d..][..d].iter().enumerate() {
        let v = (((x as i64) << f) - mean) * g + (1 << (s - 1));
        w.cells("layer_norm1/n")[row * d + j] = (v >> s) as i32;
        w.cells("layer_norm1/r")[row * d + j] = (v & ((1 << s) - 1)) as i32;
    }
    let n = w.cells("layer_norm1/n").clone();
    w.show(0, n);
}

fn add(w: &mut Forged, cell: &str, by: i32) {
    w.add(&format!("layer_norm1/{cell}"), 1, by);
}

/// Another power and mantissa for the variance of row 1, the remainder following.
fn set_exponent(w: &mut Forged, p: i32, v: i32) {
    let [old_p, old_v, t2] = ["p", "v", "t2"].map(|name| w.cells(&format!("layer_norm1/{name}"))[1]);
    let variance = old_p * old_v + t2;
    let g = table(w.f).gain(p as i64, v as i64);
    for (name, value) in [("p", p), ("v", v), ("t2", variance - p * v), ("g", g as i32)] {
        w.cells(&format!("layer_norm1/{name}"))[1] = value;
    }
    normalise(w, 1);
}

fn exponent(w: &mut Forged) -> (i32, i32) {
    (w.cells("layer_norm1/p")[1], w.cells("layer_norm1/v")[1])
}

const MODELS: [graph::Build; 2] = [graph::layer_norm, graph::layer_norm_blocks];

#[test]
fn an_unchanged_row_is_accepted() {
    for model in MODELS {
        let f = Fixture::quick(model());
        let run = f.forge(1, |w| {
            normalise(w, 0);
            let (p, v) = exponent(w);
            set_exponent(w, p, v);
        });
        f.verdict(&run).expect("an honest run");
    }
}

#[test]
fn a_reciprocal_root_is_the_table_s() {
    for model in MODELS {
        no_row(
            &Fixture::quick(model()),
            &[
                ("one too large", |w| {
                    add(w, "g", 1);
                    normalise(w, 1);
                }),
                ("one too small", |w| {
                    add(w, "g", -1);
                    normalise(w, 1);
                }),
                ("of another mantissa", |w| {
                    let (p, v) = exponent(w);
                    w.cells("layer_norm1/g")[1] = table(w.f).gain(p as i64, v as i64 / 2) as i32;
                    normalise(w, 1);
                }),
            ],
        );
    }
}

#[test]
fn a_variance_has_one_exponent_and_one_mantissa() {
    for model in MODELS {
        no_row(
            &Fixture::quick(model()),
            &[
                ("mantissa one too large", |w| {
                    let (p, v) = exponent(w);
                    set_exponent(w, p, v + 1);
                }),
                ("mantissa one too small", |w| {
                    let (p, v) = exponent(w);
                    set_exponent(w, p, v - 1);
                }),
                ("exponent one too large", |w| {
                    let (p, v) = exponent(w);
                    set_exponent(w, 4 * p, v / 4);
                }),
                ("exponent one too small", |w| {
                    let (p, v) = exponent(w);
                    // The least exponent has no smaller one: then the mantissa alone is four times as large.
                    set_exponent(w, (p / 4).max(1), 4 * v);
                }),
                ("a power that is none of four", |w| {
                    let (p, v) = exponent(w);
                    set_exponent(w, 2 * p, v / 2);
                }),
            ],
        );
    }
}

#[test]
fn a_mean_is_the_rounded_mean() {
    for model in MODELS {
        no_row(
            &Fixture::quick(model()),
            &[
                ("one unit too large", |w| {
                    let d = table(w.f).len as i32;
                    add(w, "tau", 1);
                    add(w, "t", -d);
                    normalise(w, 1);
                }),
                ("one unit too small", |w| {
                    let d = table(w.f).len as i32;
                    add(w, "tau", -1);
                    add(w, "t", d);
                    normalise(w, 1);
                }),
                ("a carry between its parts", |w| {
                    add(w, "mu", 1);
                    add(w, "tau", -8);
                }),
            ],
        );
    }
}

#[test]
fn a_result_is_the_rounded_product() {
    for model in MODELS {
        let f = Fixture::quick(model());
        no_row(
            &f,
            &[("a remainder moved into the result", |w| {
                add(w, "n", 1);
                add(w, "r", -(1 << 16));
                let n = w.cells("layer_norm1/n").clone();
                w.show(0, n);
            })],
        );
        no_identity(
            &f,
            &[
                ("one entry", |w| {
                    add(w, "n", 1);
                    let n = w.cells("layer_norm1/n").clone();
                    w.show(0, n);
                }),
                ("constant", |w| {
                    w.cells("layer_norm1/n").fill(0);
                    let n = w.cells("layer_norm1/n").clone();
                    w.show(0, n);
                }),
                ("another mean, the remainder kept", |w| {
                    let by = if w.cells("layer_norm1/tau")[1] < 7 { 1 } else { -1 };
                    add(w, "tau", by);
                    normalise(w, 1);
                }),
                ("another variance", |w| {
                    let (p, v) = exponent(w);
                    let t2 = w.cells("layer_norm1/t2")[1];
                    set_exponent(w, p, v + 1);
                    w.cells("layer_norm1/t2")[1] = t2;
                }),
            ],
        );
    }
}

#[test]
fn the_sums_of_blocks_are_those_of_squares() {
    let f = Fixture::quick(graph::layer_norm_blocks());
    let shift = table(&f).shift;
    assert!(shift > 0, "blocks drop bits");
    no_row(
        &f,
        &[
            ("a block's sum one too large", |w| {
                let shift = table(w.f).shift;
                w.add("layer_norm1/w0", 4, 1);
                w.add("layer_norm1/l", 4, -(1 << shift));
            }),
            ("a carry one too large", |w| {
                let shift = table(w.f).shift;
                add(w, "w'", 1);
                add(w, "l'", -(1 << shift));
            }),
        ],
    );
    no_identity(
        &f,
        &[("a block's dropped bits", |w| {
            let shift = table(w.f).shift;
            let l = w.cells("layer_norm1/l");
            l[4] += if l[4] + 1 < 1 << shift { 1 } else { -1 };
        })],
    );
}
