//! Witnesses changed with care: multiplicities follow the changed cells wherever a table has the row.

use super::cheat::{self, Deviation, Imbalance};
use super::Fixture;
use std::borrow::Cow;
use zkml_ir::plan::Source;
use zkml_ir::tensor::{Data, IntTensor};
use zkml_runtime::cells::{materialise, Cells};
use zkml_runtime::claims::PublicValues;
use zkml_runtime::gkr::GkrError;
use zkml_runtime::pcs::{self, OpeningError};
use zkml_runtime::protocol::{ProveError, Statement, VerifyError, Witness};

/// All of a plan's tensors as cells.
pub fn cells<'a>(f: &Fixture, statement: &Statement, witness: &'a Witness) -> Vec<Cow<'a, Cells>> {
    let public = PublicValues::new(f.plan(), &statement.inputs, &statement.outputs).with_one_hots(f.plan());
    let tensors = f.plan().tensors.iter().enumerate();
    tensors
        .map(|(t, decl)| {
            Cow::Owned(match (&decl.source, &witness.tensors[t]) {
                (Source::Weight(i), _) => Cells::from_tensor(&decl.axes, &f.weights[*i]),
                (Source::Trace | Source::PrivateInput(_), Some(v)) => Cells::from_row_major(&decl.axes, v),
                _ => public.get(t).expect("a public tensor").clone(),
            })
        })
        .collect()
}

/// Counts again how often each row is looked up. A tuple that is no row counts at the row of its key, if there is one:
/// the best that a prover can do for it.
pub fn recount(f: &Fixture, statement: &Statement, witness: &mut Witness) {
    let plan = f.plan();
    let mut counts: Vec<Vec<u32>> = plan.tables.iter().map(|t| vec![0; 1 << t.log_rows()]).collect();
    let all = cells(f, statement, witness);
    for l in &plan.lookups {
        let table = &plan.tables[l.table];
        let keys: Vec<Vec<i64>> = l.entries[..table.key_len()]
            .iter()
            .map(|e| materialise(e, &l.space, |t| &plan.tensors[t].axes, |t| &*all[t]))
            .collect();
        for i in 0..l.space.len() {
            let key: Vec<i64> = keys.iter().map(|k| k[i]).collect();
            if let Some(row) = table.row_of(&key) {
                counts[l.table][row] += 1;
            }
        }
    }
    drop(all);
    witness.multiplicities = counts;
}

impl Fixture {
    /// A run whose cells were changed, its multiplicities made to fit.
    pub fn forge(&self, seed: u64, change: impl FnOnce(&mut Forged)) -> (Statement, Witness) {
        let (mut statement, mut witness) = self.run(seed);
        change(&mut Forged { f: self, statement: &mut statement, witness: &mut witness });
        recount(self, &statement, &mut witness);
        (statement, witness)
    }

    /// What the verifier says of the proof that the witness gives. The crate's prover stops where it would have to prove
    /// what does not hold; then the proof is [`cheat`]'s.
    pub fn verdict(&self, (statement, witness): &(Statement, Witness)) -> Result<(), VerifyError> {
        let second = cheat::prove(self, statement, witness, Deviation::default());
        match self.prove_as(statement, copy(witness)) {
            Ok(proof) => assert!(proof == second, "two provers, two proofs"),
            Err(ProveError::Gkr(GkrError::NonZeroSum)) => {}
            Err(ProveError::Opening(pcs::ProveError::FalseClaim)) => {}
            Err(e) => panic!("refused for another reason: {e}"),
        }
        self.verify(statement, &second)
    }

    /// Checks that cells outside the tables are found whatever the prover does about them: it can send the roots that
    /// they give, or run the lookup argument on others than it committed to.
    pub fn assert_no_row(&self, what: &str, run: &(Statement, Witness)) {
        let admitted = self.verdict(run);
        let expected = matches!(admitted, Err(VerifyError::Gkr(GkrError::NonZeroSum)));
        assert!(expected, "{what}: {admitted:?}");
        let pretend = Deviation { imbalance: Imbalance::Pretend, ..Deviation::default() };
        let pretended = self.verify(&run.0, &cheat::prove(self, &run.0, &run.1, pretend));
        let expected = matches!(pretended, Err(VerifyError::Opening(OpeningError::Constraint)));
        assert!(expected, "{what}: {pretended:?}");
    }
}

/// A forgery.
pub type Change = fn(&mut Forged);

/// Checks that the lookups find each of these.
pub fn no_row(f: &Fixture, changes: &[(&str, Change)]) {
    for (what, change) in changes {
        f.assert_no_row(what, &f.forge(1, change));
    }
}

/// Checks that each of these passes the lookups, and that a constraint finds it.
pub fn no_identity(f: &Fixture, changes: &[(&str, Change)]) {
    for (what, change) in changes {
        let verdict = f.verdict(&f.forge(1, change));
        let expected = matches!(verdict, Err(VerifyError::Opening(OpeningError::Constraint)));
        assert!(expected, "{what}: {verdict:?}");
    }
}

pub fn copy(w: &Witness) -> Witness {
    Witness { tensors: w.tensors.clone(), multiplicities: w.multiplicities.clone() }
}

/// A run to change.
pub struct Forged<'a> {
    pub f: &'a Fixture,
    pub statement: &'a mut Statement,
    pub witness: &'a mut Witness,
}

impl Forged<'_> {
    /// The cells, row-major, of the tensor whose name ends like this.
    pub fn cells(&mut self, name: &str) -> &mut Vec<i32> {
        let t = self.f.tensor(name);
        self.witness.tensors[t].as_mut().unwrap_or_else(|| panic!("`{name}` has no cells"))
    }

    /// Shows other integers as output `i`.
    pub fn show(&mut self, i: usize, values: Vec<i32>) {
        let output = &mut self.statement.outputs[i];
        let shape = output.shape().clone();
        *output = IntTensor::from_data(shape, Data::I32(values)).expect("as many");
    }

    pub fn add(&mut self, name: &str, at: usize, by: i32) {
        self.cells(name)[at] += by;
    }
}
