//! What zkml is doing, from its `tracing` spans: a line on a terminal with the phase's name and the time that is left, and the
//! wall time of each phase. In a pipe it is quiet.
//!
//! The time that is left is told beforehand ([`Progress::expect`], from the cost model), or goes by the pace so far: of spans with
//! the fields `step` and `of`, `info_span!("sample", step = i, of = n)`, which are the `i`-th of `n` from 0.

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::EnvFilter;

/// One phase: all spans of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    pub name: &'static str,
    /// When the first of them began, from when the collector was made or reset.
    pub start: Duration,
    /// Phases that the first such span lay in.
    pub depth: usize,
    /// Spans that have ended.
    pub count: usize,
    /// Time during which at least one was open; spans that overlap, on several threads, count once.
    pub wall: Duration,
}

/// Collects phases and shows the current one. Clones share what they collect.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    phases: Vec<Running>,
    /// Open spans, the innermost last.
    open: Vec<(Id, &'static str)>,
    bar: Option<ProgressBar>,
    /// When the first phase began.
    origin: Option<Instant>,
    /// How long the whole takes was told: the bar counts down.
    expected: bool,
}

#[derive(Debug)]
struct Running {
    phase: Phase,
    open: usize,
    since: Instant,
    series: Option<Series>,
}

/// A phase that is one of several alike.
#[derive(Clone, Copy, Debug)]
struct Series {
    /// When the first of them began.
    since: Instant,
    count: Count,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    step: u64,
    of: u64,
}

impl Progress {
    /// Installs the global subscriber. The spinner shows if standard error is a terminal; log lines show, in place of
    /// it, if `RUST_LOG` asks for them.
    pub fn install() -> Result<Self, TryInitError> {
        let progress = Self::default();
        let registry = tracing_subscriber::registry().with(progress.layer());
        match EnvFilter::try_from_default_env() {
            Ok(filter) => {
                let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
                registry.with(lines.with_filter(filter)).try_init()?;
            }
            Err(_) => {
                registry.try_init()?;
                if std::io::stderr().is_terminal() {
                    progress.lock().bar = Some(spinner());
                }
            }
        }
        Ok(progress)
    }

    /// The layer, for a subscriber of one's own. It sees the spans of zkml's crates at level info and above.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> {
        let is_phase =
            |m: &Metadata<'_>| m.is_span() && m.target().starts_with("zkml") && *m.level() <= Level::INFO;
        Spans(self.clone()).with_filter(filter_fn(is_phase))
    }

    /// The phases so far, in the order in which they first began; time of open spans is not in yet.
    pub fn phases(&self) -> Vec<Phase> {
        self.lock().phases.iter().map(|r| r.phase.clone()).collect()
    }

    /// The wall time of a phase, zero if it has not run.
    pub fn wall(&self, name: &str) -> Duration {
        self.phases().iter().find(|p| p.name == name).map_or(Duration::ZERO, |p| p.wall)
    }

    /// Forgets the phases that are over: between setup and proof, or between two proofs.
    pub fn reset(&self) {
        let mut state = self.lock();
        state.phases.retain(|r| r.open > 0);
        state.origin = None;
        state.expected = false;
    }

    /// Says how long what begins now will take: the line then counts down.
    pub fn expect(&self, total: Duration) {
        let mut state = self.lock();
        state.expected = true;
        if let Some(bar) = &state.bar {
            bar.reset_elapsed();
            bar.set_style(style(Some(total)));
        }
    }

    /// Removes the spinner from the terminal, before results are printed.
    pub fn finish(&self) {
        if let Some(bar) = self.lock().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the times usable.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl State {
    fn begin(&mut self, id: Id, name: &'static str, depth: usize, count: Option<Count>) {
        let now = Instant::now();
        let at = self.phases.iter().position(|r| r.phase.name == name).unwrap_or_else(|| {
            let start = now.duration_since(*self.origin.get_or_insert(now));
            let phase = Phase { name, start, depth, count: 0, wall: Duration::ZERO };
            self.phases.push(Running { phase, open: 0, since: now, series: None });
            self.phases.len() - 1
        });
        let running = &mut self.phases[at];
        if running.open == 0 {
            running.since = now;
        }
        running.open += 1;
        running.series = count.map(|count| Series {
            since: running.series.filter(|s| count.step > s.count.step).map_or(now, |s| s.since),
            count,
        });
        self.open.push((id, name));
        self.show();
    }

    fn end(&mut self, id: &Id) {
        let Some(at) = self.open.iter().rposition(|(open, _)| open == id) else { return };
        let (_, name) = self.open.remove(at);
        if let Some(running) = self.phases.iter_mut().find(|r| r.phase.name == name) {
            running.open -= 1;
            running.phase.count += 1;
            if running.open == 0 {
                running.phase.wall += running.since.elapsed();
            }
        }
        self.show();
    }

    fn show(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.line(Instant::now()));
        }
    }

    /// The innermost phase, and those around it that are counted. The outermost of these says what is left, if nothing else does.
    fn line(&self, now: Instant) -> String {
        let mut parts = vec![];
        let mut left_is_known = self.expected;
        for (k, (_, name)) in self.open.iter().enumerate() {
            let series = self.phases.iter().find(|r| r.phase.name == *name).and_then(|r| r.series);
            match series {
                Some(series) => {
                    let Count { step, of } = series.count;
                    let mut part = format!("{name} {} of {of}", step + 1);
                    if let Some(left) = series.left(now).filter(|_| !left_is_known) {
                        part += &format!(", {:.0} s left", left.as_secs_f64());
                        left_is_known = true;
                    }
                    parts.push(part);
                }
                None if k + 1 == self.open.len() => parts.push((*name).to_owned()),
                None => {}
            }
        }
        parts.dedup();
        parts.join(": ")
    }
}

impl Series {
    /// At the pace of the steps that are over.
    fn left(&self, now: Instant) -> Option<Duration> {
        let Count { step, of } = self.count;
        let pace = (step > 0).then(|| now.duration_since(self.since).div_f64(step as f64))?;
        Some(pace.mul_f64(of.saturating_sub(step) as f64))
    }
}

impl Visit for Count {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "step" => self.step = value,
            "of" => self.of = value,
            _ => {}
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_u64(field, value.max(0) as u64);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

struct Spans(Progress);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let depth = context.span_scope(id).map_or(0, |scope| scope.count() - 1);
        let mut count = Count::default();
        attributes.record(&mut count);
        let count = (count.of > 1).then_some(count);
        self.0.lock().begin(id.clone(), attributes.metadata().name(), depth, count);
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.0.lock().end(&id);
    }
}

fn style(total: Option<Duration>) -> ProgressStyle {
    let style = ProgressStyle::with_template("{spinner} {elapsed} {left}{msg}").expect("a constant template");
    style.with_key("left", move |state: &ProgressState, w: &mut dyn std::fmt::Write| {
        if let Some(total) = total {
            let left = total.saturating_sub(state.elapsed()).as_secs_f64();
            let _ = write!(w, "({left:.0} s left) ");
        }
    })
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_style(style(None));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;
    use tracing::{debug_span, info_span};

    const TICK: Duration = Duration::from_millis(20);

    fn watch(run: impl FnOnce(&Progress)) -> Vec<Phase> {
        let progress = Progress::default();
        let subscriber = tracing_subscriber::registry().with(progress.layer());
        tracing::subscriber::with_default(subscriber, || run(&progress));
        progress.phases()
    }

    #[test]
    fn phases_nest_repeat_and_add_up() {
        let phases = watch(|_| {
            let _prove = info_span!("prove").entered();
            for _ in 0..2 {
                let _commit = info_span!("commit").entered();
                let _detail = debug_span!("detail").entered();
                sleep(TICK);
            }
        });
        let seen: Vec<_> = phases.iter().map(|p| (p.name, p.depth, p.count)).collect();
        assert_eq!(seen, [("prove", 0, 1), ("commit", 1, 2)]);
        assert!(phases[1].wall >= 2 * TICK && phases[0].wall >= phases[1].wall);
    }

    #[test]
    fn spans_that_overlap_count_once() {
        let start = Instant::now();
        let phases = watch(|_| {
            let a = info_span!("fold");
            let b = info_span!("fold");
            sleep(2 * TICK);
            drop(a);
            sleep(TICK);
            drop(b);
        });
        assert_eq!(phases[0].count, 2);
        assert!(phases[0].wall >= 3 * TICK && phases[0].wall <= start.elapsed(), "{:?}", phases[0].wall);
    }

    #[test]
    fn other_crates_are_left_out_and_reset_forgets() {
        let phases = watch(|progress| {
            info_span!(target: "stwo::prover", "merkle").in_scope(|| ());
            info_span!("setup").in_scope(|| ());
            assert_eq!(progress.phases().len(), 1);
            progress.reset();
            let _trace = info_span!("trace").entered();
            progress.reset();
            assert_eq!(progress.wall("setup"), Duration::ZERO);
        });
        assert_eq!(phases.iter().map(|p| p.name).collect::<Vec<_>>(), ["trace"]);
    }

    #[test]
    fn counted_phases_say_what_is_left() {
        watch(|progress| {
            let line = |after: Duration| progress.lock().line(Instant::now() + after);
            let _setup = info_span!("setup").entered();
            assert_eq!(line(TICK), "setup");
            for step in 0..3 {
                let _block = info_span!("block", step, of = 4).entered();
                let _extend = info_span!("extend", step = step, of = 9).entered();
                let left = [
                    "block 1 of 4: extend 1 of 9",
                    "block 2 of 4, 3000 s left: extend 2 of 9",
                    "block 3 of 4, 1000 s left: extend 3 of 9",
                ];
                assert_eq!(line(Duration::from_secs(1000)), left[step as usize]);
            }
            // A series that begins again has no pace yet, and what is known of the whole is not said twice.
            let again = info_span!("block", step = 0, of = 2).entered();
            assert_eq!(line(TICK), "block 1 of 2");
            drop(again);
            progress.expect(TICK);
            let _block = info_span!("block", step = 1, of = 2).entered();
            assert_eq!(line(TICK), "block 2 of 2");
        });
    }
}
