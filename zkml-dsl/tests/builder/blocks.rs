//! The macro's models once more, with the builder.

use zkml_dsl::builder::{BuildError, Builder, Layout, Var};
use zkml_dsl::{DynamicInstance, Elem};

/// Extents of a transformer.
#[derive(Clone, Copy)]
pub struct Size {
    pub seq: usize,
    pub d: usize,
    pub heads: usize,
}

pub fn mlp(hidden: usize) -> Result<DynamicInstance, BuildError> {
    let b = Builder::new("mlp");
    let x = b.input("x", Elem::I8, [1, 784])?;
    let w1 = b.weight("w1", Elem::I8, [784, hidden])?;
    let b1 = b.weight("b1", Elem::I24, [hidden])?;
    let w2 = b.weight("w2", Elem::I8, [hidden, 10])?;
    let h = b.add(b.matmul(x, w1)?, b1)?;
    let h = b.relu(b.quantize_int8(h)?)?;
    b.output("output", b.matmul(h, w2)?)?;
    b.finish()
}

pub fn gpt2_block(b: &Builder, x: Var, Size { d, heads, .. }: Size) -> Result<Var, BuildError> {
    let linear = |name: &str, rows: usize, columns: usize| {
        let w = b.weight(&format!("{name}.weight"), Elem::I8, [rows, columns])?;
        Ok::<_, BuildError>((w, b.weight(&format!("{name}.bias"), Elem::I24, [columns])?))
    };
    let (w_qkv, b_qkv) = linear("attn.c_attn", d, 3 * d)?;
    let (w_out, b_out) = linear("attn.c_proj", d, d)?;
    let (w_fc, b_fc) = linear("mlp.c_fc", d, 4 * d)?;
    let (w_proj, b_proj) = linear("mlp.c_proj", 4 * d, d)?;
    let to = |elem: Elem, h: Var, window: i32| b.quantize(elem).arg("window", window).of(h);
    let n = to(Elem::I12, b.layer_norm(x)?, 16)?;
    let attention = b.op("attention").arg("heads", heads).arg("causal", true);
    let a = attention.arg("b_qkv", b_qkv).arg("b_out", b_out).of([n, w_qkv, w_out])?;
    let h = to(Elem::I16, b.add(x, to(Elem::I16, a, 16)?)?, 17)?;
    let n = to(Elem::I12, b.layer_norm(h)?, 16)?;
    let f = to(Elem::I12, b.add(b.matmul(n, w_fc)?, b_fc)?, 16)?;
    let f = b.op("gelu").arg("tanh", true).of(f)?;
    let m = to(Elem::I12, b.add(b.matmul(f, w_proj)?, b_proj)?, 20)?;
    to(Elem::I16, b.add(h, to(Elem::I16, m, 16)?)?, 17)
}

/// 40 words, 32 places.
pub fn gpt2(size: Size, layers: usize) -> Result<DynamicInstance, BuildError> {
    let Size { seq, d, .. } = size;
    let b = Builder::new("gpt2");
    let tokens = b.input("tokens", Elem::I24, [seq])?;
    let wte = b.weight("wte.weight", Elem::I8, [40, d])?;
    let wpe = b.weight("wpe.weight", Elem::I12, [32, d])?;
    let gain = b.weight("ln_f.weight", Elem::I12, [d])?;
    let bias = b.weight("ln_f.bias", Elem::I24, [d])?;
    let to = |b: &Builder, elem: Elem, h: Var, window: i32| b.quantize(elem).arg("window", window).of(h);
    let trunk = b.scope("gpt2_trunk");
    let words = to(&trunk, Elem::I16, trunk.op("embedding").of([tokens, wte])?, 17)?;
    let places = to(&trunk, Elem::I16, trunk.slice(wpe, 0, 0..seq)?, 17)?;
    let mut x = to(&trunk, Elem::I16, trunk.add(words, places)?, 17)?;
    for l in 0..layers {
        let block = trunk.scope(&format!("gpt2_block[{l}]")).weights_under("h").weights_under(&l.to_string());
        x = gpt2_block(&block, x, size)?;
    }
    let last = b.slice(x, 0, seq - 1..seq)?;
    let norm = b.scope("last_norm");
    let n = to(&norm, Elem::I12, norm.layer_norm(last)?, 16)?;
    let n = to(&norm, Elem::I12, norm.add(norm.mul(n, gain)?, bias)?, 16)?;
    b.output("output", b.matmul(n, b.op("transpose").of(wte)?)?)?;
    b.finish()
}

pub fn bert_layer(b: &Builder, x: Var, mask: Var, Size { d, heads, .. }: Size) -> Result<Var, BuildError> {
    let linear = |name: &str, rows: usize, columns: usize| {
        let w = b.weight_with(&format!("{name}.weight"), Elem::I8, [rows, columns], Layout::OutIn)?;
        Ok::<_, BuildError>((w, b.weight(&format!("{name}.bias"), Elem::I24, [columns])?))
    };
    let norm = |name: &str| {
        let gain = b.weight(&format!("{name}.LayerNorm.weight"), Elem::I12, [d])?;
        Ok::<_, BuildError>((gain, b.weight(&format!("{name}.LayerNorm.bias"), Elem::I24, [d])?))
    };
    let q = linear("attention.self.query", d, d)?;
    let k = linear("attention.self.key", d, d)?;
    let v = linear("attention.self.value", d, d)?;
    let out = linear("attention.output.dense", d, d)?;
    let norm_1 = norm("attention.output")?;
    let fc = linear("intermediate.dense", d, 4 * d)?;
    let proj = linear("output.dense", 4 * d, d)?;
    let norm_2 = norm("output")?;
    let affine = |x: Var, (w, bias): (Var, Var)| b.add(b.matmul(x, w)?, bias);
    let project = |w: (Var, Var)| b.op("quantize_int8").arg("window", 15).of(affine(x, w)?);
    let to_i12 = |h: Var, window: i32| b.quantize(Elem::I12).arg("window", window).of(h);
    let normed = |x: Var, (gain, bias): (Var, Var)| {
        let n = b.op("layer_norm").arg("epsilon", 1e-12).of(x)?;
        to_i12(b.add(b.mul(n, gain)?, bias)?, 16)
    };
    let (q, k, v) = (project(q)?, project(k)?, project(v)?);
    let a = b.op("attention").arg("heads", heads).arg("mask", mask).of([q, k, v])?;
    let a = affine(a, out)?;
    let a = to_i12(b.add(x, to_i12(a, 16)?)?, 14)?;
    let h = normed(a, norm_1)?;
    let f = b.gelu(to_i12(affine(h, fc)?, 16)?)?;
    let m = to_i12(affine(f, proj)?, 20)?;
    let y = to_i12(b.add(h, to_i12(m, 14)?)?, 14)?;
    normed(y, norm_2)
}

pub fn bert(size: Size, layers: usize) -> Result<DynamicInstance, BuildError> {
    let b = Builder::new("bert");
    let mut x = b.input("x", Elem::I12, [size.seq, size.d])?;
    let mask = b.input("mask", Elem::U8, [size.seq])?;
    for l in 0..layers {
        let layer = b.scope(&format!("bert_layer[{l}]")).weights_under(&format!("encoder.layer.{l}"));
        x = bert_layer(&layer, x, mask, size)?;
    }
    b.output("x", x)?;
    b.finish()
}
