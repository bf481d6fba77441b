//! Float weights in their steps.

use super::CalibrateError;
use crate::elem::{Elem, Interval};
use crate::exec::in_parallel;
use crate::float::FloatTensor;
use crate::graph::Graph;
use crate::tensor::{Data, IntTensor};

/// Weights of one task.
const BLOCK: usize = 1 << 15;

/// `clamp(round(v / step))`, straight into the storage of the range.
pub(super) fn round(float: &FloatTensor, step: f64, range: Interval) -> IntTensor {
    let data = match range {
        Interval { lo: -0x80.., hi: ..=0x7f } => Data::I8(units_of(float, step, range, |v| v as i8)),
        Interval { lo: -0x8000.., hi: ..=0x7fff } => Data::I16(units_of(float, step, range, |v| v as i16)),
        _ => Data::I32(units_of(float, step, range, |v| v)),
    };
    IntTensor::from_data(float.shape.clone(), data).expect("as many as the shape says")
}

fn units_of<T: Copy + Send>(
    float: &FloatTensor,
    step: f64,
    range: Interval,
    narrow: impl Fn(i32) -> T + Sync + Send,
) -> Vec<T> {
    let (lo, hi) = (range.lo as f64, range.hi as f64);
    let unit = |&v: &f32| narrow(nearest(v as f64 / step, lo, hi));
    let block = |b: usize| -> Vec<T> {
        float.data[b * BLOCK..(b * BLOCK + BLOCK).min(float.data.len())].iter().map(unit).collect()
    };
    in_parallel(float.data.len().div_ceil(BLOCK), float.data.len(), block).concat()
}

/// `clamp(round(x))`, halves away from zero, without a call of the C library. The ends are integers, so clamping first
/// changes nothing, and leaves what fits an i32 with exact halves.
pub(super) fn nearest(x: f64, lo: f64, hi: f64) -> i32 {
    let x = x.clamp(lo, hi);
    let whole = x as i32;
    let rest = x - whole as f64;
    whole + (rest >= 0.5) as i32 - (rest <= -0.5) as i32
}

/// Whether a weight's step follows from what it is added to: saturation was then no part of choosing it.
pub(super) fn is_forced(graph: &Graph, w: usize) -> bool {
    let ty = graph.ty(graph.weights[w].node);
    graph.steps.resolve(&ty.step).alone().is_none() || ty.elem == Elem::I24
}

/// Refuses a weight whose forced step leaves some of it outside its element type.
pub(super) fn check(
    graph: &Graph,
    w: usize,
    float: &FloatTensor,
    steps: &[f64],
) -> Result<(), CalibrateError> {
    let decl = &graph.weights[w];
    let ty = graph.ty(decl.node);
    if is_forced(graph, w) {
        let step = graph.steps.value(&ty.step, steps);
        let outside = |v: &&f32| !ty.interval.contains(units(**v, step) as i64);
        if let Some(&value) = float.data.iter().find(outside) {
            let (name, units) = (decl.name.clone(), units(value, step));
            return Err(CalibrateError::WeightRange { name, value, units, step, range: ty.interval });
        }
    }
    Ok(())
}

pub(super) fn units(v: f32, step: f64) -> f64 {
    (v as f64 / step).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;

    /// Halves, both ends and their neighbours, at steps that are no powers of two as well.
    #[test]
    fn rounding_is_that_of_the_definition() {
        for elem in [Elem::I8, Elem::U8, Elem::I12, Elem::I16, Elem::I24] {
            let range = elem.interval();
            for step in [1.0, 0.25, 0.1, 3.7e-5, 1e-30, 1e30] {
                let near = |u: f64| {
                    let v = (u * step) as f32;
                    [v, f32::from_bits(v.to_bits() + 1), f32::from_bits(v.to_bits().saturating_sub(1)), -v]
                };
                let ends =
                    [0.0, 0.5, 1.0, 1.5, 2.5, 7.0, 126.5, 127.5, 128.5, 2046.5, 32767.5, 8388607.5, 1e20];
                let data: Vec<f32> = ends.into_iter().flat_map(near).filter(|v| v.is_finite()).collect();
                let float = FloatTensor::new(Shape::new([data.len()]), data.clone());
                let want: Vec<i32> = data
                    .iter()
                    .map(|&v| (v as f64 / step).round().clamp(range.lo as f64, range.hi as f64) as i32)
                    .collect();
                assert_eq!(round(&float, step, range).to_vec(), want, "{elem} {step}");
            }
        }
    }
}
