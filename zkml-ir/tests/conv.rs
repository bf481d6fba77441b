//! Convolutions against their definition, and against each committed cell changed.

mod common;

use common::maps::{ints, op};
use common::{Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::ops::Arg;
use zkml_ir::plan::Source;
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

#[derive(Clone, Copy, Debug)]
struct Conv {
    n: Option<usize>,
    c: usize,
    h: usize,
    w: usize,
    co: usize,
    k: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
}

impl Conv {
    fn square(c: usize, h: usize, co: usize, k: usize, stride: usize, padding: usize) -> Self {
        let two = |v| [v, v];
        Self {
            n: None,
            c,
            h,
            w: h,
            co,
            k: two(k),
            stride: two(stride),
            padding: two(padding),
            dilation: two(1),
            groups: 1,
        }
    }

    fn x_dims(&self) -> Vec<usize> {
        self.n.into_iter().chain([self.c, self.h, self.w]).collect()
    }

    fn w_dims(&self) -> Vec<usize> {
        vec![self.co, self.c / self.groups, self.k[0], self.k[1]]
    }

    fn named(&self) -> Vec<(&'static str, Arg)> {
        let ints = |p: [usize; 2]| Arg::Ints(p.map(|v| v as i64).to_vec());
        vec![
            ("stride", ints(self.stride)),
            ("padding", ints(self.padding)),
            ("dilation", ints(self.dilation)),
            ("groups", Arg::Int(self.groups as i64)),
        ]
    }

    /// By the definition; the result and its extents.
    fn reference(&self, x: &[i64], w: &[i64]) -> (Vec<i64>, [usize; 2]) {
        let extent = [self.h, self.w];
        let out = [0, 1].map(|i| {
            (extent[i] + 2 * self.padding[i] - self.dilation[i] * (self.k[i] - 1) - 1) / self.stride[i] + 1
        });
        let (cg, per) = (self.c / self.groups, self.co / self.groups);
        let mut y = vec![];
        for n in 0..self.n.unwrap_or(1) {
            for co in 0..self.co {
                for oy in 0..out[0] {
                    for ox in 0..out[1] {
                        let mut sum = 0;
                        for c in 0..cg {
                            for ky in 0..self.k[0] {
                                for kx in 0..self.k[1] {
                                    let y = (oy * self.stride[0] + ky * self.dilation[0]) as i64
                                        - self.padding[0] as i64;
                                    let x_at = (ox * self.stride[1] + kx * self.dilation[1]) as i64
                                        - self.padding[1] as i64;
                                    let inside =
                                        (0..self.h as i64).contains(&y) && (0..self.w as i64).contains(&x_at);
                                    if inside {
                                        let channel = n * self.c + co / per * cg + c;
                                        sum += x[(channel * self.h + y as usize) * self.w + x_at as usize]
                                            * w[((co * cg + c) * self.k[0] + ky) * self.k[1] + kx];
                                    }
                                }
                            }
                        }
                        y.push(sum);
                    }
                }
            }
        }
        (y, out)
    }

    /// Builds, proves, attacks and compares; the cells that the convolution commits.
    fn verify(&self, seed: u64, elems: [Elem; 2], bias: bool) -> u64 {
        let mut g = Model::new(seed);
        let x = g.input(elems[0], &self.x_dims(), 0.5);
        let w = g.weight(elems[1], &self.w_dims(), 0.25);
        let mut args = vec![x, w];
        if bias {
            args.push(g.weight(Elem::I24, &[self.co], 0.125));
        }
        let y = op(&mut g, "conv2d", &args, &self.named());
        let dims = g.dims(y);
        let mut case = g.finish(y);
        let (mut want, out) = self.reference(&ints(&case.inputs[0]), &ints(&case.weights[0]));
        assert_eq!(dims[dims.len() - 3..], [self.co, out[0], out[1]], "{self:?}");
        if bias {
            let b = ints(&case.weights[1]);
            let maps = out[0] * out[1];
            want.iter_mut().enumerate().for_each(|(i, y)| *y += b[i / maps % self.co]);
        }
        let got: Vec<i64> = case.verify().iter().map(|&v| v as i64).collect();
        assert_eq!(got, want, "{self:?}");
        case.lower().plan.cells(|s| *s == Source::Trace)
    }
}

const BYTES: [Elem; 2] = [Elem::I8, Elem::I8];

#[test]
fn kernels_strides_and_paddings() {
    let mut seed = 1;
    for (h, k, stride, padding) in [
        (5, 1, 1, 0),
        (6, 3, 1, 1),
        (7, 3, 2, 1),
        (8, 3, 2, 0),
        (8, 1, 2, 0),
        (9, 5, 1, 2),
        (6, 2, 2, 0),
        (7, 2, 3, 1),
        (12, 4, 4, 0),
        (5, 5, 1, 0),
        (1, 1, 1, 0),
        (3, 1, 1, 1),
    ] {
        for (c, co) in [(1, 3), (4, 2), (3, 8), (16, 1)] {
            seed += 1;
            Conv::square(c, h, co, k, stride, padding).verify(seed, BYTES, seed % 2 == 0);
        }
    }
}

#[test]
fn batches_rectangles_and_dilation() {
    let mut rng = Rng(7);
    for round in 0..40 {
        let mut pick = |n: usize| 1 + rng.below(n);
        let c = Conv {
            n: (round % 3 > 0).then(|| pick(3)),
            c: pick(5),
            h: 4 + pick(6),
            w: 4 + pick(6),
            co: pick(6),
            k: [pick(3), pick(3)],
            stride: [pick(3), pick(3)],
            padding: [pick(3) - 1, pick(3) - 1],
            dilation: [pick(2), pick(2)],
            groups: 1,
        };
        c.verify(100 + round, BYTES, round % 2 == 0);
    }
}

#[test]
fn groups_of_one_and_more_channels() {
    // Channels of the input, of the output, groups: depthwise, with a multiplier, and digits that do not split.
    for (c, co, groups) in [
        (4, 4, 4),
        (6, 6, 6),
        (3, 6, 3),
        (4, 8, 2),
        (6, 4, 2),
        (12, 6, 2),
        (12, 20, 4),
        (6, 12, 6),
        (4, 12, 4),
    ] {
        for n in [None, Some(2)] {
            let same = Conv { n, groups, ..Conv::square(c, 5, co, 3, 1, 1) };
            same.verify(200 + c as u64, BYTES, true);
            Conv { stride: [2, 1], padding: [0, 1], ..same }.verify(300 + co as u64, BYTES, false);
        }
    }
}

#[test]
fn elements_of_all_types_at_their_ends() {
    for (x, w) in [(Elem::I8, Elem::I8), (Elem::U8, Elem::I8), (Elem::I12, Elem::I8), (Elem::I16, Elem::I8)] {
        Conv::square(2, 6, 3, 3, 1, 1).verify(17, [x, w], false);
    }
    Conv::square(2, 6, 3, 3, 1, 1).verify(18, [Elem::I8, Elem::I12], true);
    // Every product at the same end.
    let c = Conv::square(3, 5, 2, 3, 1, 1);
    let mut g = Model::new(5);
    let x = g.input(Elem::I8, &c.x_dims(), 0.5);
    let w = g.weight(Elem::I8, &c.w_dims(), 0.25);
    let y = op(&mut g, "conv2d", &[x, w], &c.named());
    assert_eq!(g.ty(y).interval, Interval::new(-128 * 127, 128 * 128).scale(27));
    let mut case = g.finish(y);
    let all = |dims: Vec<usize>| {
        let shape = Shape::new(dims);
        IntTensor::new(shape.clone(), Elem::I8, &vec![-128; shape.len()]).unwrap()
    };
    (case.inputs[0], case.weights[0]) = (all(c.x_dims()), all(c.w_dims()));
    assert_eq!(case.verify()[6], 27 * 128 * 128);
}

#[test]
fn cells_are_those_of_the_documentation() {
    // A kernel of 1 reads x where it lies.
    assert_eq!(Conv::square(6, 8, 5, 1, 1, 0).verify(21, BYTES, false), 0);
    // Every second position, and windows side by side: low bits.
    assert_eq!(Conv::square(6, 8, 5, 1, 2, 0).verify(22, BYTES, false), 0);
    assert_eq!(Conv::square(3, 8, 5, 2, 2, 0).verify(23, BYTES, false), 0);
    assert_eq!(Conv::square(3, 16, 2, 4, 4, 0).verify(23, BYTES, false), 0);
    // Strips of every channel, then the cheaper of windows and sums.
    let strips = |c: u64| c * 3 * 64;
    assert_eq!(Conv::square(4, 8, 4, 3, 1, 1).verify(24, BYTES, false), strips(4) + 3 * 4 * 64);
    assert_eq!(Conv::square(1, 8, 4, 3, 1, 1).verify(25, BYTES, false), strips(1) + 9 * 64);
}

/// The same convolution over real numbers, from the definition.
#[test]
fn real_numbers() {
    use zkml_ir::float::{eval, FloatTensor};
    for groups in [1, 2] {
        let c = Conv { groups, ..Conv::square(4, 7, 6, 3, 2, 1) };
        let mut g = Model::new(31);
        let x = g.input(Elem::I8, &c.x_dims(), 1.0);
        let w = g.weight(Elem::I8, &c.w_dims(), 1.0);
        let y = op(&mut g, "conv2d", &[x, w], &c.named());
        let case = g.finish(y);
        let real = |t: &IntTensor| {
            FloatTensor::new(t.shape().clone(), t.to_vec().iter().map(|&v| v as f32).collect())
        };
        let got = eval(&case.graph, &[real(&case.weights[0])], &[real(&case.inputs[0])]).unwrap();
        let (want, _) = c.reference(&ints(&case.inputs[0]), &ints(&case.weights[0]));
        // Sums below 2^24: f32 holds them.
        assert!(got[0].data.iter().zip(&want).all(|(&a, &b)| a == b as f32));
    }
}

/// The bound of calibration is the widest channel's, padding included: no input goes beyond, and one reaches it.
#[test]
fn completeness_knows_the_weights_of_each_channel() {
    use zkml_ir::calibrate::completeness;
    use zkml_ir::graph::Rescale;
    let c = Conv::square(2, 5, 3, 3, 1, 1);
    let mut g = Model::new(41);
    let x = g.input(Elem::U8, &c.x_dims(), 0.5);
    let w = g.weight(Elem::I8, &c.w_dims(), 0.25);
    let acc = op(&mut g, "conv2d", &[x, w], &c.named());
    let y = g.quantize(acc, Elem::I8, 16, 1, 2);
    let mut case = g.finish(y);
    // Weights of both signs, the third channel's the largest: 18 * 9 * 255 = 41310 one way.
    let weights: Vec<i32> = (0..54).map(|i| if i < 36 { (i % 7) - 3 } else { 9 }).collect();
    case.weights[0] = IntTensor::new(Shape::new(c.w_dims()), Elem::I8, &weights).unwrap();
    // A window of 12 bits holds 41310 / 2^5, and not 41310 / 2^4.
    let mut fits = |s: u32, window: u32| {
        case.params.rescales[0] = Rescale { m: 1, s };
        if let zkml_ir::graph::Op::Quantize { window: w, .. } = &mut case.graph.nodes[y].op {
            *w = window;
        }
        completeness(&case.graph, &case.params, &case.weights).map_err(|e| e.to_string())
    };
    assert_eq!(fits(6, 12), Ok(()));
    assert_eq!(fits(5, 12), Ok(()));
    let error = fits(4, 12).unwrap_err();
    assert!(error.contains("the accumulator reaches [-"), "{error}");
    assert!(error.contains("41310]"), "{error}");
}
