// From cells to what is committed and looked up: linear expressions of tensors, and columns (zkml-runtime/src/cells.rs,
// protocol/prove.rs).

#define MAX_LOOPS 16

// A term of an expression: loops over a tensor's cells, of which the first `n_kept` step through the output too and the others
// are summed.
struct Term {
    Loop loops[MAX_LOOPS];
    u64 n_kept, n_loops;
    u64 kept_len, summed_len;
    u64 base;
    u32* words;
    u64 out;
    const void* cells;
    u64 width;
    i64 coef;
};

__device__ __forceinline__ i64 integer_at(const void* cells, u64 width, u64 i) {
    return width == 1 ? (i64)((const i8*)cells)[i] : (i64)((const i32*)cells)[i];
}

#define FILL 16u

struct Fill {
    u32* words;
    u64 len, value;
};

extern "C" __global__ void fill_words(const Fill* fills, const u32* starts, u32 n_fills) {
    Place at = job_of(starts, n_fills);
    Fill f = fills[at.job];
    u64 first = (u64)at.block * FILL * blockDim.x + threadIdx.x;
#pragma unroll
    for (u32 k = 0; k < FILL; k++) {
        u64 i = first + k * blockDim.x;
        if (i < f.len) f.words[i] = (u32)f.value;
    }
}

// A thread for each combination of the kept loops, the last of them fastest. Sums stay below 2^62.
extern "C" __global__ void add_terms(const Term* terms, const u32* starts, u32 n_terms) {
    __shared__ Term t;
    Place place = job_of(starts, n_terms);
    for (u32 i = threadIdx.x; i < sizeof(Term) / 4; i += blockDim.x) ((u32*)&t)[i] = ((const u32*)(terms + place.job))[i];
    __syncthreads();
    u64 i = (u64)place.block * blockDim.x + threadIdx.x;
    if (i >= t.kept_len) return;
    Steps at = combination(t.loops, t.n_kept, i);
    const Loop* summed = t.loops + t.n_kept;
    i64 sum = 0;
    for (u64 j = 0; j < t.summed_len; j++) {
        u64 further = combination(summed, t.n_loops - t.n_kept, j).stride;
        sum += integer_at(t.cells, t.width, t.base + at.stride + further);
    }
    u32* to = t.words + t.out + at.step;
    *to = m31_add(*to, reduce_signed(t.coef * sum));
}

// A run of cells that goes to a place in the columns; width 0 says that they are words already.
struct Piece {
    const void* cells;
    u64 width, from, to, len;
};

// Pieces side by side: a row of blocks for each.
extern "C" __global__ void place_pieces(const Piece* pieces, u32* columns) {
    Piece p = pieces[blockIdx.y];
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = global_thread(); i < p.len; i += step) {
        u32 word = p.width == 0 ? ((const u32*)p.cells)[p.from + i]
                                : m31_of((i32)integer_at(p.cells, p.width, p.from + i));
        columns[p.to + i] = word;
    }
}
