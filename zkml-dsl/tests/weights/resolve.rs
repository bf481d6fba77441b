use super::{graph, tensor};
use zkml_dsl::weights::{resolve, FloatWeights, Misshapen, Missing, Present, WeightsError};
use zkml_ir::elem::Elem;
use zkml_ir::graph::Layout::{InOut, OutIn};

fn weights(tensors: &[(&str, &[usize])]) -> FloatWeights {
    let ramp = |dims: &[usize]| {
        tensor(dims, &(0..dims.iter().product()).map(|i: usize| i as f32).collect::<Vec<_>>())
    };
    FloatWeights::from_tensors(tensors.iter().map(|(n, d)| (n.to_string(), ramp(d)))).unwrap()
}

#[test]
fn transposes_what_lies_transposed() {
    let g = graph(
        "m",
        &[("b", Elem::I24, &[3], OutIn), ("w", Elem::I8, &[2, 3], OutIn), ("a", Elem::I8, &[2, 3], InOut)],
        &[],
    );
    let got = resolve(&g, &weights(&[("a", &[2, 3]), ("b", &[3]), ("w", &[3, 2])])).unwrap();
    assert_eq!(got[0], tensor(&[3], &[0.0, 1.0, 2.0]));
    assert_eq!(got[1], tensor(&[2, 3], &[0.0, 2.0, 4.0, 1.0, 3.0, 5.0]));
    assert_eq!(got[2], tensor(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
}

#[test]
fn reports_missing_misshapen_and_unused_together() {
    let declared = [
        ("fc1.weight", Elem::I8, &[4, 2][..], InOut),
        ("fc1.bias", Elem::I24, &[2], InOut),
        ("out", Elem::I8, &[2, 5], OutIn),
    ];
    let file = weights(&[("fc1.weight", &[2, 4]), ("fc_1.bias", &[2]), ("out", &[7, 2]), ("zzz", &[1])]);
    let error = resolve(&graph("mlp", &declared, &[]), &file).unwrap_err();
    let WeightsError::Misfit(m) = &error else { panic!("{error}") };
    assert_eq!(
        m.missing,
        [Missing { name: "fc1.bias".into(), expected: vec![2], nearest: Some("fc_1.bias".into()) }]
    );
    let weight = Misshapen {
        name: "fc1.weight".into(),
        expected: vec![4, 2],
        got: vec![2, 4],
        fits_layout: Some("out_in"),
    };
    let out = Misshapen { name: "out".into(), expected: vec![5, 2], got: vec![7, 2], fits_layout: None };
    assert_eq!(m.misshapen, [weight, out]);
    let present = |name: &str, dims: &[usize]| Present { name: name.into(), dims: dims.to_vec() };
    assert_eq!(m.unused, [present("fc_1.bias", &[2]), present("zzz", &[1])]);
    assert_eq!(
        error.to_string(),
        "the file's tensors are not those of model `mlp`
  missing: `fc1.bias` [2]; the nearest unused name is `fc_1.bias`
  misshapen: `fc1.weight`: expected [4, 2], got [2, 4]; the transpose fits: declare the weight with `layout = \"out_in\"`
  misshapen: `out`: expected [5, 2], got [7, 2]
  unused: `fc_1.bias` [2], `zzz` [1]
  the file holds: `fc1.weight` [2, 4], `fc_1.bias` [2], `out` [7, 2], `zzz` [1]"
    );
}

#[test]
fn an_unused_tensor_alone_is_an_error() {
    let error =
        resolve(&graph("m", &[("a", Elem::I8, &[2], InOut)], &[]), &weights(&[("a", &[2]), ("b", &[1])]));
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "the file's tensors are not those of model `m`\n  unused: `b` [1]");
}

#[test]
fn a_prefix_too_many_is_named() {
    let g = graph("m", &[("h.0.w", Elem::I8, &[2], InOut)], &[]);
    let error = resolve(&g, &weights(&[("transformer.h.0.w", &[2])])).unwrap_err().to_string();
    assert!(error.contains("`h.0.w` [2]; the nearest unused name is `transformer.h.0.w`"), "{error}");
}
