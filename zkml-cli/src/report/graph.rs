//! The model as a graph, coloured by cost.

use layout::backends::svg::SVGWriter;
use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::geometry::Point;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;
use std::collections::HashMap;
use zkml_dsl::engine::CostReport;
use zkml_ir::graph::{Graph, Op};

/// Nodes that are still readable.
const MOST: usize = 260;

/// As SVG, or how many nodes are too many.
pub fn drawn(graph: &Graph, cost: &CostReport) -> Result<String, usize> {
    let nodes: Vec<usize> =
        (0..graph.nodes.len()).filter(|&n| !matches!(graph.nodes[n].op, Op::Weight(_))).collect();
    if nodes.len() > MOST {
        return Err(nodes.len());
    }
    // Rows of the report stand for all iterations of a loop: each has its share.
    let rows: HashMap<String, _> = cost.ops.iter().map(|o| (o.name.clone(), o)).collect();
    let e = &cost.estimate;
    let [per_cell, per_lookup] =
        [e.cells_ms / cost.committed_cells.max(1) as f64, e.lookups_ms / cost.lookups.max(1) as f64];
    let weight = |n: usize| {
        let row = rows.get(&generic(&graph.nodes[n].name))?;
        let ms = row.committed_cells as f64 * per_cell + row.lookups as f64 * per_lookup;
        Some((ms / row.count.max(1) as f64, *row))
    };
    let most = nodes.iter().filter_map(|&n| weight(n)).map(|(ms, _)| ms).fold(0.0, f64::max).max(1e-12);
    let mut drawing = VisualGraph::new(Orientation::TopToBottom);
    let mut handles = HashMap::new();
    for &n in &nodes {
        let node = &graph.nodes[n];
        let share = weight(n).map_or(0.0, |(ms, _)| ms / most);
        let name = last_part(&node.name);
        let label = format!("{name}\n{} {}", node.ty.elem, node.ty.shape);
        let fill = Color::new(shade(share));
        let style = StyleAttr::new(Color::fast("black"), 1, Some(fill), 4, 13);
        let width = 18.0 + 8.0 * label.lines().map(|l| l.chars().count()).max().unwrap_or(1) as f64;
        let element = Element::create(
            ShapeKind::new_box(&label),
            style,
            Orientation::TopToBottom,
            Point::new(width, 44.0),
        );
        handles.insert(n, drawing.add_node(element));
    }
    for &n in &nodes {
        for arg in graph.nodes[n].args.iter().filter(|a| handles.contains_key(a)) {
            drawing.add_edge(Arrow::simple(""), handles[arg], handles[&n]);
        }
    }
    let mut svg = SVGWriter::new();
    drawing.do_it(false, false, false, &mut svg);
    // Within a page the declaration of an XML file is none.
    let text = svg.finalize();
    Ok(text.find("<svg").map_or(text.clone(), |at| text[at..].to_owned()))
}

/// From white to orange, as RGBA.
fn shade(share: f64) -> u32 {
    let mix = |from: f64, to: f64| (from + (to - from) * share.sqrt()).round() as u32;
    mix(255.0, 244.0) << 24 | mix(255.0, 140.0) << 16 | mix(255.0, 40.0) << 8 | 0xff
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Loop indices as `*`, as the report has them.
fn generic(name: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in name.chars() {
        match (c, inside) {
            ('[', _) => {
                inside = true;
                out += "[*";
            }
            (']', _) => {
                inside = false;
                out.push(']');
            }
            (_, true) => {}
            (c, false) => out.push(c),
        }
    }
    out
}
