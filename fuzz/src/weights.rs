//! Weight files from anywhere.

use super::edits;
use safetensors::tensor::TensorView;
use safetensors::Dtype;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zkml_dsl::weights::{load_model, resolve, save_model, Family, FloatWeights, WeightsError};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, Op, Params, Rescale, RescaleRule, Step};
use zkml_ir::graph::{TensorType, WeightDecl};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

type Declared = (&'static str, Elem, &'static [usize], Layout);

const DECLARED: [Declared; 5] = [
    ("block.w", Elem::I8, &[2, 3], Layout::OutIn),
    ("block.act", Elem::I12, &[2], Layout::InOut),
    ("pixels", Elem::U8, &[2], Layout::InOut),
    ("bias", Elem::I24, &[2], Layout::InOut),
    ("one", Elem::I16, &[], Layout::InOut),
];

/// The first byte chooses what the rest is: a file; a header, `0xff` and values; a model's header; edits of a model
/// file or of a float file; the index of a sharded checkpoint.
pub fn run(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    let edited = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        edits::apply(rest, &mut bytes);
        bytes
    };
    let bytes = match choice % 6 {
        0 => rest.to_vec(),
        1 => {
            let end = rest.iter().position(|&b| b == 0xff).unwrap_or(rest.len());
            let (header, values) = rest.split_at(end);
            let len = (header.len() as u64).to_le_bytes();
            [&len, header, values.get(1..).unwrap_or_default()].concat()
        }
        2 => match std::str::from_utf8(rest) {
            Ok(text) => model_file(text),
            Err(_) => return,
        },
        3 => edited(saved()),
        4 => edited(floats()),
        _ => return sharded(rest),
    };
    let path = scratch();
    std::fs::write(&path, bytes).expect("a scratch file is written");
    read(&path);
    std::fs::remove_file(&path).expect("the scratch file is still there");
}

/// An index beside one true shard, `s`.
fn sharded(index: &[u8]) {
    let folder = scratch();
    std::fs::create_dir_all(&folder).expect("a scratch folder is made");
    std::fs::write(folder.join("s"), floats()).expect("a shard is written");
    std::fs::write(folder.join("model.safetensors.index.json"), index).expect("an index is written");
    if let Ok(weights) = FloatWeights::open(&folder) {
        assert_eq!(weights.len(), DECLARED.len());
    }
    std::fs::remove_dir_all(&folder).expect("the scratch folder is still there");
}

/// One file or folder for each thread.
fn scratch() -> PathBuf {
    let name = format!("zkml-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
    std::env::temp_dir().join(name)
}

fn read(path: &Path) {
    let graph = graph();
    if let Ok(mut weights) = FloatWeights::open(path) {
        let names: Vec<String> = weights.names().map(str::to_owned).collect();
        for name in &names {
            if let Ok(tensor) = weights.get(name) {
                assert_eq!(tensor.shape.len(), tensor.data.len());
                assert_eq!(weights.dims(name), Some(tensor.shape.dims()));
            }
        }
        if let Err(error) = resolve(graph, &weights) {
            error.to_string();
        }
        for name in names.iter().take(8) {
            rewrite(&weights, name);
        }
        for family in [Family::Gpt2, Family::Bert, Family::Llama] {
            let mut renamed = weights.clone();
            match renamed.rename_family(family, &[]) {
                Ok(report) => assert_eq!(renamed.len() + report.dropped.len(), names.len()),
                Err(_) => assert!(renamed.names().eq(weights.names())),
            }
        }
        let _ = weights.rename_prefix("model.", "");
        if let Ok(tensors) = resolve(graph, &weights) {
            assert_eq!(tensors.len(), graph.weights.len());
        }
    }
    match load_model(path, graph) {
        Err(error) => drop(error.to_string()),
        Ok((weights, params)) => {
            save_model(path, graph, &weights, &params).expect("what is loaded can be saved");
            assert!(load_model(path, graph).is_ok_and(|again| again == (weights, params)));
        }
    }
}

/// Rewrites of one tensor: an error, or a tensor whose every value is finite.
fn rewrite(weights: &FloatWeights, name: &str) {
    type Rewrite<'a> = &'a dyn Fn(&mut FloatWeights) -> Result<(), WeightsError>;
    let rewrites: [(&str, Rewrite<'_>); 8] = [
        (name, &|w| w.transpose(name)),
        (name, &|w| w.pad_rows(name, 3)),
        (name, &|w| w.slice(name, 1, 1..2)),
        (name, &|w| w.concat_columns(&[name, name], name)),
        (name, &|w| w.reshape(name, &[2, 3])),
        (name, &|w| w.scale(name, 1e20)),
        (name, &|w| w.add(name, "model.bias")),
        ("layer.weight", &|w| {
            w.rename(name, "layer.weight")?;
            w.per_channel("layer", "scales")
        }),
    ];
    for (result, rewrite) in rewrites {
        let mut changed = weights.clone();
        if rewrite(&mut changed).is_ok() {
            assert!(changed.get(result).is_ok());
        }
    }
}

/// A graph that only declares weights, one rescale and one step.
fn graph() -> &'static Graph {
    static GRAPH: OnceLock<Graph> = OnceLock::new();
    GRAPH.get_or_init(|| {
        let mut b = GraphBuilder::new("fuzzed");
        for (i, (name, elem, dims, layout)) in DECLARED.into_iter().enumerate() {
            let step = Step { coef: 1.0, powers: [(i, 1)].into() };
            let ty = TensorType { elem, shape: Shape::new(dims), interval: elem.interval(), step };
            let node = b.push(Op::Weight(i), vec![], ty, name);
            b.declare_weight(WeightDecl { name: name.to_owned(), node, layout });
        }
        b.declare_rescale("q".to_owned(), 0, RescaleRule::Calibrated);
        let mut graph = b.finish();
        graph.steps.names = vec!["q".to_owned()];
        graph
    })
}

/// A true model file.
pub fn saved() -> &'static [u8] {
    static SAVED: OnceLock<Vec<u8>> = OnceLock::new();
    SAVED.get_or_init(|| {
        let path = scratch();
        let zeros = |(_, elem, dims, _): Declared| {
            let shape = Shape::new(dims);
            let values = vec![0; shape.len()];
            IntTensor::new(shape, elem, &values).expect("in range")
        };
        let params = Params { rescales: vec![Rescale { m: 1, s: 9 }], steps: vec![0.25] };
        save_model(&path, graph(), &DECLARED.map(zeros), &params).expect("saves");
        let bytes = std::fs::read(&path).expect("was written");
        std::fs::remove_file(&path).expect("the scratch file is still there");
        bytes
    })
}

/// A true file of float weights, of several types.
pub fn floats() -> &'static [u8] {
    static FLOATS: OnceLock<Vec<u8>> = OnceLock::new();
    FLOATS.get_or_init(|| {
        let bytes = [0x3c; 64];
        let dtypes = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64, Dtype::F32];
        let views = DECLARED.into_iter().zip(dtypes).map(|((name, _, dims, layout), dtype)| {
            let mut dims = dims.to_vec();
            if layout == Layout::OutIn {
                dims.reverse();
            }
            let len = dims.iter().product::<usize>() * dtype.bitsize() / 8;
            (format!("model.{name}"), TensorView::new(dtype, dims, &bytes[..len]).expect("long enough"))
        });
        safetensors::serialize(views, None).expect("serialises")
    })
}

/// A file with the declared tensors under this model header.
fn model_file(text: &str) -> Vec<u8> {
    let values = [0; 16];
    let views = DECLARED.into_iter().map(|(name, elem, dims, _)| {
        let dtype = match elem {
            Elem::I8 => Dtype::I8,
            Elem::I24 => Dtype::I32,
            _ => Dtype::I16,
        };
        let len = dims.iter().product::<usize>() * dtype.bitsize() / 8;
        (name, TensorView::new(dtype, dims.to_vec(), &values[..len]).expect("long enough"))
    });
    let metadata = HashMap::from([("zkml".to_owned(), text.to_owned())]);
    safetensors::serialize(views, Some(metadata)).expect("serialises")
}
