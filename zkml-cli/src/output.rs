//! What commands print.

use crate::failure::Failure;
use serde::Serialize;
use std::io::Write;
use zkml_progress::Progress;

/// Results go to standard output, what happens meanwhile to standard error.
pub struct Output {
    json: bool,
    pub progress: Progress,
}

impl Output {
    pub fn new(json: bool) -> Self {
        // A subscriber that is there already is a test's.
        let progress = Progress::install().unwrap_or_default();
        Self { json, progress }
    }

    /// One object, or words.
    pub fn result(&self, value: &impl Serialize, words: impl FnOnce() -> String) {
        self.progress.finish();
        let mut out = std::io::stdout().lock();
        // A closed pipe is nobody's mistake.
        let text = match self.json {
            true => {
                serde_json::to_string_pretty(value).unwrap_or_else(|e| format!("{{ \"error\": \"{e}\" }}"))
                    + "\n"
            }
            false => words(),
        };
        let _ = out.write_all(text.as_bytes());
    }

    pub fn fail(&self, failure: &Failure) {
        self.progress.finish();
        if self.json {
            let error = serde_json::json!({ "error": failure.message, "code": failure.code as u8 });
            println!("{error:#}");
        }
        let what = if failure.code as u8 == 1 { "refused" } else { "error" };
        eprintln!("{what}: {}", failure.message);
    }
}
