use super::*;
use crate::elem::Elem;
use crate::graph::{Layout, Op};
use crate::tables::Function;

fn e(kind: ExprKind) -> Expr {
    Expr { kind, origin: 1 }
}
fn int(v: i64) -> Expr {
    e(ExprKind::Int(v))
}
fn var(n: &str) -> Expr {
    e(ExprKind::Name(n.into()))
}
fn bin(op: BinOp, l: Expr, r: Expr) -> Expr {
    e(ExprKind::Binary { op, at: 2, left: Box::new(l), right: Box::new(r) })
}
fn call(callee: CalleeRef, args: Vec<Expr>) -> Expr {
    e(ExprKind::Call(CallExpr { callee, head: 3, turbofish: None, args, named: vec![] }))
}
fn op(name: &str, args: Vec<Expr>) -> Expr {
    call(CalleeRef::Op(name.into()), args)
}
fn name(text: &str) -> Name {
    Name { text: text.into(), origin: 4 }
}
fn spec(elem: Elem, dims: Vec<Expr>) -> TensorSpec {
    TensorSpec { elem, dims, origin: 5 }
}
fn param(text: &str, ty: ParamType) -> Param {
    Param { name: name(text), mutable: true, ty, private: false, file: None, layout: Layout::InOut }
}
fn dim(text: &str, value: Expr) -> Dim {
    Dim { name: name(text), value }
}

/// `quantize_int8(matmul(x, w))` at `[SEQ, D]`.
fn layer() -> Module {
    let shape = || spec(Elem::I8, vec![var("SEQ"), var("D")]);
    Module {
        name: "layer".into(),
        dims: vec![dim("SEQ", int(4)), dim("D", int(8)), dim("DD", bin(BinOp::Mul, var("D"), int(1)))],
        params: vec![
            param("x", ParamType::Tensor(shape())),
            param("w", ParamType::Weight(spec(Elem::I8, vec![var("D"), var("DD")]))),
        ],
        returns: Returns { types: vec![("output".into(), shape())], tuple: false },
        body: vec![],
        result: op("quantize_int8", vec![op("matmul", vec![var("x"), var("w")])]),
        callees: vec![],
    }
}

/// `for l in 0..L { x = layer(x, layers[l]); } x`, whose shape is not the callee's default.
fn stack() -> Module {
    let shape = || spec(Elem::I8, vec![int(2), int(6)]);
    let layers = Bundle::Array(Box::new(Bundle::Model(0)), var("L"));
    let one = e(ExprKind::Index { base: Box::new(var("layers")), index: Box::new(var("l")) });
    let assign = Stmt::Assign { name: name("x"), value: call(CalleeRef::Model(0), vec![var("x"), one]) };
    Module {
        name: "stack".into(),
        dims: vec![dim("L", int(2))],
        params: vec![
            param("x", ParamType::Tensor(shape())),
            Param { file: Some("h".into()), ..param("layers", ParamType::Weights(layers)) },
        ],
        returns: Returns { types: vec![("x".into(), shape())], tuple: false },
        body: vec![Stmt::For { var: name("l"), start: int(0), end: var("L"), body: vec![assign] }],
        result: var("x"),
        callees: vec![Callee { path: "layer".into(), module: Some(layer()) }],
    }
}

fn messages(m: &Module, dims: &[(String, usize)]) -> Vec<String> {
    elaborate(m, dims).unwrap_err().iter().map(|d| d.to_string()).collect()
}

#[test]
fn round_trip() {
    let m = stack();
    assert_eq!(Module::decode(&m.encode()), Ok(m.clone()));
    assert_eq!(Module::decode(&[]), Err(DecodeError::Poisoned));
    assert_eq!(Module::decode(&[200]), Err(DecodeError::Version { got: 200 }));
    let mut bytes = m.encode();
    bytes.truncate(10);
    assert_eq!(Module::decode(&bytes), Err(DecodeError::Damaged));
}

#[test]
fn calls_are_inlined_and_loops_unrolled() {
    let g = elaborate(&stack(), &[("L".into(), 3)]).unwrap();
    let names: Vec<_> = g.weights.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names, ["h.0.w", "h.1.w", "h.2.w"]);
    assert_eq!(g.ty(g.weights[2].node).shape.dims(), [6, 6]);
    assert_eq!(g.rescales.len(), 3);
    let last = g.node(g.outputs[0].node);
    assert_eq!(last.name, "layer[2].quantize_int8");
    assert_eq!(last.ty.shape.dims(), [2, 6]);
}

#[test]
fn equal_models_give_equal_graphs() {
    assert_eq!(elaborate(&stack(), &[]).unwrap(), elaborate(&stack(), &[("L".into(), 2)]).unwrap());
}

#[test]
fn computed_dims_cannot_be_set() {
    let got = messages(&layer(), &[("DD".into(), 3), ("K".into(), 3)]);
    assert_eq!(got, ["dimension `DD` follows from others and cannot be set", "`layer` has no dimension `K`"]);
    assert_eq!(layer().free_dims().collect::<Vec<_>>(), ["SEQ", "D"]);
}

#[test]
fn one_mistake_is_one_error() {
    let mut m = layer();
    // The product of the wrong shapes is used on, in vain.
    m.params[1].ty = ParamType::Weight(spec(Elem::I8, vec![int(7), var("D")]));
    let bad = op("quantize_int8", vec![op("matmul", vec![var("x"), var("w")])]);
    m.body =
        vec![Stmt::Let { pattern: Pattern::Name { name: name("h"), mutable: false }, ty: None, value: bad }];
    m.result = bin(BinOp::Add, var("h"), var("h"));
    let got = messages(&m, &[]);
    assert_eq!(got.len(), 1, "{got:?}");
    assert!(got[0].starts_with("`matmul` needs equal inner dimensions"), "{got:?}");
}

#[test]
fn a_mistake_in_a_loop_is_told_once() {
    let mut m = stack();
    m.callees[0].module.as_mut().unwrap().params[1].ty =
        ParamType::Weight(spec(Elem::I8, vec![int(7), var("D")]));
    let got = elaborate(&m, &[]).unwrap_err();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].origin, 1);
    assert!(got[0].message.starts_with("in `layer`: `matmul` needs equal"), "{}", got[0]);
    assert_eq!(got[0].notes.last().unwrap(), "at `matmul(x, w)`");
}

#[test]
fn a_failed_callee_says_nothing_here() {
    let mut m = stack();
    m.callees[0].module = None;
    assert_eq!(elaborate(&m, &[]), Err(vec![]));
}

#[test]
fn sets_that_no_call_takes_are_unused() {
    let mut m = stack();
    let Stmt::For { end, .. } = &mut m.body[0] else { unreachable!() };
    *end = int(1);
    assert_eq!(messages(&m, &[]), ["weights `layers[1]` are never used"]);
}

#[test]
fn an_assignment_keeps_the_type() {
    let mut m = layer();
    m.body = vec![Stmt::Assign { name: name("x"), value: op("matmul", vec![var("x"), var("w")]) }];
    let want =
        "`x` is `I8, [4, 8]` and stays so, got `Acc, [4, 8]`\n  help: quantize it back: `quantize::<I8>(..)`";
    assert_eq!(messages(&m, &[]), [want]);
}

/// `clamp(gelu(x, tanh = true), lo = -1.5, hi = 6)`
#[test]
fn functions_take_named_numbers_and_flags() {
    let arg = |text: &str, value| Named { name: name(text), value };
    let with = |callee: &str, x, named| {
        e(ExprKind::Call(CallExpr {
            callee: CalleeRef::Op(callee.into()),
            head: 3,
            turbofish: None,
            args: vec![x],
            named,
        }))
    };
    let model = |lo: f64| {
        let gelu = with("gelu", var("x"), vec![arg("tanh", e(ExprKind::Bool(true)))]);
        let lo = e(ExprKind::Neg(Box::new(e(ExprKind::Real(lo)))));
        let mut m = layer();
        m.dims.truncate(2);
        m.params.truncate(1);
        m.result = with("clamp", gelu, vec![arg("lo", lo), arg("hi", int(6))]);
        m
    };
    let g = elaborate(&model(1.5), &[]).unwrap();
    let ops: Vec<_> = g.nodes.iter().map(|n| n.op.clone()).collect();
    assert_eq!(ops, [Op::Input(0), Op::Map(Function::GeluTanh), Op::Clamp { lo: -1.5, hi: 6.0 }]);
    assert_eq!(Module::decode(&model(1.5).encode()), Ok(model(1.5)));
    let want = "`lo` must not be above `hi`, got lo = 7, hi = 6";
    assert!(messages(&model(-7.0), &[])[0].starts_with(want), "{:?}", messages(&model(-7.0), &[]));
}

#[test]
fn default_dims_fill_types() {
    let m = layer();
    let d = DefaultDims::new(&m.dims);
    assert_eq!(d.shape(&spec(Elem::I8, vec![var("DD"), var("unknown"), int(3)])), [8, 1, 3]);
}

#[test]
fn near_names() {
    assert_eq!(edit_distance("matmul", "mtamul"), 1);
    assert_eq!(edit_distance("relu", "gelu"), 1);
    assert_eq!(edit_distance("", "exp"), 3);
    assert_eq!(nearest("matmull", ["relu", "matmul"], 1), Some("matmul"));
    assert_eq!(nearest("block", ["relu", "matmul"], 1), None);
}

#[test]
fn tensors_are_divided_by_integers_only() {
    let quotient = |right: Expr| {
        let mut m = layer();
        m.params[1].ty = ParamType::Weight(spec(Elem::I8, vec![var("SEQ"), var("D")]));
        m.result = bin(BinOp::Div, bin(BinOp::Add, var("x"), var("w")), right);
        m
    };
    let g = elaborate(&quotient(int(2)), &[]).unwrap();
    assert_eq!(
        (g.node(g.outputs[0].node).op.clone(), g.ty(g.outputs[0].node).elem),
        (Op::DivInt(2), Elem::I8)
    );
    let refused = ["a tensor is divided by an integer only: `x / 7` rounds down\n  \
         help: multiply by a constant, `x * 0.125`: it only changes the step"];
    assert_eq!(messages(&quotient(e(ExprKind::Real(2.0))), &[]), refused);
    assert_eq!(messages(&quotient(var("x")), &[]), refused);
    let got = messages(&quotient(int(0)), &[]);
    assert!(got[0].starts_with("a tensor is divided by an integer from 1 to 65536, got 0"), "{got:?}");
}

/// One integer for both sides, or a list; several results make a tuple.
#[test]
fn numbers_of_windows_and_parts() {
    let windows = |value: Expr| {
        let mut m = layer();
        m.params[0].ty = ParamType::Tensor(spec(Elem::I8, vec![int(2), int(8), int(8)]));
        m.params.truncate(1);
        m.returns.types[0].1 = spec(Elem::I8, vec![int(2), int(4), int(4)]);
        let mut pool = op("max_pool", vec![var("x")]);
        if let ExprKind::Call(c) = &mut pool.kind {
            c.named = vec![Named { name: name("kernel"), value }];
        }
        m.result = pool;
        m
    };
    for value in [int(2), e(ExprKind::List(vec![int(2), int(2)]))] {
        let g = elaborate(&windows(value), &[]).unwrap();
        assert_eq!(g.ty(g.outputs[0].node).shape.dims(), [2, 4, 4]);
    }
    let real = windows(e(ExprKind::Real(2.0)));
    assert_eq!(messages(&real, &[]), ["`kernel` is an integer, got a real number"]);

    let mut m = layer();
    m.params.truncate(1);
    m.returns.types[0].1 = spec(Elem::I8, vec![int(4), int(4)]);
    let mut split = op("split", vec![var("x")]);
    if let ExprKind::Call(c) = &mut split.kind {
        let arg = |n: &str, v| Named { name: name(n), value: int(v) };
        c.named = vec![arg("axis", 1), arg("parts", 2)];
    }
    let one = |n: &str| Pattern::Name { name: name(n), mutable: false };
    let pattern = Pattern::Tuple(vec![one("a"), one("b")], 6);
    m.body = vec![Stmt::Let { pattern, ty: None, value: split }];
    m.result = op("quantize_int8", vec![bin(BinOp::Sub, var("a"), var("b"))]);
    let g = elaborate(&m, &[]).unwrap();
    assert_eq!(g.ty(g.outputs[0].node).shape.dims(), [4, 4]);
}
