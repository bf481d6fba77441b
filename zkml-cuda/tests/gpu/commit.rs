//! Extensions and Merkle trees: the roots that the CPU makes.

use crate::bench::{Bench, Row};
use crate::opening::challenges;
use crate::{same, words, Test};
use libtest_mimic::Failed;
use stwo::core::fields::m31::BaseField;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::vcs::blake2_hash::{Blake2sHash, Blake2sHasher};
use stwo::prover::backend::cpu::CpuBackend;
use stwo::prover::poly::circle::{CircleEvaluation, PolyOps};
use stwo::prover::poly::BitReversedOrder;
use zkml_cuda::commit::{evaluate, interpolate, Committer, MerkleTree, Transform};
use zkml_cuda::felt::{felts, Felt};
use zkml_cuda::{CudaError, Device};
use zkml_runtime::pcs::{commit, inverse_twiddles, twiddles as forward_twiddles, Params, ProverContext};
use zkml_runtime::security::SecurityLevel;

pub const TESTS: &[(&str, Test)] = &[
    ("commit::extensions", extensions),
    ("commit::single_layers", single_layers),
    ("commit::packed_leaves", packed_leaves),
    ("commit::roots", roots),
    ("commit::sizes_are_checked", sizes_are_checked),
];

fn column(seed: u32, log: u32) -> Vec<BaseField> {
    words(seed, 1 << log).into_iter().map(BaseField::from_u32_unchecked).collect()
}

fn extensions(device: &Device) -> Result<(), Failed> {
    for (log_n, log_m) in (6..=14).map(|n| (n, n + 1)).chain([(6, 8), (13, 15), (17, 18), (19, 20), (20, 21)])
    {
        let domain = |log: u32| CanonicCoset::new(log).circle_domain();
        let twiddles = CpuBackend::precompute_twiddles(domain(log_m).half_coset);
        let columns: Vec<Vec<BaseField>> = (0..3).map(|seed| column(seed, log_n)).collect();
        let mut expected = vec![];
        for column in &columns {
            let values = CircleEvaluation::<CpuBackend, BaseField, BitReversedOrder>::new(
                domain(log_n),
                column.clone(),
            );
            let extended =
                values.interpolate_with_twiddles(&twiddles).evaluate_with_twiddles(domain(log_m), &twiddles);
            expected.extend(extended.values.iter().map(|v| v.0));
        }
        let flat: Vec<u32> = columns.concat().iter().map(|v| v.0).collect();
        let got = Transform::new(device, log_n, log_m)?.extend(device, &device.upload("c", &flat)?, 3)?;
        same(&format!("2^{log_n} to 2^{log_m}"), &expected, &device.download(&got)?)?;
    }
    Ok(())
}

/// Coefficients from values and back on a larger domain, layer by layer; on parts of domains too.
fn single_layers(device: &Device) -> Result<(), Failed> {
    let words = |factors: Vec<BaseField>| factors.iter().map(|f| f.0).collect::<Vec<_>>();
    for (log_n, log_m, n_columns) in [(3, 3, 1), (4, 6, 3), (6, 7, 4), (10, 11, 5), (12, 13, 4), (15, 17, 2)]
    {
        let whole = CanonicCoset::new(log_m).circle_domain();
        let twiddles = CpuBackend::precompute_twiddles(whole.half_coset);
        for domain in [CanonicCoset::new(log_n).circle_domain(), whole.split(log_m - log_n).0] {
            let own = CpuBackend::precompute_twiddles(domain.half_coset);
            let columns: Vec<Vec<BaseField>> = (0..n_columns).map(|seed| column(seed, log_n)).collect();
            let (mut coefficients, mut extended) = (vec![], vec![]);
            for column in &columns {
                let values =
                    CircleEvaluation::<CpuBackend, BaseField, BitReversedOrder>::new(domain, column.clone());
                let poly = values.interpolate_with_twiddles(&own);
                coefficients.extend(poly.coeffs.iter().map(|c| c.0));
                extended.extend(poly.evaluate_with_twiddles(whole, &twiddles).values.iter().map(|v| v.0));
            }
            let flat: Vec<u32> = columns.concat().iter().map(|v| v.0).collect();
            let (inverse, forward) =
                (words(inverse_twiddles(domain.half_coset)), words(forward_twiddles(whole.half_coset)));
            let got = device.upload("c", &flat)?;
            interpolate(device, &got, &device.upload("f", &inverse)?, log_n)?;
            same(&format!("coefficients, 2^{log_n}"), &coefficients, &device.download(&got)?)?;
            let got = evaluate(device, &got, &device.upload("f", &forward)?, [log_n, log_m])?;
            same(&format!("values, 2^{log_n} to 2^{log_m}"), &extended, &device.download(&got)?)?;
        }
    }
    Ok(())
}

/// Trees over elements, one or several to a leaf, all of their layers.
fn packed_leaves(device: &Device) -> Result<(), Failed> {
    for (log, log_leaf) in [(0, 0), (1, 0), (2, 2), (3, 1), (5, 2), (9, 0), (12, 2)] {
        let values = felts(&challenges(1 << log));
        let tree = MerkleTree::over_elements(device, &device.upload("v", &values)?, log_leaf)?;
        let leaf = |elements: &[Felt]| {
            let bytes: Vec<u8> = elements.iter().flat_map(|f| f.0).flat_map(u32::to_le_bytes).collect();
            Blake2sHasher::hash(&bytes)
        };
        let mut layer: Vec<Blake2sHash> = values.chunks(1 << log_leaf).map(leaf).collect();
        for got in tree.layers().iter().rev() {
            let got: Vec<Blake2sHash> = device.download(got)?.into_iter().map(Blake2sHash::from).collect();
            same(&format!("2^{log} elements, a layer of {}", layer.len()), &layer, &got)?;
            layer = layer.chunks(2).map(|c| Blake2sHasher::concat_and_hash(&c[0], &c[c.len() - 1])).collect();
        }
    }
    Ok(())
}

fn roots(device: &Device) -> Result<(), Failed> {
    for level in SecurityLevel::ALL {
        for (log_rows, n) in [(6, 1), (7, 15), (8, 16), (9, 17), (10, 33), (13, 5), (16, 40)] {
            let params = Params { log_rows, level };
            let columns: Vec<Vec<BaseField>> = (0..n).map(|c| column(c, log_rows)).collect();
            let flat: Vec<u32> = columns.concat().iter().map(|v| v.0).collect();
            let simd: Vec<stwo::prover::backend::simd::column::BaseColumn> =
                columns.into_iter().map(|c| c.into_iter().collect()).collect();
            let expected = commit(simd, &ProverContext::new(params)?)?.root().0;
            let committed = Committer::new(device, params)?.commit(device, device.upload("c", &flat)?)?;
            same(
                &format!("{n} columns of 2^{log_rows}, {}", level.name()),
                &expected,
                &committed.tree.root(device)?.to_bytes(),
            )?;
        }
    }
    Ok(())
}

fn sizes_are_checked(device: &Device) -> Result<(), Failed> {
    match Transform::new(device, 22, 23) {
        Err(CudaError::Rows { most: 22, got: 23 }) => {}
        _ => return Err("2^23 rows were taken".into()),
    }
    let committer = Committer::new(device, Params { log_rows: 6, level: SecurityLevel::default() })?;
    match committer.commit(device, device.zeros::<u32>("c", 65)?) {
        Err(CudaError::Columns { expected: 64, got: 65 }) => Ok(()),
        _ => Err("a column and a word were taken".into()),
    }
}

/// Cells a second: the trace of GPT-2 small over 64 tokens, and its weights.
pub const BENCHES: &[(&str, Bench)] = &[
    ("extend 2^17 x 312", |d| bench_extend(d, 17, 312)),
    ("commit 2^17 x 312", |d| bench_commit(d, 17, 312)),
    ("commit 2^17 x 950", |d| bench_commit(d, 17, 950)),
];

fn flat(device: &Device, log: u32, n: u32) -> Result<cudarc::driver::CudaSlice<u32>, Failed> {
    Ok(device.upload("c", &words(1, (n as usize) << log))?)
}

fn bench_extend(device: &Device, log: u32, n: u32) -> Result<Row, Failed> {
    let (transform, columns) = (Transform::new(device, log, log + 1)?, flat(device, log, n)?);
    Row::measure(device, columns.len() as f64, "cells", || {
        transform.extend(device, &columns, n as usize)?;
        Ok(())
    })
}

fn bench_commit(device: &Device, log: u32, n: u32) -> Result<Row, Failed> {
    let committer = Committer::new(device, Params { log_rows: log, level: SecurityLevel::default() })?;
    let columns = flat(device, log, n)?;
    Row::measure(device, columns.len() as f64, "cells", || {
        committer.commit(device, columns.clone())?.tree.root(device)?;
        Ok(())
    })
}
