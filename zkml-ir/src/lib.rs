//! Shapes, intervals, ops, graph, lowering and cost.
