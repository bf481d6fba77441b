//! Reads from where things lie.

use crate::opening::challenges;
use crate::{same, words, Test};
use cudarc::driver::{CudaSlice, DevicePtr};
use libtest_mimic::Failed;
use stwo::core::fields::m31::BaseField;
use zkml_cuda::commit::Hash;
use zkml_cuda::felt::felts;
use zkml_cuda::{gather, Device};

pub const TESTS: &[(&str, Test)] = &[
    ("queries::hashes", hashes),
    ("queries::elements", elements),
    ("queries::words_of_columns", words_of_columns),
    ("queries::one_hot_rows", one_hot_rows),
];

/// Places in a list of this length, with repetitions.
fn places(n: usize, of: usize) -> Vec<usize> {
    words(n as u32, n).into_iter().map(|w| w as usize % of).collect()
}

fn addresses<T>(device: &Device, values: &CudaSlice<T>, places: &[usize]) -> Vec<u64> {
    let first = values.device_ptr(device.stream()).0;
    places.iter().map(|&p| first + (p * size_of::<T>()) as u64).collect()
}

fn hashes(device: &Device) -> Result<(), Failed> {
    let host: Vec<Hash> = words(3, 8 * 1000).as_chunks().0.iter().map(|&w| Hash(w)).collect();
    let there = device.upload("hashes", &host)?;
    for n in [0, 1, 31, 257, 1000] {
        let places = places(n, host.len());
        let expected: Vec<Hash> = places.iter().map(|&p| host[p]).collect();
        // SAFETY: the addresses are of hashes.
        let got = unsafe { gather::hashes(device, &addresses(device, &there, &places)) }?;
        same(&format!("{n} hashes"), &expected, &got)?;
    }
    Ok(())
}

fn elements(device: &Device) -> Result<(), Failed> {
    let host = challenges(777);
    let there = device.upload("elements", &felts(&host))?;
    for n in [0, 1, 32, 255, 600] {
        let places = places(n, host.len());
        let expected: Vec<_> = places.iter().map(|&p| host[p]).collect();
        // SAFETY: the addresses are of elements.
        let got = unsafe { gather::elements(device, &addresses(device, &there, &places)) }?;
        same(&format!("{n} elements"), &expected, &got)?;
    }
    Ok(())
}

fn words_of_columns(device: &Device) -> Result<(), Failed> {
    for (n_columns, rows, n) in [(1, 64, 1), (3, 100, 7), (17, 1 << 10, 129), (200, 33, 33)] {
        let host = words(n as u32, n_columns * rows);
        let places = places(n, rows);
        let word = |c: usize, p: usize| BaseField::from_u32_unchecked(host[c * rows + p]);
        let expected: Vec<Vec<_>> =
            (0..n_columns).map(|c| places.iter().map(|&p| word(c, p)).collect()).collect();
        let got = gather::words(device, &device.upload("columns", &host)?, rows, &places)?;
        same(&format!("{n_columns} columns of {rows}, {n} rows"), &expected, &got)?;
    }
    Ok(())
}

fn one_hot_rows(device: &Device) -> Result<(), Failed> {
    for (rows, columns) in [(1, 1), (3, 7), (64, 500), (13, 50_257)] {
        let ones: Vec<u32> = places(rows, columns).into_iter().map(|p| p as u32).collect();
        let mut expected = vec![0i32; rows * columns];
        ones.iter().enumerate().for_each(|(row, &c)| expected[row * columns + c as usize] = 1);
        let got = zkml_cuda::trace::ops::one_hot(device, &ones, columns)?;
        same(&format!("{rows} rows of {columns}"), &expected, &device.download(&got)?)?;
    }
    Ok(())
}
