//! Times by synchronised clocks, warm.

use crate::models;
use libtest_mimic::Failed;
use std::sync::Arc;
use std::time::Instant;
use zkml_cuda::Device;

/// A benchmark's body.
pub type Bench = fn(&Device) -> Result<Row, Failed>;

/// Runs that count, after two that do not.
const RUNS: usize = 9;

/// Seconds of each run, the least first.
pub struct Row {
    seconds: Vec<f64>,
    elements: f64,
    of: &'static str,
}

impl Row {
    pub fn measure(
        device: &Device,
        elements: f64,
        of: &'static str,
        mut run: impl FnMut() -> Result<(), Failed>,
    ) -> Result<Self, Failed> {
        let mut seconds = vec![];
        for k in 0..RUNS + 2 {
            device.synchronize()?;
            let start = Instant::now();
            run()?;
            device.synchronize()?;
            if k >= 2 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
        seconds.sort_by(f64::total_cmp);
        Ok(Self { seconds, elements, of })
    }
}

/// One table: median, least and largest time, and elements a second at the median.
pub fn run(
    device: &Arc<Device>,
    kernels: &[(&str, Bench)],
    models: &[(&str, models::Bench)],
) -> Result<(), Failed> {
    println!("{:<32} {:>11} {:>11} {:>11} {:>14}", "", "median", "least", "largest", "");
    for (name, bench) in kernels {
        print(name, &bench(device)?);
    }
    for (name, bench) in models {
        print(name, &bench(device)?);
    }
    println!("{:<32} {:>8.0} MiB", "memory of the device, at most", device.peak()? as f64 / (1 << 20) as f64);
    Ok(())
}

fn print(name: &str, Row { seconds, elements, of }: &Row) {
    let [median, least, largest] = [RUNS / 2, 0, RUNS - 1].map(|i| seconds[i]);
    let ms = |s: f64| format!("{:.3} ms", s * 1e3);
    let rate = format!("{:.2} G {of}/s", elements / median / 1e9);
    println!("{name:<32} {:>11} {:>11} {:>11} {rate:>18}", ms(median), ms(least), ms(largest));
}
