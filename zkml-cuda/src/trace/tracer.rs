//! The walk over a graph.

use super::count;
use super::ops::{self, Rows, View};
use crate::prover::{cells_of, DeviceProver, DeviceWeights, Entries};
use crate::{CudaError, Device, DeviceCells};
use cudarc::driver::CudaSlice;
use std::rc::Rc;
use thiserror::Error;
use zkml_ir::exec::{self, Recipe, RunError, Stepper};
use zkml_ir::graph::{Graph, NodeId, Op, Params};
use zkml_ir::lower::{LowerError, Lowered};
use zkml_ir::plan::{self, Space, TensorDecl};
use zkml_ir::tensor::IntTensor;
use zkml_runtime::claims::PublicValues;
use zkml_runtime::protocol::ProveError;

#[derive(Debug, Error)]
pub enum TraceError {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("device: {0}")]
    Device(#[from] CudaError),
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// A model as it was set up.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub graph: &'a Graph,
    pub lowered: &'a Lowered,
    pub params: &'a Params,
    pub weights: &'a [IntTensor],
}

/// What a model's nodes compute, prepared once: tables of functions are on the device.
pub struct Tracer {
    steps: Vec<Option<(Recipe, Option<CudaSlice<i32>>)>>,
}

/// What a proof commits to, on the device, but for how often tables are looked up.
pub struct DeviceTrace {
    /// By the plan's tensors, for those of the trace and inputs.
    pub cells: Vec<Option<DeviceCells>>,
    /// By output of the model.
    pub outputs: Vec<IntTensor>,
    /// How many integers broke a rule so far: none.
    pub(crate) failed: CudaSlice<u32>,
}

/// A node's integers, row-major.
#[derive(Clone)]
enum Value {
    Weight(usize),
    Rows(Rc<CudaSlice<i32>>),
}

impl Tracer {
    /// `None` for a model with a table whose rows no formula finds.
    pub fn new(device: &Device, source: Source<'_>) -> Result<Option<Self>, TraceError> {
        let Source { graph, lowered, params, weights } = source;
        if lowered.plan.tables.iter().any(|t| t.rows().is_none()) {
            return Ok(None);
        }
        let tensors = &lowered.plan.tensors;
        let mut stepper = Stepper::unchecked(graph, params, weights, &[]);
        let mut steps = vec![];
        for (id, part) in lowered.parts.iter().take(graph.nodes.len()).enumerate() {
            let recipe = match graph.nodes[id].op {
                Op::Input(_) | Op::Weight(_) => None,
                _ => stepper.recipe(id, &tensors[part.tensors.clone()])?,
            };
            let table = match &recipe {
                Some(Recipe::Table { values, .. }) => Some(device.upload("a function's table", values)?),
                Some(Recipe::LayerNorm(norm)) => Some(device.upload("gains", &norm.gains)?),
                Some(Recipe::Attention(a)) => Some(device.upload("exponentials", &a.exponentials)?),
                _ => None,
            };
            steps.push(recipe.map(|recipe| (recipe, table)));
        }
        Ok(Some(Self { steps }))
    }

    /// Runs the model. The inputs are uploaded, the outputs downloaded, and what nodes without a recipe need.
    pub fn run(
        &self,
        device: &Device,
        committed: &DeviceWeights,
        source: Source<'_>,
        inputs: &[IntTensor],
    ) -> Result<DeviceTrace, TraceError> {
        let Source { graph, lowered, params, weights } = source;
        let plan = &lowered.plan;
        let mut walk = Walk {
            device,
            graph,
            committed,
            stepper: Stepper::new(graph, params, weights, inputs)?,
            values: vec![None; graph.nodes.len()],
            uses: graph.use_counts(),
            failed: device.zeros::<u32>("a count of failures", 1)?,
        };
        let mut cells: Vec<Option<DeviceCells>> = plan.tensors.iter().map(|_| None).collect();
        for (id, part) in lowered.parts.iter().take(graph.nodes.len()).enumerate() {
            let declared = &plan.tensors[part.tensors.clone()];
            let commits = declared.iter().any(|t| t.source == plan::Source::Trace);
            let mut own = walk.step(id, self.steps[id].as_ref(), declared, commits)?.into_iter();
            for (t, decl) in part.tensors.clone().zip(declared) {
                cells[t] = match decl.source {
                    plan::Source::Trace => {
                        own.next().map(|rows| placed(device, rows, &decl.axes)).transpose()?
                    }
                    plan::Source::PrivateInput(i) => {
                        Some(placed(device, upload(device, &inputs[i])?, &decl.axes)?)
                    }
                    _ => None,
                };
            }
            debug_assert!(own.next().is_none(), "{} computes more cells than it declares", part.name);
        }
        check(device, &walk.failed, source, inputs)?;
        let outputs = graph.outputs.iter().map(|port| walk.download(port.node)).collect::<Result<_, _>>()?;
        let Walk { failed, .. } = walk;
        Ok(DeviceTrace { cells, outputs, failed })
    }
}

impl DeviceTrace {
    /// How often each row of each table is looked up, of a run of `prover`'s model with these public values.
    pub fn multiplicities(
        self,
        prover: &DeviceProver,
        committed: &DeviceWeights,
        public: &PublicValues,
    ) -> Result<Vec<CudaSlice<u32>>, CudaError> {
        let (device, plan) = (prover.device(), prover.system.plan());
        let Self { mut cells, failed, .. } = self;
        prover.add_public(public, &mut cells)?;
        let cells = |t: usize| cells_of(prover, committed, &cells, t);
        let entries = Entries::new(device, plan, cells)?;
        Ok(count(device, plan, &entries, cells, &failed)?.expect("a tracer is made for tables with formulas"))
    }
}

/// Refuses a run in which integers broke a rule, with the error that the CPU has for it. It waits.
pub(crate) fn check(
    device: &Device,
    failed: &CudaSlice<u32>,
    source: Source<'_>,
    inputs: &[IntTensor],
) -> Result<(), TraceError> {
    if device.download(failed)?[0] == 0 {
        return Ok(());
    }
    let Source { graph, lowered, params, weights } = source;
    exec::trace(graph, lowered, params, weights, inputs)?;
    let what = "has integers on the device that it has not on the CPU";
    Err(RunError::from(LowerError::Malformed { node: graph.name.clone(), what }).into())
}

struct Walk<'a> {
    device: &'a Device,
    graph: &'a Graph,
    committed: &'a DeviceWeights,
    stepper: Stepper<'a>,
    /// Until the last use.
    values: Vec<Option<Value>>,
    uses: Vec<usize>,
    failed: CudaSlice<u32>,
}

impl<'a> Walk<'a> {
    /// The cells of a node, row-major.
    fn step(
        &mut self,
        id: NodeId,
        step: Option<&(Recipe, Option<CudaSlice<i32>>)>,
        declared: &'a [TensorDecl],
        commits: bool,
    ) -> Result<Vec<CudaSlice<i32>>, TraceError> {
        let (value, cells) = match (&self.graph.nodes[id].op, step) {
            (Op::Weight(i), _) => (Some(Value::Weight(*i)), vec![]),
            (_, Some((recipe, table))) => self.launch(id, recipe, table.as_ref(), commits)?,
            (_, None) => self.compute(id, declared, commits)?,
        };
        self.values[id] = value;
        for &arg in &self.graph.nodes[id].args {
            self.uses[arg] -= 1;
            if self.uses[arg] == 0 {
                self.values[arg] = None;
            }
        }
        Ok(cells)
    }

    /// An argument where it lies.
    fn rows(&self, id: NodeId, arg: usize) -> Rows<'_> {
        let arg = self.graph.nodes[id].args[arg];
        match self.values[arg].as_ref().expect("arguments live until their last use") {
            Value::Weight(i) => Rows::of(self.device, self.committed.rows(*i)),
            Value::Rows(v) => Rows::words(self.device, v),
        }
    }

    fn launch(
        &self,
        id: NodeId,
        recipe: &Recipe,
        table: Option<&CudaSlice<i32>>,
        commits: bool,
    ) -> Result<(Option<Value>, Vec<CudaSlice<i32>>), CudaError> {
        let (device, failed) = (self.device, &self.failed);
        let shape = &self.graph.nodes[id].ty.shape;
        let n = shape.len();
        let table = || table.expect("functions have tables");
        let mut cells = vec![];
        let value = match recipe {
            Recipe::Same { copies } => {
                let arg = self.graph.nodes[id].args[0];
                let whole = View::rows(n);
                for _ in 0..*copies {
                    cells.push(ops::view(device, &whole, self.rows(id, 0))?);
                }
                return Ok((self.values[arg].clone(), cells));
            }
            Recipe::View { base, strides } => {
                ops::view(device, &View::new(*base, shape.dims(), strides), self.rows(id, 0))?
            }
            Recipe::Zip(op) => {
                let view = |arg: usize| {
                    let from = &self.graph.ty(self.graph.nodes[id].args[arg]).shape;
                    View::new(0, shape.dims(), &exec::broadcast_strides(from, shape))
                };
                ops::zip(device, *op, [(view(0), self.rows(id, 0)), (view(1), self.rows(id, 1))], n)?
            }
            Recipe::Scale(by) => ops::scale(device, self.rows(id, 0), *by, n)?,
            Recipe::MatMul { batches, m, k, n } => {
                ops::matmul(device, self.rows(id, 0), self.rows(id, 1), [*batches, *m, *k, *n])?
            }
            Recipe::Rescale(r) => {
                let (own, y) = ops::rescale(device, self.rows(id, 0), r, n, failed)?;
                cells = own;
                y
            }
            Recipe::Table { from, .. } => ops::look_up(device, self.rows(id, 0), *from, table(), n, failed)?,
            Recipe::LayerNorm(norm) => {
                let (own, value) = ops::layer_norm(device, norm, table(), self.rows(id, 0), n)?;
                cells = own;
                value
            }
            Recipe::WideNorm(norm) => {
                let (own, value) = ops::wide_norm(device, norm, self.rows(id, 0), n)?;
                cells = own;
                value
            }
            Recipe::Attention(a) => {
                let v = self.graph.ty(self.graph.nodes[id].args[1]).shape.len();
                let rows = [self.rows(id, 0), self.rows(id, 1)];
                let (own, o) = ops::attention(device, a, table(), rows, n / a.width, v, failed)?;
                cells = own;
                o
            }
        };
        if commits && matches!(recipe, Recipe::View { .. } | Recipe::Table { .. }) {
            cells.push(ops::copy(device, &value)?);
        }
        Ok((Some(Value::Rows(Rc::new(value))), cells))
    }

    /// A node without a recipe.
    fn compute(
        &mut self,
        id: NodeId,
        declared: &'a [TensorDecl],
        commits: bool,
    ) -> Result<(Option<Value>, Vec<CudaSlice<i32>>), TraceError> {
        let mut args = vec![];
        for &arg in &self.graph.nodes[id].args {
            args.push(match (&self.graph.nodes[arg].op, &self.values[arg]) {
                (Op::Input(_) | Op::Weight(_), _) | (_, None) => None,
                (_, Some(Value::Weight(i))) => Some(self.committed.rows(*i).download(self.device)?),
                (_, Some(Value::Rows(v))) => Some(self.device.download(v)?),
            });
        }
        let (value, cells) = self.stepper.compute(id, declared, args, commits)?;
        let uploaded = |v: &Vec<i32>| self.device.upload("what the CPU computed", v);
        let cells = cells.iter().map(uploaded).collect::<Result<_, _>>()?;
        let value = match self.graph.nodes[id].op {
            Op::Input(i) => upload(self.device, self.stepper.input(i))?,
            _ => uploaded(&value)?,
        };
        Ok((Some(Value::Rows(Rc::new(value))), cells))
    }

    fn download(&self, id: NodeId) -> Result<IntTensor, TraceError> {
        let ty = self.graph.ty(id);
        let values = match self.values[id].as_ref().expect("outputs live to the end") {
            Value::Weight(i) => self.committed.rows(*i).download(self.device)?,
            Value::Rows(v) => self.device.download(v)?,
        };
        Ok(IntTensor::from_checked(ty.shape.clone(), ty.interval, values))
    }
}

fn upload(device: &Device, tensor: &IntTensor) -> Result<CudaSlice<i32>, CudaError> {
    device.upload("an input", &tensor.to_vec())
}

/// Row-major integers as cells in slab order.
pub(crate) fn placed(device: &Device, rows: CudaSlice<i32>, space: &Space) -> Result<DeviceCells, CudaError> {
    Ok(DeviceCells::I32(match space.slabs() {
        1 => rows,
        _ => ops::view(device, &View::slabs(space), Rows::words(device, &rows))?,
    }))
}
