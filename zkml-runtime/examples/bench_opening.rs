//! Times commitment, opening and verification: `bench_opening [log rows] [weight columns] [trace columns] [level]
//! [runs]`.
//!
//! The claims are like a transformer block's: some forty points of 6 to b variables, a thousand terms.

use std::time::{Duration, Instant};

use stwo::core::fields::m31::BaseField;
use stwo::core::fields::qm31::SecureField;
use stwo::prover::backend::simd::column::BaseColumn;
use zkml_runtime::pcs::{
    commit, prove_opening, verify_opening, CommittedTree, Group, OpeningProof, Params, ProverContext, Term,
};
use zkml_runtime::security::{Counts, SecurityLevel};
use zkml_runtime::transcript::{Tag, Transcript};
use zkml_runtime::wire::Reader;

const GROUPS: usize = 40;
const TERMS: usize = 25;

fn main() {
    let argument = |i: usize, default: usize| {
        std::env::args().nth(i).map_or(default, |a| a.parse().expect("arguments are numbers"))
    };
    let log_rows = argument(1, 16) as u32;
    let n_columns = [argument(2, 110), argument(3, 60)];
    let level = SecurityLevel::ALL[argument(4, 0)];
    let runs = argument(5, 5);
    let params = Params { log_rows, level };
    let counts = Counts { log_rows, columns: n_columns.iter().sum(), ..Counts::default() };
    print!("{}", level.assess(&counts).expect("enough bits"));

    let ctx = ProverContext::new(params).expect("parameters in range");
    let mut seed = 1u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as u32
    };
    let mut column = || (0..1 << log_rows).map(|_| BaseField::from(random() & 0xff)).collect::<BaseColumn>();
    let mut trees = Vec::new();
    for (name, n) in ["weights", "trace"].into_iter().zip(n_columns) {
        let columns: Vec<BaseColumn> = (0..n).map(|_| column()).collect();
        let start = Instant::now();
        trees.push(commit(columns, &ctx).expect("columns of equal height"));
        println!("commit {name:<8}{:>9.1?}  2^{log_rows} x {n}", start.elapsed());
    }
    let trees: Vec<&CommittedTree> = trees.iter().collect();
    let roots: Vec<_> = trees.iter().map(|tree| tree.root()).collect();
    let transcript = || {
        let mut t = Transcript::default();
        roots.iter().for_each(|root| t.absorb_hash(Tag::Root, root));
        t
    };
    let groups = groups(&mut transcript(), log_rows as usize, &n_columns);
    let claim = claim(&trees, &groups);

    let mut best = [Duration::MAX; 2];
    let mut bytes = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        let proof = prove_opening(&mut transcript(), &ctx, &trees, &groups, claim).expect("a true claim");
        best[0] = best[0].min(start.elapsed());
        bytes = proof.to_bytes();
        let start = Instant::now();
        let mut reader = Reader::new(&bytes);
        let proof = OpeningProof::read(&mut reader, &params, &n_columns).expect("what was written");
        let t = &mut transcript();
        verify_opening(t, &params, &roots, &n_columns, &groups, claim, &proof).expect("a true claim");
        best[1] = best[1].min(start.elapsed());
    }
    println!("opening         {:>9.1?}  best of {runs}", best[0]);
    println!("read and verify {:>9.1?}", best[1]);
    println!("proof           {:>9} bytes", bytes.len());
}

fn groups(t: &mut Transcript, log_rows: usize, n_columns: &[usize; 2]) -> Vec<Group> {
    let group = |g: usize| {
        let bits = 6 + g % (log_rows - 5);
        let terms = (0..TERMS)
            .map(|k| {
                let (tree, i) = (k % 2, g * TERMS + k);
                let slot = i % (1 << (log_rows - bits));
                Term { tree, column: i / 2 % n_columns[tree], slot, weight: t.draw() }
            })
            .collect();
        Group { point: t.draw_many(bits), terms }
    };
    (0..GROUPS).map(group).collect()
}

fn claim(trees: &[&CommittedTree], groups: &[Group]) -> SecureField {
    let mut sum = SecureField::default();
    for Group { point, terms } in groups {
        let mut eq = vec![SecureField::from(BaseField::from(1))];
        for &p in point {
            eq = eq.iter().flat_map(|&e| [e - e * p, e * p]).collect();
        }
        for term in terms {
            let column = &trees[term.tree].columns()[term.column].to_field()[term.slot << point.len()..];
            sum += term.weight * eq.iter().zip(column).map(|(&e, &c)| e * c).sum::<SecureField>();
        }
    }
    sum
}
