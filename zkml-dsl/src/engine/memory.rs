//! Memory that runs out is refused before it is taken.
//!
//! A process that runs out of memory is killed, and with it whatever else it was doing. So setup and proof compare what
//! the cost model says they need with what is left, and refuse by name. Threads that prove at once each ask for
//! themselves: what the others are about to take is not known.

use super::{Error, SecurityLevel};
use std::fmt;
use sysinfo::{get_current_pid, ProcessRefreshKind, ProcessesToUpdate, System};
use thiserror::Error;
use zkml_ir::cost::{placeholder, Memory};
use zkml_ir::graph::Graph;
use zkml_ir::layout::Tree;
use zkml_ir::lower::{certificate, lower};
use zkml_runtime::field::pool;
use zkml_runtime::pcs::Store;
use zkml_runtime::protocol;

/// What memory is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Setup,
    Proof,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Setup => "setting up",
            Self::Proof => "proving",
        })
    }
}

/// Too little memory. Both numbers are bytes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{task} needs about {}, {} are available", Bytes(*.needed), Bytes(*.available))]
pub struct MemoryError {
    pub task: Task,
    /// By the cost model; see `docs/memory.md` for how near it comes.
    pub needed: u64,
    pub available: u64,
}

/// Refuses a task that needs more bytes than are available.
pub fn check_memory(task: Task, needed: u64, available: u64) -> Result<(), MemoryError> {
    match needed > available {
        true => Err(MemoryError { task, needed, available }),
        false => Ok(()),
    }
}

/// Bytes that this process can still take: what the system has available, or the room that the limit of its control
/// group leaves, whichever is less. Memory that only caches files counts as available, swap space does not. `None`
/// where the system does not say.
pub fn available_memory() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let available = Some(system.available_memory()).filter(|&bytes| bytes > 0)?;
    Some(group_room(&mut system).map_or(available, |room| room.min(available)))
}

/// What the limit of this process's control group leaves, if there is one.
fn group_room(system: &mut System) -> Option<u64> {
    let id = get_current_pid().ok()?;
    let only = ProcessesToUpdate::Some(&[id]);
    system.refresh_processes_specifics(only, false, ProcessRefreshKind::nothing());
    let limits = system.process(id)?.cgroup_limits()?;
    // Not `free_memory`: it takes cached files, which make room when asked to, for memory in use.
    Some(limits.total_memory.saturating_sub(limits.rss))
}

/// [`check_memory`] with what is available now.
pub(super) fn require(task: Task, needed: u64) -> Result<(), Error> {
    let Some(available) = available_memory() else { return Ok(()) };
    if check_memory(task, needed, available).is_ok() {
        return Ok(());
    }
    // Earlier proofs left buffers for this one: they are this process's, and so not available.
    pool::release();
    Ok(check_memory(task, needed, available_memory().unwrap_or(u64::MAX))?)
}

/// What a model takes at a security level. It depends on the graph alone, and nothing of the model's size is allocated.
pub fn estimate_memory(graph: &Graph, level: SecurityLevel) -> Result<Memory, Error> {
    let plan = lower(graph, &placeholder(graph))?.plan;
    Ok(Memory::new(&plan, &certificate(&plan)?, level.log_blowup(), rayon::current_num_threads()))
}

/// Where the extension of a system's weights is kept: in memory, or beyond [`Memory::EXTENSION`] bytes in an unnamed file in
/// the folder for temporary files, which queries read 64 bytes at a time.
pub(super) fn store(system: &protocol::System) -> Store {
    let rows = 1u64 << system.params().log_domain();
    match 4 * rows * system.layout().columns_of(Tree::Weights) as u64 > Memory::EXTENSION {
        true => Store::File(std::env::temp_dir()),
        false => Store::Memory,
    }
}

struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.0 as f64 / (1 << 20) as f64;
        match mib < 1024.0 {
            true => write!(f, "{mib:.1} MiB"),
            false => write!(f, "{:.1} GiB", mib / 1024.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_refused() {
        assert_eq!(check_memory(Task::Proof, 5, 6), Ok(()));
        assert_eq!(check_memory(Task::Proof, 6, 6), Ok(()));
        let error = MemoryError { task: Task::Proof, needed: 7, available: 6 };
        assert_eq!(check_memory(Task::Proof, 7, 6), Err(error));
    }

    #[test]
    fn the_error_names_both() {
        let error = |task, needed, available| MemoryError { task, needed, available }.to_string();
        let (gib, mib) = (1u64 << 30, 1u64 << 20);
        assert_eq!(
            error(Task::Proof, gib * 31 / 10, gib * 12 / 10),
            "proving needs about 3.1 GiB, 1.2 GiB are available"
        );
        assert_eq!(
            error(Task::Setup, 1024 * mib, 512 * mib),
            "setting up needs about 1.0 GiB, 512.0 MiB are available"
        );
    }

    #[test]
    fn the_machine_says_what_it_has() {
        if let Some(bytes) = available_memory() {
            assert!(bytes > 1 << 20, "{bytes}");
            require(Task::Setup, 1 << 10).unwrap();
            let error = require(Task::Setup, u64::MAX).unwrap_err();
            assert!(matches!(error, Error::Memory(MemoryError { needed: u64::MAX, .. })), "{error}");
        }
    }
}
