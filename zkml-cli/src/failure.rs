//! What a command ends in: an exit code for programs, words for people.

use std::fmt;
use std::process::ExitCode;
use zkml_dsl::engine;
use zkml_onnx::samples::SamplesError;
use zkml_onnx::ImportError;
use zkml_runtime::artifact::ArtifactError;
use zkml_runtime::protocol::ProveError;

/// Exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A proof that does not verify.
    Refused = 1,
    /// Arguments.
    Usage = 2,
    /// Files, values, models.
    Input = 3,
    /// Memory, disk, a device.
    Resources = 4,
}

#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
}

pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    pub fn input(message: impl fmt::Display) -> Self {
        Self::new(Code::Input, message)
    }

    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Code::Usage, message)
    }

    /// Says which file it is about.
    pub fn file(path: &std::path::Path, error: impl fmt::Display) -> Self {
        Self::input(format_args!("`{}`: {error}", path.display()))
    }

    pub fn exit(&self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }
}

impl From<engine::Error> for Failure {
    fn from(e: engine::Error) -> Self {
        let code = match &e {
            engine::Error::Memory(_) | engine::Error::Device(_) => Code::Resources,
            engine::Error::Prove(ProveError::Device(_)) => Code::Resources,
            engine::Error::Artifact(a) => return Self::new(of_artifact(a), e),
            _ => Code::Input,
        };
        Self::new(code, e)
    }
}

/// A file that cannot be read is input; one that was read and does not verify is refused.
fn of_artifact(e: &ArtifactError) -> Code {
    match e {
        ArtifactError::Io { .. } | ArtifactError::TooLong { .. } | ArtifactError::Kind { .. } => Code::Input,
        ArtifactError::Version { .. } => Code::Input,
        _ => Code::Refused,
    }
}

impl From<ArtifactError> for Failure {
    fn from(e: ArtifactError) -> Self {
        Self::new(of_artifact(&e), e)
    }
}

impl From<zkml_dsl::Error> for Failure {
    fn from(e: zkml_dsl::Error) -> Self {
        match e {
            zkml_dsl::Error::Engine(e) => (*e).into(),
            other => Self::input(other),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(e: ImportError) -> Self {
        match e {
            ImportError::Zkml(e) => e.into(),
            other => Self::input(other),
        }
    }
}

impl From<SamplesError> for Failure {
    fn from(e: SamplesError) -> Self {
        Self::input(e)
    }
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        let full = matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::OutOfMemory);
        Self::new(if full { Code::Resources } else { Code::Input }, e)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(e: serde_json::Error) -> Self {
        Self::input(e)
    }
}
