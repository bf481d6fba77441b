// The one constraint of an opening's STARK (zkml-runtime/src/pcs/prover/sums.rs, composition.rs): prefix sums along the trace
// coset, and the quotient of the constraint.

#define THREADS 256u
#define PER_THREAD 4u
#define PER_BLOCK (THREADS * PER_THREAD)

__device__ __forceinline__ u64 reverse_bits(u64 i, u32 log_n) { return log_n == 0 ? 0 : __brevll(i) >> (64 - log_n); }

// Where the k-th element of the coset lies: a circle domain is every second one, then the others backwards; it is stored in
// bit-reversed order.
__device__ __forceinline__ u64 place(u64 k, u32 log_n) {
    u64 n = 1ull << log_n;
    u64 circle = k & 1 ? n / 2 + (n - 1 - k) / 2 : k / 2;
    return reverse_bits(circle, log_n);
}

// v e - mean
extern "C" __global__ void sum_steps(const qm31* v, const qm31* e, qm31 mean, qm31* out, u64 n) {
    u64 i = global_thread();
    if (i < n) out[i] = v[i] * e[i] - mean;
}

// Sums over the threads of a block up to each, in shared memory. It waits until nobody reads what was there before.
__device__ __forceinline__ void block_scan(qm31* shared, qm31 own) {
    __syncthreads();
    shared[threadIdx.x] = own;
    for (u32 by = 1; by < THREADS; by *= 2) {
        __syncthreads();
        qm31 before = threadIdx.x >= by ? shared[threadIdx.x - by] : qm31_zero();
        __syncthreads();
        shared[threadIdx.x] = shared[threadIdx.x] + before;
    }
    __syncthreads();
}

// Sums of the elements up to each within blocks of PER_BLOCK, and the sum of each block.
extern "C" __global__ void scan_blocks(const qm31* in, qm31* out, qm31* sums, u32 log_n) {
    __shared__ qm31 shared[THREADS];
    u64 n = 1ull << log_n, first = (u64)blockIdx.x * PER_BLOCK + threadIdx.x * PER_THREAD;
    qm31 own[PER_THREAD], total = qm31_zero();
#pragma unroll
    for (u32 r = 0; r < PER_THREAD; r++) {
        if (first + r < n) total = total + in[place(first + r, log_n)];
        own[r] = total;
    }
    block_scan(shared, total);
    qm31 before = threadIdx.x > 0 ? shared[threadIdx.x - 1] : qm31_zero();
#pragma unroll
    for (u32 r = 0; r < PER_THREAD; r++)
        if (first + r < n) out[place(first + r, log_n)] = before + own[r];
    if (threadIdx.x == THREADS - 1) sums[blockIdx.x] = shared[THREADS - 1];
}

// The sums of the blocks before each: one block of threads, piece by piece.
extern "C" __global__ void scan_sums(qm31* sums, u64 n) {
    __shared__ qm31 shared[THREADS];
    qm31 carry = qm31_zero();
    for (u64 start = 0; start < n; start += THREADS) {
        u64 i = start + threadIdx.x;
        qm31 own = i < n ? sums[i] : qm31_zero();
        block_scan(shared, own);
        if (i < n) sums[i] = carry + shared[threadIdx.x] - own;
        carry = carry + shared[THREADS - 1];
    }
}

extern "C" __global__ void scan_add(qm31* out, const qm31* sums, u32 log_n) {
    u64 k = global_thread();
    if (k >> log_n) return;
    u64 at = place(k, log_n);
    out[at] = out[at] + sums[k / PER_BLOCK];
}

// Four columns of coordinates, one after the other.
extern "C" __global__ void to_coordinates(const qm31* in, u32* out, u64 n) {
    u64 i = global_thread();
    if (i >= n) return;
    qm31 x = in[i];
    out[i] = x.a;
    out[n + i] = x.b;
    out[2 * n + i] = x.c;
    out[3 * n + i] = x.d;
}

__device__ __forceinline__ qm31 joined(const u32* columns, u64 n, u64 i) {
    return {columns[i], columns[n + i], columns[2 * n + i], columns[3 * n + i]};
}

// (S - S_prev + mean - V E) / vanishing on a domain of n = 2^log_n points; each of S, V, E four columns of `stride` words. The
// vanishing polynomial takes two values, on the two halves.
extern "C" __global__ void constraint_quotient(const u32* s, const u32* v, const u32* e, u64 stride, u32 log_n, qm31 mean,
                                               u32 inverse0, u32 inverse1, qm31* out) {
    u64 n = 1ull << log_n, i = global_thread();
    if (i >= n) return;
    u64 half = n / 2, natural = reverse_bits(i, log_n);
    // One step of the trace coset back: back in the half coset, and forth in its conjugate.
    u64 previous = natural < half ? (natural - 1) & (half - 1) : half | ((natural + 1) & (half - 1));
    previous = reverse_bits(previous, log_n);
    qm31 numerator = joined(s, stride, i) - joined(s, stride, previous) + mean - joined(v, stride, i) * joined(e, stride, i);
    out[i] = numerator * (i < half ? inverse0 : inverse1);
}

// Coordinates joined again.
extern "C" __global__ void from_coordinates(const u32* in, qm31* out, u64 n) {
    u64 i = global_thread();
    if (i < n) out[i] = joined(in, n, i);
}

// x^(p - 2): all bits of p - 2 are ones but the second.
__device__ __forceinline__ u32 m31_inverse(u32 x) {
    u32 r = x;
    for (int bit = 29; bit >= 0; bit--) {
        r = m31_mul(r, r);
        if (bit != 1) r = m31_mul(r, x);
    }
    return r;
}

// The samples at one point, combined: columns of the opening's own as elements, the others by coordinates, or null.
struct Batch {
    const qm31* own;
    const u32* given;
    u64 stride;
    qm31 a, b, x, y;
};

// sum over batches of (columns - a y - b) / ((Re x - X) Im y - (Re y - Y) Im x) at the points (X, Y).
extern "C" __global__ void sample_quotients(const Batch* batches, u32 n_batches, const u32* xs, const u32* ys, u64 n, qm31* out) {
    u64 i = global_thread();
    if (i >= n) return;
    u32 x = xs[i], y = ys[i];
    qm31 sum = qm31_zero();
    for (u32 k = 0; k < n_batches; k++) {
        Batch s = batches[k];
        qm31 numerator = s.own[i] - s.b - s.a * y;
        if (s.given) numerator = numerator + joined(s.given, s.stride, i);
        qm31 rx = {m31_sub(s.x.a, x), s.x.b, 0u, 0u}, ix = {s.x.c, s.x.d, 0u, 0u};
        qm31 ry = {m31_sub(s.y.a, y), s.y.b, 0u, 0u}, iy = {s.y.c, s.y.d, 0u, 0u};
        qm31 d = rx * iy - ry * ix;
        u32 inverse = m31_inverse(m31_add(m31_mul(d.a, d.a), m31_mul(d.b, d.b)));
        qm31 conjugate = {m31_mul(d.a, inverse), m31_mul(m31_sub(0u, d.b), inverse), 0u, 0u};
        sum = sum + numerator * conjugate;
    }
    out[i] = sum;
}
