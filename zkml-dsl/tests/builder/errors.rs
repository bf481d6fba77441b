//! What is refused, and in which words.

use zkml_dsl::builder::{BuildError, Builder, Declared, Layout};
use zkml_dsl::{Elem, Error};
use zkml_ir::shape::ShapeError;

fn told(e: BuildError) -> String {
    e.to_string()
}

/// The macro's words (`tests/ui/ops/fail`), and the node's path for the place in the source.
#[test]
fn a_refused_call_says_what_the_macro_says() {
    let b = Builder::new("t").scope("blocks[3]");
    let x = b.input("x", Elem::I8, [4, 512]).unwrap();
    let w = b.weight("w", Elem::I8, [768, 8]).unwrap();
    let e = told(b.op("matmul").named("up").of([x, w]).unwrap_err());
    let want = "`matmul` needs equal inner dimensions: expected 512 rows, got 768\n  [4, 512] x [768, 8]\n  \
                at `matmul`, `blocks[3].up`: `w`, I8 [768, 8]";
    assert_eq!(e, want);

    let x = b.input("y", Elem::I8, [4, 768]).unwrap();
    let (w_qkv, w_out) =
        (b.weight("a", Elem::I8, [768, 2304]).unwrap(), b.weight("o", Elem::I8, [768, 768]).unwrap());
    let e = told(b.op("attention").arg("heads", 10).of([x, w_qkv, w_out]).unwrap_err());
    let want =
        "`heads` must divide the width 768, got 10\n  at `attention`, `blocks[3].attention`: `heads`\n  \
                help: these do: 1, 2, 3, 4, 6, 8, 12,";
    assert!(e.starts_with(want), "{e}");
}

#[test]
fn signatures_are_checked() {
    let b = Builder::new("t");
    let x = b.input("x", Elem::I8, [4, 8]).unwrap();
    let e = told(b.op("matmull").of([x, x]).unwrap_err());
    assert_eq!(e, "unknown op `matmull`\n  help: did you mean `matmul`?");
    assert_eq!(
        b.op("tensor_product").of([x, x]).unwrap_err(),
        BuildError::UnknownOp { op: "tensor_product".into(), nearest: None }
    );
    let e = told(b.op("slice").arg("axis", true).arg("range", 0..2).of(x).unwrap_err());
    assert!(e.starts_with("`axis` of `slice` is an integer"), "{e}");
    let e = told(b.op("slice").arg("axis", 0).of(x).unwrap_err());
    assert!(e.starts_with("`slice` needs `range = ..`"), "{e}");
    let e = told(b.op("relu").elem(Elem::I8).of(x).unwrap_err());
    assert!(e.contains("takes no element type, got `I8`\n  at `relu`, `relu`: `I8`"), "{e}");
    let e = told(b.op("slice").arg("axis", 0).arg("axis", 1).of(x).unwrap_err());
    assert_eq!(e, "`axis` of `slice` is given twice");
    let e = told(b.slice(x, usize::MAX, 0..2).unwrap_err());
    assert!(e.contains("has no axis"), "{e}");
}

#[test]
fn handles_belong_to_one_builder() {
    let (a, b) = (Builder::new("t"), Builder::new("t"));
    let (x, y) = (a.input("x", Elem::I8, [2, 2]).unwrap(), b.input("x", Elem::I8, [2, 2]).unwrap());
    assert_eq!(told(a.matmul(x, y).unwrap_err()), "`w` of `matmul` is a tensor of another builder");
    assert_eq!(
        told(a.op("attention").arg("mask", y).of([x, x, x]).unwrap_err()),
        "`mask` of `attention` is a tensor of another builder"
    );
    assert_eq!(told(a.output("y", y).unwrap_err()), "output `y` is a tensor of another builder");
    assert!(matches!(a.shape(y), Err(BuildError::Foreign { .. })));
    // A clone and a scope are the same builder.
    a.clone().scope("s").relu(x).unwrap();
}

#[test]
fn declarations_are_checked() {
    let b = Builder::new("t");
    let shape = |what, name: &str, source| BuildError::Shape { what, name: name.into(), source };
    assert_eq!(
        b.input("x", Elem::I8, []).unwrap_err(),
        shape(Declared::Input, "x", ShapeError::Rank { got: 0 })
    );
    let e = b.weights_under("h.0").weight("w", Elem::I8, [1; 7]).unwrap_err();
    assert_eq!(e, shape(Declared::Weight, "h.0.w", ShapeError::Rank { got: 7 }));
    let e = told(b.weight("w", Elem::I8, [8, 0]).unwrap_err());
    assert_eq!(e, "weight `w`: dimension 1 of shape [8, 0] is zero");
    let e = b.private_input("x", Elem::I8, [usize::MAX, 3]).unwrap_err();
    assert!(matches!(e, BuildError::Shape { source: ShapeError::Length { .. }, .. }), "{e}");
    let e = told(b.input("x", Elem::Acc, [8]).unwrap_err());
    assert!(e.starts_with("input `x` is an `Acc`, which is never stored"), "{e}");
    assert_eq!(b.weight("", Elem::I8, [8]).unwrap_err(), BuildError::NoName { what: Declared::Weight });

    let x = b.input("x", Elem::I8, [8]).unwrap();
    let same = |what, name: &str| BuildError::SameName { what, name: name.into() };
    assert_eq!(b.private_input("x", Elem::U8, [4]).unwrap_err(), same(Declared::Input, "x"));
    b.weight("h.w", Elem::I8, [8, 8]).unwrap();
    let e = b.weights_under("h").weight_with("w", Elem::I8, [8, 8], Layout::OutIn).unwrap_err();
    assert_eq!(e, same(Declared::Weight, "h.w"));
    b.output("y", x).unwrap();
    assert_eq!(b.output("y", x).unwrap_err(), same(Declared::Output, "y"));
    assert_eq!(b.output("", x).unwrap_err(), BuildError::NoName { what: Declared::Output });
}

#[test]
fn a_model_has_outputs_and_reads_all_it_declares() {
    let b = Builder::new("net");
    b.input("x", Elem::I8, [8]).unwrap();
    assert_eq!(told(b.finish().unwrap_err()), "model `net` has no outputs");
    let b = Builder::new("net");
    let x = b.input("x", Elem::I8, [8]).unwrap();
    b.input("mask", Elem::U8, [8]).unwrap();
    b.weight("w", Elem::I8, [8, 8]).unwrap();
    b.output("y", b.relu(x).unwrap()).unwrap();
    let e: Error = b.finish().unwrap_err().into();
    assert_eq!(e.to_string(), "input `mask` is never used\nweight `w` is never used");
}
