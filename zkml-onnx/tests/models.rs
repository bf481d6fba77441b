//! Networks that PyTorch exported (`export/export.py`), with its outputs for some inputs: imported as the sources that lie here, which are
//! compiled with this test, and proven.

mod support;

#[rustfmt::skip]
#[path = "models/bert.rs"]
mod bert;
#[rustfmt::skip]
#[path = "models/gpt2.rs"]
mod gpt2;
#[rustfmt::skip]
#[path = "models/lenet.rs"]
mod lenet;
#[rustfmt::skip]
#[path = "models/mlp.rs"]
mod mlp;

use support::{fixture, Fixture};
use zkml_ir::graph::Graph;
use zkml_onnx::compare::compare;

/// `most` is how far the integers may be from PyTorch, relative to its outputs.
fn check(name: &str, source: &str, expanded: &Graph, most: f64) {
    let Fixture { import, samples, expected } = fixture(name);
    assert_eq!(import.rust_file(&format!("{name}.onnx")), source, "`zkml import` writes another source");
    let instance = import.instance().unwrap();
    // Node by node: what the macro makes of the source is what is built at run time.
    for (a, b) in instance.graph().nodes.iter().zip(&expanded.nodes) {
        assert_eq!(a, b);
    }
    assert_eq!(instance.graph(), expanded);

    let floats: Vec<_> = samples.iter().map(|s| import.sample(s).unwrap()).collect();
    let model = instance.calibrate(&import.weights(), &floats).unwrap();
    for c in compare(&import, Some(&model), &samples, &expected).unwrap() {
        assert!(c.float.relative_rms < 2e-6, "{name}: {} as floats: {:?}", c.name, c.float);
        let integer = c.integer.unwrap();
        assert!(integer.relative_rms < most, "{name}: {} as integers: {integer:?}", c.name);
        assert_eq!((c.float.samples, integer.samples), (samples.len(), samples.len()));
    }
    let ports = instance.graph().inputs.iter().zip(&floats[0]);
    let x: Vec<_> = ports.map(|(p, x)| model.to_units(&p.name, &x.data).unwrap()).collect();
    let (outputs, proof) = model.prove(&x).unwrap();
    instance.verify(&model.verifier_key(), &x, &outputs, &proof).unwrap();
}

#[test]
fn a_perceptron() {
    check("mlp", include_str!("models/mlp.rs"), mlp::mlp::with(Default::default()).unwrap().graph(), 0.002);
}

#[test]
fn lenet5() {
    check(
        "lenet",
        include_str!("models/lenet.rs"),
        lenet::lenet::with(Default::default()).unwrap().graph(),
        0.01,
    );
}

/// With a mask over the keys, as Hugging Face's encoder writes it.
#[test]
fn a_bert() {
    check(
        "bert",
        include_str!("models/bert.rs"),
        bert::bert::with(Default::default()).unwrap().graph(),
        0.004,
    );
}

/// From PyTorch's newer exporter: causal attention, products that are split, GELU by tanh.
#[test]
fn a_gpt2() {
    check(
        "gpt2",
        include_str!("models/gpt2.rs"),
        gpt2::gpt2::with(Default::default()).unwrap().graph(),
        0.01,
    );
}

/// What one front end proves the other verifies.
#[test]
fn a_proof_of_the_import_is_one_of_the_source() {
    let Fixture { import, samples, .. } = fixture("mlp");
    let sample = import.sample(&samples[0]).unwrap();
    let instance = import.instance().unwrap();
    let model = instance.calibrate(&import.weights(), std::slice::from_ref(&sample)).unwrap();
    let x = model.to_units("x", &sample[0].data).unwrap();
    let (outputs, proof) = model.prove(std::slice::from_ref(&x)).unwrap();
    let source = zkml_dsl::DynamicInstance::new(mlp::mlp::with(Default::default()).unwrap().graph().clone());
    source.verify(&model.verifier_key(), std::slice::from_ref(&x), &outputs, &proof).unwrap();
    // And is no proof of other outputs.
    let other =
        model.run(&[model.to_units("x", &import.sample(&samples[1]).unwrap()[0].data).unwrap()]).unwrap();
    assert_ne!(other, outputs);
    assert!(source.verify(&model.verifier_key(), &[x], &other, &proof).is_err());
}

/// Eight bits take fewer lookups, and weights of as many.
#[test]
fn widths() {
    use zkml_dsl::Elem;
    use zkml_onnx::{import, Options, Widths};
    let path = support::data("lenet.onnx");
    let of = |widths| import(&path, &Options::default(), widths).unwrap();
    let (wide, narrow) = (of(Widths::default()), of(Widths::narrow()));
    let lookups = |i: &zkml_onnx::Import| i.instance().unwrap().report().unwrap().lookups;
    assert!(lookups(&narrow) < lookups(&wide), "{} {}", lookups(&narrow), lookups(&wide));
    assert!(narrow.program.params.iter().all(|p| matches!(p.elem, Elem::I8 | Elem::I24)));
    assert!(wide.program.params.iter().any(|p| p.elem == Elem::I12));
}
