// The shares of each row added up: a block of threads for a row.
extern "C" __global__ void total_shares(const qm31* partial, u32 shares, qm31* out) {
    qm31 sum = qm31_zero();
    for (u32 i = threadIdx.x; i < shares; i += blockDim.x) sum = sum + partial[(u64)blockIdx.x * shares + i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}
