// What an opening computes from committed columns: linear combinations of them, inner products with them, and the vectors of
// weights that these take (zkml-runtime/src/pcs/prover).

#define ROWS 4u

// Four neighbouring rows of a column: one read of four or of sixteen bytes.
struct Rows { u32 x[ROWS]; };

__device__ __forceinline__ Rows rows_of(const void* data, u64 bytes, u64 quad) {
    if (bytes) {
        char4 v = ((const char4*)data)[quad];
        return {{m31_of(v.x), m31_of(v.y), m31_of(v.z), m31_of(v.w)}};
    }
    uint4 v = ((const uint4*)data)[quad];
    return {{v.x, v.y, v.z, v.w}};
}

// out[row] = sum over columns of weight * column[row]; a thread has four rows.
extern "C" __global__ void weighted_sum(const Column* columns, u32 n_columns, u64 quads, qm31* out) {
    u64 quad = global_thread();
    if (quad >= quads) return;
    wide_sum wide[ROWS];
    qm31 total[ROWS];
#pragma unroll
    for (u32 r = 0; r < ROWS; r++) {
        wide[r] = {0, 0, 0, 0};
        total[r] = qm31_zero();
    }
    for (u32 k = 0; k < n_columns; k++) {
        Column c = columns[k];
        Rows rows = rows_of(c.data, c.bytes, quad);
#pragma unroll
        for (u32 r = 0; r < ROWS; r++) {
            wide[r].add(rows.x[r], c.weight);
            if ((k & 3) == 3) total[r] = total[r] + wide[r].take();
        }
    }
#pragma unroll
    for (u32 r = 0; r < ROWS; r++) out[ROWS * quad + r] = total[r] + wide[r].take();
}

#define TOGETHER 4u

// Shares of the inner products of TOGETHER columns (blockIdx.y) with the weights: a block of threads goes over every
// gridDim.x-th piece of the rows. partial[column * gridDim.x + block].
extern "C" __global__ void inner_products(const Column* columns, u32 n_columns, const qm31* weights, u64 quads,
                                          qm31* partial) {
    u32 first = blockIdx.y * TOGETHER, n = min(TOGETHER, n_columns - first);
    qm31 total[TOGETHER];
#pragma unroll
    for (u32 k = 0; k < TOGETHER; k++) total[k] = qm31_zero();
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 quad = global_thread(); quad < quads; quad += step) {
        qm31 w[ROWS];
#pragma unroll
        for (u32 r = 0; r < ROWS; r++) w[r] = weights[ROWS * quad + r];
#pragma unroll
        for (u32 k = 0; k < TOGETHER; k++) {
            if (k >= n) break;
            Column c = columns[first + k];
            Rows rows = rows_of(c.data, c.bytes, quad);
            wide_sum wide = {0, 0, 0, 0};
#pragma unroll
            for (u32 r = 0; r < ROWS; r++) wide.add(rows.x[r], w[r]);
            total[k] = total[k] + wide.take();
        }
    }
#pragma unroll
    for (u32 k = 0; k < TOGETHER; k++) {
        qm31 sum = block_sum(total[k]);
        if (threadIdx.x == 0 && k < n) partial[(u64)(first + k) * gridDim.x + blockIdx.x] = sum;
    }
}

// eq over all points from its two factors.
extern "C" __global__ void eq_product(const qm31* high, const qm31* low, u32 low_bits, qm31* out, u64 n) {
    u64 i = global_thread();
    if (i < n) out[i] = high[i >> low_bits] * low[i & ((1ull << low_bits) - 1)];
}

// One layer of the transposed transform: a weight w becomes w + w f t and w - w f t.
extern "C" __global__ void split_weights(const qm31* in, const u32* factors, qm31 at, qm31* out, u64 n) {
    u64 i = global_thread();
    if (i >= n) return;
    qm31 w = in[i], step = w * at * factors[i];
    out[2 * i] = w + step;
    out[2 * i + 1] = w - step;
}

// The lowest variable of a vector bound: a + r (b - a).
extern "C" __global__ void bind_lowest(const qm31* in, qm31 r, qm31* out, u64 n) {
    u64 i = global_thread();
    if (i < n) out[i] = qm31_lerp(in[2 * i], in[2 * i + 1], r);
}

// One fold of FRI: values at x and -x (or at a point and its conjugate) to (a + b) + alpha (a - b) / x.
extern "C" __global__ void fri_fold(const qm31* in, const u32* factors, qm31 alpha, qm31* out, u64 n) {
    u64 i = global_thread();
    if (i >= n) return;
    qm31 a = in[2 * i], b = in[2 * i + 1];
    out[i] = a + b + alpha * ((a - b) * factors[i]);
}
