//! The columns of a tree.

use super::{DeviceCells, KERNELS};
use crate::launch::{address, launch, Args, Grid, THREADS};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::layout::{Layout, Placement, Tree};

/// Blocks that share a piece at most, and pieces of one launch.
const SHARES: usize = 64;
const PIECES: usize = 1 << 15;

/// `Piece` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawPiece {
    cells: u64,
    width: u64,
    from: u64,
    to: u64,
    len: u64,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawPiece {}

/// The columns of a tree, one after the other: every piece of its tensors, and of the multiplicities if they are its, at its
/// place, zeros elsewhere. `cells` are those of the plan's tensors.
pub fn columns<'a>(
    device: &Device,
    layout: &Layout,
    tree: Tree,
    cells: impl Fn(usize) -> &'a DeviceCells,
    multiplicities: &[CudaSlice<u32>],
) -> Result<CudaSlice<u32>, CudaError> {
    let tensors = layout.tensors.iter().enumerate().filter_map(|(t, p)| p.as_ref().map(|p| (t, p)));
    let tensors = tensors.filter(|(_, p)| p.tree == tree).map(|(t, p)| (p, cells(t).raw(device)));
    let counts = layout.multiplicities.iter().zip(multiplicities).filter(|(p, _)| p.tree == tree);
    let counts = counts.map(|(p, m)| (p, (address(device, m), 0)));
    let pieces: Vec<RawPiece> =
        tensors.chain(counts).flat_map(|(p, (cells, width))| pieces(layout, p, cells, width)).collect();
    let out = device.zeros::<u32>("columns", layout.columns_of(tree) << layout.log_rows)?;
    for pieces in pieces.chunks(PIECES) {
        let longest = pieces.iter().map(|p| p.len as usize).max().unwrap_or(0);
        let blocks = Grid { x: longest.div_ceil(THREADS).clamp(1, SHARES), y: pieces.len(), z: 1, shared: 0 };
        let pieces = device.upload("pieces of columns", pieces)?;
        let args = Args::new().buffer(device, &pieces);
        // SAFETY: the kernel's arguments; the layout's pieces lie within their tensors and within its columns.
        unsafe { launch(device, KERNELS, "place_pieces", blocks, args.buffer(device, &out)) }?;
    }
    Ok(out)
}

fn pieces<'p>(
    layout: &'p Layout,
    p: &'p Placement,
    cells: u64,
    width: u64,
) -> impl Iterator<Item = RawPiece> + 'p {
    let len = 1u64 << p.bits;
    p.pieces.iter().enumerate().map(move |(k, piece)| RawPiece {
        cells,
        width,
        from: k as u64 * len,
        to: ((piece.column as u64) << layout.log_rows) + piece.slot as u64 * len,
        len,
    })
}
