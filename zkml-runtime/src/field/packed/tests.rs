//! Every kernel against scalar arithmetic, on random words and on the edges 0, 1, p - 1 and p (a second zero).

use std::simd::u64x8;

use num_traits::Zero;

use super::*;
use crate::field::{BaseField, F, P};

/// A small deterministic generator; every fourth word is an edge.
struct Words(u64);

impl Words {
    fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let w = (self.0 >> 33) as u32;
        match w % 4 {
            0 => [0, 1, P - 1, P][(w >> 2) as usize % 4],
            _ => w,
        }
    }
    fn lanes(&mut self) -> Lanes {
        Lanes::from_array(std::array::from_fn(|_| self.word()))
    }
    fn packed(&mut self) -> PackedF {
        PackedF([self.lanes(), self.lanes(), self.lanes(), self.lanes()])
    }
    fn felt(&mut self) -> F {
        self.packed().to_array()[0]
    }
}

fn canonical(w: u32) -> BaseField {
    BaseField::from(w % P)
}

/// All words of p: the largest products there are.
fn top() -> PackedF {
    PackedF([Lanes::splat(P); 4])
}

fn check(got: PackedF, expected: impl Fn(usize) -> F) {
    assert!(got.0.iter().all(|c| c.to_array().iter().all(|&w| w <= P)), "lanes lie in [0, p]");
    for (k, got) in got.to_array().into_iter().enumerate() {
        assert_eq!(got, expected(k), "lane {k}");
    }
}

#[test]
fn lanes_add_subtract_negate() {
    let mut w = Words(1);
    for _ in 0..200 {
        let (a, b) = (w.lanes(), w.lanes());
        for (k, (&x, &y)) in a.to_array().iter().zip(&b.to_array()).enumerate() {
            let (x, y) = (canonical(x), canonical(y));
            assert_eq!(canonical(add(a, b).to_array()[k]), x + y);
            assert_eq!(canonical(sub(a, b).to_array()[k]), x - y);
            assert_eq!(canonical(neg(a).to_array()[k]), -x);
        }
    }
}

#[test]
fn reductions_hold_at_the_edges() {
    let four = 4 * (P as u64) * (P as u64);
    let words = [0, 1, P as u64 - 1, P as u64, 1 << 31, (1 << 31) + 1, u32::MAX as u64 - 1, u32::MAX as u64];
    // Every low word that matters under every high word that matters.
    let values = |bound: u64| {
        let highs = words.into_iter().chain((0..6).map(move |k| (bound >> 32) - k));
        let all = highs.flat_map(move |h| words.map(|l| h << 32 | l)).chain([bound]);
        all.filter(move |&t| t <= bound).collect::<Vec<u64>>()
    };
    let check = |reduce: fn(u64x8, u64x8) -> Lanes, bound: u64| {
        for t in values(bound) {
            for (even, odd) in [(t, 0), (bound, t), (t, t)] {
                let got = reduce(u64x8::splat(even), u64x8::splat(odd)).to_array();
                for (k, &w) in got.iter().enumerate() {
                    let t = if k % 2 == 0 { even } else { odd };
                    assert!(w <= P, "{t} left {w}");
                    assert_eq!(w % P, (t % P as u64) as u32, "{t}");
                }
            }
        }
    };
    check(lanes::reduce_64, four);
    check(lanes::reduce_62, (1 << 62) - 1);
}

#[test]
fn products_and_sums_agree_with_scalars() {
    let mut w = Words(2);
    for round in 0..200 {
        let mut next = || if round == 0 { top() } else { w.packed() };
        let (a, b, c, d) = (next(), next(), next(), next());
        let [x, y, z, t] = [a, b, c, d].map(|v| v.to_array());
        check(a + b, |k| x[k] + y[k]);
        check(a - b, |k| x[k] - y[k]);
        check(a.times(&b), |k| x[k] * y[k]);
        check(dot2(&a, &b, &c, &d), |k| x[k] * y[k] + z[k] * t[k]);
        assert_eq!(a.sum(), x.iter().copied().sum::<F>());
        check(PackedF::from_array(&x), |k| x[k]);
    }
}

#[test]
fn constants_agree_with_scalars() {
    let mut w = Words(3);
    let edge = |v| F::from_u32_unchecked(v, v, v, v);
    for round in 0..200 {
        let e = [edge(0), edge(P - 1), w.felt()][round.min(2)];
        let (a, b) = if round < 2 { (top(), top()) } else { (w.packed(), w.packed()) };
        let (x, y) = (a.to_array(), b.to_array());
        let m = MulConst::new(e);
        check(PackedF::splat(e), |_| e);
        check(m.times(&a), |k| e * x[k]);
        check(m.mul_add(&a, &b), |k| e * x[k] + y[k]);
        check(m.lerp(&a, &b), |k| x[k] + e * (y[k] - x[k]));
    }
}

#[test]
fn lazy_sums_agree_with_scalars() {
    let mut w = Words(4);
    let (mut acc, mut expected) = (LazyAcc::default(), [F::zero(); LANES]);
    for _ in 0..300 {
        let (e, a) = (w.felt(), w.packed());
        acc.mac(&MulConst::new(e), &a);
        for (s, x) in expected.iter_mut().zip(a.to_array()) {
            *s += e * x;
        }
    }
    check(acc.finish(), |k| expected[k]);
}

#[test]
fn base_sums_agree_with_scalars() {
    let mut w = Words(5);
    for terms in 0..10 {
        for largest in [false, true] {
            let c = w.felt();
            let mut acc = BaseAcc::new(&if largest { [P as u64; 4] } else { BaseAcc::coords(c) });
            let mut expected = [if largest { F::zero() } else { c }; LANES];
            for _ in 0..terms {
                let (e, x) = if largest { (F::zero(), Lanes::splat(P)) } else { (w.felt(), w.lanes()) };
                acc.mac(&if largest { [P as u64; 4] } else { BaseAcc::coords(e) }, x);
                for (s, &x) in expected.iter_mut().zip(&x.to_array()) {
                    *s += e * canonical(x);
                }
            }
            check(acc.finish(), |k| expected[k]);
        }
    }
}

#[test]
fn dots_with_a_column_agree_with_scalars() {
    let mut w = Words(6);
    for len in [0usize, 1, 15, 16, 17, 64, 100, 16 * 9] {
        let column: Vec<BaseField> = (0..len).map(|_| BaseField::from_u32_unchecked(w.word())).collect();
        let e: Vec<PackedF> = (0..len.div_ceil(LANES)).map(|_| w.packed()).collect();
        let expected: F =
            column.iter().enumerate().map(|(i, x)| e[i / LANES].to_array()[i % LANES] * canonical(x.0)).sum();
        assert_eq!(dot_base(&e, &column), expected);
    }
}
