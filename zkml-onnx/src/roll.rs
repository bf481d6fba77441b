//! Layers that repeat are one function, called in a loop.
//!
//! Weights whose names differ in one number (`encoder.layer.0.dense.weight`) say where layers are. If the steps from one layer to the next are the
//! same, and one tensor goes from each to the next, they become a program of their own.

use crate::names::{ident, shortest, Unique};
use crate::program::{Arg, Layers, Param, ParamKind, Program, Ref, Step, LAYERS};
use std::collections::{BTreeMap, HashMap};
use zkml_dsl::Elem;

/// The program with its layers rolled up, if it has any.
pub fn roll(p: Program) -> Program {
    let Some(types) = p.types() else { return p };
    let mut lists: Vec<List> = lists(&p);
    // What most weights belong to.
    lists.sort_by_key(|l| std::cmp::Reverse(l.weights.len() * l.weights[0].len()));
    for list in lists {
        if let Some(rolled) = list.roll(&p, &types) {
            return rolled;
        }
    }
    p
}

type Types = HashMap<Ref, (Elem, Vec<usize>)>;

/// Weights of layers, by layer and in one order.
struct List {
    /// Before the number, with its final dot.
    prefix: String,
    /// Behind the number.
    roles: Vec<String>,
    weights: Vec<Vec<usize>>,
}

fn lists(p: &Program) -> Vec<List> {
    let mut all: BTreeMap<String, BTreeMap<usize, BTreeMap<String, usize>>> = BTreeMap::new();
    for (i, param) in p.params.iter().enumerate().filter(|(_, p)| p.kind != ParamKind::Input) {
        let parts: Vec<&str> = param.name.split('.').collect();
        for k in 1..parts.len().saturating_sub(1) {
            let Ok(number) = parts[k].parse::<usize>() else { continue };
            let (prefix, role) = (parts[..k].join(".") + ".", parts[k + 1..].join("."));
            all.entry(prefix).or_default().entry(number).or_default().insert(role, i);
        }
    }
    let list = |(prefix, layers): (String, BTreeMap<usize, BTreeMap<String, usize>>)| {
        let first = layers.get(&0)?;
        let like = |of: &BTreeMap<String, usize>| {
            of.len() == first.len()
                && of.iter().zip(first).all(|((role, &i), (role_0, &i_0))| {
                    let (a, b) = (&p.params[i], &p.params[i_0]);
                    role == role_0 && (a.elem, &a.dims, a.kind) == (b.elem, &b.dims, b.kind)
                })
        };
        let whole =
            layers.len() >= 2 && layers.keys().copied().eq(0..layers.len()) && layers.values().all(like);
        whole.then(|| List {
            prefix,
            roles: first.keys().cloned().collect(),
            weights: layers.values().map(|of| of.values().copied().collect()).collect(),
        })
    };
    all.into_iter().filter_map(list).collect()
}

/// Where layers lie among the steps.
struct Place {
    start: usize,
    period: usize,
    count: usize,
}

/// What a layer reads from outside.
struct Outside {
    /// The step of a layer, counted from its beginning, whose result the next one reads, and what the first reads in its place.
    carried: (usize, usize),
    initial: Ref,
    /// The same for all layers.
    shared: Vec<Ref>,
}

impl List {
    fn roll(&self, p: &Program, types: &Types) -> Option<Program> {
        let of_layer = |i: usize| {
            let reads =
                |s: &Step| s.reads().any(|r| matches!(r, Ref::Param(w) if self.weights[i].contains(&w)));
            let first = p.steps.iter().position(reads)?;
            Some((first, p.steps.iter().rposition(reads)?))
        };
        let count = self.weights.len();
        let bounds: Vec<(usize, usize)> = (0..count).map(of_layer).collect::<Option<_>>()?;
        let period = bounds[1].0.checked_sub(bounds[0].0)?;
        if bounds.windows(2).any(|w| w[1].0 != w[0].0 + period) {
            return None;
        }
        // The layer may begin before its first weight: the place at which one tensor goes on, which is no accumulator.
        for shift in 0..period {
            let Some(start) = bounds[0].0.checked_sub(shift) else { break };
            let place = Place { start, period, count };
            if start + period * count <= bounds[count - 1].1 || start + period * count > p.steps.len() {
                continue;
            }
            let Some(outside) = self.outside(p, &place) else { continue };
            let result = Ref::Step(start + outside.carried.0, outside.carried.1);
            if types[&result] == types[&outside.initial] && types[&result].0 != Elem::Acc {
                return Some(self.rolled(p, &place, &outside, types));
            }
        }
        None
    }

    /// Are all layers like the first, and what do they read from outside?
    fn outside(&self, p: &Program, at: &Place) -> Option<Outside> {
        let Place { start, period, count } = *at;
        let mut carried: HashMap<(usize, usize), Ref> = HashMap::new();
        let mut shared: Vec<Ref> = vec![];
        for layer in 1..count {
            let begin = start + layer * period;
            for j in 0..period {
                let (a, b) = (&p.steps[start + j], &p.steps[begin + j]);
                if !alike(a, b) {
                    return None;
                }
                for (first, here) in a.reads().zip(b.reads()) {
                    let inside_first = matches!(first, Ref::Step(s, _) if s >= start);
                    match here {
                        Ref::Param(w) => match self.weights[layer].iter().position(|&own| own == w) {
                            Some(role) if first == Ref::Param(self.weights[0][role]) => {}
                            None if first == here => shared.push(here),
                            _ => return None,
                        },
                        Ref::Step(s, k) if s >= begin => {
                            if first != Ref::Step(s - begin + start, k) {
                                return None;
                            }
                        }
                        Ref::Step(s, k) if s + period >= begin => {
                            let key = (s + period - begin, k);
                            if inside_first || *carried.entry(key).or_insert(first) != first {
                                return None;
                            }
                        }
                        Ref::Step(s, _) if s < start && first == here => shared.push(here),
                        Ref::Step(..) => return None,
                    }
                }
            }
        }
        shared.sort_unstable();
        shared.dedup();
        let (&key, &initial) = carried.iter().next().filter(|_| carried.len() == 1)?;
        // What comes in as the first layer's tensor is nothing else beside.
        if shared.contains(&initial) {
            return None;
        }
        // Behind the layers only the last one's result is read.
        let last = start + (count - 1) * period;
        let end = last + period;
        let allowed = |r: Ref| match r {
            Ref::Step(s, k) if s >= start && s < end => (s.wrapping_sub(last), k) == key,
            _ => true,
        };
        let behind = p.steps[end..].iter().flat_map(Step::reads).chain(p.results.iter().map(|(_, r)| *r));
        behind.into_iter().all(allowed).then_some(Outside { carried: key, initial, shared })
    }

    fn rolled(&self, p: &Program, at: &Place, outside: &Outside, types: &Types) -> Program {
        let Place { start, period, count } = *at;
        // Roles in the order in which a layer reads them.
        let mut order: Vec<usize> = vec![];
        for r in p.steps[start..start + period].iter().flat_map(Step::reads) {
            let role = match r {
                Ref::Param(w) => self.weights[0].iter().position(|&own| own == w),
                Ref::Step(..) => None,
            };
            order.extend(role.filter(|role| !order.contains(role)));
        }
        let block = self.block(p, at, outside, types, &order);
        // Parameters with the list where its first weight was.
        let all: Vec<usize> =
            self.weights.iter().flat_map(|of| order.iter().map(move |&role| of[role])).collect();
        let mut params: Vec<usize> = vec![];
        for i in 0..p.params.len() {
            match all.contains(&i) {
                false => params.push(i),
                true if params.iter().any(|i| all.contains(i)) => {}
                true => params.extend(&all),
            }
        }
        let param_at = |i: usize| params.iter().position(|&p| p == i).expect("every parameter stays");
        let (end, last) = (start + period * count, start + period * (count - 1));
        let moved = |r: Ref| match r {
            Ref::Param(i) => Ref::Param(param_at(i)),
            Ref::Step(s, k) if s < start => Ref::Step(s, k),
            Ref::Step(s, _) if s < end => {
                debug_assert_eq!(s, last + outside.carried.0);
                Ref::Step(start, 0)
            }
            Ref::Step(s, k) => Ref::Step(s - end + start + 1, k),
        };
        let step = |s: &Step| {
            let mut s = s.clone();
            s.tensors.iter_mut().for_each(|r| *r = moved(*r));
            for (_, arg) in &mut s.named {
                if let Arg::Tensor(r) = arg {
                    *r = moved(*r);
                }
            }
            s
        };
        let tensors =
            std::iter::once(outside.initial).chain(outside.shared.iter().copied()).map(moved).collect();
        let call = Step {
            op: LAYERS,
            elem: None,
            tensors,
            named: vec![],
            results: 1,
            name: "x".into(),
            node: usize::MAX,
        };
        let steps =
            p.steps[..start].iter().map(step).chain([call]).chain(p.steps[end..].iter().map(step)).collect();
        let path = self.prefix.trim_end_matches('.').to_owned();
        let mut idents = Unique::default();
        p.params.iter().filter(|p| p.kind == ParamKind::Input).for_each(|p| drop(idents.take(&p.ident, "_")));
        idents.take(&p.name, "_");
        idents.take(&block.name, "_");
        p.results.iter().for_each(|(name, _)| drop(idents.take(name, "_")));
        let list = idents.take(&format!("{}s", block.name), "_");
        let weights =
            self.weights.iter().map(|of| order.iter().map(|&role| param_at(of[role])).collect()).collect();
        Program {
            name: p.name.clone(),
            params: params.iter().map(|&i| p.params[i].clone()).collect(),
            steps,
            results: p.results.iter().map(|(name, r)| (name.clone(), moved(*r))).collect(),
            weights: p.weights.clone(),
            layers: Some(Box::new(Layers { block, path, list, weights })),
        }
    }

    /// One layer: the tensor that goes on, what all layers read, its weights.
    fn block(&self, p: &Program, at: &Place, outside: &Outside, types: &Types, order: &[usize]) -> Program {
        let mut idents = Unique::default();
        let name = function_name(&self.prefix, &p.name);
        idents.take(&name, "_");
        let mut params = vec![];
        let mut input = |ident: String, r: Ref| {
            let (elem, dims) = types[&r].clone();
            params.push(Param { name: ident.clone(), ident, elem, dims, kind: ParamKind::Input });
        };
        input(idents.take("x", "_"), outside.initial);
        for &r in &outside.shared {
            let name = match r {
                Ref::Param(i) => p.params[i].ident.clone(),
                Ref::Step(s, _) => ident(&p.steps[s].name),
            };
            input(idents.take(&name, "_"), r);
        }
        let outer = params.len();
        let roles: Vec<&str> = order.iter().map(|&role| self.roles[role].as_str()).collect();
        for (&role, short) in order.iter().zip(shortest(&roles, 2)) {
            let weight = &p.params[self.weights[0][role]];
            let ident = idents.take(&ident(&short), "_");
            params.push(Param { ident, name: self.roles[role].clone(), ..weight.clone() });
        }
        let own = |r: Ref| {
            if r == outside.initial {
                return Ref::Param(0);
            }
            match r {
                Ref::Step(s, k) if s >= at.start => Ref::Step(s - at.start, k),
                Ref::Param(w) if self.weights[0].contains(&w) => {
                    let role = self.weights[0].iter().position(|&own| own == w).expect("it is there");
                    Ref::Param(outer + order.iter().position(|&o| o == role).expect("roles that are read"))
                }
                shared => Ref::Param(1 + outside.shared.iter().position(|&s| s == shared).expect("listed")),
            }
        };
        let step = |s: &Step| {
            let mut s = s.clone();
            s.tensors.iter_mut().for_each(|r| *r = own(*r));
            for (_, arg) in &mut s.named {
                if let Arg::Tensor(r) = arg {
                    *r = own(*r);
                }
            }
            // Its own name says enough within a layer.
            let parts: Vec<&str> = s.name.split('.').filter(|p| p.parse::<usize>().is_err()).collect();
            s.name = parts.last().copied().unwrap_or("h").to_owned();
            s
        };
        Program {
            name,
            params,
            steps: p.steps[at.start..at.start + at.period].iter().map(step).collect(),
            results: vec![("x".into(), Ref::Step(outside.carried.0, outside.carried.1))],
            weights: BTreeMap::new(),
            layers: None,
        }
    }
}

/// The same but for what is read.
fn alike(a: &Step, b: &Step) -> bool {
    let named = |s: &Step| -> Vec<(&'static str, Option<Arg>)> {
        s.named.iter().map(|(n, a)| (*n, (!matches!(a, Arg::Tensor(_))).then(|| a.clone()))).collect()
    };
    (a.op, a.elem, a.results, a.tensors.len()) == (b.op, b.elem, b.results, b.tensors.len())
        && named(a) == named(b)
}

/// `layers` is `layer`; what says nothing is `block`.
fn function_name(prefix: &str, model: &str) -> String {
    let last = prefix.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let name = ident(last.strip_suffix('s').unwrap_or(last));
    let taken = name == model || zkml_ir::ops::find(&name).is_some();
    if name.len() < 3 || taken {
        "block".into()
    } else {
        name
    }
}
