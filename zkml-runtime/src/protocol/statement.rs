//! What a proof is about: the public inputs and outputs.

use super::{StatementError, System};
use crate::transcript::{Tag, Transcript};
use zkml_ir::plan::Source;
use zkml_ir::tensor::IntTensor;

/// Public values, by the model's inputs and outputs. A private input is `None`: the proof's commitment stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub inputs: Vec<Option<IntTensor>>,
    pub outputs: Vec<IntTensor>,
}

impl Statement {
    /// Checks shapes and integer ranges against the plan. A value is compared as an integer, before it becomes a field
    /// element: v + p would be the same element.
    pub fn check(&self, system: &System) -> Result<(), StatementError> {
        let (mut inputs, mut outputs) = (0, 0);
        for t in &system.plan().tensors {
            let value = match t.source {
                Source::PublicInput(i) => {
                    inputs = inputs.max(i + 1);
                    let got = self.inputs.len();
                    let v = self.inputs.get(i).ok_or(StatementError::Inputs { expected: i + 1, got })?;
                    v.as_ref().ok_or_else(|| StatementError::NotPublic { name: t.name.clone() })?
                }
                Source::PrivateInput(i) => {
                    inputs = inputs.max(i + 1);
                    if self.inputs.get(i).is_some_and(|v| v.is_some()) {
                        return Err(StatementError::NotPrivate { name: t.name.clone() });
                    }
                    continue;
                }
                Source::PublicOutput(i) => {
                    outputs = outputs.max(i + 1);
                    let got = self.outputs.len();
                    self.outputs.get(i).ok_or(StatementError::Outputs { expected: i + 1, got })?
                }
                Source::Weight(_) | Source::Trace | Source::Constant(_) => continue,
            };
            let expected = t.axes.shape();
            if *value.shape() != expected {
                let (name, got) = (t.name.clone(), value.shape().clone());
                return Err(StatementError::Shape { name, expected, got });
            }
            if let Some((index, got)) = value.first_outside(t.range) {
                return Err(StatementError::Range { name: t.name.clone(), index, expected: t.range, got });
            }
        }
        if self.inputs.len() > inputs {
            return Err(StatementError::Inputs { expected: inputs, got: self.inputs.len() });
        }
        if self.outputs.len() != outputs {
            return Err(StatementError::Outputs { expected: outputs, got: self.outputs.len() });
        }
        Ok(())
    }

    pub(super) fn absorb(&self, t: &mut Transcript) {
        let mut words = vec![self.inputs.len() as u32, self.outputs.len() as u32];
        let mut tensor = |v: Option<&IntTensor>| match v {
            None => words.push(0),
            Some(v) => {
                words.push(1);
                words.push(v.shape().rank() as u32);
                words.extend(v.shape().dims().iter().map(|&d| d as u32));
                words.extend((0..v.len()).map(|i| v.get(i) as u32));
            }
        };
        self.inputs.iter().for_each(|v| tensor(v.as_ref()));
        self.outputs.iter().for_each(|v| tensor(Some(v)));
        t.absorb_words(Tag::PublicValues, &words);
    }
}
