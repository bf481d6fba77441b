//! Which sizes are measured: one size at a time around a base, as every product of all of them would take a day.

use serde::{Deserialize, Serialize};
use zkml_models::gpt2::Config;

/// Width of a head in every GPT-2.
const HEAD: usize = 64;

/// One model, and the threads that it is proven on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub layers: usize,
    pub seq: usize,
    pub d: usize,
    pub threads: usize,
    /// Tokens that there are.
    pub words: usize,
    /// The longest sequence.
    pub context: usize,
}

impl Point {
    pub fn config(&self) -> Config {
        let Self { layers, d, words, context, .. } = *self;
        Config { d, heads: self.heads(), layers, words, context }
    }

    pub fn heads(&self) -> usize {
        self.d / HEAD
    }
}

/// A base and what varies around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    pub base: Point,
    pub seqs: Vec<usize>,
    pub layers: Vec<usize>,
    pub widths: Vec<usize>,
    pub threads: Vec<usize>,
}

impl Grid {
    /// GPT-2 small over 64 tokens on two threads.
    pub fn full() -> Self {
        let Config { d, layers, words, context, .. } = Config::SMALL;
        Self {
            base: Point { layers, seq: 64, d, threads: 2, words, context },
            seqs: vec![16, 32, 64, 128, 256, 512],
            layers: vec![1, 2, 4, 8, 12],
            widths: vec![192, 384, 768],
            threads: vec![1, 2],
        }
    }

    /// The same on a model that is proven in a moment: to see that the sweep works, not to learn from its numbers.
    pub fn quick() -> Self {
        Self {
            base: Point { layers: 2, seq: 8, d: 64, threads: 2, words: 100, context: 16 },
            seqs: vec![8, 16],
            layers: vec![1, 2],
            widths: vec![64, 128],
            threads: vec![1, 2],
        }
    }

    /// All points, each once, those that are proven fastest first: what goes wrong shows early.
    pub fn points(&self) -> Vec<Point> {
        let base = self.base;
        let seqs = self.seqs.iter().map(|&seq| Point { seq, ..base });
        let layers = self.layers.iter().map(|&layers| Point { layers, ..base });
        let widths = self.widths.iter().map(|&d| Point { d, ..base });
        let threads = self.threads.iter().map(|&threads| Point { threads, ..base });
        let mut points: Vec<Point> = vec![];
        for p in layers.chain(widths).chain(threads).chain(seqs) {
            if !points.contains(&p) {
                points.push(p);
            }
        }
        points.sort_by_key(|p| p.layers * p.seq * p.d);
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_once_and_every_size() {
        let grid = Grid::full();
        let points = grid.points();
        // Six lengths, four more numbers of layers, two more widths, one more number of threads.
        assert_eq!(points.len(), 13);
        assert_eq!(points.iter().filter(|&&p| p == grid.base).count(), 1);
        assert_eq!((points[0].layers, points[12].seq), (1, 512));
        assert_eq!(Grid::quick().points().len(), 5);
        assert_eq!(grid.base.config(), Config::SMALL);
    }
}
