//! `fit.md`: the fitted costs, what follows from them for a token, a layer and a weight, and every point beside its estimate.

use super::fit::{slope, Sample};
use super::series::Axis;
use super::{Fit, Point, Row};
use std::fmt::{self, Display, Write};

/// Markdown, for people at the end of a sweep and for the documents.
pub fn markdown(rows: &[Row], base: &Point) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut out, rows, base);
    out
}

/// A row with times, for the fit.
fn sample(row: &Row) -> Option<Sample> {
    Some(Sample {
        cells: row.cells? as f64,
        lookups: row.lookups? as f64,
        weights: row.weights? as f64,
        prove_ms: row.prove_ms?,
    })
}

fn write(out: &mut String, rows: &[Row], base: &Point) -> fmt::Result {
    let threads = base.threads;
    // Threads are no cost of their own: the fit is for those of the base.
    let samples: Vec<Sample> = rows.iter().filter(|r| r.threads == threads).filter_map(sample).collect();
    let fit = Fit::new(&samples);
    writeln!(out, "# Fit\n")?;
    match &fit {
        Ok(fit) => costs(out, fit, &samples, threads)?,
        Err(e) => writeln!(out, "No fit: {e}.\n")?,
    }
    derived(out, rows, base)?;
    points(out, rows, fit.as_ref().ok())
}

fn costs(out: &mut String, fit: &Fit, samples: &[Sample], threads: usize) -> fmt::Result {
    let off = samples.iter().map(|s| (fit.predict_ms(s) / s.prove_ms - 1.0).abs()).fold(0.0, f64::max);
    writeln!(
        out,
        "Proving time over {} points on {threads} threads, least squares of relative errors, no cost below zero; the point \
         farthest off is off by {:.1} %.\n",
        samples.len(),
        100.0 * off
    )?;
    writeln!(out, "| cost | |\n|---|---:|")?;
    writeln!(out, "| every proof | {:.1} ms |", fit.fixed_ms)?;
    writeln!(out, "| a cell that the proof commits | {:.2} ns |", fit.ns_cell)?;
    writeln!(out, "| a lookup | {:.2} ns |", fit.ns_lookup)?;
    writeln!(out, "| a weight | {:.2} ns |\n", fit.ns_weight)
}

fn derived(out: &mut String, rows: &[Row], base: &Point) -> fmt::Result {
    let line = |axis: Axis| slope(&axis.values(rows, base, |r| r.prove_ms));
    let by_weights: Vec<_> = Axis::Width.rows(rows, base).into_iter().filter_map(sample).collect();
    let by_weights: Vec<_> = by_weights.iter().map(|s| (s.weights / 1e6, s.prove_ms)).collect();
    writeln!(out, "Slopes of straight lines through proving times, one size varied at a time:\n")?;
    writeln!(out, "| of each | at | |\n|---|---|---:|")?;
    for (what, axis, value, unit) in [
        ("token", Axis::Seq, line(Axis::Seq), "ms"),
        ("layer", Axis::Layers, line(Axis::Layers), "ms"),
        ("weight, with the cells that its width brings", Axis::Width, slope(&by_weights), "ns"),
    ] {
        let value = value.map_or("not measured".into(), |v| format!("{v:.2} {unit}"));
        writeln!(out, "| {what} | {} | {value} |", axis.fixed(base))?;
    }
    writeln!(out)
}

fn points(out: &mut String, rows: &[Row], fit: Option<&Fit>) -> fmt::Result {
    writeln!(
        out,
        "Estimates of time are scaled by a probe of the machine on as many threads as the point has.\n"
    )?;
    writeln!(
        out,
        "| layers | tokens | width | threads | prove ms | fit | estimate | estimate / measured | peak MiB | estimate | \
         estimate / measured | prove / infer |"
    )?;
    writeln!(out, "|{}", "---:|".repeat(12))?;
    for row in rows {
        let fitted = fit.zip(sample(row)).map(|(fit, s)| fit.predict_ms(&s));
        let over = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a / b);
        let cells = [
            fixed(row.prove_ms, 1),
            fixed(fitted, 1),
            fixed(row.estimate_ms, 1),
            fixed(over(row.estimate_ms, row.prove_ms), 2),
            fixed(row.peak_mib, 0),
            fixed(row.estimate_mib, 0),
            fixed(over(row.estimate_mib, row.peak_mib), 2),
            fixed(row.ratio, 1),
        ];
        let Row { layers, seq, d, threads, .. } = row;
        writeln!(out, "| {layers} | {seq} | {d} | {threads} | {} |", cells.join(" | "))?;
    }
    let failed: Vec<&Row> = rows.iter().filter(|r| r.error.is_some()).collect();
    if !failed.is_empty() {
        writeln!(out, "\nWithout a proof:\n")?;
    }
    failed.iter().try_for_each(|row| writeln!(out, "* {}", row.line().trim()))
}

fn fixed(value: Option<impl Display>, digits: usize) -> String {
    value.map_or(String::new(), |v| format!("{v:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    #[test]
    fn everything_is_in_it() {
        let grid = Grid::full();
        let time = |p: &Point| (p.layers * p.seq) as f64 * p.d as f64 / 100.0;
        let measured = |p: &Point| {
            let n = (p.layers * p.seq * p.d) as u64;
            Row {
                cells: Some(30 * n),
                lookups: Some(20 * n),
                weights: Some((12 * p.layers * p.d * p.d) as u64),
                prove_ms: Some(time(p)),
                estimate_ms: Some(time(p) / 2.0),
                ..Row::of(p)
            }
        };
        let mut rows: Vec<Row> = grid.points().iter().map(measured).collect();
        let last = rows.len() - 1;
        rows[last].prove_ms = None;
        rows[last].error = Some("proving needs about 30.1 GiB, 20.0 GiB are available".into());
        let text = markdown(&rows, &grid.base);
        assert!(text.contains("over 11 points on 2 threads"), "{text}");
        assert!(text.contains("| token | layers 12, width 768, threads 2 | 92.16 ms |"), "{text}");
        assert!(text.contains("| layer | tokens 64, width 768, threads 2 | 491.52 ms |"), "{text}");
        assert!(text.contains("| 12 | 64 | 768 | 2 | 5898.2 | 5898.2 | 2949.1 | 0.50 |"), "{text}");
        assert!(
            text.contains("* 12 layers  512 tokens  768 wide  2 threads  proving needs about 30.1 GiB"),
            "{text}"
        );
    }

    #[test]
    fn nothing_measured_is_told() {
        let base = Grid::quick().base;
        let text = markdown(&[Row::failed(&base, "no".into())], &base);
        assert!(text.contains("No fit: expected at least one measured point"), "{text}");
        assert!(text.contains("not measured"), "{text}");
    }
}
