//! Lookups into a table that is not the lookup's.

use crate::common::forge::cells;
use crate::common::{graph, Fixture};
use std::collections::HashMap;
use zkml_runtime::cells::materialise;
use zkml_runtime::protocol::{Statement, Witness};

/// What lookups and multiplicities leave of each tuple, tables told apart or not.
fn excess(f: &Fixture, statement: &Statement, witness: &Witness, by_table: bool) -> usize {
    let (plan, all) = (f.plan(), cells(f, statement, witness));
    let mut counts: HashMap<(usize, Vec<i64>), i64> = HashMap::new();
    let name = |t: usize| if by_table { t } else { 0 };
    for l in &plan.lookups {
        let value = |e| materialise(e, &l.space, |t| &plan.tensors[t].axes, |t| &*all[t]);
        let entries: Vec<Vec<i64>> = l.entries.iter().map(value).collect();
        for i in 0..l.space.len() {
            let tuple = entries.iter().map(|e| e[i]).collect();
            *counts.entry((name(l.table), tuple)).or_default() += 1;
        }
    }
    for (t, (table, multiplicities)) in plan.tables.iter().zip(&witness.multiplicities).enumerate() {
        let columns = table.columns();
        for (row, &n) in multiplicities.iter().enumerate().filter(|(_, &n)| n > 0) {
            let tuple = columns.iter().map(|c| c[row] as i64).collect();
            *counts.entry((name(t), tuple)).or_default() -= i64::from(n);
        }
    }
    counts.values().filter(|&&n| n != 0).count()
}

/// `(x, 0)` is a row of the ranges for small x > 0, as 0 lies below 2^x. It is none of the ReLU's.
#[test]
fn a_row_of_another_table_is_no_row() {
    let f = Fixture::quick(graph::activations());
    let [ranges, relu] = ["ranges", "relu"]
        .map(|name| f.plan().tables.iter().position(|t| t.name() == name).expect("a table of this name"));
    assert_eq!(f.plan().tables[ranges].arity(), f.plan().tables[relu].arity());
    let (argument, result) = (f.tensor("quantize_int85/y"), f.tensor("relu6/y"));
    let small = |seed: u64| {
        let values = f.run(seed).1.tensors[argument].clone().expect("cells");
        let at = values.iter().position(|x| (1..=8).contains(x))?;
        Some((seed, at, values[at] as i64))
    };
    let (seed, at, x) = (1..50).find_map(small).expect("a small argument");
    let (statement, mut witness) =
        f.forge(seed, |w| w.witness.tensors[result].as_mut().expect("cells")[at] = 0);
    let row = |table: usize, key: &[i64]| f.plan().tables[table].row_of(key).expect("a row");
    witness.multiplicities[relu][row(relu, &[x])] -= 1;
    witness.multiplicities[ranges][row(ranges, &[x, 0])] += 1;
    assert_eq!(excess(&f, &statement, &witness, false), 0, "the tuples are rows of some table");
    assert_ne!(excess(&f, &statement, &witness, true), 0, "but not of theirs");
    f.assert_no_row("a row of the ranges", &(statement, witness));
}

#[test]
fn an_honest_run_leaves_no_tuple_over() {
    let f = Fixture::quick(graph::activations());
    let (statement, witness) = f.run(1);
    for by_table in [false, true] {
        assert_eq!(excess(&f, &statement, &witness, by_table), 0);
    }
}
