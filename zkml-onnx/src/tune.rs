//! Units of functions whose results have no natural range: `rsqrt`, `reciprocal`, `exp`, `sqrt`, `log`. Samples say how large they get.

use crate::error::ImportError;
use crate::import::Import;
use crate::program::Arg;
use std::collections::HashMap;
use zkml_dsl::engine::FloatTensor;
use zkml_dsl::weights::resolve;
use zkml_ir::float;

type Function = (&'static str, i64, fn(f64) -> f64);

/// Functions, the most bits behind the point that they take, and what they are.
const FUNCTIONS: [Function; 5] = [
    ("rsqrt", 30, |x| if x > 0.0 { 1.0 / x.sqrt() } else { f64::INFINITY }),
    ("reciprocal", 30, |x| 1.0 / x.abs()),
    ("exp", 14, f64::exp),
    ("sqrt", 30, |x| x.max(0.0).sqrt()),
    ("log", 15, |x| x.ln().abs()),
];
/// The largest value of sixteen bits.
const LARGEST: f64 = 32767.0;
/// How much larger than the least a result may be before it is cut off: near zero a root's inverse has no end, and is multiplied by next to
/// nothing.
const SPREAD: f64 = 100.0;

impl Import {
    /// Chooses the units from samples. A function that samples do not reach keeps the op's own.
    pub fn tune(&mut self, samples: &[Vec<FloatTensor>]) -> Result<(), ImportError> {
        let is_tuned = |op: &str| FUNCTIONS.iter().any(|(name, ..)| *name == op);
        if samples.is_empty() || !self.program.steps.iter().any(|s| is_tuned(s.op)) {
            return Ok(());
        }
        let instance = self.instance()?;
        let graph = instance.graph();
        let fail = |e: zkml_dsl::engine::Error| ImportError::Zkml(e.into());
        let weights = resolve(graph, &self.weights()).map_err(|e| fail(e.into()))?;
        // The arguments' least and largest sizes, by the function's node.
        let nodes: Vec<usize> =
            (0..graph.nodes.len()).filter(|&n| is_tuned(graph.nodes[n].op.name())).collect();
        let mut seen: HashMap<usize, [f64; 2]> = HashMap::new();
        for (step, sample) in samples.iter().enumerate() {
            let _span = tracing::info_span!("ranges, sample", step, of = samples.len()).entered();
            let visit = |id: usize, value: &float::FloatTensor| {
                for &n in nodes.iter().filter(|&&n| graph.nodes[n].args[0] == id) {
                    let op = graph.nodes[n].op.name();
                    let f = FUNCTIONS.iter().find(|(name, ..)| *name == op).expect("listed").2;
                    let ends = seen.entry(n).or_insert([f64::INFINITY, 0.0]);
                    for y in value.data.iter().map(|&x| f(f64::from(x))).filter(|y| y.is_finite()) {
                        *ends = [ends[0].min(y), ends[1].max(y)];
                    }
                }
            };
            float::walk(graph, &weights, sample, visit)
                .map_err(|e| fail(zkml_ir::calibrate::CalibrateError::from(e).into()))?;
        }
        // The same functions in the same order: steps give nodes one by one.
        let steps = self.program.steps.iter_mut().filter(|s| is_tuned(s.op));
        for (step, node) in steps.zip(&nodes) {
            let (_, most, _) = FUNCTIONS.iter().find(|(name, ..)| *name == step.op).expect("listed");
            let Some([least, largest]) = seen.get(node).filter(|e| e[1] > 0.0) else { continue };
            let has_pole = ["rsqrt", "reciprocal"].contains(&step.op);
            let reach = if has_pole { largest.min(least * SPREAD) } else { *largest };
            let bits = ((LARGEST / reach).log2().floor() as i64).clamp(0, *most);
            step.named.retain(|(name, _)| *name != "bits");
            step.named.push(("bits", Arg::Int(bits)));
        }
        Ok(())
    }
}
