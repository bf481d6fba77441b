// The integers of a model's nodes and the cells they commit (zkml-ir/src/exec/recipe.rs says which; the ops' own folders why). All
// tensors are row-major and of 32 bits, but for weights of bytes. `failed` counts what a run may not contain.

#define MAX_DIMS 16

__device__ __forceinline__ i32 value_at(const void* x, u32 width, u64 i) {
    return width == 1 ? (i32)((const i8*)x)[i] : ((const i32*)x)[i];
}

// An element for each combination of the dims, the last of them fastest.
struct View {
    u64 rank, base;
    u64 dims[MAX_DIMS], strides[MAX_DIMS];
};

__device__ __forceinline__ u64 place(const View& v, u64 i) {
    u64 at = v.base;
    for (u64 k = v.rank; k-- > 0;) {
        at += i % v.dims[k] * v.strides[k];
        i /= v.dims[k];
    }
    return at;
}

extern "C" __global__ void view(View v, const void* x, u32 width, i32* out, u64 n) {
    u64 i = global_thread();
    if (i < n) out[i] = value_at(x, width, place(v, i));
}

extern "C" __global__ void one_hot(const u32* ones, u64 columns, i32* out, u64 n) {
    u64 i = global_thread();
    if (i < n) out[i] = i % columns == ones[i / columns];
}

// op 0: x + y, 1: x - y, 2: x y.
extern "C" __global__ void zip(View vx, const void* x, u32 wx, View vy, const void* y, u32 wy, u32 op, i32* out, u64 n) {
    u64 i = global_thread();
    if (i >= n) return;
    u32 a = value_at(x, wx, place(vx, i)), b = value_at(y, wy, place(vy, i));
    out[i] = (i32)(op == 0 ? a + b : op == 1 ? a - b : a * b);
}

extern "C" __global__ void scale(const void* x, u32 width, i64 by, i32* out, u64 n) {
    u64 i = global_thread();
    if (i < n) out[i] = (i32)((i64)value_at(x, width, i) * by);
}

extern "C" __global__ void look_up(const void* x, u32 width, i32 from, const i32* values, u64 n_values, i32* out, u64 n,
                                   u32* failed) {
    u64 i = global_thread();
    if (i >= n) return;
    i64 at = (i64)value_at(x, width, i) - from;
    if (at < 0 || at >= (i64)n_values) {
        atomicAdd(failed, 1u);
        at = 0;
    }
    out[i] = values[at];
}

#define TILE 64u
#define STEP 16u

// c[batch] += a[batch] b[batch] over a share (blockIdx.z / batches) of k; 256 threads, sixteen outputs each. Arithmetic wraps.
extern "C" __global__ void matmul(const void* a, u32 wa, const void* b, u32 wb, i32* c, u64 m, u64 k, u64 n, u32 batches,
                                  u64 share) {
    __shared__ i32 left[STEP][TILE + 1], right[STEP][TILE];
    u32 batch = blockIdx.z % batches;
    u64 from = blockIdx.z / batches * share, to = min(from + share, k);
    u64 row = (u64)blockIdx.y * TILE, column = (u64)blockIdx.x * TILE;
    u64 a0 = batch * m * k, b0 = batch * k * n;
    u32 ty = threadIdx.x / 16, tx = threadIdx.x % 16;
    u32 sum[4][4] = {};
    for (u64 at = from; at < to; at += STEP) {
        for (u32 i = threadIdx.x; i < STEP * TILE; i += blockDim.x) {
            u32 r = i / STEP, s = i % STEP;
            left[s][r] = row + r < m && at + s < to ? value_at(a, wa, a0 + (row + r) * k + at + s) : 0;
            u32 q = i % TILE, p = i / TILE;
            right[p][q] = column + q < n && at + p < to ? value_at(b, wb, b0 + (at + p) * n + column + q) : 0;
        }
        __syncthreads();
#pragma unroll
        for (u32 s = 0; s < STEP; s++) {
            u32 x[4], y[4];
#pragma unroll
            for (u32 i = 0; i < 4; i++) {
                x[i] = left[s][ty * 4 + i];
                y[i] = right[s][tx + 16 * i];
            }
#pragma unroll
            for (u32 i = 0; i < 4; i++)
#pragma unroll
                for (u32 j = 0; j < 4; j++) sum[i][j] += x[i] * y[j];
        }
        __syncthreads();
    }
    bool alone = gridDim.z == batches;
#pragma unroll
    for (u32 i = 0; i < 4; i++)
#pragma unroll
        for (u32 j = 0; j < 4; j++) {
            u64 r = row + ty * 4 + i, q = column + tx + 16 * j;
            if (r >= m || q >= n) continue;
            u32* to_add = (u32*)c + batch * m * n + r * n + q;
            if (alone) *to_add = sum[i][j];
            else atomicAdd(to_add, sum[i][j]);
        }
}

// Cells of a rescale: narrow ones q, r or its limbs, y; wide ones h, l, r, t, base, low. Null where there is none.
struct Rescale {
    i64 m;
    u32 s, window;
    i32 lo, hi;
    // Bits of the low limb of r, of a wide q's low digit; 0 where there is none.
    u32 limb, wide;
    i32* cells[6];
    i32* y;
};

extern "C" __global__ void rescale(const void* x, u32 width, Rescale to, u64 n, u32* failed) {
    u64 i = global_thread();
    if (i >= n) return;
    i64 v = to.m * (i64)value_at(x, width, i) + (1ll << (to.s - 1));
    i64 q = v >> to.s;
    i32 r = (i32)(v & ((1ll << to.s) - 1));
    i64 reach = 1ll << (to.window - 1);
    if (q < -reach || q >= reach) atomicAdd(failed, 1u);
    i32 y = q < to.lo ? to.lo : q > to.hi ? to.hi : (i32)q;
    to.y[i] = y;
    if (to.wide) {
        i32 h = (i32)(q >> to.wide), l = (i32)(q & ((1 << to.wide) - 1)), start = h << to.wide;
        i32 t = start < to.lo ? 0 : start > to.hi ? 2 : 1;
        to.cells[0][i] = h;
        to.cells[1][i] = l;
        to.cells[2][i] = r;
        to.cells[3][i] = t;
        to.cells[4][i] = t == 0 ? to.lo : t == 2 ? to.hi + 1 - (1 << to.wide) : start;
        to.cells[5][i] = t == 0 ? 0 : t == 2 ? (1 << to.wide) - 1 : l;
        return;
    }
    to.cells[0][i] = (i32)q;
    to.cells[1][i] = to.limb ? r & ((1 << to.limb) - 1) : r;
    if (to.limb) to.cells[2][i] = r >> to.limb;
}

// Rows of scores, as zkml-ir/src/ops/softmax/score_rows.rs and attention/core.rs have them: a block of threads for each.
struct Attention {
    u64 queries, keys, width, rows_of_matrix;
    // Keys of the last query only less than so many places away; 0 for all.
    u64 window;
    u32 causal, log_grain, sum_bits, reach, digit, limb, fraction;
    const i32* exponentials;
    i32 *reference, *e, *nearer, *f1, *s0, *s1;
    i32* of_value[4];
};

__device__ __forceinline__ i64 block_sum_of(i64 x) {
    __shared__ i64 warps[32];
    for (int by = 16; by > 0; by /= 2) x += __shfl_xor_sync(~0u, x, by);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = x;
    __syncthreads();
    i64 sum = 0;
    for (u32 w = 0; w < blockDim.x / 32; w++) sum += warps[w];
    return sum;
}

extern "C" __global__ void attention(const i32* scores, const void* v, u32 wv, Attention to, u32* failed) {
    extern __shared__ i32 row_e[];
    __shared__ i32 largest;
    u64 row = blockIdx.x, query = row % to.queries;
    const i32* x = scores + row * to.keys;
    if (threadIdx.x == 0) largest = (i32)0x80000000;
    __syncthreads();
    i32 own = (i32)0x80000000;
    u32 any = 0;
    for (u64 j = threadIdx.x; j < to.keys; j += blockDim.x) {
        u64 apart = query > j ? query - j : j - query;
        bool allowed = (!to.causal || j <= query) && (to.window == 0 || apart < to.window);
        if (!allowed) continue;
        any = 1;
        own = max(own, x[j]);
    }
    atomicMax(&largest, own);
    any = block_sum_of(any) > 0;
    i32 most = largest;
    if (!any) {
        if (threadIdx.x == 0) atomicAdd(failed, 1u);
        return;
    }
    // The least reference above the largest score for which the sum fits: sums fall as it rises.
    auto sum_at = [&](u32 above) {
        i64 sum = 0;
        for (u64 j = threadIdx.x; j < to.keys; j += blockDim.x) {
            u64 apart = query > j ? query - j : j - query;
            bool allowed = (!to.causal || j <= query) && (to.window == 0 || apart < to.window);
            if (allowed) sum += to.exponentials[((most - x[j]) << to.log_grain) + above];
        }
        return block_sum_of(sum);
    };
    u32 low = 0, high = to.reach;
    i64 limit = 1ll << to.sum_bits;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (sum_at(middle) < limit) high = middle;
        else low = middle + 1;
    }
    u32 above = low;
    i64 sum = 0, near = 0;
    for (u64 j = threadIdx.x; j < to.keys; j += blockDim.x) {
        u64 apart = query > j ? query - j : j - query;
        bool allowed = (!to.causal || j <= query) && (to.window == 0 || apart < to.window);
        i32 e = 0, nearer = 0;
        if (allowed) {
            u32 d = above + ((most - x[j]) << to.log_grain);
            e = to.exponentials[d];
            nearer = d == 0 ? 1 << to.sum_bits : to.exponentials[d - 1];
        }
        sum += e;
        near += nearer;
        row_e[j] = e;
        to.e[row * to.keys + j] = e;
        to.nearer[row * to.keys + j] = nearer;
    }
    sum = block_sum_of(sum);
    near = block_sum_of(near);
    i32 s = (i32)sum;
    if (threadIdx.x == 0) {
        to.reference[row] = (most << to.log_grain) + (i32)above;
        to.f1[row] = (i32)((near - limit) >> 16);
        to.s0[row] = s & ((1 << to.digit) - 1);
        to.s1[row] = s >> to.digit;
    }
    u64 first = row / to.rows_of_matrix * to.keys * to.width;
    for (u64 d = threadIdx.x; d < to.width; d += blockDim.x) {
        i32 n = 0;
        for (u64 j = 0; j < to.keys; j++) n += row_e[j] * value_at(v, wv, first + j * to.width + d);
        i32 total = n * (2 << to.fraction) + s, by = 2 * s;
        i32 o = total / by, t = total % by;
        if (t < 0) {
            t += by;
            o -= 1;
        }
        i32 u = by - 1 - t;
        u64 at = row * to.width + d;
        to.of_value[0][at] = o;
        to.of_value[1][at] = t & ((1 << to.limb) - 1);
        to.of_value[2][at] = t >> to.limb;
        to.of_value[3][at] = u >> to.limb;
    }
}

// A normalised row, as zkml-ir/src/ops/layer_norm/lower.rs has it: a block of threads for each.
struct LayerNorm {
    u64 d, block, n_limbs;
    u32 limb_from[2], limb_bits[2];
    u32 shift, mean_bits, s, pad;
    i64 epsilon;
    const i32* gains;
    i32 *mu, *tau, *t;
    i32 *w[2], *l, *carry, *carry_low;
    i32 *p, *v, *g, *t2, *n, *r, *value;
};

extern "C" __global__ void layer_norm(const i32* all, LayerNorm to) {
    u64 row = blockIdx.x;
    i64 d = (i64)to.d;
    const i32* x = all + row * to.d;
    i64 own = 0;
    for (u64 j = threadIdx.x; j < to.d; j += blockDim.x) own += x[j];
    i64 sum = block_sum_of(own) * (1ll << to.mean_bits) + d / 2;
    i64 mean = sum / d, rest = sum % d;
    if (rest < 0) {
        rest += d;
        mean -= 1;
    }
    i64 half = 1ll << (to.mean_bits - 1), mu = (mean + half) >> to.mean_bits;
    own = 0;
    for (u64 j = threadIdx.x; j < to.d; j += blockDim.x) own += (x[j] - mu) * (x[j] - mu);
    i64 squares = block_sum_of(own), low_mask = (1ll << to.shift) - 1;
    if (to.block) {
        u64 blocks = to.d / to.block;
        i64 low = 0;
        for (u64 b = threadIdx.x; b < blocks; b += blockDim.x) {
            i64 q = 0;
            for (u64 j = 0; j < to.block; j++) {
                i64 c = x[b * to.block + j] - mu;
                q += c * c;
            }
            for (u64 k = 0; k < to.n_limbs; k++)
                to.w[k][row * blocks + b] = (i32)((q >> to.shift >> to.limb_from[k]) & ((1ll << to.limb_bits[k]) - 1));
            if (to.shift) to.l[row * blocks + b] = (i32)(q & low_mask);
            low += q & low_mask;
        }
        low = block_sum_of(low);
        if (threadIdx.x == 0 && to.shift) {
            to.carry[row] = (i32)(low >> to.shift);
            to.carry_low[row] = (i32)(low & low_mask);
        }
    }
    i64 variance = to.epsilon + (squares >> to.shift);
    u32 e = 0;
    while (e < 8 && variance >= (1ll << 13) << (2 * e)) e++;
    i64 p = 1ll << (2 * e), v = variance >> (2 * e);
    i64 at = e == 0 ? v - 1 : (1 << 13) - 1 + (e - 1) * ((1 << 13) - (1 << 11)) + v - (1 << 11);
    i64 g = to.gains[at];
    if (threadIdx.x == 0) {
        to.mu[row] = (i32)mu;
        to.tau[row] = (i32)(mean + half - mu * (1ll << to.mean_bits));
        to.t[row] = (i32)rest;
        to.p[row] = (i32)p;
        to.v[row] = (i32)v;
        to.g[row] = (i32)g;
        to.t2[row] = (i32)(variance - p * v);
    }
    for (u64 j = threadIdx.x; j < to.d; j += blockDim.x) {
        i64 y = (x[j] * (1ll << to.mean_bits) - mean) * g + (1ll << (to.s - 1));
        u64 i = row * to.d + j;
        to.n[i] = to.value[i] = (i32)(y >> to.s);
        to.r[i] = (i32)(y & ((1ll << to.s) - 1));
    }
}

// Rows of up to 17 bits (zkml-ir/src/ops/norm): sums over each, from which the CPU computes its cells.
struct RowSums {
    i64 sum, squares, low_squares, cross;
};

extern "C" __global__ void norm_sums(const i32* all, u64 d, u32 centred, u32 digit, RowSums* out) {
    const i32* x = all + (u64)blockIdx.x * d;
    i64 own = 0;
    for (u64 j = threadIdx.x; j < d; j += blockDim.x) own += x[j];
    i64 sum = block_sum_of(own), mu = 0;
    if (centred) {
        i64 shifted = sum + (i64)d / 2;
        mu = shifted / (i64)d;
        if (shifted % (i64)d < 0) mu -= 1;
    }
    RowSums s = {0, 0, 0, 0};
    i64 mask = (1ll << digit) - 1;
    for (u64 j = threadIdx.x; j < d; j += blockDim.x) {
        i64 c = x[j] - mu, h = c >> digit, l = c & mask;
        s.squares += c * c;
        s.low_squares += l * l;
        s.cross += h * l;
    }
    s.sum = sum;
    s.squares = block_sum_of(s.squares);
    s.low_squares = block_sum_of(s.low_squares);
    s.cross = block_sum_of(s.cross);
    if (threadIdx.x == 0) out[blockIdx.x] = s;
}

struct NormRow {
    i64 mu, g, h;
};

// n and its remainder, and the high digits of c if there is a place for them.
extern "C" __global__ void norm_apply(const i32* x, u64 d, const NormRow* rows, u32 shift, u32 digit, i32* digits, i32* n, i32* r,
                                      i32* value, u64 len) {
    u64 i = global_thread();
    if (i >= len) return;
    NormRow row = rows[i / d];
    i64 c = x[i] - row.mu, y = c * row.g - row.h + (1ll << (shift - 1));
    if (digits) digits[i] = (i32)(c >> digit);
    n[i] = value[i] = (i32)(y >> shift);
    r[i] = (i32)(y & ((1ll << shift) - 1));
}

// An entry of a tuple: words of the base field, bytes, or nothing but a constant.
struct Entry {
    const void* data;
    u64 width;
    i64 constant;
};

__device__ __forceinline__ i64 entry_at(const Entry& e, u64 i) {
    if (e.width == 0) return e.constant;
    if (e.width == 1) return ((const i8*)e.data)[i] + e.constant;
    u32 word = ((const u32*)e.data)[i];
    return (word > P / 2 ? (i64)word - (i64)P : (i64)word) + e.constant;
}

// How a row is found: 0: x - a for x in [a, b]; 1: 2^x + y for x <= a; 2: x 2^b + y for x <= a; 3: zkml-ir/src/tables/rsqrt.rs.
struct Counted {
    Entry x, y;
    u64 kind;
    i64 a, b;
    u64 len;
    u32* counts;
};

__device__ __forceinline__ i64 row_of(const Counted& r, i64 x, i64 y) {
    switch (r.kind) {
    case 0: return x >= r.a && x <= r.b ? x - r.a : -1;
    case 1: return x >= 0 && x <= r.a && y >= 0 && y < (1ll << x) ? (1ll << x) + y : -1;
    case 2: return x >= 0 && x <= r.a && y >= 0 && y < (1ll << r.b) ? (x << r.b) + y : -1;
    default: {
        const i64 low = 1 << 11, high = 1 << 13;
        if (x <= 0 || (x & (x - 1)) != 0) return -1;
        i64 bits = 63 - __clzll(x), e = bits / 2;
        if (bits % 2 != 0 || e > 8) return -1;
        i64 from = e == 0 ? 1 : low, before = e == 0 ? 0 : high - 1 + (e - 1) * (high - low);
        return y >= from && y < high ? before + y - from : -1;
    }
    }
}

// How often each row of each table is looked up. Neighbours often look up one row: a warp counts it once.
extern "C" __global__ void count_rows(const Counted* lookups, const u32* starts, u32 n_lookups, u32* failed) {
    Place at = job_of(starts, n_lookups);
    const Counted l = lookups[at.job];
    u64 i = (u64)at.block * blockDim.x + threadIdx.x;
    bool there = i < l.len;
    i64 row = there ? row_of(l, entry_at(l.x, i), entry_at(l.y, i)) : -1;
    if (there && row < 0) atomicAdd(failed, 1u);
    u32 same = __match_any_sync(~0u, (u32)row);
    if (there && row >= 0 && (threadIdx.x & 31) == __ffs(same) - 1) atomicAdd(l.counts + row, __popc(same));
}
