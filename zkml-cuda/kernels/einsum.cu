// The rounds of the batched einsum sumcheck (zkml-runtime/src/einsum): one launch for all products of a plan, a row of blocks for
// each. Operands are bound in place: the lower half takes the value.

struct Product {
    qm31* a;
    qm31* b;
    qm31* eq;
    u32 vars, batch_vars;
    qm31 scale;
};

// Batch variables of a product that are not bound when `left` of its variables are not.
__device__ __forceinline__ u32 unbound(const Product& p, u32 left) {
    u32 bound = p.vars - left;
    return p.batch_vars > bound ? p.batch_vars - bound : 0;
}

// Shares of a product's claim: partial[product * gridDim.x + block].
extern "C" __global__ void einsum_claims(const Product* products, qm31* partial) {
    Product p = products[blockIdx.y];
    u32 inner = p.vars - p.batch_vars;
    qm31 sum = qm31_zero();
    for (u64 j = global_thread(); j >> p.vars == 0; j += (u64)gridDim.x * blockDim.x)
        sum = sum + p.eq[j >> inner] * (p.a[j] * p.b[j]);
    sum = block_sum(sum * p.scale);
    if (threadIdx.x == 0) partial[(u64)blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

// Shares of coefficients 0, 2 and 3: three rows, one share for each block.
extern "C" __global__ void einsum_round(const Product* products, u32 left, qm31* partial) {
    Product p = products[blockIdx.y];
    qm31 c0 = qm31_zero(), c2 = qm31_zero(), c3 = qm31_zero();
    if (p.vars >= left) {
        u64 half = 1ull << (left - 1), step = (u64)gridDim.x * blockDim.x;
        u32 batch = unbound(p, left);
        // Pairs that share a pair of eq.
        u32 inner = left - batch;
        for (u64 j = global_thread(); j < half; j += step) {
            qm31 a0 = p.a[j], a1 = p.a[j + half], b0 = p.b[j], b1 = p.b[j + half];
            qm31 low = a0 * b0, high = (a1 - a0) * (b1 - b0);
            if (batch == 0) {
                qm31 e = p.eq[0];
                c0 = c0 + e * low;
                c2 = c2 + e * high;
            } else {
                u64 x = j >> inner;
                qm31 e0 = p.eq[x], e1 = p.eq[x + (1ull << (batch - 1))] - e0;
                qm31 mid = a1 * b1 - low - high;
                c0 = c0 + e0 * low;
                c2 = c2 + e0 * high + e1 * mid;
                c3 = c3 + e1 * high;
            }
        }
    }
    u64 shares = (u64)gridDim.x * gridDim.y, at = (u64)blockIdx.y * gridDim.x + blockIdx.x;
    c0 = block_sum(c0 * p.scale);
    c2 = block_sum(c2 * p.scale);
    c3 = block_sum(c3 * p.scale);
    if (threadIdx.x == 0) {
        partial[at] = c0;
        partial[shares + at] = c2;
        partial[2 * shares + at] = c3;
    }
}

// Binds the first unbound variable of every product that has one. Nothing is read that another thread writes: eq is only
// read and written here, and each element of the lower half by one thread.
extern "C" __global__ void einsum_bind(const Product* products, u32 left, qm31 r) {
    Product p = products[blockIdx.y];
    if (p.vars < left) return;
    u64 half = 1ull << (left - 1), step = (u64)gridDim.x * blockDim.x;
    u32 batch = unbound(p, left);
    for (u64 j = global_thread(); j < half; j += step) {
        p.a[j] = qm31_lerp(p.a[j], p.a[j + half], r);
        p.b[j] = qm31_lerp(p.b[j], p.b[j + half], r);
        if (batch > 0 && j >> (batch - 1) == 0) p.eq[j] = qm31_lerp(p.eq[j], p.eq[j + (1ull << (batch - 1))], r);
    }
}

// The one element of each operand that is left.
extern "C" __global__ void einsum_operands(const Product* products, u32 n, qm31* out) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    out[2 * i] = products[i].a[0];
    out[2 * i + 1] = products[i].b[0];
}
