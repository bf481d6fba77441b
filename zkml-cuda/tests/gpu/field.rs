//! The arithmetic that every kernel stands on.

use crate::{same, words, Test};
use cudarc::driver::{LaunchConfig, PushKernelArg};
use libtest_mimic::Failed;
use zkml_cuda::felt::{felts, Felt};
use zkml_cuda::{Device, Kernels};
use zkml_runtime::field::{BaseField, F};

pub const TESTS: &[(&str, Test)] =
    &[("field::ops", ops), ("field::reductions", reductions), ("field::sums", sums)];

const KERNELS: Kernels = Kernels { file: "tests/field.cu", source: include_str!("field.cu") };
const P: u64 = (1 << 31) - 1;

fn elements(seed: u32, n: usize) -> Vec<F> {
    let words = words(seed, 4 * n);
    words.as_chunks().0.iter().map(|&c: &[u32; 4]| Felt(c).into()).collect()
}

fn ops(device: &Device) -> Result<(), Failed> {
    for n in [1, 31, 1000] {
        let (x, y) = (elements(1, n), elements(2, n));
        let each = |f: &dyn Fn(usize) -> F| (0..n).map(f).collect::<Vec<F>>();
        let expected = [
            each(&|i| x[i] + y[i]),
            each(&|i| x[i] - y[i]),
            each(&|i| x[i] * y[i]),
            each(&|i| x[i] * y[i].to_m31_array()[0]),
            each(&|i| -x[i]),
            each(&|i| x[i] + y[n - 1 - i] * (y[i] - x[i])),
        ];
        let (dx, dy) = (device.upload("x", &felts(&x))?, device.upload("y", &felts(&y))?);
        let mut out = device.zeros::<Felt>("out", 6 * n)?;
        let (kernel, len) = (device.kernel(KERNELS, "field_ops")?, n as u32);
        let mut launch = device.stream().launch_builder(&kernel);
        launch.arg(&dx).arg(&dy).arg(&mut out).arg(&len);
        // SAFETY: n elements in, six times as many out.
        unsafe { launch.launch(LaunchConfig::for_num_elems(len)) }?;
        same("operations", &felts(&expected.concat()), &device.download(&out)?)?;
    }
    Ok(())
}

fn reductions(device: &Device) -> Result<(), Failed> {
    let n = 1000;
    let mut wide: Vec<u64> = (0..n as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    wide[..4].copy_from_slice(&[u64::MAX, 4 * P * (P - 1), P, 2 * P]);
    let mut signed: Vec<i64> = wide.iter().map(|&w| (w >> 2) as i64 - (1 << 61)).collect();
    signed[..4].copy_from_slice(&[(1 << 62) - 1, 1 - (1 << 62), -(P as i64), P as i64]);
    let expected: Vec<u32> = wide
        .iter()
        .map(|&w| (w % P) as u32)
        .chain(signed.iter().map(|&v| v.rem_euclid(P as i64) as u32))
        .collect();
    let (dw, ds) = (device.upload("wide", &wide)?, device.upload("signed", &signed)?);
    let mut out = device.zeros::<u32>("out", 2 * n)?;
    let (kernel, len) = (device.kernel(KERNELS, "field_reduce")?, n as u32);
    let mut launch = device.stream().launch_builder(&kernel);
    launch.arg(&dw).arg(&ds).arg(&mut out).arg(&len);
    // SAFETY: n elements in, twice as many out.
    unsafe { launch.launch(LaunchConfig::for_num_elems(len)) }?;
    same("reductions", &expected, &device.download(&out)?)
}

fn sums(device: &Device) -> Result<(), Failed> {
    for (n, threads) in [(1, 32), (100, 128), (3000, 1024), (1 << 16, 256)] {
        let x = elements(3, n);
        let blocks = n.div_ceil(threads);
        let sum = |values: &[F]| values.iter().fold(F::from(BaseField::from(0)), |s, &v| s + v);
        let expected: Vec<F> = x
            .chunks(threads)
            .flat_map(|c| [sum(c), sum(&c.iter().map(|&v| v * v).collect::<Vec<_>>())])
            .collect();
        let dx = device.upload("x", &felts(&x))?;
        let mut out = device.zeros::<Felt>("out", 2 * blocks)?;
        let (kernel, len) = (device.kernel(KERNELS, "field_sum")?, n as u32);
        let mut launch = device.stream().launch_builder(&kernel);
        launch.arg(&dx).arg(&mut out).arg(&len);
        let config = LaunchConfig {
            grid_dim: (blocks as u32, 1, 1),
            block_dim: (threads as u32, 1, 1),
            shared_mem_bytes: 0,
        };
        // SAFETY: n elements in, two for each block out.
        unsafe { launch.launch(config) }?;
        same("sums", &felts(&expected), &device.download(&out)?)?;
    }
    Ok(())
}
