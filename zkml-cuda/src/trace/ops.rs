//! Launches, one for each kind of node.

use super::KERNELS;
use crate::launch::{address, grid, launch, Args, Grid};
use crate::{CudaError, Device, DeviceCells};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::exec::{Attention, LayerNorm, RescaleCells, Rescaling, RowSums, WideNorm, Zip};
use zkml_ir::plan::Space;

const MAX_DIMS: usize = 16;
/// Rows and columns of the result that a block of threads has, `TILE` of the kernels, and steps of k that it takes at once.
const TILE: usize = 64;
const STEP: usize = 16;
/// Blocks that keep the card busy: a product with fewer is cut along k.
const BUSY: usize = 264;

/// Row-major integers on the device, in so many bytes each.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    at: u64,
    width: u32,
    _buffer: std::marker::PhantomData<&'a ()>,
}

impl<'a> Rows<'a> {
    pub fn words(device: &Device, values: &'a CudaSlice<i32>) -> Self {
        Self { at: address(device, values), width: 4, _buffer: std::marker::PhantomData }
    }

    pub fn of(device: &Device, cells: &'a DeviceCells) -> Self {
        let (at, width) = cells.raw(device);
        Self { at, width: width as u32, _buffer: std::marker::PhantomData }
    }
}

/// `View` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct View {
    rank: u64,
    base: u64,
    dims: [u64; MAX_DIMS],
    strides: [u64; MAX_DIMS],
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for View {}

impl View {
    pub fn new(base: usize, dims: &[usize], strides: &[usize]) -> Self {
        let mut view =
            Self { rank: dims.len() as u64, base: base as u64, dims: [1; MAX_DIMS], strides: [0; MAX_DIMS] };
        for (k, (&d, &s)) in dims.iter().zip(strides).enumerate() {
            (view.dims[k], view.strides[k]) = (d as u64, s as u64);
        }
        view
    }

    /// All of it, in order.
    pub fn rows(n: usize) -> Self {
        Self::new(0, &[n], &[1])
    }

    /// Row-major cells in slab order: the odd digits of all axes, then their bits.
    pub fn slabs(space: &Space) -> Self {
        let strides = space.strides();
        let axes = || space.axes().iter().zip(&strides);
        let odd = axes().map(|(a, s)| (a.odd as usize, s << a.bits));
        let bits = axes().map(|(a, s)| (1 << a.bits, *s));
        let (dims, strides): (Vec<usize>, Vec<usize>) = odd.chain(bits).filter(|(d, _)| *d > 1).unzip();
        Self::new(0, &dims, &strides)
    }

    fn len(&self) -> usize {
        self.dims.iter().product::<u64>() as usize
    }
}

pub fn view(device: &Device, view: &View, x: Rows<'_>) -> Result<CudaSlice<i32>, CudaError> {
    let n = view.len();
    let out = integers(device, n)?;
    let args = Args::new().with(*view).with(x.at).with(x.width).buffer(device, &out).with(n as u64);
    // SAFETY: the kernel's arguments; views stay within what they are of.
    unsafe { launch(device, KERNELS, "view", grid(n), args) }?;
    Ok(out)
}

/// Rows that are 1 at these columns, of `columns` each.
pub fn one_hot(device: &Device, ones: &[u32], columns: usize) -> Result<CudaSlice<i32>, CudaError> {
    let (n, ones) = (ones.len() * columns, device.upload("columns of one-hot rows", ones)?);
    let out = integers(device, n)?;
    let args = Args::new().buffer(device, &ones).with(columns as u64).buffer(device, &out).with(n as u64);
    // SAFETY: the kernel's arguments; there is a column for every row.
    unsafe { launch(device, KERNELS, "one_hot", grid(n), args) }?;
    Ok(out)
}

pub fn copy(device: &Device, x: &CudaSlice<i32>) -> Result<CudaSlice<i32>, CudaError> {
    let mut out = integers(device, x.len())?;
    device.copy(x, &mut out)?;
    Ok(out)
}

pub fn zip(
    device: &Device,
    op: Zip,
    [(vx, x), (vy, y)]: [(View, Rows<'_>); 2],
    n: usize,
) -> Result<CudaSlice<i32>, CudaError> {
    let out = integers(device, n)?;
    let op = match op {
        Zip::Add => 0u32,
        Zip::Sub => 1,
        Zip::Mul => 2,
    };
    let args = Args::new().with(vx).with(x.at).with(x.width).with(vy).with(y.at).with(y.width).with(op);
    // SAFETY: the kernel's arguments; both broadcast to n elements.
    unsafe { launch(device, KERNELS, "zip", grid(n), args.buffer(device, &out).with(n as u64)) }?;
    Ok(out)
}

pub fn scale(device: &Device, x: Rows<'_>, by: i64, n: usize) -> Result<CudaSlice<i32>, CudaError> {
    let out = integers(device, n)?;
    let args = Args::new().with(x.at).with(x.width).with(by).buffer(device, &out).with(n as u64);
    // SAFETY: the kernel's arguments.
    unsafe { launch(device, KERNELS, "scale", grid(n), args) }?;
    Ok(out)
}

pub fn look_up(
    device: &Device,
    x: Rows<'_>,
    from: i32,
    table: &CudaSlice<i32>,
    n: usize,
    failed: &CudaSlice<u32>,
) -> Result<CudaSlice<i32>, CudaError> {
    let out = integers(device, n)?;
    let args = Args::new().with(x.at).with(x.width).with(from).buffer(device, table);
    let args = args.with(table.len() as u64).buffer(device, &out).with(n as u64).buffer(device, failed);
    // SAFETY: the kernel's arguments.
    unsafe { launch(device, KERNELS, "look_up", grid(n), args) }?;
    Ok(out)
}

pub fn matmul(
    device: &Device,
    a: Rows<'_>,
    b: Rows<'_>,
    [batches, m, k, n]: [usize; 4],
) -> Result<CudaSlice<i32>, CudaError> {
    let blocks = n.div_ceil(TILE) * m.div_ceil(TILE) * batches;
    let shares = (BUSY / blocks).clamp(1, k.div_ceil(4 * STEP));
    let share = k.div_ceil(shares).next_multiple_of(STEP);
    let shares = k.div_ceil(share);
    let len = batches * m * n;
    let out = match shares {
        1 => integers(device, len)?,
        _ => device.zeros::<i32>("a product", len)?,
    };
    let args = Args::new().with(a.at).with(a.width).with(b.at).with(b.width).buffer(device, &out);
    let args = args.with(m as u64).with(k as u64).with(n as u64).with(batches as u32).with(share as u64);
    let blocks = Grid { x: n.div_ceil(TILE), y: m.div_ceil(TILE), z: batches * shares, shared: 0 };
    // SAFETY: the kernel's arguments; blocks cover the result and k.
    unsafe { launch(device, KERNELS, "matmul", blocks, args) }?;
    Ok(out)
}

/// `Rescale` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawRescale {
    m: i64,
    s: u32,
    window: u32,
    lo: i32,
    hi: i32,
    limb: u32,
    wide: u32,
    cells: [u64; 6],
    y: u64,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawRescale {}

/// The cells, and y.
pub fn rescale(
    device: &Device,
    x: Rows<'_>,
    r: &Rescaling,
    n: usize,
    failed: &CudaSlice<u32>,
) -> Result<(Vec<CudaSlice<i32>>, CudaSlice<i32>), CudaError> {
    let (limb, wide, count) = match r.cells {
        RescaleCells::Narrow { low_limb: None, .. } => (0, 0, 2),
        RescaleCells::Narrow { low_limb: Some(bits), .. } => (bits, 0, 3),
        RescaleCells::Wide { bits } => (0, bits, 6),
    };
    let mut cells = (0..count).map(|_| integers(device, n)).collect::<Result<Vec<_>, _>>()?;
    let y = integers(device, n)?;
    let mut raw = RawRescale {
        m: r.m,
        s: r.s,
        window: r.window,
        lo: r.lo,
        hi: r.hi,
        limb,
        wide,
        cells: [0; 6],
        y: address(device, &y),
    };
    raw.cells.iter_mut().zip(&cells).for_each(|(to, c)| *to = address(device, c));
    let args = Args::new().with(x.at).with(x.width).with(raw).with(n as u64).buffer(device, failed);
    // SAFETY: the kernel's arguments; every cell has n elements.
    unsafe { launch(device, KERNELS, "rescale", grid(n), args) }?;
    if let RescaleCells::Narrow { y: true, .. } = r.cells {
        cells.push(copy(device, &y)?);
    }
    Ok((cells, y))
}

/// `Attention` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawAttention {
    queries: u64,
    keys: u64,
    width: u64,
    rows_of_matrix: u64,
    window: u64,
    causal: u32,
    log_grain: u32,
    sum_bits: u32,
    reach: u32,
    digit: u32,
    limb: u32,
    fraction: u32,
    _pad: u32,
    exponentials: u64,
    row_cells: [u64; 6],
    value_cells: [u64; 4],
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawAttention {}

/// The cells of n rows of scores and values of so many elements in all, and o.
pub fn attention(
    device: &Device,
    a: &Attention,
    exponentials: &CudaSlice<i32>,
    [scores, v]: [Rows<'_>; 2],
    n: usize,
    v_len: usize,
    failed: &CudaSlice<u32>,
) -> Result<(Vec<CudaSlice<i32>>, CudaSlice<i32>), CudaError> {
    assert_eq!(scores.width, 4, "scores are computed");
    let (rows, scored, valued) = (n, n * a.keys, n * a.width);
    let lens = [rows, scored, scored, rows, rows, rows, valued, valued, valued, valued];
    let cells = lens.iter().map(|&len| integers(device, len)).collect::<Result<Vec<_>, _>>()?;
    let at: Vec<u64> = cells.iter().map(|c| address(device, c)).collect();
    let raw = RawAttention {
        queries: a.queries as u64,
        keys: a.keys as u64,
        width: a.width as u64,
        rows_of_matrix: (n * a.keys * a.width / v_len) as u64,
        window: a.window.map_or(0, u64::from),
        causal: a.causal.into(),
        log_grain: a.log_grain,
        sum_bits: a.sum_bits,
        reach: a.reach as u32,
        digit: a.digit,
        limb: a.limb,
        fraction: a.fraction,
        _pad: 0,
        exponentials: address(device, exponentials),
        row_cells: std::array::from_fn(|i| at[i]),
        value_cells: std::array::from_fn(|i| at[6 + i]),
    };
    let args = Args::new().with(scores.at).with(v.at).with(v.width).with(raw).buffer(device, failed);
    let blocks = Grid { shared: size_of::<i32>() * a.keys, ..Grid::blocks(n) };
    // SAFETY: the kernel's arguments; a block of threads for each row, and shared memory for its keys.
    unsafe { launch(device, KERNELS, "attention", blocks, args) }?;
    let o = copy(device, &cells[6])?;
    Ok((cells, o))
}

/// `LayerNorm` of the kernels.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct RawLayerNorm {
    d: u64,
    block: u64,
    n_limbs: u64,
    limb_from: [u32; 2],
    limb_bits: [u32; 2],
    shift: u32,
    mean_bits: u32,
    s: u32,
    pad: u32,
    epsilon: i64,
    gains: u64,
    mean: [u64; 3],
    w: [u64; 2],
    l: u64,
    carry: u64,
    carry_low: u64,
    gain: [u64; 4],
    n: u64,
    r: u64,
    value: u64,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawLayerNorm {}

/// The cells of n integers in rows, and the normalised ones.
pub fn layer_norm(
    device: &Device,
    norm: &LayerNorm,
    gains: &CudaSlice<i32>,
    x: Rows<'_>,
    n: usize,
) -> Result<(Vec<CudaSlice<i32>>, CudaSlice<i32>), CudaError> {
    assert_eq!(x.width, 4, "what is normalised is computed");
    let rows = n / norm.d;
    let mut raw = RawLayerNorm {
        d: norm.d as u64,
        shift: norm.shift,
        mean_bits: norm.mean_bits,
        s: norm.s,
        epsilon: norm.epsilon,
        gains: address(device, gains),
        ..RawLayerNorm::default()
    };
    let mut cells = vec![];
    let mut cell = |len: usize| -> Result<u64, CudaError> {
        cells.push(integers(device, len)?);
        Ok(address(device, &cells[cells.len() - 1]))
    };
    for at in &mut raw.mean {
        *at = cell(rows)?;
    }
    if let Some((block, limbs)) = &norm.block {
        let blocks = n / block;
        (raw.block, raw.n_limbs) = (*block as u64, limbs.len() as u64);
        for (k, &(from, bits)) in limbs.iter().enumerate() {
            (raw.w[k], raw.limb_from[k], raw.limb_bits[k]) = (cell(blocks)?, from, bits);
        }
        if norm.shift > 0 {
            (raw.l, raw.carry, raw.carry_low) = (cell(blocks)?, cell(rows)?, cell(rows)?);
        }
    }
    for at in &mut raw.gain {
        *at = cell(rows)?;
    }
    (raw.n, raw.r) = (cell(n)?, cell(n)?);
    let value = integers(device, n)?;
    raw.value = address(device, &value);
    // SAFETY: the kernel's arguments; a block of threads for each row.
    unsafe { launch(device, KERNELS, "layer_norm", Grid::blocks(rows), Args::new().with(x.at).with(raw)) }?;
    Ok((cells, value))
}

/// `RowSums` and `NormRow` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct Wide<const N: usize>([i64; N]);

impl<const N: usize> Default for Wide<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl<const N: usize> DeviceRepr for Wide<N> {}

/// As [`layer_norm`]; the cells of rows are the CPU's, of four sums of each that come down.
pub fn wide_norm(
    device: &Device,
    norm: &WideNorm,
    x: Rows<'_>,
    n: usize,
) -> Result<(Vec<CudaSlice<i32>>, CudaSlice<i32>), CudaError> {
    assert_eq!(x.width, 4, "what is normalised is computed");
    let (d, rows) = (norm.d as u64, n / norm.d);
    // SAFETY: the kernel writes all of it.
    let sums = unsafe { device.alloc::<Wide<4>>("sums of rows", rows) }?;
    let args = Args::new().with(x.at).with(d).with(u32::from(norm.centred)).with(norm.digit);
    // SAFETY: the kernel's arguments; a block of threads for each row.
    unsafe { launch(device, KERNELS, "norm_sums", Grid::blocks(rows), args.buffer(device, &sums)) }?;
    let sums = device.download(&sums)?.into_iter();
    let sums =
        sums.map(|Wide([sum, squares, low_squares, cross])| RowSums { sum, squares, low_squares, cross });
    let (of_rows, columns) = norm.rows(&sums.collect::<Vec<_>>());

    let of_rows: Vec<Wide<3>> = of_rows.into_iter().map(Wide).collect();
    let (of_rows, mut digits, mut cells) = (device.upload("rows of a norm", &of_rows)?, 0, vec![]);
    for column in &columns {
        cells.push(match column {
            Some(column) => device.upload("cells of rows", column)?,
            None => {
                let own = integers(device, n)?;
                digits = address(device, &own);
                own
            }
        });
    }
    let (own, r, value) = (integers(device, n)?, integers(device, n)?, integers(device, n)?);
    let args = Args::new().with(x.at).with(d).buffer(device, &of_rows).with(norm.shift).with(norm.digit);
    let args = args.with(digits).buffer(device, &own).buffer(device, &r).buffer(device, &value);
    // SAFETY: the kernel's arguments; every column of entries has n elements.
    unsafe { launch(device, KERNELS, "norm_apply", grid(n), args.with(n as u64)) }?;
    cells.extend([own, r]);
    Ok((cells, value))
}

fn integers(device: &Device, n: usize) -> Result<CudaSlice<i32>, CudaError> {
    // SAFETY: whoever asks launches a kernel that writes all of it.
    unsafe { device.alloc::<i32>("integers of a node", n) }
}
