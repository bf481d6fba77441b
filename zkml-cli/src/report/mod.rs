//! One page that says what a model costs and what a proof took: no network, no scripts, charts as SVG.
//!
//! * `graph`: the model, coloured by cost; `charts`: bars and a timeline; `style.css` in the page.

mod charts;
mod graph;

use crate::commands::inspect::system;
use crate::failure::Outcome;
use charts::{bars, timeline, Bar};
use maud::{html, Markup, PreEscaped, DOCTYPE};
use std::time::Duration;
use zkml_dsl::engine::{Accuracy, CostReport, Proof};
use zkml_dsl::DynamicModel;
use zkml_ir::graph::Graph;
use zkml_progress::Phase;
use zkml_runtime::protocol::Proof as Argument;
use zkml_runtime::security::SecurityReport;

/// What a page is about.
pub struct Page<'a> {
    pub cost: &'a CostReport,
    /// Where the model is known by more than its report.
    pub graph: Option<&'a Graph>,
    pub proven: Option<&'a Proven>,
}

/// A proof that was made.
pub struct Proven {
    prove: Duration,
    phases: Vec<Phase>,
    proof_bytes: usize,
    /// Bytes by part.
    parts: Vec<(&'static str, usize)>,
    security: SecurityReport,
    /// Where samples and real weights are there, or were at setup.
    accuracy: Option<Accuracy>,
    backend: String,
}

impl Proven {
    pub fn new(
        model: &DynamicModel,
        proof: &Proof,
        prove: Duration,
        phases: Vec<Phase>,
        accuracy: Option<Accuracy>,
    ) -> Outcome<Self> {
        let key = model.verifier_key();
        let portable = key.portable(model.graph())?;
        let system = system(&portable).map_err(crate::failure::Failure::input)?;
        let argument =
            Argument::from_bytes(&proof.argument, &system).map_err(crate::failure::Failure::input)?;
        Ok(Self {
            prove,
            phases,
            proof_bytes: proof.len(),
            parts: argument.sizes(),
            security: *system.security(),
            accuracy,
            backend: format!("{:?}", model.as_ref().backend()).to_lowercase(),
        })
    }
}

/// The page.
pub fn page(p: &Page) -> String {
    let cost = p.cost;
    let title = match p.proven {
        Some(_) => format!("{}, proven", cost.model),
        None => format!("{}: what a proof costs", cost.model),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - zkml" }
                // No icon is asked for.
                link rel="icon" href="data:,";
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                header { h1 { (title) } (figures(p)) }
                main {
                    @if let Some(proven) = p.proven { (time(proven)) (security(proven)) }
                    (ops(cost))
                    @if let Some(Proven { accuracy: Some(accuracy), .. }) = p.proven { (error(accuracy)) }
                    @if let Some(graph) = p.graph { (model(graph, cost)) }
                    (table(cost))
                }
                footer { "zkml " (env!("CARGO_PKG_VERSION")) }
            }
        }
    }
    .into_string()
}

/// A number and what it is, with an id that a test reads it by.
fn figure(id: &str, value: String, what: &str) -> Markup {
    html! { div .figure { strong id=(id) { (value) } span { (what) } } }
}

fn figures(p: &Page) -> Markup {
    let cost = p.cost;
    html! {
        div .figures {
            @match p.proven {
                Some(proven) => {
                    (figure("prove-ms", format!("{:.0} ms", proven.prove.as_secs_f64() * 1e3), &format!("to prove, on {}", proven.backend)))
                    (figure("proof-bytes", bytes(proven.proof_bytes as u64), "proof"))
                    (figure("security-bits", format!("{:.1} bits", proven.security.sum_bits()), "of all errors together"))
                }
                None => {
                    (figure("estimate-ms", format!("{:.0} ms", cost.estimate.prove_ms), &format!("to prove, estimated for {} threads", cost.estimate.machine.threads)))
                    (figure("estimate-bytes", bytes(cost.estimate.proof_bytes), "proof, estimated"))
                    (figure("memory", bytes(cost.estimate.memory_bytes), "memory, estimated"))
                }
            }
            (figure("cells", thousands(cost.committed_cells), "cells that each proof commits to"))
            (figure("lookups", thousands(cost.lookups), "lookups"))
            (figure("weights", thousands(cost.weight_cells), "weights"))
            (figure("multiply-adds", thousands(cost.multiply_adds), "multiply-adds"))
        }
    }
}

fn time(p: &Proven) -> Markup {
    html! {
        section {
            h2 { "Where the time went" }
            p { "Phases of the proof from its beginning; what lies within another is drawn below it." }
            (timeline(&p.phases))
        }
        section {
            h2 { "What the proof consists of" }
            (bars(&p.parts.iter().map(|&(name, n)| Bar { name: name.into(), value: n as f64, label: bytes(n as u64), note: None }).collect::<Vec<_>>()))
        }
    }
}

fn security(p: &Proven) -> Markup {
    let bar = |(name, bits): (&'static str, f64)| Bar {
        name: name.into(),
        value: bits,
        label: format!("{bits:.1} bits"),
        note: None,
    };
    html! {
        section {
            h2 { "Security" }
            p {
                "Level " code { (p.security.level.name()) } ". Each way to deceive the verifier has at most 2 to the minus so many; their sum is "
                strong { (format!("{:.1} bits", p.security.sum_bits())) } "."
            }
            (bars(&p.security.terms().into_iter().filter(|(_, b)| b.is_finite()).map(bar).collect::<Vec<_>>()))
        }
    }
}

/// The ops that most goes to.
const MOST: usize = 14;

fn ops(cost: &CostReport) -> Markup {
    let chart = |f: fn(&zkml_ir::cost::OpCost) -> u64| {
        let mut ops: Vec<_> = cost.ops.iter().filter(|o| f(o) > 0).collect();
        ops.sort_by_key(|o| std::cmp::Reverse(f(o)));
        let rest: u64 = ops.iter().skip(MOST).map(|o| f(o)).sum();
        let bar = |name: String, v: u64, note: Option<String>| Bar {
            name,
            value: v as f64,
            label: thousands(v),
            note,
        };
        let mut all: Vec<Bar> = ops
            .iter()
            .take(MOST)
            .map(|o| bar(o.name.clone(), f(o), Some(format!("{} {} {:?}", o.op, o.elem, o.shape))))
            .collect();
        if rest > 0 {
            all.push(bar(format!("{} others", ops.len() - MOST), rest, None));
        }
        bars(&all)
    };
    html! {
        section {
            h2 { "Where cells go" }
            p { "Numbers that each proof commits to. They are most of the time of commitment and opening." }
            (chart(|o| o.committed_cells))
        }
        section {
            h2 { "Where lookups go" }
            (chart(|o| o.lookups))
        }
        section {
            h2 { "Where multiply-adds go" }
            p { "They are proven by a sumcheck, which reads each operand once." }
            (chart(|o| o.multiply_adds))
        }
    }
}

fn error(a: &Accuracy) -> Markup {
    let mut tensors: Vec<_> = a.tensors.iter().filter_map(|t| t.snr_db.map(|snr| (t, snr))).collect();
    tensors.sort_by(|a, b| a.1.total_cmp(&b.1));
    let share = |snr: f64| 10f64.powf(-snr / 20.0) * 100.0;
    let bar = |(t, snr): &(&zkml_ir::calibrate::TensorAccuracy, f64)| Bar {
        name: t.name.clone(),
        value: share(*snr),
        label: format!("{:.2} %", share(*snr)),
        note: Some(format!("{} in steps of {:.2e}, {:.1} dB", t.elem, t.step, snr)),
    };
    let layer = |l: &zkml_ir::calibrate::LayerAccuracy| {
        let snr = l.snr_db?;
        let noisiest = l.noisiest.as_ref().map(|(name, db)| format!("{name} adds most, at {db:.1} dB"));
        let name = if l.path.is_empty() { "(model)" } else { &l.path };
        Some(Bar {
            name: name.into(),
            value: share(snr),
            label: format!("{:.2} %", share(snr)),
            note: noisiest,
        })
    };
    let layers: Vec<Bar> = a.layers.iter().filter_map(layer).collect();
    html! {
        @if layers.len() > 1 {
            section {
                h2 { "What layers hand on" }
                p { "The difference to real numbers in the last activation of each, relative to its own size, in the order of the layers." }
                (bars(&layers))
            }
        }
        section {
            h2 { "What the integers lose" }
            p { "Root mean square of the difference to real numbers, relative to their own, over " (a.samples) " samples; the largest first." }
            ul { @for o in &a.outputs { li { code { (o.name) } ": " span id=(format!("error-{}", o.name)) { (format!("{:.2} %", o.relative_rms * 100.0)) } ", cosine " (format!("{:.6}", o.cosine)) } } }
            (bars(&tensors.iter().take(2 * MOST).map(bar).collect::<Vec<_>>()))
        }
    }
}

fn model(graph: &Graph, cost: &CostReport) -> Markup {
    html! {
        section .wide {
            h2 { "The model" }
            @match graph::drawn(graph, cost) {
                Ok(drawing) => {
                    p {
                        "Darker is more of the cost: cells and lookups, weighed as the estimate does."
                        @if drawing.rolled { " Layers that repeat are drawn once, in the colour of all of them." }
                        @if drawing.joined { " Ops that follow each other are one box." }
                    }
                    div #graph .graph data-boxes=(drawing.boxes) { (PreEscaped(drawing.svg)) }
                }
                Err(boxes) => p { "A graph of " (boxes) " boxes is not drawn; the table below has all ops." }
            }
        }
    }
}

fn table(cost: &CostReport) -> Markup {
    html! {
        section .wide {
            h2 { "All ops" }
            div .scroll {
                table {
                    thead { tr { th { "name" } th { "op" } th { "output" } th { "multiply-adds" } th { "cells" } th { "lookups" } } }
                    tbody {
                        @for o in &cost.ops {
                            tr {
                                td { (o.name) @if o.count > 1 { " x " (o.count) } }
                                td { (o.op) }
                                td { (o.elem) " " (format!("{:?}", o.shape)) }
                                td .n { (thousands(o.multiply_adds)) }
                                td .n { (thousands(o.committed_cells)) }
                                td .n { (thousands(o.lookups)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// With a comma every three digits.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn bytes(n: u64) -> String {
    match n {
        0..10_000 => format!("{n} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([12, 123_456, 12_345_678].map(bytes), ["12 bytes", "123.5 kB", "12.3 MB"]);
    }
}
