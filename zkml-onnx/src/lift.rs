//! From a [`Net`] to a [`Program`]: each node's op says it in calls of zkml ([`crate::ops`]).
//!
//! ONNX computes in floats, zkml in integers of declared widths. A product or a sum is an exact accumulator; it is quantised where
//! an op reads it that takes no accumulator, to the type which that op asks for, once for each type. So what a node gives stays
//! exact as long as possible.

use crate::error::{ImportError, Problem, Refusal};
use crate::names::{ident, is_given, module, shortest, Unique};
use crate::net::{Net, Node, ValueId};
use crate::ops;
use crate::program::{Arg, Param, ParamKind, Program, Ref, Step};
use crate::read::problem;
use crate::tensor::{Kind, Tensor};
use ndarray::ArrayD;
use std::collections::{HashMap, HashSet};
use zkml_dsl::builder::{Builder, Layout, Var};
use zkml_dsl::weights::{FloatTensor, Shape};
use zkml_dsl::Elem;
use zkml_ir::elem::Interval;

/// How many bits tensors get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// What products read.
    pub activations: Elem,
    /// Sums that go on through a network, such as residual streams.
    pub sums: Elem,
    /// The widest of weights; a product whose sums would not fit takes I8.
    pub weights: Elem,
}

impl Default for Widths {
    fn default() -> Self {
        Self { activations: Elem::I12, sums: Elem::I16, weights: Elem::I12 }
    }
}

impl Widths {
    /// Eight bits for what products read and weights, twelve for sums: fewer lookups, more cells (a sum that goes on is quantised
    /// twice), and a larger error.
    pub fn narrow() -> Self {
        Self { activations: Elem::I8, sums: Elem::I12, weights: Elem::I8 }
    }
}

/// A program under way.
pub struct Lift<'n> {
    pub net: &'n Net,
    pub widths: Widths,
    pub program: Program,
    builder: Builder,
    vars: HashMap<Ref, Var>,
    values: HashMap<ValueId, Ref>,
    sized: HashMap<(Ref, Elem), Ref>,
    weights: HashMap<(String, Elem), Ref>,
    idents: Unique,
    files: Unique,
    declared: usize,
    /// Names, without their numbers, of weights whose channels have scales.
    scaled: HashSet<String>,
    /// The node under way: its place and its name.
    node: (usize, String),
}

/// Lifts all nodes; what cannot be is listed.
///
/// Twice: layers that are alike in the file are to be alike in the program, so a weight of one layer that needs scales for its
/// channels gives them to that of every layer.
pub fn lift(net: &Net, name: &str, widths: Widths) -> Result<Program, ImportError> {
    let (program, scaled) = lift_with(net, name, widths, HashSet::new())?;
    match scaled.is_empty() {
        true => Ok(program),
        false => lift_with(net, name, widths, scaled).map(|(program, _)| program),
    }
}

fn lift_with(
    net: &Net,
    name: &str,
    widths: Widths,
    scaled: HashSet<String>,
) -> Result<(Program, HashSet<String>), ImportError> {
    let name = ident(name);
    let mut l = Lift {
        net,
        widths,
        program: Program { name: name.clone(), ..Program::default() },
        builder: Builder::new(&name),
        vars: HashMap::new(),
        values: HashMap::new(),
        sized: HashMap::new(),
        weights: HashMap::new(),
        idents: Unique::default(),
        files: Unique::default(),
        declared: 0,
        scaled,
        node: (0, String::new()),
    };
    l.idents.take(&name, "_");
    l.inputs()?;
    let (mut problems, mut unknown): (Vec<Problem>, Vec<ValueId>) = (vec![], vec![]);
    for (i, node) in net.nodes.iter().enumerate() {
        if node.inputs.iter().flatten().any(|v| unknown.contains(v)) {
            unknown.extend(&node.outputs);
            continue;
        }
        l.node = (i, node.name.clone());
        let op = ops::find(&node.op).ok_or_else(|| ops::unknown("", &node.op));
        if let Err(refusal) = op.and_then(|op| (op.lift)(&mut l, node)) {
            problems.push(problem(net, node, refusal));
            unknown.extend(&node.outputs);
            continue;
        }
        l.settle(node)?;
    }
    if !problems.is_empty() {
        return Err(ImportError::Unsupported(problems));
    }
    let mut names = Unique::default();
    // Ops, the model and inputs have names already.
    zkml_ir::ops::all().iter().for_each(|op| drop(names.take(op.name(), "_")));
    names.take(&name, "_");
    l.program.inputs().for_each(|p| drop(names.take(&p.ident, "_")));
    for &v in &net.outputs {
        let r = match l.values.get(&v) {
            Some(&r) => r,
            None => {
                let why = Refusal::new("an output that depends on no input");
                let node = Node {
                    name: net.values[v].name.clone(),
                    op: "output".into(),
                    inputs: vec![Some(v)],
                    outputs: vec![],
                    attributes: Default::default(),
                };
                return Err(ImportError::Unsupported(vec![problem(net, &node, why)]));
            }
        };
        let name = names.take(&ident(&net.values[v].name), "_");
        let r = l.result(r).map_err(|why| ImportError::Input { name: name.clone(), problem: why.why })?;
        l.program.results.push((name, r));
    }
    drop_unread(&mut l.program);
    shorten(&mut l.program);
    Ok((crate::roll::roll(l.program), l.scaled))
}

impl<'n> Lift<'n> {
    fn inputs(&mut self) -> Result<(), ImportError> {
        for &v in &self.net.inputs {
            let value = &self.net.values[v];
            let masks = |n: &Node| n.op == ops::ATTENTION && n.input(3) == Some(v);
            let mask = self.net.nodes.iter().any(masks);
            let elem = match value.kind {
                _ if mask => Elem::U8,
                Kind::Float => self.widths.activations,
                Kind::Int => self.integer(v),
                Kind::Bool => Elem::U8,
            };
            let ident = self.idents.take(&ident(&value.name), "_");
            let param = Param {
                name: value.name.clone(),
                elem,
                // Flags of keys are read as they are given.
                dims: if mask { vec![value.dims.iter().product()] } else { zk_dims(&value.dims) },
                kind: ParamKind::Input,
                ident: ident.clone(),
            };
            let var = self.builder.input(&ident, elem, param.dims.clone())?;
            let r = self.declare(param, var);
            self.values.insert(v, r);
        }
        Ok(())
    }

    /// The narrowest type of an input of integers. Rows of tables are numbered up to the table's own end, whatever samples hold.
    fn integer(&self, v: ValueId) -> Elem {
        let tokens = self.net.nodes.iter().any(|n| n.op == "Gather" && n.input(1) == Some(v));
        let Some(&[lo, hi]) = self.net.ranges.get(&self.net.values[v].name).filter(|_| !tokens) else {
            return Elem::I24;
        };
        let seen = Interval::new(lo, hi);
        let holds = |e: &Elem| e.interval().contains_interval(seen);
        [Elem::U8, Elem::I12, Elem::I16].into_iter().find(holds).unwrap_or(Elem::I24)
    }

    /// What can be an output: not the parts of a concatenation, whose ranges the linear rule adds up, and no input as it is.
    fn result(&mut self, r: Ref) -> Result<Ref, Refusal> {
        let mut at = r;
        while let Ref::Step(s, _) = at {
            let step = &self.program.steps[s];
            match step.op {
                "concat" => {
                    // The sum over an axis of one entry is a cell of its own, which the parts are exactly.
                    let dims = self.dims(r)?;
                    let apart = self.reshaped(r, &[&dims[..], &[1]].concat())?;
                    return self.call("sum").arg("axis", Arg::Int(dims.len() as i64)).of([apart]);
                }
                "reshape" | "transpose" | "slice" => at = step.tensors[0],
                _ => return Ok(r),
            }
        }
        Ok(r)
    }

    fn declare(&mut self, param: Param, var: Var) -> Ref {
        let r = Ref::Param(self.program.params.len());
        self.program.params.push(param);
        self.vars.insert(r, var);
        r
    }

    /// What is known of a value when a file is read.
    pub fn constant(&self, v: ValueId) -> Option<&'n Tensor> {
        let net: &'n Net = self.net;
        net.value(v)
    }

    /// An input of the node that has to be there.
    pub fn input(&self, node: &Node, i: usize) -> Result<ValueId, Refusal> {
        node.input(i).ok_or_else(|| Refusal::new(format!("input {i} is missing")))
    }

    /// A value that is computed, as it is: perhaps an accumulator.
    pub fn get(&mut self, v: ValueId) -> Result<Ref, Refusal> {
        if let Some(&r) = self.values.get(&v) {
            return Ok(r);
        }
        let value = &self.net.values[v];
        let tensor = value.constant.as_deref().ok_or_else(|| Refusal::new("a value that nothing gives"))?;
        self.weight(&value.name, "constant", &tensor.to_float(), Elem::I16, Layout::InOut)
    }

    /// The node's input by its place, as it is.
    pub fn read(&mut self, node: &Node, i: usize) -> Result<Ref, Refusal> {
        let v = self.input(node, i)?;
        self.get(v)
    }

    /// The node's input in one of these types.
    pub fn read_as(&mut self, node: &Node, i: usize, elems: &[Elem]) -> Result<Ref, Refusal> {
        let x = self.read(node, i)?;
        self.sized(x, elems)
    }

    /// The node's input in any type of at most sixteen bits.
    pub fn read_narrow(&mut self, node: &Node, i: usize) -> Result<Ref, Refusal> {
        let x = self.read(node, i)?;
        self.narrow(x)
    }

    /// The tensor in any type of at most sixteen bits, which products and tables take.
    pub fn narrow(&mut self, x: Ref) -> Result<Ref, Refusal> {
        self.sized(x, &[self.widths.activations, Elem::I8, Elem::I12, Elem::I16, Elem::U8])
    }

    /// The node's input in any type but an accumulator's.
    pub fn read_sized(&mut self, node: &Node, i: usize) -> Result<Ref, Refusal> {
        let x = self.read(node, i)?;
        self.any_size(x)
    }

    /// The tensor in one of these types; the first is what others are quantised to.
    pub fn sized(&mut self, x: Ref, elems: &[Elem]) -> Result<Ref, Refusal> {
        let elem = self.elem(x)?;
        if elems.contains(&elem) {
            return Ok(x);
        }
        let to = elems[0];
        if let Some(&r) = self.sized.get(&(x, to)) {
            return Ok(r);
        }
        let window = self.window(x, to)?;
        let r =
            self.quantized(to).arg_if(window.is_some(), "window", Arg::Int(window.unwrap_or(0))).of([x])?;
        self.sized.insert((x, to), r);
        Ok(r)
    }

    /// A product of two activations that goes into a sum has that sum's step: its rescale needs digits more than room above what
    /// samples hold, which no such product has much of.
    fn window(&self, x: Ref, to: Elem) -> Result<Option<i64>, Refusal> {
        const WINDOW: i64 = 18;
        let Ref::Step(s, _) = x else { return Ok(None) };
        let step = &self.program.steps[s];
        let computed = step.tensors.iter().all(|t| matches!(t, Ref::Step(..)));
        let product = step.op == "mul" && step.named.is_empty() && computed;
        let wide = to == self.widths.sums && self.interval(x)?.max_abs() > 1 << WINDOW;
        Ok((product && wide).then_some(WINDOW))
    }

    /// The tensor quantised anew: results of functions have fixed steps, which no sum with another tensor has.
    pub fn in_own_step(&mut self, x: Ref, elem: Elem) -> Result<Ref, Refusal> {
        self.quantized(elem).of([x])
    }

    /// The tensor in this type and in one cell for each entry: a quantisation in a wide window has digits, whose sum reaches a little
    /// beyond the type, which a concatenation does not take.
    pub fn in_one_cell(&mut self, x: Ref, elem: Elem) -> Result<Ref, Refusal> {
        const WINDOW: i64 = 16;
        let mut at = x;
        let mut digits = false;
        while let Ref::Step(s, _) = at {
            let step = &self.program.steps[s];
            match step.op {
                "reshape" | "transpose" | "slice" | "split" => at = step.tensors[0],
                _ => {
                    digits = step.op.starts_with("quantize") && step.named.is_empty();
                    break;
                }
            }
        }
        if !digits && self.elem(x)? == elem {
            return Ok(x);
        }
        // The same accumulator, if it is not seen through a view.
        let source = match at {
            Ref::Step(s, _) if digits && at == x => self.program.steps[s].tensors[0],
            _ => x,
        };
        self.quantized(elem).arg("window", Arg::Int(WINDOW)).of([source])
    }

    pub fn any_size(&mut self, x: Ref) -> Result<Ref, Refusal> {
        match self.elem(x)? {
            Elem::Acc => self.sized(x, &[self.widths.activations]),
            _ => Ok(x),
        }
    }

    pub fn elem(&self, x: Ref) -> Result<Elem, Refusal> {
        Ok(self.builder.elem(self.vars[&x])?)
    }

    pub fn interval(&self, x: Ref) -> Result<Interval, Refusal> {
        Ok(self.builder.ty(self.vars[&x])?.interval)
    }

    pub fn dims(&self, x: Ref) -> Result<Vec<usize>, Refusal> {
        Ok(self.builder.shape(self.vars[&x])?.dims().to_vec())
    }

    /// The shape that zkml has for a value: at least one dimension.
    pub fn zk_dims(&self, v: ValueId) -> Vec<usize> {
        zk_dims(self.net.dims(v))
    }

    /// Says what a node's output is, in the shape that the file has for it.
    pub fn give(&mut self, node: &Node, i: usize, x: Ref) -> Result<(), Refusal> {
        let Some(&v) = node.outputs.get(i) else { return Ok(()) };
        let dims = self.zk_dims(v);
        let x = self.reshaped(x, &dims)?;
        self.values.insert(v, x);
        Ok(())
    }

    /// The same elements in another shape, if it is another.
    pub fn reshaped(&mut self, x: Ref, dims: &[usize]) -> Result<Ref, Refusal> {
        if self.dims(x)? == dims {
            return Ok(x);
        }
        let x = self.any_size(x)?;
        let shape = dims.iter().map(|&d| d as i64).collect();
        self.call("reshape").arg("shape", Arg::Ints(shape)).of([x])
    }

    /// A sum that both products and other sums read is quantised once for the sums; products then read that in fewer bits.
    fn settle(&mut self, node: &Node) -> Result<(), ImportError> {
        const PRODUCTS: [&str; 4] = ["MatMul", "Gemm", "Conv", ops::ATTENTION];
        let net: &'n Net = self.net;
        for &v in &node.outputs {
            let Some(&x) = self.values.get(&v) else { continue };
            let readers = || net.nodes.iter().filter(|n| n.inputs.contains(&Some(v)));
            let live = |n: &Node| n.inputs.iter().flatten().all(|&i| net.value(i).is_none());
            let products = readers().any(|n| PRODUCTS.contains(&n.op.as_str()));
            let sums = readers().any(|n| n.op == "Add" && live(n));
            let refused = |e: Refusal| ImportError::Input { name: node.name.clone(), problem: e.why };
            if products && sums && self.elem(x).map_err(refused)? == Elem::Acc {
                let settled = self.sized(x, &[self.widths.sums]).map_err(refused)?;
                self.values.insert(v, settled);
            }
        }
        Ok(())
    }

    /// Do channels of a weight of this name have scales, in some layer?
    pub fn is_scaled(&self, name: &str) -> bool {
        self.scaled.contains(&without_numbers(&self.path(name, "weight")))
    }

    pub fn note_scaled(&mut self, name: &str) {
        let name = without_numbers(&self.path(name, "weight"));
        self.scaled.insert(name);
    }

    /// The name in files: the graph's, if it says anything, else what a weight is to the module of its node.
    fn path(&self, name: &str, role: &str) -> String {
        match (is_given(name), module(&self.node.1)) {
            (true, _) => name.to_owned(),
            (false, module) if module.is_empty() => format!("{}.{role}", ident(&self.node.1)),
            (false, module) => format!("{module}.{role}"),
        }
    }

    /// `quantize_int8(h)` or `quantize::<E>(h)`.
    fn quantized(&mut self, to: Elem) -> Calling<'_, 'n> {
        match to {
            Elem::I8 => self.call("quantize_int8"),
            other => self.call("quantize").elem(other),
        }
    }

    /// A call of an op, to be ended by [`Calling::of`].
    pub fn call(&mut self, op: &'static str) -> Calling<'_, 'n> {
        Calling { lift: self, op, elem: None, named: vec![] }
    }

    /// A weight. `name` is the graph's, if it says anything; else it is `role` of the module that the node belongs to. `values` are in
    /// the shape of the file: `[out, in]` for that layout.
    pub fn weight(
        &mut self,
        name: &str,
        role: &str,
        values: &ArrayD<f32>,
        elem: Elem,
        layout: Layout,
    ) -> Result<Ref, Refusal> {
        let name = self.path(name, role);
        if let Some(position) = values.iter().position(|v| !v.is_finite()) {
            let value = values.iter().nth(position).copied().unwrap_or_default();
            return Err(Refusal::new(format!("constant `{name}` holds {value} at {position}")));
        }
        let dims = zk_dims(values.shape());
        let tensor = FloatTensor::new(Shape::new(dims.clone()), values.iter().copied().collect());
        // The same values under the same name are the same weight.
        if let Some(&r) = self.weights.get(&(name.clone(), elem)) {
            let Ref::Param(i) = r else { unreachable!("weights are parameters") };
            if self.program.weights.get(&self.program.params[i].name) == Some(&tensor) {
                return Ok(r);
            }
        }
        let key = (name.clone(), elem);
        let name = self.files.take(&name, ".");
        let ident = self.idents.take(&ident(&name), "_");
        let declared = match (layout, &dims[..]) {
            (Layout::OutIn, &[o, i]) => vec![i, o],
            _ => dims,
        };
        // The builder only checks: weights of refused tries stay there, under names of their own.
        self.declared += 1;
        let var = self.builder.weight_with(&format!("w{}", self.declared), elem, declared.clone(), layout)?;
        let param =
            Param { ident, name: name.clone(), elem, dims: declared, kind: ParamKind::Weight(layout) };
        self.program.weights.insert(name, tensor);
        let r = self.declare(param, var);
        self.weights.insert(key, r);
        Ok(r)
    }

    /// A try that leaves no trace if it is refused: a product in one width, then in the next.
    pub fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let names = (self.idents.clone(), self.files.clone(), self.weights.clone(), self.sized.clone());
        let (params, steps) = (self.program.params.len(), self.program.steps.len());
        let tried = f(self);
        if tried.is_err() {
            (self.idents, self.files, self.weights, self.sized) = names;
            self.program.steps.truncate(steps);
            for param in self.program.params.drain(params..) {
                self.program.weights.remove(&param.name);
            }
        }
        tried
    }
}

/// A call under way.
pub struct Calling<'l, 'n> {
    lift: &'l mut Lift<'n>,
    op: &'static str,
    elem: Option<Elem>,
    named: Vec<(&'static str, Arg)>,
}

impl<'n> Calling<'_, 'n> {
    pub fn elem(self, elem: Elem) -> Self {
        Self { elem: Some(elem), ..self }
    }

    pub fn arg(mut self, name: &'static str, arg: Arg) -> Self {
        self.named.push((name, arg));
        self
    }

    /// An argument that is left out where it is the default.
    pub fn arg_if(self, wanted: bool, name: &'static str, arg: Arg) -> Self {
        match wanted {
            true => self.arg(name, arg),
            false => self,
        }
    }

    pub fn of(self, tensors: impl Into<Vec<Ref>>) -> Result<Ref, Refusal> {
        self.all(tensors).map(|refs| refs[0])
    }

    /// All results.
    pub fn all(self, tensors: impl Into<Vec<Ref>>) -> Result<Vec<Ref>, Refusal> {
        let Self { lift, op, elem, named } = self;
        let (at, node) = &lift.node;
        let name = match module(node) {
            module if !module.is_empty() => module,
            _ => node.clone(),
        };
        let mut step = Step { op, elem, tensors: tensors.into(), named, results: 1, name, node: *at };
        let vars = step.call(&lift.builder, |r| lift.vars[r])?;
        step.results = vars.len();
        let s = lift.program.steps.len();
        lift.program.steps.push(step);
        let refs: Vec<Ref> = (0..vars.len()).map(|k| Ref::Step(s, k)).collect();
        refs.iter().zip(vars).for_each(|(&r, var)| {
            lift.vars.insert(r, var);
        });
        Ok(refs)
    }
}

/// At least one dimension.
pub fn zk_dims(dims: &[usize]) -> Vec<usize> {
    match dims {
        [] => vec![1],
        _ => dims.to_vec(),
    }
}

/// Drops steps and weights that no result reads: attempts in other widths, values that only shapes were taken of.
fn drop_unread(p: &mut Program) {
    let mut steps = vec![false; p.steps.len()];
    let mut params: Vec<bool> = p.params.iter().map(|p| p.kind == ParamKind::Input).collect();
    let mut mark = |r: Ref, steps: &mut Vec<bool>| match r {
        Ref::Param(i) => params[i] = true,
        Ref::Step(s, _) => steps[s] = true,
    };
    p.results.iter().for_each(|(_, r)| mark(*r, &mut steps));
    for s in (0..p.steps.len()).rev().collect::<Vec<_>>() {
        if steps[s] {
            p.steps[s].reads().collect::<Vec<_>>().into_iter().for_each(|r| mark(r, &mut steps));
        }
    }
    let place = |keep: &[bool]| -> Vec<usize> {
        let mut next = 0;
        let number = |&k: &bool| {
            next += usize::from(k);
            next.wrapping_sub(1)
        };
        keep.iter().map(number).collect()
    };
    let (step_at, param_at) = (place(&steps), place(&params));
    let moved = |r: &mut Ref| match r {
        Ref::Param(i) => *i = param_at[*i],
        Ref::Step(s, _) => *s = step_at[*s],
    };
    let mut keep = steps.iter();
    p.steps.retain(|_| keep.next() == Some(&true));
    let mut keep = params.iter();
    p.params.retain(|_| keep.next() == Some(&true));
    for step in &mut p.steps {
        step.tensors.iter_mut().for_each(moved);
        for (_, arg) in &mut step.named {
            if let Arg::Tensor(r) = arg {
                moved(r);
            }
        }
    }
    p.results.iter_mut().for_each(|(_, r)| moved(r));
    let names: Vec<&String> = p.params.iter().map(|p| &p.name).collect();
    let kept: std::collections::BTreeSet<String> = names.into_iter().cloned().collect();
    p.weights.retain(|name, _| kept.contains(name));
}

/// Drops from names in Rust what a reader does not need: the exporter's wrapper, modules between a layer's number and a product.
fn shorten(p: &mut Program) {
    let weights = |p: &Program| -> Vec<usize> {
        (0..p.params.len()).filter(|&i| p.params[i].kind != ParamKind::Input).collect()
    };
    let paths: Vec<&str> = weights(p).iter().map(|&i| p.params[i].name.as_str()).collect();
    let short = shortest(&paths, 2);
    let mut idents = Unique::default();
    idents.take(&p.name, "_");
    p.inputs().for_each(|i| drop(idents.take(&i.ident, "_")));
    p.results.iter().for_each(|(name, _)| drop(idents.take(name, "_")));
    for (i, short) in weights(p).into_iter().zip(short) {
        p.params[i].ident = idents.take(&ident(&short), "_");
    }
    for step in &mut p.steps {
        step.name = crate::names::short(&step.name, 1);
    }
}

/// `layer.3.dense.weight` as `layer.*.dense.weight`.
fn without_numbers(name: &str) -> String {
    let part = |p: &str| if p.parse::<usize>().is_ok() { "*".to_owned() } else { p.to_owned() };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}
