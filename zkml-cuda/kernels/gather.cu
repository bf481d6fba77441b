// What queries read, from wherever it lies.

struct __align__(16) Hash { u32 w[8]; };

extern "C" __global__ void gather_hashes(const Hash* const* from, u64 n, Hash* out) {
    u64 i = global_thread();
    if (i < n) out[i] = *from[i];
}

extern "C" __global__ void gather_elements(const qm31* const* from, u64 n, qm31* out) {
    u64 i = global_thread();
    if (i < n) out[i] = *from[i];
}

// Of columns of `stride` words each: the words at these positions, column after column.
extern "C" __global__ void gather_words(const u32* columns, u64 stride, u64 n_columns, const u64* positions, u64 n, u32* out) {
    u64 i = global_thread();
    if (i < n_columns * n) out[i] = columns[i / n * stride + positions[i % n]];
}
