//! A batch norm behind a convolution is part of its kernel and bias.

use super::{replace, View};
use crate::net::{Net, ValueId};
use crate::ops::{batch_norm_terms, with_batch_norm};
use crate::tensor::Tensor;

pub fn run(net: &mut Net) {
    for at in 0..net.nodes.len() {
        let view = View::new(net);
        let node = &net.nodes[at];
        if node.op != "BatchNormalization" {
            continue;
        }
        let Some(x) = node.input(0) else { continue };
        let Some(conv) = view.by(x, &["Conv"]).filter(|_| view.uses[x] == 1) else { continue };
        let constant = |v: ValueId| net.value(v).cloned();
        let (Some(wv), bv) = (conv.input(1), conv.input(2)) else { continue };
        let Some(w) = constant(wv) else { continue };
        let b = bv.and_then(constant).map(|t| t.to_float());
        let Ok([scale, shift]) = batch_norm_terms(node, constant) else { continue };
        let (w, b) = with_batch_norm(&w.to_float(), b.as_ref(), &scale, &shift);
        let (attributes, input, name) = (conv.attributes.clone(), conv.input(0), net.values[wv].name.clone());
        let bias_name = match bv {
            Some(b) => net.values[b].name.clone(),
            None => name.strip_suffix(".weight").map(|module| format!("{module}.bias")).unwrap_or_default(),
        };
        let node_name = conv.name.clone();
        let w = net.constant(name, Tensor::Float(w));
        let b = net.constant(bias_name, Tensor::Float(b));
        replace(net, at, "Conv", vec![input, Some(w), Some(b)], attributes);
        net.nodes[at].name = node_name;
    }
    net.prune();
}
