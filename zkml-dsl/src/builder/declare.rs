//! Inputs, weights and outputs.

use super::{BuildError, Builder, Declared, Var};
use zkml_ir::elem::Elem;
use zkml_ir::graph::Layout;
use zkml_ir::shape::Shape;

impl Builder {
    /// A data input, which is part of the statement. Its name stands as given, whatever the scope.
    pub fn input(&self, name: &str, elem: Elem, dims: impl Into<Vec<usize>>) -> Result<Var, BuildError> {
        self.declare_input(name, elem, dims.into(), false)
    }

    /// A data input that is kept out of the statement, which holds a commitment to it instead.
    pub fn private_input(
        &self,
        name: &str,
        elem: Elem,
        dims: impl Into<Vec<usize>>,
    ) -> Result<Var, BuildError> {
        self.declare_input(name, elem, dims.into(), true)
    }

    fn declare_input(
        &self,
        name: &str,
        elem: Elem,
        dims: Vec<usize>,
        private: bool,
    ) -> Result<Var, BuildError> {
        let shape = check(Declared::Input, name, elem, dims)?;
        let graph = &mut self.state.borrow_mut().graph;
        unique(Declared::Input, name, graph.graph().inputs.iter().map(|p| p.name.as_str()))?;
        Ok(Var::new(self, graph.input(name, elem, shape, private)))
    }

    /// A weight, found in files under this name behind the paths of [`Builder::weights_under`], as it is declared: `[in, out]`.
    pub fn weight(&self, name: &str, elem: Elem, dims: impl Into<Vec<usize>>) -> Result<Var, BuildError> {
        self.weight_with(name, elem, dims, Layout::InOut)
    }

    /// A weight that lies in files in this layout.
    pub fn weight_with(
        &self,
        name: &str,
        elem: Elem,
        dims: impl Into<Vec<usize>>,
        layout: Layout,
    ) -> Result<Var, BuildError> {
        let path = match name {
            "" => String::new(),
            name => format!("{}{name}", self.weights),
        };
        let shape = check(Declared::Weight, &path, elem, dims.into())?;
        let graph = &mut self.state.borrow_mut().graph;
        unique(Declared::Weight, &path, graph.graph().weights.iter().map(|w| w.name.as_str()))?;
        Ok(Var::new(self, graph.weight(path, elem, shape, layout)))
    }

    /// Makes a tensor a result of the model. Results are in the order of these calls.
    pub fn output(&self, name: &str, x: Var) -> Result<(), BuildError> {
        let node = x.node_of(self, || format!("output `{name}`"))?;
        let graph = &mut self.state.borrow_mut().graph;
        unique(Declared::Output, name, graph.graph().outputs.iter().map(|p| p.name.as_str()))?;
        graph.output(name, node);
        Ok(())
    }
}

fn check(what: Declared, name: &str, elem: Elem, dims: Vec<usize>) -> Result<Shape, BuildError> {
    if elem == Elem::Acc {
        return Err(BuildError::Acc { what, name: name.to_owned() });
    }
    Shape::checked(dims).map_err(|source| BuildError::Shape { what, name: name.to_owned(), source })
}

fn unique<'a>(
    what: Declared,
    name: &str,
    mut there: impl Iterator<Item = &'a str>,
) -> Result<(), BuildError> {
    if name.is_empty() {
        return Err(BuildError::NoName { what });
    }
    match there.any(|n| n == name) {
        true => Err(BuildError::SameName { what, name: name.to_owned() }),
        false => Ok(()),
    }
}
