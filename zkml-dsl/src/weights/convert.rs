//! Little-endian bytes of a float type to f32.

use safetensors::Dtype;

/// The values as f32, or `None` if the type is no float type that is read.
pub(super) fn to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F32 => words(bytes, f32::from_le_bytes),
        Dtype::F64 => words(bytes, |b| f64::from_le_bytes(b) as f32),
        Dtype::F16 => words(bytes, |b| f16_to_f32(u16::from_le_bytes(b))),
        Dtype::BF16 => words(bytes, |b| f32::from_bits((u16::from_le_bytes(b) as u32) << 16)),
        _ => return None,
    })
}

/// Whether [`to_f32`] reads the type.
pub(super) fn is_float(dtype: Dtype) -> bool {
    to_f32(dtype, &[]).is_some()
}

/// Splits into `N`-byte words and maps each.
pub(super) fn words<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&b| read(b)).collect()
}

/// IEEE 754 binary16: sign, 5 exponent bits (bias 15), 10 fraction bits. Exact in f32.
fn f16_to_f32(h: u16) -> f32 {
    let sign = if h >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = (h >> 10 & 0x1f) as i32;
    let fraction = (h & 0x3ff) as f32;
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        e => (1024.0 + fraction) * 2f32.powi(e - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        // The examples of IEEE 754-2019 table values: one, the largest, the smallest normal and subnormal, 1/3.
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
            (0x8000, 0.0),
            (0x7c00, f32::INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(f16_to_f32(bits), value, "{bits:#06x}");
        }
        assert!(f16_to_f32(0x7e00).is_nan());
    }

    #[test]
    fn other_floats() {
        assert_eq!(to_f32(Dtype::BF16, &[0x80, 0x3f, 0x49, 0xc0]).unwrap(), [1.0, -3.140_625]);
        assert_eq!(to_f32(Dtype::F64, &0.1f64.to_le_bytes()).unwrap(), [0.1f32]);
        assert_eq!(to_f32(Dtype::F32, &(-2.5f32).to_le_bytes()).unwrap(), [-2.5]);
        assert_eq!(to_f32(Dtype::I32, &[0; 4]), None);
        assert!(is_float(Dtype::BF16) && !is_float(Dtype::I64) && !is_float(Dtype::BOOL));
    }
}
