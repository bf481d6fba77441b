//! Whole openings on the card: the proof that the CPU makes.

use crate::{same, words, Test};
use libtest_mimic::Failed;
use num_traits::Zero;
use stwo::core::fields::m31::BaseField;
use stwo::prover::backend::simd::column::BaseColumn;
use zkml_cuda::commit::{Committed, Committer};
use zkml_cuda::opening::DeviceColumns;
use zkml_cuda::Device;
use zkml_runtime::field::{eq_table, F};
use zkml_runtime::pcs::{
    commit, prove_columns, prove_opening, CommittedTree, Group, OpeningProof, Params, ProveError,
    ProverContext, Term,
};
use zkml_runtime::security::SecurityLevel;
use zkml_runtime::transcript::Transcript;

pub const TESTS: &[(&str, Test)] = &[
    ("columns::one_column", one_column),
    ("columns::groups_of_all_sizes", groups_of_all_sizes),
    ("columns::many_terms", many_terms),
    ("columns::every_level", every_level),
    ("columns::no_claims", no_claims),
    ("columns::false_claims_are_refused", false_claims),
];

/// Columns by tree, and claims on them.
pub struct Sample {
    pub params: Params,
    pub columns: Vec<Vec<Vec<u32>>>,
    pub groups: Vec<Group>,
    claim: F,
}

impl Sample {
    /// Trees of so many columns; groups of so many variables and terms, which take columns and slots in turn.
    pub fn new(log_rows: u32, trees: &[usize], groups: &[(usize, usize)]) -> Self {
        Self::at(LEVEL, log_rows, trees, groups)
    }

    fn at(level: SecurityLevel, log_rows: u32, trees: &[usize], groups: &[(usize, usize)]) -> Self {
        let params = Params { log_rows, level };
        let column = |tree: usize, c: usize| words((100 * tree + c) as u32, 1 << log_rows);
        let columns: Vec<Vec<Vec<u32>>> =
            trees.iter().enumerate().map(|(t, &n)| (0..n).map(|c| column(t, c)).collect()).collect();
        let mut t = Transcript::default();
        let group = |(g, &(vars, n)): (usize, &(usize, usize))| {
            let slots = 1usize << (log_rows as usize - vars);
            let term = |k: usize| {
                let tree = (g + k) % trees.len();
                let (column, slot) = ((g * 7 + k / trees.len()) % trees[tree], (g * 3 + k * 5) % slots);
                Term { tree, column, slot, weight: t.draw() }
            };
            let terms = (0..n).map(term).collect();
            Group { point: t.draw_many(vars), terms }
        };
        let groups: Vec<Group> = groups.iter().enumerate().map(group).collect();
        let value = |group: &Group, term: &Term| {
            let (len, eq) = (1usize << group.point.len(), eq_table(&group.point));
            let cells = &columns[term.tree][term.column][term.slot * len..(term.slot + 1) * len];
            let sum: F = eq.iter().zip(cells).map(|(&e, &c)| e * BaseField::from_u32_unchecked(c)).sum();
            term.weight * sum
        };
        let claim = groups.iter().flat_map(|g| g.terms.iter().map(move |t| value(g, t))).sum();
        Self { params, columns, groups, claim }
    }

    fn cpu(&self) -> Result<OpeningProof, Failed> {
        let context = ProverContext::new(self.params)?;
        let field = |c: &Vec<u32>| -> BaseColumn { c.iter().map(|&w| BaseField::from(w)).collect() };
        let trees = self.columns.iter().map(|tree| commit(tree.iter().map(field).collect(), &context));
        let trees = trees.collect::<Result<Vec<CommittedTree>, _>>()?;
        let trees: Vec<&CommittedTree> = trees.iter().collect();
        Ok(prove_opening(&mut Transcript::default(), &context, &trees, &self.groups, self.claim)?)
    }

    fn device(&self, device: &Device) -> Result<Result<OpeningProof, ProveError>, Failed> {
        let committer = Committer::new(device, self.params)?;
        let commit =
            |tree: &Vec<Vec<u32>>| committer.commit(device, device.upload("columns", &tree.concat())?);
        let trees = self.columns.iter().map(commit).collect::<Result<Vec<Committed>, _>>()?;
        let trees: Vec<&Committed> = trees.iter().collect();
        let mut columns = DeviceColumns::new(device, &committer, &trees);
        Ok(prove_columns(&mut Transcript::default(), &self.params, &mut columns, &self.groups, self.claim))
    }

    fn check(&self, what: &str, device: &Device) -> Result<(), Failed> {
        let (expected, got) = (self.cpu()?, self.device(device)??);
        same(&format!("{what}: rounds"), expected.rounds.as_flattened(), got.rounds.as_flattened())?;
        let roots = |p: &OpeningProof| [p.sums_root, p.composition_root];
        same(&format!("{what}: roots"), &roots(&expected), &roots(&got))?;
        same(&format!("{what}: samples"), &expected.samples.concat(), &got.samples.concat())?;
        let own = |p: &OpeningProof| (p.sums_samples, p.composition_samples);
        same(&format!("{what}: samples of its own"), &[own(&expected)], &[own(&got)])?;
        same(&format!("{what}: FRI"), &expected.fri_layers, &got.fri_layers)?;
        same(&format!("{what}: proof"), &[expected], &[got])
    }
}

const LEVEL: SecurityLevel = SecurityLevel::Proven;

fn one_column(device: &Device) -> Result<(), Failed> {
    for (log_rows, vars) in [(6, 0), (6, 6), (9, 1), (11, 4)] {
        Sample::new(log_rows, &[1], &[(vars, 1)]).check(&format!("2^{log_rows}, {vars}"), device)?;
    }
    Ok(())
}

fn groups_of_all_sizes(device: &Device) -> Result<(), Failed> {
    let groups: Vec<(usize, usize)> = (0..=12).map(|vars| (vars, 1 + vars * 3 % 5)).collect();
    Sample::new(12, &[5, 3, 9], &groups).check("in ascending order", device)?;
    let groups: Vec<_> = groups.iter().rev().chain(&groups).copied().collect();
    Sample::new(12, &[1, 30], &groups).check("twice", device)
}

fn many_terms(device: &Device) -> Result<(), Failed> {
    Sample::new(10, &[17, 40], &[(2, 1000), (5, 333), (10, 57), (0, 64)]).check("short", device)?;
    Sample::new(16, &[5, 2], &[(15, 9), (16, 7), (13, 50)]).check("long", device)
}

fn every_level(device: &Device) -> Result<(), Failed> {
    for level in SecurityLevel::ALL {
        for log_rows in [7, 10] {
            Sample::at(level, log_rows, &[3, 2], &[(4, 6), (7, 3)]).check(&format!("{level:?}"), device)?;
        }
    }
    Ok(())
}

fn no_claims(device: &Device) -> Result<(), Failed> {
    Sample::new(8, &[2], &[]).check("none", device)
}

fn false_claims(device: &Device) -> Result<(), Failed> {
    let mut sample = Sample::new(9, &[3], &[(5, 4), (9, 2)]);
    sample.claim += F::from(BaseField::from(1));
    match sample.device(device)? {
        Err(ProveError::FalseClaim) => {}
        other => return Err(format!("expected a refusal, got {:?}", other.map(|p| p.nonce)).into()),
    }
    assert!(!sample.claim.is_zero());
    Ok(())
}
