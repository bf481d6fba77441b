// Arithmetic in M31 and its extension of degree four, as stwo has it: CM31 = M31[i]/(i^2 + 1), QM31 = CM31[u]/(u^2 - 2 - i).
// Words are canonic, below p, everywhere but inside a function.

typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;
typedef int i32;
typedef signed char i8;
typedef unsigned char u8;

#define P 0x7fffffffu

__device__ __forceinline__ u64 global_thread() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }

// Up to 2p to below p: the difference wraps where there is nothing to take off.
__device__ __forceinline__ u32 reduce_once(u32 x) { return min(x, x - P); }

__device__ __forceinline__ u32 m31_add(u32 a, u32 b) { return reduce_once(a + b); }
__device__ __forceinline__ u32 m31_sub(u32 a, u32 b) { return min(a - b, a - b + P); }

// Below 2^62.
__device__ __forceinline__ u32 reduce_product(u64 x) {
    return reduce_once((u32)(x & P) + (u32)(x >> 31));
}

// Any word.
__device__ __forceinline__ u32 reduce_wide(u64 x) {
    u64 y = (x & P) + (x >> 31);
    return reduce_once((u32)(y & P) + (u32)(y >> 31));
}

// Below 2^62 in absolute value.
__device__ __forceinline__ u32 reduce_signed(i64 x) {
    // A multiple of p that makes it positive: p 2^32 is above 2^62.
    return reduce_wide((u64)x + ((u64)P << 32));
}

__device__ __forceinline__ u32 m31_mul(u32 a, u32 b) { return reduce_product((u64)a * b); }

// A centred integer, |v| < p.
__device__ __forceinline__ u32 m31_of(i32 v) { return v < 0 ? (u32)v + P : (u32)v; }

struct __align__(16) qm31 {
    u32 a, b, c, d;
};

__device__ __forceinline__ qm31 qm31_zero() { return {0u, 0u, 0u, 0u}; }
__device__ __forceinline__ qm31 qm31_one() { return {1u, 0u, 0u, 0u}; }
__device__ __forceinline__ qm31 qm31_base(u32 x) { return {x, 0u, 0u, 0u}; }

__device__ __forceinline__ qm31 operator+(qm31 x, qm31 y) {
    return {m31_add(x.a, y.a), m31_add(x.b, y.b), m31_add(x.c, y.c), m31_add(x.d, y.d)};
}
__device__ __forceinline__ qm31 operator-(qm31 x, qm31 y) {
    return {m31_sub(x.a, y.a), m31_sub(x.b, y.b), m31_sub(x.c, y.c), m31_sub(x.d, y.d)};
}
__device__ __forceinline__ qm31 operator-(qm31 x) { return qm31_zero() - x; }

__device__ __forceinline__ qm31 operator*(qm31 x, u32 s) {
    return {m31_mul(x.a, s), m31_mul(x.b, s), m31_mul(x.c, s), m31_mul(x.d, s)};
}

// Sums of two products stay below 2^63, of four below 2^64: one reduction for each coordinate of each of the four
// products of CM31 is enough.
__device__ __forceinline__ qm31 operator*(qm31 x, qm31 y) {
    u32 nb = P - x.b, nd = P - x.d;
    // (x.c + x.d i)(y.c + y.d i), to be multiplied by 2 + i.
    u32 s0 = reduce_wide((u64)x.c * y.c + (u64)nd * y.d);
    u32 s1 = reduce_wide((u64)x.c * y.d + (u64)x.d * y.c);
    qm31 r;
    r.a = reduce_wide((u64)x.a * y.a + (u64)nb * y.b + 2ull * s0 + (P - s1));
    r.b = reduce_wide((u64)x.a * y.b + (u64)x.b * y.a + s0 + 2ull * s1);
    r.c = reduce_wide((u64)x.a * y.c + (u64)nb * y.d + (u64)x.c * y.a + (u64)nd * y.b);
    r.d = reduce_wide((u64)x.a * y.d + (u64)x.b * y.c + (u64)x.c * y.b + (u64)x.d * y.a);
    return r;
}

// A sum of products of words with elements. Four products stay below 2^64: at most so many between two calls of `take`.
struct wide_sum {
    u64 a, b, c, d;
    __device__ __forceinline__ void add(u64 x, qm31 e) {
        a += x * e.a;
        b += x * e.b;
        c += x * e.c;
        d += x * e.d;
    }
    __device__ __forceinline__ qm31 take() {
        qm31 sum = {reduce_wide(a), reduce_wide(b), reduce_wide(c), reduce_wide(d)};
        a = b = c = d = 0;
        return sum;
    }
};

// x + r (y - x)
__device__ __forceinline__ qm31 qm31_lerp(qm31 x, qm31 y, qm31 r) { return x + r * (y - x); }

__device__ __forceinline__ qm31 qm31_shuffle_down(qm31 x, int by) {
    return {__shfl_down_sync(~0u, x.a, by), __shfl_down_sync(~0u, x.b, by), __shfl_down_sync(~0u, x.c, by),
            __shfl_down_sync(~0u, x.d, by)};
}

// The sum over a block of at most 1024 threads, whole warps of them; in thread 0. Every thread must take part.
__device__ __forceinline__ qm31 block_sum(qm31 x) {
    __shared__ qm31 warps[32];
    for (int by = 16; by > 0; by /= 2) x = x + qm31_shuffle_down(x, by);
    u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5, n = (blockDim.x + 31) >> 5;
    // A second sum in one kernel must not write before the first has been read.
    __syncthreads();
    if (lane == 0) warps[warp] = x;
    __syncthreads();
    x = lane < n ? warps[lane] : qm31_zero();
    for (int by = 16; by > 0; by /= 2) x = x + qm31_shuffle_down(x, by);
    return x;
}
