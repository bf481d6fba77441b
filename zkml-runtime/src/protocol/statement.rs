//! What a proof is about: the public inputs and outputs.

use super::{StatementError, System};
use crate::claims::PublicValues;
use crate::transcript::{Tag, Transcript};
use stwo::core::channel::Channel;
use zkml_ir::graph::Graph;
use zkml_ir::plan::Source;
use zkml_ir::tensor::IntTensor;

/// Public values, by the model's inputs and outputs. A private input is `None`: the proof's commitment stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub inputs: Vec<Option<IntTensor>>,
    pub outputs: Vec<IntTensor>,
}

impl Statement {
    /// What a run of a model shows: its public inputs and its outputs.
    pub fn of_run(graph: &Graph, inputs: &[IntTensor], outputs: Vec<IntTensor>) -> Self {
        let public = graph.inputs.iter().zip(inputs).map(|(p, v)| (!p.private).then(|| v.clone()));
        Self { inputs: public.collect(), outputs }
    }

    /// Checks shapes and integer ranges against the plan. A value is compared as an integer, before it becomes a field
    /// element: v + p would be the same element.
    pub fn check(&self, system: &System) -> Result<(), StatementError> {
        let tensors = &system.plan().tensors;
        let count = |index: fn(&Source) -> Option<usize>| {
            tensors.iter().filter_map(|t| index(&t.source)).map(|i| i + 1).max().unwrap_or(0)
        };
        let expected = count(|s| match s {
            Source::PublicInput(i) | Source::PrivateInput(i) => Some(*i),
            _ => None,
        });
        if self.inputs.len() != expected {
            return Err(StatementError::Inputs { expected, got: self.inputs.len() });
        }
        let expected = count(|s| match s {
            Source::PublicOutput(i) => Some(*i),
            _ => None,
        });
        if self.outputs.len() != expected {
            return Err(StatementError::Outputs { expected, got: self.outputs.len() });
        }
        for t in tensors {
            let name = || t.name.clone();
            let value = match t.source {
                Source::PublicInput(i) => {
                    self.inputs[i].as_ref().ok_or_else(|| StatementError::NotPublic { name: name() })?
                }
                Source::PrivateInput(i) if self.inputs[i].is_some() => {
                    return Err(StatementError::NotPrivate { name: name() });
                }
                Source::PublicOutput(i) => &self.outputs[i],
                Source::PrivateInput(_)
                | Source::Weight(_)
                | Source::Trace
                | Source::Constant(_)
                | Source::OneHotOf(_) => continue,
            };
            let expected = t.axes.shape();
            if *value.shape() != expected {
                return Err(StatementError::Shape { name: name(), expected, got: value.shape().clone() });
            }
            if let Some((index, got)) = value.first_outside(t.range) {
                return Err(StatementError::Range { name: name(), index, expected: t.range, got });
            }
        }
        Ok(())
    }

    /// Every cell of every public tensor, for a prover, once the statement is checked.
    #[cfg(feature = "prover")]
    pub fn public(&self, system: &System) -> Result<PublicValues, StatementError> {
        self.check(system)?;
        Ok(PublicValues::cells(system.plan(), &self.inputs, &self.outputs))
    }

    /// What the argument's public terms are evaluated from, once the statement is checked: enough for a verifier, and for a
    /// prover that has the cells of constants and one-hot rows from elsewhere.
    pub fn values(&self, system: &System) -> Result<PublicValues, StatementError> {
        self.check(system)?;
        Ok(PublicValues::new(system.plan(), &self.inputs, &self.outputs))
    }

    pub(super) fn absorb<C: Channel>(&self, t: &mut Transcript<C>) {
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
