//! Jobs on disk, in an embedded store whose writes are transactions.

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};
use serde::{Deserialize, Serialize};
use std::path::Path;
use thiserror::Error;

/// Jobs by id.
const JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("jobs");
/// Ids of those that wait, in the order in which they came.
const QUEUE: TableDefinition<u64, &str> = TableDefinition::new("queue");

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("store: {0}")]
    Redb(Box<redb::Error>),
    #[error("store: {0}")]
    Record(#[from] serde_json::Error),
}

macro_rules! from {
    ($($error:ty),*) => {
        $(impl From<$error> for StoreError {
            fn from(e: $error) -> Self {
                Self::Redb(Box::new(e.into()))
            }
        })*
    };
}

from!(redb::DatabaseError, redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits, or is being proven.
    Queued,
    Proven,
    Failed,
}

/// A job. Bytes are in base 16.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub state: State,
    /// Integers of the model's inputs, in order.
    pub inputs: Vec<Vec<i32>>,
    pub outputs: Option<serde_json::Value>,
    pub statement: Option<String>,
    pub proof: Option<String>,
    pub error: Option<String>,
    pub prove_ms: Option<f64>,
    /// Proofs that were begun: more than one where the process was killed in between.
    pub attempts: u32,
}

pub struct Store(Database);

/// What became of a request.
pub enum Added {
    New,
    /// The same request came before.
    There(Box<Job>),
    Full,
}

/// What became of a wish to forget a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    Gone,
    UnderWay,
    Unknown,
}

impl Store {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let db = Database::create(path)?;
        let write = db.begin_write()?;
        {
            write.open_table(JOBS)?;
            write.open_table(QUEUE)?;
        }
        write.commit()?;
        Ok(Self(db))
    }

    /// Adds a job to the queue if there is room and it is not there.
    pub fn add(&self, id: &str, job: &Job, room: usize) -> Result<Added, StoreError> {
        let write = self.0.begin_write()?;
        let added = {
            let (mut jobs, mut queue) = (write.open_table(JOBS)?, write.open_table(QUEUE)?);
            match job_of(&jobs, id)? {
                // One that failed may be asked for again.
                Some(job) if job.state != State::Failed => Added::There(Box::new(job)),
                _ if redb::ReadableTableMetadata::len(&queue)? as usize >= room => Added::Full,
                _ => {
                    let next = queue.last()?.map_or(0, |(k, _)| k.value() + 1);
                    jobs.insert(id, &serde_json::to_vec(job)?[..])?;
                    queue.insert(next, id)?;
                    Added::New
                }
            }
        };
        write.commit()?;
        Ok(added)
    }

    pub fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let read = self.0.begin_read()?;
        job_of(&read.open_table(JOBS)?, id)
    }

    /// Begins the job that waits longest: its attempts are counted. It stays in the queue until it is done.
    pub fn begin(&self) -> Result<Option<(String, Job)>, StoreError> {
        let write = self.0.begin_write()?;
        let begun = {
            let (mut jobs, queue) = (write.open_table(JOBS)?, write.open_table(QUEUE)?);
            let Some(id) = queue.first()?.map(|(_, id)| id.value().to_owned()) else { return Ok(None) };
            let Some(mut job) = job_of(&jobs, &id)? else { return Ok(None) };
            job.attempts += 1;
            jobs.insert(&*id, &serde_json::to_vec(&job)?[..])?;
            (id, job)
        };
        write.commit()?;
        Ok(Some(begun))
    }

    /// Forgets a job, unless its proof is under way.
    pub fn remove(&self, id: &str) -> Result<Removed, StoreError> {
        let write = self.0.begin_write()?;
        {
            let mut jobs = write.open_table(JOBS)?;
            match job_of(&jobs, id)? {
                None => return Ok(Removed::Unknown),
                Some(job) if job.state == State::Queued && job.attempts > 0 => return Ok(Removed::UnderWay),
                Some(_) => {
                    jobs.remove(id)?;
                    unqueue(&mut write.open_table(QUEUE)?, id)?;
                }
            }
        }
        write.commit()?;
        Ok(Removed::Gone)
    }

    /// Writes a job that is done, and takes it off the queue: both or neither.
    pub fn finish(&self, id: &str, job: &Job) -> Result<(), StoreError> {
        let write = self.0.begin_write()?;
        {
            let (mut jobs, mut queue) = (write.open_table(JOBS)?, write.open_table(QUEUE)?);
            jobs.insert(id, &serde_json::to_vec(job)?[..])?;
            unqueue(&mut queue, id)?;
        }
        Ok(write.commit()?)
    }

    /// How many wait.
    pub fn waiting(&self) -> Result<usize, StoreError> {
        let read = self.0.begin_read()?;
        Ok(redb::ReadableTableMetadata::len(&read.open_table(QUEUE)?)? as usize)
    }
}

fn job_of(
    jobs: &impl ReadableTable<&'static str, &'static [u8]>,
    id: &str,
) -> Result<Option<Job>, StoreError> {
    Ok(jobs.get(id)?.map(|v| serde_json::from_slice(v.value())).transpose()?)
}

fn unqueue(queue: &mut Table<'_, u64, &'static str>, id: &str) -> Result<(), StoreError> {
    let place = queue.iter()?.flatten().find(|(_, v)| v.value() == id).map(|(k, _)| k.value());
    if let Some(place) = place {
        queue.remove(place)?;
    }
    Ok(())
}
