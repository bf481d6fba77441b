// The sumcheck that reduces an opening's claims to one point (zkml-runtime/src/pcs/prover/low.rs, high.rs).
//
// Groups of claims with free low variables: eq(point, lo) U(lo) for each, side by side in one buffer, each at a multiple of two,
// so that its eq lies at half of that in another. Columns whose low variables are bound: values and weights of all of them in two
// buffers.

// A block of threads has 256 elements of one job, or PAIRS * 256 pairs of one group.
#define PAIRS 4u

__device__ __forceinline__ u32 word_of(const Column& c, u64 i) {
    return c.bytes ? m31_of(((const i8*)c.data)[i]) : ((const u32*)c.data)[i];
}

// A few terms of a group: out[to + i] = sum of weight * cells[i].
struct Job {
    u64 first, n_terms, log_len, to;
};

extern "C" __global__ void group_sums(const Job* jobs, const u32* starts, u32 n_jobs, const Column* terms, qm31* out) {
    Place at = job_of(starts, n_jobs);
    Job job = jobs[at.job];
    u64 i = (u64)at.block * blockDim.x + threadIdx.x;
    if (i >> job.log_len) return;
    wide_sum wide = {0, 0, 0, 0};
    qm31 total = qm31_zero();
    for (u64 k = 0; k < job.n_terms; k++) {
        Column term = terms[job.first + k];
        wide.add(word_of(term, i), term.weight);
        if ((k & 3) == 3) total = total + wide.take();
    }
    out[job.to + i] = total + wide.take();
}

// A group's jobs added up.
struct Parts {
    u64 from, count, log_len, to;
};

extern "C" __global__ void group_add(const Parts* parts, const u32* starts, u32 n_parts, const qm31* in, qm31* out) {
    Place at = job_of(starts, n_parts);
    Parts p = parts[at.job];
    u64 i = (u64)at.block * blockDim.x + threadIdx.x;
    if (i >> p.log_len) return;
    qm31 sum = qm31_zero();
    for (u64 k = 0; k < p.count; k++) sum = sum + in[p.from + (k << p.log_len) + i];
    out[p.to + i] = sum;
}

struct Group {
    u64 at, vars;
};

// Shares of a round: both coefficients of each group times what they count.
extern "C" __global__ void group_round(const Group* groups, const u32* starts, u32 n_groups, const qm31* scales, u32 round,
                                       const qm31* values, const qm31* eq, u64 shares, qm31* partial) {
    Place at = job_of(starts, n_groups);
    Group g = groups[at.job];
    u64 pairs = 1ull << (g.vars - 1 - round);
    qm31 even = qm31_zero(), odd = qm31_zero();
#pragma unroll
    for (u32 k = 0; k < PAIRS; k++) {
        u64 i = ((u64)at.block * PAIRS + k) * blockDim.x + threadIdx.x;
        if (i >= pairs) break;
        qm31 e = eq[g.at / 2 + i];
        even = even + e * values[g.at + 2 * i];
        odd = odd + e * values[g.at + 2 * i + 1];
    }
    even = block_sum(even);
    odd = block_sum(odd);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = scales[2 * at.job] * even;
        partial[shares + blockIdx.x] = scales[2 * at.job + 1] * (odd - even);
    }
}

// Binds the lowest variable of the values, and sums it out of eq.
extern "C" __global__ void group_bind(const Group* groups, const u32* starts, u32 n_groups, qm31 r, u32 round, const qm31* values,
                                      const qm31* eq, qm31* new_values, qm31* new_eq) {
    Place at = job_of(starts, n_groups);
    Group g = groups[at.job];
    u64 pairs = 1ull << (g.vars - 1 - round);
#pragma unroll
    for (u32 k = 0; k < PAIRS; k++) {
        u64 i = ((u64)at.block * PAIRS + k) * blockDim.x + threadIdx.x;
        if (i >= pairs) break;
        new_values[g.at + i] = qm31_lerp(values[g.at + 2 * i], values[g.at + 2 * i + 1], r);
        if (2 * i < pairs && pairs > 1) new_eq[g.at / 2 + i] = eq[g.at / 2 + 2 * i] + eq[g.at / 2 + 2 * i + 1];
    }
}

// Columns folded over their lowest variables: out[column, hi] = sum over lo of weights[lo] * column[hi, lo]. `lanes` neighbours
// of a warp share one of the n.
extern "C" __global__ void fold_columns(const Column* columns, u32 log_lo, u32 log_hi, u64 n, const qm31* weights, u32 lanes,
                                        qm31* out) {
    u64 item = global_thread() / lanes;
    u32 lane = threadIdx.x % lanes;
    qm31 total = qm31_zero();
    if (item < n) {
        Column c = columns[item >> log_hi];
        u64 base = (item & ((1ull << log_hi) - 1)) << log_lo;
        wide_sum wide = {0, 0, 0, 0};
        u32 k = 0;
        for (u64 lo = lane; lo >> log_lo == 0; lo += lanes) {
            wide.add(word_of(c, base + lo), weights[lo]);
            if ((k++ & 3) == 3) total = total + wide.take();
        }
        total = total + wide.take();
    }
    for (u32 by = lanes / 2; by > 0; by /= 2) total = total + qm31_shuffle_down(total, by);
    if (lane == 0 && item < n) out[item] = total;
}

struct Entry {
    u64 at;
    qm31 weight;
};

// No two of them are at one place.
extern "C" __global__ void add_weights(const Entry* entries, u64 n, qm31* weights) {
    u64 i = global_thread();
    if (i < n) weights[entries[i].at] = weights[entries[i].at] + entries[i].weight;
}

// Shares of sum w0 c0 and of sum (w1 - w0)(c1 - c0) over pairs of neighbours, after those of the groups.
extern "C" __global__ void column_round(const qm31* values, const qm31* weights, u64 pairs, u64 first, u64 shares, qm31* partial) {
    qm31 low = qm31_zero(), high = qm31_zero();
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = global_thread(); i < pairs; i += step) {
        qm31 w0 = weights[2 * i], w1 = weights[2 * i + 1];
        // Most slots carry no claim.
        if ((w0.a | w0.b | w0.c | w0.d | w1.a | w1.b | w1.c | w1.d) == 0) continue;
        qm31 c0 = values[2 * i], c1 = values[2 * i + 1];
        low = low + w0 * c0;
        high = high + (w1 - w0) * (c1 - c0);
    }
    low = block_sum(low);
    high = block_sum(high);
    if (threadIdx.x == 0) {
        partial[first + blockIdx.x] = low;
        partial[shares + first + blockIdx.x] = high;
    }
}
