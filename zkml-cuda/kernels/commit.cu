// Commitments: the low-degree extension of columns by the circle FFT, and the Merkle tree over its rows.
//
// Columns lie one after the other. Layer i of a transform pairs elements 2^i apart; its factors begin at n - (n >> i) in
// the list of all layers' factors. A transform goes over memory three times, whatever its size: the low layers of the
// inverse in pieces of 2^LOW neighbours, then all high layers of both directions on sixteen neighbours of every piece, then
// the low layers forward.

#define NEIGHBOURS 16u

__device__ __forceinline__ u32 factor(const u32* factors, u32 log_n, u32 layer, u64 first) {
    u64 n = 1ull << log_n;
    return factors[n - (n >> layer) + (first >> (layer + 1))];
}

extern __shared__ u32 tile[];

// Layers 0 .. low of the inverse, in pieces of 2^low.
extern "C" __global__ void fft_inverse_low(const u32* in, u32* out, const u32* inverse, u32 log_n, u32 low) {
    u64 base = ((u64)blockIdx.x << low) + ((u64)blockIdx.y << log_n);
    u64 piece = (u64)blockIdx.x << low;
    u32 len = 1u << low;
    for (u32 i = threadIdx.x; i < len; i += blockDim.x) tile[i] = in[base + i];
    for (u32 layer = 0; layer < low; layer++) {
        __syncthreads();
        for (u32 k = threadIdx.x; k < len / 2; k += blockDim.x) {
            u32 a = ((k >> layer) << (layer + 1)) | (k & ((1u << layer) - 1)), b = a + (1u << layer);
            u32 x = tile[a], y = tile[b];
            tile[a] = m31_add(x, y);
            tile[b] = m31_mul(m31_sub(x, y), factor(inverse, log_n, layer, piece + a));
        }
    }
    __syncthreads();
    for (u32 i = threadIdx.x; i < len; i += blockDim.x) out[base + i] = tile[i];
}

// Layers low .. log_n of the inverse, zeros for the coefficients that the larger domain has more, and its layers down to
// low, on NEIGHBOURS elements of every piece. `scale` is 1 / 2^log_n.
extern "C" __global__ void fft_high(const u32* in, u32* out, const u32* inverse, const u32* forward, u32 log_n, u32 log_m,
                                    u32 low, u32 scale) {
    u32 rows = 1u << (log_n - low), all = 1u << (log_m - low);
    u64 first = (u64)blockIdx.x * NEIGHBOURS, from = ((u64)blockIdx.y << log_n) + first;
    for (u32 i = threadIdx.x; i < rows * NEIGHBOURS; i += blockDim.x)
        tile[i] = in[from + ((u64)(i / NEIGHBOURS) << low) + i % NEIGHBOURS];
    for (u32 layer = low; layer < log_n; layer++) {
        u32 s = layer - low;
        __syncthreads();
        for (u32 k = threadIdx.x; k < rows / 2 * NEIGHBOURS; k += blockDim.x) {
            u32 pair = k / NEIGHBOURS, at = k % NEIGHBOURS;
            u32 a = ((pair >> s) << (s + 1)) | (pair & ((1u << s) - 1)), b = a + (1u << s);
            u32 x = tile[a * NEIGHBOURS + at], y = tile[b * NEIGHBOURS + at];
            tile[a * NEIGHBOURS + at] = m31_add(x, y);
            tile[b * NEIGHBOURS + at] =
                m31_mul(m31_sub(x, y), factor(inverse, log_n, layer, ((u64)a << low) + first + at));
        }
    }
    __syncthreads();
    for (u32 i = threadIdx.x; i < rows * NEIGHBOURS; i += blockDim.x) tile[i] = m31_mul(tile[i], scale);
    for (u32 i = rows * NEIGHBOURS + threadIdx.x; i < all * NEIGHBOURS; i += blockDim.x) tile[i] = 0;
    for (u32 layer = log_m; layer-- > low;) {
        u32 s = layer - low;
        __syncthreads();
        for (u32 k = threadIdx.x; k < all / 2 * NEIGHBOURS; k += blockDim.x) {
            u32 pair = k / NEIGHBOURS, at = k % NEIGHBOURS;
            u32 a = ((pair >> s) << (s + 1)) | (pair & ((1u << s) - 1)), b = a + (1u << s);
            u32 x = tile[a * NEIGHBOURS + at];
            u32 y = m31_mul(tile[b * NEIGHBOURS + at], factor(forward, log_m, layer, ((u64)a << low) + first + at));
            tile[a * NEIGHBOURS + at] = m31_add(x, y);
            tile[b * NEIGHBOURS + at] = m31_sub(x, y);
        }
    }
    __syncthreads();
    u64 to = ((u64)blockIdx.y << log_m) + first;
    for (u32 i = threadIdx.x; i < all * NEIGHBOURS; i += blockDim.x)
        out[to + ((u64)(i / NEIGHBOURS) << low) + i % NEIGHBOURS] = tile[i];
}

// Layers low .. 0 forward, in place.
extern "C" __global__ void fft_forward_low(u32* data, const u32* forward, u32 log_m, u32 low) {
    u64 base = ((u64)blockIdx.x << low) + ((u64)blockIdx.y << log_m);
    u64 piece = (u64)blockIdx.x << low;
    u32 len = 1u << low;
    for (u32 i = threadIdx.x; i < len; i += blockDim.x) tile[i] = data[base + i];
    for (u32 layer = low; layer-- > 0;) {
        __syncthreads();
        for (u32 k = threadIdx.x; k < len / 2; k += blockDim.x) {
            u32 a = ((k >> layer) << (layer + 1)) | (k & ((1u << layer) - 1)), b = a + (1u << layer);
            u32 x = tile[a], y = m31_mul(tile[b], factor(forward, log_m, layer, piece + a));
            tile[a] = m31_add(x, y);
            tile[b] = m31_sub(x, y);
        }
    }
    __syncthreads();
    for (u32 i = threadIdx.x; i < len; i += blockDim.x) data[base + i] = tile[i];
}

// One layer of either direction on a few columns of 2^log_n words each, in place: for transforms that are none of the above.
// Thread k has the k-th pair. The last layer of the inverse scales; the others are given 1.
extern "C" __global__ void fft_inverse_layer(u32* data, const u32* inverse, u32 log_n, u32 layer, u32 scale) {
    u64 k = global_thread();
    if (k >> (log_n - 1)) return;
    u32* column = data + ((u64)blockIdx.y << log_n);
    u64 a = ((k >> layer) << (layer + 1)) | (k & ((1ull << layer) - 1)), b = a + (1ull << layer);
    u32 x = column[a], y = column[b];
    column[a] = m31_mul(m31_add(x, y), scale);
    column[b] = m31_mul(m31_mul(m31_sub(x, y), factor(inverse, log_n, layer, a)), scale);
}

extern "C" __global__ void fft_forward_layer(u32* data, const u32* forward, u32 log_n, u32 layer) {
    u64 k = global_thread();
    if (k >> (log_n - 1)) return;
    u32* column = data + ((u64)blockIdx.y << log_n);
    u64 a = ((k >> layer) << (layer + 1)) | (k & ((1ull << layer) - 1)), b = a + (1ull << layer);
    u32 x = column[a], y = m31_mul(column[b], factor(forward, log_n, layer, a));
    column[a] = m31_add(x, y);
    column[b] = m31_sub(x, y);
}

// Columns of 2^log_n words, followed by zeros up to 2^log_m.
extern "C" __global__ void pad_columns(const u32* in, u32* out, u32 log_n, u32 log_m) {
    u64 i = global_thread();
    if (i >> log_m) return;
    out[((u64)blockIdx.y << log_m) + i] = i >> log_n ? 0 : in[((u64)blockIdx.y << log_n) + i];
}

// BLAKE2s (RFC 7693) without a key, 32 bytes out.
__device__ __constant__ const u32 IV[8] = {0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au,
                                           0x510E527Fu, 0x9B05688Cu, 0x1F83D9ABu, 0x5BE0CD19u};
__device__ constexpr u8 SIGMA[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

__device__ __forceinline__ u32 rotate(u32 x, u32 by) { return __funnelshift_r(x, x, by); }

#define MIX(a, b, c, d, x, y)                     \
    v[a] += v[b] + (x); v[d] = rotate(v[d] ^ v[a], 16); \
    v[c] += v[d];       v[b] = rotate(v[b] ^ v[c], 12); \
    v[a] += v[b] + (y); v[d] = rotate(v[d] ^ v[a], 8);  \
    v[c] += v[d];       v[b] = rotate(v[b] ^ v[c], 7);

// Takes in a block after which `bytes` have been taken in.
__device__ __forceinline__ void compress(u32 h[8], const u32 m[16], u64 bytes, bool last) {
    u32 v[16];
#pragma unroll
    for (int i = 0; i < 8; i++) { v[i] = h[i]; v[8 + i] = IV[i]; }
    v[12] ^= (u32)bytes;
    v[13] ^= (u32)(bytes >> 32);
    if (last) v[14] = ~v[14];
#pragma unroll
    for (int r = 0; r < 10; r++) {
        MIX(0, 4, 8, 12, m[SIGMA[r][0]], m[SIGMA[r][1]])
        MIX(1, 5, 9, 13, m[SIGMA[r][2]], m[SIGMA[r][3]])
        MIX(2, 6, 10, 14, m[SIGMA[r][4]], m[SIGMA[r][5]])
        MIX(3, 7, 11, 15, m[SIGMA[r][6]], m[SIGMA[r][7]])
        MIX(0, 5, 10, 15, m[SIGMA[r][8]], m[SIGMA[r][9]])
        MIX(1, 6, 11, 12, m[SIGMA[r][10]], m[SIGMA[r][11]])
        MIX(2, 7, 8, 13, m[SIGMA[r][12]], m[SIGMA[r][13]])
        MIX(3, 4, 9, 14, m[SIGMA[r][14]], m[SIGMA[r][15]])
    }
#pragma unroll
    for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[8 + i];
}

__device__ __forceinline__ void start(u32 h[8]) {
#pragma unroll
    for (int i = 0; i < 8; i++) h[i] = IV[i];
    h[0] ^= 0x01010020u;
}

struct __align__(16) Hash { u32 w[8]; };

// A leaf is the hash of a row's words.
extern "C" __global__ void merkle_leaves(const u32* columns, u32 n_columns, u64 rows, Hash* out) {
    u64 row = global_thread();
    if (row >= rows) return;
    u32 h[8];
    start(h);
    for (u32 c = 0; c < n_columns; c += 16) {
        u32 m[16];
#pragma unroll
        for (u32 k = 0; k < 16; k++) m[k] = c + k < n_columns ? columns[(c + k) * rows + row] : 0;
        bool last = c + 16 >= n_columns;
        compress(h, m, 4ull * (last ? n_columns : c + 16), last);
    }
    Hash leaf;
#pragma unroll
    for (int i = 0; i < 8; i++) leaf.w[i] = h[i];
    out[row] = leaf;
}

// Leaves of `width` words each, at most sixteen, which lie one after the other.
extern "C" __global__ void merkle_rows(const u32* words, u32 width, u64 rows, Hash* out) {
    u64 row = global_thread();
    if (row >= rows) return;
    u32 h[8], m[16];
#pragma unroll
    for (u32 k = 0; k < 16; k++) m[k] = k < width ? words[row * width + k] : 0;
    start(h);
    compress(h, m, 4ull * width, true);
    Hash leaf;
#pragma unroll
    for (int i = 0; i < 8; i++) leaf.w[i] = h[i];
    out[row] = leaf;
}

// A node is the hash of its children.
extern "C" __global__ void merkle_layer(const Hash* below, Hash* out, u64 n) {
    u64 i = global_thread();
    if (i >= n) return;
    Hash left = below[2 * i], right = below[2 * i + 1], node;
    u32 h[8], m[16];
#pragma unroll
    for (int k = 0; k < 8; k++) { m[k] = left.w[k]; m[8 + k] = right.w[k]; }
    start(h);
    compress(h, m, 64, true);
#pragma unroll
    for (int k = 0; k < 8; k++) node.w[k] = h[k];
    out[i] = node;
}

// Proof of work: of the candidates from `first` on, the least whose hash after `digest` ends in enough zeros. Candidate c
// is the nonce of low word c mod 2^20 and high word c / 2^20, in stwo's order.
extern "C" __global__ void grind(Hash digest, u64 first, u64 n, u32 zeros, u64* best) {
    u64 i = global_thread();
    if (i >= n) return;
    u64 c = first + i;
    u32 h[8], m[16];
#pragma unroll
    for (int k = 0; k < 8; k++) m[k] = digest.w[k];
    m[8] = (u32)(c & 0xfffff);
    m[9] = (u32)(c >> 20);
#pragma unroll
    for (int k = 10; k < 16; k++) m[k] = 0;
    start(h);
    compress(h, m, 40, true);
    u32 got = h[0] == 0 ? 32 : __ffs(h[0]) - 1;
    if (got >= zeros) atomicMin(best, c);
}
