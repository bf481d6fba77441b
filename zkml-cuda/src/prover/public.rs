//! Public tensors on the device.
//!
//! Constants are uploaded once for all proofs. Of an input as one-hot rows what goes up is the column of each row.

use super::DeviceProver;
use crate::trace::{ops, placed};
use crate::{CudaError, Device, DeviceCells};
use zkml_ir::plan::{Plan, Source};
use zkml_runtime::claims::PublicValues;

/// Cells of the model's constants, by tensor.
pub(super) fn constants(device: &Device, plan: &Plan) -> Result<Vec<Option<DeviceCells>>, CudaError> {
    let upload = |cells: Option<_>| cells.map(|c| DeviceCells::upload(device, &c)).transpose();
    PublicValues::constants(plan).into_iter().map(upload).collect()
}

impl DeviceProver {
    /// Adds the cells of a statement's public tensors to those of a run.
    pub(crate) fn add_public(
        &self,
        public: &PublicValues,
        own: &mut [Option<DeviceCells>],
    ) -> Result<(), CudaError> {
        let device = &self.device;
        for (t, decl) in self.system.plan().tensors.iter().enumerate() {
            let cells = match decl.source {
                Source::PublicInput(_) | Source::PublicOutput(_) => {
                    public.get(t).map(|cells| DeviceCells::upload(device, cells)).transpose()?
                }
                Source::OneHotOf(_) => match public.ones(t) {
                    Some(ones) => {
                        let rows = ops::one_hot(device, ones, decl.axes.len() / ones.len().max(1))?;
                        Some(placed(device, rows, &decl.axes)?)
                    }
                    None => None,
                },
                Source::Weight(_) | Source::PrivateInput(_) | Source::Trace | Source::Constant(_) => continue,
            };
            own[t] = cells;
        }
        Ok(())
    }
}
