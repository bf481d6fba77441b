//! The opening's sumcheck round by round, against one over dense vectors.

use crate::columns::Sample;
use crate::{same, Test};
use libtest_mimic::Failed;
use num_traits::Zero;
use stwo::core::fields::m31::BaseField;
use zkml_cuda::commit::{Committed, Committer};
use zkml_cuda::opening::DeviceColumns;
use zkml_cuda::Device;
use zkml_runtime::field::{eq_table, F};
use zkml_runtime::pcs::Columns;
use zkml_runtime::transcript::Transcript;

pub const TESTS: &[(&str, Test)] = &[
    ("reduction::one_group", one_group),
    ("reduction::groups_of_all_sizes", groups_of_all_sizes),
    ("reduction::terms_by_the_hundred", terms_by_the_hundred),
    ("reduction::long_groups", long_groups),
];

/// Weights and values of every column, over all rows.
struct Dense {
    weights: Vec<Vec<F>>,
    values: Vec<Vec<F>>,
}

impl Dense {
    fn new(sample: &Sample) -> Self {
        let field = |c: &Vec<u32>| c.iter().map(|&w| BaseField::from_u32_unchecked(w).into()).collect();
        let values: Vec<Vec<F>> = sample.columns.iter().flatten().map(field).collect();
        let first: Vec<usize> = sample
            .columns
            .iter()
            .scan(0, |n, tree| {
                *n += tree.len();
                Some(*n - tree.len())
            })
            .collect();
        let mut weights = vec![vec![F::zero(); 1 << sample.params.log_rows]; values.len()];
        for group in &sample.groups {
            let eq = eq_table(&group.point);
            for term in &group.terms {
                let column = &mut weights[first[term.tree] + term.column][term.slot * eq.len()..];
                column.iter_mut().zip(&eq).for_each(|(w, &e)| *w += term.weight * e);
            }
        }
        Self { weights, values }
    }

    fn round(&self) -> [F; 2] {
        let mut sums = [F::zero(); 2];
        for (w, v) in self.weights.iter().zip(&self.values) {
            for ([w0, w1], [v0, v1]) in w.as_chunks::<2>().0.iter().zip(v.as_chunks::<2>().0) {
                sums[0] += *w0 * *v0;
                sums[1] += (*w1 - *w0) * (*v1 - *v0);
            }
        }
        sums
    }

    fn bind(&mut self, r: F) {
        for vector in self.weights.iter_mut().chain(&mut self.values) {
            *vector = vector.as_chunks::<2>().0.iter().map(|[a, b]| *a + r * (*b - *a)).collect();
        }
    }
}

fn check(device: &Device, what: &str, sample: &Sample) -> Result<(), Failed> {
    let committer = Committer::new(device, sample.params)?;
    let commit = |tree: &Vec<Vec<u32>>| committer.commit(device, device.upload("columns", &tree.concat())?);
    let trees = sample.columns.iter().map(commit).collect::<Result<Vec<Committed>, _>>()?;
    let trees: Vec<&Committed> = trees.iter().collect();
    let mut columns = DeviceColumns::new(device, &committer, &trees);
    let mut dense = Dense::new(sample);
    columns.start(&sample.groups)?;
    for (round, r) in Transcript::default().draw_many(sample.params.log_rows as usize).into_iter().enumerate()
    {
        same(&format!("{what}, round {round}"), &dense.round(), &columns.round()?)?;
        columns.bind(r)?;
        dense.bind(r);
    }
    Ok(())
}

fn one_group(device: &Device) -> Result<(), Failed> {
    for (log_rows, vars, terms) in [(6, 0, 1), (6, 6, 1), (7, 1, 3), (9, 5, 33), (11, 10, 2), (12, 12, 5)] {
        let sample = Sample::new(log_rows, &[1], &[(vars, terms)]);
        check(device, &format!("2^{log_rows}, {vars} variables"), &sample)?;
    }
    Ok(())
}

fn groups_of_all_sizes(device: &Device) -> Result<(), Failed> {
    let groups: Vec<(usize, usize)> = (0..=12).map(|vars| (vars, 1 + vars * 3 % 5)).collect();
    check(device, "in ascending order", &Sample::new(12, &[5, 3, 9], &groups))?;
    let groups: Vec<_> = groups.iter().rev().chain(&groups).copied().collect();
    check(device, "twice", &Sample::new(12, &[1, 30], &groups))
}

fn terms_by_the_hundred(device: &Device) -> Result<(), Failed> {
    check(device, "short", &Sample::new(10, &[17, 40], &[(2, 1000), (5, 333), (10, 57), (0, 64), (3, 32)]))
}

fn long_groups(device: &Device) -> Result<(), Failed> {
    check(device, "long", &Sample::new(16, &[5, 2], &[(15, 9), (16, 7), (13, 50), (14, 1)]))
}
