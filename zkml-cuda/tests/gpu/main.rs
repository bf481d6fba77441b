//! Every kernel against what the CPU computes, on the card that is there. Without one the tests are ignored, and say why.
//!
//! `gpu-suite` builds this for machines without a toolchain; there `--bench` prints a table of times instead.

mod bench;
mod cells;
mod columns;
mod commit;
mod einsum;
mod field;
mod gkr;
mod models;
mod opening;
mod queries;
mod reduction;
mod trace;

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use std::sync::Arc;
use zkml_cuda::Device;

/// A test, in one piece.
type Body = Box<dyn FnOnce(&Arc<Device>) -> Result<(), Failed> + Send>;

/// A test's body.
pub type Test = fn(&Device) -> Result<(), Failed>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let device = match Device::open(0) {
        Ok(device) => {
            eprintln!("device: {}", device.name());
            Some(Arc::new(device))
        }
        Err(why) => {
            eprintln!("note: the GPU's tests are skipped: {why}");
            None
        }
    };
    let tests = [
        field::TESTS,
        cells::TESTS,
        commit::TESTS,
        opening::TESTS,
        queries::TESTS,
        reduction::TESTS,
        columns::TESTS,
        einsum::TESTS,
        gkr::TESTS,
    ];
    let trial = |name: &'static str, test: Body| match device.clone() {
        Some(device) => Trial::test(name, move || test(&device)),
        None => Trial::test(name, || Ok(())).with_ignored_flag(true),
    };
    let kernels = tests.concat().into_iter().map(|(name, test)| trial(name, Box::new(move |d| test(d))));
    let of_models = |tests: &[(&'static str, models::Test)]| -> Vec<Trial> {
        tests.iter().map(|&(name, test)| trial(name, Box::new(test))).collect()
    };
    if let (true, Some(device)) = (arguments.bench, &device) {
        let kernels = [commit::BENCHES, opening::BENCHES, einsum::BENCHES, gkr::BENCHES].concat();
        return match bench::run(device, &kernels, models::BENCHES) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("{e:?}");
                ExitCode::FAILURE
            }
        };
    }
    let together = libtest_mimic::run(
        &arguments,
        kernels.chain(of_models(trace::TESTS)).chain(of_models(models::TESTS)).collect(),
    );
    let alone = libtest_mimic::run(&arguments, of_models(models::ALONE));
    match together.has_failed() {
        true => together.exit_code(),
        false => alone.exit_code(),
    }
}

/// Words below p that no one would guess, and the first ones the extremes.
pub fn words(seed: u32, n: usize) -> Vec<u32> {
    const P: u32 = (1 << 31) - 1;
    let mut state = u64::from(seed) << 32 | 0x9e37_79b9;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32 % P
    };
    let extremes = [P - 1, 0, 1, P - 2];
    (0..n).map(|i| if i < 4 { extremes[(i + seed as usize) % 4] } else { next() }).collect()
}

/// Equal, or the first place where they are not.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &[T], got: &[T]) -> Result<(), Failed> {
    if expected.len() != got.len() {
        return Err(format!("{what}: expected {} elements, got {}", expected.len(), got.len()).into());
    }
    match expected.iter().zip(got).position(|(e, g)| e != g) {
        None => Ok(()),
        Some(i) => {
            let wrong = expected.iter().zip(got).filter(|(e, g)| e != g).count();
            let (e, g) = (&expected[i], &got[i]);
            Err(format!("{what}: {wrong} of {} differ, first [{i}]: expected {e:?}, got {g:?}", got.len())
                .into())
        }
    }
}
