//! The certificate, the soundness rule, and what a plan may not depend on.

mod common;

use common::Model;
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{certificate_trace, debug_check, run, trace, RunError};
use zkml_ir::graph::{Op, Rescale};
use zkml_ir::lower::{certificate, certificate_in_parts, lower, LowerError};
use zkml_ir::plan::{check, BoundBy, CheckError, LinExpr, Plan, Source};
use zkml_ir::tensor::IntTensor;

#[test]
fn the_certificate_bounds_every_weight() {
    let mut g = Model::new(1);
    let x = g.input(Elem::I8, &[2, 6], 0.1);
    let w = [Elem::I8, Elem::U8, Elem::I12, Elem::I16, Elem::I24].map(|e| g.weight(e, &[6], 0.1));
    let y = w.iter().fold(x, |acc, &w| g.binary(Op::Add, acc, w));
    let case = g.finish(y);
    let [lowered] = &certificate(&case.lower().plan).unwrap()[..] else { panic!("one part") };
    assert_eq!(lowered.plan.cells(|s| matches!(s, Source::Weight(_))), 30);
    let witness = certificate_trace(lowered, &case.weights).unwrap();
    debug_check(&lowered.plan, &witness, &case.weights).unwrap();
    for (i, w) in case.weights.iter().enumerate() {
        // A weight one above its type, in wider storage.
        let elem = [Elem::I8, Elem::U8, Elem::I12, Elem::I16, Elem::I24][i];
        let (shape, mut v) = (w.shape().clone(), w.to_vec());
        v[3] = elem.interval().hi as i32 + 1;
        let mut forged = case.weights.clone();
        forged[i] = IntTensor::from_checked(shape, Elem::Acc.interval(), v);
        assert!(debug_check(&lowered.plan, &witness, &forged).is_err(), "{elem}");
        let e = certificate_trace(lowered, &forged).unwrap_err();
        assert!(matches!(e, RunError::Range { index: 3, .. }));
    }
}

/// Each weight is bounded in one part, whatever the size of the parts; each part is sound by itself and sees to its own.
#[test]
fn parts_of_a_certificate_bound_every_weight_once() {
    let mut g = Model::new(1);
    let x = g.input(Elem::I8, &[2, 6], 0.1);
    let elems = [Elem::I8, Elem::I24, Elem::I12, Elem::I16, Elem::I8];
    let w = elems.map(|e| g.weight(e, &[6], 0.1));
    let y = w.iter().fold(x, |acc, &w| g.binary(Op::Add, acc, w));
    let case = g.finish(y);
    let plan = case.lower().plan;
    for (most, expected) in
        [(1, vec![1; 5]), (12, vec![1, 1, 2, 1]), (18, vec![2, 3]), (35, vec![4, 1]), (100, vec![5])]
    {
        let parts = certificate_in_parts(&plan, most).unwrap();
        let mut bounded = vec![0; 5];
        for (part, expected) in parts.iter().zip(&expected) {
            assert_eq!(part.plan.cells(|s| matches!(s, Source::Weight(_))), 30, "every part lays all out");
            let own = part.plan.tensors.iter().filter(|t| t.bound != BoundBy::Certificate);
            let own: Vec<usize> =
                own.filter_map(|t| if let Source::Weight(i) = t.source { Some(i) } else { None }).collect();
            assert_eq!(own.len(), *expected, "{most}");
            own.iter().for_each(|&i| bounded[i] += 1);
            let witness = certificate_trace(part, &case.weights).unwrap();
            debug_check(&part.plan, &witness, &case.weights).unwrap();
            for (i, elem) in elems.iter().enumerate() {
                let (shape, mut v) = (case.weights[i].shape().clone(), case.weights[i].to_vec());
                v[3] = elem.interval().lo as i32 - 1;
                let mut forged = case.weights.clone();
                forged[i] = IntTensor::from_checked(shape, Elem::Acc.interval(), v);
                assert_eq!(debug_check(&part.plan, &witness, &forged).is_err(), own.contains(&i));
            }
        }
        assert_eq!((parts.len(), bounded), (expected.len(), vec![1; 5]));
    }
}

/// A block with every op.
fn everything(seed: u64, rescale: Rescale, step: f64) -> common::Case {
    let mut g = Model::new(seed);
    let x = g.input(Elem::I8, &[4, 24], step);
    let w = g.weight(Elem::I8, &[24, 16], 0.1);
    let b = g.weight(Elem::I24, &[16], 0.1);
    let acc = g.matmul(x, w);
    let h = g.quantize(acc, Elem::I12, 20, rescale.m, rescale.s);
    let n = Interval::new(-512, 512);
    let n = g.push(Op::LayerNorm { epsilon: 1e-5 }, &[h], Elem::I16, &[4, 16], n, 1.0 / 128.0);
    let q = g.quantize(n, Elem::I8, 16, 1, 4);
    let r = g.unary(Op::Gelu, q, Elem::I8, step);
    let v = g.view(Op::Transpose { perm: vec![1, 0] }, &[r], &[16, 4]);
    let s = g.matmul(r, v);
    let s = g.quantize(s, Elem::I12, 16, 1, 6);
    let core = Op::AttentionCore { causal: true, window: None, fraction: 0 };
    let o = g.push(core, &[s, r], Elem::I8, &[4, 16], Elem::I8.interval(), step);
    let p = Interval::new(0, 1 << 14);
    let p = g.push(Op::Softmax { causal: false }, &[o], Elem::I16, &[4, 16], p, 1.0 / 16384.0);
    let y = g.binary(Op::Add, p, b);
    g.finish(y)
}

/// What the cost of a plan is made of.
fn structure(plan: &Plan) -> Vec<String> {
    let tensors = plan.tensors.iter().map(|t| format!("{} {:?} {:?}", t.name, t.axes, t.bound));
    let tables = plan.tables.iter().map(|t| format!("{} {}", t.name(), t.log_rows()));
    let lookups = plan.lookups.iter().map(|l| format!("{} {} {:?}", l.name, l.table, l.space));
    let constraints = plan.constraints.iter().map(|c| {
        let terms = c.products.iter().map(|p| p.a.expr.terms.len() + p.b.expr.terms.len());
        format!("{} {:?} {} {:?}", c.name, c.space, c.linear.terms.len(), terms.collect::<Vec<_>>())
    });
    tensors.chain(tables).chain(lookups).chain(constraints).collect()
}

#[test]
fn cost_depends_on_types_alone() {
    let base = structure(&everything(1, Rescale { m: 1, s: 1 }, 0.02).lower().plan);
    for (m, s, step) in [(1, 11, 0.02), (200, 9, 0.5), (7, 3, 1e-4)] {
        assert_eq!(structure(&everything(2, Rescale { m, s }, step).lower().plan), base);
    }
    let case = everything(3, Rescale { m: 1, s: 4 }, 0.02);
    let lowered = case.lower();
    let parts = &lowered.parts;
    assert_eq!(parts.len(), case.graph.nodes.len() + 1);
    assert!(parts.windows(2).all(|p| p[0].tensors.end == p[1].tensors.start
        && p[0].lookups.end == p[1].lookups.start
        && p[0].constraints.end == p[1].constraints.start));
    assert_eq!(parts.last().unwrap().tensors.end, lowered.plan.tensors.len());
    everything(3, Rescale { m: 1, s: 4 }, 0.02).verify();
}

#[test]
fn rescales_that_could_wrap_are_refused() {
    for (rescale, ok) in [
        ((1, 11), true),
        ((1, 12), false),
        ((4000, 2), true),
        ((6000, 2), false),
        ((0, 3), false),
        ((1, 0), false),
    ] {
        let case = everything(1, Rescale { m: rescale.0, s: rescale.1 }, 0.02);
        let got = lower(&case.graph, &case.params);
        assert_eq!(got.is_ok(), ok, "{rescale:?}");
        assert!(ok || matches!(got, Err(LowerError::Rescale { .. })));
    }
}

#[test]
fn inputs_out_of_range_and_windows_too_small_are_errors() {
    let mut case = everything(1, Rescale { m: 1, s: 4 }, 0.02);
    let shape = case.inputs[0].shape().clone();
    case.inputs[0] = IntTensor::from_checked(shape, Elem::I16.interval(), vec![300; 96]);
    let e = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap_err();
    assert!(matches!(e, RunError::Range { value: 300, index: 0, .. }));
    case.inputs = vec![];
    let e = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap_err();
    assert_eq!(e, RunError::Count { what: "inputs", expected: 1, got: 0 });
    // A window of 8 bits that the accumulators leave.
    let mut g = Model::new(1);
    let x = g.input(Elem::I8, &[4, 24], 0.1);
    let w = g.weight(Elem::I8, &[24, 16], 0.1);
    let acc = g.matmul(x, w);
    let y = g.quantize(acc, Elem::I8, 8, 1, 1);
    let case = g.finish(y);
    let lowered = case.lower();
    let e = trace(&case.graph, &lowered, &case.params, &case.weights, &case.inputs).unwrap_err();
    assert!(matches!(e, RunError::Window { window: 8, .. }));
}

type Edit = fn(&mut Plan);

#[test]
fn unsound_plans_are_refused() {
    let plan = everything(1, Rescale { m: 1, s: 4 }, 0.02).lower().plan;
    check(&plan).unwrap();
    let edits: [(&str, Edit); 11] = [
        ("a wider accumulator", |p| p.tensors[0].range = Interval::new(-(1 << 24), 1 << 24)),
        ("a narrower range", |p| cell(p, "/q").range = Interval::new(-100, 100)),
        ("no bound", |p| cell(p, "/r").bound = BoundBy::Public),
        ("another's bound", |p| {
            let bound = p.tensors.iter().find(|t| t.name.ends_with("/q")).unwrap().bound.clone();
            cell(p, "/base").bound = bound;
        }),
        ("a bound beyond the lookups", |p| cell(p, "/r").bound = BoundBy::Lookup { lookup: 999, entry: 0 }),
        ("a bound by something else", |p| cell(p, "/r").bound = BoundBy::Exact { constraint: 0 }),
        ("a sum bounded by itself", |p| {
            // A digit that a constraint is said to determine, over all that it may reach, and which stands in it twice.
            let constraint = p.constraints.iter().position(|c| c.name.ends_with("/sum")).unwrap();
            let digit = cell(p, "/s0");
            (digit.bound, digit.range) = (BoundBy::Exact { constraint }, Interval::new(-(1 << 29), 1 << 29));
            let own = p.constraints[constraint].linear.terms.last().unwrap().clone();
            p.constraints[constraint].linear.terms.push(own);
        }),
        ("a scaled entry", |p| {
            let l = p.lookups.iter_mut().find(|l| l.name.ends_with("/r")).unwrap();
            l.entries[1] = l.entries[1].scaled(2);
        }),
        ("an entry too many", |p| p.lookups[0].entries.push(LinExpr::constant(0))),
        ("an entry that wraps", |p| {
            let l = p.lookups.iter_mut().find(|l| l.name.ends_with("/exp")).unwrap();
            l.entries[0] = l.entries[0].scaled(1 << 20);
        }),
        ("a constraint that wraps", |p| {
            let c = p.constraints.iter_mut().find(|c| c.name.ends_with("/division")).unwrap();
            c.linear = c.linear.scaled(1 << 12);
        }),
    ];
    for (what, edit) in edits {
        let mut p = plan.clone();
        edit(&mut p);
        let got = check(&p);
        assert!(got.is_err(), "{what}");
    }
    let mut p = plan.clone();
    cell(&mut p, "/q").range = Interval::new(-100, 100);
    assert!(matches!(check(&p), Err(CheckError::Unbounded { .. })));
    let mut p = plan;
    p.constraints.iter_mut().for_each(|c| c.products.iter_mut().for_each(|p| p.proven = None));
    assert!(matches!(check(&p), Err(CheckError::Wraps { .. })));
}

fn cell<'a>(p: &'a mut Plan, role: &str) -> &'a mut zkml_ir::plan::TensorDecl {
    p.tensors.iter_mut().find(|t| t.name.ends_with(role)).unwrap()
}

/// What ops prove of their cells starts from the intervals of nodes, so a graph made by hand cannot claim narrower ones.
#[test]
fn a_node_s_interval_holds_its_cells() {
    let mut g = Model::new(3);
    let x = g.input(Elem::I8, &[2, 6], 0.1);
    let y = g.binary(Op::Add, x, x);
    let case = g.finish(y);
    let narrow = |interval| {
        let mut graph = case.graph.clone();
        graph.nodes[y].ty.interval = interval;
        lower(&graph, &case.params).map(|_| ())
    };
    assert_eq!(narrow(Interval::new(-256, 254)), Ok(()));
    for interval in [Interval::new(-255, 254), Interval::new(-256, 253), Interval::new(0, 254)] {
        let e = narrow(interval).unwrap_err();
        assert!(matches!(e, LowerError::Interval { declared, .. } if declared == interval), "{e}");
    }
}
