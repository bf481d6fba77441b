//! Boxes and arrows of a drawing: one box per op, or fewer where there are too many.

use std::collections::{BTreeSet, HashMap, HashSet};
use zkml_ir::cost::generic;
use zkml_ir::graph::{Graph, NodeId};

/// Ops that follow each other, in one iteration of a loop or in all of them.
#[derive(Clone, Debug)]
pub struct Box {
    pub first: NodeId,
    pub last: NodeId,
    pub ops: usize,
    /// Iterations that it stands for.
    pub times: usize,
    pub ms: f64,
    /// Of the first op.
    name: String,
}

pub struct Outline {
    pub boxes: Vec<Box>,
    /// From a box to a later one.
    pub edges: BTreeSet<(usize, usize)>,
}

impl Outline {
    /// A box for each node that is wanted.
    pub fn new(graph: &Graph, ms: impl Fn(NodeId) -> f64, wanted: impl Fn(NodeId) -> bool) -> Self {
        let nodes: Vec<NodeId> = (0..graph.nodes.len()).filter(|&n| wanted(n)).collect();
        let place: HashMap<NodeId, usize> = nodes.iter().enumerate().map(|(at, &n)| (n, at)).collect();
        let edges = nodes
            .iter()
            .flat_map(|&n| graph.nodes[n].args.iter().map(move |&a| (a, n)))
            .filter_map(|(a, n)| Some((*place.get(&a)?, place[&n])));
        let edges = edges.collect();
        let boxed = |&n: &NodeId| Box {
            first: n,
            last: n,
            ops: 1,
            times: 1,
            ms: ms(n),
            name: graph.nodes[n].name.clone(),
        };
        Self { boxes: nodes.iter().map(boxed).collect(), edges }
    }

    /// Draws repeated layers once, then joins chains, as far as there are more than `most` boxes. Says which of the two it did.
    pub fn reduce(&mut self, most: usize) -> [bool; 2] {
        if self.boxes.len() > most {
            self.roll();
        }
        self.join(most);
        [self.boxes.iter().any(|b| b.times > 1), self.boxes.iter().any(|b| b.ops > 1)]
    }

    /// One box for ops whose names differ in indices only, where the first of them stood, and for the parts of one op, which share its
    /// name. What one iteration hands to the next goes backwards, and is not drawn.
    fn roll(&mut self) {
        let mut first: HashMap<String, usize> = HashMap::new();
        let mut names: HashSet<String> = HashSet::new();
        let mut boxes: Vec<Box> = vec![];
        let mut to = vec![];
        for b in self.boxes.drain(..) {
            let at = *first.entry(generic(&b.name)).or_insert(boxes.len());
            let again = usize::from(names.insert(b.name.clone()));
            match boxes.get_mut(at) {
                Some(there) => {
                    there.times += again;
                    there.ms += b.ms;
                }
                None => boxes.push(b),
            }
            to.push(at);
        }
        self.boxes = boxes;
        self.rename(&to);
    }

    /// Joins a box with the only one that it hands its value to, if that reads nothing else; the cheapest pairs first.
    fn join(&mut self, most: usize) {
        while self.boxes.len() > most {
            let (mut reads, mut read) = (vec![0; self.boxes.len()], vec![0; self.boxes.len()]);
            for &(from, to) in &self.edges {
                read[from] += 1;
                reads[to] += 1;
            }
            let alone = |&&(from, to): &&(usize, usize)| {
                read[from] == 1 && reads[to] == 1 && self.boxes[from].times == self.boxes[to].times
            };
            let ms = |&(from, to): &(usize, usize)| self.boxes[from].ms + self.boxes[to].ms;
            let cheapest = self.edges.iter().filter(alone).min_by(|a, b| ms(a).total_cmp(&ms(b)));
            let Some(&(from, to)) = cheapest else { return };
            let joined = Box {
                last: self.boxes[to].last,
                ops: self.boxes[from].ops + self.boxes[to].ops,
                ms: ms(&(from, to)),
                ..self.boxes[from].clone()
            };
            // It stands where the later one stood: all that either reads is before it.
            self.boxes[to] = joined;
            self.boxes.remove(from);
            let map: Vec<usize> = (0..=self.boxes.len())
                .map(|old| if old == from { to } else { old })
                .map(|old| old - usize::from(old > from))
                .collect();
            self.rename(&map);
        }
    }

    /// Edges between other boxes.
    fn rename(&mut self, to: &[usize]) {
        let edges = self.edges.iter().map(|&(a, b)| (to[a], to[b]));
        self.edges = edges.filter(|(a, b)| a < b).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Boxes by name, and arrows by place.
    fn outline(names: &[&str], edges: &[(usize, usize)]) -> Outline {
        let boxed = |(n, name): (usize, &&str)| Box {
            first: n,
            last: n,
            ops: 1,
            times: 1,
            ms: 1.0,
            name: name.to_string(),
        };
        Outline {
            boxes: names.iter().enumerate().map(boxed).collect(),
            edges: edges.iter().copied().collect(),
        }
    }

    fn seen(o: &Outline) -> Vec<(NodeId, NodeId, usize, usize)> {
        o.boxes.iter().map(|b| (b.first, b.last, b.ops, b.times)).collect()
    }

    #[test]
    fn a_small_graph_is_drawn_as_it_is() {
        let mut o = outline(&["x", "h[0]", "h[1]", "y"], &[(0, 1), (1, 2), (2, 3)]);
        assert_eq!(o.reduce(4), [false, false]);
        assert_eq!((o.boxes.len(), o.edges.len()), (4, 3));
    }

    #[test]
    fn layers_are_drawn_once() {
        // The op `b` has two nodes.
        let names = ["x", "h[0].a", "h[0].b", "h[0].b", "h[1].a", "h[1].b", "h[1].b", "y"];
        let mut o = outline(&names, &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (0, 7)]);
        assert_eq!(o.reduce(5), [true, false]);
        assert_eq!(seen(&o), [(0, 0, 1, 1), (1, 1, 1, 2), (2, 2, 1, 2), (7, 7, 1, 1)]);
        assert_eq!(o.boxes[1].ms, 2.0);
        assert_eq!(o.edges, BTreeSet::from([(0, 1), (1, 2), (2, 3), (0, 3)]));
    }

    #[test]
    fn chains_are_one_box_and_branches_are_not() {
        // x forks to a and b, which meet in y; a - c - d is a chain.
        let names = ["x", "a", "b", "c", "d", "y"];
        let mut o = outline(&names, &[(0, 1), (0, 2), (1, 3), (3, 4), (4, 5), (2, 5)]);
        assert_eq!(o.reduce(1), [false, true]);
        assert_eq!(seen(&o), [(0, 0, 1, 1), (2, 2, 1, 1), (1, 4, 3, 1), (5, 5, 1, 1)]);
        assert_eq!(o.boxes[2].ms, 3.0);
        assert_eq!(o.edges, BTreeSet::from([(0, 1), (0, 2), (1, 3), (2, 3)]));
    }
}
