//! Measurement and estimate over one size each, as SVG.

use super::series::Axis;
use super::{Point, Row, SweepError};
use plotters::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use zkml_dsl::atomic_write;

/// A column of the table.
type Column = fn(&Row) -> Option<f64>;

/// One plot.
struct Chart {
    file: &'static str,
    axis: Axis,
    what: &'static str,
    measured: Column,
    estimate: Column,
}

const CHARTS: [Chart; 5] = [
    time("prove-tokens.svg", Axis::Seq),
    time("prove-layers.svg", Axis::Layers),
    time("prove-width.svg", Axis::Width),
    time("prove-threads.svg", Axis::Threads),
    Chart {
        file: "memory-tokens.svg",
        axis: Axis::Seq,
        what: "peak memory, GiB",
        measured: |r| r.peak_mib.map(|v| v / 1024.0),
        estimate: |r| r.estimate_mib.map(|v| v / 1024.0),
    },
];

const fn time(file: &'static str, axis: Axis) -> Chart {
    Chart {
        file,
        axis,
        what: "proving time, s",
        measured: |r| r.prove_ms.map(|v| v / 1e3),
        estimate: |r| r.estimate_ms.map(|v| v / 1e3),
    }
}

const SIZE: (u32, u32) = (640, 400);
const FONT: &str = "sans-serif";
const MEASURED: RGBColor = RGBColor(0x1f, 0x4e, 0x9e);
const ESTIMATE: RGBColor = RGBColor(0xd9, 0x6b, 0x1e);

/// Draws what there are values for, and says which files that made.
pub fn write(folder: &Path, rows: &[Row], base: &Point) -> Result<Vec<PathBuf>, SweepError> {
    let mut written = vec![];
    for chart in &CHARTS {
        let of = |column| chart.axis.values(rows, base, column);
        let (measured, estimate) = (of(chart.measured), of(chart.estimate));
        if measured.is_empty() {
            continue;
        }
        let svg = draw(chart, &chart.axis.fixed(base), &measured, &estimate)
            .map_err(|e| SweepError::Draw { file: chart.file, reason: e.to_string() })?;
        let path = folder.join(chart.file);
        atomic_write(&path, |w| w.write_all(svg.as_bytes())).map_err(SweepError::write(&path))?;
        written.push(path);
    }
    Ok(written)
}

type DrawError = Box<dyn std::error::Error>;

fn draw(
    chart: &Chart,
    fixed: &str,
    measured: &[(f64, f64)],
    estimate: &[(f64, f64)],
) -> Result<String, DrawError> {
    let both = || measured.iter().chain(estimate);
    let right = both().map(|p| p.0).fold(0.0, f64::max);
    let top = both().map(|p| p.1).fold(0.0, f64::max);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut context = ChartBuilder::on(&area)
            .caption(format!("GPT-2: {fixed}"), (FONT, 20))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(52)
            // From zero: what is twice as high is twice as much.
            .build_cartesian_2d(0.0..right * 1.05, 0.0..top * 1.1)?;
        context
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .label_style((FONT, 15))
            .x_label_formatter(&|&x| whole(x))
            .x_desc(chart.axis.name())
            .y_desc(chart.what)
            .draw()?;
        for (name, points, color) in [("measured", measured, MEASURED), ("estimate", estimate, ESTIMATE)] {
            context
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
            context.draw_series(points.iter().map(|&p| Circle::new(p, 3, color.filled())))?;
        }
        context
            .configure_series_labels()
            .label_font((FONT, 15))
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

/// Labels whole numbers only: there is no half of a layer. Ticks are sums of a step, so they are not exact.
fn whole(x: f64) -> String {
    match (x - x.round()).abs() < 1e-6 {
        true => x.round().to_string(),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    #[test]
    fn only_whole_ticks_have_labels() {
        let step = (0..10).fold(0.0, |x, _| x + 0.2);
        assert_eq!([whole(step), whole(0.0), whole(1.2), whole(512.0)], ["2", "0", "", "512"]);
    }

    #[test]
    fn one_file_for_each_size_that_varies() {
        let dir = tempfile::tempdir().unwrap();
        let grid = Grid::full();
        let measured = |p: &Point| {
            let seconds = (p.layers * p.seq) as f64;
            Row { prove_ms: Some(seconds), estimate_ms: Some(1.2 * seconds), ..Row::of(p) }
        };
        let rows: Vec<Row> = grid.points().iter().map(measured).collect();
        let files = write(dir.path(), &rows, &grid.base).unwrap();
        // No memory was measured, so there is no plot of it.
        assert_eq!(files.len(), 4);
        let svg = std::fs::read_to_string(&files[0]).unwrap();
        for text in ["<svg", "GPT-2: layers 12, width 768, threads 2", "tokens", "measured", "estimate"] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
