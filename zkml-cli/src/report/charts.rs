//! Bars and a timeline, as SVG.

use maud::{html, Markup};
use zkml_progress::Phase;

pub struct Bar {
    pub name: String,
    pub value: f64,
    pub label: String,
    /// What a pointer on it shows.
    pub note: Option<String>,
}

const WIDTH: f64 = 560.0;
const ROW: f64 = 22.0;
const NAMES: f64 = 210.0;
const LABELS: f64 = 96.0;
/// Characters of a name that fit.
const SHOWN: usize = 27;

/// One row for each.
pub fn bars(all: &[Bar]) -> Markup {
    let most = all.iter().map(|b| b.value).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let room = WIDTH - NAMES - LABELS;
    html! {
        svg width="100%" viewBox=(format!("0 0 {WIDTH} {}", ROW * all.len() as f64)) role="img" {
            @for (i, b) in all.iter().enumerate() {
                @let y = ROW * i as f64;
                g {
                    title { (b.name) ": " (b.label) @if let Some(note) = &b.note { " (" (note) ")" } }
                    text x="0" y=(y + 15.0) { (short(&b.name)) }
                    rect .track x=(NAMES) y=(y + 4.0) width=(room) height=(ROW - 8.0) rx="3" {}
                    rect .bar x=(NAMES) y=(y + 4.0) width=(format!("{:.1}", (room * b.value / most).max(1.0))) height=(ROW - 8.0) rx="3" {}
                    text .dim x=(WIDTH) y=(y + 15.0) text-anchor="end" { (b.label) }
                }
            }
        }
    }
}

/// Its end, which is what tells names apart.
fn short(name: &str) -> String {
    let n = name.chars().count();
    match n > SHOWN {
        false => name.to_owned(),
        true => std::iter::once('…').chain(name.chars().skip(n - SHOWN + 1)).collect(),
    }
}

/// A row for each phase, from when it first began; one that ran several times is as long as all of them.
pub fn timeline(phases: &[Phase]) -> Markup {
    let end = phases.iter().map(|p| (p.start + p.wall).as_secs_f64()).fold(0.0, f64::max).max(1e-9);
    let room = WIDTH - NAMES - LABELS;
    let x = |s: f64| NAMES + room * s / end;
    html! {
        svg width="100%" viewBox=(format!("0 0 {WIDTH} {}", ROW * phases.len() as f64)) role="img" {
            @for k in 0..=4 {
                @let at = x(end * f64::from(k) / 4.0);
                line .grid x1=(at) x2=(at) y1="0" y2=(ROW * phases.len() as f64) {}
            }
            @for (i, p) in phases.iter().enumerate() {
                @let (y, start, wall) = (ROW * i as f64, p.start.as_secs_f64(), p.wall.as_secs_f64());
                g {
                    title { (p.name) ": " (format!("{:.2} ms", wall * 1e3)) @if p.count > 1 { " in " (p.count) " pieces" } }
                    text x=(12.0 * p.depth as f64) y=(y + 15.0) { (p.name) }
                    rect .bar x=(format!("{:.1}", x(start))) y=(y + 4.0) width=(format!("{:.1}", (room * wall / end).max(1.0))) height=(ROW - 8.0) rx="3"
                        fill-opacity=(format!("{:.2}", 1.0 / (1.0 + 0.35 * p.depth as f64))) {}
                    text .dim x=(WIDTH) y=(y + 15.0) text-anchor="end" { (format!("{:.1} ms", wall * 1e3)) }
                }
            }
        }
    }
}
