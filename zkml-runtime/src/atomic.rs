//! Files that appear whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file under a temporary name in the same folder, syncs it and renames it to `path`.
///
/// A reader sees the old file or the new one, never a part. If `write` or any later step fails, the temporary file is
/// removed and what was at `path` stays as it was. A process that is killed may leave its temporary file,
/// `.name.pid-n.tmp`, which no later write takes for its own.
pub fn atomic_write(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let path = path.as_ref();
    let (temporary, file) = Temporary::beside(path)?;
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    drop(writer);
    fs::rename(&temporary.0, path)?;
    sync_folder(path)
}

/// A name that is removed when dropped; after a successful rename nothing is left to remove.
struct Temporary(PathBuf);

impl Temporary {
    /// A new, empty file in the folder of `path`.
    fn beside(path: &Path) -> io::Result<(Self, File)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = path.file_name().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` names no file", path.display()))
        })?;
        loop {
            let beside = path.with_file_name(temporary_name(name, COUNT.fetch_add(1, Ordering::Relaxed)));
            match OpenOptions::new().write(true).create_new(true).open(&beside) {
                // What a killed process of the same id left: in a container every process may be number 1.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                file => return file.map(|f| (Self(beside), f)),
            }
        }
    }
}

fn temporary_name(name: &OsStr, count: u64) -> OsString {
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{count}.tmp", std::process::id()));
    temporary
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The rename itself lasts once its folder is synced.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect()
    }

    #[test]
    fn replaces_the_old_file_and_leaves_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.bin");
        fs::write(&path, b"old").unwrap();
        atomic_write(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["key.bin"]);
    }

    #[test]
    fn a_failed_write_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.bin");
        fs::write(&path, b"old").unwrap();
        let result = atomic_write(&path, |w| {
            w.write_all(b"half of the ne")?;
            Err(io::Error::other("disk full"))
        });
        assert_eq!(result.unwrap_err().to_string(), "disk full");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["key.bin"]);
    }

    #[test]
    fn leftovers_are_neither_used_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.bin");
        // Names that this process is about to use, whatever the other tests write meanwhile.
        let left = |n| dir.path().join(temporary_name("key.bin".as_ref(), n));
        (0..64).for_each(|n| fs::write(left(n), b"left").unwrap());
        atomic_write(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        (0..64).for_each(|n| assert_eq!(fs::read(left(n)).unwrap(), b"left"));
        assert_eq!(names(dir.path()).len(), 65);
    }

    #[test]
    fn a_path_without_a_file_name_is_refused() {
        let error = atomic_write("..", |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
