//! The model as a graph, coloured by cost.
//!
//! * `outline`: what is drawn of a model that is too large for one box per op.

mod outline;

use layout::backends::svg::SVGWriter;
use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::geometry::Point;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;
use outline::Outline;
use std::collections::HashMap;
use zkml_dsl::engine::CostReport;
use zkml_ir::cost::generic;
use zkml_ir::graph::{Graph, NodeId, Op};

/// Boxes that are still readable; a drawing of more gets fewer than that.
const MOST: usize = 260;
const FEWER: usize = 160;

/// A drawing, and what a box of it may stand for beside one op.
pub struct Drawing {
    pub svg: String,
    pub boxes: usize,
    /// Layers that repeat are drawn once.
    pub rolled: bool,
    /// Ops that follow each other are one box.
    pub joined: bool,
}

/// As SVG, or how many boxes are too many.
pub fn drawn(graph: &Graph, cost: &CostReport) -> Result<Drawing, usize> {
    let ms = milliseconds(graph, cost);
    let computed = computed(graph);
    let mut outline = Outline::new(graph, |n| ms[n], |n| computed[n]);
    let [rolled, joined] = if outline.boxes.len() > MOST { outline.reduce(FEWER) } else { [false; 2] };
    match outline.boxes.len() {
        boxes @ ..=MOST => Ok(Drawing { svg: svg(graph, &outline), boxes, rolled, joined }),
        boxes => Err(boxes),
    }
}

/// Inputs and what is made of them: no weights, nor views of weights.
fn computed(graph: &Graph) -> Vec<bool> {
    let mut computed = vec![];
    for node in &graph.nodes {
        computed.push(matches!(node.op, Op::Input(_)) || node.args.iter().any(|&a| computed[a]));
    }
    computed
}

/// What each node costs. Rows of the report stand for all iterations of a loop: each has its share.
fn milliseconds(graph: &Graph, cost: &CostReport) -> Vec<f64> {
    let rows: HashMap<&str, _> = cost.ops.iter().map(|o| (o.name.as_str(), o)).collect();
    let e = &cost.estimate;
    let [per_cell, per_lookup] =
        [e.cells_ms / cost.committed_cells.max(1) as f64, e.lookups_ms / cost.lookups.max(1) as f64];
    let share = |n: NodeId| {
        let row = rows.get(&*generic(&graph.nodes[n].name))?;
        let ms = row.committed_cells as f64 * per_cell + row.lookups as f64 * per_lookup;
        Some(ms / row.count.max(1) as f64)
    };
    (0..graph.nodes.len()).map(|n| share(n).unwrap_or(0.0)).collect()
}

fn svg(graph: &Graph, outline: &Outline) -> String {
    let most = outline.boxes.iter().map(|b| b.ms).fold(0.0, f64::max).max(1e-12);
    let mut drawing = VisualGraph::new(Orientation::TopToBottom);
    let mut handles = vec![];
    for b in &outline.boxes {
        let [first, last] = [b.first, b.last].map(|n| &graph.nodes[n]);
        let name = match b.ops {
            1 => last_part(&last.name).to_owned(),
            ops => format!("{} .. {}: {ops} ops", last_part(&first.name), last_part(&last.name)),
        };
        let times = if b.times > 1 { format!(" x {}", b.times) } else { String::new() };
        let label = format!("{name}{times}\n{} {}", last.ty.elem, last.ty.shape);
        let fill = Color::new(shade(b.ms / most));
        let style = StyleAttr::new(Color::fast("black"), 1, Some(fill), 4, 13);
        let width = 18.0 + 8.0 * label.lines().map(|l| l.chars().count()).max().unwrap_or(1) as f64;
        let size = Point::new(width, 44.0);
        let element = Element::create(ShapeKind::new_box(&label), style, Orientation::TopToBottom, size);
        handles.push(drawing.add_node(element));
    }
    for &(from, to) in &outline.edges {
        drawing.add_edge(Arrow::simple(""), handles[from], handles[to]);
    }
    let mut svg = SVGWriter::new();
    drawing.do_it(false, false, false, &mut svg);
    // Within a page the declaration of an XML file is none.
    let text = svg.finalize();
    text.find("<svg").map_or(text.clone(), |at| text[at..].to_owned())
}

/// From white to orange, as RGBA.
fn shade(share: f64) -> u32 {
    let mix = |from: f64, to: f64| (from + (to - from) * share.sqrt()).round() as u32;
    mix(255.0, 244.0) << 24 | mix(255.0, 140.0) << 16 | mix(255.0, 40.0) << 8 | 0xff
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
