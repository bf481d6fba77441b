use super::*;

fn step(v: f64) -> StepBits {
    StepBits::new(v).unwrap()
}

fn gelu(x: f64) -> f64 {
    // Phi by erfc's continued fraction is not in std: integrate instead, to far below a table's unit.
    let n = 4000;
    let h = x / n as f64;
    let phi = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let simpson: f64 = (0..=n)
        .map(|i| phi(i as f64 * h) * if i == 0 || i == n { 1.0 } else { [2.0, 4.0][i % 2] })
        .sum::<f64>()
        * h
        / 3.0;
    x * (0.5 + simpson)
}

fn all() -> Vec<Table> {
    let act = |function, lo, hi, a: f64, b: f64| {
        let (clamp_lo, clamp_hi, out_lo, out_hi) = (-128, 127, -128, 127);
        let (in_step, out_step) = (step(a), step(b));
        Table::Activation(Activation {
            function,
            lo,
            hi,
            clamp_lo,
            clamp_hi,
            out_lo,
            out_hi,
            in_step,
            out_step,
        })
    };
    vec![
        Table::Ranges(Ranges { max_bits: 11 }),
        Table::Span(Span { lo: -5, hi: 17 }),
        Table::Clamp(Clamp { in_bits: 12, lo: -128, hi: 127 }),
        Table::ClampHigh(ClampHigh { low_bits: 4, lo: -2048, hi: 2047 }),
        Table::ClampLow(ClampLow { bits: 4 }),
        act(Function::Relu, -1000, 1000, 0.25, 0.25),
        act(Function::Gelu, -128, 127, 0.04, 0.04),
        act(Function::Exp, -128, 127, 0.04, 0.1),
        act(Function::Sigmoid, -2048, 2047, 0.04, 0.01),
        act(Function::Silu, -128, 127, 0.04, 0.04),
        act(Function::Tanh, -128, 127, 0.02, 0.01),
        act(Function::GeluTanh, -128, 127, 0.04, 0.04),
        act(Function::Rsqrt, -128, 127, 0.03, 0.02),
        act(Function::Reciprocal, -128, 127, 0.5, 0.03),
        act(Function::Abs, -128, 127, 0.04, 0.04),
        act(Function::Identity, -1000, 1000, 0.04, 0.05),
        act(Function::Sqrt, 0, 127, 0.03, 0.02),
        act(Function::Log, -128, 127, 0.03, 0.06),
        act(Function::Sin, -128, 127, 0.07, 0.01),
        act(Function::Cos, -128, 127, 0.07, 0.01),
        Table::Exp(ExpTable {
            scale: 32767,
            top_bits: 15,
            log_grain: 0,
            range: 255,
            last: 766,
            step: step(0.0731),
        }),
        Table::Exp(ExpTable {
            scale: 1000,
            top_bits: 19,
            log_grain: 4,
            range: 4095,
            last: 4095,
            step: step(0.5),
        }),
        Table::Rsqrt(Rsqrt { len: 768, shift: 6, log_gain: 23 }),
        Table::Order(Order { lo: -17, hi: 40, at: 3, shows: Shows::Greater }),
        Table::Order(Order { lo: 0, hi: 255, at: 0, shows: Shows::Equal }),
        Table::Order(Order { lo: -9, hi: 9, at: 0, shows: Shows::Both }),
        Table::Order(Order { lo: -9, hi: 9, at: -10, shows: Shows::Equal }),
        Table::Fp8Encode(Fp8Encode { format: Fp8::E4M3, lo: -2048, hi: 2047, scale: step(0.125) }),
        Table::Fp8Decode(Fp8Decode { format: Fp8::E4M3 }),
        Table::Fp8Decode(Fp8Decode { format: Fp8::E5M2 }),
    ]
}

#[test]
fn rows_are_found_by_their_key_and_stay_in_range() {
    for t in all() {
        assert!(t.is_valid());
        let columns = t.columns();
        assert_eq!(columns.len(), t.arity());
        for row in 0..1usize << t.log_rows() {
            let tuple: Vec<i64> = columns.iter().map(|c| c[row] as i64).collect();
            let found = t.row_of(&tuple[..t.key_len()]).expect("a row's key is a key");
            assert!(columns.iter().zip(&tuple).all(|(c, v)| c[found] as i64 == *v), "{} {row}", t.name());
            for (k, v) in tuple.iter().enumerate() {
                assert!(t.entry_range(k).contains(*v), "{} {row} {k}", t.name());
            }
        }
    }
    let r = Ranges { max_bits: 3 };
    assert_eq!((r.row_of(&[3, 8]), r.row_of(&[4, 0]), r.row_of(&[2, -1])), (None, None, None));
    assert_eq!(r.entry_range(1, Some(Interval::point(2))), Interval::new(0, 3));
}

/// A function of real numbers by the platform's own.
fn reference(function: Function, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match function {
        Function::Relu => x.max(0.0),
        Function::Gelu => gelu(x),
        Function::Exp => x.exp(),
        Function::Sigmoid => sigmoid(x),
        Function::Silu => x * sigmoid(x),
        Function::Tanh => x.tanh(),
        Function::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        Function::Rsqrt if x <= 0.0 => f64::INFINITY,
        Function::Rsqrt => 1.0 / x.sqrt(),
        Function::Reciprocal if x == 0.0 => f64::INFINITY,
        Function::Reciprocal => 1.0 / x,
        Function::Abs => x.abs(),
        Function::Identity => x,
        Function::Sqrt => x.max(0.0).sqrt(),
        Function::Log if x <= 0.0 => f64::NEG_INFINITY,
        Function::Log => x.ln(),
        // The table says so.
        Function::Sin | Function::Cos if x.abs() >= (1 << 20) as f64 => reference(function, 0.0),
        Function::Sin => x.sin(),
        Function::Cos => x.cos(),
    }
}

#[test]
fn functions_are_correctly_rounded() {
    for t in all() {
        let c = t.columns();
        for (&x, &got) in c[0].iter().zip(c.get(1).unwrap_or(&c[0])) {
            let x = x as f64;
            let want = match t {
                Table::Activation(a) => {
                    let x = x.clamp(-128.0, 127.0) * a.in_step.get();
                    let real = reference(a.function, x);
                    (real / a.out_step.get()).clamp(-128.0, 127.0)
                }
                Table::Exp(e) if x <= e.range as f64 => {
                    let nearer = if x == 0.0 { 1 << e.top_bits } else { c[1][x as usize - 1] };
                    assert_eq!(c[2][x as usize], nearer);
                    (-x * e.step.get() / (1 << e.log_grain) as f64).exp() * e.scale as f64
                }
                Table::Exp(_) => {
                    assert_eq!(c[2][x as usize], 0);
                    0.0
                }
                _ => continue,
            };
            assert!((got as f64 - want).abs() <= 0.5 + 1e-9, "{} {x}: {got} {want}", t.name());
        }
    }
}

/// Half a unit over the whole range of an argument, at steps from very small to very large.
#[test]
fn functions_are_correctly_rounded_in_every_step() {
    use Function::*;
    let fixed = |bits: i32| 0.5f64.powi(bits);
    for in_step in [1e-30, 1e-9, fixed(15), 1e-4, 0.0013, 0.04, 1.0, 37.5, 1e9, 1e30] {
        let steps: [(Function, &[f64]); 13] = [
            (Sigmoid, &[fixed(15), fixed(8)]),
            (Silu, &[in_step]),
            (Tanh, &[fixed(15), fixed(7)]),
            (GeluTanh, &[in_step]),
            (Exp, &[fixed(14), 1.0]),
            (Rsqrt, &[fixed(14), fixed(4), 1.0]),
            (Reciprocal, &[fixed(14), fixed(4), 1.0]),
            (Abs, &[in_step]),
            (Identity, &[in_step]),
            (Sqrt, &[fixed(14), fixed(4), 1.0]),
            (Log, &[fixed(15), fixed(10), 1.0]),
            (Sin, &[fixed(15)]),
            (Cos, &[fixed(15)]),
        ];
        // All of a wide argument where the functions bend, a part of it elsewhere.
        let whole = [0.0013, 1e-4].contains(&in_step);
        for (function, &out) in steps.iter().flat_map(|(f, outs)| outs.iter().map(move |o| (*f, o))) {
            let (lo, hi) = if whole { (-32768, 32767) } else { (-2048, 2047) };
            let (clamp_lo, clamp_hi, out_lo, out_hi) = (lo, hi, -32768, 32767);
            let (in_step, out_step) = (step(in_step), step(out));
            let t = Activation { function, lo, hi, clamp_lo, clamp_hi, out_lo, out_hi, in_step, out_step };
            for (x, y) in (lo..=hi).zip(t.inner().1).filter(|(x, _)| whole || x % 3 == 0 || x.abs() < 9) {
                let real = reference(function, x as f64 * in_step.get());
                let want = (real / out).clamp(-32768.0, 32767.0);
                assert!(
                    (y as f64 - want).abs() <= 0.5 + 1e-9,
                    "{function:?} {} {x}: {y} {want}",
                    in_step.get()
                );
            }
        }
    }
}

/// `f(-x) = -f(x)`, `sigmoid(-x) = 1 - sigmoid(x)`, and what rises never falls.
#[test]
fn functions_are_symmetric_and_monotone() {
    for in_step in [1e-9, 1e-4, 0.0031, 0.7, 1e6] {
        let column = |function| {
            let (lo, hi) = (-2047, 2047);
            let (in_step, out_step) = (step(in_step), step(0.5f64.powi(14)));
            let t = Activation {
                function,
                lo,
                hi,
                clamp_lo: lo,
                clamp_hi: hi,
                out_lo: -32767,
                out_hi: 32767,
                in_step,
                out_step,
            };
            t.inner().1
        };
        for f in [Function::Tanh, Function::Identity, Function::Sin, Function::Reciprocal] {
            let y = column(f);
            for (at, (a, b)) in y.iter().zip(y.iter().rev()).enumerate() {
                // 1/0 has one sign.
                assert!(*a == -b || f == Function::Reciprocal && at == 2047, "{f:?} {in_step}: {a} {b}");
            }
        }
        let y = column(Function::Sigmoid);
        assert!(y.iter().zip(y.iter().rev()).all(|(a, b)| (a + b - (1 << 14)).abs() <= 1));
        let rising = [
            Function::Sigmoid,
            Function::Tanh,
            Function::Exp,
            Function::Identity,
            Function::Relu,
            Function::Sqrt,
            Function::Log,
        ];
        assert!(rising.into_iter().all(|f| column(f).is_sorted()));
        let y = column(Function::Rsqrt);
        assert!(y[..2048].iter().all(|y| *y == 32767) && y[2048..].iter().rev().is_sorted());
        for even in [Function::Abs, Function::Cos] {
            let y = column(even);
            assert!(y.iter().eq(y.iter().rev()));
        }
    }
}

#[test]
fn every_variance_has_one_row() {
    let t = Rsqrt { len: 768, shift: 6, log_gain: 23 };
    let mut keys: Vec<_> = Rsqrt::keys().map(|(p, v)| (p * v, p * (v + 1))).collect();
    keys.sort();
    assert_eq!((keys[0].0, keys.last().unwrap().1), (1, Rsqrt::LIMIT));
    assert!(keys.windows(2).all(|w| w[0].1 == w[1].0));
    for v in [1, 2047, 8191, 8192, 32767, 32768, 1 << 20, Rsqrt::LIMIT - 1] {
        let (p, n) = Rsqrt::normalise(v);
        assert!(p * n <= v && v < p * (n + 1) && t.row_of(&[p, n]).is_some());
    }
}

#[test]
fn a_saturated_limb_has_one_reading() {
    for (low_bits, lo, hi) in [(4, -2048, 2047), (4, -32768, 32767), (1, -128, 127), (4, 0, 2047)] {
        let t = ClampHigh { low_bits, lo, hi };
        assert!(t.is_aligned());
        for q in (-(1i32 << (15 + low_bits))..1 << (15 + low_bits)).step_by(7) {
            let (h, l) = (q >> low_bits, q & ((1 << low_bits) - 1));
            let (at, base) = t.row(h);
            assert_eq!(base + ClampLow { bits: low_bits }.low(at, l), q.clamp(lo, hi));
        }
    }
}

/// A deserialised table may lie at the end of its integers.
#[test]
fn functions_reach_the_last_integer() {
    let one = StepBits::new(1.0).unwrap();
    let t = Activation {
        function: Function::Relu,
        lo: i32::MAX - 2,
        hi: i32::MAX,
        clamp_lo: i32::MIN,
        clamp_hi: i32::MAX,
        out_lo: 0,
        out_hi: i32::MAX,
        in_step: one,
        out_step: one,
    };
    assert!(Table::Activation(t).is_valid());
    assert_eq!(t.columns()[1], [i32::MAX - 2, i32::MAX - 1, i32::MAX]);
}
