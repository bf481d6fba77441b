//! Real numbers to a model's integers and back: a tensor's step is the real value of one unit.
//!
//! Calibration chooses the steps ([`Params`]). Integers are rounded to the nearest, halves away from zero, and saturate at
//! the ends of the input's interval, as a value beyond what calibration saw must.

use crate::typed::AsInt;
use thiserror::Error;
use zkml_ir::elem::Interval;
use zkml_ir::float::FloatTensor;
use zkml_ir::graph::{Graph, Params, Port};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum UnitsError {
    #[error("there is no {what} {index}: the model has {count}")]
    NoPort { what: &'static str, index: usize, count: usize },
    #[error("`{name}` of shape {shape} takes {} values, got {got}", shape.len())]
    Length { name: String, shape: Shape, got: usize },
    #[error("`{name}` has shape {got}, expected {expected}")]
    Shape { name: String, expected: Shape, got: Shape },
    #[error("`{name}` holds {value} at index {index}, which is no finite number")]
    NotFinite { name: String, index: usize, value: f32 },
    #[error("the model has {expected} steps, the parameters {got}")]
    Steps { expected: usize, got: usize },
    #[error("the step of `{name}` is {value}, expected a positive number")]
    Step { name: String, value: f64 },
}

/// The real value of one unit of input `index`.
pub fn input_step(graph: &Graph, params: &Params, index: usize) -> Result<f64, UnitsError> {
    step(graph, params, port(&graph.inputs, "input", index)?)
}

/// The real value of one unit of output `index`.
pub fn output_step(graph: &Graph, params: &Params, index: usize) -> Result<f64, UnitsError> {
    step(graph, params, port(&graph.outputs, "output", index)?)
}

/// The integers of input `index` nearest to row-major real values, in the input's shape.
pub fn to_units(
    graph: &Graph,
    params: &Params,
    index: usize,
    values: &[f32],
) -> Result<IntTensor, UnitsError> {
    let port = port(&graph.inputs, "input", index)?;
    let (step, ty, name) = (step(graph, params, port)?, graph.ty(port.node), || port.name.clone());
    if values.len() != ty.shape.len() {
        return Err(UnitsError::Length { name: name(), shape: ty.shape.clone(), got: values.len() });
    }
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(UnitsError::NotFinite { name: name(), index, value: values[index] });
    }
    let Interval { lo, hi } = ty.interval;
    let units = |v: &f32| (f64::from(*v) / step).round().clamp(lo as f64, hi as f64) as i32;
    Ok(IntTensor::from_checked(ty.shape.clone(), ty.interval, values.iter().map(units).collect()))
}

/// The real values of output `index`.
pub fn to_real(
    graph: &Graph,
    params: &Params,
    index: usize,
    units: &impl AsInt,
) -> Result<FloatTensor, UnitsError> {
    let port = port(&graph.outputs, "output", index)?;
    let (step, expected, units) = (step(graph, params, port)?, &graph.ty(port.node).shape, units.as_int());
    if units.shape() != expected {
        let (expected, got) = (expected.clone(), units.shape().clone());
        return Err(UnitsError::Shape { name: port.name.clone(), expected, got });
    }
    let real = |i| (f64::from(units.get(i)) * step) as f32;
    Ok(FloatTensor::new(expected.clone(), (0..units.len()).map(real).collect()))
}

fn port<'a>(ports: &'a [Port], what: &'static str, index: usize) -> Result<&'a Port, UnitsError> {
    ports.get(index).ok_or(UnitsError::NoPort { what, index, count: ports.len() })
}

fn step(graph: &Graph, params: &Params, port: &Port) -> Result<f64, UnitsError> {
    let (expected, got) = (graph.steps.len(), params.steps.len());
    if expected != got {
        return Err(UnitsError::Steps { expected, got });
    }
    let value = graph.steps.value(&graph.ty(port.node).step, &params.steps);
    match value.is_finite() && value > 0.0 {
        true => Ok(value),
        false => Err(UnitsError::Step { name: port.name.clone(), value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkml_ir::elem::Elem;
    use zkml_ir::graph::GraphBuilder;

    /// x, in [-128, 127] and units of 0.5, is the output too.
    fn model() -> (Graph, Params) {
        let mut b = GraphBuilder::new("t");
        let x = b.input("x", Elem::I8, Shape::new([2, 3]), false);
        b.output("y", x);
        (b.finish(), Params { rescales: vec![], steps: vec![0.5] })
    }

    #[test]
    fn nearest_and_saturated() {
        let (g, p) = model();
        let x = to_units(&g, &p, 0, &[0.24, -0.26, 0.25, 1e9, -64.5, 63.5]).unwrap();
        assert_eq!((x.to_vec(), x.shape()), (vec![0, -1, 1, 127, -128, 127], &Shape::new([2, 3])));
        let y = to_real(&g, &p, 0, &x).unwrap();
        assert_eq!((y.data, y.shape), (vec![0.0, -0.5, 0.5, 63.5, -64.0, 63.5], Shape::new([2, 3])));
        assert_eq!((input_step(&g, &p, 0), output_step(&g, &p, 0)), (Ok(0.5), Ok(0.5)));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let (g, p) = model();
        let e = |values: &[f32]| to_units(&g, &p, 0, values).unwrap_err().to_string();
        assert_eq!(e(&[0.0; 5]), "`x` of shape [2, 3] takes 6 values, got 5");
        assert_eq!(
            e(&[0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0]),
            "`x` holds NaN at index 1, which is no finite number"
        );
        let no_port = |what| UnitsError::NoPort { what, index: 1, count: 1 };
        assert_eq!(to_units(&g, &p, 1, &[0.0; 6]), Err(no_port("input")));
        assert_eq!(output_step(&g, &p, 1), Err(no_port("output")));
        let row = IntTensor::new(Shape::new([6]), Elem::I8, &[0; 6]).unwrap();
        let e = to_real(&g, &p, 0, &row).unwrap_err().to_string();
        assert_eq!(e, "`y` has shape [6], expected [2, 3]");
        let with = |steps: Vec<f64>| input_step(&g, &Params { steps, ..p.clone() }, 0);
        assert_eq!(with(vec![]), Err(UnitsError::Steps { expected: 1, got: 0 }));
        for bad in [0.0, -1.0, f64::INFINITY] {
            assert_eq!(with(vec![bad]), Err(UnitsError::Step { name: "x".into(), value: bad }));
        }
    }
}
