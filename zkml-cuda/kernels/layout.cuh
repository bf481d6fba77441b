// How data lies that several files of kernels read.

// A column, words of the base field or centred bytes, and its weight.
struct Column {
    const void* data;
    u64 bytes;
    qm31 weight;
};

// A loop over cells, which steps through something else too: an output, or the weights of this number.
struct Loop {
    u64 extent, stride, step, slot;
};

// How far loops have gone.
struct Steps {
    u64 stride, step;
};

// The t-th combination of n loops, the last of them fastest. There are fewer than 2^32: such divisions are cheap.
__device__ __forceinline__ Steps combination(const Loop* loops, u64 n, u64 t) {
    Steps s = {0, 0};
    u32 left = (u32)t;
    for (u64 k = n; k-- > 0;) {
        u32 extent = (u32)loops[k].extent, rest = left / extent;
        u64 v = left - rest * extent;
        left = rest;
        s.stride += v * loops[k].stride;
        s.step += v * loops[k].step;
    }
    return s;
}

// The job that this block of threads belongs to, of n jobs that begin at these blocks, and which of the job's blocks it is.
struct Place {
    u32 job, block;
};

__device__ __forceinline__ Place job_of(const u32* starts, u32 n) {
    u32 low = 0, high = n;
    while (high - low > 1) {
        u32 middle = (low + high) / 2;
        if (starts[middle] <= blockIdx.x) low = middle;
        else high = middle;
    }
    return {low, blockIdx.x - starts[low]};
}
