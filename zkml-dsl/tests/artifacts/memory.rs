//! What does not fit into memory is refused by name, before anything of its size is allocated.

use super::{input, model};
use zkml_dsl::engine::{
    available_memory, estimate_memory, Error, FloatWeights, MemoryError, Model, SecurityLevel, Task,
};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, Params, Rescale};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

/// `quantize_int8(x w)` with x `[m, k]` and w `[k, n]`.
fn product(m: usize, k: usize, n: usize) -> Graph {
    let mut b = GraphBuilder::new("product");
    let x = b.input("x", Elem::I8, Shape::new([m, k]), false);
    let w = b.weight("w", Elem::I8, Shape::new([k, n]), Layout::InOut);
    let acc =
        find("matmul").unwrap().build(&mut b, &Call { tensors: vec![x, w], ..Call::default() }).unwrap()[0];
    let named = [("shift".to_string(), Arg::Int(8))].into();
    let shift = Call { tensors: vec![acc], named, ..Call::default() };
    let y = find("quantize_int8").unwrap().build(&mut b, &shift).unwrap()[0];
    b.output("y", y);
    b.finish()
}

fn params(graph: &Graph) -> Params {
    Params { rescales: vec![Rescale { m: 1, s: 8 }], steps: vec![1.0; graph.steps.names.len()] }
}

/// A thousand million weights in one tensor, which one part of a certificate still takes. Where that fits, what is missing is told instead: the
/// weights, the file, the samples.
#[test]
fn a_model_that_does_not_fit_is_refused() {
    let graph = || product(1, 1 << 15, 31 << 10);
    let setup = estimate_memory(&graph(), SecurityLevel::default()).unwrap().setup;
    assert!(setup > 16 << 30, "{setup}");
    let fits = available_memory().is_some_and(|available| available > setup);
    let refused = |result: Result<Model, Error>| match result {
        Err(Error::Memory(MemoryError { task: Task::Setup, needed, available })) => {
            assert!(!fits && needed > available && needed >= setup, "{needed}, {available}, {setup}");
        }
        other => assert!(fits && other.is_err(), "{other:?}"),
    };
    refused(Model::new(graph(), vec![], params(&graph())));
    refused(Model::load(graph(), "no such file"));
    refused(Model::calibrate(graph(), &FloatWeights::default(), &[]));
}

#[test]
fn a_proof_that_does_not_fit_is_refused() {
    let (model, x) = (model("net", false), [input()]);
    let needed = model.memory().prove;
    let error = model.prove_within(needed - 1, &x).unwrap_err();
    let expected = MemoryError { task: Task::Proof, needed, available: needed - 1 };
    assert!(matches!(&error, Error::Memory(e) if *e == expected), "{error}");
    assert_eq!(model.prove_within(needed, &x).unwrap(), model.prove(&x).unwrap());
}

#[test]
fn a_larger_model_and_a_larger_blow_up_need_more() {
    let of = |m, n, level| estimate_memory(&product(m, 1024, n), level).unwrap();
    let base = of(64, 1024, SecurityLevel::Proven);
    let (rows, columns) = (of(256, 1024, SecurityLevel::Proven), of(64, 4096, SecurityLevel::Proven));
    assert!(rows.prove > base.prove && rows.weights == base.weights);
    assert!(columns.weights == 4 * base.weights && columns.setup > 2 * base.setup);
    let compact = of(64, 1024, SecurityLevel::ProvenCompact);
    assert!(compact.held > base.held && compact.prove > base.prove && compact.weights == base.weights);
}

#[cfg(target_os = "linux")]
mod measured {
    use super::*;
    use std::process::Command;

    /// Sets a model up and proves with it, in a process that does nothing else.
    #[test]
    #[ignore = "a process that the test of this module starts"]
    fn proves() {
        let (k, n) = (1024, 2048);
        let graph = product(64, k, n);
        let small = |len: usize| (0..len).map(|i| (i * 7 % 3) as i32 - 1).collect::<Vec<_>>();
        let w = IntTensor::new(Shape::new([k, n]), Elem::I8, &small(k * n)).unwrap();
        let x = IntTensor::new(Shape::new([64, k]), Elem::I8, &small(64 * k)).unwrap();
        let model = Model::new(graph.clone(), vec![w], params(&graph)).unwrap();
        model.prove(&[x]).unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
        let kib: u64 = peak.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        println!("measured {} {}", kib << 10, model.memory().process());
    }

    #[test]
    fn the_estimate_is_near() {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "memory::measured::proves"])
            .output()
            .unwrap();
        let out = String::from_utf8(run.stdout).unwrap();
        let (_, figures) = out.split_once("measured ").unwrap_or_else(|| panic!("{out}"));
        let mut figures = figures.split_whitespace().map(|f| f.parse::<f64>().unwrap());
        let (measured, estimate) = (figures.next().unwrap(), figures.next().unwrap());
        let ratio = estimate / measured;
        assert!((0.75..1.25).contains(&ratio), "estimate {estimate}, measured {measured}: {ratio:.2}");
    }
}
