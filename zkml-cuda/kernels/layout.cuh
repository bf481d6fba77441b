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

// The t-th combination of n loops, the last of them fastest.
__device__ __forceinline__ Steps combination(const Loop* loops, u64 n, u64 t) {
    Steps s = {0, 0};
    for (u64 k = n; k-- > 0;) {
        u64 v = t % loops[k].extent;
        t /= loops[k].extent;
        s.stride += v * loops[k].stride;
        s.step += v * loops[k].step;
    }
    return s;
}
