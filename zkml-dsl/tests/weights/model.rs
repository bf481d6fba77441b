use super::{graph, write_file};
use safetensors::tensor::TensorView;
use safetensors::Dtype;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use zkml_dsl::weights::{
    load_model, save_model, FileError, LoadError, ParamsError, SaveError, FORMAT_VERSION,
};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, Layout::InOut, Params, Rescale};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

fn model() -> (Graph, Vec<IntTensor>, Params) {
    let declared = [
        ("w", Elem::I8, &[2, 2][..], InOut),
        ("act", Elem::I12, &[2], InOut),
        ("pixels", Elem::U8, &[2], InOut),
        ("bias", Elem::I24, &[2], InOut),
    ];
    let g = graph("mlp", &declared, &["first", "second"]);
    let int = |i: usize, v: &[i32]| IntTensor::new(Shape::new(declared[i].2), declared[i].1, v).unwrap();
    let weights = vec![
        int(0, &[-128, 127, 0, 5]),
        int(1, &[-2048, 2047]),
        int(2, &[0, 255]),
        int(3, &[-8388608, 8388607]),
    ];
    let rescales = vec![Rescale { m: 1, s: 31 }, Rescale { m: u32::MAX, s: 1 }];
    (g, weights, Params { rescales, steps: vec![0.1 + 0.2, f64::MIN_POSITIVE / 8.0] })
}

fn saved(dir: &tempfile::TempDir) -> (Graph, PathBuf) {
    let (g, w, p) = model();
    let path = dir.path().join("mlp.safetensors");
    save_model(&path, &g, &w, &p).unwrap();
    (g, path)
}

/// Rewrites a saved file: `edit` gets the header and the tensors.
type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;
fn rewrite(path: &Path, edit: impl FnOnce(&mut String, &mut Tensors)) {
    let bytes = std::fs::read(path).unwrap();
    let (_, info) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let mut header = info.metadata().clone().unwrap()["zkml"].clone();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Tensors =
        file.iter().map(|(n, t)| (n.to_owned(), t.dtype(), t.shape().to_vec(), t.data().to_vec())).collect();
    edit(&mut header, &mut tensors);
    let views = tensors.iter().map(|(n, d, s, b)| (n, TensorView::new(*d, s.clone(), b).unwrap()));
    let metadata = Some(HashMap::from([("zkml".to_owned(), header)]));
    safetensors::serialize_to_file(views, metadata, path).unwrap();
}

fn load_error(edit: impl FnOnce(&mut String, &mut Tensors)) -> LoadError {
    let dir = tempfile::tempdir().unwrap();
    let (g, path) = saved(&dir);
    rewrite(&path, edit);
    load_model(&path, &g).unwrap_err()
}

fn of<'a>(tensors: &'a mut Tensors, name: &str) -> &'a mut (String, Dtype, Vec<usize>, Vec<u8>) {
    tensors.iter_mut().find(|t| t.0 == name).unwrap()
}

#[test]
fn what_is_saved_is_loaded_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let (g, path) = saved(&dir);
    let (_, weights, params) = model();
    assert_eq!(load_model(&path, &g).unwrap(), (weights, params));
    rewrite(&path, |_, t| {
        let dtypes = ["w", "act", "pixels", "bias"].map(|n| of(t, n).1);
        assert_eq!(dtypes, [Dtype::I8, Dtype::I16, Dtype::I16, Dtype::I32]);
    });
    load_model(&path, &g).unwrap();
    let again = dir.path().join("again");
    let (_, w, p) = model();
    save_model(&again, &g, &w, &p).unwrap();
    saved(&dir);
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&path).unwrap());
}

#[test]
fn every_truncation_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let (g, path) = saved(&dir);
    let whole = std::fs::read(&path).unwrap();
    for n in 0..whole.len() {
        std::fs::write(&path, &whole[..n]).unwrap();
        let error = load_model(&path, &g).unwrap_err();
        assert!(matches!(error, LoadError::File(FileError::Format { .. })), "{n} bytes: {error}");
    }
}

#[test]
fn garbled_headers_never_panic() {
    let dir = tempfile::tempdir().unwrap();
    let (g, path) = saved(&dir);
    let whole = std::fs::read(&path).unwrap();
    let values = 4 + 2 * 2 + 2 * 2 + 2 * 4;
    for i in 0..whole.len() - values {
        for flip in [0x01, 0x80] {
            let mut bytes = whole.clone();
            bytes[i] ^= flip;
            std::fs::write(&path, &bytes).unwrap();
            // Some flips give another valid header (a digit of m, a step's bit); none may panic or change the weights' types.
            if let Ok((weights, _)) = load_model(&path, &g) {
                assert_eq!(weights.len(), 4);
            }
        }
    }
}

#[test]
fn a_float_file_is_not_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    write_file(&path, &[("w", Dtype::F32, &[1], vec![0; 4])]);
    let error = load_model(&path, &model().0).unwrap_err();
    assert!(matches!(error, LoadError::NotAModel { .. }), "{error}");
}

#[test]
fn another_version_or_model_is_named() {
    let error = load_error(|h, _| *h = h.replace("\"format\":1", "\"format\":2,\"more\":[]"));
    assert!(matches!(error, LoadError::Version { expected: FORMAT_VERSION, got: 2 }), "{error}");
    let error = load_error(|h, _| *h = h.replace("\"mlp\"", "\"bert\""));
    assert_eq!(error.to_string(), "the file holds another model: expected `mlp`, got `bert`");
    assert!(matches!(error, LoadError::Model { .. }));
}

#[test]
fn bad_headers() {
    let cases: [fn(&str) -> String; 4] = [
        |_| "{".into(),
        |h| h.replace("\"steps\"", "\"stepz\""),
        |h| h.replace("\"bits\":\"3fd3", "\"bits\":\"+fd3"),
        |h| h.replace("\"m\":1,", "\"m\":-1,"),
    ];
    for (i, case) in cases.into_iter().enumerate() {
        let error = load_error(|h, _| *h = case(h));
        assert!(matches!(error, LoadError::Header { .. }), "case {i}: {error}");
    }
}

#[test]
fn bad_parameters() {
    let params = |edit: fn(&str) -> String| match load_error(|h, _| *h = edit(h)) {
        LoadError::Params(e) => e,
        other => panic!("{other}"),
    };
    let first = |m, s| ParamsError::Rescale { name: "first".into(), m, s };
    assert_eq!(params(|h| h.replace("\"m\":1,", "\"m\":0,")), first(0, 31));
    assert_eq!(params(|h| h.replace("\"s\":31", "\"s\":32")), first(1, 32));
    assert_eq!(params(|h| h.replace("\"s\":31", "\"s\":0")), first(1, 0));
    assert_eq!(
        params(|h| h.replace(",{\"name\":\"second\",\"m\":4294967295,\"s\":1}", "")),
        ParamsError::Count { what: "rescales", expected: 2, got: 1 }
    );
    assert_eq!(
        params(|h| h.replace("\"second\",\"m\"", "\"third\",\"m\"")),
        ParamsError::Name { what: "rescales", index: 1, expected: "second".into(), got: "third".into() }
    );
    let step = |value| ParamsError::Step { name: "first".into(), value };
    let bits = "3fd3333333333334"; // 0.1 + 0.2
    assert!(bits == format!("{:016x}", (0.1f64 + 0.2).to_bits()));
    assert_eq!(params(|h| h.replace("3fd3333333333334", "7ff0000000000000")), step(f64::INFINITY));
    assert_eq!(params(|h| h.replace("3fd3333333333334", "0000000000000000")), step(0.0));
    assert_eq!(params(|h| h.replace("3fd3333333333334", "bfd3333333333334")), step(-(0.1 + 0.2)));
}

#[test]
fn wrong_dtype() {
    let error = load_error(|_, t| {
        let w = of(t, "w");
        (w.1, w.3) = (Dtype::I16, vec![0; 8]);
    });
    assert!(matches!(error, LoadError::Dtype { expected: Dtype::I8, got: Dtype::I16, .. }), "{error}");
    let error = load_error(|_, t| of(t, "w").1 = Dtype::U8);
    assert!(matches!(error, LoadError::Dtype { expected: Dtype::I8, got: Dtype::U8, .. }), "{error}");
}

#[test]
fn missing_and_misshapen() {
    let error = load_error(|_, t| {
        of(t, "act").0 = "acts".into();
        of(t, "w").2 = vec![4, 1];
    });
    let LoadError::Misfit(m) = &error else { panic!("{error}") };
    assert_eq!((m.missing.len(), m.misshapen.len(), m.unused.len()), (1, 1, 1));
    assert_eq!(m.missing[0].nearest.as_deref(), Some("acts"));
    assert_eq!(m.misshapen[0].got, [4, 1]);
    assert!(error.to_string().contains("the file holds: `acts` [2], `bias` [2]"), "{error}");
}

#[test]
fn values_outside_the_declared_range() {
    let error =
        load_error(|_, t| of(t, "act").3 = [7i16, 2048].iter().flat_map(|v| v.to_le_bytes()).collect());
    assert_eq!(error.to_string(), "weight `act`: value 2048 at index 1 is outside I12 [-2048, 2047]");
    let error =
        load_error(|_, t| of(t, "pixels").3 = [-1i16, 0].iter().flat_map(|v| v.to_le_bytes()).collect());
    assert!(matches!(error, LoadError::Range { index: 0, value: -1, .. }), "{error}");
    let error =
        load_error(|_, t| of(t, "bias").3 = [0, i32::MIN].iter().flat_map(|v| v.to_le_bytes()).collect());
    assert!(matches!(error, LoadError::Range { index: 1, value: -2147483648, .. }), "{error}");
}

#[test]
fn what_cannot_be_loaded_cannot_be_saved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mlp.safetensors");
    let save = |edit: &dyn Fn(&mut Graph, &mut Vec<IntTensor>, &mut Params)| {
        let (mut g, mut w, mut p) = model();
        edit(&mut g, &mut w, &mut p);
        save_model(&path, &g, &w, &p).unwrap_err()
    };
    let error = save(&|_, w, _| drop(w.pop()));
    assert!(matches!(error, SaveError::Count { expected: 4, got: 3 }), "{error}");
    let error = save(&|g, _, _| g.weights[1].name = "w".into());
    assert!(matches!(&error, SaveError::SameName { name } if name == "w"), "{error}");
    let error = save(&|_, w, _| w.swap(0, 1));
    assert!(matches!(&error, SaveError::Shape { name, .. } if name == "w"), "{error}");
    let error = save(&|_, w, _| w[1] = IntTensor::new(Shape::new([2]), Elem::I16, &[0, -2049]).unwrap());
    assert!(matches!(error, SaveError::Range { elem: Elem::I12, index: 1, value: -2049, .. }), "{error}");
    let error = save(&|_, _, p| p.rescales[0].s = 32);
    assert!(matches!(error, SaveError::Params(ParamsError::Rescale { s: 32, .. })), "{error}");
    let error = save(&|_, _, p| p.steps[1] = f64::NAN);
    assert!(matches!(error, SaveError::Params(ParamsError::Step { .. })), "{error}");
    assert!(!path.exists());
    let (g, w, p) = model();
    let error = save_model(dir.path().join("no/folder"), &g, &w, &p).unwrap_err();
    assert!(matches!(error, SaveError::Io { .. }), "{error}");
}
