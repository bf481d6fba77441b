// eq of many points at once, each from the tables of its halves.

struct Point {
    // Where the tables of its halves begin, and where its own goes.
    u64 high, low, low_bits, bits, to;
};

extern "C" __global__ void eq_tables(const Point* points, const u32* starts, u32 n_points, const qm31* halves, qm31* out) {
    Place at = job_of(starts, n_points);
    Point p = points[at.job];
    u64 i = (u64)at.block * blockDim.x + threadIdx.x;
    if (i >> p.bits) return;
    out[p.to + i] = halves[p.high + (i >> p.low_bits)] * halves[p.low + (i & ((1ull << p.low_bits) - 1))];
}
