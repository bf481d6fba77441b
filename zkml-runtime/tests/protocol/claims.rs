//! A prover that opens other claims than those that the arguments left, cells that no tensor owns, and constants that
//! leak into padding.

use crate::common::cheat::{prove, Deviation};
use crate::common::{assert_refused, graph, Fixture};
use num_traits::One;
use zkml_runtime::einsum::EinsumError;
use zkml_runtime::field::F;
use zkml_runtime::pcs::{Group, OpeningError};
use zkml_runtime::protocol::VerifyError;

type Change = fn(&mut Vec<Group>);

/// The opening of what is true of another column, slot, point or tree.
#[test]
fn claims_are_of_their_column_slot_point_and_tree() {
    let changes: [(&str, Change); 9] = [
        ("another column", |g| {
            let terms = g.iter_mut().flat_map(|g| &mut g.terms);
            let term = terms.into_iter().find(|t| t.column > 0).expect("a tree of several columns");
            term.column -= 1;
        }),
        ("another slot", |g| {
            let group = g.iter_mut().find(|g| g.point.len() < 8).expect("a slab shorter than a column");
            group.terms[0].slot ^= 1;
        }),
        ("another point", |g| {
            g.iter_mut().find(|g| !g.point.is_empty()).expect("a point").point[0] += F::one()
        }),
        ("another tree", |g| {
            let terms = g.iter_mut().flat_map(|g| &mut g.terms);
            let term = terms.into_iter().find(|t| t.column == 0).expect("a first column");
            term.tree ^= 1;
        }),
        ("another weight", |g| g[0].terms[0].weight += F::one()),
        ("one claim left out", |g| _ = g[0].terms.pop()),
        ("one claim twice", |g| {
            let term = g[0].terms[0];
            g[0].terms.push(term);
        }),
        ("one group left out", |g| _ = g.pop()),
        ("claims of two groups swapped", |g| {
            let (a, b) = swappable(g);
            let terms = std::mem::take(&mut g[a].terms);
            g[a].terms = std::mem::replace(&mut g[b].terms, terms);
        }),
    ];
    let f = Fixture::quick(graph::mlp());
    let (statement, witness) = f.run(1);
    let verdict = |opened: Change| {
        let proof = prove(&f, &statement, &witness, Deviation { opened, ..Deviation::default() });
        f.verify(&statement, &proof)
    };
    verdict(|_| ()).expect("the claims that are due");
    for (what, change) in changes {
        let verdict = verdict(change);
        let expected = matches!(verdict, Err(VerifyError::Opening(OpeningError::Constraint)));
        assert!(expected, "{what}: {verdict:?}");
    }
}

/// Two groups with points of one length: their slots are interchangeable.
fn swappable(groups: &[Group]) -> (usize, usize) {
    let pairs = (0..groups.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    let alike = |&(a, b): &(usize, usize)| {
        groups[a].point.len() == groups[b].point.len() && groups[a].terms != groups[b].terms
    };
    pairs.into_iter().find(alike).expect("two points of one length")
}

/// Rows of a column that no slab covers are read by no claim: whatever stands there, the proof says the same.
#[test]
fn rows_that_no_tensor_owns_have_no_say() {
    let f = Fixture::quick(graph::mlp());
    let (statement, witness) = f.run(1);
    let filled = || Deviation { unowned: 12345, ..Deviation::default() };
    let proof = prove(&f, &statement, &witness, filled());
    assert_ne!(proof.trace_root, f.prove(1).1.trace_root, "some rows are owned by no tensor");
    f.verify(&statement, &proof).expect("the same cells");
    // And they make nothing true that is not.
    let (other, witness) = f.forge(1, |w| {
        let mut shown = w.statement.outputs[0].to_vec();
        shown[0] += 1;
        w.show(0, shown);
    });
    let verdict = f.verify(&other, &prove(&f, &other, &witness, filled()));
    assert_refused!(verdict, VerifyError::Opening(OpeningError::Constraint));
}

/// `m acc = 2^s q + r - 2^(s-1)`: where an axis of three entries is padded to four, q = r = 0 and the constant would
/// stand alone. It is multiplied by the indicator of the stored cells.
#[test]
fn a_constant_does_not_leak_into_padding() {
    for model in [graph::mlp, graph::mlp_private, graph::targets] {
        let f = Fixture::quick(model());
        let odd = f.plan().constraints.iter().filter(|c| c.linear.constant != 0);
        assert!(odd.into_iter().any(|c| c.space.slabs() > 1), "a constant on a padded axis");
        let (statement, witness) = f.run(1);
        let leaking = Deviation { leak: true, ..Deviation::default() };
        let proof = prove(&f, &statement, &witness, leaking);
        assert_refused!(f.verify(&statement, &proof), VerifyError::Einsum(EinsumError::FinalClaim));
    }
}
