//! Convolutions.

use super::linear::Bias;
use super::views::zeros_around;
use super::{live, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Attributes, Node};
use crate::program::{Arg, Ref};
use ndarray::{ArrayD, IxDyn};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[Op { names: &["Conv"], infer: shape, lift: conv }];

/// Of windows over the spatial axes.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub kernel: Vec<usize>,
    pub stride: Vec<usize>,
    pub dilation: Vec<usize>,
    /// Before and after each axis.
    pub pads: Vec<[usize; 2]>,
    pub out: Vec<usize>,
}

impl Windows {
    /// Over an input `[N, C, spatial..]`.
    pub fn new(at: &Attributes, x: &[usize], kernel: Vec<usize>) -> Result<Self, Refusal> {
        let spatial = x.get(2..).unwrap_or_default();
        if spatial.is_empty() || spatial.len() > 2 || kernel.len() != spatial.len() {
            return Err(Refusal::new(format!("windows {kernel:?} over {x:?}"))
                .help("one or two spatial axes behind batch and channels"));
        }
        let n = spatial.len();
        let numbers = |name: &str| -> Result<Vec<usize>, Refusal> {
            let given = at.ints(name).map_or_else(|| vec![1; n], <[i64]>::to_vec);
            given
                .iter()
                .map(|&v| usize::try_from(v).ok().filter(|&v| v > 0))
                .collect::<Option<Vec<usize>>>()
                .filter(|v| v.len() == n)
                .ok_or_else(|| Refusal::new(format!("{name} = {given:?}")))
        };
        let (stride, dilation) = (numbers("strides")?, numbers("dilations")?);
        let reach: Vec<usize> = kernel.iter().zip(&dilation).map(|(k, d)| d * (k - 1) + 1).collect();
        let pads = match at.text("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" | "" => {
                let given = at.ints("pads").map_or_else(|| vec![0; 2 * n], <[i64]>::to_vec);
                let at = |i: usize| given.get(i).and_then(|&v| usize::try_from(v).ok());
                let pair = |i: usize| Some([at(i)?, at(n + i)?]);
                let all: Option<Vec<[usize; 2]>> = (0..n).map(pair).collect();
                all.ok_or_else(|| Refusal::new(format!("pads = {given:?}")))?
            }
            "VALID" => vec![[0, 0]; n],
            auto => (0..n)
                .map(|i| {
                    let out = spatial[i].div_ceil(stride[i]);
                    let total = ((out - 1) * stride[i] + reach[i]).saturating_sub(spatial[i]);
                    match auto {
                        "SAME_LOWER" => [total.div_ceil(2), total / 2],
                        _ => [total / 2, total.div_ceil(2)],
                    }
                })
                .collect(),
        };
        let ceil = at.flag("ceil_mode", false);
        let out = (0..n).map(|i| {
            let room = (spatial[i] + pads[i][0] + pads[i][1])
                .checked_sub(reach[i])
                .ok_or_else(|| Refusal::new(format!("windows of {reach:?} over {spatial:?}")))?;
            let steps = if ceil { room.div_ceil(stride[i]) } else { room / stride[i] };
            // A window that would begin in the padding behind is none.
            let last = steps * stride[i] >= spatial[i] + pads[i][0];
            Ok(steps + 1 - usize::from(ceil && last))
        });
        let out = out.collect::<Result<_, Refusal>>()?;
        Ok(Self { kernel, stride, dilation, pads, out })
    }

    /// The same on each side of every axis, which zkml's windows have.
    pub fn symmetric(&self) -> Option<Vec<usize>> {
        self.pads.iter().map(|[a, b]| (a == b).then_some(*a)).collect()
    }

    /// With two spatial axes: the first of one is added.
    pub fn two(mut self) -> Self {
        if self.kernel.len() == 1 {
            for v in [&mut self.kernel, &mut self.stride, &mut self.dilation, &mut self.out] {
                v.insert(0, 1);
            }
            self.pads.insert(0, [0, 0]);
        }
        self
    }
}

/// Numbers for both axes: one, where they are equal.
pub(super) fn both(values: &[usize]) -> Arg {
    match values {
        [a, b] if a == b => Arg::Int(*a as i64),
        _ => Arg::Ints(values.iter().map(|&v| v as i64).collect()),
    }
}

fn shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let (x, w) = (i.dims(0)?, i.dims(1)?);
    let groups = i.node.attributes.int("group").unwrap_or(1).max(1) as usize;
    if w.len() != x.len() || x.len() < 3 || x[1] != w[1] * groups {
        return Err(Refusal::new(format!("a kernel {w:?} over {x:?} in {groups} groups")));
    }
    let windows = Windows::new(&i.node.attributes, x, w[2..].to_vec())?;
    live(i, [&[x[0], w[0]][..], &windows.out].concat())
}

fn conv(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (xv, wv) = (l.input(n, 0)?, l.input(n, 1)?);
    let Some(w) = l.constant(wv) else {
        return Err(Refusal::new("a kernel that is computed"));
    };
    let (x_dims, mut w) = (l.net.dims(xv).to_vec(), w.to_float());
    let windows = Windows::new(&n.attributes, &x_dims, w.shape()[2..].to_vec())?;
    let one_axis = windows.kernel.len() == 1;
    let windows = windows.two();
    let mut x = l.get(xv)?;
    if one_axis {
        x = l.reshaped(x, &[x_dims[0], x_dims[1], 1, x_dims[2]])?;
        w = w.insert_axis(ndarray::Axis(2)).as_standard_layout().into_owned();
    }
    let bias = n.input(2).map(|b| (b, 1.0));
    let groups = n.attributes.int("group").unwrap_or(1);
    let name = l.net.values[wv].name.clone();
    let mut refused = Refusal::new("no widths");
    for widths in super::linear::ladder(l) {
        match l.attempt(|l| convolved(l, x, (&name, &w), bias, &windows, groups, widths)) {
            Ok(y) => return l.give(n, 0, y),
            Err(e) => refused = e,
        }
    }
    Err(refused)
}

fn convolved(
    l: &mut Lift,
    x: Ref,
    (name, w): (&str, &ArrayD<f32>),
    bias: Option<Bias>,
    windows: &Windows,
    groups: i64,
    [activation, weight]: [Elem; 2],
) -> Result<Ref, Refusal> {
    let mut x = l.sized(x, &[activation, Elem::I8, Elem::U8])?;
    let padding = match windows.symmetric() {
        Some(same) => same,
        None => {
            for (i, &pads) in windows.pads.iter().enumerate() {
                x = zeros_around(l, x, 2 + i, pads)?;
            }
            vec![0, 0]
        }
    };
    let channels = super::linear::channels_of(l, name, w, 0, weight);
    let w = l.weight(name, "weight", channels.as_ref().map_or(w, |(w, _)| w), weight, Layout::InOut)?;
    let mut args = vec![x, w];
    if let (Some((v, factor)), None) = (bias, &channels) {
        args.push(super::elementwise::bias(l, v, factor)?);
    }
    let one = |v: &[usize], otherwise: usize| v.iter().all(|&v| v == otherwise);
    let y = l
        .call("conv2d")
        .arg_if(!one(&windows.stride, 1), "stride", both(&windows.stride))
        .arg_if(!one(&padding, 0), "padding", both(&padding))
        .arg_if(!one(&windows.dilation, 1), "dilation", both(&windows.dilation))
        .arg_if(groups != 1, "groups", Arg::Int(groups))
        .of(args)?;
    let Some((_, scales)) = channels else { return Ok(y) };
    let per_channel = |v: ArrayD<f32>| v.insert_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(2));
    let y = l.sized(y, &[Elem::I16])?;
    let scales = per_channel(scales);
    let s = l.weight(&super::linear::scale_name(name), "scale", &scales, Elem::I12, Layout::InOut)?;
    let y = l.call("mul").of([y, s])?;
    match bias {
        None => Ok(y),
        Some((v, factor)) => {
            let tensor = l.constant(v).ok_or_else(|| Refusal::new("a bias that is computed"))?;
            let (name, values) = (l.net.values[v].name.clone(), tensor.to_float().mapv(|b| b * factor));
            let b = l.weight(&name, "bias", &per_channel(values), Elem::I24, Layout::InOut)?;
            l.call("add").of([y, b])
        }
    }
}

/// A kernel and a bias with the inference form of a batch norm behind them.
pub(crate) fn with_batch_norm(
    w: &ArrayD<f32>,
    bias: Option<&ArrayD<f32>>,
    scale: &[f32],
    shift: &[f32],
) -> (ArrayD<f32>, ArrayD<f32>) {
    let mut folded = w.clone();
    for (mut c, s) in folded.axis_iter_mut(ndarray::Axis(0)).zip(scale) {
        c.mapv_inplace(|v| v * s);
    }
    let bias = (0..scale.len()).map(|c| bias.map_or(0.0, |b| b[[c]]) * scale[c] + shift[c]).collect();
    (folded, ArrayD::from_shape_vec(IxDyn(&[scale.len()]), bias).expect("a vector"))
}
