//! Combinations of columns, and the weights that they take.

use crate::bench::{Bench, Row};
use crate::{same, words, Test};
use cudarc::driver::{CudaSlice, CudaView};
use libtest_mimic::Failed;
use num_traits::{One, Zero};
use std::collections::HashMap;
use stwo::core::channel::{Blake2sChannel, Channel};
use stwo::core::circle::CirclePoint;
use stwo::core::fields::cm31::CM31;
use stwo::core::fields::m31::BaseField;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::proof_of_work::GrindOps;
use stwo::core::utils::bit_reverse_index;
use stwo::prover::backend::cpu::CpuBackend;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::prefix_sum::inclusive_prefix_sum;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::Column as _;
use stwo::prover::fri::FriOps;
use stwo::prover::poly::circle::{CircleEvaluation, PolyOps, SecureEvaluation};
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::secure_column::SecureColumnByCoords;
use zkml_cuda::felt::{felts, Felt};
use zkml_cuda::opening::{
    eq_table, fold, from_coordinates, grind, inner_products, out_of_domain_weights, prefix_sums, quotient,
    sample_quotients, steps, tensor, to_coordinates, weighted_sum, Samples, Vector,
};
use zkml_cuda::{Column, Device};
use zkml_runtime::field::F;
use zkml_runtime::pcs::inverse_twiddles;
use zkml_runtime::transcript::Transcript;

pub const TESTS: &[(&str, Test)] = &[
    ("opening::weighted_sums", weighted_sums),
    ("opening::products", products),
    ("opening::vectors", vectors),
    ("opening::tables", tables),
    ("opening::quotients_of_samples", quotients_of_samples),
    ("opening::out_of_domain", out_of_domain),
    ("opening::folds", folds),
    ("opening::proof_of_work", proof_of_work),
    ("opening::prefix_sums", sums),
    ("opening::constraint", constraint),
];

/// Columns of words and of bytes in turn, on the host and on the card.
struct Columns {
    host: Vec<Vec<BaseField>>,
    words: Vec<CudaSlice<u32>>,
    bytes: Vec<CudaSlice<i8>>,
}

impl Columns {
    fn new(device: &Device, n: usize, rows: usize) -> Result<Self, Failed> {
        let mut this = Self { host: vec![], words: vec![], bytes: vec![] };
        for c in 0..n {
            let values = words(c as u32, rows);
            if c % 2 == 0 {
                this.words.push(device.upload("c", &values)?);
                this.host.push(values.into_iter().map(BaseField::from_u32_unchecked).collect());
            } else {
                let bytes: Vec<i8> = values.iter().map(|&v| v as i8).collect();
                this.host.push(bytes.iter().map(|&v| BaseField::from(i32::from(v))).collect());
                this.bytes.push(device.upload("c", &bytes)?);
            }
        }
        Ok(this)
    }

    fn views(&self) -> (Vec<CudaView<'_, u32>>, Vec<CudaView<'_, i8>>) {
        (
            self.words.iter().map(CudaSlice::as_view).collect(),
            self.bytes.iter().map(CudaSlice::as_view).collect(),
        )
    }
}

/// In the order in which they were made.
fn in_turn<'a>((words, bytes): &'a (Vec<CudaView<'a, u32>>, Vec<CudaView<'a, i8>>)) -> Vec<Column<'a>> {
    let n = words.len() + bytes.len();
    (0..n)
        .map(|c| if c % 2 == 0 { Column::Words(&words[c / 2]) } else { Column::Bytes(&bytes[c / 2]) })
        .collect()
}

pub fn challenges(n: usize) -> Vec<F> {
    let mut all = Transcript::default().draw_many(n);
    all[0] = Felt([(1 << 31) - 2; 4]).into();
    all
}

fn weighted_sums(device: &Device) -> Result<(), Failed> {
    for (n, rows) in [(1, 4), (3, 64), (4, 1000), (9, 1 << 12), (101, 1 << 10)] {
        let (columns, weights) = (Columns::new(device, n, rows)?, challenges(n));
        let views = columns.views();
        let terms: Vec<_> = weights.iter().copied().zip(in_turn(&views)).collect();
        let got = weighted_sum(device, &terms, rows)?;
        let at = |row: usize| columns.host.iter().zip(&weights).fold(F::zero(), |s, (c, &w)| s + w * c[row]);
        let expected: Vec<F> = (0..rows).map(at).collect();
        same(&format!("{n} columns"), &felts(&expected), &device.download(&got)?)?;
    }
    Ok(())
}

fn products(device: &Device) -> Result<(), Failed> {
    for (n, rows) in [(1, 4), (3, 64), (5, 1000), (9, 1 << 12), (6, 1 << 16), (65, 128), (301, 8)] {
        let (columns, weights) = (Columns::new(device, n, rows)?, challenges(rows));
        let got = inner_products(device, &in_turn(&columns.views()), &device.upload("w", &felts(&weights))?)?;
        let product = |c: &Vec<BaseField>| c.iter().zip(&weights).fold(F::zero(), |s, (&x, &w)| s + w * x);
        let expected: Vec<F> = columns.host.iter().map(product).collect();
        same(&format!("{n} columns of {rows}"), &expected, &got)?;
    }
    Ok(())
}

fn vectors(device: &Device) -> Result<(), Failed> {
    for log in [0usize, 1, 2, 5, 9, 14] {
        let (point, r) = (challenges(log.max(1))[..log].to_vec(), challenges(3)[2]);
        let host = zkml_runtime::field::eq_table(&point);
        let table = eq_table(device, &point)?;
        same("eq", &felts(&host), &device.download(&table)?)?;
        if log == 0 {
            continue;
        }
        let pairs = || host.as_chunks::<2>().0.iter();
        let bound: Vec<F> = pairs().map(|[a, b]| *a + r * (*b - *a)).collect();
        let got = Vector(table).bind(device, r)?;
        same("bind", &felts(&bound), &device.download(&got.0)?)?;
    }
    Ok(())
}

/// eq of many points in one launch, and products of coordinates at the bits of an index.
fn tables(device: &Device) -> Result<(), Failed> {
    let all = challenges(14);
    let points: Vec<&[F]> = [3usize, 0, 7, 1, 12, 5, 13].iter().map(|&n| &all[..n]).collect();
    let mut expected = vec![];
    let mut places = vec![];
    for point in &points {
        places.push(expected.len() as u64);
        expected.extend(zkml_runtime::field::eq_table(point));
    }
    let out = device.zeros::<Felt>("tables", expected.len())?;
    zkml_cuda::eq::tables(device, points.iter().copied().zip(places), &out)?;
    same("eq of many points", &felts(&expected), &device.download(&out)?)?;
    for n in [0usize, 1, 2, 7, 12] {
        let product = |i: usize| (0..n).filter(|k| i >> k & 1 == 1).fold(F::one(), |p, k| p * all[k]);
        let expected: Vec<F> = (0..1 << n).map(product).collect();
        same("products", &felts(&expected), &device.download(&tensor(device, &all[..n])?)?)?;
    }
    Ok(())
}

/// `(own + given - a y - b) / line` by division in the field.
fn quotients_of_samples(device: &Device) -> Result<(), Failed> {
    let mut t = Transcript::default();
    for (log, n_batches) in [(3u32, 1usize), (6, 2), (9, 3), (12, 1)] {
        let (n, domain) = (1usize << log, CanonicCoset::new(log).circle_domain());
        let points: Vec<_> = (0..n).map(|i| domain.at(bit_reverse_index(i, log))).collect();
        let coordinates = |f: fn(&CirclePoint<BaseField>) -> u32| {
            device.upload("points", &points.iter().map(f).collect::<Vec<_>>())
        };
        let mut expected = vec![F::zero(); n];
        let mut samples = vec![];
        for k in 0..n_batches {
            let point = CirclePoint::get_random_point(t.channel());
            let (own, given) = (t.draw_many(n), t.draw_many(n));
            let (a, b) = (t.draw(), t.draw());
            // What is given lies on a larger domain, of which the first points are these; or nothing is.
            let stride = n << k;
            let mut columns = vec![0u32; 4 * stride];
            for (i, v) in given.iter().enumerate() {
                v.to_m31_array().iter().enumerate().for_each(|(c, w)| columns[c * stride + i] = w.0);
            }
            let has_given = k != 1;
            for (i, p) in points.iter().enumerate() {
                let value = own[i] + if has_given { given[i] } else { F::zero() };
                let (x, y) = (CM31::from(p.x), CM31::from(p.y));
                let line = (point.x.0 - x) * point.y.1 - (point.y.0 - y) * point.x.1;
                expected[i] += (value - a * p.y - b)
                    / F::from_m31_array([line.0, line.1, BaseField::from(0), BaseField::from(0)]);
            }
            samples.push(Samples {
                own: device.upload("own", &felts(&own))?,
                given: has_given.then(|| device.upload("given", &columns)).transpose()?,
                a,
                b,
                point,
            });
        }
        let got = sample_quotients(device, &samples, &[coordinates(|p| p.x.0)?, coordinates(|p| p.y.0)?])?;
        same(&format!("2^{log}, {n_batches}"), &felts(&expected), &device.download(&got)?)?;
    }
    Ok(())
}

fn out_of_domain(device: &Device) -> Result<(), Failed> {
    for log_rows in [6, 9, 12, 17] {
        let z = CirclePoint::get_random_point(Transcript::default().channel());
        let coset = CanonicCoset::new(log_rows);
        let factors: Vec<u32> = inverse_twiddles(coset.half_coset()).iter().map(|f| f.0).collect();
        let weights = out_of_domain_weights(device, &device.upload("f", &factors)?, z)?;
        let columns = Columns::new(device, 2, 1 << log_rows)?;
        let got = inner_products(device, &in_turn(&columns.views()), &weights)?;
        let at_z = |column: &Vec<BaseField>| {
            let domain = coset.circle_domain();
            CircleEvaluation::<CpuBackend, BaseField, BitReversedOrder>::new(domain, column.clone())
                .interpolate()
                .eval_at_point(z)
        };
        let expected: Vec<F> = columns.host.iter().map(at_z).collect();
        same(&format!("2^{log_rows}"), &expected, &got)?;
    }
    Ok(())
}

fn folds(device: &Device) -> Result<(), Failed> {
    for log in [3u32, 6, 11, 17] {
        let alphas = challenges(4);
        let values = challenges(1 << log);
        let domain = CanonicCoset::new(log).circle_domain();
        let factors: Vec<u32> = inverse_twiddles(domain.half_coset).iter().map(|f| f.0).collect();
        let factors = device.upload("f", &factors)?;
        let twiddles = CpuBackend::precompute_twiddles(domain.half_coset);
        let column: SecureColumnByCoords<CpuBackend> = values.iter().copied().collect();
        let source = SecureEvaluation::<CpuBackend, BitReversedOrder>::new(domain, column);
        let mut expected = CpuBackend::fold_circle_into_line(&source, alphas[1], &twiddles);
        let mut got = fold(device, &device.upload("v", &felts(&values))?, &factors, 0, alphas[1])?;
        for layer in 1..log.min(5) {
            let alpha = alphas[layer as usize % 3];
            expected = CpuBackend::fold_line(&expected, alpha, &twiddles, 1);
            got = fold(device, &got, &factors, layer as usize, alpha)?;
            let expected: Vec<F> = expected.values.clone().into_iter().collect();
            same(&format!("2^{log}, layer {layer}"), &felts(&expected), &device.download(&got)?)?;
        }
    }
    Ok(())
}

fn proof_of_work(device: &Device) -> Result<(), Failed> {
    for (seed, bits) in [(0u64, 1), (1, 10), (2, 18), (3, 21), (4, 23)] {
        let mut channel = Blake2sChannel::default();
        channel.mix_u64(seed);
        let (expected, got) = (SimdBackend::grind(&channel, bits), grind(device, &channel, bits)?);
        same(&format!("{bits} bits"), &[expected], &[got])?;
    }
    Ok(())
}

fn sums(device: &Device) -> Result<(), Failed> {
    for log in [1u32, 3, 6, 9, 10, 11, 15, 19] {
        let values = challenges(1 << log);
        let mut expected = vec![Felt::default(); 1 << log];
        for c in 0..4 {
            let column: BaseColumn = values.iter().map(|v| v.to_m31_array()[c]).collect();
            for (e, v) in expected.iter_mut().zip(inclusive_prefix_sum(column).to_cpu()) {
                e.0[c] = v.0;
            }
        }
        let got = prefix_sums(device, &device.upload("v", &felts(&values))?)?;
        same(&format!("2^{log}"), &expected, &device.download(&got)?)?;
    }
    Ok(())
}

/// The extensions of prefix sums satisfy the constraint: its quotient, written out on the host, is the card's.
fn constraint(device: &Device) -> Result<(), Failed> {
    for (log_rows, log_m) in [(6u32, 7u32), (10, 11), (10, 12)] {
        let n = 1usize << log_m;
        let all = challenges(3 * n + 1);
        let columns = |from: usize| -> Vec<u32> {
            (0..4).flat_map(|c| all[from..from + n].iter().map(move |v| v.to_m31_array()[c].0)).collect()
        };
        let host = [columns(0), columns(n), columns(2 * n)];
        let of = host.iter().map(|c| device.upload("c", c)).collect::<Result<Vec<_>, _>>()?;
        let (log_n, mean) = (log_rows + 1, all[3 * n]);
        let vanishing = [BaseField::from(5), BaseField::from(77)];
        let got = quotient(device, [&of[0], &of[1], &of[2]], log_n, mean, vanishing)?;
        // The domain's points say which is the previous one: at blow-up 4 it is half of the larger domain.
        let domain = CanonicCoset::new(log_m).circle_domain().split(log_m - log_n).0;
        let point = |i: usize| domain.at(bit_reverse_index(i, log_n));
        let step = CanonicCoset::new(log_rows).step();
        let places: HashMap<_, _> = (0..1usize << log_n).map(|i| ((point(i).x.0, point(i).y.0), i)).collect();
        let expected: Vec<F> = (0..1usize << log_n)
            .map(|i| {
                let before = point(i) - step;
                let previous = places[&(before.x.0, before.y.0)];
                let numerator = all[i] - all[previous] + mean - all[n + i] * all[2 * n + i];
                numerator * vanishing[i >> log_rows]
            })
            .collect();
        same(&format!("2^{log_n} of 2^{log_m}"), &felts(&expected), &device.download(&got)?)?;
        // Coordinates and back.
        let values = device.upload("v", &felts(&all[..n]))?;
        let by_coordinate = to_coordinates(device, &values)?;
        same("coordinates", &host[0], &device.download(&by_coordinate)?)?;
        let joined = from_coordinates(device, &by_coordinate)?;
        same("joined again", &felts(&all[..n]), &device.download(&joined)?)?;
        let products: Vec<F> = (0..n).map(|i| all[i] * all[n + i] - mean).collect();
        let other = device.upload("e", &felts(&all[n..2 * n]))?;
        same("steps", &felts(&products), &device.download(&steps(device, &values, &other, mean)?)?)?;
    }
    Ok(())
}

/// Bytes a second: GPT-2 small's weights, and its trace.
pub const BENCHES: &[(&str, Bench)] = &[
    ("combine 950 x 2^17 bytes", |d| bench(d, 950, 0, false)),
    ("combine 312 x 2^17 words", |d| bench(d, 0, 312, false)),
    ("products 950 x 2^17 bytes", |d| bench(d, 950, 0, true)),
    ("products 312 x 2^17 words", |d| bench(d, 0, 312, true)),
];

fn bench(device: &Device, n_bytes: usize, n_words: usize, products: bool) -> Result<Row, Failed> {
    let rows = 1usize << 17;
    let words = device.upload("c", &words(1, n_words * rows))?;
    let bytes = device.zeros::<i8>("c", n_bytes * rows)?;
    let words: Vec<_> = (0..n_words).map(|c| words.slice(c * rows..(c + 1) * rows)).collect();
    let bytes: Vec<_> = (0..n_bytes).map(|c| bytes.slice(c * rows..(c + 1) * rows)).collect();
    let columns: Vec<_> = words.iter().map(Column::Words).chain(bytes.iter().map(Column::Bytes)).collect();
    let terms: Vec<_> = challenges(columns.len()).into_iter().zip(columns.iter().copied()).collect();
    let weights = device.upload("w", &felts(&challenges(rows)))?;
    Row::measure(device, ((4 * n_words + n_bytes) * rows) as f64, "bytes", || {
        match products {
            true => drop(inner_products(device, &columns, &weights)?),
            false => drop(weighted_sum(device, &terms, rows)?),
        }
        Ok(())
    })
}
