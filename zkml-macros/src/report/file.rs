//! The report's copy on disk.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

/// Models written by this compiler process: two of one name in one crate get a file each.
static WRITTEN: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);

/// Writes the copy if it changed, and says where. `None`, and nothing written, where there is no build to write to: an
/// IDE's expansion, a doctest.
pub(super) fn write(krate: &str, model: &str, json: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("ZKML_REPORT_DIR").map(PathBuf::from).or_else(target_dir)?;
    let dir = std::path::absolute(dir.join(krate)).ok()?;
    let n = {
        let mut written = WRITTEN.lock().unwrap_or_else(|e| e.into_inner());
        let n = written.get_or_insert_default().entry(format!("{krate}/{model}")).or_default();
        *n += 1;
        *n
    };
    let file = if n == 1 { format!("{model}.json") } else { format!("{model}-{n}.json") };
    let path = dir.join(file);
    // A report is no reason to fail a build: a read-only target keeps its printed table.
    replace(&path, json).ok()?;
    Some(path)
}

/// `target/zkml`, from the compiler's own arguments.
fn target_dir() -> Option<PathBuf> {
    let out = out_dir(std::env::args_os().map(|a| a.to_string_lossy().into_owned()))?;
    let out = std::path::absolute(out).ok()?;
    find_target(&out)
}

/// The value of `--out-dir`.
pub(super) fn out_dir(args: impl IntoIterator<Item = String>) -> Option<PathBuf> {
    let mut args = args.into_iter();
    while let Some(a) = args.next() {
        if a == "--out-dir" {
            return args.next().map(PathBuf::from);
        }
        if let Some(dir) = a.strip_prefix("--out-dir=") {
            return Some(dir.into());
        }
    }
    None
}

/// Cargo marks its target directory with a tag.
pub(super) fn find_target(out: &Path) -> Option<PathBuf> {
    out.ancestors().find(|d| d.join("CACHEDIR.TAG").exists()).map(|d| d.join("zkml"))
}

/// Writes only what changed, whole or not at all, and no newer than anything: cargo compares times to find out what to
/// build again.
pub(super) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let mut f = std::fs::File::create(&temporary)?;
    f.write_all(text.as_bytes())?;
    f.set_modified(SystemTime::UNIX_EPOCH)?;
    drop(f);
    std::fs::rename(&temporary, path)
}
