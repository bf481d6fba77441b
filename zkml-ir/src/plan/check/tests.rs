use super::*;
use crate::elem::Interval;
use crate::plan::*;
use crate::tables::{Ranges, Table};

/// acc = x w, a public I8 and a committed I8; acc + half = 2^s q + r, with q and r looked up.
fn plan(s: u32, q_bits: u32) -> Plan {
    let space = Space::of(&[2, 6]);
    let tensor = |name: &str, source, lo, hi, bound| TensorDecl {
        name: name.into(),
        source,
        axes: space.clone(),
        range: Interval::new(lo, hi),
        bound,
    };
    let half = 1i64 << (q_bits - 1);
    let tensors = vec![
        tensor("x", Source::PublicInput(0), -128, 127, BoundBy::Public),
        tensor("w", Source::Weight(0), -128, 127, BoundBy::Certificate),
        tensor("q", Source::Trace, -half, half - 1, BoundBy::Lookup { lookup: 0, entry: 1 }),
        tensor("r", Source::Trace, 0, (1 << s) - 1, BoundBy::Lookup { lookup: 1, entry: 1 }),
    ];
    let view = |t| LinExpr::view(View::identity(t, &space));
    let lookup = |name: &str, bits: u32, e| Lookup {
        name: name.into(),
        table: 0,
        space: space.clone(),
        entries: vec![LinExpr::constant(bits as i64), e],
    };
    let factor = |t| Factor { axes: vec![0, 1], expr: view(t) };
    let product = Product { coef: 1, contracted: vec![], a: factor(0), b: factor(1), proven: None };
    Plan {
        tensors,
        tables: vec![Table::Ranges(Ranges { max_bits: 16 })],
        lookups: vec![lookup("q", q_bits, view(2).plus_constant(half)), lookup("r", s, view(3))],
        constraints: vec![Constraint {
            name: "rescale".into(),
            space: space.clone(),
            linear: view(2).scaled(-1 << s).plus(view(3).scaled(-1)).plus_constant(1 << (s - 1)),
            products: vec![product],
        }],
        steps: vec![],
    }
}

#[test]
fn a_rescale_is_sound_while_quotients_are_unique() {
    for s in 1..=14 {
        assert_eq!(check(&plan(s, 16)), Ok(()), "s = {s}");
    }
    // 2^s q spans the field: q + 2^15 and r - 1 would satisfy the same equation modulo p.
    assert!(matches!(check(&plan(16, 16)), Err(CheckError::Wraps { .. })));
}

#[test]
fn bounds_must_bound() {
    let fails = |change: &dyn Fn(&mut Plan), want: &str| {
        let mut p = plan(8, 16);
        change(&mut p);
        match check(&p) {
            Err(CheckError::Unbounded { what, .. }) => assert!(what.contains(want), "{what}"),
            other => panic!("{want}: {other:?}"),
        }
    };
    fails(&|p| p.tensors[3].range = Interval::new(0, 254), "the table allows [0, 255]");
    fails(&|p| p.lookups[1].entries[0] = LinExpr::constant(9), "the table allows [0, 511]");
    fails(&|p| p.tensors[2].bound = BoundBy::Certificate, "is no bound");
    fails(&|p| p.tensors[2].bound = BoundBy::Public, "is no bound");
    fails(&|p| p.tensors[2].bound = BoundBy::Lookup { lookup: 1, entry: 1 }, "not this tensor alone");
    fails(&|p| p.tensors[2].bound = BoundBy::Lookup { lookup: 2, entry: 1 }, "no such lookup");
    fails(&|p| p.lookups[1].entries[1] = p.lookups[1].entries[1].scaled(2), "not this tensor alone");
    fails(&|p| p.tensors[3].bound = BoundBy::Exact { constraint: 0 }, "the constraint allows");
    fails(&|p| p.tensors[2].bound = BoundBy::Exact { constraint: 0 }, "does not define it");
    // A lookup that sees one column of a matrix.
    fails(
        &|p| {
            let space = Space::of(&[2, 6]);
            let part = View::identity(3, &space).slice(&space, 1, 0, 2).unwrap();
            p.lookups[1].space = Space::of(&[2, 2]);
            p.lookups[1].entries[1] = LinExpr::view(part);
        },
        "does not see every cell",
    );
}

#[test]
fn exact_cells_rest_on_bounded_ones() {
    let mut p = plan(8, 16);
    let space = Space::of(&[2]);
    let sum = |coef| {
        let view = View::identity(3, &Space::of(&[2, 6]));
        LinExpr { terms: vec![Term { coef, view, summed: vec![Axis::new(6)] }], constant: 0 }
    };
    let own = |t| LinExpr::view(View::identity(t, &Space::of(&[2])));
    p.tensors.push(TensorDecl {
        name: "s".into(),
        source: Source::Trace,
        axes: space.clone(),
        range: Interval::new(0, 6 * 255),
        bound: BoundBy::Exact { constraint: 1 },
    });
    p.constraints.push(Constraint {
        name: "sum".into(),
        space: space.clone(),
        linear: own(4).plus(sum(-1)),
        products: vec![],
    });
    assert_eq!(check(&p), Ok(()));
    let mut narrow = p.clone();
    narrow.tensors[4].range = Interval::new(0, 1000);
    assert!(matches!(check(&narrow), Err(CheckError::Unbounded { .. })));
    // Two cells that define each other.
    let mut circle = p.clone();
    circle.tensors.push(TensorDecl {
        name: "t".into(),
        bound: BoundBy::Exact { constraint: 2 },
        ..p.tensors[4].clone()
    });
    circle.constraints[1].linear = own(4).plus(own(5).scaled(-1));
    circle
        .constraints
        .push(Constraint { linear: own(5).plus(own(4).scaled(-1)), ..p.constraints[1].clone() });
    let circular =
        |e| matches!(e, Err(CheckError::Unbounded { what, .. }) if what.contains("rests on itself"));
    assert!(circular(check(&circle)));
}

#[test]
fn digits_must_address_the_tensor() {
    let fails = |change: &dyn Fn(&mut View)| {
        let mut p = plan(8, 16);
        change(&mut p.lookups[1].entries[1].terms[0].view);
        assert!(matches!(check(&p), Err(CheckError::Structure { .. })), "{:?}", check(&p));
    };
    fails(&|v| v.tensor = 9);
    fails(&|v| v.slab = 1);
    fails(&|v| v.fixed.push((0, true)));
    fails(&|v| v.axes.truncate(1));
    fails(&|v| v.axes[0] = AxisMap::Broadcast);
    fails(&|v| v.axes.swap(0, 1));
    let mut p = plan(8, 16);
    p.lookups[0].entries.truncate(1);
    assert!(matches!(check(&p), Err(CheckError::Structure { .. })));
    p.lookups[0].table = 1;
    assert!(matches!(check(&p), Err(CheckError::Structure { .. })));
}

#[test]
fn an_entry_must_not_meet_the_table_modulo_p() {
    let mut p = plan(8, 16);
    let e = LinExpr::view(View::identity(2, &Space::of(&[2, 6]))).scaled(1 << 16);
    p.lookups.push(Lookup { entries: vec![LinExpr::constant(8), e], ..p.lookups[1].clone() });
    assert!(matches!(check(&p), Err(CheckError::EntryWraps { entry: 1, .. })));
}

/// What a deserialised plan may ask a verifier to hold.
#[test]
fn a_plan_is_small_enough_to_be_held() {
    let fails = |change: &dyn Fn(&mut Plan), want: &str| {
        let mut p = plan(8, 16);
        change(&mut p);
        match check(&p) {
            Err(CheckError::TooLarge { what, max, got }) => {
                assert_eq!(what, want);
                assert!(got > max);
            }
            other => panic!("{want}: {other:?}"),
        }
    };
    let axes = |odd, bits| Space(vec![Axis { odd, bits }]);
    let unused = |p: &mut Plan, axes: Space, source| {
        let bound = BoundBy::Certificate;
        p.tensors.push(TensorDecl { name: "v".into(), source, axes, range: Interval::new(0, 1), bound })
    };
    fails(&|p| unused(p, axes(1, 35), Source::Weight(1)), "committed cells");
    fails(&|p| unused(p, axes((1 << 24) + 1, 0), Source::Weight(1)), "committed slabs");
    let table = Table::Span(crate::tables::Span { lo: 0, hi: (1 << 20) - 1 });
    fails(&|p| p.tables.extend(vec![table; 64]), "rows of tables");
    let step = crate::tables::StepBits::new(1.0).unwrap();
    let last = (1 << 20) - 1;
    let exp = crate::tables::ExpTable { scale: 1, top_bits: 15, log_grain: 0, range: last, last, step };
    let exp = Table::Exp(exp);
    fails(&|p| p.tables.extend(vec![exp; 5]), "rows of tables of functions");
    fails(&|p| unused(p, axes((1 << 23) + 1, 0), Source::PublicInput(1)), "odd digits of one index space");
    let wide = |p: &mut Plan| {
        let lookup = Lookup {
            name: "wide".into(),
            table: 0,
            space: axes((1 << 22) - 1, 0),
            entries: vec![LinExpr::constant(0), LinExpr::constant(0)],
        };
        p.lookups.extend(vec![lookup; 5]);
    };
    fails(&wide, "slabs of lookups");
    let summed =
        |p: &mut Plan| p.constraints[0].products[0].contracted.push(Axis { odd: (1 << 22) + 1, bits: 0 });
    let mut p = plan(8, 16);
    summed(&mut p);
    assert!(check(&p).is_err());
}

#[test]
fn a_plan_s_indices_are_those_of_a_model() {
    let fails = |change: &dyn Fn(&mut Plan), want: &str| {
        let mut p = plan(8, 16);
        change(&mut p);
        match check(&p) {
            Err(CheckError::Structure { what, .. }) => assert!(what.contains(want), "{what}"),
            other => panic!("{want}: {other:?}"),
        }
    };
    fails(&|p| p.tensors[0].source = Source::PublicInput(usize::MAX), "at most");
    fails(&|p| p.tensors[1].source = Source::Weight(4), "is number 4 of at most 4");
    fails(&|p| p.tensors[0].axes.0.extend(vec![Axis { odd: 1, bits: 0 }; 5]), "axes, at most 6");
    // Tables are checked whether or not they are used.
    fails(&|p| p.tables.push(Table::Span(crate::tables::Span { lo: 1, hi: 0 })), "impossible");
}

/// Strides are numbers of the plan: their sum must not come back into the tensor.
#[test]
fn slabs_that_no_integer_holds_are_refused() {
    let mut p = plan(8, 16);
    let digits = |radix| AxisMap::Digits {
        odd: vec![OddDigit { radix, stride: u32::MAX, offset: 0, count: radix }],
        bits: vec![],
    };
    let term = &mut p.constraints[0].linear.terms[0];
    term.view = View {
        tensor: 2,
        slab: 0,
        fixed: vec![(0, true), (1, true)],
        axes: vec![digits(u32::MAX), digits(255)],
    };
    p.constraints[0].space = Space(vec![Axis { odd: u32::MAX, bits: 0 }, Axis { odd: 255, bits: 0 }]);
    p.constraints[0].linear.terms.truncate(1);
    match check(&p) {
        Err(CheckError::Structure { what, .. }) => assert!(what.starts_with("slab "), "{what}"),
        other => panic!("{other:?}"),
    }
}

/// Ends beyond what an i64 holds do not cancel.
#[test]
fn a_constraint_beyond_every_integer_wraps() {
    let mut p = plan(8, 16);
    p.tensors.push(TensorDecl {
        name: "large".into(),
        source: Source::PublicInput(1),
        axes: Space::of(&[2, 6]),
        range: Interval::new(1 << 20, 1 << 28),
        bound: BoundBy::Public,
    });
    let large = LinExpr::view(View::identity(4, &Space::of(&[2, 6])));
    p.constraints[0].linear = large.scaled(-(1 << 52)).plus_constant(i64::MAX);
    p.constraints[0].products.clear();
    assert!(matches!(check(&p), Err(CheckError::Wraps { .. })), "{:?}", check(&p));
}

#[test]
fn a_long_chain_of_exact_cells_is_followed() {
    let n = 200_000;
    let one = Space::of(&[1]);
    let own = |t| LinExpr::view(View::identity(t, &one));
    let tensor = |i: usize| TensorDecl {
        name: String::new(),
        source: Source::Trace,
        axes: one.clone(),
        range: Interval::new(0, 255),
        bound: match i + 1 == n {
            true => BoundBy::Lookup { lookup: 0, entry: 1 },
            false => BoundBy::Exact { constraint: i },
        },
    };
    let link = |i: usize| Constraint {
        name: String::new(),
        space: one.clone(),
        linear: own(i).plus(own(i + 1).scaled(-1)),
        products: vec![],
    };
    let mut p = Plan {
        tensors: (0..n).map(tensor).collect(),
        tables: vec![Table::Ranges(Ranges { max_bits: 8 })],
        lookups: vec![Lookup {
            name: String::new(),
            table: 0,
            space: one.clone(),
            entries: vec![LinExpr::constant(8), own(n - 1)],
        }],
        constraints: (0..n - 1).map(link).collect(),
        steps: vec![],
    };
    assert_eq!(check(&p), Ok(()));
    p.constraints[n - 2].linear = own(n - 2).plus(own(0).scaled(-1));
    assert!(matches!(check(&p), Err(CheckError::Unbounded { what, .. }) if what.contains("rests on itself")));
}

/// The parts of a concatenation do not add up, unless they are so many that comparing them all would take too long.
#[test]
fn only_so_many_terms_are_compared() {
    let mut p = plan(8, 16);
    let half = |v| {
        let view = View::identity(3, &Space::of(&[1, 6])).embed(&Space::of(&[1, 6]), 0, 2, v).unwrap();
        LinExpr::view(view)
    };
    p.tensors[3].axes = Space::of(&[1, 6]);
    let both = half(0).plus(half(1));
    assert_eq!(interval::linear(&p, &both), Interval::new(0, 255));
    let many = (0..600).fold(LinExpr::constant(0), |e, _| e.plus(both.clone()));
    assert_eq!(interval::linear(&p, &many), Interval::new(0, 1200 * 255));
}

/// Rows and columns of a one-hot constant are its first and its last axes; one column more is a row of zeros.
#[test]
fn one_hot_constants_have_their_shape() {
    let with = |dims: &[usize], columns: usize, index: Vec<u32>| {
        let mut p = plan(8, 16);
        p.tensors.push(TensorDecl {
            name: "s".into(),
            source: Source::Constant(Constant::OneHot { columns, index }),
            axes: Space::of(dims),
            range: Interval::new(0, 1),
            bound: BoundBy::Public,
        });
        check(&p)
    };
    assert_eq!(with(&[3, 5], 5, vec![0, 4, 5]), Ok(()));
    assert_eq!(with(&[3, 2, 5], 5, vec![0; 6]), Ok(()));
    assert_eq!(with(&[3, 2, 5], 10, vec![10; 3]), Ok(()));
    for wrong in [
        with(&[3, 5], 5, vec![0, 4, 6]),
        with(&[3, 5], 5, vec![0, 4]),
        with(&[3, 2, 5], 15, vec![0; 2]),
        with(&[3, 5], 3, vec![0; 5]),
    ] {
        assert!(matches!(wrong, Err(CheckError::Structure { .. })), "{wrong:?}");
    }
}
