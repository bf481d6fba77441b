use super::{f32_bytes, tensor, write_file};
use safetensors::Dtype;
use zkml_dsl::weights::{FileError, FloatWeights, WeightsError};

#[test]
fn reads_every_float_type_and_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let halves = |bits: [u16; 2]| bits.iter().flat_map(|b| b.to_le_bytes()).collect::<Vec<_>>();
    let doubles = [1.5f64, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    write_file(
        &path,
        &[
            ("f32", Dtype::F32, &[2, 1], f32_bytes(&[1.5, -2.0])),
            ("f64", Dtype::F64, &[1, 2], doubles),
            ("f16", Dtype::F16, &[2], halves([0x3e00, 0xc000])),
            ("bf16", Dtype::BF16, &[2], halves([0x3fc0, 0xc000])),
            ("ids", Dtype::I64, &[1], vec![0; 8]),
            ("empty", Dtype::F32, &[0, 4], vec![]),
            ("deep", Dtype::F32, &[1; 7], f32_bytes(&[1.0])),
            ("nan", Dtype::F32, &[2], f32_bytes(&[0.0, f32::NAN])),
        ],
    );
    let w = FloatWeights::open(&path).unwrap();
    assert_eq!(w.names().collect::<Vec<_>>(), ["bf16", "deep", "empty", "f16", "f32", "f64", "ids", "nan"]);
    assert_eq!(*w.get("f32").unwrap(), tensor(&[2, 1], &[1.5, -2.0]));
    assert_eq!(*w.get("f64").unwrap(), tensor(&[1, 2], &[1.5, -2.0]));
    assert_eq!(*w.get("f16").unwrap(), tensor(&[2], &[1.5, -2.0]));
    assert_eq!(*w.get("bf16").unwrap(), tensor(&[2], &[1.5, -2.0]));
    assert_eq!(w.dims("ids"), Some(&[1][..]));
    let dtype = w.get("ids").unwrap_err();
    assert!(matches!(dtype, WeightsError::Dtype { got: Dtype::I64, .. }), "{dtype}");
    let empty = w.get("empty").unwrap_err();
    assert!(matches!(&empty, WeightsError::Shape { got, .. } if got == &[0, 4]), "{empty}");
    let deep = w.get("deep").unwrap_err();
    assert!(matches!(&deep, WeightsError::Shape { got, .. } if got.len() == 7), "{deep}");
    let nan = w.get("nan").unwrap_err();
    assert!(matches!(nan, WeightsError::NotFinite { index: 1, .. }), "{nan}");
    let missing = w.get("f33").unwrap_err();
    assert!(matches!(&missing, WeightsError::NotFound { nearest: Some(n), .. } if n == "f32"), "{missing}");
}

#[test]
fn a_double_beyond_f32_is_not_finite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    write_file(&path, &[("x", Dtype::F64, &[1], 1e300f64.to_le_bytes().to_vec())]);
    let error = FloatWeights::open(&path).unwrap().get("x").unwrap_err();
    assert!(matches!(error, WeightsError::NotFinite { index: 0, .. }), "{error}");
}

#[test]
fn a_file_that_is_no_safetensors_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let io = FloatWeights::open(&path).unwrap_err();
    assert!(matches!(io, WeightsError::File(FileError::Io { .. })), "{io}");
    write_file(&path, &[("x", Dtype::F32, &[2], f32_bytes(&[1.0, 2.0]))]);
    let whole = std::fs::read(&path).unwrap();
    for n in 0..whole.len() {
        std::fs::write(&path, &whole[..n]).unwrap();
        let error = FloatWeights::open(&path).unwrap_err();
        assert!(matches!(error, WeightsError::File(FileError::Format { .. })), "{n} bytes: {error}");
    }
}

#[test]
fn renames_prefixes() {
    let one = || tensor(&[1], &[1.0]);
    let names = ["transformer.h.0.a", "transformer.wte", "h.1.b"];
    let mut w = FloatWeights::from_tensors(names.map(|n| (n.to_owned(), one()))).unwrap();
    assert_eq!(w.rename_prefix("transformer.", "").unwrap(), 2);
    assert_eq!(w.names().collect::<Vec<_>>(), ["h.0.a", "h.1.b", "wte"]);
    w.insert("h.1.a", one()).unwrap();
    let error = w.rename_prefix("h.0.", "h.1.").unwrap_err();
    assert!(matches!(&error, WeightsError::NameTaken { to, .. } if to == "h.1.a"), "{error}");
    assert_eq!(w.len(), 4);
    w.retain(|n| n.starts_with("h.1."));
    assert_eq!(w.names().collect::<Vec<_>>(), ["h.1.a", "h.1.b"]);
}

#[test]
fn insert_checks_the_length() {
    let error = FloatWeights::default().insert("x", tensor(&[2, 2], &[1.0])).unwrap_err();
    assert!(matches!(error, WeightsError::Length { expected: 4, got: 1, .. }), "{error}");
}

fn norm_and_linear() -> FloatWeights {
    let tensors = [
        ("ln.weight", tensor(&[2], &[2.0, -1.0])),
        ("ln.bias", tensor(&[2], &[0.5, 3.0])),
        ("fc.weight", tensor(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        ("fc.bias", tensor(&[3], &[10.0, 20.0, 30.0])),
        ("gate.weight", tensor(&[2, 1], &[7.0, 8.0])),
    ];
    FloatWeights::from_tensors(tensors.map(|(n, t)| (n.to_owned(), t))).unwrap()
}

#[test]
fn folds_a_layer_norm() {
    let mut w = norm_and_linear();
    w.fold_layer_norm("ln", &["fc", "gate"]).unwrap();
    // By hand: rows times 2 and -1; 10 + 0.5*1 + 3*4 = 22.5 and so on; 0.5*7 + 3*8 = 27.5.
    assert_eq!(*w.get("fc.weight").unwrap(), tensor(&[2, 3], &[2.0, 4.0, 6.0, -4.0, -5.0, -6.0]));
    assert_eq!(*w.get("fc.bias").unwrap(), tensor(&[3], &[22.5, 36.0, 49.5]));
    assert_eq!(*w.get("gate.weight").unwrap(), tensor(&[2, 1], &[14.0, -8.0]));
    assert_eq!(*w.get("gate.bias").unwrap(), tensor(&[1], &[27.5]));
    assert_eq!(w.names().collect::<Vec<_>>(), ["fc.bias", "fc.weight", "gate.bias", "gate.weight"]);
}

#[test]
fn a_fold_that_does_not_fit_changes_nothing() {
    let mut w = norm_and_linear();
    w.transpose("gate.weight").unwrap();
    let error = w.fold_layer_norm("ln", &["fc", "gate"]).unwrap_err();
    assert!(matches!(&error, WeightsError::Extents { name, .. } if name == "gate.weight"), "{error}");
    assert_eq!(*w.get("fc.bias").unwrap(), tensor(&[3], &[10.0, 20.0, 30.0]));
    assert_eq!(w.len(), 5);
    let error = w.fold_layer_norm("ln_1", &["fc"]).unwrap_err();
    assert!(matches!(error, WeightsError::NotFound { .. }), "{error}");
}
