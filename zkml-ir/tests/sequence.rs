//! What language models add: embeddings of public and private tokens, grouped queries, windows.

mod common;

use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{run, RunError};
use zkml_ir::graph::{Graph, GraphBuilder, NodeId, Op, Params, Rescale};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::plan::{check, Source};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

fn op(b: &mut GraphBuilder, name: &str, t: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call =
        Call { tensors: t.to_vec(), named, elem: None, name: format!("{name}{}", b.graph().nodes.len()) };
    find(name).unwrap().build(b, &call).unwrap_or_else(|e| panic!("{e:?}"))[0]
}

fn embedding(tokens: &[i32], v: usize, d: usize, elem: Elem, private: bool) -> Case {
    let mut g = Model::new(v as u64 + d as u64);
    let t = g.input_as(Elem::I16, &[tokens.len()], 1.0, private);
    let w = g.weight(elem, &[v, d], 0.1);
    let e = op(&mut g.b, "embedding", &[t, w], &[]);
    let other = g.weight(Elem::I8, &[d, 3], 0.1);
    let y = g.matmul(e, other);
    g.values[0].1 = IntTensor::new(Shape::new([tokens.len()]), Elem::I16, tokens).unwrap();
    g.finish(y)
}

#[test]
fn rows_of_the_table() {
    for (tokens, v, d) in [
        (vec![0, 5, 5, 2], 6, 7),
        (vec![16], 17, 8),
        (vec![0, 31, 1, 30, 2, 29, 3, 28], 32, 12),
        (vec![11, 3, 0], 12, 1),
        (vec![0, 0], 1, 4),
    ] {
        for (elem, private) in [(Elem::I8, false), (Elem::I12, false), (Elem::I8, true), (Elem::I12, true)] {
            let mut case = embedding(&tokens, v, d, elem, private);
            let (w, other) = (case.weights[0].to_vec(), case.weights[1].to_vec());
            let want: Vec<i32> = tokens
                .iter()
                .flat_map(|&t| (0..3).map(move |j| (t as usize, j)))
                .map(|(t, j)| (0..d).map(|k| w[t * d + k] * other[k * 3 + j]).sum())
                .collect();
            assert_eq!(case.verify(), want, "{v} {d} {elem} {private}");
            let plan = case.lower().plan;
            let cells = plan.cells(|s| *s == Source::Trace);
            let flags = if private { tokens.len() * v } else { 0 };
            assert_eq!(cells as usize, tokens.len() * d + flags, "cells");
        }
    }
}

/// Two flags moved together: the one 1 of a row at another place keeps their sum, and its place gives it away.
#[test]
fn a_private_token_has_one_row() {
    let tokens = [3, 9];
    let case = embedding(&tokens, 12, 4, Elem::I8, true);
    let lowered = case.lower();
    let honest = case.trace(&lowered);
    let flag = lowered.plan.tensors.iter().position(|t| t.name.ends_with("/flag")).unwrap();
    for (from, to) in [(3, 4), (3, 0), (12 + 9, 12 + 5)] {
        let mut forged = honest.clone();
        let h = forged.tensors[flag].as_mut().unwrap();
        (h[from], h[to]) = (0, 1);
        let e = zkml_ir::exec::debug_check(&lowered.plan, &forged, &case.weights).unwrap_err();
        assert!(e.name().ends_with("/its place"), "{e}");
    }
}

#[test]
fn tokens_outside_the_table_are_errors() {
    for private in [false, true] {
        let mut case = embedding(&[3, 5], 6, 4, Elem::I8, private);
        for (index, value) in [(1, 6), (0, -1)] {
            let mut tokens = vec![3, 5];
            tokens[index] = value;
            case.inputs[0] = IntTensor::new(Shape::new([2]), Elem::I16, &tokens).unwrap();
            let e = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap_err();
            assert!(
                matches!(e, RunError::Range { index: i, value: v, .. } if i == index && v == value as i64),
                "{e}"
            );
        }
    }
}

/// A plan from a file may say anything of its rows.
#[test]
fn rows_of_another_input_are_refused() {
    let plan = embedding(&[3, 5], 6, 4, Elem::I8, false).lower().plan;
    check(&plan).unwrap();
    let at = plan.tensors.iter().position(|t| matches!(t.source, Source::OneHotOf(_))).unwrap();
    let input = plan.tensors.iter().position(|t| t.source == Source::PublicInput(0)).unwrap();
    let mut edits = vec![plan.clone(); 4];
    edits[0].tensors[at].source = Source::OneHotOf(1);
    edits[1].tensors[input].range = Interval::new(0, 6);
    edits[2].tensors[input].range = Interval::new(-1, 5);
    edits[3].tensors[at].range = Interval::new(0, 0);
    for (i, p) in edits.iter().enumerate() {
        assert!(check(p).is_err(), "{i}");
    }
}

/// Attention with its one rescale set by hand.
fn attention(q: &[usize], kv: &[usize], named: &[(&str, Arg)], seed: u64) -> Case {
    let mut b = GraphBuilder::new("attention");
    let input = |b: &mut GraphBuilder, n: &str, dims: &[usize]| b.input(n, Elem::I8, Shape::new(dims), false);
    let t = [input(&mut b, "q", q), input(&mut b, "k", kv), input(&mut b, "v", kv)];
    let y = op(&mut b, "attention", &t, named);
    b.output("y", y);
    let graph: Graph = b.finish();
    let params = Params { rescales: vec![Rescale { m: 1, s: 4 }], steps: vec![0.02; graph.steps.len()] };
    let mut rng = Rng(seed);
    let inputs = graph.inputs.iter().map(|p| {
        let ty = graph.ty(p.node);
        let values: Vec<i32> = (0..ty.shape.len()).map(|_| rng.within(Interval::new(-40, 40))).collect();
        IntTensor::new(ty.shape.clone(), ty.elem, &values).unwrap()
    });
    let inputs = inputs.collect();
    Case { graph, params, inputs, weights: vec![], rng }
}

/// `[.., t, g d]` with every head of d repeated s times.
fn repeat_heads(t: &IntTensor, d: usize, s: usize) -> IntTensor {
    let values: Vec<i32> = t
        .to_vec()
        .chunks(d)
        .flat_map(|head| std::iter::repeat_n(head, s).flatten().copied().collect::<Vec<_>>())
        .collect();
    let mut dims = t.shape().dims().to_vec();
    *dims.last_mut().unwrap() *= s;
    IntTensor::new(Shape::new(dims), Elem::I8, &values).unwrap()
}

#[test]
fn grouped_queries_share_keys_and_values() {
    for (lead, t, groups, shared, d) in
        [(vec![], 5, 2, 3, 4), (vec![2], 4, 1, 2, 8), (vec![], 3, 3, 1, 2), (vec![3], 6, 2, 2, 6)]
    {
        let dims = |heads: usize| [&lead[..], &[t, heads * d]].concat();
        let heads = groups * shared;
        let named = |kv: usize| {
            [
                ("heads", Arg::Int(heads as i64)),
                ("kv_heads", Arg::Int(kv as i64)),
                ("causal", Arg::Bool(true)),
            ]
        };
        let mut grouped = attention(&dims(heads), &dims(groups), &named(groups), 3);
        let mut plain = attention(&dims(heads), &dims(heads), &named(heads), 3);
        plain.inputs[0] = grouped.inputs[0].clone();
        for i in [1, 2] {
            plain.inputs[i] = repeat_heads(&grouped.inputs[i], d, shared);
        }
        assert_eq!(grouped.verify(), plain.verify(), "{lead:?} {t} {groups} {shared}");
    }
}

/// A window is the mask that forbids what is outside it, row by row.
#[test]
fn windows_hide_what_is_far() {
    for (t, window, causal) in [(6, 2, true), (9, 3, false), (12, 1, true), (5, 9, true), (8, 4, false)] {
        let (d, tau) = (3, 0.05);
        let mut g = Model::new(t as u64);
        let x = g.input(Elem::I8, &[1, t, t], tau);
        let v = g.input(Elem::I8, &[1, t, d], 0.1);
        let core = Op::AttentionCore { causal, window: Some(window), fraction: 0 };
        let o = g.push(core, &[x, v], Elem::I8, &[1, t, d], Elem::I8.interval(), 0.1);
        let mut case = g.finish(o);
        let got = case.verify();
        for i in 0..t {
            let near = |j: usize| i.abs_diff(j) < window as usize && (!causal || j <= i);
            let score = |j: usize| case.inputs[0].get(i * t + j) as f64 * tau;
            let max = (0..t).filter(|&j| near(j)).map(score).fold(f64::MIN, f64::max);
            let e: Vec<f64> = (0..t).map(|j| if near(j) { (score(j) - max).exp() } else { 0.0 }).collect();
            for c in 0..d {
                let mean = (0..t).map(|j| e[j] * case.inputs[1].get(j * d + c) as f64).sum::<f64>()
                    / e.iter().sum::<f64>();
                assert!(
                    (got[i * d + c] as f64 - mean).abs() < 0.52,
                    "{t} {window} {i}: {} {mean}",
                    got[i * d + c]
                );
            }
        }
    }
}
