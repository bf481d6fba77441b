//! What every example does around its model: options to settings, timed phases, the report at the end.

use crate::options::Options;
use crate::progress::{Phase, Progress};
use crate::report::{peak_rss_mb, Report};
use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use zkml_dsl::engine::{probe_machine, recommend_widths, Backend, Model, Proof, SecurityLevel, Settings};
use zkml_dsl::weights::{FloatTensor, FloatWeights};

/// Proofs of which the median is shown.
const RUNS: usize = 3;

pub type Failure = Box<dyn Error + Send + Sync>;

/// What `main` returns: an error in words, not as a value.
pub fn exit(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The settings and the clock of one run.
#[derive(Debug)]
pub struct Session {
    options: Options,
    progress: Progress,
    threads: usize,
    settings: Settings,
    start: Instant,
}

/// The model's name and sizes, as the report shows them.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub name: &'a str,
    pub seq: usize,
    pub layers: usize,
    pub model: &'a Model,
    pub proof: &'a Proof,
    pub max_abs_err: f64,
}

/// Wall times of one run.
#[derive(Clone, Debug, Default)]
pub struct Times {
    pub calibrate: Duration,
    /// Weights committed and their ranges certified.
    pub setup: Duration,
    pub setup_phases: Vec<Phase>,
    pub prove: Duration,
    pub phases: Vec<Phase>,
    /// Once for each key: the certificate of the weights' ranges.
    pub check_key: Duration,
    pub verify: Duration,
}

impl Session {
    /// Installs the subscriber and sizes the thread pool.
    pub fn start(options: &Options) -> Result<Self, Failure> {
        let level = level(options.security.as_deref())?;
        let (start, progress) = (Instant::now(), Progress::install()?);
        let threads = options.start_threads()?;
        let settings = Settings { level, backend: options.backend.open()? };
        Ok(Self { options: options.clone(), progress, threads, settings, start })
    }

    pub fn level(&self) -> SecurityLevel {
        self.settings.level
    }

    pub fn backend(&self) -> Backend {
        self.settings.backend.clone()
    }

    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Calibrates and sets up, proves as often as `--runs` says, and verifies twice: the first time the key is checked as
    /// well. `prove` returns what `verify` reads. The first proof of a process is the slowest: memory that it is given is
    /// memory that the system has to find.
    pub fn measure<M, P, E: Into<Failure>>(
        &self,
        calibrate: impl FnOnce() -> Result<M, E>,
        mut prove: impl FnMut(&M) -> Result<P, Failure>,
        mut verify: impl FnMut(&P) -> Result<(), Failure>,
    ) -> Result<(M, P, Times), Failure> {
        self.progress.reset();
        let (both, model) = timed(calibrate);
        let model = model.map_err(Into::into)?;
        let setup = self.progress.wall("setup");
        let setup_phases = self.progress.phases().into_iter().filter(|p| p.depth > 0).collect();
        let mut runs = vec![];
        let proven = loop {
            self.progress.reset();
            let (time, proven) = timed(|| prove(&model));
            let proven = proven?;
            runs.push((time, self.progress.phases()));
            if runs.len() >= self.options.runs.map_or(RUNS, NonZeroUsize::get) {
                break proven;
            }
        };
        runs.sort_by_key(|(time, _)| *time);
        let (time, phases) = runs.swap_remove(runs.len() / 2);
        let (first, checked) = timed(|| verify(&proven));
        checked?;
        let (again, checked) = timed(|| verify(&proven));
        checked?;
        let calibrate = both.saturating_sub(setup);
        let check_key = first.saturating_sub(again);
        let times = Times { calibrate, setup, setup_phases, prove: time, phases, check_key, verify: again };
        Ok((model, proven, times))
    }

    /// Prints, if `--accuracy` asks for it, what the integers lose on these samples and which widths would do.
    pub fn accuracy(
        &self,
        model: &Model,
        weights: &FloatWeights,
        samples: &[Vec<FloatTensor>],
    ) -> Result<(), Failure> {
        if self.options.accuracy {
            println!("\n{}", model.accuracy(weights, samples)?);
            println!("{}", recommend_widths(model.graph(), weights, samples, None)?);
        }
        Ok(())
    }

    /// Prints the figures and writes them where `--json` says.
    pub fn finish(&self, subject: &Subject<'_>, times: &Times) -> Result<Report, Failure> {
        self.progress.finish();
        let figures = subject.model.figures();
        let mib = |bytes: u64| bytes as f64 / (1 << 20) as f64;
        let report = Report {
            model: subject.name.into(),
            seq: subject.seq,
            layers: subject.layers,
            threads: self.threads,
            setup_ms: ms(times.setup),
            prove_ms: ms(times.prove),
            verify_ms: ms(times.verify),
            proof_bytes: subject.proof.to_bytes().len(),
            security_bits: figures.security_bits,
            peak_rss_mb: peak_rss_mb(),
            estimated_mb: mib(subject.model.memory().process()),
            committed_cells: figures.committed_cells,
            lookups: figures.lookups,
            max_abs_err: subject.max_abs_err,
            backend: subject.model.backend().name().into(),
        };
        print!("{}", report.table(&times.setup_phases, &times.phases));
        println!("  {:<24} {:>14}", "level", self.settings.level.name());
        if self.options.estimate {
            let estimate = subject.model.cost()?.on(probe_machine()).estimate;
            println!("  {:<24} {:>11.1} ms", "prove, estimate", estimate.prove_ms);
        }
        println!("  {:<24} {:>11.1} ms", "calibrate", ms(times.calibrate));
        println!("  {:<24} {:>11.1} ms", "check key, once", ms(times.check_key));
        println!("  {:<24} {:>11.1} ms", "total", ms(self.start.elapsed()));
        if let Some(path) = &self.options.json {
            report.write_json(path)?;
        }
        Ok(report)
    }
}

/// The level of this name, the default one if there is none.
pub fn level(name: Option<&str>) -> Result<SecurityLevel, Failure> {
    let Some(name) = name else { return Ok(SecurityLevel::default()) };
    SecurityLevel::ALL.into_iter().find(|l| l.name() == name).ok_or_else(|| {
        let names = SecurityLevel::ALL.map(|l| format!("`{}`", l.name()));
        format!("no security level is called `{name}`; there are {}", names.join(", ")).into()
    })
}

fn timed<T>(f: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let value = f();
    (start.elapsed(), value)
}

fn ms(d: Duration) -> f64 {
    d.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_by_name() {
        assert_eq!(level(None).unwrap(), SecurityLevel::default());
        assert_eq!(level(Some("conjectured-96")).unwrap(), SecurityLevel::Conjectured96);
        let error = level(Some("fast")).unwrap_err().to_string();
        assert!(error.contains("`fast`") && error.contains("`proven-compact`"), "{error}");
    }
}
