//! A prover that reads another row of a table than the token's.

use crate::common::{assert_refused, graph, Fixture};
use zkml_runtime::pcs::OpeningError;
use zkml_runtime::protocol::{Statement, VerifyError};

/// Run on other tokens than those that are stated.
#[test]
fn a_public_token_picks_its_row() {
    let f = Fixture::quick(graph::embedding());
    let (statement, witness) = f.run(1);
    let stated = Statement { inputs: f.run(2).0.inputs, outputs: statement.outputs };
    assert_refused!(f.verdict(&(stated, witness)), VerifyError::Opening(OpeningError::Constraint));
}

#[test]
fn a_private_token_has_one_flag_at_its_place() {
    let f = Fixture::quick(graph::embedding_private());
    const ROWS: usize = 12;
    let place = |w: &mut crate::common::forge::Forged, token: usize| {
        let flags = &w.cells("embedding2/flag")[token * ROWS..][..ROWS];
        flags.iter().position(|&h| h == 1).expect("one flag")
    };
    // No flag, two flags, the flag of another row: the row itself left as it was, or that of the other flag.
    let moved = f.forge(1, |w| {
        let at = place(w, 1);
        w.add("embedding2/flag", ROWS + at, -1);
    });
    assert_refused!(f.verdict(&moved), VerifyError::Opening(OpeningError::Constraint));
    let moved = f.forge(1, |w| {
        let at = place(w, 1);
        w.add("embedding2/flag", ROWS + (at + 1) % ROWS, 1);
    });
    assert_refused!(f.verdict(&moved), VerifyError::Opening(OpeningError::Constraint));
    let moved = f.forge(1, |w| {
        let at = place(w, 1);
        w.add("embedding2/flag", ROWS + at, -1);
        w.add("embedding2/flag", ROWS + (at + 1) % ROWS, 1);
        let row = |r: usize| f.weights[0].to_vec()[r * 8..][..8].to_vec();
        let (old, new) = (row(at), row((at + 1) % ROWS));
        for k in 0..8 {
            w.add("embedding2/row", 8 + k, new[k] - old[k]);
        }
    });
    assert_refused!(f.verdict(&moved), VerifyError::Opening(OpeningError::Constraint));
    // A flag of two is no flag.
    let two = f.forge(1, |w| {
        let at = place(w, 1);
        w.add("embedding2/flag", ROWS + at, 1);
    });
    f.assert_no_row("embedding2/flag", &two);
}

/// A row that is not the table's.
#[test]
fn a_row_is_the_tables() {
    for model in [graph::embedding, graph::embedding_private] {
        let f = Fixture::quick(model());
        let changed = f.forge(1, |w| w.add("embedding2/row", 3, 1));
        assert_refused!(f.verdict(&changed), VerifyError::Opening(OpeningError::Constraint));
    }
}
