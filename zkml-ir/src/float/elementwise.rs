//! Functions of one real number.

use crate::tables::Function;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

/// From here on an angle counts as zero, as in tables.
const LARGEST_ANGLE: f64 = (1u64 << 20) as f64;

/// The function that a table holds; not finite at a pole.
pub fn function(f: Function, x: f64) -> f64 {
    match f {
        Function::Relu => x.max(0.0),
        Function::Gelu => gelu(x),
        Function::Exp => x.exp(),
        Function::Sigmoid => sigmoid(x),
        Function::Silu => x * sigmoid(x),
        Function::Tanh => x.tanh(),
        Function::GeluTanh => x * sigmoid(2.0 * FRAC_2_PI.sqrt() * (x + 0.044_715 * x * x * x)),
        Function::Rsqrt if x <= 0.0 => f64::INFINITY,
        Function::Rsqrt => 1.0 / x.sqrt(),
        Function::Reciprocal if x == 0.0 => f64::INFINITY,
        Function::Reciprocal => 1.0 / x,
        Function::Abs => x.abs(),
        Function::Identity => x,
        Function::Sqrt => x.max(0.0).sqrt(),
        Function::Log if x <= 0.0 => f64::NEG_INFINITY,
        Function::Log => x.ln(),
        Function::Sin if x.abs() >= LARGEST_ANGLE => 0.0,
        Function::Sin => x.sin(),
        Function::Cos if x.abs() >= LARGEST_ANGLE => 1.0,
        Function::Cos => x.cos(),
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `x * Phi(x)`, relative error below 1e-6.
pub fn gelu(x: f64) -> f64 {
    0.5 * x * erfc(-x * FRAC_1_SQRT_2)
}

/// The complementary error function to 1.2e-7: W. H. Press et al., "Numerical Recipes in C", 2nd edition, section 6.2.
fn erfc(x: f64) -> f64 {
    const C: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let z = x.abs();
    let t = 1.0 / (1.0 + 0.5 * z);
    let series = C.iter().rev().fold(0.0, |sum, c| sum * t + c);
    let tail = t * (series - z * z).exp();
    if x >= 0.0 {
        tail
    } else {
        2.0 - tail
    }
}

#[cfg(test)]
mod tests {
    use super::gelu;

    #[test]
    fn known_values() {
        for (x, y) in
            [(0.0, 0.0), (1.0, 0.841_344_746), (-1.0, -0.158_655_254), (3.0, 2.995_950_3), (-6.0, 0.0)]
        {
            assert!((gelu(x) - y).abs() < 1e-6, "{x}: {}", gelu(x));
        }
    }
}
