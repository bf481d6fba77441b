extern "C" __global__ void field_ops(const qm31* x, const qm31* y, qm31* out, u32 n) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    out[i] = x[i] + y[i];
    out[n + i] = x[i] - y[i];
    out[2 * n + i] = x[i] * y[i];
    out[3 * n + i] = x[i] * y[i].a;
    out[4 * n + i] = -x[i];
    out[5 * n + i] = qm31_lerp(x[i], y[i], y[n - 1 - i]);
}

extern "C" __global__ void field_reduce(const u64* wide, const i64* sig, u32* out, u32 n) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    out[i] = reduce_wide(wide[i]);
    out[n + i] = reduce_signed(sig[i]);
}

extern "C" __global__ void field_sum(const qm31* x, qm31* out, u32 n) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    qm31 v = i < n ? x[i] : qm31_zero();
    qm31 first = block_sum(v);
    qm31 second = block_sum(v * v);
    if (threadIdx.x == 0) {
        out[2 * blockIdx.x] = first;
        out[2 * blockIdx.x + 1] = second;
    }
}
