//! `#[zk_model(SEQ = 64, FF = 4 * SEQ, report = line, crate = path)]`

use crate::model::{Options, ReportMode};
use syn::parse::{Parse, ParseStream};
use syn::{parse_quote, Error, Expr, Ident, Path, Token};

pub(super) struct Args {
    pub options: Options,
    pub dims: Vec<(Ident, Expr)>,
}

impl Parse for Args {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut krate: Path = parse_quote!(::zkml_dsl);
        let mut report = ReportMode::Full;
        let mut dims: Vec<(Ident, Expr)> = vec![];
        while !input.is_empty() {
            if input.peek(Token![crate]) {
                input.parse::<Token![crate]>()?;
                input.parse::<Token![=]>()?;
                krate = input.parse()?;
            } else {
                let name: Ident = input.parse()?;
                input.parse::<Token![=]>()?;
                if name == "report" {
                    report = mode(&input.parse()?)?;
                } else if !name.to_string().starts_with(|c: char| c.is_ascii_uppercase()) {
                    let message = format!(
                        "unknown option `{name}`\n  help: options are `report` and `crate`; \
                         a dimension starts with a capital letter"
                    );
                    return Err(Error::new_spanned(name, message));
                } else if dims.iter().any(|(n, _)| *n == name) {
                    return Err(Error::new_spanned(&name, format!("dimension `{name}` is given twice")));
                } else {
                    dims.push((name, input.parse()?));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(Self { options: Options { krate, report }, dims })
    }
}

fn mode(name: &Ident) -> syn::Result<ReportMode> {
    match name.to_string().as_str() {
        "full" => Ok(ReportMode::Full),
        "line" => Ok(ReportMode::Line),
        "off" => Ok(ReportMode::Off),
        other => Err(Error::new_spanned(name, format!("`report` is `full`, `line` or `off`, got `{other}`"))),
    }
}
