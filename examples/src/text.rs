//! Text to tokens and back, where there is a tokenizer.

use crate::session::Failure;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

/// The tokenizer that lies with some weights, if one does.
pub struct Tokens {
    tokenizer: Option<Tokenizer>,
    path: Option<PathBuf>,
}

impl Tokens {
    /// `tokenizer.json` in the folder of the weights, which are a file of it or the folder itself.
    pub fn beside(weights: Option<&Path>) -> Self {
        let folder = weights.map(|p| if p.is_dir() { p } else { p.parent().unwrap_or(Path::new(".")) });
        let path = folder.map(|f| f.join("tokenizer.json"));
        let tokenizer = path.as_ref().and_then(|p| Tokenizer::from_file(p).ok());
        Self { tokenizer, path }
    }

    /// The words as they are: nothing is cut off, added or filled up.
    pub fn encode(&self, text: &str) -> Result<Vec<i32>, Failure> {
        let Some(tokenizer) = &self.tokenizer else {
            let place = self.path.as_ref().map_or("beside the weights".into(), |p| p.display().to_string());
            return Err(
                format!("no tokenizer to be read at {place}; give the prompt as `--tokens 1,2,3`").into()
            );
        };
        let encoded = tokenizer.encode(text, false).map_err(|e| e.to_string())?;
        Ok(encoded.get_ids().iter().map(|&id| id as i32).collect())
    }

    /// Words, or numbers where there is no tokenizer.
    pub fn show(&self, tokens: &[i32]) -> String {
        let ids: Vec<u32> = tokens.iter().map(|&t| t as u32).collect();
        let words = self.tokenizer.as_ref().and_then(|t| t.decode(&ids, false).ok());
        words.unwrap_or_else(|| format!("{tokens:?}"))
    }
}
