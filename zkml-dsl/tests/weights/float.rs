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
    let mut floats = w.clone();
    assert_eq!(floats.drop_integers(), ["ids"]);
    assert_eq!(floats.len(), 7);
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

#[test]
fn renames_and_copies_one() {
    let mut w =
        FloatWeights::from_tensors(["a", "ab"].map(|n| (n.to_owned(), tensor(&[1], &[1.0])))).unwrap();
    w.rename("a", "c").unwrap();
    w.rename("c", "c").unwrap();
    assert_eq!(w.names().collect::<Vec<_>>(), ["ab", "c"]);
    let error = w.rename("ab", "c").unwrap_err();
    assert_eq!(error.to_string(), "cannot rename `ab` to `c`: a tensor of that name exists");
    let error = w.rename("abb", "d").unwrap_err();
    assert_eq!(error.to_string(), "no tensor `abb`; the nearest name is `ab`");
    w.copy("ab", "x").unwrap();
    let error = w.copy("ab", "c").unwrap_err();
    assert_eq!(error.to_string(), "cannot make `c`: a tensor of that name exists");
    assert!(matches!(w.copy("zzz", "y"), Err(WeightsError::NotFound { .. })));
    assert_eq!(w.names().collect::<Vec<_>>(), ["ab", "c", "x"]);
}

#[test]
fn ties_what_is_absent() {
    let mut w = FloatWeights::from_tensors([("embed".to_owned(), tensor(&[2], &[1.0, 2.0]))]).unwrap();
    assert!(w.tie("lm_head", "embed").unwrap());
    assert_eq!(*w.get("lm_head").unwrap(), tensor(&[2], &[1.0, 2.0]));
    w.insert("lm_head", tensor(&[1], &[3.0])).unwrap();
    assert!(!w.tie("lm_head", "embed").unwrap());
    assert_eq!(*w.get("lm_head").unwrap(), tensor(&[1], &[3.0]));
    assert!(matches!(w.tie("other", "nowhere"), Err(WeightsError::NotFound { .. })));
}
