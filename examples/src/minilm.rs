//! The sentence encoder all-MiniLM-L6-v2 as `minilm/fetch.py` leaves it: where its files are, its tokenizer, and sentences.

use crate::session::Failure;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;
use zkml_models::vision::digits::data_path;

/// The files of a sentence encoder, in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub weights: PathBuf,
    pub tokenizer: PathBuf,
    pub config: PathBuf,
}

impl Files {
    /// Those beside `path`, a folder or its weights' file; by default those that `fetch.py` leaves. All must be there.
    pub fn find(path: Option<&Path>) -> Result<Self, Failure> {
        let folder = match path {
            Some(file) if file.extension().is_some_and(|e| e == "safetensors") => {
                file.parent().unwrap_or(Path::new("")).to_owned()
            }
            Some(folder) => folder.to_owned(),
            None => {
                let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
                crates.parent().unwrap_or(crates).join("target/minilm")
            }
        };
        let weights = path.filter(|&p| p != folder).map(Path::to_owned);
        let at = |name: &str| folder.join(name);
        let files = Self {
            weights: weights.unwrap_or_else(|| at("model.safetensors")),
            tokenizer: at("tokenizer.json"),
            config: at("config.json"),
        };
        for file in [&files.weights, &files.tokenizer, &files.config] {
            if !file.is_file() {
                let file = file.display();
                return Err(format!(
                    "`{file}` is not there; `python3 examples/minilm/fetch.py` fetches the model (90 MB), \
                     `--weights PATH` takes it from another folder"
                )
                .into());
            }
        }
        Ok(files)
    }

    /// The one size that no tensor of the file shows.
    pub fn heads(&self) -> Result<usize, Failure> {
        let config: serde_json::Value = serde_json::from_slice(&std::fs::read(&self.config)?)?;
        let heads = config["num_attention_heads"].as_u64().and_then(|n| usize::try_from(n).ok());
        let missing = || format!("`{}` has no number `num_attention_heads`", self.config.display());
        Ok(heads.ok_or_else(missing)?)
    }
}

/// Text to token ids.
pub struct Words(Tokenizer);

impl Words {
    /// A `tokenizer.json`, but for what it says of cutting and padding: [`zkml_models::bert::Sentence`] pads, and a text that
    /// is too long is an error.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let mut tokenizer = Tokenizer::from_file(path)?;
        tokenizer.with_truncation(None)?;
        tokenizer.with_padding(None);
        Ok(Self(tokenizer))
    }

    /// The text's tokens between \[CLS\] and \[SEP\].
    pub fn tokens(&self, text: &str) -> Result<Vec<i32>, Failure> {
        let encoding = self.0.encode(text, true)?;
        Ok(encoding.get_ids().iter().map(|&id| i32::try_from(id)).collect::<Result<_, _>>()?)
    }
}

/// The sentences that are embedded, from `zkml-models/data`.
pub fn sentences() -> Result<Vec<String>, Failure> {
    Ok(std::fs::read_to_string(data_path("sentences.txt"))?.lines().map(str::to_owned).collect())
}

/// What the scales are chosen from: of several lengths and subjects, and none of them an embedded sentence.
pub const CALIBRATION: [&str; 12] = [
    "Good morning!",
    "Where is the nearest hospital?",
    "She paints watercolours of boats.",
    "The invoice is overdue; please transfer $1,299.99 before 30 June.",
    "Two dogs chased a ball across the frozen lake while their owner shouted from the shore.",
    "In 1969, astronauts walked on the Moon for the first time.",
    "The compiler rejects this program because a borrowed value does not live long enough.",
    "Doctors recommend eight hours of sleep, regular exercise, and a diet rich in vegetables.",
    "After the match, thousands of supporters filled the streets of Buenos Aires, singing until the sun came up.",
    "\"I won't sign it,\" the minister replied, \"unless the clause about fishing rights is struck out.\"",
    "Gravity bends light, so a massive galaxy can act as a lens that magnifies whatever happens to lie far behind it, \
     sometimes into several images.",
    "Yes.",
];
