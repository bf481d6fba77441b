//! Names in published checkpoints of a model family, and those of our models.
//!
//! Hugging Face files of one family differ in a prefix, in old names and in buffers that are no weights. A family's
//! rules ([`Rules`]) are tables over names alone, so they hold for every size and number of layers. Shapes, layouts and
//! values stay as they are: GPT-2's matrices lie \[in, out\], BERT's and Llama's \[out, in\].

mod bert;
mod gpt2;
mod llama;
mod report;

pub use report::{Dropped, Renamed};

use super::error::WeightsError;
use super::float::FloatWeights;
use super::pattern::matches;

/// A model family whose checkpoints' names are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// GPT-2 and its distilled forms: `wte.weight`, `wpe.weight`, `h.0.ln_1.weight` .. `h.0.mlp.c_proj.bias`,
    /// `ln_f.weight`. Causal masks are dropped. `lm_head.weight` is the embedding's unless the file says otherwise
    /// ([`FloatWeights::tie`]).
    Gpt2,
    /// BERT and sentence encoders made of it (MiniLM): `embeddings.word_embeddings.weight`,
    /// `encoder.layer.0.attention.self.query.weight` .. `encoder.layer.0.output.LayerNorm.bias`. Pooler and
    /// pre-training heads are dropped. The embedding of token types stays: for texts of one part its row 0 can be added
    /// to the positions' ([`FloatWeights::take_rows`], [`FloatWeights::add`]).
    Bert,
    /// Llama and what is built like it (SmolLM2, Llama 3.2): `embed_tokens.weight`, `layers.0.self_attn.q_proj.weight`
    /// .. `layers.0.post_attention_layernorm.weight`, `norm.weight`. Rotary tables are dropped. `lm_head.weight` may be
    /// absent, being the embedding's ([`FloatWeights::tie`]).
    Llama,
}

/// What a family's files may call their tensors. Patterns are those of [`super::pattern`].
struct Rules {
    /// Taken off a name that starts so, each once and in this order.
    prefixes: &'static [&'static str],
    /// Names that match the pattern end in the other segment instead.
    endings: &'static [(&'static str, &'static str)],
    /// What is no weight of our models, and why.
    drops: &'static [(&'static str, &'static str)],
    /// The names of the family's weights.
    known: &'static [&'static str],
}

impl Family {
    fn rules(self) -> &'static Rules {
        match self {
            Self::Gpt2 => &gpt2::RULES,
            Self::Bert => &bert::RULES,
            Self::Llama => &llama::RULES,
        }
    }
}

impl Rules {
    /// The name of our models.
    fn name(&self, name: &str) -> String {
        let strip = |name, prefix: &&str| strip(name, prefix);
        let name = self.prefixes.iter().fold(name, strip);
        let ending = self.endings.iter().find(|(pattern, _)| matches(pattern, name));
        match (ending, name.rsplit_once('.')) {
            (Some((_, ending)), Some((path, _))) => format!("{path}.{ending}"),
            _ => name.to_owned(),
        }
    }

    /// Why a tensor of this new name is no weight.
    fn dropped(&self, name: &str) -> Option<&'static str> {
        self.drops.iter().find(|(pattern, _)| matches(pattern, name)).map(|&(_, why)| why)
    }

    fn knows(&self, name: &str) -> bool {
        self.known.iter().any(|pattern| matches(pattern, name))
    }
}

/// The name without the prefix; a name that is nothing else keeps it.
fn strip<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

impl FloatWeights {
    /// Brings the names of a published checkpoint to those of our models, and drops what is no weight of them.
    ///
    /// `keep` lists patterns of new names that stay although the family's rules drop them, as
    /// `pooler.dense.weight|bias`: segments between dots, `a|b` for either, `*` for a number, `**` for any segments. A
    /// name that no rule knows stays and is reported. Nothing changes if two tensors would have one name.
    pub fn rename_family(&mut self, family: Family, keep: &[&str]) -> Result<Renamed, WeightsError> {
        let rules = family.rules();
        let why = |new: &str| match keep.iter().any(|pattern| matches(pattern, new)) {
            true => None,
            false => rules.dropped(new),
        };
        let mut report = Renamed::default();
        for name in self.names() {
            let (old, new) = (name.to_owned(), rules.name(name));
            if let Some(why) = why(&new) {
                report.dropped.push(Dropped { name: old, why });
                continue;
            }
            if !rules.knows(&new) {
                report.unknown.push(new.clone());
            }
            if old != new {
                report.renamed.push((old, new));
            }
        }
        self.remap(|name| Some(rules.name(name)).filter(|new| why(new).is_none()))?;
        Ok(report)
    }
}
