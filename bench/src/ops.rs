//! Models of one op each, at the sizes that networks have.
//!
//! Inputs are public, so what is timed is the op's own cells, lookups and relations, and the opening of its weights.

use crate::ready::Ready;
use crate::seeded;
use std::ops::Range;
use zkml_dsl::builder::{BuildError, Builder, Var};
use zkml_dsl::{Elem, Error};

/// Inputs that the scales are chosen from.
const CALIBRATION: Range<u64> = 1..4;
/// Inputs that are proven. An op takes no longer than a proof of work, so there are many.
const PROVEN: Range<u64> = 4..68;

/// An op at a size.
pub struct OpModel {
    /// `gelu/64x3072`
    pub name: &'static str,
    /// What throughput counts: multiply-adds of a product, else entries of the op's result.
    pub elements: u64,
    build: fn(&Builder) -> Result<Var, BuildError>,
}

impl OpModel {
    /// Its weights committed, seeded.
    pub fn ready(&self) -> Result<Ready, Error> {
        let b = Builder::new(self.name.replace('/', "_"));
        let y = (self.build)(&b)?;
        b.output("y", y)?;
        let instance = b.finish()?;
        let graph = instance.graph();
        let samples =
            |seeds: Range<u64>| -> Vec<_> { seeds.map(|seed| seeded::inputs(graph, seed)).collect() };
        Ready::new(graph.clone(), &seeded::weights(graph, 0), &samples(CALIBRATION), &samples(PROVEN))
    }
}

/// The first product of a GPT-2 feed-forward layer over 32 tokens: a named target, with its opening, on one thread.
pub const TARGET_MATMUL: OpModel = OpModel {
    name: "matmul/32x768x3072",
    elements: 32 * 768 * 3072,
    build: |b| b.matmul(b.input("x", Elem::I8, [32, 768])?, b.weight("w", Elem::I8, [768, 3072])?),
};

/// GPT-2 small over 64 tokens where a transformer has the op; ResNet-18's first layers where an image network has.
pub const OPS: &[OpModel] = &[
    OpModel {
        name: "matmul/64x768x768",
        elements: 64 * 768 * 768,
        build: |b| b.matmul(b.input("x", Elem::I8, [64, 768])?, b.weight("w", Elem::I8, [768, 768])?),
    },
    OpModel {
        name: "quantize/64x3072",
        elements: 64 * 3072,
        build: |b| b.quantize(Elem::I12).arg("window", 16).of(b.input("x", Elem::I24, [64, 3072])?),
    },
    OpModel {
        name: "gelu/64x3072",
        elements: 64 * 3072,
        build: |b| b.op("gelu").arg("tanh", true).of(b.input("x", Elem::I12, [64, 3072])?),
    },
    OpModel {
        name: "layer_norm/64x768",
        elements: 64 * 768,
        build: |b| b.layer_norm(b.input("x", Elem::I16, [64, 768])?),
    },
    OpModel {
        name: "rms_norm/64x576",
        elements: 64 * 576,
        build: |b| b.op("rms_norm").arg("fraction", 9).of(b.input("x", Elem::I16, [64, 576])?),
    },
    OpModel {
        name: "attention/12x64x64",
        elements: 64 * 768,
        build: |b| {
            let [q, k, v] = ["q", "k", "v"].map(|name| b.input(name, Elem::I8, [64, 768]));
            b.op("attention").arg("heads", 12).arg("causal", true).of([q?, k?, v?])
        },
    },
    OpModel {
        name: "softmax/12x64x64",
        elements: 12 * 64 * 64,
        build: |b| b.op("softmax").arg("causal", true).of(b.input("x", Elem::I12, [12, 64, 64])?),
    },
    OpModel {
        name: "conv2d/64x32x32_3x3",
        elements: 64 * 64 * 32 * 32 * 9,
        build: |b| {
            let x = b.input("x", Elem::U8, [64, 32, 32])?;
            let (w, bias) = (b.weight("w", Elem::I8, [64, 64, 3, 3])?, b.weight("b", Elem::I24, [64])?);
            b.op("conv2d").arg("padding", 1).of([x, w, bias])
        },
    },
    OpModel {
        name: "max_pool/64x32x32_2x2",
        elements: 64 * 16 * 16,
        build: |b| b.op("max_pool").arg("kernel", 2).of(b.input("x", Elem::U8, [64, 32, 32])?),
    },
    OpModel {
        name: "argmax/50304",
        elements: 50304,
        build: |b| b.op("argmax").arg("valid", 50257).of(b.input("logits", Elem::I24, [1, 50304])?),
    },
    OpModel {
        name: "embedding/64_of_30592x384",
        elements: 64 * 384,
        build: |b| {
            let (tokens, table) =
                (b.input("tokens", Elem::I24, [64])?, b.weight("table", Elem::I8, [30592, 384])?);
            b.op("embedding").of([tokens, table])
        },
    },
];
