//! A parsed model: its symbolic IR and what the expansion needs of its tokens.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Ident, Path, Visibility};
use zkml_ir::elem::Elem;
use zkml_ir::lang::{Module, Origin};

pub(crate) struct Model {
    /// Callees are not linked yet: their modules are `None`.
    pub module: Module,
    pub origins: Origins,
    pub options: Options,
    /// One for each of the module's callees.
    pub callees: Vec<Path>,
    pub vis: Visibility,
    pub ident: Ident,
    /// `cfg`: carried over to every item.
    pub cfgs: Vec<Attribute>,
    /// The others: carried over to the function.
    pub attrs: Vec<Attribute>,
    pub params: Vec<ParamTokens>,
    pub outputs: Vec<OutputTokens>,
}

/// A parameter as the expansion writes it, in the order of the module's.
pub(crate) struct ParamTokens {
    pub ident: Ident,
    pub private: bool,
    /// The path's segment in a file.
    pub segment: String,
    pub kind: ParamKind,
}

pub(crate) enum ParamKind {
    Tensor(TypeTokens),
    Weight(TypeTokens),
    Weights(BundleTokens),
}

pub(crate) struct OutputTokens {
    pub ident: Ident,
    pub ty: TypeTokens,
}

/// A tensor type with its default dimensions.
pub(crate) struct TypeTokens {
    pub elem: Elem,
    pub dims: Vec<usize>,
    /// As the user wrote it, with numbers for dimensions.
    pub written: TokenStream,
}

#[derive(Clone)]
pub(crate) enum BundleTokens {
    /// `block::Weights`
    One(Path),
    Many(Box<BundleTokens>),
}

pub(crate) struct Options {
    /// Where `zkml_dsl` is.
    pub krate: Path,
    pub report: ReportMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportMode {
    Full,
    Line,
    Off,
}

/// The tokens that diagnostics point at.
#[derive(Default)]
pub(crate) struct Origins(Vec<TokenStream>);

impl Origins {
    pub fn add(&mut self, tokens: impl ToTokens) -> Origin {
        self.0.push(tokens.to_token_stream());
        (self.0.len() - 1) as Origin
    }

    pub fn get(&self, origin: Origin) -> Option<&TokenStream> {
        self.0.get(origin as usize)
    }
}
