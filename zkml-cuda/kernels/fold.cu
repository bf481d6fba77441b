// Folding the factors of products over the output axes that only they have (zkml-runtime/src/einsum/fold.rs): loops over the
// cells of a tensor, each with a stride in the cells, and one in the output or in the weights of a folded axis.

#define MAX_LOOPS 12
#define MAX_WEIGHTS 6

struct Nest {
    Loop kept[MAX_LOOPS];
    Loop folded[MAX_LOOPS];
    const qm31* weights[MAX_WEIGHTS];
    u64 start[MAX_WEIGHTS];
    u64 n_kept, n_folded, n_weights;
    // Combinations of the kept loops and of the folded ones.
    u64 kept_len, folded_len;
    u64 base;
    qm31* operand;
    u64 out;
    const void* cells;
    // Bytes of a cell: 1 or 4; 0 for the constant 1.
    u64 width;
    // Cells of a share, shares, where they go; whether the lanes of a warp share the last folded loop, over neighbouring cells.
    u64 share_len, shares, partial, rows;
    qm31 scale;
};

__device__ __forceinline__ u32 cell_at(const Nest& n, u64 i) {
    if (n.width == 1) return m31_of(((const i8*)n.cells)[i]);
    if (n.width == 4) return m31_of(((const i32*)n.cells)[i]);
    return 1u;
}

// The weights at these positions multiplied, but for one of them.
__device__ __forceinline__ qm31 weights_but(const Nest& n, const u64* at, u64 but) {
    qm31 p = qm31_one();
    for (u64 k = 0; k < n.n_weights; k++)
        if (k != but) p = p * n.weights[k][at[k]];
    return p;
}

// A thread, or a warp, has one combination of the kept loops, the last of them fastest, and a share of the folded ones:
// partial[share * kept_len + combination].
extern "C" __global__ void fold_shares(const Nest* nests, const u32* starts, u32 n_nests, qm31* partial) {
    __shared__ Nest n;
    Place at_block = job_of(starts, n_nests);
    for (u32 i = threadIdx.x; i < sizeof(Nest) / 4; i += blockDim.x) ((u32*)&n)[i] = ((const u32*)(nests + at_block.job))[i];
    __syncthreads();
    u32 lanes = n.rows ? 32 : 1, blocks = (u32)((n.kept_len * lanes + blockDim.x - 1) / blockDim.x);
    u64 share = at_block.block / blocks;
    u64 t = ((u64)(at_block.block % blocks) * blockDim.x + threadIdx.x) / lanes, lane = threadIdx.x % lanes;
    if (t >= n.kept_len) return;
    u64 from = n.base + combination(n.kept, n.n_kept, t).stride;
    qm31 total = qm31_zero();
    u64 next = share * n.share_len, end = min(next + n.share_len, n.folded_len);
    while (next < end) {
        // The innermost loop runs on its own; the others stand still meanwhile.
        const Loop inner = n.folded[n.n_folded - 1];
        u64 at[MAX_WEIGHTS];
        for (u64 k = 0; k < n.n_weights; k++) at[k] = n.start[k];
        u64 here = from, left = next / inner.extent, first = next % inner.extent;
        for (u64 k = n.n_folded - 1; k-- > 0;) {
            u64 v = left % n.folded[k].extent;
            left /= n.folded[k].extent;
            here += v * n.folded[k].stride;
            at[n.folded[k].slot] += v * n.folded[k].step;
        }
        qm31 others = weights_but(n, at, inner.slot);
        u64 count = min(inner.extent - first, end - next);
        const qm31* w = n.weights[inner.slot] + at[inner.slot] + first * inner.step;
        here += first * inner.stride;
        qm31 sum = qm31_zero();
        wide_sum wide = {0, 0, 0, 0};
        u32 k = 0;
        for (u64 v = lane; v < count; v += lanes) {
            wide.add(cell_at(n, here + v * inner.stride), w[v * inner.step]);
            if ((k++ & 3) == 3) sum = sum + wide.take();
        }
        total = total + others * (sum + wide.take());
        next += count;
    }
    if (n.rows)
        for (int by = 16; by > 0; by /= 2) total = total + qm31_shuffle_down(total, by);
    if (lane == 0) partial[n.partial + share * n.kept_len + t] = total;
}

// Adds the shares up, or the cells where nothing is folded, scaled, where they belong.
extern "C" __global__ void fold_apply(const Nest* nests, const u32* starts, u32 n_nests, const qm31* partial) {
    Place at = job_of(starts, n_nests);
    const Nest& n = nests[at.job];
    u64 t = (u64)at.block * blockDim.x + threadIdx.x;
    if (t >= n.kept_len) return;
    Steps kept = combination(n.kept, n.n_kept, t);
    qm31* to = n.operand + n.out + kept.step;
    if (n.n_folded == 0) {
        *to = *to + n.scale * cell_at(n, n.base + kept.stride);
        return;
    }
    qm31 sum = qm31_zero();
    for (u64 s = 0; s < n.shares; s++) sum = sum + partial[n.partial + s * n.kept_len + t];
    *to = *to + n.scale * sum;
}
