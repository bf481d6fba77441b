//! Which axis of which product takes which challenge. All of it follows from the plan.

use crate::claims::EvalPoint;
use crate::field::{eq, eq_table, F};
use crate::transcript::Transcript;
use num_traits::{One, Zero};
use stwo::core::channel::Channel;
use zkml_ir::plan::{Axis, Constraint, Factor, Plan, Product};

/// Random coordinates for the k-th output axis of every constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputPools {
    /// By axis position: coordinates of the odd digit and of the bits, each lowest first.
    pools: Vec<(Vec<F>, Vec<F>)>,
}

impl OutputPools {
    /// Draws as many coordinates as the plan's largest axis at each position needs.
    pub fn draw<C: Channel>(t: &mut Transcript<C>, plan: &Plan) -> Self {
        let spaces = || plan.constraints.iter().map(|c| c.space.axes());
        let rank = spaces().map(|s| s.len()).max().unwrap_or(0);
        let pools = (0..rank)
            .map(|k| {
                let at = || spaces().filter_map(|s| s.get(k));
                let odd = at().map(|a| a.odd_vars()).max().unwrap_or(0);
                let bits = at().map(|a| a.bits as usize).max().unwrap_or(0);
                (t.draw_many(odd), t.draw_many(bits))
            })
            .collect();
        Self { pools }
    }

    /// Coordinates of axis `a` at position k, most significant first: odd digit, bits.
    fn axis(&self, k: usize, a: Axis) -> (Vec<F>, Vec<F>) {
        let (odd, bits) = &self.pools[k];
        let take = |pool: &[F], n: usize| pool[..n].iter().rev().copied().collect();
        (take(odd, a.odd_vars()), take(bits, a.bits as usize))
    }

    /// The point of a constraint's space.
    pub fn point<'a>(&self, c: &'a Constraint) -> EvalPoint<'a> {
        let coords: Vec<_> = c.space.axes().iter().enumerate().map(|(k, &a)| self.axis(k, a)).collect();
        EvalPoint::product(c.space.axes(), &coords)
    }

    /// Both digits' coordinates of axis k in one row, most significant first.
    pub fn axis_coords(&self, k: usize, a: Axis) -> Vec<F> {
        let (odd, bits) = self.axis(k, a);
        [odd, bits].concat()
    }
}

/// A product of the plan with its place in the sumcheck.
#[derive(Clone, Debug)]
pub struct Instance<'a> {
    pub constraint: usize,
    pub space: &'a [Axis],
    pub product: &'a Product,
    /// Output axes that both factors have.
    pub batch: Vec<usize>,
    /// Output axes that neither factor has.
    pub free: Vec<usize>,
    /// Variables of the batch axes, then of the contracted axes.
    pub batch_vars: usize,
    pub vars: usize,
}

impl<'a> Instance<'a> {
    fn new(constraint: usize, c: &'a Constraint, product: &'a Product) -> Self {
        let space = c.space.axes();
        let has = |f: &Factor, k: usize| f.axes.contains(&k);
        let outputs = 0..space.len();
        let batch: Vec<usize> =
            outputs.clone().filter(|&k| has(&product.a, k) && has(&product.b, k)).collect();
        let free = outputs.filter(|&k| !has(&product.a, k) && !has(&product.b, k)).collect();
        let batch_vars = batch.iter().map(|&k| space[k].vars()).sum();
        let contracted: usize = product.contracted.iter().map(|a| a.vars()).sum();
        Self { constraint, space, product, batch, free, batch_vars, vars: batch_vars + contracted }
    }

    /// Axis `k` of the output axes followed by the contracted ones.
    pub fn axis(&self, k: usize) -> Axis {
        self.space.get(k).copied().unwrap_or_else(|| self.product.contracted[k - self.space.len()])
    }

    /// The sumcheck's axes in the order of their variables.
    pub fn summed_axes(&self) -> Vec<usize> {
        let contracted = self.space.len()..self.space.len() + self.product.contracted.len();
        self.batch.iter().copied().chain(contracted).collect()
    }

    /// Axes of a factor.
    pub fn factor_axes(&self, f: &Factor) -> Vec<Axis> {
        f.axes.iter().map(|&k| self.axis(k)).collect()
    }

    /// The last `vars` rounds are this product's.
    pub fn own<'r>(&self, rounds: &'r [F]) -> &'r [F] {
        &rounds[rounds.len() - self.vars..]
    }

    /// Coefficient, and the indicators of the axes that no factor has.
    pub fn scale(&self, pools: &OutputPools) -> F {
        self.free.iter().fold(crate::claims::embed(self.product.coef), |s, &k| {
            let a = self.space[k];
            let odd = eq_table(&pools.axis(k, a).0)[..a.odd as usize].iter().fold(F::zero(), |s, &w| s + w);
            s * odd
        })
    }

    /// eq between the output point and the sumcheck's on the batch axes.
    pub fn batch_eq(&self, pools: &OutputPools, rounds: &[F]) -> F {
        let r: Vec<F> = self.batch.iter().flat_map(|&k| pools.axis_coords(k, self.space[k])).collect();
        eq(&r, &self.own(rounds)[..self.batch_vars])
    }

    /// The output point on the batch axes.
    pub fn batch_point(&self, pools: &OutputPools) -> Vec<F> {
        self.batch.iter().flat_map(|&k| pools.axis_coords(k, self.space[k])).collect()
    }

    /// Where a factor is claimed: sumcheck challenges on batch and contracted axes, output challenges elsewhere.
    pub fn factor_point<'f>(
        &self,
        factor: &Factor,
        axes: &'f [Axis],
        pools: &OutputPools,
        rounds: &[F],
    ) -> EvalPoint<'f> {
        let mut own = self.own(rounds);
        let mut by_axis = std::collections::BTreeMap::new();
        for k in self.summed_axes() {
            let a = self.axis(k);
            let (mine, rest) = own.split_at(a.vars());
            own = rest;
            by_axis.insert(k, (mine[..a.odd_vars()].to_vec(), mine[a.odd_vars()..].to_vec()));
        }
        let coords: Vec<_> = factor
            .axes
            .iter()
            .map(|&k| by_axis.get(&k).cloned().unwrap_or_else(|| pools.axis(k, self.axis(k))))
            .collect();
        EvalPoint::product(axes, &coords)
    }
}

/// All products of a plan and the number of rounds.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    pub instances: Vec<Instance<'a>>,
    pub rounds: usize,
}

impl<'a> Shape<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        let instances: Vec<Instance> = plan
            .constraints
            .iter()
            .enumerate()
            .flat_map(|(i, c)| c.products.iter().map(move |p| Instance::new(i, c, p)))
            .collect();
        let rounds = instances.iter().map(|i| i.vars).max().unwrap_or(0);
        Self { instances, rounds }
    }
}

/// A degree-three polynomial from its coefficients 0, 2, 3 and `s(0) + s(1)`, at x.
pub fn eval_round([c0, c2, c3]: [F; 3], claim: F, x: F) -> F {
    let c1 = claim - c0 - c0 - c2 - c3;
    c0 + x * (c1 + x * (c2 + x * c3))
}

/// `1, gamma, gamma^2, ..` by constraint.
pub fn constraint_weights(gamma: F, n: usize) -> Vec<F> {
    std::iter::successors(Some(F::one()), |&g| Some(g * gamma)).take(n).collect()
}
