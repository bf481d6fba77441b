//! Either front end's key verifies the other's proof, and its file is the other's.

use super::{blocks, mlp};
use zkml_dsl::builder::Builder;
use zkml_dsl::dynamic::{IntTensor, NamedTensors};
use zkml_dsl::engine::{FloatTensor, FloatWeights, SecurityLevel};
use zkml_dsl::prelude::*;
use zkml_dsl::weights::Shape;
use zkml_dsl::{DynamicInstance, Elem, Error, WeightProblem};
use zkml_ir::graph::Rescale;

const HIDDEN: usize = 12;

fn wave(dims: &[usize], seed: f32, size: f32) -> FloatTensor {
    let shape = Shape::new(dims);
    let data = (0..shape.len()).map(|i| size * (i as f32 * (0.37 + seed) + seed).sin()).collect();
    FloatTensor::new(shape, data)
}

fn weights() -> FloatWeights {
    let tensors = [
        ("w1", wave(&[784, HIDDEN], 0.1, 0.05)),
        ("b1", wave(&[HIDDEN], 0.2, 0.1)),
        ("w2", wave(&[HIDDEN, 10], 0.3, 0.4)),
    ];
    FloatWeights::from_tensors(tensors.map(|(n, t)| (n.to_string(), t))).unwrap()
}

#[test]
fn one_models_proofs_are_the_others() {
    let (built, expanded) = (blocks::mlp(HIDDEN).unwrap(), mlp::with(mlp::Dims { H: HIDDEN }).unwrap());
    // The proven input is one of them: nothing of it is clipped.
    let samples: Vec<_> = [0.5, 0.6, 0.7].map(|seed| vec![wave(&[1, 784], seed, 1.0)]).into();
    let model = built.calibrate(&weights(), &samples).unwrap();
    let other = expanded.calibrate(&weights(), &samples).unwrap();
    assert_eq!(model.params(), other.as_ref().params());
    assert_eq!(model.verifier_key().data(), other.verifier_key().data());

    let floats = wave(&[1, 784], 0.5, 1.0).data;
    let x = model.to_units("x", &floats).unwrap();
    let typed_x = Tensor::from_int(x.clone()).unwrap();
    let (y, proof) = model.prove(std::slice::from_ref(&x)).unwrap();
    assert_eq!(model.run(std::slice::from_ref(&x)).unwrap(), y);
    let (typed_y, typed_proof) = other.prove(&typed_x).unwrap();
    assert_eq!(typed_y.to_vec(), y[0].to_vec());
    // The macro's key and instance take the builder's proof, and the other way round.
    expanded.verify(&other.verifier_key(), &typed_x, &typed_y, &proof).unwrap();
    built.verify(&model.verifier_key(), std::slice::from_ref(&x), &y, &typed_proof).unwrap();
    // Another output, another input.
    let mut values = y[0].to_vec();
    values[3] += 1;
    let wrong = IntTensor::new(Shape::new([1, 10]), Elem::Acc, &values).unwrap();
    built.verify(&other.verifier_key(), std::slice::from_ref(&x), &[wrong], &proof).unwrap_err();
    let zeros = built.input("x", &[0; 784]).unwrap();
    built.verify(&other.verifier_key(), &[zeros], &y, &proof).unwrap_err();

    // The file that one writes, the other loads.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mlp.safetensors");
    model.save(&path).unwrap();
    assert_eq!(expanded.load(&path).unwrap().verifier_key().data(), model.verifier_key().data());
    other.save(&path).unwrap();
    assert_eq!(built.load(&path).unwrap().run(&[x]).unwrap(), y);

    // The integers stand for what the float model gives.
    let got = model.to_real("output", &y[0]).unwrap();
    let parameters = zkml_dsl::weights::resolve(built.graph(), &weights()).unwrap();
    let input = FloatTensor::new(Shape::new([1, 784]), floats);
    let exact = zkml_ir::float::eval(built.graph(), &parameters, &[input]).unwrap();
    let largest = exact[0].max_abs();
    for (a, b) in got.data.iter().zip(&exact[0].data) {
        assert!((a - b).abs() < 0.02 * largest, "{a} {b}");
    }
}

/// `quantize_int8(x w)` of a private x and a public y.
fn private() -> DynamicInstance {
    let b = Builder::new("private");
    let x = b.private_input("x", Elem::I8, [2, 4]).unwrap();
    let y = b.input("y", Elem::I8, [2, 4]).unwrap();
    let w = b.weights_under("fc").weight("w", Elem::I8, [4, 3]).unwrap();
    let h = b.matmul(b.concat([x, y], 0).unwrap(), w).unwrap();
    b.output("h", b.op("quantize_int8").arg("shift", 4).of(h).unwrap()).unwrap();
    b.finish().unwrap()
}

#[test]
fn private_inputs_integer_weights_and_levels() {
    let instance = private();
    let steps = vec![1.0; instance.graph().steps.len()];
    let params = Params { rescales: vec![Rescale { m: 1, s: 4 }], steps };
    let w = [3, -5, 7, 100, -128, 127, 0, 1, 2, -9, 8, 60];
    let tensor = |dims: [usize; 2]| IntTensor::new(Shape::new(dims), Elem::I8, &w).unwrap();
    let weights = NamedTensors::from([("fc.w".to_string(), tensor([4, 3]))]);
    let model = instance.setup(weights.clone(), params.clone()).unwrap();
    let x = instance.input("x", &[1, -2, 3, 4, 127, -128, 5, 0]).unwrap();
    let y = model.input("y", &[7; 8]).unwrap();
    let inputs = [x.clone(), y.clone()];
    let (h, proof) = model.prove(&inputs).unwrap();
    assert_eq!(instance.run(&inputs, &weights, &params).unwrap(), h);
    assert_eq!(model.generate_trace(&inputs).unwrap().outputs, h);
    instance.verify(&model.verifier_key(), std::slice::from_ref(&y), &h, &proof).unwrap();
    // A private input is no part of the statement, and a public one is.
    let e = instance.verify(&model.verifier_key(), &inputs, &h, &proof).unwrap_err();
    assert!(matches!(e, Error::InputCount { expected: 1, got: 2 }), "{e}");
    instance.verify(&model.verifier_key(), std::slice::from_ref(&x), &h, &proof).unwrap_err();
    let e = instance.verify(&model.verifier_key(), std::slice::from_ref(&y), &[], &proof).unwrap_err();
    assert!(matches!(e, Error::OutputCount { expected: 1, got: 0 }), "{e}");

    // A conjectured level is taken where it is named only.
    let fast = instance.clone().at_level(SecurityLevel::Conjectured96);
    let model = fast.setup(weights.clone(), params.clone()).unwrap();
    let (h, proof) = model.prove(&inputs).unwrap();
    fast.verify(&model.verifier_key(), std::slice::from_ref(&y), &h, &proof).unwrap();
    instance.verify(&model.verifier_key(), &[y], &h, &proof).unwrap_err();

    let e = instance.setup(NamedTensors::from([("w".to_string(), tensor([4, 3]))]), params.clone());
    let Err(Error::Weights(problems)) = e else { panic!("{e:?}") };
    assert!(matches!(&problems[..], [WeightProblem::Missing { .. }, WeightProblem::Unused { .. }]));
    let e = instance.setup(NamedTensors::from([("fc.w".to_string(), tensor([3, 4]))]), params);
    assert!(matches!(e, Err(Error::Weights(p)) if matches!(p[..], [WeightProblem::Shape { .. }])));
}

/// What the macro's types would rule out is checked.
#[test]
fn values_that_do_not_fit_are_told() {
    let instance = private();
    let told = |e: Result<IntTensor, Error>| e.unwrap_err().to_string();
    assert_eq!(told(instance.input("z", &[0; 8])), "there is no tensor `z`; there are `x`, `y`");
    assert_eq!(told(instance.input("x", &[0; 7])), "shape [2, 4] has 8 elements, got 7");
    let e = told(instance.input("x", &[0, 128, 0, 0, 0, 0, 0, 0]));
    assert_eq!(e, "value 128 at index 1 is outside I8 [-128, 127]");
    let params =
        Params { rescales: vec![Rescale { m: 1, s: 4 }], steps: vec![1.0; instance.graph().steps.len()] };
    let zeros = IntTensor::new(Shape::new([4, 3]), Elem::I8, &[0; 12]).unwrap();
    let weights = NamedTensors::from([("fc.w".to_string(), zeros.clone())]);
    let x = instance.input("x", &[0; 8]).unwrap();
    let run = |inputs: &[IntTensor]| instance.run(inputs, &weights, &params).unwrap_err();
    assert!(matches!(run(std::slice::from_ref(&x)), Error::InputCount { expected: 2, got: 1 }));
    let e = run(&[x.clone(), zeros]);
    assert!(matches!(&e, Error::Shape { name, .. } if name == "y"), "{e}");
    let large = IntTensor::new(Shape::new([2, 4]), Elem::I16, &[300; 8]).unwrap();
    assert!(matches!(run(&[x, large]), Error::Engine(_)));
    let model = instance.setup(weights.clone(), params.clone()).unwrap();
    let e = model.to_units("x", &[f32::INFINITY; 8]).unwrap_err();
    assert!(matches!(e, Error::Units(zkml_dsl::units::UnitsError::NotFinite { index: 0, .. })), "{e}");
    assert!(matches!(model.to_real("x", &weights["fc.w"]), Err(Error::Missing { .. })));
}
