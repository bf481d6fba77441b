// LogUp by GKR (zkml-runtime/src/gkr): leaves, layers of fractions, the rounds of a layer's sumcheck.
//
// A layer is two arrays, numerators and denominators, in the order of the leaves: sixteen in a vector, as on the CPU.
// Vectors beyond `stored` equal a constant, the tail. Neighbouring vectors pair, lane by lane, so a thread handles one lane
// of one pair and sixteen threads read 256 bytes in one piece.

#define LANES 16u

// A block of leaves: from `first` on, `constant - sum over columns of weight * column`.
struct LeafBlock {
    u64 first;
    u32 first_column, n_columns;
    qm31 constant;
};

__device__ qm31 leaf_at(const LeafBlock* blocks, u32 n_blocks, const Column* columns, u64 i) {
    // The last block that begins at i or before it.
    u32 low = 0, high = n_blocks;
    while (high - low > 1) {
        u32 middle = (low + high) / 2;
        if (blocks[middle].first <= i) low = middle; else high = middle;
    }
    LeafBlock b = blocks[low];
    u64 at = i - b.first;
    wide_sum wide = {0, 0, 0, 0};
    qm31 sum = qm31_zero();
    for (u32 c = 0; c < b.n_columns; c++) {
        Column k = columns[b.first_column + c];
        u64 x = k.bytes ? m31_of(((const i8*)k.data)[at]) : ((const u32*)k.data)[at];
        wide.add(x, k.weight);
        if ((c & 3) == 3) sum = sum + wide.take();
    }
    return b.constant - (sum + wide.take());
}

// The first n values of leaves, `live` of which belong to blocks.
extern "C" __global__ void gkr_leaves(const LeafBlock* blocks, u32 n_blocks, const Column* columns, qm31 tail, u64 live,
                                      qm31* out, u64 n) {
    u64 i = global_thread();
    if (i < n) out[i] = i < live ? leaf_at(blocks, n_blocks, columns, i) : tail;
}

// 1/d0 + 1/d1 = (d0 + d1) / (d0 d1)
extern "C" __global__ void gkr_add_leaves(const qm31* d, u64 stored, qm31 tail, qm31* num, qm31* den, u64 n) {
    u64 t = global_thread();
    if (t >= n) return;
    u64 a = 2 * (t - t % LANES) + t % LANES, b = a + LANES;
    qm31 x = a < stored ? d[a] : tail, y = b < stored ? d[b] : tail;
    num[t] = x + y;
    den[t] = x * y;
}

// n0/d0 + n1/d1
extern "C" __global__ void gkr_add(const qm31* n0, const qm31* d0, u64 stored, qm31 tail_n, qm31 tail_d, qm31* num,
                                   qm31* den, u64 n) {
    u64 t = global_thread();
    if (t >= n) return;
    u64 a = 2 * (t - t % LANES) + t % LANES, b = a + LANES;
    qm31 an = a < stored ? n0[a] : tail_n, ad = a < stored ? d0[a] : tail_d;
    qm31 bn = b < stored ? n0[b] : tail_n, bd = b < stored ? d0[b] : tail_d;
    num[t] = an * bd + bn * ad;
    den[t] = ad * bd;
}

// Weights of pairs: eq over the vector variables above, in two factors.
struct Eq {
    const qm31* high;
    const qm31* low;
    u32 low_bits;
};

__device__ __forceinline__ qm31 eq_at(Eq e, u64 pair) {
    return e.high[pair >> e.low_bits] * e.low[pair & ((1u << e.low_bits) - 1)];
}

template <int N> struct Item { qm31 v[N]; };

template <int N> __device__ __forceinline__ qm31 gate(const Item<N>& x);
template <> __device__ __forceinline__ qm31 gate<2>(const Item<2>& x) { return x.v[0] * x.v[1]; }
template <> __device__ __forceinline__ qm31 gate<4>(const Item<4>& x) { return x.v[0] * x.v[3] + x.v[1] * x.v[2]; }

// Folded arrays, one after the other: N of `items` vectors, and a tail for each.
template <int N> struct Folded {
    const qm31* data;
    u64 items;
    qm31 tail[N];
    __device__ __forceinline__ Item<N> item(u64 i, u32 lane) const {
        Item<N> x;
        for (int k = 0; k < N; k++) x.v[k] = i < items ? data[(k * items + i) * LANES + lane] : tail[k];
        return x;
    }
};

// Lookup leaves: [d0 + mu, d1 + mu].
struct Leaves {
    const qm31* d;
    u64 stored;
    qm31 tail, mu;
    __device__ __forceinline__ qm31 at(u64 e) const { return (e < stored ? d[e] : tail) + mu; }
    __device__ __forceinline__ Item<2> item(u64 i, u32 lane) const {
        return {{at(2 * i * LANES + lane), at((2 * i + 1) * LANES + lane)}};
    }
};

// Fractions: [n0, n1 + lambda d1, d0, d1].
struct Fractions {
    const qm31* n;
    const qm31* d;
    u64 stored;
    qm31 tail_n, tail_d, lambda;
    __device__ __forceinline__ Item<4> item(u64 i, u32 lane) const {
        u64 a = 2 * i * LANES + lane, b = a + LANES;
        qm31 n0 = a < stored ? n[a] : tail_n, d0 = a < stored ? d[a] : tail_d;
        qm31 n1 = b < stored ? n[b] : tail_n, d1 = b < stored ? d[b] : tail_d;
        return {{n0, n1 + lambda * d1, d0, d1}};
    }
};

template <int N> __device__ __forceinline__ Item<N> minus(const Item<N>& x, const Item<N>& y) {
    Item<N> r;
    for (int k = 0; k < N; k++) r.v[k] = x.v[k] - y.v[k];
    return r;
}

template <int N> __device__ __forceinline__ Item<N> lerp(const Item<N>& x, const Item<N>& y, qm31 r) {
    Item<N> z;
    for (int k = 0; k < N; k++) z.v[k] = qm31_lerp(x.v[k], y.v[k], r);
    return z;
}

// Where sums go: a share for each block, then, from the block that is done last, the two that they add up to.
struct Sums {
    qm31* partial;
    qm31* out;
    u32* done;
};

__device__ __forceinline__ qm31 uncached(const qm31* x) {
    uint4 v = __ldcg((const uint4*)x);
    return {v.x, v.y, v.z, v.w};
}

// [q(0), q(inf)] over all blocks: every thread keeps its lane, whose weight comes in here.
__device__ __forceinline__ void add_up(qm31 q0, qm31 q_inf, const qm31* lanes, Sums to) {
    qm31 w = lanes[threadIdx.x % LANES];
    qm31 s0 = block_sum(q0 * w), s1 = block_sum(q_inf * w);
    __shared__ bool last;
    if (threadIdx.x == 0) {
        to.partial[2 * blockIdx.x] = s0;
        to.partial[2 * blockIdx.x + 1] = s1;
        // Shares are seen before the count is.
        __threadfence();
        last = atomicAdd(to.done, 1u) == gridDim.x - 1;
    }
    __syncthreads();
    if (!last) return;
    __threadfence();
    s0 = qm31_zero(), s1 = qm31_zero();
    for (u32 i = threadIdx.x; i < gridDim.x; i += blockDim.x) {
        s0 = s0 + uncached(to.partial + 2 * i);
        s1 = s1 + uncached(to.partial + 2 * i + 1);
    }
    s0 = block_sum(s0), s1 = block_sum(s1);
    if (threadIdx.x == 0) {
        to.out[0] = s0;
        to.out[1] = s1;
        *to.done = 0;
    }
}

template <int N, class S>
__device__ __forceinline__ void evaluate(const S& source, u64 pairs, Eq eq, const qm31* lanes, Sums sums) {
    qm31 q0 = qm31_zero(), q_inf = qm31_zero();
    u32 lane = threadIdx.x % LANES;
    u64 step = (u64)gridDim.x * (blockDim.x / LANES);
    for (u64 j = global_thread() / LANES; j < pairs; j += step) {
        Item<N> a = source.item(2 * j, lane), b = source.item(2 * j + 1, lane);
        qm31 e = eq_at(eq, j);
        q0 = q0 + e * gate<N>(a);
        q_inf = q_inf + e * gate<N>(minus<N>(b, a));
    }
    add_up(q0, q_inf, lanes, sums);
}

// Folds items 4j .. 4j + 3 to a pair, and evaluates that.
template <int N, class S>
__device__ __forceinline__ void fold(const S& source, qm31 r, u64 pairs, Eq eq, const qm31* lanes, qm31* out, Sums sums) {
    qm31 q0 = qm31_zero(), q_inf = qm31_zero();
    u32 lane = threadIdx.x % LANES;
    u64 step = (u64)gridDim.x * (blockDim.x / LANES);
    for (u64 j = global_thread() / LANES; j < pairs; j += step) {
        Item<N> a = lerp<N>(source.item(4 * j, lane), source.item(4 * j + 1, lane), r);
        Item<N> b = lerp<N>(source.item(4 * j + 2, lane), source.item(4 * j + 3, lane), r);
        for (int k = 0; k < N; k++) {
            // 2 * pairs vectors in each array.
            out[(k * 2 * pairs + 2 * j) * LANES + lane] = a.v[k];
            out[(k * 2 * pairs + 2 * j + 1) * LANES + lane] = b.v[k];
        }
        qm31 e = eq_at(eq, j);
        q0 = q0 + e * gate<N>(a);
        q_inf = q_inf + e * gate<N>(minus<N>(b, a));
    }
    add_up(q0, q_inf, lanes, sums);
}

extern "C" __global__ void gkr_evaluate_leaves(Leaves s, u64 pairs, Eq eq, const qm31* lanes, Sums sums) {
    evaluate<2>(s, pairs, eq, lanes, sums);
}
extern "C" __global__ void gkr_evaluate_fractions(Fractions s, u64 pairs, Eq eq, const qm31* lanes, Sums sums) {
    evaluate<4>(s, pairs, eq, lanes, sums);
}
extern "C" __global__ void gkr_fold_leaves(Leaves s, qm31 r, u64 pairs, Eq eq, const qm31* lanes, qm31* out, Sums sums) {
    fold<2>(s, r, pairs, eq, lanes, out, sums);
}
extern "C" __global__ void gkr_fold_fractions(Fractions s, qm31 r, u64 pairs, Eq eq, const qm31* lanes, qm31* out, Sums sums) {
    fold<4>(s, r, pairs, eq, lanes, out, sums);
}
extern "C" __global__ void gkr_fold_2(Folded<2> s, qm31 r, u64 pairs, Eq eq, const qm31* lanes, qm31* out, Sums sums) {
    fold<2>(s, r, pairs, eq, lanes, out, sums);
}
extern "C" __global__ void gkr_fold_4(Folded<4> s, qm31 r, u64 pairs, Eq eq, const qm31* lanes, qm31* out, Sums sums) {
    fold<4>(s, r, pairs, eq, lanes, out, sums);
}
