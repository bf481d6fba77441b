//! Each op's relations, read modulo p as a prover must satisfy them, searched for a second witness.
//!
//! `tests/common` changes one cell at a time. Here the cells of one relation move together: for every value of the one
//! that a prover might choose freely, the others are solved for in the field and held against their ranges.

use zkml_ir::elem::P;
use zkml_ir::tables::{window, ClampHigh, ClampLow, ExpTable, Rsqrt, StepBits, Table};

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

/// 8 N + S = 2 S o + t, 0 <= t < 2S by limbs, for every sum of 19 bits' ends.
#[test]
fn one_mean_for_each_row() {
    for s in [1i128, 2, 1 << 6, 1 << 15, 12345, (1 << 18) + 1, (1 << 19) - 1] {
        for n in [-(s * 128), s * 127, 0, s / 2, -s / 2, s / 2 - 1, s * 3 + 7] {
            let found: Vec<i128> = (-512..512)
                .filter(|o| {
                    let t = modp(8 * n + s - 2 * s * o);
                    in_range(t, 20) && in_range(modp(2 * s - 1 - t as i128), 20)
                })
                .collect();
            let honest = (8 * n + s).div_euclid(2 * s);
            assert_eq!(found, if honest < 512 { vec![honest] } else { vec![] }, "{s} {n}");
        }
    }
}

/// sum e = S < 2^19 <= sum f: one reference for each row, of all that the table has an index for. Sums are taken modulo p.
#[test]
fn one_reference_for_each_row() {
    let mut state = 5u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let step = |v| StepBits::new(v).unwrap();
    for (tau, width, keys) in [(0.3, 7, 5), (0.02, 255, 40), (1e-3, 255, 2048), (1.9, 15, 64), (0.7, 3, 2048)]
    {
        // The largest scale with which `keys` exponentials at the furthest reference stay below 2^19.
        let range = 2 * width + 1;
        let far = keys as f64 * (-tau * (width + 1) as f64).exp();
        let scale = (524_287.0f64).min(((1 << 19) - keys) as f64 / far) as u32;
        let table = ExpTable { scale, top_bits: 19, log_grain: 0, range, last: range, step: step(tau) };
        let columns = table.columns();
        let bits = 19 + (keys as u64).next_power_of_two().trailing_zeros();
        let spread =
            |below: &mut dyn FnMut(usize) -> usize| (0..keys).map(|_| below(width as usize + 1)).collect();
        let rows: Vec<Vec<usize>> =
            vec![vec![0; keys], vec![width as usize; keys], spread(&mut below), spread(&mut below)];
        for row in rows {
            let found: Vec<usize> = (0..=range as usize)
                .filter(|&m| row.iter().all(|&x| x <= m && m - x <= range as usize))
                .filter(|&m| {
                    let sum = |c: usize| row.iter().map(|&x| columns[c][m - x] as i128).sum::<i128>();
                    in_range(modp(sum(1)), 19) && in_range(modp(sum(2) - (1 << 19)), bits)
                })
                .collect();
            assert_eq!(found.len(), 1, "{tau} {width} {keys}");
            // It is the least with a sum that small.
            let fits = |m: usize| row.iter().map(|&x| columns[1][m - x] as i64).sum::<i64>() < 1 << 19;
            let max = *row.iter().max().unwrap();
            assert_eq!(Some(found[0]), (max..=range as usize).find(|&m| fits(m)));
        }
    }
}

/// S0 w + t = 2^13 c, S1 w + c = 2^(n-13); and why 2^n = S w + t alone would not do.
#[test]
fn one_reciprocal_for_each_sum() {
    let mut naive_is_unsound = false;
    for (n, bits, least) in [(29, 16, 1i128 << 13), (29, 19, 1 << 16), (18, 19, 1 << 7), (24, 16, 1 << 10)] {
        for s in [least, least + 1, 3 * least / 2, (1 << bits) - 5003, (1 << bits) - 1] {
            let bounded = |t: i64| in_range(t, bits) && in_range(modp(s - 1 - t as i128), bits);
            let digits = |w: &i128| {
                let c = modp((1 << (n - 13)) - (s >> 13) * w);
                in_range(c, 17) && bounded(modp(((c as i128) << 13) - (s & 8191) * w))
            };
            let found: Vec<i128> = (0..1 << 17).filter(digits).collect();
            assert_eq!(found, [(1 << n) / s], "{s}");
            let naive = (0..1i128 << 17).filter(|w| bounded(modp((1 << n) - s * w))).count();
            naive_is_unsound |= naive > 1;
        }
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

/// c = 2^8 h + l
#[test]
fn one_split_for_each_entry() {
    for c in [0i128, 1, -1, 255, 256, -256, -257, 65535, -65535, 32767, -32768] {
        let found: Vec<i128> = (-256..256).filter(|h| in_range(modp(c - 256 * h), 8)).collect();
        assert_eq!(found, [c >> 8], "{c}");
    }
}

/// sum l^2 = 2^9 a1 + s0, sum h l + a1 = 2^7 a2 + s1, 8 (sum h^2 + a2) + k + E = w2 + 2^14 w3: the ends of rows of 4096 entries.
#[test]
fn one_set_of_digits_for_each_sum_of_squares() {
    let d = 4096i128;
    let (ll_most, hl_most, hh_most) = (d * 255 * 255, d * 255 * 256, d * 129 * 129);
    for ll in [0, 1, 511, 512, 12345, ll_most - 1, ll_most] {
        let found: Vec<i128> = (0..1 << 19).filter(|a| in_range(modp(ll - (a << 9)), 9)).collect();
        assert_eq!(found, [ll >> 9]);
    }
    for hl in [0, -1, 127, 128, -hl_most, hl_most, 99999] {
        for a1 in [0, 1, ll_most >> 9] {
            let fits = |a: &i128| in_range(modp(hl + a1 - (a << 7)), 7);
            let found: Vec<i128> = (-(1 << 21)..1 << 21).filter(fits).collect();
            assert_eq!(found, [(hl + a1) >> 7]);
        }
    }
    for high in [0, 1, 2047, 2048, hh_most, 8 * hh_most + (1 << 24) + 8 + (1 << 27)] {
        let found: Vec<i128> = (0..1 << 16).filter(|w| in_range(modp(high - (w << 14)), 14)).collect();
        assert_eq!(found, if high >> 30 == 0 { vec![high >> 14] } else { vec![] });
    }
}

/// 2^12 low - y + E = w0 + 2^11 w1 + 2^25 k
#[test]
fn one_carry_for_each_low_half() {
    for low in [0i128, -1, -(1 << 22), 2047, 2048, (1 << 25) - 1, 1 << 25, (1 << 28) - 4096 + (1 << 25) - 1] {
        let mut found = vec![];
        for k in -1..15 {
            for w1 in 0..1 << 14 {
                let w0 = modp(low - (w1 << 11) - (k << 25));
                if in_range(w0, 11) {
                    found.push((w0 as i128, w1, k));
                }
            }
        }
        assert_eq!(found, [(low & 2047, low >> 11 & 16383, low >> 25)], "{low}");
    }
}

/// The class that the indicators, the second relation and `lead` leave; any lookup's cell may be any residue.
#[test]
fn one_class_for_each_variance() {
    let digits =
        [[0i128, 0, 0], [1, 0, 0], [16383, 0, 0], [0, 1, 0], [5, 16383, 0], [0, 0, 1], [16383, 16383, 65535]];
    for w in digits {
        let found: Vec<usize> = (0..8)
            .filter_map(|bits| {
                let b: Vec<i128> = (0..3).map(|i| bits >> i & 1).collect();
                let b3 = modp(1 - b[0] - b[1] - b[2]);
                let all = [b[0], b[1], b[2], b3 as i128];
                let kept =
                    modp(w[0] + w[1] + w[2] - (1 - b[0]) * w[0] - (1 - b[0] - b[1]) * w[1] - all[3] * w[2]);
                let lead = modp(b[0] + b[1] * w[0] + b[2] * w[1] + all[3] * w[2] - 1);
                let fits = in_range(b3, 1) && kept == 0 && in_range(lead, 16);
                fits.then(|| all.iter().position(|&b| b == 1).unwrap())
            })
            .collect();
        assert_eq!(found, [w.iter().rposition(|&w| w > 0).map_or(0, |q| q + 1)], "{w:?}");
    }
}

/// 2^a e^2 = d y + t
#[test]
fn one_correction_for_each_rest() {
    for (d, a, bits) in [(4096i128, 7, 18), (2048, 9, 19), (100, 12, 17), (4095, 7, 17)] {
        for e in [0, 1, -1, d / 3, -(d / 2), (d - 1) / 2] {
            let square = (e * e) << a;
            let fits = |y: &i128| (0..d as i64).contains(&modp(square - d * y));
            let found: Vec<i128> = (0..1 << bits).filter(fits).collect();
            assert_eq!(found, [square / d], "{d} {e}");
        }
    }
}

/// e g1 = d h1 + r1, 2^15 r1 + e g0 = d h0 + r0
#[test]
fn one_offset_for_each_row() {
    for d in [4096i128, 4095, 768, 3, 1] {
        let remainders = 0..d as i64;
        for e in
            [0, 1, -1, d / 3, -(d / 2), (d - 1) / 2].into_iter().filter(|e| (0..d).contains(&(e + d / 2)))
        {
            for g in [0i128, 1, 256, 123_456_789, (1 << 30) - 1] {
                let (g1, g0) = (g >> 15, g & 32767);
                let digits = |from: i128, to: i128, v: i128| -> Vec<(i128, i128)> {
                    let rest = |h: i128| (h, modp(v - d * h) as i128);
                    (from..to).map(rest).filter(|(_, r)| remainders.contains(&(*r as i64))).collect()
                };
                let high = digits(-(1 << 14), 1 << 14, e * g1);
                let [(h1, r1)] = high[..] else { panic!("{high:?}") };
                let low = digits(-(1 << 14), 3 << 14, (r1 << 15) + e * g0);
                let [(h0, _)] = low[..] else { panic!("{low:?}") };
                assert_eq!((h1 << 15) + h0, (e * g).div_euclid(d), "{d} {e} {g}");
            }
        }
    }
}

/// c g - h + 2^(s-1) = 2^s n + r at the bound of c g.
#[test]
fn one_normalised_value_for_each_entry() {
    let bound = ((1i128 << 59) as f64).sqrt() as i128 + (1 << 15);
    for (s, most) in [(16, 8192i128), (14, 32767)] {
        for v in [0, 1, -1, 1 << 29, -(1 << 29), (1 << 29) - 1] {
            for h in [0, -(1 << 29) - (1 << 14), (1 << 29) + (1 << 15)] {
                let cg = (v + h).clamp(-bound, bound);
                let a = cg - h + (1 << (s - 1));
                let found: Vec<i128> =
                    (-most..=most).filter(|n| in_range(modp(a - (n << s)), s as u32)).collect();
                let n = a >> s;
                assert_eq!(found, if n.abs() <= most { vec![n] } else { vec![] }, "{s} {v} {h}");
            }
        }
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
