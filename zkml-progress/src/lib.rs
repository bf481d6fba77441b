//! What the prover is doing, from its `tracing` spans: a line on a terminal with the phase's name and the time that is left, and the
//! wall time of each phase. In a pipe it is quiet.

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
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
}

#[derive(Debug)]
struct Running {
    phase: Phase,
    open: usize,
    since: Instant,
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
    }

    /// Says how long what begins now will take: the line then counts down.
    pub fn expect(&self, total: Duration) {
        let state = self.lock();
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
    fn begin(&mut self, id: Id, name: &'static str, depth: usize) {
        let now = Instant::now();
        let at = self.phases.iter().position(|r| r.phase.name == name).unwrap_or_else(|| {
            let start = now.duration_since(*self.origin.get_or_insert(now));
            let phase = Phase { name, start, depth, count: 0, wall: Duration::ZERO };
            self.phases.push(Running { phase, open: 0, since: now });
            self.phases.len() - 1
        });
        let running = &mut self.phases[at];
        if running.open == 0 {
            running.since = now;
        }
        running.open += 1;
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
            bar.set_message(self.open.last().map_or("", |(_, name)| name));
        }
    }
}

struct Spans(Progress);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let depth = context.span_scope(id).map_or(0, |scope| scope.count() - 1);
        self.0.lock().begin(id.clone(), attributes.metadata().name(), depth);
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
}
