//! Files that are not imported, and what is said of them.

use prost::Message;
use std::path::Path;
use zkml_onnx::proto::*;
use zkml_onnx::{import_bytes, ImportError, Options, Widths};

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&d: &i64| DimensionProto { value: Some(Dimension::Value(d)) };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let ty = Some(TypeProto { tensor_type: Some(TensorTypeProto { elem_type: 1, shape }) });
    ValueInfoProto { name: name.into(), ty }
}

fn node(op: &str, name: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: name.into(),
        input: inputs.iter().map(|s| s.to_string()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.into(),
        data_type: 1,
        float_data: values.into(),
        ..TensorProto::default()
    }
}

fn model(nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        name: "g".into(),
        initializer,
        input: vec![value("x", &[1, 4])],
        output: vec![value("y", &[1, 4])],
        sparse_initializer: vec![],
    };
    let opset = OperatorSetIdProto { domain: String::new(), version: 17 };
    ModelProto { ir_version: 8, graph: Some(graph), opset_import: vec![opset], ..ModelProto::default() }
}

fn refused(model: &ModelProto, options: &Options) -> ImportError {
    import_bytes(&model.encode_to_vec(), "m", options, Widths::default()).unwrap_err()
}

#[test]
fn everything_that_stands_in_the_way_is_listed_at_once() {
    let nodes = vec![
        node("QuantizeLinear", "first", &["x"], "a"),
        node("Acos", "second", &["x"], "b"),
        // Of something unknown: nothing is said of it.
        node("Add", "third", &["a", "b"], "y"),
    ];
    let ImportError::Unsupported(problems) = refused(&model(nodes, vec![]), &Options::default()) else {
        panic!()
    };
    let said: Vec<_> = problems.iter().map(|p| (p.op.as_str(), p.node.as_str())).collect();
    assert_eq!(said, [("QuantizeLinear", "first"), ("Acos", "second")]);
    assert_eq!(problems[0].inputs, ["x float [1, 4]"]);
    let text = ImportError::Unsupported(problems).to_string();
    assert!(text.starts_with("2 nodes cannot be proven:"), "{text}");
    assert!(text.contains("help: import the float model: zkml quantises it"), "{text}");
}

#[test]
fn what_an_op_does_not_take_is_said_with_its_attributes() {
    let mut pow = node("Pow", "p", &["x", "e"], "y");
    pow.attribute = vec![AttributeProto {
        name: "note".into(),
        i: 3,
        kind: AttributeProto::INT,
        ..AttributeProto::default()
    }];
    let ImportError::Unsupported(problems) =
        refused(&model(vec![pow], vec![floats("e", &[1], &[2.5])]), &Options::default())
    else {
        panic!()
    };
    assert_eq!(problems[0].why, "an exponent of 2.5");
    assert_eq!(problems[0].attributes, "note = 3");
}

/// A recurrent cell that says something which is not understood is not read as one that does not.
#[test]
fn recurrent_cells_of_other_kinds() {
    let attribute =
        |name: &str, kind: i32| AttributeProto { name: name.into(), kind, ..AttributeProto::default() };
    let int = |name: &str, i: i64| AttributeProto { i, ..attribute(name, AttributeProto::INT) };
    let text =
        |name: &str, s: &str| AttributeProto { s: s.into(), ..attribute(name, AttributeProto::STRING) };
    let texts = |name: &str, all: &[&str]| AttributeProto {
        strings: all.iter().map(|s| s.as_bytes().into()).collect(),
        ..attribute(name, AttributeProto::STRINGS)
    };
    let clip = AttributeProto { f: 1.0, ..attribute("clip", AttributeProto::FLOAT) };
    let cell = |op: &str, more: Option<AttributeProto>, lengths: f32| {
        let (gates, width) = (if op == "GRU" { 3 } else { 4 }, 2);
        let weights = |name: &str, columns: usize| {
            floats(name, &[1, (gates * width) as i64, columns as i64], &vec![0.5; gates * width * columns])
        };
        let mut cell = node(op, "cell", &["rows", "w", "r", "", "lengths"], "y");
        cell.attribute = [Some(int("hidden_size", width as i64)), more].into_iter().flatten().collect();
        let rows = node("Reshape", "rows", &["x", "shape"], "rows");
        let shape = TensorProto {
            name: "shape".into(),
            dims: vec![3],
            data_type: 7,
            int64_data: vec![2, 1, 2],
            ..TensorProto::default()
        };
        let constants = vec![weights("w", 2), weights("r", 2), floats("lengths", &[1], &[lengths]), shape];
        import_bytes(
            &model(vec![rows, cell], constants).encode_to_vec(),
            "m",
            &Options::default(),
            Widths::default(),
        )
    };
    for op in ["LSTM", "GRU"] {
        cell(op, None, 2.0).unwrap();
        cell(op, Some(text("direction", "reverse")), 2.0).unwrap();
        for (more, lengths, why) in [
            (None, 1.0, "sequences of unlike lengths"),
            (Some(clip.clone()), 2.0, "a cell that clips, couples its gates or has the batch first"),
            (Some(int("layout", 1)), 2.0, "a cell that clips, couples its gates or has the batch first"),
            (Some(text("direction", "sideways")), 2.0, "direction sideways"),
            (Some(texts("activations", &["Sigmoid", "Softsign", "Tanh"])), 2.0, "gates of"),
        ] {
            let Err(ImportError::Unsupported(problems)) = cell(op, more, lengths) else {
                panic!("{op} {why}")
            };
            assert!(problems[0].why.starts_with(why), "{op} {why}: {}", problems[0].why);
        }
    }
}

#[test]
fn files_that_are_none() {
    let import = |bytes: &[u8]| import_bytes(bytes, "m", &Options::default(), Widths::default()).unwrap_err();
    assert!(matches!(import(b"not a protocol buffer"), ImportError::Decode(_)));
    assert!(matches!(import(b""), ImportError::NoGraph));
    let mut old = model(vec![node("Relu", "r", &["x"], "y")], vec![]);
    old.opset_import[0].version = 4;
    assert!(matches!(refused(&old, &Options::default()), ImportError::Opset { got: 4, .. }));
}

#[test]
fn names_that_nothing_gives() {
    let unknown = model(vec![node("Relu", "r", &["z"], "y")], vec![]);
    assert!(matches!(refused(&unknown, &Options::default()), ImportError::Unknown { name } if name == "z"));
    let known = model(vec![node("Relu", "r", &["x"], "y")], vec![]);
    let options = Options { constants: [("sr".to_owned(), 1.0)].into(), ..Options::default() };
    assert!(matches!(refused(&known, &options), ImportError::NoInput { name, .. } if name == "sr"));
    let options = Options { shapes: [("x".to_owned(), vec![1, 5])].into(), ..Options::default() };
    let error = refused(&known, &options);
    assert!(error.to_string().contains("expected [1, 4], got [1, 5]"), "{error}");
}

#[test]
fn constants_that_cannot_be_read() {
    let with = |t: TensorProto| model(vec![node("Add", "a", &["x", "w"], "y")], vec![t]);
    let error = refused(&with(floats("w", &[3], &[1.0])), &Options::default());
    assert!(error.to_string().contains("have 3 elements, 1 are there"), "{error}");
    let error = refused(&with(floats("w", &[4], &[1.0, f32::NAN, 0.0, 0.0])), &Options::default());
    assert!(error.to_string().contains("holds NaN at 1"), "{error}");
    let error = refused(&with(TensorProto { data_type: 8, ..floats("w", &[4], &[]) }), &Options::default());
    assert!(error.to_string().contains("data type 8"), "{error}");
}

/// A model says where its data lies: beside it, or nowhere.
#[test]
fn data_outside_of_the_models_folder_is_not_read() {
    let entry = |value: &str| vec![StringStringEntryProto { key: "location".into(), value: value.into() }];
    for location in ["/etc/hostname", "../secret", "a/../../b"] {
        let w = TensorProto { external_data: entry(location), data_location: 1, ..floats("w", &[4], &[]) };
        let error = refused(&model(vec![node("Add", "a", &["x", "w"], "y")], vec![w]), &Options::default());
        assert!(error.to_string().contains("is not beside the model"), "{location}: {error}");
    }
    // And beside it is read.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.bin"), [1f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat())
        .unwrap();
    let w = TensorProto { external_data: entry("w.bin"), data_location: 1, ..floats("w", &[4], &[]) };
    let file = folder.path().join("m.onnx");
    std::fs::write(&file, model(vec![node("Add", "a", &["x", "w"], "y")], vec![w]).encode_to_vec()).unwrap();
    let import = zkml_onnx::import(Path::new(&file), &Options::default(), Widths::default()).unwrap();
    assert_eq!(import.program.weights["w"].data, [1.0, 2.0, 3.0, 4.0]);
}

/// Every op of the table has a name that is looked up, and the list of names is in order.
#[test]
fn names_of_ops() {
    let names = zkml_onnx::ops::names();
    assert!(names.len() > 90, "{}", names.len());
    assert!(names.windows(2).all(|w| w[0] < w[1]), "a name stands twice");
    assert!(names.iter().all(|n| zkml_onnx::ops::find(n).is_some()));
}

/// A file of a few bytes that asks for a constant of any size.
#[test]
fn constants_without_measure() {
    let shape = TensorProto {
        name: "s".into(),
        dims: vec![2],
        data_type: 7,
        int64_data: vec![1 << 20, 1 << 20],
        ..TensorProto::default()
    };
    let nodes = vec![node("ConstantOfShape", "c", &["s"], "a"), node("Add", "d", &["x", "a"], "y")];
    let ImportError::Unsupported(problems) = refused(&model(nodes, vec![shape]), &Options::default()) else {
        panic!()
    };
    assert!(problems[0].why.contains("more than 268435456 elements"), "{}", problems[0].why);
}

/// Bytes of a file that were changed: it is refused, or it is another model, and nothing panics.
#[test]
fn changed_files_do_not_panic() {
    let mut state = 1u64;
    let mut random = move |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    for (name, times) in [("mlp", 400), ("bert", 250), ("gpt2", 250), ("lenet", 200)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.onnx"));
        let good = std::fs::read(path).unwrap();
        let decoded = ModelProto::decode(&good[..]).unwrap();
        for time in 0..times {
            let bytes = match time % 2 {
                // Anywhere, and where the graph is: weights are most of a file.
                0 => {
                    let mut bad = good.clone();
                    bad[random(good.len())] ^= 1 << random(8);
                    bad
                }
                _ => {
                    let mut bad = decoded.clone();
                    let graph = bad.graph.as_mut().unwrap();
                    let n = graph.node.len();
                    let (a, b) = (random(n), random(n));
                    match random(6) {
                        0 => graph.node[a].op_type = graph.node[b].op_type.clone(),
                        1 => graph.node[a].input = graph.node[b].input.clone(),
                        2 => {
                            graph.node.remove(a);
                        }
                        3 => graph.node[a].attribute = graph.node[b].attribute.clone(),
                        4 => graph.node[a].input.truncate(1),
                        _ => {
                            let w = random(graph.initializer.len());
                            let t = &mut graph.initializer[w];
                            let by = 1.min(t.dims.len());
                            t.dims.rotate_left(by);
                        }
                    }
                    bad.encode_to_vec()
                }
            };
            let _ = import_bytes(&bytes, "m", &Options::default(), Widths::default());
        }
    }
}
