use super::*;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, TAU};

fn f(v: f64) -> Real {
    StepBits::new(v).map_or(Real::ZERO, StepBits::real)
}

fn back(r: Real) -> f64 {
    r.m as f64 * (r.e as f64).exp2()
}

fn close(got: Real, want: f64, what: f64) {
    assert!((back(got) - want).abs() <= want.abs() * 1e-14 + 1e-300, "{what}: {} {want}", back(got));
}

#[test]
fn operations_agree_with_f64() {
    for (a, b) in [(1.5, 2.25), (1e-9, 3e7), (0.1, 0.3), (1.0, 1.0), (123456.789, 1e-30)] {
        close(f(a).plus(f(b)), a + b, a);
        close(f(a).times(f(b)), a * b, a);
        close(f(a).over(f(b)), a / b, a);
        let (hi, lo) = if a > b { (a, b) } else { (b, a) };
        close(f(hi).minus(f(lo)), hi - lo, a);
    }
    assert_eq!(f(2.5).round(), 3);
    assert_eq!(f(2.4999999).round(), 2);
    assert_eq!((f(0.5).round(), f(0.49).round(), f(1e-40).round()), (1, 0, 0));
}

#[test]
fn exp_and_erf_agree_with_known_values() {
    for x in [1e-12, 0.1, 0.5, std::f64::consts::LN_2, 1.0, 3.7, 10.0, 20.0] {
        close(f(x).exp_neg(), (-x).exp(), x);
        close(f(x).exp().unwrap(), x.exp(), x);
    }
    // Abramowitz and Stegun, table 7.1, and mpmath.
    for (x, want) in [
        (0.1, 0.112_462_916_018_284_9),
        (0.5, 0.520_499_877_813_046_5),
        (1.0, 0.842_700_792_949_714_9),
        (2.0, 0.995_322_265_018_952_7),
        (3.5, 0.999_999_256_901_627_7),
    ] {
        close(f(x).erf(), want, x);
    }
    // Phi(-3) = 1.3498980316300946e-3
    let (_, neg) = f(3.0).gelu();
    assert!((back(neg) - 3.0 * 1.349_898_031_630_094_6e-3).abs() < 1e-15);
}

/// `8.4147e-1` as a real number.
fn decimal(text: &str) -> Real {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let point = digits.find('.').map_or(0, |p| digits.len() - p - 1);
    let m: u128 = digits.replace('.', "").parse().unwrap();
    let exponent = exponent.parse::<i32>().unwrap() - point as i32;
    let ten = Real::int(10);
    (0..exponent.unsigned_abs())
        .fold(Real::new(m, 0), |v, _| if exponent < 0 { v.over(ten) } else { v.times(ten) })
}

/// `|got - want| <= 2^-bits scale`
fn within(got: Real, want: &str, bits: i32, scale: impl Fn(Real) -> Real, what: &str) {
    let want = decimal(want);
    let error = if got.at_least(want) { got.minus(want) } else { want.minus(got) };
    assert!(scale(want).shifted(-bits).at_least(error), "{what}: {} {}", back(got), back(want));
}

fn relative(got: Real, want: &str, what: &str) {
    within(got, want, 50, |w| w, what);
}

/// mpmath at 600 bits.
#[test]
fn sigmoids_are_good_to_50_bits() {
    for (x, [up, down, tanh, gelu_up, gelu_down]) in [
        (
            1e-09,
            [
                "5.000000002500000000000e-1",
                "4.999999997500000000000e-1",
                "1.000000000000000061948e-9",
                "5.000000003989423115422e-10",
                "4.999999996010577507394e-10",
            ],
        ),
        (
            0.01,
            [
                "5.024999791668749979439e-1",
                "4.975000208331250020561e-1",
                "9.999666679999460547475e-3",
                "5.039893559855573031297e-3",
                "4.960106440144427176870e-3",
            ],
        ),
        (
            0.25,
            [
                "5.621765008857981040273e-1",
                "4.378234991142018959727e-1",
                "2.449186624037091292778e-1",
                "1.496753507016850002254e-1",
                "1.003246492983149997746e-1",
            ],
        ),
        (
            0.5,
            [
                "6.224593312018545646389e-1",
                "3.775406687981454353611e-1",
                "4.621171572600097585023e-1",
                "3.457140098251439220378e-1",
                "1.542859901748560779622e-1",
            ],
        ),
        (
            1.0,
            [
                "7.310585786300048792512e-1",
                "2.689414213699951207488e-1",
                "7.615941559557648881195e-1",
                "8.411919906082767047820e-1",
                "1.588080093917232952180e-1",
            ],
        ),
        (
            2.5,
            [
                "9.241418199787564488067e-1",
                "7.585818002124355119331e-2",
                "9.866142981514302888813e-1",
                "2.484915733910001417921",
                "1.508426608999858207949e-2",
            ],
        ),
        (
            8.0,
            [
                "9.996646498695335218961e-1",
                "3.353501304664781038783e-4",
                "9.999997749296758898100e-1",
                "7.999999999999999999997",
                "3.107782937501111218032e-21",
            ],
        ),
    ] {
        let what = format!("{x}");
        relative(f(x).sigmoid().0, up, &what);
        relative(f(x).sigmoid().1, down, &what);
        assert_eq!(f(x).silu(), (f(x).times(f(x).sigmoid().0), f(x).times(f(x).sigmoid().1)));
        relative(f(x).tanh(), tanh, &what);
        relative(f(x).gelu_tanh().0, gelu_up, &what);
        relative(f(x).gelu_tanh().1, gelu_down, &what);
    }
    assert_eq!(Real::ZERO.tanh(), Real::ZERO);
    assert_eq!(Real::ZERO.sigmoid(), (f(0.5), f(0.5)));
    assert_eq!(f(1e300).sigmoid(), (f(1.0), Real::ZERO));
    assert_eq!(f(1e300).tanh(), f(1.0));
    assert_eq!(f(1e300).gelu_tanh(), (f(1e300), Real::ZERO));
}

#[test]
fn exponentials_logarithms_and_powers_are_good_to_50_bits() {
    for (x, up, down) in [
        (0.3, "1.349858807576003088997", "7.408182206817178742916e-1"),
        (20.0, "4.851651954097902779691e+8", "2.061153622438557827966e-9"),
        (700.0, "1.014232054735004509455e+304", "9.859676543759770856705e-305"),
    ] {
        relative(f(x).exp().unwrap(), up, &format!("exp {x}"));
        relative(f(x).exp_neg(), down, &format!("exp -{x}"));
    }
    for (x, ln) in [
        (1e-300, "6.907755278982137051803e+2"),
        (1e-05, "1.151292546497022833829e+1"),
        (0.5, "6.931471805599453094172e-1"),
        (0.7, "3.566749439387324423540e-1"),
        (0.999999999, "9.999999722180685086261e-10"),
        (1.0000000001, "1.000000082690370990820e-10"),
        (1.5, "4.054651081081643819780e-1"),
        (2.0, "6.931471805599453094172e-1"),
        (10.0, "2.302585092994045684018"),
        (10000.0, "9.210340371976182736072"),
        (500000.0, "1.312236337740432879469e+1"),
        (1e+300, "6.907755278982137052579e+2"),
    ] {
        relative(f(x).ln().abs, ln, &format!("ln {x}"));
        assert_eq!(f(x).ln().negative, x < 1.0);
    }
    for (base, k, n, want) in [
        (10000, 2, 64, "7.498942093324558273022e-1"),
        (10000, 1, 128, "9.305720409296989792906e-1"),
        (10000, 63, 64, "1.154781984689458179666e-4"),
        (500000, 62, 64, "3.013858152139171148752e-6"),
        (1000000, 126, 128, "1.240937760751719566099e-6"),
        (10000, 0, 64, "1.000000000000000000000"),
    ] {
        relative(Real::int(base).pow_neg(k, n).unwrap(), want, &format!("{base}^(-{k}/{n})"));
    }
    assert!(f(1.0).ln().abs.is_zero());
    assert_eq!(f(0.25).pow_neg(0, 1), Some(f(1.0)));
    let sixteen = f(0.25).pow_neg(2, 1).unwrap();
    relative(sixteen, "16", "0.25^-2");
    assert_eq!((f(0.25).pow_neg(1 << 20, 1), f(4.0).pow_neg(1 << 20, 1)), (None, Some(Real::ZERO)));
    for (x, root) in [
        (1e-300, "1.000000000000000012530e-150"),
        (0.1, "3.162277660168379419770e-1"),
        (2.0, "1.414213562373095048802"),
        (3.0, "1.732050807568877293527"),
        (10000000000.0, "1.000000000000000000000e+5"),
    ] {
        relative(f(x).sqrt(), root, &format!("sqrt {x}"));
    }
    assert_eq!(
        (f(2.25).sqrt(), f(2f64.powi(-301)).sqrt(), Real::ZERO.sqrt()),
        (f(1.5), f(2.0).sqrt().shifted(-151), Real::ZERO)
    );
}

#[test]
fn sines_and_cosines_are_good_to_58_bits() {
    let one = |_| Real::int(1);
    for (x, sin_negative, sin, cos_negative, cos) in [
        (1e-12, false, "9.999999999999999798866e-13", false, "1.000000000000000000000"),
        (0.1, false, "9.983341664682815783020e-2", false, "9.950041652780257655414e-1"),
        (FRAC_PI_4, false, "7.071067811865475027519e-1", false, "7.071067811865475460497e-1"),
        (1.0, false, "8.414709848078965066525e-1", false, "5.403023058681397174009e-1"),
        (FRAC_PI_2, false, "1.000000000000000000000", false, "6.123233995736765886130e-17"),
        (2.0, false, "9.092974268256816953960e-1", true, "4.161468365471423869976e-1"),
        (3.0, false, "1.411200080598672221007e-1", true, "9.899924966004454572716e-1"),
        (4.0, true, "7.568024953079282513726e-1", true, "6.536436208636119146392e-1"),
        (5.0, true, "9.589242746631384688932e-1", false, "2.836621854632262644666e-1"),
        (TAU, true, "2.449293598294706354452e-16", false, "1.000000000000000000000"),
        (100.0, true, "5.063656411097587936566e-1", false, "8.623188722876839341019e-1"),
        (1000.5, false, "9.952739571052135427740e-1", false, "9.710690144438526412264e-2"),
        (65535.0, false, "9.813275592311402407719e-1", false, "1.923440186058639631122e-1"),
        (131071.0, true, "5.752416837547893711383e-1", true, "8.179834993879490807134e-1"),
        (131071.99999, true, "9.991142098091100922684e-1", false, "4.208082410691999130745e-2"),
        (1048575.75, false, "8.671697522837724193898e-2", false, "9.962329879135909278788e-1"),
    ] {
        let (s, c) = f(x).sin_cos().unwrap();
        within(s.abs, sin, 58, one, &format!("sin {x}"));
        within(c.abs, cos, 58, one, &format!("cos {x}"));
        assert_eq!((s.negative, c.negative), (sin_negative, cos_negative), "{x}");
    }
    assert_eq!(
        Real::ZERO.sin_cos().map(|(s, c)| (s.abs, c.abs, c.negative)),
        Some((Real::ZERO, f(1.0), false))
    );
    assert_eq!(f(1048576.0).sin_cos(), None);
    assert_eq!(f(1e300).sin_cos(), None);
    // One turn, and sin^2 + cos^2 = 1 all the way round it.
    for i in 0..4000 {
        let (s, c) = f(i as f64 / 250.0).sin_cos().unwrap();
        within(s.abs.times(s.abs).plus(c.abs.times(c.abs)), "1", 57, one, "unit circle");
        let (want_s, want_c) = (i as f64 / 250.0).sin_cos();
        let signed = |v: Signed| if v.negative { -back(v.abs) } else { back(v.abs) };
        assert!((signed(s) - want_s).abs() < 1e-15 && (signed(c) - want_c).abs() < 1e-15, "{i}");
    }
}

/// What `ops::gelu` says of its two forms.
#[test]
fn the_forms_of_gelu_are_close_and_differ() {
    let mut most = 0f64;
    for i in 0..6000 {
        let x = f(i as f64 / 1000.0);
        let ((up, down), (tanh_up, tanh_down)) = (x.gelu(), x.gelu_tanh());
        // x f(x) and -x f(-x) err by the same.
        let [a, b] = [back(up) - back(tanh_up), back(down) - back(tanh_down)];
        assert!((a + b).abs() < 1e-14, "{i}: {a} {b}");
        most = most.max(a.abs());
    }
    assert!(most > 4e-4 && most < 5e-4, "{most}");
}

#[test]
fn monotone_functions_never_fall() {
    let mut last = [Real::ZERO; 5];
    for i in 0..20_000u64 {
        let x = Real::int(i).over(Real::int(1024));
        // x falls as its negative rises, and a logarithm below one is negative.
        let [one, big] = [Real::int(1), Real::int(1 << 20)];
        let now =
            [x.tanh(), x.sigmoid().0, one.minus(x.sigmoid().1), x.plus(one).ln().abs, big.minus(x.exp_neg())];
        for (k, (now, last)) in now.iter().zip(last).enumerate() {
            assert!(now.plus(now.shifted(-60)).at_least(last), "{k} at {i}");
        }
        last = now;
    }
}

#[test]
fn signed_numbers_round_away_from_zero_at_ties() {
    let signed = |v: f64| Signed::of(v).unwrap();
    let units = |v: f64, step: f64| signed(v).units(f(step));
    assert_eq!((units(2.5, 1.0), units(-2.5, 1.0), units(-2.4, 1.0), units(0.0, 1.0)), (3, -3, -2, 0));
    assert_eq!((units(1e300, 1e-300), units(-1e300, 1e-300)), (1 << 40, -(1 << 40)));
    // The smallest subnormal number is 2^-1074.
    assert_eq!(units(f64::from_bits(3), 2f64.powi(-1022)), 0);
    assert_eq!(signed(f64::from_bits(3)).abs, Real::new(3, -1074));
    assert_eq!((Signed::of(f64::NAN), Signed::of(f64::INFINITY)), (None, None));
}
