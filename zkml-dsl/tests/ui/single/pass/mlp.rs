//! The model of the README.

use zkml_dsl::prelude::*;
use zkml_dsl::{Error, WeightProblem};

/// A perceptron of two layers.
#[zk_model(H = 256)]
fn mlp(
    x: Tensor<I8, 1, 784>,
    w1: Weight<I8, 784, H>,
    b1: Weight<I24, H>,
    w2: Weight<I8, H, 10>,
) -> Tensor<Acc, 1, 10> {
    let h = matmul(x, w1) + b1;
    let h = relu(quantize_int8(h));
    matmul(h, w2)
}

fn weights(hidden: usize) -> mlp::Weights {
    mlp::Weights {
        w1: Weight::with_shape(&[784, hidden], &vec![1i8; 784 * hidden]).unwrap(),
        b1: Weight::with_shape(&[hidden], &vec![0i32; hidden]).unwrap(),
        w2: Weight::with_shape(&[hidden, 10], &vec![1i8; hidden * 10]).unwrap(),
    }
}

#[test]
fn graph_has_its_ports() {
    let g = mlp::with(mlp::Dims::default()).unwrap();
    let g = g.graph();
    assert_eq!(g.inputs[0].name, "x");
    assert_eq!(g.outputs[0].name, "output");
    assert_eq!(g.weights.iter().map(|w| w.name.as_str()).collect::<Vec<_>>(), ["w1", "b1", "w2"]);
}

#[test]
fn default_types_are_those_of_the_signature() {
    let x: Tensor<I8, 1, 784> = vec![1i8; 784].try_into().unwrap();
    let w = weights(256);
    // The function takes the same values by position; only the calibrated rescale is missing here.
    assert!(mlp(&x, &w.w1, &w.b1, &w.w2, &Params::default()).is_err());
}

#[test]
fn wrong_shapes_are_told_together() {
    let at_128 = mlp::with(mlp::Dims { H: 128 }).unwrap();
    let Err(Error::Weights(problems)) = at_128.setup(&weights(256), Params::default()) else { panic!() };
    let names: Vec<_> = problems
        .iter()
        .map(|p| match p {
            WeightProblem::Shape { name, .. } => name.as_str(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(names, ["w1", "b1", "w2"]);
}

#[test]
fn a_wrong_input_is_an_error_with_both_shapes() {
    let x = Tensor::with_shape(&[1, 783], &[0i8; 783]).unwrap();
    let inputs = mlp::Inputs { x };
    let e = mlp::run(&inputs, &weights(256), &Params::default()).unwrap_err();
    assert_eq!(e.to_string(), "`x` has shape [1, 783], expected [1, 784]");
}

#[test]
fn values_outside_the_type_are_refused() {
    let e = Tensor::<I8, 2>::new(&[1, 128]).unwrap_err();
    assert_eq!(e.to_string(), "value 128 at index 1 is outside I8 [-128, 127]");
    let e = Tensor::<I8, 2>::new(&[1, 2, 3]).unwrap_err();
    assert_eq!(e.to_string(), "shape [2] has 2 elements, got 3");
}

#[test]
fn dimensions_that_fail_the_checks_are_an_error() {
    let e = mlp::with(mlp::Dims { H: 0 }).unwrap_err();
    assert!(e.to_string().contains("dimension `H` of a shape is zero"), "{e}");
}

#[test]
fn inputs_are_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.safetensors");
    let inputs = mlp::Inputs { x: vec![3i8; 784].try_into().unwrap() };
    inputs.save(&path).unwrap();
    assert_eq!(mlp::Inputs::load(&path).unwrap().x, inputs.x);
    let e = mlp::Outputs::load(&path).unwrap_err();
    assert_eq!(e.to_string(), "there is no tensor `output`; there are `x`");
}
