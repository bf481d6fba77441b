//! Greedy decoding that one proof covers.
//!
//! [`super::gpt2_greedy`] reads the whole sequence, prompt and answer, in one forward pass and gives the most likely token
//! after each token from the prompt's last on. The sequence is what greedy decoding gives if these are its own tokens, so a
//! verifier takes the answer as the model's output: there is nothing else to compare.

use super::gpt2_greedy;
use thiserror::Error;
use zkml_dsl::engine::Proof;
use zkml_dsl::prelude::*;

/// A prompt and what the model goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    pub tokens: Vec<i32>,
    /// How many of them are the prompt.
    pub prompt: usize,
}

#[derive(Debug, Error)]
pub enum GenerationError {
    #[error(transparent)]
    Model(#[from] zkml_dsl::Error),
    #[error("the model reads {expected} tokens of which {prompt} are the prompt, got a prompt of {got}")]
    Prompt { expected: usize, prompt: usize, got: usize },
}

/// Decodes greedily after the prompt, one run of the integers for each token. `seq` and the prompt's length are those that
/// the model was elaborated for. Later tokens do not change earlier ones' predictions, so places not yet decoded hold 0.
pub fn generate(
    model: &gpt2_greedy::Model,
    seq: usize,
    prompt: &[i32],
) -> Result<Generation, GenerationError> {
    let answers = model.as_ref().graph().ty(model.as_ref().graph().outputs[0].node).shape.len();
    if prompt.len() + answers != seq {
        let (expected, prompt_len) = (seq, seq.saturating_sub(answers));
        return Err(GenerationError::Prompt { expected, prompt: prompt_len, got: prompt.len() });
    }
    let mut tokens = prompt.to_vec();
    tokens.resize(seq, 0);
    for i in 0..answers {
        let next = model.run(&Tensor::with_shape(&[seq], &tokens)?)?;
        tokens[prompt.len() + i] = next.to_vec()[i];
    }
    Ok(Generation { tokens, prompt: prompt.len() })
}

impl Generation {
    pub fn answer(&self) -> &[i32] {
        &self.tokens[self.prompt..]
    }

    /// Proves every token of the answer in one proof.
    pub fn prove(&self, model: &gpt2_greedy::Model) -> Result<Proof, GenerationError> {
        let (_, proof) = model.prove(&Tensor::with_shape(&[self.tokens.len()], &self.tokens)?)?;
        Ok(proof)
    }

    /// Whether the model of this key goes on with just this answer.
    pub fn verify(
        &self,
        instance: &gpt2_greedy::Instance,
        key: &VerifierKey,
        proof: &Proof,
    ) -> Result<(), GenerationError> {
        let tokens = Tensor::with_shape(&[self.tokens.len()], &self.tokens)?;
        let answer = Tensor::with_shape(&[self.answer().len()], self.answer())?;
        Ok(instance.verify(key, &tokens, &answer, proof)?)
    }
}
