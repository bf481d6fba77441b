//! Llama (Touvron et al. 2023) with grouped queries, and the stretched turns of Llama 3 (2024): a block, and the whole.

use super::{attention, read, Matrix};
use crate::llama::Config;
use zkml_dsl::weights::{FloatWeights, WeightsError};

const EPSILON: f64 = 1e-5;
/// Turns over the original context below which a turn is stretched whole, and above which it stays.
const LOW: f64 = 1.0;
const HIGH: f64 = 4.0;
const ORIGINAL: f64 = 8192.0;

/// `h = x + o_proj(attention(rope(q), rope(k), v))` of q, k, v from `input_layernorm(x)`, then
/// `h + down_proj(silu(gate_proj(n)) * up_proj(n))` of `n = post_attention_layernorm(h)`, attention causal.
#[derive(Clone, Debug)]
pub struct LlamaBlock {
    config: Config,
    input_norm: Vec<f32>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    o: Vec<f32>,
    post_norm: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    down: Vec<f32>,
}

impl LlamaBlock {
    /// Reads the tensors below `prefix` (`layers.0`) by their Hugging Face names, linear weights \[out, in\].
    pub fn new(w: &FloatWeights, prefix: &str, config: &Config) -> Result<Self, WeightsError> {
        let Config { d, heads, kv_heads, head, ff, .. } = *config;
        let norm = |name: &str| read(w, &format!("{prefix}.{name}.weight"), &[d]);
        let linear = |name: &str, inputs: usize, outputs: usize| -> Result<Vec<f32>, WeightsError> {
            let rows = read(w, &format!("{prefix}.{name}_proj.weight"), &[outputs, inputs])?;
            Ok((0..inputs).flat_map(|i| rows[i..].iter().step_by(inputs).copied()).collect())
        };
        Ok(Self {
            config: *config,
            input_norm: norm("input_layernorm")?,
            q: linear("self_attn.q", d, heads * head)?,
            k: linear("self_attn.k", d, kv_heads * head)?,
            v: linear("self_attn.v", d, kv_heads * head)?,
            o: linear("self_attn.o", heads * head, d)?,
            post_norm: norm("post_attention_layernorm")?,
            gate: linear("mlp.gate", d, ff)?,
            up: linear("mlp.up", d, ff)?,
            down: linear("mlp.down", ff, d)?,
        })
    }

    /// x and the result are \[seq, d\], row-major; the first row is at position 0.
    ///
    /// # Panics
    /// If x is no whole number of rows.
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        self.apply(Matrix::from_f32(x, self.config.d)).to_f32()
    }

    fn apply(&self, x: Matrix) -> Matrix {
        let Config { d, heads, kv_heads, head, ff, .. } = self.config;
        let n = rms_norm(&x, &self.input_norm);
        let q = rope(times(&n, &self.q, heads * head), &self.config);
        let k = rope(times(&n, &self.k, kv_heads * head), &self.config);
        let v = times(&n, &self.v, kv_heads * head);
        let shared = heads / kv_heads;
        let (k, v) = (repeat_heads(&k, head, shared), repeat_heads(&v, head, shared));
        let mixed = attention([&q, &k, &v], heads, |query, key| key <= query);
        let h = times(&mixed, &self.o, d).plus(&x);
        let n = rms_norm(&h, &self.post_norm);
        let mut gated = times(&n, &self.gate, ff).map(|g| g / (1.0 + (-g).exp()));
        let up = times(&n, &self.up, ff);
        gated.data.iter_mut().zip(&up.data).for_each(|(g, u)| *g *= u);
        times(&gated, &self.down, d).plus(&h)
    }
}

/// The logits of the token after the last, the output embedding being the table of tokens. Weights under the names of a
/// Hugging Face file without `model.`, norms not folded; blocks are read one after the other.
///
/// # Panics
/// If a token is none of the vocabulary, or there is none.
pub fn llama_logits(w: &FloatWeights, config: &Config, tokens: &[i32]) -> Result<Vec<f32>, WeightsError> {
    let Config { d, words, .. } = *config;
    let table = read(w, "embed_tokens.weight", &[words, d])?;
    let rows: Vec<f32> = tokens.iter().flat_map(|&t| &table[t as usize * d..][..d]).copied().collect();
    let mut x = Matrix::from_f32(&rows, d);
    for l in 0..config.layers {
        x = LlamaBlock::new(w, &format!("layers.{l}"), config)?.apply(x);
    }
    let last = Matrix { cols: d, data: x.data[x.data.len() - d..].to_vec() };
    let n = rms_norm(&last, &read(w, "norm.weight", &[d])?);
    let logit = |word: &[f32]| n.data.iter().zip(word).map(|(a, &b)| a * b as f64).sum::<f64>() as f32;
    Ok(table.chunks_exact(d).map(logit).collect())
}

fn times(x: &Matrix, weight: &[f32], outputs: usize) -> Matrix {
    x.times_plus(weight, &vec![0.0; outputs])
}

/// `x / sqrt(mean(x^2) + epsilon) * gain` of each row.
fn rms_norm(x: &Matrix, gain: &[f32]) -> Matrix {
    let mut data = Vec::with_capacity(x.data.len());
    for row in x.rows() {
        let square = row.iter().map(|v| v * v).sum::<f64>() / row.len() as f64;
        let scale = 1.0 / (square + EPSILON).sqrt();
        data.extend(row.iter().zip(gain).map(|(v, &g)| v * scale * g as f64));
    }
    Matrix { cols: x.cols, data }
}

/// Each head's columns `times` times, side by side.
fn repeat_heads(x: &Matrix, head: usize, times: usize) -> Matrix {
    let repeated = |row: &[f64]| -> Vec<f64> {
        row.chunks_exact(head).flat_map(|h| std::iter::repeat_n(h, times)).flatten().copied().collect()
    };
    Matrix { cols: x.cols * times, data: x.rows().flat_map(repeated).collect() }
}

/// Turns columns i and i + head/2 of every head by its row's position times the pair's frequency.
fn rope(mut x: Matrix, config: &Config) -> Matrix {
    let half = config.head / 2;
    let frequencies: Vec<f64> = (0..half).map(|i| frequency(i, config)).collect();
    for (p, row) in x.data.chunks_exact_mut(x.cols).enumerate() {
        for head in row.chunks_exact_mut(config.head) {
            for (i, frequency) in frequencies.iter().enumerate() {
                let (sin, cos) = (p as f64 * frequency).sin_cos();
                let (a, b) = (head[i], head[i + half]);
                (head[i], head[i + half]) = (a * cos - b * sin, b * cos + a * sin);
            }
        }
    }
    x
}

/// Radians for each position.
fn frequency(i: usize, config: &Config) -> f64 {
    let plain = (config.theta as f64).powf(-2.0 * i as f64 / config.head as f64);
    let stretched = plain / config.factor as f64;
    let turns = ORIGINAL * plain / std::f64::consts::TAU;
    let share = ((turns - LOW) / (HIGH - LOW)).clamp(0.0, 1.0);
    share * plain + (1.0 - share) * stretched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_by_hand() {
        // One head of width 4 at position 1: pairs (0, 2) and (1, 3), turned by 1 and by 1/100.
        let config = Config { head: 4, theta: 10_000, factor: 1, ..Config::SMOLLM2_135M };
        let x = Matrix { cols: 4, data: vec![9.0, 9.0, 9.0, 9.0, 1.0, 0.0, 0.0, 1.0] };
        let y = rope(x, &config).data;
        let want = [9.0, 9.0, 9.0, 9.0, 1f64.cos(), -0.01f64.sin(), 1f64.sin(), 0.01f64.cos()];
        assert!(y.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-15), "{y:?}");
    }

    #[test]
    fn slow_turns_are_stretched() {
        let (plain, long) = (Config { factor: 1, ..Config::LLAMA_3_2_1B }, Config::LLAMA_3_2_1B);
        assert_eq!(frequency(0, &long), 1.0);
        // 500000^(-62/64) goes round 0.004 times in 8192 places.
        assert_eq!(frequency(31, &long) * 32.0, frequency(31, &plain));
        // 500000^(-30/64): 2.78 times, so (2.78 - 1) / 3 of the way from stretched to plain.
        let (f, g) = (frequency(15, &plain), frequency(15, &long));
        let share = (8192.0 * f / std::f64::consts::TAU - 1.0) / 3.0;
        assert!((0.5..0.7).contains(&share), "{share}");
        assert!((g - f * (share + (1.0 - share) / 32.0)).abs() < 1e-15);
    }

    #[test]
    fn heads_are_shared_in_order() {
        let x = Matrix { cols: 4, data: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(repeat_heads(&x, 2, 2).data, [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
    }

    #[test]
    fn rms_norm_by_hand() {
        // Mean square (1 + 49) / 2 = 25.
        let x = Matrix { cols: 2, data: vec![1.0, 7.0] };
        let y = rms_norm(&x, &[10.0, 5.0]).data;
        // The epsilon takes 2e-7 of it.
        assert!((y[0] - 2.0).abs() < 2e-6 && (y[1] - 7.0).abs() < 2e-6, "{y:?}");
    }
}
