//! Each op's relations, read modulo p as a prover must satisfy them, searched for a second witness.
//!
//! `tests/common` changes one cell at a time. Here the cells of one relation move together: for every value of the one
//! that a prover might choose freely, the others are solved for in the field and held against their ranges.

use zkml_ir::elem::P;
use zkml_ir::tables::{window, ClampHigh, ClampLow, Rsqrt, Table};

fn modp(v: i128) -> i64 {
    v.rem_euclid(P as i128) as i64
}

fn in_range(v: i64, bits: u32) -> bool {
    (0..1 << bits).contains(&v)
}

/// m acc + 2^(s-1) = 2^s q + r
#[test]
fn one_quotient_for_each_accumulator() {
    for (m, s, w, bound) in
        [(1i64, 15, 16, 1i64 << 29), (37, 8, 16, 1 << 24), (1, 11, 20, 1 << 29), (1 << 20, 1, 8, 1 << 10)]
    {
        for acc in [0, 1, -1, bound, -bound, bound / 3, 12345 % bound] {
            let a = (m * acc + (1 << (s - 1))) as i128;
            let win = window(w);
            let found: Vec<i64> =
                (win.lo..=win.hi).filter(|&q| in_range(modp(a - ((q as i128) << s)), s)).collect();
            let honest = a.div_euclid(1 << s) as i64;
            assert_eq!(found, if win.contains(honest) { vec![honest] } else { vec![] }, "{m} {s} {acc}");
        }
    }
}

/// One (h, l), one (t, base), one low.
#[test]
fn one_saturation_for_each_quotient() {
    let (high, low) = (ClampHigh { low_bits: 4, lo: -2048, hi: 2047 }, ClampLow { bits: 4 });
    let (high_rows, low_rows) = (Table::ClampHigh(high).columns(), Table::ClampLow(low).columns());
    for q in (-(1i32 << 19)..1 << 19).step_by(4099).chain([-2049, -2048, 2047, 2048]) {
        let mut found = vec![];
        for ((h, t), base) in high_rows[0].iter().zip(&high_rows[1]).zip(&high_rows[2]) {
            let l = q - 16 * h;
            for k in (0..low_rows[0].len()).filter(|&k| low_rows[0][k] == *t && low_rows[1][k] == l) {
                found.push(base + low_rows[2][k]);
            }
        }
        found.dedup(); // a table's padding repeats its last row
        assert_eq!(found, [q.clamp(-2048, 2047)], "{q}");
    }
}

/// 2 N + S = 2 S o + t, 0 <= t < 2S by limbs.
#[test]
fn one_mean_for_each_row() {
    for s in [1i128 << 6, 1 << 15, 12345, (1 << 21) - 1, 1 << 21] {
        for n in [-(s * 128), s * 127, 0, s / 2, -s / 2, s / 2 - 1, s * 3 + 7] {
            let found: Vec<i128> = (-128..128)
                .filter(|o| {
                    let t = modp(2 * n + s - 2 * s * o);
                    in_range(t, 22) && in_range(modp(2 * s - 1 - t as i128), 22)
                })
                .collect();
            assert_eq!(found, [(2 * n + s).div_euclid(2 * s)], "{s} {n}");
        }
    }
}

/// S0 w + t = 2^13 c, S1 w + c = 2^16; and why 2^29 = S w + t alone would not do.
#[test]
fn one_reciprocal_for_each_sum() {
    let mut naive_is_unsound = false;
    for s in [1i128 << 13, (1 << 13) + 1, 3 << 14, 5_000_003, (1 << 25) - 1, 1 << 25] {
        let bounded = |t: i64| in_range(t, 26) && in_range(modp(s - 1 - t as i128), 26);
        let digits = |w: &i128| {
            let c = modp((1 << 16) - (s >> 13) * w);
            in_range(c, 17) && bounded(modp(((c as i128) << 13) - (s & 8191) * w))
        };
        let found: Vec<i128> = (0..1 << 17).filter(digits).collect();
        assert_eq!(found, [(1 << 29) / s], "{s}");
        let naive = (0..1i128 << 17).filter(|w| bounded(modp((1 << 29) - s * w))).count();
        naive_is_unsound |= naive > 1;
    }
    assert!(naive_is_unsound);
}

/// V = P V' + t2, 0 <= t2 < P.
#[test]
fn one_normalisation_for_each_variance() {
    let rows = Table::Rsqrt(Rsqrt { len: 768, shift: 6, log_gain: 20 }).columns();
    for v in [1i128, 2, 2047, 2048, 8191, 8192, 8195, 1 << 20, 123_456_789, (1 << 29) - 1] {
        let mut found: Vec<(i32, i32)> = (0..rows[0].len())
            .filter(|&r| {
                let (p, low) = (rows[0][r] as i128, rows[1][r] as i128);
                let t2 = modp(v - p * low);
                in_range(t2, 16) && in_range(modp(p - 1 - t2 as i128), 16)
            })
            .map(|r| (rows[0][r], rows[1][r]))
            .collect();
        found.dedup(); // padding
        let (p, low) = Rsqrt::normalise(v as i64);
        assert_eq!(found, [(p as i32, low as i32)], "{v}");
    }
}

/// 2^f sum + floor(d/2) = d M + t with M = 2^f mu + tau.
#[test]
fn one_mean_for_each_layer_norm_row() {
    let (f, d) = (3u32, 768i128);
    for sum in [0i128, 5, -5, 2047 * 768, -2048 * 768, 1000, 383, -385] {
        let a = (sum << f) + d / 2;
        let mut found = vec![];
        for mu in -2048i128..2048 {
            for tau in -(1 << (f - 1))..1i128 << (f - 1) {
                let t = modp(a - d * ((mu << f) + tau));
                if in_range(t, 10) && in_range(modp(d - 1 - t as i128), 10) {
                    found.push((mu << f) + tau);
                }
            }
        }
        assert_eq!(found, [a.div_euclid(d)], "{sum}");
    }
}

/// First maxima: every index with every maximum, all other cells solved for, held against their ranges modulo p.
#[test]
fn one_first_maximum_for_each_row() {
    let mut state = 7u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    for (lo, hi, bits) in [(-4i64, 3, 3), (0, 5, 3), (-100, 100, 8)] {
        for case in 0..60 {
            let n = 1 + below(5);
            let x: Vec<i64> = (0..n).map(|_| lo + below((hi - lo + 1) as usize) as i64).collect();
            let excluded: Vec<bool> = (0..n).map(|j| j > 0 && case % 3 == 0 && below(2) == 1).collect();
            let big = hi - lo + 1;
            let d_bits = if excluded.contains(&true) { bits + 1 } else { bits };
            let mut found = vec![];
            for index in -(2 * n as i64)..2 * n as i64 {
                if (0..n as i64).any(|j| (index - j).abs() >= n as i64) {
                    continue; // no row of the table
                }
                for max in lo..lo + (1 << bits) {
                    let d: Vec<i64> = (0..n)
                        .map(|j| {
                            let s = (index > j as i64) as i64;
                            modp((max - x[j] - s + if excluded[j] { big } else { 0 }) as i128)
                        })
                        .collect();
                    if d.iter().all(|&d| d < 1 << d_bits) && d[index as usize] == 0 {
                        found.push((index as usize, max));
                    }
                }
            }
            let allowed: Vec<usize> = (0..n).filter(|&j| !excluded[j]).collect();
            let best = *allowed.iter().min_by_key(|&&j| (-x[j], j)).unwrap();
            assert_eq!(found, [(best, x[best])], "{x:?} {excluded:?}");
        }
    }
}

/// x = c y + t, 0 <= t < c; y in its interval, in one cell or from two limbs.
#[test]
fn one_quotient_for_each_division() {
    for (by, lo, hi) in
        [(7i64, -32768i64, 32767i64), (50257, -(1 << 29), 1 << 29), (1025, -(1 << 23), 1 << 23)]
    {
        let quotients = lo.div_euclid(by)..=hi.div_euclid(by);
        for x in [lo, hi, 0, -1, by, by - 1, -by, lo / 3, hi / 5 + 1] {
            let t = |y: i64| modp(x as i128 - by as i128 * y as i128);
            let found: Vec<i64> = quotients.clone().filter(|&y| t(y) < by).collect();
            assert_eq!(found, [x.div_euclid(by)], "{x} / {by}");
        }
    }
    // Two limbs express more than the interval: y - floor(lo / 3) up to the next power of two.
    let (by, lo, hi) = (3i64, -(1i64 << 24), 1i64 << 24);
    let from = lo.div_euclid(by);
    for x in [lo, hi, -1, 12345] {
        let all = from..from + (1i64 << 24);
        let found: Vec<i64> = all.filter(|&y| modp(x as i128 - (by * y) as i128) < by).collect();
        assert_eq!(found, [x.div_euclid(by)]);
    }
    assert!((hi.div_euclid(by) - from) < 1 << 24);
}
